/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a second process out of a store's directory. */
#include "store/dirlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "os/file.h"

int dirlock_take(const char *dir, int *ret_fd, struct err *e)
{
	CLEANUP(fd_closep) int fd = -1;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/lock", dir);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_LIMIT, "path of directory %.80s... is too long", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, ERR_IO, "lock file %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(e, ERR_BUSY, "%s is in use by another process", dir);
		return err_sys(e, ERR_IO, "lock file %s", path);
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}
