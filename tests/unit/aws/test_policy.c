/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: a table of documents and requests with their verdicts, and what a document must not say. */
#include "unit.h"

#include "aws/policy.h"
#include "aws/policy_json.h"
#include "base/limits.h"

/* Cases are JSON with ' for " where that reads better. */
static struct view quoted(struct arena *a, const char *text)
{
	char *s = arena_str(a, view_str(text));

	for (char *p = s; *p; p++)
		if (*p == '\'')
			*p = '"';
	return view_str(s);
}

#define ME "'account':'111111111111','arn':'arn:aws:iam::111111111111:user/ann'"
#define ROOT "'account':'111111111111','arn':'arn:aws:iam::111111111111:root'"
#define ROLE "'account':'111111111111','arn':'arn:aws:sts::111111111111:assumed-role/fn/one'"
#define GET "'action':'s3:GetObject','resource':'arn:aws:s3:::b/a/k'"
#define STAR "'Principal':'*'"
#define OBJ "'Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*'"

static const struct {
	const char *statement, *request, *effect;
} cases[] = {
	/* actions */
	{ "'Effect':'Allow'," STAR "," OBJ, GET "," ME, "Allow" },
	{ "'Effect':'Deny'," STAR "," OBJ, GET "," ME, "Deny" },
	{ "'Effect':'Allow'," STAR ",'Action':'S3:getobject','Resource':'arn:aws:s3:::b/*'", GET "," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'s3:Get*','Resource':'arn:aws:s3:::b/*'", GET "," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'s3:?etObject','Resource':'arn:aws:s3:::b/*'", GET "," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'s3:GetObjectVersion','Resource':'arn:aws:s3:::b/*'", GET "," ME, "None" },
	{ "'Effect':'Allow'," STAR ",'Action':['s3:PutObject','*'],'Resource':'arn:aws:s3:::b/*'", GET "," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'NotAction':'s3:Put*','Resource':'arn:aws:s3:::b/*'", GET "," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'NotAction':'s3:Get*','Resource':'arn:aws:s3:::b/*'", GET "," ME, "None" },
	/* resources */
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::B/*'", GET "," ME, "None" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/a/?'", GET "," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b'", GET "," ME, "None" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:*:*:*:b/a/k'", GET "," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','NotResource':'arn:aws:s3:::b/z*'", GET "," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','NotResource':'arn:aws:s3:::b/a*'", GET "," ME, "None" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}/*'",
	  "'action':'x:y','resource':'arn:aws:s3:::b/ann/k','keys':{'aws:username':'ann'}," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}/*'",
	  "'action':'x:y','resource':'arn:aws:s3:::b/ann/k','keys':{'aws:username':'*'}," ME, "None" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}'",
	  "'action':'x:y','resource':'arn:aws:s3:::b/'," ME, "None" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${aws:username, \\u0027all\\u0027}'",
	  "'action':'x:y','resource':'arn:aws:s3:::b/all'," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${*}'",
	  "'action':'x:y','resource':'arn:aws:s3:::b/x'," ME, "None" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${*}'",
	  "'action':'x:y','resource':'arn:aws:s3:::b/*'," ME, "Allow" },
	{ "'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/a?b'",
	  "'action':'x:y','resource':'arn:aws:s3:::b/a\xc3\xa9"
	  "b'," ME, "Allow" },
	/* principals */
	{ "'Effect':'Allow','Principal':{'AWS':'*'}," OBJ, GET "," ME, "Allow" },
	{ "'Effect':'Allow','Principal':{'AWS':'111111111111'}," OBJ, GET "," ME, "Delegate" },
	{ "'Effect':'Allow','Principal':{'AWS':'111111111111'}," OBJ, GET "," ROOT, "Allow" },
	{ "'Effect':'Deny','Principal':{'AWS':'arn:aws:iam::111111111111:root'}," OBJ, GET "," ME, "Deny" },
	{ "'Effect':'Allow','Principal':{'AWS':['222222222222','arn:aws:iam::111111111111:user/ann']}," OBJ, GET "," ME,
	  "Allow" },
	{ "'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::111111111111:user/anna'}," OBJ, GET "," ME, "None" },
	{ "'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::111111111111:role/p/fn'}," OBJ, GET "," ROLE, "Allow" },
	{ "'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::222222222222:role/fn'}," OBJ, GET "," ROLE, "None" },
	{ "'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::111111111111:role/f'}," OBJ, GET "," ROLE, "None" },
	{ "'Effect':'Allow','Principal':{'AWS':'arn:aws:sts::111111111111:assumed-role/fn/one'}," OBJ, GET "," ROLE, "Allow" },
	{ "'Effect':'Allow','Principal':{'Service':'logs.amazonaws.com'}," OBJ, GET "," ME, "None" },
	{ "'Effect':'Deny','NotPrincipal':{'AWS':'arn:aws:iam::111111111111:user/ann'}," OBJ, GET "," ME, "None" },
	{ "'Effect':'Deny','NotPrincipal':{'AWS':'arn:aws:iam::111111111111:user/bob'}," OBJ, GET "," ME, "Deny" },
	{ "'Effect':'Deny','NotPrincipal':{'AWS':'111111111111'}," OBJ, GET "," ME, "Deny" },
	{ "'Effect':'Deny','NotPrincipal':{'AWS':'111111111111'}," OBJ, GET "," ROOT, "None" },
};

#define COND_CASE(cond, keys, effect) \
	{ "'Effect':'Allow'," STAR "," OBJ ",'Condition':{" cond "}", GET "," ME ",'keys':{" keys "}", effect }
static const struct {
	const char *statement, *request, *effect;
} conditions[] = {
	COND_CASE("'StringEquals':{'s3:prefix':['a','b']}", "'s3:prefix':'b'", "Allow"),
	COND_CASE("'StringEquals':{'S3:Prefix':'a'}", "'s3:prefix':'a'", "Allow"),
	COND_CASE("'StringEquals':{'s3:prefix':'a'}", "'s3:prefix':'A'", "None"),
	COND_CASE("'StringEquals':{'s3:prefix':'a*'}", "'s3:prefix':'ab'", "None"),
	COND_CASE("'StringEquals':{'s3:prefix':'a'}", "", "None"),
	COND_CASE("'StringEqualsIfExists':{'s3:prefix':'a'}", "", "Allow"),
	COND_CASE("'StringEqualsIfExists':{'s3:prefix':'a'}", "'s3:prefix':'b'", "None"),
	COND_CASE("'StringNotEquals':{'s3:prefix':'a'}", "", "Allow"),
	COND_CASE("'StringNotEquals':{'s3:prefix':['a','b']}", "'s3:prefix':'b'", "None"),
	COND_CASE("'StringNotEquals':{'s3:prefix':['a','b']}", "'s3:prefix':'c'", "Allow"),
	COND_CASE("'StringEqualsIgnoreCase':{'s3:prefix':'aB'}", "'s3:prefix':'Ab'", "Allow"),
	COND_CASE("'StringNotEqualsIgnoreCase':{'s3:prefix':'aB'}", "'s3:prefix':'Ab'", "None"),
	COND_CASE("'StringLike':{'s3:prefix':'a*c?'}", "'s3:prefix':'abbcd'", "Allow"),
	COND_CASE("'StringNotLike':{'s3:prefix':'a*'}", "'s3:prefix':'abbcd'", "None"),
	COND_CASE("'StringLike':{'s3:prefix':'${aws:username}/*'}", "'s3:prefix':'ann/x','aws:username':'ann'", "Allow"),
	COND_CASE("'StringLike':{'s3:prefix':'${aws:username}/*'}", "'s3:prefix':'/x'", "None"),
	COND_CASE("'NumericEquals':{'s3:max-keys':'10.0'}", "'s3:max-keys':'10'", "Allow"),
	COND_CASE("'NumericNotEquals':{'s3:max-keys':10}", "'s3:max-keys':'10'", "None"),
	COND_CASE("'NumericLessThan':{'s3:max-keys':10}", "'s3:max-keys':'10'", "None"),
	COND_CASE("'NumericLessThanEquals':{'s3:max-keys':10}", "'s3:max-keys':'10'", "Allow"),
	COND_CASE("'NumericGreaterThan':{'s3:max-keys':-1}", "'s3:max-keys':'0'", "Allow"),
	COND_CASE("'NumericGreaterThanEquals':{'s3:max-keys':1.5}", "'s3:max-keys':'1'", "None"),
	COND_CASE("'NumericLessThan':{'s3:max-keys':10}", "'s3:max-keys':'many'", "None"),
	COND_CASE("'DateLessThan':{'aws:CurrentTime':'2027-01-01T00:00:00Z'}", "'aws:CurrentTime':'2026-12-31T23:59:59Z'", "Allow"),
	COND_CASE("'DateGreaterThan':{'aws:CurrentTime':'2027-01-01'}", "'aws:CurrentTime':'2026-12-31T23:59:59Z'", "None"),
	COND_CASE("'DateGreaterThanEquals':{'aws:EpochTime':'10'}", "'aws:EpochTime':'10'", "Allow"),
	COND_CASE("'DateNotEquals':{'aws:EpochTime':'10'}", "'aws:EpochTime':'1970-01-01T00:00:10Z'", "None"),
	COND_CASE("'DateLessThanEquals':{'aws:CurrentTime':'2027-01-01T00:00:00+09:00'}",
		  "'aws:CurrentTime':'2026-12-31T15:00:00Z'", "Allow"),
	COND_CASE("'Bool':{'aws:SecureTransport':false}", "'aws:SecureTransport':'False'", "Allow"),
	COND_CASE("'Bool':{'aws:SecureTransport':'true'}", "'aws:SecureTransport':'false'", "None"),
	COND_CASE("'BoolIfExists':{'aws:MultiFactorAuthPresent':'true'}", "", "Allow"),
	COND_CASE("'IpAddress':{'aws:SourceIp':['10.0.0.0/8','192.168.1.7']}", "'aws:SourceIp':'192.168.1.7'", "Allow"),
	COND_CASE("'IpAddress':{'aws:SourceIp':'10.1.2.3/8'}", "'aws:SourceIp':'10.200.0.1'", "Allow"),
	COND_CASE("'IpAddress':{'aws:SourceIp':'10.0.0.0/8'}", "'aws:SourceIp':'::ffff:10.0.0.1'", "Allow"),
	COND_CASE("'IpAddress':{'aws:SourceIp':'::/0'}", "'aws:SourceIp':'10.0.0.1'", "None"),
	COND_CASE("'IpAddress':{'aws:SourceIp':'2001:db8::/32'}", "'aws:SourceIp':'2001:db8:1::9'", "Allow"),
	COND_CASE("'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}", "'aws:SourceIp':'10.0.0.1'", "None"),
	COND_CASE("'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}", "'aws:SourceIp':'11.0.0.1'", "Allow"),
	COND_CASE("'ArnLike':{'aws:PrincipalArn':'arn:aws:iam::*:user/a*'}",
		  "'aws:PrincipalArn':'arn:aws:iam::1:user/ann'", "Allow"),
	COND_CASE("'ArnEquals':{'aws:PrincipalArn':'arn:aws:*:user/ann:x:y'}", "'aws:PrincipalArn':'arn:aws:iam::1:user/ann'", "None"),
	COND_CASE("'ArnNotLike':{'aws:PrincipalArn':'arn:aws:iam::*:user/a*'}",
		  "'aws:PrincipalArn':'arn:aws:iam::1:user/ann'", "None"),
	COND_CASE("'Null':{'aws:Referer':'true'}", "", "Allow"),
	COND_CASE("'Null':{'aws:Referer':'true'}", "'aws:Referer':'x'", "None"),
	COND_CASE("'Null':{'aws:Referer':false}", "'aws:Referer':'x'", "Allow"),
	/* quantifiers: negation before them, no value at all */
	COND_CASE("'ForAllValues:StringEquals':{'s3:RequestObjectTagKeys':['a','b']}", "'s3:RequestObjectTagKeys':['a','b']", "Allow"),
	COND_CASE("'ForAllValues:StringEquals':{'s3:RequestObjectTagKeys':['a','b']}", "'s3:RequestObjectTagKeys':['a','c']", "None"),
	COND_CASE("'ForAllValues:StringEquals':{'s3:RequestObjectTagKeys':'a'}", "", "Allow"),
	COND_CASE("'ForAllValues:StringNotEquals':{'s3:RequestObjectTagKeys':'a'}", "'s3:RequestObjectTagKeys':['b','a']", "None"),
	COND_CASE("'ForAnyValue:StringEquals':{'s3:RequestObjectTagKeys':'a'}", "'s3:RequestObjectTagKeys':['b','a']", "Allow"),
	COND_CASE("'ForAnyValue:StringNotEquals':{'s3:RequestObjectTagKeys':'a'}", "'s3:RequestObjectTagKeys':['b','a']", "Allow"),
	COND_CASE("'ForAnyValue:StringNotEquals':{'s3:RequestObjectTagKeys':'a'}", "'s3:RequestObjectTagKeys':['a']", "None"),
	COND_CASE("'ForAnyValue:StringEquals':{'s3:RequestObjectTagKeys':'a'}", "", "None"),
	COND_CASE("'ForAnyValue:StringNotEquals':{'s3:RequestObjectTagKeys':'a'}", "", "None"),
	COND_CASE("'ForAnyValue:StringEqualsIfExists':{'s3:RequestObjectTagKeys':'a'}", "", "Allow"),
	/* all operators and all keys have to fit */
	COND_CASE("'StringEquals':{'s3:prefix':'a','s3:delimiter':'/'}", "'s3:prefix':'a'", "None"),
	COND_CASE("'StringEquals':{'s3:prefix':'a'},'Bool':{'aws:SecureTransport':'false'}",
		  "'s3:prefix':'a','aws:SecureTransport':'false'", "Allow"),
};

static void check(const char *statement, const char *request, const char *effect)
{
	struct err e = { 0 };
	struct arena a;
	const struct json *in, *out = NULL;
	char *text;

	arena_init(&a, LIMIT_ARENA);
	text = arena_printf(&a, "{'policy':{'Version':'2012-10-17','Statement':[{%s}]},'request':{%s}}", statement, request);
	in = json_parse(&a, quoted(&a, text), JSON_DEPTH, &e);
	if (!in || policy_json(&a, in, &out, &e) < 0 || !view_eq_str(json_get_str(out, "effect"), effect))
		fail_msg("%s\n  %s %s", text, effect, out ? json_text(&a, out) : e.msg);
	arena_clear(&a);
}

TEST(policy_statements)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(cases[i].statement, cases[i].request, cases[i].effect);
}

