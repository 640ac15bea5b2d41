// SPDX-License-Identifier: Apache-2.0
/* Resources of Task states: functions, optimised integrations, and every operation through aws-sdk. */
#include "svc/states/asl_resource.h"

static const struct optimised {
	const char *text, *service, *op, *type, *name, *prefix;
	bool sync;
} optimised[] = {
	{ "lambda:invoke", "lambda", "Invoke", "lambda", "invoke", "Lambda", false },
	{ "athena:startQueryExecution", "athena", "StartQueryExecution", "athena", "startQueryExecution", "Athena", false },
	{ "athena:startQueryExecution.sync", "athena", "StartQueryExecution", "athena", "startQueryExecution.sync", "Athena", true },
	{ "athena:stopQueryExecution", "athena", "StopQueryExecution", "athena", "stopQueryExecution", "Athena", false },
	{ "athena:getQueryExecution", "athena", "GetQueryExecution", "athena", "getQueryExecution", "Athena", false },
	{ "athena:getQueryResults", "athena", "GetQueryResults", "athena", "getQueryResults", "Athena", false },
	{ "glue:startJobRun", "glue", "StartJobRun", "glue", "startJobRun", "Glue", false },
	{ "glue:startJobRun.sync", "glue", "StartJobRun", "glue", "startJobRun.sync", "Glue", true },
	{ "events:putEvents", "events", "PutEvents", "events", "putEvents", "EventBridge", false },
};

/* Names of services in aws-sdk resources, ours where they differ, and as they stand in front of errors. */
static const struct sdk {
	const char *name, *service, *prefix;
} sdks[] = {
	{ "athena", "athena", "Athena" }, { "cloudwatchlogs", "logs", "CloudWatchLogs" }, { "eventbridge", "events", "EventBridge" },
	{ "firehose", "firehose", "Firehose" }, { "glue", "glue", "Glue" }, { "lambda", "lambda", "Lambda" },
	{ "s3", "s3", "S3" }, { "sfn", "stepfunctions", "Sfn" }, { "sts", "sts", "Sts" },
};

static bool known(const struct op_registry *r, struct asl_resource *x)
{
	const struct service *s;
	const struct op *op;
	void *self;

	if (!r)
		return true;
	s = op_registry_find(r, view_str(x->service), &self);
	op = s ? op_find(s, view_str(x->op), true) : NULL;
	if (!op || (op->flags & OP_STREAM_OUT))
		return false; /* bodies that are streamed do not fit into a state's input or output */
	x->op = op->name;
	return true;
}

static bool parse_sdk(struct arena *a, struct view rest, const struct op_registry *r, struct asl_resource *ret)
{
	struct view service;

	if (!view_split(&rest, ':', &service) || !rest.p || view_chr(rest, '.') >= 0 || view_chr(rest, ':') >= 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(sdks); i++) {
		if (!view_eq_str(service, sdks[i].name))
			continue;
		*ret = (struct asl_resource){ .service = sdks[i].service, .op = arena_str(a, rest), .prefix = sdks[i].prefix,
					      .type = arena_printf(a, "aws-sdk:%s", sdks[i].name), .name = arena_str(a, rest),
					      .sdk = true };
		return known(r, ret);
	}
	return false;
}

static bool parse_function(struct arena *a, struct view text, const struct op_registry *r, struct asl_resource *ret)
{
	struct view rest = text, part;

	for (int i = 0; i < 5; i++)
		if (!view_split(&rest, ':', &part))
			return false;
	if (!rest.p || !view_starts(rest, VIEW("function:")) || rest.n == 9)
		return false;
	*ret = (struct asl_resource){ .function = arena_str(a, text), .service = "lambda", .op = "Invoke", .prefix = "Lambda" };
	return known(r, ret);
}

bool asl_resource_parse(struct arena *a, struct view text, const struct op_registry *r, struct asl_resource *ret)
{
	struct view states = VIEW("arn:aws:states:::"), rest;

	if (view_starts(text, VIEW("arn:aws:lambda:")))
		return parse_function(a, text, r, ret);
	if (!view_starts(text, states))
		return false;
	rest = view_from(text, states.n);
	if (view_starts(rest, VIEW("aws-sdk:")))
		return parse_sdk(a, view_from(rest, 8), r, ret);
	for (size_t i = 0; i < ARRAY_LEN(optimised); i++) {
		const struct optimised *o = &optimised[i];

		if (!view_eq_str(rest, o->text))
			continue;
		*ret = (struct asl_resource){ .service = o->service, .op = o->op, .type = o->type, .name = o->name,
					      .prefix = o->prefix, .sync = o->sync };
		return known(r, ret);
	}
	return false;
}
