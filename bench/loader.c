/* SPDX-License-Identifier: Apache-2.0 */
/* loader: the bench's client of Firehose: signed requests from C threads, in turn with plain durable writes of the same bytes. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/client.h"
#include "base/base64.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/file.h"
#include "os/thread.h"

#define THREADS_MAX 64

struct load {
	const char *target; /* stream */
	size_t n_records, record_bytes;
	unsigned threads;
	uint64_t requests; /* of one side of a pair, all threads together */
	char *body;        /* the JSON of one batch */
	size_t body_n, payload_n; /* payload: what has to be durable */
	_Atomic uint64_t next;
	_Atomic bool failed;
};

static int one_request(struct load *l, struct aws_client *c, struct arena *a, struct err *e)
{
	const struct sign_header json[] = { { "content-type", "application/x-amz-json-1.1" },
					    { "x-amz-target", "Firehose_20150804.PutRecordBatch" } };
	const struct aws_request q = { .service = "firehose", .headers = json, .n_headers = ARRAY_LEN(json),
				       .body = view_of(l->body, l->body_n) };
	struct http_result res;

	return aws_client_call(c, &q, a, &res, e);
}

static void *client(void *arg)
{
	struct load *l = arg;
	struct err e = { 0 };
	struct aws_client *c = aws_client_from_env(&e);
	struct arena a;

	arena_init(&a, GIB);
	while (c && atomic_fetch_add(&l->next, 1) < l->requests && !e.code) {
		if (one_request(l, c, &a, &e) < 0)
			break;
		arena_clear(&a);
	}
	if (e.code) {
		fprintf(stderr, "loader: %s\n", e.msg);
		atomic_store(&l->failed, true);
	}
	arena_clear(&a);
	aws_client_free(c);
	return NULL;
}

static double run_mulgil(struct load *l)
{
	pthread_t t[THREADS_MAX];
	int64_t t0 = clock_mono_ns();

	atomic_store(&l->next, 0);
	for (unsigned i = 0; i < l->threads; i++)
		t[i] = thread_start("client", client, l);
	for (unsigned i = 0; i < l->threads; i++)
		thread_join(t[i]);
	return (double)(clock_mono_ns() - t0) / 1e9;
}

/* The bound: one writer, one file, write and fdatasync of each request's payload. */
static double run_plain(struct load *l, const char *dir)
{
	char path[4096];
	struct err e = { 0 };
	int64_t t0;
	int fd;

	snprintf(path, sizeof(path), "%s/plain", dir);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	must(fd >= 0);
	t0 = clock_mono_ns();
	for (uint64_t i = 0; i < l->requests; i++) {
		must(file_write_all(fd, l->body, l->payload_n, &e) == 0);
		file_sync_data(fd);
	}
	close(fd);
	unlink(path);
	return (double)(clock_mono_ns() - t0) / 1e9;
}

static void make_batch(struct load *l)
{
	struct buf b;
	char *raw = malloc(l->record_bytes), *text = malloc(base64_len(l->record_bytes));

	must(raw && text);
	buf_init(&b, 64 * MIB);
	buf_printf(&b, "{\"DeliveryStreamName\":\"%s\",\"Records\":[", l->target);
	for (size_t i = 0; i < l->n_records; i++) {
		random_bytes(raw, l->record_bytes);
		base64_encode(text, raw, l->record_bytes);
		buf_printf(&b, "%s{\"Data\":\"", i ? "," : "");
		buf_add(&b, text, base64_len(l->record_bytes));
		buf_add_str(&b, "\"}");
	}
	buf_add_str(&b, "]}");
	free(raw);
	free(text);
	l->body = b.p;
	l->body_n = b.n;
	l->payload_n = l->n_records * l->record_bytes;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int measure(struct load *l, const char *dir, size_t pairs)
{
	double ratio[64], mb = (double)(l->requests * l->payload_n) / 1e6;

	run_mulgil(l); /* warm-up, not counted */
	for (size_t i = 0; i < pairs && !l->failed; i++) {
		double ours = mb / run_mulgil(l), plain = mb / run_plain(l, dir);

		ratio[i] = ours / plain;
		printf("  pair %zu: mulgil %.1f MB/s, write+fdatasync %.1f MB/s, ratio %.2f\n", i + 1, ours, plain, ratio[i]);
		fflush(stdout);
	}
	if (l->failed)
		return 1;
	qsort(ratio, pairs, sizeof(double), by_value);
	printf("ratio mulgil / write+fdatasync: median %.2f (least %.2f, greatest %.2f) over %zu pairs, %u connections\n",
	       ratio[pairs / 2], ratio[0], ratio[pairs - 1], pairs, l->threads);
	return 0;
}

/* loader STREAM DIR REQUESTS THREADS PAIRS RECORDS BYTES */
int main(int argc, char **argv)
{
	struct load l = { 0 };
	uint64_t v[5];

	if (argc != 8)
		return 2;
	for (int i = 0; i < 5; i++)
		if (!view_u64(view_str(argv[i + 3]), 1u << 30, &v[i]))
			return 2;
	l.target = argv[1];
	l.requests = v[0];
	l.threads = (unsigned)(v[1] > THREADS_MAX ? THREADS_MAX : v[1]);
	l.n_records = v[3];
	l.record_bytes = v[4];
	make_batch(&l);
	return measure(&l, argv[2], v[2] > 64 ? 64 : v[2]);
}
