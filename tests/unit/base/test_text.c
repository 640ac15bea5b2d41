// SPDX-License-Identifier: Apache-2.0
/* base64, hex, CRCs, UTF-8, percent-encoding, time. */
#include <time.h>

#include "base/base64.h"
#include "base/crc.h"
#include "base/time.h"
#include "base/utf8.h"

#include "unit.h"

TEST(base64_rfc4648_vectors)
{
	static const char *const t[][2] = { { "", "" },
					    { "f", "Zg==" },
					    { "fo", "Zm8=" },
					    { "foo", "Zm9v" },
					    { "foob", "Zm9vYg==" },
					    { "fooba", "Zm9vYmE=" },
					    { "foobar", "Zm9vYmFy" },
					    { "\xfb\xff\xbf", "+/+/" } };
	struct arena a;
	struct view v;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_true(view_eq_str(base64_encode_arena(&a, view_str(t[i][0])), t[i][1]));
		assert_true(base64_decode_arena(&a, view_str(t[i][1]), &v));
		assert_true(view_eq_str(v, t[i][0]));
	}
	arena_clear(&a);
}

TEST(base64_refuses)
{
	static const char *const t[] = { "Z",    "Zg",     "Zg=",  "Zg===", "=",
					 "====", "Z===",   "Zh==", "Zm9=",  "Zg==Zg==",
					 "Zm 9", "Zm9v\n", "Zm-_", "Zg=a" };
	char out[64];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (base64_decode(out, view_str(t[i]), &n))
			fail_msg("taken: %s", t[i]);
}

/* Every length around the wide registers, each byte of it made wrong once. */
TEST(base64_long_texts_in_place)
{
	char bytes[150], text[200], back[200];
	size_t n;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37 + (i >> 3));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		size_t chars = base64_len(len), span = (len * 8 + 5) / 6;

		base64_encode(text, bytes, len);
		memcpy(back, text, chars);
		assert_int_equal(base64_span(view_of(text, chars)), span);
		assert_true(base64_decode(back, view_of(back, chars), &n));
		assert_int_equal(n, len);
		assert_memory_equal(back, bytes, len);
		for (size_t i = 0; i < span; i++) {
			memcpy(back, text, chars);
			back[i] = "\"\\=-_ .:@[`{\x80\xc1"[i % 14];
			assert_int_equal(base64_span(view_of(back, chars)), i);
			assert_false(base64_decode(back, view_of(back, chars), &n));
		}
	}
}

TEST(hex_both_ways)
{
	struct arena a;
	unsigned char out[4];

	arena_init(&a, 1 << 20);
	assert_string_equal(hex_arena(&a, "\x00\x9f\xff", 3), "009fff");
	assert_true(hex_decode(out, VIEW("009Fff")));
	assert_memory_equal(out, "\x00\x9f\xff", 3);
	assert_false(hex_decode(out, VIEW("0")));
	assert_false(hex_decode(out, VIEW("0g")));
	arena_clear(&a);
}

TEST(crc_check_values_and_continuing)
{
	char data[1000];

	assert_int_equal(crc32_ieee(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_true(crc64nvme(0, "123456789", 9) == 0xae8b14860a799888ull);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + (i >> 3));
	for (size_t cut = 0; cut <= sizeof(data); cut += 37) {
		size_t rest = sizeof(data) - cut;

		assert_int_equal(crc32_ieee(crc32_ieee(0, data, cut), data + cut, rest),
				 crc32_ieee(0, data, sizeof(data)));
		assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, rest),
				 crc32c(0, data, sizeof(data)));
		assert_true(crc64nvme(crc64nvme(0, data, cut), data + cut, rest) ==
			    crc64nvme(0, data, sizeof(data)));
	}
}

/* The polynomial bit by bit: what every fast way has to equal. */
static uint64_t crc_slow(uint64_t poly, uint64_t ones, uint64_t c, const char *p, size_t n)
{
	c ^= ones;
	while (n--) {
		c ^= (unsigned char)*p++;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ poly : c >> 1;
	}
	return c ^ ones;
}

TEST(crcs_equal_the_definition)
{
	char data[1200];
	uint64_t c = 0;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * i);
	for (size_t n = 0; n < sizeof(data); n++) {
		const char *p = data + n % 3;
		size_t len = n < 3 ? n : n - n % 3;

		assert_int_equal(crc32c((uint32_t)c, p, len), crc_slow(0x82f63b78, UINT32_MAX, (uint32_t)c, p, len));
		assert_int_equal(crc32_ieee((uint32_t)c, p, len), crc_slow(0xedb88320, UINT32_MAX, (uint32_t)c, p, len));
		assert_true(crc64nvme(c, p, len) == crc_slow(0x9a6c9329ac4bc9b5, UINT64_MAX, c, p, len));
		c = crc64nvme(c, p, len);
	}
}

