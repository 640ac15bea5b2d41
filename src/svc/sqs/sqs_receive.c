// SPDX-License-Identifier: Apache-2.0
/* Receiving, with long polling; and what is done with a receipt: deleting, hiding. */
#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "os/crypto.h"
#include "svc/sqs/sqs_int.h"

#define TOKEN_CHARS 16

/* --- receiving --- */

struct receiving {
	struct op_ctx *cx;
	const struct sqs_receive_in *in;
	const char *queue;
	struct sqs_queue q;
	int64_t now, next_ms, max;
	struct sqs_message *v;
	size_t n;
	const char *dlq; /* where some went, to be rung */
	bool expired;    /* some are over their retention */
};

static int look_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct receiving *r = arg;
	int rc = sqs__queue_need(tx, r->queue, r->cx->arena, &r->q, e);

	if (rc == 0)
		rc = sqs__any_until(tx, r->queue, r->now - r->q.retention_s * 1000, e);
	r->expired = rc > 0;
	return rc < 0 ? rc : sqs__next_visible(tx, &r->q, r->now, &r->next_ms, e);
}

/* A message that was received too often goes to the dead letters.  1: gone; 0: there is nowhere to go. */
static int bury(struct meta_tx *tx, struct receiving *r, const struct sqs_message *m, struct err *e)
{
	struct sqs_queue dlq;
	int rc;

	if (!r->q.dlq || m->receives < r->q.max_receives)
		return 0;
	rc = sqs__queue_find(tx, r->q.dlq, r->cx->arena, &dlq, e);
	if (rc <= 0)
		return rc;
	rc = sqs__message_move(tx, r->queue, m, r->q.dlq, r->now, e);
	if (rc == ERR_EXISTS) { /* the same call sent it twice, and it is there already */
		err_clear(e);
		rc = sqs__message_remove(tx, r->queue, m->n, e);
	}
	r->dlq = r->q.dlq;
	return rc < 0 ? rc : 1;
}

static int take_one(struct meta_tx *tx, struct receiving *r, struct sqs_message *m, struct err *e)
{
	int64_t timeout = opt_int_or(r->in->visibility, r->q.visibility_s);
	char token[TOKEN_CHARS + 1];

	random_text(token, TOKEN_CHARS, "0123456789abcdef");
	m->token = arena_str(r->cx->arena, view_str(token));
	m->receives++;
	m->received_ms = r->now;
	if (!m->first_ms)
		m->first_ms = r->now;
	m->visible_ms = r->now + timeout * 1000;
	return sqs__message_update(tx, r->queue, m, e);
}

static int receive_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct receiving *r = arg;
	struct sqs_message *v;
	int64_t gone;
	size_t n;
	int rc = sqs__queue_need(tx, r->queue, r->cx->arena, &r->q, e);

	r->n = 0;
	if (rc == 0)
		rc = sqs__forget(tx, r->queue, r->now - r->q.retention_s * 1000, &gone, e);
	if (rc == 0)
		rc = sqs__visible(tx, &r->q, r->now, r->max, r->cx->arena, &v, &n, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = bury(tx, r, &v[i], e);
		if (rc == 1) {
			rc = 0;
			continue;
		}
		if (rc == 0)
			rc = take_one(tx, r, &v[i], e);
		r->v[r->n++] = v[i];
	}
	return rc;
}

/* Waits without writing; writes only when something is there. */
static int receive(struct receiving *r, int64_t deadline_ms)
{
	struct sqs *s = r->cx->self;
	int rc;

	for (;;) {
		uint64_t seen = sqs__bell(s, r->queue);

		r->now = sqs__now(s);
		rc = meta_read(s->o.meta, look_tx, r, &r->cx->err);
		if (rc == 0 && deadline_ms < 0)
			deadline_ms = r->now + r->q.wait_s * 1000;
		if (rc == 0 && (r->next_ms <= r->now || r->expired)) {
			rc = meta_write(s->o.meta, receive_tx, r, &r->cx->err);
			if (rc == 0 && r->dlq)
				sqs__ring(s, r->dlq);
			if (rc == 0 && !r->n)
				continue; /* others were faster, all were dead letters, or only old ones went */
		}
		if (rc < 0 || r->n)
			return rc;
		if (!sqs__wait(s, r->queue, seen, r->next_ms, deadline_ms))
			return 0;
	}
}

