/* SPDX-License-Identifier: Apache-2.0 */
/* info: begin and end manifests, taken from the outbox into the ledger's tables. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/measure_int.h"
#include "os/clock.h"
#include "os/diag.h"

#define MANIFEST_MAX MIB
#define EVENTS_AT_ONCE 256
#define MANIFESTS_AT_ONCE (4 * MIB) /* bytes of text: their trees are larger, and an arena has an end */
#define STREAMS_MAX 256             /* of one manifest */
#define STREAM_DOC_MAX (16 * KIB)
#define ID_MAX 64
#define PLACE_MAX 512

int measure__schema(struct meta *m, struct err *e)
{
	return meta_schema(
		m,
		"CREATE TABLE IF NOT EXISTS measure_measurement (id TEXT PRIMARY KEY, bucket TEXT NOT NULL, place TEXT NOT NULL,"
		" screening TEXT NOT NULL, subject TEXT NOT NULL, content TEXT NOT NULL, began_ms BIGINT NOT NULL, ended_ms BIGINT,"
		" begin_doc TEXT NOT NULL, end_doc TEXT);"
		"CREATE TABLE IF NOT EXISTS measure_stream (stream TEXT PRIMARY KEY, measurement TEXT NOT NULL, doc TEXT NOT NULL,"
		" ended BIGINT NOT NULL, last_seq BIGINT NOT NULL, end_bytes BIGINT NOT NULL, end_sha256 TEXT, sha256 TEXT,"
		" sha_received BIGINT NOT NULL);"
		"CREATE INDEX IF NOT EXISTS measure_stream_by_measurement ON measure_stream (measurement);"
		"CREATE TABLE IF NOT EXISTS measure_ledger (stream TEXT PRIMARY KEY, delivery TEXT NOT NULL, greatest BIGINT NOT NULL,"
		" next BIGINT NOT NULL, received BIGINT NOT NULL, bytes BIGINT NOT NULL, duplicates BIGINT NOT NULL,"
		" conflicts BIGINT NOT NULL, decoded BIGINT NOT NULL, quarantined BIGINT NOT NULL, samples BIGINT NOT NULL,"
		" frames BIGINT NOT NULL, bad BIGINT NOT NULL, lost BIGINT NOT NULL, anchor_us BIGINT NOT NULL, first_log BIGINT NOT NULL,"
		" channel_n TEXT NOT NULL, warm_from BIGINT NOT NULL);"
		"CREATE INDEX IF NOT EXISTS measure_ledger_by_delivery ON measure_ledger (delivery);"
		"CREATE TABLE IF NOT EXISTS measure_clock (stream TEXT PRIMARY KEY, state TEXT NOT NULL);"
		"CREATE TABLE IF NOT EXISTS measure_seen (stream TEXT NOT NULL, block BIGINT NOT NULL, v BLOB NOT NULL,"
		" PRIMARY KEY (stream, block));"
		"CREATE TABLE IF NOT EXISTS measure_alarm (stream TEXT NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL,"
		" times BIGINT NOT NULL, since_ms BIGINT NOT NULL, until_ms BIGINT, detail TEXT NOT NULL,"
		" PRIMARY KEY (stream, kind, channel));"
		"CREATE INDEX IF NOT EXISTS measure_alarm_open ON measure_alarm (stream) WHERE until_ms IS NULL;"
		"CREATE TABLE IF NOT EXISTS measure_position (reader TEXT PRIMARY KEY, n BIGINT NOT NULL);"
		"CREATE TABLE IF NOT EXISTS measure_quarantine (id TEXT PRIMARY KEY, delivery TEXT NOT NULL, log BIGINT NOT NULL,"
		" at_ms BIGINT NOT NULL, stream TEXT, seq BIGINT, reason TEXT NOT NULL, detail TEXT NOT NULL, bytes BLOB NOT NULL,"
		" UNIQUE (delivery, log));",
		e);
}

/* --- the position in the outbox --- */

static int load_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	uint64_t *ret = arg;
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT n FROM measure_position WHERE reader = 'events'", "");

	if (found > 0) {
		*ret = (uint64_t)row_int(r, 0);
		tx_end(r);
	}
	return found < 0 ? found : 0;
}

