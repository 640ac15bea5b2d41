/* SPDX-License-Identifier: Apache-2.0 */
/* intake: the reader of one delivery stream: records into the ledger and, in order, through the decoder. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/measure_int.h"
#include "os/clock.h"
#include "os/diag.h"

#define WAIT_MS 200
#define TROUBLE_MS 1000
#define WORK_MAX (64UL * MIB)     /* bytes decoded, and bytes of rows, in one batch: the rest is decoded in the next */
#define IDLE_MS (5 * 60 * 1000LL) /* ledgers of streams that are quiet for so long leave the memory */
#define SWEEP_MS (60 * 1000LL)

static bool stopping(const struct intake *in)
{
	return atomic_load(&in->m->stop) || atomic_load(&in->replaced);
}

static int64_t mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

/* Sleeps, but wakes for a stop or for a settle that is newer than @gen. */
static void rest(struct intake *in, uint64_t gen, int64_t until_ns)
{
	LOCK_SCOPE(&in->m->lock);
	while (!in->m->stopping && atomic_load(&in->m->gen) == gen && cond_wait_until(&in->m->changed, &in->m->lock, until_ns))
		;
}

static int position_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct intake *in = arg;
	char reader[128];
	struct tx_rows *r;
	int found;

	snprintf(reader, sizeof(reader), "intake:%s", in->name);
	found = tx_one(tx, &r, e, "SELECT n FROM measure_position WHERE reader = ?", "s", reader);
	if (found > 0) {
		in->position = (uint64_t)row_int(r, 0);
		tx_end(r);
	}
	return found < 0 ? found : 0;
}

static void forget_ledgers(struct intake *in)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(&in->ledgers, &slot, &it))
		ledger_free(it->value);
	map_clear(&in->ledgers);
	map_init(&in->ledgers);
}

/* --- what a ledger waits for --- */

static bool have(struct ledger *l, uint32_t seq)
{
	const struct seen *s = ledger_seen(l, seq, false);

	return s && s->log;
}

/* Records of it are in the log that have not been decoded. */
static bool waits(const struct ledger *l)
{
	return l->any && !l->stuck && l->next <= l->greatest;
}

static bool no_layout(int code)
{
	return code == ERR_NOENT || code == ERR_INVALID || code == ERR_UNSUPPORTED || code == ERR_LIMIT;
}

static struct ledger *add_ledger(struct intake *in, const char *stream, struct err *e)
{
	const struct stream_info *info = measure__info(in->m, stream, e);
	struct ledger *l = info ? ledger_load(in->m, info, e) : NULL;

	if (!l)
		return NULL;
	if (!l->delivery)
		l->delivery = strdup(in->name);
	l->used_ms = mono_ms();
	map_put(&in->ledgers, view_str(stream), l);
	return l;
}

struct waiting {
	const char *delivery;
	struct arena *a;
	struct name {
		const char *stream;
		struct name *next;
	} *first;
};

static int waiting_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct waiting *w = arg;
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e, "SELECT stream FROM measure_ledger WHERE delivery = ? AND next <= greatest", "s", w->delivery);

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		struct name *n = ARENA_NEW(w->a, struct name);

		*n = (struct name){ row_str(rows, 0, w->a), w->first };
		w->first = n;
	}
	return r;
}

/* Streams with a hole may never send again: what is behind it is decoded all the same, also after a restart. */
static int load_waiting(struct intake *in, struct err *e)
{
	struct arena a;
	struct waiting w = { .delivery = in->name, .a = &a };
	int r;

	arena_init(&a, LIMIT_ARENA);
	r = meta_read(in->m->o.meta, waiting_tx, &w, e);
	for (const struct name *n = w.first; n && r == 0; n = n->next) {
		struct ledger *l = add_ledger(in, n->stream, e);

		if (l)
			l->gap_since_ms = have(l, l->next) ? 0 : mono_ms();
		else if (e->code)
			r = e->code;
	}
	arena_clear(&a);
	return r;
}

