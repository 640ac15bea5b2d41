/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firehose -- delivery streams: records into a durable log, from there into objects of S3.
 *
 * One log per stream.  PutRecord and PutRecordBatch append to it and answer when that is on disk; an actor per
 * stream reads it from its durable offset, gathers by the buffering hints, and publishes each object together
 * with the new offset in one transaction: a crash repeats work, never results.
 *
 * Threads:  any.
 * Durable:  records, when they are answered; streams and their tags as well.
 * Limits:   1,024,000 bytes a record, 500 records and 4 MiB a batch; the log's own ceiling: then
 *           ServiceUnavailableException.
 */
#pragma once

#include "aws/op.h"
#include "svc/ports.h"

struct firehose;

/* What is NULL here cannot be had: a configuration that needs it is refused. */
struct firehose_opts {
	struct meta *meta;
	struct blob_store *blob;
	struct s3_port s3;
	const char *dir;              /* of the logs, one folder each; copied */
	const struct kinesis_port *kinesis; /* sources; NULL: none.  It is complete when firehose_start() is called */
	const struct glue_port *glue; /* tables of format conversion; kept */
	struct sql *sql;              /* writes Parquet */
	struct jq *jq;                /* MetadataExtraction */
	const char *staging;          /* an existing directory of the blobs' file system, firehose's own; copied */
	const struct logs_port *logs; /* where delivery writes its errors; kept */
	const char *region, *account; /* copied */
	/* Of one stream's log.  What everybody has read is kept while it is younger than log_keep_ms and the log not larger
	 * than log_keep_bytes (0: no bound), as long as there is room for new records. */
	uint64_t log_bytes_max; /* 0: the log's default */
	int64_t log_keep_ms;
	uint64_t log_keep_bytes;
};

extern const struct service firehose_service;

struct firehose *firehose_new(const struct firehose_opts *o);
/* Creates the tables, opens the logs: records are taken from now on. */
int firehose_start(struct firehose *f, struct err *e) MUST_CHECK;
/* Begins delivery; @ops is where Lambda functions are called and has to outlive @f's deliveries (firehose_stop()). */
int firehose_deliver(struct firehose *f, const struct op_registry *ops, struct err *e) MUST_CHECK;
/* Ends delivery; records are still taken.  Idempotent. */
void firehose_stop(struct firehose *f);
/*
 * The accounts of all streams: an array of {"stream", "accepted", "delivered", "rejected", "dropped", "pending": records;
 * "items": what became of them and was published; "problem": what is wrong, if anything is}.
 */
int firehose_verify(struct firehose *f, struct arena *a, const struct json **ret, struct err *e) MUST_CHECK;
/* Ends delivery and closes the logs (readers of others have to be gone); what is not delivered waits in the
 * logs.  Returns NULL. */
struct firehose *firehose_free(struct firehose *f);
/*
 * hold(): the first call of a reader for a stream is durable, so it may block and may not be made inside a
 * transaction; later calls are remembered in memory only: after a restart the first position counts until the
 * reader calls again.  Position UINT64_MAX ends the hold.
 */
struct firehose_port firehose_port(struct firehose *f);
