// SPDX-License-Identifier: Apache-2.0
/* glue_partition: operations on partitions; a partition's key in meta is its values as a JSON array's text. */
#include "base/crc.h"
#include "os/clock.h"
#include "svc/glue/expression.h"
#include "svc/glue/glue_int.h"

#define PAGE 1000

const char *glue__values_key(struct arena *a, const char *const *values, size_t n)
{
	struct json *arr = json_new_arr(a);

	for (size_t i = 0; i < n; i++)
		json_push(a, arr, json_new_cstr(a, values[i]));
	return json_text(a, arr);
}

static const char *const *key_values(struct arena *a, const struct json *arr)
{
	const char **v = ARENA_ARRAY(a, const char *, json_len(arr) + 1);

	for (size_t i = 0; i < json_len(arr); i++)
		v[i] = arena_str(a, json_str(json_at(arr, i)));
	return v;
}

static int check_values(const struct json *table, size_t n, struct err *e)
{
	size_t want = json_len(json_get(table, "PartitionKeys"));

	if (n != want)
		return aws_fail(e, &GLUE_INVALID,
				"The number of partition keys do not match the number of partition "
				"values: %zu and %zu.",
				want, n);
	return 0;
}

static int insert_tx(struct meta_tx *tx, struct glue_call *c, const struct glue_partition_in *in,
		     struct err *e)
{
	const char *key = glue__values_key(c->arena, in->values.v, in->values.n);
	const char *doc = json_text(c->arena, glue_doc_partition(c->arena, in));
	int r = tx_run(
		tx, e,
		"INSERT INTO glue_partition (db, tbl, vals, doc, made_ms) VALUES (?, ?, ?, ?, ?)",
		"ssssi", c->db, c->name, key, doc, clock_ms());

	if (r != ERR_EXISTS)
		return r;
	err_clear(e);
	return aws_fail(e, &GLUE_EXISTS, "Partition already exists.");
}

static int create_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	const struct json *table;
	int64_t version;
	int r = glue__need_table(tx, c->db, c->name, c->arena, &table, &version, e);

	if (r == 0)
		r = check_values(table, c->in->partition_in->values.n, e);
	return r < 0 ? r : insert_tx(tx, c, c->in->partition_in, e);
}

static struct glue_call partition_call(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = glue__call(cx, input, o);

	c.db = glue__fold(cx->arena, c.in->database);
	c.name = glue__fold(cx->arena, c.in->table);
	return c;
}

int glue__create_partition(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = partition_call(cx, input, o);

	return glue__write(cx, &c, create_tx);
}

/* Those that fail are listed in the answer; the others are kept. */
static int batch_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	const struct glue_partition_in *list = c->in->partitions.v;
	const struct json *table;
	int64_t version;
	int r = glue__need_table(tx, c->db, c->name, c->arena, &table, &version, e);

	if (r < 0)
		return r;
	out_list(c->o, "Errors", NULL);
	for (size_t i = 0; i < c->in->partitions.n; i++) {
		struct err one = { 0 };
		const char *const *values = list[i].values.v;
		const struct aws_error *wire;

		if (check_values(table, list[i].values.n, &one) == 0 &&
		    insert_tx(tx, c, &list[i], &one) == 0)
			continue;
		wire = one.wire;
		if (!wire)
			return err_set(e, one.code, "%s", one.msg);
		out_obj(c->o, NULL);
		out_list(c->o, "PartitionValues", NULL);
		for (size_t k = 0; k < list[i].values.n; k++)
			out_str(c->o, NULL, values[k]);
		out_list_end(c->o);
		out_obj(c->o, "ErrorDetail");
		out_str(c->o, "ErrorCode", wire->code);
		out_str(c->o, "ErrorMessage", one.msg);
		out_obj_end(c->o);
		out_obj_end(c->o);
	}
	out_list_end(c->o);
	return 0;
}

int glue__batch_create_partition(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = partition_call(cx, input, o);

	return glue__write(cx, &c, batch_tx);
}

static int out_partition(struct glue_call *c, const char *name, struct view doc, int64_t made_ms,
			 struct err *e)
{
	const struct json *d = json_parse(c->arena, doc, JSON_DEPTH, e);
	const struct json *sd = json_get(d, "StorageDescriptor");

	if (!d)
		return err_ctx(e, "partition in the catalog");
	if (opt_bool_or(c->in->exclude_columns, false) && sd) {
		struct json *copy = json_copy(c->arena, d), *less = json_copy(c->arena, sd);

		json_set(c->arena, less, "Columns", json_new_arr(c->arena));
		json_set(c->arena, copy, "StorageDescriptor", less);
		d = copy;
	}
	out_obj(c->o, name);
	glue_doc_out(c->o, d, c->arena);
	out_str(c->o, "DatabaseName", c->db);
	out_str(c->o, "TableName", c->name);
	out_time(c->o, "CreationTime", made_ms);
	out_str(c->o, "CatalogId", c->g->o.account);
	out_obj_end(c->o);
	return 0;
}

