/* SPDX-License-Identifier: Apache-2.0 */
/* kinesis_rows: the operation table, and the members of every operation. */
#include "svc/kinesis/kinesis_int.h"

/* StreamId (of another account's stream) is refused by name, as there is no other account. */
#define NAME(st) OP_STR(st, name, "StreamName", false, 1, 128)
#define ARN(st, req) OP_STR(st, arn, "StreamARN", req, 1, 2048)
#define NAMED(st) NAME(st), ARN(st, false), OP_REFUSED("StreamId")

static const char *const modes[] = { "PROVISIONED", "ON_DEMAND", NULL };
static const char *const iterators[] = { "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP", NULL };
static const char *const filters[] = { "AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP",
				       "FROM_TIMESTAMP", NULL };

static const struct op_field tag_pair[] = { OP_ITEM_STR(1, 128), OP_ITEM_STR(0, 256), OP_END };
static const struct op_field key_item[] = { OP_ITEM_STR(1, 128), OP_END };
static const struct op_field mode_fields[] = { OP_ENUM(struct kn_mode_in, mode, "StreamMode", true, modes, NULL), OP_END };

static const struct op_field create_fields[] = {
	OP_STR(struct kn_create_in, name, "StreamName", true, 1, 128),
	OP_INT(struct kn_create_in, shards, "ShardCount", false, 1, 0),
	OP_OBJ(struct kn_create_in, mode, "StreamModeDetails", false, mode_fields),
	OP_MAP(struct kn_create_in, tags, "Tags", false, 200, .min = 1, .sub = tag_pair),
	OP_INT(struct kn_create_in, record_kib, "MaxRecordSizeInKiB", false, 1024, 10240),
	OP_REFUSED("WarmThroughputMiBps"),
	OP_END
};
static const struct op_field delete_fields[] = {
	NAMED(struct kn_stream_in),
	OP_BOOL(struct kn_stream_in, force, "EnforceConsumerDeletion", false), /* of registered consumers: there are none */
	OP_END
};
static const struct op_field describe_fields[] = {
	NAMED(struct kn_stream_in),
	OP_INT(struct kn_stream_in, limit, "Limit", false, 1, 10000),
	OP_STR(struct kn_stream_in, after, "ExclusiveStartShardId", false, 1, 128),
	OP_END
};
static const struct op_field summary_fields[] = { NAMED(struct kn_stream_in), OP_END };
static const struct op_field list_fields[] = {
	OP_INT(struct kn_stream_in, limit, "Limit", false, 1, 10000),
	OP_STR(struct kn_stream_in, after, "ExclusiveStartStreamName", false, 1, 128),
	OP_STR(struct kn_stream_in, token, "NextToken", false, 1, 1048576),
	OP_END
};
static const struct op_field retention_fields[] = {
	NAMED(struct kn_stream_in),
	OP_INT(struct kn_stream_in, hours, "RetentionPeriodHours", true, 0, 0),
	OP_END
};
static const struct op_field filter_fields[] = {
	OP_ENUM(struct kn_filter_in, type, "Type", true, filters, NULL),
	OP_STR(struct kn_filter_in, shard, "ShardId", false, 1, 128),
	OP_TIME(struct kn_filter_in, at, "Timestamp", false),
	OP_END
};
static const struct op_field shards_fields[] = {
	NAMED(struct kn_shards_in),
	OP_STR(struct kn_shards_in, token, "NextToken", false, 1, 1048576),
	OP_STR(struct kn_shards_in, after, "ExclusiveStartShardId", false, 1, 128),
	OP_INT(struct kn_shards_in, max, "MaxResults", false, 1, 10000),
	OP_TIME(struct kn_shards_in, created, "StreamCreationTimestamp", false),
	OP_OBJ(struct kn_shards_in, filter, "ShardFilter", false, filter_fields),
	OP_END
};
static const struct op_field put_fields[] = {
	NAMED(struct kn_put_in),
	OP_BLOB(struct kn_put_in, data, "Data", true, 0, 10485760),
	OP_STR(struct kn_put_in, key, "PartitionKey", true, 1, 256),
	OP_STR(struct kn_put_in, hash, "ExplicitHashKey", false, 0, 0),
	OP_STR(struct kn_put_in, after, "SequenceNumberForOrdering", false, 0, 0),
	OP_END
};
static const struct op_field record_fields[] = {
	OP_BLOB(struct kn_record_in, data, "Data", true, 0, 10485760),
	OP_STR(struct kn_record_in, key, "PartitionKey", true, 1, 256),
	OP_STR(struct kn_record_in, hash, "ExplicitHashKey", false, 0, 0),
	OP_END
};
static const struct op_field record_item[] = { OP_ITEM_OBJ(record_fields), OP_END };
static const struct op_field put_many_fields[] = {
	NAMED(struct kn_put_many_in),
	OP_LIST(struct kn_put_many_in, records, "Records", true, struct kn_record_in, record_item, 1, 500),
	OP_END
};
static const struct op_field iterator_fields[] = {
	NAMED(struct kn_iterator_in),
	OP_STR(struct kn_iterator_in, shard, "ShardId", true, 1, 128),
	OP_ENUM(struct kn_iterator_in, type, "ShardIteratorType", true, iterators, NULL),
	OP_STR(struct kn_iterator_in, seq, "StartingSequenceNumber", false, 0, 0),
	OP_TIME(struct kn_iterator_in, at, "Timestamp", false),
	OP_END
};
static const struct op_field get_fields[] = {
	OP_STR(struct kn_get_in, iterator, "ShardIterator", true, 1, 512),
	OP_INT(struct kn_get_in, limit, "Limit", false, 1, 10000),
	ARN(struct kn_get_in, false), /* the iterator says it, too: it has to be the same */
	OP_REFUSED("StreamId"),
	OP_END
};
static const struct op_field tag_fields[] = {
	NAMED(struct kn_tags_in),
	OP_MAP(struct kn_tags_in, tags, "Tags", true, 200, .min = 1, .sub = tag_pair),
	OP_END
};
static const struct op_field untag_fields[] = {
	NAMED(struct kn_tags_in),
	OP_LIST(struct kn_tags_in, keys, "TagKeys", true, const char *, key_item, 1, 50),
	OP_END
};
static const struct op_field tags_fields[] = {
	NAMED(struct kn_tags_in),
	OP_STR(struct kn_tags_in, after, "ExclusiveStartTagKey", false, 1, 128),
	OP_INT(struct kn_tags_in, limit, "Limit", false, 1, 50),
	OP_END
};
#define RESOURCE OP_STR(struct kn_tags_in, arn, "ResourceARN", true, 1, 2048), OP_REFUSED("StreamId")
static const struct op_field tag_resource_fields[] = {
	RESOURCE, OP_MAP(struct kn_tags_in, tags, "Tags", true, 200, .min = 1, .sub = tag_pair), OP_END
};
static const struct op_field untag_resource_fields[] = {
	RESOURCE, OP_LIST(struct kn_tags_in, keys, "TagKeys", true, const char *, key_item, 1, 50), OP_END
};
static const struct op_field resource_fields[] = { RESOURCE, OP_END };

