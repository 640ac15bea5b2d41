// SPDX-License-Identifier: Apache-2.0
/* How an execution moves: entering and leaving states, results, retries, catches, the end. */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "os/crypto.h"
#include "svc/states/exec.h"

static const char *const status_names[] = { "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED" };

const char *exec_status_name(enum exec_status s)
{
	return status_names[s];
}

void step_init(struct step *s, struct exec *x, int64_t now)
{
	*s = (struct step){ .x = x, .now = now };
}

/* --- collecting --- */
#define GROW(s, v, n, cap, type) \
	do { \
		if ((s)->n == (s)->cap) { \
			size_t more_ = (s)->cap ? (s)->cap * 2 : 16; \
			type *new_ = ARENA_ARRAY(&(s)->x->arena, type, more_); \
			if ((s)->n) \
				memcpy(new_, (s)->v, (s)->n * sizeof(type)); \
			(s)->v = new_; \
			(s)->cap = more_; \
		} \
	} while (0)

int64_t exec__emit(struct step *s, int64_t prev, const char *type, const struct json *details)
{
	GROW(s, events, n_events, cap_events, struct exec_event);
	s->events[s->n_events++] = (struct exec_event){
		.n = ++s->x->last, .prev = prev, .type = type, .details = details ? json_text(&s->x->arena, details) : NULL,
	};
	s->changed = true;
	return s->x->last;
}

typedef struct thread *thread_ptr;

void exec__ready(struct step *s, struct thread *t)
{
	GROW(s, ready, n_ready, cap_ready, thread_ptr);
	s->ready[s->n_ready++] = t;
	s->changed = true;
}

void exec__act(struct step *s, const struct exec_action *a)
{
	GROW(s, actions, n_actions, cap_actions, struct exec_action);
	s->actions[s->n_actions++] = *a;
}

static void timer(struct step *s, struct thread *t, int64_t due_ms)
{
	t->due_ms = due_ms;
	exec__act(s, &(struct exec_action){ .kind = ACT_TIMER, .token = t->token, .due_ms = due_ms });
}

/* --- events' details --- */
static void put_data(struct arena *a, struct json *o, const char *name, const struct json *v)
{
	struct json *d = json_new_obj(a);

	json_set_str(a, o, name, json_text(a, v));
	json_set(a, d, "truncated", json_new_bool(false));
	json_set(a, o, arena_printf(a, "%sDetails", name), d);
}

const char *exec__state_event(struct exec *x, const struct thread *t, const char *what)
{
	return arena_printf(&x->arena, "%sState%s", asl_type_name(t->st->type), what);
}

static const struct json *resource_details(struct step *s, const struct thread *t)
{
	struct arena *a = &s->x->arena;
	struct json *o = json_new_obj(a);

	if (t->st->resource.function)
		return o;
	json_set_str(a, o, "resourceType", t->st->resource.type);
	json_set_str(a, o, "resource", t->st->resource.name);
	return o;
}

static int64_t task_event(struct step *s, struct thread *t, const char *what, struct json *details)
{
	const char *type = arena_printf(&s->x->arena, "%s%s", t->st->resource.function ? "LambdaFunction" : "Task", what);

	return t->prev = exec__emit(s, t->prev, type, json_len(details) ? details : NULL);
}

/* --- the context object --- */
static const struct json *time_text(struct arena *a, int64_t ms)
{
	char t[TIME_TEXT];

	return json_new_cstr(a, time_iso(ms, t));
}

static const struct json *map_item(struct arena *a, const struct thread *t)
{
	struct json *item, *map;

	for (; t; t = t->parent)
		if (t->parent && t->parent->items)
			break;
	if (!t)
		return NULL;
	item = json_new_obj(a);
	json_set_int(a, item, "Index", (int64_t)t->index);
	json_set(a, item, "Value", json_at(t->parent->items, t->index));
	map = json_new_obj(a);
	json_set(a, map, "Item", item);
	return map;
}

