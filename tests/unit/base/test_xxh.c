/* SPDX-License-Identifier: Apache-2.0 */
/* xxHash in its canonical form. */
#include <string.h>

#include "base/macro.h"
#include "base/xxh.h"
#include "unit.h"

TEST(xxh_canonical_results)
{
	/* Of "Hello world" with seed 0; the first is also in the tests of AWS's checksum library. */
	static const struct {
		enum xxh_kind kind;
		size_t n;
		uint8_t want[XXH_MAX];
	} t[] = {
		{ XXH_64, 8, { 0xc5, 0x00, 0xb0, 0xc9, 0x12, 0xb3, 0x76, 0xd8 } },
		{ XXH_3, 8, { 0xb6, 0xac, 0xb9, 0xd8, 0x4a, 0x38, 0xff, 0x74 } },
		{ XXH_128, 16, { 0x73, 0x51, 0xf8, 0x98, 0x12, 0xf9, 0x73, 0x82,
				 0xb9, 0x1d, 0x05, 0xb3, 0x1e, 0x04, 0xdd, 0x7f } },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct xxh *x = xxh_new(t[i].kind);
		uint8_t out[XXH_MAX];

		xxh_add(x, "Hello", 5);
		xxh_add(x, " world", 6);
		assert_int_equal(xxh_end(x, out), t[i].n);
		assert_memory_equal(out, t[i].want, t[i].n);
		assert_null(xxh_free(xxh_new(t[i].kind)));
	}
	assert_null(xxh_free(NULL));
}
