/* SPDX-License-Identifier: Apache-2.0 */
/* lambda_run: from a function's row to a running child; and the queue of asynchronous events. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"
#include "os/zip.h"
#include "svc/lambda/lambda_int.h"

#define CODE_MAX (250 * MIB) /* AWS: 250 MB unpacked */
#define ASYNC_ATTEMPTS 3     /* AWS: two retries, after 1 and 2 minutes; ours are quicker */
#define ASYNC_RETRY_MS 2000
#define ASYNC_POLL_MS 1000

/* In an arena of its own: code is larger than what a request may use. */
static int unpack_to(struct lambda *l, const struct lambda_fn *f, const char *dir, struct err *e)
{
	struct view zip;
	struct arena a;
	const char *path;
	int r;

	arena_init(&a, 2 * CODE_MAX);
	r = blob_path(l->o.blob, f->code_ref, &a, &path, e);
	if (r == 0)
		r = file_read(path, &a, CODE_MAX, &zip, e);
	if (r == 0)
		r = file_mkdirs(dir, 0755, e);
	if (r == 0)
		r = zip_unpack(zip, dir, CODE_MAX, e);
	arena_clear(&a);
	return r;
}

/* The folder with the unpacked code, made when it is first needed. */
static int unpack(struct lambda *l, const struct lambda_fn *f, struct arena *a, const char **ret, struct err *e)
{
	struct view raw;
	const char *dir, *done;
	int r;

	if (!base64_decode_arena(a, view_str(f->code_sha256), &raw))
		return err_set(e, ERR_CORRUPT, "function %s: bad code digest", f->name);
	dir = arena_printf(a, "%s/%s", l->o.code_dir, hex_arena(a, raw.p, raw.n));
	done = arena_printf(a, "%s.done", dir);
	*ret = dir;
	LOCK_SCOPE(&l->unpack);
	if (file_exists(done))
		return 0;
	r = file_remove_tree(dir, e);
	if (r == 0)
		r = unpack_to(l, f, dir, e);
	if (r == 0)
		r = file_replace(done, VIEW("unpacked\n"), 0644, e);
	return r < 0 ? err_ctx(e, "function %s: code", f->name) : 0;
}

int lambda__run(struct lambda *l, const struct lambda_fn *f, struct view event, struct arena *a, struct fn_result *ret,
		struct err *e)
{
	struct fn_spec s = { .name = f->name, .revision = f->revision, .handler = f->handler, .role = f->role,
			     .n_env = f->env.n, .timeout_ms = (unsigned)f->timeout_s * 1000,
			     .memory_mb = (unsigned)f->memory_mb };
	struct fn_env *env = ARENA_ARRAY(a, struct fn_env, f->env.n + 1);
	int r = unpack(l, f, a, &s.code_dir, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < f->env.n; i++)
		env[i] = (struct fn_env){ f->env.v[i].key, f->env.v[i].value };
	s.env = env;
	s.arn = lambda__arn(l, f->name, a);
	r = fn_invoke(l->o.fn, &s, event, a, ret, e);
	if (r == ERR_BUSY) {
		err_clear(e);
		return aws_fail(e, &LAMBDA_BUSY, "Rate Exceeded: all processes of function %s are busy", f->name);
	}
	return r;
}

/* --- asynchronous events --- */

struct queued {
	struct lambda *l;
	const char *id, *name;
	struct view event;
	int64_t attempts;
	const char *failed;
	struct arena *a;
	int found;
};

static int enqueue_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct queued *q = arg;

	return tx_run(tx, e, "INSERT INTO lambda_async (id, name, event, attempts, due_ms) VALUES (?,?,?,0,?)"
		      " ON CONFLICT (id) DO NOTHING", "ssbi", q->id, q->name, q->event, clock_ms());
}

int lambda__enqueue(struct lambda *l, const char *name, struct view event, const char *once, struct err *e)
{
	char id[UUID_TEXT];
	struct queued q = { .name = name, .event = event };
	int r;

	if (once)
		uuid8(view_str(once), id);
	else
		uuid7(id);
	q.id = id;
	r = meta_write(l->o.meta, enqueue_tx, &q, e);
	lock_take(&l->lock);
	cond_signal(&l->wake);
	lock_drop(&l->lock);
	return r;
}

static bool taken(const struct lambda *l, struct view id)
{
	for (size_t i = 0; i < QUEUE_THREADS; i++)
		if (view_eq_str(id, l->taken[i]))
			return true;
	return false;
}

