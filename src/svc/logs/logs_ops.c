/* SPDX-License-Identifier: Apache-2.0 */
/* logs_ops: the operations on groups, streams and events, and their table. */
#include <inttypes.h>
#include <string.h>

#include "os/clock.h"
#include "svc/logs/logs_int.h"

const struct aws_error LOGS_INVALID = { "InvalidParameterException", 400, false };
const struct aws_error LOGS_EXISTS = { "ResourceAlreadyExistsException", 400, false };
const struct aws_error LOGS_NOT_FOUND = { "ResourceNotFoundException", 400, false };
static const struct aws_error *const errors[] = { &LOGS_INVALID, &LOGS_EXISTS, &LOGS_NOT_FOUND, NULL };

#define PAGE 50
#define EVENTS_MAX 10000
#define EVENT_AGE_MS (14LL * 24 * 3600 * 1000)
#define EVENT_AHEAD_MS (2LL * 3600 * 1000)

struct logs_in { /* the members of all operations; each table names those it has */
	const char *group, *stream, *prefix, *order, *token, *class;
	struct opt_int limit, start, end;
	struct opt_bool descending, from_head, interleaved;
	struct op_list events, streams;
};
struct logs_put_event {
	struct opt_int at;
	const char *message;
};

struct query { /* for the functions inside transactions */
	struct op_ctx *cx;
	const struct logs_in *in;
	struct out *o;
	int64_t *after; /* events: the id behind which to go on */
	int64_t n;
};

static int exists_tx(struct meta_tx *tx, const char *group, const char *stream, struct err *e)
{
	struct tx_rows *r;
	int found;

	if (stream)
		found = tx_one(tx, &r, e, "SELECT 1 FROM logs_stream WHERE grp = ? AND name = ?", "ss", group, stream);
	else
		found = tx_one(tx, &r, e, "SELECT 1 FROM logs_group WHERE name = ?", "s", group);
	if (found > 0)
		tx_end(r);
	if (found == 0)
		return aws_fail(e, &LOGS_NOT_FOUND, "The specified log %s does not exist.", stream ? "stream" : "group");
	return found < 0 ? found : 0;
}

static int already(struct err *e, int r, const char *what)
{
	if (r != ERR_EXISTS)
		return r;
	err_clear(e);
	return aws_fail(e, &LOGS_EXISTS, "The specified log %s already exists", what);
}

static int create_group_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct query *q = arg;

	return already(e, tx_run(tx, e, "INSERT INTO logs_group (name, made_ms) VALUES (?, ?)", "si", q->in->group, clock_ms()),
		       "group");
}

static int create_stream_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct query *q = arg;
	int r = exists_tx(tx, q->in->group, NULL, e);

	if (r < 0)
		return r;
	return already(e, tx_run(tx, e, "INSERT INTO logs_stream (grp, name, made_ms) VALUES (?, ?, ?)", "ssi", q->in->group,
				 q->in->stream, clock_ms()),
		       "stream");
}

static int delete_group_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct query *q = arg;
	int r = exists_tx(tx, q->in->group, NULL, e);

	if (r == 0)
		r = tx_run(tx, e, "DELETE FROM logs_event WHERE grp = ?", "s", q->in->group);
	if (r == 0)
		r = tx_run(tx, e, "DELETE FROM logs_stream WHERE grp = ?", "s", q->in->group);
	if (r == 0)
		r = tx_run(tx, e, "DELETE FROM logs_group WHERE name = ?", "s", q->in->group);
	return r;
}

static int write_with(struct op_ctx *cx, const void *input, struct out *o, meta_fn fn)
{
	struct logs *l = cx->self;
	struct query q = { .cx = cx, .in = input, .o = o };

	return meta_write(l->meta, fn, &q, &cx->err);
}

static int read_with(struct op_ctx *cx, const void *input, struct out *o, meta_fn fn)
{
	struct logs *l = cx->self;
	struct query q = { .cx = cx, .in = input, .o = o };

	return meta_read(l->meta, fn, &q, &cx->err);
}

