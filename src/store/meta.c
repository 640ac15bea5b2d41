/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of meta: hands every call to the backend. */
#include "store/meta.h"

#include "store/meta_backend.h"

struct meta *meta_close(struct meta *m)
{
	if (m)
		m->vt->close(m);
	return NULL;
}

int meta_write(struct meta *m, meta_fn fn, void *arg, struct err *e)
{
	return m->vt->write(m, fn, arg, e);
}

int meta_read(struct meta *m, meta_fn fn, void *arg, struct err *e)
{
	return m->vt->read(m, fn, arg, e);
}

int meta_schema(struct meta *m, const char *ddl, struct err *e)
{
	return m->vt->schema(m, ddl, e);
}

struct step {
	const char *module, *sql;
	int64_t n; /* steps that were run */
};

static int count_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct step *st = arg;
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT COUNT(*) FROM meta_step WHERE module = ?", "s", st->module);

	if (rc <= 0)
		return rc;
	st->n = row_int(r, 0);
	tx_end(r);
	return 0;
}

static int step_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct step *st = arg;
	int rc = tx_run(tx, e, st->sql, "");

	return rc ? rc : tx_run(tx, e, "INSERT INTO meta_step (module, n) VALUES (?, ?)", "si", st->module, st->n);
}

int meta_steps(struct meta *m, const char *module, const char *const *steps, struct err *e)
{
	struct step st = { .module = module };
	int64_t have = 0;
	int rc = meta_schema(m, "CREATE TABLE IF NOT EXISTS meta_step (module TEXT NOT NULL, n BIGINT NOT NULL,"
				" PRIMARY KEY (module, n));", e);

	while (steps[have])
		have++;
	if (!rc)
		rc = meta_read(m, count_fn, &st, e);
	if (!rc && st.n > have)
		rc = err_set(e, ERR_UNSUPPORTED, "they are of a newer version of this program");
	for (; !rc && st.n < have; st.n++) {
		st.sql = steps[st.n];
		rc = meta_write(m, step_fn, &st, e);
	}
	return rc ? err_ctx(e, "tables of %s", module) : 0;
}

int meta_verify(struct meta *m, meta_found_fn found, void *arg, uint64_t *ret_bytes, struct err *e)
{
	return m->vt->verify(m, found, arg, ret_bytes, e);
}

uint64_t meta_commits(struct meta *m)
{
	return m->vt->commits(m);
}

int tx_run(struct meta_tx *tx, struct err *e, const char *sql, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = tx->vt->run(tx, e, sql, fmt, ap);
	va_end(ap);
	return rc;
}

int64_t tx_changes(const struct meta_tx *tx)
{
	return tx->changes;
}

int tx_query(struct meta_tx *tx, struct tx_rows **ret, struct err *e, const char *sql, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = tx->vt->query(tx, ret, e, sql, fmt, ap);
	va_end(ap);
	return rc;
}

int tx_next(struct tx_rows *r, struct err *e)
{
	return r->vt->next(r, e);
}

void tx_end(struct tx_rows *r)
{
	if (r)
		r->vt->end(r);
}

int64_t row_int(const struct tx_rows *r, int col)
{
	return r->vt->col_int(r, col);
}

double row_double(const struct tx_rows *r, int col)
{
	return r->vt->col_double(r, col);
}

struct view row_view(const struct tx_rows *r, int col)
{
	return r->vt->col_view(r, col);
}

char *row_str(const struct tx_rows *r, int col, struct arena *a)
{
	struct view v = r->vt->col_view(r, col);

	return v.p ? arena_str(a, v) : NULL;
}

bool row_null(const struct tx_rows *r, int col)
{
	return r->vt->col_null(r, col);
}

int tx_one(struct meta_tx *tx, struct tx_rows **ret, struct err *e, const char *sql, const char *fmt, ...)
{
	struct tx_rows *r;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = tx->vt->query(tx, &r, e, sql, fmt, ap);
	va_end(ap);
	if (rc < 0)
		return rc;
	rc = r->vt->next(r, e);
	if (rc == 1)
		*ret = r;
	return rc;
}

void tx_after_commit(struct meta_tx *tx, void (*fn)(void *), void *arg)
{
	tx->vt->after_commit(tx, fn, arg);
}
