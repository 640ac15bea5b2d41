// SPDX-License-Identifier: Apache-2.0
/* Operations on state machines and executions: answers, pages, errors. */
#include <string.h>

#include "fixture.h"

#define ROLE "\"roleArn\":\"arn:aws:iam::000000000000:role/r\""
#define PASS "\"definition\":\"{\\\"StartAt\\\":\\\"A\\\",\\\"States\\\":{\\\"A\\\":{\\\"Type\\\":\\\"Pass\\\",\\\"End\\\":true}}}\""
#define WAIT "\"definition\":\"{\\\"StartAt\\\":\\\"A\\\",\\\"States\\\":{\\\"A\\\":{\\\"Type\\\":\\\"Wait\\\",\\\"Seconds\\\":9,\\\"End\\\":true}}}\""
#define ARN "arn:aws:states:ap-northeast-2:000000000000:stateMachine:m"
#define XARN "arn:aws:states:ap-northeast-2:000000000000:execution:m:x"

TEST(states_machines_come_and_go)
{
	struct fixture f;
	const char *d;

	fixture_open(&f, unit_tmpdir());
	assert_non_null(strstr(call(&f, "CreateStateMachine", "{\"name\":\"m\"," PASS "," ROLE "}"), "\"stateMachineArn\":\"" ARN "\""));
	/* the same again is the same machine; another definition is not */
	assert_non_null(strstr(call(&f, "CreateStateMachine", "{\"name\":\"m\"," PASS "," ROLE "}"), ARN));
	assert_string_equal(call(&f, "CreateStateMachine", "{\"name\":\"m\"," WAIT "," ROLE "}"),
			    "StateMachineAlreadyExists: State Machine Already Exists: '" ARN "'");
	d = call(&f, "DescribeStateMachine", "{\"stateMachineArn\":\"" ARN "\"}");
	assert_non_null(strstr(d, "\"status\":\"ACTIVE\""));
	assert_non_null(strstr(d, "\"loggingConfiguration\":{\"level\":\"OFF\",\"includeExecutionData\":false}"));
	assert_non_null(strstr(call(&f, "UpdateStateMachine", "{\"stateMachineArn\":\"" ARN "\"," WAIT "}"), "revisionId"));
	assert_non_null(strstr(call(&f, "DescribeStateMachine", "{\"stateMachineArn\":\"" ARN "\"}"), "Wait"));
	assert_non_null(strstr(call(&f, "ListStateMachines", "{}"), "\"name\":\"m\""));
	assert_string_equal(call(&f, "ListTagsForResource", "{\"resourceArn\":\"" ARN "\"}"), "{\"tags\":[]}");
	assert_string_equal(call(&f, "DeleteStateMachine", "{\"stateMachineArn\":\"" ARN "\"}"), "{}");
	assert_string_equal(call(&f, "DescribeStateMachine", "{\"stateMachineArn\":\"" ARN "\"}"),
			    "StateMachineDoesNotExist: State Machine Does Not Exist: '" ARN "'");
	fixture_close(&f);
}

TEST(states_starting_twice_starts_once)
{
	struct fixture f;
	const char *first;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	call(&f, "CreateStateMachine", "{\"name\":\"m\"," WAIT "," ROLE "}");
	first = call(&f, "StartExecution", "{\"stateMachineArn\":\"" ARN "\",\"name\":\"x\",\"input\":\"{}\"}");
	assert_non_null(strstr(first, XARN));
	assert_string_equal(call(&f, "StartExecution", "{\"stateMachineArn\":\"" ARN "\",\"name\":\"x\",\"input\":\"{}\"}"), first);
	assert_string_equal(call(&f, "StartExecution", "{\"stateMachineArn\":\"" ARN "\",\"name\":\"x\",\"input\":\"[]\"}"),
			    "ExecutionAlreadyExists: Execution Already Exists: '" XARN "'");
	assert_non_null(strstr(call(&f, "ListExecutions", "{\"stateMachineArn\":\"" ARN "\",\"statusFilter\":\"RUNNING\"}"), XARN));
	assert_string_equal(call(&f, "ListExecutions", "{\"stateMachineArn\":\"" ARN "\",\"statusFilter\":\"FAILED\"}"), "{\"executions\":[]}");
	call(&f, "StopExecution", "{\"executionArn\":\"" XARN "\"}");
	assert_string_equal(call(&f, "StartExecution", "{\"stateMachineArn\":\"" ARN "\",\"name\":\"x\",\"input\":\"{}\"}"),
			    "ExecutionAlreadyExists: Execution Already Exists: '" XARN "'");
	fixture_close(&f);
}

