/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: what is accepted, every reason to deny, and that no byte of a signed request can change. */
#include "unit.h"

#include <string.h>

#include "aws/gate.h"
#include "aws/sigv4.h"
#include "base/limits.h"
#include "os/crypto.h"

#define NOW INT64_C(1795380000000)
#define REGION "ap-northeast-2"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define HEADERS 12

struct request {
	struct gate_request q;
	struct arena a;
	char *name[HEADERS], *value[HEADERS];
	size_t n;
	struct view body;
	int bodies; /* times the body was asked for */
};

static bool header_at(const void *self, size_t i, struct view *name, struct view *value)
{
	const struct request *r = self;

	if (i >= r->n)
		return false;
	*name = view_str(r->name[i]);
	*value = view_str(r->value[i]);
	return true;
}

static int body_of(void *self, struct view *ret, struct err *e)
{
	struct request *r = self;

	(void)e;
	r->bodies++;
	*ret = r->body;
	return 0;
}

static void add(struct request *r, const char *name, const char *value)
{
	must(r->n < HEADERS);
	r->name[r->n] = arena_str(&r->a, view_str(name));
	r->value[r->n++] = arena_str(&r->a, view_str(value));
}

static char *find(struct request *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (view_eq_nocase(view_str(r->name[i]), view_str(name)))
			return r->value[i];
	return NULL;
}

static void drop(struct request *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (view_eq_nocase(view_str(r->name[i]), view_str(name)))
			r->name[i] = arena_str(&r->a, VIEW("x-dropped"));
}

static void begin(struct request *r, const char *method, const char *path, const char *query)
{
	memset(r, 0, sizeof(*r));
	arena_init(&r->a, LIMIT_ARENA);
	r->q = (struct gate_request){ .method = view_str(method), .path = view_str(path), .query = view_str(query),
				      .header_at = header_at, .body = body_of, .self = r };
}

static void sign_by(struct request *r, const struct sign_key *k, const char *hash, int64_t at)
{
	struct sign_header have[HEADERS], *h;
	size_t n;
	struct err e = { 0 };
	struct sign_what w = { .method = arena_str(&r->a, r->q.method), .host = "localhost:4566",
			       .path = arena_str(&r->a, r->q.path),
			       .query = r->q.query.p ? arena_str(&r->a, r->q.query) : NULL, .headers = have,
			       .n_headers = r->n, .payload_hash = hash, .now_ms = at };

	for (size_t i = 0; i < r->n; i++)
		have[i] = (struct sign_header){ r->name[i], r->value[i] };
	assert_int_equal(sign_request(k, &w, &r->a, &h, &n, &e), 0);
	for (size_t i = r->n; i < n; i++)
		add(r, h[i].name, h[i].value);
	add(r, "Host", "localhost:4566");
}

static const struct sign_key s3_key = { "AKIDEXAMPLE", SECRET, NULL, REGION, "s3" };
static const struct sign_key json_key = { "AKIDEXAMPLE", SECRET, NULL, REGION, "firehose" };

/* A PUT of an object, signed as S3 clients sign. */
static void simple(struct request *r)
{
	begin(r, "PUT", "/b/a%20%2Fk", "x-id=PutObject&b=%2B");
	add(r, "x-amz-meta-a", "one  two");
	sign_by(r, &s3_key, "UNSIGNED-PAYLOAD", NOW);
}

static struct credentials *keys(void)
{
	struct credentials *c = credentials_new("000000000000");

	credentials_add(c, "AKIDEXAMPLE", SECRET, NULL, 0, "arn:aws:iam::000000000000:root");
	credentials_add(c, "ASIAEXAMPLE", SECRET, "TOKEN/+=", NOW + 1000, "arn:aws:sts::000000000000:assumed-role/f");
	return c;
}

struct verdict {
	int rc;
	char code[64], message[1024];
	struct gate_result g;
};

static struct verdict judge(struct request *r, int64_t now)
{
	struct credentials *c = keys();
	const struct gate_policy p = { .region = REGION, .now_ms = now };
	struct verdict v = { 0 };
	struct err e = { 0 };

	v.rc = gate_verify(c, &r->q, &p, &r->a, &v.g, &e);
	if (v.rc) {
		assert_non_null(e.wire);
		assert_null(v.g.caller.arn);
		snprintf(v.code, sizeof(v.code), "%s", ((const struct aws_error *)e.wire)->code);
		snprintf(v.message, sizeof(v.message), "%s", e.msg);
	}
	credentials_free(c);
	return v;
}

