/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told of a bucket's events: what configurations are taken, which events they want, and what is told. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define Q "arn:aws:sqs:ap-northeast-2:123456789012:"
#define F "arn:aws:lambda:ap-northeast-2:123456789012:function:"

/* @config: the inside of NotificationConfiguration. */
static const char *put_config(struct fixture *f, const char *config)
{
	return arena_printf(&f->a, "{'Bucket':'buck','NotificationConfiguration':{%s}}", config);
}

#define QUEUE(id, arn, events, filter) "{'Id':'" id "','QueueArn':'" Q arn "','Events':[" events "]" filter "}"
#define RULES(rules) ",'Filter':{'Key':{'FilterRules':[" rules "]}}"
#define PREFIX(v) "{'Name':'prefix','Value':'" v "'}"
#define SUFFIX(v) "{'Name':'SUFFIX','Value':'" v "'}"
#define CREATED "'s3:ObjectCreated:*'"

TEST(notify_what_is_taken_and_what_is_not)
{
	static const struct {
		const char *config, *code; /* NULL: it is taken */
	} t[] = {
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, "") "]", NULL },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, "") "," QUEUE("2", "q", "'s3:ObjectRemoved:*'", "") "]", NULL },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, RULES(PREFIX("a/"))) ","
		  QUEUE("2", "q", "'s3:ObjectCreated:Put'", RULES(PREFIX("b/"))) "]", NULL },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, RULES(PREFIX("a/") "," SUFFIX(".png"))) ","
		  QUEUE("2", "q", CREATED, RULES(PREFIX("a/") "," SUFFIX(".jpg"))) "]", NULL },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, "") "," QUEUE("2", "q", "'s3:ObjectCreated:Put'", "") "]",
		  "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, RULES(PREFIX("a/"))) ","
		  QUEUE("2", "q", CREATED, RULES(PREFIX("a/b"))) "]", "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, RULES(PREFIX("a") "," SUFFIX("g"))) ","
		  QUEUE("2", "q", CREATED, RULES(PREFIX("ab") "," SUFFIX(".jpg"))) "]", "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, "") "],'LambdaFunctionConfigurations':[{'LambdaFunctionArn':'" F
		  "f','Events':['s3:ObjectCreated:Copy']}]", "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, "") "," QUEUE("1", "q", "'s3:ObjectRemoved:*'", "") "]",
		  "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "absent", CREATED, "") "]", "InvalidArgument" },
		{ "'QueueConfigurations':[{'QueueArn':'" F "f','Events':[" CREATED "]}]", "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, RULES(PREFIX("a") "," PREFIX("b"))) "]", "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", CREATED, RULES("{'Name':'infix','Value':'x'}")) "]", "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", "'s3:ObjectEaten:*'", "") "]", "InvalidArgument" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", "'s3:ObjectRestore:Post'", "") "]", "NotImplemented" },
		{ "'QueueConfigurations':[" QUEUE("1", "q", "", "") "]", "MalformedXML" },
		{ "'TopicConfigurations':[]", "NotImplemented" },
	};
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *in = put_config(f, t[i].config);

		if (t[i].code)
			fails(f, "PutBucketNotificationConfiguration", in, t[i].code);
		else
			ok(f, "PutBucketNotificationConfiguration", in);
		f->n_events = 0;
	}
	fixture_free(f);
}

TEST(notify_absent_targets_only_count_when_asked)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "PutBucketNotificationConfiguration",
	   "{'Bucket':'buck','SkipDestinationValidation':true,'NotificationConfiguration':{'QueueConfigurations':["
	   QUEUE("1", "absent", CREATED, "") "]}}");
	assert_int_equal(f->n_events, 0); /* and no test event */
	put(f, "buck", "k", VIEW("x"));
	assert_int_equal(f->n_events, 1);
	fixture_free(f);
}

