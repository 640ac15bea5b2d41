/* SPDX-License-Identifier: Apache-2.0 */
/* MD5: RFC 1321's own test suite, messages in pieces, and many messages at once. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/md5.h"
#include "unit.h"

static const char *hex_of(const struct md5 *m)
{
	static char text[33];
	uint8_t sum[16];

	md5_end(m, sum);
	hex_encode(text, sum, sizeof(sum));
	return text;
}

TEST(md5_of_rfc_1321)
{
	static const char *const t[][2] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "a", "0cc175b9c0f1b6a831c399e269772661" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
		{ "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
		  "57edf4a22be3c955ac49da2e2107b67a" },
	};
	struct md5 m;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		md5_init(&m);
		md5_add(&m, t[i][0], strlen(t[i][0]));
		assert_string_equal(hex_of(&m), t[i][1]);
	}
}

static void fill(uint8_t *p, size_t n, size_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 7) + seed * 77);
}

TEST(md5_in_pieces_and_its_end_more_than_once)
{
	uint8_t data[300];

	fill(data, sizeof(data), 1);
	for (size_t n = 0; n <= sizeof(data); n++) {
		struct md5 whole, parts;
		char want[33];

		md5_init(&whole);
		md5_init(&parts);
		md5_add(&whole, data, n);
		for (size_t at = 0; at < n; at += 1 + at % 90)
			md5_add(&parts, data + at, 1 + at % 90 < n - at ? 1 + at % 90 : n - at);
		memcpy(want, hex_of(&whole), sizeof(want));
		assert_string_equal(hex_of(&parts), want);
		assert_string_equal(hex_of(&whole), want);
	}
}

TEST(md5_of_many_messages_equals_that_of_each)
{
	enum { BLOCKS = 9 };
	static uint8_t data[MD5_LANES][BLOCKS * MD5_BLOCK];

	for (size_t lanes = 1; lanes <= MD5_LANES; lanes++) {
		struct md5 v[MD5_LANES], *m[MD5_LANES];
		const uint8_t *p[MD5_LANES];

		for (size_t i = 0; i < MD5_LANES; i++) {
			fill(data[i], sizeof(data[i]), i + lanes);
			md5_init(&v[i]);
			m[i] = &v[i];
			p[i] = data[i];
		}
		md5_add_blocks(m, p, lanes, BLOCKS);
		for (size_t i = 0; i < lanes; i++) {
			struct md5 one;
			char want[33];

			md5_init(&one);
			for (size_t at = 0; at < sizeof(data[i]); at++)
				md5_add(&one, data[i] + at, 1);
			memcpy(want, hex_of(&one), sizeof(want));
			assert_string_equal(hex_of(m[i]), want);
		}
	}
}
