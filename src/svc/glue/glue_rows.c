// SPDX-License-Identifier: Apache-2.0
/* glue_rows: the field tables and the operation table. */
#include "svc/glue/glue_int.h"

const struct aws_error GLUE_INVALID = { "InvalidInputException", 400, false };
const struct aws_error GLUE_NOT_FOUND = { "EntityNotFoundException", 400, false };
const struct aws_error GLUE_EXISTS = { "AlreadyExistsException", 400, false };
const struct aws_error GLUE_CONCURRENT = { "ConcurrentModificationException", 400, false };
const struct aws_error GLUE_RUNS_EXCEEDED = { "ConcurrentRunsExceededException", 400, false };
static const struct aws_error *const errors[] = { &GLUE_INVALID, &GLUE_NOT_FOUND, &GLUE_EXISTS, &GLUE_CONCURRENT,
						  &GLUE_RUNS_EXCEEDED, NULL };

#define PARAMETER_MAX 512000

static const struct op_field parameter_items[] = { OP_ITEM_STR(1, 255), OP_ITEM_STR(0, PARAMETER_MAX), OP_END };
#define PARAMETERS(st) OP_MAP(st, parameters, "Parameters", false, 0, .sub = parameter_items)

/* --- shared structures --- */
static const struct op_field column_fields[] = {
	OP_STR(struct glue_column_in, name, "Name", true, 1, 255),
	OP_STR(struct glue_column_in, type, "Type", false, 0, 131072),
	OP_STR(struct glue_column_in, comment, "Comment", false, 0, 255),
	PARAMETERS(struct glue_column_in),
	OP_END,
};
static const struct op_field column_item[] = { OP_ITEM_OBJ(column_fields), OP_END };
static const struct op_field order_fields[] = {
	OP_STR(struct glue_order_in, column, "Column", true, 1, 255),
	OP_INT(struct glue_order_in, order, "SortOrder", true, 0, 1),
	OP_END,
};
static const struct op_field order_item[] = { OP_ITEM_OBJ(order_fields), OP_END };
static const struct op_field serde_fields[] = {
	OP_STR(struct glue_serde_in, name, "Name", false, 1, 255),
	OP_STR(struct glue_serde_in, library, "SerializationLibrary", false, 1, 255),
	PARAMETERS(struct glue_serde_in),
	OP_END,
};
static const struct op_field name_item[] = { OP_ITEM_STR(1, 255), OP_END };
static const struct op_field text_item[] = { OP_ITEM_STR(0, 0), OP_END };
static const struct op_field value_item[] = { OP_ITEM_STR(1, 1024), OP_END };
static const struct op_field skew_fields[] = {
	OP_LIST(struct glue_skew_in, names, "SkewedColumnNames", false, const char *, name_item, 0, 0),
	OP_LIST(struct glue_skew_in, values, "SkewedColumnValues", false, const char *, text_item, 0, 0),
	OP_MAP(struct glue_skew_in, maps, "SkewedColumnValueLocationMaps", false, 0),
	OP_END,
};
static const struct op_field storage_fields[] = {
	OP_LIST(struct glue_storage_in, columns, "Columns", false, struct glue_column_in, column_item, 0, 0),
	OP_STR(struct glue_storage_in, location, "Location", false, 0, 2056),
	OP_REFUSED("AdditionalLocations"),
	OP_STR(struct glue_storage_in, input_format, "InputFormat", false, 0, 128),
	OP_STR(struct glue_storage_in, output_format, "OutputFormat", false, 0, 128),
	OP_BOOL(struct glue_storage_in, compressed, "Compressed", false),
	OP_INT(struct glue_storage_in, buckets, "NumberOfBuckets", false, 0, 0),
	OP_OBJ(struct glue_storage_in, serde, "SerdeInfo", false, serde_fields),
	OP_LIST(struct glue_storage_in, bucket_columns, "BucketColumns", false, const char *, name_item, 0, 0),
	OP_LIST(struct glue_storage_in, sort_columns, "SortColumns", false, struct glue_order_in, order_item, 0, 0),
	PARAMETERS(struct glue_storage_in),
	OP_OBJ(struct glue_storage_in, skew, "SkewedInfo", false, skew_fields),
	OP_BOOL(struct glue_storage_in, sub_directories, "StoredAsSubDirectories", false),
	OP_REFUSED("SchemaReference"),
	OP_END,
};
static const struct op_field table_in_fields[] = {
	OP_STR(struct glue_table_in, name, "Name", true, 1, 255),
	OP_STR(struct glue_table_in, description, "Description", false, 0, 2048),
	OP_STR(struct glue_table_in, owner, "Owner", false, 1, 255),
	OP_TIME(struct glue_table_in, last_access, "LastAccessTime", false),
	OP_TIME(struct glue_table_in, last_analyzed, "LastAnalyzedTime", false),
	OP_INT(struct glue_table_in, retention, "Retention", false, 0, 0),
	OP_OBJ(struct glue_table_in, storage, "StorageDescriptor", false, storage_fields),
	OP_LIST(struct glue_table_in, keys, "PartitionKeys", false, struct glue_column_in, column_item, 0, 0),
	OP_STR(struct glue_table_in, view_original, "ViewOriginalText", false, 0, 409600),
	OP_STR(struct glue_table_in, view_expanded, "ViewExpandedText", false, 0, 409600),
	OP_STR(struct glue_table_in, type, "TableType", false, 0, 255),
	PARAMETERS(struct glue_table_in),
	OP_REFUSED("TargetTable"),
	OP_REFUSED("ViewDefinition"),
	OP_END,
};
static const struct op_field partition_in_fields[] = {
	OP_LIST(struct glue_partition_in, values, "Values", false, const char *, value_item, 0, 0),
	OP_TIME(struct glue_partition_in, last_access, "LastAccessTime", false),
	OP_OBJ(struct glue_partition_in, storage, "StorageDescriptor", false, storage_fields),
	PARAMETERS(struct glue_partition_in),
	OP_TIME(struct glue_partition_in, last_analyzed, "LastAnalyzedTime", false),
	OP_END,
};
static const struct op_field partition_in_item[] = { OP_ITEM_OBJ(partition_in_fields), OP_END };
static const struct op_field database_in_fields[] = {
	OP_STR(struct glue_database_in, name, "Name", true, 1, 255),
	OP_STR(struct glue_database_in, description, "Description", false, 0, 2048),
	OP_STR(struct glue_database_in, location, "LocationUri", false, 1, 1024),
	PARAMETERS(struct glue_database_in),
	OP_REFUSED("CreateTableDefaultPermissions"),
	OP_REFUSED("TargetDatabase"),
	OP_REFUSED("FederatedDatabase"),
	OP_END,
};

