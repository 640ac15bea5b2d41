/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: functions, parameters, order, and what is refused by which words. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/deploy_int.h"
#include "os/file.h"

struct fixture {
	struct arena a;
	struct deploy d;
	struct err e;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	arena_init(&f->a, 64 * MIB);
	f->d = (struct deploy){ .a = &f->a, .dir = ".", .stack = "st", .bucket = "artifacts" };
}

static int check_with(struct fixture *f, const char *text, const struct deploy_param *p, size_t n)
{
	struct deploy *d = &f->d;

	if (template_parse(&f->a, view_str(text), &d->t, &f->e) < 0 ||
	    resource_expand(&d->t, &f->e) < 0)
		return f->e.code;
	d->t.value = resource_value;
	template_define(&d->t, "AWS::Region", "r1");
	template_define(&d->t, "AWS::AccountId", "000000000001");
	template_define(&d->t, "AWS::StackName", "st");
	template_define(&d->t, "AWS::Partition", "aws");
	if (template_parameters(&d->t, p, n, &f->e) < 0 || template_order(&d->t, &f->e) < 0)
		return f->e.code;
	for (size_t i = 0; i < d->t.n; i++)
		if (resource_check(d, d->t.order[i], &f->e) < 0)
			return f->e.code;
	for (size_t i = 0; i < d->t.n; i++)
		if (resource_prepare(d, d->t.order[i], &f->e) < 0)
			return f->e.code;
	return 0;
}

static int check(struct fixture *f, const char *text)
{
	return check_with(f, text, NULL, 0);
}

#define BUCKET \
	"Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: bee\n"

/* --- functions --- */

/* An output's value, evaluated beside a bucket B ("bee"), a rule R without name, and parameters P and N. */
static const struct {
	const char *value, *want;
} values[] = {
	{ "plain", "plain" },
	{ "5", "5" },
	{ "true", "true" },
	{ "!Ref P", "pe" },
	{ "!Ref N", "1.50" },
	{ "!Ref B", "bee" },
	{ "!Ref R", "st-R" },
	{ "!Ref AWS::Region", "r1" },
	{ "!Ref AWS::AccountId", "000000000001" },
	{ "!Ref AWS::StackName", "st" },
	{ "!Ref AWS::Partition", "aws" },
	{ "!GetAtt B.Arn", "arn:aws:s3:::bee" },
	{ "!GetAtt R.Arn", "arn:aws:events:r1:000000000001:rule/st-R" },
	{ "{'Fn::GetAtt': [B, Arn]}", "arn:aws:s3:::bee" },
	{ "{'Fn::GetAtt': B.Arn}", "arn:aws:s3:::bee" },
	{ "!Sub 'a-${P}-${B}-${B.Arn}-${AWS::Region}'", "a-pe-bee-arn:aws:s3:::bee-r1" },
	{ "!Sub '${!P} $ {P} ${P}'", "${P} $ {P} pe" },
	{ "!Sub ''", "" },
	{ "!Sub ['${X}/${P}', {X: !Ref B}]", "bee/pe" },
	{ "!Sub ['${P}', {P: own}]", "own" },
	{ "!Join ['', []]", "" },
	{ "!Join [', ', [a, !Ref P, 7]]", "a, pe, 7" },
};

TEST(deploy_functions_give_their_values)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct json *out;
		struct fixture f;
		char *text;

		begin(&f);
		text = arena_printf(&f.a,
				    "Parameters:\n  P: {Type: String, Default: pe}\n  N: {Type: "
				    "Number, Default: 1.50}\n" BUCKET
				    "  R: {Type: 'AWS::Events::Rule', Properties: {EventPattern: "
				    "{source: [x]}}}\n"
				    "Outputs:\n  O:\n    Value: %s\n",
				    values[i].value);
		if (check(&f, text) < 0)
			fail_msg("%s: %s", values[i].value, f.e.msg);
		out = template_outputs(&f.d.t, &f.e);
		assert_non_null(out);
		assert_string_equal(arena_str(&f.a, json_get_str(out, "O")), values[i].want);
		arena_clear(&f.a);
	}
}

