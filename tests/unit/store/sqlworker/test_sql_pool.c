// SPDX-License-Identifier: Apache-2.0
/* The sql seam on its pool of children: results, Parquet, the sandbox, and children that die. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/sql.h"
#include "unit.h"

/* Under sanitizers the child has no limit of its addresses. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAVE_MEMORY_LIMIT false
#elif defined(__has_feature)
#define HAVE_MEMORY_LIMIT (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define HAVE_MEMORY_LIMIT true
#endif

struct fix {
	struct sql *s;
	struct arena a;
	struct err e;
	struct sql_result r;
	const char *dir;
	int n;
};

static void fix_open(struct fix *f, const struct sql_pool_opts *o)
{
	struct sql_pool_opts opts = *o;

	memset(f, 0, sizeof(*f));
	arena_init(&f->a, GIB);
	f->dir = unit_tmpdir();
	opts.program = getenv("MULGIL_SQL");
	opts.scratch = f->dir;
	assert_non_null(opts.program);
	assert_int_equal(sql_open_pool(&opts, &f->s, &f->e), 0);
}

static void fix_close(struct fix *f)
{
	f->s = sql_close(f->s);
	arena_clear(&f->a);
}

static const char *path(struct fix *f, const char *name)
{
	return arena_printf(&f->a, "%s/%s", f->dir, name);
}

static const char *write_file(struct fix *f, const char *name, const char *text)
{
	const char *p = path(f, name);

	assert_int_equal(file_replace(p, view_str(text), 0600, &f->e), 0);
	return p;
}

static const char *read_text(struct fix *f, const char *p)
{
	struct view v;

	assert_int_equal(file_read(p, &f->a, 64 * MIB, &v, &f->e), 0);
	return arena_str(&f->a, v);
}

/* Runs to CSV; the text of the result, or NULL on failure. */
static const char *csv(struct fix *f, struct sql_job *job)
{
	job->output = SQL_TO_CSV;
	job->out_path = arena_printf(&f->a, "%s/out-%d.csv", f->dir, f->n++);
	err_clear(&f->e);
	if (sql_run(f->s, job, &f->a, &f->r, &f->e) < 0)
		return NULL;
	return read_text(f, job->out_path);
}

static const char *query(struct fix *f, const char *text)
{
	return csv(f, &(struct sql_job){ .text = text });
}

static void check(struct fix *f, const char *text, const char *want)
{
	const char *got = query(f, text);

	if (!got)
		fail_msg("%s: %s", text, f->e.msg);
	assert_string_equal(got, want);
}

static const struct sql_pool_opts small = { .children = 1, .memory_bytes = 256 * MIB };

TEST(sql_values_have_athenas_text)
{
	struct fix f;

	fix_open(&f, &small);
	check(&f, "SELECT 1 AS a, 'x\"y' AS \"b\"\"c\", NULL AS n, true AS t",
	      "\"a\",\"b\"\"c\",\"n\",\"t\"\n\"1\",\"x\"\"y\",,\"true\"\n");
	check(&f, "SELECT [1,2,NULL] a, {a: 1, b: 'x'} b, MAP{'k': [1.5]} c",
	      "\"a\",\"b\",\"c\"\n\"[1, 2, null]\",\"{a=1, b=x}\",\"{k=[1.5]}\"\n");
	check(&f,
	      "SELECT TIMESTAMP '2026-01-02 03:04:05.6789' a, DATE '2026-01-02' b, TIME '01:02:03' "
	      "c",
	      "\"a\",\"b\",\"c\"\n\"2026-01-02 03:04:05.678\",\"2026-01-02\",\"01:02:03.000\"\n");
	check(&f,
	      "SELECT 1e0::double a, 0.1::double b, 1e7::double c, 123456.75::double d, "
	      "0.00012::double e, -0.0::double f, 'nan'::double g",
	      "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"\n\"1.0\",\"0.1\",\"1.0E7\",\"123456.75\","
	      "\"1.2E-4\",\"-0.0\",\"NaN\"\n");
	check(&f,
	      "SELECT 0.1::float a, 0.001::double b, 9999999::double c, 1.1::decimal(5,2) d, "
	      "-0.05::decimal(5,2) e",
	      "\"a\",\"b\",\"c\",\"d\",\"e\"\n\"0.1\",\"0.001\",\"9999999.0\",\"1.10\",\"-0."
	      "05\"\n");
	check(&f, "SELECT 'ab'::blob a, '00000000-0000-0000-0000-00000000000a'::uuid b",
	      "\"a\",\"b\"\n\"61 62\",\"00000000-0000-0000-0000-00000000000a\"\n");
	check(&f, "SELECT '' AS a, NULL AS b", "\"a\",\"b\"\n\"\",\n");
	fix_close(&f);
}

