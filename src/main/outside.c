/* SPDX-License-Identifier: Apache-2.0 */
/* outside: /-/ paths of the API port, behind the same gate as every operation. */
#include "main/outside.h"

#include <stdio.h>
#include <string.h>

#include "aws/gate.h"
#include "base/json.h"
#include "base/limits.h"
#include "main/wire.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"

#define URL_PREFIX "/-/url/"
#define VERIFY_PREFIX "/-/verify/"
#define VERIFY_MS 1000 /* per request; one object may take longer */
#define CALL_BODY_MAX (6 * MIB)

static void answer_error(struct http_req *r, int status, const char *code, const char *message)
{
	static const struct http_header h[] = { { "Content-Type", "application/json" } };
	struct arena *a = http_arena(r);
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "__type", code);
	json_set_str(a, o, "message", message);
	http_answer(r, &(struct http_answer){ status, h, ARRAY_LEN(h) }, view_str(json_text(a, o)));
}

static void answer_err(struct http_req *r, const struct err *e)
{
	const struct aws_error *w = e->wire;

	if (w)
		answer_error(r, w->status, w->code, e->msg);
	else if (e->code == ERR_NOENT)
		answer_error(r, 404, "ResourceNotFoundException", e->msg);
	else if (e->code == ERR_INVALID || e->code == ERR_LIMIT)
		answer_error(r, 400, "ValidationException", e->msg);
	else {
		diag(DIAG_ERROR, "request", "%.*s: %s", VIEW_ARG(http_path(r)), e->msg);
		answer_error(r, 500, "InternalFailure", "internal error; the server's log says more");
	}
}

struct request { /* what gate_request.self points to */
	struct http_req *r;
	struct view body;
};

static bool header_at(const void *self, size_t i, struct view *name, struct view *value)
{
	return http_header_at(((const struct request *)self)->r, i, name, value);
}

/* The whole of a small body. */
static int read_body(void *self, struct view *ret, struct err *e)
{
	struct request *q = self;
	struct buf b;
	char p[16384];
	ssize_t n;

	buf_init(&b, CALL_BODY_MAX);
	while ((n = http_body_read(q->r, p, sizeof(p), e)) > 0)
		buf_add(&b, p, (size_t)n);
	if (n == 0 && buf_check(&b, "request body", e) == 0)
		*ret = q->body = arena_view(http_arena(q->r), buf_view(&b));
	buf_clear(&b);
	return e->code;
}

/* Verifies a request for the service that @action begins with, and that its caller may do that; answers it and returns
 * false if it may not go on. */
static bool verified(struct wire *w, struct http_req *r, const char *action, struct gate_result *res, struct view *body)
{
	struct request self = { r, VIEW_NONE };
	struct gate_request q = { .method = http_method(r), .path = http_path(r), .query = http_query(r),
				  .header_at = header_at, .body = read_body, .self = &self };
	struct gate_policy p = { .region = w->config->region, .now_ms = clock_ms() };
	struct err e = { 0 };
	struct view service, rest = view_str(action);

	(void)view_split(&rest, ':', &service);
	if (gate_verify(w->credentials, &q, &p, http_arena(r), res, &e) < 0) {
		answer_err(r, &e);
		return false;
	}
	if (!view_eq(res->service, service)) {
		answer_error(r, 403, "InvalidSignatureException",
			     arena_printf(http_arena(r), "Credential should be scoped to correct service: '%.*s'.", VIEW_ARG(service)));
		return false;
	}
	/* Where the client told the body's digest, the gate has not read it. */
	if (!res->body_verified) {
		uint8_t sha[DIGEST_MAX];

		if (read_body(&self, &self.body, &e) < 0) {
			answer_err(r, &e);
			return false;
		}
		digest_once(DIGEST_SHA256, self.body, sha);
		if (res->mode != PAYLOAD_SHA256 || !crypto_equal(sha, res->payload_sha256, 32)) {
			answer_error(r, 403, "InvalidSignatureException",
				     "The SHA-256 of the body is not the x-amz-content-sha256 that was signed.");
			return false;
		}
	}
	*body = self.body;
	res->caller.source_ip = http_peer(r);
	if (aws_may(&res->caller, w->config->account, action, http_arena(r)))
		return true;
	answer_error(r, 403, "AccessDeniedException",
		     arena_printf(http_arena(r), "User: %s is not authorized to perform: %s", res->caller.arn, action));
	return false;
}

/* --- function URLs --- */

static struct op_pair *lower_headers(struct http_req *r, size_t *ret_n)
{
	struct arena *a = http_arena(r);
	struct op_pair *v = ARENA_ARRAY(a, struct op_pair, LIMIT_HEADER_COUNT + 1);
	struct view name, value;
	size_t n = 0;

	for (size_t i = 0; http_header_at(r, i, &name, &value); i++) {
		char *lower = arena_str(a, name);
		size_t k;

		for (char *p = lower; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p + 32);
		for (k = 0; k < n && strcmp(v[k].key, lower) != 0; k++)
			;
		if (k < n)
			v[k].value = arena_printf(a, "%s,%.*s", v[k].value, VIEW_ARG(value));
		else if (n < LIMIT_HEADER_COUNT)
			v[n++] = (struct op_pair){ lower, arena_str(a, value) };
	}
	*ret_n = n;
	return v;
}

static void answer_url(struct http_req *r, const struct lambda_url_answer *ans)
{
	struct http_header *h = ARENA_ARRAY(http_arena(r), struct http_header, ans->n_headers + 1);

	for (size_t i = 0; i < ans->n_headers; i++)
		h[i] = (struct http_header){ ans->headers[i].key, ans->headers[i].value };
	http_answer(r, &(struct http_answer){ ans->status, h, ans->n_headers }, ans->body);
}

