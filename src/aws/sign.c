/* SPDX-License-Identifier: Apache-2.0 */
/* Signing requests and URLs, for clients, functions and presigned uploads. */
#include "aws/gate.h"

#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"
#include "os/crypto.h"

#define EXTRA 5 /* host, date, digest, token, Authorization */

struct signing {
	const struct sign_key *k;
	char date[TIME_TEXT];
	const char *scope;
};

static void begin(struct signing *s, const struct sign_key *k, int64_t now_ms, struct arena *a)
{
	s->k = k;
	time_basic(now_ms, s->date);
	s->scope = arena_printf(a, "%.8s/%s/%s/aws4_request", s->date, k->region, k->service);
}

static bool finish(const struct signing *s, struct sigv4_request *q, struct arena *a, char sig[65])
{
	struct view canonical;
	uint8_t key[32];

	q->path_rule = strcmp(s->k->service, "s3") == 0 ? SIGV4_PATH_S3 : SIGV4_PATH_NORMAL;
	if (!sigv4_canonical(a, q, &canonical))
		return false;
	sigv4_key(view_str(s->k->secret), view_of(s->date, 8), view_str(s->k->region), view_str(s->k->service), key);
	sigv4_sign(key, sigv4_string_to_sign(a, s->date, s->scope, canonical), sig);
	crypto_wipe(key, sizeof(key));
	return true;
}

static void add(struct sigv4_pair *v, size_t *n, const char *name, const char *value)
{
	if (value)
		v[(*n)++] = (struct sigv4_pair){ view_str(name), view_str(value) };
}

int sign_request(const struct sign_key *k, const struct sign_what *w, struct arena *a, struct sign_header **ret,
		 size_t *ret_n, struct err *e)
{
	struct sigv4_pair *v = ARENA_ARRAY(a, struct sigv4_pair, w->n_headers + EXTRA);
	struct sign_header *out = ARENA_ARRAY(a, struct sign_header, w->n_headers + EXTRA);
	struct signing s;
	struct sigv4_request q = { .method = view_str(w->method), .path = view_str(w->path), .query = view_str(w->query),
				   .headers = v, .payload_hash = view_str(w->payload_hash) };
	char sig[65];

	begin(&s, k, w->now_ms, a);
	for (size_t i = 0; i < w->n_headers; i++)
		add(v, &q.n_headers, w->headers[i].name, w->headers[i].value);
	add(v, &q.n_headers, "x-amz-date", s.date);
	add(v, &q.n_headers, "x-amz-content-sha256", w->payload_hash);
	add(v, &q.n_headers, "x-amz-security-token", k->token);
	*ret_n = q.n_headers;
	add(v, &q.n_headers, "host", w->host);
	q.signed_headers = sigv4_header_names(a, v, q.n_headers);
	if (!finish(&s, &q, a, sig))
		return err_set(e, ERR_INVALID, "the path or query to sign is not valid: %s", w->path);
	for (size_t i = 0; i < *ret_n; i++)
		out[i] = (struct sign_header){ arena_str(a, v[i].name), arena_str(a, v[i].value) };
	out[(*ret_n)++] = (struct sign_header){
		"Authorization", arena_printf(a, SIGV4_ALGORITHM " Credential=%s/%s, SignedHeaders=%.*s, Signature=%s",
					      k->access_key, s.scope, VIEW_ARG(q.signed_headers), sig)
	};
	*ret = out;
	return 0;
}

static void add_param(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	if (b->n)
		buf_add_char(b, '&');
	buf_add_str(b, name);
	buf_add_char(b, '=');
	uri_encode(b, view_str(value), false);
}

char *sign_url(const struct sign_key *k, const char *base_url, const struct sign_what *w, struct arena *a)
{
	const char *host = strstr(base_url, "://");
	struct sigv4_pair *v = ARENA_ARRAY(a, struct sigv4_pair, w->n_headers + EXTRA);
	struct signing s;
	struct sigv4_request q = { .method = view_str(w->method), .path = view_str(w->path), .headers = v };
	struct buf b;
	char sig[65], *url = NULL;

	must(host);
	begin(&s, k, w->now_ms, a);
	for (size_t i = 0; i < w->n_headers; i++)
		add(v, &q.n_headers, w->headers[i].name, w->headers[i].value);
	add(v, &q.n_headers, "host", host + 3);
	q.signed_headers = sigv4_header_names(a, v, q.n_headers);
	q.payload_hash = strcmp(k->service, "s3") == 0
				 ? VIEW(SIGV4_UNSIGNED)
				 : VIEW("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	buf_init(&b, 4 * LIMIT_HEADERS);
	buf_add_str(&b, w->query ? w->query : "");
	add_param(&b, "X-Amz-Algorithm", SIGV4_ALGORITHM);
	add_param(&b, "X-Amz-Credential", arena_printf(a, "%s/%s", k->access_key, s.scope));
	add_param(&b, "X-Amz-Date", s.date);
	add_param(&b, "X-Amz-Expires", arena_printf(a, "%u", w->expires_s));
	add_param(&b, "X-Amz-Security-Token", k->token);
	add_param(&b, "X-Amz-SignedHeaders", arena_str(a, q.signed_headers));
	q.query = buf_view(&b);
	if (finish(&s, &q, a, sig))
		url = arena_printf(a, "%s%s?%.*s&X-Amz-Signature=%s", base_url, w->path, VIEW_ARG(q.query), sig);
	buf_clear(&b);
	return url;
}
