/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cors -- what a service says to a browser's page of another origin (Fetch, "CORS protocol").
 *
 * A service with rules of its own for each bucket gives its struct service a cors_fn.  Any thread; may block.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/view.h"

struct cors_ask {
	struct view bucket, origin, method;
	struct view headers; /* Access-Control-Request-Headers of a preflight, or VIEW_NONE */
};

struct cors_say { /* values of Access-Control-...; NULL: the header is left out */
	const char *allow_origin, *allow_methods, *allow_headers, *expose_headers, *max_age;
	bool credentials;
};

/* false: no rule fits, or there is no such bucket; nobody learns which. */
typedef bool (*cors_fn)(void *self, const struct cors_ask *ask, struct arena *a, struct cors_say *ret);
