/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access -- which IAM actions an operation needs, on which resources.
 *
 * Source: AWS "Actions, resources, and condition keys for Amazon S3" and "Required permissions for Amazon S3 API operations".
 */
#include "svc/s3/s3_access.h"

#include "aws/policy.h"
#include "svc/s3/s3_ops.h"

#define B S3_ON_BUCKET
#define O S3_ON_OBJECT
#define A(name, v, on, flags) "s3:" name, v, on, flags

/* Sorted by operation.  Also of operations that are not here yet: a row without an entry would be refused to everybody. */
static const struct s3_action actions[] = {
	{ "AbortMultipartUpload", A("AbortMultipartUpload", NULL, O, 0) },
	{ "CompleteMultipartUpload", A("PutObject", NULL, O, 0) },
	{ "CopyObject", A("PutObject", NULL, O, S3_ACT_SOURCE) },
	{ "CreateBucket", A("CreateBucket", NULL, B, S3_ACT_CREATE) },
	{ "CreateMultipartUpload", A("PutObject", NULL, O, 0) },
	{ "DeleteBucket", A("DeleteBucket", NULL, B, 0) },
	{ "DeleteBucketCors", A("PutBucketCORS", NULL, B, 0) },
	{ "DeleteBucketEncryption", A("PutEncryptionConfiguration", NULL, B, 0) },
	{ "DeleteBucketLifecycle", A("PutLifecycleConfiguration", NULL, B, 0) },
	{ "DeleteBucketOwnershipControls", A("PutBucketOwnershipControls", NULL, B, 0) },
	{ "DeleteBucketPolicy", A("DeleteBucketPolicy", NULL, B, S3_ACT_POLICY) },
	{ "DeleteBucketReplication", A("PutReplicationConfiguration", NULL, B, 0) },
	{ "DeleteBucketTagging", A("PutBucketTagging", NULL, B, 0) },
	{ "DeleteBucketWebsite", A("DeleteBucketWebsite", NULL, B, 0) },
	{ "DeleteObject", A("DeleteObject", "s3:DeleteObjectVersion", O, 0) },
	{ "DeleteObjectTagging", A("DeleteObjectTagging", "s3:DeleteObjectVersionTagging", O, 0) },
	{ "DeleteObjects", A("DeleteObject", NULL, B, S3_ACT_EACH) },
	{ "DeletePublicAccessBlock", A("PutBucketPublicAccessBlock", NULL, B, 0) },
	{ "GetBucketAccelerateConfiguration", A("GetAccelerateConfiguration", NULL, B, 0) },
	{ "GetBucketAcl", A("GetBucketAcl", NULL, B, 0) },
	{ "GetBucketCors", A("GetBucketCORS", NULL, B, 0) },
	{ "GetBucketEncryption", A("GetEncryptionConfiguration", NULL, B, 0) },
	{ "GetBucketLifecycle", A("GetLifecycleConfiguration", NULL, B, 0) },
	{ "GetBucketLifecycleConfiguration", A("GetLifecycleConfiguration", NULL, B, 0) },
	{ "GetBucketLocation", A("GetBucketLocation", NULL, B, 0) },
	{ "GetBucketLogging", A("GetBucketLogging", NULL, B, 0) },
	{ "GetBucketNotification", A("GetBucketNotification", NULL, B, 0) },
	{ "GetBucketNotificationConfiguration", A("GetBucketNotification", NULL, B, 0) },
	{ "GetBucketOwnershipControls", A("GetBucketOwnershipControls", NULL, B, 0) },
	{ "GetBucketPolicy", A("GetBucketPolicy", NULL, B, S3_ACT_POLICY) },
	{ "GetBucketPolicyStatus", A("GetBucketPolicyStatus", NULL, B, 0) },
	{ "GetBucketReplication", A("GetReplicationConfiguration", NULL, B, 0) },
	{ "GetBucketRequestPayment", A("GetBucketRequestPayment", NULL, B, 0) },
	{ "GetBucketTagging", A("GetBucketTagging", NULL, B, 0) },
	{ "GetBucketVersioning", A("GetBucketVersioning", NULL, B, 0) },
	{ "GetBucketWebsite", A("GetBucketWebsite", NULL, B, 0) },
	{ "GetObject", A("GetObject", "s3:GetObjectVersion", O, S3_ACT_MISSING) },
	{ "GetObjectAcl", A("GetObjectAcl", "s3:GetObjectVersionAcl", O, 0) },
	{ "GetObjectAttributes", A("GetObjectAttributes", "s3:GetObjectVersionAttributes", O, S3_ACT_ATTRIBUTES) },
	{ "GetObjectLegalHold", A("GetObjectLegalHold", NULL, O, 0) },
	{ "GetObjectLockConfiguration", A("GetBucketObjectLockConfiguration", NULL, B, 0) },
	{ "GetObjectRetention", A("GetObjectRetention", NULL, O, 0) },
	{ "GetObjectTagging", A("GetObjectTagging", "s3:GetObjectVersionTagging", O, 0) },
	{ "GetObjectTorrent", A("GetObjectTorrent", "s3:GetObjectVersionTorrent", O, 0) },
	{ "GetPublicAccessBlock", A("GetBucketPublicAccessBlock", NULL, B, 0) },
	{ "HeadBucket", A("ListBucket", NULL, B, 0) },
	{ "HeadObject", A("GetObject", "s3:GetObjectVersion", O, S3_ACT_MISSING) },
	{ "ListBuckets", A("ListAllMyBuckets", NULL, S3_ON_ALL, S3_ACT_CREATE) },
	{ "ListMultipartUploads", A("ListBucketMultipartUploads", NULL, B, 0) },
	{ "ListObjectVersions", A("ListBucketVersions", NULL, B, 0) },
	{ "ListObjects", A("ListBucket", NULL, B, 0) },
	{ "ListObjectsV2", A("ListBucket", NULL, B, 0) },
	{ "ListParts", A("ListMultipartUploadParts", NULL, O, 0) },
	{ "PostObject", A("PutObject", NULL, O, 0) },
	{ "PutBucketAccelerateConfiguration", A("PutAccelerateConfiguration", NULL, B, 0) },
	{ "PutBucketAcl", A("PutBucketAcl", NULL, B, 0) },
	{ "PutBucketCors", A("PutBucketCORS", NULL, B, 0) },
	{ "PutBucketEncryption", A("PutEncryptionConfiguration", NULL, B, 0) },
	{ "PutBucketLifecycle", A("PutLifecycleConfiguration", NULL, B, 0) },
	{ "PutBucketLifecycleConfiguration", A("PutLifecycleConfiguration", NULL, B, 0) },
	{ "PutBucketLogging", A("PutBucketLogging", NULL, B, 0) },
	{ "PutBucketNotification", A("PutBucketNotification", NULL, B, 0) },
	{ "PutBucketNotificationConfiguration", A("PutBucketNotification", NULL, B, 0) },
	{ "PutBucketOwnershipControls", A("PutBucketOwnershipControls", NULL, B, 0) },
	{ "PutBucketPolicy", A("PutBucketPolicy", NULL, B, S3_ACT_POLICY) },
	{ "PutBucketReplication", A("PutReplicationConfiguration", NULL, B, 0) },
	{ "PutBucketRequestPayment", A("PutBucketRequestPayment", NULL, B, 0) },
	{ "PutBucketTagging", A("PutBucketTagging", NULL, B, 0) },
	{ "PutBucketVersioning", A("PutBucketVersioning", NULL, B, 0) },
	{ "PutBucketWebsite", A("PutBucketWebsite", NULL, B, 0) },
	{ "PutObject", A("PutObject", NULL, O, 0) },
	{ "PutObjectAcl", A("PutObjectAcl", "s3:PutObjectVersionAcl", O, 0) },
	{ "PutObjectLegalHold", A("PutObjectLegalHold", NULL, O, 0) },
	{ "PutObjectLockConfiguration", A("PutBucketObjectLockConfiguration", NULL, B, 0) },
	{ "PutObjectRetention", A("PutObjectRetention", NULL, O, 0) },
	{ "PutObjectTagging", A("PutObjectTagging", "s3:PutObjectVersionTagging", O, 0) },
	{ "PutPublicAccessBlock", A("PutBucketPublicAccessBlock", NULL, B, 0) },
	{ "RestoreObject", A("RestoreObject", NULL, O, 0) },
	{ "SelectObjectContent", A("GetObject", NULL, O, 0) },
	{ "UploadPart", A("PutObject", NULL, O, 0) },
	{ "UploadPartCopy", A("PutObject", NULL, O, S3_ACT_SOURCE) },
};

