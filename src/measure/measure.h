/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure -- the ledger of measurements: what was expected, what has arrived, what is missing or double.
 *
 * One reader per bound delivery stream (a Glue table with the parameter mulgil.source = firehose:<stream>) takes the
 * records of its ingest log in order and does, in ONE meta transaction per batch: ledger rows, decoded samples
 * (Parquet objects of the bound table and their partitions), quarantine rows, and its own position.  So a crash repeats
 * work and never results.  Before each batch it takes the events that are in the outbox (begin and end manifests are
 * S3 objects, see docs/audience-pipeline.md), so a stream is known before its first record is looked at.
 *
 * Quarantined, with what was wrong: no envelope (its fault's name), no_stream, no_layout, conflict, range (a seq more than 2^20
 * ahead), other_delivery (a stream that came by two), and records with a bad frame (the fault's name).
 *
 * Records of one stream are decoded in seq order: a record that comes early waits (in the log) until the gap before it is
 * filled, the measurement's end manifest has come, or MEASURE_GAP_PATIENCE_MS have passed (counted anew after a restart).
 * Threads:  any for the functions below.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "store/meta.h"
#include "store/sql.h"
#include "svc/ports.h"

#define MEASURE_GAP_PATIENCE_MS 10000

struct measure;

struct measure_opts {
	struct meta *meta;
	struct blob_store *blobs; /* s3's, for Parquet files that become objects */
	struct sql *sql; /* not the one that users' queries wait for */
	const struct s3_port *s3;
	const struct events_port *events;
	const struct firehose_port *firehose;
	const struct glue_port *glue;
	int64_t compact_quiet_s; /* a partition without new files for so long is merged to the end; 0: 30 */
	const char *staging_dir; /* an existing directory of the blobs' file system, measure's own: emptied at start */
};

int measure_new(const struct measure_opts *o, struct measure **ret, struct err *e) MUST_CHECK; /* creates its tables */
int measure_start(struct measure *m, struct err *e) MUST_CHECK;
/* The readers end; whoever waits in measure_settle(), or calls it from now on, gets ERR_CANCELLED. */
void measure_stop(struct measure *m);
struct measure *measure_free(struct measure *m); /* stops; nobody may be in a function of it; returns NULL */

/* Waits until every record and event that was durable when the call began is in the ledger; ERR_TIMEOUT, ERR_CANCELLED. */
int measure_settle(struct measure *m, int timeout_ms, struct err *e) MUST_CHECK;

/* The JSON documents of docs/audience-pipeline.md section 5.  ERR_NOENT. */
int measure_show(struct measure *m, const char *id, struct buf *ret, struct err *e) MUST_CHECK;
int measure_list(struct measure *m, struct buf *ret, struct err *e) MUST_CHECK;

/*
 * Live signals: @fn is told of what it watches as soon as that is durable.  Best effort: no promise, no history.
 * It is called by one thread at a time, with a lock held: it must not block and must not call measure_*().  When it returns
 * false, and when it has been told MEASURE_END, it is not called again.
 */
struct measure_watch {
	const char *delivery, *measurement, *stream; /* at least one; NULL: any */
	const char *const *channels; /* by name; n 0: all */
	size_t n_channels;
	double hz; /* channels with more samples a second come as least, greatest, first and last of so many buckets; 0: all samples */
};
enum measure_live {
	MEASURE_BEGUN,   /* from within measure_subscribe(): what becomes durable from now on is told */
	MEASURE_SAMPLES, /* of one record; JSON documents of docs/audience-pipeline.md section 5 */
	MEASURE_ALARM,
	MEASURE_BEAT, /* every 10 s: is anybody there? */
	MEASURE_END,
};
typedef bool (*measure_live_fn)(void *arg, enum measure_live what, struct view json);
/* false: the live view has ended; @fn was not called. */
bool measure_subscribe(struct measure *m, const struct measure_watch *w, measure_live_fn fn, void *arg);
void measure_end_live(struct measure *m); /* all subscribers are told MEASURE_END before this returns */
