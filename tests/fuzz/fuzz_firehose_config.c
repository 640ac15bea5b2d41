/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations of delivery streams: any JSON that is an object is parsed or refused with a reason, as it is and merged. */
#include "base/limits.h"
#include "svc/firehose/deliver.h"

static const struct json *as_it_is(struct arena *a, struct firehose *f, const struct json *v)
{
	struct err e = { 0 };
	const struct fh_check x = { .a = a, .f = f, .stream = "s", .kind = "Destination", .e = &e };
	struct fh_config c;

	if (fh__config_parse(&x, v, &c) < 0)
		must(e.code && e.msg[0]);
	else
		must(c.data.bucket && c.data.prefix && (!c.backup || c.backup->bucket));
	fh__config_release(&c);
	return fh__config_defaults(a, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char region[] = "r", account[] = "000000000000";
	struct firehose f = { .region = region, .account = account };
	const struct json *v;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	v = n < 65536 ? json_parse(&a, view_of(p, n), 32, &e) : NULL;
	if (json_is(v, JSON_OBJ)) {
		const struct json *filled = as_it_is(&a, &f, v);

		must(json_len(filled) >= json_len(v));
		(void)as_it_is(&a, &f, fh__config_merge(&a, filled, v));
	}
	arena_clear(&a);
	return 0;
}
