/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: writing, reading, conditions, copies, tags, events, deletion, and what is left on disk. */
#include <sys/mman.h>

#include "fixture.h"

static struct fixture *with_bucket(void)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "PutBucketNotificationConfiguration",
	   "{'Bucket':'buck','NotificationConfiguration':{'EventBridgeConfiguration':{}}}");
	return f;
}

TEST(object_comes_back_with_what_it_was_given)
{
	struct fixture *f = with_bucket();
	const struct json *v =
		ok(f, "PutObject",
		   "{'Bucket':'buck','Key':'a/../b//c.txt','Body':'hello "
		   "world','ContentType':'text/plain',"
		   "'CacheControl':'no-store','ContentEncoding':'gzip,aws-chunked','Metadata':{'"
		   "who':'me'},"
		   "'Tagging':'room=a%20b&x=','ChecksumCRC32C':'yZRlqg==','ContentMD5':"
		   "'XrY7u+Ae7tCTyyK7j1rNww=='}");

	assert_string_equal(text(f, v, "ETag"), "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
	assert_string_equal(text(f, v, "ChecksumCRC32C"), "yZRlqg==");
	assert_string_equal(text(f, v, "ChecksumType"), "FULL_OBJECT");
	fixture_restart(f);
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'a/../b//c.txt'}");
	assert_string_equal(text(f, v, "Body"), "hello world");
	assert_string_equal(text(f, v, "ContentType"), "text/plain");
	assert_string_equal(text(f, v, "CacheControl"), "no-store");
	assert_string_equal(text(f, v, "ContentEncoding"), "gzip");
	assert_string_equal(text(f, v, "TagCount"), "2");
	assert_string_equal(text(f, json_get(v, "Metadata"), "who"), "me");
	assert_null(json_get(v, "ChecksumCRC32C"));
	v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'a/../b//c.txt','ChecksumMode':'ENABLED'}");
	assert_int_equal(json_int(json_get(v, "ContentLength"), -1), 11);
	assert_null(json_get(v, "Body"));
	assert_string_equal(text(f, v, "ChecksumCRC32C"), "yZRlqg==");
	v = ok(f, "GetObjectTagging", "{'Bucket':'buck','Key':'a/../b//c.txt'}");
	assert_string_equal(text(f, json_at(json_get(v, "TagSet"), 0), "Value"), "a b");
	fixture_free(f);
}

TEST(object_content_encoding_is_kept_as_it_was_given)
{
	static const char *const cases[][2] = { { "deflate, gzip", "deflate, gzip" },
						{ "deflate, gzip,aws-chunked", "deflate, gzip" },
						{ "aws-chunked, gzip", "gzip" },
						{ "AWS-Chunked", NULL },
						{ "a,aws-chunked,b", "a,b" } };
	struct fixture *f = with_bucket();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *in = input(f, "{'Bucket':'buck','Key':'k','Body':'x'}");
		const struct json *v;

		json_set_str(&f->a, in, "ContentEncoding", cases[i][0]);
		assert_non_null(call_json(f, "PutObject", in));
		v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'k'}");
		if (cases[i][1])
			assert_string_equal(text(f, v, "ContentEncoding"), cases[i][1]);
		else
			assert_null(json_get(v, "ContentEncoding"));
	}
	fixture_free(f);
}

