/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of a directory and the committer thread that makes many callers share one fdatasync. */
#include "store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/dirlock.h"

#define FIRST_SEGMENT (4 * MIB)
#define GROUP_BYTES (4 * MIB) /* a group takes more callers until it has this much */
#define OUT_KEEP (1 * MIB)    /* a larger buffer is given back after the group */
#define SPARE "spare"

/* One caller waiting; lives on its stack. */
struct job {
	const struct view *records;
	const uint32_t *crcs;
	size_t n;
	uint64_t room;
	int64_t at_ms;
	uint64_t first;
	struct journal_at at;
	struct err *e;
	int rc;
	bool done;
	struct cond cond;
	struct job *next;
};

struct watch {
	struct watch *next;
	void (*fn)(void *arg, uint64_t last);
	void *arg;
};

struct journal {
	struct journal_opts o;
	char *dir;
	int dirfd, lockfd;
	struct lock lock;
	struct cond work, grown, left;

	/* under the lock */
	struct job *head, **tail;
	struct segment_info *segs; /* sorted; the last one is written to */
	size_t n_segs, cap_segs;
	uint64_t end;      /* durable end of the last segment */
	uint64_t next_seq; /* of the next record */
	unsigned inside;   /* callers and readers that journal_close() waits for */
	bool closing;

	struct lock watching; /* over the watches, and while they are told; taken before `lock` */
	struct watch *watches;

	/* the committer's own */
	pthread_t committer;
	struct segment_info cur; /* the last segment */
	int fd;
	uint8_t *out;
	size_t out_cap;
	bool broken; /* a write failed half-way: what is behind `end` is unknown until recovery */
	/* the spare segment is made by a thread of its own that the committer starts and joins */
	bool spare_on;
	pthread_t spare_thread;
	int spare_fd;
	uint64_t spare_size;
};

static void push_seg(struct journal *j, const struct segment_info *s)
{
	if (j->n_segs == j->cap_segs) {
		j->cap_segs = j->cap_segs ? j->cap_segs * 2 : 16;
		j->segs = realloc(j->segs, j->cap_segs * sizeof(*j->segs));
		must(j->segs);
	}
	j->segs[j->n_segs++] = *s;
}

/* Each segment is four times as large as the one before, up to the journal's size. */
static uint64_t size_after(const struct journal *j, uint64_t last, uint64_t need)
{
	uint64_t size = last ? last * 4 : FIRST_SEGMENT;

	if (size > j->o.segment_bytes)
		size = j->o.segment_bytes;
	if (size < need + SEGMENT_HEADER)
		size = need + SEGMENT_HEADER;
	return (size + 4095) & ~4095UL;
}

static void *make_spare(void *arg)
{
	struct journal *j = arg;
	struct err e = { 0 };

	if (segment_create(j->dirfd, SPARE, j->spare_size, &j->spare_fd, &e) < 0)
		j->spare_fd = -1; /* the committer tries again and tells its callers why */
	return NULL;
}

static void start_spare(struct journal *j, uint64_t size)
{
	j->spare_size = size;
	j->spare_fd = -1;
	j->spare_on = true;
	j->spare_thread = thread_start("segment-spare", make_spare, j);
}

static int take_spare(struct journal *j)
{
	int fd;

	if (!j->spare_on)
		return -1;
	thread_join(j->spare_thread);
	j->spare_on = false;
	fd = j->spare_fd;
	j->spare_fd = -1;
	return fd;
}

static uint64_t total_bytes(struct journal *j)
{
	uint64_t n = 0;

	LOCK_SCOPE(&j->lock);
	for (size_t i = 0; i < j->n_segs; i++)
		n += j->segs[i].size;
	return n;
}

/* On a disk that is nearly full a small segment is better than none. */
static int create_some(struct journal *j, uint64_t need, uint64_t *size, int *ret_fd, struct err *e)
{
	uint64_t small = size_after(j, 0, need);
	int rc = segment_create(j->dirfd, SPARE, *size, ret_fd, e);

	if (rc != ERR_LIMIT || small >= *size)
		return rc;
	err_clear(e);
	*size = small;
	return segment_create(j->dirfd, SPARE, small, ret_fd, e);
}

