/* SPDX-License-Identifier: Apache-2.0 */
/* The segments of a journal: found at the start, begun, made ahead, looked up, removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mutant.h"
#include "os/clock.h"
#include "os/crypto.h"
#include "os/file.h"
#include "store/dirlock.h"
#include "store/journal_int.h"

#define SPARE "spare"
#define SPARES_MAX 2 /* are made at the same time, in the whole process */

/* A segment that lasts less is followed by a larger one, and that is made ahead. */
#define QUICK_NS (10 * 60 * 1000000000LL)

static atomic_uint spares_making;

static int path_of(const struct journal *j, const char *name, char out[PATH_MAX], struct err *e)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", j->dir, name);

	if (n < 0 || n >= PATH_MAX)
		return err_set(e, ERR_LIMIT, "path of folder %.80s... is too long", j->dir);
	return 0;
}

static void push_seg(struct journal *j, const struct segment_ref *s)
{
	if (j->n_segs == j->cap_segs) {
		j->cap_segs = j->cap_segs ? j->cap_segs * 2 : 4;
		j->segs = realloc(j->segs, j->cap_segs * sizeof(*j->segs));
		must(j->segs);
	}
	j->segs[j->n_segs++] = *s;
	j->bytes += s->size;
}

/* --- a new segment --- */

static uint64_t size_for(const struct journal *j, uint64_t size, uint64_t need)
{
	if (size < j->o.first_bytes)
		size = j->o.first_bytes;
	if (size > j->o.segment_bytes)
		size = j->o.segment_bytes;
	if (size < need + SEGMENT_HEADER)
		size = need + SEGMENT_HEADER;
	return (size + 4095) & ~4095UL;
}

static bool is_quick(const struct journal *j, int64_t window_ns)
{
	return clock_mono_ns() - j->since_ns < window_ns;
}

static void *make_spare(void *arg)
{
	struct journal *j = arg;
	CLEANUP(fd_closep) int fd = -1;
	struct err e = { 0 };
	char path[PATH_MAX];

	/* Who fails tries again when it has to, and tells its callers why. */
	if (path_of(j, SPARE, path, &e) < 0 || segment_create(path, j->spare_size, &fd, &e) < 0)
		j->spare_size = 0;
	atomic_fetch_sub(&spares_making, 1);
	atomic_store(&j->spare_made, true);
	return NULL;
}

static void join_spare(struct journal *j)
{
	if (j->spare != SPARE_MAKING)
		return;
	thread_join(j->spare_thread);
	j->spare = j->spare_size ? SPARE_READY : SPARE_NONE;
}

static uint64_t total_bytes(struct journal *j)
{
	LOCK_SCOPE(&j->lock);
	return j->bytes;
}

void journal__ahead(struct journal *j, uint64_t end)
{
	uint64_t size = size_for(j, j->cur_size * 4, 0);

	if (j->spare == SPARE_MAKING && atomic_load(&j->spare_made))
		join_spare(j);
	/* At this pace it will be full in less than that. */
	if (j->spare != SPARE_NONE || end <= j->cur_size / 2 || !is_quick(j, QUICK_NS / 2) ||
	    total_bytes(j) + size > j->o.bytes_max)
		return;
	if (atomic_fetch_add(&spares_making, 1) >= SPARES_MAX) {
		atomic_fetch_sub(&spares_making, 1);
		return;
	}
	j->spare_size = size;
	j->spare = SPARE_MAKING;
	atomic_store(&j->spare_made, false);
	j->spare_thread = thread_start("segment-spare", make_spare, j);
}

/* On a disk that is nearly full a small segment is better than none. */
static int create_some(struct journal *j, const char *path, uint64_t need, uint64_t *size, int *ret_fd, struct err *e)
{
	uint64_t small = size_for(j, 0, need);
	int rc = segment_create(path, *size, ret_fd, e);

	if (rc != ERR_LIMIT || small >= *size)
		return rc;
	err_clear(e);
	*size = small;
	return segment_create(path, small, ret_fd, e);
}

/* The oldest segment that nobody needs goes before its time. */
static bool drop_released(struct journal *j, struct err *e)
{
	uint64_t first = 0;

	LOCK_SCOPE(&j->trimming);
	lock_take(&j->lock);
	if (j->n_segs > 1 && j->segs[1].first <= j->released)
		first = j->segs[0].first;
	lock_drop(&j->lock);
	return first && journal_drop(j, first, e) == 0;
}

