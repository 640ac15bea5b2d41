/* SPDX-License-Identifier: Apache-2.0 */
/* What a wrong manifest, a wrong seq and a loss within a record do to the ledger: nothing that outlasts them. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/measure_int.h"
#include "unit.h"

#define STREAM "01a20561-7a21-7f66-bea5-a1ea66330ac4"
#define PLACE "dt=2026-01-02/screening=s1/subject=p1/measurement=m1"

struct given { /* what the ports answer */
	const char *key[8], *text[8];
	size_t n;
	int fail; /* what the next get() answers; once */
};

static int get(void *self, const char *bucket, const char *key, size_t max, struct arena *a, struct view *ret, struct err *e)
{
	struct given *g = self;
	int fail = g->fail;

	(void)bucket;
	(void)max;
	g->fail = 0;
	if (fail)
		return err_set(e, fail, "not now");
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->key[i], key) == 0) {
			*ret = arena_view(a, view_str(g->text[i]));
			return 0;
		}
	return err_set(e, ERR_NOENT, "no such key");
}

static int head(void *self, const char *bucket, const char *key, struct arena *a, struct s3_object *ret, struct err *e)
{
	(void)self;
	(void)bucket;
	(void)key;
	(void)a;
	(void)ret;
	return err_set(e, ERR_NOENT, "no such key");
}

static int read_events(void *self, uint64_t after, size_t max, struct arena *a, struct event **ret, size_t *ret_n, struct err *e)
{
	const struct given *g = self;

	(void)max;
	(void)e;
	*ret = ARENA_ARRAY(a, struct event, g->n + 1);
	*ret_n = 0;
	for (size_t i = (size_t)after; i < g->n; i++)
		(*ret)[(*ret_n)++] = (struct event){
			.n = i + 1, .source = "aws.s3", .detail_type = "Object Created",
			.detail = arena_printf(a, "{\"bucket\": {\"name\": \"raw\"}, \"object\": {\"key\": \"%s\"}}", g->key[i]) };
	return 0;
}

struct fixture {
	struct given given;
	struct meta *meta;
	struct s3_port s3;
	struct events_port events;
	struct measure *m;
};

static void begin(struct fixture *f)
{
	char dir[4096], staging[4096];
	struct err e = { 0 };
	struct measure_opts o = { .s3 = &f->s3, .events = &f->events, .staging_dir = staging };

	*f = (struct fixture){ 0 };
	snprintf(dir, sizeof(dir), "%s/meta", unit_tmpdir());
	snprintf(staging, sizeof(staging), "%s/staging", unit_tmpdir());
	f->s3 = (struct s3_port){ .self = &f->given, .get = get, .head = head };
	f->events = (struct events_port){ .self = &f->given, .read = read_events };
	if (meta_open_sqlite(dir, &f->meta, &e) < 0)
		fail_msg("%s", e.msg);
	o.meta = f->meta;
	if (measure_new(&o, &f->m, &e) < 0)
		fail_msg("%s", e.msg);
}

static void end(struct fixture *f)
{
	measure_free(f->m);
	meta_close(f->meta);
}

static void add(struct fixture *f, const char *key, const char *text)
{
	f->given.key[f->given.n] = key;
	f->given.text[f->given.n++] = text;
}

static void take(struct fixture *f)
{
	struct err e = { 0 };

	if (measure__events_take(f->m, &e) < 0)
		fail_msg("%s", e.msg);
}

static const char good[] = "{\"v\": 1, \"measurement\": \"m1\", \"screening\": \"s1\", \"subject\": \"p1\", \"content\": \"c1\","
			   "\"place\": \"" PLACE "\", \"started_at_ns\": \"1767312000000000000\","
			   "\"streams\": [{\"stream\": \"" STREAM "\", \"modality\": \"eeg\", \"layout\": \"openbci.cyton@1\"}]}";

static bool shows(struct fixture *f, const char *what)
{
	struct err e = { 0 };
	struct buf b;
	bool found;

	buf_init(&b, MIB);
	if (measure_show(f->m, "m1", &b, &e) < 0)
		fail_msg("%s", e.msg);
	found = view_find(buf_view(&b), view_str(what)) >= 0;
	buf_clear(&b);
	return found;
}

TEST(wrong_begin_manifests_are_passed_by)
{
	struct fixture f;

	begin(&f);
	add(&f, "a/_begin.json", "{\"measurement\": \"m0\"}"); /* no place, screening, subject, content */
	add(&f, "b/_begin.json", "{\"measurement\": \"m0\", \"screening\": \"s\", \"subject\": \"p\", \"content\": \"c\","
				 "\"place\": \"" PLACE "\", \"streams\": [{}]}");
	add(&f, "c/_begin.json", "not JSON");
	add(&f, "d/_begin.json", good);
	take(&f);
	assert_true(shows(&f, "\"state\":\"recording\""));
	end(&f);
}

TEST(an_end_manifest_with_an_impossible_last_seq_is_passed_by)
{
	static const char *const wrong[] = { "9223372036854775807", "-5", "\"3\"", "4294967295" };
	struct fixture f;
	char text[4][256];

	begin(&f);
	add(&f, "m/_begin.json", good);
	for (size_t i = 0; i < 4; i++) {
		static const char *const keys[] = { "0/_manifest.json", "1/_manifest.json", "2/_manifest.json", "3/_manifest.json" };

		snprintf(text[i], sizeof(text[i]),
			 "{\"measurement\": \"m1\", \"streams\": [{\"stream\": \"" STREAM "\", \"last_seq\": %s}]}", wrong[i]);
		add(&f, keys[i], text[i]);
	}
	take(&f);
	assert_true(shows(&f, "\"state\":\"recording\""));
	end(&f);
}

