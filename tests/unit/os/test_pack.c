/* SPDX-License-Identifier: Apache-2.0 */
/* Firehose's compression formats, read back by decoders of this test's own. */
#include "os/pack.h"

#include <sys/stat.h>

#include "base/arena.h"
#include "base/limits.h"
#include "os/file.h"
#include "os/gzip.h"
#include "os/zip.h"
#include "unit.h"

/* Compressible, and longer than any block. */
static void make(struct buf *b, size_t n)
{
	buf_init(b, n + 64);
	for (uint32_t i = 0; b->n < n; i++)
		buf_printf(b, "{\"n\":%u,\"x\":\"%08x\"}", i, i * 2654435761U);
	b->n = n;
}

static void pack_all(enum pack_format f, struct view v, size_t piece, struct buf *ret)
{
	struct pack *p = pack_new(f, "records");

	buf_init(ret, 64 * MIB);
	while (v.n) {
		struct view part = view_sub(v, 0, piece);

		pack_add(p, part.p, part.n, ret);
		v = view_from(v, part.n);
	}
	p = pack_end(p, ret);
	assert_null(p);
	assert_false(ret->over);
}

static uint32_t be32(struct view *v)
{
	const unsigned char *p = (const unsigned char *)v->p;

	assert_true(v->n >= 4);
	*v = view_from(*v, 4);
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t le(struct view *v, size_t n)
{
	size_t x = 0;

	assert_true(v->n >= n);
	for (size_t i = 0; i < n; i++)
		x |= (size_t)(unsigned char)v->p[i] << (8 * i);
	*v = view_from(*v, n);
	return x;
}

static void copy(struct buf *b, size_t begin, size_t distance, size_t n)
{
	assert_true(distance > 0 && distance <= b->n - begin);
	while (n--)
		buf_add_char(b, b->p[b->n - distance]);
}

/* The format of snappy's own format_description: a length, then literals and copies. */
static void unsnap(struct view v, struct buf *b)
{
	size_t begin = b->n, length = 0, tag, n;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		size_t byte = le(&v, 1);

		length |= (byte & 0x7f) << shift;
		if (byte < 0x80)
			break;
	}
	while (v.n) {
		tag = le(&v, 1);
		n = tag >> 2;
		switch (tag & 3) {
		case 0:
			n = n < 60 ? n + 1 : le(&v, n - 59) + 1;
			assert_true(n <= v.n);
			buf_add(b, v.p, n);
			v = view_from(v, n);
			break;
		case 1:
			copy(b, begin, (tag >> 5) << 8 | le(&v, 1), (n & 7) + 4);
			break;
		case 2:
			copy(b, begin, le(&v, 2), n + 1);
			break;
		default:
			copy(b, begin, le(&v, 4), n + 1);
		}
	}
	assert_int_equal(b->n - begin, length);
}

static void unxerial(struct view v, struct buf *b)
{
	assert_true(view_starts(v, VIEW("\202SNAPPY\0")));
	v = view_from(v, 8);
	assert_int_equal(be32(&v), 1);
	assert_int_equal(be32(&v), 1);
	while (v.n) {
		size_t n = be32(&v);

		assert_true(n <= v.n);
		unsnap(view_sub(v, 0, n), b);
		v = view_from(v, n);
	}
}

static void unhadoop(struct view v, struct buf *b)
{
	while (v.n) {
		size_t end = b->n + be32(&v);

		while (b->n < end) {
			size_t n = be32(&v);

			assert_true(n <= v.n);
			unsnap(view_sub(v, 0, n), b);
			v = view_from(v, n);
		}
		assert_int_equal(b->n, end);
	}
}

