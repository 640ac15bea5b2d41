// SPDX-License-Identifier: Apache-2.0
/* Band powers of an EEG and the indices made of them. */
#include "signal/eeg.h"

#include <math.h>

#include "signal/filter.h"
#include "signal/spectrum.h"

#define DELTA_LO 1.0
#define THETA_LO 4.0
#define ALPHA_LO 8.0
#define BETA_LO 13.0
#define GAMMA_LO 30.0
#define GAMMA_HI 45.0
#define PEAK_LO 7.0
#define PEAK_HI 14.0

int eeg_filter(struct arena *a, const double *x, size_t n, double fs, double **ret, struct err *e)
{
	return filter_band(a, x, n, fs, EEG_LO, fs <= EEG_SLOW_RATE ? EEG_HI_SLOW : EEG_HI, EEG_ORDER, ret, e);
}

static double band(const struct spectrum *s, double fs, double lo, double hi)
{
	return lo < fs / 2 ? spectrum_power(s, lo, fmin(hi, fs / 2)) : 0;
}

int eeg_bands(struct arena *a, const double *x, size_t n, double fs, struct eeg_bands *ret, struct err *e)
{
	size_t w = filter_window(EEG_WINDOW_S, fs);
	struct spectrum s;
	int rc = spectrum_welch(a, x, n, fs, w, w, &s, e);

	if (rc < 0)
		return rc;
	struct eeg_bands b = {
		.delta = band(&s, fs, DELTA_LO, THETA_LO),
		.theta = band(&s, fs, THETA_LO, ALPHA_LO),
		.alpha = band(&s, fs, ALPHA_LO, BETA_LO),
		.beta = band(&s, fs, BETA_LO, GAMMA_LO),
		.gamma = band(&s, fs, GAMMA_LO, GAMMA_HI),
		.peak_alpha_hz = spectrum_peak(&s, PEAK_LO, PEAK_HI),
	};
	b.engagement = b.beta / (b.alpha + b.theta);
	b.alpha_rel = b.alpha / (b.delta + b.theta + b.alpha + b.beta);
	*ret = b;
	return 0;
}

typedef double (*window_fn)(const struct spectrum *s, double lo, double hi);

static double window_engagement(const struct spectrum *s, double lo, double hi)
{
	return spectrum_power(s, BETA_LO, GAMMA_LO) /
	       (spectrum_power(s, ALPHA_LO, BETA_LO) + spectrum_power(s, THETA_LO, ALPHA_LO));
}

/* @fn of the periodogram of each window.  Scratch is freed window by window. */
static int series(struct arena *a, const double *x, size_t n, double fs, const double timing[2], const double edges[2],
		  window_fn fn, double **ret, size_t *ret_n, struct err *e)
{
	if (!(fs > 0) || !(timing[0] * fs >= 1) || !(timing[1] * fs >= 1))
		return err_set(e, ERR_INVALID, "windows of %g s each %g s at %g samples/s", timing[0], timing[1], fs);
	size_t w = (size_t)(timing[0] * fs), step = (size_t)(timing[1] * fs), count = n < w ? 0 : (n - w) / step + 1;
	double *out = ARENA_ARRAY(a, double, count);

	for (size_t i = 0; i < count; i++) {
		struct arena scratch;
		struct spectrum s;

		arena_init(&scratch, a->max);
		int rc = spectrum_periodogram(&scratch, x + i * step, w, fs, &s, e);
		if (rc == 0)
			out[i] = fn(&s, edges[0], edges[1]);
		arena_clear(&scratch);
		if (rc < 0)
			return rc;
	}
	*ret = out;
	*ret_n = count;
	return 0;
}

int eeg_power_series(struct arena *a, const double *x, size_t n, double fs, double window_s, double step_s, double lo,
		     double hi, double **ret, size_t *ret_n, struct err *e)
{
	return series(a, x, n, fs, (double[]){ window_s, step_s }, (double[]){ lo, hi }, spectrum_power, ret, ret_n, e);
}

int eeg_engagement(struct arena *a, const double *x, size_t n, double fs, double **ret, size_t *ret_n, struct err *e)
{
	return series(a, x, n, fs, (double[]){ EEG_WINDOW_S, EEG_STEP_S }, (double[]){ 0, 0 }, window_engagement, ret,
		      ret_n, e);
}

double eeg_asymmetry(const struct eeg_bands *left, const struct eeg_bands *right)
{
	return log(right->alpha) - log(left->alpha);
}
