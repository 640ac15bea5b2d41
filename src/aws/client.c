/* SPDX-License-Identifier: Apache-2.0 */
/* client: requests signed with SigV4 and sent over http/client.h. */
#include "aws/client.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "base/xml.h"
#include "os/clock.h"
#include "os/crypto.h"

#define TIMEOUT_MS 60000
#define ANSWER_MAX (64 * MIB)
#define POLL_MS 20

struct aws_client {
	struct aws_client_opts o;
	const char *host; /* of the endpoint: "127.0.0.1:4566" */
	struct http_client *http;
	struct arena arena; /* the strings above */
};

struct aws_client *aws_client_new(const struct aws_client_opts *o)
{
	struct aws_client *c = calloc(1, sizeof(*c));
	struct view host = view_str(o->endpoint);
	ptrdiff_t at;

	must(c);
	arena_init(&c->arena, MIB);
	at = view_find(host, VIEW("://"));
	if (at >= 0)
		host = view_from(host, (size_t)at + 3);
	at = view_chr(host, '/');
	if (at >= 0)
		host = view_sub(host, 0, (size_t)at);
	c->host = arena_str(&c->arena, host);
	c->o.endpoint = arena_printf(&c->arena, "%.*s%.*s", (int)(view_find(view_str(o->endpoint), VIEW("://")) < 0 ? 7 : 0),
				     "http://", (int)(host.p + host.n - o->endpoint), o->endpoint);
	c->o.region = arena_str(&c->arena, view_str(o->region));
	c->o.access_key = arena_str(&c->arena, view_str(o->access_key));
	c->o.secret = arena_str(&c->arena, view_str(o->secret));
	c->o.token = o->token && o->token[0] ? arena_str(&c->arena, view_str(o->token)) : NULL;
	c->http = http_client_new();
	return c;
}

struct aws_client *aws_client_from_env(struct err *e)
{
	struct aws_client_opts o = { getenv("AWS_ENDPOINT_URL"), getenv("AWS_REGION"), getenv("AWS_ACCESS_KEY_ID"),
				     getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN") };
	const char *missing = NULL;

	if (!o.region)
		o.region = getenv("AWS_DEFAULT_REGION");
	if (!o.endpoint)
		missing = "AWS_ENDPOINT_URL";
	else if (!o.region)
		missing = "AWS_REGION";
	else if (!o.access_key)
		missing = "AWS_ACCESS_KEY_ID";
	else if (!o.secret)
		missing = "AWS_SECRET_ACCESS_KEY";
	if (missing) {
		err_set(e, ERR_INVALID, "%s is not set; `mulgil env` prints what a client needs", missing);
		return NULL;
	}
	return aws_client_new(&o);
}

struct aws_client *aws_client_free(struct aws_client *c)
{
	if (!c)
		return NULL;
	http_client_free(c->http);
	crypto_wipe((void *)(uintptr_t)c->o.secret, strlen(c->o.secret));
	arena_clear(&c->arena);
	free(c);
	return NULL;
}

const struct aws_client_opts *aws_client_info(const struct aws_client *c)
{
	return &c->o;
}

int aws_client_send(struct aws_client *c, const struct aws_request *q, struct arena *a, struct http_result *ret,
		    struct err *e)
{
	struct sign_key key = { c->o.access_key, c->o.secret, c->o.token, c->o.region, q->service };
	const char *method = q->method ? q->method : "POST", *path = q->path ? q->path : "/";
	struct sign_header *signed_headers;
	struct http_header *headers;
	struct http_call call;
	char hash[65] = "UNSIGNED-PAYLOAD";
	const struct sign_what what = { .method = method, .host = c->host, .path = path, .query = q->query,
					.headers = q->headers, .n_headers = q->n_headers, .payload_hash = hash,
					.now_ms = clock_ms() };
	size_t n;
	int r;

