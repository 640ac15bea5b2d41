// SPDX-License-Identifier: Apache-2.0
/* Compiles event patterns into branches ($or multiplied out) of tests on paths. */
#include "data/pattern_int.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"

#define LIST_MAX 4096         /* values tested on one path */
#define STARS_ALIKE_MAX 4     /* stars followed by the same character: above, the rule is too complex */

struct branches {
	struct branch *v;
	size_t n, cap;
};

struct matchers {
	struct matcher *v;
	size_t n, cap;
};

struct compiler {
	struct scan s;
	struct arena *a;
};

static bool one_key_only(struct compiler *c)
{
	enum token t = scan_next(&c->s);

	if (t == TOKEN_ERROR)
		return false;
	return t == TOKEN_OBJ_END || scan_fail(&c->s, "Only one key allowed in match expression");
}

static bool too_many(struct compiler *c)
{
	return scan_fail(&c->s, "Too many elements in numeric expression");
}

static bool object_ends(struct compiler *c)
{
	enum token t = scan_next(&c->s);

	return t == TOKEN_OBJ_END || (t != TOKEN_ERROR && too_many(c));
}

static bool more(struct compiler *c, struct matchers *l, const struct matcher *m)
{
	if (l->n == LIST_MAX)
		return scan_fail_plain(&c->s, "More than %d values for one field", LIST_MAX);
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 4;
		struct matcher *v = ARENA_ARRAY(c->a, struct matcher, cap);

		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = *m;
	return true;
}

/* --- single values --- */
static bool number(struct compiler *c, double *ret)
{
	*ret = strtod(arena_str(c->a, c->s.text), NULL);
	return isfinite(*ret) || scan_fail(&c->s, "Value is too large: %.*s", VIEW_ARG(c->s.text));
}

static bool str_value(struct compiler *c, struct matcher *m, enum match_kind k)
{
	if (!scan_text(&c->s))
		return false;
	m->kind = k;
	m->text = c->s.text;
	if (k == MATCH_STR)
		m->is_ip = pattern__ip(m->text, &m->lo_ip);
	return true;
}

static bool num_value(struct compiler *c, struct matcher *m)
{
	m->kind = MATCH_NUM;
	m->text = arena_view(c->a, c->s.text);
	return number(c, &m->lo);
}

static bool wildcard_piece(struct compiler *c, struct matcher *m, struct buf *b)
{
	m->part[m->n_part++] = arena_view(c->a, buf_view(b));
	buf_reset(b);
	return true;
}

/* AWS refuses wildcards that make its automaton grow; this is its text and an approximation of its rule. */
static bool wildcard_simple(struct compiler *c, const struct matcher *m)
{
	size_t alike[256] = { 0 };

	for (size_t i = 1; i < m->n_part; i++)
		if (m->part[i].n && ++alike[(unsigned char)m->part[i].p[0]] > STARS_ALIKE_MAX)
			return scan_fail_plain(&c->s, "Rule is too complex - try using fewer wildcard characters or "
					       "fewer repeating character sequences after a wildcard character");
	return true;
}

/* Takes what stands at *i; *i is left on the last character taken. */
static bool wildcard_at(struct compiler *c, struct matcher *m, struct buf *b, size_t *i)
{
	struct view t = c->s.text;
	char next = *i + 1 < t.n ? t.p[*i + 1] : 0;

	if (t.p[*i] == '*') {
		if (next == '*')
			return scan_fail(&c->s, "Consecutive wildcard characters at pos %zu", *i + 1);
		return wildcard_piece(c, m, b);
	}
	if (t.p[*i] == '\\') {
		if (next != '*' && next != '\\')
			return scan_fail(&c->s, "Invalid escape character at pos %zu", *i + 1);
		++*i;
	}
	buf_add_char(b, t.p[*i]);
	return true;
}

