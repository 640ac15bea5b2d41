// SPDX-License-Identifier: Apache-2.0
/* Values of the engine's vectors to text: Athena's CSV is Java's toString() of Trino's values. */
#include "store/sqlworker/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TYPE_DEPTH 32

struct value_type {
	duckdb_type id, internal;
	int width, scale;
	idx_t n; /* children, or the length of an ARRAY */
	struct value_type **child;
	const char **name; /* of struct members, of an enum's values */
};

static const struct {
	duckdb_type id;
	const char *name;
	int precision;
} names[] = {
	{ DUCKDB_TYPE_BOOLEAN, "boolean", 0 },
	{ DUCKDB_TYPE_TINYINT, "tinyint", 3 },
	{ DUCKDB_TYPE_SMALLINT, "smallint", 5 },
	{ DUCKDB_TYPE_INTEGER, "integer", 10 },
	{ DUCKDB_TYPE_BIGINT, "bigint", 19 },
	{ DUCKDB_TYPE_UTINYINT, "smallint", 5 },
	{ DUCKDB_TYPE_USMALLINT, "integer", 10 },
	{ DUCKDB_TYPE_UINTEGER, "bigint", 19 },
	{ DUCKDB_TYPE_UBIGINT, "bigint", 19 }, /* checked value by value */
	{ DUCKDB_TYPE_HUGEINT, "bigint",
	  19 }, /* what sum() gives; Trino's is bigint: checked as well */
	{ DUCKDB_TYPE_FLOAT, "float", 17 },
	{ DUCKDB_TYPE_DOUBLE, "double", 17 },
	{ DUCKDB_TYPE_DECIMAL, "decimal", 0 },
	{ DUCKDB_TYPE_VARCHAR, "varchar", 2147483647 },
	{ DUCKDB_TYPE_BLOB, "varbinary", 1073741824 },
	{ DUCKDB_TYPE_ENUM, "varchar", 2147483647 },
	{ DUCKDB_TYPE_UUID, "varchar", 36 },
	{ DUCKDB_TYPE_DATE, "date", 0 },
	{ DUCKDB_TYPE_TIME, "time", 3 },
	{ DUCKDB_TYPE_TIMESTAMP, "timestamp", 3 },
	{ DUCKDB_TYPE_TIMESTAMP_S, "timestamp", 3 },
	{ DUCKDB_TYPE_TIMESTAMP_MS, "timestamp", 3 },
	{ DUCKDB_TYPE_TIMESTAMP_NS, "timestamp", 3 },
	{ DUCKDB_TYPE_TIMESTAMP_TZ, "timestamp with time zone", 3 },
	{ DUCKDB_TYPE_LIST, "array", 0 },
	{ DUCKDB_TYPE_ARRAY, "array", 0 },
	{ DUCKDB_TYPE_MAP, "map", 0 },
	{ DUCKDB_TYPE_STRUCT, "row", 0 },
	{ DUCKDB_TYPE_SQLNULL, "unknown", 0 },
};

static size_t name_index(duckdb_type id)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].id == id)
			return i;
	return ARRAY_LEN(names);
}

static const char *take_text(struct arena *a, char *s)
{
	const char *copy = arena_str(a, view_str(s));

	duckdb_free(s);
	return copy;
}

static int build(struct arena *a, duckdb_logical_type t, int depth, struct value_type **ret,
		 struct err *e);

/* Ends @t. */
static int build_child(struct arena *a, duckdb_logical_type t, int depth, struct value_type *into,
		       idx_t at, struct err *e)
{
	int r = build(a, t, depth + 1, &into->child[at], e);

	duckdb_destroy_logical_type(&t);
	return r;
}

static int build_struct(struct arena *a, duckdb_logical_type t, int depth, struct value_type *v,
			struct err *e)
{
	v->n = duckdb_struct_type_child_count(t);
	v->child = ARENA_ARRAY(a, struct value_type *, v->n);
	v->name = ARENA_ARRAY(a, const char *, v->n);
	for (idx_t i = 0; i < v->n; i++) {
		v->name[i] = take_text(a, duckdb_struct_type_child_name(t, i));
		if (build_child(a, duckdb_struct_type_child_type(t, i), depth, v, i, e) < 0)
			return e->code;
	}
	return 0;
}