static void unzip(struct view v, struct buf *b)
{
	struct arena a;
	struct err e = { 0 };
	const char *dir;
	static int n;

	arena_init(&a, 64 * MIB);
	dir = arena_printf(&a, "%s/pack-%d", unit_tmpdir(), n++);
	if (zip_unpack(v, dir, 64 * MIB, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(
		file_read(arena_printf(&a, "%s/records", dir), &a, 16 * MIB, &v, &e), 0);
	buf_add_view(b, v);
	arena_clear(&a);
}

static void unpack(enum pack_format f, struct view v, struct buf *b)
{
	struct err e = { 0 };

	buf_init(b, 64 * MIB);
	switch (f) {
	case PACK_NONE:
		buf_add_view(b, v);
		break;
	case PACK_GZIP:
		if (gzip_unpack(v, b, &e) < 0)
			fail_msg("%s", e.msg);
		break;
	case PACK_ZIP:
		unzip(v, b);
		break;
	case PACK_SNAPPY:
		unxerial(v, b);
		break;
	case PACK_HADOOP_SNAPPY:
		unhadoop(v, b);
	}
}

TEST(pack_every_format_is_read_back)
{
	static const size_t sizes[] = { 0, 1, 32767, 32768, 65536, 65537, 300000 };

	for (int f = PACK_NONE; f <= PACK_HADOOP_SNAPPY; f++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			struct buf in, out, again, back;

			make(&in, sizes[i]);
			pack_all((enum pack_format)f, buf_view(&in), 10007, &out);
			pack_all((enum pack_format)f, buf_view(&in), 10007, &again);
			assert_true(view_eq(buf_view(&out), buf_view(&again)));
			unpack((enum pack_format)f, buf_view(&out), &back);
			assert_true(view_eq(buf_view(&in), buf_view(&back)));
			if (f != PACK_NONE && sizes[i] > 1000)
				assert_true(out.n < in.n * 3 / 4);
			buf_clear(&in);
			buf_clear(&out);
			buf_clear(&again);
			buf_clear(&back);
		}
}

TEST(pack_names_are_those_of_aws)
{
	enum pack_format f = PACK_NONE;

	assert_true(pack_from_name(VIEW("HADOOP_SNAPPY"), &f));
	assert_int_equal(f, PACK_HADOOP_SNAPPY);
	assert_true(pack_from_name(VIEW("Snappy"), &f));
	assert_false(pack_from_name(VIEW("SNAPPY"), &f));
	assert_string_equal(pack_extension(f), ".snappy");
	assert_string_equal(pack_encoding(f), "snappy-java");
	assert_string_equal(pack_extension(PACK_NONE), "");
	assert_null(pack_encoding(PACK_NONE));
	assert_string_equal(pack_name(PACK_ZIP), "ZIP");
}

TEST(pack_given_up_leaves_nothing)
{
	struct buf b;

	buf_init(&b, MIB);
	for (int f = PACK_NONE; f <= PACK_HADOOP_SNAPPY; f++) {
		struct pack *p = pack_new((enum pack_format)f, "x");

		assert_null(pack_free(p));
		p = pack_new((enum pack_format)f, "x");
		pack_add(p, "abc", 3, &b);
		assert_null(pack_free(p));
	}
	assert_null(pack_free(NULL));
	buf_clear(&b);
}

TEST(gzip_unpack_members_and_what_is_none)
{
	struct err e = { 0 };
	struct buf one, two, back;

	pack_all(PACK_GZIP, VIEW("hello "), 6, &one);
	pack_all(PACK_GZIP, VIEW("world"), 5, &two);
	buf_add_view(&one, buf_view(&two));
	buf_init(&back, 11);
	assert_int_equal(gzip_unpack(buf_view(&one), &back, &e), 0);
	assert_true(view_eq_str(buf_view(&back), "hello world"));

	for (size_t n = 0; n < two.n; n++) {
		buf_reset(&back);
		assert_int_equal(gzip_unpack(view_sub(buf_view(&two), 0, n), &back, &e),
				 ERR_INVALID);
		err_clear(&e);
	}
	buf_add_str(&two, "junk");
	buf_reset(&back);
	assert_int_equal(gzip_unpack(buf_view(&two), &back, &e), ERR_INVALID);
	buf_clear(&one);
	buf_clear(&two);
	buf_clear(&back);
}

TEST(gzip_unpack_stops_a_bomb)
{
	struct err e = { 0 };
	struct buf in, bomb, back;

	buf_init(&in, 16 * MIB);
	while (in.n < 10 * MIB)
		buf_add(&in, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	pack_all(PACK_GZIP, buf_view(&in), MIB, &bomb);
	assert_true(bomb.n < 20000);
	buf_init(&back, MIB);
	assert_int_equal(gzip_unpack(buf_view(&bomb), &back, &e), ERR_LIMIT);
	assert_string_equal(e.msg, "more than 1048576 bytes when unpacked");
	assert_true(back.n <= MIB);
	buf_clear(&in);
	buf_clear(&bomb);
	buf_clear(&back);
}
