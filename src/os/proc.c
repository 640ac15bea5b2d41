// SPDX-License-Identifier: Apache-2.0
/* Child processes, started from one long-lived thread. */
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/view.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/landlock.h"
#include "os/thread.h"

/*
 * The kernel sends PR_SET_PDEATHSIG when the *thread* that made the child ends, so all children are
 * made by one thread that lives as long as the program.  Between vfork() and execve() the child shares our
 * memory: it only makes system calls, on values prepared before.
 */
struct request {
	const struct proc_opts *o;
	int fds[4]; /* in, out, err, and where the child tells why it failed; all above 3 */
	pid_t parent;
	struct proc *ret;
	struct err *e;
	bool done;
	struct request *next;
};

/* What the child tells when it could not become the program. */
struct failure {
	int no;
	char step[16];
};

static struct {
	pthread_once_t once;
	struct lock lock;
	struct cond asked, answered;
	struct request *first, **last;
} spawner = { .once = PTHREAD_ONCE_INIT };

static void child_fail(const char *step) NORETURN;

static void child_fail(const char *step)
{
	struct failure f = { .no = errno };

	for (size_t i = 0; step[i] && i + 1 < sizeof(f.step); i++)
		f.step[i] = step[i];
	if (write(3, &f, sizeof(f)) < 0)
		_exit(126);
	_exit(127);
}

static void child_limit(__rlimit_resource_t what, uint64_t limit)
{
	struct rlimit r = { .rlim_cur = limit, .rlim_max = limit };

	if (limit && setrlimit(what, &r) < 0)
		child_fail("limit");
}

static void child_limits(const struct proc_opts *o)
{
	struct rlimit none = { 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		child_fail("limit");
	child_limit(RLIMIT_AS, o->limit_as_bytes);
	child_limit(RLIMIT_FSIZE, o->limit_fsize_bytes);
	child_limit(RLIMIT_NOFILE, o->limit_nofile);
	child_limit(RLIMIT_CPU, o->limit_cpu_s);
}

/* The way to complain; all four are above 3, so none is overwritten before its turn. */
static void child_complaints(const struct request *r)
{
	if (dup3(r->fds[3], 3, O_CLOEXEC) < 0)
		_exit(126);
}

static void child_descriptors(const struct request *r)
{
	for (int i = 0; i < 3; i++)
		if (dup2(r->fds[i], i) < 0)
			child_fail("descriptor");
	if (syscall(SYS_close_range, 4u, ~0u, 0u) < 0)
		child_fail("close");
}

static void child_main(const struct request *r) NORETURN;

static void child_main(const struct request *r)
{
	sigset_t none;

	child_complaints(r);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		child_fail("prctl");
	if (r->o->landlock && !landlock_enter(r->o->landlock))
		child_fail("landlock");
	child_descriptors(r);
	if (setpgid(0, 0) < 0)
		child_fail("group");
	if (getppid() != r->parent)
		_exit(126);
	child_limits(r->o);
	if (r->o->cwd && chdir(r->o->cwd) < 0)
		child_fail("folder");
	/* Handlers end with execve(), but what is ignored or blocked would stay so. */
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* execve() takes char *const *, and does not write. */
	execve(r->o->argv[0], (char *const *)(uintptr_t)r->o->argv,
	       (char *const *)(uintptr_t)r->o->env);
	child_fail("program");
}

__attribute__((noinline)) static pid_t make_child(const struct request *r)
{
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

	if (pid == 0)
		child_main(r); /* NOLINT(clang-analyzer-unix.Vfork) */
	return pid;
}

/* A close-on-exec copy of @fd, or of /dev/null, numbered 10 or more. */
static int copy_fd(int fd, int null_flags)
{
	CLEANUP(fd_closep) int null = -1;

	if (fd < 0) {
		null = open("/dev/null", null_flags | O_CLOEXEC);
		if (null < 0)
			return -1;
		fd = null;
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, 10);
}

static int explain(const struct request *r, const struct failure *f)
{
	int code = f->no == ENOENT ? ERR_NOENT : ERR_IO;

	errno = f->no;
	if (strcmp(f->step, "folder") == 0)
		return err_sys(r->e, code, "cannot start %s in %s", r->o->argv[0], r->o->cwd);
	return err_sys(r->e, code, "cannot start %s (%s)", r->o->argv[0], f->step);
}

static int run_child(struct request *r, int complaint)
{
	struct failure f;
	ssize_t n;
	pid_t pid = make_child(r);

	fd_closep(&r->fds[3]);
	if (pid < 0)
		return err_sys(r->e, ERR_IO, "cannot make a process for %s", r->o->argv[0]);
	do {
		n = read(complaint, &f, sizeof(f));
	} while (n < 0 && errno == EINTR);
	if (n != 0) {
		waitpid(pid, NULL, 0);
		return n == (ssize_t)sizeof(f)
			       ? explain(r, &f)
			       : err_set(r->e, ERR_IO, "cannot start %s", r->o->argv[0]);
	}
	r->ret->pid = pid;
	r->ret->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (r->ret->pidfd >= 0)
		return 0;
	err_sys(r->e, ERR_IO, "cannot watch %s", r->o->argv[0]);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r->e->code;
}

static void serve(struct request *r)
{
	int p[2];
	CLEANUP(fd_closep) int complaint = -1;

	if (pipe2(p, O_CLOEXEC) < 0) {
		err_sys(r->e, ERR_IO, "cannot make a pipe");
		return;
	}
	complaint = p[0];
	r->fds[0] = copy_fd(r->o->fd_in, O_RDONLY);
	r->fds[1] = copy_fd(r->o->fd_out, O_WRONLY);
	r->fds[2] = copy_fd(r->o->fd_err, O_WRONLY);
	r->fds[3] = copy_fd(p[1], O_WRONLY);
	close(p[1]);
	r->parent = getpid();
	if (r->fds[0] < 0 || r->fds[1] < 0 || r->fds[2] < 0 || r->fds[3] < 0)
		err_sys(r->e, ERR_IO, "cannot copy a descriptor");
	else
		run_child(r, complaint);
	for (int i = 0; i < 4; i++)
		fd_closep(&r->fds[i]);
}

static void *spawner_main(void *arg)
{
	(void)arg;
	lock_take(&spawner.lock);
	for (;;) {
		struct request *r = spawner.first;

		if (!r) {
			cond_wait(&spawner.asked, &spawner.lock);
			continue;
		}
		spawner.first = r->next;
		if (!spawner.first)
			spawner.last = &spawner.first;
		lock_drop(&spawner.lock);
		serve(r);
		lock_take(&spawner.lock);
		r->done = true;
		cond_broadcast(&spawner.answered);
	}
	return NULL;
}

static void spawner_start(void)
{
	lock_init(&spawner.lock, "spawner");
	cond_init(&spawner.asked);
	cond_init(&spawner.answered);
	spawner.last = &spawner.first;
	must(pthread_detach(thread_start("spawner", spawner_main, NULL)) == 0);
}

int proc_start(const struct proc_opts *o, struct proc *ret, struct err *e)
{
	struct request r = { .o = o, .fds = { -1, -1, -1, -1 }, .ret = ret, .e = e };

	must(o->argv && o->argv[0] && o->env);
	must(pthread_once(&spawner.once, spawner_start) == 0);
	LOCK_SCOPE(&spawner.lock);
	*spawner.last = &r;
	spawner.last = &r.next;
	cond_signal(&spawner.asked);
	while (!r.done)
		cond_wait(&spawner.answered, &spawner.lock);
	return e->code;
}

static bool wait_end(int pidfd, int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? 0 : clock_mono_ns() + timeout_ms * 1000000LL;

	for (;;) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int64_t left = timeout_ms < 0 ? -1
					      : (deadline - clock_mono_ns() + 999999) / 1000000;
		int rc = poll(&p, 1, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0);

		if (rc > 0)
			return true;
		if (rc == 0)
			return false;
		must(errno == EINTR);
	}
}

