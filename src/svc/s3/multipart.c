/* SPDX-License-Identifier: Apache-2.0 */
/* multipart -- uploads in parts: beginning, parts, giving up, listing.  Completion is in complete.c. */
#include "base/limits.h"
#include "base/utf8.h"
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

/* --- beginning --- */

/* Only CRCs can be computed of a whole from those of its parts; CRC64NVME is never anything else. */
static int checksum_kind(struct op_ctx *cx, const struct in_mpu_create *in, struct s3_ck *ret)
{
	enum s3_ck_algo algo = s3__ck_algo(in->ck_algorithm);
	bool full = algo == CK_CRC32 || algo == CK_CRC32C || algo == CK_CRC64NVME;

	if (in->ck_type && !algo)
		return aws_fail(&cx->err, &S3_INVALID_REQUEST,
				"The x-amz-checksum-type header can only be used with the "
				"x-amz-checksum-algorithm header.");
	*ret = (struct s3_ck){ .algo = algo ? algo : CK_CRC64NVME };
	ret->composite = algo && algo != CK_CRC64NVME;
	if (!in->ck_type)
		return 0;
	ret->composite = view_eq_str(view_str(in->ck_type), "COMPOSITE");
	if (ret->composite ? algo == CK_CRC64NVME : !full)
		return aws_fail(
			&cx->err, &S3_INVALID_REQUEST,
			"The %s checksum type cannot be used with the %s checksum algorithm.",
			in->ck_type, s3__ck_lower(algo));
	return 0;
}

struct upload_arg {
	struct s3 *s;
	struct arena *arena;
	const char *bucket, *key, *id;
	struct s3_upload upload;
	struct s3_up_part *parts;
	size_t n_parts;
	int64_t after;
	size_t max;
	struct opt_int if_initiated;
	char *old_parts;
};

static int create_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct upload_arg *a = arg;
	struct s3_bucket b;
	int rc = s3__bucket_need(tx, a->upload.bucket, &b, e);

	if (!rc && a->upload.lock)
		rc = s3__lock_possible(&b, e);
	return rc ? rc : s3__upload_insert(tx, &a->upload, a->arena, e);
}

/* A user or role by its ARN, the root of an account by its canonical id. */
static const char *initiator(struct op_ctx *cx)
{
	const struct op_caller *c = &cx->caller;

	return c->arn && !view_ends(view_str(c->arn), VIEW(":root")) ? c->arn : s3__canonical_id(cx, c->account);
}

int s3__create_multipart(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_mpu_create *in = input;
	struct s3 *s = cx->self;
	struct upload_arg a = { .s = s, .arena = cx->arena };
	CLEANUP(s3__sse_wipe) struct s3_sse sse = { 0 };
	char *id = arena_alloc(cx->arena, UUID_TEXT);
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = s3__check_acl(cx, in->acl);
	if (!rc)
		rc = s3__check_key(cx, in->key);
	if (!rc)
		rc = checksum_kind(cx, in, &a.upload.ck);
	if (!rc)
		rc = s3__info_from(cx, &in->head, &a.upload.info);
	if (!rc)
		rc = s3__tags_from_header(cx, in->head.tagging, &a.upload.tags);
	if (!rc)
		rc = s3__sse_new(cx, in->bucket, &in->sse, &sse);
	if (!rc)
		rc = s3__lock_from(cx, &in->lock, &a.upload.lock);
	if (rc)
		return rc;
	uuid4(id);
	a.upload.id = id;
	a.upload.sse = s3__sse_text(&sse, cx->arena);
	a.upload.bucket = in->bucket;
	a.upload.key = in->key;
	a.upload.created_ms = s->now_ms();
	a.upload.initiator = initiator(cx);
	rc = meta_write(s->meta, create_fn, &a, &cx->err);
	if (rc)
		return rc;
	if (in->ck_algorithm) {
		out_header(o, "ChecksumAlgorithm", "x-amz-checksum-algorithm", in->ck_algorithm);
		out_header(o, "ChecksumType", "x-amz-checksum-type",
			   a.upload.ck.composite ? "COMPOSITE" : "FULL_OBJECT");
	}
	s3__sse_out(o, a.upload.sse, &sse);
	out_root(o, "InitiateMultipartUploadResult");
	out_str(o, "Bucket", in->bucket);
	out_str(o, "Key", in->key);
	out_str(o, "UploadId", id);
	return 0;
}

/* --- parts --- */

struct part_arg {
	struct s3 *s;
	struct arena *arena;
	const char *bucket, *key, *upload;
	struct s3_ck ck; /* of the upload, as the next */
	const char *stored;
	struct s3_sse sse; /* what the request says, and then how the part is written; wipe it */
	struct s3_up_part part;
	char *old;
};

