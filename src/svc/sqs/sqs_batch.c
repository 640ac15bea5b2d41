// SPDX-License-Identifier: Apache-2.0
/* What the batches have in common: one entry that fails is told by its own error, the others go through. */
#include <ctype.h>
#include <string.h>

#include "svc/sqs/sqs_int.h"

static bool id_ok(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!isalnum((unsigned char)v.p[i]) && v.p[i] != '-' && v.p[i] != '_')
			return false;
	return v.n >= 1 && v.n <= 80;
}

int sqs__batch_check(struct op_ctx *cx, const struct sqs_outcome *v, size_t n, const char *what)
{
	for (size_t i = 0; i < n; i++) {
		if (!id_ok(view_str(v[i].id)))
			return aws_fail(&cx->err, &SQS_BATCH_ID, "A batch entry id can only contain alphanumeric characters, hyphens and "
					"underscores. It can be at most 80 letters long.");
		for (size_t k = 0; k < i; k++)
			if (strcmp(v[i].id, v[k].id) == 0)
				return aws_fail(&cx->err, &SQS_BATCH_TWICE, "Id %s repeated.", v[i].id);
	}
	if (!n)
		return aws_fail(&cx->err, &SQS_BATCH_EMPTY, "There should be at least one %s in the request.", what);
	return 0;
}

int sqs__batch_size(struct op_ctx *cx, size_t n)
{
	if (n <= SQS_BATCH_MAX)
		return 0;
	return aws_fail(&cx->err, &SQS_BATCH_MANY, "Maximum number of entries per request are %d. You have sent %zu.",
			SQS_BATCH_MAX, n);
}

int sqs__batch_failed(struct sqs_outcome *x, int rc, struct err *e, struct arena *a)
{
	if (rc == 0 || !e->wire)
		return rc;
	x->why = e->wire;
	x->message = arena_str(a, view_str(e->msg));
	err_clear(e);
	return 0;
}

void sqs__batch_out_failed(struct out *o, const struct sqs_outcome *v, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (!v[i].why)
			continue;
		if (!any)
			out_list(o, "Failed", NULL);
		any = true;
		out_obj(o, NULL);
		out_str(o, "Id", v[i].id);
		out_bool(o, "SenderFault", true);
		out_str(o, "Code", v[i].why->query_code ? v[i].why->query_code : v[i].why->code);
		out_str(o, "Message", v[i].message);
		out_obj_end(o);
	}
	if (any)
		out_list_end(o);
}
