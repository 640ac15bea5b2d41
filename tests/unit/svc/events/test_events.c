// SPDX-License-Identifier: Apache-2.0
/* EventBridge through op_call(): rules, events, inputs, deliveries that fail and come back. */
#include "svc/events/events.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "os/clock.h"
#include "os/thread.h"
#include "unit.h"

/* --- stand-ins for the targets --- */
struct start_in {
	const char *arn, *name, *input;
};
static const struct op_field start_fields[] = {
	OP_STR(struct start_in, arn, "stateMachineArn", true, 1, 256),
	OP_STR(struct start_in, name, "name", false, 1, 80),
	OP_STR(struct start_in, input, "input", false, 0, 262144),
	OP_END
};

struct fake {
	struct lock lock;
	struct cond cond;
	int calls, fail; /* the first @fail calls fail */
	char name[100], input[4000];
	char all[400]; /* inputs that were taken, in order, cut */
};

static int start_execution(struct op_ctx *cx, const void *input, struct out *o)
{
	const struct start_in *in = input;
	struct fake *f = cx->self;
	LOCK_SCOPE(&f->lock);

	f->calls++;
	cond_broadcast(&f->cond);
	if (f->calls <= f->fail)
		return aws_fail(&cx->err, &AWS_THROTTLING, "not yet");
	snprintf(f->name, sizeof(f->name), "%s", in->name);
	snprintf(f->input, sizeof(f->input), "%s", in->input);
	snprintf(f->all + strlen(f->all), sizeof(f->all) - strlen(f->all), "%.9s ", in->input);
	out_str(o, "executionArn", "arn");
	return 0;
}

static const struct op fake_ops[] = { { .name = "StartExecution", .fn = start_execution, .in = start_fields,
					.in_size = sizeof(struct start_in), .doc = "A stand-in." } };
static const struct service fake_service = { .name = "stepfunctions", .protocol = OP_JSON_1_0, .ops = fake_ops, .n_ops = 1 };

struct fixture {
	struct meta *meta;
	struct events *ev;
	struct op_registry *r;
	struct arena a;
	struct fake fake;
};

static void fixture_start(struct fixture *f, const char *dir)
{
	struct err e = { 0 };
	struct events_opts o = { .region = "ap-northeast-2", .account = "000000000000" };

	*f = (struct fixture){ 0 };
	arena_init(&f->a, LIMIT_ARENA);
	lock_init(&f->fake.lock, "fake");
	cond_init(&f->fake.cond);
	if (meta_open_sqlite(dir, &f->meta, &e) < 0)
		fail_msg("%s", e.msg);
	o.meta = f->meta;
	assert_int_equal(events_new(&o, &f->ev, &e), 0);
	f->r = op_registry_new();
	op_registry_context(f->r, "ap-northeast-2", VIEW("http://127.0.0.1"));
	op_registry_add(f->r, &events_service, f->ev);
	op_registry_add(f->r, &fake_service, &f->fake);
}

static void fixture_end(struct fixture *f)
{
	events_stop(f->ev);
	f->meta = meta_close(f->meta);
	f->ev = events_free(f->ev);
	f->r = op_registry_free(f->r);
	arena_clear(&f->a);
	cond_clear(&f->fake.cond);
	lock_clear(&f->fake.lock);
}

static const char *call(struct fixture *f, const char *op, const char *in)
{
	struct err e = { 0 };
	const struct op_caller who = { .account = "000000000000", .arn = "arn:aws:iam::000000000000:root" };
	const struct json *v = json_parse(&f->a, view_str(in), JSON_DEPTH, &e), *ret;

	assert_non_null(v);
	if (op_call(f->r, "events", op, v, &who, &f->a, &ret, &e) < 0)
		return arena_printf(&f->a, "%s: %s", e.wire ? ((const struct aws_error *)e.wire)->code : "?", e.msg);
	return json_text(&f->a, ret);
}

static bool wait_calls(struct fake *f, int n)
{
	int64_t end = clock_mono_ns() + 40000000000;
	LOCK_SCOPE(&f->lock);

	while (f->calls < n)
		if (!cond_wait_until(&f->cond, &f->lock, end))
			return false;
	return true;
}

static int count_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct tx_rows *r;
	int rc = tx_one(tx, &r, e, "SELECT COUNT(*) FROM events_delivery", "");

	if (rc > 0) {
		*(int64_t *)arg = row_int(r, 0);
		tx_end(r);
	}
	return rc < 0 ? rc : 0;
}

