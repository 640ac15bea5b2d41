/* SPDX-License-Identifier: Apache-2.0 */
/* filecheck: well-formed files, each fault, and the same answer however a file is cut into pieces. */
#include <string.h>

#include "base/crc.h"
#include "base/limits.h"
#include "filecheck.h"
#include "unit.h"

/* --- making files --- */

static void be32(struct buf *b, uint32_t v)
{
	for (int i = 24; i >= 0; i -= 8)
		buf_add_char(b, (char)(v >> i & 0xff));
}

static void png_chunk(struct buf *b, const char *type, struct view data)
{
	be32(b, (uint32_t)data.n);
	buf_add(b, type, 4);
	buf_add_view(b, data);
	be32(b, crc32_ieee(crc32_ieee(0, type, 4), data.p, data.n));
}

static void png(struct buf *b)
{
	buf_init(b, MIB);
	buf_add(b, "\x89PNG\r\n\x1a\n", 8);
	png_chunk(b, "IHDR", view_of("\0\0\0\1\0\0\0\1\10\0\0\0\0", 13));
	png_chunk(b, "IDAT", VIEW("some bytes"));
	png_chunk(b, "IEND", VIEW(""));
}

static void box(struct buf *b, const char *type, struct view data)
{
	be32(b, (uint32_t)data.n + 8);
	buf_add(b, type, 4);
	buf_add_view(b, data);
}

static void long_box(struct buf *b, const char *type, struct view data)
{
	be32(b, 1);
	buf_add(b, type, 4);
	be32(b, 0);
	be32(b, (uint32_t)data.n + 16);
	buf_add_view(b, data);
}

static void mp4(struct buf *b)
{
	buf_init(b, MIB);
	box(b, "ftyp", VIEW("isom0000"));
	long_box(b, "mdat", VIEW("pictures"));
	box(b, "moov", VIEW("index"));
}

/* --- checking them --- */

static const char *in_pieces(enum filecheck_kind kind, struct view v, size_t piece)
{
	struct filecheck c;

	filecheck_init(&c, kind);
	for (size_t i = 0; i < v.n; i += piece)
		filecheck_add(&c, view_sub(v, i, piece));
	return filecheck_end(&c);
}

/* Whole, and in pieces of every small size: the verdict is the same. */
static const char *check(enum filecheck_kind kind, struct view v)
{
	const char *whole = in_pieces(kind, v, v.n ? v.n : 1);

	for (size_t piece = 1; piece < 40 && piece < v.n; piece++) {
		const char *cut = in_pieces(kind, v, piece);

		if (whole)
			assert_string_equal(cut, whole);
		else
			assert_null(cut);
	}
	return whole;
}

TEST(filecheck_png)
{
	struct buf b;

	png(&b);
	assert_null(check(FILECHECK_PNG, buf_view(&b)));
	buf_clear(&b);
}

TEST(filecheck_png_cut_anywhere)
{
	struct buf b;

	png(&b);
	for (size_t n = 0; n < b.n; n++)
		assert_string_equal(in_pieces(FILECHECK_PNG, view_sub(buf_view(&b), 0, n), 7), "cut off before IEND");
	buf_clear(&b);
}

TEST(filecheck_png_faults)
{
	struct buf b;

	png(&b);
	buf_add_char(&b, 'x');
	assert_string_equal(check(FILECHECK_PNG, buf_view(&b)), "bytes behind IEND");
	buf_clear(&b);
	png(&b);
	b.p[8 + 25 + 9] ^= 1; /* in IDAT */
	assert_string_equal(check(FILECHECK_PNG, buf_view(&b)), "chunk with a wrong CRC");
	b.p[0] = 'x';
	assert_string_equal(check(FILECHECK_PNG, buf_view(&b)), "no PNG signature");
	buf_clear(&b);
	buf_init(&b, MIB);
	buf_add(&b, "\x89PNG\r\n\x1a\n", 8);
	png_chunk(&b, "IEND", VIEW(""));
	assert_string_equal(check(FILECHECK_PNG, buf_view(&b)), "first chunk is not IHDR");
	buf_clear(&b);
	buf_init(&b, MIB);
	buf_add(&b, "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR", 16);
	assert_string_equal(check(FILECHECK_PNG, buf_view(&b)), "chunk length out of range");
	buf_clear(&b);
}

TEST(filecheck_mp4_with_a_long_box)
{
	struct buf b;

	mp4(&b);
	assert_null(check(FILECHECK_MP4, buf_view(&b)));
	buf_clear(&b);
}

TEST(filecheck_mp4_cut_anywhere)
{
	struct buf b;

	mp4(&b);
	for (size_t n = 0; n < b.n; n++)
		assert_non_null(in_pieces(FILECHECK_MP4, view_sub(buf_view(&b), 0, n), 3));
	buf_clear(&b);
}

TEST(filecheck_mp4_last_box_to_the_end)
{
	struct buf b;

	buf_init(&b, MIB);
	box(&b, "ftyp", VIEW("isom"));
	box(&b, "moov", VIEW(""));
	be32(&b, 0);
	buf_add(&b, "mdatanything", 12);
	assert_null(check(FILECHECK_MP4, buf_view(&b)));
	buf_clear(&b);
}

TEST(filecheck_mp4_faults)
{
	struct buf b;

	buf_init(&b, MIB);
	box(&b, "free", VIEW(""));
	assert_string_equal(check(FILECHECK_MP4, buf_view(&b)), "first box is not ftyp");
	buf_reset(&b);
	box(&b, "ftyp", VIEW("isom"));
	box(&b, "moov", VIEW(""));
	assert_string_equal(check(FILECHECK_MP4, buf_view(&b)), "no moov or no mdat box");
	be32(&b, 7);
	buf_add(&b, "mdat", 4);
	assert_string_equal(check(FILECHECK_MP4, buf_view(&b)), "box shorter than its head");
	buf_reset(&b);
	buf_add(&b, "\0\0\0\1ftyp\0\0\0\0\0\0\0\017", 16);
	assert_string_equal(check(FILECHECK_MP4, buf_view(&b)), "box shorter than its head");
	assert_string_equal(check(FILECHECK_MP4, VIEW("")), "no moov or no mdat box");
	buf_clear(&b);
}

TEST(filecheck_json)
{
	assert_null(check(FILECHECK_JSON, VIEW("{\"name\": \"x\", \"age\": [1, 2]}")));
	assert_string_equal(check(FILECHECK_JSON, VIEW("{\"name\": ")), "no JSON");
	assert_string_equal(check(FILECHECK_JSON, VIEW("")), "no JSON");
}

TEST(filecheck_json_has_a_limit)
{
	struct filecheck c;
	char text[4096];

	memset(text, ' ', sizeof(text));
	filecheck_init(&c, FILECHECK_JSON);
	for (int i = 0; i < 257; i++)
		filecheck_add(&c, view_of(text, sizeof(text)));
	assert_string_equal(filecheck_end(&c), "longer than 1 MiB");
}

TEST(filecheck_any_takes_anything)
{
	assert_null(check(FILECHECK_ANY, VIEW("whatever")));
}
