/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones from TZif files (RFC 8536). */
#include "data/zone.h"

#include "base/time.h"

#define HEADER 44
#define TYPES_MAX 256
#define DAY_S 86400

struct ttype {
	int32_t offset_s;
	uint8_t abbreviation; /* index into text */
};

/* When daylight saving begins or ends: "M3.2.0/2", "J60", "59". */
struct rule {
	char kind; /* M, J, or 0: day of the year from 0, leap days counted */
	int month, week, day;
	int64_t second; /* of the day, local time before the change */
};

struct footer {
	bool there, summer;
	struct zone_at std, dst;
	struct rule begin, end;
};

struct zone {
	struct view name;
	const int64_t *when; /* transitions, s */
	const uint8_t *what; /* the type that begins with each */
	size_t n;
	struct ttype types[TYPES_MAX];
	size_t n_types;
	struct view text; /* abbreviations */
	struct footer footer;
};

/* --- the footer: a POSIX TZ string --- */

static bool take_name(struct view *v, struct view *ret)
{
	size_t n = 0;

	if (v->n && v->p[0] == '<') {
		ptrdiff_t end = view_chr(*v, '>');

		if (end < 0)
			return false;
		*ret = view_sub(*v, 1, (size_t)end - 1);
		*v = view_from(*v, (size_t)end + 1);
		return true;
	}
	while (n < v->n && ((v->p[n] | 0x20) >= 'a' && (v->p[n] | 0x20) <= 'z'))
		n++;
	*ret = view_sub(*v, 0, n);
	*v = view_from(*v, n);
	return n >= 3;
}

static bool take_char(struct view *v, char c)
{
	if (!v->n || v->p[0] != c)
		return false;
	*v = view_from(*v, 1);
	return true;
}

static bool take_number(struct view *v, int max, int *ret)
{
	size_t n = 0;

	for (*ret = 0; n < v->n && n < 4 && v->p[n] >= '0' && v->p[n] <= '9'; n++)
		*ret = *ret * 10 + v->p[n] - '0';
	*v = view_from(*v, n);
	return n && *ret <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct view *v, int64_t *ret)
{
	bool minus = take_char(v, '-');
	int part[3] = { 0 };

	if (!minus)
		take_char(v, '+');
	if (!take_number(v, 167, &part[0]))
		return false;
	for (int i = 1; i < 3 && take_char(v, ':'); i++)
		if (!take_number(v, 59, &part[i]))
			return false;
	*ret = part[0] * 3600 + part[1] * 60 + part[2];
	if (minus)
		*ret = -*ret;
	return true;
}

static bool take_rule(struct view *v, struct rule *r)
{
	bool ok;

	*r = (struct rule){ .second = 7200 };
	if (!take_char(v, ','))
		return false;
	if (take_char(v, 'M')) {
		r->kind = 'M';
		ok = take_number(v, 12, &r->month) && take_char(v, '.') && take_number(v, 5, &r->week) && take_char(v, '.') &&
		     take_number(v, 6, &r->day) && r->month > 0 && r->week > 0;
	} else {
		r->kind = take_char(v, 'J') ? 'J' : 0;
		ok = take_number(v, 365, &r->day) && (r->kind != 'J' || r->day > 0);
	}
	return ok && (!take_char(v, '/') || take_time(v, &r->second));
}

