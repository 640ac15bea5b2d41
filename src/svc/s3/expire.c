/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expire -- the actor that does what lifecycle rules say: one thread, bucket after bucket, in small steps.
 *
 * A step looks at some rows on a snapshot; only where something is due it is repeated inside one write transaction, which
 * deletes as a request does, event included.  So a crash leaves nothing half done, and there is no position to keep: the
 * next walk finds what is left.  In that transaction the rules are compared with those the walk began with, so nothing goes
 * by a rule that was taken back before; and locks are looked at there, as for everybody.
 *
 * The row before a non-current version is its successor: no column has to say since when it is not current.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/diag.h"
#include "svc/s3/lifecycle.h"

#define ROWS 500     /* looked at in one step */
#define DELETIONS 64 /* in one transaction */
#define UPLOADS 8
#define PAUSE_MS 2
#define PAUSE_AFTER_WRITE_MS 10
#define MIDNIGHT_SLACK_MS 1000
#define CHANGED_AFTER_MS 60000 /* after rules changed, at most: a slip can be taken back */
#define MS 1000000LL

/* How far a walk has come: behind the row @before of @key. */
struct position {
	const char *key;
	uint64_t before;    /* 0: no row of the key was met */
	int64_t made_ms;    /* of that row */
	int64_t newer_old;  /* non-current versions of the key that were met */
};

struct due {
	const char *key;
	uint64_t seq;
	bool vnull;
	struct lc_entry entry;
};

struct walk {
	struct s3 *s;
	struct arena *rules_arena;
	const char *bucket, *doc;
	struct lifecycle rules;
	struct view to;
	int64_t now_ms;
	/* of one step: */
	struct arena *arena;
	bool act, ended, stale;
	struct position at;
	struct due due[DELETIONS];
	size_t n_due, acted;
	const char *up_key, *up_id; /* position among uploads */
};

/* --- looking at rows --- */

static void add_due(struct walk *w, const struct s3_entry *x, const struct lc_entry *e)
{
	if (lc_wants(&w->rules, e, NULL, w->now_ms, w->s->expire.day_ms))
		w->due[w->n_due++] = (struct due){ x->key, x->seq, x->vnull, *e };
}

static void take_row(struct walk *w, const struct s3_entry *x, bool alone)
{
	struct position *p = &w->at;
	bool same = p->before && strcmp(p->key, x->key) == 0;
	const struct lc_entry e = { .key = x->key,
				    .size = x->size,
				    .modified_ms = x->modified_ms,
				    .marker = x->marker,
				    .current = !same,
				    .alone = alone,
				    .retired_ms = same ? p->made_ms : 0,
				    .newer_old = same ? p->newer_old : 0 };

	add_due(w, x, &e);
	*p = (struct position){ x->key, x->seq, x->modified_ms, e.newer_old + (same && !x->marker) };
}

/* Whether a marker is alone is known when the next row is: until then it waits. */
static int scan(struct meta_tx *tx, struct walk *w, struct err *e)
{
	struct s3_entry wait = { 0 }, x;
	struct tx_rows *r;
	size_t n = 0;
	int rc = s3__version_scan(tx, &r, w->bucket, view_str(w->at.key), w->at.before, w->to, ROWS, e);

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		s3__version_row(r, w->arena, &x);
		n++;
		if (wait.key)
			take_row(w, &wait, strcmp(wait.key, x.key) != 0);
		wait = (struct s3_entry){ 0 };
		if (w->n_due == DELETIONS) {
			tx_end(r);
			return 0;
		}
		if (x.marker && !(w->at.before && strcmp(w->at.key, x.key) == 0))
			wait = x;
		else
			take_row(w, &x, false);
		if (w->n_due == DELETIONS) {
			tx_end(r);
			return 0;
		}
	}
	if (rc < 0)
		return rc;
	w->ended = n < ROWS;
	if (w->ended && wait.key)
		take_row(w, &wait, true);
	return 0;
}

