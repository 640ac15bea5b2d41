// SPDX-License-Identifier: Apache-2.0
/* glue_resolve: the tables that a statement names, with their files, for the SQL engine. */
#include "svc/glue/glue_int.h"

#define VIEW_DEPTH 16
#define TABLES_MAX 256
#define FILES_MAX 200000

struct resolve {
	struct glue *g;
	struct arena *arena;
	struct sql_table tables[TABLES_MAX];
	size_t n;
};

struct files {
	struct sql_file *v;
	size_t n, cap;
	size_t gzip; /* how many end in .gz */
};

int glue__location(struct arena *a, const char *location, const char **ret_bucket,
		   const char **ret_prefix, struct err *e)
{
	struct view v = view_str(location ? location : ""), bucket;

	if (view_starts(v, VIEW("s3a://")))
		v = view_from(v, 6);
	else if (view_starts(v, VIEW("s3://")))
		v = view_from(v, 5);
	else
		return err_set(e, ERR_INVALID, "location %s is no s3:// address",
			       location ? location : "(none)");
	(void)view_split(&v, '/', &bucket);
	if (!bucket.n)
		return err_set(e, ERR_INVALID, "location %s names no bucket", location);
	*ret_bucket = arena_str(a, bucket);
	if (!v.p || !v.n)
		*ret_prefix = "";
	else
		*ret_prefix = arena_printf(a, view_ends(v, VIEW("/")) ? "%.*s" : "%.*s/",
					   VIEW_ARG(v));
	return 0;
}

/* Athena skips markers of folders, empty objects, and names that begin with `_` or `.`. */
static bool is_data(const struct s3_object *o)
{
	const char *slash = strrchr(o->key, '/'), *name = slash ? slash + 1 : o->key;

	return o->size && *name && *name != '_' && *name != '.';
}

static int add_file(struct resolve *r, struct files *f, const struct s3_object *o,
		    const char *const *partition, struct err *e)
{
	const char *path;

	if (f->n == FILES_MAX)
		return err_set(e, ERR_LIMIT, "a table has more than %d files", FILES_MAX);
	if (r->arena->used > r->arena->max / 2)
		return err_set(e, ERR_LIMIT, "the statement's tables have too many files");
	if (r->g->o.s3->path(r->g->o.s3->self, o, r->arena, &path, e) < 0)
		return err_ctx(e, "s3://%s/%s", o->bucket, o->key);
	if (f->n == f->cap) {
		struct sql_file *more = ARENA_ARRAY(r->arena, struct sql_file, f->cap * 2 + 64);

		if (f->n)
			memcpy(more, f->v, f->n * sizeof(*more));
		f->v = more;
		f->cap = f->cap * 2 + 64;
	}
	f->gzip += view_ends(view_str(o->key), VIEW(".gz"));
	f->v[f->n++] = (struct sql_file){ .path = path, .partition = partition };
	return 0;
}

static int add_location(struct resolve *r, struct files *f, const char *location,
			const char *const *partition, struct err *e)
{
	const struct s3_port *s3 = r->g->o.s3;
	const char *bucket = NULL, *prefix = NULL;
	struct s3_object *list = NULL;
	size_t n;

	if (glue__location(r->arena, location, &bucket, &prefix, e) < 0)
		return e->code;
	/* One look, not pages: what is merged meanwhile is seen once. */
	if (s3->list(s3->self, bucket, prefix, NULL, FILES_MAX + 1, r->arena, &list, &n, e) < 0)
		return err_ctx(e, "%s", location);
	for (size_t i = 0; i < n; i++)
		if (is_data(&list[i]) && add_file(r, f, &list[i], partition, e) < 0)
			return e->code;
	return 0;
}

static const char *tag(const struct port_tag *t, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq_nocase(view_str(t[i].key), view_str(key)))
			return t[i].value;
	return NULL;
}

static bool holds(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static int csv_format(const struct glue_table *g, struct sql_table *t, struct err *e)
{
	const char *delim = tag(g->serde_parameters, g->n_serde_parameters, "separatorChar");
	const char *quote = tag(g->serde_parameters, g->n_serde_parameters, "quoteChar");
	const char *skip = tag(g->parameters, g->n_parameters, "skip.header.line.count");

	t->format = SQL_CSV;
	t->csv_plain = !holds(g->serde, "OpenCSV");
	if (t->csv_plain) {
		delim = tag(g->serde_parameters, g->n_serde_parameters, "field.delim");
		if (!delim)
			delim = tag(g->serde_parameters, g->n_serde_parameters,
				    "serialization.format");
		t->csv_delim = delim && *delim && strcmp(delim, "1") != 0 ? *delim : '\001';
	} else {
		t->csv_delim = delim && *delim ? *delim : ',';
		t->csv_quote = quote && *quote ? *quote : '"';
	}
	if (skip && strcmp(skip, "0") != 0 && strcmp(skip, "1") != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "table %s.%s: skip.header.line.count %s is not supported",
			       g->database, g->name, skip);
	t->csv_header = skip && *skip == '1';
	return 0;
}

static int format(const struct glue_table *g, struct sql_table *t, struct err *e)
{
	const char *projection = tag(g->parameters, g->n_parameters, "projection.enabled");
	const char *table_type = tag(g->parameters, g->n_parameters, "table_type");

	if (projection && strcasecmp(projection, "true") == 0)
		return err_set(
			e, ERR_UNSUPPORTED,
			"table %s.%s: partition projection (projection.enabled) is not supported",
			g->database, g->name);
	if (table_type)
		return err_set(e, ERR_UNSUPPORTED, "table %s.%s: table_type %s is not supported",
			       g->database, g->name, table_type);
	if (holds(g->serde, "parquet") || holds(g->input_format, "parquet")) {
		t->format = SQL_PARQUET;
		return 0;
	}
	if (holds(g->serde, "json")) {
		t->format = SQL_JSON;
		return 0;
	}
	if (holds(g->serde, "OpenCSV") || holds(g->serde, "LazySimpleSerDe"))
		return csv_format(g, t, e);
	return err_set(e, ERR_UNSUPPORTED,
		       "table %s.%s: SerDe %s is not supported (parquet, JSON, OpenCSVSerde, "
		       "LazySimpleSerDe)",
		       g->database, g->name, g->serde ? g->serde : "(none)");
}

static const struct sql_column *columns(struct arena *a, const struct glue_column *c, size_t n)
{
	struct sql_column *v = ARENA_ARRAY(a, struct sql_column, n + 1);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct sql_column){ .name = c[i].name, .type = c[i].type };
	return v;
}

