/* SPDX-License-Identifier: Apache-2.0 */
/* Records as Firehose, Redis, NATS JetStream and Kafka take them, written from their protocols' descriptions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/gate.h"
#include "base/base64.h"
#include "base/crc.h"
#include "base/limits.h"
#include "loader.h"
#include "os/clock.h"
#include "os/crypto.h"

static const char *need(const char *name)
{
	const char *v = getenv(name);

	if (!v)
		die(name, "is not set");
	return v;
}

static void add_random(struct buf *b, size_t n)
{
	char *p = buf_reserve(b, n);

	must(p);
	random_bytes(p, n);
	b->n += n;
}

/* --- Firehose --- */

static void add_record(const struct load *l, struct buf *b)
{
	char *raw = malloc(l->bytes + 1), *text;

	must(raw);
	random_bytes(raw, l->bytes);
	buf_add_str(b, "{\"Data\":\"");
	text = buf_reserve(b, base64_len(l->bytes));
	must(text);
	base64_encode(text, raw, l->bytes);
	b->n += base64_len(l->bytes);
	buf_add_str(b, "\"}");
	free(raw);
}

static void firehose_body(const struct load *l, struct buf *b)
{
	buf_printf(b, "{\"DeliveryStreamName\":\"%s\",\"Record%s", l->target, l->records > 1 ? "s\":[" : "\":");
	for (size_t i = 0; i < l->records; i++) {
		if (i)
			buf_add_char(b, ',');
		add_record(l, b);
	}
	buf_add_str(b, l->records > 1 ? "]}" : "}");
}

static void firehose_request(const struct load *l, size_t producer, struct buf *b)
{
	const struct sign_key key = { .access_key = need("AWS_ACCESS_KEY_ID"), .secret = need("AWS_SECRET_ACCESS_KEY"),
				      .region = need("AWS_REGION"), .service = "firehose" };
	struct sign_header given[] = { { "content-type", "application/x-amz-json-1.1" },
				       { "x-amz-target", l->records > 1 ? "Firehose_20150804.PutRecordBatch"
									  : "Firehose_20150804.PutRecord" } }, *h;
	char host[64], hash[65];
	struct err e = { 0 };
	struct buf body;
	struct arena a;
	size_t n;

	(void)producer;
	arena_init(&a, MIB);
	buf_init(&body, b->max);
	firehose_body(l, &body);
	sha256_hex(buf_view(&body), hash);
	snprintf(host, sizeof(host), "%s:%u", l->host, (unsigned)l->port);
	if (sign_request(&key, &(struct sign_what){ .method = "POST", .host = host, .path = "/", .query = "", .headers = given,
						    .n_headers = ARRAY_LEN(given), .payload_hash = hash,
						    .now_ms = clock_ms() }, &a, &h, &n, &e) < 0)
		die("signing", e.msg);
	buf_printf(b, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n", host, body.n);
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(h[i].name, "host") != 0)
			buf_printf(b, "%s: %s\r\n", h[i].name, h[i].value);
	buf_add_str(b, "\r\n");
	buf_add_view(b, buf_view(&body));
	buf_clear(&body);
	arena_clear(&a);
}

static bool header_of(struct view head, const char *name, struct view *ret)
{
	struct view line;

	while (view_split(&head, '\n', &line)) {
		ptrdiff_t at = view_chr(line, ':');

		if (at < 0 || !view_eq_nocase(view_sub(line, 0, (size_t)at), view_str(name)))
			continue;
		*ret = view_trim(view_from(line, (size_t)at + 1));
		return true;
	}
	return false;
}

static bool all_stored(struct view body)
{
	ptrdiff_t at = view_find(body, VIEW("\"FailedPutCount\":"));
	struct view rest = at < 0 ? VIEW_NONE : view_trim(view_from(body, (size_t)at + 17));

	return view_starts(rest, VIEW("0"));
}

