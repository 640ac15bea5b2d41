/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip -- gzip streams (RFC 1952), written piece by piece or unpacked whole; zlib's.
 *
 * The same bytes in give the same bytes out: the header has no time and no name.
 * Threads: one at a time.   Failure of the library is out of memory: it aborts.
 */
#pragma once

#include "base/buf.h"

struct gzip;
struct gzip *gzip_new(void);
/* Appends to @ret what is ready, which may be nothing yet. */
void gzip_add(struct gzip *g, const void *p, size_t n, struct buf *ret);
struct gzip *gzip_end(struct gzip *g, struct buf *ret); /* appends the rest, frees; returns NULL */
struct gzip *gzip_free(struct gzip *g); /* without a result; NULL is fine; returns NULL */

/* Appends what the gzip members in @packed hold, all of them.  ERR_INVALID: not gzip, broken or cut off; ERR_LIMIT: more
 * than @ret may hold.  On failure @ret has whatever came before. */
int gzip_unpack(struct view packed, struct buf *ret, struct err *e) MUST_CHECK;
