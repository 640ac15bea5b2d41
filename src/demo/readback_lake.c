/* SPDX-License-Identifier: Apache-2.0 */
/* readback_lake: raw objects envelope by envelope, samples and meta rows by SQL. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/xml.h"
#include "data/envelope.h"
#include "demo/csv.h"
#include "demo/probe.h"
#include "demo/readback.h"
#include "demo/tablet_int.h"
#include "os/clock.h"

#define RAW_BUCKET "audience-raw"
#define RAW_WAIT_S 15
#define QUERY_MS 60000

static void problem_of_all(struct readback *rb, const char *what, const struct err *e)
{
	for (size_t i = 0; i < rb->n; i++)
		readback__problem(rb, i, "%s: %s", what, e->msg);
}

/* --- raw objects --- */

struct counted {
	uint8_t *seen[PERSON_STREAMS]; /* by seq */
};

static int raw_envelope(struct readback *rb, struct counted *c, struct view bytes, size_t *ret_len, struct err *e)
{
	const uint8_t *h = (const uint8_t *)bytes.p;
	struct envelope env;
	size_t n;

	if (bytes.n < ENVELOPE_HEAD)
		return err_set(e, ERR_CORRUPT, "%zu bytes are left over", bytes.n);
	n = ENVELOPE_HEAD + ((size_t)h[44] | (size_t)h[45] << 8 | (size_t)h[46] << 16 | (size_t)h[47] << 24);
	if (n > bytes.n || envelope_parse(view_sub(bytes, 0, n), &env) != ENVELOPE_OK)
		return err_set(e, ERR_CORRUPT, "bytes that are no envelope");
	*ret_len = n;
	for (size_t i = 0; i < rb->n; i++) {
		const struct person *p = rb->tablets[i].person;

		for (size_t k = 0; k < p->n_streams; k++) {
			if (memcmp(env.stream, p->streams[k].id_bytes, sizeof(env.stream)) != 0 || env.seq >= p->streams[k].records)
				continue;
			rb->findings[i].raw++;
			rb->findings[i].raw_distinct += !c[i].seen[k][env.seq];
			c[i].seen[k][env.seq] = 1;
		}
	}
	return 0;
}

static int raw_object(struct readback *rb, struct counted *c, const char *key, struct err *e)
{
	struct arena a;
	struct view v;
	size_t n = 0;
	int r;

	arena_init(&a, LIMIT_ARENA);
	r = aws_client_get(rb->aws, RAW_BUCKET, key, 128 * MIB, &a, &v, e);
	for (; r == 0 && v.n; v = view_from(v, n))
		r = raw_envelope(rb, c, v, &n, e);
	arena_clear(&a);
	return r < 0 ? err_ctx(e, "s3://%s/%s", RAW_BUCKET, key) : 0;
}

/* Every byte as %XX: the token is opaque. */
static const char *encoded(struct arena *a, struct view v)
{
	char *out = arena_alloc(a, v.n * 3 + 1);

	for (size_t i = 0; i < v.n; i++)
		snprintf(out + 3 * i, 4, "%%%02X", (unsigned)(uint8_t)v.p[i]);
	return out;
}

static int raw_page(struct readback *rb, struct counted *c, struct view *token, struct arena *a, struct err *e)
{
	struct aws_request q = { .service = "s3", .method = "GET", .path = "/" RAW_BUCKET,
				 .query = "list-type=2&prefix=" "v1%2Fbiosignals%2F" };
	struct http_result res;
	const struct xml *x;
	int r;

	if (token->n)
		q.query = arena_printf(a, "continuation-token=%s&list-type=2&prefix=v1%%2Fbiosignals%%2F", encoded(a, *token));
	r = aws_client_call(rb->aws, &q, a, &res, e);
	if (r < 0)
		return r;
	x = xml_parse(a, res.body, e);
	if (!x)
		return e->code;
	for (const struct xml *o = x->child; o && r == 0; o = o->next) {
		if (!view_eq(o->name, VIEW("Contents")))
			continue;
		rb->raw_objects++;
		r = raw_object(rb, c, arena_str(a, xml_get_text(o, "Key")), e);
	}
	*token = xml_get_text(x, "NextContinuationToken");
	return r;
}

