// SPDX-License-Identifier: Apache-2.0
/* A byte ring that doubles from what is first put in to its ceiling, so that small bodies cost little. */
#include "http/pipe.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"

#define PIPE_FIRST ((size_t)4096)

void http__pipe_init(struct http__pipe *q, size_t max)
{
	*q = (struct http__pipe){ .max = max };
}

void http__pipe_clear(struct http__pipe *q)
{
	free(q->p);
	*q = (struct http__pipe){ .max = q->max };
}

static size_t copy_out(const struct http__pipe *q, void *p, size_t n)
{
	size_t first = q->cap - q->head;

	if (first > n)
		first = n;
	if (first)
		memcpy(p, q->p + q->head, first);
	if (n > first)
		memcpy((char *)p + first, q->p, n - first);
	return n;
}

static char *bytes_new(size_t n)
{
	char *p = malloc(n);

	if (!p) {
		fprintf(stderr, "out of memory: %zu bytes\n", n);
		abort();
	}
	return p;
}

void http__pipe_reserve(struct http__pipe *q, size_t n)
{
	must(!q->p && n);
	q->p = bytes_new(n);
	q->cap = q->max = n;
}

static void grow(struct http__pipe *q, size_t need)
{
	size_t cap = q->cap ? q->cap : PIPE_FIRST;
	char *p;

	while (cap < need)
		cap *= 2;
	if (cap > q->max)
		cap = q->max;
	p = bytes_new(cap);
	copy_out(q, p, q->n);
	free(q->p);
	q->p = p;
	q->cap = cap;
	q->head = 0;
}

size_t http__pipe_put(struct http__pipe *q, struct view v)
{
	size_t n = v.n < http__pipe_room(q) ? v.n : http__pipe_room(q);
	size_t at, first;

	if (!n)
		return 0;
	if (q->n + n > q->cap)
		grow(q, q->n + n);
	at = (q->head + q->n) % q->cap;
	first = q->cap - at < n ? q->cap - at : n;
	memcpy(q->p + at, v.p, first);
	memcpy(q->p, v.p + first, n - first);
	q->n += n;
	return n;
}

size_t http__pipe_take(struct http__pipe *q, void *p, size_t n)
{
	if (n > q->n)
		n = q->n;
	if (!n)
		return 0;
	copy_out(q, p, n);
	q->n -= n;
	q->head = q->n ? (q->head + n) % q->cap : 0;
	return n;
}
