// SPDX-License-Identifier: Apache-2.0
/* Digests, HMAC and AES-GCM over OpenSSL 3; random bytes of the kernel. */
#include "os/crypto.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/base64.h"
#include "base/macro.h"
#include "os/clock.h"

struct digest {
	EVP_MD_CTX *ctx;
};

static EVP_MD *kinds[DIGEST_SHA512 + 1];
static pthread_once_t kinds_once = PTHREAD_ONCE_INIT;

/* Fetched once: looking an algorithm up by name costs more than hashing a small text. */
static void fetch_kinds(void)
{
	static const char *const names[] = { "MD5", "SHA1", "SHA256", "SHA384", "SHA512" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		kinds[i] = EVP_MD_fetch(NULL, names[i], NULL);
		must(kinds[i]);
	}
}

static const EVP_MD *kind(enum digest_kind k)
{
	must(k <= DIGEST_SHA512);
	must(pthread_once(&kinds_once, fetch_kinds) == 0);
	return kinds[k];
}

struct digest *digest_new(enum digest_kind k)
{
	struct digest *d = calloc(1, sizeof(*d));

	must(d);
	d->ctx = EVP_MD_CTX_new();
	must(d->ctx && EVP_DigestInit_ex(d->ctx, kind(k), NULL) == 1);
	return d;
}

void digest_add(struct digest *d, const void *p, size_t n)
{
	must(EVP_DigestUpdate(d->ctx, p, n) == 1);
}

size_t digest_end(struct digest *d, uint8_t out[DIGEST_MAX])
{
	unsigned n;

	must(EVP_DigestFinal_ex(d->ctx, out, &n) == 1);
	digest_free(d);
	return n;
}

struct digest *digest_free(struct digest *d)
{
	if (d) {
		EVP_MD_CTX_free(d->ctx);
		free(d);
	}
	return NULL;
}

size_t digest_once(enum digest_kind k, struct view v, uint8_t out[DIGEST_MAX])
{
	unsigned n;

	must(EVP_Digest(v.n ? v.p : "", v.n, out, &n, kind(k), NULL) == 1);
	return n;
}

static void once_hex(enum digest_kind k, struct view v, char *out)
{
	uint8_t sum[DIGEST_MAX];
	size_t n = digest_once(k, v, sum);

	hex_encode(out, sum, n);
	out[2 * n] = '\0';
}

void sha256_hex(struct view v, char out[65])
{
	once_hex(DIGEST_SHA256, v, out);
}

void md5_hex(struct view v, char out[33])
{
	once_hex(DIGEST_MD5, v, out);
}

#define HMAC_BLOCK 64

