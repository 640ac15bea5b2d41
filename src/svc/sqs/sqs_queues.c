// SPDX-License-Identifier: Apache-2.0
/* Operations on queues: their life, and their attributes. */
#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "svc/sqs/sqs_int.h"

#define LIST_MAX 1000
#define PURGE_EVERY_MS 60000

/* --- attributes --- */

/* Those that are numbers; AWS's limits and defaults. */
static const struct number {
	const char *name;
	size_t off;
	int64_t min, max, dflt;
} numbers[] = {
	{ "DelaySeconds", offsetof(struct sqs_queue, delay_s), 0, SQS_DELAY_MAX_S, 0 },
	{ "MaximumMessageSize", offsetof(struct sqs_queue, max_bytes), 1024, SQS_MESSAGE_MAX, SQS_MESSAGE_MAX },
	{ "MessageRetentionPeriod", offsetof(struct sqs_queue, retention_s), 60, 1209600, 345600 },
	{ "ReceiveMessageWaitTimeSeconds", offsetof(struct sqs_queue, wait_s), 0, SQS_WAIT_MAX_S, 0 },
	{ "VisibilityTimeout", offsetof(struct sqs_queue, visibility_s), 0, SQS_VISIBILITY_MAX_S, 30 },
};

/* Those that tell: they cannot be set. */
static const char *const told[] = {
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
	"CreatedTimestamp", "LastModifiedTimestamp", "QueueArn", "RedrivePolicy", "SqsManagedSseEnabled",
};

/* Those that AWS knows and that are not done here: the one value that asks for nothing is taken (NULL: none is). */
static const struct {
	const char *name, *nothing;
} not_done[] = {
	{ "ContentBasedDeduplication", NULL }, { "DeduplicationScope", NULL }, { "FifoQueue", NULL },
	{ "FifoThroughputLimit", NULL },       { "KmsDataKeyReusePeriodSeconds", NULL }, { "KmsMasterKeyId", "" },
	{ "Policy", "" },                      { "RedriveAllowPolicy", "" }, { "SqsManagedSseEnabled", "false" },
};

static int64_t *slot(struct sqs_queue *q, const struct number *n)
{
	return (int64_t *)((char *)q + n->off);
}

static const struct number *number_named(struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (view_eq_str(name, numbers[i].name))
			return &numbers[i];
	return NULL;
}

static int bad_attribute(struct err *e, struct view name)
{
	return aws_fail(e, &SQS_BAD_ATTRIBUTE, "Invalid value for the parameter %.*s.", VIEW_ARG(name));
}

/* {"deadLetterTargetArn": ..., "maxReceiveCount": 1 to 1000 (a number or its text)}; "": none. */
static int set_redrive(struct op_ctx *cx, struct sqs_queue *q, struct view text)
{
	const struct sqs *s = cx->self;
	struct view prefix = view_str(sqs__arn(s, cx->arena, "")), arn;
	const struct json *v, *count;
	struct err none = { 0 };
	int64_t n;

	q->dlq = NULL;
	if (!text.n)
		return 0;
	v = json_parse(cx->arena, text, 4, &none);
	arn = json_get_str(v, "deadLetterTargetArn");
	count = json_get(v, "maxReceiveCount");
	n = json_int(count, 0);
	if (json_is(count, JSON_STR) && !view_i64(json_str(count), &n))
		n = 0;
	if (json_len(v) != 2 || !view_starts(arn, prefix) || arn.n == prefix.n || n < 1 || n > 1000)
		return aws_fail(&cx->err, &SQS_BAD_VALUE, "Value %.*s for parameter RedrivePolicy is invalid. Reason: it has to have "
				"deadLetterTargetArn, a queue of this account and region, and maxReceiveCount, 1 to 1000.",
				(int)(text.n < 200 ? text.n : 200), text.p);
	q->dlq = arena_str(cx->arena, view_from(arn, prefix.n));
	q->max_receives = n;
	return 0;
}

static int refuse_attribute(struct op_ctx *cx, struct view name, struct view value)
{
	for (size_t i = 0; i < ARRAY_LEN(not_done); i++) {
		if (!view_eq_str(name, not_done[i].name))
			continue;
		if (not_done[i].nothing && view_eq_str(value, not_done[i].nothing))
			return 0;
		return aws_fail(&cx->err, &SQS_UNSUPPORTED, "The attribute %s is not supported by mulgil%s.", not_done[i].name,
				view_starts(name, VIEW("Fifo")) ? ": queues are standard queues" : "");
	}
	return aws_fail(&cx->err, &SQS_UNKNOWN_ATTRIBUTE, "Unknown Attribute %.*s.", (int)(name.n < 100 ? name.n : 100), name.p);
}

