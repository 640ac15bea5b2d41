/* SPDX-License-Identifier: Apache-2.0 */
/* bucket_policy -- a bucket's policy, whether it is public, and the block of public access. */
#include <stdio.h>

#include "aws/aws.h"
#include "aws/policy.h"
#include "base/json.h"
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

#define POLICY_MAX 20480

/* --- the rules of a bucket's policy --- */

#define ARN "arn:aws:s3:::"

/* What of the bucket a resource may be: itself, its objects. */
static bool resource_of(const char *bucket, struct view r, bool *ret_bucket, bool *ret_object)
{
	struct view rest = view_from(r, sizeof(ARN) - 1), name;

	if (!view_starts(r, VIEW(ARN)))
		return false;
	(void)view_split(&rest, '/', &name);
	*ret_bucket |= !rest.p;
	*ret_object |= rest.p || view_chr(name, '*') >= 0;
	return policy_glob(name, view_str(bucket), false);
}

static int statement(void *self, const struct policy_statement_texts *s, struct err *e)
{
	bool bucket = false, object = false, of_bucket, of_object;

	for (size_t i = 0; i < s->resources.n; i++)
		if (!resource_of(self, s->resources.v[i], &bucket, &object))
			return err_set(e, ERR_INVALID, "Policy has invalid resource");
	for (size_t i = 0; i < s->actions.n; i++) {
		if (!s3__action_known(s->actions.v[i], &of_bucket, &of_object))
			return err_set(e, ERR_INVALID, "Policy has invalid action");
		if (!s->actions.negated && !s->resources.negated && !(bucket && of_bucket) && !(object && of_object))
			return err_set(e, ERR_INVALID, "Action does not apply to any resource(s) in statement");
	}
	for (size_t i = 0; i < s->keys.n; i++)
		if (!aws_key_known(s->keys.v[i]) && !s3_key_known(s->keys.v[i]))
			return err_set(e, ERR_INVALID, "Policy has an invalid condition key");
	return 0;
}

struct policy *s3__policy_compile(const char *bucket, struct view text, struct err *e)
{
	char name[64];
	const struct policy_rules r = { .kind = POLICY_RESOURCE, .statement = statement, .self = name };
	struct err why = { 0 };
	struct policy *p;

	(void)snprintf(name, sizeof(name), "%s", bucket);
	if (text.n > POLICY_MAX) {
		aws_fail(e, &S3_POLICY_TOO_LARGE, "Normalized policy document exceeds the maximum allowed size of %d bytes",
			 POLICY_MAX);
		return NULL;
	}
	p = policy_parse(text, &r, &why);
	if (!p)
		aws_fail(e, why.code == ERR_UNSUPPORTED ? &AWS_NOT_IMPLEMENTED : &S3_MALFORMED_POLICY, "%s", why.msg);
	return p;
}

/* --- the block of public access --- */

int s3__block_get(const struct s3 *s, struct meta_tx *tx, const char *bucket, struct arena *a,
		  struct s3_block *ret, bool *ret_removed, struct err *e)
{
	const char *text = NULL;
	const struct json *doc;
	int found = s3__config_get(tx, bucket, S3_CONFIG_BLOCK, a, &text, e);
	bool on = !s->open_buckets;

	*ret_removed = !on;
	*ret = (struct s3_block){ on, on, on, on };
	if (found <= 0)
		return found;
	doc = json_parse(a, view_str(text), JSON_DEPTH, e);
	if (!doc)
		return err_ctx(e, "public access block of %s", bucket);
	*ret_removed = json_len(doc) == 0;
	*ret = (struct s3_block){ json_is_true(json_get(doc, "BlockPublicAcls")), json_is_true(json_get(doc, "IgnorePublicAcls")),
				  json_is_true(json_get(doc, "BlockPublicPolicy")),
				  json_is_true(json_get(doc, "RestrictPublicBuckets")) };
	return 0;
}

/* --- the operations --- */

struct config_arg {
	const struct s3 *s;
	struct arena *arena;
	const char *bucket, *kind, *doc; /* doc NULL: removes it */
	bool is_public;
	struct s3_block block;
	bool removed, found;
};

static int get_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct config_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	if (!rc)
		rc = s3__block_get(a->s, tx, a->bucket, a->arena, &a->block, &a->removed, e);
	if (!rc)
		rc = s3__config_get(tx, a->bucket, a->kind, a->arena, &a->doc, e);
	a->found = rc > 0;
	return rc < 0 ? rc : 0;
}

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct config_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	if (!rc)
		rc = s3__block_get(a->s, tx, a->bucket, a->arena, &a->block, &a->removed, e);
	if (!rc && a->is_public && a->block.policy)
		rc = aws_fail(e, &S3_ACCESS_DENIED, "public policies are prevented by the BlockPublicPolicy setting in S3 Block "
						    "Public Access");
	if (rc)
		return rc;
	return a->doc ? s3__config_put(tx, a->bucket, a->kind, a->doc, e) : s3__config_remove(tx, a->bucket, a->kind, e);
}

