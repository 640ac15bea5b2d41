/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jqscan -- what can be seen of a jq 1.6 program without running it.
 *
 * It follows jq's lexer (strings with interpolation, comments, fields, object keys), not its grammar: whether a
 * program is correct only jq itself can tell.  Refused are the functions that look out of the program: the
 * environment, further input, modules, messages, ending the process.
 *
 * Threads: pure functions, any thread.   Memory: keys live in the arena given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

#define JQSCAN_KEYS 50      /* as many partition keys as AWS allows */
#define JQSCAN_DEPTH 256    /* brackets and strings inside each other */

struct jqscan {
	bool varies;             /* it asks for the time: the same record may get other keys later */
	const char *const *keys; /* the members of the object that the program ends with, in its order */
	size_t n_keys;
};

/*
 * ERR_UNSUPPORTED: a function that is refused; the message names it.
 * ERR_INVALID: brackets or quotes that do not match; or it does not end with {name: ..., name: ...}, or a name in it
 * is computed or there twice, so that nobody can tell the keys.
 * ERR_LIMIT: more than JQSCAN_KEYS keys, or deeper than JQSCAN_DEPTH.
 */
int jqscan(struct arena *a, struct view program, struct jqscan *ret, struct err *e) MUST_CHECK;
