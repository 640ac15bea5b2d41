// SPDX-License-Identifier: Apache-2.0
/* Decoding by declared layouts: the vectors, streams with known damage, and what framing promises. */
#include "data/layout.h"

#include <math.h>

#include "base/base64.h"
#include "frames.h"
#include "unit.h"

/* Bytes fed in pieces of @piece, and the end of the stream. */
static void feed(struct layout_stream *s, struct view bytes, size_t piece,
		 const struct layout_sink *sink)
{
	for (size_t i = 0; i < bytes.n || i == 0; i += piece)
		layout_stream_feed(s, view_sub(bytes, i, piece), sink);
	layout_stream_gap(s, sink);
}

static void check_vector(struct arena *a, const struct json *v, size_t piece)
{
	const struct layout *l = layout_catalog_by_id(json_get_str(v, "layout"));
	struct view bytes = frames_hex(a, json_get_str(v, "hex"));
	const struct json *x = json_get(v, "expect");
	struct err e = { 0 };
	struct frames f;
	struct layout_sink sink = frames_sink(&f, a);

	assert_non_null(l);
	struct layout_stream *s = layout_stream_new(l, json_get(v, "params"), &e);
	assert_non_null(s);
	feed(s, bytes, piece ? piece : bytes.n, &sink);
	frames_check_report(layout_stream_report(s), json_get(x, "report"));
	if (!frames_same(f.good, json_get(x, "records")))
		fail_msg("%.*s: %s", VIEW_ARG(json_get_str(v, "name")), json_text(a, f.good));
	layout_stream_free(s);
}

TEST(layout_vectors)
{
	struct arena a;

	arena_init(&a, FRAMES_ARENA);
	const struct json *all = frames_vectors(&a, "decode.json");
	assert_int_equal(json_len(all), 19);
	for (size_t i = 0; i < json_len(all); i++)
		check_vector(&a, json_at(all, i), 0);
	arena_clear(&a);
}

TEST(layout_vectors_byte_by_byte)
{
	struct arena a;

	arena_init(&a, FRAMES_ARENA);
	const struct json *all = frames_vectors(&a, "decode.json");
	for (size_t i = 0; i < json_len(all); i++) {
		const struct json *src =
			json_parse(&a,
				   layout_catalog_source(layout_catalog_number(
					   json_get_str(json_at(all, i), "layout"))),
				   32, &(struct err){ 0 });

		/* a message cannot come in pieces */
		if (view_eq_str(json_get_str(json_get(src, "framing"), "kind"), "message"))
			continue;
		for (size_t piece = 1; piece < 40; piece += 6)
			check_vector(&a, json_at(all, i), piece);
	}
	arena_clear(&a);
}

/* ---- streams ---- */

struct totals {
	struct layout_stream *s; /* freed by total_end(), as the channels live in it */
	const struct layout_channel *ch;
	size_t n_ch, rows;
	int64_t sum[8], min[8], max[8];
	double scaled[8];
	uint64_t last_stamp;
	double steps[512];
	size_t n_steps;
};

static void total_frame(void *ctx, const struct layout_frame *f)
{
	struct totals *t = ctx;
	int64_t v[64];
	double d[64];

	if (f->dup)
		return;
	for (size_t c = 0; c < t->n_ch && c < 8; c++) {
		size_t n = layout_channel_counts(&t->ch[c], f, v, 64);

		assert_int_equal(layout_channel_values(&t->ch[c], f, d, 64), n);
		for (size_t i = 0; i < n; i++) {
			t->sum[c] += v[i];
			t->scaled[c] += d[i];
			t->min[c] = v[i] < t->min[c] ? v[i] : t->min[c];
			t->max[c] = v[i] > t->max[c] ? v[i] : t->max[c];
			assert_true(fabs(d[i] - ((double)v[i] - t->ch[c].offset) * t->ch[c].scale) <
				    1e-6);
		}
		t->rows += c == 0 ? n : 0;
	}
}

static void total_end(struct totals *t, struct arena *a)
{
	layout_stream_free(t->s);
	arena_clear(a);
}

/* Ends the test as skipped without the stream; before anything is allocated. */
static void need_stream(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "data/streams/%s.bin", name);
	if (!unit_data(path) || !unit_data("data/golden/streams.json"))
		skip_test("no stream %s", name);
}

