/* SPDX-License-Identifier: Apache-2.0 */
/* relation -- a declared table of a job, as SQL text for the engine.  Pure. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

/*
 * Writes "CREATE VIEW ..." for @table (a table of the job's message, see sqlworker/README.md) to @b.
 * ERR_INVALID: a type is unknown.  ERR_LIMIT: @b is full.
 */
int relation_sql(struct arena *a, const struct json *table, struct buf *b, struct err *e) MUST_CHECK;
