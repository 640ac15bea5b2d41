/* SPDX-License-Identifier: Apache-2.0 */
/* tagging -- labels of objects and of buckets. */
#include <stdlib.h>

#include "base/utf8.h"
#include "svc/s3/s3_ops.h"

/* AWS takes letters, digits, blanks and some signs; here it is enough that XML can hold it. */
static bool is_text(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return utf8_valid(v);
}

static int check(struct op_ctx *cx, const struct s3_tags *t, size_t max)
{
	if (t->n > max)
		return aws_fail(&cx->err, &S3_BAD_REQUEST, "%s tags cannot be greater than %zu",
				max == S3_TAGS_MAX ? "Object" : "Bucket", max);
	for (size_t i = 0; i < t->n; i++) {
		struct view key = view_str(t->v[i].key), value = view_str(t->v[i].value);

		if (!is_text(key) || !key.n || utf8_len(key) > 128)
			return aws_fail(&cx->err, &S3_INVALID_TAG,
					"The TagKey you have provided is invalid");
		if (!is_text(value) || utf8_len(value) > 256)
			return aws_fail(&cx->err, &S3_INVALID_TAG,
					"The TagValue you have provided is invalid");
		if (view_starts(key, VIEW("aws:")))
			return aws_fail(&cx->err, &S3_INVALID_TAG,
					"System tags cannot be added/updated by requester");
		for (size_t j = 0; j < i; j++)
			if (view_eq_str(key, t->v[j].key))
				return aws_fail(&cx->err, &S3_INVALID_TAG,
						"Cannot provide multiple Tags with the same key");
	}
	return 0;
}

/* "a=b&c=d", percent-encoded. */
int s3__tags_from_header(struct op_ctx *cx, const char *header, struct s3_tags *ret)
{
	struct view rest = view_str(header), one;
	size_t room = 1;

	*ret = (struct s3_tags){ 0 };
	if (!rest.n)
		return 0;
	for (size_t i = 0; i < rest.n; i++)
		room += rest.p[i] == '&';
	ret->v = ARENA_ARRAY(cx->arena, struct op_pair, room);
	while (view_split(&rest, '&', &one)) {
		ptrdiff_t eq = view_chr(one, '=');
		struct view key, value = VIEW("");

		if (!one.n)
			continue;
		if (!uri_decode(cx->arena, eq < 0 ? one : view_sub(one, 0, (size_t)eq), true,
				&key) ||
		    (eq >= 0 &&
		     !uri_decode(cx->arena, view_from(one, (size_t)eq + 1), true, &value)) ||
		    (key.n && memchr(key.p, 0, key.n)) || (value.n && memchr(value.p, 0, value.n)))
			return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
					"The header 'x-amz-tagging' shall be encoded as UTF-8 then "
					"URLEncoded URL query "
					"parameters without tag name duplicates.");
		ret->v[ret->n++] = (struct op_pair){ arena_str(cx->arena, key),
						     arena_str(cx->arena, value) };
	}
	return check(cx, ret, S3_TAGS_MAX);
}

static struct op_pair *pairs_of(struct arena *a, const struct in_tagset *set)
{
	const struct in_tag *v = set->tags.v;
	struct op_pair *pairs = ARENA_ARRAY(a, struct op_pair, set->tags.n + 1);

	for (size_t i = 0; i < set->tags.n; i++)
		pairs[i] = (struct op_pair){ v[i].key, v[i].value };
	return pairs;
}

static void out_tags(struct out *o, const struct s3_tags *t)
{
	out_root(o, "Tagging");
	out_list(o, "TagSet", "Tag");
	for (size_t i = 0; i < t->n; i++) {
		out_obj(o, NULL);
		out_str(o, "Key", t->v[i].key);
		out_str(o, "Value", t->v[i].value);
		out_obj_end(o);
	}
	out_list_end(o);
}

/* --- of an object --- */

struct tag_arg {
	struct s3 *s;
	struct arena *arena;
	const char *bucket, *key, *version;
	const struct s3_tags *tags; /* new ones, to write */
	struct s3_who who;
	struct s3_row row;
};

static int tag_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tag_arg *a = arg;
	struct s3_bucket bucket;
	int rc = s3__row_need(tx, a->bucket, a->key, a->version, a->arena, &a->row, e);

	if (rc || !a->tags)
		return rc;
	rc = s3__version_retag(tx, &a->row, a->tags, a->arena, e);
	if (!rc)
		rc = s3__bucket_need(tx, a->bucket, &bucket, e);
	if (!rc && bucket.notify)
		rc = s3__emit_tags(tx, a->s, &bucket, &a->row, a->tags->n > 0, &a->who, a->arena, e);
	return rc;
}

