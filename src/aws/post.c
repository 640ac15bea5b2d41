/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST of a browser's form to a bucket: PutObject, asked and signed by the form's fields.
 *
 * The fields take the place of the request's headers in everything that follows, so that what was verified, what
 * the policy judged and what the handler is given are the same values.  Source: AWS "Browser-based uploads using
 * POST"; where AWS's answer is not documented a comment says so.
 */
#include "aws/post_form.h"
#include "aws/post_policy.h"

#include <string.h>

#include "aws/exchange.h"
#include "base/utf8.h"

#define TAGS_TEXT_MAX (64 * KIB)
#define URL_MAX (8 * KIB)

static const struct aws_error INVALID_ARGUMENT = { "InvalidArgument", 400, false };
static const struct aws_error INVALID_REQUEST = { "InvalidRequest", 400, false };
static const struct aws_error DENIED = { "AccessDenied", 403, false };
static const struct aws_error TOO_LARGE = { "EntityTooLarge", 400, false };
static const struct aws_error TOO_SMALL = { "EntityTooSmall", 400, false };

struct exchange_form {
	struct post_form *form;
	struct sigv4_pair *fields; /* ${filename} put in */
	size_t n;
	struct view bucket;
	struct post_range range;
	uint64_t got;
};

/* The bucket when the path is a bucket's and nothing more, else VIEW_NONE. */
static struct view bucket_of(struct view path)
{
	struct view b = view_starts(path, VIEW("/")) ? view_from(path, 1) : VIEW("");

	if (view_ends(b, VIEW("/")))
		b = view_sub(b, 0, b.n - 1);
	return b.n && view_chr(b, '/') < 0 ? b : VIEW_NONE;
}

bool exchange__is_form(struct exchange *x)
{
	static const struct view form = { "multipart/form-data", 19 };

	return view_eq_str(http_method(x->r), "POST") && !http_query(x->r).n && !http_header(x->r, "authorization").p &&
	       view_eq_nocase(view_sub(http_header(x->r, "content-type"), 0, form.n), form) &&
	       bucket_of(exchange__bucket_path(x)).p;
}

static struct view field(const struct exchange_form *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (view_eq_nocase(f->fields[i].name, view_str(name)))
			return f->fields[i].value;
	return VIEW_NONE;
}

/* --- what the fields say --- */

/* "${filename}" stands for the file's name in every field; policies are compared with what it became. */
static struct view with_filename(struct exchange *x, struct view v, struct view filename)
{
	static const struct view mark = { "${filename}", 11 };
	struct buf b;
	struct view r;
	ptrdiff_t at;

	if (view_find(v, mark) < 0)
		return v;
	buf_init(&b, LIMIT_BODY_JSON);
	for (; (at = view_find(v, mark)) >= 0; v = view_from(v, (size_t)at + mark.n)) {
		buf_add_view(&b, view_sub(v, 0, (size_t)at));
		buf_add_view(&b, filename);
	}
	buf_add_view(&b, v);
	r = arena_view(x->a, buf_view(&b));
	buf_clear(&b);
	return r;
}

static void read_fields(struct exchange *x, struct exchange_form *f)
{
	const struct sigv4_pair *v = post_form_fields(f->form, &f->n);
	struct view filename = post_form_filename(f->form);

	f->fields = ARENA_ARRAY(x->a, struct sigv4_pair, f->n + 1);
	for (size_t i = 0; i < f->n; i++)
		f->fields[i] = (struct sigv4_pair){ v[i].name, with_filename(x, v[i].value, filename) };
}

/* Headers that decide something are not part of what a form signs. */
static int check_headers(struct exchange *x)
{
	struct view n, v;

	for (size_t i = 0; http_header_at(x->r, i, &n, &v); i++)
		if (view_eq_nocase(view_sub(n, 0, 6), VIEW("x-amz-")))
			return aws_fail(&x->err, &DENIED,
					"There were headers present in the request which were not signed: %.*s", VIEW_ARG(n));
	return 0;
}

static int missing(struct exchange *x, const char *name)
{
	x->g.error_xml = arena_printf(x->a, "<ArgumentName>%s</ArgumentName><ArgumentValue></ArgumentValue>", name);
	return aws_fail(&x->err, &INVALID_ARGUMENT, "Bucket POST must contain a field named '%s'.  If it is specified, "
			"please check the order of the fields.", name);
}