TEST(object_tags_are_told_in_the_order_of_their_keys)
{
	struct fixture *f = with_bucket();
	const struct json *v;

	ok(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','Tagging':'foo=bar&bar'}");
	v = ok(f, "GetObjectTagging", "{'Bucket':'buck','Key':'k'}");
	assert_string_equal(text(f, json_at(json_get(v, "TagSet"), 0), "Key"), "bar");
	assert_string_equal(text(f, json_at(json_get(v, "TagSet"), 1), "Key"), "foo");
	ok(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x'}");
	v = ok(f, "GetObjectTagging", "{'Bucket':'buck','Key':'k'}");
	assert_null(json_at(json_get(v, "TagSet"), 0));
	fixture_free(f);
}

/* 2 KiB of metadata may be many hundred headers. */
TEST(object_with_hundreds_of_metadata_headers)
{
	struct fixture *f = with_bucket();
	struct json *in = input(f, "{'Bucket':'buck','Key':'k','Body':'x'}"), *m = json_new_obj(&f->a);
	const struct json *v;

	for (int i = 0; i < 500; i++)
		json_set_str(&f->a, m, arena_printf(&f->a, "%03d", i), "v");
	json_set(&f->a, in, "Metadata", m);
	if (!call_json(f, "PutObject", in))
		fail_msg("%s", f->e.msg);
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'k'}");
	assert_int_equal(json_len(json_get(v, "Metadata")), 500);
	assert_string_equal(text(f, json_get(v, "Metadata"), "499"), "v");
	fixture_free(f);
}

/* Or the object could never be read again. */
TEST(object_headers_that_cannot_be_sent_are_refused)
{
	struct fixture *f = with_bucket();

	fails(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','Metadata':{'a b':'1'}}", "InvalidArgument");
	fails(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','Metadata':{'a\\r\\nSet-Cookie':'1'}}",
	      "InvalidArgument");
	fails(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','Metadata':{'a':'1\\r\\nb: c'}}",
	      "InvalidArgument");
	fails(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','ContentType':'text/plain\\n'}", "InvalidArgument");
	fails(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'k','CacheControl':'a\\u0001'}", "InvalidArgument");
	ok(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','Metadata':{'a-b_c.d':'caf\xc3\xa9\\t1'}}");
	fails(f, "GetObject", "{'Bucket':'buck','Key':'k','ResponseContentType':'a\\r\\nb: c'}", "InvalidArgument");
	fixture_free(f);
}

TEST(object_without_checksum_gets_crc64nvme)
{
	struct fixture *f = with_bucket();
	const struct json *v = ok(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'123456789'}");

	assert_string_equal(text(f, v, "ChecksumCRC64NVME"), "rosUhgp5mIg=");
	v = put(f, "buck", "empty", VIEW(""));
	assert_string_equal(text(f, v, "ETag"), "\"d41d8cd98f00b204e9800998ecf8427e\"");
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'empty'}");
	assert_string_equal(text(f, v, "Body"), "");
	fixture_free(f);
}

/* Of "Hello world": FIPS 180, RFC 1321, libxxhash's one-call functions; XXHASH64 also from AWS's checksum library. */
TEST(object_with_every_checksum)
{
	static const char *const cases[][2] = {
		{ "CRC32", "i9aeUg==" },
		{ "SHA1", "e1AsOh9IyGCa4hLN+2Od7jlnP14=" },
		{ "SHA256", "ZOyIygCyaOW6GjVnihtTFtIS9PNmskdyMlNKiuyjfzw=" },
		{ "SHA512", "t/eDuu2Cl/DbkXRiGE/08I5pwtXl95qUJgD5cl9Yzh8pwYE5v4CwbA//K900c4RS7PQMSIwip"
			    "+PYDN9vnBwNRw==" },
		{ "MD5", "PiWWCnnbxptnTNTsZ6csYg==" },
		{ "XXHASH64", "xQCwyRKzdtg=" },
		{ "XXHASH3", "tqy52Eo4/3Q=" },
		{ "XXHASH128", "c1H4mBL5c4K5HQWzHgTdfw==" },
	};
	struct fixture *f = with_bucket();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *member = arena_printf(&f->a, "Checksum%s", cases[i][0]);
		struct json *in = input(f, "{'Bucket':'buck','Key':'k','Body':'Hello world'}");
		const struct json *v;

		json_set_str(&f->a, in, "ChecksumAlgorithm", cases[i][0]);
		v = call_json(f, "PutObject", in);
		assert_non_null(v);
		assert_string_equal(text(f, v, member), cases[i][1]);
		json_set_str(&f->a, in, member, cases[i][1]);
		assert_non_null(call_json(f, "PutObject", in));
		v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'k','ChecksumMode':'ENABLED'}");
		assert_string_equal(text(f, v, member), cases[i][1]);
		assert_string_equal(text(f, v, "ChecksumType"), "FULL_OBJECT");
	}
	fixture_free(f);
}

TEST(object_errors)
{
	static const struct {
		const char *op, *in, *code;
	} cases[] = {
		{ "PutObject", "{'Bucket':'none','Key':'k'}", "NoSuchBucket" },
		{ "PutObject",
		  "{'Bucket':'buck','Key':'k','Body':'x','ContentMD5':'XrY7u+Ae7tCTyyK7j1rNww=='}",
		  "BadDigest" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','ContentMD5':'short'}",
		  "InvalidDigest" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','ChecksumCRC32':'AAAAAA=='}",
		  "BadDigest" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','ChecksumCRC32':'AAAA'}",
		  "InvalidRequest" },
		{ "PutObject",
		  "{'Bucket':'buck','Key':'k','ChecksumCRC32':'AAAAAA==','ChecksumSHA1':'"
		  "2jmj7l5rSw0yVb/vlWAYkK/YBwk='}",
		  "InvalidRequest" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','ChecksumXXHASH3':'AAAAAAAAAAA='}",
		  "BadDigest" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','ChecksumXXHASH128':'AAAAAAAAAAA='}",
		  "InvalidRequest" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','ServerSideEncryption':'aws:kms'}",
		  "NotImplemented" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','ACL':'public-read'}",
		  "AccessControlListNotSupported" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','StorageClass':'GLACIER'}",
		  "NotImplemented" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','ServerSideEncryption':'AES192'}",
		  "InvalidArgument" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','IfNoneMatch':'*','IfMatch':'a'}",
		  "NotImplemented" },
		{ "PutObject", "{'Bucket':'buck','Key':'there','IfNoneMatch':'*'}",
		  "PreconditionFailed" },
		{ "PutObject", "{'Bucket':'buck','Key':'there','IfMatch':'abc'}",
		  "PreconditionFailed" },
		{ "PutObject", "{'Bucket':'buck','Key':'absent','IfMatch':'abc'}", "NoSuchKey" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','ExpectedBucketOwner':'111122223333'}",
		  "AccessDenied" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Tagging':'a=1&a=2'}", "InvalidTag" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Tagging':'a=%zz'}", "InvalidArgument" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Tagging':'aws:a=1'}", "InvalidTag" },
		{ "PutObject", "{'Bucket':'buck','Key':'k','Tagging':'a&b&c&d&e&f&g&h&i&j&k'}",
		  "BadRequest" },
		{ "GetObject", "{'Bucket':'none','Key':'k'}", "NoSuchBucket" },
		{ "GetObject", "{'Bucket':'buck','Key':'absent'}", "NoSuchKey" },
		{ "GetObject", "{'Bucket':'buck','Key':'there','VersionId':'v1'}",
		  "InvalidArgument" },
		{ "GetObject", "{'Bucket':'buck','Key':'there','IfMatch':'abc'}",
		  "PreconditionFailed" },
		{ "GetObject", "{'Bucket':'buck','Key':'there','Range':'bytes=10-'}",
		  "InvalidRange" },
		{ "GetObject", "{'Bucket':'buck','Key':'there','PartNumber':2}",
		  "InvalidPartNumber" },
		{ "GetObject", "{'Bucket':'buck','Key':'there','PartNumber':1,'Range':'bytes=0-1'}",
		  "InvalidRequest" },
		{ "HeadObject", "{'Bucket':'buck','Key':'absent'}", "NoSuchKey" },
		{ "DeleteObject", "{'Bucket':'none','Key':'k'}", "NoSuchBucket" },
		{ "DeleteObject", "{'Bucket':'buck','Key':'there','IfMatch':'abc'}",
		  "PreconditionFailed" },
		{ "DeleteObject", "{'Bucket':'buck','Key':'there','MFA':'1 2'}", "NotImplemented" },
		{ "DeleteObjects", "{'Bucket':'buck','Delete':{'Objects':[]}}", "MalformedXML" },
		{ "CopyObject", "{'Bucket':'buck','Key':'k','CopySource':'buck'}",
		  "InvalidArgument" },
		{ "CopyObject", "{'Bucket':'buck','Key':'k','CopySource':'buck/absent'}",
		  "NoSuchKey" },
		{ "CopyObject", "{'Bucket':'none','Key':'k','CopySource':'buck/there'}",
		  "NoSuchBucket" },
		{ "CopyObject", "{'Bucket':'buck','Key':'there','CopySource':'buck/there'}",
		  "InvalidRequest" },
		{ "CopyObject",
		  "{'Bucket':'buck','Key':'k','CopySource':'buck/there','CopySourceIfMatch':'x'}",
		  "PreconditionFailed" },
		{ "GetObjectTagging", "{'Bucket':'buck','Key':'absent'}", "NoSuchKey" },
		{ "PutObjectTagging", "{'Bucket':'buck','Key':'absent','Tagging':{'TagSet':[]}}",
		  "NoSuchKey" },
		{ "PutObjectTagging",
		  "{'Bucket':'buck','Key':'there','Tagging':{'TagSet':[{'Key':'a','Value':'1'},{'"
		  "Key':'a','Value':'1'}]}}",
		  "InvalidTag" },
		{ "CreateBucket", "{'Bucket':'Bad'}", "InvalidBucketName" },
		{ "CreateBucket",
		  "{'Bucket':'good','CreateBucketConfiguration':{'LocationConstraint':'us-west-2'}"
		  "}",
		  "IllegalLocationConstraintException" },
		{ "ListObjectsV2", "{'Bucket':'none'}", "NoSuchBucket" },
		{ "ListObjectsV2", "{'Bucket':'buck','MaxKeys':-1}", "InvalidArgument" },
		{ "ListObjectsV2", "{'Bucket':'buck','ContinuationToken':'!'}", "InvalidArgument" },
		{ "ListBuckets", "{'MaxBuckets':0}", "InvalidArgument" },
	};
	struct fixture *f = with_bucket();
	char key[1030];

	put(f, "buck", "there", VIEW("0123456789"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		fails(f, cases[i].op, cases[i].in, cases[i].code);
	memset(key, 'k', 1025);
	key[1025] = 0;
	fails(f, "PutObject", arena_printf(&f->a, "{'Bucket':'buck','Key':'%s'}", key),
	      "KeyTooLongError");
	assert_int_equal(f->n_events, 1); /* nothing that failed was told */
	fixture_free(f);
}

TEST(object_ranges)
{
	static const struct {
		const char *range, *body, *content_range;
	} cases[] = {
		{ "bytes=0-0", "0", "bytes 0-0/10" },
		{ "bytes=3-5", "345", "bytes 3-5/10" },
		{ "bytes=7-", "789", "bytes 7-9/10" },
		{ "bytes=-2", "89", "bytes 8-9/10" },
		{ "bytes=-99", "0123456789", "bytes 0-9/10" },
		{ "bytes=8-99", "89", "bytes 8-9/10" },
		{ "bytes=5-3", "0123456789", "" },
		{ "lines=1-2", "0123456789", "" },
		{ "bytes=0-1,3-4", "0123456789", "" },
	};
	struct fixture *f = with_bucket();

	put(f, "buck", "k", VIEW("0123456789"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct json *v = ok(f, "GetObject",
					  arena_printf(&f->a,
						       "{'Bucket':'buck','Key':'k','Range':'%s'}",
						       cases[i].range));

		assert_string_equal(text(f, v, "Body"), cases[i].body);
		assert_string_equal(text(f, v, "ContentRange"), cases[i].content_range);
	}
	fixture_free(f);
}

TEST(object_larger_than_a_block_is_read_across_blocks)
{
	struct fixture *f = with_bucket();
	struct view body = bytes_of(f, 3 * 1024 * 1024 + 77, 3), got;
	const struct json *v;

	put(f, "buck", "big", body);
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'big'}");
	assert_true(view_eq(json_get_str(v, "Body"), body));
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'big','Range':'bytes=1048575-2097152'}");
	assert_true(view_eq(json_get_str(v, "Body"), view_sub(body, 1048575, 1048578)));
	assert_int_equal(f->port.get(f->s3, "buck", "big", body.n, &f->a, &got, &f->e), 0);
	assert_true(view_eq(got, body));
	assert_int_equal(f->port.get(f->s3, "buck", "big", body.n - 1, &f->a, &got, &f->e),
			 ERR_LIMIT);
	fixture_free(f);
}

TEST(object_not_modified_has_no_body)
{
	struct fixture *f = with_bucket();
	const struct json *v = put(f, "buck", "k", VIEW("x"));
	const char *etag = text(f, v, "ETag");
	struct json *in = input(f, "{'Bucket':'buck','Key':'k'}");

	json_set_str(&f->a, in, "IfNoneMatch", etag);
	v = call_json(f, "GetObject", in);
	assert_null(json_get(v, "Body"));
	v = ok(f, "GetObject",
	       "{'Bucket':'buck','Key':'k','IfModifiedSince':'2100-01-01T00:00:00Z'}");
	assert_null(json_get(v, "Body"));
	v = ok(f, "GetObject",
	       "{'Bucket':'buck','Key':'k','IfModifiedSince':'2000-01-01T00:00:00Z'}");
	assert_string_equal(text(f, v, "Body"), "x");
	fails(f, "GetObject",
	      "{'Bucket':'buck','Key':'k','IfUnmodifiedSince':'2000-01-01T00:00:00Z'}",
	      "PreconditionFailed");
	fixture_free(f);
}

TEST(object_replaced_loses_its_bytes_but_not_while_they_are_read)
{
	struct fixture *f = with_bucket();
	struct s3_reading reading;
	const char *first, *second;

	put(f, "buck", "k", bytes_of(f, 200000, 1));
	first = ref_of(f, "buck", "k");
	s3__reading_begin(f->s3, &reading);
	put(f, "buck", "k", bytes_of(f, 200000, 2));
	second = ref_of(f, "buck", "k");
	assert_true(blob_there(f, first));
	s3__reading_end(&reading);
	assert_true(blob_gone(f, first));
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'k'}");
	assert_true(blob_gone(f, second));
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'k'}"); /* absent is fine */
	assert_int_equal(f->n_events, 3);
	fixture_free(f);
}

