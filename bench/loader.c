/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader -- the ingest bench's client: one thread, many connections that stay, requests made before the clock starts.
 *
 * Closed loop: a producer sends when it was answered.  Open loop: requests are due at fixed times whatever the server
 * does, and each is timed from when it was due, so that a server that stalls is charged for all that had to wait.
 */
#include "loader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/clock.h"

#define PRODUCERS_MAX 1024
#define REQUEST_MAX (64 * MIB)
#define ANSWERS_MAX (4 * MIB)

struct producer {
	struct run *run;
	size_t no;
	int fd;
	struct view request;
	size_t sent, answers; /* of the request that is out */
	int64_t due_ns;
	bool busy, ends;
	struct buf in;
	struct producer *next; /* idle ones */
};

struct run {
	const struct load *l;
	struct producer *all, *idle;
	struct buf *requests; /* one, or one for each producer */
	int64_t *took_ns;
	size_t begun, done;
	int64_t began_ns;
	int epoll_fd;
};

void die(const char *what, const char *more)
{
	fprintf(stderr, "loader: %s: %.200s\n", what, more);
	exit(1);
}

static NORETURN void die_sys(const char *what)
{
	struct err e = { 0 };

	err_sys(&e, ERR_IO, "%s", what);
	die("system", e.msg);
}

/* --- connections --- */

static void watch(const struct producer *c, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = (void *)(uintptr_t)c };

	must(epoll_ctl(c->run->epoll_fd, op, c->fd, &ev) == 0);
}

