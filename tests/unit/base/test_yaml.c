/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/yaml: scalars, short tags, and what is refused. */
#include "unit.h"

#include "base/limits.h"
#include "base/yaml.h"

static void expect(const char *yaml, const char *json)
{
	struct arena a;
	struct err e = { 0 };
	const struct json *v;

	arena_init(&a, LIMIT_ARENA);
	v = yaml_parse(&a, view_str(yaml), &e);
	if (json) {
		if (!v)
			fail_msg("%s: %s", yaml, e.msg);
		assert_string_equal(json_text(&a, v), json);
	} else {
		assert_null(v);
		assert_int_equal(e.code, ERR_INVALID);
		assert_true(e.msg[0] != 0);
	}
	arena_clear(&a);
}

TEST(yaml_values)
{
	expect("a: 1\nb: [x, 'y', \"1\", 1.5, true, ~, null, yes]\nc:\n  d: |\n    text\n    "
	       "more\n",
	       "{\"a\":1,\"b\":[\"x\",\"y\",\"1\",1.5,true,null,null,\"yes\"],\"c\":{\"d\":"
	       "\"text\\nmore\\n\"}}");
	expect("", "null");
	expect("{\"Version\": \"2012-10-17\", \"n\": -3}", "{\"Version\":\"2012-10-17\",\"n\":-3}");
	expect("v: 2012-10-17", "{\"v\":\"2012-10-17\"}");
}

TEST(yaml_short_tags)
{
	expect("a: !Ref B\nb: !Sub '${B}/x'\nc: !GetAtt F.Arn.X\nd: !Join [',', [a, !Ref B]]",
	       "{\"a\":{\"Ref\":\"B\"},\"b\":{\"Fn::Sub\":\"${B}/"
	       "x\"},\"c\":{\"Fn::GetAtt\":[\"F\",\"Arn.X\"]},"
	       "\"d\":{\"Fn::Join\":[\",\",[\"a\",{\"Ref\":\"B\"}]]}}");
}

TEST(yaml_refusals)
{
	expect("a: &x 1\nb: *x", NULL);
	expect("a: 1\na: 2", NULL);
	expect("a: !Unknown 1", NULL);
	expect("a: [1", NULL);
	expect("--- 1\n--- 2\n", NULL);
	expect("? [a]\n: b", NULL);
}
