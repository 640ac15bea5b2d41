// SPDX-License-Identifier: Apache-2.0
/*
 * Brings events to targets.  One thread reads the outbox in order, matches rules, and writes in one
 * transaction a row for every (event, rule, target) together with its own new position; so no event is skipped
 * and none is matched twice.  A few workers deliver the rows: a row goes when its target has accepted, a repeat
 * after a crash is possible and harmless for state machines (the execution's name comes from the event).
 * An addressed event is one delivery to its target.  Deliveries of one lane to one target go one after the other: only the
 * first of them is in the heap, the others hang on it.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/map.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "svc/events/events_int.h"

#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS 60000
#define PASS_ARENA (1024UL * 1024 * 1024) /* never reached within the limits of events_int.h */
#define TRIM_EVERY_MS (10 * 60 * 1000)

struct waiting {
	struct arena arena;
	struct delivery d;
	struct view lane;                 /* with the target; VIEW_NONE: none */
	struct waiting *behind, *hindmost; /* in the same lane; hindmost counts in its first */
};

struct dispatcher {
	struct events *ev;
	const struct op_registry *registry;
	struct lock lock;
	struct cond news;  /* for the reader: events, rules, room */
	struct cond work;  /* for workers */
	bool stop, dirty;
	struct waiting **heap; /* by due time */
	size_t n, cap;
	struct map lanes;    /* the first of each (struct waiting *), in the heap or under way */
	size_t n_behind;     /* waiting, but not in the heap */
	size_t bytes; /* of payloads, also of those under way */
	int64_t trimmed_ms;
	pthread_t reader, workers[EVENTS_WORKERS];
};

/* --- deliveries in memory, the earliest first --- */
static void heap_put(struct dispatcher *d, struct waiting *w)
{
	size_t i = d->n;

	LOCK_ASSERT_HELD(&d->lock);
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		d->heap = realloc(d->heap, d->cap * sizeof(struct waiting *));
		must(d->heap);
	}
	d->n++;
	for (; i > 0 && d->heap[(i - 1) / 2]->d.due_ms > w->d.due_ms; i = (i - 1) / 2)
		d->heap[i] = d->heap[(i - 1) / 2];
	d->heap[i] = w;
}

static struct waiting *heap_take(struct dispatcher *d)
{
	struct waiting *top = d->heap[0], *last = d->heap[--d->n];
	size_t i = 0, k;

	LOCK_ASSERT_HELD(&d->lock);
	while ((k = i * 2 + 1) < d->n) {
		if (k + 1 < d->n && d->heap[k + 1]->d.due_ms < d->heap[k]->d.due_ms)
			k++;
		if (d->heap[k]->d.due_ms >= last->d.due_ms)
			break;
		d->heap[i] = d->heap[k];
		i = k;
	}
	if (d->n)
		d->heap[i] = last;
	return top;
}

static size_t payload_bytes(const struct delivery *x)
{
	return view_str(x->payload).n;
}

static struct waiting *waiting_new(const struct delivery *x)
{
	struct waiting *w = calloc(1, sizeof(*w));

	must(w);
	arena_init(&w->arena, LIMIT_ARENA);
	w->d = *x;
	w->d.event_id = arena_str(&w->arena, view_str(x->event_id));
	w->d.rule = arena_str(&w->arena, view_str(x->rule));
	w->d.target = arena_str(&w->arena, view_str(x->target));
	w->d.arn = arena_str(&w->arena, view_str(x->arn));
	w->d.payload = arena_str(&w->arena, view_str(x->payload));
	if (x->lane)
		w->lane = view_str(arena_printf(&w->arena, "%s\n%s", x->arn, x->lane));
	return w;
}

static void add_waiting(struct dispatcher *d, struct waiting *w)
{
	struct waiting *first = w->lane.p ? map_get(&d->lanes, w->lane) : NULL;

	d->bytes += payload_bytes(&w->d);
	if (first) {
		first->hindmost->behind = w;
		first->hindmost = w;
		d->n_behind++;
		return;
	}
	w->hindmost = w;
	if (w->lane.p)
		map_put(&d->lanes, w->lane, w);
	heap_put(d, w);
}

static void waiting_free(struct waiting *w)
{
	arena_clear(&w->arena);
	free(w);
}

