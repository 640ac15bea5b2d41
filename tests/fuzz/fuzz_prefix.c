/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix expressions: whatever parses also evaluates, and both uses agree on what is no prefix at all. */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "data/prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct view text = view_of(p, n);

	for (int use = PREFIX_DATA; use <= PREFIX_ERROR; use++) {
		const struct prefix_env env = { .at_ms = 1795380007089,
						.error_type = "processing-failed",
						.seed = n };
		const struct prefix *x;
		struct err e = { 0 };
		struct arena a;
		struct buf b;

		arena_init(&a, MIB);
		buf_init(&b, MIB);
		if (prefix_parse(&a, text, (enum prefix_use)use, &x, &e) == 0) {
			prefix_eval(x, &env, &b);
			must(!b.over);
		} else {
			must(e.code == ERR_INVALID || e.code == ERR_UNSUPPORTED);
		}
		buf_clear(&b);
		arena_clear(&a);
	}
	return 0;
}
