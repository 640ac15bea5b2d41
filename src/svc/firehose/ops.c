/* SPDX-License-Identifier: Apache-2.0 */
/* ops -- Firehose's operation table, and the members of every operation. */
#include "base/limits.h"
#include "svc/firehose/firehose_ops.h"

#define NAME(st) OP_STR(st, name, "DeliveryStreamName", true, 1, 64)

static const char *const types[] = { "DirectPut", "KinesisStreamAsSource", NULL };
static const char *const other_types[] = { "MSKAsSource",
					   "DatabaseAsSource", NULL };
static const char *const all_types[] = { "DirectPut", "KinesisStreamAsSource", "MSKAsSource",
					 "DatabaseAsSource", NULL };

static const struct op_field tag_fields[] = { OP_STR(struct fh_tag, key, "Key", true, 1, 128),
					      OP_STR(struct fh_tag, value, "Value", false, 0, 256),
					      OP_END };
static const struct op_field tag_item[] = { OP_ITEM_OBJ(tag_fields), OP_END };
static const struct op_field key_item[] = { OP_ITEM_STR(1, 128), OP_END };

static const struct op_field kinesis_fields[] = {
	OP_STR(struct in_kinesis, arn, "KinesisStreamARN", true, 1, 512),
	OP_STR(struct in_kinesis, role, "RoleARN", true, 1, 512),
	OP_END
};
static const struct op_field create_fields[] = {
	NAME(struct in_create),
	OP_ENUM(struct in_create, type, "DeliveryStreamType", false, types, other_types),
	OP_DOC(struct in_create, plain, "S3DestinationConfiguration", false, fh__plain_fields),
	OP_DOC(struct in_create, extended, "ExtendedS3DestinationConfiguration", false, fh__extended_fields),
	OP_LIST(struct in_create, tags, "Tags", false, struct fh_tag, tag_item, 1,
		FIREHOSE_TAGS_MAX),
	OP_REFUSED("DirectPutSourceConfiguration"),
	OP_OBJ(struct in_create, kinesis, "KinesisStreamSourceConfiguration", false, kinesis_fields),
	OP_REFUSED("DeliveryStreamEncryptionConfigurationInput"),
	OP_REFUSED("RedshiftDestinationConfiguration"),
	OP_REFUSED("ElasticsearchDestinationConfiguration"),
	OP_REFUSED("AmazonopensearchserviceDestinationConfiguration"),
	OP_REFUSED("SplunkDestinationConfiguration"),
	OP_REFUSED("HttpEndpointDestinationConfiguration"),
	OP_REFUSED("AmazonOpenSearchServerlessDestinationConfiguration"),
	OP_REFUSED("MSKSourceConfiguration"),
	OP_REFUSED("SnowflakeDestinationConfiguration"),
	OP_REFUSED("IcebergDestinationConfiguration"),
	OP_REFUSED("DatabaseSourceConfiguration"),
	OP_END
};
static const struct op_field update_fields[] = {
	NAME(struct in_update),
	OP_STR(struct in_update, version, "CurrentDeliveryStreamVersionId", true, 1, 50),
	OP_STR(struct in_update, destination, "DestinationId", true, 1, 100),
	OP_DOC(struct in_update, plain, "S3DestinationUpdate", false, fh__plain_update_fields),
	OP_DOC(struct in_update, extended, "ExtendedS3DestinationUpdate", false, fh__extended_update_fields),
	OP_REFUSED("RedshiftDestinationUpdate"),
	OP_REFUSED("ElasticsearchDestinationUpdate"),
	OP_REFUSED("AmazonopensearchserviceDestinationUpdate"),
	OP_REFUSED("SplunkDestinationUpdate"),
	OP_REFUSED("HttpEndpointDestinationUpdate"),
	OP_REFUSED("AmazonOpenSearchServerlessDestinationUpdate"),
	OP_REFUSED("SnowflakeDestinationUpdate"),
	OP_REFUSED("IcebergDestinationUpdate"),
	OP_END
};
static const char *const key_types[] = { "AWS_OWNED_CMK", "CUSTOMER_MANAGED_CMK", NULL };
static const struct op_field key_fields[] = { OP_STR(struct in_key, arn, "KeyARN", false, 1, 512),
					      OP_ENUM(struct in_key, type, "KeyType", true, key_types, NULL), OP_END };