static size_t http_answer_of(const struct load *l, struct view v, size_t *ret_answers, bool *ret_ends)
{
	ptrdiff_t at = view_find(v, VIEW("\r\n\r\n"));
	struct view head, body, value;
	uint64_t n = 0;

	if (at < 0)
		return 0;
	head = view_sub(v, 0, (size_t)at);
	body = view_from(v, (size_t)at + 4);
	if (!header_of(head, "content-length", &value) || !view_u64(value, MIB, &n))
		die("answer", "its length is not known");
	if (body.n < n)
		return 0;
	body = view_sub(body, 0, n);
	if (view_find(head, VIEW(" 200 ")) < 0 || (l->records > 1 && !all_stored(body)))
		die("answer", body.p);
	*ret_ends = header_of(head, "connection", &value) && view_eq_nocase(value, VIEW("close"));
	++*ret_answers;
	return (size_t)at + 4 + n;
}

/* --- Redis: one XADD a record, in a pipeline --- */

static void redis_request(const struct load *l, size_t producer, struct buf *b)
{
	(void)producer;
	for (size_t i = 0; i < l->records; i++) {
		/* Trimmed, as all of a stream is in memory. */
		buf_printf(b, "*8\r\n$4\r\nXADD\r\n$%zu\r\n%s\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$5\r\n10000\r\n$1\r\n*\r\n$1\r\nd\r\n$%zu\r\n",
			   strlen(l->target), l->target, l->bytes);
		add_random(b, l->bytes);
		buf_add_str(b, "\r\n");
	}
}

static size_t redis_answers(const struct load *l, struct view v, size_t *ret_answers, bool *ret_ends)
{
	size_t at = 0;

	(void)l;
	(void)ret_ends;
	for (;;) {
		struct view rest = view_from(v, at);
		ptrdiff_t first = view_find(rest, VIEW("\r\n")), second;

		if (first < 0)
			return at;
		if (rest.p[0] != '$')
			die("redis", rest.p);
		second = view_find(view_from(rest, (size_t)first + 2), VIEW("\r\n"));
		if (second < 0)
			return at;
		at += (size_t)(first + 2 + second + 2);
		++*ret_answers;
	}
}

/* --- NATS JetStream: one message a record, each acknowledged --- */

static void nats_hello(const struct load *l, size_t producer, struct buf *b)
{
	(void)l;
	buf_printf(b, "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\",\"protocol\":1}\r\n"
		      "SUB _INBOX.%zu 1\r\n", producer);
}

static void nats_request(const struct load *l, size_t producer, struct buf *b)
{
	for (size_t i = 0; i < l->records; i++) {
		buf_printf(b, "PUB %s _INBOX.%zu %zu\r\n", l->target, producer, l->bytes);
		add_random(b, l->bytes);
		buf_add_str(b, "\r\n");
	}
}

static size_t nats_answers(const struct load *l, struct view v, size_t *ret_answers, bool *ret_ends)
{
	size_t at = 0;

	(void)l;
	(void)ret_ends;
	for (;;) {
		struct view rest = view_from(v, at), line, size;
		ptrdiff_t end = view_find(rest, VIEW("\r\n"));
		uint64_t n;

		if (end < 0)
			return at;
		line = view_sub(rest, 0, (size_t)end);
		if (view_starts(line, VIEW("-ERR")))
			die("nats", line.p);
		if (!view_starts(line, VIEW("MSG "))) { /* INFO, PING */
			at += (size_t)end + 2;
			continue;
		}
		while (view_split(&line, ' ', &size))
			;
		if (!view_u64(size, MIB, &n))
			die("nats", rest.p);
		if (rest.n < (size_t)end + 2 + n + 2)
			return at;
		if (view_find(view_sub(rest, (size_t)end + 2, n), VIEW("\"error\"")) >= 0)
			die("nats", rest.p);
		at += (size_t)end + 2 + n + 2;
		++*ret_answers;
	}
}

/* --- Kafka: Produce, version 7, acks=all; one record batch (version 2) a request --- */

static void big(struct buf *b, uint64_t v, size_t bytes)
{
	while (bytes--)
		buf_add_char(b, (char)(v >> 8 * bytes));
}

