// SPDX-License-Identifier: Apache-2.0
/* JSON trees in an arena: building, looking, printing.  Parsing is in json_parse.c. */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const struct json json_null = { .type = JSON_NULL };
const struct json json_true = { .type = JSON_BOOL, .b = true };
const struct json json_false = { .type = JSON_BOOL, .b = false };

static struct json *new_of(struct arena *a, enum json_type t)
{
	struct json *v = ARENA_NEW(a, struct json);

	v->type = t;
	return v;
}

const struct json *json_new_bool(bool b)
{
	return b ? &json_true : &json_false;
}

struct json *json_new_int(struct arena *a, int64_t i)
{
	struct json *v = new_of(a, JSON_INT);

	v->i = i;
	return v;
}

struct json *json_new_num(struct arena *a, double d)
{
	struct json *v;

	if (!isfinite(d))
		return new_of(a, JSON_NULL);
	if (fabs(d) <= 0x1p53 && trunc(d) == d)
		return json_new_int(a, (int64_t)d);
	v = new_of(a, JSON_NUM);
	v->num.d = d;
	return v;
}

struct json *json_new_str(struct arena *a, struct view s)
{
	struct json *v = new_of(a, JSON_STR);

	v->s = (struct view){ arena_str(a, s), s.n };
	return v;
}

struct json *json_new_cstr(struct arena *a, const char *s)
{
	return s ? json_new_str(a, view_str(s)) : new_of(a, JSON_NULL);
}

struct json *json_new_arr(struct arena *a)
{
	return new_of(a, JSON_ARR);
}

struct json *json_new_obj(struct arena *a)
{
	return new_of(a, JSON_OBJ);
}

static size_t cap_after(size_t cap)
{
	return cap ? cap * 2 : 4;
}

void json_push(struct arena *a, struct json *arr, const struct json *v)
{
	must(arr->type == JSON_ARR && v);
	if (arr->arr.n == arr->arr.cap) {
		size_t cap = cap_after(arr->arr.cap);
		const struct json **grown = ARENA_ARRAY(a, const struct json *, cap);

		if (arr->arr.n)
			memcpy(grown, arr->arr.v, arr->arr.n * sizeof(*grown));
		arr->arr.v = grown;
		arr->arr.cap = cap;
	}
	arr->arr.v[arr->arr.n++] = v;
}

static struct json_member *member(const struct json *obj, struct view name)
{
	for (size_t i = 0; i < obj->obj.n; i++)
		if (view_eq(obj->obj.v[i].name, name))
			return &obj->obj.v[i];
	return NULL;
}

void json_set_view(struct arena *a, struct json *obj, struct view name, const struct json *v)
{
	struct json_member *m;

	must(obj->type == JSON_OBJ && v);
	m = member(obj, name);
	if (m) {
		m->value = v;
		return;
	}
	if (obj->obj.n == obj->obj.cap) {
		size_t cap = cap_after(obj->obj.cap);
		struct json_member *grown = ARENA_ARRAY(a, struct json_member, cap);

		if (obj->obj.n)
			memcpy(grown, obj->obj.v, obj->obj.n * sizeof(*grown));
		obj->obj.v = grown;
		obj->obj.cap = cap;
	}
	obj->obj.v[obj->obj.n++] = (struct json_member){ { arena_str(a, name), name.n }, v };
}

void json_set(struct arena *a, struct json *obj, const char *name, const struct json *v)
{
	json_set_view(a, obj, view_str(name), v);
}

void json_set_str(struct arena *a, struct json *obj, const char *name, const char *s)
{
	if (s)
		json_set(a, obj, name, json_new_cstr(a, s));
}

void json_set_int(struct arena *a, struct json *obj, const char *name, int64_t i)
{
	json_set(a, obj, name, json_new_int(a, i));
}

struct json *json_copy(struct arena *a, const struct json *v)
{
	struct json *c = arena_dup(a, v, sizeof(*v));

