/* SPDX-License-Identifier: Apache-2.0 */
/* Versions: what is kept, hidden, shown again, listed in which order, and gone for good. */
#include "fixture.h"

static struct fixture *versioned(void)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "PutBucketVersioning",
	   "{'Bucket':'buck','VersioningConfiguration':{'Status':'Enabled'}}");
	return f;
}

static const char *put_text(struct fixture *f, const char *key, const char *body)
{
	const struct json *v = put(f, "buck", key, view_str(body));

	return text(f, v, "VersionId");
}

/* Calls @op on one version; @version NULL: without one. */
static const struct json *on(struct fixture *f, const char *op, const char *key,
			     const char *version)
{
	struct json *in = input(f, "{'Bucket':'buck'}");

	json_set_str(&f->a, in, "Key", key);
	json_set_str(&f->a, in, "VersionId", version);
	return call_json(f, op, in);
}

static void body_is(struct fixture *f, const char *key, const char *version, const char *body)
{
	const struct json *v = on(f, "GetObject", key, version);

	if (!v)
		fail_msg("%s %s: %s", key, version ? version : "-", f->e.msg);
	assert_string_equal(text(f, v, "Body"), body);
	if (version)
		assert_string_equal(text(f, v, "VersionId"), version);
}

static void fails_on(struct fixture *f, const char *op, const char *key, const char *version,
		     const char *code)
{
	assert_null(on(f, op, key, version));
	assert_string_equal(((const struct aws_error *)f->e.wire)->code, code);
	err_clear(&f->e);
}

/* "key:version+latest" of all, markers with '!'. */
static const char *listed(struct fixture *f, const char *in)
{
	const struct json *v = ok(f, "ListObjectVersions", in);
	static const char *const lists[] = { "Versions", "DeleteMarkers" };
	struct buf b;
	const char *s;

	buf_init(&b, 64 * 1024);
	for (int i = 0; i < 2; i++) {
		const struct json *list = json_get(v, lists[i]);

		if (!list)
			list = json_get(v, i ? "DeleteMarker" : "Version");
		for (size_t k = 0; k < json_len(list); k++) {
			const struct json *one = json_at(list, k);

			buf_printf(&b, "%s%s%s ", i ? "!" : "", text(f, one, "Key"),
				   json_is_true(json_get(one, "IsLatest")) ? "+" : "");
		}
	}
	s = arena_str(&f->a, buf_view(&b));
	buf_clear(&b);
	return s;
}

TEST(version_old_ones_stay)
{
	struct fixture *f = versioned();
	const char *one = put_text(f, "k", "one"), *two = put_text(f, "k", "two");

	assert_string_not_equal(one, two);
	body_is(f, "k", NULL, "two");
	body_is(f, "k", one, "one");
	fixture_restart(f);
	body_is(f, "k", one, "one");
	body_is(f, "k", two, "two");
	fails_on(f, "GetObject", "k", "0000000000000001", "NoSuchVersion");
	fails_on(f, "GetObject", "k", "what", "InvalidArgument");
	fails_on(f, "GetObject", "k", "null", "NoSuchVersion");
	assert_string_equal(listed(f, "{'Bucket':'buck'}"), "k+ k ");
	fixture_free(f);
}

TEST(version_delete_hides_and_deleting_the_marker_shows_again)
{
	struct fixture *f = versioned();
	const char *one = put_text(f, "k", "one"), *two = put_text(f, "k", "two"), *marker;
	const struct json *v = on(f, "DeleteObject", "k", NULL);

	marker = text(f, v, "VersionId");
	assert_string_equal(text(f, v, "DeleteMarker"), "true");
	fails_on(f, "GetObject", "k", NULL, "NoSuchKey");
	fails_on(f, "HeadObject", "k", marker, "MethodNotAllowed");
	body_is(f, "k", two, "two");
	assert_string_equal(listed(f, "{'Bucket':'buck'}"), "k k !k+ ");
	assert_int_equal(json_len(json_get(ok(f, "ListObjectsV2", "{'Bucket':'buck'}"), "Contents")),
			 0);
	v = on(f, "DeleteObject", "k", marker);
	assert_string_equal(text(f, v, "DeleteMarker"), "true");
	body_is(f, "k", NULL, "two");
	on(f, "DeleteObject", "k", two);
	body_is(f, "k", NULL, "one");
	fails(f, "DeleteBucket", "{'Bucket':'buck'}", "BucketNotEmpty");
	on(f, "DeleteObject", "k", one);
	fails_on(f, "GetObject", "k", NULL, "NoSuchKey");
	assert_string_equal(listed(f, "{'Bucket':'buck'}"), "");
	ok(f, "DeleteBucket", "{'Bucket':'buck'}");
	fixture_free(f);
}

