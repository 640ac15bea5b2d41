// SPDX-License-Identifier: Apache-2.0
/* Calendar arithmetic (Hinnant's days_from_civil) and the four text forms that AWS uses. */
#include "base/time.h"

#include <stdio.h>

#include "base/macro.h"

#define DAY_MS 86400000LL

static const char *const day_names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
static int64_t days_from(int64_t y, int month, int day)
{
	int64_t era, yoe, doy;

	y -= month <= 2;
	era = floor_div(y, 400);
	yoe = y - era * 400;
	doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void time_civil(int64_t ms, struct civil *ret)
{
	int64_t days = floor_div(ms, DAY_MS), rest = ms - days * DAY_MS;
	int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	ret->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	ret->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	ret->year = (int)(yoe + era * 400 + (ret->month <= 2));
	ret->hour = (int)(rest / 3600000);
	ret->minute = (int)(rest / 60000 % 60);
	ret->second = (int)(rest / 1000 % 60);
	ret->ms = (int)(rest % 1000);
	ret->yday = (int)(days - days_from(ret->year, 1, 1)) + 1;
	ret->wday = (int)(days + 4 - floor_div(days + 4, 7) * 7);
}

int64_t time_from_civil(const struct civil *c)
{
	return days_from(c->year, c->month, c->day) * DAY_MS + c->hour * 3600000LL +
	       c->minute * 60000LL + c->second * 1000LL + c->ms;
}

char *time_iso(int64_t ms, char out[TIME_TEXT])
{
	struct civil c;

	time_civil(ms, &c);
	snprintf(out, TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day,
		 c.hour, c.minute, c.second, c.ms);
	return out;
}

char *time_iso_s(int64_t ms, char out[TIME_TEXT])
{
	struct civil c;

	time_civil(ms, &c);
	snprintf(out, TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour,
		 c.minute, c.second);
	return out;
}

char *time_basic(int64_t ms, char out[TIME_TEXT])
{
	struct civil c;

	time_civil(ms, &c);
	snprintf(out, TIME_TEXT, "%04d%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day, c.hour,
		 c.minute, c.second);
	return out;
}

char *time_http(int64_t ms, char out[TIME_TEXT])
{
	struct civil c;

	time_civil(ms, &c);
	snprintf(out, TIME_TEXT, "%s, %02d %s %04d %02d:%02d:%02d GMT", day_names[c.wday], c.day,
		 month_names[c.month - 1], c.year, c.hour, c.minute, c.second);
	return out;
}

/* Takes exactly @n digits off the front. */
static bool take_int(struct view *s, size_t n, int *ret)
{
	uint64_t v;

	if (s->n < n || !view_u64(view_sub(*s, 0, n), 9999, &v))
		return false;
	*s = view_from(*s, n);
	*ret = (int)v;
	return true;
}

static bool take_char(struct view *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = view_from(*s, 1);
	return true;
}

static bool take_name(struct view *s, const char *const *names, int n, int *ret)
{
	for (int i = 0; i < n; i++)
		if (view_starts(*s, view_str(names[i]))) {
			*s = view_from(*s, strlen(names[i]));
			*ret = i;
			return true;
		}
	return false;
}

static bool take_clock(struct view *s, struct civil *c)
{
	return take_int(s, 2, &c->hour) && take_char(s, ':') && take_int(s, 2, &c->minute) &&
	       take_char(s, ':') && take_int(s, 2, &c->second);
}

static bool take_fraction(struct view *s, int *ret_ms)
{
	int scale = 100;

	*ret_ms = 0;
	if (!take_char(s, '.'))
		return true;
	if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
		return false;
	while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
		*ret_ms += (s->p[0] - '0') * scale;
		scale /= 10;
		*s = view_from(*s, 1);
	}
	return true;
}

static bool take_zone(struct view *s, int *ret_minutes)
{
	bool minus = s->n && s->p[0] == '-';
	int h, m;

	*ret_minutes = 0;
	if (take_char(s, 'Z') || take_char(s, 'z'))
		return true;
	if (!take_char(s, '+') && !take_char(s, '-'))
		return false;
	if (!take_int(s, 2, &h) || !take_char(s, ':') || !take_int(s, 2, &m) || h > 23 || m > 59)
		return false;
	*ret_minutes = (h * 60 + m) * (minus ? -1 : 1);
	return true;
}

static bool valid(const struct civil *c)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;

	if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > days[c->month - 1])
		return false;
	if (c->month == 2 && c->day == 29 && !leap)
		return false;
	return c->hour < 24 && c->minute < 60 && c->second < 60;
}

bool time_parse_iso(struct view s, int64_t *ret_ms)
{
	struct civil c = { 0 };
	int zone;

	if (!take_int(&s, 4, &c.year) || !take_char(&s, '-') || !take_int(&s, 2, &c.month) ||
	    !take_char(&s, '-') || !take_int(&s, 2, &c.day))
		return false;
	if (!take_char(&s, 'T') && !take_char(&s, 't'))
		return false;
	if (!take_clock(&s, &c) || !take_fraction(&s, &c.ms) || !take_zone(&s, &zone))
		return false;
	if (s.n || !valid(&c))
		return false;
	*ret_ms = time_from_civil(&c) - zone * 60000LL;
	return true;
}

bool time_parse_basic(struct view s, int64_t *ret_ms)
{
	struct civil c = { 0 };

	if (!take_int(&s, 4, &c.year) || !take_int(&s, 2, &c.month) || !take_int(&s, 2, &c.day) ||
	    !take_char(&s, 'T') || !take_int(&s, 2, &c.hour) || !take_int(&s, 2, &c.minute) ||
	    !take_int(&s, 2, &c.second) || !take_char(&s, 'Z') || s.n || !valid(&c))
		return false;
	*ret_ms = time_from_civil(&c);
	return true;
}

bool time_parse_http(struct view s, int64_t *ret_ms)
{
	struct civil c = { 0 };
	int wday;

	if (!take_name(&s, day_names, 7, &wday) || !take_char(&s, ',') || !take_char(&s, ' ') ||
	    !take_int(&s, 2, &c.day) || !take_char(&s, ' ') ||
	    !take_name(&s, month_names, 12, &c.month) || !take_char(&s, ' ') ||
	    !take_int(&s, 4, &c.year) || !take_char(&s, ' ') || !take_clock(&s, &c))
		return false;
	c.month++;
	/* Python's formatdate(), of which botocore makes a Date header, ends with "-0000". */
	if (!(view_eq_str(s, " GMT") || view_eq_str(s, " -0000") || view_eq_str(s, " +0000")) ||
	    !valid(&c))
		return false;
	*ret_ms = time_from_civil(&c);
	return true;
}
