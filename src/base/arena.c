// SPDX-License-Identifier: Apache-2.0
/* Memory that is freed all at once, handed out from blocks that double in size. */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef ARENA_EMULATE
#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)1 << 20)
#define ALIGN _Alignof(max_align_t)
#endif

struct arena_block {
	struct arena_block *next;
	size_t cap, used;
	max_align_t data[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){ .max = max_bytes };
}

void arena_clear(struct arena *a)
{
	for (struct arena_block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	a->head = NULL;
	a->used = 0;
}

static struct arena_block *block_new(size_t cap)
{
	struct arena_block *b = calloc(1, sizeof(*b) + cap);

	if (!b) {
		fprintf(stderr, "out of memory: %zu bytes\n", cap);
		abort();
	}
	b->cap = cap;
	return b;
}

/* A block of its own for what is large, behind the head, so that the head's room is not lost. */
static void *alloc_alone(struct arena *a, size_t n)
{
	struct arena_block *b = block_new(n);

	b->used = n;
	if (a->head) {
		b->next = a->head->next;
		a->head->next = b;
	} else {
		a->head = b;
	}
	return b->data;
}

#ifndef ARENA_EMULATE
static void *alloc_from_head(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	char *p;

	if (!b || b->cap - b->used < n) {
		size_t cap = b && b->cap >= BLOCK_MIN ? b->cap * 2 : BLOCK_MIN;

		b = block_new(cap > BLOCK_MAX ? BLOCK_MAX : cap);
		b->next = a->head;
		a->head = b;
	}
	p = (char *)b->data + b->used;
	b->used += n;
	return p;
}
#endif

void *arena_alloc(struct arena *a, size_t n)
{
	if (n > a->max || a->used > a->max - n) {
		fprintf(stderr, "arena of %zu bytes is full: %zu more asked for\n", a->max, n);
		abort();
	}
	a->used += n;
#ifdef ARENA_EMULATE
	return alloc_alone(a, n);
#else
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	return n > BLOCK_MIN / 2 ? alloc_alone(a, n) : alloc_from_head(a, n);
#endif
}

void *arena_dup(struct arena *a, const void *p, size_t n)
{
	void *d = arena_alloc(a, n);

	if (n)
		memcpy(d, p, n);
	return d;
}

char *arena_str(struct arena *a, struct view v)
{
	char *d = arena_alloc(a, v.n + 1);

	if (v.n)
		memcpy(d, v.p, v.n);
	return d;
}

struct view arena_view(struct arena *a, struct view v)
{
	return v.p ? (struct view){ arena_str(a, v), v.n } : VIEW_NONE;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	char *d;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	must(n >= 0);
	d = arena_alloc(a, (size_t)n + 1);
	if ((size_t)n < sizeof(small))
		memcpy(d, small, (size_t)n + 1);
	else
		vsnprintf(d, (size_t)n + 1, fmt, again);
	va_end(again);
	return d;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *d;

	va_start(ap, fmt);
	d = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return d;
}
