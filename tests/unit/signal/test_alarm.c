// SPDX-License-Identifier: Apache-2.0
/* Alarms: they begin within a second of what is wrong, never for what is right, and there are no storms. */
#include <math.h>
#include <stdlib.h>

#include "signal/alarm.h"
#include "unit.h"

#define RATE 250.0

static double noise(uint64_t *s)
{
	*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(*s >> 11) / 9007199254740992.0 - 0.5;
}

TEST(alarm_flat_line_within_a_second)
{
	struct alarm_line l;
	uint64_t seed = 1;
	int n = 0;

	alarm_line_init(&l, RATE, 0.02);
	for (int i = 0; i < 5000; i++) {
		alarm_line_take(&l, 50 * sin(i * 0.2) + 3 * noise(&seed), false);
		assert_false(alarm_line_flat(&l));
	}
	for (; !alarm_line_flat(&l); n++) /* the last count may flicker */
		alarm_line_take(&l, 12.34 + 0.02 * (n % 2), false);
	assert_true(n / RATE > 0.5 && n / RATE < 1);
	assert_false(l.off);
	alarm_line_take(&l, 12.5, false);
	assert_false(alarm_line_flat(&l));
}

TEST(alarm_slow_channels_need_a_few_samples)
{
	struct alarm_line l;
	int n = 0;

	alarm_line_init(&l, 1, 0.1); /* a thermometer: the same value for a second is nothing */
	for (; !alarm_line_flat(&l); n++)
		alarm_line_take(&l, 36.6, false);
	assert_int_equal(n, ALARM_FLAT_SAMPLES);
}

TEST(alarm_lead_off_within_a_second_and_back)
{
	struct alarm_line l;
	int n = 0;

	alarm_line_init(&l, RATE, 0.02);
	for (int i = 0; i < 1000; i++) { /* an artefact clips for 50 ms each second: not off */
		alarm_line_take(&l, i, i % 250 < 12);
		assert_false(l.off);
	}
	for (; !l.off; n++)
		alarm_line_take(&l, 187500, true);
	assert_true(n / RATE < 0.6);
	assert_false(alarm_line_flat(&l)); /* one alarm for one reason */
	for (n = 0; l.off; n++)
		alarm_line_take(&l, n, false);
	assert_true(n / RATE < 0.6);
}

static struct alarm_rate rate;

/* Records every 200 ms for @s seconds, of a device that runs at @part of its rate; stamps are up to @jitter_s late.
 * Returns when it was first called wrong, or -1. */
static double records(double *device, double *host, double s, double part, double jitter_s)
{
	uint64_t seed = 9;
	double begin = *host, wrong = -1;

	for (; *host - begin < s; *host += 0.2, *device += 0.2 * part)
		if (alarm_rate_take(&rate, *device, *host + jitter_s * (noise(&seed) + 0.5)) && wrong < 0)
			wrong = *host - begin;
	return wrong;
}

TEST(alarm_rate)
{
	double device = 0, host = 1e9, at;

	rate = (struct alarm_rate){ 0 };
	assert_true(records(&device, &host, 60, 1.0013, 0.035) < 0); /* a real board; its greatest arrival jitter */
	at = records(&device, &host, 10, 0.8, 0.035);
	assert_true(at >= 0 && at <= 1.01);
	at = records(&device, &host, 10, 1, 0.035); /* the window has to pass */
	assert_true(at >= 0 && at <= 4.5);
	assert_true(records(&device, &host, 30, 1, 0.035) < 0);
	at = records(&device, &host, 10, 0.9293, 0.005); /* clock_resets.xdf */
	assert_true(at >= 0 && at < 3);
	rate = (struct alarm_rate){ 0 };
	assert_true(records(&device, &host, 4, 1, 0.035) < 0);
	host += 2; /* a late record, and those behind it at once */
	assert_false(alarm_rate_take(&rate, device, host));
	for (int i = 0; i < 10; i++)
		assert_false(alarm_rate_take(&rate, device += 0.2, host + i * 1e-3));
	assert_true(records(&device, &host, 30, 1, 0.035) < 0);
}

TEST(alarm_pulse)
{
	struct alarm_pulse p = { 0 };

	alarm_pulse_take(&p, 100);
	assert_true(alarm_pulse_late_s(&p) == 103); /* nothing is known */
	for (int i = 1; i <= 100; i++)
		alarm_pulse_take(&p, 100 + i * 0.2);
	assert_true(fabs(alarm_pulse_late_s(&p) - 120.8) < 1e-6); /* within a second */
	for (int i = 1; i <= 100; i++)
		alarm_pulse_take(&p, 120 + i * 2.0);
	assert_true(fabs(alarm_pulse_late_s(&p) - 326) < 0.01);
	alarm_pulse_take(&p, 1e6); /* one long pause is not what is usual from now on */
	assert_true(alarm_pulse_late_s(&p) - 1e6 < 10);
	p = (struct alarm_pulse){ .last_s = 1, .period_s = 3600 };
	assert_true(alarm_pulse_late_s(&p) == 1 + ALARM_STALL_MAX_S);
}

TEST(alarm_latch_makes_no_storm)
{
	struct alarm_latch l = { 0 };
	int begins = 0, ends = 0;

	assert_true(alarm_latch(&l, true, 10) && l.on);
	assert_false(alarm_latch(&l, true, 11));
	assert_false(alarm_latch(&l, false, 11.9));
	assert_true(alarm_latch(&l, false, 12) && !l.on);
	l = (struct alarm_latch){ 0 };
	for (int i = 0; i < 36000; i++) /* an hour; bad for 0.1 s every 1.5 s */
		if (alarm_latch(&l, i % 15 == 0, 100 + i * 0.1)) {
			begins += l.on;
			ends += !l.on;
		}
	assert_true(begins >= 2 && begins <= 4 && begins - ends <= 1);
}
