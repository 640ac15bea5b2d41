/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index_litter -- SQL of what recovery needs: blobs that are to be deleted, and which rows a crashed run wrote.
 *
 * s3_doomed has the blobs whose last row a transaction dropped, from that transaction until they are deleted.
 * s3_state's "swept" is the number of the last write before the blob store's suspect run: of every blob written since then
 * the row, if it has one, is of an upload or has a greater number.
 */
#include "base/limits.h"
#include "svc/s3/s3_int.h"

#define PAGE_BYTES MIB /* of references that are taken up together */

/* --- doomed --- */

int s3__doomed_insert(struct meta_tx *tx, int64_t id, const char *parts, struct err *e)
{
	return tx_run(tx, e, "INSERT INTO s3_doomed (id, parts) VALUES (?, ?)", "is", id, parts);
}

int s3__doomed_last(struct meta_tx *tx, int64_t *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT COALESCE(MAX(id), 0) FROM s3_doomed", "");

	if (rc <= 0)
		return rc;
	*ret = row_int(r, 0);
	tx_end(r);
	return 0;
}

int s3__doomed_page(struct meta_tx *tx, int64_t after, int64_t to, struct arena *a, struct s3_doomed_row *ret,
		    size_t max, size_t *ret_n, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT id, parts FROM s3_doomed WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
			  "iii", after, to, (int64_t)max);

	*ret_n = 0;
	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		ret[(*ret_n)++] = (struct s3_doomed_row){ row_int(r, 0), row_str(r, 1, a) };
		if (a->used >= PAGE_BYTES) {
			tx_end(r);
			return 0;
		}
	}
	return rc;
}

int s3__doomed_forget(struct meta_tx *tx, int64_t to, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM s3_doomed WHERE id <= ?", "i", to);
}

/* --- rows of a crashed run --- */

int s3__swept_get(struct meta_tx *tx, uint64_t *ret, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT value FROM s3_state WHERE name = 'swept'", "");

	*ret = 0;
	if (rc <= 0)
		return rc;
	*ret = (uint64_t)row_int(r, 0);
	tx_end(r);
	return 0;
}

int s3__swept_set(struct meta_tx *tx, uint64_t seq, struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO s3_state (name, value) VALUES ('swept', ?)"
		      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		      "i", (int64_t)seq);
}

static int parts_refs(struct view text, s3_ref_fn fn, void *arg, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct s3_row row = { 0 };
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = s3__parts_parse(&a, text, &row, e);
	for (size_t i = 0; !rc && i < row.n_parts; i++)
		fn(arg, row.parts[i].ref);
	return rc;
}

static int each_parts(struct tx_rows *r, s3_ref_fn fn, void *arg, struct err *e)
{
	int rc;

	while ((rc = tx_next(r, e)) > 0) {
		rc = parts_refs(row_view(r, 0), fn, arg, e);
		if (rc) {
			tx_end(r);
			return rc;
		}
	}
	return rc;
}

int s3__refs_since(struct meta_tx *tx, uint64_t seq, s3_ref_fn fn, void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e, "SELECT ref FROM s3_part", "");

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		CLEANUP(arena_clear) struct arena a;

		arena_init(&a, LIMIT_ARENA);
		fn(arg, row_str(r, 0, &a));
	}
	if (!rc)
		rc = tx_query(tx, &r, e,
			      "SELECT parts FROM s3_object WHERE seq > ? UNION ALL"
			      " SELECT parts FROM s3_version WHERE rseq < ?",
			      "ii", (int64_t)seq, -(int64_t)seq);
	if (!rc)
		rc = each_parts(r, fn, arg, e);
	if (!rc)
		rc = tx_query(tx, &r, e, "SELECT parts FROM s3_doomed", "");
	return rc ? rc : each_parts(r, fn, arg, e);
}
