// SPDX-License-Identifier: Apache-2.0
/*
 * The runner: a mailbox per running execution, a few threads that take mail and move executions, one thread for
 * timers, a pool for calls.  An execution is moved by one thread at a time.  What moved is durable before anything
 * that follows from it is begun; if it cannot be made durable the execution is forgotten and loaded again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "os/clock.h"
#include "os/diag.h"
#include "os/pool.h"
#include "os/thread.h"
#include "svc/states/states_int.h"

#define STEPPERS 4
#define RELOAD_MS 1000
#define POLL_FIRST_MS 20
#define POLL_MAX_MS 1000
#define COMPACT_BYTES (2 * MIB)
#define CALLS_QUEUED 1000000

enum mail_kind { MAIL_LOAD, MAIL_RESULT, MAIL_TIMER, MAIL_STOP };

struct waiter { /* held by its mail and by who waits */
	bool done;
	int rc;
	unsigned refs;
};

struct mail {
	struct mail *next;
	enum mail_kind kind;
	int64_t token;
	struct arena arena; /* of result, error and cause */
	struct task_result result;
	const char *error, *cause;
	struct waiter *waiter; /* STOP */
};

struct run {
	struct exec x;
	struct asl *asl;      /* NULL: not loaded */
	char *arn;
	struct run *next;     /* in the queue */
	struct mail *first, **last;
	unsigned refs;        /* timers and calls, and the map */
	bool queued, busy, gone;
};

struct timer {
	int64_t due_ms, token;
	struct run *run;
	struct call *call; /* a poll, or NULL */
};

struct call { /* with copies of its own: the execution may be packed or loaded again meanwhile */
	struct runner *r;
	struct run *run;
	struct arena arena;
	int64_t token, wait_ms;
	struct asl_resource resource;
	struct task task;
	const char *input;
	bool poll;
};

struct runner {
	struct states *s;
	struct lock lock;
	struct cond work, tick, stopped;
	struct map runs;
	struct run *first, **last;
	struct timer *timers;
	size_t n_timers, cap_timers;
	bool draining; /* nothing new is begun; results of calls under way are still kept */
	bool stop;     /* no calls are left: threads end when there is no more mail */
	struct pool *pool;
	pthread_t steppers[STEPPERS], clock;
};

/* --- runs --- */
static void waiter_unref(struct waiter *w)
{
	if (--w->refs == 0)
		free(w);
}

static void mail_free(struct mail *m)
{
	must(!m->waiter);
	arena_clear(&m->arena);
	free(m);
}

static struct mail *mail_new(enum mail_kind k, int64_t token)
{
	struct mail *m = calloc(1, sizeof(*m));

	must(m);
	m->kind = k;
	m->token = token;
	arena_init(&m->arena, LIMIT_ARENA);
	return m;
}

static void unload(struct run *run)
{
	arena_clear(&run->x.arena);
	run->asl = asl_free(run->asl);
	memset(&run->x, 0, sizeof(run->x));
	arena_init(&run->x.arena, EXEC_ARENA);
}

static void run_unref(struct runner *r, struct run *run)
{
	LOCK_ASSERT_HELD(&r->lock);
	if (--run->refs > 0)
		return;
	while (run->first) {
		struct mail *m = run->first;

		run->first = m->next;
		if (m->waiter)
			waiter_unref(m->waiter);
		m->waiter = NULL;
		mail_free(m);
	}
	unload(run);
	arena_clear(&run->x.arena);
	free(run->arn);
	free(run);
}

static void enqueue(struct runner *r, struct run *run)
{
	LOCK_ASSERT_HELD(&r->lock);
	if (run->queued || run->busy)
		return;
	run->queued = true;
	run->next = NULL;
	*r->last = run;
	r->last = &run->next;
	cond_signal(&r->work);
}

static void post(struct runner *r, struct run *run, struct mail *m)
{
	LOCK_ASSERT_HELD(&r->lock);
	if (run->gone) {
		mail_free(m);
		return;
	}
	*run->last = m;
	run->last = &m->next;
	enqueue(r, run);
}

