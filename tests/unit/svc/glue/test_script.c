// SPDX-License-Identifier: Apache-2.0
/* Scripts of sql jobs: how they are cut, and what they may hold. */
#include "base/limits.h"
#include "svc/glue/script.h"
#include "unit.h"

TEST(script_is_cut_at_its_semicolons)
{
	static const char script[] = "-- first; not here\nINSERT INTO audience.Meta SELECT ';' AS "
				     "a, \"x;y\" /* ; */ FROM t;\n"
				     ";; SELECT 1 ; insert into AwsDataCatalog.a.b WITH c AS "
				     "(SELECT 1) SELECT * FROM c\n-- end;";
	struct script_statement *s;
	struct arena a;
	struct err e = { 0 };
	size_t n;

	arena_init(&a, MIB);
	assert_int_equal(script_parse(&a, VIEW(script), &s, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_string_equal(s[0].database, "audience");
	assert_string_equal(s[0].table, "meta");
	assert_string_equal(s[0].select, "SELECT ';' AS a, \"x;y\" /* ; */ FROM t");
	assert_null(s[1].table);
	assert_string_equal(s[1].select, "SELECT 1");
	assert_string_equal(s[2].database, "a");
	assert_string_equal(s[2].table, "b");
	arena_clear(&a);
}

TEST(script_errors)
{
	static const char *const cases[][2] = {
		{ "", "the script has no statement" },
		{ " -- nothing\n ; ", "the script has no statement" },
		{ "DROP TABLE x", "statement 1: DROP is not supported; a job has SELECT and INSERT "
				  "INTO ... SELECT" },
		{ "SELECT 1; UPDATE x SET a = 1", "statement 2: UPDATE is not supported; a job has "
						  "SELECT and INSERT INTO ... SELECT" },
		{ "INSERT OVERWRITE x SELECT 1", "statement 1: only INSERT INTO is supported" },
		{ "INSERT INTO x (a, b) SELECT 1, 2",
		  "statement 1: INSERT INTO x must be followed by a SELECT (a list of columns is "
		  "not supported)" },
		{ "INSERT INTO 'x' SELECT 1", "statement 1: INSERT INTO names no table" },
		{ "INSERT INTO a.b.c.d SELECT 1",
		  "statement 1: INSERT INTO names a table of more than three parts" },
		{ "INSERT INTO other.b.c SELECT 1", "statement 1: catalog other does not exist" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct script_statement *s;
		struct arena a;
		struct err e = { 0 };
		size_t n;

		arena_init(&a, MIB);
		assert_int_equal(script_parse(&a, view_str(cases[i][0]), &s, &n, &e), ERR_INVALID);
		assert_string_equal(e.msg, cases[i][1]);
		arena_clear(&a);
	}
}

TEST(script_params_are_rewritten_only_where_they_are_params)
{
	static const char *const cases[][2] = {
		{ "a = :id", "a = $id" },
		{ "a::int = :id::int", "a::int = $id::int" },
		{ "':id' \":id\" -- :id\n:id /* :id */ :id",
		  "':id' \":id\" -- :id\n$id /* :id */ $id" },
		{ ":ids :other :i", ":ids :other :i" },
		{ "'it''s :id' :id", "'it''s :id' $id" },
		{ "'open :id", "'open :id" },
		{ "", "" },
	};
	static const char *const names[] = { "id" };
	struct arena a;

	arena_init(&a, MIB);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(script_params(&a, cases[i][0], names, 1), cases[i][1]);
	arena_clear(&a);
}
