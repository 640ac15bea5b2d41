/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index -- tables of S3; SQL of buckets and of objects as a plain GET sees them.
 *
 * s3_object has the version of a key that a request without a version id sees; s3_version (index_version.c) has what only a
 * request with one sees: older versions and delete markers.  Invariant: a row of s3_object is newer than every row of
 * s3_version with its key.  So unversioned buckets and listings never meet an old version.
 * Keys are blobs, so that both databases order them by their bytes, as S3 lists them.
 */
#include "svc/s3/s3_int.h"

#include <stdio.h>

#include "base/limits.h"

const char s3__ddl[] =
	"CREATE TABLE IF NOT EXISTS s3_bucket (name TEXT PRIMARY KEY, created_ms BIGINT NOT NULL,"
	" eventbridge BIGINT NOT NULL);" /* S3_NOTIFY_* */
	"CREATE TABLE IF NOT EXISTS s3_object (bucket TEXT NOT NULL, okey BLOB NOT NULL, size "
	"BIGINT NOT NULL,"
	" etag TEXT NOT NULL, modified_ms BIGINT NOT NULL, ck_algo BIGINT NOT NULL, ck_composite "
	"BIGINT NOT NULL,"
	" ck_value TEXT NOT NULL, multipart BIGINT NOT NULL, seq BIGINT NOT NULL, info TEXT NOT "
	"NULL,"
	" tags TEXT NOT NULL, parts TEXT NOT NULL, PRIMARY KEY (bucket, okey));"
	"CREATE INDEX IF NOT EXISTS s3_object_seq ON s3_object (seq);"
	"CREATE TABLE IF NOT EXISTS s3_upload (id TEXT PRIMARY KEY, bucket TEXT NOT NULL, okey "
	"BLOB NOT NULL,"
	" created_ms BIGINT NOT NULL, ck_algo BIGINT NOT NULL, ck_composite BIGINT NOT NULL, "
	"ck_value TEXT NOT NULL,"
	" info TEXT NOT NULL, tags TEXT NOT NULL, done_etag TEXT, done_list TEXT, done_ms BIGINT);"
	"CREATE INDEX IF NOT EXISTS s3_upload_key ON s3_upload (bucket, okey, id);"
	"CREATE TABLE IF NOT EXISTS s3_part (upload TEXT NOT NULL, n BIGINT NOT NULL, size BIGINT "
	"NOT NULL,"
	" md5 TEXT NOT NULL, ck_value TEXT NOT NULL, modified_ms BIGINT NOT NULL, ref TEXT NOT "
	"NULL,"
	" PRIMARY KEY (upload, n));";

const char *const s3__steps[] = {
	"ALTER TABLE s3_bucket ADD COLUMN versioning BIGINT NOT NULL DEFAULT 0",
	"ALTER TABLE s3_bucket ADD COLUMN lock BIGINT NOT NULL DEFAULT 0", /* object lock can be used */
	"ALTER TABLE s3_object ADD COLUMN vnull BIGINT NOT NULL DEFAULT 1", /* its version id is \"null\" */
	"ALTER TABLE s3_object ADD COLUMN lock TEXT NOT NULL DEFAULT ''", /* retention and legal hold, JSON */
	"ALTER TABLE s3_object ADD COLUMN sse TEXT NOT NULL DEFAULT ''", /* how its bytes are encrypted */
	"ALTER TABLE s3_upload ADD COLUMN lock TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE s3_upload ADD COLUMN sse TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE s3_part ADD COLUMN sse TEXT NOT NULL DEFAULT ''",
	/* rseq: minus the number of the write, so that the newest of a key comes first. */
	"CREATE TABLE s3_version (bucket TEXT NOT NULL, okey BLOB NOT NULL, rseq BIGINT NOT NULL, marker BIGINT NOT NULL,"
	" size BIGINT NOT NULL, etag TEXT NOT NULL, modified_ms BIGINT NOT NULL, ck_algo BIGINT NOT NULL,"
	" ck_composite BIGINT NOT NULL, ck_value TEXT NOT NULL, multipart BIGINT NOT NULL, info TEXT NOT NULL,"
	" tags TEXT NOT NULL, parts TEXT NOT NULL, vnull BIGINT NOT NULL, lock TEXT NOT NULL, sse TEXT NOT NULL,"
	" PRIMARY KEY (bucket, okey, rseq))",
	"CREATE INDEX s3_version_seq ON s3_version (rseq)",
	"CREATE UNIQUE INDEX s3_version_null ON s3_version (bucket, okey) WHERE vnull = 1",
	"CREATE TABLE s3_config (bucket TEXT NOT NULL, kind TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (bucket, kind))",
	"CREATE TABLE s3_doomed (id BIGINT PRIMARY KEY, parts TEXT NOT NULL)", /* see index_litter.c */
	"CREATE TABLE s3_state (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
	"CREATE INDEX s3_upload_done ON s3_upload (done_ms) WHERE done_ms IS NOT NULL",
	"ALTER TABLE s3_bucket ADD COLUMN owner TEXT NOT NULL DEFAULT ''", /* an account; '': the server's own */
	"ALTER TABLE s3_upload ADD COLUMN initiator TEXT NOT NULL DEFAULT ''", /* '': not known, the bucket's owner */
	NULL,
};

