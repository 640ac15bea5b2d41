/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests through aws_handle(), over a stand-in for http: signed, routed, decoded, answered. */
#include "unit.h"

#include <string.h>

#include "aws/aws.h"
#include "aws/gate.h"
#include "base/base64.h"
#include "fake_http.h"
#include "os/crypto.h"
#include "sample.h"

#define NOW INT64_C(1795380000000) /* 2026-11-22T20:40:00Z */
#define REGION "ap-northeast-2"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static int64_t test_now = NOW;
static int64_t now_ms(void)
{
	return test_now;
}

static struct aws_logged logged;
static char logged_message[256];
static void log_fn(const struct aws_logged *l, void *arg)
{
	(void)arg;
	logged = *l;
	snprintf(logged_message, sizeof(logged_message), "%s", l->message ? l->message : "");
}

struct world {
	struct op_registry *services;
	struct credentials *keys;
	struct aws *aws;
};

static void world_new(struct world *w, bool refuse_unsigned)
{
	static const char *const suffixes[] = { "localhost", NULL };
	struct aws_opts o = { .region = REGION, .account = "000000000000", .refuse_unsigned_payload = refuse_unsigned,
			      .host_suffixes = suffixes, .log = log_fn, .now_ms = now_ms };

	test_now = NOW;
	w->services = op_registry_new();
	op_registry_add(w->services, &sample_json, NULL);
	op_registry_add(w->services, &sample_xml, NULL);
	op_registry_add(w->services, &sample_rest, NULL);
	op_registry_add(w->services, &sample_query, NULL);
	w->keys = credentials_new("000000000000");
	credentials_add(w->keys, "AKIDEXAMPLE", SECRET, NULL, 0, "arn:aws:iam::000000000000:root");
	o.services = w->services;
	o.credentials = w->keys;
	w->aws = aws_new(&o);
}

static void world_free(struct world *w)
{
	aws_free(w->aws);
	credentials_free(w->keys);
	op_registry_free(w->services);
}

static struct sign_key key_of(const char *service)
{
	return (struct sign_key){ "AKIDEXAMPLE", SECRET, NULL, REGION, service };
}

/* Signs what is in @r; @hash NULL: the body's SHA-256. */
static void sign_with(struct http_req *r, const struct sign_key *k, const char *hash)
{
	struct sign_header *h, have[FAKE_HEADERS];
	size_t n, n_have = r->n_in;
	struct err e = { 0 };
	char hex[65];

	sha256_hex(r->body, hex);
	for (size_t i = 0; i < n_have; i++)
		have[i] = (struct sign_header){ r->in[i].name, r->in[i].value };
	const struct sign_what what = {
		.method = arena_str(&r->arena, r->method),
		.host = "127.0.0.1:4566",
		.path = arena_str(&r->arena, http_path(r)),
		.query = http_query(r).p ? arena_str(&r->arena, http_query(r)) : NULL,
		.headers = have,
		.n_headers = n_have,
		.payload_hash = hash ? hash : hex,
		.now_ms = NOW,
	};

	assert_int_equal(sign_request(k, &what, &r->arena, &h, &n, &e), 0);
	for (size_t i = n_have; i < n; i++)
		fake_header(r, h[i].name, h[i].value);
	fake_header(r, "Host", "127.0.0.1:4566");
}

static void sign(struct http_req *r, const char *service)
{
	const struct sign_key k = key_of(service);

	sign_with(r, &k, NULL);
}

static const char *go(struct world *w, struct http_req *r)
{
	aws_handle(r, w->aws);
	assert_int_equal(r->answers, 1);
	return fake_out(r);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no %s in: %s", part, text);
}

