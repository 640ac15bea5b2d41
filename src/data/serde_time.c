// SPDX-License-Identifier: Apache-2.0
/* Dates and timestamps in the forms that the SerDes know without a pattern. */
#include "data/serde_int.h"

#define MILLIS_FROM 1000000000000LL /* epochs from here on are milliseconds */

static bool take(struct view *v, size_t min, size_t max, int64_t *ret)
{
	size_t n = 0;

	*ret = 0;
	while (n < max && n < v->n && v->p[n] >= '0' && v->p[n] <= '9')
		*ret = *ret * 10 + (v->p[n++] - '0');
	*v = view_from(*v, n);
	return n >= min;
}

static bool mark(struct view *v, char c)
{
	if (!v->n || *v->p != c)
		return false;
	*v = view_from(*v, 1);
	return true;
}

/* yyyy-M-d, each with at least @min digits but for the year. */
static bool take_date(struct view *v, size_t min, struct when *w)
{
	return take(v, 4, 4, &w->year) && mark(v, '-') && take(v, min, 2, &w->month) && mark(v, '-') && take(v, min, 2, &w->day);
}

static bool take_fraction(struct view *v, struct when *w)
{
	size_t before = v->n;
	int64_t f;

	if (!mark(v, '.'))
		return true;
	if (!take(v, 1, 9, &f))
		return false;
	for (size_t n = before - v->n - 1; n < 9; n++)
		f *= 10;
	w->us = f / 1000;
	return true;
}

static bool take_time(struct view *v, size_t min, struct when *w)
{
	return take(v, min, 2, &w->hour) && mark(v, ':') && take(v, min, 2, &w->minute) && mark(v, ':') &&
	       take(v, min, 2, &w->second) && take_fraction(v, w);
}

/* Z, +hh:mm, +hhmm or nothing. */
static bool take_offset(struct view *v, int64_t *ret_us)
{
	int64_t h, m;
	bool minus;

	*ret_us = 0;
	if (!v->n || mark(v, 'Z'))
		return true;
	minus = mark(v, '-');
	if (!minus && !mark(v, '+'))
		return false;
	if (!take(v, 2, 2, &h) || (v->n && *v->p == ':' && !mark(v, ':')) || !take(v, 2, 2, &m) || h > 23 || m > 59)
		return false;
	*ret_us = (h * 60 + m) * 60000000 * (minus ? -1 : 1);
	return true;
}

static bool in_range(int64_t us)
{
	return us >= TIME_US_MIN && us <= TIME_US_MAX;
}

static bool plain_timestamp(struct view v, int64_t *ret)
{
	struct when w = { 0 };

	return take_date(&v, 1, &w) && mark(&v, ' ') && take_time(&v, 1, &w) && !v.n && when_us(&w, ret);
}

static bool iso_timestamp(struct view v, int64_t *ret)
{
	struct when w = { 0 };
	int64_t offset;

	if (!take_date(&v, 2, &w) || !mark(&v, 'T') || !take_time(&v, 2, &w) || !take_offset(&v, &offset) || v.n ||
	    !when_us(&w, ret))
		return false;
	*ret -= offset;
	return in_range(*ret);
}

/* Seconds, or milliseconds from 10^12 on. */
static bool epoch(struct view text, int64_t *ret)
{
	__int128 us = 0;
	char d[48];

	if (!serde__decimal(text, 30, 6, d))
		return false;
	for (const char *p = d; *p; p++)
		if (*p >= '0' && *p <= '9')
			us = us * 10 + (*p - '0');
	if (us >= (__int128)MILLIS_FROM * 1000000)
		us /= 1000;
	us = d[0] == '-' ? -us : us;
	if (us < TIME_US_MIN || us > TIME_US_MAX)
		return false;
	*ret = (int64_t)us;
	return true;
}

static bool by_format(const struct serde *s, struct view text, int64_t *ret)
{
	for (size_t i = 0; i < s->n_formats; i++)
		if (joda_parse(s->formats[i], text, ret))
			return true;
	return false;
}

static bool by_millis(const struct serde *s, struct view text, int64_t *ret)
{
	for (size_t i = 0; i < s->n_formats; i++)
		if (joda_is_millis(s->formats[i]) && joda_parse(s->formats[i], text, ret))
			return true;
	return false;
}

bool serde__timestamp(const struct serde *s, struct view text, bool number, int64_t *ret)
{
	if (s->kind == SERDE_OPENX) {
		text = view_trim(text);
		return number ? epoch(text, ret)
			      : iso_timestamp(text, ret) || plain_timestamp(text, ret) || epoch(text, ret);
	}
	if (number)
		return by_millis(s, text, ret);
	return s->n_formats ? by_format(s, text, ret) : plain_timestamp(text, ret);
}

bool serde__date(const struct serde *s, struct view text, int64_t *ret)
{
	struct view v = view_trim(text);
	struct when w = { 0 };

	return (take_date(&v, 1, &w) && !v.n && when_us(&w, ret)) || by_format(s, text, ret);
}
