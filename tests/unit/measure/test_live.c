/* SPDX-License-Identifier: Apache-2.0 */
/* The live view: who gets what, once, decimated or whole; alarms begin and end, are told, kept and sent as events. */
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "fixture.h"
#include "measure/live_int.h"
#include "os/clock.h"

#define WAIT_NS 30000000000LL
#define EEG "cerebralogik.v5@1" /* 18 words a frame */

/* --- a viewer that keeps what it is told --- */

struct viewer {
	struct lock lock;
	struct cond changed;
	struct arena a;
	const struct json *docs[4096];
	enum measure_live what[4096];
	size_t n, samples;
	bool begun, ended;
	size_t leaves_after; /* 0: never */
};

static bool on_event(void *arg, enum measure_live what, struct view json)
{
	struct viewer *v = arg;
	struct err e = { 0 };

	LOCK_SCOPE(&v->lock);
	assert_false(v->ended);
	v->begun |= what == MEASURE_BEGUN;
	v->ended |= what == MEASURE_END;
	if (json.n && v->n < ARRAY_LEN(v->docs)) {
		v->what[v->n] = what;
		v->docs[v->n] = json_parse(&v->a, arena_view(&v->a, json), JSON_DEPTH, &e);
		assert_non_null(v->docs[v->n]);
		v->n++;
		v->samples += what == MEASURE_SAMPLES;
	}
	cond_broadcast(&v->changed);
	return !v->leaves_after || v->n < v->leaves_after;
}

static void watch(struct fixture *f, struct viewer *v, struct measure_watch w)
{
	memset(v, 0, sizeof(*v));
	lock_init(&v->lock, "viewer");
	cond_init(&v->changed);
	arena_init(&v->a, 256 * MIB);
	assert_true(measure_subscribe(f->m, &w, on_event, v));
	assert_true(v->begun);
}

static void viewer_clear(struct viewer *v)
{
	assert_true(v->ended || v->leaves_after);
	arena_clear(&v->a);
	cond_clear(&v->changed);
	lock_clear(&v->lock);
}

/* Waits for samples of so many records. */
static size_t wait_samples(struct viewer *v, size_t n)
{
	int64_t until = clock_mono_ns() + WAIT_NS;

	LOCK_SCOPE(&v->lock);
	while (v->samples < n && cond_wait_until(&v->changed, &v->lock, until))
		;
	return v->samples;
}

static const struct json *alarm_of(const struct viewer *v, const char *name, const char *state)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->what[i] == MEASURE_ALARM && view_eq_str(json_get_str(v->docs[i], "alarm"), name) &&
		    view_eq_str(json_get_str(v->docs[i], "state"), state))
			return v->docs[i];
	return NULL;
}

/* Waits for an alarm of that name and state. */
static const struct json *wait_alarm(struct viewer *v, const char *name, const char *state)
{
	int64_t until = clock_mono_ns() + WAIT_NS;
	const struct json *doc;

	LOCK_SCOPE(&v->lock);
	while (!(doc = alarm_of(v, name, state)))
		if (!cond_wait_until(&v->changed, &v->lock, until))
			fail_msg("no alarm %s %s", name, state);
	return doc;
}

static const struct json *channel(const struct json *doc, size_t i)
{
	return json_at(json_get(doc, "channels"), i);
}

/* --- records: red and ir, two samples each --- */

static void put_two(struct fixture *f, uint32_t seq, int n)
{
	char p[12] = { 0, 0, (char)n, 0, 0, (char)(n + 100), 0, 0, (char)(n + 1), 0, 0, (char)(n + 101) };

	put_at(f, seq, view_of(p, sizeof(p)), 1740000000000000000 + (int64_t)(seq + 1) * 20000000);
}

