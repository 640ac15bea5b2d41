// SPDX-License-Identifier: Apache-2.0
/* The 18 intrinsic functions. */
#include "data/intrinsic.h"

#include <math.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/utf8.h"
#include "data/intrinsic_int.h"

#define TEXT_MAX (4 * MIB)
#define CODED_MAX 10000
#define RANGE_MAX 1000

static const struct json *fail(struct call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static const struct json *fail(struct call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_set(c->e, ERR_INVALID, "%s", arena_vprintf(c->a, fmt, ap));
	va_end(ap);
	return NULL;
}

static bool want(struct call *c, size_t i, enum json_type t)
{
	static const char *const names[] = { "null", "boolean", "number", "number", "string", "array", "object" };

	if (json_is(c->arg[i], t))
		return true;
	fail(c, "Argument %zu of %s must be of type %s, not %s", i + 1, c->in->fn->name, names[t],
	     json_type_name(c->arg[i]));
	return false;
}

/* Numbers are rounded half up, as the service does. */
static bool want_int(struct call *c, size_t i, int64_t *ret)
{
	double d;

	if (!json_is_number(c->arg[i])) {
		fail(c, "Argument %zu of %s must be of type number, not %s", i + 1, c->in->fn->name,
		     json_type_name(c->arg[i]));
		return false;
	}
	if (json_is(c->arg[i], JSON_INT)) {
		*ret = json_int(c->arg[i], 0);
		return true;
	}
	d = floor(json_double(c->arg[i], 0) + 0.5);
	if (!(fabs(d) < 9.2e18)) {
		fail(c, "Argument %zu of %s is out of range", i + 1, c->in->fn->name);
		return false;
	}
	*ret = (int64_t)d;
	return true;
}

static void format_value(struct buf *b, const struct json *v)
{
	if (json_is(v, JSON_STR))
		buf_add_view(b, json_str(v));
	else
		json_print(b, v);
}

static const struct json *format_text(struct call *c, struct view t, struct buf *b)
{
	size_t used = 1;

	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '\\' && i + 1 < t.n && memchr("'{}\\", t.p[i + 1], 4)) {
			buf_add_char(b, t.p[++i]);
		} else if (t.p[i] == '{') {
			if (i + 1 == t.n || t.p[i + 1] != '}')
				return fail(c, "States.Format: a '{' without its '}'");
			if (used == c->n)
				return fail(c, "States.Format: the template has more placeholders than arguments");
			format_value(b, c->arg[used++]);
			i++;
		} else if (t.p[i] == '}') {
			return fail(c, "States.Format: a '}' without its '{'");
		} else {
			buf_add_char(b, t.p[i]);
		}
	}
	if (used != c->n)
		return fail(c, "States.Format: the template has fewer placeholders than arguments");
	if (buf_check(b, "States.Format", c->e) < 0)
		return NULL;
	return json_new_str(c->a, buf_view(b));
}

static const struct json *fn_format(struct call *c)
{
	const struct intrinsic *first = c->in->args[0];
	const struct json *v;
	struct buf b;

	if (!want(c, 0, JSON_STR))
		return NULL;
	buf_init(&b, TEXT_MAX);
	v = format_text(c, first->kind == INTRINSIC_LITERAL ? first->raw : json_str(c->arg[0]), &b);
	buf_clear(&b);
	return v;
}

static const struct json *fn_string_to_json(struct call *c)
{
	struct view t;

	if (!want(c, 0, JSON_STR))
		return NULL;
	t = view_trim(json_str(c->arg[0]));
	return t.n ? json_parse(c->a, t, JSON_DEPTH, c->e) : &json_null;
}

static const struct json *fn_json_to_string(struct call *c)
{
	return json_new_cstr(c->a, json_text(c->a, c->arg[0]));
}

static const struct json *fn_array(struct call *c)
{
	struct json *v = json_new_arr(c->a);

	for (size_t i = 0; i < c->n; i++)
		json_push(c->a, v, c->arg[i]);
	return v;
}

static const struct json *fn_partition(struct call *c)
{
	struct json *v = json_new_arr(c->a), *part = NULL;
	int64_t size;

	if (!want(c, 0, JSON_ARR) || !want_int(c, 1, &size))
		return NULL;
	if (size <= 0)
		return fail(c, "States.ArrayPartition: the chunk size must be greater than zero");
	for (size_t i = 0; i < json_len(c->arg[0]); i++) {
		if (i % (uint64_t)size == 0)
			json_push(c->a, v, part = json_new_arr(c->a));
		json_push(c->a, part, json_at(c->arg[0], i));
	}
	return v;
}

