// SPDX-License-Identifier: Apache-2.0
/* Members of every EventBridge operation's input, honoured or refused by name. */
#include "svc/events/events_rows.h"

#define NAME(st, m, nm) OP_STR(st, m, nm, true, 1, 64)
#define BUS(st) OP_STR(st, bus, "EventBusName", false, 1, 1600)

static const char *const states[] = { "ENABLED", "DISABLED", NULL };
static const char *const states_refused[] = { "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", NULL };

const struct op_field events__rule_fields[] = { NAME(struct rule_in, name, "Name"), BUS(struct rule_in), OP_END };
const struct op_field events__delete_rule_fields[] = {
	NAME(struct rule_in, name, "Name"),
	BUS(struct rule_in),
	OP_BOOL(struct rule_in, force, "Force", false),
	OP_END
};
const struct op_field events__list_rules_fields[] = {
	OP_STR(struct list_rules_in, prefix, "NamePrefix", false, 1, 64),
	BUS(struct list_rules_in),
	OP_STR(struct list_rules_in, token, "NextToken", false, 1, 2048),
	OP_INT(struct list_rules_in, limit, "Limit", false, 1, 100),
	OP_END
};
const struct op_field events__list_targets_fields[] = {
	NAME(struct list_targets_in, rule, "Rule"),
	BUS(struct list_targets_in),
	OP_STR(struct list_targets_in, token, "NextToken", false, 1, 2048),
	OP_INT(struct list_targets_in, limit, "Limit", false, 1, 100),
	OP_END
};
const struct op_field events__list_tags_fields[] = {
	OP_STR(struct list_tags_in, arn, "ResourceARN", true, 1, 1600), OP_END
};
const struct op_field events__put_rule_fields[] = {
	NAME(struct put_rule_in, name, "Name"),
	OP_REFUSED("ScheduleExpression"),
	OP_STR(struct put_rule_in, pattern, "EventPattern", false, 0, 4096),
	OP_ENUM(struct put_rule_in, state, "State", false, states, states_refused),
	OP_STR(struct put_rule_in, description, "Description", false, 0, 512),
	OP_STR(struct put_rule_in, role, "RoleArn", false, 1, 1600),
	OP_REFUSED("Tags"),
	BUS(struct put_rule_in),
	OP_END
};

static const struct op_field path_pair[] = { OP_ITEM_STR(1, 256), OP_ITEM_STR(0, 256) };
static const struct op_field transformer_fields[] = {
	OP_MAP(struct transformer_in, paths, "InputPathsMap", false, 100, .sub = path_pair),
	OP_STR(struct transformer_in, template, "InputTemplate", true, 1, 8192),
	OP_END
};
static const struct op_field target_fields[] = {
	NAME(struct target_in, id, "Id"),
	OP_STR(struct target_in, arn, "Arn", true, 1, 1600),
	OP_STR(struct target_in, role, "RoleArn", false, 1, 1600),
	OP_STR(struct target_in, input, "Input", false, 0, 8192),
	OP_STR(struct target_in, input_path, "InputPath", false, 0, 256),
	OP_OBJ(struct target_in, transformer, "InputTransformer", false, transformer_fields),
	OP_REFUSED("KinesisParameters"),
	OP_REFUSED("RunCommandParameters"),
	OP_REFUSED("EcsParameters"),
	OP_REFUSED("BatchParameters"),
	OP_REFUSED("SqsParameters"),
	OP_REFUSED("HttpParameters"),
	OP_REFUSED("RedshiftDataParameters"),
	OP_REFUSED("SageMakerPipelineParameters"),
	OP_REFUSED("DeadLetterConfig"),
	OP_REFUSED("RetryPolicy"),
	OP_REFUSED("AppSyncParameters"),
	OP_END
};
static const struct op_field target_item[] = { OP_ITEM_OBJ(target_fields), OP_END };

const struct op_field events__put_targets_fields[] = {
	NAME(struct put_targets_in, rule, "Rule"),
	BUS(struct put_targets_in),
	OP_LIST(struct put_targets_in, targets, "Targets", true, struct target_in, target_item, 1, 100),
	OP_END
};

static const struct op_field id_item[] = { OP_ITEM_STR(1, 64), OP_END };

const struct op_field events__remove_targets_fields[] = {
	NAME(struct remove_targets_in, rule, "Rule"),
	BUS(struct remove_targets_in),
	OP_LIST(struct remove_targets_in, ids, "Ids", true, const char *, id_item, 1, 100),
	OP_BOOL(struct remove_targets_in, force, "Force", false),
	OP_END
};

static const struct op_field resource_item[] = { OP_ITEM_STR(0, 2048), OP_END };
static const struct op_field entry_fields[] = {
	OP_TIME(struct put_entry_in, time, "Time", false),
	OP_STR(struct put_entry_in, source, "Source", false, 0, 0),
	OP_LIST(struct put_entry_in, resources, "Resources", false, const char *, resource_item, 0, 0),
	OP_STR(struct put_entry_in, detail_type, "DetailType", false, 0, 0),
	OP_STR(struct put_entry_in, detail, "Detail", false, 0, 0),
	OP_STR(struct put_entry_in, bus, "EventBusName", false, 1, 1600),
	OP_REFUSED("TraceHeader"),
	OP_END
};
static const struct op_field entry_item[] = { OP_ITEM_OBJ(entry_fields), OP_END };

const struct op_field events__put_events_fields[] = {
	OP_LIST(struct put_events_in, entries, "Entries", true, struct put_entry_in, entry_item, 1, 10),
	OP_REFUSED("EndpointId"),
	OP_END
};
const struct op_field events__test_pattern_fields[] = {
	OP_STR(struct test_pattern_in, pattern, "EventPattern", true, 0, 4096),
	OP_STR(struct test_pattern_in, event, "Event", true, 0, 0),
	OP_END
};
