/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify -- what S3 tells EventBridge, queues and functions, in the transaction of its cause.
 *
 * All of it goes through the outbox of the event bus: events for rules as they are, those for a bucket's own queues and
 * functions addressed to them, in S3's older form ("Records").  So nothing is told that has not happened, what has
 * happened is told at least once whatever crashes, and no write waits for who is told.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"
#include "svc/s3/s3_ops.h"

#define ETAG_OF_NOTHING "d41d8cd98f00b204e9800998ecf8427e"

struct happened {
	struct meta_tx *tx;
	struct s3 *s;
	const struct s3_bucket *bucket;
	const struct s3_row *row;
	const struct s3_who *who;
	struct arena *a;
	const char *type, *deletion; /* EventBridge's words */
	const char *name;            /* of the older form: "ObjectCreated:Put" */
	const char *record_version;
	const char *etag;            /* NULL: not told */
	bool sized;
	const char *sequencer;       /* NULL: the order is not told */
};

/* Nanoseconds, never twice: greater is later, for one key. */
static char *sequencer(struct arena *a, uint64_t seq)
{
	return arena_printf(a, "00%016" PRIX64, seq);
}

/* --- EventBridge --- */

static int tell_bus(const struct happened *h, struct err *e)
{
	struct arena *a = h->a;
	struct json *detail = json_new_obj(a), *bucket = json_new_obj(a), *object = json_new_obj(a);
	struct event ev = { .source = "aws.s3", .detail_type = h->type };

	json_set_str(a, detail, "version", "0");
	json_set_str(a, bucket, "name", h->row->bucket);
	json_set(a, detail, "bucket", bucket);
	json_set_str(a, object, "key", h->row->key);
	if (h->sized)
		json_set_int(a, object, "size", (int64_t)h->row->size);
	json_set_str(a, object, "etag", h->etag);
	json_set_str(a, object, "version-id", s3__vid_out(a, h->row));
	json_set_str(a, object, "sequencer", h->sequencer);
	json_set(a, detail, "object", object);
	json_set_str(a, detail, "request-id", h->who->request_id);
	json_set_str(a, detail, "requester", h->who->requester);
	json_set_str(a, detail, "source-ip-address", h->who->source_ip);
	json_set_str(a, detail, "reason", h->who->reason);
	json_set_str(a, detail, "deletion-type", h->deletion);
	ev.detail = json_text(a, detail);
	ev.resources = arena_printf(a, "[\"arn:aws:s3:::%s\"]", h->row->bucket);
	return h->s->events.emit_tx(h->s->events.self, h->tx, &ev, e);
}

/* --- queues and functions --- */

/* As in a form: a space is '+', '/' stays. */
static const char *form_encoded(struct arena *a, const char *key)
{
	struct view v = view_str(key);
	char *s = arena_alloc(a, v.n * 3 + 1), *p = s;

	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (isalnum(c) || c == '-' || c == '_' || c == '.' || c == '*' || c == '/')
			*p++ = (char)c;
		else if (c == ' ')
			*p++ = '+';
		else
			p += snprintf(p, 4, "%%%02X", c);
	}
	return s;
}

static struct json *with(struct arena *a, const char *name, const char *value)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, name, value);
	return o;
}

static struct json *record_object(const struct happened *h)
{
	struct arena *a = h->a;
	struct json *o = with(a, "key", form_encoded(a, h->row->key));

	if (h->sized)
		json_set_int(a, o, "size", (int64_t)h->row->size);
	json_set_str(a, o, "eTag", h->etag);
	json_set_str(a, o, "versionId", s3__vid_out(a, h->row));
	json_set_str(a, o, "sequencer", h->sequencer);
	return o;
}

static const char *message(const struct happened *h, const char *id)
{
	struct arena *a = h->a;
	struct json *r = with(a, "eventVersion", h->record_version), *s3 = with(a, "s3SchemaVersion", "1.0");
	struct json *bucket = with(a, "name", h->row->bucket), *records = json_new_arr(a), *all = json_new_obj(a);
	char t[TIME_TEXT];

	json_set_str(a, r, "eventSource", "aws:s3");
	json_set_str(a, r, "awsRegion", h->s->region);
	json_set_str(a, r, "eventTime", time_iso(h->s->now_ms(), t));
	json_set_str(a, r, "eventName", h->name);
	json_set(a, r, "userIdentity", with(a, "principalId", h->who->source_ip ? arena_printf(a, "AWS:%s", h->who->requester) :
								  h->who->requester));
	json_set(a, r, "requestParameters", with(a, "sourceIPAddress", h->who->source_ip ? h->who->source_ip :
									 h->who->requester));
	json_set(a, r, "responseElements", with(a, "x-amz-request-id", h->who->request_id));
	json_set_str(a, s3, "configurationId", id);
	json_set(a, bucket, "ownerIdentity", with(a, "principalId", h->s->owner_id));
	json_set_str(a, bucket, "arn", arena_printf(a, "arn:aws:s3:::%s", h->row->bucket));
	json_set(a, s3, "bucket", bucket);
	json_set(a, s3, "object", record_object(h));
	json_set(a, r, "s3", s3);
	json_push(a, records, r);
	json_set(a, all, "Records", records);
	return json_text(a, all);
}

