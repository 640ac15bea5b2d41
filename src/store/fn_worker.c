/* SPDX-License-Identifier: Apache-2.0 */
/* fn_worker: one child process, its runtime API port, its log, and the call it is working on. */
#include "store/fn_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "http/server.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"
#include "os/landlock.h"
#include "os/pool.h"

#define INIT_MS 10000 /* AWS gives a runtime 10 s to ask for its first event */
#define RUNTIME "/2018-06-01/runtime/"
#define ENV_MAX 80

struct fn_worker *fn_worker_new(const struct fn_spec *f)
{
	struct fn_worker *w = calloc(1, sizeof(*w));

	must(w);
	w->name = strdup(f->name);
	w->revision = strdup(f->revision);
	must(w->name && w->revision);
	w->started_ms = w->used_ms = clock_mono_ns() / 1000000;
	w->log_fd = -1;
	lock_init(&w->lock, "fn_worker");
	cond_init(&w->changed);
	return w;
}

bool fn_worker_ended(struct fn_worker *w)
{
	LOCK_SCOPE(&w->lock);
	return w->ended;
}

void fn_worker_kill(struct fn_worker *w)
{
	LOCK_SCOPE(&w->lock);
	w->closing = w->killed = true;
	if (w->started && !w->ended)
		proc_signal(&w->proc, 9);
	cond_broadcast(&w->changed);
}

struct fn_worker *fn_worker_free(struct fn_worker *w)
{
	struct err quiet = { 0 };

	if (!w)
		return NULL;
	fn_worker_kill(w);
	if (w->log_running)
		thread_join(w->log_thread);
	w->server = http_server_free(w->server, 0);
	w->pool = pool_free(w->pool);
	if (w->log_fd >= 0)
		close(w->log_fd);
	if (w->tmp && file_remove_tree(w->tmp, &quiet) < 0)
		diag(DIAG_WARN, "function", "%s", quiet.msg);
	free(w->tmp);
	free(w->answer);
	free(w->name);
	free(w->revision);
	cond_clear(&w->changed);
	lock_clear(&w->lock);
	free(w);
	return NULL;
}

/* --- the log: lines go out as they come, the tail of the current call is kept --- */

static void tail_add(struct fn_worker *w, const char *p, size_t n)
{
	if (n >= sizeof(w->tail)) {
		memcpy(w->tail, p + n - sizeof(w->tail), sizeof(w->tail));
		w->tail_n = sizeof(w->tail);
		return;
	}
	if (w->tail_n + n > sizeof(w->tail)) {
		size_t drop = w->tail_n + n - sizeof(w->tail);

		memmove(w->tail, w->tail + drop, w->tail_n - drop);
		w->tail_n -= drop;
	}
	memcpy(w->tail + w->tail_n, p, n);
	w->tail_n += n;
}

static void log_line(struct fn_worker *w, struct view line)
{
	tail_add(w, line.p, line.n);
	tail_add(w, "\n", 1);
	w->o->log(w->o->arg, w->name, w->log_stream, clock_ms(), line);
}

static void log_text(struct fn_worker *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void log_text(struct fn_worker *w, const char *fmt, ...)
{
	char s[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s, sizeof(s), fmt, ap);
	va_end(ap);
	if (n > 0)
		log_line(w, view_of(s, (size_t)n < sizeof(s) ? (size_t)n : sizeof(s) - 1));
}

static void log_bytes(struct fn_worker *w, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\n' && w->line_n < sizeof(w->line)) {
			w->line[w->line_n++] = p[i];
			continue;
		}
		log_line(w, view_of(w->line, w->line_n));
		w->line_n = 0;
		if (p[i] != '\n')
			w->line[w->line_n++] = p[i];
	}
}

/* Reads what the child has printed so far. */
static void log_drain(struct fn_worker *w)
{
	char p[4096];
	ssize_t n;

	LOCK_ASSERT_HELD(&w->lock);
	while ((n = read(w->log_fd, p, sizeof(p))) > 0)
		log_bytes(w, p, (size_t)n);
}

