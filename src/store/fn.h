/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fn -- runs functions: one event in, one answer out.
 *
 * The process backend keeps warm child processes per function revision.  Each speaks the AWS Lambda runtime API
 * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, version 2018-06-01) on a loopback port of its own; its
 * program is `bootstrap` in the unpacked code (the `provided` runtimes).  By Landlock, where the kernel has it, a child reads its
 * code and the system's programs and writes in a folder of its own, and nothing else: not the server's data.  A child that passes its time-out is killed; one
 * that dies fails the call it was working on and nothing else.
 *
 * Threads:  any; fn_invoke() blocks its caller until the answer.
 * Memory:   results in the arena given.   Durable: nothing; callers repeat what they need.
 * Limits:   answer FN_ANSWER_MAX bytes; per function and in all as given in struct fn_opts.
 * Backends: fn_process.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

#define FN_ANSWER_MAX (6UL * 1024 * 1024)
#define FN_LOG_TAIL 4096

struct fn_pool;

struct fn_env {
	const char *name, *value;
};

struct fn_spec { /* what to run; the same @revision means the same code and settings */
	const char *name, *revision, *arn, *role;
	const char *code_dir; /* unpacked; holds `bootstrap` */
	const char *handler;
	const struct fn_env *env;
	size_t n_env;
	unsigned timeout_ms, memory_mb;
};

struct fn_result {
	struct view payload;        /* answer or error document */
	bool failed;                /* the function reported an error, died or timed out: payload is the error document */
	const char *request_id;
	struct view log_tail;       /* the last FN_LOG_TAIL bytes this call printed */
	const char *log_stream;
	double duration_ms;
};

struct fn_session { /* credentials for one child */
	char access_key[64], secret[64], token[256];
};

struct fn_opts {
	unsigned per_function; /* 0: 8 children */
	unsigned children_max; /* 0: 32 */
	const char *region;
	const char *tmp_dir;   /* an existing folder: each child gets one in it to write in (TMPDIR); NULL: none */
	const char *shared_dir; /* a folder that all functions may read and write besides; NULL: none */
	/* Asked before a child starts; its "http://host:port" of the API and its keys. */
	const char *(*endpoint)(void *arg);
	void (*session)(void *arg, const struct fn_spec *f, struct fn_session *ret);
	void (*log)(void *arg, const char *function, const char *stream, int64_t at_ms, struct view line);
	void *arg;
};

int fn_process_new(const struct fn_opts *o, struct fn_pool **ret, struct err *e) MUST_CHECK;
/* Kills the children: calls under way and to come are ERR_CANCELLED. */
void fn_stop(struct fn_pool *p);
struct fn_pool *fn_free(struct fn_pool *p); /* stops; no fn_invoke() may begin any more; returns NULL */

/* 0: the function was run (look at result.failed; so it is too when its answer is longer than FN_ANSWER_MAX).
 * ERR_BUSY: no child free in time; ERR_IO: it could not be started; ERR_CANCELLED: stopped, it may or may not have run. */
int fn_invoke(struct fn_pool *p, const struct fn_spec *f, struct view event, struct arena *a, struct fn_result *ret,
	      struct err *e) MUST_CHECK;
/* Ends idle children of other revisions of @name (NULL revision: all of them, when the function is deleted). */
void fn_retire(struct fn_pool *p, const char *name, const char *revision);