/* Where to go on; a log that ends before that, or begins behind it, is another one than was read. */
static uint64_t resume_at(struct intake *in)
{
	uint64_t first = log_first(in->log);

	if (in->position && (in->fresh || in->position > log_last(in->log))) {
		diag(DIAG_WARN, "ledger", "stream %s was made anew: it is read from its beginning", in->name);
		in->position = 0;
	}
	if (in->position + 1 < first) {
		diag(DIAG_WARN, "ledger", "stream %s: records before %" PRIu64 " were delivered and removed before a table read it",
		     in->name, first);
		in->position = first - 1;
	}
	return in->position + 1;
}

/* (Re)opens the reader behind what is durable; the ledgers in memory are read again. */
static int reopen(struct intake *in, struct err *e)
{
	struct log_reader *old;
	struct log_reader *fresh;
	int r = meta_read(in->m->o.meta, position_tx, in, e);

	if (r == 0)
		r = log_reader_new(in->log, resume_at(in), &fresh, e);
	if (r < 0)
		return r;
	lock_take(&in->m->lock);
	old = in->reader;
	in->reader = fresh;
	lock_drop(&in->m->lock);
	if (old)
		log_reader_free(old);
	forget_ledgers(in);
	return load_waiting(in, e);
}

void intake_close(struct intake *in)
{
	forget_ledgers(in);
	map_clear(&in->ledgers);
	if (in->reader)
		log_reader_free(in->reader);
	free(in->name);
	free(in);
}

/* --- one record from the log by its number --- */

int intake_read(struct log *log, uint64_t seq, struct arena *a, struct view *ret, struct err *e)
{
	struct log_reader *r;
	struct log_record rec;
	int n = log_reader_new(log, seq, &r, e);

	if (n < 0)
		return n;
	n = log_read(r, &rec, 1, 1, 1000, e); /* one: no more is read ahead than has to be */
	if (n == 1 && rec.seq == seq)
		*ret = arena_view(a, rec.data);
	else if (n >= 0)
		n = err_set(e, ERR_NOENT, "record %" PRIu64 " is not in the log", seq);
	log_reader_free(r);
	return n < 0 ? n : 0;
}

static void nothing(void *ctx, const struct layout_frame *f)
{
	(void)ctx;
	(void)f;
}

/* The record of the ledger's @seq; ERR_NOENT too when the log has another one there: it was made anew. */
static int read_seen(struct intake *in, struct ledger *l, uint32_t seq, struct arena *a, struct envelope *ret, struct err *e)
{
	const struct seen *s = ledger_seen(l, seq, false);
	struct view bytes;
	int r = intake_read(in->log, s->log, a, &bytes, e);

	if (r == 0 && (envelope_parse(bytes, ret) != ENVELOPE_OK || ret->seq != seq || ret->crc != s->crc))
		r = err_set(e, ERR_NOENT, "record %" PRIu64 " of the log is not seq %" PRIu32 " of stream %s", s->log, seq,
			    l->info->stream);
	return r;
}

/* Feeds the decoder what it had seen; the rows of it are there already. */
static int feed_again(struct intake *in, struct ledger *l, struct err *e)
{
	struct layout_sink sink = { .frame = nothing };
	int r = 0;

	for (uint32_t s = l->warm_from; s < l->next && r == 0; s++) {
		struct envelope env;
		struct arena a;

		arena_init(&a, LIMIT_ARENA);
		r = have(l, s) ? read_seen(in, l, s, &a, &env, e) : ERR_NOENT;
		if (r == 0) {
			layout_stream_feed(l->decoder, env.payload, &sink);
		} else if (r == ERR_NOENT) { /* given up, or gone with its log */
			layout_stream_gap(l->decoder, &sink);
			err_clear(e);
			r = 0;
		}
		arena_clear(&a);
	}
	return r;
}

