// SPDX-License-Identifier: Apache-2.0
/*
 * Matches events against compiled patterns.  The event is flattened to the fields whose path the pattern
 * tests, each with the array elements that it lies in; a branch matches if one field per test can be chosen
 * such that no two of them lie in different elements of the same array.
 */
#include "data/pattern_int.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"

#define PATH_MAX_BYTES (64 * 1024)

/* --- text without case: ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic --- */
static uint32_t fold(uint32_t c)
{
	/* Where capitals and small letters take turns, the capitals are the even ones, or the odd ones. */
	static const struct {
		uint32_t from, to;
		enum { ADD_32, ADD_80, EVEN, ODD } how;
	} ranges[] = {
		{ 'A', 'Z', ADD_32 },     { 0xc0, 0xd6, ADD_32 },   { 0xd8, 0xde, ADD_32 },   { 0x100, 0x12f, EVEN },
		{ 0x132, 0x137, EVEN },   { 0x139, 0x148, ODD },    { 0x14a, 0x177, EVEN },   { 0x179, 0x17e, ODD },
		{ 0x391, 0x3a9, ADD_32 }, { 0x400, 0x40f, ADD_80 }, { 0x410, 0x42f, ADD_32 },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (c < ranges[i].from || c > ranges[i].to)
			continue;
		switch (ranges[i].how) {
		case ADD_32:
			return c + 32;
		case ADD_80:
			return c + 80;
		case EVEN:
			return c | 1;
		case ODD:
			return c + (c & 1);
		}
	}
	return c;
}

uint32_t pattern__fold_next(struct view *s)
{
	const unsigned char *p = (const unsigned char *)s->p;
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fU >> n);

	if (n > s->n)
		n = s->n;
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	*s = view_from(*s, n);
	return fold(c);
}

/* Is @a a beginning of @b, without case? *rest is what follows. */
static bool nocase_prefix(struct view a, struct view b, struct view *rest)
{
	while (a.n && b.n)
		if (pattern__fold_next(&a) != pattern__fold_next(&b))
			return false;
	*rest = b;
	return a.n == 0;
}

static bool nocase_equal(struct view a, struct view b)
{
	struct view rest;

	return nocase_prefix(a, b, &rest) && rest.n == 0;
}

