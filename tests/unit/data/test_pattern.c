// SPDX-License-Identifier: Apache-2.0
/* Event patterns: own examples, recorded answers of the service, the reference engine's cases. */
#include "data/pattern.h"

#include <string.h>

#include "base/limits.h"
#include "cases.h"
#include "unit.h"

static bool matches(const char *pattern, const char *event)
{
	struct err e = { 0 };
	struct arena a;
	const struct json *v;
	struct pattern *p = pattern_compile(view_str(pattern), &e);
	bool ok;

	if (!p)
		fprintf(stderr, "%s: %s\n", pattern, e.msg);
	assert_non_null(p);
	arena_init(&a, LIMIT_ARENA);
	v = json_parse(&a, view_str(event), 1000, &e);
	assert_non_null(v);
	ok = pattern_match(p, v);
	arena_clear(&a);
	pattern_free(p);
	return ok;
}

TEST(pattern_matches_what_it_says)
{
	static const struct { const char *pattern, *yes, *no; } t[] = {
		{ "{\"a\":[\"x\",1,true,null]}", "{\"a\":null}", "{\"a\":\"1\"}" },
		{ "{\"a\":[300]}", "{\"a\":3.0e2}", "{\"a\":\"300\"}" },
		{ "{\"a\":[{\"prefix\":\"ab\"}]}", "{\"a\":\"abc\"}", "{\"a\":\"bab\"}" },
		{ "{\"a\":[{\"suffix\":{\"equals-ignore-case\":\".PNG\"}}]}", "{\"a\":\"x.png\"}", "{\"a\":\"png\"}" },
		{ "{\"a\":[{\"equals-ignore-case\":\"\xc3\x84x\"}]}", "{\"a\":\"\xc3\xa4X\"}", "{\"a\":\"ax\"}" },
		{ "{\"a\":[{\"anything-but\":[\"x\",\"y\"]}]}", "{\"a\":\"z\"}", "{\"a\":\"y\"}" },
		{ "{\"a\":[{\"numeric\":[\">\",0,\"<=\",5]}]}", "{\"a\":5}", "{\"a\":0}" },
		{ "{\"a\":[{\"exists\":false}]}", "{\"b\":1}", "{\"a\":null}" },
		{ "{\"a\":[{\"wildcard\":\"x*y\\\\*z*\"}]}", "{\"a\":\"x1y*z\"}", "{\"a\":\"xyz\"}" },
		{ "{\"a\":[{\"wildcard\":\"ab*ba\"}]}", "{\"a\":\"abba\"}", "{\"a\":\"aba\"}" },
		{ "{\"a\":[{\"cidr\":\"10.0.0.7/24\"}]}", "{\"a\":\"10.0.0.255\"}", "{\"a\":\"10.0.1.0\"}" },
		{ "{\"$or\":[{\"a\":[1]},{\"b\":[2]}]}", "{\"a\":0,\"b\":2}", "{\"a\":2,\"b\":1}" },
		{ "{\"r\":{\"k\":[1],\"v\":[2]}}", "{\"r\":[{\"k\":1,\"v\":2}]}", "{\"r\":[{\"k\":1},{\"v\":2}]}" },
		{ "{\"a\":[1],\"a\":[2]}", "{\"a\":2}", "{\"a\":1}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		if (!matches(t[i].pattern, t[i].yes) || matches(t[i].pattern, t[i].no))
			fail_msg("%s", t[i].pattern);
	}
}

TEST(pattern_refuses_in_the_services_words)
{
	static const struct { const char *pattern, *text; } t[] = {
		{ "[]", "Filter is not an object" },
		{ "{}", "Empty objects are not allowed" },
		{ "{\"a\":[]}", "Empty arrays are not allowed" },
		{ "{\"a\":1}", "\"a\" must be an object or an array" },
		{ "{\"a\":[[1]]}", "Match value must be String, number, true, false, or null" },
		{ "{\"a\":[{\"cidr\":\"10.0.0.0/32\"}]}", "IPv4 mask bits must be < 32" },
		{ "{\"a\":[{\"numeric\":[\"<\",1e999]}]}", "Value is too large: 1e999" },
		{ "{\"$or\":[{\"a\":[1]}]}", "There must have at least 2 Objects in $or relationship." },
		{ "{\"a\":[{\"wildcard\":\"a**\"}]}", "Consecutive wildcard characters at pos 2" },
		{ "{\"a\":[1}", "Unexpected close marker '}': expected ']' (for Array starting at [Source: (String)" },
		{ "{\"a\":[1]", "Unexpected end-of-input" },
		{ "{\"a\":[1]} x", "Unexpected character ('x' (code 120))" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct err e = { 0 };

		assert_null(pattern_compile(view_str(t[i].pattern), &e));
		assert_int_equal(e.code, ERR_INVALID);
		assert_true(view_starts(view_str(e.msg), VIEW("Event pattern is not valid. Reason: ")));
		if (!view_starts(view_from(view_str(e.msg), 36), view_str(t[i].text)))
			fail_msg("%s: %s", t[i].pattern, e.msg);
	}
}

TEST(pattern_refuses_what_grows_without_bound)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_add_str(&b, "{\"a\":");
	assert_null(pattern_compile(buf_view(&b), &e));
	buf_reset(&b);
	err_clear(&e);
	buf_add_char(&b, '{');
	for (int i = 0; i < 12; i++)
		buf_printf(&b, "%s\"k%d\":{\"$or\":[{\"a\":[1]},{\"b\":[1]}]}", i ? "," : "", i);
	buf_add_char(&b, '}');
	assert_null(pattern_compile(buf_view(&b), &e));
	assert_non_null(strstr(e.msg, "combinations of $or"));
	buf_clear(&b);
}

static const char *verdict(struct arena *a, const struct json *c, struct err *e)
{
	struct view event = json_get_str(c, "event");
	struct pattern *p = pattern_compile(json_get_str(c, "pattern"), e);
	const struct json *v;
	bool ok;

	if (!p)
		return "error";
	if (!event.p) {
		pattern_free(p);
		return "valid";
	}
	v = json_parse(a, event, 1000, e);
	ok = v && pattern_match(p, v);
	pattern_free(p);
	return ok ? "true" : "false";
}

static void run_cases(const char *path, const char *error_member)
{
	struct arena a;
	const struct json *d;
	size_t good = 0, texts = 0, errors = 0;

	arena_init(&a, LIMIT_ARENA);
	d = cases_read(&a, path);
	if (!d)
		skip_test("no %s", path);
	for (size_t i = 0; i < json_len(d); i++) {
		const struct json *c = json_at(d, i), *want = json_get(c, "expect");
		struct err e = { 0 };
		struct view text = json_get_str(c, error_member), w = json_str(want);
		const char *got = verdict(&a, c, &e);

		if (json_is(want, JSON_BOOL))
			w = json_is_true(want) ? VIEW("true") : VIEW("false");
		if (view_eq_str(w, got))
			good++;
		else
			fprintf(stderr, "%.*s: want %.*s, got %s %s\n\t%.*s\n", VIEW_ARG(json_get_str(c, "id")), VIEW_ARG(w), got,
				e.msg, VIEW_ARG(json_get_str(c, "pattern")));
		if (text.p && e.code) {
			errors++;
			if (view_find(view_str(e.msg), text) >= 0)
				texts++;
			else
				fprintf(stderr, "%.*s: want %.*s, got %s\n", VIEW_ARG(json_get_str(c, "id")), VIEW_ARG(text), e.msg);
		}
	}
	fprintf(stderr, "# %s: %zu/%zu, texts %zu/%zu\n", path, good, json_len(d), texts, errors);
	assert_int_equal(good, json_len(d));
	assert_int_equal(texts, errors);
	arena_clear(&a);
}

TEST(pattern_recorded_answers)
{
	run_cases("cases/events/localstack_test_event_pattern.json.gz", "error_message");
}

TEST(pattern_reference_pairs)
{
	run_cases("cases/events/event_ruler_pairs.json.gz", "error");
}

TEST(pattern_reference_validity)
{
	run_cases("cases/events/event_ruler_validity.json.gz", "error");
}

TEST(pattern_reference_generated)
{
	run_cases("cases/events/fuzz_a.json.gz", "error");
}
