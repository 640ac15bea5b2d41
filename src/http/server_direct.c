// SPDX-License-Identifier: Apache-2.0
/*
 * Long answers of known length: their bytes go from the writer's thread to the socket, past the library.
 *
 * The library sends the head, asks for the body, and is parked; then the socket is the writer's, which gives it back
 * after each piece.  As the library does not know that the body was sent, the connection ends behind it.
 */
#include <errno.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server_int.h"
#include "os/clock.h"

#define SENDFILE_MAX ((size_t)1 << 30)

/* What is to be sent: bytes of memory, or of a file. */
struct piece {
	const char *p; /* NULL: of @fd */
	int fd;
	off_t off;
	uint64_t n;
};

static int is_gone(struct err *e)
{
	return err_set(e, ERR_CANCELLED, "the client has left");
}

/* While a sender is in, the server does not stop the library. */
static bool enter(struct http_server *s)
{
	LOCK_SCOPE(&s->lock);
	if (s->stopped)
		return false;
	s->n_senders++;
	return true;
}

static void leave(struct http_server *s)
{
	LOCK_SCOPE(&s->lock);
	s->n_senders--;
	cond_broadcast(&s->idle);
}

/* Waits until the head is out and takes the socket. */
static int take_socket(struct http_req *r, int64_t deadline, struct err *e)
{
	LOCK_SCOPE(&r->lock);
	while (!r->gone && !r->stream.broken && r->park != PARK_STREAM)
		if (!cond_wait_until(&r->changed, &r->lock, deadline) && !r->gone && r->park != PARK_STREAM)
			return err_set(e, ERR_TIMEOUT, "the client reads too slowly");
	if (r->gone || r->stream.broken)
		return is_gone(e);
	r->park = PARK_SENDING;
	return 0;
}

static void give_socket(struct http_req *r, bool whole)
{
	LOCK_SCOPE(&r->lock);
	r->park = PARK_STREAM;
	if (!whole)
		r->stream.broken = true;
	if (r->gone || r->stream.broken)
		http__req_wake(r);
}

static ssize_t send_some(int to, struct piece *q)
{
	ssize_t n;

	if (!q->p)
		return sendfile(to, q->fd, &q->off, q->n < SENDFILE_MAX ? (size_t)q->n : SENDFILE_MAX);
	n = send(to, q->p, q->n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		q->p += n;
	return n;
}

/* Until @deadline, and no longer than @idle_ms without any byte taken. */
static int send_all(int to, struct piece *q, int64_t deadline, int idle_ms, struct err *e)
{
	while (q->n) {
		struct pollfd p = { .fd = to, .events = POLLOUT };
		int64_t left_ms;
		ssize_t n = send_some(to, q);

		if (n > 0) {
			q->n -= (uint64_t)n;
			continue;
		}
		if (n == 0)
			return err_set(e, ERR_IO, "the file is too short");
		if (errno != EAGAIN && errno != EINTR)
			return is_gone(e);
		left_ms = (deadline - clock_mono_ns()) / 1000000;
		if (left_ms <= 0 || poll(&p, 1, left_ms < idle_ms ? (int)left_ms : idle_ms) == 0)
			return err_set(e, ERR_TIMEOUT, "the client reads too slowly");
	}
	return 0;
}

static int send_piece(struct http_req *r, struct piece *q, int timeout_ms, struct err *e)
{
	int64_t deadline = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
	uint64_t n = q->n;
	int rc = take_socket(r, deadline, e);

	if (rc < 0)
		return rc;
	rc = send_all(r->fd, q, deadline, (int)r->server->o.idle_timeout_s * 1000, e);
	give_socket(r, rc == 0);
	if (rc == 0)
		r->stream.written += n;
	return rc;
}

static int direct(struct http_req *r, struct piece *q, int timeout_ms, struct err *e)
{
	int rc;

	if (!enter(r->server))
		return is_gone(e);
	rc = send_piece(r, q, timeout_ms, e);
	leave(r->server);
	return rc;
}

int http__direct_write(struct http_req *r, struct view v, int timeout_ms, struct err *e)
{
	return direct(r, &(struct piece){ .p = v.p, .n = v.n }, timeout_ms, e);
}

int http__direct_file(struct http_req *r, int fd, off_t off, uint64_t n, int timeout_ms, struct err *e)
{
	return direct(r, &(struct piece){ .fd = fd, .off = off, .n = n }, timeout_ms, e);
}