static const struct op_field start_encryption_fields[] = {
	NAME(struct in_encryption),
	OP_OBJ(struct in_encryption, config, "DeliveryStreamEncryptionConfigurationInput", false, key_fields), OP_END
};
static const struct op_field stop_encryption_fields[] = { NAME(struct in_encryption), OP_END };
static const struct op_field describe_fields[] = {
	NAME(struct in_describe), OP_INT(struct in_describe, limit, "Limit", false, 1, 10000),
	OP_STR(struct in_describe, after, "ExclusiveStartDestinationId", false, 1, 100), OP_END
};
static const struct op_field list_fields[] = {
	OP_INT(struct in_list, limit, "Limit", false, 1, 10000),
	OP_ENUM(struct in_list, type, "DeliveryStreamType", false, all_types, NULL),
	OP_STR(struct in_list, after, "ExclusiveStartDeliveryStreamName", false, 1, 64), OP_END
};
static const struct op_field delete_fields[] = { NAME(struct in_delete),
						 OP_BOOL(struct in_delete, force,
							 "AllowForceDelete",
							 false), /* of KMS grants: there are none */
						 OP_END };
static const struct op_field record_fields[] = {
	OP_BLOB(struct in_record, data, "Data", true, 0, LIMIT_RECORD), OP_END
};
static const struct op_field record_item[] = { OP_ITEM_OBJ(record_fields), OP_END };
static const struct op_field put_fields[] = {
	NAME(struct in_put), OP_OBJ(struct in_put, record, "Record", true, record_fields), OP_END
};
static const struct op_field put_batch_fields[] = { NAME(struct in_put_batch),
						    OP_LIST(struct in_put_batch, records, "Records",
							    true, struct in_record, record_item, 1,
							    FIREHOSE_BATCH_RECORDS),
						    OP_END };
static const struct op_field add_tags_fields[] = {
	NAME(struct in_tags),
	OP_LIST(struct in_tags, tags, "Tags", true, struct fh_tag, tag_item, 1, FIREHOSE_TAGS_MAX),
	OP_END
};
static const struct op_field remove_tags_fields[] = { NAME(struct in_tags),
						      OP_LIST(struct in_tags, keys, "TagKeys", true,
							      const char *, key_item, 1,
							      FIREHOSE_TAGS_MAX),
						      OP_END };
static const struct op_field list_tags_fields[] = {
	NAME(struct in_tags), OP_STR(struct in_tags, after, "ExclusiveStartTagKey", false, 1, 128),
	OP_INT(struct in_tags, limit, "Limit", false, 1, 50), OP_END
};

static const struct op ops[] = {
	{ "CreateDeliveryStream", fh__op_create, create_fields, sizeof(struct in_create), OP_WRITE,
	  "Creates a delivery stream into a bucket." },
	{ "DeleteDeliveryStream", fh__op_delete, delete_fields, sizeof(struct in_delete), OP_WRITE,
	  "Deletes a delivery stream; its log stays on disk." },
	{ "DescribeDeliveryStream", fh__op_describe, describe_fields, sizeof(struct in_describe), 0,
	  "Describes a delivery stream." },
	{ "ListDeliveryStreams", fh__op_list, list_fields, sizeof(struct in_list), 0,
	  "Lists the delivery streams." },
	{ "ListTagsForDeliveryStream", fh__op_list_tags, list_tags_fields, sizeof(struct in_tags),
	  0, "Lists the labels of a delivery stream." },
	{ "PutRecord", fh__op_put, put_fields, sizeof(struct in_put), OP_WRITE | OP_BULK,
	  "Appends one record to a delivery stream." },
	{ "PutRecordBatch", fh__op_put_batch, put_batch_fields, sizeof(struct in_put_batch),
	  OP_WRITE | OP_BULK, "Appends up to 500 records to a delivery stream." },
	{ "StartDeliveryStreamEncryption", fh__op_start_encryption, start_encryption_fields,
	  sizeof(struct in_encryption), OP_WRITE, "Refused: the ingest log is not encrypted on the disk." },
	{ "StopDeliveryStreamEncryption", fh__op_stop_encryption, stop_encryption_fields,
	  sizeof(struct in_encryption), OP_WRITE, "Leaves a delivery stream as it is: not encrypted." },
	{ "TagDeliveryStream", fh__op_tag, add_tags_fields, sizeof(struct in_tags), OP_WRITE,
	  "Adds or replaces labels of a delivery stream." },
	{ "UntagDeliveryStream", fh__op_untag, remove_tags_fields, sizeof(struct in_tags), OP_WRITE,
	  "Removes labels of a delivery stream." },
	{ "UpdateDestination", fh__op_update, update_fields, sizeof(struct in_update), OP_WRITE,
	  "Changes the destination of a delivery stream." },
};

static const struct aws_error *const errors[] = { &FIREHOSE_NOT_FOUND,   &FIREHOSE_IN_USE,
						  &FIREHOSE_INVALID,     &FIREHOSE_LIMIT,
						  &FIREHOSE_UNAVAILABLE, &FIREHOSE_CONFLICT, NULL };

const struct service firehose_service = {
	.name = "firehose",
	.signing_name = "firehose",
	.target_prefix = "Firehose_20150804",
	.api_version = "2015-08-04",
	.protocol = OP_JSON_1_1,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
	.errors = errors,
	.refused = &FIREHOSE_INVALID,
};