/* --- acting on them --- */

static int load(struct meta_tx *tx, const struct walk *w, const struct due *d, struct s3_row *ret, struct err *e)
{
	const struct s3_vid id = { .null = d->vnull, .seq = d->seq };

	return s3__version_find(tx, w->bucket, d->key, &id, w->arena, ret, e);
}

/* Rules that ask for tags are sure only when those were read.  1: it goes. */
static int settle(struct meta_tx *tx, const struct walk *w, const struct due *d, struct err *e)
{
	struct s3_row r;
	int found;

	if (!w->rules.tags)
		return 1;
	found = load(tx, w, d, &r, e);
	return found > 0 ? lc_wants(&w->rules, &d->entry, &r.tags, w->now_ms, w->s->expire.day_ms) : found;
}

/* Between two steps what was not current may have become so. */
static int is_newest(struct meta_tx *tx, const struct walk *w, const struct due *d, struct err *e)
{
	struct s3_row r;
	int found = s3__version_newest(tx, w->bucket, d->key, w->arena, &r, e);

	return found > 0 ? r.seq == d->seq : found;
}

static int expire_one(struct meta_tx *tx, struct walk *w, struct s3_deleting *g, const struct due *d, struct err *e)
{
	const struct s3_row as_row = { .seq = d->seq, .vnull = d->vnull };
	struct s3_deletion one = { .key = d->key };
	int rc = d->entry.current ? 0 : is_newest(tx, w, d, e);

	if (rc)
		return rc < 0 ? rc : 0;
	if (!d->entry.current || d->entry.marker)
		one.version = s3__vid_text(w->arena, &as_row);
	rc = s3__delete_tx(tx, g, &one, e);
	if (!rc && !one.failed.code) /* else it is locked */
		w->acted++;
	return rc;
}

static struct s3_deleting deleting(struct walk *w)
{
	char *id = arena_alloc(w->arena, UUID_TEXT);

	uuid4(id);
	return (struct s3_deleting){ .s = w->s,
				     .who = { id, "s3.amazonaws.com", NULL, S3_REASON_EXPIRED },
				     .arena = w->arena };
}

/* Whether the walk still goes by what the bucket's rules are. */
static int check_rules(struct meta_tx *tx, struct walk *w, struct err *e)
{
	const char *doc = NULL;
	int rc = s3__config_get(tx, w->bucket, S3_KIND_LIFECYCLE, w->arena, &doc, e);

	if (rc < 0)
		return rc;
	w->stale = !doc || strcmp(doc, w->doc) != 0;
	return 0;
}

static int act(struct meta_tx *tx, struct walk *w, struct err *e)
{
	struct s3_deleting g = deleting(w);
	int rc = check_rules(tx, w, e);

	if (!rc && !w->stale)
		rc = s3__bucket_need(tx, w->bucket, &g.bucket, e);
	for (size_t i = 0; !rc && !w->stale && i < w->n_due; i++) {
		rc = settle(tx, w, &w->due[i], e);
		if (rc > 0)
			rc = expire_one(tx, w, &g, &w->due[i], e);
	}
	return rc;
}

static int step_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct walk *w = arg;
	struct position from = w->at;
	size_t sure = 0;
	int rc;

	w->n_due = 0;
	rc = scan(tx, w, e);
	if (rc || w->act)
		return rc ? rc : act(tx, w, e);
	for (size_t i = 0; rc >= 0 && !sure && i < w->n_due; i++) {
		rc = settle(tx, w, &w->due[i], e);
		sure += rc > 0;
	}
	if (rc < 0)
		return rc;
	w->n_due = sure;
	if (sure)
		w->at = from;
	return 0;
}

/* --- uploads --- */

