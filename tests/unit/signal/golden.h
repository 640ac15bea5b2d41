/* SPDX-License-Identifier: Apache-2.0 */
/* golden -- expected numbers from a JSON file, and recordings as columns of numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "signal/beats.h"
#include "signal/eda.h"
#include "signal/eeg.h"
#include "signal/hrv.h"

/* Whole file; fails the test when it cannot be read. */
struct view golden_file(struct arena *a, const char *path);
const struct json *golden_json(struct arena *a, const char *path);

/* Column @col of the lines from @skip on whose first character is none of @comments; fields are
 * separated by @sep.  An empty field becomes NAN. */
double *golden_column(struct arena *a, const char *path, size_t skip, const char *comments,
		      char sep, size_t col, size_t *ret_n);

/* Fails unless @got is within 1e-6 or 2e-6 of the member, whichever is larger. */
void golden_near(const struct json *g, const char *name, double got);
void golden_near_value(const struct json *want, double got, const char *what);

/* The whole of one case as in the reference's golden_cases.py. */
void golden_check_ppg(struct arena *a, const struct json *g, const double *x, size_t n, double fs);
void golden_check_ecg(struct arena *a, const struct json *g, const double *x, size_t n, double fs,
		      struct beats *ret);
void golden_check_rr(struct arena *a, const struct json *g, const double *nn, size_t n);
void golden_check_bands(const struct json *g, const struct eeg_bands *b);
void golden_check_eda(const struct json *g, const struct eda *d, size_t n, double fs);
/* People x seconds of the reference's synthetic_audience(). */
double *golden_audience(struct arena *a, uint64_t seed, size_t people, size_t seconds);
/* The reference's random numbers: the next one in 0..1. */
double golden_random(uint64_t *state);