TEST(deploy_functions_work_anywhere_in_properties)
{
	struct fixture f;
	const struct json *v;

	begin(&f);
	assert_int_equal(
		check(&f, BUCKET
		      "  R:\n    Type: AWS::Events::Rule\n    Properties:\n      EventPattern:\n"
		      "        detail: {bucket: {name: [!Ref B, {prefix: !Sub '${B}-'}]}, n: "
		      "[{numeric: ['>', 5]}]}\n"),
		0);
	v = json_get(template_find(&f.d.t, VIEW("R"))->given, "EventPattern");
	assert_string_equal(json_text(&f.a, v),
			    "{\"detail\":{\"bucket\":{\"name\":[\"bee\",{\"prefix\":\"bee-\"}]},"
			    "\"n\":[{\"numeric\":[\">\",5]}]}}");
	arena_clear(&f.a);
}

/* --- refusals --- */

#define PROPS(p) "Resources:\n  X:\n    Type: AWS::S3::Bucket\n    Properties: " p "\n"
#define RULE(p) \
	"Resources:\n  X:\n    Type: AWS::Events::Rule\n    Properties: {EventPattern: {}, " p "}" \
											       "\n"
#define JOB(p) \
	"Resources:\n  X:\n    Type: AWS::Glue::Job\n    Properties: {Role: r, Command: " \
	"{ScriptLocation: s3://b/k}, " p "}\n"
#define PARAM(p) "Parameters: {P: " p "}\n" BUCKET

