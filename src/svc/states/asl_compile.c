// SPDX-License-Identifier: Apache-2.0
/* Checks definitions, in the service's words where they are known, and prepares them for running. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "data/intrinsic.h"
#include "data/jsonpath.h"
#include "svc/states/asl.h"
#include "svc/states/asl_resource.h"

#define SCHEMA "SCHEMA_VALIDATION_FAILED"

struct compiler {
	struct arena *a;      /* of the definition */
	struct arena *out;    /* of the problem's texts */
	const struct op_registry *r;
	struct asl_problem *problem;
	struct map names;     /* of all states, also nested ones */
	int nested;
};

static bool scope(struct compiler *c, const struct json *def, const char *at, struct asl_scope *s);

static bool fail_as(struct compiler *c, const char *code, const char *at, const char *fmt, ...) PRINTF_LIKE(4, 5);

static bool fail_as(struct compiler *c, const char *code, const char *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*c->problem = (struct asl_problem){ .code = code, .message = arena_vprintf(c->out, fmt, ap),
					    .location = arena_str(c->out, view_str(*at ? at : "/")) };
	va_end(ap);
	return false;
}

#define FAIL(c, at, ...) fail_as((c), SCHEMA, (at), __VA_ARGS__)

static const char *below(struct compiler *c, const char *at, struct view name)
{
	return arena_printf(c->a, "%s/%.*s", at, VIEW_ARG(name));
}

/* --- single values --- */
enum value_kind { V_STR, V_BOOL, V_INT, V_OBJ, V_LIST, V_ANY, V_PATH, V_REFERENCE, V_TEMPLATE, V_VALUE, V_REFUSED };

static bool path_ok(struct view text, bool reference)
{
	struct arena a;
	struct err e = { 0 };
	const struct jsonpath *p;
	bool ok;

	arena_init(&a, LIMIT_ARENA);
	p = jsonpath_compile(&a, view_starts(text, VIEW("$$")) ? view_from(text, 1) : text, &e);
	ok = p && (!reference || jsonpath_reference(p));
	arena_clear(&a);
	return ok;
}

static int argument_path(void *arg, struct view path)
{
	return path_ok(path, false) ? 0 : -1;
}

/* A path or an intrinsic function. */
static bool value_ok(struct view text)
{
	struct arena a;
	struct err e = { 0 };
	const struct intrinsic *in;
	bool ok;

	if (!intrinsic_is_call(text))
		return path_ok(text, false);
	arena_init(&a, LIMIT_ARENA);
	in = intrinsic_compile(&a, text, &e);
	ok = in && intrinsic_paths(in, argument_path, NULL) == 0;
	arena_clear(&a);
	return ok;
}

static bool template_ok(struct compiler *c, const struct json *t, const char *at)
{
	for (size_t i = 0; json_is(t, JSON_ARR) && i < t->arr.n; i++)
		if (!template_ok(c, t->arr.v[i], arena_printf(c->a, "%s[%zu]", at, i)))
			return false;
	for (size_t i = 0; json_is(t, JSON_OBJ) && i < t->obj.n; i++) {
		struct view name = t->obj.v[i].name;
		const char *here = below(c, at, name);

		if (!view_ends(name, VIEW(".$"))) {
			if (!template_ok(c, t->obj.v[i].value, here))
				return false;
		} else if (!json_is(t->obj.v[i].value, JSON_STR) || !value_ok(json_str(t->obj.v[i].value))) {
			return FAIL(c, here, "The value for the field '%.*s' must be a valid JSONPath or a valid intrinsic "
				    "function call", VIEW_ARG(name));
		}
	}
	return true;
}

