/* SPDX-License-Identifier: Apache-2.0 */
/* model: a pulse wave beat by beat, an EEG oscillation by oscillation. */
#include "demo/model.h"

#include <math.h>

#include "demo/rng.h"

#define RSA 0.03     /* of the interval */
#define JITTER_S 0.004

void model_person(uint64_t seed, uint64_t number, struct model_person *ret)
{
	struct rng r;

	rng_init(&r, seed, number);
	*ret = (struct model_person){
		.seed = seed * 1000003 + number,
		.hr = 58 + nearbyint(rng_uniform(&r) * 340) / 10,
		.breath_hz = 0.2 + 0.1 * rng_uniform(&r),
		.alpha_hz = 8.5 + 0.5 * (double)rng_below(&r, 7), /* on the 0.5 Hz grid of a 2 s spectrum */
		.alpha_uv = 14 + 8 * rng_uniform(&r),
	};
}

static double gauss(double x, double mean, double width)
{
	double d = (x - mean) / width;

	return exp(-d * d / 2);
}

/* One beat over its phase 0..1; ends meet at nearly zero. */
static double beat(double phase)
{
	return 0.80 * gauss(phase, 0.27, 0.085) + 0.38 * gauss(phase, 0.58, 0.12);
}

double *model_pulse(struct arena *a, const struct model_person *p, double rate, size_t n, double *ret_hr)
{
	double *x = ARENA_ARRAY(a, double, n + 1), start, length, end_s = (double)n / rate;
	double first = -1, last = 0, beats = 0;
	struct rng r;

	rng_init(&r, p->seed, 1);
	start = -rng_uniform(&r);
	length = 60 / p->hr;
	for (size_t i = 0; i < n; i++) {
		double t = (double)i / rate;

		while (t >= start + length) {
			start += length;
			length = 60 / p->hr * (1 + RSA * sin(2 * M_PI * p->breath_hz * start)) + JITTER_S * rng_normal(&r);
			/* Its systolic peak, if it lies within. */
			if (start + 0.27 * length < end_s) {
				beats += first < 0 ? 0 : 1;
				last = start + 0.27 * length;
				first = first < 0 ? last : first;
			}
		}
		x[i] = beat((t - start) / length) + 0.05 * sin(2 * M_PI * p->breath_hz * t) + 0.004 * rng_normal(&r);
	}
	*ret_hr = beats > 0 ? 60 * beats / (last - first) : 0;
	return x;
}

/* Paul Kellet's economy filter: white into pink within half a decibel. */
static double pink(struct rng *r, double b[3])
{
	double white = rng_normal(r);

	b[0] = 0.99765 * b[0] + white * 0.0990460;
	b[1] = 0.96300 * b[1] + white * 0.2965164;
	b[2] = 0.57000 * b[2] + white * 1.0526913;
	return b[0] + b[1] + b[2] + white * 0.1848;
}

double *model_eeg(struct arena *a, const struct model_person *p, unsigned electrode, double rate, size_t n)
{
	double *x = ARENA_ARRAY(a, double, n + 1), b[3] = { 0 };
	struct rng r;

	rng_init(&r, p->seed, 100 + electrode);
	for (size_t i = 0; i < n; i++) {
		double t = (double)i / rate;
		double swell = 1 + 0.3 * sin(2 * M_PI * 0.1 * t + electrode);

		x[i] = p->alpha_uv * swell * sin(2 * M_PI * p->alpha_hz * t + 0.2 * electrode) +
		       3.0 * sin(2 * M_PI * 6.0 * t + electrode) + 2.0 * sin(2 * M_PI * 20.0 * t + 2.0 * electrode) +
		       2.0 * pink(&r, b);
	}
	return x;
}
