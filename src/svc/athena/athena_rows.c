// SPDX-License-Identifier: Apache-2.0
/* athena_rows: the field tables and the operation table. */
#include "svc/athena/athena_int.h"

const struct aws_error ATHENA_INVALID = { "InvalidRequestException", 400, false };
const struct aws_error ATHENA_INTERNAL = { "InternalServerException", 500, true };
static const struct aws_error *const errors[] = { &ATHENA_INVALID, &ATHENA_INTERNAL, NULL };

#define IN struct athena_in
static const struct op_field context_fields[] = {
	OP_STR(struct athena_context_in, database, "Database", false, 1, 255),
	OP_STR(struct athena_context_in, catalog, "Catalog", false, 1, 256), OP_END
};
static const struct op_field result_fields[] = {
	OP_STR(struct athena_result_in, location, "OutputLocation", false, 0, 0),
	OP_REFUSED("EncryptionConfiguration"),
	OP_STR(struct athena_result_in, owner, "ExpectedBucketOwner", false, 12, 12),
	OP_REFUSED("AclConfiguration"), OP_END
};
static const struct op_field age_fields[] = {
	OP_BOOL(struct athena_age_in, enabled, "Enabled", true),
	OP_INT(struct athena_age_in, age, "MaxAgeInMinutes", false, 0, 10080), OP_END
};
static const struct op_field reuse_fields[] = {
	OP_OBJ(struct athena_reuse_in, by_age, "ResultReuseByAgeConfiguration", false, age_fields),
	OP_END
};
static const struct op_field parameter_item[] = { OP_ITEM_STR(1, 1024), OP_END };
static const struct op_field id_item[] = { OP_ITEM_STR(1, 128), OP_END };

static const struct op_field start_fields[] = {
	OP_STR(IN, query, "QueryString", true, 1, SQL_TEXT_MAX),
	OP_STR(IN, token, "ClientRequestToken", false, 32, 128),
	OP_OBJ(IN, context, "QueryExecutionContext", false, context_fields),
	OP_OBJ(IN, result, "ResultConfiguration", false, result_fields),
	OP_STR(IN, workgroup, "WorkGroup", false, 0, 0),
	OP_LIST(IN, parameters, "ExecutionParameters", false, const char *, parameter_item, 1, 0),
	OP_OBJ(IN, reuse, "ResultReuseConfiguration", false, reuse_fields),
	OP_REFUSED("EngineConfiguration"),
	OP_END
};
static const struct op_field id_fields[] = { OP_STR(IN, id, "QueryExecutionId", true, 1, 128),
					     OP_END };
static const struct op_field batch_fields[] = {
	OP_LIST(IN, ids, "QueryExecutionIds", true, const char *, id_item, 1, 50), OP_END
};
static const struct op_field list_fields[] = { OP_STR(IN, next, "NextToken", false, 1, 1024),
					       OP_INT(IN, max, "MaxResults", false, 0, 50),
					       OP_STR(IN, workgroup, "WorkGroup", false, 0, 0),
					       OP_END };
static const char *const types[] = { "DATA_ROWS", NULL };
static const char *const types_refused[] = { "DATA_MANIFEST", NULL };
static const struct op_field results_fields[] = {
	OP_STR(IN, id, "QueryExecutionId", true, 1, 128),
	OP_STR(IN, next, "NextToken", false, 1, 1024),
	OP_INT(IN, max, "MaxResults", false, 1, 1000),
	OP_ENUM(IN, type, "QueryResultType", false, types, types_refused), OP_END
};
static const struct op_field workgroup_fields[] = { OP_STR(IN, workgroup, "WorkGroup", true, 0, 0),
						    OP_END };
static const struct op_field workgroups_fields[] = { OP_STR(IN, next, "NextToken", false, 1, 1024),
						     OP_INT(IN, max, "MaxResults", false, 1, 50),
						     OP_END };

#define ROW(name, fn, fields, flags, doc) \
	{ \
		name, fn, fields, sizeof(struct athena_in), flags, doc \
	}
static const struct op ops[] = {
	ROW("BatchGetQueryExecution", athena__batch_get_query, batch_fields, 0,
	    "Describes up to 50 queries."),
	ROW("GetQueryExecution", athena__get_query, id_fields, 0, "Describes a query."),
	ROW("GetQueryResults", athena__get_results, results_fields, 0,
	    "Reads rows of a query's result."),
	ROW("GetWorkGroup", athena__get_workgroup, workgroup_fields, 0,
	    "Describes the workgroup primary."),
	ROW("ListQueryExecutions", athena__list_queries, list_fields, 0,
	    "Lists queries, newest first."),
	ROW("ListWorkGroups", athena__list_workgroups, workgroups_fields, 0,
	    "Lists the one workgroup there is."),
	ROW("StartQueryExecution", athena__start_query, start_fields, OP_WRITE, "Starts a query."),
	ROW("StopQueryExecution", athena__stop_query, id_fields, OP_WRITE, "Cancels a query."),
};

const struct service athena_service = {
	.name = "athena",
	.signing_name = "athena",
	.target_prefix = "AmazonAthena",
	.api_version = "2017-05-18",
	.protocol = OP_JSON_1_1,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
	.errors = errors,
	.invalid = &ATHENA_INVALID,
};
