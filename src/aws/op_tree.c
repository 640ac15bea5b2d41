/* SPDX-License-Identifier: Apache-2.0 */
/* XML documents and form bodies as trees by member names, so that one decoder serves all protocols. */
#include "aws/aws_int.h"

#define REFUSED_MAX 256 /* members of a structure, unknown ones included */

static struct view element_name(const struct op_field *f)
{
	return view_str(f->at ? f->at : f->name);
}

static const struct json *of_element(const struct decode *d, const struct op_field *f, const struct xml *x);

/* An entry without key or value stays in sight as null, which no map takes. */
static void set_entry(const struct decode *d, struct json *map, struct view key, const struct json *value)
{
	json_set_view(d->arena, map, key.p ? key : VIEW(""), key.p && value ? value : &json_null);
}

static const struct json *map_of(const struct decode *d, const struct op_field *f, const struct xml *x)
{
	struct json *m = json_new_obj(d->arena);

	(void)f;
	for (const struct xml *entry = x->child; entry; entry = entry->next) {
		struct view value = xml_get_text(entry, "value");

		set_entry(d, m, xml_get_text(entry, "key"), value.p ? json_new_str(d->arena, value) : NULL);
	}
	return m;
}

static const struct json *list_of(const struct decode *d, const struct op_field *f, const struct xml *x)
{
	struct json *l = json_new_arr(d->arena);
	struct view item = view_str(f->sub->at ? f->sub->at : "member");

	for (const struct xml *c = x->child; c; c = c->next)
		json_push(d->arena, l, view_eq(c->name, item) ? of_element(d, f->sub, c) : &json_null);
	return l;
}

static const struct json *of_element(const struct decode *d, const struct op_field *f, const struct xml *x)
{
	switch (f->kind) {
	case OPK_OBJ:
		return aws__tree_of_xml(d, f->sub, x);
	case OPK_LIST:
		return f->flat ? of_element(d, f->sub, x) : list_of(d, f, x);
	case OPK_MAP:
		return map_of(d, f, x);
	default:
		return json_new_str(d->arena, x->text.p ? x->text : VIEW(""));
	}
}

/* The member that an element belongs to, or NULL. */
static const struct op_field *field_at(const struct op_field *fields, struct view name)
{
	for (; fields && fields->kind != OPK_END; fields++)
		if (fields->loc == OPL_BODY && view_eq(element_name(fields), name))
			return fields;
	return NULL;
}

/* All elements of one flat list at once: they need not follow each other. */
static void set_flat(const struct decode *d, struct json *o, const struct op_field *f, const struct xml *first)
{
	struct json *l = json_new_arr(d->arena);

	for (const struct xml *c = first; c; c = c->next)
		if (view_eq(c->name, element_name(f)))
			json_push(d->arena, l, of_element(d, f, c));
	json_set(d->arena, o, f->name, l);
}

struct json *aws__tree_of_xml(const struct decode *d, const struct op_field *fields, const struct xml *x)
{
	struct json *o = json_new_obj(d->arena);

	for (const struct xml *c = x->child; c; c = c->next) {
		const struct op_field *f = field_at(fields, c->name);

		if (!f && json_len(o) > REFUSED_MAX)
			break; /* one is enough to be refused, and adding is slow when there are many */
		if (!f) {
			const char *name = arena_printf(d->arena, "?%.*s", VIEW_ARG(c->name));

			json_set(d->arena, o, name, json_new_str(d->arena, VIEW("")));
		} else if (f->kind == OPK_LIST && f->flat) {
			if (!json_get(o, f->name))
				set_flat(d, o, f, c);
		} else {
			json_set(d->arena, o, f->name, of_element(d, f, c));
		}
	}
	return o;
}

/* --- forms: Tags.member.1.Key=a --- */
static const struct json *of_param(const struct decode *d, const struct op_field *f, const struct json *v);

/* Numbered members 1, 2, ... in order; a gap ends the list. */
static const struct json *numbered(const struct decode *d, const struct op_field *item, const struct json *v)
{
	struct json *l = json_new_arr(d->arena);
	const struct json *e;

	for (size_t i = 1; (e = json_get(v, arena_printf(d->arena, "%zu", i))) != NULL; i++)
		json_push(d->arena, l, item ? of_param(d, item, e) : e);
	if (json_len(l) != json_len(v))
		json_push(d->arena, l, &json_null);
	return l;
}

static const struct json *form_map(const struct decode *d, const struct json *v)
{
	const struct json *entries = numbered(d, NULL, json_get(v, "entry"));
	struct json *m = json_new_obj(d->arena);

	for (size_t i = 0; i < json_len(entries); i++)
		set_entry(d, m, json_get_str(json_at(entries, i), "key"), json_get(json_at(entries, i), "value"));
	return m;
}

/* Attribute.1.Name=a&Attribute.1.Value=b; a value may be a structure. */
static const struct json *flat_map(const struct decode *d, const struct json *v)
{
	const struct json *entries = numbered(d, NULL, v);
	struct json *m = json_new_obj(d->arena);

	for (size_t i = 0; i < json_len(entries); i++)
		set_entry(d, m, json_get_str(json_at(entries, i), "Name"), json_get(json_at(entries, i), "Value"));
	return m;
}

static const struct json *of_param(const struct decode *d, const struct op_field *f, const struct json *v)
{
	const char *item;

	switch (f->kind) {
	case OPK_OBJ:
		return aws__tree_of_form(d, f->sub, v);
	case OPK_LIST:
		item = f->sub->at ? f->sub->at : "member";
		if (!json_is(v, JSON_OBJ)) /* "Tags=": an empty list */
			return json_len(v) || json_str(v).n ? v : json_new_arr(d->arena);
		return numbered(d, f->sub, f->flat ? v : json_get(v, item));
	case OPK_MAP:
		return form_map(d, v);
	case OPK_JSON:
		return f->flat ? flat_map(d, v) : v;
	default:
		return v;
	}
}

/* "Entries=": that is how clients write an empty flat list, by the name that it has otherwise never. */
static const struct op_field *flat_named(const struct op_field *fields, struct view name)
{
	for (; fields && fields->kind != OPK_END; fields++)
		if (fields->flat && fields->kind == OPK_LIST && view_eq_str(name, fields->name))
			return fields;
	return NULL;
}

struct json *aws__tree_of_form(const struct decode *d, const struct op_field *fields, const struct json *params)
{
	struct json *o = json_new_obj(d->arena);

	if (!json_is(params, JSON_OBJ)) {
		json_set(d->arena, o, "?", json_new_str(d->arena, VIEW("")));
		return o;
	}
	for (size_t i = 0; i < params->obj.n; i++) {
		const struct json_member *m = &params->obj.v[i];
		const struct op_field *f = field_at(fields, m->name);

		if (!f && view_eq_str(json_str(m->value), ""))
			f = flat_named(fields, m->name);
		if (f)
			json_set(d->arena, o, f->name, of_param(d, f, m->value));
		else
			json_set(d->arena, o, arena_printf(d->arena, "?%.*s", VIEW_ARG(m->name)), m->value);
	}
	return o;
}
