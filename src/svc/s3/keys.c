/* SPDX-License-Identifier: Apache-2.0 */
/* keys -- the master key's file, and the buckets' keys that it wraps. */
#include "base/base64.h"
#include "base/crc.h"
#include "os/file.h"
#include "svc/s3/s3_int.h"

#define KIND "key" /* in s3_config */

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* --- the master key --- */

#define MAGIC "mulgilK\1"
#define AT_MASTER_ID 8
#define AT_MASTER_KEY 24
#define AT_MASTER_CRC 56

bool s3__master_parse(struct view file, struct s3_master *ret)
{
	const uint8_t *p = (const uint8_t *)file.p;
	uint8_t crc[8] = { 0 };

	if (file.n != S3_MASTER_FILE || memcmp(p, MAGIC, AT_MASTER_ID) != 0)
		return false;
	put32(crc, crc32c(0, p, AT_MASTER_CRC));
	if (memcmp(p + AT_MASTER_CRC, crc, sizeof(crc)) != 0)
		return false;
	ret->there = true;
	memcpy(ret->id, p + AT_MASTER_ID, SEAL_ID);
	memcpy(ret->key, p + AT_MASTER_KEY, GCM_KEY);
	return true;
}

void s3__master_print(const struct s3_master *m, uint8_t out[S3_MASTER_FILE])
{
	memset(out, 0, S3_MASTER_FILE);
	memcpy(out, MAGIC, AT_MASTER_ID);
	memcpy(out + AT_MASTER_ID, m->id, SEAL_ID);
	memcpy(out + AT_MASTER_KEY, m->key, GCM_KEY);
	put32(out + AT_MASTER_CRC, crc32c(0, out, AT_MASTER_CRC));
}

/* Durable before any key is wrapped by it. */
static int make_master(struct s3_master *m, const char *path, struct err *e)
{
	uint8_t file[S3_MASTER_FILE];
	int rc;

	random_bytes(m->id, sizeof(m->id));
	random_bytes(m->key, sizeof(m->key));
	s3__master_print(m, file);
	rc = file_replace(path, view_of((const char *)file, sizeof(file)), 0400, e);
	crypto_wipe(file, sizeof(file));
	m->there = !rc;
	return rc;
}

static int read_master(struct s3_master *m, const char *path, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct view file;
	int rc;

	arena_init(&a, 64 * 1024);
	rc = file_read(path, &a, 4096, &file, e);
	if (rc)
		return rc;
	if (!s3__master_parse(file, m))
		rc = err_set(e, ERR_CORRUPT, "%s is not a master key", path);
	if (file.n)
		crypto_wipe((void *)(uintptr_t)file.p, file.n);
	return rc;
}

/* --- buckets' keys: 96 bytes, of which 36 are authenticated with the wrapped key, and the bucket's name --- */

#define AT_MASTER 4
#define AT_ID 20
#define AT_WRAPPED 36

static struct view aad(const uint8_t *doc, const char *bucket, struct arena *a)
{
	size_t n = strlen(bucket);
	char *p = arena_alloc(a, AT_WRAPPED + n);

	memcpy(p, doc, AT_WRAPPED);
	memcpy(p + AT_WRAPPED, bucket, n);
	return view_of(p, AT_WRAPPED + n);
}

const char *s3__bucket_key_new(const struct s3_master *m, const char *bucket, struct arena *a)
{
	uint8_t doc[S3_BUCKET_KEY] = { 1 }, key[GCM_KEY];
	struct json *o = json_new_obj(a);

	memcpy(doc + AT_MASTER, m->id, SEAL_ID);
	random_bytes(doc + AT_ID, SEAL_ID);
	random_bytes(key, sizeof(key));
	seal_wrap(m->key, aad(doc, bucket, a), key, doc + AT_WRAPPED);
	crypto_wipe(key, sizeof(key));
	json_set(a, o, "Key",
		 json_new_str(a, base64_encode_arena(a, view_of((const char *)doc, sizeof(doc)))));
	return json_text(a, o);
}

static bool doc_parse(struct view text, struct arena *a, uint8_t doc[S3_BUCKET_KEY])
{
	struct err ignored = { 0 };
	struct view bytes, key = json_get_str(json_parse(a, text, JSON_DEPTH, &ignored), "Key");

	if (!key.p || !base64_decode_arena(a, key, &bytes) || bytes.n != S3_BUCKET_KEY)
		return false;
	memcpy(doc, bytes.p, S3_BUCKET_KEY);
	return doc[0] == 1 && !doc[1] && !doc[2] && !doc[3];
}

