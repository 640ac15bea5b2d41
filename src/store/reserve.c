/* SPDX-License-Identifier: Apache-2.0 */
/* Room that is kept on a disk for when it is full. */
#include "store/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/file.h"

#define RESERVE (64 * MIB)
#define FILE_NAME "reserve"

static uint64_t size_of(const struct statvfs *st)
{
	uint64_t part = (uint64_t)st->f_blocks * st->f_frsize / 16;

	return part < RESERVE ? part : RESERVE;
}

static uint64_t free_of(const struct statvfs *st)
{
	return (uint64_t)st->f_bavail * st->f_frsize;
}

int reserve_check(int fd, struct err *e)
{
	struct statvfs st;

	if (fstatvfs(fd, &st) < 0)
		return err_sys(e, ERR_IO, "room on the disk");
	/* Twice: what is given back is not room for new bytes. */
	if (free_of(&st) >= 2 * size_of(&st))
		return 0;
	return err_set(e, ERR_LIMIT, "the disk is full: the last %" PRIu64 " MiB are for deletions", 2 * size_of(&st) / MIB);
}

static bool path_in(const char *dir, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/" FILE_NAME, dir);

	return n > 0 && n < PATH_MAX;
}

void reserve_make(const char *dir)
{
	CLEANUP(fd_closep) int fd = -1;
	char path[PATH_MAX];
	struct statvfs st;

	if (!path_in(dir, path) || file_exists(path) || statvfs(dir, &st) < 0 || free_of(&st) < 4 * size_of(&st))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && fallocate(fd, 0, 0, (off_t)size_of(&st)) < 0)
		unlink(path);
}

bool reserve_give_back(const char *dir)
{
	char path[PATH_MAX];

	return path_in(dir, path) && unlink(path) == 0;
}
