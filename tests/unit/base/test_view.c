// SPDX-License-Identifier: Apache-2.0
/* Views: comparing, cutting, numbers. */
#include "base/view.h"

#include "unit.h"

TEST(view_compares_bytes)
{
	assert_true(view_eq(VIEW("ab"), VIEW("ab")));
	assert_false(view_eq(VIEW("ab"), VIEW("ac")));
	assert_false(view_eq(VIEW("ab"), VIEW("a")));
	assert_true(view_eq(VIEW_NONE, VIEW("")));
	assert_true(view_eq_str(VIEW("ab"), "ab"));
	assert_true(view_eq_nocase(VIEW("Content-Type"), VIEW("content-tYPE")));
	assert_false(view_eq_nocase(VIEW("[a"), VIEW("{a")));
	assert_true(view_cmp(VIEW("a"), VIEW("ab")) < 0);
	assert_true(view_cmp(VIEW("b"), VIEW("ab")) > 0);
	assert_true(view_cmp(VIEW("\xff"), VIEW("a")) > 0);
	assert_int_equal(view_cmp(VIEW("x"), VIEW("x")), 0);
	assert_true(view_starts(VIEW("abc"), VIEW("ab")) && view_starts(VIEW("abc"), VIEW("")));
	assert_false(view_starts(VIEW("a"), VIEW("ab")));
	assert_true(view_ends(VIEW("abc"), VIEW("bc")));
	assert_false(view_ends(VIEW("abc"), VIEW("ab")));
}

TEST(view_finds)
{
	assert_int_equal(view_chr(VIEW("abc"), 'c'), 2);
	assert_int_equal(view_chr(VIEW("abc"), 'x'), -1);
	assert_int_equal(view_chr(VIEW_NONE, 'x'), -1);
	assert_int_equal(view_find(VIEW("abcbc"), VIEW("bc")), 1);
	assert_int_equal(view_find(VIEW("abc"), VIEW("cb")), -1);
}

TEST(view_sub_clips)
{
	assert_true(view_eq(view_sub(VIEW("abc"), 1, 99), VIEW("bc")));
	assert_int_equal(view_sub(VIEW("abc"), 9, 9).n, 0);
	assert_true(view_eq(view_from(VIEW("abc"), 2), VIEW("c")));
	assert_true(view_eq(view_trim(VIEW(" \t a b\r\n")), VIEW("a b")));
}

TEST(view_split_keeps_empty_parts)
{
	struct view rest = VIEW("a,,b,"), part;
	const char *want[] = { "a", "", "b", "" };

	for (size_t i = 0; i < 4; i++) {
		assert_true(view_split(&rest, ',', &part));
		assert_true(view_eq_str(part, want[i]));
	}
	assert_false(view_split(&rest, ',', &part));
}

TEST(view_numbers_are_strict)
{
	const char *bad[] = { "",
			      "-",
			      "+1",
			      " 1",
			      "1 ",
			      "0x1",
			      "1.0",
			      "18446744073709551616",
			      "99999999999999999999999" };
	uint64_t u = 7;
	int64_t i = 7;

	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		assert_false(view_u64(view_str(bad[k]), UINT64_MAX, &u));
		assert_false(view_i64(view_str(bad[k]), &i));
	}
	assert_int_equal(u, 7);
	assert_true(view_u64(VIEW("18446744073709551615"), UINT64_MAX, &u) && u == UINT64_MAX);
	assert_false(view_u64(VIEW("11"), 10, &u));
	assert_true(view_i64(VIEW("-9223372036854775808"), &i) && i == INT64_MIN);
	assert_true(view_i64(VIEW("9223372036854775807"), &i) && i == INT64_MAX);
	assert_false(view_i64(VIEW("9223372036854775808"), &i));
	assert_false(view_i64(VIEW("-9223372036854775809"), &i));
	assert_false(view_i64(VIEW("--1"), &i));
}