int measure__events_load(struct measure *m, struct err *e)
{
	return meta_read(m->o.meta, load_tx, &m->events_position, e);
}

/* --- one manifest --- */

struct manifest {
	const struct json *doc;
	const char *text, *bucket;
	bool end;
	struct manifest *next;
};

struct taken {
	struct arena *a;
	struct manifest *first, **last;
	size_t bytes;
	uint64_t position;
};

static int64_t ns_to_ms(const struct json *doc, const char *name)
{
	int64_t ns;

	return view_i64(json_get_str(doc, name), &ns) ? ns / 1000000 : 0;
}

static int begin_tx(struct meta_tx *tx, const struct manifest *mf, struct err *e)
{
	const struct json *streams = json_get(mf->doc, "streams");
	struct view id = json_get_str(mf->doc, "measurement");
	int r = tx_run(tx, e,
		       "INSERT INTO measure_measurement (id, bucket, place, screening, subject, content, began_ms, begin_doc)"
		       " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET begin_doc = excluded.begin_doc",
		       "vsvvvvis", id, mf->bucket, json_get_str(mf->doc, "place"), json_get_str(mf->doc, "screening"),
		       json_get_str(mf->doc, "subject"), json_get_str(mf->doc, "content"), ns_to_ms(mf->doc, "started_at_ns"),
		       mf->text);

	for (size_t i = 0; i < json_len(streams) && r == 0; i++) {
		const struct json *s = json_at(streams, i);
		struct arena a;

		arena_init(&a, LIMIT_ARENA);
		/* A stream belongs to the measurement that named it first. */
		r = tx_run(tx, e,
			   "INSERT INTO measure_stream (stream, measurement, doc, ended, last_seq, end_bytes, sha_received)"
			   " VALUES (?, ?, ?, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
			   "vvs", json_get_str(s, "stream"), id, json_text(&a, s));
		arena_clear(&a);
	}
	return r;
}

static int end_tx(struct meta_tx *tx, const struct manifest *mf, struct err *e)
{
	const struct json *streams = json_get(mf->doc, "streams");
	struct view id = json_get_str(mf->doc, "measurement");
	int r = tx_run(tx, e, "UPDATE measure_measurement SET ended_ms = ?, end_doc = ? WHERE id = ?", "isv",
		       ns_to_ms(mf->doc, "ended_at_ns"), mf->text, id);

	for (size_t i = 0; i < json_len(streams) && r == 0; i++) {
		const struct json *s = json_at(streams, i);
		int64_t bytes = 0;

		(void)view_i64(json_get_str(s, "bytes"), &bytes);
		r = tx_run(tx, e,
			   "UPDATE measure_stream SET ended = 1, last_seq = ?, end_bytes = ?, end_sha256 = ? WHERE stream = ? AND"
			   " measurement = ?",
			   "iivvv", json_int(json_get(s, "last_seq"), -1), bytes, json_get_str(s, "sha256"),
			   json_get_str(s, "stream"), id);
	}
	return r;
}

static int take_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct taken *t = arg;
	int r = 0;

	for (const struct manifest *mf = t->first; mf && r == 0; mf = mf->next)
		r = mf->end ? end_tx(tx, mf, e) : begin_tx(tx, mf, e);
	if (r < 0)
		return r;
	return tx_run(tx, e, "INSERT INTO measure_position (reader, n) VALUES ('events', ?)"
			     " ON CONFLICT (reader) DO UPDATE SET n = excluded.n", "i", (int64_t)t->position);
}

/* --- what a manifest must be: everything below relies on it, and a row that cannot be written would stop all readers --- */

static int need_text(const struct json *doc, const char *name, size_t max, struct err *e)
{
	struct view v = json_get_str(doc, name);

	if (!v.n || v.n > max)
		return err_set(e, ERR_INVALID, "%s: a text of 1 to %zu bytes is expected", name, max);
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f)
			return err_set(e, ERR_INVALID, "%s: a control character", name);
	return 0;
}