#define ROW(name, fn, in, fields, flags, doc) { name, kinesis__op_##fn, fields, sizeof(struct in), flags, doc }
const struct op kinesis__ops[KINESIS_N_OPS] = {
	ROW("AddTagsToStream", tag, kn_tags_in, tag_fields, OP_WRITE, "Adds labels to a stream."),
	ROW("CreateStream", create, kn_create_in, create_fields, OP_WRITE, "Creates a stream; it is active at once."),
	ROW("DecreaseStreamRetentionPeriod", decrease, kn_stream_in, retention_fields, OP_WRITE, "Keeps a stream's records for less long."),
	ROW("DeleteStream", delete, kn_stream_in, delete_fields, OP_WRITE, "Deletes a stream with its records."),
	{ "DescribeLimits", kinesis__op_limits, NULL, 0, 0, "Tells how many shards there are and may be." },
	ROW("DescribeStream", describe, kn_stream_in, describe_fields, 0, "Describes a stream and its shards."),
	ROW("DescribeStreamSummary", summary, kn_stream_in, summary_fields, 0, "Describes a stream without its shards."),
	ROW("GetRecords", get, kn_get_in, get_fields, 0, "Reads a shard's records from an iterator's place on."),
	ROW("GetShardIterator", iterator, kn_iterator_in, iterator_fields, 0, "Makes an iterator: a place in a shard."),
	ROW("IncreaseStreamRetentionPeriod", increase, kn_stream_in, retention_fields, OP_WRITE, "Keeps a stream's records for longer."),
	ROW("ListShards", list_shards, kn_shards_in, shards_fields, 0, "Lists a stream's shards."),
	ROW("ListStreams", list, kn_stream_in, list_fields, 0, "Lists streams."),
	ROW("ListTagsForResource", list_tags_of, kn_tags_in, resource_fields, 0, "Lists a stream's labels, by its ARN."),
	ROW("ListTagsForStream", list_tags, kn_tags_in, tags_fields, 0, "Lists a stream's labels."),
	ROW("PutRecord", put, kn_put_in, put_fields, OP_WRITE | OP_BULK, "Takes a record; it is on disk when this answers."),
	ROW("PutRecords", put_many, kn_put_many_in, put_many_fields, OP_WRITE | OP_BULK,
	    "Takes up to 500 records; they are on disk when this answers."),
	ROW("RemoveTagsFromStream", untag, kn_tags_in, untag_fields, OP_WRITE, "Removes labels from a stream."),
	ROW("TagResource", tag, kn_tags_in, tag_resource_fields, OP_WRITE, "Adds labels to a stream, by its ARN."),
	ROW("UntagResource", untag, kn_tags_in, untag_resource_fields, OP_WRITE, "Removes labels from a stream, by its ARN."),
};
