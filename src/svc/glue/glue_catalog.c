// SPDX-License-Identifier: Apache-2.0
/* glue_catalog: operations on databases and tables. */
#include "os/clock.h"
#include "svc/glue/glue_int.h"

#define PAGE 100

static int exists(struct err *e, int r, const char *what, const char *name)
{
	if (r != ERR_EXISTS)
		return r;
	err_clear(e);
	return aws_fail(e, &GLUE_EXISTS, "%s %s already exists.", what, name);
}

static int database_tx(struct meta_tx *tx, const char *name, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT 1 FROM glue_database WHERE name = ?", "s", name);

	if (found > 0)
		tx_end(r);
	if (found == 0)
		return aws_fail(e, &GLUE_NOT_FOUND, "Database %s not found.", name);
	return found < 0 ? found : 0;
}

/* --- databases --- */

static int create_database_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;

	return exists(e,
		      tx_run(tx, e,
			     "INSERT INTO glue_database (name, doc, made_ms) VALUES (?, ?, ?)",
			     "ssi", c->name, c->doc, clock_ms()),
		      "Database", c->name);
}

int glue__create_database(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.name = glue__fold(cx->arena, c.in->database_in->name);
	c.doc = json_text(cx->arena, glue_doc_database(cx->arena, c.in->database_in));
	return glue__write(cx, &c, create_database_tx);
}

/* What Lake Formation would be asked about is open to everyone who may use the catalog, as in an account without it. */
static void default_permissions(struct out *o)
{
	out_list(o, "CreateTableDefaultPermissions", NULL);
	out_obj(o, NULL);
	out_obj(o, "Principal");
	out_str(o, "DataLakePrincipalIdentifier", "IAM_ALLOWED_PRINCIPALS");
	out_obj_end(o);
	out_list(o, "Permissions", NULL);
	out_str(o, NULL, "ALL");
	out_list_end(o);
	out_obj_end(o);
	out_list_end(o);
}

static int out_database(struct glue_call *c, const char *name, struct view doc, int64_t made_ms,
			struct err *e)
{
	const struct json *d = json_parse(c->arena, doc, JSON_DEPTH, e);

	if (!d)
		return err_ctx(e, "database in the catalog");
	out_obj(c->o, name);
	glue_doc_out(c->o, d, c->arena);
	out_time(c->o, "CreateTime", made_ms);
	default_permissions(c->o);
	out_str(c->o, "CatalogId", c->g->o.account);
	out_obj_end(c->o);
	return 0;
}

static int get_database_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT doc, made_ms FROM glue_database WHERE name = ?", "s",
			   c->name);

	if (found == 0)
		return aws_fail(e, &GLUE_NOT_FOUND, "Database %s not found.", c->name);
	if (found < 0)
		return found;
	found = out_database(c, "Database", arena_view(c->arena, row_view(r, 0)), row_int(r, 1), e);
	tx_end(r);
	return found;
}

int glue__get_database(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.name = glue__fold(cx->arena, c.in->name);
	return glue__read(cx, &c, get_database_tx);
}

static int get_databases_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int64_t max = opt_int_or(c->in->max, PAGE), n = 0;
	const char *last = NULL;
	struct tx_rows *rows = NULL;
	int r = tx_query(
		tx, &rows, e,
		"SELECT name, doc, made_ms FROM glue_database WHERE name > ? ORDER BY name LIMIT ?",
		"si", c->in->token ? c->in->token : "", max + 1);

	if (r < 0)
		return r;
	out_list(c->o, "DatabaseList", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		if (n == max || out_database(c, NULL, arena_view(c->arena, row_view(rows, 1)),
					     row_int(rows, 2), e) < 0) {
			tx_end(rows);
			break;
		}
		n++;
		last = row_str(rows, 0, c->arena);
	}
	out_list_end(c->o);
	if (r > 0 && !e->code)
		out_str(c->o, "NextToken", last);
	return e->code;
}

int glue__get_databases(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	return glue__read(cx, &c, get_databases_tx);
}

static int update_database_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int r = database_tx(tx, c->name, e);

	return r < 0 ? r
		     : tx_run(tx, e, "UPDATE glue_database SET doc = ? WHERE name = ?", "ss",
			      c->doc, c->name);
}

int glue__update_database(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.name = glue__fold(cx->arena, c.in->name);
	if (strcmp(c.name, glue__fold(cx->arena, c.in->database_in->name)) != 0)
		return aws_fail(&cx->err, &GLUE_INVALID,
				"DatabaseInput.Name must be %s: a database cannot be renamed",
				c.name);
	c.doc = json_text(cx->arena, glue_doc_database(cx->arena, c.in->database_in));
	return glue__write(cx, &c, update_database_tx);
}

