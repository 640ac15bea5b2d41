/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index_version -- SQL of what only a request with a version id sees: older versions and delete markers.
 *
 * A version is known by the number of the write that made it (s3_row.seq); its id is that number as text, or "null" for the
 * one version of a key that was written while versioning was not on.
 */
#include <inttypes.h>

#include "svc/s3/s3_int.h"

#define VID_DIGITS 16
#define AT "bucket = ? AND okey = ?"
#define VERSION_COLUMNS S3_ROW ", -rseq, " S3_ROW_VERSIONING ", marker"

int s3__vid_parse(const char *text, struct s3_vid *ret, struct err *e)
{
	struct view v = view_str(text);
	uint64_t n = 0;

	*ret = (struct s3_vid){ .null = view_eq_str(v, "null") };
	if (ret->null)
		return 0;
	for (size_t i = 0; i < v.n && v.n == VID_DIGITS; i++) {
		const char *digits = "0123456789abcdef", *at = memchr(digits, v.p[i], 16);

		if (!at)
			break;
		n = n << 4 | (uint64_t)(at - digits);
		if (i == VID_DIGITS - 1 && n && n <= INT64_MAX) {
			ret->seq = n;
			return 0;
		}
	}
	return aws_fail(e, &S3_INVALID_ARGUMENT, "Invalid version id specified");
}

const char *s3__vid_text(struct arena *a, const struct s3_row *r)
{
	return r->vnull ? "null" : arena_printf(a, "%016" PRIx64, r->seq);
}

const char *s3__vid_out(struct arena *a, const struct s3_row *r)
{
	return r->versioning == S3_VERSIONING_OFF && r->vnull ? NULL : s3__vid_text(a, r);
}

const char *s3__vid_written(struct arena *a, const struct s3_row *r)
{
	return r->vnull ? NULL : s3__vid_text(a, r);
}

/* --- finding --- */

int s3__version_find(struct meta_tx *tx, const char *bucket, const char *key,
		     const struct s3_vid *id, struct arena *a, struct s3_row *ret, struct err *e)
{
	struct tx_rows *r;
	struct s3_row row = { .bucket = bucket, .key = key };
	int rc = s3__object_find(tx, bucket, key, a, &row, e);

	if (rc > 0 && (id->null ? row.vnull : !row.vnull && row.seq == id->seq)) {
		*ret = row;
		return 1;
	}
	if (rc >= 0)
		rc = tx_one(tx, &r, e,
			    "SELECT " VERSION_COLUMNS " FROM s3_version WHERE " AT
			    " AND ((vnull = 1 AND ? = 1) OR (vnull = 0 AND rseq = ?))",
			    "ssbii", bucket, bucket, view_str(key), (int64_t)id->null,
			    id->null ? 0 : -(int64_t)id->seq);
	if (rc <= 0)
		return rc;
	*ret = (struct s3_row){ .bucket = bucket, .key = key };
	rc = s3__row_parse(r, a, ret, e);
	tx_end(r);
	return rc ? rc : 1;
}

int s3__version_newest(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		       struct s3_row *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = s3__object_find(tx, bucket, key, a, ret, e);

	if (rc)
		return rc;
	rc = tx_one(tx, &r, e,
		    "SELECT " VERSION_COLUMNS " FROM s3_version WHERE " AT " ORDER BY rseq LIMIT 1",
		    "ssb", bucket, bucket, view_str(key));
	if (rc <= 0)
		return rc;
	*ret = (struct s3_row){ .bucket = bucket, .key = key };
	rc = s3__row_parse(r, a, ret, e);
	tx_end(r);
	return rc ? rc : 1;
}

/* --- changing --- */

int s3__version_retire(struct meta_tx *tx, const char *bucket, const char *key, struct err *e)
{
	int rc = tx_run(tx, e,
			"INSERT INTO s3_version (bucket, okey, rseq, marker, " S3_ROW ")"
			" SELECT bucket, okey, -seq, 0, " S3_ROW " FROM s3_object WHERE " AT,
			"sb", bucket, view_str(key));

	return rc ? rc : s3__object_remove(tx, bucket, key, e);
}

static int promote(struct meta_tx *tx, const char *bucket, const char *key, struct err *e)
{
	struct view k = view_str(key);
	int rc = tx_run(tx, e,
			"INSERT INTO s3_object (bucket, okey, seq, " S3_ROW ")"
			" SELECT bucket, okey, -rseq, " S3_ROW " FROM s3_version WHERE " AT
			" AND marker = 0 AND rseq = (SELECT MIN(rseq) FROM s3_version WHERE " AT ")",
			"sbsb", bucket, k, bucket, k);

	return rc || !tx_changes(tx)
		       ? rc
		       : tx_run(tx, e,
				"DELETE FROM s3_version WHERE " AT
				" AND rseq = (SELECT MIN(rseq) FROM s3_version WHERE " AT ")",
				"sbsb", bucket, k, bucket, k);
}

