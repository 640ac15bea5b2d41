/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle -- a bucket's lifecycle rules: checked as AWS checks them, kept, answered; x-amz-expiration. */
#include "base/time.h"
#include "base/utf8.h"
#include "svc/s3/lifecycle.h"
#include "svc/s3/s3_ops.h"

#define ID_MAX 255
#define KEPT_MAX 100
#define DAYS_MAX INT32_MAX

static int malformed(struct err *e)
{
	return aws_fail(e, &S3_MALFORMED_XML,
			"The XML you provided was not well-formed or did not validate against our published schema");
}

/* --- checks --- */

static int check_days(struct err *e, struct opt_int n, const char *member, const char *action)
{
	if (n.v > 0 && n.v <= DAYS_MAX)
		return 0;
	return aws_fail(e, &S3_INVALID_ARGUMENT, "'%s' for %s action must be a positive integer", member, action);
}

static int check_tag(struct err *e, const struct in_tag *t)
{
	struct view key = view_str(t->key), value = view_str(t->value);

	if (!key.n || utf8_len(key) > 128)
		return aws_fail(e, &S3_INVALID_TAG, "The TagKey you have provided is invalid");
	return utf8_len(value) <= 256 ? 0 : aws_fail(e, &S3_INVALID_TAG, "The TagValue you have provided is invalid");
}

static int check_tags(struct err *e, const struct in_tag *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (check_tag(e, &v[i]))
			return e->code;
		for (size_t j = 0; j < i; j++)
			if (strcmp(v[i].key, v[j].key) == 0)
				return aws_fail(e, &S3_INVALID_REQUEST, "Duplicate Tag Keys are not allowed.");
	}
	return 0;
}

static int check_sizes(struct err *e, struct opt_int above, struct opt_int below)
{
	if ((above.set && above.v < 0) || (below.set && below.v < 1))
		return aws_fail(e, &S3_INVALID_REQUEST,
				"'ObjectSizeGreaterThan' and 'ObjectSizeLessThan' have to be sizes of objects");
	if (above.set && below.set && below.v <= above.v)
		return aws_fail(e, &S3_INVALID_REQUEST,
				"'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'");
	return 0;
}

/* A filter has at most one member, And at least one. */
static int check_filter(struct err *e, const struct in_lc_filter *f)
{
	const struct in_lc_and *and = f->and;
	int n = (f->prefix != NULL) + (f->tag != NULL) + f->above.set + f->below.set + (f->and != NULL);
	int rc = 0;

	if (n > 1 || (and && !and->prefix && !and->tags.n && !and->above.set && !and->below.set))
		return malformed(e);
	if (f->tag)
		rc = check_tags(e, f->tag, 1);
	if (!rc && and)
		rc = check_tags(e, and->tags.v, and->tags.n);
	if (!rc)
		rc = check_sizes(e, f->above, f->below);
	return rc || !and ? rc : check_sizes(e, and->above, and->below);
}

static bool filters_by_tag(const struct in_lc_rule *r)
{
	return r->filter && (r->filter->tag || (r->filter->and && r->filter->and->tags.n));
}

static bool filters_by_size(const struct in_lc_rule *r)
{
	const struct in_lc_filter *f = r->filter;

	return f && (f->above.set || f->below.set || (f->and && (f->and->above.set || f->and->below.set)));
}

static int check_expiration(struct err *e, const struct in_lc_rule *r)
{
	const struct in_lc_expire *x = r->expire;
	bool markers = opt_bool_or(x->markers, false);

	if (x->days.set + x->date.set + markers > 1 || (!x->days.set && !x->date.set && !x->markers.set))
		return malformed(e);
	if (x->days.set)
		return check_days(e, x->days, "Days", "Expiration");
	if (x->date.set && (x->date.v % LC_DAY_MS || x->date.v <= 0))
		return aws_fail(e, &S3_INVALID_ARGUMENT, "'Date' must be at midnight GMT");
	if (markers && filters_by_tag(r))
		return aws_fail(e, &S3_INVALID_REQUEST, "ExpiredObjectDeleteMarker cannot be specified with Tags.");
	return 0;
}

