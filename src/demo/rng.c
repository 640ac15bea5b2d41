/* SPDX-License-Identifier: Apache-2.0 */
/* rng: a linear congruential generator and two shapes of its numbers. */
#include "demo/rng.h"

#include <math.h>

void rng_init(struct rng *r, uint64_t seed, uint64_t stream)
{
	r->s = seed * 0x9e3779b97f4a7c15ULL ^ (stream + 1) * 0xbf58476d1ce4e5b9ULL;
	for (int i = 0; i < 8; i++)
		(void)rng_uniform(r);
}

double rng_uniform(struct rng *r)
{
	r->s = r->s * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(r->s >> 11) / 9007199254740992.0;
}

double rng_normal(struct rng *r)
{
	double u = rng_uniform(r), v = rng_uniform(r);

	return sqrt(-2 * log(u > 1e-300 ? u : 1e-300)) * cos(2 * M_PI * v);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	uint64_t v = (uint64_t)(rng_uniform(r) * (double)n);

	return n && v >= n ? n - 1 : v;
}
