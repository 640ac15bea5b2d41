/* SPDX-License-Identifier: Apache-2.0 */
/* truth: src/signal over counts decoded from the payloads. */
#include "truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/layout.h"
#include "signal/beats.h"
#include "signal/eeg.h"
#include "signal/hrv.h"
#include "signal/ppg.h"
#include "unit.h"

struct into {
	const struct layout_channel *c;
	size_t n_channels, n[DEVICE_CHANNELS];
	double *x[DEVICE_CHANNELS];
};

static void on_frame(void *ctx, const struct layout_frame *f)
{
	struct into *t = ctx;

	for (size_t i = 0; i < t->n_channels; i++)
		t->n[i] += layout_channel_values(&t->c[i], f, t->x[i] + t->n[i], 8192);
}

static void put(struct arena *a, struct json *o, const char *name, double v)
{
	json_set(a, o, name, json_new_num(a, round(v * 1e6) / 1e6));
}

static struct json *pulse(struct arena *a, const double *x, size_t n, double rate)
{
	struct json *o = json_new_obj(a);
	struct err e = { 0 };
	struct beats b = { 0 };
	struct ppg_quality q = { 0 };
	struct hrv_intervals iv;
	struct hrv_time t;
	struct hrv_freq f;

	assert_int_equal(beats_ppg(a, x, n, rate, &b, &e), 0);
	ppg_quality(a, &b, n, rate, &q);
	hrv_intervals(a, beats_times(a, &b, n, rate, 1), b.n, &iv);
	if (hrv_time(iv.nn, iv.kept, &t, &e) < 0)
		return NULL; /* a channel that rests */
	put(a, o, "rate", rate);
	json_set_int(a, o, "samples", (int64_t)n);
	json_set_int(a, o, "beats", (int64_t)b.n);
	json_set_int(a, o, "intervals_rejected", (int64_t)(iv.n - iv.kept));
	put(a, o, "hr", t.hr);
	put(a, o, "sdnn", t.sdnn);
	put(a, o, "rmssd", t.rmssd);
	put(a, o, "template_r", q.template_r);
	put(a, o, "skew_median", q.skew_median);
	if (hrv_freq(a, iv.nn, iv.tt, iv.kept, &f, &e) == 0 && f.lf_ok)
		put(a, o, "lf_hf", f.lf_hf);
	json_set(a, o, "accepted", json_new_bool(q.accepted));
	return o;
}

static int by_value(const void *p, const void *q)
{
	double x = *(const double *)p, y = *(const double *)q;

	return (x > y) - (x < y);
}

static const struct json *eeg(struct arena *a, const char *name, const double *x, size_t n, double rate)
{
	struct json *o = json_new_obj(a);
	struct err e = { 0 };
	struct eeg_bands b;
	double *y, *s;
	size_t k;

	assert_int_equal(eeg_filter(a, x, n, rate, &y, &e), 0);
	assert_int_equal(eeg_bands(a, y, n, rate, &b, &e), 0);
	assert_int_equal(eeg_engagement(a, y, n, rate, &s, &k, &e), 0);
	qsort(s, k, sizeof(*s), by_value);
	json_set_str(a, o, "name", name);
	json_set_int(a, o, "samples", (int64_t)n);
	put(a, o, "delta", b.delta);
	put(a, o, "theta", b.theta);
	put(a, o, "alpha", b.alpha);
	put(a, o, "beta", b.beta);
	put(a, o, "gamma", b.gamma);
	put(a, o, "engagement", b.engagement);
	put(a, o, "relative_alpha", b.alpha_rel);
	put(a, o, "alpha_peak_hz", b.peak_alpha_hz);
	put(a, o, "engagement_median", k % 2 ? s[k / 2] : (s[k / 2 - 1] + s[k / 2]) / 2);
	json_set_int(a, o, "engagement_windows", (int64_t)k);
	json_set(a, o, "accepted", json_new_bool(true));
	return o;
}

static void decode(const struct stream *s, struct into *t, struct arena *a)
{
	struct layout_sink sink = { .ctx = t, .frame = on_frame };
	struct err e = { 0 };
	struct layout_stream *ls = layout_stream_new(layout_catalog_by_id(view_str(s->dev->layout)), NULL, &e);
	size_t samples, total = 0;
	struct buf b;

	assert_non_null(ls);
	assert_int_equal(layout_stream_channels(ls, &t->c, &t->n_channels, &e), 0);
	for (size_t i = 0; i < t->n_channels; i++)
		t->x[i] = ARENA_ARRAY(a, double, s->n + 8192);
	buf_init(&b, 1 << 20);
	for (uint32_t seq = 0; seq < s->records; seq++) {
		buf_reset(&b);
		assert_int_equal(stream_payload(s, seq, &b, &samples, &e), 0);
		layout_stream_feed(ls, buf_view(&b), &sink);
		total += samples;
	}
	assert_int_equal(total, s->n);
	assert_int_equal(layout_stream_report(ls)->bad, 0);
	assert_int_equal(layout_stream_report(ls)->lost, 0);
	buf_clear(&b);
	layout_stream_free(ls);
	assert_int_equal(t->n[0], s->n);
}

const struct json *truth_result(const struct person *p, struct arena *a)
{
	struct json *o = json_new_obj(a), *part = json_new_obj(a), *channels = json_new_arr(a);

	for (size_t i = 0; i < p->n_streams; i++) {
		const struct stream *s = &p->streams[i];
		struct into t = { 0 };

		decode(s, &t, a);
		if (strcmp(s->dev->modality, "ppg") == 0) /* the last channel: infrared, or the only one */
			json_set(a, o, "pulse", pulse(a, t.x[t.n_channels - 1], s->n, s->rate));
		for (size_t c = 0; c < t.n_channels && strcmp(s->dev->modality, "eeg") == 0; c++)
			if (s->raw[c])
				json_push(a, channels, eeg(a, stream_channel_name(s, c, a), t.x[c], s->n, s->rate));
	}
	json_set(a, part, "channels", channels);
	json_set(a, o, "eeg", part);
	return o;
}
