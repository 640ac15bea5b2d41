/* SPDX-License-Identifier: Apache-2.0 */
/* live: server-sent events of one measurement, and the clock. */
#include "demo/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "demo/tablet_int.h"
#include "os/clock.h"

#define CALL_MS 120000
#define AGAIN_MS 20

void live_init(struct live *l, struct tablet *t)
{
	*l = (struct live){ .tablet = t };
	l->aws = aws_client_new(&t->show->conn);
	buf_init(&l->text, 16 * MIB);
	for (size_t i = 0; i < t->person->n_streams; i++) {
		l->seen[i] = calloc(t->person->streams[i].records + 1, 1);
		must(l->seen[i]);
	}
}

void live_clear(struct live *l)
{
	l->aws = aws_client_free(l->aws);
	buf_clear(&l->text);
	for (size_t i = 0; i < PERSON_STREAMS; i++)
		free(l->seen[i]);
	free(l->ms);
}

static void add(struct live *l, double ms)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 1024;
		l->ms = realloc(l->ms, l->cap * sizeof(*l->ms));
		must(l->ms);
	}
	l->ms[l->n++] = ms;
}

static void on_event(struct live *l, struct view text, int64_t now_ns)
{
	const struct person *p = l->tablet->person;
	struct err e = { 0 };
	struct arena a;
	const struct json *doc;
	struct view id;
	int64_t seq, stamp;

	arena_init(&a, 64 * MIB);
	doc = json_parse(&a, text, JSON_DEPTH, &e);
	id = json_get_str(doc, "stream");
	seq = json_int(json_get(doc, "seq"), -1);
	for (size_t i = 0; i < p->n_streams; i++) {
		if (!view_eq_str(id, p->streams[i].id) || seq < 0 || seq >= p->streams[i].records || l->seen[i][seq])
			continue;
		l->seen[i][seq] = 1;
		l->events++;
		if (view_i64(json_get_str(doc, "t_tablet_ns"), &stamp) && !atomic_load(&l->tablet->trouble) &&
		    stamp > atomic_load(&l->tablet->calm_ns))
			add(l, (double)(now_ns - stamp) / 1e6);
	}
	arena_clear(&a);
}

static int on_piece(void *arg, struct view piece)
{
	struct live *l = arg;
	int64_t now_ns = clock_ns();
	struct view rest, line;
	size_t used = 0;

	atomic_store(&l->there, true);
	buf_add_view(&l->text, piece);
	rest = buf_view(&l->text);
	for (ptrdiff_t at; (at = view_chr(rest, '\n')) >= 0; rest = view_from(rest, (size_t)at + 1)) {
		line = view_sub(rest, 0, (size_t)at);
		if (view_starts(line, VIEW("data:")))
			on_event(l, view_trim(view_from(line, 5)), now_ns);
		used += (size_t)at + 1;
	}
	buf_consume(&l->text, used);
	return l->text.over || atomic_load(&l->tablet->show->stop);
}

void *live_run(void *live)
{
	struct live *l = live;
	struct show *s = l->tablet->show;

	while (!atomic_load(&s->stop)) {
		struct err e = { 0 };
		struct http_result res;
		struct arena a;
		int r;

		arena_init(&a, MIB);
		buf_reset(&l->text);
		r = aws_client_send(l->aws, &(struct aws_request){ .service = "mulgil", .method = "GET", .path = "/-/signals",
								     .query = arena_printf(&a, "measurement=%s", l->tablet->person->id),
								     .sink = on_piece, .sink_arg = l, .timeout_ms = CALL_MS },
				      &a, &res, &e);
		l->breaks += r < 0;
		arena_clear(&a);
		if (!atomic_load(&s->stop))
			tablet__sleep_ms(AGAIN_MS); /* the server was away */
	}
	return NULL;
}

static int by_value(const void *p, const void *q)
{
	double x = *(const double *)p, y = *(const double *)q;

	return (x > y) - (x < y);
}

double live_percentile(double *ms, size_t n, double p)
{
	size_t at;

	if (!n)
		return 0;
	qsort(ms, n, sizeof(*ms), by_value);
	at = (size_t)ceil(p / 100 * (double)n);
	return ms[at ? at - 1 : 0];
}
