// SPDX-License-Identifier: Apache-2.0
/*
 * The sql seam by child processes that hold the engine: a few are kept warm, each does one job at a time.
 *
 * A child is trusted with nothing: it gets the job's message, and what it answers is checked like any input.  When a
 * job runs past its deadline, is cancelled, or a message breaks, the child is killed with its process group; the next
 * job starts another.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/diag.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/thread.h"
#include "store/sql.h"

/* Sanitizers reserve terabytes of addresses: no limit on them then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

#define MESSAGE_MAX (64 * MIB)
#define NS_PER_MS 1000000LL
#define AS_ABOVE \
	(3 * GIB)       /* code, stacks and what the engine does not count, above its own limit */
#define WAIT_STEP_MS 20 /* how long a waiting job may take to see that it was cancelled */
#define MANY_FILES 4096 /* descriptors of a child: the engine keeps files open */

struct sql_cancel {
	int fd; /* readable once fired */
};

struct child {
	struct proc proc;
	int fd; /* both ways */
	bool running, busy;
	char *scratch;
};

struct sql_pool {
	struct sql base;
	struct sql_pool_opts o;
	char *program;
	struct lock lock;
	struct cond freed;
	struct child *children;
	bool closing, told;
};

struct call {
	struct sql_pool *p;
	struct child *c;
	const struct sql_cancel *cancel;
	int64_t deadline; /* clock_mono_ns() */
	struct arena *arena;
};

/* --- cancel --- */

struct sql_cancel *sql_cancel_new(void)
{
	struct sql_cancel *c = calloc(1, sizeof(*c));

	must(c);
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(c->fd >= 0);
	return c;
}

struct sql_cancel *sql_cancel_free(struct sql_cancel *c)
{
	if (c)
		(void)close(c->fd);
	free(c);
	return NULL;
}

void sql_cancel_fire(struct sql_cancel *c)
{
	uint64_t one = 1;

	(void)!write(c->fd, &one, sizeof(one)); /* fails only when it has fired a lot already */
}

static bool fired(const struct sql_cancel *c)
{
	struct pollfd p = { .fd = c ? c->fd : -1, .events = POLLIN };

	return c && poll(&p, 1, 0) > 0;
}

/* --- children --- */

static void child_stop(struct child *c)
{
	struct err ignored = { 0 };

	if (!c->running)
		return;
	proc_kill(&c->proc);
	(void)close(c->fd);
	c->running = false;
	if (file_remove_tree(c->scratch, &ignored) < 0)
		err_clear(&ignored); /* litter of a dead job; the next one empties it */
}

static int child_start(struct sql_pool *p, struct child *c, struct err *e)
{
	const char *const argv[] = { p->program, NULL };
	const char *const env[] = { "LC_ALL=C", "TZ=UTC", "HOME=/nonexistent", NULL };
	struct proc_opts o = { .argv = argv, .env = env, .fd_err = -1, .limit_nofile = MANY_FILES };
	int fds[2], r;

	if (!SANITIZED)
		o.limit_as_bytes = p->o.memory_bytes + AS_ABOVE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, ERR_IO, "socket pair for the SQL process");
	o.fd_in = o.fd_out = fds[1];
	r = proc_start(&o, &c->proc, e);
	(void)close(fds[1]);
	if (r < 0) {
		(void)close(fds[0]);
		return err_ctx(e, "SQL process");
	}
	/* Before its engine has threads: they have it from the first one.  It can fail for a process that is gone only. */
	(void)setpriority(PRIO_PROCESS, (id_t)c->proc.pid, p->o.nice);
	c->fd = fds[0];
	c->running = true;
	return 0;
}

/* Waits for a free child, not past the deadline of @k.  Prefers a running one. */
static int child_take(struct call *k, struct err *e)
{
	struct sql_pool *p = k->p;

	LOCK_SCOPE(&p->lock);
	for (;;) {
		int64_t now = clock_mono_ns(), step = now + WAIT_STEP_MS * NS_PER_MS;

		if (p->closing || fired(k->cancel))
			return err_set(e, ERR_CANCELLED, "the statement was cancelled");
		for (unsigned i = 0; i < p->o.children; i++)
			if (!p->children[i].busy && (!k->c || p->children[i].running))
				k->c = &p->children[i];
		if (k->c) {
			k->c->busy = true;
			return 0;
		}
		if (now >= k->deadline)
			return err_set(e, ERR_TIMEOUT, "no SQL process became free in time");
		(void)cond_wait_until(&p->freed, &p->lock, step < k->deadline ? step : k->deadline);
	}
}

