// SPDX-License-Identifier: Apache-2.0
/* Edges: what the parts do with short, flat or impossible input. */
#include <math.h>

#include "signal/beats.h"
#include "signal/eda.h"
#include "signal/eeg.h"
#include "signal/fft.h"
#include "signal/filter.h"
#include "signal/hrv.h"
#include "signal/isc.h"
#include "signal/ppg.h"
#include "signal/spectrum.h"
#include "unit.h"

#define ARENA_MAX ((size_t)64 << 20)

TEST(filter_keeps_a_constant_in_low_pass_and_removes_it_in_high_pass)
{
	struct arena a;
	struct err e = { 0 };
	double x[200], *y;

	arena_init(&a, ARENA_MAX);
	for (int i = 0; i < 200; i++)
		x[i] = 7;
	for (int order = 1; order <= 8; order++) {
		assert_int_equal(filter_band(&a, x, 200, 100, 0, 10, order, &y, &e), 0);
		for (int i = 0; i < 200; i++)
			assert_true(fabs(y[i] - 7) < 1e-6);
		assert_int_equal(filter_band(&a, x, 200, 100, 1, 0, order, &y, &e), 0);
		for (int i = 0; i < 200; i++)
			assert_true(fabs(y[i]) < 1e-6);
	}
	arena_clear(&a);
}

TEST(filter_has_half_power_at_its_edge)
{
	struct filter f;
	struct err e = { 0 };
	struct arena a;
	size_t n = 4000;

	arena_init(&a, ARENA_MAX);
	for (int order = 1; order <= 5; order++) {
		double *x = ARENA_ARRAY(&a, double, n), *y, top = 0;

		for (size_t i = 0; i < n; i++)
			x[i] = sin(2 * M_PI * 10 * (double)i / 100);
		assert_int_equal(filter_butterworth(order, 10, 0, 100, &f, &e), 0);
		assert_int_equal(f.n, (order + 1) / 2);
		assert_int_equal(filter_both_ways(&a, &f, x, n, &y, &e), 0);
		for (size_t i = n / 2; i < n / 2 + 100; i++)
			top = fmax(top, y[i]);
		assert_true(fabs(top - 0.5 * sin(2 * M_PI * 0.3)) <
			    0.03); /* 10 samples a period: the crest is missed */
	}
	arena_clear(&a);
}

TEST(filter_refuses_what_it_cannot_do)
{
	static const struct {
		int order;
		double lo, hi, fs;
		const char *msg;
	} c[] = {
		{ 0, 1, 2, 10, "filter order 0; 1 to 8" },
		{ 9, 1, 2, 10, "filter order 9; 1 to 8" },
		{ 2, 3, 2, 10, "filter from 3 to 2 Hz at 10 samples/s" },
		{ 2, 6, 0, 10, "filter from 6 to 0 Hz at 10 samples/s" },
		{ 2, 1, 2, 0, "filter from 1 to 2 Hz at 0 samples/s" },
		{ 2, 1, 2, (double)NAN, "filter from 1 to 2 Hz at nan samples/s" },
		{ 2, 0, 0, 10, "filter from 0 to 0 Hz at 10 samples/s" },
	};
	struct filter f;

	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		struct err e = { 0 };

		assert_int_equal(filter_butterworth(c[i].order, c[i].lo, c[i].hi, c[i].fs, &f, &e),
				 ERR_INVALID);
		assert_string_equal(e.msg, c[i].msg);
	}
}

TEST(filter_refuses_a_signal_shorter_than_its_extension)
{
	struct arena a;
	double x[21] = { 0 }, *y;
	struct err e = { 0 };

	arena_init(&a, ARENA_MAX);
	assert_int_equal(filter_band(&a, x, 21, 100, 1, 10, 3, &y, &e), ERR_INVALID);
	assert_string_equal(e.msg, "21 samples are too few for the filter; more than 21");
	arena_clear(&a);
}

TEST(filter_window_rounds_halves_to_even)
{
	assert_int_equal(filter_window(0.05, 250), 12);
	assert_int_equal(filter_window(0.5, 7), 4);
	assert_int_equal(filter_window(0, 250), 0);
	assert_int_equal(filter_window((double)NAN, 250), 0);
}

TEST(filter_box_uses_what_exists_at_the_ends)
{
	struct arena a;
	double x[] = { 1, 2, 6, 3 }, *y;

	arena_init(&a, ARENA_MAX);
	y = filter_box(&a, x, 4, 2);
	assert_true(fabs(y[0] - 1.5) < 1e-12 && fabs(y[1] - 3) < 1e-12 && fabs(y[3] - 4.5) < 1e-12);
	arena_clear(&a);
}

