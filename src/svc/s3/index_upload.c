/* SPDX-License-Identifier: Apache-2.0 */
/* index_upload -- SQL of uploads and their parts. */
#include "base/limits.h"
#include "svc/s3/s3_int.h"

#define REFS_BYTES (64 * KIB) /* of references deleted together */
#define REFS_MAX (64 * MIB)   /* of all that one transaction takes up */

int s3__upload_insert(struct meta_tx *tx, const struct s3_upload *u, struct arena *a, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO s3_upload (id, bucket, okey, created_ms, ck_algo, ck_composite, "
		      "ck_value, info,"
		      " tags, sse, lock, initiator) VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?)",
		      "ssbiiisssss", u->id, u->bucket, view_str(u->key), u->created_ms,
		      (int64_t)u->ck.algo, (int64_t)u->ck.composite, s3__info_text(a, &u->info),
		      s3__tags_text(a, &u->tags), u->sse ? u->sse : "", u->lock ? u->lock : "",
		      u->initiator ? u->initiator : "");
}

int s3__upload_need(struct meta_tx *tx, const char *bucket, const char *key, const char *id,
		    struct arena *a, struct s3_upload *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = s3__bucket_need(tx, bucket, NULL, e);

	if (rc)
		return rc;
	rc = tx_one(tx, &r, e,
		    "SELECT created_ms, ck_algo, ck_composite, ck_value, info, tags, done_etag, "
		    "done_list, sse, lock, initiator"
		    " FROM s3_upload WHERE id = ? AND bucket = ? AND okey = ?",
		    "ssb", id, bucket, view_str(key));
	if (rc < 0)
		return rc;
	if (!rc)
		return aws_fail(e, &S3_NO_SUCH_UPLOAD,
				"The specified upload does not exist. The upload ID may be "
				"invalid, or the upload may "
				"have been aborted or completed.");
	*ret = (struct s3_upload){
		.id = id, .bucket = bucket, .key = key, .created_ms = row_int(r, 0)
	};
	s3__ck_parse(&ret->ck, row_int(r, 1), row_int(r, 2), row_view(r, 3));
	ret->done_etag = row_str(r, 6, a);
	ret->done_list = row_str(r, 7, a);
	ret->sse = row_str(r, 8, a);
	ret->lock = row_str(r, 9, a);
	ret->initiator = row_str(r, 10, a);
	rc = s3__info_parse(a, row_view(r, 4), &ret->info, e);
	if (!rc)
		rc = s3__tags_parse(a, row_view(r, 5), &ret->tags, e);
	tx_end(r);
	return rc;
}

int s3__upload_done(struct meta_tx *tx, const struct s3_upload *u, int64_t now_ms, struct err *e)
{
	int rc = tx_run(tx, e,
			"UPDATE s3_upload SET done_etag = ?, done_list = ?, ck_value = ?, done_ms "
			"= ? WHERE id = ?",
			"sssis", u->done_etag, u->done_list, u->ck.value, now_ms, u->id);

	return rc ? rc : tx_run(tx, e, "DELETE FROM s3_part WHERE upload = ?", "s", u->id);
}

int s3__upload_remove(struct meta_tx *tx, const char *id, struct err *e)
{
	int rc = tx_run(tx, e, "DELETE FROM s3_part WHERE upload = ?", "s", id);

	return rc ? rc : tx_run(tx, e, "DELETE FROM s3_upload WHERE id = ?", "s", id);
}

#define UPLOADS \
	"SELECT id, okey, created_ms, ck_algo, ck_composite, initiator FROM s3_upload WHERE bucket = ? AND " \
	"done_etag IS NULL" \
	" AND (okey > ? OR (okey = ? AND id > ?))"

int s3__upload_scan(struct meta_tx *tx, struct tx_rows **ret, const char *bucket, struct view from,
		    const char *after_id, struct view to, size_t max, struct err *e)
{
	if (!from.p)
		from = VIEW("");
	if (!to.n)
		return tx_query(tx, ret, e, UPLOADS " ORDER BY okey, id LIMIT ?", "sbbsi", bucket,
				from, from, after_id, (int64_t)max);
	return tx_query(tx, ret, e, UPLOADS " AND okey < ? ORDER BY okey, id LIMIT ?", "sbbsbi",
			bucket, from, from, after_id, to, (int64_t)max);
}

