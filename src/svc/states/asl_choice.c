// SPDX-License-Identifier: Apache-2.0
/* Choice rules: one table of comparisons, used to check definitions and to decide. */
#include <math.h>
#include <string.h>

#include "base/time.h"
#include "data/jsonpath.h"
#include "svc/states/asl.h"

enum family { F_STRING, F_NUMERIC, F_TIMESTAMP, F_BOOLEAN, F_MATCHES, F_IS };
enum relation { R_EQ, R_LT, R_GT, R_LE, R_GE };
enum is { IS_NULL, IS_PRESENT, IS_NUMERIC, IS_STRING, IS_BOOLEAN, IS_TIMESTAMP };

struct comparison {
	const char *name;
	enum family family;
	int what; /* enum relation or enum is */
};

#define FAMILY(name, f) \
	{ name "Equals", f, R_EQ }, { name "LessThan", f, R_LT }, { name "GreaterThan", f, R_GT }, \
	{ name "LessThanEquals", f, R_LE }, { name "GreaterThanEquals", f, R_GE }

static const struct comparison comparisons[] = {
	FAMILY("String", F_STRING), FAMILY("Numeric", F_NUMERIC), FAMILY("Timestamp", F_TIMESTAMP),
	{ "BooleanEquals", F_BOOLEAN, R_EQ }, { "StringMatches", F_MATCHES, R_EQ },
	{ "IsNull", F_IS, IS_NULL }, { "IsPresent", F_IS, IS_PRESENT }, { "IsNumeric", F_IS, IS_NUMERIC },
	{ "IsString", F_IS, IS_STRING }, { "IsBoolean", F_IS, IS_BOOLEAN }, { "IsTimestamp", F_IS, IS_TIMESTAMP },
};

/* *ret_path: the name had "Path" behind it. */
static const struct comparison *find(struct view name, bool *ret_path)
{
	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
		const struct comparison *c = &comparisons[i];
		size_t n = strlen(c->name);

		*ret_path = name.n == n + 4 && view_ends(name, VIEW("Path"));
		if (!view_starts(name, view_of(c->name, n)) || !(name.n == n || *ret_path))
			continue;
		if (*ret_path && (c->family == F_IS || c->family == F_MATCHES))
			return NULL;
		return c;
	}
	return NULL;
}

bool asl_timestamp(struct view s, int64_t *ret_ms)
{
	if (s.n < 20 || s.p[10] != 'T' || !(view_ends(s, VIEW("Z")) || view_find(view_from(s, 19), VIEW(":")) > 0))
		return false;
	return time_parse_iso(s, ret_ms);
}

static bool relation(enum relation r, int c)
{
	return r == R_EQ ? c == 0 : r == R_LT ? c < 0 : r == R_GT ? c > 0 : r == R_LE ? c <= 0 : c >= 0;
}

static bool is(enum is what, const struct json *v)
{
	int64_t ms;

	switch (what) {
	case IS_NULL:
		return json_is(v, JSON_NULL);
	case IS_NUMERIC:
		return json_is_number(v);
	case IS_STRING:
		return json_is(v, JSON_STR);
	case IS_BOOLEAN:
		return json_is(v, JSON_BOOL);
	case IS_TIMESTAMP:
		return json_is(v, JSON_STR) && asl_timestamp(json_str(v), &ms);
	case IS_PRESENT:
		break;
	}
	return v != NULL;
}

/* '*' stands for any characters, "\\*" for a star. */
static bool matches(struct view p, struct view s)
{
	size_t i = 0, k = 0, star = SIZE_MAX, from = 0;

	while (k < s.n) {
		bool escaped = i + 1 < p.n && p.p[i] == '\\';

		if (i < p.n && p.p[i] == '*') {
			star = i++;
			from = k;
		} else if (i < p.n && p.p[i + escaped] == s.p[k]) {
			i += escaped + 1UL;
			k++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			k = ++from;
		} else {
			return false;
		}
	}
	while (i < p.n && p.p[i] == '*')
		i++;
	return i == p.n;
}

static bool compare_times(enum relation r, const struct json *x, const struct json *y)
{
	int64_t a, b;

	if (!json_is(x, JSON_STR) || !json_is(y, JSON_STR) || !asl_timestamp(json_str(x), &a) || !asl_timestamp(json_str(y), &b))
		return false;
	return relation(r, a < b ? -1 : a > b);
}

static bool compare(const struct comparison *c, const struct json *x, const struct json *y)
{
	double p, q;

	switch (c->family) {
	case F_STRING:
		return json_is(x, JSON_STR) && json_is(y, JSON_STR) &&
		       relation((enum relation)c->what, view_cmp(json_str(x), json_str(y)));
	case F_NUMERIC:
		if (!json_is_number(x) || !json_is_number(y))
			return false;
		p = json_double(x, 0);
		q = json_double(y, 0);
		return relation((enum relation)c->what, p < q ? -1 : p > q);
	case F_TIMESTAMP:
		return compare_times((enum relation)c->what, x, y);
	case F_BOOLEAN:
		return json_is(x, JSON_BOOL) && json_is(y, JSON_BOOL) && json_is_true(x) == json_is_true(y);
	case F_MATCHES:
		return json_is(x, JSON_STR) && json_is(y, JSON_STR) && matches(json_str(y), json_str(x));
	case F_IS:
		break;
	}
	return is((enum is)c->what, x) == json_is_true(y);
}