static const struct json *fn_contains(struct call *c)
{
	if (!want(c, 0, JSON_ARR))
		return NULL;
	for (size_t i = 0; i < json_len(c->arg[0]); i++)
		if (json_equal(json_at(c->arg[0], i), c->arg[1]))
			return json_new_bool(true);
	return json_new_bool(false);
}

static const struct json *fn_range(struct call *c)
{
	struct json *v = json_new_arr(c->a);
	int64_t from, to, step;

	if (!want_int(c, 0, &from) || !want_int(c, 1, &to) || !want_int(c, 2, &step))
		return NULL;
	if (step == 0)
		return fail(c, "States.ArrayRange: the increment must not be zero");
	while (step > 0 ? from <= to : from >= to) {
		if (json_len(v) == RANGE_MAX)
			return fail(c, "States.ArrayRange: more than %d elements", RANGE_MAX);
		json_push(c->a, v, json_new_int(c->a, from));
		if (__builtin_add_overflow(from, step, &from))
			break;
	}
	return v;
}

static const struct json *fn_get_item(struct call *c)
{
	int64_t i;

	if (!want(c, 0, JSON_ARR) || !want_int(c, 1, &i))
		return NULL;
	if (i < 0 || (uint64_t)i >= json_len(c->arg[0]))
		return fail(c, "States.ArrayGetItem: index %lld is out of bounds for an array of length %zu", (long long)i,
			    json_len(c->arg[0]));
	return json_at(c->arg[0], (size_t)i);
}

static const struct json *fn_length(struct call *c)
{
	return want(c, 0, JSON_ARR) ? json_new_int(c->a, (int64_t)json_len(c->arg[0])) : NULL;
}

static const struct json *fn_unique(struct call *c)
{
	struct json *v = json_new_arr(c->a);
	static char seen;
	struct map m;

	if (!want(c, 0, JSON_ARR))
		return NULL;
	map_init(&m);
	for (size_t i = 0; i < json_len(c->arg[0]); i++)
		if (!map_put(&m, view_str(json_text(c->a, json_at(c->arg[0], i))), &seen))
			json_push(c->a, v, json_at(c->arg[0], i));
	map_clear(&m);
	return v;
}

static bool want_short(struct call *c, size_t i)
{
	if (!want(c, i, JSON_STR))
		return false;
	if (utf8_len(json_str(c->arg[i])) <= CODED_MAX)
		return true;
	fail(c, "%s: more than %d characters", c->in->fn->name, CODED_MAX);
	return false;
}

static const struct json *fn_encode(struct call *c)
{
	if (!want_short(c, 0))
		return NULL;
	return json_new_str(c->a, base64_encode_arena(c->a, json_str(c->arg[0])));
}

static const struct json *fn_decode(struct call *c)
{
	struct view v;

	if (!want_short(c, 0))
		return NULL;
	if (!base64_decode_arena(c->a, json_str(c->arg[0]), &v) || !utf8_valid(v))
		return fail(c, "States.Base64Decode: the text is not base64 of UTF-8");
	return json_new_str(c->a, v);
}

static const struct json *fn_hash(struct call *c)
{
	char out[129];
	struct view data;

	if (!want(c, 1, JSON_STR))
		return NULL;
	data = json_is(c->arg[0], JSON_STR) ? json_str(c->arg[0]) : view_str(json_text(c->a, c->arg[0]));
	if (utf8_len(data) > CODED_MAX)
		return fail(c, "States.Hash: more than %d characters", CODED_MAX);
	if (!c->env->hash(c->env->arg, json_str(c->arg[1]), data, out))
		return fail(c, "States.Hash: unknown algorithm %.*s", VIEW_ARG(json_str(c->arg[1])));
	return json_new_cstr(c->a, out);
}

static const struct json *fn_merge(struct call *c)
{
	struct json *v;

	if (!want(c, 0, JSON_OBJ) || !want(c, 1, JSON_OBJ) || !want(c, 2, JSON_BOOL))
		return NULL;
	if (json_is_true(c->arg[2]))
		return fail(c, "States.JsonMerge: deep merging is not supported");
	v = json_copy(c->a, c->arg[0]);
	for (size_t i = 0; i < c->arg[1]->obj.n; i++)
		json_set_view(c->a, v, c->arg[1]->obj.v[i].name, c->arg[1]->obj.v[i].value);
	return v;
}

