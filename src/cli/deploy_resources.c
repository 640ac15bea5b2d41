/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_resources: the table of resource types, and the types whose services speak JSON. */
#include <string.h>

#include "cli/deploy_int.h"

/* --- calls --- */

static const struct deploy_api firehose = { "firehose", "Firehose_20150804",
					    "ResourceNotFoundException" };
static const struct deploy_api events = { "events", "AWSEvents", "ResourceNotFoundException" };
static const struct deploy_api states = { "states", "AWSStepFunctions",
					  "StateMachineDoesNotExist" };

int deploy_call(struct deploy *d, const struct deploy_api *api, const char *op,
		const struct json *in, const struct json **ret, struct err *e)
{
	return aws_client_json(d->aws, api->service, arena_printf(d->a, "%s.%s", api->target, op),
			       in, d->a, ret, e);
}

int deploy_look(struct deploy *d, const struct deploy_api *api, const char *op,
		const struct json *in, const struct json **ret, struct err *e)
{
	int r = deploy_call(d, api, op, in, ret, e);

	if (r < 0 && strstr(e->msg, api->missing)) {
		err_clear(e);
		*ret = NULL;
		return 0;
	}
	return r;
}

struct json *deploy_without(struct deploy *d, const struct json *from, const char *name)
{
	struct json *o = json_new_obj(d->a);

	for (size_t i = 0; i < json_len(from); i++)
		if (!view_eq_str(from->obj.v[i].name, name))
			json_set_view(d->a, o, from->obj.v[i].name, from->obj.v[i].value);
	return o;
}

static int cannot_change(const char *where, const char *kind, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED,
		       "%s differs from what is there, and %s cannot be changed: delete it and "
		       "deploy again",
		       where, kind);
}

/* --- Firehose --- */

static const struct prop buffering_props[] = { { "IntervalInSeconds", PROP_INT },
					       { "SizeInMBs", PROP_INT },
					       { 0 } };
static const struct prop logging_props[] = {
	{ "Enabled", PROP_BOOL }, { "LogGroupName", PROP_STR }, { "LogStreamName", PROP_STR }, { 0 }
};
#define DESTINATION_PROPS \
	{ "BucketARN", PROP_STR, true }, { "RoleARN", PROP_STR, true }, { "Prefix", PROP_STR }, \
		{ "ErrorOutputPrefix", PROP_STR }, \
		{ "BufferingHints", PROP_OBJ, false, buffering_props }, \
		{ "CompressionFormat", PROP_STR }, \
	{ \
		"CloudWatchLoggingOptions", PROP_OBJ, false, logging_props \
	}
static const struct prop destination_props[] = { DESTINATION_PROPS, { 0 } };
static const struct prop extended_props[] = {
	DESTINATION_PROPS, { "FileExtension", PROP_STR }, { "CustomTimeZone", PROP_STR }, { 0 }
};
static const struct prop stream_props[] = {
	{ "DeliveryStreamName", PROP_STR },
	{ "DeliveryStreamType", PROP_STR },
	{ "ExtendedS3DestinationConfiguration", PROP_OBJ, false, extended_props },
	{ "S3DestinationConfiguration", PROP_OBJ, false, destination_props },
	{ 0 }
};

static int put_stream(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	struct json *key = json_new_obj(d->a), *want = json_copy(d->a, r->given),
		    *have = json_new_obj(d->a);
	const struct json *out, *found, *destination;
	const char *where;

	json_set_str(d->a, key, "DeliveryStreamName", r->name);
	json_set_str(d->a, want, "DeliveryStreamName", r->name);
	if (deploy_look(d, &firehose, "DescribeDeliveryStream", key, &out, e) < 0)
		return e->code;
	r->action = out ? "unchanged" : "created";
	if (!out)
		return deploy_call(d, &firehose, "CreateDeliveryStream", want, &out, e);
	found = json_get(out, "DeliveryStreamDescription");
	destination = json_at(json_get(found, "Destinations"), 0);
	json_set_str(d->a, have, "DeliveryStreamName", r->name);
	json_set(d->a, have, "DeliveryStreamType", json_get(found, "DeliveryStreamType"));
	if (json_get(destination, "ExtendedS3DestinationDescription"))
		json_set(d->a, have, "ExtendedS3DestinationConfiguration",
			 json_get(destination, "ExtendedS3DestinationDescription"));
	if (json_get(destination, "S3DestinationDescription"))
		json_set(d->a, have, "S3DestinationConfiguration",
			 json_get(destination, "S3DestinationDescription"));
	where = schema_differs(d->a, stream_props, want, have, r->place);
	return where ? cannot_change(where, "a delivery stream", e) : 0;
}

