/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinesis_get: GetShardIterator and GetRecords.
 *
 * An iterator is the text "1:<stream id>:<name>:<shard>:<number of the next record>:<valid until, ms>" in base64: nothing is
 * kept for it, so it holds over a restart, and as many as like can read.
 */
#include <inttypes.h>

#include "base/base64.h"
#include "svc/kinesis/kinesis_int.h"

#define READ_RECORDS 512
#define READ_BYTES (1024 * 1024UL)
#define SCAN_RECORDS 100000 /* looked at in one call, also those of other shards */
#define RECORDS_MAX 10000

struct iterator {
	const char *id, *name;
	unsigned shard;
	uint64_t from;
	int64_t until_ms;
};

static const char *iterator_text(struct op_ctx *cx, const struct kn_source *s, unsigned shard, uint64_t from)
{
	const char *text = arena_printf(cx->arena, "1:%s:%s:%u:%" PRIu64 ":%" PRId64, s->row.id, s->name, shard, from,
					(int64_t)(kinesis__now(cx->self) + KINESIS_ITERATOR_MS));

	return arena_str(cx->arena, base64_encode_arena(cx->arena, view_str(text)));
}

static bool iterator_parse(struct arena *a, const char *given, struct iterator *ret)
{
	struct view v, part[6];
	uint64_t shard;

	if (!base64_decode_arena(a, view_str(given), &v))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (!view_split(&v, ':', &part[i]))
			return false;
	*ret = (struct iterator){ .id = arena_str(a, part[1]), .name = arena_str(a, part[2]) };
	if (!view_eq(part[0], VIEW("1")) || v.n || !view_u64(part[3], KINESIS_SHARDS_MAX, &shard) ||
	    !view_u64(part[4], UINT64_MAX - 1, &ret->from) || !view_i64(part[5], &ret->until_ms))
		return false;
	ret->shard = (unsigned)shard;
	return ret->from > 0;
}

/* --- GetShardIterator --- */

static int by_seq(struct op_ctx *cx, const struct kn_iterator_in *in, unsigned shard, uint64_t *ret)
{
	uint64_t seq;

	if (!in->seq)
		return aws_fail(&cx->err, &KINESIS_INVALID, "Must either specify timestamp or sequence number");
	if (!kinesis__seq_parse(in->seq, shard, &seq) || !seq)
		return aws_fail(&cx->err, &KINESIS_INVALID, "StartingSequenceNumber %.140s used in GetShardIterator on shard %s is "
				"invalid.", in->seq, in->shard);
	*ret = seq + (strcmp(in->type, "AFTER_SEQUENCE_NUMBER") == 0);
	return 0;
}

static int by_time(struct op_ctx *cx, const struct kn_iterator_in *in, const struct kn_source *s, uint64_t *ret)
{
	if (!in->at.set)
		return aws_fail(&cx->err, &KINESIS_INVALID, "Must either specify timestamp or sequence number");
	if (in->at.v > kinesis__now(cx->self))
		return aws_fail(&cx->err, &KINESIS_INVALID, "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.");
	return log_at_time(s->log, in->at.v, ret, &cx->err);
}

int kinesis__op_iterator(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_iterator_in *in = input;
	struct kn_source s;
	uint64_t from = 0;
	unsigned shard;
	int rc = kinesis__source(cx, in->name, in->arn, &s);

	if (rc)
		return rc;
	if (!kinesis__shard_parse(in->shard, (unsigned)s.row.shards, &shard))
		return aws_fail(&cx->err, &KINESIS_NOT_FOUND, "Shard %s in stream %s does not exist", in->shard, s.name);
	if (strcmp(in->type, "LATEST") == 0)
		from = log_last(s.log) + 1;
	else if (strcmp(in->type, "TRIM_HORIZON") == 0)
		rc = kinesis__horizon(cx->self, &s, &from, &cx->err);
	else if (strcmp(in->type, "AT_TIMESTAMP") == 0)
		rc = by_time(cx, in, &s, &from);
	else
		rc = by_seq(cx, in, shard, &from);
	if (!rc)
		out_str(o, "ShardIterator", iterator_text(cx, &s, shard, from));
	return rc;
}

