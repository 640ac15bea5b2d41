/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime -- the Lambda runtime loop: takes events, calls the function, reports its answer or error.
 *
 * Source: AWS, "Using the Lambda runtime API", 2018-06-01.  One event at a time; the arena is emptied between events.
 */
#pragma once

#include "aws/client.h"
#include "base/json.h"

struct function_ctx {
	struct aws_client *aws;
	struct arena *arena;
	struct err err; /* for the function to fill on failure; its message becomes errorMessage */
};

/* Returns 0 with *ret set, or a negative code with cx->err filled. */
typedef int (*function_fn)(struct function_ctx *cx, const struct json *event, const struct json **ret);

struct function_row {
	const char *handler; /* _HANDLER */
	function_fn fn;
};

/* Runs until the process is ended; returns the exit code when it cannot go on. */
int runtime_run(const struct function_row *rows, size_t n);

/* The functions. */
int issue_upload_urls(struct function_ctx *cx, const struct json *event, const struct json **ret);
int verify_measurement(struct function_ctx *cx, const struct json *event, const struct json **ret);
int analyse_measurement(struct function_ctx *cx, const struct json *event, const struct json **ret);

/* A setting from the environment; fails naming it. */
int function_setting(struct function_ctx *cx, const char *name, const char **ret);
