// SPDX-License-Identifier: Apache-2.0
/* glue_doc: decoded inputs to the JSON documents that are kept, with AWS's member names, and back. */
#include "svc/glue/glue_int.h"

struct json *glue_doc_map(struct arena *a, const struct op_map *m)
{
	struct json *o = json_new_obj(a);

	for (size_t i = 0; i < m->n; i++)
		json_set_str(a, o, m->v[i].key, m->v[i].value);
	return o;
}

static void set_map(struct arena *a, struct json *o, const char *name, const struct op_map *m)
{
	if (m->set)
		json_set(a, o, name, glue_doc_map(a, m));
}

static void set_int(struct arena *a, struct json *o, const char *name, struct opt_int i)
{
	if (i.set)
		json_set_int(a, o, name, i.v);
}

static void set_bool(struct arena *a, struct json *o, const char *name, struct opt_bool b)
{
	if (b.set)
		json_set(a, o, name, json_new_bool(b.v));
}

static void set_strings(struct arena *a, struct json *o, const char *name, const struct op_list *l)
{
	const char *const *v = l->v;
	struct json *arr = json_new_arr(a);

	for (size_t i = 0; i < l->n; i++)
		json_push(a, arr, json_new_cstr(a, v[i]));
	if (l->set)
		json_set(a, o, name, arr);
}

/* Column names are folded as well. */
static void set_columns(struct arena *a, struct json *o, const char *name, const struct op_list *l)
{
	const struct glue_column_in *c = l->v;
	struct json *arr = json_new_arr(a);

	for (size_t i = 0; i < l->n; i++) {
		struct json *x = json_new_obj(a);

		json_set_str(a, x, "Name", glue__fold(a, c[i].name));
		json_set_str(a, x, "Type", c[i].type);
		json_set_str(a, x, "Comment", c[i].comment);
		set_map(a, x, "Parameters", &c[i].parameters);
		json_push(a, arr, x);
	}
	if (l->set)
		json_set(a, o, name, arr);
}

static void set_order(struct arena *a, struct json *o, const struct op_list *l)
{
	const struct glue_order_in *c = l->v;
	struct json *arr = json_new_arr(a);

	for (size_t i = 0; i < l->n; i++) {
		struct json *x = json_new_obj(a);

		json_set_str(a, x, "Column", c[i].column);
		set_int(a, x, "SortOrder", c[i].order);
		json_push(a, arr, x);
	}
	if (l->set)
		json_set(a, o, "SortColumns", arr);
}

static void set_storage(struct arena *a, struct json *doc, const struct glue_storage_in *in)
{
	struct json *o = json_new_obj(a);

	if (!in)
		return;
	set_columns(a, o, "Columns", &in->columns);
	json_set_str(a, o, "Location", in->location);
	json_set_str(a, o, "InputFormat", in->input_format);
	json_set_str(a, o, "OutputFormat", in->output_format);
	set_bool(a, o, "Compressed", in->compressed);
	set_int(a, o, "NumberOfBuckets", in->buckets);
	if (in->serde) {
		struct json *s = json_new_obj(a);

		json_set_str(a, s, "Name", in->serde->name);
		json_set_str(a, s, "SerializationLibrary", in->serde->library);
		set_map(a, s, "Parameters", &in->serde->parameters);
		json_set(a, o, "SerdeInfo", s);
	}
	set_strings(a, o, "BucketColumns", &in->bucket_columns);
	set_order(a, o, &in->sort_columns);
	set_map(a, o, "Parameters", &in->parameters);
	if (in->skew) {
		struct json *s = json_new_obj(a);

		set_strings(a, s, "SkewedColumnNames", &in->skew->names);
		set_strings(a, s, "SkewedColumnValues", &in->skew->values);
		set_map(a, s, "SkewedColumnValueLocationMaps", &in->skew->maps);
		json_set(a, o, "SkewedInfo", s);
	}
	set_bool(a, o, "StoredAsSubDirectories", in->sub_directories);
	json_set(a, doc, "StorageDescriptor", o);
}

struct json *glue_doc_database(struct arena *a, const struct glue_database_in *in)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "Name", glue__fold(a, in->name));
	json_set_str(a, o, "Description", in->description);
	json_set_str(a, o, "LocationUri", in->location);
	set_map(a, o, "Parameters", &in->parameters);
	return o;
}

