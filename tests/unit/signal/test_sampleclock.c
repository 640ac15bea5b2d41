// SPDX-License-Identifier: Apache-2.0
/* Sample times: against a straight line fitted at once, real recordings, jumps, holes, restarts, stamps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "signal/sampleclock.h"
#include "unit.h"

#define T0 1740000000000000LL
#define PERIOD 4000.0 /* 250 Hz */

/* A number that looks random, from 0 to 1. */
static double noise(uint64_t *s)
{
	*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(*s >> 11) / 9007199254740992.0;
}

/* Records of 50 samples whose stamps are @jitter_us late at most; the device is @drift slow. */
static struct sampleclock_place run(struct sampleclock *c, size_t from, size_t to, double drift, double jitter_us, int64_t t0, uint64_t *seed)
{
	struct sampleclock_place p = { 0 };

	for (size_t i = from; i < to; i++) {
		double x = (double)i * 50 * PERIOD, end = x + 50 * PERIOD;

		p = sampleclock_take(c, x, end, t0 + (int64_t)(end * (1 + drift) + jitter_us * noise(seed)));
	}
	return p;
}

TEST(sampleclock_finds_the_drift_through_jitter)
{
	struct sampleclock c;
	uint64_t seed = 7;
	struct sampleclock_report r;

	sampleclock_init(&c, PERIOD);
	run(&c, 0, 3000, 400e-6, 30000, T0, &seed);
	r = sampleclock_report(&c);
	assert_int_equal(r.n, 3000);
	assert_int_equal(r.segments, 1);
	assert_true(fabs(r.drift - 400e-6) < 4 * r.drift_error && r.drift_error < 2e-6);
	assert_true(llabs(r.offset_us - (T0 + 15000)) < 1000); /* the mean delay stays in it */
	assert_true(r.rms_us > 8000 && r.rms_us < 9300);        /* 30 ms / sqrt 12 */
	assert_true(r.max_us > 14000 && r.max_us < 16500);
}

TEST(sampleclock_times_never_run_back_and_are_near_from_the_first_record_on)
{
	struct sampleclock c;
	uint64_t seed = 3;
	int64_t last = 0;

	sampleclock_init(&c, PERIOD);
	for (size_t i = 0; i < 2000; i++) {
		struct sampleclock_place p = run(&c, i, i + 1, -300e-6, 40000, T0, &seed);
		int64_t truth = T0 + (int64_t)((double)i * 50 * PERIOD * (1 - 300e-6));

		assert_true(llabs(p.host_us - truth) < 60000);
		assert_true(!i || p.host_us - last >= (int64_t)(PERIOD / 2) - 2);
		assert_true(!i || p.host_us - last <= (int64_t)(PERIOD * 1.5) + 40);
		last = sampleclock_at(&p, p.device_us + 49 * PERIOD);
	}
}

TEST(sampleclock_is_the_same_after_saving_and_loading)
{
	struct sampleclock one, two;
	uint64_t s1 = 11, s2 = 11;
	struct arena a;
	struct err e = { 0 };
	struct buf x, y;

	arena_init(&a, 1 << 24);
	buf_init(&x, 1 << 20);
	buf_init(&y, 1 << 20);
	sampleclock_init(&one, PERIOD);
	sampleclock_init(&two, PERIOD);
	for (size_t i = 0; i < 400; i++) {
		int64_t t0 = i < 200 ? T0 : T0 + 7000000; /* with a jump in it, and loads between its records */
		struct sampleclock_place p = run(&one, i, i + 1, 1e-3, 25000, t0, &s1), q = run(&two, i, i + 1, 1e-3, 25000, t0, &s2);
		struct sampleclock fresh;

		assert_memory_equal(&p, &q, sizeof(p));
		buf_reset(&x);
		sampleclock_save(&two, &x);
		assert_true(sampleclock_load(&fresh, json_parse(&a, arena_view(&a, buf_view(&x)), 4, &e)));
		two = fresh;
	}
	buf_reset(&x);
	sampleclock_save(&one, &x);
	sampleclock_save(&two, &y);
	assert_string_equal(x.p, y.p);
	assert_int_equal(sampleclock_report(&two).segments, 2);
	assert_false(sampleclock_load(&two, json_parse(&a, VIEW("{\"y0\":1}"), 4, &e)));
	assert_int_equal(sampleclock_report(&two).segments, 2);
	buf_clear(&x);
	buf_clear(&y);
	arena_clear(&a);
}

TEST(sampleclock_one_late_record_is_no_jump)
{
	struct sampleclock c;
	uint64_t seed = 5;
	struct sampleclock_place p;

	sampleclock_init(&c, PERIOD);
	run(&c, 0, 100, 0, 1000, T0, &seed);
	run(&c, 100, 102, 0, 1000, T0 + 5000000, &seed); /* two of them, 5 s late */
	p = run(&c, 102, 200, 0, 1000, T0, &seed);
	assert_int_equal(sampleclock_report(&c).segments, 1);
	assert_int_equal(c.n_jumps, 0);
	assert_true(llabs(p.host_us - (T0 + 199LL * 50 * 4000)) < 2000);
}

