/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of meta (store/meta.h) as tests that take a constructor. */
#include "suite_meta.h"

#include <string.h>

#include "base/limits.h"
#include "os/thread.h"
#include "store/meta_backend.h"

static struct meta *open_with_table(suite_meta_open open, const char *dir)
{
	struct meta *m = open(dir);
	struct err e = { 0 };

	if (meta_schema(m, "CREATE TABLE IF NOT EXISTS t_item (id BIGINT PRIMARY KEY, name TEXT, body BLOB, x REAL)",
			&e) < 0)
		fail_msg("%s", e.msg);
	return m;
}

static int add(struct meta_tx *tx, struct err *e, int64_t id, const char *name)
{
	return tx_run(tx, e, "INSERT INTO t_item (id, name) VALUES (?, ?)", "is", id, name);
}

static int add_one(struct meta_tx *tx, void *arg, struct err *e)
{
	return add(tx, e, *(int64_t *)arg, "one");
}

static int count_rows(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT count(*) FROM t_item", "");

	if (rc <= 0)
		return rc;
	*(int64_t *)arg = row_int(r, 0);
	tx_end(r);
	return 0;
}

static void put(struct meta *m, int64_t id)
{
	struct err e = { 0 };

	if (meta_write(m, add_one, &id, &e) < 0)
		fail_msg("%s", e.msg);
}

static int64_t count(struct meta *m)
{
	struct err e = { 0 };
	int64_t n = -1;

	if (meta_read(m, count_rows, &n, &e) < 0)
		fail_msg("%s", e.msg);
	return n;
}

void suite_meta_keeps_rows_over_reopening(suite_meta_open open)
{
	const char *dir = unit_tmpdir();
	struct meta *m = open_with_table(open, dir);

	put(m, 1);
	put(m, 2);
	assert_int_equal(count(m), 2);
	assert_null(meta_close(m));
	m = open_with_table(open, dir);
	assert_int_equal(count(m), 2);
	meta_close(m);
}

static int write_kinds(struct meta_tx *tx, void *arg, struct err *e)
{
	static const char sql[] = "INSERT INTO t_item (id, name, body, x) VALUES (?, ?, ?, ?)";

	if (tx_run(tx, e, sql, "isbd", INT64_MIN, "text", view_of("a\0b", 3), 0.5) < 0 ||
	    tx_run(tx, e, sql, "isbn", INT64_MAX, NULL, VIEW_NONE) < 0 ||
	    tx_run(tx, e, sql, "ivbd", (int64_t)0, VIEW("view"), VIEW(""), -1.0))
		return e->code;
	return tx_run(tx, e, sql, "ivnn", (int64_t)1, VIEW_NONE);
}

static int read_kinds(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;
	struct arena a;

	arena_init(&a, MIB);
	assert_int_equal(tx_query(tx, &r, e, "SELECT id, name, body, x FROM t_item ORDER BY id", ""), 0);
	assert_int_equal(tx_next(r, e), 1);
	assert_true(row_int(r, 0) == INT64_MIN);
	assert_string_equal(row_str(r, 1, &a), "text");
	assert_int_equal(row_view(r, 2).n, 3);
	assert_memory_equal(row_view(r, 2).p, "a\0b", 3);
	assert_true(row_double(r, 3) == 0.5);
	assert_int_equal(tx_next(r, e), 1);
	assert_true(view_eq_str(row_view(r, 1), "view"));
	assert_true(!row_null(r, 2) && row_view(r, 2).p && row_view(r, 2).n == 0);
	assert_int_equal(tx_next(r, e), 1);
	assert_true(row_null(r, 1) && row_null(r, 2) && row_null(r, 3));
	assert_int_equal(tx_next(r, e), 1);
	assert_true(row_int(r, 0) == INT64_MAX);
	assert_null(row_str(r, 1, &a));
	assert_null(row_view(r, 2).p);
	assert_int_equal(tx_next(r, e), 0);
	arena_clear(&a);
	return 0;
}

void suite_meta_binds_every_kind_of_value(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };

	assert_int_equal(meta_write(m, write_kinds, NULL, &e), 0);
	assert_int_equal(meta_read(m, read_kinds, NULL, &e), 0);
	meta_close(m);
}

static int add_over_existing(struct meta_tx *tx, void *arg, struct err *e)
{
	if (add(tx, e, 1, "again") != ERR_EXISTS)
		return err_set(e, ERR_INVALID, "a second row 1 was taken");
	err_clear(e);
	return add(tx, e, 2, "the transaction goes on");
}

void suite_meta_tells_broken_uniqueness(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };
	int64_t one = 1;

	put(m, 1);
	assert_int_equal(meta_write(m, add_one, &one, &e), ERR_EXISTS);
	assert_non_null(strstr(e.msg, "INSERT INTO t_item"));
	err_clear(&e);
	assert_int_equal(meta_write(m, add_over_existing, NULL, &e), 0);
	assert_int_equal(count(m), 2);
	meta_close(m);
}

