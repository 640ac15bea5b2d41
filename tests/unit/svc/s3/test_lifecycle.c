/* SPDX-License-Identifier: Apache-2.0 */
/* Lifecycle: which rules are taken, what they mean, and what goes when their time has come. */
#include "base/limits.h"
#include "base/time.h"
#include "fixture.h"
#include "svc/s3/lifecycle.h"

#define DAY LC_DAY_MS
/* The fixture's clock begins at 22:13:20 UTC: rules' days end 6400 s later, at midnight. */
#define TO_MIDNIGHT (6400 * 1000LL)

static void rules(struct fixture *f, const char *list)
{
	ok(f, "PutBucketLifecycleConfiguration",
	   arena_printf(&f->a, "{'Bucket':'buck','LifecycleConfiguration':{'Rules':[%s]}}", list));
}

static struct fixture *with_rules(bool versioned, const char *list)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	if (versioned)
		ok(f, "PutBucketVersioning", "{'Bucket':'buck','VersioningConfiguration':{'Status':'Enabled'}}");
	if (list)
		rules(f, list);
	return f;
}

static const char *put_key(struct fixture *f, const char *key)
{
	const struct json *v = put(f, "buck", key, VIEW("body"));

	f->n_events = 0;
	return text(f, v, "VersionId");
}

/* Keys of versions, then of markers with '!', in order. */
static const char *left(struct fixture *f)
{
	const struct json *v = ok(f, "ListObjectVersions", "{'Bucket':'buck'}");
	const char *all = "";

	for (int marker = 0; marker < 2; marker++) {
		const struct json *l = json_get(v, marker ? "DeleteMarker" : "Version");

		for (size_t i = 0; i < json_len(l); i++)
			all = arena_printf(&f->a, "%s%s%s%s", all, *all ? " " : "", marker ? "!" : "",
					   text(f, json_at(l, i), "Key"));
	}
	return all;
}

static void walk(struct fixture *f, size_t gone, const char *rest)
{
	assert_int_equal(s3__expire_walk(f->s3), gone);
	assert_string_equal(left(f), rest);
}

static void later(int64_t ms)
{
	fixture_tick(ms);
}

