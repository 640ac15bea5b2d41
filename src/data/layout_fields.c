// SPDX-License-Identifier: Apache-2.0
/* The fields of a layout, from their JSON form. */
#include <math.h>

#include "data/layout_int.h"

#define EDGE_MAX ((int64_t)1 << 53)

static const char *const kinds[] = { "eeg", "ppg",  "ecg", "eda",    "acc", "gyro",
				     "mag", "temp", "rr",  "status", NULL };
static const char *const algos[] = { "sum8",        "sum8_inv", "sum16", "xor8",
				     "crc16_ccitt", "crc32c",   NULL };
static const char *const endians[] = { "big", "little", NULL };
static const char *const orders[] = { "msb", "lsb", NULL };

/* The member's expression; *ret stays NULL when it is absent. */
static int expression(struct layout *l, const struct json *obj, const char *name, bool index,
		      const struct layout__expr **ret, struct err *e)
{
	const struct json *v = json_get(obj, name);

	if (!v)
		return 0;
	*ret = layout__expr(l, v, index, e);
	return *ret ? 0 : err_ctx(e, "%s", name);
}

static int declare(struct layout *l, struct view name, int *ret, struct err *e)
{
	int slot = layout__slot(l, name, e);

	if (slot < 0)
		return slot;
	if (l->by_field[slot])
		l->twice = true;
	l->declared[slot] = l->by_field[slot] = true;
	*ret = slot;
	return 0;
}

/* "u24" and the like. */
static int parse_type(const struct json *v, struct layout__field *f, struct err *e)
{
	struct view s = json_get_str(v, "type");
	uint64_t w = 0;
	bool ok = s.n > 1 && s.p[1] != '0' && view_u64(view_from(s, 1), 64, &w);

	if (ok && s.p[0] == 'f')
		ok = w == 16 || w == 32 || w == 64;
	else
		ok = ok && (s.p[0] == 'u' || s.p[0] == 'i');
	if (!ok)
		return err_set(e, ERR_INVALID,
			       "type must be u1 to u64, i1 to i64, f16, f32 or f64");
	f->type = s.p[0];
	f->width = (int)w;
	return 0;
}

static int parse_order(struct layout *l, const struct json *v, struct layout__field *f,
		       struct err *e)
{
	int little, lsb;

	if (layout__word(v, "endian", endians, l->little, &little, e) < 0 ||
	    layout__word(v, "bits", orders, l->lsb, &lsb, e) < 0)
		return e->code;
	f->little = little;
	f->lsb = lsb;
	return 0;
}

static int parse_count(struct layout *l, const struct json *v, struct layout__field *f,
		       enum field_count dflt, struct err *e)
{
	const struct json *n = json_get(v, "count");

	if (!n)
		f->count = dflt;
	else if (view_eq_str(json_str(n), "*"))
		f->count = COUNT_ALL;
	else
		f->count = COUNT_EXPR;
	return f->count == COUNT_EXPR ? expression(l, v, "count", false, &f->n, e) : 0;
}

static int parse_bits(struct layout *l, const struct json *list, struct layout__field *f,
		      struct err *e)
{
	static const char *const keys[] = { "name", "lsb", "width", NULL };

	if (!list)
		return 0;
	f->n_bits = json_len(list);
	if (!json_is(list, JSON_ARR) || f->n_bits == 0 || f->n_bits > 64 || f->type == 'f' ||
	    f->count != COUNT_ONE)
		return err_set(e, ERR_INVALID, "bitfields must be a list of parts of one integer");
	f->bits = ARENA_ARRAY(&l->arena, struct layout__bits, f->n_bits);
	for (size_t i = 0; i < f->n_bits; i++) {
		const struct json *v = json_at(list, i);
		struct layout__bits *b = &f->bits[i];
		int64_t lsb, width;

		if (layout__keys(v, keys, e) < 0 || layout__name(l, v, "name", &b->name, e) < 0 ||
		    layout__int_required(v, "lsb", 0, f->width - 1, &lsb, e) < 0 ||
		    layout__int_required(v, "width", 1, f->width - lsb > 63 ? 63 : f->width - lsb,
					 &width, e) < 0 ||
		    declare(l, b->name, &b->slot, e) < 0)
			return err_ctx(e, "bitfields[%zu]", i);
		b->name = l->names[b->slot];
		b->lsb = (int)lsb;
		b->width = (int)width;
	}
	return 0;
}

static int parse_cyclic(struct layout *l, const struct json *v, struct layout__field *f,
			struct err *e)
{
	static const char *const keys[] = { "by", "slots", NULL };
	const struct json *slots = json_get(v, "slots");

