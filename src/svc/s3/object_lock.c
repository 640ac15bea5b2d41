/* SPDX-License-Identifier: Apache-2.0 */
/* object_lock -- a bucket's object lock; retention and legal hold of single versions. */
#include "svc/s3/s3_ops.h"

#define DAYS_MAX 36500
#define YEARS_MAX 100

static int malformed(struct err *e)
{
	return aws_fail(e, &S3_MALFORMED_XML,
			"The XML you provided was not well-formed or did not validate against our published "
			"schema");
}

static int no_lock(struct err *e)
{
	return aws_fail(e, &S3_NO_OBJECT_LOCK, "The specified object does not have a ObjectLock configuration");
}

/* --- the bucket's --- */

static int check_period(struct err *e, struct opt_int n, int64_t max)
{
	if (n.set && n.v <= 0)
		return aws_fail(e, &S3_INVALID_RETENTION,
				"Default retention period must be a positive integer value.");
	if (n.set && n.v > max)
		return aws_fail(e, &S3_INVALID_RETENTION, "Default retention period is too large.");
	return 0;
}

static int check_config(struct err *e, const struct in_lock_config *c)
{
	const struct in_default_retention *d = c && c->rule ? c->rule->retention : NULL;
	int rc = !c || !c->enabled || (c->rule && !d) ? malformed(e) : 0;

	if (rc || !d)
		return rc;
	if (!d->mode || d->days.set == d->years.set)
		return malformed(e);
	rc = check_period(e, d->days, DAYS_MAX);
	return rc ? rc : check_period(e, d->years, YEARS_MAX);
}

static const char *config_text(struct arena *a, const struct in_lock_config *c)
{
	struct json *doc = json_new_obj(a);

	json_set_str(a, doc, "ObjectLockEnabled", c->enabled);
	if (c->rule) {
		const struct in_default_retention *d = c->rule->retention;
		struct json *rule = json_new_obj(a), *retention = json_new_obj(a);

		json_set_str(a, retention, "Mode", d->mode);
		if (d->days.set)
			json_set_int(a, retention, "Days", d->days.v);
		if (d->years.set)
			json_set_int(a, retention, "Years", d->years.v);
		json_set(a, rule, "DefaultRetention", retention);
		json_set(a, doc, "Rule", rule);
	}
	return json_text(a, doc);
}

struct config_arg {
	const char *bucket, *doc;
	struct arena *arena;
};

static int put_config_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct config_arg *a = arg;
	struct s3_bucket b;
	int rc = s3__bucket_need(tx, a->bucket, &b, e);

	if (!rc && b.versioning != S3_VERSIONING_ENABLED)
		rc = aws_fail(e, &S3_INVALID_BUCKET_STATE,
			      "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
	if (!rc && !b.lock)
		rc = s3__bucket_lock(tx, a->bucket, e);
	return rc ? rc : s3__config_put(tx, a->bucket, S3_KIND_LOCK, a->doc, e);
}

int s3__put_lock_config(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_put_lock_config *in = input;
	struct s3 *s = cx->self;
	struct config_arg a = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = check_config(&cx->err, in->config);
	if (rc)
		return rc;
	a.doc = config_text(cx->arena, in->config);
	return meta_write(s->meta, put_config_fn, &a, &cx->err);
}

static int get_config_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct config_arg *a = arg;
	struct s3_bucket b;
	int rc = s3__bucket_need(tx, a->bucket, &b, e);

	if (!rc && !b.lock)
		rc = aws_fail(e, &S3_NO_LOCK_CONFIG, "Object Lock configuration does not exist for this bucket");
	if (!rc)
		rc = s3__config_get(tx, a->bucket, S3_KIND_LOCK, a->arena, &a->doc, e);
	return rc < 0 ? rc : 0;
}

static void out_rule(struct out *o, const struct json *retention)
{
	static const char *const periods[] = { "Days", "Years" };

	out_obj(o, "Rule");
	out_obj(o, "DefaultRetention");
	out_view(o, "Mode", json_get_str(retention, "Mode"));
	for (size_t i = 0; i < ARRAY_LEN(periods); i++)
		if (json_get(retention, periods[i]))
			out_int(o, periods[i], json_int(json_get(retention, periods[i]), 0));
	out_obj_end(o);
	out_obj_end(o);
}

int s3__get_lock_config(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct config_arg a = { .bucket = in->bucket, .arena = cx->arena };
	const struct json *doc = NULL, *retention;
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_read(s->meta, get_config_fn, &a, &cx->err);
	if (!rc && a.doc) {
		doc = json_parse(cx->arena, view_str(a.doc), JSON_DEPTH, &cx->err);
		rc = cx->err.code;
	}
	if (rc)
		return rc;
	retention = json_get(json_get(doc, "Rule"), "DefaultRetention");
	out_root(o, "ObjectLockConfiguration");
	out_str(o, "ObjectLockEnabled", "Enabled");
	if (retention)
		out_rule(o, retention);
	return 0;
}