static const struct json *context(struct step *s, const struct thread *t)
{
	struct exec *x = s->x;
	struct arena *a = &x->arena;
	struct json *c = json_new_obj(a), *e = json_new_obj(a), *m = json_new_obj(a), *st = json_new_obj(a);
	struct err err = { 0 };
	const struct json *input = json_parse(a, view_str(x->input), ASL_DEPTH, &err), *map = map_item(a, t);

	json_set_str(a, e, "Id", x->arn);
	json_set(a, e, "Input", input ? input : &json_null);
	json_set(a, e, "StartTime", time_text(a, x->started_ms));
	json_set_str(a, e, "Name", x->name);
	json_set_str(a, e, "RoleArn", x->role);
	json_set_int(a, e, "RedriveCount", 0);
	json_set_str(a, m, "Id", x->machine_arn);
	json_set_str(a, m, "Name", x->machine_name);
	json_set(a, st, "Name", json_new_str(a, t->st->name));
	json_set(a, st, "EnteredTime", time_text(a, t->entered_ms));
	if (t->st->type == ASL_TASK)
		json_set_int(a, st, "RetryCount", t->attempt);
	json_set(a, c, "Execution", e);
	json_set(a, c, "StateMachine", m);
	json_set(a, c, "State", st);
	if (map)
		json_set(a, c, "Map", map);
	return c;
}

void exec__env(struct step *s, struct thread *t, const struct json *input, struct asl_env *v)
{
	*v = (struct asl_env){ .a = &s->x->arena, .input = input, .context = context(s, t) };
}

/* --- the end --- */
static void over(struct step *s, enum exec_status status, const char *type, const struct json *details, int64_t prev)
{
	exec__emit(s, prev == 1 ? 0 : prev, type, details);
	s->x->status = status;
	s->x->root->phase = PH_OVER;
	s->n_ready = 0;
	s->n_actions = 0;
}

static struct json *error_details(struct step *s, const char *error, const char *cause)
{
	struct arena *a = &s->x->arena;
	struct json *o = json_new_obj(a);

	s->x->error = error;
	s->x->cause = cause;
	json_set_str(a, o, "error", error);
	json_set_str(a, o, "cause", cause);
	return o;
}

static void succeed(struct step *s, const struct json *output, int64_t prev)
{
	struct json *o = json_new_obj(&s->x->arena);

	put_data(&s->x->arena, o, "output", output);
	s->x->output = json_text(&s->x->arena, output);
	over(s, EXEC_SUCCEEDED, "ExecutionSucceeded", o, prev);
}

/* --- errors: retry, catch, or up --- */
static bool listed(const struct json *handler, const char *error)
{
	const struct json *list = json_get(handler, "ErrorEquals");
	struct view name = view_str(error);
	bool fatal = view_eq_str(name, "States.Runtime") || view_eq_str(name, "States.DataLimitExceeded");

	for (size_t i = 0; i < json_len(list); i++) {
		struct view x = json_str(json_at(list, i));

		if (view_eq_str(x, "States.ALL") && !fatal)
			return true;
		if (view_eq_str(x, "States.TaskFailed") && !fatal && !view_eq_str(name, "States.Timeout"))
			return true;
		if (view_eq(x, name) && !view_eq_str(name, "States.Runtime"))
			return true;
	}
	return false;
}

static int64_t retry_delay_ms(const struct json *r, int64_t tries)
{
	double s = (double)json_int(json_get(r, "IntervalSeconds"), 1);
	double max = json_double(json_get(r, "MaxDelaySeconds"), 31622400.0);
	uint32_t dice;

	s *= pow(json_double(json_get(r, "BackoffRate"), 2.0), (double)tries);
	if (!(s < max))
		s = max;
	if (view_eq_str(json_get_str(r, "JitterStrategy"), "FULL")) {
		random_bytes(&dice, sizeof(dice));
		s *= (double)dice / 4294967296.0;
	}
	return (int64_t)(s * 1000.0);
}

static bool retry(struct step *s, struct thread *t, const char *error)
{
	const struct json *list = json_get(t->st->def, "Retry");

	for (size_t i = 0; i < json_len(list) && i < ARRAY_LEN(t->tries); i++) {
		const struct json *r = json_at(list, i);

		if (!listed(r, error))
			continue;
		if (t->tries[i] >= json_int(json_get(r, "MaxAttempts"), 3))
			return false;
		t->phase = PH_RETRY;
		t->token = ++s->x->seq;
		timer(s, t, s->now + retry_delay_ms(r, t->tries[i]++));
		t->attempt++;
		s->changed = true;
		return true;
	}
	return false;
}