static const struct {
	const char *text, *want;
} refusals[] = {
	/* sections */
	{ "", "the template must be a mapping" },
	{ "Resources: {}", "Resources is required" },
	{ "Conditions: {C: true}\n" BUCKET, "Conditions is not supported" },
	{ "Mappings: {}\n" BUCKET, "Mappings is not supported" },
	{ "Globals: {}\n" BUCKET, "Globals is not supported" },
	{ "Transform: AWS::LanguageExtensions\n" BUCKET,
	  "Transform: only AWS::Serverless-2016-10-31 is supported" },
	{ "Transform: [AWS::Serverless-2016-10-31, Mine]\n" BUCKET,
	  "Transform: only AWS::Serverless-2016-10-31 is supported" },
	{ "AWSTemplateFormatVersion: '2011-01-01'\n" BUCKET,
	  "AWSTemplateFormatVersion: only '2010-09-09' is supported" },
	/* resources */
	{ "Resources: {X: {}}", "Resources.X.Type is required" },
	{ "Resources: {X: {Type: AWS::SQS::Queue}}",
	  "Resources.X: type AWS::SQS::Queue is not supported" },
	{ "Resources: {X: {Type: AWS::S3::Bucket, Condition: C}}",
	  "Resources.X.Condition is not supported" },
	{ "Resources: {X: {Type: AWS::S3::Bucket, UpdatePolicy: {}}}",
	  "Resources.X.UpdatePolicy is not supported" },
	{ "Resources: {X: {Type: AWS::S3::Bucket, DeletionPolicy: Delete}}",
	  "Resources.X.DeletionPolicy: only Retain is supported, nothing is ever deleted" },
	{ "Resources: {X: {Type: AWS::S3::Bucket, DependsOn: Y}}",
	  "Resources.X.DependsOn: there is no resource Y" },
	{ "Resources: {X: {Type: AWS::S3::Bucket, DependsOn: X}}",
	  "Resources.X depends on itself: X -> X" },
	/* properties */
	{ PROPS("[]"), "Resources.X.Properties must be a mapping" },
	{ PROPS("{VersioningConfiguration: {Status: Enabled}}"),
	  "Resources.X.Properties.VersioningConfiguration is not supported" },
	{ PROPS("{NotificationConfiguration: {QueueConfigurations: []}}"),
	  "Resources.X.Properties.NotificationConfiguration.QueueConfigurations is not supported" },
	{ PROPS("{NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: "
		"maybe}}}"),
	  "Resources.X.Properties.NotificationConfiguration.EventBridgeConfiguration."
	  "EventBridgeEnabled must be true or false" },
	{ PROPS("{BucketName: [a]}"), "Resources.X.Properties.BucketName must be text" },
	{ PROPS("{BucketName: }"), "Resources.X.Properties.BucketName must be text" },
	{ RULE("ScheduleExpression: rate(1 day)"),
	  "Resources.X.Properties.ScheduleExpression is not supported" },
	{ RULE("Targets: [{Id: a}]"), "Resources.X.Properties.Targets[0].Arn is required" },
	{ RULE("Targets: [{Id: a, Arn: b, DeadLetterConfig: {}}]"),
	  "Resources.X.Properties.Targets[0].DeadLetterConfig is not supported" },
	{ JOB("Timeout: soon"), "Resources.X.Properties.Timeout must be an integer" },
	{ JOB("Timeout: 1.5"), "Resources.X.Properties.Timeout must be an integer" },
	{ JOB("WorkerType: G.1X"), "Resources.X.Properties.WorkerType is not supported" },
	{ JOB("DefaultArguments: {a: {}}"),
	  "Resources.X.Properties.DefaultArguments.a must be text" },
	/* functions */
	{ PROPS("{BucketName: !If [A, b, c]}"),
	  "Resources.X.Properties.BucketName: Fn::If is not supported" },
	{ PROPS("{BucketName: !Select [0, [a]]}"),
	  "Resources.X.Properties.BucketName: Fn::Select is not supported" },
	{ PROPS("{BucketName: {Fn::Sub: a, Other: b}}"),
	  "Resources.X.Properties.BucketName: Fn::Sub is not supported beside other members" },
	{ PROPS("{BucketName: !Ref Nope}"),
	  "Resources.X.Properties.BucketName: Ref: there is no parameter or resource Nope" },
	{ PROPS("{BucketName: !Ref AWS::NoValue}"),
	  "Resources.X.Properties.BucketName: Ref: pseudo parameter AWS::NoValue is not "
	  "supported" },
	{ PROPS("{BucketName: !Sub '${Nope}'}"),
	  "Resources.X.Properties.BucketName: Fn::Sub: there is no parameter or resource Nope" },
	{ PROPS("{BucketName: !Sub '${Nope.Arn}'}"),
	  "Resources.X.Properties.BucketName: Fn::Sub: there is no resource Nope" },
	{ PROPS("{BucketName: !Sub '${X'}"),
	  "Resources.X.Properties.BucketName: Fn::Sub: a ${ has no }" },
	{ PROPS("{BucketName: !Sub [a]}"), "Resources.X.Properties.BucketName: Fn::Sub takes text, "
					   "or a list of text and a mapping" },
	{ PROPS("{BucketName: !Join [a]}"),
	  "Resources.X.Properties.BucketName: Fn::Join takes a delimiter and a list" },
	{ PROPS("{BucketName: !Join ['', [[a]]]}"),
	  "Resources.X.Properties.BucketName: Fn::Join: element 0 must be text" },
	{ PROPS("{BucketName: {'Fn::GetAtt': [X]}}"),
	  "Resources.X.Properties.BucketName: Fn::GetAtt takes the names of a resource and of an "
	  "attribute" },
	{ BUCKET "Outputs: {O: {Value: !GetAtt B.DomainName}}",
	  "Outputs.O.Value: Fn::GetAtt: attribute DomainName of B (AWS::S3::Bucket) is not "
	  "supported" },
	{ BUCKET "Outputs: {O: {Value: !Ref B, Export: {Name: n}}}",
	  "Outputs.O.Export is not supported" },
	{ BUCKET "Outputs: {O: {Description: d}}", "Outputs.O.Value must be text" },
	{ BUCKET "Outputs: {O: {Value: [a]}}", "Outputs.O.Value must be text" },
	/* parameters */
	{ PARAM("{Type: CommaDelimitedList, Default: a}"),
	  "Parameters.P.Type: only String and Number are supported" },
	{ PARAM("{Type: String}"),
	  "Parameters.P has no default: give it with --parameter P=VALUE" },
	{ PARAM("{Type: String, Default: a, NoEcho: true}"),
	  "Parameters.P.NoEcho is not supported" },
	{ PARAM("{Type: Number, Default: a}"), "Parameters.P: \"a\" is not a number" },
	{ PARAM("{Type: String, Default: a, AllowedValues: [b, c]}"),
	  "Parameters.P: \"a\" is not one of AllowedValues [\"b\",\"c\"]" },
	{ PARAM("{Type: Number, Default: 4, MaxValue: 3}"),
	  "Parameters.P: the value is out of MaxValue 3" },
	{ PARAM("{Type: String, Default: a, MinLength: 2}"),
	  "Parameters.P: the value is out of MinLength 2" },
	{ "Parameters: {B: {Type: String, Default: a}}\n" BUCKET,
	  "Parameters.B: a resource has the same name" },
	/* cycles */
	{ "Resources:\n  A: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref C}}\n"
	  "  C: {Type: AWS::S3::Bucket, DependsOn: [D]}\n  D: {Type: AWS::S3::Bucket, Properties: "
	  "{BucketName: !Sub 'x${A}'}}\n",
	  "Resources.A depends on itself: A -> C -> D -> A" },
	/* SAM's short form of a URL */
	{ "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Role: r, "
	  "Runtime: provided, CodeUri: x.zip,"
	  " FunctionUrlConfig: {AuthType: AWS_IAM, Cors: {}}}\n",
	  "Resources.F.Properties.FunctionUrlConfig.Cors is not supported" },
	{ "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Role: r, "
	  "Runtime: provided, CodeUri: no-such.zip}\n",
	  "Resources.F.Properties.CodeUri: ./no-such.zip: No such file or directory" },
	{ "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Role: r, "
	  "Runtime: provided, CodeUri: s3://b/k}\n",
	  "Resources.F.Properties.CodeUri: only local folders and .zip files are supported" },
	/* state machines */
	{ "Resources: {M: {Type: AWS::Serverless::StateMachine, Properties: {Role: r}}}",
	  "Resources.M.Properties: one of Definition, DefinitionUri and DefinitionString must be "
	  "given" },
	{ "Resources: {M: {Type: AWS::Serverless::StateMachine, Properties: {Role: r, Definition: "
	  "{StartAt: '${Gone}'}}}}",
	  "Resources.M.Properties.Definition: ${Gone} is not in DefinitionSubstitutions" },
};

