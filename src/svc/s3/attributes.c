/* SPDX-License-Identifier: Apache-2.0 */
/* attributes -- GetObjectAttributes: size, checksum and parts of an object without its bytes. */
#include <string.h>

#include "base/time.h"
#include "svc/s3/s3_ops.h"

struct attributes_arg {
	const struct in_attributes *in;
	struct arena *arena;
	struct s3_row row;
};

static int find_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct attributes_arg *a = arg;

	return s3__row_need(tx, a->in->bucket, a->in->key, a->in->version, a->arena, &a->row, e);
}

static bool asked(const struct in_attributes *in, const char *name)
{
	const char *const *v = in->attributes.v;

	for (size_t i = 0; i < in->attributes.n; i++)
		if (view_eq_str(view_str(v[i]), name))
			return true;
	return false;
}

/* Here a composite checksum comes without the number of its parts. */
static void out_checksum(struct out *o, const struct s3_ck *stored)
{
	struct s3_ck ck = *stored;
	char *dash = strchr(ck.value, '-');

	if (dash)
		*dash = 0;
	out_obj(o, "Checksum");
	s3__ck_out(o, &ck);
	out_obj_end(o);
}

/* Parts have the numbers 1 to n here.  AWS lists them where the checksum is composed of theirs; here they are listed
 * always, since each has one. */
static void out_parts(struct out *o, const struct in_attributes *in, const struct s3_row *r)
{
	size_t from = (size_t)opt_int_or(in->marker, 0),
	       max = (size_t)opt_int_or(in->max, S3_PAGE_MAX);
	size_t to;

	if (max > S3_PAGE_MAX)
		max = S3_PAGE_MAX;
	if (from > r->n_parts)
		from = r->n_parts;
	to = r->n_parts - from < max ? r->n_parts : from + max;
	out_obj(o, "ObjectParts");
	out_int(o, "PartsCount", (int64_t)r->n_parts);
	out_int(o, "PartNumberMarker", (int64_t)from);
	out_int(o, "NextPartNumberMarker", (int64_t)to);
	out_int(o, "MaxParts", (int64_t)max);
	out_bool(o, "IsTruncated", to < r->n_parts);
	out_list(o, NULL, "Part");
	for (size_t i = from; i < to; i++) {
		out_obj(o, NULL);
		out_int(o, "PartNumber", (int64_t)i + 1);
		out_int(o, "Size", (int64_t)r->parts[i].size);
		out_str(o, s3__ck_names[r->ck.algo].member, r->parts[i].ck);
		out_obj_end(o);
	}
	out_list_end(o);
	out_obj_end(o);
}

static void answer(struct op_ctx *cx, const struct in_attributes *in, const struct s3_row *r,
		   struct out *o)
{
	char t[TIME_TEXT];

	out_header(o, "LastModified", "Last-Modified", time_http(r->modified_ms, t));
	out_header(o, "VersionId", "x-amz-version-id", s3__vid_out(cx->arena, r));
	out_root(o, "GetObjectAttributesResponse");
	if (asked(in, "ETag"))
		out_str(o, "ETag", r->etag);
	if (asked(in, "Checksum") && r->ck.algo)
		out_checksum(o, &r->ck);
	if (asked(in, "ObjectParts") && r->multipart)
		out_parts(o, in, r);
	if (asked(in, "StorageClass"))
		out_str(o, "StorageClass", "STANDARD");
	if (asked(in, "ObjectSize"))
		out_int(o, "ObjectSize", (int64_t)r->size);
}

int s3__get_attributes(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_attributes *in = input;
	struct attributes_arg a = { .in = in, .arena = cx->arena };
	CLEANUP(s3__sse_wipe) struct s3_sse sse = { 0 };
	const struct s3 *s = cx->self;
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = s3__check_key(cx, in->key);
	if (!rc)
		rc = s3__sse_of(cx, &in->sse, &sse);
	if (!rc && (opt_int_or(in->max, 0) < 0 || opt_int_or(in->marker, 0) < 0))
		rc = aws_fail(
			&cx->err, &S3_INVALID_ARGUMENT,
			"Argument max-parts and part-number-marker must be integers of 0 or more");
	if (rc)
		return rc;
	rc = meta_read(s->meta, find_fn, &a, &cx->err);
	if (rc)
		return s3__explain_marker(cx, &a.row);
	rc = s3__sse_check(a.row.sse, &sse, &cx->err);
	if (rc)
		return rc;
	answer(cx, in, &a.row, o);
	return 0;
}
