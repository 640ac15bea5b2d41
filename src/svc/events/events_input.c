// SPDX-License-Identifier: Apache-2.0
/* What a target is given of an event: all of it, a part, a constant, or a filled-in template. */
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/time.h"
#include "data/jsonpath.h"
#include "os/clock.h"
#include "svc/events/events_int.h"

#define INPUT_MAX EVENTS_PAYLOAD_MAX

/* Value of the placeholder @name: NULL if the event has nothing there; false if there is no such placeholder. */
struct filling {
	struct arena *a;
	const struct target *t;
	const struct json *paths;
	const char *rule_arn;
	const struct json *event; /* NULL: only checking, every placeholder is 1 */
	struct buf out;
	struct err *e;
};

static bool reserved(struct filling *f, struct view name, const struct json **ret)
{
	char t[TIME_TEXT];

	if (view_eq_str(name, "aws.events.rule-arn"))
		*ret = json_new_cstr(f->a, f->rule_arn);
	else if (view_eq_str(name, "aws.events.rule-name"))
		*ret = json_new_cstr(f->a, f->t->rule);
	else if (view_eq_str(name, "aws.events.event.ingestion-time"))
		*ret = json_new_cstr(f->a, time_iso_s(clock_ms(), t));
	else if (view_eq_str(name, "aws.events.event") || view_eq_str(name, "aws.events.event.json"))
		*ret = f->event;
	else
		return false;
	return true;
}

static int placeholder(struct filling *f, struct view name, const struct json **ret)
{
	const struct json *path = json_get_view(f->paths, name);
	const struct jsonpath *p;
	struct err none = { 0 };

	*ret = NULL;
	if (!path && !reserved(f, name, ret))
		return aws_fail(f->e, &AWS_VALIDATION, "InputTemplate for target %s contains invalid placeholder <%.*s>.",
				f->t->id, VIEW_ARG(name));
	if (!f->event) {
		*ret = json_new_int(f->a, 1);
		return 0;
	}
	if (!path)
		return 0;
	p = jsonpath_compile(f->a, json_str(path), f->e);
	if (!p)
		return f->e->code;
	if (jsonpath_get(f->a, p, f->event, ret, &none) < 0)
		*ret = NULL;
	return 0;
}

/* Inside quotes a text is put in as it is, anything else as JSON without its quotes, as the service does. */
static void put_quoted(struct filling *f, const struct json *v)
{
	struct buf b;

	if (!v)
		return;
	buf_init(&b, INPUT_MAX);
	if (json_is(v, JSON_STR)) {
		json_print_str(&b, json_str(v));
		if (b.n >= 2)
			buf_add(&f->out, b.p + 1, b.n - 2);
	} else {
		json_print(&b, v);
		for (size_t i = 0; i < b.n; i++)
			if (b.p[i] != '"')
				buf_add_char(&f->out, b.p[i]);
	}
	f->out.over |= b.over;
	buf_clear(&b);
}

static bool is_name_char(int c)
{
	return c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static size_t placeholder_length(struct view t, size_t at)
{
	size_t n = at + 1;

	while (n < t.n && is_name_char((unsigned char)t.p[n]))
		n++;
	return n < t.n && t.p[n] == '>' && n > at + 1 ? n + 1 - at : 0;
}

static int fill(struct filling *f)
{
	struct view t = view_str(f->t->template);
	bool quoted = false;
	int r;

	for (size_t i = 0; i < t.n; i++) {
		size_t len = t.p[i] == '<' ? placeholder_length(t, i) : 0;
		const struct json *v;

		if (len) {
			r = placeholder(f, view_sub(t, i + 1, len - 2), &v);
			if (r < 0)
				return r;
			if (quoted)
				put_quoted(f, v);
			else
				json_print(&f->out, v ? v : &json_null);
			i += len - 1;
			continue;
		}
		buf_add_char(&f->out, t.p[i]);
		if (quoted && t.p[i] == '\\' && i + 1 < t.n)
			buf_add_char(&f->out, t.p[++i]);
		else if (t.p[i] == '"')
			quoted = !quoted;
	}
	return buf_check(&f->out, "the target's input", f->e);
}

static int transform(struct arena *a, const struct target *t, const char *rule_arn, const struct json *event,
		     const char **ret, struct err *e)
{
	struct filling f = { .a = a, .t = t, .rule_arn = rule_arn, .event = event, .e = e };
	struct err bad = { 0 };
	int r;

	f.paths = t->paths ? json_parse(a, view_str(t->paths), JSON_DEPTH, e) : NULL;
	buf_init(&f.out, INPUT_MAX);
	r = fill(&f);
	if (r == 0 && !json_parse(a, buf_view(&f.out), JSON_DEPTH, &bad))
		r = aws_fail(e, &AWS_VALIDATION, "Invalid InputTemplate for target %s: the filled-in template is no JSON: %s",
			     t->id, bad.msg);
	if (r == 0)
		*ret = arena_str(a, buf_view(&f.out));
	buf_clear(&f.out);
	return r;
}

static int check_path(struct arena *a, const struct target *t, struct view path, struct err *e)
{
	struct err bad = { 0 };

	if (jsonpath_compile(a, path, &bad))
		return 0;
	return aws_fail(e, &AWS_VALIDATION, "Invalid JsonPath for target %s: %s", t->id, bad.msg);
}

int events__input_check(struct arena *a, const struct target *t, struct err *e)
{
	struct err bad = { 0 };
	const struct json *paths;
	const char *text;

	if (!!t->input + !!t->input_path + !!t->template > 1)
		return aws_fail(e, &AWS_VALIDATION, "Only one of Input, InputPath, or InputTransformer must be provided for "
				"target %s.", t->id);
	if (t->input && !json_parse(a, view_str(t->input), JSON_DEPTH, &bad))
		return aws_fail(e, &AWS_VALIDATION, "JSON syntax error in input for target %s: %s", t->id, bad.msg);
	if (t->input_path)
		return check_path(a, t, view_str(t->input_path), e);
	if (!t->template)
		return 0;
	paths = t->paths ? json_parse(a, view_str(t->paths), JSON_DEPTH, e) : NULL;
	for (size_t i = 0; i < json_len(paths); i++)
		if (view_starts(paths->obj.v[i].name, VIEW("AWS.")))
			return aws_fail(e, &AWS_VALIDATION, "InputPathsMap of target %s: a key must not begin with AWS.", t->id);
		else if (check_path(a, t, json_str(paths->obj.v[i].value), e) < 0)
			return e->code;
	return transform(a, t, "", NULL, &text, e);
}

int events__input_make(struct arena *a, const struct target *t, const char *rule_arn, const struct json *event,
		       const char **ret, struct err *e)
{
	const struct jsonpath *p;
	const struct json *v = event;
	int r;

	if (t->template)
		return transform(a, t, rule_arn, event, ret, e);
	if (t->input) {
		*ret = t->input;
		return 0;
	}
	if (t->input_path) {
		p = jsonpath_compile(a, view_str(t->input_path), e);
		r = p ? jsonpath_get(a, p, event, &v, e) : e->code;
		if (r < 0)
			return err_ctx(e, "InputPath %s", t->input_path);
	}
	/* What a path gives shares its parts: it may be far larger as text than the event. */
	if (json_text_size(v, INPUT_MAX) >= INPUT_MAX)
		return err_set(e, ERR_LIMIT, "the target's input is larger than %lu bytes", INPUT_MAX);
	*ret = json_text(a, v);
	return 0;
}