/* --- Step Functions --- */

static const struct prop machine_sam_props[] = { { "Name", PROP_STR },
						 { "Type", PROP_STR },
						 { "Role", PROP_STR, true },
						 { "Definition", PROP_JSON },
						 { "DefinitionUri", PROP_STR },
						 { "DefinitionSubstitutions", PROP_MAP },
						 { 0 } };
static const struct prop machine_props[] = { { "StateMachineName", PROP_STR },
					     { "StateMachineType", PROP_STR },
					     { "RoleArn", PROP_STR, true },
					     { "Definition", PROP_JSON },
					     { "DefinitionString", PROP_STR },
					     { "DefinitionSubstitutions", PROP_MAP },
					     { 0 } };

static const struct json *definition(struct deploy *d, const struct deploy_resource *r,
				     struct err *e)
{
	const struct json *sub = json_get(r->given, "DefinitionSubstitutions"),
			  *own = json_get(r->given, "Definition"), *ret;
	struct view text = json_get_str(r->given, "DefinitionString"),
		    path = json_get_str(r->given, "DefinitionUri");

	if ((own != NULL) + (text.p != NULL) + (path.p != NULL) != 1) {
		err_set(e, ERR_INVALID,
			"%s: one of Definition, DefinitionUri and DefinitionString must be given",
			r->place);
		return NULL;
	}
	if (view_starts(path, VIEW("s3://"))) {
		err_set(e, ERR_UNSUPPORTED, "%s.DefinitionUri: only local files are supported",
			r->place);
		return NULL;
	}
	if (path.p) {
		ret = package_definition(d->a, package_path(d->a, d->dir, arena_str(d->a, path)),
					 sub, e);
	} else {
		ret = own ? own : json_parse(d->a, text, JSON_DEPTH, e);
		ret = ret ? package_substitute(d->a, ret, sub, e) : NULL;
	}
	if (!ret)
		err_ctx(e, "%s.%s", r->place,
			path.p ? "DefinitionUri"
			: own  ? "Definition"
			       : "DefinitionString");
	return ret;
}

static int prepare_machine(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	return definition(d, r, e) ? 0 : e->code;
}

/* First of the two names that is given. */
static const struct json *either(const struct json *o, const char *a, const char *b)
{
	return json_get(o, a) ? json_get(o, a) : json_get(o, b);
}

static int update_machine(struct deploy *d, struct deploy_resource *r, struct json *in,
			  const struct json *have, struct err *e)
{
	struct err quiet = { 0 };
	const struct json *def = json_parse(d->a, json_get_str(in, "definition"), JSON_DEPTH,
					    &quiet);
	const struct json *old = json_parse(d->a, json_get_str(have, "definition"), JSON_DEPTH,
					    &quiet),
			  *out;
	struct json *update = json_new_obj(d->a);

	if (json_get(in, "type") && !json_equal(json_get(in, "type"), json_get(have, "type")))
		return cannot_change(arena_printf(d->a, "%s.%s", r->place,
						  json_get(r->given, "Type") ? "Type"
									     : "StateMachineType"),
				     "a state machine's type", e);
	r->action = "unchanged";
	if (old && json_equal(def, old) &&
	    json_equal(json_get(in, "roleArn"), json_get(have, "roleArn")))
		return 0;
	r->action = "updated";
	json_set(d->a, update, "stateMachineArn", json_get(have, "stateMachineArn"));
	json_set(d->a, update, "definition", json_get(in, "definition"));
	json_set(d->a, update, "roleArn", json_get(in, "roleArn"));
	return deploy_call(d, &states, "UpdateStateMachine", update, &out, e);
}

