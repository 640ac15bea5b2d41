/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyquery -- partition keys of JSON records by a jq 1.6 program (libjq).
 *
 * The program gets one record and has to give one object; its members are the keys.  Strings are taken as they are,
 * numbers and booleans as jq prints them (numbers are doubles: 12345678901234567890 becomes 12345678901234567000, as
 * in jq 1.6 everywhere).
 *
 * libjq ends the process when memory runs out, and when one of its assertions fails; records come from anybody.  So this
 * is for a process that may die: the server runs it in children (store/jq.h), tests run it as it is.
 *
 * Threads: one at a time per query.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

#define KEYQUERY_PROGRAM_MAX 5120 /* bytes, as AWS has it */
#define KEYQUERY_VALUE_MAX 1024   /* bytes of one key's value: as much as an object's name may have */

struct keyquery;

struct keyquery_key {
	struct view name, value;
};

/* ERR_INVALID: jq's own message.  NUL-terminated; kept by jq. */
int keyquery_new(const char *program, struct keyquery **ret, struct err *e) MUST_CHECK;
struct keyquery *keyquery_free(struct keyquery *q); /* NULL is fine; returns NULL */
/*
 * ERR_INVALID: the record is not one JSON value, the program failed on it, or did not give one object of strings,
 * numbers and booleans, none of them empty; the message is AWS's where that is known.
 * ERR_LIMIT: a value longer than KEYQUERY_VALUE_MAX.   ERR_TIMEOUT: keyquery_interrupt().
 */
int keyquery_run(struct keyquery *q, struct arena *a, struct view record,
		 const struct keyquery_key **ret, size_t *ret_n, struct err *e) MUST_CHECK;
/* Ends the run that is going on, if jq's own loop gets to see it; one library call of jq is not interrupted.  For a
 * signal handler of the same thread. */
void keyquery_interrupt(struct keyquery *q);
