/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request: signature, service by the credential scope, row, body, struct, handler, answer.
 *
 * The scope decides the service and nothing else does: a request signed for a service that is not here is an unknown
 * operation, never an object of S3.
 */
#include "aws/aws.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/exchange.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/crypto.h"

#define FORM_PARAMS_MAX 500
#define SLOW_BODY_BYTES ((int64_t)MIB)
#define BULK_BODY_BYTES ((int64_t)(64 * KIB))

static const struct aws_error S3_TIMEOUT = { "RequestTimeout", 400, false };
static const struct aws_error S3_GONE = { "IncompleteBody", 400, false };
static const struct aws_error BAD_LENGTH = { "InvalidArgument", 400, false };

struct aws *aws_new(const struct aws_opts *o)
{
	struct aws *a = calloc(1, sizeof(*a));

	must(a && o->services && o->credentials && o->region && o->account);
	a->o = *o;
	if (!a->o.now_ms)
		a->o.now_ms = clock_ms;
	return a;
}

struct aws *aws_free(struct aws *a)
{
	free(a);
	return NULL;
}

/* --- reading what came --- */
static bool gate_header_at(const void *self, size_t i, struct view *name, struct view *value)
{
	const struct exchange *x = self;

	return http_header_at(x->r, i, name, value);
}

static ssize_t wire_read(void *self, void *p, size_t n, struct err *e)
{
	struct exchange *x = self;
	struct err why = { 0 };
	ssize_t got;

	if (x->have_whole) {
		struct view v = view_sub(x->whole, x->whole_at, n);

		memcpy(p, v.p, v.n);
		x->whole_at += v.n;
		return (ssize_t)v.n;
	}
	got = http_body_read(x->r, p, n, &why);
	if (got >= 0)
		return got;
	if (why.code == ERR_TIMEOUT)
		return aws_fail(e, &S3_TIMEOUT, "your socket connection to the server was not read from or written to "
				"within the timeout period");
	return aws_fail(e, &S3_GONE, "the request body terminated unexpectedly");
}

/* The body where the server has it, if all of it is in: it is not copied, and may be written to. */
static void take_whole(struct exchange *x)
{
	size_t n = 0;
	char *p = x->have_whole ? NULL : http_body_whole(x->r, &n);

	if (!p)
		return;
	x->whole = view_of(p, n);
	x->have_whole = true;
}

struct body_source exchange__wire(struct exchange *x)
{
	return (struct body_source){ .read = wire_read, .self = x, .length = http_body_length(x->r) };
}

/* The body as it came, for clients that sign its digest without sending it. */
static int gate_body(void *self, struct view *ret, struct err *e)
{
	struct exchange *x = self;
	const struct gate_result unsigned_body = { .mode = PAYLOAD_UNSIGNED }; /* the gate computes the digest */
	const struct body_source src = exchange__wire(x);
	struct op_body *b;
	int rc = 0;

	if (src.length > (int64_t)LIMIT_BODY_JSON)
		return aws_fail(e, &AWS_TOO_LARGE, "the body is longer than %lu bytes", LIMIT_BODY_JSON);
	take_whole(x);
	if (x->have_whole) {
		*ret = x->whole;
		return 0;
	}
	rc = aws__body_new(&unsigned_body, &src, -1, VIEW_NONE, x->a, &b, e);
	if (rc == 0)
		rc = aws__body_all(b, LIMIT_BODY_JSON, x->a, ret, e);
	if (rc < 0)
		return rc;
	x->whole = *ret;
	x->have_whole = true;
	return 0;
}

