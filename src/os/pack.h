/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack -- bytes packed piece by piece into one of Firehose's compression formats.
 *
 * GZIP: RFC 1952.  ZIP: an archive with one deflated entry.  SNAPPY: the stream format of snappy-java (also
 * called xerial), not Google's framing format.  HADOOP_SNAPPY: Hadoop's block format.  The same bytes in the same
 * pieces give the same bytes out.
 *
 *	struct pack *p = pack_new(PACK_GZIP, NULL);
 *	pack_add(p, data, n, &out);     (any number of times; out may be emptied in between)
 *	p = pack_end(p, &out);
 *
 * Threads: one at a time.   Memory: some 150 KiB, and what the libraries use; 64 KiB wait inside, the rest goes to @ret at once; its ceiling
 * is the caller's to check (buf_check()).   Failure of the libraries is out of memory: it aborts.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

enum pack_format { PACK_NONE, PACK_GZIP, PACK_ZIP, PACK_SNAPPY, PACK_HADOOP_SNAPPY };

struct pack;
/* @entry: the name inside a ZIP (copied; must not be NULL then). */
struct pack *pack_new(enum pack_format f, const char *entry);
void pack_add(struct pack *p, const void *data, size_t n, struct buf *ret);
struct pack *pack_end(struct pack *p, struct buf *ret); /* appends the rest, frees; returns NULL */
struct pack *pack_free(struct pack *p); /* without a result; NULL is fine; returns NULL */

/* As AWS spells them; the names' case matters there.  false: no such format. */
bool pack_from_name(struct view name, enum pack_format *ret); /* "UNCOMPRESSED" "GZIP" "ZIP" "Snappy" "HADOOP_SNAPPY" */
const char *pack_name(enum pack_format f);
const char *pack_extension(enum pack_format f); /* ".gz"; "" for none */
const char *pack_encoding(enum pack_format f);  /* Content-Encoding; NULL for none */
