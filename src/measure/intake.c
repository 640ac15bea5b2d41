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

#define WARM_RECORDS 16 /* fed again after a restart, so that the decoder knows the unfinished frame */
#define WAIT_MS 200
#define TROUBLE_MS 1000

static bool stopping(const struct intake *in)
{
	return atomic_load(&in->m->stop);
}

/* Sleeps, but wakes for a stop or a settle. */
static void rest(struct intake *in, int64_t until_ns)
{
	uint64_t gen = atomic_load(&in->m->gen);

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

/* (Re)opens the reader behind what is durable; the ledgers in memory are read again. */
static int reopen(struct intake *in, struct err *e)
{
	struct log_reader *old;
	struct log_reader *fresh;
	int r = meta_read(in->m->o.meta, position_tx, in, e);

	if (r == 0)
		r = log_reader_new(in->log, in->position + 1, &fresh, e);
	if (r < 0)
		return r;
	forget_ledgers(in);
	lock_take(&in->m->lock);
	old = in->reader;
	in->reader = fresh;
	lock_drop(&in->m->lock);
	if (old)
		log_reader_free(old);
	return 0;
}

void intake_close(struct intake *in)
{
	forget_ledgers(in);
	map_clear(&in->ledgers);
	if (in->reader)
		log_reader_free(in->reader);
	if (in->live_reader)
		log_reader_free(in->live_reader);
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
	n = log_read(r, &rec, 1, LIMIT_RECORD, 1000, e);
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

/* A decoder that has seen the last records, if this is not the stream's beginning. */
static int warm_decoder(struct intake *in, struct ledger *l, struct err *e)
{
	struct layout_sink sink = { .frame = nothing };
	uint32_t from = l->next > WARM_RECORDS ? l->next - WARM_RECORDS : 0;
	struct arena a;
	int r;

	if (l->decoder)
		return 0;
	r = ledger_decoder(l, e);
	arena_init(&a, LIMIT_ARENA);
	for (uint32_t s = from; s < l->next && r == 0; s++) {
		const struct seen *x = ledger_seen(l, s, false);
		struct envelope env;
		struct view bytes;

		if (!x || !x->log)
			continue;
		r = intake_read(in->log, x->log, &a, &bytes, e);
		if (r == 0 && envelope_parse(bytes, &env) == ENVELOPE_OK)
			layout_stream_feed(l->decoder, env.payload, &sink);
	}
	arena_clear(&a);
	return r;
}

/* --- order --- */

static int decode_next(struct lake_batch *b, struct ledger *l, const struct envelope *given, struct err *e)
{
	const struct seen *s = ledger_seen(l, l->next, false);
	struct envelope env;
	int r = 0;

	if (given && given->seq == l->next) {
		env = *given;
	} else {
		struct view bytes;

		r = intake_read(b->in->log, s->log, b->a, &bytes, e);
		if (r == 0 && envelope_parse(bytes, &env) != ENVELOPE_OK)
			r = err_set(e, ERR_CORRUPT, "record %" PRIu64 " was whole and is not any more", s->log);
	}
	if (r == 0)
		r = lake_decode(b, l, l->next, env.t_tablet_ns, env.payload, false, e);
	if (r == 0)
		l->next++;
	return r;
}

static bool have(struct ledger *l, uint32_t seq)
{
	const struct seen *s = ledger_seen(l, seq, false);

	return s && s->log;
}

/* Decodes as far as there is no hole. */
static int advance(struct lake_batch *b, struct ledger *l, const struct envelope *given, struct err *e)
{
	int r = 0;

	while (r == 0 && l->any && l->next <= l->greatest && have(l, l->next))
		r = decode_next(b, l, given, e);
	if (l->any && l->next <= l->greatest) {
		if (!l->gap_since_ms)
			l->gap_since_ms = clock_mono_ns() / 1000000;
	} else {
		l->gap_since_ms = 0;
	}
	return r;
}

/* Holes that have waited long enough, or whose measurement has ended, are given up: what is behind them is decoded. */
static int give_up_gaps(struct lake_batch *b, struct err *e)
{
	int64_t now = clock_mono_ns() / 1000000;
	struct map_entry *it = NULL;
	size_t slot = 0;
	int r = 0;

	while (r == 0 && map_next(&b->in->ledgers, &slot, &it)) {
		struct ledger *l = it->value;

		if (!l->gap_since_ms)
			continue;
		if (!l->ended)
			r = ledger_ended_load(b->in->m, l, e);
		if (r == 0 && !l->ended && now - l->gap_since_ms < MEASURE_GAP_PATIENCE_MS)
			continue;
		if (r == 0)
			r = warm_decoder(b->in, l, e);
		while (r == 0 && l->gap_since_ms) {
			lake_gap(b, l);
			while (l->next <= l->greatest && !have(l, l->next))
				l->next++;
			r = advance(b, l, NULL, e);
		}
	}
	return r;
}

/* --- one record --- */

static struct ledger *ledger_of(struct lake_batch *b, const char *stream, struct err *e)
{
	struct ledger *l = map_get(&b->in->ledgers, view_str(stream));
	const struct stream_info *info;

	if (l)
		return l;
	info = measure__info(b->in->m, stream, e);
	if (!info)
		return NULL;
	l = ledger_load(b->in->m, info, e);
	if (l && !l->delivery)
		l->delivery = strdup(b->in->name);
	if (l)
		map_put(&b->in->ledgers, view_str(stream), l);
	return l;
}

static int take_new(struct lake_batch *b, struct ledger *l, const struct envelope *env, const struct log_record *rec,
		    struct err *e)
{
	int r = warm_decoder(b->in, l, e);

	if (r == ERR_NOENT || r == ERR_INVALID || r == ERR_UNSUPPORTED || r == ERR_LIMIT) {
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
	l = ledger_of(b, envelope_stream_text(env.stream, stream), e);
	if (!l && e->code)
		return e->code;
	if (!l) {
		lake_quarantine(b, rec->seq, stream, env.seq, "no_stream", "no begin manifest has named this stream", rec->data);
		return 0;
	}
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

static bool holes(const struct intake *in)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(&in->ledgers, &slot, &it))
		if (((struct ledger *)it->value)->gap_since_ms)
			return true;
	return false;
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
	n = log_read(in->reader, recs, BATCH_RECORDS, BATCH_BYTES, wait_ms, e);
	r = n < 0 ? n : 0;
	if (n > 0 || holes(in))
		r = lake_bind(in, &a, &b.table, e);
	if (r == 0 && !in->bound)
		r = err_set(e, ERR_NOENT, "no table reads delivery stream %s", in->name);
	/* After the read: a stream's begin manifest is durable before its first record is sent. */
	if (r == 0)
		r = measure__events_take(in->m, e);
	for (int i = 0; i < n && r == 0; i++) {
		r = take_record(&b, &recs[i], e);
		b.position = recs[i].seq;
	}
	if (r == 0)
		r = give_up_gaps(&b, e);
	if (r == 0 && anything(&b))
		r = lake_commit(&b, e);
	buf_clear(&b.rows);
	arena_clear(&a);
	free(recs);
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
	while (n >= 0 && in->position < last && !stopping(in))
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
			rest(in, clock_mono_ns() + WAIT_MS * 1000000LL);
			continue;
		}
		err_clear(&e);
		r = open ? 0 : reopen(in, &e);
		if (r == 0)
			r = pass(in, &e);
		open = r == 0;
		if (r == 0) {
			/* A few records more make fewer, larger files; whoever settles ends this rest. */
			rest(in, in->committed_ns + COMMIT_EVERY_MS * 1000000LL);
		} else if (!stopping(in)) {
			/* Nothing of the failed batch is kept in memory: it is taken again from the log. */
			diag(DIAG_ERROR, "ledger", "stream %s: %s; trying again", in->name, e.msg);
			rest(in, clock_mono_ns() + TROUBLE_MS * 1000000LL);
		}
	}
	return NULL;
}
