/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_template: a template's sections, its parameters, and the order of its resources. */
#include <string.h>

#include "base/yaml.h"
#include "cli/deploy_int.h"

#define RESOURCES_MAX 500 /* CloudFormation's limit */
#define SERVERLESS "AWS::Serverless-2016-10-31"

static bool is_one_of(struct view v, const char *const *names)
{
	for (; *names; names++)
		if (view_eq_str(v, *names))
			return true;
	return false;
}

/* Every member of @o is one of @names (ended by NULL). */
static int check_members(const struct json *o, const char *place, const char *const *names,
			 struct err *e)
{
	const char *dot = place[0] ? "." : "";

	if (!json_is(o, JSON_OBJ))
		return err_set(e, ERR_INVALID, "%s must be a mapping",
			       place[0] ? place : "the template");
	for (size_t i = 0; i < json_len(o); i++)
		if (!is_one_of(o->obj.v[i].name, names))
			return err_set(e, ERR_UNSUPPORTED, "%s%s%.*s is not supported", place, dot,
				       VIEW_ARG(o->obj.v[i].name));
	return 0;
}

struct view template_text(struct arena *a, const struct json *v)
{
	if (json_is(v, JSON_STR))
		return json_str(v);
	if (json_is_number(v) || json_is(v, JSON_BOOL))
		return view_str(json_text(a, v));
	return VIEW_NONE;
}

static int check_transform(const struct json *v, struct err *e)
{
	if (json_is(v, JSON_ARR) && json_len(v) == 1)
		v = json_at(v, 0);
	if (!v || view_eq(json_str(v), VIEW(SERVERLESS)))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, "Transform: only " SERVERLESS " is supported");
}

/* Nothing is ever deleted, so of the policies only Retain says what happens. */
static int check_policy(const struct json *r, const char *name, const char *place, struct err *e)
{
	const struct json *v = json_get(r, name);

	if (!v || view_eq(json_str(v), VIEW("Retain")))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
		       "%s.%s: only Retain is supported, nothing is ever deleted", place, name);
}

static int read_depends(struct arena *a, const struct json *v, const char *place,
			struct deploy_resource *r, struct err *e)
{
	struct json *list = json_new_arr(a);

	if (json_is(v, JSON_STR))
		json_push(a, list, v);
	for (size_t i = 0; json_is(v, JSON_ARR) && i < json_len(v); i++) {
		if (!json_is(json_at(v, i), JSON_STR))
			return err_set(e, ERR_INVALID, "%s.DependsOn[%zu] must be text", place, i);
		json_push(a, list, json_at(v, i));
	}
	if (v && !json_is(v, JSON_STR) && !json_is(v, JSON_ARR))
		return err_set(e, ERR_INVALID, "%s.DependsOn must be text or a list", place);
	r->depends = list;
	return 0;
}

static int read_resource(struct arena *a, const struct json_member *m, struct deploy_resource *r,
			 struct err *e)
{
	static const char *const members[] = {
		"Type",     "Properties",     "DependsOn",           "Description",
		"Metadata", "DeletionPolicy", "UpdateReplacePolicy", NULL
	};
	const char *place = arena_printf(a, "Resources.%.*s", VIEW_ARG(m->name));
	const struct json *properties = json_get(m->value, "Properties");

	if (check_members(m->value, place, members, e) < 0 ||
	    check_policy(m->value, "DeletionPolicy", place, e) < 0 ||
	    check_policy(m->value, "UpdateReplacePolicy", place, e) < 0)
		return e->code;
	if (!json_is(json_get(m->value, "Type"), JSON_STR))
		return err_set(e, ERR_INVALID, "%s.Type is required", place);
	if (properties && !json_is(properties, JSON_OBJ))
		return err_set(e, ERR_INVALID, "%s.Properties must be a mapping", place);
	*r = (struct deploy_resource){
		.id = arena_str(a, m->name),
		.type = arena_str(a, json_get_str(m->value, "Type")),
		.properties = properties ? properties : json_new_obj(a),
		.place = arena_printf(a, "%s.Properties", place),
	};
	return read_depends(a, json_get(m->value, "DependsOn"), place, r, e);
}

int template_parse(struct arena *a, struct view text, struct deploy_template *ret, struct err *e)
{
	static const char *const sections[] = { "AWSTemplateFormatVersion",
						"Transform",
						"Description",
						"Metadata",
						"Parameters",
						"Resources",
						"Outputs",
						NULL };
	const struct json *doc = yaml_parse(a, text, e), *resources, *version;
	struct deploy_template t = { .a = a };

	if (!doc || check_members(doc, "", sections, e) < 0)
		return e->code;
	version = json_get(doc, "AWSTemplateFormatVersion");
	if (version && !view_eq(json_str(version), VIEW("2010-09-09")))
		return err_set(e, ERR_UNSUPPORTED,
			       "AWSTemplateFormatVersion: only '2010-09-09' is supported");
	if (check_transform(json_get(doc, "Transform"), e) < 0)
		return e->code;
	resources = json_get(doc, "Resources");
	if (!json_is(resources, JSON_OBJ) || json_len(resources) == 0)
		return err_set(e, ERR_INVALID, "Resources is required");
	if (json_len(resources) > RESOURCES_MAX)
		return err_set(e, ERR_LIMIT, "Resources: %zu of them; at most %d",
			       json_len(resources), RESOURCES_MAX);
	t.parameters = json_get(doc, "Parameters");
	t.outputs = json_get(doc, "Outputs");
	t.values = json_new_obj(a);
	t.resources = ARENA_ARRAY(a, struct deploy_resource, json_len(resources));
	for (size_t i = 0; i < json_len(resources); i++)
		if (read_resource(a, &resources->obj.v[i], &t.resources[t.n++], e) < 0)
			return e->code;
	*ret = t;
	return 0;
}