static void part_wipe(struct part_arg *a)
{
	s3__sse_wipe(&a->sse);
}

static int gone(struct err *e)
{
	return aws_fail(e, &S3_NO_SUCH_UPLOAD,
			"The specified upload does not exist. The upload ID may be invalid, or the "
			"upload may have been "
			"aborted or completed.");
}

static int open_upload(struct meta_tx *tx, const char *bucket, const char *key, const char *id,
		       struct arena *a, struct s3_upload *ret, struct err *e)
{
	int rc = s3__upload_need(tx, bucket, key, id, a, ret, e);

	if (!rc && ret->done_etag)
		return gone(e);
	return rc;
}

static int look_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct part_arg *a = arg;
	struct s3_upload u;
	int rc = open_upload(tx, a->bucket, a->key, a->upload, a->arena, &u, e);

	if (!rc) {
		a->ck = u.ck;
		a->stored = u.sse;
	}
	return rc;
}

static int part_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct part_arg *a = arg;
	struct s3_upload u;
	int rc = open_upload(tx, a->bucket, a->key, a->upload, a->arena, &u, e);

	if (rc)
		return rc;
	a->part.modified_ms = a->s->now_ms();
	rc = s3__part_put(tx, a->upload, &a->part, a->arena, &a->old, e);
	return rc ? rc : s3__doom_tx(tx, a->s, a->old, e);
}

static int check_number(struct op_ctx *cx, int64_t n)
{
	if (n < 1 || n > S3_PARTS_MAX)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"Part number must be an integer between 1 and 10000, inclusive");
	return 0;
}

/* Looked at before any byte is taken; the transaction at the end looks again. */
static int look(struct op_ctx *cx, struct part_arg *a, const struct in_sse *in)
{
	int rc = check_number(cx, a->part.n);

	if (!rc)
		rc = s3__check_key(cx, a->key);
	if (!rc)
		rc = s3__sse_of(cx, in, &a->sse);
	if (!rc)
		rc = meta_read(a->s->meta, look_fn, a, &cx->err);
	if (!rc)
		rc = s3__sse_check_upload(a->stored, &a->sse, &cx->err);
	a->sse.bucket = a->bucket;
	a->sse.kind = s3__sse_kind(a->stored);
	return rc;
}

static int store_part(struct op_ctx *cx, struct part_arg *a, const struct s3_received *got)
{
	struct s3_part one = { .ref = got->ref, .size = got->sums.size };
	int rc;

	a->part.size = got->sums.size;
	a->part.md5_hex = got->sums.md5_hex;
	a->part.ck = got->sums.value[a->ck.algo];
	a->part.ref = got->ref;
	rc = meta_write(a->s->meta, part_fn, a, &cx->err);
	if (rc)
		s3__doom(a->s, s3__parts_text(cx->arena, &one, 1));
	return rc;
}

/* Parts are summed as their upload was begun.  What it was begun without is CRC64NVME: there others are checked too,
 * but not kept (whether AWS still refuses them is not known). */
static int check_claim(struct op_ctx *cx, const struct in_mpu_part *in, const struct s3_ck *ck)
{
	struct s3_claim claim;
	int rc = s3__claim(cx, &in->ck, in->content_md5, &claim);

	if (rc || ck->algo == CK_CRC64NVME || claim.algo == ck->algo)
		return rc;
	if (!claim.algo && (!ck->composite || !cx->body))
		return 0;
	return aws_fail(&cx->err, &S3_INVALID_REQUEST,
			"Checksum Type mismatch occurred, expected checksum Type: %s, actual "
			"checksum Type: %s",
			s3__ck_lower(ck->algo), s3__ck_lower(claim.algo));
}

int s3__upload_part(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_mpu_part *in = input;
	CLEANUP(part_wipe)
	struct part_arg a = { .s = cx->self,
			      .arena = cx->arena,
			      .bucket = in->bucket,
			      .key = in->key,
			      .upload = in->upload,
			      .part = { .n = in->number.v } };
	struct s3_received got = { 0 };
	struct s3_ck ck = { 0 };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = look(cx, &a, &in->sse);
	if (!rc && !cx->body && in->length.set && (uint64_t)in->length.v != in->body.n)
		rc = aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
			      "ContentLength is not the length of Body");
	if (!rc)
		rc = check_claim(cx, in, &a.ck);
	if (!rc)
		rc = s3__receive(cx, in->body, &in->ck, in->content_md5, 1U << a.ck.algo, &a.sse,
				 &got);
	if (!rc)
		rc = store_part(cx, &a, &got);
	if (rc)
		return rc;
	ck.algo = got.claim.algo ? got.claim.algo : a.ck.algo;
	out_header(o, "ETag", "ETag", arena_printf(cx->arena, "\"%s\"", got.sums.md5_hex));
	out_header(o, s3__ck_names[ck.algo].member, s3__ck_names[ck.algo].header,
		   got.sums.value[ck.algo]);
	s3__sse_out(o, a.stored, &a.sse);
	return 0;
}

