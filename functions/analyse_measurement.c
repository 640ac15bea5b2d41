/* SPDX-License-Identifier: Apache-2.0 */
/* analyse_measurement: the samples of one measurement through Athena; heart rate, HRV and EEG measures with their gates. */
#include "runtime.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "athena_csv.h"
#include "base/limits.h"
#include "signal/beats.h"
#include "signal/eeg.h"
#include "signal/hrv.h"
#include "signal/ppg.h"

#define ANALYSIS "audience@1"
#define QUERY_MS 600000
#define SAMPLES_MAX (64UL * 1024 * 1024)
#define CHANNELS_MAX 64
#define EEG_UNIT_MAX 500.0 /* uV: a channel whose standard deviation is above lies loose [def] */
#define EEG_SECONDS_MIN 4.0

struct channel {
	const char *modality, *stream, *name, *unit;
	double rate;
	size_t n, cap, gaps;
	double *x;
};

struct analyse {
	struct function_ctx *cx;
	struct arena *a;
	struct view id, dt, screening, subject, content;
	struct channel channels[CHANNELS_MAX];
	size_t n_channels;
	struct buf rows; /* of audience.analysis, as lines */
};

enum { C_MODALITY, C_STREAM, C_CHANNEL, C_UNIT, C_DT_US, C_SCALE, C_OFFSET, C_GAP, C_VALUES, C_COUNT };

static int parse_double(struct view v, double *ret)
{
	char text[64], *end;

	if (!v.n || v.n >= sizeof(text))
		return -1;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	*ret = strtod(text, &end);
	return *end || !isfinite(*ret) ? -1 : 0;
}

static struct channel *channel_of(struct analyse *an, const struct view *f)
{
	struct channel *c;
	double dt_us;

	for (size_t i = 0; i < an->n_channels; i++) {
		c = &an->channels[i];
		if (view_eq_str(f[C_STREAM], c->stream) && view_eq_str(f[C_CHANNEL], c->name))
			return c;
	}
	if (an->n_channels == CHANNELS_MAX || parse_double(f[C_DT_US], &dt_us) < 0 || dt_us <= 0)
		return NULL;
	c = &an->channels[an->n_channels++];
	*c = (struct channel){ arena_str(an->a, f[C_MODALITY]), arena_str(an->a, f[C_STREAM]), arena_str(an->a, f[C_CHANNEL]),
			       f[C_UNIT].p ? arena_str(an->a, f[C_UNIT]) : "", 1e6 / dt_us, 0, 0, 0, NULL };
	return c;
}

static int add_row(struct analyse *an, const struct view *f)
{
	struct err *e = &an->cx->err;
	struct channel *c = channel_of(an, f);
	double scale, offset, gap;
	size_t from, more = 1;

	if (!c)
		return err_set(e, ERR_LIMIT, "more than %d channels, or a channel without a rate", CHANNELS_MAX);
	for (size_t i = 0; i < f[C_VALUES].n; i++)
		more += f[C_VALUES].p[i] == ',';
	if (c->n + more > SAMPLES_MAX)
		return err_set(e, ERR_LIMIT, "channel %s: more than %lu samples", c->name, SAMPLES_MAX);
	if (c->n + more > c->cap) {
		c->cap = (c->n + more) * 2;
		c->x = realloc(c->x, c->cap * sizeof(double));
		must(c->x);
	}
	from = c->n;
	if (parse_double(f[C_SCALE], &scale) < 0 || parse_double(f[C_OFFSET], &offset) < 0 ||
	    !athena_csv_numbers(f[C_VALUES], c->x, c->cap, &c->n))
		return err_set(e, ERR_CORRUPT, "channel %s: a row of samples cannot be read", c->name);
	for (size_t i = from; i < c->n; i++)
		c->x[i] = (c->x[i] - offset) * scale;
	if (parse_double(f[C_GAP], &gap) == 0 && gap > 0)
		c->gaps += (size_t)gap;
	return 0;
}

