// SPDX-License-Identifier: Apache-2.0
/* Lanes of worker threads, each with its own ring of waiting work. */
#include "os/pool.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/thread.h"

#define IDLE_END_NS (30 * 1000000000LL)

struct job {
	void (*fn)(void *);
	void *arg;
};

struct worker {
	struct lane *lane;
	bool started; /* thread is valid, and nobody has joined it */
	bool ended;
	pthread_t thread;
};

struct lane {
	struct lock lock;
	struct cond work;
	const char *name;
	struct job *ring;
	unsigned ring_cap, first, waiting;
	struct worker *workers;
	unsigned worker_cap, idle;
	bool stop;
};

struct pool {
	struct lane lanes[LANE_COUNT];
};

/* Takes the next job; false when this thread should end. */
static bool next_job(struct lane *l, struct job *ret)
{
	int64_t deadline = clock_mono_ns() + IDLE_END_NS;

	while (l->waiting == 0) {
		bool woken;

		if (l->stop)
			return false;
		l->idle++;
		woken = cond_wait_until(&l->work, &l->lock, deadline);
		l->idle--;
		if (!woken && l->waiting == 0)
			return false;
	}
	*ret = l->ring[l->first];
	l->first = (l->first + 1) % l->ring_cap;
	l->waiting--;
	return true;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct lane *l = w->lane;
	struct job j;

	lock_take(&l->lock);
	while (next_job(l, &j)) {
		lock_drop(&l->lock);
		j.fn(j.arg);
		lock_take(&l->lock);
	}
	w->ended = true;
	lock_drop(&l->lock);
	return NULL;
}

/* One more thread if there is room; the lane's lock is held. */
static void add_worker(struct lane *l)
{
	for (unsigned i = 0; i < l->worker_cap; i++) {
		struct worker *w = &l->workers[i];

		if (w->started && !w->ended)
			continue;
		if (w->started)
			thread_join(w->thread); /* it has left the lock for good: no wait */
		w->started = true;
		w->ended = false;
		w->thread = thread_start(l->name, worker_main, w);
		return;
	}
}

static void lane_init(struct lane *l, const char *name, unsigned threads, unsigned queue_max)
{
	lock_init(&l->lock, name);
	cond_init(&l->work);
	l->name = name;
	if (!threads)
		return;
	l->ring = calloc(queue_max, sizeof(*l->ring));
	l->ring_cap = queue_max;
	l->workers = calloc(threads, sizeof(*l->workers));
	l->worker_cap = threads;
	must(queue_max > 0 && l->ring && l->workers);
	for (unsigned i = 0; i < threads; i++)
		l->workers[i].lane = l;
}

struct pool *pool_new(const struct pool_opts *o)
{
	struct pool *p = calloc(1, sizeof(*p));

	must(p);
	lane_init(&p->lanes[LANE_FAST], "fast", o->threads[LANE_FAST], o->queue_max[LANE_FAST]);
	lane_init(&p->lanes[LANE_SLOW], "slow", o->threads[LANE_SLOW], o->queue_max[LANE_SLOW]);
	lane_init(&p->lanes[LANE_WAITING], "waiting", o->threads[LANE_WAITING], o->queue_max[LANE_WAITING]);
	lane_init(&p->lanes[LANE_BULK], "bulk", o->threads[LANE_BULK], o->queue_max[LANE_BULK]);
	return p;
}

static void lane_clear(struct lane *l)
{
	for (unsigned i = 0; i < l->worker_cap; i++)
		if (l->workers[i].started)
			thread_join(l->workers[i].thread);
	must(l->waiting == 0);
	cond_clear(&l->work);
	lock_clear(&l->lock);
	free(l->ring);
	free(l->workers);
}

struct pool *pool_free(struct pool *p)
{
	if (!p)
		return NULL;
	for (int i = 0; i < LANE_COUNT; i++) {
		lock_take(&p->lanes[i].lock);
		p->lanes[i].stop = true;
		cond_broadcast(&p->lanes[i].work);
		lock_drop(&p->lanes[i].lock);
	}
	for (int i = 0; i < LANE_COUNT; i++)
		lane_clear(&p->lanes[i]);
	free(p);
	return NULL;
}

int pool_submit(struct pool *p, enum pool_lane lane, void (*fn)(void *), void *arg, struct err *e)
{
	struct lane *l = &p->lanes[lane];

	must(l->worker_cap > 0);
	LOCK_SCOPE(&l->lock);
	if (l->stop)
		return err_set(e, ERR_CANCELLED, "the program is ending");
	if (l->waiting == l->ring_cap)
		return err_set(e, ERR_BUSY, "%u requests are waiting already", l->waiting);
	l->ring[(l->first + l->waiting) % l->ring_cap] = (struct job){ fn, arg };
	l->waiting++;
	if (l->idle < l->waiting)
		add_worker(l);
	cond_signal(&l->work);
	return 0;
}
