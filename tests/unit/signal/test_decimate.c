// SPDX-License-Identifier: Apache-2.0
/* Decimation: no peak is lost, however the samples are cut. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "signal/decimate.h"
#include "unit.h"

#define N 5000

static uint64_t next(uint64_t *s)
{
	*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
	return *s >> 33;
}

/* All buckets of @v, given in pieces of random length. */
static size_t cut(const double *v, size_t n, double rate, double hz, uint64_t seed, struct decimate_bucket *ret)
{
	struct decimate d;
	size_t made = 0;

	assert_true(decimate_init(&d, rate, hz));
	for (size_t at = 0; at < n;) {
		size_t piece = next(&seed) % 97;

		piece = piece < n - at ? piece : n - at;
		made += decimate_take(&d, at, v + at, piece, ret + made);
		at += piece;
	}
	return made + decimate_flush(&d, ret + made);
}

TEST(decimate_no_peak_is_lost)
{
	static const double rates[][2] = { { 250, 25 }, { 250, 33.3 }, { 256, 100 }, { 100, 99 }, { 1000, 0.5 }, { 130, 7 } };
	struct decimate_bucket *b = calloc(N + 2, sizeof(*b)), *again = calloc(N + 2, sizeof(*again));
	double *v = calloc(N, sizeof(*v));
	uint64_t seed = 42;

	for (size_t i = 0; i < N; i++)
		v[i] = (double)(int64_t)(next(&seed) % 2001) - 1000;
	for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++) {
		size_t n = cut(v, N, rates[k][0], rates[k][1], k + 1, b), at = 0;

		assert_int_equal(cut(v, N, rates[k][0], rates[k][1], k + 100, again), n);
		assert_memory_equal(b, again, n * sizeof(*b));
		for (size_t i = 0; i < n; i++) {
			double min = v[at], max = v[at];

			assert_int_equal(b[i].first_sample, at);
			assert_true(!i || b[i].at == b[i - 1].at + 1);
			assert_true(b[i].first == v[at] && b[i].last == v[at + b[i].n - 1]);
			for (uint32_t j = 0; j < b[i].n; j++, at++) {
				min = fmin(min, v[at]);
				max = fmax(max, v[at]);
			}
			assert_true(b[i].min == min && b[i].max == max);
		}
		assert_int_equal(at, N);
		assert_true(fabs((double)n - N * rates[k][1] / rates[k][0]) <= 1);
	}
	free(v);
	free(b);
	free(again);
}

TEST(decimate_missing_samples)
{
	const double v[] = { NAN, 5, 1, NAN, NAN, NAN, NAN, NAN, 7, 8 };
	struct decimate_bucket b[11];
	struct decimate d;

	assert_true(decimate_init(&d, 100, 25)); /* 4 a bucket */
	assert_int_equal(decimate_take(&d, 0, v, 10, b), 1);
	assert_true(b[0].at == 0 && b[0].first_sample == 1 && b[0].n == 2 && b[0].min == 1 && b[0].max == 5 && b[0].last == 1);
	assert_true(decimate_flush(&d, b) && b[0].at == 2 && b[0].n == 2);
	assert_false(decimate_flush(&d, b));
}

TEST(decimate_only_downwards)
{
	struct decimate d;

	assert_false(decimate_init(&d, 100, 100));
	assert_false(decimate_init(&d, 100, 0));
	assert_false(decimate_init(&d, 0, 10));
	assert_false(decimate_init(&d, 100, NAN));
}
