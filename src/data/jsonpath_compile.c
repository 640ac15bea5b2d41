// SPDX-License-Identifier: Apache-2.0
/* Parses JsonPath expressions, filters included. */
#include "data/jsonpath_int.h"

#include <string.h>

#include "base/buf.h"

struct parser {
	struct arena *a;
	struct view t;
	size_t i;
	int depth;
	bool in_filter;
	struct err *e;
};

static const struct jsonpath *path(struct parser *p);
static const struct filter *filter_or(struct parser *p);

static bool fail(struct parser *p, const char *what)
{
	if (!p->e->code)
		err_set(p->e, ERR_INVALID, "%s at position %zu of path %.*s", what, p->i, VIEW_ARG(view_sub(p->t, 0, 300)));
	return false;
}

static int at(const struct parser *p, size_t k)
{
	return p->i + k < p->t.n ? (unsigned char)p->t.p[p->i + k] : -1;
}

static void spaces(struct parser *p)
{
	while (at(p, 0) == ' ' || at(p, 0) == '\t' || at(p, 0) == '\n')
		p->i++;
}

static bool eat(struct parser *p, const char *s)
{
	size_t n = strlen(s);

	if (!view_starts(view_from(p->t, p->i), view_of(s, n)))
		return false;
	p->i += n;
	return true;
}

static bool ends_name(const struct parser *p, int c)
{
	if (c < 0 || memchr(".[]()", c, 5))
		return true;
	return c <= ' ' || (p->in_filter && memchr(",=<>!&|", c, 7));
}

static bool quoted(struct parser *p, struct view *ret)
{
	int q = at(p, 0);
	struct buf b;

	buf_init(&b, p->t.n + 16);
	for (p->i++; at(p, 0) != q; p->i++) {
		if (at(p, 0) < 0) {
			buf_clear(&b);
			return fail(p, "a quote is not closed");
		}
		if (at(p, 0) == '\\' && at(p, 1) >= 0)
			p->i++;
		buf_add_char(&b, (char)at(p, 0));
	}
	p->i++;
	*ret = arena_view(p->a, buf_view(&b));
	buf_clear(&b);
	return true;
}

static bool integer(struct parser *p, int64_t *ret)
{
	size_t from = p->i;

	if (at(p, 0) == '-')
		p->i++;
	while (at(p, 0) >= '0' && at(p, 0) <= '9')
		p->i++;
	return view_i64(view_of(p->t.p + from, p->i - from), ret) || fail(p, "a number is expected");
}

static bool closing(struct parser *p)
{
	spaces(p);
	return eat(p, "]") || fail(p, "']' is expected");
}

static bool names(struct parser *p, struct step *s)
{
	struct view v[64];

	s->kind = STEP_NAME;
	do {
		spaces(p);
		if (at(p, 0) != '\'' && at(p, 0) != '"')
			return fail(p, "a quoted name is expected");
		if (s->n == ARRAY_LEN(v))
			return fail(p, "too many names");
		if (!quoted(p, &v[s->n++]))
			return false;
		spaces(p);
	} while (eat(p, ","));
	s->names = arena_dup(p->a, v, s->n * sizeof(*v));
	return closing(p);
}

static bool slice_end(struct parser *p, struct step *s)
{
	s->kind = STEP_SLICE;
	spaces(p);
	if (at(p, 0) != ']') {
		s->has_to = true;
		if (!integer(p, &s->to))
			return false;
	}
	return closing(p);
}

static bool indices(struct parser *p, struct step *s)
{
	int64_t v[64];

	s->kind = STEP_INDEX;
	if (eat(p, ":"))
		return slice_end(p, s);
	do {
		spaces(p);
		if (s->n == ARRAY_LEN(v))
			return fail(p, "too many indices");
		if (!integer(p, &v[s->n++]))
			return false;
		spaces(p);
		if (s->n == 1 && eat(p, ":")) {
			s->has_from = true;
			s->from = v[0];
			return slice_end(p, s);
		}
	} while (eat(p, ","));
	s->index = arena_dup(p->a, v, s->n * sizeof(*v));
	return closing(p);
}

static bool filter_step(struct parser *p, struct step *s)
{
	bool was = p->in_filter;

	s->kind = STEP_FILTER;
	p->in_filter = true;
	if (++p->depth > JSONPATH_DEPTH)
		return fail(p, "filters are nested too deeply");
	if (!(s->filter = filter_or(p)))
		return false;
	spaces(p);
	if (!eat(p, ")"))
		return fail(p, "')' is expected");
	p->depth--;
	p->in_filter = was;
	return closing(p);
}

static bool bracket(struct parser *p, struct step *s)
{
	spaces(p);
	if (at(p, 0) == '\'' || at(p, 0) == '"')
		return names(p, s);
	if (eat(p, "*")) {
		s->kind = STEP_ANY;
		return closing(p);
	}
	if (eat(p, "?")) {
		spaces(p);
		return eat(p, "(") ? filter_step(p, s) : fail(p, "'(' is expected");
	}
	return indices(p, s);
}

static bool dotted(struct parser *p, struct step *s)
{
	size_t from = p->i;

	if (at(p, 0) == '*' && ends_name(p, at(p, 1))) {
		p->i++;
		s->kind = STEP_ANY;
		return true;
	}
	while (!ends_name(p, at(p, 0)))
		p->i++;
	if (p->i == from)
		return fail(p, "a name is expected");
	if (at(p, 0) == '(')
		return fail(p, "functions are not supported");
	s->kind = STEP_NAME;
	s->names = ARENA_NEW(p->a, struct view);
	s->names[0] = arena_view(p->a, view_of(p->t.p + from, p->i - from));
	s->n = 1;
	return true;
}

