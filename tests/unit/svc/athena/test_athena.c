// SPDX-License-Identifier: Apache-2.0
/* Queries from start to result, through op_call(). */
#include <sched.h>
#include <string.h>

#include "fixture.h"
#include "os/clock.h"
#include "svc/athena/athena.h"

static struct glue_port port;

static struct athena *open_athena(struct fixture *f)
{
	struct athena_opts o = { .meta = f->meta,
				 .blobs = f->blobs,
				 .sql = f->sql,
				 .s3 = &f->s3_port,
				 .glue = &port,
				 .region = "ap-northeast-2",
				 .account = "123456789012" };
	struct athena *s;

	port = *glue_port(f->glue);
	o.staging = arena_printf(&f->a, "%s/athena", f->dir);
	if (athena_new(&o, &s, &f->e) < 0 || athena_start(s, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	op_registry_add(f->ops, &athena_service, s);
	return s;
}

#define OUT "'ResultConfiguration':{'OutputLocation':'s3://lake/results'}"

static const char *start(struct fixture *f, const char *query, const char *rest)
{
	const struct json *v = ok(f, "athena:StartQueryExecution",
				  arena_printf(&f->a,
					       "{'QueryString':\"%s\",'QueryExecutionContext':{'"
					       "Database':'D','Catalog':'AwsDataCatalog'}," OUT
					       "%s}",
					       query, rest));

	return text(f, v, "QueryExecutionId");
}

static const struct json *describe(struct fixture *f, const char *id)
{
	return json_get(ok(f, "athena:GetQueryExecution",
			   arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id)),
			"QueryExecution");
}

static const char *query_state(struct fixture *f, const char *id)
{
	return text(f, json_get(describe(f, id), "Status"), "State");
}

/* Waits for the end of a query; its final state. */
static const char *ended(struct fixture *f, const char *id)
{
	int64_t deadline = clock_mono_ns() + 60000000000LL;

	while (clock_mono_ns() < deadline) {
		const char *s = query_state(f, id);

		if (strcmp(s, "QUEUED") != 0 && strcmp(s, "RUNNING") != 0)
			return s;
		sched_yield();
	}
	fail_msg("the query does not end");
	return NULL;
}

static const char *reason(struct fixture *f, const char *id)
{
	return text(f, json_get(describe(f, id), "Status"), "StateChangeReason");
}

/* The rows of a page: cells joined by '|', rows by '\n'; null as '-'. */
static const char *rows(struct fixture *f, const struct json *page)
{
	const struct json *list = json_get(json_get(page, "ResultSet"), "Rows");
	const char *s = "";

	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *cells = json_get(json_at(list, i), "Data");

		for (size_t k = 0; k < json_len(cells); k++) {
			const struct json *v = json_get(json_at(cells, k), "VarCharValue");

			s = arena_printf(&f->a, "%s%s%.*s", s, k ? "|" : "",
					 VIEW_ARG(v ? json_str(v) : VIEW("-")));
		}
		s = arena_printf(&f->a, "%s\n", s);
	}
	return s;
}

static const char *result(struct fixture *f, const char *id)
{
	if (strcmp(ended(f, id), "SUCCEEDED") != 0)
		fail_msg("%s", reason(f, id));
	return rows(f, ok(f, "athena:GetQueryResults",
			  arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id)));
}