/* Actions that policies name and no operation here is called by. */
static const struct {
	const char *action;
	enum s3_on on;
} others[] = {
	{ "s3:BypassGovernanceRetention", O },     { "s3:GetAnalyticsConfiguration", B },
	{ "s3:GetIntelligentTieringConfiguration", B }, { "s3:GetInventoryConfiguration", B },
	{ "s3:GetMetricsConfiguration", B },       { "s3:GetObjectVersionForReplication", O },
	{ "s3:InitiateReplication", B },           { "s3:ObjectOwnerOverrideToBucketOwner", O },
	{ "s3:PutAnalyticsConfiguration", B },     { "s3:PutIntelligentTieringConfiguration", B },
	{ "s3:PutInventoryConfiguration", B },     { "s3:PutMetricsConfiguration", B },
	{ "s3:ReplicateDelete", O },               { "s3:ReplicateObject", O },
	{ "s3:ReplicateTags", O },
};

/* What a request asks for besides, by a header. */
static const struct {
	const char *wire, *action;
	enum s3_on on;
} besides[] = {
	{ "x-amz-acl", "s3:PutObjectAcl", O },
	{ "x-amz-bypass-governance-retention", "s3:BypassGovernanceRetention", O },
	{ "x-amz-object-lock-legal-hold", "s3:PutObjectLegalHold", O },
	{ "x-amz-object-lock-mode", "s3:PutObjectRetention", O },
	{ "x-amz-tagging", "s3:PutObjectTagging", O },
	{ "x-amz-acl", "s3:PutBucketAcl", B },
	{ "x-amz-bucket-object-lock-enabled", "s3:PutBucketObjectLockConfiguration", B },
	{ "x-amz-object-ownership", "s3:PutBucketOwnershipControls", B },
};

