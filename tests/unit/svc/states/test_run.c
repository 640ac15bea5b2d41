// SPDX-License-Identifier: Apache-2.0
/* Tasks, retries, catches, time-outs, stopping, and going on after a stop of the server. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define INVOKE "\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::lambda:invoke\",\"Parameters\":{\"FunctionName\":\"f\",\"Payload.$\":\"$\"}"
#define MACHINE(states) "{\"StartAt\":\"A\",\"States\":{" states "}}"
#define SETTINGS "\"roleArn\":\"arn:aws:iam::000000000000:role/r\""

static void expect(struct fixture *f, const char *name, const char *definition, const char *input, const char *status,
		   const char *result, const char *events)
{
	const struct json *d = run(f, name, definition, input);
	const char *got = text(f, d, strcmp(status, "SUCCEEDED") == 0 ? "output" : "error");

	if (json_is(d, JSON_STR))
		fail_msg("%s: %s", name, arena_str(&f->a, json_str(d)));
	assert_string_equal(text(f, d, "status"), status);
	assert_string_equal(got, result);
	if (events)
		assert_string_equal(history(f, text(f, d, "executionArn")), events);
}

TEST(states_task_calls_a_function)
{
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	expect(&f, "m", MACHINE("\"A\":{" INVOKE ",\"ResultSelector\":{\"p.$\":\"$.Payload\"},\"ResultPath\":\"$.r\",\"End\":true}"),
	       "{\"x\":1}", "SUCCEEDED", "{\"x\":1,\"r\":{\"p\":{\"ok\":true}}}",
	       "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3 TaskSucceeded<4 TaskStateExited<5 "
	       "ExecutionSucceeded<6");
	assert_string_equal(f.last, "{\"x\":1}");
	expect(&f, "direct", MACHINE("\"A\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:ap-northeast-2:000000000000:function:f\","
				     "\"End\":true}"), "{\"x\":2}", "SUCCEEDED", "{\"ok\":true}",
	       "ExecutionStarted<0 TaskStateEntered<0 LambdaFunctionScheduled<2 LambdaFunctionStarted<3 LambdaFunctionSucceeded<4 "
	       "TaskStateExited<5 ExecutionSucceeded<6");
	fixture_close(&f);
}

TEST(states_task_retries_then_succeeds)
{
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	f.fail = 2;
	expect(&f, "m", MACHINE("\"A\":{" INVOKE ",\"Retry\":[{\"ErrorEquals\":[\"Lambda.ThrottlingException\"],\"IntervalSeconds\":1,"
				"\"MaxDelaySeconds\":1,\"JitterStrategy\":\"FULL\"}],\"OutputPath\":\"$.Payload\",\"End\":true}"),
	       "{}", "SUCCEEDED", "{\"ok\":true}",
	       "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3 TaskFailed<4 TaskScheduled<5 TaskStarted<6 "
	       "TaskFailed<7 TaskScheduled<8 TaskStarted<9 TaskSucceeded<10 TaskStateExited<11 ExecutionSucceeded<12");
	assert_int_equal(f.calls, 3);
	fixture_close(&f);
}

TEST(states_task_errors_are_caught_or_end_it)
{
	static const char broken[] = "\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::lambda:invoke\",\"Parameters\":"
				     "{\"FunctionName\":\"broken\"}";
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	expect(&f, "caught", arena_printf(&f.a, MACHINE("\"A\":{%s,\"Catch\":[{\"ErrorEquals\":[\"Other\"],\"Next\":\"B\"},"
				"{\"ErrorEquals\":[\"States.TaskFailed\"],\"ResultPath\":\"$.e.Error\",\"Next\":\"B\"}],\"End\":true},"
				"\"B\":{\"Type\":\"Pass\",\"End\":true}"), broken), "{}", "SUCCEEDED",
	       "{\"e\":{\"Error\":{\"Error\":\"MyError\",\"Cause\":\"{\\\"errorType\\\":\\\"MyError\\\",\\\"errorMessage\\\":\\\"no\\\"}\"}}}",
	       "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3 TaskFailed<4 TaskStateExited<5 "
	       "PassStateEntered<6 PassStateExited<7 ExecutionSucceeded<8");
	expect(&f, "fatal", arena_printf(&f.a, MACHINE("\"A\":{%s,\"End\":true}"), broken), "{}", "FAILED", "MyError",
	       "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3 TaskFailed<4 ExecutionFailed<5");
	/* States.ALL does not catch a mistake of the definition */
	expect(&f, "runtime", MACHINE("\"A\":{" INVOKE ",\"InputPath\":\"$.no\",\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":"
				      "\"B\"}],\"End\":true},\"B\":{\"Type\":\"Pass\",\"End\":true}"), "{}", "FAILED", "States.Runtime",
	       "ExecutionStarted<0 TaskStateEntered<0 ExecutionFailed<2");
	fixture_close(&f);
}

