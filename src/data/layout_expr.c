// SPDX-License-Identifier: Apache-2.0
/* Expressions over fields and parameters: compiled to postfix form once, evaluated per frame. */
#include <math.h>
#include <stdlib.h>

#include "data/layout_int.h"

#define NESTING_MAX 32

struct parse {
	struct layout *l;
	struct view s; /* what is left */
	struct layout__expr *x;
	size_t cap;
	size_t depth, operands;
	bool index;
	struct err *e;
};

struct word {
	const char *text;
	enum expr_op op;
};

static int parse_or(struct parse *p);

static int fail(struct parse *p, const char *what)
{
	return err_set(p->e, ERR_INVALID, "expression: %s", what);
}

static void skip_space(struct parse *p)
{
	while (p->s.n && (*p->s.p == ' ' || *p->s.p == '\t'))
		p->s = view_from(p->s, 1);
}

static bool take(struct parse *p, const char *text)
{
	skip_space(p);
	if (!view_starts(p->s, view_str(text)))
		return false;
	p->s = view_from(p->s, strlen(text));
	return true;
}

/* @operands: how many the step leaves on the stack beyond those it takes. */
static int emit(struct parse *p, enum expr_op op, int slot, double num, int operands)
{
	must(p->x->n < p->cap);
	p->x->v[p->x->n++] = (struct layout__step){ op, slot, num };
	p->operands += (size_t)operands;
	return p->operands > LAYOUT_STACK ? fail(p, "too deep") : 0;
}

static size_t digits(struct view s, size_t i)
{
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i;
}

static int parse_number(struct parse *p)
{
	char text[LAYOUT_EXPR_MAX + 1] = "";
	size_t i = digits(p->s, 0);

	if (i < p->s.n && p->s.p[i] == '.')
		i = digits(p->s, i + 1);
	if (i < p->s.n && (p->s.p[i] == 'e' || p->s.p[i] == 'E')) {
		size_t k = i + 1;

		if (k < p->s.n && (p->s.p[k] == '+' || p->s.p[k] == '-'))
			k++;
		if (digits(p->s, k) > k)
			i = digits(p->s, k);
	}
	if (i == 1 && p->s.p[0] == '.')
		return fail(p, "a point without digits");
	memcpy(text, p->s.p, i);
	p->s = view_from(p->s, i);
	return emit(p, EXPR_NUM, 0, strtod(text, NULL), 1);
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (c >= '0' && c <= '9');
}

static int parse_pair(struct parse *p, enum expr_op op)
{
	int rc = parse_or(p);

	if (rc < 0)
		return rc;
	if (!take(p, ","))
		return fail(p, "min and max take two values");
	rc = parse_or(p);
	if (rc < 0)
		return rc;
	return take(p, ")") ? emit(p, op, 0, 0, -1) : fail(p, "a bracket is not closed");
}

static int parse_name(struct parse *p)
{
	size_t n = 0;

	while (n < p->s.n && name_char(p->s.p[n]))
		n++;
	struct view name = view_sub(p->s, 0, n);
	p->s = view_from(p->s, n);
	bool least = view_eq_str(name, "min");

	if ((least || view_eq_str(name, "max")) && take(p, "("))
		return parse_pair(p, least ? EXPR_MIN : EXPR_MAX);
	if (n > LAYOUT_NAME_MAX)
		return fail(p, "a name is too long");
	if (p->index && view_eq_str(name, "i")) {
		p->x->indexed = true;
		return emit(p, EXPR_INDEX, 0, 0, 1);
	}
	int slot = layout__slot(p->l, name, p->e);
	if (slot < 0)
		return slot;
	p->l->looked_at[slot] = true;
	if (!take(p, "["))
		return emit(p, EXPR_NAME, slot, 0, 1);
	int rc = parse_or(p);
	if (rc < 0)
		return rc;
	return take(p, "]") ? emit(p, EXPR_ELEMENT, slot, 0, 0)
			    : fail(p, "a bracket is not closed");
}