static bool wildcard(struct compiler *c, struct matcher *m)
{
	struct view t;
	struct buf b;
	size_t stars = 0;
	bool ok = true;

	if (!scan_text(&c->s))
		return false;
	t = c->s.text;
	for (size_t i = 0; i < t.n; i++)
		stars += t.p[i] == '*';
	m->kind = MATCH_WILDCARD;
	m->part = ARENA_ARRAY(c->a, struct view, stars + 1);
	buf_init(&b, t.n + 16);
	buf_add(&b, "", 0);
	for (size_t i = 0; ok && i < t.n; i++)
		ok = wildcard_at(c, m, &b, &i);
	ok = ok && wildcard_piece(c, m, &b) && wildcard_simple(c, m);
	buf_clear(&b);
	return ok;
}

/* --- numeric --- */
static bool numeric_bound(struct compiler *c, struct view op, double *ret)
{
	enum token t = scan_next(&c->s);

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_NUM)
		return scan_fail(&c->s, "Value of %.*s must be numeric",
				 VIEW_ARG(view_eq_str(op, "=") ? VIEW("equals") : op));
	return number(c, ret);
}

static bool numeric_second(struct compiler *c, enum token t, struct matcher *m)
{
	struct view op;

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_STR)
		return scan_fail(&c->s, "Bad value in numeric range: %.*s", VIEW_ARG(c->s.text));
	if (!scan_text(&c->s))
		return false;
	op = c->s.text;
	m->open_hi = view_eq_str(op, "<");
	if (!m->open_hi && !view_eq_str(op, "<="))
		return scan_fail(&c->s, "Bad numeric range operator: %.*s", VIEW_ARG(op));
	if (!numeric_bound(c, op, &m->hi))
		return false;
	t = scan_next(&c->s);
	if (t != TOKEN_ARR_END)
		return t != TOKEN_ERROR && scan_fail(&c->s, "Too many terms in numeric range expression");
	return m->lo < m->hi || scan_fail(&c->s, "Bottom must be less than top");
}

static bool numeric_range(struct compiler *c, struct view op, struct matcher *m)
{
	bool lower = op.p[0] == '>', open = op.n == 1;
	double v;
	enum token t;

	m->kind = MATCH_RANGE;
	m->lo = -INFINITY;
	m->hi = INFINITY;
	if (!numeric_bound(c, op, &v))
		return false;
	t = scan_next(&c->s);
	if (op.p[0] == '=')
		m->lo = m->hi = v;
	else if (lower)
		m->lo = v, m->open_lo = open;
	else
		m->hi = v, m->open_hi = open;
	if (t == TOKEN_ARR_END)
		return true;
	return lower ? numeric_second(c, t, m) : t != TOKEN_ERROR && too_many(c);
}

static bool numeric(struct compiler *c, struct matcher *m)
{
	static const char *const ops[] = { "=", ">", ">=", "<", "<=" };
	enum token t = scan_next(&c->s);

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_ARR)
		return scan_fail(&c->s, "Value of numeric must be an array.");
	t = scan_next(&c->s);
	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_STR)
		return scan_fail(&c->s, "Invalid member in numeric match: %.*s",
				 VIEW_ARG(t == TOKEN_NUM ? c->s.text : VIEW("]")));
	if (!scan_text(&c->s))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (view_eq_str(c->s.text, ops[i]))
			return numeric_range(c, view_str(ops[i]), m) && object_ends(c);
	return scan_fail(&c->s, "Unrecognized numeric range operator: %.*s", VIEW_ARG(c->s.text));
}

/* --- strings: prefix, suffix, equals-ignore-case --- */
static bool affix(struct compiler *c, struct view name, enum match_kind k, struct matcher *m)
{
	enum token t = scan_next(&c->s);

	if (t == TOKEN_OBJ) {
		t = scan_next(&c->s);
		if (t == TOKEN_ERROR)
			return false;
		if (t != TOKEN_NAME || !view_eq_str(c->s.text, "equals-ignore-case"))
			return scan_fail(&c->s, "%.*s match pattern must be a string", VIEW_ARG(name));
		m->nocase = true;
		t = scan_next(&c->s);
	}
	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_STR)
		return scan_fail(&c->s, "%.*s match pattern must be a string", VIEW_ARG(name));
	return str_value(c, m, k) && (!m->nocase || one_key_only(c)) && one_key_only(c);
}