static int change(struct op_ctx *cx, struct config_arg *a, const char *owner)
{
	struct s3 *s = cx->self;
	int rc = s3__check_owner(cx, owner);

	a->s = s;
	a->arena = cx->arena;
	if (!rc)
		rc = meta_write(s->meta, put_fn, a, &cx->err);
	s3__guard_forget(s, a->bucket); /* also after a failure: what is kept then is read again */
	return rc;
}

static int read_config(struct op_ctx *cx, const struct in_bucket *in, struct config_arg *a)
{
	const struct s3 *s = cx->self;
	int rc = s3__check_owner(cx, in->owner);

	a->s = s;
	a->arena = cx->arena;
	a->bucket = in->bucket;
	return rc ? rc : meta_read(s->meta, get_fn, a, &cx->err);
}

static int need_policy(struct op_ctx *cx, const struct in_bucket *in, struct config_arg *a)
{
	int rc = read_config(cx, in, a);

	if (!rc && !a->found)
		rc = aws_fail(&cx->err, &S3_NO_SUCH_POLICY, "The bucket policy does not exist");
	return rc;
}

int s3__get_bucket_policy(struct op_ctx *cx, const void *in, struct out *o)
{
	struct config_arg a = { .kind = S3_CONFIG_POLICY };
	int rc = need_policy(cx, in, &a);

	if (!rc)
		out_body(o, "application/json", view_str(a.doc));
	return rc;
}

int s3__put_bucket_policy(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_policy *in = input;
	struct config_arg a = { .bucket = in->bucket, .kind = S3_CONFIG_POLICY, .doc = in->policy };
	struct policy *p = s3__policy_compile(in->bucket, view_str(in->policy), &cx->err);

	if (!p)
		return cx->err.code;
	a.is_public = policy_is_public(p);
	policy_free(p);
	return change(cx, &a, in->owner);
}

int s3__delete_bucket_policy(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct config_arg a = { .bucket = in->bucket, .kind = S3_CONFIG_POLICY };

	return change(cx, &a, in->owner);
}

int s3__get_bucket_policy_status(struct op_ctx *cx, const void *in, struct out *o)
{
	struct config_arg a = { .kind = S3_CONFIG_POLICY };
	int rc = need_policy(cx, in, &a);
	struct policy *p = rc ? NULL : s3__policy_compile(a.bucket, view_str(a.doc), &cx->err);

	if (!p)
		return cx->err.code;
	out_root(o, "PolicyStatus");
	out_bool(o, "IsPublic", policy_is_public(p) && !a.block.restricted);
	policy_free(p);
	return 0;
}

int s3__get_public_access_block(struct op_ctx *cx, const void *in, struct out *o)
{
	struct config_arg a = { .kind = S3_CONFIG_BLOCK };
	int rc = read_config(cx, in, &a);

	if (!rc && a.removed)
		rc = aws_fail(&cx->err, &S3_NO_SUCH_BLOCK, "The public access block configuration was not found");
	if (rc)
		return rc;
	out_root(o, "PublicAccessBlockConfiguration");
	out_bool(o, "BlockPublicAcls", a.block.acls);
	out_bool(o, "IgnorePublicAcls", a.block.ignore_acls);
	out_bool(o, "BlockPublicPolicy", a.block.policy);
	out_bool(o, "RestrictPublicBuckets", a.block.restricted);
	return 0;
}

int s3__put_public_access_block(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_block *in = input;
	struct config_arg a = { .bucket = in->bucket, .kind = S3_CONFIG_BLOCK };
	struct json *doc = json_new_obj(cx->arena);

	json_set(cx->arena, doc, "BlockPublicAcls", json_new_bool(opt_bool_or(in->config->acls, false)));
	json_set(cx->arena, doc, "IgnorePublicAcls", json_new_bool(opt_bool_or(in->config->ignore_acls, false)));
	json_set(cx->arena, doc, "BlockPublicPolicy", json_new_bool(opt_bool_or(in->config->policy, false)));
	json_set(cx->arena, doc, "RestrictPublicBuckets", json_new_bool(opt_bool_or(in->config->restricted, false)));
	a.doc = json_text(cx->arena, doc);
	return change(cx, &a, in->owner);
}

int s3__delete_public_access_block(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct config_arg a = { .bucket = in->bucket, .kind = S3_CONFIG_BLOCK, .doc = "{}" };

	return change(cx, &a, in->owner);
}
