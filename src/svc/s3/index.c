/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index -- all SQL of S3: buckets, objects, uploads and their parts.
 *
 * Keys are blobs, so that both databases order them by their bytes, as S3 lists them.
 */
#include "svc/s3/s3_int.h"

#include "base/limits.h"

#define REFS_BYTES (64 * KIB) /* of references deleted together */
#define REFS_MAX (64 * MIB)   /* of all that one transaction takes up */

const char s3__ddl[] =
	"CREATE TABLE IF NOT EXISTS s3_bucket (name TEXT PRIMARY KEY, created_ms BIGINT NOT NULL,"
	" eventbridge BIGINT NOT NULL);"
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

/* --- structures as text --- */

static const struct json *pairs_json(struct arena *a, const struct op_pair *v, size_t n)
{
	struct json *o = json_new_obj(a);

	for (size_t i = 0; i < n; i++)
		json_set(a, o, v[i].key, json_new_cstr(a, v[i].value));
	return o;
}

static size_t pairs_from(struct arena *a, const struct json *o, struct op_pair **ret)
{
	size_t n = json_len(o);
	struct op_pair *v = ARENA_ARRAY(a, struct op_pair, n + 1);

	for (size_t i = 0; i < n; i++) {
		v[i].key = arena_str(a, o->obj.v[i].name);
		v[i].value = arena_str(a, json_str(o->obj.v[i].value));
	}
	*ret = v;
	return n;
}

static char *info_text(struct arena *a, const struct s3_info *i)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "type", i->content_type);
	json_set_str(a, o, "cache", i->cache_control);
	json_set_str(a, o, "disposition", i->disposition);
	json_set_str(a, o, "encoding", i->encoding);
	json_set_str(a, o, "language", i->language);
	json_set_str(a, o, "expires", i->expires);
	if (i->n_meta)
		json_set(a, o, "meta", pairs_json(a, i->meta, i->n_meta));
	return json_text(a, o);
}

static const char *member(struct arena *a, const struct json *o, const char *name)
{
	struct view v = json_get_str(o, name);

	return v.p ? arena_str(a, v) : NULL;
}

static int info_from(struct arena *a, struct view text, struct s3_info *ret, struct err *e)
{
	const struct json *o = json_parse(a, text, JSON_DEPTH, e);

	if (!o)
		return err_ctx(e, "stored headers of an object");
	ret->content_type = member(a, o, "type");
	ret->cache_control = member(a, o, "cache");
	ret->disposition = member(a, o, "disposition");
	ret->encoding = member(a, o, "encoding");
	ret->language = member(a, o, "language");
	ret->expires = member(a, o, "expires");
	ret->n_meta = pairs_from(a, json_get(o, "meta"), &ret->meta);
	return 0;
}

static int tags_from(struct arena *a, struct view text, struct s3_tags *ret, struct err *e)
{
	const struct json *o = json_parse(a, text, JSON_DEPTH, e);

	if (!o)
		return err_ctx(e, "stored tags of an object");
	ret->n = pairs_from(a, o, &ret->v);
	return 0;
}

char *s3__parts_text(struct arena *a, const struct s3_part *p, size_t n)
{
	struct json *list = json_new_arr(a);

	for (size_t i = 0; i < n; i++) {
		struct json *one = json_new_arr(a);

		json_push(a, one, json_new_cstr(a, p[i].ref));
		json_push(a, one, json_new_int(a, (int64_t)p[i].size));
		if (p[i].ck)
			json_push(a, one, json_new_cstr(a, p[i].ck));
		json_push(a, list, one);
	}
	return json_text(a, list);
}

static int parts_from(struct arena *a, struct view text, struct s3_row *ret, struct err *e)
{
	const struct json *list = json_parse(a, text, JSON_DEPTH, e);

	if (!list)
		return err_ctx(e, "stored parts of an object");
	ret->n_parts = json_len(list);
	ret->parts = ARENA_ARRAY(a, struct s3_part, ret->n_parts + 1);
	for (size_t i = 0; i < ret->n_parts; i++) {
		const struct json *one = json_at(list, i);

		ret->parts[i].ref = arena_str(a, json_str(json_at(one, 0)));
		ret->parts[i].size = (uint64_t)json_int(json_at(one, 1), 0);
		if (json_len(one) > 2)
			ret->parts[i].ck = arena_str(a, json_str(json_at(one, 2)));
	}
	return 0;
}

