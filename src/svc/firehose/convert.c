/* SPDX-License-Identifier: Apache-2.0 */
/* convert -- records by a Glue table's schema into Parquet, and what AWS says of those that do not fit. */
#include "svc/firehose/convert.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "base/limits.h"
#include "os/crypto.h"
#include "os/diag.h"
#include "os/file.h"
#include "svc/firehose/firehose_int.h"

#define MEMBER "DataFormatConversionConfiguration"
#define LATEST "LATEST"
#define ROWS_MAX (128 * MIB) /* of one item */
#define TOLD_MAX 64
#define BLOCK_BYTES (256 * (int64_t)MIB)
#define PAGE_BYTES ((int64_t)MIB)

struct fh_schema {
	struct arena arena;
	struct glue_table table;
	struct serde *serde;
	struct map told;  /* keys without a column that were spoken of */
	uint64_t dropped; /* records that had one */
};

/* --- the table --- */

static int look_up(const struct firehose *f, const struct fh_conversion *c, struct arena *a, struct glue_table *ret,
		   struct err *e)
{
	if (f->glue->table(f->glue->self, c->database, c->table, a, ret, e) < 0)
		return e->code;
	if (strcmp(c->version_id, LATEST) != 0 && strcmp(c->version_id, ret->version_id) != 0)
		return err_set(e, ERR_UNSUPPORTED, "table %s.%s has version %s now, and old versions are not kept", c->database,
			       c->table, ret->version_id);
	return 0;
}

static int make_serde(const struct fh_conversion *c, const struct glue_table *t, struct arena *a, struct serde **ret,
		      struct err *e)
{
	struct serde_column *v = ARENA_ARRAY(a, struct serde_column, t->n_columns + 1);

	if (t->view_sql)
		return err_set(e, ERR_INVALID, "table %s.%s is a view", c->database, c->table);
	for (size_t i = 0; i < t->n_columns; i++)
		v[i] = (struct serde_column){ t->columns[i].name, t->columns[i].type };
	if (serde_new(&c->serde, v, t->n_columns, ret, e) < 0)
		return err_ctx(e, "table %s.%s", c->database, c->table);
	return 0;
}

int fh__schema_open(struct fh_stream *s, struct fh_schema **ret, struct err *e)
{
	const struct fh_conversion *c = s->conversion;
	struct fh_schema *sc = calloc(1, sizeof(*sc));
	int rc;

	must(sc);
	arena_init(&sc->arena, 16 * MIB);
	map_init(&sc->told);
	rc = look_up(s->f, c, &sc->arena, &sc->table, e);
	if (!rc)
		rc = make_serde(c, &sc->table, &sc->arena, &sc->serde, e);
	if (rc < 0)
		fh__schema_free(sc);
	else
		*ret = sc;
	return rc;
}

struct fh_schema *fh__schema_free(struct fh_schema *sc)
{
	if (!sc)
		return NULL;
	serde_free(sc->serde);
	map_clear(&sc->told);
	arena_clear(&sc->arena);
	free(sc);
	return NULL;
}

int fh__schema_same(struct fh_stream *s, const struct fh_schema *sc, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct glue_table t = { 0 };
	int rc;

	arena_init(&a, 16 * MIB);
	rc = look_up(s->f, s->conversion, &a, &t, e);
	return rc < 0 ? rc : strcmp(t.version_id, sc->table.version_id) == 0;
}

/* --- configuration --- */

static int needed(const struct fh_check *x, const struct json *o, const char *name, const char **ret)
{
	struct view v = json_get_str(o, name);

	if (!v.n)
		return fh__invalid(x, MEMBER ".SchemaConfiguration.%s is needed when Enabled is true", name);
	*ret = arena_str(x->a, v);
	return 0;
}

/* A member of which only one value is served. */
static int only(const struct fh_check *x, const struct json *o, const char *name, const char *value, const char **ret)
{
	struct view v = json_get_str(o, name);

	*ret = value;
	if (v.n && !view_eq_str(v, value))
		return fh__invalid(x, MEMBER ".SchemaConfiguration.%s: only %s is supported by mulgil", name, value);
	return 0;
}

