/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter -- Butterworth filters as second-order sections, run forward and backward; moving mean.
 *
 * Design: bilinear transform with prewarping (Oppenheim and Schafer, Discrete-Time Signal Processing,
 * ch. 7).  Start of each pass: the steady state for its first sample (Gustafsson, IEEE Trans. Signal
 * Processing 44(4), 988-992, 1996, names the problem; the odd extension is the usual answer).
 *
 * Threads:  pure functions, any thread.
 * Memory:   results and scratch come from the caller's arena (about 3 arrays of n doubles a call).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

#define FILTER_ORDER_MAX 8
#define FILTER_NYQUIST_PART 0.45 /* an upper edge above this part of the rate is moved down to it */

struct filter {
	size_t n;         /* sections */
	bool first_order; /* the last section is of first order */
	double b[FILTER_ORDER_MAX][3], a[FILTER_ORDER_MAX][3]; /* a[.][0] = 1 */
};

/* Edges in Hz; @lo 0: low-pass, @hi 0: high-pass, both: band-pass of @order sections.
 * ERR_INVALID: order not 1..8, edges not 0 < lo < hi < fs / 2. */
int filter_butterworth(int order, double lo, double hi, double fs, struct filter *ret,
		       struct err *e) MUST_CHECK;

/* Samples of odd extension on each side: the least length a signal must exceed. */
size_t filter_extension(const struct filter *f);

/* Zero-phase: forward and backward.  ERR_INVALID: n <= filter_extension(). */
int filter_both_ways(struct arena *a, const struct filter *f, const double *x, size_t n,
		     double **ret, struct err *e) MUST_CHECK;

/* Both steps, with @hi limited to FILTER_NYQUIST_PART of the rate. */
int filter_band(struct arena *a, const double *x, size_t n, double fs, double lo, double hi,
		int order, double **ret, struct err *e) MUST_CHECK;

/* Centred moving mean over @width samples, made odd; at the ends the mean of what exists. */
double *filter_box(struct arena *a, const double *x, size_t n, size_t width);

/* Window of @seconds in samples: rounded, halves to even. */
size_t filter_window(double seconds, double fs);