/* --- a version's --- */

struct lock_arg {
	struct s3 *s;
	struct arena *arena;
	const char *bucket, *key, *version;
	struct s3_row row;
	struct s3_lock old;
	const struct s3_lock *retention; /* to write; or: */
	enum s3_hold hold;		 /* HOLD_NEVER: none to write */
	bool bypass;
};

static int begin(struct op_ctx *cx, const struct in_object_lock *in, struct lock_arg *a)
{
	int rc = s3__check_owner(cx, in->owner);

	*a = (struct lock_arg){ .s = cx->self,
				.arena = cx->arena,
				.bucket = in->bucket,
				.key = in->key,
				.version = in->version,
				.bypass = opt_bool_or(in->bypass, false) };
	return rc ? rc : s3__check_key(cx, in->key);
}

static int find(struct meta_tx *tx, struct lock_arg *a, struct err *e)
{
	struct s3_bucket b;
	int rc = s3__bucket_need(tx, a->bucket, &b, e);

	if (!rc)
		rc = s3__lock_possible(&b, e);
	if (!rc)
		rc = s3__row_need(tx, a->bucket, a->key, a->version, a->arena, &a->row, e);
	return rc ? rc : s3__lock_parse(a->arena, a->row.lock, &a->old, e);
}

static int find_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	return find(tx, arg, e);
}

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct lock_arg *a = arg;
	struct s3_lock new;
	const char *text;
	int rc = find(tx, a, e);

	if (rc)
		return rc;
	new = a->old;
	if (a->hold) {
		new.hold = a->hold;
	} else {
		new.mode = a->retention->mode;
		new.until_ms = a->retention->until_ms;
		rc = s3__lock_allows_change(&a->old, &new, a->s->now_ms(), a->bypass, e);
	}
	text = s3__lock_text(a->arena, &new);
	return rc ? rc : s3__version_relock(tx, &a->row, text ? text : "", e);
}

static int put(struct op_ctx *cx, struct lock_arg *a)
{
	int rc = meta_write(a->s->meta, put_fn, a, &cx->err);

	return rc ? s3__explain_marker(cx, &a->row) : 0;
}

static int get(struct op_ctx *cx, const struct in_object_lock *in, struct lock_arg *a)
{
	int rc = begin(cx, in, a);

	if (!rc && meta_read(a->s->meta, find_fn, a, &cx->err))
		rc = s3__explain_marker(cx, &a->row);
	return rc;
}

/* An empty document takes a retention away. */
int s3__put_retention(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_object_lock *in = input;
	const struct in_retention *r = in->retention;
	struct s3_lock l = { 0 };
	struct lock_arg a;
	int rc = begin(cx, in, &a);

	if (!rc && (!r || !r->mode != !r->until.set))
		rc = malformed(&cx->err);
	if (rc)
		return rc;
	if (r->mode && r->until.v <= a.s->now_ms())
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT, "The retain until date must be in the future!");
	l.mode = s3__lock_mode(r->mode);
	l.until_ms = r->until.v;
	a.retention = &l;
	return put(cx, &a);
}

int s3__get_retention(struct op_ctx *cx, const void *input, struct out *o)
{
	struct lock_arg a;
	int rc = get(cx, input, &a);

	if (!rc && !a.old.mode)
		rc = no_lock(&cx->err);
	if (rc)
		return rc;
	out_root(o, "Retention");
	out_str(o, "Mode", s3__lock_mode_text(a.old.mode));
	out_time(o, "RetainUntilDate", a.old.until_ms);
	return 0;
}

int s3__put_legal_hold(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_object_lock *in = input;
	struct lock_arg a;
	int rc = begin(cx, in, &a);

	if (!rc && (!in->hold || !in->hold->status))
		rc = malformed(&cx->err);
	if (rc)
		return rc;
	a.hold = view_eq_str(view_str(in->hold->status), "ON") ? HOLD_ON : HOLD_OFF;
	return put(cx, &a);
}

int s3__get_legal_hold(struct op_ctx *cx, const void *input, struct out *o)
{
	struct lock_arg a;
	int rc = get(cx, input, &a);

	if (!rc && !a.old.hold)
		rc = no_lock(&cx->err);
	if (rc)
		return rc;
	out_root(o, "LegalHold");
	out_str(o, "Status", s3__hold_text(a.old.hold));
	return 0;
}
