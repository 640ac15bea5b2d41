// SPDX-License-Identifier: Apache-2.0
/*
 * GNU libmicrohttpd (0.9.75): its callbacks, its answers; the only file that includes it.
 *
 * How one request goes through the library, and where it is parked:
 *	1. on_uri()      the request line is there: struct http_req is made.
 *	2. on_request()  first call, the headers are there.  An answer queued now makes the library close
 *	                 the connection, so only refusals are.  A body with "Expect: 100-continue" is
 *	                 parked here until the handler asks for it (returning then makes the library send
 *	                 the 100) or answers.
 *	3. on_request()  with body bytes: into the pipe; parked while that is full.
 *	4. on_request()  last call, everything is in: parked until the answer is ready, then it is queued.
 *	   A direct answer (server_direct.c) never comes: its writer takes the socket, and the request ends.
 *	5. on_completed() always, also when the client left or timed out: from here on the library's
 *	                 connection must not be touched.
 * The library reads on when a parked connection is resumed, and takes a half-closed one for gone.
 */
#include "http/server_int.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"

/* Small pools are quick to clear between requests (1 MiB costs 80 us each time). */
#define POOL_BYTES (32 * KIB)
#define STREAM_BLOCK (64 * KIB)

void http__mhd_suspend(struct MHD_Connection *conn)
{
	MHD_suspend_connection(conn);
}

void http__mhd_resume(struct MHD_Connection *conn)
{
	MHD_resume_connection(conn);
}

const char *http__mhd_reason(int status)
{
	const char *s = MHD_get_reason_phrase_for((unsigned)status);

	return s ? s : "Unknown";
}

void http__mhd_drop(struct MHD_Response *resp)
{
	if (resp)
		MHD_destroy_response(resp);
}

/* Answers. */

static bool add_headers(const struct http_server *s, struct MHD_Response *resp,
			const struct http_answer *a)
{
	if (MHD_add_response_header(resp, "Server", "mulgil") != MHD_YES)
		return false;
	if (atomic_load(&s->draining) &&
	    MHD_add_response_header(resp, "Connection", "close") != MHD_YES)
		return false;
	for (size_t i = 0; i < a->n_headers; i++) {
		const char *v = a->headers[i].value;

		/* The library refuses empty values, and CR and LF; a space is the same to the client. */
		if (MHD_add_response_header(resp, a->headers[i].name, *v ? v : " ") != MHD_YES)
			return false;
	}
	return true;
}

/* @resp with the headers of @a, or a 500 in its place when they cannot be sent. */
static struct MHD_Response *finish(const struct http_server *s, struct MHD_Response *resp,
				   const struct http_answer *a, int *status)
{
	must(resp);
	*status = a->status;
	if (add_headers(s, resp, a))
		return resp;
	MHD_destroy_response(resp);
	resp = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	must(resp);
	must(add_headers(s, resp, &(struct http_answer){ .status = 500 }));
	*status = 500;
	return resp;
}

struct MHD_Response *http__mhd_bytes(const struct http_server *s, struct view body,
				     const struct http_answer *a, int *status)
{
	char *copy = NULL;

	if (body.n) {
		copy = malloc(body.n);
		must(copy);
		memcpy(copy, body.p, body.n);
	}
	return finish(s, MHD_create_response_from_buffer(body.n, copy, MHD_RESPMEM_MUST_FREE), a,
		      status);
}

struct MHD_Response *http__mhd_file(const struct http_server *s, int fd, off_t off, uint64_t len,
				    const struct http_answer *a, int *status)
{
	if (!len) {
		close(fd);
		return http__mhd_bytes(s, VIEW(""), a, status);
	}
	return finish(s, MHD_create_response_from_fd_at_offset64(len, fd, (uint64_t)off), a,
		      status);
}

static ssize_t nothing(void *arg, uint64_t pos, char *p, size_t max)
{
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

struct MHD_Response *http__mhd_length(const struct http_server *s, uint64_t len,
				      const struct http_answer *a, int *status)
{
	return finish(s, MHD_create_response_from_callback(len, 1024, nothing, NULL, NULL), a,
		      status);
}

static ssize_t on_stream(void *arg, uint64_t pos, char *p, size_t max)
{
	ssize_t n = http__stream_pull(arg, p, max);

	if (n == HTTP_STREAM_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == HTTP_STREAM_CUT)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return n;
}

struct MHD_Response *http__mhd_stream(struct http_req *r, const struct http_answer *a, int *status)
{
	uint64_t len = r->stream.len < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)r->stream.len;
	size_t block = len < STREAM_BLOCK ? (size_t)len + 1 : STREAM_BLOCK;
	struct MHD_Response *resp = MHD_create_response_from_callback(len, block, on_stream, r, NULL);

	/* To HEAD the library would send the last chunk of a body that it does not send: close instead. */
	if (r->stream.no_body && len == MHD_SIZE_UNKNOWN)
		must(MHD_set_response_options(resp, MHD_RF_HTTP_VERSION_1_0_ONLY, MHD_RO_END) ==
		     MHD_YES);
	return finish(r->server, resp, a, status);
}

/* Callbacks, on a loop thread. */

static struct http__conn *conn_of(struct MHD_Connection *conn)
{
	return MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void on_connection(void *arg, struct MHD_Connection *conn, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = arg;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = http__conn_add(
			s,
			MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd,
			MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
				->client_addr);
	} else {
		http__conn_del(*context);
		*context = NULL;
	}
}

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *conn)
{
	return http__req_new(arg, conn_of(conn), conn, uri);
}

static size_t no_unescape(void *arg, struct MHD_Connection *conn, char *s)
{
	return strlen(s);
}

