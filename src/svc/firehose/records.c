/* SPDX-License-Identifier: Apache-2.0 */
/* records -- PutRecord and PutRecordBatch: into the log, and answered when they are on disk. */
#include <string.h>

#include "svc/firehose/firehose_ops.h"

/* The stream's id and the record's number in 20 digits: 500 of them are made for a batch. */
static char *record_id(struct op_ctx *cx, const struct fh_stream *s, uint64_t seq)
{
	size_t n = strlen(s->id);
	char *id = arena_alloc(cx->arena, n + 21);

	memcpy(id, s->id, n);
	for (size_t i = n + 20; i > n; seq /= 10)
		id[--i] = (char)('0' + seq % 10);
	return id;
}

static struct fh_stream *direct(struct op_ctx *cx, const char *name)
{
	struct fh_stream *s = fh__need(cx, name);

	if (!s || !s->source)
		return s;
	aws_fail(&cx->err, &FIREHOSE_INVALID, "This operation is not permitted on KinesisStreamAsSource delivery stream type.");
	return NULL;
}

/* The log is full or closing: the client has to slow down and try again. */
static bool is_busy(int rc)
{
	return rc == ERR_LIMIT || rc == ERR_CANCELLED;
}

/* What a client repeats because it did not get the answer is answered as the first time. */
static int append(struct op_ctx *cx, struct fh_stream *s, const struct view *v, size_t n, uint64_t *ret_first,
		  struct err *e)
{
	uint8_t key[OP_RETRY_KEY];

	_Static_assert(OP_RETRY_KEY == LOG_KEY, "one is the other");
	if (op_retry_key(cx, key))
		return log_append_once(s->log, key, v, n, ret_first, e);
	return log_append(s->log, v, n, ret_first, e);
}

int fh__op_put(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_put *in = input;
	struct fh_stream *s = direct(cx, in->name);
	struct err e = { 0 };
	uint64_t seq;
	int rc;

	if (!s)
		return cx->err.code;
	rc = append(cx, s, &in->record->data, 1, &seq, &e);
	if (is_busy(rc))
		return aws_fail(&cx->err, &FIREHOSE_UNAVAILABLE, "Slow down.");
	if (rc) {
		cx->err = e;
		return err_ctx(&cx->err, "PutRecord");
	}
	out_str(o, "RecordId", record_id(cx, s, seq));
	out_bool(o, "Encrypted", false);
	return 0;
}

static void answers(struct op_ctx *cx, const struct fh_stream *s, size_t n, bool stored,
		    uint64_t first, struct out *o)
{
	out_int(o, "FailedPutCount", stored ? 0 : (int64_t)n);
	out_bool(o, "Encrypted", false);
	out_list(o, "RequestResponses", NULL);
	for (size_t i = 0; i < n; i++) {
		out_obj(o, NULL);
		if (stored) {
			out_str(o, "RecordId", record_id(cx, s, first + i));
		} else {
			out_str(o, "ErrorCode", FIREHOSE_UNAVAILABLE.code);
			out_str(o, "ErrorMessage", "Slow down.");
		}
		out_obj_end(o);
	}
	out_list_end(o);
}

int fh__op_put_batch(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_put_batch *in = input;
	const struct in_record *records = in->records.v;
	struct fh_stream *s = direct(cx, in->name);
	struct view *v = ARENA_ARRAY(cx->arena, struct view, in->records.n);
	struct err e = { 0 };
	uint64_t first = 0;
	size_t bytes = 0;
	int rc;

	if (!s)
		return cx->err.code;
	for (size_t i = 0; i < in->records.n; i++) {
		v[i] = records[i].data;
		bytes += v[i].n;
	}
	if (bytes > FIREHOSE_BATCH_BYTES)
		return aws_fail(&cx->err, &FIREHOSE_INVALID, "Records size exceeds 4 MB limit");
	rc = append(cx, s, v, in->records.n, &first, &e);
	if (rc && !is_busy(rc)) {
		cx->err = e;
		return err_ctx(&cx->err, "PutRecordBatch");
	}
	answers(cx, s, in->records.n, rc == 0, first, o);
	return 0;
}
