/* SPDX-License-Identifier: Apache-2.0 */
/* Counts into device bytes and back: nothing is lost, what cannot be carried is refused. */
#include "demo/device.h"

#include "base/limits.h"
#include "data/layout.h"
#include "demo/rng.h"
#include "unit.h"

struct back {
	const struct layout_channel *c;
	size_t n_channels, n;
	const struct stream *s;
};

static void on_frame(void *ctx, const struct layout_frame *f)
{
	struct back *b = ctx;
	int64_t v[4096];
	size_t n = 0;

	for (size_t c = 0; c < b->n_channels; c++) {
		n = layout_channel_counts(&b->c[c], f, v, ARRAY_LEN(v));
		for (size_t i = 0; i < n; i++)
			assert_int_equal(v[i], b->s->raw[c][b->n + i]);
	}
	b->n += n;
}

static void there_and_back(enum device_kind k, struct arena *a)
{
	const struct device *d = device_get(k);
	size_t n = 1200, samples;
	struct stream s = { 0 };
	struct back b = { .s = &s };
	struct layout_sink sink = { .ctx = &b, .frame = on_frame };
	struct err e = { 0 };
	struct rng r;
	struct buf bytes;

	rng_init(&r, 1, k);
	for (size_t c = 0; c < d->channels; c++) {
		s.raw[c] = ARENA_ARRAY(a, int64_t, n);
		for (size_t i = 0; i < n; i++)
			s.raw[c][i] = i < 2 ? (i ? d->hi : d->lo) : d->lo + (int64_t)rng_below(&r, (uint64_t)(d->hi - d->lo + 1));
	}
	assert_int_equal(stream_cut(&s, k, d->rate, n, 0.2, &e), 0);
	assert_int_equal(stream_check(&s, &e), 0);
	struct layout_stream *ls = layout_stream_new(layout_catalog_by_id(view_str(d->layout)), NULL, &e);
	assert_non_null(ls);
	assert_int_equal(layout_stream_channels(ls, &b.c, &b.n_channels, &e), 0);
	assert_int_equal(b.n_channels, d->channels);
	buf_init(&bytes, MIB);
	for (uint32_t seq = 0; seq < s.records; seq++) {
		buf_reset(&bytes);
		assert_int_equal(stream_payload(&s, seq, &bytes, &samples, &e), 0);
		layout_stream_feed(ls, buf_view(&bytes), &sink);
	}
	assert_int_equal(b.n, n);
	assert_int_equal(layout_stream_report(ls)->bad, 0);
	buf_clear(&bytes);
	layout_stream_free(ls);
}

TEST(device_counts_come_back_from_every_device)
{
	struct arena a;

	arena_init(&a, 16 * MIB);
	for (enum device_kind k = DEVICE_MAX30102; k <= DEVICE_MUSE_EEG; k++)
		there_and_back(k, &a);
	arena_clear(&a);
}

TEST(device_channel_names_are_the_layouts)
{
	struct arena a;
	struct err e = { 0 };
	struct stream s = { 0 };

	arena_init(&a, MIB);
	for (enum device_kind k = DEVICE_MAX30102; k <= DEVICE_MUSE_EEG; k++) {
		const struct device *d = device_get(k);
		struct layout_stream *ls = layout_stream_new(layout_catalog_by_id(view_str(d->layout)), NULL, &e);
		const struct layout_channel *c;
		size_t n;

		assert_non_null(ls);
		assert_int_equal(layout_stream_channels(ls, &c, &n, &e), 0);
		s.dev = d;
		for (size_t i = 0; i < n; i++)
			assert_string_equal(stream_channel_name(&s, i, &a), arena_str(&a, c[i].name));
		layout_stream_free(ls);
	}
	arena_clear(&a);
}

TEST(device_refuses_what_it_cannot_carry)
{
	struct err e = { 0 };
	int64_t v[12] = { 0 };
	struct stream s = { .raw = { v } };

	assert_int_equal(stream_cut(&s, DEVICE_MUSE_EEG, 256, 13, 0.2, &e), ERR_INVALID);
	assert_string_equal(e.msg, "muse2.eeg@1: 13 samples are no whole frames of 12");
	err_clear(&e);
	assert_int_equal(stream_cut(&s, DEVICE_MUSE_EEG, 256, 12, 0.2, &e), 0);
	assert_int_equal(stream_check(&s, &e), 0);
	v[3] = 4096;
	assert_int_equal(stream_check(&s, &e), ERR_INVALID);
	assert_string_equal(e.msg, "muse2.eeg@1: sample 3 of channel 0 is 4096; 0 to 4095 can be carried");
}
