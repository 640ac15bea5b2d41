// SPDX-License-Identifier: Apache-2.0
/*
 * glue_run: the threads that run jobs.
 *
 * A statement INSERT INTO writes Parquet into a staging directory; its files become blobs (durable), and then one
 * transaction makes objects, partitions and the run's progress exist together.  Object names come from the id of the
 * run (of the first one, where a run is repeated with the same arguments) and the statement's number: a repeat
 * replaces, it does not double.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/base64.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"
#include "svc/glue/glue_int.h"
#include "svc/glue/script.h"

#define RUN_ARENA (512UL * 1024 * 1024)

struct work {
	struct glue *g;
	struct arena *arena;
	struct glue_run run;
	struct sql_param *params;
	const char **names;             /* of the parameters */
	size_t n_params, number, total; /* number: of the statement, from 1 */
	const char *database;
	/* of an INSERT: */
	struct glue_table table;
	struct sql_result result;
	const char **refs, **md5;
};

/* --- the end of a run --- */

static const char *event_detail(struct arena *a, const struct glue_run *r, const char *state,
				const char *message)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "jobName", r->job);
	json_set_str(a, o, "severity", strcmp(state, "SUCCEEDED") == 0 ? "INFO" : "ERROR");
	json_set_str(a, o, "state", state);
	json_set_str(a, o, "jobRunId", r->id);
	json_set_str(a, o, "message", message ? message : "Job run succeeded");
	return json_text(a, o);
}

int glue__run_end_tx(struct glue *g, struct meta_tx *tx, const struct glue_run *r,
		     const char *state, const char *message, struct err *e)
{
	int64_t now = clock_ms();
	struct arena a;
	struct event ev = { .source = "aws.glue", .detail_type = "Glue Job State Change" };
	int code = tx_run(tx, e,
			  "UPDATE glue_run SET state = ?, message = ?, updated_ms = ?, "
			  "completed_ms = ? WHERE id = ?",
			  "ssiis", state, message, now, now, r->id);

	if (code < 0 || !g->o.events || tx_changes(tx) == 0)
		return code;
	arena_init(&a, 1024 * 1024);
	ev.detail = event_detail(&a, r, state, message);
	code = g->o.events->emit_tx(g->o.events->self, tx, &ev, e);
	arena_clear(&a);
	return code;
}

struct end {
	struct work *w;
	const char *state, *message;
};

static int end_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct end *x = arg;

	return glue__run_end_tx(x->w->g, tx, &x->w->run, x->state, x->message, e);
}

static void log_line(struct work *w, const char *text)
{
	const struct logs_port *l = w->g->o.logs;

	if (l)
		l->write(l->self, "/aws-glue/jobs/output", w->run.id, clock_ms(), view_str(text));
}

/* --- one INSERT --- */

/* Hive's escapes in a partition's directory name. */
static void escape(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f || strchr("\"#%'*/:=?\\{[]^", *s))
			buf_printf(b, "%%%02X", (unsigned)(unsigned char)*s);
		else
			buf_add_char(b, *s);
	}
}

static const char *partition_location(struct work *w, const char *bucket, const char *prefix,
				      const char *const *values)
{
	struct buf b;
	const char *text;

	buf_init(&b, 64UL * 1024);
	buf_printf(&b, "s3://%s/%s", bucket, prefix);
	for (size_t k = 0; k < w->table.n_partition_keys; k++) {
		buf_add_str(&b, w->table.partition_keys[k].name);
		buf_add_char(&b, '=');
		escape(&b, values[k]);
		buf_add_char(&b, '/');
	}
	text = arena_str(w->arena, buf_view(&b));
	buf_clear(&b);
	return text;
}

static bool same_place(struct view x, struct view y)
{
	x.n -= view_ends(x, VIEW("/"));
	y.n -= view_ends(y, VIEW("/"));
	return view_eq(x, y);
}

