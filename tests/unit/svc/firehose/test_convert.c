/* SPDX-License-Identifier: Apache-2.0 */
/* Format conversion and the layout stage by themselves: configurations, items, Parquet, error documents. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/limits.h"
#include "data/envelope.h"
#include "data/layout.h"
#include "os/file.h"
#include "svc/firehose/convert.h"
#include "svc/firehose/firehose_int.h"
#include "unit.h"

#define ROLE "arn:aws:iam::123456789012:role/firehose"

struct fix {
	struct arena a;
	struct err e;
	struct firehose f;
	struct fh_stream s;
	struct fh_conversion c;
	struct glue_port glue;
	struct glue_column columns[4];
	struct glue_table table; /* what the catalog has; no name: none */
};

static int table(void *self, const char *database, const char *name, struct arena *a, struct glue_table *ret, struct err *e)
{
	struct fix *f = self;

	if (!f->table.name || strcmp(database, "db") != 0 || strcmp(name, "t") != 0)
		return err_set(e, ERR_NOENT, "table %s.%s does not exist", database, name);
	*ret = f->table;
	ret->version_id = arena_str(a, view_str(f->table.version_id));
	return 0;
}

static struct fix *fix_new(void)
{
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	arena_init(&f->a, GIB);
	f->columns[0] = (struct glue_column){ "id", "bigint" };
	f->columns[1] = (struct glue_column){ "tags", "array<struct<k:string,v:double>>" };
	f->columns[2] = (struct glue_column){ "at", "timestamp" };
	f->columns[3] = (struct glue_column){ "more", "binary" };
	f->table = (struct glue_table){ .database = "db", .name = "t", .columns = f->columns, .n_columns = 3, .version_id = "1" };
	f->glue = (struct glue_port){ .self = f, .table = table };
	f->f.glue = &f->glue;
	f->f.region = arena_str(&f->a, VIEW("ap-northeast-2"));
	f->f.account = arena_str(&f->a, VIEW("123456789012"));
	f->f.staging = arena_str(&f->a, view_str(unit_tmpdir()));
	f->f.sql = (struct sql *)f; /* is there; fix_sql() makes a real one */
	f->s.f = &f->f;
	f->s.name = "s";
	f->s.conversion = &f->c;
	return f;
}

static void fix_free(struct fix *f)
{
	arena_clear(&f->a);
	free(f);
}

static const struct json *text(struct fix *f, const char *s)
{
	char *copy = arena_str(&f->a, view_str(s));
	const struct json *v;

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	v = json_parse(&f->a, view_str(copy), JSON_DEPTH, &f->e);
	if (!v)
		fail_msg("%s: %s", s, f->e.msg);
	return v;
}

#define SCHEMA "'SchemaConfiguration':{'RoleARN':'" ROLE "','DatabaseName':'db','TableName':'t'}"
#define INPUT "'InputFormatConfiguration':{'Deserializer':{'OpenXJsonSerDe':{}}}"
#define OUTPUT "'OutputFormatConfiguration':{'Serializer':{'ParquetSerDe':{}}}"
#define PARQUET(members) "{" SCHEMA "," INPUT ",'OutputFormatConfiguration':{'Serializer':{'ParquetSerDe':{" members "}}}}"
#define TABLE(members) "{'SchemaConfiguration':{'RoleARN':'" ROLE "','DatabaseName':'db'," members "}," INPUT "," OUTPUT "}"

static int parse(struct fix *f, const char *s)
{
	struct fh_check x = { .a = &f->a, .f = &f->f, .creating = true, .stream = "s", .kind = "Extended", .e = &f->e };

	return fh__conversion_parse(&x, text(f, s), &f->c);
}

static void parsed(struct fix *f, const char *s)
{
	if (parse(f, s) < 0)
		fail_msg("%s", f->e.msg);
}

