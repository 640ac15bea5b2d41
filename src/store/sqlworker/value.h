/* SPDX-License-Identifier: Apache-2.0 */
/* value -- the engine's result values as text, the way Athena writes them. */
#pragma once

#include <duckdb.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct value_type; /* of one column */

/* ERR_UNSUPPORTED: a type that has no text form here (INTERVAL and the like). */
int value_type_of(struct arena *a, duckdb_logical_type t, struct value_type **ret, struct err *e) MUST_CHECK;
const char *value_type_name(const struct value_type *t); /* Athena's: "varchar", "array" */
void value_type_size(const struct value_type *t, int *ret_precision, int *ret_scale);

/*
 * Adds the value of @row of @v as one CSV field: quoted, a quote doubled; nothing for null.
 * ERR_INVALID: a sum beyond bigint.
 */
int value_csv(struct buf *b, struct buf *scratch, const struct value_type *t, duckdb_vector v, idx_t row,
	      struct err *e) MUST_CHECK;
void value_csv_text(struct buf *b, struct view text);
/* Shortest text that reads back as the same number, laid out as Java's Double.toString(). */
void value_double(struct buf *b, double d, bool single);
