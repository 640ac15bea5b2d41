/* SPDX-License-Identifier: Apache-2.0 */
/* Firehose on real stores with the real S3 behind it, for the tests of this folder. */
#include "fixture.h"

#include <sched.h>
#include <stdlib.h>

#include "os/clock.h"


void open_all(struct fixture *f)
{
	struct s3_opts so = { .region = "ap-northeast-2", .account = "123456789012" };
	struct firehose_opts fo = { .region = "ap-northeast-2",
				    .account = "123456789012",
				    .log_bytes_max = f->log_bytes_max };

	err_clear(&f->e);
	assert_int_equal(meta_open_sqlite(arena_printf(&f->a, "%s/meta", f->dir), &f->meta, &f->e),
			 0);
	assert_int_equal(blob_open_files(arena_printf(&f->a, "%s/blob", f->dir), &f->blob, &f->e),
			 0);
	so.meta = fo.meta = f->meta;
	so.blob = fo.blob = f->blob;
	f->s3 = s3_new(&so);
	assert_int_equal(s3_start(f->s3, &f->e), 0);
	fo.s3 = f->port = s3_port(f->s3);
	fo.dir = arena_printf(&f->a, "%s/log", f->dir);
	f->fh = firehose_new(&fo);
	if (firehose_start(f->fh, &f->e) < 0)
		fail_msg("firehose_start: %s", f->e.msg);
	f->ops = op_registry_new();
	op_registry_add(f->ops, &s3_service, f->s3);
	op_registry_add(f->ops, &firehose_service, f->fh);
	op_registry_context(f->ops, "ap-northeast-2", VIEW("http://127.0.0.1:4566"));
	assert_int_equal(firehose_deliver(f->fh, f->ops, &f->e), 0);
}

void close_all(struct fixture *f)
{
	firehose_stop(f->fh);
	f->ops = op_registry_free(f->ops);
	f->fh = firehose_free(f->fh);
	f->s3 = s3_free(f->s3);
	f->blob = blob_close(f->blob);
	f->meta = meta_close(f->meta);
}

const struct json *call(struct fixture *f, const char *op, const struct json *in)
{
	static const struct op_caller caller = { "123456789012", "AKIDEXAMPLE",
						 "arn:aws:iam::123456789012:root", "192.0.2.7" };
	const struct json *ret = NULL;
	bool s3 = strstr(op, "Bucket") != NULL;

	err_clear(&f->e);
	return op_call(f->ops, s3 ? "s3" : "firehose", op, in, &caller, &f->a, &ret, &f->e) < 0
		       ? NULL
		       : ret;
}

const struct json *input(struct fixture *f, const char *in)
{
	char *s = arena_str(&f->a, view_str(in));
	struct err e = { 0 };
	const struct json *v;

	for (char *p = s; *p; p++)
		if (*p == '\'')
			*p = '"';
	v = json_parse(&f->a, view_str(s), JSON_DEPTH, &e);
	if (!v)
		fail_msg("%s: %s", in, e.msg);
	return v;
}

const struct json *ok(struct fixture *f, const char *op, const char *in)
{
	const struct json *v = call(f, op, input(f, in));

	if (!v)
		fail_msg("%s %s: %s", op, in, f->e.msg);
	return v;
}

struct fixture *fixture_at(const char *dir)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "%s", dir);
	arena_init(&f->a, LIMIT_ARENA);
	open_all(f);
	if (!f->port.bucket_exists(f->s3, "raw"))
		ok(f, "CreateBucket", "{'Bucket':'raw'}");
	return f;
}

struct fixture *fixture_sized(uint64_t log_bytes_max)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->log_bytes_max = log_bytes_max;
	(void)snprintf(f->dir, sizeof(f->dir), "%s", unit_tmpdir());
	arena_init(&f->a, LIMIT_ARENA);
	open_all(f);
	ok(f, "CreateBucket", "{'Bucket':'raw'}");
	return f;
}

struct fixture *fixture_new(void)
{
	return fixture_sized(0);
}

void fixture_free(struct fixture *f)
{
	close_all(f);
	arena_clear(&f->a);
	free(f);
}

/* @more: further members of the destination, with a comma in front. */
const char *stream(struct fixture *f, const char *name, const char *bucket, const char *more)
{
	return arena_printf(
		&f->a,
		"{'DeliveryStreamName':'%s','ExtendedS3DestinationConfiguration':{'RoleARN':'" ROLE
		"','BucketARN':'arn:aws:s3:::%s'%s}}",
		name, bucket, more);
}


const char *text(struct fixture *f, const struct json *o, const char *member)
{
	struct view v = json_get_str(o, member);

	return v.p ? arena_str(&f->a, v) : "";
}

const char *put(struct fixture *f, const char *name, struct view data)
{
	struct json *in = json_new_obj(&f->a), *record = json_new_obj(&f->a);
	const struct json *v;

	json_set_str(&f->a, in, "DeliveryStreamName", name);
	json_set(&f->a, record, "Data", json_new_str(&f->a, data));
	json_set(&f->a, in, "Record", record);
	v = call(f, "PutRecord", in);
	if (!v)
		fail_msg("PutRecord: %s", f->e.msg);
	return text(f, v, "RecordId");
}

/* All bytes of a bucket's objects in key order, once there are @n of them; waits, bounded. */
struct view content(struct fixture *f, const char *bucket, size_t n_bytes)
{
	int64_t deadline = clock_mono_ns() + 20LL * 1000000000;
	struct view all = VIEW_NONE;

	do {
		struct s3_object *v;
		size_t n, used = 0;
		char *p = arena_alloc(&f->a, 4 * MIB);

		sched_yield();
		assert_int_equal(f->port.list(f->s3, bucket, "", NULL, 100, &f->a, &v, &n, &f->e),
				 0);
		for (size_t i = 0; i < n; i++) {
			struct view one;

			assert_int_equal(f->port.get(f->s3, bucket, v[i].key, 2 * MIB, &f->a, &one,
						     &f->e),
					 0);
			memcpy(p + used, one.p, one.n);
			used += one.n;
		}
		all = view_of(p, used);
		if (used < n_bytes)
			arena_clear(&f->a);
	} while (all.n < n_bytes && clock_mono_ns() < deadline);
	return all;
}