TEST(convert_refuses_each_member_by_name)
{
	static const char *const cases[][2] = {
		{ "{}", "SchemaConfiguration is needed when Enabled is true" },
		{ "{'SchemaConfiguration':{'TableName':'t'}}", "SchemaConfiguration.RoleARN is needed when Enabled is true" },
		{ "{'SchemaConfiguration':{'RoleARN':'x','DatabaseName':'db','TableName':'t'}}",
		  "SchemaConfiguration.RoleARN: invalid role ARN" },
		{ "{'SchemaConfiguration':{'RoleARN':'" ROLE "','TableName':'t'}}",
		  "SchemaConfiguration.DatabaseName is needed when Enabled is true" },
		{ TABLE("'CatalogId':'1'"), "SchemaConfiguration.TableName is needed when Enabled is true" },
		{ TABLE("'TableName':'t','Region':'eu-west-1'"),
		  "SchemaConfiguration.Region: only ap-northeast-2 is supported by mulgil" },
		{ TABLE("'TableName':'t','CatalogId':'1'"), "SchemaConfiguration.CatalogId: only 123456789012 is supported by mulgil" },
		{ TABLE("'TableName':'t','VersionId':'new'"), "SchemaConfiguration.VersionId: LATEST or a number is expected" },
		{ TABLE("'TableName':'t','VersionId':'7'"),
		  "SchemaConfiguration.VersionId: table db.t has version 1 now, and old versions are not kept" },
		{ TABLE("'TableName':'u'"), "SchemaConfiguration.TableName: table db.u does not exist" },
		{ "{" SCHEMA "}", "InputFormatConfiguration.Deserializer: either OpenXJsonSerDe or HiveJsonSerDe is needed when "
				  "Enabled is true" },
		{ "{" SCHEMA ",'InputFormatConfiguration':{'Deserializer':{'OpenXJsonSerDe':{},'HiveJsonSerDe':{}}}}",
		  "InputFormatConfiguration.Deserializer: either OpenXJsonSerDe or HiveJsonSerDe is needed when Enabled is true" },
		{ "{" SCHEMA ",'InputFormatConfiguration':{'Deserializer':{'HiveJsonSerDe':{'TimestampFormats':['millis','yy']}}}}",
		  "InputFormatConfiguration.Deserializer.HiveJsonSerDe.TimestampFormats: 'yy': years of two digits are not supported" },
		{ "{" SCHEMA "," INPUT "}", "OutputFormatConfiguration.Serializer.ParquetSerDe is needed when Enabled is true" },
		{ "{" SCHEMA "," INPUT ",'OutputFormatConfiguration':{'Serializer':{'OrcSerDe':{}}}}",
		  "OutputFormatConfiguration.Serializer.OrcSerDe is not supported by mulgil" },
		{ PARQUET("'BlockSizeBytes':67108864"), "OutputFormatConfiguration.Serializer.ParquetSerDe.BlockSizeBytes: only "
							"268435456, the default, is supported by mulgil" },
		{ PARQUET("'PageSizeBytes':65536"), "OutputFormatConfiguration.Serializer.ParquetSerDe.PageSizeBytes: only 1048576, the "
						    "default, is supported by mulgil" },
		{ PARQUET("'MaxPaddingBytes':1"), "OutputFormatConfiguration.Serializer.ParquetSerDe.MaxPaddingBytes: only 0, the "
						  "default, is supported by mulgil" },
	};
	struct fix *f = fix_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		err_clear(&f->e);
		assert_true(parse(f, cases[i][0]) < 0);
		assert_ptr_equal(f->e.wire, &FIREHOSE_INVALID);
		assert_string_equal(f->e.msg,
				    arena_printf(&f->a, "Extended.DataFormatConversionConfiguration.%s", cases[i][1]));
	}
	err_clear(&f->e);
	f->columns[0].type = "uniontype<int>";
	assert_true(parse(f, "{" SCHEMA "," INPUT "," OUTPUT "}") < 0);
	assert_string_equal(f->e.msg, "Extended.DataFormatConversionConfiguration.SchemaConfiguration.TableName: table db.t: column "
				      "id: uniontype is not supported");
	fix_free(f);
}

