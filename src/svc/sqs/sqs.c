// SPDX-License-Identifier: Apache-2.0
/* The service: its errors, the names of queues, and the bells that wake who waits for a message. */
#include "svc/sqs/sqs.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "os/clock.h"
#include "svc/sqs/sqs_int.h"

const struct aws_error SQS_NO_QUEUE = { "QueueDoesNotExist", 400, false, "AWS.SimpleQueueService.NonExistentQueue" };
const struct aws_error SQS_QUEUE_EXISTS = { "QueueNameExists", 400, false, "QueueAlreadyExists" };
const struct aws_error SQS_UNKNOWN_ATTRIBUTE = { "InvalidAttributeName", 400, false };
const struct aws_error SQS_BAD_ATTRIBUTE = { "InvalidAttributeValue", 400, false };
const struct aws_error SQS_BAD_VALUE = { "InvalidParameterValueException", 400, false, "InvalidParameterValue" };
const struct aws_error SQS_BAD_CONTENTS = { "InvalidMessageContents", 400, false };
const struct aws_error SQS_BAD_RECEIPT = { "ReceiptHandleIsInvalid", 400, false };
const struct aws_error SQS_NOT_IN_FLIGHT = { "MessageNotInflight", 400, false, "AWS.SimpleQueueService.MessageNotInflight" };
const struct aws_error SQS_PURGING = { "PurgeQueueInProgress", 400, false, "AWS.SimpleQueueService.PurgeQueueInProgress" };
const struct aws_error SQS_UNSUPPORTED = { "UnsupportedOperation", 400, false, "AWS.SimpleQueueService.UnsupportedOperation" };
const struct aws_error SQS_BATCH_EMPTY = { "EmptyBatchRequest", 400, false, "AWS.SimpleQueueService.EmptyBatchRequest" };
const struct aws_error SQS_BATCH_MANY = { "TooManyEntriesInBatchRequest", 400, false,
					  "AWS.SimpleQueueService.TooManyEntriesInBatchRequest" };
const struct aws_error SQS_BATCH_TWICE = { "BatchEntryIdsNotDistinct", 400, false,
					   "AWS.SimpleQueueService.BatchEntryIdsNotDistinct" };
const struct aws_error SQS_BATCH_ID = { "InvalidBatchEntryId", 400, false, "AWS.SimpleQueueService.InvalidBatchEntryId" };
const struct aws_error SQS_BATCH_LONG = { "BatchRequestTooLong", 400, false, "AWS.SimpleQueueService.BatchRequestTooLong" };
const struct aws_error SQS_DELETED_RECENTLY = { "QueueDeletedRecently", 400, false,
						"AWS.SimpleQueueService.QueueDeletedRecently" };
const struct aws_error SQS_BAD_ADDRESS = { "InvalidAddress", 400, false };

static const struct aws_error *const errors[] = {
	&SQS_NO_QUEUE, &SQS_QUEUE_EXISTS, &SQS_UNKNOWN_ATTRIBUTE, &SQS_BAD_ATTRIBUTE, &SQS_BAD_VALUE, &SQS_BAD_CONTENTS,
	&SQS_BAD_RECEIPT, &SQS_NOT_IN_FLIGHT, &SQS_PURGING, &SQS_UNSUPPORTED, &SQS_BATCH_EMPTY, &SQS_BATCH_MANY,
	&SQS_BATCH_TWICE, &SQS_BATCH_ID, &SQS_BATCH_LONG, &SQS_BAD_ADDRESS,
	&SQS_DELETED_RECENTLY, NULL
};

int sqs_new(const struct sqs_opts *o, struct sqs **ret, struct err *e)
{
	struct sqs *q;
	int rc = meta_schema(o->meta, sqs__ddl, e);

	if (rc < 0)
		return err_ctx(e, "sqs");
	q = calloc(1, sizeof(*q));
	must(q);
	q->o = *o;
	q->region = strdup(o->region);
	q->account = strdup(o->account);
	lock_init(&q->lock, "sqs");
	for (size_t i = 0; i < SQS_BELLS; i++)
		cond_init(&q->bells[i]);
	*ret = q;
	return 0;
}

