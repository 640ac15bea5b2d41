// SPDX-License-Identifier: Apache-2.0
/*
 * Long answers of known length: their bytes go from the writer's thread to the socket, past the library.
 *
 * The request stays parked as one that waits for its answer; meanwhile the socket is the writer's, which takes it for
 * each piece.  The library never gets to know that there was an answer, so its connection ends.  That of the client goes
 * on: in the end another socket is put in the place of the client's, which becomes that of a new connection.  But bytes
 * of a next request that the library has read already would be lost; so the socket is asked how much was taken from it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server_int.h"
#include "os/clock.h"

#define SENDFILE_MAX ((size_t)1 << 30)
#define NEAR_US 200
#define QUEUE_NEAR ((int)(256 * KIB)) /* the system doubles it */

/* What is to be sent: bytes of memory, or of a file. */
struct piece {
	const char *p; /* NULL: of @fd */
	int fd;
	off_t off;
	uint64_t n;
	int flags;
};

/* Unread bytes first: what comes between makes the sum too large, never too small. */
uint64_t http__socket_taken(int fd)
{
	struct tcp_info t = { 0 };
	socklen_t n = sizeof(t);
	int unread;

	if (ioctl(fd, SIOCINQ, &unread) < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &n) < 0 ||
	    n < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(t.tcpi_bytes_received))
		return HTTP_UNCLEAR;
	return t.tcpi_bytes_received - (uint64_t)unread;
}

/*
 * A client that is this near needs no long queue, and takes the bytes while they are in the processor's cache if there
 * is none; one far away needs what the system finds out.
 */
static void shorten_queue(int fd)
{
	const int bytes = QUEUE_NEAR;
	struct tcp_info t = { 0 };
	socklen_t n = sizeof(t);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &n) == 0 &&
	    n >= offsetof(struct tcp_info, tcpi_min_rtt) + sizeof(t.tcpi_min_rtt) && t.tcpi_min_rtt < NEAR_US)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

bool http__direct_begin(struct http_req *r, const struct http_answer *a, uint64_t len)
{
	struct buf b;
	bool fits;

	if (r->body_len) /* some of it may not have been read */
		return false;
	buf_init(&b, LIMIT_HEADERS);
	http__head_text(&b, a, len);
	fits = !b.over;
	lock_take(&r->lock);
	must(!r->answered);
	if (fits) {
		r->answered = true;
		r->stream.direct = true;
		r->stream.head = arena_view(&r->arena, buf_view(&b));
	}
	lock_drop(&r->lock);
	buf_clear(&b);
	return fits;
}

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

/* Waits until the request is parked and takes the socket. */
static int take_socket(struct http_req *r, int64_t deadline, struct err *e)
{
	LOCK_SCOPE(&r->lock);
	while (!r->gone && !r->stream.broken && r->park != PARK_ANSWER)
		if (!cond_wait_until(&r->changed, &r->lock, deadline) && !r->gone && r->park != PARK_ANSWER)
			return err_set(e, ERR_TIMEOUT, "the client reads too slowly");
	if (r->gone || r->stream.broken)
		return is_gone(e);
	r->park = PARK_SENDING;
	return 0;
}

static void give_socket(struct http_req *r, bool whole)
{
	LOCK_SCOPE(&r->lock);
	r->park = PARK_ANSWER;
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
	n = send(to, q->p, q->n, MSG_DONTWAIT | MSG_NOSIGNAL | q->flags);
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

/* With the line that was left open, now that nothing more is read by the library. */
static int send_head(struct http_req *r, int64_t deadline, int idle_ms, struct err *e)
{
	struct http_stream *st = &r->stream;
	struct view end;
	struct piece q = { .p = st->head.p, .n = st->head.n, .flags = MSG_MORE };

	st->stays = r->keeps && !atomic_load(&r->server->draining) && r->hc->taken != HTTP_UNCLEAR &&
		    r->hc->taken == http__socket_taken(r->fd);
	end = st->stays ? VIEW("\r\n") : VIEW("Connection: close\r\n\r\n");
	st->head = VIEW_NONE;
	shorten_queue(r->fd);
	if (send_all(r->fd, &q, deadline, idle_ms, e) < 0)
		return e->code;
	q.p = end.p;
	q.n = end.n;
	return send_all(r->fd, &q, deadline, idle_ms, e);
}

static int send_piece(struct http_req *r, struct piece *q, int timeout_ms, struct err *e)
{
	int64_t deadline = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
	int idle_ms = (int)r->server->o.idle_timeout_s * 1000;
	uint64_t n = q->n;
	int rc = take_socket(r, deadline, e);

	if (rc < 0)
		return rc;
	if (r->stream.head.p)
		rc = send_head(r, deadline, idle_ms, e);
	if (rc == 0)
		rc = send_all(r->fd, q, deadline, idle_ms, e);
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

/* The client's socket, from the library's connection, which finds one in its place that is connected to nobody; < 0. */
static int take_away(struct http_req *r)
{
	int fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	int stub = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && stub >= 0) {
		epoll_ctl(r->server->epoll_fd, EPOLL_CTL_DEL, r->fd, NULL);
		must(dup3(stub, r->fd, O_CLOEXEC) >= 0);
	} else if (fd >= 0) {
		close(fd);
		fd = -1;
	}
	if (stub >= 0)
		close(stub);
	return fd;
}

/* Lets the library end its connection; the client's socket where it stays, else < 0. */
static int end(struct http_req *r, bool stays)
{
	int fd = -1;

	LOCK_SCOPE(&r->lock);
	r->stream.ended = true;
	if (stays && r->park == PARK_ANSWER && !r->gone)
		fd = take_away(r);
	if (r->park == PARK_ANSWER)
		http__req_wake(r);
	return fd;
}

void http__direct_end(struct http_req *r, bool whole)
{
	struct http_server *s = r->server;
	bool in = enter(s);
	int fd = end(r, in && whole && r->stream.stays);

	if (fd >= 0)
		http__conn_again(s, fd);
	if (in)
		leave(s);
}