static void connect_it(struct producer *c)
{
	const struct load *l = c->run->l;
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(l->port) };
	const int on = 1;
	struct buf hello;

	must(inet_pton(AF_INET, l->host, &sa.sin_addr) == 1);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die_sys("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	buf_init(&hello, MIB);
	if (l->wire->hello)
		l->wire->hello(l, c->no, &hello);
	if (hello.n && send(c->fd, hello.p, hello.n, MSG_NOSIGNAL) != (ssize_t)hello.n)
		die_sys("send");
	buf_clear(&hello);
	watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

/* True when all of the request is out. */
static bool push(struct producer *c)
{
	while (c->sent < c->request.n) {
		ssize_t n = send(c->fd, c->request.p + c->sent, c->request.n - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0)
			die_sys("send");
		c->sent += (size_t)n;
	}
	return true;
}

static void begin(struct producer *c, int64_t due_ns)
{
	c->sent = 0;
	c->busy = true;
	c->due_ns = due_ns;
	c->run->begun++;
	if (!push(c))
		watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static int64_t due(const struct run *r, size_t no)
{
	return r->began_ns + (int64_t)((double)no * 1e9 / r->l->rate);
}

/* Begins what can begin; returns how long nothing else is due, in ms. */
static int begin_due(struct run *r)
{
	int64_t now = clock_mono_ns(), at;

	while (r->idle && r->begun < r->l->requests) {
		struct producer *c = r->idle;

		at = r->l->rate > 0 ? due(r, r->begun) : now;
		if (at > now)
			return (int)((at - now) / 1000000);
		r->idle = c->next;
		begin(c, at);
	}
	return 60000;
}

static void answered(struct producer *c)
{
	struct run *r = c->run;

	r->took_ns[r->done++] = clock_mono_ns() - c->due_ns;
	c->busy = false;
	c->answers = 0;
	if (c->ends) {
		close(c->fd);
		buf_reset(&c->in);
		c->ends = false;
		connect_it(c);
	}
	c->next = r->idle;
	r->idle = c;
}

static void pull(struct producer *c)
{
	const struct load *l = c->run->l;
	size_t want = l->wire->record_answer ? l->records : 1;

	for (;;) {
		char *at = buf_reserve(&c->in, 64 * KIB);
		ssize_t n;

		must(at);
		n = recv(c->fd, at, 64 * KIB, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			die_sys(n ? "recv" : "the server has closed the connection");
		c->in.n += (size_t)n;
		at[n] = '\0';
		for (size_t used; (used = l->wire->answers(l, buf_view(&c->in), &c->answers, &c->ends)) > 0;)
			buf_consume(&c->in, used);
		must(c->answers <= (c->busy ? want : 0));
		if (c->busy && c->answers == want) {
			answered(c);
			return;
		}
	}
}

static void go(struct run *r)
{
	struct epoll_event ev[64];

	while (r->done < r->l->requests) {
		int pause_ms = begin_due(r), n = epoll_wait(r->epoll_fd, ev, ARRAY_LEN(ev), pause_ms);

		if (n < 0 || (n == 0 && pause_ms == 60000))
			die_sys(n ? "waiting" : "no answer in 60 s");
		for (int i = 0; i < n; i++) {
			struct producer *c = ev[i].data.ptr;

			if ((ev[i].events & EPOLLOUT) && push(c))
				watch(c, EPOLL_CTL_MOD, EPOLLIN);
			if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				pull(c);
		}
	}
}

/* --- what to do --- */

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void prepare(struct run *r)
{
	const struct load *l = r->l;
	size_t n = l->wire->own_requests ? l->producers : 1;

	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r->all = calloc(l->producers, sizeof(*r->all));
	r->requests = calloc(n, sizeof(*r->requests));
	r->took_ns = calloc(l->requests, sizeof(*r->took_ns));
	must(r->epoll_fd >= 0 && r->all && r->requests && r->took_ns);
	for (size_t i = 0; i < n; i++) {
		buf_init(&r->requests[i], REQUEST_MAX);
		l->wire->request(l, i, &r->requests[i]);
		must(!r->requests[i].over);
	}
	for (size_t i = 0; i < l->producers; i++) {
		struct producer *c = &r->all[i];

		*c = (struct producer){ .run = r, .no = i, .request = buf_view(&r->requests[i % n]), .next = r->idle };
		r->idle = c;
		buf_init(&c->in, ANSWERS_MAX);
		connect_it(c);
	}
}

static double ms(const struct run *r, double part)
{
	return (double)r->took_ns[(size_t)((double)(r->l->requests - 1) * part)] / 1e6;
}

static void report(struct run *r, int64_t took)
{
	const struct load *l = r->l;
	double seconds = (double)took / 1e9, records = (double)(l->requests * l->records);

	qsort(r->took_ns, l->requests, sizeof(int64_t), by_value);
	printf("{\"seconds\": %.6f, \"requests\": %zu, \"records_per_second\": %.1f, \"mb_per_second\": %.2f, \"p50_ms\": %.3f, "
	       "\"p99_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f}\n", seconds, l->requests, records / seconds,
	       records * (double)l->bytes / 1e6 / seconds, ms(r, 0.5), ms(r, 0.99), ms(r, 0.999), ms(r, 1));
}

static size_t number(const char *text, size_t max)
{
	uint64_t n;

	if (!view_u64(view_str(text), max, &n) || !n)
		die(text, "is not a number or too large");
	return (size_t)n;
}

static void endpoint(struct load *l, const char *text)
{
	static char host[40];
	struct view rest = view_str(text), front;

	if (!view_split(&rest, ':', &front) || front.n >= sizeof(host) || !rest.p)
		die(text, "has to be a numeric address and a port");
	memcpy(host, front.p, front.n);
	l->host = host;
	l->port = (uint16_t)number(rest.p, 65535);
}

/*
 * loader firehose|redis|nats|kafka ADDRESS:PORT TARGET RECORDS BYTES PRODUCERS REQUESTS [PER_SECOND]
 * One record: PutRecord.  The key for Firehose comes from the environment; out comes one line of JSON.
 */
int main(int argc, char **argv)
{
	static struct load l;
	static struct run r = { .l = &l };
	int64_t t0;

	if (argc != 8 && argc != 9)
		die("usage", "see loader.c");
	for (size_t i = 0; i < n_wires; i++)
		if (strcmp(argv[1], wires[i].name) == 0)
			l.wire = &wires[i];
	if (!l.wire)
		die(argv[1], "is not known");
	endpoint(&l, argv[2]);
	l.target = argv[3];
	l.records = number(argv[4], 500);
	l.bytes = number(argv[5], LIMIT_RECORD);
	l.producers = number(argv[6], PRODUCERS_MAX);
	l.requests = number(argv[7], 100000000);
	l.rate = argc == 9 ? (double)number(argv[8], 10000000) : 0;
	if (l.requests < l.producers)
		die("usage", "at least one request for each producer");
	prepare(&r);
	t0 = r.began_ns = clock_mono_ns();
	go(&r);
	report(&r, clock_mono_ns() - t0);
	return 0;
}
