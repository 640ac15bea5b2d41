// SPDX-License-Identifier: Apache-2.0
/* Requests over libcurl; the only file that includes it. */
#include "http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 2000
#define RESULT_MAX ((size_t)8 << 20)
#define HEADERS_MAX 200

struct http_client {
	CURL *curl;
	char text[CURL_ERROR_SIZE];
};

/* One call's state, for the callbacks. */
struct call {
	const struct http_call *q;
	struct arena *a;
	struct http_result *ret;
	struct http_header *headers;
	size_t n_headers;
	struct buf body;
	uint64_t sent;
	off_t fd_from;
	bool stopped, too_many;
};

static void curl_start(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

struct http_client *http_client_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_client *c = calloc(1, sizeof(*c));

	pthread_once(&once, curl_start);
	must(c);
	c->curl = curl_easy_init();
	must(c->curl);
	return c;
}

struct http_client *http_client_free(struct http_client *c)
{
	if (c) {
		curl_easy_cleanup(c->curl);
		free(c);
	}
	return NULL;
}

/* Callbacks. */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct call *k = arg;
	struct view v = view_of(p, size * n);

	if (k->q->sink) {
		k->stopped = k->q->sink(k->q->sink_arg, v) != 0;
		return k->stopped ? 0 : v.n;
	}
	buf_add_view(&k->body, v);
	return k->body.over ? 0 : v.n;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct call *k = arg;
	struct view line = view_trim(view_of(p, size * n));
	ptrdiff_t colon = view_chr(line, ':');

	if (view_starts(line, VIEW("HTTP/"))) {
		k->n_headers = 0; /* what came before belonged to a 1xx answer */
		return size * n;
	}
	if (colon <= 0)
		return size * n;
	if (k->n_headers == HEADERS_MAX) {
		k->too_many = true;
		return 0;
	}
	k->headers[k->n_headers++] = (struct http_header){
		.name = arena_str(k->a, view_sub(line, 0, (size_t)colon)),
		.value = arena_str(k->a, view_trim(view_from(line, (size_t)colon + 1))),
	};
	return size * n;
}

/* A zeroed struct http_call has no body either, though its body_fd is 0. */
static bool from_fd(const struct http_call *q)
{
	return q->body_fd >= 0 && q->body_len;
}

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
	struct call *k = arg;
	uint64_t left = k->q->body_len - k->sent;
	size_t want = size * n < left ? size * n : (size_t)left;
	ssize_t got;

	if (!want)
		return 0;
	got = pread(k->q->body_fd, p, want, k->fd_from + (off_t)k->sent);
	if (got <= 0)
		return CURL_READFUNC_ABORT; /* shorter than it said */
	k->sent += (uint64_t)got;
	return (size_t)got;
}

/* A kept connection that turns out to be closed is tried anew, from the body's beginning. */
static int on_seek(void *arg, curl_off_t off, int origin)
{
	struct call *k = arg;

	if (origin != SEEK_SET || off < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	k->sent = (uint64_t)off;
	return CURL_SEEKFUNC_OK;
}

/* Setting up. */

static struct curl_slist *append(struct curl_slist *list, const char *line)
{
	list = curl_slist_append(list, line);
	must(list);
	return list;
}

static int header_list(const struct call *k, struct curl_slist **ret, struct err *e)
{
	bool expect = false, typed = false;

	for (size_t i = 0; i < k->q->n_headers; i++) {
		const struct http_header *h = &k->q->headers[i];

		if (!h->name[0] || strpbrk(h->name, "\r\n: ") || strpbrk(h->value, "\r\n"))
			return err_set(e, ERR_INVALID, "header %zu cannot be sent", i);
		expect = expect || strcasecmp(h->name, "expect") == 0;
		typed = typed || strcasecmp(h->name, "content-type") == 0;
		/* For libcurl "Name:" takes a header away, "Name;" is one without value. */
		*ret = append(*ret, h->value[0] ? arena_printf(k->a, "%s: %s", h->name, h->value)
						: arena_printf(k->a, "%s;", h->name));
	}
	if (!expect)
		*ret = append(*ret, "Expect:");
	if (!typed)
		*ret = append(*ret, "Content-Type:"); /* libcurl takes a body in memory for a form */
	*ret = append(*ret, "Accept:");
	return 0;
}

static void set_body(CURL *h, const struct http_call *q, struct call *k)
{
	uint64_t n = from_fd(q) ? q->body_len : q->body.n;

	if (strcmp(q->method, "HEAD") == 0) {
		curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
	} else if (!from_fd(q) && (n || strcmp(q->method, "PUT") == 0 || strcmp(q->method, "POST") == 0)) {
		/* In memory: a short one leaves together with the headers. */
		curl_easy_setopt(h, CURLOPT_POST, 1L);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, n ? q->body.p : "");
	} else if (n) {
		curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)n);
		curl_easy_setopt(h, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(h, CURLOPT_READDATA, k);
		curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(h, CURLOPT_SEEKDATA, k);
	} else {
		curl_easy_setopt(h, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, q->method);
}

static void set_options(struct http_client *c, struct call *k, struct curl_slist *list)
{
	const struct http_call *q = k->q;
	CURL *h = c->curl;

	curl_easy_reset(h); /* keeps connections */
	c->text[0] = '\0';
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->text);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_URL, q->url);
	curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(q->connect_timeout_ms ? q->connect_timeout_ms
						      : CONNECT_TIMEOUT_MS));
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, k);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, k);
	set_body(h, q, k);
}

static int failed(const struct http_client *c, const struct call *k, CURLcode rc, struct err *e)
{
	const char *text = c->text[0] ? c->text : curl_easy_strerror(rc);

	if (k->stopped)
		return err_set(e, ERR_CANCELLED, "%s %s: stopped by its reader", k->q->method,
			       k->q->url);
	if (k->body.over || k->too_many)
		return err_set(e, ERR_LIMIT, "%s %s: the answer is too large", k->q->method,
			       k->q->url);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return err_set(e, ERR_TIMEOUT, "%s %s: %s", k->q->method, k->q->url, text);
	if (rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL)
		return err_set(e, ERR_INVALID, "%s %s: %s", k->q->method, k->q->url, text);
	return err_set(e, ERR_IO, "%s %s: %s", k->q->method, k->q->url, text);
}

int http_call(struct http_client *c, const struct http_call *q, struct arena *a,
	      struct http_result *ret, struct err *e)
{
	struct call k = { .q = q, .a = a, .ret = ret };
	struct curl_slist *list = NULL;
	long status = 0;
	CURLcode code;
	int rc = header_list(&k, &list, e);

	if (rc < 0)
		goto out;
	k.headers = ARENA_ARRAY(a, struct http_header, HEADERS_MAX);
	buf_init(&k.body, q->max ? q->max : RESULT_MAX);
	if (from_fd(q))
		k.fd_from = lseek(q->body_fd, 0, SEEK_CUR);
	set_options(c, &k, list);
	code = curl_easy_perform(c->curl);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK) {
		rc = failed(c, &k, code, e);
	} else {
		*ret = (struct http_result){ .status = (int)status,
					     .headers = k.headers,
					     .n_headers = k.n_headers };
		ret->body = arena_view(a, buf_view(&k.body));
	}
	buf_clear(&k.body);
out:
	curl_slist_free_all(list);
	return rc;
}

const char *http_result_header(const struct http_result *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}
