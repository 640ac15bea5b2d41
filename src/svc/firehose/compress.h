/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compress -- what CompressionFormat makes of an object's bytes, written piece by piece.
 *
 * One row per format in compress.c.  A row without begin is a format that is refused by name (UNCOMPRESSED needs none).
 * Same bytes in, same bytes out: no time, no random name.  Threads: one at a time per state.
 */
#pragma once

#include "base/buf.h"
#include "svc/firehose/config.h"

struct fh_packer {
	const char *format;    /* the wire's, case-sensitive */
	const char *extension; /* ".gz" */
	const char *encoding;  /* Content-Encoding; NULL: none */
	void *(*begin)(void);
	void (*add)(void *state, struct view piece, struct buf *ret); /* appends what is ready */
	void (*end)(void *state, struct buf *ret); /* appends the rest, frees */
	void (*drop)(void *state);                 /* frees */
};

extern const struct fh_packer fh__packers[FH_COMPRESSIONS];
