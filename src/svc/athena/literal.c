// SPDX-License-Identifier: Apache-2.0
/* Parameters of a query as literals in its text. */
#include "svc/athena/literal.h"

#include "base/buf.h"
#include "base/limits.h"

/* Length of the quoted text, quoted name or comment that begins at @t; 0 if none does. */
static size_t opaque(struct view t)
{
	struct view end;
	ptrdiff_t at;

	if (t.p[0] == '\'' || t.p[0] == '"') {
		at = view_chr(view_from(t, 1), t.p[0]);
		return at < 0 ? t.n : (size_t)at + 2;
	}
	if (view_starts(t, VIEW("--")))
		end = VIEW("\n");
	else if (view_starts(t, VIEW("/*")))
		end = VIEW("*/");
	else if (view_starts(t, VIEW("$$")))
		end = VIEW("$$");
	else
		return 0;
	at = view_find(view_from(t, 2), end);
	return at < 0 ? t.n : (size_t)at + 2 + end.n;
}

static size_t digits(struct view v, size_t i)
{
	size_t from = i;

	while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
		i++;
	return i - from;
}

static bool is_number(struct view v)
{
	size_t i = v.n && (v.p[0] == '-' || v.p[0] == '+'), whole = digits(v, i), frac = 0, exp;

	i += whole;
	if (i < v.n && v.p[i] == '.') {
		frac = digits(v, i + 1);
		i += 1 + frac;
	}
	if (whole + frac == 0)
		return false;
	if (i < v.n && (v.p[i] == 'e' || v.p[i] == 'E')) {
		i++;
		if (i < v.n && (v.p[i] == '-' || v.p[i] == '+'))
			i++;
		exp = digits(v, i);
		if (!exp)
			return false;
		i += exp;
	}
	return i == v.n;
}

/* The whole of @v is one quoted text. */
static bool is_text(struct view v)
{
	size_t i = 1;

	if (v.n < 2 || v.p[0] != '\'' || v.p[v.n - 1] != '\'')
		return false;
	while (i < v.n - 1) {
		if (v.p[i] == '\'') {
			if (i + 1 >= v.n - 1 || v.p[i + 1] != '\'')
				return false;
			i++;
		}
		i++;
	}
	return true;
}

static bool is_literal(struct view v)
{
	static const char *const words[] = { "true", "false", "null" };
	static const char *const types[] = { "date", "timestamp", "time", "decimal" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (view_eq_nocase(v, view_str(words[i])))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct view t = view_str(types[i]);

		if (v.n > t.n && view_eq_nocase(view_sub(v, 0, t.n), t) &&
		    is_text(view_trim(view_from(v, t.n))))
			return true;
	}
	return is_number(v) || is_text(v);
}

static void add(struct buf *b, struct view v)
{
	buf_add_char(b, '(');
	if (is_literal(view_trim(v))) {
		buf_add_view(b, view_trim(v));
	} else {
		buf_add_char(b, '\'');
		for (size_t i = 0; i < v.n; i++) {
			if (v.p[i] == '\'')
				buf_add_char(b, '\'');
			buf_add_char(b, v.p[i]);
		}
		buf_add_char(b, '\'');
	}
	buf_add_char(b, ')');
}

int literal_bind(struct arena *a, const char *sql, const char *const *params, size_t n,
		 const char **ret, struct err *e)
{
	struct view t = view_str(sql);
	size_t i = 0, used = 0;
	struct buf b;

	if (!n) {
		*ret = sql;
		return 0;
	}
	buf_init(&b, 8 * MIB);
	while (i < t.n) {
		size_t skipped = opaque(view_from(t, i));

		if (skipped) {
			buf_add(&b, t.p + i, skipped);
			i += skipped;
			continue;
		}
		if (t.p[i] != '?')
			buf_add_char(&b, t.p[i]);
		else if (used++ < n)
			add(&b, view_str(params[used - 1]));
		i++;
	}
	if (used != n)
		err_set(e, ERR_INVALID,
			"SYNTAX_ERROR: Incorrect number of parameters: expected %zu but found %zu",
			used, n);
	else if (buf_check(&b, "query with its parameters", e) == 0)
		*ret = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return e->code;
}
