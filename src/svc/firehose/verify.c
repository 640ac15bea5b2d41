/* SPDX-License-Identifier: Apache-2.0 */
/* verify -- the accounts of every stream: each record that was accepted is delivered, rejected, dropped or waits. */
#include <inttypes.h>

#include "svc/firehose/deliver.h"

struct account {
	const char *name;
	uint64_t delivered_to, delivered, rejected, dropped;
	uint64_t items, items_delivered, items_rejected, ahead, origin;
};

struct verifying {
	struct arena *a;
	struct account *v;
	size_t n, cap;
};

static int accounts_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct verifying *x = arg;
	struct tx_rows *r;
	int rc = tx_query(tx, &r, e,
			  "SELECT name, delivered, n_delivered, n_rejected, n_dropped, items, items_delivered, items_rejected,"
			  " (SELECT COUNT(*) FROM firehose_ahead WHERE stream = s.id), origin FROM firehose_stream s ORDER BY name", "");

	if (rc)
		return rc;
	while ((rc = tx_next(r, e)) > 0) {
		if (x->n == x->cap) {
			struct account *grown = ARENA_ARRAY(x->a, struct account, x->cap ? 2 * x->cap : 64);

			if (x->n)
				memcpy(grown, x->v, x->n * sizeof(*grown));
			x->cap = x->cap ? 2 * x->cap : 64;
			x->v = grown;
		}
		x->v[x->n++] = (struct account){ row_str(r, 0, x->a),     (uint64_t)row_int(r, 1), (uint64_t)row_int(r, 2),
						 (uint64_t)row_int(r, 3), (uint64_t)row_int(r, 4), (uint64_t)row_int(r, 5),
						 (uint64_t)row_int(r, 6), (uint64_t)row_int(r, 7), (uint64_t)row_int(r, 8),
						 (uint64_t)row_int(r, 9) };
	}
	return rc;
}

/* NULL: the account is right. */
static const char *wrong(const struct account *t, uint64_t accepted, uint64_t first, struct arena *a)
{
	const uint64_t sum = t->delivered + t->rejected + t->dropped, published = t->items_delivered + t->items_rejected;

	if (t->delivered_to > accepted)
		return arena_printf(a, "%" PRIu64 " records are delivered, and %" PRIu64 " were accepted", t->delivered_to, accepted);
	if (sum != t->delivered_to - t->origin)
		return arena_printf(a, "of %" PRIu64 " records %" PRIu64 " are accounted for", t->delivered_to - t->origin, sum);
	if (t->ahead ? published < t->items : published != t->items)
		return arena_printf(a, "of %" PRIu64 " items %" PRIu64 " were published", t->items, published);
	if (first > t->delivered_to + 1)
		return arena_printf(a, "records from %" PRIu64 " on are not delivered, and the log begins with %" PRIu64,
				    t->delivered_to + 1, first);
	return NULL;
}

static void put(struct json *o, struct arena *a, const char *name, uint64_t n)
{
	json_set_int(a, o, name, (int64_t)n);
}

int firehose_verify(struct firehose *f, struct arena *a, const struct json **ret, struct err *e)
{
	struct verifying x = { .a = a };
	struct json *list = json_new_arr(a);

	if (meta_read(f->meta, accounts_fn, &x, e) < 0)
		return e->code;
	for (size_t i = 0; i < x.n; i++) {
		const struct account *t = &x.v[i];
		struct fh_stream *s = fh__find(f, t->name);
		struct json *o = json_new_obj(a);
		uint64_t accepted;

		if (!s) /* deleted meanwhile */
			continue;
		accepted = log_last(s->log);
		json_set_str(a, o, "stream", t->name);
		put(o, a, "accepted", accepted - t->origin);
		put(o, a, "delivered", t->delivered);
		put(o, a, "rejected", t->rejected);
		put(o, a, "dropped", t->dropped);
		put(o, a, "pending", accepted > t->delivered_to ? accepted - t->delivered_to : 0);
		put(o, a, "items", t->items_delivered + t->items_rejected);
		json_set_str(a, o, "problem", wrong(t, accepted, log_first(s->log), a));
		json_push(a, list, o);
	}
	*ret = list;
	return 0;
}
