/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_seal -- a writer that encrypts into another, and a reader that decrypts what another reads.
 *
 * The nonces of one key never repeat: the key is new with every write, and a write numbers its segments.
 */
#include "store/blob_seal.h"

#include <stdlib.h>

#include "base/base64.h"
#include "store/blob_backend.h"
#include "store/blob_ref.h"

#define SEALED_SEGMENT (SEAL_SEGMENT + GCM_TAG)

/* What a sealed reference carries; docs/formats.md has the bytes. */
#define AT_KIND 1
#define AT_KEY_ID 4
#define AT_ID 20
#define AT_NONCE 36
#define AT_WRAPPED 48
#define HEAD_LEN (AT_WRAPPED + SEAL_WRAPPED)
#define HEAD_TEXT (HEAD_LEN / 3 * 4)
#define AAD_LEN (AT_NONCE + 9)

_Static_assert(HEAD_LEN % 3 == 0, "base64 without padding");

struct sealer { /* of one blob */
	struct gcm *gcm;
	uint8_t nonce[GCM_NONCE];
	uint8_t aad[AAD_LEN];
};

struct seal_writer {
	struct blob_writer base;
	struct blob_writer *inner;
	struct sealer s;
	uint8_t head[HEAD_LEN];
	uint64_t segment; /* the next one's number */
	size_t n;
	uint8_t plain[SEAL_SEGMENT], sealed[SEALED_SEGMENT];
};

struct seal_reader {
	struct blob_reader base;
	struct blob_reader *inner;
	struct sealer s;
	uint64_t size, segments;
	uint64_t have; /* the segment in plain; UINT64_MAX: none */
	uint8_t plain[SEAL_SEGMENT], sealed[SEALED_SEGMENT];
};

static const struct blob_vtable seal_vtable;

static struct view bytes(const uint8_t *p, size_t n)
{
	return view_of((const char *)p, n);
}

/* --- keys --- */

void seal_wrap(const uint8_t by[GCM_KEY], struct view aad, const uint8_t key[GCM_KEY],
	       uint8_t out[SEAL_WRAPPED])
{
	struct gcm *g = gcm_new(by);

	random_bytes(out, GCM_NONCE);
	gcm_seal(g, out, aad, bytes(key, GCM_KEY), out + GCM_NONCE);
	gcm_free(g);
}

bool seal_unwrap(const uint8_t by[GCM_KEY], struct view aad, const uint8_t wrapped[SEAL_WRAPPED],
		 uint8_t out[GCM_KEY])
{
	struct gcm *g = gcm_new(by);
	bool good = gcm_open(g, wrapped, aad, bytes(wrapped + GCM_NONCE, GCM_KEY + GCM_TAG), out);

	gcm_free(g);
	return good;
}

/* --- references: "e1:<head in base64>:<reference of the encrypted bytes>" --- */

bool blob_seal_whose(const char *ref, enum seal_kind *ret_kind, uint8_t ret_id[SEAL_ID])
{
	uint8_t head[HEAD_LEN];

	if (!blob_ref_sealed(ref) || !blob_seal_head(ref, head))
		return false;
	*ret_kind = (enum seal_kind)head[AT_KIND];
	memcpy(ret_id, head + AT_KEY_ID, SEAL_ID);
	return true;
}

bool blob_seal_head(const char *ref, uint8_t head[BLOB_SEAL_HEAD])
{
	struct view v = view_from(view_str(ref), 3), text;
	size_t n;

	_Static_assert(BLOB_SEAL_HEAD == HEAD_LEN, "one length");
	if (!view_split(&v, ':', &text) || text.n != HEAD_TEXT || !v.p)
		return false;
	return base64_decode(head, text, &n) && n == HEAD_LEN && head[0] == 1 &&
	       (head[AT_KIND] == SEAL_BUCKET || head[AT_KIND] == SEAL_CUSTOMER) && !head[2] &&
	       !head[3];
}

bool blob_seal_plain(uint64_t sealed, uint64_t *ret)
{
	uint64_t segments = sealed / SEALED_SEGMENT + (sealed % SEALED_SEGMENT != 0);
	uint64_t last = sealed - (segments ? segments - 1 : 0) * SEALED_SEGMENT;

	/* Only a blob of nothing has an empty segment. */
	if (last < GCM_TAG || (last == GCM_TAG && segments > 1))
		return false;
	*ret = sealed - segments * GCM_TAG;
	return true;
}

