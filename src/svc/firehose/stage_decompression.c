/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_decompression -- "Decompression": records that are gzip become what is in them.
 *
 * Parameter CompressionFormat: GZIP, which is also the default.  AWS takes records from CloudWatch Logs alone then; here
 * whoever may put records may put these.  A record that is not gzip, or is more than UNPACKED_MAX, fails with
 * error type "decompression-failed" and its bytes as they were put.
 */
#include "base/limits.h"
#include "os/gzip.h"
#include "svc/firehose/config.h"

#define FORMAT "CompressionFormat"
#define UNPACKED_MAX (16 * MIB) /* of one record; CloudWatch Logs sends at most some 1 MiB of events, packed */

static int parse(const struct fh_check *x, struct fh_processor *p)
{
	static const char *const names[] = { FORMAT, NULL };
	const char *format = fh__param(p, FORMAT);
	int rc = fh__param_only(x, p, names);

	if (!rc && format && strcmp(format, "GZIP") != 0)
		rc = fh__processor_invalid(x, p, FORMAT " %s is not supported; GZIP is", format);
	return rc;
}

static void unpack(struct fh_batch *b, struct fh_item *it)
{
	struct err why = { 0 };
	struct buf out;
	int rc;

	buf_init(&out, UNPACKED_MAX);
	rc = gzip_unpack(it->data, &out, &why);
	if (!rc && !fh__fits(b, out.n))
		rc = err_set(&why, ERR_LIMIT, "more than fits together with its neighbours");
	if (rc)
		fh__fail(it, FH_DECOMPRESSION_FAILED, arena_str(b->a, view_str(why.msg)), 1);
	else
		it->data = arena_view(b->a, buf_view(&out));
	buf_clear(&out);
}

static int run(struct fh_stream *s, const struct fh_processor *p, struct fh_batch *b, struct err *e)
{
	(void)s;
	(void)p;
	(void)e;
	for (size_t i = 0; i < b->n; i++)
		if (fh__is_open(&b->v[i]))
			unpack(b, &b->v[i]);
	return 0;
}

const struct fh_stage_def fh__stage_decompression = { .parse = parse, .run = run };
