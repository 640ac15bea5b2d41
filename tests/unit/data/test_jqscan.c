/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of a jq program without running it: keys, what is refused, what varies. */
#include "data/jqscan.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/macro.h"
#include "unit.h"

/* "a,b" or the error's text */
static const char *keys_of(struct arena *a, const char *program, bool *varies)
{
	struct jqscan s;
	struct err e = { 0 };
	char *all = arena_str(a, VIEW(""));

	if (jqscan(a, view_str(program), &s, &e) < 0)
		return arena_printf(a, "! %s", e.msg);
	for (size_t i = 0; i < s.n_keys; i++)
		all = arena_printf(a, "%s%s%s", all, i ? "," : "", s.keys[i]);
	*varies = s.varies;
	return all;
}

TEST(jqscan_keys)
{
	static const struct {
		const char *program, *keys;
		bool varies;
	} cases[] = {
		{ "{a:.a}", "a" },
		{ " { a : .x , \"b\" : ( .y | strftime(\"%Y\") ) , c } ", "a,b,c" },
		{ "{$x, a: $y}", "x,a" },
		{ "{a:{b:.c,d:.e},f:[.g,{h:1}]}", "a,f" },
		{ ". as {a:$x} | {k:$x}", "k" },
		{ "def f: .a; {k:f}", "k" },
		{ "{x:1} | {y:.x}", "y" },
		{ "{if:.if, env:.env, now, input}", "if,env,now,input" },
		{ "{a:.env, b:.\"input\"} # halt", "a,b" },
		{ "# {b:1}\n{a:\"# \\\" input \\(.x|\"}\\(1)\")\"}", "a" },
		{ "{a:1e5,b:.5,c:1.e3}", "a,b,c" },
		{ "{a:(now|todate)}", "a", true },
		{ "{a:\"\\(now)\"}", "a", true },
		{ "{a:@base64 \"x\\(.y)\"}", "a" },
		{ "{a:(if .x then 1,2 else 3 end)}", "a" },
		{ "{a:..}", "a" },
		{ ".a", "! it does not end with an object of keys: {name: query, ...}" },
		{ "{}", "! it does not end with an object of keys: {name: query, ...}" },
		{ "", "! it does not end with an object of keys: {name: query, ...}" },
		{ "{a:1}.a", "! it does not end with an object of keys: {name: query, ...}" },
		{ "{a:1} + {b:2}", "! it does not end with an object of keys: {name: query, ...}" },
		{ ".,{b:2}", "! it does not end with an object of keys: {name: query, ...}" },
		{ "({b:2})", "! it does not end with an object of keys: {name: query, ...}" },
		{ "{(.x):1}", "! a key is computed, so that its name is not known" },
		{ "{\"a\\(1)\":1}", "! a key is computed, so that its name is not known" },
		{ "{@base64 \"a\":1}", "! a key is computed, so that its name is not known" },
		{ "{a:1,a:2}", "! the key a is there twice" },
		{ "{a:1", "! '}' is missing at the end" },
		{ "{a:1)", "! ')' closes nothing" },
		{ "{a:\"}", "! a string without an end" },
		{ "{a:\"\\(\"}", "! a string without an end" },
		{ "{a:env.PATH}", "! env is not allowed here" },
		{ "{a:$ENV.PATH}", "! $ENV is not allowed here" },
		{ "{a:[1,env]}", "! env is not allowed here" },
		{ "{a:\"\\(env)\"}", "! env is not allowed here" },
		{ "{a:input}", "! input is not allowed here" },
		{ "{a:([inputs]|length)}", "! inputs is not allowed here" },
		{ "debug|{a:1}", "! debug is not allowed here" },
		{ "halt", "! halt is not allowed here" },
		{ "import \"x\" as x; {a:1}", "! import is not allowed here" },
		{ "include \"x\"; {a:1}", "! include is not allowed here" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool varies = false;
		struct arena a;
		const char *got;

		arena_init(&a, MIB);
		got = keys_of(&a, cases[i].program, &varies);
		if (strcmp(got, cases[i].keys) != 0)
			fail_msg("%s: %s", cases[i].program, got);
		assert_int_equal(varies, cases[i].varies);
		arena_clear(&a);
	}
}

TEST(jqscan_limits)
{
	bool varies;
	struct arena a;
	struct buf b;

	arena_init(&a, MIB);
	buf_init(&b, MIB);
	for (int i = 0; i < 300; i++)
		buf_add_char(&b, '[');
	buf_add_char(&b, 0);
	assert_string_equal(keys_of(&a, b.p, &varies), "! deeper than 256");
	buf_reset(&b);
	for (int i = 0; i < 51; i++)
		buf_printf(&b, "%ck%d:1", i ? ',' : '{', i);
	buf_add_char(&b, '}');
	buf_add_char(&b, 0);
	assert_string_equal(keys_of(&a, b.p, &varies), "! more than 50 keys");
	buf_clear(&b);
	arena_clear(&a);
}
