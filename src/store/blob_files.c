/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs on a local file system: a file each, small ones in packs.
 *
 *	objects/<ab>/<uuid>  content and nothing else; ab: the uuid's last two digits
 *	pack/                see blob_pack.h
 *	cache/               packed blobs copied out for child processes; emptied at the start
 *	run                  number of the last opening, and whether it was closed
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/crc.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mutant.h"
#include "os/crypto.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/blob_backend.h"
#include "store/blob_pack.h"
#include "store/blob_ref.h"
#include "store/dirlock.h"
#include "store/reserve.h"

#define FAN_OUT 256
#define CHECKED_MAX 65536 /* files remembered as verified */
#define NAME_TEXT 64

/*
 * Runs are numbered from 1, by the file `run`: "mulgil-run 1 <open|closed> <this run> <suspect run> <pack record> <CRC>".
 * What was written since the suspect run began, and since that record, may be without a row if the file says open.
 * Names of blobs tell their run, so that no clock decides what is litter.
 */
#define RUN_FILE "run"
#define RUN_MAGIC "mulgil-run 1 "
#define RUN_TEXT 128
#define RUN_MAX ((1UL << 48) - 1)
#define RUN_DIGITS 13 /* of a name, with the dash */
#define RUN_VERSION_AT 14
#define RUN_SUM 8 /* digits */

struct suspect {
	uint64_t run, pack_last;
};
#define SOON (4 * MIB) /* so much of a file is left to its sync at most */
#define VERIFY_PIECE (128 * KIB)

struct files {
	struct blob_store base;
	char *dir;
	int objects, cache, lockfd; /* directories; the lock */
	struct pack *pack;
	uint64_t run;
	struct suspect suspect; /* the first run that is not known to be without litter */
	_Atomic bool crashed;   /* ... is an earlier one */
	_Atomic bool unsettled; /* something was deleted since the last files_settle() */
	_Atomic bool there[FAN_OUT]; /* folders of objects/ whose names are durable */
	struct lock lock;
	struct map checked; /* uuids of files that blob_path() has verified */
};

struct file_writer {
	struct blob_writer base;
	struct files *f;
	struct buf buf; /* all there is, while fd < 0 */
	int fd;
	uint64_t size; /* in the file */
	uint64_t begun; /* to be written out */
	uint32_t crc;  /* of the block begun */
	uint32_t *crcs;
	size_t n_crcs, cap_crcs;
};

struct file_reader {
	struct blob_reader base;
	char *text;
	struct blob_ref ref; /* views into text */
	int fd;              /* -1: a packed one, whole in block */
	uint8_t *block;
	uint64_t block_no; /* UINT64_MAX: none yet */
	uint64_t verified_no; /* likewise, by files_verify() */
	uint8_t *scratch;     /* its memory */
};

static const struct blob_vtable files_vtable;

static struct files *files_of(struct blob_store *b)
{
	return CONTAINER_OF(b, struct files, base);
}

static struct file_writer *writer_of(struct blob_writer *w)
{
	return CONTAINER_OF(w, struct file_writer, base);
}

static struct file_reader *reader_of(struct blob_reader *r)
{
	return CONTAINER_OF(r, struct file_reader, base);
}

/* Opening */

static int make_dir(const struct files *f, const char *name, int *ret_fd, struct err *e)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", f->dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_LIMIT, "path of blobs %.80s... is too long", f->dir);
	if (file_mkdirs(path, 0700, e) < 0)
		return e->code;
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? err_sys(e, ERR_IO, "directory %s", path) : 0;
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

static DIR *list_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		fd_closep(&fd);
	return d;
}

static int empty_cache(const struct files *f, struct err *e)
{
	CLEANUP(dir_closep) DIR *d = list_dir(f->cache, ".");
	struct dirent *ent;

	if (!d)
		return err_sys(e, ERR_IO, "directory %s/cache", f->dir);
	while ((ent = readdir(d)) != NULL) {
		if (ent->d_name[0] != '.' && unlinkat(f->cache, ent->d_name, 0) < 0)
			return err_sys(e, ERR_IO, "%s/cache/%s", f->dir, ent->d_name);
	}
	return 0;
}