static bool check_value(struct compiler *c, enum value_kind k, const struct json *v, struct view name, const char *at)
{
	static const char *const wanted[] = { "String", "Boolean", "Integer", "Object", "List" };
	bool ok = true;

	switch (k) {
	case V_STR:
		ok = json_is(v, JSON_STR);
		break;
	case V_BOOL:
		ok = json_is(v, JSON_BOOL);
		break;
	case V_INT:
		ok = json_is(v, JSON_INT) && json_int(v, -1) >= 0;
		break;
	case V_OBJ:
		ok = json_is(v, JSON_OBJ);
		break;
	case V_LIST:
		ok = json_is(v, JSON_ARR);
		break;
	case V_ANY:
		return true;
	case V_PATH:
	case V_REFERENCE:
		if (json_is(v, JSON_NULL) || (json_is(v, JSON_STR) && path_ok(json_str(v), k == V_REFERENCE)))
			return true;
		return FAIL(c, at, k == V_PATH ? "Value is not a valid JSONPath" : "Value is not a Reference Path");
	case V_VALUE:
		return (json_is(v, JSON_STR) && value_ok(json_str(v))) || FAIL(c, at, "Value is not a valid JSONPath");
	case V_TEMPLATE:
		return template_ok(c, v, at);
	case V_REFUSED:
		return FAIL(c, at, "Field '%.*s' is not supported by mulgil yet", VIEW_ARG(name));
	}
	return ok || FAIL(c, at, "Expected value of type %s", wanted[k]);
}

/* --- fields --- */
#define T(t) (1U << ASL_##t)
#define ALL 0xffU
#define FLOW (T(TASK) | T(PASS) | T(WAIT) | T(PARALLEL) | T(MAP))
#define RESULTS (T(TASK) | T(PASS) | T(PARALLEL) | T(MAP))
#define ERRORS (T(TASK) | T(PARALLEL) | T(MAP))

static const struct field {
	const char *name;
	enum value_kind kind;
	unsigned types;
} fields[] = {
	{ "Type", V_STR, ALL }, { "Comment", V_STR, ALL }, { "QueryLanguage", V_STR, ALL },
	{ "InputPath", V_PATH, ALL & ~T(FAIL) }, { "OutputPath", V_PATH, ALL & ~T(FAIL) },
	{ "Next", V_STR, FLOW }, { "End", V_BOOL, FLOW },
	{ "ResultPath", V_REFERENCE, RESULTS }, { "Parameters", V_TEMPLATE, RESULTS },
	{ "ResultSelector", V_TEMPLATE, ERRORS }, { "Retry", V_LIST, ERRORS }, { "Catch", V_LIST, ERRORS },
	{ "Result", V_ANY, T(PASS) },
	{ "Resource", V_STR, T(TASK) }, { "TimeoutSeconds", V_INT, T(TASK) }, { "TimeoutSecondsPath", V_VALUE, T(TASK) },
	{ "HeartbeatSeconds", V_REFUSED, T(TASK) }, { "HeartbeatSecondsPath", V_REFUSED, T(TASK) },
	{ "Credentials", V_REFUSED, T(TASK) },
	{ "Choices", V_LIST, T(CHOICE) }, { "Default", V_STR, T(CHOICE) },
	{ "Seconds", V_INT, T(WAIT) }, { "Timestamp", V_STR, T(WAIT) }, { "SecondsPath", V_VALUE, T(WAIT) },
	{ "TimestampPath", V_VALUE, T(WAIT) },
	{ "Branches", V_LIST, T(PARALLEL) },
	{ "ItemProcessor", V_OBJ, T(MAP) }, { "Iterator", V_OBJ, T(MAP) }, { "ItemsPath", V_VALUE, T(MAP) },
	{ "ItemSelector", V_TEMPLATE, T(MAP) }, { "MaxConcurrency", V_INT, T(MAP) }, { "MaxConcurrencyPath", V_VALUE, T(MAP) },
	{ "ToleratedFailureCount", V_REFUSED, T(MAP) }, { "ToleratedFailureCountPath", V_REFUSED, T(MAP) },
	{ "ToleratedFailurePercentage", V_REFUSED, T(MAP) }, { "ToleratedFailurePercentagePath", V_REFUSED, T(MAP) },
	{ "ItemReader", V_REFUSED, T(MAP) }, { "ItemBatcher", V_REFUSED, T(MAP) }, { "ResultWriter", V_REFUSED, T(MAP) },
	{ "Label", V_REFUSED, T(MAP) },
	{ "Error", V_STR, T(FAIL) }, { "Cause", V_STR, T(FAIL) }, { "ErrorPath", V_VALUE, T(FAIL) }, { "CausePath", V_VALUE, T(FAIL) },
	{ "Assign", V_REFUSED, ALL },
};

