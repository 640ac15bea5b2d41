/* SPDX-License-Identifier: Apache-2.0 */
/* Appending to a journal: callers write and sync for each other, one group at a time. */
#include "store/journal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/journal_int.h"

#define GROUP_BYTES (4 * MIB) /* a group takes more units until it has this much, */
#define GROUP_UNITS 1024      /* or this many */

/* One caller; lives on its stack until woken. */
struct job {
	uint8_t *out; /* its unit, all but places and numbers */
	const uint8_t *key; /* NULL: none */
	size_t n;
	uint64_t room;
	int64_t at_ms;
	uint64_t first;
	struct journal_at at;
	struct err *e;
	int rc;
	bool lead; /* woken to lead, not because it is done */
	struct wake wake;
	struct job *next;
	struct job *twins; /* others with the same unit */
};

/* --- the leader --- */

/* Completes a unit at @off; the group began at @group. */
static void place_unit(struct job *w, const struct segment_info *s, uint64_t seq, uint64_t off, uint64_t group)
{
	uint8_t *p = w->out, *end = w->out + w->room;

	w->first = seq;
	w->at = (struct journal_at){ .segment = s->first, .off = off };
	while (p < end) {
		struct segment_record r = { .seq = seq, .at_ms = w->at_ms, .group = group };
		uint64_t room = segment_finish(p, s, &r);

		if (r.type != RECORD_KEY) {
			if (seq == w->first)
				w->at.crc = r.crc;
			seq++;
		}
		p += room;
	}
}

/* Takes callers off the queue, as many as fit the group and the segment's @room; the first always. */
static struct job *take_group(struct journal *j, uint64_t room)
{
	struct job **end = &j->writing;
	uint64_t bytes = 0;
	unsigned n = 0;

