/* SPDX-License-Identifier: Apache-2.0 */
/* Object lock: what keeps a version, for how long, and who may weaken it. */
#include "base/time.h"
#include "fixture.h"

#define DAY (24 * 3600 * 1000LL)

static struct fixture *locked(void)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck','ObjectLockEnabledForBucket':true}");
	return f;
}

static const char *put_text(struct fixture *f, const char *key, const char *body)
{
	return text(f, put(f, "buck", key, view_str(body)), "VersionId");
}

/* The members of all operations on one version. */
static const char *with(struct fixture *f, const char *key, const char *vid, const char *more)
{
	return arena_printf(&f->a, "{'Bucket':'buck','Key':'%s','VersionId':'%s'%s}", key, vid, more);
}

static const char *in_days(struct fixture *f, const char *mode, int days)
{
	char t[TIME_TEXT];

	time_iso(f->s3->now_ms() + days * DAY, t);
	return arena_printf(&f->a, ",'Retention':{'Mode':'%s','RetainUntilDate':'%s'}", mode, t);
}

TEST(lock_of_a_bucket)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'plain'}");
	fails(f, "GetObjectLockConfiguration", "{'Bucket':'plain'}", "ObjectLockConfigurationNotFoundError");
	fails(f, "PutObjectLockConfiguration",
	      "{'Bucket':'plain','ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled'}}", "InvalidBucketState");
	ok(f, "PutObject", "{'Bucket':'plain','Key':'k','Body':'x'}");
	fails(f, "PutObjectLegalHold", "{'Bucket':'plain','Key':'k','LegalHold':{'Status':'ON'}}", "InvalidRequest");
	fails(f, "GetObjectRetention", "{'Bucket':'plain','Key':'k'}", "InvalidRequest");
	fails(f, "PutObject", "{'Bucket':'plain','Key':'k','Body':'x','ObjectLockLegalHoldStatus':'ON'}", "InvalidRequest");
	fails(f, "CreateMultipartUpload", "{'Bucket':'plain','Key':'k','ObjectLockLegalHoldStatus':'ON'}", "InvalidRequest");
	ok(f, "PutBucketVersioning", "{'Bucket':'plain','VersioningConfiguration':{'Status':'Enabled'}}");
	ok(f, "PutObjectLockConfiguration", "{'Bucket':'plain','ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled'}}");
	ok(f, "GetObjectLockConfiguration", "{'Bucket':'plain'}");

	ok(f, "CreateBucket", "{'Bucket':'buck','ObjectLockEnabledForBucket':true}");
	assert_string_equal(text(f, ok(f, "GetBucketVersioning", "{'Bucket':'buck'}"), "Status"), "Enabled");
	fails(f, "PutBucketVersioning", "{'Bucket':'buck','VersioningConfiguration':{'Status':'Suspended'}}",
	      "InvalidBucketState");
	fixture_free(f);
}

TEST(lock_configurations_that_are_none)
{
	static const struct {
		const char *config, *code;
	} t[] = {
		{ "{}", "MalformedXML" },
		{ "{'ObjectLockEnabled':'Enabled','Rule':{}}", "MalformedXML" },
		{ "{'ObjectLockEnabled':'Disabled'}", "MalformedXML" },
		{ "{'ObjectLockEnabled':'Enabled','Rule':{'DefaultRetention':{'Mode':'GOVERNANCE'}}}", "MalformedXML" },
		{ "{'ObjectLockEnabled':'Enabled','Rule':{'DefaultRetention':{'Days':1}}}", "MalformedXML" },
		{ "{'ObjectLockEnabled':'Enabled','Rule':{'DefaultRetention':{'Mode':'governance','Days':1}}}", "MalformedXML" },
		{ "{'ObjectLockEnabled':'Enabled','Rule':{'DefaultRetention':{'Mode':'GOVERNANCE','Days':1,'Years':1}}}", "MalformedXML" },
		{ "{'ObjectLockEnabled':'Enabled','Rule':{'DefaultRetention':{'Mode':'GOVERNANCE','Days':0}}}", "InvalidRetentionPeriod" },
		{ "{'ObjectLockEnabled':'Enabled','Rule':{'DefaultRetention':{'Mode':'GOVERNANCE','Years':-1}}}", "InvalidRetentionPeriod" },
		{ "{'ObjectLockEnabled':'Enabled','Rule':{'DefaultRetention':{'Mode':'GOVERNANCE','Years':101}}}", "InvalidRetentionPeriod" },
	};
	struct fixture *f = locked();

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		fails(f, "PutObjectLockConfiguration",
		      arena_printf(&f->a, "{'Bucket':'buck','ObjectLockConfiguration':%s}", t[i].config), t[i].code);
	fails(f, "PutObjectLockConfiguration", "{'Bucket':'buck'}", "MalformedXML");
	fixture_free(f);
}

