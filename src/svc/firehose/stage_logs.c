/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_logs -- "CloudWatchLogProcessing": of what a subscription of CloudWatch Logs sends, the messages alone.
 *
 * Parameter DataMessageExtraction: true or false (then the envelope stays).  A record is an envelope:
 *   {"messageType":"DATA_MESSAGE","owner":s,"logGroup":s,"logStream":s,"subscriptionFilters":[..],
 *    "logEvents":[{"id":s,"timestamp":n,"message":s},...]}
 * and becomes its messages, each with a newline behind it; a CONTROL_MESSAGE becomes an empty record.  What is none of
 * both fails as "decompression-failed" does, as it was put.  (So it was seen on AWS by others; its documentation does
 * not say.)
 */
#include "base/limits.h"
#include "data/jsonsplit.h"
#include "svc/firehose/config.h"

#define EXTRACTION "DataMessageExtraction"

struct state {
	bool extract;
};

static int parse(const struct fh_check *x, struct fh_processor *p)
{
	static const char *const names[] = { EXTRACTION, NULL };
	struct state *st = ARENA_NEW(x->a, struct state);
	const char *value = fh__param(p, EXTRACTION);
	int rc = fh__param_only(x, p, names);

	if (rc)
		return rc;
	if (!value || (strcmp(value, "true") != 0 && strcmp(value, "false") != 0))
		return fh__processor_invalid(x, p, EXTRACTION " has to be true or false");
	st->extract = value[0] == 't';
	p->state = st;
	return 0;
}

/* The message of one event; only this small part of the envelope becomes a tree. */
static int add_message(struct view event, struct buf *out, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	const struct json *v;
	struct view text;

	arena_init(&a, LIMIT_ARENA);
	if (event.n > LIMIT_BODY_JSON)
		return err_set(e, ERR_LIMIT, "a log event is too long");
	v = json_parse(&a, event, JSON_DEPTH, e);
	if (!v)
		return err_ctx(e, "a log event");
	text = json_get_str(v, "message");
	if (!text.p)
		return err_set(e, ERR_INVALID, "a log event without message");
	buf_add_view(out, text);
	buf_add_char(out, '\n');
	return 0;
}

static int add_messages(struct view events, struct buf *out, struct err *e)
{
	struct view at = view_from(events, 1), event;
	int more, rc = 0;

	while (!rc && (more = jsonsplit_element(&at, &event)) != 0)
		rc = more < 0 ? err_set(e, ERR_INVALID, "logEvents is no array of events") : add_message(event, out, e);
	return rc;
}

static int extract(struct view data, struct buf *out, struct err *e)
{
	struct view rest = data, object, at, name, value, type = VIEW_NONE, events = VIEW_NONE;
	int more;

	if (!jsonsplit_value(&rest, &object) || object.p[0] != '{' || view_trim(rest).n)
		return err_set(e, ERR_INVALID, "not one JSON object");
	at = view_from(object, 1);
	while ((more = jsonsplit_member(&at, &name, &value)) > 0) {
		if (view_eq_str(name, "messageType"))
			type = value;
		if (view_eq_str(name, "logEvents"))
			events = value;
	}
	if (more < 0)
		return err_set(e, ERR_INVALID, "not one JSON object");
	if (view_eq_str(type, "\"CONTROL_MESSAGE\""))
		return 0;
	if (!view_eq_str(type, "\"DATA_MESSAGE\"") || !events.n || events.p[0] != '[')
		return err_set(e, ERR_INVALID, "not an envelope of CloudWatch Logs");
	return add_messages(events, out, e);
}

static void replace(struct fh_batch *b, struct fh_item *it)
{
	struct err why = { 0 };
	struct buf out;
	int rc;

	buf_init(&out, it->data.n + 2 * MIB);
	rc = extract(it->data, &out, &why);
	if (!rc)
		rc = buf_check(&out, "messages", &why);
	if (!rc && !fh__fits(b, out.n))
		rc = err_set(&why, ERR_LIMIT, "more than fits together with its neighbours");
	if (rc)
		fh__fail(it, FH_DECOMPRESSION_FAILED, arena_str(b->a, view_str(why.msg)), 1);
	else
		it->data = arena_view(b->a, buf_view(&out));
	buf_clear(&out);
}

static int run(struct fh_stream *s, const struct fh_processor *p, struct fh_batch *b, struct err *e)
{
	const struct state *st = p->state;

	(void)s;
	(void)e;
	for (size_t i = 0; st->extract && i < b->n; i++)
		if (fh__is_open(&b->v[i]))
			replace(b, &b->v[i]);
	return 0;
}

const struct fh_stage_def fh__stage_logs = { .parse = parse, .run = run };
