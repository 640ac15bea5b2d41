// SPDX-License-Identifier: Apache-2.0
/* The real Fourier transform, done by kissfft. */
#include "signal/fft.h"

#include <kiss_fft.h>

struct fft {
	size_t n;
	kiss_fft_cfg cfg;
	kiss_fft_cpx *in, *out;
};

struct fft *fft_new(struct arena *a, size_t n)
{
	struct fft *f = ARENA_NEW(a, struct fft);
	size_t need = 0;

	must(n > 0 && n <= FFT_LENGTH_MAX);
	f->n = n;
	f->in = ARENA_ARRAY(a, kiss_fft_cpx, n);
	f->out = ARENA_ARRAY(a, kiss_fft_cpx, n);
	kiss_fft_alloc((int)n, 0, NULL, &need);
	f->cfg = kiss_fft_alloc((int)n, 0, arena_alloc(a, need), &need);
	must(f->cfg);
	return f;
}

void fft_real(const struct fft *f, const double *x, double complex *ret)
{
	for (size_t i = 0; i < f->n; i++)
		f->in[i] = (kiss_fft_cpx){ (float)x[i], 0 };
	kiss_fft(f->cfg, f->in, f->out);
	for (size_t k = 0; k <= f->n / 2; k++)
		ret[k] = fft_complex((double)f->out[k].r, (double)f->out[k].i);
}
