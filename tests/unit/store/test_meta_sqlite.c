/* SPDX-License-Identifier: Apache-2.0 */
/* Meta on SQLite: the suite, kill -9, a second opening, damage, the size of the WAL, a full disk. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "suite_meta.h"

static struct meta *open_meta(const char *dir)
{
	struct meta *m = NULL;
	struct err e = { 0 };

	if (meta_open_sqlite(dir, &m, &e) < 0)
		fail_msg("%s", e.msg);
	return m;
}

SUITE_META(meta_sqlite, open_meta)

static const char *path_in(const char *dir, const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void schema(struct meta *m)
{
	struct err e = { 0 };

	must(meta_schema(m, "CREATE TABLE IF NOT EXISTS k (id BIGINT PRIMARY KEY, body BLOB)", &e) == 0);
}

static int insert(struct meta_tx *tx, void *arg, struct err *e)
{
	return tx_run(tx, e, "INSERT INTO k (id) VALUES (?)", "i", *(int64_t *)arg);
}

static int last_id(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT coalesce(max(id), 0), count(*) FROM k", "");

	if (rc <= 0)
		return rc;
	must(row_int(r, 0) == row_int(r, 1));
	*(int64_t *)arg = row_int(r, 0);
	tx_end(r);
	return 0;
}

static int64_t newest(struct meta *m)
{
	struct err e = { 0 };
	int64_t id = -1;

	must(meta_read(m, last_id, &id, &e) == 0);
	return id;
}

static void insert_for_ever(const char *dir, int fd)
{
	struct meta *m = open_meta(dir);
	struct err e = { 0 };

	schema(m);
	for (int64_t id = newest(m) + 1;; id++) {
		must(meta_write(m, insert, &id, &e) == 0);
		if (write(fd, &id, sizeof(id)) != sizeof(id))
			_exit(1);
	}
}

TEST(meta_sqlite_keeps_every_acknowledged_row_over_kill_9)
{
	const char *dir = unit_tmpdir();
	int64_t id = 0, last = 0;

	for (int round = 0; round < 3; round++) {
		struct meta *m;
		int p[2], status;
		pid_t pid;

		assert_int_equal(pipe(p), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			insert_for_ever(dir, p[1]);
		close(p[1]);
		for (int i = 0; i < 200 + 31 * round && read(p[0], &id, sizeof(id)) == sizeof(id); i++)
			last = id;
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		while (read(p[0], &id, sizeof(id)) == sizeof(id))
			last = id;
		close(p[0]);
		assert_true(last > 0);
		m = open_meta(dir);
		assert_true(newest(m) >= last);
		meta_close(m);
	}
}

TEST(meta_sqlite_refuses_a_second_opening)
{
	const char *dir = unit_tmpdir();
	struct meta *m = open_meta(dir), *other;
	struct err e = { 0 };

	assert_int_equal(meta_open_sqlite(dir, &other, &e), ERR_BUSY);
	assert_non_null(strstr(e.msg, "in use by another process"));
	meta_close(m);
}

TEST(meta_sqlite_tells_a_file_that_is_no_database)
{
	const char *dir = unit_tmpdir();
	struct meta *m;
	struct err e = { 0 };
	char junk[8192];
	int fd = open(path_in(dir, "meta.sqlite"), O_WRONLY | O_CREAT, 0600);

	memset(junk, 'x', sizeof(junk));
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	close(fd);
	assert_int_equal(meta_open_sqlite(dir, &m, &e), ERR_CORRUPT);
}

static int pragma(struct meta_tx *tx, void *arg, struct err *e)
{
	static const struct {
		const char *sql, *want;
	} all[] = {
		{ "PRAGMA journal_mode", "wal" },    { "PRAGMA synchronous", "2" },   { "PRAGMA secure_delete", "1" },
		{ "PRAGMA foreign_keys", "0" },      { "PRAGMA wal_autocheckpoint", "0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct tx_rows *r;

		assert_int_equal(tx_one(tx, &r, e, all[i].sql, ""), 1);
		if (!view_eq_str(row_view(r, 0), all[i].want))
			fail_msg("%s is %.*s", all[i].sql, VIEW_ARG(row_view(r, 0)));
		tx_end(r);
	}
	return 0;
}

TEST(meta_sqlite_writer_is_durable_by_its_settings)
{
	struct meta *m = open_meta(unit_tmpdir());
	struct err e = { 0 };

	assert_int_equal(meta_write(m, pragma, NULL, &e), 0);
	meta_close(m);
}

static int insert_body(struct meta_tx *tx, void *arg, struct err *e)
{
	static char body[MIB];

	for (int i = 0; i < 8; i++) {
		if (tx_run(tx, e, "INSERT INTO k (id, body) VALUES (?, ?)", "ib", (*(int64_t *)arg)++,
			   view_of(body, sizeof(body))) < 0)
			return e->code;
	}
	return 0;
}

/* 160 MiB are written; checkpoints beside the writer begin at 16 MiB, the writer helps from 64 MiB on. */
TEST(meta_sqlite_wal_does_not_grow_with_what_is_written)
{
	const char *dir = unit_tmpdir();
	struct meta *m = open_meta(dir);
	struct err e = { 0 };
	int64_t id = 1;
	struct stat st;

	schema(m);
	for (int i = 0; i < 20; i++)
		assert_int_equal(meta_write(m, insert_body, &id, &e), 0);
	assert_int_equal(stat(path_in(dir, "meta.sqlite-wal"), &st), 0);
	assert_true(st.st_size < (off_t)(110 * MIB));
	meta_close(m);
	assert_int_equal(stat(path_in(dir, "meta.sqlite"), &st), 0);
	assert_true(st.st_size > (off_t)(160 * MIB));
	assert_int_not_equal(stat(path_in(dir, "meta.sqlite-wal"), &st), 0);
}

