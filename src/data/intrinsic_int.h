/* SPDX-License-Identifier: Apache-2.0 */
/* intrinsic_int -- private to intrinsic*.c. */
#pragma once

#include <stddef.h>

#include "base/json.h"
#include "data/intrinsic.h"

enum intrinsic_kind { INTRINSIC_LITERAL, INTRINSIC_PATH, INTRINSIC_CALL };

struct call {
	struct arena *a;
	const struct intrinsic *in;
	const struct intrinsic_env *env;
	const struct json **arg;
	size_t n;
	struct err *e;
};

struct intrinsic_fn {
	const char *name;
	size_t min, max;
	const struct json *(*run)(struct call *c); /* NULL: c->e is set */
};

struct intrinsic {
	enum intrinsic_kind kind;
	const struct json *literal;
	struct view raw; /* a string literal with its escapes: the template of Format */
	struct view path;
	const struct intrinsic_fn *fn;
	const struct intrinsic *const *args;
	size_t n_args;
};

const struct intrinsic_fn *intrinsic__find(struct view name);
