/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonpath -- JsonPath as the Amazon States Language uses it (Jayway's dialect, without functions).
 *
 *	$.a.b['c'][0][-1][1:3][0,2]['x','y'][*].*  ..name ..*  [?(@.x == 1 && !(@.y in ['a','b']))]
 *
 * A definite path (names and single indices only) gives one value or ERR_NOENT; any other gives an
 * array, which may be empty.  A reference path is a definite one without negative indices: it can also be
 * assigned to.
 *
 * Threads: pure functions.   Memory: everything is in the arena given; values are shared with the input.
 * Limits:  JSONPATH_STEPS steps, JSONPATH_NODES values visited, JSONPATH_BYTES of memory and never more than half of
 *          the arena's ceiling (ERR_LIMIT), filters nested to JSONPATH_DEPTH.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

#define JSONPATH_STEPS 256
#define JSONPATH_NODES 1000000
#define JSONPATH_BYTES (64UL * 1024 * 1024)
#define JSONPATH_DEPTH 32

struct jsonpath;

/* NULL and @e ERR_INVALID. */
const struct jsonpath *jsonpath_compile(struct arena *a, struct view text, struct err *e) MUST_CHECK;
bool jsonpath_definite(const struct jsonpath *p);
bool jsonpath_reference(const struct jsonpath *p);
/* @ret is untouched on failure.  ERR_NOENT: definite and not there; ERR_LIMIT. */
int jsonpath_get(struct arena *a, const struct jsonpath *p, const struct json *root, const struct json **ret,
		 struct err *e) MUST_CHECK;
/*
 * A copy of @root with @value at the reference path @p: objects on the way are made, an index must exist.
 * ERR_INVALID: not a reference path, or the way leads through something that is no object (or array).
 */
int jsonpath_put(struct arena *a, const struct jsonpath *p, const struct json *root, const struct json *value,
		 const struct json **ret, struct err *e) MUST_CHECK;
