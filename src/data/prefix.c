/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix expressions of delivery streams. */
#include "data/prefix.h"

#include "base/time.h"
#include "base/utf8.h"

#define PIECES_MAX 256
#define RANDOM_LEN 11

enum piece_kind { PIECE_TEXT, PIECE_TIME, PIECE_RANDOM, PIECE_ERROR_TYPE };

struct piece {
	enum piece_kind kind;
	struct view text; /* itself, or the timestamp's format */
};

struct prefix {
	enum prefix_use use;
	struct piece v[PIECES_MAX];
	size_t n;
	bool expressions;
};

/* --- timestamps --- */

static const char *const months[] = { "January",   "February", "March",    "April",
				      "May",       "June",     "July",     "August",
				      "September", "October",  "November", "December" };
static const char *const days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
				    "Thursday", "Friday", "Saturday" };

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t run_length(struct view v, size_t at)
{
	size_t n = 1;

	while (at + n < v.n && v.p[at + n] == v.p[at])
		n++;
	return n;
}

/* The greatest number of equal letters that means something; 0: not a letter that we know. */
static size_t letters_max(char c)
{
	switch (c) {
	case 'y':
		return 9;
	case 'S':
		return 9;
	case 'M':
	case 'E':
		return 5;
	case 'D':
		return 3;
	case 'd':
	case 'H':
	case 'h':
	case 'm':
	case 's':
		return 2;
	case 'a':
		return 1;
	default:
		return 0;
	}
}

/* Index behind the quoted text that begins at @at, or 0 when its end is missing. */
static size_t quoted_end(struct view v, size_t at)
{
	for (size_t i = at + 1; i < v.n; i++) {
		if (v.p[i] != '\'')
			continue;
		if (i + 1 < v.n && v.p[i + 1] == '\'')
			i++;
		else
			return i + 1;
	}
	return 0;
}

static int check_timestamp(struct view f, struct err *e)
{
	if (!f.n)
		return err_set(e, ERR_INVALID, "!{timestamp:} has no format");
	for (size_t i = 0; i < f.n;) {
		char c = f.p[i];
		size_t n = run_length(f, i);

		if (c == '\'') {
			i = quoted_end(f, i);
			if (!i)
				return err_set(e, ERR_INVALID,
					       "!{timestamp:%.*s}: a quote is not closed",
					       VIEW_ARG(f));
			continue;
		}
		if (c == '{' || c == '#' || c == '[' || c == ']')
			return err_set(e, ERR_INVALID, "!{timestamp:%.*s}: '%c' is reserved",
				       VIEW_ARG(f), c);
		if (is_letter(c) && !letters_max(c))
			return err_set(e, ERR_UNSUPPORTED,
				       "!{timestamp:%.*s}: the letter '%c' is not supported",
				       VIEW_ARG(f), c);
		if (is_letter(c) && n > letters_max(c))
			return err_set(e, ERR_INVALID, "!{timestamp:%.*s}: too many letters '%c'",
				       VIEW_ARG(f), c);
		i += n;
	}
	return 0;
}

static void put_number(struct buf *b, int value, size_t width)
{
	buf_printf(b, "%0*d", (int)width, value);
}

static void put_name(struct buf *b, const char *name, size_t letters)
{
	if (letters == 4)
		buf_add_str(b, name);
	else
		buf_add(b, name, letters == 5 ? 1 : 3);
}

static void put_year(struct buf *b, int year, size_t n)
{
	if (n == 2)
		put_number(b, year % 100, 2);
	else
		put_number(b, year, n);
}

