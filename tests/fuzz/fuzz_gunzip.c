/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says is gzip: never more than the ceiling comes out. */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "os/gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = { 0 };
	struct buf b;
	int rc;

	buf_init(&b, 64 * KIB);
	rc = gzip_unpack(view_of(p, n), &b, &e);
	must(rc == 0 || rc == ERR_INVALID || rc == ERR_LIMIT);
	must(b.n <= 64 * KIB);
	buf_clear(&b);
	return 0;
}
