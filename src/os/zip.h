/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip -- zip archives (functions' code, packed records), through libarchive.
 *
 * Unpacking refuses absolute paths, "..", links out of the target, more than ZIP_ENTRIES entries or
 * @max_bytes unpacked (ERR_INVALID, ERR_LIMIT), and makes the result durable.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

#define ZIP_ENTRIES 10000

int zip_unpack(struct view zip, const char *dir, uint64_t max_bytes, struct err *e) MUST_CHECK;

struct zip_entry {
	const char *name;
	struct view data;
	unsigned mode; /* 0755 or 0644 */
};
int zip_pack(const struct zip_entry *entries, size_t n, struct buf *ret, struct err *e) MUST_CHECK;

/* An archive with one deflated entry whose length is not known before its end, written piece by piece.  The same
 * bytes give the same archive.  Failure of the library is out of memory: it aborts. */
struct zip_stream;
struct zip_stream *zip_stream_new(const char *name);
void zip_stream_add(struct zip_stream *z, const void *p, size_t n, struct buf *ret);
struct zip_stream *zip_stream_end(struct zip_stream *z, struct buf *ret); /* appends the rest, frees; returns NULL */
struct zip_stream *zip_stream_free(struct zip_stream *z); /* without a result; NULL is fine; returns NULL */
