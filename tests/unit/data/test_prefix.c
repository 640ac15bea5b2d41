/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix expressions: values, the rules for both prefixes, refusals by name. */
#include "data/prefix.h"

#include "base/limits.h"
#include "base/macro.h"
#include "unit.h"

#define AT 1795380007089 /* Sunday, 2026-11-22T20:40:07.089Z */

TEST(prefix_values)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{ "", "2026/11/22/20/" },
		{ "legacy", "legacy2026/11/22/20/" },
		{ "raw/", "raw/2026/11/22/20/" },
		{ "a!b{c}", "a!b{c}2026/11/22/20/" },
		{ "r/!{timestamp:yyyy}/!{timestamp:MM/dd}/", "r/2026/11/22/" },
		{ "!{timestamp:yy-M-d-H-m-s-SSS}", "26-11-22-20-40-7-089" },
		{ "!{timestamp:yyyy'T'HH''mm'it''s'}", "2026T20'40it's" },
		{ "!{timestamp:E EEEE MMM MMMM a hh D DDD SSSSSS}",
		  "Sun Sunday Nov November PM 08 326 326 089000" },
		{ "dt=!{timestamp:yyyy-MM-dd}/", "dt=2026-11-22/" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct prefix_env env = { .at_ms = AT };
		const struct prefix *p;
		struct err e = { 0 };
		struct arena a;
		struct buf b;

		arena_init(&a, MIB);
		buf_init(&b, MIB);
		if (prefix_parse(&a, view_str(cases[i].text), PREFIX_DATA, &p, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.msg);
		prefix_eval(p, &env, &b);
		buf_add_char(&b, 0);
		assert_string_equal(b.p, cases[i].value);
		buf_clear(&b);
		arena_clear(&a);
	}
}

TEST(prefix_random_string_is_new_each_time_and_the_same_for_a_seed)
{
	const struct prefix *p;
	struct err e = { 0 };
	struct arena a;
	struct buf x, y;

	arena_init(&a, MIB);
	buf_init(&x, KIB);
	buf_init(&y, KIB);
	assert_int_equal(prefix_parse(&a,
				      VIEW("!{firehose:random-string}!{firehose:random-string}"),
				      PREFIX_DATA, &p, &e),
			 0);
	prefix_eval(p, &(struct prefix_env){ .at_ms = AT, .seed = 7 }, &x);
	assert_int_equal(x.n, 22); /* and no date: there is an expression */
	assert_memory_not_equal(x.p, x.p + 11, 11);
	prefix_eval(p, &(struct prefix_env){ .at_ms = AT, .seed = 7 }, &y);
	assert_memory_equal(x.p, y.p, 22);
	buf_reset(&y);
	prefix_eval(p, &(struct prefix_env){ .at_ms = AT, .seed = 8 }, &y);
	assert_memory_not_equal(x.p, y.p, 22);
	buf_clear(&x);
	buf_clear(&y);
	arena_clear(&a);
}

