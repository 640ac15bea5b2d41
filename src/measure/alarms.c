/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarms: an actor of their own, for what they cause takes transactions: viewers are told, the ledger's table keeps how often
 * and since when, and an event tells the rules, in one transaction for all that began or ended meanwhile.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/live_int.h"
#include "os/clock.h"
#include "os/diag.h"

#define CHANGES_MAX 4096 /* waiting to be written; more are left out, and that is told */
#define ENDED_S 5        /* how often alarms of measurements that have ended are looked for */
#define TROUBLE_MS 1000

/* --- from the live actor --- */

static void push(struct live *l, struct alarm_change *c)
{
	LOCK_SCOPE(&l->alarms_lock);
	if (l->n_changes >= CHANGES_MAX) {
		l->changes_left_out++;
		free(c);
		return;
	}
	l->n_changes++;
	*l->changes_last = c;
	l->changes_last = &c->next;
	cond_signal(&l->alarms_changed);
}

void alarms_judge(struct live_stream *s, struct alarm_of of, bool bad, double now_s, const char *fmt, ...)
{
	struct alarm_change *c;
	va_list ap;

	if (!alarm_latch(of.latch, bad, now_s))
		return;
	c = calloc(1, sizeof(*c));
	must(c);
	c->kind = of.kind;
	c->begin = of.latch->on;
	c->info = s->info;
	c->delivery = s->in->name;
	c->at_ms = clock_ms();
	snprintf(c->channel, sizeof(c->channel), "%.*s", VIEW_ARG(of.channel));
	va_start(ap, fmt);
	vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
	va_end(ap);
	push(s->in->m->live, c);
}

/* --- documents --- */

static void document(const struct alarm_change *c, struct buf *b)
{
	const struct { const char *name, *text; } members[] = {
		{ "alarm", alarm_name(c->kind) },      { "state", c->begin ? "begin" : "end" },
		{ "measurement", c->info->measurement }, { "stream", c->info->stream },
		{ "modality", c->info->modality },     { "delivery", c->delivery },
		{ "channel", c->channel },             { "detail", c->detail },
	};

	buf_add_char(b, '{');
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (!members[i].text[0])
			continue;
		buf_printf(b, "\"%s\":", members[i].name);
		json_print_str(b, view_str(members[i].text));
		buf_add_char(b, ',');
	}
	buf_printf(b, "\"at_ms\":%" PRId64 "}", c->at_ms);
}

static void tell(struct measure *m, const struct alarm_change *c)
{
	struct live_topics t;
	struct buf b;

	buf_init(&b, 64 * KIB);
	document(c, &b);
	LOCK_SCOPE(&m->live->lock);
	t = hub_topics(m, c->info, c->delivery);
	for (size_t i = 0; i < t.n; i++)
		for (struct live_view *v = t.v[i]->views, *next; v; v = next) {
			next = v->next;
			if (hub_wants(v, c->info, c->delivery) &&
			    (!c->channel[0] || hub_wants_channel(&v->watch, view_str(c->channel))))
				hub_tell(m, v, MEASURE_ALARM, buf_view(&b));
		}
	buf_clear(&b);
}

/* --- rows and events --- */

static int emit_tx(struct measure *m, struct meta_tx *tx, const struct alarm_change *c, struct err *e)
{
	struct event ev = { .source = "mulgil.measure", .detail_type = "Signal Alarm" };
	struct buf b;
	int r;

	buf_init(&b, 64 * KIB);
	document(c, &b);
	ev.detail = b.p;
	r = m->o.events->emit_tx(m->o.events->self, tx, &ev, e);
	buf_clear(&b);
	return r;
}

static int begin_tx(struct meta_tx *tx, const struct alarm_change *c, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO measure_alarm (stream, kind, channel, times, since_ms, detail) VALUES (?, ?, ?, 1, ?, ?)"
		      " ON CONFLICT (stream, kind, channel) DO UPDATE SET times = times + 1, since_ms = excluded.since_ms,"
		      " until_ms = NULL, detail = excluded.detail",
		      "sssis", c->info->stream, alarm_name(c->kind), c->channel, c->at_ms, c->detail);
}

