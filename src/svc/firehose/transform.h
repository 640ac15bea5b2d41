/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transform -- what Firehose says to a Lambda function and what the function may answer: pure functions.
 *
 * Codes and texts are those that AWS writes into error documents, where they are known (see transform.c).
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "svc/firehose/stage.h"

struct fh_invocation {
	const char *id;          /* a new UUID each time */
	const char *stream_arn, *region, *function;
	struct fh_item *const *items;
	size_t n;
	unsigned attempts;       /* of this and the ones before */
};

#define FH_INVOCATION_MAX (6 * MIB) /* bytes of the event, as Lambda has it */
/* An item's part of an event is not longer. */
static inline size_t fh__event_bytes(const struct fh_item *it)
{
	return (it->data.n + 2) / 3 * 4 + 192;
}
void fh__event(const struct fh_invocation *v, struct buf *ret);
/* Takes the function's answer (JSON, or not) apart: every item has its new data and keys, is dropped, or failed.  Data and
 * texts are put into @b's arena. */
void fh__answer(const struct fh_invocation *v, struct view answer, struct fh_batch *b);
extern const char fh__function_error[]; /* AWS's text for Lambda.FunctionError */
/* All of them. */
void fh__fail_all(const struct fh_invocation *v, const char *code, const char *message);
