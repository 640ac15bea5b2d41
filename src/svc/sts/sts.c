/* SPDX-License-Identifier: Apache-2.0 */
/* GetCallerIdentity: what every client asks first. */
#include "svc/sts/sts.h"

static int get_caller_identity(struct op_ctx *cx, const void *in, struct out *o)
{
	const char *last = strrchr(cx->caller.arn, ':');

	(void)in;
	/* AWS: the account for the root user, else an id of the user or role; ours is the key's own. */
	out_str(o, "UserId", last && strcmp(last, ":root") == 0 ? cx->caller.account : cx->caller.access_key);
	out_str(o, "Account", cx->caller.account);
	out_str(o, "Arn", cx->caller.arn);
	return 0;
}

/* Needs no permission, and none can be taken away: as with AWS. */
static int anybody(struct op_ctx *cx, const void *in)
{
	(void)cx;
	(void)in;
	return 0;
}

static const struct op ops[] = {
	{ "GetCallerIdentity", get_caller_identity, NULL, 0, 0, "Tells whose key signed the request." },
};

static const struct aws_error invalid = { "ValidationError", 400, false };
static const struct aws_error *const errors[] = { NULL };

const struct service sts_service = {
	.name = "sts", .signing_name = "sts", .api_version = "2011-06-15", .protocol = OP_QUERY, .ops = ops,
	.n_ops = sizeof(ops) / sizeof(ops[0]), .errors = errors, .invalid = &invalid,
	.xml_namespace = "https://sts.amazonaws.com/doc/2011-06-15/", .authorize = anybody,
};