static int set_attribute(struct op_ctx *cx, struct sqs_queue *q, struct view name, const struct json *value)
{
	const struct number *n = number_named(name);
	int64_t i;

	if (!json_is(value, JSON_STR))
		return bad_attribute(&cx->err, name);
	if (view_eq_str(name, "RedrivePolicy"))
		return set_redrive(cx, q, json_str(value));
	if (!n)
		return refuse_attribute(cx, name, json_str(value));
	if (!view_i64(json_str(value), &i) || i < n->min || i > n->max)
		return bad_attribute(&cx->err, name);
	*slot(q, n) = i;
	return 0;
}

static int set_attributes(struct op_ctx *cx, struct sqs_queue *q, const struct json *attributes)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_len(attributes); i++)
		rc = set_attribute(cx, q, attributes->obj.v[i].name, attributes->obj.v[i].value);
	return rc;
}

static int is_map(struct op_ctx *cx, const struct json *attributes)
{
	if (!attributes || json_is(attributes, JSON_OBJ))
		return 0;
	return aws_fail(&cx->err, &SQS_BAD_VALUE, "Attributes is no map.");
}

/* --- life --- */

struct change {
	struct op_ctx *cx;
	const struct json *attributes;
	const char *name;
	struct sqs_queue q;
	struct sqs_counts counts;
	int64_t now, gone;
	int64_t until; /* messages sent up to then go */
	bool deleted;  /* the queue itself is */
};

/* Only the attributes that are given have to be those that the queue has. */
static int same_as(struct change *c, const struct sqs_queue *have, struct err *e)
{
	struct sqs_queue want = *have;

	must(set_attributes(c->cx, &want, c->attributes) == 0); /* they were checked */
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (*slot(&want, &numbers[i]) != *slot(&c->q, &numbers[i]))
			return aws_fail(e, &SQS_QUEUE_EXISTS, "A queue already exists with the same name and a different value for "
					"attribute %s", numbers[i].name);
	if (!want.dlq != !c->q.dlq || (want.dlq && (strcmp(want.dlq, c->q.dlq) != 0 || want.max_receives != c->q.max_receives)))
		return aws_fail(e, &SQS_QUEUE_EXISTS, "A queue already exists with the same name and a different value for "
				"attribute RedrivePolicy");
	return 0;
}

static int need_dlq(struct meta_tx *tx, struct change *c, struct err *e)
{
	struct sqs_queue dlq;
	int rc;

	if (!c->q.dlq)
		return 0;
	rc = sqs__queue_find(tx, c->q.dlq, c->cx->arena, &dlq, e);
	if (rc == 0)
		return aws_fail(e, &SQS_BAD_VALUE, "Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does "
				"not exist.", c->q.dlq);
	return rc < 0 ? rc : 0;
}

static int create_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;
	struct sqs_queue have;
	int rc = sqs__queue_find(tx, c->name, c->cx->arena, &have, e);

	if (rc > 0) {
		c->q = have;
		return same_as(c, &have, e);
	}
	if (rc == 0)
		rc = need_dlq(tx, c, e);
	if (rc == 0)
		rc = sqs__any_until(tx, c->name, INT64_MAX, e);
	c->gone = rc > 0; /* messages of a queue of this name that was deleted are still there */
	return rc ? (rc < 0 ? rc : 0) : sqs__queue_insert(tx, &c->q, e);
}

/* Messages go in pieces: a queue may hold millions of them.  Those of a deleted queue only as long as there is none again
 * of its name. */
static int empty_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;
	struct sqs_queue q;
	int rc = c->deleted ? sqs__queue_find(tx, c->name, c->cx->arena, &q, e) : 0;

	c->gone = 0;
	return rc ? (rc < 0 ? rc : 0) : sqs__forget(tx, c->name, c->until, &c->gone, e);
}

static int empty(struct sqs *s, struct change *c)
{
	int rc;

	do
		rc = meta_write(s->o.meta, empty_tx, c, &c->cx->err);
	while (rc == 0 && c->gone > 0);
	return rc;
}

/* What a crash or a deletion under way has left of an older queue is not the new one's. */
static int create(struct sqs *s, struct change *c)
{
	int rc = meta_write(s->o.meta, create_tx, c, &c->cx->err);

	if (rc == 0 && c->gone) {
		c->deleted = true;
		c->until = INT64_MAX;
		rc = empty(s, c);
		if (rc == 0)
			rc = meta_write(s->o.meta, create_tx, c, &c->cx->err);
	}
	if (rc == 0 && c->gone)
		return aws_fail(&c->cx->err, &SQS_DELETED_RECENTLY, "You must wait 60 seconds after deleting a queue before you can "
				"create another with the same name.");
	return rc;
}