/* --- segments --- */

static void sealer_init(struct sealer *s, const uint8_t *head, const uint8_t *data_key)
{
	s->gcm = gcm_new(data_key);
	memcpy(s->nonce, head + AT_NONCE, GCM_NONCE);
	memcpy(s->aad, head, AT_NONCE);
}

static void number(struct sealer *s, uint64_t segment, bool last, uint8_t nonce[GCM_NONCE])
{
	memcpy(nonce, s->nonce, GCM_NONCE);
	for (int i = 0; i < 8; i++) {
		uint8_t b = (uint8_t)(segment >> 8 * i);

		nonce[GCM_NONCE - 8 + i] ^= b;
		s->aad[AT_NONCE + i] = b;
	}
	s->aad[AAD_LEN - 1] = last;
}

static int seal_segment(struct seal_writer *w, struct view plain, bool last, struct err *e)
{
	uint8_t nonce[GCM_NONCE];

	number(&w->s, w->segment++, last, nonce);
	gcm_seal(w->s.gcm, nonce, bytes(w->s.aad, AAD_LEN), plain, w->sealed);
	return blob_write(w->inner, w->sealed, plain.n + GCM_TAG, e);
}

/* --- writing --- */

static struct seal_writer *writer_of(struct blob_writer *w)
{
	return CONTAINER_OF(w, struct seal_writer, base);
}

static void writer_free(struct seal_writer *w)
{
	gcm_free(w->s.gcm);
	crypto_wipe(w, sizeof(*w));
	free(w);
}

int blob_seal_begin(struct blob_store *b, const struct seal_key *k, struct blob_writer **ret,
		    struct err *e)
{
	struct seal_writer *w = calloc(1, sizeof(*w));
	uint8_t data_key[GCM_KEY];

	must(w);
	if (blob_begin(b, &w->inner, e) < 0) {
		free(w);
		return e->code;
	}
	w->base.vt = &seal_vtable;
	w->head[0] = 1;
	w->head[AT_KIND] = (uint8_t)k->kind;
	memcpy(w->head + AT_KEY_ID, k->id, SEAL_ID);
	random_bytes(w->head + AT_ID, AT_WRAPPED - AT_ID);
	random_bytes(data_key, sizeof(data_key));
	seal_wrap(k->key, bytes(w->head, AT_WRAPPED), data_key, w->head + AT_WRAPPED);
	sealer_init(&w->s, w->head, data_key);
	crypto_wipe(data_key, sizeof(data_key));
	*ret = &w->base;
	return 0;
}

/* A full segment is held back until it is known whether it is the last. */
static int seal_write(struct blob_writer *base, const void *p, size_t n, struct err *e)
{
	struct seal_writer *w = writer_of(base);
	const char *from = p;

	while (n) {
		size_t part = SEAL_SEGMENT - w->n < n ? SEAL_SEGMENT - w->n : n;

		if (!w->n && n > SEAL_SEGMENT) {
			if (seal_segment(w, view_of(from, part), false, e) < 0)
				return e->code;
		} else if (part) {
			memcpy(w->plain + w->n, from, part);
			w->n += part;
		} else {
			if (seal_segment(w, bytes(w->plain, w->n), false, e) < 0)
				return e->code;
			w->n = 0;
		}
		from += part;
		n -= part;
	}
	return 0;
}

static int seal_commit(struct blob_writer *base, struct arena *a, const char **ret_ref,
		       struct err *e)
{
	struct seal_writer *w = writer_of(base);
	char text[HEAD_TEXT];
	const char *inner;
	int rc = seal_segment(w, bytes(w->plain, w->n), true, e);

	if (rc)
		blob_abort(w->inner);
	else
		rc = blob_commit(w->inner, a, &inner, e);
	if (!rc) {
		base64_encode(text, w->head, HEAD_LEN);
		*ret_ref = arena_printf(a, "e1:%.*s:%s", HEAD_TEXT, text, inner);
	}
	writer_free(w);
	return rc;
}

static void seal_abort(struct blob_writer *base)
{
	struct seal_writer *w = writer_of(base);

	blob_abort(w->inner);
	writer_free(w);
}

/* --- reading --- */

