/* SPDX-License-Identifier: Apache-2.0 */
/* lambda_store: functions as rows of meta. */
#include <string.h>

#include "base/json.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/lambda/lambda_int.h"

#define COLUMNS \
	"name, role, handler, runtime, description, revision, code_ref, code_sha256, url_id, url_auth, timeout_s, memory_mb," \
	" code_size, modified_ms, env, url_ms, arch"

int lambda__schema(struct meta *m, struct err *e)
{
	return meta_schema(m,
			   "CREATE TABLE IF NOT EXISTS lambda_function (name TEXT PRIMARY KEY, role TEXT NOT NULL, handler TEXT,"
			   " runtime TEXT NOT NULL, description TEXT NOT NULL, revision TEXT NOT NULL, code_ref TEXT NOT NULL,"
			   " code_sha256 TEXT NOT NULL, url_id TEXT UNIQUE, url_auth TEXT, timeout_s BIGINT NOT NULL,"
			   " memory_mb BIGINT NOT NULL, code_size BIGINT NOT NULL, modified_ms BIGINT NOT NULL, env TEXT NOT NULL,"
			   " url_ms BIGINT NOT NULL, arch TEXT NOT NULL);"
			   "CREATE TABLE IF NOT EXISTS lambda_async (id TEXT PRIMARY KEY, name TEXT NOT NULL, event BLOB NOT NULL,"
			   " attempts BIGINT NOT NULL, due_ms BIGINT NOT NULL, failed TEXT);"
			   "CREATE INDEX IF NOT EXISTS lambda_async_due ON lambda_async (due_ms);",
			   e);
}

const char *lambda__arn(struct lambda *l, const char *name, struct arena *a)
{
	return arena_printf(a, "arn:aws:lambda:%s:%s:function:%s", l->o.region, l->o.account, name);
}

const char *lambda__plain_name(const char *name, struct arena *a)
{
	struct view v = view_str(name), part, rest;
	ptrdiff_t at = view_find(v, VIEW("function:"));

	if (at >= 0)
		v = view_from(v, (size_t)at + 9);
	rest = v;
	if (view_split(&rest, ':', &part) && rest.p && view_eq(rest, VIEW("$LATEST")))
		v = part;
	return arena_str(a, v);
}

static void env_from_json(struct arena *a, struct view text, struct op_map *ret)
{
	struct err e = { 0 };
	const struct json *o = json_parse(a, text, JSON_DEPTH, &e);

	*ret = (struct op_map){ .set = json_len(o) > 0, .n = json_len(o) };
	ret->v = ARENA_ARRAY(a, struct op_pair, ret->n + 1);
	for (size_t i = 0; i < ret->n; i++) {
		ret->v[i].key = arena_str(a, o->obj.v[i].name);
		ret->v[i].value = arena_str(a, json_str(o->obj.v[i].value));
	}
}

static void read_row(struct tx_rows *r, struct arena *a, struct lambda_fn *f)
{
	f->name = row_str(r, 0, a);
	f->role = row_str(r, 1, a);
	f->handler = row_str(r, 2, a);
	f->runtime = row_str(r, 3, a);
	f->description = row_str(r, 4, a);
	f->revision = row_str(r, 5, a);
	f->code_ref = row_str(r, 6, a);
	f->code_sha256 = row_str(r, 7, a);
	f->url_id = row_str(r, 8, a);
	f->url_auth = row_str(r, 9, a);
	f->timeout_s = row_int(r, 10);
	f->memory_mb = row_int(r, 11);
	f->code_size = row_int(r, 12);
	f->modified_ms = row_int(r, 13);
	env_from_json(a, row_view(r, 14), &f->env);
	f->url_ms = row_int(r, 15);
	f->arch = row_str(r, 16, a);
}

struct load {
	const char *key;
	bool by_url;
	struct arena *a;
	struct lambda_fn *ret;
	int found;
};

static int load_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct load *q = arg;
	struct tx_rows *r;

	if (q->by_url)
		q->found = tx_one(tx, &r, e, "SELECT " COLUMNS " FROM lambda_function WHERE url_id = ?", "s", q->key);
	else
		q->found = tx_one(tx, &r, e, "SELECT " COLUMNS " FROM lambda_function WHERE name = ?", "s", q->key);
	if (q->found > 0) {
		read_row(r, q->a, q->ret);
		tx_end(r);
	}
	return q->found < 0 ? q->found : 0;
}

