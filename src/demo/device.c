/* SPDX-License-Identifier: Apache-2.0 */
/* device: the table of sensors, and counts into frames by their layouts. */
#include "demo/device.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "data/envelope.h"
#include "data/layout.h"

#define CYTON_UV (4.5 / 8388607 / 24 * 1e6) /* gain 24 */
#define RECORD_SAMPLES_MAX 4096

static const struct device devices[] = {
	[DEVICE_MAX30102] = { "max30102.fifo2@1", "MAX30102", "ppg", 100, 2, { "red", "ir" }, 0, 0, 0, 0x3ffff, 0 },
	[DEVICE_MUSE_PPG] = { "muse2.ppg@1", "Muse 2", "ppg", 64, 1, { "ppg" }, 6, 0, 0, 0xffffff, 0 },
	[DEVICE_CYTON] = { "openbci.cyton@1", "Cyton", "eeg", 250, 8, { "eeg" }, 1, 0, -8388608, 8388607, CYTON_UV },
	[DEVICE_LXSDF_T2] = { "laxtha.lxsdf_t2.2ch@1", "neuroNicle E2", "eeg", 250, 2, { "eeg" }, 1, 0, -16384, 16383, 0 },
	/* The high byte stays at 253 or less, so that FF FE is a frame's start only. */
	[DEVICE_LXSDF_T2A] = { "laxtha.lxsdf_t2a.2ch@1", "neuroNicle FX2", "eeg", 250, 2, { "eeg" }, 1, 16384, 0, 0xfdff, 0 },
	[DEVICE_MUSE_EEG] = { "muse2.eeg@1", "Muse 2", "eeg", 256, 1, { "eeg" }, 12, 2048, 0, 4095, 0.48828125 },
};

const struct device *device_get(enum device_kind k)
{
	must((size_t)k < ARRAY_LEN(devices));
	return &devices[k];
}

int stream_cut(struct stream *s, enum device_kind k, double rate, size_t n, double seconds, struct err *e)
{
	const struct device *d = device_get(k);
	size_t frame = d->frame_samples ? d->frame_samples : 1, per;

	if (!n || n % frame)
		return err_set(e, ERR_INVALID, "%s: %zu samples are no whole frames of %zu", d->layout, n, frame);
	/* A device that sends messages has a frame per record. */
	per = frame > 1 ? frame : (size_t)fmax(1, nearbyint(rate * seconds));
	if (per > RECORD_SAMPLES_MAX || n / per >= UINT32_MAX)
		return err_set(e, ERR_LIMIT, "%s: %zu samples in a record, %zu in all", d->layout, per, n);
	s->dev = d;
	s->rate = rate;
	s->n = n;
	s->record_samples = per;
	s->records = (uint32_t)((n + per - 1) / per);
	uuid7(s->id);
	must(envelope_stream_parse(view_str(s->id), s->id_bytes));
	return 0;
}

int stream_check(const struct stream *s, struct err *e)
{
	for (size_t c = 0; c < s->dev->channels; c++)
		for (size_t i = 0; s->raw[c] && i < s->n; i++)
			if (s->raw[c][i] < s->dev->lo || s->raw[c][i] > s->dev->hi)
				return err_set(e, ERR_INVALID, "%s: sample %zu of channel %zu is %" PRId64 "; %" PRId64 " to %" PRId64
					       " can be carried", s->dev->layout, i, c, s->raw[c][i], s->dev->lo, s->dev->hi);
	return 0;
}

static int64_t raw_at(const struct stream *s, size_t c, size_t i)
{
	return s->raw[c] ? s->raw[c][i] : s->dev->zero;
}

/* Frame @index with @k samples of each channel from sample @from on. */
static int add_frame(const struct stream *s, const struct layout *l, uint64_t index, size_t from, size_t k, struct buf *out,
		     struct err *e)
{
	static _Thread_local int64_t v[DEVICE_CHANNELS][RECORD_SAMPLES_MAX];
	const struct device *d = s->dev;
	struct layout_put puts[DEVICE_CHANNELS];
	size_t n = 0;

	if (d->fields[1]) { /* a field for each channel, with a row for each sample */
		for (; n < d->channels; n++) {
			for (size_t i = 0; i < k; i++)
				v[n][i] = raw_at(s, n, from + i);
			puts[n] = (struct layout_put){ d->fields[n], v[n], k };
		}
	} else { /* one field: its channels side by side, or the samples of its only channel */
		for (size_t c = 0; c < d->channels; c++)
			for (size_t i = 0; i < k; i++)
				v[0][i * d->channels + c] = raw_at(s, c, from + i);
		puts[n++] = (struct layout_put){ d->fields[0], v[0], k * d->channels };
	}
	return layout_encode(l, index, puts, n, out, e);
}

int stream_payload(const struct stream *s, uint32_t seq, struct buf *out, size_t *ret_samples, struct err *e)
{
	const struct layout *l = layout_catalog_by_id(view_str(s->dev->layout));
	size_t from = (size_t)seq * s->record_samples, end = from + s->record_samples, k;
	int r = 0;

	if (!l)
		return err_set(e, ERR_NOENT, "layout %s is not in the catalog", s->dev->layout);
	must(seq < s->records);
	end = end < s->n ? end : s->n;
	k = s->dev->frame_samples ? s->dev->frame_samples : end - from;
	for (size_t i = from; i < end && r == 0; i += k)
		r = add_frame(s, l, s->dev->frame_samples ? i / k : seq, i, k, out, e);
	*ret_samples = end - from;
	return r < 0 ? err_ctx(e, "record %" PRIu32 " of %s", seq, s->dev->layout) : 0;
}

const char *stream_channel_name(const struct stream *s, size_t c, struct arena *a)
{
	if (s->names[c])
		return s->names[c];
	if (s->dev->fields[1] || s->dev->channels == 1)
		return s->dev->fields[s->dev->fields[1] ? c : 0];
	return arena_printf(a, "%s%zu", s->dev->fields[0], c);
}
