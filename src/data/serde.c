// SPDX-License-Identifier: Apache-2.0
/* From objects to rows: which key is which column, and structs, arrays and maps. */
#include "data/serde_int.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"

#define COLUMNS_MAX 10000
#define SCRATCH_MAX (2 * SERDE_RECORD_MAX) /* nothing that is made in it is longer than the record */

/* --- making one --- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* A key as it is looked up. */
static struct view folded(const struct serde *s, struct buf *b, struct view key)
{
	buf_reset(b);
	for (size_t i = 0; i < key.n; i++) {
		char c = s->fold ? lower(key.p[i]) : key.p[i];

		buf_add_char(b, s->dots && c == '.' ? '_' : c);
	}
	return buf_view(b);
}

static void make(struct serde *s, struct serde_node *n, const struct hive_type *t, struct view path);

/* The table's own columns are named by their places. */
static struct view label(struct serde *s, const struct serde_node *n, size_t i)
{
	buf_reset(&s->text);
	if (n == &s->root)
		buf_printf(&s->text, "\"c%zu\"", i);
	else
		json_print_str(&s->text, n->type->fields[i].name);
	buf_add_char(&s->text, ':');
	return arena_view(&s->arena, buf_view(&s->text));
}

static void make_struct(struct serde *s, struct serde_node *n, const struct hive_type *t)
{
	map_init(&n->names);
	n->fields = ARENA_ARRAY(&s->arena, struct serde_node, t->n_fields + 1);
	n->slots = ARENA_ARRAY(&s->arena, struct view, t->n_fields + 1);
	for (size_t i = 0; i < t->n_fields; i++) {
		struct view name = t->fields[i].name;
		char *path = n->path.n ? arena_printf(&s->arena, "%.*s.%.*s", VIEW_ARG(n->path), VIEW_ARG(name))
				       : arena_str(&s->arena, name);

		make(s, &n->fields[i], t->fields[i].type, view_str(path));
		n->fields[i].label = label(s, n, i);
		(void)map_put(&n->names, folded(s, &s->name, name), &n->fields[i]);
	}
}

static void make(struct serde *s, struct serde_node *n, const struct hive_type *t, struct view path)
{
	*n = (struct serde_node){ .type = t, .path = path };
	if (t->kind == HIVE_STRUCT)
		make_struct(s, n, t);
	if (t->key) {
		n->key = ARENA_NEW(&s->arena, struct serde_node);
		make(s, n->key, t->key, path);
	}
	if (t->value) {
		n->value = ARENA_NEW(&s->arena, struct serde_node);
		make(s, n->value, t->value, path);
	}
}

static void unmake(struct serde_node *n)
{
	if (!n || !n->type)
		return;
	if (n->type->kind == HIVE_STRUCT) {
		map_clear(&n->names);
		for (size_t i = 0; i < n->type->n_fields; i++)
			unmake(&n->fields[i]);
	}
	unmake(n->key);
	unmake(n->value);
}

static int make_formats(struct serde *s, const struct serde_opts *o, struct err *e)
{
	s->formats = ARENA_ARRAY(&s->arena, const struct joda *, o->n_formats + 1);
	for (size_t i = 0; i < o->n_formats; i++)
		if (joda_compile(&s->arena, o->formats[i], &s->formats[s->n_formats++], e) < 0)
			return err_ctx(e, "'%.*s'", VIEW_ARG(view_sub(o->formats[i], 0, 60)));
	return 0;
}

static const char *type_text(struct serde *s, const struct hive_type *t, bool staged)
{
	buf_reset(&s->text);
	hive_type_print(&s->text, t, staged);
	return arena_str(&s->arena, buf_view(&s->text));
}

