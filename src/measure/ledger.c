/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: what has arrived of one stream, record by record: new, duplicate or conflict. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/measure_int.h"

/* A block in its row: SEEN_BLOCK times crc (u32 LE) and log number (u64 LE). */
#define SEEN_BYTES 12

static void put_le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

struct seen *ledger_seen(struct ledger *l, uint32_t seq, bool make)
{
	size_t b = seq / SEEN_BLOCK;

	if (b >= l->n_blocks || !l->blocks[b]) {
		if (!make)
			return NULL;
		if (b >= l->n_blocks) {
			size_t n = b + 1 > l->n_blocks * 2 ? b + 1 : l->n_blocks * 2;

			l->blocks = realloc(l->blocks, n * sizeof(*l->blocks));
			must(l->blocks);
			memset(l->blocks + l->n_blocks, 0, (n - l->n_blocks) * sizeof(*l->blocks));
			l->n_blocks = n;
		}
		l->blocks[b] = calloc(1, sizeof(**l->blocks));
		must(l->blocks[b]);
	}
	return &l->blocks[b]->v[seq % SEEN_BLOCK];
}

enum ledger_verdict ledger_take(struct ledger *l, const struct envelope *env, uint64_t log_seq)
{
	uint32_t greatest = l->any ? l->greatest : 0;
	struct seen *s;

	l->dirty = true;
	if (env->seq == UINT32_MAX || (env->seq > greatest && env->seq - greatest > SEQ_AHEAD_MAX))
		return LEDGER_RANGE; /* UINT32_MAX: one more would be 0 again */
	s = ledger_seen(l, env->seq, true);
	if (s->log) {
		if (s->crc == env->crc) {
			l->duplicates++;
			return LEDGER_DUPLICATE;
		}
		l->conflicts++;
		return LEDGER_CONFLICT;
	}
	*s = (struct seen){ env->crc, log_seq };
	l->blocks[env->seq / SEEN_BLOCK]->dirty = true;
	if (!l->any || env->seq > l->greatest)
		l->greatest = env->seq;
	if (!l->first_log)
		l->first_log = log_seq;
	l->any = true;
	l->received++;
	l->bytes += env->payload.n;
	return LEDGER_NEW;
}

void ledger_forget(struct ledger *l, uint32_t seq)
{
	struct seen *s = ledger_seen(l, seq, false);

	if (!s || !s->log)
		return;
	*s = (struct seen){ 0 };
	l->blocks[seq / SEEN_BLOCK]->dirty = true;
	l->dirty = true;
	l->received--;
}

/* --- rows --- */

struct load {
	struct ledger *l;
	struct arena a;
};

static void load_channels(struct ledger *l, struct view text, struct arena *a)
{
	struct err e = { 0 };
	const struct json *v = json_parse(a, text, 4, &e);

	l->n_channels = json_len(v);
	l->channel_n = calloc(l->n_channels + 1, sizeof(*l->channel_n));
	must(l->channel_n);
	for (size_t i = 0; i < l->n_channels; i++)
		l->channel_n[i] = (uint64_t)json_int(json_at(v, i), 0);
}

static int load_blocks(struct meta_tx *tx, struct ledger *l, struct err *e)
{
	struct tx_rows *rows;
	int r = tx_query(tx, &rows, e, "SELECT block, v FROM measure_seen WHERE stream = ?", "s", l->info->stream);

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		uint32_t first = (uint32_t)row_int(rows, 0) * SEEN_BLOCK;
		struct view v = row_view(rows, 1);

		if (v.n != SEEN_BLOCK * SEEN_BYTES) {
			tx_end(rows);
			return err_set(e, ERR_CORRUPT, "ledger of stream %s: a block is broken", l->info->stream);
		}
		for (uint32_t i = 0; i < SEEN_BLOCK; i++) {
			const uint8_t *p = (const uint8_t *)v.p + i * SEEN_BYTES;

			*ledger_seen(l, first + i, true) = (struct seen){ (uint32_t)get_le(p, 4), get_le(p + 4, 8) };
		}
	}
	return r;
}

/* A ledger that was written before there were clocks begins one with its next record. */
static int load_clock(struct meta_tx *tx, struct load *q, struct err *e)
{
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT state FROM measure_clock WHERE stream = ?", "s", q->l->info->stream);
	const struct json *v;

	if (found <= 0)
		return found;
	v = json_parse(&q->a, row_view(r, 0), JSON_DEPTH, e);
	tx_end(r);
	if (!v || !sampleclock_load(&q->l->clock, json_get(v, "clock"))) {
		err_clear(e);
		return err_set(e, ERR_CORRUPT, "ledger of stream %s: its clock is broken", q->l->info->stream);
	}
	samplestamps_load(&q->l->stamps, json_get(v, "stamps"));
	return 0;
}

static int load_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct load *q = arg;
	struct ledger *l = q->l;
	struct tx_rows *r;
	int found = tx_one(tx, &r, e,
			   "SELECT greatest, next, received, bytes, duplicates, conflicts, decoded, quarantined, samples, frames, bad,"
			   " lost, anchor_us, first_log, channel_n, delivery, warm_from FROM measure_ledger WHERE stream = ?",
			   "s", l->info->stream);

	if (found <= 0)
		return found;
	l->any = row_int(r, 0) >= 0;
	l->greatest = l->any ? (uint32_t)row_int(r, 0) : 0;
	l->next = (uint32_t)row_int(r, 1);
	l->received = (uint64_t)row_int(r, 2);
	l->bytes = (uint64_t)row_int(r, 3);
	l->duplicates = (uint64_t)row_int(r, 4);
	l->conflicts = (uint64_t)row_int(r, 5);
	l->decoded = (uint64_t)row_int(r, 6);
	l->quarantined = (uint64_t)row_int(r, 7);
	l->samples = (uint64_t)row_int(r, 8);
	l->frames = (uint64_t)row_int(r, 9);
	l->bad = (uint64_t)row_int(r, 10);
	l->lost = (uint64_t)row_int(r, 11);
	l->anchor_us = row_int(r, 12);
	l->first_log = (uint64_t)row_int(r, 13);
	load_channels(l, row_view(r, 14), &q->a);
	l->delivery = strdup(row_str(r, 15, &q->a));
	l->warm_from = l->warm_next = l->boundary = (uint32_t)row_int(r, 16);
	tx_end(r);
	found = load_clock(tx, q, e);
	return found < 0 ? found : load_blocks(tx, l, e);
}

