/* SPDX-License-Identifier: Apache-2.0 */
/* update -- UpdateDestination: what the caller names is merged into what is stored, checked, and counts from then on. */
#include <inttypes.h>

#include "os/clock.h"
#include "svc/firehose/deliver.h"
#include "svc/firehose/firehose_ops.h"

struct update_arg {
	const struct fh_stream *s;
	struct arena *a;
	struct fh_row row;
	bool extended;
	const char *config;
};

static int read_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct update_arg *u = arg;

	return fh__row(tx, u->s->name, u->a, &u->row, e);
}

static int write_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct update_arg *u = arg;

	return fh__reconfigure(tx, u->s->id, u->row.version, u->extended, u->config, clock_ms(), e);
}

static int stale(struct op_ctx *cx, const struct in_update *in)
{
	err_clear(&cx->err);
	return aws_fail(&cx->err, &FIREHOSE_CONFLICT,
			"Firehose %s: the version %s is not the current one. Describe it and try again.", in->name, in->version);
}

/* What AWS allows to be set once only. */
static int check_once(const struct fh_check *x, const struct json *old, const struct json *d)
{
	static const char on[] = "Enabled";
	const bool was = json_is_true(json_get(json_get(old, "DynamicPartitioningConfiguration"), on));

	if (was != json_is_true(json_get(json_get(d, "DynamicPartitioningConfiguration"), on)))
		return fh__invalid(x, "DynamicPartitioningConfiguration.Enabled cannot be changed once the stream is there");
	if (view_eq_str(json_get_str(old, "S3BackupMode"), on) && !view_eq_str(json_get_str(d, "S3BackupMode"), on))
		return fh__invalid(x, "S3BackupMode cannot be Disabled once it was Enabled");
	return 0;
}

static int merged(struct op_ctx *cx, const struct in_update *in, struct update_arg *u)
{
	const struct json *update = in->extended ? in->extended : in->plain, *old, *d;
	const struct fh_check x = { .a = cx->arena,
				    .f = cx->self,
				    .creating = true,
				    .stream = in->name,
				    .kind = in->extended ? "ExtendedS3DestinationUpdate" : "S3DestinationUpdate",
				    .e = &cx->err };
	struct fh_config c;
	int rc;

	old = json_parse(cx->arena, view_str(u->row.config), JSON_DEPTH, &cx->err);
	if (!old)
		return cx->err.code;
	d = fh__config_defaults(cx->arena, fh__config_merge(cx->arena, old, update));
	rc = check_once(&x, old, d);
	if (rc)
		return rc;
	rc = fh__config_parse(&x, d, &c);
	fh__config_release(&c);
	u->extended = u->row.extended || in->extended;
	u->config = json_text(cx->arena, d);
	return rc;
}

int fh__op_update(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_update *in = input;
	struct fh_stream *s = fh__need(cx, in->name);
	struct update_arg u = { .s = s, .a = cx->arena };
	uint64_t version;
	int rc;

	if (!s)
		return cx->err.code;
	if ((in->plain != NULL) == (in->extended != NULL))
		return aws_fail(&cx->err, &FIREHOSE_INVALID, "One and only one destination update has to be given.");
	if (!view_eq_str(view_str(in->destination), FIREHOSE_DESTINATION))
		return aws_fail(&cx->err, &FIREHOSE_INVALID, "Destination %s under Firehose %s not found.", in->destination, in->name);
	if (!view_u64(view_str(in->version), INT64_MAX, &version))
		return aws_fail(&cx->err, &AWS_VALIDATION, "CurrentDeliveryStreamVersionId '%s' is not a number", in->version);
	if (meta_read(s->f->meta, read_fn, &u, &cx->err) < 0) /* it may be deleted just now */
		return cx->err.code == ERR_NOENT ? fh__not_found(cx, in->name) : cx->err.code;
	if ((int64_t)version != u.row.version)
		return stale(cx, in);
	rc = merged(cx, in, &u);
	if (rc)
		return rc;
	rc = meta_write(s->f->meta, write_fn, &u, &cx->err);
	if (rc == ERR_CONFLICT)
		return stale(cx, in);
	if (!rc)
		fh__changed(s);
	return rc;
}
