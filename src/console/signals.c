/* SPDX-License-Identifier: Apache-2.0 */
/* signals: live samples and alarms as server-sent events, written by whoever has them: no thread waits for a viewer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "console/console_int.h"

/* Bytes that wait for a viewer who is slow; over it records are left out, and it is told.  All of them share WAITING_ALL. */
#define WAITING_MAX (256UL * KIB)
#define WAITING_MIN (32UL * KIB)
#define WAITING_ALL (32UL * MIB)
#define VIEWERS_MAX 4096
#define CHANNELS_MAX 64
#define HZ_MAX 10000
#define PX_MAX 16384
#define WINDOW_MAX_S 3600
#define ID_MAX 64 /* of a measurement, a stream or a delivery stream */

struct viewer {
	struct console *c;
	struct http_stream *stream;
	unsigned left_out;
};

static void leave(struct viewer *v)
{
	http_stream_end(v->stream, true);
	LOCK_SCOPE(&v->c->lock);
	atomic_fetch_sub(&v->c->streams, 1);
	cond_broadcast(&v->c->changed);
	free(v);
}

static const char *begin_of(enum measure_live what)
{
	static const char *const begins[] = {
		[MEASURE_BEGUN] = ": mulgil\n\n",     [MEASURE_SAMPLES] = "event: samples\ndata: ",
		[MEASURE_ALARM] = "event: alarm\ndata: ", [MEASURE_BEAT] = ": still here\n\n",
	};

	return begins[what];
}

static size_t waiting_max(struct viewer *v)
{
	size_t share = WAITING_ALL / (atomic_load(&v->c->streams) + 1);

	return share > WAITING_MAX ? WAITING_MAX : share < WAITING_MIN ? WAITING_MIN : share;
}

/* Never blocks: what does not fit is left out, and that is told with what fits next. */
static bool on_event(void *arg, enum measure_live what, struct view json)
{
	struct viewer *v = arg;
	char gap[64] = "";
	int r = ERR_CANCELLED;

	if (what != MEASURE_END) {
		struct view parts[4] = { VIEW_NONE, view_str(begin_of(what)), json, json.n ? VIEW("\n\n") : VIEW_NONE };

		if (v->left_out)
			snprintf(gap, sizeof(gap), "event: gap\ndata: {\"records\": %u}\n\n", v->left_out);
		parts[0] = view_str(gap);
		r = http_stream_offer(v->stream, parts, ARRAY_LEN(parts), waiting_max(v));
	}
	if (r == ERR_CANCELLED) {
		leave(v);
		return false;
	}
	if (r == 0)
		v->left_out = 0;
	else if (json.n)
		v->left_out++;
	return true;
}

/* --- what is asked for --- */

struct asked {
	struct measure_watch watch;
	const char *channels[CHANNELS_MAX];
	double px, window_s;
};

static int need_id(const char **ret, const char *name, const char *value, struct err *e)
{
	size_t n = strlen(value);

	if (*ret)
		return err_set(e, ERR_INVALID, "%s: it is given twice", name);
	if (!n || n > ID_MAX)
		return err_set(e, ERR_INVALID, "%s: 1 to %d characters are expected", name, ID_MAX);
	*ret = value;
	return 0;
}

static int need_number(double *ret, const char *name, const char *value, double max, struct err *e)
{
	char *end;
	double v = strtod(value, &end);

	if (*ret > 0)
		return err_set(e, ERR_INVALID, "%s: it is given twice", name);
	if (end == value || *end || !(v > 0) || v > max)
		return err_set(e, ERR_INVALID, "%s: a number above 0 and up to %g is expected", name, max);
	*ret = v;
	return 0;
}

static int add_channel(struct asked *q, const char *value, struct err *e)
{
	if (!value[0])
		return err_set(e, ERR_INVALID, "channel: a name is expected");
	if (q->watch.n_channels == CHANNELS_MAX)
		return err_set(e, ERR_LIMIT, "channel: at most %d of them", CHANNELS_MAX);
	q->channels[q->watch.n_channels++] = value;
	return 0;
}

