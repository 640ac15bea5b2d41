/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption at rest: whose key, what is read with it, what is refused, what is on disk. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/limits.h"
#include "fixture.h"
#include "os/clock.h"
#include "os/file.h"

#define SEG SEAL_SEGMENT
#define CANARY "a-secret-of-the-subject-"

static struct fixture *with_bucket(void)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	return f;
}

static struct view canary(struct fixture *f, size_t n)
{
	char *p = arena_alloc(&f->a, n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = CANARY[i % (sizeof(CANARY) - 1)];
	return view_of(p, n);
}

static void put_sse(struct fixture *f, const char *in, struct view body)
{
	struct json *v = input(f, in);

	json_set(&f->a, v, "Body", json_new_str(&f->a, body));
	if (!call_json(f, "PutObject", v))
		fail_msg("PutObject %s: %s", in, f->e.msg);
}

static bool same_body(struct fixture *f, const struct json *v, struct view want)
{
	struct view got = json_get_str(v, "Body");

	(void)f;
	return got.p && view_eq(got, want);
}

static bool on_disk(struct fixture *f, const char *path, struct view what)
{
	DIR *d = opendir(path);
	struct dirent *ent;
	bool found = false;

	assert_non_null(d);
	while (!found && (ent = readdir(d)) != NULL) {
		const char *name = arena_printf(&f->a, "%s/%s", path, ent->d_name);
		CLEANUP(arena_clear) struct arena one; /* a file may be as long as a segment or the reserve */
		struct err e = { 0 };
		struct stat st;
		struct view v;

		arena_init(&one, 65 * MIB);
		if (ent->d_name[0] == '.' || stat(name, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			found = on_disk(f, name, what);
		} else if (file_read(name, &one, 64 * MIB, &v, &e) == 0) {
			found = memmem(v.p, v.n, what.p, what.n) != NULL;
			if (found && view_ends(view_str(name), VIEW("master.key")))
				found = false; /* it alone may have the key that it is */
		}
	}
	closedir(d);
	return found;
}

#define KEY_A \
	"'SSECustomerAlgorithm':'AES256','SSECustomerKey':'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5" \
	"MDE=','SSECustomerKeyMD5':'KYvwGXoFFJ42a2u2GDWhwQ=='"
#define KEY_B \
	"'SSECustomerAlgorithm':'AES256','SSECustomerKey':'YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh" \
	"YWE=','SSECustomerKeyMD5':'Xsqb0+sHwAbNQ65I395/0w=='"
#define SOURCE_KEY_A \
	"'CopySourceSSECustomerAlgorithm':'AES256','CopySourceSSECustomerKey':'MDEyMzQ1Njc4OTAxMjM0" \
	"NTY3ODkwMTIzNDU2Nzg5MDE=','CopySourceSSECustomerKeyMD5':'KYvwGXoFFJ42a2u2GDWhwQ=='"

TEST(sse_s3_object_is_as_any_other_but_on_disk)
{
	struct fixture *f = with_bucket();
	struct view body = canary(f, 3 * SEG + 77);
	char md5[33];
	const struct json *v;

	put_sse(f, "{'Bucket':'buck','Key':'k','ServerSideEncryption':'AES256'}", body);
	put_sse(f, "{'Bucket':'buck','Key':'small','ServerSideEncryption':'AES256'}",
		view_sub(body, 0, 100));
	put_sse(f, "{'Bucket':'buck','Key':'empty','ServerSideEncryption':'AES256'}", VIEW(""));
	md5_hex(body, md5);
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'k'}");
	assert_true(same_body(f, v, body));
	assert_string_equal(text(f, v, "ServerSideEncryption"), "AES256");
	assert_string_equal(text(f, v, "ETag"), arena_printf(&f->a, "\"%s\"", md5));
	assert_true(same_body(f, ok(f, "GetObject", "{'Bucket':'buck','Key':'empty'}"), VIEW("")));
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'k','Range':'bytes=65530-131080'}");
	assert_true(same_body(f, v, view_sub(body, 65530, 131080 - 65530 + 1)));
	v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'k'}");
	assert_string_equal(text(f, v, "ServerSideEncryption"), "AES256");
	assert_false(on_disk(f, f->dir, VIEW(CANARY)));
	/* What is not encrypted says nothing of it. */
	put_sse(f, "{'Bucket':'buck','Key':'plain'}", body);
	v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'plain'}");
	assert_string_equal(text(f, v, "ServerSideEncryption"), "");
	assert_true(on_disk(f, f->dir, VIEW(CANARY)));
	fixture_restart(f);
	assert_true(same_body(f, ok(f, "GetObject", "{'Bucket':'buck','Key':'k'}"), body));
	fixture_free(f);
}

