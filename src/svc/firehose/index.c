/* SPDX-License-Identifier: Apache-2.0 */
/* index -- all SQL of Firehose. */
#include "base/limits.h"
#include "svc/firehose/firehose_int.h"

const char fh__ddl[] = "CREATE TABLE IF NOT EXISTS firehose_stream (name TEXT PRIMARY KEY, id TEXT "
		       "NOT NULL UNIQUE,"
		       " created_ms BIGINT NOT NULL, version BIGINT NOT NULL, delivered BIGINT NOT "
		       "NULL, config TEXT NOT NULL);"
		       "CREATE TABLE IF NOT EXISTS firehose_tag (stream TEXT NOT NULL, tkey TEXT "
		       "NOT NULL, tvalue TEXT,"
		       " PRIMARY KEY (stream, tkey));"
		       "CREATE TABLE IF NOT EXISTS firehose_hold (stream TEXT NOT NULL, reader "
		       "TEXT NOT NULL, seq BIGINT NOT NULL,"
		       " PRIMARY KEY (stream, reader));"
		       /* Deleted streams: their logs stay on disk. */
		       "CREATE TABLE IF NOT EXISTS firehose_gone (id TEXT PRIMARY KEY, name TEXT "
		       "NOT NULL, deleted_ms BIGINT NOT NULL,"
		       " delivered BIGINT NOT NULL, config TEXT NOT NULL);";

#define COUNTER(name) "ALTER TABLE firehose_stream ADD COLUMN " name " BIGINT NOT NULL DEFAULT 0"
const char *const fh__steps[] = {
	"ALTER TABLE firehose_stream ADD COLUMN extended BIGINT NOT NULL DEFAULT 1",
	COUNTER("updated_ms"),
	COUNTER("flushes"),
	/* Of records up to .delivered: what became of them, and of how many items they were. */
	COUNTER("n_delivered"),
	COUNTER("n_rejected"),
	COUNTER("n_dropped"),
	COUNTER("items"),
	/* Of items: what was published, also ahead of .delivered. */
	COUNTER("items_delivered"),
	COUNTER("items_rejected"),
	"ALTER TABLE firehose_stream ADD COLUMN drain TEXT",
	COUNTER("drain_version"),
	/* Of @target everything up to @upto is delivered, though the stream's .delivered is behind. */
	"CREATE TABLE firehose_ahead (stream TEXT NOT NULL, target TEXT NOT NULL, upto BIGINT NOT NULL,"
	" PRIMARY KEY (stream, target))",
	"ALTER TABLE firehose_stream ADD COLUMN source TEXT",
	COUNTER("origin"),
	NULL
};

int fh__insert(struct meta_tx *tx, const struct fh_row *r, struct err *e)
{
	return tx_run(
		tx, e,
		"INSERT INTO firehose_stream (name, id, created_ms, version, delivered, extended, config, source, origin)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"ssiiiissi", r->name, r->id, r->created_ms, r->version, (int64_t)r->delivered, (int64_t)r->extended, r->config, r->source,
		(int64_t)r->origin);
}

int fh__remove(struct meta_tx *tx, const struct fh_row *r, int64_t now_ms, struct err *e)
{
	int rc = tx_run(tx, e,
			"INSERT INTO firehose_gone (id, name, deleted_ms, delivered, config)"
			" SELECT id, name, ?, delivered, config FROM firehose_stream WHERE id = ?",
			"is", now_ms, r->id);

	if (!rc)
		rc = tx_run(tx, e, "DELETE FROM firehose_stream WHERE id = ?", "s", r->id);
	if (!rc)
		rc = tx_run(tx, e, "DELETE FROM firehose_tag WHERE stream = ?", "s", r->id);
	if (!rc)
		rc = tx_run(tx, e, "DELETE FROM firehose_ahead WHERE stream = ?", "s", r->id);
	return rc ? rc : tx_run(tx, e, "DELETE FROM firehose_hold WHERE stream = ?", "s", r->id);
}

#define STREAM_COLUMNS "name, id, created_ms, version, updated_ms, extended, config, delivered, source, origin"

