/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies signatures: everything is parsed once into struct auth, and what does not fit is denied.
 *
 * The order matters for what a stranger learns: form, dates and scope are judged before the key is looked up, and
 * an unknown key costs the same HMACs as a known one.
 */
#include "aws/gate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/xml.h"
#include "os/crypto.h"

#define SKEW_MS (15 * 60 * 1000)
#define EXPIRES_MAX 604800
#define EXPIRES_MAX_MS (EXPIRES_MAX * INT64_C(1000))

enum why {
	WHY_MISSING,
	WHY_MALFORMED,
	WHY_SIGV2,
	WHY_TWO,
	WHY_SKEW,
	WHY_EXPIRED,
	WHY_SCOPE,
	WHY_UNSIGNED_HEADER,
	WHY_PAYLOAD,
	WHY_KEY,
	WHY_SIGNATURE,
	WHY_TOKEN,
	WHY_TOKEN_EXPIRED,
	WHY_COUNT,
};

/* By face: S3, JSON services, query services. */
static const struct aws_error errors[WHY_COUNT][3] = {
	[WHY_MISSING] = { { "AccessDenied", 403, false }, { "MissingAuthenticationTokenException", 403, false },
			  { "MissingAuthenticationToken", 403, false } },
	[WHY_MALFORMED] = { { "AuthorizationHeaderMalformed", 400, false }, { "IncompleteSignatureException", 400, false },
			    { "IncompleteSignature", 400, false } },
	[WHY_SIGV2] = { { "InvalidRequest", 400, false }, { "IncompleteSignatureException", 400, false },
			{ "IncompleteSignature", 400, false } },
	[WHY_TWO] = { { "InvalidArgument", 400, false }, { "IncompleteSignatureException", 400, false },
		      { "IncompleteSignature", 400, false } },
	[WHY_SKEW] = { { "RequestTimeTooSkewed", 403, false }, { "InvalidSignatureException", 403, false },
		       { "SignatureDoesNotMatch", 403, false } },
	[WHY_EXPIRED] = { { "AccessDenied", 403, false }, { "InvalidSignatureException", 403, false },
			  { "SignatureDoesNotMatch", 403, false } },
	[WHY_SCOPE] = { { "AuthorizationHeaderMalformed", 400, false }, { "InvalidSignatureException", 403, false },
			{ "SignatureDoesNotMatch", 403, false } },
	[WHY_UNSIGNED_HEADER] = { { "AccessDenied", 403, false }, { "InvalidSignatureException", 403, false },
				  { "SignatureDoesNotMatch", 403, false } },
	[WHY_PAYLOAD] = { { "InvalidRequest", 400, false }, { "InvalidSignatureException", 403, false },
			  { "SignatureDoesNotMatch", 403, false } },
	[WHY_KEY] = { { "InvalidAccessKeyId", 403, false }, { "UnrecognizedClientException", 403, false },
		      { "InvalidClientTokenId", 403, false } },
	[WHY_SIGNATURE] = { { "SignatureDoesNotMatch", 403, false }, { "InvalidSignatureException", 403, false },
			    { "SignatureDoesNotMatch", 403, false } },
	[WHY_TOKEN] = { { "InvalidToken", 400, false }, { "UnrecognizedClientException", 403, false },
			{ "InvalidClientTokenId", 403, false } },
	[WHY_TOKEN_EXPIRED] = { { "ExpiredToken", 400, false }, { "ExpiredTokenException", 403, false },
				{ "ExpiredToken", 403, false } },
};
static const struct aws_error QUERY_PARAMETERS = { "AuthorizationQueryParametersError", 400, false };
static const struct aws_error FORM_FIELDS = { "InvalidArgument", 400, false };

/* What a request says of its signature, from exactly one place: the Authorization header, the query or a form. */
struct auth {
	const struct gate_request *q;
	const struct gate_policy *p;
	struct arena *a;
	struct gate_result *ret;
	struct err *e;
	struct sigv4_pair *headers, *params;
	size_t n_headers, n_params;
	bool presigned, form;
	struct view access_key, date8, region, service; /* the scope */
	struct view signed_headers, signature, amz_date, expires, token, content_sha256, target;
	int64_t date_ms;
	struct view payload_hash; /* as it enters the canonical request */
};