static int make_columns(struct serde *s, const struct serde_column *c, size_t n, struct err *e)
{
	struct hive_field *fields = ARENA_ARRAY(&s->arena, struct hive_field, n + 1);

	if (!n || n > COLUMNS_MAX)
		return err_set(e, ERR_LIMIT, "a table of 1 to %d columns is needed, not of %zu", COLUMNS_MAX, n);
	s->types = ARENA_ARRAY(&s->arena, const char *, n);
	s->stage_types = ARENA_ARRAY(&s->arena, const char *, n);
	for (size_t i = 0; i < n && !e->code; i++) {
		fields[i].name = arena_view(&s->arena, view_str(c[i].name));
		if (!utf8_valid(fields[i].name)) {
			err_set(e, ERR_INVALID, "the name of column %zu is not valid UTF-8", i);
			break;
		}
		if (hive_type_parse(&s->arena, view_str(c[i].type), &fields[i].type, e) < 0) {
			err_ctx(e, "column %s", c[i].name);
			break;
		}
		s->types[i] = type_text(s, fields[i].type, false);
		s->stage_types[i] = type_text(s, fields[i].type, true);
		for (size_t k = 0; k < i && !e->code; k++)
			if (view_eq_nocase(fields[k].name, fields[i].name))
				err_set(e, ERR_INVALID, "column %s is there twice", c[i].name);
	}
	if (e->code)
		return e->code;
	s->table = (struct hive_type){ .kind = HIVE_STRUCT, .fields = fields, .n_fields = n };
	make(s, &s->root, &s->table, VIEW(""));
	return 0;
}

/* A mapped column is found by its key alone. */
static void make_mappings(struct serde *s, const struct serde_opts *o)
{
	for (size_t i = 0; i < o->n_mappings; i++)
		(void)map_del(&s->root.names, folded(s, &s->name, o->mappings[i].column));
	for (size_t i = 0; i < o->n_mappings; i++)
		for (size_t k = 0; k < s->table.n_fields; k++)
			if (view_eq_nocase(s->table.fields[k].name, o->mappings[i].column))
				(void)map_put(&s->root.names, folded(s, &s->name, o->mappings[i].key), &s->root.fields[k]);
}

int serde_new(const struct serde_opts *o, const struct serde_column *columns, size_t n, struct serde **ret, struct err *e)
{
	struct serde *s = calloc(1, sizeof(*s));

	must(s);
	arena_init(&s->arena, 64 * MIB);
	buf_init(&s->text, SCRATCH_MAX);
	buf_init(&s->name, SCRATCH_MAX);
	buf_init(&s->nested, SCRATCH_MAX);
	s->kind = o->kind;
	s->fold = o->kind == SERDE_HIVE || !o->case_sensitive;
	s->dots = o->kind == SERDE_OPENX && o->dots;
	if (make_formats(s, o, e) < 0 || make_columns(s, columns, n, e) < 0) {
		serde_free(s);
		return e->code;
	}
	make_mappings(s, o);
	*ret = s;
	return 0;
}

int serde_check(const struct serde_opts *o, struct err *e)
{
	static const struct serde_column one = { "a", "int" };
	CLEANUP(serde_freep) struct serde *s = NULL;

	return serde_new(o, &one, 1, &s, e);
}

struct serde *serde_free(struct serde *s)
{
	if (!s)
		return NULL;
	unmake(&s->root);
	buf_clear(&s->text);
	buf_clear(&s->name);
	buf_clear(&s->nested);
	arena_clear(&s->arena);
	free(s);
	return NULL;
}

void serde_freep(struct serde **s)
{
	*s = serde_free(*s);
}

const char *serde_type(const struct serde *s, size_t i)
{
	return s->types[i];
}

const char *serde_stage_type(const struct serde *s, size_t i)
{
	return s->stage_types[i];
}

/* --- faults --- */

/* At most @max bytes, whole characters. */
static struct view cut(struct view v, size_t max)
{
	if (v.n <= max)
		return v;
	while (max && ((unsigned char)v.p[max] & 0xc0) == 0x80)
		max--;
	return view_sub(v, 0, max);
}

