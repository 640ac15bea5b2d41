/* SPDX-License-Identifier: Apache-2.0 */
/* Signature Version 4: canonical request, string to sign, keys.  Source: AWS "Create a signed AWS API request". */
#include "aws/sigv4.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "os/crypto.h"

#define PARAMS_MAX 256
#define CANONICAL_MAX (16 * LIMIT_HEADERS)

struct view sigv4_lower(struct arena *a, struct view v)
{
	char *p = arena_str(a, v);

	for (size_t i = 0; i < v.n; i++)
		p[i] = (char)tolower((unsigned char)p[i]);
	return view_of(p, v.n);
}

static size_t params_at_most(struct view query)
{
	size_t n = 1;

	for (size_t i = 0; i < query.n && n < PARAMS_MAX; i++)
		n += query.p[i] == '&';
	return n;
}

bool sigv4_params(struct arena *a, struct view query, struct sigv4_pair **ret, size_t *ret_n)
{
	struct sigv4_pair *v = ARENA_ARRAY(a, struct sigv4_pair, params_at_most(query));
	size_t n = 0;
	struct view part;

	while (view_split(&query, '&', &part)) {
		ptrdiff_t eq = view_chr(part, '=');
		struct view name = eq < 0 ? part : view_sub(part, 0, (size_t)eq);
		struct view value = eq < 0 ? VIEW("") : view_from(part, (size_t)eq + 1);

		if (part.n == 0)
			continue;
		if (n == PARAMS_MAX || !uri_decode(a, name, false, &v[n].name) || !uri_decode(a, value, false, &v[n].value))
			return false;
		n++;
	}
	*ret = v;
	*ret_n = n;
	return true;
}

static int pair_order(const void *x, const void *y)
{
	const struct sigv4_pair *a = x, *b = y;
	int c = view_cmp(a->name, b->name);

	return c ? c : view_cmp(a->value, b->value);
}

static struct view encoded(struct arena *a, struct view v, bool keep_slash)
{
	struct buf b;
	struct view r;

	buf_init(&b, CANONICAL_MAX);
	uri_encode(&b, v, keep_slash);
	r = arena_view(a, buf_view(&b));
	buf_clear(&b);
	return r;
}

static bool add_query(struct arena *a, struct buf *b, struct view query)
{
	struct sigv4_pair *v;
	size_t n, out = 0;

	if (!sigv4_params(a, query, &v, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		v[i].name = encoded(a, v[i].name, false);
		v[i].value = encoded(a, v[i].value, false);
	}
	qsort(v, n, sizeof(*v), pair_order);
	for (size_t i = 0; i < n; i++) {
		if (view_eq_str(v[i].name, "X-Amz-Signature"))
			continue;
		if (out++)
			buf_add_char(b, '&');
		buf_add_view(b, v[i].name);
		buf_add_char(b, '=');
		buf_add_view(b, v[i].value);
	}
	return true;
}

/* One representation per path: what is encoded needlessly or too little is brought to the form AWS signs. */
static bool add_path_s3(struct buf *b, struct view path)
{
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];

		if (c == '%') {
			if (i + 2 >= path.n || !hex_decode(&c, view_sub(path, i + 1, 2)))
				return false;
			i += 2;
			if (c == '/') {
				buf_add_str(b, "%2F");
				continue;
			}
		}
		uri_encode(b, view_of(&c, 1), path.p[i] == '/' && c == '/');
	}
	return true;
}

static struct view without_dots(struct arena *a, struct view path)
{
	struct buf b;
	struct view rest = path, part, r;

	buf_init(&b, path.n + 2);
	while (view_split(&rest, '/', &part)) {
		if (part.n == 0 || view_eq_str(part, "."))
			continue;
		if (!view_eq_str(part, "..")) {
			buf_add_char(&b, '/');
			buf_add_view(&b, part);
			continue;
		}
		while (b.n && b.p[--b.n] != '/')
			;
	}
	if (b.n == 0 || (path.n && path.p[path.n - 1] == '/'))
		buf_add_char(&b, '/');
	r = arena_view(a, buf_view(&b));
	buf_clear(&b);
	return r;
}

