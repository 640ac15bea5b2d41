/* SPDX-License-Identifier: Apache-2.0 */
/* show: the ledger as JSON, and the digest that proves the records are those the tablet sent. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "measure/live_int.h"
#include "os/crypto.h"

#define GAPS_MAX 1000 /* ranges shown per stream */

struct shown {
	struct measure *m;
	const char *id;
	struct arena *a;
	struct err *e;
	struct json *doc, *problems;
	const char *bucket, *begin, *end, *place, *screening, *subject, *content;
	int64_t began_ms, ended_ms;
	bool found;
	struct stream_row {
		const char *stream, *end_sha256, *sha256;
		int64_t ended, last_seq, end_bytes, sha_received;
	} *streams;
	size_t n_streams;
};

static void problem(struct shown *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void problem(struct shown *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_push(s->a, s->problems, json_new_cstr(s->a, arena_vprintf(s->a, fmt, ap)));
	va_end(ap);
}

static int read_streams(struct meta_tx *tx, struct shown *s, struct err *e)
{
	struct tx_rows *rows;
	size_t cap = 0;
	int r = tx_query(tx, &rows, e,
			 "SELECT stream, end_sha256, sha256, ended, last_seq, end_bytes, sha_received FROM measure_stream"
			 " WHERE measurement = ? ORDER BY stream",
			 "s", s->id);

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		if (s->n_streams == cap) {
			struct stream_row *old = s->streams;

			cap = cap ? cap * 2 : 8;
			s->streams = ARENA_ARRAY(s->a, struct stream_row, cap);
			if (old)
				memcpy(s->streams, old, s->n_streams * sizeof(*old));
		}
		s->streams[s->n_streams++] = (struct stream_row){ row_str(rows, 0, s->a), row_str(rows, 1, s->a),
								  row_str(rows, 2, s->a), row_int(rows, 3), row_int(rows, 4),
								  row_int(rows, 5), row_int(rows, 6) };
	}
	return r;
}

static int read_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct shown *s = arg;
	struct tx_rows *r;
	int found = tx_one(tx, &r, e,
			   "SELECT bucket, begin_doc, end_doc, place, screening, subject, content, began_ms, ended_ms"
			   " FROM measure_measurement WHERE id = ?",
			   "s", s->id);

	if (found <= 0)
		return found;
	s->found = true;
	s->bucket = row_str(r, 0, s->a);
	s->begin = row_str(r, 1, s->a);
	s->end = row_str(r, 2, s->a);
	s->place = row_str(r, 3, s->a);
	s->screening = row_str(r, 4, s->a);
	s->subject = row_str(r, 5, s->a);
	s->content = row_str(r, 6, s->a);
	s->began_ms = row_int(r, 7);
	s->ended_ms = row_int(r, 8);
	tx_end(r);
	return read_streams(tx, s, e);
}

/* --- the digest of all payloads in seq order, each once --- */

static struct log *log_of(struct measure *m, const char *delivery)
{
	LOCK_SCOPE(&m->lock);
	for (struct intake *in = m->intakes; in; in = in->next)
		if (delivery && strcmp(in->name, delivery) == 0)
			return in->log;
	return NULL;
}

#define AHEAD 512 /* records read at once: one at a time, each read would fetch a megabyte for a few bytes */

struct ahead {
	struct log *log;
	struct log_reader *reader;
	struct log_record recs[AHEAD];
	int n, i;
};

/* Reads on where the records lie one behind another, and anew where they do not. */
static int next_payload(struct ahead *h, uint64_t want, struct arena *a, struct envelope *env, struct err *e)
{
	uint64_t at = h->i < h->n ? h->recs[h->i].seq : 0;
	int r = 0;

	if (!at || want < at || want - at > 4096) {
		h->reader = log_reader_free(h->reader);
		h->n = h->i = 0;
		r = log_reader_new(h->log, want, &h->reader, e);
	}
	while (r == 0 && (h->i == h->n || h->recs[h->i].seq < want)) {
		if (h->i < h->n) {
			h->i++;
			continue;
		}
		h->i = 0;
		h->n = log_read(h->reader, h->recs, AHEAD, LIMIT_RECORD, 1000, e);
		if (h->n == 0)
			return err_set(e, ERR_NOENT, "record %" PRIu64 " is not in the log", want);
		if (h->n < 0) {
			r = h->n;
			h->n = 0;
		}
	}
	if (r < 0)
		return r;
	if (h->recs[h->i].seq != want || envelope_parse(arena_view(a, h->recs[h->i].data), env) != ENVELOPE_OK)
		return err_set(e, ERR_CORRUPT, "record %" PRIu64 " of the log is not what it was", want);
	return 0;
}