/* A file for the next segment under the spare's name, of *size bytes. */
static int file_for(struct journal *j, const char *path, uint64_t need, uint64_t *size, int *ret_fd, struct err *e)
{
	uint64_t small = size_for(j, 0, need);
	int rc;

	join_spare(j);
	*size = size_for(j, is_quick(j, QUICK_NS) ? j->cur_size * 4 : j->cur_size, need);
	if (j->spare == SPARE_READY && j->spare_size >= need + SEGMENT_HEADER)
		*size = j->spare_size;
	while (total_bytes(j) + *size > j->o.bytes_max) {
		if (drop_released(j, e))
			continue;
		if (e->code)
			return e->code;
		if (*size <= small)
			return err_set(e, ERR_LIMIT, "%s is full: %" PRIu64 " bytes", j->dir, j->o.bytes_max);
		*size = small;
	}
	if (j->spare == SPARE_READY && *size == j->spare_size) {
		j->spare = SPARE_NONE;
		*ret_fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (*ret_fd >= 0)
			return 0;
	}
	j->spare = SPARE_NONE;
	while ((rc = create_some(j, path, need, size, ret_fd, e)) == ERR_LIMIT) {
		struct err why = *e;

		err_clear(e);
		if (!drop_released(j, e)) {
			*e = why;
			break;
		}
	}
	return rc;
}

static int begin(struct journal *j, const char *path, int fd, const struct segment_info *s, struct err *e)
{
	char final[PATH_MAX];

	if (segment_start(fd, s, e) < 0 || segment_path(j->dir, s->first, final, sizeof(final), e) < 0)
		return e->code;
	if (!j->sealed && journal_keys_save(&j->keys, j->dir, j->cur, e) < 0)
		return err_ctx(e, "keys");
	if (rename(path, final) < 0)
		return err_sys(e, ERR_IO, "segment %s", final);
	if (!MUTANT(5))
		file_sync_dir(j->dir);
	/* An empty segment that was too small has the same first number: its file was replaced. */
	segment_files_forget(&j->files, s->first);
	return 0;
}

int journal__roll(struct journal *j, uint64_t need, struct err *e)
{
	CLEANUP(fd_closep) int fd = -1;
	struct segment_info s = { .version = j->o.version, .first = j->next_seq, .created_ms = clock_ms() };
	char path[PATH_MAX];

	memcpy(s.kind, j->o.kind, 4);
	random_bytes(s.uuid, sizeof(s.uuid));
	if (path_of(j, SPARE, path, e) < 0 || file_for(j, path, need, &s.size, &fd, e) < 0 ||
	    begin(j, path, fd, &s, e) < 0)
		return e->code;
	j->cur = s.first;
	j->cur_size = s.size;
	j->sealed = false;
	j->since_ns = clock_mono_ns();
	LOCK_SCOPE(&j->lock);
	if (j->n_segs && j->segs[j->n_segs - 1].first == s.first)
		j->bytes -= j->segs[--j->n_segs].size;
	push_seg(j, &(struct segment_ref){ s.first, s.size, s.created_ms });
	j->end = SEGMENT_HEADER;
	journal_keys_seal(&j->keys, j->dir, j->since_ns);
	return 0;
}

/* --- at the start --- */

static int by_first(const void *a, const void *b)
{
	const struct segment_ref *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* What the folder has besides segments. */
struct found {
	uint64_t *keys; /* segments of which there is a file with keys */
	size_t n, cap;
};

static void found_clear(struct found *f)
{
	free(f->keys);
}

static void found_keys(struct found *f, uint64_t segment)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 16;
		f->keys = realloc(f->keys, f->cap * sizeof(*f->keys));
		must(f->keys);
	}
	f->keys[f->n++] = segment;
}

/* Where damage is tolerated, what cannot be read is left out; elsewhere it is told when it is read. */
static int found_segment(struct journal *j, const char *name, uint64_t first, struct err *e)
{
	struct segment_file *f;
	char path[PATH_MAX];
	struct stat st;
	int rc;

	if (path_of(j, name, path, e) < 0)
		return e->code;
	if (stat(path, &st) < 0)
		return err_sys(e, ERR_IO, "segment %s", path);
	if (j->o.tolerate) {
		rc = segment_file_get(&j->files, first, &f, e);
		if (rc == ERR_CORRUPT) {
			err_clear(e);
			/* Numbers behind it must stay unused. */
			if (j->next_seq <= first)
				j->next_seq = first + SEGMENT_SIZE_MAX / SEGMENT_RECORD;
			return 0;
		}
		if (rc < 0)
			return rc;
		segment_file_put(f);
	}
	push_seg(j, &(struct segment_ref){ .first = first, .size = (uint64_t)st.st_size });
	return 0;
}

static int remove_litter(struct journal *j, const char *name, struct err *e)
{
	char path[PATH_MAX];

	if (path_of(j, name, path, e) < 0)
		return e->code;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, ERR_IO, "%s", path);
	return 0;
}