TEST(sql_columns_have_athenas_types)
{
	struct fix f;

	fix_open(&f, &small);
	assert_non_null(
		query(&f, "SELECT sum(i) s, count(*) n, avg(i) m, '' t, 1.5 d FROM range(3) r(i)"));
	assert_int_equal(f.r.n_columns, 5);
	assert_string_equal(f.r.columns[0].type, "bigint");
	assert_string_equal(f.r.columns[1].type, "bigint");
	assert_string_equal(f.r.columns[2].type, "double");
	assert_string_equal(f.r.columns[3].type, "varchar");
	assert_string_equal(f.r.columns[4].type, "decimal");
	assert_int_equal(f.r.columns[4].precision, 2);
	assert_int_equal(f.r.columns[4].scale, 1);
	assert_int_equal(f.r.rows, 1);
	assert_null(query(&f, "SELECT 9223372036854775807::hugeint + 1 AS x"));
	assert_int_equal(f.e.code, ERR_INVALID);
	assert_null(query(&f, "SELECT INTERVAL 1 DAY AS x"));
	assert_int_equal(f.e.code, ERR_UNSUPPORTED);
	fix_close(&f);
}

static const struct sql_column sensor_columns[] = { { .name = "id", .type = "string" },
						    { .name = "seq", .type = "int" },
						    { .name = "ch0", .type = "array<int>" },
						    { .name = "gone", .type = "double" } };
static const struct sql_column sensor_keys[] = { { .name = "dt", .type = "date" },
						 { .name = "modality", .type = "string" } };

static struct sql_table sensor(const struct sql_file *files, size_t n, enum sql_format format)
{
	return (struct sql_table){ .schema = "audience",
				   .name = "sensor",
				   .columns = sensor_columns,
				   .n_columns = 4,
				   .keys = sensor_keys,
				   .n_keys = 2,
				   .format = format,
				   .files = files,
				   .n_files = n };
}

