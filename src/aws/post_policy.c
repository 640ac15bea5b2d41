/* SPDX-License-Identifier: Apache-2.0 */
/* The policy document of an upload form: read strictly, every field covered, every condition held. */
#include "aws/post_policy.h"

#include "base/base64.h"
#include "base/time.h"

#define POLICY_DEPTH 4

static const struct aws_error INVALID_POLICY = { "InvalidPolicyDocument", 400, false };
static const struct aws_error DENIED = { "AccessDenied", 403, false };

struct check {
	const struct post_fields *f;
	struct arena *a;
	struct post_range *range;
	bool *covered;       /* as f->v */
	bool bucket_covered;
	struct err *e;
};

static int invalid(struct check *c, const char *why)
{
	return aws_fail(c->e, &INVALID_POLICY, "Invalid Policy: %s", why);
}

static int failed(struct check *c, const struct json *condition)
{
	return aws_fail(c->e, &DENIED, "Invalid according to Policy: Policy Condition failed: %.900s",
			json_text(c->a, condition));
}

/* The value of a field, which is now covered by a condition. */
static struct view covered(struct check *c, struct view name)
{
	struct view v = VIEW_NONE;

	if (view_eq_nocase(name, VIEW("bucket"))) {
		c->bucket_covered = true;
		v = c->f->bucket;
	}
	for (size_t i = 0; i < c->f->n; i++) {
		if (!view_eq_nocase(c->f->v[i].name, name))
			continue;
		c->covered[i] = true;
		if (!v.p)
			v = c->f->v[i].value;
	}
	return v;
}

/* Several content types with commas between them are a list: each has to fit. */
static bool starts_with(struct view name, struct view value, struct view prefix)
{
	struct view one;

	if (!view_eq_nocase(name, VIEW("content-type")))
		return view_starts(value, prefix);
	while (view_split(&value, ',', &one))
		if (!view_starts(view_trim(one), prefix))
			return false;
	return true;
}

static int match(struct check *c, const struct json *condition, bool prefix, struct view name, struct view want)
{
	struct view is = covered(c, name);

	if (is.p && (prefix ? starts_with(name, is, want) : view_eq(is, want)))
		return 0;
	return failed(c, condition);
}

