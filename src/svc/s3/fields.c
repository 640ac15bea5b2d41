/* SPDX-License-Identifier: Apache-2.0 */
/* fields -- the members of every operation: honoured, or refused by name. */
#include "svc/s3/s3_access.h"
#include "svc/s3/s3_ops.h"

#define HEADER(h) .loc = OPL_HEADER, .at = h
#define QUERY(q) .loc = OPL_QUERY, .at = q
#define NO(member, h) OP_REFUSED(member, HEADER(h))

static const char *const canned[] = { "private",       "public-read",       "public-read-write",         "authenticated-read",
				      "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control", NULL };
static const char *const canned_bucket[] = { "private", "public-read", "public-read-write", "authenticated-read", NULL };
static const char *const requester[] = { "requester", NULL };
static const char *const standard[] = { "STANDARD", NULL };
static const char *const other_class[] = { "REDUCED_REDUNDANCY",
					   "STANDARD_IA",
					   "ONEZONE_IA",
					   "INTELLIGENT_TIERING",
					   "GLACIER",
					   "DEEP_ARCHIVE",
					   "OUTPOSTS",
					   "GLACIER_IR",
					   "SNOW",
					   "EXPRESS_ONEZONE",
					   "FSX_OPENZFS",
					   "FSX_ONTAP",
					   NULL };
static const char *const ck_algorithms[] = { "CRC32",  "CRC32C", "SHA1",     "SHA256",
					     "CRC64NVME", "SHA512", "MD5", "XXHASH64",
					     "XXHASH3",	  "XXHASH128", NULL };
static const char *const ck_types[] = { "COMPOSITE", "FULL_OBJECT", NULL };
static const char *const enabled[] = { "ENABLED", NULL };
static const char *const sse_algorithms[] = { "AES256", NULL };
static const char *const other_sse[] = { "aws:kms", "aws:kms:dsse", "aws:fsx", NULL };
static const char *const directives[] = { "COPY", "REPLACE", NULL };
static const char *const lock_modes[] = { "GOVERNANCE", "COMPLIANCE", NULL };
static const char *const hold_states[] = { "ON", "OFF", NULL };
static const char *const url[] = { "url", NULL };
static const char *const enforced[] = { "BucketOwnerEnforced", NULL };
static const char *const other_ownership[] = { "BucketOwnerPreferred", "ObjectWriter", NULL };

#define BUCKET(st) OP_STR(st, bucket, "Bucket", true, 0, 0, .loc = OPL_PATH)
#define KEY(st) OP_STR(st, key, "Key", true, 1, 0, .loc = OPL_PATH)
#define OWNER(st) \
	OP_STR(st, owner, "ExpectedBucketOwner", false, 0, 0, HEADER("x-amz-expected-bucket-owner"))
#define PAYER(st) \
	OP_ENUM(st, payer, "RequestPayer", false, requester, NULL, HEADER("x-amz-request-payer"))
#define VERSION(st) OP_STR(st, version, "VersionId", false, 0, 0, QUERY("versionId"))
#define ACL(st) OP_ENUM(st, acl, "ACL", false, canned, NULL, HEADER("x-amz-acl"))
#define CLASS(st) \
	OP_ENUM(st, storage, "StorageClass", false, standard, other_class, \
		HEADER("x-amz-storage-class"), .invalid = &S3_INVALID_STORAGE_CLASS)
#define UPLOAD(st) OP_STR(st, upload, "UploadId", true, 0, 0, QUERY("uploadId"))
#define LENGTH(st) OP_INT(st, length, "ContentLength", false, 0, 0, HEADER("Content-Length"))
#define MD5(st) OP_STR(st, content_md5, "ContentMD5", false, 0, 0, HEADER("Content-MD5"))
#define SDK_ALGORITHM(st, m) \
	OP_ENUM(st, m, "ChecksumAlgorithm", false, ck_algorithms, NULL, \
		HEADER("x-amz-sdk-checksum-algorithm"), .invalid = &S3_INVALID_REQUEST)
#define ALGORITHM(st) \
	OP_ENUM(st, ck_algorithm, "ChecksumAlgorithm", false, ck_algorithms, NULL, \
		HEADER("x-amz-checksum-algorithm"))

#define HEAD(st) \
	OP_STR(st, head.cache_control, "CacheControl", false, 0, 0, HEADER("Cache-Control")), \
		OP_STR(st, head.disposition, "ContentDisposition", false, 0, 0, \
		       HEADER("Content-Disposition")), \
		OP_STR(st, head.encoding, "ContentEncoding", false, 0, 0, \
		       HEADER("Content-Encoding")), \
		OP_STR(st, head.language, "ContentLanguage", false, 0, 0, \
		       HEADER("Content-Language")), \
		OP_STR(st, head.type, "ContentType", false, 0, 0, HEADER("Content-Type")), \
		OP_STR(st, head.expires, "Expires", false, 0, 0, HEADER("Expires")), \
		OP_MAP(st, head.meta, "Metadata", false, 0, .loc = OPL_HEADERS, \
		       .at = "x-amz-meta-"), \
		OP_STR(st, head.tagging, "Tagging", false, 0, 0, HEADER("x-amz-tagging"))

#define CK_HEADER(st, m, algo, name, h) \
	OP_STR(st, m[algo], name, false, 0, 0, HEADER("x-amz-checksum-" h))
#define CHECKSUMS(st) \
	CK_HEADER(st, ck.value, CK_CRC32, "ChecksumCRC32", "crc32"), \
		CK_HEADER(st, ck.value, CK_CRC32C, "ChecksumCRC32C", "crc32c"), \
		CK_HEADER(st, ck.value, CK_CRC64NVME, "ChecksumCRC64NVME", "crc64nvme"), \
		CK_HEADER(st, ck.value, CK_SHA1, "ChecksumSHA1", "sha1"), \
		CK_HEADER(st, ck.value, CK_SHA256, "ChecksumSHA256", "sha256"), \
		CK_HEADER(st, ck.value, CK_SHA512, "ChecksumSHA512", "sha512"), \
		CK_HEADER(st, ck.value, CK_MD5, "ChecksumMD5", "md5"), \
		CK_HEADER(st, ck.value, CK_XXHASH64, "ChecksumXXHASH64", "xxhash64"), \
		CK_HEADER(st, ck.value, CK_XXHASH3, "ChecksumXXHASH3", "xxhash3"), \
		CK_HEADER(st, ck.value, CK_XXHASH128, "ChecksumXXHASH128", "xxhash128")

