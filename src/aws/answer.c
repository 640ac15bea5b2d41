/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in the service's protocol: documents, errors, streams. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "aws/exchange.h"
#include "os/file.h"

#define COMMON_HEADERS 20 /* and those of errors */
#define STREAM_TIMEOUT_MS 60000

bool exchange__is_head(const struct exchange *x)
{
	return view_eq_str(http_method(x->r), "HEAD");
}

/* --- headers --- */
struct headers {
	struct http_header *v;
	size_t n, cap;
};

/* Room for the handler's own and the common ones. */
static struct headers headers_for(const struct exchange *x)
{
	size_t cap = COMMON_HEADERS + (x->out ? x->out->n_headers : 0);

	return (struct headers){ .v = ARENA_ARRAY(x->a, struct http_header, cap), .cap = cap };
}

static void add(struct headers *h, const char *name, const char *value)
{
	must(h->n < h->cap);
	h->v[h->n++] = (struct http_header){ name, value };
}

enum op_protocol exchange__protocol(const struct exchange *x)
{
	return x->s->query_names && !http_header(x->r, "x-amz-target").p ? OP_QUERY : x->s->protocol;
}

static bool wants_json(const struct exchange *x)
{
	if (!x->s)
		return x->g.face == FACE_JSON;
	return exchange__protocol(x) != OP_REST_XML && exchange__protocol(x) != OP_QUERY;
}

static void add_common(struct exchange *x, struct headers *h)
{
	bool s3 = x->s ? x->s->protocol == OP_REST_XML : x->g.face == FACE_S3;

	if (s3) {
		add(h, "x-amz-request-id", x->request_id);
		add(h, "x-amz-id-2", x->host_id);
	} else {
		add(h, "x-amzn-RequestId", x->request_id);
	}
	for (size_t i = 0; i < x->n_cors; i++)
		add(h, x->cors[i].name, x->cors[i].value);
}

static const char *document_type(const struct exchange *x)
{
	if (!wants_json(x))
		return x->s && exchange__protocol(x) == OP_QUERY ? "text/xml" : "application/xml";
	if (x->s && x->s->protocol == OP_REST_JSON)
		return "application/json";
	return x->s && x->s->protocol == OP_JSON_1_0 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1";
}

static void send(struct exchange *x, int status, struct headers *h, struct view body)
{
	const struct http_answer a = { .status = status, .headers = h->v, .n_headers = h->n };

	x->answered = true;
	x->status = status;
	http_answer(x->r, &a, body);
}

static void add_own(struct exchange *x, struct headers *h)
{
	for (size_t i = 0; i < x->out->n_headers; i++)
		add(h, x->out->headers[i].name, x->out->headers[i].value);
}

static int success_status(const struct exchange *x)
{
	if (x->out->status)
		return x->out->status;
	return x->op->status ? x->op->status : 200;
}

void exchange__answer(struct exchange *x)
{
	int status = success_status(x);
	struct headers h = headers_for(x);
	struct out *o = x->out;
	struct view body;
	const char *type = document_type(x);

	if (!o->raw)
		aws__out_finish(o);
	if (o->ops == &aws__out_tree)
		aws__out_query(o, x->s->query_names);
	body = o->raw ? o->body : buf_view(&o->buf);
	if (o->raw)
		type = o->content_type;
	if (status == 204)
		body = VIEW("");
	add_common(x, &h);
	if (body.n || o->raw)
		add(&h, "Content-Type", type);
	add_own(x, &h);
	send(x, status, &h, body);
}

void exchange__answer_empty(struct exchange *x, int status)
{
	struct headers h = headers_for(x);

	add_common(x, &h);
	send(x, status, &h, VIEW(""));
}

/* --- errors --- */
static const struct aws_error *neutral(const struct exchange *x)
{
	switch (x->err.code) {
	case ERR_INVALID:
		return x->s ? aws__err_invalid(x->s) : &AWS_VALIDATION;
	case ERR_DENIED:
		return &AWS_ACCESS_DENIED;
	case ERR_UNSUPPORTED:
		return &AWS_NOT_IMPLEMENTED;
	case ERR_LIMIT:
	case ERR_BUSY:
	case ERR_TIMEOUT:
		return &AWS_UNAVAILABLE;
	default:
		return &AWS_INTERNAL;
	}
}

