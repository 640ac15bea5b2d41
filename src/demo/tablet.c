/* SPDX-License-Identifier: Apache-2.0 */
/* tablet: the course of one measurement, seen from the tablet. */
#include "demo/tablet.h"

#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "demo/tablet_int.h"
#include "os/clock.h"

#define PATIENCE_S 30
#define WATCH_S 60
#define WATCH_MS 25

void tablet__sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	(void)nanosleep(&t, NULL);
}

bool tablet__again(struct tablet *t, struct patience *w, int r, struct err *e)
{
	if (r != ERR_IO && r != ERR_TIMEOUT && r != ERR_INTERNAL && r != ERR_BUSY)
		return false;
	if (!w->deadline_ns) {
		w->deadline_ns = clock_mono_ns() + PATIENCE_S * 1000000000LL;
		w->wait_ms = 20;
	}
	if (atomic_load(&t->show->stop) || clock_mono_ns() > w->deadline_ns)
		return false;
	tablet__sleep_ms(w->wait_ms);
	w->wait_ms = w->wait_ms < 400 ? w->wait_ms * 2 : 500;
	t->retries++;
	err_clear(e);
	return true;
}

double tablet_seconds(const struct show *s, const struct person *p)
{
	return s->speed > 0 ? p->seconds / s->speed : TABLET_SPREAD_S;
}

bool tablet_sends(const struct tablet *t, size_t stream, uint32_t seq)
{
	return !plan_is_dropped(&t->plans[stream], seq);
}

void tablet_init(struct tablet *t, struct show *s, struct person *p, size_t number)
{
	unsigned faults = s->faults;
	struct rng r;

	*t = (struct tablet){ .show = s, .person = p, .number = number, .faulty = (faults & FAULT_DROP) && number % 2 == 0 };
	arena_init(&t->arena, 4 * GIB);
	lock_init(&t->lock, "demo.tablet");
	rng_init(&r, s->seed, 5000 + number);
	if (!t->faulty)
		faults &= ~(unsigned)FAULT_DROP;
	for (size_t i = 0; i < p->n_streams; i++) {
		plan_make(&t->plans[i], p->streams[i].records, faults, &r, &t->arena);
		t->stamps[i] = ARENA_ARRAY(&t->arena, int64_t, p->streams[i].records);
		atomic_fetch_add(&s->to_send, t->plans[i].n);
	}
	t->aws = aws_client_new(&s->conn);
	t->http = http_client_new();
}

void tablet_clear(struct tablet *t)
{
	t->aws = aws_client_free(t->aws);
	t->http = http_client_free(t->http);
	for (size_t i = 0; i < TABLET_FILES; i++)
		buf_clear(&t->files[i].data);
	lock_clear(&t->lock);
	arena_clear(&t->arena);
}

/* Is that object there?  Its text in the tablet's arena. */
static bool get(struct tablet *t, const char *bucket, const char *key, struct view *ret)
{
	struct err e = { 0 };

	return aws_client_get(t->aws, bucket, key, 16 * MIB, &t->arena, ret, &e) == 0;
}

/* From the last byte on: when is the measurement verified, when can its result be read? */
static void watch(struct tablet *t)
{
	const char *id = t->person->id;
	const char *report = arena_printf(&t->arena, "verified/measurement_id=%s/report.json", id);
	const char *result = arena_printf(&t->arena, "result/measurement_id=%s/result.json", id);
	int64_t end = clock_mono_ns() + WATCH_S * 1000000000LL;
	struct err e = { 0 };
	struct view v;

	while (!t->result_ns && clock_mono_ns() < end && !atomic_load(&t->show->stop)) {
		if (!t->verified_ns && get(t, "audience-processed", report, &v))
			t->verified_ns = clock_ns();
		/* An incomplete measurement is not analysed. */
		if (t->faulty && t->verified_ns)
			return;
		if (t->verified_ns && get(t, "audience-analysed", result, &v)) {
			t->result_ns = clock_ns();
			t->result = json_parse(&t->arena, v, JSON_DEPTH, &e);
		} else {
			tablet__sleep_ms(WATCH_MS);
		}
	}
}

static int measure(struct tablet *t, struct err *e)
{
	int r;

	tablet__make_files(t);
	r = tablet__announce(t, e);
	for (size_t i = 0; i < TABLET_FILES && r == 0; i++)
		r = tablet__upload(t, t->files[i].modality, buf_view(&t->files[i].data), e);
	atomic_fetch_add(&t->show->ready, 1);
	while (r == 0 && !atomic_load(&t->show->go) && !atomic_load(&t->show->stop))
		tablet__sleep_ms(2);
	if (r == 0)
		r = tablet__play(t, e);
	if (r == 0)
		r = tablet__manifest(t, e);
	if (r == 0)
		t->last_byte_ns = clock_ns();
	return r;
}

void *tablet_run(void *tablet)
{
	struct tablet *t = tablet;
	struct err e = { 0 };

	if (measure(t, &e) < 0)
		t->failed = arena_str(&t->arena, view_str(e.msg));
	atomic_fetch_add(&t->show->ended, 1);
	if (!t->failed)
		watch(t);
	atomic_fetch_add(&t->show->done, 1);
	return NULL;
}