#define SSE_C_AS(st, m, member, h) \
	OP_STR(st, m.algorithm, member "SSECustomerAlgorithm", false, 0, 0, \
	       HEADER(h "server-side-encryption-customer-algorithm")), \
		OP_STR(st, m.key, member "SSECustomerKey", false, 0, 0, \
		       HEADER(h "server-side-encryption-customer-key")), \
		OP_STR(st, m.md5, member "SSECustomerKeyMD5", false, 0, 0, \
		       HEADER(h "server-side-encryption-customer-key-MD5"))
#define SSE_C(st) SSE_C_AS(st, sse, "", "x-amz-")
#define SSE(st) \
	OP_STR(st, sse.sse, "ServerSideEncryption", false, 0, 0, \
	       HEADER("x-amz-server-side-encryption")), /* s3__sse_of(): policies are asked first */ \
		SSE_C(st)
#define KMS_REFUSED \
	NO("SSEKMSKeyId", "x-amz-server-side-encryption-aws-kms-key-id"), \
		NO("SSEKMSEncryptionContext", "x-amz-server-side-encryption-context"), \
		NO("BucketKeyEnabled", "x-amz-server-side-encryption-bucket-key-enabled")
#define GRANTS_REFUSED \
	NO("GrantFullControl", "x-amz-grant-full-control"), NO("GrantRead", "x-amz-grant-read"), \
		NO("GrantReadACP", "x-amz-grant-read-acp"), \
		NO("GrantWriteACP", "x-amz-grant-write-acp")
#define LOCK(st) \
	OP_ENUM(st, lock.mode, "ObjectLockMode", false, lock_modes, NULL, \
		HEADER("x-amz-object-lock-mode")), \
		OP_TIME(st, lock.until, "ObjectLockRetainUntilDate", false, \
			HEADER("x-amz-object-lock-retain-until-date")), \
		OP_ENUM(st, lock.hold, "ObjectLockLegalHoldStatus", false, hold_states, NULL, \
			HEADER("x-amz-object-lock-legal-hold"))
#define BYPASS(st) \
	OP_BOOL(st, bypass, "BypassGovernanceRetention", false, \
		HEADER("x-amz-bypass-governance-retention"))
/* Of everything that makes an object. */
#define NEW_REFUSED \
	GRANTS_REFUSED, KMS_REFUSED, \
		NO("WebsiteRedirectLocation", "x-amz-website-redirect-location")

const struct op_field s3__f_head_bucket[] = { BUCKET(struct in_bucket), OWNER(struct in_bucket),
					      OP_END };
const struct op_field s3__f_bucket[] = { BUCKET(struct in_bucket), OWNER(struct in_bucket),
					 OP_END };

static const struct op_field location_fields[] = {
	OP_STR(struct in_location, constraint, "LocationConstraint", false, 0, 0),
	OP_REFUSED("Location"), OP_REFUSED("Bucket"), OP_REFUSED("Tags"), OP_END
};
const struct op_field s3__f_create_bucket[] = {
	BUCKET(struct in_create_bucket),
	OP_ENUM(struct in_create_bucket, acl, "ACL", false, canned_bucket, NULL,
		HEADER("x-amz-acl")),
	OP_ENUM(struct in_create_bucket, ownership, "ObjectOwnership", false, enforced,
		other_ownership, HEADER("x-amz-object-ownership")),
	OP_OBJ(struct in_create_bucket, config, "CreateBucketConfiguration", false, location_fields,
	       .loc = OPL_PAYLOAD, .at = "CreateBucketConfiguration"),
	GRANTS_REFUSED,
	NO("GrantWrite", "x-amz-grant-write"),
	OP_BOOL(struct in_create_bucket, lock, "ObjectLockEnabledForBucket", false,
		HEADER("x-amz-bucket-object-lock-enabled")),
	NO("BucketNamespace", "x-amz-bucket-namespace"),
	OP_END
};

const struct op_field s3__f_list_buckets[] = {
	OP_INT(struct in_list_buckets, max, "MaxBuckets", false, 1, 10000, QUERY("max-buckets")),
	OP_STR(struct in_list_buckets, token, "ContinuationToken", false, 0, 0,
	       QUERY("continuation-token")),
	OP_STR(struct in_list_buckets, prefix, "Prefix", false, 0, 0, QUERY("prefix")),
	OP_STR(struct in_list_buckets, region, "BucketRegion", false, 0, 0, QUERY("bucket-region")),
	OP_END
};

const struct op_field s3__f_put[] = {
	BUCKET(struct in_put),
	KEY(struct in_put),
	OWNER(struct in_put),
	PAYER(struct in_put),
	ACL(struct in_put),
	CLASS(struct in_put),
	LENGTH(struct in_put),
	MD5(struct in_put),
	HEAD(struct in_put),
	SDK_ALGORITHM(struct in_put, ck.algorithm),
	CHECKSUMS(struct in_put),
	OP_STR(struct in_put, if_match, "IfMatch", false, 0, 0, HEADER("If-Match")),
	OP_STR(struct in_put, if_none_match, "IfNoneMatch", false, 0, 0, HEADER("If-None-Match")),
	OP_BLOB(struct in_put, body, "Body", false, 0, 0, .loc = OPL_PAYLOAD),
	NO("WriteOffsetBytes", "x-amz-write-offset-bytes"),
	LOCK(struct in_put),
	SSE(struct in_put), NEW_REFUSED,
	OP_END
};

