// SPDX-License-Identifier: Apache-2.0
/* glue: rows, shared look-ups, the port, start and end. */
#include "svc/glue/glue.h"

#include <stdlib.h>

#include "os/file.h"
#include "svc/glue/glue_int.h"

const char *glue__fold(struct arena *a, const char *name)
{
	char *s = arena_str(a, view_str(name));

	for (char *c = s; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return s;
}

struct glue_call glue__call(struct op_ctx *cx, const void *in, struct out *o)
{
	return (struct glue_call){ .g = cx->self, .cx = cx, .arena = cx->arena, .in = in, .o = o };
}

int glue__check_catalog(struct op_ctx *cx, const struct glue_in *in)
{
	const struct glue *g = cx->self;

	if (in->catalog && strcmp(in->catalog, g->o.account) != 0)
		return aws_fail(&cx->err, &GLUE_NOT_FOUND, "Catalog %s not found.", in->catalog);
	return 0;
}

int glue__write(struct op_ctx *cx, struct glue_call *c, meta_fn fn)
{
	return glue__check_catalog(cx, c->in) < 0 ? cx->err.code
						  : meta_write(c->g->o.meta, fn, c, &cx->err);
}

int glue__read(struct op_ctx *cx, struct glue_call *c, meta_fn fn)
{
	return glue__check_catalog(cx, c->in) < 0 ? cx->err.code
						  : meta_read(c->g->o.meta, fn, c, &cx->err);
}

int glue__table_tx(struct meta_tx *tx, const char *db, const char *name, struct arena *a,
		   const struct json **ret_doc, int64_t *ret_version, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e,
			   "SELECT doc, version FROM glue_table WHERE db = ? AND name = ?", "ss",
			   db, name);

	if (found <= 0)
		return found;
	*ret_doc = json_parse(a, row_view(r, 0), JSON_DEPTH, e);
	*ret_version = row_int(r, 1);
	tx_end(r);
	return *ret_doc ? 1 : err_ctx(e, "table in the catalog");
}

int glue__need_table(struct meta_tx *tx, const char *db, const char *name, struct arena *a,
		     const struct json **ret_doc, int64_t *ret_version, struct err *e)
{
	int r = glue__table_tx(tx, db, name, a, ret_doc, ret_version, e);

	if (r == 0)
		return aws_fail(e, &GLUE_NOT_FOUND, "Table %s not found.", name);
	return r < 0 ? r : 0;
}

/* --- the port --- */

struct port_call {
	struct arena *a;
	const char *db, *name, *expression;
	struct glue_table *table, *tables;
	struct glue_partition *partitions;
	const char **names;
	size_t n, cap;
};

static int port_table_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct port_call *c = arg;
	const struct json *doc;
	int64_t version;
	int r = glue__table_tx(tx, c->db, c->name, c->a, &doc, &version, e);

	if (r == 0)
		return err_set(e, ERR_NOENT, "table %s.%s does not exist", c->db, c->name);
	if (r < 0)
		return r;
	glue_doc_read(c->a, doc, c->db, version, c->table);
	return 0;
}

static int port_table(void *self, const char *database, const char *table, struct arena *a,
		      struct glue_table *ret, struct err *e)
{
	struct glue *g = self;
	struct port_call c = {
		.a = a, .db = glue__fold(a, database), .name = glue__fold(a, table), .table = ret
	};

	return meta_read(g->o.meta, port_table_tx, &c, e);
}

static void *more(struct arena *a, void *list, size_t n, size_t *cap, size_t size)
{
	void *bigger = list;

	if (n == *cap) {
		*cap = *cap ? *cap * 2 : 32;
		bigger = arena_alloc(a, *cap * size);
		if (n)
			memcpy(bigger, list, n * size);
	}
	return bigger;
}

