/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_delimiter -- "AppendDelimiterToRecord": something behind every record, a newline unless said otherwise.
 *
 * Parameter Delimiter: text; \n, \r, \t and \\ in it are what C makes of them (a parameter of blanks alone cannot be given
 * on AWS).  AWS takes no notice of the parameter and always puts a newline, by what others saw between records and not
 * behind the last one of an object; here every record has it, so that objects can be joined.
 */
#include "svc/firehose/config.h"

#define DELIMITER "Delimiter"

struct state {
	struct view delimiter;
};

/* Undoes the escapes in place; false: one that is not known. */
static bool unescape(char *text, size_t *ret_n)
{
	static const char from[] = "nrt\\", to[] = "\n\r\t\\";
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		const char *known = *p == '\\' && p[1] ? strchr(from, p[1]) : NULL;

		if (*p == '\\' && !known)
			return false;
		text[n++] = known ? to[known - from] : *p;
		p += known != NULL;
	}
	*ret_n = n;
	return true;
}

static int parse(const struct fh_check *x, struct fh_processor *p)
{
	static const char *const names[] = { DELIMITER, NULL };
	struct state *st = ARENA_NEW(x->a, struct state);
	const char *given = fh__param(p, DELIMITER);
	char *text = arena_str(x->a, view_str(given ? given : "\\n"));
	int rc = fh__param_only(x, p, names);
	size_t n;

	if (rc)
		return rc;
	if (!unescape(text, &n))
		return fh__processor_invalid(x, p, DELIMITER " '%s': only \\n, \\r, \\t and \\\\ are known", given);
	st->delimiter = view_of(text, n);
	p->state = st;
	return 0;
}

static int run(struct fh_stream *s, const struct fh_processor *p, struct fh_batch *b, struct err *e)
{
	const struct state *st = p->state;

	(void)s;
	(void)e;
	for (size_t i = 0; i < b->n; i++) {
		struct fh_item *it = &b->v[i];
		char *to;

		if (!fh__is_open(it))
			continue;
		if (!fh__fits(b, it->data.n + st->delimiter.n)) {
			fh__fail(it, "processing-failed", "AppendDelimiterToRecord",
				 "more than fits together with its neighbours", 1);
			continue;
		}
		to = arena_alloc(b->a, it->data.n + st->delimiter.n);
		if (it->data.n)
			memcpy(to, it->data.p, it->data.n);
		memcpy(to + it->data.n, st->delimiter.p, st->delimiter.n);
		it->data = view_of(to, it->data.n + st->delimiter.n);
	}
	return 0;
}

const struct fh_stage_def fh__stage_delimiter = { .parse = parse, .run = run };