/* Goes on in a new segment with room for @need.  Committer, or before it runs. */
static int roll(struct journal *j, uint64_t need, struct err *e)
{
	CLEANUP(fd_closep) int fd = take_spare(j);
	struct segment_info s = { .first = j->next_seq, .created_ms = clock_ms() };
	char name[SEGMENT_NAME];

	memcpy(s.kind, j->o.kind, 4);
	random_bytes(s.uuid, sizeof(s.uuid));
	s.size = size_after(j, j->cur.size, need);
	if (fd >= 0 && j->spare_size >= need + SEGMENT_HEADER) {
		s.size = j->spare_size;
	} else {
		fd_closep(&fd);
		fd = -1;
	}
	if (total_bytes(j) + s.size > j->o.bytes_max)
		return err_set(e, ERR_LIMIT, "%s is full: %" PRIu64 " bytes", j->dir, j->o.bytes_max);
	if (fd < 0 && create_some(j, need, &s.size, &fd, e) < 0)
		return e->code;
	segment_name(s.first, name);
	if (segment_start(fd, &s, e) < 0)
		return e->code;
	if (renameat(j->dirfd, SPARE, j->dirfd, name) < 0)
		return err_sys(e, ERR_IO, "segment %s/%s", j->dir, name);
	if (!MUTANT(5))
		file_sync_dirfd(j->dirfd);
	fd_closep(&j->fd);
	j->fd = fd;
	fd = -1;
	j->cur = s;
	LOCK_SCOPE(&j->lock);
	/* An empty segment that was too small has the same first number: its file was replaced. */
	if (j->n_segs && j->segs[j->n_segs - 1].first == s.first)
		j->n_segs--;
	push_seg(j, &s);
	j->end = SEGMENT_HEADER;
	return 0;
}

static void reserve_out(struct journal *j, uint64_t n)
{
	if (j->out_cap >= n)
		return;
	free(j->out);
	j->out = malloc(n);
	must(j->out);
	j->out_cap = n;
}

/* Encodes the records of @first..@last behind each other; returns how many bytes. */
static uint64_t encode_group(struct journal *j, struct job *first)
{
	const struct segment_info *s = &j->cur;
	uint64_t n = 0, seq = j->next_seq;

	for (struct job *w = first; w; w = w->next) {
		w->first = seq;
		w->at = (struct journal_at){ .segment = s->first, .off = j->end + n };
		for (size_t i = 0; i < w->n; i++) {
			struct segment_record r = {
				.seq = seq,
				.at_ms = w->at_ms,
				.group = j->end,
				.len = (uint32_t)w->records[i].n,
				.type = i + 1 < w->n ? RECORD_MORE : RECORD_LAST,
			};

			segment_encode(j->out + n, s, &r, w->records[i].p, w->crcs[i]);
			if (i == 0)
				w->at.crc = r.crc;
			n += segment_room(r.len);
			seq++;
		}
	}
	return n;
}

/* Takes callers off the queue, as many as fit the group and the segment's @room; the first always. */
static struct job *take_group(struct journal *j, uint64_t room, uint64_t *ret_bytes)
{
	struct job *first = NULL, **end = &first;
	uint64_t n = 0;

