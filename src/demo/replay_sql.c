/* SPDX-License-Identifier: Apache-2.0 */
/* replay_sql: from when on a query shows a record. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/map.h"
#include "demo/csv.h"
#include "demo/replay.h"
#include "os/clock.h"

#define QUERY_MS 60000
#define PAUSE_NS 20000000

/* Records of @s below @until have come into sight in a query that was started at @began. */
static void seen(struct replay_query *q, struct replay_stream *s, uint32_t until, int64_t began)
{
	for (; s->shown < until && s->shown < s->n; s->shown++) {
		int64_t acked = atomic_load(&s->acked[s->shown].ns);

		if (acked) /* 0: SQL was quicker than the answer to the tablet */
			hist_add(q->visible, began - acked);
		else
			hist_add(q->visible, 0);
	}
}

static int ask(struct replay_query *q, struct aws_client *aws, const struct map *streams, struct err *e)
{
	struct replay *r = q->r;
	int64_t began = clock_mono_ns();
	struct view csv, f[2];
	struct arena a;
	int n;

	arena_init(&a, GIB);
	n = aws_client_query(aws, r->database,
			     arena_printf(&a, "SELECT stream_id, max(seq) FROM sensor WHERE screening_id = '%s' GROUP BY stream_id",
					  r->screening),
			     REPLAY_OUTPUT, QUERY_MS, &a, &csv, e);
	if (n == 0) {
		hist_add(q->took, clock_mono_ns() - began);
		n = csv_record(&csv, &a, f, 2); /* the names */
	}
	while (n >= 0 && csv.n && (n = csv_record(&csv, &a, f, 2)) > 0) {
		struct replay_stream *s = map_get(streams, f[0]);
		uint64_t seq;

		if (s && view_u64(f[1], UINT32_MAX - 1, &seq))
			seen(q, s, (uint32_t)seq + 1, began);
	}
	arena_clear(&a);
	return n < 0 ? n : 0;
}

static void failed(struct replay_query *q, const struct err *e)
{
	q->failed++;
	snprintf(q->error, sizeof(q->error), "%s", e->msg);
}

void *replay_query(void *query)
{
	static const struct timespec pause = { 0, PAUSE_NS };
	struct replay_query *q = query;
	struct aws_client *aws = aws_client_new(&q->r->conn);
	struct map streams;

	map_init(&streams);
	for (size_t i = 0; i < q->r->n; i++)
		for (size_t k = 0; k < q->r->tablets[i].n_streams; k++)
			map_put(&streams, view_str(q->r->tablets[i].streams[k].id), &q->r->tablets[i].streams[k]);
	while (!atomic_load(&q->r->stop)) {
		struct err e = { 0 };

		q->queries++;
		if (ask(q, aws, &streams, &e) < 0)
			failed(q, &e);
		(void)nanosleep(&pause, NULL);
	}
	map_clear(&streams);
	aws_client_free(aws);
	return NULL;
}

void *replay_beside(void *query)
{
	struct replay_query *q = query;
	struct aws_client *aws = aws_client_new(&q->r->conn);

	while (!atomic_load(&q->r->stop)) {
		struct err e = { 0 };
		struct view csv;
		struct arena a;
		int64_t began = clock_mono_ns();

		arena_init(&a, GIB);
		q->queries++;
		if (aws_client_query(aws, q->r->database, q->beside, REPLAY_OUTPUT, 1800000, &a, &csv, &e) < 0)
			failed(q, &e);
		hist_add(q->took, clock_mono_ns() - began);
		arena_clear(&a);
	}
	aws_client_free(aws);
	return NULL;
}
