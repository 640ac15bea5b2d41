/* SPDX-License-Identifier: Apache-2.0 */
/* athena_csv: records, nulls, quotes, and what is broken. */
#include "athena_csv.h"
#include "base/limits.h"
#include "unit.h"

#define MAX 4

static void is(struct view got, const char *want)
{
	if (!want) {
		assert_null(got.p);
		return;
	}
	assert_non_null(got.p);
	assert_true(view_eq_str(got, want));
}

TEST(athena_csv_records)
{
	struct view rest = VIEW("\"a\",\"b\"\n\"1\",\n,\"\"\n\"say \"\"hi\"\"\",\"line\nend\"\n"), f[MAX];
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	assert_int_equal(athena_csv_record(&rest, &a, f, MAX), 2);
	is(f[0], "a");
	is(f[1], "b");
	assert_int_equal(athena_csv_record(&rest, &a, f, MAX), 2);
	is(f[0], "1");
	is(f[1], NULL);
	assert_int_equal(athena_csv_record(&rest, &a, f, MAX), 2);
	is(f[0], NULL);
	is(f[1], "");
	assert_int_equal(athena_csv_record(&rest, &a, f, MAX), 2);
	is(f[0], "say \"hi\"");
	is(f[1], "line\nend");
	assert_int_equal(athena_csv_record(&rest, &a, f, MAX), 0);
	arena_clear(&a);
}

TEST(athena_csv_last_line_without_its_end)
{
	struct view rest = VIEW("\"a\",\"b\""), f[MAX];
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	assert_int_equal(athena_csv_record(&rest, &a, f, MAX), 2);
	is(f[1], "b");
	assert_int_equal(athena_csv_record(&rest, &a, f, MAX), 0);
	rest = VIEW("\"a\",");
	assert_int_equal(athena_csv_record(&rest, &a, f, MAX), 2);
	is(f[1], NULL);
	arena_clear(&a);
}

TEST(athena_csv_broken)
{
	static const char *const texts[] = { "\"a", "\"a\"b\n", "plain\n", "\"a\",\"b\",\"c\",\"d\",\"e\"\n", "\"\"\"\n" };
	struct view f[MAX];
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct view rest = view_str(texts[i]);

		assert_int_equal(athena_csv_record(&rest, &a, f, MAX), -1);
	}
	arena_clear(&a);
}

TEST(athena_csv_numbers)
{
	double v[4];
	size_t n = 0;

	assert_true(athena_csv_numbers(VIEW(" [1, -2,3] "), v, 4, &n));
	assert_int_equal(n, 3);
	assert_true(v[0] == 1 && v[1] == -2 && v[2] == 3);
	assert_true(athena_csv_numbers(VIEW("[]"), v, 4, &n));
	assert_int_equal(n, 3);
	assert_true(athena_csv_numbers(VIEW("[4]"), v, 4, &n)); /* appends */
	assert_int_equal(n, 4);
	assert_false(athena_csv_numbers(VIEW("[5]"), v, 4, &n)); /* is full */
	n = 0;
	assert_false(athena_csv_numbers(VIEW(""), v, 4, &n));
	assert_false(athena_csv_numbers(VIEW("["), v, 4, &n));
	assert_false(athena_csv_numbers(VIEW("1, 2"), v, 4, &n));
	n = 0;
	assert_false(athena_csv_numbers(VIEW("[1, x]"), v, 4, &n));
	n = 0;
	assert_false(athena_csv_numbers(VIEW("[1,,2]"), v, 4, &n));
}
