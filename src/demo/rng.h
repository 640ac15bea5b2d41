/* SPDX-License-Identifier: Apache-2.0 */
/* rng -- numbers that are the same for the same seed on every machine: for modelled people and planned faults, never for keys. */
#pragma once

#include <stdint.h>

struct rng {
	uint64_t s;
};

/* Knuth's MMIX generator, top 53 bits; @stream gives people of one seed numbers of their own. */
void rng_init(struct rng *r, uint64_t seed, uint64_t stream);
double rng_uniform(struct rng *r); /* [0, 1) */
double rng_normal(struct rng *r);  /* Box-Muller */
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 for n 0 */
