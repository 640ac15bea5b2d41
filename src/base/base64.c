// SPDX-License-Identifier: Apache-2.0
/*
 * base64 and hex, to and from text.
 *
 * Thirty-two characters at once as in W. Mula and D. Lemire, "Faster Base64 Encoding and Decoding Using AVX2
 * Instructions" (2018), for the packing; which character is which is told by comparing, five ranges of them.
 */
#include "base/base64.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/macro.h"

static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex[] = "0123456789abcdef";

void base64_encode(char *out, const void *p, size_t n)
{
	const uint8_t *s = p;

	for (; n >= 3; n -= 3, s += 3) {
		*out++ = b64[s[0] >> 2];
		*out++ = b64[(s[0] & 3) << 4 | s[1] >> 4];
		*out++ = b64[(s[1] & 15) << 2 | s[2] >> 6];
		*out++ = b64[s[2] & 63];
	}
	if (n == 0)
		return;
	*out++ = b64[s[0] >> 2];
	*out++ = b64[(s[0] & 3) << 4 | (n == 2 ? s[1] >> 4 : 0)];
	*out++ = n == 2 ? b64[(s[1] & 15) << 2] : '=';
	*out = '=';
}

struct view base64_encode_arena(struct arena *a, struct view bytes)
{
	size_t n = base64_len(bytes.n);
	char *out = arena_alloc(a, n + 1);

	base64_encode(out, bytes.p, bytes.n);
	return view_of(out, n);
}

/* Values of the alphabet plus 1; 0 is not in it. */
#define R(c) [c] = (c) - 'A' + 1
#define S(c) [c] = (c) - 'a' + 27
#define D(c) [c] = (c) - '0' + 53
static const uint8_t b64_value[256] = {
	R('A'), R('B'), R('C'),     R('D'),     R('E'), R('F'), R('G'), R('H'), R('I'), R('J'),
	R('K'), R('L'), R('M'),     R('N'),     R('O'), R('P'), R('Q'), R('R'), R('S'), R('T'),
	R('U'), R('V'), R('W'),     R('X'),     R('Y'), R('Z'), S('a'), S('b'), S('c'), S('d'),
	S('e'), S('f'), S('g'),     S('h'),     S('i'), S('j'), S('k'), S('l'), S('m'), S('n'),
	S('o'), S('p'), S('q'),     S('r'),     S('s'), S('t'), S('u'), S('v'), S('w'), S('x'),
	S('y'), S('z'), D('0'),     D('1'),     D('2'), D('3'), D('4'), D('5'), D('6'), D('7'),
	D('8'), D('9'), ['+'] = 63, ['/'] = 64,
};
#undef R
#undef S
#undef D

static bool decode_4(const char *s, size_t chars, uint32_t *ret)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		uint8_t x = i < chars ? b64_value[(unsigned char)s[i]] : 1;

		if (x == 0)
			return false;
		v = v << 6 | (x - 1U);
	}
	*ret = v;
	return true;
}

#if defined(__x86_64__)
#define WIDE ((size_t)32)       /* characters at once */
#define WIDE_NEEDS ((size_t)44) /* of which there are so many left: what is stored behind their bytes has room then */
#define AVX2 REAL_STACK __attribute__((target("avx2")))

static bool can_avx2;

__attribute__((constructor)) static void look_at_processor(void)
{
	__builtin_cpu_init();
	can_avx2 = __builtin_cpu_supports("avx2");
}

AVX2 static inline __m256i each(char c)
{
	return _mm256_set1_epi8(c);
}

/* All bits where @c is one of the @n characters from @first. */
AVX2 static inline __m256i among(__m256i c, char first, char n)
{
	__m256i x = _mm256_sub_epi8(c, each(first));

	return _mm256_cmpeq_epi8(_mm256_min_epu8(x, each((char)(n - 1))), x);
}

/* Characters to what they stand for; *ret_good: all bits where they are of the alphabet. */
AVX2 static inline __m256i values(__m256i c, __m256i *ret_good)
{
	static const struct {
		char first, n, value;
	} range[] = { { 'A', 26, 0 }, { 'a', 26, 26 }, { '0', 10, 52 }, { '+', 1, 62 }, { '/', 1, 63 } };
	__m256i good = _mm256_setzero_si256(), shift = good;

#pragma GCC unroll 5
	for (size_t i = 0; i < ARRAY_LEN(range); i++) {
		__m256i here = among(c, range[i].first, range[i].n);

		good = _mm256_or_si256(good, here);
		shift = _mm256_or_si256(shift, _mm256_and_si256(here, each((char)(range[i].value - range[i].first))));
	}
	*ret_good = good;
	return _mm256_add_epi8(c, shift);
}