/* The next of its lane may go. */
static void done_waiting(struct dispatcher *d, struct waiting *w)
{
	struct waiting *next = w->behind;

	d->bytes -= payload_bytes(&w->d);
	if (next) {
		next->hindmost = w->hindmost;
		map_put(&d->lanes, next->lane, next);
		d->n_behind--;
		heap_put(d, next);
	} else if (w->lane.p) {
		map_del(&d->lanes, w->lane);
	}
	waiting_free(w);
}

/* --- one pass of the reader --- */
struct matching {
	struct rule rule;
	struct pattern *pattern;
	struct target *targets;
	size_t n_targets;
};

struct pass {
	struct dispatcher *d;
	struct arena arena;
	uint64_t from, to;
	size_t event_from; /* of the arena: where the present event's payloads begin */
	struct event *events;
	size_t n_events;
	struct matching *rules;
	size_t n_rules;
	struct delivery *deliveries;
	const char **reasons; /* of those that cannot be made: NULL for good ones */
	size_t n, cap;
};

static int position_tx(struct meta_tx *tx, uint64_t *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT n FROM events_position WHERE reader = 'dispatcher'", "");

	if (rc > 0) {
		*ret = (uint64_t)row_int(r, 0);
		tx_end(r);
	}
	return rc < 0 ? rc : 0;
}

static int rules_tx(struct meta_tx *tx, struct pass *p, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT name, pattern FROM events_rule WHERE state = 'ENABLED' ORDER BY name LIMIT ?", "i",
			  (int64_t)EVENTS_RULES_MAX);

	p->rules = ARENA_ARRAY(&p->arena, struct matching, EVENTS_RULES_MAX);
	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		struct matching *m = &p->rules[p->n_rules++];

		m->rule.name = row_str(r, 0, &p->arena);
		m->rule.pattern = row_str(r, 1, &p->arena);
		rc = 0;
	}
	for (size_t i = 0; rc == 0 && i < p->n_rules; i++)
		rc = events__targets_tx(tx, p->rules[i].rule.name, "", EVENTS_TARGETS_MAX, &p->arena, &p->rules[i].targets,
					&p->rules[i].n_targets, e);
	return rc;
}

/* A batch ends also where it would hold too much: what an event needs here is some 30 times its text. */
static int events_tx(struct meta_tx *tx, struct pass *p, struct err *e)
{
	struct tx_rows *r;
	size_t used = p->arena.used;
	int rc = tx_query(tx, &r, e,
			  "SELECT n, id, source, detail_type, detail, resources, time_ms, arn, lane FROM events_outbox"
			  " WHERE n > ? ORDER BY n LIMIT ?", "ii", (int64_t)p->from, (int64_t)EVENTS_BATCH);

	p->events = ARENA_ARRAY(&p->arena, struct event, EVENTS_BATCH);
	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		p->events[p->n_events++] = (struct event){
			.n = (uint64_t)row_int(r, 0), .id = row_str(r, 1, &p->arena), .source = row_str(r, 2, &p->arena),
			.detail_type = row_str(r, 3, &p->arena), .detail = row_str(r, 4, &p->arena),
			.resources = row_str(r, 5, &p->arena), .time_ms = row_int(r, 6),
			.arn = row_str(r, 7, &p->arena), .lane = row_str(r, 8, &p->arena),
		};
		p->to = (uint64_t)row_int(r, 0);
		rc = 0;
		if (p->arena.used - used > EVENTS_BATCH_BYTES) {
			tx_end(r);
			break;
		}
	}
	return rc;
}

static int look_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct pass *p = arg;
	int r = position_tx(tx, &p->from, e);

	p->to = p->from;
	if (r == 0)
		r = events_tx(tx, p, e);
	return r == 0 && p->n_events ? rules_tx(tx, p, e) : r;
}

/*
 * What target @t of @m is given, in the pass's memory; the work is done in memory of its own.  *shared: the whole
 * event's text, made once for all targets that get it.
 */
static int make_payload(struct pass *p, const struct matching *m, const struct target *t, const struct json *envelope,
			const char **shared, const char **ret, struct err *e)
{
	bool whole = !t->template && !t->input && !t->input_path;
	const char *text = "";
	struct arena a;
	int r;

	if (whole && *shared) {
		*ret = *shared;
		return 0;
	}
	if (p->arena.used - p->event_from > EVENTS_EVENT_BYTES)
		return err_set(e, ERR_LIMIT, "the event's targets are given more than %lu bytes together", EVENTS_EVENT_BYTES);
	arena_init(&a, LIMIT_ARENA);
	r = events__input_make(&a, t, events__rule_arn(p->d->ev, &a, m->rule.name), envelope, &text, e);
	if (r == 0)
		*ret = arena_str(&p->arena, view_str(text));
	if (r == 0 && whole)
		*shared = *ret;
	arena_clear(&a);
	return r;
}