TEST(lifecycle_rules_that_are_none)
{
	static const struct {
		const char *rule, *code;
	} t[] = {
		{ "{'Status':'Enabled','Filter':{}}", "InvalidRequest" },
		{ "{'Status':'enabled','Filter':{},'Expiration':{'Days':1}}", "MalformedXML" },
		{ "{'Filter':{},'Expiration':{'Days':1}}", "MalformedXML" },
		{ "{'Status':'Enabled','Expiration':{'Days':1}}", "MalformedXML" },
		{ "{'Status':'Enabled','Filter':{},'Prefix':'','Expiration':{'Days':1}}", "MalformedXML" },
		{ "{'Status':'Enabled','Filter':{'Prefix':'a','And':{'Prefix':'b'}},'Expiration':{'Days':1}}", "MalformedXML" },
		{ "{'Status':'Enabled','Filter':{'Prefix':'a','Tag':{'Key':'a','Value':'b'},'And':{'Tags':[{'Key':'a','Value':'c'}]}},'Expiration':{'Days':1}}", "InvalidRequest" },
		{ "{'Status':'Enabled','Filter':{'ObjectSizeGreaterThan':9,'ObjectSizeLessThan':9},'Expiration':{'Days':1}}", "InvalidRequest" },
		{ "{'Status':'Enabled','Filter':{'Prefix':'a','ObjectSizeLessThan':3},'AbortIncompleteMultipartUpload':{'DaysAfterInitiation':1}}", "InvalidRequest" },
		{ "{'Status':'Enabled','Filter':{'And':{}},'Expiration':{'Days':1}}", "MalformedXML" },
		{ "{'Status':'Enabled','Filter':{'And':{'Tags':[{'Key':'a','Value':'b'},{'Key':'a','Value':'c'}]}},'Expiration':{'Days':1}}", "InvalidRequest" },
		{ "{'Status':'Enabled','Filter':{'Tag':{'Key':'','Value':'b'}},'Expiration':{'Days':1}}", "InvalidArgument" },
		{ "{'Status':'Enabled','Filter':{'And':{'ObjectSizeGreaterThan':9,'ObjectSizeLessThan':9}},'Expiration':{'Days':1}}", "InvalidRequest" },
		{ "{'Status':'Enabled','Filter':{},'Expiration':{}}", "MalformedXML" },
		{ "{'Status':'Enabled','Filter':{},'Expiration':{'Days':1,'Date':'2030-01-01T00:00:00Z'}}", "MalformedXML" },
		{ "{'Status':'Enabled','Filter':{},'Expiration':{'Days':0}}", "InvalidArgument" },
		{ "{'Status':'Enabled','Filter':{},'Expiration':{'Days':4294967296000}}", "InvalidArgument" },
		{ "{'Status':'Enabled','Filter':{},'Expiration':{'Date':'2030-01-01T01:00:00Z'}}", "InvalidArgument" },
		{ "{'Status':'Enabled','Filter':{'Tag':{'Key':'a','Value':'b'}},'Expiration':{'ExpiredObjectDeleteMarker':true}}", "InvalidRequest" },
		{ "{'Status':'Enabled','Filter':{'Tag':{'Key':'a','Value':'b'}},'AbortIncompleteMultipartUpload':{'DaysAfterInitiation':1}}", "InvalidRequest" },
		{ "{'Status':'Enabled','Filter':{'ObjectSizeLessThan':3},'AbortIncompleteMultipartUpload':{'DaysAfterInitiation':1}}", "InvalidRequest" },
		{ "{'Status':'Enabled','Filter':{},'AbortIncompleteMultipartUpload':{}}", "MalformedXML" },
		{ "{'Status':'Enabled','Filter':{},'AbortIncompleteMultipartUpload':{'DaysAfterInitiation':0}}", "InvalidArgument" },
		{ "{'Status':'Enabled','Filter':{},'NoncurrentVersionExpiration':{'NewerNoncurrentVersions':1}}", "MalformedXML" },
		{ "{'Status':'Enabled','Filter':{},'NoncurrentVersionExpiration':{'NoncurrentDays':1,'NewerNoncurrentVersions':101}}", "InvalidArgument" },
		{ "{'Status':'Enabled','Filter':{},'Expiration':{'Days':1},'Transitions':[{'Days':1,'StorageClass':'GLACIER'}]}", "NotImplemented" },
		{ "{'Status':'Enabled','Filter':{},'Transitions':[{'Date':'2030-01-01T00:00:01Z','StorageClass':'GLACIER'}]}", "InvalidArgument" },
		{ "{'Status':'Enabled','Filter':{},'Expiration':{'Days':1},'NoncurrentVersionTransitions':[{'NoncurrentDays':1,'StorageClass':'GLACIER'}]}", "NotImplemented" },
		{ "{'ID':'a','Status':'Enabled','Filter':{},'Expiration':{'Days':1}},{'ID':'a','Status':'Enabled','Filter':{},'Expiration':{'Days':2}}", "InvalidArgument" },
	};
	struct fixture *f = with_rules(false, NULL);
	struct buf b;

	fails(f, "GetBucketLifecycleConfiguration", "{'Bucket':'buck'}", "NoSuchLifecycleConfiguration");
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		fails(f, "PutBucketLifecycleConfiguration",
		      arena_printf(&f->a, "{'Bucket':'buck','LifecycleConfiguration':{'Rules':[%s]}}", t[i].rule), t[i].code);
	fails(f, "PutBucketLifecycleConfiguration", "{'Bucket':'buck'}", "MalformedXML");
	fails(f, "PutBucketLifecycleConfiguration", "{'Bucket':'buck','LifecycleConfiguration':{'Rules':[]}}", "MalformedXML");
	buf_init(&b, MIB);
	for (int i = 0; i < LC_RULES_MAX + 1; i++)
		buf_printf(&b, "%s{'Status':'Enabled','Prefix':'%d','Expiration':{'Days':1}}", i ? "," : "", i);
	fails(f, "PutBucketLifecycleConfiguration",
	      arena_printf(&f->a, "{'Bucket':'buck','LifecycleConfiguration':{'Rules':[%.*s]}}", VIEW_ARG(buf_view(&b))), "MalformedXML");
	buf_clear(&b);
	fails(f, "PutBucketLifecycleConfiguration", "{'Bucket':'none','LifecycleConfiguration':{'Rules':[{'Status':'Enabled','Prefix':'','Expiration':{'Days':1}}]}}", "NoSuchBucket");
	fails(f, "GetBucketLifecycleConfiguration", "{'Bucket':'buck'}", "NoSuchLifecycleConfiguration");
	fixture_free(f);
}