struct left { /* by the crashed child; shared memory */
	char small[256], large[256];
};

static void litter_and_die(struct fixture *f, void *arg)
{
	struct left *l = arg;
	const char *ref;
	struct s3_reading reading;

	must(blob_put(f->blob, bytes_of(f, 200, 8), &f->a, &ref, &f->e) == 0);
	(void)snprintf(l->small, sizeof(l->small), "%s", ref);
	must(blob_put(f->blob, bytes_of(f, 200000, 9), &f->a, &ref, &f->e) == 0);
	(void)snprintf(l->large, sizeof(l->large), "%s", ref);
	put(f, "buck", "young", bytes_of(f, 150000, 2));
	put(f, "buck", "young-small", bytes_of(f, 150, 3));
	s3__reading_begin(f->s3, &reading); /* so that what is replaced stays */
	put(f, "buck", "replaced", bytes_of(f, 150000, 4));
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'deleted'}");
}

TEST(object_bytes_that_a_crash_left_are_removed)
{
	struct fixture *f = with_bucket();
	struct left *l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *replaced, *deleted;

	assert_true(l != MAP_FAILED);
	put(f, "buck", "kept", bytes_of(f, 200000, 1));
	put(f, "buck", "replaced", bytes_of(f, 200000, 1));
	put(f, "buck", "deleted", bytes_of(f, 100, 1));
	replaced = ref_of(f, "buck", "replaced");
	deleted = ref_of(f, "buck", "deleted");
	fixture_crash(f, litter_and_die, l);
	s3__reap_settle(f->s3);
	assert_false(blob_there(f, l->small));
	assert_false(blob_there(f, l->large));
	assert_false(blob_there(f, replaced));
	assert_false(blob_there(f, deleted));
	assert_true(blob_there(f, ref_of(f, "buck", "kept")));
	assert_true(blob_there(f, ref_of(f, "buck", "replaced")));
	assert_true(blob_there(f, ref_of(f, "buck", "young")));
	assert_true(blob_there(f, ref_of(f, "buck", "young-small")));
	assert_false(blob_crashed(f->blob));
	/* And what was there before is not suspect in the next crash. */
	fixture_crash(f, litter_and_die, l);
	s3__reap_settle(f->s3);
	assert_false(blob_there(f, l->large));
	assert_true(blob_there(f, ref_of(f, "buck", "kept")));
	assert_true(blob_there(f, ref_of(f, "buck", "young")));
	fixture_free(f);
	munmap(l, sizeof(*l));
}

