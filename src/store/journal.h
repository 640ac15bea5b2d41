/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal -- a directory of segments to which all callers write together (group commit).
 *
 * Private to store/: log_segments.c reads it in order, blob_pack.c at known places.  Records are numbered
 * from 1 without gaps; a segment's file is named by the number of its first record.
 *
 * Threads:  any; it has none of its own, but for a moment when a segment is made ahead.
 * Memory:   an idle one has a few hundred bytes, no open file (but its lock, see journal_opts) and, before its first
 *           record, no segment.
 * Durable:  when journal_append() returns 0.
 * Crash:    a new segment becomes part of the journal by a rename that is on disk before its first record is
 *           accepted; recovery therefore looks only at the last segment (see store/segment.h), and at the files with
 *           the keys of a few before it (store/journal_keys.h).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/view.h"
#include "store/segment_files.h"

struct journal;

struct journal_opts {
	const char *kind;       /* of its segments: 4 characters */
	enum segment_version version; /* of new ones */
	/* The first segment is small, and each next one four times as large while they fill quickly, up to
	 * segment_bytes: a journal of few records takes little room. */
	uint64_t first_bytes, segment_bytes;
	uint64_t bytes_max;     /* of all segments: then ERR_LIMIT */
	/* journal_trim() keeps what is younger than this, as long as all segments have no more than keep_bytes
	 * (0: no bound) and there is room for new records. */
	int64_t keep_ms;
	uint64_t keep_bytes;
	/* A segment that cannot be read does not keep the journal from opening: the last one is sealed as it
	 * is, others are left out.  Without: ERR_CORRUPT, of others when they are read. */
	bool tolerate;
	bool locked; /* the caller has locked a folder above */
};

struct journal_place {
	uint64_t first;    /* number of the segment's first record */
	uint64_t from, to; /* offsets of readable, durable records */
	uint64_t next;     /* first number of the next segment; 0 when this is the last */
};

int journal_open(const char *dir, const struct journal_opts *o, struct journal **ret, struct err *e) MUST_CHECK;
struct journal *journal_close(struct journal *j); /* as log_close() */

/* Where a unit is: segment and offset of its first record, and that one's checksum. */
struct journal_at {
	uint64_t segment, off;
	uint32_t crc;
};
/* As log_append(), and with a key (else NULL) as log_append_once().  @ret_at may be NULL; without a key only. */
int journal_append(struct journal *j, const struct view *records, size_t n, const uint8_t *key, uint64_t *ret_first,
		   struct journal_at *ret_at, struct err *e) MUST_CHECK;

uint64_t journal_first(struct journal *j);
uint64_t journal_last(struct journal *j);

/* The segment that begins with @first: shared and kept open, or for the caller alone. */
int journal_file_get(struct journal *j, uint64_t first, struct segment_file **ret, struct err *e) MUST_CHECK;
int journal_segment_open(const struct journal *j, uint64_t first, int flags, struct segment_info *ret, int *ret_fd,
			 struct err *e) MUST_CHECK;
/* The segment that holds record @seq, which is durable; false when it is older than the journal. */
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
/* As log_trim(). */
int journal_trim(struct journal *j, uint64_t seq, struct err *e) MUST_CHECK;
