// SPDX-License-Identifier: Apache-2.0
/*
 * athena_run: the threads that run queries.
 *
 * The engine writes the result into the staging directory; it becomes a blob (durable), and one transaction makes the
 * result's object, its metadata's object and the query's end exist together.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"
#include "svc/athena/athena_int.h"
#include "svc/athena/literal.h"
#include "svc/athena/show.h"

#define RUN_ARENA (512UL * MIB)
#define RESULT_MAX (64UL * GIB)

struct work {
	struct athena *s;
	struct arena *arena;
	struct athena_running *slot;
	struct athena_query q;
	bool claimed;
	const char *path;             /* of the staged result */
	const char *refs[2], *md5[2]; /* the result, its metadata */
	struct json *columns;
	const char *state, *reason;
	int64_t scanned, engine_ms, queue_ms, planning_ms;
};

/* --- results --- */

static void add_column(struct work *w, const char *name, const char *type, int precision, int scale)
{
	struct json *c = json_new_arr(w->arena);

	json_push(w->arena, c, json_new_cstr(w->arena, name));
	json_push(w->arena, c, json_new_cstr(w->arena, type));
	json_push(w->arena, c, json_new_int(w->arena, precision));
	json_push(w->arena, c, json_new_int(w->arena, scale));
	json_push(w->arena, w->columns, c);
}

/* What describes the result beside it.  AWS's own file of this name has a form of its own that is not published. */
static const char *metadata_text(struct work *w)
{
	static const char *const names[] = { "name", "type", "precision", "scale" };
	struct json *doc = json_new_obj(w->arena), *list = json_new_arr(w->arena);

	for (size_t i = 0; i < json_len(w->columns); i++) {
		struct json *c = json_new_obj(w->arena);

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			json_set(w->arena, c, names[k], json_at(json_at(w->columns, i), k));
		json_push(w->arena, list, c);
	}
	json_set(w->arena, doc, "columns", list);
	return json_text(w->arena, doc);
}

static int keep_result(struct work *w, struct err *e)
{
	const struct s3_port *s3 = w->s->o.s3;
	const char *text = metadata_text(w), *bucket, *key;
	char hex[33];

	md5_hex(view_str(text), hex);
	w->md5[1] = arena_str(w->arena, view_of(hex, 32));
	if (file_md5(w->path, w->arena, &w->md5[0], e) < 0 ||
	    blob_put(w->s->o.blobs, view_str(text), w->arena, &w->refs[1], e) < 0)
		return e->code;
	if (blob_adopt(w->s->o.blobs, w->path, w->arena, &w->refs[0], e) < 0)
		return e->code;
	must(athena__split(w->arena, w->q.location, &bucket, &key));
	for (int i = 0; i < 2; i++)
		if (s3->ready(s3->self, bucket, &w->refs[i], w->arena, e) < 0)
			return e->code;
	return 0;
}

static void drop_result(struct work *w)
{
	for (int i = 0; i < 2; i++) {
		struct err ignored = { 0 };

		if (w->refs[i] && blob_delete(w->s->o.blobs, w->refs[i], &ignored) < 0)
			diag(DIAG_WARN, "athena", "%s", ignored.msg);
	}
}

static int put_tx(struct work *w, struct meta_tx *tx, int i, struct err *e)
{
	const struct s3_port *s3 = w->s->o.s3;
	struct s3_new o = { .ref = w->refs[i],
			    .md5_hex = w->md5[i],
			    .reason = "PutObject",
			    .requester = w->s->o.account,
			    .content_type = i ? "application/json" : "text/csv" };
	const char *key;

	must(athena__split(w->arena, w->q.location, &o.bucket, &key));
	o.key = i ? arena_printf(w->arena, "%s.metadata", key) : key;
	return s3->put_tx(s3->self, tx, &o, e);
}