static int find_all(struct journal *j, DIR *d, struct found *ret, struct err *e)
{
	struct dirent *ent;
	uint64_t first;

	while (errno = 0, (ent = readdir(d)) != NULL) {
		int rc = 0;

		if (segment_name_parse(ent->d_name, &first))
			rc = found_segment(j, ent->d_name, first, e);
		else if (journal_keys_name(ent->d_name, &first))
			found_keys(ret, first);
		else if (strcmp(ent->d_name, SPARE) == 0 || journal_keys_litter(ent->d_name))
			rc = remove_litter(j, ent->d_name, e);
		if (rc < 0)
			return rc;
	}
	if (errno)
		return err_sys(e, ERR_IO, "folder %s", j->dir);
	if (j->n_segs)
		qsort(j->segs, j->n_segs, sizeof(*j->segs), by_first);
	if (ret->n)
		qsort(ret->keys, ret->n, sizeof(*ret->keys), by_number);
	return 0;
}

/* Those of the last segment are in itself. */
static int load_keys(struct journal *j, const struct found *f, struct err *e)
{
	uint64_t last = j->n_segs ? j->segs[j->n_segs - 1].first : 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->keys[i] != last && journal_keys_load(&j->keys, j->dir, f->keys[i], j->since_ns, e) < 0)
			return e->code;
	}
	return 0;
}

static void found_key(void *arg, const uint8_t key[SEGMENT_KEY], uint64_t first)
{
	struct journal *j = arg;

	journal_keys_add(&j->keys, j->cur, key, first);
}

static int recover_last(struct journal *j, struct err *e)
{
	CLEANUP(segment_file_putp) struct segment_file *f = NULL;
	const struct segment_keys keys = { found_key, j };
	struct segment_tail t;
	char name[SEGMENT_NAME];

	j->cur = j->segs[j->n_segs - 1].first;
	segment_name(j->cur, name);
	if (segment_file_get(&j->files, j->cur, &f, e) < 0)
		return err_ctx(e, "%s", j->dir);
	j->cur_size = f->info.size;
	if (segment_recover(f->fd, &f->info, &keys, &t, e) < 0)
		return err_ctx(e, "%s/%s", j->dir, name);
	if (t.corrupt && !j->o.tolerate)
		return err_set(e, ERR_CORRUPT,
			       "%s/%s: record %" PRIu64 " at byte %" PRIu64
			       " cannot be read but acknowledged records follow it; put back a good copy of this file, "
			       "nothing was changed",
			       j->dir, name, t.next_seq, t.end);
	j->end = t.corrupt ? j->cur_size : t.end;
	if (t.corrupt) /* more than it can hold */
		t.next_seq = j->cur + j->cur_size / SEGMENT_RECORD;
	/* Numbers go on without a gap within a segment, and may have been skipped by found_segment().  An older format
	 * is not mixed with a newer one. */
	j->sealed = t.corrupt || j->next_seq > t.next_seq || f->info.version != j->o.version;
	if (j->next_seq < t.next_seq)
		j->next_seq = t.next_seq;
	return 0;
}

int journal__load(struct journal *j, struct err *e)
{
	CLEANUP(found_clear) struct found f = { 0 };
	CLEANUP(dir_closep) DIR *d = opendir(j->dir);

	if (!d && errno == ENOENT) {
		if (file_mkdirs(j->dir, 0700, e) < 0)
			return e->code;
		d = opendir(j->dir);
	}
	if (!d)
		return err_sys(e, ERR_IO, "folder %s", j->dir);
	if (!j->o.locked && dirlock_take(j->dir, &j->lockfd, e) < 0)
		return e->code;
	if (find_all(j, d, &f, e) < 0 || load_keys(j, &f, e) < 0)
		return e->code;
	return j->n_segs ? recover_last(j, e) : 0;
}

void journal__unload(struct journal *j)
{
	struct err e = { 0 };

	join_spare(j);
	if (j->spare == SPARE_READY && remove_litter(j, SPARE, &e) < 0)
		err_clear(&e); /* the next start does it */
}

/* --- looking up --- */

uint64_t journal_first(struct journal *j)
{
	LOCK_SCOPE(&j->lock);
	return j->n_segs ? j->segs[0].first : j->next_seq;
}

int journal_file_get(struct journal *j, uint64_t first, struct segment_file **ret, struct err *e)
{
	return segment_file_get(&j->files, first, ret, e);
}

int journal_segment_open(const struct journal *j, uint64_t first, int flags, struct segment_info *ret, int *ret_fd,
			 struct err *e)
{
	char path[PATH_MAX];

	if (segment_path(j->dir, first, path, sizeof(path), e) < 0)
		return e->code;
	return segment_open(path, flags, j->o.kind, ret, ret_fd, e);
}

