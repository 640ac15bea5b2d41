/* SPDX-License-Identifier: Apache-2.0 */
/* cors -- a bucket's rules for pages of other origins: kept, given back, and what they say to a request. */
#include <inttypes.h>

#include "aws/cors.h"
#include "base/limits.h"
#include "svc/s3/s3_ops.h"

#define KIND "cors"
#define DOCUMENT_MAX (64 * KIB)

static const char *const methods[] = { "GET", "PUT", "HEAD", "POST", "DELETE" };

/* --- what the rules say --- */

/* @pattern may have one `*`, which stands for any text. */
static bool fits(struct view pattern, struct view text, bool nocase)
{
	ptrdiff_t star = view_chr(pattern, '*');
	bool (*eq)(struct view, struct view) = nocase ? view_eq_nocase : view_eq;
	struct view head, tail;

	if (star < 0)
		return eq(pattern, text);
	head = view_sub(pattern, 0, (size_t)star);
	tail = view_from(pattern, (size_t)star + 1);
	return text.n >= head.n + tail.n && eq(view_sub(text, 0, head.n), head) &&
	       eq(view_from(text, text.n - tail.n), tail);
}

/* The element of @list that fits, or VIEW_NONE. */
static struct view fitting(const struct json *list, struct view text, bool nocase)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (fits(json_str(json_at(list, i)), text, nocase))
			return json_str(json_at(list, i));
	return VIEW_NONE;
}

static const char *joined(const struct json *list, struct arena *a)
{
	const char *all = NULL;

	for (size_t i = 0; i < json_len(list); i++) {
		struct view one = json_str(json_at(list, i));

		all = all ? arena_printf(a, "%s, %.*s", all, VIEW_ARG(one)) : arena_str(a, one);
	}
	return all;
}

/* Every header that is asked for has to be allowed; those are then named. */
static bool headers_allowed(const struct json *rule, struct view asked, struct arena *a, const char **ret)
{
	const struct json *allowed = json_get(rule, "AllowedHeaders");
	struct json *named = json_new_arr(a);
	struct view one;

	while (asked.p && view_split(&asked, ',', &one)) {
		one = view_trim(one);
		if (one.n && !fitting(allowed, one, true).p)
			return false;
		if (one.n)
			json_push(a, named, json_new_str(a, one));
	}
	*ret = joined(named, a);
	return true;
}

static bool rule_says(const struct json *rule, const struct cors_ask *ask, struct arena *a, struct cors_say *ret)
{
	struct view origin = fitting(json_get(rule, "AllowedOrigins"), ask->origin, false);
	const struct json *age = json_get(rule, "MaxAgeSeconds");
	const char *headers = NULL;

	if (!origin.p || !fitting(json_get(rule, "AllowedMethods"), ask->method, false).p ||
	    !headers_allowed(rule, ask->headers, a, &headers))
		return false;
	*ret = (struct cors_say){
		.allow_origin = view_eq_str(origin, "*") ? "*" : arena_str(a, ask->origin),
		.credentials = !view_eq_str(origin, "*"),
		.allow_methods = joined(json_get(rule, "AllowedMethods"), a),
		.allow_headers = headers,
		.expose_headers = joined(json_get(rule, "ExposeHeaders"), a),
		.max_age = age ? arena_printf(a, "%" PRId64, json_int(age, 0)) : NULL,
	};
	return true;
}

struct cors_arg {
	const char *bucket;
	struct arena *arena;
	const char *doc; /* NULL: there is none; on the way in: takes it away */
	bool need;       /* the bucket has to be there */
};

static int read_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct cors_arg *c = arg;
	int rc = c->need ? s3__bucket_need(tx, c->bucket, NULL, e) : 0;

	if (!rc)
		rc = s3__config_get(tx, c->bucket, KIND, c->arena, &c->doc, e);
	return rc < 0 ? rc : 0;
}

static const struct json *rules_of(struct arena *a, const char *doc)
{
	struct err e = { 0 };

	return doc ? json_get(json_parse(a, view_str(doc), JSON_DEPTH, &e), "CORSRules") : NULL;
}

bool s3__cors(void *self, const struct cors_ask *ask, struct arena *a, struct cors_say *ret)
{
	struct s3 *s = self;
	struct cors_arg c = { .bucket = arena_str(a, ask->bucket), .arena = a };
	struct err e = { 0 };
	const struct json *rules;

	if (meta_read(s->meta, read_fn, &c, &e) < 0)
		return false;
	rules = rules_of(a, c.doc);
	for (size_t i = 0; i < json_len(rules); i++)
		if (rule_says(json_at(rules, i), ask, a, ret))
			return true;
	return false;
}

/* --- the operations --- */

static bool one_star(const char *s)
{
	const char *star = strchr(s, '*');

	return !star || !strchr(star + 1, '*');
}

static int check_patterns(struct op_ctx *cx, const struct op_list *l, const char *what)
{
	const char *const *v = l->v;

	for (size_t i = 0; i < l->n; i++) {
		if (!one_star(v[i]))
			return aws_fail(&cx->err, &S3_INVALID_REQUEST,
					"%s \"%s\" can not have more than one wildcard.", what, v[i]);
		if (!s3__sendable(v[i]))
			return aws_fail(&cx->err, &S3_INVALID_REQUEST, "%s contains invalid character.", what);
	}
	return 0;
}

static int check_methods(struct op_ctx *cx, const struct op_list *l)
{
	const char *const *v = l->v;

	for (size_t i = 0; i < l->n; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(methods); k++)
			known = known || strcmp(v[i], methods[k]) == 0;
		if (!known)
			return aws_fail(&cx->err, &S3_INVALID_REQUEST,
					"Found unsupported HTTP method in CORS config. Unsupported method is %s", v[i]);
	}
	return 0;
}

