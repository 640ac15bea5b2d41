/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_functions: Ref, Fn::Sub, Fn::GetAtt and Fn::Join. */
#include "base/limits.h"
#include "cli/deploy_int.h"

struct resolver {
	const struct deploy_template *t;
	struct deploy_resource *needs; /* NULL: do not collect */
	struct err *e;
};

static const struct json *resolve(struct resolver *r, const struct json *node, const char *place);

static const struct json *fail_null(struct err *e)
{
	must(e->code != 0);
	return NULL;
}

static void add_need(struct resolver *x, struct deploy_resource *r)
{
	struct deploy_resource *n = x->needs;

	if (!n)
		return;
	for (size_t i = 0; i < n->n_needs; i++)
		if (n->needs[i] == r)
			return;
	if (n->n_needs == n->cap_needs) {
		struct deploy_resource **old = n->needs;

		n->cap_needs = n->cap_needs ? n->cap_needs * 2 : 8;
		n->needs = ARENA_ARRAY(x->t->a, struct deploy_resource *, n->cap_needs);
		for (size_t i = 0; i < n->n_needs; i++)
			n->needs[i] = old[i];
	}
	n->needs[n->n_needs++] = r;
}

/* What "Name" (@attr VIEW_NONE) or "Name.attr" gives; VIEW_NONE and an error naming @what. */
static struct view lookup(struct resolver *x, struct view name, struct view attr, const char *place,
			  const char *what)
{
	const struct json *v = attr.p ? NULL : json_get_view(x->t->values, name);
	struct deploy_resource *r;
	const char *text;

	if (v)
		return json_str(v);
	if (view_starts(name, VIEW("AWS::"))) {
		err_set(x->e, ERR_UNSUPPORTED, "%s: %s: pseudo parameter %.*s is not supported",
			place, what, VIEW_ARG(name));
		return VIEW_NONE;
	}
	r = template_find(x->t, name);
	if (!r) {
		err_set(x->e, ERR_INVALID, "%s: %s: there is no %s %.*s", place, what,
			attr.p ? "resource" : "parameter or resource", VIEW_ARG(name));
		return VIEW_NONE;
	}
	add_need(x, r);
	text = x->t->value(x->t, r, attr.p ? arena_str(x->t->a, attr) : NULL);
	if (!text) {
		err_set(x->e, ERR_UNSUPPORTED, "%s: %s: attribute %.*s of %s (%s) is not supported",
			place, what, VIEW_ARG(attr), r->id, r->type);
		return VIEW_NONE;
	}
	return view_str(text);
}

static const struct json *do_ref(struct resolver *x, const struct json *arg, const char *place)
{
	struct view v;

	if (!json_is(arg, JSON_STR)) {
		err_set(x->e, ERR_INVALID, "%s: Ref takes a name", place);
		return NULL;
	}
	v = lookup(x, json_str(arg), VIEW_NONE, place, "Ref");
	return v.p ? json_new_str(x->t->a, v) : NULL;
}

static const struct json *do_getatt(struct resolver *x, const struct json *arg, const char *place)
{
	struct view name = json_str(json_at(arg, 0)), attr = json_str(json_at(arg, 1)), v;

	if (json_is(arg, JSON_STR)) {
		attr = json_str(arg);
		(void)view_split(&attr, '.', &name);
	} else if (json_len(arg) != 2) {
		attr = VIEW_NONE;
	}
	if (!name.p || !attr.p) {
		err_set(x->e, ERR_INVALID,
			"%s: Fn::GetAtt takes the names of a resource and of an attribute", place);
		return NULL;
	}
	v = lookup(x, name, attr, place, "Fn::GetAtt");
	return v.p ? json_new_str(x->t->a, v) : NULL;
}

/* One ${...}, of which @inside is the inside. */
static int sub_one(struct resolver *x, struct view inside, const struct json *own,
		   const char *place, struct buf *b)
{
	struct view name, rest = inside, v;
	const struct json *mine = json_get_view(own, inside);

	if (view_starts(inside, VIEW("!"))) {
		buf_printf(b, "${%.*s}", VIEW_ARG(view_from(inside, 1)));
		return 0;
	}
	if (mine) {
		buf_add_view(b, json_str(mine));
		return 0;
	}
	(void)view_split(&rest, '.', &name);
	v = lookup(x, view_trim(name), rest.p ? view_trim(rest) : VIEW_NONE, place, "Fn::Sub");
	if (!v.p)
		return x->e->code;
	buf_add_view(b, v);
	return 0;
}

static int sub_text(struct resolver *x, struct view s, const struct json *own, const char *place,
		    struct buf *b)
{
	while (s.n) {
		ptrdiff_t at = view_find(s, VIEW("${")), end;

		buf_add_view(b, at < 0 ? s : view_sub(s, 0, (size_t)at));
		if (at < 0)
			break;
		s = view_from(s, (size_t)at + 2);
		end = view_chr(s, '}');
		if (end < 0)
			return err_set(x->e, ERR_INVALID, "%s: Fn::Sub: a ${ has no }", place);
		if (sub_one(x, view_sub(s, 0, (size_t)end), own, place, b) < 0)
			return x->e->code;
		s = view_from(s, (size_t)end + 1);
	}
	return buf_check(b, place, x->e);
}

