/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap -- deletes the blobs that no row names any more, when nobody can be reading them.
 *
 * Every reading takes a ticket before it looks at the index.  A blob doomed at ticket t may be in the hands of
 * readings with tickets up to t; it is deleted when the oldest reading open has a greater one.
 *
 * What a transaction dooms it writes to s3_doomed: that table is the queue, in memory is only up to which row those with
 * a ticket go.  So a crash forgets nothing, and the next start goes on.  Rows are deleted after their blobs, many at a time;
 * deleting a blob again does nothing.  A blob that was written but not named by a row when the crash came is found by
 * sweep.c.  All of it happens here, on the reaper's thread, beside requests.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "os/diag.h"
#include "svc/s3/s3_int.h"

#define PAGE_ROWS 64
#define FORGET_EVERY 4096 /* rows of s3_doomed that are deleted together */

struct s3_doomed {
	struct s3_doomed *next;
	uint64_t ticket;
	int64_t to;  /* rows of s3_doomed up to this one, or 0 */
	char *parts; /* blobs without a row, or NULL */
	bool sweep;
};

void s3__reading_begin(struct s3 *s, struct s3_reading *r)
{
	LOCK_SCOPE(&s->lock);
	*r = (struct s3_reading){ .s = s, .ticket = ++s->ticket, .prev = s->reading_last };
	if (s->reading_last)
		s->reading_last->next = r;
	else
		s->reading = r;
	s->reading_last = r;
}

void s3__reading_end(struct s3_reading *r)
{
	struct s3 *s = r->s;

	if (!s)
		return;
	LOCK_SCOPE(&s->lock);
	if (r->prev)
		r->prev->next = r->next;
	else
		s->reading = r->next;
	if (r->next)
		r->next->prev = r->prev;
	else
		s->reading_last = r->prev;
	r->s = NULL;
	if (s->doomed)
		cond_signal(&s->wake);
}

/* --- dooming --- */

static void enqueue(struct s3 *s, const struct s3_doomed *what)
{
	struct s3_doomed *d = malloc(sizeof(*d)), *last = NULL;

	must(d);
	*d = *what;
	LOCK_SCOPE(&s->lock);
	d->ticket = s->ticket;
	if (s->doomed)
		last = CONTAINER_OF(s->doomed_tail, struct s3_doomed, next);
	if (d->to && last && last->to && last->ticket == d->ticket) {
		last->to = d->to;
		free(d);
	} else {
		*s->doomed_tail = d;
		s->doomed_tail = &d->next;
	}
	cond_signal(&s->wake);
}

static bool nothing(const char *parts)
{
	return !parts || view_eq_str(view_str(parts), "[]");
}

void s3__doom(struct s3 *s, const char *parts)
{
	struct s3_doomed d = { 0 };

	if (nothing(parts))
		return;
	d.parts = strdup(parts);
	must(d.parts);
	enqueue(s, &d);
}

const char *s3__joined(struct s3 *s, const char *ref, const char *joined, struct arena *a)
{
	struct view key = blob_key(ref);

	LOCK_SCOPE(&s->lock);
	const char *known = map_get(&s->joined, key);

	if (!known && joined) {
		char *copy = strdup(joined);

		must(copy);
		map_put(&s->joined, key, copy);
		return joined;
	}
	return known ? arena_str(a, view_str(known)) : NULL;
}

/* --- deleting --- */

static void delete_blob(struct s3 *s, const char *ref)
{
	struct err e = { 0 };

	if (blob_delete(s->blob, ref, &e) == 0)
		return;
	diag(DIAG_WARN, "s3", "bytes of a replaced object stay until the next start: %s", e.msg);
	s->remember = true;
}

/* What was joined of an object goes with its first part. */
static void delete_joined(struct s3 *s, const char *ref)
{
	char *joined;

	lock_take(&s->lock);
	joined = map_del(&s->joined, blob_key(ref));
	lock_drop(&s->lock);
	if (joined)
		delete_blob(s, joined);
	free(joined);
}

static void delete_blobs(struct s3 *s, const char *parts)
{
	CLEANUP(arena_clear) struct arena a;
	struct err e = { 0 };
	const struct json *list;

	arena_init(&a, LIMIT_ARENA);
	list = json_parse(&a, view_str(parts), JSON_DEPTH, &e);
	for (size_t i = 0; i < json_len(list); i++) {
		const char *ref = arena_str(&a, json_str(json_at(json_at(list, i), 0)));

		delete_joined(s, ref);
		delete_blob(s, ref);
	}
}

/* On the writer's thread before its next transactions: no row up to the last number is still to come. */
static void after_commit(void *arg)
{
	struct s3 *s = arg;

	enqueue(s, &(struct s3_doomed){ .to = s->doomed_id });
}

int s3__doom_tx(struct meta_tx *tx, struct s3 *s, const char *parts, struct err *e)
{
	if (nothing(parts))
		return 0;
	if (MUTANT(7))
		delete_blobs(s, parts);
	if (MUTANT(11))
		s3__doom(s, parts);
	if (MUTANT(7) || MUTANT(11))
		return 0;
	if (s3__doomed_insert(tx, ++s->doomed_id, parts, e))
		return e->code;
	tx_after_commit(tx, after_commit, s);
	return 0;
}