/* A seed gives the same number every time (SplitMix64 of it), though not the one that AWS would give. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static const struct json *fn_random(struct call *c)
{
	int64_t from, to, seed;
	uint64_t r;

	if (!want_int(c, 0, &from) || !want_int(c, 1, &to))
		return NULL;
	if (c->n == 3 && !want_int(c, 2, &seed))
		return NULL;
	if (from >= to)
		return fail(c, "States.MathRandom: the start must be less than the end");
	r = c->n == 3 ? mix((uint64_t)seed) : c->env->random(c->env->arg);
	return json_new_int(c->a, (int64_t)((uint64_t)from + r % ((uint64_t)to - (uint64_t)from)));
}

static const struct json *fn_add(struct call *c)
{
	int64_t x, y, sum;

	if (!want_int(c, 0, &x) || !want_int(c, 1, &y))
		return NULL;
	if (__builtin_add_overflow(x, y, &sum))
		return fail(c, "States.MathAdd: the sum is out of range");
	return json_new_int(c->a, sum);
}

/* Every character of the second argument separates; empty pieces are left out. */
static const struct json *fn_split(struct call *c)
{
	struct json *v = json_new_arr(c->a);
	struct view t, by;
	size_t from = 0;

	if (!want(c, 0, JSON_STR) || !want(c, 1, JSON_STR))
		return NULL;
	t = json_str(c->arg[0]);
	by = json_str(c->arg[1]);
	for (size_t i = 0; i <= t.n;) {
		size_t len = 1;

		while (i + len < t.n && ((unsigned char)t.p[i + len] & 0xc0) == 0x80)
			len++;
		if (i == t.n || view_find(by, view_sub(t, i, len)) >= 0) {
			if (i > from)
				json_push(c->a, v, json_new_str(c->a, view_sub(t, from, i - from)));
			from = i + len;
		}
		i += len;
	}
	return v;
}

static const struct json *fn_uuid(struct call *c)
{
	char out[37];

	c->env->uuid(c->env->arg, out);
	return json_new_cstr(c->a, out);
}

static const struct intrinsic_fn fns[] = {
	{ "States.Format", 1, 64, fn_format },
	{ "States.StringToJson", 1, 1, fn_string_to_json },
	{ "States.JsonToString", 1, 1, fn_json_to_string },
	{ "States.Array", 0, 64, fn_array },
	{ "States.ArrayPartition", 2, 2, fn_partition },
	{ "States.ArrayContains", 2, 2, fn_contains },
	{ "States.ArrayRange", 3, 3, fn_range },
	{ "States.ArrayGetItem", 2, 2, fn_get_item },
	{ "States.ArrayLength", 1, 1, fn_length },
	{ "States.ArrayUnique", 1, 1, fn_unique },
	{ "States.Base64Encode", 1, 1, fn_encode },
	{ "States.Base64Decode", 1, 1, fn_decode },
	{ "States.Hash", 2, 2, fn_hash },
	{ "States.JsonMerge", 3, 3, fn_merge },
	{ "States.MathRandom", 2, 3, fn_random },
	{ "States.MathAdd", 2, 2, fn_add },
	{ "States.StringSplit", 2, 2, fn_split },
	{ "States.UUID", 0, 0, fn_uuid },
};

const struct intrinsic_fn *intrinsic__find(struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(fns); i++)
		if (view_eq_str(name, fns[i].name))
			return &fns[i];
	return NULL;
}

/* Parts may be shared many times over: what is small in memory need not be small as text. */
static int check_size(const struct intrinsic *in, const struct json *v, struct err *e)
{
	if (json_text_size(v, TEXT_MAX) < TEXT_MAX)
		return 0;
	if (in->kind == INTRINSIC_PATH)
		return err_set(e, ERR_INVALID, "what %.*s gives is larger than %lu bytes", VIEW_ARG(in->path), TEXT_MAX);
	return err_set(e, ERR_INVALID, "%s: the result is larger than %lu bytes", in->fn->name, TEXT_MAX);
}

int intrinsic_eval(struct arena *a, const struct intrinsic *in, const struct intrinsic_env *env,
		   const struct json **ret, struct err *e)
{
	struct call c = { .a = a, .in = in, .env = env, .n = in->n_args, .e = e };
	const struct json *v;
	int r;

	if (in->kind == INTRINSIC_LITERAL) {
		*ret = in->literal;
		return 0;
	}
	if (in->kind == INTRINSIC_PATH)
		return env->path(env->arg, in->path, ret, e);
	c.arg = ARENA_ARRAY(a, const struct json *, in->n_args + 1);
	for (size_t i = 0; i < in->n_args; i++) {
		r = intrinsic_eval(a, in->args[i], env, &c.arg[i], e);
		if (r == 0 && in->args[i]->kind == INTRINSIC_PATH)
			r = check_size(in->args[i], c.arg[i], e);
		if (r < 0)
			return r;
	}
	/* One call takes much less than half of an arena; many in one expression need not. */
	if (a->used > a->max / 2)
		return err_set(e, ERR_LIMIT, "%s: there is not enough memory for one more call", in->fn->name);
	v = in->fn->run(&c);
	if (!v)
		return e->code;
	r = check_size(in, v, e);
	if (r == 0)
		*ret = v;
	return r;
}
