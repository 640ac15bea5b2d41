/* SPDX-License-Identifier: Apache-2.0 */
/* From a tree of values to an operation's input struct, by its field table, validated as AWS validates. */
#include <inttypes.h>
#include <math.h>

#include "aws/aws_int.h"
#include "base/base64.h"
#include "base/time.h"
#include "base/utf8.h"

#define LIST_BYTES_MAX (32 * MIB)
#define SHOWN_MAX 160 /* bytes of a value in a message */

/* Where we are, for messages: 'records.2.member.data'. */
struct where {
	const struct where *up;
	struct view name;
	size_t index; /* 1..: of a list's element */
};

static void where_text(struct buf *b, const struct where *w)
{
	if (!w)
		return;
	where_text(b, w->up);
	if (w->index) {
		buf_printf(b, ".%zu.member", w->index);
		return;
	}
	if (b->n)
		buf_add_char(b, '.');
	if (w->name.n && w->name.p[0] >= 'A' && w->name.p[0] <= 'Z') {
		buf_add_char(b, (char)(w->name.p[0] | 0x20));
		buf_add_view(b, view_from(w->name, 1));
	} else {
		buf_add_view(b, w->name);
	}
}

static const char *where_str(const struct decode *d, const struct where *w)
{
	struct buf b;
	const char *s;

	buf_init(&b, 400);
	where_text(&b, w);
	s = arena_str(d->arena, buf_view(&b));
	buf_clear(&b);
	return s;
}

/* A value as messages show it: cut at a character's end. */
static const char *shown(const struct decode *d, struct view v)
{
	size_t n = v.n;

	if (n > SHOWN_MAX)
		for (n = SHOWN_MAX; n > 0 && ((unsigned char)v.p[n] & 0xc0) == 0x80;)
			n--;
	return arena_printf(d->arena, "%.*s%s", (int)n, v.p ? v.p : "", n < v.n ? "..." : "");
}

static int bad_value_as(const struct decode *d, const struct aws_error *err, const struct where *w, struct view v,
			const char *must_text)
{
	return aws_fail(d->err, err,
			"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s",
			shown(d, v), where_str(d, w), must_text);
}

static int bad_value(const struct decode *d, const struct where *w, struct view v, const char *must_text)
{
	return bad_value_as(d, aws__err_invalid(d->service), w, v, must_text);
}

/* What breaks the schema of an XML document (a word for a number) is no argument, it is bad XML. */
static const struct aws_error *err_schema(const struct decode *d, bool in_document)
{
	return in_document && d->service->protocol == OP_REST_XML ? &AWS_MALFORMED_XML : aws__err_invalid(d->service);
}

static int bad_form(const struct decode *d, const struct where *w, struct view v, const char *must_text)
{
	return bad_value_as(d, err_schema(d, w->up != NULL), w, v, must_text);
}

static int bad_type(const struct decode *d, const struct where *w, const struct json *v, const char *wanted)
{
	static const char *const names[] = { [JSON_NULL] = "null", [JSON_BOOL] = "BOOLEAN_VALUE",
					     [JSON_INT] = "NUMBER_VALUE", [JSON_NUM] = "NUMBER_VALUE",
					     [JSON_STR] = "STRING_VALUE", [JSON_ARR] = "START_ARRAY",
					     [JSON_OBJ] = "START_OBJECT" };
	const struct aws_error *err = &AWS_SERIALIZATION;

	if (d->mode == DECODE_TEXT)
		err = d->service->protocol == OP_REST_XML ? &AWS_MALFORMED_XML : aws__err_invalid(d->service);
	return aws_fail(d->err, err, "%s at '%s' can not be converted to %s", names[v->type], where_str(d, w), wanted);
}

int aws__refuse(const struct decode *d, const char *path, bool known)
{
	if (!known)
		return aws_fail(d->err, aws__err_refused(d->service), "the member '%s' is not known", path);
	return aws_fail(d->err, aws__err_refused(d->service), "the member '%s' is not supported by mulgil", path);
}

