/* SPDX-License-Identifier: Apache-2.0 */
/* decimate: least and greatest sample of each bucket. */
#include "signal/decimate.h"

#include <math.h>
#include <string.h>

bool decimate_init(struct decimate *d, double rate, double hz)
{
	memset(d, 0, sizeof(*d));
	if (!(hz > 0 && hz < rate))
		return false;
	d->per_sample = hz / rate;
	return true;
}

static void put(struct decimate_bucket *b, uint64_t number, uint64_t at, double v)
{
	if (!b->n) {
		*b = (struct decimate_bucket){ number, at, 0, v, v, v, v };
	} else {
		b->min = fmin(b->min, v);
		b->max = fmax(b->max, v);
		b->last = v;
	}
	b->n++;
}

size_t decimate_take(struct decimate *d, uint64_t at, const double *v, size_t n, struct decimate_bucket *ret)
{
	size_t full = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t number = (uint64_t)floor((double)(at + i) * d->per_sample);

		if (d->open.n && number != d->open.at && decimate_flush(d, &ret[full]))
			full++;
		if (!isnan(v[i]))
			put(&d->open, number, at + i, v[i]);
	}
	return full;
}

bool decimate_flush(struct decimate *d, struct decimate_bucket *ret)
{
	if (!d->open.n)
		return false;
	*ret = d->open;
	d->open.n = 0;
	return true;
}