static void ck_from(struct s3_ck *ret, int64_t algo, int64_t composite, struct view value)
{
	*ret = (struct s3_ck){ .algo = algo > 0 && algo < CK_COUNT ? (enum s3_ck_algo)algo
								   : CK_NONE,
			       .composite = composite != 0 };
	if (value.n && value.n < CK_TEXT)
		memcpy(ret->value, value.p, value.n);
}

/* --- buckets --- */

int s3__bucket_find(struct meta_tx *tx, const char *name, struct s3_bucket *ret, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e,
			   "SELECT created_ms, eventbridge FROM s3_bucket WHERE name = ?", "s",
			   name);

	if (found <= 0)
		return found;
	if (ret)
		*ret = (struct s3_bucket){ name, row_int(r, 0), row_int(r, 1) != 0 };
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

int s3__bucket_insert(struct meta_tx *tx, const char *name, int64_t now_ms, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO s3_bucket (name, created_ms, eventbridge) VALUES (?, ?, 0)",
		      "si", name, now_ms);
}

int s3__bucket_remove(struct meta_tx *tx, const char *name, struct err *e)
{
	int rc = tx_run(
		tx, e,
		"DELETE FROM s3_part WHERE upload IN (SELECT id FROM s3_upload WHERE bucket = ?)",
		"s", name);

	if (!rc)
		rc = tx_run(tx, e, "DELETE FROM s3_upload WHERE bucket = ?", "s", name);
	return rc ? rc : tx_run(tx, e, "DELETE FROM s3_bucket WHERE name = ?", "s", name);
}

int s3__bucket_in_use(struct meta_tx *tx, const char *name, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT 1 FROM s3_object WHERE bucket = ? LIMIT 1", "s",
			   name);

	if (found > 0)
		tx_end(r);
	return found;
}

int s3__bucket_notify(struct meta_tx *tx, const char *name, bool eventbridge, struct err *e)
{
	return tx_run(tx, e, "UPDATE s3_bucket SET eventbridge = ? WHERE name = ?", "is",
		      (int64_t)eventbridge, name);
}

int s3__bucket_list(struct meta_tx *tx, const char *prefix, const char *after, size_t max,
		    struct arena *a, struct s3_bucket **ret, size_t *ret_n, struct err *e)
{
	size_t len = strlen(prefix);
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT name, created_ms, eventbridge FROM s3_bucket WHERE name > ? AND"
			  " substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
			  "sisi", after, (int64_t)len, prefix, (int64_t)max);

	if (rc)
		return rc;
	*ret = ARENA_ARRAY(a, struct s3_bucket, max + 1);
	*ret_n = 0;
	while ((rc = tx_next(r, e)) > 0)
		(*ret)[(*ret_n)++] = (struct s3_bucket){ row_str(r, 0, a), row_int(r, 1),
							 row_int(r, 2) != 0 };
	return rc;
}

/* --- objects --- */

int s3__object_find(struct meta_tx *tx, const char *bucket, const char *key, struct arena *a,
		    struct s3_row *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e,
			"SELECT size, etag, modified_ms, ck_algo, ck_composite, ck_value, "
			"multipart, info, tags, parts"
			" FROM s3_object WHERE bucket = ? AND okey = ?",
			"sb", bucket, view_str(key));

	if (rc <= 0)
		return rc;
	*ret = (struct s3_row){
		.bucket = bucket,
		.key = key,
		.size = (uint64_t)row_int(r, 0),
		.etag = row_str(r, 1, a),
		.modified_ms = row_int(r, 2),
		.multipart = row_int(r, 6) != 0,
	};
	ck_from(&ret->ck, row_int(r, 3), row_int(r, 4), row_view(r, 5));
	rc = info_from(a, row_view(r, 7), &ret->info, e);
	if (!rc)
		rc = tags_from(a, row_view(r, 8), &ret->tags, e);
	if (!rc)
		rc = parts_from(a, row_view(r, 9), ret, e);
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

