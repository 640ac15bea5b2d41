/* SPDX-License-Identifier: Apache-2.0 */
/* route -- every item to its target's buffer, or past it when the target was given it already. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/limits.h"
#include "os/clock.h"
#include "svc/firehose/convert.h"
#include "svc/firehose/deliver.h"

#define DOCUMENT_MAX (8 * MIB) /* a record in base64, and what is said of it */

/* --- buffers of a stream --- */

static void unlink_buffer(struct fh_work *w, struct fh_buffer *b)
{
	*(b->newer ? &b->newer->older : &w->newest) = b->older;
	*(b->older ? &b->older->newer : &w->oldest) = b->newer;
	b->newer = b->older = NULL;
}

static void link_buffer(struct fh_work *w, struct fh_buffer *b)
{
	b->older = w->newest;
	*(w->newest ? &w->newest->newer : &w->oldest) = b;
	w->newest = b;
}

void fh__work_drop(struct fh_stream *s, struct fh_work *w, struct fh_buffer *b, bool published)
{
	unlink_buffer(w, b);
	map_del(&w->buffers, view_str(b->id));
	fh__buffer_free(s, b, published);
}

static struct fh_key *own_keys(struct arena *a, const struct fh_key *v, size_t n)
{
	struct fh_key *ret = ARENA_ARRAY(a, struct fh_key, n + 1);

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct fh_key){ arena_view(a, v[i].name), arena_view(a, v[i].value) };
	return ret;
}

/* A record that waited long in the log is due at once; a clock that was set back makes none wait longer than the hint. */
static int64_t due_of(const struct fh_place *to, int64_t at_ms)
{
	int64_t age = clock_ms() - at_ms, interval = to->interval_s * 1000;

	age = age < 0 ? 0 : age < interval ? age : interval;
	return clock_mono_ns() + (interval - age) * 1000000;
}

static struct fh_buffer *new_buffer(struct fh_work *w, const struct fh_target *t, const char *id, const struct fh_item *it)
{
	struct fh_buffer *b = calloc(1, sizeof(*b));

	must(b);
	arena_init(&b->arena, LIMIT_ARENA);
	memcpy(b->id, id, sizeof(b->id));
	b->target = *t;
	if (t->error_type)
		b->target.error_type = arena_str(&b->arena, view_str(t->error_type));
	b->target.query = own_keys(&b->arena, t->query, t->n_query);
	b->target.lambda = own_keys(&b->arena, t->lambda, t->n_lambda);
	b->o = (struct fh_object){ .first = it->seq, .at_ms = it->at_ms };
	b->due_ns = due_of(fh__place(&w->config, t->kind), it->at_ms);
	buf_init(&b->mem, FH_SPILL + 1);
	map_put(&w->buffers, view_str(b->id), b);
	link_buffer(w, b);
	return b;
}

/* false: its target was given this record before a crash. */
static bool is_new(const struct fh_work *w, const char *id, uint64_t seq)
{
	return seq > (uint64_t)(uintptr_t)map_get(&w->ahead, view_str(id));
}

static int give(struct fh_stream *s, struct fh_work *w, const struct fh_target *t, const char *id, const struct fh_item *it,
		struct view v, struct err *e)
{
	struct fh_buffer *b = map_get(&w->buffers, view_str(id));

	if (!is_new(w, id, it->seq))
		return 0;
	if (!b) {
		b = new_buffer(w, t, id, it);
	} else if (b != w->newest) {
		unlink_buffer(w, b);
		link_buffer(w, b);
	}
	b->o.last = it->seq;
	if (it->at_ms < b->o.at_ms)
		b->o.at_ms = it->at_ms;
	b->items++;
	b->bytes += t->kind == FH_DATA && it->size ? it->size : v.n;
	return fh__buffer_add(s, &w->config, b, v, e);
}

/* --- one item --- */

static struct fh_fate *fate_of(struct fh_work *w, uint64_t seq)
{
	size_t i = seq - w->delivered - 1;

