/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http server -- HTTP/1.1 requests in, answers out; knows nothing of AWS.
 *
 * Loop threads (GNU libmicrohttpd's, hidden behind this header) own the sockets; the handler is plain
 * blocking code that runs once per request (not at all if the client has left by then) on a thread of
 * its own pool and must answer exactly once.
 * Body bytes flow through a bounded pipe between the two, so a long body is never whole in memory, and a
 * slow client holds no more than that pipe.  A body of known length up to HTTP_BODY_WHOLE (or what .whole
 * says, as long as all such longer bodies together fit HTTP_WHOLE_TOTAL) is in before the handler runs, so
 * that a slow client holds no thread either.  For longer ones `Expect: 100-continue`
 * is answered when the handler first reads the body; a handler that answers without reading (a refused
 * request) never asks for it.
 *
 * Framing that could be read in two ways is refused before the handler (400): Content-Length with
 * Transfer-Encoding, two Content-Lengths, folded header lines, CR, LF or NUL in values.
 * Limits:  struct http_server_opts, LIMIT_HEADERS, LIMIT_HEADER_COUNT; over a limit the client gets 431,
 *          413 or 503, or is closed.  A body slower than 30 KiB in 30 s ends like an idle one (ERR_TIMEOUT).
 * Answering before the body is read is fine: up to 1 MiB of the rest is thrown away and the connection
 *          kept, or else closed behind the answer (docs/decisions/0002-http-library.md).
 * Threads: the handler's functions are for the handler's thread, streams see below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"
#include "os/pool.h"

#define HTTP_BODY_WHOLE (256 * 1024L)
#define HTTP_WHOLE_TOTAL (64 * 1024 * 1024L)

struct http_server;
struct http_req;
struct http_stream;

struct http_server_opts {
	const char *addr;          /* "127.0.0.1" or "::1", numeric */
	uint16_t port;             /* 0: any free one, see http_server_port() */
	unsigned loop_threads;     /* 0: 2 */
	unsigned connections_max;  /* 0: 1000 */
	unsigned header_timeout_s; /* 0: 10; also the keep-alive time-out is 60 s */
	unsigned idle_timeout_s;   /* 0: 60, between bytes of a body or of an answer */
	struct pool *pool;         /* where handlers run */
	/* Chosen on the loop from method, target and headers only; must not block.  NULL: LANE_FAST. */
	enum pool_lane (*lane)(const struct http_req *r, void *arg);
	/* The longest body that is in as a whole before the handler runs; chosen likewise.  NULL: HTTP_BODY_WHOLE. */
	int64_t (*whole)(const struct http_req *r, void *arg);
	void (*handler)(struct http_req *r, void *arg);
	void *arg;
};

/* Listens and serves until http_server_free(). ERR_BUSY: the address is in use; ERR_IO. */
int http_server_new(const struct http_server_opts *o, struct http_server **ret, struct err *e)
	MUST_CHECK;
uint16_t http_server_port(const struct http_server *s);
/* Accepts no more, lets requests finish for @grace_ms, then closes.  Returns NULL. */
struct http_server *http_server_free(struct http_server *s, int grace_ms);

/* What came in.  Views last until the request is answered (for a stream: until its end). */
struct view http_method(const struct http_req *r);
struct view http_target(const struct http_req *r); /* path and query as received, nothing decoded */
struct view http_path(const struct http_req *r);   /* the target before '?', as received */
struct view http_query(const struct http_req *r);  /* behind '?'; VIEW_NONE without one */
/* First header of that name (any case); VIEW_NONE if absent. */
struct view http_header(const struct http_req *r, const char *name);
/* All headers in order; false after the last. */
bool http_header_at(const struct http_req *r, size_t i, struct view *ret_name,
		    struct view *ret_value);
const char *http_peer(const struct http_req *r); /* numeric address of the client */
struct arena *http_arena(struct http_req *r);    /* lives as long as the request */
/* Content-Length, or -1 when the body is chunked, 0 without a body. */
int64_t http_body_length(const struct http_req *r);
/* Up to @n body bytes (transfer coding undone); 0 at the end; negative: ERR_IO (client gone), ERR_TIMEOUT. */
ssize_t http_body_read(struct http_req *r, void *p, size_t n, struct err *e);
/* All of the body, where it lies, with a NUL behind it; the caller's to change until the request is answered.  Then nothing
 * is left to be read.  NULL: not in as a whole, or begun to be read. */
char *http_body_whole(struct http_req *r, size_t *ret_n);

struct http_header {
	const char *name;
	const char *value; /* CR, LF or NUL in it is refused: 500 goes out instead */
};

struct http_answer {
	int status;
	const struct http_header *headers;
	size_t n_headers;
};

/* Exactly one of these per request; a handler that returns without gives 500.  Content-Length, Date and
 * Connection are added here.  HEAD answers: pass the body as for GET, nothing is sent. */
void http_answer(struct http_req *r, const struct http_answer *a, struct view body); /* copies */
/* Sends @len bytes of @fd from @off; takes @fd over. */
void http_answer_file(struct http_req *r, const struct http_answer *a, int fd, off_t off,
		      uint64_t len);
/* For HEAD: headers only, Content-Length: @len. */
void http_answer_head(struct http_req *r, const struct http_answer *a, uint64_t len);

/*
 * An answer written piece by piece: a long object made of parts, server-sent events.  @len < 0: unknown
 * (chunked).  The stream may be handed to another thread, one at a time; the handler may return before
 * its end.  http_stream_write() copies into a bounded pipe and blocks up to @timeout_ms while it is full:
 * ERR_TIMEOUT (nothing written; of a view longer than the 256 KiB pipe a part may be, and the stream
 * is then broken), ERR_CANCELLED (client gone, or broken), ERR_INVALID (more than @len).
 * With a @len above 16 MiB the bytes go straight to the socket instead, on the caller's thread
 * (docs/decisions/0029-large-objects.md).
 */
struct http_stream *http_answer_stream(struct http_req *r, const struct http_answer *a,
				       int64_t len);
int http_stream_write(struct http_stream *s, struct view v, int timeout_ms, struct err *e)
	MUST_CHECK;
/* The same with @n bytes of @fd from @off, which are not copied through the program when @len is above 16 MiB. */
int http_stream_file(struct http_stream *s, int fd, off_t off, uint64_t n, int timeout_ms, struct err *e)
	MUST_CHECK;
/*
 * For who serves many clients and waits for none, streams of unknown length only: all of @v, or nothing.  Never blocks.
 * ERR_LIMIT: more than @waiting_max bytes would then wait for the client (an empty pipe takes what fits into it);
 * ERR_CANCELLED: the client is gone.
 */
int http_stream_offer(struct http_stream *s, const struct view *v, size_t n, size_t waiting_max) MUST_CHECK;
bool http_stream_gone(const struct http_stream *s); /* the client has left */
/* @ok false cuts the connection, so that the client sees the answer is not whole.  Returns NULL. */
struct http_stream *http_stream_end(struct http_stream *s, bool ok);