int lambda__load(struct lambda *l, const char *name, struct arena *a, struct lambda_fn *ret, struct err *e)
{
	struct load q = { lambda__plain_name(name, a), false, a, ret, 0 };
	int r = meta_read(l->o.meta, load_tx, &q, e);

	if (r == 0 && !q.found)
		return aws_fail(e, &LAMBDA_NOT_FOUND, "Function not found: %s", lambda__arn(l, q.key, a));
	return r;
}

int lambda__load_by_url(struct lambda *l, const char *id, struct arena *a, struct lambda_fn *ret, struct err *e)
{
	struct load q = { id, true, a, ret, 0 };
	int r = meta_read(l->o.meta, load_tx, &q, e);

	if (r == 0 && !q.found)
		return err_set(e, ERR_NOENT, "no function has the URL id %s", id);
	return r;
}

struct list {
	const char *after;
	int64_t max;
	struct arena *a;
	struct lambda_fn *v;
	size_t n;
};

static int list_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct list *q = arg;
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e, "SELECT " COLUMNS " FROM lambda_function WHERE name > ? ORDER BY name LIMIT ?", "si",
			 q->after, q->max);

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0)
		read_row(rows, q->a, &q->v[q->n++]);
	return r;
}

int lambda__list(struct lambda *l, const char *after, int64_t max, struct arena *a, struct lambda_fn **ret, size_t *ret_n,
		 struct err *e)
{
	struct list q = { after ? after : "", max, a, ARENA_ARRAY(a, struct lambda_fn, max), 0 };
	int r = meta_read(l->o.meta, list_tx, &q, e);

	*ret = q.v;
	*ret_n = q.n;
	return r;
}

struct save {
	struct lambda_fn *f;
	const char *env;
	bool fresh;
};

static int save_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct save *q = arg;
	struct lambda_fn *f = q->f;
	int r;

	if (!q->fresh) {
		r = tx_run(tx, e, "DELETE FROM lambda_function WHERE name = ?", "s", f->name);
		if (r < 0)
			return r;
		if (tx_changes(tx) == 0)
			return aws_fail(e, &LAMBDA_NOT_FOUND, "Function not found: %s", f->name);
	}
	r = tx_run(tx, e, "INSERT INTO lambda_function (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		   "ssssssssssiiiisis", f->name, f->role, f->handler, f->runtime, f->description, f->revision, f->code_ref,
		   f->code_sha256, f->url_id, f->url_auth, f->timeout_s, f->memory_mb, f->code_size, f->modified_ms, q->env,
		   f->url_ms, f->arch);
	if (r == ERR_EXISTS) {
		err_clear(e);
		return aws_fail(e, &LAMBDA_CONFLICT, "Function already exist: %s", f->name);
	}
	return r;
}

int lambda__save(struct lambda *l, struct lambda_fn *f, bool fresh, struct arena *a, struct err *e)
{
	struct json *env = json_new_obj(a);
	char id[UUID_TEXT];
	struct save q = { f, NULL, fresh };

	for (size_t i = 0; i < f->env.n; i++)
		json_set_str(a, env, f->env.v[i].key, f->env.v[i].value);
	q.env = json_text(a, env);
	uuid4(id);
	f->revision = arena_str(a, view_str(id));
	f->modified_ms = clock_ms();
	return meta_write(l->o.meta, save_tx, &q, e);
}

static int delete_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM lambda_function WHERE name = ?", "s", (const char *)arg);
}

int lambda__delete(struct lambda *l, const char *name, struct err *e)
{
	return meta_write(l->o.meta, delete_tx, (void *)(uintptr_t)name, e);
}

struct uses {
	struct view key;
	bool found;
};

static int uses_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct uses *q = arg;
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e, "SELECT code_ref FROM lambda_function", "");

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		struct view ref = row_view(rows, 0);

		/* A reference is the blob's key and what describes it. */
		if (view_starts(ref, q->key) && (ref.n == q->key.n || ref.p[q->key.n] == ':'))
			q->found = true;
	}
	return r;
}

bool lambda__uses_blob(void *arg, struct view key)
{
	struct lambda *l = arg;
	struct uses q = { key, false };
	struct err e = { 0 };

	/* When in doubt it is in use. */
	return meta_read(l->o.meta, uses_tx, &q, &e) < 0 || q.found;
}
