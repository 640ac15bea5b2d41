/* SPDX-License-Identifier: Apache-2.0 */
/* live_text: one record as the JSON that viewers get. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/live_int.h"

#define EMPTY_MAX 1024 /* buckets in a row without a sample that are shown as null */

static void number(struct buf *b, double v)
{
	if (isfinite(v))
		buf_add_g6(b, v);
	else
		buf_add_str(b, "null");
}

static void numbers(struct buf *b, const char *name, const double *v, size_t n)
{
	buf_printf(b, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		number(b, v[i]);
	}
	buf_add_char(b, ']');
}

/* --- one channel --- */

struct view live__channel_name(const struct live_stream *s, size_t i)
{
	struct view given = json_str(json_at(s->info->channels, i));

	return given.n ? given : s->channels[i].name;
}

static void head(struct buf *b, const struct live_record *r, size_t i, double number, double step)
{
	const struct live_stream *s = r->s;
	double rate = s->c[i].rate;

	buf_add_str(b, "{\"name\":");
	json_print_str(b, live__channel_name(s, i));
	buf_add_str(b, ",\"unit\":");
	json_print_str(b, s->channels[i].unit);
	buf_printf(b, ",\"rate\":%.6g", rate);
	if (rate > 0)
		buf_printf(b, ",\"t0_us\":%" PRId64 ",\"dt_us\":%.9g", sampleclock_at(&s->place, number * 1e6 / rate),
			   step * 1e6 / rate * (1 + s->place.drift));
	else
		buf_printf(b, ",\"t0_us\":%" PRId64, r->t_tablet_ns / 1000);
}

static void whole(struct buf *b, const struct live_record *r, size_t i)
{
	const struct live_channel *c = &r->s->c[i];

	head(b, r, i, (double)c->at, 1);
	numbers(b, "values", c->v, c->n);
	buf_add_char(b, '}');
}

static void column(struct buf *b, const char *name, const struct decimate_bucket *k, size_t n, size_t member)
{
	uint64_t at = k->at;

	buf_printf(b, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++, at++) {
		for (; at < k[i].at; at++)
			buf_add_str(b, "null,");
		number(b, *(const double *)(const void *)((const char *)&k[i] + member));
		if (i + 1 < n)
			buf_add_char(b, ',');
	}
	buf_add_char(b, ']');
}

static size_t take_buckets(struct live *l, struct decimate *d, const struct live_channel *c)
{
	if (c->n + 1 > l->bucket_cap) {
		l->bucket_cap = 2 * (c->n + 1);
		l->bucket = realloc(l->bucket, l->bucket_cap * sizeof(*l->bucket));
		must(l->bucket);
	}
	return decimate_take(d, c->at, c->v, c->n, l->bucket);
}

/* Behind a hole of more than EMPTY_MAX buckets the channel is there once more, with its own time. */
static bool buckets(struct live *l, struct buf *b, const struct live_record *r, size_t i, struct decimate *d, bool comma)
{
	size_t n = take_buckets(l, d, &r->s->c[i]), all = n;

	for (const struct decimate_bucket *k = l->bucket; all; k += n, all -= n, comma = true) {
		for (n = 1; n < all && k[n].at - k[n - 1].at <= EMPTY_MAX; n++)
			;
		if (comma)
			buf_add_char(b, ',');
		head(b, r, i, (double)k->at / d->per_sample, 1 / d->per_sample);
		column(b, "min", k, n, offsetof(struct decimate_bucket, min));
		column(b, "max", k, n, offsetof(struct decimate_bucket, max));
		column(b, "first", k, n, offsetof(struct decimate_bucket, first));
		column(b, "last", k, n, offsetof(struct decimate_bucket, last));
		buf_add_char(b, '}');
	}
	return n > 0;
}

/* --- a record --- */

static struct live_slim *slim_of(struct live_view *v, const struct live_stream *s)
{
	struct live_slim *m = map_get(&v->slims, view_str(s->info->stream));

	if (m && m->id == s->id)
		return m;
	m = calloc(1, sizeof(*m));
	must(m);
	m->id = s->id;
	m->on = calloc(s->n_channels + 1, sizeof(*m->on));
	m->d = calloc(s->n_channels + 1, sizeof(*m->d));
	must(m->on && m->d);
	for (size_t i = 0; i < s->n_channels; i++)
		m->on[i] = decimate_init(&m->d[i], s->c[i].rate, v->watch.hz);
	live__slim_free(map_put(&v->slims, view_str(s->info->stream), m));
	return m;
}

void live__slim_free(struct live_slim *s)
{
	if (!s)
		return;
	free(s->on);
	free(s->d);
	free(s);
}

bool live__text(struct live *l, const struct live_record *r, struct live_view *v, struct buf *b)
{
	const struct live_stream *s = r->s;
	/* A record behind its place would spoil the buckets: it is shown as it is. */
	struct live_slim *slim = v->watch.hz > 0 && !r->late ? slim_of(v, s) : NULL;
	bool any = false;

	buf_add_str(b, "{\"measurement\":");
	json_print_str(b, view_str(s->info->measurement));
	buf_add_str(b, ",\"stream\":");
	json_print_str(b, view_str(s->info->stream));
	buf_add_str(b, ",\"modality\":");
	json_print_str(b, view_str(s->info->modality));
	buf_printf(b, ",\"seq\":%u,\"t_tablet_ns\":\"%" PRId64 "\"%s,\"channels\":[", r->seq, r->t_tablet_ns,
		   r->late ? ",\"late\":true" : "");
	for (size_t i = 0; i < s->n_channels; i++) {
		if (!s->c[i].n || (v->watch.n_channels && !hub_wants_channel(&v->watch, live__channel_name(s, i))))
			continue;
		if (slim && slim->on[i]) {
			any |= buckets(l, b, r, i, &slim->d[i], any);
			continue;
		}
		if (any)
			buf_add_char(b, ',');
		whole(b, r, i);
		any = true;
	}
	buf_add_str(b, "]}");
	return any && !b->over;
}
