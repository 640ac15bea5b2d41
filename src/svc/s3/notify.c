/* SPDX-License-Identifier: Apache-2.0 */
/* notify -- what S3 tells EventBridge, in the transaction of its cause; and who wants to be told. */
#include <inttypes.h>

#include "svc/s3/s3_ops.h"

/* Nanoseconds, never twice: greater is later, for one key. */
static char *sequencer(struct arena *a, uint64_t seq)
{
	return arena_printf(a, "00%016" PRIX64, seq);
}

static int emit(struct meta_tx *tx, struct s3 *s, const char *type, const char *bucket,
		struct json *detail, const struct s3_who *w, struct arena *a, struct err *e)
{
	struct event ev = { .source = "aws.s3", .detail_type = type };

	if (!s->events.emit_tx)
		return 0;
	json_set_str(a, detail, "request-id", w->request_id);
	json_set_str(a, detail, "requester", w->requester);
	json_set_str(a, detail, "source-ip-address", w->source_ip);
	json_set_str(a, detail, "reason", w->reason);
	ev.detail = json_text(a, detail);
	ev.resources = arena_printf(a, "[\"arn:aws:s3:::%s\"]", bucket);
	return s->events.emit_tx(s->events.self, tx, &ev, e);
}

static struct json *begin(struct arena *a, const struct s3_row *r, struct json *object)
{
	struct json *detail = json_new_obj(a), *bucket = json_new_obj(a);

	json_set_str(a, detail, "version", "0");
	json_set_str(a, bucket, "name", r->bucket);
	json_set(a, detail, "bucket", bucket);
	json_set_str(a, object, "key", r->key);
	json_set_str(a, object, "version-id", s3__vid_out(a, r));
	json_set(a, detail, "object", object);
	return detail;
}

int s3__emit_created(struct meta_tx *tx, struct s3 *s, const struct s3_row *r,
		     const struct s3_who *w, struct arena *a, struct err *e)
{
	struct json *object = json_new_obj(a), *detail = begin(a, r, object);

	json_set_int(a, object, "size", (int64_t)r->size);
	json_set_str(a, object, "etag", r->etag);
	json_set_str(a, object, "sequencer", sequencer(a, r->seq));
	return emit(tx, s, "Object Created", r->bucket, detail, w, a, e);
}

int s3__emit_deleted(struct meta_tx *tx, struct s3 *s, const struct s3_row *r, bool marker,
		     const struct s3_who *w, struct arena *a, struct err *e)
{
	struct json *object = json_new_obj(a), *detail = begin(a, r, object);

	json_set_str(a, object, "sequencer", sequencer(a, marker ? r->seq : s3__next_seq(s)));
	json_set_str(a, detail, "deletion-type",
		     marker ? "Delete Marker Created" : "Permanently Deleted");
	return emit(tx, s, "Object Deleted", r->bucket, detail, w, a, e);
}

int s3__emit_tags(struct meta_tx *tx, struct s3 *s, const struct s3_row *r, bool added,
		  const struct s3_who *w, struct arena *a, struct err *e)
{
	struct json *object = json_new_obj(a), *detail = begin(a, r, object);

	json_set_str(a, object, "etag", r->etag);
	return emit(tx, s, added ? "Object Tags Added" : "Object Tags Deleted", r->bucket, detail,
		    w, a, e);
}

/* --- the bucket's configuration --- */

struct notify_arg {
	const char *bucket;
	bool on;
	struct s3_bucket found;
};

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct notify_arg *a = arg;
	int rc = s3__bucket_need(tx, a->bucket, NULL, e);

	return rc ? rc : s3__bucket_notify(tx, a->bucket, a->on, e);
}

int s3__put_notification(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_notify *in = input;
	struct s3 *s = cx->self;
	struct notify_arg a = { .bucket = in->bucket, .on = in->config->eventbridge != NULL };
	int rc = s3__check_owner(cx, in->owner);

	return rc ? rc : meta_write(s->meta, put_fn, &a, &cx->err);
}

static int get_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct notify_arg *a = arg;

	return s3__bucket_need(tx, a->bucket, &a->found, e);
}

int s3__get_notification(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct in_bucket *in = input;
	struct s3 *s = cx->self;
	struct notify_arg a = { .bucket = in->bucket };
	int rc = s3__check_owner(cx, in->owner);

	if (!rc)
		rc = meta_read(s->meta, get_fn, &a, &cx->err);
	if (rc)
		return rc;
	out_root(o, "NotificationConfiguration");
	if (a.found.eventbridge) {
		out_obj(o, "EventBridgeConfiguration");
		out_obj_end(o);
	}
	return 0;
}
