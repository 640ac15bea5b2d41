// SPDX-License-Identifier: Apache-2.0
/* Digests, HMAC, random texts, the clock. */
#include "base/base64.h"
#include "os/clock.h"
#include "os/crypto.h"

#include "base/macro.h"
#include "unit.h"

TEST(crypto_known_digests)
{
	/* FIPS 180-4 and RFC 1321 examples: the text "abc". */
	static const struct {
		enum digest_kind k;
		const char *hex;
	} t[] = {
		{ DIGEST_MD5, "900150983cd24fb0d6963f7d28e17f72" },
		{ DIGEST_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ DIGEST_SHA256,
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ DIGEST_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8"
				 "086072ba1e7cc2358baeca134c825a7" },
		{ DIGEST_SHA512,
		  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8"
		  "36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	};
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct digest *d = digest_new(t[i].k);
		uint8_t out[DIGEST_MAX], once[DIGEST_MAX];
		size_t n;

		digest_add(d, "a", 1);
		digest_add(d, "bc", 2);
		n = digest_end(d, out);
		assert_string_equal(hex_arena(&a, out, n), t[i].hex);
		assert_int_equal(digest_once(t[i].k, VIEW("abc"), once), n);
		assert_memory_equal(out, once, n);
	}
	assert_null(digest_free(digest_new(DIGEST_MD5)));
	assert_null(digest_free(NULL));
	arena_clear(&a);
}

TEST(crypto_hex_of_nothing)
{
	char s[65], m[33];

	sha256_hex(VIEW_NONE, s);
	assert_string_equal(s, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	md5_hex(VIEW(""), m);
	assert_string_equal(m, "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(crypto_hmac_rfc4231_case_2)
{
	uint8_t out[32];
	char hex[65] = { 0 };

	hmac_sha256(VIEW("Jefe"), VIEW("what do ya want for nothing?"), out);
	hex_encode(hex, out, 32);
	assert_string_equal(hex,
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(crypto_equal_and_wipe)
{
	char a[] = "secret", b[] = "secreT";

	assert_false(crypto_equal(a, b, 6));
	assert_true(crypto_equal(a, b, 5));
	crypto_wipe(a, 6);
	assert_memory_equal(a, "\0\0\0\0\0\0", 6);
}

TEST(crypto_random_texts)
{
	char text[201], u4[UUID_TEXT], u7[UUID_TEXT], later[UUID_TEXT];
	int64_t from;
	bool seen[3] = { 0 };

	random_text(text, 200, "abc");
	assert_int_equal(strspn(text, "abc"), 200);
	for (int i = 0; i < 200; i++)
		seen[text[i] - 'a'] = true;
	assert_true(seen[0] && seen[1] && seen[2]);
	uuid4(u4);
	assert_int_equal(strlen(u4), 36);
	assert_int_equal(u4[14], '4');
	assert_non_null(strchr("89ab", u4[19]));
	uuid8(VIEW("name"), u4); /* the SHA-256 of "name", with version and variant */
	assert_string_equal(u4, "82a3537f-f0db-8e7e-ac35-d69edc3a189e");
	uuid7(u7);
	assert_int_equal(u7[14], '7');
	from = clock_ms();
	while (clock_ms() <= from)
		;
	uuid7(later);
	assert_true(strcmp(u7, later) < 0);
}

TEST(clock_runs)
{
	int64_t a = clock_mono_ns();

	assert_true(clock_mono_ns() >= a);
	assert_true(clock_ms() > 1700000000000);
	assert_true(clock_ns() / 1000000 - clock_ms() <= 1);
}

/* --- AES-256-GCM --- */

static size_t unhex(uint8_t *out, const char *hex)
{
	assert_true(hex_decode(out, view_str(hex)));
	return strlen(hex) / 2;
}

/* Cases 13 to 16 (AES-256, 96-bit nonces) of "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega,
 * which NIST's SP 800-38D specifies. */
TEST(crypto_gcm_known_answers)
{
#define KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define PLAIN \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define SEALED \
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" \
	"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	static const struct {
		const char *key, *nonce, *plain, *aad, *sealed;
	} t[] = {
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		  "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		  "000000000000000000000000", "00000000000000000000000000000000", "",
		  "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
		{ KEY, "cafebabefacedbaddecaf888", PLAIN "1aafd255", "",
		  SEALED "898015adb094dac5d93471bdec1a502270e3cc6c" },
		{ KEY, "cafebabefacedbaddecaf888", PLAIN,
		  "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  SEALED "76fc6ece0f4e1768cddf8853bb2d551b" },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		uint8_t key[GCM_KEY], nonce[GCM_NONCE], plain[64], aad[64], want[80], got[80];
		size_t n, n_aad, n_want;
		struct gcm *g;

		unhex(key, t[i].key);
		unhex(nonce, t[i].nonce);
		n = unhex(plain, t[i].plain);
		n_aad = unhex(aad, t[i].aad);
		n_want = unhex(want, t[i].sealed);
		assert_int_equal(n_want, n + GCM_TAG);
		g = gcm_new(key);
		gcm_seal(g, nonce, view_of((char *)aad, n_aad), view_of((char *)plain, n), got);
		assert_memory_equal(got, want, n_want);
		/* With the same cipher, where the plaintext is to be. */
		assert_true(gcm_open(g, nonce, view_of((char *)aad, n_aad),
				     view_of((char *)got, n_want), got));
		assert_memory_equal(got, plain, n);
		gcm_free(g);
	}
}

TEST(crypto_gcm_refuses_what_was_changed)
{
	uint8_t key[GCM_KEY] = { 1 }, nonce[GCM_NONCE] = { 2 }, sealed[20 + GCM_TAG], out[20];
	char aad[] = "object 7", plain[] = "twenty plain bytes!!";
	struct gcm *g = gcm_new(key);

	gcm_seal(g, nonce, view_str(aad), view_str(plain), sealed);
	assert_true(
		gcm_open(g, nonce, view_str(aad), view_of((char *)sealed, sizeof(sealed)), out));
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x40;
		memset(out, 7, sizeof(out));
		assert_false(gcm_open(g, nonce, view_str(aad),
				      view_of((char *)sealed, sizeof(sealed)), out));
		for (size_t k = 0; k < sizeof(out); k++)
			assert_int_equal(out[k], 0);
		sealed[i] ^= 0x40;
	}
	for (size_t n = 0; n < sizeof(sealed); n++)
		assert_false(gcm_open(g, nonce, view_str(aad), view_of((char *)sealed, n), out));
	nonce[11] ^= 1;
	assert_false(
		gcm_open(g, nonce, view_str(aad), view_of((char *)sealed, sizeof(sealed)), out));
	nonce[11] ^= 1;
	assert_false(
		gcm_open(g, nonce, VIEW("object 8"), view_of((char *)sealed, sizeof(sealed)), out));
	gcm_free(g);
	key[0] = 3;
	g = gcm_new(key);
	assert_false(
		gcm_open(g, nonce, view_str(aad), view_of((char *)sealed, sizeof(sealed)), out));
	gcm_free(g);
	assert_null(gcm_free(NULL));
}
