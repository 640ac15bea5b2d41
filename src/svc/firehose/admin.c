/* SPDX-License-Identifier: Apache-2.0 */
/* admin -- creating, describing, listing, deleting and labelling delivery streams. */
#include "base/limits.h"
#include "svc/firehose/firehose_ops.h"

/* --- what a destination may be --- */

static bool all_of(struct view v, const char *also)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9');

		if (!alnum && (!c || !strchr(also, c)))
			return false;
	}
	return true;
}

static bool is_role(struct view v)
{
	ptrdiff_t iam = view_find(v, VIEW(":iam::"));
	struct view account, rest;

	if (!view_starts(v, VIEW("arn:")) || iam < 0)
		return false;
	rest = view_from(v, (size_t)iam + 6);
	account = view_sub(rest, 0, 12);
	for (size_t i = 0; i < account.n; i++)
		if (account.p[i] < '0' || account.p[i] > '9')
			return false;
	rest = view_from(rest, 12);
	return view_starts(rest, VIEW(":role/")) && rest.n > 6 &&
	       all_of(view_from(rest, 6), "_+=,.@-/");
}

static bool is_bucket(struct view v)
{
	ptrdiff_t at = view_find(v, VIEW(":s3:::"));
	struct view name = at < 0 ? VIEW_NONE : view_from(v, (size_t)at + 6);

	return view_starts(v, VIEW("arn:")) && name.n > 0 && name.n < 256 && all_of(name, "_.-");
}

static bool is_extension(struct view v)
{
	static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz!-_.*'()";

	for (size_t i = 1; i < v.n; i++)
		if (!v.p[i] || !strchr(allowed, v.p[i]))
			return false;
	return !v.n || (v.p[0] == '.' && v.n > 1);
}

static int invalid(struct op_ctx *cx, const char *kind, const char *why)
{
	return aws_fail(&cx->err, &FIREHOSE_INVALID, "%s.%s", kind, why);
}

static bool is_on(const struct in_switch *s, bool dflt)
{
	return s && opt_bool_or(s->enabled, dflt);
}

/* Members whose default, or explicit absence, is all that there is so far. */
static int check_switches(struct op_ctx *cx, const struct in_destination *d, const char *kind)
{
	if (d->logging && opt_bool_or(d->logging->enabled, false))
		return invalid(cx, kind,
			       "CloudWatchLoggingOptions.Enabled: true is not supported by mulgil");
	if (is_on(d->processing, false))
		return invalid(cx, kind,
			       "ProcessingConfiguration.Enabled: true is not supported by mulgil");
	if (is_on(d->conversion, true))
		return invalid(cx, kind,
			       "DataFormatConversionConfiguration.Enabled: true is not supported "
			       "by mulgil");
	if (is_on(d->partitioning, false))
		return invalid(cx, kind,
			       "DynamicPartitioningConfiguration.Enabled: true is not supported by "
			       "mulgil");
	if (d->time_zone && d->time_zone[0] && !view_eq_str(view_str(d->time_zone), "UTC"))
		return invalid(cx, kind, "CustomTimeZone: only UTC is supported by mulgil");
	return 0;
}

static int check_members(struct op_ctx *cx, const struct in_destination *d, const char *kind)
{
	if (!is_role(view_str(d->role)))
		return aws_fail(&cx->err, &AWS_VALIDATION,
				"%s.RoleARN '%s' is not the ARN of a role", kind, d->role);
	if (!is_bucket(view_str(d->bucket)))
		return aws_fail(&cx->err, &AWS_VALIDATION,
				"%s.BucketARN '%s' is not the ARN of a bucket", kind, d->bucket);
	if (!is_extension(view_str(d->extension)))
		return aws_fail(&cx->err, &AWS_VALIDATION, "%s.FileExtension '%s' is not valid",
				kind, d->extension);
	if (d->hints && d->hints->size.set != d->hints->interval.set)
		return invalid(cx, kind,
			       "BufferingHints: SizeInMBs and IntervalInSeconds are given both, or "
			       "neither of them");
	return check_switches(cx, d, kind);
}

