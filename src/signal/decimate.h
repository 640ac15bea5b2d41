/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimate -- samples to buckets that lose no peak: the least, greatest, first and last of each.
 *
 * A bucket is 1 / hz wide on the grid of sample numbers: bucket = floor(number * hz / rate), exactly, so the same samples
 * give the same buckets however they are cut into calls.  It is given out when a sample behind it comes, or by
 * decimate_flush().  NaN is no sample; a bucket without one is not given out.
 *
 * Threads:  one per decimator.   Memory: no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decimate_bucket {
	uint64_t at;    /* its number on the grid */
	uint64_t first_sample; /* the number of the first sample in it */
	uint32_t n;     /* samples in it */
	double min, max, first, last;
};

struct decimate {
	double per_sample; /* buckets */
	struct decimate_bucket open; /* n 0: none */
};

/* @hz buckets a second of samples at @rate; false (and nothing is decimated) unless 0 < hz < rate. */
bool decimate_init(struct decimate *d, double rate, double hz);
/* Samples number @at and on, in order of their numbers.  Buckets that are full go to @ret, of which there must be n + 1;
 * returns how many. */
size_t decimate_take(struct decimate *d, uint64_t at, const double *v, size_t n, struct decimate_bucket *ret);
bool decimate_flush(struct decimate *d, struct decimate_bucket *ret); /* the one that is not full; false: there is none */
