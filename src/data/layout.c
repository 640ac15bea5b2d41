// SPDX-License-Identifier: Apache-2.0
/* Layouts: compiled from JSON, shared by reference. */
#include <math.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/time.h"
#include "data/layout_int.h"

#define ARENA_MAX ((size_t)32 << 20)
#define LIST_MAX 64 /* params, peeks, counters */

int layout__slot(struct layout *l, struct view name, struct err *e)
{
	for (size_t i = 0; i < l->n_names; i++)
		if (view_eq(l->names[i], name))
			return (int)i;
	if (l->n_names == LAYOUT_NAMES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d names", LAYOUT_NAMES_MAX);
	l->names[l->n_names] = (struct view){ arena_str(&l->arena, name), name.n };
	return (int)l->n_names++;
}

static int parse_tail(const struct json *v, struct layout__framing *f, struct err *e)
{
	static const char *const keys[] = { "mask", "value", NULL };
	int64_t mask, value;

	if (!v)
		return 0;
	if (layout__keys(v, keys, e) < 0 || layout__int_required(v, "mask", 0, 255, &mask, e) < 0 ||
	    layout__int_required(v, "value", 0, 255, &value, e) < 0)
		return err_ctx(e, "tail");
	f->has_tail = true;
	f->mask = (uint8_t)mask;
	f->value = (uint8_t)value;
	return 0;
}

static int parse_sync(const struct json *v, struct layout__framing *f, struct err *e)
{
	static const char *const fixed[] = { "kind", "sync", "length", "tail", NULL };
	static const char *const told[] = { "kind", "sync", "length_at", "length_add",
					    "max",  "tail", NULL };
	struct view sync = json_get_str(v, "sync");
	int64_t length = 0, at = 0, max = -1;

	if (sync.n == 0 || sync.n % 2 || sync.n / 2 > LAYOUT_SYNC_MAX || !hex_decode(f->sync, sync))
		return err_set(e, ERR_INVALID, "sync must be 1 to %d bytes in hex",
			       LAYOUT_SYNC_MAX);
	f->n_sync = sync.n / 2;
	if (layout__keys(v, json_get(v, "length") ? fixed : told, e) < 0 ||
	    parse_tail(json_get(v, "tail"), f, e) < 0)
		return e->code;
	if (json_get(v, "length")) {
		if (layout__int(v, "length", (int64_t)f->n_sync, LAYOUT_FRAME_MAX, 0, &length, e) <
		    0)
			return e->code;
	} else if (layout__int_required(v, "length_at", 0, LAYOUT_FRAME_MAX, &at, e) < 0 ||
		   layout__int_required(v, "length_add", -255, LAYOUT_FRAME_MAX - 255, &f->add, e) <
			   0 ||
		   layout__int(v, "max", 0, 255, -1, &max, e) < 0) {
		return e->code;
	}
	f->length = (size_t)length;
	f->at = (size_t)at;
	f->max = (int)max;
	return 0;
}

static int parse_length(const struct json *v, struct layout__framing *f, struct err *e)
{
	static const char *const keys[] = { "kind", "width", "endian", "length_add", NULL };
	static const char *const endians[] = { "big", "little", NULL };
	int64_t width;
	int little;

	if (layout__keys(v, keys, e) < 0 || layout__int(v, "width", 1, 4, 1, &width, e) < 0 ||
	    layout__word(v, "endian", endians, 1, &little, e) < 0 ||
	    layout__int(v, "length_add", -255, 255, 0, &f->add, e) < 0)
		return e->code;
	if (width == 3)
		return err_set(e, ERR_INVALID, "width must be 1, 2 or 4");
	f->width = (int)width;
	f->little = little;
	return 0;
}

static int parse_framing(const struct json *v, struct layout__framing *f, struct err *e)
{
	static const char *const names[] = { "message", "fixed", "length", "sync", NULL };
	static const char *const message[] = { "kind", NULL };
	static const char *const fixed[] = { "kind", "length", NULL };
	int64_t length = 0;
	int kind, rc;

	if (view_eq_str(json_get_str(v, "kind"), "csv"))
		return err_set(e, ERR_UNSUPPORTED, "kind csv is not supported");
	if (!json_is(v, JSON_OBJ))
		return err_set(e, ERR_INVALID, "must be an object");
	if (layout__word(v, "kind", names, -1, &kind, e) < 0)
		return e->code;
	f->kind = (enum framing_kind)kind;
	switch (f->kind) {
	case FRAMING_MESSAGE:
		return layout__keys(v, message, e);
	case FRAMING_FIXED:
		rc = layout__keys(v, fixed, e);
		rc = rc < 0 ? rc
			    : layout__int_required(v, "length", 1, LAYOUT_FRAME_MAX, &length, e);
		f->length = (size_t)length;
		return rc;
	case FRAMING_LENGTH:
		return parse_length(v, f, e);
	default:
		return parse_sync(v, f, e);
	}
}

static int parse_params(struct layout *l, const struct json *v, struct err *e)
{
	if (!v)
		return 0;
	if (!json_is(v, JSON_OBJ) || json_len(v) > LIST_MAX)
		return err_set(e, ERR_INVALID, "must be an object of at most %d numbers", LIST_MAX);
	l->n_params = json_len(v);
	l->params = ARENA_ARRAY(&l->arena, struct layout__param, l->n_params);
	for (size_t i = 0; i < l->n_params; i++) {
		struct layout__param *p = &l->params[i];
		struct view name = v->obj.v[i].name;

		if (name.n == 0 || name.n > LAYOUT_NAME_MAX)
			return err_set(e, ERR_INVALID, "a name must have 1 to %d bytes",
				       LAYOUT_NAME_MAX);
		p->slot = layout__slot(l, name, e);
		if (p->slot < 0 ||
		    layout__numbers(&l->arena, v->obj.v[i].value, &p->v, &p->n, e) < 0)
			return err_ctx(e, "%.*s", VIEW_ARG(name));
		p->name = l->names[p->slot];
		l->declared[p->slot] = true;
	}
	return 0;
}

static int list_length(const struct json *v, size_t *ret, struct err *e)
{
	if (v && (!json_is(v, JSON_ARR) || json_len(v) > LIST_MAX))
		return err_set(e, ERR_INVALID, "must be a list of at most %d", LIST_MAX);
	*ret = json_len(v);
	return 0;
}

static int parse_peeks(struct layout *l, const struct json *list, struct err *e)
{
	static const char *const keys[] = { "name", "at", "mask", NULL };

	if (list_length(list, &l->n_peeks, e) < 0)
		return e->code;
	l->peeks = ARENA_ARRAY(&l->arena, struct layout__peek, l->n_peeks);
	for (size_t i = 0; i < l->n_peeks; i++) {
		const struct json *v = json_at(list, i);
		struct layout__peek *p = &l->peeks[i];
		int64_t at, mask;

		if (layout__keys(v, keys, e) < 0 || layout__name(l, v, "name", &p->name, e) < 0 ||
		    layout__int_required(v, "at", -LAYOUT_FRAME_MAX, LAYOUT_FRAME_MAX, &at, e) <
			    0 ||
		    layout__int_required(v, "mask", 0, 255, &mask, e) < 0)
			return err_ctx(e, "[%zu]", i);
		p->slot = layout__slot(l, p->name, e);
		if (p->slot < 0)
			return e->code;
		l->declared[p->slot] = l->by_field[p->slot] = true;
		p->at = (int)at;
		p->mask = (uint8_t)mask;
	}
	return 0;
}

static int parse_counters(struct layout *l, const struct json *list, struct err *e)
{
	static const char *const keys[] = { "field", "modulo", "stride", NULL };

	if (list_length(list, &l->n_counters, e) < 0)
		return e->code;
	l->counters = ARENA_ARRAY(&l->arena, struct layout__counter, l->n_counters);
	for (size_t i = 0; i < l->n_counters; i++) {
		const struct json *v = json_at(list, i);
		struct layout__counter *c = &l->counters[i];

		if (layout__keys(v, keys, e) < 0 || layout__name(l, v, "field", &c->name, e) < 0 ||
		    layout__int_required(v, "modulo", 2, (int64_t)1 << 53, &c->modulo, e) < 0 ||
		    layout__int(v, "stride", 1, c->modulo - 1, 1, &c->stride, e) < 0)
			return err_ctx(e, "[%zu]", i);
		c->slot = layout__slot(l, c->name, e);
		if (c->slot < 0)
			return e->code;
		l->looked_at[c->slot] = true;
		if (!l->by_field[c->slot])
			return err_set(e, ERR_INVALID, "[%zu]: %.*s is no field", i,
				       VIEW_ARG(c->name));
	}
	return 0;
}

static int parse_stamp(struct layout *l, const struct json *v, struct layout_time *t, struct err *e)
{
	static const char *const keys[] = { "model", "field",     "device_epoch", "unit",
					    "stamp", "wrap_bits", "rate",         NULL };
	static const char *const units[] = { "ns", "us", "ms", "tick", NULL };
	static const char *const stamps[] = { "first_sample", "last_sample", NULL };
	static const int64_t ns[] = { 1, 1000, 1000000, 0 };
	struct view epoch = json_get_str(v, "device_epoch");
	int unit, stamp, slot;
	int64_t wrap;

	if (layout__keys(v, keys, e) < 0 || layout__name(l, v, "field", &t->field, e) < 0 ||
	    layout__word(v, "unit", units, -1, &unit, e) < 0 ||
	    layout__word(v, "stamp", stamps, -1, &stamp, e) < 0 ||
	    layout__int(v, "wrap_bits", 1, 64, 0, &wrap, e) < 0)
		return e->code;
	slot = layout__slot(l, t->field, e);
	if (slot < 0)
		return slot;
	if (!l->by_field[slot])
		return err_set(e, ERR_INVALID, "field %.*s is no field", VIEW_ARG(t->field));
	if (json_get(v, "device_epoch") &&
	    (epoch.n != 10 ||
	     !time_parse_iso(view_str(arena_printf(&l->arena, "%.*sT00:00:00Z", VIEW_ARG(epoch))),
			     &t->epoch_ms)))
		return err_set(e, ERR_INVALID, "device_epoch must be a date, YYYY-MM-DD");
	t->unit_ns = ns[unit];
	t->last_sample = stamp;
	t->wrap_bits = (int)wrap;
	return 0;
}

static int parse_rate(const struct json *v, struct layout_time *t, struct err *e)
{
	const struct json *rate = json_get(v, "rate");

	t->rate = json_double(rate, 0);
	if (rate && (!(t->rate > 0) || !isfinite(t->rate)))
		return err_set(e, ERR_INVALID, "rate must be a number above 0");
	return 0;
}

static int parse_time(struct layout *l, const struct json *v, struct err *e)
{
	static const char *const models[] = { "counter", "stamp", "sync", "host", NULL };
	static const char *const counter[] = { "model", "rate", "per_packet", NULL };
	static const char *const bare[] = { "model", NULL };
	struct layout_time *t = &l->time;
	int64_t per_packet;
	int model;

	if (!v)
		return 0;
	if (!json_is(v, JSON_OBJ))
		return err_set(e, ERR_INVALID, "must be an object");
	if (layout__word(v, "model", models, -1, &model, e) < 0 || parse_rate(v, t, e) < 0)
		return e->code;
	t->model = LAYOUT_TIME_COUNTER + model;
	if (t->model == LAYOUT_TIME_STAMP)
		return parse_stamp(l, v, t, e);
	if (t->model != LAYOUT_TIME_COUNTER)
		return layout__keys(v, bare, e);
	if (layout__keys(v, counter, e) < 0 ||
	    layout__int_required(v, "per_packet", 1, 65536, &per_packet, e) < 0)
		return e->code;
	t->per_packet = (int)per_packet;
	return 0;
}

/* Every name that an expression uses must be given by something; the slots of cyclic fields are none. */
static int check_names(const struct layout *l, const struct layout__expr *x, struct err *e)
{
	for (size_t i = 0; x && i < x->n; i++) {
		const struct layout__step *s = &x->v[i];

		if ((s->op == EXPR_NAME || s->op == EXPR_ELEMENT) && !l->declared[s->slot])
			return err_set(e, ERR_INVALID,
				       "expression: %.*s is no field and no parameter",
				       VIEW_ARG(l->names[s->slot]));
	}
	return 0;
}

static int check_all_names(const struct layout *l, struct err *e)
{
	for (size_t i = 0; i < l->n_fields; i++) {
		const struct layout__field *f = l->all[i];
		const struct layout__expr *const x[] = { f->cond,   f->n,  f->by,        f->scale,
							 f->offset, f->on, f->resolution };

		for (size_t k = 0; k < ARRAY_LEN(x); k++)
			if (check_names(l, x[k], e) < 0)
				return e->code;
	}
	return 0;
}

static int parse_defaults(struct layout *l, const struct json *v, struct err *e)
{
	static const char *const endians[] = { "big", "little", NULL };
	static const char *const orders[] = { "msb", "lsb", NULL };
	struct view comment;
	int little, lsb;

	if (layout__text(l, v, "comment", &comment, e) < 0 ||
	    layout__word(v, "endian", endians, 0, &little, e) < 0 ||
	    layout__word(v, "bits", orders, 0, &lsb, e) < 0)
		return e->code;
	l->little = little;
	l->lsb = lsb;
	return 0;
}

static int compile(struct layout *l, const struct json *v, struct err *e)
{
	static const char *const keys[] = { "comment", "framing",  "endian", "bits",   "params",
					    "peek",    "counters", "time",   "fields", NULL };

	if (layout__keys(v, keys, e) < 0 || parse_defaults(l, v, e) < 0)
		return e->code;
	if (layout__slot(l, VIEW("_n"), e) < 0)
		return e->code;
	l->declared[SLOT_LENGTH] = true;
	if (parse_framing(json_get(v, "framing"), &l->framing, e) < 0)
		return err_ctx(e, "framing");
	if (parse_params(l, json_get(v, "params"), e) < 0)
		return err_ctx(e, "params");
	if (parse_peeks(l, json_get(v, "peek"), e) < 0)
		return err_ctx(e, "peek");
	if (layout__fields(l, json_get(v, "fields"), 1, &l->fields, e) < 0)
		return e->code;
	if (parse_counters(l, json_get(v, "counters"), e) < 0)
		return err_ctx(e, "counters");
	if (parse_time(l, json_get(v, "time"), e) < 0)
		return err_ctx(e, "time");
	return check_all_names(l, e);
}

struct layout *layout_compile_json(struct view id, const struct json *v, struct err *e)
{
	struct layout *l = calloc(1, sizeof(*l));

	must(l);
	atomic_init(&l->refs, 1);
	arena_init(&l->arena, ARENA_MAX);
	l->id = (struct view){ arena_str(&l->arena, id), id.n };
	if (compile(l, v, e) < 0) {
		err_ctx(e, "layout %.*s", VIEW_ARG(view_sub(id, 0, LAYOUT_NAME_MAX)));
		return layout_unref(l);
	}
	return l;
}

struct layout *layout_compile(struct view id, struct view text, struct err *e)
{
	struct arena a;
	const struct json *v;
	struct layout *l = NULL;

	if (text.n > LAYOUT_TEXT_MAX) {
		err_set(e, ERR_LIMIT, "layout %.*s: %zu bytes; at most %d",
			VIEW_ARG(view_sub(id, 0, LAYOUT_NAME_MAX)), text.n, LAYOUT_TEXT_MAX);
		return NULL;
	}
	arena_init(&a, ARENA_MAX);
	v = json_parse(&a, text, JSON_DEPTH, e);
	if (v)
		l = layout_compile_json(id, v, e);
	arena_clear(&a);
	return l;
}

struct layout *layout_ref(const struct layout *l)
{
	/* A reference count is the one thing of a layout that changes. */
	struct layout *m = (struct layout *)(uintptr_t)l;

	atomic_fetch_add(&m->refs, 1);
	return m;
}

struct layout *layout_unref(const struct layout *l)
{
	struct layout *m = (struct layout *)(uintptr_t)l;

	if (m && atomic_fetch_sub(&m->refs, 1) == 1) {
		arena_clear(&m->arena);
		free(m);
	}
	return NULL;
}

void layout_unrefp(struct layout **l)
{
	*l = layout_unref(*l);
}

struct view layout_id(const struct layout *l)
{
	return l->id;
}

const struct layout_time *layout_time_of(const struct layout *l)
{
	return &l->time;
}
