// SPDX-License-Identifier: Apache-2.0
/* Jobs of the sql kind: from script to partitions, and how runs end. */
#include <sched.h>
#include <string.h>

#include "fixture.h"
#include "os/clock.h"

static void make_job(struct fixture *f, const char *script, const char *rest)
{
	put(f, "job.sql", script);
	ok(f, "glue:CreateJob",
	   arena_printf(&f->a,
			"{'Name':'j','Role':'r','Command':{'Name':'sql','ScriptLocation':'s3://"
			"lake/job.sql'}%s}",
			rest));
}

static const struct json *run_state(struct fixture *f, const char *id)
{
	return json_get(ok(f, "glue:GetJobRun",
			   arena_printf(&f->a, "{'JobName':'j','RunId':'%s'}", id)),
			"JobRun");
}

/* Waits for the end of a run. */
static const struct json *ended(struct fixture *f, const char *id)
{
	int64_t deadline = clock_mono_ns() + 60000000000LL;

	while (clock_mono_ns() < deadline) {
		const struct json *r = run_state(f, id);
		const char *state = text(f, r, "JobRunState");

		if (strcmp(state, "STARTING") != 0 && strcmp(state, "RUNNING") != 0)
			return r;
		sched_yield();
	}
	fail_msg("the run does not end");
	return NULL;
}

static const char *start(struct fixture *f, const char *rest)
{
	return text(f, ok(f, "glue:StartJobRun", arena_printf(&f->a, "{'JobName':'j'%s}", rest)),
		    "JobRunId");
}

static size_t objects(struct fixture *f, const char *prefix)
{
	struct s3_object *list;
	size_t n;

	assert_int_equal(f->s3_port.list(f->s3_port.self, "lake", prefix, NULL, 100, &f->a, &list,
					 &n, &f->e),
			 0);
	return n;
}

TEST(glue_jobs_are_described_and_refused)
{
	struct fixture *f = fixture_new();
	const struct json *v;

	make_job(f, "SELECT 1",
		 ",'DefaultArguments':{'--a':'1'},'Timeout':5,'ExecutionProperty':{'"
		 "MaxConcurrentRuns':2}");
	v = json_get(ok(f, "glue:GetJob", "{'JobName':'j'}"), "Job");
	assert_string_equal(text(f, json_get(v, "Command"), "Name"), "sql");
	assert_int_equal(json_int(json_get(v, "Timeout"), 0), 5);
	assert_int_equal(json_len(json_get(ok(f, "glue:GetJobs", "{}"), "Jobs")), 1);
	fails(f, "glue:CreateJob",
	      "{'Name':'j','Role':'r','Command':{'Name':'sql','ScriptLocation':'s3://lake/x'}}",
	      "AlreadyExistsException", NULL);
	fails(f, "glue:CreateJob",
	      "{'Name':'k','Role':'r','Command':{'Name':'glueetl','ScriptLocation':'s3://lake/x'}}",
	      "InvalidInputException", "Command.Name glueetl");
	fails(f, "glue:CreateJob",
	      "{'Name':'k','Role':'r','Command':{'Name':'sql','ScriptLocation':'s3://lake/"
	      "x'},'WorkerType':'G.1X'}",
	      "InvalidInputException", "WorkerType");
	fails(f, "glue:CreateJob",
	      "{'Name':'k','Role':'r','Command':{'Name':'sql','ScriptLocation':'s3://lake/"
	      "x'},'MaxRetries':1}",
	      "InvalidInputException", "MaxRetries");
	fails(f, "glue:StartJobRun", "{'JobName':'nosuch'}", "EntityNotFoundException",
	      "Job nosuch not found.");
	fails(f, "glue:GetJobRun", "{'JobName':'j','RunId':'jr_1'}", "EntityNotFoundException",
	      NULL);
	ok(f, "glue:DeleteJob", "{'JobName':'j'}");
	fails(f, "glue:GetJob", "{'JobName':'j'}", "EntityNotFoundException", NULL);
	fixture_free(f);
}

/* A workflow that crashes between a run's start and its own note of it asks again: it must get the same run. */
TEST(glue_a_repeated_start_gives_the_run_that_the_first_one_began)
{
	struct fixture *f = fixture_new();
	const char *first, *other;

	make_job(f, "SELECT 1", ",'ExecutionProperty':{'MaxConcurrentRuns':9}");
	f->once = "arn:execution#5";
	first = start(f, "");
	assert_string_equal(start(f, ""), first);
	f->once = "arn:execution#9"; /* a retry of the state */
	other = start(f, "");
	assert_string_not_equal(other, first);
	f->once = NULL; /* everybody else */
	assert_string_not_equal(start(f, ""), start(f, ""));
	assert_int_equal(json_len(json_get(ok(f, "glue:GetJobRuns", "{'JobName':'j'}"), "JobRuns")), 4);
	f->once = "arn:execution#5";
	fixture_restart(f); /* what was in flight has failed and written nothing: it may be started again */
	if (strcmp(text(f, run_state(f, first), "JobRunState"), "FAILED") == 0)
		assert_string_not_equal(start(f, ""), first);
	else
		assert_string_equal(start(f, ""), first);
	fixture_free(f);
}

