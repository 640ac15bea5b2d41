/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts: completion, its repetition, checksums of joined parts, giving up, listing. */
#include "base/base64.h"
#include "base/crc.h"
#include "fixture.h"
#include "os/file.h"

#define MB5 (5 * 1024 * 1024)

struct upload {
	struct fixture *f;
	const char *id;
	const char *etag[4], *ck[4];
	const char *algo; /* "ChecksumCRC32" of parts, or NULL */
	size_t n;
};

static struct upload begin(struct fixture *f, const char *algorithm, const char *type)
{
	struct json *in =
		input(f, "{'Bucket':'buck','Key':'big','Metadata':{'m':'1'},'Tagging':'t=1'}");
	struct upload u = { .f = f };
	const struct json *v;

	json_set_str(&f->a, in, "ChecksumAlgorithm", algorithm);
	json_set_str(&f->a, in, "ChecksumType", type);
	v = call_json(f, "CreateMultipartUpload", in);
	if (!v)
		fail_msg("CreateMultipartUpload: %s", f->e.msg);
	u.id = text(f, v, "UploadId");
	u.algo = algorithm ? arena_printf(&f->a, "Checksum%s", algorithm) : NULL;
	return u;
}

static struct json *of_upload(struct upload *u)
{
	struct json *in = input(u->f, "{'Bucket':'buck','Key':'big'}");

	json_set_str(&u->f->a, in, "UploadId", u->id);
	return in;
}

static void part(struct upload *u, int number, struct view body)
{
	struct json *in = of_upload(u);
	const struct json *v;

	json_set_int(&u->f->a, in, "PartNumber", number);
	json_set(&u->f->a, in, "Body", json_new_str(&u->f->a, body));
	v = call_json(u->f, "UploadPart", in);
	if (!v)
		fail_msg("UploadPart: %s", u->f->e.msg);
	u->etag[u->n] = text(u->f, v, "ETag");
	u->ck[u->n++] = u->algo ? text(u->f, v, u->algo) : NULL;
}

static const struct json *complete(struct upload *u, const int *numbers, size_t n)
{
	struct arena *a = &u->f->a;
	struct json *in = of_upload(u), *list = json_new_obj(a), *parts = json_new_arr(a);

	for (size_t i = 0; i < n; i++) {
		struct json *p = json_new_obj(a);

		json_set_int(a, p, "PartNumber", numbers[i]);
		json_set_str(a, p, "ETag", u->etag[i]);
		if (u->algo)
			json_set_str(a, p, u->algo, u->ck[i]);
		json_push(a, parts, p);
	}
	json_set(a, list, "Parts", parts);
	json_set(a, in, "MultipartUpload", list);
	return call_json(u->f, "CompleteMultipartUpload", in);
}

static struct fixture *with_bucket(void)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "PutBucketNotificationConfiguration",
	   "{'Bucket':'buck','NotificationConfiguration':{'EventBridgeConfiguration':{}}}");
	return f;
}

static const int one_two[] = { 1, 2 };

static void is_error(struct fixture *f, const struct json *v, const char *code)
{
	assert_null(v);
	assert_non_null(f->e.wire);
	assert_string_equal(((const struct aws_error *)f->e.wire)->code, code);
}