static bool exists(struct compiler *c, struct matcher *m)
{
	enum token t = scan_next(&c->s);

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_TRUE && t != TOKEN_FALSE)
		return scan_fail(&c->s, "exists match pattern must be either true or false.");
	m->kind = t == TOKEN_TRUE ? MATCH_EXISTS : MATCH_ABSENT;
	return one_key_only(c);
}

/* --- cidr --- */
static bool cidr_bits(struct compiler *c, struct view bits, bool v6, uint64_t *ret)
{
	uint64_t max = v6 ? 128 : 32;

	if (!view_u64(bits, 1000, ret))
		return scan_fail_plain(&c->s, "Malformed CIDR, mask bits must be an integer");
	return *ret < max || scan_fail_plain(&c->s, "IPv%c mask bits must be < %d", v6 ? '6' : '4', (int)max);
}

static bool cidr(struct compiler *c, struct matcher *m)
{
	enum token t = scan_next(&c->s);
	struct view addr, bits;
	uint64_t n = 0;
	size_t len;

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_STR)
		return scan_fail(&c->s, "prefix match pattern must be a string");
	if (!scan_text(&c->s))
		return false;
	bits = c->s.text;
	if (!view_split(&bits, '/', &addr) || !bits.p || view_chr(bits, '/') >= 0)
		return scan_fail_plain(&c->s, "Malformed CIDR, one '/' required");
	if (!pattern__ip(addr, &m->lo_ip))
		return scan_fail_plain(&c->s, "Nonstandard IP address: %.*s", VIEW_ARG(addr));
	if (!cidr_bits(c, bits, m->lo_ip.v6, &n))
		return false;
	m->kind = MATCH_CIDR;
	m->hi_ip = m->lo_ip;
	len = m->lo_ip.v6 ? 16 : 4;
	for (size_t i = n; i < len * 8; i++) {
		m->lo_ip.b[i / 8] &= (uint8_t)~(0x80 >> i % 8);
		m->hi_ip.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	}
	return one_key_only(c);
}

/* --- anything-but --- */
static bool but_list(struct compiler *c, struct matchers *l)
{
	bool strings = false, numbers = false;
	enum token t;

	c->s.in_list = true;
	while ((t = scan_next(&c->s)) != TOKEN_ARR_END) {
		struct matcher m = { 0 };

		if (t == TOKEN_ERROR)
			return false;
		if (t != TOKEN_STR && t != TOKEN_NUM)
			return scan_fail(&c->s, "Inside anything but list, start|null|boolean is not supported.");
		if (!(t == TOKEN_STR ? str_value(c, &m, MATCH_STR) : num_value(c, &m)) || !more(c, l, &m))
			return false;
		*(t == TOKEN_STR ? &strings : &numbers) = true;
	}
	c->s.in_list = false;
	return strings != numbers || scan_fail(&c->s, "Inside anything but list, either all values are number or "
					       "string, mixed type is not supported");
}

static const char *but_text(enum match_kind k)
{
	if (k == MATCH_NOCASE)
		return "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.";
	return k == MATCH_WILDCARD ? "wildcard match pattern must be a string" :
				     "prefix/suffix match pattern must be a string";
}

static bool but_one(struct compiler *c, enum token t, enum match_kind k, struct matchers *l)
{
	struct matcher m = { 0 };

	if (t == TOKEN_ERROR)
		return false;
	if (t == TOKEN_OBJ)
		return scan_fail(&c->s, "Value of anything-but must be an array or single string/number value.");
	if (t != TOKEN_STR)
		return scan_fail(&c->s, "%s", but_text(k));
	if (k == MATCH_WILDCARD ? !wildcard(c, &m) : !str_value(c, &m, k))
		return false;
	if ((k == MATCH_PREFIX || k == MATCH_SUFFIX) && m.text.n == 0)
		return scan_fail(&c->s, "Null prefix/suffix not allowed");
	return more(c, l, &m);
}