static size_t chars(struct view s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static bool nocase_suffix(struct view a, struct view b)
{
	size_t na = chars(a), nb = chars(b);

	for (; nb > na; nb--)
		pattern__fold_next(&b);
	return na == nb && nocase_equal(a, b);
}

/* --- addresses --- */
bool pattern__ip(struct view s, struct ip *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	*ret = (struct ip){ .v6 = view_chr(s, ':') >= 0 };
	return inet_pton(ret->v6 ? AF_INET6 : AF_INET, text, ret->b) == 1;
}

int pattern__ip_cmp(const struct ip *a, const struct ip *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

/* --- one value --- */
static bool wildcard(const struct matcher *m, struct view s)
{
	struct view last = m->part[m->n_part - 1];

	if (m->n_part == 1)
		return view_eq(m->part[0], s);
	if (!view_starts(s, m->part[0]))
		return false;
	s = view_from(s, m->part[0].n);
	for (size_t i = 1; i + 1 < m->n_part; i++) {
		ptrdiff_t at = view_find(s, m->part[i]);

		if (at < 0)
			return false;
		s = view_from(s, (size_t)at + m->part[i].n);
	}
	return s.n >= last.n && view_ends(s, last);
}

static bool same_text(const struct matcher *m, struct view s)
{
	struct ip ip;

	if (view_eq(m->text, s))
		return true;
	return m->is_ip && pattern__ip(s, &ip) && ip.v6 == m->lo_ip.v6 && pattern__ip_cmp(&ip, &m->lo_ip) == 0;
}

static bool in_cidr(const struct matcher *m, struct view s)
{
	struct ip ip;

	return pattern__ip(s, &ip) && ip.v6 == m->lo_ip.v6 && pattern__ip_cmp(&ip, &m->lo_ip) >= 0 &&
	       pattern__ip_cmp(&ip, &m->hi_ip) <= 0;
}

static bool in_range(const struct matcher *m, const struct json *v)
{
	double d = json_double(v, 0);

	return json_is_number(v) && (m->open_lo ? d > m->lo : d >= m->lo) && (m->open_hi ? d < m->hi : d <= m->hi);
}

static bool match_text(const struct matcher *m, struct view s)
{
	struct view rest;

	switch (m->kind) {
	case MATCH_STR:
		return same_text(m, s);
	case MATCH_PREFIX:
		return m->nocase ? nocase_prefix(m->text, s, &rest) : view_starts(s, m->text);
	case MATCH_SUFFIX:
		return m->nocase ? nocase_suffix(m->text, s) : view_ends(s, m->text);
	case MATCH_NOCASE:
		return nocase_equal(m->text, s);
	case MATCH_WILDCARD:
		return wildcard(m, s);
	case MATCH_CIDR:
		return in_cidr(m, s);
	default:
		return false;
	}
}

static bool match_value(const struct matcher *m, const struct json *v)
{
	switch (m->kind) {
	case MATCH_NUM:
		return json_is_number(v) && json_double(v, 0) >= m->lo && json_double(v, 0) <= m->lo;
	case MATCH_TRUE:
	case MATCH_FALSE:
		return json_is(v, JSON_BOOL) && json_is_true(v) == (m->kind == MATCH_TRUE);
	case MATCH_NULL:
		return json_is(v, JSON_NULL);
	case MATCH_RANGE:
		return in_range(m, v);
	case MATCH_EXISTS:
		return true;
	case MATCH_ABSENT:
		return false;
	case MATCH_BUT:
		for (size_t i = 0; i < m->n_list; i++)
			if (match_value(&m->list[i], v))
				return false;
		return true;
	default:
		return json_is(v, JSON_STR) && match_text(m, json_str(v));
	}
}

/* --- the event's fields --- */
struct place { /* in which element of which array, and of those around it */
	const struct place *up;
	size_t array, index;
};

struct found {
	const struct json *value;
	const struct place *place;
	struct found *next;
};

struct flat {
	struct arena arena;
	const struct pattern *p;
	struct found **by_path; /* n_paths */
	struct buf path;
	size_t arrays;
};

static void flatten(struct flat *f, const struct json *v, const struct place *at, int depth);

static bool path_find(const struct pattern *p, struct view path, size_t *ret)
{
	size_t lo = 0, hi = p->n_paths;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = view_cmp(p->paths[mid], path);

		if (c == 0) {
			*ret = mid;
			return true;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static void leaf(struct flat *f, const struct json *v, const struct place *at)
{
	size_t no;
	struct found *x;

	if (!path_find(f->p, buf_view(&f->path), &no))
		return;
	x = ARENA_NEW(&f->arena, struct found);
	*x = (struct found){ .value = v, .place = at, .next = f->by_path[no] };
	f->by_path[no] = x;
}

static void flatten_array(struct flat *f, const struct json *v, const struct place *at, int depth)
{
	size_t no = f->arrays++;

	for (size_t i = 0; i < json_len(v); i++) {
		struct place *p = ARENA_NEW(&f->arena, struct place);

		*p = (struct place){ .up = at, .array = no, .index = i };
		flatten(f, json_at(v, i), json_is(json_at(v, i), JSON_OBJ) ? p : at, depth + 1);
	}
}

static void flatten(struct flat *f, const struct json *v, const struct place *at, int depth)
{
	size_t len = f->path.n;

	if (depth > PATTERN_DEPTH * 4)
		return;
	if (json_is(v, JSON_ARR)) {
		flatten_array(f, v, at, depth);
	} else if (json_is(v, JSON_OBJ)) {
		for (size_t i = 0; i < v->obj.n; i++) {
			if (len)
				buf_add_char(&f->path, '.');
			buf_add_view(&f->path, v->obj.v[i].name);
			flatten(f, v->obj.v[i].value, at, depth + 1);
			f->path.n = len;
			f->path.over = false;
		}
	} else {
		leaf(f, v, at);
	}
}

/* The places of the fields chosen so far. */
struct chosen {
	const struct chosen *up;
	const struct place *place;
};

static bool fits(const struct chosen *c, const struct place *p)
{
	for (; c; c = c->up)
		for (const struct place *q = c->place; q; q = q->up)
			for (const struct place *r = p; r; r = r->up)
				if (q->array == r->array && q->index != r->index)
					return false;
	return true;
}

static bool value_passes(const struct field_test *t, const struct json *v)
{
	for (size_t i = 0; i < t->n; i++)
		if (match_value(&t->m[i], v))
			return true;
	return false;
}

static bool wants_absent(const struct field_test *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->m[i].kind == MATCH_ABSENT)
			return true;
	return false;
}

#define TRIES_MAX 100000 /* choices tried for one branch: above it does not match */

static bool branch_match(const struct flat *f, const struct branch *b, size_t i, const struct chosen *c, size_t *tries)
{
	bool there = false;

	if (i == b->n)
		return true;
	for (const struct found *x = f->by_path[b->t[i]->path_no]; x; x = x->next) {
		struct chosen me = { .up = c, .place = x->place };

		if (++*tries > TRIES_MAX)
			return false;
		if (!fits(c, x->place))
			continue;
		there = true;
		if (value_passes(b->t[i], x->value) && branch_match(f, b, i + 1, x->place ? &me : c, tries))
			return true;
	}
	return !there && wants_absent(b->t[i]) && branch_match(f, b, i + 1, c, tries);
}

bool pattern_match(const struct pattern *p, const struct json *event)
{
	struct flat f = { .p = p };
	bool ok = false;

	if (!json_is(event, JSON_OBJ))
		return false;
	arena_init(&f.arena, LIMIT_ARENA);
	buf_init(&f.path, PATH_MAX_BYTES);
	f.by_path = ARENA_ARRAY(&f.arena, struct found *, p->n_paths + 1);
	flatten(&f, event, NULL, 0);
	for (size_t i = 0; !ok && i < p->n; i++) {
		size_t tries = 0;

		ok = branch_match(&f, &p->branches[i], 0, NULL, &tries);
	}
	buf_clear(&f.path);
	arena_clear(&f.arena);
	return ok;
}
