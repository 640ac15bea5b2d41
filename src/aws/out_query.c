/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the query protocol for JSON services that were spoken to in it: a tree, with the names of that time. */
#include <inttypes.h>

#include "aws/aws_int.h"

struct writer {
	struct buf *b;
	const struct op_query_name *names;
	const char *entry; /* of an item without a name of its own */
};

static void content(const struct writer *w, const struct json *v);

static void element(const struct writer *w, struct view name, const struct json *v)
{
	buf_printf(w->b, "<%.*s>", VIEW_ARG(name));
	content(w, v);
	buf_printf(w->b, "</%.*s>", VIEW_ARG(name));
}

static void pairs(const struct writer *w, const char *name, const struct json *map)
{
	for (size_t i = 0; i < json_len(map); i++) {
		buf_printf(w->b, "<%s><Name>", name);
		xml_escape(w->b, map->obj.v[i].name);
		buf_add_str(w->b, "</Name>");
		element(w, VIEW("Value"), map->obj.v[i].value);
		buf_printf(w->b, "</%s>", name);
	}
}

static void member(const struct writer *w, struct view name, const struct json *v)
{
	const struct op_query_name *n = w->names;

	while (n->member && !view_eq_str(name, n->member))
		n++;
	if (!n->member) {
		element(w, name, v);
		return;
	}
	if (n->map) {
		pairs(w, n->element, v);
		return;
	}
	for (size_t i = 0; i < json_len(v); i++)
		element(w, view_str(n->element ? n->element : w->entry), json_at(v, i));
}

static void content(const struct writer *w, const struct json *v)
{
	if (json_is(v, JSON_OBJ))
		for (size_t i = 0; i < v->obj.n; i++)
			member(w, v->obj.v[i].name, v->obj.v[i].value);
	else if (json_is(v, JSON_STR))
		xml_escape(w->b, json_str(v));
	else
		json_print(w->b, v); /* numbers, booleans */
}

void aws__out_query(struct out *o, const struct op_query_name *names)
{
	const struct writer w = { &o->buf, names, arena_printf(o->a, "%sResultEntry", o->query_name) };

	buf_printf(&o->buf, "<%sResponse xmlns=\"%s\"><%sResult>", o->query_name, o->xml_namespace, o->query_name);
	content(&w, aws__out_json_tree(o));
	buf_printf(&o->buf, "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
		   o->query_name, o->request_id ? o->request_id : "", o->query_name);
}