static int verify(struct exchange *x)
{
	const struct gate_request q = { .method = http_method(x->r), .path = http_path(x->r), .query = http_query(x->r),
					.header_at = gate_header_at, .body = gate_body, .self = x };
	const struct gate_policy p = { .region = x->aws->o.region, .now_ms = x->aws->o.now_ms(),
				       .refuse_unsigned_payload = x->aws->o.refuse_unsigned_payload };
	struct view n, v;
	int rc = gate_verify(x->aws->o.credentials, &q, &p, x->a, &x->g, &x->err);

	if (rc < 0)
		return rc;
	x->verified = true;
	x->g.caller.source_ip = http_peer(x->r);
	while (x->n_headers < LIMIT_HEADER_COUNT && http_header_at(x->r, x->n_headers, &n, &v))
		x->n_headers++;
	x->headers = ARENA_ARRAY(x->a, struct sigv4_pair, x->n_headers);
	for (size_t i = 0; http_header_at(x->r, i, &n, &v) && i < x->n_headers; i++)
		x->headers[i] = (struct sigv4_pair){ n, v };
	must(sigv4_params(x->a, q.query, &x->params, &x->n_params)); /* the gate has parsed it */
	return 0;
}

/* --- which service, which row --- */
static const struct service *service_signed(const struct op_registry *r, struct view name, void **ret_self)
{
	for (size_t i = 0; i < op_registry_count(r); i++) {
		const struct service *s = op_registry_at(r, i, ret_self);

		if (view_eq_str(name, s->signing_name))
			return s;
	}
	return NULL;
}

static struct view host_name(struct view host)
{
	ptrdiff_t colon = view_chr(host, ':');

	return colon < 0 ? host : view_sub(host, 0, (size_t)colon);
}

static bool under(struct view host, const char *suffix, struct view *ret_front)
{
	struct view s = view_str(suffix);

	if (host.n <= s.n + 1 || !view_eq_nocase(view_from(host, host.n - s.n), s) || host.p[host.n - s.n - 1] != '.')
		return false;
	*ret_front = view_sub(host, 0, host.n - s.n - 1);
	return true;
}

/* The bucket in front of the host's name, or VIEW_NONE. */
static struct view host_bucket(const struct aws *a, struct view host)
{
	struct view h = host_name(host), front;
	ptrdiff_t at = view_find(h, VIEW(".s3."));

	if (view_starts(h, VIEW("s3.")) || view_starts(h, VIEW("s3-")) || view_starts(h, VIEW("[")))
		return VIEW_NONE;
	if (at > 0)
		return view_sub(h, 0, (size_t)at);
	for (size_t i = 0; a->o.host_suffixes && a->o.host_suffixes[i]; i++)
		if (under(h, a->o.host_suffixes[i], &front))
			return front;
	return VIEW_NONE;
}

struct view exchange__bucket_path(struct exchange *x)
{
	struct view bucket = host_bucket(x->aws, http_header(x->r, "host")), path = http_path(x->r);

	return bucket.p ? view_str(arena_printf(x->a, "/%.*s%.*s", VIEW_ARG(bucket), VIEW_ARG(path))) : path;
}

static bool request_has_header(const void *self, const char *name)
{
	const struct exchange *x = self;

	return http_header(x->r, name).p != NULL;
}

static int no_row(struct exchange *x)
{
	if (x->s->protocol == OP_REST_XML) {
		for (size_t i = 0; i < x->n_params; i++) {
			struct view n = x->params[i].name;

			if (!view_starts(n, VIEW("X-Amz-")) && !view_eq_str(n, "x-id"))
				return aws_fail(&x->err, aws__err_refused(x->s),
						"the query parameter '%.*s' is not supported with %.*s", VIEW_ARG(n),
						VIEW_ARG(http_method(x->r)));
		}
		return aws_fail(&x->err, &AWS_UNKNOWN_OPERATION,
				"the specified method is not allowed against this resource");
	}
	return aws_fail(&x->err, &AWS_UNKNOWN_OPERATION, "there is no operation for %.*s %.*s",
			VIEW_ARG(http_method(x->r)), (int)(x->path.n < 200 ? x->path.n : 200), x->path.p);
}

static int route_rest(struct exchange *x, struct route *ret)
{
	if (x->form)
		return exchange__form_route(x, ret);
	if (x->s->protocol == OP_REST_XML)
		x->path = exchange__bucket_path(x);
	if (!aws__route(x->s, http_method(x->r), x->path, http_query(x->r), request_has_header, x, ret))
		return no_row(x);
	x->op = ret->op;
	return 0;
}