/* Makes the decoder if there is none, as it was when it was last there.  l->stuck: there can be none; @e says why. */
static int warm_decoder(struct intake *in, struct ledger *l, struct err *e)
{
	int r;

	if (l->decoder)
		return 0;
	r = ledger_decoder(l, e);
	l->stuck = no_layout(r);
	if (r == 0 && feed_again(in, l, e) < 0) {
		l->decoder = layout_stream_free(l->decoder);
		r = e->code;
	}
	return r;
}

/* --- order --- */

static bool full(const struct lake_batch *b)
{
	return b->work > WORK_MAX || b->rows.n > WORK_MAX;
}

static int decode_next(struct lake_batch *b, struct ledger *l, const struct envelope *given, struct err *e)
{
	struct envelope env;
	int r = 0;

	if (given && given->seq == l->next)
		env = *given;
	else
		r = read_seen(b->in, l, l->next, b->a, &env, e);
	if (r == ERR_NOENT) {
		diag(DIAG_WARN, "ledger", "%s: it is missing again", e->msg);
		err_clear(e);
		ledger_forget(l, l->next);
		return 0;
	}
	if (r == 0)
		r = lake_decode(b, l, l->next, env.t_tablet_ns, env.payload, false, e);
	if (r == 0)
		l->next++;
	return r;
}

/* Decodes as far as there is no hole and the batch is not full. */
static int advance(struct lake_batch *b, struct ledger *l, const struct envelope *given, struct err *e)
{
	int r = 0;

	while (r == 0 && waits(l) && have(l, l->next) && !full(b))
		r = decode_next(b, l, given, e);
	if (!waits(l) || have(l, l->next))
		l->gap_since_ms = 0;
	else if (!l->gap_since_ms)
		l->gap_since_ms = mono_ms();
	return r;
}

/* The hole in front of the stream is given up: what is behind it is decoded. */
static int give_up(struct lake_batch *b, struct ledger *l, struct err *e)
{
	int r = 0;

	while (r == 0 && l->gap_since_ms && !full(b)) {
		lake_gap(b, l);
		while (l->next <= l->greatest && !have(l, l->next))
			l->next++;
		r = advance(b, l, NULL, e);
	}
	return r;
}

/* Goes on where a batch was full; gives up holes that have waited long enough, or whose measurement has ended. */
static int catch_up_one(struct lake_batch *b, struct ledger *l, struct err *e)
{
	int r = l->ended ? 0 : ledger_ended_load(b->in->m, l, e);

	if (!have(l, l->next) && !l->gap_since_ms)
		l->gap_since_ms = mono_ms();
	if (r == 0 && !l->ended && !have(l, l->next) && mono_ms() - l->gap_since_ms < MEASURE_GAP_PATIENCE_MS)
		return 0;
	if (r == 0)
		r = warm_decoder(b->in, l, e);
	if (l->stuck) { /* its records are in quarantine */
		err_clear(e);
		return 0;
	}
	if (r == 0)
		r = advance(b, l, NULL, e);
	if (r == 0 && (l->ended || mono_ms() - l->gap_since_ms >= MEASURE_GAP_PATIENCE_MS))
		r = give_up(b, l, e);
	return r;
}

static int catch_up(struct lake_batch *b, struct err *e)
{
	struct map_entry *it = NULL;
	size_t slot = 0;
	int r = 0;

	while (r == 0 && !full(b) && map_next(&b->in->ledgers, &slot, &it))
		if (waits(it->value))
			r = catch_up_one(b, it->value, e);
	return r;
}

/* --- one record --- */

static int take_new(struct lake_batch *b, struct ledger *l, const struct envelope *env, const struct log_record *rec,
		    struct err *e)
{
	int r = warm_decoder(b->in, l, e);