static int create_group(struct op_ctx *cx, const void *in, struct out *o)
{
	return write_with(cx, in, o, create_group_tx);
}

static int create_stream(struct op_ctx *cx, const void *in, struct out *o)
{
	return write_with(cx, in, o, create_stream_tx);
}

static int delete_group(struct op_ctx *cx, const void *in, struct out *o)
{
	return write_with(cx, in, o, delete_group_tx);
}

/* --- listing --- */

/* The first string behind every one that begins with @prefix, for an index range. */
static const char *prefix_end(struct arena *a, const char *prefix)
{
	return arena_printf(a, "%s\xf4\x8f\xbf\xbf", prefix);
}

static int groups_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct query *q = arg;
	struct arena *a = q->cx->arena;
	const char *prefix = q->in->prefix ? q->in->prefix : "", *last = NULL;
	int64_t limit = opt_int_or(q->in->limit, PAGE), n = 0;
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e,
			 "SELECT name, made_ms FROM logs_group WHERE name >= ? AND name <= ? AND name > ? ORDER BY name LIMIT ?",
			 "sssi", prefix, prefix_end(a, prefix), q->in->token ? q->in->token : "", limit + 1);

	if (r < 0)
		return r;
	out_list(q->o, "logGroups", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		if (n++ == limit) {
			tx_end(rows);
			break;
		}
		last = row_str(rows, 0, a);
		out_obj(q->o, NULL);
		out_str(q->o, "logGroupName", last);
		out_int(q->o, "creationTime", row_int(rows, 1));
		out_int(q->o, "metricFilterCount", 0);
		out_str(q->o, "arn", arena_printf(a, "%s:*", logs__group_arn(q->cx->self, last, a)));
		out_str(q->o, "logGroupArn", logs__group_arn(q->cx->self, last, a));
		out_str(q->o, "logGroupClass", "STANDARD");
		out_int(q->o, "storedBytes", 0);
		out_obj_end(q->o);
	}
	out_list_end(q->o);
	if (n > limit)
		out_str(q->o, "nextToken", last);
	return r < 0 ? r : 0;
}

static int describe_groups(struct op_ctx *cx, const void *in, struct out *o)
{
	return read_with(cx, in, o, groups_tx);
}

static const char *streams_sql(const struct logs_in *in)
{
	bool by_time = in->order && strcmp(in->order, "LastEventTime") == 0, down = opt_bool_or(in->descending, false);

	if (by_time && down)
		return "SELECT name, made_ms, first_ms, last_ms FROM logs_stream WHERE grp = ? AND name >= ? AND name <= ?"
		       " ORDER BY COALESCE(last_ms, 0) DESC, name LIMIT ? OFFSET ?";
	if (by_time)
		return "SELECT name, made_ms, first_ms, last_ms FROM logs_stream WHERE grp = ? AND name >= ? AND name <= ?"
		       " ORDER BY COALESCE(last_ms, 0), name LIMIT ? OFFSET ?";
	if (down)
		return "SELECT name, made_ms, first_ms, last_ms FROM logs_stream WHERE grp = ? AND name >= ? AND name <= ?"
		       " ORDER BY name DESC LIMIT ? OFFSET ?";
	return "SELECT name, made_ms, first_ms, last_ms FROM logs_stream WHERE grp = ? AND name >= ? AND name <= ?"
	       " ORDER BY name LIMIT ? OFFSET ?";
}

static void out_stream(struct query *q, const struct tx_rows *row)
{
	struct arena *a = q->cx->arena;
	const char *name = row_str(row, 0, a);

	out_obj(q->o, NULL);
	out_str(q->o, "logStreamName", name);
	out_int(q->o, "creationTime", row_int(row, 1));
	if (!row_null(row, 2)) {
		out_int(q->o, "firstEventTimestamp", row_int(row, 2));
		out_int(q->o, "lastEventTimestamp", row_int(row, 3));
		out_int(q->o, "lastIngestionTime", row_int(row, 3));
	}
	out_str(q->o, "arn",
		arena_printf(a, "%s:log-stream:%s", logs__group_arn(q->cx->self, q->in->group, a), name));
	out_int(q->o, "storedBytes", 0);
	out_obj_end(q->o);
}

