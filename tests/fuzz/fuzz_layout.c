// SPDX-License-Identifier: Apache-2.0
/* First line: a layout; the rest: bytes that are fed whole, in pieces, and over a gap. */
#include <stddef.h>
#include <stdint.h>

#include "data/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct seen {
	const struct layout_channel *ch;
	size_t n_ch;
	uint64_t good, bad;
};

static void take_frame(void *ctx, const struct layout_frame *f)
{
	struct seen *s = ctx;
	int64_t v[16];
	double d[16];
	struct arena a;

	s->good++;
	for (size_t i = 0; i < s->n_ch; i++) {
		layout_channel_counts(&s->ch[i], f, v, 16);
		layout_channel_values(&s->ch[i], f, d, 16);
	}
	if (s->good > 4 || f->bytes.n > 4096)
		return;
	arena_init(&a, (size_t)1 << 30);
	must(layout_frame_json(&a, f));
	arena_clear(&a);
}

static void take_bad(void *ctx, const struct layout_bad *b)
{
	must(layout_fault_name(b->fault) && b->field);
	((struct seen *)ctx)->bad++;
}

static void decode(const struct layout *l, struct view bytes, size_t piece, bool gaps)
{
	struct err e = { 0 };
	struct layout_stream *s = layout_stream_new(l, NULL, &e);
	struct seen seen = { 0 };
	struct layout_sink sink = { &seen, take_frame, take_bad };

	if (!s)
		return;
	if (layout_stream_channels(s, &seen.ch, &seen.n_ch, &e) < 0)
		seen.n_ch = 0;
	for (size_t i = 0; i < bytes.n; i += piece) {
		layout_stream_feed(s, view_sub(bytes, i, piece), &sink);
		if (gaps)
			layout_stream_gap(s, &sink);
	}
	layout_stream_gap(s, &sink);
	const struct layout_report *r = layout_stream_report(s);
	must(r->frames == seen.good + seen.bad && r->bad == seen.bad &&
	     layout_stream_carried(s) == 0);
	layout_stream_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view rest = view_of(p, n), text = VIEW("");
	struct err e = { 0 };
	struct layout *l;
	struct buf b;

	view_split(&rest, '\n', &text);
	l = layout_compile(VIEW("fuzz@1"), text, &e);
	if (!l) {
		must(e.code == ERR_INVALID || e.code == ERR_LIMIT || e.code == ERR_UNSUPPORTED);
		return 0;
	}
	if (rest.n > 4096)
		rest.n = 4096;
	decode(l, rest, rest.n + 1, false);
	decode(l, rest, 7, false);
	decode(l, rest, 13, true);
	buf_init(&b, 1 << 20);
	if (layout_encode(l, n, NULL, 0, &b, &e) < 0)
		must(b.n == 0);
	buf_clear(&b);
	layout_unref(l);
	return 0;
}
