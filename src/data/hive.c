// SPDX-License-Identifier: Apache-2.0
/* Hive's column types by recursive descent. */
#include "data/hive.h"

#include "base/macro.h"
#include "base/utf8.h"

#define VARCHAR_MAX 65535
#define CHAR_MAX_LENGTH 255
#define PRECISION_MAX 38

static const struct {
	const char *name;
	enum hive_kind kind;
} primitives[] = {
	{ "boolean", HIVE_BOOLEAN }, { "tinyint", HIVE_TINYINT }, { "smallint", HIVE_SMALLINT }, { "int", HIVE_INT },
	{ "integer", HIVE_INT },     { "bigint", HIVE_BIGINT },	  { "long", HIVE_BIGINT },	 { "float", HIVE_FLOAT },
	{ "real", HIVE_FLOAT },	     { "double", HIVE_DOUBLE },	  { "decimal", HIVE_DECIMAL },	 { "string", HIVE_STRING },
	{ "varchar", HIVE_VARCHAR }, { "char", HIVE_CHAR },	  { "binary", HIVE_BINARY },	 { "date", HIVE_DATE },
	{ "timestamp", HIVE_TIMESTAMP },
};

struct scan {
	struct arena *a;
	struct view rest;
	struct err *e;
};

static int type(struct scan *s, int depth, const struct hive_type **ret);

static int bad(struct scan *s, const char *what)
{
	return err_set(s->e, ERR_INVALID, "%s at '%.*s'", what, VIEW_ARG(view_sub(s->rest, 0, 40)));
}

static bool eat(struct scan *s, char c)
{
	struct view v = view_trim(s->rest);

	if (!v.n || *v.p != c)
		return false;
	s->rest = view_from(v, 1);
	return true;
}

static struct view word(struct scan *s, const char *stops)
{
	size_t n = 0;
	struct view w;

	while (n < s->rest.n && s->rest.p[n] && !strchr(stops, s->rest.p[n]))
		n++;
	w = view_trim(view_sub(s->rest, 0, n));
	s->rest = view_from(s->rest, n);
	return w;
}

static int number(struct scan *s, uint64_t min, uint64_t max, unsigned *ret)
{
	uint64_t n;

	if (!view_u64(word(s, ",)"), max, &n) || n < min)
		return bad(s, "a number out of range");
	*ret = (unsigned)n;
	return 0;
}

static int decimal(struct scan *s, struct hive_type *t)
{
	t->precision = 10;
	if (!eat(s, '('))
		return 0;
	if (number(s, 1, PRECISION_MAX, &t->precision) < 0)
		return s->e->code;
	if (eat(s, ',') && number(s, 0, t->precision, &t->scale) < 0)
		return s->e->code;
	return eat(s, ')') ? 0 : bad(s, "')' is missing");
}

static int sized(struct scan *s, struct hive_type *t)
{
	if (!eat(s, '('))
		return 0;
	if (number(s, 1, t->kind == HIVE_CHAR ? CHAR_MAX_LENGTH : VARCHAR_MAX, &t->length) < 0)
		return s->e->code;
	return eat(s, ')') ? 0 : bad(s, "')' is missing");
}

static int primitive(struct scan *s, struct view name, struct hive_type *t)
{
	for (size_t i = 0; i < ARRAY_LEN(primitives); i++) {
		if (!view_eq_nocase(name, view_str(primitives[i].name)))
			continue;
		t->kind = primitives[i].kind;
		if (t->kind == HIVE_DECIMAL)
			return decimal(s, t);
		return t->kind == HIVE_VARCHAR || t->kind == HIVE_CHAR ? sized(s, t) : 0;
	}
	if (view_eq_nocase(name, VIEW("uniontype")))
		return err_set(s->e, ERR_UNSUPPORTED, "uniontype is not supported");
	return err_set(s->e, ERR_INVALID, "'%.*s' is no type", VIEW_ARG(view_sub(name, 0, 40)));
}

static int array(struct scan *s, int depth, struct hive_type *t)
{
	t->kind = HIVE_ARRAY;
	if (type(s, depth + 1, &t->value) < 0)
		return s->e->code;
	return eat(s, '>') ? 0 : bad(s, "'>' is missing");
}

static int map(struct scan *s, int depth, struct hive_type *t)
{
	t->kind = HIVE_MAP;
	if (type(s, depth + 1, &t->key) < 0)
		return s->e->code;
	if (t->key->kind >= HIVE_ARRAY)
		return bad(s, "a map's key is not primitive");
	if (!eat(s, ','))
		return bad(s, "',' is missing");
	if (type(s, depth + 1, &t->value) < 0)
		return s->e->code;
	return eat(s, '>') ? 0 : bad(s, "'>' is missing");
}

