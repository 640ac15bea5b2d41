/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3load -- the S3 bench's client: one thread, many connections, every request signed before the clock starts.
 *
 * It works against any S3 endpoint, and for GET against any web server, as one that knows no signatures looks
 * over them.  Bodies of answers are read, as every client does, and thrown away.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "aws/gate.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"

#define CLIENTS_MAX 1024
#define HEAD_MAX 4096

struct load {
	struct sign_key key;
	const char *host, *bucket, *prefix, *query;
	uint16_t port;
	bool put;
	size_t bytes, clients, requests, keys;
	char *body, hash[65]; /* hash: of the body, or UNSIGNED-PAYLOAD */
	struct view *heads;
	int64_t *took_ns;
	size_t next, done, received;
	int epoll_fd;
};

struct client {
	struct load *l;
	int fd;
	size_t no, sent; /* the request, and how much of it is out */
	int64_t began_ns;
	char head[HEAD_MAX + 1];
	size_t head_n;
	uint64_t left; /* of the answer's body */
	bool in_body, ends; /* ends: the server closes behind it */
};

static NORETURN void die(const char *what, const char *more)
{
	fprintf(stderr, "s3load: %s: %s\n", what, more);
	exit(1);
}

static NORETURN void die_sys(const char *what)
{
	struct err e = { 0 };

	err_sys(&e, ERR_IO, "%s", what);
	die("system", e.msg);
}

static const char *need(const char *name)
{
	const char *v = getenv(name);

	if (!v)
		die(name, "is not set");
	return v;
}

/* --- requests --- */

/* Keys are taken in turn; with a query the bucket itself is asked. */
static struct view one_head(const struct load *l, size_t no)
{
	char host[64], path[1100];
	struct sign_header *h;
	struct err e = { 0 };
	struct arena a;
	struct buf b;
	size_t n;

	arena_init(&a, MIB);
	buf_init(&b, HEAD_MAX);
	snprintf(host, sizeof(host), "%s:%u", l->host, (unsigned)l->port);
	snprintf(path, sizeof(path), "/%s/%s%08zu", l->bucket, l->prefix, no % l->keys);
	if (l->query)
		path[strlen(l->bucket) + 1] = '\0';
	if (sign_request(&l->key, &(struct sign_what){ .method = l->put ? "PUT" : "GET", .host = host, .path = path,
						       .query = l->query ? l->query : "", .payload_hash = l->hash,
						       .now_ms = clock_ms() }, &a, &h, &n, &e) < 0)
		die("signing", e.msg);
	buf_printf(&b, "%s %s%s%s HTTP/1.1\r\nHost: %s\r\n", l->put ? "PUT" : "GET", path, l->query ? "?" : "",
		   l->query ? l->query : "", host);
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(h[i].name, "host") != 0)
			buf_printf(&b, "%s: %s\r\n", h[i].name, h[i].value);
	if (l->put)
		buf_printf(&b, "Content-Length: %zu\r\n", l->bytes);
	buf_add_str(&b, "\r\n");
	arena_clear(&a);
	must(!b.over);
	return buf_view(&b);
}

/* --- connections --- */

static void watch(const struct client *c, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = (void *)(uintptr_t)c };

	must(epoll_ctl(c->l->epoll_fd, op, c->fd, &ev) == 0);
}

static void connect_it(struct load *l, struct client *c)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(l->port) };
	const int on = 1;

	must(inet_pton(AF_INET, l->host, &sa.sin_addr) == 1);
	c->l = l;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die_sys("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	watch(c, EPOLL_CTL_ADD, 0);
}

/* True when all of the request is out. */
static bool push(struct client *c)
{
	struct view head = c->l->heads[c->no];
	size_t body = c->l->put ? c->l->bytes : 0;

	while (c->sent < head.n + body) {
		bool first = c->sent < head.n;
		const char *p = first ? head.p + c->sent : c->l->body + (c->sent - head.n);
		size_t want = first ? head.n - c->sent : head.n + body - c->sent;
		ssize_t n = send(c->fd, p, want, MSG_NOSIGNAL | MSG_DONTWAIT | (first && body ? MSG_MORE : 0));

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0)
			die_sys("send");
		c->sent += (size_t)n;
	}
	return true;
}