TEST(version_bytes_go_with_their_version_only)
{
	struct fixture *f = versioned();
	const char *one = put_text(f, "k", "one");
	const char *ref = ref_of(f, "buck", "k");

	put_text(f, "k", "two");
	fixture_restart(f);
	assert_true(blob_there(f, ref));
	on(f, "DeleteObject", "k", one);
	assert_true(blob_gone(f, ref));
	body_is(f, "k", NULL, "two");
	fixture_free(f);
}

TEST(version_null_is_replaced_while_suspended)
{
	struct fixture *f = fixture_new();
	const char *kept;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	assert_string_equal(put_text(f, "k", "first"), "");
	ok(f, "PutBucketVersioning",
	   "{'Bucket':'buck','VersioningConfiguration':{'Status':'Enabled'}}");
	body_is(f, "k", "null", "first");
	kept = put_text(f, "k", "kept");
	ok(f, "PutBucketVersioning",
	   "{'Bucket':'buck','VersioningConfiguration':"
	   "{'Status':'Suspended','MFADelete':'Disabled'}}");
	assert_null(json_get(on(f, "PutObject", "k", NULL), "VersionId"));
	assert_string_equal(put_text(f, "k", "fourth"), "null");
	body_is(f, "k", "null", "fourth");
	body_is(f, "k", kept, "kept");
	assert_string_equal(listed(f, "{'Bucket':'buck'}"), "k+ k ");
	assert_string_equal(text(f, on(f, "DeleteObject", "k", NULL), "VersionId"), "null");
	fails_on(f, "GetObject", "k", NULL, "NoSuchKey");
	assert_string_equal(listed(f, "{'Bucket':'buck'}"), "k !k+ ");
	on(f, "DeleteObject", "k", "null");
	body_is(f, "k", NULL, "kept");
	fixture_free(f);
}

TEST(version_listing_in_pages)
{
	struct fixture *f = versioned();
	struct buf all;
	const char *key = "", *id = "";
	int pages = 0;

	for (int i = 0; i < 3; i++) {
		put_text(f, "a", "1");
		put_text(f, "b/1", "1");
		put_text(f, "b/2", "1");
		put_text(f, "c", "1");
	}
	on(f, "DeleteObject", "c", NULL);
	assert_string_equal(listed(f, "{'Bucket':'buck','Delimiter':'/'}"), "a+ a a c c c !c+ ");
	buf_init(&all, 64 * 1024);
	for (bool more = true; more; pages++) {
		struct json *in = input(f, "{'Bucket':'buck','MaxKeys':2}");
		const struct json *v;

		json_set_str(&f->a, in, "KeyMarker", key);
		json_set_str(&f->a, in, "VersionIdMarker", id);
		buf_add_str(&all, listed(f, arena_str(&f->a, view_str(json_text(&f->a, in)))));
		v = call_json(f, "ListObjectVersions", in);
		assert_non_null(v);
		more = json_is_true(json_get(v, "IsTruncated"));
		key = text(f, v, "NextKeyMarker");
		id = text(f, v, "NextVersionIdMarker");
	}
	assert_int_equal(pages, 7);
	assert_string_equal(arena_str(&f->a, buf_view(&all)), "a+ a a b/1+ b/1 b/1 b/2+ b/2 b/2 !c+ c c c ");
	buf_clear(&all);
	fixture_free(f);
}

TEST(version_copies_have_bytes_of_their_own)
{
	struct fixture *f = versioned();
	const char *one = put_text(f, "k", "one");
	struct json *in = input(f, "{'Bucket':'buck','Key':'k'}");
	const struct json *v;

	put_text(f, "k", "two");
	json_set_str(&f->a, in, "CopySource", arena_printf(&f->a, "buck/k?versionId=%s", one));
	v = call_json(f, "CopyObject", in);
	assert_non_null(v);
	assert_string_equal(text(f, v, "CopySourceVersionId"), one);
	on(f, "DeleteObject", "k", one);
	fixture_restart(f);
	body_is(f, "k", NULL, "one");
	fixture_free(f);
}

TEST(version_tags_and_conditions_are_of_one_version)
{
	struct fixture *f = versioned();
	const char *one = put_text(f, "k", "one");
	struct json *in = input(f, "{'Bucket':'buck','Key':'k','Tagging':{'TagSet':[{'Key':'a','Value':'b'}]}}");

	put_text(f, "k", "two");
	json_set_str(&f->a, in, "VersionId", one);
	assert_non_null(call_json(f, "PutObjectTagging", in));
	assert_int_equal(json_len(json_get(on(f, "GetObjectTagging", "k", one), "TagSet")), 1);
	assert_int_equal(json_len(json_get(on(f, "GetObjectTagging", "k", NULL), "TagSet")), 0);
	fails(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','IfNoneMatch':'*'}",
	      "PreconditionFailed");
	on(f, "DeleteObject", "k", NULL);
	ok(f, "PutObject", "{'Bucket':'buck','Key':'k','Body':'x','IfNoneMatch':'*'}");
	fixture_free(f);
}
