// SPDX-License-Identifier: Apache-2.0
/* Stand-ins for Lambda and Glue, and helpers to run executions to their end. */
#include "fixture.h"

#include <string.h>

#include "os/clock.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WAIT_NS 100000000000LL
#else
#define WAIT_NS 20000000000
#endif

struct invoke_in {
	const char *name;
	struct view payload;
};
static const struct op_field invoke_fields[] = {
	OP_STR(struct invoke_in, name, "FunctionName", true, 1, 256),
	OP_BLOB(struct invoke_in, payload, "Payload", false, 0, 0),
	OP_END
};

static int invoke(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct invoke_in *in = input;
	struct fixture *f = cx->self;
	bool bad;

	lock_take(&f->lock);
	bad = ++f->calls <= f->fail;
	snprintf(f->last, sizeof(f->last), "%.*s", VIEW_ARG(in->payload));
	cond_broadcast(&f->cond);
	while (f->hold)
		cond_wait(&f->cond, &f->lock);
	lock_drop(&f->lock);
	if (view_eq_str(view_str(in->name), "broken")) {
		out_str(o, "FunctionError", "Unhandled");
		out_str(o, "Payload", "{\"errorType\":\"MyError\",\"errorMessage\":\"no\"}");
		return 0;
	}
	if (bad)
		return aws_fail(&cx->err, &AWS_THROTTLING, "slow down");
	if (view_eq_str(view_str(in->name), "big")) {
		char *text = arena_alloc(cx->arena, 120002);

		for (size_t i = 0; i < 120000; i += 3)
			memcpy(text + i, i ? "[]," : "[[]", 3);
		text[3] = ',';
		text[4] = '1';
		text[5] = ',';
		memcpy(text + 120000 - 3, "[]]", 4);
		out_str(o, "Payload", text);
		return 0;
	}
	out_int(o, "StatusCode", 200);
	out_str(o, "Payload", "{\"ok\":true}");
	return 0;
}

struct job_in {
	const char *name, *run;
};
static const struct op_field start_fields[] = { OP_STR(struct job_in, name, "JobName", true, 1, 255), OP_END };
static const struct op_field get_fields[] = {
	OP_STR(struct job_in, name, "JobName", true, 1, 255), OP_STR(struct job_in, run, "RunId", true, 1, 255), OP_END
};

static int start_job(struct op_ctx *cx, const void *input, struct out *o)
{
	out_str(o, "JobRunId", "jr_1");
	return 0;
}

static int get_job(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct job_in *in = input;
	struct fixture *f = cx->self;
	LOCK_SCOPE(&f->lock);

	out_obj(o, "JobRun");
	out_str(o, "Id", in->run);
	out_str(o, "JobName", in->name);
	out_str(o, "JobRunState", ++f->polls < 3 || f->hold ? "RUNNING" :
		view_eq_str(view_str(in->name), "bad") ? "FAILED" : "SUCCEEDED");
	out_obj_end(o);
	cond_broadcast(&f->cond);
	return 0;
}

static const struct op lambda_ops[] = { { .name = "Invoke", .fn = invoke, .in = invoke_fields, .in_size = sizeof(struct invoke_in),
					  .doc = "A stand-in." } };
static const struct service lambda = { .name = "lambda", .protocol = OP_JSON_1_1, .ops = lambda_ops, .n_ops = 1 };
static const struct op glue_ops[] = {
	{ .name = "GetJobRun", .fn = get_job, .in = get_fields, .in_size = sizeof(struct job_in), .doc = "A stand-in." },
	{ .name = "StartJobRun", .fn = start_job, .in = start_fields, .in_size = sizeof(struct job_in), .doc = "A stand-in." },
};
static const struct service glue = { .name = "glue", .protocol = OP_JSON_1_1, .ops = glue_ops, .n_ops = 2 };

void fixture_open(struct fixture *f, const char *dir)
{
	struct err e = { 0 };
	struct states_opts o = { .region = "ap-northeast-2", .account = "000000000000" };

	*f = (struct fixture){ 0 };
	arena_init(&f->a, LIMIT_ARENA);
	lock_init(&f->lock, "fixture");
	cond_init(&f->cond);
	if (meta_open_sqlite(dir, &f->meta, &e) < 0)
		fail_msg("%s", e.msg);
	o.meta = f->meta;
	assert_int_equal(states_new(&o, &f->states, &e), 0);
	f->r = op_registry_new();
	op_registry_context(f->r, "ap-northeast-2", VIEW("http://127.0.0.1"));
	op_registry_add(f->r, &states_service, f->states);
	op_registry_add(f->r, &lambda, f);
	op_registry_add(f->r, &glue, f);
}