const struct op_field s3__f_get[] = {
	BUCKET(struct in_get),
	KEY(struct in_get),
	OWNER(struct in_get),
	PAYER(struct in_get),
	VERSION(struct in_get),
	OP_STR(struct in_get, range, "Range", false, 0, 0, HEADER("Range")),
	OP_STR(struct in_get, if_match, "IfMatch", false, 0, 0, HEADER("If-Match")),
	OP_STR(struct in_get, if_none_match, "IfNoneMatch", false, 0, 0, HEADER("If-None-Match")),
	OP_TIME(struct in_get, if_modified, "IfModifiedSince", false, HEADER("If-Modified-Since")),
	OP_TIME(struct in_get, if_unmodified, "IfUnmodifiedSince", false,
		HEADER("If-Unmodified-Since")),
	OP_INT(struct in_get, part, "PartNumber", false, 0, 0, QUERY("partNumber")),
	OP_ENUM(struct in_get, ck_mode, "ChecksumMode", false, enabled, NULL,
		HEADER("x-amz-checksum-mode")),
	OP_STR(struct in_get, cache_control, "ResponseCacheControl", false, 0, 0,
	       QUERY("response-cache-control")),
	OP_STR(struct in_get, disposition, "ResponseContentDisposition", false, 0, 0,
	       QUERY("response-content-disposition")),
	OP_STR(struct in_get, encoding, "ResponseContentEncoding", false, 0, 0,
	       QUERY("response-content-encoding")),
	OP_STR(struct in_get, language, "ResponseContentLanguage", false, 0, 0,
	       QUERY("response-content-language")),
	OP_STR(struct in_get, type, "ResponseContentType", false, 0, 0,
	       QUERY("response-content-type")),
	OP_TIME(struct in_get, expires, "ResponseExpires", false, QUERY("response-expires")),
	SSE_C(struct in_get),
	OP_REFUSED("ServerSideEncryption", HEADER("x-amz-server-side-encryption"),
		   .invalid = &S3_INVALID_ARGUMENT),
	OP_END
};

const struct op_field s3__f_delete[] = {
	BUCKET(struct in_delete),
	KEY(struct in_delete),
	OWNER(struct in_delete),
	PAYER(struct in_delete),
	VERSION(struct in_delete),
	OP_STR(struct in_delete, if_match, "IfMatch", false, 0, 0, HEADER("If-Match")),
	OP_TIME(struct in_delete, if_modified, "IfMatchLastModifiedTime", false,
		HEADER("x-amz-if-match-last-modified-time")),
	OP_INT(struct in_delete, if_size, "IfMatchSize", false, 0, 0,
	       HEADER("x-amz-if-match-size")),
	NO("MFA", "x-amz-mfa"),
	BYPASS(struct in_delete),
	OP_END
};

static const struct op_field delete_item_fields[] = {
	OP_STR(struct in_delete_item, key, "Key", true, 1, 0),
	OP_STR(struct in_delete_item, version, "VersionId", false, 0, 0),
	OP_STR(struct in_delete_item, etag, "ETag", false, 0, 0),
	OP_TIME(struct in_delete_item, modified, "LastModifiedTime", false),
	OP_INT(struct in_delete_item, size, "Size", false, 0, 0),
	OP_END
};
static const struct op_field delete_item[] = { OP_ITEM_OBJ(delete_item_fields), OP_END };
static const struct op_field delete_list_fields[] = {
	OP_LIST(struct in_delete_list, objects, "Objects", true, struct in_delete_item, delete_item,
		0, 0, .flat = true, .at = "Object"),
	OP_BOOL(struct in_delete_list, quiet, "Quiet", false), OP_END
};
const struct op_field s3__f_delete_many[] = {
	BUCKET(struct in_delete_many),
	OWNER(struct in_delete_many),
	PAYER(struct in_delete_many),
	SDK_ALGORITHM(struct in_delete_many, ck_algorithm),
	OP_OBJ(struct in_delete_many, list, "Delete", true, delete_list_fields, .loc = OPL_PAYLOAD,
	       .at = "Delete"),
	NO("MFA", "x-amz-mfa"),
	BYPASS(struct in_delete_many),
	OP_END
};

#define SOURCE(st) \
	OP_STR(st, source, "CopySource", true, 0, 0, HEADER("x-amz-copy-source")), \
		OP_STR(st, src_if_match, "CopySourceIfMatch", false, 0, 0, \
		       HEADER("x-amz-copy-source-if-match")), \
		OP_STR(st, src_if_none_match, "CopySourceIfNoneMatch", false, 0, 0, \
		       HEADER("x-amz-copy-source-if-none-match")), \
		OP_TIME(st, src_if_modified, "CopySourceIfModifiedSince", false, \
			HEADER("x-amz-copy-source-if-modified-since")), \
		OP_TIME(st, src_if_unmodified, "CopySourceIfUnmodifiedSince", false, \
			HEADER("x-amz-copy-source-if-unmodified-since")), \
		OP_STR(st, source_owner, "ExpectedSourceBucketOwner", false, 0, 0, \
		       HEADER("x-amz-source-expected-bucket-owner")), \
		SSE_C_AS(st, src_sse, "CopySource", "x-amz-copy-source-")
const struct op_field s3__f_copy[] = {
	BUCKET(struct in_copy),
	KEY(struct in_copy),
	OWNER(struct in_copy),
	PAYER(struct in_copy),
	ACL(struct in_copy),
	CLASS(struct in_copy),
	HEAD(struct in_copy),
	ALGORITHM(struct in_copy),
	SOURCE(struct in_copy),
	OP_STR(struct in_copy, if_match, "IfMatch", false, 0, 0, HEADER("If-Match")),
	OP_STR(struct in_copy, if_none_match, "IfNoneMatch", false, 0, 0, HEADER("If-None-Match")),
	OP_ENUM(struct in_copy, meta_directive, "MetadataDirective", false, directives, NULL,
		HEADER("x-amz-metadata-directive")),
	OP_ENUM(struct in_copy, tag_directive, "TaggingDirective", false, directives, NULL,
		HEADER("x-amz-tagging-directive")),
	LOCK(struct in_copy),
	SSE(struct in_copy), NEW_REFUSED,
	OP_END
};

#define LIST \
	BUCKET(struct in_list), OWNER(struct in_list), PAYER(struct in_list), \
		OP_STR(struct in_list, delimiter, "Delimiter", false, 0, 0, QUERY("delimiter")), \
		OP_ENUM(struct in_list, encoding, "EncodingType", false, url, NULL, \
			QUERY("encoding-type")), \
		OP_STR(struct in_list, prefix, "Prefix", false, 0, 0, QUERY("prefix")), \
		OP_INT(struct in_list, max, "MaxKeys", false, 0, 0, QUERY("max-keys")), \
		NO("OptionalObjectAttributes", "x-amz-optional-object-attributes")