static void denied(struct request *r, int64_t now, const char *code, const char *part)
{
	struct verdict v = judge(r, now);

	if (v.rc == 0)
		fail_msg("accepted, but wanted %s", code);
	assert_string_equal(v.code, code);
	if (part && !strstr(v.message, part))
		fail_msg("no '%s' in '%s'", part, v.message);
	arena_clear(&r->a);
}

TEST(gate_accepts_a_signed_request_and_says_who)
{
	struct request r;
	struct verdict v;

	simple(&r);
	v = judge(&r, NOW + 14 * 60 * 1000);
	assert_string_equal(v.message, "");
	assert_int_equal(v.rc, 0);
	assert_string_equal(v.g.caller.arn, "arn:aws:iam::000000000000:root");
	assert_string_equal(v.g.caller.access_key, "AKIDEXAMPLE");
	assert_true(v.g.mode == PAYLOAD_UNSIGNED && !v.g.presigned && view_eq_str(v.g.service, "s3"));
	assert_int_equal(r.bodies, 0);
	arena_clear(&r.a);
}

/* As boto3 signs calls of JSON services: the digest is signed and not sent. */
static void sign_without_digest(struct request *r, const char *service, struct view body)
{
	const char *scope = arena_printf(&r->a, "20261122/" REGION "/%s/aws4_request", service);
	struct sigv4_pair h[] = { { VIEW("host"), VIEW("localhost") }, { VIEW("x-amz-date"), VIEW("20261122T204000Z") } };
	char hex[65], sig[65];
	struct sigv4_request q = { .method = r->q.method, .path = r->q.path, .path_rule = SIGV4_PATH_NORMAL, .headers = h,
				   .n_headers = 2, .signed_headers = VIEW("host;x-amz-date") };
	struct view canonical;
	uint8_t key[32];

	sha256_hex(body, hex);
	q.payload_hash = view_str(hex);
	assert_true(sigv4_canonical(&r->a, &q, &canonical));
	sigv4_key(VIEW(SECRET), VIEW("20261122"), VIEW(REGION), view_str(service), key);
	sigv4_sign(key, sigv4_string_to_sign(&r->a, "20261122T204000Z", scope, canonical), sig);
	add(r, "host", "localhost");
	add(r, "x-amz-date", "20261122T204000Z");
	add(r, "authorization", arena_printf(&r->a, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%s, "
					     "SignedHeaders=host;x-amz-date, Signature=%s", scope, sig));
}