void fixture_start(struct fixture *f)
{
	struct err e = { 0 };

	if (states_start(f->states, f->r, &e) < 0)
		fail_msg("%s", e.msg);
}

void release(struct fixture *f)
{
	LOCK_SCOPE(&f->lock);

	f->hold = 0;
	cond_broadcast(&f->cond);
}

void fixture_close(struct fixture *f)
{
	release(f);
	states_stop(f->states);
	f->meta = meta_close(f->meta);
	f->states = states_free(f->states);
	f->r = op_registry_free(f->r);
	arena_clear(&f->a);
	cond_clear(&f->cond);
	lock_clear(&f->lock);
}

const struct json *call_json(struct fixture *f, const char *op, const struct json *in)
{
	struct err e = { 0 };
	const struct op_caller who = { .account = "000000000000", .arn = "arn:aws:iam::000000000000:root" };
	const struct json *ret;

	if (op_call(f->r, "stepfunctions", op, in, &who, &f->a, &ret, &e) < 0)
		return json_new_cstr(&f->a, arena_printf(&f->a, "%s: %s",
							 e.wire ? ((const struct aws_error *)e.wire)->code : "?", e.msg));
	return ret;
}

const char *call(struct fixture *f, const char *op, const char *in)
{
	struct err e = { 0 };
	const struct json *v = json_parse(&f->a, view_str(in), JSON_DEPTH, &e);

	assert_non_null(v);
	v = call_json(f, op, v);
	return json_is(v, JSON_STR) ? arena_str(&f->a, json_str(v)) : json_text(&f->a, v);
}

const char *text(struct fixture *f, const struct json *o, const char *name)
{
	struct view v = json_get_str(o, name);

	return v.p ? arena_str(&f->a, v) : "(none)";
}

const struct json *wait_end(struct fixture *f, const char *arn)
{
	struct json *in = json_new_obj(&f->a);
	int64_t end = clock_mono_ns() + WAIT_NS;
	const struct json *d;

	json_set_str(&f->a, in, "executionArn", arn);
	for (;;) {
		d = call_json(f, "DescribeExecution", in);
		if (!view_eq_str(json_get_str(d, "status"), "RUNNING"))
			return d;
		if (clock_mono_ns() > end)
			fail_msg("%s still runs: %s", arn, history(f, arn));
		LOCK_SCOPE(&f->lock);
		cond_wait_until(&f->cond, &f->lock, clock_mono_ns() + 2000000);
	}
}

const struct json *run(struct fixture *f, const char *name, const char *definition, const char *input)
{
	struct json *in = json_new_obj(&f->a);
	const struct json *m, *x;

	json_set_str(&f->a, in, "name", name);
	json_set_str(&f->a, in, "definition", definition);
	json_set_str(&f->a, in, "roleArn", "arn:aws:iam::000000000000:role/r");
	m = call_json(f, "CreateStateMachine", in);
	if (json_is(m, JSON_STR))
		return m;
	in = json_new_obj(&f->a);
	json_set(&f->a, in, "stateMachineArn", json_get(m, "stateMachineArn"));
	json_set_str(&f->a, in, "input", input);
	x = call_json(f, "StartExecution", in);
	return json_is(x, JSON_STR) ? x : wait_end(f, text(f, x, "executionArn"));
}

const char *history(struct fixture *f, const char *arn)
{
	struct json *in = json_new_obj(&f->a);
	const struct json *h;
	const char *s = "";

	json_set_str(&f->a, in, "executionArn", arn);
	json_set_int(&f->a, in, "maxResults", 1000);
	h = json_get(call_json(f, "GetExecutionHistory", in), "events");
	for (size_t i = 0; i < json_len(h); i++) {
		const struct json *e = json_at(h, i);

		assert_int_equal(json_int(json_get(e, "id"), 0), i + 1);
		s = arena_printf(&f->a, "%s%s%s<%lld", s, i ? " " : "", text(f, e, "type"),
				 (long long)json_int(json_get(e, "previousEventId"), -1));
	}
	return s;
}

bool wait_calls(struct fixture *f, int n)
{
	int64_t end = clock_mono_ns() + WAIT_NS;
	LOCK_SCOPE(&f->lock);

	while (f->calls + f->polls < n)
		if (!cond_wait_until(&f->cond, &f->lock, end))
			return false;
	return true;
}

void wait_event(struct fixture *f, const char *arn, const char *type)
{
	int64_t end = clock_mono_ns() + WAIT_NS;

	while (!strstr(history(f, arn), type)) {
		if (clock_mono_ns() > end)
			fail_msg("no %s: %s", type, history(f, arn));
		LOCK_SCOPE(&f->lock);
		cond_wait_until(&f->cond, &f->lock, clock_mono_ns() + 2000000);
	}
}
