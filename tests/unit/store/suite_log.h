/* SPDX-License-Identifier: Apache-2.0 */
/* suite_log -- what every backend of log must pass: SUITE_LOG(prefix, open) in its test file. */
#pragma once

#include "store/log.h"
#include "unit.h"

/* Opens the log kept in @dir (again). */
typedef struct log *(*suite_log_open)(const char *dir);

#define SUITE_LOG_TESTS(X, ...) \
	X(numbers_records_from_1, __VA_ARGS__) \
	X(keeps_records_over_reopening, __VA_ARGS__) \
	X(unit_keeps_its_order, __VA_ARGS__) \
	X(reader_takes_few_at_a_time, __VA_ARGS__) \
	X(reader_begins_anywhere, __VA_ARGS__) \
	X(reader_starts_where_told, __VA_ARGS__) \
	X(reader_waits_and_is_woken, __VA_ARGS__) \
	X(reader_keeps_to_its_limits, __VA_ARGS__) \
	X(refuses_what_is_too_large, __VA_ARGS__) \
	X(trims_whole_segments, __VA_ARGS__) \
	X(finds_records_by_time, __VA_ARGS__) \
	X(watch_is_told_of_every_append, __VA_ARGS__) \
	X(unwatch_waits_for_a_running_call, __VA_ARGS__) \
	X(appends_once, __VA_ARGS__) \
	X(appends_once_what_comes_at_the_same_time, __VA_ARGS__) \
	X(many_writers_lose_nothing, __VA_ARGS__) \
	X(close_cancels_readers, __VA_ARGS__)

#define SUITE_LOG_DECLARE(test, ...) void suite_log_##test(suite_log_open open);
SUITE_LOG_TESTS(SUITE_LOG_DECLARE, )

#define SUITE_LOG_ONE(test, prefix, open) \
	TEST(prefix##_##test) \
	{ \
		suite_log_##test(open); \
	}
#define SUITE_LOG(prefix, open) SUITE_LOG_TESTS(SUITE_LOG_ONE, prefix, open)
