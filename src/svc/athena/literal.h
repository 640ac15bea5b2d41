/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literal -- ExecutionParameters: SQL literals in the place of a statement's `?`.
 *
 * A parameter that is a literal (a number, 'text', TRUE, FALSE, NULL, DATE 'text', TIMESTAMP 'text', TIME 'text') is taken
 * as that; any other text is taken as a string.  Nothing else can come out of a parameter: it cannot change the statement.
 * `?` in quotes and comments is left alone.  Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

/* ERR_INVALID when there are not as many parameters as `?`. */
int literal_bind(struct arena *a, const char *sql, const char *const *params, size_t n, const char **ret, struct err *e)
	MUST_CHECK;
