// SPDX-License-Identifier: Apache-2.0
/* The program's own messages: one line, one write(2). */
#include "os/diag.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "os/clock.h"

#define LINE_MAX_BYTES 2048

static _Atomic(int) least_level = DIAG_INFO;

void diag_set_level(enum diag_level least)
{
	atomic_store(&least_level, (int)least);
}

void diag(enum diag_level l, const char *area, const char *fmt, ...)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	char line[LINE_MAX_BYTES], when[TIME_TEXT];
	size_t n;
	va_list ap;

	if ((int)l < atomic_load(&least_level))
		return;
	n = (size_t)snprintf(line, sizeof(line), "%s %s %s ", time_iso(clock_ms(), when), names[l],
			     area);
	va_start(ap, fmt);
	n += (size_t)vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	/* A text from outside must not look like a line of ours or steer a terminal. */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nobody is left to tell */
}
