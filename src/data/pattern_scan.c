// SPDX-License-Identifier: Apache-2.0
/*
 * Scans pattern texts token by token.  base/json.h is not used here because EventBridge's messages
 * name the place where its own parser stood: strings are read lazily, the value behind a member's name is
 * looked at together with the name.
 */
#include "data/pattern_int.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/utf8.h"

#define SOURCE_SHOWN 500 /* characters of the pattern shown in a message */
#define TEXT_MAX (1024 * 1024)

void scan_init(struct scan *s, struct arena *a, struct view src, struct err *e)
{
	*s = (struct scan){ .a = a, .src = src, .pending = TOKEN_END, .first = true, .e = e };
}

static void place(const struct scan *s, size_t pos, struct buf *b)
{
	size_t line = 1, col = 1, shown = 0, chars = 0;

	for (size_t i = 0; i < s->src.n; i++) {
		bool head = ((unsigned char)s->src.p[i] & 0xc0) != 0x80;

		if (i < pos) {
			if (s->src.p[i] == '\n') {
				line++;
				col = 1;
			} else if (head) {
				col++;
			}
		}
		chars += head;
		if (chars <= SOURCE_SHOWN)
			shown = i + 1;
	}
	buf_printf(b, "[Source: (String)\"%.*s\"", (int)shown, s->src.p ? s->src.p : "");
	if (chars > SOURCE_SHOWN)
		buf_printf(b, "[truncated %zu chars]", chars - SOURCE_SHOWN);
	buf_printf(b, "; line: %zu, column: %zu]", line, col);
}

bool scan_fail(struct scan *s, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	if (s->e->code)
		return false;
	buf_init(&b, TEXT_MAX);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	for (int i = 0; i < (s->in_list ? 2 : 1); i++) {
		buf_add_str(&b, "\n at ");
		place(s, s->pos, &b);
	}
	err_set(s->e, ERR_INVALID, "Event pattern is not valid. Reason: %s", b.p);
	buf_clear(&b);
	return false;
}

bool scan_fail_plain(struct scan *s, const char *fmt, ...)
{
	va_list ap;
	char *msg;

	if (s->e->code)
		return false;
	va_start(ap, fmt);
	msg = arena_vprintf(s->a, fmt, ap);
	va_end(ap);
	err_set(s->e, ERR_INVALID, "Event pattern is not valid. Reason: %s", msg);
	return false;
}

static int peek(const struct scan *s)
{
	return s->pos < s->src.n ? (unsigned char)s->src.p[s->pos] : -1;
}

