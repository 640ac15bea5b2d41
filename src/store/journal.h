/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal -- a directory of segments with one committer thread that all callers share (group commit).
 *
 * Private to store/: log_segments.c reads it in order, blob_pack.c at known places.  Records are numbered
 * from 1 without gaps; a segment's file is named by the number of its first record.
 *
 * Threads:  any.   Durable: when journal_append() returns 0.
 * Crash:    a new segment becomes part of the journal by a rename that is on disk before its first record is
 *           accepted; recovery therefore looks only at the last segment's tail (see store/segment.h).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/view.h"
#include "store/segment.h"

struct journal;

struct journal_opts {
	const char *kind;       /* of its segments: 4 characters */
	uint64_t segment_bytes; /* the first ones are smaller: an idle journal costs little */
	uint64_t bytes_max;     /* of all segments: then ERR_LIMIT */
	/* A segment that cannot be read does not keep the journal from opening: the last one is sealed as it
	 * is, others are left out.  Without: ERR_CORRUPT. */
	bool tolerate;
};

struct journal_place {
	struct segment_info segment;
	uint64_t from, to; /* offsets of readable, durable records */
	uint64_t next;     /* first number of the next segment; 0 when this is the last */
};

int journal_open(const char *dir, const struct journal_opts *o, struct journal **ret, struct err *e) MUST_CHECK;
struct journal *journal_close(struct journal *j); /* as log_close() */

/* As log_append().  @ret_at (may be NULL): segment and offset of the first record, and its checksum. */
struct journal_at {
	uint64_t segment, off;
	uint32_t crc;
};
int journal_append(struct journal *j, const struct view *records, size_t n, uint64_t *ret_first,
		   struct journal_at *ret_at, struct err *e) MUST_CHECK;

uint64_t journal_first(struct journal *j);
uint64_t journal_last(struct journal *j);
int journal_dirfd(const struct journal *j);

/* The segment that holds, or will hold, record @seq; false when it is older than the journal. */
bool journal_place_of(struct journal *j, uint64_t seq, struct journal_place *ret);
/* The segment that begins with record @first. */
bool journal_segment(struct journal *j, uint64_t first, struct journal_place *ret);
/* The segment after the one that begins with @first (0: the oldest). */
bool journal_segment_after(struct journal *j, uint64_t first, struct journal_place *ret);

/* A reader holds the journal open.  journal_wait() returns true when record @seq is durable, false at the
 * deadline, when *wake was set (it is cleared), or when closing. */
void journal_hold(struct journal *j);
void journal_release(struct journal *j);
bool journal_wait(struct journal *j, uint64_t seq, int64_t deadline_mono_ns, atomic_bool *wake);
void journal_wake(struct journal *j, atomic_bool *wake);
bool journal_closing(struct journal *j);

/* As log_watch() and log_unwatch(). */
void journal_watch(struct journal *j, void (*fn)(void *arg, uint64_t last), void *arg);
void journal_unwatch(struct journal *j, void (*fn)(void *arg, uint64_t last), void *arg);

/* Unlinks the segment that begins with @first, durably; the last one stays (ERR_BUSY). */
int journal_drop(struct journal *j, uint64_t first, struct err *e) MUST_CHECK;