static bool catch(struct step *s, struct thread *t, const char *error, const char *cause)
{
	const struct json *list = json_get(t->st->def, "Catch"), *out;
	struct arena *a = &s->x->arena;
	struct json *o;
	struct asl_env v;

	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *c = json_at(list, i);

		if (!listed(c, error))
			continue;
		o = json_new_obj(a);
		json_set_str(a, o, "Error", error);
		json_set_str(a, o, "Cause", cause);
		exec__env(s, t, t->raw, &v);
		out = asl_result(&v, c, t->raw, o);
		if (!out)
			return false;
		o = json_new_obj(a);
		json_set(a, o, "name", json_new_str(a, t->st->name));
		put_data(a, o, "output", out);
		t->prev = exec__emit(s, t->prev, exec__state_event(s->x, t, "Exited"), o);
		t->st = asl_find(t->scope, json_get_str(c, "Next"));
		t->raw = out;
		t->phase = PH_ENTER;
		exec__ready(s, t);
		return true;
	}
	return false;
}

void exec__fail(struct step *s, struct thread *t, const char *error, const char *cause)
{
	bool joined = t->phase == PH_JOIN && t->kids;

	for (size_t i = 0; joined && i < t->n; i++)
		if (t->kids[i])
			exec__abort(s, t->kids[i]);
	t->kids = NULL;
	t->items = NULL;
	if (retry(s, t, error))
		return;
	if (joined)
		t->prev = exec__emit(s, t->prev, exec__state_event(s->x, t, "Failed"), NULL);
	if (catch(s, t, error, cause))
		return;
	t->phase = PH_OVER;
	if (t->parent)
		exec__kid_failed(s, t, error, cause);
	else
		over(s, EXEC_FAILED, "ExecutionFailed", error_details(s, error, cause), t->prev);
}

void exec__fail_env(struct step *s, struct thread *t, const struct asl_env *v)
{
	const char *cause = v->fail.cause;

	if (!v->fail.whole)
		cause = arena_printf(&s->x->arena,
				     "An error occurred while executing the state '%.*s' (entered at the event id #%lld). %s",
				     VIEW_ARG(t->st->name), (long long)t->entered, cause);
	exec__fail(s, t, v->fail.error, cause);
}

