/* SPDX-License-Identifier: Apache-2.0 */
/* s3_ops -- what each operation takes, and its handler. */
#pragma once

#include "svc/s3/s3_int.h"

struct in_none {
	char unused;
};

struct in_bucket {
	const char *bucket, *owner;
};

struct in_location {
	const char *constraint;
};

struct in_create_bucket {
	const char *bucket, *acl, *ownership;
	struct in_location *config;
	struct opt_bool lock;
};

struct in_list_buckets {
	struct opt_int max;
	const char *token, *prefix, *region;
};

struct in_put {
	const char *bucket, *key, *owner, *payer, *acl, *storage, *content_md5, *if_match,
		*if_none_match;
	struct opt_int length;
	struct view body;
	struct in_head head;
	struct in_ck ck;
	struct in_sse sse;
	struct in_lock lock;
};

struct in_get {
	const char *bucket, *key, *owner, *payer, *version, *range, *if_match, *if_none_match,
		*ck_mode;
	struct opt_int if_modified, if_unmodified, part;
	const char *cache_control, *disposition, *encoding, *language, *type;
	struct opt_int expires;
	struct in_sse sse;
};

struct in_delete {
	const char *bucket, *key, *owner, *payer, *version, *if_match;
	struct opt_int if_modified, if_size;
	struct opt_bool bypass;
};

struct in_delete_item {
	const char *key, *version, *etag;
	struct opt_int modified, size;
};
struct in_delete_list {
	struct op_list objects;
	struct opt_bool quiet;
};
struct in_delete_many {
	const char *bucket, *owner, *payer, *ck_algorithm;
	struct opt_bool bypass;
	struct in_delete_list *list;
};

struct in_copy {
	const char *bucket, *key, *owner, *source_owner, *payer, *acl, *storage, *ck_algorithm;
	const char *source, *src_if_match, *src_if_none_match;
	struct opt_int src_if_modified, src_if_unmodified;
	const char *if_match, *if_none_match, *meta_directive, *tag_directive;
	struct in_head head;
	struct in_sse sse, src_sse;
	struct in_lock lock;
};

struct in_list {
	const char *bucket, *owner, *payer, *delimiter, *encoding, *prefix;
	const char *token, *start_after, *marker;
	struct opt_int max;
	struct opt_bool fetch_owner;
};

struct in_mpu_create {
	const char *bucket, *key, *owner, *payer, *acl, *storage, *ck_algorithm, *ck_type;
	struct in_head head;
	struct in_sse sse;
	struct in_lock lock;
};

struct in_mpu_part {
	const char *bucket, *key, *owner, *payer, *upload, *content_md5;
	struct opt_int number, length;
	struct view body;
	struct in_ck ck;
	struct in_sse sse;
};

struct in_mpu_copy {
	const char *bucket, *key, *owner, *source_owner, *payer, *upload;
	const char *source, *range, *src_if_match, *src_if_none_match;
	struct opt_int number, src_if_modified, src_if_unmodified;
	struct in_sse sse, src_sse;
};

struct in_done_part {
	const char *etag;
	struct opt_int number;
	const char *ck[CK_COUNT];
};
struct in_done_list {
	struct op_list parts;
};
struct in_mpu_complete {
	const char *bucket, *key, *owner, *payer, *upload, *ck_type, *if_match, *if_none_match;
	struct opt_int size;
	struct in_ck ck;
	struct in_done_list *list;
	struct in_sse sse;
};

struct in_mpu_abort {
	const char *bucket, *key, *owner, *payer, *upload;
	struct opt_int if_initiated;
};

struct in_mpu_parts {
	const char *bucket, *key, *owner, *payer, *upload;
	struct opt_int max, marker;
	struct in_sse sse;
};

struct in_mpu_list {
	const char *bucket, *owner, *payer, *delimiter, *encoding, *key_marker, *id_marker, *prefix;
	struct opt_int max;
};

struct in_versioning_config {
	const char *status, *mfa_delete;
};
struct in_versioning {
	const char *bucket, *owner, *content_md5, *ck_algorithm;
	struct in_versioning_config *config;
};

struct in_versions {
	const char *bucket, *owner, *payer, *delimiter, *encoding, *key_marker, *id_marker, *prefix;
	struct opt_int max;
};

struct in_tag {
	const char *key, *value;
};
struct in_tagset {
	struct op_list tags;
};

struct in_lc_and {
	const char *prefix;
	struct op_list tags;
	struct opt_int above, below;
};
struct in_lc_filter {
	const char *prefix;
	struct in_tag *tag;
	struct opt_int above, below;
	struct in_lc_and *and;
};
struct in_lc_expire {
	struct opt_int days, date;
	struct opt_bool markers;
};
struct in_lc_old {
	struct opt_int days, kept;
};
struct in_lc_abort {
	struct opt_int days;
};
struct in_lc_transition {
	struct opt_int date, days;
	const char *storage;
};
struct in_lc_rule {
	const char *id, *prefix, *status;
	struct in_lc_filter *filter;
	struct in_lc_expire *expire;
	struct in_lc_old *old;
	struct in_lc_abort *abort;
	struct op_list transitions;
};
struct in_lifecycle {
	struct op_list rules;
};
struct in_put_lifecycle {
	const char *bucket, *owner, *ck_algorithm, *minimum;
	struct in_lifecycle *config;
};

