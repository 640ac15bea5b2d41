/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isc -- inter-subject correlation: does an audience respond alike?
 *
 * Leave-one-out and mean of pairs: Hasson et al., Science 303, 1634-1640, 2004; for EEG and heart rate
 * Madsen and Parra, PNAS Nexus 1(1), 2022.
 *
 * Threads:  pure functions, any thread.   Memory:  from the caller's arena.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* @x: @people rows of @n values.  Correlation of each person with the mean of the others; 0 where one of
 * both does not change.  ERR_INVALID: fewer than 2 people or values. */
int isc_leave_one_out(struct arena *a, const double *x, size_t people, size_t n, double **ret,
		      struct err *e) MUST_CHECK;
/* Mean correlation over all pairs. */
int isc_pairs(struct arena *a, const double *x, size_t people, size_t n, double *ret, struct err *e)
	MUST_CHECK;