void sqs_stop(struct sqs *q)
{
	LOCK_SCOPE(&q->lock);
	q->stopping = true;
	for (size_t i = 0; i < SQS_BELLS; i++)
		cond_broadcast(&q->bells[i]);
}

struct sqs *sqs_free(struct sqs *q)
{
	if (!q)
		return NULL;
	for (size_t i = 0; i < SQS_BELLS; i++)
		cond_clear(&q->bells[i]);
	lock_clear(&q->lock);
	free(q->region);
	free(q->account);
	free(q);
	return NULL;
}

int64_t sqs__now(const struct sqs *q)
{
	return q->o.now_ms ? q->o.now_ms() : clock_ms();
}

/* --- names --- */

/* "http://host:port/account/name": which host the client knows us by does not matter. */
int sqs__name_of(struct op_ctx *cx, const char *url, const char **ret)
{
	const struct sqs *q = cx->self;
	struct view rest = view_str(url), part, account = VIEW_NONE, name = VIEW_NONE;

	while (view_split(&rest, '/', &part)) {
		account = name;
		name = part;
	}
	if (!name.n || !account.p || !view_eq_str(account, q->account))
		return aws_fail(&cx->err, &SQS_BAD_ADDRESS, "The address %s is not valid for this endpoint.", url);
	*ret = arena_str(cx->arena, name);
	return 0;
}

const char *sqs__url(const struct op_ctx *cx, const char *name)
{
	const struct sqs *q = cx->self;

	return arena_printf(cx->arena, "%.*s/%s/%s", VIEW_ARG(cx->endpoint), q->account, name);
}

const char *sqs__arn(const struct sqs *q, struct arena *a, const char *name)
{
	return arena_printf(a, "arn:aws:sqs:%s:%s:%s", q->region, q->account, name);
}

/* --- waiting --- */

static size_t bell(const char *queue)
{
	return map_hash(view_str(queue)) % SQS_BELLS;
}

void sqs__ring(struct sqs *q, const char *queue)
{
	size_t i = bell(queue);
	LOCK_SCOPE(&q->lock);

	q->rung[i]++;
	cond_broadcast(&q->bells[i]);
}

uint64_t sqs__bell(struct sqs *q, const char *queue)
{
	LOCK_SCOPE(&q->lock);
	return q->rung[bell(queue)];
}

bool sqs__wait(struct sqs *q, const char *queue, uint64_t seen, int64_t next_ms, int64_t deadline_ms)
{
	size_t i = bell(queue);
	int64_t now = sqs__now(q), left = (next_ms < deadline_ms ? next_ms : deadline_ms) - now;
	int64_t deadline = clock_mono_ns() + left * 1000000;
	LOCK_SCOPE(&q->lock);

	if (now >= deadline_ms)
		return false;
	while (left > 0 && !q->stopping && q->rung[i] == seen)
		if (!cond_wait_until(&q->bells[i], &q->lock, deadline))
			break;
	return !q->stopping;
}

/* What older clients than those that speak JSON expect. */
static const struct op_query_name query_names[] = {
	{ "Attributes", "Attribute", true },   { "Failed", "BatchResultErrorEntry", false },
	{ "MessageAttributes", "MessageAttribute", true }, { "Messages", "Message", false },
	{ "QueueUrls", "QueueUrl", false },    { "Successful", NULL, false },
	{ NULL, NULL, false },
};

const struct service sqs_service = {
	.name = "sqs",
	.signing_name = "sqs",
	.target_prefix = "AmazonSQS",
	.api_version = "2012-11-05",
	.protocol = OP_JSON_1_0,
	.ops = sqs__ops,
	.n_ops = SQS_N_OPS,
	.errors = errors,
	.invalid = &SQS_BAD_VALUE,
	.refused = &SQS_UNSUPPORTED,
	.xml_namespace = "http://queue.amazonaws.com/doc/2012-11-05/",
	.query_names = query_names,
};
