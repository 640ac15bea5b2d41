/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern -- EventBridge event patterns: compile once, match events.
 *
 * Operators: exact (strings, numbers by value, true, false, null), prefix, suffix (both also with
 * equals-ignore-case), equals-ignore-case, wildcard, anything-but (value, list, prefix, suffix,
 * equals-ignore-case, wildcard), numeric, exists, cidr, and $or at any depth.  Fields of one array
 * element belong together: a pattern with two fields below an array matches only when one element has both.
 *
 * Errors:  ERR_INVALID with EventBridge's own text, "Event pattern is not valid. Reason: ...".
 * Threads: a compiled pattern is immutable; any number of threads may match with it.
 * Memory:  compiled patterns are on the heap; matching uses a small arena of its own.
 * Limits:  PATTERN_DEPTH levels, PATTERN_BRANCHES combinations of $or; wildcards match in linear time;
 *          after 100,000 combinations of array elements tried, a branch counts as not matching.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

#define PATTERN_DEPTH 64
#define PATTERN_BRANCHES 1000

struct pattern;

struct pattern *pattern_compile(struct view text, struct err *e) MUST_CHECK;
struct pattern *pattern_free(struct pattern *p); /* NULL is fine; returns NULL */
void pattern_freep(struct pattern **p);
/* @event: the whole event as an object. */
bool pattern_match(const struct pattern *p, const struct json *event);
