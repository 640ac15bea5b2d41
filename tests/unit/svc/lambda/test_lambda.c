/* SPDX-License-Identifier: Apache-2.0 */
/* Lambda through its operations; the child processes are played. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "os/zip.h"
#include "svc/lambda/lambda.h"
#include "unit.h"

struct fn_pool { /* what the played children saw */
	struct lock lock;
	struct cond changed;
	int calls, busy; /* so many of the next calls find no child free */
	char event[256], retired[64];
	bool had_code;
};

int fn_invoke(struct fn_pool *p, const struct fn_spec *f, struct view event, struct arena *a, struct fn_result *ret, struct err *e)
{
	LOCK_SCOPE(&p->lock);
	if (p->busy > 0) {
		p->busy--;
		return err_set(e, ERR_BUSY, "no child is free");
	}
	p->calls++;
	snprintf(p->event, sizeof(p->event), "%.*s", VIEW_ARG(event));
	p->had_code = file_exists(arena_printf(a, "%s/bootstrap", f->code_dir));
	*ret = (struct fn_result){ .payload = VIEW("{\"statusCode\":201,\"headers\":{\"x-a\":\"1\",\"Content-Length\":\"9\"},\"body\":\"b\"}"),
				   .request_id = "r", .log_stream = "s", .log_tail = VIEW("printed") };
	if (view_eq(event, VIEW("{\"fail\":1}")))
		*ret = (struct fn_result){ .payload = VIEW("{\"errorType\":\"E\"}"), .failed = true, .request_id = "r", .log_stream = "s" };
	cond_broadcast(&p->changed);
	return 0;
}

void fn_retire(struct fn_pool *p, const char *name, const char *revision)
{
	LOCK_SCOPE(&p->lock);
	snprintf(p->retired, sizeof(p->retired), "%s%s", name, revision ? "" : " gone");
}

struct fixture {
	struct arena a;
	struct meta *meta;
	struct blob_store *blob;
	struct lambda *lambda;
	struct op_registry *ops;
	struct fn_pool fn;
	const char *dir;
	struct view zip;
};

static void start(struct fixture *f)
{
	struct lambda_opts o = { .meta = f->meta, .blob = f->blob, .fn = &f->fn, .region = "ap-northeast-2", .account = "123456789012" };
	struct err e = { 0 };

	o.code_dir = arena_printf(&f->a, "%s/code", f->dir);
	assert_int_equal(lambda_new(&o, &f->lambda, &e), 0);
	assert_int_equal(lambda_start(f->lambda, &e), 0);
	f->ops = op_registry_new();
	op_registry_add(f->ops, &lambda_service, f->lambda);
	op_registry_context(f->ops, "ap-northeast-2", VIEW("http://127.0.0.1:1"));
}

static void stop(struct fixture *f)
{
	f->lambda = lambda_free(f->lambda);
	f->ops = op_registry_free(f->ops);
}

static struct fixture *fixture_new(void)
{
	static const struct zip_entry code = { .name = "bootstrap", .data = { "#!/bin/sh\n", 10 }, .mode = 0755 };
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };
	struct buf b;

	assert_non_null(f);
	arena_init(&f->a, LIMIT_ARENA);
	lock_init(&f->fn.lock, "played");
	cond_init(&f->fn.changed);
	f->dir = unit_tmpdir();
	buf_init(&b, MIB);
	assert_int_equal(zip_pack(&code, 1, &b, &e), 0);
	f->zip = arena_view(&f->a, buf_view(&b));
	buf_clear(&b);
	assert_int_equal(meta_open_sqlite(arena_printf(&f->a, "%s/meta", f->dir), &f->meta, &e), 0);
	assert_int_equal(blob_open_files(arena_printf(&f->a, "%s/blob", f->dir), &f->blob, &e), 0);
	start(f);
	return f;
}

static void fixture_free(struct fixture *f)
{
	stop(f);
	f->blob = blob_close(f->blob);
	f->meta = meta_close(f->meta);
	cond_clear(&f->fn.changed);
	lock_clear(&f->fn.lock);
	arena_clear(&f->a);
	free(f);
}

/* Inside the program blobs travel as they are: the archive is put in for whatever "Code" says. */
static const char *call(struct fixture *f, const char *op, const char *in)
{
	static const struct op_caller who = { "123456789012", "AKIDEXAMPLE", "arn:aws:iam::123456789012:root", "192.0.2.7" };
	struct err e = { 0 };
	const struct json *v = json_parse(&f->a, view_str(in), JSON_DEPTH, &e), *ret;

	assert_non_null(v);
	if (json_get(v, "Code")) {
		struct json *with = json_new_obj(&f->a), *code = json_new_obj(&f->a);

		for (size_t i = 0; i < json_len(v); i++)
			json_set_view(&f->a, with, v->obj.v[i].name, v->obj.v[i].value);
		json_set(&f->a, code, "ZipFile", json_new_str(&f->a, f->zip));
		json_set(&f->a, with, "Code", code);
		v = with;
	}
	if (op_call(f->ops, "lambda", op, v, &who, &f->a, &ret, &e) < 0)
		return arena_printf(&f->a, "%s: %s", e.wire ? ((const struct aws_error *)e.wire)->code : "?", e.msg);
	return json_text(&f->a, ret);
}

static void is(const char *got, const char *part)
{
	if (!strstr(got, part))
		fail_msg("\"%s\" is not in %s", part, got);
}