static int bad_statement(struct meta_tx *tx, void *arg, struct err *e)
{
	return tx_run(tx, e, "INSERT INTO t_nothing VALUES (?)", "i", (int64_t)1);
}

void suite_meta_tells_a_bad_statement(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };

	assert_int_equal(meta_write(m, bad_statement, NULL, &e), ERR_INTERNAL);
	assert_non_null(strstr(e.msg, "t_nothing"));
	put(m, 1);
	meta_close(m);
}

static int change(struct meta_tx *tx, void *arg, struct err *e)
{
	for (int64_t i = 0; i < 5; i++) {
		if (add(tx, e, i, "x") < 0)
			return e->code;
		assert_int_equal(tx_changes(tx), 1);
	}
	if (tx_run(tx, e, "UPDATE t_item SET name = ? WHERE id < ?", "si", "y", (int64_t)3) < 0)
		return e->code;
	assert_int_equal(tx_changes(tx), 3);
	if (tx_run(tx, e, "DELETE FROM t_item WHERE id > ?", "i", (int64_t)100) < 0)
		return e->code;
	assert_int_equal(tx_changes(tx), 0);
	return 0;
}

void suite_meta_counts_changes(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };

	assert_int_equal(meta_write(m, change, NULL, &e), 0);
	meta_close(m);
}

static int add_and_fail(struct meta_tx *tx, void *arg, struct err *e)
{
	if (add(tx, e, 10, "gone") < 0 || add(tx, e, 11, "gone") < 0)
		return e->code;
	return err_set(e, ERR_CONFLICT, "changed my mind");
}

void suite_meta_failed_function_leaves_nothing(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };

	put(m, 1);
	assert_int_equal(meta_write(m, add_and_fail, NULL, &e), ERR_CONFLICT);
	assert_string_equal(e.msg, "changed my mind");
	assert_int_equal(count(m), 1);
	put(m, 10);
	meta_close(m);
}

void suite_meta_read_sees_what_was_acknowledged(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());

	for (int64_t i = 1; i <= 100; i++) {
		put(m, i);
		assert_int_equal(count(m), i);
	}
	meta_close(m);
}

static void *put_2(void *arg)
{
	put(arg, 2);
	return NULL;
}

struct snapshot {
	struct meta *m;
	int64_t before, after;
};

static int count_twice(struct meta_tx *tx, void *arg, struct err *e)
{
	struct snapshot *s = arg;

	if (count_rows(tx, &s->before, e) < 0)
		return e->code;
	thread_join(thread_start("put", put_2, s->m));
	return count_rows(tx, &s->after, e);
}

void suite_meta_read_has_one_snapshot(suite_meta_open open)
{
	struct snapshot s = { .m = open_with_table(open, unit_tmpdir()) };
	struct err e = { 0 };

	put(s.m, 1);
	assert_int_equal(meta_read(s.m, count_twice, &s, &e), 0);
	assert_int_equal(s.before, 1);
	assert_int_equal(s.after, 1);
	assert_int_equal(count(s.m), 2);
	meta_close(s.m);
}

void suite_meta_read_cannot_write(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };
	int64_t id = 1;

	assert_int_equal(meta_read(m, add_one, &id, &e), ERR_INTERNAL);
	assert_int_equal(count(m), 0);
	meta_close(m);
}

static int nest(struct meta_tx *tx, void *arg, struct err *e)
{
	static const char sql[] = "SELECT id FROM t_item WHERE id > ? ORDER BY id";
	struct tx_rows *outer, *inner;
	int seen = 0;

	assert_int_equal(tx_query(tx, &outer, e, sql, "i", (int64_t)0), 0);
	while (tx_next(outer, e) == 1) {
		assert_int_equal(tx_query(tx, &inner, e, sql, "i", row_int(outer, 0)), 0);
		while (tx_next(inner, e) == 1) {
			assert_true(row_int(inner, 0) > row_int(outer, 0));
			seen++;
		}
	}
	assert_int_equal(seen, 3); /* 1-2 1-3 2-3 */
	assert_int_equal(tx_query(tx, &outer, e, sql, "i", (int64_t)0), 0);
	assert_int_equal(tx_next(outer, e), 1);
	tx_end(NULL);
	return 0; /* the cursor is left open */
}

void suite_meta_cursors_nest_and_may_be_left_open(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };

	for (int64_t i = 1; i <= 3; i++)
		put(m, i);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(meta_read(m, nest, NULL, &e), 0);
		assert_int_equal(meta_write(m, nest, NULL, &e), 0);
	}
	put(m, 4);
	assert_int_equal(count(m), 4);
	meta_close(m);
}

