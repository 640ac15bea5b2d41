/* SPDX-License-Identifier: Apache-2.0 */
/* Shards, numbers and records of Kinesis; and what a stream keeps when its retention period is over. */
#include <string.h>

#include "base/limits.h"
#include "os/clock.h"
#include "svc/kinesis/kinesis_int.h"
#include "unit.h"

TEST(kinesis_shards_share_all_hash_keys)
{
	static const unsigned counts[] = { 1, 2, 3, 7, 4096, KINESIS_SHARDS_MAX };

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		unsigned n = counts[i];

		assert_true(kinesis__hash_start(0, n) == 0 && kinesis__hash_start(n, n) == 0);
		for (unsigned s = 0; s < n; s++) {
			kinesis_hash from = kinesis__hash_start(s, n), to = kinesis__hash_start(s + 1, n) - 1;

			assert_true(from < to);
			assert_int_equal(kinesis__shard_of(from, n), s);
			assert_int_equal(kinesis__shard_of(to, n), s);
		}
	}
}

TEST(kinesis_numbers_and_their_texts)
{
	struct arena a;
	kinesis_hash h;
	unsigned shard;
	uint64_t seq;

	arena_init(&a, MIB);
	/* AWS's own example of two shards: the second begins in the middle. */
	assert_string_equal(kinesis__hash_text(&a, kinesis__hash_start(1, 2)), "170141183460469231731687303715884105728");
	assert_string_equal(kinesis__hash_text(&a, ~(kinesis_hash)0), "340282366920938463463374607431768211455");
	assert_true(kinesis__hash_parse(VIEW("340282366920938463463374607431768211455"), &h) && h == ~(kinesis_hash)0);
	assert_false(kinesis__hash_parse(VIEW("340282366920938463463374607431768211456"), &h));
	assert_false(kinesis__hash_parse(VIEW(""), &h) || kinesis__hash_parse(VIEW("1x"), &h));
	/* MD5("a") = 0cc175b9c0f1b6a831c399e269772661 */
	assert_true(kinesis__hash_of(VIEW("a")) == ((kinesis_hash)0x0cc175b9c0f1b6a8 << 64 | 0x31c399e269772661));
	assert_true(kinesis__shard_parse(kinesis__shard_id(&a, 12), 13, &shard) && shard == 12);
	assert_false(kinesis__shard_parse(kinesis__shard_id(&a, 12), 12, &shard) || kinesis__shard_parse("12", 13, &shard));
	assert_true(kinesis__seq_parse(kinesis__seq_text(&a, 3, 77), 3, &seq) && seq == 77);
	assert_false(kinesis__seq_parse(kinesis__seq_text(&a, 3, 77), 4, &seq) || kinesis__seq_parse("77", 3, &seq));
	arena_clear(&a);
}

TEST(kinesis_record_is_what_it_was)
{
	struct arena a;
	struct kinesis_record r;
	struct view v;

	arena_init(&a, MIB);
	v = kinesis__record(&a, 4711, VIEW("key"), VIEW("data"));
	assert_true(kinesis__record_parse(v, &r));
	assert_true(r.shard == 4711 && view_eq(r.key, VIEW("key")) && view_eq(r.data, VIEW("data")));
	assert_true(kinesis__record_parse(kinesis__record(&a, 0, VIEW(""), VIEW("")), &r) && !r.key.n && !r.data.n);
	assert_false(kinesis__record_parse(view_sub(v, 0, KINESIS_HEAD + 2), &r));
	assert_false(kinesis__record_parse(VIEW("no record"), &r));
	arena_clear(&a);
}

static int64_t now;

static int64_t now_ms(void)
{
	return now;
}

TEST(kinesis_keeps_records_for_the_retention_period_and_what_is_held)
{
	struct arena a;
	struct err e = { 0 };
	struct meta *meta;
	struct kinesis *k;
	struct kinesis_port port;
	struct kn_source s;
	struct kinesis_opts o = { .region = "r", .account = "1", .now_ms = now_ms };
	struct kn_row row = { .name = "s", .id = "00000000-0000-7000-8000-000000000001", .shards = 1, .retention_h = 24 };
	const char *dir = unit_tmpdir(), *id;
	struct view big;
	uint64_t seq = 0, horizon;

	arena_init(&a, 64 * MIB);
	if (meta_open_sqlite(arena_printf(&a, "%s/meta", dir), &meta, &e) < 0)
		fail_msg("%s", e.msg);
	o.meta = meta;
	o.dir = arena_printf(&a, "%s/kinesis", dir);
	if (kinesis_new(&o, &k, &e) < 0 || kinesis__add(k, &row, NULL, 0, &e) < 0)
		fail_msg("%s", e.msg);
	port = kinesis_port(k);
	big = kinesis__record(&a, 0, VIEW("k"), view_of(arena_alloc(&a, MIB - 16), MIB - 16));
	for (int i = 0; i < 12; i++) /* several segments: the first has 4 MiB */
		assert_int_equal(log_append(port.log(k, "s", &id), &big, 1, &seq, &e), 0);
	assert_int_equal(kinesis__source_named(k, "s", &a, &s), 0);
	now = clock_ms();
	kinesis_expire(k);
	assert_int_equal(log_first(s.log), 1);
	assert_int_equal(kinesis__horizon(k, &s, &horizon, &e), 0);
	assert_int_equal(horizon, 1);
	now += 25 * 3600 * 1000LL; /* all of them are too old now */
	assert_int_equal(kinesis__horizon(k, &s, &horizon, &e), 0);
	assert_int_equal(horizon, 13);
	port.hold(k, "s", "reader", 1);
	kinesis_expire(k);
	assert_int_equal(log_first(s.log), 1);
	port.hold(k, "s", "reader", UINT64_MAX);
	kinesis_expire(k);
	assert_true(log_first(s.log) > 1);
	kinesis_free(k);
	meta_close(meta);
	arena_clear(&a);
}