const struct s3_action *s3__action(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strcmp(actions[i].op, op) == 0)
			return &actions[i];
	return NULL;
}

static void note(enum s3_on on, bool *ret_bucket, bool *ret_object)
{
	*ret_bucket |= on == S3_ON_BUCKET;
	*ret_object |= on == S3_ON_OBJECT;
}

bool s3__action_known(struct view pattern, bool *ret_bucket, bool *ret_object)
{
	*ret_bucket = *ret_object = false;
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		const struct s3_action *a = &actions[i];

		if (!(a->flags & (S3_ACT_CREATE | S3_ACT_EACH)) &&
		    (policy_glob(pattern, view_str(a->action), true) ||
		     (a->versioned && policy_glob(pattern, view_str(a->versioned), true))))
			note((enum s3_on)a->on, ret_bucket, ret_object);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (policy_glob(pattern, view_str(others[i].action), true))
			note(others[i].on, ret_bucket, ret_object);
	return *ret_bucket || *ret_object;
}

/* --- asking --- */

struct asking {
	struct op_ctx *cx;
	struct s3_asked asked;
	struct op_access w;
};

static void begin(struct asking *q, struct op_ctx *cx, const void *in, const struct s3_guard *g, const char *bucket)
{
	*q = (struct asking){ .cx = cx, .asked = { .cx = cx, .in = in, .bucket = bucket } };
	q->w = (struct op_access){ .key = s3__key, .owner = cx->caller.account };
	if (!g)
		return;
	q->w.owner = g->owner;
	q->w.policy = g->policy;
	q->w.broken = g->broken;
	q->w.restricted = g->restricted;
}

