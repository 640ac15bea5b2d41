/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert -- record format conversion: items to rows of a Glue table, rows to a Parquet file.
 *
 * fh__convert() is the last stage: it turns the data of each open item into its rows (JSON lines, data/serde.h), or
 * fails the item as "format-conversion-failed".  What becomes of the rows is the buffers' business: rows of items of one
 * target, one after another, are what fh__parquet_make() takes when the target is due.
 *
 * A schema is the table as it was looked up once.  Before each batch: fh__schema_same(); when the table has changed,
 * everything that was converted by the old schema is delivered first, then a new one is opened.  A record may fit one version
 * of a table and not another, so which target it goes to is not fixed (fh_config.fixed): all targets of a
 * stream are delivered together.
 *
 * Threads:  a schema by one at a time.
 */
#pragma once

#include "store/meta.h"
#include "svc/firehose/config.h"

struct fh_schema;

/* Negative: the table is not there, or has a column of a type that cannot be converted, or is not the version that is asked
 * for.  Nothing can be delivered now; @e says why. */
int fh__schema_open(struct fh_stream *s, struct fh_schema **ret, struct err *e) MUST_CHECK;
struct fh_schema *fh__schema_free(struct fh_schema *sc); /* NULL is fine; returns NULL */
/* 1: the table is as it was; 0: it has changed; negative: it cannot be looked up. */
int fh__schema_same(struct fh_stream *s, const struct fh_schema *sc, struct err *e) MUST_CHECK;

/* Negative never because of what an item holds. */
int fh__convert(struct fh_stream *s, struct fh_schema *sc, struct fh_batch *b, struct err *e) MUST_CHECK;

struct fh_parquet {
	const char *dir, *path; /* a finished file, in a directory of its own; not durable yet */
	uint64_t rows, bytes;
};
/* @rows, or the file at @rows_path if that is set, to a Parquet file.  Strings in @a. */
int fh__parquet_make(struct fh_stream *s, const struct fh_schema *sc, struct view rows, const char *rows_path, struct arena *a,
		     struct fh_parquet *ret, struct err *e) MUST_CHECK;
void fh__parquet_end(const struct fh_parquet *p); /* removes file and directory; moved away is fine */

/*
 * With the transaction that publishes an object: if the table asks for it (parameter "mulgil.partitions" = "register") and the
 * object's key is <the table's location><key>=<value>/... for each of the table's partition keys, the partition is there from
 * then on.  AWS never does that, so no table has it done that does not ask.
 */
int fh__partition_tx(const struct fh_stream *s, struct meta_tx *tx, const struct fh_schema *sc, const char *bucket,
		     const char *key, struct err *e) MUST_CHECK;

/* The Content-Encoding that AWS gives Parquet objects of this codec; NULL: none. */
const char *fh__parquet_encoding(const struct fh_conversion *c);
/* AWS's document of an item that failed as "format-conversion-failed", one line. */
void fh__convert_document(const struct fh_stream *s, const struct fh_item *it, int64_t now_ms, struct buf *out);
