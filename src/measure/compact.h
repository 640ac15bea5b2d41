/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compact -- merges the small Parquet files of the lake's partitions, in the background.
 *
 * Fresh samples are files of their own at once, so there are several a second; compact_plan.h says which become one.
 * The merged file takes the place of its sources in ONE transaction, in which each source must still be what was read:
 * a listing (s3_port.list) sees the sources or the merged file, never both, never neither.  Queries that began before
 * keep the files they were given (s3_port.pin); a client that listed the bucket itself and comes later for a source gets
 * NoSuchKey and lists again.
 *
 * Merged are only files that carry COMPACT_COLUMNS with the columns the table has now, so none loses a column to a table
 * that has changed, and none that a user has put there is touched.  The rows written must be as many as COMPACT_ROWS of
 * the sources say, or nothing is replaced.
 *
 * Which tables: those bound to a delivery stream (mulgil.source), unless their parameter mulgil.compaction says "off";
 * of others those where it says "on".
 *
 * Threads:  one of its own; compact_touch() from any.
 * Crash:    a merged file without its transaction is litter that the next start sweeps.
 */
#pragma once

#include "measure/measure_int.h"

/* User metadata of the objects. */
#define COMPACT_COLUMNS "mulgil-columns" /* compact_columns() of the table */
#define COMPACT_ROWS "mulgil-rows"

struct compactor;

struct compactor *compactor_start(struct measure *m);
void compactor_stop(struct compactor *c); /* what is under way is given up; idempotent */
struct compactor *compactor_free(struct compactor *c);
/* A file has come to a partition of @t. */
void compact_touch(struct compactor *c, const struct glue_table *t, const char *location);
/* The columns of @t in a few characters: the same for the same names and types. */
const char *compact_columns(const struct glue_table *t, struct arena *a);
