// SPDX-License-Identifier: Apache-2.0
/* Channels: which samples of a frame belong together. */
#include <math.h>

#include "data/layout_int.h"

#define CHANNELS_MAX 1024

struct list {
	struct layout_stream *s;
	struct layout_channel *v;
	size_t n;
};

/* Elements of @f that are certain from the layout and the parameters; 0: differs from frame to frame. */
static size_t certain_count(const struct layout_stream *s, const struct layout__field *f)
{
	double n;

	if (f->count == COUNT_ONE)
		return 1;
	if (f->count == COUNT_ALL || !layout__expr_fixed(s->l, f->n) ||
	    !layout__eval(f->n, s->params, 0, &n) || n < 1)
		return 0;
	return n < CHANNELS_MAX ? (size_t)n : CHANNELS_MAX;
}

static size_t lanes_of(const struct layout_stream *s, const struct layout__field *f)
{
	size_t n = certain_count(s, f), per = (size_t)s->l->time.per_packet;

	if (n == 0) {
		if (f->labels.n || f->site.n)
			return f->labels.n ? f->labels.n : f->site.n;
		return per > 1 && s->channels > 0 ? (size_t)s->channels : 1;
	}
	return per > 1 && n % per == 0 ? n / per : n;
}

static struct view channel_name(struct list *l, const struct layout__field *f, size_t lane,
				size_t lanes)
{
	struct arena *a = &l->s->arena;
	struct view name = lane < f->labels.n ? f->labels.v[lane]
			   : lane < f->site.n ? f->site.v[lane]
					      : f->name;

	if (lanes > 1 && lane >= f->labels.n && lane >= f->site.n)
		name = view_str(arena_printf(a, "%.*s%zu", VIEW_ARG(name), lane));
	for (size_t k = 2, i = 0; i < l->n; i++)
		if (view_eq(l->v[i].name, name)) {
			name = view_str(arena_printf(a, "%.*s_%zu", VIEW_ARG(name), k++));
			i = (size_t)-1; /* the new name is looked for from the start */
		}
	return name;
}

/* value = raw * k + o is (raw - (-o / k)) * k. */
static int channel_scale(const struct layout_stream *s, const struct layout__field *f, size_t lane,
			 struct layout_channel *c, struct err *e)
{
	c->scale = 1;
	if (!layout__expr_fixed(s->l, f->scale) || !layout__expr_fixed(s->l, f->offset))
		return err_set(e, ERR_UNSUPPORTED,
			       "field %.*s: a scale that differs from frame to frame",
			       VIEW_ARG(f->name));
	if ((f->scale && !layout__eval(f->scale, s->params, lane, &c->scale)) ||
	    (f->offset && !layout__eval(f->offset, s->params, lane, &c->offset)))
		return err_set(e, ERR_INVALID, "field %.*s: the parameters give no scale",
			       VIEW_ARG(f->name));
	if (f->offset_last)
		c->offset = -c->offset / c->scale;
	if (!isfinite(c->offset))
		return err_set(e, ERR_INVALID, "field %.*s: a scale of 0", VIEW_ARG(f->name));
	return 0;
}

static int add_field(struct list *l, const struct layout__field *f, struct err *e)
{
	size_t lanes = lanes_of(l->s, f);

	for (size_t lane = 0; lane < lanes; lane++) {
		struct layout_channel c = {
			.name = channel_name(l, f, lane, lanes),
			.kind = f->what,
			.unit = f->unit,
			.site = lane < f->site.n ? f->site.v[lane] : VIEW(""),
			.rate = l->s->rate,
			.is_float = f->type == 'f',
			.has_range = f->has_range,
			.has_no_value = f->has_no_value,
			.has_clip = f->has_clip,
			.range_lo = f->range_lo,
			.range_hi = f->range_hi,
			.no_value = f->no_value,
			.clip = f->clip,
			.field = f->index,
			.lane = lane,
			.lanes = lanes,
		};

		if (channel_scale(l->s, f, lane, &c, e) < 0)
			return e->code;
		l->v[l->n++] = c;
	}
	return 0;
}

static bool has_channels(const struct layout__field *f)
{
	return f->kind == FIELD_VALUE && f->what.n > 0;
}

int layout_stream_channels(const struct layout_stream *s, const struct layout_channel **ret,
			   size_t *ret_n, struct err *e)
{
	/* Names are made in the stream's own memory; what is decoded does not change. */
	struct list l = { .s = (struct layout_stream *)(uintptr_t)s };
	size_t count = 0;

	for (size_t i = 0; i < s->l->n_fields; i++)
		count += has_channels(s->l->all[i]) ? lanes_of(s, s->l->all[i]) : 0;
	if (count > CHANNELS_MAX)
		return err_set(e, ERR_LIMIT, "%zu channels; at most %d", count, CHANNELS_MAX);
	if (!s->channel_list) {
		l.v = ARENA_ARRAY(&l.s->arena, struct layout_channel, count + 1);
		for (size_t i = 0; i < s->l->n_fields; i++)
			if (has_channels(s->l->all[i]) && add_field(&l, s->l->all[i], e) < 0)
				return e->code;
		l.s->channel_list = l.v;
		l.s->n_channels = l.n;
	}
	*ret = s->channel_list;
	*ret_n = s->n_channels;
	return 0;
}

/* ---- samples ---- */

struct taker {
	const struct layout_channel *c;
	int64_t *counts;
	double *values;
	size_t max, n;
};

static void take_value(struct taker *t, const struct layout_value *v)
{
	const struct layout_channel *c = t->c;

	if (t->counts && !v->raw)
		return;
	for (size_t i = c->lane; i < v->n; i += c->lanes, t->n++) {
		if (t->n >= t->max)
			continue;
		if (t->counts)
			t->counts[t->n] = v->raw[i];
		else if (v->scaled)
			t->values[t->n] = v->scaled[i];
		else
			t->values[t->n] = v->raw ? (double)v->raw[i] : v->raw_float[i];
	}
}

static void take_row(struct taker *t, const struct layout_row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		const struct layout_value *v = &row->v[i];

		if (v->type == LAYOUT_ROWS) {
			for (size_t k = 0; k < v->n; k++)
				take_row(t, &v->rows[k]);
		} else if (v->field == t->c->field) {
			take_value(t, v);
		}
	}
}

size_t layout_channel_counts(const struct layout_channel *c, const struct layout_frame *f,
			     int64_t *out, size_t max)
{
	struct taker t = { .c = c, .max = max };

	t.counts = out;

	take_row(&t, &f->fields);
	return t.n;
}

size_t layout_channel_values(const struct layout_channel *c, const struct layout_frame *f,
			     double *out, size_t max)
{
	struct taker t = { .c = c, .max = max };

	t.values = out;

	take_row(&t, &f->fields);
	return t.n;
}
