// SPDX-License-Identifier: Apache-2.0
/* Zip archives through libarchive, with every name checked before anything is made. */
#include "os/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/macro.h"
#include "os/file.h"

#define DOS_EPOCH_S \
	315532800 /* 1980-01-01: the first time a zip can hold; the same input packs to the same bytes */
#define NAME_MAX_BYTES 1024 /* so that all names fit the arena */

struct link {
	const char *path, *target;
	struct link *next;
};

struct unpack {
	struct archive *ar;
	struct arena arena;
	const char *dir;
	uint64_t left; /* bytes that may still be unpacked */
	size_t entries;
	struct link *links; /* made last, so that no file is written through one */
	struct err *e;
};

static void read_freep(struct archive **a)
{
	archive_read_free(*a);
}

static void write_freep(struct archive **a)
{
	archive_write_free(*a);
}

/* Relative, not too long, without "..": cannot leave the folder it is put in. */
static bool stays_inside(struct view path)
{
	struct view part;

	if (path.n == 0 || path.n > NAME_MAX_BYTES || path.p[0] == '/' || view_chr(path, '\\') >= 0)
		return false;
	while (view_split(&path, '/', &part))
		if (view_eq(part, VIEW("..")))
			return false;
	return true;
}

static int make_parent(struct unpack *u, const char *path)
{
	const char *slash = strrchr(path, '/');

	return file_mkdirs(arena_str(&u->arena, view_of(path, (size_t)(slash - path))), 0755, u->e);
}

static int copy_data(struct unpack *u, int fd)
{
	const void *p;
	size_t n;
	la_int64_t at;
	int rc;

	while ((rc = archive_read_data_block(u->ar, &p, &n, &at)) == ARCHIVE_OK) {
		if (n > u->left || (uint64_t)at > u->left - n)
			return err_set(u->e, ERR_LIMIT,
				       "the archive is larger than allowed when unpacked");
		if (file_pwrite_all(fd, p, n, at, u->e) < 0)
			return u->e->code;
		u->left -= n;
	}
	if (rc != ARCHIVE_EOF)
		return err_set(u->e, ERR_INVALID, "broken archive: %s",
			       archive_error_string(u->ar));
	return 0;
}

static int unpack_file(struct unpack *u, const char *path, struct archive_entry *entry)
{
	mode_t mode = archive_entry_perm(entry) & 0111 ? 0755 : 0644;
	CLEANUP(fd_closep) int fd = -1;

	if (make_parent(u, path) < 0)
		return u->e->code;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST)
		return err_set(u->e, ERR_INVALID, "in the archive twice");
	if (fd < 0 || fchmod(fd, mode) < 0)
		return err_sys(u->e, ERR_IO, "cannot make the file");
	if (copy_data(u, fd) < 0)
		return u->e->code;
	file_sync_data(fd);
	file_sync_dir(arena_str(&u->arena, view_of(path, (size_t)(strrchr(path, '/') - path))));
	return 0;
}

static int unpack_link(struct unpack *u, const char *path, const char *target)
{
	struct link *l;

	if (!target || !stays_inside(view_str(target)))
		return err_set(u->e, ERR_INVALID,
			       "a link that is too long or leads out of the archive");
	l = ARENA_NEW(&u->arena, struct link);
	*l = (struct link){ path, arena_str(&u->arena, view_str(target)), u->links };
	u->links = l;
	return 0;
}

static int unpack_entry(struct unpack *u, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry), *path;

	if (!name || !stays_inside(view_str(name)))
		return err_set(u->e, ERR_INVALID,
			       "a name that is too long or leads out of the archive");
	if (u->entries++ == ZIP_ENTRIES)
		return err_set(u->e, ERR_LIMIT, "more than %d entries", ZIP_ENTRIES);
	path = arena_printf(&u->arena, "%s/%s", u->dir, name);
	if (archive_entry_hardlink(entry))
		return err_set(u->e, ERR_INVALID, "a hard link");
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return file_mkdirs(path, 0755, u->e);
	case AE_IFREG:
		return unpack_file(u, path, entry);
	case AE_IFLNK:
		return unpack_link(u, path, archive_entry_symlink(entry));
	default:
		return err_set(u->e, ERR_INVALID, "neither a file nor a folder nor a link");
	}
}

static int make_links(struct unpack *u)
{
	for (struct link *l = u->links; l; l = l->next) {
		if (make_parent(u, l->path) < 0)
			return u->e->code;
		if (symlink(l->target, l->path) < 0)
			return err_sys(u->e, ERR_INVALID, "cannot make the link %s", l->path);
		file_sync_dir(arena_str(
			&u->arena, view_of(l->path, (size_t)(strrchr(l->path, '/') - l->path))));
	}
	return 0;
}

static int unpack_all(struct unpack *u)
{
	struct archive_entry *entry;
	int rc;

	while ((rc = archive_read_next_header(u->ar, &entry)) == ARCHIVE_OK) {
		if (unpack_entry(u, entry) < 0) {
			const char *name = archive_entry_pathname(entry);

			return err_ctx(u->e, "%s", name ? name : "an entry");
		}
	}
	if (rc != ARCHIVE_EOF)
		return err_set(u->e, ERR_INVALID, "broken archive: %s",
			       archive_error_string(u->ar));
	return make_links(u);
}