static int route_target(struct exchange *x)
{
	struct view target = http_header(x->r, "x-amz-target"), op = VIEW_NONE;
	struct view prefix = view_str(x->s->target_prefix);

	if (view_starts(target, prefix) && target.n > prefix.n && target.p[prefix.n] == '.')
		op = view_from(target, prefix.n + 1);
	x->op = op.p && view_eq_str(http_method(x->r), "POST") ? op_find(x->s, op, false) : NULL;
	if (x->op)
		return 0;
	return aws_fail(&x->err, &AWS_UNKNOWN_OPERATION, "the operation %.*s is not known or not supported by mulgil",
			(int)(target.n < 200 ? target.n : 200), target.p ? target.p : "");
}

/* --- query protocol --- */
static void set_deep(struct arena *a, struct json *o, struct view name, struct view value)
{
	struct view part;

	for (int depth = 0; depth < 16; depth++) {
		const struct json *have;
		struct json *inner;

		if (!view_split(&name, '.', &part))
			return;
		if (!name.p) {
			json_set_view(a, o, part, json_new_str(a, value));
			return;
		}
		have = json_get_view(o, part);
		inner = have && json_is(have, JSON_OBJ) ? json_copy(a, have) : json_new_obj(a);
		json_set_view(a, o, part, inner);
		o = inner;
	}
}

static int form(struct exchange *x, struct view text, struct json *o, struct view *action)
{
	struct view part, name, value;

	for (size_t n = 0; text.n && view_split(&text, '&', &part); n++) {
		ptrdiff_t eq = view_chr(part, '=');

		name = eq < 0 ? part : view_sub(part, 0, (size_t)eq);
		value = eq < 0 ? VIEW("") : view_from(part, (size_t)eq + 1);
		if (n == FORM_PARAMS_MAX || !uri_decode(x->a, name, true, &name) || !uri_decode(x->a, value, true, &value))
			return aws_fail(&x->err, &AWS_SERIALIZATION, "the form is not encoded correctly or too long");
		if (view_eq_str(name, "Action"))
			*action = value;
		else if (!view_eq_str(name, "Version") && !view_starts(name, VIEW("X-Amz-")))
			set_deep(x->a, o, name, value);
	}
	return 0;
}

static int route_query(struct exchange *x, struct json *params)
{
	struct view body = VIEW(""), action = VIEW_NONE;
	int rc = 0;

	if (view_eq_str(http_method(x->r), "POST"))
		rc = gate_body(x, &body, &x->err);
	else
		body = http_query(x->r);
	if (rc == 0)
		rc = form(x, body, params, &action);
	if (rc < 0)
		return rc;
	x->op = op_find(x->s, action, false);
	if (x->op)
		return 0;
	return aws_fail(&x->err, &AWS_UNKNOWN_OPERATION, "could not find operation %.*s for version %s",
			(int)(action.n < 200 ? action.n : 200), action.p ? action.p : "(none)", x->s->api_version);
}

/* --- body and struct --- */
static int open_body(struct exchange *x)
{
	struct body_source src = exchange__wire(x);
	struct view v = http_header(x->r, "x-amz-decoded-content-length");
	int64_t decoded = -1;
	uint64_t n;

	if (x->form)
		return exchange__form_body(x);
	if (!(x->op->flags & OP_STREAM))
		take_whole(x);
	if (x->have_whole) {
		src.whole = x->whole;
		src.length = (int64_t)x->whole.n;
	}
	if (v.p) {
		if (!view_u64(v, INT64_MAX, &n))
			return aws_fail(&x->err, &BAD_LENGTH, "x-amz-decoded-content-length is not a number");
		decoded = (int64_t)n;
	}
	return aws__body_new(&x->g, &src, decoded, http_header(x->r, "x-amz-trailer"), x->a, &x->body, &x->err);
}

static int read_all(struct exchange *x, struct view *ret)
{
	*ret = VIEW_NONE;
	if (x->op->flags & OP_STREAM)
		return 0;
	if (x->have_whole && x->g.body_verified) {
		*ret = x->whole;
		return 0;
	}
	return aws__body_all(x->body, LIMIT_BODY_JSON, x->a, ret, &x->err);
}