static bool step(struct parser *p, struct step *s)
{
	*s = (struct step){ 0 };
	if (eat(p, "..")) {
		s->deep = true;
		return eat(p, "[") ? bracket(p, s) : dotted(p, s);
	}
	if (eat(p, "."))
		return eat(p, "[") ? bracket(p, s) : dotted(p, s);
	return eat(p, "[") ? bracket(p, s) : fail(p, "'.' or '[' is expected");
}

static const struct jsonpath *path(struct parser *p)
{
	struct jsonpath *j = ARENA_NEW(p->a, struct jsonpath);
	size_t cap = 0;

	j->current = at(p, 0) == '@';
	p->i++;
	while (at(p, 0) == '.' || at(p, 0) == '[') {
		if (j->n == JSONPATH_STEPS)
			return fail(p, "too many steps"), NULL;
		if (j->n == cap) {
			struct step *v = ARENA_ARRAY(p->a, struct step, cap ? cap * 2 : 4);

			if (j->n)
				memcpy(v, j->steps, j->n * sizeof(*v));
			cap = cap ? cap * 2 : 4;
			j->steps = v;
		}
		if (!step(p, &j->steps[j->n++]))
			return NULL;
	}
	return j;
}

/* --- filters --- */
static bool literal_list(struct parser *p, struct json *arr);

static bool literal(struct parser *p, const struct json **ret)
{
	struct view v;
	size_t from = p->i;

	if (at(p, 0) == '\'' || at(p, 0) == '"') {
		if (!quoted(p, &v))
			return false;
		*ret = json_new_str(p->a, v);
		return true;
	}
	if (eat(p, "[")) {
		struct json *arr = json_new_arr(p->a);

		*ret = arr;
		return literal_list(p, arr);
	}
	while (at(p, 0) > ' ' && !memchr("()[],=<>!&|", at(p, 0), 11))
		p->i++;
	*ret = json_parse(p->a, view_of(p->t.p + from, p->i - from), 2, p->e);
	if (*ret)
		return true;
	err_clear(p->e);
	p->i = from;
	return fail(p, "a value or a path is expected");
}

static bool literal_list(struct parser *p, struct json *arr)
{
	const struct json *v;

	if (++p->depth > JSONPATH_DEPTH)
		return fail(p, "filters are nested too deeply");
	spaces(p);
	while (at(p, 0) != ']') {
		if (json_len(arr) && !eat(p, ","))
			return fail(p, "',' is expected");
		spaces(p);
		if (!literal(p, &v))
			return false;
		json_push(p->a, arr, v);
		spaces(p);
	}
	p->i++;
	p->depth--;
	return true;
}

static bool operand(struct parser *p, struct operand *o)
{
	spaces(p);
	if (at(p, 0) == '@' || at(p, 0) == '$')
		return (o->path = path(p)) != NULL;
	return literal(p, &o->literal);
}

static bool comparison_op(struct parser *p, enum filter_kind *ret)
{
	static const struct { const char *text; enum filter_kind k; } ops[] = {
		{ "===", FILTER_EQ }, { "!==", FILTER_NE }, { "==", FILTER_EQ }, { "!=", FILTER_NE },
		{ "<=", FILTER_LE }, { ">=", FILTER_GE }, { "<>", FILTER_NE }, { "<", FILTER_LT }, { ">", FILTER_GT },
		{ "in ", FILTER_IN }, { "IN ", FILTER_IN }, { "nin ", FILTER_NIN }, { "NIN ", FILTER_NIN },
	};

	spaces(p);
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (eat(p, ops[i].text)) {
			*ret = ops[i].k;
			return true;
		}
	return false;
}

static const struct filter *filter_one(struct parser *p)
{
	struct filter *f = ARENA_NEW(p->a, struct filter);

	spaces(p);
	if (++p->depth > JSONPATH_DEPTH)
		return fail(p, "filters are nested too deeply"), NULL;
	if (eat(p, "!")) {
		f->kind = FILTER_NOT;
		f->a = filter_one(p);
		p->depth--;
		return f->a ? f : NULL;
	}
	if (eat(p, "(")) {
		const struct filter *in = filter_or(p);

		spaces(p);
		p->depth--;
		return !in ? NULL : eat(p, ")") ? in : (fail(p, "')' is expected"), NULL);
	}
	p->depth--;
	if (!operand(p, &f->x))
		return NULL;
	if (comparison_op(p, &f->kind))
		return operand(p, &f->y) ? f : NULL;
	f->kind = FILTER_THERE;
	return f->x.path ? f : (fail(p, "a comparison is expected"), NULL);
}

static const struct filter *chain(struct parser *p, const char *op, enum filter_kind k,
				  const struct filter *(*next)(struct parser *p))
{
	const struct filter *f = next(p);

	for (spaces(p); f && eat(p, op); spaces(p)) {
		struct filter *both = ARENA_NEW(p->a, struct filter);

		both->kind = k;
		both->a = f;
		both->b = next(p);
		f = both->b ? both : NULL;
	}
	return f;
}

static const struct filter *filter_and(struct parser *p)
{
	return chain(p, "&&", FILTER_AND, filter_one);
}

static const struct filter *filter_or(struct parser *p)
{
	return chain(p, "||", FILTER_OR, filter_and);
}

const struct jsonpath *jsonpath_compile(struct arena *a, struct view text, struct err *e)
{
	struct parser p = { .a = a, .t = text, .e = e };
	const struct jsonpath *j;

	if (at(&p, 0) != '$') {
		fail(&p, "'$' is expected");
		return NULL;
	}
	j = path(&p);
	if (j && p.i != text.n) {
		fail(&p, "unexpected character");
		return NULL;
	}
	return j;
}