static const char *const type_names[] = { "Task", "Pass", "Choice", "Wait", "Parallel", "Map", "Succeed", "Fail" };

const char *asl_type_name(enum asl_type t)
{
	return type_names[t];
}

static bool check_fields(struct compiler *c, const struct asl_state *s, const char *at)
{
	for (size_t i = 0; i < s->def->obj.n; i++) {
		struct view name = s->def->obj.v[i].name;
		const struct field *f = NULL;

		for (size_t k = 0; k < ARRAY_LEN(fields); k++)
			if (view_eq_str(name, fields[k].name))
				f = &fields[k];
		if (!f || !(f->types & (1U << s->type)))
			return FAIL(c, below(c, at, name), "Field is not supported");
		if (!check_value(c, f->kind, s->def->obj.v[i].value, name, below(c, at, name)))
			return false;
	}
	return true;
}

static bool language(struct compiler *c, const struct json *def, const char *at)
{
	const struct json *q = json_get(def, "QueryLanguage");

	if (!q || view_eq_str(json_str(q), "JSONPath"))
		return true;
	if (view_eq_str(json_str(q), "JSONata"))
		return FAIL(c, below(c, at, VIEW("QueryLanguage")), "QueryLanguage 'JSONata' is not supported by mulgil yet");
	return FAIL(c, below(c, at, VIEW("QueryLanguage")), "Value is not valid. Valid values are: [JSONPath, JSONata]");
}

/* --- Retry and Catch --- */
static bool error_list(struct compiler *c, const struct json *def, bool last, const char *at)
{
	const struct json *list = json_get(def, "ErrorEquals");
	const char *here = below(c, at, VIEW("ErrorEquals"));

	if (!list)
		return FAIL(c, at, "These fields are required: [ErrorEquals]");
	if (!json_is(list, JSON_ARR) || json_len(list) == 0)
		return FAIL(c, here, "The list must not be empty");
	for (size_t i = 0; i < json_len(list); i++) {
		struct view name = json_str(json_at(list, i));

		if (!name.p)
			return FAIL(c, here, "Expected value of type String");
		if (view_eq_str(name, "States.ALL") && (json_len(list) > 1 || !last))
			return FAIL(c, here, "States.ALL must be alone, and in the last element of the list");
	}
	return true;
}

static bool retrier_field(struct compiler *c, struct view name, const struct json *v, const char *at)
{
	static const struct { const char *name; int least; } ints[] = {
		{ "IntervalSeconds", 1 }, { "MaxAttempts", 0 }, { "MaxDelaySeconds", 1 }
	};

	for (size_t i = 0; i < ARRAY_LEN(ints); i++)
		if (view_eq_str(name, ints[i].name))
			return (json_is(v, JSON_INT) && json_int(v, 0) >= ints[i].least && json_int(v, 0) <= 99999999) ||
			       FAIL(c, below(c, at, name), "Value is not a valid number");
	if (view_eq_str(name, "BackoffRate"))
		return json_double(v, 0) >= 1 || FAIL(c, below(c, at, name), "Value must be greater than or equal to 1");
	if (view_eq_str(name, "JitterStrategy"))
		return view_eq_str(json_str(v), "FULL") || view_eq_str(json_str(v), "NONE") ||
		       FAIL(c, below(c, at, name), "Value is not valid. Valid values are: [FULL, NONE]");
	return view_eq_str(name, "ErrorEquals") || view_eq_str(name, "Comment") ||
	       FAIL(c, below(c, at, name), "Field is not supported");
}