__attribute__((format(printf, 3, 4)))
static int deny(struct auth *t, enum why why, const char *fmt, ...)
{
	const struct aws_error *err = &errors[why][t->ret->face];
	char msg[512];
	va_list ap;

	if (t->presigned && t->ret->face == FACE_S3 && (why == WHY_MALFORMED || why == WHY_SCOPE))
		err = &QUERY_PARAMETERS;
	if (t->form && (why == WHY_MALFORMED || why == WHY_SCOPE))
		err = &FORM_FIELDS;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	(void)aws_fail(t->e, err, "%s", msg);
	t->e->code = ERR_DENIED;
	return ERR_DENIED;
}

__attribute__((format(printf, 2, 3)))
static void detail(struct auth *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->ret->error_xml = arena_vprintf(t->a, fmt, ap);
	va_end(ap);
}

static const char *escaped(struct auth *t, struct view v)
{
	struct buf b;
	const char *s;

	buf_init(&b, 64 * LIMIT_HEADERS);
	xml_escape(&b, v);
	s = arena_str(t->a, buf_view(&b));
	buf_clear(&b);
	return s;
}

/* --- collecting --- */
static struct view header(const struct auth *t, const char *name, size_t *ret_count)
{
	struct view v = VIEW_NONE;
	size_t n = 0;

	for (size_t i = 0; i < t->n_headers; i++) {
		if (!view_eq_nocase(t->headers[i].name, view_str(name)))
			continue;
		if (n++ == 0)
			v = t->headers[i].value;
	}
	if (ret_count)
		*ret_count = n;
	return v;
}

static struct view param(const struct auth *t, const char *name)
{
	for (size_t i = 0; i < t->n_params; i++)
		if (view_eq_str(t->params[i].name, name))
			return t->params[i].value;
	return VIEW_NONE;
}

static bool name_starts(struct view name, struct view prefix)
{
	return name.n >= prefix.n && view_eq_nocase(view_sub(name, 0, prefix.n), prefix);
}

static int collect(struct auth *t)
{
	struct view n, v;
	size_t count = 0;

	while (count <= LIMIT_HEADER_COUNT && t->q->header_at(t->q->self, count, &n, &v))
		count++;
	t->headers = ARENA_ARRAY(t->a, struct sigv4_pair, count);
	if (!view_starts(t->q->path, VIEW("/")))
		return deny(t, WHY_MALFORMED, "the path has to begin with /");
	while (t->q->header_at(t->q->self, t->n_headers, &n, &v)) {
		if (t->n_headers == LIMIT_HEADER_COUNT)
			return deny(t, WHY_MALFORMED, "the request has too many headers");
		t->headers[t->n_headers++] = (struct sigv4_pair){ n, v };
	}
	if (!sigv4_params(t->a, t->q->query, &t->params, &t->n_params))
		return deny(t, WHY_MALFORMED, "the query is not encoded correctly");
	return 0;
}

static void guess_face(struct auth *t)
{
	struct view type = header(t, "content-type", NULL);

	t->target = header(t, "x-amz-target", NULL);
	if (t->target.p || view_starts(t->q->path, VIEW("/20")))
		t->ret->face = FACE_JSON;
	else if (view_eq_str(t->q->method, "POST") && view_starts(type, VIEW("application/x-www-form-urlencoded")))
		t->ret->face = FACE_QUERY;
	else
		t->ret->face = FACE_S3;
}

static void face_of_scope(struct auth *t)
{
	if (view_eq_str(t->service, "s3"))
		t->ret->face = FACE_S3;
	else if (view_eq_str(t->service, "sts") || view_eq_str(t->service, "iam"))
		t->ret->face = FACE_QUERY;
	else
		t->ret->face = FACE_JSON;
}