static int parse_schema(const struct fh_check *x, const struct json *o, struct fh_conversion *ret)
{
	struct view version = json_get_str(o, "VersionId");
	uint64_t n;

	if (!json_len(o))
		return fh__invalid(x, MEMBER ".SchemaConfiguration is needed when Enabled is true");
	if (needed(x, o, "RoleARN", &ret->role_arn) < 0 || needed(x, o, "DatabaseName", &ret->database) < 0 ||
	    needed(x, o, "TableName", &ret->table) < 0 || only(x, o, "Region", x->f->region, &ret->region) < 0 ||
	    only(x, o, "CatalogId", x->f->account, &ret->catalog_id) < 0)
		return x->e->code;
	if (!fh__is_role(view_str(ret->role_arn)))
		return fh__invalid(x, MEMBER ".SchemaConfiguration.RoleARN: invalid role ARN");
	if (version.n && !view_eq_str(version, LATEST) && !view_u64(version, INT64_MAX, &n))
		return fh__invalid(x, MEMBER ".SchemaConfiguration.VersionId: LATEST or a number is expected");
	ret->version_id = version.n ? arena_str(x->a, version) : LATEST;
	return 0;
}

static void parse_openx(const struct fh_check *x, const struct json *o, struct serde_opts *ret)
{
	const struct json *fold = json_get(o, "CaseInsensitive"), *map = json_get(o, "ColumnToJsonKeyMappings");
	struct serde_mapping *v = ARENA_ARRAY(x->a, struct serde_mapping, json_len(map) + 1);

	*ret = (struct serde_opts){ .kind = SERDE_OPENX, .mappings = v, .n_mappings = json_len(map) };
	ret->case_sensitive = fold && !json_is_true(fold);
	ret->dots = json_is_true(json_get(o, "ConvertDotsInJsonKeysToUnderscores"));
	for (size_t i = 0; i < json_len(map); i++)
		v[i] = (struct serde_mapping){ arena_view(x->a, map->obj.v[i].name),
					       arena_view(x->a, json_str(map->obj.v[i].value)) };
}

static void parse_hive(const struct fh_check *x, const struct json *o, struct serde_opts *ret)
{
	const struct json *list = json_get(o, "TimestampFormats");
	struct view *v = ARENA_ARRAY(x->a, struct view, json_len(list) + 1);

	*ret = (struct serde_opts){ .kind = SERDE_HIVE, .formats = v, .n_formats = json_len(list) };
	for (size_t i = 0; i < json_len(list); i++)
		v[i] = arena_view(x->a, json_str(json_at(list, i)));
}

static int parse_input(const struct fh_check *x, const struct json *o, struct fh_conversion *ret)
{
	const struct json *d = json_get(o, "Deserializer"), *openx = json_get(d, "OpenXJsonSerDe"),
			  *hive = json_get(d, "HiveJsonSerDe");
	struct err why = { 0 };

	if (!openx == !hive)
		return fh__invalid(x, MEMBER ".InputFormatConfiguration.Deserializer: either OpenXJsonSerDe or HiveJsonSerDe is "
				      "needed when Enabled is true");
	if (openx)
		parse_openx(x, openx, &ret->serde);
	else
		parse_hive(x, hive, &ret->serde);
	if (serde_check(&ret->serde, &why) < 0)
		return fh__invalid(x, MEMBER ".InputFormatConfiguration.Deserializer.HiveJsonSerDe.TimestampFormats: %s", why.msg);
	return 0;
}

/* What the engine does not let us choose is taken only as AWS has it when it is not chosen. */
static int dflt_only(const struct fh_check *x, const struct json *o, const char *name, int64_t dflt)
{
	if (json_int(json_get(o, name), dflt) != dflt)
		return fh__invalid(x, MEMBER ".OutputFormatConfiguration.Serializer.ParquetSerDe.%s: only %" PRId64
				      ", the default, is supported by mulgil", name, dflt);
	return 0;
}

