/* SPDX-License-Identifier: Apache-2.0 */
/* rest-json and rest-xml: which row a path means, and where each member travels. */
#include <string.h>

#include "aws/aws_int.h"
#include "base/utf8.h"

#define JSON_VALUES_MAX 200000 /* bounds the memory of a tree: some 100 bytes each */

#define MEMBERS_MAX 256

/* --- routing --- */
static bool take_label(struct route *r, struct view piece, struct view *path)
{
	bool greedy = piece.p[piece.n - 2] == '+';
	struct view name = view_sub(piece, 1, piece.n - (greedy ? 3 : 2)), value = VIEW_NONE;

	if (greedy) {
		value = *path;
		*path = VIEW_NONE;
	} else if (!view_split(path, '/', &value)) {
		return false;
	}
	if (value.n == 0 || r->n_labels == LABELS_MAX)
		return false;
	r->labels[r->n_labels++] = (struct op_pair_view){ name, value };
	return true;
}

/* The number of literal segments, or -1. */
static int match_path(struct route *r, const char *template, struct view path)
{
	struct view t = view_from(view_str(template), 1), piece, seg;
	int literals = 0;

	if (!path.n || path.p[0] != '/')
		return -1;
	path = view_from(path, 1);
	r->n_labels = 0;
	while (view_split(&t, '/', &piece)) {
		if (piece.n == 0) /* "/" alone, or a slash at the template's end */
			return path.n == 0 ? literals : -1;
		if (piece.p[0] == '{') {
			if (!take_label(r, piece, &path))
				return -1;
		} else {
			if (!view_split(&path, '/', &seg) || !view_eq(seg, piece))
				return -1;
			literals++;
		}
	}
	return path.n == 0 ? literals : -1;
}

static bool has_param(struct view query, struct view selector)
{
	ptrdiff_t want_eq = view_chr(selector, '=');
	struct view part;

	while (query.p && view_split(&query, '&', &part)) {
		ptrdiff_t eq = view_chr(part, '=');

		if (want_eq >= 0 ? view_eq(part, selector)
				 : view_eq(eq < 0 ? part : view_sub(part, 0, (size_t)eq), selector))
			return true;
	}
	return false;
}

/* How many selectors a row has, if all fit; else -1. */
static int match_selectors(const struct op *op, struct view query, bool (*has_header)(const void *, const char *),
			   const void *self)
{
	struct view rest = view_str(op->query), one;
	int n = 0;

	while (rest.p && view_split(&rest, '&', &one)) {
		if (!has_param(query, one))
			return -1;
		n++;
	}
	if (!op->header)
		return n;
	return has_header(self, op->header) ? n + 1 : -1;
}

bool aws__route(const struct service *s, struct view method, struct view path, struct view query,
		bool (*has_header)(const void *self, const char *name), const void *self, struct route *ret)
{
	int best = -1;

	for (size_t i = 0; i < s->n_ops; i++) {
		struct route r = { .op = &s->ops[i] };
		int literals, selectors;

		if (!view_eq_str(method, r.op->method))
			continue;
		literals = match_path(&r, r.op->path, path);
		if (literals < 0)
			continue;
		selectors = match_selectors(r.op, query, has_header, self);
		if (selectors < 0 || literals * 16 + selectors <= best)
			continue;
		best = literals * 16 + selectors;
		*ret = r;
	}
	return best >= 0;
}

/* --- binding --- */
static struct view header_of(const struct rest_input *in, const char *name)
{
	for (size_t i = 0; i < in->n_headers; i++)
		if (view_eq_nocase(in->headers[i].name, view_str(name)))
			return in->headers[i].value;
	return VIEW_NONE;
}

static bool starts_nocase(struct view v, const char *prefix)
{
	struct view p = view_str(prefix);

	return v.n >= p.n && view_eq_nocase(view_sub(v, 0, p.n), p);
}

/* A presigned URL may carry x-amz-* headers as parameters.  Of checksums only the signature counts, as with AWS. */
static bool is_moved_header(const struct rest_input *in, struct view param)
{
	return in->presigned && starts_nocase(param, "x-amz-") && !starts_nocase(param, "x-amz-checksum-") &&
	       !starts_nocase(param, "x-amz-sdk-");
}

