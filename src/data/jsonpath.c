// SPDX-License-Identifier: Apache-2.0
/* Evaluates compiled JsonPath expressions and assigns to reference paths. */
#include "data/jsonpath.h"

#include "data/jsonpath_int.h"

struct run {
	struct arena *a;
	const struct json *root;
	struct json *found;
	size_t visited;
	size_t most; /* bytes of the arena that may be in use: above, the path is given up */
};

static bool single(const struct step *s, bool leaf)
{
	if (s->deep)
		return false;
	return (s->kind == STEP_NAME && (s->n == 1 || leaf)) || (s->kind == STEP_INDEX && s->n == 1);
}

bool jsonpath_definite(const struct jsonpath *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!single(&p->steps[i], i + 1 == p->n))
			return false;
	return true;
}

bool jsonpath_reference(const struct jsonpath *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!single(&p->steps[i], false) || (p->steps[i].kind == STEP_INDEX && p->steps[i].index[0] < 0))
			return false;
	return true;
}

static const struct json *element(const struct json *v, int64_t i)
{
	int64_t n = (int64_t)json_len(v);

	if (!json_is(v, JSON_ARR))
		return NULL;
	if (i < 0)
		i += n;
	return i >= 0 && i < n ? json_at(v, (size_t)i) : NULL;
}

static bool walk(struct run *r, const struct jsonpath *p, size_t i, const struct json *v);
static bool passes(struct run *r, const struct filter *f, const struct json *cur, bool *ok);

static bool by_name(struct run *r, const struct jsonpath *p, size_t i, const struct json *v)
{
	const struct step *s = &p->steps[i];
	struct json *both;
	bool ok = true;

	if (!json_is(v, JSON_OBJ))
		return true;
	if (s->n > 1 && i + 1 == p->n) { /* several names at the end give one object */
		both = json_new_obj(r->a);
		for (size_t k = 0; k < s->n; k++)
			if (json_get_view(v, s->names[k]))
				json_set_view(r->a, both, s->names[k], json_get_view(v, s->names[k]));
		return walk(r, p, i + 1, both);
	}
	for (size_t k = 0; ok && k < s->n; k++) {
		const struct json *x = json_get_view(v, s->names[k]);

		ok = !x || walk(r, p, i + 1, x);
	}
	return ok;
}

static bool by_slice(struct run *r, const struct jsonpath *p, size_t i, const struct json *v)
{
	const struct step *s = &p->steps[i];
	int64_t n = (int64_t)json_len(v), from = s->has_from ? s->from : 0, to = s->has_to ? s->to : n;
	bool ok = true;

	if (!json_is(v, JSON_ARR))
		return true;
	if (from < 0)
		from = from + n < 0 ? 0 : from + n;
	if (to < 0)
		to += n;
	for (; ok && from < to && from < n; from++)
		ok = walk(r, p, i + 1, json_at(v, (size_t)from));
	return ok;
}

static bool by_any(struct run *r, const struct jsonpath *p, size_t i, const struct json *v)
{
	bool ok = true;

	if (json_is(v, JSON_OBJ))
		for (size_t k = 0; ok && k < v->obj.n; k++)
			ok = walk(r, p, i + 1, v->obj.v[k].value);
	else if (json_is(v, JSON_ARR))
		for (size_t k = 0; ok && k < v->arr.n; k++)
			ok = walk(r, p, i + 1, v->arr.v[k]);
	return ok;
}

static bool by_filter(struct run *r, const struct jsonpath *p, size_t i, const struct json *v)
{
	const struct filter *f = p->steps[i].filter;
	bool ok = true, yes;

	if (json_is(v, JSON_OBJ)) { /* an object is tested as a whole */
		yes = passes(r, f, v, &ok);
		return ok && (!yes || walk(r, p, i + 1, v));
	}
	if (!json_is(v, JSON_ARR))
		return true;
	for (size_t k = 0; ok && k < v->arr.n; k++) {
		yes = passes(r, f, v->arr.v[k], &ok);
		if (ok && yes)
			ok = walk(r, p, i + 1, v->arr.v[k]);
	}
	return ok;
}

static bool apply(struct run *r, const struct jsonpath *p, size_t i, const struct json *v)
{
	const struct step *s = &p->steps[i];
	bool ok = true;

	switch (s->kind) {
	case STEP_NAME:
		return by_name(r, p, i, v);
	case STEP_SLICE:
		return by_slice(r, p, i, v);
	case STEP_ANY:
		return by_any(r, p, i, v);
	case STEP_FILTER:
		return by_filter(r, p, i, v);
	case STEP_INDEX:
		break;
	}
	for (size_t k = 0; ok && k < s->n; k++) {
		const struct json *x = element(v, s->index[k]);

		ok = !x || walk(r, p, i + 1, x);
	}
	return ok;
}

/* @v and everything below it, itself first. */
static bool deep(struct run *r, const struct jsonpath *p, size_t i, const struct json *v)
{
	if (++r->visited > JSONPATH_NODES || !apply(r, p, i, v))
		return false;
	if (json_is(v, JSON_OBJ))
		for (size_t k = 0; k < v->obj.n; k++)
			if (!deep(r, p, i, v->obj.v[k].value))
				return false;
	if (json_is(v, JSON_ARR))
		for (size_t k = 0; k < v->arr.n; k++)
			if (!deep(r, p, i, v->arr.v[k]))
				return false;
	return true;
}

