/* SPDX-License-Identifier: Apache-2.0 */
/* measure: starts and stops the readers, and waits for them. */
#include "measure/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/compact.h"
#include "measure/live_int.h"
#include "os/clock.h"
#include "os/diag.h"
#include "os/file.h"

#define BIND_MS 200 /* how often tables are looked at */

static int empty_staging(const char *dir, struct err *e)
{
	int r = file_remove_tree(dir, e);

	return r == 0 ? file_mkdirs(dir, 0700, e) : r;
}

int measure_new(const struct measure_opts *o, struct measure **ret, struct err *e)
{
	struct measure *m;
	int r = measure__schema(o->meta, e);

	if (r == 0)
		r = empty_staging(o->staging_dir, e);
	if (r < 0)
		return err_ctx(e, "ledger");
	m = calloc(1, sizeof(*m));
	must(m);
	m->o = *o;
	lock_init(&m->lock, "measure");
	cond_init(&m->changed);
	lock_init(&m->events_lock, "measure_events");
	m->live = calloc(1, sizeof(*m->live));
	must(m->live);
	live__init(m->live);
	map_init(&m->infos);
	*ret = m;
	return 0;
}

static void add_stream(void *arg, const char *name, struct log *log)
{
	struct measure *m = arg;
	struct intake *in = calloc(1, sizeof(*in));

	must(in);
	in->m = m;
	in->log = log;
	in->name = strdup(name);
	map_init(&in->ledgers);
	LOCK_SCOPE(&m->lock);
	if (m->stopping) {
		free(in->name);
		free(in);
		return;
	}
	for (struct intake *old = m->intakes; old; old = old->next)
		if (strcmp(old->name, name) == 0) {
			in->fresh = true;
			atomic_store(&old->replaced, true);
		}
	in->next = m->intakes;
	m->intakes = in;
	live__watch(in);
}

/* --- one thread for all the streams that no table reads --- */

/* Starts a reader for each stream that a table reads by now; nothing here waits for the others. */
static void bind_all(struct measure *m, uint64_t gen)
{
	struct map sources;
	struct arena a;
	struct err e = { 0 };

	map_init(&sources);
	arena_init(&a, LIMIT_ARENA);
	if (lake_sources(m, &a, &sources, &e) < 0)
		diag(DIAG_WARN, "ledger", "which tables read delivery streams: %s", e.msg);
	lock_take(&m->lock);
	for (struct intake *in = m->intakes; in && !m->stopping; in = in->next) {
		if (in->running)
			continue;
		if (!atomic_load(&in->replaced) && map_get(&sources, view_str(in->name))) {
			in->running = true;
			in->thread = thread_start("intake", intake_main, in);
		} else {
			atomic_store(&in->done_gen, gen);
		}
	}
	cond_broadcast(&m->changed);
	lock_drop(&m->lock);
	map_clear(&sources);
	arena_clear(&a);
}

static void *binder_main(void *arg)
{
	struct measure *m = arg;

	while (!atomic_load(&m->stop)) {
		uint64_t gen = atomic_load(&m->gen);
		int64_t until = clock_mono_ns() + BIND_MS * 1000000LL;

		bind_all(m, gen);
		LOCK_SCOPE(&m->lock);
		while (!m->stopping && atomic_load(&m->gen) == gen && cond_wait_until(&m->changed, &m->lock, until))
			;
	}
	return NULL;
}

int measure_start(struct measure *m, struct err *e)
{
	int r = measure__events_load(m, e);

	if (r == 0)
		r = alarms_begin(m, e);
	if (r < 0)
		return r;
	m->compactor = compactor_start(m);
	live__start(m);
	m->o.firehose->watch(m->o.firehose->self, add_stream, m);
	m->binder = thread_start("binder", binder_main, m);
	m->binding = true;
	return 0;
}

void measure_stop(struct measure *m)
{
	if (m->compactor)
		compactor_stop(m->compactor);
	live__stop(m);
	LOCK_SCOPE(&m->lock);
	m->stopping = true;
	atomic_store(&m->stop, true);
	cond_broadcast(&m->changed);
	for (struct intake *in = m->intakes; in; in = in->next) {
		if (in->reader)
			log_reader_wake(in->reader);
	}
}

struct measure *measure_free(struct measure *m)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	if (!m)
		return NULL;
	measure_stop(m);
	live__join(m);
	if (m->binding)
		thread_join(m->binder);
	while (m->intakes) {
		struct intake *in = m->intakes;

		m->intakes = in->next;
		if (in->running)
			thread_join(in->thread);
		live__unwatch(in);
		intake_close(in);
	}
	m->compactor = compactor_free(m->compactor); /* readers touch it to their end */
	while (map_next(&m->infos, &slot, &it)) {
		struct stream_info *info = it->value;
		struct arena a = info->arena;

		arena_clear(&a);
	}
	map_clear(&m->infos);
	live__clear(m);
	lock_clear(&m->events_lock);
	cond_clear(&m->changed);
	lock_clear(&m->lock);
	free(m);
	return NULL;
}

static bool all_done(struct measure *m, uint64_t gen)
{
	LOCK_ASSERT_HELD(&m->lock);
	for (struct intake *in = m->intakes; in; in = in->next)
		if (atomic_load(&in->done_gen) < gen && !atomic_load(&in->replaced))
			return false;
	return true;
}

int measure_settle(struct measure *m, int timeout_ms, struct err *e)
{
	int64_t deadline = clock_mono_ns() + timeout_ms * 1000000LL;
	uint64_t gen = atomic_fetch_add(&m->gen, 1) + 1;

	LOCK_SCOPE(&m->lock);
	for (struct intake *in = m->intakes; in; in = in->next)
		if (in->reader)
			log_reader_wake(in->reader);
	cond_broadcast(&m->changed);
	while (!all_done(m, gen)) {
		if (m->stopping)
			return err_set(e, ERR_CANCELLED, "the server is being stopped");
		if (!cond_wait_until(&m->changed, &m->lock, deadline))
			return err_set(e, ERR_TIMEOUT, "the ledger did not catch up within %d ms", timeout_ms);
	}
	return 0;
}