static int digest_stream(struct measure *m, struct ledger *l, uint32_t last, char hex[65], struct err *e)
{
	struct ahead *h;
	struct digest *d;
	uint8_t raw[DIGEST_MAX];
	int r = 0;

	if (!log_of(m, l->delivery))
		return err_set(e, ERR_NOENT, "the delivery stream of stream %s is gone", l->info->stream);
	h = calloc(1, sizeof(*h));
	must(h);
	h->log = log_of(m, l->delivery);
	d = digest_new(DIGEST_SHA256);
	for (uint32_t seq = 0; r == 0; seq++) {
		struct envelope env;
		struct arena a;

		arena_init(&a, 16 * MIB);
		r = next_payload(h, ledger_seen(l, seq, false)->log, &a, &env, e);
		if (r == 0)
			digest_add(d, env.payload.p, env.payload.n);
		arena_clear(&a);
		if (seq == last)
			break;
	}
	log_reader_free(h->reader);
	free(h);
	digest_end(d, raw);
	hex_encode(hex, raw, 32);
	hex[64] = 0;
	return r;
}

static int keep_digest_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct stream_row *r = arg;

	return tx_run(tx, e, "UPDATE measure_stream SET sha256 = ?, sha_received = ? WHERE stream = ?", "sis", r->sha256,
		      r->sha_received, r->stream);
}

/* Computed once per state of a stream that is all there. */
static int ensure_digest(struct shown *s, struct stream_row *row, struct ledger *l)
{
	char hex[65];
	int r;

	if (row->sha256 && row->sha_received == (int64_t)l->received)
		return 0;
	r = digest_stream(s->m, l, (uint32_t)row->last_seq, hex, s->e);
	if (r < 0)
		return r;
	row->sha256 = arena_str(s->a, view_str(hex));
	row->sha_received = (int64_t)l->received;
	return meta_write(s->m->o.meta, keep_digest_tx, row, s->e);
}

/* --- one stream --- */

/* The first seq from @seq on, below @end, that is here (or is not); @end if there is none. */
static int64_t find_seq(struct ledger *l, int64_t seq, int64_t end, bool here)
{
	for (; seq < end; seq++) {
		const struct seen *x;

		if ((uint64_t)seq / SEEN_BLOCK >= l->n_blocks)
			return here ? end : seq;
		x = ledger_seen(l, (uint32_t)seq, false);
		if ((x && x->log) == here)
			return seq;
		if (!x)
			seq |= SEEN_BLOCK - 1; /* nothing of this block is here */
	}
	return end;
}

static const struct json *missing(struct shown *s, struct ledger *l, int64_t expected)
{
	struct json *all = json_new_arr(s->a);
	int64_t from = find_seq(l, 0, expected, false);

	while (from < expected && json_len(all) < GAPS_MAX) {
		int64_t to = find_seq(l, from, expected, true);
		struct json *pair = json_new_arr(s->a);

		json_push(s->a, pair, json_new_int(s->a, from));
		json_push(s->a, pair, json_new_int(s->a, to - 1));
		json_push(s->a, all, pair);
		from = find_seq(l, to, expected, false);
	}
	return all;
}

static void tell_gaps(struct shown *s, const char *stream, const struct json *gaps)
{
	struct buf b;

	buf_init(&b, 64 * KIB);
	for (size_t i = 0; i < json_len(gaps); i++) {
		int64_t from = json_int(json_at(json_at(gaps, i), 0), 0), to = json_int(json_at(json_at(gaps, i), 1), 0);

		buf_printf(&b, from == to ? "%s%" PRId64 : "%s%" PRId64 "-%" PRId64, i ? ", " : "", from, to);
	}
	problem(s, "stream %s: missing %.*s", stream, VIEW_ARG(buf_view(&b)));
	buf_clear(&b);
}

