/* SPDX-License-Identifier: Apache-2.0 */
/* GetCallerIdentity tells whose key it was. */
#include "unit.h"

#include "base/limits.h"
#include "svc/sts/sts.h"

static const struct {
	const char *arn, *want;
} callers[] = {
	{ "arn:aws:iam::123456789012:root",
	  "{\"UserId\":\"123456789012\",\"Account\":\"123456789012\",\"Arn\":\"arn:aws:iam::123456789012:root\"}" },
	{ "arn:aws:iam::123456789012:role/f",
	  "{\"UserId\":\"ASIAX\",\"Account\":\"123456789012\",\"Arn\":\"arn:aws:iam::123456789012:role/f\"}" },
};

TEST(sts_get_caller_identity)
{
	struct op_registry *r = op_registry_new();

	op_registry_add(r, &sts_service, NULL);
	op_registry_context(r, "ap-northeast-2", VIEW("http://127.0.0.1:1"));
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		const struct op_caller c = { "123456789012", "ASIAX", callers[i].arn, "127.0.0.1" };
		const struct json *out = NULL;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, LIMIT_ARENA);
		assert_int_equal(op_call(r, "sts", "getCallerIdentity", NULL, &c, &a, &out, &e), 0);
		assert_string_equal(json_text(&a, out), callers[i].want);
		arena_clear(&a);
	}
	op_registry_free(r);
}