static int put_machine(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	struct json *key = json_new_obj(d->a), *in = json_new_obj(d->a);
	const struct json *def = definition(d, r, e), *have;

	if (!def)
		return e->code;
	json_set_str(d->a, in, "name", r->name);
	json_set_str(d->a, in, "definition", json_text(d->a, def));
	json_set(d->a, in, "roleArn", either(r->given, "Role", "RoleArn"));
	if (either(r->given, "Type", "StateMachineType"))
		json_set(d->a, in, "type", either(r->given, "Type", "StateMachineType"));
	json_set_str(d->a, key, "stateMachineArn", resource_value(&d->t, r, NULL));
	if (deploy_look(d, &states, "DescribeStateMachine", key, &have, e) < 0)
		return e->code;
	if (have)
		return update_machine(d, r, in, have, e);
	r->action = "created";
	return deploy_call(d, &states, "CreateStateMachine", in, &have, e);
}

/* --- EventBridge --- */

static const struct prop transformer_props[] = { { "InputPathsMap", PROP_MAP },
						 { "InputTemplate", PROP_STR, true },
						 { 0 } };
static const struct prop target_props[] = { { "Id", PROP_STR, true },
					    { "Arn", PROP_STR, true },
					    { "RoleArn", PROP_STR },
					    { "Input", PROP_STR },
					    { "InputPath", PROP_STR },
					    { "InputTransformer", PROP_OBJ, false,
					      transformer_props },
					    { 0 } };
static const struct prop rule_props[] = { { "Name", PROP_STR },
					  { "EventBusName", PROP_STR },
					  { "Description", PROP_STR },
					  { "EventPattern", PROP_JSON, true },
					  { "State", PROP_STR },
					  { "RoleArn", PROP_STR },
					  { "Targets", PROP_LIST, false, target_props },
					  { 0 } };

static int put_rule(struct deploy *d, struct deploy_resource *r, const struct json *bus,
		    struct err *e)
{
	struct json *key = json_new_obj(d->a), *have,
		    *want = deploy_without(d, r->given, "Targets");
	struct err quiet = { 0 };
	const struct json *out, *pattern;

	json_set_str(d->a, key, "Name", r->name);
	if (bus)
		json_set(d->a, key, "EventBusName", bus);
	if (deploy_look(d, &events, "DescribeRule", key, &out, e) < 0)
		return e->code;
	json_set_str(d->a, want, "Name", r->name);
	if (out) {
		have = json_copy(d->a, out);
		pattern = json_parse(d->a, json_get_str(out, "EventPattern"), JSON_DEPTH, &quiet);
		json_set(d->a, have, "EventPattern", pattern ? pattern : &json_null);
		r->action = schema_differs(d->a, rule_props, want, have, r->place) ? "updated"
										   : "unchanged";
		if (strcmp(r->action, "unchanged") == 0)
			return 0;
	}
	r->action = out ? "updated" : "created";
	json_set_str(d->a, want, "EventPattern",
		     json_text(d->a, json_get(r->given, "EventPattern")));
	return deploy_call(d, &events, "PutRule", want, &out, e);
}

static const struct json *target_of(const struct json *list, const struct json *id)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (json_equal(json_get(json_at(list, i), "Id"), id))
			return json_at(list, i);
	return NULL;
}

/* Calls @op with what @list holds, if anything; EventBridge tells of refused entries in the answer. */
static int change_targets(struct deploy *d, struct deploy_resource *r, const char *op,
			  const char *name, struct json *list, const struct json *bus,
			  struct err *e)
{
	struct json *in = json_new_obj(d->a);
	const struct json *out, *failed;

