/* SPDX-License-Identifier: Apache-2.0 */
/* cases -- reads a gzipped JSON file of recorded cases (unit_data()). */
#pragma once

#include <zlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "unit.h"

#define CASES_MAX (256 * 1024 * 1024)

/* NULL when the file is not there: the test skips. */
static inline const struct json *cases_read(struct arena *a, const char *path)
{
	const char *file = unit_data(path);
	struct err e = { 0 };
	struct buf b;
	const struct json *v;
	gzFile f;
	int n;

	if (!file)
		return NULL;
	f = gzopen(file, "rb");
	assert_non_null(f);
	buf_init(&b, CASES_MAX);
	do {
		char *to = buf_reserve(&b, 65536);

		assert_non_null(to);
		n = gzread(f, to, 65536);
		assert_true(n >= 0);
		b.n += (size_t)n;
	} while (n > 0);
	gzclose(f);
	v = json_parse(a, buf_view(&b), 1000, &e);
	if (!v)
		fprintf(stderr, "%s: %s\n", file, e.msg);
	assert_non_null(v);
	buf_clear(&b);
	return v;
}
