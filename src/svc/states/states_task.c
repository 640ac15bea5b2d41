// SPDX-License-Identifier: Apache-2.0
/* Calls of Task states: parameters as the integration wants them, results and errors as the service words them. */
#include <string.h>

#include "svc/states/states_int.h"

static int call(const struct task *t, const char *op, const struct json *in, struct arena *a, const struct json **ret,
		struct err *e)
{
	const struct op_caller caller = { .account = t->account, .access_key = "", .arn = t->role,
					  .source_ip = "states.amazonaws.com", .once = t->once };

	return op_call(t->registry, t->resource->service, op, in, &caller, a, ret, e);
}

/* "Glue.EntityNotFoundException", and "message (Service: Glue, Status Code: 400)". */
static void failed(const struct task *t, struct arena *a, const struct err *e, struct task_result *ret)
{
	const struct aws_error *w = e->wire;
	const char *code = w ? w->code : "InternalServerException";
	bool suffix = t->resource->sdk && !view_ends(view_str(code), VIEW("Exception"));

	ret->ok = false;
	ret->error = arena_printf(a, "%s.%s%s", t->resource->prefix, code, suffix ? "Exception" : "");
	ret->cause = arena_printf(a, "%s (Service: %s, Status Code: %d)", e->msg, t->resource->prefix, w ? w->status : 500);
}

static void fail(struct task_result *ret, const char *error, const char *cause)
{
	*ret = (struct task_result){ .error = error, .cause = cause };
}

/* --- lambda --- */
static const struct json *payload_value(struct arena *a, const struct json *p)
{
	struct err e = { 0 };
	const struct json *v;

	if (!json_is(p, JSON_STR))
		return p ? p : &json_null;
	v = json_parse(a, json_str(p), ASL_DEPTH, &e);
	return v ? v : p;
}

static void lambda_error(struct arena *a, const struct json *payload, struct task_result *ret)
{
	struct view type = json_get_str(payload, "errorType");

	fail(ret, type.p ? arena_str(a, type) : "Lambda.Unknown", json_text(a, payload));
}

static void lambda_done(const struct task *t, struct arena *a, const struct json *out, struct task_result *ret)
{
	const struct json *payload = payload_value(a, json_get(out, "Payload"));
	struct json *o;

	if (json_get(out, "FunctionError")) {
		lambda_error(a, payload, ret);
		return;
	}
	ret->ok = true;
	ret->output = payload;
	if (t->resource->function)
		return;
	o = json_copy(a, out);
	json_set(a, o, "Payload", payload);
	ret->output = o;
}

static const struct json *lambda_input(const struct task *t, struct arena *a, const struct json *in)
{
	struct json *o;

	if (!t->resource->function)
		return in;
	o = json_new_obj(a);
	json_set_str(a, o, "FunctionName", t->resource->function);
	json_set_str(a, o, "Payload", json_text(a, in));
	return o;
}

/* --- events: a Detail may be an object; the execution is added to the resources --- */
static const struct json *event_entry(const struct task *t, struct arena *a, const struct json *entry)
{
	struct json *o, *list;
	const struct json *detail = json_get(entry, "Detail"), *old = json_get(entry, "Resources");

	if (!json_is(entry, JSON_OBJ))
		return entry;
	o = json_copy(a, entry);
	if (detail && !json_is(detail, JSON_STR))
		json_set_str(a, o, "Detail", json_text(a, detail));
	list = json_is(old, JSON_ARR) ? json_copy(a, old) : json_new_arr(a);
	json_push(a, list, json_new_cstr(a, t->execution_arn));
	json_push(a, list, json_new_cstr(a, t->machine_arn));
	json_set(a, o, "Resources", list);
	return o;
}

static const struct json *events_input(const struct task *t, struct arena *a, const struct json *in)
{
	const struct json *entries = json_get(in, "Entries");
	struct json *o, *list = json_new_arr(a);

	if (!json_is(entries, JSON_ARR))
		return in;
	for (size_t i = 0; i < json_len(entries); i++)
		json_push(a, list, event_entry(t, a, json_at(entries, i)));
	o = json_copy(a, in);
	json_set(a, o, "Entries", list);
	return o;
}

static const struct json *input_for(const struct task *t, struct arena *a, const struct json *in)
{
	if (t->resource->sdk)
		return in;
	if (view_eq_str(view_str(t->resource->service), "lambda"))
		return lambda_input(t, a, in);
	if (view_eq_str(view_str(t->resource->service), "events"))
		return events_input(t, a, in);
	return in;
}

/* --- what came back --- */
static void sync_begun(const struct task *t, struct arena *a, const struct json *in, const struct json *out,
		       struct task_result *ret)
{
	struct json *h = json_new_obj(a);
	bool glue = view_eq_str(view_str(t->resource->service), "glue");

	if (glue)
		json_set(a, h, "JobName", json_get(in, "JobName") ? json_get(in, "JobName") : &json_null);
	json_set(a, h, glue ? "RunId" : "QueryExecutionId",
		 json_get(out, glue ? "JobRunId" : "QueryExecutionId") ? json_get(out, glue ? "JobRunId" : "QueryExecutionId") :
									 &json_null);
	ret->ok = true;
	ret->output = out;
	ret->handle = h;
}

void task_call(const struct task *t, const struct json *input, struct arena *a, struct task_result *ret)
{
	const struct json *in = input_for(t, a, input), *out = NULL;
	struct err e = { 0 };

	*ret = (struct task_result){ 0 };
	if (call(t, t->resource->op, in, a, &out, &e) < 0) {
		failed(t, a, &e, ret);
		return;
	}
	if (t->resource->sync) {
		sync_begun(t, a, in, out, ret);
	} else if (t->resource->sdk) {
		*ret = (struct task_result){ .ok = true, .output = out };
	} else if (view_eq_str(view_str(t->resource->service), "lambda")) {
		lambda_done(t, a, out, ret);
	} else if (json_int(json_get(out, "FailedEntryCount"), 0) > 0) {
		fail(ret, "EventBridge.FailedEntry", json_text(a, out));
	} else {
		*ret = (struct task_result){ .ok = true, .output = out };
	}
}

/* --- .sync --- */
static bool one_of(struct view v, const char *const *list)
{
	for (; *list; list++)
		if (view_eq_str(v, *list))
			return true;
	return false;
}

void task_poll(const struct task *t, const struct json *handle, struct arena *a, struct task_result *ret)
{
	static const char *const good[] = { "SUCCEEDED", NULL };
	static const char *const bad[] = { "FAILED", "CANCELLED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED", NULL };
	bool glue = view_eq_str(view_str(t->resource->service), "glue");
	const struct json *out = NULL, *it;
	struct err e = { 0 };
	struct view state;

	*ret = (struct task_result){ 0 };
	if (call(t, glue ? "GetJobRun" : "GetQueryExecution", handle, a, &out, &e) < 0) {
		failed(t, a, &e, ret);
		return;
	}
	it = json_get(out, glue ? "JobRun" : "QueryExecution");
	state = json_get_str(glue ? it : json_get(it, "Status"), glue ? "JobRunState" : "State");
	if (one_of(state, good))
		*ret = (struct task_result){ .ok = true, .output = glue ? it : out };
	else if (one_of(state, bad))
		fail(ret, "States.TaskFailed", json_text(a, it));
	else
		*ret = (struct task_result){ .ok = true, .pending = true };
}
