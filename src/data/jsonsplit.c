/* SPDX-License-Identifier: Apache-2.0 */
/* jsonsplit -- matching brackets and quotes of JSON. */
#include "data/jsonsplit.h"

#include <stddef.h>

static struct view skip_space(struct view v)
{
	size_t n = 0;

	while (n < v.n && (v.p[n] == ' ' || v.p[n] == '\t' || v.p[n] == '\n' || v.p[n] == '\r'))
		n++;
	return view_from(v, n);
}

/* @v begins with a quote: the length up to behind the closing one; 0: there is none. */
static size_t string_length(struct view v)
{
	for (size_t i = 1; i < v.n; i++) {
		if (v.p[i] == '\\')
			i++;
		else if (v.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* @v begins with a bracket. */
static size_t brackets_length(struct view v)
{
	char stack[JSONSPLIT_DEPTH];
	size_t depth = 0, n;

	for (size_t i = 0; i < v.n; i++) {
		switch (v.p[i]) {
		case '"':
			n = string_length(view_from(v, i));
			if (!n)
				return 0;
			i += n - 1;
			break;
		case '{':
		case '[':
			if (depth == JSONSPLIT_DEPTH)
				return 0;
			stack[depth++] = v.p[i] == '{' ? '}' : ']';
			break;
		case '}':
		case ']':
			if (stack[--depth] != v.p[i])
				return 0;
			if (!depth)
				return i + 1;
			break;
		default:
			break;
		}
	}
	return 0;
}

static size_t scalar_length(struct view v)
{
	size_t n = 0;

	while (n < v.n && !strchr(",:[]{}\" \t\n\r", v.p[n])) /* a NUL ends it as well */
		n++;
	return n;
}

static size_t value_length(struct view v)
{
	if (!v.n)
		return 0;
	if (v.p[0] == '"')
		return string_length(v);
	if (v.p[0] == '{' || v.p[0] == '[')
		return brackets_length(v);
	return scalar_length(v);
}

bool jsonsplit_value(struct view *rest, struct view *ret)
{
	struct view v = skip_space(*rest);
	size_t n = value_length(v);

	if (!n)
		return false;
	*ret = view_sub(v, 0, n);
	*rest = view_from(v, n);
	return true;
}

bool jsonsplit_object(struct view *rest, struct view *part)
{
	struct view v = skip_space(*rest);

	if (!v.n)
		return false;
	if (v.p[0] != '{' || !jsonsplit_value(&v, part)) {
		*part = v;
		v = view_from(v, v.n);
	}
	*rest = v;
	return true;
}

bool jsonsplit_delimited(struct view *rest, struct view delimiter, struct view *part)
{
	while (rest->n) {
		ptrdiff_t at = view_find(*rest, delimiter);

		*part = at < 0 ? *rest : view_sub(*rest, 0, (size_t)at);
		*rest = at < 0 ? view_from(*rest, rest->n) :
				 view_from(*rest, (size_t)at + delimiter.n);
		if (part->n)
			return true;
	}
	return false;
}

/* Behind a value: takes a comma with what has to follow it, leaves a closing bracket. */
static bool next_follows(struct view *at, char closer)
{
	struct view v = skip_space(*at);

	if (v.n && v.p[0] == closer) {
		*at = v;
		return true;
	}
	if (!v.n || v.p[0] != ',')
		return false;
	v = skip_space(view_from(v, 1));
	*at = v;
	return v.n && v.p[0] != closer;
}

static bool closes(struct view *at, char closer)
{
	struct view v = skip_space(*at);

	if (!v.n || v.p[0] != closer)
		return false;
	*at = view_from(v, 1);
	return true;
}

int jsonsplit_element(struct view *at, struct view *value)
{
	if (closes(at, ']'))
		return 0;
	return jsonsplit_value(at, value) && next_follows(at, ']') ? 1 : -1;
}

int jsonsplit_member(struct view *at, struct view *name, struct view *value)
{
	struct view v;

	if (closes(at, '}'))
		return 0;
	v = skip_space(*at);
	if (!v.n || v.p[0] != '"' || !jsonsplit_value(&v, name))
		return -1;
	*name = view_sub(*name, 1, name->n - 2);
	if (!closes(&v, ':') || !jsonsplit_value(&v, value) || !next_follows(&v, '}'))
		return -1;
	*at = v;
	return 1;
}
