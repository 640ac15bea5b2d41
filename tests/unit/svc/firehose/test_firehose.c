/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery streams on real stores, with the real S3 behind them: what goes in comes out, once. */
#include <sched.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "svc/firehose/firehose_int.h"
#include "svc/s3/s3.h"
#include "unit.h"

#define ROLE "arn:aws:iam::123456789012:role/firehose"

struct fixture {
	char dir[256];
	struct arena a;
	struct meta *meta;
	struct blob_store *blob;
	struct s3 *s3;
	struct s3_port port;
	struct firehose *fh;
	struct op_registry *ops;
	uint64_t log_bytes_max;
	struct err e;
};

static void open_all(struct fixture *f)
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

static void close_all(struct fixture *f)
{
	firehose_stop(f->fh);
	f->ops = op_registry_free(f->ops);
	f->fh = firehose_free(f->fh);
	f->s3 = s3_free(f->s3);
	f->blob = blob_close(f->blob);
	f->meta = meta_close(f->meta);
}

static const struct json *call(struct fixture *f, const char *op, const struct json *in)
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

static const struct json *input(struct fixture *f, const char *in)
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

static const struct json *ok(struct fixture *f, const char *op, const char *in)
{
	const struct json *v = call(f, op, input(f, in));

	if (!v)
		fail_msg("%s %s: %s", op, in, f->e.msg);
	return v;
}

static struct fixture *fixture_sized(uint64_t log_bytes_max)
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

static struct fixture *fixture_new(void)
{
	return fixture_sized(0);
}

static void fixture_free(struct fixture *f)
{
	close_all(f);
	arena_clear(&f->a);
	free(f);
}

/* @more: further members of the destination, with a comma in front. */
static const char *stream(struct fixture *f, const char *name, const char *bucket, const char *more)
{
	return arena_printf(
		&f->a,
		"{'DeliveryStreamName':'%s','ExtendedS3DestinationConfiguration':{'RoleARN':'" ROLE
		"','BucketARN':'arn:aws:s3:::%s'%s}}",
		name, bucket, more);
}

#define AT_ONCE ",'BufferingHints':{'SizeInMBs':1,'IntervalInSeconds':0}"
#define LATER ",'BufferingHints':{'SizeInMBs':1,'IntervalInSeconds':900}"

static const char *text(struct fixture *f, const struct json *o, const char *member)
{
	struct view v = json_get_str(o, member);

	return v.p ? arena_str(&f->a, v) : "";
}

static const char *put(struct fixture *f, const char *name, struct view data)
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
static struct view content(struct fixture *f, const char *bucket, size_t n_bytes)
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

TEST(firehose_delivers_bytes_as_they_were_put)
{
	struct fixture *f = fixture_new();
	const char *first, *second;
	struct s3_object *v;
	size_t n;

	ok(f, "CreateDeliveryStream", stream(f, "bio.signals-1", "raw", AT_ONCE ",'Prefix':'p='"));
	first = put(f, "bio.signals-1", VIEW("one"));
	second = put(f, "bio.signals-1", VIEW("two"));
	assert_true(strcmp(first, second) < 0);
	assert_true(view_eq(content(f, "raw", 6), VIEW("onetwo")));
	assert_int_equal(f->port.list(f->s3, "raw", "", NULL, 10, &f->a, &v, &n, &f->e), 0);
	/* p=YYYY/MM/dd/HH/<stream>-1-yyyy-MM-dd-HH-mm-ss-<uuid> */
	assert_int_equal(strlen(v[0].key),
			 2 + 14 + sizeof("bio.signals-1-1-2026-11-22-20-40-07-") - 1 + 36);
	assert_non_null(strstr(v[0].key, "/bio.signals-1-1-2"));
	assert_string_equal(v[0].content_type, "application/octet-stream");
	fixture_free(f);
}

