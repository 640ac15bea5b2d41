// SPDX-License-Identifier: Apache-2.0
/* DuckDB for one job: settings and their lock, views over the declared files, the statement, its result. */
#include "store/sqlworker/engine.h"

#include <duckdb.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/sqlworker/hive_type.h"
#include "store/sqlworker/names.h"
#include "store/sqlworker/relation.h"
#include "store/sqlworker/sandbox.h"
#include "store/sqlworker/value.h"

#define TEXT_MAX (64 * MIB)
#define VALUE_MAX (64 * MIB)
#define CSV_PIECE MIB
#define PARTITIONS_MAX 1000
#define CATALOG "awsdatacatalog" /* so that catalog-qualified names work as in Athena */
#define OUT_TABLE "\"temp\".\"mulgil out\""

struct engine {
	duckdb_database db;
};

struct run {
	struct engine *g;
	duckdb_connection con;
	const struct json *job;
	struct arena *arena;
	struct json *answer;
	struct view text; /* the statement */
	int fd;           /* CSV */
};

static void close_prepared(duckdb_prepared_statement *p)
{
	duckdb_destroy_prepare(p);
}

static void close_result(duckdb_result *r)
{
	duckdb_destroy_result(r);
}

static int fail(struct err *e, const char *message)
{
	static const struct {
		const char *prefix;
		int code;
	} kinds[] = {
		{ "Permission Error", ERR_DENIED },
		{ "Out of Memory Error", ERR_LIMIT },
		{ "INTERNAL Error", ERR_INTERNAL },
	};
	struct view m = view_trim(view_str(message ? message : "the engine gives no reason"));
	int code = ERR_INVALID;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (view_starts(m, view_str(kinds[i].prefix)))
			code = kinds[i].code;
	return err_set(e, code, "%.*s", VIEW_ARG(m));
}

static int query(struct run *r, const char *sql, struct err *e)
{
	CLEANUP(close_result) duckdb_result res = { 0 };

	return duckdb_query(r->con, sql, &res) == DuckDBError ? fail(e, duckdb_result_error(&res))
							      : 0;
}

static int query_buf(struct run *r, struct buf *sql, struct err *e)
{
	int code = buf_check(sql, "statement", e);

	if (code == 0)
		code = query(r, sql->p, e);
	buf_clear(sql);
	return code;
}

int engine_open(struct engine **ret, struct err *e)
{
	static const char *const settings[][2] = {
		{ "threads", "1" },
		{ "autoinstall_known_extensions", "false" },
		{ "autoload_known_extensions", "false" },
		{ "allow_community_extensions", "false" },
		{ "allow_unsigned_extensions", "false" },
	};
	struct engine *g = calloc(1, sizeof(*g));
	duckdb_config cfg;
	char *why = NULL;

	must(g && duckdb_create_config(&cfg) == DuckDBSuccess);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		must(duckdb_set_config(cfg, settings[i][0], settings[i][1]) == DuckDBSuccess);
	if (duckdb_open_ext(NULL, &g->db, cfg, &why) == DuckDBError) {
		free(g);
		return fail(e, why);
	}
	duckdb_destroy_config(&cfg);
	*ret = g;
	return 0;
}

void engine_close(struct engine *g)
{
	duckdb_close(&g->db);
}

/* --- before the statement --- */

static int enter_sandbox(struct run *r, struct err *e)
{
	const struct json *tables = json_get(r->job, "tables");
	const char *write[2];
	struct sandbox s = { .write = write };
	const char **read;
	size_t n = 0;
	int landlock = 0, code;

	for (size_t t = 0; t < json_len(tables); t++)
		n += json_len(json_get(json_at(tables, t), "files"));
	s.read = read = ARENA_ARRAY(r->arena, const char *, n + 1);
	for (size_t t = 0; t < json_len(tables); t++) {
		const struct json *files = json_get(json_at(tables, t), "files");

		for (size_t i = 0; i < json_len(files); i++)
			read[s.n_read++] = arena_str(r->arena,
						     json_str(json_at(json_at(files, i), 0)));
	}
	if (json_get(r->job, "scratch"))
		write[s.n_write++] = arena_str(r->arena, json_get_str(r->job, "scratch"));
	if (view_eq_str(json_get_str(r->job, "output"), "parquet"))
		write[s.n_write++] = arena_str(r->arena, json_get_str(r->job, "out_path"));
	code = sandbox_enter(&s, &landlock, e);
	json_set_int(r->arena, r->answer, "landlock", landlock);
	return code;
}

