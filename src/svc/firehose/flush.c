/* SPDX-License-Identifier: Apache-2.0 */
/* flush -- buffers become objects: sealed, then published in one transaction together with where the stream is. */
#include <stdlib.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/diag.h"
#include "svc/firehose/convert.h"
#include "svc/firehose/deliver.h"

#define GATHER_NS 500000000LL /* what a stream that is behind adds to the age of its buffers at most */

static bool is_due(const struct fh_work *w, const struct fh_buffer *b, int64_t now_ns)
{
	return b->o.ref || b->due_ns + (w->behind ? GATHER_NS : 0) <= now_ns ||
	       b->bytes >= (uint64_t)fh__place(&w->config, b->target.kind)->size_mb * MIB;
}

int64_t fh__next_due(const struct fh_work *w)
{
	int64_t due = INT64_MAX;

	for (const struct fh_buffer *b = w->newest; b; b = b->older)
		if (b->due_ns < due)
			due = b->due_ns;
	return due;
}

/* --- one transaction --- */

struct group {
	struct fh_stream *s;
	struct fh_work *w;
	struct fh_buffer *v[FH_GROUP];
	struct s3_new new[FH_GROUP];
	size_t n;
	struct fh_progress p;
	struct arena a;
};

/* Every record up to the result is where it belongs once the group is published. */
static uint64_t delivered_after(const struct group *g)
{
	uint64_t least = g->w->position;

	for (const struct fh_buffer *b = g->w->newest; b; b = b->older) {
		if (!b->going && b->o.first - 1 < least)
			least = b->o.first - 1;
	}
	return least;
}

static void count(struct group *g)
{
	struct fh_progress *p = &g->p;

	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i]->target.kind == FH_DATA)
			p->items_delivered += g->v[i]->items;
		else if (g->v[i]->target.kind == FH_ERROR)
			p->items_rejected += g->v[i]->items;
	}
	for (uint64_t seq = g->w->delivered; seq < p->to; seq++) {
		const struct fh_fate *f = &g->w->fates[seq - g->w->delivered];

		p->items += f->items;
		if (f->rejected)
			p->rejected++;
		else if (f->delivered)
			p->delivered++;
		else
			p->dropped++;
	}
}

static int publish_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct group *g = arg;
	const struct s3_port *s3 = &g->s->f->s3;
	int rc = fh__advance(tx, g->s->id, &g->p, e);

	for (size_t i = 0; !rc && i < g->n; i++) {
		rc = s3->put_tx(s3->self, tx, &g->new[i], e);
		if (!rc && g->v[i]->target.kind == FH_DATA && g->w->schema)
			rc = fh__partition_tx(g->s, tx, g->w->schema, g->new[i].bucket, g->new[i].key, e);
		if (!rc && g->p.to < g->w->position)
			rc = fh__ahead_put(tx, g->s->id, g->v[i]->id, g->w->position, e);
	}
	return rc ? rc : fh__ahead_trim(tx, g->s->id, g->p.to, e);
}

static const char *encoding_of(const struct fh_config *c, const struct fh_buffer *b)
{
	if (b->target.kind == FH_DATA && c->conversion)
		return fh__parquet_encoding(c->conversion);
	return pack_encoding(fh__buffer_format(c, b));
}

static int prepare(struct group *g, size_t i, struct err *e)
{
	struct fh_stream *s = g->s;
	const struct s3_port *s3 = &s->f->s3;
	struct fh_buffer *b = g->v[i];
	const struct fh_config *c = &g->w->config;
	const struct fh_place *to = fh__place(c, b->target.kind);

	g->new[i] = (struct s3_new){
		.bucket = to->bucket,
		.key = fh__object_key(s, c, g->w->version, &b->target, &b->o, &g->a),
		.md5_hex = b->o.md5_hex,
		.crc64nvme = b->o.crc64nvme,
		.content_type = "application/octet-stream",
		.content_encoding = encoding_of(c, b),
		.reason = "PutObject",
		.requester = s->f->account,
		.source_ip = "127.0.0.1",
	};
	if (s3->ready(s3->self, to->bucket, &b->o.ref, &b->arena, e) < 0)
		return e->code;
	g->new[i].ref = b->o.ref;
	return 0;
}

/* What is beyond .delivered moves to the front. */
static void shift(struct fh_work *w, uint64_t to)
{
	size_t n = to - w->delivered;

	memmove(w->fates, w->fates + n, (w->n_fates - n) * sizeof(*w->fates));
	memset(w->fates + w->n_fates - n, 0, n * sizeof(*w->fates));
	w->n_fates -= n;
	w->delivered = to;
}

static int publish(struct group *g, struct err *e)
{
	struct fh_work *w = g->w;
	int rc = 0;

	for (struct fh_buffer *b = w->newest; b; b = b->older)
		b->going = false;
	for (size_t i = 0; i < g->n; i++)
		g->v[i]->going = true;
	g->p = (struct fh_progress){
		.from = w->delivered, .to = delivered_after(g), .flushes = w->flushes, .version = w->row_version
	};
	count(g);
	for (size_t i = 0; !rc && i < g->n; i++)
		rc = prepare(g, i, e);
	FH_POINT("prepared");
	if (!rc)
		rc = meta_write(g->s->f->meta, publish_fn, g, e);
	if (rc)
		return rc;
	FH_POINT("published");
	w->flushes++;
	for (size_t i = 0; i < g->n; i++)
		fh__work_drop(g->s, w, g->v[i], true);
	if (g->p.to > w->delivered)
		shift(w, g->p.to);
	return 0;
}

