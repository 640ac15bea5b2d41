/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xxh -- XXH64, XXH3 (64 bits) and XXH128 with seed 0: thin over libxxhash, the only file that includes it.
 *
 * Results are in xxHash's canonical form, the number's highest byte first.  Any thread; a state belongs to one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum xxh_kind { XXH_64, XXH_3, XXH_128 };
#define XXH_MAX 16

struct xxh;
struct xxh *xxh_new(enum xxh_kind k);
void xxh_add(struct xxh *x, const void *p, size_t n);
size_t xxh_end(struct xxh *x, uint8_t out[XXH_MAX]); /* frees @x; returns the length */
struct xxh *xxh_free(struct xxh *x); /* without a result; NULL is fine; returns NULL */