static int build_nested(struct arena *a, duckdb_logical_type t, int depth, struct value_type *v,
			struct err *e)
{
	v->child = ARENA_ARRAY(a, struct value_type *, 2);
	if (v->id == DUCKDB_TYPE_LIST)
		return build_child(a, duckdb_list_type_child_type(t), depth, v, 0, e);
	if (v->id == DUCKDB_TYPE_ARRAY) {
		v->n = duckdb_array_type_array_size(t);
		return build_child(a, duckdb_array_type_child_type(t), depth, v, 0, e);
	}
	if (build_child(a, duckdb_map_type_key_type(t), depth, v, 0, e) < 0)
		return e->code;
	return build_child(a, duckdb_map_type_value_type(t), depth, v, 1, e);
}

static void build_enum(struct arena *a, duckdb_logical_type t, struct value_type *v)
{
	v->internal = duckdb_enum_internal_type(t);
	v->n = duckdb_enum_dictionary_size(t);
	v->name = ARENA_ARRAY(a, const char *, v->n + 1);
	for (idx_t i = 0; i < v->n; i++)
		v->name[i] = take_text(a, duckdb_enum_dictionary_value(t, i));
}

static int build(struct arena *a, duckdb_logical_type t, int depth, struct value_type **ret,
		 struct err *e)
{
	struct value_type *v = ARENA_NEW(a, struct value_type);

	if (depth > TYPE_DEPTH)
		return err_set(e, ERR_LIMIT, "a result's type is nested too deeply");
	v->id = duckdb_get_type_id(t);
	*ret = v;
	if (name_index(v->id) == ARRAY_LEN(names))
		return err_set(
			e, ERR_UNSUPPORTED,
			"a result column has a type that Athena does not have; cast it to varchar");
	switch (v->id) {
	case DUCKDB_TYPE_DECIMAL:
		v->width = duckdb_decimal_width(t);
		v->scale = duckdb_decimal_scale(t);
		v->internal = duckdb_decimal_internal_type(t);
		return 0;
	case DUCKDB_TYPE_ENUM:
		build_enum(a, t, v);
		return 0;
	case DUCKDB_TYPE_STRUCT:
		return build_struct(a, t, depth, v, e);
	case DUCKDB_TYPE_LIST:
	case DUCKDB_TYPE_ARRAY:
	case DUCKDB_TYPE_MAP:
		return build_nested(a, t, depth, v, e);
	default:
		return 0;
	}
}

int value_type_of(struct arena *a, duckdb_logical_type t, struct value_type **ret, struct err *e)
{
	return build(a, t, 0, ret, e);
}

const char *value_type_name(const struct value_type *t)
{
	return names[name_index(t->id)].name;
}

void value_type_size(const struct value_type *t, int *ret_precision, int *ret_scale)
{
	*ret_precision = t->id == DUCKDB_TYPE_DECIMAL ? t->width
						      : names[name_index(t->id)].precision;
	*ret_scale = t->scale;
}

/* --- numbers --- */

static bool reads_back(const char *text, double d, bool single)
{
	return single ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d;
}

static int exponent(const char *s)
{
	int64_t v = 0;

	(void)view_i64(view_str(*s == '+' ? s + 1 : s), &v);
	return (int)v;
}

/* The fewest digits that read back as @d, which is not negative; returns how many, and the first one's exponent. */
static int shortest(double d, bool single, char digits[24], int *ret_exp)
{
	int first = single ? 6 : 15, n = 0;
	char text[40];

	for (int p = first; p <= first + 3; p++) {
		(void)snprintf(text, sizeof(text), "%.*e", p - 1, d);
		if (reads_back(text, d, single))
			break;
	}
	for (const char *c = text; *c != 'e'; c++)
		if (*c != '.')
			digits[n++] = *c;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	*ret_exp = d == 0.0 ? 0 : exponent(strchr(text, 'e') + 1);
	return n;
}