static void child_ended(struct fn_worker *w)
{
	LOCK_SCOPE(&w->lock); /* nobody may signal the process while it is being forgotten */
	(void)proc_wait(&w->proc, -1, &w->status);
	log_drain(w);
	if (w->line_n)
		log_bytes(w, "\n", 1);
	w->ended = true;
	cond_broadcast(&w->changed);
}

static void *log_main(void *arg)
{
	struct fn_worker *w = arg;
	struct pollfd p[2] = { { w->log_fd, POLLIN, 0 }, { w->proc.pidfd, POLLIN, 0 } };

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			break;
		if (p[0].revents) {
			lock_take(&w->lock);
			log_drain(w);
			lock_drop(&w->lock);
			if (p[0].revents & POLLHUP)
				p[0].fd = -1;
		}
	}
	child_ended(w);
	return NULL;
}

/* --- the runtime API --- */

static void answer_json(struct http_req *r, int status, const char *text)
{
	static const struct http_header h[] = { { "Content-Type", "application/json" } };

	http_answer(r, &(struct http_answer){ status, h, ARRAY_LEN(h) }, view_str(text));
}

static void give_event(struct fn_worker *w, struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct http_header h[5];
	struct view event;

	lock_take(&w->lock);
	while (w->state != FN_GIVEN && !w->ended && !w->closing)
		cond_wait(&w->changed, &w->lock);
	if (w->ended || w->closing) {
		lock_drop(&w->lock);
		answer_json(r, 410, "{\"errorType\":\"Closing\"}");
		return;
	}
	w->state = FN_TAKEN;
	w->served = true;
	w->deadline_ms = clock_ms() + w->spec->timeout_ms;
	h[0] = (struct http_header){ "Lambda-Runtime-Aws-Request-Id", arena_str(a, view_str(w->request_id)) };
	h[1] = (struct http_header){ "Lambda-Runtime-Deadline-Ms", arena_printf(a, "%" PRId64, w->deadline_ms) };
	h[2] = (struct http_header){ "Lambda-Runtime-Invoked-Function-Arn", arena_str(a, view_str(w->spec->arn)) };
	h[3] = (struct http_header){ "Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0" };
	h[4] = (struct http_header){ "Content-Type", "application/json" };
	event = arena_view(a, w->event);
	cond_broadcast(&w->changed);
	lock_drop(&w->lock);
	http_answer(r, &(struct http_answer){ 200, h, ARRAY_LEN(h) }, event);
}

/* The body of a report; false: too long or the child is gone. */
static bool read_report(struct http_req *r, struct buf *b, bool *too_long)
{
	char p[16384];
	struct err e = { 0 };
	ssize_t n;

	while ((n = http_body_read(r, p, sizeof(p), &e)) > 0)
		buf_add(b, p, (size_t)n);
	*too_long = b->over;
	return n == 0 && !b->over;
}

static void take_report(struct fn_worker *w, struct http_req *r, struct view id, bool failed)
{
	struct buf b;
	bool too_long, whole;

	buf_init(&b, FN_ANSWER_MAX);
	whole = read_report(r, &b, &too_long);
	lock_take(&w->lock);
	if (w->state != FN_TAKEN || (id.p && !view_eq_str(id, w->request_id)) || (!whole && !too_long)) {
		lock_drop(&w->lock);
		buf_clear(&b);
		answer_json(r, 400, "{\"errorType\":\"InvalidRequestID\",\"errorMessage\":\"no such invocation\"}");
		return;
	}
	w->failed = failed;
	w->too_long = too_long;
	free(w->answer);
	w->answer = b.p;
	w->answer_n = b.n;
	w->state = FN_DONE;
	cond_broadcast(&w->changed);
	lock_drop(&w->lock);
	answer_json(r, too_long ? 413 : 202, "{\"status\":\"OK\"}");
}

