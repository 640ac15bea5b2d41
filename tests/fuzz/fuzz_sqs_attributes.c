// SPDX-License-Identifier: Apache-2.0
/* Message attributes as JSON: checked, and those that are taken have a digest. */
#include "base/limits.h"
#include "svc/sqs/sqs_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *names[] = { "a.*", "b" };
	const struct op_list some = { true, 2, names };
	struct arena a;
	struct err e = { 0 };
	const struct json *v;
	size_t bytes;
	char md5[33];

	arena_init(&a, LIMIT_ARENA);
	v = json_parse(&a, view_of(p, n), JSON_DEPTH, &e);
	err_clear(&e);
	if (v && sqs__attr_check(v, &bytes, &a, &e) == 0) {
		must(json_len(v) <= SQS_ATTRIBUTES_MAX && bytes <= n);
		sqs__attr_md5(v, &a, md5);
		v = sqs__attr_pick(v, &some, &a);
		if (v)
			sqs__attr_md5(v, &a, md5);
	} else {
		must(!v || e.wire);
	}
	arena_clear(&a);
	return 0;
}
