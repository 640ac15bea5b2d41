// SPDX-License-Identifier: Apache-2.0
/* Whole reads and writes, directories, and making bytes durable. */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "os/crypto.h"

#define TREE_DEPTH_MAX 256

static atomic_uint_fast64_t syncs;

static void sync_failed(const char *what) NORETURN;

static void sync_failed(const char *what)
{
	fprintf(stderr, "cannot make %s durable: %m; ending, because a second try could lie\n",
		what);
	abort();
}

void file_sync_data(int fd)
{
	int rc;

	atomic_fetch_add_explicit(&syncs, 1, memory_order_relaxed);
	do {
		rc = fdatasync(fd);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		sync_failed("a file");
}

void file_sync_dirfd(int dirfd)
{
	int rc;

	atomic_fetch_add_explicit(&syncs, 1, memory_order_relaxed);
	do {
		rc = fsync(dirfd);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		sync_failed("a folder");
}

void file_sync_fs(int fd)
{
	int rc;

	atomic_fetch_add_explicit(&syncs, 1, memory_order_relaxed);
	do {
		rc = syncfs(fd);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		sync_failed("a file system");
}

void file_sync_dir(const char *path)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		sync_failed(path);
	file_sync_dirfd(fd);
}

void file_sync_soon(int fd, off_t off, uint64_t n)
{
	sync_file_range(fd, off, (off_t)n, SYNC_FILE_RANGE_WRITE); /* an error stays with the file until the sync */
}

uint64_t file_sync_count(void)
{
	return atomic_load_explicit(&syncs, memory_order_relaxed);
}

/* A full disk passes, so the caller's client may try again; anything else is broken. */
static int write_failed(size_t n, struct err *e)
{
	bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

	return err_sys(e, full ? ERR_LIMIT : ERR_IO, "cannot write %zu bytes", n);
}

int file_write_all(int fd, const void *p, size_t n, struct err *e)
{
	for (const char *at = p; n;) {
		ssize_t k = write(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return write_failed(n, e);
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int file_pwrite_all(int fd, const void *p, size_t n, off_t at, struct err *e)
{
	for (const char *from = p; n;) {
		ssize_t k = pwrite(fd, from, n, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return write_failed(n, e);
		from += k;
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

/* Takes @done bytes off the front; returns how many pieces are gone. */
static size_t advance(struct iovec *v, size_t n, size_t done)
{
	size_t i = 0;

	while (i < n && done >= v[i].iov_len)
		done -= v[i++].iov_len;
	if (i < n) {
		v[i].iov_base = (char *)v[i].iov_base + done;
		v[i].iov_len -= done;
	}
	return i;
}

int file_pwritev_all(int fd, struct iovec *v, size_t n, off_t at, struct err *e)
{
	while (n) {
		ssize_t k = pwritev(fd, v, (int)(n < IOV_MAX ? n : IOV_MAX), at);
		size_t gone;

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return write_failed(v[0].iov_len, e);
		at += k;
		gone = advance(v, n, (size_t)k);
		v += gone;
		n -= gone;
	}
	return 0;
}

ssize_t file_pread_all(int fd, void *p, size_t n, off_t at, struct err *e)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = pread(fd, (char *)p + got, n - got, at + (off_t)got);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_sys(e, ERR_IO, "cannot read %zu bytes", n - got);
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return (ssize_t)got;
}

/* The folder a path is in, as a new string. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *d;

	if (!slash)
		d = strdup(".");
	else
		d = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	must(d);
	return d;
}

static void freep(char **p)
{
	free(*p);
}

static int make_dir(const char *path, unsigned mode, struct err *e)
{
	CLEANUP(freep) char *parent = NULL;
	struct stat st;

	if (mkdir(path, mode) == 0) {
		parent = parent_of(path);
		file_sync_dir(parent);
		return 0;
	}
	if (errno != EEXIST)
		return err_sys(e, errno == ENOENT ? ERR_NOENT : ERR_IO, "cannot make the folder %s",
			       path);
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_EXISTS, "%s exists and is not a folder", path);
	return 0;
}

int file_mkdirs(const char *path, unsigned mode, struct err *e)
{
	CLEANUP(freep) char *p = strdup(path);
	size_t n;

	must(p);
	n = strlen(p);
	while (n > 1 && p[n - 1] == '/')
		p[--n] = '\0';
	if (n == 0)
		return err_set(e, ERR_INVALID, "a folder's name is empty");
	for (char *slash = strchr(p + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		if (slash[-1] == '/')
			continue;
		*slash = '\0';
		if (make_dir(p, mode, e) < 0)
			return e->code;
		*slash = '/';
	}
	return make_dir(p, mode, e);
}

static int write_temporary(int fd, struct view content, unsigned mode, struct err *e)
{
	if (fchmod(fd, mode) < 0)
		return err_sys(e, ERR_IO, "cannot set the mode");
	if (file_write_all(fd, content.p, content.n, e) < 0)
		return e->code;
	file_sync_data(fd);
	return 0;
}

int file_replace(const char *path, struct view content, unsigned mode, struct err *e)
{
	CLEANUP(freep) char *tmp = NULL;
	CLEANUP(freep) char *parent = parent_of(path);
	CLEANUP(fd_closep) int fd = -1;

	must(asprintf(&tmp, "%s.new-XXXXXX", path) > 0);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, ERR_IO, "cannot make a temporary file for %s", path);
	if (write_temporary(fd, content, mode, e) < 0) {
		unlink(tmp);
		return err_ctx(e, "%s", path);
	}
	if (rename(tmp, path) < 0) {
		err_sys(e, ERR_IO, "cannot replace %s", path);
		unlink(tmp);
		return e->code;
	}
	file_sync_dir(parent);
	return 0;
}

static int read_into(int fd, struct buf *b, struct err *e)
{
	for (;;) {
		size_t room = b->max - b->n < 65536 ? b->max - b->n : 65536;
		char *to;
		ssize_t k;

		/* The ceiling is one above what the caller takes: reaching it means too long. */
		if (room == 0)
			return err_set(e, ERR_LIMIT, "longer than %zu bytes", b->max - 1);
		to = buf_reserve(b, room);
		k = read(fd, to, room);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_sys(e, ERR_IO, "cannot read");
		if (k == 0)
			return 0;
		b->n += (size_t)k;
	}
}

int file_read(const char *path, struct arena *a, size_t max, struct view *ret, struct err *e)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(buf_clear) struct buf b;

	must(max < SIZE_MAX / 4);
	buf_init(&b, max + 1);
	if (fd < 0)
		return err_sys(e, errno == ENOENT ? ERR_NOENT : ERR_IO, "cannot open %s", path);
	if (read_into(fd, &b, e) < 0)
		return err_ctx(e, "%s", path);
	*ret = view_of(arena_str(a, view_of(b.p, b.n)), b.n);
	return 0;
}

int file_md5(const char *path, struct arena *a, const char **ret, struct err *e)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t piece[64 * 1024], sum[DIGEST_MAX];
	struct digest *d;
	off_t at = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(e, ERR_IO, "open %s", path);
	d = digest_new(DIGEST_MD5);
	while ((n = file_pread_all(fd, piece, sizeof(piece), at, e)) > 0) {
		digest_add(d, piece, (size_t)n);
		at += n;
	}
	if (n < 0) {
		(void)digest_free(d);
		return e->code;
	}
	(void)digest_end(d, sum);
	*ret = hex_arena(a, sum, 16);
	return 0;
}

bool file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int remove_at(int dirfd, const char *name, int depth, struct err *e);

/* Removes what is in the folder that @fd stands for; takes @fd over. */
static int empty_dir(int fd, int depth, struct err *e)
{
	CLEANUP(dir_closep) DIR *d = fdopendir(fd);
	struct dirent *entry;

	must(d);
	while ((entry = readdir(d))) {
		if (view_eq_str(VIEW("."), entry->d_name) || view_eq_str(VIEW(".."), entry->d_name))
			continue;
		if (remove_at(dirfd(d), entry->d_name, depth + 1, e) < 0)
			return e->code;
	}
	return 0;
}

static int remove_at(int dirfd, const char *name, int depth, struct err *e)
{
	int fd;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, ERR_IO, "cannot remove %s", name);
	if (depth == TREE_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "folders are nested deeper than %d", TREE_DEPTH_MAX);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, ERR_IO, "cannot open the folder %s", name);
	if (empty_dir(fd, depth, e) < 0)
		return e->code;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, ERR_IO, "cannot remove the folder %s", name);
	return 0;
}

int file_remove_tree(const char *path, struct err *e)
{
	return remove_at(AT_FDCWD, path, 0, e);
}

void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
