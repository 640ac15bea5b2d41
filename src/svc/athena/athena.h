/* SPDX-License-Identifier: Apache-2.0 */
/* athena -- Athena: SQL over the catalog's tables, results as CSV objects.  Any thread. */
#pragma once

#include "aws/op.h"
#include "store/meta.h"
#include "store/sql.h"
#include "svc/ports.h"

struct athena;
extern const struct service athena_service;

struct athena_opts {
	struct meta *meta;
	struct blob_store *blobs;
	struct sql *sql;                  /* NULL: no SQL here; queries fail and say so */
	const struct s3_port *s3;
	const struct glue_port *glue;
	const char *staging;              /* an existing directory of the blobs' file system, athena's own: emptied at start */
	const char *output_location;      /* of workgroup primary, "s3://bucket/prefix/"; NULL: requests must name one */
	const char *region, *account;
};

int athena_new(const struct athena_opts *o, struct athena **ret, struct err *e) MUST_CHECK;
/* Fails the queries that a crash interrupted, and starts the threads that run queries. */
int athena_start(struct athena *a, struct err *e) MUST_CHECK;
struct athena *athena_free(struct athena *a); /* cancels what runs; returns NULL */
