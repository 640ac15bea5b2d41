/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrub -- reads again what is stored and compares it with what was promised: every version and every part of an upload.
 *
 * Rows are taken one at a time, in the order of their keys, so that nobody waits and a walk can go on where it was.
 * It holds nothing: what is deleted while it is read is looked up again before it is called damaged.
 */
#include <stdlib.h>

#include "base/base64.h"
#include "base/limits.h"
#include "os/clock.h"
#include "svc/s3/s3_int.h"

#define PROBLEMS_MAX 1000 /* of one call */
#define CURSOR_FIELDS 4

struct scrub {
	struct s3 *s;
	struct arena *arena; /* of the answer */
	struct s3_scrub *ret;
	char *piece;
	struct arena a; /* of one row */
	/* The row: what it is of, in the order of the cursor's fields. */
	char table; /* objects, versions, parts: in the order of the alphabet of their letters o, v, x */
	const char *f1, *f2;
	int64_t f3;
	struct s3_row row;
	const char *looked_for;
	s3_pace_fn pace; /* NULL: as fast as it goes */
	void *pace_arg;
	bool stopped; /* by it */
};

/* --- cursors: where the walk is, as hex digits of "<table> NUL <field> NUL <field> NUL <number>" --- */

static const char *cursor_text(const struct scrub *w)
{
	struct buf b;
	const char *text;

	buf_init(&b, 4 * LIMIT_KEY);
	buf_add_char(&b, w->table);
	buf_add_char(&b, '\0');
	buf_add_str(&b, w->f1);
	buf_add_char(&b, '\0');
	buf_add_str(&b, w->f2);
	buf_add_char(&b, '\0');
	buf_printf(&b, "%lld", (long long)w->f3);
	text = hex_arena(w->arena, (const uint8_t *)b.p, b.n);
	buf_clear(&b);
	return text;
}

static int bad_cursor(struct err *e)
{
	return err_set(e, ERR_INVALID, "'after' is not what an answer's 'next' was");
}

static int cursor_parse(struct scrub *w, const char *text, struct err *e)
{
	struct view v = view_str(text), part[CURSOR_FIELDS], rest;
	uint8_t *raw;

	w->table = 'o';
	w->f1 = w->f2 = "";
	if (!v.n)
		return 0;
	raw = arena_alloc(w->arena, v.n / 2 + 1);
	if (v.n % 2 || v.n > 8UL * LIMIT_KEY || !hex_decode(raw, v))
		return bad_cursor(e);
	rest = view_of((char *)raw, v.n / 2);
	for (size_t i = 0; i < CURSOR_FIELDS; i++)
		if (!view_split(&rest, '\0', &part[i]))
			return bad_cursor(e);
	if (rest.p || part[0].n != 1 || !strchr("ovx", part[0].p[0]) || !view_i64(part[3], &w->f3))
		return bad_cursor(e);
	w->table = part[0].p[0];
	w->f1 = arena_str(w->arena, part[1]);
	w->f2 = arena_str(w->arena, part[2]);
	return 0;
}

/* --- the next row --- */

static int take_row(struct scrub *w, struct tx_rows *r, struct err *e)
{
	int rc;

	w->row = (struct s3_row){ .bucket = row_str(r, 16, &w->a), .key = row_str(r, 17, &w->a) };
	w->f1 = arena_str(w->arena, view_str(w->row.bucket));
	w->f2 = arena_str(w->arena, view_str(w->row.key));
	w->f3 = w->table == 'v' ? -row_int(r, 13) : 0;
	rc = s3__row_parse(r, &w->a, &w->row, e);
	tx_end(r);
	return rc ? rc : 1;
}

/* A part looks like an object of one: its row is made here. */
static int take_part(struct scrub *w, struct tx_rows *r)
{
	struct s3_part *p = ARENA_NEW(&w->a, struct s3_part);

	w->f1 = row_str(r, 0, w->arena);
	w->f2 = "";
	w->f3 = row_int(r, 1);
	*p = (struct s3_part){ .ref = row_str(r, 4, &w->a), .size = (uint64_t)row_int(r, 2) };
	w->row = (struct s3_row){ .bucket = row_str(r, 5, &w->a),
				  .key = row_str(r, 6, &w->a),
				  .etag = row_str(r, 3, &w->a),
				  .size = p->size,
				  .parts = p,
				  .n_parts = 1 };
	tx_end(r);
	return 1;
}

#define COLUMNS "SELECT " S3_ROW
#define ON_PLACE " FROM s3_object WHERE (bucket, okey) > (?, ?) ORDER BY bucket, okey LIMIT 1"
#define ON_VERSION " FROM s3_version WHERE (bucket, okey, rseq) > (?, ?, ?) ORDER BY bucket, okey, rseq LIMIT 1"

