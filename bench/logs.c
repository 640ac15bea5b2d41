/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs -- what a log does without a server around it.
 *
 *	logs append DIR PRODUCERS BYTES RECORDS BATCHES   that many batches of RECORDS records of BYTES bytes, appended by
 *	                                                  PRODUCERS threads; each with a key, as PutRecordBatch does it
 *	logs many DIR COUNT                               opens COUNT logs; makes them first, with a record each, if DIR is
 *	                                                  not there.  What the opening takes: time, memory, files, threads
 *
 * Prints one line of JSON.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/view.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/log.h"

static uint64_t number(const char *text)
{
	uint64_t n = 0;

	if (!view_u64(view_str(text), UINT64_MAX, &n)) {
		fprintf(stderr, "\"%s\" is no number\n", text);
		exit(64);
	}
	return n;
}

static void stop_if(int rc, const struct err *e)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "%s\n", e->msg);
	exit(1);
}

/* --- append --- */

struct work {
	struct log *l;
	struct view *records;
	size_t n;
	atomic_int_fast64_t left;
};

static void *produce(void *arg)
{
	struct work *w = arg;
	uint8_t key[LOG_KEY];
	struct err e = { 0 };

	while (atomic_fetch_sub(&w->left, 1) > 0) {
		random_bytes(key, sizeof(key));
		stop_if(log_append_once(w->l, key, w->records, w->n, NULL, &e), &e);
	}
	return NULL;
}

static void append(const char *dir, size_t producers, size_t bytes, size_t records, size_t batches)
{
	struct work w = { .n = records, .left = (int_fast64_t)batches };
	pthread_t *t = calloc(producers, sizeof(*t));
	char *text = calloc(1, bytes + 1);
	struct err e = { 0 };
	uint64_t syncs;
	int64_t ns;

	w.records = calloc(records, sizeof(*w.records));
	must(t && text && w.records);
	for (size_t i = 0; i < records; i++)
		w.records[i] = view_of(text, bytes);
	stop_if(log_open_segments(dir, NULL, &w.l, &e), &e);
	syncs = file_sync_count();
	ns = clock_mono_ns();
	for (size_t i = 0; i < producers; i++)
		t[i] = thread_start("producer", produce, &w);
	for (size_t i = 0; i < producers; i++)
		thread_join(t[i]);
	ns = clock_mono_ns() - ns;
	printf("{\"batches_per_s\":%.0f,\"mb_per_s\":%.2f,\"batches_per_sync\":%.2f}\n", (double)batches * 1e9 / (double)ns,
	       (double)(batches * records * bytes) * 1e3 / (double)ns,
	       (double)batches / (double)(file_sync_count() - syncs));
	log_close(w.l);
	free(w.records);
	free(text);
	free(t);
}

/* --- many --- */

static unsigned entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

/* Resident pages. */
static uint64_t resident(void)
{
	struct view text, part;
	struct err e = { 0 };
	struct arena a;
	uint64_t n = 0;

	arena_init(&a, 64 * KIB);
	stop_if(file_read("/proc/self/statm", &a, 4096, &text, &e), &e);
	must(view_split(&text, ' ', &part) && view_split(&text, ' ', &part) && view_u64(part, UINT64_MAX, &n));
	arena_clear(&a);
	return n;
}

static void open_all(const char *dir, struct log **l, size_t n)
{
	const struct log_opts o = { .locked = true };
	struct err e = { 0 };
	char path[4096];

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%zu", dir, i);
		stop_if(log_open_segments(path, &o, &l[i], &e), &e);
	}
}

static void close_all(struct log **l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		log_close(l[i]);
}

static void many(const char *dir, size_t n)
{
	struct log **l = calloc(n, sizeof(*l));
	const struct view one = VIEW("one record");
	struct err e = { 0 };
	uint64_t before;
	int64_t ns;

	must(l);
	if (!file_exists(dir)) {
		open_all(dir, l, n);
		for (size_t i = 0; i < n; i++)
			stop_if(log_append(l[i], &one, 1, NULL, &e), &e);
		close_all(l, n);
	}
	before = resident();
	ns = clock_mono_ns();
	open_all(dir, l, n);
	ns = clock_mono_ns() - ns;
	printf("{\"logs\":%zu,\"ms\":%.1f,\"bytes_per_log\":%.0f,\"files\":%u,\"threads\":%u}\n", n, (double)ns / 1e6,
	       (double)(resident() - before) * 4096 / (double)n, entries("/proc/self/fd"), entries("/proc/self/task"));
	close_all(l, n);
	free(l);
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "append") == 0)
		append(argv[2], number(argv[3]), number(argv[4]), number(argv[5]), number(argv[6]));
	else if (argc == 4 && strcmp(argv[1], "many") == 0)
		many(argv[2], number(argv[3]));
	else
		return 64;
	return 0;
}
