/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hrv -- intervals between beats, which of them are normal, and heart-rate variability.
 *
 * Measures: Task Force of the ESC and NASPE, "Heart rate variability: standards of measurement",
 * Circulation 93, 1043-1065, 1996.  SD1, SD2: Brennan, Palaniswami and Kamen, IEEE Trans. Biomed. Eng.
 * 48(11), 1342-1347, 2001.  LF/HF depends on the method: report it with n; under HRV_LF_SECONDS there is no LF.
 *
 * Threads:  pure functions, any thread.   Memory:  from the caller's arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

#define HRV_NN_MIN_MS 300.0
#define HRV_NN_MAX_MS 2000.0
#define HRV_NN_PART 0.2 /* greatest distance from the running median */
#define HRV_NN_SIDE 5   /* intervals on each side of the median's window */
#define HRV_FREQ_MIN 8  /* intervals */
#define HRV_LF_SECONDS 120.0
#define HRV_VLF_LO 0.0033
#define HRV_VLF_HI 0.04
#define HRV_LF_HI 0.15
#define HRV_HF_HI 0.40

struct hrv_intervals {
	size_t n;       /* all */
	double *ms, *t; /* length, and time (s) of the later beat */
	bool *keep;
	size_t kept;
	double *nn, *tt; /* those kept */
};

struct hrv_time {
	size_t n;
	double mean_nn, hr, sdnn, rmssd, sdsd, pnn50, pnn20, sd1, sd2; /* ms, 1/min, % */
	size_t nn50;
};

struct hrv_freq {
	double vlf, lf, hf, lf_hf, lf_nu; /* ms^2, %; vlf and lf_nu are 0 by Lomb-Scargle */
	size_t nperseg, samples;          /* 0 by Lomb-Scargle */
	bool lf_ok;                       /* at least HRV_LF_SECONDS of intervals */
};

/* @beat_s: times of beats, rising.  Fewer than 2 give n = 0. */
void hrv_intervals(struct arena *a, const double *beat_s, size_t n, struct hrv_intervals *ret);

/* ERR_INVALID: fewer than 3 intervals. */
int hrv_time(const double *nn_ms, size_t n, struct hrv_time *ret, struct err *e) MUST_CHECK;
/* Spline at 4 Hz, straight line removed, Welch.  ERR_INVALID: fewer than HRV_FREQ_MIN intervals, or over 24 h. */
int hrv_freq(struct arena *a, const double *nn_ms, const double *t_s, size_t n,
	     struct hrv_freq *ret, struct err *e) MUST_CHECK;
/* The second, gap-safe way: Lomb-Scargle. */
int hrv_freq_lomb(struct arena *a, const double *nn_ms, const double *t_s, size_t n,
		  struct hrv_freq *ret, struct err *e) MUST_CHECK;