	LOCK_SCOPE(&j->lock);
	while (j->head && (n == 0 || (bytes + j->head->room <= room && bytes < GROUP_BYTES && n < GROUP_UNITS))) {
		struct job *w = j->head;

		j->head = w->next;
		if (!j->head)
			j->tail = &j->head;
		bytes += w->room;
		n++;
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	return j->writing;
}

static int write_group(struct journal *j, struct job *group, uint64_t *ret_end, struct err *e)
{
	CLEANUP(segment_file_putp) struct segment_file *f = NULL;
	struct iovec v[GROUP_UNITS];
	uint64_t end = j->end, seq = j->next_seq;
	size_t n = 0;

	if (segment_file_get(&j->files, j->cur, &f, e) < 0)
		return e->code;
	for (struct job *w = group; w; w = w->next) {
		place_unit(w, &f->info, seq, end, j->end);
		v[n++] = (struct iovec){ w->out, w->room };
		end += w->room;
		seq += w->n;
	}
	if (file_pwritev_all(f->fd, v, n, (off_t)j->end, e) < 0) {
		j->dirty = end;
		return err_ctx(e, "%s", j->dir);
	}
	if (!MUTANT(4))
		file_sync_data(f->fd);
	*ret_end = end;
	return 0;
}

/* What a failed write has left could line up with what is written next (store/segment.h, invariant 4). */
static int clean(struct journal *j, struct err *e)
{
	CLEANUP(segment_file_putp) struct segment_file *f = NULL;

	if (!j->dirty)
		return 0;
	if (segment_file_get(&j->files, j->cur, &f, e) < 0 ||
	    segment_zero(f->fd, j->end, j->dirty, e) < 0)
		return err_ctx(e, "%s: after a write that failed", j->dir);
	j->dirty = 0;
	return 0;
}

static void wake_with(struct job *w, int rc, const struct err *why)
{
	w->rc = rc;
	if (rc < 0)
		err_set(w->e, rc, "%s", why->msg);
	wake_up(&w->wake); /* and it is gone */
}

static void wake_twins(struct job *w, int rc, const struct err *why)
{
	for (struct job *t = w->twins, *next; t; t = next) {
		next = t->next;
		t->first = w->first;
		wake_with(t, rc, why);
	}
}

/* The group is done, well or not: accounts for it, hands the lead over, wakes its callers. */
static void finish_group(struct journal *j, struct job *mine, int rc, const struct err *why, uint64_t end)
{
	struct job *next, *group = j->writing;

	lock_take(&j->lock);
	for (struct job *w = group; w; w = w->next) {
		if (rc == 0 && w->key)
			journal_keys_add(&j->keys, j->cur, w->key, w->first);
		if (rc == 0)
			j->next_seq += w->n;
		j->inside -= w != mine;
		for (struct job *t = w->twins; t; t = t->next)
			j->inside--;
	}
	if (rc == 0) {
		j->end = end;
		cond_broadcast(&j->grown);
	}
	j->writing = NULL;
	next = j->head;
	j->leading = next != NULL;
	if (next)
		next->lead = true;
	lock_drop(&j->lock);
	if (next)
		wake_up(&next->wake);
	for (struct job *w = group; w; w = next) {
		next = w->next;
		wake_twins(w, rc, why);
		if (w != mine)
			wake_with(w, rc, why);
	}
}

/* The number is asked for under the lock that orders the calls, so it never goes back. */
static void tell_watches(struct journal *j)
{
	LOCK_SCOPE(&j->watching);
	if (j->watches) {
		uint64_t last = journal_last(j);

		for (const struct journal_watch *w = j->watches; w; w = w->next)
			w->fn(w->arg, last);
	}
}

/* Thread: the leader, whose own unit is the first in the queue. */
static void lead(struct journal *j, struct job *mine)
{
	struct err e = { 0 };
	uint64_t end = 0;
	int rc = clean(j, &e);

	if (rc == 0 && (j->sealed || j->end + mine->room > j->cur_size))
		rc = journal__roll(j, mine->room, &e);
	take_group(j, rc == 0 ? j->cur_size - j->end : 0);
	if (rc == 0)
		rc = write_group(j, j->writing, &end, &e);
	if (rc == 0)
		journal__ahead(j, end);
	finish_group(j, mine, rc, &e, end);
	mine->rc = rc;
	if (rc < 0)
		err_set(mine->e, rc, "%s", e.msg);
	else
		tell_watches(j);
	journal_release(j);
}

/* --- callers --- */

static int check_records(const struct view *records, size_t n, uint64_t *ret_room, struct err *e)
{
	uint64_t room = 0, bytes = 0;

	if (n == 0)
		return err_set(e, ERR_INVALID, "no record to append");
	for (size_t i = 0; i < n; i++) {
		if (records[i].n > LIMIT_LOG_RECORD)
			return err_set(e, ERR_LIMIT, "record of %zu bytes; at most %lu", records[i].n, LIMIT_LOG_RECORD);
		bytes += records[i].n;
		room += segment_room(records[i].n);
		if (bytes > LIMIT_LOG_BATCH)
			return err_set(e, ERR_LIMIT, "more than %lu bytes in one append", LIMIT_LOG_BATCH);
	}
	*ret_room += room;
	return 0;
}

static void prepare(struct job *w, const struct view *records)
{
	uint8_t *p = malloc(w->room);

	must(p);
	w->out = p;
	if (w->key) {
		segment_prepare(p, RECORD_KEY, w->key, SEGMENT_KEY);
		p += segment_room(SEGMENT_KEY);
	}
	for (size_t i = 0; i < w->n; i++) {
		segment_prepare(p, i + 1 < w->n ? RECORD_MORE : RECORD_LAST, records[i].p, records[i].n);
		p += segment_room(records[i].n);
	}
}

static struct job *find_twin(struct job *list, const uint8_t *key)
{
	for (struct job *w = list; w; w = w->next) {
		if (w->key && memcmp(w->key, key, SEGMENT_KEY) == 0)
			return w;
	}
	return NULL;
}

/* The same unit was appended, or is about to be.  True: nothing is to be written; *ret_wait: for another to do it. */
static bool is_again(struct journal *j, struct job *w, bool *ret_wait)
{
	struct job *first;

	if (!w->key)
		return false;
	if (journal_keys_find(&j->keys, w->key, &w->first))
		return true;
	first = find_twin(j->writing, w->key);
	if (!first)
		first = find_twin(j->head, w->key);
	if (!first)
		return false;
	w->next = first->twins;
	/* cppcheck-suppress autoVariables ; it is off the list before its owner returns */
	first->twins = w;
	*ret_wait = true;
	return true;
}

/* What is to be done after w's entry. */
enum entry { DONE, WAIT, LEAD };

static enum entry enter(struct journal *j, struct job *w)
{
	bool wait = false;

	LOCK_SCOPE(&j->lock);
	if (j->closing) {
		w->rc = err_set(w->e, ERR_CANCELLED, "%s is closing", j->dir);
		return DONE;
	}
	if (is_again(j, w, &wait)) {
		j->inside += wait;
		return wait ? WAIT : DONE;
	}
	j->inside++;
	w->at_ms = clock_ms(); /* here, so that times are in the order of numbers */
	*j->tail = w;
	/* cppcheck-suppress autoVariables ; as above */
	j->tail = &w->next;
	if (j->leading)
		return WAIT;
	j->leading = true;
	return LEAD;
}

int journal_append(struct journal *j, const struct view *records, size_t n, const uint8_t *key, uint64_t *ret_first,
		   struct journal_at *ret_at, struct err *e)
{
	struct job w = { .n = n, .key = key, .e = e, .room = key ? segment_room(SEGMENT_KEY) : 0 };
	enum entry entry;