static bool wants(const struct sqs_receive_in *in, const char *name)
{
	const struct op_list *lists[] = { &in->names, &in->system_names };

	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		const char *const *v = lists[l]->v;

		for (size_t i = 0; i < lists[l]->n; i++)
			if (strcmp(v[i], "All") == 0 || strcmp(v[i], name) == 0)
				return true;
	}
	return false;
}

static void out_system(const struct receiving *r, const struct sqs_message *m, struct out *o)
{
	struct arena *a = r->cx->arena;
	const struct {
		const char *name, *value;
	} t[] = {
		{ "SenderId", m->sender },
		{ "SentTimestamp", arena_printf(a, "%" PRId64, m->sent_ms) },
		{ "ApproximateReceiveCount", arena_printf(a, "%" PRId64, m->receives) },
		{ "ApproximateFirstReceiveTimestamp", arena_printf(a, "%" PRId64, m->first_ms) },
		{ "DeadLetterQueueSourceArn", m->from ? sqs__arn(r->cx->self, a, m->from) : NULL },
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		if (!t[i].value || !wants(r->in, t[i].name))
			continue;
		if (!any)
			out_obj(o, "Attributes");
		any = true;
		out_str(o, t[i].name, t[i].value);
	}
	if (any)
		out_obj_end(o);
}

static void out_message(const struct receiving *r, const struct sqs_message *m, struct out *o)
{
	struct arena *a = r->cx->arena;
	struct err none = { 0 };
	const struct json *all = m->attributes ? json_parse(a, view_str(m->attributes), JSON_DEPTH, &none) : NULL;
	const struct json *some = sqs__attr_pick(all, &r->in->attribute_names, a);
	char md5[33];

	out_obj(o, NULL);
	out_str(o, "MessageId", m->id);
	out_view(o, "ReceiptHandle", base64_encode_arena(a, view_str(arena_printf(a, "%s/%s/%s", m->token, m->id, r->queue))));
	md5_hex(m->body, md5);
	out_str(o, "MD5OfBody", md5);
	out_view(o, "Body", m->body);
	out_system(r, m, o);
	if (some) {
		sqs__attr_md5(some, a, md5);
		out_str(o, "MD5OfMessageAttributes", md5);
		out_json(o, "MessageAttributes", some);
	}
	out_obj_end(o);
}

static int in_range(struct op_ctx *cx, struct opt_int v, const char *name, int64_t min, int64_t max)
{
	if (!v.set || (v.v >= min && v.v <= max))
		return 0;
	return aws_fail(&cx->err, &SQS_BAD_VALUE, "Value %" PRId64 " for parameter %s is invalid. Reason: Must be between %" PRId64
			" and %" PRId64 ", if provided.", v.v, name, min, max);
}

/* Names that AWS knows; those of queues with order are never there. */
static int check_names(struct op_ctx *cx, const struct op_list *names)
{
	static const char *const known[] = { "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount",
					     "ApproximateFirstReceiveTimestamp", "SequenceNumber", "MessageDeduplicationId",
					     "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn" };
	const char *const *v = names->v;

	for (size_t i = 0; i < names->n; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(known) && strcmp(v[i], known[k]) != 0)
			k++;
		if (k == ARRAY_LEN(known))
			return aws_fail(&cx->err, &SQS_UNKNOWN_ATTRIBUTE, "Unknown Attribute %.100s.", v[i]);
	}
	return 0;
}

