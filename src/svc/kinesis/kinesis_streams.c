/* SPDX-License-Identifier: Apache-2.0 */
/* kinesis_streams: creating, describing, listing and deleting streams, their shards, and how long they keep records. */
#include <inttypes.h>

#include "os/crypto.h"
#include "svc/kinesis/kinesis_int.h"

#define LIST_STREAMS 100
#define LIST_SHARDS 1000
#define DESCRIBE_SHARDS 100

static bool name_ok(struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && !strchr("_.-", c))
			return false;
	}
	return v.n > 0;
}

static bool on_demand(const struct kn_create_in *in)
{
	return in->mode && strcmp(in->mode->mode, "ON_DEMAND") == 0;
}

static int check_create(struct op_ctx *cx, const struct kn_create_in *in)
{
	if (!name_ok(view_str(in->name)))
		return aws_fail(&cx->err, &KINESIS_VALIDATION,
				"1 validation error detected: Value '%.128s' at 'streamName' failed to satisfy constraint: Member must "
				"satisfy regular expression pattern: [a-zA-Z0-9_.-]+", in->name);
	if (in->tags.n > KINESIS_TAGS_MAX)
		return aws_fail(&cx->err, &KINESIS_LIMIT, "A stream has at most %d tags.", KINESIS_TAGS_MAX);
	if (opt_int_or(in->record_kib, 1024) != 1024)
		return aws_fail(&cx->err, &KINESIS_INVALID, "MaxRecordSizeInKiB: only 1024 is supported by mulgil.");
	/* Whether AWS refuses ShardCount here or passes it by is not known; it has no meaning, so it is refused. */
	if (on_demand(in) && in->shards.set)
		return aws_fail(&cx->err, &KINESIS_INVALID, "ShardCount cannot be given with StreamMode ON_DEMAND.");
	if (!on_demand(in) && !in->shards.set)
		return aws_fail(&cx->err, &KINESIS_INVALID, "ShardCount has to be given with StreamMode PROVISIONED.");
	if (in->shards.set && in->shards.v > KINESIS_SHARDS_MAX)
		return aws_fail(&cx->err, &KINESIS_LIMIT, "ShardCount: a stream has at most %d shards.", KINESIS_SHARDS_MAX);
	return 0;
}

int kinesis__op_create(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_create_in *in = input;
	struct kinesis *k = cx->self;
	char id[UUID_TEXT];
	struct kn_row row = { .name = in->name, .id = id, .created_ms = kinesis__now(k), .on_demand = on_demand(in),
			      .shards = opt_int_or(in->shards, KINESIS_ON_DEMAND_SHARDS), .retention_h = KINESIS_RETENTION_MIN_H };
	int rc = check_create(cx, in);

	(void)o;
	uuid7(id);
	return rc ? rc : kinesis__add(k, &row, in->tags.v, in->tags.n, &cx->err);
}

int kinesis__op_delete(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_stream_in *in = input;
	struct kn_stream *s = kinesis__need(cx, in->name, in->arn);

	(void)o;
	return s ? kinesis__delete(cx->self, s, &cx->err) : cx->err.code;
}

/* --- description --- */

static void out_shard(struct op_ctx *cx, const struct kn_source *s, unsigned shard, struct out *o)
{
	unsigned n = (unsigned)s->row.shards;

	out_obj(o, NULL);
	out_str(o, "ShardId", kinesis__shard_id(cx->arena, shard));
	out_obj(o, "HashKeyRange");
	out_str(o, "StartingHashKey", kinesis__hash_text(cx->arena, kinesis__hash_start(shard, n)));
	out_str(o, "EndingHashKey", kinesis__hash_text(cx->arena, kinesis__hash_start(shard + 1, n) - 1));
	out_obj_end(o);
	out_obj(o, "SequenceNumberRange");
	out_str(o, "StartingSequenceNumber", kinesis__seq_text(cx->arena, shard, 0));
	out_obj_end(o);
	out_obj_end(o);
}

/* Shards from @from on, at most @max; returns the one behind the last. */
static unsigned out_shards(struct op_ctx *cx, const struct kn_source *s, unsigned from, int64_t max, struct out *o)
{
	unsigned i = from;

	out_list(o, "Shards", NULL);
	for (; i < (unsigned)s->row.shards && i - from < (uint64_t)max; i++)
		out_shard(cx, s, i, o);
	out_list_end(o);
	return i;
}