static bool but_object(struct compiler *c, struct matchers *l)
{
	enum match_kind k;
	enum token t = scan_next(&c->s);

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_NAME)
		return scan_fail(&c->s, "Anything-But expression name not found");
	if (view_eq_str(c->s.text, "prefix"))
		k = MATCH_PREFIX;
	else if (view_eq_str(c->s.text, "suffix"))
		k = MATCH_SUFFIX;
	else if (view_eq_str(c->s.text, "equals-ignore-case"))
		k = MATCH_NOCASE;
	else if (view_eq_str(c->s.text, "wildcard"))
		k = MATCH_WILDCARD;
	else
		return scan_fail(&c->s, "Unsupported anything-but pattern: %.*s", VIEW_ARG(c->s.text));
	t = scan_next(&c->s);
	if (t != TOKEN_ARR)
		return but_one(c, t, k, l) && object_ends(c);
	c->s.in_list = true;
	while ((t = scan_next(&c->s)) != TOKEN_ARR_END)
		if (!but_one(c, t, k, l))
			return false;
	c->s.in_list = false;
	return (l->n || scan_fail(&c->s, "Empty arrays are not allowed")) && object_ends(c);
}

static bool anything_but(struct compiler *c, struct matcher *m)
{
	struct matchers l = { 0 };
	struct matcher one = { 0 };
	enum token t = scan_next(&c->s);
	bool ok;

	if (t == TOKEN_ERROR)
		return false;
	if (t == TOKEN_ARR)
		ok = but_list(c, &l);
	else if (t == TOKEN_OBJ)
		ok = but_object(c, &l);
	else if (t == TOKEN_STR)
		ok = str_value(c, &one, MATCH_STR) && more(c, &l, &one);
	else if (t == TOKEN_NUM)
		ok = num_value(c, &one) && more(c, &l, &one);
	else
		ok = scan_fail(&c->s, "Value of anything-but must be an array or single string/number value.");
	if (!ok)
		return false;
	m->kind = MATCH_BUT;
	m->list = l.v;
	m->n_list = l.n;
	return object_ends(c);
}

/* --- one match expression: { "prefix": "x" } --- */
static bool string_op(struct compiler *c, struct view name, struct matcher *m)
{
	enum token t = scan_next(&c->s);

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_STR)
		return scan_fail(&c->s, "%.*s match pattern must be a string", VIEW_ARG(name));
	if (view_eq_str(name, "wildcard"))
		return wildcard(c, m) && one_key_only(c);
	return str_value(c, m, view_eq_str(name, "exactly") ? MATCH_STR : MATCH_NOCASE) && one_key_only(c);
}

static bool expression(struct compiler *c, struct matcher *m)
{
	enum token t = scan_next(&c->s);
	struct view name = c->s.text;

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_NAME)
		return scan_fail(&c->s, "Match expression name not found");
	if (view_eq_str(name, "prefix"))
		return affix(c, name, MATCH_PREFIX, m);
	if (view_eq_str(name, "suffix"))
		return affix(c, name, MATCH_SUFFIX, m);
	if (view_eq_str(name, "numeric"))
		return numeric(c, m);
	if (view_eq_str(name, "anything-but"))
		return anything_but(c, m);
	if (view_eq_str(name, "exists"))
		return exists(c, m);
	if (view_eq_str(name, "cidr"))
		return cidr(c, m);
	if (view_eq_str(name, "wildcard") || view_eq_str(name, "equals-ignore-case") || view_eq_str(name, "exactly"))
		return string_op(c, name, m);
	return scan_fail(&c->s, "Unrecognized match type %.*s", VIEW_ARG(name));
}

