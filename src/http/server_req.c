// SPDX-License-Identifier: Apache-2.0
/* A request as its handler sees it: what came in, its body, its one answer, a streamed answer. */
#include "http/server_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/file.h"

#define NS_PER_S 1000000000LL

/* Life. */

struct http_req *http__req_new(struct http_server *s, struct http__conn *c,
			       struct MHD_Connection *conn, const char *uri)
{
	struct http_req *r = calloc(1, sizeof(*r));

	must(r);
	atomic_init(&r->refs, 1);
	r->server = s;
	r->hc = c;
	r->conn = conn;
	r->fd = c->fd;
	arena_init(&r->arena, LIMIT_ARENA);
	lock_init(&r->lock, "request");
	cond_init(&r->changed);
	http__pipe_init(&r->in, HTTP_PIPE);
	http__pipe_init(&r->stream.out, HTTP_PIPE);
	r->uri = uri;
	if (uri)
		r->target = arena_view(&r->arena, view_str(uri));
	memcpy(r->peer, c->peer, sizeof(r->peer));
	r->rate_ns = clock_mono_ns();
	http__conn_begin(c, r);
	return r;
}

void http__req_unref(struct http_req *r)
{
	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	http__mhd_drop(r->response);
	http__pipe_clear(&r->in);
	http__pipe_clear(&r->stream.out);
	cond_clear(&r->changed);
	lock_clear(&r->lock);
	arena_clear(&r->arena);
	free(r);
}

void http__req_wake(struct http_req *r)
{
	LOCK_ASSERT_HELD(&r->lock);
	if (r->park == PARK_NO || r->park == PARK_SENDING)
		return;
	r->park = PARK_NO;
	http__mhd_resume(r->conn);
}

void http__req_abort(struct http_req *r, int gone)
{
	LOCK_SCOPE(&r->lock);
	if (!r->conn)
		return;
	if (!r->gone)
		r->gone = gone;
	if (r->park == PARK_SENDING)
		shutdown(r->fd, SHUT_RDWR); /* its writer finds out and wakes it */
	http__req_wake(r);
	cond_broadcast(&r->changed);
}

void http__req_left(struct http_req *r)
{
	bool streams;

	lock_take(&r->lock);
	streams = r->stream.used && !r->stream.ended;
	lock_drop(&r->lock);
	if (streams)
		http__req_abort(r, ERR_IO);
}

void http__req_done(struct http_req *r, int gone)
{
	lock_take(&r->lock);
	r->conn = NULL;
	r->park = PARK_NO;
	if (!r->gone)
		r->gone = gone;
	cond_broadcast(&r->changed);
	lock_drop(&r->lock);

	atomic_fetch_sub(&r->server->whole_total, r->whole_taken);
	http__conn_end(r->hc);
	http__req_unref(r);
}

static void run(void *arg)
{
	static const struct http_answer forgotten = { .status = 500 };
	struct http_req *r = arg;
	struct http_server *s = r->server;
	bool gone, answered;

	lock_take(&r->lock);
	gone = r->gone != 0;
	lock_drop(&r->lock);
	if (!gone) {
		s->o.handler(r, s->o.arg);
		lock_take(&r->lock);
		answered = r->answered;
		lock_drop(&r->lock);
		if (!answered)
			http_answer(r, &forgotten, VIEW(""));
	}
	http__req_unref(r);
	lock_take(&s->lock);
	s->n_jobs--;
	cond_broadcast(&s->idle);
	lock_drop(&s->lock);
}

int http__req_submit(struct http_req *r, struct err *e)
{
	struct http_server *s = r->server;
	enum pool_lane lane = s->o.lane ? s->o.lane(r, s->o.arg) : LANE_FAST;
	int rc;

	atomic_fetch_add(&r->refs, 1);
	lock_take(&s->lock);
	s->n_jobs++;
	lock_drop(&s->lock);
	rc = pool_submit(s->o.pool, lane, run, r, e);
	if (rc < 0) {
		lock_take(&s->lock);
		s->n_jobs--;
		cond_broadcast(&s->idle);
		lock_drop(&s->lock);
		atomic_fetch_sub(&r->refs, 1);
	}
	return rc;
}

void http__req_tick(struct http_req *r, int64_t now_ns)
{
	LOCK_SCOPE(&r->lock);
	if (!r->conn)
		return;
	if (r->cut_ns) {
		if (now_ns - r->cut_ns > HTTP_LINGER_S * NS_PER_S)
			shutdown(r->fd, SHUT_RDWR);
		return;
	}
	if (!r->body_open || r->eof || r->answered ||
	    now_ns - r->rate_ns < HTTP_RATE_WINDOW_S * NS_PER_S)
		return;
	if (!r->rate_stalled && r->park == PARK_NO &&
	    r->received - r->rate_received < HTTP_RATE_BYTES) {
		r->gone = ERR_TIMEOUT;
		cond_broadcast(&r->changed);
		shutdown(r->fd, SHUT_RDWR);
	}
	r->rate_ns = now_ns;
	r->rate_received = r->received;
	r->rate_stalled = r->park != PARK_NO;
}

