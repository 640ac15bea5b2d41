/* SPDX-License-Identifier: Apache-2.0 */
/* Athena's CSV: quotes, nulls, broken ends. */
#include "demo/csv.h"

#include "base/limits.h"
#include "unit.h"

TEST(csv_fields_quotes_and_nulls)
{
	struct view v = VIEW("\"a\",\"n\"\n\"x \"\"y\"\", z\",\"3\"\n,\"\"\r\n"), f[3];
	struct arena a;

	arena_init(&a, MIB);
	assert_int_equal(csv_record(&v, &a, f, 3), 2);
	assert_int_equal(csv_record(&v, &a, f, 3), 2);
	assert_true(view_eq(f[0], VIEW("x \"y\", z")) && view_eq(f[1], VIEW("3")));
	assert_int_equal(csv_record(&v, &a, f, 3), 2);
	assert_null(f[0].p); /* null */
	assert_true(f[1].p && f[1].n == 0);
	assert_int_equal(csv_record(&v, &a, f, 3), 0);
	arena_clear(&a);
}

TEST(csv_more_fields_than_room_are_counted)
{
	struct view v = VIEW("1,2,3,4"), f[2];
	struct arena a;

	arena_init(&a, MIB);
	assert_int_equal(csv_record(&v, &a, f, 2), 4);
	assert_true(view_eq(f[1], VIEW("2")));
	arena_clear(&a);
}

TEST(csv_broken_quotes_are_told)
{
	struct arena a;

	arena_init(&a, MIB);
	for (size_t i = 0; i < 2; i++) {
		struct view v = i ? VIEW("\"a\"b,1\n") : VIEW("\"a"), f[2];

		assert_int_equal(csv_record(&v, &a, f, 2), -1);
	}
	arena_clear(&a);
}