/* Golden numbers of stream @name; decodes it with @l into @t, in pieces of @piece. */
static const struct json *run_stream(struct arena *a, const char *name, const struct layout *l,
				     size_t piece, struct totals *t)
{
	struct layout_sink sink = { t, total_frame, NULL };
	struct err e = { 0 };

	need_stream(name);
	const char *path = unit_data(arena_printf(a, "data/streams/%s.bin", name));
	const struct json *g =
		json_get(frames_json_file(a, unit_data("data/golden/streams.json")), name);
	struct view bytes = frames_file(a, path);
	struct layout_stream *s = layout_stream_new(l, NULL, &e);
	assert_non_null(s);
	assert_int_equal(layout_stream_channels(s, &t->ch, &t->n_ch, &e), 0);
	assert_int_equal(bytes.n, json_int(json_get(g, "bytes"), -1));
	feed(s, bytes, piece, &sink);
	frames_check_report(layout_stream_report(s), json_get(g, "report"));
	t->s = s;
	return g;
}

static void check_cyton(const char *name, size_t piece)
{
	struct arena a;
	struct totals t = { 0 };

	arena_init(&a, FRAMES_ARENA);
	const struct json *g = run_stream(&a, name, layout_catalog_by_id(VIEW("openbci.cyton@2")),
					  piece, &t);
	assert_int_equal(t.rows, json_int(json_get(g, "rows_unique"), -1));
	for (size_t c = 0; c < 8; c++) {
		assert_true(t.sum[c] == json_int(json_at(json_get(g, "sum_counts"), c), -1));
		assert_true(fabs(t.scaled[c] - json_double(json_at(json_get(g, "sum_uV"), c), 0)) <
			    0.01);
	}
	total_end(&t, &a);
}

TEST(stream_cyton_clean)
{
	check_cyton("cyton_clean", 1000);
}

TEST(stream_cyton_dirty_counts_what_was_injected)
{
	check_cyton("cyton_dirty", 997);
	check_cyton("cyton_dirty", 1 << 20);
}

TEST(stream_lxsdf)
{
	struct arena a;
	struct totals t = { 0 };

	arena_init(&a, FRAMES_ARENA);
	const struct json *g = run_stream(
		&a, "lxsdf_t2_2ch", layout_catalog_by_id(VIEW("laxtha.lxsdf_t2.2ch@1")), 777, &t);
	assert_int_equal(t.n_ch, 2);
	assert_int_equal(t.rows, json_int(json_get(g, "rows"), -1));
	for (size_t c = 0; c < 2; c++) {
		assert_true(t.sum[c] == json_int(json_at(json_get(g, "sum"), c), -1));
		assert_true(t.min[c] == json_int(json_at(json_get(g, "min"), c), -1));
		assert_true(t.max[c] == json_int(json_at(json_get(g, "max"), c), -1));
	}
	total_end(&t, &a);
}

TEST(stream_heart_rate)
{
	struct arena a;
	struct totals t = { 0 };

	arena_init(&a, FRAMES_ARENA);
	const struct json *g = run_stream(&a, "hr2a37_nn",
					  layout_catalog_by_id(VIEW("ble.hr2a37@1")), 5, &t);
	assert_int_equal(t.n_ch, 1);
	assert_true(view_eq_str(t.ch[0].name, "rr"));
	assert_int_equal(t.rows, json_int(json_get(g, "n"), -1));
	assert_true(t.sum[0] == json_int(json_get(g, "sum_raw"), -1));
	assert_true(fabs(t.scaled[0] / (double)t.rows - json_double(json_get(g, "mean_nn"), 0)) <
		    0.0001);
	total_end(&t, &a);
}

TEST(stream_polar_behind_length_prefixes)
{
	struct arena a;
	struct err e = { 0 };
	struct totals t = { 0 };

	need_stream("polar_ppg0");
	arena_init(&a, FRAMES_ARENA);
	const struct json *src = json_parse(
		&a, layout_catalog_source(layout_catalog_number(VIEW("polar.pmd@1"))), 32, &e);
	struct json *v = json_copy(&a, src);
	json_set(&a, v, "framing",
		 json_parse(&a, VIEW("{\"kind\":\"length\",\"width\":2,\"endian\":\"little\"}"), 8,
			    &e));
	struct layout *l = layout_compile_json(VIEW("polar.pmd.prefixed@1"), v, &e);
	assert_non_null(l);
	const struct json *g = run_stream(&a, "polar_ppg0", l, 333, &t);
	/* ecg, ppg 0 to 2, acc 0 to 2 */
	assert_int_equal(t.n_ch, 7);
	assert_true(view_eq_str(t.ch[1].name, "ch0"));
	assert_true(t.sum[1] == json_int(json_get(g, "sum_ch0"), -1));
	assert_int_equal(layout_time_of(l)->epoch_ms, 946684800000);
	assert_true(layout_time_of(l)->last_sample);
	layout_unref(l);
	total_end(&t, &a);
}