static void stream_numbers(struct shown *s, struct json *o, const struct ledger *l)
{
	const struct stream_info *info = l->info;

	json_set_str(s->a, o, "stream", info->stream);
	json_set_str(s->a, o, "modality", info->modality);
	json_set_str(s->a, o, "layout", info->layout_id);
	json_set(s->a, o, "rate", json_new_num(s->a, info->rate));
	json_set_int(s->a, o, "received", (int64_t)l->received);
	json_set_int(s->a, o, "bytes", (int64_t)l->bytes);
	json_set_int(s->a, o, "duplicates", (int64_t)l->duplicates);
	json_set_int(s->a, o, "conflicts", (int64_t)l->conflicts);
	json_set_int(s->a, o, "decoded", (int64_t)l->decoded);
	json_set_int(s->a, o, "quarantined", (int64_t)l->quarantined);
	json_set_int(s->a, o, "samples", (int64_t)l->samples);
	json_set_int(s->a, o, "frames", (int64_t)l->frames);
	json_set_int(s->a, o, "bad_frames", (int64_t)l->bad);
	json_set_int(s->a, o, "lost_frames", (int64_t)l->lost);
}

/* All records are here: are they those the tablet sent? */
static int check_content(struct shown *s, struct json *o, struct stream_row *row, struct ledger *l)
{
	int r = ensure_digest(s, row, l);
	bool same = r == 0 && row->end_sha256 && view_eq_nocase(view_str(row->end_sha256), view_str(row->sha256));

	if (r < 0)
		return r;
	json_set_str(s->a, o, "sha256", row->sha256);
	json_set(s->a, o, "sha256_ok", json_new_bool(same));
	if (!same)
		problem(s, "stream %s: SHA-256 of its payloads is %s, the manifest says %s", row->stream, row->sha256,
			row->end_sha256 ? row->end_sha256 : "nothing");
	if (row->end_bytes != (int64_t)l->bytes)
		problem(s, "stream %s: %" PRIu64 " bytes, the manifest says %" PRId64, row->stream, l->bytes, row->end_bytes);
	return 0;
}

static void find_problems(struct shown *s, const struct stream_row *row, const struct ledger *l, const struct json *gaps)
{
	if (json_len(gaps))
		tell_gaps(s, row->stream, gaps);
	if (l->conflicts)
		problem(s, "stream %s: %" PRIu64 " records came again with other bytes", row->stream, l->conflicts);
	if (row->ended && l->any && (int64_t)l->greatest > row->last_seq)
		problem(s, "stream %s: records behind the last of its manifest (%" PRId64 ")", row->stream, row->last_seq);
	if (!json_len(gaps) && l->decoded != l->received)
		problem(s, "stream %s: %" PRIu64 " of %" PRIu64 " records are decoded", row->stream, l->decoded, l->received);
}

static int64_t expected_of(const struct stream_row *row, const struct ledger *l)
{
	if (row->ended)
		return row->last_seq + 1;
	return l->any ? (int64_t)l->greatest + 1 : 0;
}

struct alarms {
	struct shown *s;
	const char *stream;
	struct json *all;
};

static int alarms_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct alarms *q = arg;

	return alarms_json_tx(tx, q->stream, q->s->a, q->all, e);
}

static int add_alarms(struct shown *s, struct json *o, const char *stream)
{
	struct alarms q = { s, stream, json_new_arr(s->a) };

	json_set(s->a, o, "alarms", q.all);
	return meta_read(s->m->o.meta, alarms_tx, &q, s->e);
}

