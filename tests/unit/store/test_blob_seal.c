// SPDX-License-Identifier: Apache-2.0
/* Encrypted blobs: every size and range, tampering of every kind, nothing readable in any file. */
#include "store/blob_seal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/limits.h"
#include "os/file.h"
#include "suite_blob.h"

#define SEG SEAL_SEGMENT

static struct blob_store *store;
static struct arena arena;
static const char *dir;

static void open_store(void)
{
	struct err e = { 0 };

	dir = unit_tmpdir();
	arena_init(&arena, 256 * MIB);
	if (blob_open_files(dir, &store, &e) < 0)
		fail_msg("%s", e.msg);
}

static void close_store(void)
{
	store = blob_close(store);
	arena_clear(&arena);
}

static struct seal_key a_key(uint8_t x)
{
	struct seal_key k = { .kind = SEAL_BUCKET };

	memset(k.id, x, sizeof(k.id));
	memset(k.key, x + 1, sizeof(k.key));
	return k;
}

static const char *put(const struct seal_key *k, struct view v, size_t piece)
{
	struct blob_writer *w;
	const char *ref = NULL;
	struct err e = { 0 };

	assert_int_equal(blob_seal_begin(store, k, &w, &e), 0);
	for (size_t at = 0; at < v.n; at += piece)
		assert_int_equal(blob_write(w, v.p + at, v.n - at < piece ? v.n - at : piece, &e),
				 0);
	assert_int_equal(blob_written(w), v.n);
	if (blob_commit(w, &arena, &ref, &e) < 0)
		fail_msg("%s", e.msg);
	return ref;
}

/* The error of reading everything, or 0 and the bytes in @ret. */
static int get(const struct seal_key *k, const char *ref, struct view *ret)
{
	struct blob_reader *r;
	struct err e = { 0 };
	uint64_t size;
	ssize_t n;
	char *p;

	*ret = VIEW_NONE;
	if (blob_size(ref, &size, &e) < 0)
		return e.code;
	if (blob_seal_open(store, ref, k, &r, &e) < 0)
		return e.code;
	p = arena_alloc(&arena, size + 1);
	n = blob_read(r, p, size + 1, 0, &e);
	blob_reader_close(r);
	if (n < 0)
		return (int)n;
	*ret = view_of(p, (size_t)n);
	return 0;
}

static struct view raw(const char *ref)
{
	struct blob_reader *r;
	struct err e = { 0 };
	uint64_t size;
	char *p;

	assert_int_equal(blob_size(blob_bare(ref), &size, &e), 0);
	assert_int_equal(blob_reader_open(store, blob_bare(ref), &r, &e), 0);
	p = arena_alloc(&arena, size + 1);
	assert_int_equal(blob_read(r, p, size, 0, &e), size);
	blob_reader_close(r);
	return view_of(p, size);
}

/* The same sealed reference over other stored bytes, whose own checksums are right. */
static const char *over(const char *ref, struct view bytes)
{
	struct err e = { 0 };
	const char *inner;

	assert_int_equal(blob_put(store, bytes, &arena, &inner, &e), 0);
	return arena_printf(&arena, "%.*s%s", (int)(blob_bare(ref) - ref), ref, inner);
}

static void refused(const struct seal_key *k, const char *ref)
{
	struct view got;

	assert_int_equal(get(k, ref, &got), ERR_CORRUPT);
	assert_null(got.p);
}

TEST(blob_seal_gives_back_every_size)
{
	static const size_t sizes[] = { 0,           1,       15,      16,          17,
					SEG - 1,     SEG,     SEG + 1, 2 * SEG - 1, 2 * SEG,
					2 * SEG + 1, MIB - 1, MIB,     MIB + SEG,   3 * MIB + 12345,
					48 * SEG };
	struct seal_key k = a_key(1);

	open_store();
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *p = suite_blob_bytes(sizes[i], (unsigned)i);
		struct view v = view_of(p, sizes[i]), got;
		const char *ref = put(&k, v, i % 2 ? 7001 : 4 * MIB);
		struct err e = { 0 };
		uint64_t size;

		assert_int_equal(blob_size(ref, &size, &e), 0);
		assert_int_equal(size, v.n);
		assert_int_equal(get(&k, ref, &got), 0);
		assert_true(view_eq(got, v));
		free(p);
	}
	close_store();
}

