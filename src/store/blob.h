/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob -- immutable bytes under opaque references.
 *
 * Writing streams; blob_commit() makes the bytes durable and gives a reference (text) that the caller
 * keeps in meta.  A blob without a row that names its reference is litter: blob_sweep() removes it.
 * Small blobs (to LIMIT_SMALL_BLOB) are packed into segments whose fsync many callers share; larger ones are
 * files (O_TMPFILE, fdatasync, linkat, fsync of the directory).  A path never derives from a bucket or key.
 * The reference carries a CRC-32C per MiB of content; reading checks every block that is read whole.
 *
 * Threads:  any; a writer or reader belongs to one thread at a time.
 * Durable:  when blob_commit() returns 0.
 * Backends: blob_files.c (with blob_pack.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

struct blob_store;
struct blob_writer;
struct blob_reader;

int blob_open_files(const char *dir, struct blob_store **ret, struct err *e) MUST_CHECK;
struct blob_store *blob_close(struct blob_store *b);

int blob_begin(struct blob_store *b, struct blob_writer **ret, struct err *e) MUST_CHECK;
int blob_write(struct blob_writer *w, const void *p, size_t n, struct err *e) MUST_CHECK;
uint64_t blob_written(const struct blob_writer *w);
/* Ends @w whatever happens.  *ret_ref in @a; "" is never a reference. */
int blob_commit(struct blob_writer *w, struct arena *a, const char **ret_ref, struct err *e) MUST_CHECK;
struct blob_writer *blob_abort(struct blob_writer *w); /* NULL is fine; returns NULL */
/* All at once. */
int blob_put(struct blob_store *b, struct view data, struct arena *a, const char **ret_ref, struct err *e) MUST_CHECK;
/* Takes over a finished file of this file system (moved into the store after its fsync), e.g. a staged Parquet file. */
int blob_adopt(struct blob_store *b, const char *path, struct arena *a, const char **ret_ref, struct err *e) MUST_CHECK;

int blob_size(const char *ref, uint64_t *ret, struct err *e) MUST_CHECK; /* from the reference alone */
/* ERR_NOENT, ERR_CORRUPT. */
int blob_reader_open(struct blob_store *b, const char *ref, struct blob_reader **ret, struct err *e) MUST_CHECK;
/* Bytes at @off, at most @n; 0 at the end; ERR_CORRUPT when a block's checksum does not fit. */
ssize_t blob_read(struct blob_reader *r, void *p, size_t n, uint64_t off, struct err *e);
/*
 * Verifies the blocks that hold bytes [@off, @off + @n) and says where to send them from without a copy: 1, they lie at
 * the same offset of *ret_fd, which stays the reader's; 0, this blob is not a file: blob_read(); ERR_CORRUPT.  Whoever
 * sends reads them once more, so send at once, while what was verified is still in the system's memory.
 */
int blob_verify(struct blob_reader *r, uint64_t off, uint64_t n, int *ret_fd, struct err *e) MUST_CHECK;
struct blob_reader *blob_reader_close(struct blob_reader *r);
/* A path under which child processes can read exactly this blob, after its checksums have been verified once
 * (packed blobs are copied out into a cache directory).  Lasts until the blob is deleted. */
int blob_path(struct blob_store *b, const char *ref, struct arena *a, const char **ret_path, struct err *e) MUST_CHECK;

/* After the transaction that dropped the last row naming @ref. Absent is fine. */
int blob_delete(struct blob_store *b, const char *ref, struct err *e) MUST_CHECK;
/* Makes the deletions so far durable; without it a power cut may bring the blobs back. */
void blob_settle(struct blob_store *b);
/* The part of @ref that names the blob ("f1:<uuid>", "p1:<segment>:<offset>"), a view into @ref. */
struct view blob_key(const char *ref);
/* The reference of the bytes as they are stored: of a sealed blob (store/blob_seal.h) its ciphertext's, else @ref.
 * What checks, moves or counts blobs without reading them works on these. */
const char *blob_bare(const char *ref);
/*
 * Litter.  A store that was closed has none that its user does not know of: blob_close() is told only when every blob
 * has its row or was deleted.  After a crash the blobs written since the last clean start may be without one.
 *
 * blob_crashed(): there was a crash and no sweep since.
 * blob_sweep(): removes those blobs of runs before this one for which @used says false; with SWEEP_CRASHED only those
 * that the crashed run(s) wrote, and nothing at all if there was no crash: this does not depend on how many others there
 * are.  @used gets the blob_key() of a reference, not the whole reference.  Blobs may be written, read and deleted
 * meanwhile; no row may begin to name one that no row named when the store was opened.
 */
enum blob_sweep_what { SWEEP_ALL, SWEEP_CRASHED };
bool blob_crashed(struct blob_store *b);
int blob_sweep(struct blob_store *b, enum blob_sweep_what what, bool (*used)(void *arg, struct view key), void *arg,
	       uint64_t *ret_removed, struct err *e) MUST_CHECK;
