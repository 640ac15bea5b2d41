/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meta on SQLite: WAL with synchronous=FULL (NORMAL loses acknowledged commits in a power cut), one writer
 * thread whose commits many callers share, a pool of read connections, checkpoints in a thread of their own.
 *
 * SQLite syncs its files itself, the one exception to "only os/file.h syncs".  The rule behind it holds all
 * the same: an I/O error of a commit or a checkpoint ends the process, because a retried sync can report
 * success for lost data; the next start recovers from the WAL.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mutant.h"
#include "os/diag.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/dirlock.h"
#include "store/meta_backend.h"
#include "store/meta_sqlite_pages.h"
#include "store/reserve.h"

#define FILE_NAME "meta.sqlite"
#define GROUP_MAX 256     /* functions that share one commit */
#define READERS_IDLE 16   /* read connections kept open */
#define STATEMENTS_MAX 1024 /* kept prepared per connection */
#define BUSY_MS 10000
#define WAL_PAGES 4096 /* 16 MiB: then a checkpoint begins beside the writer */
#define WAL_PAGES_HARD (4 * WAL_PAGES) /* then the writer helps, so that the WAL does not grow for ever */

struct conn;

/* A prepared statement; also the cursor of the query that runs it. */
struct stmt {
	struct tx_rows base;
	struct conn *conn;
	sqlite3_stmt *s;
	bool busy, kept;
	struct stmt *next_open; /* of the transaction's cursors */
};

struct conn {
	sqlite3 *db;
	struct map stmts; /* by SQL text */
	struct stmt *open;
	struct conn *next;
};

struct hook {
	void (*fn)(void *);
	void *arg;
	struct hook *next;
};

struct lite_tx {
	struct meta_tx base;
	struct conn *conn;
	bool write;
	struct hook *hooks, **hooks_end;
};

/* One caller of write or schema; lives on its stack. */
struct job {
	meta_fn fn;
	void *arg;
	const char *ddl;
	struct err *e;
	int rc;
	bool done;
	struct hook *hooks;
	struct cond cond;
	struct job *next;
};

struct lite {
	struct meta base;
	char *dir, *path;
	int lockfd;
	struct lock lock;
	struct cond work, check;

	/* under the lock */
	struct job *head, **tail;
	struct conn *readers;
	unsigned n_readers;
	bool closing, checkpoint;

	struct conn *writer, *checker; /* of the threads' own */
	pthread_t write_thread, check_thread;
	struct lock checkpointing;
	atomic_int wal_pages;
	int helped_at;
	atomic_uint_fast64_t commits;
};

static const struct meta_vtable lite_vtable;
static _Thread_local bool inside; /* a meta_fn is running on this thread */

static struct lite *lite_of(struct meta *m)
{
	return CONTAINER_OF(m, struct lite, base);
}

static struct lite_tx *tx_of(struct meta_tx *tx)
{
	return CONTAINER_OF(tx, struct lite_tx, base);
}

static struct stmt *rows_of(struct tx_rows *r)
{
	return CONTAINER_OF(r, struct stmt, base);
}

static int code_of(int extended)
{
	switch (extended) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return ERR_EXISTS;
	case SQLITE_IOERR_DATA: /* a page is not what was written */
		return ERR_CORRUPT;
	case SQLITE_IOERR_SHMSIZE: /* the WAL's index could not grow: how a full disk often shows first */
		return ERR_LIMIT;
	}
	switch (extended & 0xff) {
	case SQLITE_BUSY:
		return ERR_BUSY;
	case SQLITE_FULL:
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return ERR_IO;
	default:
		return ERR_INTERNAL;
	}
}

static int db_fail(sqlite3 *db, const char *what, struct err *e)
{
	return err_set(e, code_of(sqlite3_extended_errcode(db)), "%.300s: %s", what, sqlite3_errmsg(db));
}

static NORETURN void lost(const char *what, sqlite3 *db)
{
	diag(DIAG_ERROR, "meta", "%s failed: %s; ending, the next start recovers", what, sqlite3_errmsg(db));
	abort();
}

/* Statements */

static struct stmt *stmt_free(struct stmt *st)
{
	if (st)
		sqlite3_finalize(st->s);
	free(st);
	return NULL;
}

static void stmt_close(struct stmt *st)
{
	struct stmt **at = &st->conn->open;

	while (*at && *at != st)
		at = &(*at)->next_open;
	if (*at)
		*at = st->next_open;
	sqlite3_reset(st->s);
	sqlite3_clear_bindings(st->s);
	st->busy = false;
	if (!st->kept)
		stmt_free(st);
}