/* @more: further members, with a comma in front. */
static const char *create(struct fixture *f, const char *name, const char *more)
{
	return call(f, "CreateFunction",
		    arena_printf(&f->a,
				 "{\"FunctionName\":\"%s\",\"Role\":\"arn:aws:iam::123456789012:role/r\",\"Handler\":\"h\",\"Code\":{}%s}",
				 name, more));
}
#define RUNTIME ",\"Runtime\":\"provided.al2023\""

TEST(lambda_functions)
{
	struct fixture *f = fixture_new();

	is(create(f, "f", RUNTIME ",\"Timeout\":7"), "\"Timeout\":7");
	is(create(f, "f", RUNTIME), "ResourceConflictException: ");
	is(call(f, "GetFunctionConfiguration", "{\"FunctionName\":\"f\"}"), "arn:aws:lambda:ap-northeast-2:123456789012:function:f");
	is(call(f, "GetFunction", "{\"FunctionName\":\"arn:aws:lambda:ap-northeast-2:123456789012:function:f\"}"), "\"Timeout\":7");
	is(call(f, "UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"Timeout\":9}"), "\"Timeout\":9");
	assert_string_equal(f->fn.retired, "f");
	stop(f);
	start(f);
	is(call(f, "ListFunctions", "{}"), "\"Timeout\":9");
	is(call(f, "DeleteFunction", "{\"FunctionName\":\"f\"}"), "{");
	assert_string_equal(f->fn.retired, "f gone");
	is(call(f, "GetFunction", "{\"FunctionName\":\"f\"}"), "ResourceNotFoundException: ");
	fixture_free(f);
}

TEST(lambda_what_is_refused)
{
	struct fixture *f = fixture_new();

	is(create(f, "g", ""), "InvalidParameterValueException: Runtime is mandatory");
	is(create(f, "g", ",\"Runtime\":\"python3.12\""), "InvalidParameterValueException: ");
	is(create(f, "g", RUNTIME ",\"VpcConfig\":{\"SubnetIds\":[\"s\"]}"), "InvalidParameterValueException: ");
	is(create(f, "g", RUNTIME ",\"Coffee\":1"), "InvalidParameterValueException: ");
	is(call(f, "ListFunctions", "{}"), "\"Functions\":[]");
	fixture_free(f);
}

TEST(lambda_invoke)
{
	struct fixture *f = fixture_new();

	create(f, "f", RUNTIME);
	is(call(f, "Invoke", "{\"FunctionName\":\"f\",\"Payload\":\"{\\\"a\\\":1}\"}"), "statusCode");
	assert_string_equal(f->fn.event, "{\"a\":1}");
	assert_true(f->fn.had_code);
	is(call(f, "Invoke", "{\"FunctionName\":\"f\",\"Payload\":\"{\\\"fail\\\":1}\"}"), "Unhandled");
	is(call(f, "Invoke", "{\"FunctionName\":\"f\",\"Payload\":\"{\"}"), "InvalidRequestContentException: ");
	is(call(f, "Invoke", "{\"FunctionName\":\"none\"}"), "ResourceNotFoundException: ");
	assert_int_equal(f->fn.calls, 2);
	fixture_free(f);
}

TEST(lambda_asynchronous_event_is_run_after_a_restart)
{
	struct fixture *f = fixture_new();
	int64_t end = clock_mono_ns() + 30LL * 1000000000;

	create(f, "f", RUNTIME);
	f->fn.busy = 1000000; /* nothing runs before the restart */
	is(call(f, "Invoke", "{\"FunctionName\":\"f\",\"InvocationType\":\"Event\",\"Payload\":\"{\\\"n\\\":1}\"}"), "{");
	stop(f);
	assert_int_equal(f->fn.calls, 0);
	f->fn.busy = 0;
	start(f);
	lock_take(&f->fn.lock);
	while (!f->fn.calls && cond_wait_until(&f->fn.changed, &f->fn.lock, end))
		;
	assert_int_equal(f->fn.calls, 1);
	assert_string_equal(f->fn.event, "{\"n\":1}");
	lock_drop(&f->fn.lock);
	fixture_free(f);
}

TEST(lambda_url)
{
	struct fixture *f = fixture_new();
	const struct lambda_url_request q = { .method = "POST", .raw_path = "/p", .raw_query = "a=1&a=2", .source_ip = "192.0.2.1",
					      .domain = "d", .caller_arn = "arn", .body = VIEW("\xff\xfe") };
	struct lambda_url_answer ans;
	struct err e = { 0 };
	const char *made, *auth;
	char id[64] = "";

	create(f, "f", RUNTIME);
	made = strstr(call(f, "CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"AWS_IAM\"}"), "/-/url/");
	assert_non_null(made);
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(made + 7, "/"), made + 7);
	assert_int_equal(lambda_url_auth(f->lambda, id, &f->a, &auth, &e), 0);
	assert_string_equal(auth, "AWS_IAM");
	assert_int_equal(lambda_url_call(f->lambda, id, &q, &f->a, &ans, &e), 0);
	assert_int_equal(ans.status, 201);
	assert_true(view_eq(ans.body, VIEW("b")));
	assert_int_equal(ans.n_headers, 1); /* the length is the server's to say */
	assert_string_equal(ans.headers[0].key, "x-a");
	is(f->fn.event, "\"version\":\"2.0\"");
	assert_int_equal(lambda_url_auth(f->lambda, "none", &f->a, &auth, &e), ERR_NOENT);
	fixture_free(f);
}