	if (json_len(list) == 0)
		return 0;
	json_set_str(d->a, in, "Rule", r->name);
	if (bus)
		json_set(d->a, in, "EventBusName", bus);
	json_set(d->a, in, name, list);
	if (strcmp(r->action, "unchanged") == 0)
		r->action = "updated";
	if (deploy_call(d, &events, op, in, &out, e) < 0)
		return e->code;
	failed = json_at(json_get(out, "FailedEntries"), 0);
	if (json_int(json_get(out, "FailedEntryCount"), 0) == 0)
		return 0;
	return err_set(e, ERR_INVALID, "%s: target %.*s: %.*s", op,
		       VIEW_ARG(json_get_str(failed, "TargetId")),
		       VIEW_ARG(json_get_str(failed, "ErrorMessage")));
}

static int put_rule_and_targets(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	struct json *key = json_new_obj(d->a), *put = json_new_arr(d->a),
		    *remove = json_new_arr(d->a);
	const struct json *want = json_get(r->given, "Targets"),
			  *bus = json_get(r->given, "EventBusName"), *out, *have;

	if (put_rule(d, r, bus, e) < 0)
		return e->code;
	json_set_str(d->a, key, "Rule", r->name);
	if (bus)
		json_set(d->a, key, "EventBusName", bus);
	if (deploy_call(d, &events, "ListTargetsByRule", key, &out, e) < 0)
		return e->code;
	have = json_get(out, "Targets");
	for (size_t i = 0; i < json_len(want); i++) {
		const struct json *t = json_at(want, i), *old = target_of(have, json_get(t, "Id"));

		/* Both ways, as PutTargets replaces the whole target. */
		if (!old || json_len(old) != json_len(t) ||
		    schema_differs(d->a, target_props, t, old, r->place))
			json_push(d->a, put, t);
	}
	for (size_t i = 0; i < json_len(have); i++)
		if (!target_of(want, json_get(json_at(have, i), "Id")))
			json_push(d->a, remove, json_get(json_at(have, i), "Id"));
	if (change_targets(d, r, "PutTargets", "Targets", put, bus, e) < 0)
		return e->code;
	return change_targets(d, r, "RemoveTargets", "Ids", remove, bus, e);
}

/* --- functions --- */

static const struct prop environment_props[] = { { "Variables", PROP_MAP }, { 0 } };
#define FUNCTION_PROPS \
	{ "FunctionName", PROP_STR }, { "Description", PROP_STR }, { "Role", PROP_STR, true }, \
		{ "Runtime", PROP_STR, true }, { "Handler", PROP_STR }, { "Timeout", PROP_INT }, \
		{ "MemorySize", PROP_INT }, { "Architectures", PROP_STRINGS }, \
	{ \
		"Environment", PROP_OBJ, false, environment_props \
	}
static const struct prop function_sam_props[] = { FUNCTION_PROPS,
						  { "CodeUri", PROP_STR, true },
						  { 0 } };
static const struct prop function_props[] = { FUNCTION_PROPS, { "Code", PROP_STR, true }, { 0 } };
static const struct prop url_props[] = { { "TargetFunctionArn", PROP_STR, true },
					 { "AuthType", PROP_STR, true },
					 { "InvokeMode", PROP_STR },
					 { 0 } };

static int prepare_function(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	const char *name = json_get(r->given, "CodeUri") ? "CodeUri" : "Code",
		   *path = arena_str(d->a, json_get_str(r->given, name));

	if (r->artifact.key)
		return 0;
	if (view_starts(view_str(path), VIEW("s3://")))
		return err_set(e, ERR_UNSUPPORTED,
			       "%s.%s: only local folders and .zip files are supported", r->place,
			       name);
	if (package_code(d->a, package_path(d->a, d->dir, path), &r->artifact, e) < 0)
		return err_ctx(e, "%s.%s", r->place, name);
	return 0;
}

/* --- the table --- */