static void out_common(struct op_ctx *cx, const struct kn_source *s, struct out *o)
{
	out_str(o, "StreamName", s->name);
	out_str(o, "StreamARN", kinesis__arn(cx->self, cx->arena, s->name));
	out_str(o, "StreamStatus", "ACTIVE");
	out_obj(o, "StreamModeDetails");
	out_str(o, "StreamMode", s->row.on_demand ? "ON_DEMAND" : "PROVISIONED");
	out_obj_end(o);
	out_int(o, "RetentionPeriodHours", s->row.retention_h);
	out_time(o, "StreamCreationTimestamp", s->row.created_ms);
	out_list(o, "EnhancedMonitoring", NULL);
	out_obj(o, NULL);
	out_list(o, "ShardLevelMetrics", NULL);
	out_list_end(o);
	out_obj_end(o);
	out_list_end(o);
	out_str(o, "EncryptionType", "NONE");
}

/* The shard behind @after (NULL: the first). */
static int first_shard(struct op_ctx *cx, const struct kn_source *s, const char *after, unsigned *ret)
{
	*ret = 0;
	if (!after)
		return 0;
	if (!kinesis__shard_parse(after, (unsigned)s->row.shards, ret))
		return aws_fail(&cx->err, &KINESIS_INVALID, "Shard %.128s does not exist in stream %s.", after, s->name);
	++*ret;
	return 0;
}

int kinesis__op_describe(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_stream_in *in = input;
	struct kn_source s;
	unsigned from, next;
	int rc = kinesis__source(cx, in->name, in->arn, &s);

	if (!rc)
		rc = first_shard(cx, &s, in->after, &from);
	if (rc)
		return rc;
	out_obj(o, "StreamDescription");
	out_common(cx, &s, o);
	next = out_shards(cx, &s, from, opt_int_or(in->limit, DESCRIBE_SHARDS), o);
	out_bool(o, "HasMoreShards", next < (unsigned)s.row.shards);
	out_obj_end(o);
	return 0;
}

int kinesis__op_summary(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_stream_in *in = input;
	struct kn_source s;
	int rc = kinesis__source(cx, in->name, in->arn, &s);

	if (rc)
		return rc;
	out_obj(o, "StreamDescriptionSummary");
	out_common(cx, &s, o);
	out_int(o, "OpenShardCount", s.row.shards);
	out_int(o, "ConsumerCount", 0);
	out_int(o, "MaxRecordSizeInKiB", 1024);
	out_obj_end(o);
	return 0;
}

/* Nothing limits the number of shards but KINESIS_SHARDS_MAX of each stream. */
int kinesis__op_limits(struct op_ctx *cx, const void *input, struct out *o)
{
	struct kinesis *k = cx->self;
	int64_t open = 0, on_demand_streams = 0;

	(void)input;
	lock_take(&k->lock);
	for (const struct kn_stream *s = k->all; s; s = s->next) {
		open += s->deleted || s->row.on_demand ? 0 : s->row.shards;
		on_demand_streams += !s->deleted && s->row.on_demand;
	}
	lock_drop(&k->lock);
	out_int(o, "ShardLimit", INT32_MAX);
	out_int(o, "OpenShardCount", open);
	out_int(o, "OnDemandStreamCount", on_demand_streams);
	out_int(o, "OnDemandStreamCountLimit", INT32_MAX);
	return 0;
}

/* --- listing --- */

struct names_arg {
	struct arena *a;
	struct kn_row *v;
	size_t n;
};

static int names_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct names_arg *x = arg;

	return kinesis__rows(tx, x->a, &x->v, &x->n, e);
}

