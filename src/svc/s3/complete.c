/* SPDX-License-Identifier: Apache-2.0 */
/* complete -- makes an object of an upload's parts: their references in order, no byte is copied. */
#include <stdio.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/mutant.h"
#include "svc/s3/s3_ops.h"

struct complete_arg {
	struct s3 *s;
	const struct in_mpu_complete *in;
	struct s3_publish p;
	const struct s3_sse *sse; /* what the request says; it need not */
	struct s3_upload upload;
	struct s3_up_part *have; /* all that were uploaded */
	size_t n_have;
	struct s3_up_part *use; /* as asked, in order */
	size_t n_use;
	const char *list; /* digest of what was asked for */
	char *unused;     /* parts that were not asked for */
};

/* --- what was asked --- */

static const struct in_done_part *asked(const struct in_mpu_complete *in, size_t *ret_n)
{
	*ret_n = in->list ? in->list->parts.n : 0;
	return in->list ? in->list->parts.v : NULL;
}

static int check_asked(struct op_ctx *cx, const struct in_mpu_complete *in)
{
	size_t n;
	const struct in_done_part *v = asked(in, &n);

	if (!n || n > S3_PARTS_MAX)
		return aws_fail(&cx->err, &S3_MALFORMED_XML,
				"The XML you provided was not well-formed or did not validate "
				"against our published "
				"schema");
	for (size_t i = 0; i < n; i++) {
		if (!v[i].etag || !v[i].number.set)
			return aws_fail(&cx->err, &S3_MALFORMED_XML,
					"Part needs ETag and PartNumber");
		if (v[i].number.v < 1 || v[i].number.v > S3_PARTS_MAX)
			return aws_fail(
				&cx->err, &S3_INVALID_ARGUMENT,
				"PartNumber must be an integer between 1 and 10000, inclusive");
		if (i && v[i].number.v <= v[i - 1].number.v)
			return aws_fail(&cx->err, &S3_INVALID_PART_ORDER,
					"The list of parts was not in ascending order. Parts must "
					"be ordered by part "
					"number.");
	}
	return 0;
}

/* The same list again has the same digest: a repeated call is answered as the first was. */
static const char *list_digest(struct arena *a, const struct in_mpu_complete *in)
{
	struct digest *d = digest_new(DIGEST_SHA256);
	uint8_t out[DIGEST_MAX];
	size_t n;
	const struct in_done_part *v = asked(in, &n);

	for (size_t i = 0; i < n; i++) {
		struct view etag = s3__unquote(v[i].etag);

		digest_add(d, &v[i].number.v, sizeof(v[i].number.v));
		digest_add(d, etag.p, etag.n);
	}
	return hex_arena(a, out, digest_end(d, out));
}

/* --- what is there --- */

static int invalid_part(struct err *e)
{
	return aws_fail(e, &S3_INVALID_PART,
			"One or more of the specified parts could not be found.  The part may not "
			"have been uploaded, or "
			"the specified entity tag may not match the part's entity tag.");
}

static int check_part(const struct complete_arg *a, const struct in_done_part *want,
		      const struct s3_up_part *have, bool last, struct err *e)
{
	const struct s3_ck *ck = &a->upload.ck;

	if (!view_eq_str(s3__unquote(want->etag), have->md5_hex))
		return invalid_part(e);
	for (int i = CK_NONE + 1; i < CK_COUNT; i++) {
		if (want->ck[i] && i != (int)ck->algo)
			return aws_fail(e, &S3_BAD_DIGEST,
					"The upload was created using the %s checksum mode. The "
					"complete request must "
					"include the %s checksum for each part.",
					s3__ck_lower(ck->algo), s3__ck_lower(ck->algo));
	}
	if (want->ck[ck->algo] && !view_eq_str(view_str(want->ck[ck->algo]), have->ck))
		return invalid_part(e);
	if (!want->ck[ck->algo] && ck->composite)
		return aws_fail(
			e, &S3_INVALID_REQUEST,
			"The upload was created using a %s checksum. The complete request must "
			"include the "
			"checksum for each part. It was missing for part %lld in the request.",
			s3__ck_lower(ck->algo), (long long)want->number.v);
	if (!last && have->size < S3_PART_MIN)
		return aws_fail(e, &S3_ENTITY_TOO_SMALL,
				"Your proposed upload is smaller than the minimum allowed size");
	return 0;
}

