// SPDX-License-Identifier: Apache-2.0
/*
 * Declared tables as views.  Columns are matched by name through an explicit schema, so that a file that lacks a
 * column gives nulls, and no file is opened before the statement needs it.  Files are grouped by their partition
 * values: a branch whose constants contradict the WHERE clause is dropped before it reads anything.  With many
 * partitions, where that many branches would be slow to plan, the values come from a join on the file's name.
 */
#include "store/sqlworker/relation.h"

#include "store/sqlworker/hive_type.h"

#define BRANCHES_MAX 64
#define FILE_COLUMN "mulgil file"

struct rel {
	struct arena *arena;
	const struct json *t, *columns, *keys, *files;
	const char **types, **key_types; /* the engine's */
	struct view format;
	struct buf *b;
};

static int engine_types(struct rel *r, const struct json *cols, const char ***ret, struct err *e)
{
	const char **types = ARENA_ARRAY(r->arena, const char *, json_len(cols) + 1);

	for (size_t i = 0; i < json_len(cols); i++) {
		const struct json *c = json_at(cols, i);
		struct view hive = json_str(json_at(c, 1));
		struct buf b;

		buf_init(&b, 64 * 1024);
		if (!hive_type_sql(hive, &b) || b.over) {
			buf_clear(&b);
			return err_set(e, ERR_INVALID, "column %.*s has the unknown type %.*s",
				       VIEW_ARG(json_str(json_at(c, 0))), VIEW_ARG(hive));
		}
		types[i] = arena_str(r->arena, buf_view(&b));
		buf_clear(&b);
	}
	*ret = types;
	return 0;
}

static void add_cast(struct buf *b, const char *type)
{
	buf_add_str(b, " AS ");
	buf_add_str(b, type);
	buf_add_char(b, ')');
}

static void file_list(struct rel *r, const size_t *which, size_t n)
{
	buf_add_char(r->b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_str(r->b, ", ");
		sql_quote(r->b, json_str(json_at(json_at(r->files, which[i]), 0)));
	}
	buf_add_char(r->b, ']');
}

static void parquet_schema(struct rel *r)
{
	buf_add_str(r->b, ", schema=MAP{");
	for (size_t i = 0; i < json_len(r->columns); i++) {
		struct view name = json_str(json_at(json_at(r->columns, i), 0));

		buf_add_str(r->b, i ? ", " : "");
		sql_quote(r->b, name);
		buf_add_str(r->b, ": {name: ");
		sql_quote(r->b, name);
		buf_add_str(r->b, ", type: ");
		sql_quote(r->b, view_str(r->types[i]));
		buf_add_str(r->b, ", default_value: NULL}");
	}
	buf_add_char(r->b, '}');
}

static void text_columns(struct rel *r)
{
	buf_add_str(r->b, ", columns={");
	for (size_t i = 0; i < json_len(r->columns); i++) {
		buf_add_str(r->b, i ? ", " : "");
		sql_ident(r->b, json_str(json_at(json_at(r->columns, i), 0)));
		buf_add_str(r->b, ": ");
		sql_quote(r->b, view_str(r->types[i]));
	}
	buf_add_char(r->b, '}');
}

static void reader(struct rel *r, const size_t *which, size_t n, bool with_name)
{
	if (view_eq_str(r->format, "parquet")) {
		buf_add_str(r->b, "read_parquet(");
		file_list(r, which, n);
		parquet_schema(r);
	} else if (view_eq_str(r->format, "json")) {
		buf_add_str(r->b, "read_json(");
		file_list(r, which, n);
		text_columns(r);
		buf_add_str(r->b, ", format='newline_delimited'");
	} else {
		buf_add_str(r->b, "read_csv(");
		file_list(r, which, n);
		text_columns(r);
		buf_printf(r->b,
			   ", auto_detect=false, strict_mode=false, null_padding=true, "
			   "nullstr=['', '\\N'], header=%s, delim=",
			   json_is_true(json_get(r->t, "header")) ? "true" : "false");
		sql_quote(r->b, json_get_str(r->t, "delim"));
		buf_add_str(r->b, ", quote=");
		sql_quote(r->b, json_get_str(r->t, "quote"));
	}
	if (!view_eq_str(r->format, "parquet"))
		buf_add_str(r->b, json_is_true(json_get(r->t, "gzip"))
					  ? ", compression='gzip'"
					  : ", compression='uncompressed'");
	if (with_name)
		buf_add_str(r->b, ", filename='" FILE_COLUMN "'");
	buf_add_char(r->b, ')');
}

static void plain_columns(struct rel *r)
{
	for (size_t i = 0; i < json_len(r->columns); i++) {
		buf_add_str(r->b, i ? ", " : "");
		sql_ident(r->b, json_str(json_at(json_at(r->columns, i), 0)));
	}
}

static void constant(struct rel *r, const struct json *value)
{
	if (json_is(value, JSON_STR))
		sql_quote(r->b, json_str(value));
	else
		buf_add_str(r->b, "NULL");
}

