/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beats -- heart beats in a pulse wave (PPG) or an ECG, by two moving averages.
 *
 * PPG: Elgendi, Norton, Brearley, Abbott and Schuurmans, "Systolic peak detection in acceleration
 * photoplethysmograms", PLoS ONE 8(10) e76585, 2013.  ECG: Elgendi, "Fast QRS detection with an optimized
 * knowledge-based method", PLoS ONE 8(9) e73557, 2013.
 *
 * Threads:  pure functions, any thread.   Memory:  from the caller's arena (about 10 arrays of n).
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct beats {
	size_t n;
	size_t *at; /* sample of each beat, rising */
	double *y;  /* the filtered signal, as long as the input */
};

/* Zero beats is a result, not an error.  ERR_INVALID: fs not usable, signal too short to filter. */
int beats_ppg(struct arena *a, const double *x, size_t n, double fs, struct beats *ret,
	      struct err *e) MUST_CHECK;
int beats_ecg(struct arena *a, const double *x, size_t n, double fs, struct beats *ret,
	      struct err *e) MUST_CHECK;

/* Times of the beats in s; with @parabola the peak of the parabola through the three samples of y
 * around each (PPG), else the sample itself (ECG). */
double *beats_times(struct arena *a, const struct beats *b, size_t n, double fs, int parabola);
