/* SPDX-License-Identifier: Apache-2.0 */
/* files: PNG chunks and MP4 boxes, written by hand. */
#include "demo/files.h"

#include <math.h>
#include <string.h>

#include "base/crc.h"
#include "demo/rng.h"

#define PNG_W 240
#define PNG_H 80
#define VIDEO_W 96
#define VIDEO_H 64
#define VIDEO_FRAME (VIDEO_W * VIDEO_H)
#define VIDEO_FPS 25
#define VIDEO_TICKS 1000 /* of the media time scale in a frame; 25,000 a second */

static void be16(struct buf *b, unsigned v)
{
	buf_add_char(b, (char)(v >> 8));
	buf_add_char(b, (char)v);
}

static void be32(struct buf *b, uint32_t v)
{
	be16(b, v >> 16);
	be16(b, v & 0xffff);
}

static void set_be32(struct buf *b, size_t at, uint32_t v)
{
	for (int i = 0; i < 4 && !b->over; i++)
		b->p[at + (size_t)i] = (char)(v >> (24 - 8 * i));
}

/* --- PNG --- */

static void png_chunk(struct buf *out, const char type[5], struct view data)
{
	uint32_t crc = crc32_ieee(0, type, 4);

	be32(out, (uint32_t)data.n);
	buf_add(out, type, 4);
	buf_add_view(out, data);
	be32(out, crc32_ieee(crc, data.p, data.n));
}

/* RFC 1950 and 1951: a stored block and Adler-32. */
static void zlib_stored(struct buf *out, struct view data)
{
	uint32_t lo = 1, hi = 0;

	must(data.n <= 0xffff);
	buf_add(out, "\x78\x01\x01", 3);
	buf_add_char(out, (char)(data.n & 0xff));
	buf_add_char(out, (char)(data.n >> 8));
	buf_add_char(out, (char)(~data.n & 0xff));
	buf_add_char(out, (char)(~data.n >> 8 & 0xff));
	buf_add_view(out, data);
	for (size_t i = 0; i < data.n; i++) {
		lo = (lo + (uint8_t)data.p[i]) % 65521;
		hi = (hi + lo) % 65521;
	}
	be32(out, hi << 16 | lo);
}

void files_png(struct buf *out, uint64_t seed)
{
	static const char head[] = "\x00\x00\x00\xf0\x00\x00\x00\x50\x08\x00\x00\x00\x00"; /* 240 x 80, 8-bit grey */
	uint8_t rows[PNG_H][1 + PNG_W]; /* a filter byte in front of each row */
	struct buf z;
	struct rng r;
	double a, b;

	rng_init(&r, seed, 7);
	a = 2 + 3 * rng_uniform(&r);
	b = 5 + 6 * rng_uniform(&r);
	memset(rows, 0xff, sizeof(rows));
	for (size_t y = 0; y < PNG_H; y++)
		rows[y][0] = 0;
	for (int i = 0; i < 4000; i++) {
		double t = i / 4000.0;
		int x = (int)(12 + t * (PNG_W - 24) + 9 * sin(b * 9 * t));
		int y = (int)(PNG_H / 2.0 + 22 * sin(a * 7 * t) * cos(b * 3 * t));

		rows[y][1 + x] = rows[y + 1][1 + x] = 0x20;
	}
	buf_init(&z, 1 << 20);
	zlib_stored(&z, view_of(rows, sizeof(rows)));
	buf_add(out, "\x89PNG\r\n\x1a\n", 8);
	png_chunk(out, "IHDR", view_of(head, 13));
	png_chunk(out, "IDAT", buf_view(&z));
	png_chunk(out, "IEND", VIEW(""));
	buf_clear(&z);
}

/* --- profile --- */

void files_profile(struct buf *out, const char *subject, uint64_t seed)
{
	static const char *const ages[] = { "18-29", "30-39", "40-49", "50-59", "60+" };
	struct rng r;

	rng_init(&r, seed, 8);
	buf_printf(out, "{\"v\": 1, \"subject\": \"%s\", \"age_band\": \"%s\", \"sex\": \"%s\", \"glasses\": %s, "
			"\"consent\": {\"version\": \"1\", \"given\": true}}\n",
		   subject, ages[rng_below(&r, 5)], rng_below(&r, 2) ? "f" : "m", rng_below(&r, 2) ? "true" : "false");
}

/* --- MP4 --- */

static size_t box(struct buf *b, const char type[5])
{
	size_t at = b->n;

	be32(b, 0);
	buf_add(b, type, 4);
	return at;
}

static size_t full_box(struct buf *b, const char type[5], uint32_t flags)
{
	size_t at = box(b, type);

	be32(b, flags); /* version 0 */
	return at;
}

static void box_end(struct buf *b, size_t at)
{
	set_be32(b, at, (uint32_t)(b->n - at));
}

static void zeros(struct buf *b, size_t n)
{
	while (n--)
		buf_add_char(b, 0);
}

static void matrix(struct buf *b)
{
	static const uint32_t unity[9] = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };

	for (size_t i = 0; i < 9; i++)
		be32(b, unity[i]);
}