	if (v->type == JSON_ARR && v->arr.n) {
		c->arr.v = arena_dup(a, v->arr.v, v->arr.n * sizeof(*v->arr.v));
		c->arr.cap = v->arr.n;
	} else if (v->type == JSON_OBJ && v->obj.n) {
		c->obj.v = arena_dup(a, v->obj.v, v->obj.n * sizeof(*v->obj.v));
		c->obj.cap = v->obj.n;
	}
	return c;
}

const struct json *json_deep(struct arena *a, const struct json *v)
{
	struct json *c;

	if (v->type == JSON_NULL || v->type == JSON_BOOL)
		return v->type == JSON_NULL ? &json_null : json_new_bool(v->b);
	c = json_copy(a, v);
	if (v->type == JSON_NUM)
		c->num.text = arena_view(a, v->num.text);
	else if (v->type == JSON_STR)
		c->s = (struct view){ arena_str(a, v->s), v->s.n };
	else if (v->type == JSON_ARR)
		for (size_t i = 0; i < c->arr.n; i++)
			c->arr.v[i] = json_deep(a, c->arr.v[i]);
	else if (v->type == JSON_OBJ)
		for (size_t i = 0; i < c->obj.n; i++) {
			c->obj.v[i].name = (struct view){ arena_str(a, v->obj.v[i].name),
							  v->obj.v[i].name.n };
			c->obj.v[i].value = json_deep(a, c->obj.v[i].value);
		}
	return c;
}

const struct json *json_get_view(const struct json *obj, struct view name)
{
	const struct json_member *m = json_is(obj, JSON_OBJ) ? member(obj, name) : NULL;

	return m ? m->value : NULL;
}

const struct json *json_get(const struct json *obj, const char *name)
{
	return json_get_view(obj, view_str(name));
}

const struct json *json_at(const struct json *arr, size_t i)
{
	return json_is(arr, JSON_ARR) && i < arr->arr.n ? arr->arr.v[i] : NULL;
}

size_t json_len(const struct json *v)
{
	if (json_is(v, JSON_ARR))
		return v->arr.n;
	return json_is(v, JSON_OBJ) ? v->obj.n : 0;
}

struct view json_str(const struct json *v)
{
	return json_is(v, JSON_STR) ? v->s : VIEW_NONE;
}

struct view json_get_str(const struct json *obj, const char *name)
{
	return json_str(json_get(obj, name));
}

int64_t json_int(const struct json *v, int64_t dflt)
{
	return json_is(v, JSON_INT) ? v->i : dflt;
}

double json_double(const struct json *v, double dflt)
{
	if (json_is(v, JSON_INT))
		return (double)v->i;
	return json_is(v, JSON_NUM) ? v->num.d : dflt;
}

bool json_is_true(const struct json *v)
{
	return json_is(v, JSON_BOOL) && v->b;
}

bool json_is(const struct json *v, enum json_type t)
{
	return v && v->type == t;
}

bool json_is_number(const struct json *v)
{
	return json_is(v, JSON_INT) || json_is(v, JSON_NUM);
}

const char *json_type_name(const struct json *v)
{
	static const char *const names[] = { "null",   "boolean", "number", "number",
					     "string", "array",   "object" };

	return v ? names[v->type] : "null";
}

static bool number_equal(const struct json *a, const struct json *b)
{
	if (a->type == JSON_INT && b->type == JSON_INT)
		return a->i == b->i;
	return json_double(a, 0) == json_double(b, 0);
}

static bool object_equal(const struct json *a, const struct json *b)
{
	for (size_t i = 0; i < a->obj.n; i++) {
		const struct json *other;

		/* Usually both have the same order. */
		if (view_eq(a->obj.v[i].name, b->obj.v[i].name))
			other = b->obj.v[i].value;
		else
			other = json_get_view(b, a->obj.v[i].name);
		if (!other || !json_equal(a->obj.v[i].value, other))
			return false;
	}
	return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
	if (!a || !b)
		return a == b;
	if (json_is_number(a) && json_is_number(b))
		return number_equal(a, b);
	if (a->type != b->type || json_len(a) != json_len(b))
		return false;
	if (a->type == JSON_BOOL)
		return a->b == b->b;
	if (a->type == JSON_STR)
		return view_eq(a->s, b->s);
	if (a->type == JSON_OBJ)
		return object_equal(a, b);
	for (size_t i = 0; i < json_len(a); i++)
		if (!json_equal(a->arr.v[i], b->arr.v[i]))
			return false;
	return true;
}