TEST(notify_gives_back_what_it_was_given)
{
	struct fixture *f = fixture_new();
	const struct json *v;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "PutBucketNotificationConfiguration",
	   put_config(f, "'EventBridgeConfiguration':{},'QueueConfigurations':["
			 QUEUE("one", "q", CREATED, RULES(SUFFIX(".png"))) "],'LambdaFunctionConfigurations':[{'LambdaFunctionArn':'"
			 F "f','Events':['s3:ObjectTagging:Put','s3:ObjectRemoved:Delete']}]"));
	v = ok(f, "GetBucketNotificationConfiguration", "{'Bucket':'buck'}");
	assert_non_null(json_get(v, "EventBridgeConfiguration"));
	assert_string_equal(json_text(&f->a, json_get(v, "QueueConfiguration")),
			    "[{\"Id\":\"one\",\"Queue\":\"" Q "q\",\"Event\":[\"s3:ObjectCreated:*\"],\"Filter\":{\"S3Key\":"
			    "{\"FilterRule\":[{\"Name\":\"Suffix\",\"Value\":\".png\"}]}}}]");
	assert_int_equal(json_get_str(json_at(json_get(v, "CloudFunctionConfiguration"), 0), "Id").n, UUID_TEXT - 1);
	ok(f, "PutBucketNotificationConfiguration", put_config(f, ""));
	f->n_events = 0;
	put(f, "buck", "x.png", VIEW("x"));
	assert_int_equal(f->n_events, 0);
	fixture_free(f);
}

/* The one event since the last question: of its record, or NULL when it is none. */
static const struct json *record(struct fixture *f)
{
	const char *text;
	const struct json *v;

	if (f->n_events != 1)
		fail_msg("%zu events", f->n_events);
	f->n_events = 0;
	text = strchr(f->events[0], '{');
	assert_non_null(text);
	v = json_parse(&f->a, view_str(text), JSON_DEPTH, &f->e);
	assert_non_null(v);
	return json_at(json_get(v, "Records"), 0);
}

static const char *at(struct fixture *f, const struct json *v, const char *a, const char *b, const char *c)
{
	v = json_get(v, a);
	v = b ? json_get(v, b) : v;
	return arena_str(&f->a, json_str(c ? json_get(v, c) : v));
}

TEST(notify_tells_what_happened_in_order)
{
	struct fixture *f = fixture_new();
	const struct json *r;
	const char *first;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "PutBucketNotificationConfiguration",
	   put_config(f, "'QueueConfigurations':[" QUEUE("one", "q", CREATED ",'s3:ObjectRemoved:*','s3:ObjectTagging:*'",
							 RULES(PREFIX("in/"))) "]"));
	assert_int_equal(f->n_events, 1);
	assert_true(view_starts(view_str(f->events[0]), VIEW(Q "q one - {\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\"")));
	f->n_events = 0;
	put(f, "buck", "out/x", VIEW("x"));
	assert_int_equal(f->n_events, 0);
	put(f, "buck", "in/a b+\xc3\xa4", VIEW("x"));
	assert_true(view_starts(view_str(f->events[0]), VIEW(Q "q one buck/in/a b+\xc3\xa4 {\"Records\"")));
	r = record(f);
	assert_string_equal(at(f, r, "eventName", NULL, NULL), "ObjectCreated:Put");
	assert_string_equal(at(f, r, "eventVersion", NULL, NULL), "2.1");
	assert_string_equal(at(f, r, "eventTime", NULL, NULL), "2023-11-14T22:13:20.000Z");
	assert_string_equal(at(f, r, "s3", "configurationId", NULL), "one");
	assert_string_equal(at(f, r, "s3", "bucket", "arn"), "arn:aws:s3:::buck");
	assert_string_equal(at(f, r, "s3", "object", "key"), "in/a+b%2B%C3%A4");
	assert_string_equal(at(f, r, "s3", "object", "eTag"), "9dd4e461268c8034f5c8564e155c67a6");
	assert_int_equal(json_int(json_get(json_get(json_get(r, "s3"), "object"), "size"), 0), 1);
	assert_null(json_get(json_get(json_get(r, "s3"), "object"), "versionId"));
	first = at(f, r, "s3", "object", "sequencer");
	ok(f, "PutObjectTagging", "{'Bucket':'buck','Key':'in/a b+\xc3\xa4','Tagging':{'TagSet':[{'Key':'k','Value':'v'}]}}");
	r = record(f);
	assert_string_equal(at(f, r, "eventName", NULL, NULL), "ObjectTagging:Put");
	assert_string_equal(at(f, r, "eventVersion", NULL, NULL), "2.3");
	ok(f, "PutBucketVersioning", "{'Bucket':'buck','VersioningConfiguration':{'Status':'Enabled'}}");
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'in/a b+\xc3\xa4'}");
	r = record(f);
	assert_string_equal(at(f, r, "eventName", NULL, NULL), "ObjectRemoved:DeleteMarkerCreated");
	assert_non_null(json_get(json_get(json_get(r, "s3"), "object"), "versionId"));
	assert_true(view_cmp(view_str(at(f, r, "s3", "object", "sequencer")), view_str(first)) > 0);
	ok(f, "DeleteObject", "{'Bucket':'buck','Key':'in/a b+\xc3\xa4','VersionId':'null'}");
	r = record(f);
	assert_string_equal(at(f, r, "eventName", NULL, NULL), "ObjectRemoved:Delete");
	assert_string_equal(at(f, r, "s3", "object", "versionId"), "null");
	assert_null(json_get(json_get(json_get(r, "s3"), "object"), "size"));
	fixture_free(f);
}

