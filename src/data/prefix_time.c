/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps in prefixes: patterns of Java's DateTimeFormatter. */
#include "data/prefix_int.h"

#include "base/time.h"

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

/* The greatest number of equal letters that means something; 0: not a letter that is done here. */
static size_t letters_max(char c)
{
	static const struct {
		const char *letters;
		size_t max;
	} table[] = { { "uySAnN", 9 }, { "MLE", 5 }, { "GZOxX", 5 }, { "z", 3 }, { "D", 3 }, { "dHhKkmsQqV", 2 }, { "a", 1 } };

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strchr(table[i].letters, c))
			return table[i].max;
	return 0;
}

/* Java has no VV with one letter, and no O of two or three. */
static bool letters_fit(char c, size_t n)
{
	if (c == 'V')
		return n == 2;
	if (c == 'O')
		return n == 1 || n == 4;
	return n <= letters_max(c);
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

int prefix__check_timestamp(struct view f, struct err *e)
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
		if (is_letter(c) && !letters_fit(c, n))
			return err_set(e, ERR_INVALID, "!{timestamp:%.*s}: this number of letters '%c' means nothing",
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

/* --- fields --- */

struct moment {
	struct civil c;
	struct zone_at at;
	struct view zone;
};

static void put_date(struct buf *b, const struct civil *c, char letter, size_t n)
{
	static const char *const eras[] = { "AD", "Anno Domini", "A" };

	switch (letter) {
	case 'G':
		buf_add_str(b, eras[n == 4 ? 1 : n == 5 ? 2 : 0]);
		break;
	case 'u':
	case 'y':
		put_year(b, c->year, n);
		break;
	case 'M':
	case 'L':
		if (n > 2)
			put_name(b, months[c->month - 1], n);
		else
			put_number(b, c->month, n);
		break;
	case 'Q':
	case 'q':
		put_number(b, (c->month + 2) / 3, n);
		break;
	case 'E':
		put_name(b, days[c->wday], n < 3 ? 3 : n);
		break;
	case 'D':
		put_number(b, c->yday, n);
		break;
	default: /* 'd' */
		put_number(b, c->day, n);
	}
}

static void put_time(struct buf *b, const struct civil *c, char letter, size_t n)
{
	const int second = (c->hour * 60 + c->minute) * 60 + c->second;

	switch (letter) {
	case 'H':
		put_number(b, c->hour, n);
		break;
	case 'k':
		put_number(b, (c->hour + 23) % 24 + 1, n);
		break;
	case 'K':
		put_number(b, c->hour % 12, n);
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
	case 'A':
		buf_printf(b, "%0*d", (int)n, second * 1000 + c->ms);
		break;
	case 'n':
		buf_printf(b, "%0*d", (int)n, c->ms * 1000000);
		break;
	case 'N':
		buf_printf(b, "%0*lld", (int)n, (second * 1000LL + c->ms) * 1000000);
		break;
	default: /* 'a' */
		buf_add_str(b, c->hour < 12 ? "AM" : "PM");
	}
}

/* "+09:00" in the forms of X, x and Z: 1 +09[mm], 2 +0900, 3 +09:00, 4 and 5 with seconds when there are any. */
static void put_offset(struct buf *b, int64_t s, size_t form)
{
	const int64_t v = s < 0 ? -s : s;
	const int h = (int)(v / 3600), m = (int)(v / 60 % 60), sec = (int)(v % 60);
	const char *colon = form == 3 || form == 5 ? ":" : "";

	buf_printf(b, "%c%02d", s < 0 ? '-' : '+', h);
	if (form > 1 || m)
		buf_printf(b, "%s%02d", colon, m);
	if (form > 3 && sec)
		buf_printf(b, "%s%02d", colon, sec);
}

static void put_gmt(struct buf *b, int64_t s, bool full)
{
	const int64_t v = s < 0 ? -s : s;

	buf_add_str(b, "GMT");
	if (!s)
		return;
	if (full) {
		put_offset(b, s, 5);
		return;
	}
	buf_printf(b, "%c%d", s < 0 ? '-' : '+', (int)(v / 3600));
	if (v % 3600)
		buf_printf(b, ":%02d", (int)(v / 60 % 60));
}

static void put_zone(struct buf *b, const struct moment *t, char letter, size_t n)
{
	const int64_t s = t->at.offset_s;

	switch (letter) {
	case 'V':
		buf_add_view(b, t->zone);
		break;
	case 'z':
		buf_add_view(b, t->at.abbreviation);
		break;
	case 'O':
		put_gmt(b, s, n == 4);
		break;
	case 'Z':
		if (n == 4)
			put_gmt(b, s, true);
		else if (n == 5 && !s)
			buf_add_char(b, 'Z');
		else
			put_offset(b, s, n == 5 ? 5 : 2);
		break;
	case 'X':
		if (s)
			put_offset(b, s, n);
		else
			buf_add_char(b, 'Z');
		break;
	default: /* 'x' */
		put_offset(b, s, n);
	}
}

static void put_field(struct buf *b, const struct moment *t, char letter, size_t n)
{
	if (strchr("GuyMLQqEDd", letter))
		put_date(b, &t->c, letter, n);
	else if (strchr("VzOZXx", letter))
		put_zone(b, t, letter, n);
	else
		put_time(b, &t->c, letter, n);
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

void prefix_timestamp(struct view f, int64_t at_ms, const struct zone *zone, struct buf *ret)
{
	struct moment t = { .at = zone_at(zone, at_ms), .zone = zone_name(zone) };

	time_civil(at_ms + t.at.offset_s * 1000, &t.c);
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
			put_field(ret, &t, f.p[i], n);
		else
			buf_add(ret, f.p + i, n);
		i += n;
	}
}
