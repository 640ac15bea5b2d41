// SPDX-License-Identifier: Apache-2.0
/* Real recordings, compared with the golden numbers; skipped where the recordings are not at hand. */
#include <math.h>
#include <stdlib.h>

#include "golden.h"
#include "signal/isc.h"
#include "signal/spectrum.h"
#include "unit.h"

#define ARENA_MAX ((size_t)1 << 30)

/* Path of a recording and the golden numbers of @name; skips the test when one is missing. */
static const char *recording(struct arena *a, const char *file, const char *name,
			     const struct json **ret)
{
	const char *path = unit_data(file), *golden = unit_data("data/golden/signal.json");

	if (!path || !golden)
		skip_test("no recording %s", file);
	arena_init(a, ARENA_MAX);
	*ret = json_get(golden_json(a, golden), name);
	assert_non_null(*ret);
	return path;
}

TEST(golden_ppg_heartpy_data1)
{
	struct arena a;
	const struct json *g;
	const char *path = recording(&a, "data/recordings/heartpy/data.csv", "ppg/heartpy_data1",
				     &g);
	size_t n;
	double *x = golden_column(&a, path, 1, "", ',', 0, &n);

	golden_check_ppg(&a, g, x, n, 100);
	arena_clear(&a);
}

TEST(golden_ppg_heartpy_data2_is_rejected)
{
	struct arena a;
	const struct json *g;
	const char *path = recording(&a, "data/recordings/heartpy/data2.csv", "ppg/heartpy_data2",
				     &g);
	size_t n;
	double *t = golden_column(&a, path, 1, "", ',', 0, &n),
	       *x = golden_column(&a, path, 1, "", ',', 1, &n);

	golden_check_ppg(&a, g, x, n, (double)(n - 1) / ((t[n - 1] - t[0]) / 1000));
	arena_clear(&a);
}

/* Missing samples are put on the straight line between their neighbours. */
static size_t fill_missing(double *x, size_t n)
{
	size_t missing = 0;

	for (size_t i = 0; i < n; i++) {
		size_t end = i;

		if (!isnan(x[i]))
			continue;
		while (end < n && isnan(x[end]))
			end++;
		for (size_t k = i; k < end; k++) {
			double from = i > 0 ? x[i - 1] : x[end], to = end < n ? x[end] : x[i - 1];

			x[k] = i > 0 ? from + (to - from) / (double)(end - i + 1) *
						       (double)(k - i + 1)
				     : to;
		}
		missing += end - i;
		i = end;
	}
	return missing;
}

TEST(golden_ppg_smart_ring_is_rejected)
{
	struct arena a;
	const struct json *g;
	const char *path = recording(&a, "data/recordings/heartpy/ring_data.csv",
				     "ppg/heartpy_ring_first10min", &g);
	size_t n;
	double *x = golden_column(&a, path, 0, "", ',', 0, &n);

	golden_near(g, "missing_samples", (double)fill_missing(x, n));
	golden_check_ppg(&a, g, x, 60 * 10 * 32, 32);
	arena_clear(&a);
}

/* WFDB format 212: two 12-bit samples in three bytes.  Every @of-th sample from @first on. */
static double *format_212(struct arena *a, const char *path, size_t first, size_t of, size_t *ret_n)
{
	struct view f = golden_file(a, path);
	const uint8_t *b = (const uint8_t *)f.p;
	size_t all = f.n / 3 * 2;
	double *x = ARENA_ARRAY(a, double, all / of);

	for (size_t i = first, k = 0; i < all && k < all / of; i += of, k++) {
		const uint8_t *p = b + i / 2 * 3;
		int v = i % 2 == 0 ? p[0] | (p[1] & 15) << 8 : p[2] | (p[1] & 240) << 4;

		x[k] = v > 2047 ? v - 4096 : v;
	}
	*ret_n = all / of;
	return x;
}

TEST(golden_v102s_ecg_and_pulse_agree)
{
	struct arena a;
	const struct json *g;
	const char *path = recording(&a, "data/recordings/wfdb/v102s.dat", "ecg/v102s_II", &g);
	struct beats b;
	size_t n;
	double *x = format_212(&a, path, 0, 4, &n);

	golden_check_ecg(&a, g, x, n, 250, &b);
	arena_clear(&a);
	path = recording(&a, "data/recordings/wfdb/v102s.dat", "ppg/v102s_PLETH", &g);
	golden_check_ppg(&a, g, format_212(&a, path, 2, 4, &n), n, 250);
	arena_clear(&a);
}

/* Samples of the beats in an MIT annotation file. */
static size_t *annotated_beats(struct arena *a, const char *path, size_t *ret_n)
{
	static const uint64_t beat_codes = 0x4c42003ffeULL;
	struct view f = golden_file(a, path);
	const uint8_t *b = (const uint8_t *)f.p;
	size_t *out = ARENA_ARRAY(a, size_t, f.n / 2), n = 0, t = 0;

	for (size_t i = 0; i + 1 < f.n;) {
		unsigned w = b[i] | (unsigned)b[i + 1] << 8, code = w >> 10, step = w & 1023;

		i += 2;
		if (w == 0)
			break;
		if (code == 63)
			i += step + (step & 1);
		if (code >= 59)
			continue;
		t += step;
		if (beat_codes >> code & 1)
			out[n++] = t;
	}
	*ret_n = n;
	return out;
}

