/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text -- JSON that is looked at where it lies, without a tree.
 *
 * json_text_check() goes over a text once and says where its first value ends, or what is wrong
 * with it (RFC 8259, strict).  Of a value that has been checked, json_walk gives members and
 * elements as views of their own text; that cannot fail.
 *
 * Threads:  pure functions, any thread.
 * Memory:   none but that of @out; views point into the text.
 * Limits:   JSON_TEXT_DEPTH levels.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/view.h"

#define JSON_TEXT_DEPTH 64

/*
 * White space and one value at the beginning of @text, which has to be valid UTF-8 (utf8_valid()).
 * NULL, and *ret_end is behind the value; else what is wrong, and *ret_end is where.  An escape that
 * is half a surrogate pair is wrong: no text can hold it.
 */
const char *json_text_check(struct view text, size_t *ret_end);

/* --- of values that were checked; without white space around them --- */

struct json_walk {
	const char *p, *end;
	bool object;
};

static inline bool json_text_is(struct view value, char first)
{
	return value.n && *value.p == first;
}

/* @value is an object or an array. */
struct json_walk json_walk(struct view value);
/* The next element, or member with its name (the text within the quotes, still escaped).  @name may be
 * NULL for arrays. */
bool json_walk_next(struct json_walk *w, struct view *name, struct view *value);
/* What stands within quotes, unescaped. */
void json_text_unescape(struct buf *out, struct view inside);
/* The text within the quotes of a string. */
static inline struct view json_text_inside(struct view string)
{
	return view_sub(string, 1, string.n - 2);
}