TEST(multipart_object_is_its_parts)
{
	struct fixture *f = with_bucket();
	struct view a = bytes_of(f, MB5, 1), b = bytes_of(f, 1000, 2);
	struct upload u = begin(f, NULL, NULL);
	struct s3_object o;
	const struct json *v;
	uint64_t crc;
	uint8_t be[8];
	const char *path, *again;
	struct view whole;

	part(&u, 1, a);
	part(&u, 2, b);
	v = complete(&u, one_two, 2);
	assert_non_null(v);
	assert_true(view_ends(view_str(text(f, v, "ETag")), VIEW("-2\"")));
	assert_string_equal(text(f, v, "ChecksumType"), "FULL_OBJECT");
	crc = crc64nvme(crc64nvme(0, a.p, a.n), b.p, b.n);
	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(crc >> (56 - 8 * i));
	assert_true(view_eq(view_str(text(f, v, "ChecksumCRC64NVME")),
			    base64_encode_arena(&f->a, view_of(be, 8))));
	fixture_restart(f);
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'big','Range':'bytes=5242870-5242889'}");
	assert_true(view_eq(json_get_str(v, "Body"),
			    view_str(arena_printf(&f->a, "%.10s%.10s", a.p + MB5 - 10, b.p))));
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'big','PartNumber':2}");
	assert_true(view_eq(json_get_str(v, "Body"), b));
	assert_string_equal(text(f, v, "PartsCount"), "2");
	assert_string_equal(text(f, v, "ContentRange"), "bytes 5242880-5243879/5243880");
	assert_string_equal(text(f, v, "TagCount"), "1");
	crc = crc64nvme(0, b.p, b.n);
	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(crc >> (56 - 8 * i));
	v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'big','PartNumber':2,'ChecksumMode':'ENABLED'}");
	assert_true(view_eq(json_get_str(v, "ChecksumCRC64NVME"), base64_encode_arena(&f->a, view_of(be, 8))));
	assert_string_equal(text(f, v, "ChecksumType"), "FULL_OBJECT");
	assert_int_equal(f->n_events, 1);
	assert_non_null(strstr(f->events[0], "\"reason\":\"CompleteMultipartUpload\""));
	assert_int_equal(f->port.head(f->s3, "buck", "big", &f->a, &o, &f->e), 0);
	assert_int_equal(o.n_refs, 2);
	assert_int_equal(f->port.path(f->s3, &o, &f->a, &path, &f->e), 0);
	assert_int_equal(file_read(path, &f->a, MB5 + 1000, &whole, &f->e), 0);
	assert_true(view_eq(view_sub(whole, 0, MB5), a));
	assert_true(view_eq(view_from(whole, MB5), b));
	assert_int_equal(f->port.path(f->s3, &o, &f->a, &again, &f->e), 0);
	assert_string_equal(again, path); /* joined once */
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'big'}");
	assert_true(blob_gone(f, o.refs[1]));
	assert_false(file_exists(path));
	fixture_free(f);
}

TEST(multipart_completion_can_be_repeated)
{
	struct fixture *f = with_bucket();
	struct upload u = begin(f, NULL, NULL);
	const struct json *first, *second;

	part(&u, 1, VIEW("tiny"));
	first = complete(&u, one_two, 1);
	assert_non_null(first);
	second = complete(&u, one_two, 1);
	assert_non_null(second);
	assert_string_equal(text(f, second, "ETag"), text(f, first, "ETag"));
	assert_string_equal(text(f, second, "ChecksumCRC64NVME"),
			    text(f, first, "ChecksumCRC64NVME"));
	assert_int_equal(f->n_events, 1); /* published once */
	u.etag[0] = "\"00000000000000000000000000000000\"";
	is_error(f, complete(&u, one_two, 1), "NoSuchUpload");
	is_error(f, call_json(f, "AbortMultipartUpload", of_upload(&u)), "NoSuchUpload");
	fixture_free(f);
}

TEST(multipart_composite_checksum)
{
	struct fixture *f = with_bucket();
	struct upload u = begin(f, "SHA256", NULL);
	const struct json *v;
	char joined[64];
	uint8_t sum[DIGEST_MAX];
	size_t n;

	part(&u, 1, bytes_of(f, MB5, 1));
	part(&u, 2, VIEW("end"));
	assert_true(base64_decode(joined, view_str(u.ck[0]), &n) && n == 32);
	assert_true(base64_decode(sum, view_str(u.ck[1]), &n) && n == 32);
	memcpy(joined + 32, sum, 32);
	digest_once(DIGEST_SHA256, view_of(joined, 64), sum);
	v = complete(&u, one_two, 2);
	assert_non_null(v);
	assert_string_equal(text(f, v, "ChecksumSHA256"),
			    arena_printf(&f->a, "%.*s-2",
					 VIEW_ARG(base64_encode_arena(&f->a, view_of(sum, 32)))));
	assert_string_equal(text(f, v, "ChecksumType"), "COMPOSITE");
	fixture_free(f);
}