static int check_length(const struct decode *d, const struct op_field *f, const struct where *w, size_t n,
			struct view show)
{
	if (f->min > 0 && n < (uint64_t)f->min)
		return bad_value(d, w, show,
				 arena_printf(d->arena, "have length greater than or equal to %" PRId64, f->min));
	if (f->max > 0 && n > (uint64_t)f->max)
		return bad_value(d, w, show,
				 arena_printf(d->arena, "have length less than or equal to %" PRId64, f->max));
	return 0;
}

static int check_range(const struct decode *d, const struct op_field *f, const struct where *w, int64_t i)
{
	struct view show = view_str(arena_printf(d->arena, "%" PRId64, i));

	if (!f->min && !f->max)
		return 0;
	if (i < f->min)
		return bad_value(d, w, show,
				 arena_printf(d->arena, "have value greater than or equal to %" PRId64, f->min));
	if (f->max && i > f->max)
		return bad_value(d, w, show,
				 arena_printf(d->arena, "have value less than or equal to %" PRId64, f->max));
	return 0;
}

/* Members of path, query and headers are text whatever the body is. */
static bool is_text(const struct decode *d, const struct op_field *f)
{
	return d->mode == DECODE_TEXT || (d->mode == DECODE_JSON && f->loc != OPL_BODY && f->loc != OPL_PAYLOAD);
}

static int get_str(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		   const char **slot)
{
	struct view s = json_str(v);
	int rc;

	if (!s.p)
		return bad_type(d, w, v, "String");
	if (memchr(s.p, '\0', s.n) || !utf8_valid(s))
		return bad_value(d, w, VIEW(""), "hold valid characters only");
	rc = check_length(d, f, w, utf8_len(s), s);
	*slot = arena_str(d->arena, s);
	return rc;
}