TEST(firehose_describes_and_lists)
{
	struct fixture *f = fixture_new();
	const struct json *v, *d;

	v = ok(f, "CreateDeliveryStream",
	       stream(f, "a", "raw",
		      ",'Prefix':'x/!{timestamp:yyyy}/','ErrorOutputPrefix':'e/"
		      "','CompressionFormat':'GZIP',"
		      "'FileExtension':'.bin','CustomTimeZone':'UTC','CloudWatchLoggingOptions':{'"
		      "Enabled':false}"));
	assert_string_equal(text(f, v, "DeliveryStreamARN"),
			    "arn:aws:firehose:ap-northeast-2:123456789012:deliverystream/a");
	ok(f, "CreateDeliveryStream",
	   "{'DeliveryStreamName':'b','S3DestinationConfiguration':{'RoleARN':'" ROLE
	   "','BucketARN':'arn:aws:s3:::raw'},'Tags':[{'Key':'k','Value':'v'},{'Key':'l'}]}");
	close_all(f);
	open_all(f);
	v = json_get(ok(f, "DescribeDeliveryStream", "{'DeliveryStreamName':'a'}"),
		     "DeliveryStreamDescription");
	assert_string_equal(text(f, v, "DeliveryStreamStatus"), "ACTIVE");
	assert_string_equal(text(f, v, "VersionId"), "1");
	d = json_get(json_at(json_get(v, "Destinations"), 0), "ExtendedS3DestinationDescription");
	assert_string_equal(text(f, d, "Prefix"), "x/!{timestamp:yyyy}/");
	assert_string_equal(text(f, d, "FileExtension"), ".bin");
	assert_string_equal(text(f, d, "CompressionFormat"), "GZIP");
	assert_int_equal(json_int(json_get(json_get(d, "BufferingHints"), "SizeInMBs"), 0), 5);
	assert_int_equal(json_int(json_get(json_get(d, "BufferingHints"), "IntervalInSeconds"), 0),
			 300);
	v = json_get(ok(f, "DescribeDeliveryStream", "{'DeliveryStreamName':'b'}"),
		     "DeliveryStreamDescription");
	assert_null(json_get(json_at(json_get(v, "Destinations"), 0),
			     "ExtendedS3DestinationDescription"));
	v = ok(f, "ListDeliveryStreams", "{'Limit':1}");
	assert_true(json_is_true(json_get(v, "HasMoreDeliveryStreams")));
	v = ok(f, "ListDeliveryStreams", "{'ExclusiveStartDeliveryStreamName':'a'}");
	assert_int_equal(json_len(json_get(v, "DeliveryStreamNames")), 1);
	v = ok(f, "ListDeliveryStreams", "{'DeliveryStreamType':'MSKAsSource'}");
	assert_int_equal(json_len(json_get(v, "DeliveryStreamNames")), 0);
	ok(f, "TagDeliveryStream", "{'DeliveryStreamName':'b','Tags':[{'Key':'k','Value':'w'}]}");
	ok(f, "UntagDeliveryStream", "{'DeliveryStreamName':'b','TagKeys':['l']}");
	v = ok(f, "ListTagsForDeliveryStream", "{'DeliveryStreamName':'b'}");
	assert_int_equal(json_len(json_get(v, "Tags")), 1);
	assert_string_equal(text(f, json_at(json_get(v, "Tags"), 0), "Value"), "w");
	ok(f, "DeleteDeliveryStream", "{'DeliveryStreamName':'a'}");
	assert_null(call(f, "DescribeDeliveryStream", input(f, "{'DeliveryStreamName':'a'}")));
	ok(f, "CreateDeliveryStream", stream(f, "a", "raw", ""));
	fixture_free(f);
}

