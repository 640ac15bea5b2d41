/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fn_worker -- one child process of one function revision and its runtime API port; private to fn_process.c.
 *
 * Threads: whoever has set busy (under the pool's lock) owns the worker; fn_worker_ended() and fn_worker_kill() are for any.
 */
#pragma once

#include "os/proc.h"
#include "os/thread.h"
#include "store/fn.h"

struct http_server;
struct pool;

enum fn_call_state { FN_IDLE, FN_GIVEN, FN_TAKEN, FN_DONE };

struct fn_worker {
	struct fn_worker *next;
	char *name, *revision;
	bool busy; /* under the pool's lock */
	int64_t started_ms, used_ms;

	struct lock lock; /* everything below */
	struct cond changed;
	bool started, ended, closing;
	bool killed; /* by fn_worker_kill() */
	bool served; /* it has taken an event */
	struct proc proc;
	int status;
	struct pool *pool;
	struct http_server *server;
	int log_fd;
	pthread_t log_thread;
	bool log_running;
	char log_stream[96];
	char *tmp; /* the child's folder to write in; NULL: none */
	const struct fn_opts *o;

	enum fn_call_state state;
	char request_id[37];
	struct view event;
	const struct fn_spec *spec;
	int64_t deadline_ms; /* wall clock */
	char *answer;
	size_t answer_n;
	bool failed, too_long;

	char tail[FN_LOG_TAIL];
	size_t tail_n;
	char line[8192];
	size_t line_n;
};

struct fn_worker *fn_worker_new(const struct fn_spec *f);
struct fn_worker *fn_worker_free(struct fn_worker *w); /* kills the child */
/* Starts the child if it does not run. */
int fn_worker_start(struct fn_worker *w, const struct fn_spec *f, const struct fn_opts *o, struct err *e) MUST_CHECK;
/* 1: the child had ended before it took the event: nothing was run, another may be asked.  ERR_CANCELLED: it was killed. */
int fn_worker_run(struct fn_worker *w, const struct fn_spec *f, struct view event, struct arena *a, struct fn_result *ret,
		  struct err *e) MUST_CHECK;
bool fn_worker_ended(struct fn_worker *w);
void fn_worker_kill(struct fn_worker *w);