TEST(sse_no_key_is_on_disk)
{
	struct fixture *f = with_bucket();
	struct seal_key k;

	put_sse(f, "{'Bucket':'buck','Key':'k','ServerSideEncryption':'AES256'}", VIEW("x"));
	put_sse(f, "{'Bucket':'buck','Key':'c'," KEY_A "}", canary(f, 3 * SEG));
	assert_int_equal(s3__bucket_key(f->s3, "buck", false, &k, &f->e), 0);
	assert_false(on_disk(f, f->dir, view_of((const char *)k.key, GCM_KEY)));
	assert_false(on_disk(f, f->dir, view_of((const char *)f->s3->master.key, GCM_KEY)));
	assert_false(on_disk(f, f->dir, VIEW("01234567890123456789012345678901")));
	assert_false(on_disk(f, f->dir, VIEW("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")));
	assert_false(on_disk(f, f->dir, VIEW(CANARY)));
	fixture_free(f);
}

TEST(sse_c_needs_its_key)
{
	static const struct {
		const char *op, *in, *code;
	} cases[] = {
		{ "GetObject", "{'Bucket':'buck','Key':'c'}", "InvalidRequest" },
		{ "HeadObject", "{'Bucket':'buck','Key':'c'}", "InvalidRequest" },
		{ "GetObject", "{'Bucket':'buck','Key':'c'," KEY_B "}", "AccessDenied" },
		{ "HeadObject", "{'Bucket':'buck','Key':'c'," KEY_B "}", "AccessDenied" },
		{ "GetObject", "{'Bucket':'buck','Key':'plain'," KEY_A "}", "InvalidRequest" },
		{ "CopyObject", "{'Bucket':'buck','Key':'d','CopySource':'buck/c'}",
		  "InvalidRequest" },
		{ "PutObject", "{'Bucket':'buck','Key':'x','ServerSideEncryption':'AES256'," KEY_A "}",
		  "InvalidArgument" },
		{ "PutObject",
		  "{'Bucket':'buck','Key':'x','SSECustomerAlgorithm':'AES256','SSECustomerKey':"
		  "'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=','SSECustomerKeyMD5':"
		  "'Xsqb0+sHwAbNQ65I395/0w=='}",
		  "InvalidArgument" },
		{ "PutObject", "{'Bucket':'buck','Key':'x','SSECustomerAlgorithm':'AES128'}",
		  "InvalidEncryptionAlgorithmError" },
		{ "PutObject", "{'Bucket':'buck','Key':'x','SSECustomerAlgorithm':'AES256'}",
		  "InvalidArgument" },
		{ "PutObject", "{'Bucket':'buck','Key':'x','SSECustomerKeyMD5':'AAAA'}",
		  "InvalidArgument" },
		{ "PutObject",
		  "{'Bucket':'buck','Key':'x','SSECustomerAlgorithm':'AES256','SSECustomerKey':"
		  "'c2hvcnQ=','SSECustomerKeyMD5':'Xsqb0+sHwAbNQ65I395/0w=='}",
		  "InvalidArgument" },
		{ "PutObject", "{'Bucket':'buck','Key':'x','SSEKMSKeyId':'k'}", "NotImplemented" },
		{ "PutObject", "{'Bucket':'buck','Key':'x','ServerSideEncryption':'aws:kms'}",
		  "NotImplemented" },
	};
	struct fixture *f = with_bucket();
	struct view body = canary(f, SEG + 1);
	struct s3_object o;
	char md5[33];
	const struct json *v;
	const char *path;

	put_sse(f, "{'Bucket':'buck','Key':'c'," KEY_A "}", body);
	put_sse(f, "{'Bucket':'buck','Key':'plain'}", VIEW("x"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		fails(f, cases[i].op, cases[i].in, cases[i].code);
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'c'," KEY_A "}");
	assert_true(same_body(f, v, body));
	assert_string_equal(text(f, v, "SSECustomerAlgorithm"), "AES256");
	assert_string_equal(text(f, v, "SSECustomerKeyMD5"), "KYvwGXoFFJ42a2u2GDWhwQ==");
	assert_string_equal(text(f, v, "ServerSideEncryption"), "");
	md5_hex(body, md5);
	assert_null(strstr(text(f, v, "ETag"), md5));
	/* Who has no key from a client has none. */
	assert_int_equal(f->port.head(f->s3, "buck", "c", &f->a, &o, &f->e), 0);
	assert_int_equal(f->port.path(f->s3, &o, &f->a, &path, &f->e), ERR_UNSUPPORTED);
	fixture_free(f);
}

TEST(sse_copies_change_whose_key_it_is)
{
	struct fixture *f = with_bucket();
	struct view body = canary(f, 2 * SEG);
	const struct json *v;

	put_sse(f, "{'Bucket':'buck','Key':'c'," KEY_A "}", body);
	ok(f, "CopyObject", "{'Bucket':'buck','Key':'d','CopySource':'buck/c'," SOURCE_KEY_A "}");
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'d'}");
	assert_true(same_body(f, v, body));
	ok(f, "CopyObject",
	   "{'Bucket':'buck','Key':'e','CopySource':'buck/d','ServerSideEncryption':'AES256'}");
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'e'}");
	assert_true(same_body(f, v, body));
	assert_string_equal(text(f, v, "ServerSideEncryption"), "AES256");
	/* Another key for the same object, then none; its metadata alone. */
	ok(f, "CopyObject",
	   "{'Bucket':'buck','Key':'c','CopySource':'buck/c'," SOURCE_KEY_A "," KEY_B "}");
	fails(f, "GetObject", "{'Bucket':'buck','Key':'c'," KEY_A "}", "AccessDenied");
	assert_true(same_body(f, ok(f, "GetObject", "{'Bucket':'buck','Key':'c'," KEY_B "}"), body));
	ok(f, "CopyObject",
	   "{'Bucket':'buck','Key':'e','CopySource':'buck/e','MetadataDirective':'REPLACE',"
	   "'ServerSideEncryption':'AES256','Metadata':{'a':'b'}}");
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'e'}");
	assert_true(same_body(f, v, body));
	assert_string_equal(text(f, v, "ServerSideEncryption"), "AES256");
	ok(f, "CopyObject",
	   "{'Bucket':'buck','Key':'e','CopySource':'buck/e','MetadataDirective':'REPLACE'}");
	v = ok(f, "GetObject", "{'Bucket':'buck','Key':'e'}");
	assert_true(same_body(f, v, body));
	assert_string_equal(text(f, v, "ServerSideEncryption"), "");
	fixture_free(f);
}

