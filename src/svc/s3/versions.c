/* SPDX-License-Identifier: Apache-2.0 */
/* versions -- PutBucketVersioning, GetBucketVersioning, ListObjectVersions. */
#include "base/limits.h"
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

/* --- the bucket's state --- */

struct state_arg {
	const char *bucket;
	enum s3_versioning want;
	struct s3_bucket found;
};

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct state_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, &a->found, e);

	if (!rc && a->found.lock && a->want != S3_VERSIONING_ENABLED)
		return aws_fail(e, &S3_INVALID_BUCKET_STATE,
				"An Object Lock configuration is present on this bucket, so the "
				"versioning state cannot be changed.");
	return rc ? rc : s3__bucket_versioning(tx, a->bucket, a->want, e);
}

int s3__put_versioning(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_versioning *in = input;
	struct s3 *s = cx->self;
	struct state_arg a = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc && !in->config->status)
		rc = aws_fail(&cx->err, &S3_ILLEGAL_VERSIONING,
			      "The Versioning element must be specified");
	if (rc)
		return rc;
	a.want = view_eq_str(view_str(in->config->status), "Enabled") ? S3_VERSIONING_ENABLED
								      : S3_VERSIONING_SUSPENDED;
	return meta_write(s->meta, put_fn, &a, &cx->err);
}

static int get_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct state_arg *a = arg;

	return s3__bucket_need(tx, a->bucket, &a->found, e);
}

int s3__get_versioning(struct op_ctx *cx, const void *input, struct out *o)
{
	static const char *const texts[] = { NULL, "Enabled", "Suspended" };
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct state_arg a = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_read(s->meta, get_fn, &a, &cx->err);
	if (rc)
		return rc;
	out_root(o, "VersioningConfiguration");
	out_str(o, "Status", texts[a.found.versioning]);
	return 0;
}

/* --- listing --- */

struct list_arg {
	struct arena *arena;
	const char *bucket;
	struct view prefix, delimiter, from;
	uint64_t before; /* of the key @from: only older ones; 0: all */
	struct s3_vid after; /* null: where @before is found out first */
	size_t max;
	struct s3_entry *entries;
	bool *latest;
	size_t n_entries;
	const char **prefixes;
	size_t n_prefixes;
	bool truncated;
	const char *last_key; /* the last one given, a key or a common prefix */
	const char *last_vid; /* "" behind a common prefix */
};

static void take(struct list_arg *l, const struct tx_rows *r)
{
	struct s3_entry *x = &l->entries[l->n_entries];
	struct s3_row as_row;

	s3__version_row(r, l->arena, x);
	as_row = (struct s3_row){ .seq = x->seq, .vnull = x->vnull };
	/* Of the key where a page goes on, newer ones were given before. */
	l->latest[l->n_entries++] = l->last_key && strcmp(l->last_key, x->key) == 0 ? false
						    : !l->before || !view_eq_str(l->from, x->key);
	l->last_key = x->key;
	l->last_vid = s3__vid_text(l->arena, &as_row);
}

/* 1: a common prefix was met, go on behind it. */
static int scan_some(struct meta_tx *tx, struct list_arg *l, struct view to, struct err *e)
{
	size_t room = l->max - l->n_entries - l->n_prefixes;
	struct tx_rows *r;
	int rc = s3__version_scan(tx, &r, l->bucket, l->from, l->before, to, room + 1, e);

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		struct view key = row_view(r, 0);
		size_t n = s3__common(l->prefix, l->delimiter, key);

		if (!room) {
			l->truncated = true;
			tx_end(r);
			return 0;
		}
		room--;
		if (n) {
			l->last_key = arena_str(l->arena, view_sub(key, 0, n));
			l->last_vid = "";
			l->prefixes[l->n_prefixes++] = l->last_key;
			l->from = s3__behind_prefix(l->arena, view_str(l->last_key));
			l->before = 0;
			tx_end(r);
			return 1;
		}
		take(l, r);
	}
	return rc;
}

/* The marker of a page that ended with a null version: what number is it? */
static int find_null(struct meta_tx *tx, struct list_arg *l, struct err *e)
{
	struct s3_row r;
	int found = s3__version_find(tx, l->bucket, arena_str(l->arena, l->from), &l->after,
				     l->arena, &r, e);

	if (found > 0)
		l->before = r.seq;
	else if (!found)
		l->from = s3__behind_key(l->arena, l->from);
	return found < 0 ? found : 0;
}

static int list_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_arg *l = arg;
	struct view to = s3__behind_prefix(l->arena, l->prefix);
	int rc = s3__bucket_need(tx, l->bucket, NULL, e);

	if (!rc && l->after.null)
		rc = find_null(tx, l, e);
	if (rc || !l->max)
		return rc;
	if (view_cmp(l->from, l->prefix) < 0) {
		l->from = l->prefix;
		l->before = 0;
	}
	l->entries = ARENA_ARRAY(l->arena, struct s3_entry, l->max + 1);
	l->latest = ARENA_ARRAY(l->arena, bool, l->max + 1);
	l->prefixes = ARENA_ARRAY(l->arena, const char *, l->max + 1);
	do {
		rc = scan_some(tx, l, to, e);
	} while (rc > 0);
	return rc;
}

