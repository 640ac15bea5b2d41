// SPDX-License-Identifier: Apache-2.0
/* The catalog's operations, through op_call(). */
#include <string.h>

#include "fixture.h"

TEST(glue_databases)
{
	struct fixture *f = fixture_new();
	const struct json *v;

	ok(f, "glue:CreateDatabase",
	   "{'DatabaseInput':{'Name':'Audience','Description':'x','Parameters':{'k':'v'}}}");
	fails(f, "glue:CreateDatabase", "{'DatabaseInput':{'Name':'audience'}}",
	      "AlreadyExistsException", NULL);
	fails(f, "glue:CreateDatabase", "{'DatabaseInput':{'Name':'y','TargetDatabase':{}}}",
	      "InvalidInputException", "TargetDatabase");
	fails(f, "glue:CreateDatabase", "{'CatalogId':'1','DatabaseInput':{'Name':'y'}}",
	      "EntityNotFoundException", NULL);
	fixture_restart(f);
	v = json_get(ok(f, "glue:GetDatabase", "{'Name':'AUDIENCE'}"), "Database");
	assert_string_equal(text(f, v, "Name"), "audience");
	assert_string_equal(text(f, v, "CatalogId"), "123456789012");
	assert_string_equal(text(f, json_get(v, "Parameters"), "k"), "v");
	ok(f, "glue:CreateDatabase", "{'DatabaseInput':{'Name':'b'}}");
	ok(f, "glue:CreateDatabase", "{'DatabaseInput':{'Name':'c'}}");
	v = ok(f, "glue:GetDatabases", "{'MaxResults':2}");
	assert_int_equal(json_len(json_get(v, "DatabaseList")), 2);
	v = ok(f, "glue:GetDatabases",
	       arena_printf(&f->a, "{'NextToken':'%s'}", text(f, v, "NextToken")));
	assert_int_equal(json_len(json_get(v, "DatabaseList")), 1);
	assert_null(json_get(v, "NextToken"));
	ok(f, "glue:UpdateDatabase",
	   "{'Name':'b','DatabaseInput':{'Name':'b','Description':'new'}}");
	fails(f, "glue:UpdateDatabase", "{'Name':'b','DatabaseInput':{'Name':'z'}}",
	      "InvalidInputException", "renamed");
	ok(f, "glue:DeleteDatabase", "{'Name':'b'}");
	fails(f, "glue:GetDatabase", "{'Name':'b'}", "EntityNotFoundException",
	      "Database b not found.");
	fixture_free(f);
}

TEST(glue_tables_and_their_versions)
{
	struct fixture *f = fixture_new();
	const struct json *v;

	make_tables(f);
	fails(f, "glue:CreateTable", "{'DatabaseName':'d','TableInput':{'Name':'RAW'}}",
	      "AlreadyExistsException", NULL);
	fails(f, "glue:CreateTable", "{'DatabaseName':'nosuch','TableInput':{'Name':'t'}}",
	      "EntityNotFoundException", "Database nosuch");
	fails(f, "glue:CreateTable",
	      "{'DatabaseName':'d','TableInput':{'Name':'t','StorageDescriptor':{'SchemaReference':"
	      "{}}}}",
	      "InvalidInputException", "SchemaReference");
	fails(f, "glue:CreateTable",
	      "{'DatabaseName':'d','TableInput':{'Name':'t','StorageDescriptor':{'Columns':[{'Name'"
	      ":'A'}]},'PartitionKeys':[{'Name':'a'}]}}",
	      "InvalidInputException", "named twice");
	v = json_get(ok(f, "glue:GetTable", "{'DatabaseName':'d','Name':'raw'}"), "Table");
	assert_string_equal(text(f, v, "VersionId"), "0");
	assert_string_equal(text(f, v, "DatabaseName"), "d");
	assert_string_equal(
		text(f, json_at(json_get(json_get(v, "StorageDescriptor"), "Columns"), 0), "Name"),
		"id");
	ok(f, "glue:UpdateTable",
	   "{'DatabaseName':'d','TableInput':{'Name':'raw','Description':'1'},'VersionId':'0','"
	   "SkipArchive':true}");
	fails(f, "glue:UpdateTable",
	      "{'DatabaseName':'d','TableInput':{'Name':'raw'},'VersionId':'0'}",
	      "ConcurrentModificationException", NULL);
	ok(f, "glue:UpdateTable",
	   "{'DatabaseName':'d','TableInput':{'Name':'raw','Description':'2'}}");
	v = json_get(ok(f, "glue:GetTable", "{'DatabaseName':'d','Name':'raw'}"), "Table");
	assert_string_equal(text(f, v, "VersionId"), "2");
	assert_string_equal(text(f, v, "Description"), "2");
	v = ok(f, "glue:GetTables", "{'DatabaseName':'d','Expression':'r*'}");
	assert_int_equal(json_len(json_get(v, "TableList")), 1);
	v = ok(f, "glue:GetTables", "{'DatabaseName':'d','MaxResults':1}");
	assert_string_equal(text(f, v, "NextToken"), "out");
	fails(f, "glue:GetTables", "{'DatabaseName':'d','Expression':'(a|b)+'}",
	      "InvalidInputException", "Expression");
	ok(f, "glue:DeleteTable", "{'DatabaseName':'d','Name':'raw'}");
	fails(f, "glue:DeleteTable", "{'DatabaseName':'d','Name':'raw'}", "EntityNotFoundException",
	      "Table raw not found.");
	fixture_free(f);
}

