/* SPDX-License-Identifier: Apache-2.0 */
/* Reading again what is stored: at a pace, stopped anywhere, beside deletions. */
#include <stdlib.h>

#include "base/limits.h"
#include "fixture.h"
#include "svc/s3/s3_int.h"

static struct view bytes(struct fixture *f, size_t n, char first)
{
	char *p = arena_alloc(&f->a, n);

	memset(p, first, n);
	return view_of(p, n);
}

static const char *two_parts(struct fixture *f, const char *key)
{
	struct json *in = input(f, arena_printf(&f->a, "{'Bucket':'buck','Key':'%s'}", key));
	const char *id = text(f, call_json(f, "CreateMultipartUpload", in), "UploadId"), *etag[2];
	struct view part[2] = { bytes(f, 5 * MIB, 'p'), bytes(f, 300000, 'q') };

	for (int i = 0; i < 2; i++) {
		in = input(f, arena_printf(&f->a, "{'Bucket':'buck','Key':'%s','UploadId':'%s','PartNumber':%d}", key, id, i + 1));
		json_set(&f->a, in, "Body", json_new_str(&f->a, part[i]));
		etag[i] = text(f, call_json(f, "UploadPart", in), "ETag");
	}
	return text(f, ok(f, "CompleteMultipartUpload",
			  arena_printf(&f->a, "{'Bucket':'buck','Key':'%s','UploadId':'%s','MultipartUpload':{'Parts':["
				       "{'PartNumber':1,'ETag':'%.32s'},{'PartNumber':2,'ETag':'%.32s'}]}}",
				       key, id, etag[0] + 1, etag[1] + 1)),
		    "ETag");
}

static struct fixture *filled(void)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	put(f, "buck", "a", bytes(f, 100, 'a'));
	put(f, "buck", "b", bytes(f, 3 * MIB, 'b'));
	two_parts(f, "c");
	put(f, "buck", "d", bytes(f, 400000, 'd'));
	return f;
}

static bool some_more(void *arg, uint64_t n)
{
	int *left = arg;

	assert_true(n > 0 && n <= MIB);
	return (*left)-- > 0;
}

TEST(scrub_stops_anywhere_and_goes_on)
{
	struct fixture *f = filled();
	const char *after = "";
	uint64_t rows = 0, read = 0;
	struct s3_scrub x;
	int stops = 0;

	for (int allowed = 0; after; allowed = (allowed + 1) % 9) {
		int left = allowed;
		int rc = s3__scrub(f->s3, after, 0, some_more, &left, &f->a, &x, &f->e);

		stops += rc == ERR_CANCELLED;
		if (rc == ERR_CANCELLED) {
			err_clear(&f->e);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(json_len(x.problems), 0);
		rows += x.rows;
		read += x.bytes;
		after = x.next;
	}
	assert_true(stops > 3);
	assert_int_equal(rows, 4);
	assert_int_equal(read, 100 + 3 * MIB + 5 * MIB + 300000 + 400000);
	fixture_free(f);
}

struct deleting {
	struct fixture *f;
	bool done;
};

/* While the first part is read, the object goes, and its bytes with it. */
static bool delete_it(void *arg, uint64_t n)
{
	struct deleting *d = arg;

	if (n == MIB && !d->done) {
		ok(d->f, "DeleteObject", "{'Bucket':'buck','Key':'c'}");
		s3__reap_settle(d->f->s3);
		d->done = true;
	}
	return true;
}

TEST(scrub_of_what_goes_meanwhile_is_no_damage)
{
	struct fixture *f = fixture_new();
	struct deleting d = { f, false };
	struct s3_scrub x;
	const char *ref;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	two_parts(f, "c");
	ref = ref_of(f, "buck", "c");
	assert_int_equal(s3__scrub(f->s3, "", 60000, delete_it, &d, &f->a, &x, &f->e), 0);
	assert_true(d.done && blob_gone(f, ref));
	assert_int_equal(json_len(x.problems), 0);
	fixture_free(f);
}
