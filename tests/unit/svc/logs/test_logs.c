/* SPDX-License-Identifier: Apache-2.0 */
/* Logs: lines of the port and of PutLogEvents, read again; what is refused; what a restart keeps. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/clock.h"
#include "svc/logs/logs.h"
#include "unit.h"

struct fixture {
	struct arena a;
	struct meta *meta;
	struct logs *logs;
	struct op_registry *ops;
};

static void start(struct fixture *f)
{
	struct err e = { 0 };

	assert_int_equal(logs_new(f->meta, "ap-northeast-2", "123456789012", &f->logs, &e), 0);
	assert_int_equal(logs_start(f->logs, &e), 0);
	f->ops = op_registry_new();
	op_registry_add(f->ops, &logs_service, f->logs);
	op_registry_context(f->ops, "ap-northeast-2", VIEW("http://127.0.0.1:1"));
}

static void stop(struct fixture *f)
{
	f->logs = logs_free(f->logs);
	f->ops = op_registry_free(f->ops);
}

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	assert_non_null(f);
	arena_init(&f->a, LIMIT_ARENA);
	assert_int_equal(meta_open_sqlite(unit_tmpdir(), &f->meta, &e), 0);
	start(f);
	return f;
}

static void fixture_free(struct fixture *f)
{
	stop(f);
	f->meta = meta_close(f->meta);
	arena_clear(&f->a);
	free(f);
}

/* The answer as text, or "Code: message". */
static const char *call(struct fixture *f, const char *op, const char *in)
{
	static const struct op_caller who = { "123456789012", "AKIDEXAMPLE", "arn:aws:iam::123456789012:root", "192.0.2.7" };
	struct err e = { 0 };
	const struct json *v = json_parse(&f->a, view_str(in), JSON_DEPTH, &e), *ret;

	assert_non_null(v);
	if (op_call(f->ops, "logs", op, v, &who, &f->a, &ret, &e) < 0)
		return arena_printf(&f->a, "%s: %s", e.wire ? ((const struct aws_error *)e.wire)->code : "?", e.msg);
	return json_text(&f->a, ret);
}

static void is(const char *got, const char *part)
{
	if (!strstr(got, part))
		fail_msg("\"%s\" is not in %s", part, got);
}

static void make(struct fixture *f)
{
	is(call(f, "CreateLogGroup", "{\"logGroupName\":\"g\"}"), "{}");
	is(call(f, "CreateLogStream", "{\"logGroupName\":\"g\",\"logStreamName\":\"s\"}"), "{}");
}

static const char *read_all(struct fixture *f)
{
	return call(f, "GetLogEvents", "{\"logGroupName\":\"g\",\"logStreamName\":\"s\",\"startFromHead\":true}");
}

TEST(logs_events_come_back_in_order)
{
	struct fixture *f = fixture_new();
	long long now = clock_ms();

	make(f);
	is(call(f, "PutLogEvents",
		arena_printf(&f->a,
			     "{\"logGroupName\":\"g\",\"logStreamName\":\"s\",\"logEvents\":[{\"timestamp\":%lld,\"message\":\"one\"},"
			     "{\"timestamp\":%lld,\"message\":\"two\"}]}",
			     now, now + 1)),
	   "{");
	is(read_all(f), "\"message\":\"one\"");
	is(strstr(read_all(f), "\"message\":\"one\""), "\"message\":\"two\"");
	fixture_free(f);
}

TEST(logs_what_is_refused)
{
	static const struct {
		const char *op, *in, *error;
	} cases[] = {
		{ "CreateLogGroup", "{\"logGroupName\":\"g\"}", "ResourceAlreadyExistsException: " },
		{ "CreateLogStream", "{\"logGroupName\":\"g\",\"logStreamName\":\"s\"}", "ResourceAlreadyExistsException: " },
		{ "CreateLogStream", "{\"logGroupName\":\"none\",\"logStreamName\":\"s\"}", "ResourceNotFoundException: " },
		{ "GetLogEvents", "{\"logGroupName\":\"g\",\"logStreamName\":\"none\"}", "ResourceNotFoundException: " },
		{ "DescribeLogStreams", "{\"logGroupName\":\"none\"}", "ResourceNotFoundException: " },
		{ "CreateLogGroup", "{}", "InvalidParameterException: " },
		{ "CreateLogGroup", "{\"logGroupName\":\"h\",\"kmsKeyId\":\"k\"}", "InvalidParameterException: " },
		{ "GetLogEvents", "{\"logGroupName\":\"g\",\"logStreamName\":\"s\",\"nextToken\":\"x\"}", "InvalidParameterException: " },
	};
	struct fixture *f = fixture_new();

	make(f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		is(call(f, cases[i].op, cases[i].in), cases[i].error);
	fixture_free(f);
}

TEST(logs_lines_of_the_port_are_kept_when_it_stops)
{
	struct fixture *f = fixture_new();
	const struct logs_port *p = logs_port(f->logs);

	for (int i = 0; i < 100; i++)
		p->write(p->self, "g", "s", clock_ms(), view_str(arena_printf(&f->a, "line %d.", i)));
	stop(f);
	start(f);
	for (int i = 0; i < 100; i++)
		is(read_all(f), arena_printf(&f->a, "line %d.", i));
	fixture_free(f);
}

TEST(logs_lines_of_the_port_are_seen_soon)
{
	struct fixture *f = fixture_new();
	const struct logs_port *p = logs_port(f->logs);
	int64_t end = clock_mono_ns() + 20LL * 1000000000;

	p->write(p->self, "g", "s", clock_ms(), VIEW("seen"));
	while (!strstr(read_all(f), "seen") && clock_mono_ns() < end)
		sched_yield();
	is(read_all(f), "\"message\":\"seen\"");
	fixture_free(f);
}
