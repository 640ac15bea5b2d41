/* SPDX-License-Identifier: Apache-2.0 */
/* signals: live samples of one measurement as server-sent events. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "console/console_int.h"
#include "os/clock.h"

#define WAITING_MAX (4UL * MIB) /* bytes waiting for a slow viewer; over it records are left out, and it is told */
#define WRITE_MS 5000
#define BEAT_MS 10000
#define STREAMS_MAX 512

struct viewer {
	struct console *c;
	struct http_stream *stream;
	struct measure_sub *sub;
	struct lock lock;
	struct cond wake;
	struct buf waiting;
	unsigned left_out;
};

static bool on_json(void *arg, struct view json)
{
	struct viewer *v = arg;

	LOCK_SCOPE(&v->lock);
	if (v->waiting.n + json.n + 64 > WAITING_MAX) {
		v->left_out++;
		return true;
	}
	buf_add_str(&v->waiting, "event: samples\ndata: ");
	buf_add_view(&v->waiting, json);
	buf_add_str(&v->waiting, "\n\n");
	cond_signal(&v->wake);
	return true;
}

static bool stopping(struct console *c)
{
	LOCK_SCOPE(&c->lock);
	return c->stopping;
}

/* Moves what waits into @out; a comment line when nothing came for a while, so that a dead peer is noticed. */
static void take(struct viewer *v, struct buf *out)
{
	LOCK_SCOPE(&v->lock);
	if (!v->waiting.n && !v->left_out)
		(void)cond_wait_until(&v->wake, &v->lock, clock_mono_ns() + 200 * 1000000LL);
	buf_add_view(out, buf_view(&v->waiting));
	buf_reset(&v->waiting);
	if (v->left_out)
		buf_printf(out, "event: gap\ndata: {\"records\": %u}\n\n", v->left_out);
	v->left_out = 0;
}

static void *serve(void *arg)
{
	struct viewer *v = arg;
	struct err e = { 0 };
	struct buf out;
	int64_t wrote = clock_mono_ns();
	int r = 0;

	buf_init(&out, WAITING_MAX + KIB);
	while (r == 0 && !stopping(v->c) && !http_stream_gone(v->stream)) {
		take(v, &out);
		if (!out.n && clock_mono_ns() - wrote > BEAT_MS * 1000000LL)
			buf_add_str(&out, ": still here\n\n");
		if (!out.n)
			continue;
		r = http_stream_write(v->stream, buf_view(&out), WRITE_MS, &e);
		wrote = clock_mono_ns();
		buf_reset(&out);
	}
	measure_unsubscribe(v->c->o.measure, v->sub);
	http_stream_end(v->stream, true);
	buf_clear(&out);
	buf_clear(&v->waiting);
	lock_take(&v->c->lock);
	v->c->streams--;
	cond_broadcast(&v->c->changed);
	lock_drop(&v->c->lock);
	cond_clear(&v->wake);
	lock_clear(&v->lock);
	free(v);
	return NULL;
}

void console__signals(struct console *c, struct http_req *r)
{
	static const struct http_header h[] = { { "Content-Type", "text/event-stream" }, { "Cache-Control", "no-store" } };
	const char *id = console__param(r, "measurement");
	struct viewer *v;
	bool full;

	if (!id || strlen(id) > 63) {
		console__error(r, 400, "ValidationException", "measurement: an id is expected");
		return;
	}
	lock_take(&c->lock);
	full = c->stopping || c->streams >= STREAMS_MAX;
	c->streams += !full;
	lock_drop(&c->lock);
	if (full) {
		console__error(r, 503, "ServiceUnavailable", "too many viewers; try again later");
		return;
	}
	v = calloc(1, sizeof(*v));
	must(v);
	v->c = c;
	lock_init(&v->lock, "viewer");
	cond_init(&v->wake);
	buf_init(&v->waiting, WAITING_MAX);
	/* Subscribed before the answer begins: who has the answer misses nothing that comes after it. */
	v->sub = measure_subscribe(c->o.measure, id, on_json, v);
	v->stream = http_answer_stream(r, &(struct http_answer){ 200, h, ARRAY_LEN(h) }, -1);
	lock_take(&v->lock);
	buf_add_str(&v->waiting, ": mulgil\n\n");
	lock_drop(&v->lock);
	pthread_t t = thread_start("signals", serve, v);

	pthread_detach(t);
}

void console__signals_stop(struct console *c)
{
	LOCK_SCOPE(&c->lock);
	c->stopping = true;
	while (c->streams)
		cond_wait(&c->changed, &c->lock);
}
