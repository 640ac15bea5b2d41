/* SPDX-License-Identifier: Apache-2.0 */
/* fake_http -- http/server.h without sockets: a request made by a test, the answer kept. */
#pragma once

#include "base/buf.h"
#include "http/server.h"

#define FAKE_HEADERS 40

struct http_req {
	struct arena arena;
	struct view method, target, body;
	struct http_header in[FAKE_HEADERS];
	size_t n_in;
	size_t body_at, step; /* step: most bytes per read; 0: no limit */
	bool chunked;
	/* the answer */
	int status, answers;
	char headers[8192]; /* "Name: value\n"... */
	struct buf out;
	int64_t stream_len;
	bool stream_ok;
};

void fake_init(struct http_req *r, const char *method, const char *target, struct view body);
void fake_clear(struct http_req *r);
void fake_header(struct http_req *r, const char *name, const char *value);
const char *fake_out(struct http_req *r);
