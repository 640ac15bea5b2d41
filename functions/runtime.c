/* SPDX-License-Identifier: Apache-2.0 */
/* runtime: GET next, run, POST response or error, for ever. */
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct loop {
	struct http_client *http;
	const char *api;
	struct function_ctx cx;
	const struct function_row *row;
};

static int post(struct loop *l, const char *path, struct view body)
{
	struct err e = { 0 };
	struct http_result res;
	struct http_call q = { .method = "POST", .url = arena_printf(l->cx.arena, "http://%s/2018-06-01/runtime/%s", l->api, path),
			       .body = body, .body_fd = -1, .timeout_ms = 30000 };
	int r = http_call(l->http, &q, l->cx.arena, &res, &e);

	if (r < 0)
		fprintf(stderr, "report to the runtime API: %s\n", e.msg);
	return r;
}

static int post_error(struct loop *l, const char *path, const char *type, const char *message)
{
	struct json *o = json_new_obj(l->cx.arena);

	json_set_str(l->cx.arena, o, "errorType", type);
	json_set_str(l->cx.arena, o, "errorMessage", message);
	return post(l, path, view_str(json_text(l->cx.arena, o)));
}

/* "InvalidInput" for "invalid input". */
static const char *error_type(struct arena *a, int code)
{
	char *s = arena_str(a, view_str(err_text(code))), *to = s;
	bool first = true;

	for (const char *p = s; *p; p++) {
		if (*p == ' ' || *p == '/') {
			first = true;
			continue;
		}
		*to++ = (char)(first && *p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		first = false;
	}
	*to = 0;
	return s;
}

static int run_event(struct loop *l, const char *id, struct view body)
{
	struct arena *a = l->cx.arena;
	const struct json *event, *answer = &json_null;
	int r = 0;

	err_clear(&l->cx.err);
	event = json_parse(a, body, 1000, &l->cx.err);
	if (event)
		r = l->row->fn(&l->cx, event, &answer);
	if (!event || r < 0) {
		fprintf(stderr, "%s\n", l->cx.err.msg);
		return post_error(l, arena_printf(a, "invocation/%s/error", id), error_type(a, l->cx.err.code), l->cx.err.msg);
	}
	return post(l, arena_printf(a, "invocation/%s/response", id), view_str(json_text(a, answer)));
}

static int run_next(struct loop *l)
{
	struct err e = { 0 };
	struct http_result res;
	struct http_call q = { .method = "GET", .body_fd = -1,
			       .url = arena_printf(l->cx.arena, "http://%s/2018-06-01/runtime/invocation/next", l->api) };
	int r = http_call(l->http, &q, l->cx.arena, &res, &e);
	const char *id;

	if (r < 0 || res.status != 200)
		return -1; /* the runtime has gone, and so do we */
	id = http_result_header(&res, "Lambda-Runtime-Aws-Request-Id");
	return id ? run_event(l, id, res.body) : -1;
}

int runtime_run(const struct function_row *rows, size_t n)
{
	const char *handler = getenv("_HANDLER");
	struct loop l = { .api = getenv("AWS_LAMBDA_RUNTIME_API") };
	struct arena a;

	arena_init(&a, GIB);
	l.cx.arena = &a;
	l.http = http_client_new();
	if (!l.api) {
		fprintf(stderr, "AWS_LAMBDA_RUNTIME_API is not set: this program is run by Lambda or mulgil\n");
		return 2;
	}
	for (size_t i = 0; i < n; i++)
		if (handler && strcmp(handler, rows[i].handler) == 0)
			l.row = &rows[i];
	if (l.row)
		l.cx.aws = aws_client_from_env(&l.cx.err);
	else
		err_set(&l.cx.err, ERR_INVALID, "there is no handler \"%s\"", handler ? handler : "");
	if (!l.cx.aws) {
		fprintf(stderr, "%s\n", l.cx.err.msg);
		(void)post_error(&l, "init/error", "Runtime.InitError", l.cx.err.msg);
		return 1;
	}
	while (run_next(&l) == 0)
		arena_clear(&a);
	return 0;
}

int function_setting(struct function_ctx *cx, const char *name, const char **ret)
{
	*ret = getenv(name);
	if (!*ret || !(*ret)[0])
		return err_set(&cx->err, ERR_INVALID, "environment variable %s is not set", name);
	return 0;
}