static int raw_all(struct readback *rb, struct counted *c, struct err *e)
{
	struct arena a;
	struct view token = VIEW_NONE;
	int r;

	arena_init(&a, LIMIT_ARENA);
	rb->raw_objects = 0;
	for (size_t i = 0; i < rb->n; i++) {
		rb->findings[i].raw = rb->findings[i].raw_distinct = 0;
		for (size_t k = 0; k < rb->tablets[i].person->n_streams; k++)
			memset(c[i].seen[k], 0, rb->tablets[i].person->streams[k].records);
	}
	do
		r = raw_page(rb, c, &token, &a, e);
	while (r == 0 && token.n);
	arena_clear(&a);
	return r;
}

static bool raw_is_whole(const struct readback *rb)
{
	for (size_t i = 0; i < rb->n; i++)
		if (rb->findings[i].raw != rb->findings[i].sent + rb->findings[i].duplicates)
			return false;
	return true;
}

/* Raw keeps every record that was accepted, repetitions too: sent once each + what the ledger refused as duplicates. */
void readback__raw(struct readback *rb)
{
	struct counted *c = ARENA_ARRAY(&rb->arena, struct counted, rb->n);
	int64_t end = clock_mono_ns() + RAW_WAIT_S * 1000000000LL;
	struct err e = { 0 };
	int r;

	for (size_t i = 0; i < rb->n; i++)
		for (size_t k = 0; k < rb->tablets[i].person->n_streams; k++)
			c[i].seen[k] = arena_alloc(&rb->arena, rb->tablets[i].person->streams[k].records + 1);
	while ((r = raw_all(rb, c, &e)) == 0 && !raw_is_whole(rb) && clock_mono_ns() < end)
		tablet__sleep_ms(300); /* delivery may be a moment behind */
	if (r < 0)
		problem_of_all(rb, "raw objects", &e);
	for (size_t i = 0; r == 0 && i < rb->n; i++) {
		const struct finding *f = &rb->findings[i];

		if (f->raw_distinct != f->sent || f->raw != f->sent + f->duplicates)
			readback__problem(rb, i, "the raw bucket has %" PRIu64 " of its records (%" PRIu64 " different ones), expected %" PRIu64
					  " (%" PRIu64 ")", f->raw, f->raw_distinct, f->sent + f->duplicates, f->sent);
	}
}

/* --- SQL --- */

/* Rows of @sql, each to @row, which has at least @columns fields. */
static int query(struct readback *rb, const char *sql, int columns,
		 void (*row)(struct readback *rb, size_t person, const struct view *f), struct err *e)
{
	struct view csv, f[8];
	int n, r = aws_client_query(rb->aws, "audience", sql, PROBE_OUTPUT, QUERY_MS, &rb->arena, &csv, e);

	if (r < 0)
		return r;
	must(columns <= (int)ARRAY_LEN(f));
	n = csv_record(&csv, &rb->arena, f, columns); /* the header */
	while ((n = csv_record(&csv, &rb->arena, f, columns)) == columns)
		for (size_t i = 0; i < rb->n; i++)
			if (view_eq_str(f[0], rb->tablets[i].person->id))
				row(rb, i, f);
	return n ? err_set(e, ERR_CORRUPT, "the query's result is broken") : 0;
}

struct sum {
	uint64_t samples;
	int64_t sum;
};

static struct sum sum_sent(const struct tablet *t, size_t k, size_t channel)
{
	const struct stream *s = &t->person->streams[k];
	struct sum sum = { 0, 0 };

	for (size_t i = 0; i < s->n; i++)
		if (tablet_sends(t, k, (uint32_t)(i / s->record_samples))) {
			sum.samples++;
			sum.sum += s->raw[channel] ? s->raw[channel][i] : s->dev->zero;
		}
	return sum;
}