static bool retrier(struct compiler *c, const struct json *def, bool last, const char *at)
{
	for (size_t i = 0; json_is(def, JSON_OBJ) && i < def->obj.n; i++)
		if (!retrier_field(c, def->obj.v[i].name, def->obj.v[i].value, at))
			return false;
	return error_list(c, def, last, at);
}

static bool catcher(struct compiler *c, const struct json *def, bool last, const char *at)
{
	const struct json *path = json_get(def, "ResultPath");

	for (size_t i = 0; json_is(def, JSON_OBJ) && i < def->obj.n; i++) {
		struct view name = def->obj.v[i].name;

		if (view_eq_str(name, "Assign"))
			return FAIL(c, below(c, at, name), "Field 'Assign' is not supported by mulgil yet");
		if (!view_eq_str(name, "ErrorEquals") && !view_eq_str(name, "Next") && !view_eq_str(name, "ResultPath") &&
		    !view_eq_str(name, "Comment"))
			return FAIL(c, below(c, at, name), "Field is not supported");
	}
	if (!json_is(json_get(def, "Next"), JSON_STR))
		return FAIL(c, at, "These fields are required: [Next]");
	if (path && !check_value(c, V_REFERENCE, path, VIEW("ResultPath"), below(c, at, VIEW("ResultPath"))))
		return false;
	return error_list(c, def, last, at);
}

static bool handlers(struct compiler *c, const struct asl_state *s, const char *at)
{
	static const char *const names[] = { "Retry", "Catch" };

	for (size_t k = 0; k < 2; k++) {
		const struct json *list = json_get(s->def, names[k]);

		if (k == 0 && json_len(list) > ASL_RETRIERS)
			return FAIL(c, below(c, at, VIEW("Retry")), "More than %d retriers are not supported by mulgil yet",
				    ASL_RETRIERS);
		for (size_t i = 0; i < json_len(list); i++) {
			const char *here = arena_printf(c->a, "%s/%s[%zu]", at, names[k], i);
			bool last = i + 1 == json_len(list);

			if (!(k ? catcher : retrier)(c, json_at(list, i), last, here))
				return false;
		}
	}
	return true;
}

/* --- the types --- */
static bool need(struct compiler *c, const struct asl_state *s, const char *name, const char *at)
{
	return json_get(s->def, name) || FAIL(c, at, "These fields are required: [%s]", name);
}

static int count(const struct json *def, const char *const *names, size_t n)
{
	int k = 0;

	for (size_t i = 0; i < n; i++)
		k += json_get(def, names[i]) != NULL;
	return k;
}

static bool check_wait(struct compiler *c, const struct asl_state *s, const char *at)
{
	static const char *const how[] = { "Seconds", "Timestamp", "SecondsPath", "TimestampPath" };
	const struct json *t = json_get(s->def, "Timestamp");
	int64_t ms;

	if (count(s->def, how, ARRAY_LEN(how)) != 1)
		return FAIL(c, at, "Exactly one of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath]");
	return !t || asl_timestamp(json_str(t), &ms) ||
	       FAIL(c, below(c, at, VIEW("Timestamp")), "String does not match RFC3339 timestamp");
}

static bool check_choice(struct compiler *c, const struct asl_state *s, const char *at)
{
	const struct json *list = json_get(s->def, "Choices");
	const char *where, *what;

	if (!need(c, s, "Choices", at))
		return false;
	if (json_len(list) == 0)
		return FAIL(c, below(c, at, VIEW("Choices")), "The list must not be empty");
	for (size_t i = 0; i < json_len(list); i++) {
		if (json_get(json_at(list, i), "Assign"))
			return FAIL(c, arena_printf(c->a, "%s/Choices[%zu]/Assign", at, i),
				    "Field 'Assign' is not supported by mulgil yet");
		what = asl_choice_check(c->a, json_at(list, i), true, arena_printf(c->a, "%s/Choices[%zu]", at, i), &where);
		if (what)
			return FAIL(c, where, "%s", what);
	}
	return true;
}

