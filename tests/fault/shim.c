/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A preloaded library that cuts the power just before the N-th call that changes a file system.
 *
 * FAULT_DIR    mount point of the file system (nothing else is on it)
 * FAULT_AT     number of the call before which the power is cut, from 1; 0: never
 * FAULT_TRACE  file that gets one letter per call, so that the harness can spread its cuts; ! is the cut
 * FAULT_KILL   if set, only the process ends, the file system stays as it is
 * FAULT_LIE    if set, syncs are counted but not done: a disk that lies, to show that losses are noticed
 *
 * The cut is the file system's own: FS_IOC_SHUTDOWN without flushing its log forgets all that is not durable.
 * Not seen: stores through mmap, io_uring, direct system calls.  The stores use none of them for their data.
 */
#undef _FILE_OFFSET_BITS /* both spellings of each call are wrapped */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define SHUTDOWN _IOR('X', 125, uint32_t)
#define SHUTDOWN_NOLOGFLUSH 2

static int dir_fd = -1, trace_fd = -1;
static dev_t device;
static long cut_at;
static int lie, only_kill;
static atomic_long calls;
static atomic_bool dead; /* from just before the cut: no other thread's call returns any more, so none is acknowledged */

static long number(const char *s)
{
	long n = 0;

	for (; s && *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (*s - '0');
	return n;
}

/* Opened before anything happens: after the cut nothing can be. */
__attribute__((constructor)) static void start(void)
{
	const char *dir = getenv("FAULT_DIR"), *trace = getenv("FAULT_TRACE");
	struct stat st;

	if (!dir)
		return;
	dir_fd = (int)syscall(SYS_openat, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (dir_fd < 0 || fstat(dir_fd, &st) < 0)
		_exit(98);
	device = st.st_dev;
	cut_at = number(getenv("FAULT_AT"));
	lie = getenv("FAULT_LIE") != NULL;
	only_kill = getenv("FAULT_KILL") != NULL;
	if (trace)
		trace_fd = (int)syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void end_here(void)
{
	while (atomic_load(&dead))
		pause();
}

/* What a call returned counts only if it did so while there was power. */
#define ALIVE(call) \
	({ \
		__typeof__(call) ret_ = (call); \
		int errno_ = errno; \
		end_here(); \
		errno = errno_; \
		ret_; \
	})

static void count(char letter)
{
	uint32_t how = SHUTDOWN_NOLOGFLUSH;

	end_here();
	if (dir_fd < 0)
		return;
	if (atomic_fetch_add(&calls, 1) + 1 == cut_at)
		letter = '!';
	if (trace_fd >= 0)
		syscall(SYS_write, trace_fd, &letter, 1);
	if (letter != '!')
		return;
	atomic_store(&dead, true);
	if (!only_kill)
		ioctl(dir_fd, SHUTDOWN, &how);
	syscall(SYS_kill, getpid(), SIGKILL);
}

static void count_fd(char letter, int fd)
{
	struct stat st;

	end_here();
	if (dir_fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == device)
		count(letter);
}

#define REAL(name) \
	static __typeof__(&name) real; \
	if (!real) \
		real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

EXPORT ssize_t write(int fd, const void *p, size_t n)
{
	REAL(write);
	count_fd('w', fd);
	return ALIVE(real(fd, p, n));
}

EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL(pwrite);
	count_fd('w', fd);
	return ALIVE(real(fd, p, n, at));
}

EXPORT ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	REAL(pwrite64);
	count_fd('w', fd);
	return ALIVE(real(fd, p, n, at));
}

EXPORT ssize_t writev(int fd, const struct iovec *v, int n)
{
	REAL(writev);
	count_fd('w', fd);
	return ALIVE(real(fd, v, n));
}

EXPORT ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	REAL(pwritev);
	count_fd('w', fd);
	return ALIVE(real(fd, v, n, at));
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	REAL(pwritev64);
	count_fd('w', fd);
	return ALIVE(real(fd, v, n, at));
}

EXPORT int fsync(int fd)
{
	REAL(fsync);
	count_fd('s', fd);
	return ALIVE(lie ? 0 : real(fd));
}

EXPORT int fdatasync(int fd)
{
	REAL(fdatasync);
	count_fd('s', fd);
	return ALIVE(lie ? 0 : real(fd));
}

EXPORT int syncfs(int fd)
{
	REAL(syncfs);
	count_fd('s', fd);
	return ALIVE(lie ? 0 : real(fd));
}

EXPORT int ftruncate(int fd, off_t n)
{
	REAL(ftruncate);
	count_fd('t', fd);
	return ALIVE(real(fd, n));
}

EXPORT int ftruncate64(int fd, off64_t n)
{
	REAL(ftruncate64);
	count_fd('t', fd);
	return ALIVE(real(fd, n));
}

EXPORT int fallocate(int fd, int mode, off_t at, off_t n)
{
	REAL(fallocate);
	count_fd('t', fd);
	return ALIVE(real(fd, mode, at, n));
}

EXPORT int fallocate64(int fd, int mode, off64_t at, off64_t n)
{
	REAL(fallocate64);
	count_fd('t', fd);
	return ALIVE(real(fd, mode, at, n));
}

EXPORT int rename(const char *from, const char *to)
{
	REAL(rename);
	count('r');
	return ALIVE(real(from, to));
}

EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	REAL(renameat);
	count('r');
	return ALIVE(real(from_dir, from, to_dir, to));
}

EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	REAL(renameat2);
	count('r');
	return ALIVE(real(from_dir, from, to_dir, to, flags));
}

EXPORT int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	REAL(linkat);
	count('l');
	return ALIVE(real(from_dir, from, to_dir, to, flags));
}

EXPORT int unlink(const char *path)
{
	REAL(unlink);
	count('u');
	return ALIVE(real(path));
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
	REAL(unlinkat);
	count('u');
	return ALIVE(real(dir, path, flags));
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir);
	count('m');
	return ALIVE(real(path, mode));
}

EXPORT int mkdirat(int dir, const char *path, mode_t mode)
{
	REAL(mkdirat);
	count('m');
	return ALIVE(real(dir, path, mode));
}

/* Opening counts only where it may create a name. */
#define MODE_OF(flags, mode) \
	do { \
		va_list ap; \
		va_start(ap, flags); \
		if ((flags) & (O_CREAT | O_TMPFILE)) \
			mode = va_arg(ap, mode_t); \
		va_end(ap); \
		if ((flags) & O_CREAT) \
			count('o'); \
	} while (0)

EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	REAL(open);
	MODE_OF(flags, mode);
	return ALIVE(real(path, flags, mode));
}

EXPORT int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	REAL(open64);
	MODE_OF(flags, mode);
	return ALIVE(real(path, flags, mode));
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	REAL(openat);
	MODE_OF(flags, mode);
	return ALIVE(real(dir, path, flags, mode));
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	REAL(openat64);
	MODE_OF(flags, mode);
	return ALIVE(real(dir, path, flags, mode));
}
