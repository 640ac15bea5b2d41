// SPDX-License-Identifier: Apache-2.0
/* GetPartitions.Expression over keys of every kind, then matched against fixed values. */
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "svc/glue/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct expression_key keys[] = {
		{ "dt", "date" },         { "s", "string" },    { "n", "int" },
		{ "d", "decimal(10,2)" }, { "t", "timestamp" }, { "x", "double" }
	};
	static const char *const values[] = { "2026-01-15",          "a'b", "-7", "10.50",
					      "2026-01-15 10:00:00", "1" };
	const struct expression *x;
	struct arena a;
	struct err e = { 0 };

	if (n > 2048) /* what the operation lets through */
		return 0;
	arena_init(&a, 64UL * 1024 * 1024);
	if (expression_parse(&a, arena_str(&a, view_of(p, n)), keys, ARRAY_LEN(keys), &x, &e) == 0)
		(void)expression_match(x, values);
	arena_clear(&a);
	return 0;
}
