// SPDX-License-Identifier: Apache-2.0
/* The layouts that are built in. */
#include <pthread.h>

#include "data/layout_int.h"
#include "layouts_json.h" /* made by tools/embed.py from pipelines/audience/layouts.json */

#define CATALOG_MAX 256
#define ARENA_MAX ((size_t)16 << 20)

static struct {
	pthread_once_t once;
	struct arena arena;
	struct layout *layouts[CATALOG_MAX];
	struct view sources[CATALOG_MAX];
	size_t n;
} catalog = { .once = PTHREAD_ONCE_INIT };

/* What is built in is right, or the program is not: mistakes stop it. */
static void load(void)
{
	struct err e = { 0 };

	arena_init(&catalog.arena, ARENA_MAX);
	const struct json *all = json_parse(
		&catalog.arena, view_of(layouts_json, sizeof(layouts_json)), JSON_DEPTH, &e);
	must(json_is(all, JSON_OBJ) && json_len(all) <= CATALOG_MAX);
	for (size_t i = 0; i < json_len(all); i++) {
		catalog.layouts[i] = layout_compile_json(all->obj.v[i].name, all->obj.v[i].value,
							 &e);
		must(catalog.layouts[i]);
		catalog.sources[i] = view_str(json_text(&catalog.arena, all->obj.v[i].value));
	}
	catalog.n = json_len(all);
}

size_t layout_catalog_count(void)
{
	pthread_once(&catalog.once, load);
	return catalog.n;
}

const struct layout *layout_catalog_by_number(uint32_t number)
{
	return number >= 1 && number <= layout_catalog_count() ? catalog.layouts[number - 1] : NULL;
}

uint32_t layout_catalog_number(struct view id)
{
	size_t n = layout_catalog_count();

	for (size_t i = 0; i < n; i++)
		if (view_eq(layout_id(catalog.layouts[i]), id))
			return (uint32_t)i + 1;
	return 0;
}

const struct layout *layout_catalog_by_id(struct view id)
{
	return layout_catalog_by_number(layout_catalog_number(id));
}

struct view layout_catalog_source(uint32_t number)
{
	return number >= 1 && number <= layout_catalog_count() ? catalog.sources[number - 1]
							       : VIEW_NONE;
}
