/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_lambda: functions and their URLs. */
#include <string.h>

#include "base/base64.h"
#include "cli/deploy_int.h"

static int lambda_call(struct deploy *d, const char *method, const char *path,
		       const struct json *in, const struct json **ret, struct err *e)
{
	const struct sign_header headers[] = { { "content-type", "application/json" } };
	const struct aws_request q = {
		.service = "lambda",
		.method = method,
		.path = path,
		.headers = headers,
		.n_headers = in ? 1 : 0,
		.body = view_str(in ? json_text(d->a, in) : NULL),
	};
	struct http_result res;
	int r = aws_client_call(d->aws, &q, d->a, &res, e);

	if (r < 0)
		return r;
	*ret = json_parse(d->a, res.body, JSON_DEPTH, e);
	return *ret ? 0 : err_ctx(e, "%s %s", method, path);
}

/* What CreateFunction and UpdateFunctionConfiguration take: all but the code. */
static struct json *settings(struct deploy *d, const struct deploy_resource *r)
{
	struct json *o = json_new_obj(d->a);

	for (size_t i = 0; i < json_len(r->given); i++) {
		const struct json_member *m = &r->given->obj.v[i];

		if (!view_eq(m->name, VIEW("CodeUri")) && !view_eq(m->name, VIEW("Code")) &&
		    !view_eq(m->name, VIEW("FunctionName")))
			json_set_view(d->a, o, m->name, m->value);
	}
	return o;
}

static void set_code(struct deploy *d, const struct deploy_resource *r, struct json *o)
{
	json_set_str(d->a, o, "S3Bucket", d->bucket);
	json_set_str(d->a, o, "S3Key", r->artifact.key);
}

static int create(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	struct json *in = settings(d, r), *code = json_new_obj(d->a);
	const struct json *out;

	set_code(d, r, code);
	json_set_str(d->a, in, "FunctionName", r->name);
	json_set(d->a, in, "Code", code);
	r->action = "created";
	return lambda_call(d, "POST", "/2015-03-31/functions", in, &out, e);
}

static int update_code(struct deploy *d, struct deploy_resource *r, const struct json *have,
		       const char *path, struct err *e)
{
	struct view sha = base64_encode_arena(d->a, view_of(r->artifact.sha256, 32));
	struct json *in = json_new_obj(d->a);
	const struct json *out, *archs = json_get(r->given, "Architectures");

	if (view_eq(sha, json_get_str(have, "CodeSha256")) &&
	    (!archs || json_equal(archs, json_get(have, "Architectures"))))
		return 0;
	set_code(d, r, in);
	if (archs)
		json_set(d->a, in, "Architectures", archs);
	r->action = "updated";
	return lambda_call(d, "PUT", arena_printf(d->a, "%s/code", path), in, &out, e);
}

int deploy_put_function(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	const char *path = arena_printf(d->a, "/2015-03-31/functions/%s", r->name);
	struct json *want = settings(d, r), *in = json_new_obj(d->a);
	const struct json *have, *out;
	int rc = lambda_call(d, "GET", arena_printf(d->a, "%s/configuration", path), NULL, &have,
			     e);

	if (rc == ERR_NOENT) {
		err_clear(e);
		return create(d, r, e);
	}
	if (rc < 0)
		return rc;
	r->action = "unchanged";
	rc = update_code(d, r, have, path, e);
	for (size_t i = 0; i < json_len(want); i++)
		if (!view_eq(want->obj.v[i].name, VIEW("Architectures")))
			json_set_view(d->a, in, want->obj.v[i].name, want->obj.v[i].value);
	if (rc < 0 || !schema_differs(d->a, r->kind->props, in, have, r->place))
		return rc;
	r->action = "updated";
	return lambda_call(d, "PUT", arena_printf(d->a, "%s/configuration", path), in, &out, e);
}

int deploy_put_url(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	const char *path = arena_printf(d->a, "/2021-10-31/functions/%s/url", r->name);
	struct json *want = json_new_obj(d->a);
	const struct json *have;
	int rc = lambda_call(d, "GET", path, NULL, &have, e);

	for (size_t i = 0; i < json_len(r->given); i++)
		if (!view_eq(r->given->obj.v[i].name, VIEW("TargetFunctionArn")))
			json_set_view(d->a, want, r->given->obj.v[i].name,
				      r->given->obj.v[i].value);
	r->action = "unchanged";
	if (rc == ERR_NOENT) {
		err_clear(e);
		r->action = "created";
		rc = lambda_call(d, "POST", path, want, &have, e);
	} else if (rc == 0 && schema_differs(d->a, r->kind->props, want, have, r->place)) {
		r->action = "updated";
		rc = lambda_call(d, "PUT", path, want, &have, e);
	}
	if (rc == 0)
		r->url = arena_str(d->a, json_get_str(have, "FunctionUrl"));
	return rc;
}