static struct seal_reader *reader_of(struct blob_reader *r)
{
	return CONTAINER_OF(r, struct seal_reader, base);
}

static void seal_reader_close(struct blob_reader *base)
{
	struct seal_reader *r = reader_of(base);

	blob_reader_close(r->inner);
	gcm_free(r->s.gcm);
	crypto_wipe(r, sizeof(*r));
	free(r);
}

static size_t segment_len(const struct seal_reader *r, uint64_t no)
{
	return no == r->segments - 1 ? (size_t)(r->size - no * SEAL_SEGMENT) : SEAL_SEGMENT;
}

static int open_segment(struct seal_reader *r, uint64_t no, uint8_t *out, struct err *e)
{
	size_t len = segment_len(r, no) + GCM_TAG;
	ssize_t n = blob_read(r->inner, r->sealed, len, no * SEALED_SEGMENT, e);
	uint8_t nonce[GCM_NONCE];

	if (n < 0)
		return (int)n;
	number(&r->s, no, no == r->segments - 1, nonce);
	if ((size_t)n != len ||
	    !gcm_open(r->s.gcm, nonce, bytes(r->s.aad, AAD_LEN), bytes(r->sealed, len), out))
		return err_set(e, ERR_CORRUPT, "segment %llu of an encrypted blob was changed",
			       (unsigned long long)no);
	return 0;
}

static int reader_init(struct seal_reader *r, const char *ref, const struct seal_key *k,
		       struct err *e)
{
	uint8_t head[HEAD_LEN], data_key[GCM_KEY];
	bool good = blob_ref_sealed(ref) && blob_seal_head(ref, head);

	if (!good)
		return err_set(e, ERR_CORRUPT, "'%.80s' is not a sealed blob's reference", ref);
	if (head[AT_KIND] != k->kind || memcmp(head + AT_KEY_ID, k->id, SEAL_ID) != 0 ||
	    !seal_unwrap(k->key, bytes(head, AT_WRAPPED), head + AT_WRAPPED, data_key))
		return err_set(e, ERR_CORRUPT, "the key does not open the blob's data key");
	sealer_init(&r->s, head, data_key);
	crypto_wipe(data_key, sizeof(data_key));
	return blob_size(ref, &r->size, e);
}

int blob_seal_open(struct blob_store *b, const char *ref, const struct seal_key *k,
		   struct blob_reader **ret, struct err *e)
{
	struct seal_reader *r = calloc(1, sizeof(*r));
	int rc;

	must(r);
	r->base.vt = &seal_vtable;
	r->have = UINT64_MAX;
	rc = reader_init(r, ref, k, e);
	if (!rc)
		rc = blob_reader_open(b, blob_bare(ref), &r->inner, e);
	if (rc) {
		seal_reader_close(&r->base);
		return rc;
	}
	r->segments = r->size ? (r->size + SEAL_SEGMENT - 1) / SEAL_SEGMENT : 1;
	/* Of a blob of nothing no segment is ever read: what says so is checked here. */
	if (!r->size)
		rc = open_segment(r, 0, r->plain, e);
	if (rc)
		seal_reader_close(&r->base);
	else
		*ret = &r->base;
	return rc;
}

static ssize_t seal_read(struct blob_reader *base, void *p, size_t n, uint64_t off, struct err *e)
{
	struct seal_reader *r = reader_of(base);
	uint8_t *out = p;
	size_t done = 0;

	while (done < n && off < r->size) {
		uint64_t no = off / SEAL_SEGMENT;
		size_t at = off % SEAL_SEGMENT, len = segment_len(r, no);
		size_t part = len - at < n - done ? len - at : n - done;

		if (part == len && no != r->have) {
			if (open_segment(r, no, out + done, e) < 0)
				return e->code;
		} else {
			if (no != r->have) {
				r->have = UINT64_MAX;
				if (open_segment(r, no, r->plain, e) < 0)
					return e->code;
				r->have = no;
			}
			memcpy(out + done, r->plain + at, part);
		}
		done += part;
		off += part;
	}
	return (ssize_t)done;
}

static const struct blob_vtable seal_vtable = {
	.name = "sealed",
	.write = seal_write,
	.commit = seal_commit,
	.abort = seal_abort,
	.read = seal_read,
	.reader_close = seal_reader_close,
};