static int port_tables_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct port_call *c = arg;
	struct tx_rows *rows = NULL;
	int r = tx_query(tx, &rows, e,
			 "SELECT doc, version FROM glue_table WHERE db = ? ORDER BY name", "s",
			 c->db);

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		const struct json *doc = json_parse(c->a, row_view(rows, 0), JSON_DEPTH, e);

		if (!doc) {
			tx_end(rows);
			return err_ctx(e, "table in the catalog");
		}
		c->tables = more(c->a, c->tables, c->n, &c->cap, sizeof(*c->tables));
		glue_doc_read(c->a, doc, c->db, row_int(rows, 1), &c->tables[c->n++]);
	}
	return r;
}

static int port_tables(void *self, const char *database, struct arena *a, struct glue_table **ret,
		       size_t *ret_n, struct err *e)
{
	struct glue *g = self;
	struct port_call c = { .a = a, .db = glue__fold(a, database) };
	int r = meta_read(g->o.meta, port_tables_tx, &c, e);

	if (r == 0) {
		*ret = c.tables;
		*ret_n = c.n;
	}
	return r;
}

static int port_databases_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct port_call *c = arg;
	struct tx_rows *rows = NULL;
	int r = tx_query(tx, &rows, e, "SELECT name FROM glue_database ORDER BY name", "");

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		c->names = more(c->a, c->names, c->n, &c->cap, sizeof(*c->names));
		c->names[c->n++] = row_str(rows, 0, c->a);
	}
	return r;
}

static int port_databases(void *self, struct arena *a, const char ***ret, size_t *ret_n,
			  struct err *e)
{
	struct glue *g = self;
	struct port_call c = { .a = a };
	int r = meta_read(g->o.meta, port_databases_tx, &c, e);

	if (r == 0) {
		*ret = c.names;
		*ret_n = c.n;
	}
	return r;
}

static int port_partitions_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct port_call *c = arg;

	return glue__partitions_tx(tx, c->db, c->name, c->expression, c->a, &c->partitions, &c->n,
				   e);
}

static int port_partitions(void *self, const char *database, const char *table,
			   const char *expression, struct arena *a, struct glue_partition **ret,
			   size_t *ret_n, struct err *e)
{
	struct glue *g = self;
	struct port_call c = { .a = a,
			       .db = glue__fold(a, database),
			       .name = glue__fold(a, table),
			       .expression = expression };
	int r = meta_read(g->o.meta, port_partitions_tx, &c, e);

	if (r == 0) {
		*ret = c.partitions;
		*ret_n = c.n;
	}
	return r;
}

/* --- start and end --- */

static int schema(struct meta *m, struct err *e)
{
	return meta_schema(
		m,
		"CREATE TABLE IF NOT EXISTS glue_database (name TEXT PRIMARY KEY, doc TEXT NOT "
		"NULL, made_ms BIGINT NOT NULL);"
		"CREATE TABLE IF NOT EXISTS glue_table (db TEXT NOT NULL, name TEXT NOT NULL, doc "
		"TEXT NOT NULL,"
		" version BIGINT NOT NULL, made_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, "
		"PRIMARY KEY (db, name));"
		"CREATE TABLE IF NOT EXISTS glue_partition (db TEXT NOT NULL, tbl TEXT NOT NULL, "
		"vals TEXT NOT NULL,"
		" doc TEXT NOT NULL, made_ms BIGINT NOT NULL, PRIMARY KEY (db, tbl, vals));"
		"CREATE TABLE IF NOT EXISTS glue_job (name TEXT PRIMARY KEY, doc TEXT NOT NULL, "
		"made_ms BIGINT NOT NULL);"
		"CREATE TABLE IF NOT EXISTS glue_run (id TEXT PRIMARY KEY, base TEXT NOT NULL, job "
		"TEXT NOT NULL,"
		" attempt BIGINT NOT NULL, previous TEXT, state TEXT NOT NULL, arguments TEXT NOT "
		"NULL,"
		" final_arguments TEXT NOT NULL, script TEXT NOT NULL, timeout_min BIGINT NOT "
		"NULL, done BIGINT NOT NULL,"
		" started_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, completed_ms BIGINT, "
		"message TEXT, once TEXT);"
		"CREATE INDEX IF NOT EXISTS glue_run_by_once ON glue_run (once);"
		"CREATE INDEX IF NOT EXISTS glue_run_by_job ON glue_run (job, id);"
		"CREATE INDEX IF NOT EXISTS glue_run_by_state ON glue_run (state, id);",
		e);
}

