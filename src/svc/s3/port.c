/* SPDX-License-Identifier: Apache-2.0 */
/* port -- what S3 does for the other services. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "os/file.h"
#include "svc/s3/s3_int.h"

static int bad_key(const char *key, struct err *e)
{
	struct view v = view_str(key);

	if (v.n && v.n <= LIMIT_KEY && utf8_valid(v))
		return 0;
	return err_set(e, ERR_INVALID, "an object's key has to be UTF-8 text of 1 to %d bytes",
		       LIMIT_KEY);
}

static struct op_pair *pairs(struct arena *a, const struct port_tag *t, size_t n)
{
	struct op_pair *v = ARENA_ARRAY(a, struct op_pair, n + 1);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct op_pair){ t[i].key, t[i].value };
	return v;
}

/* What is the same for all ways in. */
static struct s3_publish publication(const struct s3 *s, const struct s3_new *o, struct arena *a)
{
	char *id = arena_alloc(a, UUID_TEXT);

	uuid4(id);
	return (struct s3_publish){
		.row = { .bucket = o->bucket,
			 .key = o->key,
			 .info = { .content_type = o->content_type ? o->content_type
								   : "binary/octet-stream",
				   .encoding = o->content_encoding,
				   .meta = pairs(a, o->meta, o->n_meta),
				   .n_meta = o->n_meta },
			 .tags = { pairs(a, o->tags, o->n_tags), o->n_tags } },
		.who = { id, o->requester ? o->requester : s->account,
			 o->source_ip ? o->source_ip : "127.0.0.1",
			 o->reason ? o->reason : "PutObject" },
		.arena = a,
	};
}

/* --- put_tx --- */

static int put_tx_in(struct s3 *s, struct meta_tx *tx, const struct s3_new *o, struct arena *a,
		     struct err *e)
{
	struct s3_publish p = publication(s, o, a);
	struct s3_part part = { .ref = o->ref };
	enum seal_kind kind;
	uint8_t key_id[SEAL_ID];
	int rc = bad_key(o->key, e);

	if (!rc)
		rc = blob_size(o->ref, &part.size, e);
	if (!rc)
		rc = s3__bucket_find(tx, o->bucket, NULL, e);
	if (rc < 0)
		return rc;
	if (!rc)
		return err_set(e, ERR_NOENT, "bucket %s does not exist", o->bucket);
	if (!blob_seal_whose(o->ref, &kind, key_id)) {
		if (s3__encrypts(s, o->bucket))
			return err_set(e, ERR_BUSY,
				       "bucket %s has begun to encrypt its objects; try again",
				       o->bucket);
	} else {
		p.row.sse = "AES256";
	}
	p.row.size = part.size;
	p.row.etag = o->md5_hex;
	if (o->crc64nvme && strlen(o->crc64nvme) < CK_TEXT) {
		p.row.ck.algo = CK_CRC64NVME;
		memcpy(p.row.ck.value, o->crc64nvme, strlen(o->crc64nvme));
	}
	p.row.parts = &part;
	p.row.n_parts = 1;
	return s3__publish_tx(tx, s, &p, e);
}

static int port_put_tx(void *self, struct meta_tx *tx, const struct s3_new *o, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;

	arena_init(&a, LIMIT_ARENA);
	return put_tx_in(self, tx, o, &a, e);
}

/* --- bytes that are to become an object --- */

typedef int (*sink_fn)(void *arg, struct view piece, struct err *e);

static int each_of_file(const char *path, struct arena *a, sink_fn fn, void *arg, struct err *e)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *piece = arena_alloc(a, MIB);
	ssize_t n;
	off_t at = 0;

	if (fd < 0)
		return err_sys(e, ERR_IO, "open %s", path);
	while ((n = file_pread_all(fd, piece, MIB, at, e)) > 0) {
		if (fn(arg, view_of(piece, (size_t)n), e) < 0)
			return e->code;
		at += n;
	}
	return (int)n;
}

static int each_of_blob(struct blob_reader *r, struct arena *a, sink_fn fn, void *arg,
			struct err *e)
{
	char *piece = arena_alloc(a, MIB);
	uint64_t off = 0;
	ssize_t n;

	while ((n = blob_read(r, piece, MIB, off, e)) > 0) {
		if (fn(arg, view_of(piece, (size_t)n), e) < 0)
			return e->code;
		off += (uint64_t)n;
	}
	return (int)n;
}

static int add_sums(void *arg, struct view piece, struct err *e)
{
	(void)e;
	s3__sums_add(arg, piece.p, piece.n);
	return 0;
}

static int add_bytes(void *arg, struct view piece, struct err *e)
{
	return blob_write(arg, piece.p, piece.n, e);
}

