// SPDX-License-Identifier: Apache-2.0
/*
 * CRCs by folding (V. Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", 2009)
 * where the processor can multiply without carry; elsewhere, and for short pieces, by slicing-by-8 (Kounavis and
 * Berry, 2005).
 */
#include "base/crc.h"

#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/macro.h"

#define NARROW ((size_t)16) /* bytes that are folded at once */
#define WIDE ((size_t)256)  /* by four registers of four blocks each */

struct crc {
	unsigned width;
	uint64_t poly; /* reflected */
	uint64_t table[8][256];
	uint64_t narrow[2], wide[2]; /* factors that move a block on by so many bytes */
};

static struct crc crc_32 = { .width = 32, .poly = 0xedb88320 };
static struct crc crc_32c = { .width = 32, .poly = 0x82f63b78 };
static struct crc crc_64 = { .width = 64, .poly = 0x9a6c9329ac4bc9b5 };
static bool can_fold, can_fold_wide;

static uint64_t slice(const struct crc *k, uint64_t c, const uint8_t *s, size_t n)
{
	for (; n >= 8; n -= 8, s += 8) {
		uint64_t v;

		memcpy(&v, s, 8);
		v ^= c;
		c = k->table[7][v & 255] ^ k->table[6][v >> 8 & 255] ^ k->table[5][v >> 16 & 255] ^
		    k->table[4][v >> 24 & 255] ^ k->table[3][v >> 32 & 255] ^ k->table[2][v >> 40 & 255] ^
		    k->table[1][v >> 48 & 255] ^ k->table[0][v >> 56];
	}
	while (n--)
		c = k->table[0][(c ^ *s++) & 255] ^ c >> 8;
	return c;
}

#if defined(__x86_64__)
/* Moves @acc on over each block and adds it. */
__attribute__((target("pclmul,sse4.1"))) static __m128i fold(const struct crc *k, __m128i acc, const uint8_t *s,
							      size_t n)
{
	const __m128i by = _mm_loadu_si128((const __m128i_u *)(const void *)k->narrow);

	for (; n >= NARROW; n -= NARROW, s += NARROW) {
		__m128i lo = _mm_clmulepi64_si128(acc, by, 0x00), hi = _mm_clmulepi64_si128(acc, by, 0x11);

		acc = _mm_xor_si128(_mm_loadu_si128((const __m128i_u *)(const void *)s), _mm_xor_si128(lo, hi));
	}
	return acc;
}

/* The first WIDE bytes are in @acc. */
REAL_STACK __attribute__((target("avx512f,vpclmulqdq"))) static void fold_wide(const struct crc *k, uint8_t acc[WIDE],
										const uint8_t *s, size_t n)
{
	const __m512i by = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i_u *)(const void *)k->wide));
	__m512i a[4];

	memcpy(a, acc, WIDE);
	for (; n >= WIDE; n -= WIDE, s += WIDE) {
		for (int i = 0; i < 4; i++) {
			__m512i lo = _mm512_clmulepi64_epi128(a[i], by, 0x00);
			__m512i hi = _mm512_clmulepi64_epi128(a[i], by, 0x11);

			a[i] = _mm512_ternarylogic_epi64(lo, hi, _mm512_loadu_si512(s + 64 * i), 0x96);
		}
	}
	memcpy(acc, a, WIDE);
}

/* Folds as much of a piece as makes sense; *n bytes of it were taken. */
REAL_STACK __attribute__((target("pclmul,sse4.1"))) static uint64_t folded(const struct crc *k, uint64_t c, const uint8_t *s,
									    size_t *n)
{
	size_t first = can_fold_wide && *n >= 2 * WIDE ? WIDE : NARROW, at = first;
	uint8_t acc[WIDE] __attribute__((aligned(64)));
	uint64_t begin;
	__m128i one;

	memcpy(acc, s, first);
	memcpy(&begin, acc, 8);
	begin ^= c;
	memcpy(acc, &begin, 8);
	if (first == WIDE) {
		fold_wide(k, acc, s + WIDE, *n - WIDE);
		at = *n / WIDE * WIDE;
	}
	one = fold(k, _mm_loadu_si128((const __m128i_u *)(const void *)acc), acc + NARROW, first - NARROW);
	one = fold(k, one, s + at, *n - at);
	_mm_storeu_si128((__m128i_u *)(void *)acc, one);
	*n -= (*n - at) % NARROW;
	return slice(k, 0, acc, NARROW); /* what is left has the same CRC as all of it */
}

/*
 * x^n mod P in the upper bits of 64, reflected.  A block is moved on by d bits when its halves are multiplied by
 * x^(d + 64) and x^d; the product of two reflected numbers is one bit too far, hence the 1 less.
 */
static uint64_t power(const struct crc *k, size_t n)
{
	uint64_t c = 1ULL << (k->width - 1);

	while (n--)
		c = c & 1 ? c >> 1 ^ k->poly : c >> 1;
	return c << (64 - k->width);
}

static void prepare_fold(struct crc *k)
{
	k->narrow[0] = power(k, NARROW * 8 + 63);
	k->narrow[1] = power(k, NARROW * 8 - 1);
	k->wide[0] = power(k, WIDE * 8 + 63);
	k->wide[1] = power(k, WIDE * 8 - 1);
}
#endif

static uint64_t run(const struct crc *k, uint64_t c, const void *p, size_t n)
{
	const uint8_t *s = p;

#if defined(__x86_64__)
	if (can_fold && n >= 4 * NARROW) {
		size_t taken = n;

		c = folded(k, c, s, &taken);
		s += taken;
		n -= taken;
	}
#endif
	return slice(k, c, s, n);
}

static void prepare(struct crc *k)
{
	for (uint64_t i = 0; i < 256; i++) {
		uint64_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ k->poly : c >> 1;
		k->table[0][i] = c;
	}
	for (int t = 1; t < 8; t++)
		for (int i = 0; i < 256; i++)
			k->table[t][i] = k->table[0][k->table[t - 1][i] & 255] ^ k->table[t - 1][i] >> 8;
#if defined(__x86_64__)
	prepare_fold(k);
#endif
}

__attribute__((constructor)) static void prepare_all(void)
{
	prepare(&crc_32);
	prepare(&crc_32c);
	prepare(&crc_64);
#if defined(__x86_64__)
	__builtin_cpu_init();
	can_fold = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
	can_fold_wide = can_fold && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
#endif
}

uint32_t crc32_ieee(uint32_t crc, const void *p, size_t n)
{
	return ~(uint32_t)run(&crc_32, ~crc, p, n);
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
	return ~(uint32_t)run(&crc_32c, ~crc, p, n);
}

uint64_t crc64nvme(uint64_t crc, const void *p, size_t n)
{
	return ~run(&crc_64, ~crc, p, n);
}