static struct view header_or_moved(const struct rest_input *in, const char *name)
{
	struct view v = header_of(in, name);

	for (size_t i = 0; !v.p && i < in->n_params; i++)
		if (is_moved_header(in, in->params[i].name) && view_eq_nocase(in->params[i].name, view_str(name)))
			v = in->params[i].value;
	/* Presigned by the JS SDK a checksum mode is moved too, and means something. */
	for (size_t i = 0; !v.p && in->presigned && i < in->n_params; i++)
		if (view_eq_nocase(view_str(name), VIEW("x-amz-checksum-mode")) &&
		    view_eq_nocase(in->params[i].name, VIEW("x-amz-checksum-mode")))
			v = in->params[i].value;
	return v;
}

static int set_text(const struct decode *d, struct json *o, const struct op_field *f, struct view v)
{
	if (!v.p)
		return 0;
	if (!utf8_valid(v) || memchr(v.p, '\0', v.n))
		return aws_fail(d->err, f->loc == OPL_PATH ? &AWS_INVALID_URI : aws__err_invalid(d->service),
				"the value of '%s' is not valid text", f->name);
	json_set(d->arena, o, f->name, json_new_str(d->arena, v));
	return 0;
}

static int bind_label(const struct decode *d, const struct rest_input *in, struct json *o, const struct op_field *f)
{
	for (size_t i = 0; i < in->route->n_labels; i++) {
		struct view v;

		if (!view_eq_str(in->route->labels[i].name, f->at ? f->at : f->name))
			continue;
		if (!uri_decode(d->arena, in->route->labels[i].value, false, &v))
			return aws_fail(d->err, &AWS_INVALID_URI, "could not parse the specified URI");
		return set_text(d, o, f, v);
	}
	return 0;
}

static int bind_query(const struct decode *d, const struct rest_input *in, struct json *o, const struct op_field *f)
{
	struct json *l = json_new_arr(d->arena);

	for (size_t i = 0; i < in->n_params; i++) {
		if (!view_eq_str(in->params[i].name, f->at ? f->at : f->name))
			continue;
		if (f->kind != OPK_LIST)
			return set_text(d, o, f, in->params[i].value);
		json_push(d->arena, l, json_new_str(d->arena, in->params[i].value));
	}
	if (json_len(l))
		json_set(d->arena, o, f->name, l);
	return 0;
}

static int bind_header(const struct decode *d, const struct rest_input *in, struct json *o, const struct op_field *f)
{
	const char *name = f->at ? f->at : f->name;
	struct view v = header_or_moved(in, name), one;
	struct json *l;

	if (!v.p || f->kind != OPK_LIST)
		return set_text(d, o, f, v);
	l = json_new_arr(d->arena);
	while (view_split(&v, ',', &one))
		json_push(d->arena, l, json_new_str(d->arena, view_trim(one)));
	json_set(d->arena, o, f->name, l);
	return 0;
}

/* A header given twice is one with a comma between the values, as in the signature. */
static void add_value(struct arena *a, struct json *map, struct view name, struct view value)
{
	struct view have = json_str(json_get_view(map, name));

	if (have.p)
		value = view_str(arena_printf(a, "%.*s,%.*s", VIEW_ARG(have), VIEW_ARG(value)));
	json_set_view(a, map, name, json_new_str(a, value));
}

static void bind_prefix(const struct decode *d, const struct rest_input *in, struct json *o, const struct op_field *f)
{
	struct json *m = json_new_obj(d->arena);
	size_t skip = strlen(f->at);

	for (size_t i = 0; i < in->n_headers; i++)
		if (starts_nocase(in->headers[i].name, f->at))
			add_value(d->arena, m, sigv4_lower(d->arena, view_from(in->headers[i].name, skip)),
				  in->headers[i].value);
	for (size_t i = 0; i < in->n_params; i++)
		if (is_moved_header(in, in->params[i].name) && starts_nocase(in->params[i].name, f->at))
			json_set_view(d->arena, m, sigv4_lower(d->arena, view_from(in->params[i].name, skip)),
				      json_new_str(d->arena, in->params[i].value));
	if (json_len(m))
		json_set(d->arena, o, f->name, m);
}

