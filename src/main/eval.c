/* SPDX-License-Identifier: Apache-2.0 */
/* eval: the pure functions over JSON lines, for tests, debugging and users. */
#include "main/eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/gate_eval.h"
#include "aws/policy_json.h"
#include "base/base64.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "data/intrinsic.h"
#include "data/jsonpath.h"
#include "data/layout.h"
#include "data/pattern.h"
#include "data/prefix.h"
#include "os/clock.h"
#include "os/crypto.h"

#define LINE_MAX_BYTES (64 * MIB)
#define ANSWER_MAX GIB
#define ARENA_MAX (4 * GIB) /* decoded frames are many times their bytes */

struct eval_call {
	struct arena *a;
	const struct json *in;
	const char *code; /* of the error, if there will be one */
};

/* A broken line, as opposed to a function that fails. */
static int bad_line(struct eval_call *c, struct err *e, const char *what)
{
	c->code = "InvalidInput";
	return err_set(e, ERR_INVALID, "%s", what);
}

/* Every member of the line is one of @names (ended by NULL): a misspelt one is not ignored. */
static int only(struct eval_call *c, const char *const *names, struct err *e)
{
	for (size_t i = 0; i < json_len(c->in); i++) {
		size_t k = 0;

		while (names[k] && !view_eq_str(c->in->obj.v[i].name, names[k]))
			k++;
		if (!names[k])
			return bad_line(c, e,
					arena_printf(c->a, "member \"%.*s\" is not known",
						     VIEW_ARG(c->in->obj.v[i].name)));
	}
	return 0;
}

static struct json *answer(struct arena *a, const char *name, const struct json *v)
{
	struct json *o = json_new_obj(a);

	json_set(a, o, name, v);
	return o;
}

/* --- pattern --- */

static int eval_pattern(struct eval_call *c, const struct json **ret, struct err *e)
{
	static const char *const names[] = { "pattern", "event", NULL };
	const struct json *given = json_get(c->in, "pattern"), *event = json_get(c->in, "event");
	struct pattern *p;

	if (only(c, names, e) < 0)
		return e->code;
	if (!given || !event)
		return bad_line(c, e, "members pattern and event are required");
	if (json_is(event, JSON_STR))
		event = json_parse(c->a, json_str(event), JSON_DEPTH, e);
	if (!event)
		return e->code;
	c->code = "InvalidEventPatternException";
	p = pattern_compile(
		json_is(given, JSON_STR) ? json_str(given) : view_str(json_text(c->a, given)), e);
	if (!p)
		return e->code;
	*ret = answer(c->a, "match", json_new_bool(pattern_match(p, event)));
	pattern_free(p);
	return 0;
}

/* --- jsonpath, intrinsic --- */

static int path_value(struct arena *a, struct view path, const struct json *root,
		      const struct json **ret, struct err *e)
{
	const struct jsonpath *p = jsonpath_compile(a, path, e);

	return p ? jsonpath_get(a, p, root, ret, e) : e->code;
}

static int eval_jsonpath(struct eval_call *c, const struct json **ret, struct err *e)
{
	static const char *const names[] = { "path", "data", NULL };
	struct view path = json_get_str(c->in, "path");
	const struct json *v = NULL;

	if (only(c, names, e) < 0)
		return e->code;
	if (!path.p || !json_get(c->in, "data"))
		return bad_line(c, e, "members path (text) and data are required");
	c->code = "States.Runtime";
	if (path_value(c->a, path, json_get(c->in, "data"), &v, e) < 0)
		return e->code;
	*ret = answer(c->a, "result", v);
	return 0;
}

/* "$.x" is of the data, "$$.x" of the context. */
static int argument(void *arg, struct view path, const struct json **ret, struct err *e)
{
	struct eval_call *c = arg;
	bool context = view_starts(path, VIEW("$$"));
	const struct json *root = json_get(c->in, context ? "context" : "data");

	if (!root)
		return err_set(e, ERR_NOENT, "there is no %s for %.*s",
			       context ? "context" : "data", VIEW_ARG(path));
	return path_value(c->a, context ? view_from(path, 1) : path, root, ret, e);
}

static bool hash(void *arg, struct view algorithm, struct view v, char out[129])
{
	static const struct {
		const char *name;
		enum digest_kind kind;
	} kinds[] = { { "MD5", DIGEST_MD5 },
		      { "SHA-1", DIGEST_SHA1 },
		      { "SHA-256", DIGEST_SHA256 },
		      { "SHA-384", DIGEST_SHA384 },
		      { "SHA-512", DIGEST_SHA512 } };
	uint8_t d[DIGEST_MAX];

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n;

		if (!view_eq_str(algorithm, kinds[i].name))
			continue;
		n = digest_once(kinds[i].kind, v, d);
		hex_encode(out, d, n);
		out[2 * n] = 0;
		return true;
	}
	return false;
}

