/* SPDX-License-Identifier: Apache-2.0 */
/* work -- one stream at work: its row, the next batch of its log, what is due. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/diag.h"
#include "svc/firehose/convert.h"
#include "svc/firehose/deliver.h"

#define READ_RECORDS 1024
#define READ_BYTES (512 * KIB)

/* --- what it is --- */

static int parse(struct fh_stream *s, struct fh_work *w, const char *text, struct fh_config *ret, struct err *e)
{
	const struct fh_check x = { .a = &w->arena, .f = s->f, .stream = s->name, .kind = "stored configuration", .e = e };
	const struct json *v = json_parse(&w->arena, view_str(text), JSON_DEPTH, e);

	return v ? fh__config_parse(&x, v, ret) : err_ctx(e, "stored configuration");
}

/* What was gathered under an older configuration goes where it would have gone, but into the bucket of today: an update
 * may be there because the old one is gone. */
static int parse_drained(struct fh_stream *s, struct fh_work *w, const struct fh_state *st, struct err *e)
{
	struct fh_config today;
	int rc = parse(s, w, st->drain, &w->config, e);

	if (rc)
		return rc;
	w->version = st->drain_version;
	w->drain_to = st->ahead_max;
	rc = parse(s, w, st->config, &today, e);
	if (!rc)
		w->config.data.bucket = today.data.bucket;
	fh__config_release(&today);
	return rc;
}

struct adopting {
	struct fh_stream *s;
	struct fh_work *w;
	struct fh_state st;
};

static void ahead(void *arg, const char *target, uint64_t upto)
{
	struct adopting *a = arg;

	map_put(&a->w->ahead, view_str(target), (void *)(uintptr_t)upto);
	if (upto > a->st.ahead_max)
		a->st.ahead_max = upto;
}

static int adopt_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct adopting *a = arg;
	int rc = fh__state(tx, a->s->id, &a->w->arena, &a->st, e);

	return rc ? rc : fh__ahead_rows(tx, a->s->id, ahead, a, e);
}

static int open_reader(struct fh_stream *s, struct fh_work *w, struct err *e)
{
	uint64_t first = log_first(s->log);

	if (w->delivered + 1 < first) {
		diag(DIAG_ERROR, "firehose", "records %" PRIu64 " to %" PRIu64 " of %s are not in its log", w->delivered + 1,
		     first - 1, s->name);
		return err_set(e, ERR_CORRUPT, "records %" PRIu64 " to %" PRIu64 " are not in the log", w->delivered + 1, first - 1);
	}
	return log_reader_new(s->log, w->position + 1, &w->reader, e);
}

int fh__adopt(struct fh_stream *s, struct fh_work **ret, struct err *e)
{
	struct fh_work *w = calloc(1, sizeof(*w));
	struct adopting a = { .s = s, .w = w };
	int rc;

	must(w);
	arena_init(&w->arena, LIMIT_ARENA);
	map_init(&w->buffers);
	map_init(&w->ahead);
	rc = meta_read(s->f->meta, adopt_fn, &a, e);
	if (!rc) {
		w->version = w->row_version = a.st.version;
		w->flushes = a.st.flushes;
		w->delivered = w->position = a.st.delivered;
		rc = a.st.drain && a.st.ahead_max ? parse_drained(s, w, &a.st, e) : parse(s, w, a.st.config, &w->config, e);
	}
	if (!rc)
		rc = open_reader(s, w, e);
	if (rc) {
		fh__work_free(s, w);
		return rc;
	}
	*ret = w;
	return 0;
}

struct fh_work *fh__work_free(struct fh_stream *s, struct fh_work *w)
{
	if (!w)
		return NULL;
	while (w->newest)
		fh__work_drop(s, w, w->newest, false);
	log_reader_free(w->reader);
	fh__schema_free(w->schema);
	fh__config_release(&w->config);
	map_clear(&w->buffers);
	map_clear(&w->ahead);
	free(w->fates);
	arena_clear(&w->arena);
	free(w);
	return NULL;
}

/* --- a batch --- */

/* Rows of one schema go into one file: what was converted by the table as it was is delivered before it counts anew. */
static int schema(struct fh_stream *s, struct fh_work *w, struct err *e)
{
	int same = w->schema ? fh__schema_same(s, w->schema, e) : 0, rc = 0;

	if (same)
		return same < 0 ? same : 0;
	if (w->schema && w->newest)
		rc = fh__flush(s, w, true, e);
	if (rc)
		return rc;
	w->schema = fh__schema_free(w->schema);
	return fh__schema_open(s, &w->schema, e);
}

static int stages(struct fh_stream *s, struct fh_work *w, struct fh_batch *b, struct err *e)
{
	const struct fh_config *c = &w->config;
	int rc = fh__stages_run(s, c->processors, c->n_processors, b, e);

	return rc || !c->conversion ? rc : fh__convert(s, w->schema, b, e);
}

static int take(struct fh_stream *s, struct fh_work *w, const struct log_record *r, size_t n, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct fh_batch b = { .a = &a, .n = n };
	struct fh_item *raw;
	int rc = 0;

	arena_init(&a, LIMIT_ARENA);
	raw = b.v = ARENA_ARRAY(&a, struct fh_item, n);
	for (size_t i = 0; i < n; i++) {
		struct view v;

		if (!fh__source_data(s, r[i].data, &v))
			return err_set(e, ERR_CORRUPT, "record %" PRIu64 " is none of a data stream", r[i].seq);
		raw[i] = (struct fh_item){ .seq = r[i].seq, .at_ms = r[i].at_ms, .raw = v, .data = v };
	}
	if (w->config.backup)
		rc = fh__route_backup(s, w, raw, n, e);
	if (!rc)
		rc = stages(s, w, &b, e);
	if (!rc)
		rc = fh__route(s, w, &b, e);
	if (!rc)
		fh__log_failed(s, w, &b);
	if (!rc)
		w->position = r[n - 1].seq;
	return rc;
}

/* 1: a batch was taken; 0: there is none. */
static int read_batch(struct fh_stream *s, struct fh_work *w, struct err *e)
{
	struct log_record *r;
	int n;

	if (w->position >= log_last(s->log) || (w->drain_to && w->position >= w->drain_to))
		return 0;
	if (w->config.conversion && schema(s, w, e) < 0)
		return e->code;
	r = calloc(READ_RECORDS, sizeof(*r));
	must(r);
	n = log_read(w->reader, r, READ_RECORDS, READ_BYTES, 0, e);
	if (n > 0 && take(s, w, r, (size_t)n, e) < 0)
		n = e->code;
	free(r);
	return n > 0 ? 1 : n;
}

int fh__work(struct fh_stream *s, struct fh_work *w, int64_t *ret_due_ns, struct err *e)
{
	int rc = 0, more = w->stuck; /* once it is not any more, there may be much to read */

	if (!w->stuck) {
		more = read_batch(s, w, e);
		w->behind = more > 0 && w->position < log_last(s->log);
		rc = more < 0 ? more : fh__relieve(s, w, e);
	}
	if (!rc)
		rc = fh__flush(s, w, w->drain_to && w->position >= w->drain_to, e);
	if (rc)
		return rc;
	if (w->drain_to && w->delivered >= w->drain_to)
		return err_set(e, ERR_CONFLICT, "the configuration of today counts from here on");
	*ret_due_ns = fh__next_due(w);
	return more;
}
