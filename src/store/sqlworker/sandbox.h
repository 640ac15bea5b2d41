/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox -- from here on this process can read the files given, write in the directories given, and little else.
 *
 * Landlock (file system, TCP) and a seccomp deny list.  Both hold for threads started afterwards, not for threads
 * that run already: to be called while there is one thread.  Cannot be undone.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

struct sandbox {
	const char *const *read; /* files */
	size_t n_read;
	const char *const *write; /* directories: create, read, write, remove inside */
	size_t n_write;
};

/* *ret_landlock: the kernel's ABI version, 0 if it has none (then file access is limited by the engine alone).
 * ERR_NOENT: a file of @s does not exist.  ERR_INTERNAL: refused by the kernel. */
int sandbox_enter(const struct sandbox *s, int *ret_landlock, struct err *e) MUST_CHECK;