static const char *dup_or_null(const char *s)
{
	char *copy = s ? strdup(s) : NULL;

	must(!s || copy);
	return copy;
}

int glue_new(const struct glue_opts *o, struct glue **ret, struct err *e)
{
	struct glue *g;

	if (schema(o->meta, e) < 0)
		return err_ctx(e, "glue");
	g = calloc(1, sizeof(*g));
	must(g);
	g->o = *o;
	g->o.staging = dup_or_null(o->staging);
	g->o.region = dup_or_null(o->region);
	g->o.account = dup_or_null(o->account);
	g->port = (struct glue_port){ .self = g,
				      .table = port_table,
				      .tables = port_tables,
				      .databases = port_databases,
				      .partitions = port_partitions,
				      .resolve = glue__resolve,
				      .partition_tx = glue__partition_add_tx };
	lock_init(&g->lock, "glue");
	cond_init(&g->wake);
	g->cancel = sql_cancel_new();
	*ret = g;
	return 0;
}

const struct glue_port *glue_port(struct glue *g)
{
	return &g->port;
}

void glue__wake(struct glue *g)
{
	LOCK_SCOPE(&g->lock);
	g->work++;
	cond_broadcast(&g->wake);
}

/* Runs that were STARTING have done nothing yet: the runners take them.  What was RUNNING is told to have failed. */
static int recover_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue *g = arg;
	struct arena a;
	struct glue_run *list = NULL;
	struct tx_rows *rows = NULL;
	size_t n = 0, cap = 0;
	int r = tx_query(tx, &rows, e,
			 "SELECT id, base, job, started_ms FROM glue_run WHERE state = 'RUNNING' "
			 "ORDER BY id",
			 "");

	if (r < 0)
		return r;
	arena_init(&a, 256UL * 1024 * 1024);
	while ((r = tx_next(rows, e)) > 0) {
		list = more(&a, list, n, &cap, sizeof(*list));
		list[n++] = (struct glue_run){ .id = row_str(rows, 0, &a),
					       .base = row_str(rows, 1, &a),
					       .job = row_str(rows, 2, &a),
					       .started_ms = row_int(rows, 3) };
	}
	for (size_t i = 0; i < n && r == 0; i++)
		r = glue__run_end_tx(g, tx, &list[i], "FAILED",
				     "The run was interrupted: the server stopped while it was "
				     "running. Statements that had finished are kept; start it "
				     "again with this JobRunId to repeat it.",
				     e);
	arena_clear(&a);
	return r;
}

int glue_start(struct glue *g, struct err *e)
{
	if (g->o.staging &&
	    (file_remove_tree(g->o.staging, e) < 0 || file_mkdirs(g->o.staging, 0700, e) < 0))
		return err_ctx(e, "glue");
	if (meta_write(g->o.meta, recover_tx, g, e) < 0)
		return err_ctx(e, "glue");
	g->running = true;
	g->work = 1;
	for (int i = 0; i < GLUE_RUNNERS; i++)
		g->threads[i] = thread_start("glue-runner", glue__runner, g);
	return 0;
}

struct glue *glue_free(struct glue *g)
{
	if (!g)
		return NULL;
	lock_take(&g->lock);
	g->stopping = true;
	cond_broadcast(&g->wake);
	lock_drop(&g->lock);
	sql_cancel_fire(g->cancel);
	for (int i = 0; i < GLUE_RUNNERS && g->running; i++)
		thread_join(g->threads[i]);
	g->cancel = sql_cancel_free(g->cancel);
	lock_clear(&g->lock);
	cond_clear(&g->wake);
	free((char *)(uintptr_t)g->o.staging);
	free((char *)(uintptr_t)g->o.region);
	free((char *)(uintptr_t)g->o.account);
	free(g);
	return NULL;
}
