/* SPDX-License-Identifier: Apache-2.0 */
/* person: modelled people with their devices, and expected against got. */
#include "demo/person.h"

#include <math.h>
#include <stdio.h>

#include "demo/model.h"

#define RECORD_S 0.2
#define HR_NEAR 1.0      /* per minute */
#define ALPHA_NEAR 0.501 /* Hz: one step of the spectrum */

void person_init(struct person *p, const char *name, size_t index)
{
	*p = (struct person){ .name = name };
	snprintf(p->subject, sizeof(p->subject), "p-%04zu", index + 1);
	uuid7(p->id);
}

struct expect *person_expect(struct person *p, const char *part, const char *channel, const char *member, double value)
{
	must(p->n_expects < PERSON_EXPECTS);
	struct expect *x = &p->expects[p->n_expects++];

	*x = (struct expect){ part, channel, member, value, 1e-6, 2e-6 };
	return x;
}

/* --- modelled people --- */

static int64_t *counts(struct arena *a, const double *x, size_t n, double offset, double scale, const struct device *d)
{
	int64_t *v = ARENA_ARRAY(a, int64_t, n + 1);

	for (size_t i = 0; i < n; i++) {
		double c = nearbyint(offset + scale * x[i]);

		v[i] = (int64_t)fmin(fmax(c, (double)d->lo), (double)d->hi);
	}
	return v;
}

static size_t samples(const struct device *d, double seconds)
{
	size_t frame = d->frame_samples ? d->frame_samples : 1;

	return ((size_t)(seconds * d->rate) + frame - 1) / frame * frame;
}

static int add_pulse(struct person *p, struct arena *a, const struct model_person *m, enum device_kind k, double seconds,
		     struct err *e)
{
	const struct device *d = device_get(k);
	struct stream *s = &p->streams[p->n_streams++];
	size_t n = samples(d, seconds);
	double hr, *x = model_pulse(a, m, d->rate, n, &hr);

	for (size_t c = 0; c < d->channels; c++) /* infrared reaches deeper than red */
		s->raw[c] = counts(a, x, n, 80000 + 30000.0 * (double)c, 2000 + 2500.0 * (double)c, d);
	person_expect(p, "pulse", NULL, "hr", hr)->abs = HR_NEAR;
	person_expect(p, "pulse", NULL, "accepted", 1);
	return stream_cut(s, k, d->rate, n, RECORD_S, e);
}

static int add_eeg(struct person *p, struct arena *a, const struct model_person *m, enum device_kind k, const char *site,
		   double seconds, struct err *e)
{
	const struct device *d = device_get(k);
	struct stream *s = &p->streams[p->n_streams++];
	size_t n = samples(d, seconds);
	double scale = d->unit > 0 ? 1 / d->unit : 10; /* counts of 0.1 uV where the device tells no unit */
	int r = stream_cut(s, k, d->rate, n, RECORD_S, e);

	s->names[0] = site;
	for (size_t c = 0; c < d->channels && r == 0; c++) {
		unsigned electrode = (unsigned)(p->n_streams * DEVICE_CHANNELS + c);
		const char *name = stream_channel_name(s, c, a);

		s->raw[c] = counts(a, model_eeg(a, m, electrode, d->rate, n), n, (double)d->zero, scale, d);
		person_expect(p, "eeg", name, "alpha_peak_hz", m->alpha_hz)->abs = ALPHA_NEAR;
		person_expect(p, "eeg", name, "accepted", 1);
	}
	return r;
}

int person_model(struct person *p, struct arena *a, uint64_t seed, size_t number, double seconds, struct err *e)
{
	static const char *const sites[] = { "TP9", "AF7", "AF8", "TP10" };
	static const enum device_kind boxes[] = { DEVICE_CYTON, DEVICE_LXSDF_T2, DEVICE_LXSDF_T2A };
	struct model_person m;
	int r;

	model_person(seed, number, &m);
	p->seconds = seconds;
	if (number % 4 < ARRAY_LEN(boxes)) {
		r = add_pulse(p, a, &m, DEVICE_MAX30102, seconds, e);
		return r < 0 ? r : add_eeg(p, a, &m, boxes[number % 4], NULL, seconds, e);
	}
	r = add_pulse(p, a, &m, DEVICE_MUSE_PPG, seconds, e);
	for (size_t i = 0; i < ARRAY_LEN(sites) && r == 0; i++)
		r = add_eeg(p, a, &m, DEVICE_MUSE_EEG, sites[i], seconds, e);
	return r;
}

/* --- what came out --- */

static const struct json *find_part(const struct json *result, const struct expect *x)
{
	const struct json *part = json_get(result, x->part), *all = json_get(part, "channels");

	if (!x->channel)
		return part;
	for (size_t i = 0; i < json_len(all); i++)
		if (view_eq_str(json_get_str(json_at(all, i), "name"), x->channel))
			return json_at(all, i);
	return NULL;
}

const char *person_compare(const struct person *p, const struct json *result, struct arena *a)
{
	for (size_t i = 0; i < p->n_expects; i++) {
		const struct expect *x = &p->expects[i];
		const struct json *v = json_get(find_part(result, x), x->member);
		double got = json_is(v, JSON_BOOL) ? json_is_true(v) : json_double(v, (double)NAN);
		double near = fmax(x->abs, x->rel * fabs(x->value));

		if (!(fabs(got - x->value) <= near))
			return arena_printf(a, "%s%s%s %s is %.9g, expected %.9g within %.3g", x->part, x->channel ? " " : "",
					    x->channel ? x->channel : "", x->member, got, x->value, near);
	}
	return NULL;
}
