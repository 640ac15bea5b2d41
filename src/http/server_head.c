// SPDX-License-Identifier: Apache-2.0
/*
 * The head of a request, copied out of the library's memory and checked for what it lets pass.
 *
 * libmicrohttpd 0.9.75 cuts the head up in place: it writes NUL over line ends, colons and the spaces
 * of the request line, and hands out pointers.  It takes a bare LF for a line end, joins folded
 * lines, and cuts values at a NUL.  Each of these leaves a gap: in a head without them every piece
 * begins exactly where the one before, its "\r\n" included, ends.  So the pieces' places are checked.
 */
#include "http/server_int.h"

static bool is_token(struct view v)
{
	static const char other[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z');

		if (!alnum && (c == '\0' || !strchr(other, c)))
			return false;
	}
	return v.n > 0;
}

static bool is_text(struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_target(struct view v)
{
	if (!v.n || (v.p[0] != '/' && !view_eq_str(v, "*")))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] <= 0x20 || v.p[i] == 0x7f)
			return false;
	return true;
}

static void split_target(struct http_req *r)
{
	ptrdiff_t at = view_chr(r->target, '?');

	r->path = at < 0 ? r->target : view_sub(r->target, 0, (size_t)at);
	r->query = at < 0 ? VIEW_NONE : view_from(r->target, (size_t)at + 1);
}

void http__head_begin(struct http__head *h, struct http_req *r, const char *method,
		      const char *version, size_t n)
{
	*h = (struct http__head){ .r = r, .base = method, .end = method + n };
	if (n > LIMIT_HEADERS) {
		h->status = 431;
		return;
	}
	h->next = version + strlen(version) + 2;
	r->keeps = strcmp(version, "HTTP/1.1") == 0;
	if (!r->uri || method + strlen(method) + 1 != r->uri ||
	    r->uri + r->target.n + 1 != version || h->next + 2 > h->end ||
	    !is_token(view_str(method)) || !is_target(r->target)) {
		h->status = 400;
		return;
	}
	h->copy = arena_dup(&r->arena, method, n);
	r->method = view_of(h->copy, strlen(method));
	r->fields = ARENA_ARRAY(&r->arena, struct http__field, LIMIT_HEADER_COUNT);
	split_target(r);
}

bool http__head_field(struct http__head *h, struct view name, struct view value)
{
	struct http_req *r = h->r;

	if (h->status)
		return false;
	if (r->n_fields == LIMIT_HEADER_COUNT) {
		h->status = 431;
		return false;
	}
	if (name.p != h->next || value.p <= name.p || value.p + value.n + 4 > h->end ||
	    !is_token(name) || !is_text(value)) {
		h->status = 400;
		return false;
	}
	h->next = value.p + value.n + 2;
	r->fields[r->n_fields++] = (struct http__field){
		.name = view_of(h->copy + (name.p - h->base), name.n),
		.value = view_trim(view_of(h->copy + (value.p - h->base), value.n)),
	};
	return true;
}

/* The one value of a field that may come once only: false if it came twice. */
static bool single(const struct http_req *r, const char *name, struct view *ret)
{
	*ret = VIEW_NONE;
	for (size_t i = 0; i < r->n_fields; i++) {
		if (!view_eq_nocase(r->fields[i].name, view_str(name)))
			continue;
		if (ret->p)
			return false;
		*ret = r->fields[i].value;
	}
	return true;
}

/* RFC 9112 §6.3, and nothing that two readers could take in two ways. */
static int framing(struct http_req *r)
{
	struct view length, coding, host, expect;
	uint64_t n;

	if (!single(r, "content-length", &length) || !single(r, "transfer-encoding", &coding) ||
	    !single(r, "host", &host) || (length.p && coding.p))
		return 400;
	if (coding.p && !view_eq_nocase(coding, VIEW("chunked")))
		return 501;
	if (coding.p)
		r->body_len = -1;
	if (length.p) {
		if (!view_u64(length, UINT64_MAX, &n))
			return 400;
		if (n > INT64_MAX)
			return 413;
		r->body_len = (int64_t)n;
	}
	/* Another expectation may be answered with 417 (RFC 9110 §10.1.1); AWS takes no notice of it. */
	if (!single(r, "expect", &expect))
		return 417;
	r->expects = expect.p && view_eq_nocase(expect, VIEW("100-continue"));
	return 0;
}

static bool asks_to_close(const struct http_req *r)
{
	for (size_t i = 0; i < r->n_fields; i++) {
		struct view rest = r->fields[i].value, one;

		if (!view_eq_nocase(r->fields[i].name, VIEW("connection")))
			continue;
		while (view_split(&rest, ',', &one))
			if (view_eq_nocase(view_trim(one), VIEW("close")))
				return true;
	}
	return false;
}

/* So much of the socket belongs to this request. */
static void account(struct http_req *r, size_t head)
{
	struct http__conn *c = r->hc;

	if (r->body_len < 0 || c->taken == HTTP_UNCLEAR)
		c->taken = HTTP_UNCLEAR;
	else
		c->taken += head + (uint64_t)r->body_len;
}

int http__head_end(struct http__head *h)
{
	struct http_req *r = h->r;

	if (h->status)
		return h->status;
	if (h->next + 2 != h->end)
		return 400;
	r->head_only = view_eq_str(r->method, "HEAD");
	h->status = framing(r);
	if (h->status)
		return h->status;
	r->keeps = r->keeps && !asks_to_close(r);
	account(r, (size_t)(h->end - h->base));
	return 0;
}
