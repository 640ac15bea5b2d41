/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-origin requests: the preflight, and the headers that let a page of another origin see an answer. */
#include "aws/cors.h"

#include "aws/exchange.h"
#include "base/utf8.h"

static const struct aws_error BAD_REQUEST = { "BadRequest", 400, false };
static const struct aws_error FORBIDDEN = { "AccessForbidden", 403, false };

#define VARY "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

static bool is_preflight(const struct exchange *x)
{
	return view_eq_str(http_method(x->r), "OPTIONS");
}

static bool ask(struct exchange *x, const struct cors_ask *q, struct cors_say *ret)
{
	for (size_t i = 0; i < op_registry_count(x->aws->o.services); i++) {
		void *self;
		const struct service *s = op_registry_at(x->aws->o.services, i, &self);

		if (s->cors)
			return s->cors(self, q, x->a, ret);
	}
	return false;
}

static void add(struct exchange *x, const char *name, const char *value)
{
	if (!value)
		return;
	must(x->n_cors < ARRAY_LEN(x->cors));
	x->cors[x->n_cors++] = (struct http_header){ name, value };
}

void exchange__cors_find(struct exchange *x)
{
	struct cors_ask q = { .origin = http_header(x->r, "origin"), .method = http_method(x->r) };
	struct view path = exchange__bucket_path(x), bucket;
	struct cors_say say = { 0 };

	if (!q.origin.p || http_header(x->r, "x-amz-target").p || !view_starts(path, VIEW("/")))
		return;
	path = view_from(path, 1);
	if (!view_split(&path, '/', &bucket) || !bucket.n || !uri_decode(x->a, bucket, false, &q.bucket))
		return;
	if (is_preflight(x)) {
		q.method = http_header(x->r, "access-control-request-method");
		q.headers = http_header(x->r, "access-control-request-headers");
	}
	if (!q.method.n || !ask(x, &q, &say))
		return;
	add(x, "Access-Control-Allow-Origin", say.allow_origin);
	add(x, "Access-Control-Allow-Methods", say.allow_methods);
	add(x, "Access-Control-Allow-Headers", say.allow_headers);
	add(x, "Access-Control-Expose-Headers", say.expose_headers);
	add(x, "Access-Control-Max-Age", say.max_age);
	add(x, "Access-Control-Allow-Credentials", say.credentials ? "true" : NULL);
	add(x, "Vary", VARY);
}

static int refuse(struct exchange *x)
{
	struct view path = exchange__bucket_path(x);
	struct view method = http_header(x->r, "access-control-request-method");
	bool object = path.n > 1 && view_chr(view_from(path, 1), '/') >= 0 && !view_ends(path, VIEW("/"));

	if (!http_header(x->r, "origin").n)
		return aws_fail(&x->err, &BAD_REQUEST, "Insufficient information. Origin request header needed.");
	if (!method.n)
		return aws_fail(&x->err, &BAD_REQUEST, "Invalid Access-Control-Request-Method: null");
	x->g.error_xml = arena_printf(x->a, "<Method>%s</Method><ResourceType>%s</ResourceType>",
				      exchange__escaped(x, method), object ? "OBJECT" : "BUCKET");
	return aws_fail(&x->err, &FORBIDDEN, "CORSResponse: This CORS request is not allowed. This is usually because the "
			"evaluation of Origin, request method / Access-Control-Request-Method or "
			"Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.");
}

bool exchange__preflight(struct exchange *x)
{
	if (!is_preflight(x))
		return false;
	if (x->n_cors)
		exchange__answer_empty(x, 200);
	else
		must(refuse(x) < 0);
	return true;
}
