/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file -- whole reads and writes, directories, and the one place that makes bytes durable.
 *
 * Durability: file_sync*() are the only functions in the program that call fsync, fdatasync or syncfs.  An
 * error there ends the process (a retried fsync can report success for lost data; PostgreSQL's
 * "fsyncgate"): they therefore return nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

void file_sync_data(int fd);          /* fdatasync */
void file_sync_dir(const char *path); /* fsync of a directory */
void file_sync_dirfd(int dirfd);
/* The system begins to write the bytes out and nobody waits: the sync that has to follow finds less to do. */
void file_sync_soon(int fd, off_t off, uint64_t n);
void file_sync_fs(int fd); /* all of the file system that @fd is on: for what nobody waits for */
uint64_t file_sync_count(
	void); /* calls of the three so far, by all threads: tests see shared syncs by it */

/* Loop over short transfers and EINTR.  ERR_LIMIT: the disk, quota or file size limit is full; ERR_IO. */
int file_write_all(int fd, const void *p, size_t n, struct err *e) MUST_CHECK;
int file_pwrite_all(int fd, const void *p, size_t n, off_t at, struct err *e) MUST_CHECK;
/* What @v names, behind each other; @v is changed. */
struct iovec;
int file_pwritev_all(int fd, struct iovec *v, size_t n, off_t at, struct err *e) MUST_CHECK;
ssize_t file_pread_all(int fd, void *p, size_t n, off_t at,
		       struct err *e); /* fewer bytes only at the end */

int file_mkdirs(const char *path, unsigned mode, struct err *e)
	MUST_CHECK; /* durable, parents too */
/* Replaces @path as a whole: temporary file, sync, rename, sync of the directory. */
int file_replace(const char *path, struct view content, unsigned mode, struct err *e) MUST_CHECK;
/* ERR_NOENT, ERR_LIMIT if longer than @max. */
int file_read(const char *path, struct arena *a, size_t max, struct view *ret, struct err *e)
	MUST_CHECK;
/* MD5 of the whole file, in hex, in @a. */
int file_md5(const char *path, struct arena *a, const char **ret, struct err *e) MUST_CHECK;
bool file_exists(const char *path);
int file_remove_tree(const char *path, struct err *e)
	MUST_CHECK; /* absent is fine; does not follow links */

/* CLEANUP(fd_closep) int fd = -1; */
void fd_closep(int *fd);
