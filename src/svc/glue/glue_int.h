/* SPDX-License-Identifier: Apache-2.0 */
/* glue_int -- what the files of this folder share. */
#pragma once

#include "os/thread.h"
#include "svc/glue/glue.h"

#define GLUE_RUNNERS 2
#define GLUE_SCRIPT_MAX (1024UL * 1024UL)

struct glue {
	struct glue_opts o;
	struct glue_port port;
	struct lock lock;
	struct cond wake;
	bool running, stopping;
	uint64_t work; /* grows when a run may wait */
	pthread_t threads[GLUE_RUNNERS];
	struct sql_cancel *cancel;    /* of everything that runs, at the end */
};

extern const struct aws_error GLUE_INVALID, GLUE_NOT_FOUND, GLUE_EXISTS, GLUE_CONCURRENT, GLUE_RUNS_EXCEEDED;

/* --- input structs --- */
struct glue_column_in {
	const char *name, *type, *comment;
	struct op_map parameters;
};
struct glue_order_in {
	const char *column;
	struct opt_int order;
};
struct glue_serde_in {
	const char *name, *library;
	struct op_map parameters;
};
struct glue_skew_in {
	struct op_list names, values;
	struct op_map maps;
};
struct glue_storage_in {
	struct op_list columns;
	const char *location, *input_format, *output_format;
	struct opt_bool compressed, sub_directories;
	struct opt_int buckets;
	struct glue_serde_in *serde;
	struct op_list bucket_columns, sort_columns;
	struct op_map parameters;
	struct glue_skew_in *skew;
};
struct glue_table_in {
	const char *name, *description, *owner, *view_original, *view_expanded, *type;
	struct opt_int last_access, last_analyzed, retention;
	struct glue_storage_in *storage;
	struct op_list keys;
	struct op_map parameters;
};
struct glue_partition_in {
	struct op_list values; /* const char * */
	struct opt_int last_access, last_analyzed;
	struct glue_storage_in *storage;
	struct op_map parameters;
};
struct glue_database_in {
	const char *name, *description, *location;
	struct op_map parameters;
};
struct glue_segment_in {
	struct opt_int number, total;
};
struct glue_command_in {
	const char *name, *script;
};
struct glue_execution_in {
	struct opt_int max_concurrent;
};

struct glue_in { /* the members of all operations; each table names those it has */
	const char *catalog, *database, *table, *name, *version, *expression, *token, *share;
	struct opt_int max;
	struct opt_bool skip_archive, exclude_columns;
	struct glue_database_in *database_in;
	struct glue_table_in *table_in;
	struct glue_partition_in *partition_in;
	struct glue_segment_in *segment;
	struct op_list values, partitions, attributes;
	/* jobs */
	const char *description, *role, *mode, *class, *job, *run;
	struct glue_command_in *command;
	struct glue_execution_in *execution;
	struct glue_in *update; /* UpdateJob's JobUpdate: members of a job */
	struct op_map arguments, fixed_arguments;
	struct opt_int timeout, max_retries;
	struct opt_bool predecessors;
};

/* For the functions inside transactions. */
struct glue_call {
	struct glue *g;
	struct op_ctx *cx;
	struct arena *arena;
	const struct glue_in *in;
	struct out *o;
	const char *db, *name; /* folded */
	const char *doc;
};

/* --- glue.c --- */
const char *glue__fold(struct arena *a, const char *name); /* lower case, as Glue folds names */
int glue__check_catalog(struct op_ctx *cx, const struct glue_in *in);
int glue__write(struct op_ctx *cx, struct glue_call *c, meta_fn fn) MUST_CHECK;
int glue__read(struct op_ctx *cx, struct glue_call *c, meta_fn fn) MUST_CHECK;
struct glue_call glue__call(struct op_ctx *cx, const void *in, struct out *o);
/* 1 found: the table's document, version; 0: none; negative: error. */
int glue__table_tx(struct meta_tx *tx, const char *db, const char *name, struct arena *a, const struct json **ret_doc,
		   int64_t *ret_version, struct err *e) MUST_CHECK;
