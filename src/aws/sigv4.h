/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4 -- the pure arithmetic of AWS Signature Version 4, shared by verifier, signer and evaluator.
 *
 * Any thread.  Memory: the arena given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/view.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"

struct sigv4_pair {
	struct view name, value;
};

/* How the path enters the canonical request. */
enum sigv4_path {
	SIGV4_PATH_S3,        /* each character encoded once, nothing removed, %2F stays */
	SIGV4_PATH_NORMAL,    /* dot segments and double slashes removed, then encoded (again) */
	SIGV4_PATH_UNCHANGED, /* encoded (again), nothing removed */
};

struct sigv4_request {
	struct view method, path, query; /* raw */
	enum sigv4_path path_rule;
	const struct sigv4_pair *headers; /* all of them, any order */
	size_t n_headers;
	struct view signed_headers; /* "host;x-amz-date": lower case, sorted */
	struct view payload_hash;
};

/* Query parameters, decoded, in order; false for broken percent-encoding or more than 256. */
bool sigv4_params(struct arena *a, struct view query, struct sigv4_pair **ret, size_t *ret_n);
/* false as above.  The parameter X-Amz-Signature is left out. */
bool sigv4_canonical(struct arena *a, const struct sigv4_request *q, struct view *ret);
struct view sigv4_string_to_sign(struct arena *a, const char *amz_date, const char *scope, struct view canonical);
void sigv4_key(struct view secret, struct view date, struct view region, struct view service, uint8_t ret[32]);
void sigv4_sign(const uint8_t key[32], struct view string_to_sign, char ret[65]);
/* "host;x-amz-date" of all @headers; sorted. */
struct view sigv4_header_names(struct arena *a, const struct sigv4_pair *headers, size_t n);
struct view sigv4_lower(struct arena *a, struct view v);