TEST(the_greatest_last_seq_is_shown_quickly_as_one_hole)
{
	struct fixture f;

	begin(&f);
	add(&f, "m/_begin.json", good);
	add(&f, "m/_manifest.json", "{\"measurement\": \"m1\", \"streams\": [{\"stream\": \"" STREAM "\", \"last_seq\": 4294967294}]}");
	take(&f);
	assert_true(shows(&f, "\"missing\":[[0,4294967294]]"));
	end(&f);
}

TEST(a_manifest_that_cannot_be_read_now_is_read_later)
{
	struct fixture f;
	struct err e = { 0 };

	begin(&f);
	add(&f, "m/_begin.json", good);
	f.given.fail = ERR_IO;
	assert_int_equal(measure__events_take(f.m, &e), ERR_IO);
	take(&f);
	assert_true(shows(&f, "\"state\":\"recording\""));
	end(&f);
}

TEST(a_seq_far_ahead_is_out_of_range_and_takes_no_memory)
{
	struct ledger *l = calloc(1, sizeof(*l));
	struct envelope env = { .seq = UINT32_MAX };

	assert_non_null(l);
	assert_int_equal(ledger_take(l, &env, 1), LEDGER_RANGE);
	env.seq = SEQ_AHEAD_MAX + 1;
	assert_int_equal(ledger_take(l, &env, 2), LEDGER_RANGE);
	assert_int_equal(l->n_blocks, 0);
	env.seq = 5;
	assert_int_equal(ledger_take(l, &env, 3), LEDGER_NEW);
	assert_int_equal(ledger_take(l, &env, 4), LEDGER_DUPLICATE);
	env.seq = SEQ_AHEAD_MAX + 5;
	assert_int_equal(ledger_take(l, &env, 5), LEDGER_NEW);
	ledger_free(l);
}

/* --- decoding --- */

struct decoding {
	struct arena a;
	struct stream_info info;
	struct lake_batch b;
	struct ledger *l;
	struct buf bytes; /* frames, one behind another */
};

static void decoding_begin(struct decoding *d, double rate)
{
	struct err e = { 0 };

	*d = (struct decoding){ .info = { .stream = STREAM, .measurement = "m1", .modality = "eeg", .layout_id = "openbci.cyton@1",
					  .screening = "s1", .subject = "p1", .dt = "2026-01-02", .rate = rate } };
	d->info.layout = layout_catalog_by_id(VIEW("openbci.cyton@1"));
	arena_init(&d->a, LIMIT_ARENA);
	d->b.a = &d->a;
	buf_init(&d->b.rows, 16 * MIB);
	buf_init(&d->bytes, MIB);
	d->l = calloc(1, sizeof(*d->l));
	assert_non_null(d->l);
	d->l->info = &d->info;
	if (rate >= 0 && ledger_decoder(d->l, &e) < 0)
		fail_msg("%s", e.msg);
}

static void decoding_end(struct decoding *d)
{
	ledger_free(d->l);
	buf_clear(&d->b.rows);
	buf_clear(&d->bytes);
	arena_clear(&d->a);
}

static void add_frame(struct decoding *d, uint64_t index)
{
	struct err e = { 0 };

	if (layout_encode(d->info.layout, index, NULL, 0, &d->bytes, &e) < 0)
		fail_msg("%s", e.msg);
}

static bool has_row(struct decoding *d, const char *what)
{
	return view_find(buf_view(&d->b.rows), view_str(what)) >= 0;
}

TEST(a_loss_within_a_record_keeps_the_time_of_what_follows)
{
	struct decoding d;
	struct err e = { 0 };

	decoding_begin(&d, 250);
	for (uint64_t i = 0; i < 10; i++)
		if (i != 4 && i != 5)
			add_frame(&d, i);
	/* Ten periods of 4 ms end at the stamp. */
	assert_int_equal(lake_decode(&d.b, d.l, 0, 1000000000, buf_view(&d.bytes), false, &e), 0);
	assert_int_equal(d.l->anchor_us, 960000);
	assert_true(has_row(&d, "\"chunk\":0,\"t0_utc_us\":960000,"));
	assert_true(has_row(&d, "\"chunk\":1,\"t0_utc_us\":984000,"));
	assert_true(has_row(&d, "\"gap_before\":2,"));
	assert_int_equal(d.l->channel_n[0], 10);
	assert_int_equal(d.l->samples, 8);
	decoding_end(&d);
}

TEST(the_decoder_is_fed_again_from_the_start_of_a_frame)
{
	const uint32_t piece = 20; /* frames are of 33 */
	struct decoding d;
	struct err e = { 0 };
	uint32_t seq;

	decoding_begin(&d, 250);
	for (uint64_t i = 0; i < 400; i++)
		add_frame(&d, i);
	for (seq = 0; (seq + 1) * piece <= d.bytes.n; seq++)
		assert_int_equal(lake_decode(&d.b, d.l, seq, 1000000000 + seq, view_sub(buf_view(&d.bytes), seq * piece, piece), false, &e), 0);
	assert_true(d.l->warm_from > 0);
	assert_int_equal(d.l->warm_from * piece % 33, 0);
	assert_true(seq - d.l->warm_from >= WARM_RECORDS);
	decoding_end(&d);
}

TEST(a_rate_that_gives_no_times_is_refused)
{
	static const double wrong[] = { -1, 1e-300, 1e300 };

	for (size_t i = 0; i < 3; i++) {
		struct decoding d;
		struct err e = { 0 };

		decoding_begin(&d, -1);
		d.info.rate = wrong[i];
		assert_int_equal(ledger_decoder(d.l, &e), ERR_INVALID);
		assert_null(d.l->decoder);
		decoding_end(&d);
	}
}
