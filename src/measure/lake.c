/* SPDX-License-Identifier: Apache-2.0 */
/* lake: payloads through their layout into rows, rows into Parquet, Parquet and ledger into one transaction. */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/limits.h"
#include "measure/compact.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"

#define RATE_MIN 1e-3
#define RATE_MAX 1e6
#define GAP_MAX INT32_MAX /* samples: the table's column is an int */

/* The rows as they are staged, in two tables; the bound table takes from them what it declares, by name. */
static const struct sql_column heads[] = {
	{ "h", "int", 0, 0 },		    { "measurement_id", "string", 0, 0 }, { "subject_pid", "string", 0, 0 },
	{ "stream_id", "string", 0, 0 },    { "channel", "string", 0, 0 },
	{ "scale", "double", 0, 0 },	    { "offset", "double", 0, 0 },	  { "unit", "string", 0, 0 },
	{ "layout_id", "string", 0, 0 },    { "schema_version", "int", 0, 0 },	  { "dt", "string", 0, 0 },
	{ "screening_id", "string", 0, 0 }, { "modality", "string", 0, 0 },
};
static const struct sql_column staged[] = {
	{ "h", "int", 0, 0 },	       { "seq", "bigint", 0, 0 },	      { "chunk", "int", 0, 0 },
	{ "t0_utc_us", "bigint", 0, 0 }, { "t0_content_ms", "bigint", 0, 0 }, { "n", "int", 0, 0 },
	{ "values", "array<int>", 0, 0 }, { "gap_before", "int", 0, 0 },       { "flags", "int", 0, 0 },
	{ "dt_us", "double", 0, 0 },
};

/* --- which table --- */

static const char *parameter(const struct glue_table *t, const char *key)
{
	for (size_t i = 0; i < t->n_parameters; i++)
		if (strcmp(t->parameters[i].key, key) == 0)
			return t->parameters[i].value;
	return NULL;
}

/* The delivery stream that the table reads, or NULL. */
static const char *source_of(const struct glue_table *t)
{
	const char *source = parameter(t, "mulgil.source"), *record = parameter(t, "mulgil.record");

	if (!source || !record || strncmp(source, "firehose:", 9) != 0 || strcmp(record, "envelope@1") != 0)
		return NULL;
	return source + 9;
}

static bool binds(const struct glue_table *t, const char *stream)
{
	const char *source = source_of(t);

	return source && strcmp(source, stream) == 0;
}

int lake_sources(struct measure *m, struct arena *a, struct map *ret, struct err *e)
{
	const struct glue_port *g = m->o.glue;
	const char **databases;
	size_t n;
	int r = g->databases(g->self, a, &databases, &n, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		struct glue_table *tables;
		size_t n_tables = 0;

		r = g->tables(g->self, databases[i], a, &tables, &n_tables, e);
		for (size_t k = 0; k < n_tables && r == 0; k++) {
			const char *source = source_of(&tables[k]);

			if (source)
				map_put(ret, view_str(source), (void *)m);
		}
	}
	return r;
}

int lake_bind(struct intake *in, struct arena *a, struct glue_table *ret, struct err *e)
{
	const struct glue_port *g = in->m->o.glue;
	const char **databases;
	size_t n;
	int r = g->databases(g->self, a, &databases, &n, e);

	in->bound = false;
	for (size_t i = 0; i < n && r == 0 && !in->bound; i++) {
		struct glue_table *tables;
		size_t n_tables = 0;

		r = g->tables(g->self, databases[i], a, &tables, &n_tables, e);
		for (size_t k = 0; k < n_tables && r == 0; k++)
			if (binds(&tables[k], in->name)) {
				*ret = tables[k];
				in->bound = true;
			}
	}
	return r;
}