struct in_default_retention {
	const char *mode;
	struct opt_int days, years;
};
struct in_lock_rule {
	struct in_default_retention *retention;
};
struct in_lock_config {
	const char *enabled;
	struct in_lock_rule *rule;
};
struct in_put_lock_config {
	const char *bucket, *owner, *payer, *content_md5, *ck_algorithm;
	struct in_lock_config *config;
};
struct in_retention {
	const char *mode;
	struct opt_int until;
};
struct in_legal_hold {
	const char *status;
};
struct in_object_lock { /* of the four operations on one version */
	const char *bucket, *key, *owner, *payer, *version, *content_md5, *ck_algorithm;
	struct opt_bool bypass;
	struct in_retention *retention;
	struct in_legal_hold *hold;
};

struct in_put_bucket_tagging {
	const char *bucket, *owner, *content_md5, *ck_algorithm;
	struct in_tagset *tagging;
};
struct in_tagging {
	const char *bucket, *key, *owner, *payer, *version, *content_md5, *ck_algorithm;
	struct in_tagset *tagging;
};

struct in_filter_rule {
	const char *name, *value;
};
struct in_key_filter {
	struct op_list rules;
};
struct in_filter {
	struct in_key_filter *key;
};
struct in_notify_to { /* one configuration */
	const char *id, *arn;
	struct op_list events; /* const char * */
	struct in_filter *filter;
};
struct in_notify_config {
	struct in_none *eventbridge;
	struct op_list queues, functions; /* struct in_notify_to */
};
struct in_notify {
	const char *bucket, *owner;
	struct opt_bool skip_validation;
	struct in_notify_config *config;
};

struct in_cors_rule {
	const char *id;
	struct op_list headers, methods, origins, expose; /* const char * */
	struct opt_int max_age;
};
struct in_cors_config {
	struct op_list rules;
};
struct in_put_cors {
	const char *bucket, *owner, *content_md5, *ck_algorithm;
	struct in_cors_config *config;
};

extern const struct op_field s3__f_put_cors[];
struct in_attributes {
	const char *bucket, *key, *owner, *payer, *version;
	struct opt_int max, marker;
	struct op_list attributes; /* const char * */
	struct in_sse sse;
};

struct in_encryption_default {
	const char *algorithm;
};
struct in_encryption_rule {
	struct in_encryption_default *by_default;
	struct opt_bool bucket_key;
};
struct in_encryption_config {
	struct op_list rules;
};
struct in_encryption {
	const char *bucket, *owner, *content_md5, *ck_algorithm;
	struct in_encryption_config *config;
};

extern const struct op_field s3__f_bucket[], s3__f_create_bucket[], s3__f_list_buckets[],
	s3__f_put[], s3__f_get[], s3__f_delete[], s3__f_delete_many[], s3__f_copy[],
	s3__f_list_v1[], s3__f_list_v2[], s3__f_mpu_create[], s3__f_mpu_part[], s3__f_mpu_copy[],
	s3__f_mpu_complete[], s3__f_mpu_abort[], s3__f_mpu_parts[], s3__f_mpu_list[],
	s3__f_get_tagging[], s3__f_put_tagging[], s3__f_delete_tagging[], s3__f_put_notify[],
	s3__f_head_bucket[], s3__f_put_encryption[], s3__f_attributes[], s3__f_put_versioning[], s3__f_list_versions[],
	s3__f_put_lock_config[], s3__f_put_retention[], s3__f_get_retention[],
	s3__f_put_legal_hold[], s3__f_get_legal_hold[],
	s3__f_put_lifecycle[], s3__f_put_bucket_tagging[];

bool s3__cors(void *self, const struct cors_ask *ask, struct arena *a, struct cors_say *ret);

#define S3_HANDLER(name) int s3__##name(struct op_ctx *cx, const void *input, struct out *o)
S3_HANDLER(create_bucket);
S3_HANDLER(head_bucket);
S3_HANDLER(list_buckets);
S3_HANDLER(delete_bucket);
S3_HANDLER(get_bucket_location);
S3_HANDLER(put_object);
S3_HANDLER(get_object);
S3_HANDLER(head_object);
S3_HANDLER(delete_object);
S3_HANDLER(delete_objects);
S3_HANDLER(copy_object);
S3_HANDLER(list_objects);
S3_HANDLER(list_objects_v2);
S3_HANDLER(create_multipart);
S3_HANDLER(upload_part);
S3_HANDLER(upload_part_copy);
S3_HANDLER(complete_multipart);
S3_HANDLER(abort_multipart);
S3_HANDLER(list_parts);
S3_HANDLER(list_multiparts);
S3_HANDLER(get_tagging);
S3_HANDLER(put_tagging);
S3_HANDLER(delete_tagging);
S3_HANDLER(get_notification);
S3_HANDLER(get_attributes);
S3_HANDLER(put_encryption);
S3_HANDLER(get_encryption);
S3_HANDLER(delete_encryption);
S3_HANDLER(put_notification);
S3_HANDLER(get_cors);
S3_HANDLER(put_cors);
S3_HANDLER(delete_cors);
S3_HANDLER(get_versioning);
S3_HANDLER(put_versioning);
S3_HANDLER(list_versions);
S3_HANDLER(put_lifecycle);
S3_HANDLER(get_lifecycle);
S3_HANDLER(delete_lifecycle);
S3_HANDLER(put_bucket_tagging);
S3_HANDLER(get_bucket_tagging);
S3_HANDLER(delete_bucket_tagging);
S3_HANDLER(put_lock_config);
S3_HANDLER(get_lock_config);
S3_HANDLER(put_retention);
S3_HANDLER(get_retention);
S3_HANDLER(put_legal_hold);
S3_HANDLER(get_legal_hold);
