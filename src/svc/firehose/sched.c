/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched -- who works when: a pool of threads serves the streams that have something to do.
 *
 * A stream is idle, queued or worked on; waking it while it is worked on makes it be looked at once more.  Its log wakes it
 * with every append, one thread with the time at which a buffer of it is due.  What goes wrong is tried again, after a
 * pause that grows: records wait in the log meanwhile.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/diag.h"
#include "os/pool.h"
#include "svc/firehose/deliver.h"

#define THREADS 8       /* what they do is mostly waiting for the disk, which groups them */
#define THREADS_SLOW 32 /* for streams that call functions */
#define QUEUE 65536
#define ROUNDS 16 /* then others get a turn */
#define RETRY_MIN_NS (100 * 1000000LL)
#define RETRY_MAX_NS (30 * 1000000000LL)
#define SLEEPY_NS (60 * 1000000000LL) /* what is idle for so long gives its memory back */

void (*fh__at)(const char *point);

static void work(void *arg);

/* --- the heap of streams by .due_ns; under the lock --- */

static void put(struct fh_sched *d, size_t i, struct fh_stream *s)
{
	d->heap[i] = s;
	s->at = i + 1;
}

static void up(struct fh_sched *d, size_t i)
{
	struct fh_stream *s = d->heap[i];

	for (; i && d->heap[(i - 1) / 2]->due_ns > s->due_ns; i = (i - 1) / 2)
		put(d, i, d->heap[(i - 1) / 2]);
	put(d, i, s);
}

static void down(struct fh_sched *d, size_t i)
{
	struct fh_stream *s = d->heap[i];

	for (size_t kid; (kid = 2 * i + 1) < d->n; i = kid) {
		if (kid + 1 < d->n && d->heap[kid + 1]->due_ns < d->heap[kid]->due_ns)
			kid++;
		if (s->due_ns <= d->heap[kid]->due_ns)
			break;
		put(d, i, d->heap[kid]);
	}
	put(d, i, s);
}

static void timer_off(struct fh_sched *d, struct fh_stream *s)
{
	size_t i = s->at - 1;

	if (!s->at)
		return;
	s->at = 0;
	d->n--;
	if (i == d->n)
		return;
	put(d, i, d->heap[d->n]);
	up(d, i);
	down(d, d->heap[i]->at - 1);
}

static void timer_on(struct fh_sched *d, struct fh_stream *s, int64_t due_ns)
{
	timer_off(d, s);
	if (due_ns == INT64_MAX)
		return;
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		d->heap = reallocarray(d->heap, d->cap, sizeof(struct fh_stream *));
		must(d->heap);
	}
	s->due_ns = due_ns;
	put(d, d->n++, s);
	up(d, s->at - 1);
	if (d->heap[0] == s)
		cond_signal(&d->wake);
}

/* --- waking --- */

static void queue(struct fh_sched *d, struct fh_stream *s)
{
	struct err e = { 0 };

	timer_off(d, s);
	s->turn = FH_QUEUED;
	if (pool_submit(d->pool, s->slow ? LANE_SLOW : LANE_FAST, work, s, &e) == 0)
		return;
	s->turn = FH_IDLE; /* more streams than the queue is long: a moment later */
	timer_on(d, s, clock_mono_ns() + RETRY_MIN_NS);
}

void fh__wake(struct fh_stream *s)
{
	struct fh_sched *d = &s->f->sched;

	LOCK_SCOPE(&d->lock);
	if (s->stop)
		return;
	if (s->turn == FH_WORKING)
		s->again = true;
	else if (s->turn == FH_IDLE && clock_mono_ns() >= s->not_before_ns)
		queue(d, s);
}

void fh__changed(struct fh_stream *s)
{
	atomic_store(&s->changed, true);
	lock_take(&s->f->sched.lock);
	s->not_before_ns = 0; /* it may be what delivery waits for */
	lock_drop(&s->f->sched.lock);
	fh__wake(s);
}

static void woken(void *arg, uint64_t last)
{
	fh__wake(arg);
}

static void *timer_main(void *arg)
{
	struct fh_sched *d = arg;

	lock_take(&d->lock);
	while (!d->stop) {
		if (!d->n)
			cond_wait(&d->wake, &d->lock);
		else if (d->heap[0]->due_ns > clock_mono_ns())
			(void)cond_wait_until(&d->wake, &d->lock, d->heap[0]->due_ns);
		else
			queue(d, d->heap[0]);
	}
	lock_drop(&d->lock);
	return NULL;
}

/* --- working --- */

bool fh__stopping(const struct fh_stream *s)
{
	return atomic_load(&s->stop);
}