static int verify_fields(struct exchange *x, struct exchange_form *f)
{
	const struct gate_form g = { .policy = field(f, "policy"), .algorithm = field(f, "x-amz-algorithm"),
				     .credential = field(f, "x-amz-credential"), .date = field(f, "x-amz-date"),
				     .signature = field(f, "x-amz-signature"), .token = field(f, "x-amz-security-token") };
	const struct gate_policy p = { .region = x->aws->o.region, .now_ms = x->aws->o.now_ms() };
	const struct post_fields fields = { f->fields, f->n, f->bucket };
	int rc;

	if (field(f, "AWSAccessKeyId").p || field(f, "signature").p)
		return aws_fail(&x->err, &INVALID_REQUEST,
				"the authorization mechanism you have provided (signature version 2) is not supported. Please "
				"use " SIGV4_ALGORITHM " (boto3: Config(signature_version='s3v4'))");
	if (!g.policy.p) /* nobody is let in without a key */
		return aws_fail(&x->err, &DENIED, "Access Denied");
	rc = gate_verify_form(x->aws->o.credentials, &g, &p, x->a, &x->g, &x->err);
	if (rc < 0)
		return rc;
	x->verified = true;
	x->g.caller.source_ip = http_peer(x->r);
	return post_policy_check(g.policy, &fields, p.now_ms, x->a, &f->range, &x->err);
}

int exchange__form_open(struct exchange *x)
{
	const struct body_source wire = exchange__wire(x);
	struct exchange_form *f = ARENA_NEW(x->a, struct exchange_form);
	struct view named;
	int rc = check_headers(x);

	x->form = f;
	if (rc == 0 && !uri_decode(x->a, bucket_of(exchange__bucket_path(x)), false, &f->bucket))
		rc = aws_fail(&x->err, &AWS_INVALID_URI, "could not parse the specified URI");
	if (rc == 0)
		rc = post_form_open(&wire, http_header(x->r, "content-type"), x->a, &f->form, &x->err);
	if (rc < 0)
		return rc;
	read_fields(x, f);
	rc = verify_fields(x, f);
	if (rc < 0)
		return rc;
	named = field(f, "bucket");
	if (named.p && !view_eq(named, f->bucket))
		return aws_fail(&x->err, &DENIED, "Invalid according to Policy: the field bucket is not the URL's");
	return field(f, "key").n ? 0 : missing(x, "key");
}

/* --- as a PutObject --- */

/* The field tagging is a document, the header x-amz-tagging a query. */
static int tagging_header(struct exchange *x, struct view text, struct view *ret)
{
	struct err why = { 0 };
	const struct xml *doc = xml_parse(x->a, text, &why), *set = xml_get(doc, "TagSet");
	struct buf b;

	if (!doc || !view_eq_str(doc->name, "Tagging") || !set)
		return aws_fail(&x->err, &AWS_MALFORMED_XML, "the XML you provided was not well-formed or did not validate: %s",
				doc ? "Tagging with a TagSet is needed" : why.msg);
	buf_init(&b, TAGS_TEXT_MAX);
	for (const struct xml *tag = set->child; tag; tag = tag->next) {
		struct view key = xml_get_text(tag, "Key"), value = xml_get_text(tag, "Value");

		if (b.n)
			buf_add_char(&b, '&');
		uri_encode(&b, key, false);
		buf_add_char(&b, '=');
		uri_encode(&b, value, false);
	}
	*ret = arena_view(x->a, buf_view(&b));
	buf_clear(&b);
	return 0;
}

/* Fields of a form whose name as a header is another. */
static const char *header_name(struct view field)
{
	if (view_eq_nocase(field, VIEW("acl")))
		return "x-amz-acl";
	return view_eq_nocase(field, VIEW("tagging")) ? "x-amz-tagging" : NULL;
}

/* Names that speak of how a request's body travels, which a form's does not. */
static bool is_framing(struct view name)
{
	static const char *const list[] = { "content-length", "x-amz-content-sha256", "x-amz-decoded-content-length",
					    "x-amz-trailer", "x-amz-tagging", "x-amz-copy-source" };

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (view_eq_nocase(name, view_str(list[i])))
			return true;
	return false;
}

static int fields_as_headers(struct exchange *x, const struct exchange_form *f)
{
	int rc = 0;

	x->headers = ARENA_ARRAY(x->a, struct sigv4_pair, f->n + 1);
	x->params = NULL;
	for (size_t i = 0; rc == 0 && i < f->n; i++) {
		struct sigv4_pair p = f->fields[i];
		const char *renamed = header_name(p.name);

		if (is_framing(p.name))
			return aws_fail(&x->err, &AWS_NOT_IMPLEMENTED, "the form field '%.*s' is not supported",
					VIEW_ARG(p.name));
		if (view_eq_nocase(p.name, VIEW("tagging")))
			rc = tagging_header(x, p.value, &p.value);
		if (renamed)
			p.name = view_str(renamed);
		x->headers[x->n_headers++] = p;
	}
	return rc;
}

static struct view encoded(struct exchange *x, struct view v)
{
	struct buf b;
	struct view r;