/* Runs */

static bool run_number(struct view *rest, uint64_t max, uint64_t *ret)
{
	struct view word;

	return view_split(rest, ' ', &word) && view_u64(word, max, ret);
}

static bool run_parse(struct view text, bool *ret_open, uint64_t *ret_run, struct suspect *ret)
{
	struct view rest = view_trim(text), word;
	char sum[RUN_SUM + 1];

	if (!view_starts(rest, VIEW(RUN_MAGIC)) || rest.n < RUN_SUM)
		return false;
	snprintf(sum, sizeof(sum), "%08" PRIx32, crc32c(0, rest.p, rest.n - RUN_SUM));
	if (!view_ends(rest, view_str(sum)))
		return false;
	rest = view_from(rest, sizeof(RUN_MAGIC) - 1);
	if (!view_split(&rest, ' ', &word))
		return false;
	*ret_open = view_eq(word, VIEW("open"));
	return run_number(&rest, RUN_MAX - 1, ret_run) && run_number(&rest, RUN_MAX, &ret->run) &&
	       run_number(&rest, UINT64_MAX, &ret->pack_last);
}

static char *run_path(const struct files *f, struct arena *a)
{
	return arena_printf(a, "%s/" RUN_FILE, f->dir);
}

static int run_write(struct files *f, const char *state, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	const char *text;

	arena_init(&a, LIMIT_ARENA);
	text = arena_printf(&a, RUN_MAGIC "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " ", state, f->run, f->suspect.run,
			    f->suspect.pack_last);
	text = arena_printf(&a, "%s%08" PRIx32 "\n", text, crc32c(0, text, strlen(text)));
	return file_replace(run_path(f, &a), view_str(text), 0600, e);
}

/* The run a blob's name tells; 0: a name of before there were runs. */
static uint64_t run_of(const char *uuid)
{
	uint64_t run = 0;

	if (strlen(uuid) != UUID_TEXT - 1 || uuid[RUN_VERSION_AT] != '8')
		return 0;
	for (size_t i = 0; i < RUN_DIGITS; i++) {
		char c = uuid[i];

		if (c != '-')
			run = run << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return run;
}

/* RFC 9562's version 8: the run, then random. */
static void run_name(const struct files *f, char uuid[UUID_TEXT])
{
	char run[RUN_DIGITS + 1];

	uuid4(uuid);
	must(snprintf(run, sizeof(run), "%08" PRIx64 "-%04" PRIx64, f->run >> 16, f->run & 0xffff) == RUN_DIGITS);
	memcpy(uuid, run, RUN_DIGITS);
	uuid[RUN_VERSION_AT] = '8';
}

/* Without its file: the last run is what the names tell.  What a crash left then stays. */
static uint64_t run_search(const struct files *f)
{
	uint64_t last = 0;
	char name[4];

	for (unsigned i = 0; i < FAN_OUT; i++) {
		CLEANUP(dir_closep) DIR *d = NULL;
		struct dirent *ent;

		snprintf(name, sizeof(name), "%02x", i);
		d = list_dir(f->objects, name);
		while (d && (ent = readdir(d)) != NULL) {
			if (run_of(ent->d_name) > last && run_of(ent->d_name) < RUN_MAX)
				last = run_of(ent->d_name);
		}
	}
	return last;
}

/* From here on nothing that this run writes can be taken for another's. */
static int run_begin(struct files *f, struct err *e)
{
	CLEANUP(arena_clear) struct arena a;
	struct view text = VIEW_NONE;
	uint64_t last = 0;
	bool open = false;
	int rc;

	arena_init(&a, LIMIT_ARENA);
	rc = file_read(run_path(f, &a), &a, RUN_TEXT, &text, e);
	if (rc < 0 && rc != ERR_NOENT)
		return rc;
	err_clear(e);
	if (!run_parse(text, &open, &last, &f->suspect)) {
		last = run_search(f);
		open = false;
	}
	f->run = last + 1;
	if (!open)
		f->suspect = (struct suspect){ f->run, pack_last(f->pack) };
	atomic_store(&f->crashed, open);
	return run_write(f, "open", e);
}

static void settle(struct files *f)
{
	if (atomic_exchange(&f->unsettled, false))
		file_sync_fs(f->objects);
}

/* What was deleted must not come back once nothing is suspect. */
static void run_end(struct files *f)
{
	struct err e = { 0 };

	settle(f);
	/* If this fails there is a sweep that finds nothing. */
	if (f->run && !atomic_load(&f->crashed) && run_write(f, "closed", &e) < 0)
		err_clear(&e);
}

static void files_settle(struct blob_store *b)
{
	settle(files_of(b));
}

static bool files_crashed(struct blob_store *b)
{
	return atomic_load(&files_of(b)->crashed);
}

static void files_close(struct blob_store *b)
{
	struct files *f = files_of(b);

	run_end(f);
	pack_close(f->pack);
	fd_closep(&f->objects);
	fd_closep(&f->cache);
	fd_closep(&f->lockfd);
	map_clear(&f->checked);
	lock_clear(&f->lock);
	free(f->dir);
	free(f);
}

static int open_all(struct files *f, struct err *e)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/pack", f->dir);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_LIMIT, "path of blobs %.80s... is too long", f->dir);
	if (file_mkdirs(f->dir, 0700, e) < 0 || dirlock_take(f->dir, &f->lockfd, e) < 0)
		return e->code;
	if (make_dir(f, "objects", &f->objects, e) < 0 || make_dir(f, "cache", &f->cache, e) < 0)
		return e->code;
	if (empty_cache(f, e) < 0)
		return e->code;
	if (pack_open(path, &f->pack, e) < 0)
		return e->code;
	return run_begin(f, e);
}

