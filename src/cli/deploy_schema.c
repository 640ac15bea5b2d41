/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_schema: properties against the members that their type has. */
#include "cli/deploy_int.h"

static const struct json *wrong(const char *place, const char *what, struct err *e)
{
	err_set(e, ERR_INVALID, "%s must be %s", place, what);
	return NULL;
}

static const struct json *as_bool(struct arena *a, const struct json *v)
{
	struct view text = template_text(a, v);

	if (view_eq(text, VIEW("true")) || view_eq(text, VIEW("True")))
		return &json_true;
	return view_eq(text, VIEW("false")) || view_eq(text, VIEW("False")) ? &json_false : NULL;
}

static const struct json *as_strings(struct arena *a, const struct json *v, const char *place,
				     struct err *e)
{
	struct json *ret = json_new_arr(a);

	if (!json_is(v, JSON_ARR))
		return wrong(place, "a list of text", e);
	for (size_t i = 0; i < json_len(v); i++) {
		struct view text = template_text(a, json_at(v, i));

		if (!text.p)
			return wrong(arena_printf(a, "%s[%zu]", place, i), "text", e);
		json_push(a, ret, json_new_str(a, text));
	}
	return ret;
}

static const struct json *as_map(struct arena *a, const struct json *v, const char *place,
				 struct err *e)
{
	struct json *ret = json_new_obj(a);

	if (!json_is(v, JSON_OBJ))
		return wrong(place, "a mapping of text", e);
	for (size_t i = 0; i < json_len(v); i++) {
		struct view text = template_text(a, v->obj.v[i].value);

		if (!text.p)
			return wrong(arena_printf(a, "%s.%.*s", place, VIEW_ARG(v->obj.v[i].name)),
				     "text", e);
		json_set_view(a, ret, v->obj.v[i].name, json_new_str(a, text));
	}
	return ret;
}

static const struct json *as_list(struct arena *a, const struct prop *sub, const struct json *v,
				  const char *place, struct err *e)
{
	struct json *ret = json_new_arr(a);

	if (!json_is(v, JSON_ARR))
		return wrong(place, "a list", e);
	for (size_t i = 0; i < json_len(v); i++) {
		const struct json *item = schema_check(a, sub, json_at(v, i),
						       arena_printf(a, "%s[%zu]", place, i), e);

		if (!item)
			return NULL;
		json_push(a, ret, item);
	}
	return ret;
}

static const struct json *as_kind(struct arena *a, const struct prop *p, const struct json *v,
				  const char *place, struct err *e)
{
	struct view text = template_text(a, v);
	const struct json *b;
	int64_t n;

	switch (p->kind) {
	case PROP_STR:
		return text.p ? json_new_str(a, text) : wrong(place, "text", e);
	case PROP_INT:
		return text.p && view_i64(text, &n) ? json_new_int(a, n)
						    : wrong(place, "an integer", e);
	case PROP_BOOL:
		b = as_bool(a, v);
		return b ? b : wrong(place, "true or false", e);
	case PROP_OBJ:
		return schema_check(a, p->sub, v, place, e);
	case PROP_LIST:
		return as_list(a, p->sub, v, place, e);
	case PROP_STRINGS:
		return as_strings(a, v, place, e);
	case PROP_MAP:
		return as_map(a, v, place, e);
	case PROP_JSON:
		return v;
	}
	return NULL;
}

static const struct prop *find(const struct prop *props, struct view name)
{
	for (; props->name; props++)
		if (view_eq_str(name, props->name))
			return props;
	return NULL;
}

const struct json *schema_check(struct arena *a, const struct prop *props, const struct json *given,
				const char *place, struct err *e)
{
	struct json *ret = json_new_obj(a);

	if (!json_is(given, JSON_OBJ))
		return wrong(place, "a mapping", e);
	for (size_t i = 0; i < json_len(given); i++) {
		const struct json_member *m = &given->obj.v[i];
		const struct prop *p = find(props, m->name);
		const char *at = arena_printf(a, "%s.%.*s", place, VIEW_ARG(m->name));
		const struct json *v;

		if (!p) {
			err_set(e, ERR_UNSUPPORTED, "%s is not supported", at);
			return NULL;
		}
		v = as_kind(a, p, m->value, at, e);
		if (!v)
			return NULL;
		json_set_view(a, ret, m->name, v);
	}
	for (const struct prop *p = props; p->name; p++)
		if (p->required && !json_get(ret, p->name)) {
			err_set(e, ERR_INVALID, "%s.%s is required", place, p->name);
			return NULL;
		}
	return ret;
}

/* --- comparing --- */

static const char *list_differs(struct arena *a, const struct prop *sub, const struct json *want,
				const struct json *have, const char *place)
{
	if (json_len(want) != json_len(have))
		return place;
	for (size_t i = 0; i < json_len(want); i++) {
		const char *at = schema_differs(a, sub, json_at(want, i), json_at(have, i),
						arena_printf(a, "%s[%zu]", place, i));

		if (at)
			return at;
	}
	return NULL;
}

/* Empty is as good as absent; the catalog keeps names in lower case. */
static bool same(const struct prop *p, const struct json *want, const struct json *have)
{
	bool container = json_is(want, JSON_OBJ) || json_is(want, JSON_ARR);

	if (!have)
		return (container && json_len(want) == 0) ||
		       (json_is(want, JSON_STR) && json_str(want).n == 0);
	if (p->kind == PROP_STR && view_eq_str(VIEW("Name"), p->name))
		return view_eq_nocase(json_str(want), json_str(have));
	return json_equal(want, have);
}

const char *schema_differs(struct arena *a, const struct prop *props, const struct json *want,
			   const struct json *have, const char *place)
{
	for (size_t i = 0; i < json_len(want); i++) {
		const struct json_member *m = &want->obj.v[i];
		const struct prop *p = find(props, m->name);
		const struct json *h = json_get_view(have, m->name);
		const char *at = arena_printf(a, "%s.%.*s", place, VIEW_ARG(m->name));
		const char *found = NULL;

		must(p);
		if (p->kind == PROP_OBJ)
			found = schema_differs(a, p->sub, m->value, h, at);
		else if (p->kind == PROP_LIST)
			found = list_differs(a, p->sub, m->value, h, at);
		else if (!same(p, m->value, h))
			found = at;
		if (found)
			return found;
	}
	return NULL;
}
