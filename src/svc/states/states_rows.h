/* SPDX-License-Identifier: Apache-2.0 */
/* states_rows -- input structs and field tables of Step Functions' operations. */
#pragma once

#include "aws/op.h"

struct logging_in {
	const char *level;
	struct opt_bool data;
};
struct tracing_in {
	struct opt_bool enabled;
};
struct machine_in { /* CreateStateMachine, UpdateStateMachine */
	const char *arn, *name, *definition, *role, *type;
	struct logging_in *logging;
	struct tracing_in *tracing;
	struct op_list tags;
	struct opt_bool publish;
};
struct arn_in {
	const char *arn, *included;
};
struct history_in {
	const char *arn, *token;
	struct opt_int max;
	struct opt_bool reverse, data;
};
struct list_in {
	const char *machine, *status, *token;
	struct opt_int max;
};
struct start_in {
	const char *machine, *name, *input;
};
struct stop_in {
	const char *arn, *error, *cause;
};
struct validate_in {
	const char *definition, *type, *severity;
	struct opt_int max;
};

extern const struct op_field states__create_fields[], states__update_fields[], states__machine_arn_fields[],
	states__delete_fields[], states__execution_arn_fields[], states__resource_arn_fields[], states__history_fields[],
	states__list_executions_fields[], states__list_machines_fields[], states__start_fields[], states__stop_fields[],
	states__validate_fields[];
