/* SPDX-License-Identifier: Apache-2.0 */
/* tablet_send: records when their time has come, in batches, again until each is acknowledged. */
#include <inttypes.h>
#include <math.h>

#include "base/base64.h"
#include "base/limits.h"
#include "data/envelope.h"
#include "data/layout.h"
#include "demo/tablet_int.h"
#include "os/clock.h"

#define TICK_MS 100
#define BATCH_RECORDS 500 /* Firehose's own limits */
#define BATCH_BYTES (3 * MIB)

struct item {
	size_t stream;
	uint32_t seq;
	bool done;
};

/* Due is what the sensor has measured by now. */
static bool due(const struct tablet *t, size_t i, double played_s)
{
	const struct stream *s = &t->person->streams[i];
	const struct plan *p = &t->plans[i];
	uint32_t seq = p->seq[t->next[i]], most = seq > t->most[i] ? seq : t->most[i];
	double samples = fmin((double)(most + 1) * (double)s->record_samples, (double)s->n);

	return samples / s->rate <= played_s + 1e-9;
}

static size_t collect(struct tablet *t, double played_s, struct item *items, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < t->person->n_streams; i++)
		while (n < max && t->next[i] < t->plans[i].n && due(t, i, played_s)) {
			uint32_t seq = t->plans[i].seq[t->next[i]++];

			t->most[i] = seq > t->most[i] ? seq : t->most[i];
			items[n++] = (struct item){ i, seq, false };
		}
	return n;
}

static int add_record(struct tablet *t, const struct item *it, struct buf *body, struct buf *scratch, struct err *e)
{
	const struct stream *s = &t->person->streams[it->stream];
	int64_t *stamp = &t->stamps[it->stream][it->seq];
	struct envelope env = { .version = ENVELOPE_VERSION, .layout = layout_catalog_number(view_str(s->dev->layout)),
				.seq = it->seq };
	struct buf payload;
	size_t samples;
	char *at;
	int r;

	if (!*stamp)
		*stamp = clock_ns();
	env.t_tablet_ns = *stamp;
	memcpy(env.stream, s->id_bytes, sizeof(env.stream));
	buf_init(&payload, LIMIT_RECORD);
	r = stream_payload(s, it->seq, &payload, &samples, e);
	env.payload = buf_view(&payload);
	buf_reset(scratch);
	envelope_build(scratch, &env);
	buf_clear(&payload);
	buf_add_str(body, "{\"Data\":\"");
	at = buf_reserve(body, base64_len(scratch->n));
	if (at) {
		base64_encode(at, scratch->p, scratch->n);
		body->n += base64_len(scratch->n);
	}
	buf_add_str(body, "\"}");
	return r;
}

static void acknowledged(struct tablet *t, struct item *it)
{
	it->done = true;
	t->accepted[it->stream]++;
	atomic_fetch_add(&t->show->sent, 1);
	lock_take(&t->lock);
	t->acked_stream = it->stream;
	t->acked_seq = it->seq;
	t->acked_ns = clock_ns();
	lock_drop(&t->lock);
}

/* Marks what the answer acknowledges; *ret_left: how many it does not. */
static int take_answer(struct tablet *t, struct item **sent, size_t n, struct view body, struct arena *a, size_t *ret_left,
		       struct err *e)
{
	const struct json *doc = json_parse(a, body, JSON_DEPTH, e), *all = json_get(doc, "RequestResponses");
	size_t left = 0;

	if (!doc || json_len(all) != n)
		return e->code ? e->code : err_set(e, ERR_CORRUPT, "PutRecordBatch: %zu answers to %zu records", json_len(all), n);
	for (size_t i = 0; i < n; i++) {
		if (json_get_str(json_at(all, i), "RecordId").n)
			acknowledged(t, sent[i]);
		else
			left++;
	}
	*ret_left = left;
	return 0;
}

/* Sends as many of the @n items that are not done as one batch takes. */
static int send_batch(struct tablet *t, const char *id, struct item *items, size_t n, size_t *ret_left, struct err *e)
{
	const struct sign_header headers[] = { { "amz-sdk-invocation-id", id },
					       { "content-type", "application/x-amz-json-1.1" },
					       { "x-amz-target", "Firehose_20150804.PutRecordBatch" } };
	struct item *sent[BATCH_RECORDS];
	struct http_result res;
	struct arena a;
	struct buf body, scratch;
	size_t k = 0, left = 0;
	int r = 0;

	arena_init(&a, LIMIT_ARENA);
	buf_init(&body, 2 * BATCH_BYTES);
	buf_init(&scratch, LIMIT_RECORD);
	buf_printf(&body, "{\"DeliveryStreamName\":\"%s\",\"Records\":[", t->show->delivery);
	for (size_t i = 0; i < n && r == 0 && k < BATCH_RECORDS && body.n < BATCH_BYTES; i++) {
		if (items[i].done)
			continue;
		buf_add_str(&body, k ? "," : "");
		r = add_record(t, &items[i], &body, &scratch, e);
		sent[k++] = &items[i];
	}
	buf_add_str(&body, "]}");
	if (r == 0)
		r = buf_check(&body, "batch", e);
	if (r == 0)
		r = aws_client_call(t->aws, &(struct aws_request){ .service = "firehose", .headers = headers, .n_headers = 3,
								   .body = buf_view(&body), .timeout_ms = 20000 },
				    &a, &res, e);
	if (r == 0)
		r = take_answer(t, sent, k, res.body, &a, &left, e);
	buf_clear(&body);
	buf_clear(&scratch);
	arena_clear(&a);
	*ret_left = left;
	return r;
}

static int send_all(struct tablet *t, struct item *items, size_t n, struct err *e)
{
	struct patience w = { 0 };
	size_t at = 0, left;
	char id[UUID_TEXT]; /* as SDKs do it: what was not answered is sent again under the same one */
	bool again = false;

	while (at < n) {
		int r;

		if (!again)
			uuid4(id);
		r = send_batch(t, id, items + at, n - at, &left, e);
		again = r < 0;

		while (at < n && items[at].done)
			at++;
		if (r == 0 && !left)
			continue;
		atomic_store(&t->trouble, true);
		if (!tablet__again(t, &w, r < 0 ? r : ERR_BUSY, e))
			return r < 0 ? r : err_set(e, ERR_BUSY, "the delivery stream takes no more records");
	}
	if (atomic_load(&t->trouble)) {
		atomic_store(&t->calm_ns, clock_ns());
		atomic_store(&t->trouble, false);
	}
	return 0;
}

static bool all_sent(const struct tablet *t)
{
	for (size_t i = 0; i < t->person->n_streams; i++)
		if (t->next[i] < t->plans[i].n)
			return false;
	return true;
}

int tablet__play(struct tablet *t, struct err *e)
{
	double factor = t->person->seconds / tablet_seconds(t->show, t->person); /* signal seconds per second */
	struct item *items = ARENA_ARRAY(&t->arena, struct item, 4 * BATCH_RECORDS);
	int64_t t0 = clock_mono_ns();

	while (!all_sent(t)) {
		double now_s = (double)(clock_mono_ns() - t0) / 1e9;
		size_t n = collect(t, now_s * factor, items, 4 * BATCH_RECORDS);
		int r = send_all(t, items, n, e);

		if (r < 0)
			return err_ctx(e, "sending records");
		if (atomic_load(&t->show->stop))
			return err_set(e, ERR_CANCELLED, "stopped");
		if (n < 4 * BATCH_RECORDS && !all_sent(t))
			tablet__sleep_ms(TICK_MS);
	}
	return 0;
}
