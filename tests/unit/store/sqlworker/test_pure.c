// SPDX-License-Identifier: Apache-2.0
/* The SQL child's pure parts: types, declared tables as text, parameters, names. */
#include "base/limits.h"
#include "store/sqlworker/hive_type.h"
#include "store/sqlworker/names.h"
#include "store/sqlworker/relation.h"
#include "unit.h"

TEST(hive_types_become_the_engines)
{
	static const char *const cases[][2] = {
		{ "int", "INTEGER" },
		{ "STRING", "VARCHAR" },
		{ "varchar(10)", "VARCHAR" },
		{ "decimal(10,2)", "DECIMAL(10,2)" },
		{ "decimal", "DECIMAL(10,0)" },
		{ "array<int>", "INTEGER[]" },
		{ "map<string,string>", "MAP(VARCHAR, VARCHAR)" },
		{ "array<struct<content_ms:bigint,utc_us:bigint,event:string>>",
		  "STRUCT(\"content_ms\" BIGINT, \"utc_us\" BIGINT, \"event\" VARCHAR)[]" },
		{ "struct<a\"b:array<array<double>>, c : map<int, decimal(5, 1)>>",
		  "STRUCT(\"a\"\"b\" DOUBLE[][], \"c\" MAP(INTEGER, DECIMAL(5,1)))" },
		{ "", NULL },
		{ "nosuch", NULL },
		{ "array<int", NULL },
		{ "array<int>>", NULL },
		{ "map<int>", NULL },
		{ "struct<>", NULL },
		{ "struct<a>", NULL },
		{ "decimal(39,0)", NULL },
		{ "decimal(5,6)", NULL },
		{ "int); DROP TABLE x", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b;
		bool ok;

		buf_init(&b, KIB);
		ok = hive_type_sql(view_str(cases[i][0]), &b);
		assert_int_equal(ok, cases[i][1] != NULL);
		if (ok)
			assert_string_equal(b.p, cases[i][1]);
		buf_clear(&b);
	}
}

TEST(hive_types_have_a_greatest_depth)
{
	struct buf in, out;

	buf_init(&in, MIB);
	buf_init(&out, MIB);
	for (int i = 0; i < 5000; i++)
		buf_add_str(&in, "array<");
	buf_add_str(&in, "int");
	for (int i = 0; i < 5000; i++)
		buf_add_str(&in, ">");
	assert_false(hive_type_sql(buf_view(&in), &out));
	buf_clear(&in);
	buf_clear(&out);
}

static void check_relation(const char *table, const char *want)
{
	struct arena a;
	struct err e = { 0 };
	struct buf b;
	const struct json *t;

	arena_init(&a, MIB);
	buf_init(&b, MIB);
	t = json_parse(&a, view_str(table), 8, &e);
	assert_non_null(t);
	assert_int_equal(relation_sql(&a, t, &b, &e), 0);
	assert_string_equal(b.p, want);
	buf_clear(&b);
	arena_clear(&a);
}

TEST(relation_of_two_partitions)
{
	check_relation(
		"{\"schema\":\"s\",\"name\":\"t\",\"columns\":[[\"a\",\"int\"]],\"keys\":[[\"dt\","
		"\"date\"]],"
		"\"format\":\"parquet\",\"files\":[[\"/1\",\"2026-01-01\"],[\"/"
		"2\",\"2026-01-01\"],[\"/3\",null]]}",
		"CREATE VIEW \"s\".\"t\" AS "
		"SELECT \"a\", CAST('2026-01-01' AS DATE) AS \"dt\" FROM read_parquet(['/1', "
		"'/2'], "
		"schema=MAP{'a': {name: 'a', type: 'INTEGER', default_value: NULL}}) UNION ALL "
		"SELECT \"a\", CAST(NULL AS DATE) AS \"dt\" FROM read_parquet(['/3'], "
		"schema=MAP{'a': {name: 'a', type: 'INTEGER', default_value: NULL}})");
}

TEST(relation_without_files_has_its_types)
{
	check_relation("{\"schema\":\"s\",\"name\":\"t'\\\"\",\"columns\":[[\"a\",\"array<int>\"]],"
		       "\"keys\":[],"
		       "\"format\":\"json\",\"files\":[]}",
		       "CREATE VIEW \"s\".\"t'\"\"\" AS SELECT CAST(NULL AS INTEGER[]) AS \"a\" "
		       "WHERE false");
}

TEST(names_leave_out_what_with_defines)
{
	static const char tree[] = "{\"error\":false,\"statements\":[{\"node\":{\"type\":\"SELECT_"
				   "NODE\",\"cte_map\":{\"map\":[{\"key\":\"c\","
				   "\"value\":{\"query\":{\"node\":{\"type\":\"SELECT_NODE\","
				   "\"from_table\":{\"type\":\"BASE_TABLE\","
				   "\"schema_name\":\"\",\"table_name\":\"c\"}}}}}]},\"from_"
				   "table\":{\"type\":\"JOIN\",\"left\":"
				   "{\"type\":\"BASE_TABLE\",\"schema_name\":\"\",\"table_name\":"
				   "\"C\"},\"right\":{\"type\":\"BASE_TABLE\","
				   "\"schema_name\":\"S\",\"table_name\":\"c\"}}}}]}";
	struct arena a;
	struct err e = { 0 };
	struct json *names;

	arena_init(&a, MIB);
	assert_int_equal(names_of(&a, json_parse(&a, view_str(tree), 64, &e), &names, &e), 0);
	assert_string_equal(json_text(&a, names), "[[null,\"c\"],[\"s\",\"c\"]]");
	arena_clear(&a);
}

TEST(names_refuse_what_is_no_select)
{
	struct arena a;
	struct err e = { 0 };
	struct json *names;

	arena_init(&a, MIB);
	assert_int_equal(
		names_of(&a,
			 json_parse(&a, VIEW("{\"error\":true,\"error_type\":\"not implemented\"}"),
				    8, &e),
			 &names, &e),
		ERR_DENIED);
	err_clear(&e);
	assert_int_equal(
		names_of(&a, json_parse(&a, VIEW("{\"error\":false,\"statements\":[]}"), 8, &e),
			 &names, &e),
		ERR_DENIED);
	arena_clear(&a);
}