	if (check_records(records, n, &w.room, e) < 0)
		return e->code;
	prepare(&w, records);
	wake_init(&w.wake);
	entry = enter(j, &w);
	if (entry == WAIT) {
		wake_wait(&w.wake);
		entry = w.lead ? LEAD : DONE;
	}
	if (entry == LEAD)
		lead(j, &w);
	wake_clear(&w.wake);
	free(w.out);
	if (w.rc == 0 && ret_first)
		*ret_first = w.first;
	if (w.rc == 0 && ret_at)
		*ret_at = w.at;
	return w.rc;
}

/* --- its life --- */

static struct journal *journal_free(struct journal *j)
{
	journal__unload(j);
	journal_keys_clear(&j->keys);
	segment_files_clear(&j->files);
	fd_closep(&j->lockfd);
	must(!j->watches); /* who watches a log that is gone? */
	cond_clear(&j->left);
	cond_clear(&j->grown);
	lock_clear(&j->lock);
	lock_clear(&j->trimming);
	lock_clear(&j->watching);
	free(j->segs);
	free(j->dir);
	free(j);
	return NULL;
}

int journal_open(const char *dir, const struct journal_opts *o, struct journal **ret, struct err *e)
{
	struct journal *j = calloc(1, sizeof(*j));

	must(j && strlen(o->kind) == 4);
	*j = (struct journal){ .o = *o, .lockfd = -1, .next_seq = 1, .sealed = true, .since_ns = clock_mono_ns() };
	j->tail = &j->head;
	j->dir = strdup(dir);
	must(j->dir);
	j->files = (struct segment_files){ .dir = j->dir, .kind = o->kind };
	lock_init(&j->lock, "journal");
	lock_init(&j->trimming, "journal-trim");
	lock_init(&j->watching, "journal-watches");
	cond_init(&j->grown);
	cond_init(&j->left);
	if (o->segment_bytes > SEGMENT_SIZE_MAX) {
		err_set(e, ERR_INVALID, "segments of %llu bytes; at most %lu", (unsigned long long)o->segment_bytes,
			SEGMENT_SIZE_MAX);
		goto fail;
	}
	if (journal__load(j, e) < 0)
		goto fail;
	*ret = j;
	return 0;
fail:
	journal_free(j);
	return e->code;
}

struct journal *journal_close(struct journal *j)
{
	if (!j)
		return NULL;
	lock_take(&j->lock);
	j->closing = true;
	cond_broadcast(&j->grown);
	while (j->inside)
		cond_wait(&j->left, &j->lock);
	lock_drop(&j->lock);
	return journal_free(j);
}

/* --- readers and watches --- */

uint64_t journal_last(struct journal *j)
{
	LOCK_SCOPE(&j->lock);
	return j->next_seq - 1;
}

void journal_hold(struct journal *j)
{
	LOCK_SCOPE(&j->lock);
	j->inside++;
}

void journal_release(struct journal *j)
{
	LOCK_SCOPE(&j->lock);
	if (--j->inside == 0)
		cond_broadcast(&j->left);
}

bool journal_wait(struct journal *j, uint64_t seq, int64_t deadline_mono_ns, atomic_bool *wake)
{
	LOCK_SCOPE(&j->lock);
	while (j->next_seq <= seq) {
		if (atomic_exchange(wake, false) || j->closing)
			return false;
		if (!cond_wait_until(&j->grown, &j->lock, deadline_mono_ns))
			return j->next_seq > seq;
	}
	return true;
}

void journal_wake(struct journal *j, atomic_bool *wake)
{
	LOCK_SCOPE(&j->lock);
	atomic_store(wake, true);
	cond_broadcast(&j->grown);
}

bool journal_closing(struct journal *j)
{
	LOCK_SCOPE(&j->lock);
	return j->closing;
}

void journal_watch(struct journal *j, void (*fn)(void *arg, uint64_t last), void *arg)
{
	struct journal_watch *w = malloc(sizeof(*w));

	must(w);
	LOCK_SCOPE(&j->watching);
	*w = (struct journal_watch){ .next = j->watches, .fn = fn, .arg = arg };
	j->watches = w;
}

void journal_unwatch(struct journal *j, void (*fn)(void *arg, uint64_t last), void *arg)
{
	LOCK_SCOPE(&j->watching);
	for (struct journal_watch **w = &j->watches, *gone; *w; w = &(*w)->next) {
		if ((*w)->fn != fn || (*w)->arg != arg)
			continue;
		gone = *w;
		*w = gone->next;
		free(gone);
		return;
	}
}
