// SPDX-License-Identifier: Apache-2.0
/*
 * Executions as rows.  Every write names the epoch under which this process owns the execution's shard and the
 * last event it knows of: a process that lost its shard changes nothing.
 */
#include <string.h>

#include "svc/states/states_int.h"

int states__schema(struct meta *m, struct err *e)
{
	return meta_schema(m,
			   "CREATE TABLE IF NOT EXISTS states_shard (shard BIGINT PRIMARY KEY, epoch BIGINT NOT NULL);"
			   "CREATE TABLE IF NOT EXISTS states_definition (id TEXT PRIMARY KEY, text TEXT NOT NULL);"
			   "CREATE TABLE IF NOT EXISTS states_machine (name TEXT PRIMARY KEY, definition TEXT NOT NULL,"
			   " role TEXT NOT NULL, revision TEXT NOT NULL, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL);"
			   "CREATE TABLE IF NOT EXISTS states_execution (arn TEXT PRIMARY KEY, machine TEXT NOT NULL,"
			   " name TEXT NOT NULL, definition TEXT NOT NULL, role TEXT NOT NULL, status TEXT NOT NULL,"
			   " input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT, started_ms BIGINT NOT NULL,"
			   " stopped_ms BIGINT, shard BIGINT NOT NULL, last_event BIGINT NOT NULL, snapshot TEXT);"
			   "CREATE INDEX IF NOT EXISTS states_execution_by_machine ON states_execution (machine, started_ms);"
			   "CREATE INDEX IF NOT EXISTS states_execution_by_status ON states_execution (status);"
			   "CREATE TABLE IF NOT EXISTS states_history (arn TEXT NOT NULL, n BIGINT NOT NULL, prev BIGINT NOT NULL,"
			   " at_ms BIGINT NOT NULL, type TEXT NOT NULL, details TEXT, PRIMARY KEY (arn, n));",
			   e);
}

static int claim_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct states *s = arg;
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT COALESCE(MAX(epoch), 0) + 1 FROM states_shard", "");

	if (rc <= 0)
		return rc;
	s->epoch = row_int(r, 0);
	tx_end(r);
	rc = 0;
	for (int64_t i = 0; rc == 0 && i < STATES_SHARDS; i++)
		rc = tx_run(tx, e, "INSERT INTO states_shard (shard, epoch) VALUES (?, ?)"
			    " ON CONFLICT (shard) DO UPDATE SET epoch = excluded.epoch", "ii", i, s->epoch);
	return rc;
}

int states__claim(struct states *s, struct err *e)
{
	return meta_write(s->o.meta, claim_tx, s, e);
}

struct running {
	struct arena *a;
	const char **v;
	size_t n, cap;
};

static int running_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct running *q = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT arn FROM states_execution WHERE status = 'RUNNING'", "");

	while (rc == 0 && (rc = tx_next(r, e)) > 0) {
		if (q->n == q->cap) {
			const char **v = ARENA_ARRAY(q->a, const char *, q->cap ? q->cap * 2 : 64);

			if (q->n)
				memcpy(v, q->v, q->n * sizeof(*v));
			q->cap = q->cap ? q->cap * 2 : 64;
			q->v = v;
		}
		q->v[q->n++] = row_str(r, 0, q->a);
		rc = 0;
	}
	return rc;
}

int states__running(struct states *s, struct arena *a, const char ***ret, size_t *ret_n, struct err *e)
{
	struct running q = { .a = a };
	int r = meta_read(s->o.meta, running_tx, &q, e);

	*ret = q.v;
	*ret_n = q.n;
	return r;
}

struct load {
	struct states *s;
	const char *arn;
	struct exec *x;
	const char *definition, *snapshot;
	int found;
};

