/* SPDX-License-Identifier: Apache-2.0 */
/* A browser's upload form, read through one window: fields first, then the file as a stream. */
#include "aws/post_form.h"

#include <string.h>

#define WINDOW (64 * KIB)
#define BOUNDARY_MAX 70 /* RFC 2046 */

static const struct aws_error MALFORMED = { "MalformedPOSTRequest", 400, false };
static const struct aws_error FIELDS_TOO_LARGE = { "MaxPostPreDataLengthExceededError", 400, false };
static const struct aws_error NOT_ONE_FILE = { "IncorrectNumberOfFilesInPostRequest", 400, false };

struct post_form {
	struct body_source src;
	struct arena *a;
	struct view delimiter; /* CR LF "--" boundary */
	struct sigv4_pair fields[POST_FIELDS_MAX];
	size_t n_fields;
	struct view filename;
	size_t spent; /* bytes that are neither the file nor skipped yet */
	bool ended;
	size_t at, n;
	char window[WINDOW];
};

struct part {
	struct view name, filename;
};

static int malformed(struct err *e)
{
	return aws_fail(e, &MALFORMED,
			"The body of your POST request is not well-formed multipart/form-data.");
}

/* 1: there are more bytes in the window; 0: the body has ended. */
static int fill(struct post_form *f, struct err *e)
{
	ssize_t got;

	memmove(f->window, f->window + f->at, f->n - f->at);
	f->n -= f->at;
	f->at = 0;
	must(f->n < WINDOW);
	got = f->src.read(f->src.self, f->window + f->n, WINDOW - f->n, e);
	if (got < 0)
		return e->code ? e->code : err_set(e, ERR_IO, "the request's body could not be read");
	f->n += (size_t)got;
	return got > 0;
}

/* Takes what stands before @end, and @end; the view lasts until the next fill(). */
static int take_until(struct post_form *f, struct view end, struct view *ret, struct err *e)
{
	size_t seen = 0;

	for (;;) {
		size_t from = f->at + (seen > end.n ? seen - end.n : 0);
		ptrdiff_t hit = view_find(view_of(f->window + from, f->n - from), end);
		int rc;

		seen = hit < 0 ? f->n - f->at : from + (size_t)hit - f->at + end.n;
		if (f->spent + seen > POST_FIELDS_BYTES)
			return aws_fail(e, &FIELDS_TOO_LARGE,
					"Your POST request fields preceding the upload file were too large.");
		if (hit >= 0) {
			*ret = view_of(f->window + f->at, seen - end.n);
			f->at += seen;
			f->spent += seen;
			return 0;
		}
		rc = fill(f, e);
		if (rc <= 0)
			return rc < 0 ? rc : malformed(e);
	}
}

/* --- one part's head --- */

/* The value of a parameter: a token, or quoted, where \" alone is an escape (browsers send C:\name as it is). */
static bool take_value(struct arena *a, struct view *rest, struct view *ret)
{
	size_t end = 0, n = 0;
	char *text;

	if (!view_starts(*rest, VIEW("\""))) {
		while (end < rest->n && rest->p[end] != ';')
			end++;
		*ret = view_trim(view_sub(*rest, 0, end));
		*rest = view_from(*rest, end);
		return ret->n > 0;
	}
	for (end = 1; end < rest->n && rest->p[end] != '"'; end++)
		if (rest->p[end] == '\\' && end + 1 < rest->n && rest->p[end + 1] == '"')
			end++;
	if (end >= rest->n)
		return false;
	text = arena_alloc(a, end);
	for (size_t i = 1; i < end; i++)
		if (rest->p[i] != '\\' || rest->p[i + 1] != '"' || i + 1 == end)
			text[n++] = rest->p[i];
	*ret = view_of(text, n);
	*rest = view_trim(view_from(*rest, end + 1));
	return true;
}

/* Parameters `;name=value`; those named in @want go to @ret, each once at most. */
static bool take_params(struct arena *a, struct view rest, const char *const *want, struct view *ret)
{
	rest = view_trim(rest);
	while (rest.n) {
		struct view name, value;
		ptrdiff_t eq = view_chr(rest, '=');

		if (rest.p[0] != ';' || eq < 0)
			return false;
		name = view_trim(view_sub(rest, 1, (size_t)eq - 1));
		rest = view_from(rest, (size_t)eq + 1);
		if (!take_value(a, &rest, &value))
			return false;
		for (size_t i = 0; want[i]; i++) {
			if (!view_eq_nocase(name, view_str(want[i])))
				continue;
			if (ret[i].p)
				return false;
			ret[i] = value;
		}
	}
	return true;
}

static bool take_disposition(struct arena *a, struct view v, struct part *p)
{
	static const char *const want[] = { "name", "filename", NULL };
	ptrdiff_t end = view_chr(v, ';');
	struct view found[2] = { VIEW_NONE, VIEW_NONE };

	if (p->name.p || end < 0 || !view_eq_nocase(view_trim(view_sub(v, 0, (size_t)end)), VIEW("form-data")) ||
	    !take_params(a, view_from(v, (size_t)end), want, found) || !found[0].n)
		return false;
	p->name = arena_view(a, found[0]);
	p->filename = arena_view(a, found[1]);
	return true;
}

static int take_head(struct post_form *f, struct part *p, struct err *e)
{
	*p = (struct part){ 0 };
	for (;;) {
		struct view line = VIEW_NONE;
		ptrdiff_t colon;
		int rc = take_until(f, VIEW("\r\n"), &line, e);

		if (rc < 0)
			return rc;
		if (!line.n)
			return p->name.p ? 0 : malformed(e);
		colon = view_chr(line, ':');
		if (colon <= 0)
			return malformed(e);
		if (view_eq_nocase(view_sub(line, 0, (size_t)colon), VIEW("content-disposition")) &&
		    !take_disposition(f->a, view_trim(view_from(line, (size_t)colon + 1)), p))
			return malformed(e);
	}
}