static int check_old(struct err *e, const struct in_lc_old *x)
{
	int rc = x->days.set ? check_days(e, x->days, "NoncurrentDays", "NoncurrentVersionExpiration") : malformed(e);

	if (!rc && x->kept.set && (x->kept.v < 1 || x->kept.v > KEPT_MAX))
		rc = aws_fail(e, &S3_INVALID_ARGUMENT,
			      "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be an integer "
			      "between 1 and %d", KEPT_MAX);
	return rc;
}

static int check_abort(struct err *e, const struct in_lc_rule *r)
{
	if (!r->abort->days.set)
		return malformed(e);
	if (filters_by_tag(r))
		return aws_fail(e, &S3_INVALID_REQUEST,
				"AbortIncompleteMultipartUpload cannot be specified with Tags.");
	if (filters_by_size(r))
		return aws_fail(e, &S3_INVALID_REQUEST,
				"AbortIncompleteMultipartUpload cannot be specified with Object Size.");
	return check_days(e, r->abort->days, "DaysAfterInitiation", "AbortIncompleteMultipartUpload");
}

static int refuse_transitions(struct err *e, const struct in_lc_rule *r)
{
	const struct in_lc_transition *v = r->transitions.v;

	for (size_t i = 0; i < r->transitions.n; i++)
		if (v[i].date.set && (v[i].date.v % LC_DAY_MS || v[i].date.v <= 0))
			return aws_fail(e, &S3_INVALID_ARGUMENT, "'Date' must be at midnight GMT");
	return aws_fail(e, &AWS_NOT_IMPLEMENTED, "the member 'transitions' is not supported by mulgil");
}

static int check_actions(struct err *e, const struct in_lc_rule *r)
{
	int rc = r->transitions.n ? refuse_transitions(e, r) : 0;

	if (!rc && !r->expire && !r->old && !r->abort)
		rc = aws_fail(e, &S3_INVALID_REQUEST, "At least one action needs to be specified in a rule");
	if (!rc && r->expire)
		rc = check_expiration(e, r);
	if (!rc && r->old)
		rc = check_old(e, r->old);
	return rc || !r->abort ? rc : check_abort(e, r);
}

static int check_rule(struct err *e, const struct in_lc_rule *r)
{
	int rc = 0;

	if ((r->filter != NULL) == (r->prefix != NULL))
		return malformed(e);
	if (r->id && strlen(r->id) > ID_MAX)
		return aws_fail(e, &S3_INVALID_ARGUMENT, "ID length should not exceed allowed limit of %d", ID_MAX);
	if (r->filter)
		rc = check_filter(e, r->filter);
	return rc ? rc : check_actions(e, r);
}

static int check(struct err *e, const struct in_lc_rule *v, size_t n)
{
	if (!n || n > LC_RULES_MAX)
		return malformed(e);
	for (size_t i = 0; i < n; i++) {
		if (check_rule(e, &v[i]))
			return e->code;
		for (size_t j = 0; v[i].id && j < i; j++)
			if (v[j].id && strcmp(v[i].id, v[j].id) == 0)
				return aws_fail(e, &S3_INVALID_ARGUMENT,
						"Rule ID must be unique. Found same ID for more than one rule");
	}
	return 0;
}

/* --- several members in a filter --- */

/* The one that begins with the other; NULL: no key can begin with both. */
static const char *longer(const char *a, const char *b)
{
	if (!a || !b)
		return a ? a : b;
	if (view_starts(view_str(a), view_str(b)))
		return a;
	return view_starts(view_str(b), view_str(a)) ? b : NULL;
}

static void tighten(struct opt_int *have, struct opt_int other, bool up)
{
	if (other.set && (!have->set || (up ? other.v > have->v : other.v < have->v)))
		*have = other;
}