static int load_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct load *q = arg;
	struct arena *a = &q->x->arena;
	struct tx_rows *r;

	q->found = tx_one(tx, &r, e,
			  "SELECT x.machine, x.name, x.role, x.input, x.started_ms, x.snapshot, d.text FROM states_execution x"
			  " JOIN states_definition d ON d.id = x.definition WHERE x.arn = ? AND x.status = 'RUNNING'", "s", q->arn);
	if (q->found <= 0)
		return q->found;
	q->x->arn = arena_str(a, view_str(q->arn));
	q->x->machine_name = row_str(r, 0, a);
	q->x->name = row_str(r, 1, a);
	q->x->role = row_str(r, 2, a);
	q->x->input = row_str(r, 3, a);
	q->x->started_ms = row_int(r, 4);
	q->snapshot = row_str(r, 5, a);
	q->definition = row_str(r, 6, a);
	q->x->machine_arn = arena_printf(a, "arn:aws:states:%s:%s:stateMachine:%s", q->s->o.region, q->s->o.account,
					 q->x->machine_name);
	tx_end(r);
	return 0;
}

int states__load(struct states *s, const char *arn, struct exec *x, const char **ret_definition, const char **ret_snapshot,
		 struct err *e)
{
	struct load q = { .s = s, .arn = arn, .x = x };
	int r = meta_read(s->o.meta, load_tx, &q, e);

	*ret_definition = q.definition;
	*ret_snapshot = q.snapshot;
	return r < 0 ? r : q.found;
}

static int history_tx(struct meta_tx *tx, const struct step *st, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < st->n_events; i++) {
		const struct exec_event *x = &st->events[i];

		r = tx_run(tx, e, "INSERT INTO states_history (arn, n, prev, at_ms, type, details) VALUES (?, ?, ?, ?, ?, ?)",
			   "siiiss", st->x->arn, x->n, x->prev, st->now, x->type, x->details);
	}
	return r;
}

static uint64_t fnv(const char *s)
{
	uint64_t h = 14695981039346656037U;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211U;
	return h;
}

int states__insert_tx(struct states *s, struct meta_tx *tx, struct step *st, const char *definition_id, struct err *e)
{
	struct exec *x = st->x;
	int r = tx_run(tx, e,
		       "INSERT INTO states_execution (arn, machine, name, definition, role, status, input, started_ms, shard,"
		       " last_event, snapshot) VALUES (?, ?, ?, ?, ?, 'RUNNING', ?, ?, ?, ?, ?)",
		       "ssssssiiis", x->arn, x->machine_name, x->name, definition_id, x->role, x->input, x->started_ms,
		       (int64_t)(fnv(x->arn) % STATES_SHARDS), x->last, exec_snapshot(x));

	return r < 0 ? r : history_tx(tx, st, e);
}

struct save {
	struct states *s;
	struct step *st;
	int64_t before;
	const char *snapshot;
};

static int save_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct save *q = arg;
	struct exec *x = q->st->x;
	bool done = x->status != EXEC_RUNNING;
	int r;

	if (done)
		r = tx_run(tx, e,
			   "UPDATE states_execution SET last_event = ?, snapshot = NULL, status = ?, output = ?, error = ?, cause = ?,"
			   " stopped_ms = ? WHERE arn = ? AND last_event = ? AND status = 'RUNNING' AND EXISTS (SELECT 1 FROM"
			   " states_shard WHERE states_shard.shard = states_execution.shard AND states_shard.epoch = ?)",
			   "issssisii", x->last, exec_status_name(x->status), x->output, x->error, x->cause, q->st->now, x->arn,
			   q->before, q->s->epoch);
	else
		r = tx_run(tx, e,
			   "UPDATE states_execution SET last_event = ?, snapshot = ? WHERE arn = ? AND last_event = ?"
			   " AND status = 'RUNNING' AND EXISTS (SELECT 1 FROM states_shard"
			   " WHERE states_shard.shard = states_execution.shard AND states_shard.epoch = ?)",
			   "issii", x->last, q->snapshot, x->arn, q->before, q->s->epoch);
	if (r == 0 && tx_changes(tx) != 1)
		return err_set(e, ERR_CONFLICT, "execution %s is no longer owned here", x->arn);
	return r < 0 ? r : history_tx(tx, q->st, e);
}

int states__save(struct states *s, struct step *st, int64_t before, struct err *e)
{
	struct save q = { .s = s, .st = st, .before = before };

	if (st->x->status == EXEC_RUNNING)
		q.snapshot = exec_snapshot(st->x);
	return meta_write(s->o.meta, save_tx, &q, e);
}