/* A statement that no cursor is using: the kept one, or a new one. */
static int stmt_get(struct conn *c, const char *sql, struct stmt **ret, struct err *e)
{
	struct stmt *st = map_get(&c->stmts, view_str(sql));
	bool taken = st != NULL;
	const char *rest = NULL;

	if (!st || st->busy) {
		st = calloc(1, sizeof(*st));
		must(st);
		*st = (struct stmt){ .base.vt = &lite_vtable, .conn = c };
		if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->s, &rest) != SQLITE_OK) {
			stmt_free(st);
			return db_fail(c->db, sql, e);
		}
		must(st->s && !*rest); /* exactly one statement */
		if (!taken && c->stmts.n < STATEMENTS_MAX) {
			st->kept = true;
			map_put(&c->stmts, view_str(sql), st);
		}
	}
	st->busy = true;
	st->next_open = c->open;
	c->open = st;
	*ret = st;
	return 0;
}

static int bind_view(sqlite3_stmt *s, int i, char how, struct view v, bool copy)
{
	sqlite3_destructor_type d = copy ? SQLITE_TRANSIENT : SQLITE_STATIC;

	if (!v.p)
		return sqlite3_bind_null(s, i);
	if (how == 'b')
		return sqlite3_bind_blob64(s, i, v.p, v.n, d);
	return sqlite3_bind_text64(s, i, v.p, v.n, d, SQLITE_UTF8);
}

/* @copy: the values may be gone before the statement is. */
static int bind_all(struct stmt *st, const char *sql, const char *fmt, va_list ap, bool copy, struct err *e)
{
	int rc = SQLITE_OK;

	must(sqlite3_bind_parameter_count(st->s) == (int)strlen(fmt));
	for (int i = 1; *fmt && rc == SQLITE_OK; fmt++, i++) {
		switch (*fmt) {
		case 's':
			rc = bind_view(st->s, i, 'v', view_str(va_arg(ap, const char *)), copy);
			break;
		case 'v':
		case 'b':
			rc = bind_view(st->s, i, *fmt, va_arg(ap, struct view), copy);
			break;
		case 'i':
			rc = sqlite3_bind_int64(st->s, i, va_arg(ap, int64_t));
			break;
		case 'd':
			rc = sqlite3_bind_double(st->s, i, va_arg(ap, double));
			break;
		case 'n':
			rc = sqlite3_bind_null(st->s, i);
			break;
		default:
			must_failed("a letter of fmt is known", __FILE__, __LINE__);
		}
	}
	return rc == SQLITE_OK ? 0 : db_fail(st->conn->db, sql, e);
}

static int lite_run(struct meta_tx *base, struct err *e, const char *sql, const char *fmt, va_list ap)
{
	struct lite_tx *tx = tx_of(base);
	sqlite3 *db = tx->conn->db;
	sqlite3_int64 before = sqlite3_total_changes64(db);
	struct stmt *st;
	int rc;

	base->changes = 0;
	if (stmt_get(tx->conn, sql, &st, e) < 0)
		return e->code;
	if (bind_all(st, sql, fmt, ap, false, e) == 0) {
		do {
			rc = sqlite3_step(st->s);
		} while (rc == SQLITE_ROW);
		if (rc != SQLITE_DONE)
			db_fail(db, sql, e);
		else if (sqlite3_total_changes64(db) != before)
			base->changes = sqlite3_changes64(db);
	}
	stmt_close(st);
	return e->code;
}

static int lite_query(struct meta_tx *base, struct tx_rows **ret, struct err *e, const char *sql, const char *fmt,
		      va_list ap)
{
	struct stmt *st;

	if (stmt_get(tx_of(base)->conn, sql, &st, e) < 0)
		return e->code;
	if (bind_all(st, sql, fmt, ap, true, e) < 0) {
		stmt_close(st);
		return e->code;
	}
	*ret = &st->base;
	return 0;
}

static int lite_next(struct tx_rows *r, struct err *e)
{
	struct stmt *st = rows_of(r);
	int rc = sqlite3_step(st->s);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		db_fail(st->conn->db, sqlite3_sql(st->s), e);
	stmt_close(st);
	return rc == SQLITE_DONE ? 0 : e->code;
}

static void lite_end(struct tx_rows *r)
{
	stmt_close(rows_of(r));
}

