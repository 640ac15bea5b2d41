/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan -- in which order the records of a stream are sent, with faults put in on purpose.
 *
 * The same seed gives the same plan.  Threads: pure.   Memory: from the caller's arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "demo/rng.h"

enum { FAULT_DROP = 1, FAULT_DUP = 2, FAULT_REORDER = 4, FAULT_RESTART = 8 };
/* "drop,dup,reorder,restart" or "" or "none". */
int plan_faults(const char *list, unsigned *ret, struct err *e) MUST_CHECK;

struct plan {
	uint32_t *seq;     /* in the order of sending; a seq may be there twice (dup) or not at all (drop) */
	size_t n;
	uint32_t *dropped; /* rising */
	size_t n_dropped, n_dups, n_late;
};

/* Of @records records: about 1 in 50 dropped (never the first), 1 in 20 sent again a little later, 1 in 20 sent 2 to 7 places
 * late; with the fault asked for, at least one where there are 4 records or more. */
void plan_make(struct plan *p, uint32_t records, unsigned faults, struct rng *r, struct arena *a);
bool plan_is_dropped(const struct plan *p, uint32_t seq);
