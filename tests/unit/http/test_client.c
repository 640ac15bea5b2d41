// SPDX-License-Identifier: Apache-2.0
/* The client against the server: large bodies both ways with bounded memory, many at once, errors. */
#include "http/client.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "http/pipe.h"
#include "os/file.h"
#include "os/thread.h"
#include "rig.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#define LARGE (50 * MIB)

static const char *url(const struct rig *g, struct arena *a, const char *path)
{
	return arena_printf(a, "http://127.0.0.1:%u%s", (unsigned)g->port, path);
}

static int call(struct http_client *c, struct http_call *q, struct arena *a,
		struct http_result *ret)
{
	struct err e = { 0 };
	int rc;

	q->timeout_ms = RIG_WAIT_MS;
	rc = http_call(c, q, a, ret, &e);
	if (rc < 0)
		fprintf(stderr, "# %s\n", e.msg);
	return rc;
}

TEST(client_sends_and_gets_what_was_asked)
{
	static const struct http_header headers[] = { { "X-Mulgil", "yes" }, { "X-Empty", "" } };
	struct http_client *c = http_client_new();
	struct http_result r;
	struct arena a;
	struct rig g;

	rig_start(&g, NULL);
	arena_init(&a, 16 * MIB);
	assert_int_equal(call(c,
			      &(struct http_call){ .method = "GET",
						   .url = url(&g, &a, "/info/../info?a=%2e"),
						   .headers = headers,
						   .n_headers = 2 },
			      &a, &r),
			 0);
	assert_int_equal(r.status, 404); /* the dots stayed */
	assert_int_equal(call(c,
			      &(struct http_call){ .method = "GET",
						   .url = url(&g, &a, "/info?a=%2e&b"),
						   .headers = headers,
						   .n_headers = 2 },
			      &a, &r),
			 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(http_result_header(&r, "content-TYPE"), "text/plain");
	assert_null(http_result_header(&r, "x-absent"));
	assert_true(view_find(r.body, VIEW("target=/info?a=%2e&b ")) >= 0);
	assert_true(view_find(r.body, VIEW("X-Mulgil=[yes]\nX-Empty=[]\n")) >= 0);
	assert_true(view_find(r.body, VIEW("Expect")) < 0);
	assert_int_equal(call(c,
			      &(struct http_call){ .method = "PUT",
						   .url = url(&g, &a, "/echo"),
						   .body = VIEW("hello") },
			      &a, &r),
			 0);
	assert_true(view_eq_str(r.body, "hello"));
	assert_int_equal(call(c,
			      &(struct http_call){ .method = "POST", .url = url(&g, &a, "/echo") },
			      &a, &r),
			 0);
	assert_int_equal(r.body.n, 0);
	assert_int_equal(
		call(c, &(struct http_call){ .method = "HEAD", .url = url(&g, &a, "/length") }, &a,
		     &r),
		0);
	assert_string_equal(http_result_header(&r, "Content-Length"), "12345");
	assert_int_equal(
		call(c, &(struct http_call){ .method = "DELETE", .url = url(&g, &a, "/info") }, &a,
		     &r),
		0);
	assert_true(view_find(r.body, VIEW("method=DELETE")) >= 0);
	arena_clear(&a);
	http_client_free(c);
	rig_stop(&g);
}

TEST(client_honours_expect_and_early_refusal)
{
	static const struct http_header expect = { "Expect", "100-continue" };
	struct http_client *c = http_client_new();
	struct http_call q = { .method = "PUT", .headers = &expect, .n_headers = 1 };
	struct http_result r;
	struct arena a;
	struct rig g;
	char *bytes = calloc(1, 3 * MIB);

	rig_start(&g, NULL);
	arena_init(&a, 16 * MIB);
	q.body = view_of(bytes, 3 * MIB);
	q.url = url(&g, &a, "/refuse");
	assert_int_equal(call(c, &q, &a, &r), 0);
	assert_int_equal(r.status, 403);
	q.url = url(&g, &a, "/count");
	assert_int_equal(call(c, &q, &a, &r), 0);
	assert_true(view_starts(r.body, VIEW("3145728 ")));
	free(bytes);
	arena_clear(&a);
	http_client_free(c);
	rig_stop(&g);
}

TEST(client_errors)
{
	struct http_client *c = http_client_new();
	struct http_call q = { .method = "GET" };
	struct http_header bad = { "X", "a\nb" };
	struct http_result r;
	struct err e = { 0 };
	struct arena a;
	struct rig g;

	rig_start(&g, NULL);
	arena_init(&a, 16 * MIB);
	q.url = url(&g, &a, "/chunked?100000");
	q.max = 99999;
	assert_int_equal(http_call(c, &q, &a, &r, &e), ERR_LIMIT);
	err_clear(&e);
	q.max = 100000;
	assert_int_equal(http_call(c, &q, &a, &r, &e), 0);
	q.url = url(&g, &a, "/hold");
	q.timeout_ms = 50;
	assert_int_equal(http_call(c, &q, &a, &r, &e), ERR_TIMEOUT);
	err_clear(&e);
	rig_release();
	q.timeout_ms = RIG_WAIT_MS;
	q.url = url(&g, &a, "/short");
	assert_int_equal(http_call(c, &q, &a, &r, &e), ERR_IO);
	err_clear(&e);
	q.headers = &bad;
	q.n_headers = 1;
	assert_int_equal(http_call(c, &q, &a, &r, &e), ERR_INVALID);
	err_clear(&e);
	q.n_headers = 0;
	rig_stop(&g);
	assert_int_equal(http_call(c, &q, &a, &r, &e), ERR_IO);
	arena_clear(&a);
	http_client_free(c);
}

static long peak_kib(void)
{
	struct err e = { 0 };
	struct view text, line;
	struct arena a;
	uint64_t kib = 0;

	arena_init(&a, MIB);
	must(file_read("/proc/self/status", &a, 64 * KIB, &text, &e) == 0);
	while (view_split(&text, '\n', &line))
		if (view_starts(line, VIEW("VmHWM:")))
			view_u64(view_trim(view_sub(line, 6, line.n - 6 - 3)), UINT64_MAX, &kib);
	arena_clear(&a);
	assert_true(kib > 0);
	return (long)kib;
}

static int sink(void *arg, struct view piece)
{
	uint64_t *total = arg;

	for (size_t i = 0; i < piece.n; i += 997)
		if (piece.p[i] != (char)('a' + (*total + i) % 23))
			return 1;
	*total += piece.n;
	return 0;
}

static int stop_at_once(void *arg, struct view piece)
{
	return 1;
}

static int large_file(uint64_t *ret_sum)
{
	static char piece[MIB];
	struct err e = { 0 };
	uint64_t sum = 0;
	int fd = open(unit_tmpdir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (uint64_t at = 0; at < LARGE; at += sizeof(piece)) {
		for (size_t i = 0; i < sizeof(piece); i++) {
			piece[i] = (char)((at + i) * 2654435761u >> 13);
			sum = sum * 31 + (unsigned char)piece[i];
		}
		assert_int_equal(file_write_all(fd, piece, sizeof(piece), &e), 0);
	}
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	*ret_sum = sum;
	return fd;
}

struct pattern {
	uint64_t at, wrong;
};

static int sink_pattern(void *arg, struct view v)
{
	struct pattern *p = arg;

	for (size_t i = 0; i < v.n; i++, p->at++)
		p->wrong += v.p[i] != (char)('a' + p->at % MIB % 23);
	return 0;
}

/* Short streams go through the library, long ones past it. */
TEST(files_are_streamed_byte_for_byte)
{
	CLEANUP(arena_clear) struct arena a;
	struct http_client *c = http_client_new();
	struct http_result r;
	struct rig g;

	rig_start(&g, NULL);
	arena_init(&a, 16 * MIB);
	for (uint64_t n = 1; n <= 17; n += 16) {
		struct pattern p = { 0 };

		assert_int_equal(call(c, &(struct http_call){ .method = "GET",
							      .url = url(&g, &a, arena_printf(&a, "/copies?%lu", n)),
							      .sink = sink_pattern, .sink_arg = &p }, &a, &r), 0);
		assert_int_equal(p.at, n * MIB);
		assert_int_equal(p.wrong, 0);
	}
	rig_stop(&g);
	http_client_free(c);
}

TEST(large_bodies_both_ways_in_bounded_memory)
{
	struct http_client *c = http_client_new();
	struct http_result r;
	struct arena a;
	struct rig g;
	uint64_t sum, total = 0;
	int fd = large_file(&sum);
	long before;

	rig_start(&g, NULL);
	arena_init(&a, 16 * MIB);
	before = peak_kib();
	assert_int_equal(call(c,
			      &(struct http_call){ .method = "PUT",
						   .url = url(&g, &a, "/count"),
						   .body_fd = fd,
						   .body_len = LARGE },
			      &a, &r),
			 0);
	assert_string_equal(arena_str(&a, r.body),
			    arena_printf(&a, "%lu %llx", LARGE, (unsigned long long)sum));
	assert_int_equal(call(c,
			      &(struct http_call){ .method = "GET",
						   .url = url(&g, &a, "/chunked?52428800"),
						   .sink = sink,
						   .sink_arg = &total },
			      &a, &r),
			 0);
	assert_int_equal(total, LARGE);
	total = 0;
	assert_int_equal(call(c,
			      &(struct http_call){ .method = "GET",
						   .url = url(&g, &a, "/fixed?52428800"),
						   .sink = sink,
						   .sink_arg = &total },
			      &a, &r),
			 0);
	assert_int_equal(total, LARGE);
	assert_int_equal(call(c,
			      &(struct http_call){ .method = "GET",
						   .url = url(&g, &a, "/fixed?52428800"),
						   .sink = stop_at_once },
			      &a, &r),
			 ERR_CANCELLED);
	if (!SANITIZED)
		assert_true(peak_kib() - before < 8 * 1024);
	close(fd);
	arena_clear(&a);
	http_client_free(c);
	rig_stop(&g);
}

struct storm {
	const struct rig *g;
	unsigned seed;
	unsigned wrong;
};

/* Requests of every kind by turns, so that parking and resuming meet in every order. */
static void *storm(void *arg)
{
	struct storm *s = arg;
	struct http_client *c = http_client_new();
	char *bytes = malloc(700 * KIB);

	for (size_t i = 0; i < 700 * KIB; i++)
		bytes[i] = (char)('a' + (i + s->seed) % 26);
	for (unsigned i = 0; i < 50; i++) {
		size_t n = (i * 7919u + s->seed * 104729u) % (i % 10 ? 5000 : 700 * KIB);
		struct http_call q = { .method = i % 2 ? "PUT" : "POST",
				       .body = view_of(bytes, n),
				       .body_fd = -1 };
		struct http_result r = { 0 };
		struct arena a;

		arena_init(&a, 16 * MIB);
		q.url = url(s->g, &a, i % 5 == 1 ? "/fixed?3000" : i % 5 == 2 ? "/mid" : "/echo");
		if (i % 5 == 3)
			q = (struct http_call){ .method = "GET",
						.body_fd = -1,
						.url = url(s->g, &a, "/chunked?70000") };
		if (call(c, &q, &a, &r) < 0)
			s->wrong++;
		else if (i % 5 == 0 || i % 5 == 4)
			s->wrong += !view_eq(r.body, q.body);
		else
			s->wrong += r.status != (i % 5 == 2 ? 409 : 200);
		arena_clear(&a);
	}
	free(bytes);
	http_client_free(c);
	return NULL;
}

TEST(many_clients_at_once_lose_no_wake_up)
{
	struct storm s[32];
	pthread_t t[32];
	struct rig g;

	rig_start(&g, NULL);
	for (unsigned i = 0; i < 32; i++) {
		s[i] = (struct storm){ .g = &g, .seed = i };
		t[i] = thread_start("storm", storm, &s[i]);
	}
	for (unsigned i = 0; i < 32; i++)
		thread_join(t[i]);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(s[i].wrong, 0);
	assert_int_equal(rig_count(RIG_CALLS), 32 * 50);
	rig_stop(&g);
}

TEST(pipe_keeps_order_and_ceiling)
{
	struct http__pipe q;
	char out[100];
	unsigned char next_in = 0, next_out = 0;

	http__pipe_init(&q, 5000);
	for (unsigned round = 0; round < 20000; round++) {
		char piece[70];
		size_t n = round * 31 % 70, took;

		for (size_t i = 0; i < n; i++)
			piece[i] = (char)(next_in + i);
		took = http__pipe_put(&q, view_of(piece, n));
		assert_true(took == n || q.n == 5000);
		next_in = (unsigned char)(next_in + took);
		n = http__pipe_take(&q, out, round * 17 % (round % 1000 < 500 ? 30 : 100));
		for (size_t i = 0; i < n; i++)
			assert_int_equal((unsigned char)out[i], (unsigned char)(next_out + i));
		next_out = (unsigned char)(next_out + n);
	}
	assert_int_equal(q.cap, 5000);
	http__pipe_clear(&q);
}
