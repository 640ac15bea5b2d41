/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as JSON text, written as the handler goes. */
#include <inttypes.h>
#include <math.h>

#include "aws/aws_int.h"
#include "base/base64.h"

static void before(struct out *o, const char *name)
{
	struct out_level *l = o->depth ? &o->stack[o->depth - 1] : NULL;
	bool any = l ? l->any : o->buf.n > 0;

	if (!l && !any)
		buf_add_char(&o->buf, '{');
	else if (any)
		buf_add_char(&o->buf, ',');
	if (l)
		l->any = true;
	if (name && !(l && l->list)) {
		json_print_str(&o->buf, view_str(name));
		buf_add_char(&o->buf, ':');
	}
}

static void json_num(struct out *o, double d)
{
	if (isfinite(d))
		json_print(&o->buf, json_new_num(o->a, d));
	else
		buf_add_str(&o->buf, isnan(d) ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

static void json_bytes(struct out *o, struct view v)
{
	char *p;

	buf_add_char(&o->buf, '"');
	p = buf_reserve(&o->buf, base64_len(v.n));
	if (p) {
		base64_encode(p, v.p, v.n);
		o->buf.n += base64_len(v.n);
	}
	buf_add_char(&o->buf, '"');
}

static void json_time(struct out *o, int64_t ms)
{
	if (ms % 1000 == 0)
		buf_printf(&o->buf, "%" PRId64, ms / 1000);
	else
		buf_printf(&o->buf, "%s%" PRId64 ".%03" PRId64, ms < 0 && ms > -1000 ? "-" : "", ms / 1000,
			   ms % 1000 < 0 ? -(ms % 1000) : ms % 1000);
}

static void value(struct out *o, const char *name, const struct out_value *v)
{
	before(o, name);
	switch (v->kind) {
	case OUT_TEXT:
		json_print_str(&o->buf, v->text);
		break;
	case OUT_BYTES:
		json_bytes(o, v->text);
		break;
	case OUT_INT:
		buf_printf(&o->buf, "%" PRId64, v->i);
		break;
	case OUT_NUM:
		json_num(o, v->d);
		break;
	case OUT_BOOL:
		buf_add_str(&o->buf, v->i ? "true" : "false");
		break;
	case OUT_TIME:
		json_time(o, v->i);
		break;
	case OUT_JSON:
		json_print(&o->buf, v->json);
		break;
	}
}

static void open_level(struct out *o, const char *name, const char *item, bool list)
{
	before(o, name ? name : item);
	buf_add_char(&o->buf, list ? '[' : '{');
	o->stack[o->depth++] = (struct out_level){ .list = list };
}

static void close_level(struct out *o, bool list)
{
	buf_add_char(&o->buf, list ? ']' : '}');
	o->depth--;
}

static void end(struct out *o)
{
	if (o->buf.n == 0)
		buf_add_char(&o->buf, '{');
	buf_add_char(&o->buf, '}');
}

const struct out_ops aws__out_json = { value, open_level, close_level, end };
