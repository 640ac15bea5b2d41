/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap -- deletes the blobs that no row names any more, when nobody can be reading them.
 *
 * Every reading takes a ticket before it looks at the index.  A blob doomed at ticket t may be in the hands of
 * readings with tickets up to t; it is deleted when the oldest reading open has a greater one.  What a crash
 * leaves doomed is litter, which s3_start() sweeps.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "os/diag.h"
#include "svc/s3/s3_int.h"

struct s3_doomed {
	struct s3_doomed *next;
	uint64_t ticket;
	char *parts;
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

void s3__doom(struct s3 *s, const char *parts)
{
	struct s3_doomed *d;

	if (!parts || view_eq_str(view_str(parts), "[]"))
		return;
	d = calloc(1, sizeof(*d));
	must(d);
	d->parts = strdup(parts);
	must(d->parts);
	LOCK_SCOPE(&s->lock);
	d->ticket = s->ticket;
	*s->doomed_tail = d;
	s->doomed_tail = &d->next;
	cond_signal(&s->wake);
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

/* What was joined of an object goes with its first part. */
static void delete_joined(struct s3 *s, const char *ref, struct err *e)
{
	char *joined;

	lock_take(&s->lock);
	joined = map_del(&s->joined, blob_key(ref));
	lock_drop(&s->lock);
	if (joined && blob_delete(s->blob, joined, e) < 0) {
		diag(DIAG_WARN, "s3",
		     "joined bytes of a replaced object stay until the next start: %s", e->msg);
		err_clear(e);
	}
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

		delete_joined(s, ref, &e);
		if (blob_delete(s->blob, ref, &e) < 0) {
			diag(DIAG_WARN, "s3",
			     "bytes of a replaced object stay until the next start: %s", e.msg);
			err_clear(&e);
		}
	}
}

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
		struct s3_doomed *d = next_to_go(s);

		if (d) {
			lock_drop(&s->lock);
			delete_blobs(s, d->parts);
			free(d->parts);
			free(d);
			lock_take(&s->lock);
		} else if (s->stop) {
			break;
		} else {
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
	s->doomed_tail = &s->doomed;
	map_init(&s->joined);
	s->reaper = thread_start("s3-reap", reap, s);
}

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
	while (map_next(&s->joined, &slot, &it))
		free(it->value);
	map_clear(&s->joined);
	cond_clear(&s->wake);
	lock_clear(&s->lock);
}