TEST(policy_conditions)
{
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
		check(conditions[i].statement, conditions[i].request, conditions[i].effect);
}

static const struct {
	const char *policy, *message;
} wrong[] = {
	{ "", "Policies must be valid JSON and the first byte must be '{'" },
	{ "[]", "Policies must be valid JSON and the first byte must be '{'" },
	{ " {}", "Policies must be valid JSON and the first byte must be '{'" },
	{ "{'Statement':", "This policy contains invalid Json" },
	{ "{}", "Missing required field Statement" },
	{ "{'Statement':[]}", "Could not parse the policy: Statement is empty!" },
	{ "{'Statement':[],'X':1}", "Unknown field X" },
	{ "{'Version':'2012-10-18','Statement':[]}", "The policy must contain a valid version string" },
	{ "{'Version':1,'Statement':[]}", "The policy must contain a valid version string" },
	{ "{'Statement':'x'}", "Invalid policy syntax." },
	{ "{'Statement':{" STAR "," OBJ "}}", "Missing required field Effect" },
	{ "{'Statement':{'Effect':'allow'," STAR "," OBJ "}}", "Invalid effect: allow" },
	{ "{'Statement':{'Effect':'Allow'," OBJ "}}", "Missing required field Principal" },
	{ "{'Statement':{'Effect':'Allow'," STAR ",'Resource':'*'}}", "Missing required field Action" },
	{ "{'Statement':{'Effect':'Allow'," STAR ",'Action':'*'}}", "Missing required field Resource" },
	{ "{'Statement':{'Effect':'Allow'," STAR ",'Action':'*','NotAction':'*','Resource':'*'}}", "Invalid policy syntax." },
	{ "{'Statement':{'Effect':'Allow'," STAR ",'Action':'Get','Resource':'*'}}", "Policy has invalid action" },
	{ "{'Statement':{'Effect':'Allow'," STAR ",'Action':[],'Resource':'*'}}", "Policy has invalid action" },
	{ "{'Statement':{'Effect':'Allow'," STAR ",'Action':'s3:*','Resource':'b/*'}}", "Policy has invalid resource" },
	{ "{'Statement':{'Effect':'Allow'," STAR ",'Action':'s3:*','Resource':'arn:aws:s3'}}", "Policy has invalid resource" },
	{ "{'Statement':{'Effect':'Allow'," STAR ",'Extra':1," OBJ "}}", "Unknown field Extra" },
	{ "{'Statement':{'Effect':'Allow','Principal':'ann'," OBJ "}}", "Invalid principal in policy" },
	{ "{'Statement':{'Effect':'Allow','Principal':{'AWS':'ann'}," OBJ "}}", "Invalid principal in policy" },
	{ "{'Statement':{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::111111111111:user/*'}," OBJ "}}",
	  "Invalid principal in policy" },
	{ "{'Statement':{'Effect':'Allow','Principal':{'AWS':[]}," OBJ "}}", "Invalid principal in policy" },
	{ "{'Statement':{'Effect':'Allow','Principal':{'Aws':'*'}," OBJ "}}", "Invalid principal in policy" },
	{ "{'Statement':{'Effect':'Allow','NotPrincipal':{'AWS':'*'}," OBJ "}}", "Allow with NotPrincipal is not allowed." },
	{ "{'Statement':{'Effect':'Deny','Principal':{'Service':'s3.amazonaws.com'}," OBJ "}}",
	  "a Deny for the Principal Service s3.amazonaws.com is not supported" },
	{ "{'Statement':{'Effect':'Allow'," STAR "," OBJ ",'Condition':{'StringIs':{'a:b':'c'}}}}",
	  "Invalid Condition type : StringIs" },
	{ "{'Statement':{'Effect':'Allow'," STAR "," OBJ ",'Condition':{'NullIfExists':{'a:b':'true'}}}}",
	  "Invalid Condition type : NullIfExists" },
	{ "{'Statement':{'Effect':'Allow'," STAR "," OBJ ",'Condition':{'Bool':{'ab':'true'}}}}",
	  "Policy has an invalid condition key" },
	{ "{'Statement':{'Effect':'Allow'," STAR "," OBJ ",'Condition':{'Bool':{'a:b':'yes'}}}}", "Invalid value in Conditions: yes" },
	{ "{'Statement':{'Effect':'Allow'," STAR "," OBJ ",'Condition':{'IpAddress':{'aws:SourceIp':'10.0.0.0/33'}}}}",
	  "Invalid IP address in Conditions" },
	{ "{'Statement':{'Effect':'Allow'," STAR "," OBJ ",'Condition':{'NumericEquals':{'a:b':'1e3'}}}}",
	  "Invalid value in Conditions: 1e3" },
	{ "{'Version':'2012-10-17','Statement':{'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${aws:Referer}'}}",
	  "Policy has an invalid variable: ${aws:Referer}" },
	{ "{'Version':'2012-10-17','Statement':{'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${aws:username'}}",
	  "Invalid policy syntax." },
};

