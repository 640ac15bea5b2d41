/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: policies of the identity and of the resource, put together as AWS does.
 *
 * An explicit Deny wins.  In the account of the resource an Allow of either policy is enough; from another account both have
 * to allow.  Identities without policies (the root of an account, functions) are allowed everything by theirs.
 */
#include <stdio.h>

#include "aws/exchange.h"
#include "aws/policy.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/crypto.h"

struct ask {
	const struct op_caller *caller;
	const struct exchange *x; /* NULL: what is no operation */
	const struct op_access *w;
	struct arena *a;
};

/* --- condition keys --- */

static bool is_root(const struct op_caller *c)
{
	return view_ends(view_str(c->arn), VIEW(":root"));
}

static const char *principal_type(const struct ask *k)
{
	if (is_root(k->caller))
		return "Account";
	return view_find(view_str(k->caller->arn), VIEW(":assumed-role/")) >= 0 ? "AssumedRole" : "User";
}

static const char *key_username(const struct ask *k)
{
	struct view arn = view_str(k->caller->arn), rest = arn, name = VIEW_NONE;

	if (view_find(arn, VIEW(":user/")) < 0)
		return NULL;
	while (view_split(&rest, '/', &name))
		;
	return arena_str(k->a, name);
}

static const char *key_userid(const struct ask *k)
{
	return is_root(k->caller) ? k->caller->account : k->caller->access_key;
}

static int64_t now_ms(const struct ask *k)
{
	return k->x ? k->x->aws->o.now_ms() : clock_ms();
}

static const char *key_time(const struct ask *k)
{
	char t[TIME_TEXT];

	return arena_str(k->a, view_str(time_iso_s(now_ms(k), t)));
}

static const char *key_epoch(const struct ask *k)
{
	return arena_printf(k->a, "%lld", (long long)(now_ms(k) / 1000));
}

static const char *key_arn(const struct ask *k)
{
	return k->caller->arn;
}

static const char *key_account(const struct ask *k)
{
	return k->caller->account;
}

static const char *key_owner(const struct ask *k)
{
	return k->w->owner;
}

static const char *key_ip(const struct ask *k)
{
	return k->caller->source_ip;
}

static const char *key_region(const struct ask *k)
{
	return k->x ? k->x->aws->o.region : NULL;
}

/* This program has no TLS of its own, and does not believe what a proxy's headers say of it. */
static const char *key_no(const struct ask *k)
{
	(void)k;
	return "false";
}

static const char *header_text(const struct ask *k, const char *name)
{
	struct view v = k->x ? http_header(k->x->r, name) : VIEW_NONE;

	return v.p ? arena_str(k->a, v) : NULL;
}

static const char *key_referer(const struct ask *k)
{
	return header_text(k, "referer");
}

static const char *key_agent(const struct ask *k)
{
	return header_text(k, "user-agent");
}

/* Of the signature; S3's own names. */
static const char *key_auth_type(const struct ask *k)
{
	if (!k->x)
		return NULL;
	return k->x->form ? "POST" : k->x->g.presigned ? "REST-QUERY-STRING" : "REST-HEADER";
}

static const char *key_signature(const struct ask *k)
{
	(void)k;
	return SIGV4_ALGORITHM;
}

static const char *key_signature_age(const struct ask *k)
{
	int64_t at;

	if (!k->x || !time_parse_basic(view_str(k->x->g.amz_date), &at))
		return NULL;
	return arena_printf(k->a, "%lld", (long long)(now_ms(k) - at));
}

static const char *key_content_sha256(const struct ask *k)
{
	return header_text(k, "x-amz-content-sha256"); /* the gate takes it from nowhere else, unless presigned */
}

static const char *key_never(const struct ask *k)
{
	(void)k;
	return NULL;
}

