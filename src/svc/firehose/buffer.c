/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer -- bytes on their way into an object.
 *
 * Up to FH_SPILL they stay in memory as they came in; a buffer that grows beyond writes itself out from then on: through
 * the compression into a blob, or, with format conversion, as lines into a file of the staging folder.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/crc.h"
#include "base/limits.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"
#include "svc/firehose/convert.h"
#include "svc/firehose/deliver.h"

#define PACKED_MAX (64 * MIB) /* what a piece of FH_SPILL or one record can make of compressed bytes, and far more */

struct fh_spill {
	struct blob_writer *w;
	struct digest *md5;
	uint64_t crc64;
	struct pack *pack; /* NULL: as it is */
	struct buf packed;
	int fd; /* of lines for the conversion; -1: none */
	char *path;
};

static bool is_converted(const struct fh_config *c, const struct fh_buffer *b)
{
	return b->target.kind == FH_DATA && c->conversion;
}

enum pack_format fh__buffer_format(const struct fh_config *c, const struct fh_buffer *b)
{
	return b->target.kind == FH_ERROR || is_converted(c, b) ? PACK_NONE : fh__place(c, b->target.kind)->compression;
}

static struct fh_spill *spill_free(struct fh_spill *p)
{
	if (!p)
		return NULL;
	blob_abort(p->w);
	digest_free(p->md5);
	pack_free(p->pack);
	buf_clear(&p->packed);
	if (p->fd >= 0)
		close(p->fd);
	if (p->path)
		(void)unlink(p->path);
	free(p->path);
	free(p);
	return NULL;
}

static struct fh_spill *spill_new(void)
{
	struct fh_spill *p = calloc(1, sizeof(*p));

	must(p);
	p->fd = -1;
	buf_init(&p->packed, PACKED_MAX);
	return p;
}