static bool one_value(struct compiler *c, enum token t, struct matcher *m)
{
	switch (t) {
	case TOKEN_OBJ:
		return expression(c, m);
	case TOKEN_STR:
		return str_value(c, m, MATCH_STR);
	case TOKEN_NUM:
		return num_value(c, m);
	case TOKEN_TRUE:
		m->kind = MATCH_TRUE;
		return true;
	case TOKEN_FALSE:
		m->kind = MATCH_FALSE;
		return true;
	case TOKEN_NULL:
		m->kind = MATCH_NULL;
		return true;
	case TOKEN_ERROR:
		return false;
	default:
		return scan_fail(&c->s, "Match value must be String, number, true, false, or null");
	}
}

/* --- objects and $or --- */
static void branch_set(struct arena *a, struct branch *b, const struct field_test *t)
{
	size_t i = 0;
	const struct field_test **v;

	while (i < b->n && view_cmp(b->t[i]->path, t->path) < 0)
		i++;
	if (i < b->n && view_eq(b->t[i]->path, t->path)) {
		b->t[i] = t;
		return;
	}
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 4;
		v = ARENA_ARRAY(a, const struct field_test *, b->cap);
		if (b->n)
			memcpy(v, b->t, b->n * sizeof(*v));
		b->t = v;
	}
	memmove(&b->t[i + 1], &b->t[i], (b->n - i) * sizeof(*b->t));
	b->t[i] = t;
	b->n++;
}

static bool branches_add(struct compiler *c, struct branches *l, const struct branches *from)
{
	if (l->n + from->n > PATTERN_BRANCHES)
		return scan_fail_plain(&c->s, "There are more than %d combinations of $or", PATTERN_BRANCHES);
	if (l->n + from->n > l->cap) {
		size_t cap = (l->n + from->n) * 2;
		struct branch *v = ARENA_ARRAY(c->a, struct branch, cap);

		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
		l->cap = cap;
	}
	for (size_t i = 0; i < from->n; i++) {
		struct branch *b = &l->v[l->n++];

		*b = (struct branch){ .n = from->v[i].n, .cap = from->v[i].n };
		b->t = ARENA_ARRAY(c->a, const struct field_test *, b->n + 1);
		b->cap = b->n + 1;
		if (b->n)
			memcpy(b->t, from->v[i].t, b->n * sizeof(*b->t));
	}
	return true;
}

static bool field(struct compiler *c, struct branches *l, struct view path)
{
	struct matchers m = { 0 };
	struct field_test *t;
	enum token k;

	while ((k = scan_next(&c->s)) != TOKEN_ARR_END) {
		struct matcher one = { 0 };

		if (!one_value(c, k, &one) || !more(c, &m, &one))
			return false;
	}
	if (m.n == 0)
		return scan_fail(&c->s, "Empty arrays are not allowed");
	t = ARENA_NEW(c->a, struct field_test);
	*t = (struct field_test){ .path = path, .m = m.v, .n = m.n };
	for (size_t i = 0; i < l->n; i++)
		branch_set(c->a, &l->v[i], t);
	return true;
}

static bool object(struct compiler *c, struct branches *l, struct view path, bool in_or);

static bool either(struct compiler *c, struct branches *l, struct view path)
{
	struct branches before = *l, after = { 0 };
	enum token t = scan_next(&c->s);
	int n = 0;

	if (t == TOKEN_ERROR)
		return false;
	if (t != TOKEN_ARR)
		return scan_fail(&c->s, "It must be an Array followed with $or.");
	for (; (t = scan_next(&c->s)) != TOKEN_ARR_END; n++) {
		struct branches one = { 0 };

		if (t == TOKEN_ERROR)
			return false;
		if (t != TOKEN_OBJ)
			return scan_fail(&c->s, "Only JSON object is allowed in array of $or relationship.");
		if (!branches_add(c, &one, &before) || !object(c, &one, path, true) || !branches_add(c, &after, &one))
			return false;
	}
	if (n < 2)
		return scan_fail(&c->s, "There must have at least 2 Objects in $or relationship.");
	*l = after;
	return true;
}

