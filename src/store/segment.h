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
};

struct segment_info {
	char kind[4]; /* "LOG " or "PACK" */
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

/* A new file of @size zeros, on disk except for its name.  ERR_LIMIT: disk full or file size limit. */
int segment_create(int dirfd, const char *name, uint64_t size, int *ret_fd, struct err *e) MUST_CHECK;
/* Writes the header durably. */
int segment_start(int fd, const struct segment_info *info, struct err *e) MUST_CHECK;
/* @flags for open(2).  ERR_CORRUPT: not a segment of @kind, or not of its size. */
int segment_open(int dirfd, const char *name, int flags, const char *kind, struct segment_info *ret, int *ret_fd,
		 struct err *e) MUST_CHECK;

/* CRC-32C of the payload; the rest of the checksum needs the number and is added by segment_encode(). */
uint32_t segment_payload_crc(const void *p, size_t n);
/* Writes header, payload (@p may be NULL: zeros) and padding to @out; sets r->crc. */
void segment_encode(uint8_t *out, const struct segment_info *info, struct segment_record *r, const void *p,
		    uint32_t payload_crc);
/* Looks at the @n bytes at offset @off of the segment.  The payload is at p + SEGMENT_RECORD. */
enum segment_look segment_decode(const uint8_t *p, size_t n, const struct segment_info *info, uint64_t off,
				 struct segment_record *ret, uint64_t *ret_need);

/* Finds the end and makes it clean (durably) unless the segment is corrupt. */
int segment_recover(int fd, const struct segment_info *info, struct segment_tail *ret, struct err *e) MUST_CHECK;
