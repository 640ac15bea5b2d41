/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eda -- skin conductance: slow (tonic) and fast (phasic) part, skin conductance responses.
 *
 * The split by a 0.05 Hz high-pass and the prominence rule follow common practice (Boucsein et al.,
 * "Publication recommendations for electrodermal measurements", Psychophysiology 49, 1017-1034, 2012).
 *
 * Threads:  pure functions, any thread.   Memory:  from the caller's arena.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

#define EDA_CLEAN_HI 3.0
#define EDA_CLEAN_ORDER 4
#define EDA_CLEAN_MIN_RATE 6.5 /* at or below: the input is taken as it is */
#define EDA_PHASIC_LO 0.05
#define EDA_PHASIC_ORDER 2
#define EDA_PROMINENCE_PART 0.1 /* of the greatest prominence */

struct eda {
	double *clean, *tonic, *phasic; /* as long as the input */
	size_t n_scr;
	size_t *scr;        /* samples of the responses, rising */
	double *prominence; /* of each response */
};

int eda_analyse(struct arena *a, const double *x, size_t n, double fs, struct eda *ret,
		struct err *e) MUST_CHECK;