/* As many objects as more than one step looks at, before others: copies of the row of `m`. */
static int many_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	(void)arg;
	return tx_run(tx, e,
		      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 599)"
		      " INSERT INTO s3_object (bucket, okey, size, etag, modified_ms, ck_algo, ck_composite, ck_value, multipart, seq,"
		      " info, tags, parts, vnull, lock, sse) SELECT bucket, CAST(printf('m%03d', i) AS BLOB), size, etag, modified_ms,"
		      " ck_algo, ck_composite, ck_value, multipart, seq, info, tags, parts, vnull, lock, sse FROM s3_object, n"
		      " WHERE okey = X'6d'", "");
}

static size_t count(struct fixture *f)
{
	return json_len(json_get(ok(f, "ListObjectsV2", "{'Bucket':'buck'}"), "Contents"));
}

TEST(lifecycle_what_is_due_behind_many_that_are_not)
{
	static const char *const rule[] = {
		"{'Status':'Enabled','Filter':{},'Expiration':{'Days':1}}",
		"{'Status':'Enabled','Filter':{'Tag':{'Key':'k','Value':'v'}},'Expiration':{'Days':1}}",
	};

	for (size_t by_tag = 0; by_tag < 2; by_tag++) { /* not due yet, or not known before their tags are read */
		struct fixture *f = with_rules(false, rule[by_tag]);

		ok(f, "PutObject", "{'Bucket':'buck','Key':'z1','Body':'body','Tagging':'k=v'}");
		ok(f, "PutObject", "{'Bucket':'buck','Key':'z2','Body':'body','Tagging':'k=v'}");
		if (!by_tag)
			later(DAY + TO_MIDNIGHT);
		put_key(f, "m");
		assert_int_equal(meta_write(f->meta, many_fn, NULL, &f->e), 0);
		if (by_tag)
			later(DAY + TO_MIDNIGHT);
		assert_int_equal(count(f), 603);
		f->n_events = 0;
		assert_int_equal(s3__expire_walk(f->s3), 2);
		assert_int_equal(count(f), 601);
		fails(f, "GetObject", "{'Bucket':'buck','Key':'z1'}", "NoSuchKey");
		fixture_free(f);
	}
}

TEST(lifecycle_members_of_a_filter_hold_together)
{
	struct fixture *f = with_rules(false,
		"{'Status':'Enabled','Filter':{'Prefix':'a','Tag':{'Key':'k','Value':'v'},'ObjectSizeGreaterThan':1,"
		"'And':{'Prefix':'ab','Tags':[{'Key':'m','Value':'w'}],'ObjectSizeGreaterThan':3,'ObjectSizeLessThan':99}},'Expiration':{'Days':1}}");
	const struct json *v = ok(f, "GetBucketLifecycleConfiguration", "{'Bucket':'buck'}");
	const struct json *filter = json_get(json_at(json_get(v, "Rule"), 0), "Filter"), *and = json_get(filter, "And");
	static const char *const puts[] = { "'Key':'ab1','Body':'body','Tagging':'k=v&m=w'", "'Key':'ab2','Body':'body','Tagging':'k=v'",
					    "'Key':'ab3','Body':'bod','Tagging':'k=v&m=w'", "'Key':'a4','Body':'body','Tagging':'k=v&m=w'" };

	assert_int_equal(json_len(filter), 1);
	assert_string_equal(text(f, and, "Prefix"), "ab");
	assert_int_equal(json_int(json_get(and, "ObjectSizeGreaterThan"), -1), 3);
	assert_int_equal(json_int(json_get(and, "ObjectSizeLessThan"), -1), 99);
	assert_int_equal(json_len(json_get(and, "Tag")), 2);
	for (size_t i = 0; i < ARRAY_LEN(puts); i++)
		ok(f, "PutObject", arena_printf(&f->a, "{'Bucket':'buck',%s}", puts[i]));
	later(DAY + TO_MIDNIGHT);
	walk(f, 1, "a4 ab2 ab3");
	fixture_free(f);
}

