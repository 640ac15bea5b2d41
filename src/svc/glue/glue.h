/* SPDX-License-Identifier: Apache-2.0 */
/* glue -- Glue: the data catalog (databases, tables, partitions) and jobs of the `sql` kind.  Any thread. */
#pragma once

#include "aws/op.h"
#include "store/blob.h"
#include "store/meta.h"
#include "store/sql.h"
#include "svc/ports.h"

struct glue;
extern const struct service glue_service;

struct glue_opts {
	struct meta *meta;
	struct blob_store *blobs;
	struct sql *sql;                  /* NULL: no SQL here; job runs fail and say so */
	const struct s3_port *s3;
	const struct events_port *events;
	const struct logs_port *logs;     /* or NULL */
	const char *staging;              /* an existing directory of the blobs' file system, glue's own: emptied at start */
	const char *region, *account;
};

int glue_new(const struct glue_opts *o, struct glue **ret, struct err *e) MUST_CHECK;
/* Fails the runs that a crash interrupted, and starts the threads that run jobs. */
int glue_start(struct glue *g, struct err *e) MUST_CHECK;
struct glue *glue_free(struct glue *g); /* cancels what runs; returns NULL */
const struct glue_port *glue_port(struct glue *g);