static void keep_delivery(struct pass *p, const struct delivery *x, const char *reason)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		struct delivery *v = ARENA_ARRAY(&p->arena, struct delivery, cap);
		const char **why = ARENA_ARRAY(&p->arena, const char *, cap);

		for (size_t i = 0; i < p->n; i++) {
			v[i] = p->deliveries[i];
			why[i] = p->reasons[i];
		}
		p->deliveries = v;
		p->reasons = why;
		p->cap = cap;
	}
	p->reasons[p->n] = reason;
	p->deliveries[p->n++] = *x;
}

static void add_delivery(struct pass *p, const struct event *x, const struct matching *m, const struct target *t,
			 const struct json *envelope, const char **shared)
{
	struct err e = { 0 };
	const char *payload = "", *reason = NULL;

	if (make_payload(p, m, t, envelope, shared, &payload, &e) < 0)
		reason = arena_str(&p->arena, view_str(e.msg));
	keep_delivery(p, &(struct delivery){ .n = x->n, .event_id = x->id, .rule = m->rule.name, .target = t->id,
					     .arn = t->arn, .payload = payload }, reason);
}

static void match_one(struct pass *p, const struct event *x)
{
	const struct json *envelope;
	const char *shared = NULL;
	struct arena a;

	if (x->arn) {
		keep_delivery(p, &(struct delivery){ .n = x->n, .event_id = x->id, .rule = x->source, .target = x->detail_type,
						     .arn = x->arn, .payload = x->detail, .lane = x->lane }, NULL);
		return;
	}
	arena_init(&a, LIMIT_ARENA);
	envelope = events__envelope(p->d->ev, &a, x);
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct matching *m = &p->rules[i];

		if (!m->pattern || !pattern_match(m->pattern, envelope))
			continue;
		for (size_t t = 0; t < m->n_targets; t++)
			add_delivery(p, x, m, &m->targets[t], envelope, &shared);
	}
	arena_clear(&a);
}

static void match_all(struct pass *p)
{
	size_t used;

	for (size_t i = 0; i < p->n_rules; i++) {
		struct err e = { 0 };

		p->rules[i].pattern = pattern_compile(view_str(p->rules[i].rule.pattern), &e);
		if (!p->rules[i].pattern)
			diag(DIAG_ERROR, "events", "rule %s: %s", p->rules[i].rule.name, e.msg);
	}
	used = p->event_from = p->arena.used;
	for (size_t k = 0; k < p->n_events; k++) {
		if (p->arena.used - used > EVENTS_PASS_BYTES) { /* the others are for the next pass */
			p->n_events = k;
			p->to = p->events[k - 1].n;
			break;
		}
		p->event_from = p->arena.used;
		match_one(p, &p->events[k]);
	}
	for (size_t i = 0; i < p->n_rules; i++)
		pattern_free(p->rules[i].pattern);
}

static int keep_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct pass *p = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct delivery *d = &p->deliveries[i];

		r = tx_run(tx, e,
			   "INSERT INTO events_delivery (n, event_id, rule, target, arn, payload, attempts, due_ms, state, reason,"
			   " lane) VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?) ON CONFLICT (n, rule, target) DO NOTHING",
			   "issssssss", (int64_t)d->n, d->event_id, d->rule, d->target, d->arn, d->payload,
			   p->reasons[i] ? "failed" : "due", p->reasons[i], d->lane);
	}
	if (r == 0)
		r = tx_run(tx, e,
			   "INSERT INTO events_position (reader, n) VALUES ('dispatcher', ?)"
			   " ON CONFLICT (reader) DO UPDATE SET n = excluded.n", "i", (int64_t)p->to);
	if (r == 0 && clock_ms() - p->d->trimmed_ms > TRIM_EVERY_MS) {
		p->d->trimmed_ms = clock_ms();
		/* The last row stays: the next number is one more than the greatest. */
		r = tx_run(tx, e, "DELETE FROM events_outbox WHERE n < ? AND at_ms < ?", "ii", (int64_t)p->to,
			   clock_ms() - EVENTS_KEEP_MS);
	}
	return r;
}

