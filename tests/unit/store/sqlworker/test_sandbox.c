// SPDX-License-Identifier: Apache-2.0
/* The sandbox by itself, without the engine's own checks in front of it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "os/file.h"
#include "store/sqlworker/sandbox.h"
#include "unit.h"

/* Exit code of a process that tries to get out: the number of the first thing that went wrong. */
static int try_out(const char *mine, const char *other, const char *dir, const char *in_dir)
{
	struct sandbox s = { .read = &mine, .n_read = 1, .write = &dir, .n_write = 1 };
	struct err e = { 0 };
	int landlock, fd;

	if (sandbox_enter(&s, &landlock, &e) < 0)
		return 1;
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 2;
	if (fork() >= 0)
		return 3;
	if (execl("/bin/true", "true", NULL) == 0 || errno != EPERM)
		return 4;
	if (kill(getppid(), 0) == 0)
		return 5;
	if (open(mine, O_RDONLY) < 0)
		return 6;
	fd = open(in_dir, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1)
		return 7;
	if (!landlock)
		return 77;
	if (open(other, O_RDONLY) >= 0 || errno != EACCES)
		return 8;
	if (open("/etc/passwd", O_RDONLY) >= 0 || open(mine, O_WRONLY) >= 0)
		return 9;
	if (open("/tmp/mulgil-escape", O_WRONLY | O_CREAT, 0600) >= 0)
		return 10;
	return 0;
}

TEST(sandbox_leaves_only_what_was_given)
{
	struct arena a;
	struct err e = { 0 };
	const char *tmp = unit_tmpdir(), *mine, *other, *dir, *in_dir;
	int status;
	pid_t pid;

	arena_init(&a, MIB);
	mine = arena_printf(&a, "%s/mine", tmp);
	other = arena_printf(&a, "%s/other", tmp);
	dir = arena_printf(&a, "%s/dir", tmp);
	in_dir = arena_printf(&a, "%s/dir/new", tmp);
	assert_int_equal(file_replace(mine, VIEW("1"), 0600, &e), 0);
	assert_int_equal(file_replace(other, VIEW("1"), 0600, &e), 0);
	assert_int_equal(file_mkdirs(dir, 0700, &e), 0);
	pid = fork();
	if (pid == 0)
		_exit(try_out(mine, other, dir, in_dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	arena_clear(&a);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_test("this kernel has no Landlock");
	assert_int_equal(WEXITSTATUS(status), 0);
}