void lake_quarantine(struct lake_batch *b, uint64_t log_seq, const char *stream, int64_t seq, const char *reason,
		     const char *detail, struct view bytes)
{
	struct quarantined *q = ARENA_NEW(b->a, struct quarantined);

	*q = (struct quarantined){ b->quarantined, log_seq, reason, arena_str(b->a, view_str(detail)),
				   stream ? arena_str(b->a, view_str(stream)) : NULL, seq, arena_view(b->a, bytes) };
	b->quarantined = q;
}

/* --- decoding --- */

/* Times are computed from it, and a row with an infinite number could never be written; 0 is "not said". */
static double channel_rate(const struct ledger *l, size_t i)
{
	return l->info->rate > 0 ? l->info->rate : l->channels[i].rate;
}

static bool rate_ok(double rate)
{
	return rate == 0 || (rate >= RATE_MIN && rate <= RATE_MAX);
}

int ledger_decoder(struct ledger *l, struct err *e)
{
	size_t n;
	int r;

	if (l->decoder)
		return 0;
	if (!l->info->layout)
		return err_set(e, ERR_NOENT, "layout %s is not in the catalog", l->info->layout_id);
	if (!rate_ok(l->info->rate))
		return err_set(e, ERR_INVALID, "rate: %g to %g Hz", RATE_MIN, RATE_MAX);
	l->decoder = layout_stream_new(l->info->layout, l->info->params, e);
	if (!l->decoder)
		return e->code;
	r = layout_stream_channels(l->decoder, &l->channels, &n, e);
	if (r == 0 && n > CHANNELS_MAX)
		r = err_set(e, ERR_LIMIT, "layout %s: more than %d channels", l->info->layout_id, CHANNELS_MAX);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!rate_ok(l->channels[i].rate))
			r = err_set(e, ERR_INVALID, "layout %s: rate: %g to %g Hz", l->info->layout_id, RATE_MIN, RATE_MAX);
	if (r < 0) {
		l->decoder = layout_stream_free(l->decoder); /* there is a decoder only if it can be used */
		return r;
	}
	l->heads_of = NULL;
	if (n != l->n_channels) {
		free(l->channel_n);
		l->channel_n = calloc(n + 1, sizeof(*l->channel_n));
		must(l->channel_n);
		l->n_channels = n;
	}
	for (size_t i = 0; i < n && l->clock.period_us <= 0; i++)
		if (channel_rate(l, i) > 0)
			sampleclock_init(&l->clock, 1e6 / channel_rate(l, i));
	return 0;
}

struct run { /* samples without a loss between them */
	size_t at;    /* of its first in piece.v */
	uint64_t gap; /* samples lost in front of it */
	int flags;
};

struct piece { /* samples of one channel within one record */
	int64_t *v;
	size_t n, cap;
	struct run *runs;
	size_t n_runs, runs_cap;
};

struct decode {
	struct ledger *l;
	uint32_t seq;
	bool late;
	struct piece *pieces;
	double drift;            /* of the device's clock */
	const char *fault;       /* of the first bad frame */
	char detail[128];
};

static void on_bad(void *ctx, const struct layout_bad *bad)
{
	struct decode *d = ctx;

	if (d->fault)
		return;
	d->fault = layout_fault_name(bad->fault);
	snprintf(d->detail, sizeof(d->detail), "frame of %zu bytes%s%.64s", bad->bytes.n, bad->field[0] ? " at field " : "",
		 bad->field);
}

int measure__sample_flags(const struct layout_channel *c, int64_t v)
{
	int f = 0;

	if (c->has_no_value && v == c->no_value)
		f |= FLAG_NO_VALUE;
	if (c->has_clip && (v >= c->clip || v <= -c->clip))
		f |= FLAG_CLIPPED;
	if (c->has_range && ((double)v < c->range_lo || (double)v > c->range_hi))
		f |= FLAG_OUT_OF_RANGE;
	return v > INT32_MAX || v < INT32_MIN ? f | FLAG_OUT_OF_RANGE : f;
}