static bool check_task(struct compiler *c, struct asl_state *s, const char *at)
{
	struct view text = json_get_str(s->def, "Resource");

	if (!need(c, s, "Resource", at))
		return false;
	if (json_get(s->def, "TimeoutSeconds") && json_get(s->def, "TimeoutSecondsPath"))
		return FAIL(c, at, "Only one of these fields is allowed: [TimeoutSeconds, TimeoutSecondsPath]");
	if (json_get(s->def, "TimeoutSeconds") && json_int(json_get(s->def, "TimeoutSeconds"), 0) == 0)
		return FAIL(c, below(c, at, VIEW("TimeoutSeconds")), "Value must be greater than 0");
	return asl_resource_parse(c->a, text, c->r, &s->resource) ||
	       FAIL(c, below(c, at, VIEW("Resource")),
		    "The resource provided %.*s is not recognized. The value is not a valid resource ARN, or the resource is not "
		    "available in this region.", VIEW_ARG(text));
}

static bool sub_scopes(struct compiler *c, struct asl_state *s, const struct json *const *defs, size_t n, const char *at)
{
	struct asl_scope *v = ARENA_ARRAY(c->a, struct asl_scope, n);

	if (++c->nested > ASL_NESTED)
		return FAIL(c, at, "States are nested deeper than %d levels", ASL_NESTED);
	for (size_t i = 0; i < n; i++) {
		const char *here = s->type == ASL_MAP ? at : arena_printf(c->a, "%s[%zu]", at, i);

		if (!json_is(defs[i], JSON_OBJ))
			return FAIL(c, here, "Expected value of type Object");
		if (!scope(c, defs[i], here, &v[i]))
			return false;
	}
	c->nested--;
	s->branches = v;
	s->n_branches = n;
	return true;
}

static bool check_parallel(struct compiler *c, struct asl_state *s, const char *at)
{
	const struct json *list = json_get(s->def, "Branches");

	if (!need(c, s, "Branches", at))
		return false;
	if (json_len(list) == 0)
		return FAIL(c, below(c, at, VIEW("Branches")), "The list must not be empty");
	return sub_scopes(c, s, list->arr.v, json_len(list), below(c, at, VIEW("Branches")));
}

static bool check_map(struct compiler *c, struct asl_state *s, const char *at)
{
	const struct json *p = json_get(s->def, "ItemProcessor"), *old = json_get(s->def, "Iterator");
	struct view mode = json_get_str(json_get(p ? p : old, "ProcessorConfig"), "Mode");

	if (!p && !old)
		return need(c, s, "ItemProcessor", at);
	if (p && old)
		return FAIL(c, at, "Only one of these fields is allowed: [ItemProcessor, Iterator]");
	at = below(c, at, p ? VIEW("ItemProcessor") : VIEW("Iterator"));
	if (mode.p && !view_eq_str(mode, "INLINE"))
		return FAIL(c, arena_printf(c->a, "%s/ProcessorConfig/Mode", at), "Mode '%.*s' is not supported by mulgil yet",
			    VIEW_ARG(mode));
	if (json_get(s->def, "ItemSelector") && json_get(s->def, "Parameters"))
		return FAIL(c, at, "Only one of these fields is allowed: [ItemSelector, Parameters]");
	p = p ? p : old;
	return sub_scopes(c, s, &p, 1, at);
}

static bool check_fail(struct compiler *c, const struct asl_state *s, const char *at)
{
	if ((json_get(s->def, "Error") && json_get(s->def, "ErrorPath")) ||
	    (json_get(s->def, "Cause") && json_get(s->def, "CausePath")))
		return FAIL(c, at, "A field and its Path cannot both be given");
	return true;
}

static bool flow(struct compiler *c, struct asl_state *s, const char *at)
{
	const struct json *next = json_get(s->def, "Next"), *end = json_get(s->def, "End");

	s->next = next ? json_str(next) : VIEW_NONE;
	if (!(FLOW & (1U << s->type)))
		return true;
	if (next && json_is_true(end))
		return FAIL(c, at, "Only one of these fields is allowed: [Next, End]");
	if (!next && !json_is_true(end))
		return FAIL(c, at, "One of these fields is required: [Next, End]");
	return true;
}