/* SHA-256 of @pad, then @v. */
static void padded(EVP_MD_CTX *ctx, const uint8_t pad[HMAC_BLOCK], struct view v, uint8_t out[32])
{
	must(EVP_DigestInit_ex(ctx, kind(DIGEST_SHA256), NULL) == 1 && EVP_DigestUpdate(ctx, pad, HMAC_BLOCK) == 1 &&
	     EVP_DigestUpdate(ctx, v.n ? v.p : "", v.n) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

/* RFC 2104 over the library's SHA-256: its own HMAC looks the algorithms up by name every time, which takes three
 * quarters of the time for texts as short as those that requests are signed with. */
void hmac_sha256(struct view key, struct view v, uint8_t out[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t pad[HMAC_BLOCK] = { 0 }, inner[32];

	must(ctx);
	if (key.n > HMAC_BLOCK)
		digest_once(DIGEST_SHA256, key, pad);
	else if (key.n)
		memcpy(pad, key.p, key.n);
	for (size_t i = 0; i < HMAC_BLOCK; i++)
		pad[i] ^= 0x36;
	padded(ctx, pad, v, inner);
	for (size_t i = 0; i < HMAC_BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	padded(ctx, pad, view_of(inner, sizeof(inner)), out);
	crypto_wipe(pad, sizeof(pad));
	crypto_wipe(inner, sizeof(inner));
	EVP_MD_CTX_free(ctx);
}

/* --- AES-256-GCM --- */

struct gcm {
	EVP_CIPHER_CTX *ctx;
};

struct gcm *gcm_new(const uint8_t key[GCM_KEY])
{
	struct gcm *g = calloc(1, sizeof(*g));

	must(g);
	g->ctx = EVP_CIPHER_CTX_new();
	must(g->ctx && EVP_CipherInit_ex(g->ctx, EVP_aes_256_gcm(), NULL, key, NULL, 1) == 1);
	return g;
}

struct gcm *gcm_free(struct gcm *g)
{
	if (g) {
		EVP_CIPHER_CTX_free(g->ctx); /* cleanses what it knew */
		free(g);
	}
	return NULL;
}

/* A new message under the key that is there. */
static void gcm_begin(struct gcm *g, const uint8_t *nonce, struct view aad, int encrypt)
{
	int n;

	must(aad.n <= INT32_MAX);
	must(EVP_CipherInit_ex(g->ctx, NULL, NULL, NULL, nonce, encrypt) == 1);
	if (aad.n)
		must(EVP_CipherUpdate(g->ctx, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) ==
		     1);
}

void gcm_seal(struct gcm *g, const uint8_t nonce[GCM_NONCE], struct view aad, struct view plain,
	      uint8_t *out)
{
	int n = 0, rest;

	must(plain.n <= INT32_MAX - GCM_TAG);
	gcm_begin(g, nonce, aad, 1);
	if (plain.n)
		must(EVP_CipherUpdate(g->ctx, out, &n, (const unsigned char *)plain.p,
				      (int)plain.n) == 1);
	must((size_t)n == plain.n && EVP_CipherFinal_ex(g->ctx, out + n, &rest) == 1);
	must(EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, out + n) == 1);
}

bool gcm_open(struct gcm *g, const uint8_t nonce[GCM_NONCE], struct view aad, struct view sealed,
	      uint8_t *out)
{
	int n = 0, rest;
	size_t len;
	uint8_t tag[GCM_TAG];

	if (sealed.n < GCM_TAG || sealed.n > INT32_MAX)
		return false;
	len = sealed.n - GCM_TAG;
	memcpy(tag, sealed.p + len, GCM_TAG);
	gcm_begin(g, nonce, aad, 0);
	must(EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) == 1);
	if (len)
		must(EVP_CipherUpdate(g->ctx, out, &n, (const unsigned char *)sealed.p, (int)len) ==
		     1);
	if (EVP_CipherFinal_ex(g->ctx, out + n, &rest) == 1)
		return true;
	crypto_wipe(out, len);
	return false;
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void crypto_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

/* The kernel's, which is what OpenSSL's generator is fed from: that one takes a lock that all threads share. */
void random_bytes(void *p, size_t n)
{
	char *at = p;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		must(got > 0 || errno == EINTR);
		if (got <= 0)
			continue;
		at += got;
		n -= (size_t)got;
	}
}

void random_text(char *out, size_t n, const char *alphabet)
{
	size_t letters = strlen(alphabet);
	unsigned fair; /* bytes from here on would make some letters likelier */

	must(letters >= 2 && letters <= 256);
	fair = 256 - 256 % (unsigned)letters;
	for (size_t i = 0; i < n;) {
		uint8_t bytes[64];

		random_bytes(bytes, sizeof(bytes));
		for (size_t k = 0; k < sizeof(bytes) && i < n; k++)
			if (bytes[k] < fair)
				out[i++] = alphabet[bytes[k] % letters];
	}
	out[n] = '\0';
}

static void uuid_text(uint8_t b[16], unsigned version, char out[UUID_TEXT])
{
	static const uint8_t cuts[] = { 0, 4, 6, 8, 10, 16 };

	b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i + 1 < sizeof(cuts); i++) {
		size_t n = (size_t)(cuts[i + 1] - cuts[i]);

		hex_encode(out, b + cuts[i], n);
		out += 2 * n;
		*out++ = '-';
	}
	out[-1] = '\0';
}

void uuid4(char out[UUID_TEXT])
{
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	uuid_text(b, 4, out);
}

void uuid7(char out[UUID_TEXT])
{
	uint64_t ms = (uint64_t)clock_ms();
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	for (int i = 0; i < 6; i++)
		b[i] = (uint8_t)(ms >> (40 - 8 * i));
	uuid_text(b, 7, out);
}

void uuid8(struct view name, char out[UUID_TEXT])
{
	uint8_t b[DIGEST_MAX];

	digest_once(DIGEST_SHA256, name, b);
	uuid_text(b, 8, out);
}
