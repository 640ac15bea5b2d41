/* SPDX-License-Identifier: Apache-2.0 */
/* logs_int -- what the files of this folder share. */
#pragma once

#include "os/thread.h"
#include "svc/logs/logs.h"

struct logs_line {
	struct logs_line *next;
	const char *group, *stream; /* in the same allocation as text */
	int64_t at_ms;
	struct view text;
};

struct logs {
	struct meta *meta;
	char *region, *account;
	struct logs_port port;
	struct lock lock;
	struct cond wake;
	struct logs_line *first, **last;
	size_t bytes; /* waiting */
	uint64_t lost; /* lines over the ceiling */
	pthread_t thread;
	bool running, stopping;
};

extern const struct aws_error LOGS_INVALID, LOGS_EXISTS, LOGS_NOT_FOUND;

int logs__schema(struct meta *m, struct err *e);
/* In a transaction: one event; the stream and, with @create, its group are made as needed. */
int logs__add_tx(struct meta_tx *tx, const char *group, const char *stream, int64_t at_ms, struct view text, struct err *e);
int logs__make_tx(struct meta_tx *tx, const char *group, const char *stream, struct err *e);
const char *logs__group_arn(struct logs *l, const char *group, struct arena *a);
