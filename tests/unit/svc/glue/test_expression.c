// SPDX-License-Identifier: Apache-2.0
/* Partition expressions: what they select, and what is refused. */
#include <string.h>

#include "base/limits.h"
#include "base/view.h"
#include "svc/glue/expression.h"
#include "unit.h"

static const struct expression_key keys[] = { { "dt", "date" },      { "name", "string" },
					      { "n", "int" },        { "price", "decimal(10,2)" },
					      { "at", "timestamp" }, { "x", "double" } };
static const char *const row[] = { "2026-01-15", "o'neil", "-7", "10.50", "2026-01-15 10:00:00.500",
				   "1" };

TEST(expression_selects)
{
	static const struct {
		const char *text;
		bool yes;
	} cases[] = {
		{ "dt = '2026-01-15'", true },
		{ "DT > DATE '2026-01-14' AND dt<'2026-02-01'", true },
		{ "dt <> '2026-01-15'", false },
		{ "dt != '2026-01-16'", true },
		{ "'2026-01-01' <= dt", true },
		{ "'2026-01-16' <= dt", false },
		{ "name = 'o''neil'", true },
		{ "\"name\" = 'o''neil' and `n` = -7", true },
		{ "n = -7", true },
		{ "n = '-7'", true },
		{ "n > -10", true },
		{ "n > -6.5", false },
		{ "n IN (1, 2, -7)", true },
		{ "n not in (1, 2, -7)", false },
		{ "n BETWEEN -8 AND -6", true },
		{ "n NOT BETWEEN -8 AND -6", false },
		{ "price = 10.5", true },
		{ "price < 9", false },
		{ "price > 9.99 and price < 100", true },
		{ "name LIKE 'o%l'", true },
		{ "name LIKE 'o_neil'", true },
		{ "name NOT LIKE '%x%'", true },
		{ "name LIKE '%%%%%%%%%%%z'", false },
		{ "name IS NULL", false },
		{ "name IS NOT NULL", true },
		{ "at > '2026-01-15'", true },
		{ "at = TIMESTAMP '2026-01-15 10:00:00.5'", true },
		{ "NOT n = -7", false },
		{ "NOT (n = 1 OR name = 'a')", true },
		{ "n = 1 OR n = 2 OR n = -7", true },
		{ "n = -7 OR n = 1 AND n = 2", true }, /* AND binds closer */
		{ "(n = -7 OR n = 1) AND n = 2", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct expression *x;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, MIB);
		if (expression_parse(&a, cases[i].text, keys, 6, &x, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.msg);
		if (expression_match(x, row) != cases[i].yes)
			fail_msg("%s", cases[i].text);
		arena_clear(&a);
	}
}

TEST(expression_null_never_compares)
{
	static const char *const nulls[] = {
		"__HIVE_DEFAULT_PARTITION__", "a", "seven", "1", "2026-01-15", "1"
	};
	static const struct {
		const char *text;
		bool yes;
	} cases[] = { { "dt = '2026-01-15'", false },     { "dt <> '2026-01-15'", false },
		      { "NOT dt = '2026-01-15'", false }, { "dt IS NULL", true },
		      { "n = 7 OR name = 'a'", true },    { "n NOT IN (7)", false } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct expression *x;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, MIB);
		assert_int_equal(expression_parse(&a, cases[i].text, keys, 6, &x, &e), 0);
		if (expression_match(x, nulls) != cases[i].yes)
			fail_msg("%s", cases[i].text);
		arena_clear(&a);
	}
}

TEST(expression_errors)
{
	static const char *const cases[][2] = {
		{ "nosuch = 1", "nosuch is no partition key of the table" },
		{ "x = 1", "partition key x has type double, which expressions do not support" },
		{ "n = ", "a literal is expected at character 5 of the expression" },
		{ "n", "a comparison is expected at character 2 of the expression" },
		{ "n = 1 n = 2", "the expression should end at character 7 of the expression" },
		{ "(n = 1", ") is expected at character 7 of the expression" },
		{ "name = 'a", "a quote is not closed at character 8 of the expression" },
		{ "name = 5",
		  "a number does not fit the key's type at character 8 of the expression" },
		{ "dt = 'yesterday'",
		  "the literal does not fit the key's type at character 6 of the expression" },
		{ "n = 'x'",
		  "the literal does not fit the key's type at character 5 of the expression" },
		{ "n LIKE '1%'",
		  "LIKE is for keys of type string at character 8 of the expression" },
		{ "n IN ()", "a literal is expected at character 7 of the expression" },
		{ "n BETWEEN 1", "and is expected at character 12 of the expression" },
		{ "1 = 1", "a partition key is expected at character 5 of the expression" },
		{ "", "a partition key is expected at character 1 of the expression" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct expression *x;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, MIB);
		assert_int_equal(expression_parse(&a, cases[i][0], keys, 6, &x, &e), ERR_INVALID);
		assert_string_equal(e.msg, cases[i][1]);
		arena_clear(&a);
	}
}

TEST(expression_has_a_greatest_depth)
{
	char text[3000];
	const struct expression *x;
	struct arena a;
	struct err e = { 0 };

	memset(text, '(', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	arena_init(&a, MIB);
	assert_int_equal(expression_parse(&a, text, keys, 6, &x, &e), ERR_INVALID);
	assert_string_equal(e.msg, "the expression is nested too deeply");
	arena_clear(&a);
}
