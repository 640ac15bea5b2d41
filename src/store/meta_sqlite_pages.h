/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta_sqlite_pages -- a checksum in every page of meta's database file; private to meta_sqlite*.c.
 *
 * A VFS between SQLite and its own: SQLite leaves the last PAGES_RESERVED bytes of each page alone, a page gets its
 * checksum on its way to the file and is checked on its way back.  A page that does not fit is SQLITE_IOERR_DATA, so
 * that no query can be answered from it.  A database made without room for checksums goes on without them.
 *
 * Not covered: the WAL, whose frames have SQLite's checksums, looked at when a crash is recovered from.
 * Threads: any.   Format: docs/formats.md#metadata
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PAGES_RESERVED 8
#define PAGES_SIZE 4096

/* Name of the VFS, for sqlite3_open_v2(). */
const char *pages_vfs(void);
/* Is this page of @n bytes, number @no from 1, what was written? */
bool pages_good(const uint8_t *page, uint32_t n, uint32_t no);
/* Of the first bytes (100) of the file: size of its pages; 0 when they have no checksums. */
uint32_t pages_size(const uint8_t *header);
