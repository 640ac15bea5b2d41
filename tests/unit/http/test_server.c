// SPDX-License-Identifier: Apache-2.0
/* The server through raw sockets: answers, keep-alive, bodies, streams, limits, its end. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "http/server_int.h"
#include "os/pool.h"
#include "os/thread.h"
#include "rig.h"

#define HOST "Host: test\r\n"

TEST(target_and_headers_arrive_as_sent)
{
	struct rig g;
	int fd;
	const char *a;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd, "GET /info?x=%2F&y=a+b HTTP/1.1\r\n" HOST
		    "X-A:  spaced \t\r\nX-Empty:\r\nx-a: again\r\n\r\n");
	a = raw_answer(fd);
	assert_non_null(strstr(a, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(a, "Server: mulgil\r\n"));
	assert_non_null(strstr(a, "Date: "));
	assert_non_null(strstr(a, "method=GET target=/info?x=%2F&y=a+b path=/info "
				  "query=x=%2F&y=a+b peer=127.0.0.1 length=0\n"));
	assert_non_null(strstr(
		a, "\nHost=[test]\nX-A=[spaced]\nX-Empty=[]\nx-a=[again]\nhost=test absent=1\n"));
	raw_str(fd, "GET /b/weird/../k%2E%2f//x?? HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(raw_answer(fd), "404 Not Found"));
	raw_str(fd, "GET /info HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(raw_answer(fd), "query=(none)"));
	close(fd);
	rig_stop(&g);
}

TEST(connection_is_kept_after_get_and_put)
{
	struct rig g;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	for (int i = 0; i < 20; i++) {
		raw_str(fd, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n");
		assert_non_null(strstr(raw_answer(fd), "\r\n\r\ntext"));
		raw_str(fd, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
		assert_non_null(strstr(raw_answer(fd), "\r\n\r\nhello"));
		raw_str(fd, "PUT /refuse HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
		assert_non_null(strstr(raw_answer(fd), "403 Forbidden"));
	}
	raw_str(fd, "GET /status?200 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	assert_non_null(strstr(raw_all(fd), "Connection: close"));
	close(fd);
	rig_stop(&g);
}

TEST(pipelined_requests_are_answered_in_order)
{
	struct rig g;
	const char *a, *one, *two;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
		    "PUT /echo HTTP/1.1\r\n" HOST
		    "Transfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n"
		    "GET /status?299 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	a = raw_all(fd);
	one = strstr(a, "\r\n\r\nabcHTTP/1.1 200");
	assert_non_null(one);
	two = strstr(one, "\r\n\r\ndefHTTP/1.1 299");
	assert_non_null(two);
	close(fd);
	rig_stop(&g);
}

TEST(continue_is_sent_when_the_body_is_read_and_not_for_a_refusal)
{
	struct rig g;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd,
		"PUT /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
	assert_string_equal(raw_until(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
	raw_str(fd, "body");
	assert_non_null(strstr(raw_answer(fd), "\r\n\r\nbody"));
	raw_str(fd, "PUT /refuse HTTP/1.1\r\n" HOST
		    "Expect: 100-continue\r\nContent-Length: 4000000000\r\n\r\n");
	assert_true(strncmp(raw_all(fd), "HTTP/1.1 403 Forbidden\r\n", 24) == 0);
	close(fd);
	assert_true(raw_gives(
		&g, "PUT /echo HTTP/1.1\r\n" HOST "Expect: 200-ok\r\nContent-Length: 4\r\n\r\nbody",
		200));
	rig_stop(&g);
}

TEST(early_answer_reaches_a_client_that_is_still_sending)
{
	static char piece[64 * KIB];
	struct rig g;
	int fd;

	rig_start(&g, NULL);
	/* Known to be too long to read to its end: answered at once, then cut. */
	fd = raw_open(&g);
	raw_str(fd, "PUT /mid HTTP/1.1\r\n" HOST "Content-Length: 4000000000\r\n\r\n0123456789");
	assert_true(strncmp(raw_all(fd), "HTTP/1.1 409 Conflict\r\n", 23) == 0);
	close(fd);
	/* The same with a client that sends a MiB before it looks. */
	fd = raw_open(&g);
	raw_str(fd, "PUT /refuse HTTP/1.1\r\n" HOST "Content-Length: 100000000\r\n\r\n");
	for (int i = 0; i < 12; i++)
		raw_send(fd, view_of(piece, sizeof(piece)));
	assert_non_null(strstr(raw_all(fd), "\r\nConnection: close\r\n"));
	close(fd);
	/* Chunked, end not in sight. */
	fd = raw_open(&g);
	raw_str(fd,
		"PUT /mid HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nff\r\n0123456789");
	assert_non_null(strstr(raw_all(fd), "409 Conflict"));
	close(fd);
	rig_stop(&g);
}

