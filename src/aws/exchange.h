/* SPDX-License-Identifier: Apache-2.0 */
/* exchange -- one request on its way through aws/: router.c fills it, answer.c answers it.  Private to aws/. */
#pragma once

#include "aws/aws.h"
#include "aws/aws_int.h"

struct aws {
	struct aws_opts o;
};

struct exchange {
	struct aws *aws;
	struct http_req *r;
	struct arena *a;
	int64_t began_ns;
	char request_id[40], host_id[77];
	struct gate_result g;
	bool verified;
	const struct service *s;
	void *self;
	const struct op *op;
	struct view path, resource; /* routed path (bucket in front); the path as received */
	struct sigv4_pair *headers, *params;
	size_t n_headers, n_params;
	struct view whole; /* the body, if it was read as a whole */
	bool have_whole;
	size_t whole_at;
	struct exchange_form *form; /* post.c: a browser's form; its fields are .headers */
	struct op_body *body;
	struct op_ctx *cx;
	struct out *out;
	struct err err;
	struct http_stream *stream;
	bool answered;
	int status;
	struct http_header cors[8]; /* cors.c: what a page of another origin may see; in every answer */
	size_t n_cors;
};

/* What the request is written in, and so the answer; of services that have a past it may be query. */
enum op_protocol exchange__protocol(const struct exchange *x);
bool exchange__is_head(const struct exchange *x);
/* Answers with x->err (which has a wire error or a neutral code). */
void exchange__answer_error(struct exchange *x);
void exchange__answer(struct exchange *x);
void exchange__answer_empty(struct exchange *x, int status);
/* @v for an error document. */
const char *exchange__escaped(struct exchange *x, struct view v);

/* The path as it is routed: with the bucket of the host's name in front. */
struct view exchange__bucket_path(struct exchange *x);
/* The request's body as it comes. */
struct body_source exchange__wire(struct exchange *x);

/* --- post.c: browsers' forms, in the order in which they are called --- */
bool exchange__is_form(struct exchange *x);
/* In the gate's place: reads the fields before the file, verifies, judges. */
int exchange__form_open(struct exchange *x);
int exchange__form_route(struct exchange *x, struct route *ret);
int exchange__form_body(struct exchange *x);
void exchange__form_answer(struct exchange *x); /* what the form wants to hear, into x->out */

/* --- cors.c --- */
/* Asks the bucket's rules, if the request says that it comes from a page. */
void exchange__cors_find(struct exchange *x);
/* true: it was a preflight, which is answered or refused without a signature. */
bool exchange__preflight(struct exchange *x);