/* 1: it was open. */
static int end_tx(struct meta_tx *tx, const struct alarm_change *c, struct err *e)
{
	int r = tx_run(tx, e,
		       "UPDATE measure_alarm SET until_ms = ? WHERE stream = ? AND kind = ? AND channel = ? AND until_ms IS NULL",
		       "isss", c->at_ms, c->info->stream, alarm_name(c->kind), c->channel);

	return r < 0 ? r : tx_changes(tx) > 0;
}

struct writing {
	struct measure *m;
	const struct alarm_change *first;
};

static int write_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct writing *w = arg;
	int r = 0;

	for (const struct alarm_change *c = w->first; c && r >= 0; c = c->next) {
		r = c->begin ? begin_tx(tx, c, e) : end_tx(tx, c, e);
		if (c->begin ? r == 0 : r > 0)
			r = emit_tx(w->m, tx, c, e);
	}
	return r < 0 ? r : 0;
}

/* --- alarms whose measurement has ended, and those that a stop left open --- */

struct name {
	const char *stream;
	struct name *next;
};

struct names {
	struct arena *a;
	struct name *first;
};

static int over_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct names *n = arg;
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e,
			 "SELECT DISTINCT a.stream FROM measure_alarm a JOIN measure_stream s ON s.stream = a.stream"
			 " WHERE a.until_ms IS NULL AND s.ended = 1",
			 "");

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		struct name *one = ARENA_NEW(n->a, struct name);

		*one = (struct name){ row_str(rows, 0, n->a), n->first };
		n->first = one;
	}
	return r;
}

static void end_those_of_the_past(struct measure *m)
{
	struct err e = { 0 };
	struct arena a;
	struct names n = { .a = &a };

	arena_init(&a, LIMIT_ARENA);
	/* Where no table reads the delivery stream, nobody else takes end manifests. */
	if (measure__events_take(m, &e) < 0 || meta_read(m->o.meta, over_tx, &n, &e) < 0)
		diag(DIAG_WARN, "alarms", "%s", e.msg);
	for (const struct name *one = n.first; one; one = one->next)
		live__forget(m, one->stream, false);
	arena_clear(&a);
}

struct open_alarm {
	const char *stream, *kind, *channel;
	struct open_alarm *next;
};

struct opens {
	struct measure *m;
	struct arena *a;
	struct open_alarm *first;
};

static int opens_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct opens *o = arg;
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e, "SELECT stream, kind, channel FROM measure_alarm WHERE until_ms IS NULL", "");

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		struct open_alarm *one = ARENA_NEW(o->a, struct open_alarm);

		*one = (struct open_alarm){ row_str(rows, 0, o->a), row_str(rows, 1, o->a), row_str(rows, 2, o->a), o->first };
		o->first = one;
	}
	return r;
}

static enum alarm_kind kind_of(const char *name)
{
	unsigned k = 0;

	while (k + 1 < ALARM_KINDS && strcmp(alarm_name(k), name) != 0)
		k++;
	return k;
}

int alarms_begin(struct measure *m, struct err *e)
{
	struct arena a;
	struct opens o = { .m = m, .a = &a };
	struct alarm_change *first = NULL;
	struct writing w = { .m = m };
	int r;

	arena_init(&a, LIMIT_ARENA);
	r = meta_read(m->o.meta, opens_tx, &o, e);
	for (const struct open_alarm *one = o.first; one && r == 0; one = one->next) {
		const struct stream_info *info = measure__info(m, one->stream, e);
		struct alarm_change *c = ARENA_NEW(&a, struct alarm_change);

		if (!info) {
			r = e->code;
			continue;
		}
		*c = (struct alarm_change){ .next = first, .kind = kind_of(one->kind), .info = info, .delivery = "", .at_ms = clock_ms() };
		snprintf(c->channel, sizeof(c->channel), "%s", one->channel);
		snprintf(c->detail, sizeof(c->detail), "the server was started again");
		first = c;
	}
	w.first = first;
	if (r == 0 && first)
		r = meta_write(m->o.meta, write_tx, &w, e);
	arena_clear(&a);
	return r;
}

/* --- the actor --- */

static bool over(struct measure *m, const struct alarm_change *c)
{
	return c->kind == ALARM_STALLED && c->begin && measure__ended(m, c->info->stream);
}

