/* SPDX-License-Identifier: Apache-2.0 */
/* The generated files are what they say: read back by zlib and box by box. */
#include "demo/files.h"

#include <zlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "unit.h"

static uint32_t be32(const char *p)
{
	const uint8_t *b = (const uint8_t *)p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

TEST(files_png_can_be_unpacked)
{
	static uint8_t rows[80 * 241];
	uLongf n = sizeof(rows);
	struct buf b;
	size_t at = 8, chunks = 0;

	buf_init(&b, MIB);
	files_png(&b, 3);
	assert_memory_equal(b.p, "\x89PNG\r\n\x1a\n", 8);
	for (; at < b.n; chunks++) {
		uint32_t len = be32(b.p + at);

		assert_int_equal(crc32(0, (const Bytef *)b.p + at + 4, len + 4), be32(b.p + at + 8 + len));
		if (memcmp(b.p + at + 4, "IDAT", 4) == 0)
			assert_int_equal(uncompress(rows, &n, (const Bytef *)b.p + at + 8, len), Z_OK);
		at += 12 + len;
	}
	assert_int_equal(at, b.n);
	assert_int_equal(chunks, 3);
	assert_int_equal(n, sizeof(rows));
	buf_clear(&b);
}

TEST(files_profile_is_json)
{
	struct arena a;
	struct err e = { 0 };
	struct buf b;

	arena_init(&a, MIB);
	buf_init(&b, MIB);
	files_profile(&b, "p-0001", 3);
	const struct json *v = json_parse(&a, buf_view(&b), 8, &e);
	assert_non_null(v);
	assert_true(view_eq(json_get_str(v, "subject"), VIEW("p-0001")));
	buf_clear(&b);
	arena_clear(&a);
}

/* Offset of the box @type among those in [at, end), or 0. */
static size_t find(const struct buf *b, size_t at, size_t end, const char *type, size_t *ret_end)
{
	while (at + 8 <= end) {
		size_t n = be32(b->p + at);

		assert_true(n >= 8 && at + n <= end);
		if (memcmp(b->p + at + 4, type, 4) == 0) {
			*ret_end = at + n;
			return at + 8;
		}
		at += n;
	}
	return 0;
}

TEST(files_mp4_sample_table_fits_the_data)
{
	static const char *const path[] = { "moov", "trak", "mdia", "minf", "stbl" };
	size_t at = 0, end, table_end, media, media_end;
	struct buf b;

	buf_init(&b, 4 * MIB);
	files_mp4(&b, MIB, 3);
	end = table_end = b.n;
	for (size_t i = 0; i < ARRAY_LEN(path); i++) {
		at = find(&b, at, table_end, path[i], &table_end);
		assert_true(at > 0);
	}
	media = find(&b, 0, b.n, "mdat", &media_end);
	assert_true(media > 0 && media_end == b.n);
	size_t stsz = find(&b, at, table_end, "stsz", &end), stco = find(&b, at, table_end, "stco", &end);
	assert_true(stsz && stco);
	uint32_t size = be32(b.p + stsz + 4), frames = be32(b.p + stsz + 8);
	assert_int_equal(be32(b.p + stco + 8), media);
	assert_int_equal((size_t)size * frames, media_end - media);
	assert_true(b.n > MIB * 9 / 10 && b.n < MIB * 11 / 10);
	buf_clear(&b);
}
