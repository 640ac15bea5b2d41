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

/* One answered request, for the program's log.  Strings last for the call. */
struct aws_logged {
	const char *service, *operation; /* NULL: not found out */
	const char *request_id, *access_key, *source_ip;
	int status;
	const char *error;   /* AWS's code, or NULL */
	const char *message; /* of the error, also where the client was only told of an internal one */
	int64_t took_us;
};

struct aws_opts {
	const struct op_registry *services;
	struct credentials *credentials;
	const char *region;  /* "ap-northeast-2" */
	const char *account; /* "000000000000" */
	/* Asked first, with nothing verified yet: paths that begin with "/-/" and Host names of function URLs.
	 * true: it has answered (or will). */
	bool (*outside)(struct http_req *r, void *arg);
	void *outside_arg;
	/* UNSIGNED-PAYLOAD and STREAMING-UNSIGNED-PAYLOAD-TRAILER with header credentials, which AWS's clients send over TLS:
	 * the signature covers everything but the body.  Default (false): accepted also without TLS, for loopback and
	 * trusted networks.  true: refused (presigned URLs keep working). */
	bool refuse_unsigned_payload;
	/* Host names that have a bucket in front ("localhost": b.localhost), NULL-terminated, or NULL.  b.s3.* always is. */
	const char *const *host_suffixes;
	void (*log)(const struct aws_logged *l, void *arg); /* may be NULL; on the handler's thread */
	void *log_arg;
	int64_t (*now_ms)(void); /* NULL: clock_ms() */
};

struct aws *aws_new(const struct aws_opts *o);
struct aws *aws_free(struct aws *a);
void aws_handle(struct http_req *r, void *aws);
/* Whether who signed may do @action ("lambda:InvokeFunctionUrl") with everything of @account: for what is no operation. */
bool aws_may(const struct op_caller *c, const char *account, const char *action, struct arena *a);
/* Whether a condition key ("aws:...", or of the signature) is one that requests can have here, or whose absence means what AWS means by it. */
bool aws_key_known(struct view name);
/* From the row's flags and the body's length; for http_server_opts.lane. */
enum pool_lane aws_lane(const struct http_req *r, void *aws);
/* Documents are read as a whole, objects piece by piece; for http_server_opts.whole. */
int64_t aws_whole(const struct http_req *r, void *aws);
/* The operation table as JSON (services, operations, members, limits, enums, errors): docs and contract test. */
void aws_describe(const struct op_registry *r, struct buf *ret);