const struct op_field s3__f_list_v1[] = {
	LIST, OP_STR(struct in_list, marker, "Marker", false, 0, 0, QUERY("marker")), OP_END
};
const struct op_field s3__f_list_v2[] = {
	LIST,
	OP_STR(struct in_list, token, "ContinuationToken", false, 0, 0,
	       QUERY("continuation-token")),
	OP_STR(struct in_list, start_after, "StartAfter", false, 0, 0, QUERY("start-after")),
	OP_BOOL(struct in_list, fetch_owner, "FetchOwner", false, QUERY("fetch-owner")), OP_END
};

const struct op_field s3__f_mpu_create[] = { BUCKET(struct in_mpu_create),
					     KEY(struct in_mpu_create),
					     OWNER(struct in_mpu_create),
					     PAYER(struct in_mpu_create),
					     ACL(struct in_mpu_create),
					     CLASS(struct in_mpu_create),
					     HEAD(struct in_mpu_create),
					     ALGORITHM(struct in_mpu_create),
					     OP_ENUM(struct in_mpu_create, ck_type, "ChecksumType",
						     false, ck_types, NULL,
						     HEADER("x-amz-checksum-type")),
					     LOCK(struct in_mpu_create),
					     SSE(struct in_mpu_create), NEW_REFUSED,
					     OP_END };

const struct op_field s3__f_mpu_part[] = {
	BUCKET(struct in_mpu_part),
	KEY(struct in_mpu_part),
	OWNER(struct in_mpu_part),
	PAYER(struct in_mpu_part),
	UPLOAD(struct in_mpu_part),
	LENGTH(struct in_mpu_part),
	MD5(struct in_mpu_part),
	OP_INT(struct in_mpu_part, number, "PartNumber", true, 0, 0, QUERY("partNumber")),
	SDK_ALGORITHM(struct in_mpu_part, ck.algorithm),
	CHECKSUMS(struct in_mpu_part),
	OP_BLOB(struct in_mpu_part, body, "Body", false, 0, 0, .loc = OPL_PAYLOAD),
	SSE_C(struct in_mpu_part),
	OP_END
};

const struct op_field s3__f_mpu_copy[] = { BUCKET(struct in_mpu_copy),
					   KEY(struct in_mpu_copy),
					   OWNER(struct in_mpu_copy),
					   PAYER(struct in_mpu_copy),
					   UPLOAD(struct in_mpu_copy),
					   OP_INT(struct in_mpu_copy, number, "PartNumber", true, 0,
						  0, QUERY("partNumber")),
					   OP_STR(struct in_mpu_copy, range, "CopySourceRange",
						  false, 0, 0, HEADER("x-amz-copy-source-range")),
					   SOURCE(struct in_mpu_copy),
					   SSE_C(struct in_mpu_copy),
					   OP_END };

static const struct op_field done_part_fields[] = {
	OP_STR(struct in_done_part, etag, "ETag", false, 0, 0),
	OP_INT(struct in_done_part, number, "PartNumber", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_CRC32], "ChecksumCRC32", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_CRC32C], "ChecksumCRC32C", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_CRC64NVME], "ChecksumCRC64NVME", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_SHA1], "ChecksumSHA1", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_SHA256], "ChecksumSHA256", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_SHA512], "ChecksumSHA512", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_MD5], "ChecksumMD5", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_XXHASH64], "ChecksumXXHASH64", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_XXHASH3], "ChecksumXXHASH3", false, 0, 0),
	OP_STR(struct in_done_part, ck[CK_XXHASH128], "ChecksumXXHASH128", false, 0, 0),
	OP_END
};
static const struct op_field done_part[] = { OP_ITEM_OBJ(done_part_fields), OP_END };
static const struct op_field done_list_fields[] = { OP_LIST(struct in_done_list, parts, "Parts",
							    false, struct in_done_part, done_part,
							    0, 0, .flat = true, .at = "Part"),
						    OP_END };
const struct op_field s3__f_mpu_complete[] = {
	BUCKET(struct in_mpu_complete),
	KEY(struct in_mpu_complete),
	OWNER(struct in_mpu_complete),
	PAYER(struct in_mpu_complete),
	UPLOAD(struct in_mpu_complete),
	CHECKSUMS(struct in_mpu_complete),
	OP_ENUM(struct in_mpu_complete, ck_type, "ChecksumType", false, ck_types, NULL,
		HEADER("x-amz-checksum-type")),
	OP_INT(struct in_mpu_complete, size, "MpuObjectSize", false, 0, 0,
	       HEADER("x-amz-mp-object-size")),
	OP_STR(struct in_mpu_complete, if_match, "IfMatch", false, 0, 0, HEADER("If-Match")),
	OP_STR(struct in_mpu_complete, if_none_match, "IfNoneMatch", false, 0, 0,
	       HEADER("If-None-Match")),
	OP_OBJ(struct in_mpu_complete, list, "MultipartUpload", false, done_list_fields,
	       .loc = OPL_PAYLOAD, .at = "CompleteMultipartUpload"),
	SSE_C(struct in_mpu_complete),
	OP_END
};

const struct op_field s3__f_mpu_abort[] = { BUCKET(struct in_mpu_abort),
					    KEY(struct in_mpu_abort),
					    OWNER(struct in_mpu_abort),
					    PAYER(struct in_mpu_abort),
					    UPLOAD(struct in_mpu_abort),
					    OP_TIME(struct in_mpu_abort, if_initiated,
						    "IfMatchInitiatedTime", false,
						    HEADER("x-amz-if-match-initiated-time")),
					    OP_END };

const struct op_field s3__f_mpu_parts[] = { BUCKET(struct in_mpu_parts),
					    KEY(struct in_mpu_parts),
					    OWNER(struct in_mpu_parts),
					    PAYER(struct in_mpu_parts),
					    UPLOAD(struct in_mpu_parts),
					    OP_INT(struct in_mpu_parts, max, "MaxParts", false, 0,
						   0, QUERY("max-parts")),
					    OP_INT(struct in_mpu_parts, marker, "PartNumberMarker",
						   false, 0, 0, QUERY("part-number-marker")),
					    SSE_C(struct in_mpu_parts),
					    OP_END };