static void skip_space(struct scan *s)
{
	int c;

	while ((c = peek(s)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		s->pos++;
}

static enum token bad_char(struct scan *s, const char *wanted)
{
	int c = peek(s);

	if (c < 0) {
		scan_fail(s, "Unexpected end-of-input: %s", wanted);
	} else {
		s->pos++;
		scan_fail(s, "Unexpected character ('%c' (code %d)): %s", c < 0x20 || c > 0x7e ? '?' : c, c,
			  wanted);
	}
	return TOKEN_ERROR;
}

static int hex4(struct scan *s)
{
	int v = 0;

	for (int i = 0; i < 4; i++, s->pos++) {
		int c = peek(s);
		int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (c < 0 || d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* After "\u": also the second half of a surrogate pair. */
static bool unicode_escape(struct scan *s, struct buf *b)
{
	int v = hex4(s), low;

	if (v >= 0xd800 && v < 0xdc00 && s->pos + 1 < s->src.n && s->src.p[s->pos] == '\\' &&
	    s->src.p[s->pos + 1] == 'u') {
		s->pos += 2;
		low = hex4(s);
		if (low < 0xdc00 || low > 0xdfff)
			v = -1;
		else
			v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
	}
	if (v < 0 || (v >= 0xd800 && v <= 0xdfff))
		return scan_fail(s, "Unexpected character in a Unicode escape: expected a hex-digit");
	utf8_put(b, (uint32_t)v);
	return true;
}

static bool escape(struct scan *s, struct buf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = peek(s);
	const char *at = c > 0 ? memchr(from, c, sizeof(from) - 1) : NULL;

	if (c < 0)
		return scan_fail(s, "Unexpected end-of-input: was expecting closing quote for a string value");
	s->pos++;
	if (c == 'u')
		return unicode_escape(s, b);
	if (!at)
		return scan_fail(s, "Unrecognized character escape '%c' (code %d)", c < 0x20 || c > 0x7e ? '?' : c, c);
	buf_add_char(b, to[at - from]);
	return true;
}

/* The rest of a string whose opening quote was read. */
static bool rest_of_string(struct scan *s, bool name)
{
	struct buf b;
	int c;
	bool ok = true;

	buf_init(&b, s->src.n + 16);
	while (ok && (c = peek(s)) != '"') {
		if (c < 0) {
			ok = scan_fail(s, "Unexpected end-of-input%s: was expecting closing quote for a string value",
				       name ? " in field name" : "");
		} else if (c < 0x20) {
			s->pos++;
			ok = scan_fail(s, "Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped "
				       "using backslash to be included in %s", c, name ? "name" : "string value");
		} else {
			s->pos++;
			if (c == '\\')
				ok = escape(s, &b);
			else
				buf_add_char(&b, (char)c);
		}
	}
	if (ok) {
		s->pos++;
		s->text = arena_view(s->a, buf_view(&b));
	}
	buf_clear(&b);
	return ok;
}

bool scan_text(struct scan *s)
{
	if (!s->open_str)
		return true;
	s->open_str = false;
	return rest_of_string(s, false);
}

static size_t digits(struct scan *s)
{
	size_t from = s->pos;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->pos++;
	return s->pos - from;
}

static enum token number(struct scan *s)
{
	size_t from = s->pos;

	if (peek(s) == '-')
		s->pos++;
	if (peek(s) == '0' && s->pos + 1 < s->src.n && s->src.p[s->pos + 1] >= '0' && s->src.p[s->pos + 1] <= '9') {
		scan_fail(s, "Invalid numeric value: Leading zeroes not allowed");
		return TOKEN_ERROR;
	}
	if (!digits(s))
		return bad_char(s, "expected digit (0-9) to follow minus sign, for valid numeric value");
	if (peek(s) == '.') {
		s->pos++;
		if (!digits(s))
			return bad_char(s, "Decimal point not followed by a digit");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->pos++;
		if (peek(s) == '+' || peek(s) == '-')
			s->pos++;
		if (!digits(s))
			return bad_char(s, "Exponent indicator not followed by a digit");
	}
	s->text = view_of(s->src.p + from, s->pos - from);
	return TOKEN_NUM;
}

static enum token word(struct scan *s)
{
	static const struct { const char *text; enum token t; } words[] = {
		{ "true", TOKEN_TRUE }, { "false", TOKEN_FALSE }, { "null", TOKEN_NULL },
	};
	size_t n = 0;
	struct view w;

	while (s->pos + n < s->src.n && ((s->src.p[s->pos + n] | 32) >= 'a' && (s->src.p[s->pos + n] | 32) <= 'z'))
		n++;
	w = view_of(s->src.p + s->pos, n);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (view_eq_str(w, words[i].text)) {
			s->pos += n;
			return words[i].t;
		}
	if (n == 0)
		return bad_char(s, "expected a valid value (JSON String, Number, Array, Object or token 'null', "
				"'true' or 'false')");
	s->pos += n;
	scan_fail(s, "Unrecognized token '%.*s': was expecting (JSON String, Number, Array, Object or token 'null', "
		  "'true' or 'false')", VIEW_ARG(w));
	return TOKEN_ERROR;
}

/* Looks at a value's beginning: brackets one character, strings the opening quote, the others whole. */
static enum token value(struct scan *s)
{
	int c;

	skip_space(s);
	c = peek(s);
	if (c == '{' || c == '[') {
		s->pos++;
		return c == '{' ? TOKEN_OBJ : TOKEN_ARR;
	}
	if (c == '"') {
		s->pos++;
		s->open_str = true;
		return TOKEN_STR;
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return number(s);
	return word(s);
}

static enum token push(struct scan *s, enum token t)
{
	if (t != TOKEN_OBJ && t != TOKEN_ARR)
		return t;
	if (s->depth == PATTERN_DEPTH) {
		scan_fail_plain(s, "Event pattern is nested deeper than %d levels", PATTERN_DEPTH);
		return TOKEN_ERROR;
	}
	s->start[s->depth] = s->pos - 1;
	s->stack[s->depth++] = t == TOKEN_OBJ ? '{' : '[';
	s->first = true;
	return t;
}

static enum token pop(struct scan *s, int c)
{
	char open = s->stack[s->depth - 1];
	struct buf b;

	s->pos++;
	if ((open == '{') == (c == '}')) {
		s->depth--;
		s->first = false;
		return c == '}' ? TOKEN_OBJ_END : TOKEN_ARR_END;
	}
	buf_init(&b, TEXT_MAX);
	place(s, s->start[s->depth - 1], &b);
	scan_fail(s, "Unexpected close marker '%c': expected '%c' (for %s starting at %s)", c, open == '{' ? '}' : ']',
		  open == '{' ? "Object" : "Array", b.p);
	buf_clear(&b);
	return TOKEN_ERROR;
}

static enum token name(struct scan *s)
{
	struct view text;

	if (peek(s) != '"')
		return bad_char(s, "was expecting double-quote to start field name");
	s->pos++;
	if (!rest_of_string(s, true))
		return TOKEN_ERROR;
	text = s->text;
	skip_space(s);
	if (peek(s) != ':')
		return bad_char(s, "was expecting a colon to separate field name and value");
	s->pos++;
	s->after_name = true;
	s->pending = value(s);
	if (s->pending == TOKEN_ERROR)
		return TOKEN_ERROR;
	if (s->pending == TOKEN_NUM)
		s->number = s->text;
	s->text = text;
	return TOKEN_NAME;
}

static enum token after_the_end(struct scan *s)
{
	skip_space(s);
	return peek(s) < 0 ? TOKEN_END : bad_char(s, "was expecting the end of the pattern");
}

enum token scan_next(struct scan *s)
{
	enum token t;
	int c;

	if (s->after_name) {
		s->after_name = false;
		t = s->pending;
		if (t == TOKEN_NUM)
			s->text = s->number;
		s->first = false;
		return push(s, t);
	}
	if (!scan_text(s))
		return TOKEN_ERROR;
	if (s->depth == 0)
		return s->first ? (s->first = false, push(s, value(s))) : after_the_end(s);
	skip_space(s);
	c = peek(s);
	if (c == '}' || c == ']')
		return pop(s, c);
	if (!s->first) {
		if (c != ',')
			return bad_char(s, s->stack[s->depth - 1] == '{' ?
					"was expecting comma to separate Object entries" :
					"was expecting comma to separate Array entries");
		s->pos++;
		skip_space(s);
	}
	s->first = false;
	return s->stack[s->depth - 1] == '{' ? name(s) : push(s, value(s));
}
