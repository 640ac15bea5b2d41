/* SPDX-License-Identifier: Apache-2.0 */
/* The compression formats of Firehose: gzip and zip by their libraries, two framings around snappy blocks. */
#include "os/pack.h"

#include <stdlib.h>

#include <snappy-c.h>

#include "base/limits.h"
#include "base/macro.h"
#include "os/gzip.h"
#include "os/zip.h"

/* snappy-java's own block; and what snappy itself cuts longer input into, which any Hadoop reader's buffer holds. */
#define XERIAL_BLOCK (32 * KIB)
#define HADOOP_BLOCK (64 * KIB)

static const struct {
	const char *name, *extension, *encoding;
} formats[] = {
	[PACK_NONE] = { "UNCOMPRESSED", "", NULL },
	[PACK_GZIP] = { "GZIP", ".gz", "gzip" },
	[PACK_ZIP] = { "ZIP", ".zip", "zip" },
	[PACK_SNAPPY] = { "Snappy", ".snappy", "snappy-java" },
	[PACK_HADOOP_SNAPPY] = { "HADOOP_SNAPPY", ".snappy", "hadoop-snappy" },
};

struct pack {
	enum pack_format format;
	struct gzip *gzip;
	struct zip_stream *zip;
	bool begun; /* the header of a snappy stream is out */
	size_t n;   /* waiting in block */
	char block[HADOOP_BLOCK];
	char packed[HADOOP_BLOCK + HADOOP_BLOCK / 6 + 32]; /* snappy_max_compressed_length() */
};

struct pack *pack_new(enum pack_format f, const char *entry)
{
	struct pack *p = calloc(1, sizeof(*p));

	must(p);
	p->format = f;
	if (f == PACK_GZIP)
		p->gzip = gzip_new();
	if (f == PACK_ZIP)
		p->zip = zip_stream_new(entry);
	return p;
}

static void put_u32(struct buf *b, size_t v)
{
	const char be[4] = { (char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v };

	buf_add(b, be, sizeof(be));
}

static void begin_snappy(struct pack *p, struct buf *ret)
{
	if (p->format == PACK_SNAPPY && !p->begun)
		buf_add(ret, "\202SNAPPY\0\0\0\0\1\0\0\0\1", 16); /* magic, version, least version */
	p->begun = true;
}

static void put_block(struct pack *p, struct buf *ret)
{
	size_t size = sizeof(p->packed);

	begin_snappy(p, ret);
	if (p->format == PACK_HADOOP_SNAPPY)
		put_u32(ret, p->n);
	must(snappy_compress(p->block, p->n, p->packed, &size) == SNAPPY_OK);
	put_u32(ret, size);
	buf_add(ret, p->packed, size);
	p->n = 0;
}

static void add_blocks(struct pack *p, struct view v, struct buf *ret)
{
	size_t full = p->format == PACK_SNAPPY ? XERIAL_BLOCK : HADOOP_BLOCK;

	while (v.n) {
		size_t piece = full - p->n < v.n ? full - p->n : v.n;

		memcpy(p->block + p->n, v.p, piece);
		p->n += piece;
		v = view_from(v, piece);
		if (p->n == full)
			put_block(p, ret);
	}
}

void pack_add(struct pack *p, const void *data, size_t n, struct buf *ret)
{
	if (!n)
		return;
	if (p->gzip)
		gzip_add(p->gzip, data, n, ret);
	else if (p->zip)
		zip_stream_add(p->zip, data, n, ret);
	else if (p->format == PACK_NONE)
		buf_add(ret, data, n);
	else
		add_blocks(p, view_of(data, n), ret);
}

struct pack *pack_end(struct pack *p, struct buf *ret)
{
	if (p->gzip)
		p->gzip = gzip_end(p->gzip, ret);
	else if (p->zip)
		p->zip = zip_stream_end(p->zip, ret);
	else if (p->format != PACK_NONE)
		begin_snappy(p, ret);
	if (p->n)
		put_block(p, ret);
	return pack_free(p);
}

struct pack *pack_free(struct pack *p)
{
	if (p) {
		gzip_free(p->gzip);
		zip_stream_free(p->zip);
	}
	free(p);
	return NULL;
}

bool pack_from_name(struct view name, enum pack_format *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (view_eq_str(name, formats[i].name)) {
			*ret = (enum pack_format)i;
			return true;
		}
	return false;
}

const char *pack_name(enum pack_format f)
{
	return formats[f].name;
}

const char *pack_extension(enum pack_format f)
{
	return formats[f].extension;
}

const char *pack_encoding(enum pack_format f)
{
	return formats[f].encoding;
}
