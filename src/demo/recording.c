/* SPDX-License-Identifier: Apache-2.0 */
/* recording: text columns, WFDB format 212, and the table of known files with their golden results. */
#include "demo/recording.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/file.h"

#define RECORD_S 0.2
#define FILE_MAX (64 * MIB)
#define RING_STEPS 512
#define PLETH_ZERO 2048

/* --- text --- */

static bool number(struct view v, double *ret)
{
	char text[64], *end;

	v = view_trim(v);
	if (!v.n || v.n >= sizeof(text))
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	*ret = strtod(text, &end);
	return !*end && isfinite(*ret);
}

static struct view column(struct view line, size_t i)
{
	struct view part = VIEW_NONE;

	for (size_t k = 0; k <= i; k++)
		if (!view_split(&line, ',', &part))
			return VIEW_NONE;
	return part;
}

static size_t count_lines(struct view text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* Numbers of column @col; comment and header lines (no digit or sign in front) are left out, other lines without a number are NaN. */
static double *read_column(struct arena *a, struct view text, size_t col, size_t *ret_n)
{
	double *x = ARENA_ARRAY(a, double, count_lines(text) + 1);
	struct view line;
	size_t n = 0;

	while (view_split(&text, '\n', &line)) {
		line = view_trim(line);
		if (!line.n && !text.n)
			break;
		if (line.n && !strchr("0123456789-+.\"", line.p[0]))
			continue;
		if (!number(column(line, col), &x[n]))
			x[n] = (double)NAN;
		n++;
	}
	*ret_n = n;
	return x;
}

/* --- readers --- */

static int into_counts(struct arena *a, struct stream *s, size_t channel, const double *x, size_t n, double zero, double scale,
		       struct err *e)
{
	int64_t *v = ARENA_ARRAY(a, int64_t, n + 1);

	for (size_t i = 0; i < n; i++) {
		if (isnan(x[i]))
			return err_set(e, ERR_CORRUPT, "line %zu of the samples is no number", i + 1);
		v[i] = (int64_t)nearbyint(zero + scale * x[i]);
	}
	s->raw[channel] = v;
	return 0;
}

static int add_stream(const struct recording *r, struct person *p, double rate, size_t n, struct err *e)
{
	struct stream *s = &p->streams[p->n_streams++];

	p->seconds = fmax(p->seconds, (double)n / rate);
	return stream_cut(s, r->device, rate, n, RECORD_S, e);
}

/* One column of whole numbers at a known rate, into the last channel (infrared) or the first. */
static int one_column(const struct recording *r, struct person *p, struct arena *a, const double *x, size_t n, double rate,
		      struct err *e)
{
	size_t frame = device_get(r->device)->frame_samples, channel = r->device == DEVICE_MAX30102 ? 1 : 0;
	int k;

	if (frame > 1)
		n -= n % frame;
	k = add_stream(r, p, rate, n, e);
	return k < 0 ? k : into_counts(a, &p->streams[0], channel, x, n, (double)device_get(r->device)->zero, 1, e);
}

static int read_plain_100(const struct recording *r, struct person *p, struct arena *a, struct view text, struct err *e)
{
	size_t n, skip = r->skip;
	double *x = read_column(a, text, r->column, &n);

	if (n <= skip)
		return err_set(e, ERR_CORRUPT, "no samples");
	return one_column(r, p, a, x + skip, n - skip, 100, e);
}

static int read_plain_125(const struct recording *r, struct person *p, struct arena *a, struct view text, struct err *e)
{
	size_t n;
	double *x = read_column(a, text, r->column, &n);

	return one_column(r, p, a, x, n, 125, e);
}

/* The rate is that of the timer column, in ms. */
static int read_timed(const struct recording *r, struct person *p, struct arena *a, struct view text, struct err *e)
{
	size_t n, n_times;
	double *t = read_column(a, text, 0, &n_times), *x = read_column(a, text, r->column, &n);

	if (n < 2 || n_times != n || !(t[n - 1] > t[0]))
		return err_set(e, ERR_CORRUPT, "the timer column does not rise");
	return one_column(r, p, a, x, n, (double)(n - 1) / ((t[n - 1] - t[0]) / 1000), e);
}

/* Straight lines over what is missing; ends keep their neighbour. */
static bool interpolate(double *x, size_t n)
{
	size_t last = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		if (isnan(x[i]))
			continue;
		for (size_t k = last == SIZE_MAX ? 0 : last + 1; k < i; k++)
			x[k] = last == SIZE_MAX ? x[i] : x[last] + (x[i] - x[last]) * (double)(k - last) / (double)(i - last);
		last = i;
	}
	for (size_t k = last + 1; last != SIZE_MAX && k < n; k++)
		x[k] = x[last];
	return last != SIZE_MAX;
}

