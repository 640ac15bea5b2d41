/* SPDX-License-Identifier: Apache-2.0 */
/* What S3 does for the other services. */
#include <fcntl.h>
#include <unistd.h>

#include "fixture.h"
#include "os/file.h"

static struct s3_new object(const char *key)
{
	static const struct port_tag tags[] = { { "measurement", "m1" } };

	return (struct s3_new){ .bucket = "buck",
				.key = key,
				.content_type = "text/csv",
				.tags = tags,
				.n_tags = 1,
				.reason = "PutObject" };
}

TEST(port_put_of_bytes_and_of_a_file)
{
	struct fixture *f = fixture_new();
	struct s3_new o = object("bytes");
	const char *path = arena_printf(&f->a, "%s/blob/staged", f->dir);
	struct s3_object got;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	assert_int_equal(f->port.put(f->s3, &o, VIEW("hello"), NULL, &f->e), 0);
	assert_int_equal(f->port.head(f->s3, "buck", "bytes", &f->a, &got, &f->e), 0);
	assert_string_equal(got.etag, "5d41402abc4b2a76b9719d911017c592");
	assert_string_equal(got.content_type, "text/csv");
	assert_string_equal(got.tags[0].value, "m1");
	assert_int_equal(file_replace(path, VIEW("hello"), 0600, &f->e), 0);
	o = object("file");
	assert_int_equal(f->port.put(f->s3, &o, VIEW_NONE, path, &f->e), 0);
	assert_int_equal(f->port.head(f->s3, "buck", "file", &f->a, &got, &f->e), 0);
	assert_string_equal(got.etag, "5d41402abc4b2a76b9719d911017c592");
	assert_int_equal(f->port.remove(f->s3, "buck", "file", &f->e), 0);
	assert_int_equal(f->port.remove(f->s3, "buck", "file", &f->e), 0);
	assert_int_equal(f->port.head(f->s3, "buck", "file", &f->a, &got, &f->e), ERR_NOENT);
	fixture_free(f);
}

struct tx {
	struct fixture *f;
	struct s3_new o;
	bool fail;
};

static int tx_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx *t = arg;
	int rc = t->f->port.put_tx(t->f->s3, tx, &t->o, e);

	if (!rc && t->fail)
		return err_set(e, ERR_CONFLICT, "on purpose");
	return rc;
}

TEST(port_put_tx_is_part_of_the_callers_transaction)
{
	struct fixture *f = fixture_new();
	struct tx t = { .f = f, .o = object("k"), .fail = true };
	struct s3_object got;
	const char *first;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "PutBucketNotificationConfiguration",
	   "{'Bucket':'buck','NotificationConfiguration':{'EventBridgeConfiguration':{}}}");
	assert_int_equal(blob_put(f->blob, bytes_of(f, 200000, 1), &f->a, &first, &f->e), 0);
	t.o.ref = first;
	t.o.md5_hex = "5d41402abc4b2a76b9719d911017c592";
	assert_int_equal(meta_write(f->meta, tx_fn, &t, &f->e), ERR_CONFLICT);
	err_clear(&f->e);
	assert_int_equal(f->port.head(f->s3, "buck", "k", &f->a, &got, &f->e), ERR_NOENT);
	err_clear(&f->e);
	t.fail = false;
	assert_int_equal(meta_write(f->meta, tx_fn, &t, &f->e), 0);
	assert_int_equal(f->port.head(f->s3, "buck", "k", &f->a, &got, &f->e), 0);
	assert_int_equal(got.size, 200000);
	/* replaced: the old bytes go after the commit */
	assert_int_equal(blob_put(f->blob, bytes_of(f, 200000, 2), &f->a, &t.o.ref, &f->e), 0);
	assert_int_equal(meta_write(f->meta, tx_fn, &t, &f->e), 0);
	assert_true(blob_gone(f, first));
	t.o.bucket = "none";
	assert_int_equal(meta_write(f->meta, tx_fn, &t, &f->e), ERR_NOENT);
	fixture_free(f);
}