/* What came in. */

struct view http_method(const struct http_req *r)
{
	return r->method;
}

struct view http_target(const struct http_req *r)
{
	return r->target;
}

struct view http_path(const struct http_req *r)
{
	return r->path;
}

struct view http_query(const struct http_req *r)
{
	return r->query;
}

struct view http_header(const struct http_req *r, const char *name)
{
	struct view want = view_str(name);

	for (size_t i = 0; i < r->n_fields; i++)
		if (view_eq_nocase(r->fields[i].name, want))
			return r->fields[i].value;
	return VIEW_NONE;
}

bool http_header_at(const struct http_req *r, size_t i, struct view *ret_name,
		    struct view *ret_value)
{
	if (i >= r->n_fields)
		return false;
	*ret_name = r->fields[i].name;
	*ret_value = r->fields[i].value;
	return true;
}

const char *http_peer(const struct http_req *r)
{
	return r->peer;
}

struct arena *http_arena(struct http_req *r)
{
	return &r->arena;
}

int64_t http_body_length(const struct http_req *r)
{
	return r->body_len;
}

/* The body, from the loop's side and from the handler's. */

void http__req_choose_whole(struct http_req *r)
{
	struct http_server *s = r->server;
	int64_t most = s->o.whole ? s->o.whole(r, s->o.arg) : HTTP_BODY_WHOLE;

	if (r->body_len <= 0 || r->body_len > most)
		return;
	if (r->body_len > HTTP_BODY_WHOLE) {
		if (atomic_fetch_add(&s->whole_total, r->body_len) + r->body_len > HTTP_WHOLE_TOTAL) {
			atomic_fetch_sub(&s->whole_total, r->body_len);
			return;
		}
		r->whole_taken = r->body_len;
	}
	r->whole_first = true;
	http__pipe_reserve(&r->in, (size_t)r->body_len + 1);
}

void http__req_open_body(struct http_req *r)
{
	LOCK_SCOPE(&r->lock);
	r->body_open = true;
	r->rate_ns = clock_mono_ns();
}

bool http__req_body(struct http_req *r, const char *p, size_t *n)
{
	size_t took;

	LOCK_SCOPE(&r->lock);
	if (r->gone)
		return false;
	if (r->answered) {
		r->discarded += *n;
		r->received += *n;
		*n = 0;
		return r->discarded <= HTTP_DISCARD;
	}
	took = http__pipe_put(&r->in, view_of(p, *n));
	r->received += took;
	r->eof = r->body_len > 0 && r->received == (uint64_t)r->body_len;
	*n -= took;
	if (*n) {
		r->park = PARK_FULL;
		r->rate_stalled = true;
		http__mhd_suspend(r->conn);
	}
	if (r->eof || r->in.n >= r->waits_for)
		cond_broadcast(&r->changed);
	return true;
}

static int gone_error(int gone, struct err *e)
{
	if (gone == ERR_TIMEOUT)
		return err_set(e, gone, "the client sends too slowly");
	if (gone == ERR_CANCELLED)
		return err_set(e, ERR_IO, "the server is shutting down");
	return err_set(e, ERR_IO, "the client has left");
}

ssize_t http_body_read(struct http_req *r, void *p, size_t n, struct err *e)
{
	size_t got;

	LOCK_SCOPE(&r->lock);
	if (!r->body_len)
		return 0;
	if (r->answered)
		return err_set(e, ERR_INVALID, "the request is answered already");
	r->wants_body = true;
	if (r->park == PARK_CONTINUE)
		http__req_wake(r);
	/* Not for each of the library's small pieces: waking up costs more than they do. */
	r->waits_for = n < HTTP_PIPE / 2 ? n : HTTP_PIPE / 2;
	while (r->in.n < r->waits_for && !r->eof && !r->gone)
		cond_wait(&r->changed, &r->lock);
	got = http__pipe_take(&r->in, p, n);
	if (r->park == PARK_FULL && r->in.n <= HTTP_PIPE / 2)
		http__req_wake(r);
	if (got || r->eof)
		return (ssize_t)got;
	return gone_error(r->gone, e);
}

char *http_body_whole(struct http_req *r, size_t *ret_n)
{
	LOCK_SCOPE(&r->lock);
	if (!r->whole_first || !r->eof || r->answered || r->in.n != (size_t)r->body_len)
		return NULL;
	must(r->in.head == 0);
	*ret_n = r->in.n;
	r->in.p[r->in.n] = '\0';
	r->in.n = 0;
	return r->in.p;
}

