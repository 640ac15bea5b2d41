/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs on files and packs: the suite, flipped bits, dead segments, erased bytes, kill -9, shared syncs. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/segment.h"
#include "suite_blob.h"

static struct blob_store *open_blobs(const char *dir)
{
	struct blob_store *b = NULL;
	struct err e = { 0 };

	if (blob_open_files(dir, &b, &e) < 0)
		fail_msg("%s", e.msg);
	return b;
}

SUITE_BLOB(blob_files, open_blobs)

static void flip(const char *path, off_t at, int bit)
{
	int fd = open(path, O_RDWR);
	uint8_t c;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= (uint8_t)(1 << bit);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

/* A child is let in to the file that a path names, not to the path: the file must not change under it. */
struct path_race {
	struct blob_store *b;
	const char *ref;
	ino_t inode;
};

static void *take_path(void *arg)
{
	struct path_race *x = arg;
	struct err e = { 0 };
	struct arena a;
	struct stat st;
	const char *path;

	arena_init(&a, MIB);
	if (blob_path(x->b, x->ref, &a, &path, &e) == 0 && stat(path, &st) == 0)
		x->inode = st.st_ino;
	arena_clear(&a);
	return NULL;
}

TEST(blob_path_gives_everybody_the_same_file)
{
	struct blob_store *b = open_blobs(unit_tmpdir());
	struct arena a;

	arena_init(&a, MIB);
	for (unsigned round = 0; round < 20; round++) {
		struct path_race x[8];
		pthread_t t[8];

		for (int i = 0; i < 8; i++)
			x[i] = (struct path_race){ b, i ? x[0].ref : suite_blob_put(b, &a, 100000, round), 0 };
		for (int i = 0; i < 8; i++)
			t[i] = thread_start("path", take_path, &x[i]);
		for (int i = 0; i < 8; i++)
			thread_join(t[i]);
		for (int i = 0; i < 8; i++) {
			assert_true(x[i].inode != 0);
			assert_true(x[i].inode == x[0].inode);
		}
	}
	arena_clear(&a);
	blob_close(b);
}

static int verify(struct blob_store *b, const char *ref, uint64_t off, uint64_t n)
{
	struct blob_reader *r;
	struct err e = { 0 };
	int fd, rc;

	assert_int_equal(blob_reader_open(b, ref, &r, &e), 0);
	rc = blob_verify(r, off, n, &fd, &e);
	blob_reader_close(r);
	return rc;
}

TEST(blob_files_verify_the_blocks_that_are_asked_for)
{
	const char *dir = unit_tmpdir(), *ref, *path;
	struct blob_store *b = open_blobs(dir);
	size_t n = 2 * MIB + 1000;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	ref = suite_blob_put(b, &a, n, 3);
	assert_int_equal(blob_path(b, ref, &a, &path, &e), 0);
	assert_int_equal(verify(b, ref, 0, n), 1);
	assert_int_equal(verify(b, ref, n, 0), 1);
	assert_int_equal(verify(b, ref, 1, n), ERR_INVALID);
	flip(path, (off_t)MIB + 5, 3);
	assert_int_equal(verify(b, ref, 0, MIB), 1);
	assert_int_equal(verify(b, ref, MIB - 1, 2), ERR_CORRUPT);
	assert_int_equal(verify(b, ref, 2 * MIB - 1, 1), ERR_CORRUPT);
	assert_int_equal(verify(b, ref, 2 * MIB, 1000), 1);
	flip(path, (off_t)n - 1, 3);
	assert_int_equal(verify(b, ref, 2 * MIB, 1), ERR_CORRUPT);
	assert_int_equal(verify(b, suite_blob_put(b, &a, 1000, 3), 0, 1000), 0); /* packed */
	arena_clear(&a);
	blob_close(b);
}

TEST(blob_files_find_flipped_bits_in_files)
{
	const char *dir = unit_tmpdir(), *ref, *path;
	struct blob_store *b = open_blobs(dir);
	size_t n = 2 * MIB + 1000;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	ref = suite_blob_put(b, &a, n, 3);
	assert_int_equal(blob_path(b, ref, &a, &path, &e), 0);
	for (size_t at = 0; at < n; at += n / 40 + 1) {
		flip(path, (off_t)at, (int)(at % 8));
		assert_int_equal(suite_blob_error(b, ref), ERR_CORRUPT);
		flip(path, (off_t)at, (int)(at % 8));
	}
	suite_blob_check(b, ref, n, 3);
	flip(path, 5, 5);
	blob_close(b);
	b = open_blobs(dir); /* a path is given only after the content was verified */
	assert_int_equal(blob_path(b, ref, &a, &path, &e), ERR_CORRUPT);
	err_clear(&e);
	flip(path, 5, 5);
	assert_int_equal(truncate(path, (off_t)n - 1), 0);
	assert_int_equal(suite_blob_error(b, ref), ERR_CORRUPT);
	arena_clear(&a);
	blob_close(b);
}

static const char *pack_file(const char *dir)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/pack/00000000000000000001.seg", dir);
	return path;
}

