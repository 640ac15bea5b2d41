/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket_access -- ACLs, ownership, and configurations that are never there.
 *
 * Objects belong to their bucket's owner, always ("BucketOwnerEnforced"): ACLs can be read, and set to what they are.
 * The rest is what clients that look after a bucket (Terraform, CDK) read: it answers as AWS does for a fresh bucket.
 */
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

struct look_arg {
	struct arena *arena;
	const char *bucket, *key, *version;
	struct s3_row row;
};

static int look_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct look_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	return rc || !a->key ? rc : s3__row_need(tx, a->bucket, a->key, a->version, a->arena, &a->row, e);
}

static int look(struct op_ctx *cx, struct look_arg *a, const char *owner)
{
	const struct s3 *s = cx->self;
	int rc = s3__check_owner(cx, owner);

	a->arena = cx->arena;
	if (!rc && a->key)
		rc = s3__check_key(cx, a->key);
	if (rc)
		return rc;
	rc = meta_read(s->meta, look_fn, a, &cx->err);
	return rc && a->key ? s3__explain_marker(cx, &a->row) : rc;
}

static int look_bucket(struct op_ctx *cx, const struct in_bucket *in)
{
	struct look_arg a = { .bucket = in->bucket };

	return look(cx, &a, in->owner);
}

/* --- ACLs --- */

/* The grantee's type is an attribute: no structure can say that. */
static void answer_acl(struct op_ctx *cx, const struct look_arg *a, struct out *o)
{
	const char *id = s3__owner_id(cx, a->bucket);

	out_body(o, "application/xml",
		 view_str(arena_printf(cx->arena,
				       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AccessControlPolicy xmlns="
				       "\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>%s</ID></Owner><AccessControlList>"
				       "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type="
				       "\"CanonicalUser\"><ID>%s</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>"
				       "</AccessControlList></AccessControlPolicy>",
				       id, id)));
}

int s3__check_acl(struct op_ctx *cx, const char *canned)
{
	if (!canned || strcmp(canned, "private") == 0 || strcmp(canned, "bucket-owner-full-control") == 0)
		return 0;
	return aws_fail(&cx->err, &S3_ACL_NOT_SUPPORTED, "The bucket does not allow ACLs");
}

static int put_acl(struct op_ctx *cx, const struct in_acl *in)
{
	struct look_arg a = { .bucket = in->bucket, .key = in->key, .version = in->version };
	int rc = look(cx, &a, in->owner);

	if (rc)
		return rc;
	if (!in->acl)
		return aws_fail(&cx->err, &S3_MISSING_SECURITY_HEADER, "Your request was missing a required header");
	return s3__check_acl(cx, in->acl); /* a bucket's is none of those that only objects have */
}

int s3__get_bucket_acl(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct look_arg a = { .bucket = in->bucket };
	int rc = look(cx, &a, in->owner);

	if (!rc)
		answer_acl(cx, &a, o);
	return rc;
}

int s3__put_bucket_acl(struct op_ctx *cx, const void *in, struct out *o)
{
	return put_acl(cx, in);
}

int s3__get_object_acl(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_acl *in = input;
	struct look_arg a = { .bucket = in->bucket, .key = in->key, .version = in->version };
	int rc = look(cx, &a, in->owner);

	if (rc)
		return rc;
	out_header(o, "VersionId", "x-amz-version-id", s3__vid_out(cx->arena, &a.row));
	answer_acl(cx, &a, o);
	return 0;
}

int s3__put_object_acl(struct op_ctx *cx, const void *in, struct out *o)
{
	return put_acl(cx, in);
}

/* --- ownership --- */

/* AWS has it on every bucket made since April 2023, removed or not it stays what it is here. */
int s3__get_ownership(struct op_ctx *cx, const void *in, struct out *o)
{
	int rc = look_bucket(cx, in);

	if (rc)
		return rc;
	out_root(o, "OwnershipControls");
	out_list(o, NULL, "Rule");
	out_obj(o, NULL);
	out_str(o, "ObjectOwnership", "BucketOwnerEnforced");
	out_obj_end(o);
	out_list_end(o);
	return 0;
}

int s3__put_ownership(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_ownership *in = input;

	if (in->config->rules.n != 1)
		return aws_fail(&cx->err, &S3_MALFORMED_XML,
				"The XML you provided was not well-formed or did not validate against our published schema");
	return look_bucket(cx, &(const struct in_bucket){ in->bucket, in->owner });
}

int s3__delete_ownership(struct op_ctx *cx, const void *in, struct out *o)
{
	int rc = look_bucket(cx, in);

	return rc ? rc
		  : aws_fail(&cx->err, &AWS_NOT_IMPLEMENTED,
			     "ownership controls cannot be removed: objects always belong to the bucket's owner");
}

/* --- what is never there --- */

int s3__get_request_payment(struct op_ctx *cx, const void *in, struct out *o)
{
	int rc = look_bucket(cx, in);

	if (rc)
		return rc;
	out_root(o, "RequestPaymentConfiguration");
	out_str(o, "Payer", "BucketOwner");
	return 0;
}

int s3__put_request_payment(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_payment *in = input;

	return look_bucket(cx, &(const struct in_bucket){ in->bucket, in->owner });
}

int s3__get_logging(struct op_ctx *cx, const void *in, struct out *o)
{
	out_root(o, "BucketLoggingStatus");
	return look_bucket(cx, in);
}

/* LoggingEnabled is refused as a member; without it logging is turned off, which it is. */
int s3__put_logging(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_logging *in = input;

	return look_bucket(cx, &(const struct in_bucket){ in->bucket, in->owner });
}

int s3__get_accelerate(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_accelerate *in = input;

	out_root(o, "AccelerateConfiguration");
	return look_bucket(cx, &(const struct in_bucket){ in->bucket, in->owner });
}

int s3__get_website(struct op_ctx *cx, const void *in, struct out *o)
{
	int rc = look_bucket(cx, in);

	return rc ? rc
		  : aws_fail(&cx->err, &S3_NO_SUCH_WEBSITE, "The specified bucket does not have a website configuration");
}

int s3__get_replication(struct op_ctx *cx, const void *in, struct out *o)
{
	int rc = look_bucket(cx, in);

	return rc ? rc
		  : aws_fail(&cx->err, &S3_NO_SUCH_REPLICATION, "The replication configuration was not found");
}
