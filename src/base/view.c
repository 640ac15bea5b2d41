// SPDX-License-Identifier: Apache-2.0
/* Comparing, cutting and reading numbers from borrowed bytes. */
#include "base/view.h"

#include "base/macro.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool view_eq(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool view_eq_str(struct view a, const char *s)
{
	return view_eq(a, view_str(s));
}

bool view_eq_nocase(struct view a, struct view b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

int view_cmp(struct view a, struct view b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

bool view_starts(struct view a, struct view prefix)
{
	return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

bool view_ends(struct view a, struct view suffix)
{
	return a.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(a.p + a.n - suffix.n, suffix.p, suffix.n) == 0);
}

ptrdiff_t view_chr(struct view a, char c)
{
	const char *at = a.n ? memchr(a.p, c, a.n) : NULL;

	return at ? at - a.p : -1;
}

ptrdiff_t view_find(struct view a, struct view needle)
{
	const char *at;

	if (needle.n == 0)
		return 0;
	at = a.n ? memmem(a.p, a.n, needle.p, needle.n) : NULL;
	return at ? at - a.p : -1;
}

struct view view_sub(struct view a, size_t from, size_t n)
{
	if (from > a.n)
		from = a.n;
	if (n > a.n - from)
		n = a.n - from;
	return (struct view){ a.p ? a.p + from : NULL, n };
}

struct view view_from(struct view a, size_t from)
{
	return view_sub(a, from, a.n);
}

struct view view_trim(struct view a)
{
	while (a.n && is_space(a.p[0])) {
		a.p++;
		a.n--;
	}
	while (a.n && is_space(a.p[a.n - 1]))
		a.n--;
	return a;
}

bool view_split(struct view *rest, char sep, struct view *part)
{
	ptrdiff_t at;

	if (!rest->p)
		return false;
	at = view_chr(*rest, sep);
	if (at < 0) {
		*part = *rest;
		*rest = VIEW_NONE;
	} else {
		*part = view_sub(*rest, 0, (size_t)at);
		*rest = view_from(*rest, (size_t)at + 1);
	}
	return true;
}

bool view_u64(struct view a, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (a.n == 0)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned d = (unsigned char)a.p[i] - (unsigned)'0';

		if (d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
			return false;
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}

bool view_i64(struct view a, int64_t *ret)
{
	bool neg = a.n && a.p[0] == '-';
	uint64_t v;

	if (neg)
		a = view_from(a, 1);
	if (!view_u64(a, (uint64_t)INT64_MAX + neg, &v))
		return false;
	*ret = neg ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}