/* false: over the limit. */
static bool walk(struct run *r, const struct jsonpath *p, size_t i, const struct json *v)
{
	if (++r->visited > JSONPATH_NODES || r->a->used > r->most)
		return false;
	if (i == p->n) {
		json_push(r->a, r->found, v);
		return true;
	}
	return p->steps[i].deep ? deep(r, p, i, v) : apply(r, p, i, v);
}

/* --- filters --- */
/* NULL: nothing there. */
static const struct json *operand(struct run *r, const struct operand *o, const struct json *cur, bool *ok)
{
	struct run sub = { .a = r->a, .root = r->root, .visited = r->visited, .most = r->most };

	if (o->literal)
		return o->literal;
	sub.found = json_new_arr(r->a);
	if (!walk(&sub, o->path, 0, o->path->current ? cur : r->root)) {
		*ok = false;
		return NULL;
	}
	r->visited = sub.visited;
	if (!jsonpath_definite(o->path))
		return json_len(sub.found) ? sub.found : NULL;
	return json_at(sub.found, 0);
}

static int order(const struct json *x, const struct json *y, bool *comparable)
{
	*comparable = true;
	if (json_is_number(x) && json_is_number(y)) {
		double a = json_double(x, 0), b = json_double(y, 0);

		return a < b ? -1 : a > b;
	}
	if (json_is(x, JSON_STR) && json_is(y, JSON_STR))
		return view_cmp(json_str(x), json_str(y));
	*comparable = false;
	return 0;
}

static bool contains(const struct json *list, const struct json *x)
{
	for (size_t i = 0; i < json_len(list) && json_is(list, JSON_ARR); i++)
		if (json_equal(json_at(list, i), x))
			return true;
	return false;
}

static bool compare(enum filter_kind k, const struct json *x, const struct json *y)
{
	bool comparable;
	int c;

	if (k == FILTER_EQ || k == FILTER_NE)
		return ((x && y ? json_equal(x, y) : x == y)) == (k == FILTER_EQ);
	if (k == FILTER_IN || k == FILTER_NIN)
		return (x && y && contains(y, x)) == (k == FILTER_IN);
	if (!x || !y)
		return false;
	c = order(x, y, &comparable);
	if (!comparable)
		return false;
	return k == FILTER_LT ? c < 0 : k == FILTER_LE ? c <= 0 : k == FILTER_GT ? c > 0 : c >= 0;
}

static bool passes(struct run *r, const struct filter *f, const struct json *cur, bool *ok)
{
	const struct json *x, *y;

	if (!*ok)
		return false;
	switch (f->kind) {
	case FILTER_OR:
		return passes(r, f->a, cur, ok) || passes(r, f->b, cur, ok);
	case FILTER_AND:
		return passes(r, f->a, cur, ok) && passes(r, f->b, cur, ok);
	case FILTER_NOT:
		return !passes(r, f->a, cur, ok);
	case FILTER_THERE:
		return operand(r, &f->x, cur, ok) != NULL;
	default:
		x = operand(r, &f->x, cur, ok);
		y = operand(r, &f->y, cur, ok);
		return compare(f->kind, x, y);
	}
}

int jsonpath_get(struct arena *a, const struct jsonpath *p, const struct json *root, const struct json **ret,
		 struct err *e)
{
	struct run r = { .a = a, .root = root, .most = a->max / 2 };

	if (a->used > r.most)
		return err_set(e, ERR_LIMIT, "there is not enough memory for one more path");
	if (r.most > a->used + JSONPATH_BYTES)
		r.most = a->used + JSONPATH_BYTES;
	r.found = json_new_arr(a);
	if (!walk(&r, p, 0, root))
		return r.a->used > r.most ?
			       err_set(e, ERR_LIMIT, "what the path gives takes more than %lu bytes of memory",
				       JSONPATH_BYTES) :
			       err_set(e, ERR_LIMIT, "the path visits more than %d values", JSONPATH_NODES);
	if (!jsonpath_definite(p)) {
		*ret = r.found;
		return 0;
	}
	if (json_len(r.found) == 0)
		return err_set(e, ERR_NOENT, "the path gives nothing");
	*ret = json_at(r.found, 0);
	return 0;
}

static const struct json *put(struct arena *a, const struct jsonpath *p, size_t i, const struct json *v,
			      const struct json *value, struct err *e)
{
	const struct step *s = &p->steps[i];
	const struct json *old, *sub;
	struct json *copy;

	if (i == p->n)
		return value;
	if (s->kind == STEP_INDEX) {
		old = element(v, s->index[0]);
		if (!old) {
			err_set(e, ERR_INVALID, "index %lld does not exist", (long long)s->index[0]);
			return NULL;
		}
		sub = put(a, p, i + 1, old, value, e);
		copy = json_copy(a, v);
		if (sub)
			copy->arr.v[s->index[0]] = sub;
		return sub ? copy : NULL;
	}
	if (v && !json_is(v, JSON_OBJ)) {
		err_set(e, ERR_INVALID, "%.*s cannot be set in a %s", VIEW_ARG(s->names[0]), json_type_name(v));
		return NULL;
	}
	copy = v ? json_copy(a, v) : json_new_obj(a);
	sub = put(a, p, i + 1, json_get_view(copy, s->names[0]), value, e);
	if (sub)
		json_set_view(a, copy, s->names[0], sub);
	return sub ? copy : NULL;
}

int jsonpath_put(struct arena *a, const struct jsonpath *p, const struct json *root, const struct json *value,
		 const struct json **ret, struct err *e)
{
	const struct json *v;

	if (!jsonpath_reference(p))
		return err_set(e, ERR_INVALID, "not a reference path");
	v = put(a, p, 0, root, value, e);
	if (!v)
		return e->code;
	*ret = v;
	return 0;
}