TEST(live_by_measurement_stream_delivery_and_channel)
{
	static const char *const ir[] = { "ir" }, *const none[] = { "nose" };
	struct fixture *f = fixture_new(MESSAGES);
	static struct viewer v[8];
	const struct json *c;

	watch(f, &v[0], (struct measure_watch){ .measurement = MEASUREMENT });
	watch(f, &v[1], (struct measure_watch){ .stream = STREAM });
	watch(f, &v[2], (struct measure_watch){ .delivery = "bio" });
	watch(f, &v[3], (struct measure_watch){ .stream = STREAM, .measurement = MEASUREMENT, .delivery = "bio", .channels = ir, .n_channels = 1 });
	watch(f, &v[4], (struct measure_watch){ .stream = STREAM, .measurement = "m-2" });
	watch(f, &v[5], (struct measure_watch){ .measurement = MEASUREMENT, .delivery = "other" });
	watch(f, &v[6], (struct measure_watch){ .stream = STREAM, .channels = none, .n_channels = 1 });
	watch(f, &v[7], (struct measure_watch){ .measurement = "m-2" });
	for (uint32_t i = 0; i < 3; i++)
		put_two(f, i, (int)i * 2);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(wait_samples(&v[i], 3), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(json_text(&f->a, v[i].docs[2]), json_text(&f->a, v[0].docs[2]));
	c = channel(v[0].docs[2], 0);
	assert_true(view_eq(json_get_str(v[0].docs[2], "measurement"), VIEW(MEASUREMENT)));
	assert_true(view_eq(json_get_str(c, "name"), VIEW("red")));
	assert_string_equal(json_text(&f->a, json_get(c, "values")), "[4,5]");
	assert_true(llabs(number(c, "t0_us") - 1740000000040000) <= 10 && number(c, "rate") == 100);
	assert_int_equal(json_len(json_get(v[3].docs[0], "channels")), 1);
	assert_string_equal(json_text(&f->a, json_get(channel(v[3].docs[0], 0), "values")), "[100,101]");
	f->m = measure_free(f->m);
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		assert_int_equal(v[i].n, i < 4 ? 3 : 0);
		viewer_clear(&v[i]);
	}
	fixture_free(f);
}

TEST(live_what_is_sent_again_is_shown_once_and_what_is_late_says_so)
{
	struct fixture *f = fixture_new(MESSAGES);
	static struct viewer v;

	watch(f, &v, (struct measure_watch){ .stream = STREAM });
	put_two(f, 0, 0);
	put_two(f, 0, 0);
	put_two(f, 2, 4);
	put_two(f, 1, 2);
	put_two(f, 1, 2);
	put_two(f, 0, 0);
	put_two(f, 3, 6);
	wait_alarm(&v, "gap", "begin");
	assert_int_equal(wait_samples(&v, 4), 4);
	for (size_t i = 0, at = 0; i < v.n; i++) {
		static const char *const want[] = { "0 0 [0,1]", "2 0 [4,5]", "1 1 [2,3]", "3 0 [6,7]" };
		char got[64];

		if (v.what[i] == MEASURE_ALARM)
			continue;
		snprintf(got, sizeof(got), "%d %d %s", (int)number(v.docs[i], "seq"), json_is_true(json_get(v.docs[i], "late")),
			 json_text(&f->a, json_get(channel(v.docs[i], 0), "values")));
		assert_string_equal(got, want[at++]);
	}
	f->m = measure_free(f->m);
	viewer_clear(&v);
	fixture_free(f);
}

/* @n samples of red from number @at on in one record: a sawtooth with a peak at 777. */
static void put_saw(struct fixture *f, uint32_t seq, int at, int n)
{
	char *p = arena_alloc(&f->a, (size_t)n * 6);

	for (int i = 0; i < n; i++) {
		int v = at + i == 777 ? 50000 : (at + i) % 40;

		memcpy(p + 6 * (size_t)i, (char[6]){ 0, (char)(v >> 8), (char)v, 0, 0, 1 }, 6);
	}
	put_at(f, seq, view_of(p, (size_t)n * 6), 1740000000000000000 + (int64_t)(at + n) * 10000000);
}

TEST(live_decimation_keeps_the_peak)
{
	struct fixture *f = fixture_new(MESSAGES);
	static struct viewer v, whole;
	double greatest = 0;
	size_t buckets = 0, samples = 0;

	watch(f, &v, (struct measure_watch){ .stream = STREAM, .hz = 2.5 }); /* 40 samples each */
	watch(f, &whole, (struct measure_watch){ .stream = STREAM, .hz = 100 }); /* as many as there are */
	for (int i = 0, n = 0; n < 50; n++, i += 20)
		put_saw(f, (uint32_t)n, i, 20);
	wait_samples(&whole, 50);
	f->m = measure_free(f->m);
	for (size_t i = 0; i < v.n; i++) {
		const struct json *c = channel(v.docs[i], 0), *max = json_get(c, "max"), *min = json_get(c, "min");

		if (v.what[i] == MEASURE_ALARM)
			continue;
		assert_null(json_get(c, "values"));
		assert_true(fabs(json_double(json_get(c, "dt_us"), 0) - 400000) < 400 && number(c, "rate") == 100);
		assert_true(llabs(number(c, "t0_us") - 1740000000000000 - (int64_t)buckets * 400000) < 3000);
		for (size_t k = 0; k < json_len(max); k++, buckets++) {
			assert_int_equal(json_int(json_at(min, k), -1), 0);
			assert_int_equal(json_int(json_at(json_get(c, "last"), k), -1), 39);
			greatest = fmax(greatest, json_double(json_at(max, k), 0));
		}
	}
	assert_int_equal(buckets, 24); /* the last one has not been passed */
	assert_true(greatest == 50000);
	for (size_t i = 0; i < whole.n; i++)
		samples += whole.what[i] == MEASURE_SAMPLES ? json_len(json_get(channel(whole.docs[i], 0), "values")) : 0;
	assert_int_equal(samples, 1000);
	viewer_clear(&v);
	viewer_clear(&whole);
	fixture_free(f);
}

