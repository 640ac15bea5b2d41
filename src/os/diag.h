/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag -- the program's own messages, one line each on stderr: time, level, area, text.
 *
 * Only main/, the request logger and background actors write them; libraries return errors.  Never a
 * secret, never a name of a person.  Any thread; a line is written with one write(2).
 */
#pragma once

#include "base/macro.h"

enum diag_level { DIAG_DEBUG, DIAG_INFO, DIAG_WARN, DIAG_ERROR };

void diag_set_level(enum diag_level least);
void diag(enum diag_level l, const char *area, const char *fmt, ...) PRINTF_LIKE(3, 4);
