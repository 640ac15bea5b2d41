// SPDX-License-Identifier: Apache-2.0
/* Partition expressions: a small recursive descent, evaluated with SQL's three truth values. */
#include "svc/glue/expression.h"

#include <stdio.h>

#include "base/time.h"
#include "base/view.h"

#define NULL_PARTITION "__HIVE_DEFAULT_PARTITION__"

enum kind { K_STRING, K_NUMBER, K_DATE, K_TIMESTAMP };
enum node { N_AND, N_OR, N_NOT, N_CMP, N_IN, N_BETWEEN, N_LIKE, N_NULL };
enum cmp { C_EQ, C_NE, C_LT, C_LE, C_GT, C_GE };
enum truth { NO, YES, UNKNOWN };

struct expression {
	enum node node;
	enum kind kind;
	enum cmp cmp;
	bool negated;
	size_t key;
	struct view *literal; /* canonical for its kind */
	size_t n;
	const struct expression *left, *right;
};

enum token { T_END, T_WORD, T_QUOTED_NAME, T_TEXT, T_NUMBER, T_SYMBOL };

struct parser {
	struct arena *arena;
	struct view all, rest;
	enum token type;
	struct view tok; /* T_TEXT: without its quotes, doubled ones undone */
	size_t at;       /* of tok */
	const struct expression_key *keys;
	size_t n_keys;
	struct err *e;
};

static int bad(struct parser *p, const char *what)
{
	return p->e->code ? p->e->code
			  : err_set(p->e, ERR_INVALID, "%s at character %zu of the expression",
				    what, p->at + 1);
}

/* --- tokens --- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int quoted(struct parser *p, char q)
{
	char *out = arena_alloc(p->arena, p->rest.n + 1);
	size_t i = 1, n = 0;

	for (;; i++) {
		if (i >= p->rest.n)
			return bad(p, "a quote is not closed");
		if (p->rest.p[i] == q) {
			if (i + 1 >= p->rest.n || p->rest.p[i + 1] != q)
				break;
			i++;
		}
		out[n++] = p->rest.p[i];
	}
	p->type = q == '\'' ? T_TEXT : T_QUOTED_NAME;
	p->tok = view_of(out, n);
	p->rest = view_from(p->rest, i + 1);
	return 0;
}

static void take(struct parser *p, enum token type, size_t n)
{
	p->type = type;
	p->tok = view_sub(p->rest, 0, n);
	p->rest = view_from(p->rest, n);
}

static size_t number_length(struct view v)
{
	size_t n = v.p[0] == '-' || v.p[0] == '+';

	while (n < v.n && (is_digit(v.p[n]) || v.p[n] == '.'))
		n++;
	return n;
}

static void skip_space(struct parser *p)
{
	while (p->rest.n && (p->rest.p[0] == ' ' || (p->rest.p[0] >= '\t' && p->rest.p[0] <= '\r')))
		p->rest = view_from(p->rest, 1);
}

static bool number_begins(struct view v)
{
	return is_digit(v.p[0]) ||
	       ((v.p[0] == '-' || v.p[0] == '+') && v.n > 1 && is_digit(v.p[1]));
}

static size_t symbol_length(struct view v)
{
	static const char *const two[] = { "<>", "!=", "<=", ">=" };

	for (size_t i = 0; i < ARRAY_LEN(two); i++)
		if (view_starts(v, view_str(two[i])))
			return 2;
	return 1;
}

static int next(struct parser *p)
{
	size_t n = 0;

	skip_space(p);
	p->at = p->all.n - p->rest.n;
	p->type = T_END;
	p->tok = VIEW_NONE;
	if (!p->rest.n)
		return 0;
	if (strchr("'\"`", p->rest.p[0]))
		return quoted(p, p->rest.p[0]);
	while (n < p->rest.n && is_word(p->rest.p[n]))
		n++;
	if (number_begins(p->rest))
		take(p, T_NUMBER, number_length(p->rest));
	else if (n)
		take(p, T_WORD, n);
	else
		take(p, T_SYMBOL, symbol_length(p->rest));
	return 0;
}

static bool is(const struct parser *p, const char *what)
{
	return (p->type == T_WORD || p->type == T_SYMBOL) && view_eq_nocase(p->tok, view_str(what));
}

/* 1: it was there and is gone, 0: it is not, negative: error. */
static int accept(struct parser *p, const char *what)
{
	if (!is(p, what))
		return 0;
	return next(p) < 0 ? p->e->code : 1;
}