static void add(struct fixture *f, int day)
{
	ok(f, "glue:CreatePartition",
	   arena_printf(&f->a,
			"{'DatabaseName':'d','TableName':'out','PartitionInput':{'Values':['2026-"
			"01-%02d'],'StorageDescriptor':"
			"{'Location':'s3://lake/out/dt=2026-01-%02d/','Columns':[{'Name':'id'}]}}}",
			day, day));
}

static size_t count(struct fixture *f, const char *rest)
{
	const struct json *v =
		ok(f, "glue:GetPartitions",
		   arena_printf(&f->a, "{'DatabaseName':'d','TableName':'out'%s}", rest));

	return json_len(json_get(v, "Partitions"));
}

TEST(glue_partitions)
{
	struct fixture *f = fixture_new();
	const struct json *v;
	size_t sum = 0;

	make_tables(f);
	for (int i = 1; i <= 9; i++)
		add(f, i);
	fails(f, "glue:CreatePartition",
	      "{'DatabaseName':'d','TableName':'out','PartitionInput':{'Values':['2026-01-01']}}",
	      "AlreadyExistsException", NULL);
	fails(f, "glue:CreatePartition",
	      "{'DatabaseName':'d','TableName':'out','PartitionInput':{'Values':['a','b']}}",
	      "InvalidInputException", "number of partition keys");
	v = ok(f, "glue:BatchCreatePartition",
	       "{'DatabaseName':'d','TableName':'out','PartitionInputList':[{'Values':['2026-01-01'"
	       "]},{'Values':['2026-02-01']}]}");
	assert_int_equal(json_len(json_get(v, "Errors")), 1);
	assert_string_equal(text(f, json_get(json_at(json_get(v, "Errors"), 0), "ErrorDetail"),
				 "ErrorCode"),
			    "AlreadyExistsException");
	assert_int_equal(count(f, ""), 10);
	assert_int_equal(count(f, ",'Expression':'dt > \\u00272026-01-05\\u0027'"), 5);
	fails(f, "glue:GetPartitions",
	      "{'DatabaseName':'d','TableName':'out','Expression':'nosuch = 1'}",
	      "InvalidInputException", "nosuch");
	for (int i = 0; i < 3; i++)
		sum += count(f,
			     arena_printf(&f->a,
					  ",'Segment':{'SegmentNumber':%d,'TotalSegments':3}", i));
	assert_int_equal(sum, 10);
	v = ok(f, "glue:GetPartitions",
	       "{'DatabaseName':'d','TableName':'out','MaxResults':4,'ExcludeColumnSchema':true}");
	assert_int_equal(json_len(json_get(v, "Partitions")), 4);
	assert_int_equal(json_len(json_get(json_get(json_at(json_get(v, "Partitions"), 0),
						    "StorageDescriptor"),
					   "Columns")),
			 0);
	ok(f, "glue:UpdatePartition",
	   "{'DatabaseName':'d','TableName':'out','PartitionValueList':['2026-01-01'],'"
	   "PartitionInput':{'Values':['2026-03-01']}}");
	fails(f, "glue:GetPartition",
	      "{'DatabaseName':'d','TableName':'out','PartitionValues':['2026-01-01']}",
	      "EntityNotFoundException", NULL);
	v = json_get(ok(f, "glue:GetPartition",
			"{'DatabaseName':'d','TableName':'out','PartitionValues':['2026-03-01']}"),
		     "Partition");
	assert_string_equal(text(f, v, "TableName"), "out");
	ok(f, "glue:DeletePartition",
	   "{'DatabaseName':'d','TableName':'out','PartitionValues':['2026-03-01']}");
	assert_int_equal(count(f, ""), 9);
	fixture_free(f);
}

TEST(glue_paging_of_partitions_loses_none)
{
	struct fixture *f = fixture_new();
	const char *token = NULL;
	size_t n = 0;

	make_tables(f);
	for (int i = 1; i <= 7; i++)
		add(f, i);
	do {
		struct json *in = json_new_obj(&f->a);
		const struct json *v;

		json_set_str(&f->a, in, "DatabaseName", "d");
		json_set_str(&f->a, in, "TableName", "out");
		json_set_int(&f->a, in, "MaxResults", 2);
		json_set_str(&f->a, in, "NextToken", token);
		assert_int_equal(op_call(f->ops, "glue", "GetPartitions", in,
					 &(struct op_caller){ .account = "123456789012" }, &f->a,
					 &v, &f->e),
				 0);
		n += json_len(json_get(v, "Partitions"));
		token = json_get(v, "NextToken") ? text(f, v, "NextToken") : NULL;
	} while (token);
	assert_int_equal(n, 7);
	fixture_free(f);
}