static int check_digests(struct exchange *x, struct view body)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && x->s->protocol == OP_REST_XML && i < x->n_headers; i++)
		if (aws__is_body_digest(x->op, x->headers[i].name))
			rc = aws__check_body_digest(x->headers[i].name, x->headers[i].value, body, &x->err);
	return rc;
}

static int decode_rest(struct exchange *x, const struct route *route, struct decode *d, void *in)
{
	struct rest_input ri = { .route = route, .headers = x->headers, .n_headers = x->n_headers, .params = x->params,
				 .n_params = x->n_params, .presigned = x->g.presigned };
	const struct json *tree = NULL;
	int rc = read_all(x, &ri.body);

	d->skip_payload = (x->op->flags & OP_STREAM) != 0;
	if (rc == 0)
		rc = check_digests(x, ri.body);
	if (rc == 0)
		rc = aws__bind(d, &ri, &tree);
	return rc < 0 ? rc : aws__decode(d, x->op, tree, in);
}

static int decode_json(struct exchange *x, struct decode *d, void *in)
{
	const struct json *tree = NULL;
	struct view body;
	int rc = read_all(x, &body);

	if (rc < 0)
		return rc;
	/* The body lies in the request's memory, nobody looks at it again. */
	if (x->op->flags & OP_BULK && aws__scan(d, x->op, (char *)(uintptr_t)body.p, body.n, in))
		return 0;
	if (view_trim(body).n == 0)
		tree = json_new_obj(x->a);
	else
		rc = aws__parse_json(x->a, body, &tree, &x->err);
	return rc < 0 ? rc : aws__decode(d, x->op, tree, in);
}

/* Finds the row and fills its input struct. */
static int prepare(struct exchange *x, void **ret)
{
	struct decode d = { .arena = x->a, .service = x->s, .err = &x->err };
	struct json *params = json_new_obj(x->a);
	struct route route = { 0 };
	struct view unused;
	enum op_protocol p = exchange__protocol(x);
	bool rest = p == OP_REST_JSON || p == OP_REST_XML;
	int rc = rest ? route_rest(x, &route) : p == OP_QUERY ? route_query(x, params) : route_target(x);

	d.mode = p == OP_REST_XML || p == OP_QUERY ? DECODE_TEXT : DECODE_JSON;
	if (rc == 0)
		rc = open_body(x);
	if (rc < 0)
		return rc;
	*ret = arena_alloc(x->a, x->op->in_size ? x->op->in_size : 1);
	if (rest)
		return decode_rest(x, &route, &d, *ret);
	if (p == OP_QUERY) {
		/* The form was read before; here its digest is compared with the one that was signed. */
		rc = read_all(x, &unused);
		return rc < 0 ? rc : aws__decode(&d, x->op, aws__tree_of_form(&d, x->op->in, params), *ret);
	}
	return decode_json(x, &d, *ret);
}

/* --- running --- */
static void make_out(struct exchange *x)
{
	enum op_protocol p = exchange__protocol(x);
	const struct out_ops *ops = p == OP_REST_XML || p == OP_QUERY ? &aws__out_xml : &aws__out_json;

	x->out = ARENA_NEW(x->a, struct out);
	if (p == OP_QUERY && x->s->query_names)
		ops = &aws__out_tree; /* written by aws__out_query() when it is whole */
	aws__out_init(x->out, ops, x->a);
	x->out->xml_namespace = x->s->xml_namespace;
	x->out->default_root = arena_printf(x->a, "%sResult", x->op->name);
	x->out->query_name = p == OP_QUERY ? x->op->name : NULL;
	x->out->request_id = x->request_id;
}

static void make_ctx(struct exchange *x)
{
	struct view host = http_header(x->r, "host");

	x->cx = ARENA_NEW(x->a, struct op_ctx);
	*x->cx = (struct op_ctx){ .arena = x->a, .self = x->self, .op = x->op, .caller = x->g.caller,
				  .region = x->aws->o.region, .request_id = x->request_id, .transport = x };
	x->cx->endpoint = view_str(arena_printf(x->a, "http://%.*s", VIEW_ARG(host)));
	x->cx->body = x->op->flags & OP_STREAM ? x->body : NULL;
	x->cx->form = x->form != NULL;
}

