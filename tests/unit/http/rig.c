// SPDX-License-Identifier: Apache-2.0
/*
 * A server for tests and raw sockets to speak to it.  Paths its handler knows:
 *	/echo     the body back          /count    reads the body, answers its length
 *	/whole    the body's length if it is whole and none of it is left, else 409
 *	/refuse   403, body unread       /mid      reads 10 bytes of the body, then 409
 *	/info     what came in           /status?N answers N with the body "text"
 *	/length   HEAD with 12345        /file?OFF,LEN of a file with 1 MiB of known bytes
 *	/chunked?N, /fixed?N             N known bytes as a stream
 *	/copies?N N times a file of 1 MiB, as a stream
 *	/short    a fixed stream that is cut      /sse  events until the client leaves
 *	/offers   offers pieces until one is refused
 *	/hold     waits for rig_release()         /forget  answers nothing
 *	/badvalue, /long                 a header with CR in it; a stream past its length
 */
#include "rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned counts[RIG_EVENTS];
static bool released;
static const char *dir;

/* Events. */

static void happened(enum rig_event ev)
{
	pthread_mutex_lock(&mu);
	counts[ev]++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mu);
}

static struct timespec deadline(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += RIG_WAIT_MS / 1000;
	return t;
}

bool rig_wait(enum rig_event ev, unsigned n)
{
	struct timespec t = deadline();
	bool ok;

	pthread_mutex_lock(&mu);
	while (counts[ev] < n && pthread_cond_timedwait(&changed, &mu, &t) == 0)
		;
	ok = counts[ev] >= n;
	pthread_mutex_unlock(&mu);
	return ok;
}

unsigned rig_count(enum rig_event ev)
{
	unsigned n;

	pthread_mutex_lock(&mu);
	n = counts[ev];
	pthread_mutex_unlock(&mu);
	return n;
}

void rig_release(void)
{
	pthread_mutex_lock(&mu);
	released = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mu);
}

static void hold(void)
{
	struct timespec t = deadline();

	happened(RIG_HELD);
	pthread_mutex_lock(&mu);
	while (!released && pthread_cond_timedwait(&changed, &mu, &t) == 0)
		;
	pthread_mutex_unlock(&mu);
}

/* The handler. */

static void text(struct http_req *r, int status, struct view body)
{
	static const struct http_header type = { "Content-Type", "text/plain" };

	http_answer(r, &(struct http_answer){ .status = status, .headers = &type, .n_headers = 1 },
		    body);
}

static void body_error(struct http_req *r, const struct err *e)
{
	text(r, 400, VIEW("broken body"));
	happened(e->code == ERR_TIMEOUT ? RIG_BODY_TIMEOUT : RIG_BODY_GONE);
}

static void echo(struct http_req *r)
{
	char piece[7001];
	struct err e = { 0 };
	struct buf b;
	ssize_t n;

	buf_init(&b, 4 * MIB);
	while ((n = http_body_read(r, piece, sizeof(piece), &e)) > 0)
		buf_add(&b, piece, (size_t)n);
	if (n < 0) {
		body_error(r, &e);
	} else {
		happened(RIG_ECHOED);
		text(r, 200, buf_view(&b));
	}
	buf_clear(&b);
}

static void count(struct http_req *r)
{
	static const size_t size = 64 * KIB;
	char *piece = malloc(size);
	struct err e = { 0 };
	uint64_t total = 0, sum = 0;
	ssize_t n;

	while ((n = http_body_read(r, piece, size, &e)) > 0) {
		total += (uint64_t)n;
		for (ssize_t i = 0; i < n; i++)
			sum = sum * 31 + (unsigned char)piece[i];
	}
	free(piece);
	if (n < 0)
		body_error(r, &e);
	else
		text(r, 200,
		     view_str(arena_printf(http_arena(r), "%llu %llx", (unsigned long long)total,
					   (unsigned long long)sum)));
}

static void whole(struct http_req *r)
{
	struct err e = { 0 };
	size_t n = 0;
	char c, *p = http_body_whole(r, &n);
	bool ok = p && strlen(p) == n && http_body_read(r, &c, 1, &e) == 0 && !http_body_whole(r, &n);

	text(r, ok ? 200 : 409, view_str(arena_printf(http_arena(r), "%zu", n)));
}

