/* SPDX-License-Identifier: Apache-2.0 */
/* fn_process: functions as warm child processes that speak the Lambda runtime API; fn_worker.c is one child. */
#include "store/fn.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/crypto.h"
#include "store/fn_worker.h"

struct fn_pool {
	struct fn_opts o;
	char *region;
	struct lock lock;
	struct cond changed; /* a child became free or ended */
	struct fn_worker *all;
	unsigned n;
	bool closing;
};

#define WORKER_AGE_MS (6LL * 3600 * 1000) /* children's keys live 12 hours: see svc/lambda */
#define WORKER_IDLE_MS (10LL * 60 * 1000)

int fn_process_new(const struct fn_opts *o, struct fn_pool **ret, struct err *e)
{
	struct fn_pool *p = calloc(1, sizeof(*p));

	must(p);
	if (!o->endpoint || !o->session || !o->log) {
		free(p);
		return err_set(e, ERR_INVALID, "function pool: endpoint, session and log are required");
	}
	p->o = *o;
	p->region = strdup(o->region);
	p->o.region = p->region;
	if (!p->o.per_function)
		p->o.per_function = 8;
	if (!p->o.children_max)
		p->o.children_max = 32;
	lock_init(&p->lock, "fn_pool");
	cond_init(&p->changed);
	*ret = p;
	return 0;
}

/* Takes ended, old or unwanted idle children out of the list; the caller frees them without the lock. */
static struct fn_worker *take_dead(struct fn_pool *p, const char *name, const char *revision, bool all)
{
	struct fn_worker *dead = NULL, **at = &p->all;
	int64_t now = clock_mono_ns() / 1000000;

	LOCK_ASSERT_HELD(&p->lock);
	while (*at) {
		struct fn_worker *w = *at;
		bool of_name = name && strcmp(w->name, name) == 0;
		bool stale = of_name && (!revision || strcmp(w->revision, revision) != 0);
		bool old = now - w->started_ms > WORKER_AGE_MS || now - w->used_ms > WORKER_IDLE_MS;

		if (!w->busy && (all || stale || old || fn_worker_ended(w))) {
			*at = w->next;
			w->next = dead;
			dead = w;
			p->n--;
		} else {
			at = &w->next;
		}
	}
	return dead;
}

static void free_workers(struct fn_worker *w)
{
	while (w) {
		struct fn_worker *next = w->next;

		fn_worker_free(w);
		w = next;
	}
}

void fn_stop(struct fn_pool *p)
{
	LOCK_SCOPE(&p->lock);
	p->closing = true;
	for (struct fn_worker *w = p->all; w; w = w->next)
		fn_worker_kill(w);
	cond_broadcast(&p->changed);
}

struct fn_pool *fn_free(struct fn_pool *p)
{
	if (!p)
		return NULL;
	fn_stop(p);
	lock_take(&p->lock);
	while (p->all) {
		struct fn_worker *dead = take_dead(p, NULL, NULL, true);

		if (dead) {
			lock_drop(&p->lock);
			free_workers(dead);
			lock_take(&p->lock);
		} else {
			cond_wait(&p->changed, &p->lock);
		}
	}
	lock_drop(&p->lock);
	cond_clear(&p->changed);
	lock_clear(&p->lock);
	free(p->region);
	free(p);
	return NULL;
}

void fn_retire(struct fn_pool *p, const char *name, const char *revision)
{
	struct fn_worker *dead;

	lock_take(&p->lock);
	dead = take_dead(p, name, revision, false);
	lock_drop(&p->lock);
	free_workers(dead);
}

static struct fn_worker *find_idle(struct fn_pool *p, const struct fn_spec *f, unsigned *ret_count)
{
	struct fn_worker *w, *found = NULL;

	*ret_count = 0;
	for (w = p->all; w; w = w->next) {
		if (strcmp(w->name, f->name) != 0)
			continue;
		(*ret_count)++;
		if (!w->busy && strcmp(w->revision, f->revision) == 0 && !fn_worker_ended(w))
			found = w;
	}
	return found;
}

/* The longest idle child, of whatever function: there is no room for another while it is there. */
static struct fn_worker *take_idle(struct fn_pool *p)
{
	struct fn_worker *found = NULL, **at;

	LOCK_ASSERT_HELD(&p->lock);
	for (struct fn_worker *w = p->all; w; w = w->next)
		if (!w->busy && (!found || w->used_ms < found->used_ms))
			found = w;
	if (!found)
		return NULL;
	for (at = &p->all; *at != found; at = &(*at)->next)
		;
	*at = found->next;
	found->next = NULL;
	p->n--;
	return found;
}

/* A child that is idle, or a new one; marked busy.  Waits until the deadline when all are busy. */
static int acquire(struct fn_pool *p, const struct fn_spec *f, int64_t deadline, struct fn_worker **ret, struct err *e)
{
	struct fn_worker *w, *dead;
	unsigned count;

	lock_take(&p->lock);
	for (;;) {
		if (p->closing) {
			lock_drop(&p->lock);
			return err_set(e, ERR_CANCELLED, "functions are being stopped");
		}
		dead = take_dead(p, f->name, f->revision, false);
		w = find_idle(p, f, &count);
		if (w || (count < p->o.per_function && p->n < p->o.children_max))
			break;
		if (!dead && count < p->o.per_function)
			dead = take_idle(p);
		if (!dead && !cond_wait_until(&p->changed, &p->lock, deadline)) {
			lock_drop(&p->lock);
			return err_set(e, ERR_BUSY, "function %s: all %u children are busy", f->name, count);
		}
		lock_drop(&p->lock);
		free_workers(dead);
		lock_take(&p->lock);
	}
	if (!w) {
		w = fn_worker_new(f);
		w->next = p->all;
		p->all = w;
		p->n++;
	}
	w->busy = true;
	lock_drop(&p->lock);
	free_workers(dead);
	*ret = w;
	return 0;
}

static void release(struct fn_pool *p, struct fn_worker *w)
{
	lock_take(&p->lock);
	w->busy = false;
	w->used_ms = clock_mono_ns() / 1000000;
	cond_broadcast(&p->changed);
	lock_drop(&p->lock);
}

int fn_invoke(struct fn_pool *p, const struct fn_spec *f, struct view event, struct arena *a, struct fn_result *ret,
	      struct err *e)
{
	int64_t deadline = clock_mono_ns() + (int64_t)f->timeout_ms * 1000000;
	int r;

	do {
		struct fn_worker *w = NULL;

		r = acquire(p, f, deadline, &w, e);
		if (r < 0)
			return r;
		r = fn_worker_start(w, f, &p->o, e);
		if (r == 0)
			r = fn_worker_run(w, f, event, a, ret, e);
		release(p, w);
	} while (r > 0);
	return r;
}