TEST(lifecycle_answers_what_it_was_given)
{
	struct fixture *f = with_rules(false,
		"{'ID':'a','Status':'Disabled','Filter':{'And':{'Tags':[{'Key':'k','Value':'v'}],'ObjectSizeLessThan':9}},'Expiration':{'Date':'2030-01-01T00:00:00Z'}},"
		"{'Status':'Enabled','Prefix':'x/','NoncurrentVersionExpiration':{'NoncurrentDays':3,'NewerNoncurrentVersions':2}}");
	const struct json *v = ok(f, "GetBucketLifecycleConfiguration", "{'Bucket':'buck'}"), *r = json_at(json_get(v, "Rule"), 0);
	const struct json *and = json_get(json_get(r, "Filter"), "And");

	assert_string_equal(text(f, v, "TransitionDefaultMinimumObjectSize"), "all_storage_classes_128K");
	assert_string_equal(text(f, r, "Status"), "Disabled");
	assert_string_equal(text(f, json_get(r, "Expiration"), "Date"), "2030-01-01T00:00:00.000Z");
	assert_true(json_is(json_get(and, "Prefix"), JSON_STR));
	assert_int_equal(json_int(json_get(and, "ObjectSizeGreaterThan"), -1), 0);
	assert_int_equal(json_int(json_get(and, "ObjectSizeLessThan"), -1), 9);
	r = json_at(json_get(v, "Rule"), 1);
	assert_int_equal(json_get_str(r, "ID").n, UUID_TEXT - 1);
	assert_string_equal(text(f, r, "Prefix"), "x/");
	assert_int_equal(json_int(json_get(json_get(r, "NoncurrentVersionExpiration"), "NewerNoncurrentVersions"), 0), 2);
	ok(f, "DeleteBucketLifecycle", "{'Bucket':'buck'}");
	ok(f, "DeleteBucketLifecycle", "{'Bucket':'buck'}");
	fails(f, "GetBucketLifecycleConfiguration", "{'Bucket':'buck'}", "NoSuchLifecycleConfiguration");
	fixture_free(f);
}

TEST(lifecycle_days_end_at_midnight)
{
	const int64_t start = 1700000000000, midnight = start + TO_MIDNIGHT;

	assert_int_equal(midnight % DAY, 0);
	assert_int_equal(lc_due(start, 1, DAY), midnight + DAY);
	assert_int_equal(lc_due(midnight, 1, DAY), midnight + DAY);
	assert_int_equal(lc_due(midnight + 1, 1, DAY), midnight + 2 * DAY);
	assert_int_equal(lc_due(start, 3, 1000), start + 3000);
}

TEST(lifecycle_objects_go)
{
	struct fixture *f = with_rules(false, "{'ID':'a b','Status':'Enabled','Prefix':'x/','Expiration':{'Days':1}}");
	const char *ref;

	ok(f, "PutBucketNotificationConfiguration", "{'Bucket':'buck','NotificationConfiguration':{'EventBridgeConfiguration':{}}}");
	put_key(f, "w");
	put_key(f, "x/1");
	put_key(f, "y");
	ref = ref_of(f, "buck", "x/1");
	assert_string_equal(text(f, ok(f, "HeadObject", "{'Bucket':'buck','Key':'x/1'}"), "Expiration"),
			    "expiry-date=\"Thu, 16 Nov 2023 00:00:00 GMT\", rule-id=\"a%20b\"");
	assert_string_equal(text(f, ok(f, "HeadObject", "{'Bucket':'buck','Key':'y'}"), "Expiration"), "");
	assert_string_equal(text(f, ok(f, "CopyObject", "{'Bucket':'buck','Key':'x/2','CopySource':'buck/y'}"), "Expiration"),
			    "expiry-date=\"Thu, 16 Nov 2023 00:00:00 GMT\", rule-id=\"a%20b\"");
	f->n_events = 0;
	later(TO_MIDNIGHT + DAY - 1);
	walk(f, 0, "w x/1 x/2 y");
	later(1);
	walk(f, 2, "w y");
	assert_true(blob_gone(f, ref));
	assert_int_equal(f->n_events, 2);
	assert_non_null(strstr(f->events[0], "Object Deleted"));
	assert_non_null(strstr(f->events[0], "\"requester\":\"s3.amazonaws.com\""));
	assert_non_null(strstr(f->events[0], "\"reason\":\"Lifecycle Expiration\""));
	assert_non_null(strstr(f->events[0], "\"deletion-type\":\"Permanently Deleted\""));
	walk(f, 0, "w y");
	fixture_free(f);
}

