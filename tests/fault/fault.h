/* SPDX-License-Identifier: Apache-2.0 */
/* fault -- what the drivers of the power-cut harness share: acknowledgements out, complaints out, known bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macro.h"

/* One write, so that a line is whole or not there. */
void fault_tell(const char *fmt, ...) PRINTF_LIKE(1, 2);
void fault_loss(const char *what, uint64_t id, const char *why);
int fault_losses(void);
void fault_stop(const struct err *e) NORETURN; /* the run cannot go on */
/* @n bytes of text that are @seed's own; malloc'd. */
char *fault_bytes(size_t n, uint64_t seed);
/* The greatest N of the lines "A N" on stdin; 0 if there is none. */
size_t fault_last_ack(void);