static int limit_files(struct run *r, struct err *e)
{
	int64_t max = json_int(json_get(r->job, "out_max"), 0),
		spill = json_int(json_get(r->job, "spill"), 0);
	struct rlimit l = { .rlim_cur = (rlim_t)(max > spill ? max : spill) };

	l.rlim_max = l.rlim_cur;
	(void)signal(SIGXFSZ, SIG_IGN); /* a write past the limit is an error then, not the end */
	if (l.rlim_cur && setrlimit(RLIMIT_FSIZE, &l) < 0)
		return err_sys(e, ERR_INTERNAL, "file size limit");
	return 0;
}

static void allowed_paths(struct run *r, struct buf *b)
{
	const struct json *tables = json_get(r->job, "tables");
	const char *sep = "";

	buf_add_str(b, "SET allowed_paths = [");
	for (size_t t = 0; t < json_len(tables); t++) {
		const struct json *files = json_get(json_at(tables, t), "files");

		for (size_t i = 0; i < json_len(files); i++, sep = ", ") {
			buf_add_str(b, sep);
			sql_quote(b, json_str(json_at(json_at(files, i), 0)));
		}
	}
	buf_add_str(b, "]; ");
	if (!view_eq_str(json_get_str(r->job, "output"), "parquet"))
		return;
	buf_add_str(b, "SET allowed_directories = [");
	sql_quote(b, json_get_str(r->job, "out_path"));
	buf_add_str(b, "]; ");
}

/* Everything that a statement must not be able to change, and last the lock. */
static int settings(struct run *r, struct err *e)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_printf(&b, "SET threads = %d; ", (int)json_int(json_get(r->job, "threads"), 1));
	buf_printf(&b, "SET memory_limit = '%lldB'; ",
		   (long long)json_int(json_get(r->job, "memory"), 1 << 28));
	buf_add_str(&b, "SET temp_directory = ");
	sql_quote(&b, json_get_str(r->job, "scratch"));
	buf_printf(&b, "; SET max_temp_directory_size = '%lldB'; SET TimeZone = 'UTC'; ",
		   (long long)json_int(json_get(r->job, "spill"), 0));
	allowed_paths(r, &b);
	buf_add_str(&b, "SET enable_external_access = false; SET lock_configuration = true");
	return query_buf(r, &b, e);
}

static int schemas(struct run *r, struct err *e)
{
	const struct json *tables = json_get(r->job, "tables");
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, "ATTACH ':memory:' AS " CATALOG "; ");
	for (size_t t = 0; t <= json_len(tables); t++) {
		buf_add_str(&b, "CREATE SCHEMA IF NOT EXISTS " CATALOG ".");
		sql_ident(&b, t < json_len(tables) ? json_get_str(json_at(tables, t), "schema")
						   : json_get_str(r->job, "schema"));
		buf_add_str(&b, "; ");
	}
	buf_add_str(&b, "USE " CATALOG ".");
	sql_ident(&b, json_get_str(r->job, "schema"));
	return query_buf(r, &b, e);
}

/* --- the statement --- */