/* {"name": "value", ...}: each an eq. */
static int check_object(struct check *c, const struct json *o)
{
	int rc = 0;

	if (!json_len(o))
		return invalid(c, "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
	for (size_t i = 0; rc == 0 && i < o->obj.n; i++) {
		const struct json_member *m = &o->obj.v[i];
		struct json *as_list = json_new_arr(c->a);

		if (!json_is(m->value, JSON_STR))
			return invalid(c, "Invalid Simple-Condition: value must be a string.");
		json_push(c->a, as_list, json_new_str(c->a, VIEW("eq")));
		json_push(c->a, as_list, json_new_str(c->a, view_str(arena_printf(c->a, "$%.*s", VIEW_ARG(m->name)))));
		json_push(c->a, as_list, m->value);
		rc = match(c, as_list, false, m->name, m->value->s);
	}
	return rc;
}

static bool length_of(const struct json *v, uint64_t *ret)
{
	if (json_is(v, JSON_STR))
		return view_u64(v->s, INT64_MAX, ret);
	*ret = (uint64_t)json_int(v, 0);
	return json_is(v, JSON_INT) && v->i >= 0;
}

static int check_range(struct check *c, const struct json *l)
{
	uint64_t min, max;

	if (!length_of(json_at(l, 1), &min) || !length_of(json_at(l, 2), &max) || min > max)
		return invalid(c, "Invalid content-length-range: two lengths are needed, the lesser first.");
	if (min > c->range->min)
		c->range->min = min;
	if (max < c->range->max)
		c->range->max = max;
	return 0;
}

static int check_list(struct check *c, const struct json *l)
{
	struct view op = json_str(json_at(l, 0)), name = json_str(json_at(l, 1)), value = json_str(json_at(l, 2));

	if (json_len(l) != 3 || !op.p)
		return invalid(c, "Invalid Condition: a list of three is needed.");
	if (view_eq_nocase(op, VIEW("content-length-range")))
		return check_range(c, l);
	if (!view_eq_nocase(op, VIEW("eq")) && !view_eq_nocase(op, VIEW("starts-with")))
		return invalid(c, "Invalid Condition: the operation has to be eq, starts-with or content-length-range.");
	if (!view_starts(name, VIEW("$")) || !value.p)
		return invalid(c, "Invalid Condition: \"$\" and a field's name, and a text, are needed.");
	return match(c, l, view_eq_nocase(op, VIEW("starts-with")), view_from(name, 1), value);
}

static bool is_exempt(struct view name)
{
	struct view ignore = VIEW("x-ignore-");

	return view_eq_nocase(name, VIEW("x-amz-signature")) || view_eq_nocase(name, VIEW("policy")) ||
	       view_eq_nocase(name, VIEW("file")) || view_eq_nocase(view_sub(name, 0, ignore.n), ignore);
}

static int check_coverage(struct check *c)
{
	const struct post_fields *f = c->f;
	struct buf b;
	int rc = 0;

	buf_init(&b, 512);
	if (!c->bucket_covered)
		buf_add_str(&b, "bucket");
	for (size_t i = 0; i < f->n; i++)
		if (!c->covered[i] && !is_exempt(f->v[i].name) && !view_eq_nocase(f->v[i].name, VIEW("bucket")))
			buf_printf(&b, "%s%.*s", b.n ? ", " : "", VIEW_ARG(f->v[i].name));
	if (b.n || b.over)
		rc = aws_fail(c->e, &DENIED, "Invalid according to Policy: Extra input fields: %.*s", VIEW_ARG(buf_view(&b)));
	buf_clear(&b);
	return rc;
}

static int check_expiration(struct check *c, const struct json *policy, int64_t now_ms)
{
	struct view v = json_get_str(policy, "expiration");
	int64_t until;

	if (!v.p || !time_parse_iso(v, &until))
		return invalid(c, "Invalid 'expiration' value.");
	if (until <= now_ms)
		return aws_fail(c->e, &DENIED, "Invalid according to Policy: Policy expired.");
	return 0;
}

/* The document itself: exactly its two members. */
static const struct json *read_policy(struct check *c, struct view document)
{
	struct err why = { 0 };
	const struct json *policy;
	struct view text;

	if (!base64_decode_arena(c->a, document, &text)) {
		invalid(c, "Invalid base64.");
		return NULL;
	}
	policy = json_parse(c->a, text, POLICY_DEPTH, &why);
	if (!json_is(policy, JSON_OBJ)) {
		invalid(c, "Invalid JSON.");
		return NULL;
	}
	for (size_t i = 0; i < policy->obj.n; i++) {
		struct view name = policy->obj.v[i].name;

		if (view_eq_str(name, "expiration") || view_eq_str(name, "conditions"))
			continue;
		aws_fail(c->e, &INVALID_POLICY, "Invalid Policy: Unexpected: '%.*s'.", (int)(name.n < 100 ? name.n : 100),
			 name.p);
		return NULL;
	}
	return policy;
}

int post_policy_check(struct view document, const struct post_fields *f, int64_t now_ms, struct arena *a,
		      struct post_range *ret, struct err *e)
{
	struct check c = { .f = f, .a = a, .range = ret, .e = e };
	const struct json *policy = read_policy(&c, document), *conditions;
	int rc;

	if (!policy)
		return e->code;
	*ret = (struct post_range){ 0, UINT64_MAX };
	c.covered = ARENA_ARRAY(a, bool, f->n + 1);
	rc = check_expiration(&c, policy, now_ms);
	conditions = json_get(policy, "conditions");
	if (rc == 0 && !json_is(conditions, JSON_ARR))
		rc = invalid(&c, "Invalid 'conditions' value: must be a List.");
	for (size_t i = 0; rc == 0 && i < json_len(conditions); i++) {
		const struct json *one = json_at(conditions, i);

		if (json_is(one, JSON_OBJ))
			rc = check_object(&c, one);
		else
			rc = json_is(one, JSON_ARR) ? check_list(&c, one) : invalid(&c, "Invalid Condition.");
	}
	return rc < 0 ? rc : check_coverage(&c);
}
