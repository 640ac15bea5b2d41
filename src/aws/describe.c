/* SPDX-License-Identifier: Apache-2.0 */
/* The operation table as JSON: what docs and the contract test read. */
#include "aws/aws.h"
#include "aws/aws_int.h"

static void text(struct buf *b, const char *name, const char *s)
{
	if (!s)
		return;
	buf_printf(b, ",\"%s\":", name);
	json_print_str(b, view_str(s));
}

static void list(struct buf *b, const char *name, const char *const *v)
{
	if (!v)
		return;
	buf_printf(b, ",\"%s\":[", name);
	for (size_t i = 0; v[i]; i++) {
		if (i)
			buf_add_char(b, ',');
		json_print_str(b, view_str(v[i]));
	}
	buf_add_char(b, ']');
}

static void fields(struct buf *b, const struct op_field *f);

/* A list's or map's rows have no end mark. */
static void rows(struct buf *b, const char *name, const struct op_field *f, size_t n);

static void field(struct buf *b, const struct op_field *f)
{
	static const char *const kinds[] = { [OPK_STR] = "string", [OPK_BLOB] = "blob", [OPK_INT] = "integer",
					     [OPK_NUM] = "number", [OPK_BOOL] = "boolean", [OPK_TIME] = "timestamp",
					     [OPK_ENUM] = "enum", [OPK_JSON] = "document", [OPK_OBJ] = "structure",
					     [OPK_LIST] = "list", [OPK_MAP] = "map", [OPK_REFUSED] = "refused" };
	static const char *const locs[] = { "body", "path", "query", "header", "headers", "payload" };

	buf_add_str(b, "{\"name\":");
	json_print_str(b, view_str(f->name));
	text(b, "kind", f->kind == OPK_JSON && f->sub ? "structure" : kinds[f->kind]);
	text(b, "in", locs[f->loc]);
	text(b, "at", f->at);
	if (f->required)
		buf_add_str(b, ",\"required\":true");
	if (f->flat)
		buf_add_str(b, ",\"flat\":true");
	if (f->min || f->max)
		buf_printf(b, ",\"min\":%lld,\"max\":%lld", (long long)f->min, (long long)f->max);
	list(b, "values", f->values);
	list(b, "refused", f->refused);
	if (f->kind == OPK_OBJ || (f->kind == OPK_JSON && f->sub)) {
		buf_add_str(b, ",\"members\":");
		fields(b, f->sub);
	} else if (f->kind == OPK_LIST) {
		rows(b, "element", f->sub, 1);
	} else if (f->kind == OPK_MAP && f->sub) {
		rows(b, "pair", f->sub, 2);
	}
	buf_add_char(b, '}');
}

static void rows(struct buf *b, const char *name, const struct op_field *f, size_t n)
{
	buf_printf(b, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		field(b, &f[i]);
	}
	buf_add_char(b, ']');
}

static void fields(struct buf *b, const struct op_field *f)
{
	buf_add_char(b, '[');
	for (size_t i = 0; f && f[i].kind != OPK_END; i++) {
		if (i)
			buf_add_char(b, ',');
		field(b, &f[i]);
	}
	buf_add_char(b, ']');
}

static void operation(struct buf *b, const struct op *o)
{
	static const char *const flags[] = { "write", "slow", "stream", "stream-out", "open-query" };

	buf_add_str(b, "{\"name\":");
	json_print_str(b, view_str(o->name));
	text(b, "doc", o->doc);
	text(b, "method", o->method);
	text(b, "path", o->path);
	text(b, "query", o->query);
	text(b, "header", o->header);
	if (o->status)
		buf_printf(b, ",\"status\":%d", o->status);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (o->flags & (1u << i))
			buf_printf(b, ",\"%s\":true", flags[i]);
	buf_add_str(b, ",\"input\":");
	fields(b, o->in);
	buf_add_char(b, '}');
}

static void service(struct buf *b, const struct service *s)
{
	static const char *const protocols[] = { [OP_JSON_1_0] = "json-1.0", [OP_JSON_1_1] = "json-1.1",
						 [OP_REST_JSON] = "rest-json", [OP_REST_XML] = "rest-xml",
						 [OP_QUERY] = "query" };

	buf_add_str(b, "{\"name\":");
	json_print_str(b, view_str(s->name));
	text(b, "signing_name", s->signing_name);
	text(b, "target_prefix", s->target_prefix);
	text(b, "api_version", s->api_version);
	text(b, "protocol", protocols[s->protocol]);
	buf_add_str(b, ",\"errors\":[");
	for (size_t i = 0; s->errors && s->errors[i]; i++)
		buf_printf(b, "%s{\"code\":\"%s\",\"status\":%d}", i ? "," : "", s->errors[i]->code, s->errors[i]->status);
	buf_add_str(b, "],\"operations\":[");
	for (size_t i = 0; i < s->n_ops; i++) {
		if (i)
			buf_add_str(b, ",\n");
		operation(b, &s->ops[i]);
	}
	buf_add_str(b, "]}");
}

void aws_describe(const struct op_registry *r, struct buf *ret)
{
	buf_add_str(ret, "{\"services\":[");
	for (size_t i = 0; i < op_registry_count(r); i++) {
		if (i)
			buf_add_str(ret, ",\n");
		service(ret, op_registry_at(r, i, NULL));
	}
	buf_add_str(ret, "]}\n");
}