static int next_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct scrub *w = arg;
	struct view key = view_str(w->f2);
	struct tx_rows *r;
	int rc;

	switch (w->table) {
	case 'o':
		rc = tx_one(tx, &r, e, COLUMNS ", seq, 0, 0, bucket, okey" ON_PLACE, "sb", w->f1, key);
		return rc > 0 ? take_row(w, r, e) : rc;
	case 'v':
		rc = tx_one(tx, &r, e, COLUMNS ", -rseq, 0, marker, bucket, okey" ON_VERSION, "sbi", w->f1, key, w->f3);
		return rc > 0 ? take_row(w, r, e) : rc;
	default:
		rc = tx_one(tx, &r, e,
			    "SELECT p.upload, p.n, p.size, p.md5, p.ref, u.bucket, u.okey FROM s3_part p JOIN s3_upload u"
			    " ON u.id = p.upload WHERE (p.upload, p.n) > (?, ?) ORDER BY p.upload, p.n LIMIT 1",
			    "si", w->f1, w->f3);
		return rc > 0 ? take_part(w, r) : rc;
	}
}

/* --- checks --- */

static void problem(struct scrub *w, const char *what)
{
	struct arena *a = w->arena;
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "bucket", w->row.bucket);
	json_set_str(a, o, "key", w->row.key);
	if (w->table == 'x') {
		json_set_str(a, o, "upload", w->f1);
		json_set_int(a, o, "part", w->f3);
	} else if (!w->row.vnull) {
		json_set_str(a, o, "version", s3__vid_text(a, &w->row));
	}
	json_set_str(a, o, "problem", what);
	json_push(a, w->ret->problems, o);
}

/* Without this a row that goes meanwhile, with its bytes, would look damaged: nobody waits for a walk. */
static int there_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct scrub *w = arg;
	struct view key = view_str(w->f2);
	struct tx_rows *r;
	int found;

	if (w->table == 'o')
		found = tx_one(tx, &r, e, "SELECT parts FROM s3_object WHERE bucket = ? AND okey = ?", "sb", w->f1, key);
	else if (w->table == 'v')
		found = tx_one(tx, &r, e, "SELECT parts FROM s3_version WHERE bucket = ? AND okey = ? AND rseq = ?", "sbi",
			       w->f1, key, w->f3);
	else
		found = tx_one(tx, &r, e, "SELECT ref FROM s3_part WHERE upload = ? AND n = ?", "si", w->f1, w->f3);
	if (found <= 0)
		return found;
	found = view_find(row_view(r, 0), view_str(w->looked_for)) >= 0;
	tx_end(r);
	return found;
}

static bool still_there(struct scrub *w, const struct s3_part *p)
{
	struct err e = { 0 };

	w->looked_for = arena_printf(&w->a, "%.*s:", VIEW_ARG(blob_key(blob_bare(p->ref))));
	return meta_read(w->s->meta, there_fn, w, &e) != 0;
}

static int read_to_end(struct scrub *w, struct blob_reader *r, struct s3_sums *x, struct err *e)
{
	uint64_t off = 0;
	ssize_t n;

	while ((n = blob_read(r, w->piece, MIB, off, e)) > 0) {
		if (x)
			s3__sums_add(x, w->piece, (size_t)n);
		off += (uint64_t)n;
		if (w->pace && !w->pace(w->pace_arg, (uint64_t)n))
			return err_set(e, ERR_CANCELLED, "the walk is to end");
	}
	w->ret->bytes += off;
	return n < 0 ? e->code : 0;
}

/* As they are stored: ciphertext of encrypted ones. */
static int read_stored(struct scrub *w, const struct s3_part *p, struct s3_sums *x, struct err *e)
{
	struct blob_reader *r;
	int rc = blob_reader_open(w->s->blob, blob_bare(p->ref), &r, e);

	if (rc)
		return rc;
	rc = read_to_end(w, r, x, e);
	blob_reader_close(r);
	w->ret->blobs++;
	return rc;
}

static int read_plain(struct scrub *w, const struct s3_part *p, struct s3_sums *x, struct err *e)
{
	struct blob_reader *r;
	int rc = s3__part_open(w->s, &w->row, p, &r, e);

	if (rc)
		return rc;
	rc = read_to_end(w, r, x, e);
	blob_reader_close(r);
	return rc;
}