/* --- buckets --- */

int s3__bucket_find(struct meta_tx *tx, const char *name, struct s3_bucket *ret, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e,
			   "SELECT created_ms, eventbridge, versioning, lock, owner FROM s3_bucket WHERE "
			   "name = ?",
			   "s", name);

	if (found <= 0)
		return found;
	if (ret) {
		*ret = (struct s3_bucket){ name, row_int(r, 0), (unsigned)row_int(r, 1),
					   (enum s3_versioning)row_int(r, 2), row_int(r, 3) != 0, "" };
		(void)snprintf(ret->owner, sizeof(ret->owner), "%.*s", VIEW_ARG(row_view(r, 4)));
	}
	tx_end(r);
	return 1;
}

int s3__bucket_need(struct meta_tx *tx, const char *name, struct s3_bucket *ret, struct err *e)
{
	int found = s3__bucket_find(tx, name, ret, e);

	if (found < 0)
		return found;
	return found ? 0 : aws_fail(e, &S3_NO_SUCH_BUCKET, "The specified bucket does not exist");
}

int s3__bucket_insert(struct meta_tx *tx, const char *name, const char *owner, int64_t now_ms,
		      struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO s3_bucket (name, created_ms, eventbridge, owner) VALUES (?, ?, 0, ?)",
		      "sis", name, now_ms, owner);
}

int s3__bucket_remove(struct meta_tx *tx, const char *name, struct err *e)
{
	int rc = tx_run(
		tx, e,
		"DELETE FROM s3_part WHERE upload IN (SELECT id FROM s3_upload WHERE bucket = ?)",
		"s", name);

	if (!rc)
		rc = tx_run(tx, e, "DELETE FROM s3_upload WHERE bucket = ?", "s", name);
	if (!rc)
		rc = tx_run(tx, e, "DELETE FROM s3_config WHERE bucket = ?", "s", name);
	return rc ? rc : tx_run(tx, e, "DELETE FROM s3_bucket WHERE name = ?", "s", name);
}

int s3__bucket_in_use(struct meta_tx *tx, const char *name, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e,
			   "SELECT 1 WHERE EXISTS (SELECT 1 FROM s3_object WHERE bucket = ?)"
			   " OR EXISTS (SELECT 1 FROM s3_version WHERE bucket = ?)",
			   "ss", name, name);

	if (found > 0)
		tx_end(r);
	return found;
}

int s3__bucket_notify(struct meta_tx *tx, const char *name, unsigned notify, struct err *e)
{
	return tx_run(tx, e, "UPDATE s3_bucket SET eventbridge = ? WHERE name = ?", "is",
		      (int64_t)notify, name);
}

int s3__bucket_lock(struct meta_tx *tx, const char *name, struct err *e)
{
	return tx_run(tx, e, "UPDATE s3_bucket SET lock = 1, versioning = ? WHERE name = ?", "is",
		      (int64_t)S3_VERSIONING_ENABLED, name);
}

int s3__bucket_versioning(struct meta_tx *tx, const char *name, enum s3_versioning v, struct err *e)
{
	return tx_run(tx, e, "UPDATE s3_bucket SET versioning = ? WHERE name = ?", "is", (int64_t)v,
		      name);
}

int s3__bucket_list(struct meta_tx *tx, const char *owner, const char *prefix, const char *after, size_t max,
		    struct arena *a, struct s3_bucket **ret, size_t *ret_n, struct err *e)
{
	size_t len = strlen(prefix);
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT name, created_ms, eventbridge FROM s3_bucket WHERE name > ? AND owner = ? AND"
			  " substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
			  "ssisi", after, owner, (int64_t)len, prefix, (int64_t)max);

	if (rc)
		return rc;
	*ret = ARENA_ARRAY(a, struct s3_bucket, max + 1);
	*ret_n = 0;
	while ((rc = tx_next(r, e)) > 0)
		(*ret)[(*ret_n)++] = (struct s3_bucket){ row_str(r, 0, a), row_int(r, 1),
							 (unsigned)row_int(r, 2), S3_VERSIONING_OFF, false, "" };
	return rc;
}

/* --- objects --- */

/* S3_ROW, then: bucket's versioning, marker. */
int s3__row_parse(const struct tx_rows *r, struct arena *a, struct s3_row *ret, struct err *e)
{
	int rc;

	*ret = (struct s3_row){
		.bucket = ret->bucket,
		.key = ret->key,
		.size = (uint64_t)row_int(r, 0),
		.etag = row_str(r, 1, a),
		.modified_ms = row_int(r, 2),
		.multipart = row_int(r, 6) != 0,
		.vnull = row_int(r, 10) != 0,
		.lock = row_str(r, 11, a),
		.sse = row_str(r, 12, a),
		.seq = (uint64_t)row_int(r, 13),
		.versioning = (enum s3_versioning)row_int(r, 14),
		.marker = row_int(r, 15) != 0,
	};
	s3__ck_parse(&ret->ck, row_int(r, 3), row_int(r, 4), row_view(r, 5));
	rc = s3__info_parse(a, row_view(r, 7), &ret->info, e);
	if (!rc)
		rc = s3__tags_parse(a, row_view(r, 8), &ret->tags, e);
	return rc ? rc : s3__parts_parse(a, row_view(r, 9), ret, e);
}