void template_define(struct deploy_template *t, const char *name, const char *value)
{
	json_set_str(t->a, t->values, name, value);
}

struct deploy_resource *template_find(const struct deploy_template *t, struct view id)
{
	for (size_t i = 0; i < t->n; i++)
		if (view_eq_str(id, t->resources[i].id))
			return &t->resources[i];
	return NULL;
}

/* --- parameters --- */

static bool number(struct arena *a, struct view text, double *ret)
{
	struct err quiet = { 0 };
	const struct json *v = json_parse(a, text, 1, &quiet);

	*ret = json_double(v, 0);
	return json_is_number(v);
}

/* MinValue and the like: @v against the bound that @name gives, if it does. */
static int check_bound(struct arena *a, const struct json *def, const char *name, double v,
		       const char *place, struct err *e)
{
	struct view text = template_text(a, json_get(def, name));
	double bound;

	if (!json_get(def, name))
		return 0;
	if (!text.p || !number(a, text, &bound))
		return err_set(e, ERR_INVALID, "%s.%s must be a number", place, name);
	if (strncmp(name, "Min", 3) == 0 ? v < bound : v > bound)
		return err_set(e, ERR_INVALID, "%s: the value is out of %s %.*s", place, name,
			       VIEW_ARG(text));
	return 0;
}

static int check_value(struct arena *a, const struct json *def, struct view value,
		       const char *place, struct err *e)
{
	bool is_number = view_eq(json_get_str(def, "Type"), VIEW("Number")), found = false;
	const struct json *allowed = json_get(def, "AllowedValues");
	double v = 0;

	if (is_number && !number(a, value, &v))
		return err_set(e, ERR_INVALID, "%s: \"%.*s\" is not a number", place,
			       VIEW_ARG(value));
	for (size_t i = 0; i < json_len(allowed); i++)
		found |= view_eq(template_text(a, json_at(allowed, i)), value);
	if (allowed && !found)
		return err_set(e, ERR_INVALID, "%s: \"%.*s\" is not one of AllowedValues %s", place,
			       VIEW_ARG(value), json_text(a, allowed));
	if (check_bound(a, def, is_number ? "MinValue" : "MinLength",
			is_number ? v : (double)value.n, place, e) < 0 ||
	    check_bound(a, def, is_number ? "MaxValue" : "MaxLength",
			is_number ? v : (double)value.n, place, e) < 0)
		return e->code;
	return 0;
}

static const struct deploy_param *given_param(const struct deploy_param *p, size_t n,
					      struct view name)
{
	for (size_t i = n; i > 0; i--) /* the last one wins */
		if (view_eq_str(name, p[i - 1].name))
			return &p[i - 1];
	return NULL;
}

static int one_parameter(struct deploy_template *t, const struct json_member *m,
			 const struct deploy_param *given, struct err *e)
{
	static const char *const text_members[] = {
		"Type",      "Default",   "Description", "AllowedValues", "ConstraintDescription",
		"MinLength", "MaxLength", NULL
	};
	static const char *const number_members[] = {
		"Type",     "Default",  "Description", "AllowedValues", "ConstraintDescription",
		"MinValue", "MaxValue", NULL
	};
	const char *place = arena_printf(t->a, "Parameters.%.*s", VIEW_ARG(m->name));
	struct view type = json_get_str(m->value, "Type"),
		    value = template_text(t->a, json_get(m->value, "Default"));
	bool is_number = view_eq(type, VIEW("Number"));

	if (json_is(m->value, JSON_OBJ) && !is_number && !view_eq(type, VIEW("String")))
		return err_set(e, ERR_UNSUPPORTED, "%s.Type: only String and Number are supported",
			       place);
	if (check_members(m->value, place, is_number ? number_members : text_members, e) < 0)
		return e->code;
	if (json_get(m->value, "AllowedValues") &&
	    !json_is(json_get(m->value, "AllowedValues"), JSON_ARR))
		return err_set(e, ERR_INVALID, "%s.AllowedValues must be a list", place);
	if (given)
		value = view_str(given->value);
	if (!value.p)
		return err_set(e, ERR_INVALID,
			       "%s has no default: give it with --parameter %.*s=VALUE", place,
			       VIEW_ARG(m->name));
	if (check_value(t->a, m->value, value, place, e) < 0)
		return e->code;
	if (json_get_view(t->values, m->name))
		return err_set(e, ERR_INVALID, "%s: this name is taken", place);
	json_set_view(t->a, t->values, m->name, json_new_str(t->a, value));
	return 0;
}

