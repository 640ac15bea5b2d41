/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock -- what of the file system (and whether TCP) a process may use from now on, by the kernel's Landlock.
 *
 * A ruleset is made by whoever may open the paths and entered by the process that is to be limited; it holds for
 * what that process starts, and cannot be undone.  A rule belongs to the file that stands at its path when the ruleset
 * is made, not to the path (so /proc/self is the maker's).  What may be read below /proc may show other processes.
 * By raw system calls: the C library has no wrappers for them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum landlock_access {
	LANDLOCK_READ = 1,    /* files and lists of folders */
	LANDLOCK_EXECUTE = 2,
	LANDLOCK_WRITE = 4,   /* files; in folders also create and remove */
};

struct landlock_rule {
	const char *path;
	unsigned access; /* of what is below, if it is a folder */
	bool optional;   /* it may be missing */
};

/*
 * *ret_fd: the ruleset (close-on-exec), or -1 where the kernel has no Landlock; *ret_abi its version, then 0.
 * @tcp: binding and connecting stay allowed (they can only be refused from ABI 4 on).
 * ERR_NOENT: a path is missing.
 */
int landlock_ruleset(const struct landlock_rule *rules, size_t n, bool tcp, int *ret_fd, int *ret_abi, struct err *e) MUST_CHECK;
/* Enters; the caller must have no_new_privs set.  Async-signal-safe.  false: errno tells. */
bool landlock_enter(int fd);
