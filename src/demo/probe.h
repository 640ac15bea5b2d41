/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe -- how long from a record's acknowledgement until Athena's SQL sees it?
 *
 * Goes from tablet to tablet: takes the record acknowledged last and asks until a query counts it, so the time includes the query
 * itself.  Threads: one (probe_run()); read the latencies after it has ended.
 */
#pragma once

#include "demo/tablet.h"

#define PROBE_MAX 4096

struct probe {
	struct show *show;
	struct tablet *tablets;
	size_t n_tablets;
	struct aws_client *aws;
	atomic_bool stop;
	double ms[PROBE_MAX];
	size_t n;
	uint64_t queries;
	char last_error[ERR_MSG_MAX]; /* "" or why the last query failed */
};

#define PROBE_OUTPUT "s3://audience-analysed/queries/"

void probe_init(struct probe *p, struct show *s, struct tablet *tablets, size_t n);
void probe_clear(struct probe *p);
void *probe_run(void *probe);