static int table_files(struct resolve *r, const struct glue_table *g, struct files *f,
		       struct err *e)
{
	struct glue_partition *parts;
	size_t n;

	if (!g->n_partition_keys)
		return add_location(r, f, g->location, NULL, e);
	if (r->g->port.partitions(r->g, g->database, g->name, NULL, r->arena, &parts, &n, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++)
		if (parts[i].location &&
		    add_location(r, f, parts[i].location, parts[i].values, e) < 0)
			return err_ctx(e, "a partition of %s.%s", g->database, g->name);
	return 0;
}

static int add_table(struct resolve *r, const struct glue_table *g, struct err *e)
{
	struct sql_table t = { .schema = g->database,
			       .name = g->name,
			       .n_columns = g->n_columns,
			       .n_keys = g->n_partition_keys };
	struct files f = { 0 };

	t.columns = columns(r->arena, g->columns, g->n_columns);
	t.keys = columns(r->arena, g->partition_keys, g->n_partition_keys);
	if (format(g, &t, e) < 0 || table_files(r, g, &f, e) < 0)
		return e->code;
	if (t.format != SQL_PARQUET && f.gzip && f.gzip != f.n)
		return err_set(e, ERR_UNSUPPORTED,
			       "table %s.%s has files with and without .gz: not supported together",
			       g->database, g->name);
	t.gzip = t.format != SQL_PARQUET && f.gzip;
	t.files = f.v;
	t.n_files = f.n;
	r->tables[r->n++] = t;
	return 0;
}

static bool have(const struct resolve *r, const char *db, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->tables[i].schema, db) == 0 && strcmp(r->tables[i].name, name) == 0)
			return true;
	return false;
}

static int add_names(struct resolve *r, const char *text, const char *database, int depth,
		     struct err *e);

static int add_name(struct resolve *r, const char *db, const char *name, int depth, struct err *e)
{
	struct glue_table g;
	int code;

	if (strcmp(db, "information_schema") == 0)
		return err_set(e, ERR_UNSUPPORTED, "information_schema.%s is not supported", name);
	if (have(r, db, name))
		return 0;
	if (r->n == TABLES_MAX || depth > VIEW_DEPTH)
		return err_set(
			e, ERR_LIMIT,
			"the statement names more than %d tables, or views nested deeper than %d",
			TABLES_MAX, VIEW_DEPTH);
	code = r->g->port.table(r->g, db, name, r->arena, &g, e);
	if (code == ERR_NOENT) {
		err_clear(e);
		return err_set(e, ERR_NOENT,
			       "TABLE_NOT_FOUND: Table 'awsdatacatalog.%s.%s' does not exist", db,
			       name);
	}
	if (code < 0)
		return code;
	if (!g.view_sql)
		return add_table(r, &g, e);
	if (add_names(r, g.view_sql, db, depth + 1, e) < 0)
		return err_ctx(e, "view %s.%s", db, name);
	if (r->n == TABLES_MAX)
		return err_set(e, ERR_LIMIT, "the statement names more than %d tables", TABLES_MAX);
	r->tables[r->n++] =
		(struct sql_table){ .schema = g.database, .name = g.name, .view_sql = g.view_sql };
	return 0;
}

static int add_names(struct resolve *r, const char *text, const char *database, int depth,
		     struct err *e)
{
	struct sql_name *names;
	size_t n;

	if (sql_tables(r->g->o.sql, text, r->arena, &names, &n, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++)
		if (add_name(r, names[i].schema ? names[i].schema : database, names[i].name, depth,
			     e) < 0)
			return e->code;
	return 0;
}

int glue__resolve(void *self, const char *text, const char *database, struct arena *a,
		  struct sql_table **ret, size_t *ret_n, struct err *e)
{
	struct resolve *r = ARENA_NEW(a, struct resolve);

	r->g = self;
	r->arena = a;
	if (!r->g->o.sql)
		return err_set(e, ERR_UNSUPPORTED,
			       "this server was started without its SQL engine");
	if (add_names(r, text, database ? glue__fold(a, database) : "default", 0, e) < 0)
		return e->code;
	*ret = r->tables;
	*ret_n = r->n;
	return 0;
}
