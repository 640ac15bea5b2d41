/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json -- JSON values in an arena: parse, build, look at, print.
 *
 * Parsing is json-c's (strict, UTF-8 checked); the tree is ours, so that a value lives as long as
 * its arena and parts of it can be shared between trees.  A tree that others may hold is not
 * changed any more: build a new one (json_copy() makes a shallow copy to add to).
 *
 * Numbers: integers within int64 are JSON_INT; all others JSON_NUM, which keeps its source text and
 *          prints it again unchanged (integers beyond uint64 are refused).  Object members keep their order; of duplicate names the last wins.
 * Limits:  json_parse() takes the greatest depth; the caller limits the text's length.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_NUM, JSON_STR, JSON_ARR, JSON_OBJ };

#define JSON_DEPTH 64

struct json;

struct json_member {
	struct view name;
	const struct json *value;
};

struct json {
	enum json_type type;
	union {
		bool b;
		int64_t i;
		struct {
			double d;
			struct view text; /* VIEW_NONE when computed: printed with the fewest digits that round-trip */
		} num;
		struct view s; /* UTF-8, may hold NUL */
		struct {
			const struct json **v;
			size_t n, cap;
		} arr;
		struct {
			struct json_member *v;
			size_t n, cap;
		} obj;
	};
};

/* The whole of @text is one value (white space around it is allowed).
 * NULL and @e ERR_INVALID (message says where) or ERR_LIMIT (too deep). */
const struct json *json_parse(struct arena *a, struct view text, int depth_max, struct err *e) MUST_CHECK;

/* Building. */
extern const struct json json_null, json_true, json_false;
const struct json *json_new_bool(bool b);
struct json *json_new_int(struct arena *a, int64_t i);
struct json *json_new_num(struct arena *a, double d); /* whole numbers within 2^53 become JSON_INT, NaN and infinities JSON_NULL */
struct json *json_new_str(struct arena *a, struct view s); /* copies */
struct json *json_new_cstr(struct arena *a, const char *s); /* copies; NULL gives json_null's copy */
struct json *json_new_arr(struct arena *a);
struct json *json_new_obj(struct arena *a);
void json_push(struct arena *a, struct json *arr, const struct json *v);
void json_set(struct arena *a, struct json *obj, const char *name, const struct json *v); /* adds or replaces; copies name */
void json_set_view(struct arena *a, struct json *obj, struct view name, const struct json *v);
void json_set_str(struct arena *a, struct json *obj, const char *name, const char *s);    /* NULL: not set */
void json_set_int(struct arena *a, struct json *obj, const char *name, int64_t i);
struct json *json_copy(struct arena *a, const struct json *v); /* shallow: same children */
const struct json *json_deep(struct arena *a, const struct json *v); /* whole copy into another arena */

/* Looking.  All accept NULL and wrong types: NULL, the default or false comes back. */
const struct json *json_get(const struct json *obj, const char *name);
const struct json *json_get_view(const struct json *obj, struct view name);
const struct json *json_at(const struct json *arr, size_t i);
size_t json_len(const struct json *v); /* elements or members; 0 for others */
struct view json_str(const struct json *v);                       /* VIEW_NONE if not a string */
struct view json_get_str(const struct json *obj, const char *name);
int64_t json_int(const struct json *v, int64_t dflt);
double json_double(const struct json *v, double dflt); /* of JSON_INT and JSON_NUM */
bool json_is_true(const struct json *v);
bool json_is(const struct json *v, enum json_type t);
bool json_is_number(const struct json *v);
const char *json_type_name(const struct json *v); /* "null", "boolean", "number", "string", "array", "object" */
bool json_equal(const struct json *a, const struct json *b); /* numbers by value; members in any order */

/* Printing: compact, or with two spaces of indent. '/' is not escaped; non-ASCII stays UTF-8. */
void json_print(struct buf *b, const struct json *v);
void json_print_pretty(struct buf *b, const struct json *v);
void json_print_str(struct buf *b, struct view s); /* quoted and escaped */
/* Bytes of the compact text, about; stops counting at @max, so it is also safe where parts are shared very often. */
size_t json_text_size(const struct json *v, size_t max);
char *json_text(struct arena *a, const struct json *v); /* compact, NUL-terminated */
