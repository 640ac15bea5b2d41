/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http client -- one request at a time over libcurl, with connections kept between requests.
 *
 * For the mulgil command, the pipeline's own functions and remote backends.  Signing is aws/sigv4.h's.
 * A struct http_client belongs to one thread.  No redirects are followed; proxies from the environment are ignored.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"
#include "http/server.h" /* struct http_header */

struct http_client;

struct http_call {
	const char *method;
	const char *url; /* http://host:port/path?query, already encoded */
	const struct http_header *headers;
	size_t n_headers;
	struct view body; /* or: */
	int body_fd;      /* -1: none; else @body_len bytes of it from its position */
	uint64_t body_len;
	unsigned timeout_ms;         /* whole call; 0: none */
	unsigned connect_timeout_ms; /* 0: 2000 */
	/* Where the answer's body goes: @sink if set (non-zero return stops the call), else result.body up to @max. */
	int (*sink)(void *arg, struct view piece);
	void *sink_arg;
	size_t max; /* 0: 8 MiB */
};

struct http_result {
	int status;
	struct view body;
	const struct http_header *headers; /* in the arena */
	size_t n_headers;
};

struct http_client *http_client_new(void);
struct http_client *http_client_free(struct http_client *c);
/* 0 whenever an answer came, whatever its status.  ERR_IO (no connection, broken off), ERR_TIMEOUT,
 * ERR_LIMIT (body over @max), ERR_CANCELLED (stopped by the sink), ERR_INVALID (URL or header). */
int http_call(struct http_client *c, const struct http_call *q, struct arena *a,
	      struct http_result *ret, struct err *e) MUST_CHECK;
const char *http_result_header(const struct http_result *r,
			       const char *name); /* any case; NULL if absent */