/* --- operations on the catalog --- */
#define IN struct glue_in
#define CATALOG OP_STR(IN, catalog, "CatalogId", false, 1, 255)
#define DATABASE OP_STR(IN, database, "DatabaseName", true, 1, 255)
#define TABLE OP_STR(IN, table, "TableName", true, 1, 255)
#define NAME OP_STR(IN, name, "Name", true, 1, 255)
#define TOKEN OP_STR(IN, token, "NextToken", false, 0, 0)

static const char *const shares[] = { "ALL", NULL };
static const char *const shares_refused[] = { "FOREIGN", "FEDERATED", NULL };
static const char *const attributes[] = { "NAME", "TABLE_TYPE", NULL };
static const struct op_field attribute_item[] = { OP_ITEM_ENUM(attributes, NULL), OP_END };

static const struct op_field create_database_fields[] = {
	CATALOG, OP_OBJ(IN, database_in, "DatabaseInput", true, database_in_fields), OP_REFUSED("Tags"), OP_END
};
static const struct op_field get_database_fields[] = { CATALOG, NAME, OP_END };
static const struct op_field get_databases_fields[] = {
	CATALOG, TOKEN, OP_INT(IN, max, "MaxResults", false, 1, 100),
	OP_ENUM(IN, share, "ResourceShareType", false, shares, shares_refused), OP_REFUSED("AttributesToGet"), OP_END
};
static const struct op_field update_database_fields[] = {
	CATALOG, NAME, OP_OBJ(IN, database_in, "DatabaseInput", true, database_in_fields), OP_END
};
static const struct op_field create_table_fields[] = {
	CATALOG, DATABASE, OP_REFUSED("Name"), OP_OBJ(IN, table_in, "TableInput", false, table_in_fields),
	OP_REFUSED("PartitionIndexes"), OP_REFUSED("TransactionId"), OP_REFUSED("OpenTableFormatInput"), OP_END
};
static const struct op_field get_table_fields[] = {
	CATALOG, DATABASE, NAME, OP_REFUSED("TransactionId"), OP_REFUSED("QueryAsOfTime"), OP_REFUSED("AuditContext"),
	OP_REFUSED("IncludeStatusDetails"), OP_END
};
static const struct op_field get_tables_fields[] = {
	CATALOG, DATABASE, OP_STR(IN, expression, "Expression", false, 0, 2048), TOKEN,
	OP_INT(IN, max, "MaxResults", false, 1, 100), OP_REFUSED("TransactionId"), OP_REFUSED("QueryAsOfTime"),
	OP_REFUSED("AuditContext"), OP_REFUSED("IncludeStatusDetails"),
	OP_LIST(IN, attributes, "AttributesToGet", false, const char *, attribute_item, 0, 0), OP_END
};
static const struct op_field update_table_fields[] = {
	CATALOG, DATABASE, OP_REFUSED("Name"), OP_OBJ(IN, table_in, "TableInput", false, table_in_fields),
	OP_BOOL(IN, skip_archive, "SkipArchive", false), OP_REFUSED("TransactionId"),
	OP_STR(IN, version, "VersionId", false, 1, 255), OP_REFUSED("ViewUpdateAction"), OP_REFUSED("Force"),
	OP_REFUSED("UpdateOpenTableFormatInput"), OP_END
};
static const struct op_field delete_table_fields[] = { CATALOG, DATABASE, NAME, OP_REFUSED("TransactionId"), OP_END };
static const struct op_field create_partition_fields[] = {
	CATALOG, DATABASE, TABLE, OP_OBJ(IN, partition_in, "PartitionInput", true, partition_in_fields), OP_END
};
static const struct op_field batch_create_partition_fields[] = {
	CATALOG, DATABASE, TABLE,
	OP_LIST(IN, partitions, "PartitionInputList", true, struct glue_partition_in, partition_in_item, 0, 100), OP_END
};
static const struct op_field get_partition_fields[] = {
	CATALOG, DATABASE, TABLE, OP_LIST(IN, values, "PartitionValues", true, const char *, value_item, 0, 0),
	OP_REFUSED("AuditContext"), OP_END
};
static const struct op_field delete_partition_fields[] = {
	CATALOG, DATABASE, TABLE, OP_LIST(IN, values, "PartitionValues", true, const char *, value_item, 0, 0), OP_END
};
static const struct op_field segment_fields[] = {
	OP_INT(struct glue_segment_in, number, "SegmentNumber", true, 0, 0),
	OP_INT(struct glue_segment_in, total, "TotalSegments", true, 1, 10), OP_END
};
static const struct op_field get_partitions_fields[] = {
	CATALOG, DATABASE, TABLE, OP_STR(IN, expression, "Expression", false, 0, 2048), TOKEN,
	OP_OBJ(IN, segment, "Segment", false, segment_fields), OP_INT(IN, max, "MaxResults", false, 1, 1000),
	OP_BOOL(IN, exclude_columns, "ExcludeColumnSchema", false), OP_REFUSED("TransactionId"),
	OP_REFUSED("QueryAsOfTime"), OP_REFUSED("AuditContext"), OP_END
};
static const struct op_field update_partition_fields[] = {
	CATALOG, DATABASE, TABLE, OP_LIST(IN, values, "PartitionValueList", true, const char *, value_item, 0, 100),
	OP_OBJ(IN, partition_in, "PartitionInput", true, partition_in_fields), OP_END
};