static struct run *run_of(struct piece *p, uint64_t lost)
{
	if (p->n_runs && !lost)
		return &p->runs[p->n_runs - 1];
	if (p->n_runs == p->runs_cap) {
		p->runs_cap = p->runs_cap ? p->runs_cap * 2 : 4;
		p->runs = realloc(p->runs, p->runs_cap * sizeof(*p->runs));
		must(p->runs);
	}
	p->runs[p->n_runs] = (struct run){ .at = p->n, .gap = lost < GAP_MAX ? lost : GAP_MAX };
	return &p->runs[p->n_runs++];
}

uint64_t measure__stamps_lost(const struct layout *l, struct samplestamps *s, const struct layout_frame *f, size_t n, double rate,
			      bool *ret_back)
{
	const struct layout_time *t = layout_time_of(l);
	struct samplestamps_opts o = { .wrap_bits = t->wrap_bits, .last = t->last_sample, .step_us = 1e6 / rate };
	struct samplestamps_frame got = { .lost = 0 };

	*ret_back = false;
	if (t->model != LAYOUT_TIME_STAMP || rate <= 0)
		return 0;
	o.unit_us = t->unit_ns > 0 ? (double)t->unit_ns / 1000 : t->rate > 0 ? 1e6 / t->rate : 0;
	for (size_t i = 0; i < f->fields.n && o.unit_us > 0; i++)
		if (f->fields.v[i].raw && view_eq(f->fields.v[i].name, t->field))
			got = samplestamps_take(s, &o, f->fields.v[i].raw[0], n);
	*ret_back = got.back;
	return got.lost < GAP_MAX ? got.lost : GAP_MAX;
}

/* A record out of its order has a decoder of its own, and its stamps say nothing of those in order. */
static uint64_t stamps_lost(struct decode *d, const struct layout_frame *f, size_t n, double rate)
{
	bool back;
	uint64_t lost = d->late ? 0 : measure__stamps_lost(d->l->info->layout, &d->l->stamps, f, n, rate, &back);

	if (!d->late && back)
		sampleclock_hole(&d->l->clock);
	return lost;
}

static void on_frame(void *ctx, const struct layout_frame *f)
{
	struct decode *d = ctx;
	struct ledger *l = d->l;
	uint64_t missing = 0;
	bool looked = false;

	if (f->dup)
		return; /* the device sent it twice: keep the first */
	l->lost += f->lost;
	for (size_t i = 0; i < l->n_channels; i++) {
		const struct layout_channel *c = &l->channels[i];
		struct piece *p = &d->pieces[i];
		struct run *run;
		size_t n;

		if (c->is_float)
			continue;
		n = layout_channel_counts(c, f, NULL, 0);
		if (!n)
			continue;
		if (!looked) /* all channels of a frame have its one stamp */
			missing = stamps_lost(d, f, n, channel_rate(l, i));
		looked = true;
		if (p->n + n > p->cap) {
			p->cap = (p->n + n) * 2;
			p->v = realloc(p->v, p->cap * sizeof(*p->v));
			must(p->v);
		}
		n = layout_channel_counts(c, f, p->v + p->n, p->cap - p->n);
		run = run_of(p, (f->lost < GAP_MAX ? f->lost * n : GAP_MAX) + missing);
		for (size_t k = 0; k < n; k++) {
			run->flags |= measure__sample_flags(c, p->v[p->n + k]);
			/* Counts that do not fit the table's int are kept at its ends, flagged; raw has them whole. */
			if (p->v[p->n + k] > INT32_MAX)
				p->v[p->n + k] = INT32_MAX;
			else if (p->v[p->n + k] < INT32_MIN)
				p->v[p->n + k] = INT32_MIN;
		}
		p->n += n;
	}
}

static void add_str(struct buf *b, const char *name, const char *s)
{
	buf_printf(b, "\"%s\":", name);
	json_print_str(b, view_str(s));
	buf_add_char(b, ',');
}

static const char *channel_name(const struct ledger *l, size_t i, struct arena *a)
{
	struct view given = json_str(json_at(l->info->channels, i));

	return arena_str(a, given.n ? given : l->channels[i].name);
}

