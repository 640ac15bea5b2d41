/* SPDX-License-Identifier: Apache-2.0 */
/* index_text -- what an object's row keeps as text: headers, tags, parts. */
#include "svc/s3/s3_int.h"

static const struct json *pairs_json(struct arena *a, const struct op_pair *v, size_t n)
{
	struct json *o = json_new_obj(a);

	for (size_t i = 0; i < n; i++)
		json_set(a, o, v[i].key, json_new_cstr(a, v[i].value));
	return o;
}

static size_t pairs_from(struct arena *a, const struct json *o, struct op_pair **ret)
{
	size_t n = json_len(o);
	struct op_pair *v = ARENA_ARRAY(a, struct op_pair, n + 1);

	for (size_t i = 0; i < n; i++) {
		v[i].key = arena_str(a, o->obj.v[i].name);
		v[i].value = arena_str(a, json_str(o->obj.v[i].value));
	}
	*ret = v;
	return n;
}

char *s3__info_text(struct arena *a, const struct s3_info *i)
{
	struct json *o = json_new_obj(a);

	json_set_str(a, o, "type", i->content_type);
	json_set_str(a, o, "cache", i->cache_control);
	json_set_str(a, o, "disposition", i->disposition);
	json_set_str(a, o, "encoding", i->encoding);
	json_set_str(a, o, "language", i->language);
	json_set_str(a, o, "expires", i->expires);
	if (i->n_meta)
		json_set(a, o, "meta", pairs_json(a, i->meta, i->n_meta));
	return json_text(a, o);
}

static const char *member(struct arena *a, const struct json *o, const char *name)
{
	struct view v = json_get_str(o, name);

	return v.p ? arena_str(a, v) : NULL;
}

int s3__info_parse(struct arena *a, struct view text, struct s3_info *ret, struct err *e)
{
	const struct json *o = json_parse(a, text, JSON_DEPTH, e);

	if (!o)
		return err_ctx(e, "stored headers of an object");
	ret->content_type = member(a, o, "type");
	ret->cache_control = member(a, o, "cache");
	ret->disposition = member(a, o, "disposition");
	ret->encoding = member(a, o, "encoding");
	ret->language = member(a, o, "language");
	ret->expires = member(a, o, "expires");
	ret->n_meta = pairs_from(a, json_get(o, "meta"), &ret->meta);
	return 0;
}

int s3__tags_parse(struct arena *a, struct view text, struct s3_tags *ret, struct err *e)
{
	const struct json *o = json_parse(a, text, JSON_DEPTH, e);

	if (!o)
		return err_ctx(e, "stored tags of an object");
	ret->n = pairs_from(a, o, &ret->v);
	return 0;
}

char *s3__tags_text(struct arena *a, const struct s3_tags *t)
{
	return json_text(a, pairs_json(a, t->v, t->n));
}

char *s3__parts_text(struct arena *a, const struct s3_part *p, size_t n)
{
	struct json *list = json_new_arr(a);

	for (size_t i = 0; i < n; i++) {
		struct json *one = json_new_arr(a);

		json_push(a, one, json_new_cstr(a, p[i].ref));
		json_push(a, one, json_new_int(a, (int64_t)p[i].size));
		if (p[i].ck)
			json_push(a, one, json_new_cstr(a, p[i].ck));
		json_push(a, list, one);
	}
	return json_text(a, list);
}

int s3__parts_parse(struct arena *a, struct view text, struct s3_row *ret, struct err *e)
{
	const struct json *list = json_parse(a, text, JSON_DEPTH, e);

	if (!list)
		return err_ctx(e, "stored parts of an object");
	ret->n_parts = json_len(list);
	ret->parts = ARENA_ARRAY(a, struct s3_part, ret->n_parts + 1);
	for (size_t i = 0; i < ret->n_parts; i++) {
		const struct json *one = json_at(list, i);

		ret->parts[i].ref = arena_str(a, json_str(json_at(one, 0)));
		ret->parts[i].size = (uint64_t)json_int(json_at(one, 1), 0);
		if (json_len(one) > 2)
			ret->parts[i].ck = arena_str(a, json_str(json_at(one, 2)));
	}
	return 0;
}

void s3__ck_parse(struct s3_ck *ret, int64_t algo, int64_t composite, struct view value)
{
	*ret = (struct s3_ck){ .algo = algo > 0 && algo < CK_COUNT ? (enum s3_ck_algo)algo
								   : CK_NONE,
			       .composite = composite != 0 };
	if (value.n && value.n < CK_TEXT)
		memcpy(ret->value, value.p, value.n);
}