TEST(object_copies)
{
	struct fixture *f = with_bucket();
	const struct json *v;
	const char *before;

	ok(f, "PutObject",
	   "{'Bucket':'buck','Key':'a?b c','Body':'hello','Metadata':{'m':'1'},'Tagging':'t=1',"
	   "'ContentType':'text/plain','ChecksumAlgorithm':'SHA1'}");
	v = ok(f, "CopyObject",
	       "{'Bucket':'buck','Key':'copy','CopySource':'/buck/a%3Fb%20c?versionId=null'}");
	assert_string_equal(text(f, v, "ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
	assert_string_equal(text(f, v, "ChecksumSHA1"), "qvTGHdzF6KLavt4PO0gs2a6pQ00=");
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'copy'}");
	assert_string_equal(text(f, v, "Body"), "hello");
	assert_string_equal(text(f, v, "TagCount"), "1");
	assert_string_equal(text(f, json_get(v, "Metadata"), "m"), "1");

	/* onto itself: new metadata, the same bytes */
	before = ref_of(f, "buck", "copy");
	ok(f, "CopyObject",
	   "{'Bucket':'buck','Key':'copy','CopySource':'buck/copy','MetadataDirective':'REPLACE',"
	   "'Metadata':{'m':'2'},'ContentType':'text/html'}");
	assert_string_equal(ref_of(f, "buck", "copy"), before);
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'copy','ChecksumMode':'ENABLED'}");
	assert_string_equal(text(f, v, "Body"), "hello");
	assert_string_equal(text(f, v, "ContentType"), "text/html");
	assert_string_equal(text(f, v, "ChecksumSHA1"), "qvTGHdzF6KLavt4PO0gs2a6pQ00=");
	assert_string_equal(text(f, json_get(v, "Metadata"), "m"), "2");
	fixture_free(f);
}