/* What is not a CRC cannot be had of the whole from its parts. */
TEST(multipart_checksum_types)
{
	static const char *const algos[] = { "SHA1", "SHA256",   "SHA512",  "MD5",
					     "XXHASH64", "XXHASH3", "XXHASH128", "CRC32",
					     "CRC32C", "CRC64NVME" };
	struct fixture *f = with_bucket();

	for (size_t i = 0; i < ARRAY_LEN(algos); i++) {
		bool crc64 = i == 9, crc = i >= 7;
		struct json *in = input(f, "{'Bucket':'buck','Key':'big'}");
		struct upload u = begin(f, algos[i], NULL);
		const struct json *v;

		part(&u, 1, bytes_of(f, MB5, 1));
		part(&u, 2, VIEW("end"));
		v = complete(&u, one_two, 2);
		assert_non_null(v);
		assert_string_equal(text(f, v, "ChecksumType"), crc64 ? "FULL_OBJECT" : "COMPOSITE");
		assert_true(view_ends(view_str(text(f, v, u.algo)), VIEW("-2")) == !crc64);
		json_set_str(&f->a, in, "ChecksumAlgorithm", algos[i]);
		json_set_str(&f->a, in, "ChecksumType", "FULL_OBJECT");
		assert_true((call_json(f, "CreateMultipartUpload", in) != NULL) == crc);
		err_clear(&f->e);
		json_set_str(&f->a, in, "ChecksumType", "COMPOSITE");
		assert_true((call_json(f, "CreateMultipartUpload", in) != NULL) == !crc64);
		err_clear(&f->e);
	}
	fixture_free(f);
}

TEST(multipart_parts_have_the_checksum_of_their_upload)
{
	struct fixture *f = with_bucket();
	struct upload u = begin(f, "SHA256", NULL);
	struct json *in = of_upload(&u);

	json_set_int(&f->a, in, "PartNumber", 1);
	json_set_str(&f->a, in, "Body", "x");
	json_set_str(&f->a, in, "ChecksumAlgorithm", "CRC32");
	is_error(f, call_json(f, "UploadPart", in), "InvalidRequest");
	fixture_free(f);
}

TEST(multipart_full_checksums_of_all_crcs)
{
	static const struct {
		const char *algorithm;
		enum s3_ck_algo algo;
	} cases[] = { { "CRC32", CK_CRC32 },
		      { "CRC32C", CK_CRC32C },
		      { "CRC64NVME", CK_CRC64NVME } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char all[CK_TEXT];
		struct s3_sums x;
		struct s3_summed a, b, ab;

		s3__sums_begin(&x, 1U << cases[i].algo);
		s3__sums_add(&x, "hello ", 6);
		s3__sums_end(&x, &a);
		s3__sums_begin(&x, 1U << cases[i].algo);
		s3__sums_add(&x, "wide world", 10);
		s3__sums_end(&x, &b);
		s3__sums_begin(&x, 1U << cases[i].algo);
		s3__sums_add(&x, "hello wide world", 16);
		s3__sums_end(&x, &ab);
		assert_true(s3__ck_combine(cases[i].algo, a.value[cases[i].algo],
					   b.value[cases[i].algo], 10, all));
		assert_string_equal(all, ab.value[cases[i].algo]);
	}
	assert_false(s3__ck_combine(CK_SHA1, "", "", 1, (char[CK_TEXT]){ 0 }));
}

