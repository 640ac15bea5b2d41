/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jq -- records to child processes and their keys back.
 *
 * A child is trusted with nothing: what it answers is checked like any input.  One that dies, or says nothing for long,
 * is replaced.  Of what, that is known when it was given one record: so the records of a batch that killed a child are
 * given again one by one.
 */
#include "store/jq.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/clock.h"
#include "os/proc.h"
#include "os/thread.h"
#include "store/jqworker/wire.h"

/* Sanitizers reserve terabytes of addresses: no limit on them then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif
#define LIMIT "max_allocation_size_mb=512" /* of JQ_MEMORY, for them */

#define REQUEST_BYTES (4 * MIB) /* records of one request, unless one alone is longer */
#define SILENCE_MS 60000        /* between two signs of life: far more than a record may take */
#define POLL_MS 100             /* how long a call may take to see jq_stop() */
#define NS_PER_MS 1000000LL

struct child {
	struct proc proc;
	int fd; /* both ways */
	bool running, busy;
};

struct jq {
	char *program;
	struct lock lock;
	struct cond freed;
	struct child *children;
	unsigned n_children;
	atomic_bool stopping;
};

struct call {
	struct jq *j;
	struct child *c;
	bool died;      /* the child has; what it was asked may be why */
	char how[96];
	struct arena *a;
};

/* --- children --- */

static void child_stop(struct child *c)
{
	if (!c->running)
		return;
	proc_kill(&c->proc);
	(void)close(c->fd);
	c->running = false;
}

/* Says what became of a child that does not answer any more. */
static int child_died(struct call *k, const char *why, struct err *e)
{
	char text[64];
	int status;

	k->died = true;
	if (why || !proc_wait(&k->c->proc, 1000, &status)) {
		child_stop(k->c);
		(void)snprintf(k->how, sizeof(k->how), "jq %s", why ? why : "stopped answering");
	} else {
		(void)close(k->c->fd);
		k->c->running = false;
		(void)snprintf(k->how, sizeof(k->how), "jq ran out of memory, took too long or failed (%s)",
			       proc_status_text(status, text));
	}
	return err_set(e, ERR_INTERNAL, "%s", k->how);
}

static int wait_ready(struct call *k, short events, struct err *e)
{
	int64_t until = clock_mono_ns() + SILENCE_MS * NS_PER_MS;
	struct pollfd p = { .fd = k->c->fd, .events = events };

	for (;;) {
		int n = poll(&p, 1, POLL_MS);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(e, ERR_INTERNAL, "poll");
		if (atomic_load(&k->j->stopping))
			return err_set(e, ERR_CANCELLED, "the server stops");
		if (clock_mono_ns() >= until)
			return child_died(k, "took too long", e);
	}
}

