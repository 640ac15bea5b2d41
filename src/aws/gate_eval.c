/* SPDX-License-Identifier: Apache-2.0 */
/* Signature Version 4 as a pure function of a JSON value. */
#include "aws/gate_eval.h"

#include "aws/gate.h"
#include "aws/sigv4.h"
#include "base/base64.h"
#include "base/time.h"
#include "os/crypto.h"

#define HEADERS_MAX 100

struct eval {
	struct arena *a;
	const struct json *in;
	struct sigv4_pair *headers;
	size_t n_headers;
	struct view body;
};

static struct view str_or(const struct json *o, const char *name, struct view dflt)
{
	struct view v = json_get_str(o, name);

	return v.p ? v : dflt;
}

static int read_headers(struct eval *v, struct err *e)
{
	const struct json *l = json_get(v->in, "headers");

	v->headers = ARENA_ARRAY(v->a, struct sigv4_pair, HEADERS_MAX);
	for (size_t i = 0; i < json_len(l); i++) {
		struct view name = json_str(json_at(json_at(l, i), 0)), value = json_str(json_at(json_at(l, i), 1));

		if (!name.p || !value.p || i == HEADERS_MAX)
			return err_set(e, ERR_INVALID, "headers has to be a list of at most %d [name, value]", HEADERS_MAX);
		v->headers[v->n_headers++] = (struct sigv4_pair){ name, value };
	}
	return 0;
}

static int read_body(struct eval *v, struct err *e)
{
	struct view b64 = json_get_str(v->in, "body_base64");

	v->body = str_or(v->in, "body", VIEW(""));
	if (b64.p && !base64_decode_arena(v->a, b64, &v->body))
		return err_set(e, ERR_INVALID, "body_base64 is not valid base64");
	return 0;
}

static struct view payload_hash(struct eval *v)
{
	char hex[65];

	sha256_hex(v->body, hex);
	return str_or(v->in, "payload_hash", view_str(arena_str(v->a, view_of(hex, 64))));
}

static int path_rule(const struct json *in, enum sigv4_path *ret, struct err *e)
{
	struct view rule = json_get_str(in, "path_rule");

	*ret = view_eq_str(json_get_str(in, "service"), "s3") ? SIGV4_PATH_S3 : SIGV4_PATH_NORMAL;
	if (view_eq_str(rule, "s3"))
		*ret = SIGV4_PATH_S3;
	else if (view_eq_str(rule, "normal"))
		*ret = SIGV4_PATH_NORMAL;
	else if (view_eq_str(rule, "unchanged"))
		*ret = SIGV4_PATH_UNCHANGED;
	else if (rule.p)
		return err_set(e, ERR_INVALID, "path_rule has to be s3, normal or unchanged");
	return 0;
}

static int compute(struct eval *v, const struct json **ret, struct err *e)
{
	struct sigv4_request q = { .method = str_or(v->in, "method", VIEW("GET")), .path = str_or(v->in, "path", VIEW("/")),
				   .query = json_get_str(v->in, "query"), .headers = v->headers,
				   .n_headers = v->n_headers, .payload_hash = payload_hash(v) };
	struct view date = json_get_str(v->in, "date"), region = json_get_str(v->in, "region");
	struct view service = json_get_str(v->in, "service"), secret = json_get_str(v->in, "secret");
	struct view canonical, string;
	struct json *o = json_new_obj(v->a);
	uint8_t key[32];
	char sig[65];
	int64_t ms;

	if (!region.p || !service.p || !secret.p || !time_parse_basic(date, &ms))
		return err_set(e, ERR_INVALID, "date (YYYYMMDDTHHMMSSZ), region, service and secret are needed");
	q.signed_headers = str_or(v->in, "signed_headers", sigv4_header_names(v->a, v->headers, v->n_headers));
	if (path_rule(v->in, &q.path_rule, e) < 0)
		return e->code;
	if (!sigv4_canonical(v->a, &q, &canonical))
		return err_set(e, ERR_INVALID, "path or query are not encoded correctly");
	string = sigv4_string_to_sign(v->a, arena_str(v->a, date),
				      arena_printf(v->a, "%.8s/%.*s/%.*s/aws4_request", date.p, VIEW_ARG(region),
						   VIEW_ARG(service)), canonical);
	sigv4_key(secret, view_sub(date, 0, 8), region, service, key);
	sigv4_sign(key, string, sig);
	json_set(v->a, o, "canonical_request", json_new_str(v->a, canonical));
	json_set(v->a, o, "string_to_sign", json_new_str(v->a, string));
	json_set_str(v->a, o, "signature", sig);
	*ret = o;
	return 0;
}