int s3__version_remove(struct meta_tx *tx, const struct s3_row *r, struct err *e)
{
	int rc = tx_run(tx, e, "DELETE FROM s3_object WHERE " AT " AND seq = ?", "sbi", r->bucket,
			view_str(r->key), (int64_t)r->seq);

	if (!rc && !tx_changes(tx))
		rc = tx_run(tx, e, "DELETE FROM s3_version WHERE " AT " AND rseq = ?", "sbi",
			    r->bucket, view_str(r->key), -(int64_t)r->seq);
	return rc;
}

int s3__version_promote(struct meta_tx *tx, const char *bucket, const char *key, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT 1 FROM s3_object WHERE " AT, "sb", bucket, view_str(key));

	if (rc > 0)
		tx_end(r);
	return rc ? (rc < 0 ? rc : 0) : promote(tx, bucket, key, e);
}

int s3__version_marker(struct meta_tx *tx, const struct s3_row *r, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO s3_version (bucket, okey, rseq, marker, " S3_ROW ")"
		      " VALUES (?, ?, ?, 1, 0, '', ?, 0, 0, '', 0, '{}', '{}', '[]', ?, '', '')",
		      "sbiii", r->bucket, view_str(r->key), -(int64_t)r->seq, r->modified_ms,
		      (int64_t)r->vnull);
}

int s3__version_retag(struct meta_tx *tx, const struct s3_row *r, const struct s3_tags *t,
		      struct arena *a, struct err *e)
{
	const char *text = s3__tags_text(a, t);
	int rc = tx_run(tx, e, "UPDATE s3_object SET tags = ? WHERE " AT " AND seq = ?", "ssbi",
			text, r->bucket, view_str(r->key), (int64_t)r->seq);

	if (!rc && !tx_changes(tx))
		rc = tx_run(tx, e, "UPDATE s3_version SET tags = ? WHERE " AT " AND rseq = ?",
			    "ssbi", text, r->bucket, view_str(r->key), -(int64_t)r->seq);
	return rc;
}

int s3__version_relock(struct meta_tx *tx, const struct s3_row *r, const char *lock, struct err *e)
{
	int rc = tx_run(tx, e, "UPDATE s3_object SET lock = ? WHERE " AT " AND seq = ?", "ssbi",
			lock, r->bucket, view_str(r->key), (int64_t)r->seq);

	if (!rc && !tx_changes(tx))
		rc = tx_run(tx, e, "UPDATE s3_version SET lock = ? WHERE " AT " AND rseq = ?",
			    "ssbi", lock, r->bucket, view_str(r->key), -(int64_t)r->seq);
	return rc;
}

/* --- listing --- */

#define LISTED "okey, size, etag, modified_ms, ck_algo, ck_composite, vnull"
#define FROM "bucket = ? AND okey >= ?"

int s3__version_scan(struct meta_tx *tx, struct tx_rows **ret, const char *bucket, struct view from,
		     uint64_t before, struct view to, size_t max, struct err *e)
{
	/* Only the first key's versions are bounded by a number; 0: they are not. */
	int64_t behind = before ? -(int64_t)before : INT64_MIN;

	if (!from.p)
		from = VIEW("");
	/* No key has a byte 0xff: it is not UTF-8. */
	if (!to.n)
		to = VIEW("\xff");
	return tx_query(tx, ret, e,
			"SELECT " LISTED ", -seq AS rseq, 0 AS marker FROM s3_object WHERE " FROM
			" AND okey < ? AND (okey > ? OR -seq > ?)"
			" UNION ALL SELECT " LISTED ", rseq, marker FROM s3_version WHERE " FROM
			" AND okey < ? AND (okey > ? OR rseq > ?) ORDER BY okey, rseq LIMIT ?",
			"sbbbisbbbii", bucket, from, to, from, behind, bucket, from, to, from,
			behind, (int64_t)max);
}

void s3__version_row(const struct tx_rows *r, struct arena *a, struct s3_entry *ret)
{
	s3__scan_row(r, a, ret);
	ret->vnull = row_int(r, 6) != 0;
	ret->seq = (uint64_t)-row_int(r, 7);
	ret->marker = row_int(r, 8) != 0;
}