TEST(router_json_operation_and_its_errors)
{
	static const struct {
		const char *target, *body, *want;
		int status;
	} t[] = {
		{ "Sample_2026.Echo", "{\"Name\":\"a\",\"Data\":\"aGk=\",\"At\":1.5}", "{\"Name\":\"a\",\"Data\":\"aGk=\",\"At\":1.500,\"On\":false}", 200 },
		{ "Sample_2026.Nothing", "", "{}", 200 },
		{ "Sample_2026.Echo", "{\"Name\":\"nobody\"}", "{\"__type\":\"ResourceNotFoundException\",\"message\":\"there is no nobody\"}", 404 },
		{ "Sample_2026.Echo", "{\"Name\":", "\"SerializationException\"", 400 },
		{ "Sample_2026.Echo", "[]", "\"SerializationException\"", 400 },
		{ "Sample_2026.Echo", "{\"Name\":\"a\",\"Data\":\"?\"}", "is not valid base64", 400 },
		{ "Sample_2026.Echo", "{\"Name\":\"broken\"}", "{\"__type\":\"InternalFailure\",\"message\":\"We encountered an internal error. Please try again.\"}", 500 },
		{ "Sample_2026.Missing", "{}", "\"UnknownOperationException\"", 400 },
		{ "Other.Echo", "{}", "\"UnknownOperationException\"", 400 },
	};
	struct world w;

	world_new(&w, false);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct http_req r;

		fake_init(&r, "POST", "/", view_str(t[i].body));
		fake_header(&r, "X-Amz-Target", t[i].target);
		sign(&r, "sample");
		has(go(&w, &r), t[i].want);
		assert_int_equal(r.status, t[i].status);
		has(r.headers, "x-amzn-RequestId: ");
		has(r.headers, "Content-Type: application/x-amz-json-1.1");
		fake_clear(&r);
	}
	assert_int_equal(logged.status, 400);
	world_free(&w);
}

TEST(router_internal_error_texts_go_to_the_log_only)
{
	struct world w;
	struct http_req r;

	world_new(&w, false);
	fake_init(&r, "POST", "/", VIEW("{\"Name\":\"broken\"}"));
	fake_header(&r, "X-Amz-Target", "Sample_2026.Echo");
	sign(&r, "sample");
	assert_null(strstr(go(&w, &r), "secret"));
	assert_string_equal(logged_message, "a secret of the disk");
	assert_string_equal(logged.operation, "Echo");
	fake_clear(&r);
	world_free(&w);
}

TEST(router_service_that_is_not_there_is_an_unknown_operation_never_s3)
{
	struct world w;
	struct http_req r;

	world_new(&w, false);
	fake_init(&r, "GET", "/bucket/key", VIEW(""));
	sign(&r, "kinesis");
	has(go(&w, &r), "UnknownOperationException");
	fake_clear(&r);
	fake_init(&r, "GET", "/bucket/key", VIEW(""));
	sign(&r, "lambda");
	has(go(&w, &r), "there is no operation for GET /bucket/key");
	has(r.headers, "x-amzn-ErrorType: UnknownOperationException");
	fake_clear(&r);
	world_free(&w);
}

TEST(router_s3_put_and_get)
{
	struct world w;
	struct http_req r;

	world_new(&w, false);
	fake_init(&r, "PUT", "/b/a%20b/../c?x-id=PutObject", VIEW("hello"));
	r.step = 2;
	fake_header(&r, "x-amz-meta-Colour", "red");
	sign(&r, "s3");
	assert_string_equal(go(&w, &r), "");
	assert_int_equal(r.status, 200);
	has(r.headers, "ETag: \"abc\"\nseen-colour: red\n");
	has(r.headers, "x-amz-id-2: ");
	fake_clear(&r);
	fake_init(&r, "GET", "/b/k", VIEW(""));
	sign(&r, "s3");
	assert_string_equal(go(&w, &r), "hello");
	assert_true(r.stream_ok && r.stream_len == 5);
	fake_clear(&r);
	fake_init(&r, "HEAD", "/b/k", VIEW(""));
	sign(&r, "s3");
	assert_string_equal(go(&w, &r), "");
	assert_int_equal(r.stream_len, 5);
	fake_clear(&r);
	world_free(&w);
}

