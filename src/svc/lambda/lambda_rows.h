/* SPDX-License-Identifier: Apache-2.0 */
/* lambda_rows -- input structs of the operations and their field tables (lambda_rows.c). */
#pragma once

#include "aws/op.h"

struct lambda_code {
	struct view zip;
	const char *bucket, *key;
};
struct lambda_env {
	struct op_map variables;
};
struct lambda_create {
	const char *name, *runtime, *role, *handler, *description, *package;
	struct lambda_code *code;
	struct opt_int timeout, memory;
	struct lambda_env *environment;
	struct op_list architectures; /* const char * */
};
struct lambda_update_code {
	const char *name, *bucket, *key, *revision;
	struct view zip;
	struct opt_bool dry_run;
	struct op_list architectures;
};
struct lambda_update_config {
	const char *name, *role, *handler, *description, *runtime, *revision;
	struct opt_int timeout, memory;
	struct lambda_env *environment;
};
struct lambda_name {
	const char *name;
};
struct lambda_list {
	const char *marker;
	struct opt_int max;
};
struct lambda_invoke {
	const char *name, *type, *log_type;
	struct view payload;
};
struct lambda_url_in {
	const char *name, *auth, *mode;
};

extern const struct op_field lambda_create_fields[], lambda_update_code_fields[], lambda_update_config_fields[],
	lambda_get_fields[], lambda_delete_fields[], lambda_list_fields[], lambda_invoke_fields[], lambda_url_fields[],
	lambda_url_name_fields[];