/* Unlike the range of a reader this one is exact: both ends are given and lie within the source. */
static int source_range(struct op_ctx *cx, const char *text, uint64_t size, uint64_t *ret_off,
			uint64_t *ret_n)
{
	struct view v = view_str(text);
	ptrdiff_t dash = view_chr(v, '-');
	uint64_t first, last;

	if (dash < 6 || !view_starts(v, VIEW("bytes=")) ||
	    !view_u64(view_sub(v, 6, (size_t)dash - 6), UINT64_MAX, &first) ||
	    !view_u64(view_from(v, (size_t)dash + 1), UINT64_MAX, &last))
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"The x-amz-copy-source-range value must be of the form "
				"bytes=first-last where first and last are the zero-based offsets "
				"of the first and last bytes to copy");
	if (last < first || last >= size)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"Range specified is not valid for source object of size: %llu",
				(unsigned long long)size);
	*ret_off = first;
	*ret_n = last - first + 1;
	return 0;
}

static int copy_part(struct op_ctx *cx, const struct in_mpu_copy *in, struct s3_source *src,
		     struct part_arg *a, struct s3_received *got)
{
	uint64_t off = 0, n;
	int rc = s3__source_read(cx, src);

	if (!rc)
		rc = look(cx, a, &in->sse);
	if (rc)
		return rc;
	n = src->row.size;
	if (in->range)
		rc = source_range(cx, in->range, src->row.size, &off, &n);
	if (rc)
		return rc;
	rc = s3__source_copy(cx, src, off, n, 1U << a->ck.algo, &a->sse, got);
	return rc ? rc : store_part(cx, a, got);
}

int s3__upload_part_copy(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_mpu_copy *in = input;
	CLEANUP(s3__source_wipe)
	struct s3_source src = { .if_match = in->src_if_match,
				 .if_none_match = in->src_if_none_match,
				 .if_modified = in->src_if_modified,
				 .if_unmodified = in->src_if_unmodified };
	CLEANUP(part_wipe)
	struct part_arg a = { .s = cx->self,
			      .arena = cx->arena,
			      .bucket = in->bucket,
			      .key = in->key,
			      .upload = in->upload,
			      .part = { .n = in->number.v } };
	struct s3_received got = { 0 };
	struct s3_reading reading;
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = s3__check_owner(cx, in->source_owner);
	if (!rc)
		rc = s3__source_parse(cx, in->source, &src);
	if (!rc)
		rc = s3__sse_of(cx, &in->src_sse, &src.customer);
	if (rc)
		return rc;
	s3__reading_begin(cx->self, &reading);
	rc = copy_part(cx, in, &src, &a, &got);
	s3__reading_end(&reading);
	if (rc)
		return rc;
	s3__sse_out(o, a.stored, &a.sse);
	out_header(o, "CopySourceVersionId", "x-amz-copy-source-version-id",
		   s3__vid_out(cx->arena, &src.row));
	out_root(o, "CopyPartResult");
	out_str(o, "ETag", arena_printf(cx->arena, "\"%s\"", got.sums.md5_hex));
	out_time(o, "LastModified", a.part.modified_ms);
	out_str(o, s3__ck_names[a.ck.algo].member, got.sums.value[a.ck.algo]);
	return 0;
}

/* --- giving up --- */

static char *refs_of(struct arena *a, const struct s3_up_part *v, size_t n)
{
	struct s3_part *p = ARENA_ARRAY(a, struct s3_part, n + 1);

	for (size_t i = 0; i < n; i++)
		p[i].ref = v[i].ref;
	return s3__parts_text(a, p, n);
}

int s3__upload_abort(struct meta_tx *tx, struct s3 *s, const char *id, struct arena *a, struct err *e)
{
	struct s3_up_part *parts;
	size_t n;
	int rc = s3__parts(tx, id, 0, S3_PARTS_MAX, a, &parts, &n, e);

	if (!rc)
		rc = s3__doom_tx(tx, s, refs_of(a, parts, n), e);
	return rc ? rc : s3__upload_remove(tx, id, e);
}

