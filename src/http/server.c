// SPDX-License-Identifier: Apache-2.0
/*
 * The server: it listens, accepts, keeps the dead lines, notices who leaves, and ends.
 *
 * One thread of its own (the watcher) does this beside the library's loops.  It accepts itself and hands
 * sockets over, because the library's own way to stop accepting (MHD_quiesce_daemon) races with its
 * loops, and it counts connections per loop, not in all.
 */
#include "http/server_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"

#define TICK_MS 250
#define ACCEPTS_AT_ONCE 64
#define NS_PER_S 1000000000LL

enum { ID_LISTEN, ID_WAKE, ID_FIRST_CONN };

/* Connections. */

static void peer_text(const struct sockaddr *sa, char out[HTTP_PEER_TEXT])
{
	const void *addr = NULL;

	out[0] = '\0';
	if (sa && sa->sa_family == AF_INET)
		addr = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	else if (sa && sa->sa_family == AF_INET6)
		addr = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (addr)
		inet_ntop(sa->sa_family, addr, out, HTTP_PEER_TEXT);
}

struct http__conn *http__conn_add(struct http_server *s, int fd, const struct sockaddr *peer)
{
	struct http__conn *c = calloc(1, sizeof(*c));
	struct epoll_event ev = { .events = EPOLLRDHUP | EPOLLONESHOT };

	must(c);
	c->server = s;
	c->fd = fd;
	c->taken = http__socket_taken(fd);
	c->deadline_ns = clock_mono_ns() + s->o.header_timeout_s * NS_PER_S;
	peer_text(peer, c->peer);
	LOCK_SCOPE(&s->lock);
	c->id = s->next_id++;
	c->next = s->conns;
	if (c->next)
		c->next->prev = c;
	s->conns = c;
	ev.data.u64 = c->id;
	epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	return c;
}

