/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sql -- SELECT statements over explicit lists of files, run outside this process.
 *
 * A job declares every table it may see (columns in Hive types, files one by one: never a glob), one SELECT, and
 * where its result goes: a CSV file in Athena's dialect, Parquet files, or nothing (a check).  The statement sees
 * those files and nothing else; it runs in a child process of its own with limits, and that child is killed at the
 * deadline.  A crash there is a failed job.
 *
 * Threads:  any; sql_run() blocks until the job has ended.  Not from a loop thread.
 * Memory:   results in the arena given; job and tables are only read during the call.
 * Durable:  nothing: result files are plain files; the caller makes them durable (blob_adopt()) or removes them.
 *           On failure they may exist in part.
 * Limits:   SQL_TEXT_MAX, SQL_PARTITIONS_MAX, and those of the job.
 * Errors:   ERR_INVALID  the statement is wrong, or it failed on the data: the message is the engine's
 *           ERR_DENIED   the statement is no SELECT, or it reached for something outside its tables
 *           ERR_LIMIT    out of memory, or the result is greater than allowed
 *           ERR_TIMEOUT, ERR_CANCELLED
 *           ERR_INTERNAL the child ended by itself (the message says how)
 * Backends: sql_pool.c (DuckDB in child processes, store/sqlworker/).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define SQL_TEXT_MAX 262144
#define SQL_PARTITIONS_MAX 1000 /* distinct partitions that one job may write */

enum sql_format { SQL_PARQUET, SQL_JSON, SQL_CSV }; /* SQL_JSON: one object per line */

struct sql_column {
	const char *name, *type; /* Hive spelling on the way in; Athena's name of the type in results */
	int precision, scale;    /* results only, as Athena reports them */
};

struct sql_file {
	const char *path;                /* local, absolute */
	const char *const *partition;    /* n_keys values as text; NULL in it: null */
};

struct sql_table {
	const char *schema, *name;
	const struct sql_column *columns; /* a column the file does not have is null; columns of files not named here are not seen */
	size_t n_columns;
	const struct sql_column *keys;    /* partition columns; behind the columns in SELECT * */
	size_t n_keys;
	enum sql_format format;
	bool csv_header;                  /* SQL_CSV: the first line of each file is skipped */
	char csv_delim, csv_quote;        /* 0: ',' and '"' */
	bool csv_plain;                   /* SQL_CSV: no quoting at all */
	bool gzip;                        /* SQL_JSON, SQL_CSV: all files are gzip */
	const struct sql_file *files;     /* none: the table is empty */
	size_t n_files;
	const char *view_sql;             /* a view: its SELECT; then no columns and files.  Views come after what they name */
};

enum sql_output {
	SQL_TO_NOTHING, /* check: parse and bind only; columns of the result come back */
	SQL_TO_CSV,     /* out_path: one file */
	SQL_TO_PARQUET, /* out_path: an existing empty directory; one file for each partition */
};

enum sql_codec { SQL_ZSTD, SQL_SNAPPY, SQL_GZIP, SQL_PLAIN };

struct sql_parquet { /* all zero: what is best */
	enum sql_codec codec;
	bool no_dictionary; /* values are never replaced by places in a dictionary */
	bool v2;            /* the encodings of the format's version 2 */
};

struct sql_param {
	const char *name;  /* of `$name` in the text; NULL for the next `?` */
	const char *value; /* text; NULL: null */
};

struct sql_cancel;
struct sql_cancel *sql_cancel_new(void);
struct sql_cancel *sql_cancel_free(struct sql_cancel *c); /* no job may use it any more; returns NULL */
void sql_cancel_fire(struct sql_cancel *c);               /* any thread; jobs that use it end with ERR_CANCELLED */

struct sql_job {
	const char *text;     /* one SELECT (or EXPLAIN of one, SQL_TO_CSV only) */
	const char *schema;   /* default for names without one; NULL: "default" */
	const struct sql_table *tables;
	size_t n_tables;
	const struct sql_param *params;
	size_t n_params;
	enum sql_output output;
	const char *out_path;
	/* SQL_TO_PARQUET: the target's columns; the statement's columns are cast to them by position, partition
	 * columns last.  NULL: the statement's own columns and types, one file. */
	const struct sql_column *out_columns, *out_keys;
	size_t n_out_columns, n_out_keys;
	struct sql_parquet parquet;
	uint64_t out_max_bytes; /* 0: 1 GiB of CSV, 64 GiB of Parquet */
	int64_t timeout_ms;     /* 0: the pool's default */
	struct sql_cancel *cancel; /* or NULL */
};

struct sql_out_file {
	const char *path;
	const char *const *partition; /* n_out_keys values as text */
	uint64_t rows, bytes;
};

struct sql_result {
	struct sql_column *columns;
	size_t n_columns;
	uint64_t rows;
	uint64_t scanned_bytes;   /* sizes of the files of the tables declared */
	int64_t queue_ms, run_ms; /* waiting for a child, working */
	struct sql_out_file *files; /* what was written: one for CSV; for Parquet none if there were no rows */
	size_t n_files;
};

struct sql;

/* --- using --- */
int sql_run(struct sql *s, const struct sql_job *job, struct arena *a, struct sql_result *ret, struct err *e) MUST_CHECK;

struct sql_name {
	const char *schema, *name; /* lower case; schema NULL when the text gives none */
};
/* The tables that @text names (not those of WITH, each once).  Also checks that it is one SELECT. */
int sql_tables(struct sql *s, const char *text, struct arena *a, struct sql_name **ret, size_t *ret_n,
	       struct err *e) MUST_CHECK;
struct sql *sql_close(struct sql *s); /* kills running children; returns NULL */

/* --- the pool of child processes --- */
struct sql_pool_opts {
	const char *program;     /* NULL: mulgil-sql beside this program, then ../libexec/mulgil/ of it */
	const char *scratch;     /* an existing directory for spilled data; on the disk, not in memory */
	unsigned children;       /* 0: 2; more jobs wait */
	unsigned threads;        /* of the engine in each child; 0: 2 */
	uint64_t memory_bytes;   /* engine's own limit; 0: 1 GiB.  The address space limit is 3 GiB above it */
	uint64_t spill_bytes;    /* of one job; 0: 16 GiB */
	int64_t timeout_ms;      /* 0: 30 minutes */
	int nice;                /* 0 to 19: how far the children stand back for others */
};
/* Starts no child before the first job, or sql_pool_warm().  ERR_NOENT: no program. */
int sql_open_pool(const struct sql_pool_opts *o, struct sql **ret, struct err *e) MUST_CHECK;
/* Starts one child now, so that the first job does not wait for it. */
void sql_pool_warm(struct sql *s);

/* --- for backends --- */
struct sql_vtable {
	int (*run)(struct sql *s, const struct sql_job *job, struct arena *a, struct sql_result *ret, struct err *e);
	int (*tables)(struct sql *s, const char *text, struct arena *a, struct sql_name **ret, size_t *ret_n, struct err *e);
	struct sql *(*close)(struct sql *s);
};
struct sql {
	const struct sql_vtable *v;
};
