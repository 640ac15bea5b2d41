/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client -- signed calls to AWS APIs, ours or the real ones: for the mulgil command and the pipeline's functions.
 *
 * A struct aws_client belongs to one thread.  Results live in the arena given.  A call that got an error answer gives
 * ERR_INVALID (4xx; ERR_NOENT for 404, ERR_DENIED for 403) or ERR_INTERNAL (5xx) with "Code: message" in @e; transport
 * errors as http_call().
 */
#pragma once

#include "aws/gate.h"
#include "base/json.h"
#include "http/client.h"

struct aws_client;

struct aws_client_opts {
	const char *endpoint; /* "http://127.0.0.1:4566"; copied, as the others */
	const char *region, *access_key, *secret, *token; /* token may be NULL */
};

struct aws_client *aws_client_new(const struct aws_client_opts *o);
/* From AWS_ENDPOINT_URL, AWS_REGION or AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN;
 * NULL and ERR_INVALID naming the variable that is missing. */
struct aws_client *aws_client_from_env(struct err *e);
struct aws_client *aws_client_free(struct aws_client *c);
const struct aws_client_opts *aws_client_info(const struct aws_client *c);

struct aws_request {
	const char *service;  /* signing name */
	const char *method;   /* NULL: POST */
	const char *path;     /* encoded; NULL: "/" */
	const char *query;    /* encoded, or NULL */
	const struct sign_header *headers;
	size_t n_headers;
	struct view body;
	int body_fd;          /* with body_file: its first @body_len bytes, sent as UNSIGNED-PAYLOAD */
	bool body_file;
	uint64_t body_len;
	unsigned timeout_ms;  /* 0: 60 s */
	int (*sink)(void *arg, struct view piece);
	void *sink_arg;
	size_t max;           /* of the answer in memory; 0: 64 MiB */
};

/* Any answer, error or not, in @ret. */
int aws_client_send(struct aws_client *c, const struct aws_request *q, struct arena *a, struct http_result *ret,
		    struct err *e) MUST_CHECK;
/* As aws_client_send(), but an error answer is an error. */
int aws_client_call(struct aws_client *c, const struct aws_request *q, struct arena *a, struct http_result *ret,
		    struct err *e) MUST_CHECK;
/* A JSON service: @target "Firehose_20150804.PutRecord", @in its input; *ret the output ({} if empty). */
int aws_client_json(struct aws_client *c, const char *service, const char *target, const struct json *in, struct arena *a,
		    const struct json **ret, struct err *e) MUST_CHECK;

/* S3, path style. */
int aws_client_put(struct aws_client *c, const char *bucket, const char *key, const char *content_type, struct view data,
		   struct arena *a, struct err *e) MUST_CHECK;
int aws_client_get(struct aws_client *c, const char *bucket, const char *key, size_t max, struct arena *a, struct view *ret,
		   struct err *e) MUST_CHECK;
/* "/bucket/key" encoded for a URL. */
char *aws_client_s3_path(struct arena *a, const char *bucket, const char *key);

/* Athena: starts @sql, waits for its end, and gives the result CSV's text.  @timeout_ms for all of it. */
int aws_client_query(struct aws_client *c, const char *database, const char *sql, const char *output_location,
		     int timeout_ms, struct arena *a, struct view *ret_csv, struct err *e) MUST_CHECK;
