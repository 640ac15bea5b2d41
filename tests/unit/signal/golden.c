// SPDX-License-Identifier: Apache-2.0
/* Compares what we compute with golden numbers. */
#include "golden.h"

#include <math.h>
#include <stdlib.h>

#include "signal/ppg.h"
#include "unit.h"

#define NEAR_ABSOLUTE 1e-6
#define NEAR_RELATIVE 2e-6
#define FILE_MAX ((size_t)64 << 20)

struct view golden_file(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	long n;

	if (!f)
		fail_msg("cannot open %s", path);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	assert_true(n >= 0 && (size_t)n < FILE_MAX);
	char *p = arena_alloc(a, (size_t)n + 1);
	assert_int_equal(fread(p, 1, (size_t)n, f), (size_t)n);
	fclose(f);
	return view_of(p, (size_t)n);
}

const struct json *golden_json(struct arena *a, const char *path)
{
	struct err e = { 0 };
	const struct json *v = json_parse(a, golden_file(a, path), JSON_DEPTH, &e);

	if (!v)
		fail_msg("%s: %s", path, e.msg);
	return v;
}

static double number_of(struct view field)
{
	char text[64] = "";

	field = view_trim(field);
	if (field.n == 0 || field.n >= sizeof(text) || view_eq_str(field, "\"\""))
		return (double)NAN;
	memcpy(text, field.p, field.n);
	return strtod(text, NULL);
}

double *golden_column(struct arena *a, const char *path, size_t skip, const char *comments,
		      char sep, size_t col, size_t *ret_n)
{
	struct view rest = golden_file(a, path), line, field;
	double *out = ARENA_ARRAY(a, double, rest.n / 2 + 1);
	size_t n = 0;

	for (size_t i = 0; view_split(&rest, '\n', &line); i++) {
		if (i < skip || line.n == 0 || strchr(comments, line.p[0]))
			continue;
		for (size_t c = 0; c <= col; c++)
			if (!view_split(&line, sep, &field))
				fail_msg("%s: line %zu has no column %zu", path, i + 1, col);
		out[n++] = number_of(field);
	}
	*ret_n = n;
	return out;
}

void golden_near_value(const struct json *want, double got, const char *what)
{
	if (!json_is_number(want))
		fail_msg("%s: no golden number", what);
	double w = json_double(want, (double)NAN), off = fabs(got - w);

	if (!(off <= fmax(NEAR_ABSOLUTE, NEAR_RELATIVE * fabs(w))))
		fail_msg("%s is %.9g, golden %.9g", what, got, w);
}

void golden_near(const struct json *g, const char *name, double got)
{
	golden_near_value(json_get(g, name), got, name);
}

static void check_beats(const struct json *g, const struct beats *b, size_t n, double fs)
{
	const struct json *first = json_get(g, "first_peaks");

	golden_near(g, "samples", (double)n);
	golden_near(g, "fs", fs);
	assert_int_equal(b->n, json_int(json_get(g, "beats"), -1));
	for (size_t i = 0; i < json_len(first); i++)
		assert_int_equal(b->at[i], json_int(json_at(first, i), -1));
	assert_int_equal(b->at[b->n - 1], json_int(json_get(g, "last_peak"), -1));
}

static void check_time(const struct json *g, const double *nn, size_t n)
{
	struct hrv_time t;
	struct err e = { 0 };

	assert_int_equal(hrv_time(nn, n, &t, &e), 0);
	golden_near(g, "n", (double)t.n);
	golden_near(g, "mean_nn", t.mean_nn);
	golden_near(g, "hr", t.hr);
	golden_near(g, "sdnn", t.sdnn);
	golden_near(g, "rmssd", t.rmssd);
	golden_near(g, "sdsd", t.sdsd);
	golden_near(g, "nn50", (double)t.nn50);
	golden_near(g, "pnn50", t.pnn50);
	golden_near(g, "pnn20", t.pnn20);
	golden_near(g, "sd1", t.sd1);
	golden_near(g, "sd2", t.sd2);
}

static void check_freq(struct arena *a, const struct json *g, const double *nn, const double *tt,
		       size_t n)
{
	struct hrv_freq f;
	struct err e = { 0 };

	assert_int_equal(hrv_freq(a, nn, tt, n, &f, &e), 0);
	golden_near(g, "vlf", f.vlf);
	golden_near(g, "lf", f.lf);
	golden_near(g, "hf", f.hf);
	golden_near(g, "lf_hf", f.lf_hf);
	golden_near(g, "lf_nu", f.lf_nu);
	golden_near(g, "nperseg", (double)f.nperseg);
	golden_near(g, "samples", (double)f.samples);
	assert_int_equal(f.lf_ok, tt[n - 1] - tt[0] >= 120);
}

