/* SPDX-License-Identifier: Apache-2.0 */
/* lambda_int -- what the files of this folder share. */
#pragma once

#include "os/thread.h"
#include "svc/lambda/lambda.h"

#define QUEUE_THREADS 8 /* asynchronous events at once: a slow function does not hold up the others' */

struct lambda {
	struct lambda_opts o;
	struct lock unpack; /* one unpacking at a time */
	struct lock lock;   /* the queue's threads */
	struct cond wake;
	pthread_t threads[QUEUE_THREADS];
	char taken[QUEUE_THREADS][37]; /* ids of the events they are at; "": none */
	size_t n_threads;   /* that have begun */
	bool running, stopping;
};

struct lambda_fn { /* one function's row */
	const char *name, *role, *handler, *runtime, *description, *revision;
	const char *code_ref, *code_sha256; /* base64 of the zip's SHA-256 */
	const char *url_id, *url_auth;      /* NULL: no URL */
	int64_t timeout_s, memory_mb, code_size, modified_ms, url_ms;
	struct op_map env;
	const char *arch;
};

extern const struct aws_error LAMBDA_INVALID, LAMBDA_CONFLICT, LAMBDA_NOT_FOUND, LAMBDA_BUSY, LAMBDA_BAD_ZIP,
	LAMBDA_BAD_REQUEST, LAMBDA_TOO_LARGE, LAMBDA_PRECONDITION, LAMBDA_SERVICE;
extern const struct aws_error *const lambda__errors[];

/* lambda_store.c */
int lambda__schema(struct meta *m, struct err *e);
/* @name: a name, "name:$LATEST", partial or full ARN.  Sets ResourceNotFoundException. */
int lambda__load(struct lambda *l, const char *name, struct arena *a, struct lambda_fn *ret, struct err *e);
int lambda__load_by_url(struct lambda *l, const char *id, struct arena *a, struct lambda_fn *ret, struct err *e);
int lambda__list(struct lambda *l, const char *after, int64_t max, struct arena *a, struct lambda_fn **ret, size_t *ret_n,
		 struct err *e);
/* Inserts (@fresh: ResourceConflictException if it exists) or replaces; sets revision and modified_ms. */
int lambda__save(struct lambda *l, struct lambda_fn *f, bool fresh, struct arena *a, struct err *e);
bool lambda__uses_blob(void *l, struct view key); /* for blob_sweep() */
int lambda__delete(struct lambda *l, const char *name, struct err *e);
const char *lambda__arn(struct lambda *l, const char *name, struct arena *a);
const char *lambda__plain_name(const char *name, struct arena *a);

/* lambda_run.c */
int lambda__run(struct lambda *l, const struct lambda_fn *f, struct view event, struct arena *a, struct fn_result *ret,
		struct err *e);
/* @once: NULL, or see op_caller: as long as the event is in the queue, a repeat is that event. */
int lambda__enqueue(struct lambda *l, const char *name, struct view event, const char *once, struct err *e);
void lambda__queue_start(struct lambda *l);
void lambda__queue_stop(struct lambda *l);