static int parse_output(const struct fh_check *x, const struct json *o, struct fh_conversion *ret)
{
	const struct json *s = json_get(o, "Serializer"), *p = json_get(s, "ParquetSerDe"),
			  *dictionary = json_get(p, "EnableDictionaryCompression");
	struct view codec = json_get_str(p, "Compression");

	if (json_get(s, "OrcSerDe"))
		return fh__invalid(x, MEMBER ".OutputFormatConfiguration.Serializer.OrcSerDe is not supported by mulgil");
	if (!p)
		return fh__invalid(x, MEMBER ".OutputFormatConfiguration.Serializer.ParquetSerDe is needed when Enabled is true");
	if (dflt_only(x, p, "BlockSizeBytes", BLOCK_BYTES) < 0 || dflt_only(x, p, "PageSizeBytes", PAGE_BYTES) < 0 ||
	    dflt_only(x, p, "MaxPaddingBytes", 0) < 0)
		return x->e->code;
	ret->parquet = (struct sql_parquet){ .codec = view_eq_str(codec, "GZIP")	   ? SQL_GZIP
						      : view_eq_str(codec, "UNCOMPRESSED") ? SQL_PLAIN
											   : SQL_SNAPPY,
					     .no_dictionary = dictionary && !json_is_true(dictionary),
					     .v2 = view_eq_str(json_get_str(p, "WriterVersion"), "V2") };
	return 0;
}

/* Database and table have to be there, with columns that can be written. */
static int check_table(const struct fh_check *x, const struct fh_conversion *c)
{
	CLEANUP(serde_freep) struct serde *s = NULL;
	struct glue_table t = { 0 };
	struct err why = { 0 };
	const char *member = "TableName";

	if (look_up(x->f, c, x->a, &t, &why) < 0)
		member = why.code == ERR_UNSUPPORTED ? "VersionId" : member;
	else if (make_serde(c, &t, x->a, &s, &why) == 0)
		return 0;
	return fh__invalid(x, MEMBER ".SchemaConfiguration.%s: %s", member, why.msg);
}

int fh__conversion_parse(const struct fh_check *x, const struct json *o, struct fh_conversion *ret)
{
	*ret = (struct fh_conversion){ 0 };
	if (!x->f->sql || !x->f->glue)
		return fh__invalid(x, MEMBER ".Enabled: true is not supported by mulgil without mulgil-sql");
	if (parse_schema(x, json_get(o, "SchemaConfiguration"), ret) < 0 ||
	    parse_input(x, json_get(o, "InputFormatConfiguration"), ret) < 0 ||
	    parse_output(x, json_get(o, "OutputFormatConfiguration"), ret) < 0)
		return x->e->code;
	return x->creating ? check_table(x, ret) : 0;
}

/* --- items --- */

