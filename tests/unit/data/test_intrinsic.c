// SPDX-License-Identifier: Apache-2.0
/* Intrinsic functions: results, escapes, nesting, wrong arguments. */
#include "data/intrinsic.h"

#include "base/buf.h"
#include "base/limits.h"
#include "data/jsonpath.h"
#include "unit.h"

static struct arena a;

static int path(void *arg, struct view p, const struct json **ret, struct err *e)
{
	const struct jsonpath *j = jsonpath_compile(&a, p, e);

	return j ? jsonpath_get(&a, j, arg, ret, e) : e->code;
}

static bool hash(void *arg, struct view algorithm, struct view v, char out[129])
{
	memcpy(out, "00ff", 5);
	return view_eq_str(algorithm, "MD5");
}

static void uuid(void *arg, char out[37])
{
	memcpy(out, "00000000-0000-4000-8000-000000000000", 37);
}

static uint64_t number(void *arg)
{
	return 12345;
}

static const char *eval(const char *text)
{
	struct err e = { 0 };
	const struct json *in = json_parse(&a, VIEW("{\"x\":\"a{}b\",\"l\":[3,1,3],\"o\":{\"k\":1},\"f\":1.5}"), 8, &e), *r;
	struct json *root = json_copy(&a, in);
	const struct intrinsic_env env = { root, path, hash, uuid, number };
	const struct intrinsic *n = intrinsic_compile(&a, view_str(text), &e);

	if (!n || intrinsic_eval(&a, n, &env, &r, &e) < 0)
		return err_text(e.code);
	return json_text(&a, r);
}

TEST(intrinsic_gives_results)
{
	static const struct { const char *text, *want; } t[] = {
		{ "States.Format('{}-{}', $.l[0], 'q')", "\"3-q\"" },
		{ "States.Format('it\\'s \\{\\} \\\\ {}', true)", "\"it's {} \\\\ true\"" },
		{ "States.Format($.x, 1)", "\"a1b\"" },
		{ "States.StringToJson('{\"a\": [1]}')", "{\"a\":[1]}" },
		{ "States.JsonToString($.o)", "\"{\\\"k\\\":1}\"" },
		{ "States.Array()", "[]" },
		{ "States.Array(1, 'a', States.Array(null))", "[1,\"a\",[null]]" },
		{ "States.ArrayPartition($.l, 2)", "[[3,1],[3]]" },
		{ "States.ArrayContains($.l, 1)", "true" },
		{ "States.ArrayRange(9, 0, -4)", "[9,5,1]" },
		{ "States.ArrayGetItem($.l, 1)", "1" },
		{ "States.ArrayLength($.l[?(@ > 1)])", "2" },
		{ "States.ArrayUnique($.l)", "[3,1]" },
		{ "States.Base64Encode('hi')", "\"aGk=\"" },
		{ "States.Base64Decode('aGk=')", "\"hi\"" },
		{ "States.Hash('x', 'MD5')", "\"00ff\"" },
		{ "States.JsonMerge($.o, States.StringToJson('{\"z\":2}'), false)", "{\"k\":1,\"z\":2}" },
		{ "States.MathAdd($.f, -1)", "1" },
		{ "States.MathRandom(5, 6)", "5" },
		{ "States.StringSplit('a,b.c', ',.')", "[\"a\",\"b\",\"c\"]" },
		{ "States.UUID()", "\"00000000-0000-4000-8000-000000000000\"" },
	};

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_string_equal(eval(t[i].text), t[i].want);
	arena_clear(&a);
}

TEST(intrinsic_refuses_wrong_calls)
{
	static const char *const t[] = {
		"States.Nope()", "States.Format('{}')", "States.Format('{}', 1, 2)", "States.Format('{', 1)", "States.Array(1",
		"States.Array(1) x", "States.ArrayLength(1)", "States.ArrayRange(0, 9, 0)", "States.ArrayRange(0, 1000, 1)",
		"States.ArrayGetItem($.l, 3)", "States.JsonMerge($.o, $.o, true)", "States.Hash('x', 'MD4')",
		"States.StringToJson('{')", "States.Base64Decode('a')", "States.Array('x)", "States.UUID(1)", "States.MathRandom(2, 2)",
	};

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *r = eval(t[i]);

		if (!view_eq_str(view_str(r), "invalid input"))
			fail_msg("%s gave %s", t[i], r);
	}
	assert_string_equal(eval("States.Array($.nope)"), "does not exist");
	arena_clear(&a);
}

static int eval_big(const char *text, const struct json *root)
{
	struct err e = { 0 };
	const struct intrinsic_env env = { (void *)(uintptr_t)root, path, hash, uuid, number };
	const struct intrinsic *n = intrinsic_compile(&a, view_str(text), &e);
	const struct json *r;

	assert_non_null(n);
	return intrinsic_eval(&a, n, &env, &r, &e);
}

TEST(intrinsic_memory_has_an_end)
{
	static const char one[] = "States.ArrayLength(States.Array(States.Format('{}', $.s)))";
	struct json *root;
	struct view big;
	struct buf b;

	arena_init(&a, LIMIT_ARENA);
	root = json_new_obj(&a);
	big = view_of(memset(arena_alloc(&a, 3 * MIB), 'x', 3 * MIB), 3 * MIB);
	json_set(&a, root, "s", json_new_str(&a, big));
	buf_init(&b, MIB);
	buf_add_str(&b, "States.Array(");
	for (int i = 0; i < 50; i++) /* 300 MiB of texts that nobody needs any more */
		buf_printf(&b, "%sStates.Array(%s, %s)", i ? ", " : "", one, one);
	buf_add_str(&b, ")");
	assert_int_equal(eval_big(b.p, root), ERR_LIMIT);
	buf_clear(&b);
	arena_clear(&a);
}

/* One value, a hundred times, is small until it is written out. */
TEST(intrinsic_arguments_have_a_size)
{
	struct json *root, *v;
	const struct json *one;
	struct view big;

	arena_init(&a, LIMIT_ARENA);
	root = json_new_obj(&a);
	v = json_new_arr(&a);
	big = view_of(memset(arena_alloc(&a, 3 * MIB), 'x', 3 * MIB), 3 * MIB);
	one = json_new_str(&a, big);
	for (int i = 0; i < 100; i++)
		json_push(&a, v, one);
	json_set(&a, root, "v", v);
	assert_int_equal(eval_big("States.JsonToString($.v)", root), ERR_INVALID);
	arena_clear(&a);
}
