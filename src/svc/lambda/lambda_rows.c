/* SPDX-License-Identifier: Apache-2.0 */
/* lambda_rows: the members of every operation's input, honoured or refused by name. */
#include "svc/lambda/lambda_rows.h"

static const char *const runtimes[] = { "provided", "provided.al2", "provided.al2023", NULL };
static const char *const runtimes_refused[] = {
	"nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x", "java8",
	"java8.al2", "java11", "python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "dotnetcore1.0",
	"dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6", "dotnet8", "nodejs4.3-edge", "go1.x", "ruby2.5",
	"ruby2.7", "nodejs18.x", "python3.10", "java17", "ruby3.2", "ruby3.3", "ruby3.4", "python3.11", "nodejs20.x",
	"python3.12", "java21", "python3.13", "nodejs22.x", "nodejs24.x", "python3.14", "java25", "dotnet10", "ruby4.0", NULL
};
static const char *const packages[] = { "Zip", NULL };
static const char *const packages_refused[] = { "Image", NULL };
#if defined(__aarch64__)
static const char *const archs[] = { "arm64", NULL };
static const char *const archs_refused[] = { "x86_64", NULL };
#else
static const char *const archs[] = { "x86_64", NULL };
static const char *const archs_refused[] = { "arm64", NULL };
#endif
static const char *const invocations[] = { "Event", "RequestResponse", "DryRun", NULL };
static const char *const log_types[] = { "None", "Tail", NULL };
static const char *const auths[] = { "AWS_IAM", NULL };
static const char *const auths_refused[] = { "NONE", NULL }; /* nothing is served to the unsigned */
static const char *const modes[] = { "BUFFERED", NULL };
static const char *const modes_refused[] = { "RESPONSE_STREAM", NULL };

static const struct op_field code_fields[] = {
	OP_BLOB(struct lambda_code, zip, "ZipFile", false, 0, 0),
	OP_STR(struct lambda_code, bucket, "S3Bucket", false, 3, 63),
	OP_STR(struct lambda_code, key, "S3Key", false, 1, 1024),
	OP_REFUSED("S3ObjectVersion"),
	OP_REFUSED("ImageUri"),
	OP_REFUSED("SourceKMSKeyArn"),
	OP_END
};
static const struct op_field env_fields[] = { OP_MAP(struct lambda_env, variables, "Variables", false, 0), OP_END };
static const struct op_field arch_item[] = { OP_ITEM_ENUM(archs, archs_refused), OP_END };

#define NAME(st, max) OP_STR(st, name, "FunctionName", true, 1, max, .loc = OPL_PATH)
#define REFUSED_SETTINGS \
	OP_REFUSED("VpcConfig"), OP_REFUSED("DeadLetterConfig"), OP_REFUSED("KMSKeyArn"), OP_REFUSED("TracingConfig"), \
		OP_REFUSED("Layers"), OP_REFUSED("FileSystemConfigs"), OP_REFUSED("ImageConfig"), \
		OP_REFUSED("EphemeralStorage"), OP_REFUSED("SnapStart"), OP_REFUSED("LoggingConfig"), \
		OP_REFUSED("CapacityProviderConfig"), OP_REFUSED("DurableConfig")

const struct op_field lambda_create_fields[] = {
	OP_STR(struct lambda_create, name, "FunctionName", true, 1, 140),
	OP_ENUM(struct lambda_create, runtime, "Runtime", false, runtimes, runtimes_refused),
	OP_STR(struct lambda_create, role, "Role", true, 0, 0),
	OP_STR(struct lambda_create, handler, "Handler", false, 0, 128),
	OP_OBJ(struct lambda_create, code, "Code", true, code_fields),
	OP_STR(struct lambda_create, description, "Description", false, 0, 256),
	OP_INT(struct lambda_create, timeout, "Timeout", false, 1, 0),
	OP_INT(struct lambda_create, memory, "MemorySize", false, 128, 32768),
	OP_ENUM(struct lambda_create, package, "PackageType", false, packages, packages_refused),
	OP_OBJ(struct lambda_create, environment, "Environment", false, env_fields),
	OP_LIST(struct lambda_create, architectures, "Architectures", false, const char *, arch_item, 1, 1),
	OP_REFUSED("Publish"),
	OP_REFUSED("PublishTo"),
	OP_REFUSED("Tags"),
	OP_REFUSED("CodeSigningConfigArn"),
	OP_REFUSED("TenancyConfig"),
	REFUSED_SETTINGS,
	OP_END
};

