// SPDX-License-Identifier: Apache-2.0
/* MD5: the steps of RFC 1321 written once, for plain integers and for vectors of sixteen. */
#include "base/md5.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/macro.h"

/* Four steps: the function, the first step's number, which words, how far each is turned. */
#define ROUNDS(FOUR) \
	FOUR(F, 0, 0, 1, 2, 3, 7, 12, 17, 22) \
	FOUR(F, 4, 4, 5, 6, 7, 7, 12, 17, 22) \
	FOUR(F, 8, 8, 9, 10, 11, 7, 12, 17, 22) \
	FOUR(F, 12, 12, 13, 14, 15, 7, 12, 17, 22) \
	FOUR(G, 16, 1, 6, 11, 0, 5, 9, 14, 20) \
	FOUR(G, 20, 5, 10, 15, 4, 5, 9, 14, 20) \
	FOUR(G, 24, 9, 14, 3, 8, 5, 9, 14, 20) \
	FOUR(G, 28, 13, 2, 7, 12, 5, 9, 14, 20) \
	FOUR(H, 32, 5, 8, 11, 14, 4, 11, 16, 23) \
	FOUR(H, 36, 1, 4, 7, 10, 4, 11, 16, 23) \
	FOUR(H, 40, 13, 0, 3, 6, 4, 11, 16, 23) \
	FOUR(H, 44, 9, 12, 15, 2, 4, 11, 16, 23) \
	FOUR(I, 48, 0, 7, 14, 5, 6, 10, 15, 21) \
	FOUR(I, 52, 12, 3, 10, 1, 6, 10, 15, 21) \
	FOUR(I, 56, 8, 15, 6, 13, 6, 10, 15, 21) \
	FOUR(I, 60, 4, 11, 2, 9, 6, 10, 15, 21)

static uint32_t sines[64]; /* 2^32 |sin(i + 1)| */
static bool wide;

__attribute__((constructor)) static void prepare(void)
{
	for (int i = 0; i < 64; i++)
		sines[i] = (uint32_t)(int64_t)(fabs(sin(i + 1)) * 4294967296.0);
#if defined(__x86_64__)
	__builtin_cpu_init();
	wide = __builtin_cpu_supports("avx512f");
#endif
}

/* --- one message, plain --- */

#define PLAIN_F(x, y, z) (((x) & (y)) | (~(x) & (z)))
#define PLAIN_G(x, y, z) (((x) & (z)) | ((y) & ~(z)))
#define PLAIN_H(x, y, z) ((x) ^ (y) ^ (z))
#define PLAIN_I(x, y, z) ((y) ^ ((x) | ~(z)))
#define PLAIN_STEP(f, a, b, c, d, i, w, s) \
	a += PLAIN_##f(b, c, d) + (word(p, w) + sines[i]); \
	a = (a << (s) | a >> (32 - (s))) + b;
#define PLAIN_FOUR(f, i, w0, w1, w2, w3, s0, s1, s2, s3) \
	PLAIN_STEP(f, a, b, c, d, i, w0, s0) \
	PLAIN_STEP(f, d, a, b, c, (i) + 1, w1, s1) \
	PLAIN_STEP(f, c, d, a, b, (i) + 2, w2, s2) \
	PLAIN_STEP(f, b, c, d, a, (i) + 3, w3, s3)

static inline uint32_t word(const uint8_t *p, size_t i)
{
	p += 4 * i;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void plain(uint32_t state[4], const uint8_t *p, size_t blocks)
{
	for (; blocks; blocks--, p += MD5_BLOCK) {
		uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

		ROUNDS(PLAIN_FOUR)
		state[0] += a;
		state[1] += b;
		state[2] += c;
		state[3] += d;
	}
}

/* --- sixteen at once --- */

#if defined(__x86_64__)
#define WIDE REAL_STACK __attribute__((target("avx512f")))

/* As _mm512_ternarylogic_epi32() wants them: the result for each value of three bits. */
#define WIDE_F 0xca
#define WIDE_G 0xe4
#define WIDE_H 0x96
#define WIDE_I 0x39
/* What does not wait for b comes first, and the compiler must not order the sums in another way. */
#define WIDE_STEP(f, a, b, c, d, i, w, s) \
	a = _mm512_add_epi32(a, _mm512_add_epi32(x[w], _mm512_set1_epi32((int)sines[i]))); \
	__asm__("" : "+v"(a)); \
	a = _mm512_add_epi32(a, _mm512_ternarylogic_epi32(b, c, d, WIDE_##f)); \
	a = _mm512_add_epi32(_mm512_rol_epi32(a, s), b);
#define WIDE_FOUR(f, i, w0, w1, w2, w3, s0, s1, s2, s3) \
	WIDE_STEP(f, a, b, c, d, i, w0, s0) \
	WIDE_STEP(f, d, a, b, c, (i) + 1, w1, s1) \
	WIDE_STEP(f, c, d, a, b, (i) + 2, w2, s2) \
	WIDE_STEP(f, b, c, d, a, (i) + 3, w3, s3)

WIDE static inline __attribute__((always_inline)) void wide_block(__m512i state[4], const __m512i x[16])
{
	__m512i a = state[0], b = state[1], c = state[2], d = state[3];

	ROUNDS(WIDE_FOUR)
	state[0] = _mm512_add_epi32(state[0], a);
	state[1] = _mm512_add_epi32(state[1], b);
	state[2] = _mm512_add_epi32(state[2], c);
	state[3] = _mm512_add_epi32(state[3], d);
}

/* Rows become columns: x[i] is then the i-th word of all messages. */
WIDE static inline __attribute__((always_inline)) void transpose(__m512i x[16])
{
	__m512i t[16];

	for (int i = 0; i < 16; i += 4) { /* within each quarter of four rows */
		__m512i ab = _mm512_unpacklo_epi32(x[i], x[i + 1]), ab2 = _mm512_unpackhi_epi32(x[i], x[i + 1]);
		__m512i cd = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]), cd2 = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);

		t[i] = _mm512_unpacklo_epi64(ab, cd);
		t[i + 1] = _mm512_unpackhi_epi64(ab, cd);
		t[i + 2] = _mm512_unpacklo_epi64(ab2, cd2);
		t[i + 3] = _mm512_unpackhi_epi64(ab2, cd2);
	}
	for (int i = 0; i < 4; i++) { /* then the quarters themselves */
		__m512i even = _mm512_shuffle_i32x4(t[i], t[i + 4], 0x88), odd = _mm512_shuffle_i32x4(t[i], t[i + 4], 0xdd);
		__m512i even2 = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0x88);
		__m512i odd2 = _mm512_shuffle_i32x4(t[i + 8], t[i + 12], 0xdd);

		x[i] = _mm512_shuffle_i32x4(even, even2, 0x88);
		x[i + 8] = _mm512_shuffle_i32x4(even, even2, 0xdd);
		x[i + 4] = _mm512_shuffle_i32x4(odd, odd2, 0x88);
		x[i + 12] = _mm512_shuffle_i32x4(odd, odd2, 0xdd);
	}
}

