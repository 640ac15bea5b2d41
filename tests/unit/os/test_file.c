// SPDX-License-Identifier: Apache-2.0
/* Files and folders. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/file.h"

#include "unit.h"

static struct arena A;

static const char *in(const char *dir, const char *name)
{
	return arena_printf(&A, "%s/%s", dir, name);
}

static void begin(void)
{
	arena_clear(&A);
	arena_init(&A, 16 << 20);
}

TEST(file_replace_and_read)
{
	const char *d = unit_tmpdir(), *p;
	struct err e = { 0 };
	struct view v;
	struct stat st;

	begin();
	p = in(d, "f");
	assert_int_equal(file_replace(p, VIEW("one"), 0600, &e), 0);
	assert_int_equal(file_replace(p, VIEW("two2"), 0640, &e), 0);
	assert_int_equal(file_read(p, &A, 4, &v, &e), 0);
	assert_true(view_eq(v, VIEW("two2")));
	assert_int_equal(stat(p, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(file_read(p, &A, 3, &v, &e), ERR_LIMIT);
	err_clear(&e);
	assert_int_equal(file_read(in(d, "none"), &A, 3, &v, &e), ERR_NOENT);
	err_clear(&e);
	assert_int_equal(file_replace(p, VIEW(""), 0600, &e), 0);
	assert_int_equal(file_read(p, &A, 3, &v, &e), 0);
	assert_int_equal(v.n, 0);
	assert_int_equal(file_replace(in(d, "no/f"), VIEW("x"), 0600, &e), ERR_IO);
	err_clear(&e);
	assert_int_equal(file_read("/proc/self/status", &A, 1 << 20, &v, &e), 0);
	assert_true(v.n > 100);
	arena_clear(&A);
}

TEST(file_mkdirs_makes_parents)
{
	const char *d = unit_tmpdir();
	struct err e = { 0 };

	begin();
	assert_int_equal(file_mkdirs(in(d, "a//b/c/"), 0700, &e), 0);
	assert_int_equal(file_mkdirs(in(d, "a/b/c"), 0700, &e), 0);
	assert_true(file_exists(in(d, "a/b/c")));
	assert_int_equal(file_replace(in(d, "a/f"), VIEW("x"), 0600, &e), 0);
	assert_int_equal(file_mkdirs(in(d, "a/f"), 0700, &e), ERR_EXISTS);
	err_clear(&e);
	assert_int_equal(file_mkdirs(in(d, "a/f/g"), 0700, &e), ERR_EXISTS);
	arena_clear(&A);
}

TEST(file_remove_tree_does_not_follow_links)
{
	const char *d = unit_tmpdir();
	struct err e = { 0 };

	begin();
	assert_int_equal(file_mkdirs(in(d, "keep"), 0700, &e), 0);
	assert_int_equal(file_replace(in(d, "keep/f"), VIEW("x"), 0600, &e), 0);
	assert_int_equal(file_mkdirs(in(d, "t/a/b"), 0700, &e), 0);
	assert_int_equal(file_replace(in(d, "t/a/f"), VIEW("x"), 0600, &e), 0);
	assert_int_equal(symlink(in(d, "keep"), in(d, "t/a/l")), 0);
	assert_int_equal(file_remove_tree(in(d, "t"), &e), 0);
	assert_false(file_exists(in(d, "t")));
	assert_true(file_exists(in(d, "keep/f")));
	assert_int_equal(file_remove_tree(in(d, "t"), &e), 0);
	arena_clear(&A);
}

TEST(file_write_and_read_at)
{
	const char *d = unit_tmpdir();
	struct err e = { 0 };
	char got[10];
	CLEANUP(fd_closep) int fd = -1;

	begin();
	fd = open(in(d, "f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, "hello", 5, &e), 0);
	assert_int_equal(file_pwrite_all(fd, "HEL", 3, 3, &e), 0);
	file_sync_data(fd);
	file_sync_dir(d);
	assert_int_equal(file_pread_all(fd, got, sizeof(got), 1, &e), 5);
	assert_memory_equal(got, "elHEL", 5);
	assert_int_equal(file_pwrite_all(-1, "x", 1, 0, &e), ERR_IO);
	close(fd);
	arena_clear(&A);
}

/* More pieces than the system takes at once, some of no bytes. */
TEST(file_writes_many_pieces)
{
	static struct iovec v[3000];
	static char text[6000], got[6001];
	struct err e = { 0 };
	size_t at = 0;
	int fd = memfd_create("pieces", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		v[i] = (struct iovec){ text + at, i % 5 };
		at += i % 5;
	}
	assert_int_equal(file_pwritev_all(fd, v, ARRAY_LEN(v), 1, &e), 0);
	assert_int_equal(at, sizeof(text));
	assert_int_equal(file_pread_all(fd, got, sizeof(got), 0, &e), sizeof(got));
	assert_memory_equal(got + 1, text, sizeof(text));
	v[0] = (struct iovec){ text, 1 };
	assert_int_equal(file_pwritev_all(-1, v, 1, 0, &e), ERR_IO);
	close(fd);
}
