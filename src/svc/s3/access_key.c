/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_key -- S3's condition keys.
 *
 * Their values come from the members that were decoded and that the handler uses, never from a header or parameter that
 * only looks like one.
 */
#include "aws/policy.h"
#include "base/time.h"
#include "base/utf8.h"
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

const char *s3__member(struct op_ctx *cx, const void *in, const char *wire)
{
	const struct op_field *f = cx->op->in;
	const char *p = in, *text;
	struct opt_bool yes;
	struct opt_int n;
	char t[TIME_TEXT];

	while (f && f->kind != OPK_END && (!f->at || !view_eq_nocase(view_str(f->at), view_str(wire))))
		f++;
	if (!f || (f->loc != OPL_QUERY && f->loc != OPL_HEADER))
		return NULL;
	switch ((enum op_kind)f->kind) {
	case OPK_STR:
	case OPK_ENUM:
		memcpy(&text, p + f->off, sizeof(text));
		return text;
	case OPK_INT:
	case OPK_TIME:
		memcpy(&n, p + f->off, sizeof(n));
		if (!n.set)
			return NULL;
		return f->kind == OPK_INT ? arena_printf(cx->arena, "%lld", (long long)n.v)
					  : arena_str(cx->arena, view_str(time_iso(n.v, t)));
	case OPK_BOOL:
		memcpy(&yes, p + f->off, sizeof(yes));
		return opt_bool_or(yes, false) ? "true" : NULL;
	default:
		return NULL;
	}
}

const char *s3__canonical_id(struct op_ctx *cx, const char *account)
{
	char *id = arena_alloc(cx->arena, 65);

	sha256_hex(view_str(account), id);
	return id;
}

const char *s3__owner_id(struct op_ctx *cx, const char *bucket)
{
	CLEANUP(s3__guard_dropp) struct s3_guard *g = NULL;
	const struct s3 *s = cx->self;
	struct err gone = { 0 };

	if (s3__guard_get(cx->self, bucket, &g, &gone) < 0)
		return s->owner_id;
	return arena_str(cx->arena, view_of(g->owner_id, 64));
}

static const struct {
	const char *key, *wire; /* NULL: never there */
} members[] = {
	{ "s3:delimiter", "delimiter" },
	{ "s3:if-match", "If-Match" },
	{ "s3:if-none-match", "If-None-Match" },
	{ "s3:max-keys", "max-keys" },
	{ "s3:object-lock-legal-hold", "x-amz-object-lock-legal-hold" },
	{ "s3:object-lock-mode", "x-amz-object-lock-mode" },
	{ "s3:object-lock-retain-until-date", "x-amz-object-lock-retain-until-date" },
	{ "s3:prefix", "prefix" },
	{ "s3:VersionId", "versionId" },
	{ "s3:x-amz-acl", "x-amz-acl" },
	{ "s3:x-amz-grant-full-control", "x-amz-grant-full-control" },
	{ "s3:x-amz-grant-read", "x-amz-grant-read" },
	{ "s3:x-amz-grant-read-acp", "x-amz-grant-read-acp" },
	{ "s3:x-amz-grant-write", "x-amz-grant-write" },
	{ "s3:x-amz-grant-write-acp", "x-amz-grant-write-acp" },
	{ "s3:x-amz-metadata-directive", "x-amz-metadata-directive" },
	{ "s3:x-amz-object-ownership", "x-amz-object-ownership" },
	{ "s3:x-amz-server-side-encryption", "x-amz-server-side-encryption" },
	{ "s3:x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-aws-kms-key-id" },
	{ "s3:x-amz-server-side-encryption-customer-algorithm", "x-amz-server-side-encryption-customer-algorithm" },
	{ "s3:x-amz-storage-class", "x-amz-storage-class" },
	{ "s3:x-amz-website-redirect-location", "x-amz-website-redirect-location" },
	{ "s3:AccessPointNetworkOrigin", NULL }, /* there are no access points */
	{ "s3:DataAccessPointAccount", NULL },
	{ "s3:DataAccessPointArn", NULL },
};

#define EXISTING "s3:ExistingObjectTag/"
#define REQUESTED "s3:RequestObjectTag/"

static bool under(struct view name, const char *prefix, struct view *ret)
{
	size_t n = strlen(prefix);

	*ret = view_from(name, n);
	return name.n > n && view_eq_nocase(view_sub(name, 0, n), view_str(prefix));
}