static bool parse_footer(struct view v, struct footer *f)
{
	int64_t west;

	if (!v.n)
		return true; /* no rule: the last transition counts for ever */
	if (!take_name(&v, &f->std.abbreviation) || !take_time(&v, &west))
		return false;
	f->std.offset_s = -west;
	f->there = true;
	if (!v.n)
		return true;
	f->summer = true;
	if (!take_name(&v, &f->dst.abbreviation))
		return false;
	f->dst.offset_s = f->std.offset_s + 3600;
	if (v.n && v.p[0] != ',') {
		if (!take_time(&v, &west))
			return false;
		f->dst.offset_s = -west;
	}
	return take_rule(&v, &f->begin) && take_rule(&v, &f->end) && !v.n;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local seconds since the epoch at which @r strikes in @year. */
static int64_t rule_in(const struct rule *r, int year)
{
	struct civil c = { .year = year, .month = 1, .day = 1 };
	int64_t day = time_from_civil(&c) / 1000 / DAY_S;

	if (r->kind == 'J') {
		day += r->day - 1 + (is_leap(year) && r->day >= 60);
	} else if (r->kind == 0) {
		day += r->day;
	} else {
		static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
		int length = lengths[r->month - 1] + (r->month == 2 && is_leap(year)), first;

		c.month = r->month;
		time_civil(time_from_civil(&c), &c);
		first = (r->day - c.wday + 7) % 7 + 7 * (r->week - 1);
		while (first >= length)
			first -= 7;
		day = time_from_civil(&c) / 1000 / DAY_S + first;
	}
	return day * DAY_S + r->second;
}

static struct zone_at by_rule(const struct footer *f, int64_t at_s)
{
	struct civil c;
	int64_t begin, end;
	bool summer;

	if (!f->summer)
		return f->std;
	time_civil((at_s + f->std.offset_s) * 1000, &c);
	begin = rule_in(&f->begin, c.year) - f->std.offset_s;
	end = rule_in(&f->end, c.year) - f->dst.offset_s;
	summer = begin < end ? at_s >= begin && at_s < end : at_s >= begin || at_s < end;
	return summer ? f->dst : f->std;
}

/* --- the file --- */

struct counts {
	uint32_t isut, isstd, leap, times, types, chars;
};

static uint64_t be(struct view v, size_t at, size_t n)
{
	uint64_t x = 0;

	for (size_t i = 0; i < n; i++)
		x = x << 8 | (unsigned char)v.p[at + i];
	return x;
}

static bool header(struct view v, struct counts *c, char *version)
{
	if (v.n < HEADER || !view_starts(v, VIEW("TZif")))
		return false;
	*version = v.p[4];
	*c = (struct counts){ (uint32_t)be(v, 20, 4), (uint32_t)be(v, 24, 4), (uint32_t)be(v, 28, 4),
			      (uint32_t)be(v, 32, 4), (uint32_t)be(v, 36, 4), (uint32_t)be(v, 40, 4) };
	return c->isut <= TYPES_MAX && c->isstd <= TYPES_MAX && c->leap < 4096 && c->times < 65536 && c->types &&
	       c->types <= TYPES_MAX && c->chars && c->chars <= 1024;
}

/* Bytes behind the header; times take @width bytes each. */
static size_t body(const struct counts *c, size_t width)
{
	return c->times * (width + 1) + c->types * 6 + c->chars + c->leap * (width + 4) + c->isstd + c->isut;
}

static bool take_body(struct arena *a, struct view v, const struct counts *c, size_t width, struct zone *z)
{
	size_t at = c->times * width;
	int64_t *when = ARENA_ARRAY(a, int64_t, c->times + 1);

	for (size_t i = 0; i < c->times; i++) {
		when[i] = width == 8 ? (int64_t)be(v, i * 8, 8) : (int32_t)be(v, i * 4, 4);
		if ((i && when[i] < when[i - 1]) || (unsigned char)v.p[at + i] >= c->types)
			return false;
	}
	z->when = when;
	z->what = arena_dup(a, v.p + at, c->times ? c->times : 1);
	z->n = c->times;
	at += c->times;
	for (size_t i = 0; i < c->types; i++, at += 6) {
		z->types[i] = (struct ttype){ (int32_t)be(v, at, 4), (uint8_t)v.p[at + 5] };
		if (z->types[i].abbreviation >= c->chars || z->types[i].offset_s < -DAY_S * 2 || z->types[i].offset_s > DAY_S * 2)
			return false;
	}
	z->n_types = c->types;
	z->text = arena_view(a, view_sub(v, at, c->chars));
	return true;
}

static bool parse(struct arena *a, struct view v, struct zone *z)
{
	struct counts c;
	char version;
	size_t width = 4;

	if (!header(v, &c, &version) || v.n < HEADER + body(&c, 4))
		return false;
	if (version >= '2') {
		v = view_from(v, HEADER + body(&c, 4));
		width = 8;
		if (!header(v, &c, &version) || v.n < HEADER + body(&c, 8))
			return false;
	}
	if (!take_body(a, view_from(v, HEADER), &c, width, z))
		return false;
	v = arena_view(a, view_from(v, HEADER + body(&c, width)));
	if (width == 4)
		return true;
	if (v.n < 2 || v.p[0] != '\n' || v.p[v.n - 1] != '\n')
		return false;
	return parse_footer(view_sub(v, 1, v.n - 2), &z->footer);
}

int zone_parse(struct arena *a, struct view name, struct view tzif, const struct zone **ret, struct err *e)
{
	struct zone *z = ARENA_NEW(a, struct zone);

	z->name = arena_view(a, name);
	if (!parse(a, tzif, z))
		return err_set(e, ERR_CORRUPT, "the rules of the time zone %.*s cannot be read", VIEW_ARG(name));
	*ret = z;
	return 0;
}

struct zone_at zone_at(const struct zone *z, int64_t at_ms)
{
	int64_t at = at_ms >= 0 ? at_ms / 1000 : -((999 - at_ms) / 1000);
	size_t lo = 0, hi;
	struct view text;
	ptrdiff_t end;

	if (!z)
		return (struct zone_at){ 0, VIEW("UTC") };
	for (hi = z->n; lo < hi;) {
		size_t mid = (lo + hi) / 2;

		if (z->when[mid] <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == z->n && z->footer.there)
		return by_rule(&z->footer, at);
	lo = lo ? z->what[lo - 1] : 0;
	text = view_from(z->text, z->types[lo].abbreviation);
	end = view_chr(text, '\0');
	return (struct zone_at){ z->types[lo].offset_s, end < 0 ? text : view_sub(text, 0, (size_t)end) };
}

struct view zone_name(const struct zone *z)
{
	return z ? z->name : VIEW("UTC");
}
