/* SPDX-License-Identifier: Apache-2.0 */
/* yaml: libyaml's events folded into a JSON tree. */
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool have;
	struct arena *a;
	struct err *e;
	int depth;
};

static void fail(struct reader *r, const char *what)
{
	if (r->e->code == 0)
		err_set(r->e, ERR_INVALID, "line %zu, column %zu: %s", r->event.start_mark.line + 1,
			r->event.start_mark.column + 1, what);
}

static bool next(struct reader *r)
{
	if (r->have)
		yaml_event_delete(&r->event);
	r->have = yaml_parser_parse(&r->parser, &r->event) == 1;
	if (!r->have)
		err_set(r->e, ERR_INVALID, "line %zu, column %zu: %s",
			r->parser.problem_mark.line + 1, r->parser.problem_mark.column + 1,
			r->parser.problem ? r->parser.problem : "no YAML");
	return r->have;
}

static bool number_like(struct view s)
{
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	bool digit = false;

	for (; i < s.n; i++) {
		if (s.p[i] >= '0' && s.p[i] <= '9')
			digit = true;
		else if (!strchr(".eE+-", s.p[i]))
			return false;
	}
	return digit;
}

static const struct json *plain(struct arena *a, struct view s)
{
	struct err e = { 0 };
	const struct json *n;
	int64_t i;

	if (!s.n || view_eq(s, VIEW("~")) || view_eq(s, VIEW("null")) || view_eq(s, VIEW("Null")) ||
	    view_eq(s, VIEW("NULL")))
		return &json_null;
	if (view_eq(s, VIEW("true")) || view_eq(s, VIEW("True")) || view_eq(s, VIEW("TRUE")))
		return &json_true;
	if (view_eq(s, VIEW("false")) || view_eq(s, VIEW("False")) || view_eq(s, VIEW("FALSE")))
		return &json_false;
	if (view_i64(s, &i))
		return json_new_int(a, i);
	n = number_like(s) ? json_parse(a, s, 1, &e) : NULL;
	return n ? n : json_new_str(a, s);
}

/* {"Fn::Name": value}; NULL after an error. */
static const struct json *tagged(struct reader *r, const char *tag, const struct json *v)
{
	static const char *const functions[] = { "Sub",   "GetAtt",      "Join",      "Select",
						 "Split", "If",          "Equals",    "Not",
						 "And",   "Or",          "FindInMap", "Base64",
						 "Cidr",  "ImportValue", "GetAZs",    "Transform",
						 NULL };
	struct json *o;

	if (!v || !tag || strcmp(tag, "!") == 0 || strncmp(tag, "tag:yaml.org,2002:", 18) == 0)
		return v;
	o = json_new_obj(r->a);
	if (strcmp(tag, "!Ref") == 0 || strcmp(tag, "!Condition") == 0) {
		json_set(r->a, o, tag + 1, v);
		return o;
	}
	for (size_t i = 0; tag[0] == '!' && functions[i]; i++) {
		if (strcmp(tag + 1, functions[i]) != 0)
			continue;
		if (strcmp(tag, "!GetAtt") == 0 && json_is(v, JSON_STR)) {
			struct json *pair = json_new_arr(r->a);
			struct view rest = json_str(v), name;

			if (!view_split(&rest, '.', &name) || !rest.p)
				break;
			json_push(r->a, pair, json_new_str(r->a, name));
			json_push(r->a, pair, json_new_str(r->a, rest));
			v = pair;
		}
		json_set(r->a, o, arena_printf(r->a, "Fn::%s", functions[i]), v);
		return o;
	}
	fail(r, arena_printf(r->a, "tag %s is not known", tag));
	return NULL;
}

static const struct json *value(struct reader *r);

static const struct json *sequence(struct reader *r)
{
	const char *tag = r->event.data.sequence_start.tag
				  ? arena_str(r->a,
					      view_str((char *)r->event.data.sequence_start.tag))
				  : NULL;
	struct json *arr = json_new_arr(r->a);

	while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT) {
		const struct json *v = value(r);

		if (!v)
			return NULL;
		json_push(r->a, arr, v);
	}
	return r->have ? tagged(r, tag, arr) : NULL;
}

static const struct json *mapping(struct reader *r)
{
	const char *tag = r->event.data.mapping_start.tag
				  ? arena_str(r->a,
					      view_str((char *)r->event.data.mapping_start.tag))
				  : NULL;
	struct json *obj = json_new_obj(r->a);

	while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
		const struct json *v;
		struct view key;

		if (r->event.type != YAML_SCALAR_EVENT) {
			fail(r, "a key must be text");
			return NULL;
		}
		key = arena_view(r->a,
				 view_of(r->event.data.scalar.value, r->event.data.scalar.length));
		if (json_get_view(obj, key)) {
			fail(r, arena_printf(r->a, "key \"%.*s\" is there twice", VIEW_ARG(key)));
			return NULL;
		}
		if (!next(r))
			return NULL;
		v = value(r);
		if (!v)
			return NULL;
		json_set_view(r->a, obj, key, v);
	}
	return r->have ? tagged(r, tag, obj) : NULL;
}

static const struct json *scalar(struct reader *r)
{
	struct view s = view_of(r->event.data.scalar.value, r->event.data.scalar.length);
	const char *tag = (const char *)r->event.data.scalar.tag;
	bool is_plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!tag || !tag[0]);

	return tagged(r, tag, is_plain ? plain(r->a, s) : json_new_str(r->a, s));
}

/* The value whose first event is current. */
static const struct json *value(struct reader *r)
{
	const struct json *v = NULL;

	if (++r->depth > JSON_DEPTH) {
		fail(r, "nested too deep");
		return NULL;
	}
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		if (r->event.data.scalar.anchor)
			fail(r, "anchors are not supported");
		else
			v = scalar(r);
		break;
	case YAML_SEQUENCE_START_EVENT:
		if (r->event.data.sequence_start.anchor)
			fail(r, "anchors are not supported");
		else
			v = sequence(r);
		break;
	case YAML_MAPPING_START_EVENT:
		if (r->event.data.mapping_start.anchor)
			fail(r, "anchors are not supported");
		else
			v = mapping(r);
		break;
	default:
		fail(r, "aliases are not supported");
	}
	r->depth--;
	return v;
}

const struct json *yaml_parse(struct arena *a, struct view text, struct err *e)
{
	struct reader r = { .a = a, .e = e };
	const struct json *v = NULL;

	must(yaml_parser_initialize(&r.parser));
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""),
				     text.n);
	if (next(&r) && next(&r) && r.event.type == YAML_STREAM_END_EVENT)
		v = &json_null; /* empty */
	else if (r.have && next(&r))
		v = value(&r);
	if (v && r.event.type != YAML_STREAM_END_EVENT && next(&r) && next(&r) &&
	    r.event.type != YAML_STREAM_END_EVENT) {
		fail(&r, "one document is expected");
		v = NULL;
	}
	if (r.have)
		yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return e->code ? NULL : v;
}