/* JSON lines to Parquet with declared columns, as the lake does it. */
static const char *to_parquet(struct fix *f, const char *json, const char *dir)
{
	struct sql_file file = { .path = write_file(f, "in.json", json) };
	struct sql_table t = { .schema = "x",
			       .name = "rows",
			       .columns = sensor_columns,
			       .n_columns = 4,
			       .format = SQL_JSON,
			       .files = &file,
			       .n_files = 1 };
	struct sql_job job = { .text = "SELECT * FROM rows",
			       .schema = "x",
			       .tables = &t,
			       .n_tables = 1,
			       .output = SQL_TO_PARQUET,
			       .out_path = path(f, dir),
			       .out_columns = sensor_columns,
			       .n_out_columns = 4 };

	assert_int_equal(file_mkdirs(job.out_path, 0700, &f->e), 0);
	if (sql_run(f->s, &job, &f->a, &f->r, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	assert_int_equal(f->r.n_files, 1);
	return f->r.files[0].path;
}

TEST(sql_json_lines_become_parquet_and_come_back)
{
	struct sql_file files[2] = { 0 };
	const char *const p1[] = { "2026-01-01", "eeg" }, *const p2[] = { "2026-01-02", NULL };
	struct sql_table t;
	struct fix f;

	fix_open(&f, &small);
	files[0] = (struct sql_file){
		to_parquet(
			&f,
			"{\"id\":\"m1\",\"seq\":1,\"ch0\":[1,-2,3]}\n{\"id\":\"m1\",\"seq\":2}\n",
			"p1"),
		p1
	};
	assert_int_equal(f.r.rows, 2);
	assert_int_equal(f.r.files[0].rows, 2);
	files[1] = (struct sql_file){
		to_parquet(&f, "{\"id\":\"m2\",\"seq\":1,\"ch0\":[],\"gone\":0.5}\n", "p2"), p2
	};
	t = sensor(files, 2, SQL_PARQUET);
	assert_string_equal(csv(&f,
				&(struct sql_job){ .text = "SELECT * FROM sensor ORDER BY id, seq",
						   .schema = "audience",
						   .tables = &t,
						   .n_tables = 1 }),
			    "\"id\",\"seq\",\"ch0\",\"gone\",\"dt\",\"modality\"\n"
			    "\"m1\",\"1\",\"[1, -2, 3]\",,\"2026-01-01\",\"eeg\"\n"
			    "\"m1\",\"2\",,,\"2026-01-01\",\"eeg\"\n"
			    "\"m2\",\"1\",\"[]\",\"0.5\",\"2026-01-02\",\n");
	assert_true(f.r.scanned_bytes > 100);
	assert_string_equal(
		csv(&f,
		    &(struct sql_job){
			    .text = "SELECT count(*) n FROM AwsDataCatalog.Audience.Sensor WHERE "
				    "DT = DATE '2026-01-02'",
			    .tables = &t,
			    .n_tables = 1 }),
		"\"n\"\n\"1\"\n");
	fix_close(&f);
}

TEST(sql_parquet_is_written_as_it_is_asked_for)
{
	static const struct {
		struct sql_parquet q;
		const char *want;
	} cases[] = {
		{ { .codec = SQL_ZSTD }, "\"ZSTD\",\"PLAIN_DICTIONARY\",\"1\"\n" },
		{ { .codec = SQL_SNAPPY, .no_dictionary = true }, "\"SNAPPY\",\"PLAIN\",\"1\"\n" },
		{ { .codec = SQL_GZIP, .v2 = true }, "\"GZIP\",\"RLE_DICTIONARY\",\"2\"\n" },
		{ { .codec = SQL_PLAIN }, "\"UNCOMPRESSED\",\"PLAIN_DICTIONARY\",\"1\"\n" },
	};
	static const struct sql_column column[] = { { .name = "s", .type = "string" } };
	struct fix f;

	fix_open(&f, &small);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sql_file file = { 0 };
		struct sql_table t = { .schema = "x", .name = "f", .columns = column, .n_columns = 1, .format = SQL_PARQUET,
				       .files = &file, .n_files = 1 };
		struct sql_job job = { .text = "SELECT 'abcabcabcabc' || (i % 3) AS s FROM range(10000) r(i)",
				       .output = SQL_TO_PARQUET, .out_path = arena_printf(&f.a, "%s/q%zu", f.dir, i),
				       .parquet = cases[i].q };
		const char *text, *got;

		assert_int_equal(file_mkdirs(job.out_path, 0700, &f.e), 0);
		if (sql_run(f.s, &job, &f.a, &f.r, &f.e) < 0)
			fail_msg("%s", f.e.msg);
		file.path = f.r.files[0].path;
		text = arena_printf(&f.a, "SELECT compression, encodings, (SELECT format_version FROM parquet_file_metadata('%s')) v"
				    " FROM parquet_metadata('%s')", file.path, file.path);
		got = csv(&f, &(struct sql_job){ .text = text, .tables = &t, .n_tables = 1 });
		if (!got)
			fail_msg("%s", f.e.msg);
		assert_string_equal(strchr(got, '\n') + 1, cases[i].want);
	}
	fix_close(&f);
}

TEST(sql_columns_that_a_file_lacks_are_null)
{
	static const struct sql_column old[] = { { .name = "ID", .type = "string" } };
	struct sql_file in = { 0 }, files[1] = { 0 };
	const char *const part[] = { "2026-01-01", "ppg" };
	struct sql_table t;
	struct fix f;

	fix_open(&f, &small);
	in.path = write_file(&f, "in.json", "{\"ID\":\"a\"}\n");
	t = (struct sql_table){ .schema = "x",
				.name = "rows",
				.columns = old,
				.n_columns = 1,
				.format = SQL_JSON,
				.files = &in,
				.n_files = 1 };
	assert_int_equal(file_mkdirs(path(&f, "old"), 0700, &f.e), 0);
	assert_int_equal(sql_run(f.s,
				 &(struct sql_job){ .text = "SELECT * FROM x.rows",
						    .tables = &t,
						    .n_tables = 1,
						    .output = SQL_TO_PARQUET,
						    .out_path = path(&f, "old") },
				 &f.a, &f.r, &f.e),
			 0);
	files[0] = (struct sql_file){ f.r.files[0].path, part };
	t = sensor(files, 1, SQL_PARQUET);
	assert_string_equal(csv(&f, &(struct sql_job){ .text = "SELECT id, seq, gone FROM sensor",
						       .schema = "audience",
						       .tables = &t,
						       .n_tables = 1 }),
			    "\"id\",\"seq\",\"gone\"\n\"a\",,\n");
	fix_close(&f);
}

TEST(sql_many_partitions_come_by_a_join)
{
	enum { N = 100 };
	struct sql_file files[N];
	const char *parts[N][2];
	struct sql_table t;
	struct fix f;

	fix_open(&f, &small);
	for (int i = 0; i < N; i++) {
		const char *name = arena_printf(&f.a, "f%d.json", i);

		parts[i][0] = arena_printf(&f.a, "2026-01-%02d", i % 28 + 1);
		parts[i][1] = arena_printf(&f.a, "m%d", i);
		files[i].path = write_file(&f, name, arena_printf(&f.a, "{\"seq\":%d}\n", i));
		files[i].partition = parts[i];
	}
	t = sensor(files, N, SQL_JSON);
	assert_string_equal(
		csv(&f, &(struct sql_job){ .text = "SELECT seq, dt, modality FROM sensor WHERE "
						   "modality IN ('m7', 'm99') ORDER BY 1",
					   .schema = "audience",
					   .tables = &t,
					   .n_tables = 1 }),
		"\"seq\",\"dt\",\"modality\"\n\"7\",\"2026-01-08\",\"m7\"\n\"99\",\"2026-01-16\","
		"\"m99\"\n");
	fix_close(&f);
}

TEST(sql_empty_tables_csv_files_and_views)
{
	static const struct sql_column cols[] = { { .name = "a", .type = "int" },
						  { .name = "b", .type = "string" } };
	struct sql_file file = { 0 };
	struct sql_table t[3];
	struct fix f;

	fix_open(&f, &small);
	file.path = write_file(&f, "in.csv", "x;y\n1;'p;q'\n2;\n");
	t[0] = (struct sql_table){
		.schema = "d", .name = "empty", .columns = cols, .n_columns = 2
	};
	t[1] = (struct sql_table){ .schema = "d",
				   .name = "csv",
				   .columns = cols,
				   .n_columns = 2,
				   .format = SQL_CSV,
				   .csv_header = true,
				   .csv_delim = ';',
				   .csv_quote = '\'',
				   .files = &file,
				   .n_files = 1 };
	t[2] = (struct sql_table){ .schema = "d",
				   .name = "v",
				   .view_sql = "SELECT a, upper(b) AS b FROM d.csv -- all" };
	assert_string_equal(
		csv(&f,
		    &(struct sql_job){
			    .text = "SELECT * FROM v UNION ALL SELECT * FROM empty ORDER BY a",
			    .schema = "d",
			    .tables = t,
			    .n_tables = 3 }),
		"\"a\",\"b\"\n\"1\",\"P;Q\"\n\"2\",\n");
	t[2].view_sql = "SELECT 1; SELECT 2";
	assert_null(
		csv(&f, &(struct sql_job){
				.text = "SELECT 1", .schema = "d", .tables = t, .n_tables = 3 }));
	assert_int_equal(f.e.code, ERR_DENIED);
	fix_close(&f);
}

TEST(sql_parquet_by_partition_with_parameters)
{
	static const struct sql_column cols[] = { { .name = "v", .type = "bigint" } };
	static const struct sql_column keys[] = { { .name = "dt", .type = "date" },
						  { .name = "k", .type = "string" } };
	struct sql_param p[] = { { .name = "n", .value = "10" },
				 { .name = "unused", .value = NULL } };
	struct sql_job job = {
		.text = "SELECT i, DATE '2026-01-01' + CAST(i % 2 AS INTEGER), CASE WHEN i > 7 "
			"THEN NULL ELSE 'a''b' END FROM range(CAST($n AS BIGINT)) r(i) -- end",
		.output = SQL_TO_PARQUET,
		.out_columns = cols,
		.n_out_columns = 1,
		.out_keys = keys,
		.n_out_keys = 2,
		.params = p,
		.n_params = 2
	};
	struct fix f;

	fix_open(&f, &small);
	job.out_path = path(&f, "parts");
	assert_int_equal(file_mkdirs(job.out_path, 0700, &f.e), 0);
	if (sql_run(f.s, &job, &f.a, &f.r, &f.e) < 0)
		fail_msg("%s", f.e.msg);
	assert_int_equal(f.r.rows, 10);
	assert_int_equal(f.r.n_files, 4);
	assert_string_equal(f.r.files[0].partition[0], "2026-01-01");
	assert_string_equal(f.r.files[0].partition[1], "a'b");
	assert_int_equal(f.r.files[0].rows, 4);
	assert_null(f.r.files[1].partition[1]);
	assert_true(f.r.files[0].bytes > 0);
	job.text = "SELECT 1";
	err_clear(&f.e);
	assert_int_equal(sql_run(f.s, &job, &f.a, &f.r, &f.e), ERR_INVALID);
	assert_string_equal(f.e.msg, "the statement has 1 columns, the table 3");
	job.text = "SELECT CAST($n AS INTEGER)";
	err_clear(&f.e);
	assert_int_equal(sql_run(f.s, &job, &f.a, &f.r, &f.e), ERR_INVALID);
	fix_close(&f);
}

TEST(sql_parquet_of_no_rows_is_no_file)
{
	struct sql_param p = { .name = NULL, .value = "5" };
	struct sql_job job = { .text = "SELECT 1 AS a WHERE 3 > CAST(? AS INTEGER)",
			       .output = SQL_TO_PARQUET,
			       .params = &p,
			       .n_params = 1 };
	struct fix f;

	fix_open(&f, &small);
	job.out_path = path(&f, "none");
	assert_int_equal(file_mkdirs(job.out_path, 0700, &f.e), 0);
	if (sql_run(f.s, &job, &f.a, &f.r, &f.e) < 0)
		fail_msg("%s", f.e.msg);
	assert_int_equal(f.r.n_files, 0);
	assert_int_equal(f.r.rows, 0);
	fix_close(&f);
}

TEST(sql_parameters_are_values_never_text)
{
	struct sql_param p[] = { { .name = "x", .value = "1' OR '1'='1" } };
	struct fix f;

	fix_open(&f, &small);
	assert_string_equal(csv(&f, &(struct sql_job){ .text = "SELECT $x AS a, '$x' AS b",
						       .params = p,
						       .n_params = 1 }),
			    "\"a\",\"b\"\n\"1' OR '1'='1\",\"$x\"\n");
	assert_null(
		csv(&f, &(struct sql_job){ .text = "SELECT $y AS a", .params = p, .n_params = 1 }));
	assert_string_equal(f.e.msg, "parameter y has no value");
	fix_close(&f);
}

TEST(sql_check_gives_columns_and_explain_runs)
{
	struct sql_job job = { .text = "SELECT 1 AS a, 'x' AS b", .output = SQL_TO_NOTHING };
	struct fix f;

	fix_open(&f, &small);
	assert_int_equal(sql_run(f.s, &job, &f.a, &f.r, &f.e), 0);
	assert_int_equal(f.r.n_columns, 2);
	assert_string_equal(f.r.columns[1].name, "b");
	assert_string_equal(f.r.columns[0].type, "integer");
	assert_non_null(query(&f, "EXPLAIN SELECT 1"));
	assert_non_null(query(&f, "explain analyze SELECT 1"));
	assert_null(query(&f, "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1"));
	assert_int_equal(f.e.code, ERR_DENIED);
	job.text = "SELECT nosuch FROM range(1)";
	err_clear(&f.e);
	assert_int_equal(sql_run(f.s, &job, &f.a, &f.r, &f.e), ERR_INVALID);
	assert_non_null(strstr(f.e.msg, "nosuch"));
	fix_close(&f);
}

TEST(sql_tables_that_a_statement_names)
{
	struct sql_name *n;
	size_t count;
	struct fix f;

	fix_open(&f, &small);
	assert_int_equal(sql_tables(f.s,
				    "WITH c AS (SELECT * FROM \"My\".T1) SELECT * FROM c, "
				    "audience.sensor s, z WHERE a IN (SELECT 1 FROM q)",
				    &f.a, &n, &count, &f.e),
			 0);
	assert_int_equal(count, 4);
	assert_string_equal(n[0].schema, "my");
	assert_string_equal(n[0].name, "t1");
	assert_int_equal(sql_tables(f.s, "SELECT FROM", &f.a, &n, &count, &f.e), ERR_INVALID);
	err_clear(&f.e);
	assert_int_equal(sql_tables(f.s, "DROP TABLE x", &f.a, &n, &count, &f.e), ERR_DENIED);
	err_clear(&f.e);
	assert_int_equal(sql_tables(f.s, "SELECT 1; SELECT 2", &f.a, &n, &count, &f.e), ERR_DENIED);
	fix_close(&f);
}

TEST(sql_reaches_nothing_but_its_tables)
{
	static const char *const cases[] = {
		"SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM read_csv('/etc/passwd')",
		"SELECT * FROM '/etc/passwd'",
		"SELECT * FROM glob('/etc/*')",
		"SELECT * FROM read_parquet('/etc/*.parquet')",
		"SELECT * FROM read_blob('/proc/self/environ')",
		"SELECT * FROM read_text('../../../etc/passwd')",
		"SELECT * FROM read_csv('http://127.0.0.1:1/x')",
		"COPY (SELECT 1) TO '/tmp/mulgil-escape'",
		"ATTACH '/tmp/mulgil-escape.db'",
		"INSTALL httpfs",
		"LOAD httpfs",
		"SET memory_limit='100GB'",
		"RESET threads",
		"PRAGMA threads=64",
		"CREATE TABLE t (a INT)",
		"CREATE MACRO m() AS 1",
		"EXPORT DATABASE '/tmp/mulgil-escape'",
		"CALL enable_logging()",
		"SELECT 1; DROP TABLE x",
		"USE memory",
		"CHECKPOINT",
		"EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/mulgil-escape'",
		"SELECT * FROM query('COPY (SELECT 1) TO ''/tmp/mulgil-escape''')",
		"PREPARE p AS SELECT 1",
		"",
		"  ",
		"SELECT 1) TO '/tmp/mulgil-escape' --",
	};
	struct fix f;

	fix_open(&f, &small);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (query(&f, cases[i]))
			fail_msg("%s was not refused", cases[i]);
		assert_true(f.e.code == ERR_DENIED || f.e.code == ERR_INVALID);
	}
	assert_false(file_exists("/tmp/mulgil-escape"));
	check(&f, "SELECT 1 AS a", "\"a\"\n\"1\"\n");
	fix_close(&f);
}