/* --- jobs --- */
static const struct op_field command_fields[] = {
	OP_STR(struct glue_command_in, name, "Name", false, 0, 0),
	OP_STR(struct glue_command_in, script, "ScriptLocation", false, 0, 400000), OP_REFUSED("PythonVersion"),
	OP_REFUSED("Runtime"), OP_END
};
static const struct op_field execution_fields[] = {
	OP_INT(struct glue_execution_in, max_concurrent, "MaxConcurrentRuns", false, 0, 0), OP_END
};
static const char *const modes[] = { "SCRIPT", NULL };
static const char *const modes_refused[] = { "VISUAL", "NOTEBOOK", NULL };
static const char *const classes[] = { "STANDARD", NULL };
static const char *const classes_refused[] = { "FLEX", NULL };
#define CAPACITY \
	OP_REFUSED("AllocatedCapacity"), OP_REFUSED("MaxCapacity"), OP_REFUSED("SecurityConfiguration"), \
		OP_REFUSED("NotificationProperty"), OP_REFUSED("WorkerType"), OP_REFUSED("NumberOfWorkers"), \
		OP_REFUSED("JobRunQueuingEnabled"), OP_ENUM(IN, class, "ExecutionClass", false, classes, classes_refused)
#define JOB OP_STR(IN, job, "JobName", true, 1, 255)

#define SETTINGS \
	OP_ENUM(IN, mode, "JobMode", false, modes, modes_refused), OP_STR(IN, description, "Description", false, 0, 2048), \
		OP_REFUSED("LogUri"), OP_OBJ(IN, execution, "ExecutionProperty", false, execution_fields), \
		OP_MAP(IN, arguments, "DefaultArguments", false, 0), \
		OP_MAP(IN, fixed_arguments, "NonOverridableArguments", false, 0), OP_REFUSED("Connections"), \
		OP_INT(IN, max_retries, "MaxRetries", false, 0, 0), OP_INT(IN, timeout, "Timeout", false, 1, 0), \
		OP_REFUSED("GlueVersion"), OP_REFUSED("CodeGenConfigurationNodes"), OP_REFUSED("SourceControlDetails"), \
		OP_REFUSED("MaintenanceWindow"), CAPACITY