/* A device that is quiet because its measurement has ended is not stalled. */
static struct alarm_change *without_ended(struct measure *m, struct alarm_change *first)
{
	struct err e = { 0 };
	bool asked = false;

	for (struct alarm_change **at = &first; *at;) {
		struct alarm_change *c = *at;

		if (c->kind == ALARM_STALLED && c->begin && !asked) {
			asked = true;
			if (measure__events_take(m, &e) < 0)
				diag(DIAG_WARN, "alarms", "%s", e.msg);
		}
		if (!over(m, c)) {
			at = &c->next;
			continue;
		}
		live__forget(m, c->info->stream, true);
		*at = c->next;
		free(c);
	}
	return first;
}

/* What has come until @until_ns; NULL: nothing. */
static struct alarm_change *take(struct live *l, int64_t until_ns)
{
	struct alarm_change *first;

	LOCK_SCOPE(&l->alarms_lock);
	while (!l->changes && !l->alarms_stop)
		if (!cond_wait_until(&l->alarms_changed, &l->alarms_lock, until_ns))
			break;
	if (l->changes_left_out)
		diag(DIAG_WARN, "alarms", "%" PRIu64 " alarms were left out: they come faster than they are written", l->changes_left_out);
	l->changes_left_out = 0;
	first = l->changes;
	l->changes = NULL;
	l->changes_last = &l->changes;
	l->n_changes = 0;
	return first;
}

static bool stopping(struct live *l)
{
	LOCK_SCOPE(&l->alarms_lock);
	return l->alarms_stop;
}

static void wait_ms(struct live *l, int ms)
{
	int64_t until = clock_mono_ns() + ms * 1000000LL;

	LOCK_SCOPE(&l->alarms_lock);
	while (!l->alarms_stop && cond_wait_until(&l->alarms_changed, &l->alarms_lock, until))
		;
}

static void free_changes(struct alarm_change *c)
{
	while (c) {
		struct alarm_change *next = c->next;

		free(c);
		c = next;
	}
}

void *alarms_main(void *arg)
{
	struct measure *m = arg;
	int64_t looked = clock_mono_ns();

	while (!stopping(m->live)) {
		struct alarm_change *first = take(m->live, looked + ENDED_S * 1000000000LL);
		struct writing w = { .m = m };
		struct err e = { 0 };

		first = without_ended(m, first);
		for (const struct alarm_change *c = first; c; c = c->next)
			tell(m, c);
		w.first = first;
		while (first && meta_write(m->o.meta, write_tx, &w, &e) < 0 && !stopping(m->live)) {
			diag(DIAG_ERROR, "alarms", "%s; trying again", e.msg);
			wait_ms(m->live, TROUBLE_MS);
			err_clear(&e);
		}
		free_changes(first);
		if (clock_mono_ns() - looked >= ENDED_S * 1000000000LL) {
			end_those_of_the_past(m);
			looked = clock_mono_ns();
		}
	}
	free_changes(take(m->live, 0));
	return NULL;
}

void alarms_stop(struct measure *m)
{
	LOCK_SCOPE(&m->live->alarms_lock);
	m->live->alarms_stop = true;
	cond_broadcast(&m->live->alarms_changed);
}

int alarms_json_tx(struct meta_tx *tx, const char *stream, struct arena *a, struct json *ret, struct err *e)
{
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e,
			 "SELECT kind, channel, times, since_ms, until_ms, detail FROM measure_alarm WHERE stream = ?"
			 " ORDER BY since_ms, kind, channel",
			 "s", stream);

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		struct json *o = json_new_obj(a);

		json_set_str(a, o, "alarm", row_str(rows, 0, a));
		if (row_view(rows, 1).n)
			json_set_str(a, o, "channel", row_str(rows, 1, a));
		json_set_int(a, o, "times", row_int(rows, 2));
		json_set_int(a, o, "since_ms", row_int(rows, 3));
		json_set(a, o, "until_ms", row_null(rows, 4) ? &json_null : json_new_int(a, row_int(rows, 4)));
		json_set_str(a, o, "detail", row_str(rows, 5, a));
		json_push(a, ret, o);
	}
	return r;
}
