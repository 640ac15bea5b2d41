// SPDX-License-Identifier: Apache-2.0
/* Frames out of a stream's payloads: framing, the carried rest, counters, device parameters. */
#include <stdlib.h>

#include "data/layout_int.h"

#define ARENA_MAX ((size_t)4 << 20)
#define PIECE ((size_t)LAYOUT_FRAME_MAX) /* bytes that are joined to a carried rest at one time */

const char *layout_fault_name(enum layout_fault f)
{
	static const char *const names[] = { "framing", "const",   "checksum",
					     "short",   "no_case", "range" };

	return names[f];
}

/* ---- parameters ---- */

static const struct layout__param *find_param(const struct layout *l, struct view name)
{
	for (size_t i = 0; i < l->n_params; i++)
		if (view_eq(l->params[i].name, name))
			return &l->params[i];
	return NULL;
}

static void set_param(struct layout__slot *s, const double *v, size_t n)
{
	*s = n ? (struct layout__slot){ .state = SLOT_LIST, .list = v, .n = n }
	       : (struct layout__slot){ .state = SLOT_NUMBER, .d = v[0], .i = 0 };
}

static int take_param(struct layout_stream *s, struct view name, const struct json *v,
		      struct err *e)
{
	const struct layout__param *p = find_param(s->l, name);
	bool rate = view_eq_str(name, "rate"), channels = view_eq_str(name, "channels");
	static const double one = 1;
	const double *d = &one;
	size_t n = 0;

	if (!p && !rate && !channels)
		return err_set(e, ERR_INVALID, "layout %.*s has no such parameter",
			       VIEW_ARG(s->l->id));
	if (layout__numbers(&s->arena, v, &d, &n, e) < 0)
		return e->code;
	if ((rate && (n || !(d[0] > 0))) ||
	    (channels && (n || !(d[0] >= 1 && d[0] <= LAYOUT_LIST_MAX))))
		return err_set(e, ERR_INVALID, "must be a number above 0");
	if (rate)
		s->rate = d[0];
	if (channels)
		s->channels = d[0];
	if (p)
		set_param(&s->params[p->slot], d, n);
	return 0;
}

static int take_params(struct layout_stream *s, const struct json *params, struct err *e)
{
	for (size_t i = 0; i < s->l->n_params; i++)
		set_param(&s->params[s->l->params[i].slot], s->l->params[i].v, s->l->params[i].n);
	if (params && !json_is(params, JSON_OBJ))
		return err_set(e, ERR_INVALID, "parameters must be an object");
	for (size_t i = 0; params && i < json_len(params); i++) {
		struct view name = params->obj.v[i].name;

		if (take_param(s, name, params->obj.v[i].value, e) < 0)
			return err_ctx(e, "parameter %.*s",
				       VIEW_ARG(view_sub(name, 0, LAYOUT_NAME_MAX)));
	}
	return 0;
}

/* Tries a fixed expression for every element that the field certainly has. */
static bool evaluates(const struct layout_stream *s, const struct layout__expr *x, size_t n,
		      double *ret)
{
	for (size_t i = 0; x && i < (x->indexed ? n : 1); i++)
		if (!layout__eval(x, s->params, i, ret))
			return false;
	return true;
}

/* Scales that parameters alone decide are computed once, and wrong parameters are found now. */
static int fold(struct layout_stream *s, struct err *e)
{
	const struct layout *l = s->l;

	s->folded = ARENA_ARRAY(&s->arena, struct layout__folded, l->n_fields + 1);
	for (size_t i = 0; i < l->n_fields; i++) {
		const struct layout__field *f = l->all[i];
		struct layout__folded *c = &s->folded[i];
		double count = 1;

		*c = (struct layout__folded){ .scale = 1, .offset = 0 };
		if (!layout__expr_fixed(l, f->scale) || !layout__expr_fixed(l, f->offset))
			continue;
		if (f->n &&
		    (!layout__expr_fixed(l, f->n) || !layout__eval(f->n, s->params, 0, &count)))
			count = 1;
		size_t n = count >= 1 && count <= LAYOUT_LIST_MAX ? (size_t)count : 1;
		if (!evaluates(s, f->scale, n, &c->scale) ||
		    !evaluates(s, f->offset, n, &c->offset))
			return err_set(e, ERR_INVALID,
				       "the parameters give field %.*s no scale (a list is used as "
				       "name[i])",
				       VIEW_ARG(f->name));
		c->fixed = !(f->scale && f->scale->indexed) && !(f->offset && f->offset->indexed);
	}
	return 0;
}

/* What a frame finds set: parameters, and of what the frame before has set nothing. */
static void prepare_env(struct layout_stream *s)
{
	const struct layout *l = s->l;

	memcpy(s->run.env, s->params, l->n_names * sizeof(*s->params));
	s->fresh = ARENA_ARRAY(&s->arena, int, l->n_names);
	for (size_t i = 0; i < l->n_names; i++)
		if (l->by_field[i] && l->looked_at[i])
			s->fresh[s->n_fresh++] = (int)i;
}

