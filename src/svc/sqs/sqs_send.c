// SPDX-License-Identifier: Apache-2.0
/* Sending messages. */
#include <inttypes.h>

#include "os/crypto.h"
#include "svc/sqs/sqs_int.h"

/* --- sending --- */

struct sending {
	struct sqs_message m;
	int64_t delay_s; /* -1: the queue's */
	size_t bytes;
	char body_md5[33], attributes_md5[33];
	struct sqs_outcome *outcome; /* of a batch, or NULL */
};

struct send_tx {
	struct op_ctx *cx;
	const char *queue;
	struct sending *v;
	size_t n;
	int64_t now;
};

/* XML 1.0's characters, of text that is UTF-8 already (there is no NUL). */
static int check_body(struct view v, struct err *e)
{
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];
		bool beyond = c == 0xef && i + 2 < v.n && (unsigned char)v.p[i + 1] == 0xbf && (unsigned char)v.p[i + 2] >= 0xbe;

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || beyond)
			return aws_fail(e, &SQS_BAD_CONTENTS, "Invalid binary character '#x%X' was found in the message body, the set of "
					"allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
					beyond ? 0xff00U + (unsigned char)v.p[i + 2] + 0x40U : c);
	}
	return 0;
}

/* The same call again has the same id, so that a repeat from inside is the message that is there already. */
static const char *message_id(struct op_ctx *cx)
{
	char id[UUID_TEXT];

	if (cx->caller.once)
		uuid8(view_str(cx->caller.once), id);
	else
		uuid4(id);
	return arena_str(cx->arena, view_str(id));
}

static int prepare(struct op_ctx *cx, const struct sqs_send_in *in, struct sending *s)
{
	struct view body = view_str(in->body);
	size_t more = 0;
	int rc;

	s->delay_s = opt_int_or(in->delay, -1);
	if (in->delay.set && (s->delay_s < 0 || s->delay_s > SQS_DELAY_MAX_S))
		return aws_fail(&cx->err, &SQS_BAD_VALUE, "Value %" PRId64 " for parameter DelaySeconds is invalid. Reason: DelaySeconds "
				"must be >= 0 and <= 900.", s->delay_s);
	if (!body.n)
		return aws_fail(&cx->err, &SQS_BAD_VALUE, "The request must contain the parameter MessageBody.");
	rc = check_body(body, &cx->err);
	if (rc == 0)
		rc = sqs__attr_check(in->attributes, &more, cx->arena, &cx->err);
	if (rc < 0)
		return rc;
	s->bytes = body.n + more;
	s->m = (struct sqs_message){ .id = message_id(cx), .body = body, .sender = cx->caller.account };
	md5_hex(body, s->body_md5);
	if (json_len(in->attributes)) {
		s->m.attributes = json_text(cx->arena, in->attributes);
		sqs__attr_md5(in->attributes, cx->arena, s->attributes_md5);
	}
	return 0;
}

static int send_one(struct meta_tx *tx, struct send_tx *t, const struct sqs_queue *q, struct sending *s, struct err *e)
{
	if (s->bytes > (uint64_t)q->max_bytes)
		return aws_fail(e, &SQS_BAD_VALUE, "One or more parameters are invalid. Reason: Message must be shorter than %" PRId64
				" bytes.", q->max_bytes);
	s->m.sent_ms = t->now;
	s->m.visible_ms = t->now + 1000 * (s->delay_s < 0 ? q->delay_s : s->delay_s);
	return sqs__message_insert(tx, t->queue, &s->m, e);
}

static int send_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct send_tx *t = arg;
	struct sqs_queue q;
	int64_t gone;
	int rc = sqs__queue_need(tx, t->queue, t->cx->arena, &q, e);

	if (rc == 0)
		rc = sqs__forget(tx, t->queue, t->now - q.retention_s * 1000, &gone, e);
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		struct sqs_outcome *own = t->v[i].outcome;

		if (own && own->why)
			continue;
		rc = send_one(tx, t, &q, &t->v[i], e);
		if (own)
			rc = sqs__batch_failed(own, rc, e, t->cx->arena);
	}
	return rc;
}

static int send_all(struct send_tx *t)
{
	struct sqs *s = t->cx->self;
	int rc;

	t->now = sqs__now(s);
	rc = meta_write(s->o.meta, send_fn, t, &t->cx->err);
	if (rc == 0)
		sqs__ring(s, t->queue);
	return rc;
}

static void out_sent(struct out *o, const struct sending *s)
{
	out_str(o, "MessageId", s->m.id);
	out_str(o, "MD5OfMessageBody", s->body_md5);
	out_str(o, "MD5OfMessageAttributes", s->attributes_md5[0] ? s->attributes_md5 : NULL);
}

int sqs__send_message(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_send_in *in = input;
	struct sending s = { 0 };
	struct send_tx t = { .cx = cx, .v = &s, .n = 1 };
	int rc = sqs__name_of(cx, in->url, &t.queue);

	if (rc == 0)
		rc = prepare(cx, in, &s);
	if (rc == 0)
		rc = send_all(&t);
	if (rc == 0)
		out_sent(o, &s);
	return rc;
}

/* --- a batch --- */

static int send_batch(struct op_ctx *cx, const struct sqs_send_in *v, struct send_tx *t, struct sqs_outcome *outcomes)
{
	size_t bytes = 0;
	int rc;

	for (size_t i = 0; i < t->n; i++)
		outcomes[i] = (struct sqs_outcome){ .id = v[i].id };
	rc = sqs__batch_check(cx, outcomes, t->n, "SendMessageBatchRequestEntry");
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		t->v[i].outcome = &outcomes[i];
		rc = sqs__batch_failed(&outcomes[i], prepare(cx, &v[i], &t->v[i]), &cx->err, cx->arena);
		bytes += t->v[i].bytes;
	}
	if (rc == 0 && bytes > SQS_MESSAGE_MAX)
		return aws_fail(&cx->err, &SQS_BATCH_LONG, "Batch requests cannot be longer than %d bytes. You have sent %zu bytes.",
				SQS_MESSAGE_MAX, bytes);
	return rc < 0 ? rc : send_all(t);
}

int sqs__send_message_batch(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_batch_in *in = input;
	struct sending s[SQS_BATCH_MAX] = { 0 };
	struct sqs_outcome outcomes[SQS_BATCH_MAX];
	struct send_tx t = { .cx = cx, .v = s, .n = in->entries.n };
	int rc = sqs__name_of(cx, in->url, &t.queue);

	if (rc == 0)
		rc = sqs__batch_size(cx, t.n);
	if (rc == 0)
		rc = send_batch(cx, in->entries.v, &t, outcomes);
	if (rc < 0)
		return rc;
	out_list(o, "Successful", NULL);
	for (size_t i = 0; i < t.n; i++) {
		if (outcomes[i].why)
			continue;
		out_obj(o, NULL);
		out_str(o, "Id", outcomes[i].id);
		out_sent(o, &s[i]);
		out_obj_end(o);
	}
	out_list_end(o);
	sqs__batch_out_failed(o, outcomes, t.n);
	return 0;
}