static void mid(struct http_req *r)
{
	char ten[10];
	struct err e = { 0 };

	if (http_body_read(r, ten, sizeof(ten), &e) < 0)
		body_error(r, &e);
	else
		text(r, 409, VIEW("enough"));
}

static void info(struct http_req *r)
{
	struct view name, value;
	struct buf b;

	buf_init(&b, 64 * KIB);
	buf_printf(&b, "method=%.*s target=%.*s path=%.*s query=%.*s%s peer=%s length=%lld\n",
		   VIEW_ARG(http_method(r)), VIEW_ARG(http_target(r)), VIEW_ARG(http_path(r)),
		   VIEW_ARG(http_query(r)), http_query(r).p ? "" : "(none)", http_peer(r),
		   (long long)http_body_length(r));
	for (size_t i = 0; http_header_at(r, i, &name, &value); i++)
		buf_printf(&b, "%.*s=[%.*s]\n", VIEW_ARG(name), VIEW_ARG(value));
	buf_printf(&b, "host=%.*s absent=%d\n", VIEW_ARG(http_header(r, "HOST")),
		   !http_header(r, "x-no").p);
	text(r, 200, buf_view(&b));
	buf_clear(&b);
}

static uint64_t query_number(struct http_req *r)
{
	uint64_t n = 0;

	view_u64(http_query(r), UINT64_MAX, &n);
	return n;
}