int blob_open_files(const char *dir, struct blob_store **ret, struct err *e)
{
	struct files *f = calloc(1, sizeof(*f));

	must(f);
	*f = (struct files){ .base.vt = &files_vtable, .objects = -1, .cache = -1, .lockfd = -1 };
	f->dir = strdup(dir);
	must(f->dir);
	lock_init(&f->lock, "blob");
	map_init(&f->checked);
	if (open_all(f, e) < 0) {
		files_close(&f->base);
		return err_ctx(e, "blobs");
	}
	*ret = &f->base;
	return 0;
}

/* The end of a name is random: it spreads evenly. */
static void object_name(struct view uuid, char out[NAME_TEXT])
{
	int n = snprintf(out, NAME_TEXT, "%.2s/%.*s", uuid.p + uuid.n - 2, VIEW_ARG(uuid));

	must(n > 0 && n < NAME_TEXT);
}

/* Writing */

static int files_begin(struct blob_store *b, struct blob_writer **ret, struct err *e)
{
	struct file_writer *w = calloc(1, sizeof(*w));

	must(w);
	if (reserve_check(files_of(b)->objects, e) < 0) {
		free(w);
		return e->code;
	}
	*w = (struct file_writer){ .base.vt = &files_vtable, .f = files_of(b), .fd = -1 };
	buf_init(&w->buf, LIMIT_SMALL_BLOB + 1);
	*ret = &w->base;
	return 0;
}

static void files_abort(struct blob_writer *base)
{
	struct file_writer *w = writer_of(base);

	fd_closep(&w->fd);
	buf_clear(&w->buf);
	free(w->crcs);
	free(w);
}

static void push_crc(struct file_writer *w)
{
	if (w->n_crcs == w->cap_crcs) {
		w->cap_crcs = w->cap_crcs ? w->cap_crcs * 2 : 16;
		w->crcs = realloc(w->crcs, w->cap_crcs * sizeof(*w->crcs));
		must(w->crcs);
	}
	w->crcs[w->n_crcs++] = w->crc;
	w->crc = 0;
}