TEST(policy_that_is_not_understood_does_not_compile)
{
	const struct policy_rules rules = { .kind = POLICY_RESOURCE };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err e = { 0 };
		struct arena a;

		arena_init(&a, MIB);
		assert_null(policy_parse(quoted(&a, wrong[i].policy), &rules, &e));
		assert_string_equal(e.msg, wrong[i].message);
		arena_clear(&a);
	}
}

TEST(policy_of_an_identity_has_no_principal)
{
	const struct policy_rules rules = { .kind = POLICY_IDENTITY };
	struct err e = { 0 };

	assert_null(policy_parse(VIEW("{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}}"),
				 &rules, &e));
	assert_string_equal(e.msg, "Policy document should not specify a principal.");
}

/* The first version has no variables: what looks like one is text. */
TEST(policy_of_2008_has_no_variables)
{
	const char *const in = "{'policy':{'Statement':{'Effect':'Allow'," STAR ",'Action':'*','Resource':'arn:aws:s3:::b/${aws:username}'}},"
			       "'request':{'action':'s3:x','resource':'arn:aws:s3:::b/${aws:username}'}}";
	const struct json *out = NULL;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, MIB);
	assert_int_equal(policy_json(&a, json_parse(&a, quoted(&a, in), JSON_DEPTH, &e), &out, &e), 0);
	assert_true(view_eq_str(json_get_str(out, "effect"), "Allow"));
	arena_clear(&a);
}