static int streams_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct query *q = arg;
	const char *prefix = q->in->prefix ? q->in->prefix : "";
	int64_t limit = opt_int_or(q->in->limit, PAGE), n = 0, offset = 0;
	struct tx_rows *rows;
	int r = exists_tx(tx, q->in->group, NULL, e);

	if (r == 0 && q->in->token && !view_i64(view_str(q->in->token), &offset))
		return aws_fail(e, &LOGS_INVALID, "The specified nextToken is invalid.");
	if (r == 0)
		r = tx_query(tx, &rows, e, streams_sql(q->in), "sssii", q->in->group, prefix,
			     prefix_end(q->cx->arena, prefix), limit + 1, offset);
	if (r < 0)
		return r;
	out_list(q->o, "logStreams", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		if (n++ == limit) {
			tx_end(rows);
			break;
		}
		out_stream(q, rows);
	}
	out_list_end(q->o);
	if (n > limit)
		out_str(q->o, "nextToken", arena_printf(q->cx->arena, "%" PRId64, offset + limit));
	return r < 0 ? r : 0;
}

static int describe_streams(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct logs_in *in = input;

	if (!in->group)
		return aws_fail(&cx->err, &LOGS_INVALID, "logGroupName is required");
	return read_with(cx, input, o, streams_tx);
}

/* --- events --- */

struct page { /* "f/<ms>/<id>" or "b/<ms>/<id>": go on behind, or end before, this event */
	bool set, forward;
	int64_t at, id;
};

static bool page_parse(const char *token, struct page *p)
{
	struct view v = view_str(token), dir, at;

	if (!view_split(&v, '/', &dir) || !view_split(&v, '/', &at) || !v.p)
		return false;
	p->set = true;
	p->forward = view_eq(dir, VIEW("f"));
	return (p->forward || view_eq(dir, VIEW("b"))) && view_i64(at, &p->at) && view_i64(v, &p->id);
}

struct event_row {
	int64_t id, at, taken;
	struct view message;
};

/* One page of events in the order of the query: newest first unless @p looks forward. */
static int read_events_tx(struct meta_tx *tx, const struct query *q, const struct page *p, struct event_row **ret,
			  size_t *ret_n, struct err *e)
{
	const struct logs_in *in = q->in;
	struct arena *a = q->cx->arena;
	int64_t limit = opt_int_or(in->limit, EVENTS_MAX), from = opt_int_or(in->start, 0), to = opt_int_or(in->end, INT64_MAX);
	bool forward = p->forward;
	struct event_row *v;
	struct tx_rows *rows;
	size_t n = 0;
	int r = tx_query(tx, &rows, e,
			     forward ? "SELECT id, at_ms, taken_ms, message FROM logs_event WHERE grp = ? AND stream = ? AND at_ms >= ?"
				       " AND at_ms < ? AND (at_ms > ? OR (at_ms = ? AND id > ?)) ORDER BY at_ms, id LIMIT ?" :
				       "SELECT id, at_ms, taken_ms, message FROM logs_event WHERE grp = ? AND stream = ? AND at_ms >= ?"
				       " AND at_ms < ? AND (at_ms < ? OR (at_ms = ? AND id < ?)) ORDER BY at_ms DESC, id DESC LIMIT ?",
			     "ssiiiiii", in->group, in->stream, from, to, p->set ? p->at : forward ? -1 : INT64_MAX, p->at,
			     p->id, limit);

	if (r < 0)
		return r;
	v = ARENA_ARRAY(a, struct event_row, limit);
	while ((r = tx_next(rows, e)) > 0)
		v[n++] = (struct event_row){ row_int(rows, 0), row_int(rows, 1), row_int(rows, 2),
					     arena_view(a, row_view(rows, 3)) };
	*ret = v;
	*ret_n = n;
	return r;
}