static int prepare(struct run *r, struct view text, duckdb_prepared_statement *ret, struct err *e)
{
	duckdb_extracted_statements st = NULL;
	idx_t n = duckdb_extract_statements(r->con, arena_str(r->arena, text), &st);
	int code = 0;

	if (n == 0)
		code = duckdb_extract_statements_error(st)
			       ? fail(e, duckdb_extract_statements_error(st))
			       : err_set(e, ERR_INVALID, "the statement is empty");
	else if (n > 1)
		code = err_set(e, ERR_DENIED, "one statement is expected, not %d", (int)n);
	else if (duckdb_prepare_extracted_statement(r->con, st, 0, ret) == DuckDBError)
		code = fail(e, duckdb_prepare_error(*ret));
	duckdb_destroy_extracted(&st);
	return code;
}

static struct view skip_word(struct view t, struct view w)
{
	t = view_trim(t);
	return view_eq_nocase(view_sub(t, 0, w.n), w) ? view_from(t, w.n) : t;
}

/* One SELECT, or EXPLAIN of one: what an EXPLAIN holds is looked at by itself, it may run it. */
static int prepare_select(struct run *r, struct view text, bool explain,
			  duckdb_prepared_statement *ret, struct err *e)
{
	CLEANUP(close_prepared) duckdb_prepared_statement inner = NULL;
	int code = prepare(r, text, ret, e);

	if (code < 0)
		return code;
	switch (duckdb_prepared_statement_type(*ret)) {
	case DUCKDB_STATEMENT_TYPE_SELECT:
		return 0;
	case DUCKDB_STATEMENT_TYPE_EXPLAIN:
		if (!explain)
			break;
		return prepare_select(r,
				      skip_word(skip_word(text, VIEW("explain")), VIEW("analyze")),
				      false, &inner, e);
	default:
		break;
	}
	return err_set(e, ERR_DENIED, "only SELECT statements are allowed here");
}

static int views(struct run *r, struct err *e)
{
	const struct json *tables = json_get(r->job, "tables");

	for (size_t t = 0; t < json_len(tables); t++) {
		CLEANUP(close_prepared) duckdb_prepared_statement p = NULL;
		struct view name = json_get_str(json_at(tables, t), "name");
		struct view sql = json_get_str(json_at(tables, t), "view");
		struct buf b;

		if (sql.p && prepare_select(r, sql, false, &p, e) < 0)
			return err_ctx(e, "view %.*s", VIEW_ARG(name));
		buf_init(&b, TEXT_MAX);
		if (relation_sql(r->arena, json_at(tables, t), &b, e) < 0) {
			buf_clear(&b);
			return e->code;
		}
		if (query_buf(r, &b, e) < 0)
			return err_ctx(e, "table %.*s", VIEW_ARG(name));
	}
	return 0;
}

static int bind_one(duckdb_prepared_statement p, idx_t at, const struct json *v)
{
	struct view s = json_str(v);

	return s.p ? duckdb_bind_varchar_length(p, at, s.p, s.n) : duckdb_bind_null(p, at);
}

/* Parameters that the statement does not have are left; each that it has must get a value. */
static int bind(struct run *r, duckdb_prepared_statement p, struct err *e)
{
	const struct json *params = json_get(r->job, "params");
	idx_t n = duckdb_nparams(p), at, next = 1;
	bool *bound = ARENA_ARRAY(r->arena, bool, n + 1);

	for (size_t i = 0; i < json_len(params); i++) {
		const struct json *pair = json_at(params, i);
		struct view name = json_str(json_at(pair, 0));

		if (!name.p)
			at = next++;
		else if (duckdb_bind_parameter_index(p, &at, arena_str(r->arena, name)) ==
			 DuckDBError)
			continue;
		if (at > n)
			return err_set(e, ERR_INVALID,
				       "there are more parameters than the statement has");
		if (bind_one(p, at, json_at(pair, 1)) == DuckDBError)
			return err_set(e, ERR_INVALID, "a parameter cannot be bound");
		bound[at] = true;
	}
	for (at = 1; at <= n; at++) {
		const char *name = duckdb_parameter_name(p, at);

		if (!bound[at])
			return err_set(e, ERR_INVALID, "parameter %s has no value",
				       name ? name : "?");
	}
	return 0;
}

struct cols {
	struct value_type **types;
	idx_t n;
	struct json *list;
};