	if (!v)
		return 0;
	if (layout__keys(v, keys, e) < 0)
		return err_ctx(e, "cyclic");
	if (!json_is(slots, JSON_OBJ) || !json_get(v, "by") || f->count != COUNT_ONE ||
	    f->type == 'f')
		return err_set(e, ERR_INVALID, "cyclic must have by and slots, for one integer");
	f->n_slots = json_len(slots);
	f->slots = ARENA_ARRAY(&l->arena, struct layout__cyclic, f->n_slots);
	for (size_t i = 0; i < f->n_slots; i++) {
		struct view name = json_str(slots->obj.v[i].value);
		int slot;

		if (!view_i64(slots->obj.v[i].name, &f->slots[i].n) || name.n == 0 ||
		    name.n > LAYOUT_NAME_MAX)
			return err_set(e, ERR_INVALID,
				       "cyclic: slots must be names by whole numbers");
		/* a slot's name shares the table, so that it is kept and compared as others are */
		slot = layout__slot(l, name, e);
		if (slot < 0)
			return slot;
		f->slots[i].name = l->names[slot];
	}
	return expression(l, v, "by", false, &f->by, e);
}

static int parse_texts(struct layout *l, const struct json *v, const char *name,
		       struct layout__text *ret, struct err *e)
{
	const struct json *list = json_get(v, name);

	if (list &&
	    (!json_is(list, JSON_ARR) || json_len(list) == 0 || json_len(list) > LAYOUT_NAMES_MAX))
		return err_set(e, ERR_INVALID, "%s must be a list of strings", name);
	ret->n = json_len(list);
	ret->v = ARENA_ARRAY(&l->arena, struct view, ret->n);
	for (size_t i = 0; i < ret->n; i++) {
		struct view s = json_str(json_at(list, i));

		if (s.n == 0 || s.n > LAYOUT_NAME_MAX)
			return err_set(e, ERR_INVALID, "%s must be a list of strings", name);
		ret->v[i] = (struct view){ arena_str(&l->arena, s), s.n };
	}
	return 0;
}

static int parse_range(const struct json *v, struct layout__field *f, struct err *e)
{
	const struct json *r = json_get(v, "range");

	if (!r)
		return 0;
	f->has_range = true;
	f->range_lo = json_double(json_at(r, 0), (double)NAN);
	f->range_hi = json_double(json_at(r, 1), (double)NAN);
	if (json_len(r) != 2 || !(f->range_lo <= f->range_hi))
		return err_set(e, ERR_INVALID,
			       "range must be a list of two numbers, the lower first");
	return 0;
}

/* What describes a value and does not change how it is read. */
static int parse_description(struct layout *l, const struct json *v, struct layout__field *f,
			     struct err *e)
{
	int kind;

	f->has_no_value = json_get(v, "no_value");
	f->has_clip = json_get(v, "clip");
	if (layout__text(l, v, "unit", &f->unit, e) < 0 ||
	    layout__text(l, v, "kind", &f->what, e) < 0 ||
	    parse_texts(l, v, "labels", &f->labels, e) < 0 ||
	    parse_texts(l, v, "site", &f->site, e) < 0 || parse_range(v, f, e) < 0 ||
	    layout__int(v, "no_value", -EDGE_MAX, EDGE_MAX, 0, &f->no_value, e) < 0 ||
	    layout__int(v, "clip", -EDGE_MAX, EDGE_MAX, 0, &f->clip, e) < 0)
		return e->code;
	return layout__word(v, "kind", kinds, 0, &kind, e);
}

static int parse_scale(struct layout *l, const struct json *v, struct layout__field *f,
		       struct err *e)
{
	bool first;

	if (expression(l, v, "scale", true, &f->scale, e) < 0 ||
	    expression(l, v, "offset", true, &f->offset, e) < 0 ||
	    layout__bool(v, "offset_first", true, &first, e) < 0)
		return e->code;
	f->scaled = f->scale || f->offset;
	f->offset_last = !first;
	return 0;
}

/* const, hidden and mask15. */
static int parse_rules(const struct json *v, struct layout__field *f, struct err *e)
{
	f->has_const = json_get(v, "const");
	if (layout__int(v, "const", INT64_MIN, INT64_MAX, 0, &f->constant, e) < 0 ||
	    layout__bool(v, "hidden", false, &f->hidden, e) < 0 ||
	    layout__bool(v, "mask15", false, &f->mask15, e) < 0)
		return e->code;
	if (f->has_const && (f->count != COUNT_ONE || f->type == 'f'))
		return err_set(e, ERR_INVALID, "const is for one integer");
	if (f->mask15 && (f->count == COUNT_ONE || f->type == 'f' || f->width < 15))
		return err_set(e, ERR_INVALID,
			       "mask15 is for a list of integers of at least 15 bits");
	return 0;
}

