/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena -- memory that is freed all at once: one per request, transition or batch.
 *
 * Allocation does not fail: it aborts when the system has no memory or when the ceiling given at
 * birth is passed, so sizes that come from outside are checked against base/limits.h first.
 *
 * Threads:  one at a time.
 * Memory:   arena_clear() frees everything; pointers handed out last until then.
 *           With -Darena=emulate every allocation is its own block, so that sanitizers see overflows.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/macro.h"
#include "base/view.h"

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used; /* bytes handed out */
	size_t max;
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_clear(struct arena *a); /* frees all; @a may be used again */

void *arena_alloc(struct arena *a, size_t n); /* aligned for any type, zeroed */
void *arena_dup(struct arena *a, const void *p, size_t n);
char *arena_str(struct arena *a, struct view v);      /* NUL-terminated copy */
struct view arena_view(struct arena *a, struct view v); /* copy; VIEW_NONE stays VIEW_NONE */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))
