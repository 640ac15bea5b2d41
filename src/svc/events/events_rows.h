/* SPDX-License-Identifier: Apache-2.0 */
/* events_rows -- input structs and field tables of EventBridge's operations. */
#pragma once

#include "aws/op.h"

struct rule_in {
	const char *name, *bus;
	struct opt_bool force; /* for rules that AWS services manage: there are none, so it changes nothing */
};
struct list_rules_in {
	const char *prefix, *bus, *token;
	struct opt_int limit;
};
struct list_targets_in {
	const char *rule, *bus, *token;
	struct opt_int limit;
};
struct list_tags_in {
	const char *arn;
};
struct put_rule_in {
	const char *name, *pattern, *state, *description, *role, *bus;
};
struct transformer_in {
	struct op_map paths;
	const char *template;
};
struct target_in {
	const char *id, *arn, *role, *input, *input_path;
	struct transformer_in *transformer;
};
struct put_targets_in {
	const char *rule, *bus;
	struct op_list targets; /* struct target_in */
};
struct remove_targets_in {
	const char *rule, *bus;
	struct op_list ids; /* const char * */
	struct opt_bool force;
};
struct put_entry_in {
	struct opt_int time;
	const char *source, *detail_type, *detail, *bus;
	struct op_list resources; /* const char * */
};
struct put_events_in {
	struct op_list entries; /* struct put_entry_in */
};
struct test_pattern_in {
	const char *pattern, *event;
};

extern const struct op_field events__rule_fields[], events__delete_rule_fields[], events__list_rules_fields[],
	events__list_targets_fields[], events__list_tags_fields[], events__put_rule_fields[], events__put_targets_fields[],
	events__remove_targets_fields[], events__put_events_fields[], events__test_pattern_fields[];
