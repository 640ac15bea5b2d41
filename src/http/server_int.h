/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_int -- what the files of the HTTP server share.
 *
 *	server.c       the server: listening, accepting, dead lines, shutting down
 *	server_req.c   the request as its handler sees it: head, body, answers, streams
 *	server_direct.c  long answers, which pass the library by
 *	server_mhd.c   the only file that knows GNU libmicrohttpd: its callbacks, its answers
 *	server_head.c  the request line and headers: copied and checked
 *
 * Locks: server.lock before req.lock, req.lock before what the library locks; never the other way.
 * A connection is parked (taken from its loop) and resumed only under req.lock, with req.park saying
 * why.  Parking is complete when the lock is dropped, so whoever resumes finds it parked or finds
 * park == PARK_NO and knows that the loop will look at the new state before it parks: no wake-up is
 * lost, and the library never sees a resume without a park (it would answer the next park with it).
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "base/limits.h"
#include "http/pipe.h"
#include "http/server.h"
#include "os/thread.h"

#define HTTP_PIPE HTTP_BODY_WHOLE /* body or answer bytes between a loop and a handler */
#define HTTP_DIRECT (16 * MIB) /* a longer answer of known length passes the library by */
#define HTTP_DISCARD \
	(1 * MIB) /* body bytes read and thrown away to keep a connection or finish its answer */
#define HTTP_KEEPALIVE_S 60
#define HTTP_LINGER_S 5       /* after an answer in mid-body, before the connection is closed */
#define HTTP_RATE_WINDOW_S 30 /* a body slower than HTTP_RATE_BYTES in that time ... */
#define HTTP_RATE_BYTES \
	(30 * KIB) /* ... is ended like an idle one, unless the handler was the slow one */
#define HTTP_PEER_TEXT 46
#define HTTP_UNCLEAR UINT64_MAX

struct sockaddr;
struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

/* One TCP connection, from accept to close; listed in server.conns, fields under server.lock. */
struct http__conn {
	struct http__conn *next, *prev;
	struct http_server *server;
	uint64_t id;
	int fd;
	int64_t deadline_ns; /* of the next request's head; 0: none */
	struct http_req *req;
	bool left; /* the client has closed its side, or the connection is broken */
	uint64_t taken; /* bytes of the socket that its requests account for; UNCLEAR.  Its loop's thread, or whoever
			 * has the socket of a parked request */
	char peer[HTTP_PEER_TEXT];
};

enum http__park {
	PARK_NO,
	PARK_CONTINUE, /* headers are in, nobody asked for the body yet */
	PARK_FULL,     /* the body pipe is full */
	PARK_ANSWER,   /* the request is in, the answer is not ready */
	PARK_STREAM,   /* the answer pipe is empty */
	PARK_SENDING,  /* a direct one, and its writer is at the socket: nobody resumes it meanwhile */
};

enum http__phase { PHASE_HEAD, PHASE_NO_BODY, PHASE_CONTINUE, PHASE_BODY, PHASE_END };

struct http__field {
	struct view name, value;
};

/*
 * A long answer of known length is a direct one: its writer puts it into the socket while the request stays parked,
 * and nothing of it passes the library.
 */
struct http_stream {
	struct http__pipe out;
	int64_t len; /* < 0: chunked */
	uint64_t written;
	bool used, no_body, ended, ok, broken, direct;
	struct view head; /* of a direct one, until it is sent; without the line that tells whether the connection stays */
	bool stays;
};

struct http_req {
	atomic_uint refs; /* the connection, the handler, the stream */
	struct http_server *server;
	struct http__conn *hc; /* its loop's thread only */
	struct arena arena;
	struct view method, target, path, query;
	struct http__field *fields;
	size_t n_fields;
	char peer[HTTP_PEER_TEXT];
	int64_t body_len;
	bool expects, head_only;
	bool keeps; /* the client wants to keep the connection */
	bool whole_first;       /* the handler runs when the body is in; set before it does */
	int64_t whole_taken;    /* of the server's HTTP_WHOLE_TOTAL; its loop's thread only */
	const char *uri;        /* in the library's memory, for the check of the head */
	enum http__phase phase; /* its loop's thread only */

	struct lock lock;
	struct cond changed; /* body bytes, room in the stream, gone */
	struct MHD_Connection
		*conn; /* NULL: the library is done with this request; @fd is valid until then */
	int fd;
	enum http__park park;
	int gone; /* ERR_IO, ERR_TIMEOUT or ERR_CANCELLED: no more bytes either way */
	struct http__pipe in;
	size_t waits_for; /* so many bytes of it are worth waking the handler */
	uint64_t received, discarded;
	bool wants_body, body_open, eof;
	bool answered;
	struct MHD_Response *response; /* ready and not yet with the library */
	int status;
	int64_t cut_ns; /* answered in mid-body, past the library; 0: no */
	int64_t rate_ns;
	uint64_t rate_received;
	bool rate_stalled;
	struct http_stream stream;
};