	LOCK_SCOPE(&j->lock);
	while (j->head && (n == 0 || (n + j->head->room <= room && n < GROUP_BYTES))) {
		struct job *w = j->head;

		j->head = w->next;
		if (!j->head)
			j->tail = &j->head;
		n += w->room;
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	*ret_bytes = n;
	return first;
}

static void finish_group(struct journal *j, struct job *first, int rc, const struct err *why, uint64_t bytes)
{
	LOCK_SCOPE(&j->lock);
	if (rc == 0) {
		for (struct job *w = first; w; w = w->next)
			j->next_seq += w->n;
		j->end += bytes;
		cond_broadcast(&j->grown);
	}
	for (struct job *w = first, *next; w; w = next) {
		next = w->next; /* w is gone once its owner sees done */
		w->rc = rc;
		if (rc < 0)
			err_set(w->e, rc, "%s", why->msg);
		w->done = true;
		cond_signal(&w->cond);
	}
}

/* The number is asked for under the lock that orders the calls, so it never goes back. */
static void tell_watches(struct journal *j)
{
	LOCK_SCOPE(&j->watching);
	if (j->watches) {
		uint64_t last = journal_last(j);

		for (const struct watch *w = j->watches; w; w = w->next)
			w->fn(w->arg, last);
	}
}

static int commit_group(struct journal *j, struct job *first, uint64_t bytes, struct err *e)
{
	if (j->broken)
		return err_set(e, ERR_IO, "%s: a write failed; it must be opened again", j->dir);
	reserve_out(j, bytes);
	must(encode_group(j, first) == bytes);
	if (file_pwrite_all(j->fd, j->out, bytes, (off_t)j->end, e) < 0) {
		j->broken = true;
		return err_ctx(e, "%s", j->dir);
	}
	if (!MUTANT(4))
		file_sync_data(j->fd);
	return 0;
}

static void after_group(struct journal *j)
{
	uint64_t size = size_after(j, j->cur.size, 0);

	if (j->out_cap > OUT_KEEP) {
		free(j->out);
		j->out = NULL;
		j->out_cap = 0;
	}
	if (!j->spare_on && j->end > j->cur.size / 2 && total_bytes(j) + size <= j->o.bytes_max)
		start_spare(j, size);
}

static void one_group(struct journal *j, uint64_t need)
{
	struct err e = { 0 };
	uint64_t bytes;
	struct job *first;
	int rc = 0;

	if (!j->broken && j->end + need > j->cur.size)
		rc = roll(j, need, &e);
	first = take_group(j, rc < 0 ? 0 : j->cur.size - j->end, &bytes);
	if (rc == 0)
		rc = commit_group(j, first, bytes, &e);
	finish_group(j, first, rc, &e, bytes);
	if (rc == 0) {
		tell_watches(j);
		after_group(j);
	}
}

static void *committer(void *arg)
{
	struct journal *j = arg;
	uint64_t need;

	for (;;) {
		lock_take(&j->lock);
		while (!j->head && !j->closing)
			cond_wait(&j->work, &j->lock);
		need = j->head ? j->head->room : 0;
		lock_drop(&j->lock);
		if (!need)
			return NULL;
		one_group(j, need);
	}
}

static int check_records(const struct view *records, size_t n, uint64_t *ret_room, struct err *e)
{
	uint64_t room = 0, bytes = 0;

	if (n == 0)
		return err_set(e, ERR_INVALID, "no record to append");
	for (size_t i = 0; i < n; i++) {
		if (records[i].n > LIMIT_RECORD)
			return err_set(e, ERR_LIMIT, "record of %zu bytes; at most %lu", records[i].n, LIMIT_RECORD);
		bytes += records[i].n;
		room += segment_room(records[i].n);
		if (bytes > LIMIT_LOG_BATCH)
			return err_set(e, ERR_LIMIT, "more than %lu bytes in one append", LIMIT_LOG_BATCH);
	}
	*ret_room = room;
	return 0;
}

static void freep(uint32_t **p)
{
	free(*p);
}

int journal_append(struct journal *j, const struct view *records, size_t n, uint64_t *ret_first,
		   struct journal_at *ret_at, struct err *e)
{
	CLEANUP(freep) uint32_t *crcs = NULL;
	struct job w = { .records = records, .n = n, .e = e };