/*
 * AWS takes one member in a filter and wants several in And; others take them side by side, and mean the same: all have
 * to hold.  So do we.  What is kept and answered is AWS's form.  Where the prefixes exclude each other it stays as it is,
 * to be refused.
 */
static void join_filter(struct arena *a, struct in_lc_filter *f)
{
	struct in_lc_and *old = f->and, *and;
	struct in_tag *tags;
	size_t n = 0;

	if ((f->prefix != NULL) + (f->tag != NULL) + f->above.set + f->below.set + (old != NULL) < 2)
		return;
	and = ARENA_NEW(a, struct in_lc_and);
	if (old)
		*and = *old;
	if (old && f->prefix && old->prefix && !longer(f->prefix, old->prefix))
		return;
	and->prefix = longer(f->prefix, and->prefix);
	tighten(&and->above, f->above, true);
	tighten(&and->below, f->below, false);
	tags = ARENA_ARRAY(a, struct in_tag, and->tags.n + 1);
	if (f->tag)
		tags[n++] = *f->tag;
	if (and->tags.n)
		memcpy(tags + n, and->tags.v, and->tags.n * sizeof(*tags));
	and->tags.n += n;
	and->tags.v = tags;
	*f = (struct in_lc_filter){ .and = and };
}

static void join_filters(struct arena *a, struct in_lc_rule *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].filter)
			join_filter(a, v[i].filter);
}

/* --- the document --- */

static void set_int(struct arena *a, struct json *o, const char *name, struct opt_int n)
{
	if (n.set)
		json_set_int(a, o, name, n.v);
}

static struct json *tag_json(struct arena *a, const struct in_tag *t)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "Key", t->key);
	json_set_str(a, o, "Value", t->value);
	return o;
}

static struct json *filter_json(struct arena *a, const struct in_lc_filter *f)
{
	struct json *o = json_new_obj(a), *and;

	json_set_str(a, o, "Prefix", f->prefix);
	if (f->tag)
		json_set(a, o, "Tag", tag_json(a, f->tag));
	set_int(a, o, "ObjectSizeGreaterThan", f->above);
	set_int(a, o, "ObjectSizeLessThan", f->below);
	if (!f->and)
		return o;
	and = json_new_obj(a);
	json_set_str(a, and, "Prefix", f->and->prefix);
	set_int(a, and, "ObjectSizeGreaterThan", f->and->above);
	set_int(a, and, "ObjectSizeLessThan", f->and->below);
	if (f->and->tags.n) {
		const struct in_tag *v = f->and->tags.v;
		struct json *tags = json_new_arr(a);

		for (size_t i = 0; i < f->and->tags.n; i++)
			json_push(a, tags, tag_json(a, &v[i]));
		json_set(a, and, "Tags", tags);
	}
	json_set(a, o, "And", and);
	return o;
}

static struct json *rule_json(struct arena *a, const struct in_lc_rule *r)
{
	struct json *o = json_new_obj(a), *x;
	char id[UUID_TEXT];

	uuid4(id);
	json_set_str(a, o, "ID", r->id && r->id[0] ? r->id : id);
	json_set_str(a, o, "Prefix", r->prefix);
	if (r->filter)
		json_set(a, o, "Filter", filter_json(a, r->filter));
	json_set_str(a, o, "Status", r->status);
	if (r->expire) {
		x = json_new_obj(a);
		set_int(a, x, "Days", r->expire->days);
		set_int(a, x, "Date", r->expire->date);
		if (r->expire->markers.set)
			json_set(a, x, "ExpiredObjectDeleteMarker", json_new_bool(r->expire->markers.v));
		json_set(a, o, "Expiration", x);
	}
	if (r->old) {
		x = json_new_obj(a);
		set_int(a, x, "NoncurrentDays", r->old->days);
		set_int(a, x, "NewerNoncurrentVersions", r->old->kept);
		json_set(a, o, "NoncurrentVersionExpiration", x);
	}
	if (r->abort) {
		x = json_new_obj(a);
		set_int(a, x, "DaysAfterInitiation", r->abort->days);
		json_set(a, o, "AbortIncompleteMultipartUpload", x);
	}
	return o;
}