static const struct key {
	const char *name; /* ends with '/': and anything behind it */
	const char *(*fn)(const struct ask *k);
} keys[] = {
	{ "aws:CurrentTime", key_time },
	{ "aws:EpochTime", key_epoch },
	{ "aws:PrincipalAccount", key_account },
	{ "aws:PrincipalArn", key_arn },
	{ "aws:PrincipalIsAWSService", key_no },
	{ "aws:PrincipalType", principal_type },
	{ "aws:Referer", key_referer },
	{ "aws:RequestedRegion", key_region },
	{ "aws:ResourceAccount", key_owner },
	{ "aws:SecureTransport", key_no },
	{ "aws:SourceIp", key_ip },
	{ "aws:UserAgent", key_agent },
	{ "aws:ViaAWSService", key_no },
	{ "aws:userid", key_userid },
	{ "aws:username", key_username },
	{ "s3:authType", key_auth_type },
	{ "s3:ResourceAccount", key_owner },
	{ "s3:signatureAge", key_signature_age },
	{ "s3:signatureversion", key_signature },
	{ "s3:TlsVersion", key_never },
	{ "s3:x-amz-content-sha256", key_content_sha256 },
	/* Nobody here has tags, sessions with MFA, an organisation or a VPC; services do not sign. */
	{ "aws:CalledVia", key_never },
	{ "aws:FederatedProvider", key_never },
	{ "aws:MultiFactorAuthAge", key_never },
	{ "aws:MultiFactorAuthPresent", key_never },
	{ "aws:PrincipalOrgID", key_never },
	{ "aws:PrincipalOrgPaths", key_never },
	{ "aws:PrincipalServiceName", key_never },
	{ "aws:PrincipalServiceNamesList", key_never },
	{ "aws:PrincipalTag/", key_never },
	{ "aws:ResourceOrgID", key_never },
	{ "aws:ResourceOrgPaths", key_never },
	{ "aws:SourceAccount", key_never },
	{ "aws:SourceArn", key_never },
	{ "aws:SourceOrgID", key_never },
	{ "aws:SourceVpc", key_never },
	{ "aws:SourceVpce", key_never },
	{ "aws:TokenIssueTime", key_never },
	{ "aws:VpcSourceIp", key_never },
};

static const struct key *find_key(struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct view k = view_str(keys[i].name);
		bool open = view_ends(k, VIEW("/")) && name.n > k.n;

		if (view_eq_nocase(open ? view_sub(name, 0, k.n) : name, k))
			return &keys[i];
	}
	return NULL;
}

bool aws_key_known(struct view name)
{
	return find_key(name) != NULL;
}

static bool lookup(void *self, struct view name, struct policy_values *ret)
{
	const struct ask *k = self;
	const struct key *key = find_key(name);
	const char *text = key ? key->fn(k) : NULL;
	struct view *v;

	if (!key)
		return k->w->key && k->w->key(k->w->self, name, ret);
	if (!text)
		return false;
	v = ARENA_NEW(k->a, struct view);
	*v = view_str(text);
	*ret = (struct policy_values){ v, 1 };
	return true;
}

/* --- the verdict --- */

enum why { WHY_ALLOWED, WHY_NOT_ALLOWED, WHY_OTHER_ACCOUNT, WHY_DENIED_IDENTITY, WHY_DENIED_RESOURCE };

static enum policy_effect by_identity(const struct policy_set *may, const struct policy_request *q)
{
	enum policy_effect best = POLICY_NONE;

	if (!may)
		return POLICY_ALLOW;
	for (size_t i = 0; i < may->n && best != POLICY_DENY; i++) {
		enum policy_effect one = policy_eval(may->v[i], q);

		best = one > best ? one : best;
	}
	return best;
}

static enum policy_effect by_resource(const struct op_access *w, const struct policy_request *q, bool own)
{
	enum policy_effect effect = w->policy ? policy_eval(w->policy, q) : POLICY_NONE;

	if (w->broken)
		return POLICY_DENY;
	if (effect != POLICY_DENY && w->policy && w->restricted && !own && policy_is_public(w->policy))
		return POLICY_NONE;
	return effect;
}

/* Without policies there is nothing to ask; and the root of the owner has to be able to mend one. */
static bool needs_no_policy(const struct op_caller *c, const struct op_access *w)
{
	return !c->may && ((!w->policy && !w->broken) || (w->always && is_root(c)));
}

