/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta -- the truth about everything: object index, catalog, definitions, executions and their history,
 * outbox, readers' offsets.  SQL text written once for SQLite and PostgreSQL.
 *
 * Writes: meta_write() runs the given function inside a transaction on the one writer thread.  Functions of
 * many callers share one commit (and its fsync); each has its own savepoint, so one that fails takes
 * nothing with it.  meta_write() returns when the commit is on disk.
 * Reads:  meta_read() runs a function on a connection of the caller's thread, on one snapshot; it sees every
 * commit that was acknowledged before it began.
 * The functions must not block on anything but the database, nor call meta_write()/meta_read() again.
 *
 * SQL: constant text with `?` for values, all bound; portable to PostgreSQL (BIGINT ms, BLOB, ON CONFLICT,
 * RETURNING).  A module creates its tables with meta_schema() at start; a table's name begins with the module's.
 * Threads:  any.   Durable: when meta_write() returns 0.
 * Backends: meta_sqlite.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

struct meta;
struct meta_tx;

typedef int (*meta_fn)(struct meta_tx *tx, void *arg, struct err *e);

struct meta_vtable; /* see store/meta_backend.h */

/* @path: a directory of its own.  ERR_CORRUPT, ERR_IO, ERR_BUSY (another process has it open). */
int meta_open_sqlite(const char *path, struct meta **ret, struct err *e) MUST_CHECK;
struct meta *meta_close(struct meta *m); /* returns NULL */

int meta_write(struct meta *m, meta_fn fn, void *arg, struct err *e) MUST_CHECK;
int meta_read(struct meta *m, meta_fn fn, void *arg, struct err *e) MUST_CHECK;
/* Runs @ddl (statements, each "CREATE ... IF NOT EXISTS") durably. */
int meta_schema(struct meta *m, const char *ddl, struct err *e) MUST_CHECK;
/* How tables change over releases: runs those of @steps (one statement each, NULL behind the last) that this database
 * has not run for @module yet, in order, each in one transaction with the mark that it was run.  A released step is
 * never changed, only followed by others.  @module is a constant. */
int meta_steps(struct meta *m, const char *module, const char *const *steps, struct err *e) MUST_CHECK;

/*
 * Reads all that is stored and tells @found what is wrong with it, a sentence each: checksums of pages, then the
 * structure.  Takes time with the size of the data, but no lock that keeps others waiting.
 * @ret_bytes: what was read.  An error only when reading could not go on.
 */
typedef void (*meta_found_fn)(void *arg, const char *what);
int meta_verify(struct meta *m, meta_found_fn found, void *arg, uint64_t *ret_bytes, struct err *e) MUST_CHECK;

/*
 * Statements.  @fmt has one letter per `?`, the values follow:
 *   s const char * (NULL: null)   v struct view as text (absent: null)   b struct view as blob (absent: null)
 *   i int64_t                     d double                               n null (no value)
 */
int tx_run(struct meta_tx *tx, struct err *e, const char *sql, const char *fmt, ...) MUST_CHECK;
/* Rows changed, inserted or deleted by the last tx_run() of this transaction. */
int64_t tx_changes(const struct meta_tx *tx);
/* ERR_EXISTS instead of ERR_INTERNAL comes from tx_run() for a broken UNIQUE or PRIMARY KEY constraint. */

struct tx_rows; /* a query's cursor; ends by itself after the last row or an error */
int tx_query(struct meta_tx *tx, struct tx_rows **ret, struct err *e, const char *sql, const char *fmt, ...) MUST_CHECK;
/* 1: a row is there; 0: no more (the cursor is gone); negative: error (gone too). */
int tx_next(struct tx_rows *r, struct err *e) MUST_CHECK;
void tx_end(struct tx_rows *r); /* before the last row; NULL is fine */
/* Of the current row, columns from 0.  Views last until the next tx_next(). */
int64_t row_int(const struct tx_rows *r, int col);
double row_double(const struct tx_rows *r, int col);
struct view row_view(const struct tx_rows *r, int col); /* VIEW_NONE for null; text or blob */
char *row_str(const struct tx_rows *r, int col, struct arena *a); /* NULL for null */
bool row_null(const struct tx_rows *r, int col);
/* One row: 1 found (read its columns, then tx_end()), 0 none, negative error. */
int tx_one(struct meta_tx *tx, struct tx_rows **ret, struct err *e, const char *sql, const char *fmt, ...) MUST_CHECK;
/* For functions that emit rows which others wait for: called after the commit, on the writer thread; must not block. */
void tx_after_commit(struct meta_tx *tx, void (*fn)(void *), void *arg);
