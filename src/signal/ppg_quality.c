// SPDX-License-Identifier: Apache-2.0
/* Quality of a pulse wave: template correlation, plausibility rules, skewness. */
#include "signal/ppg.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median; reorders @v. */
static double median_of(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Pearson's correlation; 0 where one of both does not change. */
static double correlation(const double *x, const double *y, size_t n)
{
	double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

	for (size_t i = 0; i < n; i++) {
		mx += x[i];
		my += y[i];
	}
	mx /= (double)n;
	my /= (double)n;
	for (size_t i = 0; i < n; i++) {
		xx += (x[i] - mx) * (x[i] - mx);
		yy += (y[i] - my) * (y[i] - my);
		xy += (x[i] - mx) * (y[i] - my);
	}
	return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Whether the window of @w samples around beat @p lies within the signal; *ret_from is its start. */
static bool window_at(size_t p, size_t w, size_t n, size_t *ret_from)
{
	if (p < w / 2 || p - w / 2 + w > n)
		return false;
	*ret_from = p - w / 2;
	return true;
}

static double template_r(struct arena *a, const struct beats *b, size_t n, size_t w)
{
	double *mean = ARENA_ARRAY(a, double, w), sum = 0;
	size_t from, used = 0;

	for (size_t k = 0; k < b->n; k++) {
		if (!window_at(b->at[k], w, n, &from))
			continue;
		used++;
		for (size_t i = 0; i < w; i++)
			mean[i] += b->y[from + i];
	}
	if (used == 0 || w == 0)
		return 0;
	for (size_t i = 0; i < w; i++)
		mean[i] /= (double)used;
	for (size_t k = 0; k < b->n; k++)
		if (window_at(b->at[k], w, n, &from))
			sum += correlation(b->y + from, mean, w);
	return sum / (double)used;
}

/* Skewness from population moments. */
static double skewness(const double *x, size_t n)
{
	double mean = 0, m2 = 0, m3 = 0;

	for (size_t i = 0; i < n; i++)
		mean += x[i];
	mean /= (double)n;
	for (size_t i = 0; i < n; i++) {
		double d = x[i] - mean;

		m2 += d * d;
		m3 += d * d * d;
	}
	m2 /= (double)n;
	return m2 > 0 ? m3 / (double)n / (m2 * sqrt(m2)) : 0;
}

static bool rules_hold(const double *rr, size_t n, double fs)
{
	double sum = 0, longest = rr[0], shortest = rr[0];

	for (size_t i = 0; i < n; i++) {
		sum += rr[i];
		longest = fmax(longest, rr[i]);
		shortest = fmin(shortest, rr[i]);
	}
	double rate = 60 / (sum / (double)n / fs);
	return rate >= PPG_RATE_MIN && rate <= PPG_RATE_MAX && longest / fs <= PPG_INTERVAL_MAX_S &&
	       longest / shortest < PPG_INTERVAL_RATIO;
}

void ppg_quality(struct arena *a, const struct beats *b, size_t n, double fs,
		 struct ppg_quality *ret)
{
	struct ppg_quality q = { .beats = b->n };
	size_t win = (size_t)(PPG_SKEW_WINDOW_S * fs), nw = win ? n / win : 0;

	if (nw > 0) {
		double *skew = ARENA_ARRAY(a, double, nw);

		for (size_t k = 0; k < nw; k++)
			skew[k] = skewness(b->y + k * win, win);
		q.skew_median = median_of(skew, nw);
		q.has_skew = true;
	}
	if (b->n >= PPG_BEATS_MIN) {
		double *rr = ARENA_ARRAY(a, double, b->n - 1);

		for (size_t k = 0; k + 1 < b->n; k++)
			rr[k] = (double)(b->at[k + 1] - b->at[k]);
		q.rules = rules_hold(rr, b->n - 1, fs);
		q.template_r = template_r(a, b, n, (size_t)nearbyint(median_of(rr, b->n - 1)));
		q.accepted = q.rules && q.template_r >= PPG_TEMPLATE_MIN;
	}
	*ret = q;
}