struct http_server {
	struct http_server_opts o;
	struct MHD_Daemon *daemon;
	uint16_t port;
	int listen_fd, epoll_fd, wake_fd, spare_fd;
	pthread_t watcher;
	struct lock lock;
	struct cond idle; /* n_active or n_jobs went down */
	struct http__conn *conns;
	unsigned n_conns, n_active, n_jobs;
	unsigned n_senders; /* writers of direct answers: the library is not stopped before they are out */
	uint64_t next_id;
	bool stopped; /* every request ends at once */
	bool closing; /* nothing more is accepted */
	atomic_bool draining;
	_Atomic int64_t whole_total; /* bytes of long bodies that are, or are to be, whole in memory */
};

/* server.c */
struct http__conn *http__conn_add(struct http_server *s, int fd, const struct sockaddr *peer);
void http__conn_del(struct http__conn *c);
/* The library gets a socket that another of its connections had. */
void http__conn_again(struct http_server *s, int fd);
/* A request line has come; the request is over. */
void http__conn_begin(struct http__conn *c, struct http_req *r);
void http__conn_end(struct http__conn *c);
/* The head is complete: its dead line is over. */
void http__conn_head_done(struct http__conn *c);

/* server_req.c */
struct http_req *http__req_new(struct http_server *s, struct http__conn *c,
			       struct MHD_Connection *conn, const char *uri);
void http__req_unref(struct http_req *r);
/* Hands @r to the pool: 0, or ERR_BUSY. */
int http__req_submit(struct http_req *r, struct err *e);
/* The library is done with @r: drops the connection's reference. */
void http__req_done(struct http_req *r, int gone);
void http__req_abort(struct http_req *r, int gone);      /* ends it from the server's side */
void http__req_left(struct http_req *r);                 /* its client has left: a stream ends */
void http__req_tick(struct http_req *r, int64_t now_ns); /* slow bodies, lingering closes */
void http__req_wake(struct http_req *r);                 /* resumes if parked; req.lock held */
/* The head is in: whether the body is to be whole before the handler runs. */
void http__req_choose_whole(struct http_req *r);
void http__req_open_body(struct http_req *r);            /* body bytes come now */
/* Body bytes: false to close the connection; else *n is what was not taken (then it is parked). */
bool http__req_body(struct http_req *r, const char *p, size_t *n);
/* For a stream's callback: > 0 bytes, 0 parked, or one of these. */
#define HTTP_STREAM_END (-1)
#define HTTP_STREAM_CUT (-2)
ssize_t http__stream_pull(struct http_req *r, char *p, size_t max);

void http__head_text(struct buf *b, const struct http_answer *a, uint64_t len); /* but for Connection and the end */

/* server_direct.c: the writer's side of direct answers, as http_stream_write(), http_stream_file(), http_stream_end(). */
bool http__direct_begin(struct http_req *r, const struct http_answer *a, uint64_t len); /* false: let the library send it */
int http__direct_write(struct http_req *r, struct view v, int timeout_ms, struct err *e);
int http__direct_file(struct http_req *r, int fd, off_t off, uint64_t n, int timeout_ms, struct err *e);
void http__direct_end(struct http_req *r, bool whole);
/* What the library and whoever else has read from a socket; HTTP_UNCLEAR. */
uint64_t http__socket_taken(int fd);

/* server_head.c */
struct http__head {
	struct http_req *r;
	const char *base,
		*end; /* the head in the library's memory, from the method to behind the empty line */
	const char *next; /* where the next field has to begin */
	char *copy;
	int status; /* 0, or the status to refuse with */
};
/* The head as the library cut it up, in order; then 0 or the status to refuse with. */
void http__head_begin(struct http__head *h, struct http_req *r, const char *method,
		      const char *version, size_t n);
bool http__head_field(struct http__head *h, struct view name,
		      struct view value); /* false: enough */
int http__head_end(struct http__head *h);

/* server_mhd.c */
int http__mhd_start(struct http_server *s, struct err *e);
void http__mhd_stop(struct http_server *s);
bool http__mhd_add(struct http_server *s, int fd, const void *addr, size_t addr_len);
void http__mhd_suspend(struct MHD_Connection *conn);
void http__mhd_resume(struct MHD_Connection *conn);
const char *http__mhd_reason(int status);
struct MHD_Response *http__mhd_bytes(const struct http_server *s, struct view body,
				     const struct http_answer *a, int *status);
struct MHD_Response *http__mhd_file(const struct http_server *s, int fd, off_t off, uint64_t len,
				    const struct http_answer *a, int *status);
struct MHD_Response *http__mhd_length(const struct http_server *s, uint64_t len,
				      const struct http_answer *a, int *status);
struct MHD_Response *http__mhd_stream(struct http_req *r, const struct http_answer *a, int *status);
void http__mhd_drop(struct MHD_Response *resp); /* NULL is fine */
