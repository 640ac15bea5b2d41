// SPDX-License-Identifier: Apache-2.0
/* Envelopes, good and bad. */
#include "data/envelope.h"

#include "base/base64.h"
#include "frames.h"
#include "unit.h"

static void check_good(struct arena *a, const struct json *v, struct view bytes,
		       const struct envelope *env)
{
	const struct json *x = json_get(v, "expect");
	struct buf out;

	assert_int_equal(env->version, json_int(json_get(x, "version"), -1));
	assert_int_equal(env->flags, json_int(json_get(x, "flags"), -1));
	assert_int_equal(env->layout, json_int(json_get(x, "layout"), -1));
	assert_int_equal(env->seq, json_int(json_get(x, "seq"), -1));
	assert_true(env->t_tablet_ns == json_int(json_get(x, "t_tablet_ns"), -1));
	assert_true(env->t_device == json_int(json_get(x, "t_device"), -1));
	assert_true(view_eq_str(json_get_str(x, "stream"), hex_arena(a, env->stream, 16)));
	assert_true(view_eq(env->payload, frames_hex(a, json_get_str(x, "payload_hex"))));
	buf_init(&out, 4096);
	envelope_build(&out, env);
	assert_true(view_eq(buf_view(&out), bytes));
	buf_clear(&out);
	if (json_get(v, "json_form"))
		assert_true(json_equal(envelope_to_json(a, env), json_get(v, "json_form")));
}

TEST(envelope_vectors)
{
	struct arena a;

	arena_init(&a, FRAMES_ARENA);
	const struct json *all = frames_vectors(&a, "envelope.json");
	assert_int_equal(json_len(all), 10);
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *v = json_at(all, i), *x = json_get(v, "expect");
		struct view bytes = frames_hex(&a, json_get_str(v, "hex"));
		struct envelope env = { 0 };
		enum envelope_fault f = envelope_parse(bytes, &env);

		if (json_is_true(json_get(x, "ok"))) {
			assert_int_equal(f, ENVELOPE_OK);
			check_good(&a, v, bytes, &env);
		} else {
			assert_true(view_eq_str(json_get_str(x, "reason"), envelope_fault_name(f)));
			assert_int_equal(env.version, 0);
		}
	}
	arena_clear(&a);
}

TEST(envelope_every_flipped_bit_is_noticed)
{
	struct envelope env = {
		.version = 1, .layout = 3, .seq = 7, .t_tablet_ns = 5, .payload = VIEW("abc")
	};
	struct buf out;

	buf_init(&out, 4096);
	envelope_build(&out, &env);
	for (size_t bit = 0; bit < 8 * out.n; bit++) {
		out.p[bit / 8] = (char)(out.p[bit / 8] ^ 1 << bit % 8);
		assert_int_not_equal(envelope_parse(buf_view(&out), &env), ENVELOPE_OK);
		out.p[bit / 8] = (char)(out.p[bit / 8] ^ 1 << bit % 8);
	}
	assert_int_equal(envelope_parse(buf_view(&out), &env), ENVELOPE_OK);
	buf_clear(&out);
}

#define GOOD_STREAM "\"stream\":\"0197a0c8-5e4d-7f3a-9c01-12233445566f\""
#define GOOD_TIMES "\"t_tablet_ns\":\"1\",\"t_device\":\"-9223372036854775808\""

TEST(envelope_json_round_trip)
{
	struct arena a;
	struct err e = { 0 };
	struct envelope env, back;
	struct buf out;

	arena_init(&a, FRAMES_ARENA);
	const struct json *v = json_parse(&a,
					  VIEW("{\"v\":1," GOOD_STREAM
					       ",\"seq\":4294967295," GOOD_TIMES
					       ",\"data\":\"AAEC\"}"),
					  8, &e);
	assert_int_equal(envelope_from_json(&a, v, &env, &e), 0);
	assert_int_equal(env.layout, 0);
	assert_true(env.t_device == INT64_MIN);
	buf_init(&out, 4096);
	envelope_build(&out, &env);
	assert_int_equal(envelope_parse(buf_view(&out), &back), ENVELOPE_OK);
	assert_int_equal(back.seq, UINT32_MAX);
	assert_true(view_eq(back.payload, view_of("\0\1\2", 3)));
	buf_clear(&out);
	arena_clear(&a);
}

TEST(envelope_json_mistakes_are_named)
{
	static const char *const c[][2] = {
		{ "[]", "an envelope must be a JSON object" },
		{ "{\"v\":1,\"x\":1}", "unknown member x" },
		{ "{}", "v must be a whole number from 0 to 255" },
		{ "{\"v\":2,\"seq\":1," GOOD_STREAM "," GOOD_TIMES ",\"data\":\"\"}",
		  "v is 2; 1 is known" },
		{ "{\"v\":1,\"flags\":1,\"seq\":1," GOOD_STREAM "," GOOD_TIMES ",\"data\":\"\"}",
		  "flags must be 0" },
		{ "{\"v\":1,\"seq\":4294967296}",
		  "seq must be a whole number from 0 to 4294967295" },
		{ "{\"v\":1,\"seq\":-1}", "seq must be a whole number from 0 to 4294967295" },
		{ "{\"v\":1,\"seq\":1,\"t_tablet_ns\":1}",
		  "t_tablet_ns must be a 64-bit whole number as a string" },
		{ "{\"v\":1,\"seq\":1," GOOD_TIMES
		  ",\"stream\":\"0197a0c85e4d-7f3a-9c01-12233445566f\"}",
		  "stream must be a UUID" },
		{ "{\"v\":1,\"seq\":1," GOOD_TIMES "," GOOD_STREAM "}", "data must be base64" },
		{ "{\"v\":1,\"seq\":1," GOOD_TIMES "," GOOD_STREAM ",\"data\":\"A\"}",
		  "data must be base64" },
	};
	struct arena a;

	arena_init(&a, FRAMES_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		struct err e = { 0 };
		struct envelope env;
		const struct json *v = json_parse(&a, view_str(c[i][0]), 8, &e);

		assert_non_null(v);
		assert_int_equal(envelope_from_json(&a, v, &env, &e), ERR_INVALID);
		assert_string_equal(e.msg, c[i][1]);
	}
	arena_clear(&a);
}
