/* SPDX-License-Identifier: Apache-2.0 */
/* compact_plan: which small files of a partition are to be merged. */
#include "measure/compact_plan.h"

#include "base/limits.h"

static const uint64_t tier_from[COMPACT_TIERS + 1] = { 0, 256 * KIB, 4 * MIB, COMPACT_FULL };

/* The files between @from and @to bytes, in order, as many as may be merged. */
static size_t take(const uint64_t *size, size_t n, uint64_t from, uint64_t to, size_t ret[COMPACT_FILES])
{
	uint64_t bytes = 0;
	size_t taken = 0;

	for (size_t i = 0; i < n && taken < COMPACT_FILES; i++) {
		if (size[i] < from || size[i] >= to)
			continue;
		if (taken && bytes + size[i] > COMPACT_MAX)
			break;
		bytes += size[i];
		ret[taken++] = i;
	}
	return taken;
}

static size_t count(const uint64_t *size, size_t n, uint64_t from, uint64_t to)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += size[i] >= from && size[i] < to;
	return found;
}

size_t compact_plan(const uint64_t *size, size_t n, bool quiet, size_t ret[COMPACT_FILES])
{
	size_t taken = 0;

	for (size_t t = 0; t < COMPACT_TIERS && taken < 2; t++)
		if (count(size, n, tier_from[t], tier_from[t + 1]) >= COMPACT_FANOUT)
			taken = take(size, n, tier_from[t], tier_from[t + 1], ret);
	if (taken < 2 && quiet && count(size, n, 0, COMPACT_FULL) >= COMPACT_QUIET_FILES)
		taken = take(size, n, 0, COMPACT_FULL, ret);
	return taken < 2 ? 0 : taken;
}