/* From the device's time to UTC, on the newest segment: utc = device + offset + drift * device. */
static void add_clock(struct shown *s, struct json *o, const struct ledger *l)
{
	struct sampleclock_report r = sampleclock_report(&l->clock);
	struct json *c = json_new_obj(s->a), *jumps = json_new_arr(s->a);

	if (!r.n || !l->info->layout) { /* no samples yet, or of no known rate: their times are the tablet's */
		json_set(s->a, o, "clock", &json_null);
		return;
	}
	json_set_str(s->a, c, "method", layout_time_of(l->info->layout)->model == LAYOUT_TIME_STAMP ? "stamp" : "counter");
	json_set_int(s->a, c, "offset_us", r.offset_us);
	json_set(s->a, c, "drift_ppm", json_new_num(s->a, r.drift * 1e6));
	json_set(s->a, c, "rate", json_new_num(s->a, 1e6 / (l->clock.period_us * (1 + r.drift))));
	json_set(s->a, c, "rms_us", json_new_num(s->a, r.rms_us));
	json_set(s->a, c, "max_us", json_new_num(s->a, r.max_us));
	json_set_int(s->a, c, "n", (int64_t)r.n);
	json_set_int(s->a, c, "segments", (int64_t)r.segments);
	for (size_t i = 0; i < l->clock.n_jumps; i++) {
		struct json *j = json_new_obj(s->a);

		json_set_int(s->a, j, "at_us", l->clock.jumps[i].at_us);
		json_set(s->a, j, "by_us", json_new_num(s->a, l->clock.jumps[i].by_us));
		json_push(s->a, jumps, j);
	}
	json_set(s->a, c, "jumps", jumps);
	json_set(s->a, o, "clock", c);
}

static int add_stream(struct shown *s, struct json *streams, struct stream_row *row)
{
	const struct stream_info *info = measure__info(s->m, row->stream, s->e);
	struct ledger *l = info ? ledger_load(s->m, info, s->e) : NULL;
	struct json *o = json_new_obj(s->a);
	const struct json *gaps;
	int64_t expected;
	int r = 0;

	if (!l)
		return s->e->code ? s->e->code : err_set(s->e, ERR_INTERNAL, "stream %s has no manifest", row->stream);
	expected = expected_of(row, l);
	gaps = missing(s, l, expected);
	stream_numbers(s, o, l);
	add_clock(s, o, l);
	json_set_int(s->a, o, "expected", expected);
	json_set(s->a, o, "missing", gaps);
	find_problems(s, row, l, gaps);
	json_set(s->a, o, "sha256", &json_null); /* not known before all is there */
	json_set(s->a, o, "sha256_ok", &json_false);
	if (row->ended && expected && (int64_t)l->received == expected && !json_len(gaps))
		r = check_content(s, o, row, l);
	if (r == 0)
		r = add_alarms(s, o, row->stream);
	json_push(s->a, streams, o);
	ledger_free(l);
	return r;
}

/* --- files --- */

static void add_files(struct shown *s, struct json *files)
{
	struct err quiet = { 0 };
	const struct json *begin = json_parse(s->a, view_str(s->begin), JSON_DEPTH, &quiet), *all = json_get(begin, "files");

	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *f = json_at(all, i);
		const char *key = arena_str(s->a, json_get_str(f, "key"));
		struct json *o = json_new_obj(s->a);
		struct s3_object obj = { 0 };
		struct err e = { 0 };
		uint64_t bytes = 0;
		bool arrived = key && s->m->o.s3->head(s->m->o.s3->self, s->bucket, key, s->a, &obj, &e) == 0;
		bool size_ok = arrived && view_u64(json_get_str(f, "bytes"), UINT64_MAX, &bytes) && bytes == obj.size;

		json_set(s->a, o, "modality", json_get(f, "modality"));
		json_set_str(s->a, o, "key", key);
		json_set_int(s->a, o, "bytes", (int64_t)obj.size);
		json_set(s->a, o, "sha256", json_get(f, "sha256"));
		json_set(s->a, o, "arrived", json_new_bool(arrived));
		json_set(s->a, o, "size_ok", json_new_bool(size_ok));
		json_push(s->a, files, o);
		if (s->end && !size_ok)
			problem(s, arrived ? "file %s has another size than announced" : "file %s has not arrived", key ? key : "?");
	}
}

