/* SPDX-License-Identifier: Apache-2.0 */
/* jsonpath_int -- private to jsonpath*.c: the compiled form. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "data/jsonpath.h"

enum step_kind { STEP_NAME, STEP_INDEX, STEP_SLICE, STEP_ANY, STEP_FILTER };

struct filter;

struct step {
	enum step_kind kind;
	bool deep; /* ".." in front */
	struct view *names;
	int64_t *index;
	size_t n;           /* names or indices */
	bool has_from, has_to;
	int64_t from, to;   /* SLICE */
	const struct filter *filter;
};

struct jsonpath {
	struct step *steps;
	size_t n;
	bool current; /* begins with @ */
};

enum filter_kind {
	FILTER_OR, FILTER_AND, FILTER_NOT, /* of a, b */
	FILTER_THERE,                      /* path gives something */
	FILTER_EQ, FILTER_NE, FILTER_LT, FILTER_LE, FILTER_GT, FILTER_GE, FILTER_IN, FILTER_NIN, /* of x, y */
};

struct operand {
	const struct jsonpath *path; /* or */
	const struct json *literal;
};

struct filter {
	enum filter_kind kind;
	const struct filter *a, *b;
	struct operand x, y;
};
