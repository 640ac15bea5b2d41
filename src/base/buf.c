// SPDX-License-Identifier: Apache-2.0
/* Bytes that grow to a ceiling. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void buf_clear(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
	b->over = false;
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->over = false;
	if (b->p)
		b->p[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t n)
{
	size_t cap;
	char *p;

	if (b->over || n > b->max || b->n > b->max - n) {
		b->over = true;
		return NULL;
	}
	if (b->p && b->cap - b->n > n)
		return b->p + b->n;
	cap = b->cap ? b->cap * 2 : 256;
	while (cap <= b->n + n)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!p) {
		fprintf(stderr, "out of memory: %zu bytes\n", cap);
		abort();
	}
	b->p = p;
	b->cap = cap;
	return p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_reserve(b, n);

	if (!to)
		return;
	if (n)
		memcpy(to, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_add_view(struct buf *b, struct view v)
{
	buf_add(b, v.p, v.n);
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

/* Writes @v so that it ends in front of @end; returns where it begins. */
static char *digits(char *end, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
				    "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
				    "9899";

	for (; v >= 100; v /= 100)
		memcpy(end -= 2, pairs + 2 * (v % 100), 2);
	if (v >= 10)
		memcpy(end -= 2, pairs + 2 * v, 2);
	else
		*--end = (char)('0' + v);
	return end;
}

void buf_add_i64(struct buf *b, int64_t v)
{
	char text[24], *end = text + sizeof(text), *at = digits(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

	if (v < 0)
		*--at = '-';
	buf_add(b, at, (size_t)(end - at));
}

void buf_add_g6(struct buf *b, double v)
{
	static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
	static const uint64_t whole[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000 };
	double size = v < 0 ? -v : v;
	char text[24], *end = text + sizeof(text), *at = end;
	unsigned places = 9; /* behind the point */
	uint64_t n, rest;

	if (!(size >= 1e-4 && size < 999999)) { /* also 0 and what is no number */
		buf_printf(b, "%.6g", v);
		return;
	}
	while (size * power[places] >= 999999.5)
		places--;
	n = (uint64_t)(size * power[places] + 0.5);
	for (rest = n % whole[places]; places && rest % 10 == 0; rest /= 10)
		n /= 10, places--;
	if (places) {
		for (at = digits(end, rest); (size_t)(end - at) < places;)
			*--at = '0';
		*--at = '.';
	}
	at = digits(at, n / whole[places]);
	if (v < 0)
		*--at = '-';
	buf_add(b, at, (size_t)(end - at));
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	char *to;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	must(n >= 0);
	to = buf_reserve(b, (size_t)n);
	if (to) {
		if ((size_t)n < sizeof(small))
			memcpy(to, small, (size_t)n + 1);
		else
			vsnprintf(to, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
	must(n <= b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = '\0';
}

int buf_check(const struct buf *b, const char *what, struct err *e)
{
	if (b->over)
		return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", what, b->max);
	return 0;
}
