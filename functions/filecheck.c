/* SPDX-License-Identifier: Apache-2.0 */
/* filecheck: PNG chunks and MP4 boxes, byte by byte as they come. */
#include "filecheck.h"

#include <string.h>

#include "base/crc.h"
#include "base/json.h"
#include "base/limits.h"

void filecheck_init(struct filecheck *c, enum filecheck_kind kind)
{
	*c = (struct filecheck){ .kind = kind };
	buf_init(&c->text, MIB);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Moves bytes from @v into head until it holds @n (it may hold more: the longer head of a box); true when it does. */
static bool fill(struct filecheck *c, struct view *v, size_t n)
{
	while (c->head_n < n && v->n) {
		c->head[c->head_n++] = (uint8_t)v->p[0];
		*v = view_from(*v, 1);
	}
	return c->head_n >= n;
}

static size_t skip(struct filecheck *c, struct view *v)
{
	size_t n = v->n < c->left ? v->n : (size_t)c->left;

	*v = view_from(*v, n);
	c->left -= n;
	return n;
}

/* PNG: chunks == 0 means the signature is still to come; left counts content, then 4 bytes of CRC in head. */
static void png_chunk_head(struct filecheck *c)
{
	if (c->chunks == 0) {
		if (memcmp(c->head, "\x89PNG\r\n\x1a\n", 8) != 0)
			c->bad = "no PNG signature";
	} else {
		if (c->chunks == 1 && memcmp(c->head + 4, "IHDR", 4) != 0)
			c->bad = "first chunk is not IHDR";
		c->left = be32(c->head);
		if (c->left > 0x7fffffff)
			c->bad = "chunk length out of range";
		c->crc = crc32_ieee(0, c->head + 4, 4);
		c->end = memcmp(c->head + 4, "IEND", 4) == 0;
		c->mdat = true; /* inside a chunk: content and CRC follow */
	}
	c->chunks++;
	c->head_n = 0;
}

static void png_add(struct filecheck *c, struct view v)
{
	while (v.n && !c->bad) {
		if (c->mdat && c->left) {
			const char *p = v.p;

			c->crc = crc32_ieee(c->crc, p, skip(c, &v));
		} else if (c->mdat) {
			if (!fill(c, &v, 4))
				return;
			if (be32(c->head) != c->crc)
				c->bad = "chunk with a wrong CRC";
			c->head_n = 0;
			c->mdat = false;
			c->moov = c->end;
		} else if (c->moov) {
			c->bad = "bytes behind IEND";
		} else if (fill(c, &v, 8)) {
			png_chunk_head(c);
		}
	}
}

static void mp4_box_head(struct filecheck *c)
{
	uint64_t size = be32(c->head);
	const uint8_t *type = c->head + 4;
	size_t head = 8;

	if (size == 1) {
		size = (uint64_t)be32(c->head + 8) << 32 | be32(c->head + 12);
		head = 16;
	}
	if (size == 0)
		c->open_end = true;
	else if (size < head)
		c->bad = "box shorter than its head";
	if (c->chunks++ == 0 && memcmp(type, "ftyp", 4) != 0 && memcmp(type, "wide", 4) != 0 && memcmp(type, "mdat", 4) != 0)
		c->bad = "first box is not ftyp";
	c->moov |= memcmp(type, "moov", 4) == 0;
	c->mdat |= memcmp(type, "mdat", 4) == 0 || memcmp(type, "moof", 4) == 0;
	c->left = size ? size - head : 0;
	c->head_n = 0;
}

static void mp4_add(struct filecheck *c, struct view v)
{
	while (v.n && !c->bad && !c->open_end) {
		if (c->left)
			skip(c, &v);
		else if (fill(c, &v, 8) && (be32(c->head) != 1 || fill(c, &v, 16)))
			mp4_box_head(c);
	}
}

void filecheck_add(struct filecheck *c, struct view piece)
{
	if (c->kind == FILECHECK_PNG)
		png_add(c, piece);
	else if (c->kind == FILECHECK_MP4)
		mp4_add(c, piece);
	else if (c->kind == FILECHECK_JSON)
		buf_add_view(&c->text, piece);
}

static const char *json_end(struct filecheck *c)
{
	struct arena a;
	struct err e = { 0 };
	const char *bad = NULL;

	arena_init(&a, LIMIT_ARENA);
	if (c->text.over)
		bad = "longer than 1 MiB";
	else if (!json_parse(&a, buf_view(&c->text), JSON_DEPTH, &e))
		bad = "no JSON";
	arena_clear(&a);
	return bad;
}

const char *filecheck_end(struct filecheck *c)
{
	if (c->kind == FILECHECK_PNG && !c->bad && (!c->moov || c->head_n))
		c->bad = "cut off before IEND";
	if (c->kind == FILECHECK_MP4 && !c->bad && (c->left || c->head_n))
		c->bad = "cut off inside a box";
	if (c->kind == FILECHECK_MP4 && !c->bad && (!c->moov || !c->mdat))
		c->bad = "no moov or no mdat box";
	if (c->kind == FILECHECK_JSON && !c->bad)
		c->bad = json_end(c);
	buf_clear(&c->text);
	return c->bad;
}