static void event_is(struct fixture *f, size_t i, const char *type, const char *wanted)
{
	const char *e = f->events[i];
	const struct json *detail, *object;

	assert_true(view_starts(view_str(e), view_str(type)));
	detail = json_parse(&f->a, view_str(strchr(e, '{')), JSON_DEPTH, &f->e);
	assert_non_null(detail);
	assert_string_equal(text(f, detail, "version"), "0");
	assert_string_equal(text(f, json_get(detail, "bucket"), "name"), "buck");
	assert_string_equal(text(f, detail, "source-ip-address"), "192.0.2.7");
	assert_string_equal(text(f, detail, "requester"), "123456789012");
	assert_int_equal(strlen(text(f, detail, "request-id")), 36);
	object = json_get(detail, "object");
	if (!view_starts(view_str(type), VIEW("Object Tags")))
		assert_int_equal(strlen(text(f, object, "sequencer")), 18);
	assert_string_equal(arena_printf(&f->a, "%s|%s|%s|%d|%s", text(f, object, "key"),
					 text(f, object, "etag"), text(f, detail, "reason"),
					 (int)json_int(json_get(object, "size"), -1),
					 text(f, detail, "deletion-type")),
			    wanted);
}

TEST(object_events)
{
	struct fixture *f = with_bucket();
	const char *first, *second;

	ok(f, "PutObject", "{'Bucket':'buck','Key':'k \\u00e9','Body':'hello'}");
	ok(f, "PutObjectTagging",
	   "{'Bucket':'buck','Key':'k \\u00e9','Tagging':{'TagSet':[{'Key':'a','Value':'1'}]}}");
	ok(f, "DeleteObjectTagging", "{'Bucket':'buck','Key':'k \\u00e9'}");
	ok(f, "CopyObject", "{'Bucket':'buck','Key':'c','CopySource':'buck/k%20%C3%A9'}");
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'k \\u00e9'}");
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'never'}");
	assert_int_equal(f->n_events, 5);
	event_is(f, 0, "Object Created [\"arn:aws:s3:::buck\"] ",
		 "k \xc3\xa9|5d41402abc4b2a76b9719d911017c592|PutObject|5|");
	event_is(f, 1, "Object Tags Added ", "k \xc3\xa9|5d41402abc4b2a76b9719d911017c592||-1|");
	event_is(f, 2, "Object Tags Deleted ", "k \xc3\xa9|5d41402abc4b2a76b9719d911017c592||-1|");
	event_is(f, 3, "Object Created ", "c|5d41402abc4b2a76b9719d911017c592|CopyObject|5|");
	event_is(f, 4, "Object Deleted ", "k \xc3\xa9||DeleteObject|-1|Permanently Deleted");
	first = strstr(f->events[0], "sequencer");
	second = strstr(f->events[3], "sequencer");
	assert_true(strncmp(first, second, 12 + 18) < 0);
	fixture_free(f);
}