static int start_after(struct op_ctx *cx, const struct in_versions *in, struct list_arg *l)
{
	struct view key = view_str(in->key_marker);
	int rc = 0;

	if (in->id_marker && in->id_marker[0] && !key.n)
		return aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
				"A version-id marker cannot be specified without a key marker.");
	if (!key.n)
		return 0;
	if (in->id_marker && in->id_marker[0]) {
		rc = s3__vid_parse(in->id_marker, &l->after, &cx->err);
		l->before = l->after.seq;
		l->from = key;
	} else if (view_starts(key, l->prefix) && s3__common(l->prefix, l->delimiter, key) == key.n) {
		l->from = s3__behind_prefix(cx->arena, key);
	} else {
		l->from = s3__behind_key(cx->arena, key);
	}
	return rc;
}

static void out_entry(struct op_ctx *cx, struct out *o, const struct s3_entry *x, const char *owner,
		      bool latest, bool url)
{
	const struct s3_row r = { .seq = x->seq, .vnull = x->vnull };

	out_obj(o, NULL);
	out_str(o, "Key", s3__encoded(cx->arena, x->key, url));
	out_str(o, "VersionId", s3__vid_text(cx->arena, &r));
	out_bool(o, "IsLatest", latest);
	out_time(o, "LastModified", x->modified_ms);
	if (!x->marker) {
		out_str(o, "ETag", arena_printf(cx->arena, "\"%s\"", x->etag));
		if (x->algo) {
			out_list(o, NULL, "ChecksumAlgorithm");
			out_str(o, NULL, s3__ck_names[x->algo].name);
			out_list_end(o);
			out_str(o, "ChecksumType", x->composite ? "COMPOSITE" : "FULL_OBJECT");
		}
		out_int(o, "Size", (int64_t)x->size);
		out_str(o, "StorageClass", "STANDARD");
	}
	out_obj(o, "Owner");
	out_str(o, "ID", owner);
	out_obj_end(o);
	out_obj_end(o);
}

static void out_found(struct op_ctx *cx, struct out *o, const struct list_arg *l, bool url)
{
	const char *owner = s3__owner_id(cx, l->bucket);

	for (int marker = 0; marker < 2; marker++) {
		out_list(o, NULL, marker ? "DeleteMarker" : "Version");
		for (size_t i = 0; i < l->n_entries; i++)
			if (l->entries[i].marker == (marker != 0))
				out_entry(cx, o, &l->entries[i], owner, l->latest[i], url);
		out_list_end(o);
	}
	out_list(o, NULL, "CommonPrefixes");
	for (size_t i = 0; i < l->n_prefixes; i++) {
		out_obj(o, NULL);
		out_str(o, "Prefix", s3__encoded(cx->arena, l->prefixes[i], url));
		out_obj_end(o);
	}
	out_list_end(o);
}

static void out_asked(struct op_ctx *cx, struct out *o, const struct in_versions *in,
		      const struct list_arg *l, bool url)
{
	out_root(o, "ListVersionsResult");
	out_str(o, "Name", in->bucket);
	out_str(o, "Prefix", s3__encoded(cx->arena, in->prefix ? in->prefix : "", url));
	out_str(o, "KeyMarker", s3__encoded(cx->arena, in->key_marker ? in->key_marker : "", url));
	out_str(o, "VersionIdMarker", in->id_marker ? in->id_marker : "");
	out_int(o, "MaxKeys", (int64_t)l->max);
	out_str(o, "Delimiter",
		in->delimiter && in->delimiter[0] ? s3__encoded(cx->arena, in->delimiter, url)
						  : NULL);
	out_str(o, "EncodingType", in->encoding);
	out_bool(o, "IsTruncated", l->truncated);
	if (l->truncated) {
		out_str(o, "NextKeyMarker", s3__encoded(cx->arena, l->last_key, url));
		if (l->last_vid[0])
			out_str(o, "NextVersionIdMarker", l->last_vid);
	}
}

int s3__list_versions(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_versions *in = input;
	struct s3 *s = cx->self;
	bool url = in->encoding != NULL;
	int64_t max = opt_int_or(in->max, S3_PAGE_MAX);
	struct list_arg l = { .arena = cx->arena,
			      .bucket = in->bucket,
			      .prefix = view_str(in->prefix ? in->prefix : ""),
			      .delimiter = view_str(in->delimiter),
			      .from = VIEW(""),
			      .max = (size_t)(max < S3_PAGE_MAX ? max : S3_PAGE_MAX) };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc && (max < 0 || max > INT32_MAX))
		rc = aws_fail(&cx->err, &S3_INVALID_ARGUMENT,
			      "Argument max-keys must be an integer between 0 and 2147483647");
	if (!rc)
		rc = start_after(cx, in, &l);
	if (!rc)
		rc = meta_read(s->meta, list_fn, &l, &cx->err);
	if (rc)
		return rc;
	out_asked(cx, o, in, &l, url);
	out_found(cx, o, &l, url);
	return 0;
}
