/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes of CloudWatch Logs, and records cut into parts: what comes out is never longer than what went in, but newlines. */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/macro.h"
#include "svc/firehose/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void run(const struct fh_stage_def *def, const struct fh_param *param, struct fh_batch *b)
{
	struct err e = { 0 };
	const struct fh_check x = { .a = b->a, .kind = "Fuzz", .e = &e };
	struct fh_processor proc = { .params = param, .n_params = 1 };

	must(def->parse(&x, &proc) == 0);
	must(def->run(NULL, &proc, b, &e) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct fh_param extract = { "DataMessageExtraction", "true" }, json = { "SubRecordType", "JSON" };
	struct fh_item one = { .seq = 1, .raw = view_of(p, n), .data = view_of(p, n) };
	struct arena a;
	struct fh_batch b = { .a = &a, .v = &one, .n = 1 };
	size_t all = 0;

	arena_init(&a, LIMIT_ARENA);
	run(&fh__stage_logs, &extract, &b);
	if (!one.failed)
		must(one.data.n <= n);
	run(&fh__stage_deaggregation, &json, &b);
	must(b.n >= 1);
	for (size_t i = 0; i < b.n; i++) {
		must(b.v[i].sub == i && b.v[i].seq == 1);
		all += b.v[i].data.n;
	}
	must(all <= n);
	arena_clear(&a);
	return 0;
}
