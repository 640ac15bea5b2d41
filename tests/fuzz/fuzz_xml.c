// SPDX-License-Identifier: Apache-2.0
/* xml_parse() takes or refuses anything, and what it takes has names. */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void walk(const struct xml *x)
{
	for (; x; x = x->next) {
		must(x->text.p);
		walk(x->child);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct err e = { 0 };
	const struct xml *x;

	arena_init(&a, LIMIT_ARENA);
	x = xml_parse(&a, view_of(p, n), &e);
	must(x || e.code == ERR_INVALID || e.code == ERR_LIMIT);
	walk(x);
	arena_clear(&a);
	return 0;
}
