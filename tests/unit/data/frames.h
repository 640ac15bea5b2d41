/* SPDX-License-Identifier: Apache-2.0 */
/* frames -- what a decoder gives, collected as JSON; files of the tests. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "data/layout.h"

#define FRAMES_ARENA ((size_t)1 << 30)

struct frames {
	struct arena *a;
	struct json *good; /* records as in the vectors */
	struct json *bad;  /* names of the faults */
};

struct layout_sink frames_sink(struct frames *f, struct arena *a);

struct view frames_file(struct arena *a, const char *path);
const struct json *frames_json_file(struct arena *a, const char *path);
/* tests/vectors/layout/@name of this source tree. */
const struct json *frames_vectors(struct arena *a, const char *name);
struct view frames_hex(struct arena *a, struct view hex);

/* As json_equal(), with numbers within 1e-12 of each other. */
bool frames_same(const struct json *a, const struct json *b);
/* Fails unless the report's first four numbers are those of @want. */
void frames_check_report(const struct layout_report *r, const struct json *want);
