/* SPDX-License-Identifier: Apache-2.0 */
/*
 * athena_csv -- result files of Athena: every field in double quotes (doubled inside), null unquoted and empty,
 * records ended by a line feed; arrays of numbers as [1, 2, 3].
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/view.h"

/* Cuts one record off *rest: at most @max fields, absent views for null.  Returns their number; 0 at the end; -1 broken. */
int athena_csv_record(struct view *rest, struct arena *a, struct view *fields, int max);
/* Appends the numbers of "[1, 2]" to out; false if it is no such array or does not fit. */
bool athena_csv_numbers(struct view text, double *out, size_t max, size_t *n);