struct expiring {
	struct s3_deleting g;
	struct s3_deletion d;
};

static int expire_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct expiring *x = arg;
	int rc = s3__bucket_need(tx, "buck", &x->g.bucket, e);

	return rc ? rc : s3__delete_tx(tx, &x->g, &x->d, e);
}

static const struct json *expire(struct fixture *f, const char *key)
{
	struct expiring x = { .g = { .s = f->s3, .arena = &f->a, .who = s3__who_expired(&f->a) }, .d = { .key = key } };

	f->n_events = 0;
	assert_int_equal(meta_write(f->meta, expire_tx, &x, &f->e), 0);
	return record(f);
}

TEST(notify_tells_of_expirations)
{
	struct fixture *f = fixture_new();
	const struct json *r;

	ok(f, "CreateBucket", "{'Bucket':'buck'}");
	ok(f, "PutBucketNotificationConfiguration",
	   put_config(f, "'QueueConfigurations':[" QUEUE("one", "q", "'s3:LifecycleExpiration:*'", "") "]"));
	put(f, "buck", "k", VIEW("x"));
	r = expire(f, "k");
	assert_string_equal(at(f, r, "eventName", NULL, NULL), "LifecycleExpiration:Delete");
	assert_string_equal(at(f, r, "eventVersion", NULL, NULL), "2.3");
	assert_string_equal(at(f, r, "userIdentity", "principalId", NULL), "s3.amazonaws.com");
	ok(f, "PutBucketVersioning", "{'Bucket':'buck','VersioningConfiguration':{'Status':'Enabled'}}");
	put(f, "buck", "k", VIEW("x"));
	r = expire(f, "k");
	assert_string_equal(at(f, r, "eventName", NULL, NULL), "LifecycleExpiration:DeleteMarkerCreated");
	ok(f, "PutBucketNotificationConfiguration", put_config(f, "'EventBridgeConfiguration':{}"));
	put(f, "buck", "k2", VIEW("x"));
	{
		struct expiring x = { .g = { .s = f->s3, .arena = &f->a, .who = s3__who_expired(&f->a) }, .d = { .key = "k2" } };

		f->n_events = 0;
		assert_int_equal(meta_write(f->meta, expire_tx, &x, &f->e), 0);
	}
	assert_int_equal(f->n_events, 1);
	assert_non_null(strstr(f->events[0], "\"requester\":\"s3.amazonaws.com\",\"reason\":\"Lifecycle Expiration\""));
	fixture_free(f);
}