const struct op_field s3__f_mpu_list[] = {
	BUCKET(struct in_mpu_list),
	OWNER(struct in_mpu_list),
	PAYER(struct in_mpu_list),
	OP_STR(struct in_mpu_list, delimiter, "Delimiter", false, 0, 0, QUERY("delimiter")),
	OP_ENUM(struct in_mpu_list, encoding, "EncodingType", false, url, NULL,
		QUERY("encoding-type")),
	OP_STR(struct in_mpu_list, key_marker, "KeyMarker", false, 0, 0, QUERY("key-marker")),
	OP_STR(struct in_mpu_list, id_marker, "UploadIdMarker", false, 0, 0,
	       QUERY("upload-id-marker")),
	OP_STR(struct in_mpu_list, prefix, "Prefix", false, 0, 0, QUERY("prefix")),
	OP_INT(struct in_mpu_list, max, "MaxUploads", false, 0, 0, QUERY("max-uploads")),
	OP_END
};

#define TAGGING \
	BUCKET(struct in_tagging), KEY(struct in_tagging), OWNER(struct in_tagging), \
		VERSION(struct in_tagging)
static const struct op_field tag_fields[] = { OP_STR(struct in_tag, key, "Key", true, 1, 0),
					      OP_STR(struct in_tag, value, "Value", true, 0, 0),
					      OP_END };
static const struct op_field tag_item[] = { OP_ITEM_OBJ(tag_fields, .at = "Tag"), OP_END };
static const struct op_field tagset_fields[] = {
	OP_LIST(struct in_tagset, tags, "TagSet", true, struct in_tag, tag_item, 0, 0), OP_END
};
const struct op_field s3__f_get_tagging[] = { TAGGING, PAYER(struct in_tagging), OP_END };
const struct op_field s3__f_delete_tagging[] = { TAGGING, OP_END };
const struct op_field s3__f_put_tagging[] = { TAGGING,
					      PAYER(struct in_tagging),
					      MD5(struct in_tagging),
					      SDK_ALGORITHM(struct in_tagging, ck_algorithm),
					      OP_OBJ(struct in_tagging, tagging, "Tagging", true,
						     tagset_fields, .loc = OPL_PAYLOAD,
						     .at = "Tagging"),
					      OP_END };

static const char *const versioning_states[] = { "Enabled", "Suspended", NULL };
static const char *const mfa_states[] = { "Disabled", NULL };
static const char *const mfa_enabled[] = { "Enabled", NULL };
static const struct op_field versioning_fields[] = {
	OP_ENUM(struct in_versioning_config, status, "Status", false, versioning_states, NULL),
	OP_ENUM(struct in_versioning_config, mfa_delete, "MFADelete", false, mfa_states, mfa_enabled,
		.at = "MfaDelete"),
	OP_END
};
const struct op_field s3__f_put_versioning[] = {
	BUCKET(struct in_versioning),
	OWNER(struct in_versioning),
	MD5(struct in_versioning),
	SDK_ALGORITHM(struct in_versioning, ck_algorithm),
	NO("MFA", "x-amz-mfa"),
	OP_OBJ(struct in_versioning, config, "VersioningConfiguration", true, versioning_fields,
	       .loc = OPL_PAYLOAD, .at = "VersioningConfiguration"),
	OP_END
};

const struct op_field s3__f_list_versions[] = {
	BUCKET(struct in_versions),
	OWNER(struct in_versions),
	PAYER(struct in_versions),
	OP_STR(struct in_versions, delimiter, "Delimiter", false, 0, 0, QUERY("delimiter")),
	OP_ENUM(struct in_versions, encoding, "EncodingType", false, url, NULL,
		QUERY("encoding-type")),
	OP_STR(struct in_versions, key_marker, "KeyMarker", false, 0, 0, QUERY("key-marker")),
	OP_STR(struct in_versions, id_marker, "VersionIdMarker", false, 0, 0,
	       QUERY("version-id-marker")),
	OP_STR(struct in_versions, prefix, "Prefix", false, 0, 0, QUERY("prefix")),
	OP_INT(struct in_versions, max, "MaxKeys", false, 0, 0, QUERY("max-keys")),
	NO("OptionalObjectAttributes", "x-amz-optional-object-attributes"),
	OP_END
};

static const struct op_field none_fields[] = { OP_END };
/* Those that happen here; the others belong to what is refused by name elsewhere. */
static const char *const events_raised[] = {
	"s3:ObjectCreated:*",
	"s3:ObjectCreated:Put",
	"s3:ObjectCreated:Post",
	"s3:ObjectCreated:Copy",
	"s3:ObjectCreated:CompleteMultipartUpload",
	"s3:ObjectRemoved:*",
	"s3:ObjectRemoved:Delete",
	"s3:ObjectRemoved:DeleteMarkerCreated",
	"s3:ObjectTagging:*",
	"s3:ObjectTagging:Put",
	"s3:ObjectTagging:Delete",
	"s3:LifecycleExpiration:*",
	"s3:LifecycleExpiration:Delete",
	"s3:LifecycleExpiration:DeleteMarkerCreated",
	NULL
};
static const char *const events_not_raised[] = {
	"s3:ReducedRedundancyLostObject",
	"s3:ObjectRestore:*",
	"s3:ObjectRestore:Post",
	"s3:ObjectRestore:Completed",
	"s3:ObjectRestore:Delete",
	"s3:Replication:*",
	"s3:Replication:OperationFailedReplication",
	"s3:Replication:OperationNotTracked",
	"s3:Replication:OperationMissedThreshold",
	"s3:Replication:OperationReplicatedAfterThreshold",
	"s3:LifecycleTransition",
	"s3:IntelligentTiering",
	"s3:ObjectAcl:Put",
	NULL
};
static const struct op_field event_item[] = { OP_ITEM_ENUM(events_raised, events_not_raised, .invalid = &S3_INVALID_ARGUMENT), OP_END };
static const struct op_field filter_rule_fields[] = {
	OP_STR(struct in_filter_rule, name, "Name", false, 0, 0),
	OP_STR(struct in_filter_rule, value, "Value", false, 0, 0), OP_END
};
static const struct op_field filter_rule_item[] = { OP_ITEM_OBJ(filter_rule_fields), OP_END };
static const struct op_field key_filter_fields[] = {
	OP_LIST(struct in_key_filter, rules, "FilterRules", false, struct in_filter_rule,
		filter_rule_item, 0, 0, .at = "FilterRule", .flat = true),
	OP_END
};
static const struct op_field filter_fields[] = {
	OP_OBJ(struct in_filter, key, "Key", false, key_filter_fields, .at = "S3Key"), OP_END
};
#define NOTIFY_TO(member, wire) \
	OP_STR(struct in_notify_to, id, "Id", false, 0, 0), \
	OP_STR(struct in_notify_to, arn, member, true, 0, 0, .at = wire), \
	OP_LIST(struct in_notify_to, events, "Events", true, const char *, event_item, 0, 0, \
		.at = "Event", .flat = true), \
	OP_OBJ(struct in_notify_to, filter, "Filter", false, filter_fields), OP_END