static bool name_ok(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!isalnum((unsigned char)v.p[i]) && v.p[i] != '-' && v.p[i] != '_')
			return false;
	return v.n >= 1 && v.n <= 80;
}

int sqs__create_queue(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_queue_in *in = input;
	struct sqs *s = cx->self;
	struct change c = { .cx = cx, .attributes = in->attributes, .name = in->name, .now = sqs__now(s) };
	int rc = is_map(cx, in->attributes);

	if (rc == 0 && view_ends(view_str(in->name), VIEW(".fifo")))
		return aws_fail(&cx->err, &SQS_UNSUPPORTED, "The attribute FifoQueue is not supported by mulgil: queues are standard "
				"queues.");
	if (rc == 0 && !name_ok(view_str(in->name)))
		return aws_fail(&cx->err, &SQS_BAD_VALUE, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 "
				"in length");
	c.q = (struct sqs_queue){ .name = in->name, .created_ms = c.now, .modified_ms = c.now };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		*slot(&c.q, &numbers[i]) = numbers[i].dflt;
	if (rc == 0)
		rc = set_attributes(cx, &c.q, in->attributes);
	if (rc == 0)
		rc = create(s, &c);
	if (rc == 0)
		out_str(o, "QueueUrl", sqs__url(cx, in->name));
	return rc;
}

static int need_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;

	return sqs__queue_need(tx, c->name, c->cx->arena, &c->q, e);
}

int sqs__get_queue_url(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_queue_in *in = input;
	struct sqs *s = cx->self;
	struct change c = { .cx = cx, .name = in->name };
	int rc;

	if (in->owner && strcmp(in->owner, s->account) != 0)
		return aws_fail(&cx->err, &SQS_NO_QUEUE, "The specified queue does not exist.");
	rc = meta_read(s->o.meta, need_tx, &c, &cx->err);
	if (rc == 0)
		out_str(o, "QueueUrl", sqs__url(cx, in->name));
	return rc;
}

static int delete_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;
	int rc = sqs__queue_need(tx, c->name, c->cx->arena, &c->q, e);

	return rc < 0 ? rc : sqs__queue_remove(tx, c->name, e);
}

/* The queue first, so that nothing is sent to it any more; see create() for what a crash leaves of its messages. */
int sqs__delete_queue(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_queue_in *in = input;
	struct sqs *s = cx->self;
	struct change c = { .cx = cx, .until = INT64_MAX, .deleted = true };
	int rc = sqs__name_of(cx, in->url, &c.name);

	(void)o;
	if (rc == 0)
		rc = meta_write(s->o.meta, delete_tx, &c, &cx->err);
	return rc < 0 ? rc : empty(s, &c);
}

static int purge_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;
	int rc = sqs__queue_need(tx, c->name, c->cx->arena, &c->q, e);

	if (rc == 0 && c->now - c->q.purged_ms < PURGE_EVERY_MS)
		return aws_fail(e, &SQS_PURGING, "Only one PurgeQueue operation on %s is allowed every 60 seconds.", c->name);
	c->q.purged_ms = c->now;
	return rc < 0 ? rc : sqs__queue_update(tx, &c->q, e);
}

int sqs__purge_queue(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_queue_in *in = input;
	struct sqs *s = cx->self;
	struct change c = { .cx = cx, .now = sqs__now(s) };
	int rc = sqs__name_of(cx, in->url, &c.name);

	(void)o;
	c.until = c.now;
	if (rc == 0)
		rc = meta_write(s->o.meta, purge_tx, &c, &cx->err);
	return rc < 0 ? rc : empty(s, &c);
}

/* --- reading and changing attributes --- */

static int set_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;
	int rc = sqs__queue_need(tx, c->name, c->cx->arena, &c->q, e);

	if (rc < 0)
		return rc;
	must(set_attributes(c->cx, &c->q, c->attributes) == 0); /* they were checked */
	c->q.modified_ms = c->now;
	rc = need_dlq(tx, c, e);
	return rc < 0 ? rc : sqs__queue_update(tx, &c->q, e);
}

int sqs__set_queue_attributes(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_queue_in *in = input;
	struct sqs *s = cx->self;
	struct change c = { .cx = cx, .attributes = in->attributes, .now = sqs__now(s) };
	struct sqs_queue scratch = { 0 };
	int rc = is_map(cx, in->attributes);

	(void)o;
	if (rc == 0)
		rc = sqs__name_of(cx, in->url, &c.name);
	if (rc == 0)
		rc = set_attributes(cx, &scratch, in->attributes);
	if (rc == 0)
		rc = meta_write(s->o.meta, set_tx, &c, &cx->err);
	if (rc == 0)
		sqs__ring(s, c.name);
	return rc;
}