	while (i >= w->fates_cap) {
		size_t cap = w->fates_cap ? w->fates_cap * 2 : 256;

		w->fates = reallocarray(w->fates, cap, sizeof(*w->fates));
		must(w->fates);
		memset(w->fates + w->fates_cap, 0, (cap - w->fates_cap) * sizeof(*w->fates));
		w->fates_cap = cap;
	}
	if (i >= w->n_fates)
		w->n_fates = i + 1;
	return &w->fates[i];
}

static int reject(struct fh_stream *s, struct fh_work *w, const struct fh_item *it, struct err *e)
{
	const struct fh_target t = { .kind = FH_ERROR, .error_type = it->failed };
	char id[FH_TARGET_ID];
	struct buf b;
	int rc;

	fate_of(w, it->seq)->rejected = 1;
	fh__target_id(&w->config, &t, id);
	buf_init(&b, DOCUMENT_MAX);
	fh__error_document(s, it, clock_ms(), &b);
	rc = buf_check(&b, "an error document", e);
	if (!rc)
		rc = give(s, w, &t, id, it, buf_view(&b), e);
	buf_clear(&b);
	return rc;
}

static int deliver(struct fh_stream *s, struct fh_work *w, struct fh_item *it, struct err *e)
{
	const struct fh_target t = { .kind = FH_DATA,
				     .query = it->query,
				     .n_query = it->n_query,
				     .lambda = it->lambda,
				     .n_lambda = it->n_lambda };
	char id[FH_TARGET_ID];
	const char *wrong = NULL;

	fh__target_id(&w->config, &t, id);
	if (w->config.partitioned && !map_get(&w->buffers, view_str(id)))
		wrong = fh__target_wrong(s, &w->config, &t);
	if (wrong) {
		fh__fail(it, "metadata-extraction-failed", "DynamicPartitioning.MetadataExtractionFailed", wrong, 1);
		return reject(s, w, it, e);
	}
	fate_of(w, it->seq)->delivered = 1;
	return give(s, w, &t, id, it, it->data, e);
}

static int route_one(struct fh_stream *s, struct fh_work *w, struct fh_item *it, struct err *e)
{
	if (it->dropped) {
		fate_of(w, it->seq)->dropped = 1;
		return 0;
	}
	fate_of(w, it->seq)->items++;
	return it->failed ? reject(s, w, it, e) : deliver(s, w, it, e);
}

int fh__route(struct fh_stream *s, struct fh_work *w, struct fh_batch *b, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < b->n; i++)
		rc = route_one(s, w, &b->v[i], e);
	return rc;
}

int fh__route_backup(struct fh_stream *s, struct fh_work *w, const struct fh_item *v, size_t n, struct err *e)
{
	static const struct fh_target t = { .kind = FH_BACKUP };
	char id[FH_TARGET_ID];
	int rc = 0;

	fh__target_id(&w->config, &t, id);
	for (size_t i = 0; !rc && i < n; i++)
		rc = give(s, w, &t, id, &v[i], v[i].raw, e);
	return rc;
}

/* --- error documents --- */

/* Of all failures but those of conversion. */
static void document(const struct fh_item *it, int64_t now_ms, struct buf *ret)
{
	CLEANUP(arena_clear) struct arena a;
	struct json *o;

	arena_init(&a, LIMIT_ARENA);
	o = json_new_obj(&a);
	json_set_int(&a, o, "attemptsMade", it->attempts);
	json_set_int(&a, o, "arrivalTimestamp", it->at_ms);
	json_set_str(&a, o, "errorCode", it->code);
	json_set_str(&a, o, "errorMessage", it->message);
	json_set_int(&a, o, "attemptEndingTimestamp", now_ms);
	json_set(&a, o, "rawData", json_new_str(&a, base64_encode_arena(&a, it->raw)));
	json_set_str(&a, o, "lambdaArn", it->lambda_arn);
	json_print(ret, o);
	buf_add_char(ret, '\n');
}

void fh__error_document(const struct fh_stream *s, const struct fh_item *it, int64_t now_ms, struct buf *ret)
{
	if (s->conversion && strcmp(it->failed, "format-conversion-failed") == 0)
		fh__convert_document(s, it, now_ms, ret);
	else
		document(it, now_ms, ret);
}