static int64_t deliveries(struct fixture *f)
{
	struct err e = { 0 };
	int64_t n = -1;

	assert_int_equal(meta_read(f->meta, count_tx, &n, &e), 0);
	return n;
}

#define ARN "arn:aws:states:ap-northeast-2:000000000000:stateMachine:m"
#define RULE "{\"Name\":\"r\",\"EventPattern\":\"{\\\"source\\\":[\\\"me\\\"]}\"}"
#define EVENT "{\"Entries\":[{\"Source\":\"me\",\"DetailType\":\"t\",\"Detail\":\"{\\\"a\\\":{\\\"b\\\":\\\"x\\\"},\\\"n\\\":1}\"}]}"

TEST(events_rules_come_and_go)
{
	struct fixture f;

	fixture_start(&f, unit_tmpdir());
	assert_string_equal(call(&f, "PutRule", RULE), "{\"RuleArn\":\"arn:aws:events:ap-northeast-2:000000000000:rule/r\"}");
	assert_non_null(strstr(call(&f, "DescribeRule", "{\"Name\":\"r\"}"), "\"State\":\"ENABLED\""));
	assert_string_equal(call(&f, "DisableRule", "{\"Name\":\"r\"}"), "{}");
	assert_non_null(strstr(call(&f, "ListRules", "{\"NamePrefix\":\"r\"}"), "\"State\":\"DISABLED\""));
	assert_string_equal(call(&f, "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"RoleArn\":\"role\"}]}"),
			    "{\"FailedEntryCount\":0,\"FailedEntries\":[]}");
	assert_string_equal(call(&f, "ListTargetsByRule", "{\"Rule\":\"r\"}"),
			    "{\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"RoleArn\":\"role\"}]}");
	assert_string_equal(call(&f, "DeleteRule", "{\"Name\":\"r\"}"),
			    "ValidationException: Rule can't be deleted since it has targets.");
	call(&f, "RemoveTargets", "{\"Rule\":\"r\",\"Ids\":[\"1\"]}");
	assert_string_equal(call(&f, "DeleteRule", "{\"Name\":\"r\"}"), "{}");
	assert_string_equal(call(&f, "ListRules", "{}"), "{\"Rules\":[]}");
	fixture_end(&f);
}

TEST(events_pages_by_name)
{
	struct fixture f;
	struct err e = { 0 };
	const char *page, *token;

	fixture_start(&f, unit_tmpdir());
	for (int i = 0; i < 3; i++)
		call(&f, "PutRule", arena_printf(&f.a, "{\"Name\":\"r%d\",\"EventPattern\":\"{\\\"a\\\":[1]}\"}", i));
	page = call(&f, "ListRules", "{\"Limit\":2}");
	assert_non_null(strstr(page, "\"r1\""));
	assert_null(strstr(page, "\"r2\""));
	token = arena_str(&f.a, json_get_str(json_parse(&f.a, view_str(page), 8, &e), "NextToken"));
	page = call(&f, "ListRules", arena_printf(&f.a, "{\"Limit\":2,\"NextToken\":\"%s\"}", token));
	assert_non_null(strstr(page, "\"r2\""));
	assert_null(strstr(page, "NextToken"));
	fixture_end(&f);
}

TEST(events_refuses_with_its_own_errors)
{
	static const struct { const char *op, *in, *want; } t[] = {
		{ "PutRule", "{\"Name\":\"r\"}", "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be" },
		{ "PutRule", "{\"Name\":\"r r\",\"EventPattern\":\"{}\"}", "ValidationException: 1 validation error detected: Value 'r r'" },
		{ "PutRule", "{\"Name\":\"r\",\"EventPattern\":\"{}\"}", "InvalidEventPatternException: Event pattern is not valid. Reason: Empty" },
		{ "PutRule", "{\"Name\":\"r\",\"ScheduleExpression\":\"rate(1 day)\"}", "ValidationException: " },
		{ "PutRule", "{\"Name\":\"r\",\"EventPattern\":\"{}\",\"EventBusName\":\"x\"}", "ResourceNotFoundException: Event bus x" },
		{ "DescribeRule", "{\"Name\":\"no\"}", "ResourceNotFoundException: Rule no does not exist on EventBus default." },
		{ "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"x\"}]}", "ValidationException: Parameter x is not valid. Reason: Provided Arn" },
		{ "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"arn:aws:sns:r:a:t\"}]}", "ValidationException: Parameter arn:aws:sns" },
		{ "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"Input\":\"{\"}]}", "ValidationException: JSON syntax error" },
		{ "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"RetryPolicy\":{}}]}", "ValidationException: " },
		{ "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"InputTransformer\":{\"InputTemplate\":\"<x>\"}}]}",
		  "ValidationException: InputTemplate for target 1 contains invalid placeholder <x>." },
		{ "PutEvents", "{\"Entries\":[]}", "ValidationException: " },
		{ "TestEventPattern", "{\"EventPattern\":\"{}\",\"Event\":\"x\"}", "ValidationException: Parameter Event is not valid." },
	};
	struct fixture f;

	fixture_start(&f, unit_tmpdir());
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *got = call(&f, t[i].op, t[i].in);

		if (!view_starts(view_str(got), view_str(t[i].want)))
			fail_msg("%s %s: %s", t[i].op, t[i].in, got);
	}
	fixture_end(&f);
}