	if (l->stuck) {
		lake_quarantine(b, rec->seq, l->info->stream, env->seq, "no_layout", e->msg, rec->data);
		err_clear(e);
		l->quarantined++;
		return 0;
	}
	if (r == 0 && env->seq < l->next)
		return lake_decode(b, l, env->seq, env->t_tablet_ns, env->payload, true, e);
	return r == 0 ? advance(b, l, env, e) : r;
}

static int take_record(struct lake_batch *b, const struct log_record *rec, struct err *e)
{
	char stream[ENVELOPE_STREAM_TEXT];
	struct envelope env;
	struct ledger *l;
	enum envelope_fault fault = envelope_parse(rec->data, &env);

	if (fault != ENVELOPE_OK) {
		lake_quarantine(b, rec->seq, NULL, 0, envelope_fault_name(fault), "no envelope", rec->data);
		return 0;
	}
	l = map_get(&b->in->ledgers, view_str(envelope_stream_text(env.stream, stream)));
	if (!l)
		l = add_ledger(b->in, stream, e);
	if (!l && e->code)
		return e->code;
	if (!l) {
		lake_quarantine(b, rec->seq, stream, env.seq, "no_stream", "no begin manifest has named this stream", rec->data);
		return 0;
	}
	if (strcmp(l->delivery, b->in->name) != 0) { /* two readers of one ledger would undo each other's work */
		lake_quarantine(b, rec->seq, stream, env.seq, "other_delivery", "the stream came by another delivery stream first",
				rec->data);
		return 0;
	}
	l->used_ms = mono_ms();
	switch (ledger_take(l, &env, rec->seq)) {
	case LEDGER_NEW:
		return take_new(b, l, &env, rec, e);
	case LEDGER_CONFLICT:
		lake_quarantine(b, rec->seq, stream, env.seq, "conflict", "same stream and seq, other bytes", rec->data);
		l->quarantined++;
		return 0;
	case LEDGER_RANGE:
		lake_quarantine(b, rec->seq, stream, env.seq, "range", "seq is too far ahead of the stream's others", rec->data);
		l->quarantined++;
		return 0;
	case LEDGER_DUPLICATE:
		return 0;
	}
	return 0;
}

/* --- batches --- */

static bool anything(const struct lake_batch *b)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	if (b->position > b->in->position || b->quarantined || b->n_rows)
		return true;
	while (map_next(&b->in->ledgers, &slot, &it))
		if (((struct ledger *)it->value)->dirty)
			return true;
	return false;
}

/* A stream that could be decoded further now (@now), or later. */
static bool unfinished(const struct intake *in, bool now)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(&in->ledgers, &slot, &it)) {
		struct ledger *l = it->value;

		if (waits(l) && (!now || have(l, l->next)))
			return true;
	}
	return false;
}

/* Quiet streams leave the memory; their rows have everything. */
static void sweep(struct intake *in)
{
	struct map_entry *it = NULL;
	size_t slot = 0;
	int64_t now = mono_ms();

	if (now - in->swept_ms < SWEEP_MS)
		return;
	in->swept_ms = now;
	while (map_next(&in->ledgers, &slot, &it)) {
		struct ledger *l = it->value;

		if (waits(l) || l->dirty || now - l->used_ms < IDLE_MS)
			continue;
		map_del(&in->ledgers, view_str(l->info->stream));
		ledger_free(l);
	}
}

static int take_records(struct lake_batch *b, const struct log_record *recs, int n, struct err *e)
{
	int r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		r = take_record(b, &recs[i], e);
		b->position = recs[i].seq;
	}
	return r;
}

/* The next batch may lie where this one was. */
static void forget_heads(struct intake *in)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(&in->ledgers, &slot, &it))
		((struct ledger *)it->value)->heads_of = NULL;
}