static void init_error(struct fn_worker *w, struct http_req *r)
{
	lock_take(&w->lock);
	if (w->state == FN_GIVEN)
		w->state = FN_TAKEN;
	lock_drop(&w->lock);
	take_report(w, r, VIEW_NONE, true);
}

static void runtime_handler(struct http_req *r, void *arg)
{
	struct fn_worker *w = arg;
	struct view path = http_path(r), rest, id;
	bool post = view_eq(http_method(r), VIEW("POST"));

	if (view_eq(path, VIEW(RUNTIME "invocation/next")) && !post) {
		give_event(w, r);
	} else if (view_eq(path, VIEW(RUNTIME "init/error")) && post) {
		init_error(w, r);
	} else if (view_starts(path, VIEW(RUNTIME "invocation/")) && post) {
		rest = view_from(path, sizeof(RUNTIME "invocation/") - 1);
		if (view_split(&rest, '/', &id) && view_eq(rest, VIEW("response")))
			take_report(w, r, id, false);
		else if (view_eq(rest, VIEW("error")))
			take_report(w, r, id, true);
		else
			answer_json(r, 404, "{\"errorType\":\"NotFound\"}");
	} else {
		answer_json(r, 404, "{\"errorType\":\"NotFound\"}");
	}
}

/* --- starting --- */

