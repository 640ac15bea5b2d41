/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding, validation and op_call: values in, structs and messages out. */
#include "unit.h"

#include <string.h>

#include "base/limits.h"
#include "sample.h"

static const struct op_caller caller = { "000000000000", "AKIA", "arn:aws:iam::000000000000:root", "127.0.0.1" };

static int call(struct arena *a, const char *op, const char *in, const char **ret, struct err *e)
{
	struct op_registry *r = op_registry_new();
	const struct json *j = json_parse(a, view_str(in), JSON_DEPTH, e), *out = NULL;
	int rc;

	assert_non_null(j);
	op_registry_add(r, &sample_json, NULL);
	op_registry_context(r, "ap-northeast-2", VIEW("http://127.0.0.1:1"));
	rc = op_call(r, "sample", op, j, &caller, a, &out, e);
	if (rc == 0)
		*ret = json_text(a, out);
	op_registry_free(r);
	return rc;
}

TEST(op_call_fills_the_struct_and_gives_the_output)
{
	struct arena a;
	struct err e = { 0 };
	const char *out = NULL;

	arena_init(&a, LIMIT_ARENA);
	assert_int_equal(call(&a, "echo", "{\"name\":\"k\\u00e9\",\"Kind\":\"TWO\",\"Data\":\"abc\",\"Count\":3,"
			      "\"At\":\"2026-01-02T03:04:05.678Z\",\"Ratio\":0.25,\"On\":true,\"Tags\":[{\"Key\":\"a\",\"Value\":\"b\"},"
			      "{\"Key\":\"c\"}],\"Names\":[\"x\",\"yy\"],\"Ports\":[80,443],\"Env\":{\"K\":\"V\"},"
			      "\"Document\":{\"any\":[1]},\"Hints\":{\"IntervalInSeconds\":0}}", &out, &e), 0);
	assert_string_equal(out, "{\"Name\":\"ké\",\"Data\":\"abc\",\"At\":\"2026-01-02T03:04:05.678Z\",\"Ratio\":0.25,"
			    "\"Tags\":[{\"Key\":\"a\",\"Value\":\"b\"},{\"Key\":\"c\"}],\"Names\":[\"x\",\"yy\"],\"On\":true}");
	assert_string_equal(sample_seen.kind, "TWO");
	assert_int_equal(((int64_t *)sample_seen.ports.v)[1], 443);
	assert_string_equal(sample_seen.env.v[0].value, "V");
	assert_true(sample_seen.hints->seconds.set && !sample_seen.hints->size.set);
	assert_int_equal(json_int(json_at(json_get(sample_seen.document, "any"), 0), 0), 1);
	arena_clear(&a);
}

TEST(decode_keeps_a_document_in_the_models_names)
{
	struct arena a;
	struct err e = { 0 };
	const char *out = NULL;

	arena_init(&a, LIMIT_ARENA);
	assert_int_equal(call(&a, "echo", "{\"Name\":\"k\",\"Kept\":{\"size\":5.0,\"On\":true,\"Kind\":\"ONE\","
			      "\"Items\":[{\"type\":\"a\",\"Later\":null}],\"Names\":{\"any\":\"b\"}}}", &out, &e), 0);
	assert_string_equal(json_text(&a, sample_seen.kept), "{\"Size\":5,\"On\":true,\"Kind\":\"ONE\",\"Items\":[{\"Type\":\"a\"}],"
			    "\"Names\":{\"any\":\"b\"}}");
	arena_clear(&a);
}