/* --- timers: a heap --- */
static void timer_put(struct runner *r, const struct timer *t)
{
	size_t i = r->n_timers;

	LOCK_ASSERT_HELD(&r->lock);
	if (r->n_timers == r->cap_timers) {
		r->cap_timers = r->cap_timers ? r->cap_timers * 2 : 64;
		r->timers = realloc(r->timers, r->cap_timers * sizeof(*r->timers));
		must(r->timers);
	}
	r->n_timers++;
	t->run->refs++;
	for (; i > 0 && r->timers[(i - 1) / 2].due_ms > t->due_ms; i = (i - 1) / 2)
		r->timers[i] = r->timers[(i - 1) / 2];
	r->timers[i] = *t;
	if (i == 0)
		cond_signal(&r->tick);
}

static struct timer timer_take(struct runner *r)
{
	struct timer top = r->timers[0], last = r->timers[--r->n_timers];
	size_t i = 0, k;

	while ((k = i * 2 + 1) < r->n_timers) {
		if (k + 1 < r->n_timers && r->timers[k + 1].due_ms < r->timers[k].due_ms)
			k++;
		if (r->timers[k].due_ms >= last.due_ms)
			break;
		r->timers[i] = r->timers[k];
		i = k;
	}
	r->timers[i] = last;
	return top;
}

/* --- calls --- */
static void call_free(struct call *c)
{
	arena_clear(&c->arena);
	free(c);
}

static void submit(struct runner *r, struct call *c);

/* Runs on a thread of the pool; holds a reference to its run. */
static void call_run(void *arg)
{
	struct call *c = arg;
	struct runner *r = c->r;
	struct mail *m = mail_new(MAIL_RESULT, c->token);
	struct err e = { 0 };
	const struct json *in = json_parse(&m->arena, view_str(c->input), 1000, &e);
	bool stop;

	lock_take(&r->lock);
	stop = r->draining || c->run->gone;
	lock_drop(&r->lock);
	if (!stop)
		(c->poll ? task_poll : task_call)(&c->task, in ? in : &json_null, &m->arena, &m->result);
	lock_take(&r->lock);
	/* What fails while the server stops may fail because of that: it is tried again at the next start. */
	stop = stop || (r->draining && (!m->result.ok || m->result.pending));
	if (!stop && m->result.ok && m->result.pending && !c->run->gone) {
		c->wait_ms = c->wait_ms * 2 > POLL_MAX_MS ? POLL_MAX_MS : c->wait_ms * 2;
		timer_put(r, &(struct timer){ .due_ms = clock_ms() + c->wait_ms, .run = c->run, .call = c });
		run_unref(r, c->run);
		mail_free(m);
		lock_drop(&r->lock);
		return;
	}
	if (stop)
		mail_free(m);
	else
		post(r, c->run, m);
	run_unref(r, c->run);
	lock_drop(&r->lock);
	call_free(c);
}

static void submit(struct runner *r, struct call *c)
{
	struct err e = { 0 };

	LOCK_ASSERT_HELD(&r->lock);
	c->run->refs++;
	if (pool_submit(r->pool, LANE_SLOW, call_run, c, &e) == 0)
		return;
	c->run->refs--;
	timer_put(r, &(struct timer){ .due_ms = clock_ms() + RELOAD_MS, .run = c->run, .call = c });
}

static const char *copy(struct call *c, const char *s)
{
	return s ? arena_str(&c->arena, view_str(s)) : NULL;
}

static struct call *call_new(struct runner *r, struct run *run, const struct exec_action *a)
{
	struct call *c = calloc(1, sizeof(*c));
	const struct asl_resource *x = a->resource;

	must(c);
	*c = (struct call){ .r = r, .run = run, .token = a->token, .wait_ms = POLL_FIRST_MS, .poll = a->kind == ACT_POLL };
	arena_init(&c->arena, LIMIT_ARENA);
	c->resource = (struct asl_resource){ .function = copy(c, x->function), .service = copy(c, x->service), .op = copy(c, x->op),
					     .type = copy(c, x->type), .name = copy(c, x->name), .prefix = copy(c, x->prefix),
					     .sdk = x->sdk, .sync = x->sync };
	c->task = (struct task){ .registry = r->s->registry, .resource = &c->resource, .account = r->s->o.account,
				 .role = copy(c, run->x.role), .execution_arn = copy(c, run->x.arn),
				 .machine_arn = copy(c, run->x.machine_arn),
				 .once = arena_printf(&c->arena, "%s#%lld", run->x.arn, (long long)a->event) };
	c->input = json_text(&c->arena, a->input);
	return c;
}

