/* SPDX-License-Identifier: Apache-2.0 */
/* athena_csv: reads result files of Athena. */
#include "athena_csv.h"

#include <string.h>

/* @rest begins behind the opening quote. */
static bool quoted(struct view *rest, struct arena *a, struct view *ret)
{
	size_t doubled = 0, i = 0;
	char *s;

	for (;; i++) {
		if (i >= rest->n)
			return false;
		if (rest->p[i] != '"')
			continue;
		if (i + 1 < rest->n && rest->p[i + 1] == '"') {
			doubled++;
			i++;
			continue;
		}
		break;
	}
	*ret = view_of(rest->p, i);
	*rest = view_from(*rest, i + 1);
	if (!doubled)
		return true;
	s = arena_alloc(a, ret->n - doubled + 1);
	size_t n = 0;
	for (size_t k = 0; k < ret->n; k++) {
		s[n++] = ret->p[k];
		if (ret->p[k] == '"')
			k++;
	}
	*ret = view_of(s, n);
	return true;
}

int athena_csv_record(struct view *rest, struct arena *a, struct view *fields, int max)
{
	int n = 0;

	if (!rest->n)
		return 0;
	for (;;) {
		if (n == max)
			return -1;
		fields[n] = VIEW_NONE;
		if (rest->n && rest->p[0] == '"') {
			*rest = view_from(*rest, 1);
			if (!quoted(rest, a, &fields[n]))
				return -1;
		}
		n++;
		if (!rest->n)
			return n;
		char c = rest->p[0];

		*rest = view_from(*rest, 1);
		if (c == '\n')
			return n;
		if (c != ',')
			return -1;
	}
}

bool athena_csv_numbers(struct view text, double *out, size_t max, size_t *n)
{
	struct view rest, part;

	text = view_trim(text);
	if (text.n < 2 || text.p[0] != '[' || text.p[text.n - 1] != ']')
		return false;
	rest = view_sub(text, 1, text.n - 2);
	if (!view_trim(rest).n)
		return true;
	while (view_split(&rest, ',', &part)) {
		int64_t i;

		if (*n == max || !view_i64(view_trim(part), &i))
			return false;
		out[(*n)++] = (double)i;
	}
	return true;
}
