// SPDX-License-Identifier: Apache-2.0
/* Beats by two moving averages: blocks where the short mean rises above the long one. */
#include "signal/beats.h"

#include <math.h>

#include "signal/filter.h"

struct method {
	double lo, hi; /* Hz */
	int order;
	double short_s, long_s; /* windows */
	double beta;            /* part of the mean energy added to the threshold */
};

static const struct method method_ppg = { 0.5, 8, 3, 0.111, 0.667, 0.02 };
static const struct method method_ecg = { 8, 20, 2, 0.097, 0.611, 0.08 };

#define BEATS_APART_S 0.3
/* An ECG's beat is moved to the extremum of a wider band within this distance. */
#define ECG_WIDE_LO 0.5
#define ECG_WIDE_HI 40.0
#define ECG_WIDE_ORDER 2
#define ECG_MOVE_S 0.05

/* First index of the greatest value in from..to-1. */
static size_t arg_max(const double *x, size_t from, size_t to)
{
	size_t best = from;

	for (size_t i = from + 1; i < to; i++)
		if (x[i] > x[best])
			best = i;
	return best;
}

/* The beats of @energy's blocks, each at the greatest @peak within its block. */
static void find_blocks(struct arena *a, const double *peak, const double *energy, size_t n,
			double fs, const struct method *m, struct beats *ret)
{
	size_t w1 = filter_window(m->short_s, fs);
	double *near = filter_box(a, energy, n, w1),
	       *far = filter_box(a, energy, n, filter_window(m->long_s, fs));
	double mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += energy[i];
	mean /= (double)n;
	ret->n = 0;
	ret->at = ARENA_ARRAY(a, size_t, n / (w1 ? w1 : 1) + 1);
	for (size_t i = 0; i < n;) {
		if (!(near[i] > far[i] + m->beta * mean)) {
			i++;
			continue;
		}
		size_t from = i;

		while (i < n && near[i] > far[i] + m->beta * mean)
			i++;
		if (i - from < w1)
			continue;
		size_t p = arg_max(peak, from, i);
		if (ret->n == 0 || (double)(p - ret->at[ret->n - 1]) > BEATS_APART_S * fs)
			ret->at[ret->n++] = p;
	}
}

int beats_ppg(struct arena *a, const double *x, size_t n, double fs, struct beats *ret,
	      struct err *e)
{
	const struct method *m = &method_ppg;
	struct beats b = { 0 };
	int rc = filter_band(a, x, n, fs, m->lo, m->hi, m->order, &b.y, e);

	if (rc < 0)
		return rc;
	double *energy = ARENA_ARRAY(a, double, n);
	for (size_t i = 0; i < n; i++)
		energy[i] = b.y[i] > 0 ? b.y[i] * b.y[i] : 0;
	find_blocks(a, b.y, energy, n, fs, m, &b);
	*ret = b;
	return 0;
}

/* Moves each beat to the greatest absolute value of @wide near it. */
static void move_beats(struct beats *b, const double *wide, size_t n, double fs)
{
	size_t reach = filter_window(ECG_MOVE_S, fs);

	for (size_t k = 0; k < b->n; k++) {
		size_t p = b->at[k], from = p > reach ? p - reach : 0,
		       to = p + reach + 1 < n ? p + reach + 1 : n;
		size_t best = from;

		for (size_t i = from + 1; i < to; i++)
			if (fabs(wide[i]) > fabs(wide[best]))
				best = i;
		b->at[k] = best;
	}
}

int beats_ecg(struct arena *a, const double *x, size_t n, double fs, struct beats *ret,
	      struct err *e)
{
	const struct method *m = &method_ecg;
	struct beats b = { 0 };
	double *wide;
	int rc = filter_band(a, x, n, fs, m->lo, m->hi, m->order, &b.y, e);

	if (rc < 0)
		return rc;
	double *energy = ARENA_ARRAY(a, double, n);
	for (size_t i = 0; i < n; i++)
		energy[i] = b.y[i] * b.y[i];
	find_blocks(a, energy, energy, n, fs, m, &b);
	rc = filter_band(a, x, n, fs, ECG_WIDE_LO, ECG_WIDE_HI, ECG_WIDE_ORDER, &wide, e);
	if (rc < 0)
		return rc;
	move_beats(&b, wide, n, fs);
	*ret = b;
	return 0;
}

static double parabola_peak(const double *y, size_t n, size_t k)
{
	if (k == 0 || k + 1 >= n)
		return (double)k;
	double bend = y[k - 1] - 2 * y[k] + y[k + 1];
	/* A straight line has no peak: dividing by exactly 0 is what has to be avoided. */
	if (fpclassify(bend) == FP_ZERO)
		return (double)k;
	return (double)k + 0.5 * (y[k - 1] - y[k + 1]) / bend;
}

double *beats_times(struct arena *a, const struct beats *b, size_t n, double fs, int parabola)
{
	double *t = ARENA_ARRAY(a, double, b->n);

	for (size_t k = 0; k < b->n; k++)
		t[k] = (parabola ? parabola_peak(b->y, n, b->at[k]) : (double)b->at[k]) / fs;
	return t;
}
