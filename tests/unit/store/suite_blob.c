/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of blob (store/blob.h) as tests that take a constructor. */
#include "suite_blob.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/file.h"
#include "os/thread.h"

static const size_t sizes[] = { 0, 1, 7, 8, 1000, LIMIT_SMALL_BLOB - 1, LIMIT_SMALL_BLOB, LIMIT_SMALL_BLOB + 1,
				MIB - 1, MIB, MIB + 1, 3 * MIB + 12345 };

char *suite_blob_bytes(size_t n, unsigned seed)
{
	char *p = malloc(n + 1);
	uint32_t x = seed * 2654435761u + 1;

	must(p);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (char)(x >> 24);
	}
	return p;
}

const char *suite_blob_put(struct blob_store *b, struct arena *a, size_t n, unsigned seed)
{
	char *p = suite_blob_bytes(n, seed);
	const char *ref = NULL;
	struct err e = { 0 };
	int rc = blob_put(b, view_of(p, n), a, &ref, &e);

	free(p);
	if (rc < 0)
		fail_msg("%s", e.msg);
	assert_true(ref && *ref);
	return ref;
}

int suite_blob_error(struct blob_store *b, const char *ref)
{
	struct blob_reader *r;
	struct err e = { 0 };
	char buf[1000];
	uint64_t off = 0;
	ssize_t n;

	if (blob_reader_open(b, ref, &r, &e) < 0)
		return e.code;
	while ((n = blob_read(r, buf, sizeof(buf), off, &e)) > 0)
		off += (uint64_t)n;
	blob_reader_close(r);
	return (int)n;
}

