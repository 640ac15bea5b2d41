/* SPDX-License-Identifier: Apache-2.0 */
/* config -- documents that configure a bucket (policy, CORS, lifecycle, ...), kept as JSON in the SDK's shape. */
#include "svc/s3/s3_int.h"

int s3__config_get(struct meta_tx *tx, const char *bucket, const char *kind, struct arena *a,
		   const char **ret, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT doc FROM s3_config WHERE bucket = ? AND kind = ?",
			   "ss", bucket, kind);

	if (found > 0) {
		*ret = row_str(r, 0, a);
		tx_end(r);
	}
	return found;
}

int s3__config_next(struct meta_tx *tx, const char *kind, const char *after, struct arena *a,
		    const char **ret_bucket, const char **ret_doc, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e,
			   "SELECT bucket, doc FROM s3_config WHERE kind = ? AND bucket > ?"
			   " ORDER BY bucket LIMIT 1",
			   "ss", kind, after);

	if (found > 0) {
		*ret_bucket = row_str(r, 0, a);
		*ret_doc = row_str(r, 1, a);
		tx_end(r);
	}
	return found < 0 ? found : 0;
}

int s3__config_put(struct meta_tx *tx, const char *bucket, const char *kind, const char *doc,
		   struct err *e)
{
	return tx_run(tx, e,
		      "INSERT INTO s3_config (bucket, kind, doc) VALUES (?, ?, ?)"
		      " ON CONFLICT (bucket, kind) DO UPDATE SET doc = excluded.doc",
		      "sss", bucket, kind, doc);
}

int s3__config_remove(struct meta_tx *tx, const char *bucket, const char *kind, struct err *e)
{
	return tx_run(tx, e, "DELETE FROM s3_config WHERE bucket = ? AND kind = ?", "ss", bucket,
		      kind);
}
