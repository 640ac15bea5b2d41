/* SPDX-License-Identifier: Apache-2.0 */
/* script -- the text of an `sql` job: statements separated by `;`, and what INSERT INTO names.  Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

#define SCRIPT_STATEMENTS_MAX 100

struct script_statement {
	const char *select;           /* the SELECT, without its INSERT INTO */
	const char *database, *table; /* lower case; NULL: no INSERT; database NULL: the job's */
};

/* ERR_INVALID: something else than SELECT and INSERT INTO ... SELECT.  ERR_LIMIT: too many statements. */
int script_parse(struct arena *a, struct view text, struct script_statement **ret, size_t *ret_n, struct err *e) MUST_CHECK;

/*
 * `:name` for each of @names becomes the engine's `$name`, outside of quotes and comments; all else stays as it is.
 * A parameter must not have the name of a column that stands behind a colon (slices: x[1:n]).
 */
const char *script_params(struct arena *a, const char *text, const char *const *names, size_t n);