/* A header or query parameter that decides something may come once only, and only in one of the two places. */
static int check_doubles(struct auth *t)
{
	static const char *const once[] = { "authorization", "host", "date", "x-amz-date", "x-amz-content-sha256",
					    "x-amz-security-token", "x-amz-decoded-content-length", "x-amz-target",
					    "x-amz-trailer", "content-type", "content-md5" };
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(once); i++) {
		header(t, once[i], &n);
		if (n > 1)
			return deny(t, WHY_TWO, "the header %s is given more than once", once[i]);
	}
	for (size_t i = 0; i < t->n_params; i++) {
		struct view name = t->params[i].name, h;

		if (!name_starts(name, VIEW("x-amz-")))
			continue;
		for (size_t k = 0; k < i; k++)
			if (view_eq_nocase(name, t->params[k].name))
				return deny(t, WHY_TWO, "the query parameter %.*s is given more than once", VIEW_ARG(name));
		h = header(t, arena_str(t->a, name), NULL);
		if (h.p && !view_eq(h, t->params[i].value))
			return deny(t, WHY_TWO, "the header and the query parameter %.*s differ", VIEW_ARG(name));
	}
	return 0;
}

/* --- parsing --- */
static bool is_hex64(struct view v)
{
	uint8_t raw[32];

	return v.n == 64 && hex_decode(raw, v);
}

static int parse_credential(struct auth *t, struct view v)
{
	struct view part[5];
	size_t n = 0;

	while (n < 5 && view_split(&v, '/', &part[n]))
		n++;
	if (n != 5 || v.p || !view_eq_str(part[4], "aws4_request") || part[1].n != 8)
		return deny(t, WHY_MALFORMED,
			    "the credential is malformed; expecting <access-key>/YYYYMMDD/REGION/SERVICE/aws4_request");
	for (n = 0; n < 4; n++)
		if (part[n].n == 0 || part[n].n > 64)
			return deny(t, WHY_MALFORMED, "the credential is malformed");
	t->access_key = part[0];
	t->date8 = part[1];
	t->region = part[2];
	t->service = part[3];
	t->ret->service = arena_view(t->a, t->service);
	t->ret->region = arena_view(t->a, t->region);
	face_of_scope(t);
	return 0;
}

static int parse_header(struct auth *t, struct view v)
{
	struct view part, credential = VIEW_NONE;
	size_t n = 0;

	if (!view_starts(v, VIEW(SIGV4_ALGORITHM " ")))
		return deny(t, WHY_MALFORMED, "the algorithm of the Authorization header is not supported; use "
			    SIGV4_ALGORITHM);
	v = view_from(v, sizeof(SIGV4_ALGORITHM));
	while (view_split(&v, ',', &part)) {
		part = view_trim(part);
		if (view_starts(part, VIEW("Credential=")) && !credential.p)
			credential = view_from(part, 11);
		else if (view_starts(part, VIEW("SignedHeaders=")) && !t->signed_headers.p)
			t->signed_headers = view_from(part, 14);
		else if (view_starts(part, VIEW("Signature=")) && !t->signature.p)
			t->signature = view_from(part, 10);
		else
			return deny(t, WHY_MALFORMED, "the authorization header is malformed");
		n++;
	}
	if (n != 3)
		return deny(t, WHY_MALFORMED,
			    "the authorization header is malformed; it needs Credential, SignedHeaders and Signature");
	t->amz_date = header(t, "x-amz-date", NULL);
	t->token = header(t, "x-amz-security-token", NULL);
	t->content_sha256 = header(t, "x-amz-content-sha256", NULL);
	return parse_credential(t, credential);
}

static int parse_query(struct auth *t)
{
	t->presigned = t->ret->presigned = true;
	t->signed_headers = param(t, "X-Amz-SignedHeaders");
	t->signature = param(t, "X-Amz-Signature");
	t->amz_date = param(t, "X-Amz-Date");
	t->expires = param(t, "X-Amz-Expires");
	t->token = param(t, "X-Amz-Security-Token");
	t->content_sha256 = header(t, "x-amz-content-sha256", NULL);
	if (!t->content_sha256.p)
		t->content_sha256 = param(t, "X-Amz-Content-Sha256");
	if (!view_eq_str(param(t, "X-Amz-Algorithm"), SIGV4_ALGORITHM))
		return deny(t, WHY_MALFORMED, "X-Amz-Algorithm only supports \"" SIGV4_ALGORITHM "\"");
	if (!t->signed_headers.p || !t->signature.p || !t->amz_date.p || !t->expires.p)
		return deny(t, WHY_MALFORMED, "query-string authentication requires the X-Amz-Algorithm, X-Amz-Credential, "
			    "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders and X-Amz-Expires parameters");
	return parse_credential(t, param(t, "X-Amz-Credential"));
}