int s3__object_find(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		    struct s3_row *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e,
			"SELECT " S3_ROW ", seq, " S3_ROW_VERSIONING
			", 0 FROM s3_object WHERE bucket = ? AND okey = ?",
			"ssb", bucket, bucket, view_str(key));

	if (rc <= 0)
		return rc;
	*ret = (struct s3_row){ .bucket = bucket, .key = key };
	rc = s3__row_parse(r, a, ret, e);
	tx_end(r);
	return rc ? rc : 1;
}

int s3__object_need(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		    struct s3_row *ret, struct err *e)
{
	int rc = s3__object_find(tx, bucket, key, a, ret, e);

	if (rc < 0)
		return rc;
	if (rc > 0)
		return 0;
	rc = s3__bucket_need(tx, bucket, NULL, e);
	return rc ? rc : aws_fail(e, &S3_NO_SUCH_KEY, "The specified key does not exist.");
}

int s3__object_put(struct meta_tx *tx, const struct s3_row *r, struct arena *a, struct err *e)
{
	return tx_run(
		tx, e,
		"INSERT INTO s3_object (bucket, okey, " S3_ROW ", seq)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (bucket, okey) DO UPDATE SET size = excluded.size, etag = "
		"excluded.etag,"
		" modified_ms = excluded.modified_ms, ck_algo = excluded.ck_algo,"
		" ck_composite = excluded.ck_composite, ck_value = excluded.ck_value,"
		" multipart = excluded.multipart, seq = excluded.seq, info = excluded.info,"
		" tags = excluded.tags, parts = excluded.parts, vnull = excluded.vnull,"
		" lock = excluded.lock, sse = excluded.sse",
		"sbisiiisisssissi", r->bucket, view_str(r->key), (int64_t)r->size, r->etag,
		r->modified_ms, (int64_t)r->ck.algo, (int64_t)r->ck.composite, r->ck.value,
		(int64_t)r->multipart, s3__info_text(a, &r->info), s3__tags_text(a, &r->tags),
		s3__parts_text(a, r->parts, r->n_parts), (int64_t)r->vnull,
		r->lock ? r->lock : "", r->sse ? r->sse : "", (int64_t)r->seq);
}

int s3__object_remove(struct meta_tx *tx, const char *bucket, const char *key, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM s3_object WHERE bucket = ? AND okey = ?", "sb", bucket,
		      view_str(key));
}

/* Two statements: in one, neither is answered by the end of its index. */
uint64_t s3__max_seq(struct meta_tx *tx, struct err *e)
{
	static const char *const newest[] = { "SELECT COALESCE(MAX(seq), 0) FROM s3_object",
					      "SELECT -COALESCE(MIN(rseq), 0) FROM s3_version" };
	struct tx_rows *r;
	uint64_t seq = 0;

	for (size_t i = 0; i < ARRAY_LEN(newest); i++) {
		if (tx_one(tx, &r, e, newest[i], "") <= 0)
			return seq;
		if ((uint64_t)row_int(r, 0) > seq)
			seq = (uint64_t)row_int(r, 0);
		tx_end(r);
	}
	return seq;
}

#define SCAN \
	"SELECT okey, size, etag, modified_ms, ck_algo, ck_composite FROM s3_object WHERE bucket " \
	"= ? AND okey >= ?"

int s3__scan(struct meta_tx *tx, struct tx_rows **ret, const char *bucket, struct view from,
	     struct view to, size_t max, struct err *e)
{
	if (!from.p)
		from = VIEW("");
	if (!to.n)
		return tx_query(tx, ret, e, SCAN " ORDER BY okey LIMIT ?", "sbi", bucket, from,
				(int64_t)max);
	return tx_query(tx, ret, e, SCAN " AND okey < ? ORDER BY okey LIMIT ?", "sbbi", bucket,
			from, to, (int64_t)max);
}

void s3__scan_row(const struct tx_rows *r, struct arena *a, struct s3_entry *ret)
{
	struct s3_ck ck;

	s3__ck_parse(&ck, row_int(r, 4), row_int(r, 5), VIEW_NONE);
	*ret = (struct s3_entry){ row_str(r, 0, a), row_str(r, 2, a), (uint64_t)row_int(r, 1),
				  row_int(r, 3),    ck.algo,          ck.composite };
}

int s3__forget_done(struct meta_tx *tx, int64_t before_ms, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM s3_upload WHERE done_ms < ?", "i", before_ms);
}