static bool reserved(struct view name)
{
	static const char *const names[] = { "exactly", "prefix", "suffix", "equals-ignore-case", "wildcard",
					     "anything-but", "exists", "numeric", "cidr" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (view_eq_str(name, names[i]))
			return true;
	return false;
}

static bool member(struct compiler *c, struct branches *l, struct view path, bool in_or)
{
	struct view name = c->s.text, sub;
	enum token t;

	if (view_eq_str(name, "$or"))
		return either(c, l, path);
	if (in_or && reserved(name))
		return scan_fail(&c->s, "%.*s is Ruler reserved fieldName which cannot be used inside $or.",
				 VIEW_ARG(name));
	sub = path.p ? view_str(arena_printf(c->a, "%.*s.%.*s", VIEW_ARG(path), VIEW_ARG(name))) : name;
	t = scan_next(&c->s);
	if (t == TOKEN_OBJ)
		return object(c, l, sub, in_or);
	if (t == TOKEN_ARR)
		return field(c, l, sub);
	return t != TOKEN_ERROR && scan_fail(&c->s, "\"%.*s\" must be an object or an array", VIEW_ARG(name));
}

static bool object(struct compiler *c, struct branches *l, struct view path, bool in_or)
{
	bool any = false;
	enum token t;

	while ((t = scan_next(&c->s)) != TOKEN_OBJ_END) {
		if (t == TOKEN_ERROR || !member(c, l, path, in_or))
			return false;
		any = true;
	}
	return any || scan_fail(&c->s, "Empty objects are not allowed");
}

static int path_cmp(const void *a, const void *b)
{
	return view_cmp(*(const struct view *)a, *(const struct view *)b);
}

/* Every path once, sorted; tests learn the number of theirs. */
static void number_paths(struct pattern *p)
{
	size_t n = 0, k = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->branches[i].n;
	p->paths = ARENA_ARRAY(&p->arena, struct view, n + 1);
	for (size_t i = 0; i < p->n; i++)
		for (size_t j = 0; j < p->branches[i].n; j++)
			p->paths[k++] = p->branches[i].t[j]->path;
	qsort(p->paths, n, sizeof(*p->paths), path_cmp);
	k = 0;
	for (size_t i = 0; i < n; i++)
		if (k == 0 || !view_eq(p->paths[k - 1], p->paths[i]))
			p->paths[k++] = p->paths[i];
	p->n_paths = k;
	for (size_t i = 0; i < p->n; i++)
		for (size_t j = 0; j < p->branches[i].n; j++) {
			struct field_test *t = ARENA_NEW(&p->arena, struct field_test);

			*t = *p->branches[i].t[j];
			t->path_no = (size_t)((const struct view *)bsearch(&t->path, p->paths, k, sizeof(*p->paths),
									   path_cmp) - p->paths);
			p->branches[i].t[j] = t;
		}
}

struct pattern *pattern_compile(struct view text, struct err *e)
{
	struct pattern *p = calloc(1, sizeof(*p));
	struct compiler c;
	struct branches l = { 0 };
	struct branch none = { 0 };
	bool ok;

	must(p);
	arena_init(&p->arena, LIMIT_ARENA);
	c.a = &p->arena;
	scan_init(&c.s, c.a, text, e);
	ok = branches_add(&c, &l, &(struct branches){ .v = &none, .n = 1 });
	if (ok && scan_next(&c.s) != TOKEN_OBJ)
		ok = scan_fail(&c.s, "Filter is not an object");
	ok = ok && object(&c, &l, VIEW_NONE, false) && scan_next(&c.s) == TOKEN_END;
	if (!ok) {
		pattern_free(p);
		return NULL;
	}
	p->branches = l.v;
	p->n = l.n;
	number_paths(p);
	return p;
}

struct pattern *pattern_free(struct pattern *p)
{
	if (p) {
		arena_clear(&p->arena);
		free(p);
	}
	return NULL;
}

void pattern_freep(struct pattern **p)
{
	*p = pattern_free(*p);
}
