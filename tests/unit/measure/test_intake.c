/* SPDX-License-Identifier: Apache-2.0 */
/* Intake: order, gaps, duplicates, conflicts, restarts in the middle of a frame, what cannot be decoded. */
#include "base/limits.h"
#include "data/layout.h"
#include "fixture.h"

/* Two samples a record: red is @n, ir is @n + 100, and the next. */
static void put_two(struct fixture *f, uint32_t seq, int n)
{
	char p[12] = { 0, 0, (char)n, 0, 0, (char)(n + 100), 0, 0, (char)(n + 1), 0, 0, (char)(n + 101) };

	put(f, seq, view_of(p, sizeof(p)));
}

/* @n frames of BYTES from number @first on; the channel's value is 10 times the number. */
static struct view frames(struct fixture *f, int first, int n)
{
	const struct layout *l = layout_catalog_by_id(VIEW(BYTES));
	struct view v;
	struct buf b;

	assert_non_null(l);
	buf_init(&b, MIB);
	for (int i = first; i < first + n; i++) {
		int64_t adc[6] = { 512 + i * 10, 512, 512, 512, 512, 512 };
		const struct layout_put p = { "adc", adc, 6 };

		if (layout_encode(l, (uint64_t)i, &p, 1, &b, &f->e) < 0)
			fail_msg("%s", f->e.msg);
	}
	v = arena_view(&f->a, buf_view(&b));
	buf_clear(&b);
	return v;
}

TEST(intake_takes_records_in_order)
{
	struct fixture *f = fixture_new(MESSAGES);
	const struct json *s;

	for (uint32_t i = 0; i < 3; i++)
		put_two(f, i, (int)i * 2);
	s = stream(f);
	assert_int_equal(number(s, "received"), 3);
	assert_int_equal(number(s, "decoded"), 3);
	assert_int_equal(number(s, "bytes"), 36);
	assert_int_equal(number(s, "samples"), 6);
	assert_int_equal(number(s, "duplicates"), 0);
	assert_string_equal(samples(f, "red"), "0,1,2,3,4,5");
	assert_string_equal(samples(f, "ir"), "100,101,102,103,104,105");
	fixture_free(f);
}

TEST(intake_waits_for_a_record_that_comes_late)
{
	struct fixture *f = fixture_new(MESSAGES);

	put_two(f, 1, 2);
	assert_int_equal(number(stream(f), "decoded"), 0);
	assert_string_equal(samples(f, "red"), "");
	put_two(f, 0, 0);
	assert_int_equal(number(stream(f), "decoded"), 2);
	assert_string_equal(samples(f, "red"), "0,1,2,3");
	fixture_free(f);
}

TEST(intake_gives_a_gap_up_when_the_measurement_has_ended)
{
	struct fixture *f = fixture_new(MESSAGES);
	const struct json *s, *m;

	put_two(f, 0, 0);
	put_two(f, 3, 6);
	assert_string_equal(json_text(&f->a, json_get(stream(f), "missing")), "[[1,2]]");
	assert_string_equal(samples(f, "red"), "0,1");
	end(f, 4);
	m = shown(f);
	s = json_at(json_get(m, "streams"), 0);
	assert_int_equal(number(s, "expected"), 5);
	assert_string_equal(json_text(&f->a, json_get(s, "missing")), "[[1,2],[4,4]]");
	assert_true(view_eq(json_get_str(m, "state"), VIEW("incomplete")));
	assert_string_equal(samples(f, "red"), "0,1,6,7");
	for (uint32_t i = 1; i < 5; i++)
		if (i != 3)
			put_two(f, i, (int)i * 2); /* sent after all */
	assert_string_equal(json_text(&f->a, json_get(stream(f), "missing")), "[]");
	assert_string_equal(samples(f, "red"), "0,1,2,3,4,5,6,7,8,9");
	fixture_free(f);
}

TEST(intake_refuses_duplicates_and_conflicts)
{
	struct fixture *f = fixture_new(MESSAGES);
	const struct json *s;

	put_two(f, 0, 0);
	put_two(f, 0, 0);
	put_two(f, 0, 50); /* the same number, other bytes */
	put_two(f, 1, 2);
	put_two(f, 0, 0);
	s = stream(f);
	assert_int_equal(number(s, "received"), 2);
	assert_int_equal(number(s, "duplicates"), 2);
	assert_int_equal(number(s, "conflicts"), 1);
	assert_int_equal(number(s, "quarantined"), 1);
	assert_string_equal(quarantine(f), "conflict 0;");
	assert_string_equal(samples(f, "red"), "0,1,2,3");
	fixture_free(f);
}

