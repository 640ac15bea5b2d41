/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets: names, creation, listing, location, deletion, notification. */
#include <stdlib.h>

#include "fixture.h"

TEST(bucket_names)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
		{ "audience-raw", true }, { "abc", true },
		{ "a.b-c.9", true },      { "ab", false },
		{ "Abc", false },         { "-abc", false },
		{ "abc-", false },        { "a..b", false },
		{ "a_b", false },         { "10.0.0.1", false },
		{ "a-.b", false },        { "a.-b", false },
		{ "1.2.3", true },        { "xn--abc", false },
		{ "abc-s3alias", false }, { "abc--x-s3", false },
		{ "1.2.3.4.5", true },    { "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (s3__bucket_name_ok(cases[i].name) != cases[i].ok)
			fail_msg("%s", cases[i].name);
	assert_true(s3__bucket_name_ok(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(s3__bucket_name_ok(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

TEST(bucket_lives_and_dies)
{
	struct fixture *f = fixture_new();
	const struct json *v = ok(f, "CreateBucket",
				  "{'Bucket':'first','CreateBucketConfiguration':"
				  "{'LocationConstraint':'ap-northeast-2'}}");

	assert_string_equal(text(f, v, "Location"), "/first");
	ok(f, "CreateBucket", "{'Bucket':'second','ACL':'private'}");
	fails(f, "CreateBucket", "{'Bucket':'first'}", "BucketAlreadyOwnedByYou");
	v = ok(f, "HeadBucket", "{'Bucket':'first'}");
	assert_string_equal(text(f, v, "BucketRegion"), "ap-northeast-2");
	v = ok(f, "ListBuckets", "{'MaxBuckets':1}");
	assert_int_equal(json_len(json_get(v, "Buckets")), 1);
	v = call_json(f, "ListBuckets",
		      input(f, arena_printf(&f->a, "{'ContinuationToken':'%s'}",
					    text(f, v, "ContinuationToken"))));
	assert_string_equal(text(f, json_at(json_get(v, "Buckets"), 0), "Name"), "second");
	assert_null(json_get(v, "ContinuationToken"));
	v = ok(f, "ListBuckets", "{'Prefix':'sec'}");
	assert_int_equal(json_len(json_get(v, "Buckets")), 1);

	put(f, "first", "k", VIEW("x"));
	fails(f, "DeleteBucket", "{'Bucket':'first'}", "BucketNotEmpty");
	ok(f, "DeleteObject", "{'Bucket':'first','Key':'k'}");
	ok(f, "DeleteBucket", "{'Bucket':'first'}");
	fails(f, "HeadBucket", "{'Bucket':'first'}", "NoSuchBucket");
	fixture_restart(f);
	ok(f, "HeadBucket", "{'Bucket':'second'}");
	fixture_free(f);
}

TEST(bucket_deletion_takes_open_uploads_along)
{
	struct fixture *f = fixture_new();
	struct view body = bytes_of(f, 200000, 1);
	const struct json *v;
	struct json *in;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	v = ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'k'}");
	in = input(f, "{'Bucket':'buck','Key':'k','PartNumber':1}");
	json_set_str(&f->a, in, "UploadId", text(f, v, "UploadId"));
	json_set(&f->a, in, "Body", json_new_str(&f->a, body));
	assert_non_null(call_json(f, "UploadPart", in));
	ok(f, "DeleteBucket", "{'Bucket':'buck'}");
	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	v = ok(f, "ListMultipartUploads", "{'Bucket':'buck'}");
	assert_int_equal(json_len(json_get(v, "Upload")), 0);
	fixture_free(f);
}

TEST(bucket_notification_to_eventbridge)
{
	struct fixture *f = fixture_new();
	const struct json *v;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	put(f, "buck", "silent", VIEW("x"));
	assert_int_equal(f->n_events, 0);
	v = ok(f, "GetBucketNotificationConfiguration", "{'Bucket':'buck'}");
	assert_null(json_get(v, "EventBridgeConfiguration"));
	ok(f, "PutBucketNotificationConfiguration",
	   "{'Bucket':'buck','NotificationConfiguration':{'EventBridgeConfiguration':{}}}");
	v = ok(f, "GetBucketNotificationConfiguration", "{'Bucket':'buck'}");
	assert_non_null(json_get(v, "EventBridgeConfiguration"));
	put(f, "buck", "told", VIEW("x"));
	assert_int_equal(f->n_events, 1);
	fails(f, "PutBucketNotificationConfiguration",
	      "{'Bucket':'buck','NotificationConfiguration':{'TopicConfigurations':[]}}",
	      "NotImplemented");
	ok(f, "PutBucketNotificationConfiguration",
	   "{'Bucket':'buck','NotificationConfiguration':{}}");
	put(f, "buck", "silent", VIEW("x"));
	assert_int_equal(f->n_events, 1);
	fixture_free(f);
}

static int many_parts_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	const size_t *len = arg;
	char *ref = malloc(*len + 1);
	int rc = tx_run(tx, e, "DELETE FROM s3_part", "");

	assert_non_null(ref);
	memset(ref, 'x', *len);
	ref[*len] = '\0';
	for (int64_t n = 1; !rc && n <= 70; n++)
		rc = tx_run(tx, e,
			    "INSERT INTO s3_part (upload, n, size, md5, ck_value, modified_ms, ref)"
			    " SELECT id, ?, 0, '', '', 0, ? FROM s3_upload",
			    "is", n, ref);
	free(ref);
	return rc;
}

/* What the uploads of a bucket have left is bounded: it may be any amount. */
TEST(bucket_with_more_parts_than_memory_is_not_deleted)
{
	struct fixture *f = fixture_new();
	size_t len = 1024 * 1024;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'k'}");
	assert_int_equal(meta_write(f->meta, many_parts_fn, &len, &f->e), 0);
	fails(f, "DeleteBucket", "{'Bucket':'buck'}", "BucketNotEmpty");
	len = 4000;
	err_clear(&f->e);
	assert_int_equal(meta_write(f->meta, many_parts_fn, &len, &f->e), 0);
	ok(f, "DeleteBucket", "{'Bucket':'buck'}");
	fixture_free(f);
}
