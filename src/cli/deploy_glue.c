/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_glue: databases, tables and jobs. */
#include <string.h>

#include "cli/deploy_int.h"

static const struct deploy_api glue = { "glue", "AWSGlue", "EntityNotFoundException" };

/* An object of those @names (ended by NULL) that @from has. */
static struct json *pick(struct deploy *d, const struct json *from, const char *const *names)
{
	struct json *o = json_new_obj(d->a);

	for (; *names; names++)
		if (json_get(from, *names))
			json_set(d->a, o, *names, json_get(from, *names));
	return o;
}

static const struct prop serde_props[] = { { "Name", PROP_STR },
					   { "SerializationLibrary", PROP_STR },
					   { "Parameters", PROP_MAP },
					   { 0 } };
static const struct prop column_props[] = {
	{ "Name", PROP_STR, true }, { "Type", PROP_STR }, { "Comment", PROP_STR }, { 0 }
};
static const struct prop order_props[] = { { "Column", PROP_STR, true },
					   { "SortOrder", PROP_INT, true },
					   { 0 } };
static const struct prop storage_props[] = { { "Columns", PROP_LIST, false, column_props },
					     { "Location", PROP_STR },
					     { "InputFormat", PROP_STR },
					     { "OutputFormat", PROP_STR },
					     { "Compressed", PROP_BOOL },
					     { "NumberOfBuckets", PROP_INT },
					     { "SerdeInfo", PROP_OBJ, false, serde_props },
					     { "BucketColumns", PROP_STRINGS },
					     { "SortColumns", PROP_LIST, false, order_props },
					     { "Parameters", PROP_MAP },
					     { "StoredAsSubDirectories", PROP_BOOL },
					     { 0 } };
static const struct prop table_input_props[] = {
	{ "Name", PROP_STR },
	{ "Description", PROP_STR },
	{ "Owner", PROP_STR },
	{ "Retention", PROP_INT },
	{ "StorageDescriptor", PROP_OBJ, false, storage_props },
	{ "PartitionKeys", PROP_LIST, false, column_props },
	{ "ViewOriginalText", PROP_STR },
	{ "ViewExpandedText", PROP_STR },
	{ "TableType", PROP_STR },
	{ "Parameters", PROP_MAP },
	{ 0 }
};
const struct prop deploy_table_props[] = { { "CatalogId", PROP_STR, true },
					   { "DatabaseName", PROP_STR, true },
					   { "TableInput", PROP_OBJ, true, table_input_props },
					   { 0 } };
static const struct prop database_input_props[] = { { "Name", PROP_STR },
						    { "Description", PROP_STR },
						    { "LocationUri", PROP_STR },
						    { "Parameters", PROP_MAP },
						    { 0 } };
const struct prop deploy_database_props[] = { { "CatalogId", PROP_STR, true },
					      { "DatabaseInput", PROP_OBJ, true,
						database_input_props },
					      { 0 } };
static const struct prop command_props[] = { { "Name", PROP_STR },
					     { "ScriptLocation", PROP_STR, true },
					     { 0 } };
static const struct prop execution_props[] = { { "MaxConcurrentRuns", PROP_INT }, { 0 } };
const struct prop deploy_job_props[] = { { "Name", PROP_STR },
					 { "Description", PROP_STR },
					 { "Role", PROP_STR, true },
					 { "ExecutionProperty", PROP_OBJ, false, execution_props },
					 { "Command", PROP_OBJ, true, command_props },
					 { "DefaultArguments", PROP_MAP },
					 { "NonOverridableArguments", PROP_MAP },
					 { "MaxRetries", PROP_INT },
					 { "Timeout", PROP_INT },
					 { 0 } };

/* @given with the physical name in its @input, which may have been left out. */
static struct json *with_name(struct deploy *d, const struct deploy_resource *r, const char *input)
{
	struct json *o = json_copy(d->a, r->given),
		    *in = json_copy(d->a, json_get(r->given, input));

	json_set_str(d->a, in, "Name", r->name);
	json_set(d->a, o, input, in);
	return o;
}

struct catalog_kind {
	const char *get, *have, *input, *create, *update;
};

static int put_catalog(struct deploy *d, struct deploy_resource *r, const struct catalog_kind *k,
		       struct json *key, bool named, struct err *e)
{
	struct json *want = with_name(d, r, k->input), *in = json_copy(d->a, key);
	const struct json *out, *input = json_get(want, k->input);
	const struct prop *props = r->kind->props;

	while (strcmp(props->name, k->input) != 0)
		props++;
	json_set_str(d->a, key, "Name", r->name);
	if (deploy_look(d, &glue, k->get, key, &out, e) < 0)
		return e->code;
	r->action = !out ? "created"
		    : schema_differs(d->a, props->sub, input, json_get(out, k->have), r->place)
			    ? "updated"
			    : "unchanged";
	if (!out)
		return deploy_call(d, &glue, k->create, want, &out, e);
	if (strcmp(r->action, "unchanged") == 0)
		return 0;
	if (named)
		json_set_str(d->a, in, "Name", r->name);
	json_set(d->a, in, k->input, input);
	return deploy_call(d, &glue, k->update, in, &out, e);
}

int deploy_put_database(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	static const struct catalog_kind k = { "GetDatabase", "Database", "DatabaseInput",
					       "CreateDatabase", "UpdateDatabase" };
	static const char *const key[] = { "CatalogId", NULL };

	return put_catalog(d, r, &k, pick(d, r->given, key), true, e);
}

int deploy_put_table(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	static const struct catalog_kind k = { "GetTable", "Table", "TableInput", "CreateTable",
					       "UpdateTable" };
	static const char *const key[] = { "CatalogId", "DatabaseName", NULL };

	return put_catalog(d, r, &k, pick(d, r->given, key), false, e);
}

/* A script in the template's folder becomes an artifact. */
int deploy_prepare_job(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	const char *script =
		arena_str(d->a, json_get_str(json_get(r->given, "Command"), "ScriptLocation"));
	struct json *given, *command;

	if (view_starts(view_str(script), VIEW("s3://")))
		return 0;
	if (!r->artifact.key &&
	    package_file(d->a, package_path(d->a, d->dir, script), &r->artifact, e) < 0)
		return err_ctx(e, "%s.Command.ScriptLocation", r->place);
	given = json_copy(d->a, r->given);
	command = json_copy(d->a, json_get(r->given, "Command"));
	json_set_str(d->a, command, "ScriptLocation",
		     arena_printf(d->a, "s3://%s/%s", d->bucket, r->artifact.key));
	json_set(d->a, given, "Command", command);
	r->given = given;
	return 0;
}

int deploy_put_job(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	struct json *key = json_new_obj(d->a), *want = json_copy(d->a, r->given);
	const struct json *out;
	const char *where;

	json_set_str(d->a, key, "JobName", r->name);
	json_set_str(d->a, want, "Name", r->name);
	if (deploy_look(d, &glue, "GetJob", key, &out, e) < 0)
		return e->code;
	r->action = "created";
	if (!out)
		return deploy_call(d, &glue, "CreateJob", want, &out, e);
	where = schema_differs(d->a, deploy_job_props, want, json_get(out, "Job"), r->place);
	r->action = where ? "updated" : "unchanged";
	if (!where)
		return 0;
	json_set(d->a, key, "JobUpdate", deploy_without(d, want, "Name"));
	return deploy_call(d, &glue, "UpdateJob", key, &out, e) < 0
		       ? err_ctx(e, "%s differs from what is there", where)
		       : 0;
}
