/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verified -- what GET of large objects allows: each MiB of a file is read, its CRC-32C computed, and sent.
 *
 * A thread per connection and no more of HTTP than the bench's client asks for; nothing is signed, nothing looked up.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/limits.h"
#include "os/file.h"
#include "os/thread.h"

#define PIECE (128 * KIB)
#define HEAD_MAX 8192
#define QUEUE ((int)(256 * KIB))

static const char *root;
static _Atomic uint32_t sum; /* so that it is computed */

static bool send_head(int to, off_t size)
{
	char head[128];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)size);

	return send(to, head, (size_t)n, MSG_NOSIGNAL | MSG_MORE) == n;
}

static bool send_block(int to, int fd, off_t off, off_t end)
{
	static _Thread_local uint8_t piece[PIECE];
	uint32_t crc = 0;
	struct err e = { 0 };

	for (off_t at = off; at < end; at += (off_t)PIECE) {
		ssize_t n = file_pread_all(fd, piece, PIECE, at, &e);

		if (n <= 0)
			return false;
		crc = crc32c(crc, piece, (size_t)n);
	}
	sum ^= crc;
	while (off < end)
		if (sendfile(to, fd, &off, (size_t)(end - off)) <= 0)
			return false;
	return true;
}

static bool answer(int to, char *head)
{
	CLEANUP(fd_closep) int fd = -1;
	char path[HEAD_MAX + 256], *end = strstr(head, " HTTP/");
	struct stat st;
	bool ok;

	if (strncmp(head, "GET ", 4) != 0 || !end)
		return false;
	snprintf(path, sizeof(path), "%s%.*s", root, (int)(end - head - 4), head + 4);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ok = fd >= 0 && fstat(fd, &st) == 0 && send_head(to, st.st_size);
	for (off_t off = 0; ok && off < st.st_size; off += (off_t)MIB)
		ok = send_block(to, fd, off, off + (off_t)MIB < st.st_size ? off + (off_t)MIB : st.st_size);
	return ok;
}

static void *serve(void *arg)
{
	CLEANUP(fd_closep) int fd = (int)(intptr_t)arg;
	char head[HEAD_MAX + 1];
	const int queue = QUEUE;
	size_t have = 0;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &queue, sizeof(queue));
	while ((n = recv(fd, head + have, HEAD_MAX - have, 0)) > 0) {
		have += (size_t)n;
		head[have] = '\0';
		if (!strstr(head, "\r\n\r\n"))
			continue;
		if (!answer(fd, head))
			break;
		have = 0;
	}
	return NULL;
}

/* verified FOLDER: prints the port, serves until it is ended. */
int main(int argc, char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2)
		return 2;
	root = argv[1];
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		return 1;
	printf("%u\n", (unsigned)ntohs(sa.sin_port));
	fflush(stdout);
	for (;;) {
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (c >= 0)
			pthread_detach(thread_start("verified", serve, (void *)(intptr_t)c));
	}
}
