/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of where records lie. */
#include "store/log_marks.h"

#include <stdlib.h>
#include <string.h>

void log_marks_init(struct log_marks *m)
{
	*m = (struct log_marks){ 0 };
	lock_init(&m->lock, "log-marks");
}

void log_marks_clear(struct log_marks *m)
{
	free(m->v);
	lock_clear(&m->lock);
}

/* How many are at or before @seq. */
static size_t count_to(const struct log_marks *m, uint64_t seq)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->v[mid].at <= seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool near(const struct log_mark *a, const struct log_mark *b)
{
	uint64_t apart = a->off > b->off ? a->off - b->off : b->off - a->off;

	return a->segment == b->segment && apart < MARKS_STEP;
}

static void make_room(struct log_marks *m)
{
	if (m->n == MARKS_MAX) {
		m->n /= 2;
		memmove(m->v, m->v + MARKS_MAX - m->n, m->n * sizeof(*m->v));
	}
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 8;
		m->v = realloc(m->v, m->cap * sizeof(*m->v));
		must(m->v);
	}
}

void log_marks_put(struct log_marks *m, const struct log_mark *mark)
{
	LOCK_SCOPE(&m->lock);
	size_t i = count_to(m, mark->at);

	if ((i && near(&m->v[i - 1], mark)) || (i < m->n && near(&m->v[i], mark)))
		return;
	make_room(m);
	i = count_to(m, mark->at);
	memmove(m->v + i + 1, m->v + i, (m->n - i) * sizeof(*m->v));
	m->v[i] = *mark;
	m->n++;
}

bool log_marks_find(struct log_marks *m, uint64_t segment, uint64_t seq, struct log_mark *ret)
{
	LOCK_SCOPE(&m->lock);
	size_t i = count_to(m, seq);

	if (!i || m->v[i - 1].segment != segment)
		return false;
	*ret = m->v[i - 1];
	return true;
}