static void child_give(struct call *k)
{
	struct sql_pool *p = k->p;

	LOCK_SCOPE(&p->lock);
	if (p->closing)
		child_stop(k->c);
	k->c->busy = false;
	cond_broadcast(&p->freed);
}

/* --- messages --- */

/* The child ended by itself, or closed its end: says how. */
static int child_ended(struct call *k, struct err *e)
{
	char text[64];
	int status;

	if (!proc_wait(&k->c->proc, 1000, &status)) {
		child_stop(k->c);
		return err_set(e, ERR_INTERNAL, "the SQL process stopped answering");
	}
	(void)close(k->c->fd);
	k->c->running = false;
	return err_set(e, ERR_INTERNAL, "the SQL process ended in the middle of the statement (%s)",
		       proc_status_text(status, text));
}

/* Waits until the child's socket is ready for @events. */
static int wait_ready(struct call *k, short events, struct err *e)
{
	struct pollfd p[2] = { { .fd = k->c->fd, .events = events },
			       { .fd = k->cancel ? k->cancel->fd : -1, .events = POLLIN } };

	for (;;) {
		int64_t left = (k->deadline - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
		int n = left > 0 ? poll(p, 2, left > 1000 ? 1000 : (int)left) : 0;

		if (n > 0 && p[1].revents)
			return err_set(e, ERR_CANCELLED, "the statement was cancelled");
		if (n > 0 && p[0].revents)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(e, ERR_INTERNAL, "poll");
		if (left <= 0)
			return err_set(e, ERR_TIMEOUT, "the statement ran longer than it may");
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
			return child_ended(k, e);
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
			return child_ended(k, e);
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int exchange(struct call *k, const struct json *msg, const struct json **ret, struct err *e)
{
	uint8_t h[4] = { 0 };
	struct buf b;
	size_t n;
	char *text;

	buf_init(&b, MESSAGE_MAX);
	buf_add(&b, "\0\0\0\0", 4);
	json_print(&b, msg);
	if (buf_check(&b, "job", e) == 0) {
		for (int i = 0; i < 4; i++)
			b.p[i] = (char)((b.n - 4) >> (8 * i) & 0xff);
		(void)send_all(k, buf_view(&b), e);
	}
	buf_clear(&b);
	if (e->code || recv_all(k, h, sizeof(h), e) < 0)
		return e->code;
	n = (size_t)h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16 | (size_t)h[3] << 24;
	if (n > MESSAGE_MAX)
		return err_set(e, ERR_INTERNAL, "the SQL process answers too much");
	text = arena_alloc(k->arena, n + 1);
	if (recv_all(k, text, n, e) < 0)
		return e->code;
	*ret = json_parse(k->arena, view_of(text, n), 16, e);
	return *ret ? 0 : err_ctx(e, "answer of the SQL process");
}

static int code_of(struct view name)
{
#define X(n, text) \
	if (view_eq_str(name, #n)) \
		return ERR_##n;
	ERR_CODES(X)
#undef X
	return ERR_INTERNAL;
}

static void tell_sandbox(struct sql_pool *p, const struct json *answer)
{
	LOCK_SCOPE(&p->lock);
	if (p->told || !json_get(answer, "landlock"))
		return;
	p->told = true;
	if (json_int(json_get(answer, "landlock"), 0) == 0)
		diag(DIAG_WARN, "sql",
		     "this kernel has no Landlock: only the engine itself keeps SQL away from "
		     "other files");
}

/* One message to a child and its answer.  A child whose call failed below the answer is gone afterwards. */
static int call(struct call *k, struct json *msg, const struct json **ret, int64_t *ret_queue_ms,
		struct err *e)
{
	int64_t t0 = clock_mono_ns(), timeout = k->deadline - t0;
	int r;

	if (child_take(k, e) < 0)
		return e->code;
	must(k->c);
	*ret_queue_ms = (clock_mono_ns() - t0) / NS_PER_MS;
	k->deadline = clock_mono_ns() + timeout;
	json_set_str(k->arena, msg, "scratch", k->c->scratch);
	r = file_mkdirs(k->c->scratch, 0700, e);
	if (r == 0 && !k->c->running)
		r = child_start(k->p, k->c, e);
	if (r == 0) {
		r = exchange(k, msg, ret, e);
		if (r < 0)
			child_stop(k->c);
	}
	child_give(k);
	if (r < 0)
		return r;
	must(*ret);
	tell_sandbox(k->p, *ret);
	if (!json_is_true(json_get(*ret, "ok")))
		return err_set(e, code_of(json_get_str(*ret, "code")), "%.*s",
			       VIEW_ARG(json_get_str(*ret, "message")));
	return 0;
}

/* --- a job as JSON --- */

static struct json *columns_json(struct arena *a, const struct sql_column *c, size_t n)
{
	struct json *list = json_new_arr(a);

	for (size_t i = 0; i < n; i++) {
		struct json *pair = json_new_arr(a);

		json_push(a, pair, json_new_cstr(a, c[i].name));
		json_push(a, pair, json_new_cstr(a, c[i].type));
		json_push(a, list, pair);
	}
	return list;
}

struct order {
	const struct sql_file *f;
	size_t n_keys;
};

static int cmp_files(const void *x, const void *y)
{
	const struct order *a = x, *b = y;

	for (size_t k = 0; k < a->n_keys; k++) {
		const char *p = a->f->partition[k], *q = b->f->partition[k];
		int c = p && q ? strcmp(p, q) : (p != NULL) - (q != NULL);

		if (c)
			return c;
	}
	return (a->f > b->f) - (a->f < b->f);
}

/* Sorted by partition, else in the order given. */
static struct json *files_json(struct arena *a, const struct sql_table *t)
{
	struct order *o = ARENA_ARRAY(a, struct order, t->n_files + 1);
	struct json *list = json_new_arr(a);

	for (size_t i = 0; i < t->n_files; i++)
		o[i] = (struct order){ &t->files[i], t->n_keys };
	qsort(o, t->n_files, sizeof(*o), cmp_files);
	for (size_t i = 0; i < t->n_files; i++) {
		struct json *f = json_new_arr(a);

		json_push(a, f, json_new_cstr(a, o[i].f->path));
		for (size_t k = 0; k < t->n_keys; k++)
			json_push(a, f, json_new_cstr(a, o[i].f->partition[k]));
		json_push(a, list, f);
	}
	return list;
}

static struct json *table_json(struct arena *a, const struct sql_table *t)
{
	static const char *const formats[] = {
		[SQL_PARQUET] = "parquet", [SQL_JSON] = "json", [SQL_CSV] = "csv"
	};
	char delim[2] = { t->csv_delim ? t->csv_delim : ',', 0 },
	     quote[2] = { t->csv_quote ? t->csv_quote : '"', 0 };
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "schema", t->schema);
	json_set_str(a, o, "name", t->name);
	if (t->view_sql) {
		json_set_str(a, o, "view", t->view_sql);
		return o;
	}
	json_set(a, o, "columns", columns_json(a, t->columns, t->n_columns));
	json_set(a, o, "keys", columns_json(a, t->keys, t->n_keys));
	json_set_str(a, o, "format", formats[t->format]);
	json_set(a, o, "header", json_new_bool(t->csv_header));
	json_set_str(a, o, "delim", delim);
	json_set_str(a, o, "quote", t->csv_plain ? "" : quote);
	json_set(a, o, "gzip", json_new_bool(t->gzip));
	json_set(a, o, "files", files_json(a, t));
	return o;
}

static struct json *params_json(struct arena *a, const struct sql_job *job)
{
	struct json *list = json_new_arr(a);

	for (size_t i = 0; i < job->n_params; i++) {
		struct json *pair = json_new_arr(a);

		json_push(a, pair, json_new_cstr(a, job->params[i].name));
		json_push(a, pair, json_new_cstr(a, job->params[i].value));
		json_push(a, list, pair);
	}
	return list;
}

static struct json *parquet_json(const struct sql_parquet *q, struct arena *a)
{
	static const char *const codecs[] = {
		[SQL_ZSTD] = "zstd", [SQL_SNAPPY] = "snappy", [SQL_GZIP] = "gzip", [SQL_PLAIN] = "uncompressed"
	};
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "codec", codecs[q->codec]);
	json_set(a, o, "dictionary", json_new_bool(!q->no_dictionary));
	json_set(a, o, "v2", json_new_bool(q->v2));
	return o;
}

static struct json *job_json(const struct sql_pool *p, const struct sql_job *job, struct arena *a)
{
	static const char *const outputs[] = {
		[SQL_TO_NOTHING] = "none", [SQL_TO_CSV] = "csv", [SQL_TO_PARQUET] = "parquet"
	};
	uint64_t max = job->out_max_bytes;
	struct json *o = json_new_obj(a), *tables = json_new_arr(a);

	if (!max)
		max = job->output == SQL_TO_CSV ? GIB : 64 * GIB;
	for (size_t i = 0; i < job->n_tables; i++)
		json_push(a, tables, table_json(a, &job->tables[i]));
	json_set_str(a, o, "op", "run");
	json_set_str(a, o, "text", job->text);
	json_set_str(a, o, "schema", job->schema ? job->schema : "default");
	json_set(a, o, "tables", tables);
	json_set(a, o, "params", params_json(a, job));
	json_set_str(a, o, "output", outputs[job->output]);
	json_set_str(a, o, "out_path", job->out_path);
	json_set(a, o, "out_columns", columns_json(a, job->out_columns, job->n_out_columns));
	json_set(a, o, "out_keys", columns_json(a, job->out_keys, job->n_out_keys));
	json_set(a, o, "parquet", parquet_json(&job->parquet, a));
	json_set_int(a, o, "out_max", (int64_t)max);
	json_set_int(a, o, "memory", (int64_t)p->o.memory_bytes);
	json_set_int(a, o, "spill", (int64_t)p->o.spill_bytes);
	json_set_int(a, o, "threads", p->o.threads);
	return o;
}

/* --- its result --- */

static const char *text_at(struct arena *a, const struct json *arr, size_t i)
{
	struct view v = json_str(json_at(arr, i));

	return v.p ? arena_str(a, v) : NULL;
}

static void read_result(const struct json *answer, size_t n_keys, struct arena *a,
			struct sql_result *ret)
{
	const struct json *cols = json_get(answer, "columns"), *files = json_get(answer, "files");

	ret->n_columns = json_len(cols);
	ret->columns = ARENA_ARRAY(a, struct sql_column, ret->n_columns + 1);
	for (size_t i = 0; i < ret->n_columns; i++) {
		const struct json *c = json_at(cols, i);

		ret->columns[i] = (struct sql_column){ .name = text_at(a, c, 0),
						       .type = text_at(a, c, 1),
						       .precision = (int)json_int(json_at(c, 2), 0),
						       .scale = (int)json_int(json_at(c, 3), 0) };
	}
	ret->rows = (uint64_t)json_int(json_get(answer, "rows"), 0);
	ret->n_files = json_len(files);
	ret->files = ARENA_ARRAY(a, struct sql_out_file, ret->n_files + 1);
	for (size_t i = 0; i < ret->n_files; i++) {
		const struct json *f = json_at(files, i);
		const char **values = ARENA_ARRAY(a, const char *, n_keys + 1);

		for (size_t k = 0; k < n_keys; k++)
			values[k] = text_at(a, f, k + 3);
		ret->files[i] =
			(struct sql_out_file){ .path = text_at(a, f, 0),
					       .partition = values,
					       .rows = (uint64_t)json_int(json_at(f, 1), 0),
					       .bytes = (uint64_t)json_int(json_at(f, 2), 0) };
	}
}

static uint64_t size_of_files(const struct sql_job *job)
{
	uint64_t sum = 0;

	for (size_t t = 0; t < job->n_tables; t++) {
		for (size_t i = 0; i < job->tables[t].n_files; i++) {
			struct stat st;

			if (stat(job->tables[t].files[i].path, &st) == 0)
				sum += (uint64_t)st.st_size;
		}
	}
	return sum;
}

static struct sql_pool *pool_of(struct sql *s)
{
	return CONTAINER_OF(s, struct sql_pool, base);
}

static int check_text(const char *text, struct err *e)
{
	if (strlen(text) > SQL_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "the statement is longer than %d bytes", SQL_TEXT_MAX);
	return 0;
}

static int pool_run(struct sql *s, const struct sql_job *job, struct arena *a,
		    struct sql_result *ret, struct err *e)
{
	struct sql_pool *p = pool_of(s);
	int64_t timeout = job->timeout_ms ? job->timeout_ms : p->o.timeout_ms, t0 = clock_mono_ns();
	struct call k = {
		.p = p, .cancel = job->cancel, .deadline = t0 + timeout * NS_PER_MS, .arena = a
	};
	struct sql_result res = { 0 };
	const struct json *answer = NULL;

	if (check_text(job->text, e) < 0 ||
	    call(&k, job_json(p, job, a), &answer, &res.queue_ms, e) < 0)
		return e->code;
	res.run_ms = (clock_mono_ns() - t0) / NS_PER_MS - res.queue_ms;
	res.scanned_bytes = size_of_files(job);
	read_result(answer, job->n_out_keys, a, &res);
	*ret = res;
	return 0;
}

static int pool_tables(struct sql *s, const char *text, struct arena *a, struct sql_name **ret,
		       size_t *ret_n, struct err *e)
{
	struct sql_pool *p = pool_of(s);
	struct call k = { .p = p,
			  .deadline = clock_mono_ns() + p->o.timeout_ms * NS_PER_MS,
			  .arena = a };
	struct json *msg = json_new_obj(a);
	const struct json *answer = NULL, *names;
	int64_t queue = 0;

	if (check_text(text, e) < 0)
		return e->code;
	json_set_str(a, msg, "op", "tables");
	json_set_str(a, msg, "text", text);
	if (call(&k, msg, &answer, &queue, e) < 0)
		return e->code;
	names = json_get(answer, "names");
	*ret_n = json_len(names);
	*ret = ARENA_ARRAY(a, struct sql_name, *ret_n + 1);
	for (size_t i = 0; i < *ret_n; i++) {
		(*ret)[i].schema = text_at(a, json_at(names, i), 0);
		(*ret)[i].name = text_at(a, json_at(names, i), 1);
	}
	return 0;
}

/* Running jobs see their child die, and give it back. */
static struct sql *pool_close(struct sql *s)
{
	struct sql_pool *p = pool_of(s);

	lock_take(&p->lock);
	p->closing = true;
	for (unsigned i = 0; i < p->o.children; i++)
		if (p->children[i].busy && p->children[i].running)
			proc_signal(&p->children[i].proc, SIGKILL);
	for (unsigned i = 0; i < p->o.children; i++) {
		while (p->children[i].busy)
			cond_wait(&p->freed, &p->lock);
		child_stop(&p->children[i]);
		free(p->children[i].scratch);
	}
	lock_drop(&p->lock);
	lock_clear(&p->lock);
	cond_clear(&p->freed);
	free(p->children);
	free(p->program);
	free(p);
	return NULL;
}

/* --- opening --- */

static char *text_dup(const char *s)
{
	char *copy = strdup(s);

	must(copy);
	return copy;
}

static const struct sql_vtable pool_vtable = { .run = pool_run,
					       .tables = pool_tables,
					       .close = pool_close };

int sql_open_pool(const struct sql_pool_opts *o, struct sql **ret, struct err *e)
{
	char *program = proc_program(o->program, "mulgil-sql", e);
	struct sql_pool *p;

	if (!program)
		return e->code;
	p = calloc(1, sizeof(*p));
	must(p);
	p->base.v = &pool_vtable;
	p->program = program;
	p->o = *o;
	p->o.children = o->children ? o->children : 2;
	p->o.threads = o->threads ? o->threads : 2;
	p->o.memory_bytes = o->memory_bytes ? o->memory_bytes : GIB;
	p->o.spill_bytes = o->spill_bytes ? o->spill_bytes : 16 * GIB;
	p->o.timeout_ms = o->timeout_ms ? o->timeout_ms : 30 * 60 * 1000;
	lock_init(&p->lock, "sql pool");
	cond_init(&p->freed);
	p->children = calloc(p->o.children, sizeof(*p->children));
	must(p->children);
	for (unsigned i = 0; i < p->o.children; i++) {
		char path[4200];

		(void)snprintf(path, sizeof(path), "%s/sql-%u", o->scratch, i);
		p->children[i].scratch = text_dup(path);
	}
	p->o.program = p->o.scratch = NULL;
	*ret = &p->base;
	return 0;
}

void sql_pool_warm(struct sql *s)
{
	struct sql_pool *p = pool_of(s);
	struct err e = { 0 };

	LOCK_SCOPE(&p->lock);
	if (!p->children[0].busy && !p->children[0].running &&
	    child_start(p, &p->children[0], &e) < 0)
		diag(DIAG_WARN, "sql", "%s", e.msg);
}
