/* SPDX-License-Identifier: Apache-2.0 */
/* kinesis_tags: labels of streams. */
#include "svc/kinesis/kinesis_int.h"

struct change {
	const struct kn_stream *s;
	const struct kn_tags_in *in;
	struct arena *a;
	struct op_pair *v;
	size_t n;
};

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;
	int rc = 0;

	for (size_t i = 0; !rc && i < c->in->tags.n; i++)
		rc = kinesis__tag_put(tx, c->s->row.id, &c->in->tags.v[i], e);
	if (!rc)
		rc = kinesis__tags(tx, c->s->row.id, "", c->a, &c->v, &c->n, e);
	if (!rc && c->n > KINESIS_TAGS_MAX)
		return aws_fail(e, &KINESIS_LIMIT, "A stream has at most %d tags.", KINESIS_TAGS_MAX);
	return rc;
}

static int remove_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;
	const char *const *keys = c->in->keys.v;
	int rc = 0;

	for (size_t i = 0; !rc && i < c->in->keys.n; i++)
		rc = kinesis__tag_remove(tx, c->s->row.id, keys[i], e);
	return rc;
}

static int read_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct change *c = arg;

	return kinesis__tags(tx, c->s->row.id, c->in->after ? c->in->after : "", c->a, &c->v, &c->n, e);
}

int kinesis__op_tag(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_tags_in *in = input;
	struct change c = { .s = kinesis__need(cx, in->name, in->arn), .in = in, .a = cx->arena };

	(void)o;
	return c.s ? meta_write(c.s->k->o.meta, put_fn, &c, &cx->err) : cx->err.code;
}

int kinesis__op_untag(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct kn_tags_in *in = input;
	struct change c = { .s = kinesis__need(cx, in->name, in->arn), .in = in, .a = cx->arena };

	(void)o;
	return c.s ? meta_write(c.s->k->o.meta, remove_fn, &c, &cx->err) : cx->err.code;
}

static int list(struct op_ctx *cx, const struct kn_tags_in *in, bool paged, struct out *o)
{
	struct change c = { .s = kinesis__need(cx, in->name, in->arn), .in = in, .a = cx->arena };
	size_t max = (size_t)opt_int_or(in->limit, KINESIS_TAGS_MAX);

	if (!c.s || meta_read(c.s->k->o.meta, read_fn, &c, &cx->err) < 0)
		return cx->err.code;
	out_list(o, "Tags", NULL);
	for (size_t i = 0; i < c.n && i < max; i++) {
		out_obj(o, NULL);
		out_str(o, "Key", c.v[i].key);
		out_str(o, "Value", c.v[i].value);
		out_obj_end(o);
	}
	out_list_end(o);
	if (paged)
		out_bool(o, "HasMoreTags", c.n > max);
	return 0;
}

int kinesis__op_list_tags(struct op_ctx *cx, const void *input, struct out *o)
{
	return list(cx, input, true, o);
}

int kinesis__op_list_tags_of(struct op_ctx *cx, const void *input, struct out *o)
{
	return list(cx, input, false, o);
}
