/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_ref -- the text of a blob's reference.
 *
 *	f1:<uuid>:<size>:<CRC-32C of each MiB, 8 hex digits each>     a file
 *	p1:<segment>:<offset>:<size>:<checksum of its record, 8 hex digits>     a record of a pack
 *	e1:<base64 of BLOB_SEAL_HEAD bytes>:<one of the above>     encrypted; store/blob_seal.h
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

/* --- sealed references (blob_seal.c) --- */
#define BLOB_SEAL_HEAD 108
static inline bool blob_ref_sealed(const char *ref)
{
	return view_starts(view_str(ref), VIEW("e1:"));
}
/* Of a sealed one: the key's wrapping, false if it is none; and the length of the plaintext of @sealed bytes. */
bool blob_seal_head(const char *ref, uint8_t head[BLOB_SEAL_HEAD]);
bool blob_seal_plain(uint64_t sealed, uint64_t *ret);