static int64_t span_us(uint64_t samples, double rate)
{
	double us = rate > 0 ? (double)samples * 1e6 / rate : 0;

	return us < 9e15 ? (int64_t)llround(us) : (int64_t)9e15; /* 285 years: only a broken counter says that */
}

static void add_int(struct buf *b, const char *name, int64_t v)
{
	buf_add_str(b, name);
	buf_add_i64(b, v);
}

/* What all rows of a stream's channels have in common is a row of its own, once a batch: the engine joins them. */
static void add_heads(struct lake_batch *b, struct ledger *l)
{
	const struct stream_info *info = l->info;
	struct buf *o = &b->heads;

	if (l->heads_of == b)
		return;
	l->heads_of = b;
	l->heads_from = b->n_heads;
	for (size_t i = 0; i < l->n_channels; i++) {
		const struct layout_channel *c = &l->channels[i];

		add_int(o, "{\"h\":", (int64_t)b->n_heads++);
		buf_add_char(o, ',');
		add_str(o, "measurement_id", info->measurement);
		add_str(o, "subject_pid", info->subject);
		add_str(o, "stream_id", info->stream);
		add_str(o, "channel", channel_name(l, i, b->a));
		add_str(o, "unit", arena_str(b->a, c->unit));
		add_str(o, "layout_id", info->layout_id);
		add_str(o, "dt", info->dt);
		add_str(o, "screening_id", info->screening);
		add_str(o, "modality", c->kind.n ? arena_str(b->a, c->kind) : info->modality);
		buf_printf(o, "\"schema_version\":1,\"scale\":%.17g,\"offset\":%.17g}\n", c->scale, c->offset);
	}
}

/* Rows of at most one second of one run of one channel.  @chunk counts the rows of the record and channel. */
static void add_rows(struct lake_batch *b, const struct decode *d, size_t i, const struct run *run, size_t n_run, int64_t t0_us,
		     size_t *chunk)
{
	const int64_t *v = d->pieces[i].v + run->at;
	double rate = channel_rate(d->l, i);
	size_t step = rate >= 1 ? (size_t)rate : n_run;
	struct buf *o = &b->rows;

	for (size_t at = 0; at < n_run; at += step, ++*chunk) {
		size_t n = n_run - at < step ? n_run - at : step;
		int64_t t_us = t0_us + (int64_t)llround((double)span_us(at, rate) * (1 + d->drift));

		add_int(o, "{\"h\":", (int64_t)(d->l->heads_from + i));
		buf_printf(o, ",\"dt_us\":%.17g", rate > 0 ? 1e6 / rate * (1 + d->drift) : 0);
		add_int(o, ",\"seq\":", d->seq);
		add_int(o, ",\"chunk\":", (int64_t)*chunk);
		add_int(o, ",\"t0_utc_us\":", t_us);
		add_int(o, ",\"t0_content_ms\":", t_us / 1000 - d->l->info->began_ms);
		add_int(o, ",\"n\":", (int64_t)n);
		add_int(o, ",\"gap_before\":", at == 0 ? (int64_t)run->gap : 0);
		add_int(o, ",\"flags\":", run->flags);
		buf_add_str(o, ",\"values\":");
		for (size_t k = 0; k < n; k++)
			add_int(o, k ? "," : "[", v[at + k]);
		buf_add_str(o, n ? "]}\n" : "[]}\n");
		b->n_rows++;
	}
}

/* Samples from the first to the last, those lost between them counted. */
static uint64_t extent(const struct piece *p)
{
	uint64_t all = p->n;

	for (size_t k = 1; k < p->n_runs; k++)
		all += p->runs[k].gap;
	return all;
}

/* The record's place in time: the samples of its first channel are the device's time (sampleclock.h).  @stamp_us 0: none. */
static struct sampleclock_place place_record(struct decode *d, int64_t stamp_us)
{
	struct ledger *l = d->l;