static sqlite3_stmt *column(const struct tx_rows *r, int col)
{
	sqlite3_stmt *s = ((const struct stmt *)(const void *)r)->s;

	must(col >= 0 && col < sqlite3_data_count(s));
	return s;
}

static int64_t lite_col_int(const struct tx_rows *r, int col)
{
	return sqlite3_column_int64(column(r, col), col);
}

static double lite_col_double(const struct tx_rows *r, int col)
{
	return sqlite3_column_double(column(r, col), col);
}

static struct view lite_col_view(const struct tx_rows *r, int col)
{
	sqlite3_stmt *s = column(r, col);
	const void *p;

	switch (sqlite3_column_type(s, col)) {
	case SQLITE_NULL:
		return VIEW_NONE;
	case SQLITE_BLOB:
		p = sqlite3_column_blob(s, col);
		return view_of(p ? p : "", (size_t)sqlite3_column_bytes(s, col));
	default:
		p = sqlite3_column_text(s, col);
		must(p);
		return view_of(p, (size_t)sqlite3_column_bytes(s, col));
	}
}

static bool lite_col_null(const struct tx_rows *r, int col)
{
	return sqlite3_column_type(column(r, col), col) == SQLITE_NULL;
}

static void lite_after_commit(struct meta_tx *base, void (*fn)(void *), void *arg)
{
	struct lite_tx *tx = tx_of(base);
	struct hook *h = malloc(sizeof(*h));

	must(h && tx->write);
	*h = (struct hook){ .fn = fn, .arg = arg };
	*tx->hooks_end = h;
	tx->hooks_end = &h->next;
}

static void hooks_done(struct hook *h, bool run)
{
	for (struct hook *next; h; h = next) {
		next = h->next;
		if (run)
			h->fn(h->arg);
		free(h);
	}
}

/* Connections */

static struct conn *conn_close(struct conn *c)
{
	size_t slot = 0;
	struct map_entry *it = NULL;

	if (!c)
		return NULL;
	while (map_next(&c->stmts, &slot, &it))
		stmt_free(it->value);
	map_clear(&c->stmts);
	sqlite3_close(c->db);
	free(c);
	return NULL;
}

static int conn_exec(struct conn *c, const char *sql, struct err *e)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_fail(c->db, sql, e);
}

static int conn_open(struct lite *m, const char *pragmas, struct conn **ret, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	struct conn *c = calloc(1, sizeof(*c));
	int reserved = PAGES_RESERVED;

	must(c);
	map_init(&c->stmts);
	if (sqlite3_open_v2(m->path, &c->db, flags, pages_vfs()) != SQLITE_OK) {
		db_fail(c->db, m->path, e);
		conn_close(c);
		return e->code;
	}
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_timeout(c->db, BUSY_MS);
	sqlite3_file_control(c->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved); /* of a new file */
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	if (conn_exec(c, pragmas, e) < 0) {
		conn_close(c);
		return e->code;
	}
	*ret = c;
	return 0;
}

static void end_cursors(struct conn *c)
{
	while (c->open)
		stmt_close(c->open);
}

static int reader_take(struct lite *m, struct conn **ret, struct err *e)
{
	{
		LOCK_SCOPE(&m->lock);
		if (m->readers) {
			*ret = m->readers;
			m->readers = (*ret)->next;
			m->n_readers--;
			return 0;
		}
	}
	return conn_open(m, "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-2048", ret, e);
}

static void reader_give(struct lite *m, struct conn *c)
{
	lock_take(&m->lock);
	if (m->n_readers < READERS_IDLE) {
		c->next = m->readers;
		m->readers = c;
		m->n_readers++;
		c = NULL;
	}
	lock_drop(&m->lock);
	conn_close(c);
}

static int lite_read(struct meta *base, meta_fn fn, void *arg, struct err *e)
{
	struct lite *m = lite_of(base);
	struct lite_tx tx = { .base.vt = &lite_vtable };
	struct err ignored = { 0 };
	int rc;

	must(!inside);
	if (reader_take(m, &tx.conn, e) < 0)
		return e->code;
	rc = conn_exec(tx.conn, "BEGIN", e);
	if (rc == 0) {
		inside = true;
		rc = fn(&tx.base, arg, e);
		inside = false;
		end_cursors(tx.conn);
		if (!sqlite3_get_autocommit(tx.conn->db) && conn_exec(tx.conn, "COMMIT", &ignored) < 0) {
			conn_close(tx.conn); /* its snapshot must not linger */
			return rc;
		}
	}
	reader_give(m, tx.conn);
	return rc;
}