TEST(convert_takes_what_it_can_honour)
{
	struct fix *f = fix_new();

	parsed(f, PARQUET("'Compression':'GZIP','WriterVersion':'V2','EnableDictionaryCompression':false,'BlockSizeBytes':268435456,"
			  "'PageSizeBytes':1048576,'MaxPaddingBytes':0"));
	assert_int_equal(f->c.parquet.codec, SQL_GZIP);
	assert_true(f->c.parquet.v2 && f->c.parquet.no_dictionary);
	assert_null(fh__parquet_encoding(&f->c));
	parsed(f, TABLE("'TableName':'t','VersionId':'1','Region':'ap-northeast-2','CatalogId':'123456789012'"));
	assert_string_equal(f->c.version_id, "1");
	assert_int_equal(f->c.parquet.codec, SQL_SNAPPY);
	assert_true(!f->c.parquet.v2 && !f->c.parquet.no_dictionary);
	assert_string_equal(fh__parquet_encoding(&f->c), "hadoop-snappy");
	parsed(f, "{" SCHEMA ",'InputFormatConfiguration':{'Deserializer':{'OpenXJsonSerDe':{'CaseInsensitive':false,"
		  "'ConvertDotsInJsonKeysToUnderscores':true,'ColumnToJsonKeyMappings':{'at':'timestamp'}}}}," OUTPUT "}");
	assert_true(f->c.serde.case_sensitive && f->c.serde.dots && f->c.serde.n_mappings == 1);
	fix_free(f);
}

static struct fh_batch batch(struct fix *f, const char *const *data, size_t n)
{
	struct fh_batch b = { &f->a, ARENA_ARRAY(&f->a, struct fh_item, n), n };

	for (size_t i = 0; i < n; i++)
		b.v[i] = (struct fh_item){ .seq = i + 41, .at_ms = 1795380007089, .raw = view_str(data[i]), .data = view_str(data[i]) };
	return b;
}

