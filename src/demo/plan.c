/* SPDX-License-Identifier: Apache-2.0 */
/* plan: the order of sending, and what is left out, doubled or late in it. */
#include "demo/plan.h"

#include <string.h>

#define RECORDS_MIN 4

int plan_faults(const char *list, unsigned *ret, struct err *e)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = { { "drop", FAULT_DROP }, { "dup", FAULT_DUP }, { "reorder", FAULT_REORDER }, { "restart", FAULT_RESTART },
		      { "none", 0 }, { "", 0 } };
	struct view rest = view_str(list), part;
	unsigned all = 0;

	while (view_split(&rest, ',', &part)) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) && !view_eq_str(part, known[i].name))
			i++;
		if (i == ARRAY_LEN(known))
			return err_set(e, ERR_INVALID, "--faults: \"%.*s\" is none of drop, dup, reorder, restart", VIEW_ARG(part));
		all |= known[i].bit;
	}
	*ret = all;
	return 0;
}

/* Calls for one record in @every, and for the second in any case. */
static bool hit(struct rng *r, uint32_t i, unsigned every)
{
	return i == 1 || rng_below(r, every) == 0;
}

static void choose_dropped(struct plan *p, uint32_t records, struct rng *r, struct arena *a)
{
	p->dropped = ARENA_ARRAY(a, uint32_t, records);
	for (uint32_t i = 1; i < records; i++)
		if (hit(r, i + 1 == records / 2 ? 1 : i + 1, 50))
			p->dropped[p->n_dropped++] = i;
}

static void put_at(struct plan *p, size_t at, uint32_t seq)
{
	memmove(p->seq + at + 1, p->seq + at, (p->n - at) * sizeof(*p->seq));
	p->seq[at] = seq;
	p->n++;
}

static void make_late(struct plan *p, struct rng *r)
{
	for (size_t i = 0; i + 1 < p->n; i++) {
		size_t by = 2 + rng_below(r, 6), room = p->n - 1 - i;
		uint32_t seq = p->seq[i];

		if (!hit(r, (uint32_t)i, 20))
			continue;
		by = by < room ? by : room;
		memmove(p->seq + i, p->seq + i + 1, by * sizeof(*p->seq));
		p->seq[i + by] = seq;
		p->n_late++;
		i += by; /* what was moved is not moved again */
	}
}

static void make_dups(struct plan *p, struct rng *r)
{
	for (size_t i = 0, end = p->n; i < end; i++) {
		size_t at = i + 1 + rng_below(r, 6);

		if (!hit(r, (uint32_t)i, 20))
			continue;
		put_at(p, at < p->n ? at : p->n, p->seq[i]);
		p->n_dups++;
		i = at; /* on behind it */
		end++;
	}
}

void plan_make(struct plan *p, uint32_t records, unsigned faults, struct rng *r, struct arena *a)
{
	*p = (struct plan){ .seq = ARENA_ARRAY(a, uint32_t, (size_t)records * 2 + 1) };
	if (records < RECORDS_MIN)
		faults = 0;
	if (faults & FAULT_DROP)
		choose_dropped(p, records, r, a);
	for (uint32_t i = 0; i < records; i++)
		if (!plan_is_dropped(p, i))
			p->seq[p->n++] = i;
	if (faults & FAULT_REORDER)
		make_late(p, r);
	if (faults & FAULT_DUP)
		make_dups(p, r);
}

bool plan_is_dropped(const struct plan *p, uint32_t seq)
{
	size_t lo = 0, hi = p->n_dropped;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (p->dropped[mid] == seq)
			return true;
		if (p->dropped[mid] < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}
