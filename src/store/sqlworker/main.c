// SPDX-License-Identifier: Apache-2.0
/*
 * mulgil-sql: opens the engine once, then forks a worker for each job of standard input.
 *
 * The worker is forked before its job is known and waits for it, so that nothing is left to prepare.  When a
 * worker ends badly this process ends the same way: the pool above sees it and starts another.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/sqlworker/engine.h"

#define MESSAGE_MAX (64 * MIB)
#define DEPTH_MAX 16
#define EXIT_END 3    /* standard input has ended: no more jobs */
#define EXIT_BROKEN 4 /* a message that makes no sense */

#ifdef __SANITIZE_THREAD__
/* libduckdb is not instrumented, so its threads cannot be judged; and a worker starts its own after the fork. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0:die_after_fork=0";
}
#endif

static bool transfer(int fd, void *data, size_t n, bool out)
{
	char *p = data;

	while (n) {
		ssize_t r = out ? write(fd, p, n) : read(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static uint32_t length_of(const uint8_t h[4])
{
	return (uint32_t)h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 24;
}

static const char *code_name(int code)
{
	switch (code) {
#define X(name, text) \
	case ERR_##name: \
		return #name;
		ERR_CODES(X)
#undef X
	default:
		return "INTERNAL";
	}
}

static void answer(struct arena *a, struct json *obj, const struct err *e)
{
	struct buf b;
	uint8_t *h;
	uint32_t n;

	json_set(a, obj, "ok", json_new_bool(!e->code));
	if (e->code) {
		json_set_str(a, obj, "code", code_name(e->code));
		json_set_str(a, obj, "message", e->msg);
	}
	buf_init(&b, MESSAGE_MAX);
	buf_add(&b, "\0\0\0\0", 4);
	json_print(&b, obj);
	if (b.over)
		_exit(EXIT_BROKEN);
	n = (uint32_t)b.n - 4;
	h = (uint8_t *)b.p;
	for (int i = 0; i < 4; i++)
		h[i] = (uint8_t)(n >> (8 * i));
	if (!transfer(STDOUT_FILENO, b.p, b.n, true))
		_exit(EXIT_BROKEN);
	buf_clear(&b);
}

static void work(struct engine *g)
{
	struct arena a;
	struct err e = { 0 };
	const struct json *job;
	struct json *obj;
	uint8_t h[4];
	char *text;
	uint32_t n;

	if (!transfer(STDIN_FILENO, h, sizeof(h), false))
		_exit(EXIT_END);
	n = length_of(h);
	if (n > MESSAGE_MAX)
		_exit(EXIT_BROKEN);
	arena_init(&a, 8 * MESSAGE_MAX);
	text = arena_alloc(&a, n + 1UL);
	if (!transfer(STDIN_FILENO, text, n, false))
		_exit(EXIT_END);
	job = json_parse(&a, view_of(text, n), DEPTH_MAX, &e);
	if (!job)
		_exit(EXIT_BROKEN);
	obj = json_new_obj(&a);
	if (engine_job(g, job, &a, obj, &e) < 0)
		must(e.code);
	answer(&a, obj, &e);
	engine_close(g);
	_exit(0);
}

/* Ends as the worker did: the parent reads its own child's status. */
static void end_like(int status)
{
	struct rlimit none = { 0, 0 };

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status) == EXIT_END ? 0 : WEXITSTATUS(status));
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(WTERMSIG(status), SIG_DFL);
	(void)raise(WTERMSIG(status));
	_exit(EXIT_BROKEN);
}

int main(void)
{
	struct rlimit none = { 0, 0 };
	struct err e = { 0 };
	struct engine *g;

	(void)setrlimit(RLIMIT_CORE, &none);
	if (engine_open(&g, &e) < 0) {
		fprintf(stderr, "mulgil-sql: %s\n", e.msg);
		return 1;
	}
	for (;;) {
		pid_t parent = getpid(), child = fork();
		int status;

		if (child < 0)
			return 1;
		if (child == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			work(g);
		}
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			continue;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			end_like(status);
	}
}