/* --- GetRecords --- */

struct getting {
	struct kn_source s;
	unsigned shard;
	uint64_t next; /* record that is looked at next */
	size_t limit, given, bytes, scanned;
	int64_t at_ms; /* of the last one looked at */
};

/* false: the answer is full, the record is for the next one. */
static bool give(struct op_ctx *cx, struct getting *g, const struct log_record *r, struct out *o)
{
	struct kinesis_record x = { .key = view_str(g->s.name), .data = r->data };

	if (!g->s.plain && (!kinesis__record_parse(r->data, &x) || x.shard != g->shard))
		return true;
	if (g->given == g->limit || (g->given && g->bytes + x.key.n + x.data.n > KINESIS_GET_BYTES))
		return false;
	g->given++;
	g->bytes += x.key.n + x.data.n;
	out_obj(o, NULL);
	out_str(o, "SequenceNumber", kinesis__seq_text(cx->arena, g->shard, r->seq));
	out_time(o, "ApproximateArrivalTimestamp", r->at_ms);
	out_blob(o, "Data", x.data);
	out_view(o, "PartitionKey", x.key);
	out_str(o, "EncryptionType", "NONE");
	out_obj_end(o);
	return true;
}

static int read_on(struct op_ctx *cx, struct getting *g, struct log_reader *reader, struct out *o)
{
	struct log_record r[READ_RECORDS];
	uint64_t last = log_last(g->s.log);
	bool more = true;

	while (more && g->next <= last && g->scanned < SCAN_RECORDS) {
		int n = log_read(reader, r, READ_RECORDS, READ_BYTES, 0, &cx->err);

		if (n <= 0)
			return n;
		for (int i = 0; i < n && more; i++) {
			more = give(cx, g, &r[i], o);
			g->next = r[i].seq + more;
			g->at_ms = r[i].at_ms;
			g->scanned++;
		}
	}
	return 0;
}

static int get(struct op_ctx *cx, struct getting *g, struct out *o)
{
	struct log_reader *reader;
	uint64_t oldest;
	int rc = kinesis__horizon(cx->self, &g->s, &oldest, &cx->err);

	if (rc)
		return rc;
	if (g->next < oldest)
		g->next = oldest;
	rc = log_reader_new(g->s.log, g->next, &reader, &cx->err);
	if (rc)
		return rc;
	out_list(o, "Records", NULL);
	rc = read_on(cx, g, reader, o);
	out_list_end(o);
	log_reader_free(reader);
	return rc;
}

int kinesis__op_get(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_get_in *in = input;
	struct getting g = { .limit = (size_t)opt_int_or(in->limit, RECORDS_MAX) };
	struct iterator it;
	int64_t now = kinesis__now(cx->self), behind;
	int rc;

	if (!iterator_parse(cx->arena, in->iterator, &it))
		return aws_fail(&cx->err, &KINESIS_INVALID, "Invalid ShardIterator.");
	if (now > it.until_ms)
		return aws_fail(&cx->err, &KINESIS_EXPIRED, "Iterator expired. The iterator was created more than 5 minutes ago.");
	if (kinesis__source_named(cx->self, it.name, cx->arena, &g.s) || strcmp(g.s.row.id, it.id) != 0 ||
	    it.shard >= (unsigned)g.s.row.shards)
		return aws_fail(&cx->err, &KINESIS_NOT_FOUND, "The stream %.128s of the ShardIterator does not exist any more.", it.name);
	if (in->arn && strcmp(in->arn, kinesis__arn(cx->self, cx->arena, it.name)) != 0)
		return aws_fail(&cx->err, &KINESIS_INVALID, "StreamARN is not that of the ShardIterator's stream, %s.", it.name);
	g.shard = it.shard;
	g.next = it.from;
	rc = get(cx, &g, o);
	if (rc)
		return rc;
	behind = g.next <= log_last(g.s.log) && now > g.at_ms ? now - g.at_ms : 0;
	out_str(o, "NextShardIterator", iterator_text(cx, &g.s, g.shard, g.next));
	out_int(o, "MillisBehindLatest", behind);
	return 0;
}