	for (size_t i = 0; i < l->n_channels; i++) {
		const struct piece *p = &d->pieces[i];
		double rate = channel_rate(l, i), from, to;
		struct sampleclock_place at;

		if (!p->n || rate <= 0)
			continue;
		from = (double)(l->channel_n[i] + p->runs[0].gap);
		to = (from + (double)extent(p)) * 1e6 / rate;
		from = from * 1e6 / rate;
		at = stamp_us ? sampleclock_take(&l->clock, from, to, stamp_us) : sampleclock_follow(&l->clock, from, to);
		if (!l->anchor_us)
			l->anchor_us = at.host_us;
		return at;
	}
	return (struct sampleclock_place){ 0 };
}

/* The runs of one channel's piece at their times. */
static void emit_channel(struct lake_batch *b, struct decode *d, size_t i, int64_t stamp_us, const struct sampleclock_place *at)
{
	struct ledger *l = d->l;
	struct piece *p = &d->pieces[i];
	double rate = channel_rate(l, i);
	/* The tablet's stamp is when the last byte of the record arrived: its samples ended there. */
	int64_t t0 = stamp_us - span_us(extent(p), rate);
	uint64_t before = 0; /* samples, lost ones counted */
	size_t chunk = 0;

	for (size_t k = 0; k < p->n_runs; k++) {
		struct run *run = &p->runs[k];
		size_t n = (k + 1 < p->n_runs ? run[1].at : p->n) - run->at;

		if (d->late || rate <= 0) {
			run->flags |= d->late ? FLAG_LATE : 0;
			before += k ? run->gap : 0;
			add_rows(b, d, i, run, n, t0 + span_us(before, rate), &chunk);
			before += n;
		} else {
			l->channel_n[i] += run->gap;
			add_rows(b, d, i, run, n, sampleclock_at(at, (double)l->channel_n[i] * 1e6 / rate), &chunk);
			l->channel_n[i] += n;
		}
	}
}

/* Gives the pieces their times and rows; frees them.  @stamp_us 0: none, they are on the line as it is. */
static void emit(struct lake_batch *b, struct decode *d, int64_t stamp_us)
{
	struct sampleclock_place at = { 0 };

	if (!d->late)
		at = place_record(d, stamp_us);
	d->drift = at.drift;
	add_heads(b, d->l);
	for (size_t i = 0; i < d->l->n_channels; i++) {
		struct piece *p = &d->pieces[i];

		if (p->n)
			emit_channel(b, d, i, stamp_us, &at);
		if (i == 0)
			d->l->samples += p->n;
		free(p->v);
		free(p->runs);
	}
}

/* After a restart the decoder is fed from l->warm_from on, where no frame was unfinished: then it is what it was, if enough
 * frames have been seen since for all their counters. */
static void note_boundary(struct ledger *l, uint32_t seq, size_t carried, uint64_t good)
{
	if (carried == 0)
		l->boundary = seq;
	if (good && l->boundary - l->warm_next >= WARM_RECORDS) {
		l->warm_from = l->warm_next;
		l->warm_next = l->boundary;
	}
}

static void feed(struct lake_batch *b, struct decode *d, struct layout_stream *s, struct view payload, bool end)
{
	struct layout_sink sink = { .ctx = d, .frame = on_frame, .bad = on_bad };
	struct layout_report before = *layout_stream_report(s);
	const struct layout_report *after = layout_stream_report(s);
	size_t carried = layout_stream_carried(s);
	struct ledger *l = d->l;

	d->pieces = ARENA_ARRAY(b->a, struct piece, l->n_channels + 1);
	if (end)
		layout_stream_gap(s, &sink);
	else
		layout_stream_feed(s, payload, &sink);
	l->frames += after->frames - before.frames;
	l->bad += after->bad - before.bad;
	if (s == l->decoder && !end)
		note_boundary(l, d->seq, carried, after->frames - before.frames - (after->bad - before.bad));
	l->dirty = true;
	b->work += payload.n;
}

