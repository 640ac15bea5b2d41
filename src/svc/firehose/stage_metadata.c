/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_metadata -- "MetadataExtraction": partition keys of every record by a jq query.
 *
 * Parameters: MetadataExtractionQuery, a jq 1.6 program that ends with {name: query, ...}; JsonParsingEngine, JQ-1.6.
 * A record that has no keys goes to the error prefix with AWS's code; its texts are AWS's where they are known ("Non JSON
 * record provided", "partitionKeys values must not be null or empty"), else jq's.
 */
#include "data/jqscan.h"
#include "data/keyquery.h"
#include "store/jq.h"
#include "svc/firehose/config.h"
#include "svc/firehose/firehose_int.h"

#define QUERY "MetadataExtractionQuery"
#define ENGINE "JsonParsingEngine"
#define CHUNK 1024 /* items whose keys are asked for at once */

struct state {
	const char *query;
	struct jqscan scan;
};

static int invalid(const struct fh_check *x, const struct fh_processor *p, const struct err *why)
{
	return fh__processor_invalid(x, p, QUERY ": %s", why->msg);
}

/* jq itself looks at it, in a child process; not when a stream that was created begins again. */
static int check_with_jq(const struct fh_check *x, const struct fh_processor *p, const char *query)
{
	struct err why = { 0 };

	if (!x->creating)
		return 0;
	if (!x->f->jq)
		return fh__processor_invalid(x, p, "mulgil-jq is not beside mulgil");
	if (jq_check(x->f->jq, query, &why) < 0)
		return invalid(x, p, &why);
	return 0;
}

static int parse(const struct fh_check *x, struct fh_processor *p)
{
	static const char *const names[] = { QUERY, ENGINE, NULL };
	struct state *st = ARENA_NEW(x->a, struct state);
	const char *engine = fh__param(p, ENGINE);
	struct err why = { 0 };
	int rc = fh__param_only(x, p, names);

	if (rc)
		return rc;
	st->query = fh__param(p, QUERY);
	if (!st->query)
		return fh__processor_invalid(x, p, QUERY " is needed");
	if (!engine || strcmp(engine, "JQ-1.6") != 0)
		return fh__processor_invalid(x, p, ENGINE " has to be JQ-1.6");
	if (strlen(st->query) > KEYQUERY_PROGRAM_MAX)
		return fh__processor_invalid(x, p, QUERY " is longer than %d bytes", KEYQUERY_PROGRAM_MAX);
	if (jqscan(x->a, view_str(st->query), &st->scan, &why) < 0)
		return invalid(x, p, &why);
	p->state = st;
	return check_with_jq(x, p, st->query);
}

static bool varies(const struct fh_processor *p)
{
	const struct state *st = p->state;

	return st->scan.varies;
}

static size_t keys(const struct fh_processor *p, const char *const **ret)
{
	const struct state *st = p->state;

	*ret = st->scan.keys;
	return st->scan.n_keys;
}

static void fail(struct fh_item *it, const char *why)
{
	fh__fail(it, "metadata-extraction-failed", "DynamicPartitioning.MetadataExtractionFailed", why, 1);
}

static void take(struct fh_batch *b, const struct jq_answer *answer, struct fh_item *it)
{
	struct fh_key *v;

	if (!fh__fits(b, JQ_KEYS_MAX + answer->n_keys * sizeof(*v))) {
		fail(it, "more keys than fit together with its neighbours");
		return;
	}
	if (answer->failed) {
		fail(it, arena_str(b->a, view_str(answer->failed)));
		return;
	}
	v = ARENA_ARRAY(b->a, struct fh_key, answer->n_keys + 1);
	for (size_t i = 0; i < answer->n_keys; i++)
		v[i] = (struct fh_key){ arena_view(b->a, answer->keys[i].name), arena_view(b->a, answer->keys[i].value) };
	it->query = v;
	it->n_query = answer->n_keys;
}

/* Items from @from on, at most CHUNK open ones; returns where the next begin, or a negative code. */
static int64_t chunk(struct jq *jq, const struct state *st, struct fh_batch *b, size_t from, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct view records[CHUNK];
	struct fh_item *items[CHUNK];
	struct jq_answer *answers;
	size_t n = 0, i;

	arena_init(&a, LIMIT_ARENA);
	for (i = from; i < b->n && n < CHUNK; i++)
		if (fh__is_open(&b->v[i])) {
			items[n] = &b->v[i];
			records[n++] = b->v[i].data;
		}
	answers = ARENA_ARRAY(&a, struct jq_answer, n + 1);
	if (jq_keys(jq, st->query, records, n, &a, answers, e) < 0)
		return e->code;
	for (size_t k = 0; k < n; k++)
		take(b, &answers[k], items[k]);
	return (int64_t)i;
}

static int run(struct fh_stream *s, const struct fh_processor *p, struct fh_batch *b, struct err *e)
{
	int64_t at = 0;

	if (!s->f->jq)
		return err_set(e, ERR_NOENT, "mulgil-jq is not beside mulgil");
	while (at >= 0 && (size_t)at < b->n)
		at = chunk(s->f->jq, p->state, b, (size_t)at, e);
	return at < 0 ? (int)at : 0;
}

const struct fh_stage_def fh__stage_metadata = { .parse = parse, .run = run, .varies = varies, .keys = keys };