TEST(sql_bombs_end_at_the_limits)
{
	struct fix f;

#ifdef __SANITIZE_THREAD__
	skip_test("a forked worker that runs out of memory hangs in ThreadSanitizer's own locks");
#endif
	fix_open(&f, &small);
	if (HAVE_MEMORY_LIMIT) {
		assert_null(query(&f, "SELECT repeat('x', 4000000000)"));
		assert_true(f.e.code == ERR_LIMIT || f.e.code == ERR_INVALID ||
			    f.e.code == ERR_INTERNAL);
	}
	assert_null(csv(&f, &(struct sql_job){
				    .text = "SELECT i, repeat('x', 100) FROM range(1000000) r(i)",
				    .out_max_bytes = MIB }));
	assert_int_equal(f.e.code, ERR_LIMIT);
	assert_null(csv(&f, &(struct sql_job){ .text = "SELECT count(*) FROM range(100000000) "
						       "a(i), range(1000000) b(j) WHERE i + j = 3",
					       .timeout_ms = 300 }));
	assert_int_equal(f.e.code, ERR_TIMEOUT);
	check(&f, "SELECT 1 AS a", "\"a\"\n\"1\"\n");
	fix_close(&f);
}

TEST(sql_error_in_a_late_row_fails_the_job)
{
	struct fix f;

	fix_open(&f, &small);
	assert_null(query(&f, "SELECT CASE WHEN i = 999999 THEN error('late') ELSE i END FROM "
			      "range(1000000) r(i)"));
	assert_int_equal(f.e.code, ERR_INVALID);
	assert_non_null(strstr(f.e.msg, "late"));
	fix_close(&f);
}

