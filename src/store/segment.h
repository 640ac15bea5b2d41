/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment -- the file format that logs and packed blobs share.  Diagram: docs/formats.md#segments
 *
 * A segment is pre-written with zeros to its full size before its first record, so that an append changes no
 * metadata and fdatasync is as cheap as it gets.  It never shrinks or grows afterwards.
 *
 * Invariants
 *  1. A record's checksum covers its payload, its header and the uuid of its segment: bytes of another
 *     segment, or of another place in the format, never look like a record.
 *  2. Records are written in groups, and a group is written only after the one before it is on disk.  Each
 *     record names the offset at which its group begins.  So a bad record at B is the torn tail of a power
 *     cut unless a good record behind it belongs to a group that began after B: then B had been acknowledged.
 *  3. A unit (one append) lies within one group; a unit without its last record was never acknowledged.
 *  4. Behind the end of a recovered segment there are only zeros.  Otherwise a stale record could line up
 *     with a later end and come back to life.
 *  5. Records of packs are overwritten when they are deleted, and a power cut may tear that.  So behind a bad
 *     record of a pack every good one counts as acknowledged: nothing is cut there, the segment is left as it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SEGMENT_HEADER 64
#define SEGMENT_RECORD 32
#define SEGMENT_NAME 32
#define SEGMENT_SIZE_MAX (1UL << 32) /* offsets are kept in units of 8 bytes, in 32 bits, with room to spare */

enum record_type {
	RECORD_LAST = 1, /* the only or last one of its unit */
	RECORD_MORE = 2, /* the unit goes on */
	RECORD_DEAD = 3, /* deleted: the payload is zeros */
	RECORD_KEY = 4,  /* no record: the key of the unit that follows, with the number of its first record */
};

#define SEGMENT_KEY 16 /* bytes of a unit's key */
enum segment_version {
	SEGMENT_PLAIN = 1, /* without keys */
	SEGMENT_KEYED = 2,
};

struct segment_info {
	char kind[4]; /* "LOG " or "PACK" */
	enum segment_version version;
	uint8_t uuid[16];
	uint64_t first; /* number of its first record */
	uint64_t size;
	int64_t created_ms;
};

struct segment_record {
	uint64_t seq;
	int64_t at_ms;
	uint64_t group; /* offset of the first record of its group */
	uint32_t len;
	uint32_t crc;
	enum record_type type;
};

enum segment_look {
	LOOK_GOOD,
	LOOK_SHORT, /* more bytes are needed: see @ret_need */
	LOOK_BAD,   /* also: zeros, nothing was written here */
};

struct segment_tail {
	uint64_t end;      /* offset behind the last whole unit */
	uint64_t next_seq;
	uint64_t cut;      /* bytes that were not zero behind it, now zero */
	bool corrupt;      /* acknowledged records behind @end cannot be read; nothing was changed */
};

/* Bytes a record of @len takes. */
static inline uint64_t segment_room(uint64_t len)
{
	return SEGMENT_RECORD + ((len + 7) & ~7UL);
}

void segment_name(uint64_t first, char out[SEGMENT_NAME]);
bool segment_name_parse(const char *name, uint64_t *ret_first);

/* A new file of @size zeros, on disk except for its name.  ERR_LIMIT: the disk is full (store/reserve.h), or a limit
 * of file sizes. */
int segment_create(const char *path, uint64_t size, int *ret_fd, struct err *e) MUST_CHECK;
/* Writes the header durably. */
int segment_start(int fd, const struct segment_info *info, struct err *e) MUST_CHECK;
/* @flags for open(2).  ERR_CORRUPT: not a segment of @kind, or not of its size. */
int segment_open(const char *path, int flags, const char *kind, struct segment_info *ret, int *ret_fd,
		 struct err *e) MUST_CHECK;

/* Writes a record of @n bytes (@p may be NULL: zeros) to @out, all but its place and number: the part of the work
 * that appending threads do side by side. */
void segment_prepare(uint8_t *out, enum record_type type, const void *p, size_t n);
/* Completes what segment_prepare() wrote by @r's number, time and group; fills in the rest of @r.  Returns its room. */
uint64_t segment_finish(uint8_t *out, const struct segment_info *info, struct segment_record *r);
/* Both: @r has all but the checksum, which is set. */
void segment_encode(uint8_t *out, const struct segment_info *info, struct segment_record *r, const void *p);
/* Looks at the @n bytes at offset @off of the segment.  The payload is at p + SEGMENT_RECORD. */
enum segment_look segment_decode(const uint8_t *p, size_t n, const struct segment_info *info, uint64_t off,
				 struct segment_record *ret, uint64_t *ret_need);

/* Zeros [from, to), durably. */
int segment_zero(int fd, uint64_t from, uint64_t to, struct err *e) MUST_CHECK;

/* Is told of the keys of whole units, in order. */
struct segment_keys {
	void (*fn)(void *arg, const uint8_t key[SEGMENT_KEY], uint64_t first);
	void *arg;
};
/* Finds the end and makes it clean (durably) unless the segment is corrupt.  @keys may be NULL. */
int segment_recover(int fd, const struct segment_info *info, const struct segment_keys *keys,
		    struct segment_tail *ret, struct err *e) MUST_CHECK;