static void begin(struct client *c)
{
	c->no = c->l->next++;
	c->sent = c->head_n = 0;
	c->in_body = false;
	c->began_ns = clock_mono_ns();
	watch(c, EPOLL_CTL_MOD, push(c) ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

static void answered(struct client *c)
{
	struct load *l = c->l;

	l->took_ns[c->no] = clock_mono_ns() - c->began_ns;
	l->done++;
	if (c->ends) {
		close(c->fd);
		connect_it(l, c);
	}
	if (l->next < l->requests)
		begin(c);
	else
		watch(c, EPOLL_CTL_MOD, 0);
}

static void parse_head(struct client *c, char *end)
{
	struct view rest, length = VIEW("0");
	char *at;

	*end = '\0';
	if (strncmp(c->head, "HTTP/1.1 200", 12) != 0)
		die("answer", c->head);
	at = strcasestr(c->head, "\r\ncontent-length:");
	rest = view_str(at ? at + 17 : "0");
	if ((!at && strcasestr(c->head, "\r\ntransfer-encoding:")) || !view_split(&rest, '\r', &length) ||
	    !view_u64(view_trim(length), INT64_MAX, &c->left))
		die("answer", "its length is not known");
	c->left -= c->head_n - (size_t)(end + 4 - c->head);
	c->in_body = true;
	c->ends = strcasestr(c->head, "\r\nconnection: close") != NULL;
}

static void pull(struct client *c)
{
	static char waste[256 * KIB];

	for (;;) {
		char *end, *at = c->in_body ? waste : c->head + c->head_n;
		size_t room = c->in_body ? sizeof(waste) : HEAD_MAX - c->head_n;
		ssize_t n = recv(c->fd, at, c->in_body && c->left < room ? c->left : room, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			die_sys(n ? "recv" : "the server has closed the connection");
		if (c->in_body) {
			c->left -= (uint64_t)n;
		} else {
			c->head_n += (size_t)n;
			c->head[c->head_n] = '\0';
			end = strstr(c->head, "\r\n\r\n");
			if (end)
				parse_head(c, end);
			else if (c->head_n == HEAD_MAX)
				die("answer", "its head is too long");
		}
		if (c->in_body && !c->left) {
			answered(c);
			return;
		}
	}
}

static void run(struct load *l, struct client *clients)
{
	struct epoll_event ev[64];

	for (size_t i = 0; i < l->clients; i++)
		begin(&clients[i]);
	while (l->done < l->requests) {
		int n = epoll_wait(l->epoll_fd, ev, ARRAY_LEN(ev), 60000);

		if (n <= 0)
			die_sys(n ? "waiting" : "no answer in 60 s");
		for (int i = 0; i < n; i++) {
			struct client *c = ev[i].data.ptr;

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

static void prepare(struct load *l, bool signed_body)
{
	l->body = malloc(l->bytes + 1);
	l->heads = calloc(l->requests, sizeof(*l->heads));
	l->took_ns = calloc(l->requests, sizeof(*l->took_ns));
	must(l->body && l->heads && l->took_ns);
	random_bytes(l->body, l->bytes);
	if (signed_body)
		sha256_hex(view_of(l->body, l->put ? l->bytes : 0), l->hash);
	else
		memcpy(l->hash, "UNSIGNED-PAYLOAD", sizeof("UNSIGNED-PAYLOAD"));
	for (size_t i = 0; i < l->requests; i++)
		l->heads[i] = one_head(l, i);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	must(l->epoll_fd >= 0);
}

static void endpoint(struct load *l, const char *url)
{
	struct view rest = view_from(view_str(url), 7), host, port;
	static char text[40];
	uint64_t n = 0;

	if (!view_starts(view_str(url), VIEW("http://")) || !view_split(&rest, ':', &host) || host.n >= sizeof(text) ||
	    !view_split(&rest, '/', &port) || !view_u64(port, 65535, &n))
		die(url, "has to be http:// with a numeric address and a port");
	memcpy(text, host.p, host.n);
	l->host = text;
	l->port = (uint16_t)n;
}

static size_t number(const char *text, size_t max)
{
	uint64_t n;

	if (!view_u64(view_str(text), max, &n))
		die(text, "is not a number or too large");
	return (size_t)n;
}

/*
 * s3load put|get signed|unsigned BUCKET PREFIX KEYS BYTES CLIENTS REQUESTS
 * s3load query QUERY BUCKET CLIENTS REQUESTS: GET of the bucket with it, as "list-type=2"
 * The endpoint and the key come from the environment; out comes one line of JSON.
 */
int main(int argc, char **argv)
{
	static struct load l;
	static struct client clients[CLIENTS_MAX];
	bool query = argc == 6 && strcmp(argv[1], "query") == 0;
	int64_t t0;

	if (!query && argc != 9)
		die("usage", "see s3load.c");
	l.key = (struct sign_key){ .access_key = need("AWS_ACCESS_KEY_ID"), .secret = need("AWS_SECRET_ACCESS_KEY"),
				   .region = need("AWS_REGION"), .service = "s3" };
	endpoint(&l, need("AWS_ENDPOINT_URL"));
	l.put = strcmp(argv[1], "put") == 0;
	l.query = query ? argv[2] : NULL;
	l.bucket = argv[3];
	l.prefix = query ? "" : argv[4];
	l.keys = query ? 1 : number(argv[5], 1u << 30);
	l.bytes = query ? 0 : number(argv[6], GIB);
	l.clients = number(argv[argc - 2], CLIENTS_MAX);
	l.requests = number(argv[argc - 1], 10000000);
	if (!l.clients || l.requests < l.clients || !l.keys)
		die("usage", "at least one request for each client");
	prepare(&l, query || strcmp(argv[2], "signed") == 0);
	for (size_t i = 0; i < l.clients; i++)
		connect_it(&l, &clients[i]);
	t0 = clock_mono_ns();
	run(&l, clients);
	t0 = clock_mono_ns() - t0;
	qsort(l.took_ns, l.requests, sizeof(int64_t), by_value);
	printf("{\"seconds\": %.6f, \"requests\": %zu, \"per_second\": %.1f, \"mb_per_second\": %.1f, \"p50_ms\": %.3f, "
	       "\"p99_ms\": %.3f, \"max_ms\": %.3f}\n", (double)t0 / 1e9, l.requests, (double)l.requests * 1e9 / (double)t0,
	       (double)(l.requests * l.bytes) * 1e3 / (double)t0, (double)l.took_ns[l.requests / 2] / 1e6,
	       (double)l.took_ns[l.requests * 99 / 100] / 1e6, (double)l.took_ns[l.requests - 1] / 1e6);
	return 0;
}
