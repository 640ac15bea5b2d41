/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live: one actor looks at the records of all delivery streams as they become durable, decodes each once, and tells those
 * who watch.  It is woken by the logs (log_watch()) and waits for nobody: what it calls for a viewer never blocks.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/live_int.h"
#include "os/clock.h"
#include "os/diag.h"

#define RECORDS 256
#define READ_BYTES (256 * KIB)
#define SAMPLES_MAX 65536 /* of a channel in one record */
#define FILL_MAX 4096     /* lost samples within a record that are shown as such */
#define TICK_S 0.2        /* how often stalled devices are looked for */
#define BEAT_S 10.0
#define UNKNOWN_MS 1000   /* a stream that nobody named is asked for so often */
#define UNKNOWN_MAX 4096
#define READER_IDLE_S 30.0
#define STREAM_IDLE_S 3600.0 /* it is given up */
#define SEQ_WINDOW 64

static double mono_s(void)
{
	return (double)clock_mono_ns() / 1e9;
}

/* --- device streams --- */

static void stream_free(struct live_stream *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_channels; i++)
		free(s->c[i].v);
	free(s->c);
	layout_stream_free(s->decoder);
	free(s);
}

/* Flat lines are only wrong where something should move. */
static bool should_move(struct view kind)
{
	static const char *const kinds[] = { "eeg", "ppg", "ecg", "eda" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (view_eq_str(kind, kinds[i]))
			return true;
	return false;
}

static void channel_init(struct live_channel *c, const struct layout_channel *l, const struct stream_info *info)
{
	c->rate = info->rate > 0 ? info->rate : l->rate;
	c->line = c->rate > 0 && should_move(l->kind.n ? l->kind : view_str(info->modality));
	alarm_line_init(&c->state, c->rate, l->is_float ? 0 : l->scale);
}

static struct live_stream *stream_new(struct intake *in, const struct stream_info *info)
{
	struct live_stream *s = calloc(1, sizeof(*s));
	struct err e = { 0 };
	double rate = 0;

	must(s);
	s->info = info;
	s->in = in;
	s->id = ++in->m->live->last_id;
	s->used_s = mono_s();
	s->decoder = info->layout ? layout_stream_new(info->layout, info->params, &e) : NULL;
	if (s->decoder && layout_stream_channels(s->decoder, &s->channels, &s->n_channels, &e) < 0)
		s->decoder = layout_stream_free(s->decoder);
	if (!s->decoder || s->n_channels > CHANNELS_MAX)
		s->n_channels = 0; /* nothing to show; kept, so that it is not looked for again */
	s->c = calloc(s->n_channels + 1, sizeof(*s->c));
	must(s->c);
	for (size_t i = 0; i < s->n_channels; i++) {
		channel_init(&s->c[i], &s->channels[i], info);
		rate = rate > 0 ? rate : s->c[i].rate;
	}
	sampleclock_init(&s->clock, rate > 0 ? 1e6 / rate : 0);
	s->ended = measure__ended(in->m, info->stream);
	return s;
}

static const struct stream_info *find_info(struct measure *m, const char *id)
{
	const struct stream_info *info;
	struct err e = { 0 };
	struct view key = view_str(id);
	int64_t now = clock_mono_ns() / 1000000, *until = map_get(&m->live->unknown, key);

	if (until && now < *until)
		return NULL;
	/* The begin manifest's event may not have been taken yet. */
	info = measure__info(m, id, &e);
	if (!info && measure__events_take(m, &e) == 0)
		info = measure__info(m, id, &e);
	if (info) {
		free(map_del(&m->live->unknown, key));
		return info;
	}
	if (!until && m->live->unknown.n < UNKNOWN_MAX) {
		until = malloc(sizeof(*until));
		must(until);
		map_put(&m->live->unknown, key, until);
	}
	if (until)
		*until = now + UNKNOWN_MS;
	return NULL;
}

static struct live_stream *stream_of(struct intake *in, const char *id)
{
	struct live *l = in->m->live;
	struct live_stream *s = map_get(&l->streams, view_str(id));
	const struct stream_info *info = s ? NULL : find_info(in->m, id);

	if (info) {
		s = stream_new(in, info);
		map_put(&l->streams, view_str(id), s);
	}
	return s;
}

/* --- decoding --- */

static double *room(struct live_channel *c, size_t n)
{
	if (c->n + n > c->cap) {
		c->cap = 2 * (c->n + n);
		c->v = realloc(c->v, c->cap * sizeof(*c->v));
		must(c->v);
	}
	c->n += n;
	c->next += n;
	return c->v + c->n - n;
}

/* @gap samples are missing in front of what comes. */
static void leave_out(struct live_channel *c, uint64_t gap)
{
	if (c->n && gap <= FILL_MAX) {
		double *v = room(c, (size_t)gap);

		for (size_t i = 0; i < gap; i++)
			v[i] = NAN;
		return;
	}
	c->n = 0; /* what was before such a gap is not worth the room it takes */
	c->next += gap;
	c->at = c->next;
}

static void take_counts(struct live_channel *c, bool line, const struct layout_channel *l, const struct layout_frame *f, size_t n)
{
	int64_t small[64], *counts = n <= ARRAY_LEN(small) ? small : malloc(n * sizeof(*counts));
	double *v = room(c, n);

	must(counts);
	n = layout_channel_counts(l, f, counts, n);
	for (size_t i = 0; i < n; i++) {
		v[i] = ((double)counts[i] - l->offset) * l->scale;
		if (line)
			alarm_line_take(&c->state, v[i], measure__sample_flags(l, counts[i]) != 0);
	}
	if (counts != small)
		free(counts);
}

static void take_values(struct live_channel *c, bool line, const struct layout_channel *l, const struct layout_frame *f, size_t n)
{
	double *v = room(c, n);

	n = layout_channel_values(l, f, v, n);
	for (size_t i = 0; i < n && line; i++)
		alarm_line_take(&c->state, v[i], !isfinite(v[i]));
}

static uint64_t stamps_lost(struct live_stream *s, const struct layout_frame *f, size_t n, double rate)
{
	bool back;
	uint64_t lost = measure__stamps_lost(s->info->layout, &s->stamps, f, n, rate, &back);

	if (back)
		sampleclock_hole(&s->clock);
	s->lost += lost > 0;
	return lost;
}

static void on_frame(void *ctx, const struct layout_frame *f)
{
	struct live_stream *s = ctx;
	uint64_t missing = 0;
	bool looked = false;

	if (f->dup)
		return;
	s->lost += f->lost;
	for (size_t i = 0; i < s->n_channels; i++) {
		const struct layout_channel *l = &s->channels[i];
		struct live_channel *c = &s->c[i];
		size_t n = layout_channel_values(l, f, NULL, 0);
		bool line = c->line && !s->aside;

		if (!n || c->n + n > SAMPLES_MAX)
			continue;
		if (!looked && !s->aside) /* all channels of a frame have its one stamp */
			missing = stamps_lost(s, f, n, c->rate);
		looked = true;
		if (f->lost || missing)
			leave_out(c, (f->lost < INT32_MAX ? f->lost * n : INT32_MAX) + missing);
		if (l->is_float)
			take_values(c, line, l, f, n);
		else
			take_counts(c, line, l, f, n);
	}
}

static void begin_record(struct live_stream *s)
{
	s->lost = 0;
	for (size_t i = 0; i < s->n_channels; i++) {
		s->c[i].n = 0;
		s->c[i].at = s->c[i].next;
	}
}

/* The channel whose samples are the device's time: the first one that has some. */
static const struct live_channel *beat_of(const struct live_stream *s)
{
	for (size_t i = 0; i < s->n_channels; i++)
		if (s->c[i].n && s->c[i].rate > 0)
			return &s->c[i];
	return NULL;
}

/* --- one record --- */

static void judge(struct live_stream *s, uint64_t missing, bool rate_wrong, double now)
{
	struct sampleclock_report r = sampleclock_report(&s->clock);

	for (size_t i = 0; i < s->n_channels; i++) {
		struct live_channel *c = &s->c[i];

		if (!c->line || !c->n)
			continue;
		alarms_judge(s, (struct alarm_of){ &c->flat, ALARM_FLAT, live__channel_name(s, i) }, alarm_line_flat(&c->state), now,
			     "%zu samples at %.6g", c->state.run, c->state.least);
		alarms_judge(s, (struct alarm_of){ &c->off, ALARM_LEAD_OFF, live__channel_name(s, i) }, c->state.off, now,
			     "%.0f %% of the samples are at the rails, out of range or no value", 100 * c->state.rails);
	}
	alarms_judge(s, (struct alarm_of){ &s->gap, ALARM_GAP, VIEW_NONE }, missing || s->lost, now,
		     "%" PRIu64 " records and %" PRIu64 " frames are missing before seq %" PRIu32, missing, s->lost, s->next - 1);
	alarms_judge(s, (struct alarm_of){ &s->off_rate, ALARM_RATE, VIEW_NONE }, rate_wrong, now, "the clock's drift is %.0f ppm over %" PRIu64 " records",
		     r.drift * 1e6, r.n);
	alarms_judge(s, (struct alarm_of){ &s->stalled, ALARM_STALLED, VIEW_NONE }, false, now, "records come again");
}

/* The long look at the rate: a drift that is there beyond doubt. */
static bool drifts(const struct live_stream *s)
{
	struct sampleclock_report r = sampleclock_report(&s->clock);

	return r.n >= 50 && fabs(r.drift) > 0.01 + 4 * r.drift_error;
}

static void take_in_order(struct live_stream *s, const struct envelope *env)
{
	struct layout_sink sink = { .ctx = s, .frame = on_frame };
	uint64_t missing = s->any ? env->seq - s->next : 0;
	uint64_t ahead = missing + 1;
	const struct live_channel *c;
	bool wrong = false;
	double now = mono_s();

	begin_record(s);
	if (missing) {
		layout_stream_gap(s->decoder, &sink);
		sampleclock_hole(&s->clock);
		s->rate = (struct alarm_rate){ 0 };
	}
	s->any = true;
	s->next = env->seq + 1;
	s->window = ahead < SEQ_WINDOW ? s->window << ahead | 1 : 1;
	layout_stream_feed(s->decoder, env->payload, &sink);
	c = beat_of(s);
	if (c) {
		double to = (double)(c->at + c->n) / c->rate;

		s->place = sampleclock_take(&s->clock, (double)c->at * 1e6 / c->rate, to * 1e6, env->t_tablet_ns / 1000);
		wrong = alarm_rate_take(&s->rate, to, (double)env->t_tablet_ns / 1e9) || drifts(s);
	}
	alarm_pulse_take(&s->pulse, now);
	if (!s->ended)
		judge(s, missing, wrong, now);
}

/* A record behind its place: by a decoder of its own, and nothing is learned from it. */
static bool take_late(struct live_stream *s, const struct envelope *env)
{
	struct layout_sink sink = { .ctx = s, .frame = on_frame };
	struct layout_stream *own;
	const struct live_channel *c;
	struct err e = { 0 };

	own = layout_stream_new(s->info->layout, s->info->params, &e);
	if (!own)
		return false;
	begin_record(s);
	s->aside = true;
	layout_stream_feed(own, env->payload, &sink);
	layout_stream_free(own);
	c = beat_of(s);
	if (c) {
		double from = (double)c->at * 1e6 / c->rate;

		s->place = (struct sampleclock_place){ from, env->t_tablet_ns / 1000 - llround((double)c->n * 1e6 / c->rate), 0 };
	}
	for (size_t i = 0; i < s->n_channels; i++)
		s->c[i].next = s->c[i].at;
	s->aside = false;
	return true;
}

static bool take(struct live_stream *s, const struct envelope *env, struct live_record *ret)
{
	*ret = (struct live_record){ s, env->seq, env->t_tablet_ns, s->any && env->seq < s->next };
	s->used_s = mono_s();
	if (!ret->late) {
		if (env->seq == UINT32_MAX || (s->any && env->seq - s->next > SEQ_AHEAD_MAX))
			return false; /* as the ledger: a broken number */
		take_in_order(s, env);
		return true;
	}
	if (s->next - env->seq > SEQ_WINDOW || s->window >> (s->next - 1 - env->seq) & 1)
		return false; /* sent again */
	s->window |= 1ULL << (s->next - 1 - env->seq);
	return take_late(s, env);
}

static void publish(struct measure *m, struct intake *in, const struct live_record *r)
{
	struct live_topics t = hub_topics(m, r->s->info, in->name);
	struct live *l = m->live;
	struct view plain = VIEW_NONE;
	struct buf own;

	buf_init(&own, 16 * MIB);
	buf_reset(&l->text);
	for (size_t i = 0; i < t.n; i++)
		for (struct live_view *v = t.v[i]->views, *next; v; v = next) {
			bool is_plain = !v->watch.n_channels && v->watch.hz <= 0;
			struct buf *b = is_plain ? &l->text : &own;

			next = v->next;
			if (!hub_wants(v, r->s->info, in->name))
				continue;
			if (is_plain && plain.n) { /* others watch all of it too */
				hub_tell(m, v, MEASURE_SAMPLES, plain);
				continue;
			}
			buf_reset(b);
			if (!live__text(l, r, v, b))
				continue;
			plain = is_plain ? buf_view(b) : plain;
			hub_tell(m, v, MEASURE_SAMPLES, buf_view(b));
		}
	buf_clear(&own);
}

static void look_at(struct intake *in, const struct log_record *rec)
{
	struct measure *m = in->m;
	char id[ENVELOPE_STREAM_TEXT];
	struct envelope env;
	struct live_record r;
	struct live_stream *s;

	if (envelope_parse(rec->data, &env) != ENVELOPE_OK)
		return;
	LOCK_SCOPE(&m->live->lock);
	s = stream_of(in, envelope_stream_text(env.stream, id));
	if (s && s->in == in && s->n_channels && take(s, &env, &r) && m->live->n_subs)
		publish(m, in, &r);
}

/* --- the actor --- */

static void on_append(void *arg, uint64_t last)
{
	struct intake *in = arg;
	struct live *l = in->m->live;

	(void)last;
	LOCK_SCOPE(&l->due_lock);
	if (in->live.due)
		return;
	in->live.due = true;
	in->live.next = NULL;
	*l->due_last = in;
	l->due_last = &in->live.next;
	cond_signal(&l->due_changed);
}

void live__watch(struct intake *in)
{
	in->live.at = log_last(in->log) + 1;
	log_watch(in->log, on_append, in);
	if (log_last(in->log) >= in->live.at) /* what came in between */
		on_append(in, 0);
}

void live__unwatch(struct intake *in)
{
	log_unwatch(in->log, on_append, in);
	in->live.reader = log_reader_free(in->live.reader);
}

/* Everything that is there, at most about READ_BYTES.  true: there may be more. */
static bool read_some(struct intake *in, struct log_record *recs)
{
	struct err e = { 0 };
	int n = in->live.reader ? 0 : log_reader_new(in->log, in->live.at, &in->live.reader, &e);

	if (n == 0)
		n = log_read(in->live.reader, recs, RECORDS, READ_BYTES, 0, &e);
	for (int i = 0; i < n; i++) {
		look_at(in, &recs[i]);
		in->live.at = recs[i].seq + 1;
	}
	in->live.used_s = mono_s();
	if (n >= 0)
		return n > 0;
	in->live.reader = log_reader_free(in->live.reader);
	if (n == ERR_NOENT && log_first(in->log) > in->live.at) { /* trimmed: we were slower than all others */
		in->live.at = log_first(in->log);
		return true;
	}
	if (n != ERR_CANCELLED)
		diag(DIAG_WARN, "live", "stream %s: %s", in->name, e.msg);
	in->live.at = log_last(in->log) + 1; /* best effort: from now on */
	return false;
}

/* Ends what is on, and forgets the stream. */
static void close_stream(struct measure *m, struct live_stream *s, const char *why)
{
	double never = INFINITY; /* good for long enough */

	for (size_t i = 0; i < s->n_channels; i++) {
		struct view name = live__channel_name(s, i);

		alarms_judge(s, (struct alarm_of){ &s->c[i].flat, ALARM_FLAT, name }, false, never, "%s", why);
		alarms_judge(s, (struct alarm_of){ &s->c[i].off, ALARM_LEAD_OFF, name }, false, never, "%s", why);
	}
	alarms_judge(s, (struct alarm_of){ &s->gap, ALARM_GAP, VIEW_NONE }, false, never, "%s", why);
	alarms_judge(s, (struct alarm_of){ &s->off_rate, ALARM_RATE, VIEW_NONE }, false, never, "%s", why);
	alarms_judge(s, (struct alarm_of){ &s->stalled, ALARM_STALLED, VIEW_NONE }, false, never, "%s", why);
	hub_forget_slims(m, s->info->stream);
	map_del(&m->live->streams, view_str(s->info->stream));
	stream_free(s);
}

void live__forget(struct measure *m, const char *stream, bool unsaid)
{
	struct live_stream *s;

	LOCK_SCOPE(&m->live->lock);
	s = map_get(&m->live->streams, view_str(stream));
	if (!s)
		return;
	s->stalled.on &= !unsaid;
	close_stream(m, s, "the measurement has ended");
}

/* Returns when to be called again. */
static double tick(struct measure *m, double now)
{
	struct live *l = m->live;
	struct map_entry *it = NULL;
	size_t slot = 0;

	LOCK_SCOPE(&l->lock);
	while (map_next(&l->streams, &slot, &it)) {
		struct live_stream *s = it->value;

		if (now - s->used_s > STREAM_IDLE_S)
			close_stream(m, s, "nothing came for an hour");
		else if (!s->ended && s->any && !s->stalled.on && now > alarm_pulse_late_s(&s->pulse))
			alarms_judge(s, (struct alarm_of){ &s->stalled, ALARM_STALLED, VIEW_NONE }, true, now,
				     "no record for %.1f s, one in %.1f s was usual", now - s->pulse.last_s, s->pulse.period_s);
	}
	if (now - l->beat_s > BEAT_S) {
		l->beat_s = now;
		hub_tell_all(m, MEASURE_BEAT);
	}
	return now + (l->streams.n ? TICK_S : BEAT_S);
}

static void close_idle_readers(struct measure *m, double now)
{
	LOCK_SCOPE(&m->lock);
	for (struct intake *in = m->intakes; in; in = in->next)
		if (in->live.reader && now - in->live.used_s > READER_IDLE_S)
			in->live.reader = log_reader_free(in->live.reader);
}

/* The next delivery stream with records, or NULL when it is time to tick or to stop. */
static struct intake *next_due(struct live *l, double until_s)
{
	struct intake *in;

	LOCK_SCOPE(&l->due_lock);
	while (!l->due && !l->stop)
		if (!cond_wait_until(&l->due_changed, &l->due_lock, (int64_t)(until_s * 1e9)))
			return NULL;
	in = l->stop ? NULL : l->due;
	if (in) {
		l->due = in->live.next;
		if (!l->due)
			l->due_last = &l->due;
		in->live.due = false;
	}
	return in;
}

static bool stopping(struct live *l)
{
	LOCK_SCOPE(&l->due_lock);
	return l->stop;
}

static void *live_main(void *arg)
{
	struct measure *m = arg;
	struct log_record *recs = calloc(RECORDS, sizeof(*recs));
	double next_tick = 0, swept = mono_s();

	must(recs);
	while (!stopping(m->live)) {
		struct intake *in = next_due(m->live, next_tick);
		double now = mono_s();

		if (in && read_some(in, recs)) {
			on_append(in, 0); /* behind the others */
			next_tick = fmin(next_tick, now + TICK_S);
		}
		if (now >= next_tick)
			next_tick = tick(m, now);
		if (now - swept >= READER_IDLE_S) {
			close_idle_readers(m, now);
			swept = now;
		}
	}
	free(recs);
	return NULL;
}

void live__init(struct live *l)
{
	lock_init(&l->lock, "live");
	map_init(&l->topics);
	map_init(&l->views);
	map_init(&l->streams);
	map_init(&l->unknown);
	buf_init(&l->text, 16 * MIB);
	lock_init(&l->due_lock, "live_due");
	cond_init(&l->due_changed);
	l->due_last = &l->due;
	lock_init(&l->alarms_lock, "alarms");
	cond_init(&l->alarms_changed);
	l->changes_last = &l->changes;
}

void live__start(struct measure *m)
{
	m->live->thread = thread_start("live", live_main, m);
	m->live->alarms_thread = thread_start("alarms", alarms_main, m);
	m->live->started = true;
}

void live__stop(struct measure *m)
{
	struct live *l = m->live;

	lock_take(&l->due_lock);
	l->stop = true;
	cond_broadcast(&l->due_changed);
	lock_drop(&l->due_lock);
	alarms_stop(m);
	hub_close(m);
}

void live__join(struct measure *m)
{
	if (!m->live->started)
		return;
	thread_join(m->live->thread);
	thread_join(m->live->alarms_thread);
	m->live->started = false;
}

void live__clear(struct measure *m)
{
	struct live *l = m->live;
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(&l->streams, &slot, &it))
		stream_free(it->value);
	it = NULL;
	slot = 0;
	while (map_next(&l->unknown, &slot, &it))
		free(it->value);
	map_clear(&l->streams);
	map_clear(&l->unknown);
	map_clear(&l->topics);
	map_clear(&l->views);
	free(l->bucket);
	buf_clear(&l->text);
	cond_clear(&l->alarms_changed);
	lock_clear(&l->alarms_lock);
	cond_clear(&l->due_changed);
	lock_clear(&l->due_lock);
	lock_clear(&l->lock);
	free(l);
}