static int one_or_none(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r = NULL;

	assert_int_equal(tx_one(tx, &r, e, "SELECT name FROM t_item WHERE id = ?", "i", (int64_t)7), 0);
	assert_null(r);
	assert_int_equal(tx_one(tx, &r, e, "SELECT name FROM t_item WHERE id = ?", "i", (int64_t)1), 1);
	assert_true(view_eq_str(row_view(r, 0), "one"));
	tx_end(r);
	assert_true(tx_one(tx, &r, e, "SELECT nothing FROM t_item", "") < 0);
	err_clear(e);
	return 0;
}

void suite_meta_one_row_or_none(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };

	put(m, 1);
	assert_int_equal(meta_read(m, one_or_none, NULL, &e), 0);
	meta_close(m);
}

static void note(void *arg)
{
	++*(int *)arg;
}

static int hook_and_commit(struct meta_tx *tx, void *arg, struct err *e)
{
	tx_after_commit(tx, note, arg);
	tx_after_commit(tx, note, arg);
	return add(tx, e, 1, "x");
}

static int hook_and_fail(struct meta_tx *tx, void *arg, struct err *e)
{
	tx_after_commit(tx, note, arg);
	return err_set(e, ERR_INVALID, "no");
}

void suite_meta_after_commit_runs_only_for_commits(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };
	int n = 0;

	assert_int_equal(meta_write(m, hook_and_fail, &n, &e), ERR_INVALID);
	err_clear(&e);
	assert_int_equal(n, 0);
	assert_int_equal(meta_write(m, hook_and_commit, &n, &e), 0);
	assert_int_equal(n, 2);
	meta_close(m);
}

void suite_meta_schema_may_run_again(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };

	put(m, 1);
	assert_int_equal(meta_schema(m,
				     "CREATE TABLE IF NOT EXISTS t_item (id BIGINT PRIMARY KEY);"
				     "CREATE TABLE IF NOT EXISTS t_more (id BIGINT PRIMARY KEY);"
				     "CREATE INDEX IF NOT EXISTS t_item_name ON t_item (name)",
				     &e),
			 0);
	assert_int_equal(count(m), 1);
	assert_int_equal(meta_schema(m, "CREATE TABLE broken", &e), ERR_INTERNAL);
	put(m, 2);
	meta_close(m);
}

void suite_meta_steps_run_once_and_in_order(suite_meta_open open)
{
	static const char *const first[] = { "ALTER TABLE t_item ADD COLUMN y BIGINT NOT NULL DEFAULT 7", NULL };
	static const char *const both[] = { "ALTER TABLE t_item ADD COLUMN y BIGINT NOT NULL DEFAULT 7",
					    "ALTER TABLE t_item ADD COLUMN z BIGINT", NULL };
	static const char *const broken[] = { "ALTER TABLE t_none ADD COLUMN y BIGINT", NULL };
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct err e = { 0 };

	put(m, 1);
	assert_int_equal(meta_steps(m, "t", first, &e), 0);
	assert_int_equal(meta_steps(m, "t", first, &e), 0);
	assert_int_equal(meta_steps(m, "t", both, &e), 0);
	assert_int_equal(count(m), 1);
	assert_int_equal(meta_steps(m, "t", first, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "newer version"));
	err_clear(&e);
	assert_int_equal(meta_steps(m, "u", broken, &e), ERR_INTERNAL);
	err_clear(&e);
	assert_int_equal(meta_steps(m, "u", first + 1, &e), 0);
	meta_close(m);
}

#define WRITERS 16
#define EACH 50

struct writer {
	struct meta *m;
	int no, exists;
};

/* Every tenth one fails; its neighbours in the group must not notice. */
static void *write_many(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < EACH; i++) {
		struct err e = { 0 };
		int64_t id = i % 10 == 9 ? -1 : w->no * 1000 + i;
		int rc = meta_write(w->m, add_one, &id, &e);

		if (id < 0 && rc == ERR_EXISTS)
			w->exists++;
		else
			must(rc == 0);
	}
	return NULL;
}

void suite_meta_many_writers_share_commits(suite_meta_open open)
{
	struct meta *m = open_with_table(open, unit_tmpdir());
	struct writer w[WRITERS];
	pthread_t t[WRITERS];
	uint64_t before;
	int exists = 0;

	put(m, -1);
	before = meta_commits(m);
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ m, i, 0 };
		t[i] = thread_start("writer", write_many, &w[i]);
	}
	for (int i = 0; i < WRITERS; i++) {
		thread_join(t[i]);
		exists += w[i].exists;
	}
	assert_int_equal(exists, WRITERS * EACH / 10);
	assert_int_equal(count(m), 1 + WRITERS * EACH / 10 * 9);
	assert_true(meta_commits(m) - before < WRITERS * EACH);
	meta_close(m);
}