TEST(athena_query_from_start_to_result)
{
	struct fixture *f = fixture_new();
	struct athena *s;
	const struct json *v, *col;
	const char *id;

	fixture_need_sql(f);
	s = open_athena(f);
	make_tables(f);
	put(f, "raw/1.json", "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\\\"c\"}\n");
	id = start(f, "SELECT id, n, n * 0.5 AS half FROM raw ORDER BY id", "");
	assert_string_equal(result(f, id), "id|n|half\na|1|0.5\nb\"c|-|-\n");
	v = describe(f, id);
	assert_string_equal(text(f, v, "StatementType"), "DML");
	assert_string_equal(text(f, json_get(v, "ResultConfiguration"), "OutputLocation"),
			    arena_printf(&f->a, "s3://lake/results/%s.csv", id));
	assert_true(json_int(json_get(json_get(v, "Statistics"), "DataScannedInBytes"), 0) > 10);
	assert_string_equal(get(f, arena_printf(&f->a, "results/%s.csv", id)),
			    "\"id\",\"n\",\"half\"\n\"a\",\"1\",\"0.5\"\n\"b\"\"c\",,\n");
	assert_non_null(
		strstr(get(f, arena_printf(&f->a, "results/%s.csv.metadata", id)),
		       "{\"name\":\"n\",\"type\":\"integer\",\"precision\":10,\"scale\":0}"));
	v = ok(f, "athena:GetQueryResults", arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id));
	col = json_at(
		json_get(json_get(json_get(v, "ResultSet"), "ResultSetMetadata"), "ColumnInfo"), 0);
	assert_string_equal(text(f, col, "Type"), "varchar");
	v = ok(f, "athena:ListQueryExecutions", "{'WorkGroup':'primary'}");
	assert_int_equal(json_len(json_get(v, "QueryExecutionIds")), 1);
	v = ok(f, "athena:BatchGetQueryExecution",
	       arena_printf(&f->a, "{'QueryExecutionIds':['%s','nosuch']}", id));
	assert_int_equal(json_len(json_get(v, "QueryExecutions")), 1);
	assert_int_equal(json_len(json_get(v, "UnprocessedQueryExecutionIds")), 1);
	s = athena_free(s);
	fixture_free(f);
}

TEST(athena_results_come_in_pages)
{
	struct fixture *f = fixture_new();
	struct athena *s;
	const struct json *v;
	const char *id, *all = "";
	int pages = 0;

	fixture_need_sql(f);
	s = open_athena(f);
	id = start(f, "SELECT i, repeat(chr(10), 2) || i AS t FROM range(10) r(i)", "");
	assert_string_equal(ended(f, id), "SUCCEEDED");
	v = ok(f, "athena:GetQueryResults",
	       arena_printf(&f->a, "{'QueryExecutionId':'%s','MaxResults':4}", id));
	for (;;) {
		all = arena_printf(&f->a, "%s%s", all, rows(f, v));
		pages++;
		if (!json_get(v, "NextToken"))
			break;
		v = ok(f, "athena:GetQueryResults",
		       arena_printf(&f->a,
				    "{'QueryExecutionId':'%s','MaxResults':4,'NextToken':'%s'}", id,
				    text(f, v, "NextToken")));
	}
	assert_int_equal(pages, 3);
	assert_string_equal(all, rows(f, ok(f, "athena:GetQueryResults",
					    arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id))));
	id = start(f, "SELECT i FROM range(5000) r(i)", "");
	assert_string_equal(ended(f, id), "SUCCEEDED");
	v = ok(f, "athena:GetQueryResults", arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id));
	assert_int_equal(json_len(json_get(json_get(v, "ResultSet"), "Rows")), 1000);
	s = athena_free(s);
	fixture_free(f);
}

/* Each cell once took as much memory as was read of the file: a page of a result of some size ended the process. */
TEST(athena_pages_of_large_results_take_little_memory)
{
	struct fixture *f = fixture_new();
	struct athena *s;
	const struct json *v;
	const char *id;

	fixture_need_sql(f);
	s = open_athena(f);
	id = start(f, "SELECT repeat($$x\\\"$$, 100) AS a, i FROM range(10000) r(i)", "");
	assert_string_equal(ended(f, id), "SUCCEEDED");
	v = ok(f, "athena:GetQueryResults", arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id));
	v = json_get(json_get(v, "ResultSet"), "Rows");
	assert_int_equal(json_len(v), 1000);
	assert_int_equal(json_get_str(json_at(json_get(json_at(v, 999), "Data"), 0), "VarCharValue").n, 200);
	s = athena_free(s);
	fixture_free(f);
}