static int need_begin(const struct json *doc, struct err *e)
{
	static const char *const names[] = { "screening", "subject", "content" };
	struct view place = json_get_str(doc, "place");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (need_text(doc, names[i], ID_MAX, e) < 0)
			return e->code;
	if (need_text(doc, "place", PLACE_MAX, e) < 0)
		return e->code;
	if (!view_starts(place, VIEW("dt=")) || place.n < 13 || view_chr(view_sub(place, 3, 10), '/') >= 0)
		return err_set(e, ERR_INVALID, "place: dt=YYYY-MM-DD/... is expected");
	return 0;
}

static int need_stream(const struct json *s, bool end, struct arena *a, struct err *e)
{
	struct view id = json_get_str(s, "stream");
	const struct json *last = json_get(s, "last_seq");
	char text[ENVELOPE_STREAM_TEXT];
	uint8_t raw[16];

	/* As envelopes name it, or its records would never be found. */
	if (!envelope_stream_parse(id, raw) || !view_eq_str(id, envelope_stream_text(raw, text)))
		return err_set(e, ERR_INVALID, "stream: a lower-case UUID is expected");
	if (end && (!json_is(last, JSON_INT) || json_int(last, -2) < -1 || json_int(last, -2) >= UINT32_MAX))
		return err_set(e, ERR_INVALID, "last_seq: a number from -1 to 4294967294 is expected");
	if (!end && strlen(json_text(a, s)) > STREAM_DOC_MAX)
		return err_set(e, ERR_LIMIT, "longer than %zu bytes", (size_t)STREAM_DOC_MAX);
	return 0;
}

static int check(const struct manifest *mf, struct arena *a, struct err *e)
{
	const struct json *streams = json_get(mf->doc, "streams");
	int r = need_text(mf->doc, "measurement", ID_MAX - 1, e);

	if (r == 0 && !mf->end)
		r = need_begin(mf->doc, e);
	if (r == 0 && json_len(streams) > STREAMS_MAX)
		r = err_set(e, ERR_LIMIT, "streams: more than %d", STREAMS_MAX);
	for (size_t i = 0; i < json_len(streams) && r == 0; i++)
		if (need_stream(json_at(streams, i), mf->end, a, e) < 0)
			r = err_ctx(e, "streams[%zu]", i);
	return r;
}

/* An object that is there and cannot be read now: the event is looked at again later. */
static bool passing(int code)
{
	return code == ERR_IO || code == ERR_BUSY || code == ERR_TIMEOUT || code == ERR_CANCELLED;
}

/* A manifest that is wrong is told and passed by: its object stays, uploading it again is another event. */
static int look_at(struct measure *m, const struct event *ev, struct taken *t, struct err *ret)
{
	struct err e = { 0 };
	const struct json *detail;
	struct view key, bucket, text;
	struct manifest *mf;
	bool end;

	if (strcmp(ev->source, "aws.s3") != 0 || strcmp(ev->detail_type, "Object Created") != 0)
		return 0;
	detail = json_parse(t->a, view_str(ev->detail), JSON_DEPTH, &e);
	key = json_get_str(json_get(detail, "object"), "key");
	bucket = json_get_str(json_get(detail, "bucket"), "name");
	end = view_ends(key, VIEW("/_manifest.json"));
	if (!end && !view_ends(key, VIEW("/_begin.json")))
		return 0;
	mf = ARENA_NEW(t->a, struct manifest);
	mf->end = end;
	mf->bucket = arena_str(t->a, bucket);
	if (m->o.s3->get(m->o.s3->self, mf->bucket, arena_str(t->a, key), MANIFEST_MAX, t->a, &text, &e) < 0 && passing(e.code)) {
		*ret = e;
		return err_ctx(ret, "manifest s3://%.*s/%.*s", VIEW_ARG(bucket), VIEW_ARG(key));
	}
	if (e.code || !(mf->doc = json_parse(t->a, text, JSON_DEPTH, &e)) || check(mf, t->a, &e) < 0) {
		diag(DIAG_WARN, "ledger", "manifest s3://%.*s/%.*s is passed by: %s", VIEW_ARG(bucket), VIEW_ARG(key), e.msg);
		return 0;
	}
	mf->text = arena_str(t->a, text);
	t->bytes += text.n;
	*t->last = mf;
	t->last = &mf->next;
	return 0;
}