/* Ends @w. */
static int end(struct blob_writer *w, int rc, struct arena *a, const char **ret, struct err *e)
{
	if (!rc)
		return blob_commit(w, a, ret, e);
	blob_abort(w);
	return rc;
}

static int port_ready(void *self, const char *bucket, const char **ref, struct arena *a,
		      struct err *e)
{
	const struct s3_sse sse = { .kind = S3_SSE_S3, .bucket = bucket };
	struct s3 *s = self;
	struct blob_writer *w;
	struct blob_reader *r;
	const char *plain = *ref;
	int rc;

	if (!s3__encrypts(s, bucket) || blob_bare(plain) != plain)
		return 0;
	rc = blob_reader_open(s->blob, plain, &r, e);
	if (rc)
		return rc;
	rc = s3__seal_begin(s, &sse, &w, e);
	if (!rc)
		rc = end(w, each_of_blob(r, a, add_bytes, w, e), a, ref, e);
	blob_reader_close(r);
	return rc ? rc : blob_delete(s->blob, plain, e);
}

/* @data, or the file @path, which is gone afterwards; plaintext is not written where the bucket encrypts. */
static int take(struct s3 *s, const char *bucket, struct view data, const char *path,
		struct arena *a, const char **ret, struct err *e)
{
	const struct s3_sse sse = { .kind = S3_SSE_S3, .bucket = bucket };
	struct blob_writer *w;
	int rc;

	if (!s3__encrypts(s, bucket))
		return path ? blob_adopt(s->blob, path, a, ret, e)
			    : blob_put(s->blob, data, a, ret, e);
	rc = s3__seal_begin(s, &sse, &w, e);
	if (rc)
		return rc;
	rc = path ? each_of_file(path, a, add_bytes, w, e) : add_bytes(w, data, e);
	rc = end(w, rc, a, ret, e);
	if (!rc && path)
		(void)unlink(path);
	return rc;
}

/* --- put --- */

struct put_arg {
	struct s3 *s;
	const struct s3_new *o;
};

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct put_arg *a = arg;

	return port_put_tx(a->s, tx, a->o, e);
}

static int put_in(struct s3 *s, const struct s3_new *asked, struct view data, const char *path,
		  struct arena *a, struct err *e)
{
	struct s3_new o = *asked;
	struct put_arg arg = { s, &o };
	struct s3_part part = { 0 };
	struct s3_sums x;
	struct s3_summed got;
	int rc = 0;

	s3__sums_begin(&x, 1U << CK_CRC64NVME);
	if (path)
		rc = each_of_file(path, a, add_sums, &x, e);
	else
		s3__sums_add(&x, data.p ? data.p : "", data.n);
	s3__sums_end(&x, &got);
	if (!rc)
		rc = take(s, o.bucket, data, path, a, &o.ref, e);
	if (rc)
		return rc;
	o.md5_hex = got.md5_hex;
	o.crc64nvme = got.value[CK_CRC64NVME];
	rc = meta_write(s->meta, put_fn, &arg, e);
	part.ref = o.ref;
	if (rc)
		s3__doom(s, s3__parts_text(a, &part, 1));
	return rc;
}

static int port_put(void *self, const struct s3_new *o, struct view data, const char *path,
		    struct err *e)
{
	CLEANUP(arena_clear) struct arena a;

	arena_init(&a, LIMIT_ARENA);
	return put_in(self, o, data, path, &a, e);
}

/* --- reading --- */

struct find_arg {
	const char *bucket, *key;
	struct arena *arena;
	struct s3_row row;
};

static int find_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct find_arg *a = arg;
	int found = s3__object_find(tx, a->bucket, a->key, a->arena, &a->row, e);

	if (found < 0)
		return found;
	return found ? 0
		     : err_set(e, ERR_NOENT, "object s3://%s/%s does not exist", a->bucket, a->key);
}

static struct port_tag *tags(struct arena *a, const struct op_pair *v, size_t n)
{
	struct port_tag *t = ARENA_ARRAY(a, struct port_tag, n + 1);

	for (size_t i = 0; i < n; i++)
		t[i] = (struct port_tag){ v[i].key, v[i].value };
	return t;
}

static struct s3_object object(const struct s3_row *r, struct arena *a)
{
	const char **refs = ARENA_ARRAY(a, const char *, r->n_parts + 1);