/* @key NULL: the bucket itself. */
static int ask(struct asking *q, const char *action, const char *key)
{
	q->asked.key = key;
	q->w.self = &q->asked;
	q->w.action = action;
	q->w.resource = key ? arena_printf(q->cx->arena, "arn:aws:s3:::%s/%s", q->asked.bucket, key)
			    : arena_printf(q->cx->arena, "arn:aws:s3:::%s", q->asked.bucket);
	return op_authorize(q->cx, &q->w);
}

static int check_expected(struct op_ctx *cx, const void *in, const char *wire, const struct s3_guard *g)
{
	const char *expected = s3__member(cx, in, wire);

	if (!expected || strcmp(expected, g->owner) == 0)
		return 0;
	return aws_fail(&cx->err, &S3_ACCESS_DENIED, "Access Denied");
}

/* A path member: "Bucket" or "Key"; NULL: the operation has none. */
static const char *path_member(const struct op_ctx *cx, const void *in, const char *name)
{
	const char *p = in, *text;

	for (const struct op_field *f = cx->op->in; f && f->kind != OPK_END; f++) {
		if (f->loc != OPL_PATH || strcmp(f->name, name) != 0)
			continue;
		memcpy(&text, p + f->off, sizeof(text));
		return text;
	}
	return NULL;
}

/* The labels of a copied object go with it unless they are replaced. */
static int ask_tags(struct asking *from, const char *from_key, struct asking *to, const char *to_key)
{
	const char *directive = s3__member(to->cx, to->asked.in, "x-amz-tagging-directive");
	struct policy_values none;
	int rc;

	if (to->cx->op->fn != s3__copy_object || (directive && strcmp(directive, "REPLACE") == 0))
		return 0;
	from->asked.key = from_key;
	(void)s3__key(&from->asked, VIEW("s3:ExistingObjectTag/ "), &none); /* reads the row */
	if (!from->asked.row || !from->asked.row->tags.n)
		return 0;
	rc = ask(from, from->asked.version ? "s3:GetObjectVersionTagging" : "s3:GetObjectTagging", from_key);
	return rc ? rc : ask(to, "s3:PutObjectTagging", to_key);
}

static int ask_source(struct asking *to, const void *in, const char *to_key)
{
	struct op_ctx *cx = to->cx;
	CLEANUP(s3__guard_dropp) struct s3_guard *g = NULL;
	struct s3_source src = { 0 };
	struct asking from;
	int rc = s3__source_parse(cx, s3__member(cx, in, "x-amz-copy-source"), &src);

	if (!rc)
		rc = s3__guard_get(cx->self, src.bucket, &g, &cx->err);
	if (!rc)
		rc = check_expected(cx, in, "x-amz-source-expected-bucket-owner", g);
	if (rc)
		return rc;
	begin(&from, cx, in, g, src.bucket);
	from.asked.version = src.version;
	rc = ask(&from, src.version ? "s3:GetObjectVersion" : "s3:GetObject", src.key);
	if (rc || (!cx->caller.may && !from.w.policy && !to->w.policy))
		return rc;
	return ask_tags(&from, src.key, to, to_key);
}

static int ask_besides(struct asking *q, const void *in, const struct s3_action *a, const char *key)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(besides); i++)
		if (besides[i].on == (enum s3_on)a->on && strcmp(besides[i].action, a->action) != 0 &&
		    s3__member(q->cx, in, besides[i].wire))
			rc = ask(q, besides[i].action, key);
	if (!rc && (a->flags & S3_ACT_ATTRIBUTES))
		rc = ask(q, q->asked.version ? "s3:GetObjectVersion" : "s3:GetObject", key);
	return rc;
}

/* May who asks list the keys that begin as this one? */
static bool may_list(struct asking *q, const char *action, const char *key)
{
	struct err told = q->cx->err;
	int rc;

	err_clear(&q->cx->err);
	q->asked.prefix = key;
	rc = ask(q, action, NULL);
	q->asked.prefix = NULL;
	q->cx->err = told;
	return rc == 0;
}