/* At 1, 10, 100, ... */
static bool is_round(uint64_t n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

static void tell_dropped(const struct fh_stream *s, struct fh_schema *sc, const struct serde_result *r)
{
	struct view key = view_str(r->first_dropped);
	bool known = map_get(&sc->told, key) || sc->told.n >= TOLD_MAX;

	sc->dropped++;
	if (!known)
		(void)map_put(&sc->told, key, sc);
	if (!known || is_round(sc->dropped))
		diag(DIAG_WARN, "firehose",
		     "%s: table %s.%s has no column for the key %s, which is left out; so were keys of %" PRIu64 " records so far", s->name,
		     sc->table.database, sc->table.name, r->first_dropped, sc->dropped);
}

static void convert_item(struct fh_stream *s, struct fh_schema *sc, struct fh_item *it, struct arena *a, struct buf *rows)
{
	struct serde_result r;
	enum serde_fault f;

	buf_reset(rows);
	f = serde_record(sc->serde, it->data, rows, &r);
	if (f == SERDE_OK) {
		it->size = it->data.n;
		it->data = arena_view(a, buf_view(rows));
		if (r.dropped)
			tell_dropped(s, sc, &r);
		return;
	}
	fh__fail(it, "format-conversion-failed",
		 f == SERDE_PARSE ? "DataFormatConversion.ParseError" : "DataFormatConversion.MalformedData",
		 f == SERDE_FULL ? "Data does not match the schema. The rows of the record are too long."
				 : arena_str(a, view_str(r.message)),
		 1);
}

int fh__convert(struct fh_stream *s, struct fh_schema *sc, struct fh_batch *b, struct err *e)
{
	struct buf rows;

	(void)e;
	buf_init(&rows, ROWS_MAX);
	for (size_t i = 0; i < b->n; i++)
		if (fh__is_open(&b->v[i]))
			convert_item(s, sc, &b->v[i], b->a, &rows);
	buf_clear(&rows);
	return 0;
}

/* --- Parquet --- */

static int run(struct fh_stream *s, const struct fh_schema *sc, const char *lines, const char *dir, struct arena *a,
	       struct sql_result *ret, struct err *e)
{
	size_t n = sc->table.n_columns;
	struct sql_column *staged = ARENA_ARRAY(a, struct sql_column, n), *out = ARENA_ARRAY(a, struct sql_column, n);
	struct sql_file file = { .path = lines };
	struct sql_table t = { .schema = "firehose", .name = "rows", .columns = staged, .n_columns = n, .format = SQL_JSON,
			       .files = &file, .n_files = 1 };
	struct sql_job job = { .text = "SELECT * FROM firehose.rows", .tables = &t, .n_tables = 1, .output = SQL_TO_PARQUET,
			       .out_path = dir, .out_columns = out, .n_out_columns = n,
			       .parquet = s->conversion->parquet };

	for (size_t i = 0; i < n; i++) {
		staged[i] = (struct sql_column){ .name = arena_printf(a, "c%zu", i), .type = serde_stage_type(sc->serde, i) };
		out[i] = (struct sql_column){ .name = sc->table.columns[i].name, .type = serde_type(sc->serde, i) };
	}
	return sql_run(s->f->sql, &job, a, ret, e);
}

/* Nothing here has to outlive a crash: it is made again. */
static int write_rows(const char *path, struct view rows, struct err *e)
{
	CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, ERR_IO, "rows of a delivery");
	return file_write_all(fd, rows.p, rows.n, e);
}

static int make_dirs(const char *dir, const char *out, struct err *e)
{
	if (mkdir(dir, 0700) < 0 || mkdir(out, 0700) < 0)
		return err_sys(e, ERR_IO, "a folder of a delivery");
	return 0;
}

static void remove_tree(const char *dir)
{
	struct err e = { 0 };

	if (file_remove_tree(dir, &e) < 0)
		diag(DIAG_WARN, "firehose", "%s", e.msg);
}

int fh__parquet_make(struct fh_stream *s, const struct fh_schema *sc, struct view rows, const char *rows_path, struct arena *a,
		     struct fh_parquet *ret, struct err *e)
{
	struct sql_result res = { 0 };
	char id[UUID_TEXT];
	const char *dir, *lines, *out;
	int rc;

	uuid7(id);
	dir = arena_printf(a, "%s/%s", s->f->staging, id);
	out = arena_printf(a, "%s/out", dir);
	lines = rows_path ? rows_path : arena_printf(a, "%s/rows.json", dir);
	rc = make_dirs(dir, out, e);
	if (!rc && !rows_path)
		rc = write_rows(lines, rows, e);
	if (!rc)
		rc = run(s, sc, lines, out, a, &res, e);
	if (!rc && res.n_files != 1)
		rc = err_set(e, ERR_INTERNAL, "%zu files instead of one", res.n_files);
	if (rc < 0) {
		remove_tree(dir);
		return err_ctx(e, "records to Parquet");
	}
	*ret = (struct fh_parquet){ .dir = dir, .path = res.files[0].path, .rows = res.files[0].rows, .bytes = res.files[0].bytes };
	return 0;
}

