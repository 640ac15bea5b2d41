/* SPDX-License-Identifier: Apache-2.0 */
/* s3 -- construction, and the sweep at start. */
#include "svc/s3/s3.h"

#include <stdlib.h>

#include "os/clock.h"
#include "svc/s3/s3_int.h"

#define DONE_KEPT_MS \
	(24 * 3600 * 1000LL) /* how long a repeated CompleteMultipartUpload is recognised */

struct s3 *s3_new(const struct s3_opts *o)
{
	struct s3 *s = calloc(1, sizeof(*s));

	must(s && o->meta && o->blob);
	s->meta = o->meta;
	s->blob = o->blob;
	s->events = o->events;
	s->region = strdup(o->region);
	s->account = strdup(o->account);
	must(s->region && s->account);
	sha256_hex(view_str(s->account), s->owner_id);
	s->now_ms = o->now_ms ? o->now_ms : clock_ms;
	s3__reap_start(s);
	return s;
}

struct s3 *s3_free(struct s3 *s)
{
	if (!s)
		return NULL;
	s3__reap_stop(s);
	free(s->region);
	free(s->account);
	free(s);
	return NULL;
}

/* --- the sweep --- */

/* Hashes are enough: two references with the same one only keep litter a little longer. */
struct used {
	uint64_t *v;
	size_t n, cap;
};

static void use(void *arg, const char *ref)
{
	struct used *u = arg;

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
	const struct used *u = arg;
	uint64_t h = map_hash(key);

	return u->n && bsearch(&h, u->v, u->n, sizeof(*u->v), by_value);
}

struct start_arg {
	struct s3 *s;
	struct used used;
};

static int start_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct start_arg *a = arg;
	int rc = s3__forget_done(tx, a->s->now_ms() - DONE_KEPT_MS, e);

	a->s->last_seq = s3__max_seq(tx, e);
	if (e->code)
		return e->code;
	return rc ? rc : s3__every_ref(tx, use, &a->used, e);
}

int s3_start(struct s3 *s, struct err *e)
{
	struct start_arg a = { .s = s };
	uint64_t removed;
	int rc = meta_schema(s->meta, s3__ddl, e);

	if (!rc)
		rc = meta_steps(s->meta, "s3", s3__steps, e);
	if (!rc)
		rc = meta_write(s->meta, start_fn, &a, e);
	if (!rc && a.used.n)
		qsort(a.used.v, a.used.n, sizeof(*a.used.v), by_value);
	if (!rc)
		rc = blob_sweep(s->blob, SWEEP_ALL, is_used, &a.used, &removed, e);
	free(a.used.v);
	return rc ? err_ctx(e, "s3") : 0;
}