	if (!q->body_file)
		sha256_hex(q->body.p ? q->body : VIEW(""), hash);
	r = sign_request(&key, &what, a, &signed_headers, &n, e);
	if (r < 0)
		return r;
	headers = ARENA_ARRAY(a, struct http_header, n + 1);
	for (size_t i = 0; i < n; i++)
		headers[i] = (struct http_header){ signed_headers[i].name, signed_headers[i].value };
	call = (struct http_call){
		.method = method,
		.url = arena_printf(a, "%s%s%s%s", c->o.endpoint, path, q->query ? "?" : "", q->query ? q->query : ""),
		.headers = headers,
		.n_headers = n,
		.body = q->body,
		.body_fd = q->body_file ? q->body_fd : -1,
		.body_len = q->body_len,
		.timeout_ms = q->timeout_ms ? q->timeout_ms : TIMEOUT_MS,
		.sink = q->sink,
		.sink_arg = q->sink_arg,
		.max = q->max ? q->max : ANSWER_MAX,
	};
	return http_call(c->http, &call, a, ret, e);
}

static int code_of(int status)
{
	if (status == 404)
		return ERR_NOENT;
	if (status == 403)
		return ERR_DENIED;
	return status >= 500 ? ERR_INTERNAL : ERR_INVALID;
}

static int fail(const struct http_result *res, struct arena *a, struct err *e)
{
	struct err quiet = { 0 };
	const struct json *doc = json_parse(a, res->body, JSON_DEPTH, &quiet);
	struct view code = json_get_str(doc, "__type"), message = json_get_str(doc, "message");
	const char *header = http_result_header(res, "x-amzn-errortype");

	if (!code.p && header)
		code = view_str(header);
	if (!message.p)
		message = json_get_str(doc, "Message");
	if (!doc) {
		const struct xml *x;

		err_clear(&quiet);
		x = xml_parse(a, res->body, &quiet);
		if (xml_get(x, "Error"))
			x = xml_get(x, "Error");
		code = xml_get_text(x, "Code");
		message = xml_get_text(x, "Message");
	}
	if (!code.p)
		return err_set(e, code_of(res->status), "HTTP status %d: %.*s", res->status,
			       (int)(res->body.n > 300 ? 300 : res->body.n), res->body.p ? res->body.p : "");
	return err_set(e, code_of(res->status), "%.*s: %.*s", VIEW_ARG(code), VIEW_ARG(message));
}

int aws_client_call(struct aws_client *c, const struct aws_request *q, struct arena *a, struct http_result *ret,
		    struct err *e)
{
	int r = aws_client_send(c, q, a, ret, e);