static void big_at(struct buf *b, size_t at, uint64_t v, size_t bytes)
{
	while (bytes--)
		b->p[at++] = (char)(v >> 8 * bytes);
}

static void zigzag(struct buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);

	for (; u > 127; u >>= 7)
		buf_add_char(b, (char)(u | 128));
	buf_add_char(b, (char)u);
}

static void kafka_record(const struct load *l, size_t no, struct buf *b)
{
	struct buf r;

	buf_init(&r, MIB + 64);
	buf_add_char(&r, 0);      /* attributes */
	zigzag(&r, 0);            /* time */
	zigzag(&r, (int64_t)no);
	zigzag(&r, -1);           /* no key */
	zigzag(&r, (int64_t)l->bytes);
	add_random(&r, l->bytes);
	zigzag(&r, 0);            /* no headers */
	zigzag(b, (int64_t)r.n);
	buf_add_view(b, buf_view(&r));
	buf_clear(&r);
}

static void kafka_batch(const struct load *l, struct buf *b)
{
	size_t from = b->n, crc;

	big(b, 0, 8);                     /* offset */
	big(b, 0, 4);                     /* length, see below */
	big(b, UINT32_MAX, 4);            /* leader epoch */
	big(b, 2, 1);                     /* version */
	crc = b->n;
	big(b, 0, 4);
	big(b, 0, 2);                     /* attributes */
	big(b, l->records - 1, 4);
	big(b, (uint64_t)clock_ms(), 8);
	big(b, (uint64_t)clock_ms(), 8);
	big(b, UINT64_MAX, 8);            /* no producer id, epoch, sequence */
	big(b, UINT64_MAX, 2);
	big(b, UINT64_MAX, 4);
	big(b, l->records, 4);
	for (size_t i = 0; i < l->records; i++)
		kafka_record(l, i, b);
	big_at(b, from + 8, b->n - from - 12, 4);
	big_at(b, crc, crc32c(0, b->p + crc + 4, b->n - crc - 4), 4);
}

static void kafka_request(const struct load *l, size_t producer, struct buf *b)
{
	struct buf batch;

	(void)producer;
	buf_init(&batch, b->max);
	kafka_batch(l, &batch);
	big(b, 0, 4);  /* length, see below */
	big(b, 0, 2);  /* Produce */
	big(b, 7, 2);
	big(b, 1, 4);  /* correlation */
	big(b, 5, 2);
	buf_add_str(b, "bench");
	big(b, UINT64_MAX, 2); /* no transaction */
	big(b, UINT64_MAX, 2); /* acks=all */
	big(b, 30000, 4);
	big(b, 1, 4);
	big(b, strlen(l->target), 2);
	buf_add_str(b, l->target);
	big(b, 1, 4);
	big(b, 0, 4);  /* partition */
	big(b, batch.n, 4);
	buf_add_view(b, buf_view(&batch));
	big_at(b, 0, b->n - 4, 4);
	buf_clear(&batch);
}

static size_t kafka_answers(const struct load *l, struct view v, size_t *ret_answers, bool *ret_ends)
{
	const uint8_t *p = (const uint8_t *)v.p;
	size_t n, error = 4 + 4 + 4 + 2 + strlen(l->target) + 4 + 4;
	char text[16];

	(void)ret_ends;
	if (v.n < 4)
		return 0;
	n = 4 + ((size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
	if (v.n < n)
		return 0;
	must(n > error + 2);
	snprintf(text, sizeof(text), "error %d", (int16_t)(p[error] << 8 | p[error + 1]));
	if (strcmp(text, "error 0") != 0)
		die("kafka", text);
	++*ret_answers;
	return n;
}

const struct wire wires[] = {
	{ .name = "firehose", .request = firehose_request, .answers = http_answer_of },
	{ .name = "redis", .request = redis_request, .answers = redis_answers, .record_answer = true },
	{ .name = "nats", .hello = nats_hello, .request = nats_request, .answers = nats_answers, .own_requests = true,
	  .record_answer = true },
	{ .name = "kafka", .request = kafka_request, .answers = kafka_answers },
};
const size_t n_wires = ARRAY_LEN(wires);
