/* SPDX-License-Identifier: Apache-2.0 */
/* bucket -- making, finding and removing buckets. */
#include "base/base64.h"
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

struct bucket_arg {
	struct s3 *s;
	struct arena *arena;
	const char *name, *owner, *after, *prefix; /* owner: as in the table */
	size_t max;
	bool lock;
	struct s3_bucket found, *list;
	size_t n;
	struct s3_refs *old;
};

static bool looks_like_ip(struct view name)
{
	struct view rest = name, part;
	uint64_t n;
	int parts = 0;

	while (view_split(&rest, '.', &part)) {
		if (!view_u64(part, 999, &n))
			return false;
		parts++;
	}
	return parts == 4;
}

static bool reserved(struct view v)
{
	static const char *const starts[] = { "xn--", "sthree-", "amzn-s3-demo-" };
	static const char *const ends[] = { "-s3alias", "--ol-s3", ".mrap", "--x-s3",
					    "--table-s3" };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (view_starts(v, view_str(starts[i])))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (view_ends(v, view_str(ends[i])))
			return true;
	return false;
}

static bool alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool s3__bucket_name_ok(const char *name)
{
	struct view v = view_str(name);

	if (v.n < 3 || v.n > 63 || !alnum(v.p[0]) || !alnum(v.p[v.n - 1]))
		return false;
	/* The parts between dots are labels of a host's name: none is empty, none begins or ends with "-". */
	for (size_t i = 0; i < v.n; i++)
		if (!alnum(v.p[i]) && v.p[i] != '-' &&
		    (v.p[i] != '.' || !alnum(v.p[i - 1]) || !alnum(v.p[i + 1])))
			return false;
	return !looks_like_ip(v) && !reserved(v);
}

/* Of who asks, as the table has it. */
static const char *owner_of(const struct op_ctx *cx)
{
	const struct s3 *s = cx->self;

	return strcmp(cx->caller.account, s->account) == 0 ? "" : cx->caller.account;
}

static int create_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct bucket_arg *a = arg;
	int found = s3__bucket_find(tx, a->name, &a->found, e);

	if (found < 0)
		return found;
	if (found && strcmp(a->found.owner, a->owner) != 0)
		return aws_fail(e, &S3_BUCKET_EXISTS,
				"The requested bucket name is not available. The bucket namespace is shared by all users "
				"of the system. Please select a different name and try again.");
	if (found)
		return aws_fail(e, &S3_BUCKET_OWNED,
				"Your previous request to create the named bucket succeeded and "
				"you already own it.");
	found = s3__bucket_insert(tx, a->name, a->owner, a->s->now_ms(), e);
	return found || !a->lock ? found : s3__bucket_lock(tx, a->name, e);
}

int s3__create_bucket(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_create_bucket *in = input;
	const char *asked = in->config ? in->config->constraint : NULL;
	struct s3 *s = cx->self;
	struct bucket_arg a = { .s = s,
				.name = in->bucket,
				.owner = owner_of(cx),
				.lock = opt_bool_or(in->lock, false) };
	int rc;

	if (!s3__bucket_name_ok(in->bucket))
		return aws_fail(&cx->err, &S3_INVALID_BUCKET_NAME,
				"The specified bucket is not valid.");
	if (in->acl && strcmp(in->acl, "private") != 0)
		return aws_fail(&cx->err, &S3_BUCKET_ACL,
				"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
	if (asked && !view_eq_str(view_str(asked), s->region))
		return aws_fail(&cx->err, &S3_ILLEGAL_LOCATION,
				"The %s location constraint is incompatible for the region "
				"specific endpoint this "
				"request was sent to.",
				asked);
	rc = meta_write(s->meta, create_fn, &a, &cx->err);
	s3__guard_forget(s, in->bucket);
	if (rc)
		return rc;
	out_header(o, "Location", "Location", arena_printf(cx->arena, "/%s", in->bucket));
	out_header(o, "BucketArn", "x-amz-bucket-arn",
		   arena_printf(cx->arena, "arn:aws:s3:::%s", in->bucket));
	return 0;
}

static int find_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct bucket_arg *a = arg;

	return s3__bucket_need(tx, a->name, &a->found, e);
}