struct layout_stream *layout_stream_new(const struct layout *l, const struct json *params,
					struct err *e)
{
	struct layout_stream *s = calloc(1, sizeof(*s));

	must(s);
	s->l = layout_ref(l);
	s->rate = l->time.rate;
	arena_init(&s->arena, ARENA_MAX);
	buf_init(&s->carry, 2 * LAYOUT_FRAME_MAX + PIECE);
	s->last = ARENA_ARRAY(&s->arena, int64_t, l->n_counters);
	s->has_last = ARENA_ARRAY(&s->arena, bool, l->n_counters);
	if (take_params(s, params, e) < 0 || fold(s, e) < 0)
		return layout_stream_free(s);
	prepare_env(s);
	s->run.l = l;
	s->run.folded = s->folded;
	s->run.m = &s->scratch;
	return s;
}

struct layout_stream *layout_stream_free(struct layout_stream *s)
{
	if (!s)
		return NULL;
	layout_unref(s->l);
	layout__scratch_clear(&s->scratch);
	buf_clear(&s->carry);
	arena_clear(&s->arena);
	free(s);
	return NULL;
}

void layout_stream_freep(struct layout_stream **s)
{
	*s = layout_stream_free(*s);
}

/* ---- one frame ---- */

/* Remainder from 0 to @m - 1; most are that already, and a division takes as long as a field. */
static int64_t wrap(int64_t v, int64_t m)
{
	if (v >= 0 && v < m)
		return v;
	if (v < 0 && v > -m)
		return v + m;
	return (v % m + m) % m;
}

static void count_one(struct layout_stream *s, size_t i, struct layout_frame *f)
{
	const struct layout__counter *c = &s->l->counters[i];
	const struct layout__slot *now = &s->run.env[c->slot];

	if (now->state != SLOT_NUMBER)
		return;
	if (s->has_last[i]) {
		int64_t step = wrap(wrap(now->i, c->modulo) - wrap(s->last[i], c->modulo),
				    c->modulo);

		if (step == 0) {
			f->dup = true;
			s->report.dup++;
		} else if (step >= 2 * c->stride) {
			f->lost += (uint64_t)(step / c->stride - 1);
			s->report.lost += (uint64_t)(step / c->stride - 1);
		}
	}
	s->last[i] = now->i;
	s->has_last[i] = true;
}

static void tell_bad(struct layout_stream *s, enum layout_fault fault, uint64_t offset,
		     struct view bytes, const char *field, const struct layout_sink *sink)
{
	struct layout_bad b = { fault, offset, bytes, field };

	s->report.bad++;
	if (sink->bad)
		sink->bad(sink->ctx, &b);
}

/* Decodes one frame and gives it out; false if it is bad. */
static bool take_frame(struct layout_stream *s, uint64_t offset, struct view bytes,
		       const struct layout_sink *sink)
{
	struct layout_frame f = { .offset = offset, .bytes = bytes };
	struct layout__run *r = &s->run;
	bool ok;

	s->report.frames++;
	layout__scratch_reset(&s->scratch);
	for (size_t i = 0; i < s->n_fresh; i++)
		r->env[s->fresh[i]] = s->params[s->fresh[i]];
	r->env[SLOT_LENGTH] = (struct layout__slot){ .state = SLOT_NUMBER,
						     .d = (double)bytes.n,
						     .i = (int64_t)bytes.n };
	ok = layout__run(r, bytes, &f.fields);
	if (!ok) {
		tell_bad(s, r->fault, offset, bytes, r->at, sink);
		return false;
	}
	for (size_t i = 0; i < s->l->n_counters; i++)
		count_one(s, i, &f);
	f.slow = (struct layout_row){ r->slow, r->n_slow };
	f.check = r->check;
	sink->frame(sink->ctx, &f);
	return true;
}

/* ---- framing: each returns how many bytes of @b it is done with ---- */

static size_t frame_fixed(struct layout_stream *s, struct view b, const struct layout_sink *sink)
{
	size_t n = s->l->framing.length, i = 0;

	for (; b.n - i >= n; i += n)
		take_frame(s, s->offset + i, view_sub(b, i, n), sink);
	return i;
}

static int64_t prefix_of(const struct layout__framing *f, const char *p)
{
	const uint8_t *b = (const uint8_t *)p;
	int64_t v = 0;

	for (int i = 0; i < f->width; i++)
		v = v << 8 | b[f->little ? f->width - 1 - i : i];
	return v;
}

static size_t frame_length(struct layout_stream *s, struct view b, const struct layout_sink *sink)
{
	const struct layout__framing *f = &s->l->framing;
	size_t i = 0, w = (size_t)f->width;

	while (b.n - i >= w) {
		int64_t n = prefix_of(f, b.p + i) + f->add;

		if (n < 0 || n > LAYOUT_FRAME_MAX) {
			/* nothing says where the next frame begins: the rest is lost */
			s->report.frames++;
			tell_bad(s, LAYOUT_FRAMING, s->offset + i, view_from(b, i), "", sink);
			s->report.discarded += b.n - i;
			return b.n;
		}
		if (b.n - i - w < (size_t)n)
			break;
		take_frame(s, s->offset + i + w, view_sub(b, i + w, (size_t)n), sink);
		i += w + (size_t)n;
	}
	return i;
}

