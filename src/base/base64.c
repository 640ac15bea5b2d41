// SPDX-License-Identifier: Apache-2.0
/* base64 and hex, to and from text. */
#include "base/base64.h"

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

bool base64_decode(void *out, struct view text, size_t *ret_n)
{
	uint8_t *o = out;
	size_t pad = 0;

	if (text.n % 4)
		return false;
	while (pad < 2 && text.n > pad && text.p[text.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < text.n; i += 4) {
		size_t chars = i + 4 == text.n ? 4 - pad : 4;
		uint32_t v;

		if (!decode_4(text.p + i, chars, &v))
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
