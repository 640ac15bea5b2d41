/* SPDX-License-Identifier: Apache-2.0 */
/* csv: RFC 4180 as Athena writes it: every value quoted, quotes doubled, null an empty unquoted field. */
#include "demo/csv.h"

static int quoted(struct view *v, struct arena *a, struct view *ret)
{
	char *out = arena_alloc(a, v->n + 1);
	size_t n = 0, i = 1;

	for (;; i++) {
		if (i >= v->n)
			return -1;
		if (v->p[i] == '"') {
			if (i + 1 >= v->n || v->p[i + 1] != '"')
				break;
			i++;
		}
		out[n++] = v->p[i];
	}
	*ret = view_of(out, n);
	*v = view_from(*v, i + 1);
	return 0;
}

static void plain(struct view *v, struct view *ret)
{
	size_t n = 0;

	while (n < v->n && v->p[n] != ',' && v->p[n] != '\n' && v->p[n] != '\r')
		n++;
	*ret = n ? view_sub(*v, 0, n) : VIEW_NONE;
	*v = view_from(*v, n);
}

int csv_record(struct view *rest, struct arena *a, struct view *fields, int max)
{
	struct view v = *rest, f;
	int n = 0;

	if (!v.n)
		return 0;
	for (;;) {
		if (v.n && v.p[0] == '"') {
			if (quoted(&v, a, &f) < 0)
				return -1;
		} else {
			plain(&v, &f);
		}
		if (n < max)
			fields[n] = f;
		n++;
		if (!v.n || v.p[0] != ',')
			break;
		v = view_from(v, 1);
	}
	if (v.n && v.p[0] == '\r')
		v = view_from(v, 1);
	if (v.n && v.p[0] != '\n')
		return -1;
	*rest = view_from(v, 1);
	return n;
}