WIDE static void wide_many(struct md5 *const m[], const uint8_t *const p[], size_t lanes, size_t blocks)
{
	__m512i s[4], x[16];
	uint32_t t[4][16] __attribute__((aligned(64))) = { 0 };
	const uint8_t *from[16];

	for (size_t i = 0; i < 16; i++) { /* lanes that are not needed work on the first one's message */
		from[i] = p[i < lanes ? i : 0];
		for (size_t k = 0; k < 4; k++)
			t[k][i] = m[i < lanes ? i : 0]->state[k];
	}
	for (size_t k = 0; k < 4; k++)
		s[k] = _mm512_load_si512(t[k]);
	for (size_t at = 0; at < blocks * MD5_BLOCK; at += MD5_BLOCK) {
		for (size_t i = 0; i < 16; i++)
			x[i] = _mm512_loadu_si512(from[i] + at);
		transpose(x);
		wide_block(s, x);
	}
	for (size_t k = 0; k < 4; k++)
		_mm512_store_si512(t[k], s[k]);
	for (size_t i = 0; i < lanes; i++)
		for (size_t k = 0; k < 4; k++)
			m[i]->state[k] = t[k][i];
}

/* Also faster for one message: a step is four instructions behind each other instead of five or six. */
WIDE static void wide_one(uint32_t state[4], const uint8_t *p, size_t blocks)
{
	__m512i s[4], x[16];

	for (size_t k = 0; k < 4; k++)
		s[k] = _mm512_castsi128_si512(_mm_cvtsi32_si128((int)state[k]));
	for (; blocks; blocks--, p += MD5_BLOCK) {
		for (size_t i = 0; i < 16; i++)
			x[i] = _mm512_castsi128_si512(_mm_cvtsi32_si128((int)word(p, i)));
		wide_block(s, x);
	}
	for (size_t k = 0; k < 4; k++)
		state[k] = (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(s[k]));
}
#endif

/* --- messages --- */

static void add_one(struct md5 *m, const uint8_t *p, size_t blocks)
{
#if defined(__x86_64__)
	if (wide) {
		wide_one(m->state, p, blocks);
		return;
	}
#endif
	plain(m->state, p, blocks);
}

void md5_add_blocks(struct md5 *const m[MD5_LANES], const uint8_t *const p[MD5_LANES], size_t lanes, size_t blocks)
{
	must(lanes <= MD5_LANES);
	for (size_t i = 0; i < lanes; i++) {
		must(m[i]->size % MD5_BLOCK == 0);
		m[i]->size += blocks * MD5_BLOCK;
	}
#if defined(__x86_64__)
	if (wide && lanes > 1) {
		wide_many(m, p, lanes, blocks);
		return;
	}
#endif
	for (size_t i = 0; i < lanes; i++)
		add_one(m[i], p[i], blocks);
}

void md5_init(struct md5 *m)
{
	*m = (struct md5){ .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
}

void md5_add(struct md5 *m, const void *data, size_t n)
{
	const uint8_t *p = data;
	size_t have = m->size % MD5_BLOCK;

	m->size += n;
	if (have) {
		size_t take = MD5_BLOCK - have < n ? MD5_BLOCK - have : n;

		memcpy(m->rest + have, p, take);
		p += take;
		n -= take;
		if (have + take < MD5_BLOCK)
			return;
		add_one(m, m->rest, 1);
	}
	if (n >= MD5_BLOCK)
		add_one(m, p, n / MD5_BLOCK);
	if (n % MD5_BLOCK)
		memcpy(m->rest, p + n / MD5_BLOCK * MD5_BLOCK, n % MD5_BLOCK);
}

void md5_end(const struct md5 *m, uint8_t ret[16])
{
	struct md5 end = *m;
	uint8_t pad[2 * MD5_BLOCK] = { 0x80 };
	size_t have = m->size % MD5_BLOCK, n = (have < 56 ? 56 : 120) - have;
	uint64_t bits = m->size * 8;

	for (size_t i = 0; i < 8; i++)
		pad[n + i] = (uint8_t)(bits >> 8 * i);
	md5_add(&end, pad, n + 8);
	for (size_t i = 0; i < 16; i++)
		ret[i] = (uint8_t)(end.state[i / 4] >> 8 * (i % 4));
}
