/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_files -- the segments that are open, a bounded number of them in the whole process; private to store/.
 *
 * Logs are many and most of them are idle.  A segment is opened when it is needed and stays open while it is used, and
 * afterwards until others need the place: the one that was idle longest goes first.
 *
 * Threads:  any.
 * Limits:   SEGMENT_FILES_MAX, or as many as are in use at the same time.
 */
#pragma once

#include "store/segment.h"

#define SEGMENT_FILES_MAX 256

struct segment_file;

struct segment_files { /* of one journal; begins as { dir, kind } */
	const char *dir, *kind;
	struct segment_file *open;
};

struct segment_file {
	int fd; /* O_RDWR */
	struct segment_info info;
	/* of segment_files.c */
	struct segment_files *of;
	struct segment_file *next;          /* of the same journal */
	struct segment_file *older, *newer; /* among the idle ones */
	unsigned users;
	bool gone; /* closed by its last user */
};

/* The segment that begins with record @first.  ERR_NOENT, ERR_CORRUPT. */
int segment_file_get(struct segment_files *of, uint64_t first, struct segment_file **ret, struct err *e) MUST_CHECK;
void segment_file_put(struct segment_file *f);
/* CLEANUP(segment_file_putp) struct segment_file *f = NULL; */
void segment_file_putp(struct segment_file **f);
/* What was found under this number is not what is there now. */
void segment_files_forget(struct segment_files *of, uint64_t first);
void segment_files_clear(struct segment_files *of); /* no one uses any of them */
unsigned segment_files_count(void);                 /* open now, in the whole process */

/* <dir>/<first>.seg */
int segment_path(const char *dir, uint64_t first, char *out, size_t n, struct err *e) MUST_CHECK;
