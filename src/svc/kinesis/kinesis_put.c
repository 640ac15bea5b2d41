/* SPDX-License-Identifier: Apache-2.0 */
/* kinesis_put: PutRecord and PutRecords: into the stream's log, and answered when they are on disk. */
#include "svc/kinesis/kinesis_int.h"

/* The log is full or closing: the client has to slow down and try again. */
static bool is_busy(int rc)
{
	return rc == ERR_LIMIT || rc == ERR_CANCELLED;
}

/* What a client repeats because it did not get the answer is answered as the first time. */
static int append(struct op_ctx *cx, struct kn_stream *s, const struct view *v, size_t n, uint64_t *ret_first, struct err *e)
{
	uint8_t key[OP_RETRY_KEY];

	_Static_assert(OP_RETRY_KEY == LOG_KEY, "one is the other");
	if (op_retry_key(cx, key))
		return log_append_once(s->log, key, v, n, ret_first, e);
	return log_append(s->log, v, n, ret_first, e);
}

static int shard_of(struct op_ctx *cx, const struct kn_stream *s, const char *key, const char *hash, unsigned *ret)
{
	kinesis_hash h;

	if (!hash)
		h = kinesis__hash_of(view_str(key));
	else if (!kinesis__hash_parse(view_str(hash), &h))
		return aws_fail(&cx->err, &KINESIS_INVALID, "ExplicitHashKey %.50s is not in the range 0 to 2^128 - 1.", hash);
	*ret = kinesis__shard_of(h, (unsigned)s->row.shards);
	return 0;
}

static int check_size(struct op_ctx *cx, struct view data, const char *key)
{
	if (data.n + strlen(key) <= KINESIS_RECORD_BYTES)
		return 0;
	return aws_fail(&cx->err, &KINESIS_INVALID, "A record has %zu bytes of data and %zu of partition key: at most %lu together.", data.n,
			strlen(key), KINESIS_RECORD_BYTES);
}

static const char *throttled(struct op_ctx *cx, const struct kn_stream *s, unsigned shard)
{
	return arena_printf(cx->arena, "Rate exceeded for shard %s in stream %s under account %s.", kinesis__shard_id(cx->arena, shard),
			    s->row.name, s->k->account);
}

int kinesis__op_put(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_put_in *in = input;
	struct kn_stream *s = kinesis__need(cx, in->name, in->arn);
	struct err e = { 0 };
	struct view record;
	unsigned shard = 0;
	uint64_t seq;
	int rc;

	if (!s || check_size(cx, in->data, in->key) || shard_of(cx, s, in->key, in->hash, &shard))
		return cx->err.code;
	/* SequenceNumberForOrdering asks for an order that one shard's records have anyway; it only has to be of this shard. */
	if (in->after && !kinesis__seq_parse(in->after, shard, &seq))
		return aws_fail(&cx->err, &KINESIS_INVALID, "SequenceNumberForOrdering %.100s is none of this shard.", in->after);
	record = kinesis__record(cx->arena, shard, view_str(in->key), in->data);
	rc = append(cx, s, &record, 1, &seq, &e);
	if (is_busy(rc))
		return aws_fail(&cx->err, &KINESIS_THROTTLED, "%s", throttled(cx, s, shard));
	if (rc) {
		cx->err = e;
		return err_ctx(&cx->err, "PutRecord");
	}
	out_str(o, "ShardId", kinesis__shard_id(cx->arena, shard));
	out_str(o, "SequenceNumber", kinesis__seq_text(cx->arena, shard, seq));
	out_str(o, "EncryptionType", "NONE");
	return 0;
}

static void answer(struct op_ctx *cx, const struct kn_stream *s, const unsigned *shards, size_t n, bool stored, uint64_t first,
		   struct out *o)
{
	out_int(o, "FailedRecordCount", stored ? 0 : (int64_t)n);
	out_list(o, "Records", NULL);
	for (size_t i = 0; i < n; i++) {
		out_obj(o, NULL);
		if (stored) {
			out_str(o, "SequenceNumber", kinesis__seq_text(cx->arena, shards[i], first + i));
			out_str(o, "ShardId", kinesis__shard_id(cx->arena, shards[i]));
		} else {
			out_str(o, "ErrorCode", KINESIS_THROTTLED.code);
			out_str(o, "ErrorMessage", throttled(cx, s, shards[i]));
		}
		out_obj_end(o);
	}
	out_list_end(o);
	out_str(o, "EncryptionType", "NONE");
}

int kinesis__op_put_many(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_put_many_in *in = input;
	const struct kn_record_in *records = in->records.v;
	struct kn_stream *s = kinesis__need(cx, in->name, in->arn);
	struct view *v = ARENA_ARRAY(cx->arena, struct view, in->records.n);
	unsigned *shards = ARENA_ARRAY(cx->arena, unsigned, in->records.n);
	struct err e = { 0 };
	uint64_t first = 0;
	size_t bytes = 0;
	int rc;

	if (!s)
		return cx->err.code;
	for (size_t i = 0; i < in->records.n; i++) {
		const struct kn_record_in *r = &records[i];

		bytes += r->data.n + strlen(r->key);
		if (bytes > KINESIS_BATCH_BYTES)
			return aws_fail(&cx->err, &KINESIS_INVALID, "Records size exceeds 5 MB limit");
		if (check_size(cx, r->data, r->key) || shard_of(cx, s, r->key, r->hash, &shards[i]))
			return cx->err.code;
		v[i] = kinesis__record(cx->arena, shards[i], view_str(r->key), r->data);
	}
	rc = append(cx, s, v, in->records.n, &first, &e);
	if (rc && !is_busy(rc)) {
		cx->err = e;
		return err_ctx(&cx->err, "PutRecords");
	}
	answer(cx, s, shards, in->records.n, rc == 0, first, o);
	return 0;
}
