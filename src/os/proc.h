/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc -- child processes: started without a shell, limited, watched, ended for sure.
 *
 * A child gets exactly the environment given, stdin/stdout/stderr as given, no other descriptor, its own
 * process group, no_new_privs, no core dumps, and SIGKILL when its parent dies.  When it has ended and
 * been waited for, what is left of its process group is killed too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct proc_opts {
	const char *const *argv; /* NULL-terminated; argv[0] is the program's path */
	const char *const *env;  /* NULL-terminated "NAME=value" */
	const char *cwd;         /* NULL: the parent's */
	int fd_in, fd_out,
		fd_err; /* -1: /dev/null; else duplicated into the child, the parent's stay open */
	int landlock; /* a ruleset that the child enters (os/landlock.h); 0: none.  It needs /dev/null in it */
	uint64_t limit_as_bytes, limit_fsize_bytes, limit_nofile, limit_cpu_s; /* 0: no limit */
};

struct proc {
	pid_t pid;
	int pidfd; /* readable (poll) when the child has ended */
};

/* When this returns 0 the program has been loaded; ERR_NOENT if it does not exist.  Any thread. */
int proc_start(const struct proc_opts *o, struct proc *ret, struct err *e) MUST_CHECK;
/* Waits at most @timeout_ms (-1: for ever).  true: it ended, *ret_status as from waitpid(), and the
 * process is forgotten (pidfd closed). */
bool proc_wait(struct proc *p, int timeout_ms, int *ret_status);
void proc_signal(const struct proc *p, int sig);        /* to the whole group */
void proc_kill(struct proc *p);                         /* SIGKILL to the group, and wait */
const char *proc_status_text(int status, char out[64]); /* "exit code 3", "signal 9 (Killed)" */

/* The path of one of mulgil's own programs: @given if it is not NULL, else @name beside this program, else in
 * ../libexec/mulgil/ of it; the caller frees it.  NULL: ERR_NOENT. */
char *proc_program(const char *given, const char *name, struct err *e) MUST_CHECK;
