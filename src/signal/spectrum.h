/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spectrum -- power spectra: Welch, one periodogram, Lomb-Scargle; areas and powers of bands.
 *
 * Welch: IEEE Trans. Audio Electroacoustics 15(2), 70-73, 1967: periodic Hann window, half overlap, mean
 * of each segment removed, density one-sided.  Lomb: Astrophys. Space Sci. 39, 447-462, 1976; Scargle:
 * Astrophys. J. 263, 835-853, 1982: for unevenly spaced samples.
 *
 * Threads:  pure functions, any thread.   Memory:  from the caller's arena.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "signal/fft.h"

#define SPECTRUM_LENGTH_MAX FFT_LENGTH_MAX /* samples of one transform */

struct spectrum {
	double *f; /* Hz, rising */
	double *p; /* unit^2/Hz */
	size_t n;
};

/* Segments of @nperseg (at most n), zero-filled to @nfft >= nperseg.
 * ERR_INVALID: no samples, lengths out of range, fs not above 0. */
int spectrum_welch(struct arena *a, const double *x, size_t n, double fs, size_t nperseg,
		   size_t nfft, struct spectrum *ret, struct err *e) MUST_CHECK;
/* One Hann window over all of @x. */
int spectrum_periodogram(struct arena *a, const double *x, size_t n, double fs,
			 struct spectrum *ret, struct err *e) MUST_CHECK;
/* Samples @y at times @t (s, rising); @nf frequencies from @lo to @hi, both included; scaled to a one-sided
 * density.  The mean of @y is removed.  ERR_INVALID: fewer than 2 samples or frequencies. */
int spectrum_lomb(struct arena *a, const double *t, const double *y, size_t n, double lo, double hi,
		  size_t nf, struct spectrum *ret, struct err *e) MUST_CHECK;

double spectrum_area(const struct spectrum *s, double lo,
		     double hi); /* trapezoid over lo <= f < hi */
double spectrum_power(const struct spectrum *s, double lo,
		      double hi); /* sum over lo <= f < hi, times the step */
double spectrum_peak(const struct spectrum *s, double lo,
		     double hi); /* f of the greatest p, lo <= f <= hi; 0: none */
