// SPDX-License-Identifier: Apache-2.0
/* The table: members of every operation's input, honoured or refused by name. */
#include "svc/sqs/sqs_int.h"

#define URL(st) OP_STR(st, url, "QueueUrl", true, 0, 0)

static const struct op_field name_item[] = { OP_ITEM_STR(0, 0), OP_END };

static const struct op_field create_queue[] = {
	OP_STR(struct sqs_queue_in, name, "QueueName", true, 0, 0),
	OP_JSON(struct sqs_queue_in, attributes, "Attributes", false, .at = "Attribute", .flat = true),
	OP_REFUSED("tags"),
	OP_END
};
static const struct op_field queue_only[] = { URL(struct sqs_queue_in), OP_END };
static const struct op_field get_attributes[] = {
	URL(struct sqs_queue_in),
	OP_LIST(struct sqs_queue_in, names, "AttributeNames", false, const char *, name_item, 0, 0,
		.at = "AttributeName", .flat = true),
	OP_END
};
static const struct op_field set_attributes[] = {
	URL(struct sqs_queue_in),
	OP_JSON(struct sqs_queue_in, attributes, "Attributes", true, .at = "Attribute", .flat = true),
	OP_END
};
static const struct op_field get_url[] = {
	OP_STR(struct sqs_queue_in, name, "QueueName", true, 0, 0),
	OP_STR(struct sqs_queue_in, owner, "QueueOwnerAWSAccountId", false, 0, 0),
	OP_END
};
static const struct op_field list_queues[] = {
	OP_STR(struct sqs_queue_in, prefix, "QueueNamePrefix", false, 0, 0),
	OP_STR(struct sqs_queue_in, token, "NextToken", false, 0, 0),
	OP_INT(struct sqs_queue_in, max, "MaxResults", false, 0, 0),
	OP_END
};

#define SEND_MEMBERS \
	OP_STR(struct sqs_send_in, body, "MessageBody", true, 0, 0), \
	OP_INT(struct sqs_send_in, delay, "DelaySeconds", false, 0, 0), \
	OP_JSON(struct sqs_send_in, attributes, "MessageAttributes", false, .at = "MessageAttribute", .flat = true), \
	OP_REFUSED("MessageSystemAttributes"), OP_REFUSED("MessageDeduplicationId"), OP_REFUSED("MessageGroupId"), OP_END

static const struct op_field send[] = { URL(struct sqs_send_in), SEND_MEMBERS };
static const struct op_field send_entry[] = { OP_STR(struct sqs_send_in, id, "Id", true, 0, 0), SEND_MEMBERS };
static const struct op_field send_item[] = { OP_ITEM_OBJ(send_entry), OP_END };
static const struct op_field send_batch[] = {
	URL(struct sqs_batch_in),
	OP_LIST(struct sqs_batch_in, entries, "Entries", true, struct sqs_send_in, send_item, 0, 0,
		.at = "SendMessageBatchRequestEntry", .flat = true),
	OP_END
};

static const struct op_field receive[] = {
	URL(struct sqs_receive_in),
	OP_LIST(struct sqs_receive_in, names, "AttributeNames", false, const char *, name_item, 0, 0,
		.at = "AttributeName", .flat = true),
	OP_LIST(struct sqs_receive_in, system_names, "MessageSystemAttributeNames", false, const char *, name_item, 0, 0,
		.at = "MessageSystemAttributeName", .flat = true),
	OP_LIST(struct sqs_receive_in, attribute_names, "MessageAttributeNames", false, const char *, name_item, 0, 0,
		.at = "MessageAttributeName", .flat = true),
	OP_INT(struct sqs_receive_in, max, "MaxNumberOfMessages", false, 0, 0),
	OP_INT(struct sqs_receive_in, visibility, "VisibilityTimeout", false, 0, 0),
	OP_INT(struct sqs_receive_in, wait, "WaitTimeSeconds", false, 0, 0),
	OP_REFUSED("ReceiveRequestAttemptId"),
	OP_END
};