static void fail_runtime(struct step *s, struct thread *t, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void fail_runtime(struct step *s, struct thread *t, const char *fmt, ...)
{
	struct asl_env v = { .fail = { .error = "States.Runtime" } };
	va_list ap;

	va_start(ap, fmt);
	v.fail.cause = arena_vprintf(&s->x->arena, fmt, ap);
	va_end(ap);
	exec__fail_env(s, t, &v);
}

bool exec__fits(struct step *s, struct thread *t, const struct json *v)
{
	if (json_text_size(v, EXEC_DATA_MAX) < EXEC_DATA_MAX)
		return true;
	exec__fail(s, t, "States.DataLimitExceeded",
		   arena_printf(&s->x->arena, "The state/task '%.*s' returned a result with a size exceeding the maximum number of "
				"bytes service limit.", VIEW_ARG(t->st->name)));
	return false;
}

void exec__over_size(struct step *s)
{
	exec__abort(s, s->x->root);
	over(s, EXEC_FAILED, "ExecutionFailed",
	     error_details(s, "States.DataLimitExceeded",
			   arena_printf(&s->x->arena, "The execution holds more than %d bytes.", EXEC_SNAPSHOT_MAX)), s->x->root->prev);
}

/* --- leaving --- */
static void go(struct step *s, struct thread *t, struct view next, const struct json *output)
{
	if (next.p) {
		t->st = asl_find(t->scope, next);
		t->raw = output;
		t->phase = PH_ENTER;
		exec__ready(s, t);
		return;
	}
	t->phase = PH_OVER;
	if (t->parent)
		exec__kid_done(s, t, output);
	else
		succeed(s, output, t->prev);
}

static void leave_to(struct step *s, struct thread *t, const struct json *output, int64_t prev, struct view next)
{
	struct arena *a = &s->x->arena;
	struct json *o = json_new_obj(a);

	if (!exec__fits(s, t, output))
		return;
	json_set(a, o, "name", json_new_str(a, t->st->name));
	put_data(a, o, "output", output);
	t->prev = exec__emit(s, prev, exec__state_event(s->x, t, "Exited"), o);
	go(s, t, next, output);
}

void exec__leave(struct step *s, struct thread *t, const struct json *output, int64_t prev)
{
	leave_to(s, t, output, prev, t->st->next);
}

/* ResultSelector, ResultPath, OutputPath, and out. */
void exec__finish(struct step *s, struct thread *t, const struct json *result, int64_t prev)
{
	const struct json *selector = json_get(t->st->def, "ResultSelector"), *out;
	struct asl_env v;

	exec__env(s, t, result, &v);
	if (selector && !(result = asl_template(&v, selector))) {
		exec__fail_env(s, t, &v);
		return;
	}
	if (!exec__fits(s, t, result))
		return;
	exec__env(s, t, t->raw, &v);
	out = asl_result(&v, t->st->def, t->raw, result);
	if (out) {
		v.input = out;
		out = asl_filter(&v, json_get(t->st->def, "OutputPath"));
	}
	if (out)
		exec__leave(s, t, out, prev);
	else
		exec__fail_env(s, t, &v);
}

/* --- what states do --- */
static void do_pass(struct step *s, struct thread *t)
{
	const struct json *result = json_get(t->st->def, "Result");

	exec__finish(s, t, result ? result : t->eff, t->prev);
}

/* Succeed, Wait, Choice: InputPath was applied, OutputPath follows. */
static void through(struct step *s, struct thread *t, struct view next)
{
	struct asl_env v;
	const struct json *out;

	exec__env(s, t, t->eff, &v);
	out = asl_filter(&v, json_get(t->st->def, "OutputPath"));
	if (out)
		leave_to(s, t, out, t->prev, next);
	else
		exec__fail_env(s, t, &v);
}

static void do_choice(struct step *s, struct thread *t)
{
	const struct json *list = json_get(t->st->def, "Choices");
	struct view next = json_get_str(t->st->def, "Default");
	struct asl_env v;

	exec__env(s, t, t->eff, &v);
	for (size_t i = 0; i < json_len(list); i++) {
		int r = asl_choice(&v, json_at(list, i));

		if (r < 0) {
			exec__fail_env(s, t, &v);
			return;
		}
		if (r) {
			next = json_get_str(json_at(list, i), "Next");
			break;
		}
	}
	if (next.p) {
		through(s, t, next);
		return;
	}
	v.fail = (struct asl_failure){
		.error = "States.NoChoiceMatched",
		.cause = "Failed to transition out of the state. The state does not point to a next state." };
	exec__fail_env(s, t, &v);
}

/* No time is further away than a hundred years: the sum with the clock stays a number. */
static int64_t seconds_ms(int64_t seconds)
{
	return (seconds > ASL_SECONDS_MAX ? ASL_SECONDS_MAX : seconds) * 1000;
}

static bool wait_seconds(struct step *s, struct thread *t, struct asl_env *v, struct view path, int64_t *ret_ms)
{
	const struct json *x = asl_value(v, path, "SecondsPath");

	if (!x)
		exec__fail_env(s, t, v);
	else if (!json_is(x, JSON_INT))
		fail_runtime(s, t, "The SecondsPath parameter cannot be parsed as a long value: %.*s == %s", VIEW_ARG(path),
			     json_is(x, JSON_STR) ? arena_str(v->a, json_str(x)) : json_text(v->a, x));
	else if (json_int(x, 0) < 0)
		fail_runtime(s, t, "The SecondsPath parameter references a negative value: %.*s == %lld", VIEW_ARG(path),
			     (long long)json_int(x, 0));
	else
		*ret_ms = s->now + seconds_ms(json_int(x, 0));
	return x && json_is(x, JSON_INT) && json_int(x, 0) >= 0;
}

static bool wait_timestamp(struct step *s, struct thread *t, struct asl_env *v, struct view path, int64_t *ret_ms)
{
	const struct json *x = asl_value(v, path, "TimestampPath");

	if (!x) {
		exec__fail_env(s, t, v);
		return false;
	}
	if (json_is(x, JSON_STR) && asl_timestamp(json_str(x), ret_ms))
		return true;
	fail_runtime(s, t, "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
		     "string: %.*s == %s", VIEW_ARG(path),
		     json_is(x, JSON_STR) ? arena_str(v->a, json_str(x)) : json_text(v->a, x));
	return false;
}

static void do_wait(struct step *s, struct thread *t)
{
	const struct json *def = t->st->def, *x;
	int64_t due = s->now;
	struct asl_env v;

	exec__env(s, t, t->eff, &v);
	if ((x = json_get(def, "Seconds")))
		due = s->now + seconds_ms(json_int(x, 0));
	else if ((x = json_get(def, "Timestamp")))
		asl_timestamp(json_str(x), &due);
	else if ((x = json_get(def, "SecondsPath"))) {
		if (!wait_seconds(s, t, &v, json_str(x), &due))
			return;
	} else if (!wait_timestamp(s, t, &v, json_get_str(def, "TimestampPath"), &due)) {
		return;
	}
	t->phase = PH_WAIT;
	t->token = ++s->x->seq;
	timer(s, t, due);
}

static bool fail_field(struct step *s, struct thread *t, struct asl_env *v, const char *name, const char **ret)
{
	const struct json *path = json_get(t->st->def, arena_printf(v->a, "%sPath", name)), *x;

	if (!path) {
		x = json_get(t->st->def, name);
		*ret = x ? arena_str(v->a, json_str(x)) : NULL;
		return true;
	}
	x = asl_value(v, json_str(path), arena_printf(v->a, "%sPath", name));
	if (!x) {
		exec__fail_env(s, t, v);
		return false;
	}
	*ret = json_is(x, JSON_STR) ? arena_str(v->a, json_str(x)) : json_text(v->a, x);
	return true;
}

static void do_fail(struct step *s, struct thread *t)
{
	const char *error, *cause;
	struct asl_env v;

	exec__env(s, t, t->raw, &v);
	if (fail_field(s, t, &v, "Error", &error) && fail_field(s, t, &v, "Cause", &cause))
		exec__fail(s, t, error, cause);
}

/* --- tasks --- */
static bool task_timeout(struct step *s, struct thread *t, struct asl_env *v, int64_t *ret_s)
{
	const struct json *path = json_get(t->st->def, "TimeoutSecondsPath"), *x = json_get(t->st->def, "TimeoutSeconds");

	*ret_s = json_int(x, 0);
	if (!path)
		return true;
	x = asl_value(v, json_str(path), "TimeoutSecondsPath");
	*ret_s = json_int(x, 0);
	if (x && json_is(x, JSON_INT) && *ret_s > 0)
		return true;
	if (x)
		fail_runtime(s, t, "The TimeoutSecondsPath parameter does not reference a positive integer: %.*s == %s",
			     VIEW_ARG(json_str(path)), json_text(v->a, x));
	else
		exec__fail_env(s, t, v);
	return false;
}

static void scheduled(struct step *s, struct thread *t, int64_t timeout_s)
{
	struct arena *a = &s->x->arena;
	struct json *o = json_copy(a, resource_details(s, t));

	if (t->st->resource.function) {
		json_set_str(a, o, "resource", t->st->resource.function);
		put_data(a, o, "input", t->eff);
	} else {
		struct view region = VIEW_NONE, rest = view_str(s->x->arn);

		for (int i = 0; i < 4; i++)
			view_split(&rest, ':', &region);
		json_set(a, o, "region", json_new_str(a, region));
		json_set_str(a, o, "parameters", json_text(a, t->eff));
	}
	if (timeout_s)
		json_set_int(a, o, "timeoutInSeconds", timeout_s);
	task_event(s, t, "Scheduled", o);
	task_event(s, t, "Started", json_copy(a, resource_details(s, t)));
}

static void do_task(struct step *s, struct thread *t)
{
	int64_t timeout_s;
	struct asl_env v;

	exec__env(s, t, t->raw, &v);
	if (!task_timeout(s, t, &v, &timeout_s))
		return;
	scheduled(s, t, timeout_s);
	t->phase = PH_TASK;
	t->token = ++s->x->seq;
	t->due_ms = 0;
	if (timeout_s)
		timer(s, t, s->now + seconds_ms(timeout_s));
	exec__act(s, &(struct exec_action){ .kind = ACT_TASK, .token = t->token, .event = t->prev, .resource = &t->st->resource,
					    .input = t->eff });
}

/* --- entering --- */
static bool effective(struct step *s, struct thread *t)
{
	const struct json *params = t->st->type == ASL_MAP ? NULL : json_get(t->st->def, "Parameters");
	struct asl_env v;

	exec__env(s, t, t->raw, &v);
	t->eff = asl_filter(&v, json_get(t->st->def, "InputPath"));
	if (t->eff && params) {
		v.input = t->eff;
		t->eff = asl_template(&v, params);
	}
	if (!t->eff)
		exec__fail_env(s, t, &v);
	return t->eff && exec__fits(s, t, t->eff);
}

static void body(struct step *s, struct thread *t)
{
	if (t->st->type == ASL_FAIL) {
		do_fail(s, t);
		return;
	}
	if (!effective(s, t))
		return;
	switch (t->st->type) {
	case ASL_PASS:
		do_pass(s, t);
		break;
	case ASL_SUCCEED:
		through(s, t, VIEW_NONE);
		break;
	case ASL_CHOICE:
		do_choice(s, t);
		break;
	case ASL_WAIT:
		do_wait(s, t);
		break;
	case ASL_TASK:
		do_task(s, t);
		break;
	case ASL_PARALLEL:
	case ASL_MAP:
		exec__join(s, t);
		break;
	case ASL_FAIL:
		break;
	}
}

static void enter(struct step *s, struct thread *t)
{
	struct arena *a = &s->x->arena;
	struct json *o = json_new_obj(a);

	json_set(a, o, "name", json_new_str(a, t->st->name));
	put_data(a, o, "input", t->raw);
	/* The first state's event follows nothing, not even the execution's own. */
	t->prev = exec__emit(s, t->prev == 1 ? 0 : t->prev, exec__state_event(s->x, t, "Entered"), o);
	t->entered = t->prev;
	t->entered_ms = s->now;
	t->attempt = 0;
	memset(t->tries, 0, sizeof(t->tries));
	t->phase = PH_BODY;
	body(s, t);
}

void exec_advance(struct step *s)
{
	size_t i = 0, used = s->x->arena.used;

	for (; i < s->n_ready && s->n_events < EXEC_BATCH && s->x->arena.used - used < EXEC_STEP_BYTES; i++) {
		struct thread *t = s->ready[i];

		if (s->x->last >= EXEC_EVENTS_MAX) {
			over(s, EXEC_FAILED, "ExecutionFailed",
			     error_details(s, "States.Runtime",
					   arena_printf(&s->x->arena, "The execution reached the maximum number of history events (%d).",
							EXEC_EVENTS_MAX)), t->prev);
			return;
		}
		if (t->phase == PH_ENTER)
			enter(s, t);
		else if (t->phase == PH_BODY)
			body(s, t);
	}
	if (i < s->n_ready)
		memmove(s->ready, s->ready + i, (s->n_ready - i) * sizeof(struct thread *));
	s->n_ready = i < s->n_ready ? s->n_ready - i : 0;
}

struct thread *exec__thread(struct exec *x, struct thread *parent, const struct asl_scope *scope, size_t index)
{
	struct thread *t = ARENA_NEW(&x->arena, struct thread);

	t->parent = parent;
	t->scope = scope;
	t->index = index;
	t->st = asl_find(scope, scope->start);
	return t;
}

void exec_begin(struct step *s, const struct json *input)
{
	struct exec *x = s->x;
	struct json *o = json_new_obj(&x->arena);

	put_data(&x->arena, o, "input", input);
	json_set_str(&x->arena, o, "input", x->input);
	json_set_str(&x->arena, o, "roleArn", x->role);
	x->root = exec__thread(x, NULL, &x->asl->root, 0);
	x->root->raw = input;
	x->root->prev = exec__emit(s, 0, "ExecutionStarted", o);
	exec__ready(s, x->root);
}

/* --- answers --- */
static struct thread *find(struct thread *t, int64_t token)
{
	struct thread *hit = t->token == token && t->phase != PH_OVER ? t : NULL;

	for (size_t i = 0; !hit && t->kids && i < t->n; i++)
		if (t->kids[i])
			hit = find(t->kids[i], token);
	return hit;
}

static void task_failed(struct step *s, struct thread *t, const char *what, const char *error, const char *cause)
{
	struct arena *a = &s->x->arena;
	struct json *o = json_copy(a, resource_details(s, t));

	json_set_str(a, o, "error", error);
	json_set_str(a, o, "cause", cause);
	task_event(s, t, what, o);
	exec__fail(s, t, error, cause);
}

static void task_output(struct step *s, struct thread *t, const char *what, const struct json *output)
{
	struct json *o = json_copy(&s->x->arena, resource_details(s, t));

	put_data(&s->x->arena, o, "output", output);
	task_event(s, t, what, o);
}

static void ask_again(struct step *s, struct thread *t)
{
	exec__act(s, &(struct exec_action){ .kind = ACT_POLL, .token = t->token, .resource = &t->st->resource,
					    .input = t->handle });
}

void exec_result(struct step *s, int64_t token, const struct task_result *r)
{
	struct thread *t = find(s->x->root, token);

	if (!t || (t->phase != PH_TASK && t->phase != PH_POLL))
		return; /* late: the attempt was given up */
	if (!r->ok) {
		task_failed(s, t, "Failed", r->error, r->cause);
	} else if (r->output && json_text_size(r->output, EXEC_DATA_MAX) >= EXEC_DATA_MAX) {
		task_failed(s, t, "Failed", "States.DataLimitExceeded", "The task returned a result with a size exceeding the maximum "
			    "number of bytes service limit.");
	} else if (r->handle) {
		task_output(s, t, "Submitted", r->output);
		t->phase = PH_POLL;
		t->handle = r->handle;
		ask_again(s, t);
	} else if (r->pending) {
		ask_again(s, t);
	} else {
		task_output(s, t, "Succeeded", r->output);
		exec__finish(s, t, r->output, t->prev);
	}
}

void exec_timer(struct step *s, int64_t token)
{
	struct thread *t;

	if (token == 0) { /* the whole execution's time is over */
		exec__abort(s, s->x->root);
		over(s, EXEC_TIMED_OUT, "ExecutionTimedOut", error_details(s, "States.Timeout", NULL), s->x->root->prev);
		return;
	}
	t = find(s->x->root, token);
	if (!t)
		return;
	if (t->phase == PH_WAIT) {
		through(s, t, t->st->next);
	} else if (t->phase == PH_RETRY) {
		t->phase = PH_BODY;
		exec__ready(s, t);
	} else if (t->phase == PH_TASK || t->phase == PH_POLL) {
		t->token = ++s->x->seq;
		task_failed(s, t, "TimedOut", "States.Timeout", NULL);
	}
}

void exec__abort(struct step *s, struct thread *t)
{
	if (t->phase == PH_OVER)
		return;
	for (size_t i = 0; t->kids && i < t->n; i++)
		if (t->kids[i])
			exec__abort(s, t->kids[i]);
	if (t->phase != PH_ENTER)
		t->prev = exec__emit(s, t->prev, exec__state_event(s->x, t, "Aborted"), NULL);
	t->phase = PH_OVER;
}

void exec_stop(struct step *s, const char *error, const char *cause)
{
	if (s->x->status != EXEC_RUNNING)
		return;
	exec__abort(s, s->x->root);
	over(s, EXEC_ABORTED, "ExecutionAborted", error_details(s, error, cause), s->x->root->prev);
}
