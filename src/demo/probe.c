/* SPDX-License-Identifier: Apache-2.0 */
/* probe: the same small query until the record is there. */
#include "demo/probe.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "demo/csv.h"
#include "demo/tablet_int.h"
#include "os/clock.h"

#define QUERY_MS 30000
#define EVERY_MS 50
#define GIVE_UP_S 20

void probe_init(struct probe *p, struct show *s, struct tablet *tablets, size_t n)
{
	*p = (struct probe){ .show = s, .tablets = tablets, .n_tablets = n };
	p->aws = aws_client_new(&s->conn);
}

void probe_clear(struct probe *p)
{
	p->aws = aws_client_free(p->aws);
}

static bool stopped(const struct probe *p)
{
	return atomic_load(&p->stop) || atomic_load(&p->show->stop);
}

/* 1: the query sees the record; 0: not yet; negative: no answer. */
static int visible(struct probe *p, const char *stream, uint32_t seq)
{
	struct err e = { 0 };
	struct view csv, f;
	struct arena a;
	int r;

	arena_init(&a, 16 * MIB);
	p->queries++;
	r = aws_client_query(p->aws, "audience",
			     arena_printf(&a, "SELECT count(*) AS n FROM audience.sensor WHERE screening_id = '%s' AND stream_id = '%s' "
					      "AND seq = %" PRIu32, p->show->screening, stream, seq),
			     PROBE_OUTPUT, QUERY_MS, &a, &csv, &e);
	if (r < 0)
		snprintf(p->last_error, sizeof(p->last_error), "%s", e.msg);
	else
		r = csv_record(&csv, &a, &f, 1) == 1 && csv_record(&csv, &a, &f, 1) == 1 && !view_eq(f, VIEW("0"));
	arena_clear(&a);
	return r;
}

static void one(struct probe *p, struct tablet *t)
{
	int64_t acked_ns, since = clock_mono_ns();
	const char *stream;
	uint32_t seq;
	int r;

	lock_take(&t->lock);
	stream = t->person->streams[t->acked_stream].id;
	seq = t->acked_seq;
	acked_ns = t->acked_ns;
	lock_drop(&t->lock);
	/* Only one that was acknowledged just now: the time before the first query would be ours. */
	if (!acked_ns || clock_ns() - acked_ns > 150000000)
		return;
	while (!stopped(p) && clock_mono_ns() - since < GIVE_UP_S * 1000000000LL) {
		r = visible(p, stream, seq);
		if (r < 0)
			return; /* the server was away: the time would not be the lake's */
		if (r > 0 && p->n < PROBE_MAX) {
			p->ms[p->n++] = (double)(clock_ns() - acked_ns) / 1e6;
			return;
		}
		tablet__sleep_ms(EVERY_MS);
	}
}

void *probe_run(void *probe)
{
	struct probe *p = probe;

	for (size_t i = 0; !stopped(p); i++) {
		one(p, &p->tablets[i % p->n_tablets]);
		tablet__sleep_ms(10);
	}
	return NULL;
}