TEST(deploy_refuses_by_name_and_place)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct fixture f;

		begin(&f);
		if (check(&f, refusals[i].text) == 0)
			fail_msg("taken: %s", refusals[i].text);
		assert_string_equal(f.e.msg, refusals[i].want);
		arena_clear(&f.a);
	}
}

/* --- parameters, order, expansion --- */

TEST(deploy_parameters_given_win_over_defaults_and_unknown_ones_are_refused)
{
	static const char text[] = PARAM("{Type: Number, Default: 3, MinValue: 1, AllowedValues: "
					 "[3, 7]}") "Outputs: {O: {Value: !Ref P}}";
	const struct deploy_param twice[] = { { "P", "3" }, { "P", "7" } },
				  wrong[] = { { "Q", "1" } }, bad[] = { { "P", "8" } };
	struct fixture f;

	begin(&f);
	assert_int_equal(check_with(&f, text, twice, 2), 0);
	assert_string_equal(json_text(&f.a, template_outputs(&f.d.t, &f.e)), "{\"O\":\"7\"}");
	arena_clear(&f.a);
	begin(&f);
	assert_int_equal(check_with(&f, text, wrong, 1), ERR_INVALID);
	assert_string_equal(f.e.msg, "Parameters.Q: the template has no such parameter");
	arena_clear(&f.a);
	begin(&f);
	assert_int_equal(check_with(&f, text, bad, 1), ERR_INVALID);
	arena_clear(&f.a);
}

TEST(deploy_order_follows_references_and_otherwise_the_template)
{
	static const char *const want[] = { "C", "A", "B", "D" };
	struct fixture f;

	begin(&f);
	assert_int_equal(check(&f, "Resources:\n  A: {Type: AWS::S3::Bucket, Properties: "
				   "{BucketName: !Join ['', [!Ref C, a]]}}\n"
				   "  B: {Type: AWS::S3::Bucket}\n  C: {Type: AWS::S3::Bucket}\n"
				   "  D: {Type: AWS::S3::Bucket, DependsOn: [A, B]}\n"),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(f.d.t.order[i]->id, want[i]);
	assert_string_equal(f.d.t.order[1]->name, "st-ca");
	arena_clear(&f.a);
}

TEST(deploy_numbers_come_from_text_where_integers_are_due)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(check(&f, "Parameters: {P: {Type: Number, Default: 9}}\n" JOB(
					   "Timeout: !Ref P, Description: 12")),
			 0);
	assert_string_equal(json_text(&f.a, json_get(f.d.t.resources[0].given, "Timeout")), "9");
	assert_string_equal(json_text(&f.a, json_get(f.d.t.resources[0].given, "Description")),
			    "\"12\"");
	arena_clear(&f.a);
}

