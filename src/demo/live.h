/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live -- one viewer per person on the live signals: how long from the tablet's stamp until a viewer has the sample?
 *
 * Both stamps are of the same machine's wall clock.  Counted once per record; left out are records that were being
 * repeated at that time (the server was away), for their wait is not the live view's.
 *
 * Threads:  one per viewer (live_run()); read the latencies after it has ended.
 */
#pragma once

#include "demo/tablet.h"

struct live {
	struct tablet *tablet;
	struct aws_client *aws;
	struct buf text;
	atomic_bool there; /* subscribed */
	double *ms;        /* latencies */
	size_t n, cap;
	uint64_t events, breaks; /* records seen; connections that broke */
	uint8_t *seen[PERSON_STREAMS]; /* by seq */
};

void live_init(struct live *l, struct tablet *t);
void live_clear(struct live *l);
void *live_run(void *live);
/* p in 0..100 of @n values, which are sorted by the call; 0 for none. */
double live_percentile(double *ms, size_t n, double p);