TEST(fft_equals_the_definition_at_every_length)
{
	for (size_t n = 1; n <= 48; n++) {
		struct arena a;
		double x[48];
		double complex got[25];

		arena_init(&a, ARENA_MAX);
		for (size_t i = 0; i < n; i++)
			x[i] = sin((double)(i * i)) + 0.1 * (double)i;
		fft_real(fft_new(&a, n), x, got);
		for (size_t k = 0; k <= n / 2; k++) {
			double complex want = 0;

			for (size_t i = 0; i < n; i++)
				want += x[i] * cexp(fft_complex(0, -2 * M_PI * (double)(k * i) /
									   (double)n));
			assert_true(cabs(got[k] - want) < 1e-4);
		}
		arena_clear(&a);
	}
}

TEST(spectrum_holds_the_power_of_a_sine)
{
	struct arena a;
	struct err e = { 0 };
	struct spectrum s;
	double x[1000];

	arena_init(&a, ARENA_MAX);
	for (int i = 0; i < 1000; i++)
		x[i] = 3 + 2 * sin(2 * M_PI * 10 * i / 250.0);
	assert_int_equal(spectrum_welch(&a, x, 1000, 250, 500, 500, &s, &e), 0);
	assert_int_equal(s.n, 251);
	assert_true(fabs(spectrum_power(&s, 8, 12) - 2) < 1e-9);
	assert_true(fabs(spectrum_peak(&s, 7, 14) - 10) < 1e-12);
	assert_true(fabs(spectrum_peak(&s, 200, 300)) < 1e-12);
	assert_int_equal(spectrum_welch(&a, x, 1000, 250, 1001, 1001, &s, &e), ERR_INVALID);
	assert_string_equal(e.msg, "a window of 1001 samples over a signal of 1000");
	err_clear(&e);
	assert_int_equal(spectrum_welch(&a, x, 1000, 250, 500, 499, &s, &e), ERR_INVALID);
	arena_clear(&a);
}

TEST(flat_signals_have_no_beats_and_no_quality)
{
	struct arena a;
	struct err e = { 0 };
	struct ppg_quality q;
	struct beats b;
	double x[1000] = { 0 };

	arena_init(&a, ARENA_MAX);
	assert_int_equal(beats_ppg(&a, x, 1000, 100, &b, &e), 0);
	assert_int_equal(b.n, 0);
	ppg_quality(&a, &b, 1000, 100, &q);
	assert_false(q.accepted);
	assert_int_equal(beats_ecg(&a, x, 1000, 100, &b, &e), 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(beats_ppg(&a, x, 10, 100, &b, &e), ERR_INVALID);
	arena_clear(&a);
}

TEST(hrv_keeps_only_plausible_intervals)
{
	/* 0.8 s apart, one beat missing, then one too early */
	static const double t[] = { 0, 0.8, 1.6, 2.4, 3.2, 4.8, 5.6, 6.4, 6.7, 7.5, 8.3 };
	struct hrv_intervals r;
	struct hrv_time ht;
	struct hrv_freq hf;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, ARENA_MAX);
	hrv_intervals(&a, t, ARRAY_LEN(t), &r);
	assert_int_equal(r.n, 10);
	assert_int_equal(r.kept, 8);
	assert_false(r.keep[4]);
	assert_false(r.keep[7]);
	assert_true(fabs(r.tt[4] - 5.6) < 1e-12);
	hrv_intervals(&a, t, 0, &r);
	assert_int_equal(r.n, 0);
	assert_int_equal(hrv_time(r.nn, r.kept, &ht, &e), ERR_INVALID);
	assert_string_equal(e.msg, "0 intervals; at least 3");
	err_clear(&e);
	assert_int_equal(hrv_freq(&a, t, t, 7, &hf, &e), ERR_INVALID);
	assert_string_equal(e.msg, "7 intervals; at least 8");
	err_clear(&e);
	assert_int_equal(hrv_freq_lomb(&a, t, (double[]){ 1, 2, 3, 3, 4, 5, 6, 7 }, 8, &hf, &e),
			 ERR_INVALID);
	assert_string_equal(e.msg, "the times of the intervals do not rise at 3");
	arena_clear(&a);
}

TEST(short_signals_are_refused_with_numbers)
{
	struct arena a;
	struct err e = { 0 };
	struct eeg_bands b;
	struct eda d;
	double x[100] = { 0 }, *s;
	size_t n = 7;

	arena_init(&a, ARENA_MAX);
	assert_int_equal(eeg_bands(&a, x, 100, 250, &b, &e), ERR_INVALID);
	assert_string_equal(e.msg, "a window of 500 samples over a signal of 100");
	err_clear(&e);
	assert_int_equal(eeg_engagement(&a, x, 100, 250, &s, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(eeg_engagement(&a, x, 100, 0, &s, &n, &e), ERR_INVALID);
	err_clear(&e);
	assert_int_equal(eda_analyse(&a, x, 5, 50, &d, &e), ERR_INVALID);
	err_clear(&e);
	assert_int_equal(eda_analyse(&a, x, 100, 4, &d, &e), 0);
	assert_int_equal(d.n_scr, 0);
	assert_int_equal(isc_pairs(&a, x, 1, 100, s, &e), ERR_INVALID);
	arena_clear(&a);
}