static int forget_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	return s3__doomed_forget(tx, *(int64_t *)arg, e);
}

/* The rows of blobs whose deletion is durable; those of others would only be deleted again after a crash. */
static void forget(struct s3 *s)
{
	struct err e = { 0 };

	if (s->reaped && !s->remember)
		blob_settle(s->blob);
	if (s->reaped && !s->remember && meta_write(s->meta, forget_fn, &s->reaped_id, &e) < 0)
		diag(DIAG_WARN, "s3", "notes of deleted bytes stay until the next start: %s", e.msg);
	s->reaped = 0;
}

struct page_arg {
	struct arena *arena;
	int64_t after, to;
	struct s3_doomed_row rows[PAGE_ROWS];
	size_t n;
};

static int page_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct page_arg *a = arg;

	return s3__doomed_page(tx, a->after, a->to, a->arena, a->rows, PAGE_ROWS, &a->n, e);
}

/* False: there is no row up to @to any more. */
static bool delete_page(struct s3 *s, int64_t to)
{
	CLEANUP(arena_clear) struct arena a;
	struct page_arg page = { .arena = &a, .after = s->reaped_id, .to = to };
	struct err e = { 0 };

	arena_init(&a, LIMIT_ARENA);
	if (meta_read(s->meta, page_fn, &page, &e) < 0) {
		diag(DIAG_WARN, "s3", "bytes of replaced objects stay until the next start: %s", e.msg);
		s->remember = true;
		return false;
	}
	for (size_t i = 0; i < page.n; i++) {
		delete_blobs(s, page.rows[i].parts);
		s->reaped_id = page.rows[i].id;
		s->reaped++;
	}
	if (s->reaped >= FORGET_EVERY)
		forget(s);
	return page.n > 0;
}

static void delete_rows(struct s3 *s, int64_t to)
{
	while (s->reaped_id < to && delete_page(s, to))
		;
	s->reaped_id = to;
}

static void reap_one(struct s3 *s, struct s3_doomed *d)
{
	if (d->sweep)
		s3__sweep(s);
	else if (d->parts)
		delete_blobs(s, d->parts);
	else
		delete_rows(s, d->to);
	free(d->parts);
	free(d);
}

/* What was doomed before this start nobody can be reading. */
static void recover(struct s3 *s)
{
	delete_rows(s, s->recover_id);
	forget(s);
	/* Readings from before the look may hold what it did not see any more. */
	if (s3__sweep_look(s))
		enqueue(s, &(struct s3_doomed){ .sweep = true });
}

/* --- the thread --- */

/* Called with the lock; the oldest doomed one that may go, or NULL. */
static struct s3_doomed *next_to_go(struct s3 *s)
{
	struct s3_doomed *d = s->doomed;

	LOCK_ASSERT_HELD(&s->lock);
	if (!d || (s->reading && s->reading->ticket <= d->ticket))
		return NULL;
	s->doomed = d->next;
	if (!s->doomed)
		s->doomed_tail = &s->doomed;
	return d;
}

static void *reap(void *arg)
{
	struct s3 *s = arg;

	lock_take(&s->lock);
	for (;;) {
		bool recovers = s->recover;
		struct s3_doomed *d = recovers ? NULL : next_to_go(s);

		s->reaping = recovers || d;
		if (s->reaping) {
			s->recover = false;
			lock_drop(&s->lock);
			if (recovers)
				recover(s);
			else
				reap_one(s, d);
			lock_take(&s->lock);
		} else if (s->stop) {
			break;
		} else {
			cond_broadcast(&s->settled);
			cond_wait(&s->wake, &s->lock);
		}
	}
	lock_drop(&s->lock);
	return NULL;
}

void s3__reap_start(struct s3 *s)
{
	lock_init(&s->lock, "s3");
	cond_init(&s->wake);
	cond_init(&s->settled);
	s->doomed_tail = &s->doomed;
	map_init(&s->joined);
	s->reaper = thread_start("s3-reap", reap, s);
}

void s3__reap_recover(struct s3 *s)
{
	LOCK_SCOPE(&s->lock);
	s->recover_id = s->doomed_id;
	s->recover = true;
	cond_signal(&s->wake);
}

void s3__reap_settle(struct s3 *s)
{
	LOCK_SCOPE(&s->lock);
	while (s->recover || s->reaping || s->doomed)
		cond_wait(&s->settled, &s->lock);
}

/* A store that is closed has no litter: what was joined goes, too. */
void s3__reap_stop(struct s3 *s)
{
	size_t slot = 0;
	struct map_entry *it = NULL;

	must(!s->reading);
	lock_take(&s->lock);
	s->stop = true;
	cond_signal(&s->wake);
	lock_drop(&s->lock);
	thread_join(s->reaper);
	forget(s);
	while (map_next(&s->joined, &slot, &it)) {
		delete_blob(s, it->value);
		free(it->value);
	}
	map_clear(&s->joined);
	s3__sweep_clear(s);
	cond_clear(&s->settled);
	cond_clear(&s->wake);
	lock_clear(&s->lock);
}
