/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encryption -- a bucket's default: Put-, Get- and DeleteBucketEncryption.
 *
 * Which buckets have one is also in memory, because every new object asks.  A write that has begun goes on as it
 * began when the configuration changes.
 */
#include <stdlib.h>

#include "svc/s3/s3_ops.h"

#define KIND "encryption" /* in s3_config */

/* --- which buckets --- */

bool s3__encrypts(struct s3 *s, const char *bucket)
{
	if (s->encrypt_all)
		return true;
	LOCK_SCOPE(&s->lock);
	return map_get(&s->encrypts, view_str(bucket)) != NULL;
}

static void set(struct s3 *s, const char *bucket, bool on)
{
	LOCK_SCOPE(&s->lock);
	if (on)
		map_put(&s->encrypts, view_str(bucket), s);
	else
		(void)map_del(&s->encrypts, view_str(bucket));
}

struct change {
	struct s3 *s;
	bool on;
	char bucket[];
};

static void apply(void *arg)
{
	struct change *c = arg;

	set(c->s, c->bucket, c->on);
	free(c);
}

void s3__encrypts_set(struct meta_tx *tx, struct s3 *s, const char *bucket, bool on)
{
	size_t n = strlen(bucket) + 1;
	struct change *c = malloc(sizeof(*c) + n);

	must(c);
	c->s = s;
	c->on = on;
	memcpy(c->bucket, bucket, n);
	tx_after_commit(tx, apply, c);
}

int s3__encrypts_start(struct meta_tx *tx, struct s3 *s, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT bucket FROM s3_config WHERE kind = ?", "s", KIND);

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		CLEANUP(arena_clear) struct arena a;

		arena_init(&a, 64 * 1024);
		set(s, row_str(r, 0, &a), true);
	}
	return rc;
}

/* --- operations --- */

struct config_arg {
	struct s3 *s;
	const char *bucket;
	const char *doc; /* to put; NULL: remove */
	struct arena *arena;
};

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct config_arg *c = arg;
	int rc = s3__bucket_need(tx, c->bucket, NULL, e);

	if (!rc)
		rc = c->doc ? s3__config_put(tx, c->bucket, KIND, c->doc, e)
			    : s3__config_remove(tx, c->bucket, KIND, e);
	if (!rc)
		s3__encrypts_set(tx, c->s, c->bucket, c->doc != NULL);
	return rc;
}

static int get_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct config_arg *c = arg;
	int rc = s3__bucket_need(tx, c->bucket, NULL, e);

	if (!rc)
		rc = s3__config_get(tx, c->bucket, KIND, c->arena, &c->doc, e);
	return rc < 0 ? rc : 0;
}

int s3__put_encryption(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_encryption *in = input;
	const struct in_encryption_rule *rule = in->config->rules.v;
	struct config_arg c = { .s = cx->self, .bucket = in->bucket };
	struct json *doc, *list, *one, *by;
	int rc = s3__check_owner(cx, in->owner);

	(void)o;
	if (rc)
		return rc;
	if (in->config->rules.n != 1 || !rule->by_default)
		return aws_fail(&cx->err, &S3_MALFORMED_XML,
				"The XML you provided was not well-formed or did not validate "
				"against our published schema");
	/* Of KMS only; "false" is what it is without. */
	if (opt_bool_or(rule->bucket_key, false))
		return aws_fail(&cx->err, &AWS_NOT_IMPLEMENTED,
				"A header you provided implies functionality that is not "
				"implemented: BucketKeyEnabled");
	if (!c.s->master.there)
		return aws_fail(&cx->err, &AWS_NOT_IMPLEMENTED,
				"this server was started without a master key");
	doc = json_new_obj(cx->arena);
	list = json_new_arr(cx->arena);
	one = json_new_obj(cx->arena);
	by = json_new_obj(cx->arena);
	json_set_str(cx->arena, by, "SSEAlgorithm", rule->by_default->algorithm);
	json_set(cx->arena, one, "ApplyServerSideEncryptionByDefault", by);
	json_push(cx->arena, list, one);
	json_set(cx->arena, doc, "Rules", list);
	c.doc = json_text(cx->arena, doc);
	return meta_write(c.s->meta, put_fn, &c, &cx->err);
}

int s3__delete_encryption(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct config_arg c = { .s = cx->self, .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	(void)o;
	return rc ? rc : meta_write(c.s->meta, put_fn, &c, &cx->err);
}

/* There is one rule that can be, so nothing has to be read from the document. */
int s3__get_encryption(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct config_arg c = { .s = cx->self, .bucket = in->bucket, .arena = cx->arena };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_read(c.s->meta, get_fn, &c, &cx->err);
	if (rc)
		return rc;
	if (!c.doc && !c.s->encrypt_all)
		return aws_fail(&cx->err, &S3_NO_ENCRYPTION,
				"The server side encryption configuration was not found");
	out_root(o, "ServerSideEncryptionConfiguration");
	out_list(o, NULL, "Rule");
	out_obj(o, NULL);
	out_obj(o, "ApplyServerSideEncryptionByDefault");
	out_str(o, "SSEAlgorithm", "AES256");
	out_obj_end(o);
	out_bool(o, "BucketKeyEnabled", false);
	out_obj_end(o);
	out_list_end(o);
	return 0;
}