static int get_events_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct query *q = arg;
	const struct logs_in *in = q->in;
	struct arena *a = q->cx->arena;
	struct page p = { .forward = opt_bool_or(in->from_head, false) };
	struct event_row *v;
	bool forward;
	size_t n;
	int r = exists_tx(tx, in->group, in->stream, e);

	if (r < 0)
		return r;
	if (in->token && !page_parse(in->token, &p))
		return aws_fail(e, &LOGS_INVALID, "The specified nextToken is invalid.");
	r = read_events_tx(tx, q, &p, &v, &n, e);
	if (r < 0)
		return r;
	forward = p.forward;
	out_list(q->o, "events", NULL);
	for (size_t i = 0; i < n; i++) {
		const struct event_row *x = forward ? &v[i] : &v[n - 1 - i];

		out_obj(q->o, NULL);
		out_int(q->o, "timestamp", x->at);
		out_view(q->o, "message", x->message);
		out_int(q->o, "ingestionTime", x->taken);
		out_obj_end(q->o);
	}
	out_list_end(q->o);
	const struct event_row none = { p.id, p.at, 0, VIEW_NONE };
	const struct event_row *newest = !n ? &none : forward ? &v[n - 1] : &v[0];
	const struct event_row *oldest = !n ? &none : forward ? &v[0] : &v[n - 1];

	/* At the end AWS gives the token back that it was given: so do equal positions. */
	out_str(q->o, "nextForwardToken", arena_printf(a, "f/%" PRId64 "/%" PRId64, newest->at, newest->id));
	out_str(q->o, "nextBackwardToken", arena_printf(a, "b/%" PRId64 "/%" PRId64, oldest->at, oldest->id));
	return r;
}

static int get_events(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct logs_in *in = input;

	if (!in->group)
		return aws_fail(&cx->err, &LOGS_INVALID, "logGroupName is required");
	return read_with(cx, input, o, get_events_tx);
}

static bool wanted_stream(const struct logs_in *in, struct view stream)
{
	const char **names = in->streams.v;

	if (in->prefix)
		return view_starts(stream, view_str(in->prefix));
	for (size_t i = 0; i < in->streams.n; i++)
		if (view_eq_str(stream, names[i]))
			return true;
	return in->streams.n == 0;
}

static int filter_events_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct query *q = arg;
	const struct logs_in *in = q->in;
	int64_t limit = opt_int_or(in->limit, EVENTS_MAX), after = 0, n = 0;
	struct tx_rows *rows;
	int r = exists_tx(tx, in->group, NULL, e);

	if (r == 0 && in->token && !view_i64(view_str(in->token), &after))
		return aws_fail(e, &LOGS_INVALID, "The specified nextToken is invalid.");
	if (r == 0)
		r = tx_query(tx, &rows, e,
			     "SELECT id, stream, at_ms, taken_ms, message FROM logs_event WHERE grp = ? AND at_ms >= ? AND at_ms < ?"
			     " AND id > ? ORDER BY id",
			     "siii", in->group, opt_int_or(in->start, 0), opt_int_or(in->end, INT64_MAX), after);
	if (r < 0)
		return r;
	out_list(q->o, "events", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		if (!wanted_stream(in, row_view(rows, 1)))
			continue;
		out_obj(q->o, NULL);
		out_view(q->o, "logStreamName", row_view(rows, 1));
		out_int(q->o, "timestamp", row_int(rows, 2));
		out_view(q->o, "message", row_view(rows, 4));
		out_int(q->o, "ingestionTime", row_int(rows, 3));
		after = row_int(rows, 0);
		out_str(q->o, "eventId", arena_printf(q->cx->arena, "%056" PRId64, after));
		out_obj_end(q->o);
		if (++n == limit) {
			tx_end(rows);
			break;
		}
	}
	out_list_end(q->o);
	out_list(q->o, "searchedLogStreams", NULL);
	out_list_end(q->o);
	if (n == limit)
		out_str(q->o, "nextToken", arena_printf(q->cx->arena, "%" PRId64, after));
	return r < 0 ? r : 0;
}