static const char *query(struct fix *f, const char *path, const char *sql)
{
	struct sql_column columns[] = { { "id", "bigint", 0, 0 }, { "tags", "array<struct<k:string,v:double>>", 0, 0 },
					{ "at", "timestamp", 0, 0 }, { "more", "binary", 0, 0 } };
	struct sql_file file = { .path = path };
	struct sql_table t = { .schema = "db", .name = "t", .columns = columns, .n_columns = 4, .format = SQL_PARQUET,
			       .files = &file, .n_files = 1 };
	struct sql_job job = { .text = sql, .schema = "db", .tables = &t, .n_tables = 1, .output = SQL_TO_CSV,
			       .out_path = arena_printf(&f->a, "%s.csv", path) };
	struct sql_result r;
	struct view v = VIEW_NONE;

	if (sql_run(f->f.sql, &job, &f->a, &r, &f->e) < 0 || file_read(job.out_path, &f->a, MIB, &v, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	return arena_str(&f->a, v);
}

TEST(convert_items_to_parquet_and_documents)
{
	static const char *const data[] = {
		"{\"ID\":1,\"tags\":[{\"k\":\"a\",\"v\":0.5}],\"at\":\"2026-11-22 20:46:56.5\",\"more\":\"AP8=\"}",
		"{\"id\":\"x\"}", "{\"id\":2}{\"id\":3}", "{\"id\"", "", "{\"id\":4}",
	};
	struct sql_pool_opts o = { .children = 1, .memory_bytes = 256 * MIB, .program = getenv("MULGIL_SQL"),
				   .scratch = unit_tmpdir() };
	struct fix *f = fix_new();
	struct fh_schema *sc = NULL;
	struct fh_parquet q;
	struct fh_batch b = batch(f, data, ARRAY_LEN(data));
	struct buf rows, doc;

	buf_init(&rows, MIB);
	buf_init(&doc, MIB);
	assert_int_equal(sql_open_pool(&o, &f->f.sql, &f->e), 0);
	parsed(f, "{" SCHEMA "," INPUT "," OUTPUT "}");
	f->table.n_columns = 4; /* a column more since the stream was made: it counts from now on */
	f->table.version_id = "2";
	if (fh__schema_open(&f->s, &sc, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	b.v[5].failed = "processing-failed"; /* by a stage before: not looked at */
	assert_int_equal(fh__convert(&f->s, sc, &b, &f->e), 0);
	for (size_t i = 0; i < b.n; i++)
		if (fh__is_open(&b.v[i]))
			buf_add_view(&rows, b.v[i].data);
	assert_string_equal(b.v[1].failed, "format-conversion-failed");
	assert_string_equal(b.v[1].code, "DataFormatConversion.MalformedData");
	assert_string_equal(b.v[1].message, "Data does not match the schema. For input string: \"x\" (column id, bigint)");
	assert_string_equal(b.v[3].code, "DataFormatConversion.ParseError");
	assert_string_equal(b.v[4].code, "DataFormatConversion.MalformedData");
	assert_null(b.v[5].code);
	if (fh__parquet_make(&f->s, sc, buf_view(&rows), NULL, &f->a, &q, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	assert_int_equal(q.rows, 3);
	assert_string_equal(query(f, q.path, "SELECT id, tags, \"at\", hex(more) m FROM t ORDER BY id"),
			    "\"id\",\"tags\",\"at\",\"m\"\n\"1\",\"[{k=a, v=0.5}]\",\"2026-11-22 20:46:56.500\",\"00FF\"\n\"2\",,,\n\"3\",,,\n");
	fh__parquet_end(&q);
	assert_false(file_exists(q.dir));
	fh__convert_document(&f->s, &b.v[1], 1795380009000, &doc);
	assert_string_equal(doc.p, "{\"attemptsMade\":1,\"arrivalTimestamp\":1795380007089,\"lastErrorCode\":"
				   "\"DataFormatConversion.MalformedData\",\"lastErrorMessage\":\"Data does not match the schema. For "
				   "input string: \\\"x\\\" (column id, bigint)\",\"attemptEndingTimestamp\":1795380009000,\"rawData\":"
				   "\"eyJpZCI6IngifQ==\",\"sequenceNumber\":\"00000000000000000042\",\"subSequenceNumber\":0,"
				   "\"dataCatalogTable\":{\"catalogId\":\"123456789012\",\"databaseName\":\"db\",\"tableName\":\"t\","
				   "\"region\":\"ap-northeast-2\",\"versionId\":\"LATEST\",\"catalogArn\":null}}\n");
	fh__schema_free(sc);
	buf_clear(&rows);
	buf_clear(&doc);
	f->f.sql = sql_close(f->f.sql);
	fix_free(f);
}

TEST(convert_sees_that_a_table_changes_or_goes)
{
	struct fix *f = fix_new();
	struct fh_schema *sc = NULL, *other = NULL;

	parsed(f, "{" SCHEMA "," INPUT "," OUTPUT "}");
	assert_int_equal(fh__schema_open(&f->s, &sc, &f->e), 0);
	assert_int_equal(fh__schema_same(&f->s, sc, &f->e), 1);
	f->table.version_id = "2";
	assert_int_equal(fh__schema_same(&f->s, sc, &f->e), 0);
	f->c.version_id = "1";
	assert_true(fh__schema_open(&f->s, &other, &f->e) < 0);
	assert_string_equal(f->e.msg, "table db.t has version 2 now, and old versions are not kept");
	err_clear(&f->e);
	f->table.name = NULL;
	assert_true(fh__schema_same(&f->s, sc, &f->e) < 0);
	assert_string_equal(f->e.msg, "table db.t does not exist");
	fh__schema_free(sc);
	fix_free(f);
}

/* --- layouts --- */

static int stage_parse(struct fix *f, struct fh_processor *p, const struct fh_param *params, size_t n)
{
	struct fh_check x = { .a = &f->a, .f = &f->f, .creating = true, .stream = "s", .kind = "Extended", .e = &f->e };

	err_clear(&f->e);
	*p = (struct fh_processor){ .kind = FH_LAYOUT, .def = &fh__stage_layout, .params = params, .n_params = n };
	return p->def->parse(&x, p);
}

#define LAYOUT "mulgil:Layout"
#define NO_OTHERS "\"contact\":0,\"contact_sup\":0,\"has_energy\":0,\"has_rr\":0"

TEST(layout_stage_refuses_parameters_by_name)
{
	static const struct {
		struct fh_param v[2];
		size_t n;
		const char *message;
	} cases[] = {
		{ { { "Other", "1" } }, 1, "the parameter Other is not supported" },
		{ { { LAYOUT "Parameters", "{}" } }, 1, "the parameter mulgil:Layout is needed" },
		{ { { LAYOUT, "x@1" } }, 1, "layout x@1 is not in the catalog" },
		{ { { LAYOUT, "envelope" }, { LAYOUT "Parameters", "{}" } }, 2, "mulgil:LayoutParameters: the layout has to be named" },
		{ { { LAYOUT, "openbci.cyton@2" }, { LAYOUT "Parameters", "{\"gian\":1}" } }, 2, "mulgil:LayoutParameters: " },
		{ { { LAYOUT, "openbci.cyton@2" }, { LAYOUT "Parameters", "{" } }, 2, "mulgil:LayoutParameters: " },
	};
	struct fix *f = fix_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fh_processor p;
		const char *want = arena_printf(&f->a, "Extended.ProcessingConfiguration.Processors.mulgil:Layout: %s",
						cases[i].message);

		assert_true(stage_parse(f, &p, cases[i].v, cases[i].n) < 0);
		if (strncmp(f->e.msg, want, strlen(want)) != 0)
			fail_msg("%s", f->e.msg);
	}
	fix_free(f);
}

static struct view heart_rate(struct arena *a)
{
	/* ble.hr2a37@1: a length, flags (16 bit rate), rate */
	static const unsigned char two[] = { 2, 0x00, 72, 3, 0x01, 0x2c, 0x01 };

	return view_of(arena_dup(a, two, sizeof(two)), sizeof(two));
}

static void run_stage(struct fix *f, const struct fh_processor *p, struct fh_batch *b)
{
	assert_int_equal(p->def->run(&f->s, p, b, &f->e), 0);
}

TEST(layout_stage_makes_lines_of_whole_frames)
{
	static const struct fh_param named[] = { { LAYOUT, "ble.hr2a37@1" } };
	struct fix *f = fix_new();
	struct fh_item items[4] = { 0 };
	struct fh_batch b = { &f->a, items, ARRAY_LEN(items) };
	struct fh_processor p;
	struct view two = heart_rate(&f->a);

	assert_int_equal(stage_parse(f, &p, named, 1), 0);
	items[0].data = two;
	items[1].data = view_sub(two, 0, two.n - 1); /* its last frame is cut */
	items[2].data = VIEW("");
	items[3].data = two;
	items[3].dropped = true;
	run_stage(f, &p, &b);
	if (items[0].failed)
		fail_msg("%s: %s", items[0].code, items[0].message);
	assert_string_equal(arena_str(&f->a, items[0].data),
			    "{\"layout_id\":\"ble.hr2a37@1\",\"frame\":0,\"offset\":1,\"raw\":{\"hr16\":0," NO_OTHERS ",\"hr\":72},\"value\":{}}\n"
			    "{\"layout_id\":\"ble.hr2a37@1\",\"frame\":1,\"offset\":4,\"raw\":{\"hr16\":1," NO_OTHERS
			    ",\"hr\":300},\"value\":{}}\n");
	assert_string_equal(items[1].failed, "processing-failed");
	assert_string_equal(items[1].code, "mulgil:Layout.framing");
	assert_string_equal(items[1].message, "3 bytes are in no whole frame");
	assert_string_equal(items[2].message, "there is no frame");
	assert_null(items[3].failed);
	fix_free(f);
}

TEST(layout_stage_reads_what_the_envelope_says)
{
	static const struct fh_param by_envelope[] = { { LAYOUT, "envelope" } };
	struct fix *f = fix_new();
	struct fh_item items[4] = { 0 };
	struct fh_batch b = { &f->a, items, ARRAY_LEN(items) };
	struct envelope env = { .version = 1, .seq = 7, .t_tablet_ns = 1740000000123456789, .t_device = -5 };
	struct fh_processor p;
	struct buf bytes[3];

	for (int i = 0; i < 3; i++) {
		env.payload = i < 2 ? heart_rate(&f->a) : VIEW("\x05");
		env.layout = i == 1 ? 999 : layout_catalog_number(VIEW("ble.hr2a37@1"));
		buf_init(&bytes[i], KIB);
		envelope_build(&bytes[i], &env);
		items[i].data = buf_view(&bytes[i]);
	}
	items[3].data = VIEW("hello");
	assert_int_equal(stage_parse(f, &p, by_envelope, 1), 0);
	run_stage(f, &p, &b);
	assert_true(view_starts(items[0].data, VIEW("{\"layout_id\":\"ble.hr2a37@1\",\"stream_id\":\"00000000-0000-0000-0000-000000000000\","
						    "\"seq\":7,\"t_tablet_ns\":1740000000123456789,\"t_device\":-5,\"frame\":0,\"offset\":1,"
						    "\"raw\":{\"hr16\":0," NO_OTHERS ",\"hr\":72}")));
	assert_string_equal(items[1].code, "mulgil:Layout.no_layout");
	assert_string_equal(items[1].message, "layout number 999 is not in the catalog");
	assert_string_equal(items[2].code, "mulgil:Layout.framing");
	assert_string_equal(items[3].code, "mulgil:Layout.length");
	for (int i = 0; i < 3; i++)
		buf_clear(&bytes[i]);
	fix_free(f);
}
