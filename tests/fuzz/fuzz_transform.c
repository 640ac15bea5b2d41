/* SPDX-License-Identifier: Apache-2.0 */
/* What a function answers: every record has exactly one fate, whatever the answer is. */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/macro.h"
#include "svc/firehose/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(const struct fh_item *it)
{
	must(!(it->failed && it->dropped));
	if (it->failed)
		must(it->code && it->message && it->attempts);
	else
		must(it->data.n < LIMIT_ARENA);
	for (size_t i = 0; i < it->n_lambda; i++)
		must(it->failed || it->lambda[i].value.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct fh_item v[3] = { { .seq = 1, .data = VIEW("a") }, { .seq = 2, .data = VIEW("b") }, { .seq = 2, .sub = 1 } };
	struct fh_item *items[3] = { &v[0], &v[1], &v[2] };
	const struct fh_invocation call = { .id = "i", .stream_arn = "s", .region = "r", .function = "f",
					    .items = items, .n = 3, .attempts = 1 };
	struct fh_batch b = { .a = &a, .v = v, .n = 3 };
	struct buf event;

	arena_init(&a, LIMIT_ARENA);
	buf_init(&event, MIB);
	fh__event(&call, &event);
	must(!event.over);
	fh__answer(&call, view_of(p, n), &b);
	for (size_t i = 0; i < 3; i++)
		check(&v[i]);
	buf_clear(&event);
	arena_clear(&a);
	return 0;
}