static int one(struct asked *q, const char *name, const char *value, struct err *e)
{
	if (strcmp(name, "delivery") == 0)
		return need_id(&q->watch.delivery, name, value, e);
	if (strcmp(name, "measurement") == 0)
		return need_id(&q->watch.measurement, name, value, e);
	if (strcmp(name, "stream") == 0)
		return need_id(&q->watch.stream, name, value, e);
	if (strcmp(name, "channel") == 0)
		return add_channel(q, value, e);
	if (strcmp(name, "hz") == 0)
		return need_number(&q->watch.hz, name, value, HZ_MAX, e);
	if (strcmp(name, "px") == 0)
		return need_number(&q->px, name, value, PX_MAX, e);
	if (strcmp(name, "window_s") == 0)
		return need_number(&q->window_s, name, value, WINDOW_MAX_S, e);
	return err_set(e, ERR_INVALID,
		       "%.64s: no such parameter; there are measurement, stream, delivery, channel, hz, px and window_s", name);
}

/* What belongs together, and what does not. */
static int check(struct asked *q, struct err *e)
{
	if (!q->watch.measurement && !q->watch.stream && !q->watch.delivery)
		return err_set(e, ERR_INVALID, "measurement: one of measurement, stream and delivery is expected");
	if ((q->px > 0) != (q->window_s > 0))
		return err_set(e, ERR_INVALID, "%s: px and window_s belong together", q->px > 0 ? "window_s" : "px");
	if (q->px > 0 && q->watch.hz > 0)
		return err_set(e, ERR_INVALID, "hz: it is px over window_s, which are given too");
	if (q->px > 0)
		q->watch.hz = q->px / q->window_s;
	return 0;
}

static int parse(struct http_req *r, struct asked *q, struct err *e)
{
	struct view rest = http_query(r), pair, name, value;
	struct arena *a = http_arena(r);
	int x = 0;

	while (x == 0 && view_split(&rest, '&', &pair)) {
		if (!pair.n)
			continue;
		(void)view_split(&pair, '=', &name);
		if (!uri_decode(a, name, true, &name) || !uri_decode(a, pair.p ? pair : VIEW(""), true, &value))
			return err_set(e, ERR_INVALID, "the query is no percent-encoded text");
		x = one(q, arena_str(a, name), arena_str(a, value), e);
	}
	q->watch.channels = q->channels;
	return x < 0 ? x : check(q, e);
}

static bool is_room(struct console *c)
{
	LOCK_SCOPE(&c->lock);
	if (atomic_load(&c->streams) >= VIEWERS_MAX)
		return false;
	atomic_fetch_add(&c->streams, 1);
	return true;
}

void console__signals(struct console *c, struct http_req *r)
{
	static const struct http_header h[] = { { "Content-Type", "text/event-stream" },
						{ "Cache-Control", "no-store" },
						{ "X-Accel-Buffering", "no" } };
	struct asked q = { .px = 0 };
	struct err e = { 0 };
	struct viewer *v;

	if (parse(r, &q, &e) < 0) {
		console__error(r, 400, "ValidationException", e.msg);
		return;
	}
	if (!is_room(c)) {
		console__error(r, 503, "ServiceUnavailable", "too many viewers; try again later");
		return;
	}
	v = calloc(1, sizeof(*v));
	must(v);
	v->c = c;
	v->stream = http_answer_stream(r, &(struct http_answer){ 200, h, ARRAY_LEN(h) }, -1);
	/* The first line is written when it is subscribed: who has read that misses nothing that comes after it. */
	if (!measure_subscribe(c->o.measure, &q.watch, on_event, v))
		leave(v);
}

void console__signals_stop(struct console *c)
{
	measure_end_live(c->o.measure);
	LOCK_SCOPE(&c->lock);
	while (atomic_load(&c->streams))
		cond_wait(&c->changed, &c->lock);
}