enum sync_try { SYNC_FRAME, SYNC_FALSE, SYNC_MORE };

/* Whether a frame begins at @b; *ret is its length. */
static enum sync_try sync_length(const struct layout__framing *f, struct view b, size_t *ret)
{
	int64_t n = (int64_t)f->length;

	if (n == 0) {
		if (f->at >= b.n)
			return SYNC_MORE;
		int told = (uint8_t)b.p[f->at];

		n = told + f->add;
		if ((f->max >= 0 && told > f->max) || n < (int64_t)f->n_sync ||
		    n > LAYOUT_FRAME_MAX)
			return SYNC_FALSE;
	}
	if ((size_t)n > b.n)
		return SYNC_MORE;
	if (f->has_tail && ((uint8_t)b.p[n - 1] & f->mask) != f->value)
		return SYNC_FALSE;
	*ret = (size_t)n;
	return SYNC_FRAME;
}

/* Behind a frame that is bad because of a const or a checksum the sync was perhaps a false one. */
static bool maybe_false_sync(const struct layout_stream *s)
{
	return s->run.fault == LAYOUT_CONST || s->run.fault == LAYOUT_CHECKSUM;
}

/* @last: no more bytes will come, so a sync whose frame does not fit is a false one. */
static size_t frame_sync(struct layout_stream *s, struct view b, bool last,
			 const struct layout_sink *sink)
{
	const struct layout__framing *f = &s->l->framing;
	struct view sync = view_of(f->sync, f->n_sync);
	uint64_t *passed = last ? &s->report.discarded : &s->report.skipped;
	size_t i = 0, n = 0;

	for (;;) {
		ptrdiff_t at = view_find(view_from(b, i), sync);

		if (at < 0) {
			size_t keep = last ? 0 : f->n_sync - 1;
			size_t to = b.n > keep && b.n - keep > i ? b.n - keep : i;

			*passed += to - i;
			return to;
		}
		*passed += (size_t)at;
		i += (size_t)at;
		enum sync_try t = sync_length(f, view_from(b, i), &n);
		if (t == SYNC_MORE && !last)
			return i;
		if (t == SYNC_FRAME && (take_frame(s, s->offset + i, view_sub(b, i, n), sink) ||
					!maybe_false_sync(s))) {
			i += n;
			continue;
		}
		*passed += 1;
		i++;
	}
}

static size_t frames_of(struct layout_stream *s, struct view b, bool last,
			const struct layout_sink *sink)
{
	switch (s->l->framing.kind) {
	case FRAMING_FIXED:
		return frame_fixed(s, b, sink);
	case FRAMING_LENGTH:
		return frame_length(s, b, sink);
	default:
		return frame_sync(s, b, last, sink);
	}
}

static void feed_message(struct layout_stream *s, struct view b, const struct layout_sink *sink)
{
	if (b.n <= LAYOUT_FRAME_MAX) {
		take_frame(s, s->offset, b, sink);
	} else {
		s->report.frames++;
		tell_bad(s, LAYOUT_FRAMING, s->offset, b, "", sink);
	}
	s->offset += b.n;
}

/* Joins @b to what is carried, and works that off. */
static void feed_joined(struct layout_stream *s, struct view b, const struct layout_sink *sink)
{
	buf_add_view(&s->carry, b);
	must(!s->carry.over);
	size_t done = frames_of(s, buf_view(&s->carry), false, sink);
	buf_consume(&s->carry, done);
	s->offset += done;
}

void layout_stream_feed(struct layout_stream *s, struct view bytes, const struct layout_sink *sink)
{
	if (s->l->framing.kind == FRAMING_MESSAGE) {
		feed_message(s, bytes, sink);
		return;
	}
	while (s->carry.n > 0 && bytes.n > 0) {
		struct view piece = view_sub(bytes, 0, PIECE);

		feed_joined(s, piece, sink);
		bytes = view_from(bytes, piece.n);
	}
	if (bytes.n == 0)
		return;
	size_t done = frames_of(s, bytes, false, sink);
	s->offset += done;
	buf_add_view(&s->carry, view_from(bytes, done));
	must(!s->carry.over);
}

void layout_stream_gap(struct layout_stream *s, const struct layout_sink *sink)
{
	if (s->carry.n == 0)
		return;
	size_t done = frames_of(s, buf_view(&s->carry), true, sink);
	s->report.discarded += s->carry.n - done;
	s->offset += s->carry.n;
	buf_reset(&s->carry);
}

const struct layout_report *layout_stream_report(const struct layout_stream *s)
{
	return &s->report;
}

size_t layout_stream_carried(const struct layout_stream *s)
{
	return s->carry.n;
}