void suite_blob_check(struct blob_store *b, const char *ref, size_t n, unsigned seed)
{
	char *want = suite_blob_bytes(n, seed), *got = malloc(n + 10);
	struct blob_reader *r;
	struct err e = { 0 };
	uint64_t size;

	assert_int_equal(blob_size(ref, &size, &e), 0);
	assert_int_equal(size, n);
	if (blob_reader_open(b, ref, &r, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(blob_read(r, got, n + 10, 0, &e), n);
	assert_memory_equal(got, want, n);
	assert_int_equal(blob_read(r, got, 10, n, &e), 0);
	blob_reader_close(r);
	free(want);
	free(got);
}

void suite_blob_gives_back_every_size(suite_blob_open open)
{
	struct blob_store *b = open(unit_tmpdir());
	struct arena a;

	arena_init(&a, MIB);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++)
		suite_blob_check(b, suite_blob_put(b, &a, sizes[i], i), sizes[i], i);
	arena_clear(&a);
	blob_close(b);
}

void suite_blob_keeps_blobs_over_reopening(suite_blob_open open)
{
	const char *dir = unit_tmpdir(), *refs[2][ARRAY_LEN(sizes)];
	struct blob_store *b;
	struct arena a;

	arena_init(&a, MIB);
	for (unsigned round = 0; round < 2; round++) {
		b = open(dir);
		for (unsigned i = 0; i < ARRAY_LEN(sizes); i++)
			refs[round][i] = suite_blob_put(b, &a, sizes[i], i + round);
		blob_close(b);
	}
	b = open(dir);
	for (unsigned i = 0; i < 2 * ARRAY_LEN(sizes); i++)
		suite_blob_check(b, refs[i % 2][i / 2], sizes[i / 2], i / 2 + i % 2);
	arena_clear(&a);
	blob_close(b);
}

void suite_blob_streams_in_pieces(suite_blob_open open)
{
	struct blob_store *b = open(unit_tmpdir());
	size_t n = 2 * MIB + 77;
	char *p = suite_blob_bytes(n, 5);
	struct arena a;

	arena_init(&a, MIB);
	for (size_t piece = 999; piece < MIB; piece = piece * 5 + 1) {
		struct blob_writer *w;
		struct err e = { 0 };
		const char *ref;

		assert_int_equal(blob_begin(b, &w, &e), 0);
		for (size_t at = 0; at < n; at += piece)
			assert_int_equal(blob_write(w, p + at, n - at < piece ? n - at : piece, &e), 0);
		assert_int_equal(blob_written(w), n);
		assert_int_equal(blob_commit(w, &a, &ref, &e), 0);
		suite_blob_check(b, ref, n, 5);
	}
	free(p);
	arena_clear(&a);
	blob_close(b);
}

static void check_ranges(struct blob_store *b, const char *ref, const char *want, size_t n)
{
	static const size_t lens[] = { 1, 10, 5000, MIB, 2 * MIB + 5 };
	char *got = malloc(3 * MIB);
	struct blob_reader *r;
	struct err e = { 0 };

	assert_int_equal(blob_reader_open(b, ref, &r, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		for (size_t off = 0; off < n; off += n / 7 + 1) {
			size_t len = n - off < lens[i] ? n - off : lens[i];

			assert_int_equal(blob_read(r, got, lens[i], off, &e), len);
			assert_memory_equal(got, want + off, len);
		}
	}
	assert_int_equal(blob_read(r, got, 5, n + 1000, &e), 0);
	blob_reader_close(r);
	free(got);
}

void suite_blob_reads_any_range(suite_blob_open open)
{
	struct blob_store *b = open(unit_tmpdir());
	char *p = suite_blob_bytes(3 * MIB, 9);
	struct arena a;

	arena_init(&a, MIB);
	check_ranges(b, suite_blob_put(b, &a, 3 * MIB, 9), p, 3 * MIB);
	check_ranges(b, suite_blob_put(b, &a, 20000, 9), p, 20000);
	free(p);
	arena_clear(&a);
	blob_close(b);
}

static bool none_used(void *arg, struct view key)
{
	++*(int *)arg;
	return false;
}

void suite_blob_abort_leaves_nothing(suite_blob_open open)
{
	const char *dir = unit_tmpdir();
	struct blob_store *b = open(dir);
	char *p = suite_blob_bytes(MIB, 1);
	struct err e = { 0 };
	uint64_t removed = 99;
	int asked = 0;

	for (size_t n = 10; n <= MIB; n = n * 100 + MIB / 10) {
		struct blob_writer *w;

		assert_int_equal(blob_begin(b, &w, &e), 0);
		assert_int_equal(blob_write(w, p, n < MIB ? n : MIB, &e), 0);
		assert_null(blob_abort(w));
	}
	assert_null(blob_abort(NULL));
	blob_close(b);
	b = open(dir);
	assert_int_equal(blob_sweep(b, SWEEP_ALL, none_used, &asked, &removed, &e), 0);
	assert_int_equal(asked, 0);
	assert_int_equal(removed, 0);
	free(p);
	blob_close(b);
}

static void write_file(const char *path, const char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

void suite_blob_adopts_a_file(suite_blob_open open)
{
	const char *dir = unit_tmpdir(), *ref;
	struct blob_store *b = open(dir);
	struct err e = { 0 };
	struct arena a;
	char path[4096];

	arena_init(&a, MIB);
	snprintf(path, sizeof(path), "%s/staged", dir);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		char *p = suite_blob_bytes(sizes[i], i);

		write_file(path, p, sizes[i]);
		free(p);
		if (blob_adopt(b, path, &a, &ref, &e) < 0)
			fail_msg("%s", e.msg);
		assert_false(file_exists(path));
		suite_blob_check(b, ref, sizes[i], i);
	}
	assert_int_equal(blob_adopt(b, path, &a, &ref, &e), ERR_NOENT);
	err_clear(&e);
	assert_int_equal(blob_adopt(b, dir, &a, &ref, &e), ERR_INVALID);
	arena_clear(&a);
	blob_close(b);
}

void suite_blob_gives_paths(suite_blob_open open)
{
	struct blob_store *b = open(unit_tmpdir());
	struct arena a;

	arena_init(&a, 16 * MIB);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		const char *ref = suite_blob_put(b, &a, sizes[i], i), *path, *again;
		char *want = suite_blob_bytes(sizes[i], i);
		struct err e = { 0 };
		struct view got;

		assert_int_equal(blob_path(b, ref, &a, &path, &e), 0);
		assert_int_equal(file_read(path, &a, 4 * MIB, &got, &e), 0);
		assert_int_equal(got.n, sizes[i]);
		assert_memory_equal(got.p, want, got.n);
		assert_int_equal(blob_path(b, ref, &a, &again, &e), 0);
		assert_string_equal(path, again);
		free(want);
	}
	arena_clear(&a);
	blob_close(b);
}

void suite_blob_deletes(suite_blob_open open)
{
	struct blob_store *b = open(unit_tmpdir());
	struct arena a;

	arena_init(&a, MIB);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		const char *ref = suite_blob_put(b, &a, sizes[i], i), *stays = suite_blob_put(b, &a, sizes[i], i + 1);
		const char *path;
		struct err e = { 0 };

		assert_int_equal(blob_path(b, ref, &a, &path, &e), 0);
		assert_int_equal(blob_delete(b, ref, &e), 0);
		assert_false(file_exists(path));
		assert_int_equal(suite_blob_error(b, ref), ERR_NOENT);
		assert_int_equal(blob_path(b, ref, &a, &path, &e), ERR_NOENT);
		err_clear(&e);
		assert_int_equal(blob_delete(b, ref, &e), 0);
		suite_blob_check(b, stays, sizes[i], i + 1);
	}
	arena_clear(&a);
	blob_close(b);
}

