/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intrinsic -- the 18 intrinsic functions of the Amazon States Language: States.Format('{}', $.x) and so on.
 *
 * Arguments are 'strings' (escapes \' \{ \} \\), numbers, true, false, null, paths ($.a, $$.b) and other calls.
 * What is not pure (paths' input, hashes, random numbers, UUIDs) comes from the caller's struct intrinsic_env.
 *
 * Threads: pure functions.   Memory: in the arena given.
 * Limits:  INTRINSIC_DEPTH nested calls, 1000 elements made by ArrayRange, 10,000 characters hashed or coded,
 *          results of 4 MiB as text.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

#define INTRINSIC_DEPTH 10

struct intrinsic;

struct intrinsic_env {
	void *arg;
	/* Value of a path argument ("$.x" or "$$.x"). */
	int (*path)(void *arg, struct view path, const struct json **ret, struct err *e);
	/* Digest of @v as lower-case hex for "MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"; false for others. */
	bool (*hash)(void *arg, struct view algorithm, struct view v, char out[129]);
	void (*uuid)(void *arg, char out[37]);
	uint64_t (*random)(void *arg); /* 64 random bits */
};

/* NULL and @e ERR_INVALID. */
const struct intrinsic *intrinsic_compile(struct arena *a, struct view text, struct err *e) MUST_CHECK;
/* Calls @fn for each path argument, also of nested calls; stops at and returns the first result that is not 0. */
int intrinsic_paths(const struct intrinsic *in, int (*fn)(void *arg, struct view path), void *arg);
/* ERR_INVALID: wrong arguments; else what env->path() returned. */
int intrinsic_eval(struct arena *a, const struct intrinsic *in, const struct intrinsic_env *env,
		   const struct json **ret, struct err *e) MUST_CHECK;
/* Does the text look like a call ("States.")? */
bool intrinsic_is_call(struct view text);