static const struct json *in_upload(struct fixture *f, const char *op, const char *id,
				    const char *in, struct view body)
{
	struct json *v = input(f, in);

	json_set_str(&f->a, v, "UploadId", id);
	if (body.p)
		json_set(&f->a, v, "Body", json_new_str(&f->a, body));
	return call_json(f, op, v);
}

static void multipart(struct fixture *f, const char *begin, const char *key, const char *keys)
{
	struct view one = canary(f, 5 * MIB + 3), two = canary(f, 100);
	const char *id, *e1, *e2;
	const struct json *v = ok(f, "CreateMultipartUpload", begin);

	id = text(f, v, "UploadId");
	v = in_upload(f, "UploadPart", id,
		      arena_printf(&f->a, "{'Bucket':'buck','Key':'%s','PartNumber':1%s}", key, keys),
		      one);
	assert_non_null(v);
	e1 = text(f, v, "ETag");
	v = in_upload(f, "UploadPart", id,
		      arena_printf(&f->a, "{'Bucket':'buck','Key':'%s','PartNumber':2%s}", key, keys),
		      two);
	assert_non_null(v);
	e2 = text(f, v, "ETag");
	if (*keys) {
		assert_null(in_upload(f, "UploadPart", id,
				      "{'Bucket':'buck','Key':'c','PartNumber':3}", two));
		assert_null(in_upload(f, "UploadPart", id,
				      "{'Bucket':'buck','Key':'c','PartNumber':3," KEY_B "}", two));
	}
	v = in_upload(f, "CompleteMultipartUpload", id,
		      arena_printf(&f->a,
				   "{'Bucket':'buck','Key':'%s','MultipartUpload':{'Parts':["
				   "{'PartNumber':1,'ETag':'%.32s'},{'PartNumber':2,'ETag':'%.32s'}]}}",
				   key, e1 + 1, e2 + 1),
		      VIEW_NONE);
	if (!v)
		fail_msg("complete: %s", f->e.msg);
	v = ok(f, "GetObject", arena_printf(&f->a, "{'Bucket':'buck','Key':'%s'%s}", key, keys));
	assert_int_equal(json_get_str(v, "Body").n, one.n + two.n);
	v = ok(f, "GetObject",
	       arena_printf(&f->a, "{'Bucket':'buck','Key':'%s','Range':'bytes=5242879-5242890'%s}", key,
			    keys));
	assert_true(same_body(f, v,
			      view_of(arena_printf(&f->a, "%.4s%.8s", one.p + 5242879, two.p), 12)));
	v = ok(f, "GetObject",
	       arena_printf(&f->a, "{'Bucket':'buck','Key':'%s','PartNumber':2%s}", key, keys));
	assert_true(same_body(f, v, two));
}