static bool is_used(void *arg, struct view key)
{
	const char **refs = arg;

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i += 2) {
		if (view_eq(key, blob_key(refs[i])))
			return true;
	}
	return false;
}

void suite_blob_sweeps_what_is_not_used(suite_blob_open open)
{
	const char *dir = unit_tmpdir(), *refs[ARRAY_LEN(sizes)];
	struct blob_store *b = open(dir);
	struct err e = { 0 };
	uint64_t removed;
	struct arena a;

	arena_init(&a, MIB);
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++)
		refs[i] = suite_blob_put(b, &a, sizes[i], i);
	for (unsigned round = 0; round < 2; round++) {
		blob_close(b);
		b = open(dir);
		assert_int_equal(blob_sweep(b, SWEEP_ALL, is_used, refs, &removed, &e), 0);
		assert_int_equal(removed, round ? 0 : ARRAY_LEN(sizes) / 2);
		for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
			if (i % 2)
				assert_int_equal(suite_blob_error(b, refs[i]), ERR_NOENT);
			else
				suite_blob_check(b, refs[i], sizes[i], i);
		}
	}
	arena_clear(&a);
	blob_close(b);
}

void suite_blob_sweep_spares_what_came_after_opening(suite_blob_open open)
{
	struct blob_store *b = open(unit_tmpdir());
	const char *small, *large;
	struct err e = { 0 };
	uint64_t removed;
	struct arena a;
	int asked = 0;

	arena_init(&a, MIB);
	small = suite_blob_put(b, &a, 100, 1);
	large = suite_blob_put(b, &a, MIB, 2);
	assert_int_equal(blob_sweep(b, SWEEP_ALL, none_used, &asked, &removed, &e), 0);
	assert_int_equal(removed, 0);
	suite_blob_check(b, small, 100, 1);
	suite_blob_check(b, large, MIB, 2);
	arena_clear(&a);
	blob_close(b);
}

void suite_blob_refuses_what_is_no_reference(suite_blob_open open)
{
	static const char *const bad[] = {
		"", "x", "f1", "f1:", "f2:0:0:", "p1:1:2", "p1:1:2:3:xyz", "p1:a:64:3:00000000", "p1:1:64:3:0000000",
		"f1:../../../etc/passwd/0000000000000000:5:00000000", "f1:00000000-0000-0000-0000-00000000000:5:00000000",
		"f1:00000000-0000-0000-0000-000000000000:5:", "f1:00000000-0000-0000-0000-000000000000:5:0000000G",
		"f1:00000000-0000-0000-0000-000000000000:2000000:00000000", "f1:00000000-0000-0000-0000-000000000000:5",
	};
	struct blob_store *b = open(unit_tmpdir());
	uint64_t size;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = { 0 };

		if (suite_blob_error(b, bad[i]) != ERR_CORRUPT)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(blob_size(bad[i], &size, &e), ERR_CORRUPT);
		err_clear(&e);
		assert_int_equal(blob_delete(b, bad[i], &e), ERR_CORRUPT);
	}
	assert_int_equal(suite_blob_error(b, "f1:00000000-0000-0000-0000-000000000000:5:00000000"), ERR_NOENT);
	assert_true(view_eq_str(blob_key("f1:u:5:0"), "f1:u"));
	assert_true(view_eq_str(blob_key("p1:1:64:5:0"), "p1:1:64"));
	blob_close(b);
}

#define WRITERS 8
#define EACH 40

static void *put_many(void *arg)
{
	struct arena a;

	arena_init(&a, MIB);
	for (unsigned i = 0; i < EACH; i++) {
		size_t n = i % 10 ? i * 100 : 200000;
		const char *ref = suite_blob_put(arg, &a, n, i);
		struct err e = { 0 };

		suite_blob_check(arg, ref, n, i);
		if (i % 3 == 0)
			must(blob_delete(arg, ref, &e) == 0);
	}
	arena_clear(&a);
	return NULL;
}

void suite_blob_many_writers(suite_blob_open open)
{
	struct blob_store *b = open(unit_tmpdir());
	pthread_t t[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		t[i] = thread_start("writer", put_many, b);
	for (int i = 0; i < WRITERS; i++)
		thread_join(t[i]);
	blob_close(b);
}
