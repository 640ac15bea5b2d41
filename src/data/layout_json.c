// SPDX-License-Identifier: Apache-2.0
/* A decoded frame as JSON. */
#include "data/layout_int.h"

static const struct json *number(struct arena *a, const struct layout_value *v, size_t i,
				 bool scaled)
{
	if (scaled)
		return json_new_num(a, v->scaled[i]);
	return v->raw ? json_new_int(a, v->raw[i]) : json_new_num(a, v->raw_float[i]);
}

static const struct json *numbers(struct arena *a, const struct layout_value *v, size_t from,
				  size_t n, bool scaled)
{
	struct json *list = json_new_arr(a);

	for (size_t i = 0; i < n; i++)
		json_push(a, list, number(a, v, from + i, scaled));
	return list;
}

static struct json *row_json(struct arena *a, const struct layout_row *row, bool scaled);

static const struct json *rows_json(struct arena *a, const struct layout_value *v, bool scaled)
{
	struct json *list = json_new_arr(a);
	bool any = false;

	for (size_t i = 0; i < v->n; i++) {
		struct json *row = row_json(a, &v->rows[i], scaled);

		any |= json_len(row) > 0;
		json_push(a, list, row);
	}
	return any || !scaled ? list : NULL;
}

/* NULL: there is nothing scaled in it. */
static const struct json *value_json(struct arena *a, const struct layout_value *v, bool scaled)
{
	struct json *list;

	if (v->type == LAYOUT_ROWS)
		return rows_json(a, v, scaled);
	if (scaled && !v->scaled)
		return NULL;
	if (v->type == LAYOUT_NUMBER)
		return number(a, v, 0, scaled);
	if (v->type == LAYOUT_ARRAY)
		return numbers(a, v, 0, v->n, scaled);
	list = json_new_arr(a);
	for (size_t i = 0; i < v->n; i += v->width)
		json_push(a, list, numbers(a, v, i, v->width, scaled));
	return list;
}

static struct json *row_json(struct arena *a, const struct layout_row *row, bool scaled)
{
	struct json *obj = json_new_obj(a);

	for (size_t i = 0; i < row->n; i++) {
		const struct json *v = value_json(a, &row->v[i], scaled);

		if (v)
			json_set_view(a, obj, row->v[i].name, v);
	}
	return obj;
}

const struct json *layout_frame_json(struct arena *a, const struct layout_frame *f)
{
	struct json *obj = json_new_obj(a);

	json_set_int(a, obj, "off", (int64_t)f->offset);
	json_set(a, obj, "raw", row_json(a, &f->fields, false));
	json_set(a, obj, "value", row_json(a, &f->fields, true));
	if (f->slow.n)
		json_set(a, obj, "slow", row_json(a, &f->slow, false));
	if (f->check != LAYOUT_CHECK_NONE)
		json_set_str(a, obj, "check", f->check == LAYOUT_CHECK_OK ? "ok" : "bad");
	if (f->dup)
		json_set(a, obj, "dup", &json_true);
	if (f->lost)
		json_set_int(a, obj, "gap", (int64_t)f->lost);
	return obj;
}