static int build(struct shown *s)
{
	struct json *streams = json_new_arr(s->a), *files = json_new_arr(s->a);
	int r = 0;

	for (size_t i = 0; i < s->n_streams && r == 0; i++)
		r = add_stream(s, streams, &s->streams[i]);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s->n_streams; i++)
		if (s->end && !s->streams[i].ended)
			problem(s, "stream %s is not in the end manifest", s->streams[i].stream);
	add_files(s, files);
	json_set_str(s->a, s->doc, "measurement", s->id);
	json_set_str(s->a, s->doc, "state", !s->end ? "recording" : json_len(s->problems) ? "incomplete" : "complete");
	json_set_str(s->a, s->doc, "screening", s->screening);
	json_set_str(s->a, s->doc, "subject", s->subject);
	json_set_str(s->a, s->doc, "content", s->content);
	json_set_str(s->a, s->doc, "place", s->place);
	json_set_int(s->a, s->doc, "began_ms", s->began_ms);
	json_set(s->a, s->doc, "ended_ms", s->end ? json_new_int(s->a, s->ended_ms) : &json_null);
	json_set(s->a, s->doc, "streams", streams);
	json_set(s->a, s->doc, "files", files);
	json_set(s->a, s->doc, "problems", s->problems);
	return 0;
}

int measure_show(struct measure *m, const char *id, struct buf *ret, struct err *e)
{
	struct arena a;
	struct shown s = { .m = m, .id = id, .a = &a, .e = e };
	int r;

	arena_init(&a, LIMIT_ARENA);
	s.doc = json_new_obj(&a);
	s.problems = json_new_arr(&a);
	r = meta_read(m->o.meta, read_tx, &s, e);
	if (r == 0 && !s.found)
		r = err_set(e, ERR_NOENT, "there is no measurement %s", id);
	if (r == 0)
		r = build(&s);
	if (r == 0) {
		json_print(ret, s.doc);
		r = buf_check(ret, "measurement", e);
	}
	arena_clear(&a);
	return r;
}

/* --- the list --- */

static int list_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct buf *b = arg;
	struct tx_rows *rows;
	/* What one stream lacks is not made good by what another has too many of. */
	int r = tx_query(tx, &rows, e,
			 "SELECT m.id, m.screening, m.subject, m.content, m.began_ms, m.end_doc IS NOT NULL,"
			 " COALESCE(SUM(d.received), 0), COALESCE(SUM(d.duplicates), 0),"
			 " COALESCE(SUM(CASE WHEN d.lacking > 0 THEN d.lacking END), 0),"
			 " COALESCE(SUM(CASE WHEN d.lacking <> 0 OR d.conflicts > 0 THEN 1 END), 0)"
			 " FROM measure_measurement m LEFT JOIN (SELECT s.measurement AS measurement, l.received AS received,"
			 " l.duplicates AS duplicates, l.conflicts AS conflicts,"
			 " CASE WHEN s.ended = 1 THEN s.last_seq ELSE COALESCE(l.greatest, -1) END + 1 - COALESCE(l.received, 0)"
			 " AS lacking FROM measure_stream s LEFT JOIN measure_ledger l ON l.stream = s.stream) d"
			 " ON d.measurement = m.id GROUP BY m.id ORDER BY m.began_ms DESC, m.id LIMIT 1000",
			 "");
	bool first = true;

	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		static const char *const names[] = { "measurement", "screening", "subject", "content" };
		bool wrong = row_int(rows, 9) > 0;

		buf_add_str(b, first ? "{" : ",{");
		first = false;
		for (int i = 0; i < 4; i++) {
			buf_printf(b, "\"%s\":", names[i]);
			json_print_str(b, row_view(rows, i));
			buf_add_char(b, ',');
		}
		buf_printf(b, "\"state\":\"%s\",\"began_ms\":%" PRId64 ",\"received\":%" PRId64 ",\"missing\":%" PRId64
			      ",\"duplicates\":%" PRId64 "}",
			   !row_int(rows, 5) ? "recording" : wrong ? "incomplete" : "complete", row_int(rows, 4), row_int(rows, 6),
			   row_int(rows, 8), row_int(rows, 7));
	}
	return r;
}

int measure_list(struct measure *m, struct buf *ret, struct err *e)
{
	int r;

	buf_add_str(ret, "{\"measurements\":[");
	r = meta_read(m->o.meta, list_tx, ret, e);
	buf_add_str(ret, "]}");
	return r == 0 ? buf_check(ret, "list of measurements", e) : r;
}