static void uuid(void *arg, char out[37])
{
	(void)arg;
	uuid4(out);
}

static uint64_t random_bits(void *arg)
{
	uint64_t n;

	(void)arg;
	random_bytes(&n, sizeof(n));
	return n;
}

static int eval_intrinsic(struct eval_call *c, const struct json **ret, struct err *e)
{
	static const char *const names[] = { "call", "data", "context", NULL };
	const struct intrinsic_env env = { c, argument, hash, uuid, random_bits };
	struct view call = json_get_str(c->in, "call");
	const struct intrinsic *in;
	const struct json *v = NULL;

	if (only(c, names, e) < 0)
		return e->code;
	if (!call.p)
		return bad_line(c, e, "member call (text) is required");
	c->code = "States.IntrinsicFailure";
	in = intrinsic_compile(c->a, call, e);
	if (!in || intrinsic_eval(c->a, in, &env, &v, e) < 0)
		return e->code;
	*ret = answer(c->a, "result", v);
	return 0;
}

/* --- layout --- */

struct decoded {
	struct arena *a;
	struct json *records;
};

static void take_frame(void *ctx, const struct layout_frame *f)
{
	struct decoded *d = ctx;

	json_push(d->a, d->records, json_deep(d->a, layout_frame_json(d->a, f)));
}

static int layout_bytes(struct eval_call *c, struct view *ret, struct err *e)
{
	struct view hex = json_get_str(c->in, "hex"), b64 = json_get_str(c->in, "base64");
	char *p;

	if ((hex.p != NULL) == (b64.p != NULL))
		return bad_line(c, e, "one of hex and base64 (text) is required");
	if (b64.p)
		return base64_decode_arena(c->a, b64, ret) ? 0
							   : bad_line(c, e, "base64 is not valid");
	p = arena_alloc(c->a, hex.n / 2 + 1);
	if (hex.n % 2 || !hex_decode(p, hex))
		return bad_line(c, e, "hex is not valid");
	*ret = view_of(p, hex.n / 2);
	return 0;
}

/* One from the catalog by its id, or a layout's own JSON; the caller unrefs. */
static const struct layout *layout_of(struct eval_call *c, struct err *e)
{
	const struct json *v = json_get(c->in, "layout");
	const struct layout *l;

	if (json_is(v, JSON_OBJ))
		return layout_compile_json(VIEW("inline"), v, e);
	if (!json_is(v, JSON_STR)) {
		bad_line(c, e, "member layout (an id, or a layout as object) is required");
		return NULL;
	}
	l = layout_catalog_by_id(json_str(v));
	if (!l)
		err_set(e, ERR_NOENT, "there is no layout \"%.*s\"", VIEW_ARG(json_str(v)));
	return l ? layout_ref(l) : NULL;
}

static struct json *report_json(struct arena *a, const struct layout_report *r)
{
	struct json *o = json_new_obj(a);

	json_set_int(a, o, "frames", (int64_t)r->frames);
	json_set_int(a, o, "bad", (int64_t)r->bad);
	json_set_int(a, o, "lost", (int64_t)r->lost);
	json_set_int(a, o, "dup", (int64_t)r->dup);
	return o;
}

static int decode(struct eval_call *c, const struct layout *l, struct view bytes,
		  const struct json **ret, struct err *e)
{
	struct layout_stream *s = layout_stream_new(l, json_get(c->in, "params"), e);
	struct decoded d = { c->a, json_new_arr(c->a) };
	const struct layout_sink sink = { &d, take_frame, NULL };
	struct json *o;

	if (!s)
		return e->code;
	layout_stream_feed(s, bytes, &sink);
	layout_stream_gap(s, &sink);
	o = answer(c->a, "report", report_json(c->a, layout_stream_report(s)));
	json_set(c->a, o, "records", d.records);
	layout_stream_free(s);
	*ret = o;
	return 0;
}

static int eval_layout(struct eval_call *c, const struct json **ret, struct err *e)
{
	static const char *const names[] = { "layout", "params", "hex", "base64", NULL };
	const struct layout *l;
	struct view bytes = VIEW_NONE;
	int r;

	if (only(c, names, e) < 0 || layout_bytes(c, &bytes, e) < 0)
		return e->code;
	c->code = "InvalidLayout";
	l = layout_of(c, e);
	if (!l)
		return e->code;
	r = decode(c, l, bytes, ret, e);
	layout_unref(l);
	return r;
}

