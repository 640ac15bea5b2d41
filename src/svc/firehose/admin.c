/* SPDX-License-Identifier: Apache-2.0 */
/* admin -- creating, describing, listing, deleting and labelling delivery streams. */
#include "base/limits.h"
#include "svc/firehose/firehose_ops.h"

/* --- creation, deletion --- */

static int check_name(struct op_ctx *cx, const char *name)
{
	if (fh__is_name(view_str(name)))
		return 0;
	return aws_fail(&cx->err, &AWS_VALIDATION,
			"1 validation error detected: Value '%s' at 'deliveryStreamName' failed to satisfy constraint: "
			"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
			name);
}

static int check_destination(struct op_ctx *cx, const char *stream, const char *kind, const struct json *destination)
{
	const struct fh_check x = {
		.a = cx->arena, .f = cx->self, .creating = true, .stream = stream, .kind = kind, .e = &cx->err
	};
	struct fh_config c;
	int rc = fh__config_parse(&x, destination, &c);

	fh__config_release(&c);
	return rc;
}

int fh__op_create(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_create *in = input;
	const struct json *d = in->extended ? in->extended : in->plain;
	struct fh_row asked = { .name = in->name, .extended = in->extended != NULL };
	struct firehose *f = cx->self;
	bool kinesis = in->type && strcmp(in->type, "KinesisStreamAsSource") == 0;
	int rc = check_name(cx, in->name);

	if (rc)
		return rc;
	if (kinesis != (in->kinesis != NULL))
		return aws_fail(&cx->err, &FIREHOSE_INVALID,
				"KinesisStreamSourceConfiguration has to be given with DeliveryStreamType KinesisStreamAsSource, and "
				"only with it.");
	if (!d || (in->extended && in->plain))
		return aws_fail(&cx->err, &FIREHOSE_INVALID,
				"One and only one destination configuration has to be given.");
	rc = check_destination(
		cx, in->name,
		in->extended ? "ExtendedS3DestinationConfiguration" : "S3DestinationConfiguration", d);
	if (!rc && kinesis)
		rc = fh__source_new(cx, in->kinesis->arn, in->kinesis->role, &asked.source, &asked.origin);
	if (!rc)
		rc = fh__create(f, &asked, fh__config_defaults(cx->arena, d), in->tags.v, in->tags.n, &cx->err);
	if (!rc)
		out_str(o, "DeliveryStreamARN", fh__arn(f, cx->arena, in->name));
	return rc;
}

int fh__op_delete(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_delete *in = input;

	return fh__delete(cx->self, in->name, &cx->err);
}

/* --- listing --- */

struct list_arg {
	const char *after, *type;
	size_t max;
	struct arena *arena;
	const char **v;
	size_t n;
};

static int list_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_arg *l = arg;

	return fh__names(tx, l->after, l->type, l->max + 1, l->arena, &l->v, &l->n, e);
}

int fh__op_list(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_list *in = input;
	struct firehose *f = cx->self;
	struct list_arg l = { .after = in->after ? in->after : "",
			      .max = (size_t)opt_int_or(in->limit, 10),
			      .arena = cx->arena };

	l.type = in->type;
	if (!in->type || strcmp(in->type, "DirectPut") == 0 || strcmp(in->type, "KinesisStreamAsSource") == 0) {
		if (meta_read(f->meta, list_fn, &l, &cx->err) < 0)
			return cx->err.code;
	}
	out_list(o, "DeliveryStreamNames", NULL);
	for (size_t i = 0; i < l.n && i < l.max; i++)
		out_str(o, NULL, l.v[i]);
	out_list_end(o);
	out_bool(o, "HasMoreDeliveryStreams", l.n > l.max);
	return 0;
}

/* --- labels --- */

struct tags_arg {
	const struct fh_stream *s;
	const struct in_tags *in;
	struct arena *arena;
	size_t max;
	struct fh_tag *v;
	size_t n;
};

static int tag_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tags_arg *a = arg;
	const struct fh_tag *v = a->in->tags.v;
	int rc = 0;

	for (size_t i = 0; !rc && i < a->in->tags.n; i++)
		rc = fh__tag_put(tx, a->s->id, &v[i], e);
	if (!rc)
		rc = fh__tags(tx, a->s->id, "", FIREHOSE_TAGS_MAX + 1, a->arena, &a->v, &a->n, e);
	if (!rc && a->n > FIREHOSE_TAGS_MAX)
		return aws_fail(e, &FIREHOSE_LIMIT, "A delivery stream has at most %d tags",
				FIREHOSE_TAGS_MAX);
	return rc;
}

int fh__op_tag(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_tags *in = input;
	struct tags_arg a = { .s = fh__need(cx, in->name), .in = in, .arena = cx->arena };

	return a.s ? meta_write(a.s->f->meta, tag_fn, &a, &cx->err) : cx->err.code;
}

static int untag_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tags_arg *a = arg;
	const char *const *keys = a->in->keys.v;
	int rc = 0;

	for (size_t i = 0; !rc && i < a->in->keys.n; i++)
		rc = fh__tag_remove(tx, a->s->id, keys[i], e);
	return rc;
}

int fh__op_untag(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_tags *in = input;
	struct tags_arg a = { .s = fh__need(cx, in->name), .in = in, .arena = cx->arena };

	return a.s ? meta_write(a.s->f->meta, untag_fn, &a, &cx->err) : cx->err.code;
}

static int tags_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tags_arg *a = arg;

	return fh__tags(tx, a->s->id, a->in->after ? a->in->after : "", a->max + 1, a->arena, &a->v,
			&a->n, e);
}

int fh__op_list_tags(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_tags *in = input;
	struct tags_arg a = { .s = fh__need(cx, in->name),
			      .in = in,
			      .arena = cx->arena,
			      .max = (size_t)opt_int_or(in->limit, FIREHOSE_TAGS_MAX) };

	if (!a.s || meta_read(a.s->f->meta, tags_fn, &a, &cx->err) < 0)
		return cx->err.code;
	out_list(o, "Tags", NULL);
	for (size_t i = 0; i < a.n && i < a.max; i++) {
		out_obj(o, NULL);
		out_str(o, "Key", a.v[i].key);
		out_str(o, "Value", a.v[i].value);
		out_obj_end(o);
	}
	out_list_end(o);
	out_bool(o, "HasMoreTags", a.n > a.max);
	return 0;
}