static int parse(struct auth *t)
{
	struct view h = header(t, "authorization", NULL);
	bool query = param(t, "X-Amz-Algorithm").p || param(t, "X-Amz-Signature").p || param(t, "X-Amz-Credential").p;
	bool query2 = param(t, "AWSAccessKeyId").p && param(t, "Signature").p;

	if ((h.p != NULL) + query + query2 > 1)
		return deny(t, WHY_TWO, "only one auth mechanism is allowed: the Authorization header or the query");
	if (query2 || view_starts(h, VIEW("AWS ")))
		return deny(t, WHY_SIGV2, "the authorization mechanism you have provided (signature version 2) is not supported. "
			    "Please use " SIGV4_ALGORITHM " (boto3: Config(signature_version='s3v4'))");
	if (query)
		return parse_query(t);
	if (h.p)
		return parse_header(t, h);
	return deny(t, WHY_MISSING, t->ret->face == FACE_S3 ? "Access Denied" : "Missing Authentication Token");
}

/* --- judging --- */
static int check_expiry(struct auth *t)
{
	uint64_t s;
	char until[TIME_TEXT], now[TIME_TEXT];

	if (!view_u64(t->expires, EXPIRES_MAX, &s) || s == 0)
		return deny(t, WHY_MALFORMED, "X-Amz-Expires must be between 1 and 604800 seconds");
	if (t->date_ms - t->p->now_ms > SKEW_MS) {
		return deny(t, WHY_EXPIRED, "the request is not valid yet");
	}
	if (t->p->now_ms <= t->date_ms + (int64_t)s * 1000)
		return 0;
	detail(t, "<X-Amz-Expires>%" PRIu64 "</X-Amz-Expires><Expires>%s</Expires><ServerTime>%s</ServerTime>", s,
	       time_iso_s(t->date_ms + (int64_t)s * 1000, until), time_iso_s(t->p->now_ms, now));
	return deny(t, WHY_EXPIRED, "Request has expired");
}

static int check_skew(struct auth *t)
{
	int64_t off = t->p->now_ms - t->date_ms;
	char now[TIME_TEXT];

	if (off <= SKEW_MS && off >= -SKEW_MS)
		return 0;
	time_iso_s(t->p->now_ms, now);
	detail(t, "<RequestTime>%s</RequestTime><ServerTime>%s</ServerTime>"
	       "<MaxAllowedSkewMilliseconds>%d</MaxAllowedSkewMilliseconds>", t->ret->amz_date, now, SKEW_MS);
	if (t->ret->face == FACE_S3)
		return deny(t, WHY_SKEW, "The difference between the request time and the current time is too large.");
	return deny(t, WHY_SKEW, "Signature %s: %s is more than 15 min. away from %s", off > 0 ? "expired" : "not yet current",
		    t->ret->amz_date, now);
}

/* A form is made before it is used: what bounds it is its policy, and the days a signing key lasts. */
static int check_form_age(struct auth *t)
{
	if (t->date_ms - t->p->now_ms > SKEW_MS)
		return deny(t, WHY_EXPIRED, "the request is not valid yet");
	if (t->p->now_ms - t->date_ms > EXPIRES_MAX_MS)
		return deny(t, WHY_EXPIRED, "Request has expired");
	return 0;
}

