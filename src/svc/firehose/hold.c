/* SPDX-License-Identifier: Apache-2.0 */
/* hold -- who still needs which records of a stream's log. */
#include <stdlib.h>

#include "os/diag.h"
#include "svc/firehose/firehose_int.h"

struct hold_arg {
	struct fh_stream *s;
	const char *reader;
	uint64_t seq;
};

static struct fh_hold **find(struct fh_stream *s, const char *reader)
{
	struct fh_hold **h = &s->holds;

	while (*h && strcmp((*h)->reader, reader) != 0)
		h = &(*h)->next;
	return h;
}

static void set(void *arg, const char *reader, uint64_t seq)
{
	struct fh_stream *s = arg;
	size_t n = strlen(reader) + 1;

	LOCK_SCOPE(&s->lock);
	struct fh_hold **h = find(s, reader);

	if (!*h) {
		*h = calloc(1, sizeof(**h) + n);
		must(*h);
		memcpy((*h)->reader, reader, n);
	}
	(*h)->seq = seq;
}

static bool known(struct fh_stream *s, const char *reader)
{
	LOCK_SCOPE(&s->lock);
	return *find(s, reader) != NULL;
}

static int put_fn(struct meta_tx *tx, void *arg, struct err *e)
{
	struct hold_arg *a = arg;

	if (a->seq == UINT64_MAX)
		return fh__hold_remove(tx, a->s->id, a->reader, e);
	return fh__hold_put(tx, a->s->id, a->reader, a->seq, e);
}

static void forget(struct fh_stream *s, const char *reader)
{
	LOCK_SCOPE(&s->lock);
	struct fh_hold **h = find(s, reader), *gone = *h;

	if (gone)
		*h = gone->next;
	free(gone);
}

void fh__hold(struct fh_stream *s, const char *reader, uint64_t seq)
{
	struct hold_arg a = { s, reader, seq };
	struct err e = { 0 };
	bool is_new = !known(s, reader);

	/* In memory first: from now on nothing of it is trimmed, whatever happens to the row. */
	if (seq != UINT64_MAX)
		set(s, reader, seq);
	if ((is_new || seq == UINT64_MAX) && meta_write(s->f->meta, put_fn, &a, &e) < 0)
		diag(DIAG_WARN, "firehose",
		     "the hold of %s on %s lasts until the next start only: %s", reader, s->name,
		     e.msg);
	if (seq == UINT64_MAX)
		forget(s, reader);
}

int fh__hold_load(struct fh_stream *s, struct meta_tx *tx, struct err *e)
{
	return fh__hold_rows(tx, s->id, set, s, e);
}

uint64_t fh__held(struct fh_stream *s)
{
	uint64_t least = UINT64_MAX;

	LOCK_SCOPE(&s->lock);
	for (const struct fh_hold *h = s->holds; h; h = h->next)
		if (h->seq < least)
			least = h->seq;
	return least;
}

void fh__hold_free(struct fh_stream *s)
{
	while (s->holds) {
		struct fh_hold *h = s->holds;

		s->holds = h->next;
		free(h);
	}
}
