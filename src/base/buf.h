/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf -- bytes that grow, up to a ceiling given at birth.
 *
 * Adding past the ceiling sets buf.over and leaves the content as it was before that call; writers
 * add freely and check once at the end with buf_check().
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macro.h"
#include "base/view.h"

struct buf {
	char *p; /* always NUL-terminated behind n once something was added */
	size_t n;
	size_t cap;
	size_t max;
	bool over;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_clear(struct buf *b); /* frees */
void buf_reset(struct buf *b); /* empties, keeps the memory */

void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_view(struct buf *b, struct view v);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* As printf's %lld and %.6g, several times as fast: for texts of many numbers.  A double that lies between two texts of six
 * digits within a rounding error of the multiplication may get the other one than printf gives. */
void buf_add_i64(struct buf *b, int64_t v);
void buf_add_g6(struct buf *b, double v);
/* Room for @n more bytes to be written at b->p + b->n; NULL if that passes the ceiling. */
char *buf_reserve(struct buf *b, size_t n);
/* Removes the first @n bytes. */
void buf_consume(struct buf *b, size_t n);

static inline struct view buf_view(const struct buf *b)
{
	return (struct view){ b->p ? b->p : "", b->n };
}

/* 0, or ERR_LIMIT naming @what when the ceiling was hit. */
int buf_check(const struct buf *b, const char *what, struct err *e) MUST_CHECK;
