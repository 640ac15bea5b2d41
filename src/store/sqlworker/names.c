// SPDX-License-Identifier: Apache-2.0
/* A walk over the engine's syntax tree: table references that are not names of an enclosing WITH. */
#include "store/sqlworker/names.h"

struct scope { /* names of WITH that are visible */
	struct view name;
	const struct scope *up;
};

struct walk {
	struct arena *arena;
	struct json *names;
};

static struct view lower(struct arena *a, struct view v)
{
	char *s = arena_str(a, v);

	for (size_t i = 0; i < v.n; i++)
		if (s[i] >= 'A' && s[i] <= 'Z')
			s[i] = (char)(s[i] - 'A' + 'a');
	return view_of(s, v.n);
}

static bool in_scope(const struct scope *s, struct view name)
{
	for (; s; s = s->up)
		if (view_eq_nocase(s->name, name))
			return true;
	return false;
}

static void add_name(struct walk *w, const struct json *ref, const struct scope *sc)
{
	struct view schema = json_get_str(ref, "schema_name"),
		    name = json_get_str(ref, "table_name");
	struct json *pair;

	if (!schema.n && in_scope(sc, name))
		return;
	schema = lower(w->arena, schema);
	name = lower(w->arena, name);
	for (size_t i = 0; i < json_len(w->names); i++) {
		struct view s = json_str(json_at(json_at(w->names, i), 0));

		if (view_eq(json_str(json_at(json_at(w->names, i), 1)), name) && view_eq(s, schema))
			return;
	}
	pair = json_new_arr(w->arena);
	json_push(w->arena, pair, schema.n ? json_new_str(w->arena, schema) : &json_null);
	json_push(w->arena, pair, json_new_str(w->arena, name));
	json_push(w->arena, w->names, pair);
}

static void value(struct walk *w, const struct json *v, const struct scope *sc);

/* The queries of a node's WITH; returns the scope that the node itself has. */
static const struct scope *with(struct walk *w, const struct json *map, const struct scope *sc)
{
	for (size_t i = 0; i < json_len(map); i++) {
		const struct json *entry = json_at(map, i);
		const struct json *query = json_get(json_get(json_get(entry, "value"), "query"),
						    "node");
		struct scope *own = ARENA_NEW(w->arena, struct scope);

		*own = (struct scope){ .name = json_get_str(entry, "key"), .up = sc };
		value(w, query,
		      view_eq_str(json_get_str(query, "type"), "RECURSIVE_CTE_NODE") ? own : sc);
		sc = own;
	}
	return sc;
}

static void value(struct walk *w, const struct json *v, const struct scope *sc)
{
	if (json_is(v, JSON_ARR)) {
		for (size_t i = 0; i < json_len(v); i++)
			value(w, json_at(v, i), sc);
		return;
	}
	if (!json_is(v, JSON_OBJ))
		return;
	sc = with(w, json_get(json_get(v, "cte_map"), "map"), sc);
	if (view_eq_str(json_get_str(v, "type"), "BASE_TABLE"))
		add_name(w, v, sc);
	for (size_t i = 0; i < v->obj.n; i++)
		if (!view_eq_str(v->obj.v[i].name, "cte_map"))
			value(w, v->obj.v[i].value, sc);
}

int names_of(struct arena *a, const struct json *tree, struct json **ret_names, struct err *e)
{
	struct walk w = { .arena = a, .names = json_new_arr(a) };
	const struct json *list = json_get(tree, "statements");

	if (json_is_true(json_get(tree, "error"))) {
		struct view why = json_get_str(tree, "error_message");

		if (view_eq_str(json_get_str(tree, "error_type"), "not implemented"))
			return err_set(e, ERR_DENIED, "only SELECT statements are allowed here");
		return err_set(e, ERR_INVALID, "%.*s", VIEW_ARG(why));
	}
	if (json_len(list) != 1)
		return err_set(e, ERR_DENIED, "one statement is expected, not %zu", json_len(list));
	value(&w, json_at(list, 0), NULL);
	*ret_names = w.names;
	return 0;
}
