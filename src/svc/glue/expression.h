/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expression -- GetPartitions.Expression: a condition on partition keys, as Glue documents it.
 *
 *	or   := and (OR and)*            and := not (AND not)*            not := NOT not | test
 *	test := ( or ) | key op literal | literal op key | key [NOT] IN (literal, ...) | key [NOT] BETWEEN l AND l
 *	      | key [NOT] LIKE 'text' | key IS [NOT] NULL            op := = <> != < <= > >=
 * Literals: 'text' ('' is a quote), numbers, DATE 'text', TIMESTAMP 'text'.  Keys: plain, "quoted" or `quoted`.
 * Key types: string, varchar, char, date, timestamp, int, integer, bigint, long, tinyint, smallint, decimal; any other is
 * an error when it is used.  LIKE is for strings.  A value that its type cannot read, and Hive's
 * __HIVE_DEFAULT_PARTITION__, is null: no comparison with it holds.  Pure.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

#define EXPRESSION_DEPTH 100

struct expression;

struct expression_key {
	const char *name, *type;
};

/* ERR_INVALID with the place and the reason.  @keys must last as long as the result. */
int expression_parse(struct arena *a, const char *text, const struct expression_key *keys, size_t n_keys,
		     const struct expression **ret, struct err *e) MUST_CHECK;
/* @values: one text for each key. */
bool expression_match(const struct expression *x, const char *const *values);