static const struct prop bridge_props[] = { { "EventBridgeEnabled", PROP_BOOL }, { 0 } };
static const struct prop notification_props[] = {
	{ "EventBridgeConfiguration", PROP_OBJ, false, bridge_props }, { 0 }
};
static const struct prop bucket_props[] = { { "BucketName", PROP_STR },
					    { "NotificationConfiguration", PROP_OBJ, false,
					      notification_props },
					    { 0 } };

#define ARN(service, resource) \
	"arn:${AWS::Partition}:" service ":${AWS::Region}:${AWS::AccountId}:" resource "${Name}"
static const char *const no_attrs[] = { NULL };
static const char *const bucket_attrs[] = { "Arn", "arn:${AWS::Partition}:s3:::${Name}", NULL };
static const char *const stream_attrs[] = { "Arn", ARN("firehose", "deliverystream/"), NULL };
static const char *const function_attrs[] = { "Arn", ARN("lambda", "function:"), NULL };
static const char *const url_attrs[] = { "FunctionUrl", "", "FunctionArn",
					 ARN("lambda", "function:"), NULL };
static const char *const machine_attrs[] = { "Arn", ARN("states", "stateMachine:"), "Name",
					     "${Name}", NULL };
static const char *const rule_attrs[] = { "Arn", ARN("events", "rule/"), NULL };

static const struct resource_type types[] = {
	{ "AWS::S3::Bucket", bucket_props, "BucketName", "${Name}", bucket_attrs, NULL,
	  deploy_put_bucket },
	{ "AWS::KinesisFirehose::DeliveryStream", stream_props, "DeliveryStreamName", "${Name}",
	  stream_attrs, NULL, put_stream },
	{ "AWS::Glue::Database", deploy_database_props, "DatabaseInput.Name", "${Name}", no_attrs,
	  NULL, deploy_put_database },
	{ "AWS::Glue::Table", deploy_table_props, "TableInput.Name", "${Name}", no_attrs, NULL,
	  deploy_put_table },
	{ "AWS::Glue::Job", deploy_job_props, "Name", "${Name}", no_attrs, deploy_prepare_job,
	  deploy_put_job },
	{ "AWS::Serverless::Function", function_sam_props, "FunctionName", "${Name}",
	  function_attrs, prepare_function, deploy_put_function },
	{ "AWS::Lambda::Function", function_props, "FunctionName", "${Name}", function_attrs,
	  prepare_function, deploy_put_function },
	{ "AWS::Lambda::Url", url_props, "TargetFunctionArn", ARN("lambda", "function:"), url_attrs,
	  NULL, deploy_put_url },
	{ "AWS::Serverless::StateMachine", machine_sam_props, "Name",
	  ARN("states", "stateMachine:"), machine_attrs, prepare_machine, put_machine },
	{ "AWS::StepFunctions::StateMachine", machine_props, "StateMachineName",
	  ARN("states", "stateMachine:"), machine_attrs, prepare_machine, put_machine },
	{ "AWS::Events::Rule", rule_props, "Name", "${Name}", rule_attrs, NULL,
	  put_rule_and_targets },
};

const struct resource_type *resource_type_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].type, type) == 0)
			return &types[i];
	return NULL;
}

const char *resource_value(const struct deploy_template *t, const struct deploy_resource *r,
			   const char *attr)
{
	const char *pattern = attr ? NULL : r->kind->ref;
	struct json *sub = json_new_obj(t->a), *list = json_new_arr(t->a),
		    *own = json_new_obj(t->a);
	const struct json *v;
	struct err e = { 0 };

	for (size_t i = 0; attr && r->kind->attrs[i]; i += 2)
		if (strcmp(r->kind->attrs[i], attr) == 0)
			pattern = r->kind->attrs[i + 1];
	if (!pattern || !r->name)
		return pattern ? "" : NULL;
	if (!pattern[0])
		return r->url ? r->url : "";
	json_set_str(t->a, own, "Name", r->name);
	json_push(t->a, list, json_new_cstr(t->a, pattern));
	json_push(t->a, list, own);
	json_set(t->a, sub, "Fn::Sub", list);
	v = template_resolve(t, sub, r->place, &e);
	must(v);
	return arena_str(t->a, json_str(v));
}

