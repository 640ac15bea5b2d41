// SPDX-License-Identifier: Apache-2.0
/* The Step Functions service: its table, its errors, its life. */
#include "svc/states/states.h"

#include <stdlib.h>

#include "svc/states/states_int.h"
#include "svc/states/states_ops.h"

const struct aws_error STATES_INVALID_DEFINITION = { "InvalidDefinition", 400, false };
const struct aws_error STATES_INVALID_NAME = { "InvalidName", 400, false };
const struct aws_error STATES_INVALID_ARN = { "InvalidArn", 400, false };
const struct aws_error STATES_INVALID_INPUT = { "InvalidExecutionInput", 400, false };
const struct aws_error STATES_INVALID_TOKEN = { "InvalidToken", 400, false };
const struct aws_error STATES_MACHINE_EXISTS = { "StateMachineAlreadyExists", 400, false };
const struct aws_error STATES_NO_MACHINE = { "StateMachineDoesNotExist", 400, false };
const struct aws_error STATES_NO_EXECUTION = { "ExecutionDoesNotExist", 400, false };
const struct aws_error STATES_EXECUTION_EXISTS = { "ExecutionAlreadyExists", 400, false };
const struct aws_error STATES_INVALID_TRACING = { "InvalidTracingConfiguration", 400, false };
const struct aws_error STATES_MISSING_PARAMETER = { "MissingRequiredParameter", 400, false };
const struct aws_error STATES_NO_RESOURCE = { "ResourceNotFound", 400, false };

static const struct aws_error *const errors[] = {
	&STATES_INVALID_DEFINITION, &STATES_INVALID_NAME, &STATES_INVALID_ARN, &STATES_INVALID_INPUT, &STATES_INVALID_TOKEN,
	&STATES_MACHINE_EXISTS, &STATES_NO_MACHINE, &STATES_NO_EXECUTION, &STATES_EXECUTION_EXISTS, &STATES_INVALID_TRACING,
	&STATES_MISSING_PARAMETER, &STATES_NO_RESOURCE, NULL
};

#define ROW(nm, fn_, st, fields, fl, doc_) \
	{ .name = nm, .fn = fn_, .in = fields, .in_size = sizeof(struct st), .flags = fl, .doc = doc_ }

const struct op states__ops[STATES_N_OPS] = {
	ROW("CreateStateMachine", states__create, machine_in, states__create_fields, OP_WRITE, "Creates a state machine."),
	ROW("DeleteStateMachine", states__delete, arn_in, states__delete_fields, OP_WRITE, "Deletes a state machine."),
	ROW("DescribeExecution", states__describe_execution, arn_in, states__execution_arn_fields, 0, "One execution."),
	ROW("DescribeStateMachine", states__describe, arn_in, states__machine_arn_fields, 0, "One state machine."),
	ROW("DescribeStateMachineForExecution", states__machine_of_execution, arn_in, states__execution_arn_fields, 0,
	    "The definition an execution runs."),
	ROW("GetExecutionHistory", states__get_history, history_in, states__history_fields, 0, "Events of an execution."),
	ROW("ListExecutions", states__list_executions, list_in, states__list_executions_fields, 0, "Executions, newest first."),
	ROW("ListStateMachines", states__list, list_in, states__list_machines_fields, 0, "State machines, by name."),
	ROW("ListTagsForResource", states__tags, arn_in, states__resource_arn_fields, 0, "Tags of a state machine: none."),
	ROW("StartExecution", states__start, start_in, states__start_fields, OP_WRITE, "Starts an execution, durably."),
	ROW("StopExecution", states__stop_execution, stop_in, states__stop_fields, OP_WRITE | OP_SLOW, "Stops an execution."),
	ROW("UpdateStateMachine", states__update, machine_in, states__update_fields, OP_WRITE, "Changes a state machine."),
	ROW("ValidateStateMachineDefinition", states__validate, validate_in, states__validate_fields, 0,
	    "Checks a definition without keeping it."),
};

const struct service states_service = {
	.name = "stepfunctions",
	.signing_name = "states",
	.target_prefix = "AWSStepFunctions",
	.api_version = "2016-11-23",
	.protocol = OP_JSON_1_0,
	.ops = states__ops,
	.n_ops = STATES_N_OPS,
	.errors = errors,
	.invalid = &AWS_VALIDATION,
};

int states_new(const struct states_opts *o, struct states **ret, struct err *e)
{
	struct states *s = calloc(1, sizeof(*s));
	int r;

	must(s);
	s->o = *o;
	r = states__schema(o->meta, e);
	if (r == 0)
		r = states__claim(s, e);
	if (r < 0) {
		free(s);
		return err_ctx(e, "states");
	}
	*ret = s;
	return 0;
}

int states_start(struct states *s, const struct op_registry *r, struct err *e)
{
	must(!s->runner);
	s->registry = r;
	return runner_start(s, e);
}

void states_stop(struct states *s)
{
	runner_stop(s->runner);
}

struct states *states_free(struct states *s)
{
	if (s) {
		runner_free(s->runner);
		free(s);
	}
	return NULL;
}