static int ended_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct ledger *l = arg;
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT ended, last_seq FROM measure_stream WHERE stream = ?", "s", l->info->stream);

	if (found <= 0)
		return found;
	l->ended = row_int(r, 0) != 0;
	l->last_seq = (uint32_t)row_int(r, 1);
	tx_end(r);
	return 0;
}

int ledger_ended_load(struct measure *m, struct ledger *l, struct err *e)
{
	return meta_read(m->o.meta, ended_tx, l, e);
}

struct ledger *ledger_load(struct measure *m, const struct stream_info *info, struct err *e)
{
	struct ledger *l = calloc(1, sizeof(*l));
	struct load q = { .l = l };
	int r;

	must(l);
	l->info = info;
	arena_init(&q.a, MIB);
	r = meta_read(m->o.meta, load_tx, &q, e);
	if (r == 0)
		r = ledger_ended_load(m, l, e);
	arena_clear(&q.a);
	return r == 0 ? l : ledger_free(l);
}

struct ledger *ledger_free(struct ledger *l)
{
	if (!l)
		return NULL;
	for (size_t i = 0; i < l->n_blocks; i++)
		free(l->blocks[i]);
	free(l->blocks);
	free(l->channel_n);
	free(l->delivery);
	layout_stream_free(l->decoder);
	free(l);
	return NULL;
}

static int save_block_tx(struct meta_tx *tx, struct ledger *l, size_t b, struct err *e)
{
	uint8_t v[SEEN_BLOCK * SEEN_BYTES];

	for (size_t i = 0; i < SEEN_BLOCK; i++) {
		put_le(v + i * SEEN_BYTES, l->blocks[b]->v[i].crc, 4);
		put_le(v + i * SEEN_BYTES + 4, l->blocks[b]->v[i].log, 8);
	}
	return tx_run(tx, e,
		      "INSERT INTO measure_seen (stream, block, v) VALUES (?, ?, ?) ON CONFLICT (stream, block) DO UPDATE SET v ="
		      " excluded.v",
		      "sib", l->info->stream, (int64_t)b, view_of(v, sizeof(v)));
}

static int save_clock_tx(struct meta_tx *tx, const struct ledger *l, struct err *e)
{
	struct buf b;
	int r;

	if (!l->clock.n)
		return 0;
	buf_init(&b, MIB);
	buf_add_str(&b, "{\"clock\":");
	sampleclock_save(&l->clock, &b);
	buf_add_str(&b, ",\"stamps\":");
	samplestamps_save(&l->stamps, &b);
	buf_add_char(&b, '}');
	r = tx_run(tx, e,
		   "INSERT INTO measure_clock (stream, state) VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET state = excluded.state",
		   "sv", l->info->stream, buf_view(&b));
	buf_clear(&b);
	return r;
}

/* The dirty marks stay: the caller clears them when the transaction is durable. */
int ledger_save_tx(struct meta_tx *tx, struct ledger *l, struct err *e)
{
	struct buf n;
	int r;

	buf_init(&n, MIB);
	buf_add_char(&n, '[');
	for (size_t i = 0; i < l->n_channels; i++)
		buf_printf(&n, "%s%llu", i ? "," : "", (unsigned long long)l->channel_n[i]);
	buf_add_char(&n, ']');
	r = tx_run(tx, e,
		   "INSERT INTO measure_ledger (stream, delivery, greatest, next, received, bytes, duplicates, conflicts, decoded,"
		   " quarantined, samples, frames, bad, lost, anchor_us, first_log, channel_n, warm_from)"
		   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream) DO UPDATE SET"
		   " greatest = excluded.greatest, next = excluded.next, received = excluded.received, bytes = excluded.bytes,"
		   " duplicates = excluded.duplicates, conflicts = excluded.conflicts, decoded = excluded.decoded,"
		   " quarantined = excluded.quarantined, samples = excluded.samples, frames = excluded.frames, bad = excluded.bad,"
		   " lost = excluded.lost, anchor_us = excluded.anchor_us, first_log = excluded.first_log,"
		   " channel_n = excluded.channel_n, warm_from = excluded.warm_from",
		   "ssiiiiiiiiiiiiiivi", l->info->stream, l->delivery ? l->delivery : "", l->any ? (int64_t)l->greatest : -1, (int64_t)l->next, (int64_t)l->received,
		   (int64_t)l->bytes, (int64_t)l->duplicates, (int64_t)l->conflicts, (int64_t)l->decoded, (int64_t)l->quarantined,
		   (int64_t)l->samples, (int64_t)l->frames, (int64_t)l->bad, (int64_t)l->lost, l->anchor_us,
		   (int64_t)l->first_log, buf_view(&n), (int64_t)l->warm_from);
	buf_clear(&n);
	if (r == 0)
		r = save_clock_tx(tx, l, e);
	for (size_t b = 0; b < l->n_blocks && r == 0; b++)
		if (l->blocks[b] && l->blocks[b]->dirty)
			r = save_block_tx(tx, l, b, e);
	return r;
}