static int expect(struct parser *p, const char *what)
{
	int r = accept(p, what);

	if (r == 0) {
		p->at = p->type == T_END ? p->all.n : p->at;
		return p->e->code ? p->e->code
				  : err_set(p->e, ERR_INVALID,
					    "%s is expected at character %zu of the expression",
					    what, p->at + 1);
	}
	return r < 0 ? r : 0;
}

/* --- values --- */

static bool all_digits(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_digit(v.p[i]))
			return false;
	return true;
}

/* "-007.50" as sign, digits before the point without leading zeros, and behind it without trailing ones. */
static bool number_parts(struct view v, bool *neg, struct view *whole, struct view *frac)
{
	ptrdiff_t dot;

	*neg = view_starts(v, VIEW("-"));
	if (*neg || view_starts(v, VIEW("+")))
		v = view_from(v, 1);
	dot = view_chr(v, '.');
	*whole = dot < 0 ? v : view_sub(v, 0, (size_t)dot);
	*frac = dot < 0 ? view_of("", 0) : view_from(v, (size_t)dot + 1);
	if (whole->n + frac->n == 0 || !all_digits(*whole) || !all_digits(*frac))
		return false;
	while (whole->n && whole->p[0] == '0')
		*whole = view_from(*whole, 1);
	while (frac->n && frac->p[frac->n - 1] == '0')
		frac->n--;
	if (!whole->n && !frac->n)
		*neg = false;
	return true;
}

static int number_cmp(struct view a, struct view b)
{
	struct view wa, fa, wb, fb;
	bool na = false, nb = false;
	int c;

	if (!number_parts(a, &na, &wa, &fa) || !number_parts(b, &nb, &wb, &fb))
		return 0;
	if (na != nb)
		return na ? -1 : 1;
	if (wa.n != wb.n)
		c = wa.n < wb.n ? -1 : 1;
	else
		c = view_cmp(wa, wb);
	if (c == 0)
		c = view_cmp(fa, fb);
	return na ? -c : c;
}

static bool date_ok(struct view v)
{
	char text[32] = { 0 };
	int64_t ms;

	if (v.n != 10)
		return false;
	(void)snprintf(text, sizeof(text), "%.10sT00:00:00Z", v.p);
	return time_parse_iso(view_str(text), &ms);
}

/* "2026-01-02", "2026-01-02 03:04:05[.6]" and with T, to a text that sorts. */
static bool timestamp_canonical(struct arena *a, struct view v, struct view *ret)
{
	char text[48] = { 0 };
	int64_t ms;

	if (date_ok(v)) {
		*ret = view_str(arena_printf(a, "%.*s 00:00:00", VIEW_ARG(v)));
		return true;
	}
	if (v.n < 19 || v.n > 29)
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = 'Z';
	if (text[10] == ' ')
		text[10] = 'T';
	if (!time_parse_iso(view_of(text, v.n + 1), &ms))
		return false;
	text[10] = ' ';
	text[v.n] = '\0';
	while (strchr(text, '.') && v.n > 19 && (text[v.n - 1] == '0' || text[v.n - 1] == '.'))
		text[--v.n] = '\0';
	*ret = view_str(arena_printf(a, "%s", text));
	return true;
}

/* @v as a value of @kind; false if it is none. */
static bool canonical(struct arena *a, enum kind kind, struct view v, struct view *ret)
{
	struct view w, f;
	bool neg;

	*ret = v;
	switch (kind) {
	case K_NUMBER:
		return number_parts(v, &neg, &w, &f);
	case K_DATE:
		return date_ok(v);
	case K_TIMESTAMP:
		return timestamp_canonical(a, v, ret);
	default:
		return true;
	}
}