bool serde__bad(struct serde *s, const struct serde_node *n, const char *fmt, ...)
{
	struct buf b;
	va_list ap;
	struct view v;

	if (s->result->message[0])
		return false;
	buf_init(&b, 64 * KIB);
	buf_add_str(&b, "Data does not match the schema. ");
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (n->path.n) {
		struct buf type;

		buf_init(&type, KIB);
		hive_type_print(&type, n->type, false);
		buf_printf(&b, " (column %.*s, %.*s)", VIEW_ARG(cut(n->path, 80)), VIEW_ARG(cut(buf_view(&type), 60)));
		buf_clear(&type);
	}
	v = cut(buf_view(&b), SERDE_MESSAGE - 1);
	memcpy(s->result->message, v.p, v.n);
	s->result->message[v.n] = '\0';
	buf_clear(&b);
	return false;
}

bool serde__bad_value(struct serde *s, const struct serde_node *n, struct view raw)
{
	struct view v = cut(serde__text(s, raw), 120);

	return serde__bad(s, n, "For input string: \"%.*s\"", VIEW_ARG(v));
}

static bool bad_shape(struct serde *s, const struct serde_node *n, const char *wanted, struct view raw)
{
	const char *type = raw.p[0] == '"' ? "java.lang.String"
			   : raw.p[0] == 't' || raw.p[0] == 'f' ? "java.lang.Boolean"
			   : raw.p[0] == '[' ? "org.json.JSONArray"
			   : raw.p[0] == '{' ? "org.json.JSONObject"
			   : memchr(raw.p, '.', raw.n) || memchr(raw.p, 'e', raw.n) ? "java.lang.Double" : "java.lang.Long";

	if (s->kind == SERDE_HIVE)
		return serde__bad(s, n, "java.io.IOException: Start of %s expected", wanted);
	/* The doubled space is AWS's. */
	return serde__bad(s, n, "Data is not JSON%s  but %s with value %.*s", wanted, type, VIEW_ARG(cut(raw, 120)));
}

struct view serde__text(struct serde *s, struct view raw)
{
	if (!json_text_is(raw, '"'))
		return raw;
	raw = json_text_inside(raw);
	if (!memchr(raw.p, '\\', raw.n))
		return raw;
	buf_reset(&s->text);
	json_text_unescape(&s->text, raw);
	return buf_view(&s->text);
}

/* --- values --- */

static bool put(struct serde *s, struct serde_node *n, struct view raw);

static void note_dropped(struct serde *s, struct view name)
{
	struct view v = cut(name, sizeof(s->result->first_dropped) - 1);

	if (s->result->dropped++)
		return;
	memcpy(s->result->first_dropped, v.p, v.n);
	s->result->first_dropped[v.n] = '\0';
}

static struct view key_text(struct serde *s, struct view name)
{
	if (!memchr(name.p, '\\', name.n))
		return name;
	buf_reset(&s->text);
	json_text_unescape(&s->text, name);
	return buf_view(&s->text);
}

/* The members of an object, each into its field's slot. */
static void find_fields(struct serde *s, struct serde_node *n, struct view raw)
{
	struct json_walk w = json_walk(raw);
	struct view name, value;

	memset(n->slots, 0, n->type->n_fields * sizeof(*n->slots));
	while (json_walk_next(&w, &name, &value)) {
		struct serde_node *f;

		name = key_text(s, name);
		f = map_get(&n->names, folded(s, &s->name, name));
		if (f)
			n->slots[f - n->fields] = value;
		else
			note_dropped(s, name);
	}
}

/* OpenX: an array by position; what is too much is dropped. */
static void find_places(struct serde *s, struct serde_node *n, struct view raw)
{
	struct json_walk w = json_walk(raw);
	struct view value;
	size_t i = 0;

	memset(n->slots, 0, n->type->n_fields * sizeof(*n->slots));
	while (json_walk_next(&w, NULL, &value)) {
		if (i < n->type->n_fields)
			n->slots[i++] = value;
		else
			note_dropped(s, n->path);
	}
}