/* NULL and no failure: nothing there. */
static const struct json *variable(struct asl_env *v, struct view text)
{
	bool context = view_starts(text, VIEW("$$"));
	const struct json *ret = NULL;
	struct err e = { 0 };
	const struct jsonpath *p = jsonpath_compile(v->a, context ? view_from(text, 1) : text, &e);

	if (!p || jsonpath_get(v->a, p, context ? v->context : v->input, &ret, &e) < 0)
		return NULL;
	return ret;
}

static int invalid(struct asl_env *v, struct view path)
{
	v->fail = (struct asl_failure){
		.error = "States.Runtime",
		.cause = arena_printf(v->a, "Invalid path '%.*s': The choice state's condition path references an invalid value.",
				      VIEW_ARG(path)),
	};
	return -1;
}

static int test(struct asl_env *v, const struct json *rule, const struct comparison *c, bool by_path, const struct json *arg)
{
	struct view name = json_get_str(rule, "Variable");
	const struct json *x = variable(v, name);

	if (!x && !(c->family == F_IS && c->what == IS_PRESENT))
		return invalid(v, name);
	if (by_path) {
		struct view path = json_str(arg);

		arg = variable(v, path);
		if (!arg)
			return invalid(v, path);
	}
	return compare(c, x, arg);
}

static int all(struct asl_env *v, const struct json *rules, bool want_all)
{
	for (size_t i = 0; i < json_len(rules); i++) {
		int r = asl_choice(v, json_at(rules, i));

		if (r < 0 || (r != 0) != want_all)
			return r;
	}
	return want_all;
}

int asl_choice(struct asl_env *v, const struct json *rule)
{
	const struct json *sub = json_get(rule, "Not");
	bool by_path;
	int r;

	if (sub) {
		r = asl_choice(v, sub);
		return r < 0 ? r : !r;
	}
	if ((sub = json_get(rule, "And")))
		return all(v, sub, true);
	if ((sub = json_get(rule, "Or")))
		return all(v, sub, false);
	for (size_t i = 0; i < rule->obj.n; i++) {
		const struct comparison *c = find(rule->obj.v[i].name, &by_path);

		if (c)
			return test(v, rule, c, by_path, rule->obj.v[i].value);
	}
	return 0;
}

/* --- checking --- */
static const char *check_argument(const struct comparison *c, bool by_path, const struct json *arg)
{
	int64_t ms;

	if (by_path)
		return json_is(arg, JSON_STR) && view_starts(json_str(arg), VIEW("$")) ? NULL : "Expected value of type JSONPath";
	switch (c->family) {
	case F_NUMERIC:
		return json_is_number(arg) ? NULL : "Expected value of type Number";
	case F_BOOLEAN:
	case F_IS:
		return json_is(arg, JSON_BOOL) ? NULL : "Expected value of type Boolean";
	case F_TIMESTAMP:
		if (!json_is(arg, JSON_STR))
			return "Expected value of type String";
		return asl_timestamp(json_str(arg), &ms) ? NULL : "String does not match RFC3339 timestamp";
	case F_STRING:
	case F_MATCHES:
		break;
	}
	return json_is(arg, JSON_STR) ? NULL : "Expected value of type String";
}

static const char *check_list(struct arena *a, const struct json *rules, const char *at, const char **ret_at)
{
	*ret_at = at;
	if (!json_is(rules, JSON_ARR) || json_len(rules) == 0)
		return "Expected a list of choice rules that is not empty";
	for (size_t i = 0; i < json_len(rules); i++) {
		const char *what = asl_choice_check(a, json_at(rules, i), false, arena_printf(a, "%s[%zu]", at, i), ret_at);

		if (what)
			return what;
	}
	return NULL;
}

static const char *check_member(struct arena *a, struct view name, const struct json *x, bool top, const char *at, int *n,
				const char **ret_at)
{
	bool by_path;
	const struct comparison *c = find(name, &by_path);
	const char *here = arena_printf(a, "%s/%.*s", at, VIEW_ARG(name));

	*ret_at = here;
	if (c) {
		*n += 10;
		return check_argument(c, by_path, x);
	}
	if (view_eq_str(name, "And") || view_eq_str(name, "Or")) {
		*n += 11; /* as much as one comparison (10) and its Variable (1) */
		return check_list(a, x, here, ret_at);
	}
	if (view_eq_str(name, "Not")) {
		*n += 11;
		return asl_choice_check(a, x, false, here, ret_at);
	}
	if (view_eq_str(name, "Variable")) {
		++*n;
		return json_is(x, JSON_STR) && view_starts(json_str(x), VIEW("$")) ? NULL : "Value is not a Reference Path";
	}
	if (view_eq_str(name, "Comment"))
		return json_is(x, JSON_STR) ? NULL : "Expected value of type String";
	if (view_eq_str(name, "Next"))
		return top && json_is(x, JSON_STR) ? NULL : "Field is not supported";
	return "Field is not supported";
}

const char *asl_choice_check(struct arena *a, const struct json *rule, bool top, const char *at, const char **ret_at)
{
	int n = 0;

	*ret_at = at;
	if (!json_is(rule, JSON_OBJ))
		return "Expected value of type Object";
	for (size_t i = 0; i < rule->obj.n; i++) {
		const char *what = check_member(a, rule->obj.v[i].name, rule->obj.v[i].value, top, at, &n, ret_at);

		if (what)
			return what;
	}
	*ret_at = at;
	if (n != 11)
		return "A choice rule needs one comparison with its Variable, or one of And, Or, Not";
	if (top && !json_get(rule, "Next"))
		return "These fields are required: [Next]";
	return NULL;
}
