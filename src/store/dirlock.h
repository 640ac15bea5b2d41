/* SPDX-License-Identifier: Apache-2.0 */
/* dirlock -- one process at a time per directory (flock on <dir>/lock; the kernel drops it with the process). */
#pragma once

#include "base/err.h"

/* *ret_fd holds the lock until closed.  ERR_BUSY: another process, or this one, has it. */
int dirlock_take(const char *dir, int *ret_fd, struct err *e) MUST_CHECK;