TEST(sse_c_completion_needs_the_key_if_a_checksum_was_asked_for)
{
	struct fixture *f = with_bucket();
	const char *id = text(f, ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'c','ChecksumAlgorithm':'CRC32'," KEY_A "}"), "UploadId");
	const struct json *v = in_upload(f, "UploadPart", id, "{'Bucket':'buck','Key':'c','PartNumber':1,'ChecksumAlgorithm':'CRC32'," KEY_A "}", VIEW("x"));
	const char *done = arena_printf(&f->a, "{'Bucket':'buck','Key':'c','MultipartUpload':{'Parts':[{'PartNumber':1,'ETag':'%.32s','ChecksumCRC32':'%s'}]}",
					text(f, v, "ETag") + 1, text(f, v, "ChecksumCRC32"));

	assert_null(in_upload(f, "CompleteMultipartUpload", id, arena_printf(&f->a, "%s}", done), VIEW_NONE));
	assert_ptr_equal(f->e.wire, &S3_INVALID_REQUEST);
	assert_null(in_upload(f, "CompleteMultipartUpload", id, arena_printf(&f->a, "%s," KEY_B "}", done), VIEW_NONE));
	assert_ptr_equal(f->e.wire, &S3_INVALID_REQUEST);
	assert_non_null(in_upload(f, "CompleteMultipartUpload", id, arena_printf(&f->a, "%s," KEY_A "}", done), VIEW_NONE));
	fixture_free(f);
}

TEST(sse_uploads_in_parts)
{
	struct fixture *f = with_bucket();

	multipart(f, "{'Bucket':'buck','Key':'s','ServerSideEncryption':'AES256'}", "s", "");
	multipart(f, "{'Bucket':'buck','Key':'c'," KEY_A "}", "c", "," KEY_A);
	assert_false(on_disk(f, f->dir, VIEW(CANARY)));
	fixture_free(f);
}