TEST(router_s3_rows_by_path_selectors_and_host)
{
	static const struct {
		const char *method, *target, *host, *want;
	} t[] = {
		{ "GET", "/", "127.0.0.1:4566", "<ListBucketsResult xmlns=\"http://s3/doc/\"><Operation>ListBuckets</Operation></ListBucketsResult>" },
		{ "GET", "/b?prefix=p%2Fq&max-keys=7", "127.0.0.1:4566", "<ListObjectsResult xmlns=\"http://s3/doc/\"><Name>b</Name><Prefix>p/q</Prefix><MaxKeys>7</MaxKeys><Contents><Key>a</Key></Contents><Contents><Key>&lt;b&gt;</Key></Contents></ListObjectsResult>" },
		{ "GET", "/b/?list-type=2", "127.0.0.1:4566", "<ListObjectsV2Result" },
		{ "PUT", "/b", "127.0.0.1:4566", "CreateBucket" },
		{ "PUT", "/", "b.localhost:4566", "CreateBucket" },
		{ "GET", "/", "bu.cket.s3.ap-northeast-2.amazonaws.com", "<Name>bu.cket</Name>" },
		{ "GET", "/?list-type=2", "b.s3.localhost", "<Name>b</Name>" },
		{ "GET", "/", "s3.localhost", "ListBuckets" },
		{ "GET", "/", "localhost:4566", "ListBuckets" },
		{ "DELETE", "/b?replication", "127.0.0.1:4566", "<Code>NotImplemented</Code><Message>the query parameter 'replication' is not supported by DeleteBucket" },
		{ "GET", "/b?versioning", "127.0.0.1:4566", "the query parameter 'versioning' is not supported by ListObjects" },
		{ "POST", "/b?delete", "127.0.0.1:4566", "<Code>NotImplemented</Code><Message>the query parameter 'delete' is not supported with POST" },
		{ "POST", "/b", "127.0.0.1:4566", "<Code>MethodNotAllowed</Code>" },
		{ "GET", "/b?delimiter=x", "127.0.0.1:4566", "<Code>NotImplemented</Code><Message>the member 'delimiter' is not supported by mulgil" },
		{ "GET", "/b?max-keys=x", "127.0.0.1:4566", "<Code>InvalidArgument</Code>" },
		{ "GET", "/b?prefix=%ff", "127.0.0.1:4566", "<Code>InvalidArgument</Code>" },
		{ "PUT", "/b/%00", "127.0.0.1:4566", "<Code>InvalidURI</Code>" },
		{ "PUT", "/b/%ff", "127.0.0.1:4566", "<Code>InvalidURI</Code>" },
	};
	struct world w;

	world_new(&w, false);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const struct sign_key k = key_of("s3");
		struct sign_header *h;
		struct http_req r;
		struct err e = { 0 };
		size_t n;

		fake_init(&r, t[i].method, t[i].target, VIEW(""));
		const struct sign_what what = {
			.method = t[i].method,
			.host = t[i].host,
			.path = arena_str(&r.arena, http_path(&r)),
			.query = arena_str(&r.arena, http_query(&r)),
			.payload_hash = "UNSIGNED-PAYLOAD",
			.now_ms = NOW,
		};

		assert_int_equal(sign_request(&k, &what, &r.arena, &h, &n, &e), 0);
		for (size_t j = 0; j < n; j++)
			fake_header(&r, h[j].name, h[j].value);
		fake_header(&r, "host", t[i].host);
		has(go(&w, &r), t[i].want);
		fake_clear(&r);
	}
	world_free(&w);
}

TEST(router_s3_headers_nobody_honours_are_refused_by_name)
{
	static const struct {
		const char *name, *want;
	} t[] = {
		{ "x-amz-grant-read", "the member 'grantRead' is not supported by mulgil" },
		{ "x-amz-website-redirect-location", "the header 'x-amz-website-redirect-location' is not supported by PutObject" },
	};
	struct world w;

	world_new(&w, false);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct http_req r;

		fake_init(&r, "PUT", "/b/k", VIEW("x"));
		fake_header(&r, t[i].name, "x");
		sign(&r, "s3");
		has(go(&w, &r), t[i].want);
		assert_int_equal(r.status, 501);
		fake_clear(&r);
	}
	world_free(&w);
}

TEST(router_xml_body)
{
	static const struct {
		const char *body, *want;
	} t[] = {
		{ "<Doc xmlns='x'><Name>n</Name><Tags><Tag><Key>a</Key></Tag><Tag><Key>b</Key><Value>c</Value></Tag></Tags>"
		  "<Port>1</Port><Count>7</Count><Port>2</Port><Env><entry><key>k</key><value>v</value></entry></Env></Doc>", "" },
		{ "<Doc><Name>n</Name><Tags><Other/></Tags></Doc>", "<Code>MalformedXML</Code>" },
		{ "<Doc><Name>n</Name><Colour/></Doc>", "<Message>the member 'document.colour' is not known</Message>" },
		{ "<Doc><Tags/></Doc>", "Value null at 'document.name' failed" },
		{ "<Doc><Name>n</Name><Env><entry><key>k</key></entry></Env></Doc>", "null at 'document.env.k' can not be converted" },
		{ "<Doc><Name>n</Name><Env><entry><value>v</value></entry></Env></Doc>", "Value '' at 'document.env' failed" },
		{ "<Other/>", "<Code>MalformedXML</Code>" },
		{ "<Doc>", "<Code>MalformedXML</Code>" },
		{ "", "Value null at 'document' failed" },
	};
	struct world w;

	world_new(&w, false);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct http_req r;

		fake_init(&r, "PUT", "/b/k?tagging", view_str(t[i].body));
		sign(&r, "s3");
		has(go(&w, &r), t[i].want);
		assert_int_equal(r.status == 200, i == 0);
		if (i == 0) {
			assert_int_equal(sample_seen.tags.n, 2);
			assert_string_equal(((struct sample_tag *)sample_seen.tags.v)[1].value, "c");
			assert_int_equal(((int64_t *)sample_seen.ports.v)[1], 2);
			assert_int_equal(sample_seen.count.v, 7);
			assert_string_equal(sample_seen.env.v[0].key, "k");
		}
		fake_clear(&r);
	}
	world_free(&w);
}

