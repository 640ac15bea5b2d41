// SPDX-License-Identifier: Apache-2.0
/* Sets Glue up and calls it. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "os/file.h"

static int emit(void *self, struct meta_tx *tx, const struct event *ev, struct err *e)
{
	struct fixture *f = self;
	char line[2000];

	if (strcmp(ev->source, "aws.glue") != 0)
		return 0;
	assert_true(f->n_events < EVENTS_MAX);
	(void)snprintf(line, sizeof(line), "%s %s", ev->detail_type, ev->detail);
	f->events_seen[f->n_events++] = strdup(line);
	return 0;
}

static void open_sql(struct fixture *f)
{
	struct sql_pool_opts o = { .program = getenv("MULGIL_SQL"),
				   .scratch = f->dir,
				   .children = 1,
				   .memory_bytes = 256 * MIB };

	if (o.program && *o.program && sql_open_pool(&o, &f->sql, &f->e) < 0)
		fail_msg("%s", f->e.msg);
}

static void open_all(struct fixture *f)
{
	struct s3_opts s = { .region = "ap-northeast-2", .account = "123456789012" };
	struct glue_opts g = { .region = "ap-northeast-2", .account = "123456789012" };

	err_clear(&f->e);
	assert_int_equal(meta_open_sqlite(arena_printf(&f->a, "%s/meta", f->dir), &f->meta, &f->e),
			 0);
	assert_int_equal(blob_open_files(arena_printf(&f->a, "%s/blob", f->dir), &f->blobs, &f->e),
			 0);
	open_sql(f);
	f->events = (struct events_port){ .self = f, .emit_tx = emit };
	s.meta = g.meta = f->meta;
	s.blob = g.blobs = f->blobs;
	s.events = f->events;
	f->s3 = s3_new(&s);
	assert_int_equal(s3_start(f->s3, &f->e), 0);
	f->s3_port = s3_port(f->s3);
	g.s3 = &f->s3_port;
	g.events = &f->events;
	g.sql = f->sql;
	g.staging = arena_printf(&f->a, "%s/staging", f->dir);
	if (glue_new(&g, &f->glue, &f->e) < 0 || glue_start(f->glue, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	f->ops = op_registry_new();
	op_registry_add(f->ops, &s3_service, f->s3);
	op_registry_add(f->ops, &glue_service, f->glue);
	op_registry_context(f->ops, "ap-northeast-2", VIEW("http://127.0.0.1:4566"));
}

static void close_all(struct fixture *f)
{
	f->ops = op_registry_free(f->ops);
	f->glue = glue_free(f->glue);
	f->sql = sql_close(f->sql);
	f->s3 = s3_free(f->s3);
	f->blobs = blob_close(f->blobs);
	f->meta = meta_close(f->meta);
}

struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "%s", unit_tmpdir());
	arena_init(&f->a, GIB);
	open_all(f);
	ok(f, "s3:CreateBucket",
	   "{'Bucket':'lake','CreateBucketConfiguration':{'LocationConstraint':'ap-northeast-2'}}");
	return f;
}

void fixture_restart(struct fixture *f)
{
	close_all(f);
	open_all(f);
}

void fixture_free(struct fixture *f)
{
	close_all(f);
	for (size_t i = 0; i < f->n_events; i++)
		free((char *)(uintptr_t)f->events_seen[i]);
	arena_clear(&f->a);
	free(f);
}

void fixture_need_sql(struct fixture *f)
{
	if (f->sql)
		return;
	fixture_free(f);
	skip_test("no libduckdb in this build");
}

const struct json *call(struct fixture *f, const char *op, const char *in)
{
	const struct op_caller caller = { "123456789012", "AKIDEXAMPLE", "arn:aws:iam::123456789012:root",
					  "192.0.2.7", f->once };
	char *s = arena_str(&f->a, view_str(in));
	const char *colon = strchr(op, ':');
	const struct json *v, *ret = NULL;

	for (char *p = s; *p; p++)
		if (*p == '\'')
			*p = '"';
	err_clear(&f->e);
	v = json_parse(&f->a, view_str(s), JSON_DEPTH, &f->e);
	if (!v)
		fail_msg("%s: %s", in, f->e.msg);
	if (op_call(f->ops, arena_str(&f->a, view_of(op, (size_t)(colon - op))), colon + 1, v,
		    &caller, &f->a, &ret, &f->e) < 0)
		return NULL;
	return ret;
}

const struct json *ok(struct fixture *f, const char *op, const char *in)
{
	const struct json *v = call(f, op, in);

	if (!v)
		fail_msg("%s %s: %s", op, in, f->e.msg);
	return v;
}

void fails(struct fixture *f, const char *op, const char *in, const char *code, const char *message)
{
	const struct aws_error *w;

	if (call(f, op, in))
		fail_msg("%s %s went well, %s was expected", op, in, code);
	w = f->e.wire;
	if (!w || strcmp(w->code, code) != 0)
		fail_msg("%s %s: %s (%s), %s was expected", op, in, w ? w->code : "no wire error",
			 f->e.msg, code);
	if (message && !strcasestr(f->e.msg, message))
		fail_msg("%s %s: '%s', '%s' was expected", op, in, f->e.msg, message);
}

const char *text(struct fixture *f, const struct json *o, const char *member)
{
	struct view v = json_get_str(o, member);

	return v.p ? arena_str(&f->a, v) : "";
}

void put(struct fixture *f, const char *key, const char *content)
{
	struct s3_new o = { .bucket = "lake",
			    .key = key,
			    .reason = "PutObject",
			    .requester = "123456789012",
			    .source_ip = "192.0.2.7" };

	err_clear(&f->e);
	if (f->s3_port.put(f->s3_port.self, &o, view_str(content), NULL, &f->e) < 0)
		fail_msg("%s", f->e.msg);
}

const char *get(struct fixture *f, const char *key)
{
	struct view v;

	err_clear(&f->e);
	if (f->s3_port.get(f->s3_port.self, "lake", key, 64 * MIB, &f->a, &v, &f->e) < 0)
		return NULL;
	return arena_str(&f->a, v);
}

void make_tables(struct fixture *f)
{
	ok(f, "glue:CreateDatabase", "{'DatabaseInput':{'Name':'D'}}");
	ok(f, "glue:CreateTable",
	   "{'DatabaseName':'d','TableInput':{'Name':'raw','StorageDescriptor':{'Columns':[{'Name':"
	   "'Id','Type':'string'},"
	   "{'Name':'n','Type':'int'}],'Location':'s3://lake/"
	   "raw','InputFormat':'org.apache.hadoop.mapred.TextInputFormat',"
	   "'SerdeInfo':{'SerializationLibrary':'org.openx.data.jsonserde.JsonSerDe'}},'TableType':"
	   "'EXTERNAL_TABLE'}}");
	ok(f, "glue:CreateTable",
	   "{'DatabaseName':'d','TableInput':{'Name':'out','StorageDescriptor':{'Columns':[{'Name':"
	   "'id','Type':'string'},"
	   "{'Name':'total','Type':'bigint'}],'Location':'s3://lake/out/',"
	   "'InputFormat':'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',"
	   "'SerdeInfo':{'SerializationLibrary':'org.apache.hadoop.hive.ql.io.parquet.serde."
	   "ParquetHiveSerDe'}},"
	   "'PartitionKeys':[{'Name':'dt','Type':'date'}]}}");
}