static int uploads_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct walk *w = arg;
	const char *ids[UPLOADS];
	const char *key = w->up_key, *id = w->up_id;
	struct s3_upload u;
	struct tx_rows *r;
	size_t n = 0, seen = 0;
	int rc = s3__upload_scan(tx, &r, w->bucket, view_str(key), id, w->to, ROWS, e);

	if (rc)
		return rc;
	while (n < UPLOADS && (rc = tx_next(r, e)) > 0) {
		s3__upload_row(r, w->arena, &u);
		key = u.key;
		id = u.id;
		seen++;
		if (lc_wants_upload(&w->rules, u.key, u.created_ms, w->now_ms, w->s->expire.day_ms))
			ids[n++] = u.id;
	}
	if (n == UPLOADS)
		tx_end(r);
	if (rc < 0)
		return rc;
	w->n_due = n;
	w->ended = n < UPLOADS && seen < ROWS;
	if (n && !w->act)
		return 0;
	w->up_key = key;
	w->up_id = id;
	rc = n ? check_rules(tx, w, e) : 0;
	for (size_t i = 0; !rc && !w->stale && i < n; i++) {
		rc = s3__upload_abort(tx, w->s, ids[i], w->arena, e);
		w->acted += !rc;
	}
	return rc;
}

/* --- walking --- */

static bool stopped(struct s3 *s)
{
	LOCK_SCOPE(&s->lock);
	return s->expire.stop;
}

static void pause_for(struct s3 *s, int64_t ms)
{
	int64_t end = clock_mono_ns() + ms * MS;

	LOCK_SCOPE(&s->lock);
	while (!s->expire.stop && cond_wait_until(&s->expire.wake, &s->lock, end))
		;
}

/* The position outlives the step's memory. */
static void keep(char **kept, const char **p)
{
	char *copy = strdup(*p);

	must(copy);
	free(*kept);
	*kept = copy;
	*p = copy;
}

/* One step: looks, and does what is due.  1: there is more. */
static int step(struct walk *w, meta_fn fn, const char **key, const char **id, struct err *e)
{
	static const int64_t pauses[] = { PAUSE_MS, PAUSE_AFTER_WRITE_MS };
	CLEANUP(arena_clear) struct arena a;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	w->arena = &a;
	w->act = w->ended = false;
	rc = meta_read(w->s->meta, fn, w, e);
	if (!rc && w->n_due) {
		w->act = true;
		w->ended = false;
		rc = meta_write(w->s->meta, fn, w, e);
	}
	keep(&w->s->expire.key, key);
	if (id)
		keep(&w->s->expire.id, id);
	w->arena = NULL;
	if (rc || w->ended || w->stale)
		return rc;
	pause_for(w->s, pauses[w->act]);
	return !stopped(w->s);
}

static int walk_bucket(struct walk *w, struct err *e)
{
	struct view from;
	int rc;

	if (!lc_range(&w->rules, w->rules_arena, &from, &w->to))
		return 0;
	w->at = (struct position){ .key = arena_str(w->rules_arena, from) };
	do {
		rc = step(w, step_fn, &w->at.key, NULL, e);
	} while (rc > 0);
	w->up_key = arena_str(w->rules_arena, from);
	w->up_id = "";
	while (!rc && !w->stale && !stopped(w->s)) {
		rc = step(w, uploads_fn, &w->up_key, &w->up_id, e);
		if (rc <= 0)
			break;
		rc = 0;
	}
	return rc;
}

struct next_arg {
	struct arena *arena;
	const char *after, *bucket, *doc;
};

static int next_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct next_arg *n = arg;

	n->bucket = NULL;
	return s3__config_next(tx, S3_KIND_LIFECYCLE, n->after, n->arena, &n->bucket, &n->doc, e);
}