static int read_ring(const struct recording *r, struct person *p, struct arena *a, struct view text, struct err *e)
{
	size_t n, take = 60 * 10 * 32;
	double *x = read_column(a, text, 0, &n);

	if (n < take || !interpolate(x, n))
		return err_set(e, ERR_CORRUPT, "less than ten minutes");
	for (size_t i = 0; i < take; i++)
		x[i] *= RING_STEPS;
	return one_column(r, p, a, x, take, 32, e);
}

static int read_openbci(const struct recording *r, struct person *p, struct arena *a, struct view text, struct err *e)
{
	const struct device *d = device_get(r->device);
	size_t n = 0;
	int k = 0;

	for (size_t c = 0; c < d->channels && k == 0; c++) {
		double *x = read_column(a, text, 1 + c, &n);

		if (c == 0)
			k = add_stream(r, p, 250, n, e);
		if (k == 0)
			k = into_counts(a, &p->streams[0], c, x, n, 0, 1 / d->unit, e);
	}
	return k;
}

/* WFDB format 212: two 12-bit samples in three bytes; four signals side by side, of which the third is the pulse. */
static int read_v102s(const struct recording *r, struct person *p, struct arena *a, struct view text, struct err *e)
{
	size_t n = text.n / 3 * 2 / 4;
	double *x = ARENA_ARRAY(a, double, n + 1);

	for (size_t i = 0; i < n; i++) {
		const uint8_t *b = (const uint8_t *)text.p + (i * 4 + r->column) / 2 * 3; /* of an even place: the first of its pair */
		int v = b[0] | (b[1] & 0x0f) << 8;

		x[i] = (v > 2047 ? v - 4096 : v) + PLETH_ZERO;
	}
	return one_column(r, p, a, x, n, 250, e);
}

/* --- the table --- */

#define NEAR 1e-6, 2e-6
#define STEP 2e-6, 5e-5 /* rounded to the device's steps */

static const struct expect data1[] = {
	{ "pulse", NULL, "samples", 2482, NEAR }, { "pulse", NULL, "beats", 24, NEAR },
	{ "pulse", NULL, "hr", 58.912128, NEAR }, { "pulse", NULL, "sdnn", 67.204354, NEAR },
	{ "pulse", NULL, "rmssd", 64.116504, NEAR }, { "pulse", NULL, "template_r", 0.988855, NEAR },
	{ "pulse", NULL, "skew_median", 1.317797, NEAR }, { "pulse", NULL, "accepted", 1, NEAR }, { 0 },
};
static const struct expect data2[] = {
	{ "pulse", NULL, "rate", 116.987754, NEAR }, { "pulse", NULL, "samples", 15000, NEAR },
	{ "pulse", NULL, "beats", 129, NEAR }, { "pulse", NULL, "intervals_rejected", 29, NEAR },
	{ "pulse", NULL, "hr", 65.237207, NEAR }, { "pulse", NULL, "sdnn", 119.207181, NEAR },
	{ "pulse", NULL, "rmssd", 65.883406, NEAR }, { "pulse", NULL, "template_r", 0.822064, NEAR },
	{ "pulse", NULL, "accepted", 0, NEAR }, { 0 },
};
static const struct expect ring[] = {
	{ "pulse", NULL, "samples", 19200, NEAR }, { "pulse", NULL, "beats", 561, NEAR },
	{ "pulse", NULL, "intervals_rejected", 233, NEAR }, { "pulse", NULL, "hr", 83.583786, NEAR },
	{ "pulse", NULL, "sdnn", 231.882539, NEAR }, { "pulse", NULL, "rmssd", 138.526533, NEAR },
	{ "pulse", NULL, "template_r", 0.7193, NEAR }, { "pulse", NULL, "accepted", 0, NEAR }, { 0 },
};
static const struct expect v102s[] = {
	{ "pulse", NULL, "samples", 75000, NEAR }, { "pulse", NULL, "beats", 516, NEAR },
	{ "pulse", NULL, "intervals_rejected", 52, NEAR }, { "pulse", NULL, "hr", 104.104028, NEAR },
	{ "pulse", NULL, "sdnn", 29.280824, NEAR }, { "pulse", NULL, "rmssd", 36.113188, NEAR },
	{ "pulse", NULL, "lf_hf", 1.016529, NEAR }, { "pulse", NULL, "template_r", 0.917886, NEAR },
	{ "pulse", NULL, "accepted", 0, NEAR }, { 0 },
};
static const struct expect closed[] = {
	{ "eeg", "eeg0", "samples", 38219, NEAR }, { "eeg", "eeg0", "delta", 8501.974064, NEAR },
	{ "eeg", "eeg0", "theta", 6407.162632, NEAR }, { "eeg", "eeg0", "alpha", 3105.405621, NEAR },
	{ "eeg", "eeg0", "beta", 6365.053707, NEAR }, { "eeg", "eeg0", "gamma", 1047.272911, NEAR },
	{ "eeg", "eeg0", "engagement", 0.66912, NEAR }, { "eeg", "eeg0", "relative_alpha", 0.127377, NEAR },
	{ "eeg", "eeg0", "alpha_peak_hz", 9.5, NEAR }, { 0 },
};
static const struct expect opened[] = {
	{ "eeg", "eeg0", "samples", 30203, NEAR }, { "eeg", "eeg0", "delta", 20386.576092, NEAR },
	{ "eeg", "eeg0", "theta", 1910.318241, NEAR }, { "eeg", "eeg0", "alpha", 1771.833672, NEAR },
	{ "eeg", "eeg0", "beta", 4105.273077, NEAR }, { "eeg", "eeg0", "gamma", 771.572376, NEAR },
	{ "eeg", "eeg0", "engagement", 1.114911, NEAR }, { "eeg", "eeg0", "relative_alpha", 0.062889, NEAR },
	{ "eeg", "eeg0", "alpha_peak_hz", 8.5, NEAR }, { 0 },
};
static const struct expect openbci[] = {
	{ "eeg", "eeg0", "samples", 22490, NEAR }, { "eeg", "eeg0", "delta", 287.09327, STEP },
	{ "eeg", "eeg0", "alpha", 59.201681, STEP }, { "eeg", "eeg0", "relative_alpha", 0.078296, STEP },
	{ "eeg", "eeg0", "alpha_peak_hz", 9.5, STEP }, { "eeg", "eeg0", "engagement_windows", 88, STEP },
	{ "eeg", "eeg0", "engagement_median", 0.846885, STEP }, { "eeg", "eeg1", "theta", 324.723531, STEP },
	{ "eeg", "eeg3", "beta", 96.67211, STEP }, { "eeg", "eeg4", "engagement", 1.036739, STEP },
	{ "eeg", "eeg6", "alpha", 90.451049, STEP }, { "eeg", "eeg6", "alpha_peak_hz", 11.5, STEP },
	{ "eeg", "eeg6", "relative_alpha", 0.248574, STEP }, { "eeg", "eeg0", "accepted", 1, NEAR }, { 0 },
};