static const struct refusal {
	const char *in, *code, *message;
} refusals[] = {
#define V(value, at, rule) "1 validation error detected: Value " value " at '" at "' failed to satisfy constraint: Member must " rule
	{ "{}", "ValidationException", V("null", "name", "not be null") },
	{ "{\"Name\":null}", "ValidationException", V("null", "name", "not be null") },
	{ "{\"Name\":\"\"}", "ValidationException", V("''", "name", "have length greater than or equal to 1") },
	{ "{\"Name\":\"12345678901\"}", "ValidationException", V("'12345678901'", "name", "have length less than or equal to 10") },
	{ "{\"Name\":\"a\",\"Kind\":\"FOUR\"}", "ValidationException", V("'FOUR'", "kind", "satisfy enum value set: [ONE, TWO]") },
	{ "{\"Name\":\"a\",\"Kind\":\"THREE\"}", "ValidationException", "the value 'THREE' of the member 'kind' is not supported by mulgil" },
	{ "{\"Name\":\"a\",\"Count\":0}", "ValidationException", V("'0'", "count", "have value greater than or equal to 1") },
	{ "{\"Name\":\"a\",\"Count\":11}", "ValidationException", V("'11'", "count", "have value less than or equal to 10") },
	{ "{\"Name\":\"a\",\"Tags\":[{\"Key\":\"a\"},{\"Key\":\"b\"},{}]}", "ValidationException", V("null", "tags.3.member.key", "not be null") },
	{ "{\"Name\":\"a\",\"Tags\":[{\"Key\":\"a\"},{\"Key\":\"b\",\"Value\":\"12345678901234567\"}]}", "ValidationException",
	  V("'12345678901234567'", "tags.2.member.value", "have length less than or equal to 16") },
	{ "{\"Name\":\"a\",\"Tags\":[{},{},{},{}]}", "ValidationException", V("'(list)'", "tags", "have length less than or equal to 3") },
	{ "{\"Name\":\"a\",\"Names\":[]}", "ValidationException", V("'(list)'", "names", "have length greater than or equal to 1") },
	{ "{\"Name\":\"a\",\"Names\":[\"12345\"]}", "ValidationException", V("'12345'", "names.1.member", "have length less than or equal to 4") },
	{ "{\"Name\":\"a\",\"Ports\":[1,70000]}", "ValidationException", V("'70000'", "ports.2.member", "have value less than or equal to 65535") },
	{ "{\"Name\":\"a\",\"Env\":{\"a\":\"b\",\"c\":\"d\",\"e\":\"f\"}}", "ValidationException", V("'(map)'", "env", "have length less than or equal to 2") },
	{ "{\"Name\":\"a\",\"Env\":{\"toolong\":\"b\"}}", "ValidationException", V("'toolong'", "env", "have length less than or equal to 5") },
	{ "{\"Name\":\"a\",\"Hints\":{\"SizeInMBs\":1}}", "ValidationException", V("null", "hints.intervalInSeconds", "not be null") },
	{ "{\"Name\":\"a\",\"Hints\":{\"IntervalInSeconds\":901}}", "ValidationException", V("'901'", "hints.intervalInSeconds", "have value less than or equal to 900") },
	{ "{\"Name\":\"a\",\"Hints\":{\"Jitter\":1}}", "ValidationException", "the member 'hints.jitter' is not supported by mulgil" },
	{ "{\"Name\":\"a\",\"Encryption\":{}}", "ValidationException", "the member 'encryption' is not supported by mulgil" },
	{ "{\"Name\":\"a\",\"Colour\":1}", "ValidationException", "the member 'colour' is not known" },
	{ "{\"Name\":\"a\\u0000b\"}", "ValidationException", V("''", "name", "hold valid characters only") },
	{ "{\"Name\":1}", "SerializationException", "NUMBER_VALUE at 'name' can not be converted to String" },
	{ "{\"Name\":\"a\",\"Count\":\"3\"}", "SerializationException", "STRING_VALUE at 'count' can not be converted to Long" },
	{ "{\"Name\":\"a\",\"Count\":1.5}", "SerializationException", "NUMBER_VALUE at 'count' can not be converted to Long" },
	{ "{\"Name\":\"a\",\"On\":\"true\"}", "SerializationException", "STRING_VALUE at 'on' can not be converted to Boolean" },
	{ "{\"Name\":\"a\",\"Ratio\":[]}", "SerializationException", "START_ARRAY at 'ratio' can not be converted to Double" },
	{ "{\"Name\":\"a\",\"Tags\":{}}", "SerializationException", "START_OBJECT at 'tags' can not be converted to a list" },
	{ "{\"Name\":\"a\",\"Tags\":[null]}", "SerializationException", "null at 'tags.1.member' can not be converted to an element of a list" },
	{ "{\"Name\":\"a\",\"Hints\":[]}", "SerializationException", "START_ARRAY at 'hints' can not be converted to a structure" },
	{ "{\"Name\":\"a\",\"Env\":{\"a\":1}}", "SerializationException", "NUMBER_VALUE at 'env.a' can not be converted to String" },
	{ "{\"Name\":\"a\",\"Kept\":{\"Size\":129}}", "ValidationException", V("'129'", "kept.size", "have value less than or equal to 128") },
	{ "{\"Name\":\"a\",\"Kept\":{\"Colour\":1}}", "ValidationException", "the member 'kept.colour' is not known" },
	{ "{\"Name\":\"a\",\"Kept\":{\"Items\":[{\"Type\":\"a\",\"Later\":1}]}}", "ValidationException",
	  "the member 'kept.items.1.member.later' is not supported by mulgil" },
	{ "{\"Name\":\"a\",\"Kept\":{\"Items\":[{}]}}", "ValidationException", V("null", "kept.items.1.member.type", "not be null") },
	{ "{\"Name\":\"a\",\"Kept\":{\"Items\":[null]}}", "SerializationException", "null at 'kept.items.1.member' can not be converted to an element of a list" },
	{ "{\"Name\":\"a\",\"Kept\":{\"Items\":[{\"Type\":\"a\"},{\"Type\":\"a\"},{\"Type\":\"a\"}]}}", "ValidationException",
	  V("'(list)'", "kept.items", "have length less than or equal to 2") },
	{ "{\"Name\":\"a\",\"Kept\":{\"Names\":{\"long\":\"b\"}}}", "ValidationException", V("'long'", "kept.names", "have length less than or equal to 3") },
	{ "{\"Name\":\"nobody\"}", "ResourceNotFoundException", "there is no nobody" },
};

