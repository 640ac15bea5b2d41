/* SPDX-License-Identifier: Apache-2.0 */
/* Records cut into parts: no byte is lost, nothing is cut inside a string. */
#include "data/jsonsplit.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/macro.h"
#include "unit.h"

/* "part|part|" */
static void check(struct view record, const struct view *delimiter, const char *parts)
{
	struct view rest = record, part;
	struct buf b;

	buf_init(&b, MIB);
	while (delimiter ? jsonsplit_delimited(&rest, *delimiter, &part)
			 : jsonsplit_object(&rest, &part)) {
		buf_add_view(&b, part);
		buf_add_char(&b, '|');
	}
	buf_add_char(&b, 0);
	assert_string_equal(b.p, parts);
	buf_clear(&b);
}

TEST(jsonsplit_objects)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ " \r\n\t", "" },
		{ "{\"a\":1}", "{\"a\":1}|" },
		{ "{\"a\":1}{\"a\":2}", "{\"a\":1}|{\"a\":2}|" },
		{ " {\"a\":1}\n{\"a\":2}\r\n\n", "{\"a\":1}|{\"a\":2}|" },
		{ "{\"a\":\"}{\"}{\"b\":\"\\\"}\"}", "{\"a\":\"}{\"}|{\"b\":\"\\\"}\"}|" },
		{ "{\"a\":[{},{\"b\":[]}]}{}", "{\"a\":[{},{\"b\":[]}]}|{}|" },
		{ "[{\"a\":1},{\"a\":2}]", "[{\"a\":1},{\"a\":2}]|" },
		{ "{\"a\":1}junk{\"a\":2} ", "{\"a\":1}|junk{\"a\":2} |" },
		{ "{\"a\":1},{\"a\":2}", "{\"a\":1}|,{\"a\":2}|" },
		{ "{\"a\":1}{\"a\":", "{\"a\":1}|{\"a\":|" },
		{ "{\"a\":1]}{}", "{\"a\":1]}{}|" },
		{ "{\"a\":\"x{}", "{\"a\":\"x{}|" },
		{ "}{}", "}{}|" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(view_str(cases[i][0]), NULL, cases[i][1]);
}

TEST(jsonsplit_delimiters)
{
	static const char *const cases[][3] = {
		{ "", "####", "" },
		{ "a", "####", "a|" },
		{ "a####b", "####", "a|b|" },
		{ "####a########b####", "####", "a|b|" },
		{ "a#####b", "####", "a|#b|" },
		{ "a\nb\n", "\n", "a|b|" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct view d = view_str(cases[i][1]);

		check(view_str(cases[i][0]), &d, cases[i][2]);
	}
}

TEST(jsonsplit_depth)
{
	struct view rest, part;
	struct buf b;

	buf_init(&b, MIB);
	for (int deep = JSONSPLIT_DEPTH; deep <= JSONSPLIT_DEPTH + 1; deep++) {
		buf_reset(&b);
		for (int i = 0; i < deep; i++)
			buf_add_char(&b, '[');
		for (int i = 0; i < deep; i++)
			buf_add_char(&b, ']');
		rest = buf_view(&b);
		assert_int_equal(jsonsplit_value(&rest, &part), deep == JSONSPLIT_DEPTH);
	}
	buf_clear(&b);
}

/* "name=value;name=value;" and how it ended */
static int members(const char *text, struct buf *b)
{
	struct view at = view_str(text), name, value;
	int rc;

	buf_reset(b);
	while ((rc = jsonsplit_member(&at, &name, &value)) > 0)
		buf_printf(b, "%.*s=%.*s;", VIEW_ARG(name), VIEW_ARG(value));
	buf_add_char(b, 0);
	return rc;
}

TEST(jsonsplit_members_and_elements)
{
	static const struct {
		const char *text, *members;
		int end;
	} cases[] = {
		{ "}", "", 0 },
		{ " \"a\" : 1 , \"b\\\"\":[{}] }", "a=1;b\\\"=[{}];", 0 },
		{ "\"a\":\"x,y\",\"b\":null}", "a=\"x,y\";b=null;", 0 },
		{ "\"a\":1,}", "", -1 },
		{ "\"a\":1", "", -1 },
		{ "\"a\" 1}", "", -1 },
		{ "a:1}", "", -1 },
		{ "", "", -1 },
	};
	struct view at = view_str(" 1, \"]\" ,[2]] "), value;
	struct buf b;

	buf_init(&b, MIB);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(members(cases[i].text, &b), cases[i].end);
		assert_string_equal(b.p, cases[i].members);
	}
	buf_clear(&b);
	assert_int_equal(jsonsplit_element(&at, &value), 1);
	assert_true(view_eq_str(value, "1"));
	assert_int_equal(jsonsplit_element(&at, &value), 1);
	assert_true(view_eq_str(value, "\"]\""));
	assert_int_equal(jsonsplit_element(&at, &value), 1);
	assert_true(view_eq_str(value, "[2]"));
	assert_int_equal(jsonsplit_element(&at, &value), 0);
	assert_true(view_eq_str(at, " "));
}
