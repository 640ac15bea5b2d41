/* SPDX-License-Identifier: Apache-2.0 */
/* Sets S3 up on real stores, and calls it. */
#include "fixture.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/clock.h"

#define FIRST_MS 1700000000000

static int64_t the_time = FIRST_MS;

static int64_t now_ms(void)
{
	return the_time;
}

void fixture_tick(int64_t ms)
{
	the_time += ms;
}

static int emit(void *self, struct meta_tx *tx, const struct event *ev, struct err *e)
{
	struct fixture *f = self;

	assert_true(f->n_events < EVENTS_MAX);
	if (ev->arn) {
		assert_true(view_starts(view_str(ev->source), VIEW("aws.s3/")));
		f->events[f->n_events++] = arena_printf(&f->a, "%s %s %s %s", ev->arn, ev->detail_type,
							ev->lane ? ev->lane : "-", ev->detail);
		return 0;
	}
	assert_string_equal(ev->source, "aws.s3");
	f->events[f->n_events++] = arena_printf(&f->a, "%s %s %s", ev->detail_type, ev->resources,
						ev->detail);
	return 0;
}

/* Queues and functions with "absent" in their names are not there. */
static int target(void *self, const char *arn, struct arena *a, struct err *e)
{
	(void)self;
	(void)a;
	return strstr(arn, "absent") ? err_set(e, ERR_NOENT, "it is not there") : 0;
}

static void open_all(struct fixture *f)
{
	struct s3_opts o = { .region = "ap-northeast-2",
			     .account = "123456789012",
			     .now_ms = now_ms };

	err_clear(&f->e);
	assert_int_equal(meta_open_sqlite(arena_printf(&f->a, "%s/meta", f->dir), &f->meta, &f->e),
			 0);
	assert_int_equal(blob_open_files(arena_printf(&f->a, "%s/blob", f->dir), &f->blob, &f->e),
			 0);
	o.meta = f->meta;
	o.blob = f->blob;
	o.events.self = f;
	o.events.emit_tx = emit;
	o.events.target = target;
	o.master_key = arena_printf(&f->a, "%s/master.key", f->dir);
	o.master_key_made = true;
	f->s3 = s3_new(&o);
	if (s3_start(f->s3, &f->e) < 0)
		fail_msg("s3_start: %s", f->e.msg);
	f->port = s3_port(f->s3);
	f->ops = op_registry_new();
	op_registry_add(f->ops, &s3_service, f->s3);
	op_registry_context(f->ops, "ap-northeast-2", VIEW("http://127.0.0.1:4566"));
}

static void close_all(struct fixture *f)
{
	f->ops = op_registry_free(f->ops);
	f->s3 = s3_free(f->s3);
	f->blob = blob_close(f->blob);
	f->meta = meta_close(f->meta);
}

struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	the_time = FIRST_MS;
	(void)snprintf(f->dir, sizeof(f->dir), "%s", unit_tmpdir());
	arena_init(&f->a, LIMIT_ARENA);
	open_all(f);
	return f;
}

void fixture_restart(struct fixture *f)
{
	close_all(f);
	open_all(f);
}

void fixture_crash(struct fixture *f, void (*fn)(struct fixture *f, void *arg), void *arg)
{
	int status;
	pid_t pid;

	close_all(f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		open_all(f);
		fn(f, arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	open_all(f);
}

void fixture_free(struct fixture *f)
{
	close_all(f);
	arena_clear(&f->a);
	free(f);
}

struct json *input(struct fixture *f, const char *in)
{
	char *s = arena_str(&f->a, view_str(in));
	struct err e = { 0 };
	const struct json *v;

	for (char *p = s; *p; p++)
		if (*p == '\'')
			*p = '"';
	v = json_parse(&f->a, view_str(s), JSON_DEPTH, &e);
	if (!v)
		fail_msg("%s: %s", in, e.msg);
	return json_copy(&f->a, v);
}

const struct json *call_json(struct fixture *f, const char *op, const struct json *in)
{
	static const struct op_caller caller = { "123456789012", "AKIDEXAMPLE",
						 "arn:aws:iam::123456789012:root", "192.0.2.7" };
	const struct json *ret = NULL;

	err_clear(&f->e);
	if (op_call(f->ops, "s3", op, in, &caller, &f->a, &ret, &f->e) < 0)
		return NULL;
	return ret;
}

const struct json *call(struct fixture *f, const char *op, const char *in)
{
	return call_json(f, op, input(f, in));
}

const struct json *ok(struct fixture *f, const char *op, const char *in)
{
	const struct json *v = call(f, op, in);

	if (!v)
		fail_msg("%s %s: %s", op, in, f->e.msg);
	return v;
}

void fails(struct fixture *f, const char *op, const char *in, const char *code)
{
	const struct aws_error *w;

	if (call(f, op, in))
		fail_msg("%s %s went well, %s was expected", op, in, code);
	w = f->e.wire;
	if (!w || strcmp(w->code, code) != 0)
		fail_msg("%s %s: %s (%s), %s was expected", op, in, w ? w->code : "no wire error",
			 f->e.msg, code);
}

const char *text(struct fixture *f, const struct json *o, const char *member)
{
	struct view v = json_get_str(o, member);

	return v.p ? arena_str(&f->a, v) : "";
}

const char *ref_of(struct fixture *f, const char *bucket, const char *key)
{
	struct s3_object o;
	struct err e = { 0 };

	if (f->port.head(f->s3, bucket, key, &f->a, &o, &e) < 0)
		fail_msg("head %s/%s: %s", bucket, key, e.msg);
	return o.refs[0];
}

bool blob_there(struct fixture *f, const char *ref)
{
	struct blob_reader *r = NULL;
	struct err e = { 0 };

	if (blob_reader_open(f->blob, ref, &r, &e) < 0)
		return false;
	blob_reader_close(r);
	return true;
}

bool blob_gone(struct fixture *f, const char *ref)
{
	int64_t deadline = clock_mono_ns() + 10LL * 1000000000;
	bool there;

	while ((there = blob_there(f, ref)) && clock_mono_ns() < deadline)
		sched_yield();
	return !there;
}

struct view bytes_of(struct fixture *f, size_t n, unsigned seed)
{
	char *s = arena_alloc(&f->a, n + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = (char)('a' + (i * 7 + i / 97 + seed) % 26);
	return view_of(s, n);
}

const struct json *put(struct fixture *f, const char *bucket, const char *key, struct view body)
{
	struct json *in = json_new_obj(&f->a);

	json_set_str(&f->a, in, "Bucket", bucket);
	json_set_str(&f->a, in, "Key", key);
	json_set(&f->a, in, "Body", json_new_str(&f->a, body));
	if (!call_json(f, "PutObject", in))
		fail_msg("PutObject %s/%s: %s", bucket, key, f->e.msg);
	return call_json(f, "HeadObject",
			 input(f, arena_printf(&f->a, "{'Bucket':'%s','Key':'%s'}", bucket, key)));
}
