// SPDX-License-Identifier: Apache-2.0
/* JSON: what is taken, what is refused, and that printing gives the text back. */
#include "base/json.h"

#include <math.h>

#include "base/limits.h"
#include "unit.h"

static struct arena A;

static const struct json *parse(const char *text)
{
	struct err e = { 0 };
	const struct json *v = json_parse(&A, view_str(text), JSON_DEPTH, &e);

	if (!v)
		fail_msg("%s: %s", text, e.msg);
	return v;
}

static void begin(void)
{
	arena_clear(&A);
	arena_init(&A, 64 << 20);
}

TEST(json_prints_what_it_parsed)
{
	static const char *const texts[] = {
		"null",
		"true",
		"false",
		"0",
		"-1",
		"9223372036854775807",
		"-9223372036854775808",
		"18446744073709551615",
		"1.10",
		"1e3",
		"-0.0",
		"1E400",
		"123456789.123456789123456789",
		"\"\"",
		"\"a\\\"\\\\\\n\\u0001/\xed\x95\x9c\"",
		"[]",
		"{}",
		"[1,[2,[]],{}]",
		"{\"b\":1,\"a\":{\"x\":[true,null]}}",
		"\"a\\u0000b\"",
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_string_equal(json_text(&A, parse(texts[i])), texts[i]);
	assert_string_equal(json_text(&A, parse(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n")),
			    "{\"a\":[1,2]}");
	assert_string_equal(json_text(&A, parse("\"\\ud83d\\ude00\\/\"")), "\"\xf0\x9f\x98\x80/\"");
	arena_clear(&A);
}

TEST(json_refuses)
{
	static const char *const texts[] = {
		"",
		" ",
		"nul",
		"True",
		"NaN",
		"Infinity",
		"-Infinity",
		"-",
		"1.",
		".5",
		"01",
		"-01",
		"1e",
		"+1",
		"0x10",
		"[1,]",
		"[,1]",
		"{\"a\":1,}",
		"{\"a\"}",
		"{a:1}",
		"{'a':1}",
		"'a'",
		"\"",
		"\"a",
		"\"\n\"",
		"\"\\x\"",
		"\"\\u12\"",
		"[1 2]",
		"1 2",
		"{} {}",
		"[",
		"{",
		"{\"a\":",
		"]",
		"// c\n1",
		"/* c */ 1",
		"\"\xff\"",
		"\"\xed\xa0\x80\"",
		"{\"a\\u0000b\":1}",
		"\x01",
		"[1]x",
		"tru",
		"truee",
		"\"a\"b",
		"1a",
		"--1",
		"123456789012345678901234567890",
	};

	begin();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = { 0 };

		if (json_parse(&A, view_str(texts[i]), JSON_DEPTH, &e))
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(e.code, ERR_INVALID);
		assert_true(e.msg[0]);
	}
	arena_clear(&A);
}

TEST(json_refuses_nul_bytes)
{
	struct err e = { 0 };

	begin();
	assert_null(json_parse(&A, view_of("1\0", 2), JSON_DEPTH, &e));
	err_clear(&e);
	assert_null(json_parse(&A, view_of("\"a\0b\"", 5), JSON_DEPTH, &e));
	err_clear(&e);
	assert_null(json_parse(&A, view_of("[1]\0[2]", 7), JSON_DEPTH, &e));
	arena_clear(&A);
}

TEST(json_depth_is_limited)
{
	char text[300];
	struct err e = { 0 };

	begin();
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_null(json_parse(&A, view_of(text, 130), JSON_DEPTH, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	err_clear(&e);
	assert_non_null(json_parse(&A, view_of(text + 2, 126), JSON_DEPTH, &e));
	arena_clear(&A);
}

TEST(json_types_and_numbers)
{
	const struct json *v;

	begin();
	assert_int_equal(parse("1")->type, JSON_INT);
	assert_int_equal(parse("1.0")->type, JSON_NUM);
	assert_int_equal(parse("9223372036854775808")->type, JSON_NUM);
	assert_true(json_double(parse("9223372036854775808"), 0) == 0x1p63);
	assert_int_equal(json_int(parse("9223372036854775807"), 0), INT64_MAX);
	assert_int_equal(json_int(parse("1.5"), 7), 7);
	v = parse("{\"a\":\"x\",\"a\":\"y\",\"t\":true,\"n\":[1,2.5]}");
	assert_true(view_eq_str(json_get_str(v, "a"), "y"));
	assert_int_equal(json_len(v), 3);
	assert_true(json_is_true(json_get(v, "t")));
	assert_true(json_double(json_at(json_get(v, "n"), 1), 0) == 2.5);
	assert_null(json_get(v, "missing"));
	assert_null(json_at(json_get(v, "n"), 2));
	assert_null(json_get(json_get(v, "a"), "b"));
	assert_null(json_get_str(v, "t").p);
	assert_int_equal(json_len(NULL), 0);
	assert_string_equal(json_type_name(v), "object");
	assert_string_equal(json_type_name(json_get(v, "t")), "boolean");
	arena_clear(&A);
}

TEST(json_builds)
{
	struct json *o, *l, *c;
	struct buf b;

	begin();
	o = json_new_obj(&A);
	l = json_new_arr(&A);
	for (int i = 0; i < 9; i++)
		json_push(&A, l, json_new_int(&A, i));
	json_set(&A, o, "l", l);
	json_set_str(&A, o, "s", "x");
	json_set_str(&A, o, "none", NULL);
	json_set_int(&A, o, "s", 5);
	json_set(&A, o, "d", json_new_num(&A, 0.1));
	json_set(&A, o, "w", json_new_num(&A, 3.0));
	json_set(&A, o, "nan", json_new_num(&A, (double)NAN));
	json_set(&A, o, "b", json_new_bool(false));
	json_set(&A, o, "z", json_new_cstr(&A, NULL));
	assert_string_equal(json_text(&A, o),
			    "{\"l\":[0,1,2,3,4,5,6,7,8],\"s\":5,\"d\":0.1,\"w\":3,"
			    "\"nan\":null,\"b\":false,\"z\":null}");
	c = json_copy(&A, o);
	json_set_int(&A, c, "new", 1);
	assert_null(json_get(o, "new"));
	assert_ptr_equal(json_get(c, "l"), l);
	assert_false(json_equal(c, o));
	buf_init(&b, 1000);
	json_print_pretty(&b, parse("{\"a\":[1,{}],\"b\":[]}"));
	assert_string_equal(b.p, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
	buf_clear(&b);
	arena_clear(&A);
}

TEST(json_fewest_digits_round_trip)
{
	static const struct {
		double d;
		const char *text;
	} cases[] = { { 0.1, "0.1" },
		      { 1.0 / 3, "0.3333333333333333" },
		      { 1e300, "1e+300" },
		      { 0x1p60, "1.152921504606847e+18" },
		      { 5e-324, "4.94065645841247e-324" },
		      { -2.5, "-2.5" } };

	begin();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = json_text(&A, json_new_num(&A, cases[i].d));

		assert_string_equal(text, cases[i].text);
		assert_true(json_double(parse(text), 0) == cases[i].d);
	}
	arena_clear(&A);
}

TEST(json_equal_ignores_order_and_spelling)
{
	begin();
	assert_true(json_equal(parse("{\"a\":1,\"b\":[1,\"x\"]}"),
			       parse("{\"b\":[1.0,\"x\"],\"a\":1e0}")));
	assert_false(json_equal(parse("{\"a\":1}"), parse("{\"b\":1}")));
	assert_false(json_equal(parse("[1,2]"), parse("[2,1]")));
	assert_false(json_equal(parse("1"), parse("\"1\"")));
	assert_false(json_equal(parse("9007199254740993"), parse("9007199254740992")));
	assert_false(json_equal(parse("null"), NULL));
	arena_clear(&A);
}

TEST(json_deep_outlives_its_source)
{
	struct arena other;
	const struct json *v;

	begin();
	arena_init(&other, 1 << 20);
	v = json_deep(&other, parse("{\"a\":[1.50,\"x\",{\"b\":null}],\"c\":true}"));
	arena_clear(&A);
	arena_init(&A, 1 << 20);
	assert_string_equal(json_text(&other, v), "{\"a\":[1.50,\"x\",{\"b\":null}],\"c\":true}");
	arena_clear(&other);
}

TEST(json_text_size_counts_and_stops)
{
	static const char *const t[] = { "{\"a\":[1,\"x\\n\\\"\",null,{\"b\":1.5}],\"c\":{}}", "\"\"", "[]" };
	struct arena a;
	struct err e = { 0 };
	const struct json *v = NULL;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		v = json_parse(&a, view_str(t[i]), 8, &e);
		assert_true(json_text_size(v, 1000) >= view_str(json_text(&a, v)).n);
		assert_true(json_text_size(v, 1000) < 1000);
	}
	for (int i = 0; i < 60; i++) { /* 2^60 elements, 60 in memory */
		struct json *arr = json_new_arr(&a);

		json_push(&a, arr, v);
		json_push(&a, arr, v);
		v = arr;
	}
	assert_true(json_text_size(v, 5000) >= 5000);
	arena_clear(&a);
}
