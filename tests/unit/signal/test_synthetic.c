// SPDX-License-Identifier: Apache-2.0
/* Signals that are formulas, compared with what the Python reference made of the same formulas
 * (tests/vectors/make_signal_synthetic.py). */
#include <math.h>
#include <stdlib.h>

#include "golden.h"
#include "signal/isc.h"
#include "unit.h"

#define ARENA_MAX ((size_t)256 << 20)

static const struct json *expected(struct arena *a, const char *name)
{
	const char *root = getenv("MULGIL_SOURCE_ROOT");
	const struct json *g;

	arena_init(a, ARENA_MAX);
	g = json_get(golden_json(a, arena_printf(a, "%s/tests/vectors/signal_synthetic.json",
						 root ? root : ".")),
		     name);
	assert_non_null(g);
	return g;
}

static double phase(double t)
{
	return 1.1 * t + 0.06 * sin(2 * M_PI * 0.1 * t) + 0.03 * sin(2 * M_PI * 0.25 * t);
}

static double square(double x)
{
	return x * x;
}

TEST(synthetic_pulse_gives_beats_hrv_and_quality)
{
	struct arena a;
	const struct json *g = expected(&a, "ppg");
	size_t n = 18000;
	double *x = ARENA_ARRAY(&a, double, n);
	uint64_t seed = 1;

	for (size_t i = 0; i < n; i++) {
		double t = (double)i / 100, p = phase(t);

		x[i] = sin(2 * M_PI * p) + 0.4 * sin(4 * M_PI * p + 0.5) +
		       0.3 * sin(2 * M_PI * 0.2 * t) + 0.05 * (golden_random(&seed) - 0.5);
	}
	golden_check_ppg(&a, g, x, n, 100);
	arena_clear(&a);
}

TEST(synthetic_ecg_gives_beats_and_hrv)
{
	struct arena a;
	const struct json *g = expected(&a, "ecg");
	size_t n = 30000;
	double *x = ARENA_ARRAY(&a, double, n);
	uint64_t seed = 2;
	struct beats b;

	for (size_t i = 0; i < n; i++) {
		double p = phase((double)i / 250), u = p - floor(p);

		x[i] = exp(-square((u - 0.3) / 0.02)) + 0.2 * exp(-square((u - 0.55) / 0.05)) +
		       0.05 * (golden_random(&seed) - 0.5);
	}
	golden_check_ecg(&a, g, x, n, 250, &b);
	arena_clear(&a);
}

TEST(synthetic_intervals_give_hrv_by_three_methods)
{
	struct arena a;
	const struct json *g = expected(&a, "rr");
	double nn[398], before = 0;

	for (int i = 1; i < 400; i++) {
		double p = i * 0.9 + 0.03 * sin(i * 0.7) + 0.02 * sin(i * 1.9);

		if (i > 1)
			nn[i - 2] = (p - before) * 1000;
		before = p;
	}
	golden_check_rr(&a, g, nn, 398);
	arena_clear(&a);
}

TEST(synthetic_eeg_gives_bands_and_engagement)
{
	struct arena a;
	const struct json *g = expected(&a, "eeg"), *want = json_get(g, "engagement");
	struct err e = { 0 };
	struct eeg_bands b;
	size_t n = 7500, ns;
	double *x = ARENA_ARRAY(&a, double, n), *y, *s;
	uint64_t seed = 3;

	for (size_t i = 0; i < n; i++) {
		double w = 2 * M_PI * (double)i / 250;

		x[i] = 20 * sin(10 * w) * (1 + 0.5 * sin(0.2 * w)) + 8 * sin(6 * w) +
		       5 * sin(20 * w) + 30 * (golden_random(&seed) - 0.5);
	}
	assert_int_equal(eeg_filter(&a, x, n, 250, &y, &e), 0);
	assert_int_equal(eeg_bands(&a, y, n, 250, &b, &e), 0);
	golden_check_bands(json_get(g, "bands"), &b);
	assert_int_equal(eeg_engagement(&a, y, n, 250, &s, &ns, &e), 0);
	assert_int_equal(ns, json_len(want));
	for (size_t i = 0; i < ns; i++)
		golden_near_value(json_at(want, i), s[i], "engagement");
	arena_clear(&a);
}

TEST(synthetic_skin_conductance_gives_responses)
{
	static const double onset[] = { 8, 21, 35, 47 };
	struct arena a;
	const struct json *g = expected(&a, "eda");
	struct err e = { 0 };
	size_t n = 3000;
	double *x = ARENA_ARRAY(&a, double, n);
	uint64_t seed = 4;
	struct eda d;

	for (size_t i = 0; i < n; i++) {
		double t = (double)i / 50;

		x[i] = 5 + 0.01 * t + 0.001 * (golden_random(&seed) - 0.5);
		for (int k = 0; k < 4; k++) {
			double u = fmax(t - onset[k], 0);

			x[i] += (0.4 + 0.2 * k) * (1 - exp(-u / 0.7)) * exp(-u / 3);
		}
	}
	assert_int_equal(eda_analyse(&a, x, n, 50, &d, &e), 0);
	golden_check_eda(g, &d, n, 50);
	arena_clear(&a);
}

TEST(synthetic_audience_correlates)
{
	struct arena a;
	const struct json *g = expected(&a, "isc"), *want = json_get(g, "loo");
	struct err e = { 0 };
	double *x = golden_audience(&a, 7, 12, 90), *loo, pairs;

	assert_int_equal(isc_leave_one_out(&a, x, 12, 90, &loo, &e), 0);
	assert_int_equal(isc_pairs(&a, x, 12, 90, &pairs, &e), 0);
	for (size_t i = 0; i < 12; i++)
		golden_near_value(json_at(want, i), loo[i], "loo");
	golden_near(g, "pairs", pairs);
	arena_clear(&a);
}
