/* SPDX-License-Identifier: Apache-2.0 */
/* Result files of Athena: every record is at most as long as what it was read from; reading always ends. */
#include <stddef.h>
#include <stdint.h>

#include "athena_csv.h"
#include "base/limits.h"

#define MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view rest = view_of(p, n), f[MAX];
	double numbers[64];
	struct arena a;
	int k;

	arena_init(&a, LIMIT_ARENA);
	for (;;) {
		size_t before = rest.n, sum = 0;

		k = athena_csv_record(&rest, &a, f, MAX);
		if (k <= 0)
			break;
		must(k <= MAX && rest.n < before);
		for (int i = 0; i < k; i++) {
			size_t count = 0;

			sum += f[i].n;
			if (f[i].p && athena_csv_numbers(f[i], numbers, 64, &count))
				must(count <= 64);
		}
		must(sum <= before - rest.n);
	}
	must(k == -1 || rest.n == 0);
	arena_clear(&a);
	return 0;
}