struct cancelled {
	struct fix *f;
	struct sql_cancel *c;
};

static void *fire(void *arg)
{
	sql_cancel_fire(arg);
	return NULL;
}

TEST(sql_cancel_ends_a_running_job)
{
	struct sql_cancel *c = sql_cancel_new();
	struct fix f;
	pthread_t t;

	fix_open(&f, &small);
	t = thread_start("fire", fire, c);
	assert_null(csv(&f, &(struct sql_job){ .text = "SELECT count(*) FROM range(100000000) "
						       "a(i), range(1000000) b(j) WHERE i + j = 3",
					       .cancel = c }));
	assert_int_equal(f.e.code, ERR_CANCELLED);
	thread_join(t);
	c = sql_cancel_free(c);
	check(&f, "SELECT 1 AS a", "\"a\"\n\"1\"\n");
	fix_close(&f);
}

TEST(sql_spills_to_disk_and_leaves_nothing)
{
	struct sql_pool_opts o = { .children = 1, .memory_bytes = 64 * MIB };
	struct fix f;
	struct dirent *d;
	DIR *dir;

	fix_open(&f, &o);
	check(&f,
	      "SELECT count(*) AS n FROM (SELECT i, repeat('x', 60) || i AS s FROM range(1500000) "
	      "r(i) ORDER BY s DESC LIMIT 1400000)",
	      "\"n\"\n\"1400000\"\n");
	f.s = sql_close(f.s);
	dir = opendir(f.dir);
	while ((d = readdir(dir)))
		assert_null(strstr(d->d_name, "sql-"));
	(void)closedir(dir);
	fix_close(&f);
}

TEST(sql_small_jobs_are_quick_enough_to_print)
{
	struct fix f;
	int64_t t0;

	fix_open(&f, &small);
	check(&f, "SELECT 1 AS a", "\"a\"\n\"1\"\n");
	t0 = clock_mono_ns();
	for (int i = 0; i < 20; i++)
		check(&f, "SELECT 1 AS a", "\"a\"\n\"1\"\n");
	print_message("# %.1f ms per small job\n", (double)(clock_mono_ns() - t0) / 20e6);
	fix_close(&f);
}
