/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws -- the face towards AWS clients: one gate, then the operation's row.
 *
 * aws_handle() is the HTTP handler: it gives the request an id, verifies its SigV4 signature (credentials.h,
 * gate.h) before anything else happens, finds the row (X-Amz-Target, form Action, credential scope, path),
 * decodes and validates, runs the handler and answers in the service's protocol, errors included.
 * Unsigned requests are answered by the hook for `/-/` paths and function URLs only (they sign for themselves).
 */
#pragma once

#include "aws/op.h"
#include "http/server.h"

struct aws;
struct credentials;

struct aws_opts {
	const struct op_registry *services;
	struct credentials *credentials;
	const char *region;  /* "ap-northeast-2" */
	const char *account; /* "000000000000" */
	/* Asked first, with nothing verified yet: paths that begin with "/-/" and Host names of function URLs.
	 * true: it has answered (or will). */
	bool (*outside)(struct http_req *r, void *arg);
	void *outside_arg;
};

struct aws *aws_new(const struct aws_opts *o);
struct aws *aws_free(struct aws *a);
void aws_handle(struct http_req *r, void *aws);
enum pool_lane aws_lane(const struct http_req *r, void *aws);
/* The operation table as JSON (services, operations, members, limits, enums, errors): docs and contract test. */
void aws_describe(const struct op_registry *r, struct buf *ret);