static void hand_out(struct pass *p)
{
	struct dispatcher *d = p->d;
	LOCK_SCOPE(&d->lock);

	for (size_t i = 0; i < p->n; i++) {
		if (p->reasons[i])
			diag(DIAG_WARN, "events", "event %s cannot be given to target %s of rule %s: %s",
			     p->deliveries[i].event_id, p->deliveries[i].target, p->deliveries[i].rule, p->reasons[i]);
		else
			add_waiting(d, waiting_new(&p->deliveries[i]));
	}
	cond_broadcast(&d->work);
}

/* Number of events seen, or negative. */
static int one_pass(struct dispatcher *d)
{
	struct pass p = { .d = d };
	struct err e = { 0 };
	int r;

	arena_init(&p.arena, PASS_ARENA);
	r = meta_read(d->ev->o.meta, look_tx, &p, &e);
	if (r == 0 && p.n_events) {
		match_all(&p);
		r = meta_write(d->ev->o.meta, keep_tx, &p, &e);
		if (r == 0)
			hand_out(&p);
	}
	if (r < 0)
		diag(DIAG_ERROR, "events", "events cannot be dispatched: %s", e.msg);
	arena_clear(&p.arena);
	return r < 0 ? r : (int)p.n_events;
}

static void *reader(void *arg)
{
	struct dispatcher *d = arg;
	int n = 0;

	lock_take(&d->lock);
	while (!d->stop) {
		if (n < 0) {
			cond_wait_until(&d->news, &d->lock, clock_mono_ns() + 1000000000);
		} else if (!d->dirty || d->n + d->n_behind >= EVENTS_WAITING_MAX || d->bytes >= EVENTS_WAITING_BYTES) {
			cond_wait(&d->news, &d->lock);
			continue;
		}
		d->dirty = false;
		lock_drop(&d->lock);
		n = one_pass(d);
		lock_take(&d->lock);
		d->dirty |= n != 0;
	}
	lock_drop(&d->lock);
	return NULL;
}

/* --- delivering --- */
struct outcome {
	const struct delivery *d;
	const char *state, *reason; /* state NULL: done */
};

static int outcome_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct outcome *o = arg;

	if (!o->state)
		return tx_run(tx, e, "DELETE FROM events_delivery WHERE n = ? AND rule = ? AND target = ?", "iss",
			      (int64_t)o->d->n, o->d->rule, o->d->target);
	return tx_run(tx, e,
		      "UPDATE events_delivery SET attempts = ?, due_ms = ?, state = ?, reason = ?"
		      " WHERE n = ? AND rule = ? AND target = ?",
		      "iississ", o->d->attempts, o->d->due_ms, o->state, o->reason, (int64_t)o->d->n, o->d->rule, o->d->target);
}

static int64_t backoff_ms(int64_t attempts)
{
	int64_t ms = BACKOFF_FIRST_MS;
	uint8_t dice;

	while (attempts-- > 1 && ms < BACKOFF_MAX_MS)
		ms *= 2;
	random_bytes(&dice, 1);
	ms = ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : ms;
	return ms - ms * dice / 1024; /* a quarter less at most, so that many do not come back at once */
}

/* true: @w is to be tried again. */
static bool attempt(struct dispatcher *d, struct waiting *w)
{
	struct arena a;
	struct err e = { 0 }, e2 = { 0 };
	struct outcome o = { .d = &w->d };
	int r;

	arena_init(&a, LIMIT_ARENA);
	r = events__deliver(d->ev, d->registry, &w->d, &a, &e);
	if (r < 0) {
		w->d.attempts++;
		w->d.due_ms = clock_ms() + backoff_ms(w->d.attempts);
		o.state = w->d.attempts < EVENTS_ATTEMPTS ? "due" : "failed";
		o.reason = e.msg;
		if (w->d.attempts == EVENTS_ATTEMPTS)
			diag(DIAG_ERROR, "events", "event %s was not delivered to target %s of rule %s (kept, tried again at the "
			     "next start): %s", w->d.event_id, w->d.target, w->d.rule, e.msg);
	}
	if (meta_write(d->ev->o.meta, outcome_tx, &o, &e2) < 0)
		diag(DIAG_ERROR, "events", "delivery of event %s: %s", w->d.event_id, e2.msg);
	arena_clear(&a);
	return r < 0 && w->d.attempts < EVENTS_ATTEMPTS;
}

