// SPDX-License-Identifier: Apache-2.0
/* Input and output processing: paths, templates, intrinsic functions, ResultPath. */
#include <string.h>

#include "base/limits.h"
#include "data/intrinsic.h"
#include "data/jsonpath.h"
#include "os/crypto.h"
#include "svc/states/asl.h"

static const struct json *fail(struct asl_env *v, const char *error, const char *cause)
{
	v->fail = (struct asl_failure){ .error = error, .cause = cause };
	return NULL;
}

/* "$$.x" looks into the context, everything else into the input. */
static int get(struct asl_env *v, struct view text, const struct json **ret, struct err *e)
{
	bool context = view_starts(text, VIEW("$$"));
	const struct jsonpath *p = jsonpath_compile(v->a, context ? view_from(text, 1) : text, e);

	return p ? jsonpath_get(v->a, p, context ? v->context : v->input, ret, e) : e->code;
}

/* "$.a.b" as "$['a']['b']", the way it stands in the service's messages. */
static const char *spelled(struct arena *a, struct view path)
{
	struct buf b;
	struct view part;
	const char *s;

	if (view_chr(path, '[') >= 0)
		return arena_str(a, path);
	buf_init(&b, 64 * KIB);
	view_split(&path, '.', &part);
	buf_add_char(&b, '$');
	while (view_split(&path, '.', &part))
		buf_printf(&b, "['%.*s']", VIEW_ARG(part));
	s = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return s;
}

const struct json *asl_filter(struct asl_env *v, const struct json *path)
{
	struct view text = json_str(path);
	const struct json *ret;
	struct err e = { 0 };

	if (!path || view_eq_str(text, "$"))
		return v->input;
	if (json_is(path, JSON_NULL))
		return json_new_obj(v->a);
	if (get(v, text, &ret, &e) == 0)
		return ret;
	if (e.code == ERR_NOENT)
		return fail(v, "States.Runtime", arena_printf(v->a, "Invalid path '%.*s' : No results for path: %s",
							      VIEW_ARG(text), spelled(v->a, text)));
	return fail(v, "States.Runtime", arena_printf(v->a, "Invalid path '%.*s' : %s", VIEW_ARG(text), e.msg));
}

/* --- what intrinsic functions need --- */
static int path_argument(void *arg, struct view path, const struct json **ret, struct err *e)
{
	return get(arg, path, ret, e);
}

static bool hash(void *arg, struct view algorithm, struct view v, char out[129])
{
	static const struct { const char *name; enum digest_kind k; } kinds[] = {
		{ "MD5", DIGEST_MD5 }, { "SHA-1", DIGEST_SHA1 }, { "SHA-256", DIGEST_SHA256 },
		{ "SHA-384", DIGEST_SHA384 }, { "SHA-512", DIGEST_SHA512 },
	};
	static const char digits[] = "0123456789abcdef";
	uint8_t d[DIGEST_MAX];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n;

		if (!view_eq_str(algorithm, kinds[i].name))
			continue;
		n = digest_once(kinds[i].k, v, d);
		for (size_t k = 0; k < n; k++) {
			out[k * 2] = digits[d[k] >> 4];
			out[k * 2 + 1] = digits[d[k] & 15];
		}
		out[n * 2] = 0;
		return true;
	}
	return false;
}

static void uuid(void *arg, char out[37])
{
	uuid4(out);
}

static uint64_t number(void *arg)
{
	uint64_t n;

	random_bytes(&n, sizeof(n));
	return n;
}

static const struct json *not_found(struct asl_env *v, struct view path, const char *field)
{
	return fail(v, "States.Runtime",
		    arena_printf(v->a, "The JSONPath '%.*s' specified for the field '%s' could not be found in the input '%s'",
				 VIEW_ARG(path), field, json_text(v->a, v->input)));
}

static const struct json *function(struct asl_env *v, struct view text, const char *field)
{
	const struct intrinsic_env env = { v, path_argument, hash, uuid, number };
	struct err e = { 0 };
	const struct intrinsic *in = intrinsic_compile(v->a, text, &e);
	const struct json *ret;

	if (in && intrinsic_eval(v->a, in, &env, &ret, &e) == 0)
		return ret;
	if (e.code == ERR_NOENT)
		return not_found(v, text, field);
	return fail(v, "States.IntrinsicFailure",
		    arena_printf(v->a, "The function '%.*s' had the following error: %s", VIEW_ARG(text), e.msg));
}

const struct json *asl_value(struct asl_env *v, struct view text, const char *field)
{
	const struct json *ret;
	struct err e = { 0 };

	if (intrinsic_is_call(text))
		return function(v, text, field);
	if (get(v, text, &ret, &e) == 0)
		return ret;
	if (e.code == ERR_NOENT)
		return not_found(v, text, field);
	return fail(v, "States.Runtime", arena_printf(v->a, "Invalid path '%.*s' : %s", VIEW_ARG(text), e.msg));
}

static const struct json *template_object(struct asl_env *v, const struct json *t)
{
	struct json *o = json_new_obj(v->a);

	for (size_t i = 0; i < t->obj.n; i++) {
		struct view name = t->obj.v[i].name;
		const struct json *x = t->obj.v[i].value;

		if (view_ends(name, VIEW(".$"))) {
			x = asl_value(v, json_str(x), arena_str(v->a, name));
			name.n -= 2;
		} else {
			x = asl_template(v, x);
		}
		if (!x)
			return NULL;
		json_set_view(v->a, o, name, x);
	}
	return o;
}

const struct json *asl_template(struct asl_env *v, const struct json *t)
{
	struct json *arr;

	if (json_is(t, JSON_OBJ))
		return template_object(v, t);
	if (!json_is(t, JSON_ARR))
		return t;
	arr = json_new_arr(v->a);
	for (size_t i = 0; i < t->arr.n; i++) {
		const struct json *x = asl_template(v, t->arr.v[i]);

		if (!x)
			return NULL;
		json_push(v->a, arr, x);
	}
	return arr;
}

const struct json *asl_result(struct asl_env *v, const struct json *def, const struct json *raw, const struct json *result)
{
	const struct json *path = json_get(def, "ResultPath"), *ret;
	struct view text = json_str(path);
	const struct jsonpath *p;
	struct err e = { 0 };

	if (json_is(path, JSON_NULL))
		return raw;
	if (!path || view_eq_str(text, "$"))
		return result;
	p = jsonpath_compile(v->a, text, &e);
	if (p && jsonpath_put(v->a, p, raw, result, &ret, &e) == 0)
		return ret;
	return fail(v, "States.ResultPathMatchFailure",
		    arena_printf(v->a, "Unable to apply step \"%.*s\" to input %s", VIEW_ARG(view_from(text, text.n > 2 ? 2 : 0)),
				 json_text(v->a, raw)));
}
