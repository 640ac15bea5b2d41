/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrubber -- the actor that reads again what is stored, slowly and without end, and says aloud what is damaged.
 *
 * A walk (scrub.c) goes through all rows; the next one begins `scrub_every_s` after it began.  It reads RATE_MIN bytes a
 * second, and more only if what the walk before it read would not be done in that time otherwise.  Its thread takes processor
 * and disk when nobody else wants them, and it holds no lock and no transaction while it reads, so no request waits for it.
 * Where it is, is kept about once a minute: after a start it goes on there.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/diag.h"
#include "svc/s3/s3_int.h"

#define KIND "scrub" /* a row of s3_config that belongs to no bucket */
#define RATE_MIN ((int64_t)(4 * MIB))
#define ROW_COST (16 * KIB) /* what a row costs besides its bytes */
#define KEEP_EVERY_MS 60000
#define AFTER_ERROR_MS 600000
#define SEC INT64_C(1000000000)
#define MS INT64_C(1000000)

/* --- what is kept --- */

static struct json *walk_json(struct arena *a, const struct s3_walk *x)
{
	struct json *o = json_new_obj(a);

	json_set_int(a, o, "began", x->began_ms);
	json_set_int(a, o, "ended", x->ended_ms);
	json_set_int(a, o, "rows", (int64_t)x->rows);
	json_set_int(a, o, "bytes", (int64_t)x->bytes);
	json_set_int(a, o, "damaged", (int64_t)x->damaged);
	return o;
}

static struct s3_walk walk_of(const struct json *o)
{
	return (struct s3_walk){ .began_ms = json_int(json_get(o, "began"), 0),
				 .ended_ms = json_int(json_get(o, "ended"), 0),
				 .rows = (uint64_t)json_int(json_get(o, "rows"), 0),
				 .bytes = (uint64_t)json_int(json_get(o, "bytes"), 0),
				 .damaged = (uint64_t)json_int(json_get(o, "damaged"), 0) };
}

struct keep_arg {
	struct arena *arena;
	const char *doc;
};

static int load_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct keep_arg *k = arg;
	int found = s3__config_get(tx, "", KIND, k->arena, &k->doc, e);

	return found < 0 ? found : 0;
}

static int keep_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct keep_arg *k = arg;

	return s3__config_put(tx, "", KIND, k->doc, e);
}

static void set_next(struct s3_scrubber *b, const char *next)
{
	char *copy = next ? strdup(next) : NULL;

	must(copy || !next);
	free(b->next);
	b->next = copy;
}

static int load(struct s3 *s, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct keep_arg k = { .arena = &a };
	struct s3_scrubber *b = &s->scrubber;
	const struct json *doc;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = meta_read(s->meta, load_fn, &k, e);
	if (rc || !k.doc)
		return rc;
	doc = json_parse(&a, view_str(k.doc), JSON_DEPTH, e);
	if (!doc)
		return err_ctx(e, "where the scrubber is");
	b->now = walk_of(json_get(doc, "now"));
	b->last = walk_of(json_get(doc, "last"));
	if (json_get_str(doc, "next").p)
		set_next(b, arena_str(&a, json_get_str(doc, "next")));
	return 0;
}

static void keep(struct s3 *s)
{
	CLEANUP(arena_clear) struct arena a;
	struct s3_scrubber *b = &s->scrubber;
	struct keep_arg k = { .arena = &a };
	struct err e = { 0 };
	struct json *doc;

	arena_init(&a, LIMIT_ARENA);
	doc = json_new_obj(&a);
	json_set(&a, doc, "now", walk_json(&a, &b->now));
	json_set(&a, doc, "last", walk_json(&a, &b->last));
	json_set_str(&a, doc, "next", b->next);
	k.doc = json_text(&a, doc);
	if (meta_write(s->meta, keep_fn, &k, &e) < 0)
		diag(DIAG_WARN, "s3", "where the scrubber is was not kept: %s", e.msg);
	b->kept_ns = clock_mono_ns();
}

void s3_scrubbed(struct s3 *s, struct s3_walk *ret_now, struct s3_walk *ret_last)
{
	LOCK_SCOPE(&s->lock);
	*ret_now = s->scrubber.now;
	*ret_last = s->scrubber.last;
}

/* --- pace --- */

static bool wait_until(struct s3 *s, int64_t end)
{
	LOCK_SCOPE(&s->lock);
	while (!s->scrubber.stop && cond_wait_until(&s->scrubber.wake, &s->lock, end))
		;
	return !s->scrubber.stop;
}

static bool pace(void *arg, uint64_t bytes)
{
	struct s3 *s = arg;
	struct s3_scrubber *b = &s->scrubber;
	int64_t now = clock_mono_ns();

	/* What was not read while it stood still is not made up for. */
	if (b->due_ns < now)
		b->due_ns = now;
	b->due_ns += (int64_t)((double)bytes / (double)b->rate * (double)SEC);
	return wait_until(s, b->due_ns);
}

