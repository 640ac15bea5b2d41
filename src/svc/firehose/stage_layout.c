/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_layout -- "mulgil:Layout": a device's bytes become JSON, one object per frame, by a declared layout.
 *
 * Parameters: "mulgil:Layout" is the id of a layout (the record is the device's bytes), or "envelope" (the record is an
 * envelope, and says which layout); "mulgil:LayoutParameters" is a JSON object of the device's parameters, for a layout that
 * is named.  A record becomes lines of
 *   {"layout_id":s,"stream_id":s,"seq":n,"t_tablet_ns":n,"t_device":n,"frame":n,"offset":n,"raw":{...},"value":{...},...}
 * with the envelope's members only where there is one; raw, value, slow, check, dup and gap are those of
 * layout_frame_json().
 *
 * Every record is decoded by itself, so that what comes out depends on nothing but what went in: it has to hold
 * whole frames.  One that does not (bytes before, between or behind them; a frame that is bad) fails as a whole
 * with the reason, and its bytes are in the error document.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "data/envelope.h"
#include "data/layout.h"
#include "svc/firehose/config.h"

#define LAYOUT "mulgil:Layout"
#define PARAMETERS "mulgil:LayoutParameters"
#define ENVELOPE "envelope"
#define ROWS_MAX (64 * MIB) /* of one record */

struct state {
	const struct layout *layout; /* NULL: as the envelope says */
	const struct json *params;
};

static int parse_params(const struct fh_check *x, struct fh_processor *p, struct state *st)
{
	CLEANUP(layout_stream_freep) struct layout_stream *s = NULL;
	const char *text = fh__param(p, PARAMETERS);
	struct err why = { 0 };

	if (text && !st->layout)
		return fh__processor_invalid(x, p, PARAMETERS ": the layout has to be named");
	if (text)
		st->params = json_parse(x->a, view_str(text), JSON_DEPTH, &why);
	if (!why.code && st->layout)
		s = layout_stream_new(st->layout, st->params, &why);
	return why.code ? fh__processor_invalid(x, p, PARAMETERS ": %s", why.msg) : 0;
}

static int parse(const struct fh_check *x, struct fh_processor *p)
{
	static const char *const names[] = { LAYOUT, PARAMETERS, NULL };
	struct state *st = ARENA_NEW(x->a, struct state);
	const char *id = fh__param(p, LAYOUT);
	int rc = fh__param_only(x, p, names);

	if (rc)
		return rc;
	if (!id)
		return fh__processor_invalid(x, p, "the parameter " LAYOUT " is needed");
	p->state = st;
	if (strcmp(id, ENVELOPE) != 0) {
		st->layout = layout_catalog_by_id(view_str(id));
		if (!st->layout)
			return fh__processor_invalid(x, p, "layout %s is not in the catalog", id);
	}
	return parse_params(x, p, st);
}

/* --- one record --- */

struct decode {
	struct buf *out;
	const char *head;      /* what every line begins with */
	size_t frames;
	enum layout_fault fault; /* of the first bad frame */
	bool bad;
	char detail[160];
};

static void on_bad(void *ctx, const struct layout_bad *b)
{
	struct decode *d = ctx;

	if (d->bad)
		return;
	d->bad = true;
	d->fault = b->fault;
	snprintf(d->detail, sizeof(d->detail), "frame of %zu bytes at byte %" PRIu64 "%s%.64s", b->bytes.n, b->offset,
		 b->field[0] ? ", field " : "", b->field);
}

static void on_frame(void *ctx, const struct layout_frame *f)
{
	struct decode *d = ctx;
	const struct json *v;
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	v = layout_frame_json(&a, f);
	buf_add_str(d->out, d->head);
	buf_printf(d->out, "\"frame\":%zu,\"offset\":%" PRIu64, d->frames++, f->offset);
	for (size_t i = 0; i < json_len(v); i++) {
		if (view_eq_str(v->obj.v[i].name, "off"))
			continue;
		buf_add_char(d->out, ',');
		json_print_str(d->out, v->obj.v[i].name);
		buf_add_char(d->out, ':');
		json_print(d->out, v->obj.v[i].value);
	}
	buf_add_str(d->out, "}\n");
	arena_clear(&a);
}