TEST(glue_job_update_replaces_the_whole_definition)
{
	struct fixture *f = fixture_new();
	const struct json *v;

	make_job(f, "SELECT 1", ",'DefaultArguments':{'--a':'1'},'Timeout':5");
	ok(f, "glue:UpdateJob", "{'JobName':'j','JobUpdate':{'Role':'r2','Command':{'Name':'sql','ScriptLocation':'s3://lake/new'}}}");
	v = json_get(ok(f, "glue:GetJob", "{'JobName':'j'}"), "Job");
	assert_string_equal(text(f, v, "Name"), "j");
	assert_string_equal(text(f, v, "Role"), "r2");
	assert_string_equal(text(f, json_get(v, "Command"), "ScriptLocation"), "s3://lake/new");
	assert_int_equal(json_len(json_get(v, "DefaultArguments")), 0);
	assert_int_equal(json_int(json_get(v, "Timeout"), 0), 2880);
	assert_non_null(json_get(v, "LastModifiedOn"));
	assert_int_equal(json_get(v, "LastModifiedOn")->type, json_get(v, "CreatedOn")->type);
	fails(f, "glue:UpdateJob", "{'JobName':'k','JobUpdate':{'Role':'r','Command':{'Name':'sql','ScriptLocation':'s3://lake/x'}}}", "EntityNotFoundException", "Job k not found.");
	fails(f, "glue:UpdateJob", "{'JobName':'j','JobUpdate':{'Role':'r'}}", "InvalidInputException", "Command is required");
	fails(f, "glue:UpdateJob", "{'JobName':'j','JobUpdate':{'Command':{'Name':'sql','ScriptLocation':'s3://lake/x'}}}", "InvalidInputException", "Role is required");
	fails(f, "glue:UpdateJob", "{'JobName':'j'}", "InvalidInputException", "JobUpdate");
	fixture_free(f);
}

TEST(glue_job_writes_partitions_and_tells)
{
	struct fixture *f = fixture_new();
	const char *id, *again;
	const struct json *v;

	fixture_need_sql(f);
	make_tables(f);
	put(f, "raw/1.json", "{\"id\":\"a\",\"n\":1}\n{\"id\":\"a\",\"n\":2}\n");
	put(f, "raw/2.json", "{\"id\":\"b\",\"n\":5}\n");
	put(f, "raw/_skip", "not json");
	make_job(f,
		 "INSERT INTO d.out SELECT id, sum(n), CAST(:day AS DATE) FROM raw GROUP BY id "
		 "ORDER BY id;\n"
		 "INSERT INTO out SELECT id || '2', sum(n), CAST(:day AS DATE) + 1 FROM raw GROUP "
		 "BY id; SELECT error('late') WHERE (SELECT count(*) FROM out) <> 4",
		 ",'DefaultArguments':{'--database':'d','--day':'2025-01-01'}");
	id = start(f, ",'Arguments':{'--day':'2026-01-01'}");
	v = ended(f, id);
	assert_string_equal(text(f, v, "ErrorMessage"), "");
	assert_string_equal(text(f, v, "JobRunState"), "SUCCEEDED");
	assert_int_equal(objects(f, "out/dt=2026-01-01/"), 1);
	assert_int_equal(objects(f, "out/dt=2026-01-02/"), 1);
	v = ok(f, "glue:GetPartitions", "{'DatabaseName':'d','TableName':'out'}");
	assert_int_equal(json_len(json_get(v, "Partitions")), 2);
	assert_int_equal(f->n_events, 1);
	assert_non_null(strstr(f->events_seen[0],
			       "Glue Job State Change "
			       "{\"jobName\":\"j\",\"severity\":\"INFO\",\"state\":\"SUCCEEDED\""));
	/* The same run again: the same files, the same rows. */
	again = start(f, arena_printf(&f->a, ",'JobRunId':'%s'", id));
	v = ended(f, again);
	assert_string_equal(text(f, v, "PreviousRunId"), id);
	assert_string_equal(text(f, json_get(v, "Arguments"), "--day"), "2026-01-01");
	assert_int_equal(objects(f, "out/dt=2026-01-01/"), 1);
	assert_string_equal(text(f, v, "JobRunState"), "SUCCEEDED");
	assert_int_equal(json_len(json_get(ok(f, "glue:GetJobRuns", "{'JobName':'j'}"), "JobRuns")),
			 2);
	assert_string_equal(
		text(f,
		     json_at(json_get(ok(f, "glue:GetJobRuns", "{'JobName':'j'}"), "JobRuns"), 0),
		     "Id"),
		again);
	fixture_free(f);
}

