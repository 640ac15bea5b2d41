/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy -- IAM policy documents: compiled once, evaluated for a request.  Pure: no clock, no state.
 *
 * Default is to deny and an explicit Deny wins; how the policies of an identity and of a resource are put together is
 * access.h.  What a document says and this does not know (an element, an operator, a version) is an error when it is
 * compiled: a policy that compiles is honoured in whole.
 *
 * Semantics (AWS: "IAM JSON policy elements reference", "Policy evaluation logic"):
 *   Action, NotAction      `*` and `?`, any case.
 *   Resource, NotResource  `*` and `?`, case counts; the six parts of an ARN one by one, so that a wildcard does not reach
 *                          over a colon of the first five.  "*" alone is everything.
 *   Principal              "*", an account, its root, ARNs of users and roles, canonical ids; no wildcards in them.
 *                          NotPrincipal with Deny only: those who are listed by their own ARN are not denied (an account
 *                          there means its root user alone).
 *   Condition              String*, Numeric*, Date*, Bool, *IpAddress, Arn*, Null; IfExists; ForAllValues, ForAnyValue.
 *                          Negation applies to each value, before the quantifier; ForAllValues of no value is true.
 *                          A key that is absent makes a negated operator true and any other false.  Without a quantifier a
 *                          key with several values fits if one of them does, and a negated operator if none does.
 *                          IgnoreCase is of ASCII.
 *   ${variables}           in Resource and in String* and Arn* values, for version 2012-10-17, from keys that the server
 *                          knows by itself (never from what a client sends).  `*` and `?` in their values are no wildcards.
 *                          One without a value and without a default fits nothing.
 * Threads:  a compiled policy does not change; any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

struct policy;

enum policy_kind {
	POLICY_IDENTITY, /* of a user: no Principal */
	POLICY_RESOURCE, /* of a bucket: Principal or NotPrincipal in every statement */
};

struct policy_texts {
	const struct view *v;
	size_t n;
	bool negated; /* NotAction, NotResource */
};
struct policy_statement_texts { /* as they were written; for rules of a service */
	bool allow;
	struct policy_texts actions, resources;
	struct policy_texts keys; /* of the conditions */
};

struct policy_rules {
	enum policy_kind kind;
	/* Further rules for each statement, or NULL.  0, or sets @e. */
	int (*statement)(void *self, const struct policy_statement_texts *s, struct err *e);
	void *self;
};

/*
 * Compiles a document; nothing of it is kept.  NULL and ERR_INVALID with the text that S3 gives with MalformedPolicy
 * ("Missing required field Effect", "Invalid principal in policy"), or ERR_UNSUPPORTED for what AWS would honour and this
 * does not.
 */
struct policy *policy_compile(const struct json *doc, const struct policy_rules *r, struct err *e) MUST_CHECK;
struct policy *policy_parse(struct view text, const struct policy_rules *r, struct err *e) MUST_CHECK;
struct policy *policy_free(struct policy *p);

struct policy_set { /* of an identity: they count together */
	struct policy **v;
	size_t n;
};

struct policy_values {
	const struct view *v;
	size_t n;
};

struct policy_request {
	struct view action;   /* "s3:GetObject" */
	struct view resource; /* ARN, or "*" */
	struct view account, arn, canonical_id; /* of who asks */
	/* The values of a condition key; false: it is absent.  Names come as the policy has them: any case. */
	bool (*key)(void *self, struct view name, struct policy_values *ret);
	void *self;
	struct arena *arena; /* for what is expanded on the way */
};

enum policy_effect {
	POLICY_NONE,     /* says nothing */
	POLICY_DELEGATE, /* allows the account of who asks: its own policies decide */
	POLICY_ALLOW,
	POLICY_DENY,
};
enum policy_effect policy_eval(const struct policy *p, const struct policy_request *q);

/* As S3 means it in "Block public access": an Allow for everybody that no condition narrows to fixed values. */
bool policy_is_public(const struct policy *p);

/* Whether a written pattern with `*` and `?` fits @text; variables stand for anything. */
bool policy_glob(struct view pattern, struct view text, bool any_case);