/* One more column; ends @t. */
static int add_column(struct run *r, struct cols *c, const char *name, duckdb_logical_type t,
		      struct err *e)
{
	struct json *col = json_new_arr(r->arena);
	int code = value_type_of(r->arena, t, &c->types[c->n], e), precision, scale;

	duckdb_destroy_logical_type(&t);
	if (code < 0)
		return err_ctx(e, "column %s", name);
	value_type_size(c->types[c->n], &precision, &scale);
	json_push(r->arena, col, json_new_cstr(r->arena, name));
	json_push(r->arena, col, json_new_cstr(r->arena, value_type_name(c->types[c->n])));
	json_push(r->arena, col, json_new_int(r->arena, precision));
	json_push(r->arena, col, json_new_int(r->arena, scale));
	json_push(r->arena, c->list, col);
	c->n++;
	return 0;
}

static void begin_columns(struct run *r, struct cols *c, idx_t n)
{
	*c = (struct cols){ .types = ARENA_ARRAY(r->arena, struct value_type *, n + 1),
			    .list = json_new_arr(r->arena) };
	json_set(r->arena, r->answer, "columns", c->list);
}

/* Of a statement that is only prepared; not known while it has parameters, whose types are open. */
static int prepared_columns(struct run *r, duckdb_prepared_statement p, idx_t *ret_n, struct err *e)
{
	idx_t n = duckdb_prepared_statement_column_count(p);
	struct cols c;
	int code = 0;

	begin_columns(r, &c, n);
	*ret_n = n;
	if (duckdb_nparams(p))
		return 0;
	for (idx_t i = 0; i < n && code == 0; i++) {
		char *name = (char *)(uintptr_t)duckdb_prepared_statement_column_name(p, i);

		code = add_column(r, &c, name, duckdb_prepared_statement_column_logical_type(p, i),
				  e);
		duckdb_free(name);
	}
	return code;
}

static int result_columns(struct run *r, duckdb_result *res, struct cols *ret, struct err *e)
{
	idx_t n = duckdb_column_count(res);

	begin_columns(r, ret, n);
	for (idx_t i = 0; i < n; i++)
		if (add_column(r, ret, duckdb_column_name(res, i),
			       duckdb_column_logical_type(res, i), e) < 0)
			return e->code;
	return 0;
}

static void add_file(struct run *r, struct json *files, const char *path, int64_t rows,
		     const struct json *values)
{
	struct json *f = json_new_arr(r->arena);
	struct stat st = { 0 };

	(void)stat(path, &st);
	json_push(r->arena, f, json_new_cstr(r->arena, path));
	json_push(r->arena, f, json_new_int(r->arena, rows));
	json_push(r->arena, f, json_new_int(r->arena, st.st_size));
	for (size_t i = 0; i < json_len(values); i++)
		json_push(r->arena, f, json_at(values, i));
	json_push(r->arena, files, f);
}

/* --- CSV --- */

struct csv {
	struct run *r;
	struct cols cols;
	struct buf out, scratch;
	int64_t rows, bytes, max;
};

static int csv_flush(struct csv *c, size_t least, struct err *e)
{
	if (c->out.n < least)
		return 0;
	if (buf_check(&c->out, "row", e) < 0)
		return e->code;
	c->bytes += (int64_t)c->out.n;
	if (c->bytes > c->max)
		return err_set(e, ERR_LIMIT, "the result is greater than %lld bytes",
			       (long long)c->max);
	for (size_t at = 0; at < c->out.n;) {
		ssize_t w = write(c->r->fd, c->out.p + at, c->out.n - at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, errno == EFBIG ? ERR_LIMIT : ERR_IO,
				       "writing the result");
		at += (size_t)w;
	}
	buf_reset(&c->out);
	return 0;
}