/* --- walking --- */

static void say(const struct json *p)
{
	struct view key = json_get_str(p, "key"), bucket = json_get_str(p, "bucket"), version = json_get_str(p, "version"),
		    upload = json_get_str(p, "upload"), what = json_get_str(p, "problem");

	if (upload.p)
		diag(DIAG_ERROR, "s3", "DAMAGED s3://%.*s/%.*s part %" PRId64 " of upload %.*s: %.*s", VIEW_ARG(bucket), VIEW_ARG(key),
		     json_int(json_get(p, "part"), 0), VIEW_ARG(upload), VIEW_ARG(what));
	else
		diag(DIAG_ERROR, "s3", "DAMAGED s3://%.*s/%.*s%s%.*s: %.*s", VIEW_ARG(bucket), VIEW_ARG(key), version.p ? " version " : "",
		     (int)version.n, version.p ? version.p : "", VIEW_ARG(what));
}

static void begin(struct s3 *s)
{
	struct s3_scrubber *b = &s->scrubber;
	int64_t enough = (int64_t)(b->last.bytes + b->last.rows * ROW_COST) / b->every_s;

	set_next(b, "");
	b->rate = enough + enough / 4 > RATE_MIN ? enough + enough / 4 : RATE_MIN;
	LOCK_SCOPE(&s->lock);
	b->now = (struct s3_walk){ .began_ms = s->now_ms() };
}

static void end(struct s3 *s)
{
	struct s3_scrubber *b = &s->scrubber;

	lock_take(&s->lock);
	b->now.ended_ms = s->now_ms();
	b->last = b->now;
	b->now = (struct s3_walk){ 0 };
	lock_drop(&s->lock);
	set_next(b, NULL);
	keep(s);
	diag(b->last.damaged ? DIAG_ERROR : DIAG_INFO, "s3",
	     "all that is stored was read again: %" PRIu64 " objects and parts, %" PRIu64 " bytes, %" PRIu64 " damaged", b->last.rows,
	     b->last.bytes, b->last.damaged);
}

static int64_t next_walk_ns(const struct s3 *s)
{
	int64_t every = s->scrubber.every_s * 1000, left = s->scrubber.last.began_ms + every - s->now_ms();

	if (left < 0 || left > every) /* also when the clock was set back */
		left = left < 0 ? 0 : every;
	return clock_mono_ns() + left * MS;
}

/* One row.  false: it is to end. */
static bool step(struct s3 *s)
{
	CLEANUP(arena_clear) struct arena a;
	struct s3_scrubber *b = &s->scrubber;
	struct err e = { 0 };
	struct s3_scrub x;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = s3__scrub(s, b->next, 0, pace, s, &a, &x, &e);
	if (rc == ERR_CANCELLED)
		return false;
	if (rc) {
		diag(DIAG_ERROR, "s3", "the scrubber could not go on: %s", e.msg);
		if (rc == ERR_INVALID) /* it was kept by another version */
			set_next(b, "");
		return wait_until(s, clock_mono_ns() + AFTER_ERROR_MS * MS);
	}
	for (size_t i = 0; i < json_len(x.problems); i++)
		say(json_at(x.problems, i));
	lock_take(&s->lock);
	b->now.rows += x.rows;
	b->now.bytes += x.bytes;
	b->now.damaged += json_len(x.problems) > 0;
	lock_drop(&s->lock);
	if (!x.next) {
		end(s);
		return true;
	}
	set_next(b, x.next);
	if (clock_mono_ns() - b->kept_ns > KEEP_EVERY_MS * MS)
		keep(s);
	return pace(s, ROW_COST);
}

static void *run(void *arg)
{
	struct s3 *s = arg;
	struct s3_scrubber *b = &s->scrubber;

	thread_yield_to_others();
	b->kept_ns = clock_mono_ns();
	if (b->next)
		b->rate = RATE_MIN;
	for (;;) {
		if (!b->next) {
			if (!wait_until(s, next_walk_ns(s)))
				break;
			begin(s);
		}
		if (!step(s))
			break;
	}
	if (b->next)
		keep(s);
	return NULL;
}

int s3__scrubber_start(struct s3 *s, struct err *e)
{
	struct s3_scrubber *b = &s->scrubber;
	int rc = b->every_s ? load(s, e) : 0;

	if (rc)
		return rc;
	b->runs = b->every_s > 0;
	if (b->runs)
		b->thread = thread_start("s3-scrub", run, s);
	return 0;
}

void s3__scrubber_stop(struct s3 *s)
{
	struct s3_scrubber *b = &s->scrubber;

	lock_take(&s->lock);
	b->stop = true;
	cond_broadcast(&b->wake);
	lock_drop(&s->lock);
	if (b->runs)
		thread_join(b->thread);
	cond_clear(&b->wake);
	free(b->next);
}

void s3__scrubber_init(struct s3 *s, int64_t every_s)
{
	cond_init(&s->scrubber.wake);
	s->scrubber.every_s = every_s;
}