/* The map of the long form, values made text. */
static const struct json *sub_map(struct resolver *x, const struct json *map, const char *place)
{
	struct json *own = json_new_obj(x->t->a);

	for (size_t i = 0; i < json_len(map); i++) {
		const struct json *v = resolve(x, map->obj.v[i].value, place);
		struct view text;

		if (!v)
			return NULL;
		text = template_text(x->t->a, v);
		if (!text.p) {
			err_set(x->e, ERR_INVALID, "%s: Fn::Sub: %.*s must be text", place,
				VIEW_ARG(map->obj.v[i].name));
			return NULL;
		}
		json_set_view(x->t->a, own, map->obj.v[i].name, json_new_str(x->t->a, text));
	}
	return own;
}

static const struct json *do_sub(struct resolver *x, const struct json *arg, const char *place)
{
	const struct json *text = json_is(arg, JSON_ARR) ? json_at(arg, 0) : arg, *own = NULL,
			  *ret = NULL;
	bool list = json_is(arg, JSON_ARR);
	struct buf b;

	if (!json_is(text, JSON_STR) ||
	    (list && (json_len(arg) != 2 || !json_is(json_at(arg, 1), JSON_OBJ)))) {
		err_set(x->e, ERR_INVALID,
			"%s: Fn::Sub takes text, or a list of text and a mapping", place);
		return NULL;
	}
	if (list && !(own = sub_map(x, json_at(arg, 1), place)))
		return NULL;
	buf_init(&b, MIB);
	if (sub_text(x, json_str(text), own, place, &b) == 0)
		ret = json_new_str(x->t->a, buf_view(&b));
	buf_clear(&b);
	return ret;
}

static const struct json *do_join(struct resolver *x, const struct json *arg, const char *place)
{
	const struct json *list = json_at(arg, 1), *ret = NULL;
	struct buf b;
	size_t i;

	if (json_len(arg) != 2 || !json_is(json_at(arg, 0), JSON_STR) || !json_is(list, JSON_ARR)) {
		err_set(x->e, ERR_INVALID, "%s: Fn::Join takes a delimiter and a list", place);
		return NULL;
	}
	buf_init(&b, MIB);
	for (i = 0; i < json_len(list); i++) {
		const struct json *v = resolve(x, json_at(list, i), place);
		struct view text = template_text(x->t->a, v);

		if (v && !text.p)
			err_set(x->e, ERR_INVALID, "%s: Fn::Join: element %zu must be text", place,
				i);
		if (x->e->code)
			break;
		if (i)
			buf_add_view(&b, json_str(json_at(arg, 0)));
		buf_add_view(&b, text);
	}
	if (!x->e->code && buf_check(&b, place, x->e) == 0)
		ret = json_new_str(x->t->a, buf_view(&b));
	buf_clear(&b);
	return ret;
}

static const struct {
	const char *name;
	const struct json *(*fn)(struct resolver *x, const struct json *arg, const char *place);
} functions[] = {
	{ "Ref", do_ref },
	{ "Fn::GetAtt", do_getatt },
	{ "Fn::Sub", do_sub },
	{ "Fn::Join", do_join },
};

static const struct json *resolve_object(struct resolver *x, const struct json *node,
					 const char *place)
{
	struct json *ret = json_new_obj(x->t->a);

	for (size_t i = 0; i < json_len(node); i++) {
		const struct json_member *m = &node->obj.v[i];
		const struct json *v;

		for (size_t f = 0; f < ARRAY_LEN(functions) && json_len(node) == 1; f++)
			if (view_eq_str(m->name, functions[f].name))
				return functions[f].fn(x, m->value, place);
		if (view_starts(m->name, VIEW("Fn::"))) {
			err_set(x->e, ERR_UNSUPPORTED, "%s: %.*s is not supported%s", place,
				VIEW_ARG(m->name),
				json_len(node) == 1 ? "" : " beside other members");
			return NULL;
		}
		v = resolve(x, m->value,
			    arena_printf(x->t->a, "%s.%.*s", place, VIEW_ARG(m->name)));
		if (!v)
			return NULL;
		json_set_view(x->t->a, ret, m->name, v);
	}
	return ret;
}

/* The depth is bounded by the parser. */
static const struct json *resolve(struct resolver *x, const struct json *node, const char *place)
{
	const struct json *ret = node;

	if (json_is(node, JSON_OBJ)) {
		ret = resolve_object(x, node, place);
	} else if (json_is(node, JSON_ARR)) {
		struct json *list = json_new_arr(x->t->a);

		for (size_t i = 0; i < json_len(node); i++) {
			const struct json *v = resolve(x, json_at(node, i),
						       arena_printf(x->t->a, "%s[%zu]", place, i));

			if (!v)
				return NULL;
			json_push(x->t->a, list, v);
		}
		ret = list;
	}
	return ret ? ret : fail_null(x->e);
}

const struct json *template_resolve_for(const struct deploy_template *t, const struct json *node,
					const char *place, struct deploy_resource *needs,
					struct err *e)
{
	struct resolver x = { .t = t, .needs = needs, .e = e };

	return resolve(&x, node, place);
}

const struct json *template_resolve(const struct deploy_template *t, const struct json *node,
				    const char *place, struct err *e)
{
	return template_resolve_for(t, node, place, NULL, e);
}