/* Where the partition's files are: where it says, if it exists already; *ret_own: not where it would be otherwise. */
static int find_location(struct work *w, struct meta_tx *tx, const char *const *values,
			 const char **ret, bool *ret_own, struct err *e)
{
	const char *bucket, *prefix;
	struct tx_rows *r;
	int found;

	if (glue__location(w->arena, w->table.location, &bucket, &prefix, e) < 0)
		return e->code;
	*ret = partition_location(w, bucket, prefix, values);
	if (!w->table.n_partition_keys)
		return 0;
	found = tx_one(tx, &r, e,
		       "SELECT doc FROM glue_partition WHERE db = ? AND tbl = ? AND vals = ?",
		       "sss", w->table.database, w->table.name,
		       glue__values_key(w->arena, values, w->table.n_partition_keys));
	if (found > 0) {
		const struct json *doc = json_parse(w->arena, row_view(r, 0), JSON_DEPTH, e);
		struct view at = json_get_str(json_get(doc, "StorageDescriptor"), "Location");

		tx_end(r);
		if (!doc)
			return err_ctx(e, "partition in the catalog");
		*ret_own = at.p && !same_place(at, view_str(*ret));
		if (at.p)
			*ret = arena_str(w->arena, at);
	}
	if (found < 0)
		return found;
	return w->g->port.partition_tx(w->g, tx, w->table.database, w->table.name, values,
				       w->table.n_partition_keys, *ret, e);
}

/* Partitions may say the same place: there the name tells also of which one the file is. */
static const char *suffix(struct work *w, const char *const *values)
{
	char hex[65];

	sha256_hex(view_str(glue__values_key(w->arena, values, w->table.n_partition_keys)), hex);
	return arena_printf(w->arena, "-%.16s", hex);
}

static int publish_file(struct work *w, struct meta_tx *tx, size_t i, struct err *e)
{
	const struct s3_port *s3 = w->g->o.s3;
	const char *location = NULL, *bucket = NULL, *prefix = NULL;
	struct s3_new o = { .ref = w->refs[i],
			    .md5_hex = w->md5[i],
			    .reason = "PutObject",
			    .requester = w->g->o.account };
	bool own = false;
	int r = find_location(w, tx, w->result.files[i].partition, &location, &own, e);

	if (r == 0)
		r = glue__location(w->arena, location, &bucket, &prefix, e);
	if (r < 0)
		return r;
	o.bucket = bucket;
	o.key = arena_printf(w->arena, "%s%s-%03zu%s.parquet", prefix, w->run.base, w->number,
			     own ? suffix(w, w->result.files[i].partition) : "");
	return s3->put_tx(s3->self, tx, &o, e);
}

/* Objects, partitions and progress; with the last statement the end as well. */
static int commit_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	int r = 0;

	for (size_t i = 0; i < w->result.n_files && r == 0; i++)
		r = publish_file(w, tx, i, e);
	if (r == 0)
		r = tx_run(tx, e, "UPDATE glue_run SET done = ?, updated_ms = ? WHERE id = ?",
			   "iis", (int64_t)w->number, clock_ms(), w->run.id);
	if (r == 0 && w->number == w->total)
		r = glue__run_end_tx(w->g, tx, &w->run, "SUCCEEDED", NULL, e);
	return r;
}

static int adopt(struct work *w, struct err *e)
{
	const struct s3_port *s3 = w->g->o.s3;
	const char *bucket, *prefix;
	size_t n = w->result.n_files;

	w->refs = ARENA_ARRAY(w->arena, const char *, n + 1);
	w->md5 = ARENA_ARRAY(w->arena, const char *, n + 1);
	if (glue__location(w->arena, w->table.location, &bucket, &prefix, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < w->table.n_partition_keys; k++)
			if (!w->result.files[i].partition[k])
				return err_set(e, ERR_INVALID, "partition key %s is null in a row",
					       w->table.partition_keys[k].name);
		if (file_md5(w->result.files[i].path, w->arena, &w->md5[i], e) < 0 ||
		    blob_adopt(w->g->o.blobs, w->result.files[i].path, w->arena, &w->refs[i], e) <
			    0 ||
		    s3->ready(s3->self, bucket, &w->refs[i], w->arena, e) < 0)
			return e->code;
	}
	return 0;
}

/* Blobs that no row names: what the sweep would find at the next start. */
static void drop_blobs(struct work *w)
{
	for (size_t i = 0; w->refs && i < w->result.n_files && w->refs[i]; i++) {
		struct err ignored = { 0 };

		if (blob_delete(w->g->o.blobs, w->refs[i], &ignored) < 0)
			diag(DIAG_WARN, "glue", "%s", ignored.msg);
	}
}

static const struct sql_column *sql_columns(struct arena *a, const struct glue_column *c, size_t n)
{
	struct sql_column *v = ARENA_ARRAY(a, struct sql_column, n + 1);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct sql_column){ .name = c[i].name, .type = c[i].type };
	return v;
}