TEST(sse_default_of_a_bucket)
{
	struct fixture *f = with_bucket();
	const struct json *v;

	fails(f, "GetBucketEncryption", "{'Bucket':'buck'}",
	      "ServerSideEncryptionConfigurationNotFoundError");
	fails(f, "GetBucketEncryption", "{'Bucket':'none'}", "NoSuchBucket");
	fails(f, "PutBucketEncryption",
	      "{'Bucket':'buck','ServerSideEncryptionConfiguration':{'Rules':[{"
	      "'ApplyServerSideEncryptionByDefault':{'SSEAlgorithm':'aws:kms'}}]}}",
	      "NotImplemented");
	fails(f, "PutBucketEncryption",
	      "{'Bucket':'buck','ServerSideEncryptionConfiguration':{'Rules':[]}}", "MalformedXML");
	ok(f, "PutBucketEncryption",
	   "{'Bucket':'buck','ServerSideEncryptionConfiguration':{'Rules':[{"
	   "'ApplyServerSideEncryptionByDefault':{'SSEAlgorithm':'AES256'}}]}}");
	ok(f, "GetBucketEncryption", "{'Bucket':'buck'}");
	put_sse(f, "{'Bucket':'buck','Key':'k'}", canary(f, SEG));
	v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'k'}");
	assert_string_equal(text(f, v, "ServerSideEncryption"), "AES256");
	fixture_restart(f);
	put_sse(f, "{'Bucket':'buck','Key':'k2'}", canary(f, SEG));
	v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'k2'}");
	assert_string_equal(text(f, v, "ServerSideEncryption"), "AES256");
	assert_false(on_disk(f, f->dir, VIEW(CANARY)));
	ok(f, "DeleteBucketEncryption", "{'Bucket':'buck'}");
	put_sse(f, "{'Bucket':'buck','Key':'k'}", VIEW("x"));
	v = ok(f, "HeadObject", "{'Bucket':'buck','Key':'k'}");
	assert_string_equal(text(f, v, "ServerSideEncryption"), "");
	fixture_free(f);
}

struct tx {
	struct fixture *f;
	struct s3_new o;
};

static int tx_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx *t = arg;

	return t->f->port.put_tx(t->f->s3, tx, &t->o, e);
}

TEST(sse_default_holds_for_other_services)
{
	struct fixture *f = with_bucket();
	struct view body = canary(f, 3 * SEG), got;
	struct tx t = { f, { .bucket = "buck", .key = "staged", .md5_hex = "0" } };
	struct s3_new o = { .bucket = "buck", .key = "put" };
	const char *path = arena_printf(&f->a, "%s/blob/staged", f->dir), *plain;
	struct s3_object obj;
	struct stat st;

	ok(f, "PutBucketEncryption",
	   "{'Bucket':'buck','ServerSideEncryptionConfiguration':{'Rules':[{"
	   "'ApplyServerSideEncryptionByDefault':{'SSEAlgorithm':'AES256'}}]}}");
	assert_int_equal(f->port.put(f->s3, &o, body, NULL, &f->e), 0);
	assert_false(on_disk(f, f->dir, VIEW(CANARY)));
	assert_int_equal(f->port.get(f->s3, "buck", "put", MIB, &f->a, &got, &f->e), 0);
	assert_true(view_eq(got, body));
	assert_int_equal(file_replace(path, body, 0600, &f->e), 0);
	o.key = "file";
	assert_int_equal(f->port.put(f->s3, &o, VIEW_NONE, path, &f->e), 0);
	assert_int_equal(access(path, F_OK), -1);
	/* A plain blob is refused, unless it was made ready before. */
	assert_int_equal(blob_put(f->blob, body, &f->a, &plain, &f->e), 0);
	t.o.ref = plain;
	assert_int_equal(meta_write(f->meta, tx_fn, &t, &f->e), ERR_BUSY);
	err_clear(&f->e);
	assert_int_equal(f->port.ready(f->s3, "buck", &t.o.ref, &f->a, &f->e), 0);
	assert_false(blob_there(f, plain));
	assert_int_equal(meta_write(f->meta, tx_fn, &t, &f->e), 0);
	assert_int_equal(f->port.get(f->s3, "buck", "staged", MIB, &f->a, &got, &f->e), 0);
	assert_true(view_eq(got, body));
	assert_false(on_disk(f, f->dir, VIEW(CANARY)));
	/* Child processes read a decrypted copy, which goes with the object. */
	assert_int_equal(f->port.head(f->s3, "buck", "staged", &f->a, &obj, &f->e), 0);
	assert_int_equal(obj.size, body.n);
	assert_int_equal(f->port.path(f->s3, &obj, &f->a, &path, &f->e), 0);
	assert_int_equal(file_read(path, &f->a, MIB, &got, &f->e), 0);
	assert_true(view_eq(got, body));
	assert_int_equal(f->port.remove(f->s3, "buck", "staged", &f->e), 0);
	for (int64_t until = clock_mono_ns() + 10LL * 1000000000;
	     stat(path, &st) == 0 && clock_mono_ns() < until;)
		sched_yield();
	assert_int_equal(stat(path, &st), -1);
	fixture_free(f);
}

