/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool -- worker threads in lanes, so that long work never waits in front of short work.
 *
 * LANE_FAST is for metadata, records and small objects; LANE_SLOW for everything that may take long;
 * LANE_BULK for records that come in large batches, so that hundreds of them do not wait in front of a short request;
 * LANE_WAITING for what does little but wait (long polling, bodies that come at a client's pace): many
 * threads that cost next to nothing.
 * Work is plain blocking C.  Threads are started when needed and kept (idle ones end after a while).
 * Limits:  when @queue_max of a lane is reached pool_submit() fails with ERR_BUSY.
 */
#pragma once

#include "base/err.h"

enum pool_lane { LANE_FAST, LANE_SLOW, LANE_WAITING, LANE_BULK, LANE_COUNT };

struct pool;

struct pool_opts {
	unsigned threads[LANE_COUNT]; /* 0: there is no such lane */
	unsigned queue_max[LANE_COUNT];
};

struct pool *pool_new(const struct pool_opts *o);
struct pool *pool_free(struct pool *p); /* runs what is queued, then joins; returns NULL */
int pool_submit(struct pool *p, enum pool_lane lane, void (*fn)(void *), void *arg, struct err *e)
	MUST_CHECK;