/* One more field; @v has room for it. */
static int field(struct scan *s, int depth, struct hive_field *v, size_t n)
{
	v[n].name = arena_view(s->a, word(s, ":<>,"));
	if (!v[n].name.n || !eat(s, ':'))
		return bad(s, "a field's name and ':' are expected");
	for (size_t i = 0; i < n; i++)
		if (view_eq_nocase(v[i].name, v[n].name))
			return err_set(s->e, ERR_INVALID, "field %.*s is there twice", VIEW_ARG(view_sub(v[n].name, 0, 40)));
	return type(s, depth + 1, &v[n].type);
}

static int structure(struct scan *s, int depth, struct hive_type *t)
{
	size_t n = 0, cap = 8;
	struct hive_field *v = ARENA_ARRAY(s->a, struct hive_field, cap);

	do {
		if (n == HIVE_FIELDS)
			return err_set(s->e, ERR_LIMIT, "a struct has more than %d fields", HIVE_FIELDS);
		if (n == cap) {
			struct hive_field *more = ARENA_ARRAY(s->a, struct hive_field, cap * 2);

			memcpy(more, v, n * sizeof(*v));
			cap *= 2;
			v = more;
		}
		if (field(s, depth, v, n++) < 0)
			return s->e->code;
	} while (eat(s, ','));
	*t = (struct hive_type){ .kind = HIVE_STRUCT, .fields = v, .n_fields = n };
	return eat(s, '>') ? 0 : bad(s, "'>' is missing");
}

static int type(struct scan *s, int depth, const struct hive_type **ret)
{
	struct hive_type *t = ARENA_NEW(s->a, struct hive_type);
	struct view name = word(s, "<>(),:");

	*ret = t;
	if (depth >= HIVE_DEPTH)
		return err_set(s->e, ERR_LIMIT, "nested deeper than %d", HIVE_DEPTH);
	if (view_eq_nocase(name, VIEW("array")) && eat(s, '<'))
		return array(s, depth, t);
	if (view_eq_nocase(name, VIEW("map")) && eat(s, '<'))
		return map(s, depth, t);
	if (view_eq_nocase(name, VIEW("struct")) && eat(s, '<'))
		return structure(s, depth, t);
	return primitive(s, name, t);
}

int hive_type_parse(struct arena *a, struct view text, const struct hive_type **ret, struct err *e)
{
	struct scan s = { .a = a, .rest = text, .e = e };
	const struct hive_type *t;

	if (!utf8_valid(text))
		return err_set(e, ERR_INVALID, "a type is not valid UTF-8");
	if (type(&s, 0, &t) < 0)
		return e->code;
	if (view_trim(s.rest).n)
		return bad(&s, "something behind the type");
	*ret = t;
	return 0;
}

static const char *kind_name(enum hive_kind k)
{
	for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
		if (primitives[i].kind == k)
			return primitives[i].name;
	return "";
}

static void print_struct(struct buf *b, const struct hive_type *t, bool binary_as_string)
{
	buf_add_str(b, "struct");
	for (size_t i = 0; i < t->n_fields; i++) {
		buf_add_char(b, i ? ',' : '<');
		buf_add_view(b, t->fields[i].name);
		buf_add_char(b, ':');
		hive_type_print(b, t->fields[i].type, binary_as_string);
	}
	buf_add_char(b, '>');
}

void hive_type_print(struct buf *b, const struct hive_type *t, bool binary_as_string)
{
	switch (t->kind) {
	case HIVE_ARRAY:
		buf_add_str(b, "array<");
		hive_type_print(b, t->value, binary_as_string);
		buf_add_char(b, '>');
		break;
	case HIVE_MAP:
		buf_add_str(b, "map<");
		hive_type_print(b, t->key, binary_as_string);
		buf_add_char(b, ',');
		hive_type_print(b, t->value, binary_as_string);
		buf_add_char(b, '>');
		break;
	case HIVE_STRUCT:
		print_struct(b, t, binary_as_string);
		break;
	case HIVE_DECIMAL:
		buf_printf(b, "decimal(%u,%u)", t->precision, t->scale);
		break;
	case HIVE_BINARY:
		buf_add_str(b, binary_as_string ? "string" : "binary");
		break;
	default:
		buf_add_str(b, kind_name(t->kind));
		if (t->length)
			buf_printf(b, "(%u)", t->length);
	}
}