static int check_date(struct auth *t)
{
	char basic[TIME_TEXT];

	if (!t->amz_date.p && !t->presigned && !t->form) {
		struct view d = header(t, "date", NULL);

		if (!d.p || !(time_parse_http(d, &t->date_ms) || time_parse_basic(d, &t->date_ms)))
			return deny(t, WHY_MISSING, "AWS authentication requires a valid Date or x-amz-date header");
	} else if (!time_parse_basic(t->amz_date, &t->date_ms)) {
		return deny(t, WHY_MALFORMED, "the date must be in the format YYYYMMDDTHHMMSSZ");
	}
	time_basic(t->date_ms, basic);
	memcpy(t->ret->amz_date, basic, sizeof(t->ret->amz_date));
	if (t->amz_date.p && !view_eq_str(t->amz_date, basic))
		return deny(t, WHY_MALFORMED, "the date must be in the format YYYYMMDDTHHMMSSZ");
	if (!view_eq(view_of(basic, 8), t->date8))
		return deny(t, WHY_SCOPE, "the date in the credential scope does not match the request's date");
	if (t->form)
		return check_form_age(t);
	return t->presigned ? check_expiry(t) : check_skew(t);
}

static int check_scope(struct auth *t)
{
	bool global = view_eq_str(t->service, "sts") || view_eq_str(t->service, "iam");

	if (view_eq_str(t->region, t->p->region) || (global && view_eq_str(t->region, "us-east-1")))
		return 0;
	detail(t, "<Region>%s</Region>", t->p->region);
	if (t->ret->face == FACE_S3)
		return deny(t, WHY_SCOPE, "the region '%.*s' is wrong; expecting '%s'", VIEW_ARG(t->region), t->p->region);
	return deny(t, WHY_SCOPE, "Credential should be scoped to a valid region, not '%.*s'; expecting '%s'",
		    VIEW_ARG(t->region), t->p->region);
}

static bool is_signed(const struct auth *t, struct view name)
{
	struct view rest = t->signed_headers, one;

	while (rest.p && view_split(&rest, ';', &one))
		if (view_eq_nocase(one, name))
			return true;
	return false;
}

static bool well_formed_names(struct view names)
{
	struct view rest = names, one, last = VIEW_NONE;

	if (!names.n || names.n > 4096)
		return false;
	while (view_split(&rest, ';', &one)) {
		if (one.n == 0 || (last.p && view_cmp(last, one) >= 0))
			return false;
		for (size_t i = 0; i < one.n; i++)
			if (one.p[i] <= ' ' || one.p[i] >= 0x7f || (one.p[i] >= 'A' && one.p[i] <= 'Z') || one.p[i] == ':')
				return false;
		last = one;
	}
	return true;
}

static int check_signed_headers(struct auth *t)
{
	struct view rest = t->signed_headers, one;

	if (!well_formed_names(t->signed_headers))
		return deny(t, WHY_MALFORMED, "SignedHeaders has to be a sorted list of lower-case names");
	if (!is_signed(t, VIEW("host")) || (!t->presigned && !t->amz_date.p && !is_signed(t, VIEW("date"))))
		return deny(t, WHY_UNSIGNED_HEADER, "the host and date headers have to be signed");
	while (view_split(&rest, ';', &one))
		if (!header(t, arena_str(t->a, one), NULL).p)
			return deny(t, WHY_SIGNATURE, "the signed header %.*s is not in the request", VIEW_ARG(one));
	for (size_t i = 0; i < t->n_headers; i++) {
		struct view n = t->headers[i].name;

		if ((!name_starts(n, VIEW("x-amz-")) && !view_eq_nocase(n, VIEW("content-md5"))) || is_signed(t, n))
			continue;
		detail(t, "<HeadersNotSigned>%s</HeadersNotSigned>", escaped(t, n));
		return deny(t, WHY_UNSIGNED_HEADER, "There were headers present in the request which were not signed: %.*s",
			    VIEW_ARG(n));
	}
	return 0;
}

/* --- payload --- */
static int payload_from_body(struct auth *t)
{
	struct view body = VIEW("");
	char hex[65];
	int rc = t->q->body ? t->q->body(t->q->self, &body, t->e) : 0;

	if (rc < 0)
		return rc;
	sha256_hex(body, hex);
	t->ret->mode = PAYLOAD_SHA256;
	t->ret->body_verified = true;
	hex_decode(t->ret->payload_sha256, view_of(hex, 64));
	t->payload_hash = arena_view(t->a, view_of(hex, 64));
	return 0;
}