TEST(router_checksum_beside_a_document_is_verified)
{
	static const struct {
		const char *header, *value, *want;
	} t[] = {
		{ "Content-MD5", NULL, "" },
		{ "Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww==", "<Code>BadDigest</Code>" },
		{ "Content-MD5", "nonsense", "<Code>InvalidDigest</Code>" },
		{ "x-amz-checksum-crc32", "AAAAAA==", "<Code>BadDigest</Code>" },
		{ "x-amz-checksum-sha256", "AAAAAA==", "<Code>InvalidDigest</Code>" },
		{ "x-amz-checksum-xxhash3", "AAAAAA==", "<Code>NotImplemented</Code>" },
	};
	static const char body[] = "<Doc><Name>n</Name></Doc>";
	struct world w;

	world_new(&w, false);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct http_req r;
		uint8_t md5[DIGEST_MAX];
		char right[25] = "";

		digest_once(DIGEST_MD5, VIEW(body), md5);
		base64_encode(right, md5, 16);
		fake_init(&r, "PUT", "/b/k?tagging", VIEW(body));
		fake_header(&r, t[i].header, i == 0 ? right : t[i].value);
		sign(&r, "s3");
		has(go(&w, &r), t[i].want);
		assert_int_equal(r.status == 200, i == 0);
		fake_clear(&r);
	}
	world_free(&w);
}

TEST(router_query_protocol)
{
	struct world w;
	struct http_req r;

	world_new(&w, false);
	fake_init(&r, "POST", "/", VIEW("Action=Echo&Version=2026-11-22&Name=a+b&Tags.Tag.1.Key=k&Tags.Tag.2.Key=l&On=true"));
	fake_header(&r, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	sign(&r, "sampleq");
	has(go(&w, &r), "<EchoResponse xmlns=\"https://sample/doc/\"><EchoResult><Name>a b</Name><Tags><Tag><Key>k</Key></Tag>"
	    "<Tag><Key>l</Key></Tag></Tags><On>true</On></EchoResult><ResponseMetadata><RequestId>");
	fake_clear(&r);
	fake_init(&r, "POST", "/", VIEW("Action=Echo&Version=2026-11-22&Colour=1"));
	fake_header(&r, "Content-Type", "application/x-www-form-urlencoded");
	sign(&r, "sampleq");
	has(go(&w, &r), "<Type>Sender</Type><Code>ValidationError</Code><Message>the member 'colour' is not known");
	fake_clear(&r);
	fake_init(&r, "POST", "/", VIEW("Action=Missing"));
	sign(&r, "sampleq");
	has(go(&w, &r), "<Code>InvalidAction</Code>");
	fake_clear(&r);
	world_free(&w);
}

/* A form is read before its operation is known; the digest that was signed counts all the same. */
TEST(router_query_body_is_the_one_that_was_signed)
{
	static const struct {
		const char *signed_body;
		int status;
	} t[] = { { "Action=Echo&Name=mine", 200 }, { "Action=Echo&Name=yours", 400 } };
	struct world w;

	world_new(&w, false);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct http_req r;
		char hex[65];

		sha256_hex(view_str(t[i].signed_body), hex);
		fake_init(&r, "POST", "/", VIEW("Action=Echo&Name=mine"));
		fake_header(&r, "Content-Type", "application/x-www-form-urlencoded");
		const struct sign_key k = key_of("sampleq");
		sign_with(&r, &k, hex);
		go(&w, &r);
		assert_int_equal(r.status, t[i].status);
		fake_clear(&r);
	}
	world_free(&w);
}