	buf_init(&b, 3 * v.n + 1);
	uri_encode(&b, v, false);
	r = arena_view(x->a, buf_view(&b));
	buf_clear(&b);
	return r;
}

int exchange__form_route(struct exchange *x, struct route *ret)
{
	const struct exchange_form *f = x->form;
	int rc = fields_as_headers(x, f);

	x->op = op_find(x->s, VIEW("PutObject"), false);
	must(x->op);
	*ret = (struct route){ .op = x->op, .n_labels = 2 };
	ret->labels[0] = (struct op_pair_view){ VIEW("Bucket"), encoded(x, f->bucket) };
	ret->labels[1] = (struct op_pair_view){ VIEW("Key"), encoded(x, field(f, "key")) };
	return rc;
}

/* The file, within the lengths that the policy allows. */
static ssize_t file_read(void *self, void *p, size_t n, struct err *e)
{
	struct exchange *x = self;
	struct exchange_form *f = x->form;
	ssize_t got = post_form_read(f->form, p, n, e);

	if (got < 0)
		return got;
	f->got += (uint64_t)got;
	if (f->got > f->range.max) {
		x->g.error_xml = arena_printf(x->a, "<ProposedSize>%llu</ProposedSize><MaxSizeAllowed>%llu</MaxSizeAllowed>",
					      (unsigned long long)f->got, (unsigned long long)f->range.max);
		return aws_fail(e, &TOO_LARGE, "Your proposed upload exceeds the maximum allowed size");
	}
	if (got == 0 && f->got < f->range.min) {
		x->g.error_xml = arena_printf(x->a, "<ProposedSize>%llu</ProposedSize><MinSizeAllowed>%llu</MinSizeAllowed>",
					      (unsigned long long)f->got, (unsigned long long)f->range.min);
		return aws_fail(e, &TOO_SMALL, "Your proposed upload is smaller than the minimum allowed size");
	}
	return got;
}

int exchange__form_body(struct exchange *x)
{
	const struct body_source src = { .read = file_read, .self = x, .length = -1 };

	return aws__body_new(&x->g, &src, -1, VIEW_NONE, x->a, &x->body, &x->err);
}

/* --- the answer --- */
static const char *header_out(const struct exchange *x, const char *name)
{
	for (size_t i = 0; i < x->out->n_headers; i++)
		if (strcmp(x->out->headers[i].name, name) == 0)
			return x->out->headers[i].value;
	return "";
}

/* A URL that a header can hold; others are as if the field were not there, as with AWS. */
static struct view redirect_of(const struct exchange_form *f)
{
	struct view v = field(f, "success_action_redirect");

	if (!v.p)
		v = field(f, "redirect");
	if ((!view_starts(v, VIEW("http://")) && !view_starts(v, VIEW("https://"))) || v.n > URL_MAX)
		return VIEW_NONE;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] >= 0x7f)
			return VIEW_NONE;
	return v;
}

static const char *redirect_url(struct exchange *x, struct view to)
{
	const struct exchange_form *f = x->form;
	struct view etag = view_str(header_out(x, "ETag"));

	return arena_printf(x->a, "%.*s%cbucket=%.*s&key=%.*s&etag=%.*s", VIEW_ARG(to), view_chr(to, '?') < 0 ? '?' : '&',
			    VIEW_ARG(encoded(x, f->bucket)), VIEW_ARG(encoded(x, field(f, "key"))),
			    VIEW_ARG(encoded(x, etag)));
}

static void post_response(struct exchange *x, const char *location)
{
	const struct exchange_form *f = x->form;

	x->out->xml_namespace = NULL;
	out_root(x->out, "PostResponse");
	out_str(x->out, "Location", location);
	out_view(x->out, "Bucket", f->bucket);
	out_view(x->out, "Key", field(f, "key"));
	out_str(x->out, "ETag", header_out(x, "ETag"));
}

void exchange__form_answer(struct exchange *x)
{
	const struct exchange_form *f = x->form;
	struct view to = redirect_of(f), status = field(f, "success_action_status");
	const char *location = arena_printf(x->a, "%.*s/%.*s/%.*s", VIEW_ARG(x->cx->endpoint),
					    VIEW_ARG(encoded(x, f->bucket)), VIEW_ARG(encoded(x, field(f, "key"))));

	if (to.p) {
		out_status(x->out, 303);
		out_header(x->out, NULL, "Location", redirect_url(x, to));
		return;
	}
	out_header(x->out, NULL, "Location", location);
	if (view_eq_str(status, "200") || view_eq_str(status, "201"))
		out_status(x->out, status.p[2] == '1' ? 201 : 200);
	else
		out_status(x->out, 204);
	if (view_eq_str(status, "201"))
		post_response(x, location);
}
