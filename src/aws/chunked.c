/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies: aws-chunked framing undone, digests and chunk signatures checked on the way.
 *
 * Source: AWS "Signature calculations for the Authorization header: transferring payload in multiple chunks",
 * and the same with trailing headers.  Bytes are handed on before their chunk's signature is known, so a
 * reader commits nothing before op_body_read() has returned 0.
 */
#include <ctype.h>
#include <stdio.h>

#include "aws/aws_int.h"
#include "base/base64.h"
#include "os/crypto.h"

#define RAW_SIZE 16384
#define LINE_MAX_BYTES 1024
#define CHUNK_MAX (16 * MIB)
#define TRAILERS_MAX 4
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct aws_error S3_SIGNATURE = { "SignatureDoesNotMatch", 403, false };
static const struct aws_error S3_SHA256 = { "XAmzContentSHA256Mismatch", 400, false };
static const struct aws_error S3_INCOMPLETE = { "IncompleteBody", 400, false };
static const struct aws_error S3_CHUNK = { "InvalidChunkSizeError", 400, false };
static const struct aws_error S3_TRAILER = { "MalformedTrailerError", 400, false };
static const struct aws_error S3_NO_LENGTH = { "MissingContentLength", 411, false };
static const struct aws_error S3_REQUEST = { "InvalidRequest", 400, false };
static const struct aws_error S3_ENTITY = { "EntityTooLarge", 400, false };

enum state { AT_CHUNK, IN_CHUNK, AT_TRAILER, ENDED };

struct op_body {
	struct gate_result g;
	struct body_source src;
	struct arena *a;
	bool chunked, signed_chunks, trailer_mode;
	int64_t decoded, got; /* expected and handed out; expected -1: unknown */
	enum state state;
	struct digest *sha; /* of the body, or of the current chunk */
	char previous[65], claimed[65];
	size_t chunk_left;
	bool last_chunk;
	char *raw; /* RAW_SIZE bytes, if it is chunked */
	size_t raw_at, raw_n;
	struct op_pair trailers[TRAILERS_MAX]; /* value NULL until it came */
	size_t n_trailers;
	struct err failure; /* repeated on every later read */
};

static int trailers_declared(struct op_body *b, struct view names, struct err *e)
{
	struct view one;

	while (names.n && view_split(&names, ',', &one)) {
		one = view_trim(one);
		if (!view_starts(one, VIEW("x-amz-checksum-")) || b->n_trailers == TRAILERS_MAX)
			return aws_fail(e, &S3_REQUEST, "the value specified in the x-amz-trailer header is not supported: %.*s",
					VIEW_ARG(one));
		b->trailers[b->n_trailers++].key = arena_str(b->a, one);
	}
	return 0;
}

static int mode_flags(struct op_body *b, struct err *e)
{
	switch (b->g.mode) {
	case PAYLOAD_SHA256:
	case PAYLOAD_UNSIGNED:
		return 0;
	case PAYLOAD_CHUNKED_SIGNED:
		b->chunked = b->signed_chunks = true;
		return 0;
	case PAYLOAD_CHUNKED_SIGNED_TRAILER:
		b->chunked = b->signed_chunks = b->trailer_mode = true;
		return 0;
	case PAYLOAD_CHUNKED_UNSIGNED_TRAILER:
		b->chunked = b->trailer_mode = true;
		return 0;
	default:
		return aws_fail(e, &S3_REQUEST, "the payload mode is not supported");
	}
}

int aws__body_new(const struct gate_result *g, const struct body_source *s, int64_t decoded, struct view trailers,
		  struct arena *a, struct op_body **ret, struct err *e)
{
	struct op_body *b = ARENA_NEW(a, struct op_body);
	int rc;

	b->g = *g;
	b->src = *s;
	b->a = a;
	rc = mode_flags(b, e);
	if (rc == 0 && b->chunked && decoded < 0)
		rc = aws_fail(e, &S3_NO_LENGTH, "you must provide the x-amz-decoded-content-length header");
	if (rc == 0)
		rc = trailers_declared(b, trailers, e);
	if (rc == 0 && b->n_trailers && !b->trailer_mode)
		rc = aws_fail(e, &S3_REQUEST, "x-amz-trailer needs a STREAMING-...-TRAILER x-amz-content-sha256");
	if (rc < 0)
		return rc;
	b->raw = b->chunked ? arena_alloc(a, RAW_SIZE) : NULL;
	b->decoded = b->chunked ? decoded : s->length;
	memcpy(b->previous, g->seed_signature, sizeof(b->previous));
	if (g->mode == PAYLOAD_SHA256 && !g->body_verified)
		b->sha = digest_new(DIGEST_SHA256);
	*ret = b;
	return 0;
}