/* After a refusal: it stays one unless the key is not there and who asks could have listed that. */
static int ask_missing(struct asking *q, const char *key)
{
	struct op_ctx *cx = q->cx;
	struct err gone = { 0 };

	q->asked.key = key;
	if (q->asked.version || !s3__asked_read(&q->asked, &gone) || gone.wire != &S3_NO_SUCH_KEY ||
	    !may_list(q, "s3:ListBucket", key))
		return cx->err.code;
	cx->err = gone;
	return gone.code;
}

static int ask_own(struct asking *q, const void *in, const struct s3_action *a, const char *key)
{
	int rc = ask(q, a->versioned && q->asked.version ? a->versioned : a->action, key);

	if (!rc)
		return ask_besides(q, in, a, key);
	return a->flags & S3_ACT_MISSING ? ask_missing(q, key) : rc;
}

int s3__authorize(struct op_ctx *cx, const void *in)
{
	const struct s3_action *a = s3__action(cx->op->name);
	const char *bucket = path_member(cx, in, "Bucket"), *key;
	CLEANUP(s3__guard_dropp) struct s3_guard *g = NULL;
	struct asking q;
	int rc = 0;

	if (!a)
		return aws_fail(&cx->err, &S3_ACCESS_DENIED, "Access Denied");
	if (!(a->flags & S3_ACT_CREATE))
		rc = s3__guard_get(cx->self, bucket, &g, &cx->err);
	if (!rc && g)
		rc = check_expected(cx, in, "x-amz-expected-bucket-owner", g);
	if (rc || (a->flags & S3_ACT_EACH))
		return rc;
	begin(&q, cx, in, g, bucket ? bucket : "*");
	q.w.always = (a->flags & S3_ACT_POLICY) != 0;
	q.asked.version = s3__member(cx, in, "versionId");
	key = a->on == S3_ON_OBJECT ? path_member(cx, in, "Key") : NULL;
	rc = ask_own(&q, in, a, key);
	return !rc && (a->flags & S3_ACT_SOURCE) ? ask_source(&q, in, key) : rc;
}

int s3__authorize_delete(struct op_ctx *cx, const void *in, const char *bucket, const char *key, const char *version)
{
	CLEANUP(s3__guard_dropp) struct s3_guard *g = NULL;
	struct asking q;
	int rc = s3__guard_get(cx->self, bucket, &g, &cx->err);

	if (rc)
		return rc;
	begin(&q, cx, in, g, bucket);
	q.asked.version = version;
	rc = ask(&q, version ? "s3:DeleteObjectVersion" : "s3:DeleteObject", key);
	if (!rc && s3__member(cx, in, "x-amz-bypass-governance-retention"))
		rc = ask(&q, "s3:BypassGovernanceRetention", key);
	if (cx->err.wire == &AWS_ACCESS_DENIED)
		cx->err.wire = &S3_ACCESS_DENIED; /* its code goes into a document, not through the answer */
	return rc;
}

/* Who may not list does not learn that a key is not there: AWS answers 403 then. */
void s3__conceal(struct op_ctx *cx, const void *in)
{
	const char *bucket = path_member(cx, in, "Bucket");
	CLEANUP(s3__guard_dropp) struct s3_guard *g = NULL;
	const void *wire = cx->err.wire;
	struct err told = cx->err;
	struct asking q;

	if (wire != &S3_NO_SUCH_KEY && wire != &S3_NO_SUCH_VERSION)
		return;
	err_clear(&cx->err);
	if (s3__guard_get(cx->self, bucket, &g, &cx->err) == 0) {
		begin(&q, cx, in, g, bucket);
		q.asked.prefix = path_member(cx, in, "Key");
		if (ask(&q, wire == &S3_NO_SUCH_KEY ? "s3:ListBucket" : "s3:ListBucketVersions", NULL) == 0)
			cx->err = told;
	}
}