static int get_enum(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		    const char **slot)
{
	struct view s = json_str(v);
	struct buf b;
	int rc;

	if (!s.p)
		return bad_type(d, w, v, "String");
	for (size_t i = 0; f->values && f->values[i]; i++) {
		if (!view_eq_str(s, f->values[i]))
			continue;
		*slot = f->values[i];
		return 0;
	}
	for (size_t i = 0; f->refused && f->refused[i]; i++)
		if (view_eq_str(s, f->refused[i]))
			return aws_fail(d->err, aws__err_refused(d->service),
					"the value '%s' of the member '%s' is not supported by mulgil", f->refused[i],
					where_str(d, w));
	buf_init(&b, 512);
	buf_add_str(&b, "satisfy enum value set: [");
	for (size_t i = 0; f->values && f->values[i]; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", f->values[i]);
	buf_add_char(&b, ']');
	rc = bad_value_as(d, f->invalid ? f->invalid : err_schema(d, w->up != NULL), w, s, buf_view(&b).p);
	buf_clear(&b);
	return rc;
}

static int get_blob(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		    struct view *slot)
{
	struct view s = json_str(v);

	if (d->mode == DECODE_SDK) {
		*slot = s.p ? s : view_str(json_text(d->arena, v));
	} else {
		if (!s.p)
			return bad_type(d, w, v, "a Blob");
		if (f->loc == OPL_PAYLOAD)
			*slot = s;
		else if (!base64_decode_arena(d->arena, s, slot))
			return aws_fail(d->err, &AWS_SERIALIZATION, "the value at '%s' is not valid base64",
					where_str(d, w));
	}
	if (!slot->p)
		*slot = VIEW("");
	return check_length(d, f, w, slot->n, VIEW("(blob)"));
}

static bool to_int(const struct json *v, bool text, int64_t *ret)
{
	double x;

	if (text)
		return json_is(v, JSON_STR) && view_i64(v->s, ret);
	x = json_double(v, NAN);
	if (json_is(v, JSON_INT))
		*ret = v->i;
	else if (json_is(v, JSON_NUM) && x == floor(x) && fabs(x) < 9e15)
		*ret = (int64_t)x;
	else
		return false;
	return true;
}

static int get_int(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		   int64_t *slot)
{
	if (!to_int(v, is_text(d, f), slot))
		return is_text(d, f) && json_is(v, JSON_STR) ? bad_form(d, w, v->s, "be a whole number")
							     : bad_type(d, w, v, "Long");
	return check_range(d, f, w, *slot);
}

static bool text_to_num(const struct decode *d, struct view s, double *ret)
{
	struct err e = { 0 };
	const struct json *j = s.n && s.n < 64 ? json_parse(d->arena, s, 1, &e) : NULL;

	*ret = json_double(j, NAN);
	return json_is_number(j);
}

static int get_num(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		   struct opt_num *slot)
{
	slot->set = true;
	if (is_text(d, f) && json_is(v, JSON_STR))
		return text_to_num(d, v->s, &slot->v) ? 0 : bad_form(d, w, v->s, "be a number");
	if (!json_is_number(v))
		return bad_type(d, w, v, "Double");
	slot->v = json_double(v, 0);
	return 0;
}

static int get_bool(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		    struct opt_bool *slot)
{
	slot->set = true;
	if (is_text(d, f) && json_is(v, JSON_STR)) {
		slot->v = view_eq_nocase(v->s, VIEW("true"));
		return slot->v || view_eq_nocase(v->s, VIEW("false")) ? 0 : bad_form(d, w, v->s, "be true or false");
	}
	if (!json_is(v, JSON_BOOL))
		return bad_type(d, w, v, "Boolean");
	slot->v = v->b;
	return 0;
}

static int get_time(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		    struct opt_int *slot)
{
	struct view s = json_str(v);
	double x = json_double(v, NAN);

	slot->set = true;
	if (s.p && (is_text(d, f) || d->mode == DECODE_SDK)) {
		if (time_parse_iso(s, &slot->v) || time_parse_http(s, &slot->v))
			return 0;
		if (!text_to_num(d, s, &x))
			return bad_form(d, w, s, "be a timestamp");
	} else if (!json_is_number(v)) {
		return bad_type(d, w, v, "Timestamp");
	}
	if (!(fabs(x) < 1e12))
		return bad_value(d, w, VIEW("(timestamp)"), "be a timestamp in seconds");
	slot->v = (int64_t)llround(x * 1000);
	return 0;
}

static int get_value(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		     void *slot);
static int get_fields(const struct decode *d, const struct op_field *fields, const struct where *w,
		      const struct json *obj, void *ret);
static int unknown(const struct decode *d, const struct where *up, struct view name);
static int get_required(const struct decode *d, const struct op_field *fields, const struct where *up, const bool *seen);
static size_t count_fields(const struct op_field *fields);

static int get_element(const struct decode *d, const struct op_field *f, const struct where *w,
		       const struct json *v, void *slot)
{
	if (json_is(v, JSON_NULL))
		return bad_type(d, w, v, "an element of a list");
	if (f->kind == OPK_OBJ) {
		if (!json_is(v, JSON_OBJ))
			return bad_type(d, w, v, "a structure");
		return get_fields(d, f->sub, w, v, slot);
	}
	if (f->kind == OPK_INT)
		return get_int(d, f, w, v, slot);
	return get_value(d, f, w, v, slot);
}

static int get_list(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		    struct op_list *slot)
{
	size_t n = json_len(v);
	int rc;

	if (!json_is(v, JSON_ARR))
		return bad_type(d, w, v, "a list");
	must(f->size && f->sub);
	rc = check_length(d, f, w, n, VIEW("(list)"));
	if (rc == 0 && n > LIST_BYTES_MAX / f->size)
		rc = bad_value(d, w, VIEW("(list)"), "be shorter");
	if (rc < 0)
		return rc;
	slot->set = true;
	slot->n = n;
	slot->v = arena_alloc(d->arena, n ? n * f->size : 1);
	for (size_t i = 0; i < n; i++) {
		const struct where at = { .up = w, .index = i + 1 };

		rc = get_element(d, f->sub, &at, json_at(v, i), (char *)slot->v + i * f->size);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int get_pair(const struct decode *d, const struct op_field *f, const struct where *w,
		    const struct json_member *m, struct op_pair *slot)
{
	static const struct op_field any = { .name = "value", .kind = OPK_STR };
	const struct where at = { .up = w, .name = m->name };
	const struct json key = { .type = JSON_STR, .s = m->name };
	int rc = get_str(d, f->sub ? &f->sub[0] : &any, w, &key, &slot->key);

	if (rc < 0)
		return rc;
	return get_str(d, f->sub ? &f->sub[1] : &any, &at, m->value, &slot->value);
}

static int get_map(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		   struct op_map *slot)
{
	size_t n = json_len(v);
	int rc;

	if (!json_is(v, JSON_OBJ))
		return bad_type(d, w, v, "a map");
	rc = check_length(d, f, w, n, VIEW("(map)"));
	if (rc < 0)
		return rc;
	slot->set = true;
	slot->n = n;
	slot->v = ARENA_ARRAY(d->arena, struct op_pair, n ? n : 1);
	for (size_t i = 0; i < n; i++) {
		rc = get_pair(d, f, w, &v->obj.v[i], &slot->v[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- documents: validated by their rows, kept as JSON --- */

union scratch { /* a decoded value that nobody keeps */
	const char *s;
	struct view v;
	struct opt_int i;
	struct opt_num n;
	struct opt_bool b;
	struct op_map m;
};

static int get_doc(const struct decode *d, const struct op_field *fields, const struct where *w, const struct json *v,
		   const struct json **ret);

static int get_doc_list(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
			const struct json **ret);

static int get_doc_value(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
			 const struct json **ret)
{
	union scratch out = { .s = NULL };
	int rc;

	if (f->kind == OPK_OBJ)
		return get_doc(d, f->sub, w, v, ret);
	if (f->kind == OPK_LIST)
		return get_doc_list(d, f, w, v, ret);
	rc = get_value(d, f, w, v, &out);
	*ret = f->kind == OPK_INT && rc == 0 ? json_new_int(d->arena, out.i.v) : v;
	return rc;
}

static int get_doc_list(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
			const struct json **ret)
{
	struct json *list = json_new_arr(d->arena);
	int rc;

	if (!json_is(v, JSON_ARR))
		return bad_type(d, w, v, "a list");
	rc = check_length(d, f, w, json_len(v), VIEW("(list)"));
	for (size_t i = 0; rc == 0 && i < json_len(v); i++) {
		const struct where at = { .up = w, .index = i + 1 };
		const struct json *one = json_at(v, i);

		rc = json_is(one, JSON_NULL) ? bad_type(d, &at, one, "an element of a list") :
					       get_doc_value(d, f->sub, &at, one, &one);
		if (rc == 0)
			json_push(d->arena, list, one);
	}
	*ret = list;
	return rc;
}

static int get_doc(const struct decode *d, const struct op_field *fields, const struct where *w, const struct json *v,
		   const struct json **ret)
{
	bool *seen = ARENA_ARRAY(d->arena, bool, count_fields(fields) + 1);
	struct json *doc = json_new_obj(d->arena);

	if (!json_is(v, JSON_OBJ))
		return bad_type(d, w, v, "a structure");
	for (size_t i = 0; i < json_len(v); i++) {
		const struct json_member *m = &v->obj.v[i];
		const struct op_field *f = aws__field_of(d, fields, m->name);
		const struct where at = { .up = w, .name = m->name };
		const struct json *one;
		int rc;

		if (json_is(m->value, JSON_NULL))
			continue;
		if (!f)
			return unknown(d, w, m->name);
		rc = get_doc_value(d, f, &at, m->value, &one);
		if (rc < 0)
			return rc;
		json_set(d->arena, doc, f->name, one);
		seen[f - fields] = true;
	}
	*ret = doc;
	return get_required(d, fields, w, seen);
}

static int get_obj(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		   void **slot)
{
	if (!json_is(v, JSON_OBJ))
		return bad_type(d, w, v, "a structure");
	*slot = arena_alloc(d->arena, f->size ? f->size : 1);
	return get_fields(d, f->sub, w, v, *slot);
}

static int get_value(const struct decode *d, const struct op_field *f, const struct where *w, const struct json *v,
		     void *slot)
{
	switch ((enum op_kind)f->kind) {
	case OPK_STR:
		return get_str(d, f, w, v, slot);
	case OPK_BLOB:
		return get_blob(d, f, w, v, slot);
	case OPK_INT:
		((struct opt_int *)slot)->set = true;
		return get_int(d, f, w, v, &((struct opt_int *)slot)->v);
	case OPK_NUM:
		return get_num(d, f, w, v, slot);
	case OPK_BOOL:
		return get_bool(d, f, w, v, slot);
	case OPK_TIME:
		return get_time(d, f, w, v, slot);
	case OPK_ENUM:
		return get_enum(d, f, w, v, slot);
	case OPK_JSON:
		if (f->sub)
			return get_doc(d, f->sub, w, v, slot);
		*(const struct json **)slot = v;
		return 0;
	case OPK_OBJ:
		return get_obj(d, f, w, v, slot);
	case OPK_LIST:
		return get_list(d, f, w, v, slot);
	case OPK_MAP:
		return get_map(d, f, w, v, slot);
	case OPK_REFUSED:
		if (f->invalid)
			return aws_fail(d->err, f->invalid, "%s header is not supported for this operation.", f->at);
		return aws__refuse(d, where_str(d, w), true);
	case OPK_END:
		break;
	}
	must_failed("a field table has a row without kind", __FILE__, __LINE__);
}

static struct view wire_name(const struct decode *d, const struct op_field *f)
{
	bool renamed = d->mode == DECODE_JSON && f->loc == OPL_BODY && f->at && !d->service->query_names;

	return view_str(renamed ? f->at : f->name);
}

static bool name_fits(const struct decode *d, struct view given, struct view name)
{
	if (view_eq(given, name))
		return true;
	return d->mode == DECODE_SDK && given.n == name.n && given.n && (given.p[0] | 0x20) == (name.p[0] | 0x20) &&
	       view_eq(view_from(given, 1), view_from(name, 1));
}

const struct op_field *aws__field_of(const struct decode *d, const struct op_field *fields, struct view name)
{
	for (; fields && fields->kind != OPK_END; fields++)
		if (name_fits(d, name, wire_name(d, fields)))
			return fields;
	return NULL;
}

/* "?Name": a tree builder met a name that is no member at that place. */
static int unknown(const struct decode *d, const struct where *up, struct view name)
{
	const struct where w = { .up = up, .name = name.n && name.p[0] == '?' ? view_from(name, 1) : name };

	return aws__refuse(d, where_str(d, &w), false);
}

static int get_required(const struct decode *d, const struct op_field *fields, const struct where *up,
			const bool *seen)
{
	for (size_t i = 0; fields && fields[i].kind != OPK_END; i++) {
		const struct where w = { .up = up, .name = view_str(fields[i].name) };

		if (!fields[i].required || seen[i] || (d->skip_payload && fields[i].loc == OPL_PAYLOAD))
			continue;
		return aws_fail(d->err, err_schema(d, up || fields[i].loc == OPL_PAYLOAD),
				"1 validation error detected: Value null at '%s' failed to satisfy constraint: "
				"Member must not be null", where_str(d, &w));
	}
	return 0;
}

static size_t count_fields(const struct op_field *fields)
{
	size_t n = 0;

	while (fields && fields[n].kind != OPK_END)
		n++;
	return n;
}

static int get_fields(const struct decode *d, const struct op_field *fields, const struct where *up,
		      const struct json *obj, void *ret)
{
	bool *seen = ARENA_ARRAY(d->arena, bool, count_fields(fields) + 1);

	for (size_t i = 0; i < json_len(obj); i++) {
		const struct json_member *m = &obj->obj.v[i];
		const struct op_field *f = aws__field_of(d, fields, m->name);
		const struct where w = { .up = up, .name = m->name };
		int rc;

		if (json_is(m->value, JSON_NULL))
			continue;
		if (!f)
			return unknown(d, up, m->name);
		rc = get_value(d, f, &w, m->value, (char *)ret + f->off);
		if (rc < 0)
			return rc;
		seen[f - fields] = true;
	}
	return get_required(d, fields, up, seen);
}

int aws__decode(const struct decode *d, const struct op *op, const struct json *tree, void *ret)
{
	if (!json_is(tree, JSON_OBJ))
		return aws_fail(d->err, &AWS_SERIALIZATION, "the body has to be an object");
	return get_fields(d, op->in, NULL, tree, ret);
}

const struct op_field *aws__field_payload(const struct op_field *fields)
{
	for (; fields && fields->kind != OPK_END; fields++)
		if (fields->loc == OPL_PAYLOAD)
			return fields;
	return NULL;
}