TEST(events_one_target_too_many_is_refused)
{
	struct fixture f;
	const char *got = "";

	fixture_start(&f, unit_tmpdir());
	call(&f, "PutRule", RULE);
	for (int i = 0; i < 101; i++)
		got = call(&f, "PutTargets", arena_printf(&f.a, "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"%d\",\"Arn\":\"" ARN "\"}]}", i));
	assert_true(view_starts(view_str(got), VIEW("LimitExceededException: ")));
	assert_null(strstr(call(&f, "ListTargetsByRule", "{\"Rule\":\"r\"}"), "NextToken"));
	fixture_end(&f);
}

TEST(events_bad_entries_fail_alone)
{
	struct fixture f;
	struct err e = { 0 };
	struct events_port port;
	struct event *v;
	size_t n;
	const char *got;

	fixture_start(&f, unit_tmpdir());
	got = call(&f, "PutEvents", "{\"Entries\":[{\"Source\":\"me\",\"DetailType\":\"t\",\"Detail\":\"{}\"},{\"Source\":\"me\"},"
		   "{\"Source\":\"me\",\"DetailType\":\"t\",\"Detail\":\"[]\"},{\"Source\":\"aws.x\",\"DetailType\":\"t\",\"Detail\":\"{}\"}]}");
	assert_non_null(strstr(got, "\"FailedEntryCount\":3"));
	assert_non_null(strstr(got, "Parameter DetailType is not valid. Reason: DetailType is a required argument."));
	assert_non_null(strstr(got, "MalformedDetail"));
	port = events_port(f.ev);
	assert_int_equal(port.read(port.self, 0, 10, &f.a, &v, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(v[0].n, port.last(port.self));
	assert_string_equal(v[0].source, "me");
	fixture_end(&f);
}

TEST(events_reach_their_target_after_failures)
{
	struct fixture f;
	struct err e = { 0 };

	fixture_start(&f, unit_tmpdir());
	f.fake.fail = 2;
	assert_int_equal(events_start(f.ev, f.r, &e), 0);
	call(&f, "PutRule", RULE);
	call(&f, "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"InputTransformer\":{\"InputPathsMap\":"
	     "{\"b\":\"$.detail.a\",\"n\":\"$.detail.n\",\"z\":\"$.zz\"},\"InputTemplate\":"
	     "\"{\\\"s\\\":\\\"is <b>\\\",\\\"n\\\":<n>,\\\"o\\\":<b>,\\\"z\\\":<z>,\\\"r\\\":<aws.events.rule-name>}\"}}]}");
	call(&f, "PutEvents", EVENT);
	assert_true(wait_calls(&f.fake, 3));
	events_stop(f.ev);
	assert_string_equal(f.fake.input, "{\"s\":\"is {b:x}\",\"n\":1,\"o\":{\"b\":\"x\"},\"z\":null,\"r\":\"r\"}");
	assert_int_equal(strlen(f.fake.name), 69);
	assert_int_equal(deliveries(&f), 0);
	fixture_end(&f);
}

TEST(events_accepted_before_a_stop_are_delivered_after_it)
{
	const char *dir = unit_tmpdir();
	struct fixture f;
	struct err e = { 0 };

	fixture_start(&f, dir);
	call(&f, "PutRule", RULE);
	call(&f, "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"InputPath\":\"$.detail.n\"}]}");
	call(&f, "PutEvents", EVENT);
	fixture_end(&f);
	fixture_start(&f, dir); /* a target that fails keeps its row over a stop */
	f.fake.fail = 1000;
	assert_int_equal(events_start(f.ev, f.r, &e), 0);
	assert_true(wait_calls(&f.fake, 1));
	events_stop(f.ev);
	assert_int_equal(deliveries(&f), 1);
	fixture_end(&f);
	fixture_start(&f, dir);
	assert_int_equal(events_start(f.ev, f.r, &e), 0);
	assert_true(wait_calls(&f.fake, 1));
	events_stop(f.ev);
	assert_string_equal(f.fake.input, "1");
	assert_int_equal(f.fake.calls, 1);
	assert_int_equal(deliveries(&f), 0);
	fixture_end(&f);
}

struct addressing {
	struct events_port port;
	const char *const *v; /* details, lanes */
	size_t n;
};

static int address_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct addressing *x = arg;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < x->n; i += 2)
		rc = x->port.emit_tx(x->port.self, tx, &(struct event){ .source = "me", .detail_type = "t", .detail = x->v[i],
									.arn = ARN, .lane = x->v[i + 1] }, e);
	return rc;
}