/* Answers. */

/* So much of the body is to come that the library, which answers behind it, is passed by. */
static bool must_cut(const struct http_req *r)
{
	if (!r->conn || !r->body_open || r->eof || (r->expects && !r->received))
		return false;
	return r->body_len < 0 || (uint64_t)r->body_len - r->received > HTTP_DISCARD;
}

void http__head_text(struct buf *b, const struct http_answer *a, uint64_t len)
{
	char date[TIME_TEXT];

	buf_printf(b, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: mulgil\r\nContent-Length: %" PRIu64 "\r\n", a->status,
		   http__mhd_reason(a->status), time_http(clock_ms(), date), len);
	for (size_t i = 0; i < a->n_headers; i++)
		buf_printf(b, "%s: %s\r\n", a->headers[i].name, a->headers[i].value);
}

/*
 * Writes the whole answer to the socket past the library, which sends nothing while it reads a body,
 * and closes the sending side; the loop then reads on for a while, so that the client gets to see it.
 */
static void cut(struct http_req *r, const struct http_answer *a, struct view body)
{
	struct buf b;

	buf_init(&b, LIMIT_HEADERS + HTTP_PIPE);
	http__head_text(&b, a, body.n);
	buf_add_str(&b, "Connection: close\r\n\r\n");
	if (!r->head_only)
		buf_add_view(&b, body);
	if (!b.over)
		send(r->fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(r->fd, SHUT_WR);
	buf_clear(&b);
	r->cut_ns = clock_mono_ns();
}

static bool headers_ok(const struct http_answer *a)
{
	for (size_t i = 0; i < a->n_headers; i++)
		if (!a->headers[i].name[0] || strpbrk(a->headers[i].name, "\r\n\t :") ||
		    strpbrk(a->headers[i].value, "\r\n"))
			return false;
	return true;
}

/* Takes @resp over. */
static void answered(struct http_req *r, struct MHD_Response *resp, int status)
{
	lock_take(&r->lock);
	must(!r->answered);
	r->answered = true;
	if (r->conn && !r->gone) {
		r->response = resp;
		r->status = status;
		resp = NULL;
		http__req_wake(r);
	}
	lock_drop(&r->lock);
	http__mhd_drop(resp);
}

void http_answer(struct http_req *r, const struct http_answer *a, struct view body)
{
	static const struct http_answer bad = { .status = 500 };
	struct MHD_Response *resp;
	int status;

	if (!headers_ok(a)) {
		a = &bad;
		body = VIEW("");
	}
	lock_take(&r->lock);
	if (must_cut(r)) {
		must(!r->answered);
		r->answered = true;
		cut(r, a, body);
		http__req_wake(r);
		lock_drop(&r->lock);
		return;
	}
	lock_drop(&r->lock);
	resp = http__mhd_bytes(r->server, body, a, &status);
	answered(r, resp, status);
}

void http_answer_file(struct http_req *r, const struct http_answer *a, int fd, off_t off,
		      uint64_t len)
{
	static const struct http_answer bad = { .status = 500 };
	struct MHD_Response *resp;
	int status;

	if (!headers_ok(a)) {
		close(fd);
		http_answer(r, &bad, VIEW(""));
		return;
	}
	resp = http__mhd_file(r->server, fd, off, len, a, &status);
	answered(r, resp, status);
}

void http_answer_head(struct http_req *r, const struct http_answer *a, uint64_t len)
{
	static const struct http_answer bad = { .status = 500 };
	struct MHD_Response *resp;
	int status;

	if (!r->head_only || !headers_ok(a)) {
		http_answer(r, &bad, VIEW(""));
		return;
	}
	resp = http__mhd_length(r->server, len, a, &status);
	answered(r, resp, status);
}

/* Streams. */

static struct http_req *req_of(const struct http_stream *st)
{
	return CONTAINER_OF((struct http_stream *)(uintptr_t)st, struct http_req, stream);
}

struct http_stream *http_answer_stream(struct http_req *r, const struct http_answer *a, int64_t len)
{
	struct http_stream *st = &r->stream;
	struct MHD_Response *resp;
	int status;

	lock_take(&r->lock);
	must(!st->used);
	st->used = true;
	st->len = len;
	st->no_body = r->head_only || a->status == 204 || a->status == 304;
	lock_drop(&r->lock);
	atomic_fetch_add(&r->refs, 1);
	if (headers_ok(a) && !st->no_body && len > (int64_t)HTTP_DIRECT && http__direct_begin(r, a, (uint64_t)len))
		return st;
	if (headers_ok(a)) {
		resp = http__mhd_stream(r, a, &status);
		answered(r, resp, status);
	} else {
		st->broken = true;
		http_answer(r, &(struct http_answer){ .status = 500 }, VIEW(""));
	}
	return st;
}

ssize_t http__stream_pull(struct http_req *r, char *p, size_t max)
{
	struct http_stream *st = &r->stream;
	size_t n;

	LOCK_SCOPE(&r->lock);
	if (r->gone || st->broken)
		return HTTP_STREAM_CUT;
	n = http__pipe_take(&st->out, p, max);
	if (n) {
		cond_broadcast(&r->changed);
		return (ssize_t)n;
	}
	if (st->ended)
		return st->ok ? HTTP_STREAM_END : HTTP_STREAM_CUT;
	r->park = PARK_STREAM;
	http__mhd_suspend(r->conn);
	return 0;
}

/* Puts @v, which is no longer than the pipe, in whole. */
static int put_whole(struct http_req *r, struct view v, int64_t deadline, struct err *e)
{
	struct http_stream *st = &r->stream;

	while (!r->gone && !st->broken && http__pipe_room(&st->out) < v.n)
		if (!cond_wait_until(&r->changed, &r->lock, deadline) &&
		    http__pipe_room(&st->out) < v.n && !r->gone)
			return err_set(e, ERR_TIMEOUT, "the client reads too slowly");
	if (r->gone || st->broken)
		return err_set(e, ERR_CANCELLED, "the client has left");
	must(http__pipe_put(&st->out, v) == v.n);
	st->written += v.n;
	if (r->park == PARK_STREAM)
		http__req_wake(r);
	return 0;
}

static int fits(const struct http_stream *st, uint64_t n, struct err *e)
{
	must(!st->ended);
	if (st->len >= 0 && n > (uint64_t)st->len - st->written)
		return err_set(e, ERR_INVALID, "more bytes than the length that was announced");
	return 0;
}

int http_stream_write(struct http_stream *st, struct view v, int timeout_ms, struct err *e)
{
	struct http_req *r = req_of(st);
	int64_t deadline = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
	size_t at = 0;
	int rc = fits(st, v.n, e);

	if (rc < 0 || st->direct)
		return rc < 0 ? rc : http__direct_write(r, v, timeout_ms, e);
	LOCK_SCOPE(&r->lock);
	if (st->no_body) {
		st->written += v.n;
		return 0;
	}
	for (; at < v.n && rc == 0; at += HTTP_PIPE) {
		rc = put_whole(r, view_sub(v, at, HTTP_PIPE), deadline, e);
		if (rc < 0 && at)
			st->broken = true; /* a part is out: what follows would not fit */
	}
	return rc;
}

int http_stream_offer(struct http_stream *st, const struct view *v, size_t n, size_t waiting_max)
{
	struct http_req *r = req_of(st);
	size_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += v[i].n;
	LOCK_SCOPE(&r->lock);
	must(st->len < 0 && !st->ended);
	if (r->gone || st->broken)
		return ERR_CANCELLED;
	if (st->no_body)
		return 0;
	if (all > http__pipe_room(&st->out) || (st->out.n && st->out.n + all > waiting_max))
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++)
		must(http__pipe_put(&st->out, v[i]) == v[i].n);
	st->written += all;
	if (r->park == PARK_STREAM)
		http__req_wake(r);
	return 0;
}