static bool payload_allowed(const struct auth *t, enum payload_mode m)
{
	switch (m) {
	case PAYLOAD_SHA256:
		return true;
	case PAYLOAD_UNSIGNED:
		return t->presigned || !t->p->refuse_unsigned_payload;
	case PAYLOAD_CHUNKED_SIGNED:
	case PAYLOAD_CHUNKED_SIGNED_TRAILER:
		return !t->presigned;
	case PAYLOAD_CHUNKED_UNSIGNED_TRAILER:
		return !t->presigned && !t->p->refuse_unsigned_payload;
	}
	return false;
}

static int check_payload(struct auth *t)
{
	static const struct {
		const char *text;
		enum payload_mode mode;
	} modes[] = {
		{ SIGV4_UNSIGNED, PAYLOAD_UNSIGNED },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PAYLOAD_CHUNKED_SIGNED },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PAYLOAD_CHUNKED_SIGNED_TRAILER },
		{ "STREAMING-UNSIGNED-PAYLOAD-TRAILER", PAYLOAD_CHUNKED_UNSIGNED_TRAILER },
	};
	bool s3 = t->ret->face == FACE_S3;
	struct view v = t->content_sha256;

	if (!v.p && !s3)
		return payload_from_body(t);
	if (!v.p && t->presigned)
		v = VIEW(SIGV4_UNSIGNED);
	if (!v.p)
		return deny(t, WHY_PAYLOAD, "Missing required header for this request: x-amz-content-sha256");
	t->payload_hash = v;
	if (is_hex64(v)) {
		t->ret->mode = PAYLOAD_SHA256;
		hex_decode(t->ret->payload_sha256, v);
		return 0;
	}
	for (size_t i = 0; s3 && i < ARRAY_LEN(modes); i++) {
		if (!view_eq_str(v, modes[i].text))
			continue;
		t->ret->mode = modes[i].mode;
		if (!payload_allowed(t, modes[i].mode))
			return deny(t, WHY_PAYLOAD, "x-amz-content-sha256 %s is not allowed here", modes[i].text);
		return 0;
	}
	return deny(t, WHY_PAYLOAD, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- mode or a SHA-256");
}

/* --- the signature itself --- */
static int mismatch(struct auth *t, struct view string, struct view canonical)
{
	detail(t, "<AWSAccessKeyId>%s</AWSAccessKeyId><StringToSign>%s</StringToSign>"
	       "<SignatureProvided>%s</SignatureProvided>%s%s%s", escaped(t, t->access_key), escaped(t, string),
	       escaped(t, t->signature), canonical.p ? "<CanonicalRequest>" : "",
	       canonical.p ? escaped(t, canonical) : "", canonical.p ? "</CanonicalRequest>" : "");
	return deny(t, WHY_SIGNATURE, "The request signature we calculated does not match the signature you provided. "
		    "Check your key and signing method.");
}

static int check_token(struct auth *t, const struct credential *k)
{
	struct view want = view_str(k->token);

	if (!k->token != !t->token.p || want.n != t->token.n || (want.n && !crypto_equal(want.p, t->token.p, want.n)))
		return deny(t, WHY_TOKEN, t->ret->face == FACE_S3
			    ? "The provided token is malformed or otherwise invalid."
			    : "The security token included in the request is invalid.");
	if (k->expires_ms && k->expires_ms <= t->p->now_ms)
		return deny(t, WHY_TOKEN_EXPIRED, t->ret->face == FACE_S3
			    ? "The provided token has expired."
			    : "The security token included in the request is expired");
	return 0;
}

/* @string is what was signed; @canonical: where it comes from, or VIEW_NONE.  An unknown key costs the same. */
static int check_string(struct auth *t, struct credentials *c, struct view string, struct view canonical)
{
	struct credential k;
	bool known = credentials__find(c, t->access_key, t->a, &k), same;

	sigv4_key(view_str(k.secret), t->date8, t->region, t->service, t->ret->signing_key);
	sigv4_sign(t->ret->signing_key, string, t->ret->seed_signature);
	same = t->signature.n == 64 && crypto_equal(t->signature.p, t->ret->seed_signature, 64);
	if (!known || !same) {
		crypto_wipe(t->ret->signing_key, 32);
		crypto_wipe(t->ret->seed_signature, 64);
	}
	if (!known)
		return deny(t, WHY_KEY, t->ret->face == FACE_S3
			    ? "The AWS Access Key Id you provided does not exist in our records."
			    : "The security token included in the request is invalid.");
	if (!same)
		return mismatch(t, string, canonical);
	t->ret->caller = (struct op_caller){ .account = k.account, .access_key = arena_str(t->a, t->access_key),
					     .arn = k.arn, .may = k.may };
	return check_token(t, &k);
}