/* ---- what framing promises ---- */

/* Decodes @hex with the layout text @json; @gap_at: bytes before a lost payload, 0: none. */
static struct layout_report decode(struct arena *a, const char *json, const char *hex,
				   size_t gap_at, struct frames *f)
{
	struct layout_sink sink = frames_sink(f, a);
	struct err e = { 0 };
	struct layout *l = layout_compile(VIEW("test@1"), view_str(json), &e);
	struct view bytes = frames_hex(a, view_str(hex));

	if (!l)
		fail_msg("%s", e.msg);
	struct layout_stream *s = layout_stream_new(l, NULL, &e);
	assert_non_null(s);
	layout_unref(l); /* the stream holds its own reference */
	if (gap_at) {
		layout_stream_feed(s, view_sub(bytes, 0, gap_at), &sink);
		layout_stream_gap(s, &sink);
		bytes = view_from(bytes, gap_at);
	}
	layout_stream_feed(s, bytes, &sink);
	layout_stream_gap(s, &sink);
	struct layout_report r = *layout_stream_report(s);
	layout_stream_free(s);
	return r;
}

#define CHECKED \
	"{\"framing\":{\"kind\":\"sync\",\"sync\":\"AA\",\"length\":4},\"fields\":[{\"name\":" \
	"\"s\",\"type\":\"u8\"," \
	"\"const\":170,\"hidden\":true},{\"name\":\"v\",\"type\":\"u16\"},{\"name\":\"c\"," \
	"\"type\":\"u8\",\"role\":" \
	"\"check\",\"algo\":\"sum8\",\"from\":1}]}"

TEST(layout_false_sync_does_not_eat_a_good_frame)
{
	struct arena a;
	struct frames f;

	arena_init(&a, FRAMES_ARENA);
	/* a false sync two bytes before a good frame */
	struct layout_report r = decode(&a, CHECKED, "AA01AA0203050000", 0, &f);
	assert_int_equal(json_len(f.good), 1);
	assert_int_equal(json_int(json_get(json_at(f.good, 0), "off"), -1), 2);
	assert_int_equal(r.frames, 2);
	assert_int_equal(r.bad, 1);
	assert_true(view_eq_str(json_str(json_at(f.bad, 0)), "checksum"));
	assert_int_equal(r.skipped, 4);
	arena_clear(&a);
}

TEST(layout_good_frame_behind_a_false_sync_is_found_at_the_end)
{
	static const char told[] =
		"{\"framing\":{\"kind\":\"sync\",\"sync\":\"AA\",\"length_at\":1,\"length_add\":2},"
		"\"fields\":[{\"name\":\"s\",\"type\":\"u8\"},{\"name\":\"n\",\"type\":\"u8\"},"
		"{\"name\":\"v\",\"type\":\"u8\",\"count\":\"n\"}]}";
	struct arena a;
	struct frames f;

	arena_init(&a, FRAMES_ARENA);
	struct layout_report r = decode(&a, told, "AA50AA0107", 0, &f);
	assert_int_equal(json_len(f.good), 1);
	assert_int_equal(r.discarded, 2);
	assert_int_equal(r.skipped, 0);
	arena_clear(&a);
}

#define FIXED \
	"{\"framing\":{\"kind\":\"fixed\",\"length\":2},\"fields\":[{\"name\":\"v\",\"type\":" \
	"\"u16\"}]}"

TEST(layout_rest_is_thrown_away_at_a_gap_and_counted)
{
	struct arena a;
	struct frames f;

	arena_init(&a, FRAMES_ARENA);
	struct layout_report r = decode(&a, FIXED, "0001020304", 3, &f);
	assert_int_equal(json_len(f.good), 2);
	assert_int_equal(r.discarded, 1);
	assert_int_equal(json_int(json_get(json_get(json_at(f.good, 1), "raw"), "v"), -1), 0x0304);
	assert_int_equal(json_int(json_get(json_at(f.good, 1), "off"), -1), 3);
	arena_clear(&a);
}