/* A Wednesday in September has the longest names. */
#define LONGEST_DAY_MS 1790812799999

static int check_length(struct op_ctx *cx, const struct in_create *in,
			const struct in_destination *d, const struct prefix *p, const char *kind)
{
	const struct prefix_env env = { .at_ms = LONGEST_DAY_MS };
	size_t rest = strlen(in->name) + sizeof("-18446744073709551615-2026-09-30-23-59-59-") + 36 +
		      (d->extension ? strlen(d->extension) : 3);
	struct buf b;
	bool fits;

	buf_init(&b, 64 * KIB);
	prefix_eval(p, &env, &b);
	fits = !b.over && b.n + rest <= LIMIT_KEY;
	buf_clear(&b);
	return fits ? 0 : invalid(cx, kind, "Prefix: object names would be longer than 1024 bytes");
}

/* Errors of the pure functions become the service's own, with the member's name in front. */
static int prefix_failed(struct op_ctx *cx, const char *kind, const char *member,
			 const struct err *why)
{
	return aws_fail(&cx->err, &FIREHOSE_INVALID, "%s.%s: %s", kind, member, why->msg);
}

static int check_prefixes(struct op_ctx *cx, const struct in_create *in,
			  const struct in_destination *d, const char *kind)
{
	const struct prefix *data, *error = NULL;
	struct err why = { 0 };

	if (prefix_parse(cx->arena, view_str(d->prefix ? d->prefix : ""), PREFIX_DATA, &data,
			 &why) < 0)
		return prefix_failed(cx, kind, "Prefix", &why);
	if (d->error_prefix &&
	    prefix_parse(cx->arena, view_str(d->error_prefix), PREFIX_ERROR, &error, &why) < 0)
		return prefix_failed(cx, kind, "ErrorOutputPrefix", &why);
	if (prefix_check_pair(data, error, &why) < 0)
		return prefix_failed(cx, kind, "ErrorOutputPrefix", &why);
	return check_length(cx, in, d, data, kind);
}

static struct fh_config config_of(const struct in_destination *d, bool extended)
{
	bool hints = d->hints && d->hints->size.set;

	return (struct fh_config){
		.extended = extended,
		.role_arn = d->role,
		.bucket_arn = d->bucket,
		.prefix = d->prefix,
		.error_prefix = d->error_prefix,
		.size_mb = hints ? d->hints->size.v : FIREHOSE_SIZE_MB,
		.interval_s = hints ? d->hints->interval.v : FIREHOSE_INTERVAL_S,
		.gzip = d->compression && view_eq_str(view_str(d->compression), "GZIP"),
		.extension = d->extension,
		.time_zone = d->time_zone,
		.log_group = d->logging ? d->logging->group : NULL,
		.log_stream = d->logging ? d->logging->stream : NULL,
	};
}

/* --- creation, deletion --- */

int fh__op_create(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_create *in = input;
	const struct in_destination *d = in->extended ? in->extended : in->plain;
	const char *kind = in->extended ? "ExtendedS3DestinationConfiguration"
					: "S3DestinationConfiguration";
	struct firehose *f = cx->self;
	struct fh_config c;
	int rc;

	if (!all_of(view_str(in->name), "_.-"))
		return aws_fail(&cx->err, &AWS_VALIDATION,
				"1 validation error detected: Value '%s' at 'deliveryStreamName' "
				"failed to satisfy "
				"constraint: Member must satisfy regular expression pattern: "
				"[a-zA-Z0-9_.-]+",
				in->name);
	if (!d || (in->extended && in->plain))
		return aws_fail(&cx->err, &FIREHOSE_INVALID,
				"One and only one destination configuration has to be given.");
	rc = check_members(cx, d, kind);
	if (!rc)
		rc = check_prefixes(cx, in, d, kind);
	if (rc)
		return rc;
	c = config_of(d, in->extended != NULL);
	rc = fh__create(f, in->name, &c, in->tags.v, in->tags.n, &cx->err);
	if (!rc)
		out_str(o, "DeliveryStreamARN", fh__arn(f, cx->arena, in->name));
	return rc;
}

