/* SPDX-License-Identifier: Apache-2.0 */
/* sampleclock: a straight line from a device's time to the host's, record by record. */
#include "signal/sampleclock.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The spread of the device times at which the data weigh as much as the prior. */
#define PRIOR_SXX ((SAMPLECLOCK_JITTER_US / SAMPLECLOCK_DRIFT_PRIOR) * (SAMPLECLOCK_JITTER_US / SAMPLECLOCK_DRIFT_PRIOR))

void sampleclock_init(struct sampleclock *c, double period_us)
{
	memset(c, 0, sizeof(*c));
	c->period_us = period_us;
}

/* --- the convex hull --- */

static double turn(const struct sampleclock_point *a, const struct sampleclock_point *b, const struct sampleclock_point *c)
{
	return (b->x - a->x) * (c->y - a->y) - (b->y - a->y) * (c->x - a->x);
}

/* Too many corners: the flattest goes, which changes the hull least. */
static void thin(struct sampleclock_point *h, size_t *n)
{
	size_t least = 1;

	for (size_t i = 2; i + 1 < *n; i++)
		if (fabs(turn(&h[i - 1], &h[i], &h[i + 1])) < fabs(turn(&h[least - 1], &h[least], &h[least + 1])))
			least = i;
	memmove(h + least, h + least + 1, (*n - least - 1) * sizeof(*h));
	--*n;
}

/* One side of the hull (Andrew's monotone chain); @side 1: above, -1: below.  x does not decrease. */
static void extend(struct sampleclock_point *h, size_t *n, struct sampleclock_point p, int side)
{
	while (*n >= 2 && side * turn(&h[*n - 2], &h[*n - 1], &p) >= 0)
		--*n;
	if (*n == SAMPLECLOCK_HULL)
		thin(h, n);
	h[(*n)++] = p;
}

/* --- the line --- */

static double raw_drift(const struct sampleclock *c)
{
	return c->sxx > 0 ? c->sxy / c->sxx : 0;
}

static double drift(const struct sampleclock *c)
{
	return (c->sxy + PRIOR_SXX * c->prior) / (c->sxx + PRIOR_SXX);
}

/* How far host is ahead of device at @x (since the origin). */
static double line(const struct sampleclock *c, double x)
{
	return c->my + drift(c) * (x - c->mx);
}

static void add(struct sampleclock *c, double x, double y)
{
	double dx = x - c->mx, dy = y - c->my;

	c->n++;
	c->mx += dx / (double)c->n;
	c->my += dy / (double)c->n;
	c->sxx += dx * (x - c->mx);
	c->sxy += dx * (y - c->my);
	c->syy += dy * (y - c->my);
	extend(c->above, &c->n_above, (struct sampleclock_point){ x, y }, 1);
	extend(c->below, &c->n_below, (struct sampleclock_point){ x, y }, -1);
}

static double ahead(const struct sampleclock *c, double x, int64_t y)
{
	return (double)(y - c->y0) - (x - c->x0);
}

static void note_jump(struct sampleclock *c, int64_t at_us, double by_us)
{
	if (c->n_jumps == SAMPLECLOCK_JUMPS)
		memmove(c->jumps, c->jumps + 1, --c->n_jumps * sizeof(c->jumps[0]));
	c->jumps[c->n_jumps++] = (struct sampleclock_jump){ at_us, by_us };
}

static void begin(struct sampleclock *c, double x, int64_t y)
{
	double kept = c->n ? drift(c) : 0;

	if (c->n)
		note_jump(c, y, ahead(c, x, y) - line(c, x - c->x0));
	c->x0 = x;
	c->y0 = y;
	c->n = 0;
	c->mx = c->my = c->sxx = c->sxy = c->syy = 0;
	c->prior = kept;
	c->n_above = c->n_below = c->n_far = 0;
	c->hole = c->placed = false;
	c->segments++;
}

/* Keeps a record that is far off; true when enough of them agree that a clock was set. */
static bool is_jump(struct sampleclock *c, double x, int64_t y, double off)
{
	if (c->n_far && fabs(c->far[c->n_far - 1].off - off) > SAMPLECLOCK_JUMP_US / 2)
		c->n_far = 0;
	c->far[c->n_far].x = x;
	c->far[c->n_far].y = y;
	c->far[c->n_far++].off = off;
	return c->n_far == SAMPLECLOCK_JUMP_POINTS;
}

static void take_point(struct sampleclock *c, double from, double to, int64_t host)
{
	double y, off;

	if (!c->n || c->hole || from < c->last_x - c->period_us) {
		begin(c, to, host);
		add(c, 0, 0);
		return;
	}
	y = ahead(c, to, host);
	off = y - line(c, to - c->x0);
	if (fabs(off) <= SAMPLECLOCK_JUMP_US) {
		c->n_far = 0;
		add(c, to - c->x0, y);
	} else if (is_jump(c, to, host, off)) {
		double x[SAMPLECLOCK_JUMP_POINTS];
		int64_t t[SAMPLECLOCK_JUMP_POINTS];

		for (size_t i = 0; i < SAMPLECLOCK_JUMP_POINTS; i++) {
			x[i] = c->far[i].x;
			t[i] = c->far[i].y;
		}
		begin(c, x[0], t[0]);
		for (size_t i = 0; i < SAMPLECLOCK_JUMP_POINTS; i++)
			add(c, x[i] - c->x0, ahead(c, x[i], t[i]));
	}
}