	for (size_t i = 0; i < r->n_parts; i++)
		refs[i] = r->parts[i].ref;
	return (struct s3_object){
		.bucket = arena_str(a, view_str(r->bucket)),
		.key = arena_str(a, view_str(r->key)),
		.size = r->size,
		.etag = r->etag,
		.content_type = r->info.content_type,
		.modified_ms = r->modified_ms,
		.refs = refs,
		.n_refs = r->n_parts,
		.meta = tags(a, r->info.meta, r->info.n_meta),
		.n_meta = r->info.n_meta,
		.tags = tags(a, r->tags.v, r->tags.n),
		.n_tags = r->tags.n,
	};
}

static int port_head(void *self, const char *bucket, const char *key, struct arena *a,
		     struct s3_object *ret, struct err *e)
{
	struct s3 *s = self;
	struct find_arg arg = { .bucket = bucket, .key = key, .arena = a };
	int rc = meta_read(s->meta, find_fn, &arg, e);

	if (!rc)
		*ret = object(&arg.row, a);
	return rc;
}

struct gather {
	char *p;
	size_t n;
};

static int gather(void *arg, struct view piece, struct err *e)
{
	struct gather *g = arg;

	(void)e;
	memcpy(g->p + g->n, piece.p, piece.n);
	g->n += piece.n;
	return 0;
}

static int get_in(struct s3 *s, struct find_arg *arg, size_t max, struct view *ret, struct err *e)
{
	struct gather g = { 0 };
	int rc = meta_read(s->meta, find_fn, arg, e);

	if (rc)
		return rc;
	if (arg->row.size > max)
		return err_set(e, ERR_LIMIT, "object s3://%s/%s is longer than %zu bytes",
			       arg->bucket, arg->key, max);
	g.p = arena_alloc(arg->arena, arg->row.size + 1);
	rc = s3__read(s, &arg->row, 0, arg->row.size, gather, &g, e);
	if (!rc)
		*ret = view_of(g.p, g.n);
	return rc;
}

static int port_get(void *self, const char *bucket, const char *key, size_t max, struct arena *a,
		    struct view *ret, struct err *e)
{
	struct find_arg arg = { .bucket = bucket, .key = key, .arena = a };
	struct s3_reading reading;
	int rc;

	s3__reading_begin(self, &reading);
	rc = get_in(self, &arg, max, ret, e);
	s3__reading_end(&reading);
	return rc;
}

struct list_arg {
	const char *bucket, *prefix, *after;
	size_t max;
	struct arena *arena;
	struct s3_object *v;
	size_t n, cap;
};

static int list_add(struct meta_tx *tx, struct list_arg *l, const char *key, struct err *e)
{
	struct s3_row row;
	int rc = s3__object_find(tx, l->bucket, key, l->arena, &row, e);

	if (rc <= 0)
		return rc;
	if (l->n == l->cap) {
		struct s3_object *more = ARENA_ARRAY(l->arena, struct s3_object, l->cap * 2 + 16);

		if (l->n)
			memcpy(more, l->v, l->n * sizeof(*more));
		l->v = more;
		l->cap = l->cap * 2 + 16;
	}
	l->v[l->n++] = object(&row, l->arena);
	return 0;
}

static int list_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list_arg *l = arg;
	struct view prefix = view_str(l->prefix ? l->prefix : ""), from = prefix,
		    after = view_str(l->after);
	struct list_key {
		struct list_key *next;
		const char *key;
	} *first = NULL, **last = &first;
	struct tx_rows *r;
	int rc;

	if (after.n && view_cmp(after, prefix) >= 0)
		from = view_of(arena_str(l->arena, after), after.n + 1);
	rc = s3__scan(tx, &r, l->bucket, from, s3__behind_prefix(l->arena, prefix), l->max, e);
	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		*last = ARENA_NEW(l->arena, struct list_key);
		(*last)->next = NULL;
		(*last)->key = row_str(r, 0, l->arena);
		last = &(*last)->next;
	}
	for (const struct list_key *k = first; rc >= 0 && k; k = k->next)
		rc = list_add(tx, l, k->key, e);
	return rc < 0 ? rc : 0;
}

static int port_list(void *self, const char *bucket, const char *prefix, const char *after,
		     size_t max, struct arena *a, struct s3_object **ret, size_t *ret_n,
		     struct err *e)
{
	struct s3 *s = self;
	struct list_arg l = {
		.bucket = bucket, .prefix = prefix, .after = after, .max = max, .arena = a
	};
	int rc = meta_read(s->meta, list_fn, &l, e);

	if (rc)
		return rc;
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

static int join_parts(struct s3 *s, const struct s3_object *o, struct arena *a, const char **ret,
		      struct err *e)
{
	const struct s3_row row = { .bucket = o->bucket, .key = o->key };
	struct blob_writer *w;
	int rc = blob_begin(s->blob, &w, e);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < o->n_refs; i++) {
		const struct s3_part part = { .ref = o->refs[i] };
		struct blob_reader *r = NULL;

		rc = s3__part_open(s, &row, &part, &r, e);
		if (!rc)
			rc = each_of_blob(r, a, add_bytes, w, e);
		blob_reader_close(r);
	}
	return end(w, rc, a, ret, e);
}