TEST(states_task_times_out)
{
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	f.hold = 1;
	expect(&f, "m", MACHINE("\"A\":{" INVOKE ",\"TimeoutSeconds\":1,\"End\":true}"), "{}", "FAILED", "States.Timeout",
	       "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3 TaskTimedOut<4 ExecutionFailed<5");
	expect(&f, "whole", "{\"TimeoutSeconds\":1,\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Wait\",\"Seconds\":60,\"End\":true}}}",
	       "{}", "TIMED_OUT", "States.Timeout",
	       "ExecutionStarted<0 WaitStateEntered<0 WaitStateAborted<2 ExecutionTimedOut<3");
	fixture_close(&f);
}

TEST(states_sync_waits_for_the_job)
{
	static const char job[] = MACHINE("\"A\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::glue:startJobRun.sync\",\"Parameters\":"
					  "{\"JobName.$\":\"$.n\"},\"OutputPath\":\"$.JobRunState\",\"End\":true}");
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	expect(&f, "m", job, "{\"n\":\"j\"}", "SUCCEEDED", "\"SUCCEEDED\"",
	       "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3 TaskSubmitted<4 TaskSucceeded<5 TaskStateExited<6 "
	       "ExecutionSucceeded<7");
	assert_int_equal(f.polls, 3);
	expect(&f, "m", job, "{\"n\":\"bad\"}", "FAILED", "States.TaskFailed", NULL);
	fixture_close(&f);
}

TEST(states_a_failing_branch_aborts_the_others)
{
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	expect(&f, "m", MACHINE("\"A\":{\"Type\":\"Parallel\",\"Branches\":[{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\","
				"\"Seconds\":600,\"End\":true}}},{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\",\"Error\":\"E\"}}}],"
				"\"End\":true}"), "{}", "FAILED", "E",
	       "ExecutionStarted<0 ParallelStateEntered<0 ParallelStateStarted<2 WaitStateEntered<3 FailStateEntered<3 "
	       "WaitStateAborted<4 ParallelStateFailed<5 ExecutionFailed<7");
	fixture_close(&f);
}

TEST(states_map_keeps_order_and_concurrency)
{
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	expect(&f, "m", MACHINE("\"A\":{\"Type\":\"Map\",\"MaxConcurrency\":2,\"ItemSelector\":{\"i.$\":\"$$.Map.Item.Index\",\"v.$\":"
				"\"$$.Map.Item.Value\"},\"ItemProcessor\":{\"StartAt\":\"T\",\"States\":{\"T\":{" INVOKE
				",\"ResultPath\":null,\"End\":true}}},\"End\":true}"), "[7,8,9]", "SUCCEEDED",
	       "[{\"i\":0,\"v\":7},{\"i\":1,\"v\":8},{\"i\":2,\"v\":9}]", NULL);
	assert_int_equal(f.calls, 3);
	expect(&f, "none", MACHINE("\"A\":{\"Type\":\"Map\",\"ItemProcessor\":{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Pass\","
				   "\"End\":true}}},\"End\":true}"), "[]", "SUCCEEDED", "[]",
	       "ExecutionStarted<0 MapStateEntered<0 MapStateStarted<2 MapStateSucceeded<3 MapStateExited<3 ExecutionSucceeded<5");
	fixture_close(&f);
}