TEST(live_a_thousand_viewers)
{
	struct fixture *f = fixture_new(MESSAGES);
	struct viewer *v = calloc(1000, sizeof(*v));
	static struct viewer last;
	char id[32];

	assert_non_null(v);
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "m-%d", i); /* m-1 is the one that is recorded */
		watch(f, &v[i], (struct measure_watch){ .measurement = i % 2 ? MEASUREMENT : id });
		v[i].leaves_after = i % 4 == 1 ? 2 : 0; /* many leave in the middle */
	}
	watch(f, &last, (struct measure_watch){ .measurement = MEASUREMENT });
	for (uint32_t i = 0; i < 20; i++)
		put_two(f, i, (int)i);
	wait_samples(&last, 20);
	for (int i = 0; i < 1000; i++)
		if (i % 4 == 3)
			wait_samples(&v[i], 20);
	f->m = measure_free(f->m);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(v[i].samples, i % 4 == 1 ? 2 : i % 2 ? 20 : 0);
		viewer_clear(&v[i]);
	}
	viewer_clear(&last);
	free(v);
	fixture_free(f);
}

TEST(live_ends)
{
	struct fixture *f = fixture_new(MESSAGES);
	static struct viewer v;
	struct measure_watch w = { .measurement = MEASUREMENT };

	watch(f, &v, w);
	measure_end_live(f->m);
	assert_true(v.ended);
	assert_false(measure_subscribe(f->m, &w, on_event, &v));
	viewer_clear(&v);
	fixture_free(f);
}

/* --- alarms --- */

TEST(alarms_flat_line_is_told_kept_and_sent)
{
	struct fixture *f = fixture_new(MESSAGES);
	static struct viewer v;
	const struct json *alarm, *kept;
	char p[600] = { 0 };
	uint32_t seq = 0;

	watch(f, &v, (struct measure_watch){ .stream = STREAM });
	for (int n = 0; n < 2; n++, seq++) /* 100 samples each of 0: one second, which is flat at its end */
		put_at(f, seq, view_of(p, sizeof(p)), 1740000000000000000 + (int64_t)(seq + 1) * 1000000000);
	alarm = wait_alarm(&v, "flat", "begin");
	assert_true(view_eq(json_get_str(alarm, "measurement"), VIEW(MEASUREMENT)) && view_eq(json_get_str(alarm, "channel"), VIEW("red")));
	assert_true(was_emitted(f, "mulgil.measure Signal Alarm {\"alarm\":\"flat\",\"state\":\"begin\",\"measurement\":\"" MEASUREMENT "\""));
	kept = json_at(json_get(stream(f), "alarms"), 0);
	assert_true(view_eq(json_get_str(kept, "alarm"), VIEW("flat")) && json_is(json_get(kept, "until_ms"), JSON_NULL));
	assert_int_equal(number(kept, "times"), 1);
	fixture_restart(f);
	assert_true(was_emitted(f, "\"alarm\":\"flat\",\"state\":\"end\""));
	kept = json_at(json_get(stream(f), "alarms"), 0);
	assert_true(number(kept, "until_ms") >= number(kept, "since_ms"));
	fixture_free(f);
	viewer_clear(&v);
}

TEST(alarms_stalled_device_begins_and_ends)
{
	struct fixture *f = fixture_new(MESSAGES);
	static struct viewer v;
	int64_t since;

	watch(f, &v, (struct measure_watch){ .stream = STREAM });
	put_two(f, 0, 0);
	put_two(f, 1, 2);
	wait_samples(&v, 2);
	since = clock_ms();
	assert_true(number(wait_alarm(&v, "stalled", "begin"), "at_ms") - since >= 600);
	for (uint32_t i = 2; i < 1000; i++) { /* it comes again; over when that has lasted for a second */
		bool over;

		put_two(f, i, 0);
		lock_take(&v.lock);
		over = alarm_of(&v, "stalled", "end");
		lock_drop(&v.lock);
		if (over)
			break;
		(void)poll(NULL, 0, 10);
	}
	wait_alarm(&v, "stalled", "end");
	assert_true(was_emitted(f, "\"alarm\":\"stalled\",\"state\":\"end\""));
	f->m = measure_free(f->m);
	viewer_clear(&v);
	fixture_free(f);
}
