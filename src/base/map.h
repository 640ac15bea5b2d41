/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map -- string (or bytes) to pointer, hashed with a per-process seed (SipHash-1-3).
 *
 * Keys are copied; values are the caller's.  Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

struct map_entry {
	struct view key;
	void *value;
	struct map_entry *next; /* private */
	uint64_t hash;          /* private */
};

struct map {
	struct map_entry **slots;
	size_t n, cap;
};

void map_init(struct map *m);
void map_clear(struct map *m); /* frees the keys, not the values */
void *map_get(const struct map *m, struct view key);
void *map_put(struct map *m, struct view key, void *value); /* returns the value replaced, or NULL */
void *map_del(struct map *m, struct view key);              /* returns the value removed, or NULL */
/* Every entry once, in no order; @it starts NULL.  Deleting the current entry is allowed. */
bool map_next(const struct map *m, size_t *slot, struct map_entry **it);
uint64_t map_hash(struct view key);
