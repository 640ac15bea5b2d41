// SPDX-License-Identifier: Apache-2.0
/* Heads and bodies that could be read in two ways are refused before any handler; broken chunks too. */
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define HOST "Host: test\r\n"
#define CHUNKED "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

struct refused {
	const char *what;
	const char *bytes;
	size_t n;
	int status; /* 0: closed without an answer */
};

#define REFUSED(what, bytes, status) \
	{ \
		what, bytes, sizeof(bytes) - 1, status \
	}

static const struct refused heads[] = {
	REFUSED("length and chunked",
		"POST /echo HTTP/1.1\r\n" HOST
		"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		400),
	REFUSED("chunked and length",
		"POST /echo HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
		400),
	REFUSED("two lengths",
		"POST /echo HTTP/1.1\r\n" HOST
		"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
		400),
	REFUSED("two equal lengths",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\ncontent-length: 4\r\n\r\nabcd",
		400),
	REFUSED("list of lengths",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4, 4\r\n\r\nabcd", 400),
	REFUSED("signed length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +4\r\n\r\nabcd",
		400),
	REFUSED("negative length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -4\r\n\r\nabcd",
		400),
	REFUSED("hex length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x4\r\n\r\nabcd",
		400),
	REFUSED("empty length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nabcd", 400),
	REFUSED("length over 64 bits",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551620\r\n\r\nabcd",
		413),
	REFUSED("length over 63 bits",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\nabcd",
		413),
	REFUSED("two hosts", "GET /info HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
	REFUSED("no host", "GET /info HTTP/1.1\r\nX: y\r\n\r\n", 400),
	REFUSED("two codings",
		"POST /echo HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		400),
	REFUSED("gzip, chunked",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		501),
	REFUSED("other coding",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
	REFUSED("vertical tab coding",
		"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n",
		400),
	REFUSED("space before the colon",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length : 4\r\n\r\nabcd", 400),
	REFUSED("folded line", "GET /info HTTP/1.1\r\n" HOST "X-A: b\r\n c\r\n\r\n", 400),
	REFUSED("folded length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n 4\r\n\r\nabcd",
		400),
	REFUSED("fold in the first line", "GET /info HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n", 400),
	REFUSED("bare LF behind a value", "GET /info HTTP/1.1\r\n" HOST "X-A: b\nX-C: d\r\n\r\n",
		400),
	REFUSED("bare LF behind the request line", "GET /info HTTP/1.1\n" HOST "\r\n", 400),
	REFUSED("bare LF at the end", "GET /info HTTP/1.1\r\n" HOST "\n", 400),
	REFUSED("CR in a value", "GET /info HTTP/1.1\r\n" HOST "X-A: b\rX-C: d\r\n\r\n", 400),
	REFUSED("NUL in a value", "GET /info HTTP/1.1\r\n" HOST "X-A: b\0c\r\n\r\n", 400),
	REFUSED("NUL in the length",
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\0005\r\n\r\nabcd", 400),
	REFUSED("NUL in the target", "GET /info\0/b HTTP/1.1\r\n" HOST "\r\n", 400),
	REFUSED("NUL in the method", "GET\0 /info HTTP/1.1\r\n" HOST "\r\n", 400),
	REFUSED("delete in a value", "GET /info HTTP/1.1\r\n" HOST "X-A: \x7f\r\n\r\n", 400),
	REFUSED("no colon", "GET /info HTTP/1.1\r\n" HOST "Nonsense\r\n\r\n", 400),
	REFUSED("empty name", "GET /info HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400),
	REFUSED("name with a bracket", "GET /info HTTP/1.1\r\n" HOST "X(A): x\r\n\r\n", 400),
	REFUSED("tab in the target", "GET /in\tfo HTTP/1.1\r\n" HOST "\r\n", 400),
	REFUSED("two spaces", "GET  /info HTTP/1.1\r\n" HOST "\r\n", 400),
	REFUSED("target without slash", "GET info HTTP/1.1\r\n" HOST "\r\n", 400),
	REFUSED("absolute target", "GET http://test/info HTTP/1.1\r\n" HOST "\r\n", 400),
	REFUSED("bracket in the method", "G(T /info HTTP/1.1\r\n" HOST "\r\n", 400),
	REFUSED("space in the target", "GET /in fo HTTP/1.1\r\n" HOST "\r\n", 0),
	REFUSED("no version", "GET /info\r\n\r\n", 400),
	REFUSED("not HTTP", "\x16\x03\x01\x02\x01\x01\r\n\r\n", 0),
	REFUSED("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
};

static bool closes_with(const struct rig *g, const struct refused *c)
{
	char want[32];
	const char *a;
	int fd = raw_open(g);
	bool ok;

	raw_send(fd, view_of(c->bytes, c->n));
	a = raw_all(fd);
	snprintf(want, sizeof(want), "HTTP/1.1 %d ", c->status);
	ok = c->status ? strncmp(a, want, strlen(want)) == 0 : !*a;
	if (!ok)
		fprintf(stderr, "# %s: wanted %d, got: %.60s\n", c->what, c->status, a);
	close(fd);
	return ok;
}

TEST(ambiguous_heads_are_refused_before_any_handler)
{
	struct rig g;
	bool ok = true;

	rig_start(&g, NULL);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		ok = closes_with(&g, &heads[i]) && ok;
	assert_true(ok);
	assert_int_equal(rig_count(RIG_CALLS), 0);
	rig_stop(&g);
}

TEST(broken_chunks_reach_no_handler_as_a_whole_body)
{
	static const struct refused bodies[] = {
		REFUSED("no size", CHUNKED "\r\nabc\r\n0\r\n\r\n", 400),
		REFUSED("not hex", CHUNKED "xyz\r\nabc\r\n0\r\n\r\n", 400),
		REFUSED("signed", CHUNKED "+3\r\nabc\r\n0\r\n\r\n", 400),
		REFUSED("negative", CHUNKED "-3\r\nabc\r\n0\r\n\r\n", 400),
		REFUSED("0x", CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", 400),
		REFUSED("space", CHUNKED "3 \r\nabc\r\n0\r\n\r\n", 400),
		REFUSED("too long for its size", CHUNKED "3\r\nabcd\r\n0\r\n\r\n", 400),
		REFUSED("size over 64 bits", CHUNKED "fffffffffffffffff\r\nabc\r\n0\r\n\r\n", 413),
	};
	struct rig g;
	bool ok = true;

	rig_start(&g, NULL);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		ok = closes_with(&g, &bodies[i]) && ok;
	assert_true(ok);
	rig_stop(&g);
	assert_int_equal(rig_count(RIG_ECHOED), 0);
}

TEST(chunked_bodies_are_joined_whatever_their_pieces)
{
	static const char *const good[] = {
		CHUNKED "5\r\nhello\r\n0\r\n\r\n",
		CHUNKED "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
		CHUNKED "005\r\nhello\r\n000\r\n\r\n",
		CHUNKED "5;name=value\r\nhello\r\n0;last\r\n\r\n",
		CHUNKED "5\r\nhello\r\n0\r\nX-Trailer: t\r\n\r\n",
	};
	struct rig g;

	rig_start(&g, NULL);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int fd = raw_open(&g);

		/* In one piece, then byte by byte on the same connection. */
		raw_str(fd, good[i]);
		assert_non_null(strstr(raw_answer(fd), "\r\n\r\nhello"));
		for (const char *p = good[i]; *p; p++)
			raw_send(fd, view_of(p, 1));
		assert_non_null(strstr(raw_answer(fd), "\r\n\r\nhello"));
		close(fd);
	}
	rig_stop(&g);
}