int lake_decode(struct lake_batch *b, struct ledger *l, uint32_t seq, int64_t t_tablet_ns, struct view payload, bool late,
		struct err *e)
{
	struct decode d = { .l = l, .seq = seq, .late = late };
	CLEANUP(layout_stream_freep) struct layout_stream *own = NULL;

	if (late) { /* out of its order: a decoder of its own, so that the stream's is not disturbed */
		own = layout_stream_new(l->info->layout, l->info->params, e);
		if (!own)
			return e->code;
	}
	feed(b, &d, late ? own : l->decoder, payload, false);
	emit(b, &d, t_tablet_ns / 1000);
	l->decoded++;
	if (d.fault) { /* its good frames are in the table; the whole record waits for a better layout */
		lake_quarantine(b, ledger_seen(l, seq, true)->log, l->info->stream, seq, d.fault, d.detail, payload);
		l->quarantined++;
	}
	return 0;
}

/* The records before l->next are all that will come before a hole: unfinished frames end here. */
void lake_gap(struct lake_batch *b, struct ledger *l)
{
	struct decode d = { .l = l, .seq = l->next ? l->next - 1 : 0 };

	feed(b, &d, l->decoder, VIEW_NONE, true);
	/* There is a line already, unless the stream's very first frame comes out only now. */
	emit(b, &d, l->clock.n ? 0 : l->info->began_ms * 1000);
	/* How much is missing is known only as far as the device's counter goes. */
	sampleclock_hole(&l->clock);
	l->gap_since_ms = 0;
}

/* --- committing --- */

static bool named(const struct sql_column *c, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(c[i].name, name) == 0)
			return true;
	return false;
}

/* SELECT the table's own columns, from ours where we have them, null where not. */
static const char *select_text(struct lake_batch *b, struct sql_column **ret_columns, struct sql_column **ret_keys)
{
	const struct glue_table *t = &b->table;
	struct sql_column *columns = ARENA_ARRAY(b->a, struct sql_column, t->n_columns + 1);
	struct sql_column *keys = ARENA_ARRAY(b->a, struct sql_column, t->n_partition_keys + 1);
	struct buf q;
	const char *s;

	buf_init(&q, MIB);
	buf_add_str(&q, "SELECT ");
	for (size_t i = 0; i < t->n_columns + t->n_partition_keys; i++) {
		const struct glue_column *c = i < t->n_columns ? &t->columns[i] : &t->partition_keys[i - t->n_columns];
		bool ours = named(staged, ARRAY_LEN(staged), c->name) || named(heads, ARRAY_LEN(heads), c->name);

		buf_printf(&q, ours ? "%s\"%s\"" : "%sNULL AS \"%s\"", i ? ", " : "", c->name);
		if (i < t->n_columns)
			columns[i] = (struct sql_column){ .name = c->name, .type = c->type };
		else
			keys[i - t->n_columns] = (struct sql_column){ .name = c->name, .type = c->type };
	}
	buf_add_str(&q, " FROM lake.staged JOIN lake.heads USING (h) ORDER BY stream_id, channel, seq, chunk");
	s = arena_str(b->a, buf_view(&q));
	buf_clear(&q);
	*ret_columns = columns;
	*ret_keys = keys;
	return s;
}

/* For the child process only, which reads it at once: not durable. */
static int write_lines(const char *path, const struct buf *b, struct err *e)
{
	CLEANUP(fd_closep) int fd = -1;

	if (buf_check(b, "rows of samples", e) < 0)
		return e->code;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, ERR_IO, "open %s", path);
	return file_write_all(fd, b->p, b->n, e);
}