TEST(prefix_refusals)
{
	static const struct {
		const char *text;
		enum prefix_use use;
		int code;
		const char *part;
	} cases[] = {
		{ "a/!{timestamp:yyyy", PREFIX_DATA, ERR_INVALID, "not closed" },
		{ "!{timestamp:}", PREFIX_DATA, ERR_INVALID, "no format" },
		{ "!{timestamp}", PREFIX_DATA, ERR_INVALID, "namespace:value" },
		{ "!{timestamp:yyyy'x}", PREFIX_DATA, ERR_INVALID, "quote" },
		{ "!{timestamp:ddd}", PREFIX_DATA, ERR_INVALID, "number of letters 'd'" },
		{ "!{timestamp:YYYY}", PREFIX_DATA, ERR_UNSUPPORTED, "'Y'" },
		{ "!{timestamp:[yyyy]}", PREFIX_DATA, ERR_INVALID, "reserved" },
		{ "!{what:ever}", PREFIX_DATA, ERR_INVALID, "unknown namespace" },
		{ "!{firehose:ever}", PREFIX_DATA, ERR_INVALID, "namespace firehose" },
		{ "!{firehose:error-output-type}", PREFIX_DATA, ERR_INVALID,
		  "Prefix cannot contain" },
		{ "!{firehose:error-output-type}", PREFIX_ERROR, 0, "" },
		{ "m=!{partitionKeyFromQuery:}/", PREFIX_DATA, ERR_INVALID, "no name" },
		{ "m=!{partitionKeyFromQuery:m}/", PREFIX_ERROR, ERR_INVALID,
		  "ErrorOutputPrefix cannot contain" },
		{ "\xff", PREFIX_DATA, ERR_INVALID, "UTF-8" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct prefix *p;
		struct err e = { 0 };
		struct arena a;

		arena_init(&a, MIB);
		assert_int_equal(prefix_parse(&a, view_str(cases[i].text), cases[i].use, &p, &e),
				 cases[i].code);
		if (cases[i].code && !strstr(e.msg, cases[i].part))
			fail_msg("%s: %s", cases[i].text, e.msg);
		arena_clear(&a);
	}
}

TEST(prefix_pairs)
{
	static const struct {
		const char *data, *error;
		int code;
	} cases[] = {
		{ "a", NULL, 0 },
		{ "a", "err/", 0 },
		{ "!{timestamp:yyyy}", NULL, ERR_INVALID },
		{ "!{timestamp:yyyy}", "", ERR_INVALID },
		{ "!{timestamp:yyyy}", "err/", 0 },
		{ "a", "err/!{timestamp:yyyy}/", ERR_INVALID },
		{ "a", "err/!{firehose:error-output-type}/!{timestamp:yyyy}/", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct prefix *data, *error = NULL;
		struct err e = { 0 };
		struct arena a;

		arena_init(&a, MIB);
		assert_int_equal(prefix_parse(&a, view_str(cases[i].data), PREFIX_DATA, &data, &e),
				 0);
		if (cases[i].error)
			assert_int_equal(prefix_parse(&a, view_str(cases[i].error), PREFIX_ERROR,
						      &error, &e),
					 0);
		assert_int_equal(prefix_check_pair(data, error, &e), cases[i].code);
		arena_clear(&a);
	}
}

static struct view key(void *arg, enum prefix_keys kind, struct view name)
{
	if (kind == PREFIX_LAMBDA)
		return VIEW("../\xff");
	return view_eq_str(name, "m") ? VIEW("M 1") : VIEW("");
}

TEST(prefix_keys_are_put_as_they_are)
{
	const struct prefix_env env = { .at_ms = AT, .key = key };
	const struct prefix *p;
	enum prefix_keys kind;
	struct view name;
	struct err e = { 0 };
	struct arena a;
	struct buf b;
	size_t at = 0;

	arena_init(&a, MIB);
	buf_init(&b, KIB);
	assert_int_equal(prefix_parse(&a,
				      VIEW("!{partitionKeyFromQuery:m}/!{timestamp:yyyy}/!{partitionKeyFromLambda:m}/"
					   "!{partitionKeyFromQuery:m}!{partitionKeyFromQuery:n}"),
				      PREFIX_DATA, &p, &e),
			 0);
	prefix_eval(p, &env, &b);
	assert_string_equal(b.p, "M 1/2026/../\xff/M 1");
	assert_true(prefix_next_key(p, &at, &kind, &name) && kind == PREFIX_QUERY && view_eq_str(name, "m"));
	assert_true(prefix_next_key(p, &at, &kind, &name) && kind == PREFIX_LAMBDA && view_eq_str(name, "m"));
	assert_true(prefix_next_key(p, &at, &kind, &name) && kind == PREFIX_QUERY && view_eq_str(name, "n"));
	assert_false(prefix_next_key(p, &at, &kind, &name));
	buf_clear(&b);
	arena_clear(&a);
}
