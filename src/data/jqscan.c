/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jqscan -- a walk over a jq program's tokens, with a stack of open brackets.
 *
 * A word is a call, unless it is a field (".env"), stands behind "$", or is where an object's key is expected: behind
 * "{" or "," directly inside of "{ }".  jq 1.6's grammar has no comma in a member's value outside of brackets, so the
 * comma there always begins a key.
 */
#include "data/jqscan.h"

#include "base/macro.h"

static const char *const refused[] = { "env",        "input",      "inputs",          "debug",
				       "stderr",     "halt",       "halt_error",      "import",
				       "include",    "module",     "modulemeta",      "input_filename",
				       "get_search_list", "input_line_number", "get_prog_origin",
				       "get_jq_origin" };
static const char *const refused_variables[] = { "ENV", "__prog_args", "__prog_name" };

struct scan {
	struct arena *a;
	struct err *e;
	const char *p, *end;
	char stack[JQSCAN_DEPTH]; /* what closes each: } ] ) or " */
	size_t depth;
	char last;                /* of the token before: '{' ',' '|' ';' ... ; 0 at the beginning; 'a' for others */
	bool varies;
	/* the object construction at depth 0 that was opened last */
	bool in_last, good;
	struct view computed;     /* a key of it that is no plain name, or VIEW_NONE */
	const char **keys;
	size_t n_keys;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_in(struct view word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq_str(word, list[i]))
			return true;
	return false;
}

static struct view take_word(struct scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && (is_letter(*s->p) || is_digit(*s->p)))
		s->p++;
	return view_of(from, (size_t)(s->p - from));
}

/* --- keys --- */

/* Where the next token is a member's name. */
static bool at_key(const struct scan *s)
{
	return s->depth && s->stack[s->depth - 1] == '}' && (s->last == '{' || s->last == ',');
}

static bool of_last(const struct scan *s)
{
	return s->in_last && s->depth == 1;
}

static int add_key(struct scan *s, struct view name)
{
	for (size_t i = 0; i < s->n_keys; i++)
		if (view_eq_str(name, s->keys[i]))
			return err_set(s->e, ERR_INVALID, "the key %s is there twice", s->keys[i]);
	if (s->n_keys == JQSCAN_KEYS)
		return err_set(s->e, ERR_LIMIT, "more than %d keys", JQSCAN_KEYS);
	s->keys[s->n_keys++] = arena_str(s->a, name);
	return 0;
}

static void computed_key(struct scan *s, struct view text)
{
	s->computed = text;
}

/* --- brackets --- */

static int push(struct scan *s, char closer)
{
	if (s->depth == JQSCAN_DEPTH)
		return err_set(s->e, ERR_LIMIT, "deeper than %d", JQSCAN_DEPTH);
	s->stack[s->depth++] = closer;
	return 0;
}

static int open_bracket(struct scan *s, char c)
{
	bool key = at_key(s) && of_last(s);

	if (key)
		computed_key(s, view_of(s->p - 1, 1)); /* {(...): ...} */
	if (c == '{' && !s->depth) {
		s->in_last = !s->last || s->last == '|' || s->last == ';';
		s->n_keys = 0;
		s->computed = VIEW_NONE;
	}
	s->good = false;
	return push(s, c == '{' ? '}' : c == '[' ? ']' : ')');
}

static int in_string(struct scan *s);

static int close_bracket(struct scan *s, char c)
{
	if (!s->depth || s->stack[s->depth - 1] != c)
		return err_set(s->e, ERR_INVALID, "'%c' closes nothing", c);
	s->depth--;
	s->good = !s->depth && c == '}' && s->in_last;
	if (s->depth && s->stack[s->depth - 1] == '"')
		return in_string(s); /* the end of \( ) */
	return 0;
}

/* --- strings --- */

/* Behind a quote, or behind an interpolation: up to the closing quote or the next interpolation. */
static int in_string(struct scan *s)
{
	while (s->p < s->end) {
		char c = *s->p++;

		if (c == '"') {
			s->depth--;
			s->last = 'a';
			return 0;
		}
		if (c != '\\' || s->p == s->end)
			continue;
		if (*s->p++ == '(') {
			s->last = '(';
			return push(s, ')');
		}
	}
	return err_set(s->e, ERR_INVALID, "a string without an end");
}