static void stream_of(const struct tx_rows *r, struct arena *a, struct fh_row *ret)
{
	*ret = (struct fh_row){
		.name = row_str(r, 0, a),
		.id = row_str(r, 1, a),
		.created_ms = row_int(r, 2),
		.version = row_int(r, 3),
		.updated_ms = row_int(r, 4),
		.extended = row_int(r, 5) != 0,
		.config = row_str(r, 6, a),
		.delivered = (uint64_t)row_int(r, 7),
		.source = row_str(r, 8, a),
		.origin = (uint64_t)row_int(r, 9),
	};
}

int fh__row(struct meta_tx *tx, const char *name, struct arena *a, struct fh_row *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT " STREAM_COLUMNS " FROM firehose_stream WHERE name = ?", "s", name);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(e, ERR_NOENT, "delivery stream %s does not exist", name);
	stream_of(r, a, ret);
	tx_end(r);
	return 0;
}

int fh__rows(struct meta_tx *tx, void (*fn)(void *arg, const struct fh_row *r), void *arg,
	     struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT " STREAM_COLUMNS " FROM firehose_stream", "");

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		CLEANUP(arena_clear) struct arena a;
		struct fh_row row;

		arena_init(&a, LIMIT_ARENA);
		stream_of(r, &a, &row);
		fn(arg, &row);
	}
	return rc;
}

/* @type NULL: of all types. */
int fh__names(struct meta_tx *tx, const char *after, const char *type, size_t max, struct arena *a, const char ***ret,
	      size_t *ret_n, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT name FROM firehose_stream WHERE name > ? AND (? OR (source IS NULL) = ?) ORDER BY name LIMIT ?",
			  "siii", after, (int64_t)(type == NULL), (int64_t)(type && strcmp(type, "DirectPut") == 0), (int64_t)max);

	if (rc)
		return rc;
	*ret = ARENA_ARRAY(a, const char *, max + 1);
	*ret_n = 0;
	while ((rc = tx_next(r, e)) > 0)
		(*ret)[(*ret_n)++] = row_str(r, 0, a);
	return rc;
}

/* --- where a stream is --- */

static int gone(struct err *e)
{
	return err_set(e, ERR_CANCELLED, "the delivery stream was deleted");
}

int fh__state(struct meta_tx *tx, const char *id, struct arena *a, struct fh_state *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e,
			"SELECT version, flushes, delivered, config, drain, drain_version FROM firehose_stream WHERE id = ?",
			"s", id);

	if (rc <= 0)
		return rc ? rc : gone(e);
	*ret = (struct fh_state){ .version = row_int(r, 0),
				  .flushes = row_int(r, 1),
				  .delivered = (uint64_t)row_int(r, 2),
				  .config = row_str(r, 3, a),
				  .drain = row_str(r, 4, a),
				  .drain_version = row_int(r, 5) };
	tx_end(r);
	return 0;
}

int fh__advance(struct meta_tx *tx, const char *id, const struct fh_progress *p, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_run(tx, e,
			"UPDATE firehose_stream SET delivered = ?, flushes = flushes + 1, n_delivered = n_delivered + ?,"
			" n_rejected = n_rejected + ?, n_dropped = n_dropped + ?, items = items + ?,"
			" items_delivered = items_delivered + ?, items_rejected = items_rejected + ?"
			" WHERE id = ? AND delivered = ? AND flushes = ? AND version = ?",
			"iiiiiiisiii", (int64_t)p->to, (int64_t)p->delivered, (int64_t)p->rejected, (int64_t)p->dropped,
			(int64_t)p->items, (int64_t)p->items_delivered, (int64_t)p->items_rejected, id, (int64_t)p->from,
			p->flushes, p->version);

	if (rc || tx_changes(tx) == 1)
		return rc;
	rc = tx_one(tx, &r, e, "SELECT 1 FROM firehose_stream WHERE id = ?", "s", id);
	if (rc <= 0)
		return rc ? rc : gone(e);
	tx_end(r);
	return err_set(e, ERR_CONFLICT, "the delivery stream is further, or has another configuration");
}

int fh__ahead_put(struct meta_tx *tx, const char *id, const char *target, uint64_t upto, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO firehose_ahead (stream, target, upto) VALUES (?, ?, ?)"
		      " ON CONFLICT (stream, target) DO UPDATE SET upto = excluded.upto",
		      "ssi", id, target, (int64_t)upto);
}