int sqs__receive_message(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct sqs_receive_in *in = input;
	struct sqs *s = cx->self;
	struct receiving r = { .cx = cx, .in = in, .max = opt_int_or(in->max, 1) };
	int rc = sqs__name_of(cx, in->url, &r.queue);

	if (rc == 0)
		rc = in_range(cx, in->max, "MaxNumberOfMessages", 1, SQS_RECEIVE_MAX);
	if (rc == 0)
		rc = in_range(cx, in->visibility, "VisibilityTimeout", 0, SQS_VISIBILITY_MAX_S);
	if (rc == 0)
		rc = in_range(cx, in->wait, "WaitTimeSeconds", 0, SQS_WAIT_MAX_S);
	if (rc == 0)
		rc = check_names(cx, &in->names);
	if (rc == 0)
		rc = check_names(cx, &in->system_names);
	if (rc < 0)
		return rc;
	r.v = ARENA_ARRAY(cx->arena, struct sqs_message, SQS_RECEIVE_MAX);
	rc = receive(&r, in->wait.set ? sqs__now(s) + in->wait.v * 1000 : -1);
	if (rc < 0 || !r.n)
		return rc;
	out_list(o, "Messages", NULL);
	for (size_t i = 0; i < r.n; i++)
		out_message(&r, &r.v[i], o);
	out_list_end(o);
	return 0;
}

/* --- receipts --- */

struct receipt {
	const char *token, *id;
	int64_t visibility_s; /* -1: delete */
	struct sqs_outcome *outcome; /* of a batch, or NULL */
};

struct receipts_tx {
	struct op_ctx *cx;
	const char *queue;
	struct receipt *v;
	size_t n;
	bool seen; /* one of them can be received at once */
	int64_t now;
};

static int parse_receipt(struct op_ctx *cx, const char *queue, const char *text, struct receipt *r)
{
	struct view v = VIEW_NONE, token, id;

	if (!base64_decode_arena(cx->arena, view_str(text), &v) || !view_split(&v, '/', &token) || !view_split(&v, '/', &id) ||
	    token.n != TOKEN_CHARS || id.n != UUID_TEXT - 1 || !view_eq_str(v, queue))
		return aws_fail(&cx->err, &SQS_BAD_RECEIPT, "The input receipt handle is invalid.");
	r->token = arena_str(cx->arena, token);
	r->id = arena_str(cx->arena, id);
	return 0;
}

static int hide(struct meta_tx *tx, struct receipts_tx *t, const struct receipt *r, struct sqs_message *m, struct err *e)
{
	if (m->visible_ms <= t->now)
		return aws_fail(e, &SQS_NOT_IN_FLIGHT, "The message referred to isn't in flight.");
	if (t->now + r->visibility_s * 1000 > m->received_ms + SQS_VISIBILITY_MAX_S * 1000LL)
		return aws_fail(e, &SQS_BAD_VALUE, "Value %" PRId64 " for parameter VisibilityTimeout is invalid. Reason: Total "
				"VisibilityTimeout for the message is beyond the limit [%d seconds]", r->visibility_s,
				SQS_VISIBILITY_MAX_S);
	m->visible_ms = t->now + r->visibility_s * 1000;
	t->seen |= r->visibility_s == 0;
	return sqs__message_update(tx, t->queue, m, e);
}

/* A receipt counts until the message is received once more.  Deleting with an old one is answered as done, as AWS does,
 * and deletes nothing. */
static int apply(struct meta_tx *tx, struct receipts_tx *t, const struct receipt *r, struct err *e)
{
	struct sqs_message m;
	int rc = sqs__message_find(tx, t->queue, r->id, t->cx->arena, &m, e);
	bool mine = rc > 0 && m.token && strcmp(m.token, r->token) == 0;

	if (rc < 0)
		return rc;
	if (r->visibility_s < 0)
		return mine ? sqs__message_remove(tx, t->queue, m.n, e) : 0;
	if (!mine)
		return aws_fail(e, &SQS_BAD_VALUE, "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is "
				"not available for visibility timeout change.");
	return hide(tx, t, r, &m, e);
}

