/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_deaggregation -- "RecordDeAggregation": records that hold several become one item for each.
 *
 * Parameters: SubRecordType is JSON (objects one after the other, white space between them or not) or DELIMITED; then
 * Delimiter is what stands between them, in base64.  Neither the white space nor the delimiter is delivered.
 *
 * Nothing fails here.  What does not begin with a whole object, to the end of the record, stays together as one item,
 * as on AWS a record of too many parts does; MetadataExtraction says of it what it is.  AWS stops at 500 parts, we at
 * PARTS_MAX.  An item's .raw is its own part: the others were delivered.
 */
#include "base/base64.h"
#include "data/jsonsplit.h"
#include "svc/firehose/config.h"

#define TYPE "SubRecordType"
#define DELIMITER "Delimiter"
#define PARTS_MAX 16384

struct state {
	struct view delimiter; /* VIEW_NONE: JSON */
};

static int parse(const struct fh_check *x, struct fh_processor *p)
{
	static const char *const names[] = { TYPE, DELIMITER, NULL };
	struct state *st = ARENA_NEW(x->a, struct state);
	const char *type = fh__param(p, TYPE), *delimiter = fh__param(p, DELIMITER);
	bool delimited = type && strcmp(type, "DELIMITED") == 0;
	int rc = fh__param_only(x, p, names);

	if (rc)
		return rc;
	if (!delimited && (!type || strcmp(type, "JSON") != 0))
		return fh__processor_invalid(x, p, TYPE " has to be JSON or DELIMITED");
	if (delimited != (delimiter != NULL))
		return fh__processor_invalid(x, p, DELIMITER " is needed with " TYPE " DELIMITED, and only then");
	if (delimited && (!base64_decode_arena(x->a, view_str(delimiter), &st->delimiter) || !st->delimiter.n))
		return fh__processor_invalid(x, p, DELIMITER " '%s' is not base64", delimiter);
	p->state = st;
	return 0;
}

static bool next_part(const struct state *st, struct view *rest, struct view *part, size_t before)
{
	bool more = st->delimiter.p ? jsonsplit_delimited(rest, st->delimiter, part) : jsonsplit_object(rest, part);

	if (more && before + 1 == PARTS_MAX && rest->n) {
		part->n = (size_t)(rest->p + rest->n - part->p);
		*rest = view_from(*rest, rest->n);
	}
	return more;
}

static size_t count_parts(const struct state *st, struct view data)
{
	struct view part;
	size_t n = 0;

	while (next_part(st, &data, &part, n))
		n++;
	return n;
}

/* Writes the parts of @it to @to; returns how many. */
static size_t split(const struct state *st, const struct fh_item *it, struct fh_item *to)
{
	struct view rest = it->data, part;
	size_t n = 0;

	while (fh__is_open(it) && next_part(st, &rest, &part, n)) {
		to[n] = *it;
		to[n].raw = to[n].data = part;
		to[n].sub = (uint32_t)n;
		n++;
	}
	if (n < 2) { /* it is its only part, or has none */
		to[0] = *it;
		if (n)
			to[0].data = part;
	}
	return n ? n : 1;
}

static int run(struct fh_stream *s, const struct fh_processor *p, struct fh_batch *b, struct err *e)
{
	const struct state *st = p->state;
	struct fh_item *v;
	size_t n = 0, parts;

	(void)s;
	(void)e;
	for (size_t i = 0; i < b->n; i++) {
		parts = fh__is_open(&b->v[i]) ? count_parts(st, b->v[i].data) : 0;
		n += parts ? parts : 1;
	}
	v = ARENA_ARRAY(b->a, struct fh_item, n);
	n = 0;
	for (size_t i = 0; i < b->n; i++)
		n += split(st, &b->v[i], v + n);
	b->v = v;
	b->n = n;
	return 0;
}

const struct fh_stage_def fh__stage_deaggregation = { .parse = parse, .run = run };
