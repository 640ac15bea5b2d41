/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefix -- Firehose's prefix expressions: parse, check, evaluate.
 *
 * "raw/!{timestamp:yyyy/MM/dd}/!{firehose:random-string}/".  Source: Amazon Data Firehose developer guide,
 * "Understand custom prefixes for Amazon S3 objects"; timestamps are Java's DateTimeFormatter: its letters
 * G u y D M L d Q q E a h K k H m s S A n N V z O X x Z and text in single quotes.  Those whose meaning hangs on a
 * locale (Y w W e c B, text of quarters) and padding (p) are refused by name: AWS does not say what locale it uses.
 *
 * Threads:  pure functions, any thread.   Memory: a parsed prefix lives in the arena given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"
#include "data/zone.h"

#define PREFIX_TEXT_MAX 1024 /* characters, as AWS has it */

struct prefix;

enum prefix_use { PREFIX_DATA, PREFIX_ERROR };

/*
 * ERR_INVALID: not a prefix of this use; the message says where and why.
 * ERR_UNSUPPORTED: an expression that AWS knows and mulgil does not do; the message names it.
 */
int prefix_parse(struct arena *a, struct view text, enum prefix_use use, const struct prefix **ret,
		 struct err *e) MUST_CHECK;
/* What a Prefix asks of its ErrorOutputPrefix (NULL: not given).  ERR_INVALID. */
int prefix_check_pair(const struct prefix *data, const struct prefix *error, struct err *e)
	MUST_CHECK;

bool prefix_has_expressions(const struct prefix *p);
/*
 * Whether "yyyy/MM/dd/HH/" is put behind a data prefix: it is when there is no expression at all.
 * Open point: AWS's text says "no timestamp expression"; comparisons with the service say any expression
 * suppresses it.  This one function decides; prefix_eval() asks it.
 */
bool prefix_gets_date(const struct prefix *p);

/* --- partition keys: !{partitionKeyFromQuery:k}, !{partitionKeyFromLambda:k} --- */
enum prefix_keys { PREFIX_QUERY, PREFIX_LAMBDA };
/* The keys that @p asks for, each once, in the order of their first use: begin with *at 0; false: no more. */
bool prefix_next_key(const struct prefix *p, size_t *at, enum prefix_keys *ret_kind, struct view *ret_name);

struct prefix_env {
	int64_t at_ms;          /* when the oldest record of the object arrived */
	const struct zone *zone; /* NULL: UTC */
	const char *error_type; /* PREFIX_ERROR: "processing-failed", ... */
	uint64_t seed;          /* random strings come from it: the same seed gives the same ones */
	struct view (*key)(void *arg, enum prefix_keys kind, struct view name); /* the value of a partition key */
	void *arg;
};
/* Appends the value. */
void prefix_eval(const struct prefix *p, const struct prefix_env *env, struct buf *ret);
/* One timestamp format on its own ("yyyy-MM-dd-HH-mm-ss"), as inside !{timestamp:...}; must be valid. */
void prefix_timestamp(struct view format, int64_t at_ms, const struct zone *zone, struct buf *ret);
