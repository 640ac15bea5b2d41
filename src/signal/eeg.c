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
	return filter_band(a, x, n, fs, EEG_LO, fs <= EEG_SLOW_RATE ? EEG_HI_SLOW : EEG_HI,
			   EEG_ORDER, ret, e);
}

static double band(const struct spectrum *s, double fs, double lo, double hi)
{
	return lo < fs / 2 ? spectrum_power(s, lo, fmin(hi, fs / 2)) : 0;
}

int eeg_bands(struct arena *a, const double *x, size_t n, double fs, struct eeg_bands *ret,
	      struct err *e)
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

/* @fn of the periodogram of one window; scratch is freed behind it. */
static int one_window(struct arena *a, const double *x, size_t n, double fs,
		      const struct eeg_series *how, window_fn fn, double *ret, struct err *e)
{
	struct arena scratch;
	struct spectrum s;
	int rc;

	arena_init(&scratch, a->max);
	rc = spectrum_periodogram(&scratch, x, n, fs, &s, e);
	if (rc == 0)
		*ret = fn(&s, how->lo, how->hi);
	arena_clear(&scratch);
	return rc;
}

static int check_series(const struct eeg_series *how, double fs, struct err *e)
{
	if (fs > 0 && how->window_s * fs >= 1 && how->step_s * fs >= 1)
		return 0;
	return err_set(e, ERR_INVALID, "windows of %g s each %g s at %g samples/s", how->window_s,
		       how->step_s, fs);
}

/* Samples from one window to the next; *ret_window is its length, *ret_n how many there are. */
static size_t step_of(const struct eeg_series *how, size_t n, double fs, size_t *ret_window,
		      size_t *ret_n)
{
	size_t w = (size_t)(how->window_s * fs), step = (size_t)(how->step_s * fs);

	*ret_window = w;
	*ret_n = n < w ? 0 : (n - w) / step + 1;
	return step;
}

int eeg_power_series(struct arena *a, const double *x, size_t n, double fs,
		     const struct eeg_series *how, double **ret, size_t *ret_n, struct err *e)
{
	size_t w, count, step;
	double *out;

	if (check_series(how, fs, e) < 0)
		return e->code;
	step = step_of(how, n, fs, &w, &count);
	out = ARENA_ARRAY(a, double, count);
	for (size_t i = 0; i < count; i++)
		if (one_window(a, x + i * step, w, fs, how, spectrum_power, &out[i], e) < 0)
			return e->code;
	*ret = out;
	*ret_n = count;
	return 0;
}

int eeg_engagement(struct arena *a, const double *x, size_t n, double fs, double **ret,
		   size_t *ret_n, struct err *e)
{
	static const struct eeg_series how = { EEG_WINDOW_S, EEG_STEP_S, 0, 0 };
	size_t w, count, step;
	double *out;

	if (check_series(&how, fs, e) < 0)
		return e->code;
	step = step_of(&how, n, fs, &w, &count);
	out = ARENA_ARRAY(a, double, count);
	for (size_t i = 0; i < count; i++)
		if (one_window(a, x + i * step, w, fs, &how, window_engagement, &out[i], e) < 0)
			return e->code;
	*ret = out;
	*ret_n = count;
	return 0;
}

double eeg_asymmetry(const struct eeg_bands *left, const struct eeg_bands *right)
{
	return log(right->alpha) - log(left->alpha);
}
