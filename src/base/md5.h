/* SPDX-License-Identifier: Apache-2.0 */
/*
 * md5 -- MD5 (RFC 1321) of one message, or of up to MD5_LANES messages at once.
 *
 * MD5 is one long chain of additions: a processor that works on one message waits most of the time.  With AVX-512
 * sixteen messages take the time of one.  Not for security: it is S3's ETag and Content-MD5.
 *
 * Any thread; a struct md5 belongs to one at a time, needs no end, and can be copied.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MD5_BLOCK ((size_t)64)
#define MD5_LANES ((size_t)16)

struct md5 {
	uint32_t state[4];
	uint64_t size;
	uint8_t rest[MD5_BLOCK]; /* size % MD5_BLOCK bytes that make no block yet */
};

void md5_init(struct md5 *m);
void md5_add(struct md5 *m, const void *p, size_t n);
void md5_end(const struct md5 *m, uint8_t ret[16]);

/* The next @blocks blocks at p[i] for each of the first @lanes of @m, which have no rest. */
void md5_add_blocks(struct md5 *const m[MD5_LANES], const uint8_t *const p[MD5_LANES], size_t lanes, size_t blocks);