static int parse_primary(struct parse *p)
{
	skip_space(p);
	if (p->s.n == 0)
		return fail(p, "ends too early");
	char c = *p->s.p;

	if ((c >= '0' && c <= '9') || c == '.')
		return parse_number(p);
	if (name_char(c))
		return parse_name(p);
	if (!take(p, "("))
		return fail(p, "a number, a name or ( is missing");
	int rc = parse_or(p);
	if (rc < 0)
		return rc;
	return take(p, ")") ? 0 : fail(p, "a bracket is not closed");
}

static int parse_unary(struct parse *p)
{
	int rc;

	if (++p->depth > NESTING_MAX)
		return fail(p, "too deep");
	if (take(p, "-")) {
		rc = parse_unary(p);
		rc = rc < 0 ? rc : emit(p, EXPR_NEG, 0, 0, 0);
	} else if (!view_starts(p->s, VIEW("!=")) && take(p, "!")) {
		rc = parse_unary(p);
		rc = rc < 0 ? rc : emit(p, EXPR_NOT, 0, 0, 0);
	} else {
		rc = parse_primary(p);
	}
	p->depth--;
	return rc;
}

/* operand { operator operand }, from left to right; at most @times operators. */
static int parse_row(struct parse *p, int (*operand)(struct parse *), const struct word *words,
		     size_t times)
{
	int rc = operand(p);

	while (rc == 0 && times-- > 0) {
		const struct word *w = words;

		while (w->text && !take(p, w->text))
			w++;
		if (!w->text)
			return 0;
		rc = operand(p);
		if (rc == 0)
			rc = emit(p, w->op, 0, 0, -1);
	}
	return rc;
}

static int parse_mul(struct parse *p)
{
	static const struct word words[] = {
		{ "*", EXPR_MUL }, { "/", EXPR_DIV }, { "%", EXPR_MOD }, { 0 }
	};

	return parse_row(p, parse_unary, words, LAYOUT_EXPR_MAX);
}

static int parse_add(struct parse *p)
{
	static const struct word words[] = { { "+", EXPR_ADD }, { "-", EXPR_SUB }, { 0 } };

	return parse_row(p, parse_mul, words, LAYOUT_EXPR_MAX);
}

static int parse_compare(struct parse *p)
{
	static const struct word words[] = { { "==", EXPR_EQ },
					     { "!=", EXPR_NE },
					     { "<=", EXPR_LE },
					     { ">=", EXPR_GE },
					     { "<", EXPR_LT },
					     { ">", EXPR_GT },
					     { 0 } };

	return parse_row(p, parse_add, words, 1);
}

static int parse_and(struct parse *p)
{
	static const struct word words[] = { { "&&", EXPR_AND }, { 0 } };

	return parse_row(p, parse_compare, words, LAYOUT_EXPR_MAX);
}

static int parse_or(struct parse *p)
{
	static const struct word words[] = { { "||", EXPR_OR }, { 0 } };

	return parse_row(p, parse_and, words, LAYOUT_EXPR_MAX);
}

const struct layout__expr *layout__expr(struct layout *l, const struct json *v, bool index,
					struct err *e)
{
	struct view s = json_str(v);
	struct parse p = { .l = l, .s = s, .index = index, .e = e };

	if (!json_is_number(v) && !json_is(v, JSON_STR)) {
		err_set(e, ERR_INVALID, "expression: must be a number or a string");
		return NULL;
	}
	if (s.n > LAYOUT_EXPR_MAX) {
		err_set(e, ERR_LIMIT, "expression: %zu bytes; at most %d", s.n, LAYOUT_EXPR_MAX);
		return NULL;
	}
	p.cap = s.n + 1;
	p.x = ARENA_NEW(&l->arena, struct layout__expr);
	p.x->v = ARENA_ARRAY(&l->arena, struct layout__step, p.cap);
	if (json_is_number(v))
		return emit(&p, EXPR_NUM, 0, json_double(v, 0), 1) < 0 ? NULL : p.x;
	if (parse_or(&p) < 0)
		return NULL;
	skip_space(&p);
	if (p.s.n) {
		fail(&p, "something is left behind its end");
		return NULL;
	}
	return p.x;
}