static const struct op_field create_job_fields[] = {
	NAME, OP_STR(IN, role, "Role", true, 0, 0), OP_OBJ(IN, command, "Command", true, command_fields), OP_REFUSED("Tags"),
	SETTINGS, OP_END
};
static const struct op_field job_update_fields[] = {
	OP_STR(IN, role, "Role", false, 0, 0), OP_OBJ(IN, command, "Command", false, command_fields), SETTINGS, OP_END
};
static const struct op_field update_job_fields[] = { JOB, OP_OBJ(IN, update, "JobUpdate", true, job_update_fields), OP_END };
static const struct op_field job_fields[] = { JOB, OP_END };
static const struct op_field get_jobs_fields[] = { TOKEN, OP_INT(IN, max, "MaxResults", false, 1, 1000), OP_END };
static const struct op_field start_job_run_fields[] = {
	JOB, OP_STR(IN, run, "JobRunId", false, 1, 255), OP_MAP(IN, arguments, "Arguments", false, 0),
	OP_INT(IN, timeout, "Timeout", false, 1, 0), OP_REFUSED("ExecutionRoleSessionPolicy"), CAPACITY, OP_END
};
static const struct op_field get_job_run_fields[] = {
	JOB, OP_STR(IN, run, "RunId", true, 1, 255), OP_BOOL(IN, predecessors, "PredecessorsIncluded", false), OP_END
};
static const struct op_field get_job_runs_fields[] = { JOB, TOKEN, OP_INT(IN, max, "MaxResults", false, 1, 200), OP_END };

#define ROW(name, fn, fields, flags, doc) { name, fn, fields, sizeof(struct glue_in), flags, doc }
static const struct op ops[] = {
	ROW("BatchCreatePartition", glue__batch_create_partition, batch_create_partition_fields, OP_WRITE, "Adds up to 100 partitions to a table."),
	ROW("CreateDatabase", glue__create_database, create_database_fields, OP_WRITE, "Creates a database in the catalog."),
	ROW("CreateJob", glue__create_job, create_job_fields, OP_WRITE, "Creates a job of the sql kind."),
	ROW("CreatePartition", glue__create_partition, create_partition_fields, OP_WRITE, "Adds a partition to a table."),
	ROW("CreateTable", glue__create_table, create_table_fields, OP_WRITE, "Creates a table or view in the catalog."),
	ROW("DeleteDatabase", glue__delete_database, get_database_fields, OP_WRITE, "Deletes a database with its tables; objects stay."),
	ROW("DeleteJob", glue__delete_job, job_fields, OP_WRITE, "Deletes a job; its runs go with it."),
	ROW("DeletePartition", glue__delete_partition, delete_partition_fields, OP_WRITE, "Deletes a partition; objects stay."),
	ROW("DeleteTable", glue__delete_table, delete_table_fields, OP_WRITE, "Deletes a table with its partitions; objects stay."),
	ROW("GetDatabase", glue__get_database, get_database_fields, 0, "Describes a database."),
	ROW("GetDatabases", glue__get_databases, get_databases_fields, 0, "Lists databases."),
	ROW("GetJob", glue__get_job, job_fields, 0, "Describes a job."),
	ROW("GetJobRun", glue__get_job_run, get_job_run_fields, 0, "Describes a run of a job."),
	ROW("GetJobRuns", glue__get_job_runs, get_job_runs_fields, 0, "Lists the runs of a job, newest first."),
	ROW("GetJobs", glue__get_jobs, get_jobs_fields, 0, "Lists jobs."),
	ROW("GetPartition", glue__get_partition, get_partition_fields, 0, "Describes a partition."),
	ROW("GetPartitions", glue__get_partitions, get_partitions_fields, 0, "Lists the partitions of a table that a condition selects."),
	ROW("GetTable", glue__get_table, get_table_fields, 0, "Describes a table."),
	ROW("GetTables", glue__get_tables, get_tables_fields, 0, "Lists the tables of a database."),
	ROW("StartJobRun", glue__start_job_run, start_job_run_fields, OP_WRITE, "Starts a run of a job."),
	ROW("UpdateDatabase", glue__update_database, update_database_fields, OP_WRITE, "Replaces a database's description."),
	ROW("UpdateJob", glue__update_job, update_job_fields, OP_WRITE, "Replaces a job's definition."),
	ROW("UpdatePartition", glue__update_partition, update_partition_fields, OP_WRITE, "Replaces a partition."),
	ROW("UpdateTable", glue__update_table, update_table_fields, OP_WRITE, "Replaces a table; with VersionId only if it has not changed."),
};

const struct service glue_service = {
	.name = "glue",
	.signing_name = "glue",
	.target_prefix = "AWSGlue",
	.api_version = "2017-03-31",
	.protocol = OP_JSON_1_1,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
	.errors = errors,
	.invalid = &GLUE_INVALID,
};