static void movie_header(struct buf *b, uint32_t ticks)
{
	size_t at = full_box(b, "mvhd", 0);

	zeros(b, 8); /* times of creation and change */
	be32(b, VIDEO_FPS * VIDEO_TICKS);
	be32(b, ticks);
	be32(b, 0x10000);
	be16(b, 0x100);
	zeros(b, 10);
	matrix(b);
	zeros(b, 24);
	be32(b, 2); /* next track */
	box_end(b, at);
}

static void track_header(struct buf *b, uint32_t ticks)
{
	size_t at = full_box(b, "tkhd", 7);

	zeros(b, 8);
	be32(b, 1); /* track */
	zeros(b, 4);
	be32(b, ticks);
	zeros(b, 16);
	matrix(b);
	be32(b, VIDEO_W << 16);
	be32(b, VIDEO_H << 16);
	box_end(b, at);
}

static void media_header(struct buf *b, uint32_t ticks)
{
	size_t at = full_box(b, "mdhd", 0);

	zeros(b, 8);
	be32(b, VIDEO_FPS * VIDEO_TICKS);
	be32(b, ticks);
	be16(b, 0x55c4); /* language: undetermined */
	be16(b, 0);
	box_end(b, at);
	at = full_box(b, "hdlr", 0);
	zeros(b, 4);
	buf_add(b, "vide", 4);
	zeros(b, 12);
	buf_add(b, "infrared", 9);
	box_end(b, at);
}

static void sample_entry(struct buf *b)
{
	size_t at = full_box(b, "stsd", 0), entry;

	be32(b, 1);
	entry = box(b, "raw ");
	zeros(b, 6);
	be16(b, 1); /* data reference */
	zeros(b, 16);
	be16(b, VIDEO_W);
	be16(b, VIDEO_H);
	be32(b, 72 << 16);
	be32(b, 72 << 16);
	zeros(b, 4);
	be16(b, 1); /* frames in a sample */
	zeros(b, 32);
	be16(b, 40); /* depth: 8-bit grey */
	be16(b, 0xffff);
	box_end(b, entry);
	box_end(b, at);
}

/* Sample table; returns where the chunk's offset is to be written. */
static size_t sample_table(struct buf *b, uint32_t frames)
{
	size_t stbl = box(b, "stbl"), at, offset;

	sample_entry(b);
	at = full_box(b, "stts", 0);
	be32(b, 1);
	be32(b, frames);
	be32(b, VIDEO_TICKS);
	box_end(b, at);
	at = full_box(b, "stsc", 0);
	be32(b, 1);
	be32(b, 1);
	be32(b, frames);
	be32(b, 1);
	box_end(b, at);
	at = full_box(b, "stsz", 0);
	be32(b, VIDEO_FRAME);
	be32(b, frames);
	box_end(b, at);
	at = full_box(b, "stco", 0);
	be32(b, 1);
	offset = b->n;
	be32(b, 0);
	box_end(b, at);
	box_end(b, stbl);
	return offset;
}

static size_t movie(struct buf *b, uint32_t frames)
{
	size_t moov = box(b, "moov"), trak, mdia, minf, at, dref, offset;
	uint32_t ticks = frames * VIDEO_TICKS;

	movie_header(b, ticks);
	trak = box(b, "trak");
	track_header(b, ticks);
	mdia = box(b, "mdia");
	media_header(b, ticks);
	minf = box(b, "minf");
	at = full_box(b, "vmhd", 1);
	zeros(b, 8);
	box_end(b, at);
	at = box(b, "dinf");
	dref = full_box(b, "dref", 0);
	be32(b, 1);
	box_end(b, full_box(b, "url ", 1)); /* in this file */
	box_end(b, dref);
	box_end(b, at);
	offset = sample_table(b, frames);
	box_end(b, minf);
	box_end(b, mdia);
	box_end(b, trak);
	box_end(b, moov);
	return offset;
}

static void eye_frame(struct buf *b, uint32_t frame, struct rng *r)
{
	uint8_t *p = (uint8_t *)buf_reserve(b, VIDEO_FRAME);
	double open = frame % 120 < 6 ? 0.15 : 1.0; /* a blink every 4.8 s */
	double cx = VIDEO_W / 2.0 + 4 * sin(frame / 20.0), cy = VIDEO_H / 2.0;

	for (int y = 0; p && y < VIDEO_H; y++)
		for (int x = 0; x < VIDEO_W; x++) {
			double dx = (x - cx) / 14, dy = (y - cy) / (14 * open);

			p[y * VIDEO_W + x] = (uint8_t)((dx * dx + dy * dy < 1 ? 24 : 140) + rng_below(r, 8));
		}
	if (p)
		b->n += VIDEO_FRAME;
}

void files_mp4(struct buf *out, uint64_t bytes, uint64_t seed)
{
	uint64_t want = bytes / VIDEO_FRAME;
	uint32_t frames = want < 1 ? 1 : want > 100000 ? 100000 : (uint32_t)want;
	size_t at = box(out, "ftyp"), offset;
	struct rng r;

	rng_init(&r, seed, 9);
	buf_add(out, "isom\0\0\2\0isommp41", 16);
	box_end(out, at);
	offset = movie(out, frames);
	at = box(out, "mdat");
	set_be32(out, offset, (uint32_t)out->n);
	for (uint32_t i = 0; i < frames; i++)
		eye_frame(out, i, &r);
	box_end(out, at);
}