static void check_intervals(struct arena *a, const struct json *g, const double *t, size_t n)
{
	struct hrv_intervals nn;

	hrv_intervals(a, t, n, &nn);
	assert_int_equal(nn.n - nn.kept, json_int(json_get(g, "rr_rejected"), -1));
	check_time(json_get(g, "time"), nn.nn, nn.kept);
	check_freq(a, json_get(g, "freq"), nn.nn, nn.tt, nn.kept);
}

void golden_check_ppg(struct arena *a, const struct json *g, const double *x, size_t n, double fs)
{
	const struct json *s = json_get(g, "sqi"), *times = json_get(g, "first_peak_times_s");
	struct err e = { 0 };
	struct ppg_quality q;
	struct beats b;

	assert_int_equal(beats_ppg(a, x, n, fs, &b, &e), 0);
	check_beats(g, &b, n, fs);
	double *t = beats_times(a, &b, n, fs, 1);
	for (size_t i = 0; i < json_len(times); i++)
		golden_near_value(json_at(times, i), t[i], "first_peak_times_s");
	check_intervals(a, g, t, b.n);
	ppg_quality(a, &b, n, fs, &q);
	golden_near(s, "template_r", q.template_r);
	golden_near(s, "skew_median", q.skew_median);
	assert_true(q.has_skew);
	assert_int_equal(q.rules, json_is_true(json_get(s, "rules")));
	assert_int_equal(q.accepted, json_is_true(json_get(g, "accepted")));
}

void golden_check_ecg(struct arena *a, const struct json *g, const double *x, size_t n, double fs,
		      struct beats *ret)
{
	struct err e = { 0 };

	assert_int_equal(beats_ecg(a, x, n, fs, ret, &e), 0);
	check_beats(g, ret, n, fs);
	check_intervals(a, g, beats_times(a, ret, n, fs, 0), ret->n);
}

void golden_check_rr(struct arena *a, const struct json *g, const double *nn, size_t n)
{
	const struct json *lomb = json_get(g, "lomb");
	double *tt = ARENA_ARRAY(a, double, n), sum = 0;
	struct err e = { 0 };
	struct hrv_freq f;

	for (size_t i = 0; i < n; i++)
		tt[i] = (sum += nn[i]) / 1000;
	check_time(json_get(g, "time"), nn, n);
	check_freq(a, json_get(g, "freq"), nn, tt, n);
	assert_int_equal(hrv_freq_lomb(a, nn, tt, n, &f, &e), 0);
	golden_near(lomb, "lf", f.lf);
	golden_near(lomb, "hf", f.hf);
	golden_near(lomb, "lf_hf", f.lf_hf);
}

void golden_check_bands(const struct json *g, const struct eeg_bands *b)
{
	golden_near(g, "delta", b->delta);
	golden_near(g, "theta", b->theta);
	golden_near(g, "alpha", b->alpha);
	golden_near(g, "beta", b->beta);
	golden_near(g, "gamma", b->gamma);
	golden_near(g, "engagement", b->engagement);
	golden_near(g, "alpha_rel", b->alpha_rel);
	golden_near(g, "peak_alpha_hz", b->peak_alpha_hz);
}

void golden_check_eda(const struct json *g, const struct eda *d, size_t n, double fs)
{
	const struct json *first = json_get(g, "first");
	double sum = 0, lo = (double)INFINITY, hi = -(double)INFINITY, amp = 0;

	for (size_t i = 0; i < n; i++) {
		sum += d->tonic[i];
		lo = fmin(lo, d->tonic[i]);
		hi = fmax(hi, d->tonic[i]);
	}
	golden_near(g, "tonic_mean", sum / (double)n);
	golden_near(g, "tonic_min", lo);
	golden_near(g, "tonic_max", hi);
	assert_int_equal(d->n_scr, json_int(json_get(g, "scr"), -1));
	golden_near(g, "scr_per_min", (double)d->n_scr / ((double)n / fs / 60));
	for (size_t i = 0; i < json_len(first); i++)
		assert_int_equal(d->scr[i], json_int(json_at(first, i), -1));
	for (size_t i = 0; i < d->n_scr; i++)
		amp += d->prominence[i];
	golden_near(g, "amp_mean", amp / (double)d->n_scr);
}

double golden_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(*state >> 11) / 0x1p53;
}

double *golden_audience(struct arena *a, uint64_t seed, size_t people, size_t seconds)
{
	double *x = ARENA_ARRAY(a, double, people *seconds), r = 0, angle = 0;
	uint64_t state = seed;

	for (size_t i = 0; i < people * seconds; i++) {
		double t = (double)(i % seconds);

		if (i % 2 == 0) {
			r = sqrt(-2 * log(fmax(golden_random(&state), 1e-300)));
			angle = 2 * M_PI * golden_random(&state);
		}
		double scene = sin(2 * M_PI * t / 60) + (t >= 200 && t < 230 ? 1.5 : 0) +
			       (t >= 450 && t < 480 ? 1.0 : 0);
		x[i] = 0.6 * scene + r * (i % 2 == 0 ? cos(angle) : sin(angle));
	}
	return x;
}