static const char *short_escape(unsigned char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

void json_print_str(struct buf *b, struct view s)
{
	size_t from = 0;

	buf_add_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		const char *esc;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, s.p + from, i - from);
		from = i + 1;
		esc = short_escape(c);
		if (esc)
			buf_add_str(b, esc);
		else
			buf_printf(b, "\\u%04x", c);
	}
	if (s.n)
		buf_add(b, s.p + from, s.n - from);
	buf_add_char(b, '"');
}

static void print_num(struct buf *b, const struct json *v)
{
	char text[40];

	if (v->num.text.p) {
		buf_add_view(b, v->num.text);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v->num.d);
		if (strtod(text, NULL) == v->num.d)
			break;
	}
	buf_add_str(b, text);
}

static void new_line(struct buf *b, int indent)
{
	if (indent < 0)
		return;
	buf_add_char(b, '\n');
	for (int i = 0; i < indent; i++)
		buf_add_str(b, "  ");
}

static void print_at(struct buf *b, const struct json *v, int indent);

static void print_children(struct buf *b, const struct json *v, int indent)
{
	bool obj = v->type == JSON_OBJ;
	int inner = indent < 0 ? -1 : indent + 1;

	buf_add_char(b, obj ? '{' : '[');
	for (size_t i = 0; i < json_len(v); i++) {
		if (i)
			buf_add_char(b, ',');
		new_line(b, inner);
		if (obj) {
			json_print_str(b, v->obj.v[i].name);
			buf_add_str(b, indent < 0 ? ":" : ": ");
		}
		print_at(b, obj ? v->obj.v[i].value : v->arr.v[i], inner);
	}
	if (json_len(v))
		new_line(b, indent);
	buf_add_char(b, obj ? '}' : ']');
}

static void print_at(struct buf *b, const struct json *v, int indent)
{
	switch (v->type) {
	case JSON_NULL:
		buf_add_str(b, "null");
		break;
	case JSON_BOOL:
		buf_add_str(b, v->b ? "true" : "false");
		break;
	case JSON_INT:
		buf_printf(b, "%" PRId64, v->i);
		break;
	case JSON_NUM:
		print_num(b, v);
		break;
	case JSON_STR:
		json_print_str(b, v->s);
		break;
	case JSON_ARR:
	case JSON_OBJ:
		print_children(b, v, indent);
		break;
	}
}

void json_print(struct buf *b, const struct json *v)
{
	print_at(b, v, -1);
}

void json_print_pretty(struct buf *b, const struct json *v)
{
	print_at(b, v, 0);
}

char *json_text(struct arena *a, const struct json *v)
{
	struct buf b;
	char *text;

	buf_init(&b, SIZE_MAX / 4);
	json_print(&b, v);
	text = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return text;
}

static size_t str_size(struct view s, size_t max)
{
	size_t n = 2;

	for (size_t i = 0; i < s.n && n < max; i++)
		n += (unsigned char)s.p[i] < 0x20 ? 6 : s.p[i] == '"' || s.p[i] == '\\' ? 2 : 1;
	return n;
}

static size_t members_size(const struct json *v, size_t max)
{
	size_t n = 2;

	for (size_t i = 0; i < v->obj.n && n < max; i++) {
		n += str_size(v->obj.v[i].name, max - n) + 2;
		if (n < max)
			n += json_text_size(v->obj.v[i].value, max - n);
	}
	return n;
}

size_t json_text_size(const struct json *v, size_t max)
{
	size_t n = 2;

	if (json_is(v, JSON_STR))
		return str_size(v->s, max);
	if (json_is(v, JSON_OBJ))
		return members_size(v, max);
	if (!json_is(v, JSON_ARR))
		return json_is(v, JSON_NUM) && v->num.text.p ? v->num.text.n : 20;
	for (size_t i = 0; i < v->arr.n && n < max; i++)
		n += json_text_size(v->arr.v[i], max - n) + 1;
	return n;
}