static const struct {
	const char *statement;
	bool is_public;
} publics[] = {
	{ "'Effect':'Allow'," STAR "," OBJ, true },
	{ "'Effect':'Deny'," STAR "," OBJ, false },
	{ "'Effect':'Allow','Principal':{'AWS':'111111111111'}," OBJ, false },
	{ "'Effect':'Allow'," STAR "," OBJ ",'Condition':{'IpAddress':{'aws:SourceIp':'10.0.0.0/8'}}", false },
	{ "'Effect':'Allow'," STAR "," OBJ ",'Condition':{'IpAddress':{'aws:SourceIp':'0.0.0.0/1'}}", true },
	{ "'Effect':'Allow'," STAR "," OBJ ",'Condition':{'IpAddress':{'aws:SourceIp':'2001:db8::/32'}}", false },
	{ "'Effect':'Allow'," STAR "," OBJ ",'Condition':{'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}}", true },
	{ "'Effect':'Allow'," STAR "," OBJ ",'Condition':{'StringEquals':{'aws:PrincipalAccount':'111111111111'}}", false },
	{ "'Effect':'Allow'," STAR "," OBJ ",'Condition':{'StringLike':{'aws:SourceVpc':'vpc-*'}}", true },
	{ "'Effect':'Allow'," STAR "," OBJ ",'Condition':{'StringLike':{'aws:Referer':'x'}}", true },
};

TEST(policy_that_is_public)
{
	for (size_t i = 0; i < ARRAY_LEN(publics); i++) {
		const struct policy_rules rules = { .kind = POLICY_RESOURCE };
		struct err e = { 0 };
		struct policy *p;
		struct arena a;

		arena_init(&a, MIB);
		p = policy_parse(quoted(&a, arena_printf(&a, "{'Statement':{%s}}", publics[i].statement)), &rules, &e);
		assert_non_null(p);
		assert_int_equal(policy_is_public(p), publics[i].is_public);
		policy_free(p);
		arena_clear(&a);
	}
}

TEST(policy_patterns_as_written)
{
	assert_true(policy_glob(VIEW("s3:Get*"), VIEW("s3:getobject"), true));
	assert_false(policy_glob(VIEW("s3:Get*"), VIEW("s3:getobject"), false));
	assert_true(policy_glob(VIEW("a-${aws:username}-b"), VIEW("a-ann-b"), false));
	assert_true(policy_glob(VIEW("*a*b*c*"), VIEW("xxaxxbxxcxx"), false));
	assert_false(policy_glob(VIEW("*a*b*c"), VIEW("xxaxxbxxcxx"), false));
	assert_false(policy_glob(VIEW("?"), VIEW(""), false));
}
