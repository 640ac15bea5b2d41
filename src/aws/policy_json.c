/* SPDX-License-Identifier: Apache-2.0 */
/* A policy and a request in JSON, the verdict out. */
#include "aws/policy_json.h"

#include "aws/policy.h"

struct keys {
	struct arena *a;
	const struct json *v;
};

static bool key(void *self, struct view name, struct policy_values *ret)
{
	const struct keys *k = self;
	const struct json *v = NULL;
	struct view *t;
	size_t n;

	for (size_t i = 0; i < json_len(k->v); i++)
		if (view_eq_nocase(k->v->obj.v[i].name, name))
			v = k->v->obj.v[i].value;
	if (!v)
		return false;
	n = json_is(v, JSON_ARR) ? json_len(v) : 1;
	t = ARENA_ARRAY(k->a, struct view, n + 1);
	for (size_t i = 0; i < n; i++) {
		t[i] = json_str(json_is(v, JSON_ARR) ? json_at(v, i) : v);
		if (!t[i].p)
			t[i] = VIEW("");
	}
	*ret = (struct policy_values){ t, n };
	return true;
}

static struct view text(const struct json *o, const char *name)
{
	struct view v = json_get_str(o, name);

	return v.p ? v : VIEW("");
}

int policy_json(struct arena *a, const struct json *in, const struct json **ret, struct err *e)
{
	static const char *const effects[] = { "None", "Delegate", "Allow", "Deny" };
	const struct json *doc = json_get(in, "policy"), *r = json_get(in, "request");
	const struct policy_rules rules = {
		.kind = view_eq_str(json_get_str(in, "kind"), "identity") ? POLICY_IDENTITY : POLICY_RESOURCE,
	};
	struct keys keys = { a, json_get(r, "keys") };
	const struct policy_request q = { .action = text(r, "action"), .resource = text(r, "resource"),
					  .account = text(r, "account"), .arn = text(r, "arn"),
					  .canonical_id = text(r, "canonical_id"), .key = key, .self = &keys, .arena = a };
	struct json *o = json_new_obj(a);
	struct policy *p;

	p = json_is(doc, JSON_STR) ? policy_parse(json_str(doc), &rules, e) : policy_compile(doc, &rules, e);
	if (!p)
		return e->code;
	json_set_str(a, o, "effect", effects[policy_eval(p, &q)]);
	json_set(a, o, "public", json_new_bool(policy_is_public(p)));
	policy_free(p);
	*ret = o;
	return 0;
}