TEST(router_rest_json)
{
	struct world w;
	struct http_req r;

	world_new(&w, false);
	fake_init(&r, "POST", "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations", VIEW("{\"a\":1}"));
	fake_header(&r, "X-Amz-Invocation-Type", "Event");
	sign(&r, "lambda");
	assert_string_equal(go(&w, &r), "{\"a\":1}");
	assert_int_equal(r.status, 202);
	has(r.headers, "X-Amz-Mode: Event\nX-Amz-Function: arn:aws:lambda\n");
	fake_clear(&r);
	fake_init(&r, "PUT", "/2015-03-31/functions/f/configuration", VIEW("{\"Handler\":\"h\"}"));
	sign(&r, "lambda");
	assert_string_equal(go(&w, &r), "{\"FunctionName\":\"f\",\"Handler\":\"h\"}");
	fake_clear(&r);
	fake_init(&r, "PUT", "/2015-03-31/functions/f/configuration", VIEW("{\"Handler\":\"h\",\"FunctionName\":\"g\"}"));
	sign(&r, "lambda");
	has(go(&w, &r), "the member 'functionName' is not known");
	has(r.headers, "x-amzn-ErrorType: ValidationException");
	fake_clear(&r);
	world_free(&w);
}

TEST(router_changed_body_is_refused)
{
	struct world w;
	struct http_req r;

	world_new(&w, false);
	fake_init(&r, "PUT", "/b/k", VIEW("hello"));
	sign(&r, "s3");
	r.body = VIEW("hellO");
	has(go(&w, &r), "<Code>XAmzContentSHA256Mismatch</Code>");
	assert_int_equal(r.status, 400);
	fake_clear(&r);
	fake_init(&r, "POST", "/", VIEW("{\"Name\":\"a\"}"));
	fake_header(&r, "X-Amz-Target", "Sample_2026.Echo");
	sign(&r, "sample");
	r.body = VIEW("{\"Name\":\"b\"}");
	has(go(&w, &r), "XAmzContentSHA256Mismatch");
	fake_clear(&r);
	world_free(&w);
}

TEST(router_unsigned_payload_is_an_option)
{
	struct world w;
	struct http_req r;
	const struct sign_key k = key_of("s3");

	for (int refuse = 0; refuse < 2; refuse++) {
		world_new(&w, refuse);
		fake_init(&r, "PUT", "/b/k", VIEW("hello"));
		sign_with(&r, &k, "UNSIGNED-PAYLOAD");
		go(&w, &r);
		assert_int_equal(r.status, refuse ? 400 : 200);
		fake_clear(&r);
		fake_init(&r, "PUT", "/b/k", VIEW("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"));
		fake_header(&r, "x-amz-decoded-content-length", "5");
		fake_header(&r, "x-amz-trailer", "x-amz-checksum-crc32");
		r.chunked = true;
		sign_with(&r, &k, "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
		go(&w, &r);
		assert_int_equal(r.status, refuse ? 400 : 200);
		if (!refuse)
			has(r.headers, "x-amz-checksum-crc32: NhCmhg==");
		fake_clear(&r);
		world_free(&w);
	}
}

TEST(router_lanes)
{
	struct world w;
	struct http_req r;

	world_new(&w, false);
	fake_init(&r, "POST", "/", VIEW("{}"));
	fake_header(&r, "X-Amz-Target", "Sample_2026.Nothing");
	assert_int_equal(aws_lane(&r, w.aws), LANE_SLOW);
	r.in[0].value = "Sample_2026.Echo";
	assert_int_equal(aws_lane(&r, w.aws), LANE_FAST);
	r.body = view_of(r.body.p, 64 * 1024 + 1); /* only its length is looked at */
	assert_int_equal(aws_lane(&r, w.aws), LANE_BULK);
	fake_clear(&r);
	fake_init(&r, "GET", "/b/k", VIEW(""));
	assert_int_equal(aws_lane(&r, w.aws), LANE_SLOW);
	fake_clear(&r);
	fake_init(&r, "PUT", "/b/k", VIEW("x"));
	assert_int_equal(aws_lane(&r, w.aws), LANE_FAST);
	r.chunked = true;
	assert_int_equal(aws_lane(&r, w.aws), LANE_WAITING);
	fake_clear(&r);
	world_free(&w);
}