TEST(deploy_definition_substitutions_are_replaced)
{
	struct fixture f;
	const struct json *sub, *v;

	begin(&f);
	sub = json_parse(&f.a, VIEW("{\"F\":\"fn\"}"), 4, &f.e);
	v = package_substitute(&f.a,
			       json_parse(&f.a, VIEW("{\"a\":[\"x${F}y${F}\",1,\"${ F}\",\"$F\"]}"),
					  4, &f.e),
			       sub, &f.e);
	assert_string_equal(json_text(&f.a, v), "{\"a\":[\"xfnyfn\",1,\"${ F}\",\"$F\"]}");
	arena_clear(&f.a);
}

/* --- comparing with what is there --- */

static const struct prop sub_props[] = { { "Size", PROP_INT }, { "On", PROP_BOOL }, { 0 } };
static const struct prop props[] = { { "Name", PROP_STR },
				     { "Note", PROP_STR },
				     { "Map", PROP_MAP },
				     { "List", PROP_LIST, false, sub_props },
				     { "Obj", PROP_OBJ, false, sub_props },
				     { 0 } };

TEST(deploy_differences_are_found_and_named)
{
	static const struct {
		const char *want, *have, *where;
	} cases[] = {
		{ "{}", "{\"Note\":\"x\"}", NULL },
		{ "{\"Name\":\"Abc\",\"Note\":\"n\"}",
		  "{\"Name\":\"abc\",\"Note\":\"n\",\"Extra\":1}", NULL },
		{ "{\"Note\":\"\",\"Map\":{},\"List\":[]}", "{}", NULL },
		{ "{\"Note\":\"N\"}", "{\"Note\":\"n\"}", "R.Note" },
		{ "{\"Note\":\"N\"}", "{}", "R.Note" },
		{ "{\"Obj\":{\"Size\":5,\"On\":false}}",
		  "{\"Obj\":{\"Size\":5,\"On\":false,\"More\":1}}", NULL },
		{ "{\"Obj\":{\"Size\":5}}", "{\"Obj\":{\"Size\":6}}", "R.Obj.Size" },
		{ "{\"Obj\":{\"Size\":5}}", "{}", "R.Obj.Size" },
		{ "{\"Map\":{\"a\":\"1\"}}", "{\"Map\":{\"a\":\"1\",\"b\":\"2\"}}", "R.Map" },
		{ "{\"List\":[{\"Size\":1}]}", "{\"List\":[{\"Size\":1},{\"Size\":2}]}", "R.List" },
		{ "{\"List\":[{\"Size\":1},{\"Size\":3}]}",
		  "{\"List\":[{\"Size\":1},{\"Size\":2}]}", "R.List[1].Size" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		const char *where;

		begin(&f);
		where = schema_differs(&f.a, props,
				       json_parse(&f.a, view_str(cases[i].want), 8, &f.e),
				       json_parse(&f.a, view_str(cases[i].have), 8, &f.e), "R");
		assert_string_equal(where ? where : "(same)",
				    cases[i].where ? cases[i].where : "(same)");
		arena_clear(&f.a);
	}
}

/* --- the pipeline's own template --- */

TEST(deploy_takes_the_audience_pipeline)
{
	const char *root = getenv("MULGIL_SOURCE_ROOT");
	struct deploy_param p = { "FunctionsCode", unit_tmpdir() };
	struct fixture f;
	struct view text;

	if (!root)
		skip_test("MULGIL_SOURCE_ROOT is not set");
	begin(&f);
	f.d.dir = arena_printf(&f.a, "%s/pipelines/audience", root);
	assert_int_equal(file_replace(arena_printf(&f.a, "%s/bootstrap", p.value),
				      VIEW("#!/bin/sh\n"), 0755, &f.e),
			 0);
	assert_int_equal(file_read(arena_printf(&f.a, "%s/template.yaml", f.d.dir), &f.a, MIB,
				   &text, &f.e),
			 0);
	if (check_with(&f, arena_str(&f.a, text), &p, 1) < 0)
		fail_msg("%s", f.e.msg);
	assert_string_equal(template_find(&f.d.t, VIEW("IssueUploadUrlsUrl"))->name,
			    "audience-issue-upload-urls");
	assert_string_equal(resource_value(&f.d.t, template_find(&f.d.t, VIEW("Measurement")),
					   NULL),
			    "arn:aws:states:r1:000000000001:stateMachine:audience-measurement");
	assert_non_null(template_find(&f.d.t, VIEW("Verify"))->artifact.key);
	arena_clear(&f.a);
}