#define RECEIPT OP_STR(struct sqs_receipt_in, receipt, "ReceiptHandle", true, 0, 0)
#define TIMEOUT(req) OP_INT(struct sqs_receipt_in, visibility, "VisibilityTimeout", req, 0, 0)

static const struct op_field delete_one[] = { URL(struct sqs_receipt_in), RECEIPT, OP_END };
static const struct op_field change_one[] = { URL(struct sqs_receipt_in), RECEIPT, TIMEOUT(true), OP_END };
static const struct op_field delete_entry[] = { OP_STR(struct sqs_receipt_in, id, "Id", true, 0, 0), RECEIPT, OP_END };
static const struct op_field change_entry[] = { OP_STR(struct sqs_receipt_in, id, "Id", true, 0, 0), RECEIPT, TIMEOUT(false),
						OP_END };
static const struct op_field delete_item[] = { OP_ITEM_OBJ(delete_entry), OP_END };
static const struct op_field change_item[] = { OP_ITEM_OBJ(change_entry), OP_END };
static const struct op_field delete_many[] = {
	URL(struct sqs_batch_in),
	OP_LIST(struct sqs_batch_in, entries, "Entries", true, struct sqs_receipt_in, delete_item, 0, 0,
		.at = "DeleteMessageBatchRequestEntry", .flat = true),
	OP_END
};
static const struct op_field change_many[] = {
	URL(struct sqs_batch_in),
	OP_LIST(struct sqs_batch_in, entries, "Entries", true, struct sqs_receipt_in, change_item, 0, 0,
		.at = "ChangeMessageVisibilityBatchRequestEntry", .flat = true),
	OP_END
};

#define ROW(name, fn, in, fields, flags, doc) { name, sqs__##fn, fields, sizeof(struct in), flags, doc }
const struct op sqs__ops[SQS_N_OPS] = {
	ROW("ChangeMessageVisibility", change_visibility, sqs_receipt_in, change_one, OP_WRITE,
	    "Changes how long a received message stays hidden."),
	ROW("ChangeMessageVisibilityBatch", change_visibility_batch, sqs_batch_in, change_many, OP_WRITE,
	    "Changes how long up to ten received messages stay hidden."),
	ROW("CreateQueue", create_queue, sqs_queue_in, create_queue, OP_WRITE, "Creates a standard queue."),
	ROW("DeleteMessage", delete_message, sqs_receipt_in, delete_one, OP_WRITE, "Deletes a received message."),
	ROW("DeleteMessageBatch", delete_message_batch, sqs_batch_in, delete_many, OP_WRITE,
	    "Deletes up to ten received messages."),
	ROW("DeleteQueue", delete_queue, sqs_queue_in, queue_only, OP_WRITE | OP_SLOW,
	    "Deletes a queue with all its messages."),
	ROW("GetQueueAttributes", get_queue_attributes, sqs_queue_in, get_attributes, 0,
	    "Tells a queue's attributes and how many messages it holds."),
	ROW("GetQueueUrl", get_queue_url, sqs_queue_in, get_url, 0, "Tells the URL of a queue."),
	ROW("ListQueues", list_queues, sqs_queue_in, list_queues, 0, "Lists queues."),
	ROW("PurgeQueue", purge_queue, sqs_queue_in, queue_only, OP_WRITE | OP_SLOW, "Deletes all messages of a queue."),
	ROW("ReceiveMessage", receive_message, sqs_receive_in, receive, OP_WRITE | OP_WAITS,
	    "Receives up to ten messages, waiting for them if asked to."),
	ROW("SendMessage", send_message, sqs_send_in, send, OP_WRITE, "Sends a message to a queue."),
	ROW("SendMessageBatch", send_message_batch, sqs_batch_in, send_batch, OP_WRITE, "Sends up to ten messages to a queue."),
	ROW("SetQueueAttributes", set_queue_attributes, sqs_queue_in, set_attributes, OP_WRITE, "Changes a queue's attributes."),
};
