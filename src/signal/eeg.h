/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eeg -- band powers, relative alpha, alpha peak, engagement, asymmetry.
 *
 * Spectrum: Welch 1967.  Engagement = beta / (alpha + theta): Pope, Bogart and Bartolome, "Biocybernetic
 * system evaluates indices of operator engagement", Biol. Psychology 40, 187-195, 1995.  Asymmetry = ln alpha
 * right - ln alpha left: Davidson, Biol. Psychology 67, 219-233, 2004; weakly reproducible, exploratory.
 *
 * Threads:  pure functions, any thread.   Memory:  from the caller's arena.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

#define EEG_LO 1.0
#define EEG_HI 45.0
#define EEG_HI_SLOW 40.0 /* where the rate is at most EEG_SLOW_RATE */
#define EEG_SLOW_RATE 125.0
#define EEG_ORDER 4
#define EEG_WINDOW_S 2.0
#define EEG_STEP_S 1.0

struct eeg_bands {
	double delta, theta, alpha, beta,
		gamma;                /* 1-4-8-13-30-45 Hz, unit^2; 0 above half the rate */
	double engagement, alpha_rel; /* alpha_rel = alpha / (delta + theta + alpha + beta) */
	double peak_alpha_hz;         /* 7-14 Hz */
};

/* The band-pass that belongs before all others here. */
int eeg_filter(struct arena *a, const double *x, size_t n, double fs, double **ret, struct err *e)
	MUST_CHECK;

/* @x filtered.  ERR_INVALID: shorter than one window. */
int eeg_bands(struct arena *a, const double *x, size_t n, double fs, struct eeg_bands *ret,
	      struct err *e) MUST_CHECK;

/* A band, and how windows move over the signal. */
struct eeg_series {
	double window_s, step_s;
	double lo, hi; /* Hz */
};

/* Power of one band in each window; *ret_n may be 0 for a short signal. */
int eeg_power_series(struct arena *a, const double *x, size_t n, double fs,
		     const struct eeg_series *how, double **ret, size_t *ret_n, struct err *e)
	MUST_CHECK;
/* Engagement per EEG_WINDOW_S, step EEG_STEP_S; *ret_n may be 0 for a short signal. */
int eeg_engagement(struct arena *a, const double *x, size_t n, double fs, double **ret,
		   size_t *ret_n, struct err *e) MUST_CHECK;

double eeg_asymmetry(const struct eeg_bands *left, const struct eeg_bands *right);