TEST(sampleclock_a_clock_that_was_set_begins_a_segment)
{
	struct sampleclock c;
	uint64_t seed = 5;
	struct sampleclock_place p;

	sampleclock_init(&c, PERIOD);
	run(&c, 0, 100, 0, 1000, T0, &seed);
	p = run(&c, 100, 103, 0, 1000, T0 - 3600000000LL, &seed);
	assert_int_equal(sampleclock_report(&c).segments, 2);
	assert_int_equal(c.n_jumps, 1);
	assert_true(fabs(c.jumps[0].by_us + 3600e6) < 2000);
	assert_true(llabs(p.host_us - (T0 - 3600000000LL + 102LL * 50 * 4000)) < 2000);
}

TEST(sampleclock_a_hole_begins_a_segment_at_once)
{
	struct sampleclock c;
	uint64_t seed = 5;
	struct sampleclock_place p;

	sampleclock_init(&c, PERIOD);
	run(&c, 0, 100, 300e-6, 1000, T0, &seed);
	sampleclock_hole(&c);
	p = run(&c, 100, 101, 300e-6, 0, T0 + 512000, &seed);
	assert_int_equal(sampleclock_report(&c).segments, 2);
	assert_true(llabs(p.host_us - (T0 + 512000 + 100LL * 50 * 4000 + 6000)) < 200);
	assert_true(p.drift > 1e-4); /* what was learned of the device is kept */
}

TEST(sampleclock_openbci)
{
	const char *path = unit_data("data/recordings/openbci/OpenBCI_GUI-v6-blinks-jawClench-alpha.txt");
	const char *golden = unit_data("data/golden/signal.json");
	const struct json *g;
	struct sampleclock c;
	struct sampleclock_report r;
	int64_t last = 0;
	struct arena a;
	double *ms;
	size_t n;

	if (!path || !golden)
		skip_test("no recording of OpenBCI");
	arena_init(&a, (size_t)1 << 30);
	g = json_get(golden_json(&a, golden), "clock/openbci_v6");
	ms = golden_column(&a, path, 5, "%S", ',', 22, &n);
	sampleclock_init(&c, PERIOD);
	for (size_t i = 0; i < n; i++) {
		double x = (double)i * PERIOD;
		struct sampleclock_place p = sampleclock_take(&c, x, x, (int64_t)(ms[i] * 1000));

		assert_true(!i || p.host_us - last >= (int64_t)(PERIOD / 2) - 20); /* stamps: 8222 steps of 0 */
		assert_true(fabs((double)p.host_us - ms[i] * 1000) < 45000);
		last = p.host_us;
	}
	r = sampleclock_report(&c);
	golden_near(g, "rows", (double)r.n);
	golden_near(g, "fit_rate_hz", 250 / (1 + r.drift));
	/* The golden fit is of stamps near 1.6e12 ms in doubles, which shows in its residuals; these are of a fit in fractions. */
	assert_true(fabs(r.rms_us - 2274.673803) < 1e-5 && fabs(r.max_us - 31514.358060) < 1e-5);
	assert_true(fabs(json_double(json_get(json_get(g, "fit_residual_ms"), "rms"), 0) * 1000 - r.rms_us) < 0.1);
	assert_true(fabs(json_double(json_get(json_get(g, "fit_residual_ms"), "max"), 0) * 1000 - r.max_us) < 20);
	assert_int_equal(r.segments, 1);
	arena_clear(&a);
}

/* --- XDF (github.com/sccn/xdf/wiki/Specifications): chunks, of which samples and clock offsets are looked at --- */

struct xdf {
	struct view rest;
	double offset; /* of the second stream, newest */
	struct sampleclock c;
	size_t n;
	double drift; /* of the first segment */
};

static uint64_t le(struct view *v, size_t n)
{
	uint64_t x = 0;

	assert_true(v->n >= n);
	memcpy(&x, v->p, n);
	*v = view_from(*v, n);
	return x;
}

