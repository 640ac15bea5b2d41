// SPDX-License-Identifier: Apache-2.0
/* Definitions: what is accepted, what is refused and in which words. */
#include <string.h>

#include "cases.h"
#include "fixture.h"
#include "svc/states/asl.h"

static const char *check(struct arena *a, const char *definition)
{
	struct asl_problem p = { 0 };
	struct asl *m = asl_compile(view_str(definition), NULL, a, &p);

	if (!m)
		return arena_printf(a, "%s: %s at %s", p.code, p.message, p.location);
	asl_free(m);
	return "ok";
}

#define ONE(state) "{\"StartAt\":\"A\",\"States\":{\"A\":{" state "}}}"
#define SCHEMA "SCHEMA_VALIDATION_FAILED: "

TEST(asl_refuses_by_name)
{
	static const struct { const char *definition, *want; } t[] = {
		{ ONE("\"Type\":\"Pass\",\"End\":true"), "ok" },
		{ "{\"StartAt\":\"A\"}", SCHEMA "These fields are required: [States] at /" },
		{ "{\"States\":{\"A\":{\"Type\":\"Succeed\"}}}", SCHEMA "These fields are required: [StartAt] at /" },
		{ "{", "INVALID_JSON_DESCRIPTION: " },
		{ ONE("\"Type\":\"Pass\""), SCHEMA "One of these fields is required: [Next, End] at /States/A" },
		{ ONE("\"Type\":\"Pass\",\"Next\":\"B\""), "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next" },
		{ "{\"StartAt\":\"B\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}", "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /StartAt" },
		{ "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Succeed\"},\"B\":{\"Type\":\"Succeed\"}}}",
		  "MISSING_TRANSITION_TARGET: State \"B\" is not reachable. at /States/B" },
		{ ONE("\"Type\":\"Wait\",\"Timestamp\":\"2016-12-05 21:29:29Z\",\"End\":true"),
		  SCHEMA "String does not match RFC3339 timestamp at /States/A/Timestamp" },
		{ ONE("\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::dynamodb:query\",\"End\":true"),
		  SCHEMA "The resource provided arn:aws:states:::dynamodb:query is not recognized. The value is not a valid resource "
			 "ARN, or the resource is not available in this region. at /States/A/Resource" },
		{ ONE("\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::lambda:invoke.waitForTaskToken\",\"End\":true"), SCHEMA "The resource" },
		{ ONE("\"Type\":\"Pass\",\"QueryLanguage\":\"JSONata\",\"End\":true"),
		  SCHEMA "QueryLanguage 'JSONata' is not supported by mulgil yet at /States/A/QueryLanguage" },
		{ ONE("\"Type\":\"Pass\",\"Assign\":{},\"End\":true"), SCHEMA "Field 'Assign' is not supported by mulgil yet at /States/A/Assign" },
		{ ONE("\"Type\":\"Pass\",\"Seconds\":1,\"End\":true"), SCHEMA "Field is not supported at /States/A/Seconds" },
		{ ONE("\"Type\":\"Pass\",\"InputPath\":\"x\",\"End\":true"), SCHEMA "Value is not a valid JSONPath at /States/A/InputPath" },
		{ ONE("\"Type\":\"Pass\",\"ResultPath\":\"$.a[*]\",\"End\":true"), SCHEMA "Value is not a Reference Path at /States/A/ResultPath" },
		{ ONE("\"Type\":\"Pass\",\"Parameters\":{\"a.$\":\"x\"},\"End\":true"), SCHEMA "The value for the field 'a.$' must be a valid JSONPath" },
		{ ONE("\"Type\":\"Pass\",\"Parameters\":{\"a.$\":\"States.Nope()\"},\"End\":true"), SCHEMA "The value for the field 'a.$'" },
		{ ONE("\"Type\":\"Map\",\"ToleratedFailureCount\":1,\"ItemProcessor\":{},\"End\":true"), SCHEMA "Field 'ToleratedFailureCount' is not" },
		{ ONE("\"Type\":\"Map\",\"ItemProcessor\":{\"ProcessorConfig\":{\"Mode\":\"DISTRIBUTED\"}},\"End\":true"), SCHEMA "Mode 'DISTRIBUTED'" },
		{ ONE("\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.a\",\"NumericEquals\":\"1\",\"Next\":\"A\"}]"),
		  SCHEMA "Expected value of type Number at /States/A/Choices[0]/NumericEquals" },
		{ ONE("\"Type\":\"Choice\",\"Choices\":[{\"And\":[{\"NumericEquals\":1,\"StringEquals\":\"x\"}],\"Next\":\"A\"}]"), SCHEMA "A choice rule" },
	};
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *got = check(&a, t[i].definition);

		if (!view_starts(view_str(got), view_str(t[i].want)))
			fail_msg("%s\n\tgot  %s\n\twant %s", t[i].definition, got, t[i].want);
	}
	arena_clear(&a);
}

TEST(asl_real_definitions_are_accepted_or_refused_by_name)
{
	struct arena a;
	const struct json *all;
	size_t ok = 0, named = 0, other = 0;

	arena_init(&a, LIMIT_ARENA);
	all = cases_read(&a, "cases/asl-corpus/sample_state_machines.json.gz");
	if (!all)
		skip_test("no sample definitions");
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *c = json_at(all, i), *def = json_get(c, "definition"), *valid = json_get(c, "asl_validator");
		const char *got = check(&a, json_is(def, JSON_STR) ? arena_str(&a, json_str(def)) : json_text(&a, def));

		if (view_eq_str(view_str(got), "ok")) {
			ok++;
		} else if (strstr(got, "not supported by mulgil yet") || strstr(got, "The resource provided")) {
			named++;
		} else if (!json_is(valid, JSON_BOOL) || json_is_true(valid)) {
			other++;
			fprintf(stderr, "%s: %s\n", arena_str(&a, json_get_str(c, "id")), got);
		}
	}
	assert_true(other <= 2); /* one is of another language, one compares with a word without quotes */
	fprintf(stderr, "# sample definitions: %zu accepted, %zu refused by name, of %zu\n", ok, named, json_len(all));
	arena_clear(&a);
}

TEST(asl_labelled_definitions)
{
	struct arena a;
	const struct json *all;
	size_t good = 0, n = 0;

	arena_init(&a, LIMIT_ARENA);
	all = cases_read(&a, "cases/asl-validator/definitions.json.gz");
	if (!all)
		skip_test("no labelled definitions");
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *c = json_at(all, i), *def = json_get(c, "definition"), *valid = json_get(c, "valid");
		const char *got = check(&a, json_is(def, JSON_STR) ? arena_str(&a, json_str(def)) : json_text(&a, def));
		bool ok = view_eq_str(view_str(got), "ok") || strstr(got, "not supported by mulgil yet") ||
			  strstr(got, "The resource provided");

		if (!json_is(valid, JSON_BOOL))
			continue;
		n++;
		if (ok == json_is_true(valid) || (!json_is_true(valid) && !view_eq_str(view_str(got), "ok")))
			good++;
		else
			fprintf(stderr, "%s: want %s, got %s\n", arena_str(&a, json_get_str(c, "id")),
				json_is_true(valid) ? "valid" : "invalid", got);
	}
	assert_true(good + 6 >= n); /* duplicate members, a loop without an end, alias ARNs, script expressions */
	fprintf(stderr, "# labelled definitions: %zu/%zu\n", good, n);
	arena_clear(&a);
}