bool proc_wait(struct proc *p, int timeout_ms, int *ret_status)
{
	int status;

	must(p->pid > 0);
	if (!wait_end(p->pidfd, timeout_ms))
		return false;
	/* Until waitpid() nobody else can have this number: what is left of the group goes with its leader. */
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0)
		must(errno == EINTR);
	fd_closep(&p->pidfd);
	p->pid = 0;
	if (ret_status)
		*ret_status = status;
	return true;
}

void proc_signal(const struct proc *p, int sig)
{
	if (p->pid > 0)
		kill(-p->pid, sig);
}

void proc_kill(struct proc *p)
{
	if (p->pid <= 0)
		return;
	proc_signal(p, SIGKILL);
	proc_wait(p, -1, NULL);
}

const char *proc_status_text(int status, char out[64])
{
	if (WIFSIGNALED(status))
		snprintf(out, 64, "signal %d (%s)", WTERMSIG(status),
			 sigdescr_np(WTERMSIG(status)));
	else
		snprintf(out, 64, "exit code %d", WEXITSTATUS(status));
	return out;
}

/* --- mulgil's own programs --- */

static char *if_there(struct view folder, const char *between, const char *name)
{
	char *path = NULL;

	must(asprintf(&path, "%.*s%s%s", VIEW_ARG(folder), between, name) > 0);
	if (!file_exists(path)) {
		free(path);
		path = NULL;
	}
	return path;
}

char *proc_program(const char *given, const char *name, struct err *e)
{
	char self[4096], *path;
	ssize_t n;

	if (given) {
		path = if_there(VIEW(""), "", given);
		if (!path)
			err_set(e, ERR_NOENT, "there is no program at %s", given);
		return path;
	}
	n = readlink("/proc/self/exe", self, sizeof(self));
	while (n > 0 && self[n - 1] != '/')
		n--;
	path = n > 0 ? if_there(view_of(self, (size_t)n), "", name) : NULL;
	if (!path && n > 0)
		path = if_there(view_of(self, (size_t)n), "../libexec/mulgil/", name);
	if (!path)
		err_set(e, ERR_NOENT, "%s is not beside mulgil; `make` builds both", name);
	return path;
}
