/* SPDX-License-Identifier: Apache-2.0 */
/* Packs of small blobs on top of a journal: written in order, read and deleted at known places. */
#include "store/blob_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/journal.h"

#define KIND "PACK"
#define SEGMENT_BYTES (16 * MIB)
#define KEY_TEXT 48

/*
 * A segment can go when as many of its records are dead as it has numbers.  Counting the dead, not the living,
 * makes a record safe that is on disk but whose writer has not come back from the journal yet.
 */
struct grave { /* of a segment whose dead have been counted */
	uint64_t segment, dead;
};

struct pack {
	struct journal *j;
	struct lock lock; /* over deletes, the sweep and what follows; not needed to write or read */
	uint64_t old_last; /* newest record that was there at the start */
	struct grave *graves; /* sorted by segment */
	size_t n, cap;
};

static void freep(uint8_t **p)
{
	free(*p);
}

int pack_open(const char *dir, struct pack **ret, struct err *e)
{
	struct journal_opts o = {
		.kind = KIND, .version = SEGMENT_PLAIN, .first_bytes = 4 * MIB, .segment_bytes = SEGMENT_BYTES,
		.bytes_max = UINT64_MAX / 2, .tolerate = true
	};
	struct pack *p = calloc(1, sizeof(*p));

	must(p);
	if (journal_open(dir, &o, &p->j, e) < 0) {
		free(p);
		return err_ctx(e, "packed blobs");
	}
	lock_init(&p->lock, "pack");
	p->old_last = journal_last(p->j);
	*ret = p;
	return 0;
}

struct pack *pack_close(struct pack *p)
{
	if (!p)
		return NULL;
	journal_close(p->j);
	lock_clear(&p->lock);
	free(p->graves);
	free(p);
	return NULL;
}

static int drop_if_dead(struct pack *p, const struct grave *g, struct err *e)
{
	uint64_t segment = g->segment;
	struct journal_place place;
	size_t i = (size_t)(g - p->graves);

	if (!journal_segment(p->j, segment, &place) || !place.next ||
	    g->dead < place.next - segment)
		return 0;
	memmove(&p->graves[i], &p->graves[i + 1], (p->n - i - 1) * sizeof(*p->graves));
	p->n--;
	return journal_drop(p->j, segment, e);
}

int pack_put(struct pack *p, struct view data, struct arena *a, const char **ret_ref, struct err *e)
{
	struct journal_at at;

	if (journal_append(p->j, &data, 1, NULL, NULL, &at, e) < 0)
		return e->code;
	*ret_ref = arena_printf(a, "p1:%" PRIu64 ":%" PRIu64 ":%zu:%08" PRIx32, at.segment, at.off, data.n, at.crc);
	return 0;
}

static int open_segment(struct pack *p, uint64_t segment, int flags, struct segment_info *ret, int *ret_fd,
			struct err *e)
{
	return journal_segment_open(p->j, segment, flags, ret, ret_fd, e);
}

/* Reads and checks the record of @ref into *ret_buf (malloc'd). */
static int read_record(struct pack *p, const struct blob_ref *ref, int flags, int *ret_fd, struct segment_info *seg,
		       struct segment_record *ret, uint8_t **ret_buf, struct err *e)
{
	uint64_t room = segment_room(ref->size), need;
	ssize_t n;

	if (ref->size > LIMIT_SMALL_BLOB)
		return err_set(e, ERR_CORRUPT, "packed blob of %" PRIu64 " bytes", ref->size);
	if (open_segment(p, ref->segment, flags, seg, ret_fd, e) < 0)
		return e->code;
	*ret_buf = malloc(room);
	must(*ret_buf);
	n = file_pread_all(*ret_fd, *ret_buf, room, (off_t)ref->off, e);
	if (n < 0)
		return e->code;
	if (segment_decode(*ret_buf, (size_t)n, seg, ref->off, ret, &need) != LOOK_GOOD || ret->len != ref->size)
		return err_set(e, ERR_CORRUPT, "packed blob at byte %" PRIu64 " of segment %" PRIu64 " is damaged",
			       ref->off, ref->segment);
	if (ret->type == RECORD_DEAD)
		return err_set(e, ERR_NOENT, "the blob was deleted");
	if (ret->crc != ref->crc)
		return err_set(e, ERR_CORRUPT, "packed blob at byte %" PRIu64 " of segment %" PRIu64 " is another one",
			       ref->off, ref->segment);
	return 0;
}

static int get_once(struct pack *p, const struct blob_ref *ref, void *out, struct err *e)
{
	CLEANUP(freep) uint8_t *buf = NULL;
	CLEANUP(fd_closep) int fd = -1;
	struct segment_info seg;
	struct segment_record r;

	if (read_record(p, ref, O_RDONLY, &fd, &seg, &r, &buf, e) < 0)
		return e->code;
	memcpy(out, buf + SEGMENT_RECORD, ref->size);
	return 0;
}

int pack_get(struct pack *p, const struct blob_ref *ref, void *out, struct err *e)
{
	if (get_once(p, ref, out, e) != ERR_CORRUPT)
		return e->code;
	/* Or a delete was overwriting it just then. */
	LOCK_SCOPE(&p->lock);
	err_clear(e);
	return get_once(p, ref, out, e);
}

static int bury(int fd, const struct segment_info *seg, struct segment_record *r, uint64_t off, uint8_t *buf,
		struct err *e)
{
	r->type = RECORD_DEAD;
	segment_encode(buf, seg, r, NULL);
	return file_pwrite_all(fd, buf, segment_room(r->len), (off_t)off, e);
}