static int string(struct scan *s)
{
	bool key = at_key(s) && of_last(s);
	const char *from = s->p;
	size_t depth = s->depth;
	struct view text;
	int rc = push(s, '"');

	if (!rc)
		rc = in_string(s);
	if (rc || !key)
		return rc;
	text = view_of(from, (size_t)(s->p - from) - 1);
	if (s->depth == depth && view_chr(text, '\\') < 0)
		return add_key(s, text);
	computed_key(s, text);
	return 0;
}

/* --- words --- */

static int variable(struct scan *s)
{
	bool key = at_key(s) && of_last(s);
	struct view name;

	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
	name = take_word(s);
	s->last = 'a';
	if (is_in(name, refused_variables, ARRAY_LEN(refused_variables)))
		return err_set(s->e, ERR_UNSUPPORTED, "$%.*s is not allowed here", VIEW_ARG(name));
	return key ? add_key(s, name) : 0;
}

static int word(struct scan *s)
{
	bool key = at_key(s), of_object = of_last(s);
	struct view name = take_word(s);

	s->last = 'a';
	if (key)
		return of_object ? add_key(s, name) : 0;
	if (is_in(name, refused, ARRAY_LEN(refused)))
		return err_set(s->e, ERR_UNSUPPORTED, "%.*s is not allowed here", VIEW_ARG(name));
	s->varies |= view_eq(name, VIEW("now"));
	return 0;
}

/* ".name", "..", ".5", or a dot alone */
static void dot(struct scan *s)
{
	if (s->p < s->end && is_letter(*s->p))
		(void)take_word(s);
	else if (s->p < s->end && *s->p == '.')
		s->p++;
	else
		while (s->p < s->end && (is_digit(*s->p) || *s->p == 'e' || *s->p == 'E'))
			s->p++;
	s->last = 'a';
}

/* The number's letters are no word: 1e5. */
static void number(struct scan *s)
{
	while (s->p < s->end && (is_digit(*s->p) || *s->p == '.' || *s->p == 'e' || *s->p == 'E'))
		s->p++;
	s->last = 'a';
}

static void comment(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

static void format(struct scan *s)
{
	bool key = at_key(s) && of_last(s);
	struct view name = take_word(s);

	if (key)
		computed_key(s, name);
	s->last = 'a';
}

static int other(struct scan *s, char c)
{
	switch (c) {
	case '.':
		dot(s);
		return 0;
	case '$':
		return variable(s);
	case '@':
		format(s);
		return 0;
	case '"':
		return string(s);
	default:
		s->last = c;
		return 0;
	}
}

static int token(struct scan *s)
{
	char c = *s->p;
	int rc;

	if (is_letter(c)) {
		s->good = false;
		return word(s);
	}
	if (is_digit(c)) {
		s->good = false;
		number(s);
		return 0;
	}
	s->p++;
	switch (c) {
	case '#':
		comment(s);
		return 0;
	case ' ':
	case '\t':
	case '\n':
	case '\r':
		return 0;
	case '{':
	case '[':
	case '(':
		rc = open_bracket(s, c);
		s->last = c;
		return rc;
	case '}':
	case ']':
	case ')':
		s->last = 'a';
		return close_bracket(s, c);
	default:
		s->good = false;
		return other(s, c);
	}
}

int jqscan(struct arena *a, struct view program, struct jqscan *ret, struct err *e)
{
	struct scan s = { .a = a, .e = e, .p = program.p, .end = program.p + program.n };
	int rc = 0;

	s.keys = ARENA_ARRAY(a, const char *, JQSCAN_KEYS);
	while (!rc && s.p < s.end)
		rc = token(&s);
	if (rc)
		return rc;
	if (s.depth)
		return err_set(e, ERR_INVALID, "'%c' is missing at the end", s.stack[s.depth - 1]);
	if (s.good && s.computed.p)
		return err_set(e, ERR_INVALID, "a key is computed, so that its name is not known");
	if (!s.good || !s.n_keys)
		return err_set(e, ERR_INVALID, "it does not end with an object of keys: {name: query, ...}");
	*ret = (struct jqscan){ .varies = s.varies, .keys = s.keys, .n_keys = s.n_keys };
	return 0;
}
