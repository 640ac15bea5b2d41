/* SPDX-License-Identifier: Apache-2.0 */
/* describe -- a delivery stream as it is stored. */
#include "svc/firehose/firehose_ops.h"

/* Members of S3DestinationDescription, which stands beside the extended one. */
static const char *const plain[] = { "RoleARN",           "BucketARN",       "Prefix",
				     "ErrorOutputPrefix", "BufferingHints",  "CompressionFormat",
				     "EncryptionConfiguration", "CloudWatchLoggingOptions" };

static void out_plain(struct out *o, const char *name, const struct json *d)
{
	out_obj(o, name);
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		out_json(o, plain[i], json_get(d, plain[i]));
	out_obj_end(o);
}

static void out_extended(struct op_ctx *cx, struct out *o, const struct json *d)
{
	struct json *v = json_new_obj(cx->arena), *off;

	for (size_t i = 0; i < json_len(d); i++) {
		struct view name = d->obj.v[i].name;

		json_set_view(cx->arena, v,
			      view_eq_str(name, "S3BackupConfiguration") ? VIEW("S3BackupDescription") : name,
			      d->obj.v[i].value);
	}
	if (!json_get(v, "S3BackupMode"))
		json_set_str(cx->arena, v, "S3BackupMode", "Disabled");
	if (!json_get(v, "ProcessingConfiguration")) {
		off = json_new_obj(cx->arena);
		json_set(cx->arena, off, "Enabled", &json_false);
		json_set(cx->arena, off, "Processors", json_new_arr(cx->arena));
		json_set(cx->arena, v, "ProcessingConfiguration", off);
	}
	out_json(o, "ExtendedS3DestinationDescription", v);
}

static void out_destination(struct op_ctx *cx, struct out *o, const struct fh_row *row, const struct json *d)
{
	out_obj(o, NULL);
	out_str(o, "DestinationId", FIREHOSE_DESTINATION);
	out_plain(o, "S3DestinationDescription", d);
	if (row->extended)
		out_extended(cx, o, d);
	out_obj_end(o);
}

struct describe_arg {
	const char *name;
	struct arena *a;
	struct fh_row row;
};

static int describe_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct describe_arg *d = arg;

	return fh__row(tx, d->name, d->a, &d->row, e);
}

static void out_source(struct op_ctx *cx, struct out *o, const struct fh_row *row)
{
	struct err e = { 0 };
	const struct json *source = json_parse(cx->arena, view_str(row->source), JSON_DEPTH, &e);

	out_obj(o, "Source");
	out_obj(o, "KinesisStreamSourceDescription");
	out_view(o, "KinesisStreamARN", json_get_str(source, "KinesisStreamARN"));
	out_view(o, "RoleARN", json_get_str(source, "RoleARN"));
	out_time(o, "DeliveryStartTimestamp", row->created_ms);
	out_obj_end(o);
	out_obj_end(o);
}

int fh__op_describe(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_describe *in = input;
	const struct fh_stream *s = fh__need(cx, in->name);
	struct describe_arg d = { .name = in->name, .a = cx->arena };
	const struct json *destination;

	if (!s)
		return cx->err.code;
	if (meta_read(s->f->meta, describe_fn, &d, &cx->err) < 0) /* it may be deleted just now */
		return cx->err.code == ERR_NOENT ? fh__not_found(cx, in->name) : cx->err.code;
	destination = json_parse(cx->arena, view_str(d.row.config), JSON_DEPTH, &cx->err);
	if (!destination)
		return cx->err.code;
	out_obj(o, "DeliveryStreamDescription");
	out_str(o, "DeliveryStreamName", s->name);
	out_str(o, "DeliveryStreamARN", fh__arn(s->f, cx->arena, s->name));
	out_str(o, "DeliveryStreamStatus", "ACTIVE");
	out_obj(o, "DeliveryStreamEncryptionConfiguration");
	out_str(o, "Status", "DISABLED");
	out_obj_end(o);
	out_str(o, "DeliveryStreamType", d.row.source ? "KinesisStreamAsSource" : "DirectPut");
	out_str(o, "VersionId", arena_printf(cx->arena, "%lld", (long long)d.row.version));
	out_time(o, "CreateTimestamp", d.row.created_ms);
	if (d.row.updated_ms)
		out_time(o, "LastUpdateTimestamp", d.row.updated_ms);
	if (d.row.source)
		out_source(cx, o, &d.row);
	out_list(o, "Destinations", NULL);
	if (!in->after || view_cmp(view_str(in->after), view_str(FIREHOSE_DESTINATION)) < 0)
		out_destination(cx, o, &d.row, destination);
	out_list_end(o);
	out_bool(o, "HasMoreDestinations", false);
	out_obj_end(o);
	return 0;
}