TEST(events_with_an_address_go_there_alone_and_in_their_lanes)
{
	static const char *const v[] = { "\"a1\"", "a", "\"a2\"", "a", "\"a3\"", "a", "\"b1\"", "b", "\"none\"", NULL };
	const char *dir = unit_tmpdir();
	struct fixture f;
	struct err e = { 0 };
	struct event *got;
	size_t n = 1;

	fixture_start(&f, dir);
	call(&f, "PutRule", RULE); /* its pattern would fit */
	call(&f, "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"Input\":\"{}\"}]}");
	{
		struct addressing x = { events_port(f.ev), v, ARRAY_LEN(v) };

		assert_int_equal(meta_write(f.meta, address_tx, &x, &e), 0);
		assert_int_equal(x.port.read(x.port.self, 0, 10, &f.a, &got, &n, &e), 0);
		assert_int_equal(n, 0);
	}
	f.fake.fail = 1000; /* the lanes are kept over a stop */
	assert_int_equal(events_start(f.ev, f.r, &e), 0);
	assert_true(wait_calls(&f.fake, 3));
	fixture_end(&f);
	fixture_start(&f, dir);
	f.fake.fail = 3; /* the first of each lane */
	assert_int_equal(events_start(f.ev, f.r, &e), 0);
	assert_true(wait_calls(&f.fake, 3 + 5));
	events_stop(f.ev);
	assert_int_equal(f.fake.calls, 3 + 5);
	assert_true(strstr(f.fake.all, "\"a1\"") < strstr(f.fake.all, "\"a2\""));
	assert_true(strstr(f.fake.all, "\"a2\"") < strstr(f.fake.all, "\"a3\""));
	assert_int_equal(deliveries(&f), 0);
	fixture_end(&f);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LARGE 25000 /* each of its values is an allocation of its own there */
#else
#define LARGE 250000
#endif

/* 40 large events waited at a start: matching them took more memory than there is, at every start again. */
TEST(events_large_ones_are_dispatched_in_turns)
{
	const char *dir = unit_tmpdir();
	struct fixture f;
	struct err e = { 0 };
	struct buf b;

	fixture_start(&f, dir);
	call(&f, "PutRule", RULE);
	call(&f, "PutTargets", "{\"Rule\":\"r\",\"Targets\":[{\"Id\":\"1\",\"Arn\":\"" ARN "\",\"InputPath\":\"$.detail.n\"}]}");
	buf_init(&b, 2 * MIB);
	buf_add_str(&b, "{\"Entries\":[{\"Source\":\"me\",\"DetailType\":\"t\",\"Detail\":\"{\\\"n\\\":1,\\\"l\\\":[0");
	for (int i = 0; i < LARGE; i++)
		buf_add_str(&b, ",[]");
	buf_add_str(&b, "]}\"}]}");
	for (int i = 0; i < 40; i++) {
		struct arena a = f.a;

		arena_init(&f.a, LIMIT_ARENA);
		assert_non_null(strstr(call(&f, "PutEvents", b.p), "\"FailedEntryCount\":0"));
		arena_clear(&f.a);
		f.a = a;
	}
	buf_clear(&b);
	fixture_end(&f);
	fixture_start(&f, dir);
	assert_int_equal(events_start(f.ev, f.r, &e), 0);
	assert_true(wait_calls(&f.fake, 40));
	events_stop(f.ev);
	assert_int_equal(f.fake.calls, 40);
	assert_int_equal(deliveries(&f), 0);
	fixture_end(&f);
}
