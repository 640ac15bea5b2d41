// SPDX-License-Identifier: Apache-2.0
/* athena: rows, start and end. */
#include "svc/athena/athena.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/file.h"
#include "svc/athena/athena_int.h"

static int schema(struct meta *m, struct err *e)
{
	return meta_schema(
		m,
		"CREATE TABLE IF NOT EXISTS athena_query (id TEXT PRIMARY KEY, token TEXT UNIQUE, "
		"query TEXT NOT NULL,"
		" db TEXT, catalog TEXT, location TEXT NOT NULL, parameters TEXT, state TEXT NOT "
		"NULL, reason TEXT,"
		" kind TEXT NOT NULL, stop BIGINT NOT NULL, submitted_ms BIGINT NOT NULL, "
		"completed_ms BIGINT,"
		" scanned BIGINT NOT NULL, engine_ms BIGINT NOT NULL, queue_ms BIGINT NOT NULL, "
		"planning_ms BIGINT NOT NULL,"
		" cols TEXT);"
		"CREATE INDEX IF NOT EXISTS athena_query_by_state ON athena_query (state, id);",
		e);
}

int athena__query_tx(struct meta_tx *tx, const char *id, struct arena *a, struct athena_query *ret,
		     struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(
		tx, &r, e,
		"SELECT id, query, db, catalog, location, parameters, state, reason, kind, stop, "
		"submitted_ms, completed_ms,"
		" scanned, engine_ms, queue_ms, planning_ms, cols FROM athena_query WHERE id = ?",
		"s", id);

	if (found <= 0)
		return found;
	*ret = (struct athena_query){ .id = row_str(r, 0, a),
				      .text = row_str(r, 1, a),
				      .database = row_str(r, 2, a),
				      .catalog = row_str(r, 3, a),
				      .location = row_str(r, 4, a),
				      .state = row_str(r, 6, a),
				      .reason = row_str(r, 7, a),
				      .kind = row_str(r, 8, a),
				      .stop = row_int(r, 9) != 0,
				      .submitted_ms = row_int(r, 10),
				      .completed_ms = row_int(r, 11),
				      .scanned = row_int(r, 12),
				      .engine_ms = row_int(r, 13),
				      .queue_ms = row_int(r, 14),
				      .planning_ms = row_int(r, 15) };
	if (!row_null(r, 5))
		ret->parameters = json_parse(a, row_view(r, 5), JSON_DEPTH, e);
	if (!row_null(r, 16) && !e->code)
		ret->columns = json_parse(a, row_view(r, 16), JSON_DEPTH, e);
	tx_end(r);
	return e->code ? err_ctx(e, "query %s", id) : 1;
}

struct get {
	const char *id;
	struct arena *a;
	struct athena_query *ret;
	bool found;
};

static int get_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct get *g = arg;
	int r = athena__query_tx(tx, g->id, g->a, g->ret, e);

	g->found = r > 0;
	return r < 0 ? r : 0;
}

int athena__query(struct athena *s, const char *id, struct arena *a, struct athena_query *ret,
		  struct err *e)
{
	struct get g = { .id = id, .a = a, .ret = ret };
	int r = meta_read(s->o.meta, get_tx, &g, e);

	return r < 0 ? r : g.found;
}

bool athena__split(struct arena *a, const char *location, const char **ret_bucket,
		   const char **ret_key)
{
	struct view v = view_str(location), bucket;

	if (!view_starts(v, VIEW("s3://")))
		return false;
	v = view_from(v, 5);
	(void)view_split(&v, '/', &bucket);
	*ret_bucket = arena_str(a, bucket);
	*ret_key = v.p ? arena_str(a, v) : "";
	return bucket.n != 0;
}

static const char *dup_or_null(const char *s)
{
	char *copy = s ? strdup(s) : NULL;

	must(!s || copy);
	return copy;
}

int athena_new(const struct athena_opts *o, struct athena **ret, struct err *e)
{
	struct athena *s;

	if (schema(o->meta, e) < 0)
		return err_ctx(e, "athena");
	s = calloc(1, sizeof(*s));
	must(s);
	s->o = *o;
	s->o.staging = dup_or_null(o->staging);
	s->o.output_location = dup_or_null(o->output_location);
	s->o.region = dup_or_null(o->region);
	s->o.account = dup_or_null(o->account);
	lock_init(&s->lock, "athena");
	cond_init(&s->wake);
	*ret = s;
	return 0;
}

void athena__wake(struct athena *s)
{
	LOCK_SCOPE(&s->lock);
	s->work++;
	cond_broadcast(&s->wake);
}

/* Queries that were QUEUED have done nothing yet and are run; what was RUNNING has failed. */
static int recover_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	return tx_run(tx, e,
		      "UPDATE athena_query SET state = 'FAILED', completed_ms = ?,"
		      " reason = 'The query was interrupted: the server stopped while it was "
		      "running. Start it again.'"
		      " WHERE state = 'RUNNING'",
		      "i", clock_ms());
}

int athena_start(struct athena *s, struct err *e)
{
	if (s->o.staging &&
	    (file_remove_tree(s->o.staging, e) < 0 || file_mkdirs(s->o.staging, 0700, e) < 0))
		return err_ctx(e, "athena");
	if (meta_write(s->o.meta, recover_tx, s, e) < 0)
		return err_ctx(e, "athena");
	s->running = true;
	s->work = 1;
	for (int i = 0; i < ATHENA_RUNNERS; i++)
		s->threads[i] = thread_start("athena-runner", athena__runner, s);
	return 0;
}

struct athena *athena_free(struct athena *s)
{
	if (!s)
		return NULL;
	lock_take(&s->lock);
	s->stopping = true;
	for (int i = 0; i < ATHENA_RUNNERS; i++)
		if (s->now[i].cancel)
			sql_cancel_fire(s->now[i].cancel);
	cond_broadcast(&s->wake);
	lock_drop(&s->lock);
	for (int i = 0; i < ATHENA_RUNNERS && s->running; i++)
		thread_join(s->threads[i]);
	lock_clear(&s->lock);
	cond_clear(&s->wake);
	free((char *)(uintptr_t)s->o.staging);
	free((char *)(uintptr_t)s->o.output_location);
	free((char *)(uintptr_t)s->o.region);
	free((char *)(uintptr_t)s->o.account);
	free(s);
	return NULL;
}