static int need_partition(struct meta_tx *tx, struct glue_call *c, struct tx_rows **ret,
			  struct err *e)
{
	const char *key = glue__values_key(c->arena, c->in->values.v, c->in->values.n);
	const struct json *table;
	int64_t version;
	int r = glue__need_table(tx, c->db, c->name, c->arena, &table, &version, e);

	if (r == 0)
		r = check_values(table, c->in->values.n, e);
	if (r == 0)
		r = tx_one(tx, ret, e,
			   "SELECT doc, made_ms FROM glue_partition WHERE db = ? AND tbl = ? AND "
			   "vals = ?",
			   "sss", c->db, c->name, key);
	else
		return r;
	if (r == 0)
		return aws_fail(e, &GLUE_NOT_FOUND, "Cannot find partition.");
	return r < 0 ? r : 0;
}

static int get_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	struct tx_rows *row = NULL;
	int r = need_partition(tx, c, &row, e);

	if (r < 0)
		return r;
	r = out_partition(c, "Partition", arena_view(c->arena, row_view(row, 0)), row_int(row, 1),
			  e);
	tx_end(row);
	return r;
}

int glue__get_partition(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = partition_call(cx, input, o);

	return glue__read(cx, &c, get_tx);
}

static int delete_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	struct tx_rows *row = NULL;
	int r = need_partition(tx, c, &row, e);

	if (r < 0)
		return r;
	tx_end(row);
	return tx_run(tx, e, "DELETE FROM glue_partition WHERE db = ? AND tbl = ? AND vals = ?",
		      "sss", c->db, c->name,
		      glue__values_key(c->arena, c->in->values.v, c->in->values.n));
}

int glue__delete_partition(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = partition_call(cx, input, o);

	return glue__write(cx, &c, delete_tx);
}

/* The new values may differ from the old: that moves the partition. */
static int update_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	struct glue_partition_in in = *c->in->partition_in;
	const char *old = glue__values_key(c->arena, c->in->values.v, c->in->values.n);
	struct tx_rows *row = NULL;
	int r = need_partition(tx, c, &row, e);

	if (r < 0)
		return r;
	tx_end(row);
	if (!in.values.set)
		in.values = c->in->values;
	if (in.values.n != c->in->values.n)
		return aws_fail(e, &GLUE_INVALID,
				"PartitionInput.Values has %zu values, PartitionValueList %zu",
				in.values.n, c->in->values.n);
	r = tx_run(
		tx, e,
		"UPDATE glue_partition SET vals = ?, doc = ? WHERE db = ? AND tbl = ? AND vals = ?",
		"sssss", glue__values_key(c->arena, in.values.v, in.values.n),
		json_text(c->arena, glue_doc_partition(c->arena, &in)), c->db, c->name, old);
	if (r != ERR_EXISTS)
		return r;
	err_clear(e);
	return aws_fail(e, &GLUE_EXISTS, "Partition already exists.");
}

int glue__update_partition(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = partition_call(cx, input, o);

	return glue__write(cx, &c, update_tx);
}

/* --- listing --- */

static int parse_expression(struct arena *a, const struct json *table, const char *text,
			    const struct expression **ret, struct err *e)
{
	const struct json *keys = json_get(table, "PartitionKeys");
	struct expression_key *k = ARENA_ARRAY(a, struct expression_key, json_len(keys) + 1);

	*ret = NULL;
	if (!text || !view_trim(view_str(text)).n)
		return 0;
	for (size_t i = 0; i < json_len(keys); i++) {
		struct view type = json_get_str(json_at(keys, i), "Type");

		k[i].name = arena_str(a, json_get_str(json_at(keys, i), "Name"));
		k[i].type = type.p ? arena_str(a, type) : "string";
	}
	return expression_parse(a, text, k, json_len(keys), ret, e);
}

/* Does the row belong to the answer?  Segments divide by a hash of the values, the same at every call. */
static bool selected(const struct glue_call *c, const struct expression *x, struct view vals,
		     struct arena *a)
{
	const struct glue_segment_in *s = c->in->segment;
	struct err ignored = { 0 };
	const struct json *arr;

	if (s && crc32c(0, vals.p, vals.n) % (uint32_t)s->total.v != (uint32_t)s->number.v)
		return false;
	if (!x)
		return true;
	arr = json_parse(a, vals, 2, &ignored);
	return arr && expression_match(x, key_values(a, arr));
}

static int list_rows(struct glue_call *c, struct tx_rows *rows, const struct expression *x,
		     struct err *e)
{
	int64_t max = opt_int_or(c->in->max, PAGE), n = 0;
	struct view last = VIEW_NONE;
	int r;

	out_list(c->o, "Partitions", NULL);
	while ((r = tx_next(rows, e)) > 0) {
		struct view vals = arena_view(c->arena, row_view(rows, 0));

		if (!selected(c, x, vals, c->arena))
			continue;
		if (n == max || out_partition(c, NULL, arena_view(c->arena, row_view(rows, 1)),
					      row_int(rows, 2), e) < 0) {
			tx_end(rows);
			break;
		}
		n++;
		last = vals;
	}
	out_list_end(c->o);
	if (r > 0 && !e->code)
		out_view(c->o, "NextToken", last);
	return e->code;
}