static int csv_chunk(struct csv *c, duckdb_data_chunk chunk, struct err *e)
{
	idx_t n = duckdb_data_chunk_get_size(chunk);

	for (idx_t row = 0; row < n; row++) {
		for (idx_t i = 0; i < c->cols.n; i++) {
			duckdb_vector v = duckdb_data_chunk_get_vector(chunk, i);

			if (i)
				buf_add_char(&c->out, ',');
			if (value_csv(&c->out, &c->scratch, c->cols.types[i], v, row, e) < 0)
				return e->code;
		}
		buf_add_char(&c->out, '\n');
		if (csv_flush(c, CSV_PIECE, e) < 0)
			return e->code;
	}
	c->rows += (int64_t)n;
	return 0;
}

static void csv_header(struct csv *c)
{
	for (size_t i = 0; i < json_len(c->cols.list); i++) {
		if (i)
			buf_add_char(&c->out, ',');
		value_csv_text(&c->out, json_str(json_at(json_at(c->cols.list, i), 0)));
	}
	buf_add_char(&c->out, '\n');
}

static int csv_rows(struct csv *c, duckdb_prepared_statement p, struct err *e)
{
	CLEANUP(close_result) duckdb_result res = { 0 };
	duckdb_pending_result pending = NULL;
	duckdb_data_chunk chunk;
	int code = 0;

	if (duckdb_pending_prepared_streaming(p, &pending) == DuckDBError ||
	    duckdb_execute_pending(pending, &res) == DuckDBError) {
		const char *why = duckdb_result_error(&res);

		code = fail(e, why ? why : duckdb_pending_error(pending));
	}
	duckdb_destroy_pending(&pending);
	if (code == 0)
		code = result_columns(c->r, &res, &c->cols, e);
	if (code == 0)
		csv_header(c);
	while (code == 0 && (chunk = duckdb_fetch_chunk(res))) {
		code = csv_chunk(c, chunk, e);
		duckdb_destroy_data_chunk(&chunk);
	}
	if (code == 0 && duckdb_result_error(&res))
		code = fail(e, duckdb_result_error(&res));
	return code == 0 ? csv_flush(c, 0, e) : code;
}

static int to_csv(struct run *r, struct err *e)
{
	CLEANUP(close_prepared) duckdb_prepared_statement p = NULL;
	struct csv c = { .r = r, .max = json_int(json_get(r->job, "out_max"), INT64_MAX) };
	struct json *files = json_new_arr(r->arena);
	int code;

	if (prepare_select(r, r->text, true, &p, e) < 0 || bind(r, p, e) < 0)
		return e->code;
	buf_init(&c.out, VALUE_MAX * 4);
	buf_init(&c.scratch, VALUE_MAX);
	code = csv_rows(&c, p, e);
	buf_clear(&c.out);
	buf_clear(&c.scratch);
	json_set_int(r->arena, r->answer, "rows", c.rows);
	add_file(r, files, arena_str(r->arena, json_get_str(r->job, "out_path")), c.rows, NULL);
	json_set(r->arena, r->answer, "files", files);
	return code;
}

/* --- Parquet --- */

static int target_type(struct run *r, const struct json *c, struct buf *b, struct err *e)
{
	size_t before = b->n;

	if (!hive_type_sql(json_str(json_at(c, 1)), b) || b->n == before)
		return err_set(e, ERR_INVALID, "column %.*s has the unknown type %.*s",
			       VIEW_ARG(json_str(json_at(c, 0))),
			       VIEW_ARG(json_str(json_at(c, 1))));
	return 0;
}

static int casts(struct run *r, const struct json *cols, size_t first, struct buf *b, struct err *e)
{
	for (size_t i = 0; i < json_len(cols); i++) {
		buf_printf(b, "%sCAST(c%zu AS ", first + i ? ", " : "", first + i);
		if (target_type(r, json_at(cols, i), b, e) < 0)
			return e->code;
		buf_add_str(b, ") AS ");
		sql_ident(b, json_str(json_at(json_at(cols, i), 0)));
	}
	return 0;
}