/* The end of a query, whichever it is. */
static int end_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	int r = 0;

	for (int i = 0; i < 2 && r == 0 && w->refs[i]; i++)
		r = put_tx(w, tx, i, e);
	if (r < 0)
		return r;
	return tx_run(tx, e,
		      "UPDATE athena_query SET state = ?, reason = ?, completed_ms = ?, scanned = "
		      "?, engine_ms = ?, queue_ms = ?,"
		      " planning_ms = ?, cols = ? WHERE id = ?",
		      "ssiiiiiss", w->state, w->reason, clock_ms(), w->scanned, w->engine_ms,
		      w->queue_ms, w->planning_ms,
		      w->columns ? json_text(w->arena, w->columns) : NULL, w->q.id);
}

/* --- running --- */

static const char *skip_word(const char *text, struct view word)
{
	struct view t = view_trim(view_str(text));

	return view_eq_nocase(view_sub(t, 0, word.n), word) ? view_from(t, word.n).p : t.p;
}

static int bind_parameters(struct work *w, const char **ret, struct err *e)
{
	size_t n = json_len(w->q.parameters);
	const char **values = ARENA_ARRAY(w->arena, const char *, n + 1);

	for (size_t i = 0; i < n; i++)
		values[i] = arena_str(w->arena, json_str(json_at(w->q.parameters, i)));
	return literal_bind(w->arena, w->q.text, values, n, ret, e);
}

static int select_pinned(struct work *w, const char *text, const char *database, struct err *e)
{
	struct sql_job job = { .text = text,
			       .schema = database,
			       .output = SQL_TO_CSV,
			       .out_path = w->path,
			       .out_max_bytes = RESULT_MAX,
			       .cancel = w->slot->cancel };
	const char *inner = skip_word(skip_word(text, VIEW("explain")), VIEW("analyze"));
	const struct glue_port *glue = w->s->o.glue;
	struct sql_table *tables;
	struct sql_result res;
	int64_t t0 = clock_mono_ns();

	if (glue->resolve(glue->self, inner, database, w->arena, &tables, &job.n_tables, e) < 0)
		return e->code;
	job.tables = tables;
	w->planning_ms = (clock_mono_ns() - t0) / 1000000;
	if (sql_run(w->s->o.sql, &job, w->arena, &res, e) < 0)
		return e->code;
	w->scanned = (int64_t)res.scanned_bytes;
	w->queue_ms += res.queue_ms;
	w->engine_ms = res.run_ms;
	for (size_t i = 0; i < res.n_columns; i++)
		add_column(w, res.columns[i].name, res.columns[i].type, res.columns[i].precision,
			   res.columns[i].scale);
	return 0;
}

/* The files that the statement was given stay while it runs, whatever is deleted or merged meanwhile. */
static int run_select(struct work *w, const char *text, const char *database, struct err *e)
{
	const struct s3_port *s3 = w->s->o.s3;
	void *pin = s3->pin(s3->self);
	int r = select_pinned(w, text, database, e);

	s3->unpin(s3->self, pin);
	return r;
}

static int run_query(struct work *w, struct err *e)
{
	const char *database = w->q.database ? w->q.database : "default", *text = NULL;
	struct show_result show;
	int r;

	w->columns = json_new_arr(w->arena);
	r = show_run(w->s->o.glue, w->q.text, database, w->arena, &show, e);
	if (r > 0) {
		for (size_t i = 0; i < show.n_columns; i++)
			add_column(w, show.columns[i], "string", 0, 0);
		r = file_replace(w->path, buf_view(&show.text), 0600, e);
		buf_clear(&show.text);
		return r;
	}
	if (r == 0 && !w->s->o.sql)
		return err_set(e, ERR_UNSUPPORTED,
			       "this server was started without its SQL engine");
	if (r == 0)
		r = bind_parameters(w, &text, e);
	return r < 0 ? r : run_select(w, text, database, e);
}