TEST(decode_refuses_with_awss_words)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct arena a;
		struct err e = { 0 };
		const char *out = NULL;

		arena_init(&a, LIMIT_ARENA);
		if (call(&a, "Echo", refusals[i].in, &out, &e) == 0)
			fail_msg("accepted: %s", refusals[i].in);
		assert_non_null(e.wire);
		assert_string_equal(((const struct aws_error *)e.wire)->code, refusals[i].code);
		assert_string_equal(e.msg, refusals[i].message);
		arena_clear(&a);
	}
}

TEST(op_call_of_an_unknown_operation_is_refused)
{
	struct arena a;
	struct err e = { 0 };
	const char *out = NULL;

	arena_init(&a, LIMIT_ARENA);
	assert_int_equal(call(&a, "Missing", "{}", &out, &e), ERR_INVALID);
	assert_ptr_equal(e.wire, &AWS_UNKNOWN_OPERATION);
	err_clear(&e);
	assert_int_equal(call(&a, "nothing", "{}", &out, &e), 0);
	assert_string_equal(out, "{}");
	arena_clear(&a);
}

TEST(op_call_takes_a_blob_of_any_json_as_its_text)
{
	struct arena a;
	struct err e = { 0 };
	const char *out = NULL;

	arena_init(&a, LIMIT_ARENA);
	assert_int_equal(call(&a, "Echo", "{\"Name\":\"a\",\"Data\":{\"a\":1}}", &out, &e), 0);
	assert_string_equal(out, "{\"Name\":\"a\",\"Data\":\"{\\\"a\\\":1}\",\"On\":false}");
	arena_clear(&a);
}