static bool json_small_enough(struct view text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ',' || text.p[i] == '[' || text.p[i] == '{';
	return n <= JSON_VALUES_MAX;
}

int aws__parse_json(struct arena *a, struct view text, const struct json **ret, struct err *e)
{
	struct err why = { 0 };

	if (!json_small_enough(text))
		return aws_fail(e, &AWS_SERIALIZATION, "the body has more than %d values", JSON_VALUES_MAX);
	*ret = json_parse(a, text, JSON_DEPTH, &why);
	return *ret ? 0 : aws_fail(e, &AWS_SERIALIZATION, "the body is not valid JSON: %s", why.msg);
}

static int bind_document(const struct decode *d, const struct op_field *f, struct view body, struct json *o)
{
	struct err why = { 0 };
	const struct json *v = NULL;
	const struct xml *x;
	int rc;

	if (d->mode == DECODE_JSON) {
		rc = aws__parse_json(d->arena, body, &v, d->err);
		if (rc < 0)
			return rc;
	} else {
		x = xml_parse(d->arena, body, &why);
		if (!x || (f->at && !view_eq_str(x->name, f->at)))
			return aws_fail(d->err, &AWS_MALFORMED_XML,
					"the XML you provided was not well-formed or did not validate: %s",
					x ? "unexpected root element" : why.msg);
		v = aws__tree_of_xml(d, f->sub, x);
	}
	json_set(d->arena, o, f->name, v);
	return 0;
}

static int bind_payload(const struct decode *d, const struct rest_input *in, struct json *o, const struct op_field *f)
{
	struct json *raw;

	if (in->body.n == 0)
		return 0;
	if (f->kind == OPK_OBJ)
		return bind_document(d, f, in->body, o);
	raw = json_new_str(d->arena, VIEW(""));
	raw->s = in->body;
	json_set(d->arena, o, f->name, raw);
	return 0;
}

/* rest-json without a payload member: the body's members.  Those that travel elsewhere are unknown here. */
static int bind_members(const struct decode *d, const struct rest_input *in, const struct op_field *fields,
			struct json *o)
{
	const struct json *v = NULL;
	int rc;

	if (d->mode != DECODE_JSON || in->body.n == 0)
		return 0;
	rc = aws__parse_json(d->arena, in->body, &v, d->err);
	if (rc < 0)
		return rc;
	if (!json_is(v, JSON_OBJ) || v->obj.n > MEMBERS_MAX)
		return aws_fail(d->err, &AWS_SERIALIZATION, "the body has to be an object of at most %d members",
				MEMBERS_MAX);
	for (size_t i = 0; i < v->obj.n; i++) {
		struct view name = v->obj.v[i].name;
		bool elsewhere = false;

		for (const struct op_field *f = fields; f && f->kind != OPK_END; f++)
			elsewhere |= f->loc != OPL_BODY && view_eq_str(name, f->name);
		if (elsewhere)
			name = view_str(arena_printf(d->arena, "?%.*s", VIEW_ARG(name)));
		json_set_view(d->arena, o, name, v->obj.v[i].value);
	}
	return 0;
}

/* --- what nobody asked for --- */
static bool is_field(const struct op_field *fields, enum op_loc loc, struct view name)
{
	for (; fields && fields->kind != OPK_END; fields++) {
		struct view at = view_str(fields->at ? fields->at : fields->name);

		if (fields->loc == loc && (loc == OPL_QUERY ? view_eq(at, name) : view_eq_nocase(at, name)))
			return true;
		if (loc == OPL_HEADER && fields->loc == OPL_HEADERS && starts_nocase(name, fields->at))
			return true;
	}
	return false;
}

static bool is_listed(const char *const *list, struct view name)
{
	for (; *list; list++)
		if (view_eq_nocase(name, view_str(*list)))
			return true;
	return false;
}