static int get_partitions_tx(struct meta_tx *tx, void *arg, struct err *e)
{
	struct glue_call *c = arg;
	const struct expression *x = NULL;
	const struct json *table;
	struct tx_rows *rows = NULL;
	int64_t version;
	int r = glue__need_table(tx, c->db, c->name, c->arena, &table, &version, e);

	if (r == 0 && parse_expression(c->arena, table, c->in->expression, &x, e) < 0) {
		struct err why = *e;

		err_clear(e);
		return aws_fail(e, &GLUE_INVALID, "%s", why.msg);
	}
	if (r == 0)
		r = tx_query(tx, &rows, e,
			     "SELECT vals, doc, made_ms FROM glue_partition WHERE db = ? AND tbl = "
			     "? AND vals > ? ORDER BY vals",
			     "sss", c->db, c->name, c->in->token ? c->in->token : "");
	return r < 0 ? r : list_rows(c, rows, x, e);
}

int glue__get_partitions(struct op_ctx *cx, const void *input, struct out *o)
{
	struct glue_call c = partition_call(cx, input, o);
	const struct glue_segment_in *s = c.in->segment;

	if (s && (s->number.v < 0 || s->number.v >= s->total.v))
		return aws_fail(&cx->err, &GLUE_INVALID,
				"Segment.SegmentNumber must be below TotalSegments");
	return glue__read(cx, &c, get_partitions_tx);
}

/* --- for others --- */

int glue__partitions_tx(struct meta_tx *tx, const char *db, const char *table,
			const char *expression, struct arena *a, struct glue_partition **ret,
			size_t *ret_n, struct err *e)
{
	struct glue_in none = { 0 };
	struct glue_call c = { .in = &none };
	size_t cap = 64, n = 0;
	struct glue_partition *list = ARENA_ARRAY(a, struct glue_partition, cap);
	const struct expression *x = NULL;
	const struct json *doc;
	struct tx_rows *rows = NULL;
	int64_t version;
	int r = glue__need_table(tx, db, table, a, &doc, &version, e);

	if (r == 0)
		r = parse_expression(a, doc, expression, &x, e);
	if (r == 0)
		r = tx_query(tx, &rows, e,
			     "SELECT vals, doc FROM glue_partition WHERE db = ? AND tbl = ? ORDER "
			     "BY vals",
			     "ss", db, table);
	if (r < 0)
		return r;
	while ((r = tx_next(rows, e)) > 0) {
		struct view vals = arena_view(a, row_view(rows, 0)), at;

		if (!selected(&c, x, vals, a))
			continue;
		if (n == cap) {
			struct glue_partition *more = ARENA_ARRAY(a, struct glue_partition,
								  cap * 2);

			memcpy(more, list, n * sizeof(*list));
			list = more;
			cap *= 2;
		}
		doc = json_parse(a, row_view(rows, 1), JSON_DEPTH, e);
		if (!doc) {
			tx_end(rows);
			return err_ctx(e, "partition in the catalog");
		}
		at = json_get_str(json_get(doc, "StorageDescriptor"), "Location");
		list[n].values = key_values(a, json_get(doc, "Values"));
		list[n++].location = at.p ? arena_str(a, at) : NULL;
	}
	*ret = list;
	*ret_n = n;
	return r;
}

/* A partition's own storage descriptor is the table's with its location. */
int glue__partition_add_tx(void *self, struct meta_tx *tx, const char *database, const char *table,
			   const char *const *values, size_t n, const char *location, struct err *e)
{
	const char *db, *name, *key;
	const struct json *doc;
	struct json *p, *sd, *list;
	struct arena a;
	int64_t version;
	int r;

	arena_init(&a, 16UL * 1024 * 1024);
	db = glue__fold(&a, database);
	name = glue__fold(&a, table);
	key = glue__values_key(&a, values, n);
	r = glue__need_table(tx, db, name, &a, &doc, &version, e);
	if (r == 0)
		r = check_values(doc, n, e);
	if (r == 0) {
		const struct json *of_table = json_get(doc, "StorageDescriptor");

		p = json_new_obj(&a);
		list = json_new_arr(&a);
		for (size_t i = 0; i < n; i++)
			json_push(&a, list, json_new_cstr(&a, values[i]));
		json_set(&a, p, "Values", list);
		sd = of_table ? json_copy(&a, of_table) : json_new_obj(&a);
		json_set_str(&a, sd, "Location", location);
		json_set(&a, p, "StorageDescriptor", sd);
		r = tx_run(tx, e,
			   "INSERT INTO glue_partition (db, tbl, vals, doc, made_ms) VALUES (?, ?, "
			   "?, ?, ?) ON CONFLICT DO NOTHING",
			   "ssssi", db, name, key, json_text(&a, p), clock_ms());
	}
	arena_clear(&a);
	return r;
}
