/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery streams on real stores, with the real S3 behind them: what goes in comes out, once. */
#include <stdlib.h>
#include <zlib.h>

#include "fixture.h"
#include "os/clock.h"

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
		  "InvalidArgumentException", "Prefix: with dynamic partitioning" },
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