TEST(blob_files_find_every_flipped_bit_in_packs)
{
	const char *dir = unit_tmpdir(), *ref, *other;
	struct blob_store *b = open_blobs(dir);
	size_t at = SEGMENT_HEADER + segment_room(10);
	struct arena a;

	arena_init(&a, MIB);
	suite_blob_put(b, &a, 10, 1);
	ref = suite_blob_put(b, &a, 21, 2);
	other = suite_blob_put(b, &a, 30, 3);
	for (size_t i = at * 8; i < (at + segment_room(21)) * 8; i++) {
		flip(pack_file(dir), (off_t)(i / 8), (int)(i % 8));
		assert_int_equal(suite_blob_error(b, ref), ERR_CORRUPT);
		suite_blob_check(b, other, 30, 3);
		flip(pack_file(dir), (off_t)(i / 8), (int)(i % 8));
	}
	suite_blob_check(b, ref, 21, 2);
	arena_clear(&a);
	blob_close(b);
}

/* One damaged small blob must not keep the others from being served, nor new ones from being written. */
TEST(blob_files_open_with_a_damaged_pack)
{
	const char *dir = unit_tmpdir(), *refs[4], *more;
	struct blob_store *b = open_blobs(dir);
	struct arena a;

	arena_init(&a, MIB);
	for (unsigned i = 0; i < 3; i++)
		refs[i] = suite_blob_put(b, &a, 100, i);
	blob_close(b);
	flip(pack_file(dir), (off_t)(SEGMENT_HEADER + segment_room(100) + 40), 1);
	for (unsigned round = 0; round < 2; round++) {
		b = open_blobs(dir);
		suite_blob_check(b, refs[0], 100, 0);
		assert_int_equal(suite_blob_error(b, refs[1]), ERR_CORRUPT);
		suite_blob_check(b, refs[2], 100, 2);
		more = suite_blob_put(b, &a, 100, 7);
		suite_blob_check(b, more, 100, 7);
		blob_close(b);
	}
	flip(pack_file(dir), 20, 1); /* the header */
	b = open_blobs(dir);
	assert_int_equal(suite_blob_error(b, refs[0]), ERR_CORRUPT);
	suite_blob_check(b, more, 100, 7);
	arena_clear(&a);
	blob_close(b);
}

/* Records a to c of one group, the only one; b was being overwritten by its delete when the power went. */
static void torn_delete(const char *kind, struct segment_tail *ret)
{
	struct segment_info info = { .uuid = { 1, 2, 3 }, .first = 7, .size = 4096 };
	static uint8_t seg[4096];
	struct err e = { 0 };
	uint64_t off = SEGMENT_HEADER;
	int fd = memfd_create("segment", MFD_CLOEXEC);

	memcpy(info.kind, kind, 4);
	memset(seg, 0, sizeof(seg));
	for (unsigned i = 0; i < 3; i++) {
		struct segment_record r = { .seq = 7 + i, .group = SEGMENT_HEADER, .len = 64, .type = RECORD_LAST };
		uint8_t text[64];

		memset(text, 'a' + (int)i, sizeof(text));
		segment_encode(seg + off, &info, &r, text);
		if (i == 1)
			memset(seg + off + SEGMENT_RECORD, 0, 32);
		off += segment_room(r.len);
	}
	assert_true(fd >= 0);
	assert_int_equal(file_pwrite_all(fd, seg, sizeof(seg), 0, &e), 0);
	assert_int_equal(segment_recover(fd, &info, NULL, ret, &e), 0);
	close(fd);
}

TEST(blob_files_a_torn_delete_takes_no_other_blob_with_it)
{
	struct segment_tail t;

	torn_delete("PACK", &t);
	assert_true(t.corrupt); /* and nothing was cut: c was acknowledged together with b */
	assert_int_equal(t.cut, 0);
	torn_delete("LOG ", &t);
	assert_false(t.corrupt); /* never overwritten: the group itself was torn, so none of it was acknowledged */
	assert_true(t.cut > 0);
}