TEST(states_a_long_loop_is_run_in_pieces)
{
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	expect(&f, "m", MACHINE("\"A\":{\"Type\":\"Pass\",\"Parameters\":{\"n.$\":\"States.MathAdd($.n, 1)\"},\"Next\":\"B\"},"
				"\"B\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.n\",\"NumericLessThan\":700,\"Next\":\"A\"}],"
				"\"Default\":\"C\"},\"C\":{\"Type\":\"Succeed\"}"), "{\"n\":0}", "SUCCEEDED", "{\"n\":700}", NULL);
	fixture_close(&f);
}

/* What grows without bound ends its execution, not the server. */
TEST(states_data_over_the_limit_ends_the_execution)
{
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	expect(&f, "double", MACHINE("\"A\":{\"Type\":\"Pass\",\"Parameters\":{\"a.$\":\"$\",\"b.$\":\"$\"},\"Next\":\"B\"},"
				     "\"B\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$\",\"IsPresent\":true,\"Next\":\"A\"}]}"),
	       "{\"x\":1}", "FAILED", "States.DataLimitExceeded", NULL);
	expect(&f, "nested", MACHINE("\"A\":{\"Type\":\"Pass\",\"Parameters\":{\"a.$\":\"States.JsonToString(States.Array($,$,$,$,$,$,"
				     "$,$,$,$))\"},\"Next\":\"B\"},\"B\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$\",\"IsPresent\":true,"
				     "\"Next\":\"A\"}]}"), "{\"x\":1}", "FAILED", "States.IntrinsicFailure", NULL);
	expect(&f, "items", MACHINE("\"A\":{\"Type\":\"Pass\",\"Parameters\":{\"l.$\":\"States.ArrayRange(1, 1000, 1)\"},\"OutputPath\":\"$.l\","
				    "\"Next\":\"M\"},\"M\":{\"Type\":\"Map\",\"ItemProcessor\":{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\","
				    "\"Parameters\":{\"r.$\":\"States.ArrayRange(1, 1000, 1)\",\"s.$\":\"States.ArrayRange(1001, 2000, 1)\"},"
				    "\"End\":true}}},\"End\":true}"), "{}", "FAILED", "States.DataLimitExceeded", NULL);
	fixture_close(&f);
}

static const char *begin(struct fixture *f, const char *name, const char *definition)
{
	struct json *in = json_new_obj(&f->a);
	const struct json *m;

	json_set_str(&f->a, in, "name", name);
	json_set_str(&f->a, in, "definition", definition);
	json_set_str(&f->a, in, "roleArn", "r");
	m = call_json(f, "CreateStateMachine", in);
	in = json_new_obj(&f->a);
	json_set(&f->a, in, "stateMachineArn", json_get(m, "stateMachineArn"));
	json_set_str(&f->a, in, "name", "x");
	return text(f, call_json(f, "StartExecution", in), "executionArn");
}