static const struct op_field queue_fields[] = { NOTIFY_TO("QueueArn", "Queue") };
static const struct op_field function_fields[] = { NOTIFY_TO("LambdaFunctionArn", "CloudFunction") };
static const struct op_field queue_item[] = { OP_ITEM_OBJ(queue_fields), OP_END };
static const struct op_field function_item[] = { OP_ITEM_OBJ(function_fields), OP_END };
static const struct op_field notify_config_fields[] = {
	OP_OBJ(struct in_notify_config, eventbridge, "EventBridgeConfiguration", false,
	       none_fields),
	OP_REFUSED("TopicConfigurations", .at = "TopicConfiguration"),
	OP_LIST(struct in_notify_config, queues, "QueueConfigurations", false, struct in_notify_to,
		queue_item, 0, 0, .at = "QueueConfiguration", .flat = true),
	OP_LIST(struct in_notify_config, functions, "LambdaFunctionConfigurations", false,
		struct in_notify_to, function_item, 0, 0, .at = "CloudFunctionConfiguration",
		.flat = true),
	OP_END
};
const struct op_field s3__f_put_notify[] = {
	BUCKET(struct in_notify), OWNER(struct in_notify),
	OP_BOOL(struct in_notify, skip_validation, "SkipDestinationValidation", false,
		HEADER("x-amz-skip-destination-validation")),
	OP_OBJ(struct in_notify, config, "NotificationConfiguration", true, notify_config_fields,
	       .loc = OPL_PAYLOAD, .at = "NotificationConfiguration"),
	OP_END
};

/* --- who may do what --- */

static const char *const owner_pays[] = { "BucketOwner", NULL };
static const char *const other_pays[] = { "Requester", NULL };

#define DOCUMENT(st) BUCKET(st), OWNER(st), MD5(st), SDK_ALGORITHM(st, ck_algorithm)

const struct op_field s3__f_put_policy[] = {
	DOCUMENT(struct in_policy),
	OP_BOOL(struct in_policy, confirm, "ConfirmRemoveSelfBucketAccess", false,
		HEADER("x-amz-confirm-remove-self-bucket-access")),
	OP_STR(struct in_policy, policy, "Policy", true, 0, 0, .loc = OPL_PAYLOAD),
	OP_END
};

static const struct op_field block_fields[] = {
	OP_BOOL(struct in_block_config, acls, "BlockPublicAcls", false),
	OP_BOOL(struct in_block_config, ignore_acls, "IgnorePublicAcls", false),
	OP_BOOL(struct in_block_config, policy, "BlockPublicPolicy", false),
	OP_BOOL(struct in_block_config, restricted, "RestrictPublicBuckets", false),
	OP_END
};
const struct op_field s3__f_put_block[] = {
	DOCUMENT(struct in_block),
	OP_OBJ(struct in_block, config, "PublicAccessBlockConfiguration", true, block_fields, .loc = OPL_PAYLOAD,
	       .at = "PublicAccessBlockConfiguration"),
	OP_END
};

/* Canned ones only: what a list of grants could say here is what there is. */
#define ACL_REFUSED \
	OP_REFUSED("AccessControlPolicy", .loc = OPL_PAYLOAD, .at = "AccessControlPolicy"), GRANTS_REFUSED, \
		NO("GrantWrite", "x-amz-grant-write")
const struct op_field s3__f_put_bucket_acl[] = {
	DOCUMENT(struct in_acl), ACL_REFUSED,
	OP_ENUM(struct in_acl, acl, "ACL", false, canned_bucket, NULL, HEADER("x-amz-acl")), OP_END
};
const struct op_field s3__f_put_object_acl[] = {
	DOCUMENT(struct in_acl), KEY(struct in_acl), VERSION(struct in_acl), PAYER(struct in_acl), ACL_REFUSED,
	OP_ENUM(struct in_acl, acl, "ACL", false, canned, NULL, HEADER("x-amz-acl")), OP_END
};
const struct op_field s3__f_get_object_acl[] = { BUCKET(struct in_acl),  KEY(struct in_acl),   OWNER(struct in_acl),
						 VERSION(struct in_acl), PAYER(struct in_acl), OP_END };

static const struct op_field rule_fields[] = {
	OP_ENUM(struct in_ownership_rule, ownership, "ObjectOwnership", true, enforced, other_ownership), OP_END
};
static const struct op_field rule_item[] = { OP_ITEM_OBJ(rule_fields), OP_END };
static const struct op_field ownership_fields[] = {
	OP_LIST(struct in_ownership_config, rules, "Rules", true, struct in_ownership_rule, rule_item, 0, 0, .flat = true,
		.at = "Rule"),
	OP_END
};
const struct op_field s3__f_put_ownership[] = {
	DOCUMENT(struct in_ownership),
	OP_OBJ(struct in_ownership, config, "OwnershipControls", true, ownership_fields, .loc = OPL_PAYLOAD,
	       .at = "OwnershipControls"),
	OP_END
};

static const struct op_field payment_fields[] = {
	OP_ENUM(struct in_payment_config, payer, "Payer", true, owner_pays, other_pays), OP_END
};
const struct op_field s3__f_put_payment[] = {
	DOCUMENT(struct in_payment),
	OP_OBJ(struct in_payment, config, "RequestPaymentConfiguration", true, payment_fields, .loc = OPL_PAYLOAD,
	       .at = "RequestPaymentConfiguration"),
	OP_END
};

static const struct op_field logging_fields[] = { OP_REFUSED("LoggingEnabled"), OP_END };
const struct op_field s3__f_put_logging[] = {
	DOCUMENT(struct in_logging),
	OP_OBJ(struct in_logging, config, "BucketLoggingStatus", true, logging_fields, .loc = OPL_PAYLOAD,
	       .at = "BucketLoggingStatus"),
	OP_END
};