void aws__body_end(struct op_body *b)
{
	if (b)
		b->sha = digest_free(b->sha);
}

bool aws__body_done(const struct op_body *b)
{
	return b->state == ENDED && !b->failure.code;
}

/* 1: there are bytes, 0: the source has ended. */
static int fill(struct op_body *b, struct err *e)
{
	ssize_t n;

	if (b->raw_at < b->raw_n)
		return 1;
	n = b->src.read(b->src.self, b->raw, RAW_SIZE, e);
	if (n < 0)
		return e->code ? e->code : err_set(e, ERR_IO, "the request's body could not be read");
	b->raw_at = 0;
	b->raw_n = (size_t)n;
	return n > 0;
}

/* One line without its CRLF, in the arena-free buffer @line. */
static int get_line(struct op_body *b, char line[LINE_MAX_BYTES], struct view *ret, struct err *e)
{
	size_t n = 0;

	for (;;) {
		int rc = fill(b, e);
		char c;

		if (rc < 0)
			return rc;
		if (rc == 0)
			return aws_fail(e, &S3_INCOMPLETE, "the request body terminated unexpectedly");
		c = b->raw[b->raw_at++];
		if (c == '\n' && n > 0 && line[n - 1] == '\r')
			break;
		if (n == LINE_MAX_BYTES - 1 || c == '\0' || c == '\n')
			return aws_fail(e, &S3_CHUNK, "a line of the chunked body is malformed");
		line[n++] = c;
	}
	*ret = view_of(line, n - 1);
	return 0;
}

static bool hex_size(struct view s, size_t *ret)
{
	size_t v = 0;

	if (s.n == 0 || s.n > 8)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int c = tolower((unsigned char)s.p[i]);

		if (!isxdigit(c))
			return false;
		v = v * 16 + (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = v;
	return v <= CHUNK_MAX;
}

static bool is_signature(struct view s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isxdigit((unsigned char)s.p[i]) || isupper((unsigned char)s.p[i]))
			return false;
	return s.n == 64;
}

static int chunk_begin(struct op_body *b, struct err *e)
{
	static const struct view ext = { ";chunk-signature=", 17 };
	char line[LINE_MAX_BYTES];
	struct view v = VIEW_NONE, size, sig = VIEW_NONE;
	ptrdiff_t at;
	int rc = get_line(b, line, &v, e);

	if (rc < 0)
		return rc;
	at = view_chr(v, ';');
	size = at < 0 ? v : view_sub(v, 0, (size_t)at);
	if (at >= 0 && view_starts(view_from(v, (size_t)at), ext))
		sig = view_from(v, (size_t)at + ext.n);
	if (!hex_size(size, &b->chunk_left) || (at >= 0) != b->signed_chunks ||
	    (b->signed_chunks && !is_signature(sig)))
		return aws_fail(e, &S3_CHUNK, "a chunk's head is malformed");
	if (b->signed_chunks) {
		must(sig.p);
		memcpy(b->claimed, sig.p, 64);
		b->sha = digest_new(DIGEST_SHA256);
	}
	b->last_chunk = b->chunk_left == 0;
	b->state = IN_CHUNK;
	return 0;
}

/* Compares the signature of @string with @claimed and makes it the previous one. */
static int check_signature(struct op_body *b, const char *kind, const char *hashes, const char *claimed, struct err *e)
{
	uint8_t mac[32];
	char text[65] = { 0 };
	char string[512]; /* not the arena: a long body has many chunks */
	int n = snprintf(string, sizeof(string), "%s\n%s\n%s\n%s\n%s", kind, b->g.amz_date, b->g.scope, b->previous,
			 hashes);

	must(n > 0 && (size_t)n < sizeof(string));
	hmac_sha256(view_of(b->g.signing_key, 32), view_of(string, (size_t)n), mac);
	hex_encode(text, mac, 32);
	if (!crypto_equal(text, claimed, 64))
		return aws_fail(e, &S3_SIGNATURE, "the signature of a chunk of the body does not match");
	memcpy(b->previous, text, sizeof(text));
	return 0;
}

