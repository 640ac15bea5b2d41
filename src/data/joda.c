// SPDX-License-Identifier: Apache-2.0
/* JodaTime's patterns, for parsing only. */
#include "data/joda.h"

#include "base/macro.h"
#include "base/time.h"

#define SECOND_US 1000000LL

struct piece {
	char letter; /* '\'': text */
	size_t n;    /* how many letters */
	struct view text;
	bool number; /* the piece behind it is a number without anything between them */
};

struct joda {
	struct piece v[JODA_PIECES];
	size_t n;
	bool millis;
};

bool joda_is_millis(const struct joda *j)
{
	return j->millis;
}

/* --- compiling --- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_number(const struct piece *p)
{
	return p->letter && strchr("yYMdDKhHkmsS", p->letter) && !(p->letter == 'M' && p->n > 2);
}

static int check_letter(const struct piece *p, struct err *e)
{
	if (!strchr("yYMdDEaKhHkmsSZ", p->letter))
		return err_set(e, strchr("GCxwez", p->letter) ? ERR_UNSUPPORTED : ERR_INVALID,
			       strchr("GCxwez", p->letter) ? "'%c' is not supported" : "'%c' has no meaning", p->letter);
	if ((p->letter == 'y' || p->letter == 'Y') && p->n == 2)
		return err_set(e, ERR_UNSUPPORTED, "years of two digits are not supported");
	if (p->letter == 'Z' && p->n > 2)
		return err_set(e, ERR_UNSUPPORTED, "names of time zones are not supported");
	if (p->n > 9)
		return err_set(e, ERR_INVALID, "more than 9 of '%c'", p->letter);
	return 0;
}

/* Text in quotes from @at on; '' is one quote.  Returns where it ends, 0 if it does not. */
static size_t quoted(struct arena *a, struct view v, size_t at, struct view *ret)
{
	char *s = arena_alloc(a, v.n);
	size_t n = 0;

	if (at + 1 < v.n && v.p[at + 1] == '\'') {
		*ret = VIEW("'");
		return at + 2;
	}
	for (size_t i = at + 1; i < v.n; i++) {
		if (v.p[i] == '\'' && (i + 1 == v.n || v.p[i + 1] != '\'')) {
			*ret = view_of(s, n);
			return i + 1;
		}
		i += v.p[i] == '\'';
		s[n++] = v.p[i];
	}
	return 0;
}

static int add_piece(struct arena *a, struct joda *j, struct view v, size_t *at, struct err *e)
{
	struct piece *p = &j->v[j->n];
	size_t n = 1;

	if (j->n == JODA_PIECES)
		return err_set(e, ERR_LIMIT, "more than %d parts", JODA_PIECES);
	j->n++;
	if (!is_letter(v.p[*at])) {
		*p = (struct piece){ .letter = '\'', .text = view_sub(v, *at, 1) };
		if (v.p[*at] != '\'') {
			++*at;
			return 0;
		}
		*at = quoted(a, v, *at, &p->text);
		return *at ? 0 : err_set(e, ERR_INVALID, "a quote that does not end");
	}
	while (*at + n < v.n && v.p[*at + n] == v.p[*at])
		n++;
	*p = (struct piece){ .letter = v.p[*at], .n = n };
	*at += n;
	return check_letter(p, e);
}

int joda_compile(struct arena *a, struct view pattern, const struct joda **ret, struct err *e)
{
	struct joda *j = ARENA_NEW(a, struct joda);
	struct view v = arena_view(a, pattern);

	j->millis = view_eq_str(v, "millis");
	for (size_t at = 0; !j->millis && at < v.n;)
		if (add_piece(a, j, v, &at, e) < 0)
			return e->code;
	if (!j->millis && !j->n)
		return err_set(e, ERR_INVALID, "an empty pattern");
	for (size_t i = 0; i + 1 < j->n; i++)
		j->v[i].number = is_number(&j->v[i + 1]);
	*ret = j;
	return 0;
}

/* --- times --- */

