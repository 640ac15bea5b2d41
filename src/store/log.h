/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- the durable, ordered ingest log.
 *
 * What a delivery stream accepts is kept here; live viewers, the ledger, delivery and decoding read it.  A
 * record that log_append() has accepted is delivered to every reader at least once, also after a crash; its
 * sequence number lets a reader drop what it has seen.
 *
 * Threads:   any; one thread per reader.  A log has no thread: who appends writes, for others too.
 * Memory:    records are copied; views returned by a reader last until its next call.  Many logs cost little: files
 *            are opened when they are needed, and the whole process keeps no more than 256 idle ones open; a log
 *            without records has none; a reader that found nothing to read has no buffer.
 * Durable:   when log_append() returns 0 (one fsync shared by all callers then waiting).
 * Limits:    LIMIT_LOG_RECORD bytes per record, LIMIT_LOG_BATCH per append, and the log's own ceiling: ERR_LIMIT.
 * Backends:  log_segments.c.   Format: docs/formats.md#segments
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/view.h"

struct log;
struct log_reader;

struct log_opts {
	uint64_t segment_bytes; /* 0: 64 MiB */
	uint64_t bytes_max;     /* 0: 1 TiB */
	/* What log_trim() gives up is kept while it is younger than this and the log not larger than that (0: no bound),
	 * and as long as there is room for new records. */
	int64_t keep_ms;
	uint64_t keep_bytes;
	bool locked; /* log_lock() was called for a folder above: the log has no lock, and so no open file, of its own */
};

/* One process at a time for all logs below @dir, until *ret_fd is closed.  ERR_BUSY. */
int log_lock(const char *dir, int *ret_fd, struct err *e) MUST_CHECK;

/* Recovers: a torn tail is cut; a bad record with a valid one behind it is ERR_CORRUPT with a repair hint. */
int log_open_segments(const char *dir, const struct log_opts *o, struct log **ret, struct err *e) MUST_CHECK;
/* Appends and readers in other threads get ERR_CANCELLED; returns NULL when the last of them has left, so the
 * calling thread may hold no reader.  All watches have been ended before. */
struct log *log_close(struct log *l);

/*
 * Appends @n records as one unit and returns when they are on disk.  Their numbers are *ret_first and on,
 * 1 more than the last of this log each; the first record of a log is number 1.
 * ERR_LIMIT when full (the caller must slow its client down); ERR_CANCELLED while closing.
 */
int log_append(struct log *l, const struct view *records, size_t n, uint64_t *ret_first, struct err *e) MUST_CHECK;

/*
 * As log_append(), but if a unit with the same @key was appended in the last 15 minutes, or is just being appended by
 * another thread, nothing is written and *ret_first is that unit's: what a client sends twice, because it did not get
 * the answer, is stored once, also over a crash in between.  @key is a digest of what makes the two the same.
 * The 15 minutes do not depend on the wall clock and begin anew with a restart.  Under more than LIMIT_LOG_KEYS units
 * in that time the oldest keys are forgotten earlier.
 */
#define LOG_KEY 16
int log_append_once(struct log *l, const uint8_t key[LOG_KEY], const struct view *records, size_t n,
		    uint64_t *ret_first, struct err *e) MUST_CHECK;

uint64_t log_first(struct log *l); /* number of the oldest record kept; log_last() + 1 when empty */
uint64_t log_last(struct log *l);  /* number of the newest durable record; 0 when there never was one */

struct log_record {
	uint64_t seq;
	int64_t at_ms; /* when it was accepted, wall clock */
	struct view data;
};

/*
 * @fn(arg, last) is called after every durable append with the number of the newest record, and never twice at a
 * time: what wakes an actor that serves many logs.  It may not block, and of this log it may call log_first() and
 * log_last() only.  Who begins to watch and then asks log_last() misses nothing.
 * log_unwatch() with the same two ends it: @fn is not running and is not called again when it returns, so the
 * caller may hold no lock that @fn takes.
 */
typedef void (*log_watch_fn)(void *arg, uint64_t last);
void log_watch(struct log *l, log_watch_fn fn, void *arg);
void log_unwatch(struct log *l, log_watch_fn fn, void *arg);

/*
 * Number of the first record that was accepted at @at_ms or later; log_last() + 1 when there is none yet.  Reads
 * one segment at most, and the beginnings of a few.  If the wall clock was set back while the log grew, it is one
 * such record of several.
 */
int log_at_time(struct log *l, int64_t at_ms, uint64_t *ret_seq, struct err *e) MUST_CHECK;

/* Starts before record @from (1: the oldest). */
int log_reader_new(struct log *l, uint64_t from, struct log_reader **ret, struct err *e) MUST_CHECK;
/*
 * The next records, at most @n and about @bytes_max; waits up to @timeout_ms for the first.  Returns how many
 * (0: time-out or woken), or ERR_CORRUPT, ERR_NOENT (trimmed away), ERR_CANCELLED (log closing).
 */
int log_read(struct log_reader *r, struct log_record *ret, size_t n, size_t bytes_max, int timeout_ms, struct err *e);
void log_reader_wake(struct log_reader *r); /* any thread: log_read() returns early */
struct log_reader *log_reader_free(struct log_reader *r);

/* Nobody needs the records below @seq any more: removes whole segments that hold only such, but see keep_ms. */
int log_trim(struct log *l, uint64_t seq, struct err *e) MUST_CHECK;
