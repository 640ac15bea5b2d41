// SPDX-License-Identifier: Apache-2.0
/* JsonPath: values, definite and reference paths, filters, assignment, refusals. */
#include "data/jsonpath.h"

#include "base/limits.h"
#include "unit.h"

static const char store[] =
	"{\"a\":{\"b\":[10,20,30,40],\"c d\":\"x\"},\"list\":[{\"id\":1,\"k\":\"p\"},{\"id\":2,\"k\":\"q\"},{\"id\":3}],"
	"\"empty\":[],\"n\":null}";

static const char *get(struct arena *a, const char *path, const char *doc)
{
	struct err e = { 0 };
	const struct json *v = json_parse(a, view_str(doc), JSON_DEPTH, &e), *r;
	const struct jsonpath *p = jsonpath_compile(a, view_str(path), &e);

	if (!p)
		fail_msg("%s: %s", path, e.msg);
	return jsonpath_get(a, p, v, &r, &e) < 0 ? err_text(e.code) : json_text(a, r);
}

TEST(jsonpath_gives_values)
{
	static const struct { const char *path, *want; } t[] = {
		{ "$.a.b[0]", "10" }, { "$.a.b[-1]", "40" }, { "$['a']['c d']", "\"x\"" }, { "$.a.b[1:3]", "[20,30]" },
		{ "$.a.b[:2]", "[10,20]" }, { "$.a.b[-2:]", "[30,40]" }, { "$.a.b[0,2]", "[10,30]" },
		{ "$.a.b[*]", "[10,20,30,40]" }, { "$.a.b[9]", "does not exist" }, { "$.x", "does not exist" },
		{ "$.n", "null" }, { "$.n.x", "does not exist" }, { "$.list[*].id", "[1,2,3]" },
		{ "$..id", "[1,2,3]" }, { "$.list[?(@.id==2)].k", "[\"q\"]" }, { "$.list[?(@.k)].id", "[1,2]" },
		{ "$.list[?(!@.k)].id", "[3]" }, { "$.list[?(@.id > 1 && @.k == 'q')].id", "[2]" },
		{ "$.list[?(@.id in [1,3])].id", "[1,3]" }, { "$.list[?(@.id < $.list[1].id || @.id==3)].id", "[1,3]" },
		{ "$.empty[*]", "[]" }, { "$.x[*]", "[]" }, { "$.list[0]['id','k']", "{\"id\":1,\"k\":\"p\"}" },
		{ "$.list[?(@.k=='p')]", "[{\"id\":1,\"k\":\"p\"}]" }, { "$.a.*", "[[10,20,30,40],\"x\"]" },
	};
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_string_equal(get(&a, t[i].path, store), t[i].want);
	assert_string_equal(get(&a, "$[*]", "{}"), "[]");
	assert_string_equal(get(&a, "$", "7"), "7");
	arena_clear(&a);
}

TEST(jsonpath_knows_definite_and_reference_paths)
{
	static const struct { const char *path; bool definite, reference; } t[] = {
		{ "$", 1, 1 }, { "$.a[0]", 1, 1 }, { "$.a[-1]", 1, 0 }, { "$..a", 0, 0 }, { "$.a[*]", 0, 0 },
		{ "$.a[1:]", 0, 0 }, { "$.a[?(@.b)]", 0, 0 }, { "$['a','b']", 1, 0 },
	};
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err e = { 0 };
		const struct jsonpath *p = jsonpath_compile(&a, view_str(t[i].path), &e);

		assert_non_null(p);
		assert_int_equal(jsonpath_definite(p), t[i].definite);
		assert_int_equal(jsonpath_reference(p), t[i].reference);
	}
	arena_clear(&a);
}

TEST(jsonpath_refuses_what_is_no_path)
{
	static const char *const t[] = { "", "a", "$a", "$.", "$..", "$.a[", "$.a[x]", "$.a['b]", "$.a[?(@.b==)]", "$.a.length()",
					 "$.a[1:2:3]", "$.a b", "$.a[?(1)]", "$[?(@.a =~ /x/)]" };
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err e = { 0 };

		if (jsonpath_compile(&a, view_str(t[i]), &e))
			fail_msg("%s was accepted", t[i]);
		assert_int_equal(e.code, ERR_INVALID);
	}
	arena_clear(&a);
}

TEST(jsonpath_assigns_without_changing_the_input)
{
	static const struct { const char *path, *root, *want; } t[] = {
		{ "$", "{\"a\":1}", "9" }, { "$.b", "{\"a\":1}", "{\"a\":1,\"b\":9}" },
		{ "$.a.b.c", "{\"a\":{\"x\":1}}", "{\"a\":{\"x\":1,\"b\":{\"c\":9}}}" }, { "$.a[1]", "{\"a\":[1,2]}", "{\"a\":[1,9]}" },
		{ "$.a.b", "{\"a\":1}", NULL }, { "$.a[2]", "{\"a\":[1,2]}", NULL }, { "$.a[*]", "{\"a\":[1]}", NULL },
	};
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err e = { 0 };
		const struct json *root = json_parse(&a, view_str(t[i].root), JSON_DEPTH, &e), *r;
		const struct jsonpath *p = jsonpath_compile(&a, view_str(t[i].path), &e);
		int rc = jsonpath_put(&a, p, root, json_new_int(&a, 9), &r, &e);

		if (t[i].want)
			assert_string_equal(json_text(&a, r), t[i].want);
		else
			assert_int_equal(rc, ERR_INVALID);
		assert_string_equal(json_text(&a, root), t[i].root);
	}
	arena_clear(&a);
}

TEST(jsonpath_stops_at_its_limit)
{
	struct arena a;
	struct err e = { 0 };
	struct buf b;
	const struct json *v, *r;

	arena_init(&a, LIMIT_ARENA);
	buf_init(&b, MIB);
	buf_add_str(&b, "[0");
	for (int i = 0; i < 2000; i++)
		buf_add_str(&b, ",1");
	buf_add_char(&b, ']');
	v = json_parse(&a, buf_view(&b), JSON_DEPTH, &e);
	assert_int_equal(jsonpath_get(&a, jsonpath_compile(&a, VIEW("$[?($[?($[*]==1)])]"), &e), v, &r, &e), ERR_LIMIT);
	buf_clear(&b);
	arena_clear(&a);
}

TEST(jsonpath_leaves_half_of_the_memory)
{
	struct arena a;
	struct err e = { 0 };
	struct json *list, *all;
	const struct json *ret;

	arena_init(&a, 4UL * 1024 * 1024);
	list = json_new_arr(&a);
	all = json_new_arr(&a);
	for (int i = 0; i < 1000; i++)
		json_push(&a, list, &json_null);
	for (int i = 0; i < 800; i++)
		json_push(&a, all, list);
	assert_int_equal(jsonpath_get(&a, jsonpath_compile(&a, VIEW("$[*][*]"), &e), all, &ret, &e), ERR_LIMIT);
	assert_true(a.used < a.max);
	arena_clear(&a);
}