static int send_all(struct call *k, struct view v, struct err *e)
{
	while (v.n) {
		ssize_t n;

		if (wait_ready(k, POLLOUT, e) < 0)
			return e->code;
		n = send(k->c->fd, v.p, v.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return child_died(k, NULL, e);
		v = view_from(v, (size_t)n);
	}
	return 0;
}

static int recv_all(struct call *k, void *data, size_t size, struct err *e)
{
	char *p = data;

	while (size) {
		ssize_t n;

		if (wait_ready(k, POLLIN, e) < 0)
			return e->code;
		n = recv(k->c->fd, p, size, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return child_died(k, NULL, e);
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* A child that does not even begin is nobody's fault: .died stays false. */
static int child_start(struct call *k, struct err *e)
{
	const char *const argv[] = { k->j->program, NULL };
	const char *const env[] = { "LC_ALL=C", "TZ=UTC", SANITIZED ? "ASAN_OPTIONS=" LIMIT : NULL,
				    "TSAN_OPTIONS=" LIMIT, NULL };
	struct proc_opts o = { .argv = argv, .env = env, .cwd = "/", .fd_err = -1, .limit_nofile = 16 };
	int fds[2], rc;
	char hello = 0;

	if (!SANITIZED)
		o.limit_as_bytes = JQ_MEMORY;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, ERR_IO, "socket pair for jq");
	o.fd_in = o.fd_out = fds[1];
	rc = proc_start(&o, &k->c->proc, e);
	(void)close(fds[1]);
	if (rc < 0) {
		(void)close(fds[0]);
		return err_ctx(e, "jq");
	}
	k->c->fd = fds[0];
	k->c->running = true;
	rc = recv_all(k, &hello, 1, e);
	if (!rc && hello != WIRE_HELLO)
		rc = err_set(e, ERR_INTERNAL, "jq does not begin as it should");
	if (rc)
		child_stop(k->c);
	k->died = false;
	return rc;
}

/* Waits for a free child; prefers a running one. */
static int child_take(struct call *k, struct err *e)
{
	struct jq *j = k->j;

	LOCK_SCOPE(&j->lock);
	while (!atomic_load(&j->stopping)) {
		for (unsigned i = 0; i < j->n_children; i++)
			if (!j->children[i].busy && (!k->c || j->children[i].running))
				k->c = &j->children[i];
		if (k->c) {
			k->c->busy = true;
			return 0;
		}
		cond_wait(&j->freed, &j->lock);
	}
	return err_set(e, ERR_CANCELLED, "the server stops");
}

static void child_give(struct call *k)
{
	LOCK_SCOPE(&k->j->lock);
	k->c->busy = false;
	k->c = NULL;
	cond_broadcast(&k->j->freed);
}

/* --- messages --- */

static int send_request(struct call *k, const char *program, const struct view *records, size_t n,
			struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, WIRE_REQUEST_MAX);
	wire_number(&b, 0);
	wire_text(&b, view_str(program));
	wire_number(&b, n);
	for (size_t i = 0; i < n; i++)
		wire_text(&b, records[i]);
	rc = buf_check(&b, "records for jq", e);
	if (!rc) {
		for (int i = 0; i < 4; i++)
			b.p[i] = (char)((b.n - 4) >> (8 * i));
		rc = send_all(k, buf_view(&b), e);
	}
	buf_clear(&b);
	return rc;
}

static int broken(struct call *k, struct err *e)
{
	child_stop(k->c);
	return err_set(e, ERR_INTERNAL, "jq answers what makes no sense");
}

static int answer_keys(struct call *k, struct view body, struct jq_answer *ret, struct err *e)
{
	struct view rest = body, v;
	struct jq_key *keys;
	size_t n = 0;

	while (rest.n) {
		if (!wire_take_text(&rest, &v))
			return broken(k, e);
		n++;
	}
	if (n % 2)
		return broken(k, e);
	keys = ARENA_ARRAY(k->a, struct jq_key, n / 2 + 1);
	rest = arena_view(k->a, body);
	for (size_t i = 0; i < n / 2; i++)
		if (!wire_take_text(&rest, &keys[i].name) || !wire_take_text(&rest, &keys[i].value))
			return broken(k, e);
	*ret = (struct jq_answer){ .keys = keys, .n_keys = n / 2 };
	return 0;
}

/* *ret_kind: of the answer. */
static int read_answer(struct call *k, struct jq_answer *ret, char *ret_kind, struct err *e)
{
	char h[4], body[WIRE_ANSWER_MAX + 1];
	size_t n;

	if (recv_all(k, h, sizeof(h), e) < 0)
		return e->code;
	n = wire_number_of(h);
	if (!n || n > sizeof(body))
		return broken(k, e);
	if (recv_all(k, body, n, e) < 0)
		return e->code;
	*ret_kind = body[0];
	switch (body[0]) {
	case WIRE_KEYS:
		return answer_keys(k, view_of(body + 1, n - 1), ret, e);
	case WIRE_FAILED:
	case WIRE_LATE:
	case WIRE_PROGRAM:
		*ret = (struct jq_answer){ .failed = arena_str(k->a, view_of(body + 1, n - 1)) };
		return 0;
	default:
		return broken(k, e);
	}
}

/* One request to the child that was taken.  *ret_n: how many answers there are; all of them if it succeeds. */
static int exchange(struct call *k, const char *program, const struct view *records, size_t n,
		    struct jq_answer *ret, size_t *ret_n, struct err *e)
{
	char kind = 0;
	int rc = k->c->running ? 0 : child_start(k, e);

	*ret_n = 0;
	if (!rc)
		rc = send_request(k, program, records, n, e);
	while (!rc && *ret_n < n) {
		rc = read_answer(k, &ret[*ret_n], &kind, e);
		if (!rc && kind == WIRE_PROGRAM)
			return err_set(e, ERR_INVALID, "%s", ret[*ret_n].failed);
		*ret_n += !rc;
	}
	if (rc)
		child_stop(k->c); /* it may be in the middle of something */
	return rc;
}

/* --- calls --- */

int jq_check(struct jq *j, const char *program, struct err *e)
{
	const struct view empty = VIEW("{}");
	struct arena a;
	struct call k = { .j = j, .a = &a };
	struct jq_answer answer;
	char kind = 0;
	int rc = child_take(&k, e);

	if (rc)
		return rc;
	arena_init(&a, MIB);
	rc = k.c->running ? 0 : child_start(&k, e);
	if (!rc)
		rc = send_request(&k, program, &empty, 1, e);
	if (!rc)
		rc = read_answer(&k, &answer, &kind, e);
	if (rc)
		child_stop(k.c);
	child_give(&k);
	if (k.died) {
		err_clear(e);
		rc = err_set(e, ERR_INVALID, "%s", k.how);
	} else if (!rc && kind == WIRE_PROGRAM) {
		rc = err_set(e, ERR_INVALID, "%s", answer.failed);
	} else if (!rc && kind == WIRE_LATE) {
		rc = err_set(e, ERR_INVALID, "it does not end within a second when it is given {}");
	}
	arena_clear(&a);
	return rc;
}

/* How many records go into one request: at least one. */
static size_t fitting(const struct view *records, size_t n)
{
	size_t bytes = 0, i = 0;

	while (i < n && (!i || bytes + records[i].n <= REQUEST_BYTES))
		bytes += records[i++].n;
	return i;
}

int jq_keys(struct jq *j, const char *program, const struct view *records, size_t n, struct arena *a,
	    struct jq_answer *ret, struct err *e)
{
	size_t done = 0, careful = 0;
	int rc = 0;

	while (!rc && done < n) {
		struct call k = { .j = j, .a = a };
		size_t m = careful ? 1 : fitting(records + done, n - done), got;

		if (child_take(&k, e) < 0)
			return e->code;
		rc = exchange(&k, program, records + done, m, ret + done, &got, e);
		child_give(&k);
		done += got;
		careful -= careful ? got : 0;
		if (!k.died)
			continue;
		err_clear(e);
		rc = 0;
		if (m > 1) {
			careful = m - got;
		} else {
			ret[done++] = (struct jq_answer){ .failed = arena_str(a, view_str(k.how)) };
			careful -= careful ? 1 : 0;
		}
	}
	return rc;
}

/* --- opening --- */

int jq_open(const struct jq_opts *o, struct jq **ret, struct err *e)
{
	char *program = proc_program(o->program, "mulgil-jq", e);
	struct jq *j;

	if (!program)
		return e->code;
	j = calloc(1, sizeof(*j));
	must(j);
	j->program = program;
	j->n_children = o->children ? o->children : 2;
	j->children = calloc(j->n_children, sizeof(*j->children));
	must(j->children);
	lock_init(&j->lock, "jq");
	cond_init(&j->freed);
	*ret = j;
	return 0;
}

void jq_stop(struct jq *j)
{
	LOCK_SCOPE(&j->lock);
	atomic_store(&j->stopping, true);
	cond_broadcast(&j->freed);
}

struct jq *jq_close(struct jq *j)
{
	if (!j)
		return NULL;
	for (unsigned i = 0; i < j->n_children; i++) {
		must(!j->children[i].busy);
		child_stop(&j->children[i]);
	}
	cond_clear(&j->freed);
	lock_clear(&j->lock);
	free(j->children);
	free(j->program);
	free(j);
	return NULL;
}
