/* SPDX-License-Identifier: Apache-2.0 */
/* uploads -- ListMultipartUploads: the uploads of a bucket that have not ended, by key and id. */
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

struct list_arg {
	struct arena *arena;
	const char *bucket;
	struct view prefix, delimiter, from;
	const char *after_id;
	size_t max;
	struct s3_upload *uploads;
	size_t n_uploads;
	const char **prefixes;
	size_t n_prefixes;
	bool truncated;
	const char *next_key, *next_id;
};

static void take_prefix(struct list_arg *l, struct view p)
{
	const char *s = arena_str(l->arena, p);

	l->prefixes[l->n_prefixes++] = s;
	l->next_key = s;
	l->next_id = "";
}

/* 1: a common prefix was met, go on behind it. */
static int scan_some(struct meta_tx *tx, struct list_arg *l, struct view to, struct err *e)
{
	size_t room = l->max - l->n_uploads - l->n_prefixes;
	struct tx_rows *r;
	int rc = s3__upload_scan(tx, &r, l->bucket, l->from, l->after_id, to, room + 1, e);

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		struct s3_upload u;
		struct view key;
		size_t n;

		s3__upload_row(r, l->arena, &u);
		key = view_str(u.key);
		if (view_cmp(key, l->prefix) < 0 || !view_starts(key, l->prefix))
			continue;
		if (!room) {
			l->truncated = true;
			tx_end(r);
			return 0;
		}
		room--;
		n = s3__common(l->prefix, l->delimiter, key);
		if (n) {
			take_prefix(l, view_sub(key, 0, n));
			l->from = s3__behind_prefix(l->arena, view_str(l->next_key));
			l->after_id = "";
			tx_end(r);
			return 1;
		}
		l->uploads[l->n_uploads++] = u;
		l->next_key = u.key;
		l->next_id = u.id;
	}
	return rc;
}

static int list_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_arg *l = arg;
	struct view to = s3__behind_prefix(l->arena, l->prefix);
	int rc = s3__bucket_need(tx, l->bucket, NULL, e);

	if (rc || !l->max)
		return rc;
	if (view_cmp(l->from, l->prefix) < 0) {
		l->from = l->prefix;
		l->after_id = "";
	}
	do {
		rc = scan_some(tx, l, to, e);
	} while (rc > 0);
	return rc;
}

static void out_uploads(struct op_ctx *cx, struct out *o, const struct list_arg *l, bool url)
{
	const char *owner = s3__owner_id(cx, l->bucket);

	out_list(o, NULL, "Upload");
	for (size_t i = 0; i < l->n_uploads; i++) {
		const struct s3_upload *u = &l->uploads[i];

		out_obj(o, NULL);
		out_str(o, "UploadId", u->id);
		out_str(o, "Key", s3__encoded(cx->arena, u->key, url));
		out_time(o, "Initiated", u->created_ms);
		out_str(o, "StorageClass", "STANDARD");
		out_obj(o, "Owner");
		out_str(o, "ID", owner);
		out_obj_end(o);
		out_obj(o, "Initiator");
		out_str(o, "ID", u->initiator[0] ? u->initiator : owner);
		out_obj_end(o);
		out_str(o, "ChecksumAlgorithm", s3__ck_names[u->ck.algo].name);
		out_str(o, "ChecksumType", u->ck.composite ? "COMPOSITE" : "FULL_OBJECT");
		out_obj_end(o);
	}
	out_list_end(o);
	out_list(o, NULL, "CommonPrefixes");
	for (size_t i = 0; i < l->n_prefixes; i++) {
		out_obj(o, NULL);
		out_str(o, "Prefix", s3__encoded(cx->arena, l->prefixes[i], url));
		out_obj_end(o);
	}
	out_list_end(o);
}

/* Behind the marker; a marker that is a common prefix is behind all it stands for. */
static void start(struct list_arg *l, const struct in_mpu_list *in)
{
	struct view key = view_str(in->key_marker);
	ptrdiff_t at = -1;

	if (!key.n)
		return;
	l->from = key;
	/* Without an id, every upload of the marker's key is behind us; "g" is greater than any hex digit. */
	l->after_id = in->id_marker && in->id_marker[0] ? in->id_marker : "g";
	if (l->delimiter.n && view_starts(key, l->prefix))
		at = view_find(view_from(key, l->prefix.n), l->delimiter);
	if (at >= 0 && l->prefix.n + (size_t)at + l->delimiter.n == key.n) {
		l->from = s3__behind_prefix(l->arena, key);
		l->after_id = "";
	}
}

int s3__list_multiparts(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_mpu_list *in = input;
	struct s3 *s = cx->self;
	bool url = in->encoding != NULL;
	int64_t max = opt_int_or(in->max, S3_PAGE_MAX);
	struct list_arg l = { .arena = cx->arena,
			      .bucket = in->bucket,
			      .delimiter = view_str(in->delimiter),
			      .prefix = view_str(in->prefix ? in->prefix : ""),
			      .from = VIEW(""),
			      .after_id = "",
			      .max = (size_t)(max < S3_PAGE_MAX ? max : S3_PAGE_MAX) };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc && max < 0)
		rc = aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
			      "Argument max-uploads must be an integer of 0 or more");
	if (rc)
		return rc;
	start(&l, in);
	l.uploads = ARENA_ARRAY(cx->arena, struct s3_upload, l.max + 1);
	l.prefixes = ARENA_ARRAY(cx->arena, const char *, l.max + 1);
	rc = meta_read(s->meta, list_fn, &l, &cx->err);
	if (rc)
		return rc;
	out_root(o, "ListMultipartUploadsResult");
	out_str(o, "Bucket", in->bucket);
	out_str(o, "KeyMarker", s3__encoded(cx->arena, in->key_marker ? in->key_marker : "", url));
	out_str(o, "UploadIdMarker", in->id_marker ? in->id_marker : "");
	if (l.truncated) {
		out_str(o, "NextKeyMarker", s3__encoded(cx->arena, l.next_key, url));
		out_str(o, "NextUploadIdMarker", l.next_id);
	}
	out_str(o, "Prefix", s3__encoded(cx->arena, in->prefix ? in->prefix : "", url));
	out_str(o, "Delimiter", s3__encoded(cx->arena, in->delimiter, url));
	out_str(o, "EncodingType", in->encoding);
	out_int(o, "MaxUploads", (int64_t)l.max);
	out_bool(o, "IsTruncated", l.truncated);
	out_uploads(cx, o, &l, url);
	return 0;
}