int fh__ahead_trim(struct meta_tx *tx, const char *id, uint64_t to, struct err *e)
{
	int rc = tx_run(tx, e, "DELETE FROM firehose_ahead WHERE stream = ? AND upto <= ?", "si", id, (int64_t)to);

	if (rc)
		return rc;
	return tx_run(tx, e,
		      "UPDATE firehose_stream SET drain = NULL WHERE id = ? AND drain IS NOT NULL"
		      " AND NOT EXISTS (SELECT 1 FROM firehose_ahead WHERE stream = ?)",
		      "ss", id, id);
}

int fh__ahead_rows(struct meta_tx *tx, const char *id, void (*fn)(void *arg, const char *target, uint64_t upto), void *arg,
		   struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT target, upto FROM firehose_ahead WHERE stream = ?", "s", id);

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		CLEANUP(arena_clear) struct arena a;

		arena_init(&a, LIMIT_ARENA);
		fn(arg, row_str(r, 0, &a), (uint64_t)row_int(r, 1));
	}
	return rc;
}

int fh__reconfigure(struct meta_tx *tx, const char *id, int64_t version, bool extended, const char *config, int64_t now_ms,
		    struct err *e)
{
	/* What got ahead did so by the rules of the configuration that counted then: it is kept until all have caught up. */
	int rc = tx_run(tx, e,
			"UPDATE firehose_stream SET drain = config, drain_version = version WHERE id = ? AND version = ?"
			" AND drain IS NULL AND EXISTS (SELECT 1 FROM firehose_ahead WHERE stream = ?)",
			"sis", id, version, id);

	if (!rc)
		rc = tx_run(tx, e,
			    "UPDATE firehose_stream SET config = ?, extended = ?, updated_ms = ?, version = version + 1"
			    " WHERE id = ? AND version = ?",
			    "siisi", config, (int64_t)extended, now_ms, id, version);
	if (rc || tx_changes(tx) == 1)
		return rc;
	return err_set(e, ERR_CONFLICT, "the delivery stream has another version");
}

int fh__hold_put(struct meta_tx *tx, const char *id, const char *reader, uint64_t seq,
		 struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO firehose_hold (stream, reader, seq) VALUES (?, ?, ?)"
		      " ON CONFLICT (stream, reader) DO UPDATE SET seq = excluded.seq",
		      "ssi", id, reader, (int64_t)seq);
}

int fh__hold_remove(struct meta_tx *tx, const char *id, const char *reader, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM firehose_hold WHERE stream = ? AND reader = ?", "ss", id,
		      reader);
}

int fh__hold_rows(struct meta_tx *tx, const char *id,
		  void (*fn)(void *arg, const char *reader, uint64_t seq), void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT reader, seq FROM firehose_hold WHERE stream = ?", "s",
			  id);

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		CLEANUP(arena_clear) struct arena a;

		arena_init(&a, LIMIT_ARENA);
		fn(arg, row_str(r, 0, &a), (uint64_t)row_int(r, 1));
	}
	return rc;
}

int fh__tag_put(struct meta_tx *tx, const char *id, const struct fh_tag *t, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO firehose_tag (stream, tkey, tvalue) VALUES (?, ?, ?)"
		      " ON CONFLICT (stream, tkey) DO UPDATE SET tvalue = excluded.tvalue",
		      "sss", id, t->key, t->value);
}

int fh__tag_remove(struct meta_tx *tx, const char *id, const char *key, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM firehose_tag WHERE stream = ? AND tkey = ?", "ss", id,
		      key);
}

int fh__tags(struct meta_tx *tx, const char *id, const char *after, size_t max, struct arena *a,
	     struct fh_tag **ret, size_t *ret_n, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT tkey, tvalue FROM firehose_tag WHERE stream = ? AND tkey > ? "
			  "ORDER BY tkey LIMIT ?",
			  "ssi", id, after, (int64_t)max);

	if (rc)
		return rc;
	*ret = ARENA_ARRAY(a, struct fh_tag, max + 1);
	*ret_n = 0;
	while ((rc = tx_next(r, e)) > 0)
		(*ret)[(*ret_n)++] = (struct fh_tag){ row_str(r, 0, a), row_str(r, 1, a) };
	return rc;
}
