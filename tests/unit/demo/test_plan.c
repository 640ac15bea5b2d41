/* SPDX-License-Identifier: Apache-2.0 */
/* Planned faults: exactly what was asked for, and every record accounted for. */
#include "demo/plan.h"

#include "base/limits.h"
#include "unit.h"

static void check(uint32_t records, unsigned faults)
{
	struct plan p;
	struct arena a;
	struct rng r;
	size_t late = 0, twice = 0, never = 0;

	arena_init(&a, 16 * MIB);
	rng_init(&r, 9, records + faults);
	plan_make(&p, records, faults, &r, &a);
	uint32_t *times = ARENA_ARRAY(&a, uint32_t, records), most = 0;
	for (size_t i = 0; i < p.n; i++) {
		assert_true(p.seq[i] < records);
		late += times[p.seq[i]]++ == 0 && p.seq[i] < most;
		most = p.seq[i] > most ? p.seq[i] : most;
	}
	for (uint32_t i = 0; i < records; i++) {
		assert_true(times[i] <= 2);
		assert_int_equal(times[i] == 0, plan_is_dropped(&p, i));
		twice += times[i] == 2;
		never += times[i] == 0;
	}
	if (records)
		assert_true(times[0] > 0);
	assert_int_equal(never, p.n_dropped);
	assert_int_equal(twice, p.n_dups);
	assert_int_equal(p.n, records - never + twice);
	if (records >= 4) {
		assert_int_equal(never > 0, (faults & FAULT_DROP) != 0);
		assert_int_equal(twice > 0, (faults & FAULT_DUP) != 0);
		assert_int_equal(late > 0, (faults & FAULT_REORDER) != 0);
	}
	arena_clear(&a);
}

TEST(plan_accounts_for_every_record)
{
	for (unsigned faults = 0; faults < 16; faults++) {
		check(0, faults);
		check(1, faults);
		check(5, faults);
		check(300, faults);
		check(3200, faults);
	}
}

TEST(plan_faults_are_read_by_name)
{
	struct err e = { 0 };
	unsigned f = 77;

	assert_int_equal(plan_faults("drop,dup,reorder,restart", &f, &e), 0);
	assert_int_equal(f, 15);
	assert_int_equal(plan_faults("", &f, &e), 0);
	assert_int_equal(f, 0);
	assert_int_equal(plan_faults("dup,fire", &f, &e), ERR_INVALID);
	assert_string_equal(e.msg, "--faults: \"fire\" is none of drop, dup, reorder, restart");
}