/* Together they take more memory than one step may: they are packed in between, and none is lost. */
TEST(states_many_large_answers_at_once_are_all_kept)
{
	struct fixture f;
	const struct json *d, *out;
	struct err e = { 0 };
	char *arn;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	f.hold = 1;
	call(&f, "CreateStateMachine", arena_printf(&f.a, "{\"name\":\"m\"," SETTINGS ",\"definition\":%s}",
	     json_text(&f.a, json_new_cstr(&f.a, MACHINE("\"A\":{\"Type\":\"Map\",\"ItemProcessor\":{\"StartAt\":\"B\",\"States\":{\"B\":{"
	     "\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::lambda:invoke\",\"Parameters\":{\"FunctionName\":\"big\"},\"OutputPath\":"
	     "\"$.Payload\",\"End\":true}}},\"ResultSelector\":{\"n.$\":\"States.ArrayLength($[*][1])\"},\"End\":true}")))));
	call(&f, "StartExecution", "{\"stateMachineArn\":\"arn:aws:states:ap-northeast-2:000000000000:stateMachine:m\",\"name\":\"x\","
	     "\"input\":\"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30]\"}");
	arn = arena_str(&f.a, VIEW("arn:aws:states:ap-northeast-2:000000000000:execution:m:x"));
	assert_true(wait_calls(&f, 30));
	release(&f);
	d = wait_end(&f, arn);
	assert_string_equal(text(&f, d, "status"), "SUCCEEDED");
	out = json_parse(&f.a, json_get_str(d, "output"), JSON_DEPTH, &e);
	assert_int_equal(json_int(json_get(out, "n"), 0), 30);
	fixture_close(&f);
}

/* Far more seconds than the clock has: they once lay in the past. */
TEST(states_very_long_times_are_long)
{
	struct fixture f;
	const char *arn = "arn:aws:states:ap-northeast-2:000000000000:execution:m:x";

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	call(&f, "CreateStateMachine", arena_printf(&f.a, "{\"name\":\"m\"," SETTINGS ",\"definition\":%s}",
	     json_text(&f.a, json_new_cstr(&f.a, "{\"StartAt\":\"P\",\"TimeoutSeconds\":9223372036854775807,\"States\":{\"P\":{\"Type\":"
	     "\"Parallel\",\"End\":true,\"Branches\":["
	     "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":9223372036854775807,\"End\":true}}},"
	     "{\"StartAt\":\"T\",\"States\":{\"T\":{" INVOKE ",\"TimeoutSeconds\":9223372036854775807,\"End\":true}}},"
	     MACHINE("\"A\":{" INVOKE ",\"Next\":\"B\"},\"B\":{" INVOKE ",\"Next\":\"C\"},\"C\":{" INVOKE ",\"End\":true}") "]}}}"))));
	call(&f, "StartExecution", "{\"stateMachineArn\":\"arn:aws:states:ap-northeast-2:000000000000:stateMachine:m\",\"name\":\"x\"}");
	assert_true(wait_calls(&f, 4));
	assert_null(strstr(history(&f, arn), "Timed"));
	assert_null(strstr(history(&f, arn), "WaitStateExited"));
	call(&f, "StopExecution", "{\"executionArn\":\"arn:aws:states:ap-northeast-2:000000000000:execution:m:x\"}");
	assert_string_equal(text(&f, wait_end(&f, arn), "status"), "ABORTED");
	fixture_close(&f);
}

TEST(states_stop_ends_an_execution)
{
	struct fixture f;
	const char *arn;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	arn = begin(&f, "m", MACHINE("\"A\":{\"Type\":\"Wait\",\"Seconds\":600,\"End\":true}"));
	wait_event(&f, arn, "WaitStateEntered");
	assert_non_null(strstr(call(&f, "StopExecution", arena_printf(&f.a, "{\"executionArn\":\"%s\",\"error\":\"E\",\"cause\":\"C\"}",
								       arn)), "stopDate"));
	assert_string_equal(text(&f, wait_end(&f, arn), "status"), "ABORTED");
	assert_string_equal(history(&f, arn), "ExecutionStarted<0 WaitStateEntered<0 WaitStateAborted<2 ExecutionAborted<3");
	/* again is no error */
	assert_non_null(strstr(call(&f, "StopExecution", arena_printf(&f.a, "{\"executionArn\":\"%s\"}", arn)), "stopDate"));
	fixture_close(&f);
}