TEST(multipart_errors)
{
	static const int two_one[] = { 2, 1 }, three[] = { 3 };
	struct fixture *f = with_bucket();
	struct upload u = begin(f, NULL, NULL);
	struct json *in;

	part(&u, 1, VIEW("small"));
	part(&u, 2, VIEW("end"));
	is_error(f, complete(&u, one_two, 2), "EntityTooSmall");
	is_error(f, complete(&u, two_one, 2), "InvalidPartOrder");
	is_error(f, complete(&u, three, 1), "InvalidPart");
	is_error(f, complete(&u, one_two, 0), "MalformedXML");
	u.etag[0] = "\"00000000000000000000000000000000\"";
	is_error(f, complete(&u, one_two, 1), "InvalidPart");
	in = of_upload(&u);
	json_set_int(&f->a, in, "PartNumber", 10001);
	is_error(f, call_json(f, "UploadPart", in), "InvalidArgument");
	in = of_upload(&u);
	json_set_int(&f->a, in, "PartNumber", 1);
	json_set_str(&f->a, in, "UploadId", "none");
	is_error(f, call_json(f, "UploadPart", in), "NoSuchUpload");
	fails(f, "CreateMultipartUpload",
	      "{'Bucket':'buck','Key':'k','ChecksumAlgorithm':'SHA1','ChecksumType':'FULL_OBJECT'}",
	      "InvalidRequest");
	fails(f, "CreateMultipartUpload",
	      "{'Bucket':'buck','Key':'k','ChecksumType':'FULL_OBJECT'}", "InvalidRequest");
	fails(f, "CreateMultipartUpload", "{'Bucket':'none','Key':'k'}", "NoSuchBucket");
	u = begin(f, "CRC32", NULL);
	part(&u, 1, VIEW("end"));
	u.algo = NULL; /* composite ones have to be named */
	is_error(f, complete(&u, one_two, 1), "InvalidRequest");
	fixture_free(f);
}

TEST(multipart_given_up_leaves_nothing)
{
	struct fixture *f = with_bucket();
	struct upload u = begin(f, NULL, NULL);
	const struct json *v;
	struct json *in;

	part(&u, 1, bytes_of(f, 200000, 1));
	part(&u, 3, VIEW("x"));
	in = of_upload(&u);
	json_set_int(&f->a, in, "MaxParts", 1);
	v = call_json(f, "ListParts", in);
	assert_int_equal(json_int(json_get(v, "NextPartNumberMarker"), -1), 1);
	assert_true(json_is_true(json_get(v, "IsTruncated")));
	json_set_int(&f->a, in, "PartNumberMarker", 1);
	v = call_json(f, "ListParts", in);
	assert_false(json_is_true(json_get(v, "IsTruncated")));
	assert_int_equal(json_int(json_get(json_at(json_get(v, "Part"), 0), "PartNumber"), -1), 3);
	v = ok(f, "ListMultipartUploads", "{'Bucket':'buck'}");
	assert_int_equal(json_len(json_get(v, "Upload")), 1);
	assert_non_null(call_json(f, "AbortMultipartUpload", of_upload(&u)));
	v = ok(f, "ListMultipartUploads", "{'Bucket':'buck'}");
	assert_int_equal(json_len(json_get(v, "Upload")), 0);
	is_error(f, call_json(f, "ListParts", of_upload(&u)), "NoSuchUpload");
	fails(f, "GetObject", "{'Bucket':'buck','Key':'big'}", "NoSuchKey");
	fixture_free(f);
}

TEST(multipart_uploads_are_listed_in_pages)
{
	struct fixture *f = with_bucket();
	const char *all = "", *key = "", *id = "";
	int pages = 0;

	ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'a'}");
	ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'a'}");
	ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'d/1'}");
	ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'d/2'}");
	ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'e'}");
	do {
		struct json *in = input(f, "{'Bucket':'buck','MaxUploads':1,'Delimiter':'/'}");
		const struct json *v;

		json_set_str(&f->a, in, "KeyMarker", key);
		json_set_str(&f->a, in, "UploadIdMarker", id);
		v = call_json(f, "ListMultipartUploads", in);
		all = arena_printf(&f->a, "%s%s%s ", all,
				   text(f, json_at(json_get(v, "Upload"), 0), "Key"),
				   text(f, json_at(json_get(v, "CommonPrefixes"), 0), "Prefix"));
		key = json_is_true(json_get(v, "IsTruncated")) ? text(f, v, "NextKeyMarker") : NULL;
		id = text(f, v, "NextUploadIdMarker");
	} while (key && ++pages < 10);
	assert_string_equal(all, "a a d/ e ");
	fixture_free(f);
}