int fh__op_delete(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_delete *in = input;

	return fh__delete(cx->self, in->name, &cx->err);
}

/* --- description --- */

static void out_destination(struct out *o, const struct fh_config *c)
{
	out_str(o, "RoleARN", c->role_arn);
	out_str(o, "BucketARN", c->bucket_arn);
	out_str(o, "Prefix", c->prefix);
	out_str(o, "ErrorOutputPrefix", c->error_prefix);
	out_obj(o, "BufferingHints");
	out_int(o, "SizeInMBs", c->size_mb);
	out_int(o, "IntervalInSeconds", c->interval_s);
	out_obj_end(o);
	out_str(o, "CompressionFormat", c->gzip ? "GZIP" : "UNCOMPRESSED");
	out_obj(o, "EncryptionConfiguration");
	out_str(o, "NoEncryptionConfig", "NoEncryption");
	out_obj_end(o);
	out_obj(o, "CloudWatchLoggingOptions");
	out_bool(o, "Enabled", false);
	out_str(o, "LogGroupName", c->log_group);
	out_str(o, "LogStreamName", c->log_stream);
	out_obj_end(o);
}

static void out_extended(struct out *o, const struct fh_config *c)
{
	out_obj(o, "ExtendedS3DestinationDescription");
	out_destination(o, c);
	out_obj(o, "ProcessingConfiguration");
	out_bool(o, "Enabled", false);
	out_list(o, "Processors", NULL);
	out_list_end(o);
	out_obj_end(o);
	out_str(o, "S3BackupMode", "Disabled");
	out_str(o, "FileExtension", c->extension);
	out_str(o, "CustomTimeZone", c->time_zone);
	out_obj_end(o);
}

int fh__op_describe(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_describe *in = input;
	struct fh_stream *s = fh__need(cx, in->name);

	if (!s)
		return cx->err.code;
	out_obj(o, "DeliveryStreamDescription");
	out_str(o, "DeliveryStreamName", s->name);
	out_str(o, "DeliveryStreamARN", fh__arn(s->f, cx->arena, s->name));
	out_str(o, "DeliveryStreamStatus", "ACTIVE");
	out_obj(o, "DeliveryStreamEncryptionConfiguration");
	out_str(o, "Status", "DISABLED");
	out_obj_end(o);
	out_str(o, "DeliveryStreamType", "DirectPut");
	out_str(o, "VersionId", arena_printf(cx->arena, "%lld", (long long)s->version));
	out_time(o, "CreateTimestamp", s->created_ms);
	out_list(o, "Destinations", NULL);
	if (!in->after || view_cmp(view_str(in->after), view_str(FIREHOSE_DESTINATION)) < 0) {
		out_obj(o, NULL);
		out_str(o, "DestinationId", FIREHOSE_DESTINATION);
		out_obj(o, "S3DestinationDescription");
		out_destination(o, &s->config);
		out_obj_end(o);
		if (s->config.extended)
			out_extended(o, &s->config);
		out_obj_end(o);
	}
	out_list_end(o);
	out_bool(o, "HasMoreDestinations", false);
	out_obj_end(o);
	return 0;
}

/* --- listing --- */

struct list_arg {
	const char *after;
	size_t max;
	struct arena *arena;
	const char **v;
	size_t n;
};

static int list_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_arg *l = arg;

	return fh__names(tx, l->after, l->max + 1, l->arena, &l->v, &l->n, e);
}

int fh__op_list(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_list *in = input;
	struct firehose *f = cx->self;
	struct list_arg l = { .after = in->after ? in->after : "",
			      .max = (size_t)opt_int_or(in->limit, 10),
			      .arena = cx->arena };

	if (!in->type || view_eq_str(view_str(in->type), "DirectPut")) {
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