TEST(firehose_errors)
{
	static const struct {
		const char *name, *more, *code, *part;
	} cases[] = {
		{ "there", "", "ResourceInUseException", "already exists" },
		{ "bad name", "", "ValidationException", "regular expression" },
		{ "s", ",'Prefix':'m=!{partitionKeyFromQuery:m}/','ErrorOutputPrefix':'e/'",
		  "InvalidArgumentException", "Prefix: !{partitionKeyFromQuery:m}" },
		{ "s", ",'Prefix':'!{timestamp:yyyy}'", "InvalidArgumentException",
		  "ErrorOutputPrefix cannot be null" },
		{ "s", ",'Prefix':'!{timestamp:yyyy'", "InvalidArgumentException", "not closed" },
		{ "s", ",'ErrorOutputPrefix':'!{timestamp:yyyy}'", "InvalidArgumentException",
		  "error-output-type" },
		{ "s", ",'CompressionFormat':'SNAPPY'", "ValidationException",
		  "compressionFormat" },
		{ "s", ",'BufferingHints':{'SizeInMBs':1}", "InvalidArgumentException",
		  "IntervalInSeconds" },
		{ "s", ",'BufferingHints':{'SizeInMBs':1025,'IntervalInSeconds':1}",
		  "ValidationException", "sizeInMBs" },
		{ "s", ",'BufferingHints':{'SizeInMBs':1,'IntervalInSeconds':901}",
		  "ValidationException", "intervalInSeconds" },
		{ "s", ",'CustomTimeZone':'Asia/Nowhere'", "InvalidArgumentException",
		  "CustomTimeZone: Asia/Nowhere" },
		{ "s", ",'CustomTimeZone':'/etc/passwd'", "InvalidArgumentException", "CustomTimeZone" },
		{ "s", ",'CustomTimeZone':'../passwd'", "ValidationException", "CustomTimeZone" },
		{ "s", ",'FileExtension':'bin'", "ValidationException", "FileExtension" },
		{ "s", ",'CloudWatchLoggingOptions':{'Enabled':true}", "InvalidArgumentException",
		  "CloudWatchLoggingOptions" },
		{ "s", ",'ProcessingConfiguration':{'Processors':[{'Type':'Magic'}]}",
		  "InvalidArgumentException", "ProcessingConfiguration.Processors: the Type Magic" },
		{ "s", ",'DataFormatConversionConfiguration':{}", "InvalidArgumentException",
		  "DataFormatConversion" },
		{ "s", ",'DynamicPartitioningConfiguration':{'Enabled':true}",
		  "InvalidArgumentException", "DynamicPartitioning" },
		{ "s", ",'S3BackupMode':'Enabled'", "InvalidArgumentException", "3Backup" },
		{ "s", ",'EncryptionConfiguration':{'KMSEncryptionConfig':{'AWSKMSKeyARN':'x'}}",
		  "InvalidArgumentException", "MSEncryptionConfig" },
		{ "s", "},'IcebergDestinationConfiguration':{", "InvalidArgumentException",
		  "cebergDestination" },
	};
	struct fixture *f = fixture_new();

	ok(f, "CreateDeliveryStream", stream(f, "there", "raw", ""));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct aws_error *w;

		if (call(f, "CreateDeliveryStream",
			 input(f, stream(f, cases[i].name, "raw", cases[i].more))))
			fail_msg("%s went well", cases[i].more);
		w = f->e.wire;
		if (!w || strcmp(w->code, cases[i].code) != 0 || !strstr(f->e.msg, cases[i].part))
			fail_msg("%s: %s (%s)", cases[i].more, w ? w->code : "no wire error",
				 f->e.msg);
	}
	assert_null(call(f, "CreateDeliveryStream", input(f, "{'DeliveryStreamName':'s'}")));
	assert_ptr_equal(f->e.wire, &FIREHOSE_INVALID);
	assert_null(call(f, "PutRecord",
			 input(f, "{'DeliveryStreamName':'none','Record':{'Data':'x'}}")));
	assert_ptr_equal(f->e.wire, &FIREHOSE_NOT_FOUND);
	assert_null(
		call(f, "PutRecordBatch", input(f, "{'DeliveryStreamName':'there','Records':[]}")));
	assert_ptr_equal(f->e.wire, &AWS_VALIDATION);
	assert_null(call(f, "DeleteDeliveryStream", input(f, "{'DeliveryStreamName':'none'}")));
	assert_ptr_equal(f->e.wire, &FIREHOSE_NOT_FOUND);
	fixture_free(f);
}

TEST(firehose_batch_answers_each_record)
{
	struct fixture *f = fixture_new();
	const struct json *v, *list;

	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", AT_ONCE));
	v = ok(f, "PutRecordBatch",
	       "{'DeliveryStreamName':'s','Records':[{'Data':'a'},{'Data':''},{'Data':'c'}]}");
	list = json_get(v, "RequestResponses");
	assert_int_equal(json_int(json_get(v, "FailedPutCount"), -1), 0);
	assert_int_equal(json_len(list), 3);
	assert_true(strcmp(text(f, json_at(list, 0), "RecordId"),
			   text(f, json_at(list, 2), "RecordId")) < 0);
	assert_true(view_eq(content(f, "raw", 2), VIEW("ac")));
	fixture_free(f);
}