/* Objects have names made of the run's id and the statement's number: once, one of these took the other's place. */
TEST(glue_job_files_never_replace_each_other)
{
	static const char part[] = "{'DatabaseName':'d','TableName':'out','PartitionInput':{'Values':['%s'],"
				   "'StorageDescriptor':{'Location':'s3://lake/shared/'}}}";
	struct fixture *f = fixture_new();
	const char *id, *again;
	const struct json *v;

	fixture_need_sql(f);
	make_tables(f);
	ok(f, "glue:CreatePartition", arena_printf(&f->a, part, "2026-01-01"));
	ok(f, "glue:CreatePartition", arena_printf(&f->a, part, "2026-01-02"));
	make_job(f,
		 "INSERT INTO d.out SELECT i, i, CAST($$2026-01-01$$ AS DATE) + CAST(i AS INT) FROM range(2) r(i);"
		 "INSERT INTO d.out SELECT :who, 1, CAST($$2026-01-03$$ AS DATE)",
		 ",'DefaultArguments':{'--who':'x'}");
	id = start(f, ",'Arguments':{'--who':'a'}");
	v = ended(f, id);
	assert_string_equal(text(f, v, "ErrorMessage"), "");
	assert_int_equal(objects(f, "shared/"), 2);
	/* The same run again writes the same; with other arguments it is another. */
	again = start(f, arena_printf(&f->a, ",'JobRunId':'%s','Arguments':{'--who':'a'}", id));
	assert_string_equal(text(f, ended(f, again), "JobRunState"), "SUCCEEDED");
	assert_int_equal(objects(f, "shared/"), 2);
	assert_int_equal(objects(f, "out/dt=2026-01-03/"), 1);
	again = start(f, arena_printf(&f->a, ",'JobRunId':'%s','Arguments':{'--who':'b'}", id));
	assert_string_equal(text(f, ended(f, again), "JobRunState"), "SUCCEEDED");
	assert_int_equal(objects(f, "out/dt=2026-01-03/"), 2);
	fixture_free(f);
}

TEST(glue_job_failures_say_why)
{
	static const char *const cases[][2] = {
		{ "DROP TABLE x", "statement 1: DROP is not supported" },
		{ "SELECT * FROM d.nosuch",
		  "TABLE_NOT_FOUND: Table 'awsdatacatalog.d.nosuch' does not exist" },
		{ "INSERT INTO d.raw SELECT 'a', 1", "only Parquet tables can be written" },
		{ "INSERT INTO d.out SELECT 'a'", "the statement has 1 columns, the table 3" },
		{ "INSERT INTO d.out SELECT 'a', 1, NULL", "partition key dt is null in a row" },
		{ "INSERT INTO d.out SELECT 'a', 'x', '2026-01-01'",
		  "Could not convert string 'x' to INT64" },
		{ "SELECT :nosuch", "syntax error" },
		{ "SELECT * FROM information_schema.tables",
		  "information_schema.tables is not supported" },
	};
	struct fixture *f = fixture_new();

	fixture_need_sql(f);
	make_tables(f);
	make_job(f, "SELECT 1", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct json *v;

		put(f, "job.sql", cases[i][0]);
		v = ended(f, start(f, ""));
		assert_string_equal(text(f, v, "JobRunState"), "FAILED");
		if (!strstr(text(f, v, "ErrorMessage"), cases[i][1]))
			fail_msg("%s: '%s', '%s' was expected", cases[i][0],
				 text(f, v, "ErrorMessage"), cases[i][1]);
	}
	assert_int_equal(objects(f, "out/"), 0);
	fixture_free(f);
}

TEST(glue_runs_at_once_are_limited_and_a_crash_is_told)
{
	struct fixture *f = fixture_new();
	const struct json *v;
	const char *id;

	fixture_need_sql(f);
	make_job(f,
		 "SELECT count(*) FROM range(100000000) a(i), range(1000000) b(j) WHERE i + j = 3",
		 "");
	id = start(f, "");
	fails(f, "glue:StartJobRun", "{'JobName':'j'}", "ConcurrentRunsExceededException",
	      "Concurrent runs exceeded for j");
	while (strcmp(text(f, run_state(f, id), "JobRunState"), "RUNNING") != 0)
		sched_yield();
	fixture_restart(f);
	v = run_state(f, id);
	assert_string_equal(text(f, v, "JobRunState"), "FAILED");
	assert_non_null(strstr(text(f, v, "ErrorMessage"), "interrupted"));
	assert_int_equal(f->n_events, 1);
	assert_non_null(strstr(f->events_seen[0], "\"state\":\"FAILED\""));
	fixture_free(f);
}