/* Takes what is there (at most a batch) and commits it.  Returns how many records, or an error. */
static int take_batch(struct intake *in, int wait_ms, struct err *e)
{
	struct log_record *recs = calloc(BATCH_RECORDS, sizeof(*recs));
	struct lake_batch b = { .in = in, .position = in->position };
	struct arena a;
	int n, r;

	must(recs);
	arena_init(&a, 2 * GIB);
	b.a = &a;
	buf_init(&b.rows, 512 * MIB);
	buf_init(&b.heads, 512 * MIB);
	n = log_read(in->reader, recs, BATCH_RECORDS, BATCH_BYTES, wait_ms, e);
	r = n < 0 ? n : 0;
	if (r == 0 && (n > 0 || unfinished(in, false)))
		r = lake_bind(in, &a, &b.table, e);
	if (r == 0 && !in->bound)
		r = err_set(e, ERR_NOENT, "no table reads delivery stream %s", in->name);
	/* After the read: a stream's begin manifest is durable before its first record is sent. */
	if (r == 0)
		r = measure__events_take(in->m, e);
	if (r == 0)
		r = take_records(&b, recs, n, e);
	if (r == 0)
		r = catch_up(&b, e);
	if (r == 0 && anything(&b))
		r = lake_commit(&b, e);
	buf_clear(&b.rows);
	buf_clear(&b.heads);
	forget_heads(in);
	arena_clear(&a);
	free(recs);
	if (r == 0)
		sweep(in);
	if (r == 0)
		in->m->o.firehose->hold(in->m->o.firehose->self, in->name, "measure", 1);
	return r < 0 ? r : n;
}

static bool bound_now(struct intake *in)
{
	struct glue_table t;
	struct arena a;
	struct err e = { 0 };

	arena_init(&a, LIMIT_ARENA);
	if (lake_bind(in, &a, &t, &e) < 0)
		diag(DIAG_WARN, "ledger", "stream %s: %s", in->name, e.msg);
	arena_clear(&a);
	return in->bound;
}

/* Everything that was durable when the pass began; waits for something first unless somebody waits for us. */
static int pass(struct intake *in, struct err *e)
{
	uint64_t gen = atomic_load(&in->m->gen), last = log_last(in->log);
	int n = take_batch(in, atomic_load(&in->done_gen) == gen ? WAIT_MS : 0, e);

	if (n > 0)
		in->committed_ns = clock_mono_ns();
	while (n >= 0 && (in->position < last || unfinished(in, true)) && !stopping(in))
		n = take_batch(in, 0, e);
	if (n < 0)
		return n;
	atomic_store(&in->done_gen, gen);
	LOCK_SCOPE(&in->m->lock);
	cond_broadcast(&in->m->changed);
	return 0;
}

void *intake_main(void *arg)
{
	struct intake *in = arg;
	struct err e = { 0 };
	bool open = false;

	while (!stopping(in)) {
		uint64_t gen = atomic_load(&in->m->gen);
		int r;

		if (!in->bound && !bound_now(in)) { /* a stream of another kind: nothing here waits for it */
			atomic_store(&in->done_gen, gen);
			lock_take(&in->m->lock);
			cond_broadcast(&in->m->changed);
			lock_drop(&in->m->lock);
			rest(in, gen, clock_mono_ns() + WAIT_MS * 1000000LL);
			continue;
		}
		err_clear(&e);
		r = open ? 0 : reopen(in, &e);
		if (r == 0)
			r = pass(in, &e);
		open = r == 0;
		if (r == 0) {
			/* A few records more make fewer, larger files; whoever settles ends this rest. */
			rest(in, atomic_load(&in->done_gen), in->committed_ns + COMMIT_EVERY_MS * 1000000LL);
		} else if (!stopping(in)) {
			/* Nothing of the failed batch is kept in memory: it is taken again from the log. */
			diag(DIAG_ERROR, "ledger", "stream %s: %s; trying again", in->name, e.msg);
			rest(in, atomic_load(&in->m->gen), clock_mono_ns() + TROUBLE_MS * 1000000LL);
		}
	}
	return NULL;
}
