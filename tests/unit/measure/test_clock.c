/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's clocks: sample times in the table are right though stamps are not, and the same over restarts. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "os/clock.h"

#define BEGAN_US 1740000000000000LL
#define PPM 1300
#define POLAR "polar.pmd@1"

/* Record @i of 20 samples at 100 Hz by a device that is PPM slow; the stamp is up to 30 ms late. */
static void put_record(struct fixture *f, uint32_t i)
{
	char p[120] = { 0 };
	int64_t end = BEGAN_US + (int64_t)((i + 1) * 200000.0 * (1 + PPM * 1e-6)), late = (int64_t)(i * 7919 % 30000);

	put_at(f, i, view_of(p, sizeof(p)), (end + late) * 1000);
}

/* The rows' times of @n records, with a restart after every @restart of them (0: none). */
static const char *run(struct fixture *f, uint32_t n, uint32_t restart)
{
	for (uint32_t i = 0; i < n; i++) {
		put_record(f, i);
		if (restart && i % restart == restart - 1) {
			(void)shown(f);
			fixture_restart(f);
		}
	}
	return times(f, "red");
}

TEST(clock_times_are_right_and_the_same_over_restarts)
{
	struct fixture *f = fixture_new(MESSAGES), *g = fixture_new(MESSAGES);
	const struct json *c = NULL;
	struct view rest, row;
	uint32_t n = 0;

	(void)run(f, 100, 0);
	c = json_get(stream(f), "clock");
	(void)run(g, 100, 17);
	(void)shown(g);
	assert_string_equal(times(f, "red"), times(g, "red"));
	assert_string_equal(json_text(&f->a, c), json_text(&g->a, json_get(stream(g), "clock")));
	assert_int_equal(number(c, "n"), 100);
	assert_int_equal(number(c, "segments"), 1);
	assert_true(fabs(json_double(json_get(c, "drift_ppm"), 0) - PPM) < 400);
	assert_true(fabs(json_double(json_get(c, "rate"), 0) - 100 / (1 + PPM * 1e-6)) < 0.04);
	assert_true(json_double(json_get(c, "rms_us"), 0) < 10000);
	assert_true(view_eq(json_get_str(c, "method"), VIEW("counter")));
	rest = view_str(times(f, "red"));
	for (; view_split(&rest, ';', &row) && row.n; n++) {
		struct view t;
		int64_t us = 0;

		assert_true(view_split(&row, ' ', &t) && view_i64(t, &us));
		assert_true(llabs(us - BEGAN_US - (int64_t)(n * 200000.0 * (1 + PPM * 1e-6))) < 30000);
	}
	assert_int_equal(n, 100);
	fixture_free(f);
	fixture_free(g);
}

TEST(clock_a_hole_in_the_records_begins_a_segment)
{
	struct fixture *f = fixture_new(MESSAGES);
	const struct json *c;

	for (uint32_t i = 0; i < 40; i++)
		if (i < 20 || i > 25)
			put_record(f, i);
	end(f, 39);
	c = json_get(stream(f), "clock");
	assert_int_equal(number(c, "segments"), 2);
	assert_int_equal(number(c, "n"), 14);
	/* Six records were passed by, and the device's counter cannot tell. */
	assert_true(fabs(json_double(json_get(json_at(json_get(c, "jumps"), 0), "by_us"), 0) - 6 * 200000) < 35000);
	fixture_free(f);
}

/* A frame of a Polar: @n samples of ECG, the last of them at @ns. */
static void put_polar(struct fixture *f, uint32_t seq, int64_t ns, size_t n)
{
	char p[10 + 3 * 64] = { 0 };

	for (int i = 0; i < 8; i++)
		p[1 + i] = (char)(ns >> (8 * i));
	put_at(f, seq, view_of(p, 10 + 3 * n), (BEGAN_US + ns / 1000) * 1000);
}

TEST(clock_stamps_of_the_device_tell_what_was_lost)
{
	struct fixture *f = fixture_new(POLAR);
	const char *all;
	uint32_t seq = 0;

	/* 10 samples a frame at 100 Hz; after the fourth, two frames never reached the tablet. */
	for (int i = 1; i <= 8; i++)
		if (i != 5 && i != 6)
			put_polar(f, seq++, i * 100000000LL, 10);
	assert_int_equal(number(stream(f), "received"), 6);
	all = times(f, "ecg");
	assert_non_null(strstr(all, " 20;"));
	assert_true(view_eq(json_get_str(json_get(stream(f), "clock"), "method"), VIEW("stamp")));
	assert_int_equal(number(json_get(stream(f), "clock"), "segments"), 1);
	fixture_free(f);
}