TEST(athena_queries_that_cannot_run_fail)
{
	static const char *const cases[][2] = {
		{ "SELECT * FROM nosuch",
		  "TABLE_NOT_FOUND: Table 'awsdatacatalog.d.nosuch' does not exist" },
		{ "SELECT nosuch FROM raw", "nosuch" },
		{ "SELECT FROM", "syntax error" },
		{ "DROP TABLE raw", "only SELECT statements are allowed here" },
		{ "CREATE TABLE x AS SELECT 1", "only SELECT" },
		{ "SELECT 1; SELECT 2", "one statement is expected" },
		{ "EXPLAIN ANALYZE DROP TABLE raw", "only SELECT" },
		{ "SELECT * FROM read_csv($$/etc/passwd$$)", "Permission Error" },
		{ "SHOW CREATE TABLE raw", "this form of SHOW or DESCRIBE is not supported" },
		{ "SELECT * FROM information_schema.tables", "not supported" },
		{ "SELECT count(*) FROM odd", "SerDe org.example.X is not supported" },
		{ "SELECT count(*) FROM projected", "partition projection" },
	};
	struct fixture *f = fixture_new();
	struct athena *s;

	fixture_need_sql(f);
	s = open_athena(f);
	make_tables(f);
	ok(f, "glue:CreateTable",
	   "{'DatabaseName':'d','TableInput':{'Name':'odd','StorageDescriptor':{'Columns':[{'Name':"
	   "'a','Type':'int'}],'Location':'s3://lake/odd/"
	   "','SerdeInfo':{'SerializationLibrary':'org.example.X'}}}}");
	ok(f, "glue:CreateTable",
	   "{'DatabaseName':'d','TableInput':{'Name':'projected','Parameters':{'projection.enabled'"
	   ":'true'},'StorageDescriptor':{'Columns':[{'Name':'a','Type':'int'}],'Location':'s3://"
	   "lake/odd/'}}}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *id =
			text(f,
			     ok(f, "athena:StartQueryExecution",
				arena_printf(&f->a,
					     "{'QueryString':\"%s\",'QueryExecutionContext':{'"
					     "Database':'d'}," OUT "}",
					     cases[i][0])),
			     "QueryExecutionId");

		assert_string_equal(ended(f, id), "FAILED");
		if (!strstr(reason(f, id), cases[i][1]))
			fail_msg("%s: %s", cases[i][0], reason(f, id));
		assert_null(get(f, arena_printf(&f->a, "results/%s.csv", id)));
		fails(f, "athena:GetQueryResults",
		      arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id),
		      "InvalidRequestException", "Final query state: FAILED");
	}
	s = athena_free(s);
	fixture_free(f);
}

TEST(athena_members_that_are_refused)
{
	static const char *const cases[][2] = {
		{ "'WorkGroup':'other'," OUT, "WorkGroup other is not found" },
		{ "'a':1", "No output location provided" },
		{ "'ResultConfiguration':{'OutputLocation':'/x'}", "not a valid S3 path" },
		{ "'ResultConfiguration':{'OutputLocation':'s3://nosuch-bucket/'}",
		  "nosuch-bucket" },
		{ "'ResultConfiguration':{'OutputLocation':'s3://lake/"
		  "','EncryptionConfiguration':{'EncryptionOption':'SSE_S3'}}",
		  "EncryptionConfiguration" },
		{ "'ResultReuseConfiguration':{'ResultReuseByAgeConfiguration':{'Enabled':true}}"
		  "," OUT,
		  "ResultReuseByAgeConfiguration" },
		{ "'QueryExecutionContext':{'Catalog':'other'}," OUT, "other" },
		{ "'EngineConfiguration':{}," OUT, "EngineConfiguration" },
	};
	struct fixture *f = fixture_new();
	struct athena *s = open_athena(f);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		fails(f, "athena:StartQueryExecution",
		      arena_printf(&f->a, "{'QueryString':'SELECT 1'%s%s}", i == 1 ? "" : ",",
				   i == 1 ? "" : cases[i][0]),
		      "InvalidRequestException", cases[i][1]);
	fails(f, "athena:GetQueryExecution", "{'QueryExecutionId':'x'}", "InvalidRequestException",
	      "x was not found");
	fails(f, "athena:StopQueryExecution", "{'QueryExecutionId':'x'}", "InvalidRequestException",
	      "x was not found");
	assert_string_equal(
		text(f,
		     json_get(ok(f, "athena:GetWorkGroup", "{'WorkGroup':'primary'}"), "WorkGroup"),
		     "State"),
		"ENABLED");
	assert_int_equal(json_len(json_get(ok(f, "athena:ListWorkGroups", "{}"), "WorkGroups")), 1);
	s = athena_free(s);
	fixture_free(f);
}

