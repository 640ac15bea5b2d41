// SPDX-License-Identifier: Apache-2.0
/* ExecutionParameters in a query's text. */
#include "base/limits.h"
#include "base/view.h"
#include "svc/athena/literal.h"
#include "unit.h"

TEST(literal_takes_the_place_of_a_question_mark)
{
	static const char *const cases[][3] = {
		{ "a = ?", "5", "a = (5)" },
		{ "a -? ", "-1.5e3", "a -(-1.5e3) " },
		{ "a = ?", "'x''y'", "a = ('x''y')" },
		{ "a = ?", "plain", "a = ('plain')" },
		{ "a = ?", "o'neil", "a = ('o''neil')" },
		{ "a = ?", "' OR 1=1 --", "a = (''' OR 1=1 --')" },
		{ "a = ?", "'a' OR 'b'", "a = ('''a'' OR ''b''')" },
		{ "a = ?", "1) OR (1=1", "a = ('1) OR (1=1')" },
		{ "a = ?", "DATE '2026-01-01'", "a = (DATE '2026-01-01')" },
		{ "a = ?", "null", "a = (null)" },
		{ "a = ?", "1e", "a = ('1e')" },
		{ "a = ?", ".", "a = ('.')" },
		{ "'?' \"?\" /* ? */ ? -- ?", "1", "'?' \"?\" /* ? */ (1) -- ?" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *const p[] = { cases[i][1] };
		const char *got = NULL;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, MIB);
		assert_int_equal(literal_bind(&a, cases[i][0], p, 1, &got, &e), 0);
		assert_string_equal(got, cases[i][2]);
		arena_clear(&a);
	}
}

TEST(literal_counts)
{
	const char *const p[] = { "1", "2" };
	const char *got = NULL;
	struct arena a;
	struct err e = { 0 };

	arena_init(&a, MIB);
	assert_int_equal(literal_bind(&a, "SELECT ?", p, 2, &got, &e), ERR_INVALID);
	assert_string_equal(e.msg,
			    "SYNTAX_ERROR: Incorrect number of parameters: expected 1 but found 2");
	err_clear(&e);
	assert_int_equal(literal_bind(&a, "SELECT ?, ?, ?", p, 2, &got, &e), ERR_INVALID);
	err_clear(&e);
	assert_int_equal(literal_bind(&a, "SELECT ?", p, 0, &got, &e), 0);
	assert_string_equal(got, "SELECT ?");
	arena_clear(&a);
}
