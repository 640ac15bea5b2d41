/* SPDX-License-Identifier: Apache-2.0 */
/* console: the read API and the sessions of people who signed in. */
#include "console/console.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "console/console_int.h"
#include "os/clock.h"
#include "os/crypto.h"

#define SETTLE_MAX_MS 60000

int console_new(const struct console_opts *o, struct console **ret, struct err *e)
{
	struct console *c = calloc(1, sizeof(*c));

	(void)e;
	must(c);
	c->o = *o;
	lock_init(&c->lock, "console");
	cond_init(&c->changed);
	*ret = c;
	return 0;
}

void console_stop(struct console *c)
{
	console__signals_stop(c);
}

struct console *console_free(struct console *c)
{
	if (!c)
		return NULL;
	console_stop(c);
	cond_clear(&c->changed);
	lock_clear(&c->lock);
	free(c);
	return NULL;
}

/* --- answers --- */

void console__answer(struct http_req *r, int status, const char *type, struct view body)
{
	const struct http_header h[] = { { "Content-Type", type },
					 { "Cache-Control", "no-store" },
					 { "X-Content-Type-Options", "nosniff" } };

	http_answer(r, &(struct http_answer){ status, h, ARRAY_LEN(h) }, body);
}

void console__error(struct http_req *r, int status, const char *code, const char *message)
{
	struct arena *a = http_arena(r);
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "__type", code);
	json_set_str(a, o, "message", message);
	console__answer(r, status, "application/json", view_str(json_text(a, o)));
}

void console__fail(struct http_req *r, const struct err *e)
{
	int status = e->code == ERR_NOENT ? 404 : e->code == ERR_TIMEOUT ? 504 : e->code == ERR_INVALID ? 400 : 500;
	const struct aws_error *w = e->wire;

	if (w)
		console__error(r, w->status, w->code, e->msg);
	else
		console__error(r, status, status == 404 ? "ResourceNotFoundException" : status == 400 ? "ValidationException" : "InternalFailure",
			       e->msg);
}

const char *console__param(struct http_req *r, const char *name)
{
	struct view rest = http_query(r), pair, key;

	while (view_split(&rest, '&', &pair)) {
		struct view v = pair, decoded;

		(void)view_split(&v, '=', &key);
		if (view_eq_str(key, name) && uri_decode(http_arena(r), v.p ? v : VIEW(""), true, &decoded))
			return arena_str(http_arena(r), decoded);
	}
	return NULL;
}

/* --- measurements --- */

static int settle(struct console *c, struct http_req *r, struct err *e)
{
	const char *text = console__param(r, "settle_ms");
	uint64_t ms;

	if (!text)
		return 0;
	if (!view_u64(view_str(text), SETTLE_MAX_MS, &ms))
		return err_set(e, ERR_INVALID, "settle_ms: a number up to %d is expected", SETTLE_MAX_MS);
	return measure_settle(c->o.measure, (int)ms, e);
}

static void measurements(struct console *c, struct http_req *r, struct view id)
{
	struct err e = { 0 };
	struct buf b;
	int x = settle(c, r, &e);

	buf_init(&b, 64 * MIB);
	if (x == 0)
		x = id.p ? measure_show(c->o.measure, arena_str(http_arena(r), id), &b, &e) : measure_list(c->o.measure, &b, &e);
	if (x < 0)
		console__fail(r, &e);
	else
		console__answer(r, 200, "application/json", buf_view(&b));
	buf_clear(&b);
}

/* --- executions --- */

#define MACHINE "audience-measurement"

static int call(struct console *c, struct arena *a, const char *operation, const struct json *in, const struct json **ret,
		struct err *e)
{
	struct op_caller caller = { .account = c->o.account, .access_key = "console", .source_ip = "127.0.0.1" };

	caller.arn = arena_printf(a, "arn:aws:iam::%s:root", c->o.account);
	return op_call(c->o.registry, "states", operation, in, &caller, a, ret, e);
}

static const char *arn(struct console *c, struct arena *a, const char *kind, const char *name)
{
	return arena_printf(a, "arn:aws:states:%s:%s:%s:" MACHINE "%s%s", c->o.region, c->o.account, kind, name ? ":" : "",
			    name ? name : "");
}

static int execution(struct console *c, struct arena *a, const char *name, struct json *out, struct err *e)
{
	struct json *in = json_new_obj(a), *page = json_new_obj(a);
	const struct json *described, *machine, *history;
	int r;

	json_set_str(a, in, "executionArn", arn(c, a, "execution", name));
	r = call(c, a, "DescribeExecution", in, &described, e);
	if (r < 0)
		return r;
	json_set(a, page, "stateMachineArn", json_get(described, "stateMachineArn"));
	r = call(c, a, "DescribeStateMachine", page, &machine, e);
	if (r < 0)
		return r;
	json_set_int(a, in, "maxResults", 1000);
	r = call(c, a, "GetExecutionHistory", in, &history, e);
	json_set(a, out, "execution", described);
	json_set(a, out, "definition", json_get(machine, "definition"));
	json_set(a, out, "events", json_get(history, "events"));
	return r;
}

static void executions(struct console *c, struct http_req *r, struct view name)
{
	struct arena *a = http_arena(r);
	struct json *in = json_new_obj(a), *made = json_new_obj(a);
	const struct json *out = made;
	struct err e = { 0 };
	int x;

	if (name.p) {
		x = execution(c, a, arena_str(a, name), made, &e);
	} else {
		json_set_str(a, in, "stateMachineArn", arn(c, a, "stateMachine", NULL));
		x = call(c, a, "ListExecutions", in, &out, &e);
	}
	if (x < 0)
		console__fail(r, &e);
	else
		console__answer(r, 200, "application/json", view_str(json_text(a, out)));
}

/* --- dispatch --- */

void console_answer(struct console *c, struct http_req *r)
{
	struct view path = http_path(r), rest, id = VIEW_NONE;

	if (!view_eq(http_method(r), VIEW("GET"))) {
		console__error(r, 405, "MethodNotAllowed", "only GET");
		return;
	}
	if (view_eq(path, VIEW("/-/signals"))) {
		console__signals(c, r);
		return;
	}
	rest = view_starts(path, VIEW("/-/")) ? view_from(path, 3) : VIEW_NONE;
	if (view_split(&rest, '/', &path) && rest.p)
		id = rest;
	if (id.p && (!uri_decode(http_arena(r), id, false, &id) || !id.n || view_chr(id, '/') >= 0))
		console__error(r, 404, "ResourceNotFoundException", "there is no such path");
	else if (view_eq(path, VIEW("measurements")))
		measurements(c, r, id);
	else if (view_eq(path, VIEW("executions")))
		executions(c, r, id);
	else
		console__error(r, 404, "ResourceNotFoundException", "there is no such path");
}
