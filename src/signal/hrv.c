// SPDX-License-Identifier: Apache-2.0
/* Intervals, normal or not, and heart-rate variability in time and frequency. */
#include "signal/hrv.h"

#include <math.h>
#include <string.h>

#include "signal/spectrum.h"

#define SPLINE_RATE 4.0
#define WELCH_SEGMENT 256
#define WELCH_NFFT 1024
#define LOMB_FREQUENCIES 1000
#define SPAN_MAX_S (24 * 3600.0)

/* Median of at most 2 * HRV_NN_SIDE + 1 values; reorders @v. */
static double median_of(double *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double x = v[i];
		size_t j = i;

		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double running_median(const double *x, size_t n, size_t i)
{
	double v[2 * HRV_NN_SIDE + 1];
	size_t from = i > HRV_NN_SIDE ? i - HRV_NN_SIDE : 0,
	       to = i + HRV_NN_SIDE + 1 < n ? i + HRV_NN_SIDE + 1 : n;

	memcpy(v, x + from, (to - from) * sizeof(*v));
	return median_of(v, to - from);
}

void hrv_intervals(struct arena *a, const double *beat_s, size_t n, struct hrv_intervals *ret)
{
	struct hrv_intervals r = { .n = n > 0 ? n - 1 : 0 };

	r.ms = ARENA_ARRAY(a, double, r.n);
	r.t = ARENA_ARRAY(a, double, r.n);
	r.nn = ARENA_ARRAY(a, double, r.n);
	r.tt = ARENA_ARRAY(a, double, r.n);
	r.keep = ARENA_ARRAY(a, bool, r.n);
	for (size_t i = 0; i < r.n; i++) {
		r.ms[i] = (beat_s[i + 1] - beat_s[i]) * 1000;
		r.t[i] = beat_s[i + 1];
	}
	for (size_t i = 0; i < r.n; i++) {
		double med = running_median(r.ms, r.n, i);

		r.keep[i] = r.ms[i] >= HRV_NN_MIN_MS && r.ms[i] <= HRV_NN_MAX_MS &&
			    fabs(r.ms[i] - med) <= HRV_NN_PART * med;
		if (!r.keep[i])
			continue;
		r.nn[r.kept] = r.ms[i];
		r.tt[r.kept++] = r.t[i];
	}
	*ret = r;
}

/* Mean and sum of squares about it. */
static double mean_and_square(const double *x, size_t n, double *ret_square)
{
	double sum = 0, square = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	double mean = sum / (double)n;
	for (size_t i = 0; i < n; i++)
		square += (x[i] - mean) * (x[i] - mean);
	*ret_square = square;
	return mean;
}

int hrv_time(const double *nn, size_t n, struct hrv_time *ret, struct err *e)
{
	struct hrv_time r = { .n = n };
	double square, sum = 0, sum2 = 0;
	size_t over20 = 0;

	if (n < 3)
		return err_set(e, ERR_INVALID, "%zu intervals; at least 3", n);
	r.mean_nn = mean_and_square(nn, n, &square);
	r.hr = 60000 / r.mean_nn;
	double var = square / (double)(n - 1), nd = (double)(n - 1);
	for (size_t i = 1; i < n; i++) {
		double d = nn[i] - nn[i - 1];

		sum += d;
		sum2 += d * d;
		r.nn50 += fabs(d) > 50;
		over20 += fabs(d) > 20;
	}
	double mean_d = sum / nd, square_d = 0;
	for (size_t i = 1; i < n; i++) {
		double d = nn[i] - nn[i - 1] - mean_d;

		square_d += d * d;
	}
	double var_d = square_d / (nd - 1);
	r.sdnn = sqrt(var);
	r.rmssd = sqrt(sum2 / nd);
	r.sdsd = sqrt(var_d);
	r.pnn50 = 100 * (double)r.nn50 / nd;
	r.pnn20 = 100 * (double)over20 / nd;
	r.sd1 = sqrt(var_d / 2);
	r.sd2 = sqrt(fmax(0, 2 * var - var_d / 2));
	*ret = r;
	return 0;
}

/* Slopes of the cubic spline through (t, y) whose third derivative does not jump at the second and the
 * last but one point ("not-a-knot"): a tridiagonal system, eliminated in order; n >= 4. */
static double *spline_slopes(struct arena *a, const double *t, const double *y, size_t n)
{
	double *s = ARENA_ARRAY(a, double, n), *up = ARENA_ARRAY(a, double, n);
	double d0 = t[1] - t[0], d1 = t[2] - t[1], both = d0 + d1;
	double k0 = (y[1] - y[0]) / d0, k1 = (y[2] - y[1]) / d1;

	up[0] = both / d1;
	s[0] = ((d0 + 2 * both) * d1 * k0 + d0 * d0 * k1) / both / d1;
	for (size_t i = 1; i + 1 < n; i++) {
		double before = t[i] - t[i - 1], behind = t[i + 1] - t[i];
		double rhs = 3 * (behind * (y[i] - y[i - 1]) / before +
				  before * (y[i + 1] - y[i]) / behind);
		double pivot = 2 * (before + behind) - behind * up[i - 1];

		up[i] = before / pivot;
		s[i] = (rhs - behind * s[i - 1]) / pivot;
	}
	d0 = t[n - 1] - t[n - 2];
	d1 = t[n - 2] - t[n - 3];
	both = d0 + d1;
	k0 = (y[n - 1] - y[n - 2]) / d0;
	k1 = (y[n - 2] - y[n - 3]) / d1;
	double rhs = (d0 * d0 * k1 + (2 * both + d0) * d1 * k0) / both;
	s[n - 1] = (rhs - both * s[n - 2]) / (d1 - both * up[n - 2]);
	for (size_t i = n - 1; i-- > 0;)
		s[i] -= up[i] * s[i + 1];
	return s;
}

/* The spline at @m points from t[0] on, @step apart. */
static double *spline_even(struct arena *a, const double *t, const double *y, size_t n, double step,
			   size_t m)
{
	double *s = spline_slopes(a, t, y, n), *out = ARENA_ARRAY(a, double, m);
	size_t k = 0;

	for (size_t i = 0; i < m; i++) {
		double at = t[0] + (double)i * step;

		while (k + 2 < n && at >= t[k + 1])
			k++;
		double d = t[k + 1] - t[k], u = at - t[k], slope = (y[k + 1] - y[k]) / d;
		double c3 = (s[k] + s[k + 1] - 2 * slope) / d;

		out[i] = y[k] + u * (s[k] + u * ((slope - s[k]) / d - c3 + u * c3 / d));
	}
	return out;
}

static void remove_line(double *y, size_t n)
{
	double mid = (double)(n - 1) / 2, sum = 0, cross = 0, square = 0;

	for (size_t i = 0; i < n; i++) {
		double u = (double)i - mid;

		sum += y[i];
		cross += u * y[i];
		square += u * u;
	}
	double mean = sum / (double)n, slope = n > 1 ? cross / square : 0;
	for (size_t i = 0; i < n; i++)
		y[i] -= mean + slope * ((double)i - mid);
}

static int check_series(const double *t, size_t n, struct err *e)
{
	if (n < HRV_FREQ_MIN)
		return err_set(e, ERR_INVALID, "%zu intervals; at least %d", n, HRV_FREQ_MIN);
	for (size_t i = 1; i < n; i++)
		if (!(t[i] > t[i - 1]))
			return err_set(e, ERR_INVALID,
				       "the times of the intervals do not rise at %zu", i);
	if (t[n - 1] - t[0] > SPAN_MAX_S)
		return err_set(e, ERR_INVALID, "intervals over %g s; at most %g", t[n - 1] - t[0],
			       SPAN_MAX_S);
	return 0;
}

int hrv_freq(struct arena *a, const double *nn, const double *t, size_t n, struct hrv_freq *ret,
	     struct err *e)
{
	struct hrv_freq r = { 0 };
	struct spectrum s;
	int rc = check_series(t, n, e);

	if (rc < 0)
		return rc;
	r.samples = (size_t)ceil((t[n - 1] - t[0]) * SPLINE_RATE);
	double *y = spline_even(a, t, nn, n, 1 / SPLINE_RATE, r.samples);
	remove_line(y, r.samples);
	r.nperseg = r.samples < WELCH_SEGMENT ? r.samples : WELCH_SEGMENT;
	rc = spectrum_welch(a, y, r.samples, SPLINE_RATE, r.nperseg, WELCH_NFFT, &s, e);
	if (rc < 0)
		return rc;
	r.vlf = spectrum_area(&s, HRV_VLF_LO, HRV_VLF_HI);
	r.lf = spectrum_area(&s, HRV_VLF_HI, HRV_LF_HI);
	r.hf = spectrum_area(&s, HRV_LF_HI, HRV_HF_HI);
	r.lf_hf = r.lf / r.hf;
	r.lf_nu = 100 * r.lf / (r.lf + r.hf);
	r.lf_ok = t[n - 1] - t[0] >= HRV_LF_SECONDS;
	*ret = r;
	return 0;
}

int hrv_freq_lomb(struct arena *a, const double *nn, const double *t, size_t n,
		  struct hrv_freq *ret, struct err *e)
{
	struct hrv_freq r = { 0 };
	struct spectrum s;
	int rc = check_series(t, n, e);

	if (rc < 0)
		return rc;
	rc = spectrum_lomb(a, t, nn, n, HRV_VLF_LO, HRV_HF_HI, LOMB_FREQUENCIES, &s, e);
	if (rc < 0)
		return rc;
	r.lf = spectrum_area(&s, HRV_VLF_HI, HRV_LF_HI);
	r.hf = spectrum_area(&s, HRV_LF_HI, HRV_HF_HI);
	r.lf_hf = r.lf / r.hf;
	r.lf_ok = t[n - 1] - t[0] >= HRV_LF_SECONDS;
	*ret = r;
	return 0;
}
