/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3fill -- makes a bucket of very many objects quickly, while the server is down: copies of one object's row.
 *
 * The bench of listing needs a million keys, not a million times the same bytes: all rows name the same blob.
 * Nothing but this bench's own data folder may be filled so: deleting one copy would delete the bytes of all.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "store/meta.h"
#include "svc/s3/s3_int.h"

#define AT_ONCE 10000

struct fill {
	const char *bucket, *key;
	uint64_t from, n;
};

static int copy_rows(struct meta_tx *tx, void *arg, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct fill *f = arg;
	struct s3_row r;
	uint64_t seq;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = s3__object_need(tx, f->bucket, f->key, &a, &r, e);
	seq = rc ? 0 : r.seq;
	for (uint64_t i = f->from; !rc && i < f->n && i < f->from + AT_ONCE; i++) {
		r.seq = seq + i + 1;
		r.key = arena_printf(&a, "measurements/%03lu/%08lu.png", i % 1000, i);
		rc = s3__object_put(tx, &r, &a, e);
	}
	return rc;
}

/* s3fill META_DIR BUCKET KEY N */
int main(int argc, char **argv)
{
	struct fill f = { .bucket = argv[2], .key = argv[3] };
	struct err e = { 0 };
	struct meta *m;

	if (argc != 5 || !view_u64(view_str(argv[4]), 100000000, &f.n))
		return 2;
	if (meta_open_sqlite(argv[1], &m, &e) == 0) {
		for (; f.from < f.n && meta_write(m, copy_rows, &f, &e) == 0; f.from += AT_ONCE)
			;
		meta_close(m);
	}
	if (e.code)
		fprintf(stderr, "s3fill: %s\n", e.msg);
	return e.code ? 1 : 0;
}