TEST(blob_files_refuse_the_reference_of_another_blob)
{
	const char *dir = unit_tmpdir();
	struct blob_store *b = open_blobs(dir);
	char ref[128];
	struct arena a;

	arena_init(&a, MIB);
	assert_true(strlen(suite_blob_put(b, &a, 100, 1)) < sizeof(ref));
	snprintf(ref, sizeof(ref), "%s", suite_blob_put(b, &a, 100, 2));
	ref[strlen(ref) - 1] = ref[strlen(ref) - 1] == '0' ? '1' : '0';
	assert_int_equal(suite_blob_error(b, ref), ERR_CORRUPT);
	arena_clear(&a);
	blob_close(b);
}

static int count_segments(const char *dir)
{
	char path[4096];
	struct dirent *ent;
	uint64_t first;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/pack", dir);
	d = opendir(path);
	assert_non_null(d);
	while ((ent = readdir(d)) != NULL)
		n += segment_name_parse(ent->d_name, &first);
	closedir(d);
	return n;
}

static bool is_first(void *arg, struct view key)
{
	return view_eq(key, blob_key(arg));
}

#define MANY 60 /* of 100 KiB: fills the first segment of 4 MiB and begins the second */

TEST(blob_files_remove_segments_whose_blobs_are_all_deleted)
{
	const char *dir = unit_tmpdir(), *refs[MANY];
	struct blob_store *b = open_blobs(dir);
	struct err e = { 0 };
	uint64_t removed;
	struct arena a;

	arena_init(&a, MIB);
	for (unsigned i = 0; i < MANY; i++)
		refs[i] = suite_blob_put(b, &a, 100 * KIB, i);
	blob_close(b);
	b = open_blobs(dir);
	assert_int_equal(count_segments(dir), 2);
	assert_int_equal(blob_sweep(b, SWEEP_ALL, is_first, (void *)(uintptr_t)refs[0], &removed, &e), 0);
	assert_int_equal(removed, MANY - 1);
	assert_int_equal(count_segments(dir), 2);
	suite_blob_check(b, refs[0], 100 * KIB, 0);
	assert_int_equal(blob_delete(b, refs[0], &e), 0);
	assert_int_equal(count_segments(dir), 1);
	assert_int_equal(suite_blob_error(b, refs[0]), ERR_NOENT);
	blob_close(b);
	/* The same without a restart in between. */
	b = open_blobs(dir);
	for (unsigned i = 0; i < 3 * MANY; i++)
		refs[i % MANY] = suite_blob_put(b, &a, 100 * KIB, i);
	assert_true(count_segments(dir) > 1);
	blob_close(b);
	arena_clear(&a);
}

