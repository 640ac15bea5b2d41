// SPDX-License-Identifier: Apache-2.0
/* UTF-8 (RFC 3629) and percent-encoding. */
#include "base/utf8.h"

#include "base/base64.h"
#include "base/macro.h"

/* Length of the valid sequence at the start of @n bytes, or 0. */
static size_t sequence(const unsigned char *s, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		lo = 0xa0; /* overlong */
	else if (s[0] == 0xed)
		hi = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		lo = 0x90; /* overlong */
	else if (s[0] == 0xf4)
		hi = 0x8f; /* above U+10FFFF */
	if (n < len || s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool utf8_valid(struct view s)
{
	for (size_t i = 0, len; i < s.n; i += len) {
		len = sequence((const unsigned char *)s.p + i, s.n - i);
		if (len == 0)
			return false;
	}
	return true;
}

size_t utf8_len(struct view s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

void utf8_put(struct buf *b, uint32_t c)
{
	char s[4];
	size_t n = 0;

	must(c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));
	if (c < 0x80) {
		s[n++] = (char)c;
	} else if (c < 0x800) {
		s[n++] = (char)(0xc0 | c >> 6);
		s[n++] = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		s[n++] = (char)(0xe0 | c >> 12);
		s[n++] = (char)(0x80 | (c >> 6 & 63));
		s[n++] = (char)(0x80 | (c & 63));
	} else {
		s[n++] = (char)(0xf0 | c >> 18);
		s[n++] = (char)(0x80 | (c >> 12 & 63));
		s[n++] = (char)(0x80 | (c >> 6 & 63));
		s[n++] = (char)(0x80 | (c & 63));
	}
	buf_add(b, s, n);
}

static bool unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void uri_encode(struct buf *b, struct view s, bool keep_slash)
{
	for (size_t i = 0; i < s.n; i++) {
		if (unreserved(s.p[i]) || (keep_slash && s.p[i] == '/'))
			buf_add_char(b, s.p[i]);
		else
			buf_printf(b, "%%%02X", (unsigned)(unsigned char)s.p[i]);
	}
}

bool uri_decode(struct arena *a, struct view s, bool plus_is_space, struct view *ret)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			if (s.n - i < 3 || !hex_decode(&out[n], view_sub(s, i + 1, 2)))
				return false;
			n++;
			i += 2;
		} else {
			out[n++] = plus_is_space && s.p[i] == '+' ? ' ' : s.p[i];
		}
	}
	out[n] = '\0';
	*ret = view_of(out, n);
	return true;
}