static void fail(struct fh_item *it, struct arena *a, const char *reason, const char *text)
{
	fh__fail(it, "processing-failed", arena_printf(a, LAYOUT ".%s", reason), text, 1);
}

/* NULL: the record is whole frames; else why not. */
static const char *verdict(const struct layout_report *r, struct decode *d, const char **ret_reason)
{
	*ret_reason = "framing";
	if (d->bad) {
		*ret_reason = layout_fault_name(d->fault);
		return d->detail;
	}
	if (r->skipped || r->discarded)
		snprintf(d->detail, sizeof(d->detail), "%" PRIu64 " bytes are in no whole frame", r->skipped + r->discarded);
	else if (!d->frames)
		snprintf(d->detail, sizeof(d->detail), "there is no frame");
	else if (d->out->over)
		snprintf(d->detail, sizeof(d->detail), "the rows are longer than %zu bytes", (size_t)ROWS_MAX);
	else
		return NULL;
	return d->detail;
}

static void decode(struct fh_item *it, const struct layout *l, const struct json *params, const char *head, struct view payload,
		   struct arena *a, struct buf *out)
{
	CLEANUP(layout_stream_freep) struct layout_stream *s = NULL;
	struct decode d = { .out = out, .head = head };
	const struct layout_sink sink = { .ctx = &d, .frame = on_frame, .bad = on_bad };
	const char *why, *reason;
	struct err e = { 0 };

	s = layout_stream_new(l, params, &e);
	if (!s) {
		fail(it, a, "parameters", arena_str(a, view_str(e.msg)));
		return;
	}
	buf_reset(out);
	layout_stream_feed(s, payload, &sink);
	layout_stream_gap(s, &sink);
	why = verdict(layout_stream_report(s), &d, &reason);
	if (why)
		fail(it, a, reason, arena_str(a, view_str(why)));
	else
		it->data = arena_view(a, buf_view(out));
}

static const char *named(struct arena *a, const struct layout *l)
{
	return arena_printf(a, "{\"layout_id\":\"%.*s\",", VIEW_ARG(layout_id(l)));
}

static void open_envelope(struct fh_item *it, struct arena *a, struct buf *out)
{
	char id[ENVELOPE_STREAM_TEXT];
	const struct layout *l;
	struct envelope env;
	enum envelope_fault f = envelope_parse(it->data, &env);

	if (f != ENVELOPE_OK) {
		fail(it, a, envelope_fault_name(f), "the record is no envelope");
		return;
	}
	l = layout_catalog_by_number(env.layout);
	if (!l) {
		fail(it, a, "no_layout", arena_printf(a, "layout number %" PRIu32 " is not in the catalog", env.layout));
		return;
	}
	decode(it, l, NULL,
	       arena_printf(a, "%s\"stream_id\":\"%s\",\"seq\":%" PRIu32 ",\"t_tablet_ns\":%" PRId64 ",\"t_device\":%" PRId64 ",",
			    named(a, l), envelope_stream_text(env.stream, id), env.seq, env.t_tablet_ns, env.t_device),
	       env.payload, a, out);
}

static int run(struct fh_stream *s, const struct fh_processor *p, struct fh_batch *b, struct err *e)
{
	const struct state *st = p->state;
	struct buf out;

	(void)s;
	(void)e;
	buf_init(&out, ROWS_MAX);
	for (size_t i = 0; i < b->n; i++) {
		struct fh_item *it = &b->v[i];

		if (!fh__is_open(it))
			continue;
		if (st->layout)
			decode(it, st->layout, st->params, named(b->a, st->layout), it->data, b->a, &out);
		else
			open_envelope(it, b->a, &out);
	}
	buf_clear(&out);
	return 0;
}

const struct fh_stage_def fh__stage_layout = { .parse = parse, .run = run };
