/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as a JSON tree in the SDK's shape, for op_call(). */
#include "aws/aws_int.h"
#include "base/base64.h"
#include "base/time.h"
#include "base/utf8.h"

static struct json *top(struct out *o)
{
	if (!o->depth) {
		if (!o->stack[0].tree)
			o->stack[0].tree = json_new_obj(o->a);
		return o->stack[0].tree;
	}
	return o->stack[o->depth].tree;
}

static void put(struct out *o, const char *name, const struct json *v)
{
	struct json *t = top(o);

	if (json_is(t, JSON_ARR))
		json_push(o->a, t, v);
	else
		json_set(o->a, t, name, v);
}

static const struct json *of_bytes(struct arena *a, struct view v)
{
	return json_new_str(a, utf8_valid(v) ? v : base64_encode_arena(a, v));
}

static void value(struct out *o, const char *name, const struct out_value *v)
{
	char t[TIME_TEXT];
	const struct json *j = &json_null;

	switch (v->kind) {
	case OUT_TEXT:
		j = json_new_str(o->a, v->text);
		break;
	case OUT_BYTES:
		j = of_bytes(o->a, v->text);
		break;
	case OUT_INT:
		j = json_new_int(o->a, v->i);
		break;
	case OUT_NUM:
		j = json_new_num(o->a, v->d);
		break;
	case OUT_BOOL:
		j = json_new_bool(v->i != 0);
		break;
	case OUT_TIME:
		j = json_new_cstr(o->a, time_iso(v->i, t));
		break;
	case OUT_JSON:
		j = json_deep(o->a, v->json);
		break;
	}
	put(o, name, j);
}

static void open_level(struct out *o, const char *name, const char *item, bool list)
{
	struct json *j = list ? json_new_arr(o->a) : json_new_obj(o->a);

	must(o->depth + 1 < OUT_DEPTH);
	put(o, name ? name : item, j);
	o->stack[o->depth].list = list;
	o->stack[++o->depth].tree = j;
}

static void close_level(struct out *o, bool list)
{
	(void)list;
	o->depth--;
}

/* "Metadata.colour" (a member of a map of headers) goes into an object of its own. */
static void put_header(struct out *o, struct json *t, const struct out_header *h)
{
	const char *dot = strchr(h->member, '.');
	struct json *map;

	if (!dot) {
		json_set_str(o->a, t, h->member, h->value);
		return;
	}
	const char *name = arena_str(o->a, view_of(h->member, (size_t)(dot - h->member)));

	map = json_copy(o->a, json_get(t, name) ? json_get(t, name) : json_new_obj(o->a));
	json_set_str(o->a, map, dot + 1, h->value);
	json_set(o->a, t, name, map);
}

static void end(struct out *o)
{
	struct json *t = top(o);

	for (size_t i = 0; i < o->n_headers; i++)
		if (o->headers[i].member)
			put_header(o, t, &o->headers[i]);
	if (o->streaming)
		json_set(o->a, t, "Body", of_bytes(o->a, buf_view(&o->stream)));
	else if (o->raw)
		json_set(o->a, t, "Payload", of_bytes(o->a, o->body));
}

const struct out_ops aws__out_tree = { value, open_level, close_level, end };

const struct json *aws__out_json_tree(struct out *o)
{
	return top(o);
}