int zip_unpack(struct view zip, const char *dir, uint64_t max_bytes, struct err *e)
{
	CLEANUP(read_freep) struct archive *ar = archive_read_new();
	struct unpack u = { .ar = ar, .dir = dir, .left = max_bytes, .e = e };
	int rc;

	must(ar && archive_read_support_format_zip(ar) == ARCHIVE_OK);
	if (archive_read_open_memory(ar, zip.p, zip.n) != ARCHIVE_OK)
		return err_set(e, ERR_INVALID, "not a zip archive: %s", archive_error_string(ar));
	if (file_mkdirs(dir, 0755, e) < 0)
		return e->code;
	arena_init(&u.arena, LIMIT_ARENA);
	rc = unpack_all(&u);
	arena_clear(&u.arena);
	return rc;
}

static la_ssize_t on_write(struct archive *ar, void *ctx, const void *p, size_t n)
{
	struct buf *b = ctx;

	buf_add(b, p, n);
	if (!b->over)
		return (la_ssize_t)n;
	archive_set_error(ar, EFBIG, "the archive is too large");
	return -1;
}

static void entry_freep(struct archive_entry **e)
{
	archive_entry_free(*e);
}

static int pack_entry(struct archive *ar, const struct zip_entry *z, struct err *e)
{
	CLEANUP(entry_freep) struct archive_entry *entry = archive_entry_new();

	must(entry);
	archive_entry_set_pathname(entry, z->name);
	archive_entry_set_size(entry, (la_int64_t)z->data.n);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, z->mode);
	archive_entry_set_mtime(entry, DOS_EPOCH_S, 0);
	if (archive_write_header(ar, entry) != ARCHIVE_OK ||
	    archive_write_data(ar, z->data.n ? z->data.p : "", z->data.n) != (la_ssize_t)z->data.n)
		return err_set(e, ERR_LIMIT, "cannot pack %s: %s", z->name,
			       archive_error_string(ar));
	return 0;
}

int zip_pack(const struct zip_entry *entries, size_t n, struct buf *ret, struct err *e)
{
	CLEANUP(write_freep) struct archive *ar = archive_write_new();

	must(ar && archive_write_set_format_zip(ar) == ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(ar, 1);
	if (archive_write_open2(ar, ret, NULL, on_write, NULL, NULL) != ARCHIVE_OK)
		return err_set(e, ERR_INTERNAL, "cannot start an archive: %s",
			       archive_error_string(ar));
	for (size_t i = 0; i < n; i++)
		if (pack_entry(ar, &entries[i], e) < 0)
			return e->code;
	if (archive_write_close(ar) != ARCHIVE_OK)
		return err_set(e, ERR_LIMIT, "cannot finish the archive: %s",
			       archive_error_string(ar));
	return 0;
}

/* --- one entry, piece by piece --- */

struct zip_stream {
	struct archive *ar;
	struct archive_entry *entry; /* until its header is written */
	struct buf *to;              /* during a call */
};

/* What does not fit any more is the caller's to see (buf.over): the archive goes on, into nothing. */
static la_ssize_t on_piece(struct archive *ar, void *ctx, const void *p, size_t n)
{
	const struct zip_stream *z = ctx;

	(void)ar;
	if (z->to)
		buf_add(z->to, p, n);
	return (la_ssize_t)n;
}

struct zip_stream *zip_stream_new(const char *name)
{
	struct zip_stream *z = calloc(1, sizeof(*z));

	must(z);
	z->ar = archive_write_new();
	z->entry = archive_entry_new();
	must(z->ar && z->entry && archive_write_set_format_zip(z->ar) == ARCHIVE_OK);
	archive_write_set_bytes_per_block(z->ar, 0);
	must(archive_write_open2(z->ar, z, NULL, on_piece, NULL, NULL) == ARCHIVE_OK);
	archive_entry_set_pathname(z->entry, name);
	archive_entry_set_filetype(z->entry, AE_IFREG);
	archive_entry_set_perm(z->entry, 0644);
	archive_entry_set_mtime(z->entry, DOS_EPOCH_S, 0);
	return z;
}

static void stream_to(struct zip_stream *z, struct buf *to)
{
	z->to = to;
	if (z->entry)
		must(archive_write_header(z->ar, z->entry) == ARCHIVE_OK);
	entry_freep(&z->entry);
	z->entry = NULL;
}

void zip_stream_add(struct zip_stream *z, const void *p, size_t n, struct buf *ret)
{
	stream_to(z, ret);
	must(archive_write_data(z->ar, p, n) == (la_ssize_t)n);
	z->to = NULL;
}

struct zip_stream *zip_stream_end(struct zip_stream *z, struct buf *ret)
{
	stream_to(z, ret);
	must(archive_write_close(z->ar) == ARCHIVE_OK);
	return zip_stream_free(z);
}

struct zip_stream *zip_stream_free(struct zip_stream *z)
{
	if (z) {
		z->to = NULL;
		entry_freep(&z->entry);
		archive_write_free(z->ar);
	}
	free(z);
	return NULL;
}