/* 285 years: only a broken counter says more. */
static int64_t whole(double us)
{
	return us > 9e15 ? (int64_t)9e15 : us < -9e15 ? -(int64_t)9e15 : (int64_t)llround(us);
}

struct sampleclock_place sampleclock_follow(struct sampleclock *c, double from_us, double to_us)
{
	double b = drift(c), t, most = c->period_us / 2;

	t = from_us - c->x0 + line(c, from_us - c->x0);
	if (c->placed) {
		double on = c->last_t + (from_us - c->last_x) * (1 + b);

		if (most > 0)
			t = on + fmax(-most, fmin(most, t - on));
	}
	c->placed = true;
	c->last_x = to_us;
	c->last_t = t + (to_us - from_us) * (1 + b);
	return (struct sampleclock_place){ from_us, c->y0 + whole(t), b };
}

struct sampleclock_place sampleclock_take(struct sampleclock *c, double from_us, double to_us, int64_t host_us)
{
	take_point(c, from_us, to_us, host_us);
	return sampleclock_follow(c, from_us, to_us);
}

void sampleclock_hole(struct sampleclock *c)
{
	c->hole = c->n > 0;
}

int64_t sampleclock_at(const struct sampleclock_place *p, double device_us)
{
	return p->host_us + whole((device_us - p->device_us) * (1 + p->drift));
}

struct sampleclock_report sampleclock_report(const struct sampleclock *c)
{
	struct sampleclock_report r = { .n = c->n, .segments = c->segments, .drift = raw_drift(c) };
	double left = c->sxx > 0 ? c->syy - c->sxy * c->sxy / c->sxx : c->syy, intercept = c->my - r.drift * c->mx;

	if (!c->n)
		return r;
	r.rms_us = left > 0 ? sqrt(left / (double)c->n) : 0;
	r.drift_error = c->sxx > 0 ? r.rms_us / sqrt(c->sxx) : 0;
	r.offset_us = c->y0 + whole(intercept - c->x0 * (1 + r.drift));
	for (size_t i = 0; i < c->n_above; i++)
		r.max_us = fmax(r.max_us, fabs(c->above[i].y - intercept - r.drift * c->above[i].x));
	for (size_t i = 0; i < c->n_below; i++)
		r.max_us = fmax(r.max_us, fabs(c->below[i].y - intercept - r.drift * c->below[i].x));
	return r;
}

/* --- the state as JSON --- */

static void save_points(struct buf *b, const char *name, const struct sampleclock_point *p, size_t n)
{
	buf_printf(b, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%.17g,%.17g", i ? "," : "", p[i].x, p[i].y);
	buf_add_char(b, ']');
}

void sampleclock_save(const struct sampleclock *c, struct buf *b)
{
	buf_printf(b, "{\"period\":%.17g,\"x0\":%.17g,\"y0\":%" PRId64 ",\"n\":%" PRIu64, c->period_us, c->x0, c->y0, c->n);
	buf_printf(b, ",\"m\":[%.17g,%.17g,%.17g,%.17g,%.17g,%.17g]", c->mx, c->my, c->sxx, c->sxy, c->syy, c->prior);
	save_points(b, "above", c->above, c->n_above);
	save_points(b, "below", c->below, c->n_below);
	buf_add_str(b, ",\"far\":[");
	for (size_t i = 0; i < c->n_far; i++)
		buf_printf(b, "%s%.17g,%" PRId64 ",%.17g", i ? "," : "", c->far[i].x, c->far[i].y, c->far[i].off);
	buf_printf(b, "],\"hole\":%s,\"segments\":%" PRIu64, c->hole ? "true" : "false", c->segments);
	if (c->placed)
		buf_printf(b, ",\"last\":[%.17g,%.17g]", c->last_x, c->last_t);
	buf_add_str(b, ",\"jumps\":[");
	for (size_t i = 0; i < c->n_jumps; i++)
		buf_printf(b, "%s%" PRId64 ",%.17g", i ? "," : "", c->jumps[i].at_us, c->jumps[i].by_us);
	buf_add_str(b, "]}");
}

static size_t load_points(const struct json *v, struct sampleclock_point *p)
{
	size_t n = json_len(v) / 2 < SAMPLECLOCK_HULL ? json_len(v) / 2 : SAMPLECLOCK_HULL;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct sampleclock_point){ json_double(json_at(v, 2 * i), 0), json_double(json_at(v, 2 * i + 1), 0) };
	return n;
}