void value_double(struct buf *b, double d, bool single)
{
	char digits[24] = "0";
	int n, exp;

	if (isnan(d) || isinf(d)) {
		buf_add_str(b, isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity");
		return;
	}
	n = shortest(fabs(d), single, digits, &exp);
	if (signbit(d))
		buf_add_char(b, '-');
	if (exp < -3 || exp > 6) {
		buf_printf(b, "%c.%.*sE%d", digits[0], n > 1 ? n - 1 : 1, n > 1 ? digits + 1 : "0",
			   exp);
	} else if (exp < 0) {
		buf_printf(b, "0.%.*s%.*s", -exp - 1, "000", n, digits);
	} else {
		for (int i = 0; i <= exp; i++)
			buf_add_char(b, i < n ? digits[i] : '0');
		buf_printf(b, ".%.*s", n > exp + 1 ? n - exp - 1 : 1,
			   n > exp + 1 ? digits + exp + 1 : "0");
	}
}

static void int128_text(char out[48], __int128 v)
{
	unsigned __int128 u = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
	char rev[48];
	int n = 0, k = 0;

	do {
		rev[n++] = (char)('0' + (int)(u % 10));
		u /= 10;
	} while (u);
	if (v < 0)
		out[k++] = '-';
	while (n)
		out[k++] = rev[--n];
	out[k] = '\0';
}

static void decimal_text(struct buf *b, __int128 v, int scale)
{
	char text[48];
	const char *d = text;
	size_t n;

	int128_text(text, v);
	if (*d == '-') {
		buf_add_char(b, '-');
		d++;
	}
	n = strlen(d);
	if (n > (size_t)scale)
		buf_add(b, d, n - (size_t)scale);
	else
		buf_add_char(b, '0');
	if (!scale)
		return;
	buf_add_char(b, '.');
	for (size_t i = n; i < (size_t)scale; i++)
		buf_add_char(b, '0');
	buf_add_str(b, n > (size_t)scale ? d + n - (size_t)scale : d);
}

static __int128 wide(duckdb_hugeint h)
{
	return ((__int128)h.upper << 64) | (__int128)h.lower;
}

static __int128 decimal_value(const struct value_type *t, const void *data, idx_t row)
{
	switch (t->internal) {
	case DUCKDB_TYPE_SMALLINT:
		return ((const int16_t *)data)[row];
	case DUCKDB_TYPE_INTEGER:
		return ((const int32_t *)data)[row];
	case DUCKDB_TYPE_BIGINT:
		return ((const int64_t *)data)[row];
	default:
		return wide(((const duckdb_hugeint *)data)[row]);
	}
}

/* --- time --- */

static void date_text(struct buf *b, duckdb_date d)
{
	duckdb_date_struct s = duckdb_from_date(d);

	buf_printf(b, "%04d-%02d-%02d", s.year, s.month, s.day);
}

static void time_text(struct buf *b, int64_t micros)
{
	int64_t ms = micros / 1000;

	buf_printf(b, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
		   (int)(ms / 1000 % 60), (int)(ms % 1000));
}

static void timestamp_text(struct buf *b, int64_t micros)
{
	duckdb_timestamp_struct s;
	duckdb_timestamp ts = { micros };

	if (!duckdb_is_finite_timestamp(ts)) {
		buf_add_str(b, micros < 0 ? "-infinity" : "infinity");
		return;
	}
	s = duckdb_from_timestamp(ts);
	buf_printf(b, "%04d-%02d-%02d %02d:%02d:%02d.%03d", s.date.year, s.date.month, s.date.day,
		   s.time.hour, s.time.min, s.time.sec, s.time.micros / 1000);
}

static int64_t floor_div(int64_t v, int64_t by)
{
	return v / by - (v % by < 0);
}

static void time_value(struct buf *b, const struct value_type *t, const void *data, idx_t row)
{
	int64_t v = t->id == DUCKDB_TYPE_DATE ? 0 : ((const int64_t *)data)[row];

	switch (t->id) {
	case DUCKDB_TYPE_DATE:
		date_text(b, ((const duckdb_date *)data)[row]);
		return;
	case DUCKDB_TYPE_TIME:
		time_text(b, v);
		return;
	case DUCKDB_TYPE_TIMESTAMP_S:
		timestamp_text(b, v > INT64_MAX / 1000000 ? INT64_MAX : v * 1000000);
		return;
	case DUCKDB_TYPE_TIMESTAMP_MS:
		timestamp_text(b, v > INT64_MAX / 1000 ? INT64_MAX : v * 1000);
		return;
	case DUCKDB_TYPE_TIMESTAMP_NS:
		timestamp_text(b, floor_div(v, 1000));
		return;
	default:
		timestamp_text(b, v);
		if (t->id == DUCKDB_TYPE_TIMESTAMP_TZ)
			buf_add_str(b, " UTC");
	}
}

/* --- one value --- */

static void bytes_text(struct buf *b, struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		buf_printf(b, i ? " %02x" : "%02x", (unsigned)(unsigned char)v.p[i]);
}

static void uuid_text(struct buf *b, duckdb_hugeint h)
{
	uint64_t hi = (uint64_t)h.upper ^ (1ULL << 63); /* stored so that it sorts */

	buf_printf(b, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(hi >> 32),
		   (unsigned)(hi >> 16 & 0xffff), (unsigned)(hi & 0xffff),
		   (unsigned)(h.lower >> 48), (unsigned long long)(h.lower & 0xffffffffffffULL));
}

static void enum_text(struct buf *b, const struct value_type *t, const void *data, idx_t row)
{
	uint64_t i = t->internal == DUCKDB_TYPE_UTINYINT    ? ((const uint8_t *)data)[row]
		     : t->internal == DUCKDB_TYPE_USMALLINT ? ((const uint16_t *)data)[row]
							    : ((const uint32_t *)data)[row];

	buf_add_str(b, i < t->n ? t->name[i] : "");
}

static struct view string_value(const void *data, idx_t row)
{
	const duckdb_string_t *s = (const duckdb_string_t *)data + row;

	return duckdb_string_is_inlined(*s)
		       ? view_of(s->value.inlined.inlined, s->value.inlined.length)
		       : view_of(s->value.pointer.ptr, s->value.pointer.length);
}

static int big_text(struct buf *b, __int128 v, struct err *e)
{
	if (v > INT64_MAX || v < INT64_MIN)
		return err_set(e, ERR_INVALID,
			       "a value is out of bigint's range; cast it to decimal(38,0)");
	buf_printf(b, "%lld", (long long)v);
	return 0;
}

static int scalar(struct buf *b, const struct value_type *t, const void *data, idx_t row,
		  struct err *e)
{
	switch (t->id) {
	case DUCKDB_TYPE_BOOLEAN:
		buf_add_str(b, ((const bool *)data)[row] ? "true" : "false");
		return 0;
	case DUCKDB_TYPE_TINYINT:
		return big_text(b, ((const int8_t *)data)[row], e);
	case DUCKDB_TYPE_SMALLINT:
		return big_text(b, ((const int16_t *)data)[row], e);
	case DUCKDB_TYPE_INTEGER:
		return big_text(b, ((const int32_t *)data)[row], e);
	case DUCKDB_TYPE_BIGINT:
		return big_text(b, ((const int64_t *)data)[row], e);
	case DUCKDB_TYPE_UTINYINT:
		return big_text(b, ((const uint8_t *)data)[row], e);
	case DUCKDB_TYPE_USMALLINT:
		return big_text(b, ((const uint16_t *)data)[row], e);
	case DUCKDB_TYPE_UINTEGER:
		return big_text(b, ((const uint32_t *)data)[row], e);
	case DUCKDB_TYPE_UBIGINT:
		return big_text(b, ((const uint64_t *)data)[row], e);
	case DUCKDB_TYPE_HUGEINT:
		return big_text(b, wide(((const duckdb_hugeint *)data)[row]), e);
	case DUCKDB_TYPE_FLOAT:
		value_double(b, (double)((const float *)data)[row], true);
		return 0;
	case DUCKDB_TYPE_DOUBLE:
		value_double(b, ((const double *)data)[row], false);
		return 0;
	case DUCKDB_TYPE_DECIMAL:
		decimal_text(b, decimal_value(t, data, row), t->scale);
		return 0;
	case DUCKDB_TYPE_VARCHAR:
		buf_add_view(b, string_value(data, row));
		return 0;
	case DUCKDB_TYPE_BLOB:
		bytes_text(b, string_value(data, row));
		return 0;
	case DUCKDB_TYPE_ENUM:
		enum_text(b, t, data, row);
		return 0;
	case DUCKDB_TYPE_UUID:
		uuid_text(b, ((const duckdb_hugeint *)data)[row]);
		return 0;
	default:
		time_value(b, t, data, row);
		return 0;
	}
}

static int text(struct buf *b, const struct value_type *t, duckdb_vector v, idx_t row,
		struct err *e);

static int list_text(struct buf *b, const struct value_type *t, duckdb_vector v,
		     duckdb_list_entry at, struct err *e)
{
	buf_add_char(b, '[');
	for (idx_t i = 0; i < at.length; i++) {
		if (i)
			buf_add_str(b, ", ");
		if (text(b, t->child[0], v, at.offset + i, e) < 0)
			return e->code;
	}
	buf_add_char(b, ']');
	return 0;
}

static int map_text(struct buf *b, const struct value_type *t, duckdb_vector v,
		    duckdb_list_entry at, struct err *e)
{
	duckdb_vector keys = duckdb_struct_vector_get_child(v, 0),
		      values = duckdb_struct_vector_get_child(v, 1);

	buf_add_char(b, '{');
	for (idx_t i = 0; i < at.length; i++) {
		if (i)
			buf_add_str(b, ", ");
		if (text(b, t->child[0], keys, at.offset + i, e) < 0)
			return e->code;
		buf_add_char(b, '=');
		if (text(b, t->child[1], values, at.offset + i, e) < 0)
			return e->code;
	}
	buf_add_char(b, '}');
	return 0;
}

static int struct_text(struct buf *b, const struct value_type *t, duckdb_vector v, idx_t row,
		       struct err *e)
{
	buf_add_char(b, '{');
	for (idx_t i = 0; i < t->n; i++) {
		if (i)
			buf_add_str(b, ", ");
		buf_add_str(b, t->name[i]);
		buf_add_char(b, '=');
		if (text(b, t->child[i], duckdb_struct_vector_get_child(v, i), row, e) < 0)
			return e->code;
	}
	buf_add_char(b, '}');
	return 0;
}

static bool is_null(duckdb_vector v, idx_t row)
{
	uint64_t *valid = duckdb_vector_get_validity(v);

	return valid && !duckdb_validity_row_is_valid(valid, row);
}

static int text(struct buf *b, const struct value_type *t, duckdb_vector v, idx_t row,
		struct err *e)
{
	const void *data = duckdb_vector_get_data(v);

	if (is_null(v, row) || t->id == DUCKDB_TYPE_SQLNULL) {
		buf_add_str(b, "null");
		return 0;
	}
	switch (t->id) {
	case DUCKDB_TYPE_LIST:
		return list_text(b, t, duckdb_list_vector_get_child(v),
				 ((const duckdb_list_entry *)data)[row], e);
	case DUCKDB_TYPE_ARRAY:
		return list_text(b, t, duckdb_array_vector_get_child(v),
				 (duckdb_list_entry){ .offset = row * t->n, .length = t->n }, e);
	case DUCKDB_TYPE_MAP:
		return map_text(b, t, duckdb_list_vector_get_child(v),
				((const duckdb_list_entry *)data)[row], e);
	case DUCKDB_TYPE_STRUCT:
		return struct_text(b, t, v, row, e);
	default:
		return scalar(b, t, data, row, e);
	}
}

void value_csv_text(struct buf *b, struct view t)
{
	buf_add_char(b, '"');
	while (t.n) {
		ptrdiff_t q = view_chr(t, '"');
		size_t n = q < 0 ? t.n : (size_t)q + 1;

		buf_add(b, t.p, n);
		if (q >= 0)
			buf_add_char(b, '"');
		t = view_from(t, n);
	}
	buf_add_char(b, '"');
}

int value_csv(struct buf *b, struct buf *scratch, const struct value_type *t, duckdb_vector v,
	      idx_t row, struct err *e)
{
	if (is_null(v, row) || t->id == DUCKDB_TYPE_SQLNULL)
		return 0;
	buf_reset(scratch);
	if (text(scratch, t, v, row, e) < 0)
		return e->code;
	if (buf_check(scratch, "a value of the result", e) < 0)
		return e->code;
	value_csv_text(b, buf_view(scratch));
	return 0;
}