static int load_samples(struct analyse *an, const char *output)
{
	const char *sql = arena_printf(an->a,
				       "SELECT modality, stream_id, channel, unit, dt_us, scale, \"offset\", gap_before, \"values\" "
				       "FROM audience.sensor WHERE dt = '%.*s' AND screening_id = '%.*s' AND measurement_id = '%.*s' "
				       "ORDER BY modality, stream_id, channel, seq, chunk",
				       VIEW_ARG(an->dt), VIEW_ARG(an->screening), VIEW_ARG(an->id));
	struct view csv, f[C_COUNT];
	int r = aws_client_query(an->cx->aws, "audience", sql, output, QUERY_MS, an->a, &csv, &an->cx->err);
	int n = r < 0 ? r : athena_csv_record(&csv, an->a, f, C_COUNT); /* the header */

	while (r == 0 && (n = athena_csv_record(&csv, an->a, f, C_COUNT)) == C_COUNT)
		r = add_row(an, f);
	if (r == 0 && n != 0)
		return err_set(&an->cx->err, ERR_CORRUPT, "the query's result is broken");
	return r;
}

/* --- results --- */

static void put_num(struct analyse *an, struct json *o, const char *name, double d)
{
	/* Six decimals, as the published numbers are given. */
	json_set(an->a, o, name, isfinite(d) ? json_new_num(an->a, round(d * 1e6) / 1e6) : &json_null);
}

static void put_reason(struct analyse *an, struct json *o, bool accepted, const char *reason)
{
	json_set(an->a, o, "accepted", json_new_bool(accepted));
	json_set(an->a, o, "reason", accepted ? &json_null : json_new_cstr(an->a, reason));
}

static void row(struct analyse *an, int64_t second, const char *index, double value, size_t n, double quality)
{
	struct json *o = json_new_obj(an->a);

	if (!isfinite(value))
		return;
	json_set_str(an->a, o, "measurement_id", arena_str(an->a, an->id));
	json_set_int(an->a, o, "t_content_s", second);
	json_set_str(an->a, o, "index", index);
	put_num(an, o, "value", value);
	json_set(an->a, o, "se", &json_null);
	json_set_int(an->a, o, "n", (int64_t)n);
	put_num(an, o, "quality", quality);
	json_set_str(an->a, o, "analysis_version", ANALYSIS);
	json_set_str(an->a, o, "dt", arena_str(an->a, an->dt));
	json_set_str(an->a, o, "content_id", arena_str(an->a, an->content));
	json_print(&an->rows, o);
	buf_add_char(&an->rows, '\n');
}

static const char *pulse_reason(const struct channel *c, const struct ppg_quality *q)
{
	if (q->beats < PPG_BEATS_MIN)
		return "fewer than 4 beats";
	if (c->gaps)
		return "samples are missing";
	if (!q->rules)
		return "rate or intervals are not physiological";
	return q->template_r < PPG_TEMPLATE_MIN ? "beats do not resemble each other" : NULL;
}

static int pulse_numbers(struct analyse *an, const struct channel *c, const struct beats *b, const struct ppg_quality *q,
			 struct json *o)
{
	struct hrv_intervals iv;
	struct hrv_time t;
	struct hrv_freq f;
	struct err quiet = { 0 };
	const double *times = beats_times(an->a, b, c->n, c->rate, 1);
	double quality = q->template_r > 0 ? q->template_r : 0;

	hrv_intervals(an->a, times, b->n, &iv);
	if (hrv_time(iv.nn, iv.kept, &t, &quiet) < 0)
		return 0;
	put_num(an, o, "hr", t.hr);
	put_num(an, o, "mean_nn", t.mean_nn);
	put_num(an, o, "sdnn", t.sdnn);
	put_num(an, o, "rmssd", t.rmssd);
	put_num(an, o, "pnn50", t.pnn50);
	json_set_int(an->a, o, "intervals", (int64_t)t.n);
	json_set_int(an->a, o, "intervals_rejected", (int64_t)(iv.n - iv.kept));
	json_set(an->a, o, "lf_hf", &json_null); /* under two minutes there is no LF */
	if (hrv_freq(an->a, iv.nn, iv.tt, iv.kept, &f, &quiet) == 0 && f.lf_ok)
		put_num(an, o, "lf_hf", f.lf_hf);
	if (!q->accepted)
		return 0;
	row(an, 0, "hr", t.hr, t.n, quality);
	row(an, 0, "rmssd", t.rmssd, t.n, quality);
	row(an, 0, "sdnn", t.sdnn, t.n, quality);
	for (size_t i = 0; i < iv.kept; i++)
		row(an, (int64_t)iv.tt[i], "hr_beat", 60000.0 / iv.nn[i], 1, quality);
	return 0;
}