TEST(layout_length_that_counts_itself)
{
	static const char self[] =
		"{\"framing\":{\"kind\":\"length\",\"length_add\":-1},\"fields\":[{\"name\":\"v\","
		"\"type\":\"u8\",\"count\":\"*\"}]}";
	struct arena a;
	struct frames f;

	arena_init(&a, FRAMES_ARENA);
	struct layout_report r = decode(&a, self, "0307080209", 0, &f);
	assert_int_equal(r.bad, 0);
	assert_string_equal(json_text(&a, json_get(json_at(f.good, 0), "raw")), "{\"v\":[7,8]}");
	assert_string_equal(json_text(&a, json_get(json_at(f.good, 1), "raw")), "{\"v\":[9]}");
	r = decode(&a, self, "000708", 0, &f);
	assert_int_equal(r.bad, 1);
	assert_true(view_eq_str(json_str(json_at(f.bad, 0)), "framing"));
	assert_int_equal(r.discarded, 3);
	arena_clear(&a);
}

/* Layouts of one message, bytes, and the record's raw part or the name of the fault. */
TEST(layout_fields_by_example)
{
#define MESSAGE(rest, fields) "{\"framing\":{\"kind\":\"message\"}" rest ",\"fields\":[" fields "]}"
	static const char *const c[][3] = {
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"u3\"},{\"name\":\"b\",\"type\":\"i5\"}"),
		  "BF", "{\"a\":5,\"b\":-1}" },
		{ MESSAGE(",\"bits\":\"lsb\"",
			  "{\"name\":\"a\",\"type\":\"u3\"},{\"name\":\"b\",\"type\":\"i5\"}"),
		  "FD", "{\"a\":5,\"b\":-1}" },
		{ MESSAGE(",\"endian\":\"little\"", "{\"name\":\"a\",\"type\":\"i24\"}"), "FEFFFF",
		  "{\"a\":-2}" },
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"f16\"},{\"name\":\"b\",\"type\":\"f32\"},"
			      "{\"name\":\"c\",\"type\":\"f64\"}"),
		  "C100"
		  "3FC00000"
		  "BFE0000000000000",
		  "{\"a\":-2.5,\"b\":1.5,\"c\":-0.5}" },
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"u64\"}"), "7FFFFFFFFFFFFFFF",
		  "{\"a\":9223372036854775807}" },
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"u64\"}"), "8000000000000000", "range" },
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"u8\",\"const\":1}"), "02", "const" },
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"u16\"}"), "02", "short" },
		{ MESSAGE("", "{\"name\":\"n\",\"type\":\"u8\"},{\"name\":\"a\",\"type\":\"u8\","
			      "\"count\":\"n-1\"}"),
		  "0307", "short" },
		{ MESSAGE("", "{\"name\":\"n\",\"type\":\"u8\"},{\"name\":\"a\",\"type\":\"u8\","
			      "\"count\":\"n-1\"}"),
		  "00", "range" },
		{ MESSAGE("", "{\"name\":\"n\",\"type\":\"u8\"},{\"skip\":\"6/"
			      "n\"},{\"name\":\"a\",\"type\":\"u8\"}"),
		  "03AABB07", "{\"n\":3,\"a\":7}" },
		{ MESSAGE("", "{\"name\":\"n\",\"type\":\"u8\"},{\"skip\":\"6/"
			      "n\"},{\"name\":\"a\",\"type\":\"u8\"}"),
		  "00AABB07", "range" },
		{ MESSAGE("", "{\"name\":\"n\",\"type\":\"u8\"},{\"switch\":\"n\",\"cases\":[{"
			      "\"when\":[1,2],\"fields\":[]}]}"),
		  "03", "no_case" },
		{ MESSAGE("", "{\"name\":\"n\",\"type\":\"u8\"},{\"if\":\"min(n,_n)==2 && "
			      "!(n%2)\",\"name\":\"a\",\"type\":\"u8\"}"),
		  "0207", "{\"n\":2,\"a\":7}" },
		{ MESSAGE("", "{\"name\":\"g\",\"group\":[{\"name\":\"n\",\"type\":\"u8\"},{"
			      "\"name\":\"x\",\"type\":\"u8\",\"count\":\"n\"}],"
			      "\"end_before\":1},{\"name\":\"z\",\"type\":\"u8\"}"),
		  "0001080209092A",
		  "{\"g\":[{\"n\":0,\"x\":[]},{\"n\":1,\"x\":[8]},{\"n\":2,\"x\":[9,9]}],\"z\":"
		  "42}" },
		/* a row that reads nothing must not go on for ever */
		{ MESSAGE("", "{\"name\":\"g\",\"group\":[{\"if\":\"0\",\"name\":\"n\",\"type\":"
			      "\"u8\"}]}"),
		  "00", "range" },
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"u8\",\"count\":2},{\"name\":\"c\","
			      "\"type\":\"u16\",\"role\":\"check\","
			      "\"algo\":\"crc16_ccitt\",\"on_bad\":\"mark\"}"),
		  "3132FFFF", "{\"a\":[49,50]}" },
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"u8\",\"count\":9},{\"name\":\"c\","
			      "\"type\":\"u16\",\"role\":\"check\","
			      "\"algo\":\"crc16_ccitt\"}"),
		  "31323334353637383929B1", "{\"a\":[49,50,51,52,53,54,55,56,57]}" },
		{ MESSAGE("", "{\"name\":\"a\",\"type\":\"u8\",\"count\":9},{\"name\":\"c\","
			      "\"type\":\"u32\",\"role\":\"check\","
			      "\"algo\":\"crc32c\"}"),
		  "313233343536373839E3069283", "{\"a\":[49,50,51,52,53,54,55,56,57]}" },
	};
	struct arena a;

	arena_init(&a, FRAMES_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		struct frames f;

		decode(&a, c[i][0], c[i][1], 0, &f);
		const char *got = json_len(f.good)
					  ? json_text(&a, json_get(json_at(f.good, 0), "raw"))
					  : arena_str(&a, json_str(json_at(f.bad, 0)));
		if (strcmp(got, c[i][2]) != 0)
			fail_msg("%s of %s is %s", c[i][1], c[i][0], got);
	}
	arena_clear(&a);
}