/* GLUE_NOT_FOUND when it is not there. */
int glue__need_table(struct meta_tx *tx, const char *db, const char *name, struct arena *a, const struct json **ret_doc,
		     int64_t *ret_version, struct err *e) MUST_CHECK;

/* --- glue_doc.c: inputs as the documents that are kept and given back --- */
struct json *glue_doc_database(struct arena *a, const struct glue_database_in *in);
struct json *glue_doc_table(struct arena *a, const struct glue_table_in *in);
struct json *glue_doc_partition(struct arena *a, const struct glue_partition_in *in);
struct json *glue_doc_map(struct arena *a, const struct op_map *m);
/* Writes the members of a kept document; times among them as times. */
void glue_doc_out(struct out *o, const struct json *doc, struct arena *a);
/* A kept table as the port's struct. */
void glue_doc_read(struct arena *a, const struct json *doc, const char *db, int64_t version, struct glue_table *ret);

/* --- handlers --- */
int glue__create_database(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_database(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_databases(struct op_ctx *cx, const void *in, struct out *o);
int glue__update_database(struct op_ctx *cx, const void *in, struct out *o);
int glue__delete_database(struct op_ctx *cx, const void *in, struct out *o);
int glue__create_table(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_table(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_tables(struct op_ctx *cx, const void *in, struct out *o);
int glue__update_table(struct op_ctx *cx, const void *in, struct out *o);
int glue__delete_table(struct op_ctx *cx, const void *in, struct out *o);
int glue__create_partition(struct op_ctx *cx, const void *in, struct out *o);
int glue__batch_create_partition(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_partition(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_partitions(struct op_ctx *cx, const void *in, struct out *o);
int glue__update_partition(struct op_ctx *cx, const void *in, struct out *o);
int glue__delete_partition(struct op_ctx *cx, const void *in, struct out *o);
int glue__create_job(struct op_ctx *cx, const void *in, struct out *o);
int glue__update_job(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_job(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_jobs(struct op_ctx *cx, const void *in, struct out *o);
int glue__delete_job(struct op_ctx *cx, const void *in, struct out *o);
int glue__start_job_run(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_job_run(struct op_ctx *cx, const void *in, struct out *o);
int glue__get_job_runs(struct op_ctx *cx, const void *in, struct out *o);

/* --- glue_partition.c --- */
const char *glue__values_key(struct arena *a, const char *const *values, size_t n); /* a JSON array's text */
int glue__partitions_tx(struct meta_tx *tx, const char *db, const char *table, const char *expression,
			struct arena *a, struct glue_partition **ret, size_t *ret_n, struct err *e) MUST_CHECK;
int glue__partition_add_tx(void *self, struct meta_tx *tx, const char *database, const char *table,
			   const char *const *values, size_t n, const char *location, struct err *e) MUST_CHECK;

/* --- glue_resolve.c --- */
int glue__resolve(void *self, const char *text, const char *database, struct arena *a, struct sql_table **ret,
		  size_t *ret_n, struct err *e) MUST_CHECK;
/* "s3://bucket/prefix" as bucket and prefix ending in '/' (or empty). */
int glue__location(struct arena *a, const char *location, const char **ret_bucket, const char **ret_prefix,
		   struct err *e) MUST_CHECK;

/* --- glue_run.c --- */
struct glue_run {
	const char *id, *base, *job; /* base: id of the run that this one repeats, or its own: names its files */
	const struct json *arguments;
	const char *script;          /* s3:// */
	int64_t timeout_ms, started_ms;
};
int glue__run_end_tx(struct glue *g, struct meta_tx *tx, const struct glue_run *r, const char *state,
		     const char *message, struct err *e) MUST_CHECK;
void *glue__runner(void *arg);
void glue__wake(struct glue *g);