TEST(utf8_valid_and_length)
{
	static const char *const bad[] = { "\x80",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5",
					   "\xc3",
					   "\xe2\x82",
					   "a\xff" };

	assert_true(utf8_valid(VIEW("")) &&
		    utf8_valid(VIEW(
			    "a\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xed\x9f\xbf")));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (utf8_valid(view_str(bad[i])))
			fail_msg("case %zu taken", i);
	assert_int_equal(utf8_len(VIEW("a\xed\x95\x9c\xf0\x9f\x98\x80")), 3);
}

TEST(utf8_put_all_lengths)
{
	struct buf b;

	buf_init(&b, 100);
	utf8_put(&b, 'a');
	utf8_put(&b, 0xe9);
	utf8_put(&b, 0xd55c);
	utf8_put(&b, 0x1f600);
	assert_string_equal(b.p, "a\xc3\xa9\xed\x95\x9c\xf0\x9f\x98\x80");
	buf_clear(&b);
}

TEST(uri_both_ways)
{
	struct arena a;
	struct buf b;
	struct view v;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1000);
	uri_encode(&b, VIEW("a/b c+~_-.\xc3\xa9"), false);
	assert_string_equal(b.p, "a%2Fb%20c%2B~_-.%C3%A9");
	buf_reset(&b);
	uri_encode(&b, VIEW("a/b"), true);
	assert_string_equal(b.p, "a/b");
	assert_true(uri_decode(&a, VIEW("a%2fb+%C3%A9"), false, &v) &&
		    view_eq(v, VIEW("a/b+\xc3\xa9")));
	assert_true(uri_decode(&a, VIEW("a+b"), true, &v) && view_eq(v, VIEW("a b")));
	assert_false(uri_decode(&a, VIEW("%"), false, &v));
	assert_false(uri_decode(&a, VIEW("%2"), false, &v));
	assert_false(uri_decode(&a, VIEW("%zz"), false, &v));
	buf_clear(&b);
	arena_clear(&a);
}

TEST(time_agrees_with_libc)
{
	char out[TIME_TEXT];

	for (int64_t s = -62135596800; s < 253402300800; s += 86400LL * 97 + 12345) {
		time_t t = (time_t)s;
		struct tm tm;
		struct civil c;

		gmtime_r(&t, &tm);
		time_civil(s * 1000 + 7, &c);
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(c.hour, tm.tm_hour);
		assert_int_equal(c.second, tm.tm_sec);
		assert_int_equal(c.yday, tm.tm_yday + 1);
		assert_int_equal(c.wday, tm.tm_wday);
		assert_int_equal(c.ms, 7);
		assert_true(time_from_civil(&c) == s * 1000 + 7);
	}
	assert_string_equal(time_iso(1795380416123, out), "2026-11-22T20:46:56.123Z");
	assert_string_equal(time_iso_s(1795380416123, out), "2026-11-22T20:46:56Z");
	assert_string_equal(time_basic(1795380416123, out), "20261122T204656Z");
	assert_string_equal(time_http(1795380416123, out), "Sun, 22 Nov 2026 20:46:56 GMT");
}

TEST(time_parses)
{
	int64_t ms;

	assert_true(time_parse_iso(VIEW("2026-11-22T20:46:56.123Z"), &ms) && ms == 1795380416123);
	assert_true(time_parse_iso(VIEW("2026-11-23T05:46:56.1239+09:00"), &ms) &&
		    ms == 1795380416123);
	assert_true(time_parse_iso(VIEW("2026-11-22T20:46:56-00:30"), &ms) && ms == 1795382216000);
	assert_true(time_parse_basic(VIEW("20261122T204656Z"), &ms) && ms == 1795380416000);
	assert_true(time_parse_http(VIEW("Sun, 22 Nov 2026 20:46:56 GMT"), &ms) &&
		    ms == 1795380416000);
}

TEST(time_refuses)
{
	static const char *const t[] = { "",
					 "2026-11-22",
					 "2026-11-22T20:46:56",
					 "2026-13-01T00:00:00Z",
					 "2026-02-29T00:00:00Z",
					 "2026-11-22T24:00:00Z",
					 "2026-11-22T20:46:56.Z",
					 "2026-11-22T20:46:56Zx",
					 "2026-11-22 20:46:56Z",
					 "2026-1-22T20:46:56Z",
					 "2026-11-22T20:46:56+0900",
					 "-026-11-22T20:46:56Z" };
	int64_t ms;

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (time_parse_iso(view_str(t[i]), &ms))
			fail_msg("taken: %s", t[i]);
	assert_false(time_parse_basic(VIEW("20261122T204656"), &ms));
	assert_false(time_parse_basic(VIEW("20261322T204656Z"), &ms));
	assert_true(time_parse_http(VIEW("Sun, 22 Nov 2026 20:46:56 -0000"), &ms));
	assert_false(time_parse_http(VIEW("Sun, 22 Nov 2026 20:46:56 +0900"), &ms));
	assert_false(time_parse_http(VIEW("Sun, 22 Nov 2026 20:46:56 KST"), &ms));
}