static bool add_path(struct arena *a, struct buf *b, const struct sigv4_request *q)
{
	struct view path = q->path.n ? q->path : VIEW("/");

	if (q->path_rule == SIGV4_PATH_S3)
		return add_path_s3(b, path);
	if (q->path_rule == SIGV4_PATH_NORMAL)
		path = without_dots(a, path);
	uri_encode(b, path, true);
	return true;
}

/* White space at the ends goes, in the middle it becomes one blank. */
static void add_value(struct buf *b, struct view v)
{
	bool blank = false;

	v = view_trim(v);
	for (size_t i = 0; i < v.n; i++) {
		blank = v.p[i] == ' ' || v.p[i] == '\t' || v.p[i] == '\r' || v.p[i] == '\n';
		if (blank) {
			if (i + 1 < v.n && (v.p[i + 1] == ' ' || v.p[i + 1] == '\t' || v.p[i + 1] == '\r' || v.p[i + 1] == '\n'))
				continue;
			buf_add_char(b, ' ');
		} else {
			buf_add_char(b, v.p[i]);
		}
	}
}

static void add_headers(struct buf *b, const struct sigv4_request *q)
{
	struct view rest = q->signed_headers, name;

	while (rest.n && view_split(&rest, ';', &name)) {
		size_t n = 0;

		buf_add_view(b, name);
		buf_add_char(b, ':');
		for (size_t i = 0; i < q->n_headers; i++) {
			if (!view_eq_nocase(q->headers[i].name, name))
				continue;
			if (n++)
				buf_add_char(b, ',');
			add_value(b, q->headers[i].value);
		}
		buf_add_char(b, '\n');
	}
}

bool sigv4_canonical(struct arena *a, const struct sigv4_request *q, struct view *ret)
{
	struct buf b;
	bool ok;

	buf_init(&b, CANONICAL_MAX);
	buf_add_view(&b, q->method);
	buf_add_char(&b, '\n');
	ok = add_path(a, &b, q);
	buf_add_char(&b, '\n');
	ok = ok && add_query(a, &b, q->query);
	buf_add_char(&b, '\n');
	add_headers(&b, q);
	buf_add_char(&b, '\n');
	buf_add_view(&b, q->signed_headers);
	buf_add_char(&b, '\n');
	buf_add_view(&b, q->payload_hash);
	*ret = arena_view(a, buf_view(&b));
	ok = ok && !b.over;
	buf_clear(&b);
	return ok;
}

struct view sigv4_string_to_sign(struct arena *a, const char *amz_date, const char *scope, struct view canonical)
{
	char sum[65];

	sha256_hex(canonical, sum);
	return view_str(arena_printf(a, SIGV4_ALGORITHM "\n%s\n%s\n%s", amz_date, scope, sum));
}

void sigv4_key(struct view secret, struct view date, struct view region, struct view service, uint8_t ret[32])
{
	uint8_t k[32];
	struct buf first;

	buf_init(&first, secret.n + 8);
	buf_add_str(&first, "AWS4");
	buf_add_view(&first, secret);
	hmac_sha256(buf_view(&first), date, k);
	crypto_wipe(first.p, first.n);
	buf_clear(&first);
	hmac_sha256(view_of(k, 32), region, ret);
	hmac_sha256(view_of(ret, 32), service, k);
	hmac_sha256(view_of(k, 32), VIEW("aws4_request"), ret);
	crypto_wipe(k, sizeof(k));
}

void sigv4_sign(const uint8_t key[32], struct view string_to_sign, char ret[65])
{
	uint8_t mac[32];

	hmac_sha256(view_of(key, 32), string_to_sign, mac);
	hex_encode(ret, mac, 32);
	ret[64] = '\0';
}

struct view sigv4_header_names(struct arena *a, const struct sigv4_pair *headers, size_t n)
{
	struct sigv4_pair *v = ARENA_ARRAY(a, struct sigv4_pair, n ? n : 1);
	struct buf b;
	struct view r;

	for (size_t i = 0; i < n; i++)
		v[i].name = sigv4_lower(a, headers[i].name);
	qsort(v, n, sizeof(*v), pair_order);
	buf_init(&b, CANONICAL_MAX);
	for (size_t i = 0; i < n; i++) {
		if (i && view_eq(v[i].name, v[i - 1].name))
			continue;
		if (i)
			buf_add_char(&b, ';');
		buf_add_view(&b, v[i].name);
	}
	r = arena_view(a, buf_view(&b));
	buf_clear(&b);
	return r;
}
