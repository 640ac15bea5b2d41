/* SPDX-License-Identifier: Apache-2.0 */
/* Key files and wrapped keys: what is taken is printed as it was; nothing opens that this master key did not wrap. */
#include <string.h>

#include "base/limits.h"
#include "svc/s3/s3_sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct s3_master master = { .there = true, .id = { 7 }, .key = { 9 } };
	struct view text = view_of((const char *)p, n);
	uint8_t file[S3_MASTER_FILE];
	struct s3_master m = { 0 };
	struct seal_key k;
	struct arena a;

	arena_init(&a, 4 * MIB);
	if (s3__master_parse(text, &m)) {
		s3__master_print(&m, file);
		must(n == sizeof(file) && memcmp(file, p, n) == 0);
	}
	/* Its id may be right, its tag cannot be: the corpus has none that this key made. */
	must(n > MIB || !s3__bucket_key_open(&master, "bucket", text, &a, &k));
	arena_clear(&a);
	return 0;
}