/* Both lists ascend. */
static int match_parts(struct complete_arg *a, struct err *e)
{
	size_t n, h = 0, unused = 0;
	const struct in_done_part *v = asked(a->in, &n);
	struct s3_part *left = ARENA_ARRAY(a->p.arena, struct s3_part, a->n_have + 1);

	a->use = ARENA_ARRAY(a->p.arena, struct s3_up_part, n);
	for (size_t i = 0; i < n; i++) {
		int rc;

		while (h < a->n_have && a->have[h].n < v[i].number.v)
			left[unused++].ref = a->have[h++].ref;
		if (h == a->n_have || a->have[h].n != v[i].number.v)
			return invalid_part(e);
		rc = check_part(a, &v[i], &a->have[h], i == n - 1, e);
		if (rc)
			return rc;
		a->use[a->n_use++] = a->have[h++];
	}
	while (h < a->n_have)
		left[unused++].ref = a->have[h++].ref;
	a->unused = s3__parts_text(a->p.arena, left, unused);
	return 0;
}

/* --- the object --- */

static const char *composite_etag(const struct complete_arg *a)
{
	struct digest *d = digest_new(DIGEST_MD5);
	uint8_t md5[DIGEST_MAX];

	for (size_t i = 0; i < a->n_use; i++) {
		must(hex_decode(md5, view_str(a->use[i].md5_hex)));
		digest_add(d, md5, 16);
	}
	digest_end(d, md5);
	return arena_printf(a->p.arena, "%s-%zu", hex_arena(a->p.arena, md5, 16), a->n_use);
}

static int corrupt(struct err *e)
{
	return err_set(e, ERR_CORRUPT, "stored checksum of a part");
}

static int composite_checksum(const struct complete_arg *a, struct s3_ck *ck, struct err *e)
{
	struct s3_sums x;
	struct s3_summed got;
	size_t n;

	s3__sums_begin(&x, 1U << ck->algo);
	for (size_t i = 0; i < a->n_use; i++) {
		struct view bytes;

		if (!base64_decode_arena(a->p.arena, view_str(a->use[i].ck), &bytes)) {
			s3__sums_drop(&x);
			return corrupt(e);
		}
		s3__sums_add(&x, bytes.p, bytes.n);
	}
	s3__sums_end(&x, &got);
	n = strlen(got.value[ck->algo]);
	memcpy(ck->value, got.value[ck->algo], n);
	(void)snprintf(ck->value + n, CK_TEXT - n, "-%zu", a->n_use);
	return 0;
}

static int full_checksum(const struct complete_arg *a, struct s3_ck *ck, struct err *e)
{
	memcpy(ck->value, a->use[0].ck, strlen(a->use[0].ck) + 1);
	for (size_t i = 1; i < a->n_use; i++)
		if (!s3__ck_combine(ck->algo, ck->value, a->use[i].ck, a->use[i].size, ck->value))
			return corrupt(e);
	return 0;
}

static int check_whole(const struct complete_arg *a, const struct s3_row *r, struct err *e)
{
	const struct in_mpu_complete *in = a->in;

	if (in->ck_type && view_eq_str(view_str(in->ck_type), "COMPOSITE") != r->ck.composite)
		return aws_fail(e, &S3_INVALID_REQUEST,
				"The upload was created using the %s checksum mode. The complete "
				"request must use the "
				"same checksum mode.",
				r->ck.composite ? "COMPOSITE" : "FULL_OBJECT");
	for (int i = CK_NONE + 1; i < CK_COUNT; i++) {
		if (!in->ck.value[i])
			continue;
		if (i != (int)r->ck.algo || !view_eq_str(view_str(in->ck.value[i]), r->ck.value))
			return aws_fail(
				e, &S3_BAD_DIGEST,
				"The %s you specified did not match the calculated checksum.",
				s3__ck_lower((enum s3_ck_algo)i));
	}
	if (in->size.set && (uint64_t)in->size.v != r->size)
		return aws_fail(e, &S3_INVALID_REQUEST,
				"The provided 'x-amz-mp-object-size' header value %lld does not "
				"match what was "
				"computed: %llu",
				(long long)in->size.v, (unsigned long long)r->size);
	return 0;
}