static int receipts_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct receipts_tx *t = arg;
	struct sqs_queue q;
	int rc = sqs__queue_need(tx, t->queue, t->cx->arena, &q, e);

	t->seen = false;
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		struct sqs_outcome *own = t->v[i].outcome;

		if (own && own->why)
			continue;
		rc = apply(tx, t, &t->v[i], e);
		if (own)
			rc = sqs__batch_failed(own, rc, e, t->cx->arena);
	}
	return rc;
}

static int apply_all(struct receipts_tx *t)
{
	struct sqs *s = t->cx->self;
	int rc;

	t->now = sqs__now(s);
	rc = meta_write(s->o.meta, receipts_fn, t, &t->cx->err);
	if (rc == 0 && t->seen)
		sqs__ring(s, t->queue);
	return rc;
}

static int read_receipt(struct receipts_tx *t, const struct sqs_receipt_in *in, bool hides, struct receipt *r)
{
	int rc = parse_receipt(t->cx, t->queue, in->receipt, r);

	r->visibility_s = hides ? opt_int_or(in->visibility, 0) : -1;
	return rc < 0 ? rc : in_range(t->cx, in->visibility, "VisibilityTimeout", 0, SQS_VISIBILITY_MAX_S);
}

static int with_receipt(struct op_ctx *cx, const struct sqs_receipt_in *in, bool hides)
{
	struct receipt r = { 0 };
	struct receipts_tx t = { .cx = cx, .v = &r, .n = 1 };
	int rc = sqs__name_of(cx, in->url, &t.queue);

	if (rc == 0)
		rc = read_receipt(&t, in, hides, &r);
	return rc < 0 ? rc : apply_all(&t);
}

int sqs__delete_message(struct op_ctx *cx, const void *input, struct out *o)
{
	(void)o;
	return with_receipt(cx, input, false);
}

int sqs__change_visibility(struct op_ctx *cx, const void *input, struct out *o)
{
	(void)o;
	return with_receipt(cx, input, true);
}

/* --- batches of them --- */

static int batch_of_receipts(struct op_ctx *cx, const struct sqs_batch_in *in, bool hides, const char *what, struct out *o)
{
	const struct sqs_receipt_in *v = in->entries.v;
	struct sqs_outcome outcomes[SQS_BATCH_MAX];
	struct receipt r[SQS_BATCH_MAX] = { 0 };
	struct receipts_tx t = { .cx = cx, .v = r, .n = in->entries.n };
	int rc = sqs__name_of(cx, in->url, &t.queue);

	if (rc == 0)
		rc = sqs__batch_size(cx, t.n);
	for (size_t i = 0; rc == 0 && i < t.n; i++)
		outcomes[i] = (struct sqs_outcome){ .id = v[i].id };
	if (rc == 0)
		rc = sqs__batch_check(cx, outcomes, t.n, what);
	for (size_t i = 0; rc == 0 && i < t.n; i++) {
		r[i].outcome = &outcomes[i];
		rc = sqs__batch_failed(&outcomes[i], read_receipt(&t, &v[i], hides, &r[i]), &cx->err, cx->arena);
	}
	if (rc == 0)
		rc = apply_all(&t);
	if (rc < 0)
		return rc;
	out_list(o, "Successful", NULL);
	for (size_t i = 0; i < t.n; i++) {
		if (outcomes[i].why)
			continue;
		out_obj(o, NULL);
		out_str(o, "Id", outcomes[i].id);
		out_obj_end(o);
	}
	out_list_end(o);
	sqs__batch_out_failed(o, outcomes, t.n);
	return 0;
}

int sqs__delete_message_batch(struct op_ctx *cx, const void *input, struct out *o)
{
	return batch_of_receipts(cx, input, false, "DeleteMessageBatchRequestEntry", o);
}

int sqs__change_visibility_batch(struct op_ctx *cx, const void *input, struct out *o)
{
	return batch_of_receipts(cx, input, true, "ChangeMessageVisibilityBatchRequestEntry", o);
}
