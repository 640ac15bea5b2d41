/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a record: in order, inside of it, and together all of it but white space (or delimiters). */
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/macro.h"
#include "data/jsonsplit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void only_space(const char *from, const char *to)
{
	for (; from < to; from++)
		must(*from == ' ' || *from == '\t' || *from == '\n' || *from == '\r');
}

static void walk(struct view object)
{
	struct view at = view_from(object, 1), name, value;

	while (jsonsplit_member(&at, &name, &value) > 0)
		must(name.p >= object.p && value.p + value.n < object.p + object.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view all = view_of(p, n), rest = all, part;
	const char *end = all.p;

	while (jsonsplit_object(&rest, &part)) {
		must(part.n);
		only_space(end, part.p);
		end = part.p + part.n;
		must(rest.p == end);
		if (part.p[0] == '{')
			walk(part);
	}
	only_space(end, all.p + all.n);
	rest = all;
	end = all.p;
	while (jsonsplit_delimited(&rest, VIEW("##"), &part)) {
		must(part.n && part.p >= end && part.p + part.n <= all.p + all.n);
		must(view_find(part, VIEW("##")) < 0);
		end = part.p + part.n;
	}
	return 0;
}
