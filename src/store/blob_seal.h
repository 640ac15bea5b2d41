/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_seal -- blobs whose bytes are encrypted: AES-256-GCM in segments of 64 KiB.
 *
 * Every write makes a data key of its own, which encrypts this blob and nothing else.  The data key is kept in the
 * blob's reference, wrapped by a key of the caller's (struct seal_key).  A segment's nonce is the blob's random
 * nonce XOR the segment's number; what is authenticated besides its bytes: which key wrapped the data key, the
 * random id of this write, the segment's number, whether it is the last one.  So no segment can be changed, moved,
 * left out or taken from elsewhere, and no end cut off, without the reader seeing it.
 *
 * The writers and readers made here are used with blob_write(), blob_commit(), blob_read() and so on; lengths and
 * offsets are the plaintext's.  Sealed references work with blob_size(), blob_key() and blob_delete(); what would
 * hand out their bytes, blob_reader_open() and blob_path(), refuses them.
 *
 * Threads, memory, durability: as in store/blob.h.  Format: docs/formats.md, "Sealed blobs".
 */
#pragma once

#include "os/crypto.h"
#include "store/blob.h"

#define SEAL_SEGMENT 65536
#define SEAL_ID 16

enum seal_kind { SEAL_BUCKET = 1, SEAL_CUSTOMER = 2 }; /* whose key wraps the data key */

struct seal_key { /* wipe it after use */
	enum seal_kind kind;
	uint8_t id[SEAL_ID]; /* names the key; never made of it */
	uint8_t key[GCM_KEY];
};

/* On failure nothing is kept. */
int blob_seal_begin(struct blob_store *b, const struct seal_key *k, struct blob_writer **ret,
		    struct err *e) MUST_CHECK;
/* ERR_NOENT; ERR_CORRUPT: another key, or something was changed.  blob_read() has ERR_CORRUPT for that too. */
int blob_seal_open(struct blob_store *b, const char *ref, const struct seal_key *k,
		   struct blob_reader **ret, struct err *e) MUST_CHECK;
/* Of the key that opens @ref: false if it is not sealed. */
bool blob_seal_whose(const char *ref, enum seal_kind *ret_kind, uint8_t ret_id[SEAL_ID]);

/* --- keys that are kept: a key wrapped by another --- */

#define SEAL_WRAPPED (GCM_NONCE + GCM_KEY + GCM_TAG)
void seal_wrap(const uint8_t by[GCM_KEY], struct view aad, const uint8_t key[GCM_KEY],
	       uint8_t out[SEAL_WRAPPED]);
bool seal_unwrap(const uint8_t by[GCM_KEY], struct view aad, const uint8_t wrapped[SEAL_WRAPPED],
		 uint8_t out[GCM_KEY]) MUST_CHECK; /* false: not by this key, or changed */
