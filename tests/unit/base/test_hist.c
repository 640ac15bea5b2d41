/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms: percentiles against sorted values. */
#include "base/hist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define N 20000

static int by_value(const void *p, const void *q)
{
	int64_t x = *(const int64_t *)p, y = *(const int64_t *)q;

	return (x > y) - (x < y);
}

TEST(hist_is_near_sorted_values_at_every_size)
{
	static int64_t v[N];
	struct hist *h = hist_new(), *other = hist_new();
	uint64_t x = 88172645463325252ULL;

	for (size_t i = 0; i < N; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		v[i] = (int64_t)(x >> (1 + x % 62));
		hist_add(i % 3 ? h : other, v[i]);
	}
	hist_merge(h, other);
	qsort(v, N, sizeof(*v), by_value);
	assert_int_equal(hist_count(h), N);
	assert_int_equal(hist_max(h), v[N - 1]);
	for (double p = 0; p <= 100; p += 0.01) {
		size_t rank = (size_t)ceil(p / 100 * N);
		int64_t want = v[rank ? rank - 1 : 0], got = hist_percentile(h, p);

		if (got < want || (double)(got - want) > (double)want / 1024)
			fail_msg("p%g: %lld, sorted %lld", p, (long long)got, (long long)want);
	}
	hist_free(other);
	hist_free(h);
}

TEST(hist_empty_and_at_the_ends)
{
	struct hist *h = hist_new();
	struct buf b;

	assert_int_equal(hist_percentile(h, 99), 0);
	hist_add(h, -5);
	assert_int_equal(hist_percentile(h, 100), 0);
	hist_add(h, INT64_MAX);
	assert_true(hist_percentile(h, 100) == INT64_MAX && hist_percentile(h, 50) == 0);
	buf_init(&b, 65536);
	hist_print(h, 1e6, &b);
	assert_true(view_find(buf_view(&b), VIEW("Total count =            2")) > 0);
	buf_clear(&b);
	hist_free(h);
}