/* --- sealing: many small blobs share the disk's syncs, if many threads wait for them --- */

#define SEALERS 16

struct sealing {
	struct fh_stream *s;
	struct fh_work *w;
	struct fh_buffer *const *v;
	size_t n;
	_Atomic size_t next;
	_Atomic bool failed;
	struct lock lock;
	struct err *e;
};

static void *sealer(void *arg)
{
	struct sealing *x = arg;
	size_t i;

	while (!atomic_load(&x->failed) && (i = atomic_fetch_add(&x->next, 1)) < x->n) {
		struct err e = { 0 };

		if (fh__buffer_seal(x->s, x->w, x->v[i], &e) == 0)
			continue;
		LOCK_SCOPE(&x->lock);
		if (!atomic_exchange(&x->failed, true))
			*x->e = e;
	}
	return NULL;
}

static int seal_all(struct fh_stream *s, struct fh_work *w, struct fh_buffer *const *v, size_t n, struct err *e)
{
	struct sealing x = { .s = s, .w = w, .v = v, .n = n, .e = e };
	pthread_t t[SEALERS];
	/* A schema belongs to one thread. */
	size_t others = w->config.conversion || n < 4 ? 0 : n < SEALERS ? n - 1 : SEALERS;

	lock_init(&x.lock, "firehose-seal");
	for (size_t i = 0; i < others; i++)
		t[i] = thread_start("firehose-seal", sealer, &x);
	sealer(&x);
	for (size_t i = 0; i < others; i++)
		thread_join(t[i]);
	lock_clear(&x.lock);
	return atomic_load(&x.failed) ? e->code : 0;
}

/* --- what is due --- */

static int flush_list(struct fh_stream *s, struct fh_work *w, struct fh_buffer *const *v, size_t n, struct err *e)
{
	struct group *g = calloc(1, sizeof(*g));
	int rc;

	must(g);
	g->s = s;
	g->w = w;
	rc = seal_all(s, w, v, n, e);
	if (!rc)
		FH_POINT("sealed");
	while (!rc && n) {
		g->n = n < FH_GROUP ? n : FH_GROUP;
		memcpy(g->v, v, g->n * sizeof(*v));
		arena_init(&g->a, LIMIT_ARENA);
		rc = publish(g, e);
		arena_clear(&g->a);
		w->stuck = rc != 0;
		v += g->n;
		n -= g->n;
	}
	free(g);
	return rc;
}

static void trim(struct fh_stream *s, const struct fh_work *w)
{
	uint64_t held = fh__held(s), next = w->delivered + 1;
	struct err e = { 0 };

	if (s->foreign) {
		fh__source_keep(s, next);
		return;
	}
	if (log_trim(s->log, held < next ? held : next, &e) < 0)
		diag(DIAG_WARN, "firehose", "the log of %s is not trimmed: %s", s->name, e.msg);
}

/* A transaction without objects. */
static int pass(struct fh_stream *s, struct fh_work *w, struct err *e)
{
	struct group *g = calloc(1, sizeof(*g));
	int rc;

	must(g);
	g->s = s;
	g->w = w;
	rc = publish(g, e);
	free(g);
	return rc;
}

/* Dropped records have no buffer: nothing else would move .delivered past them. */
static bool only_dropped(const struct fh_work *w)
{
	return !w->newest && w->position > w->delivered;
}

int fh__flush(struct fh_stream *s, struct fh_work *w, bool all, struct err *e)
{
	const int64_t now = clock_mono_ns();
	struct fh_buffer **v = calloc(w->buffers.n + 1, sizeof(struct fh_buffer *));
	bool any = all || only_dropped(w);
	size_t n = 0;
	int rc = 0;

	must(v);
	for (struct fh_buffer *b = w->oldest; b && !any && !w->config.fixed; b = b->newer)
		any = is_due(w, b, now);
	for (struct fh_buffer *b = w->oldest; b; b = b->newer)
		if (any || is_due(w, b, now))
			v[n++] = b;
	if (n || only_dropped(w)) {
		rc = n ? flush_list(s, w, v, n, e) : pass(s, w, e);
		if (!rc)
			trim(s, w);
	}
	free(v);
	return rc;
}

/* Least recently used buffers go early when all streams together hold too much, and what holds .delivered back when the
 * distance gets long: after a crash all of it is read again. */
int fh__relieve(struct fh_stream *s, struct fh_work *w, struct err *e)
{
	int rc = 0;

	while (!rc && w->oldest && atomic_load(&s->f->memory) > FH_MEMORY) {
		struct fh_buffer *v[1] = { w->oldest };

		rc = w->config.fixed ? flush_list(s, w, v, 1, e) : fh__flush(s, w, true, e);
	}
	while (!rc && w->oldest && w->position - w->delivered > FH_WINDOW) {
		struct fh_buffer *v[1] = { w->oldest };

		for (struct fh_buffer *b = w->oldest; b; b = b->newer)
			if (b->o.first < v[0]->o.first)
				v[0] = b;
		rc = w->config.fixed ? flush_list(s, w, v, 1, e) : fh__flush(s, w, true, e);
	}
	return rc;
}