TEST(sse_flipped_bytes_are_never_handed_out)
{
	struct fixture *f = with_bucket();
	const char *objects = arena_printf(&f->a, "%s/blob/objects", f->dir);
	const char *uuid, *path;
	int fd;

	put_sse(f, "{'Bucket':'buck','Key':'k','ServerSideEncryption':'AES256'}",
		canary(f, 3 * SEG));
	uuid = arena_str(&f->a, view_sub(view_str(blob_bare(ref_of(f, "buck", "k"))), 3, 36));
	path = arena_printf(&f->a, "%s/%s/%s", objects, uuid + 34, uuid);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (off_t at = 0; at < 3 * (SEG + 16); at += 20011) {
		char c;

		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= 1;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		assert_null(call(f, "GetObject", "{'Bucket':'buck','Key':'k'}"));
		c ^= 1;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
	}
	close(fd);
	ok(f, "GetObject", "{'Bucket':'buck','Key':'k'}");
	fixture_free(f);
}

/* --- keys --- */

static int spoil_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	return tx_run(tx, e, arg, "");
}

static size_t damaged(struct fixture *f)
{
	struct s3_scrub x;

	assert_int_equal(s3_scrub(f->s3, "", 60000, &f->a, &x, &f->e), 0);
	assert_null(x.next);
	return json_len(x.problems);
}

TEST(sse_scrub_reads_what_encrypted_objects_say)
{
	static const char *const spoils[] = {
		"UPDATE s3_object SET ck_value = 'AAAAAAAAAAA=' WHERE okey = X'73'",		  /* s */
		"UPDATE s3_object SET etag = '00000000000000000000000000000000' WHERE okey = X'74'", /* t */
		"UPDATE s3_part SET md5 = '00000000000000000000000000000000'",
		"UPDATE s3_object SET ck_value = 'AAAAAAAAAAA=' WHERE okey = X'63'", /* c: only its key could tell */
	};
	static const size_t found[] = { 1, 2, 3, 3 };
	struct fixture *f = with_bucket();
	struct view body = canary(f, 3 * SEG + 77);
	const char *id;

	put_sse(f, "{'Bucket':'buck','Key':'s','ServerSideEncryption':'AES256'}", body);
	put_sse(f, "{'Bucket':'buck','Key':'t','ServerSideEncryption':'AES256'}", VIEW("small"));
	put_sse(f, "{'Bucket':'buck','Key':'c'," KEY_A "}", body);
	id = text(f, ok(f, "CreateMultipartUpload", "{'Bucket':'buck','Key':'u','ServerSideEncryption':'AES256'}"), "UploadId");
	assert_non_null(in_upload(f, "UploadPart", id, "{'Bucket':'buck','Key':'u','PartNumber':1}", body));
	assert_int_equal(damaged(f), 0);
	for (size_t i = 0; i < ARRAY_LEN(spoils); i++) {
		assert_int_equal(meta_write(f->meta, spoil_fn, (void *)(uintptr_t)spoils[i], &f->e), 0);
		assert_int_equal(damaged(f), found[i]);
	}
	fixture_free(f);
}