static void load_lists(struct sampleclock *c, const struct json *v)
{
	const struct json *far = json_get(v, "far"), *jumps = json_get(v, "jumps");

	c->n_above = load_points(json_get(v, "above"), c->above);
	c->n_below = load_points(json_get(v, "below"), c->below);
	for (size_t i = 0; 3 * i + 2 < json_len(far) && i + 1 < SAMPLECLOCK_JUMP_POINTS; i++, c->n_far++) {
		c->far[i].x = json_double(json_at(far, 3 * i), 0);
		c->far[i].y = json_int(json_at(far, 3 * i + 1), 0);
		c->far[i].off = json_double(json_at(far, 3 * i + 2), 0);
	}
	for (size_t i = 0; 2 * i + 1 < json_len(jumps) && i < SAMPLECLOCK_JUMPS; i++, c->n_jumps++) {
		c->jumps[i].at_us = json_int(json_at(jumps, 2 * i), 0);
		c->jumps[i].by_us = json_double(json_at(jumps, 2 * i + 1), 0);
	}
}

bool sampleclock_load(struct sampleclock *c, const struct json *v)
{
	const struct json *m = json_get(v, "m"), *last = json_get(v, "last");
	struct sampleclock got = { .period_us = json_double(json_get(v, "period"), 0) };

	if (json_len(m) != 6 || !json_is(json_get(v, "y0"), JSON_INT))
		return false;
	got.x0 = json_double(json_get(v, "x0"), 0);
	got.y0 = json_int(json_get(v, "y0"), 0);
	got.n = (uint64_t)json_int(json_get(v, "n"), 0);
	got.mx = json_double(json_at(m, 0), 0);
	got.my = json_double(json_at(m, 1), 0);
	got.sxx = json_double(json_at(m, 2), 0);
	got.sxy = json_double(json_at(m, 3), 0);
	got.syy = json_double(json_at(m, 4), 0);
	got.prior = json_double(json_at(m, 5), 0);
	got.hole = json_is_true(json_get(v, "hole"));
	got.segments = (uint64_t)json_int(json_get(v, "segments"), 0);
	got.placed = json_len(last) == 2;
	got.last_x = json_double(json_at(last, 0), 0);
	got.last_t = json_double(json_at(last, 1), 0);
	load_lists(&got, v);
	*c = got;
	return true;
}

/* --- stamps --- */

static double elapsed(const struct samplestamps_opts *o, int64_t raw, int64_t was)
{
	uint64_t d = (uint64_t)raw - (uint64_t)was;

	if (o->wrap_bits > 0 && o->wrap_bits < 64) {
		uint64_t m = (1ULL << o->wrap_bits) - 1;

		return (double)(d & m) * o->unit_us;
	}
	return (double)(int64_t)d * o->unit_us;
}

/* A stamp @d us behind the one before, over @count samples; the new step if nothing is missing, else the usual one. */
static double step_of(struct samplestamps *s, double usual, double d, double count, uint64_t *lost)
{
	double step = d / count;

	if (usual > 0 && step > 1.5 * usual) {
		*lost = (uint64_t)llround((d - count * usual) / usual);
		return usual;
	}
	s->frames++;
	s->step_us = usual + (step - usual) / (double)(s->frames < 64 ? s->frames : 64);
	return step;
}

struct samplestamps_frame samplestamps_take(struct samplestamps *s, const struct samplestamps_opts *o, int64_t raw, size_t n)
{
	double usual = s->frames ? s->step_us : o->step_us, count = n ? (double)n : 1, was = (double)s->n;
	double d = s->n ? elapsed(o, raw, s->raw) : 0;
	struct samplestamps_frame f = { .step_us = usual };

	if (s->n && d > 0) {
		double step = step_of(s, usual, d, o->last ? count : was, &f.lost);

		f.step_us = o->last || f.lost ? step : s->step_us;
	} else if (s->n) { /* its new zero is not known: it goes on behind what was, on a line of its own */
		f.back = true;
		d = usual * (o->last ? count : was);
	} else if (o->last) {
		d = (count - 1) * usual;
	}
	s->us += d;
	f.from_us = s->us - (o->last ? (count - 1) * f.step_us : 0);
	s->raw = raw;
	s->n = n ? n : 1;
	return f;
}

void samplestamps_save(const struct samplestamps *s, struct buf *b)
{
	buf_printf(b, "{\"n\":%zu,\"raw\":%" PRId64 ",\"us\":%.17g,\"step\":%.17g,\"frames\":%" PRIu64 "}", s->n, s->raw, s->us,
		   s->step_us, s->frames);
}

void samplestamps_load(struct samplestamps *s, const struct json *v)
{
	*s = (struct samplestamps){ .n = (size_t)json_int(json_get(v, "n"), 0), .raw = json_int(json_get(v, "raw"), 0),
				    .us = json_double(json_get(v, "us"), 0), .step_us = json_double(json_get(v, "step"), 0),
				    .frames = (uint64_t)json_int(json_get(v, "frames"), 0) };
}