/* CloudFormation makes up a name with a random end; ours must be the same the next time. */
static const char *made_up_name(struct deploy *d, const struct deploy_resource *r)
{
	char *name = arena_printf(d->a, "%s-%s", d->stack, r->id);

	for (char *p = name; *p && strcmp(r->type, "AWS::S3::Bucket") == 0; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 32);
	return name;
}

static const char *name_of(struct deploy *d, const struct deploy_resource *r)
{
	struct view rest = view_str(r->kind->name), part, name;
	const struct json *v = r->given;

	while (view_split(&rest, '.', &part))
		v = json_get_view(v, part);
	if (!v)
		return made_up_name(d, r);
	name = json_str(v);
	if (r->kind->props == url_props && view_starts(name, VIEW("arn:"))) {
		ptrdiff_t at = view_find(name, VIEW(":function:"));

		name = at < 0 ? name : view_from(name, (size_t)at + 10);
	}
	return arena_str(d->a, name);
}

int resource_check(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	const struct json *v = template_resolve(&d->t, r->properties, r->place, e);

	r->given = v ? schema_check(d->a, r->kind->props, v, r->place, e) : NULL;
	if (!r->given)
		return e->code;
	r->name = name_of(d, r);
	return 0;
}

int resource_prepare(struct deploy *d, struct deploy_resource *r, struct err *e)
{
	return r->kind->prepare ? r->kind->prepare(d, r, e) : 0;
}

/* --- SAM's short forms --- */

static int expand_url(struct deploy_template *t, struct deploy_resource *f,
		      struct deploy_resource *url, struct err *e)
{
	const struct json *config = json_get(f->properties, "FunctionUrlConfig");
	struct json *properties, *target = json_new_obj(t->a), *rest = json_new_obj(t->a);

	*url = (struct deploy_resource){
		.id = arena_printf(t->a, "%sUrl", f->id),
		.type = "AWS::Lambda::Url",
		.place = arena_printf(t->a, "%s.FunctionUrlConfig", f->place),
		.depends = json_new_arr(t->a),
	};
	if (template_find(t, view_str(url->id)))
		return err_set(e, ERR_INVALID, "Resources.%s: the URL of %s has the same name",
			       url->id, f->id);
	if (!json_is(config, JSON_OBJ))
		return err_set(e, ERR_INVALID, "%s must be a mapping", url->place);
	properties = json_copy(t->a, config);
	json_set_str(t->a, target, "Ref", f->id);
	json_set(t->a, properties, "TargetFunctionArn", target);
	url->properties = properties;
	for (size_t i = 0; i < json_len(f->properties); i++)
		if (!view_eq(f->properties->obj.v[i].name, VIEW("FunctionUrlConfig")))
			json_set_view(t->a, rest, f->properties->obj.v[i].name,
				      f->properties->obj.v[i].value);
	f->properties = rest;
	return 0;
}

int resource_expand(struct deploy_template *t, struct err *e)
{
	struct deploy_resource *all = ARENA_ARRAY(t->a, struct deploy_resource, t->n * 2);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct deploy_resource *r = &all[n++], url;

		*r = t->resources[i];
		if (strcmp(r->type, "AWS::Serverless::Function") != 0 ||
		    !json_get(r->properties, "FunctionUrlConfig"))
			continue;
		if (expand_url(t, r, &url, e) < 0)
			return e->code;
		all[n++] = url;
	}
	t->resources = all;
	t->n = n;
	for (size_t i = 0; i < n; i++) {
		all[i].kind = resource_type_find(all[i].type);
		if (!all[i].kind)
			return err_set(e, ERR_UNSUPPORTED, "Resources.%s: type %s is not supported",
				       all[i].id, all[i].type);
	}
	return 0;
}
