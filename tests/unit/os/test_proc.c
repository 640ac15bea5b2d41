// SPDX-License-Identifier: Apache-2.0
/* Child processes: what they get, how they end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "os/file.h"
#include "os/proc.h"

#include "unit.h"

#define WAIT_MS 20000

static const char *const env[] = { "A=1", "B=two", NULL };

/* Runs a shell line and gives what it wrote; *ret_status as from waitpid(). */
static struct view run(struct arena *a, const char *line, struct proc_opts o, int *ret_status)
{
	const char *const argv[] = { "/bin/sh", "-c", line, NULL };
	struct err e = { 0 };
	struct proc p;
	char out[4000];
	size_t n = 0;
	ssize_t k;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	o.argv = argv;
	o.env = env;
	o.fd_in = o.fd_err = -1;
	o.fd_out = fds[1];
	if (proc_start(&o, &p, &e) < 0)
		fail_msg("%s", e.msg);
	close(fds[1]);
	while (n < sizeof(out) && (k = read(fds[0], out + n, sizeof(out) - n)) > 0)
		n += (size_t)k;
	close(fds[0]);
	assert_true(proc_wait(&p, WAIT_MS, ret_status));
	assert_int_equal(p.pidfd, -1);
	return arena_view(a, view_of(out, n));
}

TEST(proc_gets_only_what_is_given)
{
	struct arena a;
	int status, extra = open("/dev/null", O_RDONLY); /* not close-on-exec, on purpose */
	char text[64];
	struct view v;

	arena_init(&a, 1 << 20);
	v = run(&a,
		"echo $A $B $HOME; pwd; for f in /proc/$$/fd/*; do [ -e $f ] && echo fd ${f##*/}; "
		"done; "
		"read x || echo eof; grep -E '^(NoNewPrivs|SigBlk)' /proc/self/status; exit 3",
		(struct proc_opts){ .cwd = "/usr" }, &status);
	v = view_trim(v);
	assert_true(view_starts(v, VIEW("1 two\n/usr\nfd 0\nfd 1\nfd 2\n")));
	assert_true(view_find(v, VIEW("eof")) > 0);
	assert_true(view_find(v, VIEW("NoNewPrivs:\t1")) > 0);
	assert_true(view_find(v, VIEW("SigBlk:\t0000000000000000")) > 0);
	assert_true(view_find(v, VIEW("fd 4")) < 0);
	assert_string_equal(proc_status_text(status, text), "exit code 3");
	close(extra);
	arena_clear(&a);
}

TEST(proc_limits)
{
	struct arena a;
	int status;

	arena_init(&a, 1 << 20);
	assert_true(view_eq(run(&a, "ulimit -v; ulimit -n; ulimit -t; ulimit -c",
				(struct proc_opts){ .limit_as_bytes = 1 << 30,
						    .limit_nofile = 17,
						    .limit_cpu_s = 9 },
				&status),
			    VIEW("1048576\n17\n9\n0\n")));
	arena_clear(&a);
}

TEST(proc_that_cannot_start_says_why)
{
	const char *const argv[] = { "/no/such/program", NULL };
	const char *const folder[] = { "/bin/true", NULL };
	struct proc_opts o = { .argv = argv, .env = env, .fd_in = -1, .fd_out = -1, .fd_err = -1 };
	struct err e = { 0 };
	struct proc p;

	assert_int_equal(proc_start(&o, &p, &e), ERR_NOENT);
	assert_string_equal(e.msg,
			    "cannot start /no/such/program (program): No such file or directory");
	err_clear(&e);
	o.argv = folder;
	o.cwd = "/no/such/folder";
	assert_int_equal(proc_start(&o, &p, &e), ERR_NOENT);
	assert_string_equal(e.msg,
			    "cannot start /bin/true in /no/such/folder: No such file or directory");
	err_clear(&e);
	o = (struct proc_opts){ .argv = (const char *const[]){ "/etc/passwd", NULL },
				.env = env,
				.fd_in = -1,
				.fd_out = -1,
				.fd_err = -1 };
	assert_int_equal(proc_start(&o, &p, &e), ERR_IO);
}

TEST(proc_wait_times_out_and_kill_takes_the_group)
{
	const char *const argv[] = { "/bin/sh", "-c", "sleep 1000 & echo $!; wait", NULL };
	struct err e = { 0 };
	struct proc p;
	struct view v;
	uint64_t grandchild;
	char out[32], text[64];
	int fds[2], status;
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(proc_start(&(struct proc_opts){ .argv = argv,
							 .env = env,
							 .fd_in = -1,
							 .fd_out = fds[1],
							 .fd_err = -1 },
				    &p, &e),
			 0);
	close(fds[1]);
	n = read(fds[0], out, sizeof(out));
	assert_true(n > 1);
	v = view_trim(view_of(out, (size_t)n));
	assert_true(view_u64(v, INT32_MAX, &grandchild));
	assert_false(proc_wait(&p, 10, &status));
	proc_signal(&p, SIGTERM);
	assert_true(proc_wait(&p, WAIT_MS, &status));
	assert_string_equal(proc_status_text(status, text), "signal 15 (Terminated)");
	/* The pipe ends when the grandchild, which holds it open, is gone as well. */
	assert_int_equal(poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, WAIT_MS), 1);
	assert_int_equal(read(fds[0], out, sizeof(out)), 0);
	close(fds[0]);
	proc_kill(&p); /* nothing any more */
	assert_int_equal(
		proc_start(
			&(struct proc_opts){
				.argv = argv, .env = env, .fd_in = -1, .fd_out = -1, .fd_err = -1 },
			&p, &e),
		0);
	proc_kill(&p);
	assert_int_equal(p.pid, 0);
}

static void *start_many(void *arg)
{
	const char *const argv[] = { "/bin/true", NULL };
	int *ended = arg;

	for (int i = 0; i < 10; i++) {
		struct err e = { 0 };
		struct proc p;
		int status;

		if (proc_start(&(struct proc_opts){ .argv = argv,
						    .env = env,
						    .fd_in = -1,
						    .fd_out = -1,
						    .fd_err = -1 },
			       &p, &e) == 0 &&
		    proc_wait(&p, WAIT_MS, &status) && WIFEXITED(status) &&
		    WEXITSTATUS(status) == 0)
			++*ended;
	}
	return NULL;
}

TEST(proc_from_many_threads_that_end)
{
	pthread_t t[4];
	int ended[4] = { 0 };

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, start_many, &ended[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(ended[i], 10);
	}
}

static void *start_sleeper(void *arg)
{
	const char *const argv[] = { "/bin/sleep", "1000", NULL };
	struct err e = { 0 };

	if (proc_start(
		    &(struct proc_opts){
			    .argv = argv, .env = env, .fd_in = -1, .fd_out = -1, .fd_err = -1 },
		    arg, &e) < 0)
		fprintf(stderr, "%s\n", e.msg);
	return NULL;
}

TEST(proc_outlives_the_thread_that_asked_for_it)
{
	struct proc p = { 0 };
	pthread_t t;
	int status;

	assert_int_equal(pthread_create(&t, NULL, start_sleeper, &p), 0);
	pthread_join(t, NULL);
	assert_true(p.pid > 0);
	assert_false(proc_wait(&p, 50, &status));
	proc_kill(&p);
}
