/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_ref -- the text of a blob's reference.
 *
 *	f1:<uuid>:<size>:<CRC-32C of each MiB, 8 hex digits each>     a file
 *	p1:<segment>:<offset>:<size>:<checksum of its record, 8 hex digits>     a record of a pack
 */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define BLOB_BLOCK (1024 * 1024UL) /* bytes per checksum of a file */

struct blob_ref {
	bool packed;
	uint64_t size;
	struct view uuid, crcs;    /* of a file */
	uint64_t segment, off;     /* of a packed one */
	uint32_t crc;
};

/* ERR_CORRUPT if it is none. */
int blob_ref_parse(const char *ref, struct blob_ref *ret, struct err *e) MUST_CHECK;
uint32_t blob_ref_crc(const struct blob_ref *r, uint64_t block);