/* The writer */

static int enqueue(struct lite *m, struct job *w)
{
	must(!inside);
	cond_init(&w->cond);
	lock_take(&m->lock);
	must(!m->closing);
	*m->tail = w;
	m->tail = &w->next;
	cond_signal(&m->work);
	while (!w->done)
		cond_wait(&w->cond, &m->lock);
	lock_drop(&m->lock);
	cond_clear(&w->cond);
	return w->rc;
}

static int lite_write(struct meta *m, meta_fn fn, void *arg, struct err *e)
{
	struct job w = { .fn = fn, .arg = arg, .e = e };

	return enqueue(lite_of(m), &w);
}

static int lite_schema(struct meta *m, const char *ddl, struct err *e)
{
	struct job w = { .ddl = ddl, .e = e };

	return enqueue(lite_of(m), &w);
}

static struct job *take_group(struct lite *m)
{
	struct job *first = NULL, **end = &first;

	LOCK_SCOPE(&m->lock);
	while (!m->head && !m->closing)
		cond_wait(&m->work, &m->lock);
	for (int n = 0; m->head && n < GROUP_MAX; n++) {
		*end = m->head;
		m->head = (*end)->next;
		end = &(*end)->next;
	}
	*end = NULL;
	if (!m->head)
		m->tail = &m->head;
	return first;
}

/* Some errors (a full disk) make SQLite roll back the whole transaction, not only the statement. */
static bool rolled_back(const struct conn *c)
{
	return sqlite3_get_autocommit(c->db) != 0;
}

/* Of the writer only: a savepoint around what one caller does. */
static void must_exec(struct conn *c, const char *sql)
{
	struct err e = { 0 };

	if (conn_exec(c, sql, &e) < 0 && !rolled_back(c))
		lost(sql, c->db);
}

static void run_job(struct lite *m, struct job *w)
{
	struct conn *c = m->writer;
	struct lite_tx tx = { .base.vt = &lite_vtable, .conn = c, .write = true };

	tx.hooks_end = &tx.hooks;
	must_exec(c, "SAVEPOINT one");
	if (w->ddl) {
		w->rc = conn_exec(c, w->ddl, w->e);
	} else {
		inside = true;
		w->rc = w->fn(&tx.base, w->arg, w->e);
		inside = false;
	}
	end_cursors(c);
	w->hooks = tx.hooks;
	if (rolled_back(c))
		return;
	if (w->rc < 0)
		must_exec(c, "ROLLBACK TO one");
	must_exec(c, "RELEASE one");
}

/* Fails those of the group that had succeeded: what they wrote is gone. */
static void fail_group(struct job *first, int code, const char *why)
{
	for (struct job *w = first; w; w = w->next) {
		if (w->rc < 0)
			continue;
		err_clear(w->e);
		w->rc = err_set(w->e, code, "the transaction was rolled back: %s", why);
	}
}

/* The next group has room; its callers are those who try again, and deletions. */
static void out_of_room(const struct lite *m)
{
	if (reserve_give_back(m->dir))
		diag(DIAG_WARN, "meta", "the disk is full: the room that was set aside is given back, for deletions");
}

/* true: there is something to commit. */
static bool run_group(struct lite *m, struct job *first)
{
	struct conn *c = m->writer;
	struct err e = { 0 };

	if (conn_exec(c, "BEGIN IMMEDIATE", &e) < 0) {
		if (e.code == ERR_IO)
			lost("begin", c->db);
		if (e.code == ERR_LIMIT)
			out_of_room(m);
		fail_group(first, e.code, e.msg);
		return false;
	}
	for (struct job *w = first; w; w = w->next) {
		run_job(m, w);
		if (rolled_back(c)) {
			int code = w->rc < 0 ? w->rc : ERR_INTERNAL;

			if (code == ERR_LIMIT)
				out_of_room(m);
			/* Those behind @w have not run; they fail alike rather than hit the same wall. */
			fail_group(first, code, w->rc < 0 ? w->e->msg : "by one of its functions");
			return false;
		}
	}
	return true;
}

static void commit_group(struct lite *m, struct job *first)
{
	struct conn *c = m->writer;
	struct err e = { 0 };

	if (conn_exec(c, "COMMIT", &e) < 0) {
		if (e.code == ERR_IO)
			lost("commit", c->db);
		if (!rolled_back(c))
			must_exec(c, "ROLLBACK");
		if (e.code == ERR_LIMIT)
			out_of_room(m);
		fail_group(first, e.code, e.msg);
		return;
	}
	atomic_fetch_add(&m->commits, 1);
}