/* A bucket that cannot be walked does not keep the others from it. */
static void walk_one(struct s3 *s, struct arena *a, const struct next_arg *n, size_t *acted)
{
	struct walk *w = ARENA_NEW(a, struct walk);
	struct err e = { 0 };

	*w = (struct walk){ .s = s,
			    .rules_arena = a,
			    .bucket = n->bucket,
			    .doc = n->doc,
			    .now_ms = s->now_ms() };
	if (lc_parse(a, n->doc, &w->rules, &e) || walk_bucket(w, &e))
		diag(DIAG_WARN, "s3", "lifecycle of bucket %s goes on at the next walk: %s", n->bucket, e.msg);
	*acted += w->acted;
}

size_t s3__expire_walk(struct s3 *s)
{
	char after[64] = "";
	struct err e = { 0 };
	size_t acted = 0;

	while (!stopped(s)) {
		CLEANUP(arena_clear) struct arena a;
		struct next_arg n = { .after = after };

		arena_init(&a, LIMIT_ARENA);
		n.arena = &a;
		if (meta_read(s->meta, next_fn, &n, &e) < 0) {
			diag(DIAG_WARN, "s3", "lifecycle rules were not read: %s", e.msg);
			break;
		}
		if (!n.bucket)
			break;
		walk_one(s, &a, &n, &acted);
		(void)snprintf(after, sizeof(after), "%s", n.bucket);
	}
	return acted;
}

/* --- the thread --- */

static int64_t until_next_ms(const struct s3 *s)
{
	int64_t midnight = LC_DAY_MS - s->now_ms() % LC_DAY_MS + MIDNIGHT_SLACK_MS;

	return midnight < s->expire.every_ms ? midnight : s->expire.every_ms;
}

/* With the lock held. */
static void wait_for_next(struct s3 *s)
{
	int64_t after = s->expire.every_ms < CHANGED_AFTER_MS ? s->expire.every_ms : CHANGED_AFTER_MS;
	int64_t end = clock_mono_ns() + until_next_ms(s) * MS;
	bool more = true, seen = false;

	while (!s->expire.stop && more) {
		if (s->expire.changed && !seen) {
			int64_t soon = clock_mono_ns() + after * MS;

			end = soon < end ? soon : end;
			seen = true;
		}
		more = cond_wait_until(&s->expire.wake, &s->lock, end);
	}
}

static void *run(void *arg)
{
	struct s3 *s = arg;

	lock_take(&s->lock);
	while (!s->expire.stop) {
		s->expire.changed = false;
		lock_drop(&s->lock);
		(void)s3__expire_walk(s);
		lock_take(&s->lock);
		wait_for_next(s);
	}
	lock_drop(&s->lock);
	return NULL;
}

void s3__expire_wake(struct s3 *s)
{
	LOCK_SCOPE(&s->lock);
	atomic_store(&s->expire.used, true);
	s->expire.changed = true;
	cond_signal(&s->expire.wake);
}

void s3__expire_init(struct s3 *s, int64_t every_s, int64_t day_s)
{
	cond_init(&s->expire.wake);
	s->expire.every_ms = every_s * 1000;
	s->expire.day_ms = day_s ? day_s * 1000 : LC_DAY_MS;
}

int s3__expire_start(struct s3 *s, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct next_arg n = { .after = "" };
	int rc;

	arena_init(&a, LIMIT_ARENA);
	n.arena = &a;
	rc = meta_read(s->meta, next_fn, &n, e);
	if (rc)
		return rc;
	atomic_store(&s->expire.used, n.bucket != NULL);
	s->expire.runs = s->expire.every_ms > 0;
	if (s->expire.runs)
		s->expire.thread = thread_start("s3-expire", run, s);
	return 0;
}

void s3__expire_stop(struct s3 *s)
{
	lock_take(&s->lock);
	s->expire.stop = true;
	cond_broadcast(&s->expire.wake);
	lock_drop(&s->lock);
	if (s->expire.runs)
		thread_join(s->expire.thread);
	cond_clear(&s->expire.wake);
	free(s->expire.key);
	free(s->expire.id);
}
