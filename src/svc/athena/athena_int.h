/* SPDX-License-Identifier: Apache-2.0 */
/* athena_int -- what the files of this folder share. */
#pragma once

#include "os/thread.h"
#include "svc/athena/athena.h"

#define ATHENA_RUNNERS 4
#define WORKGROUP "primary"

struct athena_running { /* what one thread runs; guarded by the lock */
	char id[64];
	struct sql_cancel *cancel;
};

struct athena {
	struct athena_opts o;
	struct lock lock;
	struct cond wake;
	bool running, stopping;
	uint64_t work; /* grows when a query may wait */
	pthread_t threads[ATHENA_RUNNERS];
	struct athena_running now[ATHENA_RUNNERS];
	unsigned n_threads; /* numbered themselves so far */
};

extern const struct aws_error ATHENA_INVALID, ATHENA_INTERNAL;

struct athena_context_in {
	const char *database, *catalog;
};
struct athena_result_in {
	const char *location, *owner;
};
struct athena_age_in {
	struct opt_bool enabled;
	struct opt_int age;
};
struct athena_reuse_in {
	struct athena_age_in *by_age;
};
struct athena_in { /* the members of all operations; each table names those it has */
	const char *query, *token, *workgroup, *id, *next, *type;
	struct athena_context_in *context;
	struct athena_result_in *result;
	struct athena_reuse_in *reuse;
	struct op_list parameters, ids;
	struct opt_int max;
};

/* A query as it is kept. */
struct athena_query {
	const char *id, *text, *database, *catalog, *location /* with the file */, *state, *reason, *kind /* DML or UTILITY */;
	const struct json *parameters; /* NULL: none */
	const struct json *columns;    /* [[name, type, precision, scale]...]; NULL before the end */
	int64_t submitted_ms, completed_ms /* 0: not yet */, scanned, engine_ms, queue_ms, planning_ms;
	bool stop;
};
/* GET: 1 found, 0 none, negative error. */
int athena__query_tx(struct meta_tx *tx, const char *id, struct arena *a, struct athena_query *ret, struct err *e) MUST_CHECK;
int athena__query(struct athena *s, const char *id, struct arena *a, struct athena_query *ret, struct err *e) MUST_CHECK;

int athena__start_query(struct op_ctx *cx, const void *in, struct out *o);
int athena__get_query(struct op_ctx *cx, const void *in, struct out *o);
int athena__batch_get_query(struct op_ctx *cx, const void *in, struct out *o);
int athena__stop_query(struct op_ctx *cx, const void *in, struct out *o);
int athena__list_queries(struct op_ctx *cx, const void *in, struct out *o);
int athena__get_results(struct op_ctx *cx, const void *in, struct out *o);
int athena__get_workgroup(struct op_ctx *cx, const void *in, struct out *o);
int athena__list_workgroups(struct op_ctx *cx, const void *in, struct out *o);

/* "s3://bucket/a/b" as bucket and "a/b". */
bool athena__split(struct arena *a, const char *location, const char **ret_bucket, const char **ret_key);
void athena__wake(struct athena *s);
void *athena__runner(void *arg);
