/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fft -- real discrete Fourier transform of any length, by kissfft in single precision.
 *
 * A result is off by about 1e-7 of the greatest line: five decimals below what band powers need, as
 * filters come first.  Lengths without large prime factors are fast.
 *
 * Threads:  a plan may be used by one thread at a time.   Memory:  from the caller's arena.
 */
#pragma once

#include <complex.h>
#include <stddef.h>

#include "base/arena.h"

#define FFT_LENGTH_MAX 65536

struct fft;

/* @n from 1 to FFT_LENGTH_MAX. */
struct fft *fft_new(struct arena *a, size_t n);
/* @x: n values; @ret: n / 2 + 1 values. */
void fft_real(const struct fft *f, const double *x, double complex *ret);

/* CMPLX() of C11, which clang 14 lacks. */
static inline double complex fft_complex(double re, double im)
{
	union {
		double part[2];
		double complex z;
	} u = { { re, im } };

	return u.z;
}
