// SPDX-License-Identifier: Apache-2.0
/* Numbers by their decimal digits, so that nothing is lost on the way through a double. */
#include <inttypes.h>
#include <stdio.h>

#include "data/serde_int.h"

#define DIGITS_MAX 64
#define EXPONENT_MAX 1000000 /* what is beyond is out of every range */

struct num {
	bool neg, more;          /* more: digits other than 0 behind those kept */
	unsigned char d[DIGITS_MAX]; /* without leading zeros */
	int64_t n, point;        /* value: d[0] ... d[point - 1] . d[point] ... */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void add_digit(struct num *x, char c, bool whole)
{
	if (!x->n && c == '0') {
		x->point -= !whole;
		return;
	}
	if (x->n < DIGITS_MAX)
		x->d[x->n++] = (unsigned char)(c - '0');
	else
		x->more |= c != '0';
	x->point += whole;
}

/* e, a sign, digits: to the end of @v. */
static bool exponent(struct view v, int64_t *ret)
{
	bool neg = v.n && *v.p == '-';
	int64_t n = 0;

	if (v.n && (*v.p == '-' || *v.p == '+'))
		v = view_from(v, 1);
	if (!v.n)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (!is_digit(v.p[i]))
			return false;
		n = n < EXPONENT_MAX ? n * 10 + (v.p[i] - '0') : n;
	}
	*ret = neg ? -n : n;
	return true;
}

static bool parse(struct view v, struct num *x)
{
	bool whole = true, some = false;
	int64_t e = 0;
	size_t i = 0;

	*x = (struct num){ .neg = v.n && *v.p == '-' };
	if (v.n && (*v.p == '-' || *v.p == '+'))
		i++;
	for (; i < v.n; i++) {
		if (is_digit(v.p[i])) {
			add_digit(x, v.p[i], whole);
			some = true;
		} else if (v.p[i] == '.' && whole) {
			whole = false;
		} else {
			break;
		}
	}
	if (!some)
		return false;
	if (i < v.n && ((v.p[i] != 'e' && v.p[i] != 'E') || !exponent(view_from(v, i + 1), &e)))
		return false;
	x->point += e;
	return true;
}

bool serde__is_number(struct view text)
{
	struct num x;

	return parse(text, &x);
}

static bool hex(struct view v, int64_t max, int64_t *ret)
{
	uint64_t n = 0;

	if (v.n < 3 || v.n > 18 || v.p[0] != '0' || (v.p[1] != 'x' && v.p[1] != 'X'))
		return false;
	for (size_t i = 2; i < v.n; i++) {
		char c = v.p[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
			return false;
		n = n << 4 | (uint64_t)(is_digit(c) ? c - '0' : (c | 32) - 'a' + 10);
	}
	*ret = (int64_t)n;
	return n <= (uint64_t)max;
}

/* The number without its sign, if it is whole and below 10^19. */
static bool whole(struct num *x, uint64_t *ret)
{
	*ret = 0;
	while (x->n && !x->d[x->n - 1])
		x->n--;
	if (x->more || (x->n && (x->n > x->point || x->point > 19)))
		return false;
	for (int64_t i = 0; x->n && i < x->point; i++)
		*ret = *ret * 10 + (i < x->n ? x->d[i] : 0);
	return true;
}

bool serde__integer(struct view text, int64_t max, int64_t *ret)
{
	struct num x;
	uint64_t u;

	if (!parse(text, &x))
		return hex(text, max, ret);
	if (!whole(&x, &u) || u > (uint64_t)max + x.neg)
		return false;
	*ret = x.neg ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

/* Adds one to the last of @n digits; true if that makes one more in front. */
static bool carry(unsigned char *d, int64_t n)
{
	while (n-- > 0) {
		if (++d[n] < 10)
			return false;
		d[n] = 0;
	}
	return true;
}

/* The number times 10^scale, rounded half up, in d[0] ... d[n]; d[0] is for the carry.  Returns n. */
static int64_t scaled(const struct num *x, unsigned scale, unsigned char d[DIGITS_MAX + 1])
{
	int64_t n = x->n ? x->point + scale : 0;

	for (int64_t i = 0; i < n; i++)
		d[i + 1] = i < x->n ? x->d[i] : 0;
	if (n >= 0 && n < x->n && x->d[n] >= 5 && carry(d + 1, n))
		d[0] = 1;
	return n < 0 ? 0 : n;
}

static bool is_zero(const unsigned char *d, int64_t n)
{
	for (int64_t i = 0; i <= n; i++)
		if (d[i])
			return false;
	return true;
}

bool serde__decimal(struct view text, unsigned precision, unsigned scale, char out[48])
{
	unsigned char d[DIGITS_MAX + 1] = { 0 };
	struct num x;
	int64_t n, from;
	char *o = out;

	if (!parse(text, &x) || (x.n && x.point + scale > precision))
		return false;
	n = scaled(&x, scale, d);
	if (d[0] && n + 1 > precision)
		return false;
	if (x.neg && !is_zero(d, n))
		*o++ = '-';
	from = n > scale ? !d[0] : n - scale; /* at least one digit before the point */
	for (int64_t i = from; i <= n; i++) {
		if (scale && i == n - scale + 1)
			*o++ = '.';
		*o++ = (char)('0' + (i < 0 ? 0 : d[i]));
	}
	*o = '\0';
	return true;
}
