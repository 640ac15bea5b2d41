/* SPDX-License-Identifier: Apache-2.0 */
/* http/server.h without sockets. */
#include "fake_http.h"

#include <stdio.h>

#include "base/limits.h"
#include "os/file.h"

struct http_stream {
	struct http_req *r;
};
static struct http_stream the_stream;

void fake_init(struct http_req *r, const char *method, const char *target, struct view body)
{
	memset(r, 0, sizeof(*r));
	arena_init(&r->arena, LIMIT_ARENA);
	buf_init(&r->out, LIMIT_ARENA);
	r->method = view_str(method);
	r->target = view_str(target);
	r->body = body;
	r->stream_len = -1;
}

void fake_clear(struct http_req *r)
{
	arena_clear(&r->arena);
	buf_clear(&r->out);
}

void fake_header(struct http_req *r, const char *name, const char *value)
{
	must(r->n_in < FAKE_HEADERS);
	r->in[r->n_in++] = (struct http_header){ name, value };
}

const char *fake_out(struct http_req *r)
{
	return arena_str(&r->arena, buf_view(&r->out));
}

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
	ptrdiff_t q = view_chr(r->target, '?');

	return q < 0 ? r->target : view_sub(r->target, 0, (size_t)q);
}

struct view http_query(const struct http_req *r)
{
	ptrdiff_t q = view_chr(r->target, '?');

	return q < 0 ? VIEW_NONE : view_from(r->target, (size_t)q + 1);
}

struct view http_header(const struct http_req *r, const char *name)
{
	for (size_t i = 0; i < r->n_in; i++)
		if (view_eq_nocase(view_str(r->in[i].name), view_str(name)))
			return view_str(r->in[i].value);
	return VIEW_NONE;
}

bool http_header_at(const struct http_req *r, size_t i, struct view *ret_name, struct view *ret_value)
{
	if (i >= r->n_in)
		return false;
	*ret_name = view_str(r->in[i].name);
	*ret_value = view_str(r->in[i].value);
	return true;
}

const char *http_peer(const struct http_req *r)
{
	(void)r;
	return "127.0.0.1";
}

struct arena *http_arena(struct http_req *r)
{
	return &r->arena;
}

int64_t http_body_length(const struct http_req *r)
{
	return r->chunked ? -1 : (int64_t)r->body.n;
}

ssize_t http_body_read(struct http_req *r, void *p, size_t n, struct err *e)
{
	struct view v = view_sub(r->body, r->body_at, r->step && n > r->step ? r->step : n);

	(void)e;
	if (v.n)
		memcpy(p, v.p, v.n);
	r->body_at += v.n;
	return (ssize_t)v.n;
}

char *http_body_whole(struct http_req *r, size_t *ret_n)
{
	char *p;

	if (r->chunked || r->step || r->body_at)
		return NULL;
	p = arena_str(&r->arena, r->body);
	r->body_at = *ret_n = r->body.n;
	return p;
}

static void keep(struct http_req *r, const struct http_answer *a)
{
	size_t n = 0;

	r->answers++;
	r->status = a->status;
	for (size_t i = 0; i < a->n_headers; i++)
		n += (size_t)snprintf(r->headers + n, sizeof(r->headers) - n, "%s: %s\n", a->headers[i].name,
				      a->headers[i].value);
}

void http_answer(struct http_req *r, const struct http_answer *a, struct view body)
{
	keep(r, a);
	buf_add_view(&r->out, body);
}

void http_answer_head(struct http_req *r, const struct http_answer *a, uint64_t len)
{
	keep(r, a);
	r->stream_len = (int64_t)len;
}

struct http_stream *http_answer_stream(struct http_req *r, const struct http_answer *a, int64_t len)
{
	keep(r, a);
	r->stream_len = len;
	the_stream.r = r;
	return &the_stream;
}

int http_stream_write(struct http_stream *s, struct view v, int timeout_ms, struct err *e)
{
	(void)timeout_ms;
	(void)e;
	buf_add_view(&s->r->out, v);
	return 0;
}

int http_stream_file(struct http_stream *s, int fd, off_t off, uint64_t n, int timeout_ms, struct err *e)
{
	char *p = arena_alloc(&s->r->arena, n + 1);

	must(file_pread_all(fd, p, n, off, e) == (ssize_t)n);
	return http_stream_write(s, view_of(p, n), timeout_ms, e);
}

void http_answer_file(struct http_req *r, const struct http_answer *a, int fd, off_t off, uint64_t len)
{
	struct http_stream *s = http_answer_stream(r, a, (int64_t)len);
	struct err e = { 0 };

	must(http_stream_file(s, fd, off, len, 0, &e) == 0);
	fd_closep(&fd);
}

struct http_stream *http_stream_end(struct http_stream *s, bool ok)
{
	s->r->stream_ok = ok;
	return NULL;
}
