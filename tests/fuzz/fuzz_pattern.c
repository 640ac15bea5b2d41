// SPDX-License-Identifier: Apache-2.0
/* First line: a pattern; the rest: an event it is matched against. */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "data/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct err e = { 0 };
	struct view rest = view_of(p, n), text = VIEW("");
	struct pattern *pat;

	view_split(&rest, '\n', &text);
	arena_init(&a, LIMIT_ARENA);
	pat = pattern_compile(text, &e);
	must(pat || (e.code == ERR_INVALID && view_starts(view_str(e.msg), VIEW("Event pattern is not valid."))));
	if (pat) {
		const struct json *v = json_parse(&a, rest.p ? rest : VIEW("{}"), JSON_DEPTH, &e);

		if (v)
			pattern_match(pat, v);
	}
	pattern_free(pat);
	arena_clear(&a);
	return 0;
}