static int need_target(struct work *w, const struct script_statement *s, struct err *e)
{
	const char *db = s->database ? s->database : w->database;

	if (w->g->port.table(w->g, db, s->table, w->arena, &w->table, e) < 0)
		return e->code;
	if (w->table.view_sql)
		return err_set(e, ERR_INVALID, "%s.%s is a view", db, s->table);
	if (!w->table.input_format || !strcasestr(w->table.input_format, "parquet"))
		return err_set(e, ERR_UNSUPPORTED,
			       "INSERT INTO %s.%s: only Parquet tables can be written", db,
			       s->table);
	return 0;
}

static int64_t left_ms(const struct work *w)
{
	int64_t left = w->run.started_ms + w->run.timeout_ms - clock_ms();

	return left > 1 ? left : 1;
}

static int insert(struct work *w, const struct script_statement *s, struct sql_job *job,
		  struct err *e)
{
	int r;

	if (need_target(w, s, e) < 0)
		return e->code;
	job->output = SQL_TO_PARQUET;
	job->out_columns = sql_columns(w->arena, w->table.columns, w->table.n_columns);
	job->n_out_columns = w->table.n_columns;
	job->out_keys = sql_columns(w->arena, w->table.partition_keys, w->table.n_partition_keys);
	job->n_out_keys = w->table.n_partition_keys;
	if (file_mkdirs(job->out_path, 0700, e) < 0 ||
	    sql_run(w->g->o.sql, job, w->arena, &w->result, e) < 0)
		return e->code;
	r = adopt(w, e);
	if (r == 0)
		r = meta_write(w->g->o.meta, commit_tx, w, e);
	if (r < 0)
		drop_blobs(w);
	return r;
}

/* A SELECT by itself: it may fail the run, and its rows are counted in the log. */
static int look(struct work *w, struct sql_job *job, struct err *e)
{
	job->output = SQL_TO_CSV;
	if (sql_run(w->g->o.sql, job, w->arena, &w->result, e) < 0)
		return e->code;
	w->result.n_files = 0;
	return meta_write(w->g->o.meta, commit_tx, w, e);
}

static int run_statement(struct work *w, const struct script_statement *s, struct err *e)
{
	const char *text = script_params(w->arena, s->select, w->names, w->n_params);
	struct sql_job job = { .text = text,
			       .schema = w->database,
			       .params = w->params,
			       .n_params = w->n_params,
			       .timeout_ms = left_ms(w),
			       .cancel = w->g->cancel };
	const struct s3_port *s3 = w->g->o.s3;
	struct sql_table *tables;
	struct err ignored = { 0 };
	void *pin = s3->pin(s3->self); /* the files that the statement is given stay while it runs */
	int r;

	w->result = (struct sql_result){ 0 };
	w->refs = NULL;
	job.out_path = arena_printf(w->arena, "%s/%s-%zu", w->g->o.staging, w->run.id, w->number);
	r = glue__resolve(w->g, text, w->database, w->arena, &tables, &job.n_tables, e);
	job.tables = tables;
	if (r == 0)
		r = s->table ? insert(w, s, &job, e) : look(w, &job, e);
	s3->unpin(s3->self, pin);
	if (file_remove_tree(job.out_path, &ignored) < 0)
		diag(DIAG_WARN, "glue", "%s", ignored.msg);
	if (r == 0)
		log_line(w,
			 arena_printf(w->arena, "statement %zu: %llu rows%s%s, %zu files, %lld ms",
				      w->number, (unsigned long long)w->result.rows,
				      s->table ? " into " : "", s->table ? s->table : "",
				      w->result.n_files, (long long)w->result.run_ms));
	return r;
}

/* --- a run --- */

/* Arguments "--name" become parameters ":name". */
static void read_params(struct work *w)
{
	const struct json *args = w->run.arguments;

	w->params = ARENA_ARRAY(w->arena, struct sql_param, json_len(args) + 1);
	w->names = ARENA_ARRAY(w->arena, const char *, json_len(args) + 1);
	w->database = "default";
	for (size_t i = 0; i < json_len(args); i++) {
		struct view name = args->obj.v[i].name;

		while (view_starts(name, VIEW("-")))
			name = view_from(name, 1);
		w->params[w->n_params].name = w->names[w->n_params] = arena_str(w->arena, name);
		w->params[w->n_params].value = arena_str(w->arena, json_str(args->obj.v[i].value));
		if (view_eq(name, VIEW("database")))
			w->database = w->params[w->n_params].value;
		w->n_params++;
	}
}