/* What is in the slots. */
static bool put_fields(struct serde *s, struct serde_node *n)
{
	const char *sep = "";

	buf_add_char(s->out, '{');
	for (size_t i = 0; i < n->type->n_fields; i++) {
		if (!n->slots[i].p || view_eq_str(n->slots[i], "null"))
			continue;
		buf_add_str(s->out, sep);
		sep = ",";
		buf_add_view(s->out, n->fields[i].label);
		if (!put(s, &n->fields[i], n->slots[i]))
			return false;
	}
	buf_add_char(s->out, '}');
	return true;
}

static bool put_struct(struct serde *s, struct serde_node *n, struct view raw)
{
	if (json_text_is(raw, '{'))
		find_fields(s, n, raw);
	else if (json_text_is(raw, '[') && s->kind == SERDE_OPENX)
		find_places(s, n, raw);
	else
		return bad_shape(s, n, "Object", raw);
	return put_fields(s, n);
}

static bool put_array(struct serde *s, struct serde_node *n, struct view raw)
{
	struct json_walk w;
	struct view value;
	const char *sep = "[";

	if (!json_text_is(raw, '[') && s->kind == SERDE_HIVE)
		return bad_shape(s, n, "Array", raw);
	if (!json_text_is(raw, '[')) {
		buf_add_char(s->out, '[');
		if (!put(s, n->value, raw))
			return false;
		buf_add_char(s->out, ']');
		return true;
	}
	w = json_walk(raw);
	for (; json_walk_next(&w, NULL, &value); sep = ",") {
		buf_add_str(s->out, sep);
		if (!put(s, n->value, value))
			return false;
	}
	buf_add_str(s->out, *sep == '[' ? "[]" : "]");
	return true;
}

struct entry {
	struct view key, value;
	size_t at; /* its place; SIZE_MAX: a later one has the same key */
};

/* The entries with their keys as the engine reads them; of equal keys the last stays. */
static bool map_entries(struct serde *s, struct serde_node *n, struct view raw, struct arena *a, struct map *seen,
			struct entry **ret, size_t *ret_n)
{
	struct json_walk w = json_walk(raw);
	struct buf *out = s->out, key;
	size_t n_entries = 0, cap = 0;
	struct view name, value;
	bool ok = true;

	buf_init(&key, SCRATCH_MAX);
	*ret = NULL;
	while (ok && json_walk_next(&w, &name, &value)) {
		struct entry *e, *old;

		if (s->kind == SERDE_OPENX && s->fold)
			name = arena_view(a, folded(s, &s->name, key_text(s, name)));
		else
			name = arena_view(a, key_text(s, name));
		buf_reset(&key);
		json_print_str(&key, name);
		name = arena_view(a, buf_view(&key));
		buf_reset(&key);
		s->out = &key;
		ok = serde__scalar(s, n->key, name, true);
		s->out = out;
		if (n_entries == cap) {
			struct entry *more = ARENA_ARRAY(a, struct entry, cap ? cap * 2 : 16);

			if (cap)
				memcpy(more, *ret, cap * sizeof(*more));
			cap = cap ? cap * 2 : 16;
			*ret = more;
		}
		e = &(*ret)[n_entries];
		*e = (struct entry){ arena_view(a, buf_view(&key)), value, n_entries };
		/* Places, not pointers: the array moves. */
		old = map_put(seen, e->key, (void *)(uintptr_t)(n_entries + 1));
		if (old)
			(*ret)[(uintptr_t)old - 1].at = SIZE_MAX;
		n_entries++;
	}
	buf_clear(&key);
	*ret_n = n_entries;
	return ok;
}