static int check_signature(struct auth *t, struct credentials *c)
{
	const struct sigv4_request r = {
		.method = t->q->method, .path = t->q->path, .query = t->q->query,
		.path_rule = t->ret->face == FACE_S3 ? SIGV4_PATH_S3 : SIGV4_PATH_NORMAL, .headers = t->headers,
		.n_headers = t->n_headers, .signed_headers = t->signed_headers, .payload_hash = t->payload_hash,
	};
	struct view canonical;

	(void)snprintf(t->ret->scope, sizeof(t->ret->scope), "%.*s/%.*s/%.*s/aws4_request", VIEW_ARG(t->date8),
		       VIEW_ARG(t->region), VIEW_ARG(t->service));
	if (!sigv4_canonical(t->a, &r, &canonical))
		return deny(t, WHY_MALFORMED, "the path or the query is not encoded correctly");
	return check_string(t, c, sigv4_string_to_sign(t->a, t->ret->amz_date, t->ret->scope, canonical), canonical);
}

int gate_verify(struct credentials *c, const struct gate_request *q, const struct gate_policy *p, struct arena *a,
		struct gate_result *ret, struct err *e)
{
	struct auth t = { .q = q, .p = p, .a = a, .ret = ret, .e = e };
	int rc;

	*ret = (struct gate_result){ .face = FACE_S3 };
	rc = collect(&t);
	if (rc == 0) {
		guess_face(&t);
		rc = parse(&t);
	}
	if (rc == 0)
		rc = check_doubles(&t);
	if (rc == 0)
		rc = check_date(&t);
	if (rc == 0)
		rc = check_scope(&t);
	if (rc == 0)
		rc = check_signed_headers(&t);
	if (rc == 0)
		rc = check_payload(&t);
	if (rc == 0)
		rc = check_signature(&t, c);
	if (rc < 0)
		ret->caller = (struct op_caller){ 0 };
	return rc;
}

static int parse_form(struct auth *t, const struct gate_form *f)
{
	int rc;

	t->amz_date = f->date;
	t->signature = f->signature;
	t->token = f->token;
	if (!view_eq_str(f->algorithm, SIGV4_ALGORITHM))
		return deny(t, WHY_MALFORMED, "X-Amz-Algorithm only supports \"" SIGV4_ALGORITHM "\"");
	if (!f->credential.p || !f->date.p || !f->signature.p)
		return deny(t, WHY_MALFORMED, "Bucket POST must contain a field named '%s'.  If it is specified, please "
			    "check the order of the fields.", !f->credential.p ? "X-Amz-Credential"
			    : !f->date.p ? "X-Amz-Date" : "X-Amz-Signature");
	rc = parse_credential(t, f->credential);
	if (rc == 0 && t->ret->face != FACE_S3) {
		t->ret->face = FACE_S3;
		return deny(t, WHY_SCOPE, "the service '%.*s' is wrong; expecting 's3'", VIEW_ARG(t->service));
	}
	return rc;
}

int gate_verify_form(struct credentials *c, const struct gate_form *f, const struct gate_policy *p, struct arena *a,
		     struct gate_result *ret, struct err *e)
{
	struct auth t = { .p = p, .a = a, .ret = ret, .e = e, .form = true };
	int rc;

	must(f->policy.p);
	*ret = (struct gate_result){ .face = FACE_S3, .mode = PAYLOAD_UNSIGNED };
	rc = parse_form(&t, f);
	if (rc == 0)
		rc = check_date(&t);
	if (rc == 0)
		rc = check_scope(&t);
	if (rc == 0)
		rc = check_string(&t, c, f->policy, VIEW_NONE);
	if (rc < 0)
		ret->caller = (struct op_caller){ 0 };
	return rc;
}