int kinesis__op_list(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_stream_in *in = input;
	struct kinesis *k = cx->self;
	struct names_arg x = { .a = cx->arena };
	const char *after = in->token ? in->token : in->after ? in->after : "";
	int64_t left = opt_int_or(in->limit, LIST_STREAMS);
	size_t from = 0, to;

	if (meta_read(k->o.meta, names_fn, &x, &cx->err) < 0)
		return cx->err.code;
	while (from < x.n && view_cmp(view_str(x.v[from].name), view_str(after)) <= 0)
		from++;
	to = x.n - from > (size_t)left ? from + (size_t)left : x.n;
	out_list(o, "StreamNames", NULL);
	for (size_t i = from; i < to; i++)
		out_str(o, NULL, x.v[i].name);
	out_list_end(o);
	out_list(o, "StreamSummaries", NULL);
	for (size_t i = from; i < to; i++) {
		out_obj(o, NULL);
		out_str(o, "StreamName", x.v[i].name);
		out_str(o, "StreamARN", kinesis__arn(k, cx->arena, x.v[i].name));
		out_str(o, "StreamStatus", "ACTIVE");
		out_obj(o, "StreamModeDetails");
		out_str(o, "StreamMode", x.v[i].on_demand ? "ON_DEMAND" : "PROVISIONED");
		out_obj_end(o);
		out_time(o, "StreamCreationTimestamp", x.v[i].created_ms);
		out_obj_end(o);
	}
	out_list_end(o);
	out_bool(o, "HasMoreStreams", to < x.n);
	if (to < x.n)
		out_str(o, "NextToken", x.v[to - 1].name);
	return 0;
}

/* A token names the stream and the last shard told. */
static int list_from(struct op_ctx *cx, const struct kn_shards_in *in, struct kn_source *s, unsigned *ret)
{
	struct view v = view_str(in->token), stream;
	int rc;

	if (!in->token) {
		const char *after = in->after;

		rc = kinesis__source(cx, in->name, in->arn, s);
		if (!rc && in->filter && strcmp(in->filter->type, "AFTER_SHARD_ID") == 0) {
			if (!in->filter->shard)
				return aws_fail(&cx->err, &KINESIS_INVALID, "ShardFilter.ShardId has to be given with Type AFTER_SHARD_ID.");
			after = in->filter->shard;
		}
		return rc ? rc : first_shard(cx, s, after, ret);
	}
	if (in->name || in->after || in->filter || in->created.set)
		return aws_fail(&cx->err, &KINESIS_INVALID, "NextToken and StreamName cannot be provided together.");
	if (!view_split(&v, ':', &stream) || !v.n)
		return aws_fail(&cx->err, &KINESIS_INVALID, "NextToken is not valid.");
	rc = kinesis__source(cx, arena_str(cx->arena, stream), NULL, s);
	return rc ? rc : first_shard(cx, s, arena_str(cx->arena, v), ret);
}

/* Shards are never split or merged here: all are open and have always been, whatever the filter's moment is. */
int kinesis__op_list_shards(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_shards_in *in = input;
	struct kn_source s;
	unsigned from = 0, next;
	int rc = list_from(cx, in, &s, &from);

	if (rc)
		return rc;
	if (in->created.set && in->created.v / 1000 != s.row.created_ms / 1000)
		return aws_fail(&cx->err, &KINESIS_NOT_FOUND, "Stream %s was not created at StreamCreationTimestamp.", s.name);
	next = out_shards(cx, &s, from, opt_int_or(in->max, LIST_SHARDS), o);
	if (next < (unsigned)s.row.shards)
		out_str(o, "NextToken", arena_printf(cx->arena, "%s:%s", s.name, kinesis__shard_id(cx->arena, next - 1)));
	return 0;
}

/* --- retention --- */

static int retain(struct op_ctx *cx, const struct kn_stream_in *in, bool longer)
{
	struct kn_stream *s = kinesis__need(cx, in->name, in->arn);
	int64_t hours = in->hours.v, now;

	if (!s)
		return cx->err.code;
	if (hours < KINESIS_RETENTION_MIN_H || hours > KINESIS_RETENTION_MAX_H)
		return aws_fail(&cx->err, &KINESIS_INVALID, "RetentionPeriodHours %" PRId64 " is not valid: %d to %d hours.", hours,
				KINESIS_RETENTION_MIN_H, KINESIS_RETENTION_MAX_H);
	LOCK_SCOPE(&s->k->admin);
	now = s->row.retention_h;
	if (longer ? hours < now : hours > now)
		return aws_fail(&cx->err, &KINESIS_INVALID, "Requested retention period (%" PRId64 " hours) for stream %s can not be %s than "
				"existing retention period (%" PRId64 " hours).", hours, s->row.name, longer ? "shorter" : "longer", now);
	return kinesis__retain(s, hours, &cx->err);
}

int kinesis__op_increase(struct op_ctx *cx, const void *input, struct out *o)
{
	(void)o;
	return retain(cx, input, true);
}

int kinesis__op_decrease(struct op_ctx *cx, const void *input, struct out *o)
{
	(void)o;
	return retain(cx, input, false);
}