static void finish_group(struct lite *m, struct job *first)
{
	for (struct job *w = first; w; w = w->next)
		hooks_done(w->hooks, w->rc >= 0);
	LOCK_SCOPE(&m->lock);
	if (atomic_load(&m->wal_pages) >= WAL_PAGES && !m->checkpoint) {
		m->checkpoint = true;
		cond_signal(&m->check);
	}
	for (struct job *w = first, *next; w; w = next) {
		next = w->next; /* w is gone once its owner sees done */
		w->done = true;
		cond_signal(&w->cond);
	}
}

static void checkpoint(struct lite *m, struct conn *c, int mode)
{
	LOCK_SCOPE(&m->checkpointing); /* a second one would not wait but do nothing */
	int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, mode, NULL, NULL);

	if ((rc & 0xff) == SQLITE_IOERR && code_of(rc) == ERR_IO)
		lost("checkpoint", c->db);
}

/* A steady writer outruns checkpoints beside it, as they never reach the WAL's end. */
static void help_checkpoint(struct lite *m)
{
	int pages = atomic_load(&m->wal_pages);

	if (pages < WAL_PAGES_HARD) {
		m->helped_at = 0;
	} else if (pages - m->helped_at >= WAL_PAGES) {
		checkpoint(m, m->writer, SQLITE_CHECKPOINT_PASSIVE);
		m->helped_at = pages;
	}
}

static void *write_thread(void *arg)
{
	struct lite *m = arg;
	struct job *first;

	while ((first = take_group(m)) != NULL) {
		bool ran = run_group(m, first), early = MUTANT(15) && ran && !first->ddl;

		if (ran && !early)
			commit_group(m, first);
		finish_group(m, first);
		if (early)
			commit_group(m, NULL);
		help_checkpoint(m);
	}
	return NULL;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct lite *m = arg;

	(void)db;
	(void)name;
	atomic_store(&m->wal_pages, pages);
	return SQLITE_OK;
}

static void *check_thread(void *arg)
{
	struct lite *m = arg;
	bool stop;

	for (;;) {
		lock_take(&m->lock);
		while (!m->checkpoint && !m->closing)
			cond_wait(&m->check, &m->lock);
		stop = m->closing;
		m->checkpoint = false;
		lock_drop(&m->lock);
		if (stop)
			break;
		checkpoint(m, m->checker, SQLITE_CHECKPOINT_PASSIVE);
		reserve_make(m->dir);
	}
	return NULL;
}

/* Opening and closing */

static void lite_free(struct lite *m)
{
	for (struct conn *c = m->readers, *next; c; c = next) {
		next = c->next;
		conn_close(c);
	}
	conn_close(m->checker);
	conn_close(m->writer);
	fd_closep(&m->lockfd);
	cond_clear(&m->check);
	cond_clear(&m->work);
	lock_clear(&m->checkpointing);
	lock_clear(&m->lock);
	free(m->path);
	free(m->dir);
	free(m);
}

