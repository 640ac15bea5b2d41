/* SPDX-License-Identifier: Apache-2.0 */
/* live: records as they become durable, decoded for whoever watches their measurement. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/measure_int.h"

#define WAIT_MS 200
#define RECORDS 256
#define SAMPLES_MAX 65536

struct live_stream {
	const struct stream_info *info;
	struct layout_stream *decoder;
	const struct layout_channel *channels;
	size_t n_channels;
	double **values; /* of the record at hand, by channel */
	size_t *n;
};

static void live_free(struct live_stream *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_channels; i++)
		free(s->values[i]);
	free(s->values);
	free(s->n);
	layout_stream_free(s->decoder);
	free(s);
}

static struct live_stream *live_new(const struct stream_info *info)
{
	struct live_stream *s = calloc(1, sizeof(*s));
	struct err e = { 0 };

	must(s);
	s->info = info;
	s->decoder = info->layout ? layout_stream_new(info->layout, info->params, &e) : NULL;
	if (!s->decoder || layout_stream_channels(s->decoder, &s->channels, &s->n_channels, &e) < 0) {
		s->n_channels = 0;
		live_free(s);
		return NULL;
	}
	s->values = calloc(s->n_channels + 1, sizeof(*s->values));
	s->n = calloc(s->n_channels + 1, sizeof(*s->n));
	must(s->values && s->n);
	return s;
}

static void on_frame(void *ctx, const struct layout_frame *f)
{
	struct live_stream *s = ctx;

	for (size_t i = 0; i < s->n_channels && !f->dup; i++) {
		size_t n = layout_channel_values(&s->channels[i], f, NULL, 0);

		if (!n || s->n[i] + n > SAMPLES_MAX)
			continue;
		s->values[i] = realloc(s->values[i], (s->n[i] + n) * sizeof(double));
		must(s->values[i]);
		s->n[i] += layout_channel_values(&s->channels[i], f, s->values[i] + s->n[i], n);
	}
}

static void describe(const struct live_stream *s, const struct envelope *env, struct buf *b)
{
	buf_add_str(b, "{\"stream\":");
	json_print_str(b, view_str(s->info->stream));
	buf_add_str(b, ",\"modality\":");
	json_print_str(b, view_str(s->info->modality));
	buf_printf(b, ",\"seq\":%u,\"t_tablet_ns\":\"%" PRId64 "\",\"channels\":[", env->seq, env->t_tablet_ns);
	for (size_t i = 0, shown = 0; i < s->n_channels; i++) {
		struct view given = json_str(json_at(s->info->channels, i));

		if (!s->n[i])
			continue;
		buf_add_str(b, shown++ ? ",{\"name\":" : "{\"name\":");
		json_print_str(b, given.n ? given : s->channels[i].name);
		buf_add_str(b, ",\"unit\":");
		json_print_str(b, s->channels[i].unit);
		buf_printf(b, ",\"rate\":%.6g,\"values\":[", s->info->rate > 0 ? s->info->rate : s->channels[i].rate);
		for (size_t k = 0; k < s->n[i]; k++)
			buf_printf(b, isfinite(s->values[i][k]) ? "%s%.6g" : "%snull", k ? "," : "", s->values[i][k]);
		buf_add_str(b, "]}");
	}
	buf_add_str(b, "]}");
}

static bool watched(struct measure *m, const char *measurement)
{
	LOCK_SCOPE(&m->subs_lock);
	for (const struct measure_sub *s = m->subs; s; s = s->next)
		if (!s->gone && strcmp(s->measurement, measurement) == 0)
			return true;
	return false;
}

static void publish(struct measure *m, const char *measurement, struct view json)
{
	LOCK_SCOPE(&m->subs_lock);
	for (struct measure_sub *s = m->subs; s; s = s->next)
		if (!s->gone && strcmp(s->measurement, measurement) == 0)
			s->gone = !s->fn(s->arg, json);
}

static struct live_stream *stream_of(struct intake *in, struct map *streams, const char *id)
{
	struct live_stream *s = map_get(streams, view_str(id));
	const struct stream_info *info;
	struct err e = { 0 };

	if (s)
		return s;
	/* The begin manifest's event may not have been taken yet. */
	info = measure__info(in->m, id, &e);
	if (!info && measure__events_take(in->m, &e) == 0)
		info = measure__info(in->m, id, &e);
	s = info && watched(in->m, info->measurement) ? live_new(info) : NULL;
	if (s)
		map_put(streams, view_str(id), s);
	return s;
}

/* With nobody watching, nothing is kept; it also forgets unfinished frames whose rest was passed by. */
static void forget(struct map *streams)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(streams, &slot, &it))
		live_free(it->value);
	map_clear(streams);
	map_init(streams);
}

static void show(struct intake *in, struct map *streams, const struct log_record *rec)
{
	char id[ENVELOPE_STREAM_TEXT];
	struct envelope env;
	struct live_stream *s;
	struct layout_sink sink = { .frame = on_frame };
	struct buf b;

	if (envelope_parse(rec->data, &env) != ENVELOPE_OK)
		return;
	s = stream_of(in, streams, envelope_stream_text(env.stream, id));
	if (!s || !watched(in->m, s->info->measurement))
		return;
	memset(s->n, 0, s->n_channels * sizeof(*s->n));
	sink.ctx = s;
	layout_stream_feed(s->decoder, env.payload, &sink);
	buf_init(&b, 16 * MIB);
	describe(s, &env, &b);
	if (!b.over)
		publish(in->m, s->info->measurement, buf_view(&b));
	buf_clear(&b);
}

static int start_reader(struct intake *in, struct log_reader **ret)
{
	struct err e = { 0 };
	int r = log_reader_new(in->log, log_last(in->log) + 1, ret, &e);

	if (r == 0) {
		LOCK_SCOPE(&in->m->lock);
		in->live_reader = *ret;
	}
	return r;
}

void *live_main(void *arg)
{
	struct intake *in = arg;
	struct map streams;
	struct log_record recs[RECORDS];
	struct log_reader *reader = NULL;
	int r = start_reader(in, &reader);

	map_init(&streams);
	while (r >= 0 && !atomic_load(&in->m->stop) && !atomic_load(&in->replaced)) {
		struct err e = { 0 };
		int n = log_read(reader, recs, RECORDS, BATCH_BYTES, WAIT_MS, &e);

		if (n < 0)
			break; /* the log is being closed */
		if (streams.n && !atomic_load(&in->m->n_subs))
			forget(&streams);
		for (int i = 0; i < n && atomic_load(&in->m->n_subs); i++)
			show(in, &streams, &recs[i]);
	}
	forget(&streams);
	map_clear(&streams);
	return NULL;
}
