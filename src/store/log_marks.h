/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_marks -- where some records of a log lie, so that a reader which begins in the middle of a segment need not begin at
 * its front.
 *
 * Readers leave a mark about every MARKS_STEP bytes as they pass.  Marks are in memory only: after a restart the first
 * reader of a segment leaves them anew.  When there are many, those of the oldest records go.
 *
 * Threads:  any.   Memory: at most MARKS_MAX * 24 bytes a log; none before the first mark.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/thread.h"

#define MARKS_STEP (256UL * 1024)
#define MARKS_MAX 4096

struct log_mark {
	uint64_t segment, off, at; /* record number @at, or its key, is at offset @off of the segment that begins with @segment */
};

struct log_marks {
	struct lock lock;
	struct log_mark *v; /* sorted by .at */
	size_t n, cap;
};

void log_marks_init(struct log_marks *m);
void log_marks_clear(struct log_marks *m);
/* Does nothing if there is one near. */
void log_marks_put(struct log_marks *m, const struct log_mark *mark);
/* The last one of @segment at or before record @seq. */
bool log_marks_find(struct log_marks *m, uint64_t segment, uint64_t seq, struct log_mark *ret);
