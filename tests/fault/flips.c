/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flips DIR [COUNT]: flips one bit at a time in what S3 keeps, and looks whether it is noticed.  Prints TAP.
 *
 * Bits of blobs' files, of records and headers of packs, of parts of unfinished uploads and of pages of the index.  A flipped
 * bit in an object's bytes must keep a GET from answering and be named by the scrubber; one in a page of the index must be
 * seen by the verification of metadata.  Nothing may be reported when no bit is flipped.
 * COUNT: 240, or $MULGIL_FLIPS.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "fault.h"
#include "os/file.h"
#include "s3_rig.h"
#include "store/blob_ref.h"
#include "store/segment.h"

#define BUCKET "evidence"

static uint64_t state = 20250301;

static uint64_t rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* --- what is there --- */

static struct json *on_key(struct rig *r, const char *key)
{
	struct json *in = json_new_obj(&r->a);

	json_set_str(&r->a, in, "Bucket", BUCKET);
	json_set_str(&r->a, in, "Key", key);
	return in;
}

static struct json *with_body(struct rig *r, struct json *in, size_t n, uint64_t seed)
{
	char *p = fault_bytes(n, seed);

	json_set(&r->a, in, "Body", json_new_str(&r->a, view_of(p, n)));
	free(p);
	return in;
}

/* An upload of two parts; completed, or left as it is. */
static void upload(struct rig *r, const char *key, size_t first, bool complete)
{
	struct arena *a = &r->a;
	const char *id = arena_str(a, json_get_str(rig_ok(r, "CreateMultipartUpload", on_key(r, key)), "UploadId"));
	struct json *list = json_new_arr(a), *in, *up = json_new_obj(a);

	for (int n = 1; n <= 2; n++) {
		struct json *one = json_new_obj(a);

		in = with_body(r, on_key(r, key), n == 1 ? first : 1500, (uint64_t)n + 50);
		json_set_str(a, in, "UploadId", id);
		json_set_int(a, in, "PartNumber", n);
		json_set_int(a, one, "PartNumber", n);
		json_set(a, one, "ETag", json_new_str(a, json_get_str(rig_ok(r, "UploadPart", in), "ETag")));
		json_push(a, list, one);
	}
	json_set(a, up, "Parts", list);
	in = on_key(r, key);
	json_set_str(a, in, "UploadId", id);
	json_set(a, in, "MultipartUpload", up);
	if (complete)
		rig_ok(r, "CompleteMultipartUpload", in);
}

static void fill(const char *dir)
{
	static const size_t sizes[] = { 10, 300, 5000, 100000, 140000, 300000, 1200000 };
	struct json *bucket;
	struct rig r;

	rig_open(&r, dir);
	bucket = json_new_obj(&r.a);
	json_set_str(&r.a, bucket, "Bucket", BUCKET);
	rig_ok(&r, "CreateBucket", bucket);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		rig_ok(&r, "PutObject", with_body(&r, on_key(&r, arena_printf(&r.a, "k%zu", i)), sizes[i], i));
	for (size_t i = 0; i < 200; i++) /* so that the index has more than a few pages */
		rig_ok(&r, "PutObject", with_body(&r, on_key(&r, arena_printf(&r.a, "small/%zu", i)), 20, i));
	upload(&r, "joined", 5 * MIB, true);
	upload(&r, "open", 200000, false);
	rig_close(&r);
}

struct target {
	char *ref, *key; /* key NULL: of an upload */
};

struct targets {
	struct target v[512];
	size_t n;
};

static int find_targets(struct meta_tx *tx, void *arg, struct err *e)
{
	struct targets *t = arg;
	struct tx_rows *r;
	struct arena a;
	int rc = tx_query(tx, &r, e,
			  "SELECT okey, parts FROM s3_object UNION ALL"
			  " SELECT NULL, '[[\"' || ref || '\",0]]' FROM s3_part",
			  "");

	arena_init(&a, LIMIT_ARENA);
	while (rc >= 0 && (rc = tx_next(r, e)) > 0) {
		struct s3_row row = { 0 };
		const char *key = row_str(r, 0, &a);

		must(s3__parts_parse(&a, row_view(r, 1), &row, e) == 0);
		for (size_t i = 0; i < row.n_parts; i++) {
			must(t->n < ARRAY_LEN(t->v));
			t->v[t->n++] = (struct target){ strdup(row.parts[i].ref), key ? strdup(key) : NULL };
		}
	}
	arena_clear(&a);
	return rc;
}

/* --- one flip --- */

static void flip(const char *path, uint64_t at, unsigned bit)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	must(fd >= 0 && pread(fd, &byte, 1, (off_t)at) == 1);
	byte = (uint8_t)(byte ^ 1u << bit);
	must(pwrite(fd, &byte, 1, (off_t)at) == 1 && close(fd) == 0);
}

