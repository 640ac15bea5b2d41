/* SPDX-License-Identifier: Apache-2.0 */
/* hive_type -- column types in Hive's spelling (Glue's), to the engine's.  Pure. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/view.h"

#define HIVE_TYPE_DEPTH 32

/* Adds the engine's name of @hive ("array<int>": "INTEGER[]") to @b; false if it is no type we know. */
bool hive_type_sql(struct view hive, struct buf *b);

/* Quoting for SQL text: "a""b" and 'a''b'. */
void sql_ident(struct buf *b, struct view name);
void sql_quote(struct buf *b, struct view text);
