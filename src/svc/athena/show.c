// SPDX-License-Identifier: Apache-2.0
/* A few words of Hive's language that clients send to look around. */
#include "svc/athena/show.h"

#include "base/limits.h"

struct words {
	struct view rest;
	struct view w[8]; /* names: without their quotes */
	size_t n;
	bool more; /* there are more than fit, or something that is no word */
};

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '*' || c == '|';
}

static void split(struct words *s, const char *text)
{
	struct view t = view_trim(view_str(text));

	while (view_ends(t, VIEW(";")))
		t = view_trim(view_sub(t, 0, t.n - 1));
	while (t.n && !s->more) {
		char q = t.p[0];
		size_t n = 0;

		if (q == '\'' || q == '"' || q == '`') {
			ptrdiff_t end = view_chr(view_from(t, 1), q);

			n = end > 0 ? (size_t)end : 0;
			s->w[s->n] = view_sub(t, 1, n);
			t = n ? view_from(t, n + 2) : t;
		} else {
			while (n < t.n && is_name(t.p[n]))
				n++;
			if (!n && q == '.')
				n = 1;
			s->w[s->n] = view_sub(t, 0, n);
			t = view_from(t, n);
		}
		t = view_trim(t);
		s->n++;
		s->more = !n || (s->n == ARRAY_LEN(s->w) && t.n);
	}
}

static bool is(const struct words *s, size_t i, const char *w)
{
	return i < s->n && view_eq_nocase(s->w[i], view_str(w));
}

/* [db.]name from word @i to the end. */
static bool table_name(struct arena *a, const struct words *s, size_t i, const char *database,
		       const char **db, const char **name)
{
	*db = database;
	if (i + 3 == s->n && is(s, i + 1, ".")) {
		*db = arena_str(a, s->w[i]);
		i += 2;
	}
	if (i + 1 != s->n || is(s, i, "."))
		return false;
	*name = arena_str(a, s->w[i]);
	return true;
}

static void line(struct show_result *r, const char *x)
{
	buf_add_str(&r->text, x);
	buf_add_char(&r->text, '\n');
	r->rows++;
}

static int databases(const struct glue_port *g, struct arena *a, struct show_result *r,
		     struct err *e)
{
	const char **names;
	size_t n;

	r->columns[0] = "database_name";
	r->n_columns = 1;
	if (g->databases(g->self, a, &names, &n, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++)
		line(r, names[i]);
	return 1;
}

static int tables(const struct glue_port *g, const char *db, struct arena *a, struct show_result *r,
		  struct err *e)
{
	struct glue_table *list;
	size_t n;

	r->columns[0] = "tab_name";
	r->n_columns = 1;
	if (g->tables(g->self, db, a, &list, &n, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++)
		line(r, list[i].name);
	return 1;
}

static int partitions(const struct glue_port *g, const char *db, const char *table, struct arena *a,
		      struct show_result *r, struct err *e)
{
	struct glue_partition *list;
	struct glue_table t;
	size_t n;

	r->columns[0] = "partition";
	r->n_columns = 1;
	if (g->table(g->self, db, table, a, &t, e) < 0)
		return e->code;
	if (!t.n_partition_keys)
		return err_set(e, ERR_INVALID, "table %s.%s is not partitioned", db, table);
	if (g->partitions(g->self, db, table, NULL, a, &list, &n, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < t.n_partition_keys; k++)
			buf_printf(&r->text, "%s%s=%s", k ? "/" : "", t.partition_keys[k].name,
				   list[i].values[k]);
		line(r, "");
	}
	return 1;
}

static int describe(const struct glue_port *g, const char *db, const char *table, bool names_only,
		    struct arena *a, struct show_result *r, struct err *e)
{
	static const char *const heads[] = { "col_name", "data_type", "comment" };
	struct glue_table t;

	r->n_columns = names_only ? 1 : 3;
	for (size_t i = 0; i < r->n_columns; i++)
		r->columns[i] = names_only ? "field" : heads[i];
	if (g->table(g->self, db, table, a, &t, e) < 0)
		return e->code;
	for (size_t i = 0; i < t.n_columns + t.n_partition_keys; i++) {
		const struct glue_column *c = i < t.n_columns ? &t.columns[i]
							      : &t.partition_keys[i - t.n_columns];

		buf_add_str(&r->text, c->name);
		line(r, names_only ? "" : arena_printf(a, "\t%s\t", c->type));
	}
	return 1;
}

struct ask {
	const struct glue_port *g;
	struct words *s;
	const char *database;
	struct arena *arena;
	struct show_result *r;
};

/* Each: 1 answered, 0 the form is not one of ours, negative error. */
static int ask_databases(struct ask *k, struct err *e)
{
	return k->s->n == 2 ? databases(k->g, k->arena, k->r, e) : 0;
}

static int ask_tables(struct ask *k, struct err *e)
{
	if (k->s->n == 2)
		return tables(k->g, k->database, k->arena, k->r, e);
	if (k->s->n == 4 && (is(k->s, 2, "in") || is(k->s, 2, "from")))
		return tables(k->g, arena_str(k->arena, k->s->w[3]), k->arena, k->r, e);
	return 0;
}

static int ask_partitions(struct ask *k, struct err *e)
{
	const char *db, *name;

	return table_name(k->arena, k->s, 2, k->database, &db, &name)
		       ? partitions(k->g, db, name, k->arena, k->r, e)
		       : 0;
}

static int ask_columns(struct ask *k, struct err *e)
{
	const char *db, *name;

	if (!is(k->s, 2, "in") && !is(k->s, 2, "from"))
		return 0;
	return table_name(k->arena, k->s, 3, k->database, &db, &name)
		       ? describe(k->g, db, name, true, k->arena, k->r, e)
		       : 0;
}

static int ask_describe(struct ask *k, struct err *e)
{
	const char *db, *name;

	return table_name(k->arena, k->s, 1, k->database, &db, &name)
		       ? describe(k->g, db, name, false, k->arena, k->r, e)
		       : 0;
}

static const struct {
	const char *first, *second; /* NULL: any */
	int (*fn)(struct ask *k, struct err *e);
} asks[] = {
	{ "show", "databases", ask_databases }, { "show", "schemas", ask_databases },
	{ "show", "tables", ask_tables },       { "show", "partitions", ask_partitions },
	{ "show", "columns", ask_columns },     { "describe", NULL, ask_describe },
	{ "desc", NULL, ask_describe },
};

static int run(struct ask *k, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(asks) && r == 0 && !k->s->more; i++)
		if (is(k->s, 0, asks[i].first) && (!asks[i].second || is(k->s, 1, asks[i].second)))
			r = asks[i].fn(k, e);
	return r ? r
		 : err_set(e, ERR_UNSUPPORTED, "this form of SHOW or DESCRIBE is not supported");
}

int show_run(const struct glue_port *glue, const char *text, const char *database, struct arena *a,
	     struct show_result *ret, struct err *e)
{
	struct words s = { 0 };
	int r;

	split(&s, text);
	if (!is(&s, 0, "show") && !is(&s, 0, "describe") && !is(&s, 0, "desc"))
		return 0;
	*ret = (struct show_result){ 0 };
	buf_init(&ret->text, 64 * MIB);
	r = run(&(struct ask){ glue, &s, database, a, ret }, e);
	if (r > 0 && buf_check(&ret->text, "result", e) < 0)
		r = e->code;
	if (r <= 0)
		buf_clear(&ret->text);
	return r;
}