static void perform(struct runner *r, struct run *run, const struct step *st)
{
	LOCK_SCOPE(&r->lock);

	for (size_t i = 0; i < st->n_actions && !r->draining; i++) {
		const struct exec_action *a = &st->actions[i];
		struct call *c;

		if (a->kind == ACT_TIMER) {
			timer_put(r, &(struct timer){ .due_ms = a->due_ms, .token = a->token, .run = run });
			continue;
		}
		c = call_new(r, run, a);
		if (c->poll)
			timer_put(r, &(struct timer){ .due_ms = st->now + c->wait_ms, .run = run, .call = c });
		else
			submit(r, c);
	}
}

/* --- moving one execution --- */
static int load(struct runner *r, struct run *run, struct step *st, struct err *e)
{
	const char *definition, *snapshot;
	struct asl_problem problem;
	struct exec *x = &run->x;
	int rc;

	unload(run);
	rc = states__load(r->s, run->arn, x, &definition, &snapshot, e);
	if (rc <= 0)
		return rc;
	/* It was checked when it was created: an integration that is gone since fails its task, not the execution's life. */
	run->asl = asl_compile(view_str(definition), NULL, &x->arena, &problem);
	if (!run->asl)
		return err_set(e, ERR_CORRUPT, "definition: %s at %s", problem.message, problem.location);
	x->asl = run->asl;
	step_init(st, x, clock_ms());
	rc = exec_restore(st, view_str(snapshot), true, e);
	if (rc == 0 && run->asl->timeout_s)
		exec__act(st, &(struct exec_action){ .kind = ACT_TIMER, .due_ms = x->started_ms + run->asl->timeout_s * 1000 });
	st->changed = false;
	return rc < 0 ? rc : 1;
}

/* What is too large is not even copied: a tree takes many times its text. */
static bool too_large(const struct task_result *r)
{
	return r->ok && r->output && json_text_size(r->output, EXEC_DATA_MAX) >= EXEC_DATA_MAX;
}

static void apply(struct step *st, const struct mail *m)
{
	struct arena *a = &st->x->arena;
	struct task_result res = m->result;

	switch (m->kind) {
	case MAIL_RESULT:
		if (too_large(&res))
			res = (struct task_result){ .error = "States.DataLimitExceeded", .cause = "The task returned a result with a "
						    "size exceeding the maximum number of bytes service limit." };
		res.output = res.output ? json_deep(a, res.output) : NULL;
		res.handle = res.handle ? json_deep(a, res.handle) : NULL;
		res.error = res.error ? arena_str(a, view_str(res.error)) : NULL;
		res.cause = res.cause ? arena_str(a, view_str(res.cause)) : NULL;
		exec_result(st, m->token, &res);
		break;
	case MAIL_TIMER:
		exec_timer(st, m->token);
		break;
	case MAIL_STOP:
		exec_stop(st, m->error ? arena_str(a, view_str(m->error)) : NULL,
			  m->cause ? arena_str(a, view_str(m->cause)) : NULL);
		break;
	case MAIL_LOAD:
		break;
	}
}

/* A new arena with only what the snapshot holds; @st collects what is ready. */
static int compact(struct run *run, struct step *st, struct err *e)
{
	struct exec old = run->x;
	int rc;

	memset(&run->x, 0, sizeof(run->x));
	arena_init(&run->x.arena, EXEC_ARENA);
	run->x.asl = run->asl;
	run->x.arn = arena_str(&run->x.arena, view_str(old.arn));
	run->x.name = arena_str(&run->x.arena, view_str(old.name));
	run->x.machine_arn = arena_str(&run->x.arena, view_str(old.machine_arn));
	run->x.machine_name = arena_str(&run->x.arena, view_str(old.machine_name));
	run->x.role = arena_str(&run->x.arena, view_str(old.role));
	run->x.input = arena_str(&run->x.arena, view_str(old.input));
	run->x.started_ms = old.started_ms;
	step_init(st, &run->x, clock_ms());
	rc = exec_restore(st, view_str(exec_snapshot(&old)), false, e);
	st->changed = false;
	arena_clear(&old.arena);
	return rc;
}

static bool draining(struct runner *r)
{
	LOCK_SCOPE(&r->lock);

	return r->draining;
}

