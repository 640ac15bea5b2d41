/* SPDX-License-Identifier: Apache-2.0 */
/* names -- the tables that a parsed statement names.  Pure. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

/* @tree: what json_serialize_sql() gave.  *ret_names: [[schema|null, name]...] in lower case, each once, without the
 * names of WITH.  ERR_INVALID: syntax; ERR_DENIED: no SELECT, or not one statement. */
int names_of(struct arena *a, const struct json *tree, struct json **ret_names, struct err *e) MUST_CHECK;