void fh__parquet_end(const struct fh_parquet *p)
{
	remove_tree(p->dir);
}

/* --- partitions --- */

static bool registers(const struct glue_table *t)
{
	for (size_t i = 0; i < t->n_parameters; i++)
		if (strcmp(t->parameters[i].key, "mulgil.partitions") == 0)
			return strcmp(t->parameters[i].value, "register") == 0 && t->n_partition_keys && t->location;
	return false;
}

/* <name>=<value>/ for each key; *ret_n bytes of them. */
static bool values_of(const struct glue_table *t, struct view path, struct arena *a, const char **values, size_t *ret_n)
{
	struct view rest = path, segment;

	for (size_t i = 0; i < t->n_partition_keys; i++) {
		struct view name = view_str(t->partition_keys[i].name);

		if (!view_split(&rest, '/', &segment) || !rest.p || segment.n <= name.n + 1 || !view_starts(segment, name) ||
		    segment.p[name.n] != '=')
			return false;
		values[i] = arena_str(a, view_from(segment, name.n + 1));
	}
	*ret_n = (size_t)(rest.p - path.p);
	return true;
}

int fh__partition_tx(const struct fh_stream *s, struct meta_tx *tx, const struct fh_schema *sc, const char *bucket,
		     const char *key, struct err *e)
{
	const struct glue_table *t = &sc->table;
	CLEANUP(arena_clear) struct arena a;
	const char **values, *object, *at;
	struct view base;
	size_t n;

	arena_init(&a, MIB);
	if (!registers(t))
		return 0;
	at = arena_printf(&a, "%s%s", t->location, view_ends(view_str(t->location), VIEW("/")) ? "" : "/");
	base = view_str(at);
	object = arena_printf(&a, "s3://%s/%s", bucket, key);
	values = ARENA_ARRAY(&a, const char *, t->n_partition_keys);
	if (!view_starts(view_str(object), base) || !values_of(t, view_from(view_str(object), base.n), &a, values, &n))
		return 0;
	return s->f->glue->partition_tx(s->f->glue->self, tx, t->database, t->name, values, t->n_partition_keys,
					arena_str(&a, view_sub(view_str(object), 0, base.n + n)), e);
}

const char *fh__parquet_encoding(const struct fh_conversion *c)
{
	/* Though the object is plain Parquet.  Of the other codecs nothing is known. */
	return c->parquet.codec == SQL_SNAPPY ? "hadoop-snappy" : NULL;
}

/* --- the error document --- */

void fh__convert_document(const struct fh_stream *s, const struct fh_item *it, int64_t now_ms, struct buf *out)
{
	const struct fh_conversion *c = s->conversion;
	CLEANUP(arena_clear) struct arena a;
	struct json *o, *t;

	arena_init(&a, LIMIT_ARENA);
	o = json_new_obj(&a);
	t = json_new_obj(&a);
	json_set_int(&a, o, "attemptsMade", it->attempts);
	json_set_int(&a, o, "arrivalTimestamp", it->at_ms);
	json_set_str(&a, o, "lastErrorCode", it->code);
	json_set_str(&a, o, "lastErrorMessage", it->message);
	json_set_int(&a, o, "attemptEndingTimestamp", now_ms);
	json_set(&a, o, "rawData", json_new_str(&a, base64_encode_arena(&a, it->raw)));
	json_set_str(&a, o, "sequenceNumber", arena_printf(&a, "%020" PRIu64, it->seq)); /* the RecordId */
	json_set_int(&a, o, "subSequenceNumber", it->sub);
	json_set_str(&a, t, "catalogId", c->catalog_id);
	json_set_str(&a, t, "databaseName", c->database);
	json_set_str(&a, t, "tableName", c->table);
	json_set_str(&a, t, "region", c->region);
	json_set_str(&a, t, "versionId", c->version_id);
	json_set(&a, t, "catalogArn", &json_null);
	json_set(&a, o, "dataCatalogTable", t);
	json_print(out, o);
	buf_add_char(out, '\n');
}