int s3__object_put(struct meta_tx *tx, const struct s3_row *r, uint64_t seq, struct arena *a,
		   struct err *e)
{
	return tx_run(
		tx, e,
		"INSERT INTO s3_object (bucket, okey, size, etag, modified_ms, ck_algo, "
		"ck_composite, ck_value,"
		" multipart, seq, info, tags, parts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (bucket, okey) DO UPDATE SET size = excluded.size, etag = "
		"excluded.etag,"
		" modified_ms = excluded.modified_ms, ck_algo = excluded.ck_algo,"
		" ck_composite = excluded.ck_composite, ck_value = excluded.ck_value,"
		" multipart = excluded.multipart, seq = excluded.seq, info = excluded.info,"
		" tags = excluded.tags, parts = excluded.parts",
		"sbisiiisiisss", r->bucket, view_str(r->key), (int64_t)r->size, r->etag,
		r->modified_ms, (int64_t)r->ck.algo, (int64_t)r->ck.composite, r->ck.value,
		(int64_t)r->multipart, (int64_t)seq, info_text(a, &r->info),
		json_text(a, pairs_json(a, r->tags.v, r->tags.n)),
		s3__parts_text(a, r->parts, r->n_parts));
}

int s3__object_remove(struct meta_tx *tx, const char *bucket, const char *key, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM s3_object WHERE bucket = ? AND okey = ?", "sb", bucket,
		      view_str(key));
}

int s3__object_retag(struct meta_tx *tx, const char *bucket, const char *key,
		     const struct s3_tags *t, struct arena *a, struct err *e)
{
	return tx_run(tx, e, "UPDATE s3_object SET tags = ? WHERE bucket = ? AND okey = ?", "ssb",
		      json_text(a, pairs_json(a, t->v, t->n)), bucket, view_str(key));
}

uint64_t s3__max_seq(struct meta_tx *tx, struct err *e)
{
	struct tx_rows *r;
	uint64_t seq = 0;

	if (tx_one(tx, &r, e, "SELECT seq FROM s3_object ORDER BY seq DESC LIMIT 1", "") > 0) {
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

	ck_from(&ck, row_int(r, 4), row_int(r, 5), VIEW_NONE);
	*ret = (struct s3_entry){ row_str(r, 0, a), row_str(r, 2, a), (uint64_t)row_int(r, 1),
				  row_int(r, 3),    ck.algo,          ck.composite };
}

/* --- uploads --- */

int s3__upload_insert(struct meta_tx *tx, const struct s3_upload *u, struct arena *a, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO s3_upload (id, bucket, okey, created_ms, ck_algo, ck_composite, "
		      "ck_value, info,"
		      " tags) VALUES (?, ?, ?, ?, ?, ?, '', ?, ?)",
		      "ssbiiiss", u->id, u->bucket, view_str(u->key), u->created_ms,
		      (int64_t)u->ck.algo, (int64_t)u->ck.composite, info_text(a, &u->info),
		      json_text(a, pairs_json(a, u->tags.v, u->tags.n)));
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
		    "done_list"
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
	ck_from(&ret->ck, row_int(r, 1), row_int(r, 2), row_view(r, 3));
	ret->done_etag = row_str(r, 6, a);
	ret->done_list = row_str(r, 7, a);
	rc = info_from(a, row_view(r, 4), &ret->info, e);
	if (!rc)
		rc = tags_from(a, row_view(r, 5), &ret->tags, e);
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
	"SELECT id, okey, created_ms, ck_algo, ck_composite FROM s3_upload WHERE bucket = ? AND " \
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
				   .created_ms = row_int(r, 2) };
	ck_from(&ret->ck, row_int(r, 3), row_int(r, 4), VIEW_NONE);
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

/* --- recovery --- */

static int parts_refs(struct view text, void (*fn)(void *arg, const char *ref), void *arg,
		      struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct s3_row row = { 0 };
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = parts_from(&a, text, &row, e);
	for (size_t i = 0; !rc && i < row.n_parts; i++)
		fn(arg, row.parts[i].ref);
	return rc;
}

int s3__every_ref(struct meta_tx *tx, void (*fn)(void *arg, const char *ref), void *arg,
		  struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT ref FROM s3_part", "");

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		CLEANUP(arena_clear) struct arena a;

		arena_init(&a, LIMIT_ARENA);
		fn(arg, row_str(r, 0, &a));
	}
	if (!rc)
		rc = tx_query(tx, &r, e, "SELECT parts FROM s3_object", "");
	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		rc = parts_refs(row_view(r, 0), fn, arg, e);
		if (rc) {
			tx_end(r);
			return rc;
		}
	}
	return rc;
}

int s3__forget_done(struct meta_tx *tx, int64_t before_ms, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM s3_upload WHERE done_ms < ?", "i", before_ms);
}