static void finish(struct work *w, struct err *e)
{
	struct err e2 = { 0 };

	if (!e->code && keep_result(w, e) == 0) {
		w->state = "SUCCEEDED";
		if (meta_write(w->s->o.meta, end_tx, w, e) == 0)
			return;
	}
	drop_result(w);
	w->refs[0] = w->refs[1] = NULL;
	w->columns = NULL;
	w->state = e->code == ERR_CANCELLED ? "CANCELLED" : "FAILED";
	w->reason = e->code == ERR_CANCELLED ? "Query cancelled by user" : e->msg;
	if (meta_write(w->s->o.meta, end_tx, w, &e2) < 0)
		diag(DIAG_ERROR, "athena", "the end of query %s could not be kept: %s", w->q.id,
		     e2.msg);
}

static bool stopping(struct athena *s)
{
	LOCK_SCOPE(&s->lock);
	return s->stopping;
}

static void run(struct work *w)
{
	struct err e = { 0 };
	struct athena_query again;
	int r;

	w->queue_ms = clock_ms() - w->q.submitted_ms;
	w->path = arena_printf(w->arena, "%s/%s", w->s->o.staging, w->q.id);
	/* StopQueryExecution may have come before it could see that this thread has the query. */
	r = athena__query(w->s, w->q.id, w->arena, &again, &e);
	if (r > 0 && again.stop)
		(void)err_set(&e, ERR_CANCELLED, "stopped");
	else if (r > 0)
		(void)run_query(w, &e);
	/* Cancelled because the server stops: at its next start the query is told to have failed. */
	if (e.code != ERR_CANCELLED || !stopping(w->s))
		finish(w, &e);
	(void)unlink(w->path);
}

static int claim_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct work *w = arg;
	struct tx_rows *r;
	const char *id;
	int found = tx_one(tx, &r, e,
			   "SELECT id FROM athena_query WHERE state = 'QUEUED' ORDER BY id LIMIT 1",
			   "");

	w->claimed = false;
	if (found <= 0)
		return found;
	id = row_str(r, 0, w->arena);
	tx_end(r);
	found = athena__query_tx(tx, id, w->arena, &w->q, e);
	if (found <= 0)
		return found;
	w->claimed = true;
	return tx_run(tx, e, "UPDATE athena_query SET state = 'RUNNING' WHERE id = ?", "s", id);
}

static void set_running(struct work *w, bool on)
{
	struct sql_cancel *old;
	LOCK_SCOPE(&w->s->lock);

	old = w->slot->cancel;
	w->slot->cancel = on ? sql_cancel_new() : NULL;
	(void)snprintf(w->slot->id, sizeof(w->slot->id), "%s", on ? w->q.id : "");
	if (on && w->s->stopping)
		sql_cancel_fire(w->slot->cancel);
	(void)sql_cancel_free(old);
}

/* false: there is nothing to run. */
static bool run_next(struct athena *s, struct athena_running *slot)
{
	struct arena a;
	struct err e = { 0 };
	struct work w = { .s = s, .arena = &a, .slot = slot };

	arena_init(&a, RUN_ARENA);
	if (meta_write(s->o.meta, claim_tx, &w, &e) < 0) {
		diag(DIAG_ERROR, "athena", "no query could be taken: %s", e.msg);
		w.claimed = false;
	}
	if (w.claimed) {
		set_running(&w, true);
		run(&w);
		set_running(&w, false);
	}
	arena_clear(&a);
	return w.claimed;
}

void *athena__runner(void *arg)
{
	struct athena *s = arg;
	struct athena_running *slot;
	uint64_t seen = 0;
	bool stop = false;

	lock_take(&s->lock);
	slot = &s->now[s->n_threads++];
	lock_drop(&s->lock);
	while (!stop) {
		lock_take(&s->lock);
		while (s->work == seen && !s->stopping)
			cond_wait(&s->wake, &s->lock);
		stop = s->stopping;
		seen = s->work;
		lock_drop(&s->lock);
		while (!stop && run_next(s, slot))
			stop = stopping(s);
	}
	return NULL;
}