static void put_fraction(struct buf *b, int ms, size_t n)
{
	const char digits[] = { (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
				(char)('0' + ms % 10) };

	for (size_t i = 0; i < n; i++)
		buf_add_char(b, i < 3 ? digits[i] : '0');
}

static void put_field(struct buf *b, const struct civil *c, char letter, size_t n)
{
	switch (letter) {
	case 'y':
		put_year(b, c->year, n);
		break;
	case 'M':
		if (n > 2)
			put_name(b, months[c->month - 1], n);
		else
			put_number(b, c->month, n);
		break;
	case 'E':
		put_name(b, days[c->wday], n < 3 ? 3 : n);
		break;
	case 'D':
		put_number(b, c->yday, n);
		break;
	case 'd':
		put_number(b, c->day, n);
		break;
	case 'H':
		put_number(b, c->hour, n);
		break;
	case 'h':
		put_number(b, (c->hour + 11) % 12 + 1, n);
		break;
	case 'm':
		put_number(b, c->minute, n);
		break;
	case 's':
		put_number(b, c->second, n);
		break;
	case 'S':
		put_fraction(b, c->ms, n);
		break;
	default: /* 'a' */
		buf_add_str(b, c->hour < 12 ? "AM" : "PM");
	}
}

static void put_quoted(struct buf *b, struct view q)
{
	if (q.n == 2) { /* '' outside of quotes is a quote */
		buf_add_char(b, '\'');
		return;
	}
	for (size_t i = 1; i + 1 < q.n; i++) {
		buf_add_char(b, q.p[i]);
		if (q.p[i] == '\'')
			i++;
	}
}

void prefix_timestamp(struct view f, int64_t at_ms, struct buf *ret)
{
	struct civil c;

	time_civil(at_ms, &c);
	for (size_t i = 0; i < f.n;) {
		size_t n = run_length(f, i);

		if (f.p[i] == '\'') {
			size_t end = quoted_end(f, i);

			must(end);
			put_quoted(ret, view_sub(f, i, end - i));
			i = end;
			continue;
		}
		if (is_letter(f.p[i]))
			put_field(ret, &c, f.p[i], n);
		else
			buf_add(ret, f.p + i, n);
		i += n;
	}
}

/* --- parsing --- */

static int parse_firehose(struct view text, struct view name, enum prefix_use use,
			  enum piece_kind *ret, struct err *e)
{
	if (view_eq_str(name, "random-string")) {
		*ret = PIECE_RANDOM;
		return 0;
	}
	if (!view_eq_str(name, "error-output-type"))
		return err_set(e, ERR_INVALID, "%.*s: unknown expression of the namespace firehose",
			       VIEW_ARG(text));
	if (use == PREFIX_DATA)
		return err_set(e, ERR_INVALID, "Prefix cannot contain %.*s", VIEW_ARG(text));
	*ret = PIECE_ERROR_TYPE;
	return 0;
}

/* @text: "!{namespace:value}" */
static int parse_expression(struct view text, enum prefix_use use, struct piece *ret, struct err *e)
{
	struct view inner = view_sub(text, 2, text.n - 3), value;
	ptrdiff_t colon = view_chr(inner, ':');
	struct view ns = view_sub(inner, 0, colon < 0 ? inner.n : (size_t)colon);

	if (colon < 0)
		return err_set(e, ERR_INVALID, "%.*s: an expression is !{namespace:value}",
			       VIEW_ARG(text));
	value = view_from(inner, (size_t)colon + 1);
	*ret = (struct piece){ .text = value };
	if (view_eq_str(ns, "timestamp")) {
		ret->kind = PIECE_TIME;
		return check_timestamp(value, e);
	}
	if (view_eq_str(ns, "firehose"))
		return parse_firehose(text, value, use, &ret->kind, e);
	if (view_eq_str(ns, "partitionKeyFromQuery") || view_eq_str(ns, "partitionKeyFromLambda")) {
		if (use == PREFIX_ERROR)
			return err_set(e, ERR_INVALID, "ErrorOutputPrefix cannot contain %.*s",
				       VIEW_ARG(text));
		return err_set(e, ERR_UNSUPPORTED, "the expression %.*s is not supported by mulgil",
			       VIEW_ARG(text));
	}
	return err_set(e, ERR_INVALID, "%.*s: unknown namespace", VIEW_ARG(text));
}

static int add(struct prefix *p, struct piece piece, struct err *e)
{
	if (p->n == PIECES_MAX)
		return err_set(e, ERR_INVALID, "a prefix has at most %d expressions",
			       PIECES_MAX / 2);
	p->v[p->n++] = piece;
	return 0;
}

static int parse(struct prefix *p, struct view text, struct err *e)
{
	while (text.n) {
		ptrdiff_t at = view_find(text, VIEW("!{")), end;
		struct piece piece = { .kind = PIECE_TEXT };
		int rc;

		if (at != 0) {
			piece.text = view_sub(text, 0, at < 0 ? text.n : (size_t)at);
			text = view_from(text, piece.text.n);
			if (add(p, piece, e))
				return e->code;
			continue;
		}
		end = view_chr(text, '}');
		if (end < 0)
			return err_set(e, ERR_INVALID, "%.*s: the expression is not closed",
				       VIEW_ARG(text));
		rc = parse_expression(view_sub(text, 0, (size_t)end + 1), p->use, &piece, e);
		if (!rc)
			rc = add(p, piece, e);
		if (rc)
			return rc;
		p->expressions = true;
		text = view_from(text, (size_t)end + 1);
	}
	return 0;
}

int prefix_parse(struct arena *a, struct view text, enum prefix_use use, const struct prefix **ret,
		 struct err *e)
{
	struct prefix *p = ARENA_NEW(a, struct prefix);
	int rc;

	if (!utf8_valid(text) || (text.n && memchr(text.p, 0, text.n)))
		return err_set(e, ERR_INVALID, "a prefix is UTF-8 text");
	if (utf8_len(text) > PREFIX_TEXT_MAX)
		return err_set(e, ERR_INVALID, "a prefix has at most %d characters",
			       PREFIX_TEXT_MAX);
	p->use = use;
	rc = parse(p, arena_view(a, text.p ? text : VIEW("")), e);
	if (!rc)
		*ret = p;
	return rc;
}

static bool has(const struct prefix *p, enum piece_kind kind)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].kind == kind)
			return true;
	return false;
}