static int to_parquet(struct lake_batch *b, const char *dir, struct sql_result *ret, struct err *e)
{
	struct measure *m = b->in->m;
	struct sql_column *columns, *keys;
	struct sql_file files[2] = { { .path = arena_printf(b->a, "%s.json", dir) }, { .path = arena_printf(b->a, "%s.heads.json", dir) } };
	struct sql_table tables[2] = {
		{ .schema = "lake", .name = "staged", .columns = staged, .n_columns = ARRAY_LEN(staged), .format = SQL_JSON,
		  .files = &files[0], .n_files = 1 },
		{ .schema = "lake", .name = "heads", .columns = heads, .n_columns = ARRAY_LEN(heads), .format = SQL_JSON,
		  .files = &files[1], .n_files = 1 },
	};
	struct sql_job job = { .tables = tables, .n_tables = 2, .output = SQL_TO_PARQUET, .out_path = dir };
	int r = file_mkdirs(dir, 0700, e);

	if (r == 0)
		r = write_lines(files[0].path, &b->rows, e);
	if (r == 0)
		r = write_lines(files[1].path, &b->heads, e);
	if (r < 0)
		return r;
	job.text = select_text(b, &columns, &keys);
	job.out_columns = columns;
	job.n_out_columns = b->table.n_columns;
	job.out_keys = keys;
	job.n_out_keys = b->table.n_partition_keys;
	r = sql_run(m->o.sql, &job, b->a, ret, e);
	(void)unlink(files[0].path);
	(void)unlink(files[1].path);
	return r < 0 ? err_ctx(e, "samples to Parquet") : 0;
}

int lake_split(const char *location, struct arena *a, const char **ret_bucket, const char **ret_prefix, struct err *e)
{
	struct view v = view_str(location), bucket;

	if (!view_starts(v, VIEW("s3://")))
		return err_set(e, ERR_INVALID, "a table's location is no s3:// URL: %s", location);
	v = view_from(v, 5);
	(void)view_split(&v, '/', &bucket);
	*ret_bucket = arena_str(a, bucket);
	*ret_prefix = arena_printf(a, "%.*s%s", VIEW_ARG(v), v.n && v.p[v.n - 1] != '/' ? "/" : "");
	return 0;
}

int lake_adopt(struct measure *m, const struct glue_table *t, const struct sql_out_file *f, struct arena *a,
	       struct lake_file *ret, struct err *e)
{
	int r = file_md5(f->path, a, &ret->md5, e);

	ret->meta[0] = (struct port_tag){ COMPACT_COLUMNS, compact_columns(t, a) };
	ret->meta[1] = (struct port_tag){ COMPACT_ROWS, arena_printf(a, "%" PRIu64, f->rows) };
	if (r == 0)
		r = blob_adopt(m->o.blobs, f->path, a, &ret->ref, e);
	return r ? r : m->o.s3->ready(m->o.s3->self, ret->bucket, &ret->ref, a, e);
}

/* Makes one written file a durable blob and says where it belongs. */
static int adopt(struct lake_batch *b, const struct sql_out_file *f, size_t i, struct lake_file *ret, struct err *e)
{
	const char *prefix = "", *place = "";
	int r = lake_split(b->table.location, b->a, &ret->bucket, &prefix, e);

	if (r < 0)
		return r;
	for (size_t k = 0; k < b->table.n_partition_keys; k++)
		place = arena_printf(b->a, "%s%s=%s/", place, b->table.partition_keys[k].name, f->partition[k]);
	ret->partition = f->partition;
	ret->location = arena_printf(b->a, "%s%s%s", b->table.location,
				     b->table.location[strlen(b->table.location) - 1] == '/' ? "" : "/", place);
	/* Not by the position: a batch may give up a hole without taking a record, and no name may be used twice. */
	ret->key = arena_printf(b->a, "%s%spart-%s-%s-%zu.parquet", prefix, place, b->in->name, b->id, i);
	return lake_adopt(b->in->m, &b->table, f, b->a, ret, e);
}

void lake_object(const struct lake_file *f, struct s3_new *ret)
{
	*ret = (struct s3_new){ .bucket = f->bucket, .key = f->key, .ref = f->ref, .md5_hex = f->md5,
				.content_type = "application/vnd.apache.parquet", .meta = f->meta, .n_meta = ARRAY_LEN(f->meta),
				.reason = "PutObject", .requester = "mulgil", .source_ip = "127.0.0.1" };
}

