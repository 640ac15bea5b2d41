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