TEST(sse_key_goes_with_its_bucket)
{
	struct fixture *f = with_bucket();
	struct seal_key a, b;
	struct s3_row row = { .bucket = "buck", .key = "k", .sse = "AES256" };
	struct s3_part part = { 0 };
	const struct s3_sse sse = { .kind = S3_SSE_S3, .bucket = "buck" };
	struct s3_publish p = { .row = row, .arena = &f->a };
	struct blob_writer *w;

	put_sse(f, "{'Bucket':'buck','Key':'k','ServerSideEncryption':'AES256'}", VIEW("x"));
	assert_int_equal(s3__bucket_key(f->s3, "buck", false, &a, &f->e), 0);
	/* Bytes that are under way while their bucket is made anew are not published: nobody could read them. */
	assert_int_equal(s3__seal_begin(f->s3, &sse, &w, &f->e), 0);
	assert_int_equal(blob_commit(w, &f->a, &part.ref, &f->e), 0);
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'k'}");
	ok(f, "DeleteBucket", "{'Bucket':'buck'}");
	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	put_sse(f, "{'Bucket':'buck','Key':'k','ServerSideEncryption':'AES256'}", VIEW("x"));
	assert_int_equal(s3__bucket_key(f->s3, "buck", false, &b, &f->e), 0);
	assert_memory_not_equal(a.id, b.id, SEAL_ID);
	assert_memory_not_equal(a.key, b.key, GCM_KEY);
	p.row.parts = &part;
	p.row.n_parts = 1;
	p.row.etag = "e";
	p.row.info.content_type = "a/b";
	assert_int_equal(s3__publish(f->s3, &p, false, &f->e), ERR_INVALID);
	assert_ptr_equal(f->e.wire, &S3_OPERATION_ABORTED);
	fixture_free(f);
}

TEST(sse_master_key_is_not_replaced)
{
	struct fixture *f = with_bucket();
	const char *path = arena_printf(&f->a, "%s/master.key", f->dir);
	const char *away = arena_printf(&f->a, "%s/away", f->dir);
	uint8_t file[S3_MASTER_FILE];
	struct s3_master other = { .there = true };
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
	put_sse(f, "{'Bucket':'buck','Key':'k','ServerSideEncryption':'AES256'}", VIEW("x"));
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(s3__keys_start(&(struct s3){ .meta = f->meta }, path, true, &f->e),
			 ERR_NOENT);
	err_clear(&f->e);
	assert_false(file_exists(path));
	s3__master_print(&other, file);
	assert_int_equal(file_replace(path, view_of((char *)file, sizeof(file)), 0400, &f->e), 0);
	assert_int_equal(s3__keys_start(&(struct s3){ .meta = f->meta }, path, true, &f->e),
			 ERR_CORRUPT);
	err_clear(&f->e);
	assert_int_equal(file_replace(path, VIEW("short"), 0400, &f->e), 0);
	assert_int_equal(s3__keys_start(&(struct s3){ .meta = f->meta }, path, true, &f->e),
			 ERR_CORRUPT);
	err_clear(&f->e);
	assert_int_equal(rename(away, path), 0);
	fixture_restart(f);
	ok(f, "GetObject", "{'Bucket':'buck','Key':'k'}");
	fixture_free(f);
}

TEST(sse_key_texts_take_no_other)
{
	struct s3_master m = { .there = true, .id = { 1 }, .key = { 2 } }, got;
	uint8_t file[S3_MASTER_FILE], doc[S3_BUCKET_KEY];
	struct seal_key k;
	struct arena a;
	struct view bytes;
	const char *text;

	arena_init(&a, MIB);
	s3__master_print(&m, file);
	assert_true(s3__master_parse(view_of((char *)file, sizeof(file)), &got));
	assert_memory_equal(got.key, m.key, GCM_KEY);
	for (size_t i = 0; i < sizeof(file); i++) {
		file[i] ^= 4;
		assert_false(s3__master_parse(view_of((char *)file, sizeof(file)), &got));
		file[i] ^= 4;
		assert_false(s3__master_parse(view_of((char *)file, i), &got));
	}
	text = s3__bucket_key_new(&m, "buck", &a);
	assert_true(s3__bucket_key_open(&m, "buck", view_str(text), &a, &k));
	assert_false(s3__bucket_key_open(&m, "other", view_str(text), &a, &k));
	assert_true(base64_decode_arena(&a, view_sub(view_str(text), 8, 128), &bytes));
	memcpy(doc, bytes.p, sizeof(doc));
	for (size_t i = 0; i < sizeof(doc); i++) {
		doc[i] ^= 1;
		text = arena_printf(&a, "{\"Key\":\"%.128s\"}",
				    base64_encode_arena(&a, view_of((char *)doc, sizeof(doc))).p);
		assert_false(s3__bucket_key_open(&m, "buck", view_str(text), &a, &k));
		doc[i] ^= 1;
	}
	arena_clear(&a);
}