static int filter_events(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct logs_in *in = input;

	if (!in->group)
		return aws_fail(&cx->err, &LOGS_INVALID, "logGroupName is required");
	if (in->prefix && in->streams.n)
		return aws_fail(&cx->err, &LOGS_INVALID, "logStreamNames and logStreamNamePrefix cannot both be given");
	return read_with(cx, input, o, filter_events_tx);
}

static int put_events_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct query *q = arg;
	const struct logs_put_event *v = q->in->events.v;
	int64_t now = clock_ms();
	int64_t n = (int64_t)q->in->events.n, old_end = 0, new_start = n;
	int r = exists_tx(tx, q->in->group, NULL, e);

	if (r == 0)
		r = exists_tx(tx, q->in->group, q->in->stream, e);
	for (int64_t i = 0; i < n && r == 0; i++) {
		if (v[i].at.v < now - EVENT_AGE_MS)
			old_end = i + 1;
		else if (v[i].at.v > now + EVENT_AHEAD_MS)
			new_start = i < new_start ? i : new_start;
		else
			r = logs__add_tx(tx, q->in->group, q->in->stream, v[i].at.v, view_str(v[i].message), e);
	}
	if (r < 0)
		return r;
	out_str(q->o, "nextSequenceToken", "0");
	if (old_end || new_start < n) {
		out_obj(q->o, "rejectedLogEventsInfo");
		if (new_start < n)
			out_int(q->o, "tooNewLogEventStartIndex", new_start);
		if (old_end)
			out_int(q->o, "tooOldLogEventEndIndex", old_end);
		out_obj_end(q->o);
	}
	return 0;
}

