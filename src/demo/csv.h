/* SPDX-License-Identifier: Apache-2.0 */
/* csv -- Athena's result files, record by record.  Pure; unquoted fields live in @a. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/view.h"

/* Cuts one record off *rest into @fields (VIEW_NONE: null, not quoted and empty).  Returns how many fields it has, counted on
 * beyond @max; 0 at the end; -1 for a broken quote. */
int csv_record(struct view *rest, struct arena *a, struct view *fields, int max);