TEST(intake_duplicate_is_known_after_a_restart)
{
	struct fixture *f = fixture_new(MESSAGES);

	put_two(f, 0, 0);
	(void)shown(f);
	fixture_restart(f);
	put_two(f, 0, 0);
	put_two(f, 1, 2);
	assert_int_equal(number(stream(f), "duplicates"), 1);
	assert_string_equal(samples(f, "red"), "0,1,2,3");
	fixture_free(f);
}

TEST(intake_restart_in_the_middle_of_a_frame)
{
	struct fixture *f = fixture_new(BYTES);
	struct view all = frames(f, 1, 9);
	uint32_t seq = 0;

	/* 10 bytes a record: frames of 17 bytes straddle nearly all of them. */
	for (size_t at = 0; at < all.n; at += 10) {
		put(f, seq++, view_sub(all, at, 10));
		if (seq % 3 == 0) {
			(void)shown(f);
			fixture_restart(f);
		}
	}
	assert_int_equal(number(stream(f), "decoded"), (int)seq);
	assert_int_equal(number(stream(f), "bad_frames"), 0);
	assert_int_equal(number(stream(f), "lost_frames"), 0);
	assert_string_equal(samples(f, arena_str(&f->a, VIEW("adc0"))), "522,532,542,552,562,572,582,592,602");
	fixture_free(f);
}

TEST(intake_restart_with_a_gap_open)
{
	struct fixture *f = fixture_new(MESSAGES);

	put_two(f, 0, 0);
	put_two(f, 2, 4);
	(void)shown(f);
	fixture_restart(f);
	put_two(f, 1, 2);
	assert_int_equal(number(stream(f), "decoded"), 3);
	assert_string_equal(samples(f, "red"), "0,1,2,3,4,5");
	fixture_free(f);
}

TEST(intake_what_is_no_record_goes_to_quarantine)
{
	struct fixture *f = fixture_new(MESSAGES);
	struct envelope env = { .version = 1, .seq = 7, .payload = VIEW("x") };
	struct buf b;

	put_bytes(f, VIEW("short"));
	buf_init(&b, MIB);
	envelope_build(&b, &env); /* of a stream that nobody named */
	put_bytes(f, buf_view(&b));
	b.p[b.n - 1] ^= 1;
	put_bytes(f, buf_view(&b));
	b.p[0] ^= 1;
	put_bytes(f, buf_view(&b));
	buf_clear(&b);
	put_two(f, 0, 2);
	assert_int_equal(number(stream(f), "received"), 1);
	assert_string_equal(quarantine(f), "length 0;no_stream 7;crc 0;magic 0;");
	assert_string_equal(samples(f, "red"), "2,3");
	fixture_free(f);
}

TEST(intake_frame_with_a_wrong_sum)
{
	struct fixture *f = fixture_new(SUMMED);
	uint8_t p[40] = { 0xaa, 0x55 };

	put(f, 0, view_of(p, sizeof(p))); /* the sum of these two bytes is not 0 */
	put(f, 1, VIEW(""));
	assert_int_equal(number(stream(f), "quarantined"), 1);
	assert_int_equal(number(stream(f), "bad_frames"), 1);
	assert_string_equal(quarantine(f), "checksum 0;");
	fixture_free(f);
}

TEST(intake_layout_that_nobody_knows)
{
	struct fixture *f = fixture_new("nothing@9");

	put_two(f, 0, 0);
	put_two(f, 1, 0);
	assert_int_equal(number(stream(f), "received"), 2);
	assert_int_equal(number(stream(f), "quarantined"), 2);
	assert_string_equal(quarantine(f), "no_layout 0;no_layout 1;");
	fixture_free(f);
}

TEST(intake_repeats_what_could_not_be_written)
{
	struct fixture *f = fixture_new(MESSAGES);

	atomic_store(&f->failures, 1);
	put_two(f, 0, 0);
	put_two(f, 0, 0);
	put_two(f, 1, 2);
	assert_int_equal(number(stream(f), "received"), 2);
	assert_int_equal(number(stream(f), "duplicates"), 1);
	assert_string_equal(samples(f, "red"), "0,1,2,3");
	fixture_free(f);
}
