/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode -- device bytes to samples of channels by declared layout, on one thread, in turn with memcpy of the same bytes.
 *
 * Frames are made by the layout itself; each payload is what a device sends in about a second.  Time is the thread's own,
 * so that a machine that does other work meanwhile disturbs it less.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "data/layout.h"

#define FRAMES 250
#define ROUNDS_MAX 64
#define BYTES ((size_t)32 * MIB) /* of one side of a round */

static const struct device {
	const char *id;
	bool message;     /* a payload is a frame */
	const char *head; /* of a frame that layout_encode() cannot make, as this layout has a switch: its first byte, */
	size_t bytes;     /* its length, */
	uint8_t tail;     /* its last byte; the second counts */
} devices[] = {
	{ .id = "openbci.cyton@2", .head = "\xa0", .bytes = 33, .tail = 0xc0 },
	{ .id = "muse2.eeg@1", .message = true },
	{ .id = "laxtha.lxsdf_t2.2ch@1" },
	{ .id = "openeeg.p2@1" },
};

struct bench {
	const struct layout_channel *channels;
	size_t n_channels;
	uint64_t samples;
	int64_t sum;
};

static void on_frame(void *ctx, const struct layout_frame *f)
{
	struct bench *b = ctx;
	int64_t counts[256];

	for (size_t i = 0; i < b->n_channels; i++) {
		size_t n = layout_channel_counts(&b->channels[i], f, counts, 256);

		for (size_t k = 0; k < n && k < 256; k++)
			b->sum += counts[k];
		b->samples += n;
	}
}

static double seconds(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static void add_frame(const struct device *d, const struct layout *l, uint64_t no, struct buf *b)
{
	struct err e = { 0 };

	if (!d->head) {
		must(layout_encode(l, no, NULL, 0, b, &e) == 0);
		return;
	}
	buf_add(b, d->head, 1);
	buf_add_char(b, (char)no);
	while (b->n % d->bytes != d->bytes - 1)
		buf_add_char(b, (char)(no * 31 + b->n));
	buf_add_char(b, (char)d->tail);
}

/* @piece: bytes that are fed at once. */
static double decode_rate(struct bench *b, struct layout_stream *s, struct view payload, size_t piece)
{
	const struct layout_sink sink = { .ctx = b, .frame = on_frame };
	size_t times = BYTES / payload.n + 1;
	double t0 = seconds();

	for (size_t i = 0; i < times; i++)
		for (size_t at = 0; at < payload.n; at += piece)
			layout_stream_feed(s, view_sub(payload, at, piece), &sink);
	return (double)(times * payload.n) / 1e6 / (seconds() - t0);
}

static double copy_rate(struct view payload)
{
	size_t times = BYTES / payload.n + 1;
	char *to = malloc(payload.n);
	double t0 = seconds(), rate;

	must(to);
	for (size_t i = 0; i < times; i++) {
		memcpy(to, payload.p, payload.n);
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	rate = (double)(times * payload.n) / 1e6 / (seconds() - t0);
	free(to);
	return rate;
}

static void one_device(const struct device *d, size_t rounds)
{
	const struct layout *l = layout_catalog_by_id(view_str(d->id));
	double ours[ROUNDS_MAX], copy[ROUNDS_MAX], samples;
	struct layout_stream *s;
	struct bench b = { 0 };
	struct err e = { 0 };
	struct buf bytes;
	size_t piece;

	must(l);
	s = layout_stream_new(l, NULL, &e);
	must(s && layout_stream_channels(s, &b.channels, &b.n_channels, &e) == 0);
	buf_init(&bytes, 16 * MIB);
	for (uint64_t i = 0; i < FRAMES; i++)
		add_frame(d, l, i, &bytes);
	piece = d->message ? bytes.n / FRAMES : bytes.n;
	decode_rate(&b, s, buf_view(&bytes), piece); /* warm-up, not counted */
	b.samples = 0;
	for (size_t i = 0; i < rounds; i++) {
		ours[i] = decode_rate(&b, s, buf_view(&bytes), piece);
		copy[i] = copy_rate(buf_view(&bytes));
	}
	samples = (double)b.samples / ((double)rounds * (double)((BYTES / bytes.n + 1) * bytes.n));
	must(layout_stream_report(s)->bad == 0 && b.samples);
	printf("{\"layout\": \"%s\", \"mb_per_second\": %.1f, \"samples_per_second\": %.0f, \"memcpy_mb_per_second\": %.0f}\n", d->id,
	       median(ours, rounds), median(ours, rounds) * 1e6 * samples, median(copy, rounds));
	buf_clear(&bytes);
	layout_stream_free(s);
}

/* decode [ROUNDS] */
int main(int argc, char **argv)
{
	uint64_t rounds = 5;

	if (argc == 2 && !view_u64(view_str(argv[1]), ROUNDS_MAX, &rounds))
		return 2;
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		one_device(&devices[i], rounds);
	return 0;
}