/* After the transaction. */
static int answer(struct op_ctx *cx, const struct tag_arg *a, int rc, struct out *o)
{
	if (rc)
		return s3__explain_marker(cx, &a->row);
	out_header(o, "VersionId", "x-amz-version-id", s3__vid_out(cx->arena, &a->row));
	return 0;
}

static int begin(struct op_ctx *cx, const struct in_tagging *in, struct tag_arg *a)
{
	int rc = s3__check_owner(cx, in->owner);

	*a = (struct tag_arg){ .s = cx->self,
			       .arena = cx->arena,
			       .bucket = in->bucket,
			       .key = in->key,
			       .version = in->version,
			       .who = s3__who(cx, NULL) };
	return rc ? rc : s3__check_key(cx, in->key);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct op_pair *)a)->key, ((const struct op_pair *)b)->key);
}

int s3__get_tagging(struct op_ctx *cx, const void *input, struct out *o)
{
	struct tag_arg a;
	int rc = begin(cx, input, &a);

	if (rc)
		return rc;
	rc = answer(cx, &a, meta_read(a.s->meta, tag_fn, &a, &cx->err), o);
	if (rc)
		return rc;
	if (a.row.tags.n)
		qsort(a.row.tags.v, a.row.tags.n, sizeof(*a.row.tags.v), by_key);
	out_tags(o, &a.row.tags);
	return 0;
}

int s3__put_tagging(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_tagging *in = input;
	struct s3_tags tags = { .n = in->tagging->tags.n };
	struct tag_arg a;
	int rc = begin(cx, in, &a);

	tags.v = pairs_of(cx->arena, in->tagging);
	if (!rc)
		rc = check(cx, &tags, S3_TAGS_MAX);
	a.tags = &tags;
	return rc ? rc : answer(cx, &a, meta_write(a.s->meta, tag_fn, &a, &cx->err), o);
}

int s3__delete_tagging(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct s3_tags none = { 0 };
	struct tag_arg a;
	int rc = begin(cx, input, &a);

	a.tags = &none;
	return rc ? rc : answer(cx, &a, meta_write(a.s->meta, tag_fn, &a, &cx->err), o);
}

/* --- of a bucket --- */

#define S3_KIND_TAGGING "tagging" /* {"a":"1"}, as of objects */

struct bucket_arg {
	const char *bucket, *doc; /* doc NULL: to be removed */
	struct arena *arena;
};

static int put_bucket_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct bucket_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	if (rc)
		return rc;
	return a->doc ? s3__config_put(tx, a->bucket, S3_KIND_TAGGING, a->doc, e)
		      : s3__config_remove(tx, a->bucket, S3_KIND_TAGGING, e);
}

int s3__put_bucket_tagging(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_put_bucket_tagging *in = input;
	struct s3_tags tags = { pairs_of(cx->arena, in->tagging), in->tagging->tags.n };
	struct s3 *s = cx->self;
	struct bucket_arg a = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = check(cx, &tags, S3_BUCKET_TAGS_MAX);
	a.doc = s3__tags_text(cx->arena, &tags);
	if (!rc)
		rc = meta_write(s->meta, put_bucket_fn, &a, &cx->err);
	if (!rc)
		out_status(o, 204);
	return rc;
}

int s3__delete_bucket_tagging(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct bucket_arg a = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	return rc ? rc : meta_write(s->meta, put_bucket_fn, &a, &cx->err);
}

static int get_bucket_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct bucket_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	if (!rc)
		rc = s3__config_get(tx, a->bucket, S3_KIND_TAGGING, a->arena, &a->doc, e);
	if (rc)
		return rc < 0 ? rc : 0;
	return aws_fail(e, &S3_NO_TAG_SET, "The TagSet does not exist");
}

int s3__get_bucket_tagging(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct bucket_arg a = { .bucket = in->bucket, .arena = cx->arena };
	struct s3_tags tags;
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_read(s->meta, get_bucket_fn, &a, &cx->err);
	if (!rc)
		rc = s3__tags_parse(cx->arena, view_str(a.doc), &tags, &cx->err);
	if (!rc)
		out_tags(o, &tags);
	return rc;
}