TEST(lifecycle_filters)
{
	struct fixture *f = with_rules(false,
		"{'Status':'Enabled','Filter':{'And':{'Prefix':'t','Tags':[{'Key':'a','Value':'1'},{'Key':'b','Value':'2'}]}},'Expiration':{'Days':1}},"
		"{'Status':'Enabled','Filter':{'ObjectSizeGreaterThan':100},'Expiration':{'Days':1}},"
		"{'Status':'Enabled','Filter':{'And':{'Prefix':'s','ObjectSizeLessThan':3}},'Expiration':{'Days':1}},"
		"{'Status':'Disabled','Filter':{},'Expiration':{'Days':1}}");

	put(f, "buck", "big", bytes_of(f, 101, 1));
	put(f, "buck", "hundred", bytes_of(f, 100, 1));
	put(f, "buck", "s2", bytes_of(f, 2, 1));
	put(f, "buck", "s3", bytes_of(f, 3, 1));
	ok(f, "PutObject", "{'Bucket':'buck','Key':'t1','Body':'x','Tagging':'a=1'}");
	ok(f, "PutObject", "{'Bucket':'buck','Key':'t2','Body':'x','Tagging':'b=2&c=3&a=1'}");
	ok(f, "PutObject", "{'Bucket':'buck','Key':'u2','Body':'x','Tagging':'b=2&a=1'}");
	later(TO_MIDNIGHT + DAY);
	walk(f, 3, "hundred s3 t1 u2");
	ok(f, "PutObjectTagging", "{'Bucket':'buck','Key':'t1','Tagging':{'TagSet':[{'Key':'a','Value':'1'},{'Key':'b','Value':'2'}]}}");
	walk(f, 1, "hundred s3 u2");
	rules(f, "{'Status':'Enabled','Prefix':'','Expiration':{'Date':'2023-11-20T00:00:00Z'}}");
	walk(f, 0, "hundred s3 u2");
	later(5 * DAY);
	walk(f, 3, "");
	fixture_free(f);
}

TEST(lifecycle_versions_go)
{
	struct fixture *f = with_rules(true,
		"{'Status':'Enabled','Prefix':'','Expiration':{'Days':10},'NoncurrentVersionExpiration':{'NoncurrentDays':2}}");

	put_key(f, "k");
	later(5 * DAY);
	put_key(f, "k"); /* the first one is not current from now on */
	later(TO_MIDNIGHT + 2 * DAY - 1);
	walk(f, 0, "k k");
	later(1);
	walk(f, 1, "k");
	later(8 * DAY);
	walk(f, 1, "k !k"); /* hidden, and kept two more days */
	later(DAY);
	walk(f, 0, "k !k");
	later(DAY);
	walk(f, 1, "!k");
	later(7 * DAY); /* the marker was made 10 days ago, and is alone */
	walk(f, 0, "!k");
	later(DAY);
	walk(f, 1, "");
	fixture_free(f);
}

TEST(lifecycle_keeps_the_newest_old_ones)
{
	struct fixture *f = with_rules(true,
		"{'Status':'Enabled','Filter':{},'NoncurrentVersionExpiration':{'NoncurrentDays':1,'NewerNoncurrentVersions':2},"
		"'Expiration':{'ExpiredObjectDeleteMarker':true}}");
	const char *last = "";

	for (int i = 0; i < 6; i++)
		last = put_key(f, "a");
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'b'}");
	put_key(f, "c");
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'c'}");
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'z'}");
	walk(f, 2, "a a a a a a c !c"); /* lonely markers go at once */
	later(TO_MIDNIGHT + DAY);
	walk(f, 3, "a a a c !c");
	assert_string_equal(text(f, ok(f, "HeadObject", "{'Bucket':'buck','Key':'a'}"), "VersionId"), last);
	fixture_free(f);
}

TEST(lifecycle_leaves_what_is_locked)
{
	struct fixture *f = fixture_new();
	const char *held, *kept;

	ok(f, "CreateBucket", "{'Bucket':'buck','ObjectLockEnabledForBucket':true}");
	rules(f, "{'Status':'Enabled','Prefix':'','Expiration':{'Days':1},'NoncurrentVersionExpiration':{'NoncurrentDays':1}}");
	held = put_key(f, "held");
	kept = put_key(f, "kept");
	put_key(f, "free");
	ok(f, "PutObjectLegalHold", arena_printf(&f->a, "{'Bucket':'buck','Key':'held','VersionId':'%s','LegalHold':{'Status':'ON'}}", held));
	ok(f, "PutObjectRetention", arena_printf(&f->a, "{'Bucket':'buck','Key':'kept','VersionId':'%s','Retention':{'Mode':'GOVERNANCE','RetainUntilDate':'2023-11-20T00:00:00Z'}}", kept));
	later(TO_MIDNIGHT + DAY);
	walk(f, 3, "free held kept !free !held !kept");
	later(DAY);
	walk(f, 1, "held kept !free !held !kept");
	walk(f, 1, "held kept !held !kept"); /* a marker that was not alone is so now */
	later(10 * DAY);
	walk(f, 1, "held !held !kept");
	walk(f, 1, "held !held");
	ok(f, "PutObjectLegalHold", arena_printf(&f->a, "{'Bucket':'buck','Key':'held','VersionId':'%s','LegalHold':{'Status':'OFF'}}", held));
	walk(f, 1, "!held");
	walk(f, 1, "");
	fixture_free(f);
}