static int files_tx(struct meta_tx *tx, struct lake_batch *b, struct err *e)
{
	struct measure *m = b->in->m;
	int r = 0;

	for (size_t i = 0; i < b->n_files && r == 0; i++) {
		const struct lake_file *f = &b->files[i];
		struct s3_new o;

		lake_object(f, &o);

		r = m->o.s3->put_tx(m->o.s3->self, tx, &o, e);
		if (r == 0)
			r = m->o.glue->partition_tx(m->o.glue->self, tx, b->table.database, b->table.name, f->partition,
						    b->table.n_partition_keys, f->location, e);
	}
	return r;
}

static int quarantine_tx(struct meta_tx *tx, const struct lake_batch *b, struct err *e)
{
	int r = 0;

	for (const struct quarantined *q = b->quarantined; q && r == 0; q = q->next) {
		char id[UUID_TEXT];

		uuid7(id);
		r = tx_run(tx, e,
			   "INSERT INTO measure_quarantine (id, delivery, log, at_ms, stream, seq, reason, detail, bytes)"
			   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			   "ssiisissb", id, b->in->name, (int64_t)q->log, clock_ms(), q->stream, q->seq, q->reason, q->detail,
			   q->bytes);
	}
	return r;
}

static int commit_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct lake_batch *b = arg;
	struct map_entry *it = NULL;
	size_t slot = 0;
	int r = files_tx(tx, b, e);

	if (r == 0)
		r = quarantine_tx(tx, b, e);
	while (r == 0 && map_next(&b->in->ledgers, &slot, &it)) {
		struct ledger *l = it->value;

		if (l->dirty)
			r = ledger_save_tx(tx, l, e);
	}
	if (r < 0)
		return r;
	return tx_run(tx, e,
		      "INSERT INTO measure_position (reader, n) VALUES (?, ?) ON CONFLICT (reader) DO UPDATE SET n = excluded.n",
		      "si", arena_printf(b->a, "intake:%s", b->in->name), (int64_t)b->position);
}

static void clean(struct intake *in)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(&in->ledgers, &slot, &it)) {
		struct ledger *l = it->value;

		l->dirty = false;
		for (size_t i = 0; i < l->n_blocks; i++)
			if (l->blocks[i])
				l->blocks[i]->dirty = false;
	}
}

int lake_commit(struct lake_batch *b, struct err *e)
{
	struct measure *m = b->in->m;
	const char *dir;
	struct sql_result res = { 0 };
	struct err quiet = { 0 };
	int r = 0;

	uuid7(b->id);
	dir = arena_printf(b->a, "%s/%s", m->o.staging_dir, b->id);
	if (b->n_rows)
		r = to_parquet(b, dir, &res, e);
	b->files = ARENA_ARRAY(b->a, struct lake_file, res.n_files + 1);
	for (size_t i = 0; i < res.n_files && r == 0; i++) {
		r = adopt(b, &res.files[i], i, &b->files[i], e);
		b->n_files += r == 0;
	}
	if (r == 0)
		r = meta_write(m->o.meta, commit_tx, b, e);
	if (b->n_rows && file_remove_tree(dir, &quiet) < 0)
		diag(DIAG_WARN, "ledger", "%s", quiet.msg);
	if (r == 0) {
		b->in->position = b->position;
		b->in->fresh = false; /* the position is this log's from now on */
		clean(b->in);
		for (size_t i = 0; i < b->n_files; i++)
			compact_touch(m->compactor, &b->table, b->files[i].location);
		return 0;
	}
	for (size_t i = 0; i < b->n_files; i++) {
		err_clear(&quiet);
		if (blob_delete(m->o.blobs, b->files[i].ref, &quiet) < 0)
			diag(DIAG_WARN, "ledger", "%s", quiet.msg); /* the next start sweeps it */
	}
	return r;
}
