/* SPDX-License-Identifier: Apache-2.0 */
/* References of blobs: whatever is taken names a file of the store, and its key and size agree. */
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "store/blob.h"
#include "store/blob_ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1);
	struct blob_ref r;
	struct err e = { 0 };
	struct view key;
	uint64_t size;

	must(text);
	if (n)
		memcpy(text, p, n);
	text[n] = '\0';
	key = blob_key(text);
	must(key.n <= strlen(text));
	if (blob_ref_sealed(text)) {
		uint8_t head[BLOB_SEAL_HEAD];

		/* What is stored is never a sealed reference itself, and what is taken is whole. */
		if (blob_size(text, &size, &e) == 0)
			must(blob_ref_parse(blob_bare(text), &r, &e) == 0 && size < r.size &&
			     view_eq(key, blob_key(blob_bare(text))));
		if (blob_seal_head(text, head))
			must(blob_bare(text) == text + 3 + BLOB_SEAL_HEAD / 3 * 4 + 1 &&
			     head[0] == 1 && (head[1] == 1 || head[1] == 2));
	} else if (blob_ref_parse(text, &r, &e) == 0) {
		must(blob_size(text, &size, &e) == 0 && size == r.size);
		must(view_starts(key, r.packed ? VIEW("p1:") : VIEW("f1:")));
		if (!r.packed)
			must(r.uuid.n == 36 && view_chr(r.uuid, '/') < 0 &&
			     view_chr(r.uuid, '.') < 0);
		for (uint64_t i = 0; !r.packed && i < r.crcs.n / 8; i++)
			(void)blob_ref_crc(&r, i);
	} else {
		must(e.code == ERR_CORRUPT);
	}
	free(text);
	return 0;
}