static int delete_database_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int r = database_tx(tx, c->name, e);

	if (r == 0)
		r = tx_run(tx, e, "DELETE FROM glue_partition WHERE db = ?", "s", c->name);
	if (r == 0)
		r = tx_run(tx, e, "DELETE FROM glue_table WHERE db = ?", "s", c->name);
	return r < 0 ? r : tx_run(tx, e, "DELETE FROM glue_database WHERE name = ?", "s", c->name);
}

int glue__delete_database(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.name = glue__fold(cx->arena, c.in->name);
	return glue__write(cx, &c, delete_database_tx);
}

/* --- tables --- */

static int create_table_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int64_t now = clock_ms();
	int r = database_tx(tx, c->db, e);

	if (r < 0)
		return r;
	return exists(e,
		      tx_run(tx, e,
			     "INSERT INTO glue_table (db, name, doc, version, made_ms, updated_ms) "
			     "VALUES (?, ?, ?, 0, ?, ?)",
			     "sssii", c->db, c->name, c->doc, now, now),
		      "Table", c->name);
}

/* @in as a table that can be kept: no name twice among columns and keys. */
static int check_table(struct op_ctx *cx, const struct glue_table_in *in, const struct json *doc)
{
	const struct json *lists[] = { json_get(json_get(doc, "StorageDescriptor"), "Columns"),
				       json_get(doc, "PartitionKeys") };
	struct view names[2];

	for (size_t x = 0; x < json_len(lists[0]) + json_len(lists[1]); x++) {
		for (size_t y = 0; y < x; y++) {
			size_t at[2] = { x, y }, n = json_len(lists[0]);

			for (int i = 0; i < 2; i++)
				names[i] = json_get_str(at[i] < n ? json_at(lists[0], at[i])
								  : json_at(lists[1], at[i] - n),
							"Name");
			if (view_eq(names[0], names[1]))
				return aws_fail(&cx->err, &GLUE_INVALID,
						"column %.*s of table %s is named twice",
						VIEW_ARG(names[0]), in->name);
		}
	}
	return 0;
}

static int table_call(struct op_ctx *cx, struct glue_call *c)
{
	const struct json *doc;

	if (!c->in->table_in)
		return aws_fail(&cx->err, &GLUE_INVALID, "TableInput is required");
	c->db = glue__fold(cx->arena, c->in->database);
	c->name = glue__fold(cx->arena, c->in->table_in->name);
	doc = glue_doc_table(cx->arena, c->in->table_in);
	c->doc = json_text(cx->arena, doc);
	return check_table(cx, c->in->table_in, doc);
}

int glue__create_table(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	return table_call(cx, &c) < 0 ? cx->err.code : glue__write(cx, &c, create_table_tx);
}

struct table_row {
	struct view doc;
	int64_t version, made_ms, updated_ms;
};

static struct table_row read_row(const struct tx_rows *r, struct arena *a)
{
	return (struct table_row){ arena_view(a, row_view(r, 0)), row_int(r, 1), row_int(r, 2),
				   row_int(r, 3) };
}

static bool wants(const struct glue_in *in, const char *attribute)
{
	const char *const *v = in->attributes.v;

	for (size_t i = 0; i < in->attributes.n; i++)
		if (strcmp(v[i], attribute) == 0)
			return true;
	return in->attributes.n == 0;
}

static int out_table(struct glue_call *c, const char *name, const struct table_row *t,
		     struct err *e)
{
	const struct json *d = json_parse(c->arena, t->doc, JSON_DEPTH, e);

	if (!d)
		return err_ctx(e, "table in the catalog");
	out_obj(c->o, name);
	if (c->in->attributes.n) {
		if (wants(c->in, "NAME"))
			out_view(c->o, "Name", json_get_str(d, "Name"));
		if (wants(c->in, "TABLE_TYPE"))
			out_view(c->o, "TableType", json_get_str(d, "TableType"));
		out_obj_end(c->o);
		return 0;
	}
	glue_doc_out(c->o, d, c->arena);
	out_str(c->o, "DatabaseName", c->db);
	out_time(c->o, "CreateTime", t->made_ms);
	out_time(c->o, "UpdateTime", t->updated_ms);
	out_bool(c->o, "IsRegisteredWithLakeFormation", false);
	out_str(c->o, "CatalogId", c->g->o.account);
	out_str(c->o, "VersionId", arena_printf(c->arena, "%lld", (long long)t->version));
	out_obj_end(c->o);
	return 0;
}

