// SPDX-License-Identifier: Apache-2.0
/* Correlation of each person with the others, and of all pairs. */
#include "signal/isc.h"

#include <math.h>
#include <string.h>

/* Takes the mean off @x and makes its length 1; all 0 where it does not change. */
static void normalise(double *x, size_t n)
{
	double mean = 0, square = 0;

	for (size_t i = 0; i < n; i++)
		mean += x[i];
	mean /= (double)n;
	for (size_t i = 0; i < n; i++) {
		x[i] -= mean;
		square += x[i] * x[i];
	}
	for (size_t i = 0; i < n; i++)
		x[i] = square > 0 ? x[i] / sqrt(square) : 0;
}

static double dot(const double *x, const double *y, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * y[i];
	return sum;
}

static int check(size_t people, size_t n, struct err *e)
{
	return people < 2 || n < 2
		       ? err_set(e, ERR_INVALID, "%zu people with %zu values", people, n)
		       : 0;
}

int isc_leave_one_out(struct arena *a, const double *x, size_t people, size_t n, double **ret,
		      struct err *e)
{
	if (check(people, n, e) < 0)
		return e->code;
	double *sum = ARENA_ARRAY(a, double, n), *one = ARENA_ARRAY(a, double, n),
	       *others = ARENA_ARRAY(a, double, n);
	double *out = ARENA_ARRAY(a, double, people);

	for (size_t p = 0; p < people; p++)
		for (size_t i = 0; i < n; i++)
			sum[i] += x[p * n + i];
	for (size_t p = 0; p < people; p++) {
		memcpy(one, x + p * n, n * sizeof(*one));
		for (size_t i = 0; i < n; i++)
			others[i] = sum[i] - one[i];
		normalise(one, n);
		normalise(others, n);
		out[p] = dot(one, others, n);
	}
	*ret = out;
	return 0;
}

int isc_pairs(struct arena *a, const double *x, size_t people, size_t n, double *ret, struct err *e)
{
	if (check(people, n, e) < 0)
		return e->code;
	double *z = arena_dup(a, x, people * n * sizeof(*x)), sum = 0;

	for (size_t p = 0; p < people; p++)
		normalise(z + p * n, n);
	for (size_t p = 1; p < people; p++)
		for (size_t q = 0; q < p; q++)
			sum += dot(z + p * n, z + q * n, n);
	*ret = sum / ((double)people * (double)(people - 1) / 2);
	return 0;
}