void s3__upload_row(const struct tx_rows *r, struct arena *a, struct s3_upload *ret)
{
	*ret = (struct s3_upload){ .id = row_str(r, 0, a),
				   .key = row_str(r, 1, a),
				   .created_ms = row_int(r, 2),
				   .initiator = row_str(r, 5, a) };
	s3__ck_parse(&ret->ck, row_int(r, 3), row_int(r, 4), VIEW_NONE);
}

static int refs_text(struct tx_rows *r, struct arena *a, char **ret, struct err *e)
{
	struct json *list = json_new_arr(a);
	int rc;

	while ((rc = tx_next(r, e)) > 0) {
		struct json *one = json_new_arr(a);

		json_push(a, one, json_new_str(a, row_view(r, 0)));
		json_push(a, list, one);
	}
	if (!rc)
		*ret = json_text(a, list);
	return rc;
}

/* Some of the references, in memory of their own: 1 if there are more. */
static int some_refs(struct tx_rows *r, struct arena *a, struct s3_refs **ret, struct err *e)
{
	struct s3_refs *one = ARENA_NEW(a, struct s3_refs);
	struct buf b;
	int rc = 1;

	buf_init(&b, REFS_BYTES + REFS_MAX);
	buf_add_char(&b, '[');
	while (b.n < REFS_BYTES && (rc = tx_next(r, e)) > 0) {
		buf_add_str(&b, b.n > 1 ? ",[" : "[");
		json_print_str(&b, row_view(r, 0));
		buf_add_char(&b, ']');
	}
	buf_add_char(&b, ']');
	if (rc >= 0)
		rc = b.over ? err_set(e, ERR_LIMIT, "a part's reference is too long") : rc;
	one->text = arena_str(a, buf_view(&b));
	one->next = *ret;
	*ret = one;
	buf_clear(&b);
	return rc;
}

int s3__uploads_of(struct meta_tx *tx, const char *bucket, struct arena *a, struct s3_refs **ret,
		   struct err *e)
{
	size_t before = a->used;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT ref FROM s3_part WHERE upload IN (SELECT id FROM s3_upload WHERE "
			  "bucket = ?)",
			  "s", bucket);

	*ret = NULL;
	if (rc)
		return rc;
	do {
		rc = some_refs(r, a, ret, e);
	} while (rc > 0 && a->used - before < REFS_MAX);
	if (rc <= 0)
		return rc;
	tx_end(r);
	return aws_fail(e, &S3_BUCKET_NOT_EMPTY,
			"The bucket you tried to delete has very many parts of unfinished uploads; abort those first");
}

int s3__part_put(struct meta_tx *tx, const char *upload, const struct s3_up_part *p,
		 struct arena *a, char **ret_old, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT ref FROM s3_part WHERE upload = ? AND n = ?", "si",
			  upload, p->n);

	if (!rc)
		rc = refs_text(r, a, ret_old, e);
	return rc ? rc
		  : tx_run(tx, e,
			   "INSERT INTO s3_part (upload, n, size, md5, ck_value, modified_ms, ref)"
			   " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (upload, n) DO UPDATE SET "
			   "size = excluded.size,"
			   " md5 = excluded.md5, ck_value = excluded.ck_value, modified_ms = "
			   "excluded.modified_ms,"
			   " ref = excluded.ref",
			   "siissis", upload, p->n, (int64_t)p->size, p->md5_hex, p->ck,
			   p->modified_ms, p->ref);
}

int s3__parts(struct meta_tx *tx, const char *upload, int64_t after, size_t max, struct arena *a,
	      struct s3_up_part **ret, size_t *ret_n, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT n, size, md5, ck_value, ref, modified_ms FROM s3_part WHERE "
			  "upload = ? AND n > ?"
			  " ORDER BY n LIMIT ?",
			  "sii", upload, after, (int64_t)max);

	if (rc)
		return rc;
	*ret = ARENA_ARRAY(a, struct s3_up_part, max + 1);
	*ret_n = 0;
	while ((rc = tx_next(r, e)) > 0)
		(*ret)[(*ret_n)++] = (struct s3_up_part){ row_int(r, 0),    (uint64_t)row_int(r, 1),
							  row_str(r, 2, a), row_str(r, 3, a),
							  row_str(r, 4, a), row_int(r, 5) };
	return rc;
}
