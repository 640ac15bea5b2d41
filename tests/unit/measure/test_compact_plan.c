/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are merged: bounds on their number and on how often a byte is written again. */
#include "measure/compact_plan.h"

#include "base/limits.h"
#include "base/macro.h"
#include "unit.h"

TEST(compact_plan_leaves_few_files_alone)
{
	uint64_t size[COMPACT_FANOUT - 1];
	size_t at[COMPACT_FILES];

	for (size_t i = 0; i < ARRAY_LEN(size); i++)
		size[i] = 10 * KIB;
	assert_int_equal(compact_plan(size, ARRAY_LEN(size), false, at), 0);
	assert_int_equal(compact_plan(size, COMPACT_QUIET_FILES - 1, true, at), 0);
	assert_int_equal(compact_plan(size, COMPACT_QUIET_FILES, true, at), COMPACT_QUIET_FILES);
	assert_int_equal(compact_plan(size, 0, true, at), 0);
}

TEST(compact_plan_merges_a_tier_and_no_other)
{
	uint64_t size[2 * COMPACT_FANOUT];
	size_t at[COMPACT_FILES];

	for (size_t i = 0; i < ARRAY_LEN(size); i++)
		size[i] = i % 2 ? 10 * KIB : 8 * MIB;
	assert_int_equal(compact_plan(size, ARRAY_LEN(size), false, at), COMPACT_FANOUT);
	for (size_t i = 0; i < COMPACT_FANOUT; i++)
		assert_int_equal(at[i], 2 * i + 1);
}

TEST(compact_plan_makes_no_file_too_large_and_leaves_full_ones)
{
	uint64_t size[COMPACT_FANOUT + 2];
	size_t at[COMPACT_FILES];

	for (size_t i = 0; i < ARRAY_LEN(size); i++)
		size[i] = i < 2 ? COMPACT_FULL : 40 * MIB;
	assert_int_equal(compact_plan(size, ARRAY_LEN(size), false, at), 3); /* 120 MiB */
	assert_int_equal(at[0], 2);
}

/* 24 hours of a flush a second: what is there at any time is bounded, and bytes are written again few times. */
TEST(compact_plan_bounds_files_under_a_day_of_flushes)
{
	static uint64_t size[4096];
	size_t at[COMPACT_FILES], n = 0, most = 0;
	uint64_t came = 0, written = 0;

	for (int s = 0; s < 86400; s++) {
		size_t taken;

		size[n++] = 60 * KIB + (uint64_t)(s % 7) * 8 * KIB;
		came += size[n - 1];
		while ((taken = compact_plan(size, n, false, at))) {
			uint64_t sum = 0;
			size_t kept = 0;

			for (size_t i = 0, k = 0; i < n; i++)
				if (k < taken && at[k] == i)
					sum += size[i], k++;
				else
					size[kept++] = size[i];
			size[kept] = sum;
			n = kept + 1;
			written += sum;
			assert_true(sum <= COMPACT_MAX);
		}
		size_t small = 0;

		for (size_t i = 0; i < n; i++)
			small += size[i] < COMPACT_FULL;
		most = small > most ? small : most;
		assert_true(n < ARRAY_LEN(size));
	}
	assert_true(most <= COMPACT_TIERS * (COMPACT_FANOUT - 1) + 1);
	assert_true(written <= came * COMPACT_TIERS);
	assert_true(n - most <= came / COMPACT_FULL);
}