static int check_exposed(struct op_ctx *cx, const struct op_list *l)
{
	const char *const *v = l->v;

	for (size_t i = 0; i < l->n; i++) {
		if (strchr(v[i], '*'))
			return aws_fail(&cx->err, &S3_INVALID_REQUEST,
					"ExposeHeader \"%s\" contains wildcard. We currently do not support wildcard for "
					"ExposeHeader.", v[i]);
		if (!v[i][0] || !s3__sendable(v[i]) || strpbrk(v[i], "\t \"(),/:;<=>?@[\\]{}"))
			return aws_fail(&cx->err, &S3_INVALID_REQUEST, "ExposeHeader \"%s\" contains invalid character.",
					v[i]);
	}
	return 0;
}

static int check_rule(struct op_ctx *cx, const struct in_cors_rule *r)
{
	int rc = 0;

	if (!r->methods.n || !r->origins.n)
		rc = aws_fail(&cx->err, &S3_MALFORMED_XML, "The XML you provided was not well-formed or did not validate "
			      "against our published schema");
	if (!rc)
		rc = check_methods(cx, &r->methods);
	if (!rc)
		rc = check_patterns(cx, &r->origins, "AllowedOrigin");
	if (!rc)
		rc = check_patterns(cx, &r->headers, "AllowedHeader");
	return rc ? rc : check_exposed(cx, &r->expose);
}

static void set_texts(struct arena *a, struct json *o, const char *name, const struct op_list *l)
{
	const char *const *v = l->v;
	struct json *list = json_new_arr(a);

	for (size_t i = 0; i < l->n; i++)
		json_push(a, list, json_new_cstr(a, v[i]));
	if (l->n)
		json_set(a, o, name, list);
}

static const char *document_of(struct arena *a, const struct in_cors_rule *v, size_t n)
{
	struct json *doc = json_new_obj(a), *rules = json_new_arr(a);

	for (size_t i = 0; i < n; i++) {
		struct json *r = json_new_obj(a);

		json_set_str(a, r, "ID", v[i].id);
		set_texts(a, r, "AllowedHeaders", &v[i].headers);
		set_texts(a, r, "AllowedMethods", &v[i].methods);
		set_texts(a, r, "AllowedOrigins", &v[i].origins);
		set_texts(a, r, "ExposeHeaders", &v[i].expose);
		if (v[i].max_age.set)
			json_set_int(a, r, "MaxAgeSeconds", v[i].max_age.v);
		json_push(a, rules, r);
	}
	json_set(a, doc, "CORSRules", rules);
	return json_text(a, doc);
}

static int write_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct cors_arg *c = arg;
	int rc = s3__bucket_need(tx, c->bucket, NULL, e);

	if (rc)
		return rc;
	return c->doc ? s3__config_put(tx, c->bucket, KIND, c->doc, e) : s3__config_remove(tx, c->bucket, KIND, e);
}

int s3__put_cors(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_put_cors *in = input;
	const struct in_cors_rule *v = in->config->rules.v;
	size_t n = in->config->rules.n;
	struct s3 *s = cx->self;
	struct cors_arg c = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc && (!n || n > S3_CORS_RULES_MAX))
		rc = aws_fail(&cx->err, &S3_MALFORMED_XML, "The XML you provided was not well-formed or did not validate "
			      "against our published schema");
	for (size_t i = 0; !rc && i < n; i++)
		rc = check_rule(cx, &v[i]);
	if (rc)
		return rc;
	c.doc = document_of(cx->arena, v, n);
	if (strlen(c.doc) > DOCUMENT_MAX)
		return aws_fail(&cx->err, &S3_INVALID_REQUEST, "The CORS configuration is larger than %lu bytes", DOCUMENT_MAX);
	return meta_write(s->meta, write_fn, &c, &cx->err);
}

int s3__delete_cors(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct cors_arg c = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	return rc ? rc : meta_write(s->meta, write_fn, &c, &cx->err);
}

static void out_texts(struct out *o, const struct json *rule, const char *member, const char *element)
{
	const struct json *l = json_get(rule, member);

	out_list(o, NULL, element);
	for (size_t i = 0; i < json_len(l); i++)
		out_view(o, NULL, json_str(json_at(l, i)));
	out_list_end(o);
}

int s3__get_cors(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct cors_arg c = { .bucket = in->bucket, .arena = cx->arena, .need = true };
	const struct json *rules;
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_read(s->meta, read_fn, &c, &cx->err);
	if (!rc && !c.doc)
		rc = aws_fail(&cx->err, &S3_NO_SUCH_CORS, "The CORS configuration does not exist");
	if (rc)
		return rc;
	rules = rules_of(cx->arena, c.doc);
	out_root(o, "CORSConfiguration");
	out_list(o, NULL, "CORSRule");
	for (size_t i = 0; i < json_len(rules); i++) {
		const struct json *r = json_at(rules, i);

		out_obj(o, NULL);
		out_view(o, "ID", json_get_str(r, "ID"));
		out_texts(o, r, "AllowedHeaders", "AllowedHeader");
		out_texts(o, r, "AllowedMethods", "AllowedMethod");
		out_texts(o, r, "AllowedOrigins", "AllowedOrigin");
		out_texts(o, r, "ExposeHeaders", "ExposeHeader");
		if (json_get(r, "MaxAgeSeconds"))
			out_int(o, "MaxAgeSeconds", json_int(json_get(r, "MaxAgeSeconds"), 0));
		out_obj_end(o);
	}
	out_list_end(o);
	return 0;
}