TEST(layout_mistakes_are_named)
{
#define L "{\"framing\":{\"kind\":\"message\"},\"fields\":["
	static const char *const c[][2] = {
		{ "[]", "layout x@1: is array; must be an object" },
		{ "{", NULL },
		{ "{\"fields\":[]}", "layout x@1: framing: must be an object" },
		{ "{\"framing\":{\"kind\":\"csv\"},\"fields\":[]}",
		  "layout x@1: framing: kind csv is not supported" },
		{ "{\"framing\":{\"kind\":\"message\",\"x\":1},\"fields\":[]}",
		  "layout x@1: framing: unknown key x" },
		{ "{\"framing\":{\"kind\":\"sync\",\"sync\":\"A\",\"length\":3},\"fields\":[]}",
		  "layout x@1: framing: sync must be 1 to 16 bytes in hex" },
		{ "{\"framing\":{\"kind\":\"sync\",\"sync\":\"AA\",\"length\":3,\"max\":2},"
		  "\"fields\":[]}",
		  "layout x@1: framing: unknown key max" },
		{ "{\"framing\":{\"kind\":\"message\"}}",
		  "layout x@1: fields must be a list of at most 256" },
		{ L "{\"name\":\"a\"}]}",
		  "layout x@1: fields[0]: type must be u1 to u64, i1 to i64, f16, f32 or f64" },
		{ L "{\"name\":\"a\",\"type\":\"u65\"}]}",
		  "layout x@1: fields[0]: type must be u1 to u64, i1 to i64, f16, f32 or f64" },
		{ L "{\"name\":\"a\",\"type\":\"f24\"}]}",
		  "layout x@1: fields[0]: type must be u1 to u64, i1 to i64, f16, f32 or f64" },
		{ L "{\"name\":\"a\",\"type\":\"u8\",\"typo\":1}]}",
		  "layout x@1: fields[0]: unknown key typo" },
		{ L "{\"name\":\"a b\",\"type\":\"u8\"}]}",
		  "layout x@1: fields[0]: name must be a name of at most 64 letters, digits and "
		  "_" },
		{ L "{\"name\":\"a\",\"type\":\"u8\",\"kind\":\"egg\"}]}",
		  "layout x@1: fields[0]: kind \"egg\" is not known" },
		{ L "{\"name\":\"a\",\"type\":\"u8\",\"scale\":\"b*2\"}]}",
		  "layout x@1: expression: b is no field and no parameter" },
		{ L "{\"name\":\"a\",\"type\":\"u8\",\"scale\":\"2*\"}]}",
		  "layout x@1: fields[0]: scale: expression: ends too early" },
		{ L "{\"name\":\"a\",\"type\":\"u8\",\"scale\":\"(2\"}]}",
		  "layout x@1: fields[0]: scale: expression: a bracket is not closed" },
		{ L "{\"name\":\"a\",\"type\":\"u8\",\"scale\":\"2 3\"}]}",
		  "layout x@1: fields[0]: scale: expression: something is left behind its end" },
		{ L "{\"name\":\"a\",\"type\":\"u8\",\"if\":\"i\"}]}",
		  "layout x@1: expression: i is no field and no parameter" },
		{ L "{\"name\":\"a\",\"codec\":\"ganglion_delta\"}]}",
		  "layout x@1: fields[0]: codec ganglion_delta is not supported" },
		{ L "{\"switch\":\"1\",\"cases\":[{\"when\":\"x\",\"fields\":[]}]}]}",
		  "layout x@1: fields[0]: cases[0]: when must be a whole number, a list of two, or "
		  "\"*\"" },
		{ L "{\"name\":\"a\",\"type\":\"u8\"}],\"counters\":[{\"field\":\"b\",\"modulo\":8}"
		    "]}",
		  "layout x@1: counters: [0]: b is no field" },
		{ L "],\"time\":{\"model\":\"counter\"}}",
		  "layout x@1: time: per_packet is required" },
		{ L "],\"time\":{\"model\":\"counter\",\"per_packet\":1,\"rate\":0}}",
		  "layout x@1: time: rate must be a number above 0" },
		{ L "],\"params\":{\"a\":\"1\"}}",
		  "layout x@1: params: a: must be a number or a list of 1 to 1024 numbers" },
	};

	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		struct err e = { 0 };

		assert_null(layout_compile(VIEW("x@1"), view_str(c[i][0]), &e));
		if (c[i][1])
			assert_string_equal(e.msg, c[i][1]);
	}
}