int http_stream_file(struct http_stream *st, int fd, off_t off, uint64_t n, int timeout_ms, struct err *e)
{
	char piece[16 * KIB];

	if (fits(st, n, e) < 0)
		return e->code;
	if (st->direct)
		return http__direct_file(req_of(st), fd, off, n, timeout_ms, e);
	while (n) {
		ssize_t got = file_pread_all(fd, piece, n < sizeof(piece) ? (size_t)n : sizeof(piece), off, e);

		if (got <= 0)
			return got < 0 ? e->code : err_set(e, ERR_IO, "the file is too short");
		if (http_stream_write(st, view_of(piece, (size_t)got), timeout_ms, e) < 0)
			return e->code;
		off += got;
		n -= (uint64_t)got;
	}
	return 0;
}

bool http_stream_gone(const struct http_stream *st)
{
	struct http_req *r = req_of(st);

	LOCK_SCOPE(&r->lock);
	return r->gone || st->broken;
}

struct http_stream *http_stream_end(struct http_stream *st, bool ok)
{
	struct http_req *r = req_of(st);

	lock_take(&r->lock);
	must(!st->ended);
	st->ok = ok && (st->len < 0 || st->written == (uint64_t)st->len);
	if (!st->direct) {
		st->ended = true;
		if (r->park == PARK_STREAM)
			http__req_wake(r);
	}
	lock_drop(&r->lock);
	if (st->direct)
		http__direct_end(r, st->ok);
	http__req_unref(r);
	return NULL;
}
