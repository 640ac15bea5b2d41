// SPDX-License-Identifier: Apache-2.0
/* The time now, from the kernel's clocks. */
#include "os/clock.h"

#include <time.h>

#include "base/macro.h"

static int64_t now_ns(clockid_t id)
{
	struct timespec t;

	must(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_ms(void)
{
	return now_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}
