/* SPDX-License-Identifier: Apache-2.0 */
/* fixture -- Glue on real stores, the real S3 and the real SQL child, called through op_call(). */
#pragma once

#include "aws/op.h"
#include "svc/glue/glue.h"
#include "svc/s3/s3.h"
#include "unit.h"

#define EVENTS_MAX 100

struct fixture {
	char dir[256];
	struct arena a;
	struct err e;
	struct meta *meta;
	struct blob_store *blobs;
	struct sql *sql; /* NULL where libduckdb is not there */
	struct s3 *s3;
	struct s3_port s3_port;
	struct events_port events;
	struct glue *glue;
	struct op_registry *ops;
	const char *once; /* of op_caller, for the calls that follow */
	const char *events_seen[EVENTS_MAX]; /* malloc: runner threads emit */
	size_t n_events;
};

struct fixture *fixture_new(void);
void fixture_restart(struct fixture *f); /* as after a crash: everything in memory is gone */
void fixture_free(struct fixture *f);
void fixture_need_sql(struct fixture *f); /* skips the test where there is none */

/* ' for " in @in. */
const struct json *call(struct fixture *f, const char *op,
			const char *in); /* "glue:GetTable"; NULL on failure */
const struct json *ok(struct fixture *f, const char *op, const char *in); /* must go well */
void fails(struct fixture *f, const char *op, const char *in, const char *code,
	   const char *message);
const char *text(struct fixture *f, const struct json *o, const char *member); /* "" if absent */
void put(struct fixture *f, const char *key, const char *content); /* into bucket "lake" */
const char *get(struct fixture *f, const char *key);               /* NULL: no such object */
/* Database "d", JSON table "raw" (id string, n int) and Parquet table "out" (id string, total bigint; dt date). */
void make_tables(struct fixture *f);