static int run_script(struct work *w, struct err *e)
{
	const struct s3_port *s3 = w->g->o.s3;
	const char *bucket, *prefix;
	struct script_statement *list;
	struct view text;

	if (!w->g->o.sql)
		return err_set(e, ERR_UNSUPPORTED,
			       "this server was started without its SQL engine");
	if (glue__location(w->arena, w->run.script, &bucket, &prefix, e) < 0)
		return e->code;
	/* A location ends in '/', a script does not. */
	prefix = arena_str(w->arena,
			   view_sub(view_str(prefix), 0, *prefix ? strlen(prefix) - 1 : 0));
	if (s3->get(s3->self, bucket, prefix, GLUE_SCRIPT_MAX, w->arena, &text, e) < 0)
		return err_ctx(e, "script %s", w->run.script);
	if (script_parse(w->arena, text, &list, &w->total, e) < 0)
		return err_ctx(e, "script %s", w->run.script);
	read_params(w);
	for (size_t i = 0; i < w->total; i++) {
		w->number = i + 1;
		if (run_statement(w, &list[i], e) < 0)
			return err_ctx(e, "statement %zu", w->number);
	}
	return 0;
}

static void run(struct work *w)
{
	struct err e = { 0 }, e2 = { 0 };
	struct end x = { .w = w };

	if (run_script(w, &e) == 0)
		return; /* the last statement's commit has ended the run */
	if (e.code == ERR_CANCELLED)
		return; /* the server stops; at its next start the run is told to have failed */
	x.state = e.code == ERR_TIMEOUT ? "TIMEOUT" : "FAILED";
	x.message = e.msg;
	log_line(w, e.msg);
	if (meta_write(w->g->o.meta, end_tx, &x, &e2) < 0)
		diag(DIAG_ERROR, "glue", "the end of run %s could not be kept: %s", w->run.id,
		     e2.msg);
}

static int claim_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	struct tx_rows *r;
	int found = tx_one(tx, &r, e,
			   "SELECT id, base, job, final_arguments, script, timeout_min, started_ms "
			   "FROM glue_run"
			   " WHERE state = 'STARTING' ORDER BY id LIMIT 1",
			   "");

	w->run.id = NULL;
	if (found <= 0)
		return found;
	w->run.id = row_str(r, 0, w->arena);
	w->run.base = row_str(r, 1, w->arena);
	w->run.job = row_str(r, 2, w->arena);
	w->run.arguments = json_parse(w->arena, row_view(r, 3), JSON_DEPTH, e);
	w->run.script = row_str(r, 4, w->arena);
	w->run.timeout_ms = row_int(r, 5) * 60000;
	w->run.started_ms = row_int(r, 6);
	tx_end(r);
	if (!w->run.arguments)
		return err_ctx(e, "arguments of run %s", w->run.id);
	return tx_run(tx, e, "UPDATE glue_run SET state = 'RUNNING', updated_ms = ? WHERE id = ?",
		      "is", clock_ms(), w->run.id);
}

/* false: there is nothing to run. */
static bool run_next(struct glue *g)
{
	struct arena a;
	struct err e = { 0 };
	struct work w = { .g = g, .arena = &a };
	bool found;

	arena_init(&a, RUN_ARENA);
	if (meta_write(g->o.meta, claim_tx, &w, &e) < 0) {
		diag(DIAG_ERROR, "glue", "no run could be taken: %s", e.msg);
		w.run.id = NULL;
	}
	found = w.run.id != NULL;
	if (found)
		run(&w);
	arena_clear(&a);
	return found;
}

void *glue__runner(void *arg)
{
	struct glue *g = arg;
	bool stop = false;
	uint64_t seen = 0;

	while (!stop) {
		lock_take(&g->lock);
		while (g->work == seen && !g->stopping)
			cond_wait(&g->wake, &g->lock);
		stop = g->stopping;
		seen = g->work;
		lock_drop(&g->lock);
		while (!stop && run_next(g)) {
			lock_take(&g->lock);
			stop = g->stopping;
			lock_drop(&g->lock);
		}
	}
	return NULL;
}
