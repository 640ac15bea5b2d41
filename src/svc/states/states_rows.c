// SPDX-License-Identifier: Apache-2.0
/* Members of every Step Functions operation's input, honoured or refused by name. */
#include "svc/states/states_rows.h"

#define DEFINITION_MAX 1048576
#define INPUT_MAX 262144

static const char *const types[] = { "STANDARD", NULL };
static const char *const types_refused[] = { "EXPRESS", NULL };
static const char *const levels[] = { "OFF", NULL };
static const char *const levels_refused[] = { "ALL", "ERROR", "FATAL", NULL };
static const char *const included[] = { "ALL_DATA", NULL };
static const char *const included_refused[] = { "METADATA_ONLY", NULL };
static const char *const statuses[] = { "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE", NULL };
static const char *const severities[] = { "ERROR", "WARNING", NULL };

static const struct op_field logging_fields[] = {
	OP_ENUM(struct logging_in, level, "level", false, levels, levels_refused),
	OP_BOOL(struct logging_in, data, "includeExecutionData", false),
	OP_REFUSED("destinations"),
	OP_END
};
static const struct op_field tracing_fields[] = { OP_BOOL(struct tracing_in, enabled, "enabled", false), OP_END };
static const struct op_field tag_item[] = { OP_ITEM_JSON(), OP_END };

#define MACHINE_SETTINGS \
	OP_OBJ(struct machine_in, logging, "loggingConfiguration", false, logging_fields), \
		OP_OBJ(struct machine_in, tracing, "tracingConfiguration", false, tracing_fields), \
		OP_BOOL(struct machine_in, publish, "publish", false), OP_REFUSED("versionDescription"), \
		OP_REFUSED("encryptionConfiguration")

const struct op_field states__create_fields[] = {
	OP_STR(struct machine_in, name, "name", true, 1, 80),
	OP_STR(struct machine_in, definition, "definition", true, 1, DEFINITION_MAX),
	OP_STR(struct machine_in, role, "roleArn", true, 1, 256),
	OP_ENUM(struct machine_in, type, "type", false, types, types_refused),
	OP_LIST(struct machine_in, tags, "tags", false, const struct json *, tag_item, 0, 0),
	MACHINE_SETTINGS,
	OP_END
};
const struct op_field states__update_fields[] = {
	OP_STR(struct machine_in, arn, "stateMachineArn", true, 1, 256),
	OP_STR(struct machine_in, definition, "definition", false, 1, DEFINITION_MAX),
	OP_STR(struct machine_in, role, "roleArn", false, 1, 256),
	MACHINE_SETTINGS,
	OP_END
};
const struct op_field states__machine_arn_fields[] = {
	OP_STR(struct arn_in, arn, "stateMachineArn", true, 1, 256),
	OP_ENUM(struct arn_in, included, "includedData", false, included, included_refused),
	OP_END
};
const struct op_field states__delete_fields[] = {
	OP_STR(struct arn_in, arn, "stateMachineArn", true, 1, 256), OP_END
};
const struct op_field states__execution_arn_fields[] = {
	OP_STR(struct arn_in, arn, "executionArn", true, 1, 256),
	OP_ENUM(struct arn_in, included, "includedData", false, included, included_refused),
	OP_END
};
const struct op_field states__resource_arn_fields[] = { OP_STR(struct arn_in, arn, "resourceArn", true, 1, 256), OP_END };
const struct op_field states__history_fields[] = {
	OP_STR(struct history_in, arn, "executionArn", true, 1, 256),
	OP_INT(struct history_in, max, "maxResults", false, 0, 1000),
	OP_BOOL(struct history_in, reverse, "reverseOrder", false),
	OP_STR(struct history_in, token, "nextToken", false, 1, 1024),
	OP_BOOL(struct history_in, data, "includeExecutionData", false),
	OP_END
};
const struct op_field states__list_executions_fields[] = {
	OP_STR(struct list_in, machine, "stateMachineArn", false, 1, 256),
	OP_ENUM(struct list_in, status, "statusFilter", false, statuses, NULL),
	OP_INT(struct list_in, max, "maxResults", false, 0, 1000),
	OP_STR(struct list_in, token, "nextToken", false, 1, 3096),
	OP_REFUSED("mapRunArn"),
	OP_REFUSED("redriveFilter"),
	OP_END
};
const struct op_field states__list_machines_fields[] = {
	OP_INT(struct list_in, max, "maxResults", false, 0, 1000),
	OP_STR(struct list_in, token, "nextToken", false, 1, 1024),
	OP_END
};
const struct op_field states__start_fields[] = {
	OP_STR(struct start_in, machine, "stateMachineArn", true, 1, 256),
	OP_STR(struct start_in, name, "name", false, 1, 80),
	OP_STR(struct start_in, input, "input", false, 0, INPUT_MAX),
	OP_REFUSED("traceHeader"),
	OP_END
};
const struct op_field states__stop_fields[] = {
	OP_STR(struct stop_in, arn, "executionArn", true, 1, 256),
	OP_STR(struct stop_in, error, "error", false, 0, 256),
	OP_STR(struct stop_in, cause, "cause", false, 0, 32768),
	OP_END
};
const struct op_field states__validate_fields[] = {
	OP_STR(struct validate_in, definition, "definition", true, 1, DEFINITION_MAX),
	OP_ENUM(struct validate_in, type, "type", false, types, types_refused),
	OP_ENUM(struct validate_in, severity, "severity", false, severities, NULL),
	OP_INT(struct validate_in, max, "maxResults", false, 0, 100),
	OP_END
};
