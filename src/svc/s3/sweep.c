/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep -- finds the blobs that a crash left without a row.
 *
 * Only blobs of the crashed run can be, and only rows written since it began can name them: what there was before is not
 * looked at, however much it is.  Looking and deleting are two steps with all readings between them ended (reap.c).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "os/diag.h"
#include "svc/s3/s3_int.h"

/* Hashes are enough: two references with the same one only keep litter a little longer. */
struct s3_used {
	uint64_t *v;
	size_t n, cap;
};

static void use(void *arg, const char *ref)
{
	struct s3_used *u = arg;

	if (u->n == u->cap) {
		u->cap = u->cap ? u->cap * 2 : 1024;
		u->v = reallocarray(u->v, u->cap, sizeof(*u->v));
		must(u->v);
	}
	u->v[u->n++] = map_hash(blob_key(ref));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_used(void *arg, struct view key)
{
	const struct s3_used *u = arg;
	uint64_t h = map_hash(key);

	return u->n && bsearch(&h, u->v, u->n, sizeof(*u->v), by_value);
}

void s3__sweep_clear(struct s3 *s)
{
	if (s->used)
		free(s->used->v);
	free(s->used);
	s->used = NULL;
}

static int look_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct s3 *s = arg;

	return s3__refs_since(tx, MUTANT(12) ? s->start_seq : s->swept_seq, use, s->used, e);
}

bool s3__sweep_look(struct s3 *s)
{
	struct err e = { 0 };

	if (!blob_crashed(s->blob))
		return false;
	s->used = calloc(1, sizeof(*s->used));
	must(s->used);
	if (meta_read(s->meta, look_fn, s, &e) < 0) {
		diag(DIAG_WARN, "s3", "what a crash left stays until the next start: %s", e.msg);
		return false;
	}
	if (s->used->n)
		qsort(s->used->v, s->used->n, sizeof(*s->used->v), by_value);
	return true;
}

static int swept_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct s3 *s = arg;

	return s3__swept_set(tx, s->start_seq, e);
}

void s3__sweep(struct s3 *s)
{
	struct err e = { 0 };
	uint64_t removed = 0;
	int rc = blob_sweep(s->blob, SWEEP_CRASHED, is_used, s->used, &removed, &e);

	/* In this order: rows that are not looked at must never be those of blobs that are suspect. */
	if (!rc)
		rc = meta_write(s->meta, swept_fn, s, &e);
	if (rc)
		diag(DIAG_WARN, "s3", "what a crash left stays until the next start: %s", e.msg);
	else
		diag(DIAG_INFO, "s3", "after a crash: %" PRIu64 " blobs without a row removed", removed);
	s3__sweep_clear(s);
}