/* --- as the gate --- */
static bool header_at(const void *self, size_t i, struct view *name, struct view *value)
{
	const struct eval *v = self;

	if (i >= v->n_headers)
		return false;
	*name = v->headers[i].name;
	*value = v->headers[i].value;
	return true;
}

static int whole_body(void *self, struct view *ret, struct err *e)
{
	(void)e;
	*ret = ((struct eval *)self)->body;
	return 0;
}

static const char *mode_name(enum payload_mode m)
{
	static const char *const names[] = { "sha256", "unsigned", "chunked-signed", "chunked-signed-trailer",
					     "chunked-unsigned-trailer" };

	return names[m];
}

static bool body_fits(const struct eval *v, const struct gate_result *g)
{
	uint8_t sum[DIGEST_MAX];

	if (g->mode != PAYLOAD_SHA256)
		return true;
	digest_once(DIGEST_SHA256, v->body, sum);
	return crypto_equal(sum, g->payload_sha256, 32);
}

static void judged(struct eval *v, const struct gate_result *g, const struct err *why, struct json *o)
{
	const struct aws_error *w = why->wire;
	bool fits = !why->code && body_fits(v, g);

	json_set(v->a, o, "ok", json_new_bool(fits));
	if (fits) {
		json_set_str(v->a, o, "mode", mode_name(g->mode));
		json_set(v->a, o, "presigned", json_new_bool(g->presigned));
		return;
	}
	json_set_str(v->a, o, "error", w ? w->code : "XAmzContentSHA256Mismatch");
	json_set_int(v->a, o, "status", w ? w->status : 400);
	json_set_str(v->a, o, "message", why->msg);
}

static int verify(struct eval *v, const struct json *how, const struct json **ret, struct err *e)
{
	const struct gate_request q = { .method = str_or(v->in, "method", VIEW("GET")),
					.path = str_or(v->in, "path", VIEW("/")), .query = json_get_str(v->in, "query"),
					.header_at = header_at, .body = whole_body, .self = v };
	struct view key = json_get_str(how, "access_key"), secret = json_get_str(how, "secret");
	struct view token = json_get_str(how, "token"), region = json_get_str(how, "region");
	struct credentials *c;
	struct gate_policy p = { 0 };
	struct gate_result g;
	struct err why = { 0 };
	struct json *o = json_new_obj(v->a);

	if (!key.p || !secret.p || !region.p || !time_parse_basic(json_get_str(how, "now"), &p.now_ms))
		return err_set(e, ERR_INVALID, "verify needs access_key, secret, region and now (YYYYMMDDTHHMMSSZ)");
	p.region = arena_str(v->a, region);
	c = credentials_new("000000000000");
	credentials_add(c, arena_str(v->a, key), arena_str(v->a, secret), token.p ? arena_str(v->a, token) : NULL, 0,
			"arn:aws:iam::000000000000:root");
	if (gate_verify(c, &q, &p, v->a, &g, &why) < 0)
		must(why.code);
	credentials_free(c);
	judged(v, &g, &why, o);
	*ret = o;
	return 0;
}

int gate_eval(struct arena *a, const struct json *in, const struct json **ret, struct err *e)
{
	struct eval v = { .a = a, .in = in };
	const struct json *how = json_get(in, "verify");

	if (read_headers(&v, e) < 0 || read_body(&v, e) < 0)
		return e->code;
	return how ? verify(&v, how, ret, e) : compute(&v, ret, e);
}
