/* SPDX-License-Identifier: Apache-2.0 */
/* Marks: the nearest one before, few of them, and the newest when there are many. */
#include "store/log_marks.h"

#include "unit.h"

TEST(log_marks_find_the_last_one_before)
{
	struct log_marks m;
	struct log_mark got;

	log_marks_init(&m);
	assert_false(log_marks_find(&m, 1, 100, &got));
	for (uint64_t i = 20; i > 0; i--) /* in any order */
		log_marks_put(&m, &(struct log_mark){ 1, i * MARKS_STEP, i * 10 });
	log_marks_put(&m, &(struct log_mark){ 201, 64, 201 });
	log_marks_put(&m, &(struct log_mark){ 1, 5 * MARKS_STEP + 100, 51 }); /* there is one near */
	assert_int_equal(m.n, 21);
	assert_true(log_marks_find(&m, 1, 59, &got) && got.at == 50 && got.off == 5 * MARKS_STEP);
	assert_true(log_marks_find(&m, 1, 60, &got) && got.at == 60);
	assert_false(log_marks_find(&m, 1, 9, &got));
	assert_true(log_marks_find(&m, 201, 500, &got) && got.at == 201);
	assert_false(log_marks_find(&m, 1, 500, &got)); /* of another segment */
	log_marks_clear(&m);
}

TEST(log_marks_are_not_many)
{
	struct log_marks m;
	struct log_mark got;

	log_marks_init(&m);
	for (uint64_t i = 1; i <= 3 * MARKS_MAX; i++)
		log_marks_put(&m, &(struct log_mark){ 1, i * MARKS_STEP, i });
	assert_true(m.n <= MARKS_MAX);
	assert_true(log_marks_find(&m, 1, 3 * MARKS_MAX, &got) && got.at == 3 * MARKS_MAX);
	assert_false(log_marks_find(&m, 1, 1, &got));
	log_marks_clear(&m);
}