static int begin_lines(struct fh_stream *s, struct fh_spill *p, struct err *e)
{
	char uuid[UUID_TEXT];

	uuid7(uuid);
	if (asprintf(&p->path, "%s/%s.json", s->f->staging, uuid) < 0)
		must_failed("out of memory", __FILE__, __LINE__);
	p->fd = open(p->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return p->fd < 0 ? err_sys(e, ERR_IO, "%s", p->path) : 0;
}

static int begin_blob(struct fh_stream *s, struct fh_spill *p, enum pack_format format, struct err *e)
{
	int rc = blob_begin(s->f->blob, &p->w, e);

	if (rc) {
		p->w = NULL;
		return rc;
	}
	p->md5 = digest_new(DIGEST_MD5);
	p->pack = format == PACK_NONE ? NULL : pack_new(format, s->name);
	return 0;
}

static int out(struct fh_spill *p, struct view v, struct err *e)
{
	digest_add(p->md5, v.p, v.n);
	p->crc64 = crc64nvme(p->crc64, v.p, v.n);
	return blob_write(p->w, v.p, v.n, e);
}

static int out_packed(struct fh_spill *p, struct err *e)
{
	int rc = buf_check(&p->packed, "compressed records", e);

	if (!rc)
		rc = out(p, buf_view(&p->packed), e);
	buf_reset(&p->packed);
	return rc;
}

static int spill(struct fh_spill *p, struct view v, struct err *e)
{
	if (p->fd >= 0)
		return file_write_all(p->fd, v.p, v.n, e);
	if (!p->pack)
		return out(p, v, e);
	pack_add(p->pack, v.p, v.n, &p->packed);
	return out_packed(p, e);
}

/* The bytes in memory go where they belong; @b spills from now on. */
static int spill_begin(struct fh_stream *s, const struct fh_config *c, struct fh_buffer *b, struct err *e)
{
	int rc = 0;

	if (!b->spill) {
		b->spill = spill_new();
		rc = is_converted(c, b) ? begin_lines(s, b->spill, e) : begin_blob(s, b->spill, fh__buffer_format(c, b), e);
	}
	if (!rc && b->mem.n)
		rc = spill(b->spill, buf_view(&b->mem), e);
	atomic_fetch_sub(&s->f->memory, b->mem.n);
	buf_clear(&b->mem);
	return rc;
}

int fh__buffer_add(struct fh_stream *s, const struct fh_config *c, struct fh_buffer *b, struct view v, struct err *e)
{
	int rc = 0;

	if (!b->spill && b->mem.n + v.n <= FH_SPILL) {
		buf_add_view(&b->mem, v);
		atomic_fetch_add(&s->f->memory, v.n);
		return 0;
	}
	if (!b->spill)
		rc = spill_begin(s, c, b, e);
	return rc ? rc : spill(b->spill, v, e);
}

static void put_sums(struct fh_spill *p, struct fh_buffer *b)
{
	char *md5 = arena_alloc(&b->arena, 33);
	uint8_t sum[DIGEST_MAX], be[8];

	digest_end(p->md5, sum);
	p->md5 = NULL;
	hex_encode(md5, sum, 16);
	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(p->crc64 >> (56 - 8 * i));
	b->o.md5_hex = md5;
	b->o.crc64nvme = arena_str(&b->arena, base64_encode_arena(&b->arena, view_of(be, 8)));
}

static int seal_blob(struct fh_buffer *b, struct err *e)
{
	struct fh_spill *p = b->spill;
	struct blob_writer *w;
	int rc = 0;

	if (p->pack) {
		p->pack = pack_end(p->pack, &p->packed);
		rc = out_packed(p, e);
	}
	if (rc)
		return rc;
	put_sums(p, b);
	w = p->w;
	p->w = NULL;
	return blob_commit(w, &b->arena, &b->o.ref, e);
}

/* The finished Parquet file becomes the blob. */
static int copy_file(const char *path, struct fh_spill *p, struct err *e)
{
	char *piece = malloc(FH_SPILL);
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = fd < 0 ? err_sys(e, ERR_IO, "%s", path) : 0;
	ssize_t n = 1;

	must(piece);
	while (!rc && n > 0) {
		n = read(fd, piece, FH_SPILL);
		if (n < 0)
			rc = err_sys(e, ERR_IO, "%s", path);
		else if (n > 0)
			rc = out(p, view_of(piece, (size_t)n), e);
	}
	if (fd >= 0)
		close(fd);
	free(piece);
	return rc;
}

/* What nobody reads on again is made durable by the blob that it is copied into. */
static int seal_converted(struct fh_stream *s, struct fh_work *w, struct fh_buffer *b, struct err *e)
{
	struct fh_spill *p = b->spill;
	struct fh_parquet file;
	int rc = fh__parquet_make(s, w->schema, buf_view(&b->mem), p ? p->path : NULL, &b->arena, &file, e);

	if (rc)
		return rc;
	if (!p)
		p = b->spill = spill_new();
	rc = begin_blob(s, p, PACK_NONE, e);
	if (!rc)
		rc = copy_file(file.path, p, e);
	if (!rc)
		rc = seal_blob(b, e);
	fh__parquet_end(&file);
	return rc;
}

static int seal(struct fh_stream *s, struct fh_work *w, struct fh_buffer *b, struct err *e)
{
	int rc;

	if (is_converted(&w->config, b))
		return seal_converted(s, w, b, e);
	rc = spill_begin(s, &w->config, b, e);
	return rc ? rc : seal_blob(b, e);
}

int fh__buffer_seal(struct fh_stream *s, struct fh_work *w, struct fh_buffer *b, struct err *e)
{
	int rc = b->o.ref ? 0 : seal(s, w, b, e);

	b->spill = spill_free(b->spill);
	atomic_fetch_sub(&s->f->memory, b->mem.n);
	buf_clear(&b->mem);
	return rc;
}

struct fh_buffer *fh__buffer_free(struct fh_stream *s, struct fh_buffer *b, bool published)
{
	struct err e = { 0 };

	if (b->o.ref && !published && blob_delete(s->f->blob, b->o.ref, &e) < 0)
		diag(DIAG_WARN, "firehose", "%s", e.msg);
	atomic_fetch_sub(&s->f->memory, b->mem.n);
	buf_clear(&b->mem);
	spill_free(b->spill);
	arena_clear(&b->arena);
	free(b);
	return NULL;
}