static const char *text_of(struct arena *a, const struct in_lc_rule *v, size_t n, const char *minimum)
{
	struct json *doc = json_new_obj(a), *rules = json_new_arr(a);

	for (size_t i = 0; i < n; i++)
		json_push(a, rules, rule_json(a, &v[i]));
	json_set_str(a, doc, "TransitionDefaultMinimumObjectSize", minimum);
	json_set(a, doc, "Rules", rules);
	return json_text(a, doc);
}

/* --- answers --- */

static void out_text(struct out *o, const struct json *from, const char *name)
{
	out_view(o, name, json_get_str(from, name));
}

static void out_number(struct out *o, const struct json *from, const char *name)
{
	if (json_get(from, name))
		out_int(o, name, json_int(json_get(from, name), 0));
}

static void out_tag(struct out *o, const char *name, const struct json *t)
{
	out_obj(o, name);
	out_text(o, t, "Key");
	out_text(o, t, "Value");
	out_obj_end(o);
}

static void out_filter(struct out *o, const struct json *f)
{
	const struct json *and = json_get(f, "And"), *tags = json_get(and, "Tags");

	out_obj(o, "Filter");
	out_text(o, f, "Prefix");
	if (json_get(f, "Tag"))
		out_tag(o, "Tag", json_get(f, "Tag"));
	out_number(o, f, "ObjectSizeGreaterThan");
	out_number(o, f, "ObjectSizeLessThan");
	if (and) {
		struct view prefix = json_get_str(and, "Prefix");

		/* Terraform's provider compares with what S3 fills in here. */
		out_obj(o, "And");
		out_view(o, "Prefix", prefix.p ? prefix : VIEW(""));
		out_int(o, "ObjectSizeGreaterThan", json_int(json_get(and, "ObjectSizeGreaterThan"), 0));
		out_number(o, and, "ObjectSizeLessThan");
		out_list(o, NULL, "Tag");
		for (size_t i = 0; i < json_len(tags); i++)
			out_tag(o, NULL, json_at(tags, i));
		out_list_end(o);
		out_obj_end(o);
	}
	out_obj_end(o);
}

static void out_rule(struct out *o, const struct json *r)
{
	const struct json *x = json_get(r, "Expiration");

	out_obj(o, NULL);
	out_text(o, r, "ID");
	out_text(o, r, "Prefix");
	if (json_get(r, "Filter"))
		out_filter(o, json_get(r, "Filter"));
	out_text(o, r, "Status");
	if (x) {
		out_obj(o, "Expiration");
		out_number(o, x, "Days");
		if (json_get(x, "Date"))
			out_time(o, "Date", json_int(json_get(x, "Date"), 0));
		if (json_get(x, "ExpiredObjectDeleteMarker"))
			out_bool(o, "ExpiredObjectDeleteMarker", json_is_true(json_get(x, "ExpiredObjectDeleteMarker")));
		out_obj_end(o);
	}
	x = json_get(r, "NoncurrentVersionExpiration");
	if (x) {
		out_obj(o, "NoncurrentVersionExpiration");
		out_number(o, x, "NoncurrentDays");
		out_number(o, x, "NewerNoncurrentVersions");
		out_obj_end(o);
	}
	x = json_get(r, "AbortIncompleteMultipartUpload");
	if (x) {
		out_obj(o, "AbortIncompleteMultipartUpload");
		out_number(o, x, "DaysAfterInitiation");
		out_obj_end(o);
	}
	out_obj_end(o);
}

/* --- operations --- */