TEST(multipart_part_copied_from_an_object)
{
	static const char *const outside[] = { "bytes=2-10", "bytes=10-10", "bytes=4-2", "bytes=2-",
					       "bytes=-2",   "2-4",	    "bytes=2-4,6-7" };
	struct fixture *f = with_bucket();
	struct upload u = begin(f, NULL, NULL);
	struct json *in = of_upload(&u);
	const struct json *v;

	put(f, "buck", "src", VIEW("0123456789"));
	json_set_int(&f->a, in, "PartNumber", 1);
	json_set_str(&f->a, in, "CopySource", "buck/src");
	for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
		json_set_str(&f->a, in, "CopySourceRange", outside[i]);
		is_error(f, call_json(f, "UploadPartCopy", in), "InvalidArgument");
	}
	json_set_str(&f->a, in, "CopySourceRange", "bytes=2-4");
	v = call_json(f, "UploadPartCopy", in);
	assert_non_null(v);
	u.etag[u.n++] = text(f, v, "ETag");
	assert_non_null(complete(&u, one_two, 1));
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'big'}");
	assert_string_equal(text(f, v, "Body"), "234");
	json_set_str(&f->a, in, "CopySourceRange", "bytes=20-40");
	is_error(f, call_json(f, "UploadPartCopy", in), "NoSuchUpload");
	fixture_free(f);
}

static const struct json *attributes(struct fixture *f, const char *more)
{
	return ok(f, "GetObjectAttributes",
		  arena_printf(&f->a,
			       "{'Bucket':'buck','Key':'big','ObjectAttributes':['ETag','Checksum',"
			       "'ObjectParts','StorageClass','ObjectSize']%s}",
			       more));
}

TEST(multipart_attributes)
{
	struct fixture *f = with_bucket();
	struct upload u = begin(f, "SHA256", NULL);
	const struct json *v, *done, *parts;
	const char *sum;

	part(&u, 1, bytes_of(f, MB5, 1));
	part(&u, 2, VIEW("end"));
	done = complete(&u, one_two, 2);
	v = attributes(f, "");
	assert_int_equal(json_int(json_get(v, "ObjectSize"), 0), MB5 + 3);
	assert_string_equal(text(f, v, "StorageClass"), "STANDARD");
	assert_null(strchr(text(f, v, "ETag"), '"'));
	/* Here the number of parts is no part of the checksum. */
	sum = text(f, json_get(v, "Checksum"), "ChecksumSHA256");
	assert_string_equal(arena_printf(&f->a, "%s-2", sum), text(f, done, "ChecksumSHA256"));
	assert_string_equal(text(f, json_get(v, "Checksum"), "ChecksumType"), "COMPOSITE");
	parts = json_get(v, "ObjectParts");
	assert_int_equal(json_int(json_get(parts, "PartsCount"), 0), 2);
	assert_int_equal(json_len(json_get(parts, "Part")), 2);
	assert_string_equal(text(f, json_at(json_get(parts, "Part"), 1), "ChecksumSHA256"), u.ck[1]);
	parts = json_get(attributes(f, ",'MaxParts':1"), "ObjectParts");
	assert_true(json_is_true(json_get(parts, "IsTruncated")));
	assert_int_equal(json_int(json_get(parts, "NextPartNumberMarker"), 0), 1);
	parts = json_get(attributes(f, ",'MaxParts':1,'PartNumberMarker':1"), "ObjectParts");
	assert_false(json_is_true(json_get(parts, "IsTruncated")));
	assert_int_equal(json_int(json_get(json_at(json_get(parts, "Part"), 0), "PartNumber"), 0),
			 2);
	u = begin(f, NULL, NULL);
	part(&u, 1, bytes_of(f, MB5, 1));
	part(&u, 2, VIEW("end"));
	complete(&u, one_two, 2);
	parts = json_get(attributes(f, ""), "ObjectParts");
	assert_int_equal(json_len(json_get(parts, "Part")), 2);
	assert_int_equal(json_int(json_get(json_at(json_get(parts, "Part"), 1), "Size"), 0), 3);
	assert_int_equal(strlen(text(f, json_at(json_get(parts, "Part"), 1), "ChecksumCRC64NVME")), 12);
	put(f, "buck", "big", VIEW("whole"));
	v = attributes(f, "");
	assert_null(json_get(v, "ObjectParts"));
	assert_string_equal(text(f, json_get(v, "Checksum"), "ChecksumType"), "FULL_OBJECT");
	fails(f, "GetObjectAttributes",
	      "{'Bucket':'buck','Key':'none','ObjectAttributes':['ETag']}", "NoSuchKey");
	fixture_free(f);
}
