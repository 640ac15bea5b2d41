/* SPDX-License-Identifier: Apache-2.0 */
/* report -- errors of delivery, for CloudWatch Logs and for the program's own messages. */
#include "base/limits.h"
#include "os/clock.h"
#include "os/diag.h"
#include "svc/firehose/deliver.h"

static void write_line(struct fh_stream *s, const struct fh_work *w, const char *code, const char *message, uint64_t n)
{
	CLEANUP(arena_clear) struct arena a;
	const struct fh_place *to = &w->config.data;
	const struct logs_port *logs = s->f->logs;
	struct json *o;

	arena_init(&a, LIMIT_ARENA);
	if (!to->log_group || !logs || !logs->write)
		return;
	o = json_new_obj(&a);
	json_set_str(&a, o, "deliveryStreamARN", fh__arn(s->f, &a, s->name));
	json_set_str(&a, o, "destination", arena_printf(&a, "arn:aws:s3:::%s", to->bucket));
	json_set_int(&a, o, "deliveryStreamVersionId", w->version);
	json_set_str(&a, o, "message", message);
	json_set_str(&a, o, "errorCode", code);
	if (n > 1)
		json_set_int(&a, o, "records", (int64_t)n);
	logs->write(logs->self, to->log_group, to->log_stream, clock_ms(), view_str(json_text(&a, o)));
}

void fh__log_waits(struct fh_stream *s, const struct err *e)
{
	const char *code = e->code == ERR_NOENT ? "S3.NoSuchBucket" : e->code == ERR_DENIED ? "S3.AccessDenied" : "S3.InternalError";

	diag(DIAG_WARN, "firehose", "delivery of %s waits: %s", s->name, e->msg);
	if (s->work)
		write_line(s, s->work, code, e->msg, 1);
}

/* One line for each run of items that failed for the same reason. */
void fh__log_failed(struct fh_stream *s, const struct fh_work *w, const struct fh_batch *b)
{
	for (size_t i = 0; w->config.data.log_group && i < b->n;) {
		const struct fh_item *first = &b->v[i];
		size_t n = 1;

		while (i + n < b->n && b->v[i + n].failed == first->failed && b->v[i + n].code == first->code)
			n++;
		if (first->failed)
			write_line(s, w, first->code, first->message, n);
		i += n;
	}
}
