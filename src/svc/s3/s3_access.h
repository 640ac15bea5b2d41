/* SPDX-License-Identifier: Apache-2.0 */
/* s3_access -- who may do what with buckets and objects, and the operations that say so.  Private to this folder. */
#pragma once

#include "svc/s3/s3_int.h"

/* --- access.c --- */
/* IAM's action of an operation; every row of the table has one. */
struct s3_action {
	const char *op, *action;
	const char *versioned; /* with a version id; NULL: the same */
	unsigned char on;      /* enum s3_on */
	unsigned flags;
};
enum s3_on { S3_ON_BUCKET, S3_ON_OBJECT, S3_ON_ALL };
enum s3_action_flags {
	S3_ACT_SOURCE = 1,   /* x-amz-copy-source is read */
	S3_ACT_POLICY = 2,   /* the root of the owner may, whatever the policy says */
	S3_ACT_EACH = 4,     /* the handler asks for each key */
	S3_ACT_CREATE = 8,   /* the bucket need not be there */
	S3_ACT_ATTRIBUTES = 16, /* reads the object as well */
	S3_ACT_MISSING = 32,    /* who may list is told that there is no such key, whether he could read it or not */
};
const struct s3_action *s3__action(const char *op); /* NULL: none */
int s3__authorize(struct op_ctx *cx, const void *in);
void s3__conceal(struct op_ctx *cx, const void *in);
/* For one key of DeleteObjects; @version may be NULL. */
int s3__authorize_delete(struct op_ctx *cx, const void *in, const char *bucket, const char *key, const char *version);
/* Whether a policy may name it, and whether an operation on a bucket (or an object) is called so; `*` and `?` count. */
bool s3__action_known(struct view pattern, bool *ret_bucket, bool *ret_object);

/* --- access_key.c --- */
struct s3_asked { /* what a condition key may depend on */
	struct op_ctx *cx;
	const void *in;
	const char *bucket, *key, *version;
	const char *prefix;       /* s3:prefix, where the request itself lists nothing; NULL: what the request says */
	const struct s3_row *row; /* read when it is first needed */
	bool looked;
};
int s3__asked_read(struct s3_asked *q, struct err *e); /* the row; as s3__row_need() */
/* Of the account that owns the bucket. */
const char *s3__owner_id(struct op_ctx *cx, const char *bucket);
const char *s3__canonical_id(struct op_ctx *cx, const char *account);
bool s3__key(void *asked, struct view name, struct policy_values *ret);
/* A member of the request by its name on the wire ("prefix", "x-amz-acl"), as text; NULL: absent, or a switch that is off. */
const char *s3__member(struct op_ctx *cx, const void *in, const char *wire);

/* --- guard.c: what decides about a bucket, kept in memory --- */
struct s3_guard {
	_Atomic(int) refs;
	char *owner;           /* account */
	char owner_id[65];     /* its canonical id */
	struct policy *policy; /* NULL: none */
	bool broken;           /* there is one that does not compile */
	bool restricted;       /* RestrictPublicBuckets */
};
struct s3_guards;
struct s3_guards *s3__guards_new(void);
struct s3_guards *s3__guards_free(struct s3_guards *g);
/* NoSuchBucket.  s3__guard_drop() it. */
int s3__guard_get(struct s3 *s, const char *bucket, struct s3_guard **ret, struct err *e);
void s3__guard_drop(struct s3_guard *g);
void s3__guard_forget(struct s3 *s, const char *bucket); /* after the commit of what changed it */
static inline void s3__guard_dropp(struct s3_guard **g)
{
	s3__guard_drop(*g);
}

/* --- bucket_policy.c --- */
#define S3_CONFIG_POLICY "policy"
#define S3_CONFIG_BLOCK "public-access-block" /* absent: all four are on, or as s3_opts says; "{}": removed */
struct s3_block {
	bool acls, ignore_acls, policy, restricted;
};
int s3__block_get(const struct s3 *s, struct meta_tx *tx, const char *bucket, struct arena *a,
		  struct s3_block *ret, bool *ret_removed, struct err *e);
/* A bucket's policy; NULL and MalformedPolicy or NotImplemented in @e. */
struct policy *s3__policy_compile(const char *bucket, struct view text, struct err *e);

struct in_policy {
	const char *bucket, *owner, *content_md5, *ck_algorithm, *policy;
	struct opt_bool confirm;
};
struct in_block_config {
	struct opt_bool acls, ignore_acls, policy, restricted;
};
struct in_block {
	const char *bucket, *owner, *content_md5, *ck_algorithm;
	struct in_block_config *config;
};
int s3__get_bucket_policy(struct op_ctx *cx, const void *in, struct out *o);
int s3__put_bucket_policy(struct op_ctx *cx, const void *in, struct out *o);
int s3__delete_bucket_policy(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_bucket_policy_status(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_public_access_block(struct op_ctx *cx, const void *in, struct out *o);
int s3__put_public_access_block(struct op_ctx *cx, const void *in, struct out *o);
int s3__delete_public_access_block(struct op_ctx *cx, const void *in, struct out *o);

/* --- bucket_access.c --- */
struct in_acl {
	const char *bucket, *key, *version, *owner, *payer, *content_md5, *ck_algorithm, *acl;
};
struct in_ownership_rule {
	const char *ownership;
};
struct in_ownership_config {
	struct op_list rules;
};
struct in_ownership {
	const char *bucket, *owner, *content_md5, *ck_algorithm;
	struct in_ownership_config *config;
};
struct in_payment_config {
	const char *payer;
};
struct in_payment {
	const char *bucket, *owner, *content_md5, *ck_algorithm;
	struct in_payment_config *config;
};
struct in_logging_config {
	char unused;
};
struct in_logging {
	const char *bucket, *owner, *content_md5, *ck_algorithm;
	struct in_logging_config *config;
};
struct in_accelerate {
	const char *bucket, *owner, *payer;
};
int s3__get_bucket_acl(struct op_ctx *cx, const void *in, struct out *o);
int s3__put_bucket_acl(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_object_acl(struct op_ctx *cx, const void *in, struct out *o);
int s3__put_object_acl(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_ownership(struct op_ctx *cx, const void *in, struct out *o);
int s3__put_ownership(struct op_ctx *cx, const void *in, struct out *o);
int s3__delete_ownership(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_request_payment(struct op_ctx *cx, const void *in, struct out *o);
int s3__put_request_payment(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_logging(struct op_ctx *cx, const void *in, struct out *o);
int s3__put_logging(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_accelerate(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_website(struct op_ctx *cx, const void *in, struct out *o);
int s3__get_replication(struct op_ctx *cx, const void *in, struct out *o);

/* --- fields.c --- */
extern const struct op_field s3__f_put_policy[], s3__f_put_block[], s3__f_get_object_acl[], s3__f_put_bucket_acl[],
	s3__f_put_object_acl[], s3__f_put_ownership[], s3__f_put_payment[], s3__f_put_logging[], s3__f_accelerate[];
