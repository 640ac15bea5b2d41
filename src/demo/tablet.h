/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tablet -- one tablet of the screening, as a real one would behave: announces its measurement, uploads its files by
 * the presigned URLs, sends records while the signal goes on, repeats what was not acknowledged, ends with its manifest.
 *
 * A record is built once: sent again it has the same bytes, so that the ledger can tell a repetition from a conflict.
 *
 * Threads:  one per tablet (tablet_run()); what others may read meanwhile is atomic or under .lock, the rest after the
 *           thread has ended.
 */
#pragma once

#include <stdatomic.h>

#include "aws/client.h"
#include "demo/person.h"
#include "demo/plan.h"
#include "os/thread.h"

#define TABLET_FILES 3
#define TABLET_SPREAD_S 10.0 /* without --speed: each person's signal is played in that time */

struct show { /* what all tablets share */
	struct aws_client_opts conn;
	const char *url_path; /* of the function URL */
	const char *delivery; /* delivery stream */
	const char *screening, *content;
	uint64_t seed, video_bytes;
	unsigned faults;
	double speed; /* 0: by TABLET_SPREAD_S */
	atomic_bool stop;
	atomic_uint ready;        /* tablets whose files are up */
	atomic_bool go;           /* live subscribers are there: play */
	atomic_uint_fast64_t sent, to_send; /* records, for progress */
	atomic_uint ended, done;  /* tablets whose manifest is up; whose result was seen or given up */
};

struct tablet_file {
	const char *modality, *key;
	struct buf data;
	char sha256[65];
};

struct tablet {
	struct show *show;
	struct person *person;
	size_t number;
	bool faulty; /* drops records (every second tablet, with the fault asked for) */

	struct arena arena;
	struct aws_client *aws;
	struct http_client *http;
	struct tablet_file files[TABLET_FILES];
	const char *begin;            /* the begin manifest as sent */
	const struct json *announced; /* the function's last answer */
	struct plan plans[PERSON_STREAMS];
	int64_t *stamps[PERSON_STREAMS]; /* by seq; 0: not yet sent */
	size_t next[PERSON_STREAMS];     /* place in the plan */
	uint32_t most[PERSON_STREAMS];

	/* live and probe look at these */
	struct lock lock;
	size_t acked_stream; /* the last record acknowledged */
	uint32_t acked_seq;
	int64_t acked_ns; /* wall clock; 0: none yet */
	atomic_bool trouble;           /* a batch is being repeated */
	atomic_int_fast64_t calm_ns;   /* the wall clock when the last one was through */

	/* after the end */
	uint64_t accepted[PERSON_STREAMS]; /* acknowledged, each time it was sent */
	uint64_t retries, payload_bytes;
	int64_t last_byte_ns, verified_ns, result_ns; /* wall clock; 0: never */
	const struct json *result;
	const char *failed; /* NULL: all was sent and acknowledged */
};

void tablet_init(struct tablet *t, struct show *s, struct person *p, size_t number);
void tablet_clear(struct tablet *t);
void *tablet_run(void *tablet);
/* Seconds that @p is played. */
double tablet_seconds(const struct show *s, const struct person *p);
/* Was a record of this stream and seq sent at all? */
bool tablet_sends(const struct tablet *t, size_t stream, uint32_t seq);
