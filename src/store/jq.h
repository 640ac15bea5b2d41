/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jq -- partition keys of records by jq 1.6 programs, computed outside this process.
 *
 * A few children (mulgil-jq, store/jqworker/) are kept, each with the programs that it was last asked for.  A child sees
 * no file, no environment and no network; it may use JQ_MEMORY, and JQ_RECORD_MS of processor time for a record.  A
 * record that it dies of is found out by giving the records of that batch one by one to another child, and fails alone.
 *
 * Threads:  any; calls block.  Not from a loop thread.
 * Memory:   answers live in the arena given.
 * Limits:   KEYQUERY_PROGRAM_MAX; values and names of one record together: JQ_KEYS_MAX.
 * Errors:   of the calls, never of a record: ERR_NOENT no program; ERR_CANCELLED jq_stop(); ERR_TIMEOUT, ERR_IO,
 *           ERR_INTERNAL: the children do not work; later they may.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/view.h"

#define JQ_MEMORY (512 * MIB)
#define JQ_RECORD_MS 1000
#define JQ_KEYS_MAX 2048

struct jq;

struct jq_key {
	struct view name, value;
};

struct jq_answer {
	const char *failed; /* NULL, or why the record has no keys */
	const struct jq_key *keys;
	size_t n_keys;
};

struct jq_opts {
	const char *program; /* NULL: mulgil-jq beside this program; see proc_program() */
	unsigned children;   /* 0: 2; more callers wait */
};
/* Starts no child before the first call. */
int jq_open(const struct jq_opts *o, struct jq **ret, struct err *e) MUST_CHECK;
void jq_stop(struct jq *j); /* calls that are going on end soon, new ones at once: ERR_CANCELLED.  Idempotent */
struct jq *jq_close(struct jq *j); /* no call may be going on; NULL is fine; returns NULL */

/* ERR_INVALID: jq does not accept the program, or it does not end when it is given {}; the message says why. */
int jq_check(struct jq *j, const char *program, struct err *e) MUST_CHECK;
/* @ret has room for @n answers.  The program has passed jq_check(). */
int jq_keys(struct jq *j, const char *program, const struct view *records, size_t n, struct arena *a,
	    struct jq_answer *ret, struct err *e) MUST_CHECK;
