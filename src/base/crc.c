// SPDX-License-Identifier: Apache-2.0
/* CRCs by slicing-by-8 (Kounavis and Berry, 2005); CRC-32C by the processor where it can. */
#include "base/crc.h"

#include <string.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define POLY_32 0xedb88320u
#define POLY_32C 0x82f63b78u
#define POLY_64NVME 0x9a6c9329ac4bc9b5ull

static uint32_t table_32[8][256], table_32c[8][256];
static uint64_t table_64[8][256];
static uint32_t (*crc32c_fn)(uint32_t, const uint8_t *, size_t);

static uint32_t run_32(const uint32_t t[8][256], uint32_t c, const uint8_t *s, size_t n)
{
	for (; n >= 8; n -= 8, s += 8) {
		uint32_t lo, hi;

		memcpy(&lo, s, 4);
		memcpy(&hi, s + 4, 4);
		lo ^= c;
		c = t[7][lo & 255] ^ t[6][lo >> 8 & 255] ^ t[5][lo >> 16 & 255] ^ t[4][lo >> 24] ^
		    t[3][hi & 255] ^ t[2][hi >> 8 & 255] ^ t[1][hi >> 16 & 255] ^ t[0][hi >> 24];
	}
	while (n--)
		c = t[0][(c ^ *s++) & 255] ^ c >> 8;
	return c;
}

static uint32_t crc32c_table(uint32_t c, const uint8_t *s, size_t n)
{
	return run_32(table_32c, c, s, n);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t c, const uint8_t *s,
							       size_t n)
{
	uint64_t wide = c;

	for (; n >= 8; n -= 8, s += 8) {
		uint64_t v;

		memcpy(&v, s, 8);
		wide = _mm_crc32_u64(wide, v);
	}
	c = (uint32_t)wide;
	while (n--)
		c = _mm_crc32_u8(c, *s++);
	return c;
}
#endif

static void fill_32(uint32_t t[8][256], uint32_t poly)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ poly : c >> 1;
		t[0][i] = c;
	}
	for (int k = 1; k < 8; k++)
		for (int i = 0; i < 256; i++)
			t[k][i] = t[0][t[k - 1][i] & 255] ^ t[k - 1][i] >> 8;
}

static void fill_64(void)
{
	for (uint64_t i = 0; i < 256; i++) {
		uint64_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ POLY_64NVME : c >> 1;
		table_64[0][i] = c;
	}
	for (int k = 1; k < 8; k++)
		for (int i = 0; i < 256; i++)
			table_64[k][i] = table_64[0][table_64[k - 1][i] & 255] ^
					 table_64[k - 1][i] >> 8;
}

__attribute__((constructor)) static void fill_tables(void)
{
	fill_32(table_32, POLY_32);
	fill_32(table_32c, POLY_32C);
	fill_64();
	crc32c_fn = crc32c_table;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("sse4.2"))
		crc32c_fn = crc32c_sse42;
#endif
}

uint32_t crc32_ieee(uint32_t crc, const void *p, size_t n)
{
	return ~run_32(table_32, ~crc, p, n);
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
	return ~crc32c_fn(~crc, p, n);
}

uint64_t crc64nvme(uint64_t crc, const void *p, size_t n)
{
	const uint8_t *s = p;
	uint64_t c = ~crc;

	for (; n >= 8; n -= 8, s += 8) {
		uint64_t v;

		memcpy(&v, s, 8);
		v ^= c;
		c = 0;
		for (unsigned k = 0; k < 8; k++)
			c ^= table_64[7 - k][v >> (8 * k) & 255];
	}
	while (n--)
		c = table_64[0][(c ^ *s++) & 255] ^ c >> 8;
	return ~c;
}