static int put_events(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct logs_in *in = input;
	const struct logs_put_event *v = in->events.v;
	size_t bytes = 0;

	for (size_t i = 0; i < in->events.n; i++) {
		bytes += strlen(v[i].message) + 26;
		if (i && v[i].at.v < v[i - 1].at.v)
			return aws_fail(&cx->err, &LOGS_INVALID, "Log events in a single PutLogEvents request must be in chronological order.");
	}
	if (in->events.n && v[in->events.n - 1].at.v - v[0].at.v > 24LL * 3600 * 1000)
		return aws_fail(&cx->err, &LOGS_INVALID, "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
	if (bytes > 1048576)
		return aws_fail(&cx->err, &LOGS_INVALID, "Upload too large: %zu bytes exceeds limit of 1048576", bytes);
	return write_with(cx, input, o, put_events_tx);
}

/* --- the table --- */

static const char *const classes[] = { "STANDARD", NULL };
static const char *const classes_refused[] = { "INFREQUENT_ACCESS", "DELIVERY", NULL };
static const char *const orders[] = { "LogStreamName", "LastEventTime", NULL };
static const struct op_field name_item[] = { OP_ITEM_STR(1, 512), OP_END };
static const struct op_field put_event_fields[] = { OP_INT(struct logs_put_event, at, "timestamp", true, 0, 0),
						    OP_STR(struct logs_put_event, message, "message", true, 1, 0), OP_END };
static const struct op_field put_event_item[] = { OP_ITEM_OBJ(put_event_fields), OP_END };

#define GROUP(req) OP_STR(struct logs_in, group, "logGroupName", req, 1, 512)
#define STREAM OP_STR(struct logs_in, stream, "logStreamName", true, 1, 512)
#define TOKEN OP_STR(struct logs_in, token, "nextToken", false, 1, 0)
#define LIMIT(max) OP_INT(struct logs_in, limit, "limit", false, 1, max)
#define RANGE \
	OP_INT(struct logs_in, start, "startTime", false, 0, 0), OP_INT(struct logs_in, end, "endTime", false, 0, 0)

static const struct op_field create_group_fields[] = {
	GROUP(true), OP_ENUM(struct logs_in, class, "logGroupClass", false, classes, classes_refused), OP_REFUSED("kmsKeyId"),
	OP_REFUSED("tags"), OP_REFUSED("deletionProtectionEnabled"), OP_END
};
static const struct op_field create_stream_fields[] = { GROUP(true), STREAM, OP_END };
static const struct op_field delete_group_fields[] = { GROUP(true), OP_END };
static const struct op_field describe_groups_fields[] = {
	OP_STR(struct logs_in, prefix, "logGroupNamePrefix", false, 1, 512), TOKEN, LIMIT(50), OP_REFUSED("accountIdentifiers"),
	OP_REFUSED("logGroupNamePattern"), OP_REFUSED("includeLinkedAccounts"), OP_REFUSED("logGroupClass"),
	OP_REFUSED("logGroupIdentifiers"), OP_END
};
static const struct op_field describe_streams_fields[] = {
	GROUP(false), OP_STR(struct logs_in, prefix, "logStreamNamePrefix", false, 1, 512),
	OP_ENUM(struct logs_in, order, "orderBy", false, orders, NULL), OP_BOOL(struct logs_in, descending, "descending", false),
	TOKEN, LIMIT(50), OP_REFUSED("logGroupIdentifier"), OP_END
};
static const struct op_field get_events_fields[] = {
	GROUP(false), STREAM, RANGE, TOKEN, LIMIT(10000), OP_BOOL(struct logs_in, from_head, "startFromHead", false),
	OP_REFUSED("logGroupIdentifier"), OP_REFUSED("unmask"), OP_END
};
static const struct op_field filter_events_fields[] = {
	GROUP(false), OP_STR(struct logs_in, prefix, "logStreamNamePrefix", false, 1, 512),
	OP_LIST(struct logs_in, streams, "logStreamNames", false, const char *, name_item, 1, 100), RANGE, TOKEN, LIMIT(10000),
	OP_BOOL(struct logs_in, interleaved, "interleaved", false), /* AWS ignores it too: always true */
	OP_REFUSED("filterPattern"), OP_REFUSED("logGroupIdentifier"), OP_REFUSED("unmask"), OP_END
};
static const struct op_field put_events_fields[] = {
	GROUP(true), STREAM, OP_LIST(struct logs_in, events, "logEvents", true, struct logs_put_event, put_event_item, 1, 10000),
	OP_STR(struct logs_in, token, "sequenceToken", false, 1, 0), /* AWS ignores it and so do we */
	OP_REFUSED("entity"), OP_END
};

#define ROW(name, fn, fields, flags, doc) { name, fn, fields, sizeof(struct logs_in), flags, doc }
static const struct op ops[] = {
	ROW("CreateLogGroup", create_group, create_group_fields, OP_WRITE, "Creates a log group."),
	ROW("CreateLogStream", create_stream, create_stream_fields, OP_WRITE, "Creates a log stream in a group."),
	ROW("DeleteLogGroup", delete_group, delete_group_fields, OP_WRITE, "Deletes a log group with all it holds."),
	ROW("DescribeLogGroups", describe_groups, describe_groups_fields, 0, "Lists log groups."),
	ROW("DescribeLogStreams", describe_streams, describe_streams_fields, 0, "Lists the log streams of a group."),
	ROW("FilterLogEvents", filter_events, filter_events_fields, 0, "Reads events of several log streams."),
	ROW("GetLogEvents", get_events, get_events_fields, 0, "Reads the events of one log stream."),
	ROW("PutLogEvents", put_events, put_events_fields, OP_WRITE, "Adds events to a log stream."),
};

const struct service logs_service = {
	.name = "logs",
	.signing_name = "logs",
	.target_prefix = "Logs_20140328",
	.api_version = "2014-03-28",
	.protocol = OP_JSON_1_1,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
	.errors = errors,
	.invalid = &LOGS_INVALID,
};
