/* SPDX-License-Identifier: Apache-2.0 */
/* replay_send: one tablet: its begin manifest, then each record when it is due, again until it is acknowledged. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/time.h"
#include "data/envelope.h"
#include "data/layout.h"
#include "demo/replay.h"
#include "os/clock.h"

#define BATCH_RECORDS 100
#define TRIES 200
#define PAUSE_NS 50000000

static void sleep_until(int64_t mono_ns)
{
	const struct timespec ts = { mono_ns / 1000000000, mono_ns % 1000000000 };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Tablets do not beat in time: each begins at its own part of the first record. */
int64_t replay_due_ns(const struct replay_tablet *t, const struct replay_stream *s, uint32_t seq)
{
	double own = s->from->record_s * (double)(t->number * 7919 % 1000) / 1000;

	return t->r->start_ns + (int64_t)((own + (double)(seq + 1) * s->from->record_s) * 1e9);
}

/* --- the begin manifest --- */

static const char *begin_text(const struct replay_tablet *t, const char *place, struct arena *a)
{
	struct json *o = json_new_obj(a), *streams = json_new_arr(a);

	json_set_int(a, o, "v", 1);
	json_set_str(a, o, "measurement", t->id);
	json_set_str(a, o, "screening", t->r->screening);
	json_set_str(a, o, "subject", arena_printf(a, "p-%04zu", t->number + 1));
	json_set_str(a, o, "content", "replay");
	json_set_str(a, o, "content_version", "1");
	json_set_str(a, o, "started_at_ns", arena_printf(a, "%" PRId64, t->r->start_ns + t->r->wall_ns));
	json_set_str(a, o, "place", place);
	json_set(a, o, "files", json_new_arr(a));
	for (size_t i = 0; i < t->n_streams; i++) {
		const struct stream *s = t->streams[i].from->stream;
		struct json *x = json_new_obj(a);

		json_set_str(a, x, "stream", t->streams[i].id);
		json_set_str(a, x, "modality", s->dev->modality);
		json_set_str(a, x, "layout", s->dev->layout);
		json_set_str(a, x, "device_model", s->dev->model);
		json_set(a, x, "rate", json_new_num(a, s->rate));
		json_push(a, streams, x);
	}
	json_set(a, o, "streams", streams);
	return json_text(a, o);
}

static int announce(struct replay_tablet *t, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	char day[TIME_TEXT];
	const char *place;

	arena_init(&a, LIMIT_ARENA);
	time_iso(clock_ms(), day);
	place = arena_printf(&a, "dt=%.10s/screening=%s/subject=p-%04zu/measurement=%s", day, t->r->screening, t->number + 1, t->id);
	return aws_client_put(t->aws, t->r->raw, arena_printf(&a, "v1/manifest/%s/_begin.json", place), "application/json",
			      view_str(begin_text(t, place, &a)), &a, e);
}

/* --- records --- */

struct due {
	struct replay_stream *s;
	uint32_t seq;
	int64_t due_ns;
	bool done;
};

/* What is due by now, in the order of its time as far as one stream goes. */
static size_t collect(struct replay_tablet *t, int64_t now, struct due *v)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_streams; i++) {
		struct replay_stream *s = &t->streams[i];

		for (; n < BATCH_RECORDS && s->next < s->n && replay_due_ns(t, s, s->next) <= now; s->next++)
			v[n++] = (struct due){ s, s->next, replay_due_ns(t, s, s->next), false };
	}
	return n;
}

static int64_t next_due(const struct replay_tablet *t)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < t->n_streams; i++) {
		const struct replay_stream *s = &t->streams[i];

		if (s->next < s->n && replay_due_ns(t, s, s->next) < next)
			next = replay_due_ns(t, s, s->next);
	}
	return next;
}

static void add_record(const struct replay_tablet *t, const struct due *d, struct buf *body, struct buf *scratch)
{
	const struct replay_source *from = d->s->from;
	struct envelope env = { .version = ENVELOPE_VERSION, .layout = layout_catalog_number(view_str(from->stream->dev->layout)),
				.seq = d->seq, .t_tablet_ns = d->due_ns + t->r->wall_ns, .payload = from->payloads[d->seq % from->n] };
	char *at;

	memcpy(env.stream, d->s->id_bytes, sizeof(env.stream));
	buf_reset(scratch);
	envelope_build(scratch, &env);
	buf_add_str(body, "{\"Data\":\"");
	at = buf_reserve(body, base64_len(scratch->n));
	must(at);
	base64_encode(at, scratch->p, scratch->n);
	body->n += base64_len(scratch->n);
	buf_add_str(body, "\"}");
	atomic_fetch_add(&t->r->bytes, env.payload.n);
}