TEST(lifecycle_uploads_go)
{
	struct fixture *f = with_rules(false, "{'Status':'Enabled','Prefix':'x','AbortIncompleteMultipartUpload':{'DaysAfterInitiation':2}}");
	const struct json *v;

	for (int i = 0; i < 20; i++) {
		v = ok(f, "CreateMultipartUpload", arena_printf(&f->a, "{'Bucket':'buck','Key':'%c%d'}", i % 2 ? 'x' : 'y', i));
		ok(f, "UploadPart", arena_printf(&f->a, "{'Bucket':'buck','Key':'%c%d','PartNumber':1,'Body':'x','UploadId':'%s'}",
						 i % 2 ? 'x' : 'y', i, text(f, v, "UploadId")));
	}
	later(TO_MIDNIGHT + DAY);
	assert_int_equal(s3__expire_walk(f->s3), 0);
	later(DAY);
	assert_int_equal(s3__expire_walk(f->s3), 10);
	v = ok(f, "ListMultipartUploads", "{'Bucket':'buck'}");
	assert_int_equal(json_len(json_get(v, "Upload")), 10);
	assert_string_equal(text(f, json_at(json_get(v, "Upload"), 0), "Key"), "y0");
	fixture_free(f);
}

/* More than one step has to see, at keys with many versions too. */
TEST(lifecycle_in_many_steps)
{
	struct fixture *f = with_rules(true, "{'Status':'Enabled','Prefix':'','NoncurrentVersionExpiration':{'NoncurrentDays':1}}");

	for (int i = 0; i < 1100; i++)
		ok(f, "PutObject", arena_printf(&f->a, "{'Bucket':'buck','Key':'k%d','Body':'x'}", i < 300 ? 0 : i % 400));
	later(TO_MIDNIGHT + DAY);
	assert_int_equal(s3__expire_walk(f->s3), 700);
	assert_int_equal(s3__expire_walk(f->s3), 0);
	assert_int_equal(json_len(json_get(ok(f, "ListObjectVersions", "{'Bucket':'buck'}"), "Version")), 400);
	fixture_free(f);
}

TEST(lifecycle_bucket_tags)
{
	struct fixture *f = with_rules(false, NULL);
	struct buf b;

	fails(f, "GetBucketTagging", "{'Bucket':'buck'}", "NoSuchTagSet");
	ok(f, "PutBucketTagging", "{'Bucket':'buck','Tagging':{'TagSet':[{'Key':'b','Value':'1'},{'Key':'a','Value':''}]}}");
	assert_int_equal(json_len(json_get(ok(f, "GetBucketTagging", "{'Bucket':'buck'}"), "TagSet")), 2);
	fails(f, "PutBucketTagging", "{'Bucket':'buck','Tagging':{'TagSet':[{'Key':'b','Value':'1'},{'Key':'b','Value':''}]}}", "InvalidTag");
	fails(f, "PutBucketTagging", "{'Bucket':'buck','Tagging':{'TagSet':[{'Key':'aws:b','Value':'1'}]}}", "InvalidTag");
	buf_init(&b, MIB);
	for (int i = 0; i < 51; i++)
		buf_printf(&b, "%s{'Key':'%d','Value':''}", i ? "," : "", i);
	fails(f, "PutBucketTagging", arena_printf(&f->a, "{'Bucket':'buck','Tagging':{'TagSet':[%.*s]}}", VIEW_ARG(buf_view(&b))), "BadRequest");
	buf_clear(&b);
	ok(f, "DeleteBucketTagging", "{'Bucket':'buck'}");
	fails(f, "GetBucketTagging", "{'Bucket':'buck'}", "NoSuchTagSet");
	fails(f, "PutBucketTagging", "{'Bucket':'none','Tagging':{'TagSet':[]}}", "NoSuchBucket");
	fixture_free(f);
}