int prefix_check_pair(const struct prefix *data, const struct prefix *error, struct err *e)
{
	if (data->expressions && (!error || !error->n))
		return err_set(e, ERR_INVALID,
			       "ErrorOutputPrefix cannot be null or empty when Prefix contains "
			       "expressions");
	if (error && error->expressions && !has(error, PIECE_ERROR_TYPE))
		return err_set(e, ERR_INVALID,
			       "ErrorOutputPrefix has expressions, so it has to contain "
			       "!{firehose:error-output-type}");
	return 0;
}

bool prefix_has_expressions(const struct prefix *p)
{
	return p->expressions;
}

bool prefix_gets_date(const struct prefix *p)
{
	return p->use == PREFIX_DATA && !p->expressions;
}

/* --- values --- */

/* SplitMix64 (Steele, Lea, Flood 2014): good enough to spread keys; nothing here is a secret. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void put_random(struct buf *b, uint64_t *state)
{
	static const char letters[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (int i = 0; i < RANDOM_LEN; i++)
		buf_add_char(b, letters[next_random(state) % (sizeof(letters) - 1)]);
}

void prefix_eval(const struct prefix *p, const struct prefix_env *env, struct buf *ret)
{
	uint64_t random = env->seed;

	for (size_t i = 0; i < p->n; i++) {
		switch (p->v[i].kind) {
		case PIECE_TEXT:
			buf_add_view(ret, p->v[i].text);
			break;
		case PIECE_TIME:
			prefix_timestamp(p->v[i].text, env->at_ms, ret);
			break;
		case PIECE_RANDOM:
			put_random(ret, &random);
			break;
		case PIECE_ERROR_TYPE:
			buf_add_str(ret, env->error_type ? env->error_type : "");
			break;
		}
	}
	if (prefix_gets_date(p))
		prefix_timestamp(VIEW("yyyy/MM/dd/HH/"), env->at_ms, ret);
}