static int parse_value(struct layout *l, const struct json *v, struct layout__field *f,
		       struct err *e)
{
	static const char *const keys[] = { "name",         "type",   "count",    "endian",
					    "bits",         "const",  "hidden",   "mask15",
					    "bitfields",    "cyclic", "scale",    "offset",
					    "offset_first", "unit",   "kind",     "labels",
					    "site",         "range",  "no_value", "clip",
					    "if",           NULL };

	if (layout__keys(v, keys, e) < 0 || layout__name(l, v, "name", &f->name, e) < 0 ||
	    parse_type(v, f, e) < 0 || parse_order(l, v, f, e) < 0 ||
	    parse_count(l, v, f, COUNT_ONE, e) < 0 || parse_rules(v, f, e) < 0 ||
	    parse_bits(l, json_get(v, "bitfields"), f, e) < 0 ||
	    parse_cyclic(l, json_get(v, "cyclic"), f, e) < 0 || parse_scale(l, v, f, e) < 0 ||
	    parse_description(l, v, f, e) < 0)
		return e->code;
	if (declare(l, f->name, &f->slot, e) < 0)
		return e->code;
	f->name = l->names[f->slot];
	return 0;
}

static int parse_when(const struct json *w, struct layout__case *c, struct err *e)
{
	c->any = view_eq_str(json_str(w), "*");
	if (json_is(w, JSON_INT))
		c->lo = c->hi = json_double(w, 0);
	else if (json_is(w, JSON_ARR) && json_len(w) == 2 && json_is(json_at(w, 0), JSON_INT) &&
		 json_is(json_at(w, 1), JSON_INT)) {
		c->lo = json_double(json_at(w, 0), 0);
		c->hi = json_double(json_at(w, 1), 0);
	} else if (!c->any) {
		return err_set(e, ERR_INVALID,
			       "when must be a whole number, a list of two, or \"*\"");
	}
	return 0;
}

static int parse_switch(struct layout *l, const struct json *v, int depth, struct layout__field *f,
			struct err *e)
{
	static const char *const keys[] = { "switch", "cases", "if", NULL };
	static const char *const case_keys[] = { "when", "fields", NULL };
	const struct json *cases = json_get(v, "cases");

	if (layout__keys(v, keys, e) < 0 || expression(l, v, "switch", false, &f->on, e) < 0)
		return e->code;
	f->n_cases = json_len(cases);
	if (!json_is(cases, JSON_ARR) || f->n_cases == 0 || f->n_cases > LAYOUT_FIELDS_MAX)
		return err_set(e, ERR_INVALID, "cases must be a list of 1 to %d",
			       LAYOUT_FIELDS_MAX);
	f->cases = ARENA_ARRAY(&l->arena, struct layout__case, f->n_cases);
	for (size_t i = 0; i < f->n_cases; i++) {
		const struct json *c = json_at(cases, i);

		if (layout__keys(c, case_keys, e) < 0 ||
		    parse_when(json_get(c, "when"), &f->cases[i], e) < 0 ||
		    layout__fields(l, json_get(c, "fields"), depth + 1, &f->cases[i].fields, e) < 0)
			return err_ctx(e, "cases[%zu]", i);
	}
	return 0;
}

static int parse_group(struct layout *l, const struct json *v, int depth, struct layout__field *f,
		       struct err *e)
{
	static const char *const keys[] = { "name",       "group", "count", "min",
					    "end_before", "if",    NULL };
	int64_t min, before;

	if (layout__keys(v, keys, e) < 0 || layout__name(l, v, "name", &f->name, e) < 0 ||
	    parse_count(l, v, f, COUNT_ALL, e) < 0 ||
	    layout__int(v, "min", 1, LAYOUT_FRAME_MAX, 1, &min, e) < 0 ||
	    layout__int(v, "end_before", 0, LAYOUT_FRAME_MAX, 0, &before, e) < 0)
		return e->code;
	f->min = (size_t)min;
	f->end_before = (size_t)before;
	if (layout__fields(l, json_get(v, "group"), depth + 1, &f->rows, e) < 0)
		return err_ctx(e, "group");
	return 0;
}

static int parse_codec(struct layout *l, const struct json *v, struct layout__field *f,
		       struct err *e)
{
	static const char *const keys[] = { "name",  "codec",  "channels", "resolution",
					    "scale", "offset", "if",       NULL };
	struct view codec = json_get_str(v, "codec");

	if (view_eq_str(codec, "ganglion_delta"))
		return err_set(e, ERR_UNSUPPORTED, "codec ganglion_delta is not supported");
	if (!view_eq_str(codec, "delta_lsb"))
		return err_set(e, ERR_INVALID, "codec must be \"delta_lsb\"");
	if (layout__keys(v, keys, e) < 0 || layout__name(l, v, "name", &f->name, e) < 0 ||
	    expression(l, v, "channels", false, &f->on, e) < 0 ||
	    expression(l, v, "resolution", false, &f->resolution, e) < 0 ||
	    parse_scale(l, v, f, e) < 0)
		return e->code;
	if (!f->on || !f->resolution)
		return err_set(e, ERR_INVALID, "%s is required", f->on ? "resolution" : "channels");
	return 0;
}