struct json *glue_doc_table(struct arena *a, const struct glue_table_in *in)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "Name", glue__fold(a, in->name));
	json_set_str(a, o, "Description", in->description);
	json_set_str(a, o, "Owner", in->owner);
	set_int(a, o, "LastAccessTime", in->last_access);
	set_int(a, o, "LastAnalyzedTime", in->last_analyzed);
	json_set_int(a, o, "Retention", opt_int_or(in->retention, 0));
	set_storage(a, o, in->storage);
	set_columns(a, o, "PartitionKeys", &in->keys);
	json_set_str(a, o, "ViewOriginalText", in->view_original);
	json_set_str(a, o, "ViewExpandedText", in->view_expanded);
	json_set_str(a, o, "TableType", in->type);
	set_map(a, o, "Parameters", &in->parameters);
	return o;
}

struct json *glue_doc_partition(struct arena *a, const struct glue_partition_in *in)
{
	struct json *o = json_new_obj(a);

	set_strings(a, o, "Values", &in->values);
	set_int(a, o, "LastAccessTime", in->last_access);
	set_storage(a, o, in->storage);
	set_map(a, o, "Parameters", &in->parameters);
	set_int(a, o, "LastAnalyzedTime", in->last_analyzed);
	return o;
}

void glue_doc_out(struct out *o, const struct json *doc, struct arena *a)
{
	for (size_t i = 0; i < doc->obj.n; i++) {
		const char *name = arena_str(a, doc->obj.v[i].name);

		if (strcmp(name, "LastAccessTime") == 0 || strcmp(name, "LastAnalyzedTime") == 0 ||
		    strcmp(name, "LastModifiedOn") == 0)
			out_time(o, name, json_int(doc->obj.v[i].value, 0));
		else
			out_json(o, name, doc->obj.v[i].value);
	}
}

static const char *text(struct arena *a, const struct json *o, const char *name)
{
	struct view v = json_get_str(o, name);

	return v.p ? arena_str(a, v) : NULL;
}

static struct glue_column *read_columns(struct arena *a, const struct json *arr, size_t *ret_n)
{
	struct glue_column *c = ARENA_ARRAY(a, struct glue_column, json_len(arr) + 1);

	*ret_n = json_len(arr);
	for (size_t i = 0; i < *ret_n; i++) {
		const char *type = text(a, json_at(arr, i), "Type");

		c[i].name = text(a, json_at(arr, i), "Name");
		c[i].type = type ? glue__fold(a, type) : "string";
	}
	return c;
}

static struct port_tag *read_map(struct arena *a, const struct json *o, size_t *ret_n)
{
	struct port_tag *t = ARENA_ARRAY(a, struct port_tag, json_len(o) + 1);

	*ret_n = json_len(o);
	for (size_t i = 0; i < *ret_n; i++) {
		t[i].key = arena_str(a, o->obj.v[i].name);
		t[i].value = arena_str(a, json_str(o->obj.v[i].value));
	}
	return t;
}

/* Athena's views are kept as base64 of JSON in a comment; plain text is taken as SQL. */
static const char *view_text(struct arena *a, const struct json *doc)
{
	const char *type = text(a, doc, "TableType"), *sql = text(a, doc, "ViewExpandedText");

	if (!type || strcmp(type, "VIRTUAL_VIEW") != 0)
		return NULL;
	if (!sql || !*sql || strstr(sql, "/* Presto View"))
		sql = text(a, doc, "ViewOriginalText");
	return sql ? sql : "";
}

void glue_doc_read(struct arena *a, const struct json *doc, const char *db, int64_t version,
		   struct glue_table *ret)
{
	const struct json *sd = json_get(doc, "StorageDescriptor"),
			  *serde = json_get(sd, "SerdeInfo");
	struct glue_table t = { .database = arena_str(a, view_str(db)),
				.name = text(a, doc, "Name") };

	t.columns = read_columns(a, json_get(sd, "Columns"), &t.n_columns);
	t.partition_keys = read_columns(a, json_get(doc, "PartitionKeys"), &t.n_partition_keys);
	t.location = text(a, sd, "Location");
	t.input_format = text(a, sd, "InputFormat");
	t.serde = text(a, serde, "SerializationLibrary");
	t.parameters = read_map(a, json_get(doc, "Parameters"), &t.n_parameters);
	t.serde_parameters = read_map(a, json_get(serde, "Parameters"), &t.n_serde_parameters);
	t.view_sql = view_text(a, doc);
	t.version_id = arena_printf(a, "%lld", (long long)version);
	*ret = t;
}