const struct op_field lambda_update_code_fields[] = {
	NAME(struct lambda_update_code, 140),
	OP_BLOB(struct lambda_update_code, zip, "ZipFile", false, 0, 0),
	OP_STR(struct lambda_update_code, bucket, "S3Bucket", false, 3, 63),
	OP_STR(struct lambda_update_code, key, "S3Key", false, 1, 1024),
	OP_BOOL(struct lambda_update_code, dry_run, "DryRun", false),
	OP_STR(struct lambda_update_code, revision, "RevisionId", false, 0, 0),
	OP_LIST(struct lambda_update_code, architectures, "Architectures", false, const char *, arch_item, 1, 1),
	OP_REFUSED("S3ObjectVersion"),
	OP_REFUSED("ImageUri"),
	OP_REFUSED("Publish"),
	OP_REFUSED("PublishTo"),
	OP_REFUSED("SourceKMSKeyArn"),
	OP_END
};

const struct op_field lambda_update_config_fields[] = {
	NAME(struct lambda_update_config, 140),
	OP_STR(struct lambda_update_config, role, "Role", false, 0, 0),
	OP_STR(struct lambda_update_config, handler, "Handler", false, 0, 128),
	OP_STR(struct lambda_update_config, description, "Description", false, 0, 256),
	OP_INT(struct lambda_update_config, timeout, "Timeout", false, 1, 0),
	OP_INT(struct lambda_update_config, memory, "MemorySize", false, 128, 32768),
	OP_OBJ(struct lambda_update_config, environment, "Environment", false, env_fields),
	OP_ENUM(struct lambda_update_config, runtime, "Runtime", false, runtimes, runtimes_refused),
	OP_STR(struct lambda_update_config, revision, "RevisionId", false, 0, 0),
	REFUSED_SETTINGS,
	OP_END
};

/* Versions and aliases do not exist yet: $LATEST only, which is what no qualifier means. */
#define QUALIFIER_REFUSED OP_REFUSED("Qualifier", .at = "Qualifier", .loc = OPL_QUERY)

const struct op_field lambda_get_fields[] = { NAME(struct lambda_name, 256), QUALIFIER_REFUSED, OP_END };
const struct op_field lambda_delete_fields[] = { NAME(struct lambda_name, 256), QUALIFIER_REFUSED, OP_END };
const struct op_field lambda_url_name_fields[] = { NAME(struct lambda_name, 140), QUALIFIER_REFUSED, OP_END };

const struct op_field lambda_list_fields[] = {
	OP_STR(struct lambda_list, marker, "Marker", false, 0, 0, .at = "Marker", .loc = OPL_QUERY),
	OP_INT(struct lambda_list, max, "MaxItems", false, 1, 10000, .at = "MaxItems", .loc = OPL_QUERY),
	OP_REFUSED("MasterRegion", .at = "MasterRegion", .loc = OPL_QUERY),
	OP_REFUSED("FunctionVersion", .at = "FunctionVersion", .loc = OPL_QUERY),
	OP_END
};

const struct op_field lambda_invoke_fields[] = {
	NAME(struct lambda_invoke, 256),
	OP_ENUM(struct lambda_invoke, type, "InvocationType", false, invocations, NULL, .at = "X-Amz-Invocation-Type",
		.loc = OPL_HEADER),
	OP_ENUM(struct lambda_invoke, log_type, "LogType", false, log_types, NULL, .at = "X-Amz-Log-Type", .loc = OPL_HEADER),
	OP_BLOB(struct lambda_invoke, payload, "Payload", false, 0, 0, .loc = OPL_PAYLOAD),
	OP_REFUSED("ClientContext", .at = "X-Amz-Client-Context", .loc = OPL_HEADER),
	OP_REFUSED("DurableExecutionName", .at = "X-Amz-Durable-Execution-Name", .loc = OPL_HEADER),
	OP_REFUSED("TenantId", .at = "X-Amz-Tenant-Id", .loc = OPL_HEADER),
	QUALIFIER_REFUSED,
	OP_END
};

const struct op_field lambda_url_fields[] = {
	OP_STR(struct lambda_url_in, name, "FunctionName", true, 1, 140, .loc = OPL_PATH),
	OP_ENUM(struct lambda_url_in, auth, "AuthType", true, auths, auths_refused),
	OP_ENUM(struct lambda_url_in, mode, "InvokeMode", false, modes, modes_refused),
	OP_REFUSED("Cors"),
	QUALIFIER_REFUSED,
	OP_END
};
