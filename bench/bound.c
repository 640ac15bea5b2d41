/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bound -- what the disk allows: the same bytes, as durable, written by the simplest program there is.
 *
 * Small objects go behind each other into a file that exists already, as many as there are clients with one sync;
 * larger ones into a file of their own each, which is synced and whose name is, as many at once as there are clients.
 * Batches of records, whatever their size, go behind each other like small objects; a sync is for no more of them than
 * the log puts into one group.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/file.h"
#include "os/thread.h"

#define THREADS_MAX 1024
#define LOG_BYTES (64 * MIB)
#define GROUP_BYTES (4 * MIB)

struct bound {
	const char *dir;
	int dirfd; /* of a folder in it that is removed afterwards */
	size_t bytes, clients, requests;
	bool md5; /* of each object, by OpenSSL */
	bool log; /* batches of records */
	char *body;
	_Atomic size_t next;
};

static void small(struct bound *b)
{
	char *zeros = calloc(1, LOG_BYTES);
	struct err e = { 0 };
	size_t at = 0;
	int fd = open(b->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int64_t t0;

	must(zeros && fd >= 0 && file_pwrite_all(fd, zeros, LOG_BYTES, 0, &e) == 0);
	free(zeros);
	file_sync_data(fd);
	t0 = clock_mono_ns();
	for (size_t done = 0; done < b->requests;) {
		size_t group = b->clients < b->requests - done ? b->clients : b->requests - done;

		if (b->log && group > 1 + GROUP_BYTES / b->bytes)
			group = 1 + GROUP_BYTES / b->bytes;
		if (at + group * b->bytes > LOG_BYTES)
			at = 0;
		for (size_t i = 0; i < group; i++)
			must(file_pwrite_all(fd, b->body, b->bytes, (off_t)(at + i * b->bytes), &e) == 0);
		file_sync_data(fd);
		at += group * b->bytes;
		done += group;
	}
	close(fd);
	printf("{\"seconds\": %.6f}\n", (double)(clock_mono_ns() - t0) / 1e9);
}

static void *large(void *arg)
{
	struct bound *b = arg;
	struct err e = { 0 };
	size_t no;

	while ((no = atomic_fetch_add(&b->next, 1)) < b->requests) {
		struct digest *d = b->md5 ? digest_new(DIGEST_MD5) : NULL;
		uint8_t sum[DIGEST_MAX];
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "%zu", no);
		fd = openat(b->dirfd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
		must(fd >= 0);
		for (size_t at = 0; at < b->bytes; at += MIB) {
			size_t n = b->bytes - at < MIB ? b->bytes - at : MIB;

			if (d)
				digest_add(d, b->body + at, n);
			must(file_write_all(fd, b->body + at, n, &e) == 0);
		}
		if (d)
			digest_end(d, sum);
		file_sync_data(fd);
		close(fd);
		file_sync_dirfd(b->dirfd);
	}
	return NULL;
}

/* bound DIR BYTES CLIENTS REQUESTS plain|md5|log */
int main(int argc, char **argv)
{
	static pthread_t t[THREADS_MAX];
	struct bound b = { .dir = argv[1] };
	char folder[4096];
	struct err e = { 0 };
	uint64_t v[3];
	int64_t t0;

	if (argc != 6)
		return 2;
	for (int i = 0; i < 3; i++)
		if (!view_u64(view_str(argv[i + 2]), GIB, &v[i]))
			return 2;
	b.bytes = v[0];
	b.clients = v[1] < THREADS_MAX ? v[1] : THREADS_MAX;
	b.requests = v[2];
	b.md5 = strcmp(argv[5], "md5") == 0;
	b.log = strcmp(argv[5], "log") == 0;
	b.body = malloc(b.bytes);
	must(b.body);
	random_bytes(b.body, b.bytes);
	if (b.bytes <= LIMIT_SMALL_BLOB || b.log) {
		small(&b);
		return 0;
	}
	snprintf(folder, sizeof(folder), "%s/bound-%d", b.dir, (int)getpid());
	must(file_mkdirs(folder, 0700, &e) == 0);
	b.dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(b.dirfd >= 0);
	t0 = clock_mono_ns();
	for (size_t i = 0; i < b.clients; i++)
		t[i] = thread_start("bound", large, &b);
	for (size_t i = 0; i < b.clients; i++)
		thread_join(t[i]);
	printf("{\"seconds\": %.6f}\n", (double)(clock_mono_ns() - t0) / 1e9);
	close(b.dirfd);
	return file_remove_tree(folder, &e) == 0 ? 0 : 1;
}
