/* SPDX-License-Identifier: Apache-2.0 */
/* The part of an answer's writer that is the same for all protocols. */
#include <stdlib.h>

#include "aws/aws_int.h"

#define OUT_BODY_MAX (64 * MIB)

void aws__out_init(struct out *o, const struct out_ops *ops, struct arena *a)
{
	o->ops = ops;
	o->a = a;
	o->status = 0;
	buf_init(&o->buf, OUT_BODY_MAX);
	buf_init(&o->stream, OUT_BODY_MAX);
}

void aws__out_clear(struct out *o)
{
	buf_clear(&o->buf);
	buf_clear(&o->stream);
}

void aws__out_finish(struct out *o)
{
	must(o->depth == 0);
	o->ops->end(o);
}

static void value(struct out *o, const char *name, const struct out_value *v)
{
	must(!o->raw);
	must(name || (o->depth > 0 && o->stack[o->depth - 1].list));
	o->ops->value(o, name, v);
	o->wrote = true;
}

void out_str(struct out *o, const char *name, const char *s)
{
	if (s)
		value(o, name, &(struct out_value){ .kind = OUT_TEXT, .text = view_str(s) });
}

void out_view(struct out *o, const char *name, struct view v)
{
	if (v.p)
		value(o, name, &(struct out_value){ .kind = OUT_TEXT, .text = v });
}

void out_blob(struct out *o, const char *name, struct view bytes)
{
	if (bytes.p)
		value(o, name, &(struct out_value){ .kind = OUT_BYTES, .text = bytes });
}

void out_int(struct out *o, const char *name, int64_t i)
{
	value(o, name, &(struct out_value){ .kind = OUT_INT, .i = i });
}

void out_num(struct out *o, const char *name, double d)
{
	value(o, name, &(struct out_value){ .kind = OUT_NUM, .d = d });
}

void out_bool(struct out *o, const char *name, bool b)
{
	value(o, name, &(struct out_value){ .kind = OUT_BOOL, .i = b });
}

void out_time(struct out *o, const char *name, int64_t ms)
{
	value(o, name, &(struct out_value){ .kind = OUT_TIME, .i = ms });
}

void out_json(struct out *o, const char *name, const struct json *v)
{
	if (v)
		value(o, name, &(struct out_value){ .kind = OUT_JSON, .json = v });
}

static void open_level(struct out *o, const char *name, const char *item, bool list)
{
	must(!o->raw);
	must(o->depth < OUT_DEPTH);
	o->ops->open(o, name, item, list);
	o->wrote = true;
}

static void close_level(struct out *o, bool list)
{
	must(o->depth > 0 && o->stack[o->depth - 1].list == list);
	o->ops->close(o, list);
}

void out_obj(struct out *o, const char *name)
{
	open_level(o, name, NULL, false);
}

void out_obj_end(struct out *o)
{
	close_level(o, false);
}

void out_list(struct out *o, const char *name, const char *item)
{
	must(name || item);
	open_level(o, name, item, true);
}

void out_list_end(struct out *o)
{
	close_level(o, true);
}

static void more_headers(struct out *o)
{
	size_t cap = o->cap_headers ? o->cap_headers * 2 : 32;
	struct out_header *v = ARENA_ARRAY(o->a, struct out_header, cap);

	for (size_t i = 0; i < o->n_headers; i++)
		v[i] = o->headers[i];
	o->headers = v;
	o->cap_headers = cap;
}

void out_header(struct out *o, const char *member, const char *header, const char *text)
{
	if (!text)
		return;
	if (o->n_headers == o->cap_headers)
		more_headers(o);
	o->headers[o->n_headers++] = (struct out_header){ member ? arena_str(o->a, view_str(member)) : NULL,
							  arena_str(o->a, view_str(header)),
							  arena_str(o->a, view_str(text)) };
}

void out_status(struct out *o, int status)
{
	o->status = status;
}

void out_root(struct out *o, const char *element)
{
	must(!o->wrote);
	o->root = element;
	o->wrote = true;
}

void out_body(struct out *o, const char *content_type, struct view bytes)
{
	must(!o->wrote || o->root);
	o->raw = true;
	o->content_type = arena_str(o->a, view_str(content_type));
	o->body = arena_view(o->a, bytes.p ? bytes : VIEW(""));
}