static bool known(struct view name)
{
	if (view_eq_str(name, "All") || number_named(name))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		if (view_eq_str(name, told[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(not_done); i++)
		if (view_eq_str(name, not_done[i].name))
			return true;
	return false;
}

static bool wanted(const struct op_list *names, const char *name)
{
	const char *const *v = names->v;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(v[i], "All") == 0 || strcmp(v[i], name) == 0)
			return true;
	return false;
}

static int counts_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;
	int rc = sqs__queue_need(tx, c->name, c->cx->arena, &c->q, e);

	return rc < 0 || !c->gone ? rc : sqs__count(tx, &c->q, c->now, &c->counts, e);
}

static void out_attributes(struct op_ctx *cx, struct change *c, const struct op_list *names, struct out *o)
{
	struct arena *a = cx->arena;
	const struct sqs *s = cx->self;
	const int64_t values[] = { c->counts.visible, c->counts.delayed, c->counts.in_flight, c->q.created_ms / 1000,
				   c->q.modified_ms / 1000 };

	out_obj(o, "Attributes");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (wanted(names, numbers[i].name))
			out_str(o, numbers[i].name, arena_printf(a, "%" PRId64, *slot(&c->q, &numbers[i])));
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (wanted(names, told[i]))
			out_str(o, told[i], arena_printf(a, "%" PRId64, values[i]));
	if (wanted(names, "QueueArn"))
		out_str(o, "QueueArn", sqs__arn(s, a, c->name));
	if (c->q.dlq && wanted(names, "RedrivePolicy"))
		out_str(o, "RedrivePolicy", arena_printf(a, "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":%" PRId64 "}",
							 sqs__arn(s, a, c->q.dlq), c->q.max_receives));
	if (wanted(names, "SqsManagedSseEnabled"))
		out_str(o, "SqsManagedSseEnabled", "false");
	out_obj_end(o);
}

int sqs__get_queue_attributes(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_queue_in *in = input;
	struct sqs *s = cx->self;
	const char *const *names = in->names.v;
	struct change c = { .cx = cx, .now = sqs__now(s) };
	int rc = sqs__name_of(cx, in->url, &c.name);

	for (size_t i = 0; rc == 0 && i < in->names.n; i++)
		if (!known(view_str(names[i])))
			return aws_fail(&cx->err, &SQS_UNKNOWN_ATTRIBUTE, "Unknown Attribute %.100s.", names[i]);
	for (size_t i = 0; i < 3; i++)
		c.gone |= wanted(&in->names, told[i]); /* counting takes a while */
	if (rc == 0)
		rc = meta_read(s->o.meta, counts_tx, &c, &cx->err);
	if (rc == 0 && in->names.n)
		out_attributes(cx, &c, &in->names, o);
	return rc;
}

/* --- listing --- */

struct listing {
	const struct sqs_queue_in *in;
	struct arena *a;
	int64_t max;
	const char **v;
	size_t n;
};

static int list_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct listing *l = arg;

	return sqs__queue_names(tx, l->in->prefix ? l->in->prefix : "", l->in->token ? l->in->token : "", l->max + 1, l->a,
				&l->v, &l->n, e);
}

int sqs__list_queues(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_queue_in *in = input;
	struct sqs *s = cx->self;
	struct listing l = { .in = in, .a = cx->arena, .max = opt_int_or(in->max, LIST_MAX) };
	size_t n;
	int rc;

	if (l.max < 1 || l.max > LIST_MAX)
		return aws_fail(&cx->err, &SQS_BAD_VALUE, "Value %" PRId64 " for parameter MaxResults is invalid. Reason: Must be "
				"between 1 and 1000, if provided.", l.max);
	if (in->token && !in->max.set)
		return aws_fail(&cx->err, &SQS_BAD_VALUE, "MaxResults has to be given with NextToken.");
	rc = meta_read(s->o.meta, list_tx, &l, &cx->err);
	if (rc < 0 || !l.n)
		return rc;
	n = l.n > (size_t)l.max ? (size_t)l.max : l.n;
	out_list(o, "QueueUrls", NULL);
	for (size_t i = 0; i < n; i++)
		out_str(o, NULL, sqs__url(cx, l.v[i]));
	out_list_end(o);
	if (n < l.n && in->max.set)
		out_str(o, "NextToken", l.v[n - 1]);
	return 0;
}
