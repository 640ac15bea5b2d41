/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: aws-chunked in its three forms (AWS's documented examples), digests, and everything malformed. */
#include "unit.h"

#include <string.h>

#include "aws/aws_int.h"
#include "base/base64.h"
#include "os/crypto.h"

/* "Signature calculations for the Authorization header": the example's key, date and scope. */
#define DOC_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define DOC_SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define DOC_1 "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
#define DOC_2 "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
#define DOC_3 "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
#define TRAILER_SEED "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
#define TRAILER_1 "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"
#define TRAILER_2 "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"
#define TRAILER_3 "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"
#define TRAILER_SIG "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"

struct wire {
	struct view v;
	size_t at, step;
};

static ssize_t wire_read(void *self, void *p, size_t n, struct err *e)
{
	struct wire *w = self;
	struct view v = view_sub(w->v, w->at, w->step && n > w->step ? w->step : n);

	(void)e;
	if (v.n)
		memcpy(p, v.p, v.n);
	w->at += v.n;
	return (ssize_t)v.n;
}

struct answer {
	ssize_t last; /* 0: whole and verified */
	size_t n;
	char code[64];
	struct view bytes, crc;
};

static struct answer read_all(struct arena *a, const struct gate_result *g, struct view text, size_t step,
			      int64_t decoded, const char *trailers)
{
	struct wire w = { text, 0, step };
	const struct body_source src = { wire_read, &w, (int64_t)text.n };
	struct op_body *b = NULL;
	struct answer r = { 0 };
	struct err e = { 0 };
	char *out = arena_alloc(a, text.n + 1);

	r.last = aws__body_new(g, &src, decoded, view_str(trailers), a, &b, &e);
	while (r.last == 0 && (r.last = op_body_read(b, out + r.n, text.n + 1 - r.n, &e)) > 0) {
		r.n += (size_t)r.last;
		r.last = 0;
	}
	if (r.last == 0) {
		assert_true(aws__body_done(b));
		r.crc = op_body_trailer(b, "X-Amz-Checksum-Crc32c");
	} else {
		struct err again = { 0 };

		assert_non_null(e.wire);
		snprintf(r.code, sizeof(r.code), "%s", ((const struct aws_error *)e.wire)->code);
		if (b) {
			assert_int_equal(op_body_read(b, out, 1, &again), r.last);
			assert_false(aws__body_done(b));
		}
	}
	aws__body_end(b);
	r.bytes = view_of(out, r.n);
	return r;
}

static struct gate_result doc(enum payload_mode m, const char *seed)
{
	struct gate_result g = { .mode = m, .scope = "20130524/us-east-1/s3/aws4_request",
				 .amz_date = "20130524T000000Z" };

	memcpy(g.seed_signature, seed, 65);
	sigv4_key(VIEW(DOC_SECRET), VIEW("20130524"), VIEW("us-east-1"), VIEW("s3"), g.signing_key);
	return g;
}

/* 64 KiB and 1 KiB of 'a', as in the example. */
static struct view doc_body(struct arena *a, const char *s1, const char *s2, const char *s3, const char *trailer)
{
	char *p = ARENA_ARRAY(a, char, 65536 + 1);
	char *text;

	memset(p, 'a', 65536);
	text = arena_printf(a, "10000;chunk-signature=%s\r\n%s\r\n400;chunk-signature=%s\r\n%.1024s\r\n"
			    "0;chunk-signature=%s\r\n%s\r\n", s1, p, s2, p, s3, trailer);
	return view_str(text);
}

TEST(chunked_signed_as_in_awss_example)
{
	static const size_t steps[] = { 0, 1, 7, 4096 };
	struct gate_result g = doc(PAYLOAD_CHUNKED_SIGNED, DOC_SEED);

	for (size_t i = 0; i < 4; i++) {
		struct arena a;
		struct answer r;

		arena_init(&a, LIMIT_ARENA);
		r = read_all(&a, &g, doc_body(&a, DOC_1, DOC_2, DOC_3, ""), steps[i], 66560, NULL);
		assert_string_equal(r.code, "");
		assert_int_equal(r.n, 66560);
		arena_clear(&a);
	}
}

TEST(chunked_signed_trailer_as_in_awss_example)
{
	struct gate_result g = doc(PAYLOAD_CHUNKED_SIGNED_TRAILER, TRAILER_SEED);
	struct arena a;
	struct answer r;

	arena_init(&a, LIMIT_ARENA);
	r = read_all(&a, &g, doc_body(&a, TRAILER_1, TRAILER_2, TRAILER_3,
				      "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" TRAILER_SIG "\r\n"),
		     0, 66560, "x-amz-checksum-crc32c");
	assert_string_equal(r.code, "");
	assert_int_equal(r.n, 66560);
	assert_true(view_eq_str(r.crc, "sOO8/Q=="));
	r = read_all(&a, &g, doc_body(&a, TRAILER_1, TRAILER_2, TRAILER_3,
				      "x-amz-checksum-crc32c:sOO8/R==\r\nx-amz-trailer-signature:" TRAILER_SIG "\r\n"),
		     0, 66560, "x-amz-checksum-crc32c");
	assert_string_equal(r.code, "SignatureDoesNotMatch");
	r = read_all(&a, &g, doc_body(&a, TRAILER_1, TRAILER_2, TRAILER_3, "x-amz-checksum-crc32c:sOO8/Q==\r\n"), 0, 66560,
		     "x-amz-checksum-crc32c");
	assert_string_equal(r.code, "SignatureDoesNotMatch");
	arena_clear(&a);
}

TEST(chunked_signed_notices_every_change)
{
	struct gate_result g = doc(PAYLOAD_CHUNKED_SIGNED, DOC_SEED);
	struct arena a;
	struct view body;
	char *p;
	static const size_t places[] = { 0, 4, 30, 90, 500, 65000, 65700, 66700, 66800 };

	arena_init(&a, LIMIT_ARENA);
	body = doc_body(&a, DOC_1, DOC_2, DOC_3, "");
	p = arena_str(&a, body);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		p[places[i]] ^= 1;
		if (read_all(&a, &g, view_of(p, body.n), 0, 66560, NULL).last == 0)
			fail_msg("accepted with byte %zu changed", places[i]);
		p[places[i]] ^= 1;
	}
	for (size_t cut = 1; cut < body.n; cut += 997) /* the last chunk has to be there */
		assert_int_not_equal(read_all(&a, &g, view_of(p, body.n - cut), 0, 66560, NULL).last, 0);
	assert_string_equal(read_all(&a, &g, body, 0, 66559, NULL).code, "IncompleteBody");
	assert_string_equal(read_all(&a, &g, body, 0, 66561, NULL).code, "IncompleteBody");
	arena_clear(&a);
}

