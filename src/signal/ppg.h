/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ppg -- may the numbers of a pulse wave be believed?  Every index is gated by this.
 *
 * Template and rules: Orphanidou et al., "Signal-quality indices for the electrocardiogram and
 * photoplethysmogram", IEEE J. Biomed. Health Inform. 19(3), 832-838, 2015.  Skewness: Elgendi, "Optimal
 * signal quality index for photoplethysmogram signals", Bioengineering 3(4) 21, 2016.
 *
 * Threads:  pure function, any thread.   Memory:  from the caller's arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "signal/beats.h"

#define PPG_TEMPLATE_MIN 0.86
#define PPG_RATE_MIN 40.0
#define PPG_RATE_MAX 180.0
#define PPG_INTERVAL_MAX_S 3.0
#define PPG_INTERVAL_RATIO 2.2
#define PPG_SKEW_WINDOW_S 5.0
#define PPG_BEATS_MIN 4

struct ppg_quality {
	size_t beats;
	double template_r; /* mean correlation of the beats with the mean beat; 0: fewer than PPG_BEATS_MIN beats */
	double skew_median; /* 0 when has_skew is false */
	bool has_skew;      /* false: shorter than one window */
	bool rules;
	bool accepted; /* rules and template_r >= PPG_TEMPLATE_MIN */
};

/* @b of beats_ppg() on a signal of @n samples. */
void ppg_quality(struct arena *a, const struct beats *b, size_t n, double fs,
		 struct ppg_quality *ret);