TEST(rest_of_a_short_body_is_read_and_the_connection_kept)
{
	static char piece[500 * KIB];
	struct rig g;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd, "PUT /mid HTTP/1.1\r\n" HOST "Content-Length: 512000\r\n\r\n");
	raw_send(fd, view_of(piece, sizeof(piece)));
	assert_non_null(strstr(raw_answer(fd), "409 Conflict"));
	raw_str(fd, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(raw_answer(fd), "200 OK"));
	close(fd);
	rig_stop(&g);
}

/* A worker is taken when what fits into the pipe is there as a whole: slow clients of small bodies hold none. */
TEST(short_body_is_in_before_the_handler_runs)
{
	struct rig g;
	int slow, fd;

	rig_start(&g, &(struct http_server_opts){ .idle_timeout_s = 20 });
	slow = raw_open(&g);
	raw_str(slow, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 8\r\n\r\npart");
	fd = raw_open(&g);
	raw_str(fd, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody");
	assert_non_null(strstr(raw_answer(fd), "\r\n\r\nbody"));
	assert_int_equal(rig_count(RIG_CALLS), 1);
	raw_str(slow, "part");
	assert_non_null(strstr(raw_answer(slow), "\r\n\r\npartpart"));
	assert_true(rig_wait(RIG_CALLS, 2));
	close(fd);
	close(slow);
	rig_stop(&g);
}

static int64_t all_of_it(const struct http_req *r, void *arg)
{
	(void)r;
	(void)arg;
	return HTTP_WHOLE_TOTAL;
}

static void send_x(int fd, size_t n)
{
	static char x[100000];

	memset(x, 'x', sizeof(x));
	for (size_t part; n; n -= part) {
		part = n < sizeof(x) ? n : sizeof(x);
		raw_send(fd, view_of(x, part));
	}
}

TEST(whole_bodies_are_handed_out_where_they_lie)
{
	struct rig g;
	int fd;

	rig_start(&g, &(struct http_server_opts){ .whole = all_of_it });
	fd = raw_open(&g);
	raw_str(fd, "PUT /whole HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nbytes");
	assert_non_null(strstr(raw_answer(fd), "\r\n\r\n5"));
	raw_str(fd, "PUT /whole HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n");
	send_x(fd, 2999999);
	assert_int_equal(rig_count(RIG_CALLS), 1);
	send_x(fd, 1);
	assert_non_null(strstr(raw_answer(fd), "\r\n\r\n3000000"));
	raw_str(fd, "PUT /whole HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	assert_non_null(strstr(raw_answer(fd), " 409 "));
	raw_str(fd, "PUT /whole HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
	assert_non_null(strstr(raw_answer(fd), " 409 "));
	close(fd);
	rig_stop(&g);
}

/* Clients that announce much and send little: when they have all the memory there is for it, others are served piece by
 * piece, and when they leave it is free again. */
TEST(whole_bodies_share_a_ceiling)
{
	struct rig g;
	int slow[8], fd;

	rig_start(&g, &(struct http_server_opts){ .idle_timeout_s = 20, .whole = all_of_it });
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = raw_open(&g);
		raw_str(slow[i], "PUT /count HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 8388608\r\n\r\n");
		assert_non_null(strstr(raw_until(slow[i], "\r\n\r\n"), "100 Continue"));
	}
	fd = raw_open(&g);
	raw_str(fd, "PUT /count HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\nx");
	assert_true(rig_wait(RIG_CALLS, 1));
	send_x(fd, 299999);
	assert_non_null(strstr(raw_answer(fd), "\r\n\r\n300000 "));
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		close(slow[i]);
	for (bool free = false; !free;) { /* the server hears of it when it hears of it */
		raw_str(fd, "PUT /whole HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
		send_x(fd, 300000);
		free = strstr(raw_answer(fd), " 200 ") != NULL;
	}
	close(fd);
	rig_stop(&g);
}

TEST(client_that_leaves_or_dawdles_in_mid_body_wakes_the_handler)
{
	struct rig g;
	int fd;

	rig_start(&g, &(struct http_server_opts){ .idle_timeout_s = 1 });
	fd = raw_open(&g);
	raw_str(fd, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\npart");
	assert_true(rig_wait(RIG_CALLS, 1));
	close(fd);
	assert_true(rig_wait(RIG_BODY_GONE, 1));
	fd = raw_open(&g);
	raw_str(fd, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\npart");
	assert_true(rig_wait(RIG_BODY_TIMEOUT, 1));
	assert_true(raw_closed(fd));
	close(fd);
	rig_stop(&g);
}

TEST(end_of_sending_is_seen_when_it_comes_with_the_last_bytes)
{
	struct rig g;
	int fd;

	rig_start(&g, NULL);
	for (int i = 0; i < 40; i++) {
		fd = raw_open(&g);
		raw_str(fd, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n");
		raw_answer(fd); /* now the library waits for an edge */
		raw_str(fd, i % 2 ? "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\npart"
				  : "GET /status?200 HT");
		shutdown(fd, SHUT_WR);
		assert_true(raw_closed(fd));
		close(fd);
	}
	rig_stop(&g);
}

TEST(unfinished_head_is_closed_after_its_time)
{
	struct rig g;
	int silent, slow;

	rig_start(&g, &(struct http_server_opts){ .header_timeout_s = 1 });
	silent = raw_open(&g);
	slow = raw_open(&g);
	raw_str(slow, "GET / HTTP/1.1\r\nHost:");
	assert_true(raw_closed(silent));
	assert_true(raw_closed(slow));
	assert_int_equal(rig_count(RIG_CALLS), 0);
	close(silent);
	close(slow);
	rig_stop(&g);
}

TEST(head_and_bodiless_statuses_send_no_body)
{
	struct rig g;
	const char *a;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd, "HEAD /status?200 HTTP/1.1\r\n" HOST "\r\n"
		    "HEAD /length HTTP/1.1\r\n" HOST "\r\n"
		    "GET /status?204 HTTP/1.1\r\n" HOST "\r\n"
		    "GET /status?304 HTTP/1.1\r\n" HOST "\r\n"
		    "HEAD /fixed?100000 HTTP/1.1\r\n" HOST "\r\n"
		    "HEAD /chunked?100000 HTTP/1.1\r\n" HOST "\r\n");
	a = raw_all(fd);
	assert_null(strstr(a, "text\r\n"));
	assert_null(strstr(a, "textHTTP"));
	assert_non_null(strstr(a, "Content-Length: 4\r\n\r\nHTTP/1.1 200"));
	assert_non_null(strstr(a, "Content-Length: 12345\r\n\r\nHTTP/1.1 204"));
	assert_non_null(strstr(a, "\r\n\r\nHTTP/1.1 304"));
	assert_non_null(strstr(a, "Content-Length: 100000\r\n\r\nHTTP/1.1 200"));
	assert_string_equal(strstr(a, "Connection: close\r\n"),
			    "Connection: close\r\nServer: mulgil\r\n\r\n");
	close(fd);
	rig_stop(&g);
}

TEST(files_are_sent_from_their_offset)
{
	struct rig g;
	const char *a, *body;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd, "GET /file?1000,900000 HTTP/1.1\r\n" HOST "\r\n");
	a = raw_answer(fd);
	assert_non_null(strstr(a, "206 Partial Content"));
	body = strstr(a, "\r\n\r\n") + 4;
	assert_int_equal(strlen(body), 900000);
	for (size_t i = 0; i < 900000; i++)
		assert_int_equal(body[i], 'a' + (i + 1000) % 23);
	raw_str(fd, "GET /file?5,0 HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(raw_answer(fd), "Content-Length: 0\r\n"));
	raw_str(fd, "HEAD /file?0,1000 HTTP/1.1\r\n" HOST "\r\nGET /status?200 HTTP/1.1\r\n" HOST
		    "\r\n");
	assert_non_null(
		strstr(raw_until(fd, "\r\n\r\ntext"), "Content-Length: 1000\r\n\r\nHTTP/1.1 200"));
	close(fd);
	rig_stop(&g);
}

TEST(streams_come_whole_or_are_seen_to_be_cut)
{
	struct rig g;
	const char *a;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd, "GET /fixed?700000 HTTP/1.1\r\n" HOST "\r\n");
	a = strstr(raw_answer(fd), "\r\n\r\n") + 4;
	assert_int_equal(strlen(a), 700000);
	assert_int_equal(a[699999], 'a' + 699999 % 23);
	raw_str(fd, "GET /chunked?12 HTTP/1.1\r\n" HOST "\r\n");
	a = raw_until(fd, "\r\n0\r\n\r\n");
	assert_string_equal(strstr(a, "\r\n\r\n"), "\r\n\r\nC\r\nabcdefghijkl\r\n0\r\n\r\n");
	raw_str(fd, "GET /fixed?0 HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(raw_answer(fd), "Content-Length: 0\r\n"));
	raw_str(fd, "GET /long HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(raw_answer(fd), "\r\n\r\n1234"));
	raw_str(fd, "GET /short HTTP/1.1\r\n" HOST "\r\n");
	a = raw_all(fd);
	assert_non_null(strstr(a, "Content-Length: 1000\r\n"));
	assert_string_equal(strstr(a, "\r\n\r\n"), "\r\n\r\nsome");
	close(fd);
	rig_stop(&g);
}

#define LONG_GET "GET /fixed?20000000 HTTP/1.1\r\n" HOST
#define LONG_N 20000000

/* They pass the library by; the connection lives on in another one of the library's. */
TEST(long_answers_keep_the_connection)
{
	struct rig g;
	char first;
	int fd;

	rig_start(&g, &(struct http_server_opts){ .connections_max = 1 });
	fd = raw_open(&g);
	raw_str(fd, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nabcd");
	assert_non_null(strstr(raw_answer(fd), "abcd"));
	for (int i = 0; i < 3; i++) {
		raw_str(fd, LONG_GET "\r\n");
		assert_null(strstr(raw_long(fd, LONG_N), "Connection:"));
		raw_str(fd, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n");
		assert_non_null(strstr(raw_answer(fd), "text"));
	}
	raw_str(fd, LONG_GET "\r\n");
	assert_int_equal(recv(fd, &first, 1, MSG_PEEK), 1);
	raw_str(fd, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n"); /* too early, but nobody has read it */
	assert_null(strstr(raw_long(fd, LONG_N), "Connection:"));
	assert_non_null(strstr(raw_answer(fd), "text"));
	raw_str(fd, LONG_GET "Connection: close\r\n\r\n");
	assert_non_null(strstr(raw_long(fd, LONG_N), "\r\nConnection: close\r\n"));
	assert_true(raw_closed(fd));
	close(fd);
	rig_stop(&g);
}

/* What came behind such a request is in the library's memory, or may be: the client has to ask again. */
TEST(long_answers_end_a_connection_whose_bytes_are_not_accounted_for)
{
	static const char *const asked[] = {
		LONG_GET "\r\nGET /status?200 HTTP/1.1\r\n" HOST "\r\n",
		"GET /fixed?20000000 HTTP/1.0\r\n\r\n",
	};
	struct rig g;
	int fd;

	rig_start(&g, NULL);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		fd = raw_open(&g);
		raw_str(fd, asked[i]);
		assert_non_null(strstr(raw_long(fd, LONG_N), "\r\nConnection: close\r\n"));
		assert_true(raw_closed(fd));
		close(fd);
	}
	fd = raw_open(&g);
	raw_str(fd, "PUT /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
	assert_non_null(strstr(raw_answer(fd), "ab"));
	raw_str(fd, LONG_GET "\r\n");
	assert_non_null(strstr(raw_long(fd, LONG_N), "\r\nConnection: close\r\n"));
	close(fd);
	rig_stop(&g);
}

TEST(event_stream_notices_that_the_client_leaves)
{
	struct rig g;
	int fd;

	rig_start(&g, NULL);
	for (unsigned i = 1; i <= 3; i++) {
		fd = raw_open(&g);
		raw_str(fd, "GET /sse HTTP/1.1\r\n" HOST "\r\n");
		assert_non_null(strstr(raw_until(fd, "first\n\n"), "text/event-stream"));
		close(fd);
		assert_true(rig_wait(RIG_STREAM_GONE, i));
	}
	rig_stop(&g);
}

TEST(offers_are_refused_to_a_slow_reader_and_what_was_taken_arrives)
{
	static char p[64 * KIB], words[64 * KIB];
	size_t zeros = 0, text = 0;
	struct view rest, number;
	uint64_t taken = 0;
	struct rig g;
	ssize_t n;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd, "GET /offers HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	while ((n = read(fd, p, sizeof(p))) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (!p[i])
				zeros++; /* the pieces are of these */
			else if (text < sizeof(words) - 1)
				words[text++] = p[i];
	assert_int_equal(n, 0);
	assert_non_null(strstr(words, "taken="));
	rest = view_str(strstr(words, "taken=") + 6);
	assert_true(view_split(&rest, '.', &number) && view_u64(number, 1000000, &taken));
	assert_true(taken >= 2);
	assert_int_equal(zeros, taken * 32 * KIB);
	close(fd);
	rig_stop(&g);
}

TEST(writer_is_woken_when_the_reader_leaves_or_stops)
{
	struct rig g;
	int fd;

	rig_start(&g, &(struct http_server_opts){ .idle_timeout_s = 1 });
	fd = raw_open(&g);
	raw_str(fd, "GET /chunked?100000000 HTTP/1.1\r\n" HOST "\r\n");
	raw_until(fd, "abc");
	close(fd);
	assert_true(rig_wait(RIG_STREAM_GONE, 1));
	fd = raw_open(&g); /* stays and reads no more */
	raw_str(fd, "GET /fixed?100000000 HTTP/1.1\r\n" HOST "\r\n");
	assert_true(rig_wait(RIG_STREAM_GONE, 2));
	close(fd);
	rig_stop(&g);
}

TEST(header_limits)
{
	struct rig g;
	char *big = malloc(64 * KIB);
	char many[8000];
	size_t n;

	rig_start(&g, NULL);
	n = (size_t)snprintf(big, 64 * KIB, "GET /info HTTP/1.1\r\n" HOST "X-Big: ");
	memset(big + n, 'x', 15 * KIB);
	memcpy(big + n + 15 * KIB, "\r\n\r\n", 5);
	assert_true(raw_gives(&g, big, 200));
	memset(big + n, 'x', 17 * KIB);
	memcpy(big + n + 17 * KIB, "\r\n\r\n", 5);
	assert_true(raw_gives(&g, big, 431));
	memset(big + n, 'x', 60 * KIB);
	memcpy(big + n + 60 * KIB, "\r\n\r\n", 5);
	assert_true(raw_gives(&g, big, 431));
	for (int extra = 0; extra < 2; extra++) {
		n = (size_t)snprintf(many, sizeof(many), "GET /info HTTP/1.1\r\n" HOST);
		for (int i = 0; i < 99 + extra; i++)
			n += (size_t)snprintf(many + n, sizeof(many) - n, "X-%d: y\r\n", i);
		snprintf(many + n, sizeof(many) - n, "\r\n");
		assert_true(raw_gives(&g, many, extra ? 431 : 200));
	}
	free(big);
	rig_stop(&g);
}

TEST(connection_limit_turns_away_and_recovers)
{
	struct rig g;
	bool again = false;
	int a, b, c;

	rig_start(&g, &(struct http_server_opts){ .connections_max = 2 });
	a = raw_open(&g);
	raw_str(a, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n");
	raw_answer(a);
	b = raw_open(&g);
	raw_str(b, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n");
	raw_answer(b);
	c = raw_open(&g);
	assert_true(strncmp(raw_all(c), "HTTP/1.1 503 ", 13) == 0);
	close(c);
	raw_str(a, "GET /status?200 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	raw_all(a);
	close(a);
	for (int i = 0; i < 10000 && !again; i++) {
		c = raw_open(&g);
		raw_str(c, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n");
		again = strstr(raw_answer(c), "200 OK") != NULL;
		close(c);
	}
	assert_true(again);
	close(b);
	rig_stop(&g);
}

TEST(handler_that_answers_badly_gives_500)
{
	struct rig g;

	rig_start(&g, NULL);
	assert_true(raw_gives(&g, "GET /forget HTTP/1.1\r\n" HOST "\r\n", 500));
	assert_true(raw_gives(&g, "GET /badvalue HTTP/1.1\r\n" HOST "\r\n", 500));
	assert_true(raw_gives(&g, "GET /length HTTP/1.1\r\n" HOST "\r\n", 500));
	rig_stop(&g);
}

TEST(body_that_trickles_is_ended_like_an_idle_one)
{
	struct http_req r = { .body_open = true, .body_len = 1 << 20, .fd = -1 };
	int64_t now = 1000000000, window = (HTTP_RATE_WINDOW_S + 1) * 1000000000LL;

	lock_init(&r.lock, "test");
	cond_init(&r.changed);
	r.conn = (struct MHD_Connection *)(void *)&r; /* not looked at */
	r.rate_ns = now;
	r.received = HTTP_RATE_BYTES;
	http__req_tick(&r, now += window);
	assert_int_equal(r.gone, 0);
	r.received += HTTP_RATE_BYTES - 1;
	r.rate_stalled = true; /* the handler was the slow one */
	http__req_tick(&r, now += window);
	assert_int_equal(r.gone, 0);
	http__req_tick(&r, now + window / 2);
	assert_int_equal(r.gone, 0);
	r.received += HTTP_RATE_BYTES - 1;
	http__req_tick(&r, now += window);
	assert_int_equal(r.gone, ERR_TIMEOUT);
	cond_clear(&r.changed);
	lock_clear(&r.lock);
}

static void *stop_it(void *arg)
{
	struct rig *g = arg;

	g->server = http_server_free(g->server, RIG_WAIT_MS);
	return NULL;
}

TEST(end_lets_requests_finish)
{
	struct rig g;
	pthread_t t;
	const char *a;
	int fd;

	rig_start(&g, NULL);
	fd = raw_open(&g);
	raw_str(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	assert_true(rig_wait(RIG_HELD, 1));
	t = thread_start("stopper", stop_it, &g);
	rig_release();
	a = raw_all(fd);
	assert_non_null(strstr(a, "\r\n\r\nheld"));
	thread_join(t);
	close(fd);
	rig_stop(&g);
}

TEST(end_cuts_what_does_not_finish)
{
	struct rig g;
	int body, quiet, idle, reader;

	rig_start(&g, NULL);
	body = raw_open(&g);
	raw_str(body, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\npart");
	quiet = raw_open(&g);
	raw_str(quiet, "GET /sse HTTP/1.1\r\n" HOST "\r\n");
	raw_until(quiet, "first");
	reader = raw_open(&g);
	raw_str(reader, "GET /chunked?100000000 HTTP/1.1\r\n" HOST "\r\n");
	raw_until(reader, "abc");
	idle = raw_open(&g);
	raw_str(idle, "GET /status?200 HTTP/1.1\r\n" HOST "\r\n");
	raw_answer(idle);
	g.server = http_server_free(g.server, 0);
	assert_int_equal(rig_count(RIG_BODY_GONE), 1);
	assert_int_equal(rig_count(RIG_STREAM_GONE), 2);
	assert_true(raw_closed(idle));
	close(body);
	close(quiet);
	close(reader);
	close(idle);
	rig_stop(&g);
}

TEST(address_in_use_is_busy)
{
	struct rig g;
	struct http_server *second;
	struct err e = { 0 };
	struct http_server_opts o;

	rig_start(&g, NULL);
	o = (struct http_server_opts){ .addr = "127.0.0.1",
				       .port = g.port,
				       .pool = g.pool,
				       .handler =
					       (void (*)(struct http_req *, void *))(uintptr_t)1 };
	assert_int_equal(http_server_new(&o, &second, &e), ERR_BUSY);
	err_clear(&e);
	o.addr = "localhost";
	assert_int_equal(http_server_new(&o, &second, &e), ERR_INVALID);
	rig_stop(&g);
}