/* One SELECT over files of the same partition. */
static void branch(struct rel *r, const size_t *which, size_t n)
{
	const struct json *first = json_at(r->files, which[0]);

	buf_add_str(r->b, "SELECT ");
	plain_columns(r);
	for (size_t k = 0; k < json_len(r->keys); k++) {
		buf_add_str(r->b, json_len(r->columns) || k ? ", CAST(" : "CAST(");
		constant(r, json_at(first, k + 1));
		add_cast(r->b, r->key_types[k]);
		buf_add_str(r->b, " AS ");
		sql_ident(r->b, json_str(json_at(json_at(r->keys, k), 0)));
	}
	buf_add_str(r->b, " FROM ");
	reader(r, which, n, false);
}

static void join(struct rel *r, const size_t *all, size_t n)
{
	buf_add_str(r->b, "SELECT ");
	for (size_t i = 0; i < json_len(r->columns); i++) {
		buf_add_str(r->b, i ? ", f." : "f.");
		sql_ident(r->b, json_str(json_at(json_at(r->columns, i), 0)));
	}
	for (size_t k = 0; k < json_len(r->keys); k++) {
		buf_printf(r->b, "%sCAST(p.k%zu", json_len(r->columns) || k ? ", " : "", k);
		add_cast(r->b, r->key_types[k]);
		buf_add_str(r->b, " AS ");
		sql_ident(r->b, json_str(json_at(json_at(r->keys, k), 0)));
	}
	buf_add_str(r->b, " FROM ");
	reader(r, all, n, true);
	buf_add_str(r->b, " f JOIN (VALUES ");
	for (size_t i = 0; i < n; i++) {
		const struct json *f = json_at(r->files, all[i]);

		buf_add_str(r->b, i ? ", (" : "(");
		for (size_t k = 0; k <= json_len(r->keys); k++) {
			buf_add_str(r->b, k ? ", " : "");
			constant(r, json_at(f, k));
		}
		buf_add_char(r->b, ')');
	}
	buf_add_str(r->b, ") p(path");
	for (size_t k = 0; k < json_len(r->keys); k++)
		buf_printf(r->b, ", k%zu", k);
	buf_add_str(r->b, ") ON f.\"" FILE_COLUMN "\" = p.path");
}

static void nothing(struct rel *r)
{
	const struct json *lists[] = { r->columns, r->keys };
	const char **types[] = { r->types, r->key_types };
	const char *sep = "SELECT ";

	for (size_t l = 0; l < 2; l++) {
		for (size_t i = 0; i < json_len(lists[l]); i++) {
			buf_add_str(r->b, sep);
			buf_add_str(r->b, "CAST(NULL");
			must(types[l]);
			add_cast(r->b, types[l][i]);
			buf_add_str(r->b, " AS ");
			sql_ident(r->b, json_str(json_at(json_at(lists[l], i), 0)));
			sep = ", ";
		}
	}
	buf_add_str(r->b, " WHERE false");
}

static bool same_partition(const struct rel *r, size_t x, size_t y)
{
	for (size_t k = 1; k <= json_len(r->keys); k++)
		if (!json_equal(json_at(json_at(r->files, x), k), json_at(json_at(r->files, y), k)))
			return false;
	return true;
}

/* The files in runs of the same partition; returns how many runs there are.  Callers send them sorted. */
static size_t count_runs(const struct rel *r)
{
	size_t runs = 0;

	for (size_t i = 0; i < json_len(r->files); i++)
		runs += i == 0 || !same_partition(r, i - 1, i);
	return runs;
}

static void body(struct rel *r)
{
	size_t n = json_len(r->files), from = 0;
	size_t *all = ARENA_ARRAY(r->arena, size_t, n + 1);

	for (size_t i = 0; i < n; i++)
		all[i] = i;
	if (!n) {
		nothing(r);
		return;
	}
	if (count_runs(r) > BRANCHES_MAX) {
		join(r, all, n);
		return;
	}
	for (size_t i = 1; i <= n; i++) {
		if (i < n && same_partition(r, from, i))
			continue;
		buf_add_str(r->b, from ? " UNION ALL " : "");
		branch(r, all + from, i - from);
		from = i;
	}
}

int relation_sql(struct arena *a, const struct json *table, struct buf *b, struct err *e)
{
	struct rel r = { .arena = a, .t = table, .b = b };
	struct view view_sql = json_get_str(table, "view");

	r.columns = json_get(table, "columns");
	r.keys = json_get(table, "keys");
	r.files = json_get(table, "files");
	r.format = json_get_str(table, "format");
	buf_add_str(b, "CREATE VIEW ");
	sql_ident(b, json_get_str(table, "schema"));
	buf_add_char(b, '.');
	sql_ident(b, json_get_str(table, "name"));
	buf_add_str(b, " AS ");
	if (view_sql.p) {
		buf_add_str(b, "(");
		buf_add_view(b, view_sql);
		buf_add_str(b, "\n)");
		return buf_check(b, "view", e);
	}
	if (engine_types(&r, r.columns, &r.types, e) < 0 ||
	    engine_types(&r, r.keys, &r.key_types, e) < 0)
		return err_ctx(e, "table %.*s", VIEW_ARG(json_get_str(table, "name")));
	if (!json_len(r.columns))
		return err_set(e, ERR_INVALID, "table %.*s has no columns",
			       VIEW_ARG(json_get_str(table, "name")));
	body(&r);
	return buf_check(b, "table with its files", e);
}
