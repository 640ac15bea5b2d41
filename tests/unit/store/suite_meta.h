/* SPDX-License-Identifier: Apache-2.0 */
/* suite_meta -- what every backend of meta must pass: SUITE_META(prefix, open) in its test file. */
#pragma once

#include "store/meta.h"
#include "unit.h"

/* Opens the database kept in @dir (again). */
typedef struct meta *(*suite_meta_open)(const char *dir);

#define SUITE_META_TESTS(X, ...) \
	X(keeps_rows_over_reopening, __VA_ARGS__) \
	X(binds_every_kind_of_value, __VA_ARGS__) \
	X(tells_broken_uniqueness, __VA_ARGS__) \
	X(tells_a_bad_statement, __VA_ARGS__) \
	X(counts_changes, __VA_ARGS__) \
	X(failed_function_leaves_nothing, __VA_ARGS__) \
	X(read_sees_what_was_acknowledged, __VA_ARGS__) \
	X(read_has_one_snapshot, __VA_ARGS__) \
	X(read_cannot_write, __VA_ARGS__) \
	X(cursors_nest_and_may_be_left_open, __VA_ARGS__) \
	X(one_row_or_none, __VA_ARGS__) \
	X(after_commit_runs_only_for_commits, __VA_ARGS__) \
	X(schema_may_run_again, __VA_ARGS__) \
	X(steps_run_once_and_in_order, __VA_ARGS__) \
	X(many_writers_share_commits, __VA_ARGS__)

#define SUITE_META_DECLARE(test, ...) void suite_meta_##test(suite_meta_open open);
SUITE_META_TESTS(SUITE_META_DECLARE, )

#define SUITE_META_ONE(test, prefix, open) \
	TEST(prefix##_##test) \
	{ \
		suite_meta_##test(open); \
	}
#define SUITE_META(prefix, open) SUITE_META_TESTS(SUITE_META_ONE, prefix, open)
