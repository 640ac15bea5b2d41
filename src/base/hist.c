/* SPDX-License-Identifier: Apache-2.0 */
/* A histogram of times: linear buckets within each power of two. */
#include "base/hist.h"

#include <math.h>
#include <stdlib.h>

#include "base/macro.h"

#define HALF_BITS 10
#define HALF (1U << HALF_BITS) /* buckets of each power of two */
#define SLOTS ((64 - HALF_BITS) * HALF)

struct hist {
	uint64_t n;
	int64_t max;
	uint64_t slots[SLOTS];
};

/* Values below 2 HALF have a slot of their own; above, those that share the first HALF_BITS + 1 bits share one. */
static size_t slot_of(uint64_t v)
{
	unsigned shift = v < 2 * HALF ? 0 : 63U - (unsigned)__builtin_clzll(v) - HALF_BITS;

	return (size_t)shift * HALF + (size_t)(v >> shift);
}

/* The greatest value of a slot. */
static int64_t value_of(size_t slot)
{
	unsigned shift = slot < 2 * HALF ? 0 : (unsigned)(slot / HALF) - 1;
	uint64_t low = ((uint64_t)slot - (uint64_t)shift * HALF) << shift;

	return (int64_t)(low + ((1ULL << shift) - 1));
}

struct hist *hist_new(void)
{
	struct hist *h = calloc(1, sizeof(*h));

	must(h);
	return h;
}

struct hist *hist_free(struct hist *h)
{
	free(h);
	return NULL;
}

void hist_add(struct hist *h, int64_t value)
{
	if (value < 0)
		value = 0;
	h->slots[slot_of((uint64_t)value)]++;
	h->n++;
	if (value > h->max)
		h->max = value;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	for (size_t i = 0; i < SLOTS; i++)
		to->slots[i] += from->slots[i];
	to->n += from->n;
	if (from->max > to->max)
		to->max = from->max;
}

uint64_t hist_count(const struct hist *h)
{
	return h->n;
}

int64_t hist_max(const struct hist *h)
{
	return h->max;
}

int64_t hist_percentile(const struct hist *h, double p)
{
	uint64_t rank = (uint64_t)ceil(p / 100 * (double)h->n), seen = 0;

	if (rank < 1)
		rank = 1;
	for (size_t i = 0; i < SLOTS && h->n; i++) {
		seen += h->slots[i];
		if (seen >= rank)
			return value_of(i) < h->max ? value_of(i) : h->max;
	}
	return h->max;
}

void hist_print(const struct hist *h, double unit, struct buf *b)
{
	uint64_t seen = 0;

	buf_add_str(b, "       Value   Percentile   TotalCount 1/(1-Percentile)\n\n");
	for (size_t i = 0; i < SLOTS; i++) {
		int64_t v = value_of(i) < h->max ? value_of(i) : h->max;
		double p;

		if (!h->slots[i])
			continue;
		seen += h->slots[i];
		p = (double)seen / (double)h->n;
		buf_printf(b, "%12.3f %12.6f %12llu", (double)v / unit, p, (unsigned long long)seen);
		buf_printf(b, seen < h->n ? " %12.2f\n" : "\n", 1 / (1 - p));
	}
	buf_printf(b, "#[Max = %12.3f, Total count = %12llu]\n", (double)h->max / unit, (unsigned long long)h->n);
}