/* Makes durable what happened, then begins what follows; again while threads are ready. */
static int settle(struct runner *r, struct run *run, struct step *st, struct err *e)
{
	int rc;

	do {
		int64_t before = run->x.last - (int64_t)st->n_events;

		if (run->x.status == EXEC_RUNNING) {
			exec_advance(st);
			exec_check_size(st);
			before = run->x.last - (int64_t)st->n_events;
		}
		if (st->changed) {
			rc = states__save(r->s, st, before, e);
			if (rc < 0)
				return rc;
		}
		if (run->x.status == EXEC_RUNNING)
			perform(r, run, st);
		st->n_events = st->n_actions = 0;
		st->changed = false;
		st->now = clock_ms();
		if (run->x.status == EXEC_RUNNING && run->x.arena.used > COMPACT_BYTES && (rc = compact(run, st, e)) < 0)
			return rc;
	} while (st->n_ready && run->x.status == EXEC_RUNNING && !draining(r));
	return 0;
}

static void answer_waiters(struct runner *r, struct mail *mails, int rc)
{
	for (struct mail *m = mails; m; m = m->next)
		if (m->waiter) {
			m->waiter->done = true;
			m->waiter->rc = rc;
			waiter_unref(m->waiter);
			m->waiter = NULL;
			cond_broadcast(&r->stopped);
		}
}

static void forget(struct runner *r, struct run *run)
{
	LOCK_ASSERT_HELD(&r->lock);
	if (run->gone)
		return;
	run->gone = true;
	answer_waiters(r, run->first, 0);
	map_del(&r->runs, view_str(run->arn));
	run_unref(r, run);
}

static int move(struct runner *r, struct run *run, struct mail *mails, struct err *e)
{
	struct step st;
	int rc;

	step_init(&st, &run->x, clock_ms());
	if (!run->asl) {
		rc = load(r, run, &st, e);
		if (rc <= 0) {
			run->x.status = rc == 0 ? EXEC_ABORTED : run->x.status; /* not running any more */
			return rc;
		}
	}
	for (struct mail *m = mails; m && run->x.status == EXEC_RUNNING; m = m->next) {
		apply(&st, m);
		/* Many large answers at a time: what they leave in memory is packed in between. */
		if (run->x.arena.used > EXEC_STEP_BYTES && (rc = settle(r, run, &st, e)) < 0)
			return rc;
	}
	return settle(r, run, &st, e);
}

static void handle(struct runner *r, struct run *run, struct mail *mails)
{
	struct err e = { 0 };
	int rc = move(r, run, mails, &e);
	bool over = rc >= 0 && run->x.status != EXEC_RUNNING;

	if (rc < 0)
		diag(DIAG_ERROR, "states", "execution %s: %s", run->arn, e.msg);
	if (rc < 0 || over) /* timers may hold on to the run for as long as its time-out */
		unload(run);
	lock_take(&r->lock);
	answer_waiters(r, mails, rc);
	run->busy = false;
	if (rc == ERR_CONFLICT || rc == ERR_CORRUPT || over) {
		forget(r, run);
	} else if (rc < 0) {
		timer_put(r, &(struct timer){ .due_ms = clock_ms() + RELOAD_MS, .token = -1, .run = run });
	} else if (run->first) {
		enqueue(r, run);
	}
	lock_drop(&r->lock);
	while (mails) {
		struct mail *next = mails->next;

		mail_free(mails);
		mails = next;
	}
}

static void *stepper(void *arg)
{
	struct runner *r = arg;

	lock_take(&r->lock);
	while (!r->stop || r->first) {
		struct run *run = r->first;
		struct mail *mails;

		if (!run) {
			cond_wait(&r->work, &r->lock);
			continue;
		}
		r->first = run->next;
		if (!r->first)
			r->last = &r->first;
		run->queued = false;
		run->busy = true;
		run->refs++;
		mails = run->first;
		run->first = NULL;
		run->last = &run->first;
		lock_drop(&r->lock);
		handle(r, run, mails);
		lock_take(&r->lock);
		run_unref(r, run);
	}
	lock_drop(&r->lock);
	return NULL;
}

static void *ticker(void *arg)
{
	struct runner *r = arg;

	lock_take(&r->lock);
	while (!r->draining) {
		int64_t wait = r->n_timers ? r->timers[0].due_ms - clock_ms() : 0;
		struct timer t;

		if (r->n_timers == 0) {
			cond_wait(&r->tick, &r->lock);
			continue;
		}
		if (wait > 0) { /* looked at once a minute: the wall clock may be set */
			cond_wait_until(&r->tick, &r->lock, clock_mono_ns() + (wait > 60000 ? 60000 : wait) * 1000000);
			continue;
		}
		t = timer_take(r);
		if (t.call)
			submit(r, t.call);
		else
			post(r, t.run, mail_new(t.token < 0 ? MAIL_LOAD : MAIL_TIMER, t.token));
		run_unref(r, t.run);
	}
	lock_drop(&r->lock);
	return NULL;
}

