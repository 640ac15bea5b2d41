/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filecheck -- is a file what its kind says, looked at while it streams by?
 *
 * PNG (ISO 15948): signature, first chunk IHDR, every chunk's CRC, IEND at the very end.
 * MP4 (ISO 14496-12): top-level boxes that fill the file, ftyp first, moov and mdat (or moof) present; 64-bit sizes.
 * JSON: parsed whole, at most 1 MiB.  Nothing is decoded.  One struct per file; feed in order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/view.h"

enum filecheck_kind { FILECHECK_ANY, FILECHECK_PNG, FILECHECK_MP4, FILECHECK_JSON };

struct filecheck {
	enum filecheck_kind kind;
	const char *bad;      /* what is wrong, or NULL so far */
	uint8_t head[16];     /* of the chunk or box that is being read */
	size_t head_n;
	uint64_t left;        /* bytes of the chunk's or box's content to come */
	uint32_t crc;
	uint64_t chunks;
	bool open_end, end, ftyp, moov, mdat;
	struct buf text;      /* JSON */
};

void filecheck_init(struct filecheck *c, enum filecheck_kind kind);
void filecheck_add(struct filecheck *c, struct view piece);
/* NULL: it is well formed; else what is wrong.  Frees what the struct holds. */
const char *filecheck_end(struct filecheck *c);