static bool kind_of(const char *type, enum kind *ret)
{
	static const struct {
		const char *name;
		enum kind kind;
	} kinds[] = {
		{ "string", K_STRING },  { "varchar", K_STRING },      { "char", K_STRING },
		{ "date", K_DATE },      { "timestamp", K_TIMESTAMP }, { "int", K_NUMBER },
		{ "integer", K_NUMBER }, { "bigint", K_NUMBER },       { "long", K_NUMBER },
		{ "tinyint", K_NUMBER }, { "smallint", K_NUMBER },     { "decimal", K_NUMBER }
	};
	struct view t = view_trim(view_str(type));
	ptrdiff_t paren = view_chr(t, '(');

	if (paren >= 0)
		t = view_trim(view_sub(t, 0, (size_t)paren));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (view_eq_nocase(t, view_str(kinds[i].name))) {
			*ret = kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* --- grammar --- */

static int key(struct parser *p, struct expression *x)
{
	if (p->type != T_WORD && p->type != T_QUOTED_NAME)
		return bad(p, "a partition key is expected");
	for (x->key = 0; x->key < p->n_keys; x->key++)
		if (view_eq_nocase(p->tok, view_str(p->keys[x->key].name)))
			break;
	if (x->key == p->n_keys)
		return err_set(p->e, ERR_INVALID, "%.*s is no partition key of the table",
			       VIEW_ARG(p->tok));
	if (!kind_of(p->keys[x->key].type, &x->kind))
		return err_set(p->e, ERR_INVALID,
			       "partition key %s has type %s, which expressions do not support",
			       p->keys[x->key].name, p->keys[x->key].type);
	return next(p);
}

static int literal(struct parser *p, const struct expression *x, struct view *ret)
{
	int typed = is(p, "date") || is(p, "timestamp");

	if (typed && next(p) < 0)
		return p->e->code;
	if (p->type != T_TEXT && (p->type != T_NUMBER || typed))
		return bad(p, "a literal is expected");
	if (p->type == T_NUMBER && x->kind != K_NUMBER)
		return bad(p, "a number does not fit the key's type");
	if (!canonical(p->arena, x->kind, p->tok, ret))
		return bad(p, "the literal does not fit the key's type");
	return next(p);
}

static bool cmp_symbol(const struct parser *p, enum cmp *ret)
{
	static const struct {
		const char *text;
		enum cmp cmp;
	} symbols[] = { { "=", C_EQ },  { "<>", C_NE }, { "!=", C_NE }, { "<", C_LT },
			{ "<=", C_LE }, { ">", C_GT },  { ">=", C_GE } };

	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		if (is(p, symbols[i].text)) {
			*ret = symbols[i].cmp;
			return true;
		}
	}
	return false;
}

/* literal op key: the literal's kind is known only behind it. */
static int flipped(struct parser *p, struct expression *x)
{
	static const enum cmp turned[] = { [C_EQ] = C_EQ, [C_NE] = C_NE, [C_LT] = C_GT,
					   [C_LE] = C_GE, [C_GT] = C_LT, [C_GE] = C_LE };
	struct parser at_literal = *p, after;

	if ((is(p, "date") || is(p, "timestamp")) && next(p) < 0)
		return p->e->code;
	if (next(p) < 0)
		return p->e->code;
	if (!cmp_symbol(p, &x->cmp))
		return bad(p, "a comparison is expected");
	if (next(p) < 0 || key(p, x) < 0)
		return p->e->code;
	after = *p;
	*p = at_literal;
	x->node = N_CMP;
	x->cmp = turned[x->cmp];
	x->n = 1;
	x->literal = ARENA_NEW(p->arena, struct view);
	if (literal(p, x, x->literal) < 0)
		return p->e->code;
	*p = after;
	return 0;
}

static int in_list(struct parser *p, struct expression *x)
{
	size_t cap = p->rest.n / 2 + 1; /* each literal takes at least one character and a comma */
	int r;

	x->node = N_IN;
	x->literal = ARENA_ARRAY(p->arena, struct view, cap);
	if (expect(p, "(") < 0)
		return p->e->code;
	do {
		must(x->n < cap);
		if (literal(p, x, &x->literal[x->n++]) < 0)
			return p->e->code;
		r = accept(p, ",");
	} while (r > 0);
	return r < 0 ? r : expect(p, ")");
}

static int between(struct parser *p, struct expression *x)
{
	x->node = N_BETWEEN;
	x->n = 2;
	x->literal = ARENA_ARRAY(p->arena, struct view, 2);
	if (literal(p, x, &x->literal[0]) < 0 || expect(p, "and") < 0)
		return p->e->code;
	return literal(p, x, &x->literal[1]);
}

static int like(struct parser *p, struct expression *x)
{
	if (x->kind != K_STRING)
		return bad(p, "LIKE is for keys of type string");
	x->node = N_LIKE;
	x->n = 1;
	x->literal = ARENA_NEW(p->arena, struct view);
	return literal(p, x, x->literal);
}

static int is_null(struct parser *p, struct expression *x)
{
	int r = accept(p, "not");

	x->node = N_NULL;
	x->negated = r > 0;
	return r < 0 ? r : expect(p, "null");
}

/* Behind a key. */
static int predicate(struct parser *p, struct expression *x)
{
	int r;

	if (cmp_symbol(p, &x->cmp)) {
		x->node = N_CMP;
		x->n = 1;
		x->literal = ARENA_NEW(p->arena, struct view);
		return next(p) < 0 ? p->e->code : literal(p, x, x->literal);
	}
	if ((r = accept(p, "is")) != 0)
		return r < 0 ? r : is_null(p, x);
	r = accept(p, "not");
	x->negated = r > 0;
	if (r >= 0 && (r = accept(p, "in")) > 0)
		return in_list(p, x);
	if (r >= 0 && (r = accept(p, "between")) > 0)
		return between(p, x);
	if (r >= 0 && (r = accept(p, "like")) > 0)
		return like(p, x);
	return r < 0 ? r : bad(p, "a comparison is expected");
}

static int disjunction(struct parser *p, int depth, const struct expression **ret);

static int test(struct parser *p, int depth, const struct expression **ret)
{
	struct expression *x;
	int r;

	if ((r = accept(p, "(")) != 0) {
		if (r < 0 || disjunction(p, depth + 1, ret) < 0)
			return p->e->code;
		return expect(p, ")");
	}
	x = ARENA_NEW(p->arena, struct expression);
	*ret = x;
	if (p->type == T_TEXT || p->type == T_NUMBER)
		return flipped(p, x);
	return key(p, x) < 0 ? p->e->code : predicate(p, x);
}

static int negation(struct parser *p, int depth, const struct expression **ret)
{
	struct expression *x;
	int r = accept(p, "not");

	if (depth > EXPRESSION_DEPTH)
		return err_set(p->e, ERR_INVALID, "the expression is nested too deeply");
	if (r <= 0)
		return r < 0 ? r : test(p, depth, ret);
	x = ARENA_NEW(p->arena, struct expression);
	x->node = N_NOT;
	*ret = x;
	return negation(p, depth + 1, &x->left);
}

static int conjunction(struct parser *p, int depth, const struct expression **ret)
{
	int r = negation(p, depth, ret);

	while (r == 0 && (r = accept(p, "and")) > 0) {
		struct expression *x = ARENA_NEW(p->arena, struct expression);

		*x = (struct expression){ .node = N_AND, .left = *ret };
		r = negation(p, depth, &x->right);
		*ret = x;
	}
	return r;
}

static int disjunction(struct parser *p, int depth, const struct expression **ret)
{
	int r = conjunction(p, depth, ret);

	while (r == 0 && (r = accept(p, "or")) > 0) {
		struct expression *x = ARENA_NEW(p->arena, struct expression);

		*x = (struct expression){ .node = N_OR, .left = *ret };
		r = conjunction(p, depth, &x->right);
		*ret = x;
	}
	return r;
}

int expression_parse(struct arena *a, const char *text, const struct expression_key *keys,
		     size_t n_keys, const struct expression **ret, struct err *e)
{
	struct parser p = { .arena = a,
			    .all = view_str(text),
			    .rest = view_str(text),
			    .keys = keys,
			    .n_keys = n_keys,
			    .e = e };
	const struct expression *x = NULL;

	if (next(&p) < 0 || disjunction(&p, 0, &x) < 0)
		return e->code;
	if (p.type != T_END)
		return bad(&p, "the expression should end");
	*ret = x;
	return 0;
}

/* --- evaluation --- */

/* % any characters, _ one; no escapes.  Greedy with one step back: linear in practice, quadratic at worst. */
static bool like_match(struct view v, struct view pat)
{
	size_t i = 0, j = 0, star = 0, mark = 0;
	bool starred = false;

	while (i < v.n) {
		if (j < pat.n && pat.p[j] == '%') {
			starred = true;
			star = j++;
			mark = i;
		} else if (j < pat.n && (pat.p[j] == '_' || pat.p[j] == v.p[i])) {
			i++;
			j++;
		} else if (starred) {
			j = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (j < pat.n && pat.p[j] == '%')
		j++;
	return j == pat.n;
}

static int compare(enum kind kind, struct view a, struct view b)
{
	return kind == K_NUMBER ? number_cmp(a, b) : view_cmp(a, b);
}

static bool holds(enum cmp cmp, int c)
{
	switch (cmp) {
	case C_EQ:
		return c == 0;
	case C_NE:
		return c != 0;
	case C_LT:
		return c < 0;
	case C_LE:
		return c <= 0;
	case C_GT:
		return c > 0;
	default:
		return c >= 0;
	}
}

static bool leaf(const struct expression *x, struct view v)
{
	switch (x->node) {
	case N_CMP:
		return holds(x->cmp, compare(x->kind, v, x->literal[0]));
	case N_BETWEEN:
		return compare(x->kind, v, x->literal[0]) >= 0 &&
		       compare(x->kind, v, x->literal[1]) <= 0;
	case N_LIKE:
		return like_match(v, x->literal[0]);
	default:
		for (size_t i = 0; i < x->n; i++)
			if (compare(x->kind, v, x->literal[i]) == 0)
				return true;
		return false;
	}
}

static enum truth eval(const struct expression *x, const char *const *values, struct arena *a);

static enum truth both(const struct expression *x, const char *const *values, struct arena *a)
{
	enum truth l = eval(x->left, values, a), r = l == NO ? NO : eval(x->right, values, a);

	if (l == NO || r == NO)
		return NO;
	return l == UNKNOWN ? l : r;
}

static enum truth either(const struct expression *x, const char *const *values, struct arena *a)
{
	enum truth l = eval(x->left, values, a), r = l == YES ? YES : eval(x->right, values, a);

	if (l == YES || r == YES)
		return YES;
	return l == UNKNOWN ? l : r;
}

static enum truth value(const struct expression *x, const char *text, struct arena *a)
{
	struct view v;
	bool null = strcmp(text, NULL_PARTITION) == 0 || !canonical(a, x->kind, view_str(text), &v);

	if (x->node == N_NULL)
		return null != x->negated ? YES : NO;
	if (null)
		return UNKNOWN;
	return leaf(x, v) != x->negated ? YES : NO;
}

static enum truth eval(const struct expression *x, const char *const *values, struct arena *a)
{
	enum truth l;

	switch (x->node) {
	case N_NOT:
		l = eval(x->left, values, a);
		return l == UNKNOWN ? l : l == YES ? NO : YES;
	case N_AND:
		return both(x, values, a);
	case N_OR:
		return either(x, values, a);
	default:
		return value(x, values[x->key], a);
	}
}

bool expression_match(const struct expression *x, const char *const *values)
{
	struct arena a;
	bool yes;

	arena_init(&a, 64UL * 1024 * 1024);
	yes = eval(x, values, &a) == YES;
	arena_clear(&a);
	return yes;
}
