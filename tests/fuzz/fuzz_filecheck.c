/* SPDX-License-Identifier: Apache-2.0 */
/* Files of every kind: the verdict does not depend on how the bytes come.  First byte: kind and size of the pieces. */
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "filecheck.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct filecheck whole, cut;
	enum filecheck_kind kind;
	struct view v;
	size_t piece;

	if (!n)
		return 0;
	kind = (enum filecheck_kind)(p[0] & 3);
	piece = 1 + (p[0] >> 2);
	v = view_of(p + 1, n - 1);
	filecheck_init(&whole, kind);
	filecheck_add(&whole, v);
	filecheck_init(&cut, kind);
	for (size_t i = 0; i < v.n; i += piece)
		filecheck_add(&cut, view_sub(v, i, piece));
	must(filecheck_end(&whole) == filecheck_end(&cut));
	return 0;
}