const struct op_field s3__f_accelerate[] = { BUCKET(struct in_accelerate), OWNER(struct in_accelerate),
					     PAYER(struct in_accelerate), OP_END };
#define TEXTS(m, nm, element, req) \
	OP_LIST(struct in_cors_rule, m, nm, req, const char *, cors_text, 0, 0, .flat = true, .at = element)
static const struct op_field cors_text[] = { OP_ITEM_STR(0, 0), OP_END };
static const struct op_field cors_rule_fields[] = {
	OP_STR(struct in_cors_rule, id, "ID", false, 0, 255),
	TEXTS(headers, "AllowedHeaders", "AllowedHeader", false),
	TEXTS(methods, "AllowedMethods", "AllowedMethod", true),
	TEXTS(origins, "AllowedOrigins", "AllowedOrigin", true),
	TEXTS(expose, "ExposeHeaders", "ExposeHeader", false),
	OP_INT(struct in_cors_rule, max_age, "MaxAgeSeconds", false, 0, INT32_MAX),
	OP_END
};
static const struct op_field cors_rule[] = { OP_ITEM_OBJ(cors_rule_fields), OP_END };
static const struct op_field cors_config_fields[] = {
	OP_LIST(struct in_cors_config, rules, "CORSRules", true, struct in_cors_rule, cors_rule, 0, 0, .flat = true,
		.at = "CORSRule"),
	OP_END
};
const struct op_field s3__f_put_cors[] = {
	BUCKET(struct in_put_cors), OWNER(struct in_put_cors), MD5(struct in_put_cors),
	SDK_ALGORITHM(struct in_put_cors, ck_algorithm),
	OP_OBJ(struct in_put_cors, config, "CORSConfiguration", true, cors_config_fields, .loc = OPL_PAYLOAD,
	       .at = "CORSConfiguration"),
	OP_END
};

static const struct op_field encryption_default_fields[] = {
	OP_ENUM(struct in_encryption_default, algorithm, "SSEAlgorithm", true, sse_algorithms,
		other_sse),
	OP_REFUSED("KMSMasterKeyID"), OP_END
};
static const struct op_field encryption_rule_fields[] = {
	OP_OBJ(struct in_encryption_rule, by_default, "ApplyServerSideEncryptionByDefault", false,
	       encryption_default_fields),
	OP_BOOL(struct in_encryption_rule, bucket_key, "BucketKeyEnabled", false),
	OP_REFUSED("BlockedEncryptionTypes"), OP_END
};
static const struct op_field encryption_rule[] = { OP_ITEM_OBJ(encryption_rule_fields), OP_END };
static const struct op_field encryption_config_fields[] = {
	OP_LIST(struct in_encryption_config, rules, "Rules", true, struct in_encryption_rule,
		encryption_rule, 0, 0, .flat = true, .at = "Rule"),
	OP_END
};
const struct op_field s3__f_put_encryption[] = {
	BUCKET(struct in_encryption),
	OWNER(struct in_encryption),
	MD5(struct in_encryption),
	SDK_ALGORITHM(struct in_encryption, ck_algorithm),
	OP_OBJ(struct in_encryption, config, "ServerSideEncryptionConfiguration", true,
	       encryption_config_fields, .loc = OPL_PAYLOAD,
	       .at = "ServerSideEncryptionConfiguration"),
	OP_END
};

static const char *const attributes[] = { "ETag",	  "Checksum",   "ObjectParts",
					  "StorageClass", "ObjectSize", NULL };
static const struct op_field attribute[] = { OP_ITEM_ENUM(attributes, NULL), OP_END };
const struct op_field s3__f_attributes[] = {
	BUCKET(struct in_attributes),
	KEY(struct in_attributes),
	OWNER(struct in_attributes),
	PAYER(struct in_attributes),
	VERSION(struct in_attributes),
	OP_INT(struct in_attributes, max, "MaxParts", false, 0, 0, HEADER("x-amz-max-parts")),
	OP_INT(struct in_attributes, marker, "PartNumberMarker", false, 0, 0,
	       HEADER("x-amz-part-number-marker")),
	OP_LIST(struct in_attributes, attributes, "ObjectAttributes", true, const char *, attribute,
		0, 0, HEADER("x-amz-object-attributes")),
	SSE_C(struct in_attributes),
	OP_END
};

/* --- object lock --- */

static const char *const lock_enabled[] = { "Enabled", NULL };
static const struct op_field default_retention_fields[] = {
	OP_ENUM(struct in_default_retention, mode, "Mode", false, lock_modes, NULL),
	OP_INT(struct in_default_retention, days, "Days", false, 0, 0),
	OP_INT(struct in_default_retention, years, "Years", false, 0, 0), OP_END
};
static const struct op_field lock_rule_fields[] = {
	OP_OBJ(struct in_lock_rule, retention, "DefaultRetention", false, default_retention_fields),
	OP_END
};
static const struct op_field lock_config_fields[] = {
	OP_ENUM(struct in_lock_config, enabled, "ObjectLockEnabled", false, lock_enabled, NULL),
	OP_OBJ(struct in_lock_config, rule, "Rule", false, lock_rule_fields), OP_END
};
const struct op_field s3__f_put_lock_config[] = {
	BUCKET(struct in_put_lock_config),
	OWNER(struct in_put_lock_config),
	PAYER(struct in_put_lock_config),
	MD5(struct in_put_lock_config),
	SDK_ALGORITHM(struct in_put_lock_config, ck_algorithm),
	NO("Token", "x-amz-bucket-object-lock-token"),
	OP_OBJ(struct in_put_lock_config, config, "ObjectLockConfiguration", false,
	       lock_config_fields, .loc = OPL_PAYLOAD, .at = "ObjectLockConfiguration"),
	OP_END
};

#define VERSION_LOCK \
	BUCKET(struct in_object_lock), KEY(struct in_object_lock), OWNER(struct in_object_lock), \
		PAYER(struct in_object_lock), VERSION(struct in_object_lock)
