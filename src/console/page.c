/* SPDX-License-Identifier: Apache-2.0 */
/* page: the console port: sign-in, session cookie, the embedded page, and the read API behind the cookie. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "console/console_int.h"
#include "os/clock.h"
#include "os/crypto.h"

#define COOKIE "mulgil_session"
#define TOKEN_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define TOKEN_LEN 43 /* 256 bits */
#define FAILURES_MAX 16
#define FAILURES_MS 60000

enum pool_lane console_lane(const struct http_req *r, void *console)
{
	(void)console;
	/* A ledger that settles may take seconds, for the list too. */
	return view_starts(http_path(r), VIEW("/-/measurements")) ? LANE_SLOW : LANE_FAST;
}

/* --- sessions --- */

static void token_hash(struct view token, uint8_t out[DIGEST_MAX])
{
	digest_once(DIGEST_SHA256, token, out);
}

static bool has_session(struct console *c, struct view token)
{
	uint8_t h[DIGEST_MAX];
	bool found = false;

	token_hash(token, h);
	LOCK_SCOPE(&c->lock);
	for (size_t i = 0; i < SESSION_COUNT; i++)
		found |= crypto_equal(h, c->sessions[i].token_sha256, 32) && c->sessions[i].until_ms > clock_ms();
	return found;
}

static void add_session(struct console *c, const char *token)
{
	struct session *s = &c->sessions[0];
	uint8_t h[DIGEST_MAX];

	token_hash(view_str(token), h);
	LOCK_SCOPE(&c->lock);
	for (size_t i = 1; i < SESSION_COUNT; i++)
		if (c->sessions[i].until_ms < s->until_ms)
			s = &c->sessions[i];
	memcpy(s->token_sha256, h, 32);
	s->until_ms = clock_ms() + SESSION_MS;
}

static void drop_session(struct console *c, struct view token)
{
	uint8_t h[DIGEST_MAX];

	token_hash(token, h);
	LOCK_SCOPE(&c->lock);
	for (size_t i = 0; i < SESSION_COUNT; i++)
		if (crypto_equal(h, c->sessions[i].token_sha256, 32))
			c->sessions[i].until_ms = 0;
}

static struct view cookie(struct http_req *r)
{
	struct view rest = http_header(r, "cookie"), pair;

	while (view_split(&rest, ';', &pair)) {
		pair = view_trim(pair);
		if (view_starts(pair, VIEW(COOKIE "=")))
			return view_from(pair, sizeof(COOKIE));
	}
	return VIEW_NONE;
}

/* Too many wrong keys within a minute: everybody waits, whoever guesses too. */
static bool throttled(struct console *c)
{
	LOCK_SCOPE(&c->lock);
	return c->failed >= FAILURES_MAX && clock_mono_ns() / 1000000 - c->failed_ms[c->failed % FAILURES_MAX] < FAILURES_MS;
}

static void count_failure(struct console *c)
{
	LOCK_SCOPE(&c->lock);
	c->failed_ms[c->failed++ % FAILURES_MAX] = clock_mono_ns() / 1000000;
}

static bool read_body(struct http_req *r, char *p, size_t max, size_t *n)
{
	struct err e = { 0 };
	ssize_t got;

	for (*n = 0; *n < max && (got = http_body_read(r, p + *n, max - *n, &e)) > 0; *n += (size_t)got)
		;
	return *n < max && !e.code;
}

static void sign_in(struct console *c, struct http_req *r)
{
	char body[1024], token[TOKEN_LEN + 1];
	struct arena *a = http_arena(r);
	struct err e = { 0 };
	const struct json *doc = NULL;
	size_t n;

	if (throttled(c)) {
		console__error(r, 429, "TooManyRequests", "too many failed sign-ins; wait a minute");
		return;
	}
	if (read_body(r, body, sizeof(body), &n))
		doc = json_parse(a, view_of(body, n), 4, &e);
	if (!doc || !json_get_str(doc, "access_key").n || !json_get_str(doc, "secret").n ||
	    !c->o.sign_in(c->o.arg, arena_str(a, json_get_str(doc, "access_key")), arena_str(a, json_get_str(doc, "secret")))) {
		count_failure(c);
		crypto_wipe(body, sizeof(body));
		console__error(r, 403, "AccessDenied", "this access key and secret do not belong together");
		return;
	}
	crypto_wipe(body, sizeof(body));
	random_text(token, TOKEN_LEN, TOKEN_CHARS);
	add_session(c, token);
	const struct http_header h[] = {
		{ "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" },
		{ "Set-Cookie", arena_printf(a, COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200", token) },
	};
	http_answer(r, &(struct http_answer){ 200, h, ARRAY_LEN(h) }, VIEW("{\"signed_in\": true}"));
}

static void sign_out(struct console *c, struct http_req *r)
{
	drop_session(c, cookie(r));
	console__answer(r, 200, "application/json", VIEW("{\"signed_in\": false}"));
}

/* --- the page --- */

static void file(struct http_req *r)
{
	struct view path = http_path(r);

	if (view_eq(path, VIEW("/")))
		path = VIEW("/index.html");
	for (size_t i = 0; i < console__n_files; i++) {
		const struct console_file *f = &console__files[i];

		if (!view_eq_str(path, f->path))
			continue;
		const struct http_header h[] = {
			{ "Content-Type", f->type },
			{ "Cache-Control", "no-cache" },
			{ "X-Content-Type-Options", "nosniff" },
			{ "Referrer-Policy", "no-referrer" },
			{ "Content-Security-Policy",
			  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
			  "frame-ancestors 'none'; base-uri 'none'; form-action 'self'" },
		};

		http_answer(r, &(struct http_answer){ 200, h, ARRAY_LEN(h) }, view_of(f->data, f->n));
		return;
	}
	console__error(r, 404, "ResourceNotFoundException", "there is no such page");
}

/* A form of another site can send a cookie but not this header. */
static bool from_our_page(struct http_req *r)
{
	return view_eq(http_header(r, "x-mulgil"), VIEW("1"));
}

void console_page(struct http_req *r, void *console)
{
	struct console *c = console;
	struct view path = http_path(r);
	bool post = view_eq(http_method(r), VIEW("POST")), get = view_eq(http_method(r), VIEW("GET"));

	if (post && !from_our_page(r))
		console__error(r, 403, "AccessDenied", "header x-mulgil is missing");
	else if (post && view_eq(path, VIEW("/sign-in")))
		sign_in(c, r);
	else if (post && view_eq(path, VIEW("/sign-out")))
		sign_out(c, r);
	else if (!get)
		console__error(r, 405, "MethodNotAllowed", "only GET");
	else if (view_eq(path, VIEW("/-/health")))
		console__answer(r, 200, "text/plain", VIEW("ok\n"));
	else if (!view_starts(path, VIEW("/-/")))
		file(r);
	else if (cookie(r).n && has_session(c, cookie(r)))
		console_answer(c, r);
	else
		console__error(r, 403, "AccessDenied", "sign in first");
}