static const struct {
	const char *text;
	int decoded;
	const char *trailers, *code;
} unsigned_bodies[] = {
	{ "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n", 5, "x-amz-checksum-crc32c", "" },
	{ "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 5, NULL, "" },
	{ "00000005\r\nhello\r\n0\r\n\r\n", 5, NULL, "" },
	{ "0\r\n\r\n", 0, NULL, "" },
	{ "5\r\nhello\r\n0\r\n\r\n", -1, NULL, "MissingContentLength" },
	{ "5\r\nhello\r\n0\r\n\r\n", 4, NULL, "IncompleteBody" },
	{ "5\r\nhello\r\n0\r\n\r\n", 6, NULL, "IncompleteBody" },
	{ "5\r\nhello\r\n0\r\n", 5, NULL, "IncompleteBody" },
	{ "5\r\nhello\r\n", 5, NULL, "IncompleteBody" },
	{ "5\r\nhel", 5, NULL, "IncompleteBody" },
	{ "", 0, NULL, "IncompleteBody" },
	{ "5\r\nhelloo\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "5\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "+5\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "-5\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "0x5\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ " 5\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "000000005\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "ffffffff\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "1000001\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "5;chunk-signature=00\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "5;x=y\r\nhello\r\n0\r\n\r\n", 5, NULL, "InvalidChunkSizeError" },
	{ "5\r\nhello\r\n0\r\n\r\nmore", 5, NULL, "InvalidChunkSizeError" },
	{ "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:a\r\n\r\n", 5, "x-amz-checksum-crc32c", "MalformedTrailerError" },
	{ "5\r\nhello\r\n0\r\n\r\n", 5, "x-amz-checksum-crc32c", "MalformedTrailerError" },
	{ "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:a\r\nx-amz-checksum-crc32c:b\r\n\r\n", 5, "x-amz-checksum-crc32c", "MalformedTrailerError" },
	{ "5\r\nhello\r\n0\r\nnonsense\r\n\r\n", 5, NULL, "MalformedTrailerError" },
	{ "5\r\nhello\r\n0\r\n\r\n", 5, "content-length", "InvalidRequest" },
};

TEST(chunked_unsigned_trailer)
{
	struct gate_result g = { .mode = PAYLOAD_CHUNKED_UNSIGNED_TRAILER };

	for (size_t i = 0; i < sizeof(unsigned_bodies) / sizeof(unsigned_bodies[0]); i++) {
		for (size_t step = 0; step < 3; step++) {
			struct arena a;
			struct answer r;

			arena_init(&a, LIMIT_ARENA);
			r = read_all(&a, &g, view_str(unsigned_bodies[i].text), step, unsigned_bodies[i].decoded,
				     unsigned_bodies[i].trailers);
			if (strcmp(r.code, unsigned_bodies[i].code) != 0)
				fail_msg("%s: '%s'", unsigned_bodies[i].text, r.code);
			if (!r.code[0] && r.n)
				assert_memory_equal(r.bytes.p, "hello", 5);
			arena_clear(&a);
		}
	}
}

TEST(chunked_signed_needs_signatures_and_takes_no_trailer)
{
	struct gate_result g = doc(PAYLOAD_CHUNKED_SIGNED, DOC_SEED);
	struct arena a;

	arena_init(&a, LIMIT_ARENA);
	assert_string_equal(read_all(&a, &g, VIEW("5\r\nhello\r\n0\r\n\r\n"), 0, 5, NULL).code, "InvalidChunkSizeError");
	assert_string_equal(read_all(&a, &g, doc_body(&a, DOC_1, DOC_2, DOC_3, "x-amz-checksum-crc32c:a\r\n"), 0, 66560,
				     NULL).code, "MalformedTrailerError");
	assert_string_equal(read_all(&a, &g, VIEW(""), 0, 0, "x-amz-checksum-crc32c").code, "InvalidRequest");
	arena_clear(&a);
}

TEST(body_digest_is_compared_at_the_end)
{
	struct gate_result g = { .mode = PAYLOAD_SHA256 };
	struct arena a;
	uint8_t sum[DIGEST_MAX];

	arena_init(&a, LIMIT_ARENA);
	digest_once(DIGEST_SHA256, VIEW("hello"), sum);
	memcpy(g.payload_sha256, sum, 32);
	assert_int_equal(read_all(&a, &g, VIEW("hello"), 2, -1, NULL).last, 0);
	assert_string_equal(read_all(&a, &g, VIEW("hellO"), 2, -1, NULL).code, "XAmzContentSHA256Mismatch");
	assert_string_equal(read_all(&a, &g, VIEW("hell"), 0, -1, NULL).code, "XAmzContentSHA256Mismatch");
	assert_string_equal(read_all(&a, &g, VIEW(""), 0, -1, NULL).code, "XAmzContentSHA256Mismatch");
	arena_clear(&a);
}

TEST(body_as_a_whole_of_known_and_unknown_length)
{
	static const struct {
		int64_t length;
		size_t max;
		const char *code; /* NULL: read */
	} t[] = {
		{ 5, 5, NULL }, { -1, 5, NULL }, { -1, 4, "EntityTooLarge" }, { 5, 4, "EntityTooLarge" },
		{ 6, 10, "IncompleteBody" }, { 4, 10, "IncompleteBody" },
	};
	const struct gate_result g = { .mode = PAYLOAD_UNSIGNED };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct wire w = { VIEW("hello"), 0, 2 };
		const struct body_source src = { wire_read, &w, t[i].length };
		struct op_body *b = NULL;
		struct view all = VIEW_NONE;
		struct arena a;
		struct err e = { 0 };
		int rc;

		arena_init(&a, LIMIT_ARENA);
		assert_int_equal(aws__body_new(&g, &src, -1, VIEW_NONE, &a, &b, &e), 0);
		rc = aws__body_all(b, t[i].max, &a, &all, &e);
		assert_int_equal(rc == 0, t[i].code == NULL);
		if (rc == 0)
			assert_true(view_eq_str(all, "hello"));
		else
			assert_string_equal(((const struct aws_error *)e.wire)->code, t[i].code);
		aws__body_end(b);
		arena_clear(&a);
	}
}
