/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqs -- Simple Queue Service: standard queues, their messages, dead-letter queues.
 *
 * Threads: any; ReceiveMessage may block for WaitTimeSeconds (its row says OP_WAITS).
 * Durable: every accepted message, receipt and deletion before its answer; many callers share one fsync.
 * Start:   sqs_new() answers operations at once.  sqs_stop() ends every waiting ReceiveMessage with no message and
 *          lets none wait any more; then sqs_free(), when no operation runs.
 */
#pragma once

#include "aws/op.h"
#include "store/meta.h"

struct sqs;

struct sqs_opts {
	struct meta *meta;
	const char *region, *account;
	int64_t (*now_ms)(void); /* NULL: clock_ms() */
};

extern const struct service sqs_service;

int sqs_new(const struct sqs_opts *o, struct sqs **ret, struct err *e) MUST_CHECK;
void sqs_stop(struct sqs *q);
struct sqs *sqs_free(struct sqs *q); /* stops; NULL is fine; returns NULL */
