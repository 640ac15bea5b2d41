// SPDX-License-Identifier: Apache-2.0
/* Text to JSON tree: json-c parses, a check before it refuses what json-c is lax about. */
#include "base/json.h"

#include <limits.h>

/* json-c has an enum json_type as well. */
#define json_type jsonc_type
#include <json-c/json.h>
#undef json_type

#include "base/utf8.h"

/*
 * json-c in strict mode still takes NaN, Infinity, control characters in strings and numbers like
 * "1." or "-01", changes integers beyond 64 bits, cuts a name at \u0000, and its UTF-8 check lets
 * surrogates pass.  check_tokens() walks over the tokens (not the grammar, which json-c checks)
 * and refuses those.
 */
struct scan {
	struct view text;
	size_t at;
	struct err *e;
};

static int bad(struct scan *s, const char *what)
{
	return err_set(s->e, ERR_INVALID, "%s at byte %zu", what, s->at);
}

static char peek(const struct scan *s)
{
	return s->at < s->text.n ? s->text.p[s->at] : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t skip_digits(struct scan *s)
{
	size_t from = s->at;

	while (is_digit(peek(s)))
		s->at++;
	return s->at - from;
}

/* What may follow the integer part: ".5", "e-3", both. */
static int skip_fraction(struct scan *s)
{
	if (peek(s) == '.') {
		s->at++;
		if (skip_digits(s) == 0)
			return -1;
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (skip_digits(s) == 0)
			return -1;
	}
	return 0;
}

static int check_number(struct scan *s)
{
	size_t from = s->at;
	uint64_t u;
	int64_t i;
	bool zero;

	if (peek(s) == '-')
		s->at++;
	zero = peek(s) == '0';
	if (zero)
		s->at++;
	else if (skip_digits(s) == 0)
		return bad(s, "broken number");
	if (zero && is_digit(peek(s)))
		return bad(s, "number with a leading zero");
	if (peek(s) != '.' && peek(s) != 'e' && peek(s) != 'E') {
		struct view v = view_sub(s->text, from, s->at - from);

		return view_i64(v, &i) || view_u64(v, UINT64_MAX, &u)
			       ? 0
			       : bad(s, "integer beyond 64 bits");
	}
	if (skip_fraction(s) < 0)
		return bad(s, "broken number");
	return 0;
}

static int check_string(struct scan *s)
{
	bool nul = false;

	for (s->at++; peek(s) != '"'; s->at++) {
		if (s->at >= s->text.n)
			return bad(s, "unfinished string");
		if ((unsigned char)peek(s) < 0x20)
			return bad(s, "control character in a string");
		if (peek(s) != '\\')
			continue;
		s->at++;
		nul = nul || view_starts(view_from(s->text, s->at), VIEW("u0000"));
	}
	s->at++;
	if (nul) {
		struct view rest = view_trim(view_from(s->text, s->at));

		if (view_starts(rest, VIEW(":")))
			return bad(s, "name with a NUL character");
	}
	return 0;
}

static int check_word(struct scan *s)
{
	static const struct view words[] = { { "true", 4 }, { "false", 5 }, { "null", 4 } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (view_starts(view_from(s->text, s->at), words[i])) {
			s->at += words[i].n;
			return 0;
		}
	return bad(s, "unexpected character");
}

static int check_tokens(struct scan *s)
{
	while (s->at < s->text.n) {
		char c = peek(s);
		int rc = 0;

		if (c == '"')
			rc = check_string(s);
		else if (c == '-' || is_digit(c))
			rc = check_number(s);
		else if (c && strchr("{}[]:, \t\r\n", c))
			s->at++;
		else
			rc = check_word(s);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static struct json_object *tokenise(struct view text, int depth_max, struct err *e)
{
	struct json_tokener *tok = json_tokener_new_ex(depth_max);
	enum json_tokener_error te;
	struct json_object *o;

	must(tok);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, text.p, (int)text.n);
	te = json_tokener_get_error(tok);
	if (te == json_tokener_continue) {
		/* A number alone ends only with the text. */
		o = json_tokener_parse_ex(tok, "", 1);
		te = json_tokener_get_error(tok);
		if (te == json_tokener_continue || te == json_tokener_error_parse_eof)
			err_set(e, ERR_INVALID, "the text ends too early");
	} else if (te == json_tokener_error_depth) {
		err_set(e, ERR_LIMIT, "nested deeper than %d at byte %zu", depth_max,
			json_tokener_get_parse_end(tok));
	}
	if (te != json_tokener_success && !e->code)
		err_set(e, ERR_INVALID, "%s at byte %zu", json_tokener_error_desc(te),
			json_tokener_get_parse_end(tok));
	json_tokener_free(tok);
	if (!e->code)
		return o;
	json_object_put(o);
	return NULL;
}

static struct view text_of(struct arena *a, struct json_object *o)
{
	size_t n;
	const char *s = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &n);

	return arena_view(a, view_of(s, n));
}

static const struct json *convert(struct arena *a, struct json_object *o);

static const struct json *convert_array(struct arena *a, struct json_object *o)
{
	struct json *v = json_new_arr(a);
	size_t n = json_object_array_length(o);

	v->arr.v = ARENA_ARRAY(a, const struct json *, n);
	v->arr.n = v->arr.cap = n;
	for (size_t i = 0; i < n; i++)
		v->arr.v[i] = convert(a, json_object_array_get_idx(o, i));
	return v;
}

static const struct json *convert_object(struct arena *a, struct json_object *o)
{
	struct json *v = json_new_obj(a);
	size_t n = (size_t)json_object_object_length(o);
	struct json_member *m = ARENA_ARRAY(a, struct json_member, n);

	v->obj.v = m;
	v->obj.n = v->obj.cap = n;
	json_object_object_foreach (o, name, child) {
		m->name = arena_view(a, view_str(name));
		m++->value = convert(a, child);
	}
	return v;
}

static const struct json *convert_number(struct arena *a, struct json_object *o)
{
	struct json *v;

	if (json_object_is_type(o, json_type_int)) {
		int64_t i = json_object_get_int64(o);

		if (i != INT64_MAX || json_object_get_uint64(o) == INT64_MAX)
			return json_new_int(a, i);
	}
	v = ARENA_NEW(a, struct json);
	v->type = JSON_NUM;
	v->num.d = json_object_get_double(o);
	v->num.text = text_of(a, o);
	return v;
}

static const struct json *convert(struct arena *a, struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		return &json_null;
	case json_type_boolean:
		return json_new_bool(json_object_get_boolean(o));
	case json_type_int:
	case json_type_double:
		return convert_number(a, o);
	case json_type_string:
		return json_new_str(a, view_of(json_object_get_string(o),
					       (size_t)json_object_get_string_len(o)));
	case json_type_array:
		return convert_array(a, o);
	default:
		return convert_object(a, o);
	}
}

const struct json *json_parse(struct arena *a, struct view text, int depth_max, struct err *e)
{
	struct scan s = { .text = text, .e = e };
	struct json_object *o;
	const struct json *v;

	if (text.n > INT_MAX - 1) {
		err_set(e, ERR_LIMIT, "the text is longer than 2 GiB");
		return NULL;
	}
	if (!utf8_valid(text)) {
		err_set(e, ERR_INVALID, "the text is not valid UTF-8");
		return NULL;
	}
	if (check_tokens(&s) < 0)
		return NULL;
	o = tokenise(text, depth_max, e);
	if (e->code)
		return NULL;
	v = convert(a, o);
	json_object_put(o);
	return v;
}