	if (r == 0 && (ret->status < 200 || ret->status > 299))
		return fail(ret, a, e);
	return r;
}

int aws_client_json(struct aws_client *c, const char *service, const char *target, const struct json *in, struct arena *a,
		    const struct json **ret, struct err *e)
{
	const struct sign_header headers[] = {
		{ "content-type", strcmp(service, "states") == 0 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1" },
		{ "x-amz-target", target },
	};
	struct aws_request q = { .service = service, .headers = headers, .n_headers = ARRAY_LEN(headers),
				 .body = view_str(json_text(a, in)) };
	struct http_result res;
	int r = aws_client_call(c, &q, a, &res, e);

	if (r < 0)
		return err_ctx(e, "%s", target);
	*ret = res.body.n ? json_parse(a, res.body, JSON_DEPTH, e) : json_new_obj(a);
	return *ret ? 0 : err_ctx(e, "%s: answer", target);
}

char *aws_client_s3_path(struct arena *a, const char *bucket, const char *key)
{
	struct buf b;
	char *s;

	buf_init(&b, 8 * KIB);
	buf_printf(&b, "/%s/", bucket);
	uri_encode(&b, view_str(key), true);
	s = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return s;
}

int aws_client_put(struct aws_client *c, const char *bucket, const char *key, const char *content_type, struct view data,
		   struct arena *a, struct err *e)
{
	const struct sign_header headers[] = { { "content-type", content_type } };
	struct http_result res;
	int r = aws_client_call(c, &(struct aws_request){ .service = "s3", .method = "PUT",
							  .path = aws_client_s3_path(a, bucket, key), .headers = headers,
							  .n_headers = ARRAY_LEN(headers), .body = data },
				a, &res, e);

	return r < 0 ? err_ctx(e, "put s3://%s/%s", bucket, key) : 0;
}

int aws_client_get(struct aws_client *c, const char *bucket, const char *key, size_t max, struct arena *a, struct view *ret,
		   struct err *e)
{
	struct http_result res;
	int r = aws_client_call(c, &(struct aws_request){ .service = "s3", .method = "GET",
							  .path = aws_client_s3_path(a, bucket, key), .max = max },
				a, &res, e);

	if (r < 0)
		return err_ctx(e, "get s3://%s/%s", bucket, key);
	*ret = res.body;
	return 0;
}

/* --- Athena --- */

static int start_query(struct aws_client *c, const char *database, const char *sql, const char *output, struct arena *a,
		       const struct json **ret_id, struct err *e)
{
	struct json *in = json_new_obj(a), *context = json_new_obj(a), *result = json_new_obj(a);
	const struct json *out;
	int r;

	json_set_str(a, in, "QueryString", sql);
	if (database) {
		json_set_str(a, context, "Database", database);
		json_set(a, in, "QueryExecutionContext", context);
	}
	json_set_str(a, result, "OutputLocation", output);
	json_set(a, in, "ResultConfiguration", result);
	r = aws_client_json(c, "athena", "AmazonAthena.StartQueryExecution", in, a, &out, e);
	if (r == 0)
		*ret_id = json_get(out, "QueryExecutionId");
	return r;
}

static int wait_query(struct aws_client *c, const struct json *id, int timeout_ms, struct arena *a, struct view *ret_location,
		      struct err *e)
{
	int64_t deadline = clock_mono_ns() + timeout_ms * 1000000LL;
	struct json *in = json_new_obj(a);

	json_set(a, in, "QueryExecutionId", id);
	for (;;) {
		const struct json *out, *q, *status;
		struct view state;
		int r = aws_client_json(c, "athena", "AmazonAthena.GetQueryExecution", in, a, &out, e);

		if (r < 0)
			return r;
		q = json_get(out, "QueryExecution");
		status = json_get(q, "Status");
		state = json_get_str(status, "State");
		if (view_eq(state, VIEW("SUCCEEDED"))) {
			*ret_location = json_get_str(json_get(q, "ResultConfiguration"), "OutputLocation");
			return 0;
		}
		if (!view_eq(state, VIEW("QUEUED")) && !view_eq(state, VIEW("RUNNING")))
			return err_set(e, ERR_INVALID, "query %.*s: %.*s", VIEW_ARG(state),
				       VIEW_ARG(json_get_str(status, "StateChangeReason")));
		if (clock_mono_ns() > deadline)
			return err_set(e, ERR_TIMEOUT, "query took longer than %d ms", timeout_ms);
		(void)poll(NULL, 0, POLL_MS);
	}
}

int aws_client_query(struct aws_client *c, const char *database, const char *sql, const char *output_location,
		     int timeout_ms, struct arena *a, struct view *ret_csv, struct err *e)
{
	const struct json *id;
	struct view location, bucket;
	int r = start_query(c, database, sql, output_location, a, &id, e);

	if (r == 0)
		r = wait_query(c, id, timeout_ms, a, &location, e);
	if (r < 0)
		return r;
	if (!view_starts(location, VIEW("s3://")))
		return err_set(e, ERR_INTERNAL, "query result is at \"%.*s\"", VIEW_ARG(location));
	location = view_from(location, 5);
	(void)view_split(&location, '/', &bucket);
	return aws_client_get(c, arena_str(a, bucket), arena_str(a, location), GIB, a, ret_csv, e);
}