/* What a walk over a segment does with its records. */
struct walk {
	bool (*used)(void *arg, struct view key); /* NULL: only counts */
	void *arg;
	uint64_t since, to; /* those after @since up to @to are asked for */
	uint64_t dead, removed;
};

static int walk_record(struct walk *w, int fd, const struct segment_info *seg, uint64_t off, struct segment_record *r,
		       uint8_t *buf, struct err *e)
{
	char key[KEY_TEXT];
	int n;

	if (r->type == RECORD_DEAD) {
		w->dead++;
		return 0;
	}
	if (!w->used || r->seq <= w->since || r->seq > w->to)
		return 0;
	n = snprintf(key, sizeof(key), "p1:%" PRIu64 ":%" PRIu64, seg->first, off);
	must(n > 0 && (size_t)n < sizeof(key));
	if (w->used(w->arg, view_of(key, (size_t)n)))
		return 0;
	w->dead++;
	w->removed++;
	return bury(fd, seg, r, off, buf, e);
}

static int walk_segment(struct pack *p, struct walk *w, const struct journal_place *place, struct err *e)
{
	CLEANUP(freep) uint8_t *buf = malloc(place->to);
	CLEANUP(fd_closep) int fd = -1;
	struct segment_record r;
	struct segment_info seg;
	uint64_t need;
	ssize_t n;

	must(buf);
	LOCK_ASSERT_HELD(&p->lock);
	if (open_segment(p, place->first, O_RDWR, &seg, &fd, e) < 0)
		return e->code;
	n = file_pread_all(fd, buf, place->to, 0, e);
	if (n < 0)
		return e->code;
	for (uint64_t off = place->from; off < (uint64_t)n;) {
		/* Damage is looked over: the next good record is searched. */
		if (segment_decode(buf + off, (size_t)n - off, &seg, off, &r, &need) != LOOK_GOOD) {
			off += 8;
			continue;
		}
		need = segment_room(r.len);
		if (walk_record(w, fd, &seg, off, &r, buf + off, e) < 0)
			return e->code;
		off += need;
	}
	return 0;
}

static struct grave *find_grave(struct pack *p, uint64_t segment, size_t *ret_place)
{
	size_t i = p->n;

	LOCK_ASSERT_HELD(&p->lock);
	while (i > 0 && p->graves[i - 1].segment > segment)
		i--;
	*ret_place = i;
	return i > 0 && p->graves[i - 1].segment == segment ? &p->graves[i - 1] : NULL;
}

static struct grave *dig(struct pack *p, size_t i, uint64_t segment, uint64_t dead)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->graves = realloc(p->graves, p->cap * sizeof(*p->graves));
		must(p->graves);
	}
	memmove(&p->graves[i + 1], &p->graves[i], (p->n - i) * sizeof(*p->graves));
	p->graves[i] = (struct grave){ .segment = segment, .dead = dead };
	p->n++;
	return &p->graves[i];
}

/* @buried more records of a segment are dead; counts them all the first time. */
static int died(struct pack *p, uint64_t segment, uint64_t buried, struct err *e)
{
	struct walk w = { 0 };
	struct journal_place place;
	size_t i;
	struct grave *g = find_grave(p, segment, &i);

	if (g) {
		g->dead += buried;
		return drop_if_dead(p, g, e);
	}
	if (!journal_segment(p->j, segment, &place))
		return 0;
	if (segment > p->old_last) /* begun since the start: all that die are counted here */
		w.dead = buried;
	else if (walk_segment(p, &w, &place, e) < 0)
		return e->code;
	return drop_if_dead(p, dig(p, i, segment, w.dead), e);
}

int pack_delete(struct pack *p, const struct blob_ref *ref, struct err *e)
{
	CLEANUP(freep) uint8_t *buf = NULL;
	CLEANUP(fd_closep) int fd = -1;
	struct segment_info seg;
	struct segment_record r;
	int rc;

	LOCK_SCOPE(&p->lock);
	rc = read_record(p, ref, O_RDWR, &fd, &seg, &r, &buf, e);
	if (rc == ERR_NOENT) { /* dead already: a crash may have come before its segment was dropped */
		err_clear(e);
		return died(p, ref->segment, 0, e);
	}
	if (rc < 0 || bury(fd, &seg, &r, ref->off, buf, e) < 0)
		return e->code;
	return died(p, ref->segment, 1, e);
}

uint64_t pack_last(const struct pack *p)
{
	return p->old_last;
}

static int sweep_segment(struct pack *p, struct walk *w, const struct journal_place *place, struct err *e)
{
	size_t i;
	struct grave *g;

	LOCK_SCOPE(&p->lock);
	w->dead = 0;
	if (walk_segment(p, w, place, e) < 0)
		return e->code;
	g = find_grave(p, place->first, &i);
	if (!g)
		g = dig(p, i, place->first, 0);
	g->dead = w->dead;
	return drop_if_dead(p, g, e);
}

int pack_sweep(struct pack *p, uint64_t since, bool (*used)(void *arg, struct view key), void *arg,
	       uint64_t *ret_removed, struct err *e)
{
	struct walk w = { .used = used, .arg = arg, .since = since, .to = p->old_last };
	struct journal_place place = { 0 };

	while (journal_segment_after(p->j, place.first, &place) && place.first <= p->old_last) {
		if (place.next && place.next - 1 <= since)
			continue;
		if (sweep_segment(p, &w, &place, e) < 0)
			return err_ctx(e, "sweep of segment %" PRIu64, place.first);
	}
	*ret_removed += w.removed;
	return 0;
}
