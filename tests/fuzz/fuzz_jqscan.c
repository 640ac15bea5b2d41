/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of jq: whatever is accepted has keys, within the limits. */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "data/jqscan.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jqscan s;
	struct err e = { 0 };
	struct arena a;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = jqscan(&a, view_of(p, n), &s, &e);
	must(rc == e.code);
	if (!rc)
		must(s.n_keys > 0 && s.n_keys <= JQSCAN_KEYS);
	arena_clear(&a);
	return 0;
}