static int parse_skip(struct layout *l, const struct json *v, struct layout__field *f,
		      struct err *e)
{
	static const char *const keys[] = { "skip", "if", NULL };

	return layout__keys(v, keys, e) < 0 ? e->code : expression(l, v, "skip", false, &f->on, e);
}

static int parse_check(struct layout *l, const struct json *v, struct layout__field *f,
		       struct err *e)
{
	static const char *const keys[] = { "name", "type",   "role", "algo",
					    "from", "on_bad", "if",   NULL };
	static const char *const roles[] = { "check", NULL };
	static const char *const on_bad[] = { "drop", "mark", NULL };
	int role, algo, mark;
	int64_t from;

	if (layout__keys(v, keys, e) < 0 || layout__name(l, v, "name", &f->name, e) < 0 ||
	    parse_type(v, f, e) < 0 || layout__word(v, "role", roles, -1, &role, e) < 0 ||
	    layout__word(v, "algo", algos, -1, &algo, e) < 0 ||
	    layout__int(v, "from", 0, LAYOUT_FRAME_MAX, 0, &from, e) < 0 ||
	    layout__word(v, "on_bad", on_bad, 0, &mark, e) < 0)
		return e->code;
	if (f->type != 'u' || f->width > 32 || f->width % 8)
		return err_set(e, ERR_INVALID, "the type of a check must be u8, u16, u24 or u32");
	f->little = l->little;
	f->lsb = l->lsb;
	f->algo = (enum check_algo)algo;
	f->from = (size_t)from;
	f->mark = mark;
	return 0;
}

static int parse_kind(struct layout *l, const struct json *v, int depth, struct layout__field *f,
		      struct err *e)
{
	if (json_get(v, "switch")) {
		f->kind = FIELD_SWITCH;
		return parse_switch(l, v, depth, f, e);
	}
	if (json_get(v, "group")) {
		f->kind = FIELD_GROUP;
		return parse_group(l, v, depth, f, e);
	}
	if (json_get(v, "codec")) {
		f->kind = FIELD_CODEC;
		return parse_codec(l, v, f, e);
	}
	if (json_get(v, "skip")) {
		f->kind = FIELD_SKIP;
		return parse_skip(l, v, f, e);
	}
	if (json_get(v, "role")) {
		f->kind = FIELD_CHECK;
		return parse_check(l, v, f, e);
	}
	f->kind = FIELD_VALUE;
	return parse_value(l, v, f, e);
}

/* Most values that reading @f can give. */
static size_t values_of(const struct layout__field *f)
{
	size_t most = 0;

	switch (f->kind) {
	case FIELD_VALUE:
		return f->n_bits + 1;
	case FIELD_SWITCH:
		for (size_t i = 0; i < f->n_cases; i++)
			if (f->cases[i].fields.values > most)
				most = f->cases[i].fields.values;
		return most;
	case FIELD_GROUP:
	case FIELD_CODEC:
		return 1;
	default:
		return 0;
	}
}

static int parse_field(struct layout *l, const struct json *v, int depth, struct layout__field *f,
		       struct err *e)
{
	if (l->n_fields == LAYOUT_FIELDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d fields", LAYOUT_FIELDS_MAX);
	f->index = (int)l->n_fields;
	l->all[l->n_fields++] = f;
	if (!json_is(v, JSON_OBJ))
		return err_set(e, ERR_INVALID, "must be an object");
	if (expression(l, v, "if", false, &f->cond, e) < 0)
		return e->code;
	return parse_kind(l, v, depth, f, e);
}

int layout__fields(struct layout *l, const struct json *v, int depth, struct layout__fields *ret,
		   struct err *e)
{
	ret->n = json_len(v);
	if (depth > LAYOUT_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "fields within fields, more than %d deep",
			       LAYOUT_DEPTH_MAX);
	if (!json_is(v, JSON_ARR) || ret->n > LAYOUT_FIELDS_MAX)
		return err_set(e, ERR_INVALID, "fields must be a list of at most %d",
			       LAYOUT_FIELDS_MAX);
	ret->v = ARENA_ARRAY(&l->arena, struct layout__field, ret->n);
	for (size_t i = 0; i < ret->n; i++) {
		if (parse_field(l, json_at(v, i), depth, &ret->v[i], e) < 0)
			return err_ctx(e, "fields[%zu]", i);
		ret->values += values_of(&ret->v[i]);
	}
	return 0;
}