static void add_crc(struct file_writer *w, const uint8_t *p, size_t n)
{
	while (n) {
		size_t left = BLOB_BLOCK - w->size % BLOB_BLOCK;
		size_t part = n < left ? n : left;

		w->crc = crc32c(w->crc, p, part);
		w->size += part;
		p += part;
		n -= part;
		if (part == left)
			push_crc(w);
	}
}

static int to_file(struct file_writer *w, const void *p, size_t n, struct err *e)
{
	if (w->fd < 0) {
		w->fd = openat(w->f->objects, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (w->fd < 0)
			return err_sys(e, errno == ENOSPC ? ERR_LIMIT : ERR_IO, "a file in %s/objects", w->f->dir);
	}
	if (file_write_all(w->fd, p, n, e) < 0)
		return err_ctx(e, "blob");
	add_crc(w, p, n);
	if (w->size - w->begun >= SOON) {
		file_sync_soon(w->fd, (off_t)w->begun, w->size - w->begun);
		w->begun = w->size;
		return reserve_check(w->fd, e);
	}
	return 0;
}

static int files_write(struct blob_writer *base, const void *p, size_t n, struct err *e)
{
	struct file_writer *w = writer_of(base);

	if (w->buf.n + n <= LIMIT_SMALL_BLOB) {
		buf_add(&w->buf, p, n);
		return 0;
	}
	if (w->buf.n && to_file(w, w->buf.p, w->buf.n, e) < 0)
		return e->code;
	buf_reset(&w->buf);
	if (n <= LIMIT_SMALL_BLOB / 2) {
		buf_add(&w->buf, p, n);
		return 0;
	}
	return to_file(w, p, n, e);
}

/* A folder is made when its first blob comes.  It counts as there once its name is durable: also when it exists
 * already, whoever made it may not have synced it (yet, or before it was killed). */
static int fan_out(struct files *f, const char *dir, struct err *e)
{
	uint8_t no = 0;

	must(hex_decode(&no, view_str(dir)));
	if (atomic_load(&f->there[no]))
		return 0;
	if (mkdirat(f->objects, dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno == ENOSPC ? ERR_LIMIT : ERR_IO, "directory %s/objects/%s", f->dir, dir);
	file_sync_dirfd(f->objects);
	atomic_store(&f->there[no], true);
	return 0;
}

/* The directory a blob of a new name goes into. */
static int new_name(struct files *f, char uuid[UUID_TEXT], char name[NAME_TEXT], int *ret_dirfd, struct err *e)
{
	char dir[NAME_TEXT];

	run_name(f, uuid);
	object_name(view_str(uuid), name);
	memcpy(dir, name, NAME_TEXT);
	dir[2] = '\0';
	if (fan_out(f, dir, e) < 0)
		return e->code;
	*ret_dirfd = openat(f->objects, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_dirfd < 0 ? err_sys(e, ERR_IO, "directory %s/objects/%s", f->dir, dir) : 0;
}

static const char *ref_text(struct file_writer *w, const char *uuid, struct arena *a)
{
	size_t cap = w->n_crcs * 8 + NAME_TEXT + 24;
	char *p = arena_alloc(a, cap);
	int n = snprintf(p, cap, "f1:%s:%" PRIu64 ":", uuid, w->size);

	for (size_t i = 0; i < w->n_crcs; i++)
		n += snprintf(p + n, cap - (size_t)n, "%08" PRIx32, w->crcs[i]);
	return p;
}

/* Bytes durable, then the name durable (DESIGN's order); the row comes from the caller. */
static int link_file(struct file_writer *w, struct arena *a, const char **ret_ref, struct err *e)
{
	char uuid[UUID_TEXT], name[NAME_TEXT], self[NAME_TEXT];
	CLEANUP(fd_closep) int dirfd = -1;

	if (w->buf.n && to_file(w, w->buf.p, w->buf.n, e) < 0)
		return e->code;
	if (w->size % BLOB_BLOCK)
		push_crc(w);
	if (new_name(w->f, uuid, name, &dirfd, e) < 0)
		return e->code;
	if (!MUTANT(1))
		file_sync_data(w->fd);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", w->fd);
	if (linkat(AT_FDCWD, self, w->f->objects, name, AT_SYMLINK_FOLLOW) < 0)
		return err_sys(e, errno == ENOSPC ? ERR_LIMIT : ERR_IO, "blob %s", name);
	if (!MUTANT(2))
		file_sync_dirfd(dirfd);
	*ret_ref = ref_text(w, uuid, a);
	return 0;
}

static int files_commit(struct blob_writer *base, struct arena *a, const char **ret_ref, struct err *e)
{
	struct file_writer *w = writer_of(base);

	int rc;

	if (w->fd < 0)
		rc = pack_put(w->f->pack, buf_view(&w->buf), a, ret_ref, e);
	else
		rc = link_file(w, a, ret_ref, e);
	files_abort(base);
	return rc;
}

static int adopt_crcs(struct file_writer *w, struct err *e)
{
	uint8_t *block = malloc(BLOB_BLOCK);
	ssize_t n;

	must(block);
	do {
		n = file_pread_all(w->fd, block, BLOB_BLOCK, (off_t)w->size, e);
		if (n > 0)
			add_crc(w, block, (size_t)n);
	} while (n == (ssize_t)BLOB_BLOCK);
	free(block);
	if (w->size % BLOB_BLOCK)
		push_crc(w);
	return n < 0 ? e->code : 0;
}

static int adopt_open(struct file_writer *w, const char *path, struct arena *a, const char **ret_ref, struct err *e)
{
	char uuid[UUID_TEXT], name[NAME_TEXT];
	CLEANUP(fd_closep) int dirfd = -1;
	struct stat st;

	w->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (w->fd < 0)
		return err_sys(e, errno == ENOENT ? ERR_NOENT : ERR_IO, "file %s", path);
	if (fstat(w->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "%s is not a plain file", path);
	if (adopt_crcs(w, e) < 0)
		return err_ctx(e, "file %s", path);
	if (new_name(w->f, uuid, name, &dirfd, e) < 0)
		return e->code;
	file_sync_data(w->fd);
	if (renameat(AT_FDCWD, path, w->f->objects, name) < 0)
		return err_sys(e, errno == EXDEV ? ERR_INVALID : ERR_IO, "moving %s into the store", path);
	file_sync_dirfd(dirfd);
	*ret_ref = ref_text(w, uuid, a);
	return 0;
}

static int files_adopt(struct blob_store *b, const char *path, struct arena *a, const char **ret_ref, struct err *e)
{
	struct blob_writer *w;

	if (files_begin(b, &w, e) < 0)
		return e->code;
	adopt_open(writer_of(w), path, a, ret_ref, e);
	files_abort(w);
	return e->code;
}

/* Reading */

static void files_reader_close(struct blob_reader *base)
{
	struct file_reader *r = reader_of(base);

	fd_closep(&r->fd);
	free(r->block);
	free(r->scratch);
	free(r->text);
	free(r);
}

static int reader_file(struct files *f, struct file_reader *r, struct err *e)
{
	char name[NAME_TEXT];
	struct stat st;

	object_name(r->ref.uuid, name);
	r->fd = openat(f->objects, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (r->fd < 0)
		return err_sys(e, errno == ENOENT ? ERR_NOENT : ERR_IO, "blob %s", name);
	if (fstat(r->fd, &st) < 0)
		return err_sys(e, ERR_IO, "blob %s", name);
	if ((uint64_t)st.st_size != r->ref.size)
		return err_set(e, ERR_CORRUPT, "blob %s has %jd bytes instead of %" PRIu64, name,
			       (intmax_t)st.st_size, r->ref.size);
	return 0;
}

static int reader_packed(struct files *f, struct file_reader *r, struct err *e)
{
	if (r->ref.size > LIMIT_SMALL_BLOB)
		return err_set(e, ERR_CORRUPT, "packed blob of %" PRIu64 " bytes", r->ref.size);
	r->block = malloc(r->ref.size + 1);
	must(r->block);
	r->block_no = 0;
	return pack_get(f->pack, &r->ref, r->block, e);
}

static int files_reader_open(struct blob_store *b, const char *ref, struct blob_reader **ret, struct err *e)
{
	struct file_reader *r = calloc(1, sizeof(*r));
	int rc;

	must(r);
	*r = (struct file_reader){ .base.vt = &files_vtable, .fd = -1, .block_no = UINT64_MAX, .verified_no = UINT64_MAX };
	r->text = strdup(ref);
	must(r->text);
	rc = blob_ref_parse(r->text, &r->ref, e);
	if (rc == 0)
		rc = r->ref.packed ? reader_packed(files_of(b), r, e) : reader_file(files_of(b), r, e);
	if (rc < 0) {
		files_reader_close(&r->base);
		return rc;
	}
	*ret = &r->base;
	return 0;
}

static size_t block_len(const struct file_reader *r, uint64_t no)
{
	uint64_t left = r->ref.size - no * BLOB_BLOCK;

	return left < BLOB_BLOCK ? (size_t)left : BLOB_BLOCK;
}

static bool fits(const struct file_reader *r, uint64_t no, uint32_t crc)
{
	return crc == blob_ref_crc(&r->ref, no) || MUTANT(8);
}

static int damaged(const struct file_reader *r, uint64_t no, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "blob %.*s is damaged in its MiB %" PRIu64, VIEW_ARG(r->ref.uuid), no);
}

static int read_block(struct file_reader *r, uint64_t no, uint8_t *out, struct err *e)
{
	size_t len = block_len(r, no);
	ssize_t n = file_pread_all(r->fd, out, len, (off_t)(no * BLOB_BLOCK), e);

	if (n < 0)
		return err_ctx(e, "blob %.*s", VIEW_ARG(r->ref.uuid));
	if ((size_t)n != len || !fits(r, no, crc32c(0, out, len)))
		return damaged(r, no, e);
	return 0;
}

/* Every byte handed out was checked: what is not asked for as a whole block goes through the reader's own. */
static ssize_t files_read(struct blob_reader *base, void *p, size_t n, uint64_t off, struct err *e)
{
	struct file_reader *r = reader_of(base);
	uint8_t *out = p;
	size_t done = 0;

	while (done < n && off < r->ref.size) {
		uint64_t no = r->fd < 0 ? 0 : off / BLOB_BLOCK;
		size_t len = r->fd < 0 ? (size_t)r->ref.size : block_len(r, no);
		size_t at = (size_t)(off - no * BLOB_BLOCK);
		size_t part = len - at < n - done ? len - at : n - done;

		if (part == len && no != r->block_no) {
			if (read_block(r, no, out + done, e) < 0)
				return e->code;
		} else {
			if (!r->block) {
				r->block = malloc(r->ref.size < BLOB_BLOCK ? (size_t)r->ref.size : BLOB_BLOCK);
				must(r->block);
			}
			if (no != r->block_no) {
				r->block_no = UINT64_MAX;
				if (read_block(r, no, r->block, e) < 0)
					return e->code;
				r->block_no = no;
			}
			memcpy(out + done, r->block + at, part);
		}
		done += part;
		off += part;
	}
	return (ssize_t)done;
}

/* In pieces that fit the processor's cache: they are read for their checksum only. */
static int verify_block(struct file_reader *r, uint64_t no, struct err *e)
{
	size_t len = block_len(r, no), at = 0;
	uint32_t crc = 0;

	while (at < len) {
		size_t want = len - at < VERIFY_PIECE ? len - at : VERIFY_PIECE;
		ssize_t n = file_pread_all(r->fd, r->scratch, want, (off_t)(no * BLOB_BLOCK + at), e);

		if (n < 0)
			return err_ctx(e, "blob %.*s", VIEW_ARG(r->ref.uuid));
		crc = crc32c(crc, r->scratch, (size_t)n);
		at += (size_t)n;
		if ((size_t)n != want)
			break;
	}
	if (at != len || !fits(r, no, crc))
		return damaged(r, no, e);
	return 0;
}

static int files_verify(struct blob_reader *base, uint64_t off, uint64_t n, int *ret_fd, struct err *e)
{
	struct file_reader *r = reader_of(base);

	if (r->fd < 0)
		return 0;
	if (n > r->ref.size || off > r->ref.size - n)
		return err_set(e, ERR_INVALID, "bytes behind the end of blob %.*s", VIEW_ARG(r->ref.uuid));
	if (!r->scratch)
		r->scratch = malloc(VERIFY_PIECE);
	must(r->scratch);
	for (uint64_t no = off / BLOB_BLOCK; n && no <= (off + n - 1) / BLOB_BLOCK; no++) {
		if (no != r->verified_no && verify_block(r, no, e) < 0)
			return e->code;
		r->verified_no = no;
	}
	*ret_fd = r->fd;
	return 1;
}

/* Paths for child processes */

static bool was_checked(struct files *f, struct view uuid)
{
	LOCK_SCOPE(&f->lock);
	return map_get(&f->checked, uuid) != NULL;
}

static void set_checked(struct files *f, struct view uuid)
{
	LOCK_SCOPE(&f->lock);
	if (f->checked.n >= CHECKED_MAX) {
		map_clear(&f->checked);
		map_init(&f->checked);
	}
	map_put(&f->checked, uuid, f);
}

static int check_file(struct files *f, const char *ref, struct view uuid, struct err *e)
{
	uint8_t *block = NULL;
	struct blob_reader *r;
	uint64_t off = 0;
	ssize_t n;

	if (files_reader_open(&f->base, ref, &r, e) < 0)
		return e->code;
	block = malloc(BLOB_BLOCK);
	must(block);
	while ((n = files_read(r, block, BLOB_BLOCK, off, e)) > 0)
		off += (uint64_t)n;
	free(block);
	files_reader_close(r);
	if (n < 0)
		return e->code;
	set_checked(f, uuid);
	return 0;
}

static void cache_name(const struct blob_ref *ref, char out[NAME_TEXT])
{
	int n = snprintf(out, NAME_TEXT, "%" PRIu64 "-%" PRIu64, ref->segment, ref->off);

	must(n > 0 && n < NAME_TEXT);
}

/* Not durable: it is made again after a crash. */
static int copy_out(struct files *f, const char *ref, const char *name, struct err *e)
{
	CLEANUP(fd_closep) int fd = -1;
	char tmp[UUID_TEXT];
	struct blob_reader *r;

	if (faccessat(f->cache, name, F_OK, 0) == 0)
		return 0;
	if (files_reader_open(&f->base, ref, &r, e) < 0)
		return e->code;
	uuid4(tmp);
	fd = openat(f->cache, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		err_sys(e, ERR_IO, "%s/cache/%s", f->dir, tmp);
	else if (file_write_all(fd, reader_of(r)->block, (size_t)reader_of(r)->ref.size, e) == 0 &&
		 linkat(f->cache, tmp, f->cache, name, 0) < 0 && errno != EEXIST)
		/* Never replaced: a child that was let in to the file of this name has to find the same one there. */
		err_sys(e, ERR_IO, "%s/cache/%s", f->dir, name);
	if (fd >= 0)
		unlinkat(f->cache, tmp, 0);
	files_reader_close(r);
	return e->code;
}

static int files_path(struct blob_store *b, const char *ref, struct arena *a, const char **ret_path, struct err *e)
{
	struct files *f = files_of(b);
	struct blob_ref r;
	char name[NAME_TEXT];

	if (blob_ref_parse(ref, &r, e) < 0)
		return e->code;
	if (r.packed) {
		cache_name(&r, name);
		if (copy_out(f, ref, name, e) < 0)
			return e->code;
		*ret_path = arena_printf(a, "%s/cache/%s", f->dir, name);
		return 0;
	}
	if (!was_checked(f, r.uuid) && check_file(f, ref, r.uuid, e) < 0)
		return e->code;
	object_name(r.uuid, name);
	*ret_path = arena_printf(a, "%s/objects/%s", f->dir, name);
	return 0;
}

/* Deleting */

static int delete_one(struct files *f, const char *ref, struct err *e)
{
	struct blob_ref r;
	char name[NAME_TEXT];

	if (blob_ref_parse(ref, &r, e) < 0)
		return e->code;
	if (r.packed) {
		cache_name(&r, name);
		unlinkat(f->cache, name, 0);
		return pack_delete(f->pack, &r, e);
	}
	object_name(r.uuid, name);
	if (unlinkat(f->objects, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, ERR_IO, "blob %s", name);
	LOCK_SCOPE(&f->lock);
	map_del(&f->checked, r.uuid);
	return 0;
}

static int files_delete(struct blob_store *b, const char *ref, struct err *e)
{
	struct files *f = files_of(b);
	int rc = delete_one(f, ref, e);

	atomic_store(&f->unsettled, true);
	return rc;
}

struct sweep {
	bool (*used)(void *arg, struct view key);
	void *arg;
	struct suspect since;
	uint64_t *removed;
};

static int sweep_dir(struct files *f, struct sweep *s, const char *dir, struct err *e)
{
	CLEANUP(dir_closep) DIR *d = list_dir(f->objects, dir);
	char key[NAME_TEXT];
	struct dirent *ent;
	uint64_t run;
	int n;

	if (!d && errno == ENOENT)
		return 0; /* no blob has needed it yet */
	if (!d)
		return err_sys(e, ERR_IO, "directory %s/objects/%s", f->dir, dir);
	while ((ent = readdir(d)) != NULL) {
		if (strlen(ent->d_name) != UUID_TEXT - 1)
			continue;
		run = run_of(ent->d_name);
		if (run >= f->run || run < s->since.run) /* this run's may not have their rows yet */
			continue;
		n = snprintf(key, sizeof(key), "f1:%s", ent->d_name);
		if (s->used(s->arg, view_of(key, (size_t)n)))
			continue;
		if (unlinkat(dirfd(d), ent->d_name, 0) < 0 && errno != ENOENT)
			return err_sys(e, ERR_IO, "blob %s", ent->d_name);
		++*s->removed;
	}
	return 0;
}

static int files_sweep(struct blob_store *b, enum blob_sweep_what what, bool (*used)(void *arg, struct view key),
		       void *arg, uint64_t *ret_removed, struct err *e)
{
	struct files *f = files_of(b);
	uint64_t removed = 0;
	struct sweep s = { .used = used, .arg = arg, .removed = &removed };
	char name[4];

	*ret_removed = 0;
	if (what == SWEEP_CRASHED && !atomic_load(&f->crashed))
		return 0;
	if (what == SWEEP_CRASHED)
		s.since = f->suspect;
	for (unsigned i = 0; i < FAN_OUT; i++) {
		snprintf(name, sizeof(name), "%02x", i);
		if (sweep_dir(f, &s, name, e) < 0)
			return e->code;
	}
	if (pack_sweep(f->pack, s.since.pack_last, used, arg, &removed, e) < 0)
		return e->code;
	*ret_removed = removed;
	if (removed)
		file_sync_fs(f->objects);
	f->suspect = (struct suspect){ f->run, pack_last(f->pack) };
	if (atomic_load(&f->crashed) && run_write(f, "open", e) < 0)
		return e->code;
	atomic_store(&f->crashed, false);
	return 0;
}

static const struct blob_vtable files_vtable = {
	.name = "files",
	.close = files_close,
	.begin = files_begin,
	.write = files_write,
	.commit = files_commit,
	.abort = files_abort,
	.adopt = files_adopt,
	.reader_open = files_reader_open,
	.read = files_read,
	.verify = files_verify,
	.reader_close = files_reader_close,
	.path = files_path,
	.delete = files_delete,
	.settle = files_settle,
	.crashed = files_crashed,
	.sweep = files_sweep,
};
