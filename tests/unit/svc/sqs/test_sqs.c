/* SPDX-License-Identifier: Apache-2.0 */
/* SQS with a clock of the test's own: delays, visibility, retention, dead letters, repeats from inside, MD5s. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "svc/sqs/sqs_int.h"
#include "unit.h"

#define S 1000LL
#define URL "'QueueUrl':'http://h/123456789012/q'"

static int64_t now;

static int64_t test_now(void)
{
	return now;
}

struct fixture {
	struct arena a;
	struct meta *meta;
	struct sqs *sqs;
	struct op_registry *ops;
	const char *once;
};

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	assert_non_null(f);
	now = 1700000000000;
	arena_init(&f->a, LIMIT_ARENA);
	assert_int_equal(meta_open_sqlite(unit_tmpdir(), &f->meta, &e), 0);
	assert_int_equal(sqs_new(&(struct sqs_opts){ f->meta, "ap-northeast-2", "123456789012", test_now }, &f->sqs, &e), 0);
	f->ops = op_registry_new();
	op_registry_add(f->ops, &sqs_service, f->sqs);
	op_registry_context(f->ops, "ap-northeast-2", VIEW("http://h"));
	return f;
}

static void fixture_free(struct fixture *f)
{
	sqs_stop(f->sqs);
	f->sqs = sqs_free(f->sqs);
	f->ops = op_registry_free(f->ops);
	f->meta = meta_close(f->meta);
	arena_clear(&f->a);
	free(f);
}

/* Quotes are ' in @text, for the eye. */
static const struct json *json_of(struct fixture *f, const char *text)
{
	char *s = arena_str(&f->a, view_str(text));
	struct err e = { 0 };
	const struct json *v;

	for (char *p = s; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	v = json_parse(&f->a, view_str(s), JSON_DEPTH, &e);
	if (!v)
		fail_msg("%s: %s", text, e.msg);
	return v;
}

/* The answer, or NULL and what failed in @e. */
static const struct json *call(struct fixture *f, const char *op, const char *in, struct err *e)
{
	struct op_caller who = { "123456789012", "AKIDEXAMPLE", "arn:aws:iam::123456789012:root", "192.0.2.7", f->once };
	const struct json *ret = NULL;

	return op_call(f->ops, "sqs", op, json_of(f, in), &who, &f->a, &ret, e) < 0 ? NULL : ret;
}

static const struct json *ok(struct fixture *f, const char *op, const char *in)
{
	struct err e = { 0 };
	const struct json *v = call(f, op, in, &e);

	if (!v)
		fail_msg("%s: %s", op, e.msg);
	return v;
}

static void fails(struct fixture *f, const char *op, const char *in, const char *code)
{
	struct err e = { 0 };

	if (call(f, op, in, &e))
		fail_msg("%s %s went through", op, in);
	assert_non_null(e.wire);
	assert_string_equal(((const struct aws_error *)e.wire)->code, code);
}

/* The bodies that one receipt gives, with blanks between. */
static const char *bodies(struct fixture *f, const char *more)
{
	const struct json *v = json_get(ok(f, "ReceiveMessage", arena_printf(&f->a, "{" URL ",'MaxNumberOfMessages':10%s}", more)),
					"Messages");
	const char *text = "";

	for (size_t i = 0; i < json_len(v); i++)
		text = arena_printf(&f->a, "%s%s%.*s", text, i ? " " : "", VIEW_ARG(json_get_str(json_at(v, i), "Body")));
	return text;
}

TEST(sqs_visibility_and_delay_follow_the_clock)
{
	struct fixture *f = fixture_new();

	ok(f, "CreateQueue", "{'QueueName':'q','Attributes':{'DelaySeconds':'5','VisibilityTimeout':'10'}}");
	ok(f, "SendMessage", "{" URL ",'MessageBody':'late'}");
	ok(f, "SendMessage", "{" URL ",'MessageBody':'now','DelaySeconds':0}");
	assert_string_equal(bodies(f, ""), "now");
	now += 5 * S;
	assert_string_equal(bodies(f, ",'VisibilityTimeout':20"), "late");
	now += 5 * S;
	assert_string_equal(bodies(f, ""), "now");
	now += 15 * S;
	assert_string_equal(bodies(f, ""), "now late");
	fixture_free(f);
}

TEST(sqs_retention_ends_messages_and_frees_their_rows)
{
	struct fixture *f = fixture_new();
	const struct json *v;

	ok(f, "CreateQueue", "{'QueueName':'q','Attributes':{'MessageRetentionPeriod':'60'}}");
	ok(f, "SendMessage", "{" URL ",'MessageBody':'old'}");
	now += 59 * S;
	ok(f, "SendMessage", "{" URL ",'MessageBody':'young'}");
	now += 1 * S;
	v = ok(f, "GetQueueAttributes", "{" URL ",'AttributeNames':['ApproximateNumberOfMessages']}");
	assert_string_equal(json_text(&f->a, v), "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"1\"}}");
	assert_string_equal(bodies(f, ""), "young");
	ok(f, "SetQueueAttributes", "{" URL ",'Attributes':{'MessageRetentionPeriod':'3600'}}");
	now += 31 * S;
	assert_string_equal(bodies(f, ""), "young"); /* the old one's row is gone for good */
	fixture_free(f);
}

static int stray_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	int rc = 0;

	for (int64_t i = 0; rc == 0 && i < *(int64_t *)arg; i++)
		rc = tx_run(tx, e, "INSERT INTO sqs_message (queue, n, id, body, sender, sent_ms, visible_ms, receives, first_ms,"
				   " received_ms) VALUES ('q', ?, ?, 'stray', 'me', ?, 0, 0, 0, 0)", "iii", i, i, now);
	return rc;
}

