// SPDX-License-Identifier: Apache-2.0
/* Parses intrinsic functions; intrinsic_eval.c runs them. */
#include "data/intrinsic.h"

#include <string.h>

#include "base/buf.h"
#include "data/intrinsic_int.h"

struct parser {
	struct arena *a;
	struct view t;
	size_t i;
	int depth;
	struct err *e;
};

static const struct intrinsic *call(struct parser *p);

static const struct intrinsic *fail(struct parser *p, const char *what)
{
	if (!p->e->code)
		err_set(p->e, ERR_INVALID, "%s at position %zu of %.*s", what, p->i, VIEW_ARG(view_sub(p->t, 0, 300)));
	return NULL;
}

static int at(const struct parser *p)
{
	return p->i < p->t.n ? (unsigned char)p->t.p[p->i] : -1;
}

static void spaces(struct parser *p)
{
	while (at(p) == ' ' || at(p) == '\t' || at(p) == '\n' || at(p) == '\r')
		p->i++;
}

static const struct intrinsic *text(struct parser *p)
{
	struct intrinsic *n = ARENA_NEW(p->a, struct intrinsic);
	size_t from = ++p->i;
	struct buf b;

	buf_init(&b, p->t.n + 16);
	for (; at(p) != '\''; p->i++) {
		if (at(p) < 0) {
			buf_clear(&b);
			return fail(p, "a quote is not closed");
		}
		if (at(p) == '\\' && p->i + 1 < p->t.n && memchr("'{}\\", p->t.p[p->i + 1], 4))
			p->i++;
		buf_add_char(&b, (char)at(p));
	}
	n->kind = INTRINSIC_LITERAL;
	n->raw = view_of(p->t.p + from, p->i - from);
	n->literal = json_new_str(p->a, buf_view(&b));
	buf_clear(&b);
	p->i++;
	return n;
}

/* A path goes on to the ',' or ')' outside of its own brackets and quotes. */
/* From an opening quote to its closing one. */
static void skip_quoted(struct parser *p, int quote)
{
	for (p->i++; at(p) >= 0 && at(p) != quote; p->i++)
		if (at(p) == '\\')
			p->i++;
}

static const struct intrinsic *path(struct parser *p)
{
	struct intrinsic *n = ARENA_NEW(p->a, struct intrinsic);
	size_t from = p->i;
	int open = 0;

	for (; at(p) >= 0; p->i++) {
		int c = at(p);

		if (!open && (c == ',' || c == ')'))
			break;
		if (c == '[' || c == '(')
			open++;
		else if (open && (c == ']' || c == ')'))
			open--;
		else if (open && (c == '\'' || c == '"'))
			skip_quoted(p, c);
	}
	n->kind = INTRINSIC_PATH;
	n->path = view_trim(view_of(p->t.p + from, (p->i < p->t.n ? p->i : p->t.n) - from));
	return n;
}

static const struct intrinsic *plain(struct parser *p)
{
	struct intrinsic *n = ARENA_NEW(p->a, struct intrinsic);
	size_t from = p->i;

	while (at(p) > ' ' && at(p) != ',' && at(p) != ')')
		p->i++;
	n->kind = INTRINSIC_LITERAL;
	n->literal = json_parse(p->a, view_of(p->t.p + from, p->i - from), 1, p->e);
	if (n->literal)
		return n;
	err_clear(p->e);
	p->i = from;
	return fail(p, "an argument is expected");
}

static const struct intrinsic *argument(struct parser *p)
{
	spaces(p);
	if (at(p) == '\'')
		return text(p);
	if (at(p) == '$')
		return path(p);
	return view_starts(view_from(p->t, p->i), VIEW("States.")) ? call(p) : plain(p);
}

static bool arguments(struct parser *p, struct intrinsic *n)
{
	const struct intrinsic *v[64];

	for (;;) {
		spaces(p);
		if (n->n_args == 0 && at(p) == ')')
			break;
		if (n->n_args == ARRAY_LEN(v))
			return fail(p, "too many arguments");
		if (!(v[n->n_args++] = argument(p)))
			return false;
		spaces(p);
		if (at(p) != ',')
			break;
		p->i++;
	}
	if (at(p) != ')')
		return fail(p, "')' is expected");
	p->i++;
	n->args = arena_dup(p->a, v, n->n_args * sizeof(*v) + 1);
	return true;
}

static const struct intrinsic *call(struct parser *p)
{
	struct intrinsic *n = ARENA_NEW(p->a, struct intrinsic);
	struct view rest = view_from(p->t, p->i), name;
	ptrdiff_t open = view_chr(rest, '(');

	if (open < 0)
		return fail(p, "'(' is expected");
	name = view_sub(rest, 0, (size_t)open);
	n->kind = INTRINSIC_CALL;
	n->fn = intrinsic__find(name);
	if (!n->fn)
		return fail(p, "an unknown function");
	if (++p->depth > INTRINSIC_DEPTH)
		return fail(p, "calls are nested too deeply");
	p->i += name.n + 1;
	if (!arguments(p, n))
		return NULL;
	p->depth--;
	if (n->n_args < n->fn->min || n->n_args > n->fn->max)
		return fail(p, "a wrong number of arguments");
	return n;
}

bool intrinsic_is_call(struct view t)
{
	return view_starts(t, VIEW("States."));
}

const struct intrinsic *intrinsic_compile(struct arena *a, struct view t, struct err *e)
{
	struct parser p = { .a = a, .t = t, .e = e };
	const struct intrinsic *n;

	if (!intrinsic_is_call(t))
		return fail(&p, "a function is expected");
	n = call(&p);
	if (n && p.i != t.n)
		return fail(&p, "unexpected character");
	return n;
}

int intrinsic_paths(const struct intrinsic *in, int (*fn)(void *arg, struct view path), void *arg)
{
	int r = 0;

	if (in->kind == INTRINSIC_PATH)
		return fn(arg, in->path);
	for (size_t i = 0; r == 0 && in->kind == INTRINSIC_CALL && i < in->n_args; i++)
		r = intrinsic_paths(in->args[i], fn, arg);
	return r;
}
