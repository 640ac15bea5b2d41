// SPDX-License-Identifier: Apache-2.0
/* Locks with owners, conditions on the monotonic clock, named threads. */
#include "os/thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void lock_init(struct lock *l, const char *name)
{
	must(pthread_mutex_init(&l->m, NULL) == 0);
	atomic_init(&l->owner, 0);
	l->name = name;
}

void lock_clear(struct lock *l)
{
	must(atomic_load(&l->owner) == 0);
	must(pthread_mutex_destroy(&l->m) == 0);
}

bool lock_held(struct lock *l)
{
	return atomic_load_explicit(&l->owner, memory_order_relaxed) == pthread_self();
}

static void own(struct lock *l, pthread_t t)
{
	atomic_store_explicit(&l->owner, t, memory_order_relaxed);
}

void lock_take(struct lock *l)
{
	must(!lock_held(l));
	must(pthread_mutex_lock(&l->m) == 0);
	own(l, pthread_self());
}

void lock_drop(struct lock *l)
{
	must(lock_held(l));
	own(l, 0);
	must(pthread_mutex_unlock(&l->m) == 0);
}

void cond_init(struct cond *c)
{
	pthread_condattr_t a;

	must(pthread_condattr_init(&a) == 0);
	must(pthread_condattr_setclock(&a, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&c->c, &a) == 0);
	pthread_condattr_destroy(&a);
}

void cond_clear(struct cond *c)
{
	must(pthread_cond_destroy(&c->c) == 0);
}

void cond_wait(struct cond *c, struct lock *l)
{
	must(lock_held(l));
	own(l, 0);
	must(pthread_cond_wait(&c->c, &l->m) == 0);
	own(l, pthread_self());
}

bool cond_wait_until(struct cond *c, struct lock *l, int64_t deadline_mono_ns)
{
	struct timespec t = { .tv_sec = deadline_mono_ns / 1000000000,
			      .tv_nsec = deadline_mono_ns % 1000000000 };
	int rc;

	must(lock_held(l) && deadline_mono_ns >= 0);
	own(l, 0);
	rc = pthread_cond_timedwait(&c->c, &l->m, &t);
	must(rc == 0 || rc == ETIMEDOUT);
	own(l, pthread_self());
	return rc == 0;
}

void cond_signal(struct cond *c)
{
	must(pthread_cond_signal(&c->c) == 0);
}

void cond_broadcast(struct cond *c)
{
	must(pthread_cond_broadcast(&c->c) == 0);
}

void wake_init(struct wake *w)
{
	must(sem_init(&w->s, 0, 0) == 0);
}

void wake_clear(struct wake *w)
{
	must(sem_destroy(&w->s) == 0);
}

void wake_up(struct wake *w)
{
	must(sem_post(&w->s) == 0);
}

void wake_wait(struct wake *w)
{
	while (sem_wait(&w->s) < 0)
		must(errno == EINTR);
}

pthread_t thread_start(const char *name, void *(*fn)(void *), void *arg)
{
	sigset_t all, old;
	pthread_t t;

	/* Signals are the main thread's business. */
	sigfillset(&all);
	must(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
	must(pthread_create(&t, NULL, fn, arg) == 0);
	must(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	must(pthread_setname_np(t, name) != ERANGE);
	return t;
}

void thread_join(pthread_t t)
{
	must(pthread_join(t, NULL) == 0);
}

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)

void thread_yield_to_others(void)
{
	/* On Linux both are of the thread, not of its process.  Where they are refused it runs as the others do. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}
