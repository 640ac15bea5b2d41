// SPDX-License-Identifier: Apache-2.0
/*
 * The HTTP server: the input goes to it over a connection of its own; afterwards it must still answer.
 *
 * What reaches the handler is checked too: a body that it reads to the end has the length that was announced.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macro.h"
#include "http/server.h"
#include "os/pool.h"

#define WAIT_MS 10000

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct http_server *server;

static void handler(struct http_req *r, void *arg)
{
	struct view name, value;
	struct err e = { 0 };
	char piece[1000];
	int64_t total = 0;
	ssize_t n;

	for (size_t i = 0; http_header_at(r, i, &name, &value); i++)
		must(name.n && !memchr(value.p, '\0', value.n) && !memchr(value.p, '\n', value.n));
	must(http_path(r).n && !memchr(http_target(r).p, '\0', http_target(r).n));
	while ((n = http_body_read(r, piece, sizeof(piece), &e)) > 0)
		total += n;
	must(n < 0 || http_body_length(r) < 0 || total == http_body_length(r));
	http_answer(r, &(struct http_answer){ .status = 200 }, VIEW("ok"));
}

static void start(void)
{
	struct http_server_opts o = { .addr = "127.0.0.1", .loop_threads = 1, .handler = handler };
	struct err e = { 0 };

	if (server)
		return;
	o.pool = pool_new(&(struct pool_opts){ .threads = { 4, 1 }, .queue_max = { 64, 4 } });
	must(http_server_new(&o, &server, &e) == 0);
}

/* Sends @p and no more, and reads all that comes back; the first bytes of it are in @first. */
static size_t speak(const void *p, size_t n, char first[16])
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(http_server_port(server)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd in = { .fd = fd, .events = POLLIN };
	char rest[4096];
	size_t got = 0;
	ssize_t k;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	send(fd, p, n, MSG_NOSIGNAL);
	if (n == 0 || !first)
		shutdown(fd, SHUT_WR);
	do {
		must(poll(&in, 1, WAIT_MS) == 1);
		k = recv(fd, rest, sizeof(rest), 0);
		if (k > 0 && first && got + (size_t)k <= 16)
			memcpy(first + got, rest, (size_t)k);
		else if (k > 0 && first && got < 16)
			memcpy(first + got, rest, 16 - got);
		got += k > 0 ? (size_t)k : 0;
	} while (k > 0);
	close(fd);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char fine[] = "PUT /fine HTTP/1.1\r\nHost: x\r\nContent-Length: "
				   "4\r\nConnection: close\r\n\r\nbody";
	char first[16];

	start();
	speak(p, n, NULL);
	must(speak(fine, sizeof(fine) - 1, first) > 16 &&
	     memcmp(first, "HTTP/1.1 200 OK\r", 16) == 0);
	return 0;
}