static int chunk_end(struct op_body *b, struct err *e)
{
	char line[LINE_MAX_BYTES], hashes[sizeof(EMPTY_SHA256) + 66] = EMPTY_SHA256 "\n";
	uint8_t sum[DIGEST_MAX];
	struct view v = VIEW_NONE;
	int rc;

	if (b->signed_chunks) {
		digest_end(b->sha, sum);
		b->sha = NULL;
		hex_encode(hashes + 65, sum, 32);
		rc = check_signature(b, "AWS4-HMAC-SHA256-PAYLOAD", hashes, b->claimed, e);
		if (rc < 0)
			return rc;
	}
	if (b->last_chunk) {
		b->state = AT_TRAILER;
		return 0;
	}
	rc = get_line(b, line, &v, e);
	if (rc == 0 && v.n)
		rc = aws_fail(e, &S3_CHUNK, "a chunk is longer than its head says");
	b->state = AT_CHUNK;
	return rc;
}

static int trailer_take(struct op_body *b, struct view name, struct view value, struct buf *canonical, struct err *e)
{
	for (size_t i = 0; i < b->n_trailers; i++) {
		if (!view_eq_nocase(name, view_str(b->trailers[i].key)) || b->trailers[i].value)
			continue;
		b->trailers[i].value = arena_str(b->a, value);
		buf_printf(canonical, "%s:%s\n", b->trailers[i].key, b->trailers[i].value);
		return 0;
	}
	return aws_fail(e, &S3_TRAILER, "the trailer %.*s was not announced in x-amz-trailer", VIEW_ARG(name));
}

static int trailer_lines(struct op_body *b, struct buf *canonical, char signature[65], struct err *e)
{
	for (size_t i = 0; i <= TRAILERS_MAX + 1; i++) {
		char line[LINE_MAX_BYTES];
		struct view v = VIEW_NONE, name, value;
		ptrdiff_t colon;
		int rc = get_line(b, line, &v, e);

		if (rc < 0 || v.n == 0)
			return rc;
		colon = view_chr(v, ':');
		if (colon <= 0 || !b->trailer_mode)
			break;
		name = view_sub(v, 0, (size_t)colon);
		value = view_trim(view_from(v, (size_t)colon + 1));
		if (!b->signed_chunks || !view_eq_nocase(name, VIEW("x-amz-trailer-signature")))
			rc = trailer_take(b, name, value, canonical, e);
		else if (is_signature(value) && !signature[0])
			memcpy(signature, value.p, 64);
		else
			break;
		if (rc < 0)
			return rc;
	}
	return aws_fail(e, &S3_TRAILER, "the trailer of the chunked body is malformed");
}

static int trailer(struct op_body *b, struct err *e)
{
	char signature[65] = { 0 }, sum[65];
	struct buf canonical;
	int rc;

	buf_init(&canonical, (TRAILERS_MAX + 1) * LINE_MAX_BYTES);
	rc = trailer_lines(b, &canonical, signature, e);
	sha256_hex(buf_view(&canonical), sum);
	buf_clear(&canonical);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < b->n_trailers; i++)
		if (!b->trailers[i].value)
			return aws_fail(e, &S3_TRAILER, "the trailer %s announced in x-amz-trailer is missing",
					b->trailers[i].key);
	if (b->g.mode == PAYLOAD_CHUNKED_SIGNED_TRAILER)
		rc = check_signature(b, "AWS4-HMAC-SHA256-TRAILER", sum, signature, e);
	if (rc == 0 && b->got != b->decoded)
		rc = aws_fail(e, &S3_INCOMPLETE, "the body's length is not x-amz-decoded-content-length");
	if (rc == 0)
		rc = fill(b, e);
	if (rc > 0)
		rc = aws_fail(e, &S3_CHUNK, "there are bytes behind the last chunk");
	b->state = ENDED;
	return rc;
}

static ssize_t read_piece(struct op_body *b, void *p, size_t n, struct err *e)
{
	int rc = fill(b, e);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return aws_fail(e, &S3_INCOMPLETE, "the request body terminated unexpectedly");
	if (n > b->raw_n - b->raw_at)
		n = b->raw_n - b->raw_at;
	if (n > b->chunk_left)
		n = b->chunk_left;
	memcpy(p, b->raw + b->raw_at, n);
	b->raw_at += n;
	b->chunk_left -= n;
	b->got += (int64_t)n;
	if (b->sha)
		digest_add(b->sha, p, n);
	if (b->got > b->decoded)
		return aws_fail(e, &S3_INCOMPLETE, "the body is longer than x-amz-decoded-content-length");
	return (ssize_t)n;
}