TEST(blob_seal_reads_any_range)
{
	static const size_t at[] = {
		0, 1, SEG - 1, SEG, SEG + 1, 2 * SEG - 1, 2 * SEG, 3 * SEG + 99
	};
	static const size_t len[] = { 1, 2, SEG - 1, SEG, SEG + 1, 2 * SEG, 2 * SEG + 2, 9 * SEG };
	size_t n = 3 * SEG + 100;
	char *p = suite_blob_bytes(n, 4), *out = malloc(9 * SEG);
	struct seal_key k = a_key(1);
	struct blob_reader *r;
	struct err e = { 0 };

	open_store();
	assert_int_equal(blob_seal_open(store, put(&k, view_of(p, n), MIB), &k, &r, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		for (size_t j = 0; j < ARRAY_LEN(len); j++) {
			size_t want = n - at[i] < len[j] ? n - at[i] : len[j];

			assert_int_equal(blob_read(r, out, len[j], at[i], &e), want);
			assert_memory_equal(out, p + at[i], want);
		}
	assert_int_equal(blob_read(r, out, 10, n, &e), 0);
	blob_reader_close(r);
	free(p);
	free(out);
	close_store();
}

TEST(blob_seal_sees_every_changed_byte)
{
	char *p = suite_blob_bytes(SEG + 100, 5);
	struct seal_key k = a_key(1);
	const char *ref;
	struct view stored, got;

	open_store();
	ref = put(&k, view_of(p, SEG + 100), MIB);
	stored = raw(ref);
	assert_int_equal(stored.n, SEG + 100 + 2 * GCM_TAG);
	for (size_t i = 0; i<stored.n; i += i> 100 && i < SEG - 100 ? 997 : 7) {
		char *copy = arena_alloc(&arena, stored.n);

		memcpy(copy, stored.p, stored.n);
		copy[i] ^= 1;
		refused(&k, over(ref, view_of(copy, stored.n)));
	}
	assert_int_equal(get(&k, over(ref, stored), &got), 0);
	free(p);
	close_store();
}

TEST(blob_seal_sees_truncation_and_splices)
{
	size_t sealed = SEG + GCM_TAG;
	char *p = suite_blob_bytes(3 * SEG, 6), *copy;
	struct seal_key k = a_key(1);
	const char *ref, *other, *none;
	struct view a, b;

	open_store();
	ref = put(&k, view_of(p, 3 * SEG), MIB);
	other = put(&k, view_of(p, 3 * SEG), MIB); /* the same bytes, key and place */
	none = put(&k, VIEW(""), 1);
	a = raw(ref);
	b = raw(other);
	for (size_t n = 0; n <= a.n - 1; n += n % 1000 == 0 ? 16 : 984) /* incl. segments' ends */
		refused(&k, over(ref, view_sub(a, 0, n)));
	refused(&k, over(ref, view_sub(a, 0, sealed)));
	refused(&k, over(ref, view_sub(a, 0, 2 * sealed)));
	refused(&k, over(ref, view_from(a, sealed)));
	refused(&k, over(none, view_sub(raw(none), 0, 15)));
	refused(&k, over(none, view_sub(a, 0, GCM_TAG)));
	refused(&k, over(ref, raw(none)));
	copy = arena_alloc(&arena, a.n + sealed);
	memcpy(copy, a.p + sealed, sealed); /* two segments change places */
	memcpy(copy + sealed, a.p, sealed);
	memcpy(copy + 2 * sealed, a.p + 2 * sealed, sealed);
	refused(&k, over(ref, view_of(copy, a.n)));
	memcpy(copy, a.p, a.n); /* one comes from elsewhere */
	memcpy(copy + sealed, b.p + sealed, sealed);
	refused(&k, over(ref, view_of(copy, a.n)));
	memcpy(copy, a.p, a.n); /* the last one twice */
	memcpy(copy + a.n, a.p + 2 * sealed, sealed);
	refused(&k, over(ref, view_of(copy, a.n + sealed)));
	refused(&k, over(ref, b));
	free(p);
	close_store();
}

TEST(blob_seal_sees_a_changed_reference)
{
	struct seal_key k = a_key(1);
	uint8_t head[108];
	const char *ref;
	size_t n;

	open_store();
	ref = put(&k, VIEW("what is to be kept secret"), 100);
	assert_true(base64_decode(head, view_sub(view_str(ref), 3, 144), &n));
	for (size_t i = 0; i < sizeof(head); i++) {
		char text[145] = "";

		head[i] ^= 1;
		base64_encode(text, head, sizeof(head));
		refused(&k, arena_printf(&arena, "e1:%s:%s", text, blob_bare(ref)));
		head[i] ^= 1;
	}
	refused(&k, blob_bare(ref));
	refused(&k, "e1:");
	refused(&k, "e1:AAAA:f1:x");
	close_store();
}

TEST(blob_seal_needs_its_key)
{
	struct seal_key k = a_key(1), wrong = a_key(1), named = a_key(1);
	enum seal_kind kind;
	uint8_t id[SEAL_ID];
	struct blob_reader *r;
	struct err e = { 0 };
	const char *ref, *path;

	open_store();
	ref = put(&k, VIEW("bytes"), 100);
	wrong.key[31] ^= 1;
	named.id[0] ^= 1;
	refused(&wrong, ref);
	refused(&named, ref);
	named = k;
	named.kind = SEAL_CUSTOMER;
	refused(&named, ref);
	assert_true(blob_seal_whose(ref, &kind, id));
	assert_int_equal(kind, SEAL_BUCKET);
	assert_memory_equal(id, k.id, SEAL_ID);
	assert_false(blob_seal_whose(blob_bare(ref), &kind, id));
	/* What has no key gets nothing, least of all the ciphertext. */
	assert_int_equal(blob_reader_open(store, ref, &r, &e), ERR_INVALID);
	err_clear(&e);
	assert_int_equal(blob_path(store, ref, &arena, &path, &e), ERR_INVALID);
	err_clear(&e);
	assert_true(view_eq(blob_key(ref), blob_key(blob_bare(ref))));
	assert_int_equal(blob_delete(store, ref, &e), 0);
	assert_int_equal(blob_seal_open(store, ref, &k, &r, &e), ERR_NOENT);
	close_store();
}

TEST(blob_seal_writes_nothing_twice_the_same)
{
	struct seal_key k = a_key(1);
	const char *a, *b;

	open_store();
	a = put(&k, VIEW("the same bytes"), 100);
	b = put(&k, VIEW("the same bytes"), 100);
	assert_false(view_eq(raw(a), raw(b)));
	assert_memory_not_equal(a + 3, b + 3, 144);
	close_store();
}

TEST(blob_seal_abort_leaves_nothing)
{
	struct seal_key k = a_key(1);
	struct blob_writer *w;
	struct err e = { 0 };

	open_store();
	assert_int_equal(blob_seal_begin(store, &k, &w, &e), 0);
	assert_int_equal(blob_write(w, "x", 1, &e), 0);
	assert_null(blob_abort(w));
	close_store();
}

/* --- the canary --- */

static bool holds(struct view where, struct view what)
{
	return memmem(where.p, where.n, what.p, what.n) != NULL;
}

static void search(const char *path, struct view what)
{
	DIR *d = opendir(path);
	struct dirent *ent;

	assert_non_null(d);
	while ((ent = readdir(d)) != NULL) {
		char name[4096];
		struct stat st;
		struct view v;
		struct err e = { 0 };

		if (ent->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, ent->d_name);
		assert_int_equal(stat(name, &st), 0);
		if (S_ISDIR(st.st_mode)) {
			search(name, what);
			continue;
		}
		assert_int_equal(file_read(name, &arena, 128 * MIB, &v, &e), 0);
		assert_false(holds(v, what));
	}
	closedir(d);
}

TEST(blob_seal_leaves_no_plaintext_in_any_file)
{
	size_t n = 3 * SEG;
	char *p = malloc(n);
	struct seal_key k = a_key(1);
	const char *ref;

	for (size_t i = 0; i + 8 <= n; i += 8)
		memcpy(p + i, "canary--", 8);
	open_store();
	(void)put(&k, view_of(p, 100), 100); /* packed */
	ref = put(&k, view_of(p, n), 10000); /* a file */
	assert_true(strlen(ref) < 300);
	search(dir, VIEW("canary--"));
	search(dir, VIEW("yranac"));
	search(dir, view_of((const char *)k.key, 8));
	free(p);
	close_store();
}

TEST(seal_wrap_is_undone_by_its_key_only)
{
	uint8_t by[GCM_KEY] = { 1 }, key[GCM_KEY] = { 2, 3, 4 }, wrapped[SEAL_WRAPPED],
		out[GCM_KEY];

	seal_wrap(by, VIEW("bucket"), key, wrapped);
	assert_true(seal_unwrap(by, VIEW("bucket"), wrapped, out));
	assert_memory_equal(out, key, GCM_KEY);
	assert_false(seal_unwrap(by, VIEW("tekcub"), wrapped, out));
	assert_false(seal_unwrap(key, VIEW("bucket"), wrapped, out));
	for (size_t i = 0; i < sizeof(wrapped); i++) {
		wrapped[i] ^= 0x80;
		assert_false(seal_unwrap(by, VIEW("bucket"), wrapped, out));
		wrapped[i] ^= 0x80;
	}
}