void http__conn_del(struct http__conn *c)
{
	struct http_server *s = c->server;

	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	lock_take(&s->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->n_conns--;
	lock_drop(&s->lock);
	free(c);
}

void http__conn_begin(struct http__conn *c, struct http_req *r)
{
	struct http_server *s = c->server;

	LOCK_SCOPE(&s->lock);
	if (s->stopped)
		r->gone = ERR_CANCELLED;
	c->req = r;
	c->deadline_ns = clock_mono_ns() + s->o.header_timeout_s * NS_PER_S;
	s->n_active++;
}

void http__conn_head_done(struct http__conn *c)
{
	LOCK_SCOPE(&c->server->lock);
	c->deadline_ns = 0;
}

void http__conn_end(struct http__conn *c)
{
	struct http_server *s = c->server;

	LOCK_SCOPE(&s->lock);
	c->req = NULL;
	c->deadline_ns = clock_mono_ns() + HTTP_KEEPALIVE_S * NS_PER_S;
	s->n_active--;
	cond_broadcast(&s->idle);
}

/* The watcher. */

/*
 * The library listens to edges and takes a read that is shorter than its buffer for the last: a FIN
 * behind those bytes then goes unseen until a time-out.  A parked connection it does not watch at all.
 * Shutting down what is closed anyway makes an edge; until the library has seen one in the right
 * moment, each tick makes another.
 */
static void nudge(struct http__conn *c)
{
	shutdown(c->fd, SHUT_RD);
	if (c->req)
		http__req_left(c->req);
}

static void left(struct http_server *s, uint64_t id)
{
	LOCK_SCOPE(&s->lock);
	for (struct http__conn *c = s->conns; c; c = c->next)
		if (c->id == id) {
			c->left = true;
			nudge(c);
		}
}

static void tick(struct http_server *s)
{
	int64_t now = clock_mono_ns();

	LOCK_SCOPE(&s->lock);
	for (struct http__conn *c = s->conns; c; c = c->next) {
		if (c->deadline_ns && now > c->deadline_ns) {
			c->deadline_ns = 0;
			shutdown(c->fd, SHUT_RDWR); /* its loop finds it closed */
		}
		if (c->left)
			nudge(c);
		if (c->req)
			http__req_tick(c->req, now);
	}
}

static void turn_away(int fd)
{
	static const char busy[] =
		"HTTP/1.1 503 Service Unavailable\r\nServer: mulgil\r\nRetry-After: 1\r\n"
		"Content-Length: 0\r\nConnection: close\r\n\r\n";

	send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* Out of descriptors: the one in reserve lets the client be turned away, or accept would spin. */
static void use_spare(struct http_server *s)
{
	int fd;

	if (s->spare_fd >= 0)
		close(s->spare_fd);
	fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(fd);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool count_in(struct http_server *s)
{
	LOCK_SCOPE(&s->lock);
	if (s->n_conns >= s->o.connections_max)
		return false;
	s->n_conns++;
	return true;
}

static void keep_alive(int fd)
{
	const int on = 1, idle_s = 60, interval_s = 15, probes = 4;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static bool accept_one(struct http_server *s)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	int fd = accept4(s->listen_fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			use_spare(s);
		return errno == ECONNABORTED || errno == EINTR;
	}
	if (!count_in(s)) {
		turn_away(fd);
		return true;
	}
	keep_alive(fd);
	if (!http__mhd_add(s, fd, &sa, n)) { /* it has closed the socket */
		LOCK_SCOPE(&s->lock);
		s->n_conns--;
	}
	return true;
}

static bool is_closing(struct http_server *s)
{
	LOCK_SCOPE(&s->lock);
	return s->closing;
}

/* Counted also above the limit: the connection that had it ends now. */
void http__conn_again(struct http_server *s, int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(sa);

	getpeername(fd, (struct sockaddr *)&sa, &n);
	lock_take(&s->lock);
	s->n_conns++;
	lock_drop(&s->lock);
	if (!http__mhd_add(s, fd, &sa, n)) {
		LOCK_SCOPE(&s->lock);
		s->n_conns--;
	}
}

static void on_event(struct http_server *s, uint64_t id)
{
	uint64_t n;

	if (id == ID_WAKE) {
		while (read(s->wake_fd, &n, sizeof(n)) > 0)
			;
	} else if (id == ID_LISTEN) {
		for (int i = 0; i < ACCEPTS_AT_ONCE && s->listen_fd >= 0 && accept_one(s); i++)
			;
	} else {
		left(s, id);
	}
}

static void *watcher(void *arg)
{
	struct http_server *s = arg;
	struct epoll_event ev[64];
	int64_t next = 0, now;
	bool quit = false;

	while (!quit) {
		int n = epoll_wait(s->epoll_fd, ev, ARRAY_LEN(ev), TICK_MS);

		for (int i = 0; i < n; i++)
			on_event(s, ev[i].data.u64);
		if (is_closing(s) && s->listen_fd >= 0) {
			close(s->listen_fd);
			s->listen_fd = -1;
		}
		now = clock_mono_ns();
		if (now >= next) {
			next = now + (int64_t)TICK_MS * 1000000;
			tick(s);
		}
		lock_take(&s->lock);
		quit = s->stopped;
		lock_drop(&s->lock);
	}
	return NULL;
}

static void wake_watcher(struct http_server *s)
{
	uint64_t one = 1;

	must(write(s->wake_fd, &one, sizeof(one)) == sizeof(one));
}

/* Life. */

static int address(const struct http_server_opts *o, struct sockaddr_storage *sa, socklen_t *n,
		   struct err *e)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)sa;

	*sa = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, o->addr, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(o->port);
		*n = sizeof(*in4);
		return 0;
	}
	if (inet_pton(AF_INET6, o->addr, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(o->port);
		*n = sizeof(*in6);
		return 0;
	}
	return err_set(e, ERR_INVALID, "%s is not a numeric address", o->addr);
}

static int listen_on(struct http_server *s, struct err *e)
{
	struct sockaddr_storage sa;
	const int on = 1;
	socklen_t n = 0;
	int rc = address(&s->o, &sa, &n, e);

	if (rc < 0)
		return rc;
	s->listen_fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listen_fd < 0)
		return err_sys(e, ERR_IO, "no socket for %s", s->o.addr);
	setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s->listen_fd, (struct sockaddr *)&sa, n) < 0 || listen(s->listen_fd, 1024) < 0)
		return err_sys(e, errno == EADDRINUSE ? ERR_BUSY : ERR_IO,
			       "listening on %s port %u failed", s->o.addr, (unsigned)s->o.port);
	n = sizeof(sa);
	if (getsockname(s->listen_fd, (struct sockaddr *)&sa, &n) < 0)
		return err_sys(e, ERR_IO, "no name for the socket on %s", s->o.addr);
	s->port = ntohs(sa.ss_family == AF_INET ? ((struct sockaddr_in *)(void *)&sa)->sin_port
						: ((struct sockaddr_in6 *)(void *)&sa)->sin6_port);
	return 0;
}

