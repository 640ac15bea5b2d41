/* SPDX-License-Identifier: Apache-2.0 */
/* clock -- the time now.  Any thread. */
#pragma once

#include <stdint.h>

int64_t clock_ms(void);      /* wall clock, ms since 1970-01-01 UTC */
int64_t clock_ns(void);      /* wall clock, ns */
int64_t clock_mono_ns(void); /* monotonic; only differences mean something */