TEST(firehose_full_log_slows_clients_down)
{
	struct fixture *f = fixture_sized(8 * MIB);
	struct json *in, *record = json_new_obj(&f->a), *records = json_new_arr(&f->a);
	const struct json *v;
	int64_t failed = 0;

	ok(f, "CreateDeliveryStream", stream(f, "s", "nowhere", LATER));
	json_set(&f->a, record, "Data",
		 json_new_str(&f->a, view_of(arena_alloc(&f->a, 400000), 400000)));
	json_push(&f->a, records, record);
	json_push(&f->a, records, record);
	for (int i = 0; i < 20 && !failed; i++) {
		in = json_new_obj(&f->a);
		json_set_str(&f->a, in, "DeliveryStreamName", "s");
		json_set(&f->a, in, "Records", records);
		v = call(f, "PutRecordBatch", in);
		assert_non_null(v);
		failed = json_int(json_get(v, "FailedPutCount"), -1);
		if (failed)
			assert_string_equal(text(f, json_at(json_get(v, "RequestResponses"), 1),
						 "ErrorCode"),
					    "ServiceUnavailableException");
	}
	assert_int_equal(failed, 2);
	in = json_new_obj(&f->a);
	json_set_str(&f->a, in, "DeliveryStreamName", "s");
	json_set(&f->a, in, "Record", record);
	for (int i = 0; i < 8 && call(f, "PutRecord", in); i++)
		;
	assert_ptr_equal(f->e.wire, &FIREHOSE_UNAVAILABLE);
	fixture_free(f);
}

TEST(firehose_size_hint_ends_an_object)
{
	struct fixture *f = fixture_new();
	struct s3_object *v;
	size_t n;

	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", LATER));
	for (int i = 0; i < 3; i++)
		put(f, "s", view_of(arena_alloc(&f->a, 500000), 500000));
	assert_int_equal(content(f, "raw", 1500000).n, 1500000);
	put(f, "s", VIEW("waits for 900 s"));
	assert_int_equal(f->port.list(f->s3, "raw", "", NULL, 10, &f->a, &v, &n, &f->e), 0);
	assert_int_equal(n, 1);
	fixture_free(f);
}

TEST(firehose_gzip)
{
	struct fixture *f = fixture_new();
	int64_t deadline = clock_mono_ns() + 20LL * 1000000000;
	struct s3_object *v;
	struct view packed;
	unsigned char out[64];
	z_stream z = { 0 };
	size_t n;

	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", AT_ONCE ",'CompressionFormat':'GZIP'"));
	put(f, "s", VIEW("hello hello hello"));
	do {
		assert_int_equal(f->port.list(f->s3, "raw", "", NULL, 10, &f->a, &v, &n, &f->e), 0);
	} while (!n && clock_mono_ns() < deadline);
	assert_int_equal(n, 1);
	assert_true(view_ends(view_str(v[0].key), VIEW(".gz")));
	assert_int_equal(f->port.get(f->s3, "raw", v[0].key, MIB, &f->a, &packed, &f->e), 0);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)packed.p;
	z.avail_in = (unsigned)packed.n;
	z.next_out = out;
	z.avail_out = sizeof(out);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, 17);
	assert_memory_equal(out, "hello hello hello", 17);
	inflateEnd(&z);
	fixture_free(f);
}

TEST(firehose_waits_for_its_bucket_across_a_restart)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateDeliveryStream", stream(f, "s", "later", AT_ONCE));
	put(f, "s", VIEW("first,"));
	close_all(f);
	open_all(f);
	put(f, "s", VIEW("second"));
	ok(f, "CreateBucket", "{'Bucket':'later'}");
	assert_true(view_eq(content(f, "later", 12), VIEW("first,second")));
	close_all(f);
	open_all(f); /* nothing is delivered again */
	put(f, "s", VIEW("."));
	assert_int_equal(content(f, "later", 13).n, 13);
	fixture_free(f);
}

TEST(firehose_delivery_repeated_after_a_crash_gives_no_second_object)
{
	struct fixture *f = fixture_new();
	struct fh_object o = { .first = 1, .last = 2, .at_ms = 1795380007089 };
	struct fh_stream *s;
	struct s3_object *v;
	char md5[33];
	const char *key;
	size_t n;

	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", LATER));
	put(f, "s", VIEW("one"));
	put(f, "s", VIEW("two"));
	s = fh__find(f->fh, "s");
	fh__delivery_stop(s);
	assert_int_equal(blob_put(f->blob, VIEW("onetwo"), &f->a, &o.ref, &f->e), 0);
	md5_hex(VIEW("onetwo"), md5);
	o.md5_hex = md5;
	key = fh__object_key(s, &o, &f->a);
	assert_string_equal(key,
			    fh__object_key(s, &o, &f->a)); /* of range and time, nothing else */
	assert_int_equal(fh__publish(s, &o, &f->e), 0);
	/* The commit is there; the process died before it knew, and does it all again. */
	assert_int_equal(fh__publish(s, &o, &f->e), ERR_CONFLICT);
	err_clear(&f->e);
	assert_int_equal(f->port.list(f->s3, "raw", "", NULL, 10, &f->a, &v, &n, &f->e), 0);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].key, key);
	close_all(f);
	open_all(f);
	put(f, "s", VIEW("three"));
	assert_int_equal(f->port.list(f->s3, "raw", "", NULL, 10, &f->a, &v, &n, &f->e), 0);
	assert_int_equal(n, 1);
	fixture_free(f);
}