TEST(lock_by_default)
{
	struct fixture *f = locked();
	const struct json *v;
	const char *id;

	ok(f, "PutObjectLockConfiguration",
	   "{'Bucket':'buck','ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled',"
	   "'Rule':{'DefaultRetention':{'Mode':'COMPLIANCE','Days':3}}}}");
	id = put_text(f, "k", "one");
	v = ok(f, "HeadObject", with(f, "k", id, ""));
	assert_string_equal(text(f, v, "ObjectLockMode"), "COMPLIANCE");
	assert_string_equal(text(f, v, "ObjectLockRetainUntilDate"), "2023-11-17T22:13:20.000Z");
	fails(f, "DeleteObject", with(f, "k", id, ",'BypassGovernanceRetention':true"), "AccessDenied");
	/* A marker may come and go, and another version over it. */
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'k'}");
	put_text(f, "k", "two");
	fixture_restart(f);
	fails(f, "DeleteObject", with(f, "k", id, ""), "AccessDenied");
	fixture_tick(3 * DAY - 1);
	fails(f, "DeleteObject", with(f, "k", id, ""), "AccessDenied");
	fixture_tick(1);
	ok(f, "DeleteObject", with(f, "k", id, ""));
	ok(f, "PutObjectLockConfiguration",
	   "{'Bucket':'buck','ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled',"
	   "'Rule':{'DefaultRetention':{'Mode':'GOVERNANCE','Years':1}}}}");
	v = ok(f, "HeadObject", with(f, "y", put_text(f, "y", "x"), ""));
	assert_string_equal(text(f, v, "ObjectLockRetainUntilDate"), "2024-11-17T22:13:20.000Z");
	fixture_free(f);
}

TEST(lock_of_an_upload_and_of_a_copy)
{
	struct fixture *f = locked();
	const char *until = ",'ObjectLockMode':'GOVERNANCE','ObjectLockRetainUntilDate':'2024-01-01T00:00:00Z'";
	const struct json *v;

	v = ok(f, "CreateMultipartUpload", arena_printf(&f->a, "{'Bucket':'buck','Key':'m'%s}", until));
	v = ok(f, "UploadPart", arena_printf(&f->a, "{'Bucket':'buck','Key':'m','PartNumber':1,'Body':'x','UploadId':'%s'}",
					     text(f, v, "UploadId")));
	v = ok(f, "ListMultipartUploads", "{'Bucket':'buck'}");
	v = json_at(json_get(v, "Upload"), 0);
	ok(f, "CompleteMultipartUpload",
	   arena_printf(&f->a, "{'Bucket':'buck','Key':'m','UploadId':'%s','MultipartUpload':{'Parts':[{'PartNumber':1,"
			"'ETag':'9dd4e461268c8034f5c8564e155c67a6'}]}}", text(f, v, "UploadId")));
	v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'m'}");
	assert_string_equal(text(f, v, "ObjectLockMode"), "GOVERNANCE");
	fails(f, "DeleteObject", with(f, "m", text(f, v, "VersionId"), ""), "AccessDenied");
	/* A lock does not come along with the bytes. */
	ok(f, "CopyObject", "{'Bucket':'buck','Key':'c','CopySource':'buck/m'}");
	assert_string_equal(text(f, ok(f, "HeadObject", "{'Bucket':'buck','Key':'c'}"), "ObjectLockMode"), "");
	ok(f, "CopyObject", arena_printf(&f->a, "{'Bucket':'buck','Key':'c','CopySource':'buck/m'%s}", until));
	assert_string_equal(text(f, ok(f, "HeadObject", "{'Bucket':'buck','Key':'c'}"), "ObjectLockMode"), "GOVERNANCE");
	fails(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','ObjectLockMode':'GOVERNANCE'}", "InvalidArgument");
	fails(f, "PutObject", arena_printf(&f->a, "{'Bucket':'buck','Key':'k','Body':'x','ObjectLockMode':'GOVERNANCE',"
					   "'ObjectLockRetainUntilDate':'2020-01-01T00:00:00Z'}"), "InvalidArgument");
	fixture_free(f);
}

