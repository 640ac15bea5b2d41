// SPDX-License-Identifier: Apache-2.0
/* Tonic and phasic skin conductance, and the responses in the phasic part. */
#include "signal/eda.h"

#include "signal/filter.h"

/* Height of the peak at @p above the higher of the lowest points on its two sides, each side
 * reaching to the next sample that is higher than the peak. */
static double prominence(const double *x, size_t n, size_t p)
{
	double left = x[p], right = x[p];

	for (size_t i = p; x[i] <= x[p]; i--) {
		if (x[i] < left)
			left = x[i];
		if (i == 0)
			break;
	}
	for (size_t i = p; i < n && x[i] <= x[p]; i++)
		if (x[i] < right)
			right = x[i];
	return x[p] - (left > right ? left : right);
}

/* Local maxima; of a plateau its middle.  At most one in two samples. */
static size_t find_peaks(const double *x, size_t n, size_t *ret)
{
	size_t count = 0;

	for (size_t i = 1; i + 1 < n; i++) {
		if (!(x[i - 1] < x[i]))
			continue;
		size_t end = i;

		while (end + 1 < n && !(x[end + 1] < x[i]) && !(x[end + 1] > x[i]))
			end++;
		if (end + 1 < n && x[end + 1] < x[i])
			ret[count++] = (i + end) / 2;
		i = end;
	}
	return count;
}

static void find_responses(struct arena *a, struct eda *d, size_t n)
{
	size_t *at = ARENA_ARRAY(a, size_t, n / 2 + 1), found = find_peaks(d->phasic, n, at);
	double *height = ARENA_ARRAY(a, double, found), greatest = 0;

	for (size_t i = 0; i < found; i++) {
		height[i] = prominence(d->phasic, n, at[i]);
		if (height[i] > greatest)
			greatest = height[i];
	}
	d->scr = at;
	d->prominence = height;
	for (size_t i = 0; i < found; i++) {
		if (height[i] < EDA_PROMINENCE_PART * greatest)
			continue;
		at[d->n_scr] = at[i];
		height[d->n_scr++] = height[i];
	}
}

int eda_analyse(struct arena *a, const double *x, size_t n, double fs, struct eda *ret,
		struct err *e)
{
	struct eda d = { 0 };
	int rc = 0;

	if (fs > EDA_CLEAN_MIN_RATE)
		rc = filter_band(a, x, n, fs, 0, EDA_CLEAN_HI, EDA_CLEAN_ORDER, &d.clean, e);
	else
		d.clean = arena_dup(a, x, n * sizeof(*x));
	if (rc < 0)
		return rc;
	rc = filter_band(a, d.clean, n, fs, EDA_PHASIC_LO, 0, EDA_PHASIC_ORDER, &d.phasic, e);
	if (rc < 0)
		return rc;
	d.tonic = ARENA_ARRAY(a, double, n);
	for (size_t i = 0; i < n; i++)
		d.tonic[i] = d.clean[i] - d.phasic[i];
	find_responses(a, &d, n);
	*ret = d;
	return 0;
}
