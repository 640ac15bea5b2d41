/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_take(): new, duplicate, conflict; the numbers that follow from it. */
#include <stdlib.h>

#include "fixture.h"
#include "measure/measure_int.h"

static enum ledger_verdict take(struct ledger *l, uint32_t seq, uint32_t crc, uint64_t log)
{
	const struct envelope env = { .seq = seq, .crc = crc, .payload = VIEW("12345") };

	return ledger_take(l, &env, log);
}

TEST(ledger_verdicts)
{
	struct ledger *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	assert_int_equal(take(l, 5, 0xa, 1), LEDGER_NEW);
	assert_int_equal(take(l, 5, 0xa, 2), LEDGER_DUPLICATE);
	assert_int_equal(take(l, 5, 0xb, 3), LEDGER_CONFLICT);
	assert_int_equal(take(l, 5, 0xa, 4), LEDGER_DUPLICATE); /* the first one stays */
	assert_int_equal(take(l, 0, 0xa, 5), LEDGER_NEW);
	assert_int_equal(take(l, 1000, 0, 6), LEDGER_NEW);
	assert_int_equal(take(l, 1000 + SEQ_AHEAD_MAX + 1, 0, 7), LEDGER_RANGE); /* memory grows with the greatest seq */
	assert_int_equal(l->received, 3);
	assert_int_equal(l->bytes, 15);
	assert_int_equal(l->duplicates, 2);
	assert_int_equal(l->conflicts, 1);
	assert_int_equal(l->greatest, 1000);
	assert_int_equal(l->first_log, 1);
	assert_int_equal(ledger_seen(l, 5, false)->log, 1);
	assert_int_equal(ledger_seen(l, 1000, false)->log, 6);
	assert_int_equal(ledger_seen(l, 999, false)->log, 0);
	assert_null(ledger_seen(l, 100000, false));
	ledger_free(l);
}

TEST(ledger_marks_what_has_to_be_written)
{
	struct ledger *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	(void)take(l, 0, 1, 1);
	(void)take(l, SEEN_BLOCK, 1, 2);
	l->blocks[0]->dirty = l->blocks[1]->dirty = l->dirty = false;
	(void)take(l, SEEN_BLOCK, 1, 3);
	assert_true(l->dirty && !l->blocks[0]->dirty && !l->blocks[1]->dirty);
	(void)take(l, SEEN_BLOCK + 1, 1, 4);
	assert_true(!l->blocks[0]->dirty && l->blocks[1]->dirty);
	ledger_free(l);
}
