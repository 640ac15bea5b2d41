/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_s3: buckets, and uploads of artifacts. */
#include <string.h>

#include "base/xml.h"
#include "cli/deploy_int.h"

static int s3_call(struct deploy *d, const char *method, const char *bucket, const char *query,
		   const char *body, struct http_result *res, struct err *e)
{
	const struct sign_header headers[] = { { "content-type", "application/xml" } };
	const struct aws_request q = {
		.service = "s3",
		.method = method,
		.path = arena_printf(d->a, "/%s", bucket),
		.query = query,
		.headers = headers,
		.n_headers = body ? 1 : 0,
		.body = view_str(body),
	};

	return aws_client_call(d->aws, &q, d->a, res, e);
}

int deploy_bucket(struct deploy *d, const char *name, bool *ret_created, struct err *e)
{
	const char *region = aws_client_info(d->aws)->region;
	const char *where = arena_printf(
		d->a,
		"<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>",
		region);
	struct http_result res;
	int r = s3_call(d, "HEAD", name, NULL, NULL, &res, e);

	*ret_created = false;
	if (r != ERR_NOENT)
		return r < 0 ? err_ctx(e, "bucket %s", name) : 0;
	err_clear(e);
	*ret_created = true;
	return s3_call(d, "PUT", name, NULL, strcmp(region, "us-east-1") == 0 ? NULL : where, &res,
		       e);
}

static int notification(struct deploy *d, struct deploy_resource *r, bool on, struct err *e)
{
	struct http_result res;
	const struct xml *x;
	bool is_on;
	int rc = s3_call(d, "GET", r->name, "notification=", NULL, &res, e);

	if (rc < 0)
		return rc;
	x = xml_parse(d->a, res.body, e);
	if (!x)
		return err_ctx(e, "notification configuration");
	is_on = xml_get(x, "EventBridgeConfiguration") != NULL;
	if (is_on == on)
		return 0;
	/* Putting a configuration replaces all of it: do not take away what others have put there. */
	for (x = x->child; x; x = x->next)
		if (!view_eq(x->name, VIEW("EventBridgeConfiguration")))
			return err_set(e, ERR_UNSUPPORTED,
				       "%s.NotificationConfiguration: the bucket has %.*s, which "
				       "would be lost",
				       r->place, VIEW_ARG(x->name));
	if (strcmp(r->action, "unchanged") == 0)
		r->action = "updated";
	return s3_call(d, "PUT", r->name, "notification=",
		       on ? "<NotificationConfiguration><EventBridgeConfiguration/></"
			    "NotificationConfiguration>"
			  : "<NotificationConfiguration/>",
		       &res, e);
}

int deploy_put_bucket(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	const struct json *bridge = json_get(json_get(r->given, "NotificationConfiguration"),
					     "EventBridgeConfiguration");
	const struct json *enabled = json_get(bridge, "EventBridgeEnabled");
	bool created;
	int rc = deploy_bucket(d, r->name, &created, e);

	r->action = created ? "created" : "unchanged";
	if (rc == 0 && bridge)
		rc = notification(d, r, !enabled || json_is_true(enabled), e);
	return rc;
}

int deploy_upload(struct deploy *d, const struct deploy_artifact *f, struct err *e)
{
	struct http_result res;
	const struct aws_request q = { .service = "s3",
				       .method = "HEAD",
				       .path = aws_client_s3_path(d->a, d->bucket, f->key) };
	int r = aws_client_call(d->aws, &q, d->a, &res, e);

	if (r != ERR_NOENT)
		return r < 0 ? err_ctx(e, "s3://%s/%s", d->bucket, f->key) : 0;
	err_clear(e);
	return aws_client_put(d->aws, d->bucket, f->key, "application/octet-stream", f->data, d->a,
			      e);
}
