/* SPDX-License-Identifier: Apache-2.0 */
/* compress -- the table of compressions. */
#include "svc/firehose/compress.h"

#include "os/gzip.h"

static void *gzip_begin(void)
{
	return gzip_new();
}

static void gzip_piece(void *state, struct view v, struct buf *ret)
{
	gzip_add(state, v.p, v.n, ret);
}

static void gzip_rest(void *state, struct buf *ret)
{
	gzip_end(state, ret);
}

static void gzip_drop(void *state)
{
	gzip_free(state);
}

const struct fh_packer fh__packers[FH_COMPRESSIONS] = {
	[FH_PLAIN] = { "UNCOMPRESSED", "", NULL },
	[FH_GZIP] = { "GZIP", ".gz", "gzip", gzip_begin, gzip_piece, gzip_rest, gzip_drop },
	[FH_ZIP] = { "ZIP", ".zip", "zip" },
	[FH_SNAPPY] = { "Snappy", ".snappy", "snappy-java" },
	[FH_HADOOP_SNAPPY] = { "HADOOP_SNAPPY", ".snappy", "hadoop-snappy" },
};
