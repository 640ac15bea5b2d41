/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambda -- the Lambda service: functions as child processes.
 *
 * Threads: any.  Durable: every change and every accepted asynchronous event before its answer.
 */
#pragma once

#include "aws/op.h"
#include "store/blob.h"
#include "store/fn.h"
#include "store/meta.h"
#include "svc/ports.h"

struct lambda;

struct lambda_opts {
	struct meta *meta;
	struct blob_store *blob;  /* of lambda alone: lambda_start() sweeps what no function names */
	struct fn_pool *fn;
	const struct s3_port *s3; /* code from S3 */
	const char *code_dir;     /* unpacked code, by the SHA-256 of its zip */
	const char *region, *account;
};

extern const struct service lambda_service;

int lambda_new(const struct lambda_opts *o, struct lambda **ret, struct err *e) MUST_CHECK;
int lambda_start(struct lambda *l, struct err *e) MUST_CHECK; /* sweeps; takes up accepted asynchronous events */
struct lambda *lambda_free(struct lambda *l);

/*
 * A call of a function URL (payload format 2.0).  @id: the URL's id.  ERR_NOENT: no such URL.
 * lambda_url_auth() tells whether the caller must be signed ("AWS_IAM") before lambda_url_call() may be used.
 */
struct lambda_url_request {
	const char *method, *raw_path, *raw_query, *source_ip, *domain, *caller_arn;
	const struct op_pair *headers; /* lower-case names, joined values */
	size_t n_headers;
	struct view body;
};
struct lambda_url_answer {
	int status;
	struct op_pair *headers;
	size_t n_headers;
	struct view body;
};
int lambda_url_auth(struct lambda *l, const char *id, struct arena *a, const char **ret_auth, struct err *e) MUST_CHECK;
int lambda_url_call(struct lambda *l, const char *id, const struct lambda_url_request *q, struct arena *a,
		    struct lambda_url_answer *ret, struct err *e) MUST_CHECK;