int template_parameters(struct deploy_template *t, const struct deploy_param *p, size_t n,
			struct err *e)
{
	if (t->parameters && !json_is(t->parameters, JSON_OBJ))
		return err_set(e, ERR_INVALID, "Parameters must be a mapping");
	for (size_t i = 0; i < n; i++)
		if (!json_get(t->parameters, p[i].name))
			return err_set(e, ERR_INVALID,
				       "Parameters.%s: the template has no such parameter",
				       p[i].name);
	for (size_t i = 0; t->parameters && i < json_len(t->parameters); i++) {
		const struct json_member *m = &t->parameters->obj.v[i];

		if (template_find(t, m->name))
			return err_set(e, ERR_INVALID,
				       "Parameters.%.*s: a resource has the same name",
				       VIEW_ARG(m->name));
		if (one_parameter(t, m, given_param(p, n, m->name), e) < 0)
			return e->code;
	}
	return 0;
}

/* --- order --- */

struct walk {
	struct deploy_template *t;
	size_t n; /* in t->order */
	struct deploy_resource *path[RESOURCES_MAX * 2 + 1];
	size_t depth;
	struct err *e;
};

static int cycle(struct walk *w, const struct deploy_resource *r)
{
	struct buf b;
	size_t from = 0;

	while (w->path[from] != r)
		from++;
	buf_init(&b, ERR_MSG_MAX);
	for (size_t i = from; i < w->depth; i++)
		buf_printf(&b, "%s -> ", w->path[i]->id);
	err_set(w->e, ERR_INVALID, "Resources.%s depends on itself: %.*s%s", r->id,
		VIEW_ARG(buf_view(&b)), r->id);
	buf_clear(&b);
	return w->e->code;
}

/* Depth first; the depth is bounded by the number of resources. */
static int visit(struct walk *w, struct deploy_resource *r)
{
	if (r->mark == 2)
		return 0;
	if (r->mark == 1)
		return cycle(w, r);
	r->mark = 1;
	w->path[w->depth++] = r;
	for (size_t i = 0; i < r->n_needs; i++)
		if (visit(w, r->needs[i]) < 0)
			return w->e->code;
	w->depth--;
	r->mark = 2;
	w->t->order[w->n++] = r;
	return 0;
}

static int find_needs(struct deploy_template *t, struct deploy_resource *r, struct err *e)
{
	for (size_t i = 0; i < json_len(r->depends); i++) {
		struct view id = json_str(json_at(r->depends, i));
		struct json *ref = json_new_obj(t->a);

		if (!template_find(t, id))
			return err_set(e, ERR_INVALID,
				       "Resources.%s.DependsOn: there is no resource %.*s", r->id,
				       VIEW_ARG(id));
		json_set(t->a, ref, "Ref", json_at(r->depends, i));
		if (!template_resolve_for(t, ref, r->place, r, e))
			return e->code;
	}
	return template_resolve_for(t, r->properties, r->place, r, e) ? 0 : e->code;
}

int template_order(struct deploy_template *t, struct err *e)
{
	struct walk *w = ARENA_NEW(t->a, struct walk);

	w->t = t;
	w->e = e;
	for (size_t i = 0; i < t->n; i++)
		if (find_needs(t, &t->resources[i], e) < 0)
			return e->code;
	t->order = ARENA_ARRAY(t->a, struct deploy_resource *, t->n);
	for (size_t i = 0; i < t->n; i++)
		if (visit(w, &t->resources[i]) < 0)
			return e->code;
	return template_outputs(t, e) ? 0 : e->code;
}

const struct json *template_outputs(const struct deploy_template *t, struct err *e)
{
	static const char *const members[] = { "Value", "Description", NULL };
	struct json *ret = json_new_obj(t->a);

	if (t->outputs && !json_is(t->outputs, JSON_OBJ)) {
		err_set(e, ERR_INVALID, "Outputs must be a mapping");
		return NULL;
	}
	for (size_t i = 0; t->outputs && i < json_len(t->outputs); i++) {
		const struct json_member *m = &t->outputs->obj.v[i];
		const char *place = arena_printf(t->a, "Outputs.%.*s", VIEW_ARG(m->name));
		const struct json *v;
		struct view text;

		if (check_members(m->value, place, members, e) < 0)
			return NULL;
		place = arena_printf(t->a, "%s.Value", place);
		v = json_get(m->value, "Value")
			    ? template_resolve(t, json_get(m->value, "Value"), place, e)
			    : &json_null;
		if (!v)
			return NULL;
		text = template_text(t->a, v);
		if (!text.p) {
			err_set(e, ERR_INVALID, "%s must be text", place);
			return NULL;
		}
		json_set_view(t->a, ret, m->name, json_new_str(t->a, text));
	}
	return ret;
}
