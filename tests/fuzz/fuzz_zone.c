/* SPDX-License-Identifier: Apache-2.0 */
/* TZif files: any bytes; what is taken has to say something of every moment. */
#include "base/limits.h"
#include "data/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const int64_t moments[] = { INT64_MIN / 2000000, -1, 0, 1795380007089, 4102444800000, 253402300799999 };
	const struct zone *z;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	if (n < 65536 && zone_parse(&a, VIEW("Some/Where"), view_of(p, n), &z, &e) == 0)
		for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
			struct zone_at at = zone_at(z, moments[i]);

			must(at.offset_s > -1000000 && at.offset_s < 1000000 && at.abbreviation.n <= n);
		}
	arena_clear(&a);
	return 0;
}