/* A place in the bytes that stand for @t. */
static uint64_t place_of(const char *dir, const struct target *t, char path[512])
{
	char segment[SEGMENT_NAME];
	struct blob_ref ref;
	struct err e = { 0 };

	if (blob_ref_parse(t->ref, &ref, &e) < 0)
		fault_stop(&e);
	if (!ref.packed) {
		snprintf(path, 512, "%s/objects/objects/%.2s/%.*s", dir, ref.uuid.p + ref.uuid.n - 2, VIEW_ARG(ref.uuid));
		return rnd(ref.size);
	}
	segment_name(ref.segment, segment);
	snprintf(path, 512, "%s/objects/pack/%s", dir, segment);
	return rnd(20) ? ref.off + rnd(segment_room(ref.size)) : rnd(SEGMENT_HEADER);
}

static size_t scrub(struct rig *r)
{
	struct s3_scrub x = { 0 };
	const char *after = "";
	size_t problems = 0;

	do {
		if (s3_scrub(r->s3, after, 60000, &r->a, &x, &r->e) < 0)
			fault_stop(&r->e);
		problems += json_len(x.problems);
		after = x.next;
	} while (after);
	return problems;
}

static void count_problem(void *arg, const char *what)
{
	(void)what;
	++*(size_t *)arg;
}

static size_t verify_metadata(struct rig *r)
{
	size_t problems = 0;
	uint64_t bytes;

	if (meta_verify(r->meta, count_problem, &problems, &bytes, &r->e) < 0)
		fault_stop(&r->e);
	return problems;
}

static unsigned served, unseen;

static void flip_bytes(struct rig *r, const char *dir, const struct target *t)
{
	char path[512];
	uint64_t at = place_of(dir, t, path);
	unsigned bit = (unsigned)rnd(8);

	flip(path, at, bit);
	if (t->key && rig_call(r, "GetObject", on_key(r, t->key))) {
		printf("# served: bit %u of byte %" PRIu64 " of %s\n", bit, at, path);
		served++;
	}
	err_clear(&r->e);
	if (!scrub(r)) {
		printf("# not seen: bit %u of byte %" PRIu64 " of %s\n", bit, at, path);
		unseen++;
	}
	flip(path, at, bit);
	arena_clear(&r->a);
}

static void flip_index(struct rig *r, const char *dir)
{
	char path[512];
	struct stat st;
	uint64_t at;
	unsigned bit = (unsigned)rnd(8);

	snprintf(path, sizeof(path), "%s/meta/meta.sqlite", dir);
	must(stat(path, &st) == 0);
	at = rnd((uint64_t)st.st_size);
	flip(path, at, bit);
	if (!verify_metadata(r)) {
		printf("# not seen: bit %u of byte %" PRIu64 " of %s\n", bit, at, path);
		unseen++;
	}
	flip(path, at, bit);
}

int main(int argc, char **argv)
{
	const char *count = argc > 2 ? argv[2] : getenv("MULGIL_FLIPS");
	char folder[] = "/tmp/mulgil-flips-XXXXXX";
	const char *dir = argc > 1 ? argv[1] : mkdtemp(folder);
	uint64_t n = 240;
	struct targets t = { 0 };
	struct err e = { 0 };
	struct rig r;

	must(dir && (!count || view_u64(view_str(count), 1000000, &n)));
	fill(dir);
	rig_open(&r, dir); /* all of the index is in its file, nothing in the WAL */
	if (meta_read(r.meta, find_targets, &t, &r.e) < 0)
		fault_stop(&r.e);
	puts("1..3");
	printf("%s 1 - nothing is reported when nothing is wrong\n", scrub(&r) || verify_metadata(&r) ? "not ok" : "ok");
	for (uint64_t i = 0; i < n; i++) {
		/* Larger objects (the first) and parts (the last) are few: they get half of the bits. */
		if (i % 4 == 3)
			flip_index(&r, dir);
		else
			flip_bytes(&r, dir, &t.v[i % 4 == 0 ? rnd(7) : i % 4 == 1 ? t.n - 1 - rnd(4) : rnd(t.n)]);
	}
	printf("%s 2 - %" PRIu64 " bits flipped, a quarter of them in the index: %" PRIu64 " seen\n", unseen ? "not ok" : "ok", n,
	       n - unseen);
	printf("%s 3 - %u objects served with a flipped bit\n", served ? "not ok" : "ok", served);
	rig_close(&r);
	for (size_t i = 0; i < t.n; i++) {
		free(t.v[i].ref);
		free(t.v[i].key);
	}
	if (argc <= 1 && file_remove_tree(dir, &e) < 0)
		fault_stop(&e);
	return served || unseen;
}
