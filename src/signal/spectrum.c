// SPDX-License-Identifier: Apache-2.0
/* Power spectra of even (Welch) and uneven (Lomb-Scargle) samples. */
#include "signal/spectrum.h"

#include <math.h>
#include <stdbool.h>

static double mean_of(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

static int check_lengths(size_t n, double fs, size_t nperseg, size_t nfft, struct err *e)
{
	if (!(fs > 0) || !isfinite(fs))
		return err_set(e, ERR_INVALID, "%g samples/s", fs);
	if (nperseg == 0 || nperseg > n)
		return err_set(e, ERR_INVALID, "a window of %zu samples over a signal of %zu",
			       nperseg, n);
	if (nfft < nperseg || nfft > SPECTRUM_LENGTH_MAX)
		return err_set(e, ERR_INVALID, "a transform of %zu; %zu to %d", nfft, nperseg,
			       SPECTRUM_LENGTH_MAX);
	return 0;
}

/* What Welch's method needs for each segment. */
struct segments {
	struct fft *plan;
	size_t n; /* samples of one */
	double *window;
	double power; /* of the window */
	double *in;
	double complex *out;
};

static void segments_init(struct arena *a, struct segments *g, size_t n, size_t nfft)
{
	*g = (struct segments){ .plan = fft_new(a, nfft), .n = n };
	g->window = ARENA_ARRAY(a, double, n);
	g->in = ARENA_ARRAY(a, double, nfft);
	g->out = ARENA_ARRAY(a, double complex, nfft / 2 + 1);
	for (size_t k = 0; k < n; k++) {
		g->window[k] = n > 1 ? 0.5 - 0.5 * cos(2 * M_PI * (double)k / (double)n) : 1;
		g->power += g->window[k] * g->window[k];
	}
}

/* Takes the mean off one segment, windows and transforms it, and adds its power to @p. */
static void add_segment(const struct segments *g, const double *x, double *p, size_t np)
{
	double mean = mean_of(x, g->n);

	for (size_t i = 0; i < g->n; i++)
		g->in[i] = (x[i] - mean) * g->window[i];
	fft_real(g->plan, g->in, g->out);
	for (size_t k = 0; k < np; k++)
		p[k] += creal(g->out[k]) * creal(g->out[k]) + cimag(g->out[k]) * cimag(g->out[k]);
}

int spectrum_welch(struct arena *a, const double *x, size_t n, double fs, size_t nperseg,
		   size_t nfft, struct spectrum *ret, struct err *e)
{
	int rc = check_lengths(n, fs, nperseg, nfft, e);
	struct segments g;

	if (rc < 0)
		return rc;
	size_t np = nfft / 2 + 1, step = nperseg - nperseg / 2, count = 0;
	struct spectrum s = { ARENA_ARRAY(a, double, np), ARENA_ARRAY(a, double, np), np };

	segments_init(a, &g, nperseg, nfft);
	for (size_t i = 0; i + nperseg <= n; i += step, count++)
		add_segment(&g, x + i, s.p, np);
	double df = 1.0 / ((double)nfft * (1.0 / fs)), scale = 1.0 / (fs * g.power * (double)count);
	for (size_t k = 0; k < np; k++) {
		bool once = k == 0 || (nfft % 2 == 0 && k == np - 1);

		s.f[k] = (double)k * df;
		s.p[k] *= once ? scale : 2 * scale;
	}
	*ret = s;
	return 0;
}

int spectrum_periodogram(struct arena *a, const double *x, size_t n, double fs,
			 struct spectrum *ret, struct err *e)
{
	return spectrum_welch(a, x, n, fs, n, n, ret, e);
}

/* Power at angular frequency @w, by Scargle's form with the phase tau that makes it shift-invariant. */
static double lomb_at(const double *t, const double *y, size_t n, double mean, double w)
{
	double xc = 0, xs = 0, cc = 0, ss = 0, cs = 0;

	for (size_t i = 0; i < n; i++) {
		double c = cos(w * (t[i] - t[0])), s = sin(w * (t[i] - t[0])), v = y[i] - mean;

		xc += v * c;
		xs += v * s;
		cc += c * c;
		ss += s * s;
		cs += c * s;
	}
	double angle = atan2(2 * cs, cc - ss) / 2, ct = cos(angle), st = sin(angle),
	       cross = 2 * ct * st * cs;
	double in = ct * xc + st * xs, quad = ct * xs - st * xc;

	return 0.5 * (in * in / (ct * ct * cc + cross + st * st * ss) +
		      quad * quad / (ct * ct * ss - cross + st * st * cc));
}

int spectrum_lomb(struct arena *a, const double *t, const double *y, size_t n, double lo, double hi,
		  size_t nf, struct spectrum *ret, struct err *e)
{
	if (n < 2 || nf < 2 || nf > SPECTRUM_LENGTH_MAX || !(lo > 0 && lo < hi))
		return err_set(e, ERR_INVALID, "%zu samples, %zu frequencies from %g to %g Hz", n,
			       nf, lo, hi);
	struct spectrum s = { ARENA_ARRAY(a, double, nf), ARENA_ARRAY(a, double, nf), nf };
	double mean = mean_of(y, n), step = (hi - lo) / (double)(nf - 1);
	double scale = 2 * (t[n - 1] - t[0]) / (double)n;

	for (size_t k = 0; k < nf; k++) {
		s.f[k] = k == nf - 1 ? hi : lo + (double)k * step;
		s.p[k] = lomb_at(t, y, n, mean, 2 * M_PI * s.f[k]) * scale;
	}
	*ret = s;
	return 0;
}

double spectrum_area(const struct spectrum *s, double lo, double hi)
{
	double sum = 0;

	for (size_t k = 1; k < s->n; k++)
		if (s->f[k - 1] >= lo && s->f[k] < hi)
			sum += (s->p[k - 1] + s->p[k]) * (s->f[k] - s->f[k - 1]) / 2;
	return sum;
}

double spectrum_power(const struct spectrum *s, double lo, double hi)
{
	double sum = 0;

	for (size_t k = 0; k < s->n; k++)
		if (s->f[k] >= lo && s->f[k] < hi)
			sum += s->p[k];
	return s->n > 1 ? sum * (s->f[1] - s->f[0]) : 0;
}

double spectrum_peak(const struct spectrum *s, double lo, double hi)
{
	size_t best = s->n;

	for (size_t k = 0; k < s->n; k++)
		if (s->f[k] >= lo && s->f[k] <= hi && (best == s->n || s->p[k] > s->p[best]))
			best = k;
	return best < s->n ? s->f[best] : 0;
}