/* A finished task is not called again; one whose result was lost is called once more; a submitted job is only asked for. */
TEST(states_executions_go_on_after_a_restart)
{
	const char *dir = unit_tmpdir(), *task, *wait, *job;
	struct fixture f;

	fixture_open(&f, dir);
	task = begin(&f, "task", MACHINE("\"A\":{" INVOKE ",\"Next\":\"W\"},\"W\":{\"Type\":\"Wait\",\"Seconds\":1,\"Next\":\"B\"},\"B\":{" INVOKE
					 ",\"End\":true}"));
	wait = begin(&f, "wait", MACHINE("\"A\":{\"Type\":\"Wait\",\"Seconds\":1,\"End\":true}"));
	job = begin(&f, "job", MACHINE("\"A\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::glue:startJobRun.sync\",\"Parameters\":"
				       "{\"JobName\":\"j\"},\"End\":true}"));
	f.fail = 0;
	fixture_start(&f); /* they begin only now: nothing ran before the start */
	assert_true(wait_calls(&f, 2));
	task = strdup(task);
	wait = strdup(wait);
	job = strdup(job);
	fixture_close(&f);
	fixture_open(&f, dir);
	fixture_start(&f);
	assert_string_equal(text(&f, wait_end(&f, task), "status"), "SUCCEEDED");
	assert_string_equal(text(&f, wait_end(&f, wait), "status"), "SUCCEEDED");
	assert_string_equal(text(&f, wait_end(&f, job), "status"), "SUCCEEDED");
	assert_true(f.calls >= 1 && f.calls <= 2);
	assert_string_equal(history(&f, task),
			    "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3 TaskSucceeded<4 TaskStateExited<5 "
			    "WaitStateEntered<6 WaitStateExited<7 TaskStateEntered<8 TaskScheduled<9 TaskStarted<10 TaskSucceeded<11 "
			    "TaskStateExited<12 ExecutionSucceeded<13");
	assert_string_equal(history(&f, job),
			    "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3 TaskSubmitted<4 TaskSucceeded<5 "
			    "TaskStateExited<6 ExecutionSucceeded<7");
	free((void *)(uintptr_t)task);
	free((void *)(uintptr_t)wait);
	free((void *)(uintptr_t)job);
	fixture_close(&f);
}

static void *stop(void *arg)
{
	struct fixture *f = arg;

	states_stop(f->states);
	return NULL;
}

/* What ends well while the server stops is kept; what fails then is tried again. */
TEST(states_a_result_that_comes_while_stopping_is_kept)
{
	const char *dir = unit_tmpdir();
	struct fixture f;
	pthread_t t;
	int before;

	fixture_open(&f, dir);
	fixture_start(&f);
	f.hold = 1;
	begin(&f, "m", MACHINE("\"A\":{" INVOKE ",\"Next\":\"B\"},\"B\":{" INVOKE ",\"End\":true}"));
	assert_true(wait_calls(&f, 1));
	t = thread_start("stop", stop, &f);
	release(&f);
	thread_join(t);
	before = f.calls; /* 1, or 2 where B was begun before the stop */
	fixture_close(&f);
	fixture_open(&f, dir);
	fixture_start(&f);
	wait_end(&f, "arn:aws:states:ap-northeast-2:000000000000:execution:m:x");
	assert_int_equal(before + f.calls, 2);
	fixture_close(&f);
}

static int steal_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	return tx_run(tx, e, "UPDATE states_shard SET epoch = epoch + 1", "");
}

TEST(states_a_process_that_lost_its_shards_writes_nothing)
{
	struct fixture f;
	struct err e = { 0 };
	const char *arn;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	f.hold = 1;
	arn = begin(&f, "m", MACHINE("\"A\":{" INVOKE ",\"End\":true}"));
	assert_true(wait_calls(&f, 1));
	assert_int_equal(meta_write(f.meta, steal_tx, NULL, &e), 0);
	release(&f);
	states_stop(f.states);
	assert_string_equal(history(&f, arn), "ExecutionStarted<0 TaskStateEntered<0 TaskScheduled<2 TaskStarted<3");
	fixture_close(&f);
}