static int run(struct exchange *x, const void *in)
{
	int rc = aws__authorize(x->cx, x->s, in);

	if (rc < 0)
		x->cx->body = NULL; /* nothing of it is taken */
	else if ((rc = x->op->fn(x->cx, in, x->out)) < 0 && x->s->conceal)
		x->s->conceal(x->cx, in);
	if (rc < 0 && !x->cx->err.code)
		err_set(&x->cx->err, rc, "%s failed without saying why", x->op->name);
	if (!x->cx->err.code && x->cx->body && !aws__body_done(x->cx->body))
		err_set(&x->cx->err, ERR_INTERNAL, "%s did not read its body to the end", x->op->name);
	x->err = x->cx->err;
	return x->err.code;
}

static void make_ids(struct exchange *x)
{
	char uuid[UUID_TEXT];
	bool s3 = !http_header(x->r, "x-amz-target").p;

	uuid4(uuid);
	memcpy(x->request_id, uuid, sizeof(uuid));
	if (s3)
		random_text(x->host_id, 76, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

/* S3's request ids are 16 characters; the others' are UUIDs. */
static void shorten_id(struct exchange *x)
{
	size_t n = 0;

	if (x->s ? x->s->protocol != OP_REST_XML : x->g.face != FACE_S3)
		return;
	for (size_t i = 0; n < 16 && x->request_id[i]; i++)
		if (x->request_id[i] != '-')
			x->request_id[n++] = (char)toupper((unsigned char)x->request_id[i]);
	x->request_id[n] = '\0';
}

static int serve(struct exchange *x)
{
	void *in = NULL;
	int rc = exchange__is_form(x) ? exchange__form_open(x) : verify(x);

	shorten_id(x);
	if (rc < 0)
		return rc;
	x->s = service_signed(x->aws->o.services, x->g.service, &x->self);
	if (!x->s)
		return aws_fail(&x->err, &AWS_UNKNOWN_OPERATION, "the service '%.*s' is not supported by mulgil",
				VIEW_ARG(x->g.service));
	rc = prepare(x, &in);
	if (rc < 0)
		return rc;
	make_out(x);
	make_ctx(x);
	rc = run(x, in);
	if (rc == 0 && x->form)
		exchange__form_answer(x);
	if (rc == 0 && !x->answered)
		exchange__answer(x);
	return rc;
}

static void log_it(struct exchange *x)
{
	const struct aws_error *w = x->err.wire;
	struct aws_logged l = { .request_id = x->request_id, .access_key = x->g.caller.access_key,
				.source_ip = http_peer(x->r), .status = x->status };

	if (!x->aws->o.log)
		return;
	l.service = x->s ? x->s->name : NULL;
	l.operation = x->op ? x->op->name : NULL;
	l.error = w ? w->code : x->err.code ? err_text(x->err.code) : NULL;
	l.message = x->err.code ? x->err.msg : NULL;
	l.took_us = (clock_mono_ns() - x->began_ns) / 1000;
	x->aws->o.log(&l, x->aws->o.log_arg);
}

void aws_handle(struct http_req *r, void *aws)
{
	struct aws *a = aws;
	struct exchange *x;
	int rc;

	if (a->o.outside && a->o.outside(r, a->o.outside_arg))
		return;
	x = ARENA_NEW(http_arena(r), struct exchange);
	*x = (struct exchange){ .aws = a, .r = r, .a = http_arena(r), .began_ns = clock_mono_ns(),
				.path = http_path(r), .resource = http_path(r) };
	make_ids(x);
	exchange__cors_find(x);
	rc = exchange__preflight(x) ? x->err.code : serve(x);
	if (!x->answered)
		exchange__answer_error(x);
	log_it(x);
	if (x->stream)
		x->stream = http_stream_end(x->stream, rc == 0 && x->out->stream_left == 0);
	aws__body_end(x->body);
	if (x->out)
		aws__out_clear(x->out);
}

struct view op_header(const struct op_ctx *cx, const char *name)
{
	const struct exchange *x = cx->transport;
	struct view v = x ? http_header(x->r, name) : VIEW_NONE;

	for (size_t i = 0; x && !v.p && i < x->n_params; i++)
		if (view_eq_str(x->params[i].name, name))
			v = x->params[i].value;
	return v;
}

static void digest_text(struct digest *d, struct view v)
{
	digest_add(d, v.p, v.n);
	digest_add(d, "", 1);
}

bool op_retry_key(const struct op_ctx *cx, uint8_t ret[OP_RETRY_KEY])
{
	const struct exchange *x = cx->transport;
	struct view id = x ? http_header(x->r, "amz-sdk-invocation-id") : view_str(cx->caller.once);
	uint8_t sum[DIGEST_MAX];
	struct digest *d;

	if (!id.n || (x && (!x->verified || x->g.mode != PAYLOAD_SHA256)))
		return false;
	d = digest_new(DIGEST_SHA256);
	digest_text(d, id);
	digest_text(d, view_str(cx->caller.arn));
	digest_text(d, view_str(cx->op->name));
	if (x)
		digest_add(d, x->g.payload_sha256, sizeof(x->g.payload_sha256));
	digest_end(d, sum);
	memcpy(ret, sum, OP_RETRY_KEY);
	return true;
}

/* --- lanes: a guess from what the client claims, never a decision --- */
static const struct op *lane_target(const struct aws *a, struct view target)
{
	for (size_t i = 0; i < op_registry_count(a->o.services); i++) {
		const struct service *s = op_registry_at(a->o.services, i, NULL);
		struct view p = view_str(s->target_prefix);

		if (p.p && view_starts(target, p) && target.n > p.n + 1)
			return op_find(s, view_from(target, p.n + 1), false);
	}
	return NULL;
}

static bool lane_has_header(const void *self, const char *name)
{
	return http_header(self, name).p != NULL;
}

int64_t aws_whole(const struct http_req *r, void *aws)
{
	(void)aws;
	return http_header(r, "x-amz-target").p ? (int64_t)LIMIT_BODY_JSON : HTTP_BODY_WHOLE;
}

static const struct op *lane_rest(const struct aws *a, const struct http_req *r)
{
	struct view path = http_path(r), auth = http_header(r, "authorization");
	bool s3 = !auth.p || view_find(auth, VIEW("/s3/aws4_request")) >= 0;

	for (size_t i = 0; i < op_registry_count(a->o.services); i++) {
		const struct service *s = op_registry_at(a->o.services, i, NULL);
		struct route route;

		if (s->protocol != (s3 ? OP_REST_XML : OP_REST_JSON))
			continue;
		if (aws__route(s, http_method(r), path, http_query(r), lane_has_header, r, &route))
			return route.op;
	}
	return NULL;
}

static bool is_query_form(const struct http_req *r)
{
	return !http_header(r, "x-amz-target").p &&
	       view_starts(http_header(r, "content-type"), VIEW("application/x-www-form-urlencoded"));
}

static bool is_bulk(const struct op *op, int64_t length)
{
	return op && (op->flags & OP_BULK) && length > BULK_BODY_BYTES;
}

enum pool_lane aws_lane(const struct http_req *r, void *aws)
{
	struct view target = http_header(r, "x-amz-target");
	const struct op *op = target.p ? lane_target(aws, target) : lane_rest(aws, r);
	int64_t length = http_body_length(r);

	/* A function or a ledger that settles may take long, and functions call short requests themselves: those must get
	 * through. */
	if (view_starts(http_path(r), VIEW("/-/")) && !view_eq(http_path(r), VIEW("/-/health")))
		return LANE_SLOW;
	if ((op && (op->flags & OP_WAITS)) || is_query_form(r)) /* whether a form waits is in its body */
		return LANE_WAITING;
	if (op && (op->flags & (OP_SLOW | OP_STREAM_OUT)))
		return LANE_SLOW;
	if (is_bulk(op, length))
		return LANE_BULK;
	/* The client's pace, not ours: such an upload may wait long for its next bytes.  No row: a form. */
	if ((!op || (op->flags & OP_STREAM)) && (length < 0 || length > HTTP_BODY_WHOLE))
		return LANE_WAITING;
	return length > SLOW_BODY_BYTES ? LANE_SLOW : LANE_FAST;
}
