/* SPDX-License-Identifier: Apache-2.0 */
/* fixture -- S3 on a real index and real blobs in a temporary folder, called through op_call(). */
#pragma once

#include <stdio.h>

#include "svc/s3/s3_int.h"
#include "unit.h"

#define EVENTS_MAX 64

struct fixture {
	char dir[256];
	struct arena a;
	struct meta *meta;
	struct blob_store *blob;
	struct s3 *s3;
	struct op_registry *ops;
	struct s3_port port;
	struct err e;
	int64_t now;
	const char *events[EVENTS_MAX]; /* "detail-type resources detail"; "arn id lane text" */
	size_t n_events;
};

struct fixture *fixture_new(void);
void fixture_restart(struct fixture *f);
/* Runs @fn on it in a child process that then crashes, and opens what that left. */
void fixture_crash(struct fixture *f, void (*fn)(struct fixture *f, void *arg), void *arg);
void fixture_free(struct fixture *f);
void fixture_tick(int64_t ms); /* the clock moves only so */
/* @in: JSON with ' for ".  The answer, or NULL and f->e. */
const struct json *call(struct fixture *f, const char *op, const char *in);
const struct json *call_json(struct fixture *f, const char *op, const struct json *in);
/* Calls and expects success. */
const struct json *ok(struct fixture *f, const char *op, const char *in);
/* Calls and expects the wire error @code. */
void fails(struct fixture *f, const char *op, const char *in, const char *code);
struct json *input(struct fixture *f, const char *in); /* to add a body to */
const char *text(struct fixture *f, const struct json *o, const char *member); /* "" if absent */
const char *ref_of(struct fixture *f, const char *bucket,
		   const char *key); /* first blob of an object */
bool blob_there(struct fixture *f, const char *ref);
bool blob_gone(struct fixture *f, const char *ref); /* waits for it, bounded */
/* @n bytes of text that differ by @seed. */
struct view bytes_of(struct fixture *f, size_t n, unsigned seed);
const struct json *put(struct fixture *f, const char *bucket, const char *key, struct view body);