/* The common errors where a protocol family has its own spelling. */
static const struct aws_error *spelled(const struct aws_error *w, enum gate_face face)
{
	static const struct {
		const struct aws_error *common;
		struct aws_error s3, query;
	} t[] = {
		{ &AWS_ACCESS_DENIED, { "AccessDenied", 403, false }, { "AccessDenied", 403, false } },
		{ &AWS_INTERNAL, { "InternalError", 500, true }, { "InternalFailure", 500, true } },
		{ &AWS_VALIDATION, { "InvalidArgument", 400, false }, { "ValidationError", 400, false } },
		{ &AWS_SERIALIZATION, { "MalformedXML", 400, false }, { "MalformedQueryString", 400, false } },
		{ &AWS_UNKNOWN_OPERATION, { "MethodNotAllowed", 405, false }, { "InvalidAction", 400, false } },
		{ &AWS_THROTTLING, { "SlowDown", 503, true }, { "Throttling", 400, false } },
		{ &AWS_UNAVAILABLE, { "SlowDown", 503, true }, { "ServiceUnavailable", 503, true } },
		{ &AWS_TOO_LARGE, { "EntityTooLarge", 400, false }, { "RequestEntityTooLarge", 413, false } },
	};

	for (size_t i = 0; face != FACE_JSON && i < ARRAY_LEN(t); i++)
		if (t[i].common == w)
			return face == FACE_S3 ? &t[i].s3 : &t[i].query;
	return w;
}

static const char *public_message(const struct exchange *x, const struct aws_error *w)
{
	if (x->err.wire)
		return x->err.msg;
	if (w == &AWS_INTERNAL)
		return "We encountered an internal error. Please try again.";
	return w == &AWS_UNAVAILABLE ? "Please reduce your request rate." : x->err.msg;
}

const char *exchange__escaped(struct exchange *x, struct view v)
{
	struct buf b;
	const char *s;

	buf_init(&b, 64 * LIMIT_HEADERS);
	xml_escape(&b, v);
	s = arena_str(x->a, buf_view(&b));
	buf_clear(&b);
	return s;
}

static void xml_element(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, "<%s>", name);
	xml_escape(b, view_str(text));
	buf_printf(b, "</%s>", name);
}

static void json_error(const struct exchange *x, struct buf *b, const struct aws_error *w, const char *message)
{
	bool rest = x->s && x->s->protocol == OP_REST_JSON;

	buf_add_str(b, rest ? "{\"Type\":" : "{\"__type\":");
	json_print_str(b, view_str(!rest ? w->code : w->status < 500 ? "User" : "Service"));
	buf_add_str(b, ",\"message\":");
	json_print_str(b, view_str(message));
	buf_add_char(b, '}');
}

static void query_error(const struct exchange *x, struct buf *b, const struct aws_error *w, const char *message)
{
	buf_add_str(b, "<ErrorResponse");
	if (x->s && x->s->xml_namespace)
		buf_printf(b, " xmlns=\"%s\"", x->s->xml_namespace);
	buf_printf(b, "><Error><Type>%s</Type>", w->status < 500 ? "Sender" : "Receiver");
	xml_element(b, "Code", w->query_code ? w->query_code : w->code);
	xml_element(b, "Message", message);
	buf_printf(b, "</Error><RequestId>%s</RequestId></ErrorResponse>", x->request_id);
}

static void s3_error(const struct exchange *x, struct buf *b, const struct aws_error *w, const char *message)
{
	aws__out_xml_decl(b);
	buf_add_str(b, "<Error>");
	xml_element(b, "Code", w->code);
	xml_element(b, "Message", message);
	for (size_t i = 0; x->cx && i < x->cx->n_details; i++)
		xml_element(b, x->cx->details[i].key, x->cx->details[i].value);
	if (x->g.error_xml)
		buf_add_str(b, x->g.error_xml);
	buf_add_str(b, "<Resource>");
	xml_escape(b, x->resource);
	buf_printf(b, "</Resource><RequestId>%s</RequestId><HostId>%s</HostId></Error>", x->request_id, x->host_id);
}

/* A status like 304 has no document, and HEAD never has one. */
static bool has_document(const struct exchange *x, int status)
{
	return !exchange__is_head(x) && status != 304 && status != 204;
}

static void add_error_type(const struct exchange *x, struct headers *h, const struct aws_error *w)
{
	add(h, "x-amzn-ErrorType", w->code);
	if (x->s && x->s->query_names)
		add(h, "x-amzn-query-error", arena_printf(x->a, "%s;%s", w->query_code ? w->query_code : w->code,
							  w->status < 500 ? "Sender" : "Receiver"));
}