TEST(golden_ecg_mitdb_100_finds_every_annotated_beat)
{
	struct arena a;
	const struct json *g, *v;
	const char *path = recording(&a, "data/recordings/wfdb/100.dat", "ecg/mitdb_100_MLII", &g);
	const char *atr = unit_data("data/recordings/wfdb/100.atr");
	struct beats b;
	size_t n, annotated, hit = 0;
	double *x = format_212(&a, path, 0, 2, &n);

	golden_check_ecg(&a, g, x, n, 360, &b);
	assert_non_null(atr);
	size_t *true_beats = annotated_beats(&a, atr, &annotated);
	v = json_get(g, "vs_annotation");
	assert_int_equal(annotated, json_int(json_get(v, "annotated"), -1));
	for (size_t i = 0; i < b.n; i++)
		hit += i < annotated && fabs((double)b.at[i] - (double)true_beats[i]) <= 0.15 * 360;
	assert_int_equal(hit, json_int(json_get(v, "tp"), -1));
	arena_clear(&a);
}

TEST(golden_ecg_european_st_t)
{
	static const char *const names[] = { "e0103", "e0110" };

	for (size_t i = 0; i < 2; i++) {
		struct arena a;
		const struct json *g;
		char file[64], key[32];
		struct beats b;
		size_t n;

		snprintf(file, sizeof(file), "data/recordings/heartpy/%s.csv", names[i]);
		snprintf(key, sizeof(key), "ecg/%s", names[i]);
		const char *path = recording(&a, file, key, &g);
		double *x = golden_column(&a, path, 0, "", ',', 0, &n);

		golden_check_ecg(&a, g, x, n, 250, &b);
		arena_clear(&a);
	}
}

TEST(golden_rr_pyhrv)
{
	struct arena a;
	const struct json *g;
	const char *path = recording(&a, "data/recordings/pyhrv/SampleNNISeriesLong.csv",
				     "rr/pyhrv_long", &g);
	size_t n;
	double *nn = golden_column(&a, path, 0, "", ',', 0, &n);

	golden_check_rr(&a, g, nn, n);
	arena_clear(&a);
}

static double alpha_of(const char *file, const char *name)
{
	struct arena a;
	const struct json *g;
	const char *path = recording(&a, file, name, &g);
	struct err e = { 0 };
	struct eeg_bands b;
	size_t n;
	double *x = golden_column(&a, path, 0, "#", ' ', 0, &n), *y;

	assert_int_equal(eeg_filter(&a, x, n, 125, &y, &e), 0);
	assert_int_equal(eeg_bands(&a, y, n, 125, &b, &e), 0);
	golden_check_bands(g, &b);
	arena_clear(&a);
	return nearbyint(b.alpha_rel * 1e6) / 1e6; /* the golden ratio is that of rounded numbers */
}

TEST(golden_eeg_alpha_is_double_with_eyes_closed)
{
	double closed = alpha_of("data/recordings/biosppy/eeg_ec.txt", "eeg/biosppy_eeg_ec");
	double open = alpha_of("data/recordings/biosppy/eeg_eo.txt", "eeg/biosppy_eeg_eo");

	assert_true(fabs(closed / open - 2.025426) < 1e-6);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define OPENBCI "data/recordings/openbci/OpenBCI_GUI-v6-blinks-jawClench-alpha.txt"

static void check_engagement(struct arena *a, const struct json *g, const double *x, size_t n)
{
	const struct json *first = json_get(g, "first5");
	struct err e = { 0 };
	double *s, sum = 0;
	size_t ns;

	assert_int_equal(eeg_engagement(a, x, n, 250, &s, &ns, &e), 0);
	assert_int_equal(ns, json_int(json_get(g, "n"), -1));
	for (size_t i = 0; i < ns; i++)
		sum += s[i];
	for (size_t i = 0; i < json_len(first); i++)
		golden_near_value(json_at(first, i), s[i], "first5");
	golden_near(g, "mean", sum / (double)ns);
	qsort(s, ns, sizeof(*s), compare);
	golden_near(g, "median", ns % 2 ? s[ns / 2] : (s[ns / 2 - 1] + s[ns / 2]) / 2);
}

TEST(golden_eeg_openbci)
{
	static const size_t channels[] = { 0, 1, 3, 4, 6 };
	struct arena a;
	const struct json *g;
	const char *path = recording(&a, OPENBCI, "eeg/openbci_v6", &g);
	struct eeg_bands b[5];
	struct err e = { 0 };
	double *y[5] = { 0 }, *s;
	size_t n = 0, ns;

	for (size_t i = 0; i < 5; i++) {
		double *x = golden_column(&a, path, 0, "%S", ',', 1 + channels[i], &n);

		assert_int_equal(eeg_filter(&a, x, n, 250, &y[i], &e), 0);
		assert_int_equal(eeg_bands(&a, y[i], n, 250, &b[i], &e), 0);
		golden_check_bands(json_get(json_get(g, "bands"),
					    arena_printf(&a, "ch%zu", channels[i])),
				   &b[i]);
	}
	check_engagement(&a, json_get(g, "engagement_ch0"), y[0], n);
	golden_near(g, "asymmetry_ln_ch1_minus_ln_ch0", eeg_asymmetry(&b[0], &b[1]));
	assert_int_equal(eeg_power_series(&a, y[4], n, 250, &(struct eeg_series){ 4, 2, 8, 13 }, &s,
					  &ns, &e),
			 0);
	const struct json *alpha = json_get(g, "alpha_ch6_4s_step2");
	assert_int_equal(ns, json_len(alpha));
	for (size_t i = 0; i < ns; i++) /* golden to three decimals only */
		assert_true(fabs(s[i] - json_double(json_at(alpha, i), (double)NAN)) < 0.00051);
	arena_clear(&a);
}

/* Mean heart rate of the kept intervals that end in from..to. */
static double mean_rate(const struct hrv_intervals *r, double from, double to)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < r->kept; i++) {
		if (r->tt[i] < from || r->tt[i] >= to)
			continue;
		sum += 60000 / r->nn[i];
		n++;
	}
	return sum / (double)n;
}