static int open_file(struct http_req *r)
{
	char *bytes = arena_alloc(http_arena(r), MIB);
	const char *path = arena_printf(http_arena(r), "%s/file", dir);
	struct err e = { 0 };
	int fd;

	for (size_t i = 0; i < MIB; i++)
		bytes[i] = (char)('a' + i % 23);
	must(file_replace(path, view_of(bytes, MIB), 0600, &e) == 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	return fd;
}

static void send_file(struct http_req *r)
{
	struct view rest = http_query(r), part;
	uint64_t off = 0, len = 0;

	must(view_split(&rest, ',', &part) && view_u64(part, MIB, &off) &&
	     view_u64(rest, MIB, &len));
	http_answer_file(r, &(struct http_answer){ .status = 206 }, open_file(r), (off_t)off, len);
}

static void send_copies(struct http_req *r)
{
	CLEANUP(fd_closep) int fd = open_file(r);
	uint64_t n = query_number(r);
	struct http_stream *st =
		http_answer_stream(r, &(struct http_answer){ .status = 200 }, (int64_t)(n * MIB));
	struct err e = { 0 };
	bool ok = true;

	for (uint64_t i = 0; ok && i < n; i++)
		ok = http_stream_file(st, fd, 0, MIB, RIG_WAIT_MS, &e) == 0;
	if (!ok)
		happened(RIG_STREAM_GONE);
	http_stream_end(st, ok);
}

static void stream(struct http_req *r, int64_t len, uint64_t n)
{
	static const size_t size = 50000;
	struct http_stream *st = http_answer_stream(r, &(struct http_answer){ .status = 200 }, len);
	char *piece = malloc(size);
	struct err e = { 0 };
	uint64_t at = 0;
	bool ok = true;

	while (at < n && ok) {
		size_t now = n - at < size ? (size_t)(n - at) : size;

		for (size_t i = 0; i < now; i++)
			piece[i] = (char)('a' + (at + i) % 23);
		ok = http_stream_write(st, view_of(piece, now), RIG_WAIT_MS, &e) == 0;
		at += now;
	}
	free(piece);
	if (!ok)
		happened(RIG_STREAM_GONE);
	http_stream_end(st, ok);
}

static void cut_short(struct http_req *r)
{
	struct http_stream *st = http_answer_stream(r, &(struct http_answer){ .status = 200 },
						    1000);
	struct err e = { 0 };

	must(http_stream_write(st, VIEW("some"), RIG_WAIT_MS, &e) == 0);
	http_stream_end(st, false);
}

static void too_long(struct http_req *r)
{
	struct http_stream *st = http_answer_stream(r, &(struct http_answer){ .status = 200 }, 4);
	struct err e = { 0 };

	must(http_stream_write(st, VIEW("12345"), RIG_WAIT_MS, &e) == ERR_INVALID);
	err_clear(&e);
	must(http_stream_write(st, VIEW("1234"), RIG_WAIT_MS, &e) == 0);
	http_stream_end(st, true);
}

/* One event, then silence: only the watcher can notice that the client leaves. */
static void sse(struct http_req *r)
{
	static const struct http_header type = { "Content-Type", "text/event-stream" };
	struct http_stream *st = http_answer_stream(
		r, &(struct http_answer){ .status = 200, .headers = &type, .n_headers = 1 }, -1);
	struct err e = { 0 };
	int64_t give_up = clock_mono_ns() + RIG_WAIT_MS * 1000000LL;

	must(http_stream_write(st, VIEW("data: first\n\n"), RIG_WAIT_MS, &e) == 0);
	while (!http_stream_gone(st) && clock_mono_ns() < give_up)
		poll(NULL, 0, 5);
	if (http_stream_write(st, VIEW("data: late\n\n"), 0, &e) == ERR_CANCELLED &&
	    http_stream_offer(st, &VIEW("data: late\n\n"), 1, MIB) == ERR_CANCELLED)
		happened(RIG_STREAM_GONE);
	http_stream_end(st, true);
}

/* Pieces of 32 KiB until one is refused, then how many were taken; one that is too long for any client in between. */
static void offers(struct http_req *r)
{
	static const char piece[32 * KIB], huge[300 * KIB];
	struct http_stream *st = http_answer_stream(r, &(struct http_answer){ .status = 200 }, -1);
	const struct view two[] = { { piece, sizeof(piece) / 2 }, { piece, sizeof(piece) / 2 } };
	char end[32];
	struct err e = { 0 };
	int n = 0;

	must(http_stream_offer(st, &(struct view){ huge, sizeof(huge) }, 1, MIB) == ERR_LIMIT);
	while (http_stream_offer(st, two, 2, 64 * KIB) == 0)
		n++;
	snprintf(end, sizeof(end), "taken=%d.", n);
	http_stream_end(st, http_stream_write(st, view_str(end), RIG_WAIT_MS, &e) == 0);
}

static void other(struct http_req *r)
{
	static const struct http_header bad = { "X-Bad", "a\r\nSet-Cookie: b" };
	struct view p = http_path(r);

	if (view_eq_str(p, "/chunked"))
		stream(r, -1, query_number(r));
	else if (view_eq_str(p, "/fixed"))
		stream(r, (int64_t)query_number(r), query_number(r));
	else if (view_eq_str(p, "/short"))
		cut_short(r);
	else if (view_eq_str(p, "/long"))
		too_long(r);
	else if (view_eq_str(p, "/sse"))
		sse(r);
	else if (view_eq_str(p, "/offers"))
		offers(r);
	else if (view_eq_str(p, "/badvalue"))
		http_answer(r,
			    &(struct http_answer){ .status = 200, .headers = &bad, .n_headers = 1 },
			    VIEW("x"));
	else if (view_eq_str(p, "/length"))
		http_answer_head(r, &(struct http_answer){ .status = 200 }, 12345);
	else if (!view_eq_str(p, "/forget"))
		text(r, 404, VIEW("no such path"));
}

static void handler(struct http_req *r, void *arg)
{
	struct view p = http_path(r);

	happened(RIG_CALLS);
	if (view_eq_str(p, "/echo")) {
		echo(r);
	} else if (view_eq_str(p, "/count")) {
		count(r);
	} else if (view_eq_str(p, "/whole")) {
		whole(r);
	} else if (view_eq_str(p, "/refuse")) {
		text(r, 403, VIEW("no"));
	} else if (view_eq_str(p, "/mid")) {
		mid(r);
	} else if (view_eq_str(p, "/info")) {
		info(r);
	} else if (view_eq_str(p, "/status")) {
		text(r, (int)query_number(r), VIEW("text"));
	} else if (view_eq_str(p, "/file")) {
		send_file(r);
	} else if (view_eq_str(p, "/copies")) {
		send_copies(r);
	} else if (view_eq_str(p, "/hold")) {
		hold();
		text(r, 200, VIEW("held"));
	} else {
		other(r);
	}
}

/* The server. */

void rig_start(struct rig *g, const struct http_server_opts *o)
{
	struct http_server_opts all = o ? *o : (struct http_server_opts){ 0 };
	struct err e = { 0 };

	for (int i = 0; i < RIG_EVENTS; i++)
		counts[i] = 0;
	released = false;
	if (!dir)
		dir = unit_tmpdir();
	g->pool = pool_new(&(struct pool_opts){ .threads = { 8, 2 }, .queue_max = { 256, 16 } });
	all.pool = g->pool;
	all.handler = handler;
	if (!all.addr)
		all.addr = "127.0.0.1";
	if (http_server_new(&all, &g->server, &e) < 0)
		fail_msg("%s", e.msg);
	g->port = http_server_port(g->server);
}

void rig_stop(struct rig *g)
{
	g->server = http_server_free(g->server, RIG_WAIT_MS);
	g->pool = pool_free(g->pool);
}

/* Raw sockets. */

int raw_open(const struct rig *g)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(g->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

void raw_send(int fd, struct view v)
{
	while (v.n) {
		ssize_t n = send(fd, v.p, v.n, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* closed on us: the test looks at what came back */
		v = view_from(v, (size_t)n);
	}
}

void raw_str(int fd, const char *s)
{
	raw_send(fd, view_str(s));
}

static char in[2 << 20];

/* Reads more behind @have; false at the end or after RIG_WAIT_MS. */
static bool more(int fd, size_t *have, bool *ret_closed)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	*ret_closed = false;
	assert_true(*have < sizeof(in) - 1);
	if (poll(&p, 1, RIG_WAIT_MS) <= 0)
		return false;
	n = recv(fd, in + *have, sizeof(in) - 1 - *have, 0);
	*ret_closed = n <= 0;
	if (n > 0)
		*have += (size_t)n;
	in[*have] = '\0';
	return n > 0;
}

const char *raw_until(int fd, const char *marker)
{
	size_t n = 0;
	bool closed;

	in[0] = '\0';
	while (!strstr(in, marker) && more(fd, &n, &closed))
		;
	return in;
}

const char *raw_all(int fd)
{
	size_t n = 0;
	bool closed;

	in[0] = '\0';
	while (more(fd, &n, &closed))
		;
	assert_true(closed);
	return in;
}

bool raw_closed(int fd)
{
	size_t n = 0;
	bool closed;

	return !more(fd, &n, &closed) && closed;
}

const char *raw_long(int fd, uint64_t n)
{
	static char piece[64 * KIB];
	char *end = NULL;
	const char *p;
	size_t have = 0, m;
	uint64_t at = 0;
	bool closed;

	in[0] = '\0';
	while (!(end = strstr(in, "\r\n\r\n")) && more(fd, &have, &closed))
		;
	assert_non_null(end);
	p = end + 4;
	m = have - (size_t)(p - in);
	for (;;) {
		assert_true(m <= n - at);
		for (size_t i = 0; i < m; i++, at++)
			if (p[i] != (char)('a' + at % 23))
				fail_msg("byte %llu is wrong", (unsigned long long)at);
		if (at == n)
			break;
		p = piece;
		m = n - at < sizeof(piece) ? (size_t)(n - at) : sizeof(piece);
		have = (size_t)recv(fd, piece, m, 0);
		assert_true(have > 0 && have <= m);
		m = have;
	}
	end[4] = '\0';
	return in;
}

const char *raw_answer(int fd)
{
	size_t n = 0, head;
	uint64_t len = 0;
	const char *end, *at;
	bool closed;

	in[0] = '\0';
	while (!(end = strstr(in, "\r\n\r\n")))
		if (!more(fd, &n, &closed))
			return in;
	head = (size_t)(end - in) + 4;
	at = strstr(in, "Content-Length: ");
	if (at && at < end) {
		struct view v = view_from(view_str(at), 16);

		must(view_u64(view_sub(v, 0, (size_t)view_chr(v, '\r')), sizeof(in), &len));
	}
	while (n < head + len && more(fd, &n, &closed))
		;
	return in;
}

bool raw_gives(const struct rig *g, const char *request, int status)
{
	char want[32];
	int fd = raw_open(g);
	bool ok;

	raw_str(fd, request);
	snprintf(want, sizeof(want), "HTTP/1.1 %d ", status);
	ok = strncmp(raw_answer(fd), want, strlen(want)) == 0;
	if (!ok)
		fprintf(stderr, "# wanted %d, got: %.100s\n", status, in);
	close(fd);
	return ok;
}