const struct recording recordings[] = {
	/* Its golden result leaves the first value out. */
	{ "heartpy/data.csv", "heartpy data", DEVICE_MAX30102, read_plain_100, 0, 1, data1 },
	{ "heartpy/data2.csv", "heartpy data2", DEVICE_MUSE_PPG, read_timed, 1, 0, data2 },
	{ "heartpy/ring_data.csv", "heartpy ring", DEVICE_MUSE_PPG, read_ring, 0, 0, ring },
	{ "wfdb/v102s.dat", "wfdb v102s", DEVICE_MAX30102, read_v102s, 2, 0, v102s },
	{ "biosppy/eeg_ec.txt", "eyes closed", DEVICE_LXSDF_T2, read_plain_125, 0, 0, closed },
	{ "biosppy/eeg_eo.txt", "eyes open", DEVICE_LXSDF_T2A, read_plain_125, 0, 0, opened },
	{ "openbci/OpenBCI_GUI-v6-blinks-jawClench-alpha.txt", "openbci v6", DEVICE_CYTON, read_openbci, 0, 0, openbci },
};
const size_t recordings_n = ARRAY_LEN(recordings);

int recording_person(const struct recording *r, struct person *p, size_t index, struct arena *a, struct view content,
		     struct err *e)
{
	int k;

	person_init(p, r->name, index);
	p->recorded = true;
	k = r->read(r, p, a, content, e);
	if (k == 0)
		k = stream_check(&p->streams[0], e);
	if (k < 0)
		return err_ctx(e, "%s", r->path);
	for (const struct expect *x = r->golden; x->part; x++)
		p->expects[p->n_expects++] = *x;
	return 0;
}

int recording_find(const char *dir, struct person *ret, size_t max, size_t *ret_n, struct arena *a, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < recordings_n && n < max; i++) {
		const struct recording *r = &recordings[i];
		const char *path = arena_printf(a, "%s/%s", dir, r->path);
		struct view content;
		int k;

		if (!file_exists(path))
			path = arena_printf(a, "%s/%s", dir, strrchr(r->path, '/') + 1);
		if (!file_exists(path))
			continue;
		k = file_read(path, a, FILE_MAX, &content, e);
		if (k == 0)
			k = recording_person(r, &ret[n], n, a, content, e);
		if (k < 0)
			return k;
		n++;
	}
	if (!n)
		return err_set(e, ERR_NOENT, "%s has none of the recordings that are known, such as heartpy/data.csv", dir);
	*ret_n = n;
	return 0;
}
