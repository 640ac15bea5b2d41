/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file with the keys of a segment.  Input: the file; magic, version, kind and checksum are put right if the first
 * byte is 'k', so that what is behind them is read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/macro.h"
#include "store/journal_keys.h"

#define FIXED 16

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct journal_keys k = { 0 };
	char *text = malloc(n + 1);
	uint64_t first;
	bool whole;

	must(text);
	memcpy(text, p, n);
	if (n >= FIXED && p[0] == 'k') {
		uint32_t crc;

		memcpy(text, "mulgil\0\1KEYS\0\0\0", FIXED);
		crc = crc32c(0, text, n);
		for (int i = 0; i < 4; i++)
			text[12 + i] = (char)(crc >> (8 * i));
	}
	whole = journal_keys_decode(&k, 7, view_of(text, n));
	for (size_t at = 32; whole && at < n; at += SEGMENT_KEY + 8)
		must(journal_keys_find(&k, (const uint8_t *)text + at, &first) && first);
	must(!whole || k.n <= (n - 32) / (SEGMENT_KEY + 8));
	journal_keys_clear(&k);
	free(text);
	return 0;
}
