/* SPDX-License-Identifier: Apache-2.0 */
/* replay_view: who watches one measurement's live signals, at once or slowly. */
#include <time.h>

#include "base/limits.h"
#include "demo/replay.h"
#include "os/clock.h"

#define CALL_MS 3600000
#define AGAIN_NS 20000000
#define SLOW_NS 1000000000

static void pause_ns(long ns)
{
	const struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	(void)nanosleep(&ts, NULL);
}

/* The text behind @name and its colon, up to what ends a number or a string. */
static struct view member(struct view doc, struct view name)
{
	ptrdiff_t at = view_find(doc, name);
	struct view v = at < 0 ? VIEW_NONE : view_from(doc, (size_t)at + name.n);
	size_t n = 0;

	while (n < v.n && v.p[n] >= '0' && v.p[n] <= '9')
		n++;
	return view_sub(v, 0, n);
}

/* Documents are ours and there are thousands a second: looked at without a parser. */
static void on_event(struct replay_viewer *v, struct view doc, int64_t now_ns)
{
	int64_t stamp;

	if (!view_i64(member(doc, VIEW("\"t_tablet_ns\":\"")), &stamp))
		return;
	v->seen++;
	hist_add(v->live, now_ns - stamp);
}

static int on_piece(void *arg, struct view piece)
{
	struct replay_viewer *v = arg;
	int64_t now_ns = clock_ns();
	bool samples = true;
	size_t used = 0;
	struct view rest;

	atomic_store(&v->there, true);
	if (v->slow) {
		pause_ns(SLOW_NS);
		return atomic_load(&v->tablet->r->stop);
	}
	buf_add_view(&v->text, piece);
	rest = buf_view(&v->text);
	for (ptrdiff_t at; (at = view_chr(rest, '\n')) >= 0; rest = view_from(rest, (size_t)at + 1)) {
		struct view line = view_sub(rest, 0, (size_t)at);

		if (view_starts(line, VIEW("event:"))) {
			samples = view_ends(view_trim(line), VIEW(" samples"));
			v->gaps += view_ends(view_trim(line), VIEW(" gap"));
		} else if (samples && view_starts(line, VIEW("data:"))) {
			on_event(v, line, now_ns);
		}
		used += (size_t)at + 1;
	}
	buf_consume(&v->text, used);
	return v->text.over || atomic_load(&v->tablet->r->stop);
}

void *replay_view(void *viewer)
{
	struct replay_viewer *v = viewer;
	struct replay *r = v->tablet->r;
	struct aws_client *aws = aws_client_new(&r->conn);

	buf_init(&v->text, 16 * MIB);
	while (!atomic_load(&r->stop)) {
		struct err e = { 0 };
		struct http_result res;
		struct arena a;

		arena_init(&a, MIB);
		buf_reset(&v->text);
		v->breaks += aws_client_call(aws, &(struct aws_request){ .service = "mulgil", .method = "GET", .path = "/-/signals",
									 .query = arena_printf(&a, "measurement=%s", v->tablet->id),
									 .sink = on_piece, .sink_arg = v, .timeout_ms = CALL_MS },
					     &a, &res, &e) < 0;
		arena_clear(&a);
		if (!atomic_load(&r->stop))
			pause_ns(AGAIN_NS);
	}
	buf_clear(&v->text);
	aws_client_free(aws);
	return NULL;
}