TEST(sqs_what_a_crash_left_of_a_deleted_queue_is_not_the_next_ones)
{
	struct fixture *f = fixture_new();
	int64_t n = 2500; /* more than go at once */
	struct err e = { 0 };

	assert_int_equal(meta_write(f->meta, stray_tx, &n, &e), 0);
	ok(f, "CreateQueue", "{'QueueName':'q'}");
	assert_string_equal(bodies(f, ""), "");
	assert_int_equal(meta_write(f->meta, stray_tx, &n, &e), 0);
	now += 345600 * S;
	assert_string_equal(bodies(f, ""), ""); /* all are too old, and go */
	ok(f, "SetQueueAttributes", "{" URL ",'Attributes':{'MessageRetentionPeriod':'1209600'}}");
	assert_string_equal(bodies(f, ""), "");
	assert_int_equal(meta_write(f->meta, stray_tx, &n, &e), 0);
	ok(f, "DeleteQueue", "{" URL "}");
	ok(f, "CreateQueue", "{'QueueName':'q'}");
	assert_string_equal(bodies(f, ""), "");
	fixture_free(f);
}

TEST(sqs_a_repeat_from_inside_is_one_message)
{
	struct fixture *f = fixture_new();
	const struct json *a, *b;

	ok(f, "CreateQueue", "{'QueueName':'q'}");
	f->once = "event 1";
	a = ok(f, "SendMessage", "{" URL ",'MessageBody':'x'}");
	b = ok(f, "SendMessage", "{" URL ",'MessageBody':'x'}");
	assert_true(json_equal(a, b));
	f->once = "event 2";
	ok(f, "SendMessage", "{" URL ",'MessageBody':'y'}");
	f->once = NULL;
	assert_string_equal(bodies(f, ""), "x y");
	fixture_free(f);
}

TEST(sqs_a_receipt_is_good_until_the_next_one)
{
	struct fixture *f = fixture_new();
	const struct json *v;
	const char *receipt;

	ok(f, "CreateQueue", "{'QueueName':'q'}");
	ok(f, "SendMessage", "{" URL ",'MessageBody':'x'}");
	v = json_at(json_get(ok(f, "ReceiveMessage", "{" URL "}"), "Messages"), 0);
	receipt = arena_printf(&f->a, "{" URL ",'ReceiptHandle':'%.*s','VisibilityTimeout':43200}",
			       VIEW_ARG(json_get_str(v, "ReceiptHandle")));
	ok(f, "ChangeMessageVisibility", receipt);
	now += 43199 * S;
	fails(f, "ChangeMessageVisibility", receipt, "InvalidParameterValueException"); /* more than 12 hours in all */
	now += 1 * S;
	fails(f, "ChangeMessageVisibility", receipt, "MessageNotInflight");
	assert_string_equal(bodies(f, ""), "x");
	fails(f, "ChangeMessageVisibility", receipt, "InvalidParameterValueException");
	fixture_free(f);
}

TEST(sqs_digest_of_attributes)
{
	/* As AWS's documentation builds it, computed with another program. */
	struct fixture *f = fixture_new();
	const struct json *v = json_of(f, "{'b':{'DataType':'Binary','BinaryValue':'AAH/'},'a':{'DataType':'Number','StringValue':'1'}}");
	char md5[33];
	size_t bytes;
	struct err e = { 0 };

	assert_int_equal(sqs__attr_check(v, &bytes, &f->a, &e), 0);
	assert_int_equal(bytes, 1 + 6 + 3 + 1 + 6 + 1);
	sqs__attr_md5(v, &f->a, md5);
	assert_string_equal(md5, "c26ff8977af075b2bfd36713958bb656");
	fixture_free(f);
}