static int analyse_pulse(struct analyse *an, const struct channel *c, struct json **ret)
{
	struct json *o = json_new_obj(an->a);
	struct ppg_quality q = { 0 };
	struct beats b = { 0 };
	struct err quiet = { 0 };
	const char *reason = "too short";
	bool ok = beats_ppg(an->a, c->x, c->n, c->rate, &b, &quiet) == 0;

	json_set_str(an->a, o, "channel", c->name);
	put_num(an, o, "rate", c->rate);
	json_set_int(an->a, o, "samples", (int64_t)c->n);
	json_set_int(an->a, o, "missing_samples", (int64_t)c->gaps);
	json_set_int(an->a, o, "beats", (int64_t)b.n);
	if (ok) {
		ppg_quality(an->a, &b, c->n, c->rate, &q);
		reason = pulse_reason(c, &q);
		put_num(an, o, "template_r", q.template_r);
		put_num(an, o, "skew_median", q.skew_median);
		json_set(an->a, o, "rules", json_new_bool(q.rules));
		q.accepted = q.accepted && !reason;
		(void)pulse_numbers(an, c, &b, &q, o);
	}
	put_reason(an, o, ok && q.accepted, reason ? reason : "quality gate");
	*ret = o;
	return 0;
}

static double std_of(const double *x, size_t n)
{
	double mean = 0, s = 0;

	for (size_t i = 0; i < n; i++)
		mean += x[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		s += (x[i] - mean) * (x[i] - mean) / (double)n;
	return sqrt(s);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(struct analyse *an, const double *x, size_t n)
{
	double *s = arena_dup(an->a, x, n * sizeof(double));

	if (!n)
		return NAN;
	qsort(s, n, sizeof(double), by_value);
	return n % 2 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2;
}

static const char *eeg_reason(const struct channel *c, const double *y, bool filtered)
{
	double sd = filtered ? std_of(y, c->n) : 0;

	if (!filtered || (double)c->n < EEG_SECONDS_MIN * c->rate)
		return "too short";
	if (c->gaps)
		return "samples are missing";
	if (sd <= 0)
		return "flat";
	return strcmp(c->unit, "uV") == 0 && sd > EEG_UNIT_MAX ? "noise above 500 uV" : NULL;
}

static const struct json *analyse_eeg(struct analyse *an, const struct channel *c)
{
	struct json *o = json_new_obj(an->a);
	struct err quiet = { 0 };
	struct eeg_bands b;
	double *y = NULL, *engagement = NULL;
	size_t n = 0;
	bool filtered = eeg_filter(an->a, c->x, c->n, c->rate, &y, &quiet) == 0;
	const char *reason = eeg_reason(c, y, filtered);

	json_set_str(an->a, o, "name", c->name);
	json_set_int(an->a, o, "samples", (int64_t)c->n);
	json_set_int(an->a, o, "missing_samples", (int64_t)c->gaps);
	if (filtered && eeg_bands(an->a, y, c->n, c->rate, &b, &quiet) == 0) {
		put_num(an, o, "delta", b.delta);
		put_num(an, o, "theta", b.theta);
		put_num(an, o, "alpha", b.alpha);
		put_num(an, o, "beta", b.beta);
		put_num(an, o, "gamma", b.gamma);
		put_num(an, o, "engagement", b.engagement);
		put_num(an, o, "relative_alpha", b.alpha_rel);
		put_num(an, o, "alpha_peak_hz", b.peak_alpha_hz);
		if (eeg_engagement(an->a, y, c->n, c->rate, &engagement, &n, &quiet) == 0) {
			put_num(an, o, "engagement_median", median(an, engagement, n));
			json_set_int(an->a, o, "engagement_windows", (int64_t)n);
		}
	} else if (!reason) {
		reason = "too short";
	}
	put_reason(an, o, !reason, reason);
	for (size_t i = 0; i < n && !reason; i++)
		row(an, (int64_t)((double)i * EEG_STEP_S), arena_printf(an->a, "engagement:%s", c->name), engagement[i], 1, 1.0);
	return o;
}

/* Of several pulse channels (red, infrared) the one whose beats resemble each other most. */
static int add_pulse(struct analyse *an, struct json *result)
{
	struct json *best = NULL;

	for (size_t i = 0; i < an->n_channels; i++) {
		struct json *o;

		if (strcmp(an->channels[i].modality, "ppg") != 0)
			continue;
		size_t before = an->rows.n;

		(void)analyse_pulse(an, &an->channels[i], &o);
		if (!best || json_double(json_get(o, "template_r"), 0) > json_double(json_get(best, "template_r"), 0)) {
			/* Only the best channel's rows are kept. */
			if (best && before)
				buf_consume(&an->rows, before);
			best = o;
		} else {
			an->rows.n = before;
		}
	}
	if (best)
		json_set(an->a, result, "pulse", best);
	return 0;
}

static void add_eeg(struct analyse *an, struct json *result)
{
	struct json *o = NULL, *all = json_new_arr(an->a);

	for (size_t i = 0; i < an->n_channels; i++) {
		const struct channel *c = &an->channels[i];

		if (strcmp(c->modality, "eeg") != 0)
			continue;
		if (!o) {
			o = json_new_obj(an->a);
			put_num(an, o, "rate", c->rate);
			json_set_int(an->a, o, "samples", (int64_t)c->n);
		}
		json_push(an->a, all, analyse_eeg(an, c));
	}
	if (o) {
		json_set(an->a, o, "channels", all);
		json_set(an->a, result, "eeg", o);
	}
}

static int store(struct analyse *an, const char *bucket, const struct json *result)
{
	struct err *e = &an->cx->err;
	int r = buf_check(&an->rows, "rows", e);

	if (r == 0)
		r = aws_client_put(an->cx->aws, bucket,
				   arena_printf(an->a, "rows/measurement_id=%.*s/rows.json", VIEW_ARG(an->id)),
				   "application/x-ndjson", buf_view(&an->rows), an->a, e);
	if (r == 0)
		r = aws_client_put(an->cx->aws, bucket,
				   arena_printf(an->a, "result/measurement_id=%.*s/result.json", VIEW_ARG(an->id)),
				   "application/json", view_str(json_text(an->a, result)), an->a, e);
	return r;
}

static int run(struct analyse *an, const struct json *event, const struct json **ret)
{
	const char *bucket, *output;
	struct json *result = json_new_obj(an->a), *answer = json_new_obj(an->a);
	int r = function_setting(an->cx, "ANALYSED_BUCKET", &bucket);

	if (r == 0)
		r = function_setting(an->cx, "QUERY_OUTPUT", &output);
	if (r == 0)
		r = load_samples(an, output);
	if (r < 0)
		return r;
	json_set_int(an->a, result, "v", 1);
	json_set_str(an->a, result, "analysis", ANALYSIS);
	json_set(an->a, result, "measurement", json_get(event, "measurement"));
	json_set(an->a, result, "subject", json_get(event, "subject"));
	json_set(an->a, result, "content", json_get(event, "content"));
	(void)add_pulse(an, result);
	add_eeg(an, result);
	r = store(an, bucket, result);
	json_set(an->a, answer, "measurement", json_get(event, "measurement"));
	json_set(an->a, answer, "result", json_new_cstr(an->a, arena_printf(an->a, "s3://%s/result/measurement_id=%.*s/result.json",
									    bucket, VIEW_ARG(an->id))));
	json_set_int(an->a, answer, "channels", (int64_t)an->n_channels);
	*ret = answer;
	return r;
}

int analyse_measurement(struct function_ctx *cx, const struct json *event, const struct json **ret)
{
	struct analyse an = { .cx = cx, .a = cx->arena, .id = json_get_str(event, "measurement"), .dt = json_get_str(event, "dt"),
			      .screening = json_get_str(event, "screening"), .content = json_get_str(event, "content") };
	int r = 0;

	/* They go into SQL text and keys: what issue_upload_urls let through, and nothing else. */
	for (size_t i = 0; i < 4; i++) {
		struct view v = (struct view[]){ an.id, an.dt, an.screening, an.content }[i];

		for (size_t k = 0; k < v.n; k++)
			if (!v.p[k] || strchr("'\"\\/;", v.p[k]) || (unsigned char)v.p[k] < ' ')
				r = ERR_INVALID;
		if (!v.n)
			r = ERR_INVALID;
	}
	if (r < 0)
		return err_set(&cx->err, ERR_INVALID, "measurement, dt, screening and content are expected");
	buf_init(&an.rows, 256 * MIB);
	r = run(&an, event, ret);
	for (size_t i = 0; i < an.n_channels; i++)
		free(an.channels[i].x);
	buf_clear(&an.rows);
	return r;
}