/* The statement with its columns cast to the target's by position. */
static int projection(struct run *r, duckdb_prepared_statement p, idx_t n, struct buf *b,
		      struct err *e)
{
	const struct json *cols = json_get(r->job, "out_columns"),
			  *keys = json_get(r->job, "out_keys");
	size_t want = json_len(cols) + json_len(keys);

	if (!json_len(cols)) {
		buf_add_str(b, "SELECT * FROM (");
		buf_add_view(b, r->text);
		buf_add_str(b, "\n)");
		return 0;
	}
	if (n != want && !duckdb_nparams(p))
		return err_set(e, ERR_INVALID, "the statement has %d columns, the table %zu",
			       (int)n, want);
	buf_add_str(b, "SELECT ");
	if (casts(r, cols, 0, b, e) < 0 || casts(r, keys, json_len(cols), b, e) < 0)
		return e->code;
	buf_add_str(b, " FROM (");
	buf_add_view(b, r->text);
	buf_add_str(b, "\n) q(");
	for (size_t i = 0; i < want; i++)
		buf_printf(b, i ? ", c%zu" : "c%zu", i);
	buf_add_char(b, ')');
	return 0;
}

/* Runs @b with the job's parameters.  *ret_count: the rows copied, for COPY. */
static int run_bound(struct run *r, struct buf *b, int64_t *ret_count, struct err *e)
{
	CLEANUP(close_prepared) duckdb_prepared_statement p = NULL;
	CLEANUP(close_result) duckdb_result res = { 0 };
	duckdb_data_chunk chunk;

	if (buf_check(b, "statement", e) < 0 || prepare(r, buf_view(b), &p, e) < 0 ||
	    bind(r, p, e) < 0)
		return e->code;
	if (duckdb_execute_prepared(p, &res) == DuckDBError)
		return fail(e, duckdb_result_error(&res));
	*ret_count = 0;
	while ((chunk = duckdb_fetch_chunk(res))) {
		duckdb_vector v = duckdb_data_chunk_get_vector(chunk, 0);

		if (duckdb_data_chunk_get_size(chunk))
			*ret_count = ((const int64_t *)duckdb_vector_get_data(v))[0];
		duckdb_destroy_data_chunk(&chunk);
	}
	return 0;
}

static void copy_options(struct run *r, struct buf *b)
{
	const struct json *o = json_get(r->job, "parquet");

	buf_printf(b, " (FORMAT parquet, USE_TMP_FILE false, COMPRESSION %.*s", VIEW_ARG(json_get_str(o, "codec")));
	if (!json_is_true(json_get(o, "dictionary")))
		buf_add_str(b, ", DICTIONARY_SIZE_LIMIT 0");
	if (json_is_true(json_get(o, "v2")))
		buf_add_str(b, ", PARQUET_VERSION v2");
	buf_add_char(b, ')');
}

/* COPY (what is in @select) TO the next file. */
static int copy(struct run *r, struct buf *select, struct json *files, const struct json *values,
		struct err *e)
{
	const char *path = arena_printf(r->arena, "%.*s/part-%05zu.parquet",
					VIEW_ARG(json_get_str(r->job, "out_path")),
					json_len(files));
	int64_t rows = 0;
	struct buf b;
	int code;

	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, "COPY (");
	buf_add_view(&b, buf_view(select));
	buf_add_str(&b, ") TO ");
	sql_quote(&b, view_str(path));
	copy_options(r, &b);
	code = run_bound(r, &b, &rows, e);
	buf_clear(&b);
	if (code < 0)
		return code;
	json_set_int(r->arena, r->answer, "rows", json_int(json_get(r->answer, "rows"), 0) + rows);
	if (rows)
		add_file(r, files, path, rows, values);
	else
		(void)unlink(path);
	return 0;
}

static void key_text(struct buf *b, const struct json *key)
{
	buf_add_str(b, "CAST(");
	sql_ident(b, json_str(json_at(key, 0)));
	buf_add_str(b, " AS VARCHAR)");
}

