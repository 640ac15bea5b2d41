// SPDX-License-Identifier: Apache-2.0
/* Zip archives, good and hostile. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "os/file.h"
#include "os/zip.h"

#include "unit.h"

static void pack(struct buf *b, const char *name, const char *data)
{
	struct zip_entry z = { name, view_str(data), 0644 };
	struct err e = { 0 };

	buf_init(b, 1 << 20);
	assert_int_equal(zip_pack(&z, 1, b, &e), 0);
}

TEST(zip_both_ways)
{
	static const struct zip_entry z[] = { { "bootstrap", { "#!/bin/sh\n", 10 }, 0755 },
					      { "lib/a.txt", { "a", 1 }, 0644 },
					      { "empty", { "", 0 }, 0644 } };
	const char *d = unit_tmpdir();
	struct buf b, again;
	struct err e = { 0 };
	struct arena a;
	struct stat st;
	struct view v;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	buf_init(&again, 1 << 20);
	assert_int_equal(zip_pack(z, 3, &b, &e), 0);
	assert_int_equal(zip_pack(z, 3, &again, &e), 0);
	assert_true(view_eq(buf_view(&b), buf_view(&again)));
	if (zip_unpack(buf_view(&b), arena_printf(&a, "%s/x", d), 1000, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(file_read(arena_printf(&a, "%s/x/lib/a.txt", d), &a, 10, &v, &e), 0);
	assert_true(view_eq(v, VIEW("a")));
	assert_int_equal(stat(arena_printf(&a, "%s/x/bootstrap", d), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(stat(arena_printf(&a, "%s/x/lib/a.txt", d), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(zip_unpack(buf_view(&b), arena_printf(&a, "%s/y", d), 10, &e), ERR_LIMIT);
	buf_clear(&b);
	buf_clear(&again);
	arena_clear(&a);
}

TEST(zip_refuses_names_that_lead_out)
{
	static const char *const names[] = { "../x", "/tmp/x", "a/../../x", "..", "a\\..\\x" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct err e = { 0 };
		struct buf b;

		pack(&b, names[i], "x");
		assert_int_equal(zip_unpack(buf_view(&b), unit_tmpdir(), 1000, &e), ERR_INVALID);
		assert_non_null(strstr(e.msg, "leads out of the archive"));
		buf_clear(&b);
	}
}

/* Makes the packed regular file a symbolic link: its mode in the central directory says what it is. */
static void make_link(struct buf *b)
{
	for (size_t i = 0; i + 46 < b->n; i++)
		if (memcmp(b->p + i, "PK\1\2", 4) == 0)
			b->p[i + 41] =
				(char)0xa1; /* S_IFLNK in the upper half of the external attributes */
}

TEST(zip_links_stay_inside)
{
	const char *d = unit_tmpdir();
	struct err e = { 0 };
	char target[10] = { 0 };
	struct arena a;
	struct buf b;

	arena_init(&a, 1 << 20);
	pack(&b, "l", "lib/x");
	make_link(&b);
	if (zip_unpack(buf_view(&b), d, 1000, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(readlink(arena_printf(&a, "%s/l", d), target, sizeof(target)), 5);
	assert_string_equal(target, "lib/x");
	buf_clear(&b);
	pack(&b, "l", "../x");
	make_link(&b);
	assert_int_equal(zip_unpack(buf_view(&b), unit_tmpdir(), 1000, &e), ERR_INVALID);
	buf_clear(&b);
	arena_clear(&a);
}

TEST(zip_refuses_broken_archives)
{
	struct err e = { 0 };
	struct buf b;

	assert_int_equal(zip_unpack(VIEW("hello, this is not an archive"), unit_tmpdir(), 1000, &e),
			 ERR_INVALID);
	err_clear(&e);
	pack(&b, "f", "some text that is long enough to be packed, some text that is long enough");
	assert_int_equal(zip_unpack(view_sub(buf_view(&b), 0, b.n / 2), unit_tmpdir(), 1000, &e),
			 ERR_INVALID);
	buf_clear(&b);
}
