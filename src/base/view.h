/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view -- a string or bytes that somebody else owns.
 *
 * Passed by value.  Not NUL-terminated.  {NULL, 0} means "absent" where that differs from empty.
 * Whoever hands out a view says how long it lasts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const char *p;
	size_t n;
};

#define VIEW(lit) ((struct view){ (lit), sizeof(lit) - 1 })
#define VIEW_NONE ((struct view){ NULL, 0 })
/* printf("%.*s", VIEW_ARG(v)) */
#define VIEW_ARG(v) ((int)(v).n), ((v).p ? (v).p : "")

static inline struct view view_of(const void *p, size_t n)
{
	return (struct view){ p, n };
}

static inline struct view view_str(const char *s)
{
	return (struct view){ s, s ? strlen(s) : 0 };
}

bool view_eq(struct view a, struct view b);
bool view_eq_str(struct view a, const char *s);
bool view_eq_nocase(struct view a, struct view b); /* ASCII only */
int view_cmp(struct view a, struct view b);        /* bytewise, shorter first */
bool view_starts(struct view a, struct view prefix);
bool view_ends(struct view a, struct view suffix);
/* Index of the first @c (or of @needle), or -1. */
ptrdiff_t view_chr(struct view a, char c);
ptrdiff_t view_find(struct view a, struct view needle);
/* Bytes from @from on, at most @n; clipped to what exists. */
struct view view_sub(struct view a, size_t from, size_t n);
struct view view_from(struct view a, size_t from);
struct view view_trim(struct view a); /* ASCII white space on both ends */
/* Cuts the part before the first @sep off *rest into *part; false when *rest was absent (p NULL).
 * After the last part *rest becomes VIEW_NONE. */
bool view_split(struct view *rest, char sep, struct view *part);
/* Decimal numbers, whole view, no sign for u64; false if not one or out of range. */
bool view_u64(struct view a, uint64_t max, uint64_t *ret);
bool view_i64(struct view a, int64_t *ret);
