/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_keys -- which keys a journal's units had lately, so that the same unit is not written twice; private to
 * journal*.c.
 *
 * The keys of a segment are one set.  Those of the last segment are found again in it when it is recovered.  Before
 * another becomes the last, they go into a file beside it, <first>.keys (docs/formats.md#keys-of-a-log), which stays
 * for the window, whether the segment does or not.  The window is counted by the monotonic clock; after a restart it
 * begins anew for all that is there.  So a wall clock that jumps neither shortens nor prolongs it.
 *
 * Threads:  journal_keys_find() under the journal's lock; the others by its leader, those that change the set what
 *           _find() sees under the lock as well.
 * Limits:   LIMIT_LOG_KEYS: then the oldest segment's keys are forgotten before their time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/view.h"
#include "store/segment.h"

#define JOURNAL_KEYS_WINDOW_NS (15 * 60 * 1000000000LL)

struct key_set;
struct journal_keys { /* begins as zeros */
	struct key_set *newest; /* the last segment's, if it has any; then older ones */
	size_t n;
};

void journal_keys_clear(struct journal_keys *k);
/* False: not lately. */
bool journal_keys_find(const struct journal_keys *k, const uint8_t key[SEGMENT_KEY], uint64_t *ret_first);
void journal_keys_add(struct journal_keys *k, uint64_t segment, const uint8_t key[SEGMENT_KEY], uint64_t first);
/* Makes the keys of @segment, the last one, durable beside it. */
int journal_keys_save(const struct journal_keys *k, const char *dir, uint64_t segment, struct err *e) MUST_CHECK;
/* The last segment is complete at @now_ns (monotonic): its window begins.  What is past its own is forgotten, its
 * files too. */
void journal_keys_seal(struct journal_keys *k, const char *dir, int64_t now_ns);
/* What the file of @segment holds, to a set of its own; false: it is damaged. */
bool journal_keys_decode(struct journal_keys *k, uint64_t segment, struct view v);
/* Reads the file; oldest first.  ERR_CORRUPT. */
int journal_keys_load(struct journal_keys *k, const char *dir, uint64_t segment, int64_t now_ns, struct err *e)
	MUST_CHECK;

/* Of the names in a journal's folder: is it such a file, and of which segment? */
bool journal_keys_name(const char *name, uint64_t *ret_segment);
/* Is it the beginning of one, which a crash has left? */
bool journal_keys_litter(const char *name);
