/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate -- AWS Signature Version 4, verified in one place.  Denies unless everything fits.
 *
 * Clock skew: 15 minutes either way; presigned URLs last 1 s to 7 days.  Every x-amz-* header has to be signed.
 * Source: AWS "Signature Version 4 signing process"; rules and their reasons: docs/the-gate.md.
 * One parsed struct is what verifier, policy and handler all use.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aws/op.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

/* --- keys --- */
struct credentials;
struct credentials *credentials_new(const char *account);
struct credentials *credentials_free(struct credentials *c);
/* @token: session token that must come along, or NULL.  @expires_ms 0: never.  @arn: of whoever holds the key. */
void credentials_add(struct credentials *c, const char *access_key, const char *secret, const char *token,
		     int64_t expires_ms, const char *arn);
/* A user, perhaps of another account; users stay.  @may: taken over. */
struct policy_set;
void credentials_add_user(struct credentials *c, const char *access_key, const char *secret, const char *account,
			  const char *arn, struct policy_set *may);
bool credentials_has(struct credentials *c, const char *access_key);
void credentials_remove(struct credentials *c, const char *access_key);
/* A fresh temporary key (ASIA...), for a function's process. */
struct session_key {
	char access_key[21], secret[41], token[65];
};
void credentials_session(struct credentials *c, const char *arn, int64_t ttl_ms, struct session_key *ret);

/* --- verifying --- */
enum payload_mode {
	PAYLOAD_SHA256,            /* header holds the body's SHA-256 */
	PAYLOAD_UNSIGNED,          /* UNSIGNED-PAYLOAD; presigned URLs; */
	PAYLOAD_CHUNKED_SIGNED,    /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
	PAYLOAD_CHUNKED_SIGNED_TRAILER,
	PAYLOAD_CHUNKED_UNSIGNED_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

struct gate_request { /* what the gate needs of a request; views last as long as the request */
	struct view method, path, query; /* raw, as received */
	bool (*header_at)(const void *self, size_t i, struct view *name, struct view *value);
	/* The whole body, for services whose clients sign its digest without sending it (all but S3).  Called at most once
	 * and only when the credentials look right.  NULL: there is none. */
	int (*body)(void *self, struct view *ret, struct err *e);
	void *self;
};

/* How a refusal is worded; found out as far as the request tells. */
enum gate_face { FACE_S3, FACE_JSON, FACE_QUERY };

struct gate_result {
	struct op_caller caller; /* without source_ip */
	struct view service, region; /* of the credential scope */
	bool presigned;
	enum payload_mode mode;
	uint8_t payload_sha256[32]; /* PAYLOAD_SHA256: of the body to come (already compared if .body was called) */
	bool body_verified;
	/* for signed chunks: */
	uint8_t signing_key[32];
	char seed_signature[65], scope[128], amz_date[17];
	/* also set on failure: */
	enum gate_face face;
	const char *error_xml; /* S3: further elements of the error document (Region, ServerTime, ...), or NULL */
};

struct gate_policy {
	const char *region;
	int64_t now_ms;
	bool refuse_unsigned_payload; /* see aws_opts */
};

/*
 * Verifies @q.  0, or ERR_DENIED or ERR_INVALID (also what .body returned) with @e->wire set to the error AWS gives:
 * S3's SignatureDoesNotMatch, InvalidAccessKeyId, AccessDenied, RequestTimeTooSkewed, AuthorizationHeaderMalformed ...
 * or the JSON services' InvalidSignatureException, UnrecognizedClientException, MissingAuthenticationTokenException ...
 * Scope regions other than @p->region are refused; sts and iam also take us-east-1.
 */
int gate_verify(struct credentials *c, const struct gate_request *q, const struct gate_policy *p, struct arena *a,
		struct gate_result *ret, struct err *e) MUST_CHECK;

/* What a browser's upload form carries instead: the policy document is what was signed (post_policy.h judges it).
 * Views; VIEW_NONE: no such field. */
struct gate_form {
	struct view policy; /* base64, as it came */
	struct view algorithm, credential, date, signature, token; /* x-amz-... */
};
/* As gate_verify(), for S3 alone.  Neither a URL nor a clock bounds a form but its policy's expiration; its date may be
 * 7 days old, as long as a signing key lasts. */
int gate_verify_form(struct credentials *c, const struct gate_form *f, const struct gate_policy *p, struct arena *a,
		     struct gate_result *ret, struct err *e) MUST_CHECK;

/* --- signing (clients, functions, presigned URLs) --- */
struct sign_key {
	const char *access_key, *secret, *token; /* token may be NULL */
	const char *region, *service;
};
struct sign_header {
	const char *name, *value;
};
struct sign_what {
	const char *method, *host;   /* "name:port" */
	const char *path, *query;    /* encoded as they will be sent; query NULL: none */
	const struct sign_header *headers; /* further signed ones (content-length, x-amz-checksum-...) */
	size_t n_headers;
	const char *payload_hash;    /* sign_request(): 64 hex digits or UNSIGNED-PAYLOAD */
	unsigned expires_s;          /* sign_url() */
	int64_t now_ms;
};
/* Adds x-amz-date, x-amz-content-sha256, x-amz-security-token and Authorization.  Headers come back in the arena,
 * those given first. */
int sign_request(const struct sign_key *k, const struct sign_what *w, struct arena *a, struct sign_header **ret,
		 size_t *ret_n, struct err *e) MUST_CHECK;
/* "<base_url><path>?X-Amz-..." with @base_url "http://host:port", (.host is not used); NULL: path or query not valid. */
char *sign_url(const struct sign_key *k, const char *base_url, const struct sign_what *w, struct arena *a);