TEST(states_history_comes_in_pages_and_in_reverse)
{
	struct fixture f;
	const struct json *h, *d;
	struct json *in;

	fixture_open(&f, unit_tmpdir());
	fixture_start(&f);
	d = run(&f, "m", "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"End\":true}}}", "{\"k\":1}");
	in = json_new_obj(&f.a);
	json_set(&f.a, in, "executionArn", json_get(d, "executionArn"));
	json_set_int(&f.a, in, "maxResults", 3);
	h = call_json(&f, "GetExecutionHistory", in);
	assert_int_equal(json_len(json_get(h, "events")), 3);
	json_set(&f.a, in, "nextToken", json_get(h, "nextToken"));
	h = call_json(&f, "GetExecutionHistory", in);
	assert_int_equal(json_len(json_get(h, "events")), 1);
	assert_null(json_get(h, "nextToken"));
	in = json_new_obj(&f.a);
	json_set(&f.a, in, "executionArn", json_get(d, "executionArn"));
	json_set(&f.a, in, "reverseOrder", json_new_bool(true));
	json_set(&f.a, in, "includeExecutionData", json_new_bool(false));
	h = json_get(call_json(&f, "GetExecutionHistory", in), "events");
	assert_string_equal(text(&f, json_at(h, 0), "type"), "ExecutionSucceeded");
	assert_null(json_get(json_get(json_at(h, 1), "stateExitedEventDetails"), "output"));
	fixture_close(&f);
}

TEST(states_refuses_with_its_own_errors)
{
	static const struct { const char *op, *in, *want; } t[] = {
		{ "CreateStateMachine", "{\"name\":\"a b\"," PASS "," ROLE "}", "InvalidName: Invalid Name: 'a b'" },
		{ "CreateStateMachine", "{\"name\":\"a\",\"definition\":\"{}\"," ROLE "}",
		  "InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt, States] at /'" },
		{ "CreateStateMachine", "{\"name\":\"a\"," PASS "," ROLE ",\"type\":\"EXPRESS\"}", "ValidationException: " },
		{ "CreateStateMachine", "{\"name\":\"a\"," PASS "," ROLE ",\"publish\":true}", "ValidationException: publish" },
		{ "CreateStateMachine", "{\"name\":\"a\"," PASS "," ROLE ",\"loggingConfiguration\":{\"level\":\"ALL\"}}", "ValidationException: " },
		{ "CreateStateMachine", "{\"name\":\"a\"," PASS "," ROLE ",\"tracingConfiguration\":{\"enabled\":true}}", "InvalidTracingConfiguration: " },
		{ "CreateStateMachine", "{\"name\":\"a\"," PASS "," ROLE ",\"tags\":[{\"key\":\"k\",\"value\":\"v\"}]}", "ValidationException: tags" },
		{ "DescribeStateMachine", "{\"stateMachineArn\":\"x\"}", "InvalidArn: Invalid Arn: 'Invalid ARN prefix: x'" },
		{ "UpdateStateMachine", "{\"stateMachineArn\":\"" ARN "\"}", "MissingRequiredParameter: Either the definition" },
		{ "StartExecution", "{\"stateMachineArn\":\"" ARN "\",\"input\":\"\"}",
		  "InvalidExecutionInput: Invalid State Machine Execution Input: 'Invalid execution input.'" },
		{ "StartExecution", "{\"stateMachineArn\":\"" ARN "\"}", "StateMachineDoesNotExist: " },
		{ "StartExecution", "{\"stateMachineArn\":\"" ARN "\",\"input\":\"{\"}", "InvalidExecutionInput: " },
		{ "DescribeExecution", "{\"executionArn\":\"" XARN "\"}", "ExecutionDoesNotExist: Execution Does Not Exist: '" XARN "'" },
		{ "GetExecutionHistory", "{\"executionArn\":\"" ARN "\"}", "InvalidArn: " },
		{ "ListStateMachines", "{\"nextToken\":\"!\"}", "InvalidToken: Invalid Token: 'Invalid token'" },
		{ "ListExecutions", "{}", "ValidationException: Must provide a StateMachine ARN or MapRun ARN" },
		{ "ValidateStateMachineDefinition", "{\"definition\":\"{\\\"States\\\":{}}\"}",
		  "{\"result\":\"FAIL\",\"diagnostics\":[{\"severity\":\"ERROR\",\"code\":\"SCHEMA_VALIDATION_FAILED\",\"message\":"
		  "\"These fields are required: [StartAt]\",\"location\":\"/\"}],\"truncated\":false}" },
	};
	struct fixture f;

	fixture_open(&f, unit_tmpdir());
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *got = call(&f, t[i].op, t[i].in);

		if (!view_starts(view_str(got), view_str(t[i].want)))
			fail_msg("%s %s: %s", t[i].op, t[i].in, got);
	}
	fixture_close(&f);
}
