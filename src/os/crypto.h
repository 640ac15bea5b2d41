/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto -- digests, HMAC, AES-GCM: thin over OpenSSL, the only file that includes it; random bytes of the kernel.
 *
 * Failure of the library is a broken installation: it aborts.  Any thread; a digest or cipher belongs to one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/view.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };
#define DIGEST_MAX 64
#define UUID_TEXT 37

struct digest;
struct digest *digest_new(enum digest_kind k);
void digest_add(struct digest *d, const void *p, size_t n);
size_t digest_end(struct digest *d, uint8_t out[DIGEST_MAX]); /* frees @d; returns the length */
struct digest *digest_free(struct digest *d); /* without a result; NULL is fine; returns NULL */
size_t digest_once(enum digest_kind k, struct view v, uint8_t out[DIGEST_MAX]);
void sha256_hex(struct view v, char out[65]);
void md5_hex(struct view v, char out[33]);

void hmac_sha256(struct view key, struct view v, uint8_t out[32]);
/*
 * AES-256-GCM (NIST SP 800-38D) with 96-bit nonces and 128-bit tags.  The caller sees to it that no nonce is
 * used twice with a key.
 */
#define GCM_KEY 32
#define GCM_NONCE 12
#define GCM_TAG 16
struct gcm;
struct gcm *gcm_new(const uint8_t key[GCM_KEY]);
struct gcm *gcm_free(struct gcm *g); /* wipes the key; NULL is fine; returns NULL */
/* @out: @plain.n + GCM_TAG bytes; it may be where @plain is. */
void gcm_seal(struct gcm *g, const uint8_t nonce[GCM_NONCE], struct view aad, struct view plain,
	      uint8_t *out);
/* @out: @sealed.n - GCM_TAG bytes.  false: not what was sealed, or too short; nothing of it is in @out then. */
bool gcm_open(struct gcm *g, const uint8_t nonce[GCM_NONCE], struct view aad, struct view sealed,
	      uint8_t *out) MUST_CHECK;

bool crypto_equal(const void *a, const void *b, size_t n); /* constant time */
void crypto_wipe(void *p, size_t n);
void random_bytes(void *p, size_t n);
void random_text(char *out, size_t n, const char *alphabet); /* n characters and a NUL */
void uuid4(char out[UUID_TEXT]);
void uuid7(char out[UUID_TEXT]); /* RFC 9562, from clock_ms(): sorts by time */
void uuid8(struct view name, char out[UUID_TEXT]); /* RFC 9562, of SHA-256: the same name, the same id */