static bool one(struct s3_asked *q, const char *text, struct policy_values *ret)
{
	struct view *v = ARENA_NEW(q->cx->arena, struct view);

	if (!text)
		return false;
	*v = view_str(text);
	*ret = (struct policy_values){ v, 1 };
	return true;
}

/* The labels that the request gives an object: in its header, or in its document. */
static void requested(struct s3_asked *q, struct s3_tags *ret)
{
	const struct in_tagging *in = q->in;
	struct op_ctx scratch = *q->cx; /* its error is not this one's */
	const char *header = s3__member(q->cx, q->in, "x-amz-tagging");

	*ret = (struct s3_tags){ 0 };
	if (header && s3__tags_from_header(&scratch, header, ret) < 0)
		*ret = (struct s3_tags){ 0 };
	if (q->cx->op->fn != s3__put_tagging)
		return;
	ret->n = in->tagging->tags.n;
	ret->v = ARENA_ARRAY(q->cx->arena, struct op_pair, ret->n + 1);
	for (size_t i = 0; i < ret->n; i++) {
		const struct in_tag *t = (const struct in_tag *)in->tagging->tags.v + i;

		ret->v[i] = (struct op_pair){ t->key, t->value };
	}
}

static const char *tag(const struct s3_tags *t, struct view key)
{
	for (size_t i = 0; i < t->n; i++)
		if (view_eq_str(key, t->v[i].key))
			return t->v[i].value;
	return NULL;
}

static bool tag_keys(struct s3_asked *q, struct policy_values *ret)
{
	struct s3_tags t;
	struct view *v;

	requested(q, &t);
	v = ARENA_ARRAY(q->cx->arena, struct view, t.n + 1);
	for (size_t i = 0; i < t.n; i++)
		v[i] = view_str(t.v[i].key);
	*ret = (struct policy_values){ v, t.n };
	return t.n > 0;
}

static int row_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct s3_asked *q = arg;
	struct s3_row *row = ARENA_NEW(q->cx->arena, struct s3_row);
	int rc = s3__row_need(tx, q->bucket, q->key, q->version, q->cx->arena, row, e);

	if (!rc)
		q->row = row;
	return rc;
}

int s3__asked_read(struct s3_asked *q, struct err *e)
{
	struct s3 *s = q->cx->self;

	return meta_read(s->meta, row_fn, q, e);
}

static const char *existing(struct s3_asked *q, struct view key)
{
	struct err none = { 0 };

	if (!q->looked && q->key)
		(void)!s3__asked_read(q, &none);
	q->looked = true;
	return q->row ? tag(&q->row->tags, key) : NULL;
}

/* "bucket/key" without what may stand around it. */
static const char *source(struct s3_asked *q)
{
	struct op_ctx scratch = *q->cx;
	struct s3_source src = { 0 };
	const char *text = s3__member(q->cx, q->in, "x-amz-copy-source");

	if (!text || s3__source_parse(&scratch, text, &src) < 0)
		return NULL;
	return arena_printf(q->cx->arena, "%s/%s", src.bucket, src.key);
}

bool s3__key(void *asked, struct view name, struct policy_values *ret)
{
	struct s3_asked *q = asked;
	struct s3_tags t;
	struct view rest;

	if (under(name, EXISTING, &rest))
		return one(q, existing(q, rest), ret);
	if (under(name, REQUESTED, &rest)) {
		requested(q, &t);
		return one(q, tag(&t, rest), ret);
	}
	if (view_eq_nocase(name, VIEW("s3:RequestObjectTagKeys")))
		return tag_keys(q, ret);
	if (view_eq_nocase(name, VIEW("s3:x-amz-copy-source")))
		return one(q, source(q), ret);
	if (q->prefix && view_eq_nocase(name, VIEW("s3:prefix")))
		return one(q, q->prefix, ret);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (view_eq_nocase(name, view_str(members[i].key)) && members[i].wire)
			return one(q, s3__member(q->cx, q->in, members[i].wire), ret);
	return false;
}

bool s3_key_known(struct view name)
{
	struct view rest;

	if (under(name, EXISTING, &rest) || under(name, REQUESTED, &rest) ||
	    view_eq_nocase(name, VIEW("s3:RequestObjectTagKeys")) || view_eq_nocase(name, VIEW("s3:x-amz-copy-source")))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (view_eq_nocase(name, view_str(members[i].key)))
			return true;
	return false;
}
