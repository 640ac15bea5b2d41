// SPDX-License-Identifier: Apache-2.0
/* JSON by one pass over the characters; what is open is a stack of bits. */
#include "data/json_text.h"

#include "base/base64.h"
#include "base/utf8.h"

struct scan {
	struct view text;
	size_t at;
	const char *fault;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char peek(const struct scan *s)
{
	return s->at < s->text.n ? s->text.p[s->at] : '\0';
}

static bool bad(struct scan *s, const char *what)
{
	s->fault = s->at < s->text.n ? what : "unexpected end of the text";
	return false;
}

static void space(struct scan *s)
{
	while (s->at < s->text.n && is_space(s->text.p[s->at]))
		s->at++;
}

/* Four hex digits at @p, or -1. */
static int unit(struct view text, size_t at)
{
	unsigned char raw[2];

	if (at + 4 > text.n || !hex_decode(raw, view_sub(text, at, 4)))
		return -1;
	return raw[0] << 8 | raw[1];
}

/* An escape's length behind its backslash, or 0. */
static size_t escape(struct view text, size_t at)
{
	int u, v;

	if (at >= text.n || !text.p[at] || !strchr("\"\\/bfnrtu", text.p[at]))
		return 0;
	if (text.p[at] != 'u')
		return 1;
	u = unit(text, at + 1);
	if (u < 0 || (u >= 0xdc00 && u <= 0xdfff))
		return 0;
	if (u < 0xd800 || u > 0xdfff)
		return 5;
	if (!view_starts(view_from(text, at + 5), VIEW("\\u")))
		return 0;
	v = unit(text, at + 7);
	return v >= 0xdc00 && v <= 0xdfff ? 11 : 0;
}

static bool string(struct scan *s)
{
	if (peek(s) != '"')
		return bad(s, "a string is expected");
	for (s->at++; s->at < s->text.n; s->at++) {
		char c = s->text.p[s->at];
		size_t n;

		if (c == '"') {
			s->at++;
			return true;
		}
		if ((unsigned char)c < ' ')
			return bad(s, "a control character in a string");
		if (c != '\\')
			continue;
		n = escape(s->text, s->at + 1);
		if (!n)
			return bad(s, "an escape that is none");
		s->at += n;
	}
	return bad(s, "");
}

static bool digits(struct scan *s)
{
	if (!is_digit(peek(s)))
		return bad(s, "a digit is expected");
	while (is_digit(peek(s)))
		s->at++;
	return true;
}

static bool number(struct scan *s)
{
	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else if (!digits(s))
		return false;
	if (is_digit(peek(s)))
		return bad(s, "a number with a leading zero");
	if (peek(s) == '.') {
		s->at++;
		if (!digits(s))
			return false;
	}
	if (peek(s) != 'e' && peek(s) != 'E')
		return true;
	s->at++;
	if (peek(s) == '+' || peek(s) == '-')
		s->at++;
	return digits(s);
}

static bool word(struct scan *s)
{
	static const struct view words[] = { { "true", 4 }, { "false", 5 }, { "null", 4 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (view_starts(view_from(s->text, s->at), words[i])) {
			s->at += words[i].n;
			return true;
		}
	return bad(s, "a value is expected");
}

static bool scalar(struct scan *s)
{
	char c = peek(s);

	if (c == '"')
		return string(s);
	return c == '-' || is_digit(c) ? number(s) : word(s);
}

static bool name(struct scan *s)
{
	space(s);
	if (!string(s))
		return false;
	space(s);
	if (peek(s) != ':')
		return bad(s, "':' is expected");
	s->at++;
	return true;
}

struct open {
	bool object[JSON_TEXT_DEPTH];
	size_t n;
};

/* At the beginning of a value: one more level, or a whole scalar.  *ret_done: a value has ended. */
static bool begin(struct scan *s, struct open *o, bool *ret_done)
{
	char c;

	space(s);
	c = peek(s);
	*ret_done = c != '{' && c != '[';
	if (*ret_done)
		return scalar(s);
	if (o->n == JSON_TEXT_DEPTH)
		return bad(s, "nested too deep");
	o->object[o->n++] = c == '{';
	s->at++;
	space(s);
	if (peek(s) == (c == '{' ? '}' : ']')) {
		s->at++;
		o->n--;
		*ret_done = true;
		return true;
	}
	return c == '[' || name(s);
}

/* Behind a value: the ends of what ended with it, or the comma before the next.  False: a fault, or the end of all. */
static bool next(struct scan *s, struct open *o)
{
	while (o->n) {
		bool object = o->object[o->n - 1];

		space(s);
		if (peek(s) == ',') {
			s->at++;
			return !object || name(s);
		}
		if (peek(s) != (object ? '}' : ']'))
			return bad(s, object ? "',' or '}' is expected" : "',' or ']' is expected");
		s->at++;
		o->n--;
	}
	return false;
}

const char *json_text_check(struct view text, size_t *ret_end)
{
	struct scan s = { .text = text };
	struct open o = { .n = 0 };
	bool done = false;

	do {
		if (!begin(&s, &o, &done))
			break;
	} while (!done || next(&s, &o));
	*ret_end = s.at;
	return s.fault;
}

/* --- values that were checked --- */

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

static const char *skip_string(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

/* Behind the value at @p: it is right, so brackets only have to be counted. */
static const char *skip_value(const char *p, const char *end)
{
	size_t depth = 0;

	if (*p != '{' && *p != '[' && *p != '"') {
		while (p < end && !is_space(*p) && *p != ',' && *p != '}' && *p != ']')
			p++;
		return p;
	}
	do {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		p++;
	} while (depth);
	return p;
}

struct json_walk json_walk(struct view value)
{
	return (struct json_walk){ value.p + 1, value.p + value.n - 1, *value.p == '{' };
}

bool json_walk_next(struct json_walk *w, struct view *ret_name, struct view *ret)
{
	const char *from = skip_space(w->p, w->end);

	if (from == w->end)
		return false;
	if (w->object) {
		w->p = skip_string(from);
		*ret_name = view_of(from + 1, (size_t)(w->p - from) - 2);
		from = skip_space(skip_space(w->p, w->end) + 1, w->end);
	}
	w->p = skip_value(from, w->end);
	*ret = view_of(from, (size_t)(w->p - from));
	w->p = skip_space(w->p, w->end);
	if (w->p < w->end)
		w->p++; /* the comma */
	return true;
}

static size_t unescape_one(struct buf *out, struct view v, size_t at)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint32_t u;

	if (v.p[at] != 'u') {
		buf_add_char(out, to[strchr(from, v.p[at]) - from]);
		return 1;
	}
	u = (uint32_t)unit(v, at + 1);
	if (u < 0xd800 || u > 0xdfff) {
		utf8_put(out, u);
		return 5;
	}
	utf8_put(out, 0x10000 + ((u - 0xd800) << 10) + ((uint32_t)unit(v, at + 7) - 0xdc00));
	return 11;
}

void json_text_unescape(struct buf *out, struct view v)
{
	for (size_t at = 0; at < v.n;) {
		const char *slash = memchr(v.p + at, '\\', v.n - at);
		size_t n = slash ? (size_t)(slash - v.p) - at : v.n - at;

		buf_add(out, v.p + at, n);
		at += n;
		if (slash)
			at += 1 + unescape_one(out, v, at + 1);
	}
}