/* Behind a delimiter: 1 another part comes, 0 that was the last. */
static int more(struct post_form *f, struct err *e)
{
	while (f->n - f->at < 2) {
		int rc = fill(f, e);

		if (rc <= 0)
			return rc < 0 ? rc : malformed(e);
	}
	f->at += 2;
	f->spent += 2;
	if (memcmp(f->window + f->at - 2, "\r\n", 2) == 0)
		return 1;
	return memcmp(f->window + f->at - 2, "--", 2) == 0 ? 0 : malformed(e);
}

/* --- the fields --- */
static int add_field(struct post_form *f, struct view name, struct view value, struct err *e)
{
	if (f->n_fields == POST_FIELDS_MAX)
		return aws_fail(e, &FIELDS_TOO_LARGE, "The form has more than %d fields.", POST_FIELDS_MAX);
	/* Which of two would count?  What AWS does is not known for sure. */
	if (post_form_get(f, arena_str(f->a, name)).p || memchr(name.p, '\0', name.n))
		return malformed(e);
	f->fields[f->n_fields++] = (struct sigv4_pair){ name, arena_view(f->a, value) };
	return 0;
}

static struct view base_name(struct view path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/' || path.p[i - 1] == '\\')
			return view_from(path, i);
	return path.p ? path : VIEW("");
}

static int take_fields(struct post_form *f, struct err *e)
{
	struct view value = VIEW_NONE;
	struct part p;
	int rc = take_until(f, f->delimiter, &value, e);

	if (rc == 0 && view_trim(value).n)
		rc = malformed(e);
	while (rc == 0 && (rc = more(f, e)) > 0) {
		rc = take_head(f, &p, e);
		if (rc == 0 && view_eq_nocase(p.name, VIEW("file"))) {
			f->filename = base_name(p.filename);
			return 0;
		}
		if (rc == 0)
			rc = take_until(f, f->delimiter, &value, e);
		if (rc == 0)
			rc = add_field(f, p.name, value, e);
	}
	return rc < 0 ? rc : aws_fail(e, &NOT_ONE_FILE, "POST requires exactly one file upload per request.");
}

static bool boundary_of(struct arena *a, struct view type, struct view *ret)
{
	static const char *const want[] = { "boundary", NULL };
	ptrdiff_t end = view_chr(type, ';');

	*ret = VIEW_NONE;
	return end > 0 && take_params(a, view_from(type, (size_t)end), want, ret) && ret->n && ret->n <= BOUNDARY_MAX;
}

int post_form_open(const struct body_source *s, struct view content_type, struct arena *a, struct post_form **ret,
		   struct err *e)
{
	struct post_form *f = ARENA_NEW(a, struct post_form);
	struct view boundary;
	int rc;

	if (!boundary_of(a, content_type, &boundary))
		return malformed(e);
	f->src = *s;
	f->a = a;
	f->delimiter = view_str(arena_printf(a, "\r\n--%.*s", VIEW_ARG(boundary)));
	memcpy(f->window, "\r\n", 2); /* the first delimiter has no line before it */
	f->n = 2;
	rc = take_fields(f, e);
	if (rc == 0)
		*ret = f;
	return rc;
}

/* --- the file --- */

/* Behind the file: further parts are skipped, then the body has to end. */
static int finish(struct post_form *f, struct err *e)
{
	struct view skipped;
	struct part p;
	int rc;

	f->spent = 0;
	while ((rc = more(f, e)) > 0) {
		rc = take_head(f, &p, e);
		if (rc == 0 && view_eq_nocase(p.name, VIEW("file")))
			rc = aws_fail(e, &NOT_ONE_FILE, "POST requires exactly one file upload per request.");
		if (rc == 0)
			rc = take_until(f, f->delimiter, &skipped, e);
		if (rc < 0)
			return rc;
	}
	while (rc == 0) {
		f->spent += f->n - f->at;
		if (f->spent > POST_FIELDS_BYTES || view_trim(view_of(f->window + f->at, f->n - f->at)).n)
			return malformed(e);
		f->at = f->n;
		rc = fill(f, e);
		if (rc <= 0)
			break;
		rc = 0;
	}
	f->ended = rc == 0;
	return rc;
}

ssize_t post_form_read(void *form, void *p, size_t n, struct err *e)
{
	struct post_form *f = form;
	size_t d = f->delimiter.n;

	while (!f->ended) {
		size_t have = f->n - f->at, give;
		ptrdiff_t hit = view_find(view_of(f->window + f->at, have), f->delimiter);
		int rc;

		give = hit >= 0 ? (size_t)hit : have >= d ? have - d + 1 : 0;
		if (give) {
			n = n < give ? n : give;
			memcpy(p, f->window + f->at, n);
			f->at += n;
			return (ssize_t)n;
		}
		if (hit == 0) {
			f->at += d;
			rc = finish(f, e);
		} else {
			rc = fill(f, e);
			rc = rc == 0 ? malformed(e) : rc;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

const struct sigv4_pair *post_form_fields(const struct post_form *f, size_t *ret_n)
{
	*ret_n = f->n_fields;
	return f->fields;
}

struct view post_form_get(const struct post_form *f, const char *name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (view_eq_nocase(f->fields[i].name, view_str(name)))
			return f->fields[i].value;
	return VIEW_NONE;
}

struct view post_form_filename(const struct post_form *f)
{
	return f->filename;
}
