/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread -- locks that know their owner, conditions with deadlines, named threads, and a queue.
 *
 * Locks are only used inside one module.  Failure of pthread calls is a bug: it aborts.
 */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

struct lock {
	pthread_mutex_t m;
	_Atomic(pthread_t) owner;
	const char *name;
};

void lock_init(struct lock *l, const char *name);
void lock_clear(struct lock *l);
void lock_take(struct lock *l);
void lock_drop(struct lock *l);
bool lock_held(struct lock *l);
#define LOCK_ASSERT_HELD(l) must(lock_held(l))

/* LOCK_SCOPE(&x->lock): held until the end of the scope. */
static inline void lock_dropp(struct lock **l)
{
	if (*l)
		lock_drop(*l);
}
#define LOCK_SCOPE_2(l, line) \
	CLEANUP(lock_dropp) struct lock *lock_scope_##line = (l); \
	lock_take(lock_scope_##line)
#define LOCK_SCOPE_1(l, line) LOCK_SCOPE_2(l, line)
#define LOCK_SCOPE(l) LOCK_SCOPE_1(l, __LINE__)

struct cond {
	pthread_cond_t c; /* on CLOCK_MONOTONIC */
};

void cond_init(struct cond *c);
void cond_clear(struct cond *c);
void cond_wait(struct cond *c, struct lock *l);
/* false at the deadline (clock_mono_ns()). */
bool cond_wait_until(struct cond *c, struct lock *l, int64_t deadline_mono_ns);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

/* One wake-up for one waiter, which needs no lock and is not lost when it comes first.  It may be cleared as soon as
 * wake_wait() has returned. */
struct wake {
	sem_t s;
};

void wake_init(struct wake *w);
void wake_clear(struct wake *w);
void wake_up(struct wake *w);
void wake_wait(struct wake *w);

/* Starts a joinable thread with all signals blocked; @name has at most 15 characters. */
pthread_t thread_start(const char *name, void *(*fn)(void *), void *arg);
void thread_join(pthread_t t);
/* The calling thread takes processor and disk when nobody else wants them, as far as the system can tell. */
void thread_yield_to_others(void);