static int copy_partition(struct run *r, const struct json *values, struct json *files,
			  struct err *e)
{
	const struct json *cols = json_get(r->job, "out_columns"),
			  *keys = json_get(r->job, "out_keys");
	struct buf b;
	int code;

	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, "SELECT ");
	for (size_t i = 0; i < json_len(cols); i++) {
		buf_add_str(&b, i ? ", " : "");
		sql_ident(&b, json_str(json_at(json_at(cols, i), 0)));
	}
	buf_add_str(&b, " FROM " OUT_TABLE " WHERE ");
	for (size_t k = 0; k < json_len(keys); k++) {
		buf_add_str(&b, k ? " AND " : "");
		key_text(&b, json_at(keys, k));
		if (json_str(json_at(values, k)).p) {
			buf_add_str(&b, " = ");
			sql_quote(&b, json_str(json_at(values, k)));
		} else {
			buf_add_str(&b, " IS NULL");
		}
	}
	code = copy(r, &b, files, values, e);
	buf_clear(&b);
	return code;
}

/* Partition values of a chunk of the DISTINCT query, all VARCHAR. */
static void read_values(struct run *r, duckdb_data_chunk chunk, size_t n_keys, struct json *list)
{
	idx_t n = duckdb_data_chunk_get_size(chunk);

	for (idx_t row = 0; row < n; row++) {
		struct json *values = json_new_arr(r->arena);

		for (size_t k = 0; k < n_keys; k++) {
			duckdb_vector v = duckdb_data_chunk_get_vector(chunk, k);
			uint64_t *valid = duckdb_vector_get_validity(v);
			duckdb_string_t *s = (duckdb_string_t *)duckdb_vector_get_data(v) + row;

			if (valid && !duckdb_validity_row_is_valid(valid, row))
				json_push(r->arena, values, &json_null);
			else
				json_push(r->arena, values,
					  json_new_str(r->arena,
						       view_of(duckdb_string_t_data(s),
							       duckdb_string_t_length(*s))));
		}
		json_push(r->arena, list, values);
	}
}

static int distinct(struct run *r, struct json **ret, struct err *e)
{
	CLEANUP(close_result) duckdb_result res = { 0 };
	const struct json *keys = json_get(r->job, "out_keys");
	duckdb_data_chunk chunk;
	struct buf b;

	*ret = json_new_arr(r->arena);
	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, "SELECT DISTINCT ");
	for (size_t k = 0; k < json_len(keys); k++) {
		buf_add_str(&b, k ? ", " : "");
		key_text(&b, json_at(keys, k));
	}
	buf_printf(&b, " FROM " OUT_TABLE " ORDER BY ALL LIMIT %d", PARTITIONS_MAX + 1);
	if (duckdb_query(r->con, b.p, &res) == DuckDBError)
		fail(e, duckdb_result_error(&res));
	buf_clear(&b);
	if (e->code)
		return e->code;
	while ((chunk = duckdb_fetch_chunk(res))) {
		read_values(r, chunk, json_len(keys), *ret);
		duckdb_destroy_data_chunk(&chunk);
	}
	if (json_len(*ret) > PARTITIONS_MAX)
		return err_set(e, ERR_LIMIT, "the statement would write more than %d partitions",
			       PARTITIONS_MAX);
	return 0;
}

static int copy_partitions(struct run *r, struct buf *select, struct json *files, struct err *e)
{
	struct json *values, *job;
	int64_t rows;
	struct buf b;
	int code;

	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, "CREATE TEMP TABLE " OUT_TABLE " AS ");
	buf_add_view(&b, buf_view(select));
	code = run_bound(r, &b, &rows, e);
	buf_clear(&b);
	job = json_copy(r->arena, r->job);
	json_set(r->arena, job, "params",
		 json_new_arr(r->arena)); /* they were the statement's; what follows has none */
	r->job = job;
	if (code < 0 || distinct(r, &values, e) < 0)
		return e->code;
	for (size_t i = 0; i < json_len(values); i++)
		if (copy_partition(r, json_at(values, i), files, e) < 0)
			return e->code;
	return 0;
}