static int watch_fds(struct http_server *s, struct err *e)
{
	struct epoll_event wake = { .events = EPOLLIN, .data.u64 = ID_WAKE };
	struct epoll_event in = { .events = EPOLLIN, .data.u64 = ID_LISTEN };

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (s->epoll_fd < 0 || s->wake_fd < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->wake_fd, &wake) < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &in) < 0)
		return err_sys(e, ERR_IO, "no descriptors for the HTTP server");
	return 0;
}

static void server_clear(struct http_server *s)
{
	int fds[] = { s->listen_fd, s->epoll_fd, s->wake_fd, s->spare_fd };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	cond_clear(&s->idle);
	lock_clear(&s->lock);
	free(s);
}

static struct http_server *server_alloc(const struct http_server_opts *o)
{
	struct http_server *s = calloc(1, sizeof(*s));

	must(s);
	must(o->pool && o->handler);
	s->o = *o;
	if (!s->o.loop_threads)
		s->o.loop_threads = 2;
	if (!s->o.connections_max)
		s->o.connections_max = 1000;
	if (!s->o.header_timeout_s)
		s->o.header_timeout_s = 10;
	if (!s->o.idle_timeout_s)
		s->o.idle_timeout_s = 60;
	s->listen_fd = s->epoll_fd = s->wake_fd = s->spare_fd = -1;
	s->next_id = ID_FIRST_CONN;
	lock_init(&s->lock, "http server");
	cond_init(&s->idle);
	return s;
}

int http_server_new(const struct http_server_opts *o, struct http_server **ret, struct err *e)
{
	struct http_server *s = server_alloc(o);
	int rc = listen_on(s, e);

	if (rc == 0)
		rc = watch_fds(s, e);
	if (rc == 0)
		rc = http__mhd_start(s, e);
	if (rc < 0) {
		server_clear(s);
		return rc;
	}
	s->watcher = thread_start("http-watch", watcher, s);
	*ret = s;
	return 0;
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

static void drain(struct http_server *s, int grace_ms)
{
	int64_t deadline = clock_mono_ns() + (int64_t)grace_ms * 1000000;

	atomic_store(&s->draining, true);
	LOCK_SCOPE(&s->lock);
	s->closing = true;
	wake_watcher(s);
	while (s->n_active && cond_wait_until(&s->idle, &s->lock, deadline))
		;
	s->stopped = true;
	for (struct http__conn *c = s->conns; c; c = c->next)
		if (c->req)
			http__req_abort(c->req, ERR_CANCELLED);
}

struct http_server *http_server_free(struct http_server *s, int grace_ms)
{
	if (!s)
		return NULL;
	drain(s, grace_ms);
	wake_watcher(s);
	thread_join(s->watcher);
	lock_take(&s->lock);
	while (s->n_senders)
		cond_wait(&s->idle, &s->lock);
	lock_drop(&s->lock);
	http__mhd_stop(s);
	lock_take(&s->lock);
	while (s->n_jobs)
		cond_wait(&s->idle, &s->lock);
	lock_drop(&s->lock);
	server_clear(s);
	return NULL;
}
