/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutant -- safeguards that can be taken out one at a time, to see that the tests notice.
 *
 * MUTANT(n) is false, and gone from the program, but in the copies that tests/fault builds with -DMUTANTS: there it is true
 * for the n in $MULGIL_MUTANT.  tests/fault/mutants.py lists them; a sync or check without one is a sync or check whose
 * absence nobody has proven to be noticed.
 */
#pragma once

#include <stdbool.h>

#ifdef MUTANTS
#include <stdint.h>
#include <stdlib.h>

#include "base/view.h"

static inline bool mutant_is(uint64_t n)
{
	uint64_t on;

	return view_u64(view_str(getenv("MULGIL_MUTANT")), UINT64_MAX, &on) && on == n;
}
#define MUTANT(n) mutant_is(n)
#else
#define MUTANT(n) false
#endif