static int to_parquet(struct run *r, struct err *e)
{
	CLEANUP(close_prepared) duckdb_prepared_statement p = NULL;
	struct json *files = json_new_arr(r->arena);
	struct buf b;
	idx_t n;
	int code;

	if (prepare_select(r, r->text, false, &p, e) < 0 || prepared_columns(r, p, &n, e) < 0)
		return e->code;
	buf_init(&b, TEXT_MAX);
	json_set_int(r->arena, r->answer, "rows", 0);
	code = projection(r, p, n, &b, e);
	if (code == 0)
		code = json_len(json_get(r->job, "out_keys")) ? copy_partitions(r, &b, files, e)
							      : copy(r, &b, files, NULL, e);
	buf_clear(&b);
	json_set(r->arena, r->answer, "files", files);
	return code;
}

static int check(struct run *r, struct err *e)
{
	CLEANUP(close_prepared) duckdb_prepared_statement p = NULL;
	idx_t n;

	if (prepare_select(r, r->text, true, &p, e) < 0)
		return e->code;
	return prepared_columns(r, p, &n, e);
}

/* --- a job --- */

static int tables(struct run *r, struct err *e)
{
	CLEANUP(close_prepared) duckdb_prepared_statement p = NULL;
	CLEANUP(close_result) duckdb_result res = { 0 };
	struct view sql = json_get_str(r->job, "text");
	const struct json *tree = NULL;
	duckdb_data_chunk chunk;
	struct json *names;

	if (enter_sandbox(r, e) < 0)
		return e->code;
	if (duckdb_prepare(r->con, "SELECT json_serialize_sql(CAST($1 AS VARCHAR))", &p) ==
	    DuckDBError)
		return fail(e, duckdb_prepare_error(p));
	if (duckdb_bind_varchar_length(p, 1, sql.p, sql.n) == DuckDBError ||
	    duckdb_execute_prepared(p, &res) == DuckDBError)
		return fail(e, duckdb_result_error(&res));
	while ((chunk = duckdb_fetch_chunk(res))) {
		duckdb_string_t *s = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));

		if (duckdb_data_chunk_get_size(chunk))
			tree = json_parse(r->arena,
					  view_of(duckdb_string_t_data(s),
						  duckdb_string_t_length(*s)),
					  2000, e);
		duckdb_destroy_data_chunk(&chunk);
	}
	if (e->code)
		return e->code;
	if (names_of(r->arena, tree, &names, e) < 0)
		return e->code;
	json_set(r->arena, r->answer, "names", names);
	return 0;
}

static int run(struct run *r, struct err *e)
{
	struct view output = json_get_str(r->job, "output");

	r->text = json_get_str(r->job, "text");
	if (view_eq_str(output, "csv")) {
		r->fd = open(arena_str(r->arena, json_get_str(r->job, "out_path")),
			     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (r->fd < 0)
			return err_sys(e, ERR_IO, "cannot create the result's file");
	}
	if (limit_files(r, e) < 0 || enter_sandbox(r, e) < 0 || schemas(r, e) < 0 ||
	    settings(r, e) < 0 || views(r, e) < 0)
		return e->code;
	if (view_eq_str(output, "csv"))
		return to_csv(r, e);
	return view_eq_str(output, "parquet") ? to_parquet(r, e) : check(r, e);
}

int engine_job(struct engine *g, const struct json *job, struct arena *a, struct json *answer,
	       struct err *e)
{
	struct run r = { .g = g, .job = job, .arena = a, .answer = answer, .fd = -1 };
	int code;

	if (duckdb_connect(g->db, &r.con) == DuckDBError)
		return err_set(e, ERR_INTERNAL, "the engine takes no connection");
	code = view_eq_str(json_get_str(job, "op"), "tables") ? tables(&r, e) : run(&r, e);
	duckdb_disconnect(&r.con);
	if (r.fd >= 0)
		(void)close(r.fd);
	return code;
}
