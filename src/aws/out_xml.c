/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as XML text (rest-xml and query), written as the handler goes. */
#include <inttypes.h>
#include <math.h>

#include "aws/aws_int.h"
#include "base/base64.h"
#include "base/time.h"

static void tag(struct out *o, const char *name, bool closing)
{
	buf_add_str(&o->buf, closing ? "</" : "<");
	buf_add_str(&o->buf, name);
	buf_add_char(&o->buf, '>');
}

void aws__out_xml_decl(struct buf *b)
{
	buf_add_str(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

static void start(struct out *o)
{
	const char *root = o->root ? o->root : o->default_root;

	if (o->buf.n)
		return;
	if (o->query_name)
		buf_printf(&o->buf, "<%sResponse", o->query_name);
	else {
		aws__out_xml_decl(&o->buf);
		buf_printf(&o->buf, "<%s", root);
	}
	if (o->xml_namespace)
		buf_printf(&o->buf, " xmlns=\"%s\"", o->xml_namespace);
	buf_add_char(&o->buf, '>');
	if (o->query_name)
		buf_printf(&o->buf, "<%sResult>", o->query_name);
}

/* Inside a list every child has the list's item name; @name only counts in structures. */
static const char *element(const struct out *o, const char *name)
{
	const struct out_level *l = o->depth ? &o->stack[o->depth - 1] : NULL;

	if (l && l->list)
		return l->item;
	must(name);
	return name;
}

static void bytes(struct out *o, struct view v)
{
	char *p = buf_reserve(&o->buf, base64_len(v.n));

	if (!p)
		return;
	base64_encode(p, v.p, v.n);
	o->buf.n += base64_len(v.n);
}

static void value(struct out *o, const char *name, const struct out_value *v)
{
	const char *el = element(o, name);
	char t[TIME_TEXT];

	must(v->kind != OUT_JSON);
	start(o);
	tag(o, el, false);
	switch (v->kind) {
	case OUT_TEXT:
		xml_escape(&o->buf, v->text);
		break;
	case OUT_BYTES:
		bytes(o, v->text);
		break;
	case OUT_INT:
		buf_printf(&o->buf, "%" PRId64, v->i);
		break;
	case OUT_NUM:
		json_print(&o->buf, json_new_num(o->a, isfinite(v->d) ? v->d : 0));
		break;
	case OUT_BOOL:
		buf_add_str(&o->buf, v->i ? "true" : "false");
		break;
	case OUT_TIME:
		buf_add_str(&o->buf, time_iso(v->i, t));
		break;
	case OUT_JSON:
		break;
	}
	tag(o, el, true);
}

static void open_level(struct out *o, const char *name, const char *item, bool list)
{
	const char *el = NULL;

	start(o);
	if (!list || name || (o->depth && o->stack[o->depth - 1].list))
		el = element(o, name);
	if (el)
		tag(o, el, false);
	o->stack[o->depth++] = (struct out_level){ .list = list, .name = el, .item = item ? item : "member" };
}

static void close_level(struct out *o, bool list)
{
	const struct out_level *l = &o->stack[--o->depth];

	(void)list;
	if (l->name)
		tag(o, l->name, true);
}

static void end(struct out *o)
{
	if (!o->wrote && !o->query_name)
		return; /* no document at all: an empty body */
	start(o);
	if (!o->query_name) {
		tag(o, o->root ? o->root : o->default_root, true);
		return;
	}
	buf_printf(&o->buf, "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
		   o->query_name, o->request_id ? o->request_id : "", o->query_name);
}

const struct out_ops aws__out_xml = { value, open_level, close_level, end };
