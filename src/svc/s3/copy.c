/* SPDX-License-Identifier: Apache-2.0 */
/* copy -- objects (and parts) made of other objects' bytes; or of the same, with new metadata. */
#include "base/utf8.h"
#include "svc/s3/s3_ops.h"

int s3__source_parse(struct op_ctx *cx, const char *text, struct s3_source *ret)
{
	struct view v = view_str(text), key;
	ptrdiff_t at = -1, slash;

	/* A key may hold '?': only the last "?versionId=" is no part of it. */
	for (struct view rest = v; rest.n;) {
		ptrdiff_t next = view_find(rest, VIEW("?versionId="));

		if (next < 0)
			break;
		at = rest.p + next - v.p;
		rest = view_from(rest, (size_t)next + 1);
	}
	if (at >= 0) {
		ret->version = arena_str(cx->arena,
					 view_from(v, (size_t)at + sizeof("?versionId=") - 1));
		v = view_sub(v, 0, (size_t)at);
	}
	if (!uri_decode(cx->arena, v, false, &v))
		v = VIEW_NONE;
	if (view_starts(v, VIEW("/")))
		v = view_from(v, 1);
	slash = view_chr(v, '/');
	key = slash < 0 ? VIEW_NONE : view_from(v, (size_t)slash + 1);
	if (slash < 1 || !key.n || memchr(v.p, 0, v.n))
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"Copy Source must mention the source bucket and key: "
				"sourcebucket/sourcekey");
	ret->bucket = arena_str(cx->arena, view_sub(v, 0, (size_t)slash));
	ret->key = arena_str(cx->arena, key);
	return s3__check_key(cx, ret->key);
}

void s3__source_wipe(struct s3_source *src)
{
	s3__sse_wipe(&src->customer);
}

struct source_arg {
	struct s3_source *src;
	struct arena *arena;
};

static int source_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct source_arg *a = arg;

	return s3__row_need(tx, a->src->bucket, a->src->key, a->src->version, a->arena,
			    &a->src->row, e);
}

/* S3 has a code of its own for a delete marker as source. */
static int explain_source(struct op_ctx *cx, const struct s3_source *src)
{
	if (!src->row.marker || !src->version)
		return cx->err.code;
	err_clear(&cx->err);
	return aws_fail(&cx->err, &S3_INVALID_REQUEST,
			"The source of a copy request may not specifically refer to a delete "
			"marker by version id.");
}

int s3__source_read(struct op_ctx *cx, struct s3_source *src)
{
	struct s3 *s = cx->self;
	struct source_arg a = { src, cx->arena };
	const char *broken = NULL;
	int64_t modified;
	int rc = meta_read(s->meta, source_fn, &a, &cx->err);

	if (rc)
		return explain_source(cx, src);
	rc = s3__sse_check(src->row.sse, &src->customer, &cx->err);
	if (rc)
		return rc;
	src->row.customer = &src->customer;
	modified = src->row.modified_ms / 1000;
	if (src->if_match && !s3__same_etag(src->if_match, src->row.etag))
		broken = "x-amz-copy-source-If-Match";
	else if (!src->if_match && src->if_unmodified.set && modified > src->if_unmodified.v / 1000)
		broken = "x-amz-copy-source-If-Unmodified-Since";
	else if (src->if_none_match && s3__same_etag(src->if_none_match, src->row.etag))
		broken = "x-amz-copy-source-If-None-Match";
	else if (!src->if_none_match && src->if_modified.set &&
		 modified <= src->if_modified.v / 1000)
		broken = "x-amz-copy-source-If-Modified-Since";
	if (!broken)
		return 0;
	op_error_detail(cx, "Condition", broken);
	return aws_fail(&cx->err, &S3_PRECONDITION_FAILED,
			"At least one of the pre-conditions you specified did not hold");
}

struct pour {
	struct blob_writer *w;
	struct s3_sums sums;
};

static int pour(void *arg, struct view piece, struct err *e)
{
	struct pour *p = arg;

	s3__sums_add(&p->sums, piece.p, piece.n);
	return blob_write(p->w, piece.p, piece.n, e);
}

int s3__source_copy(struct op_ctx *cx, const struct s3_source *src, uint64_t off, uint64_t n,
		    unsigned want, const struct s3_sse *sse, struct s3_received *ret)
{
	struct s3 *s = cx->self;
	struct pour p;
	int rc = s3__seal_begin(s, sse, &p.w, &cx->err);

	if (rc)
		return rc;
	s3__sums_begin(&p.sums, want);
	rc = s3__read(s, &src->row, off, n, pour, &p, &cx->err);
	if (rc) {
		s3__sums_drop(&p.sums);
		blob_abort(p.w);
		return rc;
	}
	s3__sums_end(&p.sums, &ret->sums);
	s3__sse_etag(sse, ret->sums.md5_hex);
	return blob_commit(p.w, cx->arena, &ret->ref, &cx->err);
}

static bool replaces(const char *directive)
{
	return directive && view_eq_str(view_str(directive), "REPLACE");
}

static int new_row(struct op_ctx *cx, const struct in_copy *in, const struct s3_source *src,
		   struct s3_row *row)
{
	int rc = 0;

	*row = (struct s3_row){ .bucket = in->bucket,
				.key = in->key,
				.size = src->row.size,
				.info = src->row.info,
				.tags = src->row.tags };
	if (replaces(in->meta_directive))
		rc = s3__info_from(cx, &in->head, &row->info);
	if (!rc && replaces(in->tag_directive))
		rc = s3__tags_from_header(cx, in->head.tagging, &row->tags);
	if (!rc)
		rc = s3__lock_from(cx, &in->lock, &row->lock);
	row->ck.algo = s3__ck_algo(in->ck_algorithm);
	if (!row->ck.algo)
		row->ck.algo = src->row.ck.algo ? src->row.ck.algo : CK_CRC64NVME;
	return rc;
}

