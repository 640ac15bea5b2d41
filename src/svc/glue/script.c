// SPDX-License-Identifier: Apache-2.0
/* Cuts a job's text at the semicolons that stand outside of quotes and comments. */
#include "svc/glue/script.h"

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

static bool is_comment(struct view t)
{
	return view_starts(t, VIEW("--")) || view_starts(t, VIEW("/*"));
}

/* Without white space and comments in front. */
static struct view skip(struct view t)
{
	for (;;) {
		t = view_trim(t);
		if (!is_comment(t))
			return t;
		t = view_from(t, opaque(t));
	}
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static struct view word(struct view *t)
{
	size_t n = 0;
	struct view w;

	*t = skip(*t);
	while (n < t->n && is_name(t->p[n]))
		n++;
	w = view_sub(*t, 0, n);
	*t = view_from(*t, n);
	return w;
}

static bool begins(struct view t, struct view w)
{
	return view_eq_nocase(word(&t), w);
}

static const char *lower(struct arena *a, struct view v)
{
	char *s = arena_str(a, v);

	for (char *c = s; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return s;
}

/* A plain or quoted name; absent if there is none. */
static struct view name(struct view *t)
{
	ptrdiff_t end;
	struct view v;

	*t = skip(*t);
	if (!t->n || (t->p[0] != '"' && t->p[0] != '`')) {
		v = word(t);
		return v.n ? v : VIEW_NONE;
	}
	end = view_chr(view_from(*t, 1), t->p[0]);
	if (end <= 0)
		return VIEW_NONE;
	v = view_sub(*t, 1, (size_t)end);
	*t = view_from(*t, (size_t)end + 2);
	return v;
}

/* [catalog.][database.]table */
static int target(struct arena *a, struct view *t, struct script_statement *s, struct err *e)
{
	struct view parts[3];
	size_t n = 0;

	for (;;) {
		parts[n] = name(t);
		if (!parts[n].p)
			return err_set(e, ERR_INVALID, "INSERT INTO names no table");
		n++;
		*t = skip(*t);
		if (!t->n || t->p[0] != '.')
			break;
		if (n == ARRAY_LEN(parts))
			return err_set(e, ERR_INVALID,
				       "INSERT INTO names a table of more than three parts");
		*t = view_from(*t, 1);
	}
	s->table = lower(a, parts[n - 1]);
	s->database = n > 1 ? lower(a, parts[n - 2]) : NULL;
	if (n == 3 && !view_eq_nocase(parts[0], VIEW("awsdatacatalog")))
		return err_set(e, ERR_INVALID, "catalog %.*s does not exist", VIEW_ARG(parts[0]));
	return 0;
}

static bool is_select(struct view t)
{
	t = skip(t);
	while (t.n && t.p[0] == '(')
		t = skip(view_from(t, 1));
	return begins(t, VIEW("select")) || begins(t, VIEW("with")) || begins(t, VIEW("values"));
}

static int statement(struct arena *a, struct view t, size_t number, struct script_statement *s,
		     struct err *e)
{
	struct view rest = t, first = word(&rest);

	if (view_eq_nocase(first, VIEW("insert"))) {
		if (!view_eq_nocase(word(&rest), VIEW("into")))
			return err_set(e, ERR_INVALID,
				       "statement %zu: only INSERT INTO is supported", number);
		if (target(a, &rest, s, e) < 0)
			return err_ctx(e, "statement %zu", number);
		t = rest;
		if (!is_select(t))
			return err_set(e, ERR_INVALID,
				       "statement %zu: INSERT INTO %s must be followed by a SELECT "
				       "(a list of columns is not supported)",
				       number, s->table);
	}
	if (!is_select(t))
		return err_set(e, ERR_INVALID,
			       "statement %zu: %.*s is not supported; a job has SELECT and INSERT "
			       "INTO ... SELECT",
			       number, VIEW_ARG(first));
	s->select = arena_str(a, view_trim(t));
	return 0;
}

int script_parse(struct arena *a, struct view text, struct script_statement **ret, size_t *ret_n,
		 struct err *e)
{
	struct script_statement *list = ARENA_ARRAY(a, struct script_statement,
						    SCRIPT_STATEMENTS_MAX);
	size_t from = 0, i = 0, n = 0;

	while (i <= text.n) {
		size_t skipped = i < text.n ? opaque(view_from(text, i)) : 0;
		struct view part;

		if (skipped) {
			i += skipped;
			continue;
		}
		if (i < text.n && text.p[i] != ';') {
			i++;
			continue;
		}
		part = skip(view_sub(text, from, i - from));
		from = ++i;
		if (!part.n)
			continue;
		if (n == SCRIPT_STATEMENTS_MAX)
			return err_set(e, ERR_LIMIT, "the script has more than %d statements",
				       SCRIPT_STATEMENTS_MAX);
		if (statement(a, part, n + 1, &list[n], e) < 0)
			return e->code;
		n++;
	}
	if (!n)
		return err_set(e, ERR_INVALID, "the script has no statement");
	*ret = list;
	*ret_n = n;
	return 0;
}

static bool is_param(const char *const *names, size_t n, struct view v)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq_str(v, names[i]))
			return true;
	return false;
}

const char *script_params(struct arena *a, const char *text, const char *const *names, size_t n)
{
	struct view t = view_str(text);
	char *out = arena_str(a, t);
	size_t i = 0;

	while (i < t.n) {
		size_t skipped = opaque(view_from(t, i)), end = i + 1;

		if (skipped) {
			i += skipped;
			continue;
		}
		while (t.p[i] == ':' && end < t.n && is_name(t.p[end]))
			end++;
		if (end > i + 1 && (i == 0 || t.p[i - 1] != ':') &&
		    is_param(names, n, view_sub(t, i + 1, end - i - 1)))
			out[i] = '$';
		i++;
	}
	return out;
}
