/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of blobs: hands every call to the backend, and reads references. */
#include "store/blob.h"

#include <string.h>

#include "store/blob_backend.h"
#include "store/blob_ref.h"

#define UUID_LEN 36

struct blob_store *blob_close(struct blob_store *b)
{
	if (b)
		b->vt->close(b);
	return NULL;
}

int blob_begin(struct blob_store *b, struct blob_writer **ret, struct err *e)
{
	return b->vt->begin(b, ret, e);
}

int blob_write(struct blob_writer *w, const void *p, size_t n, struct err *e)
{
	if (w->vt->write(w, p, n, e) < 0)
		return e->code;
	w->written += n;
	return 0;
}

uint64_t blob_written(const struct blob_writer *w)
{
	return w->written;
}

int blob_commit(struct blob_writer *w, struct arena *a, const char **ret_ref, struct err *e)
{
	return w->vt->commit(w, a, ret_ref, e);
}

struct blob_writer *blob_abort(struct blob_writer *w)
{
	if (w)
		w->vt->abort(w);
	return NULL;
}

int blob_put(struct blob_store *b, struct view data, struct arena *a, const char **ret_ref, struct err *e)
{
	struct blob_writer *w;

	if (blob_begin(b, &w, e) < 0)
		return e->code;
	if (blob_write(w, data.p, data.n, e) < 0) {
		blob_abort(w);
		return e->code;
	}
	return blob_commit(w, a, ret_ref, e);
}

int blob_adopt(struct blob_store *b, const char *path, struct arena *a, const char **ret_ref, struct err *e)
{
	return b->vt->adopt(b, path, a, ret_ref, e);
}

/* Whoever asks here has no key: its bytes are not what is meant. */
static int refuse_sealed(struct err *e)
{
	return err_set(e, ERR_INVALID, "the blob is encrypted and is not read without its key");
}

int blob_reader_open(struct blob_store *b, const char *ref, struct blob_reader **ret, struct err *e)
{
	if (blob_ref_sealed(ref))
		return refuse_sealed(e);
	return b->vt->reader_open(b, ref, ret, e);
}

ssize_t blob_read(struct blob_reader *r, void *p, size_t n, uint64_t off, struct err *e)
{
	return r->vt->read(r, p, n, off, e);
}

int blob_verify(struct blob_reader *r, uint64_t off, uint64_t n, int *ret_fd, struct err *e)
{
	return r->vt->verify ? r->vt->verify(r, off, n, ret_fd, e) : 0;
}

struct blob_reader *blob_reader_close(struct blob_reader *r)
{
	if (r)
		r->vt->reader_close(r);
	return NULL;
}

int blob_path(struct blob_store *b, const char *ref, struct arena *a, const char **ret_path, struct err *e)
{
	if (blob_ref_sealed(ref))
		return refuse_sealed(e);
	return b->vt->path(b, ref, a, ret_path, e);
}

int blob_delete(struct blob_store *b, const char *ref, struct err *e)
{
	return b->vt->delete(b, blob_bare(ref), e);
}

void blob_settle(struct blob_store *b)
{
	b->vt->settle(b);
}

bool blob_crashed(struct blob_store *b)
{
	return b->vt->crashed(b);
}

int blob_sweep(struct blob_store *b, enum blob_sweep_what what, bool (*used)(void *arg, struct view key), void *arg,
	       uint64_t *ret_removed, struct err *e)
{
	return b->vt->sweep(b, what, used, arg, ret_removed, e);
}

/* References */

static bool hex32(struct view v, uint32_t *ret)
{
	uint32_t n = 0;

	if (v.n != 8)
		return false;
	for (size_t i = 0; i < 8; i++) {
		char c = v.p[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = n;
	return true;
}

/* It becomes a file's name. */
static bool uuid_ok(struct view v)
{
	if (v.n != UUID_LEN)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool hex = (v.p[i] >= '0' && v.p[i] <= '9') || (v.p[i] >= 'a' && v.p[i] <= 'f');

		if (dash ? v.p[i] != '-' : !hex)
			return false;
	}
	return true;
}

static bool parse_file(struct view rest, struct blob_ref *r)
{
	struct view size;
	uint32_t crc;

	if (!view_split(&rest, ':', &r->uuid) || !view_split(&rest, ':', &size) || !rest.p)
		return false;
	if (!uuid_ok(r->uuid) || !view_u64(size, INT64_MAX, &r->size))
		return false;
	r->crcs = rest;
	if (rest.n != (r->size + BLOB_BLOCK - 1) / BLOB_BLOCK * 8)
		return false;
	for (size_t i = 0; i < rest.n; i += 8) {
		if (!hex32(view_sub(rest, i, 8), &crc))
			return false;
	}
	return true;
}

static bool parse_packed(struct view rest, struct blob_ref *r)
{
	struct view segment, off, size;

	r->packed = true;
	return view_split(&rest, ':', &segment) && view_split(&rest, ':', &off) && view_split(&rest, ':', &size) &&
	       rest.p && view_u64(segment, UINT64_MAX, &r->segment) && view_u64(off, UINT32_MAX, &r->off) &&
	       view_u64(size, UINT32_MAX, &r->size) && hex32(rest, &r->crc);
}

int blob_ref_parse(const char *ref, struct blob_ref *ret, struct err *e)
{
	struct blob_ref r = { 0 };
	struct view v = view_str(ref);
	bool ok = false;

	if (view_starts(v, VIEW("f1:")))
		ok = parse_file(view_from(v, 3), &r);
	else if (view_starts(v, VIEW("p1:")))
		ok = parse_packed(view_from(v, 3), &r);
	if (!ok)
		return err_set(e, ERR_CORRUPT, "'%.80s' is not a blob's reference", ref ? ref : "");
	*ret = r;
	return 0;
}

uint32_t blob_ref_crc(const struct blob_ref *r, uint64_t block)
{
	uint32_t crc;

	must(hex32(view_sub(r->crcs, block * 8, 8), &crc));
	return crc;
}

int blob_size(const char *ref, uint64_t *ret, struct err *e)
{
	struct blob_ref r;

	if (blob_ref_parse(blob_bare(ref), &r, e) < 0)
		return e->code;
	if (blob_ref_sealed(ref) && !blob_seal_plain(r.size, &r.size))
		return err_set(e, ERR_CORRUPT, "an encrypted blob of %llu bytes",
			       (unsigned long long)r.size);
	*ret = r.size;
	return 0;
}

const char *blob_bare(const char *ref)
{
	const char *end = blob_ref_sealed(ref) ? strchr(ref + 3, ':') : NULL;

	return end ? end + 1 : ref;
}

struct view blob_key(const char *ref)
{
	struct view v = view_str(blob_bare(ref));
	size_t colons = view_starts(v, VIEW("p1:")) ? 3 : 2, i = 0;

	for (; i < v.n; i++) {
		if (v.p[i] == ':' && --colons == 0)
			break;
	}
	return view_sub(v, 0, i);
}
