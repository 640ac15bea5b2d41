/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger on a real meta store, blob store and log; services and SQL are played. */
#pragma once

#include <stdatomic.h>

#include "base/json.h"
#include "data/envelope.h"
#include "measure/measure.h"
#include "os/thread.h"
#include "unit.h"

#define STREAM "01234567-89ab-4cde-8f01-23456789abcd"
#define MEASUREMENT "m-1"
#define MESSAGES "max30102.fifo2@1" /* whole frames in every record: 6 bytes with two samples, red and ir */
#define BYTES "openeeg.p2@1"        /* frames of 17 bytes anywhere in the stream */
#define SUMMED "cerebralogik.v5@1"  /* 40 bytes, the last two are their sum */

struct fixture {
	struct sql sql; /* first: what the played SQL engine is given */
	struct arena a;
	const char *dir;
	struct err e;
	struct meta *meta;
	struct blob_store *blobs;
	struct log *log;
	struct s3_port s3;
	struct events_port events;
	struct firehose_port firehose;
	struct glue_port glue;
	struct measure *m;
	struct event manifests[2];
	const char *texts[2];
	_Atomic size_t n_manifests;
	_Atomic int failures; /* so many of the next SQL jobs fail */
	struct lock emitted_lock;
	struct buf emitted; /* details of events that were sent, a line each */
};

struct fixture *fixture_new(const char *layout); /* with a begin manifest that names STREAM */
void fixture_restart(struct fixture *f);
void fixture_free(struct fixture *f);

void put_bytes(struct fixture *f, struct view record); /* into the log */
void put(struct fixture *f, uint32_t seq, struct view payload);
void put_at(struct fixture *f, uint32_t seq, struct view payload, int64_t t_tablet_ns);
void end(struct fixture *f, int last_seq); /* the end manifest */
/* Waits until an event whose detail contains @part was sent. */
bool was_emitted(struct fixture *f, const char *part);
/* The ledger's document of MEASUREMENT, settled, and its stream. */
const struct json *shown(struct fixture *f);
const struct json *stream(struct fixture *f);
int64_t number(const struct json *o, const char *name);
/* All samples of a channel in the table, in the order of seq and chunk: "1,2,3". */
const char *samples(struct fixture *f, const char *channel);
/* "t0_utc_us dt_us gap_before;..." of its rows, in the same order. */
const char *times(struct fixture *f, const char *channel);
/* "reason seq;..." of what is in quarantine, in the order of the log. */
const char *quarantine(struct fixture *f);