	if (check_records(records, n, &w.room, e) < 0)
		return e->code;
	crcs = malloc(n * sizeof(*crcs));
	must(crcs);
	for (size_t i = 0; i < n; i++)
		crcs[i] = segment_payload_crc(records[i].p, records[i].n);
	w.crcs = crcs;
	cond_init(&w.cond);
	lock_take(&j->lock);
	if (j->closing) {
		w.rc = err_set(e, ERR_CANCELLED, "%s is closing", j->dir);
	} else {
		j->inside++;
		w.at_ms = clock_ms(); /* here, so that times are in the order of numbers */
		*j->tail = &w;
		/* cppcheck-suppress autoVariables ; it is off the queue before this returns */
		j->tail = &w.next;
		cond_signal(&j->work);
		while (!w.done)
			cond_wait(&w.cond, &j->lock);
		if (--j->inside == 0)
			cond_broadcast(&j->left);
	}
	lock_drop(&j->lock);
	cond_clear(&w.cond);
	if (w.rc == 0 && ret_first)
		*ret_first = w.first;
	if (w.rc == 0 && ret_at)
		*ret_at = w.at;
	return w.rc;
}

static int by_first(const void *a, const void *b)
{
	const struct segment_info *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int add_found(struct journal *j, const char *name, uint64_t first, struct err *e)
{
	CLEANUP(fd_closep) int fd = -1;
	struct segment_info s;
	int rc = segment_open(j->dirfd, name, O_RDONLY, j->o.kind, &s, &fd, e);

	if (rc == 0 && s.first != first)
		rc = err_set(e, ERR_CORRUPT, "segment %s begins with record %" PRIu64, name, s.first);
	if (rc == ERR_CORRUPT && j->o.tolerate) {
		err_clear(e);
		/* Numbers behind it must stay unused. */
		if (j->next_seq <= first)
			j->next_seq = first + SEGMENT_SIZE_MAX / SEGMENT_RECORD;
		return 0;
	}
	if (rc < 0)
		return err_ctx(e, "%s", j->dir);
	push_seg(j, &s);
	return 0;
}

static int find_segments(struct journal *j, struct err *e)
{
	CLEANUP(dir_closep) DIR *d = opendir(j->dir);
	struct dirent *ent;
	uint64_t first;

	if (!d)
		return err_sys(e, ERR_IO, "directory %s", j->dir);
	while (errno = 0, (ent = readdir(d)) != NULL) {
		if (segment_name_parse(ent->d_name, &first) && add_found(j, ent->d_name, first, e) < 0)
			return e->code;
	}
	if (errno)
		return err_sys(e, ERR_IO, "directory %s", j->dir);
	if (j->n_segs)
		qsort(j->segs, j->n_segs, sizeof(*j->segs), by_first);
	return 0;
}

/* Reads the last segment's tail; *ret_sealed when nothing may be written behind it. */
static int recover_last(struct journal *j, bool *ret_sealed, struct err *e)
{
	struct segment_tail t;
	char name[SEGMENT_NAME];

	segment_name(j->segs[j->n_segs - 1].first, name);
	if (segment_open(j->dirfd, name, O_RDWR, j->o.kind, &j->cur, &j->fd, e) < 0 ||
	    segment_recover(j->fd, &j->cur, &t, e) < 0)
		return err_ctx(e, "%s/%s", j->dir, name);
	if (t.corrupt && !j->o.tolerate)
		return err_set(e, ERR_CORRUPT,
			       "%s/%s: record %" PRIu64 " at byte %" PRIu64
			       " cannot be read but acknowledged records follow it; put back a good copy of this file, "
			       "nothing was changed",
			       j->dir, name, t.next_seq, t.end);
	j->end = t.corrupt ? j->cur.size : t.end;
	if (t.corrupt) /* more than it can hold */
		t.next_seq = j->cur.first + j->cur.size / SEGMENT_RECORD;
	/* Numbers go on without a gap within a segment, and may have been skipped by add_found(). */
	*ret_sealed = t.corrupt || j->next_seq > t.next_seq;
	if (j->next_seq < t.next_seq)
		j->next_seq = t.next_seq;
	return 0;
}

static int open_segments(struct journal *j, struct err *e)
{
	bool sealed = true;

	if (find_segments(j, e) < 0)
		return e->code;
	if (unlinkat(j->dirfd, SPARE, 0) < 0 && errno != ENOENT)
		return err_sys(e, ERR_IO, "%s/%s", j->dir, SPARE);
	if (j->n_segs && recover_last(j, &sealed, e) < 0)
		return e->code;
	return sealed ? roll(j, 0, e) : 0;
}

static struct journal *journal_free(struct journal *j)
{
	int spare;

	if (!j)
		return NULL;
	spare = take_spare(j);
	if (spare >= 0) {
		unlinkat(j->dirfd, SPARE, 0);
		fd_closep(&spare);
	}
	fd_closep(&j->fd);
	fd_closep(&j->dirfd);
	fd_closep(&j->lockfd);
	cond_clear(&j->left);
	cond_clear(&j->grown);
	cond_clear(&j->work);
	lock_clear(&j->lock);
	must(!j->watches); /* who watches a log that is gone? */
	lock_clear(&j->watching);
	free(j->segs);
	free(j->out);
	free(j->dir);
	free(j);
	return NULL;
}

int journal_open(const char *dir, const struct journal_opts *o, struct journal **ret, struct err *e)
{
	struct journal *j = calloc(1, sizeof(*j));

	must(j && strlen(o->kind) == 4);
	*j = (struct journal){ .o = *o, .dirfd = -1, .lockfd = -1, .fd = -1, .spare_fd = -1, .next_seq = 1 };
	j->tail = &j->head;
	j->dir = strdup(dir);
	must(j->dir);
	lock_init(&j->lock, "journal");
	lock_init(&j->watching, "journal-watches");
	cond_init(&j->work);
	cond_init(&j->grown);
	cond_init(&j->left);
	if (o->segment_bytes > SEGMENT_SIZE_MAX) {
		err_set(e, ERR_INVALID, "segments of %" PRIu64 " bytes; at most %lu", o->segment_bytes,
			SEGMENT_SIZE_MAX);
		goto fail;
	}
	if (file_mkdirs(dir, 0700, e) < 0 || dirlock_take(dir, &j->lockfd, e) < 0)
		goto fail;
	j->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dirfd < 0) {
		err_sys(e, ERR_IO, "directory %s", dir);
		goto fail;
	}
	if (open_segments(j, e) < 0)
		goto fail;
	j->committer = thread_start("committer", committer, j);
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
	cond_signal(&j->work);
	cond_broadcast(&j->grown);
	while (j->inside)
		cond_wait(&j->left, &j->lock);
	lock_drop(&j->lock);
	thread_join(j->committer);
	return journal_free(j);
}

uint64_t journal_first(struct journal *j)
{
	LOCK_SCOPE(&j->lock);
	return j->segs[0].first;
}

uint64_t journal_last(struct journal *j)
{
	LOCK_SCOPE(&j->lock);
	return j->next_seq - 1;
}

int journal_dirfd(const struct journal *j)
{
	return j->dirfd;
}

static void place_at(struct journal *j, size_t i, struct journal_place *ret)
{
	bool last = i + 1 == j->n_segs;

	*ret = (struct journal_place){
		.segment = j->segs[i],
		.from = SEGMENT_HEADER,
		.to = last ? j->end : j->segs[i].size,
		.next = last ? 0 : j->segs[i + 1].first,
	};
}

bool journal_place_of(struct journal *j, uint64_t seq, struct journal_place *ret)
{
	LOCK_SCOPE(&j->lock);
	for (size_t i = j->n_segs; i-- > 0;) {
		if (j->segs[i].first <= seq) {
			place_at(j, i, ret);
			return true;
		}
	}
	return false;
}

bool journal_segment(struct journal *j, uint64_t first, struct journal_place *ret)
{
	struct segment_info key = { .first = first }, *s;

	LOCK_SCOPE(&j->lock);
	s = bsearch(&key, j->segs, j->n_segs, sizeof(key), by_first);
	if (s)
		place_at(j, (size_t)(s - j->segs), ret);
	return s != NULL;
}

bool journal_segment_after(struct journal *j, uint64_t first, struct journal_place *ret)
{
	LOCK_SCOPE(&j->lock);
	for (size_t i = 0; i < j->n_segs; i++) {
		if (j->segs[i].first > first) {
			place_at(j, i, ret);
			return true;
		}
	}
	return false;
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
	struct watch *w = malloc(sizeof(*w));

	must(w);
	LOCK_SCOPE(&j->watching);
	*w = (struct watch){ .next = j->watches, .fn = fn, .arg = arg };
	j->watches = w;
}

void journal_unwatch(struct journal *j, void (*fn)(void *arg, uint64_t last), void *arg)
{
	LOCK_SCOPE(&j->watching);
	for (struct watch **w = &j->watches, *gone; *w; w = &(*w)->next) {
		if ((*w)->fn != fn || (*w)->arg != arg)
			continue;
		gone = *w;
		*w = gone->next;
		free(gone);
		return;
	}
}

int journal_drop(struct journal *j, uint64_t first, struct err *e)
{
	CLEANUP(fd_closep) int fd = -1;
	char name[SEGMENT_NAME];
	size_t i;

	segment_name(first, name);
	{
		LOCK_SCOPE(&j->lock);
		for (i = 0; i < j->n_segs && j->segs[i].first != first;)
			i++;
		if (i == j->n_segs)
			return 0;
		if (i + 1 == j->n_segs)
			return err_set(e, ERR_BUSY, "segment %s/%s is written to", j->dir, name);
		memmove(&j->segs[i], &j->segs[i + 1], (j->n_segs - i - 1) * sizeof(*j->segs));
		j->n_segs--;
	}
	/* Held until its name is gone for good: a file system that gives freed blocks away before that (ext4 with
	 * data=writeback) could show a later segment's bytes under this name after a power cut. */
	fd = openat(j->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (unlinkat(j->dirfd, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, ERR_IO, "segment %s/%s", j->dir, name);
	file_sync_dirfd(j->dirfd);
	return 0;
}