/* Writes a small and a large blob and dies. */
static void crash_after_two(const char *dir)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct blob_store *b = open_blobs(dir);
		struct arena a;

		arena_init(&a, MIB);
		suite_blob_put(b, &a, 100, 1);
		suite_blob_put(b, &a, MIB, 2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool count_asked(void *arg, struct view key)
{
	(void)key;
	++*(int *)arg;
	return false;
}

static int asked_by_sweep(struct blob_store *b)
{
	struct err e = { 0 };
	uint64_t removed;
	int asked = 0;

	assert_int_equal(blob_sweep(b, SWEEP_CRASHED, count_asked, &asked, &removed, &e), 0);
	assert_int_equal(removed, asked);
	return asked;
}

TEST(blob_files_suspect_only_what_a_crashed_run_wrote)
{
	const char *dir = unit_tmpdir(), *small, *large, *young;
	struct blob_store *b = open_blobs(dir);
	char path[4096];
	struct arena a;

	arena_init(&a, MIB);
	assert_false(blob_crashed(b));
	small = suite_blob_put(b, &a, 100, 3);
	large = suite_blob_put(b, &a, MIB, 4);
	assert_int_equal(asked_by_sweep(b), 0);
	blob_close(b);
	crash_after_two(dir);
	crash_after_two(dir); /* the second does not make the first be forgotten */
	b = open_blobs(dir);
	assert_true(blob_crashed(b));
	blob_close(b); /* and neither does a run without a sweep */
	b = open_blobs(dir);
	assert_true(blob_crashed(b));
	young = suite_blob_put(b, &a, 100, 5);
	assert_int_equal(asked_by_sweep(b), 4);
	assert_false(blob_crashed(b));
	assert_int_equal(asked_by_sweep(b), 0);
	suite_blob_check(b, small, 100, 3);
	suite_blob_check(b, large, MIB, 4);
	suite_blob_check(b, young, 100, 5);
	blob_close(b);
	/* Without its file the runs are known from the names: what is there is never suspect. */
	snprintf(path, sizeof(path), "%s/run", dir);
	assert_int_equal(unlink(path), 0);
	crash_after_two(dir);
	b = open_blobs(dir);
	assert_int_equal(asked_by_sweep(b), 2);
	suite_blob_check(b, large, MIB, 4);
	blob_close(b);
	flip(path, 20, 1);
	b = open_blobs(dir);
	assert_int_equal(asked_by_sweep(b), 0);
	assert_false(blob_crashed(b));
	blob_close(b);
	arena_clear(&a);
}

/* What is deleted is gone from the disk, not only from the index. */
TEST(blob_files_erase_the_bytes_of_small_blobs)
{
	const char *dir = unit_tmpdir(), *ref, *stays;
	struct blob_store *b = open_blobs(dir);
	struct err e = { 0 };
	struct view all;
	struct arena a;

	arena_init(&a, 16 * MIB);
	assert_int_equal(blob_put(b, VIEW("personal: canary"), &a, &ref, &e), 0);
	stays = suite_blob_put(b, &a, 100, 1);
	assert_int_equal(blob_delete(b, ref, &e), 0);
	assert_int_equal(file_read(pack_file(dir), &a, 8 * MIB, &all, &e), 0);
	assert_true(view_find(all, VIEW("canary")) < 0);
	blob_close(b);
	b = open_blobs(dir);
	suite_blob_check(b, stays, 100, 1);
	assert_int_equal(suite_blob_error(b, ref), ERR_NOENT);
	arena_clear(&a);
	blob_close(b);
}

TEST(blob_files_refuse_a_second_opening)
{
	const char *dir = unit_tmpdir();
	struct blob_store *b = open_blobs(dir), *other;
	struct err e = { 0 };

	assert_int_equal(blob_open_files(dir, &other, &e), ERR_BUSY);
	blob_close(b);
}

#define WRITERS 16
#define EACH 60

static void *put_some(void *arg)
{
	struct arena a;

	arena_init(&a, MIB);
	for (int i = 0; i < EACH; i++)
		suite_blob_put(arg, &a, 1000, 1);
	arena_clear(&a);
	return NULL;
}

TEST(blob_files_share_syncs_between_small_blobs)
{
	struct blob_store *b = open_blobs(unit_tmpdir());
	uint64_t before = file_sync_count();
	pthread_t t[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		t[i] = thread_start("writer", put_some, b);
	for (int i = 0; i < WRITERS; i++)
		thread_join(t[i]);
	assert_true(file_sync_count() - before < WRITERS * EACH);
	blob_close(b);
}

static const size_t some_sizes[] = { 100, 200000, 5000, 0 };

static void put_for_ever(const char *dir, int fd)
{
	struct blob_store *b = open_blobs(dir);
	struct arena a;

	arena_init(&a, GIB);
	for (unsigned i = 0;; i++) {
		char line[256] = { 0 };

		snprintf(line, sizeof(line), "%s", suite_blob_put(b, &a, some_sizes[i % 4], i % 4));
		if (write(fd, line, sizeof(line)) != sizeof(line))
			_exit(1);
	}
}

TEST(blob_files_keep_every_acknowledged_blob_over_kill_9)
{
	const char *dir = unit_tmpdir();
	struct blob_store *b;
	int p[2], status;
	char line[256];
	unsigned n = 0;
	pid_t pid;
	static char refs[4096][256];

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		put_for_ever(dir, p[1]);
	close(p[1]);
	while (n < 4096 && read(p[0], line, sizeof(line)) == sizeof(line)) {
		memcpy(refs[n], line, sizeof(line));
		if (++n == 200)
			kill(pid, SIGKILL);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(p[0]);
	assert_true(n >= 200);
	b = open_blobs(dir);
	for (unsigned i = 0; i < n; i++)
		suite_blob_check(b, refs[i], some_sizes[i % 4], i % 4);
	blob_close(b);
}

/* In a child, because the limit is the process's. */
static void full_disk(const char *dir)
{
	struct rlimit small = { 300 * KIB, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	struct blob_store *b = open_blobs(dir);
	char *p = suite_blob_bytes(MIB, 1);
	struct err e = { 0 };
	const char *ref;
	struct arena a;

	arena_init(&a, MIB);
	signal(SIGXFSZ, SIG_IGN);
	must(setrlimit(RLIMIT_FSIZE, &small) == 0);
	must(blob_put(b, view_of(p, MIB), &a, &ref, &e) == ERR_LIMIT);
	err_clear(&e);
	must(setrlimit(RLIMIT_FSIZE, &none) == 0);
	must(blob_put(b, view_of(p, MIB), &a, &ref, &e) == 0);
	suite_blob_check(b, ref, MIB, 1);
	blob_close(b);
	_exit(0);
}

TEST(blob_files_go_on_when_the_full_disk_has_room_again)
{
	const char *dir = unit_tmpdir();
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0)
		full_disk(dir);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}