/* Several parts are joined into one blob, which no row names: it goes with the object, or at the next start.  The same
 * is done for what is encrypted: a child process reads plain files. */
static int join(struct s3 *s, const struct s3_object *o, struct arena *a, const char **ret,
		struct err *e)
{
	const char *mine = NULL;
	int rc;

	*ret = s3__joined(s, o->refs[0], NULL, a);
	if (*ret)
		return 0;
	rc = join_parts(s, o, a, &mine, e);
	if (rc)
		return rc;
	*ret = s3__joined(s, o->refs[0], mine, a);
	return *ret == mine ? 0 : blob_delete(s->blob, mine, e);
}

static int port_path(void *self, const struct s3_object *o, struct arena *a, const char **ret,
		     struct err *e)
{
	struct s3 *s = self;
	const char *ref = o->refs[0];
	int rc = o->n_refs > 1 || blob_bare(ref) != ref ? join(s, o, a, &ref, e) : 0;

	return rc ? rc : blob_path(s->blob, ref, a, ret, e);
}

/* --- the rest --- */

struct remove_arg {
	struct s3_deleting g;
	const char *bucket;
	struct s3_deletion d;
};

static int remove_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct remove_arg *a = arg;
	char id[UUID_TEXT];
	int rc = s3__bucket_find(tx, a->bucket, &a->g.bucket, e);

	if (rc <= 0)
		return rc;
	uuid4(id);
	a->g.who = (struct s3_who){ id, a->g.s->account, "127.0.0.1", "DeleteObject" };
	return s3__delete_tx(tx, &a->g, &a->d, e);
}

static int port_remove(void *self, const char *bucket, const char *key, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct remove_arg arg = { .g = { .s = self, .arena = &a },
				  .bucket = bucket,
				  .d = { .key = key } };

	arena_init(&a, LIMIT_ARENA);
	return meta_write(arg.g.s->meta, remove_fn, &arg, e);
}

static int port_remove_tx(void *self, struct meta_tx *tx, const struct s3_object *o, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct s3_deleting g = { .s = self, .arena = &a };
	struct s3_deletion d = { .key = o->key };
	struct s3_row now;
	char id[UUID_TEXT];
	int found;

	arena_init(&a, LIMIT_ARENA);
	found = s3__object_find(tx, o->bucket, o->key, &a, &now, e);
	if (found < 0)
		return found;
	if (!found || now.n_parts != o->n_refs || strcmp(now.parts[0].ref, o->refs[0]) != 0)
		return err_set(e, ERR_CONFLICT, "object s3://%s/%s is not what it was", o->bucket, o->key);
	found = s3__bucket_find(tx, o->bucket, &g.bucket, e);
	if (found <= 0)
		return found < 0 ? found : err_set(e, ERR_CONFLICT, "bucket %s is gone", o->bucket);
	uuid4(id);
	g.who = (struct s3_who){ id, g.s->account, "127.0.0.1", "DeleteObject" };
	return s3__delete_tx(tx, &g, &d, e);
}

static void *port_pin(void *self)
{
	struct s3_reading *r = malloc(sizeof(*r));

	must(r);
	s3__reading_begin(self, r);
	return r;
}

static void port_unpin(void *self, void *pin)
{
	(void)self;
	if (pin)
		s3__reading_end(pin);
	free(pin);
}

struct exists_arg {
	const char *bucket;
	bool found;
};

static int exists_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct exists_arg *a = arg;
	int found = s3__bucket_find(tx, a->bucket, NULL, e);

	a->found = found > 0;
	return found < 0 ? found : 0;
}

static bool port_bucket_exists(void *self, const char *bucket)
{
	struct s3 *s = self;
	struct exists_arg arg = { .bucket = bucket };
	struct err e = { 0 };

	return meta_read(s->meta, exists_fn, &arg, &e) == 0 && arg.found;
}

struct s3_port s3_port(struct s3 *s)
{
	return (struct s3_port){
		.self = s,
		.put = port_put,
		.ready = port_ready,
		.put_tx = port_put_tx,
		.head = port_head,
		.get = port_get,
		.list = port_list,
		.path = port_path,
		.remove = port_remove,
		.remove_tx = port_remove_tx,
		.pin = port_pin,
		.unpin = port_unpin,
		.bucket_exists = port_bucket_exists,
	};
}
