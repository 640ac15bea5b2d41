/* SPDX-License-Identifier: Apache-2.0 */
/* lambda_url: function URLs, payload format 2.0 (AWS, "Invoking Lambda function URLs"). */
#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/lambda/lambda_int.h"

int lambda_url_auth(struct lambda *l, const char *id, struct arena *a, const char **ret_auth, struct err *e)
{
	struct lambda_fn f;
	int r = lambda__load_by_url(l, id, a, &f, e);

	if (r == 0)
		*ret_auth = f.url_auth;
	return r;
}

/* a=1&b=2&a=3 as {"a": "1,3", "b": "2"} */
static const struct json *query_params(struct arena *a, const char *raw)
{
	struct json *o = json_new_obj(a);
	struct view rest = view_str(raw), pair, name, value, old;

	while (view_split(&rest, '&', &pair)) {
		struct view v = pair;

		if (!pair.n || !view_split(&v, '=', &name) || !uri_decode(a, name, true, &name))
			continue;
		if (!uri_decode(a, v.p ? v : VIEW(""), true, &value))
			continue;
		old = json_str(json_get_view(o, name));
		if (old.p)
			value = view_str(arena_printf(a, "%.*s,%.*s", VIEW_ARG(old), VIEW_ARG(value)));
		json_set_view(a, o, name, json_new_str(a, value));
	}
	return o;
}

static struct json *request_context(struct lambda *l, const char *id, const struct lambda_url_request *q, struct arena *a)
{
	struct json *ctx = json_new_obj(a), *http = json_new_obj(a), *auth = json_new_obj(a), *iam = json_new_obj(a);
	char rid[UUID_TEXT], when[TIME_TEXT];

	uuid4(rid);
	json_set_str(a, iam, "accountId", l->o.account);
	json_set_str(a, iam, "userArn", q->caller_arn);
	json_set(a, auth, "iam", iam);
	json_set_str(a, http, "method", q->method);
	json_set_str(a, http, "path", q->raw_path);
	json_set_str(a, http, "protocol", "HTTP/1.1");
	json_set_str(a, http, "sourceIp", q->source_ip);
	json_set_str(a, ctx, "accountId", l->o.account);
	json_set_str(a, ctx, "apiId", id);
	json_set(a, ctx, "authorizer", auth);
	json_set_str(a, ctx, "domainName", q->domain);
	json_set(a, ctx, "http", http);
	json_set_str(a, ctx, "requestId", rid);
	json_set_str(a, ctx, "routeKey", "$default");
	json_set_str(a, ctx, "stage", "$default");
	json_set_str(a, ctx, "time", time_iso_s(clock_ms(), when));
	json_set_int(a, ctx, "timeEpoch", clock_ms());
	return ctx;
}

static const char *make_event(struct lambda *l, const char *id, const struct lambda_url_request *q, struct arena *a)
{
	struct json *ev = json_new_obj(a), *headers = json_new_obj(a);

	for (size_t i = 0; i < q->n_headers; i++)
		json_set_str(a, headers, q->headers[i].key, q->headers[i].value);
	json_set_str(a, ev, "version", "2.0");
	json_set_str(a, ev, "routeKey", "$default");
	json_set_str(a, ev, "rawPath", q->raw_path);
	json_set_str(a, ev, "rawQueryString", q->raw_query ? q->raw_query : "");
	json_set(a, ev, "headers", headers);
	if (q->raw_query && q->raw_query[0])
		json_set(a, ev, "queryStringParameters", query_params(a, q->raw_query));
	json_set(a, ev, "requestContext", request_context(l, id, q, a));
	if (q->body.n) {
		bool text = utf8_valid(q->body) && !memchr(q->body.p, 0, q->body.n);

		json_set(a, ev, "body", json_new_str(a, text ? q->body : base64_encode_arena(a, q->body)));
		json_set(a, ev, "isBase64Encoded", json_new_bool(!text));
	} else {
		json_set(a, ev, "isBase64Encoded", json_new_bool(false));
	}
	return json_text(a, ev);
}

/* The server frames the answer itself: a function's word on that would be a second one. */
static bool frames(struct view name)
{
	return view_eq_nocase(name, VIEW("content-length")) || view_eq_nocase(name, VIEW("transfer-encoding")) ||
	       view_eq_nocase(name, VIEW("connection"));
}

static void take_headers(const struct json *doc, struct arena *a, struct lambda_url_answer *ret)
{
	const struct json *h = json_get(doc, "headers"), *cookies = json_get(doc, "cookies");

	ret->headers = ARENA_ARRAY(a, struct op_pair, json_len(h) + json_len(cookies) + 1);
	for (size_t i = 0; json_is(h, JSON_OBJ) && i < json_len(h); i++) {
		const struct json_member *m = &h->obj.v[i];
		struct view text = json_str(m->value);

		if (!frames(m->name))
			ret->headers[ret->n_headers++] = (struct op_pair){
				arena_str(a, m->name), text.p ? arena_str(a, text) : json_text(a, m->value) };
	}
	for (size_t i = 0; i < json_len(cookies); i++)
		ret->headers[ret->n_headers++] = (struct op_pair){ "set-cookie", arena_str(a, json_str(json_at(cookies, i))) };
}

/* An answer with statusCode is taken apart; anything else is the body, as AWS does. */
static int take_answer(const struct fn_result *res, struct arena *a, struct lambda_url_answer *ret)
{
	struct err e = { 0 };
	const struct json *doc = json_parse(a, res->payload, JSON_DEPTH, &e);

	*ret = (struct lambda_url_answer){ .status = 200, .body = res->payload };
	if (res->failed || !doc) {
		ret->status = 502;
		ret->body = VIEW("Internal Server Error");
		return 0;
	}
	if (!json_is(json_get(doc, "statusCode"), JSON_INT)) {
		ret->headers = ARENA_NEW(a, struct op_pair);
		ret->headers[ret->n_headers++] = (struct op_pair){ "content-type", "application/json" };
		return 0;
	}
	ret->status = (int)json_int(json_get(doc, "statusCode"), 200);
	if (ret->status < 100 || ret->status > 599)
		ret->status = 502;
	take_headers(doc, a, ret);
	ret->body = json_get_str(doc, "body");
	if (json_is_true(json_get(doc, "isBase64Encoded")) && !base64_decode_arena(a, ret->body, &ret->body))
		ret->status = 502;
	return 0;
}

int lambda_url_call(struct lambda *l, const char *id, const struct lambda_url_request *q, struct arena *a,
		    struct lambda_url_answer *ret, struct err *e)
{
	struct lambda_fn f;
	struct fn_result res;
	int r = lambda__load_by_url(l, id, a, &f, e);

	if (r == 0)
		r = lambda__run(l, &f, view_str(make_event(l, id, q, a)), a, &res, e);
	return r == 0 ? take_answer(&res, a, ret) : r;
}