static int take_answer(struct replay_tablet *t, struct due **sent, size_t n, struct view body, struct arena *a, struct err *e)
{
	bool whole = view_find(body, VIEW("\"FailedPutCount\":0,")) >= 0; /* thousands a second: not looked at one by one */
	const struct json *doc = whole ? NULL : json_parse(a, body, JSON_DEPTH, e), *all = json_get(doc, "RequestResponses");
	int64_t now = clock_mono_ns();

	if (!whole && (!doc || json_len(all) != n))
		return e->code ? e->code : err_set(e, ERR_CORRUPT, "PutRecordBatch: %zu answers to %zu records", json_len(all), n);
	for (size_t i = 0; i < n; i++) {
		if (!whole && !json_get_str(json_at(all, i), "RecordId").n) {
			atomic_fetch_add(&t->r->refused, 1);
			continue;
		}
		sent[i]->done = true;
		hist_add(t->acked, now - sent[i]->due_ns);
		atomic_store(&sent[i]->s->acked[sent[i]->seq].ns, now);
		atomic_fetch_add(&t->r->sent, 1);
	}
	return 0;
}

/* Sends those of @v that are not done. */
static int send_once(struct replay_tablet *t, const char *id, struct due *v, size_t n, struct buf *body, struct buf *scratch,
		     struct err *e)
{
	const struct sign_header headers[] = { { "amz-sdk-invocation-id", id },
					       { "content-type", "application/x-amz-json-1.1" },
					       { "x-amz-target", "Firehose_20150804.PutRecordBatch" } };
	struct due *sent[BATCH_RECORDS];
	struct http_result res;
	struct arena a;
	size_t k = 0;
	int r;

	arena_init(&a, LIMIT_ARENA);
	buf_reset(body);
	buf_printf(body, "{\"DeliveryStreamName\":\"%s\",\"Records\":[", t->r->delivery);
	for (size_t i = 0; i < n; i++) {
		if (v[i].done)
			continue;
		buf_add_str(body, k ? "," : "");
		add_record(t, &v[i], body, scratch);
		sent[k++] = &v[i];
	}
	buf_add_str(body, "]}");
	r = aws_client_call(t->aws, &(struct aws_request){ .service = "firehose", .headers = headers, .n_headers = 3,
							   .body = buf_view(body), .timeout_ms = 20000 },
			    &a, &res, e);
	if (r == 0)
		r = take_answer(t, sent, k, res.body, &a, e);
	arena_clear(&a);
	return r;
}

static bool all_done(const struct due *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!v[i].done)
			return false;
	return true;
}

static int send_all(struct replay_tablet *t, struct due *v, size_t n, struct buf *body, struct buf *scratch, struct err *e)
{
	char id[UUID_TEXT]; /* what was not answered is sent again under the same one, as SDKs do it */
	int r = 0;

	for (int tries = 0; tries < TRIES && !atomic_load(&t->r->stop); tries++) {
		err_clear(e);
		if (r == 0)
			uuid4(id);
		r = send_once(t, id, v, n, body, scratch, e);
		if (r == 0 && all_done(v, n))
			return 0;
		if (r == ERR_INVALID || r == ERR_DENIED || r == ERR_NOENT)
			return r;
		atomic_fetch_add(&t->r->trouble, 1);
		sleep_until(clock_mono_ns() + PAUSE_NS);
	}
	return r ? r : err_set(e, ERR_BUSY, "the delivery stream takes no more records");
}

static int play(struct replay_tablet *t, struct err *e)
{
	struct due v[BATCH_RECORDS];
	struct buf body, scratch;
	int r = 0;

	buf_init(&body, 16 * MIB);
	buf_init(&scratch, LIMIT_RECORD);
	while (r == 0 && !atomic_load(&t->r->stop)) {
		int64_t next = next_due(t);
		size_t n;

		if (next == INT64_MAX)
			break;
		sleep_until(next);
		n = collect(t, clock_mono_ns(), v);
		r = send_all(t, v, n, &body, &scratch, e);
	}
	buf_clear(&body);
	buf_clear(&scratch);
	return r;
}

void *replay_send(void *tablet)
{
	struct replay_tablet *t = tablet;
	struct err e = { 0 };
	int r = announce(t, &e);

	atomic_fetch_add(&t->r->ready, 1);
	if (r == 0)
		r = play(t, &e);
	if (r < 0)
		snprintf(t->failed, sizeof(t->failed), "%s", e.msg);
	atomic_fetch_add(&t->r->played, 1);
	return NULL;
}