static int month_days(int64_t year, int64_t month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

bool when_us(const struct when *w, int64_t *ret_us)
{
	struct civil c = { .year = (int)w->year, .month = (int)w->month, .day = (int)w->day, .hour = (int)w->hour,
			   .minute = (int)w->minute, .second = (int)w->second };

	if (w->year < 1 || w->year > 9999 || w->month < 1 || w->month > 12 || w->day < 1 ||
	    w->day > month_days(w->year, w->month) || w->hour > 23 || w->minute > 59 || w->second > 59 || w->hour < 0 ||
	    w->minute < 0 || w->second < 0)
		return false;
	*ret_us = time_from_civil(&c) * 1000 + w->us;
	return true;
}

/* --- parsing --- */

struct parse {
	struct view rest;
	struct when w;
	int64_t yday, half, hour12, offset_s; /* -1: not there (offset_s: 0) */
};

static bool take_digits(struct parse *p, size_t max, int64_t *ret, size_t *ret_n)
{
	size_t n = 0;

	*ret = 0;
	while (n < max && n < p->rest.n && is_digit(p->rest.p[n]))
		*ret = *ret * 10 + (p->rest.p[n++] - '0');
	p->rest = view_from(p->rest, n);
	*ret_n = n;
	return n > 0;
}

static bool take_name(struct parse *p, const char *const *names, size_t n_names, bool shortened, int64_t *ret)
{
	for (size_t i = 0; i < n_names; i++) {
		struct view name = view_str(names[i]);

		name.n = shortened ? 3 : name.n;
		if (!view_eq_nocase(view_sub(p->rest, 0, name.n), name))
			continue;
		p->rest = view_from(p->rest, name.n);
		*ret = (int64_t)i;
		return true;
	}
	return false;
}

static bool take_word(struct parse *p, const struct piece *q)
{
	static const char *const months[] = { "January", "February", "March",	  "April",   "May",	 "June",
					      "July",	 "August",   "September", "October", "November", "December" };
	static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
	static const char *const halves[] = { "AM", "PM" };
	int64_t i;

	switch (q->letter) {
	case 'M':
		if (!take_name(p, months, 12, q->n == 3, &i))
			return false;
		p->w.month = i + 1;
		return true;
	case 'E':
		return take_name(p, days, 7, q->n < 4, &i); /* not compared with the date */
	default:
		return take_name(p, halves, 2, false, &p->half);
	}
}

static bool take_char(struct parse *p, char c)
{
	if (!p->rest.n || *p->rest.p != c)
		return false;
	p->rest = view_from(p->rest, 1);
	return true;
}

static bool take_offset(struct parse *p)
{
	int64_t h, m;
	bool minus;
	size_t n;

	if (take_char(p, 'Z'))
		return true;
	minus = take_char(p, '-');
	if ((!minus && !take_char(p, '+')) || !take_digits(p, 2, &h, &n) || n != 2)
		return false;
	(void)take_char(p, ':');
	if (!take_digits(p, 2, &m, &n) || n != 2 || h > 23 || m > 59)
		return false;
	p->offset_s = (h * 3600 + m * 60) * (minus ? -1 : 1);
	return true;
}

static bool set_hour(struct parse *p, char letter, int64_t v)
{
	switch (letter) {
	case 'H':
		p->w.hour = v;
		return v <= 23;
	case 'k':
		p->w.hour = v % 24;
		return v >= 1 && v <= 24;
	case 'K':
		p->hour12 = v;
		return v <= 11;
	default:
		p->hour12 = v % 12;
		return v >= 1 && v <= 12;
	}
}

static bool set_number(struct parse *p, char letter, int64_t v, size_t digits)
{
	switch (letter) {
	case 'y':
	case 'Y':
		p->w.year = v;
		break;
	case 'M':
		p->w.month = v;
		break;
	case 'd':
		p->w.day = v;
		break;
	case 'D':
		p->yday = v;
		break;
	case 'm':
		p->w.minute = v;
		break;
	case 's':
		p->w.second = v;
		break;
	case 'S':
		for (; digits < 6; digits++)
			v *= 10;
		for (; digits > 6; digits--)
			v /= 10;
		p->w.us = v;
		break;
	default:
		return set_hour(p, letter, v);
	}
	return true;
}

static bool take(struct parse *p, const struct piece *q)
{
	int64_t v;
	size_t n, max;

	if (q->letter == '\'') {
		if (!view_eq_nocase(view_sub(p->rest, 0, q->text.n), q->text))
			return false;
		p->rest = view_from(p->rest, q->text.n);
		return true;
	}
	if (q->letter == 'Z')
		return take_offset(p);
	if (!is_number(q))
		return take_word(p, q);
	switch (q->letter) {
	case 'y':
	case 'Y':
		max = q->number ? q->n : 9;
		break;
	case 'S':
		max = q->n;
		break;
	case 'D':
		max = 3;
		break;
	default:
		max = 2;
	}
	return take_digits(p, max, &v, &n) && set_number(p, q->letter, v, n);
}

static bool finish(struct parse *p, int64_t *ret_us)
{
	int64_t us;

	if (p->w.year < 0)
		p->w.year = p->w.month >= 0 || p->yday >= 0 ? 2000 : 1970;
	if (p->hour12 >= 0)
		p->w.hour = p->hour12 + (p->half == 1 ? 12 : 0);
	p->w.month = p->w.month >= 0 ? p->w.month : 1;
	p->w.day = p->w.day >= 0 ? p->w.day : 1;
	if (p->yday >= 0)
		p->w.month = p->w.day = 1;
	if (p->yday == 0 || p->yday > 365 + (month_days(p->w.year, 2) == 29) || !when_us(&p->w, &us))
		return false;
	us += (p->yday > 0 ? p->yday - 1 : 0) * 86400 * SECOND_US - p->offset_s * SECOND_US;
	if (us < TIME_US_MIN || us > TIME_US_MAX)
		return false;
	*ret_us = us;
	return true;
}

bool joda_parse(const struct joda *j, struct view text, int64_t *ret_us)
{
	struct parse p = { .rest = text, .w = { .year = -1, .month = -1, .day = -1 }, .yday = -1, .half = -1, .hour12 = -1 };
	int64_t ms;

	if (j->millis) {
		if (!view_i64(text, &ms) || ms < TIME_US_MIN / 1000 || ms > TIME_US_MAX / 1000)
			return false;
		*ret_us = ms * 1000;
		return true;
	}
	for (size_t i = 0; i < j->n; i++)
		if (!take(&p, &j->v[i]))
			return false;
	return p.rest.n == 0 && finish(&p, ret_us);
}