bool layout__expr_fixed(const struct layout *l, const struct layout__expr *x)
{
	for (size_t i = 0; x && i < x->n; i++) {
		enum expr_op op = x->v[i].op;

		if ((op == EXPR_NAME || op == EXPR_ELEMENT) &&
		    (l->by_field[x->v[i].slot] || x->v[i].slot == SLOT_LENGTH))
			return false;
	}
	return true;
}

/* Remainder with the sign of the divisor. */
static double modulo(double a, double b)
{
	double r = fmod(a, b);

	return (r < 0 && b > 0) || (r > 0 && b < 0) ? r + b : r;
}

static bool is_zero(double d)
{
	return fpclassify(d) == FP_ZERO;
}

static double compare(enum expr_op op, double a, double b)
{
	switch (op) {
	case EXPR_EQ:
		return a >= b && a <= b;
	case EXPR_NE:
		return a < b || a > b;
	case EXPR_LT:
		return a < b;
	case EXPR_LE:
		return a <= b;
	case EXPR_GT:
		return a > b;
	default:
		return a >= b;
	}
}

static double binary(enum expr_op op, double a, double b)
{
	switch (op) {
	case EXPR_MUL:
		return a * b;
	case EXPR_DIV:
		return a / b;
	case EXPR_MOD:
		return modulo(a, b);
	case EXPR_ADD:
		return a + b;
	case EXPR_SUB:
		return a - b;
	case EXPR_AND:
		return !is_zero(a) && !is_zero(b);
	case EXPR_OR:
		return !is_zero(a) || !is_zero(b);
	case EXPR_MIN:
		return b < a ? b : a;
	case EXPR_MAX:
		return b > a ? b : a;
	default:
		return compare(op, a, b);
	}
}

/* A parameter that is one number is the same for every element. */
static bool element(const struct layout__slot *s, double at, double *ret)
{
	if (s->state == SLOT_NUMBER) {
		*ret = s->d;
		return true;
	}
	if (s->state != SLOT_LIST || !s->list || !(at >= 0 && at < (double)s->n) || trunc(at) < at)
		return false;
	*ret = s->list[(size_t)at];
	return true;
}

static bool eval_steps(const struct layout__expr *x, const struct layout__slot *env, size_t index, double *ret)
{
	double st[LAYOUT_STACK + 1]; /* as deep as the expression goes is written before it is read */
	size_t n = 0;

	st[0] = 0;
	for (size_t i = 0; i < x->n; i++) {
		const struct layout__step *s = &x->v[i];

		if (s->op == EXPR_NUM) {
			st[n++] = s->num;
		} else if (s->op == EXPR_INDEX) {
			st[n++] = (double)index;
		} else if (s->op == EXPR_NAME) {
			if (env[s->slot].state != SLOT_NUMBER)
				return false;
			st[n++] = env[s->slot].d;
		} else if (s->op == EXPR_ELEMENT) {
			if (!element(&env[s->slot], st[n - 1], &st[n - 1]))
				return false;
		} else if (s->op == EXPR_NEG) {
			st[n - 1] = -st[n - 1];
		} else if (s->op == EXPR_NOT) {
			st[n - 1] = is_zero(st[n - 1]);
		} else {
			if ((s->op == EXPR_DIV || s->op == EXPR_MOD) && is_zero(st[n - 1]))
				return false;
			n--;
			st[n - 1] = binary(s->op, st[n - 1], st[n]);
		}
	}
	*ret = st[0];
	return isfinite(st[0]);
}

bool layout__eval(const struct layout__expr *x, const struct layout__slot *env, size_t index,
		  double *ret)
{
	const struct layout__slot *s;

	if (x->n != 1 || x->v[0].op != EXPR_NAME)
		return eval_steps(x, env, index, ret);
	s = &env[x->v[0].slot]; /* what most are that are looked at in every frame */
	*ret = s->d;
	return s->state == SLOT_NUMBER && isfinite(s->d);
}
