// SPDX-License-Identifier: Apache-2.0
/* What json_parse() takes, it prints, and takes again as the same value. */
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct err e = { 0 };
	const struct json *v, *again;

	arena_init(&a, LIMIT_ARENA);
	v = json_parse(&a, view_of(p, n), JSON_DEPTH, &e);
	if (v) {
		again = json_parse(&a, view_str(json_text(&a, v)), JSON_DEPTH, &e);
		must(again && json_equal(v, again));
	} else {
		must(e.code == ERR_INVALID || e.code == ERR_LIMIT);
	}
	arena_clear(&a);
	return 0;
}