static const char **make_env(struct arena *a, const struct fn_worker *w, const struct fn_spec *f)
{
	const char **env = ARENA_ARRAY(a, const char *, ENV_MAX + f->n_env);
	struct fn_session s;
	size_t n = 0;

	w->o->session(w->o->arg, f, &s);
	env[n++] = arena_printf(a, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%u", (unsigned)http_server_port(w->server));
	env[n++] = arena_printf(a, "AWS_LAMBDA_FUNCTION_NAME=%s", f->name);
	env[n++] = "AWS_LAMBDA_FUNCTION_VERSION=$LATEST";
	env[n++] = arena_printf(a, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%u", f->memory_mb);
	env[n++] = arena_printf(a, "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/%s", f->name);
	env[n++] = arena_printf(a, "AWS_LAMBDA_LOG_STREAM_NAME=%s", w->log_stream);
	env[n++] = "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand";
	env[n++] = arena_printf(a, "_HANDLER=%s", f->handler ? f->handler : "");
	env[n++] = arena_printf(a, "LAMBDA_TASK_ROOT=%s", f->code_dir);
	env[n++] = arena_printf(a, "AWS_REGION=%s", w->o->region);
	env[n++] = arena_printf(a, "AWS_DEFAULT_REGION=%s", w->o->region);
	env[n++] = arena_printf(a, "AWS_ENDPOINT_URL=%s", w->o->endpoint(w->o->arg));
	env[n++] = arena_printf(a, "AWS_ACCESS_KEY_ID=%s", s.access_key);
	env[n++] = arena_printf(a, "AWS_SECRET_ACCESS_KEY=%s", s.secret);
	env[n++] = arena_printf(a, "AWS_SESSION_TOKEN=%s", s.token);
	env[n++] = "PATH=/usr/local/bin:/usr/bin:/bin";
	if (w->tmp)
		env[n++] = arena_printf(a, "TMPDIR=%s", w->tmp);
	env[n++] = "LANG=en_US.UTF-8";
	env[n++] = "TZ=:UTC";
	must(n < ENV_MAX);
	for (size_t i = 0; i < f->n_env; i++)
		env[n++] = arena_printf(a, "%s=%s", f->env[i].name, f->env[i].value);
	crypto_wipe(&s, sizeof(s));
	return env;
}

/* A function sees its code and the system's programs, and has a folder of its own to write in: not our data. */
static int make_sandbox(struct fn_worker *w, const struct fn_spec *f, int *ret_fd, struct err *e)
{
	const unsigned program = LANDLOCK_READ | LANDLOCK_EXECUTE;
	const struct landlock_rule rules[] = {
		{ f->code_dir, program, false },
		{ w->tmp ? w->tmp : "", LANDLOCK_READ | LANDLOCK_WRITE, !w->tmp },
		{ w->o->shared_dir ? w->o->shared_dir : "", LANDLOCK_READ | LANDLOCK_WRITE, !w->o->shared_dir },
		{ "/usr", program, true },
		{ "/lib", program, true },
		{ "/lib64", program, true },
		{ "/bin", program, true },
		{ "/sbin", program, true },
		{ "/opt", program, true },
		{ "/etc", LANDLOCK_READ, true },
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
		{ "/proc", LANDLOCK_READ, true }, /* their runtimes read their own maps */
#else
		/* Not /proc itself: it shows other processes, and what they have in their environment. */
		{ "/proc/cpuinfo", LANDLOCK_READ, true },
		{ "/proc/meminfo", LANDLOCK_READ, true },
		{ "/proc/stat", LANDLOCK_READ, true },
		{ "/proc/version", LANDLOCK_READ, true },
		{ "/proc/filesystems", LANDLOCK_READ, true },
		{ "/proc/sys", LANDLOCK_READ, true },
#endif
		{ "/sys/devices/system/cpu", LANDLOCK_READ, true },
		{ "/sys/fs/cgroup", LANDLOCK_READ, true },
		{ "/dev/null", LANDLOCK_READ | LANDLOCK_WRITE, true },
		{ "/dev/zero", LANDLOCK_READ, true },
		{ "/dev/random", LANDLOCK_READ, true },
		{ "/dev/urandom", LANDLOCK_READ, true },
	};
	int abi;
	int r = w->tmp ? file_mkdirs(w->tmp, 0700, e) : 0;

	if (r == 0)
		r = landlock_ruleset(rules, ARRAY_LEN(rules), true, ret_fd, &abi, e);
	return r < 0 ? err_ctx(e, "function %s: sandbox", f->name) : 0;
}

static int spawn(struct fn_worker *w, const struct fn_spec *f, struct err *e)
{
	struct arena a;
	CLEANUP(fd_closep) int child_end = -1;
	CLEANUP(fd_closep) int sandbox = -1;
	int fds[2], r;
	const char *argv[2];

	r = make_sandbox(w, f, &sandbox, e);
	if (r < 0)
		return r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, ERR_IO, "function %s: pipe", f->name);
	w->log_fd = fds[0];
	child_end = fds[1];
	(void)fcntl(w->log_fd, F_SETFL, O_NONBLOCK);
	arena_init(&a, LIMIT_ARENA);
	argv[0] = arena_printf(&a, "%s/bootstrap", f->code_dir);
	argv[1] = NULL;
	struct proc_opts o = { .argv = argv, .env = make_env(&a, w, f), .cwd = f->code_dir, .fd_in = -1,
			       .fd_out = child_end, .fd_err = child_end, .limit_nofile = 1024,
			       .landlock = sandbox >= 0 ? sandbox : 0 };
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* Address space, not memory: runtimes map more than they use. */
	o.limit_as_bytes = (uint64_t)f->memory_mb * 2 * MIB + GIB;
#endif
	r = proc_start(&o, &w->proc, e);
	arena_clear(&a);
	return r;
}

int fn_worker_start(struct fn_worker *w, const struct fn_spec *f, const struct fn_opts *o, struct err *e)
{
	char id[UUID_TEXT], date[TIME_TEXT];
	int r;

	if (w->started)
		return 0;
	w->o = o;
	uuid4(id);
	time_iso_s(clock_ms(), date);
	snprintf(w->log_stream, sizeof(w->log_stream), "%.4s/%.2s/%.2s/[$LATEST]%.8s%.4s", date, date + 5, date + 8, id,
		 id + 9);
	if (o->tmp_dir && asprintf(&w->tmp, "%s/%s", o->tmp_dir, id) < 0)
		must(!"memory");
	w->pool = pool_new(&(struct pool_opts){ { 2, 1 }, { 8, 8 } });
	r = http_server_new(&(struct http_server_opts){ .addr = "127.0.0.1", .loop_threads = 1, .connections_max = 8,
							.pool = w->pool, .handler = runtime_handler, .arg = w },
			    &w->server, e);
	if (r == 0)
		r = spawn(w, f, e);
	lock_take(&w->lock);
	w->ended = r < 0; /* never to be used again */
	w->started = r == 0;
	lock_drop(&w->lock);
	if (r < 0)
		return err_ctx(e, "function %s", f->name);
	w->log_thread = thread_start("fn-log", log_main, w);
	w->log_running = true;
	return 0;
}

/* --- one call --- */

static void error_document(struct arena *a, struct fn_result *ret, const char *type, const char *message)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "errorType", type);
	json_set_str(a, o, "errorMessage", message);
	ret->payload = view_str(json_text(a, o));
	ret->failed = true;
}