static void *worker(void *arg)
{
	struct dispatcher *d = arg;

	lock_take(&d->lock);
	while (!d->stop) {
		struct waiting *w;
		int64_t wait = d->n ? d->heap[0]->d.due_ms - clock_ms() : 0;
		bool again;

		if (d->n == 0) {
			cond_wait(&d->work, &d->lock);
			continue;
		}
		if (wait > 0) {
			cond_wait_until(&d->work, &d->lock, clock_mono_ns() + wait * 1000000);
			continue;
		}
		w = heap_take(d);
		lock_drop(&d->lock);
		again = attempt(d, w);
		lock_take(&d->lock);
		if (again) {
			heap_put(d, w);
			cond_signal(&d->work);
		} else {
			done_waiting(d, w);
			cond_signal(&d->work);
			cond_signal(&d->news);
		}
	}
	lock_drop(&d->lock);
	return NULL;
}

/* --- start and stop --- */
static int again_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	return tx_run(tx, e, "UPDATE events_delivery SET attempts = 0, due_ms = 0, state = 'due' WHERE payload <> ''", "");
}

static int load_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct dispatcher *d = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT n, event_id, rule, target, arn, payload, lane FROM events_delivery WHERE state = 'due' ORDER BY n", "");
	LOCK_SCOPE(&d->lock);

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		struct waiting *w;
		struct arena a;

		arena_init(&a, LIMIT_ARENA);
		w = waiting_new(&(struct delivery){
			.n = (uint64_t)row_int(r, 0), .event_id = row_str(r, 1, &a), .rule = row_str(r, 2, &a),
			.target = row_str(r, 3, &a), .arn = row_str(r, 4, &a), .payload = row_str(r, 5, &a),
			.lane = row_str(r, 6, &a) });
		arena_clear(&a);
		add_waiting(d, w);
		rc = 0;
	}
	return rc;
}

static void dispatcher_free(struct dispatcher *d)
{
	while (d->n) {
		for (struct waiting *w = d->heap[--d->n], *next; w; w = next) {
			next = w->behind;
			waiting_free(w);
		}
	}
	map_clear(&d->lanes);
	free(d->heap);
	cond_clear(&d->news);
	cond_clear(&d->work);
	lock_clear(&d->lock);
	free(d);
}

int events__dispatcher_start(struct events *ev, const struct op_registry *r, struct err *e)
{
	struct dispatcher *d = calloc(1, sizeof(*d));
	int rc;

	must(d && !ev->dispatcher);
	d->ev = ev;
	d->registry = r;
	d->dirty = true;
	map_init(&d->lanes);
	lock_init(&d->lock, "events.dispatcher");
	cond_init(&d->news);
	cond_init(&d->work);
	rc = meta_write(ev->o.meta, again_tx, NULL, e);
	if (rc == 0)
		rc = meta_read(ev->o.meta, load_tx, d, e);
	if (rc < 0) {
		dispatcher_free(d);
		return err_ctx(e, "events");
	}
	d->reader = thread_start("events", reader, d);
	for (size_t i = 0; i < EVENTS_WORKERS; i++)
		d->workers[i] = thread_start("events-deliver", worker, d);
	__atomic_store_n(&ev->dispatcher, d, __ATOMIC_RELEASE);
	return 0;
}

const struct op_registry *events__registry(const struct events *ev)
{
	const struct dispatcher *d = __atomic_load_n(&ev->dispatcher, __ATOMIC_ACQUIRE);

	return d ? d->registry : NULL;
}

void events__wake(void *arg)
{
	struct events *ev = arg;
	struct dispatcher *d = __atomic_load_n(&ev->dispatcher, __ATOMIC_ACQUIRE);

	if (!d)
		return;
	LOCK_SCOPE(&d->lock);
	d->dirty = true;
	cond_signal(&d->news);
}

void events__dispatcher_stop(struct events *ev)
{
	struct dispatcher *d = ev->dispatcher;

	if (!d || !d->reader)
		return;
	lock_take(&d->lock);
	d->stop = true;
	cond_broadcast(&d->news);
	cond_broadcast(&d->work);
	lock_drop(&d->lock);
	thread_join(d->reader);
	for (size_t i = 0; i < EVENTS_WORKERS; i++)
		thread_join(d->workers[i]);
	d->reader = 0;
}

/* After the last transaction: the writer may wake a stopped dispatcher, not one that is gone. */
void events__dispatcher_free(struct events *ev)
{
	if (ev->dispatcher)
		dispatcher_free(ev->dispatcher);
}
