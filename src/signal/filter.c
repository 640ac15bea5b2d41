// SPDX-License-Identifier: Apache-2.0
/* Butterworth sections by the bilinear transform, zero-phase filtering, moving mean. */
#include "signal/filter.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "signal/fft.h"

enum band { BAND_LOW, BAND_HIGH, BAND_PASS };

/* The transform's own sampling rate is 2, so s = 2 * 2 * (z - 1) / (z + 1). */
#define BILINEAR 4.0

/* Analogue frequency that the bilinear transform maps to @hz. */
static double prewarp(double hz, double fs)
{
	return BILINEAR * tan(M_PI * hz / fs);
}

static double complex to_z(double complex s)
{
	return (BILINEAR + s) / (BILINEAR - s);
}

static double section_gain(const double b[3], const double a[3], double complex z)
{
	double complex w = 1 / z;

	return cabs(b[0] + b[1] * w + b[2] * w * w) / cabs(1 + a[1] * w + a[2] * w * w);
}

/* Adds a section with the poles @p and @q (a conjugate or a real pair), gain 1 at @at. */
static void add_pair(struct filter *f, enum band band, double complex p, double complex q,
		     double complex at)
{
	static const double zeros[][3] = {
		[BAND_LOW] = { 1, 2, 1 }, [BAND_HIGH] = { 1, -2, 1 }, [BAND_PASS] = { 1, 0, -1 }
	};
	double *b = f->b[f->n], *a = f->a[f->n];

	a[0] = 1;
	a[1] = -creal(p + q);
	a[2] = creal(p * q);
	memcpy(b, zeros[band], sizeof(zeros[band]));
	double g = section_gain(b, a, at);
	for (int i = 0; i < 3; i++)
		b[i] /= g;
	f->n++;
}

static void add_single(struct filter *f, enum band band, double complex p, double complex at)
{
	double *b = f->b[f->n], *a = f->a[f->n];

	a[0] = 1;
	a[1] = -creal(p);
	a[2] = 0;
	b[0] = 1;
	b[1] = band == BAND_LOW ? 1 : -1;
	b[2] = 0;
	double g = section_gain(b, a, at);
	b[0] /= g;
	b[1] /= g;
	f->n++;
	f->first_order = true;
}

/* Poles of the band-pass that one prototype pole becomes: two, each conjugate to one of its conjugate. */
static void add_band_pass(struct filter *f, double complex proto, bool real_pole, double w1,
			  double w2)
{
	double width = w2 - w1, mid = sqrt(w1 * w2);
	double complex half = proto * width / 2, root = csqrt(half * half - mid * mid);
	double complex p = to_z(half + root), q = to_z(half - root), at = to_z(fft_complex(0, mid));

	if (real_pole) {
		add_pair(f, BAND_PASS, p, q, at);
		return;
	}
	add_pair(f, BAND_PASS, p, conj(p), at);
	add_pair(f, BAND_PASS, q, conj(q), at);
}

static void add_edge(struct filter *f, enum band band, double complex proto, bool real_pole,
		     double w)
{
	double complex p = to_z(band == BAND_LOW ? proto * w : w / proto);
	double complex at = band == BAND_LOW ? 1 : -1;

	if (real_pole)
		add_single(f, band, p, at);
	else
		add_pair(f, band, p, conj(p), at);
}

static bool edges_fit(double lo, double hi, double fs)
{
	if (!(fs > 0) || lo < 0 || hi < 0 || !(fmax(lo, hi) > 0))
		return false;
	return fmax(lo, hi) < fs / 2 && (lo <= 0 || hi <= 0 || lo < hi);
}

static enum band band_of(double lo, double hi)
{
	if (lo > 0 && hi > 0)
		return BAND_PASS;
	return lo > 0 ? BAND_HIGH : BAND_LOW;
}

int filter_butterworth(int order, double lo, double hi, double fs, struct filter *ret,
		       struct err *e)
{
	struct filter f = { 0 };
	enum band band = band_of(lo, hi);