TEST(athena_tokens_parameters_and_stop)
{
	struct fixture *f = fixture_new();
	struct athena *s;
	const char *id;

	fixture_need_sql(f);
	s = open_athena(f);
	id = start(f, "SELECT ? AS a, ? AS b",
		   ",'ExecutionParameters':['5','it "
		   "is'],'ClientRequestToken':'0123456789abcdef0123456789abcdef'");
	assert_string_equal(result(f, id), "a|b\n5|it is\n");
	assert_string_equal(start(f, "SELECT ? AS a, ? AS b",
				  ",'ExecutionParameters':['5','it "
				  "is'],'ClientRequestToken':'0123456789abcdef0123456789abcdef'"),
			    id);
	fails(f, "athena:StartQueryExecution",
	      "{'QueryString':'SELECT "
	      "2','ClientRequestToken':'0123456789abcdef0123456789abcdef'," OUT "}",
	      "InvalidRequestException", "Idempotent parameters do not match");
	id = start(
		f,
		"SELECT count(*) FROM range(100000000) a(i), range(1000000) b(j) WHERE i + j = 3",
		"");
	while (strcmp(query_state(f, id), "RUNNING") != 0)
		sched_yield();
	ok(f, "athena:StopQueryExecution", arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id));
	assert_string_equal(ended(f, id), "CANCELLED");
	ok(f, "athena:StopQueryExecution", arena_printf(&f->a, "{'QueryExecutionId':'%s'}", id));
	s = athena_free(s);
	fixture_free(f);
}

TEST(athena_crash_in_a_query_is_told)
{
	struct fixture *f = fixture_new();
	struct athena *s;
	const char *id;

	fixture_need_sql(f);
	s = open_athena(f);
	id = start(
		f,
		"SELECT count(*) FROM range(100000000) a(i), range(1000000) b(j) WHERE i + j = 3",
		"");
	while (strcmp(query_state(f, id), "RUNNING") != 0)
		sched_yield();
	s = athena_free(s);
	fixture_restart(f);
	s = open_athena(f);
	assert_string_equal(query_state(f, id), "FAILED");
	assert_non_null(strstr(reason(f, id), "interrupted"));
	s = athena_free(s);
	fixture_free(f);
}

TEST(athena_shows_the_catalog)
{
	struct fixture *f = fixture_new();
	struct athena *s = open_athena(f);
	const char *id;

	make_tables(f);
	ok(f, "glue:CreatePartition",
	   "{'DatabaseName':'d','TableName':'out','PartitionInput':{'Values':['2026-01-01']}}");
	assert_string_equal(result(f, start(f, "SHOW DATABASES", "")), "d\n");
	assert_string_equal(result(f, start(f, "show tables in d;", "")), "out\nraw\n");
	assert_string_equal(result(f, start(f, "SHOW PARTITIONS out", "")), "dt=2026-01-01\n");
	id = start(f, "DESCRIBE d.out", "");
	assert_string_equal(result(f, id), "id|string|\ntotal|bigint|\ndt|date|\n");
	assert_string_equal(text(f, describe(f, id), "StatementType"), "UTILITY");
	assert_string_equal(get(f, arena_printf(&f->a, "results/%s.txt", id)),
			    "id\tstring\t\ntotal\tbigint\t\ndt\tdate\t\n");
	s = athena_free(s);
	fixture_free(f);
}

TEST(athena_views_and_explain)
{
	struct fixture *f = fixture_new();
	struct athena *s;

	fixture_need_sql(f);
	s = open_athena(f);
	make_tables(f);
	put(f, "raw/1.json", "{\"id\":\"a\",\"n\":1}\n");
	ok(f, "glue:CreateTable",
	   "{'DatabaseName':'d','TableInput':{'Name':'v','TableType':'VIRTUAL_VIEW','"
	   "ViewOriginalText':'SELECT id, n + 1 AS m FROM d.raw'}}");
	ok(f, "glue:CreateTable",
	   "{'DatabaseName':'d','TableInput':{'Name':'w','TableType':'VIRTUAL_VIEW','"
	   "ViewExpandedText':'SELECT m FROM d.v'}}");
	assert_string_equal(result(f, start(f, "SELECT * FROM d.w JOIN raw ON true", "")),
			    "m|id|n\n2|a|1\n");
	assert_non_null(strstr(result(f, start(f, "EXPLAIN SELECT * FROM raw", "")), "READ_JSON"));
	s = athena_free(s);
	fixture_free(f);
}