const struct op_field s3__f_get_retention[] = { VERSION_LOCK, OP_END };
const struct op_field s3__f_get_legal_hold[] = { VERSION_LOCK, OP_END };
static const struct op_field retention_fields[] = {
	OP_ENUM(struct in_retention, mode, "Mode", false, lock_modes, NULL),
	OP_TIME(struct in_retention, until, "RetainUntilDate", false), OP_END
};
const struct op_field s3__f_put_retention[] = {
	VERSION_LOCK,
	MD5(struct in_object_lock),
	SDK_ALGORITHM(struct in_object_lock, ck_algorithm),
	BYPASS(struct in_object_lock),
	OP_OBJ(struct in_object_lock, retention, "Retention", false, retention_fields,
	       .loc = OPL_PAYLOAD, .at = "Retention"),
	OP_END
};
static const struct op_field legal_hold_fields[] = {
	OP_ENUM(struct in_legal_hold, status, "Status", false, hold_states, NULL), OP_END
};
const struct op_field s3__f_put_legal_hold[] = {
	VERSION_LOCK,
	MD5(struct in_object_lock),
	SDK_ALGORITHM(struct in_object_lock, ck_algorithm),
	OP_OBJ(struct in_object_lock, hold, "LegalHold", false, legal_hold_fields,
	       .loc = OPL_PAYLOAD, .at = "LegalHold"),
	OP_END
};

const struct op_field s3__f_put_bucket_tagging[] = {
	BUCKET(struct in_put_bucket_tagging),
	OWNER(struct in_put_bucket_tagging),
	MD5(struct in_put_bucket_tagging),
	SDK_ALGORITHM(struct in_put_bucket_tagging, ck_algorithm),
	OP_OBJ(struct in_put_bucket_tagging, tagging, "Tagging", true, tagset_fields,
	       .loc = OPL_PAYLOAD, .at = "Tagging"),
	OP_END
};

/* --- lifecycle --- */

static const char *const lc_states[] = { "Enabled", "Disabled", NULL };
static const char *const lc_minimums[] = { "all_storage_classes_128K", NULL };
static const char *const other_lc_minimums[] = { "varies_by_storage_class", NULL };
static const struct op_field lc_tag[] = { OP_ITEM_OBJ(tag_fields), OP_END };
static const struct op_field lc_and_fields[] = {
	OP_STR(struct in_lc_and, prefix, "Prefix", false, 0, 0),
	OP_LIST(struct in_lc_and, tags, "Tags", false, struct in_tag, lc_tag, 0, 0, .flat = true,
		.at = "Tag"),
	OP_INT(struct in_lc_and, above, "ObjectSizeGreaterThan", false, 0, 0),
	OP_INT(struct in_lc_and, below, "ObjectSizeLessThan", false, 0, 0), OP_END
};
static const struct op_field lc_filter_fields[] = {
	OP_STR(struct in_lc_filter, prefix, "Prefix", false, 0, 0),
	OP_OBJ(struct in_lc_filter, tag, "Tag", false, tag_fields),
	OP_INT(struct in_lc_filter, above, "ObjectSizeGreaterThan", false, 0, 0),
	OP_INT(struct in_lc_filter, below, "ObjectSizeLessThan", false, 0, 0),
	OP_OBJ(struct in_lc_filter, and, "And", false, lc_and_fields), OP_END
};
static const struct op_field lc_expire_fields[] = {
	OP_INT(struct in_lc_expire, days, "Days", false, 0, 0),
	OP_TIME(struct in_lc_expire, date, "Date", false),
	OP_BOOL(struct in_lc_expire, markers, "ExpiredObjectDeleteMarker", false), OP_END
};
static const struct op_field lc_old_fields[] = {
	OP_INT(struct in_lc_old, days, "NoncurrentDays", false, 0, 0),
	OP_INT(struct in_lc_old, kept, "NewerNoncurrentVersions", false, 0, 0), OP_END
};
static const struct op_field lc_abort_fields[] = {
	OP_INT(struct in_lc_abort, days, "DaysAfterInitiation", false, 0, 0), OP_END
};
/* Transitions are refused, but not before what is wrong with them is told as AWS tells it. */
static const struct op_field lc_transition_fields[] = {
	OP_TIME(struct in_lc_transition, date, "Date", false),
	OP_INT(struct in_lc_transition, days, "Days", false, 0, 0),
	OP_STR(struct in_lc_transition, storage, "StorageClass", false, 0, 0), OP_END
};
static const struct op_field lc_transition[] = { OP_ITEM_OBJ(lc_transition_fields), OP_END };
static const struct op_field lc_rule_fields[] = {
	OP_STR(struct in_lc_rule, id, "ID", false, 0, 0),
	OP_STR(struct in_lc_rule, prefix, "Prefix", false, 0, 0),
	OP_OBJ(struct in_lc_rule, filter, "Filter", false, lc_filter_fields),
	OP_ENUM(struct in_lc_rule, status, "Status", true, lc_states, NULL),
	OP_OBJ(struct in_lc_rule, expire, "Expiration", false, lc_expire_fields),
	OP_OBJ(struct in_lc_rule, old, "NoncurrentVersionExpiration", false, lc_old_fields),
	OP_OBJ(struct in_lc_rule, abort, "AbortIncompleteMultipartUpload", false, lc_abort_fields),
	OP_LIST(struct in_lc_rule, transitions, "Transitions", false, struct in_lc_transition, lc_transition, 0, 0,
		.flat = true, .at = "Transition"),
	OP_REFUSED("NoncurrentVersionTransitions", .at = "NoncurrentVersionTransition"),
	OP_END
};
static const struct op_field lc_rule[] = { OP_ITEM_OBJ(lc_rule_fields), OP_END };
static const struct op_field lifecycle_fields[] = { OP_LIST(struct in_lifecycle, rules, "Rules", true,
							    struct in_lc_rule, lc_rule, 0, 0,
							    .flat = true, .at = "Rule"),
						    OP_END };
const struct op_field s3__f_put_lifecycle[] = {
	BUCKET(struct in_put_lifecycle),
	OWNER(struct in_put_lifecycle),
	SDK_ALGORITHM(struct in_put_lifecycle, ck_algorithm),
	OP_ENUM(struct in_put_lifecycle, minimum, "TransitionDefaultMinimumObjectSize", false,
		lc_minimums, other_lc_minimums,
		HEADER("x-amz-transition-default-minimum-object-size")),
	OP_OBJ(struct in_put_lifecycle, config, "LifecycleConfiguration", false, lifecycle_fields,
	       .loc = OPL_PAYLOAD, .at = "LifecycleConfiguration"),
	OP_END
};