static enum why judge(struct ask *k)
{
	const struct op_access *w = k->w;
	bool own = strcmp(k->caller->account, w->owner) == 0;
	enum policy_effect identity, resource;
	char canonical[65];
	struct policy_request q = { .action = view_str(w->action), .resource = view_str(w->resource),
				    .account = view_str(k->caller->account), .arn = view_str(k->caller->arn),
				    .key = lookup, .self = k, .arena = k->a };

	if (own && needs_no_policy(k->caller, w))
		return WHY_ALLOWED;
	sha256_hex(q.account, canonical);
	q.canonical_id = view_of(canonical, 64);
	identity = by_identity(k->caller->may, &q);
	resource = by_resource(w, &q, own);
	if (identity == POLICY_DENY)
		return WHY_DENIED_IDENTITY;
	if (resource == POLICY_DENY)
		return WHY_DENIED_RESOURCE;
	if (own)
		return identity == POLICY_ALLOW || resource == POLICY_ALLOW ? WHY_ALLOWED : WHY_NOT_ALLOWED;
	return identity == POLICY_ALLOW && resource != POLICY_NONE ? WHY_ALLOWED : WHY_OTHER_ACCOUNT;
}

/* AWS tells the reason within one account only. */
static int deny(struct op_ctx *cx, const struct service *s, const struct op_access *w, enum why why)
{
	const char *quote = s->protocol == OP_REST_XML ? "\"" : "", *reason;

	if (strcmp(cx->caller.account, w->owner) != 0)
		return aws_fail(&cx->err, &AWS_ACCESS_DENIED, "Access Denied");
	switch (why) {
	case WHY_DENIED_IDENTITY:
		reason = "with an explicit deny in an identity-based policy";
		break;
	case WHY_DENIED_RESOURCE:
		reason = "with an explicit deny in a resource-based policy";
		break;
	default:
		reason = arena_printf(cx->arena, "because no identity-based policy allows the %s action", w->action);
	}
	return aws_fail(&cx->err, &AWS_ACCESS_DENIED, "User: %s is not authorized to perform: %s on resource: %s%s%s %s",
			cx->caller.arn, w->action, quote, w->resource, quote, reason);
}

int op_authorize(struct op_ctx *cx, const struct op_access *what)
{
	const struct exchange *x = cx->transport;
	struct op_access w = *what;
	struct ask k = { .caller = &cx->caller, .x = x, .w = &w, .a = cx->arena };
	enum why why;

	if (!x)
		return 0;
	if (!w.owner)
		w.owner = x->aws->o.account;
	why = judge(&k);
	return why == WHY_ALLOWED ? 0 : deny(cx, x->s, &w, why);
}

bool aws_may(const struct op_caller *c, const char *account, const char *action, struct arena *a)
{
	const struct op_access w = { .action = action, .resource = "*", .owner = account };
	struct ask k = { .caller = c, .w = &w, .a = a };

	return judge(&k) == WHY_ALLOWED;
}

/* --- operations without a rule of their own --- */

/* Where IAM's action is not called as the operation. */
static const struct {
	const char *service, *op, *action;
} renamed[] = {
	{ "lambda", "Invoke", "InvokeFunction" },
	{ "lambda", "InvokeAsync", "InvokeFunction" },
	{ "lambda", "InvokeWithResponseStream", "InvokeFunction" },
	{ "sqs", "ChangeMessageVisibilityBatch", "ChangeMessageVisibility" },
	{ "sqs", "DeleteMessageBatch", "DeleteMessage" },
	{ "sqs", "SendMessageBatch", "SendMessage" },
};

int aws__authorize(struct op_ctx *cx, const struct service *s, const void *in)
{
	const char *action = cx->op->name;
	struct op_access w = { .resource = "*" };

	if (s->authorize)
		return s->authorize(cx, in);
	for (size_t i = 0; i < ARRAY_LEN(renamed); i++)
		if (strcmp(renamed[i].service, s->signing_name) == 0 && strcmp(renamed[i].op, action) == 0)
			action = renamed[i].action;
	w.action = arena_printf(cx->arena, "%s:%s", s->signing_name, action);
	return op_authorize(cx, &w);
}