/* --- prefix --- */

static struct json *prefix_text(struct arena *a, const struct prefix *p,
				const struct prefix_env *env)
{
	struct json *ret;
	struct buf b;

	buf_init(&b, MIB);
	prefix_eval(p, env, &b);
	ret = json_new_str(a, buf_view(&b));
	buf_clear(&b);
	return ret;
}

static struct view prefix_key(void *arg, enum prefix_keys kind, struct view name)
{
	const struct json *in = arg;

	return json_str(json_get_view(json_get(in, kind == PREFIX_QUERY ? "query" : "lambda"), name));
}

/* Delivery sends a record without one of its keys to the error prefix. */
static int keys_given(struct eval_call *c, const struct prefix *p, struct err *e)
{
	enum prefix_keys kind;
	struct view name;
	size_t at = 0;

	while (prefix_next_key(p, &at, &kind, &name))
		if (!prefix_key((void *)(uintptr_t)c->in, kind, name).n)
			return err_set(e, ERR_INVALID, "prefix: partition key %.*s: member %s has no text for it", VIEW_ARG(name),
				       kind == PREFIX_QUERY ? "query" : "lambda");
	return 0;
}

static int eval_prefix(struct eval_call *c, const struct json **ret, struct err *e)
{
	/* stream: of the line as a delivery stream has it; no expression depends on it. */
	static const char *const names[] = { "prefix", "error_prefix", "time_ms", "error_type",
					     "seed",   "stream",       "query",   "lambda",     NULL };
	struct view text = json_get_str(c->in, "prefix"),
		    error_text = json_get_str(c->in, "error_prefix");
	struct view type = json_get_str(c->in, "error_type");
	const struct prefix *data, *error = NULL;
	struct prefix_env env;
	struct json *o;

	if (only(c, names, e) < 0)
		return e->code;
	if (!text.p)
		return bad_line(c, e, "member prefix (text) is required");
	if (json_get(c->in, "time_ms") && !json_is(json_get(c->in, "time_ms"), JSON_INT))
		return bad_line(c, e, "time_ms must be an integer");
	c->code = "InvalidArgumentException";
	if (prefix_parse(c->a, text, PREFIX_DATA, &data, e) < 0)
		return err_ctx(e, "prefix");
	if (error_text.p && prefix_parse(c->a, error_text, PREFIX_ERROR, &error, e) < 0)
		return err_ctx(e, "error_prefix");
	if (prefix_check_pair(data, error, e) < 0 || keys_given(c, data, e) < 0)
		return e->code;
	env = (struct prefix_env){ .at_ms = json_int(json_get(c->in, "time_ms"), clock_ms()),
				   .error_type = type.p ? arena_str(c->a, type) : "processing-failed",
				   .seed = (uint64_t)json_int(json_get(c->in, "seed"), 0),
				   .key = prefix_key,
				   .arg = (void *)(uintptr_t)c->in };
	o = answer(c->a, "prefix", prefix_text(c->a, data, &env));
	if (error)
		json_set(c->a, o, "error_prefix", prefix_text(c->a, error, &env));
	*ret = o;
	return 0;
}

/* --- sigv4 --- */

static int eval_sigv4(struct eval_call *c, const struct json **ret, struct err *e)
{
	c->code = "InvalidInput";
	return gate_eval(c->a, c->in, ret, e);
}

/* --- policy --- */

static int eval_policy(struct eval_call *c, const struct json **ret, struct err *e)
{
	c->code = "MalformedPolicy";
	return policy_json(c->a, c->in, ret, e);
}

/* --- lines --- */