static int abort_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct upload_arg *a = arg;
	int rc = open_upload(tx, a->bucket, a->key, a->id, a->arena, &a->upload, e);

	if (rc)
		return rc;
	if (a->if_initiated.set && a->if_initiated.v / 1000 != a->upload.created_ms / 1000)
		return aws_fail(e, &S3_PRECONDITION_FAILED,
				"At least one of the pre-conditions you specified did not hold");
	return s3__upload_abort(tx, a->s, a->id, a->arena, e);
}

int s3__abort_multipart(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_mpu_abort *in = input;
	struct s3 *s = cx->self;
	struct upload_arg a = { .s = s,
				.arena = cx->arena,
				.bucket = in->bucket,
				.key = in->key,
				.id = in->upload,
				.if_initiated = in->if_initiated };
	int rc = s3__check_owner(cx, in->owner);

	return rc ? rc : meta_write(s->meta, abort_fn, &a, &cx->err);
}

/* --- listing --- */

static int parts_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct upload_arg *a = arg;
	int rc = open_upload(tx, a->bucket, a->key, a->id, a->arena, &a->upload, e);

	return rc ? rc
		  : s3__parts(tx, a->id, a->after, a->max + 1, a->arena, &a->parts, &a->n_parts, e);
}

static void out_id(struct out *o, const char *name, const char *id)
{
	out_obj(o, name);
	out_str(o, "ID", id);
	out_obj_end(o);
}

static void out_people(struct op_ctx *cx, struct out *o, const struct upload_arg *a)
{
	const char *owner = s3__owner_id(cx, a->bucket), *who = a->upload.initiator;

	out_id(o, "Initiator", who[0] ? who : owner);
	out_id(o, "Owner", owner);
}

static void out_parts(struct op_ctx *cx, struct out *o, const struct upload_arg *a)
{
	enum s3_ck_algo algo = a->upload.ck.algo;

	out_list(o, NULL, "Part");
	for (size_t i = 0; i < a->n_parts && i < a->max; i++) {
		const struct s3_up_part *p = &a->parts[i];

		out_obj(o, NULL);
		out_int(o, "PartNumber", p->n);
		out_time(o, "LastModified", p->modified_ms);
		out_str(o, "ETag", arena_printf(cx->arena, "\"%s\"", p->md5_hex));
		out_int(o, "Size", (int64_t)p->size);
		out_str(o, s3__ck_names[algo].member, p->ck);
		out_obj_end(o);
	}
	out_list_end(o);
}

int s3__list_parts(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_mpu_parts *in = input;
	struct s3 *s = cx->self;
	int64_t max = opt_int_or(in->max, S3_PAGE_MAX);
	struct upload_arg a = { .s = s,
				.arena = cx->arena,
				.bucket = in->bucket,
				.key = in->key,
				.id = in->upload,
				.after = opt_int_or(in->marker, 0),
				.max = (size_t)(max < S3_PAGE_MAX ? max : S3_PAGE_MAX) };
	CLEANUP(s3__sse_wipe) struct s3_sse sse = { 0 };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc && (max < 0 || a.after < 0))
		rc = aws_fail(
			&cx->err, &S3_INVALID_ARGUMENT,
			"Argument max-parts and part-number-marker must be integers of 0 or more");
	if (!rc)
		rc = s3__sse_of(cx, &in->sse, &sse);
	if (!rc)
		rc = meta_read(s->meta, parts_fn, &a, &cx->err);
	if (!rc && sse.kind == S3_SSE_C)
		rc = s3__sse_check_upload(a.upload.sse, &sse, &cx->err);
	if (rc)
		return rc;
	out_root(o, "ListPartsResult");
	out_str(o, "Bucket", in->bucket);
	out_str(o, "Key", in->key);
	out_str(o, "UploadId", in->upload);
	out_int(o, "PartNumberMarker", a.after);
	if (a.n_parts && a.max)
		out_int(o, "NextPartNumberMarker",
			a.parts[(a.n_parts < a.max ? a.n_parts : a.max) - 1].n);
	out_int(o, "MaxParts", (int64_t)a.max);
	out_bool(o, "IsTruncated", a.max && a.n_parts > a.max);
	out_people(cx, o, &a);
	out_str(o, "StorageClass", "STANDARD");
	out_str(o, "ChecksumAlgorithm", s3__ck_names[a.upload.ck.algo].name);
	out_str(o, "ChecksumType", a.upload.ck.composite ? "COMPOSITE" : "FULL_OBJECT");
	out_parts(cx, o, &a);
	return 0;
}