static void place_at(struct journal *j, size_t i, struct journal_place *ret)
{
	bool last = i + 1 == j->n_segs;

	*ret = (struct journal_place){
		.first = j->segs[i].first,
		.from = SEGMENT_HEADER,
		.to = last ? j->end : j->segs[i].size,
		.next = last ? 0 : j->segs[i + 1].first,
	};
}

/* How many segments begin with record @seq or before. */
static size_t count_to(const struct journal *j, uint64_t seq)
{
	size_t lo = 0, hi = j->n_segs;

	while (lo < hi) {
		size_t i = lo + (hi - lo) / 2;

		if (j->segs[i].first <= seq)
			lo = i + 1;
		else
			hi = i;
	}
	return lo;
}

bool journal_place_of(struct journal *j, uint64_t seq, struct journal_place *ret)
{
	LOCK_SCOPE(&j->lock);
	size_t n = count_to(j, seq);

	if (n)
		place_at(j, n - 1, ret);
	return n > 0;
}

bool journal_segment(struct journal *j, uint64_t first, struct journal_place *ret)
{
	return journal_place_of(j, first, ret) && ret->first == first;
}

bool journal_segment_after(struct journal *j, uint64_t first, struct journal_place *ret)
{
	LOCK_SCOPE(&j->lock);
	size_t n = count_to(j, first);

	if (n < j->n_segs)
		place_at(j, n, ret);
	return n < j->n_segs;
}

/* --- removing --- */

static int unlist(struct journal *j, uint64_t first, bool *ret_was, struct err *e)
{
	LOCK_SCOPE(&j->lock);
	size_t n = count_to(j, first);

	*ret_was = n && j->segs[n - 1].first == first;
	if (!*ret_was)
		return 0;
	if (n == j->n_segs)
		return err_set(e, ERR_BUSY, "segment %" PRIu64 " of %s is written to", first, j->dir);
	j->bytes -= j->segs[n - 1].size;
	memmove(&j->segs[n - 1], &j->segs[n], (j->n_segs - n) * sizeof(*j->segs));
	j->n_segs--;
	return 0;
}

int journal_drop(struct journal *j, uint64_t first, struct err *e)
{
	CLEANUP(fd_closep) int fd = -1;
	char path[PATH_MAX];
	bool was;

	if (unlist(j, first, &was, e) < 0 || segment_path(j->dir, first, path, sizeof(path), e) < 0)
		return e->code;
	if (!was)
		return 0;
	/* Held until its name is gone for good: a file system that gives freed blocks away before that (ext4 with
	 * data=writeback) could show a later segment's bytes under this name after a power cut. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	segment_files_forget(&j->files, first);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, ERR_IO, "segment %s", path);
	file_sync_dir(j->dir);
	return 0;
}

/* When the segment after the oldest was begun, that one was complete. */
static int second_created(struct journal *j, uint64_t second, int64_t *ret_ms, struct err *e)
{
	CLEANUP(segment_file_putp) struct segment_file *f = NULL;

	if (segment_file_get(&j->files, second, &f, e) < 0)
		return e->code;
	*ret_ms = f->info.created_ms;
	LOCK_SCOPE(&j->lock);
	if (j->n_segs > 1 && j->segs[1].first == second)
		j->segs[1].created_ms = *ret_ms;
	return 0;
}

/* The oldest segment, if nobody needs it and it need not be kept. */
static int oldest_to_drop(struct journal *j, uint64_t *ret_first, struct err *e)
{
	struct segment_ref second = { 0 };
	uint64_t bytes = 0;

	*ret_first = 0;
	lock_take(&j->lock);
	if (j->n_segs > 1 && j->segs[1].first <= j->released) {
		*ret_first = j->segs[0].first;
		second = j->segs[1];
		bytes = j->bytes;
	}
	lock_drop(&j->lock);
	if (!*ret_first || !j->o.keep_ms || (j->o.keep_bytes && bytes > j->o.keep_bytes))
		return 0;
	if (!second.created_ms && second_created(j, second.first, &second.created_ms, e) < 0)
		return e->code;
	if (clock_ms() - second.created_ms < j->o.keep_ms)
		*ret_first = 0;
	return 0;
}

int journal_trim(struct journal *j, uint64_t seq, struct err *e)
{
	uint64_t first;

	lock_take(&j->lock);
	if (j->released < seq)
		j->released = seq;
	lock_drop(&j->lock);
	/* The oldest first, each durably, one caller at a time: what is left has no hole at any time. */
	LOCK_SCOPE(&j->trimming);
	for (;;) {
		if (oldest_to_drop(j, &first, e) < 0)
			return e->code;
		if (!first)
			return 0;
		if (journal_drop(j, first, e) < 0)
			return e->code;
	}
}