static int open_writer(struct lite *m, struct err *e)
{
	static const char unsafe[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0";
	static const char pragmas[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
				      "PRAGMA foreign_keys=OFF; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
				      "PRAGMA cache_size=-16384; SELECT count(*) FROM sqlite_master";

	if (conn_open(m, MUTANT(6) ? unsafe : pragmas, &m->writer, e) < 0 || conn_open(m, "PRAGMA synchronous=FULL", &m->checker, e) < 0)
		return err_ctx(e, "%s", m->path);
	sqlite3_wal_hook(m->writer->db, on_wal, m);
	reserve_make(m->dir);
	file_sync_dir(m->dir);
	return 0;
}

int meta_open_sqlite(const char *path, struct meta **ret, struct err *e)
{
	struct lite *m = calloc(1, sizeof(*m));
	size_t n = strlen(path) + sizeof("/" FILE_NAME);

	must(m && sqlite3_threadsafe());
	*m = (struct lite){ .base.vt = &lite_vtable, .lockfd = -1 };
	m->tail = &m->head;
	m->dir = strdup(path);
	m->path = malloc(n);
	must(m->dir && m->path);
	must(snprintf(m->path, n, "%s/" FILE_NAME, path) == (int)n - 1);
	lock_init(&m->lock, "meta");
	lock_init(&m->checkpointing, "meta checkpoint");
	cond_init(&m->work);
	cond_init(&m->check);
	if (file_mkdirs(path, 0700, e) < 0 || dirlock_take(path, &m->lockfd, e) < 0 || open_writer(m, e) < 0) {
		lite_free(m);
		return e->code;
	}
	m->write_thread = thread_start("meta-writer", write_thread, m);
	m->check_thread = thread_start("meta-checkpoint", check_thread, m);
	*ret = &m->base;
	return 0;
}

static void lite_close(struct meta *base)
{
	struct lite *m = lite_of(base);

	lock_take(&m->lock);
	m->closing = true;
	cond_signal(&m->work);
	cond_signal(&m->check);
	lock_drop(&m->lock);
	thread_join(m->write_thread);
	thread_join(m->check_thread);
	checkpoint(m, m->writer, SQLITE_CHECKPOINT_TRUNCATE);
	lite_free(m);
}

/* Verification */

/* A checkpoint may be writing the page just then: a bad one is looked at again when none can be. */
static int verify_page(struct lite *m, int fd, uint32_t no, bool *ret_good, struct err *e)
{
	uint8_t page[PAGES_SIZE];
	off_t at = (off_t)(no - 1) * PAGES_SIZE;
	ssize_t n = file_pread_all(fd, page, sizeof(page), at, e);

	*ret_good = n == sizeof(page) && pages_good(page, sizeof(page), no);
	if (n < 0 || *ret_good)
		return n < 0 ? e->code : 0;
	LOCK_SCOPE(&m->checkpointing);
	n = file_pread_all(fd, page, sizeof(page), at, e);
	*ret_good = n == 0 || (n == sizeof(page) && pages_good(page, sizeof(page), no));
	return n < 0 ? e->code : 0;
}

static int verify_pages(struct lite *m, meta_found_fn found, void *arg, uint64_t *ret_bytes, struct err *e)
{
	CLEANUP(fd_closep) int fd = open(m->path, O_RDONLY | O_CLOEXEC);
	uint8_t header[100];
	struct stat st;
	char text[64];
	bool good;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, ERR_IO, "%s", m->path);
	if (file_pread_all(fd, header, sizeof(header), 0, e) < 0)
		return e->code;
	if (st.st_size && !pages_size(header))
		found(arg, "the database was made without checksums of pages, or its first page is damaged");
	else
		for (uint32_t no = 1; (off_t)no * PAGES_SIZE <= st.st_size; no++) {
			if (verify_page(m, fd, no, &good, e) < 0)
				return e->code;
			snprintf(text, sizeof(text), "page %" PRIu32 " of the database is damaged", no);
			if (!good)
				found(arg, text);
		}
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

struct verify {
	meta_found_fn found;
	void *arg;
};

static int verify_structure(struct meta_tx *tx, void *arg, struct err *e)
{
	struct verify *v = arg;
	struct tx_rows *r;
	char text[256];
	int rc = tx_query(tx, &r, e, "PRAGMA integrity_check(20)", "");

	if (rc < 0)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		snprintf(text, sizeof(text), "structure of the database: %.*s", VIEW_ARG(row_view(r, 0)));
		if (!view_eq_str(row_view(r, 0), "ok"))
			v->found(v->arg, text);
	}
	return rc;
}

static int lite_verify(struct meta *base, meta_found_fn found, void *arg, uint64_t *ret_bytes, struct err *e)
{
	struct verify v = { found, arg };

	if (verify_pages(lite_of(base), found, arg, ret_bytes, e) < 0)
		return err_ctx(e, "verification");
	if (lite_read(base, verify_structure, &v, e) == ERR_CORRUPT) {
		found(arg, e->msg);
		err_clear(e);
	}
	return e->code;
}

static uint64_t lite_commits(struct meta *m)
{
	return atomic_load(&lite_of(m)->commits);
}

static const struct meta_vtable lite_vtable = {
	.name = "sqlite",
	.close = lite_close,
	.write = lite_write,
	.read = lite_read,
	.schema = lite_schema,
	.verify = lite_verify,
	.commits = lite_commits,
	.run = lite_run,
	.query = lite_query,
	.after_commit = lite_after_commit,
	.next = lite_next,
	.end = lite_end,
	.col_int = lite_col_int,
	.col_double = lite_col_double,
	.col_view = lite_col_view,
	.col_null = lite_col_null,
};