bool s3__bucket_key_open(const struct s3_master *m, const char *bucket, struct view text,
			 struct arena *a, struct seal_key *ret)
{
	uint8_t doc[S3_BUCKET_KEY];

	if (!doc_parse(text, a, doc) || memcmp(doc + AT_MASTER, m->id, SEAL_ID) != 0)
		return false;
	ret->kind = SEAL_BUCKET;
	memcpy(ret->id, doc + AT_ID, SEAL_ID);
	return seal_unwrap(m->key, aad(doc, bucket, a), doc + AT_WRAPPED, ret->key);
}

struct key_arg {
	struct s3 *s;
	const char *bucket;
	struct arena *arena;
	const char *doc; /* NULL: none */
};

static int find_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct key_arg *k = arg;
	int found = s3__config_get(tx, k->bucket, KIND, k->arena, &k->doc, e);

	return found < 0 ? found : 0;
}

static int make_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct key_arg *k = arg;
	int rc = s3__bucket_need(tx, k->bucket, NULL, e);

	if (!rc)
		rc = find_fn(tx, k, e);
	if (rc || k->doc)
		return rc;
	k->doc = s3__bucket_key_new(&k->s->master, k->bucket, k->arena);
	return s3__config_put(tx, k->bucket, KIND, k->doc, e);
}

int s3__bucket_key(struct s3 *s, const char *bucket, bool make, struct seal_key *ret, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct key_arg k = { s, bucket, &a, NULL };
	int rc;

	if (!s->master.there)
		return aws_fail(e, &AWS_NOT_IMPLEMENTED,
				"A header you provided implies functionality that is not "
				"implemented: this server was started without a master key");
	arena_init(&a, 64 * 1024);
	rc = meta_read(s->meta, find_fn, &k, e);
	if (!rc && !k.doc && make)
		rc = meta_write(s->meta, make_fn, &k, e);
	if (rc)
		return rc;
	if (!k.doc || !s3__bucket_key_open(&s->master, bucket, view_str(k.doc), &a, ret))
		return err_set(e, ERR_CORRUPT,
			       "the key of bucket %s is missing or not under this master key",
			       bucket);
	return 0;
}

int s3__bucket_key_check(struct meta_tx *tx, const struct s3_row *r, struct arena *a, struct err *e)
{
	enum seal_kind kind;
	uint8_t doc[S3_BUCKET_KEY], id[SEAL_ID];
	const char *text = NULL;

	if (!r->n_parts || !blob_seal_whose(r->parts[0].ref, &kind, id) || kind != SEAL_BUCKET)
		return 0;
	if (s3__config_get(tx, r->bucket, KIND, a, &text, e) < 0)
		return e->code;
	if (text && doc_parse(view_str(text), a, doc) && memcmp(doc + AT_ID, id, SEAL_ID) == 0)
		return 0;
	return aws_fail(e, &S3_OPERATION_ABORTED,
			"A conflicting conditional operation is currently in progress against this "
			"resource. Please try again.");
}

/* --- at start --- */

struct start_arg {
	const struct s3_master *m;
	const char *path;
	size_t n;
};

static int start_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct start_arg *x = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT bucket, doc FROM s3_config WHERE kind = ?", "s", KIND);

	arena_init(&a, 64 * 1024 * 1024);
	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		CLEANUP(s3__key_wipe) struct seal_key key;
		const char *bucket = row_str(r, 0, &a);

		x->n++;
		if (x->m->there && !s3__bucket_key_open(x->m, bucket, row_view(r, 1), &a, &key)) {
			tx_end(r);
			return err_set(e, ERR_CORRUPT,
				       "the key of bucket %s is not under the master key %s",
				       bucket, x->path);
		}
	}
	return rc;
}

int s3__keys_start(struct s3 *s, const char *path, bool make, struct err *e)
{
	struct start_arg x = { &s->master, path, 0 };
	int rc = file_exists(path) ? read_master(&s->master, path, e) : 0;

	if (!rc)
		rc = meta_read(s->meta, start_fn, &x, e);
	if (rc || s->master.there)
		return rc;
	if (x.n || !make)
		return err_set(e, ERR_NOENT, "the master key %s is not there%s", path,
			       x.n ? ", but buckets have keys that need it" : "");
	return make_master(&s->master, path, e);
}