TEST(object_conditional_writes)
{
	struct fixture *f = with_bucket();
	const struct json *v = ok(f, "PutObject",
				  "{'Bucket':'buck','Key':'k','Body':'1','IfNoneMatch':'*'}");
	struct json *in = input(f, "{'Bucket':'buck','Key':'k','Body':'2'}");
	const char *ref = ref_of(f, "buck", "k");

	json_set_str(&f->a, in, "IfMatch", text(f, v, "ETag"));
	assert_non_null(call_json(f, "PutObject", in));
	assert_null(call_json(f, "PutObject", in)); /* that one is gone */
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'k'}");
	assert_string_equal(text(f, v, "Body"), "2");
	assert_string_not_equal(ref_of(f, "buck", "k"), ref);
	fixture_free(f);
}

TEST(object_delete_many)
{
	struct fixture *f = with_bucket();
	const struct json *v;

	put(f, "buck", "a", VIEW("1"));
	put(f, "buck", "b", VIEW("2"));
	put(f, "buck", "c", VIEW("3"));
	v = ok(f, "DeleteObjects",
	       "{'Bucket':'buck','Delete':{'Objects':[{'Key':'a'},{'Key':'b','ETag':'wrong'},"
	       "{'Key':'none'},{'Key':'c','VersionId':'v7'}]}}");
	assert_int_equal(json_len(json_get(v, "Deleted")), 2);
	assert_string_equal(text(f, json_at(json_get(v, "Error"), 0), "Code"),
			    "PreconditionFailed");
	assert_string_equal(text(f, json_at(json_get(v, "Error"), 1), "Code"), "InvalidArgument");
	v = ok(f, "ListObjectsV2", "{'Bucket':'buck'}");
	assert_int_equal(json_len(json_get(v, "Contents")), 2);
	v = ok(f, "DeleteObjects",
	       "{'Bucket':'buck','Delete':{'Objects':[{'Key':'b'}],'Quiet':true}}");
	assert_int_equal(json_len(json_get(v, "Deleted")), 0);
	fixture_free(f);
}