TEST(gate_asks_for_the_body_where_clients_do_not_send_its_digest)
{
	struct request r;
	struct verdict v;

	begin(&r, "POST", "/", NULL);
	sign_without_digest(&r, "firehose", VIEW("test"));
	r.body = VIEW("test");
	v = judge(&r, NOW);
	assert_string_equal(v.message, "");
	assert_true(v.rc == 0 && v.g.body_verified && r.bodies == 1);
	r.body = VIEW("tesT");
	denied(&r, NOW, "InvalidSignatureException", NULL);
	begin(&r, "PUT", "/b/k", NULL); /* S3 wants it sent */
	sign_without_digest(&r, "s3", VIEW("test"));
	r.body = VIEW("test");
	denied(&r, NOW, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
}

TEST(gate_denies_with_s3s_words)
{
	struct request r;

	begin(&r, "GET", "/b/k", NULL);
	add(&r, "Host", "localhost");
	denied(&r, NOW, "AccessDenied", "Access Denied");
	simple(&r);
	denied(&r, NOW + 16 * 60 * 1000, "RequestTimeTooSkewed", NULL);
	simple(&r);
	denied(&r, NOW - 16 * 60 * 1000, "RequestTimeTooSkewed", NULL);
	simple(&r);
	memcpy(strstr(find(&r, "authorization"), "AKID"), "BKID", 4);
	denied(&r, NOW, "InvalidAccessKeyId", NULL);
	simple(&r);
	find(&r, "x-amz-meta-a")[0] = 'O';
	denied(&r, NOW, "SignatureDoesNotMatch", NULL);
	simple(&r);
	add(&r, "x-amz-acl", "public-read");
	denied(&r, NOW, "AccessDenied", "headers present in the request which were not signed: x-amz-acl");
	simple(&r);
	add(&r, "Content-MD5", "x");
	denied(&r, NOW, "AccessDenied", "not signed: Content-MD5");
	simple(&r);
	add(&r, "x-amz-meta-a", "second");
	denied(&r, NOW, "SignatureDoesNotMatch", NULL);
	simple(&r);
	add(&r, "Host", "other");
	denied(&r, NOW, "InvalidArgument", "the header host is given more than once");
	simple(&r);
	add(&r, "Authorization", find(&r, "Authorization"));
	denied(&r, NOW, "InvalidArgument", "the header authorization is given more than once");
	simple(&r);
	drop(&r, "x-amz-meta-a");
	denied(&r, NOW, "SignatureDoesNotMatch", "is not in the request");
	simple(&r);
	drop(&r, "x-amz-content-sha256");
	denied(&r, NOW, "SignatureDoesNotMatch", "x-amz-content-sha256 is not in the request");
}

TEST(gate_refuses_signature_version_2_with_a_hint)
{
	struct request r;

	begin(&r, "PUT", "/b/k", "AWSAccessKeyId=AKIDEXAMPLE&Signature=vjby%3D&Expires=1795380000");
	add(&r, "Host", "localhost");
	denied(&r, NOW, "InvalidRequest", "Config(signature_version='s3v4')");
	begin(&r, "GET", "/b/k", NULL);
	add(&r, "Host", "localhost");
	add(&r, "Authorization", "AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=");
	denied(&r, NOW, "InvalidRequest", "AWS4-HMAC-SHA256");
}

TEST(gate_takes_one_kind_of_credentials_only)
{
	struct request r;

	begin(&r, "GET", "/b/k", "X-Amz-Signature=0&X-Amz-Algorithm=AWS4-HMAC-SHA256");
	sign_by(&r, &s3_key, "UNSIGNED-PAYLOAD", NOW);
	denied(&r, NOW, "InvalidArgument", "only one auth mechanism");
}

TEST(gate_denies_scopes_that_do_not_fit)
{
	static const struct {
		const char *region, *service, *code, *part;
	} t[] = {
		{ "us-east-1", "s3", "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'ap-northeast-2'" },
		{ "us-east-1", "firehose", "InvalidSignatureException", "Credential should be scoped to a valid region" },
		{ REGION, "firehose", NULL, NULL },
		{ "us-east-1", "sts", NULL, NULL },
		{ "us-west-2", "sts", "SignatureDoesNotMatch", NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const struct sign_key k = { "AKIDEXAMPLE", SECRET, NULL, t[i].region, t[i].service };
		struct request r;

		begin(&r, "POST", "/", NULL);
		r.body = VIEW("");
		sign_by(&r, &k, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", NOW);
		if (t[i].code) {
			denied(&r, NOW, t[i].code, t[i].part);
			continue;
		}
		assert_int_equal(judge(&r, NOW).rc, 0);
		arena_clear(&r.a);
	}
}

TEST(gate_denies_with_the_json_services_words)
{
	struct request r;

	begin(&r, "POST", "/", NULL);
	add(&r, "Host", "localhost");
	add(&r, "X-Amz-Target", "Firehose_20150804.PutRecord");
	denied(&r, NOW, "MissingAuthenticationTokenException", "Missing Authentication Token");
	begin(&r, "POST", "/", NULL);
	add(&r, "X-Amz-Target", "Firehose_20150804.PutRecord");
	sign_by(&r, &json_key, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", NOW);
	memcpy(strstr(find(&r, "authorization"), "AKID"), "BKID", 4);
	denied(&r, NOW, "UnrecognizedClientException", NULL);
	begin(&r, "POST", "/", NULL);
	add(&r, "X-Amz-Target", "Firehose_20150804.PutRecord");
	sign_by(&r, &json_key, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", NOW);
	find(&r, "x-amz-target")[0] = 'f';
	denied(&r, NOW, "InvalidSignatureException", NULL);
	begin(&r, "POST", "/", NULL);
	add(&r, "X-Amz-Target", "Firehose_20150804.PutRecord");
	sign_by(&r, &json_key, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", NOW);
	denied(&r, NOW + 16 * 60 * 1000, "InvalidSignatureException", "Signature expired");
	begin(&r, "POST", "/", NULL);
	add(&r, "Host", "localhost");
	add(&r, "X-Amz-Target", "Firehose_20150804.PutRecord");
	add(&r, "Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, SignedHeaders=host");
	denied(&r, NOW, "IncompleteSignatureException", NULL);
	begin(&r, "POST", "/", NULL);
	add(&r, "X-Amz-Target", "Firehose_20150804.PutRecord");
	sign_by(&r, &json_key, "UNSIGNED-PAYLOAD", NOW);
	denied(&r, NOW, "InvalidSignatureException", NULL);
}

TEST(gate_session_tokens)
{
	struct sign_key k = { "ASIAEXAMPLE", SECRET, "TOKEN/+=", REGION, "s3" };
	struct request r;

	begin(&r, "GET", "/b/k", NULL);
	sign_by(&r, &k, "UNSIGNED-PAYLOAD", NOW);
	assert_int_equal(judge(&r, NOW).rc, 0);
	denied(&r, NOW + 1000, "ExpiredToken", NULL);
	k.token = NULL;
	begin(&r, "GET", "/b/k", NULL);
	sign_by(&r, &k, "UNSIGNED-PAYLOAD", NOW);
	denied(&r, NOW, "InvalidToken", NULL);
	k.token = "OTHER";
	begin(&r, "GET", "/b/k", NULL);
	sign_by(&r, &k, "UNSIGNED-PAYLOAD", NOW);
	denied(&r, NOW, "InvalidToken", NULL);
	k.access_key = "AKIDEXAMPLE";
	begin(&r, "GET", "/b/k", NULL);
	sign_by(&r, &k, "UNSIGNED-PAYLOAD", NOW);
	denied(&r, NOW, "InvalidToken", NULL);
}

TEST(gate_credentials_can_be_removed_and_made_for_a_session)
{
	struct credentials *c = keys();
	struct session_key s;

	credentials_session(c, "arn:aws:iam::000000000000:role/f", 1000, &s);
	assert_memory_equal(s.access_key, "ASIA", 4);
	assert_int_equal(strlen(s.secret), 40);
	credentials_remove(c, s.access_key);
	credentials_remove(c, "AKIDUNKNOWN");
	credentials_free(c);
}

static void presigned(struct request *r, const char *query, const struct sign_header *h, size_t n)
{
	char *url, *q;
	const struct sign_what w = { .method = "PUT", .path = "/b/k", .query = query, .headers = h, .n_headers = n,
				     .expires_s = 60, .now_ms = NOW };

	begin(r, "PUT", "/b/k", NULL);
	url = sign_url(&s3_key, "http://localhost:4566", &w, &r->a);
	assert_non_null(url);
	q = strchr(url, '?');
	r->q.query = view_str(q + 1);
	add(r, "Host", "localhost:4566");
	for (size_t i = 0; i < n; i++)
		add(r, h[i].name, h[i].value);
}

TEST(gate_presigned_urls)
{
	const struct sign_header length = { "content-length", "5" };
	struct request r;
	struct verdict v;

	presigned(&r, "x-id=PutObject", &length, 1);
	v = judge(&r, NOW + 59000);
	assert_int_equal(v.rc, 0);
	assert_true(v.g.presigned && v.g.mode == PAYLOAD_UNSIGNED);
	find(&r, "content-length")[0] = '6';
	denied(&r, NOW, "SignatureDoesNotMatch", NULL);
	presigned(&r, NULL, NULL, 0);
	v = judge(&r, NOW + 61000);
	assert_string_equal(v.code, "AccessDenied");
	assert_string_equal(v.message, "Request has expired");
	assert_non_null(strstr(v.g.error_xml, "<X-Amz-Expires>60</X-Amz-Expires>"));
	denied(&r, NOW - 16 * 60 * 1000, "AccessDenied", "not valid yet");
	presigned(&r, NULL, NULL, 0);
	r.q.method = VIEW("GET");
	denied(&r, NOW, "SignatureDoesNotMatch", NULL);
	presigned(&r, NULL, NULL, 0);
	add(&r, "x-amz-acl", "public-read");
	denied(&r, NOW, "AccessDenied", "not signed");
	presigned(&r, "X-Amz-Date=20200101T000000Z", NULL, 0);
	denied(&r, NOW, "InvalidArgument", "given more than once");
	presigned(&r, "x-amz-acl=a", NULL, 0);
	add(&r, "x-amz-acl", "b");
	denied(&r, NOW, "InvalidArgument", "differ");
}

TEST(gate_presigned_urls_last_a_week_at_most)
{
	static const char *const expires[] = { "0", "604801", "-1", "x", "", "99999999999999999999" };

	for (size_t i = 0; i < sizeof(expires) / sizeof(expires[0]); i++) {
		struct request r;
		char *at;

		presigned(&r, NULL, NULL, 0);
		at = strstr(arena_str(&r.a, r.q.query), "X-Amz-Expires=60&");
		r.q.query = view_str(arena_printf(&r.a, "%.*sX-Amz-Expires=%s&%s",
						  (int)view_find(r.q.query, VIEW("X-Amz-Expires")), r.q.query.p,
						  expires[i], at + strlen("X-Amz-Expires=60&")));
		denied(&r, NOW, "AuthorizationQueryParametersError", "X-Amz-Expires");
	}
}

TEST(gate_denies_streaming_modes_of_presigned_urls)
{
	static const char *const modes[] = { "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" };

	for (size_t i = 0; i < 2; i++) {
		const struct sign_header h = { "x-amz-content-sha256", modes[i] };
		struct request r;

		presigned(&r, NULL, &h, 1);
		denied(&r, NOW, "InvalidRequest", "is not allowed here");
	}
}

TEST(gate_denies_unknown_payload_modes)
{
	static const char *const modes[] = { "", "unsigned-payload", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "abc",
					     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85g" };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct request r;

		begin(&r, "PUT", "/b/k", NULL);
		sign_by(&r, &s3_key, modes[i], NOW);
		denied(&r, NOW, "InvalidRequest", "x-amz-content-sha256");
	}
}

TEST(gate_denies_malformed_authorization)
{
	static const char *const bad[] = {
		"", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA1 Credential=a", "Basic eDp5", "Bearer x",
		"AWS4-HMAC-SHA256 Credential=A/20261122/ap-northeast-2/s3/aws4_request,SignedHeaders=host",
		"AWS4-HMAC-SHA256 Credential=A/20261122/ap-northeast-2/s3/aws4_request,SignedHeaders=host,Signature=",
		"AWS4-HMAC-SHA256 Credential=A/20261122/ap-northeast-2/s3/aws4_reques,SignedHeaders=host,Signature=0",
		"AWS4-HMAC-SHA256 Credential=A/2026112/ap-northeast-2/s3/aws4_request,SignedHeaders=host,Signature=0",
		"AWS4-HMAC-SHA256 Credential=A/20261122//s3/aws4_request,SignedHeaders=host,Signature=0",
		"AWS4-HMAC-SHA256 Credential=/20261122/ap-northeast-2/s3/aws4_request,SignedHeaders=host,Signature=0",
		"AWS4-HMAC-SHA256 Credential=A/B/20261122/ap-northeast-2/s3/aws4_request,SignedHeaders=host,Signature=0",
		"AWS4-HMAC-SHA256 Credential=A/20261122/ap-northeast-2/s3/aws4_request,SignedHeaders=Host,Signature=0",
		"AWS4-HMAC-SHA256 Credential=A/20261122/ap-northeast-2/s3/aws4_request,SignedHeaders=x-amz-date;host,Signature=0",
		"AWS4-HMAC-SHA256 Credential=A/20261122/ap-northeast-2/s3/aws4_request,SignedHeaders=host;host,Signature=0",
		"AWS4-HMAC-SHA256 Credential=A/20261122/ap-northeast-2/s3/aws4_request,SignedHeaders=,Signature=0",
		"AWS4-HMAC-SHA256 Credential=A/20261122/ap-northeast-2/s3/aws4_request,Signature=0,Signature=0",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct request r;
		struct verdict v;

		begin(&r, "GET", "/b/k", NULL);
		add(&r, "Host", "localhost");
		add(&r, "x-amz-date", "20261122T204000Z");
		add(&r, "Authorization", bad[i]);
		v = judge(&r, NOW);
		assert_int_equal(v.rc, ERR_DENIED);
		arena_clear(&r.a);
	}
}

/* --- no byte may change --- */
static void flip_text(struct request *r, char *text, size_t n, unsigned *count)
{
	for (size_t i = 0; i < n; i++) {
		text[i] ^= 1;
		if (judge(r, NOW).rc == 0)
			fail_msg("accepted with byte %zu changed: %.*s", i, (int)n, text);
		text[i] ^= 1;
		++*count;
	}
}

static void flip_all(struct request *r)
{
	unsigned count = 0;
	struct view *parts[] = { &r->q.method, &r->q.path, &r->q.query };

	assert_int_equal(judge(r, NOW).rc, 0);
	for (size_t i = 0; i < 3; i++) {
		char *copy = arena_str(&r->a, *parts[i]);

		parts[i]->p = parts[i]->p ? copy : NULL;
		flip_text(r, copy, parts[i]->n, &count);
	}
	for (size_t i = 0; i < r->n; i++)
		flip_text(r, r->value[i], strlen(r->value[i]), &count);
	assert_true(count > 200);
	arena_clear(&r->a);
}

TEST(gate_denies_every_request_with_one_changed_byte)
{
	const struct sign_header length = { "content-length", "5" };
	struct request r;

	simple(&r);
	flip_all(&r);
	presigned(&r, "x-id=PutObject", &length, 1);
	flip_all(&r);
	begin(&r, "POST", "/", NULL);
	add(&r, "X-Amz-Target", "Firehose_20150804.PutRecord");
	add(&r, "Content-Type", "application/x-amz-json-1.1");
	sign_by(&r, &json_key, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", NOW);
	flip_all(&r);
}