struct seen {
	const char *names[4];
	struct log *logs[4];
	size_t n;
};

static void see(void *arg, const char *name, struct log *l)
{
	struct seen *s = arg;

	s->names[s->n] = name;
	s->logs[s->n++] = l;
}

TEST(firehose_port_shows_logs_and_keeps_what_is_held)
{
	struct fixture *f = fixture_new();
	struct firehose_port port = firehose_port(f->fh);
	struct seen seen = { .n = 0 };
	struct fh_stream *s;

	ok(f, "CreateDeliveryStream", stream(f, "a", "raw", AT_ONCE));
	port.watch(port.self, see, &seen);
	ok(f, "CreateDeliveryStream", stream(f, "b", "raw", AT_ONCE));
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.names[1], "b");
	assert_ptr_equal(port.log(port.self, "b"), seen.logs[1]);
	assert_null(port.log(port.self, "none"));
	put(f, "a", VIEW("x"));
	assert_int_equal(log_last(seen.logs[0]), 1);
	s = fh__find(f->fh, "a");
	assert_true(fh__held(s) == UINT64_MAX);
	port.hold(port.self, "a", "ledger", 1);
	port.hold(port.self, "a", "decode", 7);
	port.hold(port.self, "a", "ledger", 5);
	assert_int_equal(fh__held(s), 5);
	close_all(f);
	open_all(f);
	port = firehose_port(f->fh);
	s = fh__find(f->fh, "a");
	assert_int_equal(fh__held(s), 1); /* what was durable is never ahead of the reader */
	port.hold(port.self, "a", "ledger", UINT64_MAX);
	assert_int_equal(fh__held(s), 7);
	fixture_free(f);
}

static int remove_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const struct fh_row row = { .id = arg };

	return fh__remove(tx, &row, 1, e);
}

/* The row goes before the actor is told: what it publishes then is not delivered, so the log has to keep it. */
TEST(firehose_delivery_into_a_deletion_is_no_delivery)
{
	struct fixture *f = fixture_new();
	struct fh_object o = { .first = 1, .last = 1, .at_ms = 1795380007089 };
	struct fh_stream *s;
	struct s3_object *v;
	char md5[33];
	size_t n;

	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", LATER));
	put(f, "s", VIEW("one"));
	s = fh__find(f->fh, "s");
	fh__delivery_stop(s);
	assert_int_equal(blob_put(f->blob, VIEW("one"), &f->a, &o.ref, &f->e), 0);
	md5_hex(VIEW("one"), md5);
	o.md5_hex = md5;
	assert_int_equal(meta_write(f->meta, remove_fn, (void *)(uintptr_t)s->id, &f->e), 0);
	assert_int_equal(fh__publish(s, &o, &f->e), ERR_CANCELLED);
	err_clear(&f->e);
	assert_int_equal(f->port.list(f->s3, "raw", "", NULL, 10, &f->a, &v, &n, &f->e), 0);
	assert_int_equal(n, 0);
	fixture_free(f);
}

TEST(firehose_deleted_stream_leaves_its_records_on_disk)
{
	struct fixture *f = fixture_new();
	struct log *l;

	ok(f, "CreateDeliveryStream", stream(f, "s", "nowhere", AT_ONCE));
	put(f, "s", VIEW("x"));
	l = firehose_port(f->fh).log(f->fh, "s");
	ok(f, "DeleteDeliveryStream", "{'DeliveryStreamName':'s'}");
	assert_int_equal(log_last(l), 1); /* readers may still be there */
	ok(f, "CreateDeliveryStream", stream(f, "s", "raw", AT_ONCE));
	put(f, "s", VIEW("new"));
	assert_true(view_eq(content(f, "raw", 3), VIEW("new")));
	fixture_free(f);
}
