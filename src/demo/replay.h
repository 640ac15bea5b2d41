/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay -- signals as many tablets against a running server, at their real pace, and how long everything took.
 *
 * The load is open: a record is due when its last sample has been measured, whether the server has answered the one
 * before or not, and every time counts from there.  So a server that stalls is charged for all that had to wait meanwhile
 * (no coordinated omission: Gil Tene, "How NOT to Measure Latency", 2013).
 *
 *   acknowledged: due -> the answer to PutRecordBatch
 *   live:         due -> a viewer of the measurement's live signals has it (/-/signals)
 *   SQL:          acknowledged -> the first query that shows it was started.  One query after the other asks for all
 *                 streams, so it is never less than the truth and at most a query's time more.
 *
 * Threads:  one per tablet and one per viewer, as each has a connection of its own; one for the queries.
 */
#pragma once

#include <stdatomic.h>

#include "aws/client.h"
#include "base/hist.h"
#include "demo/person.h"
#include "os/thread.h"

#define REPLAY_PEOPLE_MAX 5000
#define REPLAY_OUTPUT "s3://audience-analysed/queries/"

/* The records of one recorded stream, built once; tablets play them from the start again when they are over. */
struct replay_source {
	const struct stream *stream;
	struct view *payloads;
	size_t n;
	double record_s; /* signal in one record */
};

struct replay_stamp {
	_Atomic int64_t ns; /* mono; 0: not yet */
};
struct replay_stream { /* one stream of one tablet */
	const struct replay_source *from;
	char id[UUID_TEXT];
	uint8_t id_bytes[16];
	size_t n;                            /* records it will have sent */
	struct replay_stamp *acked;          /* by seq */
	uint32_t next;                       /* seq that is due next; the tablet's own */
	uint32_t shown;                      /* all before are known to SQL; the query's own */
};

struct replay {
	struct aws_client_opts conn;
	const char *raw, *database, *delivery, *screening;
	double seconds;
	int64_t start_ns; /* mono: when the play begins */
	int64_t wall_ns;  /* wall clock - mono clock */
	_Atomic bool stop;
	_Atomic uint64_t sent, refused, bytes, trouble;
	_Atomic unsigned ready, played;
	struct replay_tablet *tablets;
	size_t n;
};

struct replay_tablet {
	struct replay *r;
	size_t number;
	const struct person *person;
	char id[UUID_TEXT]; /* the measurement */
	struct replay_stream streams[PERSON_STREAMS];
	size_t n_streams;
	struct aws_client *aws;
	struct hist *acked;
	char failed[1024]; /* "": all was sent and acknowledged */
};

/* replay_send.c */
void *replay_send(void *tablet); /* announces itself, waits for the start, plays */
int64_t replay_due_ns(const struct replay_tablet *t, const struct replay_stream *s, uint32_t seq); /* mono */

/* replay_view.c */
struct replay_viewer {
	struct replay_tablet *tablet;
	bool slow; /* takes a piece a second */
	struct hist *live;
	uint64_t seen, gaps, breaks;
	_Atomic bool there;
	struct buf text;
};
void *replay_view(void *viewer);

/* replay_sql.c */
struct replay_query {
	struct replay *r;
	const char *beside; /* a query that is run all the time beside the others; NULL: none */
	struct hist *visible, *took;
	uint64_t queries, failed;
	char error[1024];
};
void *replay_query(void *query);
void *replay_beside(void *query);