static void finish(struct fn_worker *w, const struct fn_spec *f, struct arena *a, struct fn_result *ret)
{
	char why[64];

	if (w->state == FN_DONE && w->too_long) {
		error_document(a, ret, "Function.ResponseSizeTooLarge", "the answer is longer than 6 MiB");
	} else if (w->state == FN_DONE) {
		ret->payload = arena_view(a, view_of(w->answer ? w->answer : "", w->answer_n));
		ret->failed = w->failed;
	} else if (w->ended && !w->closing) {
		error_document(a, ret, "Runtime.ExitError",
			       arena_printf(a, "RequestId: %s Error: Runtime exited: %s", w->request_id,
					    proc_status_text(w->status, why)));
	} else {
		error_document(a, ret, "Sandbox.Timedout",
			       arena_printf(a, "RequestId: %s Error: Task timed out after %.2f seconds", w->request_id,
					    f->timeout_ms / 1000.0));
	}
}

static int64_t call_deadline(const struct fn_worker *w, int64_t given_ns)
{
	if (w->state == FN_GIVEN)
		return given_ns + INIT_MS * 1000000LL;
	return clock_mono_ns() + (w->deadline_ms - clock_ms()) * 1000000LL;
}

int fn_worker_run(struct fn_worker *w, const struct fn_spec *f, struct view event, struct arena *a, struct fn_result *ret,
		  struct err *e)
{
	int64_t t0 = clock_mono_ns();
	bool served;
	int r = 0;

	lock_take(&w->lock);
	served = w->served;
	uuid4(w->request_id);
	w->event = event;
	w->spec = f;
	w->failed = w->too_long = false;
	w->tail_n = 0;
	w->state = FN_GIVEN;
	log_text(w, "START RequestId: %s Version: $LATEST", w->request_id);
	cond_broadcast(&w->changed);
	while (w->state != FN_DONE && !w->ended && !w->closing)
		if (!cond_wait_until(&w->changed, &w->lock, call_deadline(w, t0)) && w->state != FN_DONE)
			break;
	if (w->state != FN_DONE && !w->ended) {
		w->closing = true; /* out of time: this child is not used again */
		proc_signal(&w->proc, 9);
		while (!w->ended)
			cond_wait(&w->changed, &w->lock);
	}
	log_drain(w);
	*ret = (struct fn_result){ .duration_ms = (double)(clock_mono_ns() - t0) / 1e6 };
	log_text(w, "END RequestId: %s", w->request_id);
	log_text(w, "REPORT RequestId: %s\tDuration: %.2f ms\tMemory Size: %u MB", w->request_id, ret->duration_ms,
		 f->memory_mb);
	finish(w, f, a, ret);
	ret->request_id = arena_str(a, view_str(w->request_id));
	ret->log_stream = arena_str(a, view_str(w->log_stream));
	ret->log_tail = arena_view(a, view_of(w->tail, w->tail_n));
	if (w->state == FN_GIVEN && served && w->ended && !w->closing)
		r = 1; /* it ended between two events */
	else if (w->state != FN_DONE && w->killed)
		r = err_set(e, ERR_CANCELLED, "function %s: stopped", f->name);
	free(w->answer);
	w->answer = NULL;
	w->state = FN_IDLE;
	w->spec = NULL;
	lock_drop(&w->lock);
	return r;
}