TEST(layout_too_deep_is_refused)
{
	struct arena a;
	struct err e = { 0 };
	struct buf b;

	arena_init(&a, FRAMES_ARENA);
	buf_init(&b, 1 << 16);
	buf_add_str(&b, "{\"framing\":{\"kind\":\"message\"},\"fields\":[");
	for (int i = 0; i < 9; i++)
		buf_add_str(&b, "{\"name\":\"g\",\"group\":[");
	for (int i = 0; i < 9; i++)
		buf_add_str(&b, "]}");
	buf_add_str(&b, "]}");
	assert_null(layout_compile(VIEW("x@1"), buf_view(&b), &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_clear(&b);
	arena_clear(&a);
}

/* ---- parameters and channels ---- */

#define GAINS \
	"{\"framing\":{\"kind\":\"message\"},\"params\":{\"gain\":2},\"time\":{\"model\":" \
	"\"counter\",\"per_packet\":1," \
	"\"rate\":250},\"fields\":[{\"name\":\"x\",\"type\":\"u8\",\"count\":3,\"kind\":\"eeg\"," \
	"\"unit\":\"uV\"," \
	"\"scale\":\"12/gain[i]\",\"labels\":[\"Fp1\",\"Fp2\"]}]}"

TEST(layout_gain_per_channel)
{
	static const double want[] = { 12, 12, 9 };
	struct arena a;
	struct err e = { 0 };
	struct frames f;
	const struct layout_channel *ch;
	size_t n;

	arena_init(&a, FRAMES_ARENA);
	struct layout_sink sink = frames_sink(&f, &a);
	struct layout *l = layout_compile(VIEW("x@1"), VIEW(GAINS), &e);
	assert_non_null(l);
	struct layout_stream *s = layout_stream_new(
		l, json_parse(&a, VIEW("{\"gain\":[1,2,4],\"rate\":500}"), 8, &e), &e);
	assert_non_null(s);
	layout_stream_feed(s, VIEW("\1\2\3"), &sink);
	const struct json *v = json_get(json_get(json_at(f.good, 0), "value"), "x");
	for (size_t i = 0; i < 3; i++)
		assert_true(fabs(json_double(json_at(v, i), 0) - want[i]) < 1e-12);
	assert_int_equal(layout_stream_channels(s, &ch, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_true(view_eq_str(ch[0].name, "Fp1") && view_eq_str(ch[2].name, "x2"));
	assert_true(fabs(ch[2].scale - 3) < 1e-12 && fabs(ch[2].rate - 500) < 1e-12);
	layout_stream_free(s);
	assert_null(layout_stream_new(l, json_parse(&a, VIEW("{\"gain\":[1,2]}"), 8, &e), &e));
	assert_string_equal(e.msg,
			    "the parameters give field x no scale (a list is used as name[i])");
	err_clear(&e);
	assert_null(layout_stream_new(l, json_parse(&a, VIEW("{\"gian\":1}"), 8, &e), &e));
	assert_string_equal(e.msg, "parameter gian: layout x@1 has no such parameter");
	layout_unref(l);
	arena_clear(&a);
}

static void check_channels(const char *id, const char *names, double scale0, double offset0)
{
	struct arena a;
	struct err e = { 0 };
	const struct layout_channel *ch;
	struct buf b;
	size_t n;

	arena_init(&a, FRAMES_ARENA);
	buf_init(&b, 4096);
	struct layout_stream *s = layout_stream_new(layout_catalog_by_id(view_str(id)), NULL, &e);
	assert_int_equal(layout_stream_channels(s, &ch, &n, &e), 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%.*s", i ? " " : "", VIEW_ARG(ch[i].name));
	assert_string_equal(n ? b.p : "", names);
	assert_true(n == 0 || fabs(ch[0].scale / scale0 - 1) < 1e-12);
	assert_true(n == 0 || fabs(ch[0].offset - offset0) < 1e-12);
	buf_clear(&b);
	layout_stream_free(s);
	arena_clear(&a);
}

TEST(layout_channels_of_the_catalog)
{
	check_channels("openbci.cyton@1", "eeg0 eeg1 eeg2 eeg3 eeg4 eeg5 eeg6 eeg7",
		       4.5 / 8388607 / 24 * 1e6, 0);
	check_channels("muse2.eeg@1", "eeg", 0.48828125, 2048);
	check_channels("muse2.ppg@1", "ppg", 1, 0);
	check_channels("laxtha.lxsdf_t2.2ch@1", "eeg0 eeg1", 1, 0);
	check_channels("max30102.fifo2@1", "red ir", 1, 0);
	check_channels("cerebralogik.v5@1", "", 1, 0);
}

TEST(layout_catalog_numbers)
{
	assert_int_equal(layout_catalog_count(), 13);
	assert_int_equal(layout_catalog_number(VIEW("openbci.cyton@1")), 1);
	assert_int_equal(layout_catalog_number(VIEW("openbci.cyton@2")), 2);
	assert_int_equal(layout_catalog_number(VIEW("cerebralogik.v5@1")), 13);
	assert_int_equal(layout_catalog_number(VIEW("x@1")), 0);
	assert_null(layout_catalog_by_number(0));
	assert_null(layout_catalog_by_number(14));
	assert_true(view_eq_str(layout_id(layout_catalog_by_number(3)), "muse2.eeg@1"));
	assert_null(layout_catalog_source(0).p);
}

/* ---- encoding ---- */

/* Encodes 40 frames with @puts, decodes them and returns the records. */
static struct frames round_trip(struct arena *a, const char *id, const struct layout_put *puts,
				size_t n, bool message)
{
	const struct layout *l = layout_catalog_by_id(view_str(id));
	struct err e = { 0 };
	struct frames f;
	struct layout_sink sink = frames_sink(&f, a);
	struct layout_stream *s = layout_stream_new(l, NULL, &e);
	struct buf b;

	buf_init(&b, 1 << 20);
	for (uint64_t i = 0; i < 40; i++) {
		if (layout_encode(l, i, puts, n, &b, &e) < 0)
			fail_msg("%s", e.msg);
		if (message) {
			layout_stream_feed(s, buf_view(&b), &sink);
			buf_reset(&b);
		}
	}
	if (!message)
		layout_stream_feed(s, buf_view(&b), &sink);
	const struct layout_report *r = layout_stream_report(s);
	assert_int_equal(r->frames, 40);
	assert_int_equal(r->bad + r->lost + r->dup + r->skipped + layout_stream_carried(s), 0);
	buf_clear(&b);
	layout_stream_free(s);
	return f;
}

static void check_raw(struct arena *a, const struct frames *f, size_t i, const char *want)
{
	assert_string_equal(json_text(a, json_get(json_at(f->good, i), "raw")), want);
}

TEST(layout_encode_is_the_inverse_of_decode)
{
	static const int64_t eeg8[] = { 1, -1, 8388607, -8388608, 0, 5, 6, 7 }, kind[] = { 3 };
	static const int64_t u12[] = { 0, 4095, 2048, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	static const int64_t u24[] = { 0, 16777215, 2, 3, 4, 5 }, two[] = { -16384, 16383 },
			     batt[] = { 87 };
	static const int64_t red[] = { 262143, 2, 3 }, ir[] = { 0, 5, 6 };
	struct arena a;
	struct frames f;

	arena_init(&a, FRAMES_ARENA);
	f = round_trip(&a, "openbci.cyton@1",
		       (struct layout_put[]){ { "eeg", eeg8, 8 }, { "aux_kind", kind, 1 } }, 2,
		       false);
	check_raw(&a, &f, 39,
		  "{\"seq\":39,\"eeg\":[1,-1,8388607,-8388608,0,5,6,7],\"aux\":[0,0,0,0,0,0],\"aux_"
		  "kind\":3}");
	f = round_trip(&a, "muse2.eeg@1", (struct layout_put[]){ { "eeg", u12, 12 } }, 1, true);
	check_raw(&a, &f, 5, "{\"seq\":5,\"eeg\":[0,4095,2048,1,2,3,4,5,6,7,8,9]}");
	f = round_trip(&a, "muse2.ppg@1", (struct layout_put[]){ { "ppg", u24, 6 } }, 1, true);
	check_raw(&a, &f, 7, "{\"seq\":7,\"ppg\":[0,16777215,2,3,4,5]}");
	f = round_trip(&a, "laxtha.lxsdf_t2.2ch@1",
		       (struct layout_put[]){ { "eeg", two, 2 }, { "battery_pct", batt, 1 } }, 2,
		       false);
	check_raw(&a, &f, 33,
		  "{\"pud0\":0,\"crd\":0,\"pud2\":0,\"pcdt\":0,\"pc\":1,\"pud1\":0,\"eeg\":[-16384,"
		  "16383]}");
	assert_string_equal(json_text(&a, json_get(json_at(f.good, 33), "slow")),
			    "{\"battery_pct\":87}");
	f = round_trip(&a, "max30102.fifo2@1",
		       (struct layout_put[]){ { "red", red, 3 }, { "ir", ir, 3 } }, 2, true);
	check_raw(&a, &f, 0,
		  "{\"s\":[{\"red\":262143,\"ir\":0},{\"red\":2,\"ir\":5},{\"red\":3,\"ir\":6}]}");
	f = round_trip(&a, "cerebralogik.v5@1", NULL, 0, false);
	assert_true(view_eq_str(json_get_str(json_at(f.good, 0), "check"), "ok"));
	arena_clear(&a);
}

TEST(layout_encode_mistakes_are_named)
{
	static const int64_t v[20] = { 70000 };
	static const struct {
		const char *id;
		struct layout_put put;
		const char *msg;
	} c[] = {
		{ "openbci.cyton@1",
		  { "egg", v, 8 },
		  "layout openbci.cyton@1: there is no field egg" },
		{ "openbci.cyton@1",
		  { "eeg", v, 7 },
		  "layout openbci.cyton@1: field eeg: 7 numbers; 8 are needed" },
		{ "muse2.eeg@1",
		  { "eeg", v, 12 },
		  "layout muse2.eeg@1: field eeg: 70000 does not fit" },
		{ "laxtha.lxsdf_t2.2ch@1",
		  { "eeg", v, 2 },
		  "layout laxtha.lxsdf_t2.2ch@1: field eeg: 70000 does not fit" },
		{ "openbci.cyton@2",
		  { "eeg", v + 1, 8 },
		  "layout openbci.cyton@2: switches and codecs are not encoded" },
	};

	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 4096);
		assert_true(layout_encode(layout_catalog_by_id(view_str(c[i].id)), 0, &c[i].put, 1,
					  &b, &e) < 0);
		assert_string_equal(e.msg, c[i].msg);
		assert_int_equal(b.n, 0);
		buf_clear(&b);
	}
}