AVX2 static inline __m256i load(const char *s)
{
	return _mm256_loadu_si256((const __m256i_u *)(const void *)s);
}

/* Thirty-two values of six bits to 24 bytes and eight zeros. */
AVX2 static inline __m256i packed(__m256i v)
{
	const __m256i bytes = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4, 10,
					       9, 8, 14, 13, 12, -1, -1, -1, -1);

	v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140)); /* twelve bits of two */
	v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));    /* twenty-four of four */
	v = _mm256_shuffle_epi8(v, bytes);
	return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

/* Returns how many characters it decoded; stops at one that is not in the alphabet.  @out may be @s: it reads a piece
 * before it writes, and what it writes ends before what it has read. */
AVX2 static size_t decode_wide(uint8_t *out, const char *s, size_t n)
{
	size_t at = 0;

	for (; n - at >= WIDE_NEEDS; at += WIDE) {
		__m256i good, v = values(load(s + at), &good);

		if (_mm256_movemask_epi8(good) != -1)
			break;
		_mm256_storeu_si256((__m256i_u *)(void *)(out + at / 4 * 3), packed(v));
	}
	return at;
}

AVX2 static size_t span_wide(const char *s, size_t n)
{
	size_t at = 0;

	for (; n - at >= WIDE; at += WIDE) {
		__m256i good;
		uint32_t bad;

		(void)values(load(s + at), &good);
		bad = ~(uint32_t)_mm256_movemask_epi8(good);
		if (bad)
			return at + (size_t)__builtin_ctz(bad);
	}
	return at;
}
#endif

size_t base64_span(struct view text)
{
	size_t n = 0;

#if defined(__x86_64__)
	if (can_avx2)
		n = span_wide(text.p, text.n);
#endif
	while (n < text.n && b64_value[(unsigned char)text.p[n]])
		n++;
	return n;
}

bool base64_decode(void *out, struct view text, size_t *ret_n)
{
	uint8_t *o = out;
	size_t pad = 0, at = 0;

	if (text.n % 4)
		return false;
	while (pad < 2 && text.n > pad && text.p[text.n - 1 - pad] == '=')
		pad++;
#if defined(__x86_64__)
	if (can_avx2)
		at = decode_wide(o, text.p, text.n);
	o += at / 4 * 3;
#endif
	for (; at < text.n; at += 4) {
		size_t chars = at + 4 == text.n ? 4 - pad : 4;
		uint32_t v;

		if (!decode_4(text.p + at, chars, &v))
			return false;
		/* Bits that no byte holds have to be 0: one text per content. */
		if ((chars == 3 && (v & 0xff)) || (chars == 2 && (v & 0xffff)))
			return false;
		*o++ = (uint8_t)(v >> 16);
		if (chars > 2)
			*o++ = (uint8_t)(v >> 8);
		if (chars > 3)
			*o++ = (uint8_t)v;
	}
	*ret_n = (size_t)(o - (uint8_t *)out);
	return true;
}

bool base64_decode_arena(struct arena *a, struct view text, struct view *ret)
{
	char *out = arena_alloc(a, text.n / 4 * 3 + 1);
	size_t n;

	if (!base64_decode(out, text, &n))
		return false;
	*ret = view_of(out, n);
	return true;
}

void hex_encode(char *out, const void *p, size_t n)
{
	const uint8_t *s = p;

	for (size_t i = 0; i < n; i++) {
		*out++ = hex[s[i] >> 4];
		*out++ = hex[s[i] & 15];
	}
}

char *hex_arena(struct arena *a, const void *p, size_t n)
{
	char *out = arena_alloc(a, 2 * n + 1);

	hex_encode(out, p, n);
	return out;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(void *out, struct view text)
{
	uint8_t *o = out;

	if (text.n % 2)
		return false;
	for (size_t i = 0; i < text.n; i += 2) {
		int h = hex_value(text.p[i]), l = hex_value(text.p[i + 1]);

		if (h < 0 || l < 0)
			return false;
		*o++ = (uint8_t)(h << 4 | l);
	}
	return true;
}