static ssize_t read_chunked(struct op_body *b, void *p, size_t n, struct err *e)
{
	while (b->state != ENDED) {
		int rc;

		if (b->state == IN_CHUNK && b->chunk_left)
			return read_piece(b, p, n, e);
		if (b->state == AT_CHUNK)
			rc = chunk_begin(b, e);
		else
			rc = b->state == IN_CHUNK ? chunk_end(b, e) : trailer(b, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int end_plain(struct op_body *b, struct err *e)
{
	uint8_t sum[DIGEST_MAX];

	b->state = ENDED;
	if (b->decoded >= 0 && b->got != b->decoded)
		return aws_fail(e, &S3_INCOMPLETE,
				"you did not provide the number of bytes specified by the Content-Length HTTP header");
	if (!b->sha)
		return 0;
	digest_end(b->sha, sum);
	b->sha = NULL;
	if (!crypto_equal(sum, b->g.payload_sha256, 32))
		return aws_fail(e, &S3_SHA256,
				"the provided 'x-amz-content-sha256' header does not match what was computed");
	return 0;
}

static ssize_t read_plain(struct op_body *b, void *p, size_t n, struct err *e)
{
	ssize_t got;

	if (b->state == ENDED)
		return 0;
	got = b->src.read(b->src.self, p, n, e);
	if (got < 0)
		return e->code ? e->code : err_set(e, ERR_IO, "the request's body could not be read");
	b->got += got;
	if (got == 0)
		return end_plain(b, e);
	if (b->sha)
		digest_add(b->sha, p, (size_t)got);
	return got;
}

ssize_t op_body_read(struct op_body *b, void *p, size_t n, struct err *e)
{
	ssize_t got;

	must(n > 0);
	if (b->failure.code) {
		*e = b->failure;
		return e->code;
	}
	got = b->chunked ? read_chunked(b, p, n, e) : read_plain(b, p, n, e);
	if (got < 0)
		b->failure = *e;
	return got;
}

int64_t op_body_length(const struct op_body *b)
{
	return b->decoded;
}

struct view op_body_trailer(const struct op_body *b, const char *name)
{
	for (size_t i = 0; b->state == ENDED && i < b->n_trailers; i++)
		if (view_eq_nocase(view_str(name), view_str(b->trailers[i].key)))
			return view_str(b->trailers[i].value);
	return VIEW_NONE;
}

/* In memory already: looked at and not copied. */
static int all_there(struct op_body *b, struct view *ret, struct err *e)
{
	b->got = (int64_t)b->src.whole.n;
	if (b->sha)
		digest_add(b->sha, b->src.whole.p, b->src.whole.n);
	*ret = b->src.whole;
	return end_plain(b, e);
}

/* Of known length: straight into the arena, which is zeroed, so there is a NUL behind. */
static int all_known(struct op_body *b, struct arena *a, struct view *ret, struct err *e)
{
	size_t cap = (size_t)b->decoded + 1, n = 0;
	char *p = arena_alloc(a, cap + 1);
	ssize_t got;

	while ((got = op_body_read(b, p + n, cap - n, e)) > 0) {
		n += (size_t)got;
		if (n == cap)
			return aws_fail(e, &S3_INCOMPLETE, "the body is longer than its length says");
	}
	*ret = view_of(p, n);
	return (int)got;
}

static int all_unknown(struct op_body *b, size_t max, struct arena *a, struct view *ret, struct err *e)
{
	struct buf all;
	ssize_t n;

	buf_init(&all, max + 2 * RAW_SIZE);
	for (;;) {
		char *p = buf_reserve(&all, RAW_SIZE);

		must(p);
		n = op_body_read(b, p, RAW_SIZE, e);
		if (n <= 0)
			break;
		all.n += (size_t)n;
		if (all.n > max) {
			n = aws_fail(e, &S3_ENTITY, "the body is longer than %zu bytes", max);
			break;
		}
	}
	if (n == 0)
		*ret = arena_view(a, buf_view(&all));
	buf_clear(&all);
	return (int)n;
}

int aws__body_all(struct op_body *b, size_t max, struct arena *a, struct view *ret, struct err *e)
{
	if (b->decoded > (int64_t)max)
		return aws_fail(e, &S3_ENTITY, "the body is longer than %zu bytes", max);
	if (b->src.whole.p && !b->chunked)
		return all_there(b, ret, e);
	return b->decoded >= 0 ? all_known(b, a, ret, e) : all_unknown(b, max, a, ret, e);
}