static int address(struct meta_tx *tx, struct s3 *s, const char *bucket, const char *id, const char *arn, const char *text,
		   const char *lane, struct arena *a, struct err *e)
{
	const struct event ev = { .source = arena_printf(a, "aws.s3/%s", bucket), .detail_type = id, .detail = text,
				  .arn = arn, .lane = lane };

	return s->events.emit_tx(s->events.self, tx, &ev, e);
}

static int tell_some(const struct happened *h, const struct json *configs, const char *member, struct err *e)
{
	struct arena *a = h->a;
	const char *lane = arena_printf(a, "%s/%s", h->row->bucket, h->row->key);
	int rc = 0;

	for (size_t i = 0; !rc && i < json_len(configs); i++) {
		const struct json *c = json_at(configs, i);
		const char *id;

		if (!s3__notify_wants(c, h->name, view_str(h->row->key)))
			continue;
		id = arena_str(a, json_get_str(c, "Id"));
		rc = address(h->tx, h->s, h->row->bucket, id, arena_str(a, json_get_str(c, member)), message(h, id), lane,
			     a, e);
	}
	return rc;
}

static int tell_targets(const struct happened *h, struct err *e)
{
	const char *text;
	const struct json *doc;
	int rc = s3__config_get(h->tx, h->row->bucket, S3_NOTIFY_KIND, h->a, &text, e);

	if (rc <= 0)
		return rc;
	doc = json_parse(h->a, view_str(text), JSON_DEPTH, e);
	if (!doc)
		return e->code;
	rc = tell_some(h, json_get(doc, "QueueConfigurations"), "QueueArn", e);
	return rc ? rc : tell_some(h, json_get(doc, "LambdaFunctionConfigurations"), "LambdaFunctionArn", e);
}

static int tell(const struct happened *h, struct err *e)
{
	int rc = 0;

	if (!h->s->events.emit_tx)
		return 0;
	if (h->bucket->notify & S3_NOTIFY_BUS)
		rc = tell_bus(h, e);
	if (!rc && h->bucket->notify & S3_NOTIFY_TARGETS)
		rc = tell_targets(h, e);
	return rc;
}

/* --- what happens --- */

struct s3_who s3__who_expired(struct arena *a)
{
	char id[17];

	random_text(id, 16, "0123456789ABCDEF");
	return (struct s3_who){ .request_id = arena_str(a, view_str(id)), .requester = "s3.amazonaws.com",
				.reason = S3_REASON_EXPIRED };
}

static bool reason_is(const struct s3_who *w, const char *reason)
{
	return w->reason && strcmp(w->reason, reason) == 0;
}

int s3__emit_created(struct meta_tx *tx, struct s3 *s, const struct s3_bucket *b, const struct s3_row *r,
		     const struct s3_who *w, struct arena *a, struct err *e)
{
	struct happened h = { tx, s, b, r, w, a, "Object Created", NULL, "ObjectCreated:Put", "2.1", r->etag, true,
			      sequencer(a, r->seq) };

	if (reason_is(w, "CopyObject"))
		h.name = "ObjectCreated:Copy";
	else if (reason_is(w, "CompleteMultipartUpload"))
		h.name = "ObjectCreated:CompleteMultipartUpload";
	else if (reason_is(w, "POST Object"))
		h.name = "ObjectCreated:Post";
	return tell(&h, e);
}

int s3__emit_deleted(struct meta_tx *tx, struct s3 *s, const struct s3_bucket *b, const struct s3_row *r, bool marker,
		     const struct s3_who *w, struct arena *a, struct err *e)
{
	bool expired = reason_is(w, S3_REASON_EXPIRED);
	const struct happened h = {
		tx, s, b, r, w, a, "Object Deleted", marker ? "Delete Marker Created" : "Permanently Deleted",
		marker ? expired ? "LifecycleExpiration:DeleteMarkerCreated" : "ObjectRemoved:DeleteMarkerCreated" :
		expired ? "LifecycleExpiration:Delete" : "ObjectRemoved:Delete",
		expired ? "2.3" : "2.1", marker ? ETAG_OF_NOTHING : NULL, false,
		sequencer(a, marker ? r->seq : s3__next_seq(s))
	};

	return tell(&h, e);
}

int s3__emit_tags(struct meta_tx *tx, struct s3 *s, const struct s3_bucket *b, const struct s3_row *r, bool added,
		  const struct s3_who *w, struct arena *a, struct err *e)
{
	const struct happened h = { tx, s, b, r, w, a, added ? "Object Tags Added" : "Object Tags Deleted", NULL,
				    added ? "ObjectTagging:Put" : "ObjectTagging:Delete", "2.3", r->etag, false, NULL };

	return tell(&h, e);
}

int s3__emit_test(struct meta_tx *tx, struct s3 *s, const char *bucket, const char *id, const char *arn,
		  const struct s3_who *w, struct arena *a, struct err *e)
{
	struct json *o = with(a, "Service", "Amazon S3");
	char t[TIME_TEXT];

	json_set_str(a, o, "Event", "s3:TestEvent");
	json_set_str(a, o, "Time", time_iso(s->now_ms(), t));
	json_set_str(a, o, "Bucket", bucket);
	json_set_str(a, o, "RequestId", w->request_id);
	return address(tx, s, bucket, id, arn, json_text(a, o), NULL, a, e);
}