/* --- from outside --- */
void runner_begin(struct runner *r, const char *arn)
{
	struct run *run;
	LOCK_SCOPE(&r->lock);

	if (r->draining || map_get(&r->runs, view_str(arn)))
		return;
	run = calloc(1, sizeof(*run));
	must(run);
	arena_init(&run->x.arena, EXEC_ARENA);
	run->arn = strdup(arn);
	must(run->arn);
	run->last = &run->first;
	run->refs = 1;
	map_put(&r->runs, view_str(arn), run);
	post(r, run, mail_new(MAIL_LOAD, 0));
}

int runner_abort(struct runner *r, const char *arn, const char *error, const char *cause, struct err *e)
{
	struct waiter *w;
	struct run *run;
	struct mail *m;
	bool done;
	int rc;
	LOCK_SCOPE(&r->lock);

	run = map_get(&r->runs, view_str(arn));
	if (!run || r->draining)
		return err_set(e, ERR_NOENT, "execution %s does not run", arn);
	m = mail_new(MAIL_STOP, 0);
	m->error = error ? arena_str(&m->arena, view_str(error)) : NULL;
	m->cause = cause ? arena_str(&m->arena, view_str(cause)) : NULL;
	m->waiter = w = calloc(1, sizeof(*w));
	must(w);
	w->refs = 2;
	post(r, run, m);
	while (!w->done && !r->stop)
		cond_wait(&r->stopped, &r->lock);
	done = w->done;
	rc = w->rc;
	waiter_unref(w);
	if (!done)
		return err_set(e, ERR_CANCELLED, "the server is stopping");
	return rc < 0 ? err_set(e, ERR_BUSY, "execution %s could not be stopped, try again", arn) : 0;
}

int runner_start(struct states *s, struct err *e)
{
	struct runner *r = calloc(1, sizeof(*r));
	const struct pool_opts po = { .threads = { [LANE_FAST] = 1, [LANE_SLOW] = s->o.workers ? s->o.workers : STATES_WORKERS },
				      .queue_max = { [LANE_FAST] = 1, [LANE_SLOW] = CALLS_QUEUED } };
	struct arena a;
	const char **arns;
	size_t n;
	int rc;

	must(r);
	r->s = s;
	r->last = &r->first;
	lock_init(&r->lock, "states.runner");
	cond_init(&r->work);
	cond_init(&r->tick);
	cond_init(&r->stopped);
	map_init(&r->runs);
	r->pool = pool_new(&po);
	for (size_t i = 0; i < STEPPERS; i++)
		r->steppers[i] = thread_start("states", stepper, r);
	r->clock = thread_start("states-timer", ticker, r);
	s->runner = r;
	arena_init(&a, LIMIT_ARENA);
	rc = states__running(s, &a, &arns, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		runner_begin(r, arns[i]);
	arena_clear(&a);
	return rc;
}

void runner_stop(struct runner *r)
{
	if (!r || r->stop)
		return;
	lock_take(&r->lock);
	r->draining = true;
	cond_broadcast(&r->tick);
	lock_drop(&r->lock);
	thread_join(r->clock);
	r->pool = pool_free(r->pool);
	lock_take(&r->lock);
	r->stop = true;
	cond_broadcast(&r->work);
	cond_broadcast(&r->stopped);
	lock_drop(&r->lock);
	for (size_t i = 0; i < STEPPERS; i++)
		thread_join(r->steppers[i]);
}

struct runner *runner_free(struct runner *r)
{
	size_t slot = 0;
	struct map_entry *it = NULL;

	if (!r)
		return NULL;
	runner_stop(r);
	lock_take(&r->lock);
	while (r->n_timers) {
		struct timer *t = &r->timers[--r->n_timers];

		if (t->call)
			call_free(t->call);
		run_unref(r, t->run);
	}
	while (map_next(&r->runs, &slot, &it))
		run_unref(r, it->value);
	map_clear(&r->runs);
	lock_drop(&r->lock);
	free(r->timers);
	cond_clear(&r->work);
	cond_clear(&r->tick);
	cond_clear(&r->stopped);
	lock_clear(&r->lock);
	free(r);
	return NULL;
}
