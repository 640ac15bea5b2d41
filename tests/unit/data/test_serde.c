/* SPDX-License-Identifier: Apache-2.0 */
/* Records to rows: what each type takes under each SerDe, keys, nesting, faults with their exact text. */
#include "data/serde.h"

#include "base/limits.h"
#include "base/macro.h"
#include "data/hive.h"
#include "unit.h"

struct one {
	const struct serde_opts *o;
	const char *type, *record; /* of a table with the column a of that type */
	const char *row;           /* without the line's end; NULL: a fault */
	const char *message;       /* what its text holds */
};

static struct serde *make(const struct serde_opts *o, const struct serde_column *c, size_t n)
{
	struct err e = { 0 };
	struct serde *s = NULL;

	if (serde_new(o, c, n, &s, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static void check(const struct one *c)
{
	struct serde_column column = { "a", c->type };
	struct serde *s = make(c->o, &column, 1);
	struct serde_result r;
	enum serde_fault f;
	struct buf b;

	buf_init(&b, MIB);
	buf_add_str(&b, "|");
	f = serde_record(s, view_str(c->record), &b, &r);
	if (c->row) {
		if (f != SERDE_OK)
			fail_msg("%s %s: %s", c->type, c->record, r.message);
		b.n -= b.n && b.p[b.n - 1] == '\n';
		b.p[b.n] = '\0';
		assert_string_equal(b.p + 1, c->row);
	} else {
		if (f == SERDE_OK)
			fail_msg("%s %s became %s", c->type, c->record, b.p);
		assert_string_equal(b.p, "|");
		if (!strstr(r.message, c->message))
			fail_msg("%s %s: %s", c->type, c->record, r.message);
	}
	buf_clear(&b);
	serde_free(s);
}

static const struct serde_opts openx = { .kind = SERDE_OPENX }, hive = { .kind = SERDE_HIVE };
static const struct serde_opts exact = { .kind = SERDE_OPENX, .case_sensitive = true };
static const struct serde_opts dots = { .kind = SERDE_OPENX, .dots = true };

#define INPUT "For input string"

TEST(serde_numbers)
{
	static const struct one cases[] = {
		{ &openx, "tinyint", "{\"a\":-128}", "{\"c0\":-128}", 0 },
		{ &openx, "tinyint", "{\"a\":128}", NULL,
		  "Data does not match the schema. For input string: \"128\" (column a, tinyint)" },
		{ &openx, "smallint", "{\"a\":-32769}", NULL, INPUT },
		{ &openx, "int", "{\"a\":2147483647}", "{\"c0\":2147483647}", 0 },
		{ &openx, "int", "{\"a\":2147483648}", NULL, INPUT },
		{ &openx, "bigint", "{\"a\":-9223372036854775808}", "{\"c0\":-9223372036854775808}", 0 },
		{ &openx, "bigint", "{\"a\":9223372036854775808}", NULL, INPUT },
		{ &openx, "bigint", "{\"a\":123456789012345678901234567890}", NULL, INPUT },
		{ &openx, "int", "{\"a\":1.0}", "{\"c0\":1}", 0 },
		{ &openx, "int", "{\"a\":12e2}", "{\"c0\":1200}", 0 },
		{ &openx, "int", "{\"a\":1.5}", NULL, "For input string: \"1.5\"" },
		{ &openx, "int", "{\"a\":-0}", "{\"c0\":0}", 0 },
		{ &openx, "int", "{\"a\":0e999999999999}", "{\"c0\":0}", 0 },
		{ &openx, "int", "{\"a\":1e999999999999}", NULL, INPUT },
		{ &openx, "int", "{\"a\":\" 12 \"}", "{\"c0\":12}", 0 },
		{ &openx, "int", "{\"a\":\"0x1F\"}", "{\"c0\":31}", 0 },
		{ &openx, "int", "{\"a\":\"0x80000000\"}", NULL, INPUT },
		{ &openx, "int", "{\"a\":\"oops\"}", NULL, "For input string: \"oops\"" },
		{ &openx, "int", "{\"a\":\"\"}", NULL, INPUT },
		{ &openx, "int", "{\"a\":true}", NULL, INPUT },
		{ &openx, "int", "{\"a\":[1]}", NULL, INPUT },
		{ &hive, "int", "{\"a\":12}", "{\"c0\":12}", 0 },
		{ &hive, "int", "{\"a\":\"12\"}", NULL, "Current token (VALUE_STRING) not numeric" },
		{ &hive, "int", "{\"a\":null}", "{}", 0 },
		{ &openx, "double", "{\"a\":1e308}", "{\"c0\":1e+308}", 0 },
		{ &openx, "double", "{\"a\":1e309}", NULL, INPUT },
		{ &openx, "double", "{\"a\":0.1}", "{\"c0\":0.10000000000000001}", 0 },
		{ &openx, "double", "{\"a\":-0.0}", "{\"c0\":-0.0}", 0 },
		{ &openx, "double", "{\"a\":\"NaN\"}", "{\"c0\":\"nan\"}", 0 },
		{ &openx, "double", "{\"a\":\"-Infinity\"}", "{\"c0\":\"-inf\"}", 0 },
		{ &openx, "double", "{\"a\":\"0x1p3\"}", NULL, INPUT },
		{ &openx, "double", "{\"a\":\"inf\"}", NULL, INPUT },
		{ &openx, "double", "{\"a\":12345678901234567890123}", "{\"c0\":1.2345678901234568e+22}", 0 },
		{ &openx, "float", "{\"a\":3.4028235e38}", "{\"c0\":3.4028234663852886e+38}", 0 },
		{ &openx, "float", "{\"a\":3.5e38}", NULL, INPUT },
		{ &openx, "decimal(5,2)", "{\"a\":123.455}", "{\"c0\":\"123.46\"}", 0 },
		{ &openx, "decimal(5,2)", "{\"a\":-0.004}", "{\"c0\":\"0.00\"}", 0 },
		{ &openx, "decimal(5,2)", "{\"a\":-0.005}", "{\"c0\":\"-0.01\"}", 0 },
		{ &openx, "decimal(5,2)", "{\"a\":999.994}", "{\"c0\":\"999.99\"}", 0 },
		{ &openx, "decimal(5,2)", "{\"a\":999.995}", NULL, INPUT },
		{ &openx, "decimal(5,2)", "{\"a\":1000}", NULL, INPUT },
		{ &openx, "decimal(5,2)", "{\"a\":9.999}", "{\"c0\":\"10.00\"}", 0 },
		{ &openx, "decimal(2,2)", "{\"a\":0.5}", "{\"c0\":\"0.50\"}", 0 },
		{ &openx, "decimal(2,2)", "{\"a\":0.995}", NULL, INPUT },
		{ &openx, "decimal(2,2)", "{\"a\":0.0499}", "{\"c0\":\"0.05\"}", 0 },
		{ &openx, "decimal(3,0)", "{\"a\":0.5}", "{\"c0\":\"1\"}", 0 },
		{ &openx, "decimal(3,0)", "{\"a\":0.05}", "{\"c0\":\"0\"}", 0 },
		{ &openx, "decimal", "{\"a\":\"1234567890\"}", "{\"c0\":\"1234567890\"}", 0 },
		{ &openx, "decimal(38,3)", "{\"a\":12345678901234567890123456789012345.6789}",
		  "{\"c0\":\"12345678901234567890123456789012345.679\"}", 0 },
		{ &openx, "decimal(38,38)", "{\"a\":1e-38}", "{\"c0\":\"0.00000000000000000000000000000000000001\"}", 0 },
		{ &openx, "decimal(38,0)", "{\"a\":99999999999999999999999999999999999999.5}", NULL, INPUT },
		{ &openx, "decimal(10,2)", "{\"a\":1e-999999999999}", "{\"c0\":\"0.00\"}", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(&cases[i]);
}

TEST(serde_texts)
{
	static const struct one cases[] = {
		{ &openx, "string", "{\"a\":\"x\\u00e9\\n\"}", "{\"c0\":\"x\\u00e9\\n\"}", 0 },
		{ &openx, "string", "{\"a\":1.50}", "{\"c0\":\"1.50\"}", 0 },
		{ &hive, "string", "{\"a\":true}", "{\"c0\":\"true\"}", 0 },
		{ &openx, "string", "{\"a\": { \"B\" : [1, \"x y\"] } }", "{\"c0\":\"{\\\"b\\\":[1,\\\"x y\\\"]}\"}", 0 },
		{ &exact, "string", "{\"a\":{\"B\":[]}}", "{\"c0\":\"{\\\"B\\\":[]}\"}", 0 },
		{ &hive, "string", "{\"a\":{}}", NULL, "One or more fields have incorrect format" },
		{ &openx, "varchar(3)", "{\"a\":\"\\u00e9\\ud83d\\ude00z\"}", "{\"c0\":\"\\u00e9\\ud83d\\ude00z\"}", 0 },
		{ &openx, "varchar(2)", "{\"a\":\"abc\"}", NULL, INPUT },
		{ &openx, "char(2)", "{\"a\":123}", NULL, INPUT },
		{ &openx, "boolean", "{\"a\":true}", "{\"c0\":true}", 0 },
		{ &openx, "boolean", "{\"a\":\"FALSE\"}", "{\"c0\":false}", 0 },
		{ &hive, "boolean", "{\"a\":\"false\"}", NULL, INPUT },
		{ &openx, "boolean", "{\"a\":1}", NULL, INPUT },
		{ &openx, "binary", "{\"a\":\"AEEiXP8=\"}", "{\"c0\":\"\\\\x00A\\\\x22\\\\x5C\\\\xFF\"}", 0 },
		{ &openx, "binary", "{\"a\":\"A\"}", NULL, "base64" },
		{ &openx, "binary", "{\"a\":1}", NULL, "base64" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(&cases[i]);
}

TEST(serde_times)
{
	static const struct view formats[] = { { "dd.MM.yyyy HH:mm:ss", 19 }, { "MMM d, yyyy hh:mm:ss.SSS a Z", 28 },
					       { "yyyyMMdd'T'HHmmss", 17 }, { "yyyy/DDD", 8 }, { "millis", 6 } };
	static const struct serde_opts by = { .kind = SERDE_HIVE, .formats = formats, .n_formats = ARRAY_LEN(formats) };
	static const struct one cases[] = {
		{ &openx, "timestamp", "{\"a\":\"2026-11-22 20:46:56\"}", "{\"c0\":\"2026-11-22 20:46:56.000000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":\"2026-1-2 3:4:5.123456789\"}", "{\"c0\":\"2026-01-02 03:04:05.123456\"}", 0 },
		{ &openx, "timestamp", "{\"a\":\"2026-11-22T20:46:56.5Z\"}", "{\"c0\":\"2026-11-22 20:46:56.500000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":\"2026-11-22T20:46:56\"}", "{\"c0\":\"2026-11-22 20:46:56.000000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":\"2026-11-23T05:46:56+09:00\"}", "{\"c0\":\"2026-11-22 20:46:56.000000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":\"2026-1-22T20:46:56Z\"}", NULL, INPUT },
		{ &openx, "timestamp", "{\"a\":1518033528}", "{\"c0\":\"2018-02-07 19:58:48.000000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":1518033528123}", "{\"c0\":\"2018-02-07 19:58:48.123000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":1518033528.123}", "{\"c0\":\"2018-02-07 19:58:48.123000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":\"1518033528\"}", "{\"c0\":\"2018-02-07 19:58:48.000000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":-0.5}", "{\"c0\":\"1969-12-31 23:59:59.500000\"}", 0 },
		{ &openx, "timestamp", "{\"a\":1e99}", NULL, INPUT },
		{ &openx, "timestamp", "{\"a\":999999999999999}", NULL, INPUT },
		{ &openx, "timestamp", "{\"a\":\"2026-02-29 00:00:00\"}", NULL, INPUT },
		{ &openx, "timestamp", "{\"a\":\"0000-01-01 00:00:00\"}", NULL, INPUT },
		{ &openx, "timestamp", "{\"a\":\"2026-02-28 24:00:00\"}", NULL, INPUT },
		{ &openx, "timestamp", "{\"a\":\"2026-02-28 00:00:00.1234567891\"}", NULL, INPUT },
		{ &openx, "timestamp", "{\"a\":\"0001-01-01T00:00:00+01:00\"}", NULL, INPUT },
		{ &openx, "timestamp", "{\"a\":true}", NULL, INPUT },
		{ &hive, "timestamp", "{\"a\":\"2026-11-22 20:46:56.1\"}", "{\"c0\":\"2026-11-22 20:46:56.100000\"}", 0 },
		{ &hive, "timestamp", "{\"a\":\"2026-11-22T20:46:56Z\"}", NULL, INPUT },
		{ &hive, "timestamp", "{\"a\":1518033528}", NULL, INPUT },
		{ &by, "timestamp", "{\"a\":\"22.11.2026 20:46:56\"}", "{\"c0\":\"2026-11-22 20:46:56.000000\"}", 0 },
		{ &by, "timestamp", "{\"a\":\"nov 2, 2026 12:46:56.7 am +0100\"}", "{\"c0\":\"2026-11-01 23:46:56.700000\"}", 0 },
		{ &by, "timestamp", "{\"a\":\"20261122T204656\"}", "{\"c0\":\"2026-11-22 20:46:56.000000\"}", 0 },
		{ &by, "timestamp", "{\"a\":\"2024/366\"}", "{\"c0\":\"2024-12-31 00:00:00.000000\"}", 0 },
		{ &by, "timestamp", "{\"a\":\"2026/366\"}", NULL, INPUT },
		{ &by, "timestamp", "{\"a\":1518033528123}", "{\"c0\":\"2018-02-07 19:58:48.123000\"}", 0 },
		{ &by, "timestamp", "{\"a\":\"1518033528123\"}", "{\"c0\":\"2018-02-07 19:58:48.123000\"}", 0 },
		{ &by, "timestamp", "{\"a\":\"2026-11-22 20:46:56\"}", NULL, INPUT },
		{ &by, "date", "{\"a\":\"22.11.2026 20:46:56\"}", "{\"c0\":\"2026-11-22\"}", 0 },
		{ &by, "date", "{\"a\":\"2026-1-2\"}", "{\"c0\":\"2026-01-02\"}", 0 },
		{ &openx, "date", "{\"a\":\"1969-12-31\"}", "{\"c0\":\"1969-12-31\"}", 0 },
		{ &openx, "date", "{\"a\":\"2026-04-31\"}", NULL, INPUT },
		{ &openx, "date", "{\"a\":20000}", NULL, INPUT },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(&cases[i]);
}

TEST(serde_nesting)
{
	static const struct one cases[] = {
		{ &openx, "struct<x:int,Y:array<string>>", "{\"A\":{\"X\":1,\"y\":[null,\"z\",[2]],\"q\":0}}",
		  "{\"c0\":{\"x\":1,\"Y\":[null,\"z\",\"[2]\"]}}", 0 },
		{ &openx, "struct<x:int,y:int>", "{\"a\":[1,null,3]}", "{\"c0\":{\"x\":1}}", 0 },
		{ &openx, "struct<x:int>", "{\"a\":{}}", "{\"c0\":{}}", 0 },
		{ &openx, "struct<x:int>", "{\"a\":42}", NULL,
		  "Data does not match the schema. Data is not JSONObject  but java.lang.Long with value 42" },
		{ &hive, "struct<x:int>", "{\"a\":[1]}", NULL, "java.io.IOException: Start of Object expected" },
		{ &openx, "array<int>", "{\"a\":7}", "{\"c0\":[7]}", 0 },
		{ &openx, "array<int>", "{\"a\":[ ]}", "{\"c0\":[]}", 0 },
		{ &openx, "array<array<int>>", "{\"a\":[[1,2],[],null]}", "{\"c0\":[[1,2],[],null]}", 0 },
		{ &hive, "array<int>", "{\"a\":7}", NULL, "java.io.IOException: Start of Array expected" },
		{ &openx, "array<int>", "{\"a\":[1,\"x\"]}", NULL, INPUT },
		{ &openx, "map<string,int>", "{\"a\":{\"K\":1,\"k\":2,\"l\":null}}", "{\"c0\":{\"k\":2,\"l\":null}}", 0 },
		{ &hive, "map<string,int>", "{\"a\":{\"K\":1,\"k\":2}}", "{\"c0\":{\"K\":1,\"k\":2}}", 0 },
		{ &hive, "map<int,string>", "{\"a\":{\"01\":\"x\",\"1\":\"y\"}}", "{\"c0\":{\"1\":\"y\"}}", 0 },
		{ &openx, "map<int,string>", "{\"a\":{\"x\":\"y\"}}", NULL, INPUT },
		{ &openx, "map<date,boolean>", "{\"a\":{\"2026-1-2\":true}}", "{\"c0\":{\"2026-01-02\":true}}", 0 },
		{ &openx, "map<string,int>", "{\"a\":[1]}", NULL, "Data is not JSONObject  but org.json.JSONArray" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(&cases[i]);
}

TEST(serde_records)
{
	static const struct one cases[] = {
		{ &openx, "int", " {\"a\":1}{\"a\":2}\n{\"b\":3} \r\n", "{\"c0\":1}\n{\"c0\":2}\n{}", 0 },
		{ &openx, "int", "{\"a\":1}{\"a\":\"x\"}", NULL, INPUT },
		{ &openx, "int", "{\"a\":1}{", NULL, "Encountered malformed JSON. unexpected end of the text at byte 8" },
		{ &openx, "int", "", NULL, "The record was empty or contained only whitespace." },
		{ &openx, "int", " \n", NULL, "The record was empty or contained only whitespace." },
		{ &openx, "int", "hello", NULL, "Encountered malformed JSON. a value is expected at byte 0" },
		{ &openx, "int", "12", NULL, "The input JSON contained a primitive at the top level." },
		{ &openx, "int", "[{\"a\":1}]", NULL, "The input JSON is an array" },
		{ &openx, "int", "{\"a\":1,}", NULL, "Encountered malformed JSON. a string is expected at byte 7" },
		{ &openx, "int", "{\"a\":01}", NULL, "a number with a leading zero at byte 6" },
		{ &openx, "int", "{\"a\":\"\\ud800\"}", NULL, "an escape that is none" },
		{ &openx, "int", "{\"a\":\"\xff\"}", NULL, "not valid UTF-8" },
		{ &openx, "int", "{\"b\":[[{\"c\":nul}]]}", NULL, "a value is expected at byte 12" },
		{ &openx, "int", "{\"a\":1,\"A\":2}", "{\"c0\":2}", 0 },
		{ &openx, "int", "{\"\\u0061\":1}", "{\"c0\":1}", 0 },
		{ &exact, "int", "{\"A\":2}", "{}", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(&cases[i]);
}

TEST(serde_finds_columns_by_mapped_keys_and_counts_what_has_none)
{
	static const struct serde_mapping mappings[] = { { { "ts", 2 }, { "TimeStamp", 9 } } };
	static const struct serde_opts o = { .kind = SERDE_OPENX, .dots = true, .mappings = mappings, .n_mappings = 1 };
	static const struct serde_column columns[] = { { "ts", "int" }, { "a_b", "int" } };
	struct serde *s = make(&o, columns, 2);
	struct serde_result r;
	struct buf b;

	buf_init(&b, MIB);
	assert_int_equal(serde_record(s, VIEW("{\"timestamp\":1,\"a.B\":2,\"ts\":3,\"other\":{\"x\":4}}"), &b, &r), SERDE_OK);
	assert_string_equal(b.p, "{\"c0\":1,\"c1\":2}\n");
	assert_int_equal(r.rows, 1);
	assert_int_equal(r.dropped, 2);
	assert_string_equal(r.first_dropped, "ts");
	buf_clear(&b);
	serde_free(s);
}

TEST(serde_leaves_the_rows_as_they_are_when_there_is_no_room)
{
	static const struct serde_column column = { "a", "string" };
	struct serde *s = make(&dots, &column, 1);
	struct serde_result r;
	struct buf b;

	buf_init(&b, 30);
	assert_int_equal(serde_record(s, VIEW("{\"a\":\"0123456789\"}"), &b, &r), SERDE_OK);
	assert_int_equal(serde_record(s, VIEW("{\"a\":\"0123456789\"}"), &b, &r), SERDE_FULL);
	assert_string_equal(b.p, "{\"c0\":\"0123456789\"}\n");
	buf_clear(&b);
	serde_free(s);
}

TEST(serde_refuses_tables_and_patterns_by_name)
{
	static const struct {
		struct serde_column c[2];
		size_t n;
		const char *message;
	} tables[] = {
		{ { { "a", "uniontype<int>" } }, 1, "column a: uniontype is not supported" },
		{ { { "a", "strin" } }, 1, "column a: 'strin' is no type" },
		{ { { "a", "array<int" } }, 1, "column a: '>' is missing at ''" },
		{ { { "a", "map<array<int>,int>" } }, 1, "column a: a map's key is not primitive at ',int>'" },
		{ { { "a", "struct<x:int,X:int>" } }, 1, "column a: field X is there twice" },
		{ { { "a", "decimal(39,0)" } }, 1, "column a: a number out of range at ',0)'" },
		{ { { "a", "varchar(70000)" } }, 1, "column a: a number out of range at ')'" },
		{ { { "a", "int" }, { "A", "int" } }, 2, "column A is there twice" },
		{ { { "a", "int" } }, 0, "a table of 1 to 10000 columns is needed, not of 0" },
	};
	static const struct {
		const char *pattern, *message;
	} patterns[] = {
		{ "yy-MM-dd", "'yy-MM-dd': years of two digits are not supported" },
		{ "yyyy-MM-dd z", "'yyyy-MM-dd z': 'z' is not supported" },
		{ "yyyy-MM-dd'T", "'yyyy-MM-dd'T': a quote that does not end" },
		{ "yyyy-qq", "'yyyy-qq': 'q' has no meaning" },
	};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		struct err e = { 0 };
		struct serde *s;

		assert_true(serde_new(&openx, tables[i].c, tables[i].n, &s, &e) < 0);
		assert_string_equal(e.msg, tables[i].message);
	}
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct view v = view_str(patterns[i].pattern);
		struct serde_opts o = { .kind = SERDE_HIVE, .formats = &v, .n_formats = 1 };
		struct err e = { 0 };

		assert_true(serde_check(&o, &e) < 0);
		assert_string_equal(e.msg, patterns[i].message);
	}
}

TEST(hive_types_are_read_and_written)
{
	static const char *const types[][2] = {
		{ "STRING", "string" },
		{ " map< string , array<struct<a:Integer,B_c:decimal(7,3)>> > ", "map<string,array<struct<a:int,B_c:decimal(7,3)>>>" },
		{ "array<binary>", "array<string>" },
		{ "char(3)", "char(3)" },
		{ "decimal", "decimal(10,0)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const struct hive_type *t;
		struct err e = { 0 };
		struct arena a;
		struct buf b;

		arena_init(&a, MIB);
		buf_init(&b, MIB);
		if (hive_type_parse(&a, view_str(types[i][0]), &t, &e) < 0)
			fail_msg("%s: %s", types[i][0], e.msg);
		hive_type_print(&b, t, true);
		assert_string_equal(b.p, types[i][1]);
		buf_clear(&b);
		arena_clear(&a);
	}
}
