/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe -- bytes in order through a ring that grows to a ceiling; no locks of its own.
 *
 * Private to http/: request bodies and streamed answers pass through one each.
 */
#pragma once

#include <stddef.h>

#include "base/view.h"

struct http__pipe {
	char *p;
	size_t cap, head, n; /* n bytes from head on, around the end */
	size_t max;
};

void http__pipe_init(struct http__pipe *q, size_t max);
void http__pipe_clear(struct http__pipe *q);
/* Room for @n bytes in one piece, whatever the ceiling was; before anything is put in. */
void http__pipe_reserve(struct http__pipe *q, size_t n);
/* Bytes taken in: all, or as many as fit below the ceiling. */
size_t http__pipe_put(struct http__pipe *q, struct view v);
/* Bytes taken out: at most @n. */
size_t http__pipe_take(struct http__pipe *q, void *p, size_t n);

static inline size_t http__pipe_room(const struct http__pipe *q)
{
	return q->max - q->n;
}