static const char *const own_names[] = { "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires",
					 "x-amz-signedheaders", "x-amz-signature", "x-amz-security-token",
					 "x-amz-content-sha256", "x-amz-user-agent", "x-amz-decoded-content-length",
					 "x-amz-trailer", "x-amz-te", NULL };

static bool is_selector(const struct op *op, struct view name)
{
	struct view rest = view_str(op->query), one;

	while (rest.p && view_split(&rest, '&', &one)) {
		ptrdiff_t eq = view_chr(one, '=');

		if (view_eq(eq < 0 ? one : view_sub(one, 0, (size_t)eq), name))
			return true;
	}
	return false;
}

static bool is_known_param(const struct rest_input *in, struct view n)
{
	const struct op *op = in->route->op;

	if (view_eq_str(n, "x-id") || is_listed(own_names, n) || is_selector(op, n) || is_field(op->in, OPL_QUERY, n))
		return true;
	if (!in->presigned || !starts_nocase(n, "x-amz-"))
		return false;
	return !is_moved_header(in, n) || is_field(op->in, OPL_HEADER, n);
}

static bool is_known_header(const struct op *op, struct view n)
{
	if (!starts_nocase(n, "x-amz-") || is_listed(own_names, n) || is_field(op->in, OPL_HEADER, n) ||
	    aws__is_body_digest(op, n))
		return true;
	return op->header && view_eq_nocase(n, view_str(op->header));
}

/* Of a member there is one value.  What AWS makes of two is not known for sure. */
static int check_twice(const struct decode *d, const struct rest_input *in)
{
	const struct op_field *f = in->route->op->in;

	for (; f && f->kind != OPK_END; f++) {
		struct view at = view_str(f->at ? f->at : f->name);
		size_t n = 0;

		for (size_t i = 0; f->loc == OPL_HEADER && i < in->n_headers; i++)
			n += view_eq_nocase(in->headers[i].name, at);
		if (n > 1)
			return aws_fail(d->err, aws__err_invalid(d->service), "the header '%s' is given more than once",
					f->at ? f->at : f->name);
	}
	return 0;
}

static int check_unknown(const struct decode *d, const struct rest_input *in)
{
	const struct op *op = in->route->op;

	for (size_t i = 0; i < in->n_params && !(op->flags & OP_OPEN_QUERY); i++) {
		struct view n = in->params[i].name;

		if (is_known_param(in, n))
			continue;
		return aws_fail(d->err, aws__err_refused(d->service), "the query parameter '%.*s' is not supported by %s",
				VIEW_ARG(n), op->name);
	}
	for (size_t i = 0; i < in->n_headers; i++) {
		struct view n = in->headers[i].name;

		if (is_known_header(op, n))
			continue;
		return aws_fail(d->err, aws__err_refused(d->service), "the header '%.*s' is not supported by %s",
				VIEW_ARG(n), op->name);
	}
	return check_twice(d, in);
}

static int bind_field(const struct decode *d, const struct rest_input *in, struct json *o, const struct op_field *f)
{
	switch ((enum op_loc)f->loc) {
	case OPL_BODY:
		return 0;
	case OPL_PATH:
		return bind_label(d, in, o, f);
	case OPL_QUERY:
		return bind_query(d, in, o, f);
	case OPL_HEADER:
		return bind_header(d, in, o, f);
	case OPL_HEADERS:
		bind_prefix(d, in, o, f);
		return 0;
	case OPL_PAYLOAD:
		return bind_payload(d, in, o, f);
	}
	return 0;
}

int aws__bind(const struct decode *d, const struct rest_input *in, const struct json **ret)
{
	const struct op *op = in->route->op;
	struct json *o = json_new_obj(d->arena);
	int rc = check_unknown(d, in);

	for (const struct op_field *f = op->in; rc == 0 && f && f->kind != OPK_END; f++)
		rc = bind_field(d, in, o, f);
	if (rc == 0 && !aws__field_payload(op->in))
		rc = bind_members(d, in, op->in, o);
	*ret = o;
	return rc;
}