static int fill(struct meta_tx *tx, void *arg, struct err *e)
{
	int64_t id = *(int64_t *)arg;
	struct tx_rows *r;

	if (tx_one(tx, &r, e, "PRAGMA max_page_count=100", "") != 1)
		return e->code;
	tx_end(r);
	return insert_body(tx, &id, e);
}

static int no_limit(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;

	if (tx_one(tx, &r, e, "PRAGMA max_page_count=1000000", "") != 1)
		return e->code;
	tx_end(r);
	return insert(tx, arg, e);
}

/* A full disk rolls back the whole group; afterwards all goes on. */
TEST(meta_sqlite_goes_on_after_a_full_disk)
{
	struct meta *m = open_meta(unit_tmpdir());
	struct err e = { 0 };
	int64_t one = 1, two = 2;

	schema(m);
	assert_int_equal(meta_write(m, insert, &one, &e), 0);
	assert_int_equal(meta_write(m, fill, &two, &e), ERR_LIMIT);
	err_clear(&e);
	assert_int_equal(newest(m), 1);
	assert_int_equal(meta_write(m, no_limit, &two, &e), 0);
	assert_int_equal(newest(m), 2);
	meta_close(m);
}

/* Flipped bits */

#define FLIPS 200

static void found(void *arg, const char *what)
{
	must(*what);
	++*(unsigned *)arg;
}

static unsigned problems_of(struct meta *m)
{
	struct err e = { 0 };
	uint64_t bytes;
	unsigned n = 0;

	if (meta_verify(m, found, &n, &bytes, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(bytes > 0);
	return n;
}

static int read_bodies(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT id, body FROM k ORDER BY id", "");
	int64_t n = 0;

	if (rc < 0)
		return rc;
	while ((rc = tx_next(r, e)) > 0)
		n++;
	*(int64_t *)arg = n;
	return rc;
}

static void flip(const char *path, off_t at, unsigned bit)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	must(fd >= 0 && pread(fd, &byte, 1, at) == 1);
	byte = (uint8_t)(byte ^ 1u << bit);
	must(pwrite(fd, &byte, 1, at) == 1 && close(fd) == 0);
}

TEST(meta_sqlite_sees_every_flipped_bit)
{
	const char *dir = unit_tmpdir();
	struct meta *m = open_meta(dir);
	struct err e = { 0 };
	char path[4096];
	struct stat st;
	uint32_t x = 20250301;
	int64_t rows, id;

	schema(m);
	for (id = 1; id <= 50; id++)
		assert_int_equal(meta_write(m, insert, &id, &e), 0);
	assert_int_equal(meta_write(m, insert_body, &id, &e), 0);
	assert_int_equal(problems_of(m), 0);
	m = meta_close(m);
	snprintf(path, sizeof(path), "%s", path_in(dir, "meta.sqlite"));
	assert_int_equal(stat(path, &st), 0);
	m = open_meta(dir);
	for (unsigned i = 0; i < FLIPS; i++) {
		off_t at;
		unsigned bit;

		x = x * 1664525u + 1013904223u;
		at = (off_t)((uint64_t)st.st_size * (x >> 8) >> 24);
		bit = x >> 5 & 7;
		flip(path, at, bit);
		if (!problems_of(m))
			fail_msg("bit %u of byte %jd flipped and not seen", bit, (intmax_t)at);
		flip(path, at, bit);
	}
	m = meta_close(m);
	flip(path, st.st_size - 3000, 3);
	m = open_meta(dir);
	assert_int_equal(meta_read(m, read_bodies, &rows, &e), ERR_CORRUPT);
	flip(path, st.st_size - 3000, 3);
	err_clear(&e);
	assert_int_equal(meta_read(m, read_bodies, &rows, &e), 0);
	assert_int_equal(rows, 58);
	meta_close(m);
}
