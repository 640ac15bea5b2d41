// SPDX-License-Identifier: Apache-2.0
/* Hive's column types by recursive descent; depth is limited, every name is quoted again. */
#include "store/sqlworker/hive_type.h"

struct scan {
	struct view rest;
	struct buf *out;
};

static const struct {
	const char *hive, *sql;
} primitives[] = {
	{ "boolean", "BOOLEAN" },     { "tinyint", "TINYINT" }, { "smallint", "SMALLINT" },
	{ "int", "INTEGER" },         { "integer", "INTEGER" }, { "bigint", "BIGINT" },
	{ "long", "BIGINT" },         { "float", "FLOAT" },     { "real", "FLOAT" },
	{ "double", "DOUBLE" },       { "string", "VARCHAR" },  { "varchar", "VARCHAR" },
	{ "char", "VARCHAR" },        { "binary", "BLOB" },     { "date", "DATE" },
	{ "timestamp", "TIMESTAMP" },
};

void sql_ident(struct buf *b, struct view name)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"')
			buf_add_char(b, '"');
		buf_add_char(b, name.p[i]);
	}
	buf_add_char(b, '"');
}

void sql_quote(struct buf *b, struct view text)
{
	buf_add_char(b, '\'');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'')
			buf_add_char(b, '\'');
		buf_add_char(b, text.p[i]);
	}
	buf_add_char(b, '\'');
}

static void skip_space(struct scan *s)
{
	while (s->rest.n && (*s->rest.p == ' ' || *s->rest.p == '\t'))
		s->rest = view_from(s->rest, 1);
}

static bool eat(struct scan *s, char c)
{
	skip_space(s);
	if (!s->rest.n || *s->rest.p != c)
		return false;
	s->rest = view_from(s->rest, 1);
	return true;
}

static struct view word(struct scan *s, const char *stops)
{
	size_t n = 0;
	struct view w;

	skip_space(s);
	while (n < s->rest.n && !strchr(stops, s->rest.p[n]))
		n++;
	w = view_trim(view_sub(s->rest, 0, n));
	s->rest = view_from(s->rest, n);
	return w;
}

/* (p) or (p, s) */
static bool numbers(struct scan *s, uint64_t *p, uint64_t *q, bool *two)
{
	*two = false;
	if (!eat(s, '(') || !view_u64(word(s, ",)"), 65535, p))
		return false;
	if (eat(s, ',')) {
		*two = true;
		if (!view_u64(word(s, ")"), 65535, q))
			return false;
	}
	return eat(s, ')');
}

static bool type(struct scan *s, int depth);

static bool structure(struct scan *s, int depth)
{
	const char *sep = "STRUCT(";

	do {
		struct view name = word(s, ":<>,");

		if (!name.n || !eat(s, ':'))
			return false;
		buf_add_str(s->out, sep);
		sql_ident(s->out, name);
		buf_add_char(s->out, ' ');
		if (!type(s, depth + 1))
			return false;
		sep = ", ";
	} while (eat(s, ','));
	buf_add_char(s->out, ')');
	return eat(s, '>');
}

static bool decimal(struct scan *s)
{
	uint64_t p = 10, q = 0;
	bool two = false;

	skip_space(s);
	if (s->rest.n && *s->rest.p == '(' && !numbers(s, &p, &q, &two))
		return false;
	if (!p || p > 38 || q > p)
		return false;
	buf_printf(s->out, "DECIMAL(%u,%u)", (unsigned)p, (unsigned)q);
	return true;
}

static bool primitive(struct scan *s, struct view name)
{
	uint64_t p, q;
	bool two,
		sized = view_eq_nocase(name, VIEW("varchar")) || view_eq_nocase(name, VIEW("char"));

	if (view_eq_nocase(name, VIEW("decimal")))
		return decimal(s);
	for (size_t i = 0; i < ARRAY_LEN(primitives); i++) {
		if (!view_eq_nocase(name, view_str(primitives[i].hive)))
			continue;
		skip_space(s);
		if (sized && s->rest.n && *s->rest.p == '(' && (!numbers(s, &p, &q, &two) || two))
			return false;
		buf_add_str(s->out, primitives[i].sql);
		return true;
	}
	return false;
}

static bool type(struct scan *s, int depth)
{
	struct view name = word(s, "<>(),:");

	if (depth > HIVE_TYPE_DEPTH)
		return false;
	if (view_eq_nocase(name, VIEW("array"))) {
		if (!eat(s, '<') || !type(s, depth + 1) || !eat(s, '>'))
			return false;
		buf_add_str(s->out, "[]");
		return true;
	}
	if (view_eq_nocase(name, VIEW("map"))) {
		buf_add_str(s->out, "MAP(");
		if (!eat(s, '<') || !type(s, depth + 1) || !eat(s, ','))
			return false;
		buf_add_str(s->out, ", ");
		if (!type(s, depth + 1) || !eat(s, '>'))
			return false;
		buf_add_char(s->out, ')');
		return true;
	}
	if (view_eq_nocase(name, VIEW("struct")))
		return eat(s, '<') && structure(s, depth);
	return primitive(s, name);
}

bool hive_type_sql(struct view hive, struct buf *b)
{
	struct scan s = { .rest = hive, .out = b };

	if (!type(&s, 0))
		return false;
	skip_space(&s);
	return s.rest.n == 0;
}
