// SPDX-License-Identifier: Apache-2.0
/* Calls a target: a state machine, a function, a delivery stream or a queue, through its own operation. */
#include <string.h>

#include "base/buf.h"
#include "os/crypto.h"
#include "svc/events/events_int.h"

/* arn:aws:SERVICE:region:account:RESOURCE */
static bool split_arn(const char *arn, struct view *service, struct view *resource)
{
	struct view rest = view_str(arn), part[5];

	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (!view_split(&rest, ':', &part[i]))
			return false;
	*service = part[2];
	*resource = rest;
	return view_eq_str(part[0], "arn") && rest.p && rest.n;
}

int events__target_check(const char *id, const char *arn, struct err *e)
{
	struct view service, resource;

	if (!split_arn(arn, &service, &resource))
		return aws_fail(e, &AWS_VALIDATION,
				"Parameter %s is not valid. Reason: Provided Arn is not in correct format.", arn);
	if ((view_eq_str(service, "states") && view_starts(resource, VIEW("stateMachine:"))) ||
	    (view_eq_str(service, "lambda") && view_starts(resource, VIEW("function:"))) ||
	    (view_eq_str(service, "firehose") && view_starts(resource, VIEW("deliverystream/"))) ||
	    (view_eq_str(service, "sqs") && view_chr(resource, ':') < 0))
		return 0;
	return aws_fail(e, &AWS_VALIDATION,
			"Parameter %s is not valid. Reason: targets of this kind are not supported (target %s).", arn, id);
}

/* The same event for the same target is the same text, however often it is delivered. */
static const char *delivery_name(struct arena *a, const struct delivery *d)
{
	char hex[65];

	sha256_hex(view_str(arena_printf(a, "%s/%s", d->rule, d->target)), hex);
	return arena_printf(a, "%s_%.32s", d->event_id, hex);
}

/* Takes the error for "not there", by either service's name of it, out of @e. */
static int absent(struct err *e, int rc, const char *text)
{
	const char *code = e->wire ? ((const struct aws_error *)e->wire)->code : "";

	if (rc == 0 || (strcmp(code, "QueueDoesNotExist") != 0 && strcmp(code, "ResourceNotFoundException") != 0))
		return rc;
	err_clear(e);
	return err_set(e, ERR_NOENT, "%s", text);
}

int events__target_exists(void *self, const char *arn, struct arena *a, struct err *e)
{
	const struct events *ev = self;
	const struct op_registry *r = events__registry(ev);
	const struct op_caller caller = { .account = ev->o.account, .access_key = "", .source_ip = "events.amazonaws.com",
					  .arn = arena_printf(a, "arn:aws:sts::%s:assumed-role/events/events", ev->o.account) };
	struct json *in = json_new_obj(a);
	struct view service, resource, here = view_str(arena_printf(a, ":%s:%s:", ev->o.region, ev->o.account));
	bool queue;
	const struct json *out;

	if (!split_arn(arn, &service, &resource) || (!view_eq_str(service, "sqs") && !view_eq_str(service, "lambda")))
		return err_set(e, ERR_UNSUPPORTED, "%s is neither a queue nor a function", arn);
	queue = view_eq_str(service, "sqs");
	if (view_find(view_str(arn), here) != (ptrdiff_t)(8 + service.n) || !r)
		return err_set(e, ERR_NOENT, "it is not one of this account and region");
	if (queue) {
		json_set(a, in, "QueueName", json_new_str(a, resource));
		return absent(e, op_call(r, "sqs", "GetQueueUrl", in, &caller, a, &out, e), "The destination queue does not exist");
	}
	json_set_str(a, in, "FunctionName", arn);
	return absent(e, op_call(r, "lambda", "GetFunctionConfiguration", in, &caller, a, &out, e),
		      "The destination Lambda does not exist");
}

static int call(const struct events *ev, const struct op_registry *r, const struct delivery *d, const char *service,
		const char *op, const struct json *in, struct arena *a, struct err *e)
{
	const struct op_caller caller = {
		.account = ev->o.account, .access_key = "", .source_ip = "events.amazonaws.com",
		.arn = arena_printf(a, "arn:aws:sts::%s:assumed-role/events/events", ev->o.account),
		.once = delivery_name(a, d),
	};
	const struct json *out;

	return op_call(r, service, op, in, &caller, a, &out, e);
}

int events__deliver(const struct events *ev, const struct op_registry *r, const struct delivery *d, struct arena *a,
		    struct err *e)
{
	struct json *in = json_new_obj(a), *record;
	struct view service, resource;
	int rc;

	if (!split_arn(d->arn, &service, &resource))
		return err_set(e, ERR_INVALID, "%s is no ARN", d->arn);
	if (view_eq_str(service, "lambda")) {
		json_set_str(a, in, "FunctionName", d->arn);
		json_set_str(a, in, "InvocationType", "Event");
		json_set_str(a, in, "Payload", d->payload);
		return call(ev, r, d, "lambda", "Invoke", in, a, e);
	}
	if (view_eq_str(service, "firehose")) {
		record = json_new_obj(a);
		json_set_str(a, record, "Data", d->payload);
		json_set(a, in, "DeliveryStreamName", json_new_str(a, view_from(resource, 15)));
		json_set(a, in, "Record", record);
		return call(ev, r, d, "firehose", "PutRecord", in, a, e);
	}
	if (view_eq_str(service, "sqs")) {
		json_set_str(a, in, "QueueUrl", arena_printf(a, "/%s/%.*s", ev->o.account, VIEW_ARG(resource)));
		json_set_str(a, in, "MessageBody", d->payload);
		return call(ev, r, d, "sqs", "SendMessage", in, a, e);
	}
	json_set_str(a, in, "stateMachineArn", d->arn);
	json_set_str(a, in, "name", delivery_name(a, d));
	json_set_str(a, in, "input", d->payload);
	rc = call(ev, r, d, "stepfunctions", "StartExecution", in, a, e);
	if (rc < 0 && e->wire && view_eq_str(view_str(((const struct aws_error *)e->wire)->code), "ExecutionAlreadyExists")) {
		err_clear(e);
		rc = 0;
	}
	return rc;
}
