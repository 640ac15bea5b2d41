// SPDX-License-Identifier: Apache-2.0
/* Members of a layout's JSON objects, checked as the grammar says. */
#include <inttypes.h>

#include "data/layout_int.h"

int layout__keys(const struct json *obj, const char *const *allowed, struct err *e)
{
	if (!json_is(obj, JSON_OBJ))
		return err_set(e, ERR_INVALID, "is %s; must be an object",
			       obj ? json_type_name(obj) : "missing");
	for (size_t i = 0; i < obj->obj.n; i++) {
		const char *const *k = allowed;

		while (*k && !view_eq_str(obj->obj.v[i].name, *k))
			k++;
		if (!*k)
			return err_set(e, ERR_INVALID, "unknown key %.*s",
				       VIEW_ARG(view_sub(obj->obj.v[i].name, 0, LAYOUT_NAME_MAX)));
	}
	return 0;
}

int layout__int(const struct json *obj, const char *name, int64_t lo, int64_t hi, int64_t dflt,
		int64_t *ret, struct err *e)
{
	const struct json *v = json_get(obj, name);

	if (!v) {
		*ret = dflt;
		return 0;
	}
	if (!json_is(v, JSON_INT) || v->i < lo || v->i > hi)
		return err_set(e, ERR_INVALID,
			       "%s must be a whole number from %" PRId64 " to %" PRId64, name, lo,
			       hi);
	*ret = v->i;
	return 0;
}

int layout__int_required(const struct json *obj, const char *name, int64_t lo, int64_t hi,
			 int64_t *ret, struct err *e)
{
	if (!json_get(obj, name))
		return err_set(e, ERR_INVALID, "%s is required", name);
	return layout__int(obj, name, lo, hi, 0, ret, e);
}

int layout__bool(const struct json *obj, const char *name, bool dflt, bool *ret, struct err *e)
{
	const struct json *v = json_get(obj, name);

	if (v && !json_is(v, JSON_BOOL))
		return err_set(e, ERR_INVALID, "%s must be true or false", name);
	*ret = v ? v->b : dflt;
	return 0;
}

static bool is_name(struct view s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return s.n > 0 && s.n <= LAYOUT_NAME_MAX;
}

int layout__name(struct layout *l, const struct json *obj, const char *name, struct view *ret,
		 struct err *e)
{
	struct view s = json_get_str(obj, name);

	if (!is_name(s))
		return err_set(e, ERR_INVALID,
			       "%s must be a name of at most %d letters, digits and _", name,
			       LAYOUT_NAME_MAX);
	*ret = (struct view){ arena_str(&l->arena, s), s.n };
	return 0;
}

int layout__text(struct layout *l, const struct json *obj, const char *name, struct view *ret,
		 struct err *e)
{
	const struct json *v = json_get(obj, name);

	if (v && !json_is(v, JSON_STR))
		return err_set(e, ERR_INVALID, "%s must be a string", name);
	*ret = v ? (struct view){ arena_str(&l->arena, v->s), v->s.n } : VIEW("");
	return 0;
}

int layout__word(const struct json *obj, const char *name, const char *const *words, int dflt,
		 int *ret, struct err *e)
{
	const struct json *v = json_get(obj, name);

	if (!v && dflt >= 0) {
		*ret = dflt;
		return 0;
	}
	if (!v)
		return err_set(e, ERR_INVALID, "%s is required", name);
	if (!json_is(v, JSON_STR))
		return err_set(e, ERR_INVALID, "%s must be a string", name);
	for (int i = 0; words[i]; i++)
		if (view_eq_str(v->s, words[i])) {
			*ret = i;
			return 0;
		}
	return err_set(e, ERR_INVALID, "%s \"%.*s\" is not known", name,
		       VIEW_ARG(view_sub(v->s, 0, LAYOUT_NAME_MAX)));
}

int layout__numbers(struct arena *a, const struct json *v, const double **ret, size_t *ret_n,
		    struct err *e)
{
	bool list = json_is(v, JSON_ARR);
	size_t n = list ? json_len(v) : 1;
	double *d;

	if (n == 0 || n > LAYOUT_LIST_MAX)
		return err_set(e, ERR_INVALID, "must be a number or a list of 1 to %d numbers",
			       LAYOUT_LIST_MAX);
	d = ARENA_ARRAY(a, double, n);
	for (size_t i = 0; i < n; i++) {
		const struct json *x = list ? json_at(v, i) : v;

		if (!json_is_number(x))
			return err_set(e, ERR_INVALID,
				       "must be a number or a list of 1 to %d numbers",
				       LAYOUT_LIST_MAX);
		d[i] = json_double(x, 0);
	}
	*ret = d;
	*ret_n = list ? n : 0;
	return 0;
}