TEST(lock_retention_only_grows)
{
	struct fixture *f = locked();
	const char *bypass = ",'BypassGovernanceRetention':true";
	const char *id = put_text(f, "k", "one");
	const char *none = ",'Retention':{}";

	fails(f, "GetObjectRetention", with(f, "k", id, ""), "NoSuchObjectLockConfiguration");
	fails(f, "PutObjectRetention", with(f, "k", id, in_days(f, "GOVERNANCE", 0)), "InvalidArgument");
	fails(f, "PutObjectRetention", with(f, "k", id, in_days(f, "governance", 1)), "MalformedXML");
	fails(f, "PutObjectRetention", with(f, "k", id, ",'Retention':{'Mode':'GOVERNANCE'}"), "MalformedXML");
	fails(f, "PutObjectRetention", with(f, "k", id, ""), "MalformedXML");
	ok(f, "PutObjectRetention", with(f, "k", id, in_days(f, "GOVERNANCE", 3)));
	ok(f, "PutObjectRetention", with(f, "k", id, in_days(f, "GOVERNANCE", 4)));
	fails(f, "PutObjectRetention", with(f, "k", id, in_days(f, "GOVERNANCE", 3)), "AccessDenied");
	fails(f, "PutObjectRetention", with(f, "k", id, in_days(f, "COMPLIANCE", 5)), "AccessDenied");
	fails(f, "PutObjectRetention", with(f, "k", id, none), "AccessDenied");
	ok(f, "PutObjectRetention", with(f, "k", id, arena_printf(&f->a, "%s%s", none, bypass)));
	fails(f, "GetObjectRetention", with(f, "k", id, ""), "NoSuchObjectLockConfiguration");
	ok(f, "PutObjectRetention", with(f, "k", id, in_days(f, "COMPLIANCE", 2)));
	assert_string_equal(text(f, ok(f, "GetObjectRetention", with(f, "k", id, "")), "Mode"), "COMPLIANCE");
	fails(f, "PutObjectRetention", with(f, "k", id, arena_printf(&f->a, "%s%s", none, bypass)), "AccessDenied");
	fails(f, "PutObjectRetention", with(f, "k", id, arena_printf(&f->a, "%s%s", in_days(f, "COMPLIANCE", 1), bypass)),
	      "AccessDenied");
	fails(f, "PutObjectRetention", with(f, "k", id, arena_printf(&f->a, "%s%s", in_days(f, "GOVERNANCE", 9), bypass)),
	      "AccessDenied");
	fixture_tick(2 * DAY);
	ok(f, "PutObjectRetention", with(f, "k", id, none));
	ok(f, "DeleteObject", with(f, "k", id, ""));
	fixture_free(f);
}

TEST(lock_legal_hold)
{
	struct fixture *f = locked();
	const char *id = put_text(f, "k", "one"), *other = put_text(f, "other", "two");
	const struct json *v;

	fails(f, "GetObjectLegalHold", with(f, "k", id, ""), "NoSuchObjectLockConfiguration");
	fails(f, "PutObjectLegalHold", with(f, "k", id, ",'LegalHold':{}"), "MalformedXML");
	fails(f, "PutObjectLegalHold", with(f, "k", id, ",'LegalHold':{'Status':'abc'}"), "MalformedXML");
	ok(f, "PutObjectLegalHold", with(f, "k", id, ",'LegalHold':{'Status':'ON'}"));
	ok(f, "PutObjectRetention", with(f, "k", id, in_days(f, "GOVERNANCE", 1)));
	v = ok(f, "DeleteObjects", arena_printf(&f->a, "{'Bucket':'buck','BypassGovernanceRetention':true,'Delete':{'Objects':["
						"{'Key':'k','VersionId':'%s'},{'Key':'other','VersionId':'%s'}]}}", id, other));
	assert_int_equal(json_len(json_get(v, "Error")), 1);
	assert_string_equal(text(f, json_at(json_get(v, "Error"), 0), "Code"), "AccessDenied");
	assert_string_equal(text(f, json_at(json_get(v, "Error"), 0), "VersionId"), id);
	assert_string_equal(text(f, json_at(json_get(v, "Deleted"), 0), "Key"), "other");
	ok(f, "PutObjectLegalHold", with(f, "k", id, ",'LegalHold':{'Status':'OFF'}"));
	assert_string_equal(text(f, ok(f, "GetObjectLegalHold", with(f, "k", id, "")), "Status"), "OFF");
	fails(f, "DeleteObject", with(f, "k", id, ""), "AccessDenied");
	ok(f, "DeleteObject", with(f, "k", id, ",'BypassGovernanceRetention':true"));
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'k'}");
	fails(f, "PutObjectLegalHold", "{'Bucket':'buck','Key':'k','LegalHold':{'Status':'ON'}}", "NoSuchKey");
	fixture_free(f);
}

static int spoil_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	(void)arg;
	return tx_run(tx, e, "UPDATE s3_object SET lock = '{\"mode\":\"WHAT\"}'", "");
}

TEST(lock_that_cannot_be_read_keeps)
{
	struct fixture *f = locked();
	const char *id = put_text(f, "k", "one");

	assert_int_equal(meta_write(f->meta, spoil_fn, f, &f->e), 0);
	assert_null(call(f, "DeleteObject", with(f, "k", id, ",'BypassGovernanceRetention':true")));
	assert_true(blob_there(f, ref_of(f, "buck", "k")));
	fixture_free(f);
}