static void function_url(struct wire *w, struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct view rest = view_from(http_path(r), sizeof(URL_PREFIX) - 1), id_view, body;
	struct lambda_url_answer ans;
	struct lambda_url_request q;
	struct gate_result res;
	struct err e = { 0 };
	const char *id, *auth;

	/* Signed first, whatever the id: who is not authorised does not learn which ids there are. */
	if (!verified(w, r, "lambda:InvokeFunctionUrl", &res, &body))
		return;
	(void)view_split(&rest, '/', &id_view);
	id = arena_str(a, id_view);
	q = (struct lambda_url_request){
		.method = arena_str(a, http_method(r)),
		.raw_path = arena_printf(a, "/%.*s", VIEW_ARG(rest)),
		.raw_query = arena_str(a, http_query(r).p ? http_query(r) : VIEW("")),
		.source_ip = http_peer(r),
		.domain = arena_str(a, http_header(r, "host")),
		.caller_arn = res.caller.arn,
		.body = body,
	};
	q.headers = lower_headers(r, &q.n_headers);
	if (lambda_url_auth(w->lambda, id, a, &auth, &e) < 0 || lambda_url_call(w->lambda, id, &q, a, &ans, &e) < 0)
		answer_err(r, &e);
	else
		answer_url(r, &ans);
}

/* --- verification: mulgil verify --deep --- */

struct found {
	struct arena *a;
	struct json *problems;
};

static void add_problem(void *arg, const char *what)
{
	struct found *f = arg;
	struct json *o = json_new_obj(f->a);

	json_set_str(f->a, o, "problem", what);
	json_push(f->a, f->problems, o);
}

static int verify_metadata(struct wire *w, struct arena *a, struct json *ret, struct err *e)
{
	struct found f = { a, json_new_arr(a) };
	uint64_t bytes = 0;
	int rc = meta_verify(w->meta, add_problem, &f, &bytes, e);

	json_set_int(a, ret, "bytes", (int64_t)bytes);
	json_set(a, ret, "problems", f.problems);
	return rc;
}

static int verify_objects(struct wire *w, struct view query, struct arena *a, struct json *ret, struct err *e)
{
	struct s3_scrub x;
	const char *after = view_starts(query, VIEW("after=")) ? arena_str(a, view_from(query, 6)) : "";
	int rc = s3_scrub(w->s3, after, VERIFY_MS, a, &x, e);

	if (rc)
		return rc;
	json_set_int(a, ret, "rows", (int64_t)x.rows);
	json_set_int(a, ret, "bytes", (int64_t)x.bytes);
	json_set(a, ret, "problems", x.problems);
	json_set_str(a, ret, "next", x.next);
	return 0;
}

static struct json *walk_json(struct arena *a, const struct s3_walk *x)
{
	struct json *o = json_new_obj(a);

	json_set_int(a, o, "began_ms", x->began_ms);
	json_set_int(a, o, "ended_ms", x->ended_ms);
	json_set_int(a, o, "rows", (int64_t)x->rows);
	json_set_int(a, o, "bytes", (int64_t)x->bytes);
	json_set_int(a, o, "damaged", (int64_t)x->damaged);
	return o;
}

/* What the server has verified by itself. */
static void scrubbed(struct wire *w, struct arena *a, struct json *ret)
{
	struct s3_walk now, last;

	s3_scrubbed(w->s3, &now, &last);
	json_set(a, ret, "now", walk_json(a, &now));
	json_set(a, ret, "last", walk_json(a, &last));
}

static int verify_streams(struct wire *w, struct arena *a, struct json *ret, struct err *e)
{
	const struct json *list = NULL;
	int rc = firehose_verify(w->firehose, a, &list, e);

	if (!rc)
		json_set(a, ret, "streams", list);
	return rc;
}

static void verification(struct wire *w, struct http_req *r)
{
	static const struct http_header h[] = { { "Content-Type", "application/json" } };
	struct view what = view_from(http_path(r), sizeof(VERIFY_PREFIX) - 1);
	struct arena *a = http_arena(r);
	struct json *o = json_new_obj(a);
	struct err e = { 0 };
	int rc = 0;

	if (view_eq(what, VIEW("scrubber")))
		scrubbed(w, a, o);
	else if (view_eq(what, VIEW("metadata")))
		rc = verify_metadata(w, a, o, &e);
	else if (view_eq(what, VIEW("objects")))
		rc = verify_objects(w, http_query(r), a, o, &e);
	else if (view_eq(what, VIEW("streams")))
		rc = verify_streams(w, a, o, &e);
	else
		rc = err_set(&e, ERR_NOENT, "there are metadata, objects, scrubber and streams");
	if (rc < 0)
		answer_err(r, &e);
	else
		http_answer(r, &(struct http_answer){ 200, h, ARRAY_LEN(h) }, view_str(json_text(a, o)));
}

bool outside_handle(struct http_req *r, void *arg)
{
	struct wire *w = arg;
	struct view path = http_path(r), body;
	struct gate_result res;

	if (!view_starts(path, VIEW("/-/")))
		return false;
	if (view_eq(path, VIEW("/-/health"))) {
		http_answer(r, &(struct http_answer){ 200, NULL, 0 }, VIEW("ok\n"));
	} else if (view_starts(path, VIEW(URL_PREFIX))) {
		function_url(w, r);
	} else if (verified(w, r, view_starts(path, VIEW(VERIFY_PREFIX)) ? "mulgil:Verify" : "mulgil:Console", &res, &body)) {
		if (view_starts(path, VIEW(VERIFY_PREFIX)))
			verification(w, r);
		else
			console_answer(w->console, r);
	}
	return true;
}