static double le_double(struct view *v)
{
	uint64_t bits = le(v, 8);
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static void xdf_samples(struct xdf *x, struct view v)
{
	uint64_t n = le(&v, le(&v, 1));

	for (uint64_t i = 0; i < n; i++) {
		double at = (double)x->n * 1e4;

		assert_int_equal(le(&v, 1), 8); /* each has its stamp */
		x->drift = x->c.segments == 1 ? sampleclock_report(&x->c).drift : x->drift;
		sampleclock_take(&x->c, at, at, (int64_t)((le_double(&v) + x->offset) * 1e6));
		v = view_from(v, 8 * 4);
		x->n++;
	}
}

/* In two passes: the offset that holds for a sample is behind it in the file. */
static void xdf_chunks(struct xdf *x, const double *offsets, size_t n_offsets, double *ret, size_t *ret_n)
{
	size_t seen = 0;

	for (struct view v = view_from(x->rest, 4); v.n;) {
		size_t len = le(&v, le(&v, 1));
		struct view c = view_sub(v, 0, len);
		uint64_t tag = le(&c, 2), id = tag >= 2 && tag <= 4 ? le(&c, 4) : 0;

		v = view_from(v, len);
		if (id != 2)
			continue;
		if (tag == 4) {
			(void)le_double(&c);
			if (ret)
				ret[seen] = le_double(&c);
			seen++;
		} else if (tag == 3 && offsets) {
			x->offset = offsets[seen < n_offsets ? seen : n_offsets - 1];
			xdf_samples(x, c);
		}
	}
	if (ret_n)
		*ret_n = seen;
}

TEST(sampleclock_xdf_with_a_computer_that_was_started_again)
{
	const char *path = unit_data("data/recordings/xdf/clock_resets.xdf"), *golden = unit_data("data/golden/formats.json");
	struct xdf x = { 0 };
	struct arena a;
	double offsets[256];
	size_t n;
	const struct json *g;

	if (!path || !golden)
		skip_test("no clock_resets.xdf");
	arena_init(&a, (size_t)1 << 30);
	g = json_at(json_get(golden_json(&a, golden), "xdf/clock_resets.xdf"), 1);
	x.rest = golden_file(&a, path);
	sampleclock_init(&x.c, 1e4);
	xdf_chunks(&x, NULL, 0, offsets, &n);
	assert_int_equal(n, json_int(json_get(g, "offsets"), 0));
	xdf_chunks(&x, offsets, n, NULL, NULL);
	assert_int_equal(x.n, json_int(json_get(g, "n"), 0));
	assert_int_equal(x.c.segments, json_int(json_get(g, "segments"), 0));
	/* Golden is one rate for both; lines fitted to each of them have 93.239 and 92.673 Hz. */
	assert_true(fabs(json_double(json_get(g, "eff"), 0) - (93.239 * 12876 + 92.673 * 14939) / 27815) < 0.02);
	assert_true(fabs(100 / (1 + x.drift) - 93.239) < 0.005);
	assert_true(fabs(100 / (1 + sampleclock_report(&x.c).drift) - 92.673) < 0.005);
	assert_true(fabs(x.c.jumps[0].by_us - 273.5e6) < 1e6);
	arena_clear(&a);
}

/* --- stamps --- */

TEST(sampleclock_stamps_polar)
{
	/* Of the first samples of 18 at 250 Hz by a clock 80 ppm fast; frame 100 is lost. */
	struct samplestamps s = { 0 };
	const struct samplestamps_opts o = { .unit_us = 1e-3, .last = true, .step_us = 4000 };
	uint64_t lost = 0;
	double end = 0;

	for (int i = 0; i < 415; i++) {
		int64_t raw = 599616000068005440LL + (int64_t)(i < 100 ? i : i + 1) * 18 * 4000320;
		struct samplestamps_frame f = samplestamps_take(&s, &o, raw, 18);

		assert_false(f.back);
		lost += f.lost;
		assert_true(i == 100 ? f.lost == 18 : f.lost == 0);
		if (i && i != 100)
			assert_true(fabs(f.from_us - end - f.step_us) < 1e-3);
		end = f.from_us + 17 * f.step_us;
	}
	assert_int_equal(lost, 18);
	assert_true(fabs(s.step_us - 4000.32) < 0.001);
}

TEST(sampleclock_stamps_wrap_and_reset)
{
	const struct samplestamps_opts ticks = { .unit_us = 1e6 / 32768, .wrap_bits = 24, .step_us = 64e6 / 32768 };
	const struct samplestamps_opts plain = { .unit_us = 1, .last = true, .step_us = 0 };
	struct samplestamps s = { 0 };
	struct samplestamps_frame f;

	f = samplestamps_take(&s, &ticks, 0xffffe0, 1);
	assert_true(f.from_us == 0);
	f = samplestamps_take(&s, &ticks, 0x000020, 1);
	assert_true(fabs(f.from_us - 64e6 / 32768) < 1e-6 && !f.lost && !f.back);
	s = (struct samplestamps){ 0 };
	samplestamps_take(&s, &plain, 1000000, 10);
	f = samplestamps_take(&s, &plain, 1010000, 10);
	assert_true(fabs(f.step_us - 1000) < 1e-9 && fabs(f.from_us - 1000) < 1e-9);
	f = samplestamps_take(&s, &plain, 5000, 10); /* the battery was out */
	assert_true(f.back && fabs(f.from_us - 11000) < 1e-9);
	f = samplestamps_take(&s, &plain, 15000, 10);
	assert_true(!f.back && fabs(f.from_us - 21000) < 1e-9);
}