static bool put_map(struct serde *s, struct serde_node *n, struct view raw)
{
	const char *sep = "";
	struct entry *v;
	struct arena a;
	struct map seen;
	size_t n_entries;
	bool ok;

	if (!json_text_is(raw, '{'))
		return bad_shape(s, n, "Object", raw);
	arena_init(&a, LIMIT_ARENA);
	map_init(&seen);
	ok = map_entries(s, n, raw, &a, &seen, &v, &n_entries);
	buf_add_char(s->out, '{');
	for (size_t i = 0; ok && i < n_entries; i++) {
		if (v[i].at == SIZE_MAX)
			continue;
		buf_add_str(s->out, sep);
		buf_add_view(s->out, v[i].key);
		buf_add_char(s->out, ':');
		ok = put(s, n->value, v[i].value);
		sep = ",";
	}
	buf_add_char(s->out, '}');
	map_clear(&seen);
	arena_clear(&a);
	return ok;
}

static bool put(struct serde *s, struct serde_node *n, struct view raw)
{
	if (view_eq_str(raw, "null")) {
		buf_add_str(s->out, "null");
		return true;
	}
	switch (n->type->kind) {
	case HIVE_STRUCT:
		return put_struct(s, n, raw);
	case HIVE_ARRAY:
		return put_array(s, n, raw);
	case HIVE_MAP:
		return put_map(s, n, raw);
	default:
		return serde__scalar(s, n, raw, false);
	}
}

/* --- records --- */

static enum serde_fault tell(struct serde_result *ret, enum serde_fault f, const char *text)
{
	struct view v = view_sub(view_str(text), 0, SERDE_MESSAGE - 1);

	memcpy(ret->message, v.p, v.n);
	ret->message[v.n] = '\0';
	return f;
}

static enum serde_fault no_json(struct serde_result *ret, const char *what, size_t at)
{
	struct buf b;

	buf_init(&b, KIB);
	buf_printf(&b, "Encountered malformed JSON. %s at byte %zu", what, at);
	tell(ret, SERDE_PARSE, b.p);
	buf_clear(&b);
	return SERDE_PARSE;
}

/* One row from the object @raw. */
static enum serde_fault row(struct serde *s, struct view raw, struct serde_result *ret)
{
	size_t from = s->out->n;

	if (json_text_is(raw, '['))
		return tell(ret, SERDE_MALFORMED,
			    "Data does not match the schema. The input JSON is an array; one object after another is expected.");
	if (!json_text_is(raw, '{'))
		return tell(ret, SERDE_MALFORMED,
			    "The input JSON contained a primitive at the top level. The top level must be an object or array.");
	find_fields(s, &s->root, raw);
	if (!put_fields(s, &s->root))
		return SERDE_MALFORMED;
	buf_add_char(s->out, '\n');
	if (s->out->n - from > SERDE_ROW_MAX)
		return tell(ret, SERDE_MALFORMED, "Data does not match the schema. The row is too long.");
	ret->rows++;
	return SERDE_OK;
}

static enum serde_fault rows(struct serde *s, struct view record, struct serde_result *ret)
{
	struct view rest = view_trim(record);
	enum serde_fault f = SERDE_OK;

	if (record.n > SERDE_RECORD_MAX)
		return tell(ret, SERDE_MALFORMED, "The record is too long.");
	if (!rest.n)
		return tell(ret, SERDE_MALFORMED, "The record was empty or contained only whitespace.");
	if (!utf8_valid(rest))
		return tell(ret, SERDE_PARSE, "Encountered malformed JSON. The text is not valid UTF-8");
	while (rest.n && f == SERDE_OK && !s->out->over) {
		size_t end, at = (size_t)(rest.p - record.p);
		const char *what = json_text_check(rest, &end);

		if (what)
			return no_json(ret, what, at + end);
		f = row(s, view_sub(rest, 0, end), ret);
		rest = view_trim(view_from(rest, end));
	}
	return f;
}

enum serde_fault serde_record(struct serde *s, struct view record, struct buf *out, struct serde_result *ret)
{
	size_t before = out->n;
	enum serde_fault f;

	*ret = (struct serde_result){ .rows = 0 };
	s->out = out;
	s->result = ret;
	f = rows(s, record, ret);
	if (out->over)
		f = SERDE_FULL;
	if (f == SERDE_OK)
		return f;
	out->n = before;
	out->over = false;
	if (out->p)
		out->p[before] = '\0';
	return f;
}