int measure__events_take(struct measure *m, struct err *e)
{
	struct event *ev;
	size_t n, i;
	int r;

	LOCK_SCOPE(&m->events_lock);
	do {
		struct arena a;
		struct taken t = { .a = &a, .position = m->events_position };

		arena_init(&a, LIMIT_ARENA);
		t.last = &t.first;
		r = m->o.events->read(m->o.events->self, m->events_position, EVENTS_AT_ONCE, &a, &ev, &n, e);
		for (i = 0; r == 0 && i < n && t.bytes < MANIFESTS_AT_ONCE; i++) {
			r = look_at(m, &ev[i], &t, e);
			t.position = ev[i].n;
		}
		if (r == 0 && n)
			r = meta_write(m->o.meta, take_tx, &t, e);
		if (r == 0)
			m->events_position = t.position;
		arena_clear(&a);
	} while (r == 0 && n && (i < n || n == EVENTS_AT_ONCE));
	return r;
}

/* --- what is known of a stream --- */

struct find {
	const char *stream;
	struct stream_info *info;
};

static int find_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct find *f = arg;
	struct arena *a = &f->info->arena;
	struct tx_rows *r;
	const struct json *doc;
	const char *place;
	int found = tx_one(tx, &r, e,
			   "SELECT s.measurement, s.doc, m.screening, m.subject, m.place, m.began_ms FROM measure_stream s"
			   " JOIN measure_measurement m ON m.id = s.measurement WHERE s.stream = ?",
			   "s", f->stream);

	if (found <= 0)
		return found;
	f->info->measurement = row_str(r, 0, a);
	doc = json_parse(a, row_view(r, 1), JSON_DEPTH, e);
	f->info->screening = row_str(r, 2, a);
	f->info->subject = row_str(r, 3, a);
	place = row_str(r, 4, a);
	f->info->dt = arena_str(a, view_sub(view_str(place), 3, 10)); /* dt=YYYY-MM-DD/... */
	f->info->began_ms = row_int(r, 5);
	tx_end(r);
	if (!doc)
		return err_ctx(e, "stream %s", f->stream);
	f->info->modality = arena_str(a, json_get_str(doc, "modality"));
	f->info->layout_id = arena_str(a, json_get_str(doc, "layout"));
	f->info->layout = layout_catalog_by_id(json_get_str(doc, "layout"));
	f->info->params = json_get(doc, "params");
	f->info->channels = json_get(doc, "channels");
	f->info->rate = json_double(json_get(doc, "rate"), 0);
	f->info->stream = arena_str(a, view_str(f->stream));
	return 0;
}

const struct stream_info *measure__info(struct measure *m, const char *stream, struct err *e)
{
	struct stream_info *info;
	struct arena a;
	struct find f = { stream, NULL };

	LOCK_SCOPE(&m->lock);
	info = map_get(&m->infos, view_str(stream));
	if (info)
		return info;
	arena_init(&a, MIB);
	info = ARENA_NEW(&a, struct stream_info);
	info->arena = a;
	f.info = info;
	if (meta_read(m->o.meta, find_tx, &f, e) < 0 || !info->stream) {
		a = info->arena;
		arena_clear(&a);
		return NULL;
	}
	map_put(&m->infos, view_str(stream), info);
	return info;
}

struct ended {
	const char *stream;
	bool yes;
};

static int ended_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct ended *x = arg;
	struct tx_rows *r;
	int found = tx_one(tx, &r, e, "SELECT ended FROM measure_stream WHERE stream = ?", "s", x->stream);

	if (found <= 0)
		return found;
	x->yes = row_int(r, 0) != 0;
	tx_end(r);
	return 0;
}

bool measure__ended(struct measure *m, const char *stream)
{
	struct ended x = { .stream = stream };
	struct err e = { 0 };

	if (meta_read(m->o.meta, ended_tx, &x, &e) < 0)
		diag(DIAG_WARN, "ledger", "%s", e.msg);
	return x.yes;
}