static int due_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct queued *q = arg;
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e,
			 "SELECT id, name, event, attempts FROM lambda_async WHERE failed IS NULL AND due_ms <= ?"
			 " ORDER BY due_ms LIMIT ?",
			 "ii", clock_ms(), (int64_t)QUEUE_THREADS);

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		if (taken(q->l, row_view(rows, 0)))
			continue;
		q->found = 1;
		q->id = row_str(rows, 0, q->a);
		q->name = row_str(rows, 1, q->a);
		q->event = arena_view(q->a, row_view(rows, 2));
		q->attempts = row_int(rows, 3);
		tx_end(rows);
		return 0;
	}
	return r;
}

/* An event that is due and that no other thread is at; it is the thread's until leave(). */
static int take(struct lambda *l, size_t slot, struct queued *q, struct err *e)
{
	int r;

	LOCK_SCOPE(&l->lock);
	r = meta_read(l->o.meta, due_tx, q, e);
	if (r == 0 && q->found)
		snprintf(l->taken[slot], sizeof(l->taken[slot]), "%s", q->id);
	return r;
}

static void leave(struct lambda *l, size_t slot)
{
	LOCK_SCOPE(&l->lock);
	l->taken[slot][0] = 0;
}

static int settle_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct queued *q = arg;

	if (!q->failed)
		return tx_run(tx, e, "DELETE FROM lambda_async WHERE id = ?", "s", q->id);
	if (q->attempts + 1 < ASYNC_ATTEMPTS)
		return tx_run(tx, e, "UPDATE lambda_async SET attempts = attempts + 1, due_ms = ? WHERE id = ?", "is",
			      clock_ms() + ASYNC_RETRY_MS, q->id);
	/* Kept with its reason: nothing is dropped silently. */
	return tx_run(tx, e, "UPDATE lambda_async SET attempts = attempts + 1, failed = ? WHERE id = ?", "ss", q->failed,
		      q->id);
}

/* One due event, if there is one. */
static bool run_due(struct lambda *l, size_t slot)
{
	struct arena a;
	struct err e = { 0 };
	struct queued q = { .l = l, .a = &a };
	struct lambda_fn f;
	struct fn_result res = { 0 };
	int r;

	arena_init(&a, LIMIT_ARENA);
	r = take(l, slot, &q, &e);
	if (r == 0 && q.found) {
		r = lambda__load(l, q.name, &a, &f, &e);
		if (r == 0)
			r = lambda__run(l, &f, q.event, &a, &res, &e);
		if (r == ERR_CANCELLED) { /* the server is being stopped: it is run at the next start */
			leave(l, slot);
			arena_clear(&a);
			return false;
		}
		if (r < 0)
			q.failed = arena_str(&a, view_str(e.msg));
		else if (res.failed)
			q.failed = arena_str(&a, res.payload);
		if (q.failed)
			diag(DIAG_WARN, "lambda", "asynchronous event %s of function %s failed: %s", q.id, q.name, q.failed);
		err_clear(&e);
		r = meta_write(l->o.meta, settle_tx, &q, &e);
		leave(l, slot);
	}
	if (r < 0)
		diag(DIAG_ERROR, "lambda", "queue of asynchronous events: %s", e.msg);
	arena_clear(&a);
	return r == 0 && q.found;
}

static void *queue_main(void *arg)
{
	struct lambda *l = arg;
	size_t slot;

	lock_take(&l->lock);
	slot = l->n_threads++;
	while (!l->stopping) {
		lock_drop(&l->lock);
		bool more = run_due(l, slot);

		lock_take(&l->lock);
		if (!more && !l->stopping)
			(void)cond_wait_until(&l->wake, &l->lock, clock_mono_ns() + ASYNC_POLL_MS * 1000000LL);
	}
	lock_drop(&l->lock);
	return NULL;
}

void lambda__queue_start(struct lambda *l)
{
	for (size_t i = 0; i < QUEUE_THREADS; i++)
		l->threads[i] = thread_start("lambda-queue", queue_main, l);
	l->running = true;
}

void lambda__queue_stop(struct lambda *l)
{
	if (!l->running)
		return;
	lock_take(&l->lock);
	l->stopping = true;
	cond_broadcast(&l->wake);
	lock_drop(&l->lock);
	for (size_t i = 0; i < QUEUE_THREADS; i++)
		thread_join(l->threads[i]);
	l->running = false;
}