struct lifecycle_arg {
	const char *bucket, *doc; /* doc NULL: to be removed */
	struct arena *arena;
};

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct lifecycle_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	if (rc)
		return rc;
	return a->doc ? s3__config_put(tx, a->bucket, S3_KIND_LIFECYCLE, a->doc, e)
		      : s3__config_remove(tx, a->bucket, S3_KIND_LIFECYCLE, e);
}

int s3__put_lifecycle(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_put_lifecycle *in = input;
	const char *minimum = in->minimum ? in->minimum : "all_storage_classes_128K";
	struct s3 *s = cx->self;
	struct lifecycle_arg a = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc && in->config)
		join_filters(cx->arena, in->config->rules.v, in->config->rules.n);
	if (!rc)
		rc = in->config ? check(&cx->err, in->config->rules.v, in->config->rules.n) : malformed(&cx->err);
	if (rc)
		return rc;
	a.doc = text_of(cx->arena, in->config->rules.v, in->config->rules.n, minimum);
	rc = meta_write(s->meta, put_fn, &a, &cx->err);
	if (rc)
		return rc;
	s3__expire_wake(s);
	out_header(o, "TransitionDefaultMinimumObjectSize", "x-amz-transition-default-minimum-object-size", minimum);
	return 0;
}

int s3__delete_lifecycle(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct lifecycle_arg a = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	return rc ? rc : meta_write(s->meta, put_fn, &a, &cx->err);
}

static int get_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct lifecycle_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	if (!rc)
		rc = s3__config_get(tx, a->bucket, S3_KIND_LIFECYCLE, a->arena, &a->doc, e);
	if (rc)
		return rc < 0 ? rc : 0;
	return aws_fail(e, &S3_NO_LIFECYCLE, "The lifecycle configuration does not exist");
}

int s3__get_lifecycle(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct lifecycle_arg a = { .bucket = in->bucket, .arena = cx->arena };
	const struct json *doc, *rules;
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_read(s->meta, get_fn, &a, &cx->err);
	if (rc)
		return rc;
	doc = json_parse(cx->arena, view_str(a.doc), JSON_DEPTH, &cx->err);
	if (!doc)
		return err_ctx(&cx->err, "lifecycle of a bucket");
	rules = json_get(doc, "Rules");
	out_header(o, "TransitionDefaultMinimumObjectSize", "x-amz-transition-default-minimum-object-size",
		   arena_str(cx->arena, json_get_str(doc, "TransitionDefaultMinimumObjectSize")));
	out_root(o, "LifecycleConfiguration");
	out_list(o, NULL, "Rule");
	for (size_t i = 0; i < json_len(rules); i++)
		out_rule(o, json_at(rules, i));
	out_list_end(o);
	return 0;
}

/* --- what objects say of it --- */

/* Days are of 24 hours here whatever length tests give them. */
int s3__expiration(struct meta_tx *tx, const struct s3 *s, const struct s3_row *r, struct arena *a, const char **ret,
		   struct err *e)
{
	const struct lc_rule *rule;
	struct lifecycle l;
	struct buf id;
	const char *doc;
	char t[TIME_TEXT];
	int64_t due;
	int rc;

	*ret = NULL;
	if (!atomic_load_explicit(&s->expire.used, memory_order_relaxed))
		return 0;
	rc = s3__config_get(tx, r->bucket, S3_KIND_LIFECYCLE, a, &doc, e);
	if (rc <= 0)
		return rc;
	rc = lc_parse(a, doc, &l, e);
	rule = rc ? NULL : lc_first(&l, r, &due);
	if (!rule)
		return rc;
	buf_init(&id, 4 * ID_MAX * 4);
	uri_encode(&id, view_str(rule->id), false);
	*ret = arena_printf(a, "expiry-date=\"%s\", rule-id=\"%.*s\"", time_http(due, t), VIEW_ARG(buf_view(&id)));
	buf_clear(&id);
	return 0;
}
