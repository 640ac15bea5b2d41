// SPDX-License-Identifier: Apache-2.0
/* First line: a path or an intrinsic function; the rest: the document it is evaluated on. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "data/intrinsic.h"
#include "data/jsonpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct arena a;

static int path(void *doc, struct view text, const struct json **ret, struct err *e)
{
	const struct jsonpath *j = jsonpath_compile(&a, text, e);

	return j ? jsonpath_get(&a, j, doc, ret, e) : e->code;
}

static bool hash(void *arg, struct view algorithm, struct view v, char out[129])
{
	memcpy(out, "0", 2);
	return algorithm.n > 2;
}

static void uuid(void *arg, char out[37])
{
	memcpy(out, "u", 2);
}

static uint64_t number(void *arg)
{
	return 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = { 0 }, e2 = { 0 };
	struct view rest = view_of(p, n), text = VIEW("");
	const struct json *doc, *v;

	view_split(&rest, '\n', &text);
	arena_init(&a, LIMIT_ARENA);
	doc = json_parse(&a, rest.p ? rest : VIEW("{}"), JSON_DEPTH, &e);
	if (doc && intrinsic_is_call(text)) {
		const struct intrinsic *in = intrinsic_compile(&a, text, &e);
		const struct intrinsic_env env = { json_copy(&a, doc), path, hash, uuid, number };

		if (in && intrinsic_eval(&a, in, &env, &v, &e) == 0)
			json_text(&a, v);
	} else if (doc) {
		const struct jsonpath *j = jsonpath_compile(&a, text, &e);

		if (j && jsonpath_get(&a, j, doc, &v, &e) == 0 && jsonpath_reference(j))
			must(jsonpath_put(&a, j, doc, v, &v, &e2) == 0 && json_equal(v, doc));
	}
	arena_clear(&a);
	return 0;
}