void exchange__answer_error(struct exchange *x)
{
	enum gate_face face = !wants_json(x) ? FACE_S3 : FACE_JSON;
	const struct aws_error *w = x->err.wire ? x->err.wire : neutral(x);
	const char *message = public_message(x, w);
	struct headers h = headers_for(x);
	struct buf b;

	if (face == FACE_S3 && (x->s ? exchange__protocol(x) == OP_QUERY : x->g.face == FACE_QUERY))
		face = FACE_QUERY;
	w = spelled(w, face);
	buf_init(&b, 256 * KIB);
	if (face == FACE_JSON)
		json_error(x, &b, w, message);
	else if (face == FACE_QUERY)
		query_error(x, &b, w, message);
	else
		s3_error(x, &b, w, message);
	x->err.wire = w;
	add_common(x, &h);
	if (has_document(x, w->status))
		add(&h, "Content-Type", document_type(x));
	if (face == FACE_JSON)
		add_error_type(x, &h, w);
	if (w->status == 304 && x->out)
		add_own(x, &h);
	for (size_t i = 0; x->cx && i < x->cx->n_error_headers; i++)
		add(&h, x->cx->error_headers[i].key, x->cx->error_headers[i].value);
	send(x, w->status, &h, has_document(x, w->status) ? buf_view(&b) : VIEW(""));
	buf_clear(&b);
}

/* --- streams and files --- */

/* The head of an answer whose body the handler brings; the fields stay in the request's arena. */
static struct http_answer begin(struct exchange *x)
{
	struct headers h = headers_for(x);

	add_common(x, &h);
	add_own(x, &h);
	x->answered = true;
	x->status = success_status(x);
	return (struct http_answer){ .status = x->status, .headers = h.v, .n_headers = h.n };
}

int op_stream_begin(struct op_ctx *cx, struct out *o, uint64_t len)
{
	struct exchange *x = cx->transport;
	struct http_answer a;

	must(!o->streaming && !o->raw && !o->wrote);
	if (!x) { /* op_call(): what the client of HTTP reads off the wire is a member here */
		out_int(o, "ContentLength", (int64_t)len);
		if (cx->op->method && strcmp(cx->op->method, "HEAD") == 0)
			return 0;
	}
	o->streaming = true;
	o->stream_left = len;
	if (!x) {
		if (len > o->stream.max)
			return aws_fail(&cx->err, &AWS_TOO_LARGE, "the answer is longer than %zu bytes", o->stream.max);
		return 0;
	}
	a = begin(x);
	if (exchange__is_head(x))
		http_answer_head(x->r, &a, len);
	else
		x->stream = http_answer_stream(x->r, &a, (int64_t)len);
	return 0;
}

int op_stream_write(struct op_ctx *cx, struct out *o, struct view piece)
{
	struct exchange *x = cx->transport;

	must(o->streaming && piece.n <= o->stream_left);
	o->stream_left -= piece.n;
	if (!x) {
		buf_add_view(&o->stream, piece);
		return 0;
	}
	return x->stream ? http_stream_write(x->stream, piece, STREAM_TIMEOUT_MS, &cx->err) : 0;
}

/* op_call() has everything in memory. */
static int copy_in(struct op_ctx *cx, struct out *o, int fd, off_t off, uint64_t n)
{
	char *p = arena_alloc(cx->arena, n + 1);
	ssize_t got = file_pread_all(fd, p, n, off, &cx->err);

	if (got < 0)
		return cx->err.code;
	if ((uint64_t)got != n)
		return err_set(&cx->err, ERR_IO, "the file is too short");
	return op_stream_write(cx, o, view_of(p, n));
}

int op_stream_file(struct op_ctx *cx, struct out *o, int fd, off_t off, uint64_t n)
{
	struct exchange *x = cx->transport;

	must(o->streaming && n <= o->stream_left);
	if (!x)
		return copy_in(cx, o, fd, off, n);
	o->stream_left -= n;
	return x->stream ? http_stream_file(x->stream, fd, off, n, STREAM_TIMEOUT_MS, &cx->err) : 0;
}

int op_answer_file(struct op_ctx *cx, struct out *o, int fd, off_t off, uint64_t len)
{
	struct exchange *x = cx->transport;
	struct http_answer a;
	int own;

	if (!x) {
		int rc = op_stream_begin(cx, o, len);

		return rc ? rc : op_stream_file(cx, o, fd, off, len);
	}
	must(!o->streaming && !o->raw && !o->wrote);
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return err_sys(&cx->err, ERR_BUSY, "no descriptor for the answer");
	a = begin(x);
	http_answer_file(x->r, &a, own, off, len);
	return 0;
}