static void check_sums(struct scrub *w, const struct s3_part *p, const struct s3_summed *got)
{
	const struct s3_row *r = &w->row;
	bool whole = !r->multipart && r->n_parts == 1;

	if (got->size != p->size)
		problem(w, arena_printf(w->arena, "%llu bytes are stored, not %llu", (unsigned long long)got->size,
					(unsigned long long)p->size));
	if (whole && strlen(r->etag) == 32 && !view_eq_str(view_str(r->etag), got->md5_hex))
		problem(w, arena_printf(w->arena, "the MD5 of the bytes is %s, the ETag says %s", got->md5_hex, r->etag));
	if (whole && r->ck.algo && !r->ck.composite && !view_eq_str(view_str(r->ck.value), got->value[r->ck.algo]))
		problem(w, arena_printf(w->arena, "the %s of the bytes is %s, stored is %s", s3__ck_names[r->ck.algo].name,
					got->value[r->ck.algo], r->ck.value));
	if (!whole && p->ck && r->ck.algo && !view_eq_str(view_str(p->ck), got->value[r->ck.algo]))
		problem(w, arena_printf(w->arena, "the %s of a part's bytes is %s, stored is %s",
					s3__ck_names[r->ck.algo].name, got->value[r->ck.algo], p->ck));
}

/* What is encrypted by a key of ours is read twice: as it is stored, and what it says. */
static void check_part(struct scrub *w, const struct s3_part *p)
{
	enum seal_kind kind = SEAL_BUCKET;
	uint8_t id[SEAL_ID];
	bool sealed = blob_seal_whose(p->ref, &kind, id), ours = kind == SEAL_BUCKET && w->s->master.there;
	struct err e = { 0 };
	struct s3_summed got;
	struct s3_sums x;
	int rc;

	s3__sums_begin(&x, w->row.ck.algo ? 1U << w->row.ck.algo : 0);
	rc = read_stored(w, p, sealed ? NULL : &x, &e);
	if (!rc && sealed && ours)
		rc = read_plain(w, p, &x, &e);
	if (!rc && (!sealed || ours)) {
		s3__sums_end(&x, &got);
		check_sums(w, p, &got);
		return;
	}
	s3__sums_drop(&x);
	if (rc == ERR_CANCELLED)
		w->stopped = true;
	else if (rc && still_there(w, p))
		problem(w, e.msg);
}

static void check_row(struct scrub *w)
{
	uint64_t size = 0;

	w->ret->rows++;
	for (size_t i = 0; !w->stopped && i < w->row.n_parts; i++) {
		check_part(w, &w->row.parts[i]);
		size += w->row.parts[i].size;
	}
	if (!w->stopped && size != w->row.size)
		problem(w, "its parts are not as long as it is");
}

/* 1: there was a row; it may also be one that cannot be read. */
static int scrub_one(struct scrub *w, struct err *e)
{
	int rc;

	arena_init(&w->a, LIMIT_ARENA);
	rc = meta_read(w->s->meta, next_fn, w, e);
	if (rc > 0 && !w->row.marker)
		check_row(w);
	arena_clear(&w->a);
	return w->stopped ? err_set(e, ERR_CANCELLED, "the walk is to end") : rc;
}

static int scrub_some(struct scrub *w, int64_t budget_ms, struct err *e)
{
	int64_t end = clock_mono_ns() + budget_ms * 1000000;
	int rc;

	do {
		rc = scrub_one(w, e);
		if (rc < 0)
			return rc;
		if (!rc && w->table == 'x')
			return 0;
		if (!rc) {
			w->table = w->table == 'o' ? 'v' : 'x';
			w->f1 = w->f2 = "";
			w->f3 = w->table == 'v' ? INT64_MIN : 0;
		}
	} while (clock_mono_ns() < end && json_len(w->ret->problems) < PROBLEMS_MAX);
	w->ret->next = cursor_text(w);
	return 0;
}

int s3__scrub(struct s3 *s, const char *after, int64_t budget_ms, s3_pace_fn pace, void *arg, struct arena *a,
	      struct s3_scrub *ret, struct err *e)
{
	struct scrub w = { .s = s, .arena = a, .ret = ret, .pace = pace, .pace_arg = arg };
	int rc;

	*ret = (struct s3_scrub){ .problems = json_new_arr(a) };
	rc = cursor_parse(&w, after, e);
	if (rc)
		return rc;
	w.piece = malloc(MIB);
	must(w.piece);
	rc = scrub_some(&w, budget_ms, e);
	free(w.piece);
	return rc ? err_ctx(e, "scrub") : 0;
}

int s3_scrub(struct s3 *s, const char *after, int64_t budget_ms, struct arena *a, struct s3_scrub *ret, struct err *e)
{
	return s3__scrub(s, after, budget_ms, NULL, NULL, a, ret, e);
}