static const struct eval_fn {
	const char *name, *doc, *in, *out;
	int (*fn)(struct eval_call *c, const struct json **ret, struct err *e);
} fns[] = {
	{ "pattern", "does an EventBridge pattern match an event?",
	  "{\"pattern\":{\"source\":[{\"prefix\":\"aws.\"}]},\"event\":{\"source\":\"aws.s3\"}}",
	  "{\"match\":true}", eval_pattern },
	{ "jsonpath", "what a path of the Amazon States Language gives",
	  "{\"path\":\"$.a[0]\",\"data\":{\"a\":[1,2]}}", "{\"result\":1}", eval_jsonpath },
	{ "intrinsic", "what an intrinsic function of the Amazon States Language gives",
	  "{\"call\":\"States.Format('hi {}', $.who)\",\"data\":{\"who\":\"you\"}}",
	  "{\"result\":\"hi you\"}", eval_intrinsic },
	{ "layout",
	  "a device's bytes decoded by a layout (an id of the catalog, or a layout as object)",
	  "{\"layout\":\"ble.hr2a37@1\",\"hex\":\"020048\"}",
	  "{\"report\":{\"frames\":1,\"bad\":0,\"lost\":0,\"dup\":0},\"records\":[...]}",
	  eval_layout },
	{ "policy", "what a policy document says to a request",
	  "{\"policy\":{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:Get*\","
	  "\"Resource\":\"arn:aws:s3:::b/*\"}},\"request\":{\"action\":\"s3:GetObject\",\"resource\":"
	  "\"arn:aws:s3:::b/k\"}}",
	  "{\"effect\":\"Allow\",\"public\":true}", eval_policy },
	{ "prefix", "a delivery stream's prefix expressions at a time",
	  "{\"prefix\":\"raw/!{timestamp:yyyy/MM/dd}/\",\"error_prefix\":\"bad/"
	  "!{firehose:error-output-type}/\",\"time_ms\":0}",
	  "{\"prefix\":\"raw/1970/01/01/\",\"error_prefix\":\"bad/processing-failed/\"}",
	  eval_prefix },
	{ "sigv4", "the steps of Signature Version 4; with \"verify\", the gate's verdict",
	  "{\"method\":\"GET\",\"path\":\"/"
	  "\",\"headers\":[[\"host\",\"h\"],[\"x-amz-date\",\"20150830T123600Z\"]],\"body\":\"\","
	  "\"date\":\"20150830T123600Z\",\"region\":\"us-east-1\",\"service\":\"service\","
	  "\"secret\":\"s\"}",
	  "{\"canonical_request\":\"...\",\"string_to_sign\":\"...\",\"signature\":\"...\"}",
	  eval_sigv4 },
};

static const struct json *error_json(struct arena *a, const char *code, const char *message)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "code", code);
	json_set_str(a, o, "message", message);
	return answer(a, "error", o);
}

static const struct json *eval_line(const struct eval_fn *f, struct view line, struct arena *a)
{
	struct eval_call c = { .a = a, .code = "InvalidInput" };
	const struct json *ret = NULL;
	struct err e = { 0 };

	if (line.n > LINE_MAX_BYTES)
		return error_json(a, c.code, "the line is over 64 MiB");
	c.in = json_parse(a, line, JSON_DEPTH, &e);
	if (c.in && !json_is(c.in, JSON_OBJ))
		err_set(&e, ERR_INVALID, "a line must be a JSON object");
	if (!e.code && f->fn(&c, &ret, &e) == 0)
		return ret;
	must(e.code);
	return error_json(a, c.code, e.msg);
}

static void freep(char **p)
{
	free(*p);
}

static int eval_stream(const struct eval_fn *f, FILE *in, FILE *out)
{
	CLEANUP(freep) char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, in)) >= 0) {
		struct view v = view_trim(view_of(line, (size_t)n));
		struct arena a;
		struct buf b;

		arena_init(&a, ARENA_MAX);
		buf_init(&b, ANSWER_MAX);
		json_print(&b, eval_line(f, v, &a));
		if (b.over) {
			buf_reset(&b);
			json_print(&b, error_json(&a, "TooLarge", "the answer is over 1 GiB"));
		}
		fwrite(buf_view(&b).p, 1, b.n, out);
		fputc('\n', out);
		fflush(out); /* a caller may wait for each answer */
		buf_clear(&b);
		arena_clear(&a);
	}
	return ferror(in) || ferror(out) ? cli_fail(EXIT_FAILED, "input or output failed") : 0;
}

static int eval_help(void)
{
	puts("usage: mulgil eval FUNCTION < LINES\n\n"
	     "Runs a pure function over JSON lines: one answer per line, in order.  What fails "
	     "gives\n"
	     "{\"error\":{\"code\":...,\"message\":...}} in its place.\n\nfunctions:");
	for (size_t i = 0; i < ARRAY_LEN(fns); i++)
		printf("  %-10s %s\n    in:  %s\n    out: %s\n", fns[i].name, fns[i].doc, fns[i].in,
		       fns[i].out);
	return 0;
}

int eval_main(int argc, char **argv)
{
	const struct eval_fn *f = NULL;
	bool help = false;

	for (int i = 0; i < argc; i++)
		help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
	if (help)
		return eval_help();
	for (size_t i = 0; i < ARRAY_LEN(fns) && argc == 1; i++)
		if (strcmp(argv[0], fns[i].name) == 0)
			f = &fns[i];
	if (!f)
		return cli_fail(EXIT_USAGE, "one of pattern, jsonpath, intrinsic, layout, prefix "
					    "and sigv4 is expected; see mulgil eval --help");
	return eval_stream(f, stdin, stdout);
}