static int need(struct op_ctx *cx, const struct in_bucket *in)
{
	struct s3 *s = cx->self;
	struct bucket_arg a = { .s = s, .name = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	return rc ? rc : meta_read(s->meta, find_fn, &a, &cx->err);
}

int s3__head_bucket(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	const struct s3 *s = cx->self;
	int rc = need(cx, in);

	if (rc)
		return rc;
	out_header(o, "BucketRegion", "x-amz-bucket-region", s->region);
	out_header(o, "BucketArn", "x-amz-bucket-arn",
		   arena_printf(cx->arena, "arn:aws:s3:::%s", in->bucket));
	out_header(o, "AccessPointAlias", "x-amz-access-point-alias", "false");
	return 0;
}

int s3__get_bucket_location(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct s3 *s = cx->self;
	bool first = view_eq_str(view_str(s->region), "us-east-1");
	int rc = need(cx, input);

	if (rc)
		return rc;
	/* The root element is the value itself: no structure can say that. */
	out_body(
		o, "application/xml",
		view_str(arena_printf(
			cx->arena,
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint "
			"xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">%s</LocationConstraint>",
			first ? "" : s->region)));
	return 0;
}

static int delete_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct bucket_arg *a = arg;
	int rc = s3__bucket_need(tx, a->name, NULL, e);

	if (!rc)
		rc = s3__bucket_in_use(tx, a->name, e);
	if (rc > 0)
		return aws_fail(e, &S3_BUCKET_NOT_EMPTY,
				"The bucket you tried to delete is not empty");
	if (!rc)
		rc = s3__uploads_of(tx, a->name, a->arena, &a->old, e);
	for (const struct s3_refs *r = a->old; !rc && r; r = r->next)
		rc = s3__doom_tx(tx, a->s, r->text, e);
	if (!rc)
		rc = s3__bucket_remove(tx, a->name, e);
	if (!rc)
		s3__encrypts_set(tx, a->s, a->name, false);
	return rc;
}

int s3__delete_bucket(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct bucket_arg a = { .s = s, .arena = cx->arena, .name = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_write(s->meta, delete_fn, &a, &cx->err);
	s3__guard_forget(s, in->bucket);
	return rc;
}

static int list_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct bucket_arg *a = arg;

	return s3__bucket_list(tx, a->owner, a->prefix, a->after, a->max + 1, a->arena, &a->list, &a->n, e);
}

int s3__list_buckets(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_list_buckets *in = input;
	struct s3 *s = cx->self;
	struct view after = VIEW("");
	struct bucket_arg a = { .s = s,
				.arena = cx->arena,
				.owner = owner_of(cx),
				.prefix = in->prefix ? in->prefix : "",
				.max = (size_t)opt_int_or(in->max, 10000) };
	int rc;

	if (in->token && !base64_decode_arena(cx->arena, view_str(in->token), &after))
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"The continuation token provided is incorrect");
	a.after = arena_str(cx->arena, after);
	if (!in->region || view_eq_str(view_str(in->region), s->region)) {
		rc = meta_read(s->meta, list_fn, &a, &cx->err);
		if (rc)
			return rc;
	}
	out_root(o, "ListAllMyBucketsResult");
	out_obj(o, "Owner");
	out_str(o, "ID", s3__canonical_id(cx, cx->caller.account));
	out_obj_end(o);
	out_list(o, "Buckets", "Bucket");
	for (size_t i = 0; i < a.n && i < a.max; i++) {
		out_obj(o, NULL);
		out_str(o, "Name", a.list[i].name);
		out_time(o, "CreationDate", a.list[i].created_ms);
		out_str(o, "BucketRegion", s->region);
		out_str(o, "BucketArn", arena_printf(cx->arena, "arn:aws:s3:::%s", a.list[i].name));
		out_obj_end(o);
	}
	out_list_end(o);
	out_str(o, "Prefix", in->prefix);
	if (a.n > a.max) {
		struct view t = base64_encode_arena(cx->arena, view_str(a.list[a.max - 1].name));

		out_view(o, "ContinuationToken", t);
	}
	return 0;
}