static int get_table_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	struct table_row t;
	struct tx_rows *r;
	int found = database_tx(tx, c->db, e);

	if (found < 0)
		return found;
	found = tx_one(tx, &r, e,
		       "SELECT doc, version, made_ms, updated_ms FROM glue_table WHERE db = ? AND "
		       "name = ?",
		       "ss", c->db, c->name);
	if (found == 0)
		return aws_fail(e, &GLUE_NOT_FOUND, "Table %s not found.", c->name);
	if (found < 0)
		return found;
	t = read_row(r, c->arena);
	tx_end(r);
	return out_table(c, "Table", &t, e);
}

int glue__get_table(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.db = glue__fold(cx->arena, c.in->database);
	c.name = glue__fold(cx->arena, c.in->name);
	return glue__read(cx, &c, get_table_tx);
}

/* GetTables.Expression: names with `*` (also written `.*`) for any characters; NULL fits all. */
static bool name_fits(struct view name, struct view pat)
{
	size_t i = 0, j = 0, star = 0, mark = 0;
	bool starred = false;

	while (i < name.n) {
		if (j < pat.n && pat.p[j] == '*') {
			starred = true;
			star = j++;
			mark = i;
		} else if (j < pat.n && pat.p[j] == name.p[i]) {
			i++;
			j++;
		} else if (starred) {
			j = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (j < pat.n && pat.p[j] == '*')
		j++;
	return j == pat.n;
}

static int table_pattern(struct op_ctx *cx, const char *expression, const char **ret)
{
	char *s = arena_alloc(cx->arena, strlen(expression) + 1), *to = s;

	for (const char *c = glue__fold(cx->arena, expression); *c; c++) {
		if (c[0] == '.' && c[1] == '*')
			continue;
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') && *c != '_' &&
		    *c != '-' && *c != '*')
			return aws_fail(
				&cx->err, &GLUE_INVALID,
				"Expression may hold names with * only; %c is not supported", *c);
		*to++ = *c;
	}
	*ret = *s ? s : NULL;
	return 0;
}

static int get_tables_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	int64_t max = opt_int_or(c->in->max, PAGE), n = 0;
	const char *last = NULL;
	struct tx_rows *rows = NULL;
	int r = database_tx(tx, c->db, e);

	if (r == 0)
		r = tx_query(tx, &rows, e,
			     "SELECT doc, version, made_ms, updated_ms, name FROM glue_table WHERE "
			     "db = ? AND name > ? ORDER BY name",
			     "ss", c->db, c->in->token ? c->in->token : "");
	if (r < 0)
		return r;
	out_list(c->o, "TableList", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		struct table_row t = read_row(rows, c->arena);

		if (c->name && !name_fits(row_view(rows, 4), view_str(c->name)))
			continue;
		if (n == max || out_table(c, NULL, &t, e) < 0) {
			tx_end(rows);
			break;
		}
		n++;
		last = row_str(rows, 4, c->arena);
	}
	out_list_end(c->o);
	if (r > 0 && !e->code)
		out_str(c->o, "NextToken", last);
	return e->code;
}

int glue__get_tables(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.db = glue__fold(cx->arena, c.in->database);
	if (c.in->expression && table_pattern(cx, c.in->expression, &c.name) < 0)
		return cx->err.code;
	return glue__read(cx, &c, get_tables_tx);
}

static int update_table_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	const struct json *doc;
	int64_t version, want;
	int r = glue__need_table(tx, c->db, c->name, c->arena, &doc, &version, e);

	if (r < 0)
		return r;
	if (c->in->version && (!view_i64(view_str(c->in->version), &want) || want != version))
		return aws_fail(e, &GLUE_CONCURRENT,
				"Update table failed due to concurrent modifications: version of "
				"%s is %lld.",
				c->name, (long long)version);
	return tx_run(tx, e,
		      "UPDATE glue_table SET doc = ?, version = version + 1, updated_ms = ? WHERE "
		      "db = ? AND name = ?",
		      "siss", c->doc, clock_ms(), c->db, c->name);
}

int glue__update_table(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	return table_call(cx, &c) < 0 ? cx->err.code : glue__write(cx, &c, update_table_tx);
}

static int delete_table_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	const struct json *doc;
	int64_t version;
	int r = glue__need_table(tx, c->db, c->name, c->arena, &doc, &version, e);

	if (r == 0)
		r = tx_run(tx, e, "DELETE FROM glue_partition WHERE db = ? AND tbl = ?", "ss",
			   c->db, c->name);
	return r < 0 ? r
		     : tx_run(tx, e, "DELETE FROM glue_table WHERE db = ? AND name = ?", "ss",
			      c->db, c->name);
}

int glue__delete_table(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.db = glue__fold(cx->arena, c.in->database);
	c.name = glue__fold(cx->arena, c.in->name);
	return glue__write(cx, &c, delete_table_tx);
}