/* One channel: measurement, stream, channel, records, samples, sum of counts. */
static void on_channel(struct readback *rb, size_t i, const struct view *f)
{
	const struct tablet *t = &rb->tablets[i];
	uint64_t records = 0, n = 0;
	int64_t total = 0;

	for (size_t k = 0; k < t->person->n_streams; k++) {
		const struct stream *s = &t->person->streams[k];

		for (size_t c = 0; view_eq_str(f[1], s->id) && c < s->dev->channels; c++) {
			struct sum sent = sum_sent(t, k, c);

			if (!view_eq_str(f[2], stream_channel_name(s, c, &rb->arena)))
				continue;
			if (!view_u64(f[3], UINT64_MAX, &records) || !view_u64(f[4], UINT64_MAX, &n) || !view_i64(f[5], &total) ||
			    n != sent.samples || total != sent.sum || records != s->records - t->plans[k].n_dropped)
				readback__problem(rb, i, "SQL has %.*s records, %.*s samples, sum %.*s of channel %.*s; sent were %" PRIu64
						  ", %" PRIu64 ", %" PRId64, VIEW_ARG(f[3]), VIEW_ARG(f[4]), VIEW_ARG(f[5]),
						  VIEW_ARG(f[2]), (uint64_t)(s->records - t->plans[k].n_dropped), sent.samples, sent.sum);
			rb->findings[i].samples_sql += n;
			rb->findings[i].rows_records += c == 0 ? records : 0;
		}
	}
}

void readback__sql(struct readback *rb)
{
	struct err e = { 0 };
	int r = query(rb,
		      arena_printf(&rb->arena,
				   "SELECT measurement_id, stream_id, channel, count(DISTINCT seq) AS records, count(*) AS samples, "
				   "sum(v) AS total FROM audience.sensor CROSS JOIN UNNEST(\"values\") AS t(v) "
				   "WHERE screening_id = '%s' GROUP BY measurement_id, stream_id, channel", rb->show->screening),
		      6, on_channel, &e);

	if (r < 0) {
		problem_of_all(rb, "SQL over audience.sensor", &e);
		return;
	}
	for (size_t i = 0; i < rb->n; i++) {
		const struct finding *f = &rb->findings[i];

		if (f->samples_sql != f->samples_sent || f->rows_records != f->sent)
			readback__problem(rb, i, "SQL has %" PRIu64 " samples of %" PRIu64 " records; sent were %" PRIu64 " of %" PRIu64,
					  f->samples_sql, f->rows_records, f->samples_sent, f->sent);
	}
}

/* --- meta --- */

/* A row of meta: measurement, modality, rows, SHA-256 of one. */
static void on_meta(struct readback *rb, size_t i, const struct view *f)
{
	struct tablet *t = &rb->tablets[i];
	struct finding *x = &rb->findings[i];
	uint64_t rows = 0, streams = 0;

	(void)view_u64(f[2], UINT64_MAX, &rows);
	for (size_t k = 0; k < TABLET_FILES; k++)
		if (view_eq_str(f[1], t->files[k].modality)) {
			x->verified[k] = rows == 1 && view_eq_str(f[3], t->files[k].sha256);
			return;
		}
	for (size_t k = 0; k < t->person->n_streams; k++)
		streams += view_eq_str(f[1], t->person->streams[k].dev->modality);
	x->verified[PART_BIOSIGNALS] |= rows == streams;
	if (rows != streams)
		readback__problem(rb, i, "audience.meta has %" PRIu64 " rows of %.*s, expected %" PRIu64, rows, VIEW_ARG(f[1]), streams);
}

void readback__meta(struct readback *rb)
{
	static const char *const names[PARTS] = { "signature", "profile", "video", "bio-signals" };
	struct err e = { 0 };
	int r;

	for (size_t i = 0; i < rb->n; i++)
		if (!rb->findings[i].dropped)
			memset(rb->findings[i].verified, 0, sizeof(rb->findings[i].verified));
	r = query(rb,
		  arena_printf(&rb->arena, "SELECT measurement_id, modality, count(*) AS n, max(raw_sha256) AS sha FROM audience.meta "
					   "WHERE screening_id = '%s' GROUP BY measurement_id, modality", rb->show->screening),
		  4, on_meta, &e);
	if (r < 0)
		problem_of_all(rb, "SQL over audience.meta", &e);
	for (size_t i = 0; r == 0 && i < rb->n; i++)
		for (size_t k = 0; k < PARTS && !rb->findings[i].dropped; k++)
			if (!rb->findings[i].verified[k])
				readback__problem(rb, i, "%s is not verified once in audience.meta", names[k]);
}
