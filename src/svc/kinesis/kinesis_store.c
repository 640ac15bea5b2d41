/* SPDX-License-Identifier: Apache-2.0 */
/* kinesis_store: all SQL of Kinesis. */
#include "svc/kinesis/kinesis_int.h"

const char kinesis__ddl[] =
	"CREATE TABLE IF NOT EXISTS kinesis_stream (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ms BIGINT NOT NULL,"
	" shards BIGINT NOT NULL, on_demand BIGINT NOT NULL, retention_h BIGINT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS kinesis_tag (stream TEXT NOT NULL, tkey TEXT NOT NULL, tvalue TEXT NOT NULL,"
	" PRIMARY KEY (stream, tkey));";

int kinesis__insert(struct meta_tx *tx, const struct kn_row *r, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO kinesis_stream (id, name, created_ms, shards, on_demand, retention_h) VALUES (?, ?, ?, ?, ?, ?)",
		      "ssiiii", r->id, r->name, r->created_ms, r->shards, (int64_t)r->on_demand, r->retention_h);
}

int kinesis__remove(struct meta_tx *tx, const char *id, struct err *e)
{
	int r = tx_run(tx, e, "DELETE FROM kinesis_stream WHERE id = ?", "s", id);

	return r ? r : tx_run(tx, e, "DELETE FROM kinesis_tag WHERE stream = ?", "s", id);
}

int kinesis__update(struct meta_tx *tx, const char *id, int64_t retention_h, struct err *e)
{
	return tx_run(tx, e, "UPDATE kinesis_stream SET retention_h = ? WHERE id = ?", "is", retention_h, id);
}

int kinesis__rows(struct meta_tx *tx, struct arena *a, struct kn_row **ret, size_t *ret_n, struct err *e)
{
	struct tx_rows *r;
	size_t cap = 0;
	int rc = tx_query(tx, &r, e, "SELECT id, name, created_ms, shards, on_demand, retention_h FROM kinesis_stream ORDER BY name", "");

	*ret = NULL;
	*ret_n = 0;
	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		if (*ret_n == cap) {
			struct kn_row *more = ARENA_ARRAY(a, struct kn_row, cap * 2 + 16);

			if (cap)
				memcpy(more, *ret, cap * sizeof(*more));
			*ret = more;
			cap = cap * 2 + 16;
		}
		(*ret)[(*ret_n)++] = (struct kn_row){ .id = row_str(r, 0, a), .name = row_str(r, 1, a), .created_ms = row_int(r, 2),
						      .shards = row_int(r, 3), .on_demand = row_int(r, 4), .retention_h = row_int(r, 5) };
	}
	return rc;
}

int kinesis__tag_put(struct meta_tx *tx, const char *id, const struct op_pair *tag, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO kinesis_tag (stream, tkey, tvalue) VALUES (?, ?, ?)"
		      " ON CONFLICT (stream, tkey) DO UPDATE SET tvalue = excluded.tvalue",
		      "sss", id, tag->key, tag->value);
}

int kinesis__tag_remove(struct meta_tx *tx, const char *id, const char *key, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM kinesis_tag WHERE stream = ? AND tkey = ?", "ss", id, key);
}

int kinesis__tags(struct meta_tx *tx, const char *id, const char *after, struct arena *a, struct op_pair **ret, size_t *ret_n,
		  struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT tkey, tvalue FROM kinesis_tag WHERE stream = ? AND tkey > ? ORDER BY tkey LIMIT ?", "ssi", id,
			  after, (int64_t)KINESIS_TAGS_MAX + 1);

	*ret = ARENA_ARRAY(a, struct op_pair, KINESIS_TAGS_MAX + 2);
	*ret_n = 0;
	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0)
		(*ret)[(*ret_n)++] = (struct op_pair){ row_str(r, 0, a), row_str(r, 1, a) };
	return rc;
}