static enum MHD_Result queue(struct MHD_Connection *conn, int status, struct MHD_Response *resp)
{
	enum MHD_Result ok = MHD_queue_response(conn, (unsigned)status, resp);

	MHD_destroy_response(resp);
	return ok;
}

static enum MHD_Result refuse(struct http_req *r, struct MHD_Connection *conn, int status)
{
	static const struct http_header busy = { "Retry-After", "1" };
	struct http_answer a = { .status = status, .headers = &busy, .n_headers = status == 503 };
	struct MHD_Response *resp;

	r->phase = PHASE_END;
	resp = http__mhd_bytes(r->server, VIEW(""), &a, &status);
	return queue(conn, status, resp);
}

static enum MHD_Result one_field(void *arg, enum MHD_ValueKind kind, const char *name,
				 size_t name_n, const char *value, size_t value_n)
{
	bool more = http__head_field(arg, view_of(name, name_n), view_of(value, value_n));

	return more ? MHD_YES : MHD_NO;
}

static int take_head(struct http_req *r, struct MHD_Connection *conn, const char *method,
		     const char *version)
{
	struct http__head h;
	size_t n =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;

	http__head_begin(&h, r, method, version, n);
	MHD_get_connection_values_n(conn, MHD_HEADER_KIND, one_field, &h);
	return http__head_end(&h);
}

/* Parks, or answers, or goes on, as the request's state is now. */
static enum MHD_Result look(struct http_req *r, struct MHD_Connection *conn)
{
	struct MHD_Response *resp = NULL;
	int status = 0;

	lock_take(&r->lock);
	if (r->gone || r->cut_ns || (r->stream.direct && (r->stream.broken || r->stream.ended))) {
		lock_drop(&r->lock);
		return MHD_NO;
	}
	if (r->response) {
		resp = r->response;
		status = r->status;
		r->response = NULL;
	} else if (r->phase == PHASE_CONTINUE && r->wants_body) {
		r->phase = PHASE_BODY;
		r->body_open = true;
		r->rate_ns = clock_mono_ns();
	} else {
		r->park = r->phase == PHASE_CONTINUE ? PARK_CONTINUE : PARK_ANSWER;
		MHD_suspend_connection(conn);
		if (r->stream.direct)
			cond_broadcast(&r->changed);
	}
	lock_drop(&r->lock);
	return resp ? queue(conn, status, resp) : MHD_YES;
}

static enum MHD_Result head_done(struct http_req *r, struct MHD_Connection *conn,
				 const char *method, const char *version)
{
	struct err e = { 0 };
	int status = take_head(r, conn, method, version);

	http__conn_head_done(r->hc);
	if (status)
		return refuse(r, conn, status);
	if (!r->body_len) {
		/* Submitted in the last call, which comes next: an answer that is quick could otherwise
		 * be queued in this one. */
		r->phase = PHASE_NO_BODY;
		return MHD_YES;
	}
	http__req_choose_whole(r);
	r->phase = r->expects && !r->whole_first ? PHASE_CONTINUE : PHASE_BODY;
	if (r->phase == PHASE_BODY)
		http__req_open_body(r);
	if (!r->whole_first && http__req_submit(r, &e) < 0)
		return refuse(r, conn, 503);
	return r->phase == PHASE_CONTINUE ? look(r, conn) : MHD_YES;
}

static enum MHD_Result last_call(struct http_req *r, struct MHD_Connection *conn)
{
	bool submit = r->phase == PHASE_NO_BODY || (r->phase == PHASE_BODY && r->whole_first);
	struct err e = { 0 };

	if (r->phase == PHASE_BODY) {
		lock_take(&r->lock);
		r->eof = true;
		cond_broadcast(&r->changed);
		lock_drop(&r->lock);
	}
	r->phase = PHASE_END;
	if (submit && http__req_submit(r, &e) < 0)
		return refuse(r, conn, 503);
	return look(r, conn);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *n, void **context)
{
	struct http_req *r = *context;

	if (!r)
		return MHD_NO;
	if (*n)
		return http__req_body(r, data, n) ? MHD_YES : MHD_NO;
	if (r->phase == PHASE_HEAD)
		return head_done(r, conn, method, version);
	if (r->phase == PHASE_CONTINUE)
		return look(r, conn);
	return last_call(r, conn);
}

static void on_completed(void *arg, struct MHD_Connection *conn, void **context,
			 enum MHD_RequestTerminationCode why)
{
	struct http_req *r = *context;

	if (!r)
		return;
	*context = NULL;
	if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		http__req_done(r, 0);
	else
		http__req_done(r, why == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED ? ERR_TIMEOUT
										: ERR_IO);
}

/* The daemon. */

static struct MHD_Daemon *start(struct http_server *s, unsigned threads)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;
	/* server.c keeps connections_max; this one is above it, so that it never counts. */
	struct MHD_OptionItem more[] = {
		{ MHD_OPTION_CONNECTION_LIMIT, (intptr_t)(2 * s->o.connections_max + 16), NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)s->o.idle_timeout_s, NULL },
		{ MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
		/* One thread is what it has without a pool. */
		{ threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads,
		  NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_ARRAY, more,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
				MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
				MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_END);
}

int http__mhd_start(struct http_server *s, struct err *e)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* its threads take the mask over */
	s->daemon = start(s, s->o.loop_threads);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return s->daemon ? 0 : err_sys(e, ERR_IO, "starting the HTTP library failed");
}

void http__mhd_stop(struct http_server *s)
{
	MHD_stop_daemon(s->daemon);
	s->daemon = NULL;
}

bool http__mhd_add(struct http_server *s, int fd, const void *addr, size_t addr_len)
{
	return MHD_add_connection(s->daemon, fd, addr, (socklen_t)addr_len) == MHD_YES;
}