/* The stream's state in memory is thrown away: its row says where to go on. */
static void forget(struct fh_stream *s)
{
	s->work = fh__work_free(s, s->work);
	s->conversion = NULL;
}

static int64_t failed(struct fh_stream *s, struct err *e)
{
	const bool first = !s->pause_ns;

	if (e->code == ERR_CANCELLED) {
		forget(s);
		return INT64_MAX;
	}
	s->pause_ns = first ? RETRY_MIN_NS : s->pause_ns * 2 < RETRY_MAX_NS ? s->pause_ns * 2 : RETRY_MAX_NS;
	if (e->code == ERR_CONFLICT) { /* another configuration, or a commit that was not answered */
		forget(s);
		s->pause_ns = 0;
		return 0;
	}
	if (first || s->pause_ns == RETRY_MAX_NS)
		fh__log_waits(s, e);
	if (!s->work || !s->work->stuck)
		forget(s);
	s->not_before_ns = clock_mono_ns() + s->pause_ns;
	return s->not_before_ns;
}

/* When to look at it again; 0: at once. */
static int64_t rounds(struct fh_stream *s)
{
	int64_t due = INT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		struct err e = { 0 };
		int rc = 0;

		if (fh__stopping(s))
			return INT64_MAX;
		if (atomic_exchange(&s->changed, false))
			forget(s);
		if (!s->work && (rc = fh__adopt(s, &s->work, &e)) == 0) {
			s->conversion = s->work->config.conversion;
			if (!s->slow && fh__is_slow(&s->work->config)) {
				s->slow = true; /* from the next turn on, which is at once */
				return 0;
			}
		}
		if (!rc)
			rc = fh__work(s, s->work, &due, &e);
		if (rc < 0)
			return failed(s, &e);
		s->pause_ns = 0;
		s->slow = fh__is_slow(&s->work->config);
		if (rc == 0)
			return due;
	}
	return 0;
}

static void work(void *arg)
{
	struct fh_stream *s = arg;
	struct fh_sched *d = &s->f->sched;
	int64_t due, now = clock_mono_ns();

	lock_take(&d->lock);
	s->turn = FH_WORKING;
	s->again = false;
	s->not_before_ns = 0;
	lock_drop(&d->lock);
	if (s->work && !s->work->newest && s->idle_ns && now - s->idle_ns >= SLEEPY_NS && s->work->position >= log_last(s->log)) {
		forget(s);
		due = INT64_MAX;
	} else {
		due = rounds(s);
		s->idle_ns = clock_mono_ns();
		if (due == INT64_MAX && s->work)
			due = s->idle_ns + SLEEPY_NS;
	}
	LOCK_SCOPE(&d->lock);
	s->turn = FH_IDLE;
	if (s->stop)
		cond_broadcast(&d->idle);
	else if (due == 0 || (s->again && (!s->not_before_ns || atomic_load(&s->changed))))
		queue(d, s);
	else
		timer_on(d, s, due);
}

void fh__begin(struct fh_stream *s)
{
	s->begun = true;
	atomic_store(&s->stop, false);
	log_watch(s->log, woken, s);
	if (log_last(s->log) > s->known)
		fh__wake(s);
}

void fh__end(struct fh_stream *s)
{
	struct fh_sched *d = &s->f->sched;

	if (!s->begun)
		return;
	s->begun = false;
	log_unwatch(s->log, woken, s);
	lock_take(&d->lock);
	atomic_store(&s->stop, true);
	timer_off(d, s);
	while (s->turn != FH_IDLE)
		cond_wait(&d->idle, &d->lock);
	lock_drop(&d->lock);
	forget(s);
}

void fh__sched_init(struct firehose *f)
{
	struct fh_sched *d = &f->sched;

	lock_init(&d->lock, "firehose-sched");
	cond_init(&d->wake);
	cond_init(&d->idle);
	d->pool = pool_new(&(struct pool_opts){ { [LANE_FAST] = THREADS, [LANE_SLOW] = THREADS_SLOW },
						{ [LANE_FAST] = QUEUE, [LANE_SLOW] = QUEUE } });
	d->timer = thread_start("firehose-timer", timer_main, d);
}

void fh__sched_clear(struct firehose *f)
{
	struct fh_sched *d = &f->sched;

	lock_take(&d->lock);
	d->stop = true;
	cond_signal(&d->wake);
	lock_drop(&d->lock);
	thread_join(d->timer);
	d->pool = pool_free(d->pool);
	free(d->heap);
	cond_clear(&d->idle);
	cond_clear(&d->wake);
	lock_clear(&d->lock);
}
