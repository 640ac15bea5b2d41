/* SPDX-License-Identifier: Apache-2.0 */
/* Functions' children: room for other functions in a full pool, an end between two events, being stopped. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/fn.h"
#include "unit.h"

/* $EVENTS: how many events it answers before it ends. */
static const char program[] =
	"#!/usr/bin/python3\n"
	"import os, sys, urllib.request as u\n"
	"api = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime/invocation/'\n"
	"left = int(os.environ.get('EVENTS', '1000000'))\n"
	"while left:\n"
	"    r = u.urlopen(api + 'next')\n"
	"    event = r.read()\n"
	"    if event == b'\"hang\"':\n"
	"        import time\n"
	"        time.sleep(600)\n"
	"    left -= 1\n"
	"    u.urlopen(api + r.headers['Lambda-Runtime-Aws-Request-Id'] + '/response', data=event).read()\n";

struct fixture {
	struct fn_pool *pool;
	char dir[4096];
};

static const char *endpoint(void *arg)
{
	(void)arg;
	return "http://127.0.0.1:1";
}

static void session(void *arg, const struct fn_spec *f, struct fn_session *ret)
{
	(void)arg;
	(void)f;
	*ret = (struct fn_session){ .access_key = "k", .secret = "s", .token = "t" };
}

static void log_line(void *arg, const char *function, const char *stream, int64_t at_ms, struct view line)
{
	(void)arg;
	(void)function;
	(void)stream;
	(void)at_ms;
	(void)line;
}

static void begin(struct fixture *f, unsigned children)
{
	struct fn_opts o = { .children_max = children, .region = "r", .endpoint = endpoint, .session = session, .log = log_line };
	char path[4200];
	struct err e = { 0 };

	snprintf(f->dir, sizeof(f->dir), "%s", unit_tmpdir());
	snprintf(path, sizeof(path), "%s/bootstrap", f->dir);
	if (file_replace(path, view_str(program), 0755, &e) < 0 || fn_process_new(&o, &f->pool, &e) < 0)
		fail_msg("%s", e.msg);
}

static int call(struct fixture *f, const char *name, const char *events, const char *event, struct err *e)
{
	struct fn_env env = { "EVENTS", events };
	struct fn_spec s = { .name = name, .revision = "1", .arn = "arn", .role = "role", .handler = "h", .code_dir = f->dir,
			     .env = &env, .n_env = 1, .timeout_ms = 20000, .memory_mb = 128 };
	struct fn_result res = { 0 };
	struct arena a;
	int r;

	arena_init(&a, 16 * MIB);
	r = fn_invoke(f->pool, &s, view_str(event), &a, &res, e);
	if (r == 0 && (res.failed || !view_eq_str(res.payload, event)))
		r = err_set(e, ERR_INTERNAL, "%.*s", VIEW_ARG(res.payload));
	arena_clear(&a);
	return r;
}

TEST(a_full_pool_has_room_for_another_function)
{
	struct fixture f;
	struct err e = { 0 };

	begin(&f, 1);
	for (int i = 0; i < 3; i++)
		if (call(&f, i % 2 ? "one" : "other", "1000", "{\"n\":1}", &e) < 0)
			fail_msg("%s", e.msg);
	fn_free(f.pool);
}

TEST(a_child_that_ends_between_two_events_fails_neither)
{
	struct fixture f;
	struct err e = { 0 };

	begin(&f, 4);
	for (int i = 0; i < 6; i++)
		if (call(&f, "one", "1", "{\"n\":2}", &e) < 0)
			fail_msg("%s", e.msg);
	fn_free(f.pool);
}

struct hanging {
	struct fixture f;
	struct err e;
	int r;
};

static void *hang(void *arg)
{
	struct hanging *h = arg;

	h->r = call(&h->f, "one", "1000", "\"hang\"", &h->e);
	return NULL;
}

TEST(stopping_the_pool_cancels_what_runs)
{
	struct hanging h = { .r = 1 };
	struct err e = { 0 };
	pthread_t t;

	begin(&h.f, 1);
	t = thread_start("hang", hang, &h);
	fn_stop(h.f.pool); /* before, while or after the child starts: all the same */
	thread_join(t);
	assert_int_equal(h.r, ERR_CANCELLED);
	assert_int_equal(call(&h.f, "one", "1000", "{}", &e), ERR_CANCELLED);
	fn_free(h.f.pool);
}