static int make_row(struct complete_arg *a, struct err *e)
{
	struct s3_row *r = &a->p.row;
	struct s3_part *parts = ARENA_ARRAY(a->p.arena, struct s3_part, a->n_use);
	int rc;

	for (size_t i = 0; i < a->n_use; i++) {
		parts[i] = (struct s3_part){ a->use[i].ref, a->use[i].size, a->use[i].ck };
		r->size += a->use[i].size;
	}
	r->bucket = a->in->bucket;
	r->key = a->in->key;
	r->etag = composite_etag(a);
	r->ck = a->upload.ck;
	r->multipart = true;
	r->sse = a->upload.sse;
	r->info = a->upload.info;
	r->tags = a->upload.tags;
	r->lock = a->upload.lock && a->upload.lock[0] ? a->upload.lock : NULL;
	r->parts = parts;
	r->n_parts = a->n_use;
	rc = r->ck.composite ? composite_checksum(a, &r->ck, e) : full_checksum(a, &r->ck, e);
	return rc ? rc : check_whole(a, r, e);
}

static int done_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct complete_arg *a = arg;

	a->upload.done_etag = a->p.row.etag;
	a->upload.done_list = a->list;
	a->upload.ck = a->p.row.ck;
	return s3__upload_done(tx, &a->upload, a->s->now_ms(), e);
}

static int complete_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct complete_arg *a = arg;
	int rc = s3__upload_need(tx, a->in->bucket, a->in->key, a->in->upload, a->p.arena,
				 &a->upload, e);

	/* The key need not be there unless a checksum was asked for, as AWS has it (CRC64NVME is what nobody has to ask for):
	 * AWS CLI 2.9 and others do not send it. */
	if (!rc && (a->sse->kind == S3_SSE_C || a->upload.ck.algo != CK_CRC64NVME))
		rc = s3__sse_check_upload(a->upload.sse, a->sse, e);
	if (rc)
		return rc;
	if (a->upload.done_etag) {
		if (!view_eq_str(view_str(a->upload.done_list), a->list))
			return aws_fail(e, &S3_NO_SUCH_UPLOAD,
					"The specified upload does not exist. The upload ID may be "
					"invalid, or the "
					"upload may have been aborted or completed.");
		a->p.row.etag = a->upload.done_etag;
		a->p.row.ck = a->upload.ck;
		return 0;
	}
	rc = s3__parts(tx, a->in->upload, 0, S3_PARTS_MAX, a->p.arena, &a->have, &a->n_have, e);
	if (!rc)
		rc = match_parts(a, e);
	if (!rc)
		rc = make_row(a, e);
	if (!rc)
		rc = s3__publish_tx(tx, a->s, &a->p, e);
	if (!rc)
		rc = s3__doom_tx(tx, a->s, a->unused, e);
	return rc || MUTANT(10) ? rc : done_fn(tx, a, e);
}

int s3__complete_multipart(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_mpu_complete *in = input;
	struct complete_arg *a = ARENA_NEW(cx->arena, struct complete_arg);
	CLEANUP(s3__sse_wipe) struct s3_sse sse = { 0 };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = check_asked(cx, in);
	if (!rc)
		rc = s3__check_conditions_asked(cx, in->if_match, in->if_none_match);
	if (!rc)
		rc = s3__sse_of(cx, &in->sse, &sse);
	if (rc)
		return rc;
	a->s = cx->self;
	a->sse = &sse;
	a->in = in;
	a->list = list_digest(cx->arena, in);
	a->p = (struct s3_publish){ .if_match = in->if_match,
				    .if_none_match = in->if_none_match,
				    .arena = cx->arena,
				    .who = s3__who(cx, "CompleteMultipartUpload") };
	rc = meta_write(a->s->meta, complete_fn, a, &cx->err);
	if (!rc && MUTANT(10))
		rc = meta_write(a->s->meta, done_fn, a, &cx->err);
	if (rc)
		return s3__explain(cx, in->if_none_match);
	out_header(o, "VersionId", "x-amz-version-id", s3__vid_written(cx->arena, &a->p.row));
	s3__sse_out(o, a->upload.sse, NULL);
	out_header(o, "Expiration", "x-amz-expiration", a->p.expiration);
	out_root(o, "CompleteMultipartUploadResult");
	out_str(o, "Location",
		arena_printf(cx->arena, "%.*s/%s/%s", VIEW_ARG(cx->endpoint), in->bucket, in->key));
	out_str(o, "Bucket", in->bucket);
	out_str(o, "Key", in->key);
	out_str(o, "ETag", arena_printf(cx->arena, "\"%s\"", a->p.row.etag));
	s3__ck_out(o, &a->p.row.ck);
	return 0;
}
