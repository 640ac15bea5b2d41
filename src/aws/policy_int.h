/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_int -- the compiled form of a policy.  Private to aws/policy*.c.
 *
 * A compiled pattern is the text with its wildcards and variables as bytes that UTF-8 never has, so that a `*` which is
 * meant literally, or comes out of a variable, cannot become a wildcard.
 */
#pragma once

#include <stdint.h>

#include "aws/policy.h"

#define PAT_STAR ((char)0xff)
#define PAT_ANY ((char)0xfe)
#define PAT_VAR ((char)0xfd)     /* a variable's name follows, */
#define PAT_DEFAULT ((char)0xfc) /* perhaps what it is without a value, */
#define PAT_END ((char)0xfb)     /* and its end */

enum cond_op {
	COND_STRING,
	COND_STRING_NOCASE,
	COND_LIKE,
	COND_NUM_EQ,
	COND_NUM_LT,
	COND_NUM_LE,
	COND_NUM_GT,
	COND_NUM_GE,
	COND_DATE_EQ,
	COND_DATE_LT,
	COND_DATE_LE,
	COND_DATE_GT,
	COND_DATE_GE,
	COND_BOOL,
	COND_IP,
	COND_ARN,
	COND_NULL,
};
enum cond_quantifier { COND_ONE, COND_ALL, COND_SOME };

struct cond_ip {
	uint8_t b[16];
	unsigned bits, size; /* of the prefix; of the address: 32 or 128 */
};
struct cond_value {
	struct view text; /* compiled */
	double num;
	int64_t ms;
	bool yes;
	struct cond_ip ip;
};
struct cond {
	struct view key;
	enum cond_op op;
	enum cond_quantifier quantifier;
	bool negate, if_exists;
	struct cond_value *v;
	size_t n;
};

enum principal_kind { PRINCIPAL_ANY, PRINCIPAL_ACCOUNT, PRINCIPAL_ARN, PRINCIPAL_CANONICAL, PRINCIPAL_NOBODY };
struct principal {
	enum principal_kind kind;
	struct view text;
};

struct patterns {
	struct view *v;
	size_t n;
	bool negated;
};
struct statement {
	bool allow, not_principal;
	struct principal *principals; /* NULL: of an identity */
	size_t n_principals;
	struct patterns actions, resources;
	struct cond *conds;
	size_t n_conds;
};
struct policy {
	struct arena arena;
	bool variables; /* the version has them */
	struct statement *v;
	size_t n;
};

/* --- policy_cond.c --- */
/* "ForAnyValue:StringNotLikeIfExists"; false: unknown. */
bool policy__cond_op(struct view name, struct cond *ret);
bool policy__cond_is_pattern(enum cond_op op); /* its values are text, with variables */
/* Reads the value of an operator that takes no text; false: it is none. */
bool policy__cond_value(enum cond_op op, struct view text, struct cond_value *ret);
bool policy__cond_fits(const struct cond *c, const struct policy_request *q);
bool policy__ip(struct view text, struct cond_ip *ret); /* an address, or with "/bits" */

/* --- policy.c --- */
bool policy__match(struct view pattern, struct view text); /* both compiled; no variables */
bool policy__match_arn(struct view pattern, struct view text);
/* Variables put in; false: one has no value. */
bool policy__expand(struct view pattern, const struct policy_request *q, struct view *ret);
