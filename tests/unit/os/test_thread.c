// SPDX-License-Identifier: Apache-2.0
/* Locks, conditions and the worker pool. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/pool.h"
#include "os/thread.h"

#include "unit.h"

struct gate {
	struct lock lock;
	struct cond cond;
	int arrived;
	bool open;
};

static void gate_init(struct gate *g)
{
	lock_init(&g->lock, "gate");
	cond_init(&g->cond);
	g->arrived = 0;
	g->open = false;
}

static void gate_clear(struct gate *g)
{
	cond_clear(&g->cond);
	lock_clear(&g->lock);
}

static void gate_pass(void *arg)
{
	struct gate *g = arg;

	LOCK_SCOPE(&g->lock);
	g->arrived++;
	cond_broadcast(&g->cond);
	while (!g->open)
		cond_wait(&g->cond, &g->lock);
}

static void gate_open(struct gate *g)
{
	LOCK_SCOPE(&g->lock);
	g->open = true;
	cond_broadcast(&g->cond);
}

/* Waits, at most 20 s, until @n have arrived. */
static bool gate_wait(struct gate *g, int n)
{
	int64_t deadline = clock_mono_ns() + 20000000000;

	LOCK_SCOPE(&g->lock);
	while (g->arrived < n)
		if (!cond_wait_until(&g->cond, &g->lock, deadline))
			return false;
	return true;
}

static void *pass(void *arg)
{
	gate_pass(arg);
	return NULL;
}

TEST(lock_knows_its_owner)
{
	struct gate g;
	pthread_t t;

	gate_init(&g);
	assert_false(lock_held(&g.lock));
	lock_take(&g.lock);
	assert_true(lock_held(&g.lock));
	assert_false(cond_wait_until(&g.cond, &g.lock, clock_mono_ns() + 1000000));
	assert_true(lock_held(&g.lock));
	lock_drop(&g.lock);
	t = thread_start("passer", pass, &g);
	assert_true(gate_wait(&g, 1));
	gate_open(&g);
	thread_join(t);
	gate_clear(&g);
}

TEST(pool_slow_work_does_not_hold_fast_work_up)
{
	struct pool *p =
		pool_new(&(struct pool_opts){ .threads = { 1, 1 }, .queue_max = { 2, 2 } });
	struct gate slow, fast;
	struct err e = { 0 };

	gate_init(&slow);
	gate_init(&fast);
	fast.open = true;
	assert_int_equal(pool_submit(p, LANE_SLOW, gate_pass, &slow, &e), 0);
	assert_true(gate_wait(&slow, 1));
	assert_int_equal(pool_submit(p, LANE_SLOW, gate_pass, &slow, &e), 0);
	assert_int_equal(pool_submit(p, LANE_SLOW, gate_pass, &slow, &e), 0);
	assert_int_equal(pool_submit(p, LANE_SLOW, gate_pass, &slow, &e), ERR_BUSY);
	err_clear(&e);
	assert_int_equal(pool_submit(p, LANE_FAST, gate_pass, &fast, &e), 0);
	assert_true(gate_wait(&fast, 1));
	gate_open(&slow);
	assert_null(pool_free(p));
	assert_int_equal(slow.arrived, 3);
	gate_clear(&slow);
	gate_clear(&fast);
}

TEST(pool_starts_threads_as_needed)
{
	struct pool *p =
		pool_new(&(struct pool_opts){ .threads = { 4, 1 }, .queue_max = { 8, 1 } });
	struct gate g;
	struct err e = { 0 };

	gate_init(&g);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pool_submit(p, LANE_FAST, gate_pass, &g, &e), 0);
	assert_true(gate_wait(&g, 4)); /* all four at once, or this never comes */
	gate_open(&g);
	assert_null(pool_free(p));
	assert_null(pool_free(NULL));
	gate_clear(&g);
}