#define NEUROKIT "data/recordings/neurokit/bio_100Hz.csv"

static void check_event(const struct json *v, const struct hrv_intervals *r, const double *phasic)
{
	size_t at = (size_t)json_int(json_get(v, "onset"), -1);
	double t = (double)at / 100, base = mean_rate(r, t - 3, t), before = 0,
	       top = -(double)INFINITY;

	for (size_t i = at; i < at + 100; i++)
		before += phasic[i] / 100;
	for (size_t i = at + 100; i < at + 600; i++)
		top = fmax(top, phasic[i]);
	assert_true(fabs(json_double(json_get(v, "hr_base"), (double)NAN) - base) < 0.000051);
	assert_true(fabs(json_double(json_get(v, "hr_change"), (double)NAN) -
			 (mean_rate(r, t, t + 6) - base)) < 0.000051);
	golden_near(v, "scr_amp", top - before);
}

TEST(golden_neurokit_ecg_eda_and_events)
{
	struct arena a;
	const struct json *g, *v;
	const char *path = recording(&a, NEUROKIT, "ecg/neurokit_eventrelated", &g);
	struct err e = { 0 };
	struct hrv_intervals r;
	struct beats b;
	struct eda d;
	size_t n;
	double *ecg = golden_column(&a, path, 1, "", ',', 0, &n),
	       *skin = golden_column(&a, path, 1, "", ',', 1, &n);

	golden_check_ecg(&a, g, ecg, n, 100, &b);
	const struct json *all = golden_json(&a, unit_data("data/golden/signal.json"));
	assert_int_equal(eda_analyse(&a, skin, n, 100, &d, &e), 0);
	golden_check_eda(json_get(all, "eda/neurokit_eventrelated"), &d, n, 100);
	hrv_intervals(&a, beats_times(&a, &b, n, 100, 0), b.n, &r);
	v = json_get(json_get(all, "events/neurokit_eventrelated"), "events");
	assert_int_equal(json_len(v), 4);
	for (size_t i = 0; i < 4; i++)
		check_event(json_at(v, i), &r, d.phasic);
	arena_clear(&a);
}

TEST(golden_audience)
{
	struct arena a;
	const struct json *g;
	struct err e = { 0 };
	size_t people = 100, seconds = 600;

	recording(&a, "data/golden/signal.json", "audience/synthetic_20250226", &g);
	double *x = golden_audience(&a, 20250226, people, seconds), *loo, pairs, sum = 0, lo = 1,
	       hi = -1;
	for (size_t i = 0; i < 4; i++)
		golden_near_value(json_at(json_get(g, "x_first"), i), x[i], "x_first");
	golden_near(g, "x_last", x[people * seconds - 1]);
	assert_int_equal(isc_leave_one_out(&a, x, people, seconds, &loo, &e), 0);
	assert_int_equal(isc_pairs(&a, x, people, seconds, &pairs, &e), 0);
	for (size_t i = 0; i < people; i++) {
		sum += loo[i];
		lo = fmin(lo, loo[i]);
		hi = fmax(hi, loo[i]);
	}
	golden_near(g, "isc_loo_mean", sum / (double)people);
	golden_near(g, "isc_loo_min", lo);
	golden_near(g, "isc_loo_max", hi);
	golden_near(g, "isc_loo_first", loo[0]);
	golden_near(g, "isc_pair", pairs);
	arena_clear(&a);
}