/* The same bytes under the same key: only the row changes, if it is still the one that was read. */
struct self_arg {
	struct s3 *s;
	struct s3_publish *p;
	const struct s3_source *src;
};

static int self_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct self_arg *a = arg;
	struct s3_row now;
	int rc = s3__object_need(tx, a->src->bucket, a->src->key, a->p->arena, &now, e);

	if (rc)
		return rc;
	if (now.seq != a->src->row.seq || now.versioning)
		return aws_fail(e, &S3_CONFLICT,
				"The object was changed while it was being copied.");
	return s3__publish_tx(tx, a->s, a->p, e);
}

static int copy_to_itself(struct op_ctx *cx, const struct s3_source *src, struct s3_publish *p)
{
	struct s3 *s = cx->self;
	struct self_arg a = { s, p, src };

	p->same_bytes = true;
	p->row.etag = src->row.etag;
	p->row.ck = src->row.ck;
	p->row.multipart = src->row.multipart;
	p->row.parts = src->row.parts;
	p->row.n_parts = src->row.n_parts;
	return meta_write(s->meta, self_fn, &a, &cx->err);
}

static int check_itself(struct op_ctx *cx, const struct in_copy *in, const struct s3_source *src)
{
	if (in->sse.sse || in->sse.algorithm || replaces(in->meta_directive) ||
	    replaces(in->tag_directive) || in->ck_algorithm || src->version)
		return 0;
	return aws_fail(&cx->err, &S3_INVALID_REQUEST,
			"This copy request is illegal because it is trying to copy an object to "
			"itself without changing the object's metadata, storage class, website "
			"redirect location or encryption attributes.");
}

static int copy_bytes(struct op_ctx *cx, const struct s3_source *src, const struct s3_sse *sse,
		      struct s3_publish *p)
{
	struct s3_received *got = ARENA_NEW(cx->arena, struct s3_received);
	struct s3_part *part = ARENA_NEW(cx->arena, struct s3_part);
	int rc = s3__source_copy(cx, src, 0, src->row.size, 1U << p->row.ck.algo, sse, got);

	if (rc)
		return rc;
	*part = (struct s3_part){ .ref = got->ref, .size = got->sums.size };
	p->row.etag = got->sums.md5_hex;
	memcpy(p->row.ck.value, got->sums.value[p->row.ck.algo], CK_TEXT);
	p->row.parts = part;
	p->row.n_parts = 1;
	return s3__publish(cx->self, p, false, &cx->err);
}

static int copy(struct op_ctx *cx, const struct in_copy *in, struct s3_source *src,
		const struct s3_sse *sse, struct s3_publish *p)
{
	bool same = view_eq_str(view_str(in->bucket), src->bucket) &&
		    view_eq_str(view_str(in->key), src->key);
	int rc = s3__source_read(cx, src);

	if (!rc)
		rc = new_row(cx, in, src, &p->row);
	if (!rc && same)
		rc = check_itself(cx, in, src);
	if (rc)
		return rc;
	p->row.sse = s3__sse_text(sse, cx->arena);
	/* A version's bytes are its own; with a client's key it may be another key. */
	if (same && !src->row.versioning && p->row.ck.algo == src->row.ck.algo &&
	    sse->kind != S3_SSE_C && s3__sse_kind(src->row.sse) == sse->kind)
		return copy_to_itself(cx, src, p);
	return copy_bytes(cx, src, sse, p);
}

int s3__copy_object(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_copy *in = input;
	CLEANUP(s3__source_wipe)
	struct s3_source src = { .if_match = in->src_if_match,
				 .if_none_match = in->src_if_none_match,
				 .if_modified = in->src_if_modified,
				 .if_unmodified = in->src_if_unmodified };
	struct s3_publish p = { .if_match = in->if_match,
				.if_none_match = in->if_none_match,
				.arena = cx->arena,
				.who = s3__who(cx, "CopyObject") };
	CLEANUP(s3__sse_wipe) struct s3_sse sse = { 0 };
	struct s3_reading reading;
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = s3__check_acl(cx, in->acl);
	if (!rc)
		rc = s3__check_owner(cx, in->source_owner);
	if (!rc)
		rc = s3__check_key(cx, in->key);
	if (!rc)
		rc = s3__check_conditions_asked(cx, in->if_match, in->if_none_match);
	if (!rc)
		rc = s3__source_parse(cx, in->source, &src);
	if (!rc)
		rc = s3__sse_new(cx, in->bucket, &in->sse, &sse);
	if (!rc)
		rc = s3__sse_of(cx, &in->src_sse, &src.customer);
	if (rc)
		return rc;
	s3__reading_begin(cx->self, &reading);
	rc = copy(cx, in, &src, &sse, &p);
	s3__reading_end(&reading);
	if (rc)
		return s3__explain(cx, in->if_none_match);
	out_header(o, "VersionId", "x-amz-version-id", s3__vid_written(cx->arena, &p.row));
	out_header(o, "CopySourceVersionId", "x-amz-copy-source-version-id",
		   s3__vid_out(cx->arena, &src.row));
	s3__sse_out(o, p.row.sse, &sse);
	out_header(o, "Expiration", "x-amz-expiration", p.expiration);
	out_root(o, "CopyObjectResult");
	out_str(o, "ETag", arena_printf(cx->arena, "\"%s\"", p.row.etag));
	out_time(o, "LastModified", p.row.modified_ms);
	s3__ck_out(o, &p.row.ck);
	return 0;
}