static bool check_type(struct compiler *c, struct asl_state *s, const char *at)
{
	switch (s->type) {
	case ASL_TASK:
		return check_task(c, s, at);
	case ASL_CHOICE:
		return check_choice(c, s, at);
	case ASL_WAIT:
		return check_wait(c, s, at);
	case ASL_PARALLEL:
		return check_parallel(c, s, at);
	case ASL_MAP:
		return check_map(c, s, at);
	case ASL_FAIL:
		return check_fail(c, s, at);
	case ASL_PASS:
	case ASL_SUCCEED:
		break;
	}
	return true;
}

static bool state(struct compiler *c, struct asl_state *s, const char *at)
{
	static char seen;
	struct view type = json_get_str(s->def, "Type");
	size_t t = 0;

	if (!json_is(s->def, JSON_OBJ))
		return FAIL(c, at, "Expected value of type Object");
	if (s->name.n > ASL_NAME_MAX)
		return FAIL(c, at, "State name is longer than %d characters", ASL_NAME_MAX);
	if (map_put(&c->names, s->name, &seen))
		return fail_as(c, "DUPLICATE_STATE_NAME", at, "State name '%.*s' is used more than once", VIEW_ARG(s->name));
	if (!type.p)
		return FAIL(c, at, "These fields are required: [Type]");
	while (t < ARRAY_LEN(type_names) && !view_eq_str(type, type_names[t]))
		t++;
	if (t == ARRAY_LEN(type_names))
		return FAIL(c, below(c, at, VIEW("Type")),
			    "Value is not valid. Valid values are: [Task, Pass, Choice, Wait, Parallel, Map, Succeed, Fail]");
	s->type = (enum asl_type)t;
	return language(c, s->def, at) && check_fields(c, s, at) && flow(c, s, at) && handlers(c, s, at) &&
	       check_type(c, s, at);
}

/* --- transitions of a scope --- */
const struct asl_state *asl_find(const struct asl_scope *s, struct view name)
{
	for (size_t i = 0; i < s->n; i++)
		if (view_eq(s->states[i].name, name))
			return &s->states[i];
	return NULL;
}

static bool target(struct compiler *c, const struct asl_scope *s, struct view name, bool *reached, const char *at)
{
	const struct asl_state *x = asl_find(s, name);

	if (!x)
		return fail_as(c, "MISSING_TRANSITION_TARGET", at, "Missing 'Next' target: %.*s", VIEW_ARG(name));
	reached[x - s->states] = true;
	return true;
}

static bool targets(struct compiler *c, const struct asl_scope *s, const struct asl_state *x, bool *reached, const char *at)
{
	static const char *const lists[] = { "Catch", "Choices" };
	const struct json *dflt = json_get(x->def, "Default");

	at = below(c, at, x->name);
	if (x->next.p && !target(c, s, x->next, reached, below(c, at, VIEW("Next"))))
		return false;
	if (dflt && !target(c, s, json_str(dflt), reached, below(c, at, VIEW("Default"))))
		return false;
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		const struct json *list = json_get(x->def, lists[k]);

		for (size_t i = 0; i < json_len(list); i++)
			if (!target(c, s, json_get_str(json_at(list, i), "Next"), reached,
				    arena_printf(c->a, "%s/%s[%zu]/Next", at, lists[k], i)))
				return false;
	}
	return true;
}

static bool transitions(struct compiler *c, const struct asl_scope *s, const char *at)
{
	bool *reached = ARENA_ARRAY(c->a, bool, s->n);
	const char *states = below(c, at, VIEW("States"));

	if (!target(c, s, s->start, reached, below(c, at, VIEW("StartAt"))))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (!targets(c, s, &s->states[i], reached, states))
			return false;
	for (size_t i = 0; i < s->n; i++)
		if (!reached[i])
			return fail_as(c, "MISSING_TRANSITION_TARGET", below(c, states, s->states[i].name),
				       "State \"%.*s\" is not reachable.", VIEW_ARG(s->states[i].name));
	return true;
}

