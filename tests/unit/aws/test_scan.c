/* SPDX-License-Identifier: Apache-2.0 */
/* Which bodies are decoded without a tree.  That the result is the same is what fuzz_scan.c looks at. */
#include "unit.h"

#include <string.h>

#include "aws/aws_int.h"
#include "sample.h"

static bool scan(struct arena *a, const char *text, struct sample_bulk_in *ret)
{
	struct err e = { 0 };
	struct decode d = { .arena = a, .service = &sample_json, .mode = DECODE_JSON, .err = &e };
	char *copy = arena_str(a, view_str(text));
	bool taken = aws__scan(&d, &sample_bulk, copy, strlen(text), ret);

	assert_true(taken || strcmp(copy, text) == 0);
	assert_int_equal(e.code, 0);
	return taken;
}

/* As boto3, the SDKs of Java and Go, and PHP's json_encode() write them. */
TEST(scan_takes_what_clients_write)
{
	static const char *const t[] = {
		"{\"Name\": \"s\", \"Records\": [{\"Data\": \"Pz8/Zm9vYmFyCg==\"}, {\"Data\": \"\", \"Key\": \"k\"}]}",
		"{\"Name\":\"s\",\"Records\":[{\"Data\":\"Pz8/Zm9vYmFyCg==\"},{\"Key\":\"k\",\"Data\":\"\"}]}",
		"{\"Records\":[{\"Data\":\"Pz8\\/Zm9vYmFyCg==\"},{\"Data\":\"\",\"Key\":\"k\"}],\"Name\":\"s\"}",
		"\t{ \"Name\"\n:\r\"s\" , \"Records\" : [ { \"Data\":\"Pz8/Zm9vYmFyCg==\" } , {\"Data\" :\"\",\"Key\":\"k\" } ] } \n",
	};
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct sample_bulk_in in = { 0 };
		const struct sample_record *r;

		assert_true(scan(&a, t[i], &in));
		r = in.records.v;
		assert_string_equal(in.name, "s");
		assert_int_equal(in.records.n, 2);
		assert_true(view_eq_str(r[0].data, "?\?\?foobar\n") && !r[0].key);
		assert_true(r[1].data.p && r[1].data.n == 0);
		assert_string_equal(r[1].key, "k");
	}
	arena_clear(&a);
}

/* Wrong, or right but not plain: both are for the general way. */
TEST(scan_leaves_the_rest)
{
	static const char *const t[] = {
		"",
		"{}",
		"[]",
		"{\"Name\":\"s\"",
		"{\"Name\":\"s\"}x",
		"{\"Name\":\"s\",}",
		"{\"Name\":\"\"}",
		"{\"Name\":\"12345678901\"}",
		"{\"Name\":null}",
		"{\"Name\":\"s\n\"}",
		"{\"Name\":\"\\u0073\"}",
		"{\"Name\":\"\xc3\xa9\"}",
		"{\"Name\":\"s\",\"Name\":\"s\"}",
		"{\"Name\":\"s\",\"Other\":\"s\"}",
		"{\"Name\":\"s\",\"Encryption\":\"s\"}",
		"{\"Name\":\"s\",\"Count\":1}",
		"{\"Name\":\"s\",\"Records\":[]}",
		"{\"Name\":\"s\",\"Records\":[{\"Data\":\"\"},]}",
		"{\"Name\":\"s\",\"Records\":[{\"Data\":\"\"},{\"Data\":\"\"},{\"Data\":\"\"},{\"Data\":\"\"}]}",
		"{\"Name\":\"s\",\"Records\":[{\"Key\":\"k\"}]}",
		"{\"Name\":\"s\",\"Records\":[{\"Data\":\"Zg=\"}]}",
		"{\"Name\":\"s\",\"Records\":[{\"Data\":\"Zh==\"}]}",
		"{\"Name\":\"s\",\"Records\":[{\"Data\":\"Zm9\"}]}",
		"{\"Name\":\"s\",\"Records\":[{\"Data\":\"Zm9\\u0076\"}]}",
		"{\"Name\":\"s\",\"Records\":[{\"Data\":\"Zm9v\"}],\"One\":{\"Data\":\"Zm9v\"}",
		"{\"Name\":\"s\",\"One\":{\"Data\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
	};
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct sample_bulk_in in = { 0 };

		if (scan(&a, t[i], &in))
			fail_msg("taken: %s", t[i]);
		assert_true(!in.name && !in.records.set && !in.one);
	}
	arena_clear(&a);
}