	if (order < 1 || order > FILTER_ORDER_MAX)
		return err_set(e, ERR_INVALID, "filter order %d; 1 to %d", order, FILTER_ORDER_MAX);
	if (!edges_fit(lo, hi, fs))
		return err_set(e, ERR_INVALID, "filter from %g to %g Hz at %g samples/s", lo, hi,
			       fs);
	double w1 = prewarp(lo, fs), w2 = prewarp(hi, fs);

	/* Prototype poles in the upper half plane; the real one of an odd order comes last. */
	for (int m = order - 1; m >= 0; m -= 2) {
		double complex proto = -cexp(fft_complex(0, -M_PI * m / (2.0 * order)));
		bool real_pole = m == 0;

		if (band == BAND_PASS)
			add_band_pass(&f, proto, real_pole, w1, w2);
		else
			add_edge(&f, band, proto, real_pole, band == BAND_LOW ? w2 : w1);
	}
	*ret = f;
	return 0;
}

size_t filter_extension(const struct filter *f)
{
	return 3 * (2 * f->n + 1 - (f->first_order ? 1 : 0));
}

/* Transposed direct form II, in place, started in the steady state for the first sample. */
static void run(const struct filter *f, double *x, size_t n)
{
	double level = x[0];

	for (size_t s = 0; s < f->n; s++) {
		const double *b = f->b[s], *a = f->a[s];
		double gain = (b[0] + b[1] + b[2]) / (1 + a[1] + a[2]);
		double z1 = (gain - b[0]) * level, z2 = (b[2] - a[2] * gain) * level;

		level *= gain;
		for (size_t i = 0; i < n; i++) {
			double in = x[i], out = b[0] * in + z1;

			z1 = b[1] * in - a[1] * out + z2;
			z2 = b[2] * in - a[2] * out;
			x[i] = out;
		}
	}
}

static void reverse(double *x, size_t n)
{
	for (size_t i = 0, j = n; i + 1 < j; i++) {
		double t = x[i];

		x[i] = x[--j];
		x[j] = t;
	}
}

int filter_both_ways(struct arena *a, const struct filter *f, const double *x, size_t n,
		     double **ret, struct err *e)
{
	size_t ext = filter_extension(f), all = n + 2 * ext;

	if (n <= ext)
		return err_set(e, ERR_INVALID,
			       "%zu samples are too few for the filter; more than %zu", n, ext);
	double *y = ARENA_ARRAY(a, double, all);
	for (size_t i = 0; i < ext; i++) {
		y[i] = 2 * x[0] - x[ext - i];
		y[ext + n + i] = 2 * x[n - 1] - x[n - 2 - i];
	}
	memcpy(y + ext, x, n * sizeof(*x));
	run(f, y, all);
	reverse(y, all);
	run(f, y, all);
	reverse(y, all);
	*ret = y + ext;
	return 0;
}

int filter_band(struct arena *a, const double *x, size_t n, double fs, double lo, double hi,
		int order, double **ret, struct err *e)
{
	struct filter f = { 0 };

	if (hi > 0)
		hi = fmin(hi, FILTER_NYQUIST_PART * fs);
	int rc = filter_butterworth(order, lo, hi, fs, &f, e);
	return rc < 0 ? rc : filter_both_ways(a, &f, x, n, ret, e);
}

double *filter_box(struct arena *a, const double *x, size_t n, size_t width)
{
	size_t half = (width | 1) / 2;
	double *sum = ARENA_ARRAY(a, double, n + 1), *out = ARENA_ARRAY(a, double, n);

	for (size_t i = 0; i < n; i++)
		sum[i + 1] = sum[i] + x[i];
	for (size_t i = 0; i < n; i++) {
		size_t from = i > half ? i - half : 0, to = i + half + 1 < n ? i + half + 1 : n;

		out[i] = (sum[to] - sum[from]) / (double)(to - from);
	}
	return out;
}

size_t filter_window(double seconds, double fs)
{
	double w = nearbyint(seconds * fs);

	return w > 0 ? (size_t)w : 0;
}