static bool scope_fields(struct compiler *c, const struct json *def, const char *at)
{
	static const char *const top[] = { "Comment", "StartAt", "States", "QueryLanguage", "Version", "TimeoutSeconds" };
	static const char *const inner[] = { "Comment", "StartAt", "States", "QueryLanguage", "ProcessorConfig" };

	for (size_t i = 0; i < def->obj.n; i++) {
		struct view name = def->obj.v[i].name;
		bool known = false;

		for (size_t k = 0; k < (*at ? ARRAY_LEN(inner) : ARRAY_LEN(top)); k++)
			known |= view_eq_str(name, *at ? inner[k] : top[k]);
		if (!known)
			return FAIL(c, below(c, at, name), "Field is not supported");
	}
	return true;
}

static bool scope(struct compiler *c, const struct json *def, const char *at, struct asl_scope *s)
{
	const struct json *start = json_get(def, "StartAt"), *states = json_get(def, "States");

	if (!start || !states)
		return FAIL(c, at, "These fields are required: [%s]", !start && !states ? "StartAt, States" : start ? "States" : "StartAt");
	if (!json_is(start, JSON_STR))
		return FAIL(c, below(c, at, VIEW("StartAt")), "Expected value of type String");
	if (!json_is(states, JSON_OBJ))
		return FAIL(c, below(c, at, VIEW("States")), "Expected value of type Object");
	if (json_len(states) == 0)
		return FAIL(c, below(c, at, VIEW("States")), "There must be at least one state");
	if (!language(c, def, at) || !scope_fields(c, def, at))
		return false;
	s->start = json_str(start);
	s->n = json_len(states);
	s->states = ARENA_ARRAY(c->a, struct asl_state, s->n);
	for (size_t i = 0; i < s->n; i++) {
		s->states[i].name = states->obj.v[i].name;
		s->states[i].def = states->obj.v[i].value;
		if (!state(c, &s->states[i], below(c, below(c, at, VIEW("States")), s->states[i].name)))
			return false;
	}
	return transitions(c, s, at);
}

static bool whole(struct compiler *c, struct asl *m, struct view text)
{
	struct err e = { 0 };
	const struct json *def = json_parse(c->a, text, ASL_DEPTH, &e), *timeout;

	if (!def)
		return fail_as(c, "INVALID_JSON_DESCRIPTION", "", "%s", e.msg);
	if (!json_is(def, JSON_OBJ))
		return FAIL(c, "", "Expected value of type Object");
	if (!scope(c, def, "", &m->root))
		return false;
	timeout = json_get(def, "TimeoutSeconds");
	if (timeout && (!json_is(timeout, JSON_INT) || json_int(timeout, 0) < 1))
		return FAIL(c, "/TimeoutSeconds", "Expected value of type Integer");
	m->timeout_s = json_int(timeout, 0) > ASL_SECONDS_MAX ? ASL_SECONDS_MAX : json_int(timeout, 0);
	if (json_get(def, "Version") && !view_eq_str(json_get_str(def, "Version"), "1.0"))
		return FAIL(c, "/Version", "Value is not valid. Valid values are: [1.0]");
	return true;
}

struct asl *asl_compile(struct view text, const struct op_registry *r, struct arena *a, struct asl_problem *problem)
{
	struct asl *m = calloc(1, sizeof(*m));
	struct compiler c = { .out = a, .r = r, .problem = problem };
	bool ok;

	must(m);
	arena_init(&m->arena, LIMIT_ARENA);
	c.a = &m->arena;
	map_init(&c.names);
	ok = whole(&c, m, text);
	map_clear(&c.names);
	return ok ? m : asl_free(m);
}

struct asl *asl_free(struct asl *m)
{
	if (m) {
		arena_clear(&m->arena);
		free(m);
	}
	return NULL;
}
