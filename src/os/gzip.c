/* SPDX-License-Identifier: Apache-2.0 */
/* gzip streams through zlib, the only file that includes it. */
#include "os/gzip.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/macro.h"

#define WINDOW_GZIP (15 + 16)
#define ROOM 16384

struct gzip {
	z_stream z;
};

struct gzip *gzip_new(void)
{
	struct gzip *g = calloc(1, sizeof(*g));

	must(g);
	must(deflateInit2(&g->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, 8,
			  Z_DEFAULT_STRATEGY) == Z_OK);
	return g;
}

static void run(struct gzip *g, int flush, struct buf *ret)
{
	unsigned char room[ROOM];
	int rc;

	do {
		g->z.next_out = room;
		g->z.avail_out = sizeof(room);
		rc = deflate(&g->z, flush);
		must(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR);
		buf_add(ret, room, sizeof(room) - g->z.avail_out);
	} while (!g->z.avail_out);
}

void gzip_add(struct gzip *g, const void *p, size_t n, struct buf *ret)
{
	const char *at = p;

	while (n) {
		size_t piece = n < (1U << 30) ? n : 1U << 30;

		g->z.next_in = (z_const Bytef *)(uintptr_t)at;
		g->z.avail_in = (uInt)piece;
		run(g, Z_NO_FLUSH, ret);
		at += piece;
		n -= piece;
	}
}

struct gzip *gzip_end(struct gzip *g, struct buf *ret)
{
	g->z.next_in = NULL;
	g->z.avail_in = 0;
	run(g, Z_FINISH, ret);
	return gzip_free(g);
}

struct gzip *gzip_free(struct gzip *g)
{
	if (g)
		deflateEnd(&g->z);
	free(g);
	return NULL;
}

/* One member from z->next_in on. */
static int unpack_member(z_stream *z, struct buf *ret, struct err *e)
{
	unsigned char room[ROOM];
	int rc;

	do {
		z->next_out = room;
		z->avail_out = sizeof(room);
		rc = inflate(z, Z_NO_FLUSH);
		must(rc != Z_MEM_ERROR && rc != Z_STREAM_ERROR);
		if (rc != Z_OK && rc != Z_STREAM_END)
			return err_set(e, ERR_INVALID, "not gzip, broken or cut off");
		buf_add(ret, room, sizeof(room) - z->avail_out);
		if (ret->over)
			return err_set(e, ERR_LIMIT, "more than %zu bytes when unpacked", ret->max);
	} while (rc != Z_STREAM_END);
	return 0;
}

int gzip_unpack(struct view packed, struct buf *ret, struct err *e)
{
	z_stream z = { 0 };
	int rc;

	must(inflateInit2(&z, WINDOW_GZIP) == Z_OK);
	must(packed.n <= UINT_MAX);
	z.next_in = (z_const Bytef *)(uintptr_t)packed.p;
	z.avail_in = (uInt)packed.n;
	do {
		rc = unpack_member(&z, ret, e);
	} while (!rc && z.avail_in && inflateReset(&z) == Z_OK);
	inflateEnd(&z);
	return rc;
}
