/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compact_plan -- which small files of a partition are to be merged.
 *
 * Files belong to tiers by size.  As soon as a tier has COMPACT_FANOUT files they become one of a higher tier, as in a
 * log-structured merge tree (O'Neil et al., "The Log-Structured Merge-Tree", 1996; tiers of similar size: Cassandra's
 * size-tiered compaction).  So each byte is written again at most once a tier, and a partition has at most
 * COMPACT_TIERS x (COMPACT_FANOUT - 1) files that are not full, however many came.  A partition that has become quiet is
 * merged whatever the tiers say.
 *
 * Threads:  pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPACT_FANOUT 16
#define COMPACT_TIERS 3
#define COMPACT_FULL (64UL * 1024 * 1024) /* files from here on are left alone */
#define COMPACT_MAX (128UL * 1024 * 1024) /* what is merged has not more together, unless a file alone has */
#define COMPACT_FILES 512                 /* merged at once, at most */
#define COMPACT_QUIET_FILES 4             /* a quiet partition may keep fewer than this */

/*
 * Of @n files in their order, those to merge now: their places to ret[0..], at most COMPACT_FILES, in order.
 * Returns how many: 0, or at least 2.  @size: bytes of each.
 */
size_t compact_plan(const uint64_t *size, size_t n, bool quiet, size_t ret[COMPACT_FILES]);
