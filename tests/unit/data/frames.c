// SPDX-License-Identifier: Apache-2.0
/* Collects what a decoder gives. */
#include "frames.h"

#include <math.h>
#include <stdlib.h>

#include "base/base64.h"
#include "unit.h"

static void take_good(void *ctx, const struct layout_frame *f)
{
	struct frames *fr = ctx;

	json_push(fr->a, fr->good, json_deep(fr->a, layout_frame_json(fr->a, f)));
}

static void take_bad(void *ctx, const struct layout_bad *b)
{
	struct frames *fr = ctx;

	json_push(fr->a, fr->bad, json_new_cstr(fr->a, layout_fault_name(b->fault)));
}

struct layout_sink frames_sink(struct frames *f, struct arena *a)
{
	*f = (struct frames){ a, json_new_arr(a), json_new_arr(a) };
	return (struct layout_sink){ f, take_good, take_bad };
}

struct view frames_file(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "rb");
	long n;

	if (!f)
		fail_msg("cannot open %s", path);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	assert_true(n >= 0);
	char *p = arena_alloc(a, (size_t)n + 1);
	assert_int_equal(fread(p, 1, (size_t)n, f), (size_t)n);
	fclose(f);
	return view_of(p, (size_t)n);
}

const struct json *frames_json_file(struct arena *a, const char *path)
{
	struct err e = { 0 };
	const struct json *v = json_parse(a, frames_file(a, path), JSON_DEPTH, &e);

	if (!v)
		fail_msg("%s: %s", path, e.msg);
	return v;
}

const struct json *frames_vectors(struct arena *a, const char *name)
{
	const char *root = getenv("MULGIL_SOURCE_ROOT");

	return frames_json_file(a, arena_printf(a, "%s/tests/vectors/layout/%s", root ? root : ".",
						name));
}

struct view frames_hex(struct arena *a, struct view hex)
{
	char *p = arena_alloc(a, hex.n / 2 + 1);

	assert_true(hex_decode(p, hex));
	return view_of(p, hex.n / 2);
}

bool frames_same(const struct json *a, const struct json *b)
{
	bool same = json_len(a) == json_len(b);

	if (json_is_number(a) && json_is_number(b)) {
		double x = json_double(a, 0), y = json_double(b, 0);

		return fabs(x - y) <= 1e-12 * fmax(1, fabs(y));
	}
	if (json_is(a, JSON_ARR) && json_is(b, JSON_ARR)) {
		for (size_t i = 0; same && i < json_len(a); i++)
			same = frames_same(json_at(a, i), json_at(b, i));
		return same;
	}
	if (json_is(a, JSON_OBJ) && json_is(b, JSON_OBJ)) {
		for (size_t i = 0; same && i < json_len(a); i++)
			same = frames_same(a->obj.v[i].value, json_get_view(b, a->obj.v[i].name));
		return same;
	}
	return a && b && json_equal(a, b);
}

void frames_check_report(const struct layout_report *r, const struct json *want)
{
	assert_int_equal(r->frames, json_int(json_get(want, "frames"), -1));
	assert_int_equal(r->bad, json_int(json_get(want, "bad"), -1));
	assert_int_equal(r->lost, json_int(json_get(want, "lost"), -1));
	assert_int_equal(r->dup, json_int(json_get(want, "dup"), -1));
}
